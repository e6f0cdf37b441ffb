/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module as the agent sees it: the netlink family `doppel` of uapi/doppel.yaml in structs.
 * Addresses are in network byte order, ports and all else in host byte order. A zero address is
 * none. Every call returns 0 or a negative errno: the module's own, -ENOENT also for a family that
 * is not there (the module is not loaded: doppel_link_present() tells which), -EINTR for a dump
 * that the table changed under too often.
 */
#ifndef DOPPEL_KERNEL_DOPPEL_H
#define DOPPEL_KERNEL_DOPPEL_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define MODULE_ADDRESSES_MAX 8
#define MODULE_DROPS_MAX 64
#define MODULE_TOTALS_MAX 32
#define MODULE_MESSAGE_MAX 160

struct module_gateway {
	uint32_t lan_ifindex, wan_ifindex;
	struct in_addr lan_ipv4;
	uint8_t lan_prefix_len;
	bool own;			/* identity: own; else devices-only */
	uint32_t max_devices;		/* 0 in a request: the module's default; so the next two */
	uint32_t max_sessions;
	uint32_t max_device_sessions;
	struct mac lender;		/* whose identity the box's own traffic has; zeros: nobody's */
	struct in6_addr nat64_prefix;
	uint8_t nat64_prefix_len;	/* 0: no prefix */
	bool filter_forward;		/* filter: forward */
	bool lends;			/* replies only: the module knows the four above, and mappings */
	uint32_t devices, sessions;	/* at this moment; replies only */
	char version[32];		/* replies only */
};

/* Which members a gateway_set gives; the ports once, when the gateway is made. */
enum {
	MODULE_PORTS = 1 << 0,		/* with LAN address, identity and limits */
	MODULE_LENDER = 1 << 1,
	MODULE_NAT64_PREFIX = 1 << 2,
	MODULE_FILTER = 1 << 3,
};

struct module_address {
	struct in6_addr ipv6;
	uint8_t prefix_len;
};

struct module_counters {
	uint64_t lan_packets, lan_bytes;
	uint64_t wan_packets, wan_bytes;
	uint64_t dropped;
	uint64_t sessions;
};

/* Which members a device_set changes. */
enum {
	MODULE_LAN_IPV4 = 1 << 0,
	MODULE_WAN_IPV4 = 1 << 1,	/* with prefix length and router */
	MODULE_LINK_LOCAL = 1 << 2,
	MODULE_WAN_IPV6 = 1 << 3,
	MODULE_WAN_ROUTER6 = 1 << 4,
	MODULE_ALL = (1 << 5) - 1,
};

struct module_device {
	struct mac mac;
	struct in_addr lan_ipv4;
	struct in_addr wan_ipv4;
	uint8_t wan_prefix_len;
	struct in_addr wan_router;
	struct in6_addr link_local;
	struct module_address wan_ipv6[MODULE_ADDRESSES_MAX];
	size_t wan_ipv6_count;
	struct in6_addr wan_router6;
	/* replies only */
	struct module_counters counters;
	uint32_t sessions;
	uint32_t idle_ms;		/* since a frame of it was last seen on the LAN */
};

struct module_forward {
	struct mac mac;
	uint8_t protocol;
	uint16_t port, to;
};

/* An IPv4 alias on the LAN side of one IPv6 host. */
struct module_mapping {
	struct in_addr ipv4;
	struct in6_addr ipv6;
};

struct module_session {
	struct mac mac;
	uint8_t protocol;
	uint32_t translation;		/* enum doppel_translation */
	uint32_t state;			/* enum doppel_session_state */
	bool outbound;
	bool lent;			/* the box's own, by the device's identity */
	bool wan_is_ipv6;		/* which of the WAN addresses below are set */
	struct in_addr lan_ipv4, lan_peer_ipv4;
	uint16_t lan_port, lan_peer_port;
	struct in_addr wan_ipv4, wan_peer_ipv4;
	struct in6_addr wan_ipv6, wan_peer_ipv6;
	uint16_t wan_port, wan_peer_port;
	uint32_t expires_s;
};

