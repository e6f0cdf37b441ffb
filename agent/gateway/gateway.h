/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway: one LAN port and one WAN port joined by the module, and the agent's part of it.
 * This is what the API and the CLI see of it; who does the work is told in the files beside.
 *
 * Views are snapshots that the caller may read until the callback that gave them returns.
 * Addresses are in network byte order, ports and all else in host byte order, times are seconds
 * since the epoch with 0 for "never" unless a name says otherwise.
 */
#ifndef DOPPEL_GATEWAY_GATEWAY_H
#define DOPPEL_GATEWAY_GATEWAY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"

struct clock;
struct config;
struct dhcp4_lease;
struct dhcp6_lease;
struct doppel_error;
struct doppel_link;
struct ev_loop;
struct gateway;
struct json_t;
struct module_session;
struct packet_socket;
struct ra;
struct rng;
struct rtnetlink;
struct store;
struct udp_socket;

#define GATEWAY_ADDRESSES_MAX 8

/* One family of one device on the WAN. */
enum family_status {
	FAMILY_OFF,		/* not wanted, or the WAN has none of it: the reason says */
	FAMILY_SOLICITING,
	FAMILY_BOUND,
	FAMILY_RENEWING,
	FAMILY_FAILED,		/* all retries used up; still retried, at next_retry */
};

/* Who told of the NAT64 prefix. */
enum nat64_origin {
	NAT64_NONE,
	NAT64_CONFIGURED,
	NAT64_RA,		/* RFC 8781 */
	NAT64_DNS,		/* RFC 7050 */
	NAT64_HELD,		/* the module had it when the agent began */
};

enum device_status {
	DEVICE_DISCOVERING,	/* no address yet, retries left */
	DEVICE_ACTIVE,		/* every family that the WAN offers is bound */
	DEVICE_DEGRADED,	/* one family is bound, the other failed */
	DEVICE_INACTIVE,	/* silent on the LAN; keeps its addresses */
	DEVICE_FAILED,		/* no family is bound and all retries are used up */
};

#define DEVICE_STATUSES (DEVICE_FAILED + 1)

struct family_view {
	enum family_status status;
	const char *reason;		/* "" when there is nothing to say */
	int64_t next_retry;		/* 0: none planned */
};

struct wan6_view {
	struct in6_addr address;
	uint8_t prefix_len;
	bool dhcp;			/* by DHCPv6, else by SLAAC */
};

struct counters_view {
	uint64_t lan_packets, lan_bytes;	/* device → WAN */
	uint64_t wan_packets, wan_bytes;	/* WAN → device */
	uint64_t dropped;
	uint64_t sessions;			/* begun, ever */
};

/* 0: never. */
struct lease_times {
	int64_t acquired, renew, rebind, expires;
};

struct device_view {
	struct mac mac;
	const char *name;		/* from the file, else the DHCP host name, else "" */
	bool listed;			/* in the file */
	struct in_addr lan_ipv4;	/* zero: not seen on the LAN yet */
	struct in_addr wan_ipv4;	/* zero: none */
	uint8_t wan_prefix_len;
	struct in_addr wan_router;
	struct in6_addr link_local;
	struct wan6_view wan_ipv6[GATEWAY_ADDRESSES_MAX];
	size_t wan_ipv6_count;
	struct in6_addr wan_router6;
	enum device_status status;
	struct family_view ipv4, ipv6;
	int64_t discovered_at;
	int64_t last_seen;
	bool in_module;			/* the module knows it; else the next two are zero */
	struct counters_view counters;
	uint32_t sessions;		/* at this moment */
	/* What servers and routers told; NULL or "": nothing. */
	const struct dhcp4_lease *dhcp4;
	const struct dhcp6_lease *dhcp6;	/* of information alone: it has no addresses */
	struct lease_times dhcp4_times, dhcp6_times;
	const struct ra *advertised;	/* by the default router */
	const char *search;		/* by routers */
};

/* What may come in from the WAN to one device. */
struct forward_view {
	struct mac mac;
	uint8_t protocol;		/* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;			/* on the device's WAN addresses */
	uint16_t to;			/* of the device */
	const char *origin;		/* "default", "config" or "cli" */
};

