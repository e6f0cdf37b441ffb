/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DHCPv4 client machine of one device (RFC 2131): from INIT to BOUND with address conflict
 * detection, renewal, rebinding, reboot, decline and release.
 */
#ifndef DOPPEL_GATEWAY_DHCP4_H
#define DOPPEL_GATEWAY_DHCP4_H

#include "gateway/acd.h"
#include "gateway/domain_list.h"
#include "gateway/frame.h"
#include "gateway/negotiation.h"

#define DHCP4_CLIENT_PORT 68
#define DHCP4_SERVER_PORT 67
#define DHCP4_SERVERS_MAX 4
#define DHCP4_ROUTES_MAX 16
#define DHCP4_INFINITE UINT32_MAX

/* A classless static route (RFC 3442); router 0.0.0.0: on-link. */
struct dhcp4_route {
	struct in_addr destination;
	uint8_t prefix_len;
	struct in_addr router;
};

/* A plain struct for the store. Zero members were not given. */
struct dhcp4_lease {
	struct in_addr address;
	uint8_t prefix_len;
	struct in_addr server;		/* option 54 */
	struct mac server_mac;		/* who the ACK's frame came from: server, relay or router */
	struct in_addr router;		/* the default route: of option 121, else 3 */
	struct in_addr dns[DHCP4_SERVERS_MAX];
	unsigned int dns_count;
	struct in_addr ntp[DHCP4_SERVERS_MAX];	/* option 42 */
	unsigned int ntp_count;
	struct dhcp4_route routes[DHCP4_ROUTES_MAX];
	unsigned int route_count;
	uint16_t mtu;			/* option 26 */
	char domain[64];		/* option 15, as much of it as fits */
	char search[DOMAIN_LIST_TEXT];	/* option 119 */
	uint32_t lease_s, t1_s, t2_s;	/* DHCP4_INFINITE: for ever */
	int64_t acquired_ms;		/* monotonic, of the request that won it; before this boot: < 0 */
};

enum dhcp4_state {
	DHCP4_OFF,
	DHCP4_INIT,		/* waits for its start, or for the next attempt */
	DHCP4_REBOOTING,	/* asks whether an old lease still holds */
	DHCP4_SELECTING,
	DHCP4_REQUESTING,
	DHCP4_PROBING,		/* acknowledged; is the address free? */
	DHCP4_BOUND,
	DHCP4_RENEWING,
	DHCP4_REBINDING,
};

enum dhcp4_event_kind {
	DHCP4_EVENT_BOUND,	/* use event->lease from now on, instead of an older one */
	DHCP4_EVENT_RENEWED,	/* the same address, new times; options may differ */
	DHCP4_EVENT_LOST,	/* stop using event->lease at once: the reason says why */
	DHCP4_EVENT_CONFLICT,	/* event->rival has it; declined. If it was in use LOST follows */
	DHCP4_EVENT_STATUS,	/* doppel_dhcp4_status() has changed: attempts failed, renewing … */
};

struct dhcp4_event {
	enum dhcp4_event_kind kind;
	const struct dhcp4_lease *lease;	/* NULL for STATUS; until the callback returns */
	struct mac rival;
	const char *reason;			/* "" or a sentence */
};

#define DHCP4_VENDOR_CLASS_MAX 96
#define DHCP4_PARAMETERS_MAX 48

/* As what a device shows itself to servers. */
struct dhcp4_looks {
	char hostname[64];		/* option 12, printable; "": none */
	char vendor_class[DHCP4_VENDOR_CLASS_MAX + 1];	/* option 60, printable; "": none */
	uint8_t parameters[DHCP4_PARAMETERS_MAX];	/* option 55, each once */
	uint8_t parameter_count;
};

/* What a server offers. */
struct dhcp4_offer {
	struct in_addr server, address;
	bool ipv6_only;			/* no address, as option 108 has it, and for how long */
	uint32_t ipv6_only_s;
};

struct dhcp4_config {
	struct mac mac;
	const struct server_id *known;	/* whose offer is waited for; may change */
	struct attempt_policy policy;
	int64_t start_jitter_ms;	/* the first message goes out at a random moment up to this */
	const struct acd_params *acd;	/* NULL: doppel_acd_rfc5227 */
	bool client_id_duid;		/* RFC 4361; else 01 and the MAC, as allow-lists expect */
	struct dhcp4_looks looks;	/* as on the LAN */
};

struct dhcp4 {
	const struct negotiation_env *env;
	struct dhcp4_config config;
	/* May start, stop or change nothing in the machine but read it. */
	void (*event)(void *ctx, const struct dhcp4_event *event);

