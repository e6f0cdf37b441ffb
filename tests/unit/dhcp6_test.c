// SPDX-License-Identifier: GPL-2.0-only
/* The DHCPv6 client: whole lives with an injected clock, exact messages, lying servers. */
#include "gateway/dhcp6.h"
#include "gateway/dhcp6_message.h"
#include "dhcp6_peer.h"

/* What the machine told, in one line: "B2001:db8::9 R… L… C… I S". */
static char told[1024];

static void on_event(void *ctx, const struct dhcp6_event *event)
{
	static const char letters[] = "BRLCIS";
	char ip[DOPPEL_IP6_TEXT] = "";

	(void)ctx;
	if (event->kind == DHCP6_EVENT_CONFLICT)
		doppel_ip6_format(&event->address, ip);
	else if (event->lease && event->lease->address_count)
		doppel_ip6_format(&event->lease->addresses[0].address, ip);
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%c%s", *told ? " " : "",
		 letters[event->kind], ip);
}

static const struct dhcp6_config config = {
	.mac = { { 2, 0, 0, 0, 0, 1 } },
	.policy = { .timeout_ms = 10000, .retries = 5, .retry_delay_ms = 5000,
		    .retry_cap_ms = 60000 },
};

static struct mld mld;
static struct in6_addr link_local;

static struct world *machine(struct dhcp6 *dhcp)
{
	struct world *world = world_new();

	told[0] = '\0';
	link_local = ip6("fe80::ff:fe00:1");
	doppel_mld_init(&mld, &world->env, &device);
	doppel_dhcp6_init(dhcp, &world->env, &config, &mld, on_event);
	return world;
}

/* As far as BOUND with one address; times count from world->now - 1000. */
static struct world *bound(struct dhcp6 *dhcp, uint32_t preferred, uint32_t valid)
{
	struct world *world = machine(dhcp);

	doppel_dhcp6_start(dhcp, &link_local, NULL);
	world_run(world, dhcp, dhcp6, world->now);
	v6_answer(dhcp, 2, preferred, valid);
	world_run(world, dhcp, dhcp6, world->now + 1100);
	v6_answer(dhcp, 7, preferred, valid);
	world_run(world, dhcp, dhcp6, world->now + 1000);
	if (dhcp->state != DHCP6_BOUND)
		abort();
	told[0] = '\0';
	return world;
}

static struct negotiation_status status_of(const struct dhcp6 *dhcp)
{
	struct negotiation_status status;

	doppel_dhcp6_status(dhcp, &status);
	return status;
}

static void test_messages(void)
{
	static const uint8_t want[] = {
		1, 1, 2, 3,
		0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1,
		0, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 8, 0, 2, 0, 5,
		0, 14, 0, 0,
		0, 6, 0, 8, 0, 23, 0, 24, 0, 56, 0, 82,
	};
	static const uint8_t decline[] = {
		9, 1, 2, 3,
		0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1,
		0, 2, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfe,
		0, 3, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 5, 0, 24, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
		0, 0, 0, 0, 0, 0, 0, 0,
		0, 8, 0, 2, 0, 0,
	};
	struct dhcp6_lease lease = { .address_count = 2, .server_duid_len = 10 };
	struct dhcp6_request request = { .type = DHCP6_SOLICIT, .xid = 0x010203, .elapsed_cs = 5,
					 .with_ia = true };
	uint8_t data[DHCP6_MESSAGE_MAX];

	is_int(doppel_dhcp6_build(data, &device, &request), sizeof(want), "length of a Solicit");
	is_mem(data, want, sizeof(want), "Solicit, byte by byte");
	memcpy(lease.server_duid, server_duid, 10);
	lease.addresses[0].address = ip6("2001:db8::8");
	lease.addresses[1].address = ip6(ADDRESS);
	request = (struct dhcp6_request){ .type = DHCP6_DECLINE, .xid = 0x010203, .lease = &lease,
					  .with_server = true, .with_ia = true,
					  .with_addresses = true,
					  .only = &lease.addresses[1].address };
	is_int(doppel_dhcp6_build(data, &device, &request), sizeof(decline),
	       "length of a Decline");
	is_mem(data, decline, sizeof(decline), "Decline of one address, byte by byte");
	lease.address_count = DHCP6_ADDRESSES_MAX;
	lease.server_duid_len = DHCP6_DUID_MAX;
	request.only = NULL;
	ok(doppel_dhcp6_build(data, &device, &request) < DHCP6_MESSAGE_MAX, "all at once fits");
}

