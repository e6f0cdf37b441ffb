// SPDX-License-Identifier: GPL-2.0-only
/* IPv4 address conflict detection (RFC 5227). */
#include "gateway/acd.h"

#include <net/if_arp.h>

#include "base/clock.h"

const struct acd_params doppel_acd_rfc5227 = {
	.probe_wait_ms = 1000,
	.probe_num = 3,
	.probe_min_ms = 1000,
	.probe_max_ms = 2000,
	.announce_wait_ms = 2000,
	.announce_num = 2,
	.announce_interval_ms = 2000,
	.defend_interval_ms = 10000,
};

static int64_t now(const struct acd *acd)
{
	return doppel_clock_mono_ms(acd->env->clock);
}

/* A probe has an all-zero sender, an announcement both addresses the same; both are requests. */
static void send_arp(const struct acd *acd, bool probe)
{
	struct arp arp = {
		.operation = ARPOP_REQUEST,
		.sender_mac = acd->mac,
		.sender = probe ? (struct in_addr){ 0 } : acd->address,
		.target = acd->address,
	};
	uint8_t frame[FRAME_MAX];
	size_t len = doppel_frame_arp(frame, &doppel_mac_broadcast, &acd->mac, &arp);

	acd->env->send(acd->env->ctx, frame, len);
}

static void announce(struct acd *acd)
{
	send_arp(acd, false);
	if (--acd->left) {
		acd->deadline = now(acd) + acd->params->announce_interval_ms;
	} else {
		acd->state = ACD_DEFENDING;
		acd->deadline = NEVER;
	}
}

void doppel_acd_init(struct acd *acd, const struct negotiation_env *env,
		     const struct acd_params *params, const struct mac *mac)
{
	*acd = (struct acd){
		.env = env,
		.params = params,
		.mac = *mac,
		.deadline = NEVER,
	};
}

void doppel_acd_start(struct acd *acd, struct in_addr address)
{
	acd->address = address;
	acd->state = ACD_PROBING;
	acd->left = acd->params->probe_num;
	acd->defended_at = NEVER;
	acd->deadline = now(acd);
	if (acd->left)
		acd->deadline += doppel_random_ms(acd->params->probe_wait_ms, acd->env->rng);
}

void doppel_acd_resume(struct acd *acd, struct in_addr address)
{
	acd->address = address;
	acd->left = acd->params->announce_num;
	acd->state = acd->left ? ACD_ANNOUNCING : ACD_DEFENDING;
	acd->deadline = acd->left ? now(acd) : NEVER;
	acd->defended_at = NEVER;
}

void doppel_acd_stop(struct acd *acd)
{
	acd->state = ACD_OFF;
	acd->deadline = NEVER;
}

/*
 * Whether the packet makes the address somebody else's: it is their sender address (sections 2.1.1
 * and 2.4), or they probe for it while we do.
 */
static bool conflicts(const struct acd *acd, const struct arp *arp)
{
	if (doppel_mac_eq(&arp->sender_mac, &acd->mac))
		return false;
	if (doppel_ip4_eq(arp->sender, acd->address))
		return true;
	return acd->state == ACD_PROBING && arp->operation == ARPOP_REQUEST &&
	       !arp->sender.s_addr && doppel_ip4_eq(arp->target, acd->address);
}

enum verdict doppel_acd_receive(struct acd *acd, const struct packet *packet,
				enum acd_result *result)
{
	int64_t at = now(acd);

	*result = ACD_NOTHING;
	if (packet->kind != PACKET_ARP || acd->state == ACD_OFF)
		return VERDICT_OTHER;
	if (!conflicts(acd, &packet->arp))
		return VERDICT_OTHER;
	/* A bridge that shows the sender's address over another MAC is no host. */
	if (!doppel_mac_is_host(&packet->arp.sender_mac))
		return VERDICT_REFUSED;

	acd->rival = packet->arp.sender_mac;
	if (acd->state != ACD_PROBING &&
	    (acd->defended_at == NEVER ||
	     at - acd->defended_at >= acd->params->defend_interval_ms)) {
		acd->defended_at = at;		/* section 2.4 (b): once, then give in */
		send_arp(acd, false);
		return VERDICT_ACCEPTED;
	}
	doppel_acd_stop(acd);
	*result = ACD_CONFLICT;
	return VERDICT_ACCEPTED;
}

enum acd_result doppel_acd_timeout(struct acd *acd)
{
	if (now(acd) < acd->deadline)
		return ACD_NOTHING;
	if (acd->state == ACD_ANNOUNCING) {
		announce(acd);
		return ACD_NOTHING;
	}
	if (acd->left) {
		const struct acd_params *p = acd->params;

		send_arp(acd, true);
		acd->deadline = now(acd) + p->announce_wait_ms;
		if (--acd->left)
			acd->deadline = now(acd) + p->probe_min_ms +
				doppel_random_ms(p->probe_max_ms - p->probe_min_ms, acd->env->rng);
		return ACD_NOTHING;
	}
	/* The first announcement waits for the owner to have the address in use. */
	doppel_acd_resume(acd, acd->address);
	return ACD_CLEAR;
}

int64_t doppel_acd_deadline(const struct acd *acd)
{
	return acd->deadline;
}
