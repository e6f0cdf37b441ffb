/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DHCPv6 client machine of one device (RFC 8415): one IA_NA with DUID-LL, or information only.
 * Begun by the owner once the link-local address is unique and the router's M and O flags (or
 * their absence) ask for it.
 */
#ifndef DOPPEL_GATEWAY_DHCP6_H
#define DOPPEL_GATEWAY_DHCP6_H

#include "gateway/dad.h"
#include "gateway/dhcp6_exchange.h"
#include "gateway/domain_list.h"
#include "gateway/frame.h"
#include "gateway/mld.h"
#include "gateway/negotiation.h"

#define DHCP6_CLIENT_PORT 546
#define DHCP6_SERVER_PORT 547
#define DHCP6_ADDRESSES_MAX 4
#define DHCP6_SERVERS_MAX 4
#define DHCP6_DUID_MAX SERVER_ID_MAX
#define DHCP6_INFINITE UINT32_MAX

struct dhcp6_address {
	struct in6_addr address;
	uint32_t preferred_s, valid_s;	/* counted from the lease's acquired_ms */
};

/* A plain struct for the store. */
struct dhcp6_lease {
	struct dhcp6_address addresses[DHCP6_ADDRESSES_MAX];
	unsigned int address_count;
	uint8_t server_duid[DHCP6_DUID_MAX];
	uint8_t server_duid_len;
	uint32_t t1_s, t2_s;
	struct in6_addr dns[DHCP6_SERVERS_MAX];
	unsigned int dns_count;
	struct in6_addr ntp[DHCP6_SERVERS_MAX];	/* RFC 5908 */
	unsigned int ntp_count;
	char search[DOMAIN_LIST_TEXT];	/* RFC 3646 */
	int64_t acquired_ms;		/* monotonic; before this boot: < 0 */
};

enum dhcp6_state {
	DHCP6_OFF,
	DHCP6_INIT,		/* waits for its start, or for the next attempt */
	DHCP6_SOLICITING,
	DHCP6_REQUESTING,
	DHCP6_CONFIRMING,	/* asks whether an old lease fits the link */
	DHCP6_CHECKING,		/* duplicate address detection */
	DHCP6_DECLINING,
	DHCP6_BOUND,
	DHCP6_RENEWING,
	DHCP6_REBINDING,
	DHCP6_INFORMING,	/* information-request, waiting for the answer */
	DHCP6_INFORMED,		/* waiting for its refresh time */
};

enum dhcp6_event_kind {
	DHCP6_EVENT_BOUND,	/* use the addresses of event->lease from now on, and no others */
	DHCP6_EVENT_RENEWED,	/* the same addresses, new lifetimes */
	DHCP6_EVENT_LOST,	/* stop using event->lease at once */
	DHCP6_EVENT_CONFLICT,	/* event->rival has event->address; declined */
	DHCP6_EVENT_INFORMED,	/* only event->lease's DNS servers are meant */
	DHCP6_EVENT_STATUS,
};

struct dhcp6_event {
	enum dhcp6_event_kind kind;
	const struct dhcp6_lease *lease;	/* NULL for STATUS; until the callback returns */
	struct in6_addr address;
	struct mac rival;
	const char *reason;			/* "" or a sentence */
};

struct dhcp6_config {
	struct mac mac;
	const struct server_id *known;	/* whose advertisement is waited for; may change */
	struct attempt_policy policy;
	int64_t start_jitter_ms;
	/*
	 * Whether the routers show that this is not the lease's link, when no server says a word to a
	 * CONFIRM: @ctx is the env's. NULL: nobody can tell.
	 */
	bool (*elsewhere)(void *ctx, const struct dhcp6_lease *lease);
};

/* What servers give, before it is in use. */
struct dhcp6_offer {
	struct dhcp6_lease lease;	/* the best advertisement, then what is being checked */
	uint8_t preference;		/* of that advertisement */
	struct dad dad[DHCP6_ADDRESSES_MAX];	/* of its addresses */
};