enum lend_mode {
	LEND_AUTO,
	LEND_OFF,
	LEND_MAC,
};

struct gateway_counts {
	unsigned int total;
	unsigned int by_status[DEVICE_STATUSES];
};

struct gateway_status {
	int64_t started_at;
	int64_t last_discovery;		/* when a device was last found */
	bool module_present;		/* the netlink family is there */
	bool module_ready;		/* and the gateway is set in it */
	const char *module_version;	/* "" when absent */
	const char *problem;		/* why not ready; "" when ready */
	const char *store_problem;	/* why the state file cannot be written; "" when it can */
	const char *lan, *wan;		/* port names */
	bool lan_up, wan_up;		/* with carrier */
	struct in_addr lan_ipv4;
	uint8_t lan_prefix_len;
	bool devices_only;
	struct in6_addr router6;	/* who advertises on the WAN; zero: nobody */
	bool dhcp_wanted, dhcp_running;	/* our own dnsmasq on the LAN */
	bool dns_served;		/* and it answers DNS, too */
	enum lend_mode lend;		/* by the file; off with identity: own */
	struct mac lender;		/* whose identity the box has; zeros: nobody's */
	bool lender_has_ipv4;
	enum nat64_origin nat64_origin;
	struct in6_addr nat64_prefix;
	uint8_t nat64_prefix_len;	/* 0: none */
	size_t mappings;		/* in the module, with the agent's own */
	bool filter_forward;		/* in the module */
	uint32_t sessions;
	unsigned int queued;		/* negotiation frames waiting for the rate cap */
	int64_t refused_at;		/* when a device was last not let in; 0: never */
	struct mac refused_mac;		/* which one */
	const char *refused_why;	/* "" */
	struct gateway_counts devices;
};

enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL };

/* One line of `doppel diagnose`. */
struct check_view {
	const char *name;		/* stable, for programs: "wan-carrier" */
	enum check_result result;
	const char *text;		/* what was found */
	const char *fix;		/* what to do; "" when all is well */
};

struct drop_view {
	const char *reason;		/* as in uapi/doppel.yaml */
	uint64_t packets;
};

struct total_view {
	const char *name;		/* as in uapi/doppel.yaml */
	uint64_t value;
};

enum gateway_event_kind {
	GATEWAY_EVENT_DEVICE_NEW,
	GATEWAY_EVENT_DEVICE_CHANGED,	/* status, addresses or LAN address */
	GATEWAY_EVENT_DEVICE_GONE,	/* removed for good */
	GATEWAY_EVENT_CONFLICT,		/* somebody else claims an address of the device */
	GATEWAY_EVENT_TABLE_FULL,
	GATEWAY_EVENT_MODULE,		/* came, went, was set */
	GATEWAY_EVENT_LINK,		/* carrier of a port came or went */
};

struct gateway_event {
	enum gateway_event_kind kind;
	int64_t at;
	const struct device_view *device;	/* NULL unless it is about one */
	const char *text;			/* for people */
};

/* Who listens: the caller owns it and takes it off before freeing it. */
struct gateway_listener {
	struct list link;
	void (*event)(struct gateway_listener *listener, const struct gateway_event *event);
};

/* The outside world; a NULL member (but loop, config and store) stands for the real thing. */
struct gateway_env {
	struct ev_loop *loop;
	struct config *config;		/* has a gateway section; stays the caller's */
	struct store *store;
	struct clock *clock;
	struct rng *rng;
	struct doppel_link *module;
	struct rtnetlink *rtnetlink;
	struct packet_socket *packet, *lan_packet;
	struct udp_socket *udp;
	const char *run_dir;		/* lan-dhcp.conf, resolv.conf; NULL: /run/doppel */
};

/*
 * Start. A module or port that is missing is no error: it is waited for. Returns 0 or a negative
 * errno, with @err told.
 */
int doppel_gateway_new(const struct gateway_env *env, struct gateway **gateway,
		       struct doppel_error *err);

/* Stop. What the module holds stays as it is: forwarding goes on. NULL is fine. */
void doppel_gateway_free(struct gateway *gateway);

/*
 * Take over a new file. Sessions survive all changes but those of the ports. The old
 * configuration may be freed after this returned 0; on an error it is still in use.
 */
