/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does the IPv6 router answer this identity? A stateless address is granted by nobody, so an
 * identity whose MAC the upstream does not let in would look bound; a neighbour solicitation for the
 * router in the identity's own name (RFC 4861 section 7.2) tells. No sockets, no timers: see
 * negotiation.h.
 */
#ifndef DOPPEL_GATEWAY_REACH_H
#define DOPPEL_GATEWAY_REACH_H

#include "gateway/frame.h"
#include "gateway/ndp.h"
#include "gateway/negotiation.h"

#define REACH_SOLICITATIONS 3		/* in one attempt, a second apart */

enum reach_state {
	REACH_OFF,
	REACH_ASKING,
	REACH_WAITING,		/* for the next attempt */
	REACH_ANSWERED,
};

struct reach {
	const struct negotiation_env *env;
	struct mac mac;
	struct attempt_policy policy;
	enum reach_state state;
	struct in6_addr source, router;
	unsigned int sent;		/* in this attempt */
	unsigned int failed;		/* attempts in a row */
	int64_t deadline;
};

void doppel_reach_init(struct reach *reach, const struct negotiation_env *env,
		       const struct mac *mac, const struct attempt_policy *policy);

/* Ask @router from the link-local address @source; no change if that is what is being done. */
void doppel_reach_start(struct reach *reach, const struct in6_addr *source,
			const struct in6_addr *router);

/* It is known by other means that the upstream lets the identity in. */
void doppel_reach_assume(struct reach *reach);

/* Do not wait for the next attempt. */
void doppel_reach_retry(struct reach *reach);
void doppel_reach_stop(struct reach *reach);

/* A neighbour advertisement that was sent to the device's MAC. */
enum verdict doppel_reach_receive(struct reach *reach, const struct packet *packet,
				  const struct neighbour *neighbour);
void doppel_reach_timeout(struct reach *reach);
int64_t doppel_reach_deadline(const struct reach *reach);
void doppel_reach_status(const struct reach *reach, struct negotiation_status *status);

#endif