struct module_stats {
	struct module_counters counters;
	size_t drop_count;
	struct {
		uint32_t reason;	/* enum doppel_drop_reason */
		uint64_t packets;
	} drops[MODULE_DROPS_MAX];
	size_t total_count;		/* 0: the module has none */
	struct {
		uint32_t of;		/* enum doppel_total */
		uint64_t value;
	} totals[MODULE_TOTALS_MAX];
};

enum module_event_kind {
	MODULE_EVENT_DEVICE_SEEN,	/* mac, ipv4 */
	MODULE_EVENT_DEVICE_MOVED,	/* mac, ipv4 */
	MODULE_EVENT_CONFLICT,		/* wan, mac, ipv4 or ipv6, other_mac */
	MODULE_EVENT_PORT_GONE,		/* wan */
	MODULE_EVENT_TABLE_FULL,	/* table */
	MODULE_EVENT_CAME,		/* the family appeared: the module was loaded */
	MODULE_EVENT_WENT,		/* and went away */
	MODULE_EVENT_LOST,		/* the socket overran: events are missing, look at everything */
};

struct module_event {
	enum module_event_kind kind;
	struct mac mac, other_mac;
	struct in_addr ipv4;
	struct in6_addr ipv6;
	bool wan;			/* which port */
	uint32_t table;			/* enum doppel_table */
};

/* One interface; tests have a fake. */
struct doppel_link {
	/* Text that came with the last refusal (the module's extack); "" if none. */
	char message[MODULE_MESSAGE_MAX];

	/* Readable when events wait; handle them with read_events. */
	int (*event_fd)(struct doppel_link *link);
	int (*read_events)(struct doppel_link *link,
			   void (*cb)(const struct module_event *event, void *ctx), void *ctx);
	bool (*present)(struct doppel_link *link);

	int (*gateway_set)(struct doppel_link *link, const struct module_gateway *gateway,
			   unsigned int what);
	int (*gateway_get)(struct doppel_link *link, struct module_gateway *gateway);
	int (*gateway_del)(struct doppel_link *link);
	int (*device_add)(struct doppel_link *link, const struct module_device *device);
	int (*device_set)(struct doppel_link *link, const struct module_device *device,
			  unsigned int what);
	int (*device_del)(struct doppel_link *link, const struct mac *mac);
	int (*device_get)(struct doppel_link *link, const struct mac *mac,
			  struct module_device *device);
	int (*device_dump)(struct doppel_link *link,
			   int (*cb)(const struct module_device *device, void *ctx), void *ctx);
	int (*forward_add)(struct doppel_link *link, const struct module_forward *forward);
	int (*forward_del)(struct doppel_link *link, const struct module_forward *forward);
	int (*forward_dump)(struct doppel_link *link,
			    int (*cb)(const struct module_forward *forward, void *ctx), void *ctx);
	/* These three: -EOPNOTSUPP from a module without mappings. */
	int (*mapping_add)(struct doppel_link *link, const struct module_mapping *mapping);
	int (*mapping_del)(struct doppel_link *link, const struct module_mapping *mapping);
	int (*mapping_dump)(struct doppel_link *link,
			    int (*cb)(const struct module_mapping *mapping, void *ctx), void *ctx);
	int (*session_dump)(struct doppel_link *link,
			    int (*cb)(const struct module_session *session, void *ctx), void *ctx);
	int (*session_flush)(struct doppel_link *link, const struct mac *mac);
	int (*stats_get)(struct doppel_link *link, struct module_stats *stats);
	void (*free)(struct doppel_link *link);
};

/*
 * Open the sockets. The module need not be loaded: the link finds it when it comes. The caller
 * ends it with link->free(link).
 */
int doppel_link_open(struct doppel_link **link);

/* Names as in uapi/doppel.yaml; "?" for a number that this agent does not know. */
const char *doppel_drop_reason_name(uint32_t reason);
const char *doppel_total_name(uint32_t total);
const char *doppel_session_state_name(uint32_t state);
const char *doppel_translation_name(uint32_t translation);
const char *doppel_table_name(uint32_t table);

#endif
