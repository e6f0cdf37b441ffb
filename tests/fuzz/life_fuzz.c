// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole life of one identity, as the input's bytes tell it: messages of all kinds in any order,
 * with options as they come, and any time between them.
 */
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <string.h>

#include "machines.h"

#define STEPS_MAX 64

struct input {
	const uint8_t *data;
	size_t len;
};

struct life {
	struct dhcp4 dhcp4;
	struct slaac slaac;
	struct dhcp6 dhcp6;
	struct routers routers;
};

static uint8_t take(struct input *input)
{
	if (!input->len)
		return 0;
	input->len--;
	return *input->data++;
}

/* Up to a byte's worth of them, as many as there are. */
static size_t take_some(struct input *input, const uint8_t **some)
{
	size_t len = take(input);

	if (len > input->len)
		len = input->len;
	*some = input->data;
	input->data += len;
	input->len -= len;
	return len;
}

static struct mac some_mac(uint8_t choice)
{
	struct mac mac = { { 2, 0xee, 0, 0, 0, choice % 4 } };

	return choice % 5 ? mac : device;
}

static struct in_addr some_ip4(uint8_t choice)
{
	return (struct in_addr){ htonl(0xc0000200 + choice % 8) };
}

static struct in6_addr some_ip6(const struct life *life, uint8_t choice)
{
	struct in6_addr address = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } };

	address.s6_addr[15] = choice;
	if (choice % 4 == 1)
		return life->slaac.link_local;
	if (choice % 4 == 2 && life->slaac.count)
		return life->slaac.addresses[choice / 4 % life->slaac.count].address;
	return address;
}

/* Time goes to the next thing that is due, or further. */
static void pass(struct life *life, int64_t until)
{
	unsigned int steps = 0;

	for (;;) {
		int64_t at = doppel_earlier(doppel_dhcp4_deadline(&life->dhcp4),
					    doppel_earlier(doppel_slaac_deadline(&life->slaac),
							   doppel_dhcp6_deadline(&life->dhcp6)));

		if (at > until)
			break;
		now_ms = at > now_ms ? at : now_ms;
		doppel_dhcp4_timeout(&life->dhcp4);
		doppel_slaac_timeout(&life->slaac);
		doppel_dhcp6_timeout(&life->dhcp6);
		doppel_routers_expire(&life->routers, now_ms);
		if (++steps > 100000)
			abort();
	}
	now_ms = until > now_ms ? until : now_ms;
}

static void deliver(struct life *life, const uint8_t *frame, size_t len)
{
	struct packet packet;
	struct ra ra;

	if (!len || doppel_frame_parse(frame, len, 0, &packet) != VERDICT_ACCEPTED)
		return;
	doppel_dhcp4_receive(&life->dhcp4, &packet);
	if (doppel_ra_parse(&packet, &ra) == VERDICT_ACCEPTED) {
		ra.received_ms = now_ms;
		doppel_routers_update(&life->routers, &ra);
		doppel_slaac_advertise(&life->slaac, &ra);
	}
	doppel_slaac_receive(&life->slaac, &packet);
	doppel_dhcp6_receive(&life->dhcp6, &packet);
}

static void step_dhcp4(struct life *life, struct input *input)
{
	const struct packet head = {
		.dst = device, .src = some_mac(take(input)), .hop_limit = 64, .sport = 67, .dport = 68,
		.ip4 = { .src = some_ip4(1), .dst = { INADDR_BROADCAST } },
	};
	uint8_t reply[240 + 9 + 255] = { 2, 1, 6 }, frame[FRAME_MAX];
	const uint32_t xid = htonl(life->dhcp4.xid);
	const struct in_addr yiaddr = some_ip4(take(input));
	const uint8_t fixed[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, take(input), 54, 4, 192, 0, 2, 1 };
	const uint8_t *options;
	size_t len = take_some(input, &options);

	memcpy(reply + 4, &xid, 4);
	memcpy(reply + 16, &yiaddr, 4);
	memcpy(reply + 28, device.b, 6);
	memcpy(reply + 236, fixed, sizeof(fixed));
	memcpy(reply + 236 + sizeof(fixed), options, len);
	deliver(life, frame, doppel_frame_udp4(frame, &head, reply, 236 + sizeof(fixed) + len));
}

static void step_arp(struct life *life, struct input *input)
{
	const struct mac from = some_mac(take(input));
	const uint8_t what = take(input);
	const struct arp arp = {
		.operation = what & 1 ? ARPOP_REPLY : ARPOP_REQUEST,
		.sender_mac = from,
		.target_mac = device,
		.sender = some_ip4(what >> 1),
		.target = some_ip4(what >> 4),
	};
	uint8_t frame[FRAME_MAX];

	deliver(life, frame, doppel_frame_arp(frame, &doppel_mac_broadcast, &from, &arp));
}