int doppel_gateway_reload(struct gateway *gateway, struct config *config,
			  struct doppel_error *err);

void doppel_gateway_status(struct gateway *gateway, struct gateway_status *status);

/* In the order of MAC addresses, with fresh counters. A callback that returns non-zero ends it. */
int doppel_gateway_foreach_device(struct gateway *gateway,
				  int (*cb)(const struct device_view *device, void *ctx),
				  void *ctx);

/* -ENOENT when the device is unknown, else what the callback returned. */
int doppel_gateway_device(struct gateway *gateway, const struct mac *mac,
			  int (*cb)(const struct device_view *device, void *ctx), void *ctx);

/* Negotiate anew at once: a retry that is waiting is not waited for. -ENOENT. */
int doppel_gateway_retry(struct gateway *gateway, const struct mac *mac);

/* Release its leases, forget it; seen again, it is a new device. -ENOENT. */
int doppel_gateway_forget(struct gateway *gateway, const struct mac *mac);

/* All that the store knows of the devices: export.h's document, which is the caller's. 0 or -errno. */
int doppel_gateway_export(struct gateway *gateway, struct json_t **document);

struct import_counts {
	size_t devices;			/* in the document */
	size_t added;			/* of them were not known here */
	size_t kept;			/* of them have leases in use, which are newer */
	size_t forwards;
};

/*
 * Take such a document's devices in: new ones with their leases, which their servers are asked about as
 * after a reboot; of those that are known what is missing. The store takes all of it in one transaction.
 * -EINVAL with a line for each fault in @err, or what the store said: nothing was changed. -ENOMEM: perhaps
 * the first ones were taken; the same document may be taken again.
 */
int doppel_gateway_import(struct gateway *gateway, const struct json_t *document,
			  struct import_counts *counts, struct doppel_error *err);

int doppel_gateway_foreach_forward(struct gateway *gateway,
				   int (*cb)(const struct forward_view *forward, void *ctx),
				   void *ctx);

/*
 * Add a forward of one device and keep it over restarts; @to 0 means @port. -ENOENT: no such
 * device. -EEXIST: the port already leads elsewhere. -EINVAL: protocol or port out of range.
 */
int doppel_gateway_forward_add(struct gateway *gateway, const struct mac *mac, uint8_t protocol,
			       uint16_t port, uint16_t to, struct doppel_error *err);

/* -ENOENT: no such forward. -EPERM: it is in the file, so it must be removed there. */
int doppel_gateway_forward_del(struct gateway *gateway, const struct mac *mac, uint8_t protocol,
			       uint16_t port, struct doppel_error *err);

/* Straight from the module; kernel/doppel.h has struct module_session. */
int doppel_gateway_foreach_session(struct gateway *gateway,
				   int (*cb)(const struct module_session *session, void *ctx),
				   void *ctx);

/* End all sessions, or those of @mac if it is not NULL. */
int doppel_gateway_flush_sessions(struct gateway *gateway, const struct mac *mac);

/* The module's counters since it was loaded. Each of the three may be NULL. */
struct stats_listener {
	struct counters_view *counters;
	int (*drop)(const struct drop_view *drop, void *ctx);
	int (*total)(const struct total_view *total, void *ctx);
	void *ctx;
};

int doppel_gateway_stats(struct gateway *gateway, const struct stats_listener *listener);

/* Do at once what is done by itself sooner or later: doppel_gateway_diagnose() tells what it led to. */
void doppel_gateway_repair(struct gateway *gateway);

int doppel_gateway_diagnose(struct gateway *gateway,
			    int (*cb)(const struct check_view *check, void *ctx), void *ctx);

void doppel_gateway_listen(struct gateway *gateway, struct gateway_listener *listener);
void doppel_gateway_unlisten(struct gateway_listener *listener);

/* The words used in JSON and tables. */
const char *doppel_family_status_name(enum family_status status);
const char *doppel_device_status_name(enum device_status status);
const char *doppel_gateway_event_name(enum gateway_event_kind kind);
const char *doppel_nat64_origin_name(enum nat64_origin origin);
const char *doppel_check_result_name(enum check_result result);

#endif