static void test_handshake(void)
{
	struct dhcp6 dhcp;
	struct world *world = machine(&dhcp);
	int64_t began = world->now, asked;
	struct packet packet;

	doppel_dhcp6_start(&dhcp, &link_local, NULL);
	world_run(world, &dhcp, dhcp6, began);
	packet = world_packet(world);
	is_int(v6_last_type(world), 1, "Solicit");
	ok(doppel_mac_eq(&packet.src, &device) && doppel_ip6_eq(&packet.ip6.src, &link_local) &&
	   packet.ip6.dst.s6_addr[15] == 2 && packet.sport == 546 && packet.dport == 547,
	   "from the device's MAC and link-local address");
	is_mem(world_last(world)->frame, "\x33\x33\0\1\0\2", 6, "to ff02::1:2");
	is_int(v6_answer(&dhcp, 2, 1800, 3600), VERDICT_ACCEPTED, "Advertise");
	is_int(v6_last_type(world), 1, "others are waited for until the first interval is over");
	world_run(world, &dhcp, dhcp6, began + 1050);
	is_int(v6_last_type(world), 3, "then Request");
	ok(v6_last_has(world, 2) && v6_last_has(world, 3), "with the server's DUID and the IA");
	asked = world->now;
	is_int(v6_answer(&dhcp, 7, 1800, 3600), VERDICT_ACCEPTED, "Reply");
	is_str(told, "", "not used before DAD");
	is_int(status_of(&dhcp).status, FAMILY_SOLICITING, "soliciting");
	world_run(world, &dhcp, dhcp6, asked + 999);
	is_int(mld.count, 1, "its group joined");
	packet = world_packet(world);
	ok(packet.kind == PACKET_ICMP6 && packet.payload[0] == 135, "NS of DAD");
	world_run(world, &dhcp, dhcp6, asked + 1000);
	is_str(told, "B" ADDRESS, "bound");
	packet = world_packet(world);
	ok(packet.kind == PACKET_ICMP6 && packet.payload[0] == 136, "announced");
	is_int(status_of(&dhcp).status, FAMILY_BOUND, "status bound");
	is_int(dhcp.lease.acquired_ms, asked, "times count from the Request");
	is_int(dhcp.lease.t1_s, 900, "T1: half of preferred");
	is_int(dhcp.lease.t2_s, 1440, "T2: 0.8 of it");
	is_int(dhcp.lease.dns_count, 1, "DNS");
	is_int(doppel_dhcp6_expiry_ms(&dhcp.lease), asked + 3600000, "expiry");
	doppel_dhcp6_stop(&dhcp, true);
	is_int(mld.count, 0, "group left");
	world->count--;			/* and before that was said: */
	is_int(v6_last_type(world), 8, "Release");
	ok(v6_last_has(world, 2) && v6_last_has(world, 3) && !v6_last_has(world, 6), "with what it is of");
	doppel_dhcp6_free(&dhcp);
	free(world);
}

static void test_advertise(void)
{
	static const uint8_t other_duid[10] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfd };
	struct dhcp6 dhcp;
	struct world *world = machine(&dhcp);
	struct message m;

	doppel_dhcp6_start(&dhcp, &link_local, NULL);
	world_run(world, &dhcp, dhcp6, world->now);
	v6_answer(&dhcp, 2, 1800, 3600);
	m = v6_begin(2, dhcp.exchange.xid, other_duid);
	v6_put_ia(&m, 0, 0, 28);
	v6_put_address(&m, "2001:db8::77", 1800, 3600);
	v6_head(&m, 7, 1);
	v6_put(&m, "\x10", 1);
	v6_deliver(&dhcp, &m);
	is_int(dhcp.offer->lease.addresses[0].address.s6_addr[15], 0x77, "the higher preference wins");
	m.data[m.len - 1] = 255;
	v6_deliver(&dhcp, &m);
	is_int(v6_last_type(world), 3, "255 is not waited for");
	is_int(v6_answer(&dhcp, 7, 1800, 3600), VERDICT_REFUSED, "a Reply of another server");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	doppel_dhcp6_start(&dhcp, &link_local, NULL);
	world_run(world, &dhcp, dhcp6, world->now);
	is_int(v6_answer(&dhcp, 7, 1800, 3600), VERDICT_UNEXPECTED, "a Reply without rapid commit");
	m = v6_reply(7, dhcp.exchange.xid, 1800, 3600);
	v6_head(&m, 14, 0);
	is_int(v6_deliver(&dhcp, &m), VERDICT_ACCEPTED, "rapid commit");
	world_run(world, &dhcp, dhcp6, world->now + 1000);
	is_str(told, "B" ADDRESS, "bound in two messages");
	doppel_dhcp6_free(&dhcp);
	free(world);
}

