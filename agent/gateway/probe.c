// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/probe.h"

#include <net/if_arp.h>
#include <string.h>

#include "base/cidr.h"
#include "base/clock.h"

#define REST_MS 60000
#define REST_JITTER 10		/* per cent */
#define TRIES 3			/* in each state, a second apart: MAX_UNICAST_SOLICIT (RFC 4861) */
#define TRY_MS 1000

static int64_t now(const struct probe *probe)
{
	return doppel_clock_mono_ms(probe->env->clock);
}

static bool is_ipv4(const struct probe *probe)
{
	return IN6_IS_ADDR_V4MAPPED(&probe->aim.router);
}

static bool known(const struct probe *probe)
{
	return doppel_mac_is_host(&probe->router_mac);
}

static void send_probe(struct probe *probe)
{
	const struct probe_aim *aim = &probe->aim;
	const struct mac *to = probe->state == PROBE_ASKING ? &probe->router_mac : NULL;
	const struct arp arp = {
		.operation = ARPOP_REQUEST,
		.sender_mac = aim->mac,
		.sender = doppel_ip_ipv4(&aim->source),
		.target = doppel_ip_ipv4(&aim->router),
	};
	uint8_t frame[FRAME_MAX];
	size_t len;

	if (is_ipv4(probe))
		len = doppel_frame_arp(frame, to ? to : &doppel_mac_broadcast, &aim->mac, &arp);
	else
		len = doppel_ns_build(frame, &aim->mac, &aim->source, &aim->router, to);
	probe->env->send(probe->env->ctx, frame, len);
	probe->sent++;
	probe->deadline = now(probe) + TRY_MS;
}

static void enter(struct probe *probe, enum probe_state state)
{
	probe->state = state;
	probe->sent = 0;
	if (state == PROBE_RESTING)
		probe->deadline = now(probe) + doppel_jitter_ms(REST_MS, REST_JITTER, probe->env->rng);
	else
		send_probe(probe);
}

void doppel_probe_init(struct probe *probe, const struct negotiation_env *env)
{
	*probe = (struct probe){ .env = env, .deadline = NEVER };
}

void doppel_probe_stop(struct probe *probe)
{
	probe->state = PROBE_OFF;
	probe->deadline = NEVER;
}

void doppel_probe_now(struct probe *probe)
{
	if (probe->state == PROBE_RESTING)
		enter(probe, known(probe) ? PROBE_ASKING : PROBE_SEARCHING);
}

void doppel_probe_aim(struct probe *probe, const struct probe_aim *aim)
{
	const bool same = doppel_ip6_eq(&probe->aim.router, &aim->router);
	const bool was_off = probe->state == PROBE_OFF;

	probe->aim = *aim;
	if (!same) {
		probe->router_mac = (struct mac){ 0 };
		probe->silent = false;
	}
	if (was_off || !same)
		enter(probe, known(probe) ? PROBE_RESTING : PROBE_SEARCHING);
}

/* The MAC at which the router says it is; false if this is no such word. */
static bool answer_of(const struct probe *probe, const struct packet *packet, struct mac *mac)
{
	struct neighbour neighbour;

	if (is_ipv4(probe)) {
		if (packet->kind != PACKET_ARP || packet->arp.operation != ARPOP_REPLY ||
		    !doppel_ip4_eq(packet->arp.sender, doppel_ip_ipv4(&probe->aim.router)))
			return false;
		*mac = packet->arp.sender_mac;
	} else {
		if (packet->kind != PACKET_ICMP6 ||
		    doppel_neighbour_parse(packet, &neighbour) != VERDICT_ACCEPTED ||
		    !neighbour.advertisement ||
		    !doppel_ip6_eq(&neighbour.target, &probe->aim.router))
			return false;
		*mac = neighbour.has_mac ? neighbour.mac : packet->src;
	}
	return doppel_mac_is_host(mac) && doppel_mac_eq(&packet->dst, &probe->aim.mac);
}

enum probe_result doppel_probe_receive(struct probe *probe, const struct packet *packet)
{
	enum probe_result result = PROBE_NOTHING;
	struct mac mac;

	if ((probe->state != PROBE_ASKING && probe->state != PROBE_SEARCHING) ||
	    !answer_of(probe, packet, &mac))
		return PROBE_NOTHING;
	if (known(probe) && !doppel_mac_eq(&probe->router_mac, &mac))
		result = PROBE_OTHER;
	else if (probe->silent)
		result = PROBE_BACK;
	probe->router_mac = mac;
	probe->silent = false;
	enter(probe, PROBE_RESTING);
	return result;
}

enum probe_result doppel_probe_timeout(struct probe *probe)
{
	const bool was_silent = probe->silent;

	if (now(probe) < probe->deadline)
		return PROBE_NOTHING;
	if (probe->state == PROBE_RESTING) {
		doppel_probe_now(probe);
	} else if (probe->sent < TRIES) {
		send_probe(probe);
	} else if (probe->state == PROBE_ASKING) {
		enter(probe, PROBE_SEARCHING);
	} else {
		/* Of one that never answered there is nothing to miss. */
		probe->silent = known(probe);
		enter(probe, PROBE_RESTING);
		return probe->silent && !was_silent ? PROBE_SILENT : PROBE_NOTHING;
	}
	return PROBE_NOTHING;
}

int64_t doppel_probe_deadline(const struct probe *probe)
{
	return probe->deadline;
}
