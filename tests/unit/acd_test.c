// SPDX-License-Identifier: GPL-2.0-only
/* IPv4 address conflict detection: RFC 5227's times and reactions. */
#include <net/if_arp.h>

#include "gateway/acd.h"
#include "wan_world.h"


static struct packet arp(uint16_t operation, const struct mac *sender_mac, const char *sender,
			 const char *target)
{
	return (struct packet){
		.kind = PACKET_ARP,
		.src = *sender_mac,
		.arp = { .operation = operation, .sender_mac = *sender_mac, .sender = ip4(sender),
			 .target = ip4(target) },
	};
}

static enum acd_result receive(struct acd *acd, struct packet packet)
{
	enum acd_result result;

	doppel_acd_receive(acd, &packet, &result);
	return result;
}

static struct world *start(struct acd *acd)
{
	struct world *world = world_new();

	doppel_acd_init(acd, &world->env, &doppel_acd_rfc5227, &device);
	doppel_acd_start(acd, ip4("192.0.2.9"));
	return world;
}

/* Until the result comes. */
static enum acd_result run(struct world *world, struct acd *acd)
{
	enum acd_result result = ACD_NOTHING;

	while (result == ACD_NOTHING && doppel_acd_deadline(acd) != NEVER) {
		world->now = doppel_acd_deadline(acd);
		result = doppel_acd_timeout(acd);
	}
	return result;
}

static void test_clear(void)
{
	struct acd acd;
	struct world *world = start(&acd);
	int64_t began = world->now;
	struct packet packet;

	is_int(doppel_acd_timeout(&acd), ACD_NOTHING, "too early");
	is_int(world->count, 0, "nothing sent before PROBE_WAIT");
	is_int(run(world, &acd), ACD_CLEAR, "nobody has it");
	is_int(world->count, 3, "three probes");
	is_int(world->sent[0].at - began, 500, "first in PROBE_WAIT");
	is_int(world->sent[1].at - world->sent[0].at, 1500, "second in 1 to 2 s");
	is_int(world->now - world->sent[2].at, 2000, "ANNOUNCE_WAIT");
	packet = world_packet(world);
	ok(!packet.arp.sender.s_addr && packet.arp.target.s_addr == ip4("192.0.2.9").s_addr &&
	   doppel_mac_eq(&packet.src, &device), "a probe tells no address of the sender");
	world_run(world, &acd, acd, world->now + 60000);
	is_int(world->count, 5, "two announcements");
	is_int(world->sent[4].at - world->sent[3].at, 2000, "ANNOUNCE_INTERVAL");
	packet = world_packet(world);
	ok(packet.arp.sender.s_addr == packet.arp.target.s_addr, "an announcement");
	is_int(acd.state, ACD_DEFENDING, "and then on guard");
	free(world);
}

static void test_conflicts(void)
{
	struct acd acd;
	struct world *world = start(&acd);

	run(world, &acd);
	free(world);

	world = start(&acd);
	is_int(receive(&acd, arp(ARPOP_REPLY, &device, "192.0.2.9", "192.0.2.9")), ACD_NOTHING,
	       "our own MAC is no rival");
	is_int(receive(&acd, arp(ARPOP_REQUEST, &rival, "192.0.2.8", "192.0.2.9")), ACD_NOTHING,
	       "somebody who asks for it is no rival");
	is_int(receive(&acd, arp(ARPOP_REPLY, &doppel_mac_broadcast, "192.0.2.9", "192.0.2.9")),
	       ACD_NOTHING, "a broadcast MAC is nobody");
	is_int(acd.state, ACD_PROBING, "state unchanged");
	is_int(receive(&acd, arp(ARPOP_REPLY, &rival, "192.0.2.9", "192.0.2.1")), ACD_CONFLICT,
	       "somebody has it");
	ok(doppel_mac_eq(&acd.rival, &rival), "and is named");
	is_int(doppel_acd_deadline(&acd), NEVER, "off");
	is_int(receive(&acd, arp(ARPOP_REPLY, &rival, "192.0.2.9", "192.0.2.1")), ACD_NOTHING,
	       "deaf then");
	free(world);

	world = start(&acd);
	is_int(receive(&acd, arp(ARPOP_REQUEST, &rival, "0.0.0.0", "192.0.2.9")), ACD_CONFLICT,
	       "somebody probes for it, too");
	free(world);

	world = start(&acd);
	run(world, &acd);
	world_run(world, &acd, acd, world->now + 5000);
	is_int(receive(&acd, arp(ARPOP_REQUEST, &rival, "0.0.0.0", "192.0.2.9")), ACD_NOTHING,
	       "a probe for what is ours");
	is_int(world->count, 5, "is left to the module's answer");
	is_int(receive(&acd, arp(ARPOP_REPLY, &rival, "192.0.2.9", "192.0.2.1")), ACD_NOTHING,
	       "a claim in use is defended");
	is_int(world->count, 6, "by an announcement");
	world->now += 10000;
	is_int(receive(&acd, arp(ARPOP_REPLY, &rival, "192.0.2.9", "192.0.2.1")), ACD_NOTHING,
	       "again after DEFEND_INTERVAL");
	world->now += 9999;
	is_int(receive(&acd, arp(ARPOP_REPLY, &rival, "192.0.2.9", "192.0.2.1")), ACD_CONFLICT,
	       "given up within it");
	free(world);
}

int main(void)
{
	test_clear();
	test_conflicts();
	return done_testing();
}