static void test_silence(void)
{
	static const int64_t want[] = { 0, 1050, 3150, 7350 };
	struct dhcp6 dhcp;
	struct world *world = machine(&dhcp);
	int64_t began = world->now, gap;
	struct message m;
	unsigned int i;

	doppel_dhcp6_start(&dhcp, &link_local, NULL);
	world_run(world, &dhcp, dhcp6, began + 9999);
	for (i = 0; i < 4; i++)
		is_int(world->sent[i].at - began, want[i], "Solicit %u", i + 1);
	is_int(world->count, 4, "four in an attempt of 10 s");
	world_run(world, &dhcp, dhcp6, began + 10000);
	is_str(status_of(&dhcp).reason,
	       "no answer from a DHCPv6 server to 1 try: is the MAC registered upstream?", "reason");
	is_int(status_of(&dhcp).next_retry_ms, began + 10000 + 4750, "next try");
	while (dhcp.failed < 5)
		world_run(world, &dhcp, dhcp6, doppel_dhcp6_deadline(&dhcp));
	is_int(status_of(&dhcp).status, FAMILY_FAILED, "five failures are one");
	i = world->count;
	world_run(world, &dhcp, dhcp6, world->now + 86400000);
	ok(world->count - i > 4 * 86400 / 71 && world->count - i < 5 * 86400 / 63,
	   "for ever: %u messages in a day", world->count - i);

	doppel_dhcp6_retry(&dhcp);
	world_run(world, &dhcp, dhcp6, world->now);
	while (dhcp.state != DHCP6_SOLICITING)
		world_run(world, &dhcp, dhcp6, doppel_dhcp6_deadline(&dhcp));
	m = v6_begin(2, dhcp.exchange.xid, server_duid);
	v6_put_status(&m, 2, "not registered");
	v6_head(&m, 82, 4);
	v6_put32(&m, 7200);
	is_int(v6_deliver(&dhcp, &m), VERDICT_ACCEPTED, "a server without an address for us");
	while (dhcp.state != DHCP6_INIT)
		world_run(world, &dhcp, dhcp6, doppel_dhcp6_deadline(&dhcp));
	is_str(status_of(&dhcp).reason, "refused by the DHCPv6 server: not registered",
	       "its words");
	gap = status_of(&dhcp).next_retry_ms - world->now;
	ok(gap >= 6400000 && gap <= 7200000, "its SOL_MAX_RT is obeyed: %lld", (long long)gap);
	doppel_dhcp6_free(&dhcp);
	free(world);
}

