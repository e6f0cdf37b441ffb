// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/reach.h"

#include <stdio.h>

#include "base/clock.h"

#define SOLICITATION_MS 1000

static void solicit(struct reach *reach)
{
	uint8_t frame[FRAME_MAX];

	reach->env->send(reach->env->ctx, frame,
			 doppel_ns_build(frame, &reach->mac, &reach->source, &reach->router, NULL));
	reach->sent++;
	reach->deadline = doppel_clock_mono_ms(reach->env->clock) + SOLICITATION_MS;
}

static void ask(struct reach *reach)
{
	reach->state = REACH_ASKING;
	reach->sent = 0;
	solicit(reach);
}

void doppel_reach_init(struct reach *reach, const struct negotiation_env *env,
		       const struct mac *mac, const struct attempt_policy *policy)
{
	*reach = (struct reach){
		.env = env,
		.mac = *mac,
		.policy = *policy,
		.deadline = NEVER,
	};
}

void doppel_reach_start(struct reach *reach, const struct in6_addr *source,
			const struct in6_addr *router)
{
	bool same = doppel_ip6_eq(&reach->source, source) &&
		    doppel_ip6_eq(&reach->router, router);

	if (reach->state != REACH_OFF && same)
		return;
	reach->source = *source;
	reach->router = *router;
	/* One that was let in by another router is let in. */
	if (reach->state == REACH_ANSWERED)
		return;
	reach->failed = 0;
	reach->sent = 0;
	/* Under way already: another router is asked when the next solicitation is due. */
	if (reach->state == REACH_ASKING)
		return;
	ask(reach);
}

void doppel_reach_assume(struct reach *reach)
{
	reach->state = REACH_ANSWERED;
	reach->failed = 0;
	reach->deadline = NEVER;
}

void doppel_reach_retry(struct reach *reach)
{
	if (reach->state == REACH_WAITING)
		ask(reach);
}

void doppel_reach_stop(struct reach *reach)
{
	reach->state = REACH_OFF;
	reach->failed = 0;
	reach->deadline = NEVER;
}

enum verdict doppel_reach_receive(struct reach *reach, const struct packet *packet,
				  const struct neighbour *neighbour)
{
	if (!doppel_mac_eq(&packet->dst, &reach->mac) || !neighbour->advertisement ||
	    !doppel_ip6_eq(&neighbour->target, &reach->router))
		return VERDICT_OTHER;
	if (reach->state != REACH_ASKING && reach->state != REACH_WAITING)
		return VERDICT_UNEXPECTED;
	doppel_reach_assume(reach);
	return VERDICT_ACCEPTED;
}

void doppel_reach_timeout(struct reach *reach)
{
	int64_t now = doppel_clock_mono_ms(reach->env->clock);

	if (now < reach->deadline)
		return;
	if (reach->state == REACH_WAITING) {
		ask(reach);
	} else if (reach->state == REACH_ASKING && reach->sent < REACH_SOLICITATIONS) {
		solicit(reach);
	} else if (reach->state == REACH_ASKING) {
		reach->failed++;
		reach->state = REACH_WAITING;
		reach->deadline = now + doppel_backoff_ms(&reach->policy, reach->failed,
							  reach->env->rng);
	}
}

int64_t doppel_reach_deadline(const struct reach *reach)
{
	return reach->deadline;
}

void doppel_reach_status(const struct reach *reach, struct negotiation_status *status)
{
	*status = (struct negotiation_status){ .next_retry_ms = NEVER };
	switch (reach->state) {
	case REACH_OFF:
		status->status = FAMILY_OFF;
		break;
	case REACH_ANSWERED:
		status->status = FAMILY_BOUND;
		break;
	case REACH_WAITING:
		status->next_retry_ms = reach->deadline;
		/* fall through */
	case REACH_ASKING:
		status->status = reach->failed && reach->failed >= reach->policy.retries ?
				 FAMILY_FAILED : FAMILY_SOLICITING;
		if (reach->failed)
			snprintf(status->reason, sizeof(status->reason),
				 "the router does not answer this MAC: is it registered upstream?");
		break;
	}
}
