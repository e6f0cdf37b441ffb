// SPDX-License-Identifier: GPL-2.0-only
/* Duplicate address detection (RFC 4862 section 5.4). */
#include "gateway/dad.h"

#include "base/clock.h"

static int64_t now(const struct dad *dad)
{
	return doppel_clock_mono_ms(dad->env->clock);
}

void doppel_dad_init(struct dad *dad, const struct negotiation_env *env, const struct mac *mac)
{
	*dad = (struct dad){ .env = env, .mac = *mac, .deadline = NEVER };
}

void doppel_dad_start(struct dad *dad, const struct in6_addr *address, int64_t delay_ms)
{
	dad->address = *address;
	dad->left = DAD_TRANSMITS;
	dad->deadline = now(dad) + doppel_random_ms(delay_ms, dad->env->rng);
}

void doppel_dad_stop(struct dad *dad)
{
	dad->deadline = NEVER;
}

bool doppel_dad_running(const struct dad *dad)
{
	return dad->deadline != NEVER;
}

enum verdict doppel_dad_receive(struct dad *dad, const struct packet *packet,
				const struct neighbour *neighbour, enum dad_result *result)
{
	*result = DAD_NOTHING;
	if (!doppel_dad_running(dad) || !doppel_ip6_eq(&neighbour->target, &dad->address))
		return VERDICT_OTHER;
	/* Our own solicitation that came back is no rival (section 5.4.3). */
	if (doppel_mac_eq(&packet->src, &dad->mac))
		return VERDICT_OTHER;
	/* Somebody who resolves the address, but not for himself: tells nothing about it. */
	if (!neighbour->advertisement && !IN6_IS_ADDR_UNSPECIFIED(&packet->ip6.src))
		return VERDICT_UNEXPECTED;
	dad->rival = neighbour->advertisement && neighbour->has_mac ? neighbour->mac : packet->src;
	doppel_dad_stop(dad);
	*result = DAD_CONFLICT;
	return VERDICT_ACCEPTED;
}

enum dad_result doppel_dad_timeout(struct dad *dad)
{
	uint8_t frame[FRAME_MAX];

	if (now(dad) < dad->deadline)
		return DAD_NOTHING;
	if (!dad->left) {
		doppel_dad_stop(dad);
		return DAD_CLEAR;
	}
	dad->left--;
	dad->deadline = now(dad) + DAD_RETRANS_MS;
	dad->env->send(dad->env->ctx, frame, doppel_dad_ns_build(frame, &dad->mac, &dad->address));
	return DAD_NOTHING;
}

int64_t doppel_dad_deadline(const struct dad *dad)
{
	return dad->deadline;
}