static void test_renewal(void)
{
	struct dhcp6 dhcp;
	struct world *world = bound(&dhcp, 1800, 3600);
	int64_t at = dhcp.lease.acquired_ms;
	struct message m;

	is_int(doppel_dhcp6_deadline(&dhcp), at + 900000 - 22500, "T1, a little early");
	world_run(world, &dhcp, dhcp6, doppel_dhcp6_deadline(&dhcp));
	is_int(v6_last_type(world), 5, "Renew");
	ok(v6_last_has(world, 2), "to its server");
	is_int(status_of(&dhcp).status, FAMILY_RENEWING, "status renewing");
	is_int(v6_answer(&dhcp, 7, 1800, 3600), VERDICT_ACCEPTED, "Reply");
	is_str(told, "S R" ADDRESS, "renewed without DAD");

	told[0] = '\0';
	world_run(world, &dhcp, dhcp6, dhcp.lease.acquired_ms + 1440000);
	is_int(v6_last_type(world), 6, "Rebind after T2");
	ok(!v6_last_has(world, 2), "to every server");
	world_run(world, &dhcp, dhcp6, dhcp.lease.acquired_ms + 3599999);
	is_str(told, "S S", "in use until its end");
	world_run(world, &dhcp, dhcp6, world->now + 1);
	is_str(told, "S S L" ADDRESS, "lost");
	is_int(v6_last_type(world), 1, "Solicit at once");
	is_int(mld.count, 0, "group left");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = bound(&dhcp, 1800, 3600);
	world_run(world, &dhcp, dhcp6, doppel_dhcp6_deadline(&dhcp));
	v6_answer_ia_status(&dhcp, 7, 3);
	is_int(v6_last_type(world), 3, "NoBinding: Request");
	ok(doppel_dhcp6_lease(&dhcp) != NULL, "in use meanwhile");
	v6_answer(&dhcp, 7, 1800, 3600);
	is_str(told, "S R" ADDRESS, "the same address: renewed");

	world_run(world, &dhcp, dhcp6, doppel_dhcp6_deadline(&dhcp));
	told[0] = '\0';
	m = v6_begin(7, dhcp.exchange.xid, server_duid);
	v6_put_ia(&m, 0, 0, 56);
	v6_put_address(&m, "2001:db8::77", 1800, 3600);
	v6_put_address(&m, ADDRESS, 0, 0);
	v6_deliver(&dhcp, &m);
	world_run(world, &dhcp, dhcp6, world->now + 1000);
	is_str(told, "B2001:db8::77", "renumbered after DAD");
	is_int(mld.count, 1, "one group only");

	world_run(world, &dhcp, dhcp6, doppel_dhcp6_deadline(&dhcp));
	told[0] = '\0';
	m = v6_begin(7, dhcp.exchange.xid, server_duid);
	v6_put_ia(&m, 0, 0, 28);
	v6_put_address(&m, ADDRESS, 900, 1200);
	v6_deliver(&dhcp, &m);
	world_run(world, &dhcp, dhcp6, world->now + 1000);
	is_int(dhcp.lease.address_count, 2, "an address that is not mentioned stays");
	told[0] = '\0';
	m.len = 0;
	dhcp.lease.t1_s = UINT32_MAX;
	dhcp.deadline = NEVER;
	world_run(world, &dhcp, dhcp6, dhcp.lease.acquired_ms + 1200000);
	is_int(dhcp.lease.address_count, 1, "and outlives the other");
	is_str(told, "B2001:db8::77", "told");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = bound(&dhcp, 1800, 3600);
	world_run(world, &dhcp, dhcp6, doppel_dhcp6_deadline(&dhcp));
	told[0] = '\0';
	v6_answer(&dhcp, 7, 0, 0);
	is_str(told, "L" ADDRESS, "taken back");
	is_int(v6_last_type(world), 1, "Solicit");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = bound(&dhcp, UINT32_MAX, UINT32_MAX);
	world_run(world, &dhcp, dhcp6, world->now + 86400000LL * 365);
	is_str(told, "", "an infinite lease is never renewed");
	doppel_dhcp6_free(&dhcp);
	free(world);
}

/* Of ADDRESS */
static const uint8_t rivals_na[24] = { 136, [8] = 0x20, 1, 0x0d, 0xb8, [23] = 9 };

static struct packet rivals_claim(void)
{
	return (struct packet){
		.kind = PACKET_ICMP6, .src = rival, .hop_limit = 255, .payload = rivals_na,
		.len = sizeof(rivals_na), .ip6 = { .src = ip6(ADDRESS), .dst = doppel_all_nodes },
	};
}