	enum dhcp4_state state;
	struct acd acd;
	uint32_t xid;
	int64_t began_ms;		/* of the acquisition: the secs field */
	uint16_t discover_secs;		/* of the last DISCOVER */
	int64_t deadline;		/* next transmission or step of this state */
	int64_t attempt_end;
	int64_t rt_ms;			/* retransmission interval */
	int64_t sent_ms;		/* last request: lease times count from it */
	unsigned int failed;		/* attempts in a row */
	unsigned int naks;		/* in a row */
	int64_t not_before;		/* an address was declined: nothing is asked for until then */
	struct in_addr requested;	/* option 50 */
	struct in_addr server;		/* selected, or whose lease is asked about again */
	bool held;			/* `lease` is in use: BOUND was told, LOST not yet */
	struct dhcp4_offer second;	/* SELECTING: of another server than the known one; zero: none */
	bool heard;			/* an offer came since the last success */
	bool reboot;			/* INIT leads to REBOOTING, not to SELECTING */
	bool refused;			/* REBOOTING: by another server than the lease's */
	bool translated;		/* IPv4 hosts are reached without an IPv4 address */
	bool patient;			/* INIT: waits for that, for a while */
	bool asked;			/* for option 108: else it must be ignored */
	bool ipv6_only;			/* INIT: waits as option 108 has it */
	struct dhcp4_lease lease;
	struct dhcp4_lease *offer;	/* PROBING: acknowledged, in place of `lease` if none is held; or NULL */
	char *reason;			/* see doppel_because() */
};

/* A machine that was begun before must have been stopped. */
void doppel_dhcp4_init(struct dhcp4 *dhcp, const struct negotiation_env *env,
		       const struct dhcp4_config *config,
		       void (*event)(void *ctx, const struct dhcp4_event *event));

/*
 * Begin. With @restored (from the store, after a reboot, not in use now; may be NULL) unexpired,
 * it is asked for again by INIT-REBOOT, else by DISCOVER with option 50.
 */
void doppel_dhcp4_start(struct dhcp4 *dhcp, const struct dhcp4_lease *restored);

/*
 * Go on with a lease that is in use now (the module has it, another agent won it): no message but
 * the next renewal. acquired_ms counts as in this boot. BOUND is
 * told at once, or LOST when the lease has run out.
 */
void doppel_dhcp4_resume(struct dhcp4 *dhcp, const struct dhcp4_lease *held);

/*
 * The link was away or the network may be another: ask whether the lease still holds
 * (INIT-REBOOT). It stays in use until the answer is no. Without a lease: begin anew, at once.
 */
void doppel_dhcp4_confirm(struct dhcp4 *dhcp);

/*
 * Whether the device reaches IPv4 hosts by 464XLAT: only then is the server asked whether it prefers
 * to give no IPv4 address (option 108, RFC 8925). When that ends an address is asked for at once.
 */
void doppel_dhcp4_translated(struct dhcp4 *dhcp, bool translated);

/*
 * After a start without a lease, where a NAT64 is known: the first DISCOVER waits up to @wait_ms for the
 * device to be translated, as it could not ask for option 108 before.
 */
void doppel_dhcp4_await_translation(struct dhcp4 *dhcp, int64_t wait_ms);

/* Do not wait for the next retry, but for the end of the pause after a DECLINE. */
void doppel_dhcp4_retry(struct dhcp4 *dhcp);

/* End; @release tells the server (RFC 2131 section 4.4.6). No event comes. */
void doppel_dhcp4_stop(struct dhcp4 *dhcp, bool release);

/* Not a word, not an event; it may not be used any more. */
void doppel_dhcp4_free(struct dhcp4 *dhcp);

/*
 * To whom a DHCP reply goes: its chaddr, and its xid for the machine itself to check.
 * VERDICT_OTHER when it is no DHCP reply at all.
 */
enum verdict doppel_dhcp4_peek(const struct packet *packet, struct mac *chaddr);

/* A DHCP reply or any ARP packet. */
enum verdict doppel_dhcp4_receive(struct dhcp4 *dhcp, const struct packet *packet);
void doppel_dhcp4_timeout(struct dhcp4 *dhcp);
int64_t doppel_dhcp4_deadline(const struct dhcp4 *dhcp);

void doppel_dhcp4_status(const struct dhcp4 *dhcp, struct negotiation_status *status);

/* The lease that is in use, or NULL. */
const struct dhcp4_lease *doppel_dhcp4_lease(const struct dhcp4 *dhcp);

/* Monotonic; NEVER for an infinite lease. */
int64_t doppel_dhcp4_expiry_ms(const struct dhcp4_lease *lease);

const char *doppel_dhcp4_state_name(enum dhcp4_state state);

#endif