struct dhcp6 {
	const struct negotiation_env *env;
	struct dhcp6_config config;
	/* May change nothing in the machine but read it. */
	void (*event)(void *ctx, const struct dhcp6_event *event);
	struct mld *mld;

	enum dhcp6_state state;
	bool stateful;
	struct in6_addr link_local;
	struct dhcp6_exchange exchange;
	int64_t deadline;		/* of states that wait for something else */
	unsigned int failed;		/* attempts in a row */
	unsigned int refusals;		/* of what a server had given, in a row */
	int64_t sol_max_rt_ms, inf_max_rt_ms;	/* 0: the server set none */
	bool held;			/* `lease` is in use */
	bool heard;			/* a server has answered, though not with an address */
	bool to_confirm;		/* INIT leads to CONFIRMING, not to SOLICITING */
	bool refused;			/* CONFIRMING: by another server than the lease's */
	struct dhcp6_lease lease;
	struct dhcp6_offer *offer;	/* NULL: none */
	struct in6_addr declined;	/* :: or what is being declined */
	char *reason;			/* see doppel_because() */
};

/* A machine that was begun before must have been stopped. */
void doppel_dhcp6_init(struct dhcp6 *dhcp, const struct negotiation_env *env,
		       const struct dhcp6_config *config, struct mld *mld,
		       void (*event)(void *ctx, const struct dhcp6_event *event));

/*
 * Ask for an address from @link_local. With @restored (from the store, after a reboot, not in use
 * now; may be NULL) unexpired it is confirmed, else solicited anew.
 */
void doppel_dhcp6_start(struct dhcp6 *dhcp, const struct in6_addr *link_local,
			const struct dhcp6_lease *restored);

/* Ask for information only (O without M). Ends a stateful life without a word. */
void doppel_dhcp6_inform(struct dhcp6 *dhcp, const struct in6_addr *link_local);

/* Go on with a lease that is in use now; its acquired_ms counts as in this boot. */
void doppel_dhcp6_resume(struct dhcp6 *dhcp, const struct in6_addr *link_local,
			 const struct dhcp6_lease *held);

/* The link was away: CONFIRM what is in use, or begin anew at once. */
void doppel_dhcp6_confirm(struct dhcp6 *dhcp);

/* Do not wait for the next retry. */
void doppel_dhcp6_retry(struct dhcp6 *dhcp);

/* End, as nobody can speak for the device any more: LOST comes if a lease was held. */
void doppel_dhcp6_abandon(struct dhcp6 *dhcp, const char *why);

/* End; @release tells the server, once: no reply is waited for. No event comes. */
void doppel_dhcp6_stop(struct dhcp6 *dhcp, bool release);

/* Not a word, not an event; it may not be used any more. */
void doppel_dhcp6_free(struct dhcp6 *dhcp);

/* A UDP packet from a server, or a neighbour message (for DAD). */
enum verdict doppel_dhcp6_receive(struct dhcp6 *dhcp, const struct packet *packet);
void doppel_dhcp6_timeout(struct dhcp6 *dhcp);
int64_t doppel_dhcp6_deadline(const struct dhcp6 *dhcp);

void doppel_dhcp6_status(const struct dhcp6 *dhcp, struct negotiation_status *status);

/* The lease that is in use, or what information was given without one; NULL: neither. */
const struct dhcp6_lease *doppel_dhcp6_told(const struct dhcp6 *dhcp);

/* The lease that is in use, or NULL. */
const struct dhcp6_lease *doppel_dhcp6_lease(const struct dhcp6 *dhcp);

/* When the last of its addresses ends; NEVER. */
int64_t doppel_dhcp6_expiry_ms(const struct dhcp6_lease *lease);

const char *doppel_dhcp6_state_name(enum dhcp6_state state);

#endif