static void test_conflict(void)
{
	struct dhcp6 dhcp;
	struct world *world = machine(&dhcp);
	struct packet packet = rivals_claim();

	doppel_dhcp6_start(&dhcp, &link_local, NULL);
	world_run(world, &dhcp, dhcp6, world->now);
	v6_answer(&dhcp, 2, 1800, 3600);
	world_run(world, &dhcp, dhcp6, world->now + 1100);
	v6_answer(&dhcp, 7, 1800, 3600);
	world_run(world, &dhcp, dhcp6, world->now + 100);
	packet.hop_limit = 64;
	is_int(doppel_dhcp6_receive(&dhcp, &packet), VERDICT_REFUSED, "an NA from afar");
	packet.hop_limit = 255;
	is_int(doppel_dhcp6_receive(&dhcp, &packet), VERDICT_ACCEPTED, "an NA while checking");
	is_str(told, "C" ADDRESS, "conflict");
	is_int(v6_last_type(world), 9, "Decline");
	is_int(mld.count, 0, "group left");
	is_str(status_of(&dhcp).reason,
	       "2001:db8::9 is in use by 02:00:00:00:00:02, so it was declined", "reason");
	world_run(world, &dhcp, dhcp6, world->now + 1000);
	is_int(v6_last_type(world), 9, "said again");
	v6_answer_status(&dhcp, 7, 0, "");
	is_int(dhcp.state, DHCP6_INIT, "until the server knows");
	world_run(world, &dhcp, dhcp6, world->now + 5000);
	is_int(v6_last_type(world), 1, "then Solicit");
	is_int(doppel_dhcp6_receive(&dhcp, &packet), VERDICT_OTHER, "an NA is nothing then");
	doppel_dhcp6_free(&dhcp);
	free(world);
}

static void refuse_by_another(struct dhcp6 *dhcp)
{
	static const uint8_t other_duid[10] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfd };
	struct message m = v6_begin(7, dhcp->exchange.xid, other_duid);

	v6_put_status(&m, DHCP6_NOT_ON_LINK, "");
	v6_deliver(dhcp, &m);
}

static void test_restored(void)
{
	struct dhcp6 dhcp;
	struct world *world = bound(&dhcp, 1800, 3600);
	struct dhcp6_lease lease = dhcp.lease;
	const struct packet claim = rivals_claim();
	unsigned int count;

	doppel_dhcp6_free(&dhcp);
	free(world);
	world = machine(&dhcp);
	world->now = 5000;
	lease.acquired_ms = world->now - 100000;
	is_int(doppel_dhcp6_expiry_ms(&lease), 5000 + 3500000, "from before this boot");
	doppel_dhcp6_start(&dhcp, &link_local, &lease);
	world_run(world, &dhcp, dhcp6, world->now);
	is_int(v6_last_type(world), 4, "Confirm");
	ok(!v6_last_has(world, 2) && v6_last_has(world, 3), "of its address, to every server");
	v6_answer_status(&dhcp, 7, 0, "all on link");
	world_run(world, &dhcp, dhcp6, world->now + 1000);
	is_str(told, "B" ADDRESS, "confirmed, checked, bound");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 100000;
	doppel_dhcp6_start(&dhcp, &link_local, &lease);
	world_run(world, &dhcp, dhcp6, world->now + 9999);
	is_int(dhcp.state, DHCP6_CONFIRMING, "10 s");
	world_run(world, &dhcp, dhcp6, world->now + 1001);
	is_str(told, "B" ADDRESS, "nobody objects: used");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 100000;
	doppel_dhcp6_start(&dhcp, &link_local, &lease);
	world_run(world, &dhcp, dhcp6, world->now);
	v6_answer_status(&dhcp, 7, 4, "");
	is_int(v6_last_type(world), 1, "not on this link: Solicit");
	is_str(told, "", "nothing was in use");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 100000;
	doppel_dhcp6_start(&dhcp, &link_local, &lease);
	world_run(world, &dhcp, dhcp6, world->now);
	v6_answer_status(&dhcp, 7, 0, "all on link");
	world_run(world, &dhcp, dhcp6, world->now + 100);
	is_int(doppel_dhcp6_receive(&dhcp, &claim), VERDICT_ACCEPTED, "confirmed, but somebody else has it");
	is_int(v6_last_type(world), 9, "Decline");
	v6_answer_status(&dhcp, 7, 0, "");
	world_run(world, &dhcp, dhcp6, world->now + 5000);
	is_int(v6_last_type(world), 1, "then Solicit: it is not confirmed again");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 100000;
	doppel_dhcp6_resume(&dhcp, &link_local, &lease);
	is_str(told, "B" ADDRESS, "resumed: bound at once");
	is_int(world->count, 0, "without a word");
	count = world->count;
	doppel_dhcp6_confirm(&dhcp);
	world_run(world, &dhcp, dhcp6, world->now);
	is_int(v6_last_type(world), 4, "the link was away: Confirm");
	ok(doppel_dhcp6_lease(&dhcp) != NULL, "in use meanwhile");
	v6_answer_status(&dhcp, 7, 4, "");
	is_str(told, "B" ADDRESS " L" ADDRESS, "not on this link: lost");
	ok(world->count > count && v6_last_type(world) == 1, "Solicit");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 100000;
	doppel_dhcp6_resume(&dhcp, &link_local, &lease);
	doppel_dhcp6_confirm(&dhcp);
	world_run(world, &dhcp, dhcp6, world->now);
	told[0] = '\0';
	refuse_by_another(&dhcp);
	world_run(world, &dhcp, dhcp6, world->now + 1000);
	is_str(told, "", "not on this link, says another server: its own may object");
	v6_answer_status(&dhcp, 7, 0, "");
	is_str(told, "R" ADDRESS, "it does");
	doppel_dhcp6_confirm(&dhcp);
	world_run(world, &dhcp, dhcp6, world->now);
	told[0] = '\0';
	refuse_by_another(&dhcp);
	world_run(world, &dhcp, dhcp6, world->now + 2000);
	is_str(told, "L" ADDRESS, "nobody objects");
	doppel_dhcp6_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 3600000;
	doppel_dhcp6_resume(&dhcp, &link_local, &lease);
	is_str(told, "L" ADDRESS, "resumed too late: lost");
	doppel_dhcp6_free(&dhcp);
	free(world);

}