static void step_dhcp6(struct life *life, struct input *input)
{
	struct packet head = {
		.dst = device, .src = some_mac(1), .hop_limit = 64, .sport = 547, .dport = 546,
		.ip6 = { .dst = life->dhcp6.link_local },
	};
	const uint8_t fixed[] = {
		take(input), (uint8_t)(life->dhcp6.exchange.xid >> 16),
		(uint8_t)(life->dhcp6.exchange.xid >> 8), (uint8_t)life->dhcp6.exchange.xid,
		0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1,
		0, 2, 0, 10, 0, 3, 0, 1, 2, 0xee, 0, 0, 0, take(input),
	};
	uint8_t message[sizeof(fixed) + 255], frame[FRAME_MAX];
	const uint8_t *options;
	size_t len = take_some(input, &options);

	head.ip6.src = doppel_ip6_link_local(&head.src);
	memcpy(message, fixed, sizeof(fixed));
	memcpy(message + sizeof(fixed), options, len);
	deliver(life, frame, doppel_frame_udp6(frame, &head, message, sizeof(fixed) + len));
}

static void step_icmp6(struct life *life, struct input *input, uint8_t type)
{
	struct packet head = { .dst = device, .src = some_mac(take(input)), .hop_limit = 255 };
	uint8_t message[24 + 255] = { type }, frame[FRAME_MAX];
	const struct in6_addr target = some_ip6(life, take(input));
	const uint8_t *rest;
	size_t len = take_some(input, &rest), fixed = type == ND_ROUTER_ADVERT ? 4 : 24;

	head.ip6.src = doppel_ip6_link_local(&head.src);
	head.ip6.dst = doppel_all_nodes;
	if (fixed == 24)
		memcpy(message + 8, &target, sizeof(target));
	memcpy(message + fixed, rest, len);
	deliver(life, frame, doppel_frame_icmp6(frame, &head, message, fixed + len));
}

/* What the agent itself does with the machines. */
static void step_agent(struct life *life, uint8_t what)
{
	const struct dhcp4_lease *lease4 = doppel_dhcp4_lease(&life->dhcp4);
	struct dhcp4_lease lease = lease4 ? *lease4 : (struct dhcp4_lease){ 0 };

	switch (what % 10) {
	case 0:
		doppel_dhcp4_confirm(&life->dhcp4);
		break;
	case 1:
		doppel_dhcp4_retry(&life->dhcp4);
		break;
	case 2:
		doppel_dhcp4_stop(&life->dhcp4, true);
		doppel_dhcp4_start(&life->dhcp4, lease4 ? &lease : NULL);
		break;
	case 3:
		doppel_slaac_confirm(&life->slaac);
		break;
	case 4:
		doppel_slaac_stop(&life->slaac);
		doppel_slaac_start(&life->slaac);
		break;
	case 5:
		doppel_dhcp6_start(&life->dhcp6, &life->slaac.link_local, NULL);
		break;
	case 6:
		doppel_dhcp6_inform(&life->dhcp6, &life->slaac.link_local);
		break;
	case 7:
		doppel_dhcp6_confirm(&life->dhcp6);
		break;
	case 8:
		doppel_dhcp6_stop(&life->dhcp6, true);
		break;
	case 9:
		doppel_routers_doubt(&life->routers);
		break;
	}
}

static void step(struct life *life, struct input *input)
{
	const uint8_t what = take(input);

	switch (what % 8) {
	case 0:
		/* From a millisecond to half an hour */
		pass(life, now_ms + (1 + (what >> 3)) * (1LL << take(input) % 17));
		break;
	case 1:
		step_dhcp4(life, input);
		break;
	case 2:
		step_arp(life, input);
		break;
	case 3:
		step_dhcp6(life, input);
		break;
	case 4:
		step_icmp6(life, input, ND_ROUTER_ADVERT);
		break;
	case 5:
		step_icmp6(life, input, ND_NEIGHBOR_SOLICIT);
		break;
	case 6:
		step_icmp6(life, input, ND_NEIGHBOR_ADVERT);
		break;
	case 7:
		step_agent(life, what >> 3);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct dhcp4_config config4 = { .mac = device, .policy = policy };
	const struct dhcp6_config config6 = { .mac = device, .policy = policy };
	const struct slaac_config config = { .mac = device, .wait_ms = 3000 };
	struct negotiation_status status;
	struct input input = { data, len };
	struct life life = { .routers = { .count = 0 } };
	unsigned int i;

	now_ms = 1000000;
	doppel_dhcp4_init(&life.dhcp4, &env, &config4, on_dhcp4);
	doppel_slaac_init(&life.slaac, &env, &config, on_slaac);
	doppel_dhcp6_init(&life.dhcp6, &env, &config6, &life.slaac.mld, on_dhcp6);
	doppel_dhcp4_start(&life.dhcp4, NULL);
	doppel_slaac_start(&life.slaac);
	pass(&life, now_ms);
	for (i = 0; input.len && i < STEPS_MAX; i++) {
		step(&life, &input);
		pass(&life, now_ms);
		doppel_dhcp4_status(&life.dhcp4, &status);
		doppel_dhcp6_status(&life.dhcp6, &status);
		doppel_slaac_status(&life.slaac, &status);
	}
	doppel_dhcp4_free(&life.dhcp4);
	doppel_dhcp6_free(&life.dhcp6);
	doppel_slaac_free(&life.slaac);
	return 0;
}
