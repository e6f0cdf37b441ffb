/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One identity's life on an IPv6 link: its link-local address, router solicitation (RFC 4861
 * section 6.3.7, RFC 7559) and stateless addresses (RFC 4862).
 */
#ifndef DOPPEL_GATEWAY_SLAAC_H
#define DOPPEL_GATEWAY_SLAAC_H

#include "gateway/dad.h"
#include "gateway/mld.h"
#include "gateway/ndp.h"
#include "gateway/negotiation.h"

#define SLAAC_PREFIX_LEN 64	/* all that an Ethernet interface identifier leaves */
#define SLAAC_ADDRESSES_MAX 8
#define SLAAC_SECRET_LEN 32

enum slaac_address_state {
	SLAAC_TENTATIVE,
	SLAAC_PREFERRED,
	SLAAC_DEPRECATED,
	SLAAC_DUPLICATE,		/* given up: somebody has it, and so the others tried */
};

struct slaac_address {
	struct in6_addr address;
	uint8_t prefix_len;
	enum slaac_address_state state;
	int64_t valid_until, preferred_until;	/* NEVER: for ever */
	unsigned int attempt;		/* how many addresses of this prefix were duplicates */
	bool given_up;			/* all were, and if they are tried again none is clear yet */
	struct dad dad;
};

/* It is in use, not being tried or given up. */
static inline bool doppel_slaac_in_use(const struct slaac_address *address)
{
	return address->state == SLAAC_PREFERRED || address->state == SLAAC_DEPRECATED;
}

struct slaac_config {
	struct mac mac;
	bool stable_privacy;		/* RFC 7217 instead of EUI-64 */
	uint8_t secret[SLAAC_SECRET_LEN];	/* for RFC 7217, also after an EUI-64 conflict */
	int64_t wait_ms;		/* for a router, before SLAAC_EVENT_NO_ROUTER */
	int64_t start_jitter_ms;
};

enum slaac_event_kind {
	SLAAC_EVENT_LINK_LOCAL,		/* unique: use it; DHCPv6 may begin */
	SLAAC_EVENT_NO_ROUTER,		/* wait_ms after LINK_LOCAL no router has been heard */
	SLAAC_EVENT_ADDED,		/* event->address is unique: use it */
	SLAAC_EVENT_UPDATED,		/* its lifetimes or its state changed */
	SLAAC_EVENT_REMOVED,		/* its lifetime is over, or somebody else has it */
	SLAAC_EVENT_CONFLICT,		/* event->rival has it; LINK_LOCAL lost or another is tried */
	SLAAC_EVENT_STATUS,
};

struct slaac_event {
	enum slaac_event_kind kind;
	const struct slaac_address *address;	/* NULL for those of no address; link-local: NULL */
	struct mac rival;
};

struct slaac {
	const struct negotiation_env *env;
	struct slaac_config config;
	/* May change nothing in the machine but read it. */
	void (*event)(void *ctx, const struct slaac_event *event);

	bool running;
	bool ready;			/* the link-local address is unique */
	bool router_heard;
	struct in6_addr link_local;
	struct dad dad;			/* of the link-local address */
	unsigned int conflicts;		/* of the link-local address, in a row */
	int64_t restart_at;		/* after such a conflict; NEVER */
	struct mld mld;			/* shared with this identity's DHCPv6 */
	int64_t router_until;		/* the last default router's end; NEVER: there was none */
	unsigned int solicitations;	/* sent, in a row */
	int64_t solicited_ms;		/* the last one */
	int64_t rt_ms;
	int64_t solicit_at;		/* next; NEVER */
	int64_t wait_until;
	struct slaac_address *addresses;
	unsigned int count;		/* up to SLAAC_ADDRESSES_MAX */
	unsigned int formed;		/* addresses, since: */
	int64_t formed_since;
	char *reason;			/* see doppel_because() */
};

/* A machine that was begun before must have been stopped. */
void doppel_slaac_init(struct slaac *slaac, const struct negotiation_env *env,
		       const struct slaac_config *config,
		       void (*event)(void *ctx, const struct slaac_event *event));

/* Begin with the link-local address's DAD. Routers that are known already: then advertise(). */
void doppel_slaac_start(struct slaac *slaac);

/*
 * Go on with addresses that are in use (the module has them): no DAD; their `address`,
 * `prefix_len` and lifetimes count. LINK_LOCAL and ADDED are told at once. A router is solicited
 * once to learn lifetimes.
 */
void doppel_slaac_resume(struct slaac *slaac, const struct slaac_address *held,
			 unsigned int count);

/*
 * The link was away: solicit again, detect duplicates of nothing that is in use (RFC 4429 is not
 * needed: the module defends them), report the groups anew. Not running: start.
 */
void doppel_slaac_confirm(struct slaac *slaac);

/* Do not wait for the next retry. */
void doppel_slaac_retry(struct slaac *slaac);

/* No event comes. */
void doppel_slaac_stop(struct slaac *slaac);

/* Not a word; it may not be used any more. */
void doppel_slaac_free(struct slaac *slaac);

/* A router advertisement on the link, whoever asked for it. */
void doppel_slaac_advertise(struct slaac *slaac, const struct ra *ra);

/* An ICMPv6 packet: neighbour messages and MLD queries. */
enum verdict doppel_slaac_receive(struct slaac *slaac, const struct packet *packet);
void doppel_slaac_timeout(struct slaac *slaac);
int64_t doppel_slaac_deadline(const struct slaac *slaac);

/* bound with at least one address, off when routers give no prefix to SLAAC. */
void doppel_slaac_status(const struct slaac *slaac, struct negotiation_status *status);

#endif