static void test_information(void)
{
	struct dhcp6 dhcp;
	struct world *world = machine(&dhcp);
	struct in6_addr dns = ip6("2001:db8::53");
	struct message m;

	doppel_dhcp6_inform(&dhcp, &link_local);
	world_run(world, &dhcp, dhcp6, world->now);
	is_int(v6_last_type(world), 11, "Information-request");
	ok(!v6_last_has(world, 3), "without an IA");
	m = v6_begin(7, dhcp.exchange.xid, server_duid);
	v6_head(&m, 23, 16);
	v6_put(&m, &dns, 16);
	v6_head(&m, 24, 13);
	v6_put(&m, "\7example\3com\0", 13);
	v6_head(&m, 56, 40);
	v6_head(&m, 3, 16);
	v6_put(&m, "\3ntp\7example\3com", 16);
	v6_head(&m, 1, 16);
	v6_put(&m, &dns, 16);
	v6_head(&m, 32, 4);
	v6_put32(&m, 1200);
	is_int(v6_deliver(&dhcp, &m), VERDICT_ACCEPTED, "Reply");
	is_str(told, "I", "informed");
	is_int(dhcp.lease.dns_count, 1, "DNS");
	is_str(dhcp.lease.search, "example.com", "search list");
	ok(dhcp.lease.ntp_count == 1 && doppel_ip6_eq(&dhcp.lease.ntp[0], &dns),
	   "NTP servers that have an address");
	ok(!doppel_dhcp6_lease(&dhcp) && doppel_dhcp6_told(&dhcp), "no lease, but told");
	is_int(doppel_dhcp6_deadline(&dhcp), world->now + 1200000, "until the refresh time");
	world_run(world, &dhcp, dhcp6, world->now + 1200000);
	is_int(v6_last_type(world), 11, "asked again");
	doppel_dhcp6_start(&dhcp, &link_local, NULL);
	world_run(world, &dhcp, dhcp6, world->now);
	is_int(v6_last_type(world), 1, "M came: Solicit");
	doppel_dhcp6_free(&dhcp);
	free(world);
}

static void test_lies(void)
{
	static const uint8_t types[] = { 2, 7 };
	struct dhcp6 dhcp, before;
	struct world *world = machine(&dhcp);
	struct message m;
	struct dhcp6_reply parsed;
	unsigned int stage, t, bad = 0, i;
	uint32_t seed = 3;
	size_t len;

	doppel_dhcp6_start(&dhcp, &link_local, NULL);
	world_run(world, &dhcp, dhcp6, world->now);
	for (stage = 0; stage < 3; stage++) {
		for (t = 0; t < 2; t++) {
			m = v6_reply(types[t], dhcp.exchange.xid, 1800, 3600);
			for (len = 0; len < m.len; len++) {
				uint8_t *copy = malloc(len + 1);
				struct packet packet = {
					.kind = PACKET_UDP6, .src = server_mac, .dst = device,
					.sport = 547, .dport = 546, .payload = copy, .len = len,
				};

				if (!copy)
					abort();
				memcpy(copy, m.data, len);
				before = dhcp;
				/* 76: without its last option it is a shorter, valid one */
				if (len != 76 && len != 32) {
					bad += doppel_dhcp6_receive(&dhcp, &packet) ==
					       VERDICT_ACCEPTED;
					bad += !!memcmp(&before, &dhcp, sizeof(dhcp));
				}
				free(copy);
			}
		}
		if (stage == 0) {
			v6_answer(&dhcp, 2, 1800, 3600);
			world_run(world, &dhcp, dhcp6, world->now + 1100);
		} else {
			v6_answer(&dhcp, 7, 1800, 3600);
			world_run(world, &dhcp, dhcp6, world->now + 1000);
		}
	}
	is_int(bad, 0, "no reply cut short changes anything in any state");

	m = v6_reply(7, 1, 1800, 3600);
	m.data[17] ^= 1;
	is_int(doppel_dhcp6_parse(m.data, m.len, &device, &parsed), VERDICT_OTHER,
	       "for another client");
	m = v6_begin(7, 1, server_duid);
	v6_put_ia(&m, 2000, 1000, 28);
	v6_put_address(&m, ADDRESS, 1800, 3600);
	is_int(doppel_dhcp6_parse(m.data, m.len, &device, &parsed), VERDICT_ACCEPTED, "T1 > T2");
	ok(!parsed.has_ia, "the IA is as if it were not there");
	m = v6_begin(7, 1, server_duid);
	v6_put_ia(&m, 0, 0, 28 * 4);
	v6_put_address(&m, ADDRESS, 3601, 3600);
	v6_put_address(&m, "ff02::1", 10, 20);
	v6_put_address(&m, "fe80::1", 10, 20);
	v6_put_address(&m, ADDRESS, 9, 9);
	doppel_dhcp6_parse(m.data, m.len, &device, &parsed);
	is_int(parsed.lease.address_count, 0,
	       "preferred for longer than valid, multicast, link-local, for 9 s: no addresses");
	m = v6_begin(7, 1, server_duid);
	v6_put_ia(&m, 0, 0, 28 * 6);
	for (i = 0; i < 6; i++)
		v6_put_address(&m, ADDRESS, 10, 20);
	doppel_dhcp6_parse(m.data, m.len, &device, &parsed);
	is_int(parsed.lease.address_count, DHCP6_ADDRESSES_MAX, "a flood of addresses is bounded");
	m = v6_begin(7, 1, server_duid);
	v6_head(&m, 2, 131);
	m.len += 131;
	is_int(doppel_dhcp6_parse(m.data, m.len, &device, &parsed), VERDICT_MALFORMED,
	       "a DUID longer than any");

	for (i = 0; i < 100000; i++) {
		unsigned int flips = 1 + i % 4;

		m = v6_reply(types[i & 1], dhcp.exchange.xid, 1800, 3600);
		while (flips--) {
			seed = seed * 1664525 + 1013904223;
			m.data[(seed >> 8) % m.len] = seed >> 24;
		}
		if (i & 4)
			m.len -= seed % m.len;
		v6_deliver(&dhcp, &m);
		if (i % 100 == 0)
			world_run(world, &dhcp, dhcp6, world->now + seed % 100000);
	}
	ok(true, "100000 mutated replies survived");
	doppel_dhcp6_free(&dhcp);
	free(world);
}

int main(void)
{
	test_messages();
	test_handshake();
	test_advertise();
	test_silence();
	test_renewal();
	test_conflict();
	test_restored();
	test_information();
	test_lies();
	return done_testing();
}
