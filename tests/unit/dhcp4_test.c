// SPDX-License-Identifier: GPL-2.0-only
/* The DHCPv4 client: whole lives with an injected clock, exact messages, lying servers. */
#include <stdarg.h>

#include "gateway/dhcp4.h"
#include "gateway/dhcp4_message.h"
#include "gateway/wire.h"
#include "dhcp4_peer.h"

/* What the machine told, in one line: "B192.0.2.9 R… L… C… S". */
static char told[512];

static void on_event(void *ctx, const struct dhcp4_event *event)
{
	static const char letters[] = "BRLCS";
	char ip[DOPPEL_IP4_TEXT] = "";

	(void)ctx;
	if (event->lease)
		doppel_ip4_format(event->lease->address, ip);
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%c%s", *told ? " " : "",
		 letters[event->kind], ip);
}

static const struct dhcp4_config config = {
	.mac = { { 2, 0, 0, 0, 0, 1 } },
	.policy = { .timeout_ms = 15000, .retries = 10, .retry_delay_ms = 5000,
		    .retry_cap_ms = 60000 },
	.looks = { .hostname = "printer" },
};

static struct world *machine(struct dhcp4 *dhcp)
{
	struct world *world = world_new();

	told[0] = '\0';
	doppel_dhcp4_init(dhcp, &world->env, &config, on_event);
	return world;
}

/* As far as BOUND with 192.0.2.9; the lease's times count from the request. */
static struct world *bound(struct dhcp4 *dhcp, uint32_t lease_s)
{
	struct world *world = machine(dhcp);

	doppel_dhcp4_start(dhcp, NULL);
	world_run(world, dhcp, dhcp4, world->now);
	v4_answer(dhcp, "192.0.2.9", 2, lease_s);
	v4_answer(dhcp, "192.0.2.9", 5, lease_s);
	world_run(world, dhcp, dhcp4, world->now + 9000);
	if (dhcp->state != DHCP4_BOUND)
		abort();
	told[0] = '\0';
	return world;
}

static void test_messages(void)
{
	static const uint8_t discover_options[] = {
		53, 1, 1, 61, 7, 1, 2, 0, 0, 0, 0, 1, 57, 2, 5, 220,
		12, 7, 'p', 'r', 'i', 'n', 't', 'e', 'r', 80, 0,
		55, 10, 1, 121, 3, 6, 15, 26, 42, 58, 59, 119, 255,
	};
	uint8_t data[DHCP4_MESSAGE_MAX], zeros[64] = { 0 };
	struct dhcp4_request request = { .type = DHCP4_DISCOVER, .xid = 0x01020304, .secs = 5,
					 .broadcast = true };
	struct dhcp4_config full = config;

	is_int(doppel_dhcp4_build(data, &config, &request), 300, "padded to BOOTP's size");
	is_mem(data, "\1\1\6\0\1\2\3\4\0\5\x80\0", 12, "head, byte by byte");
	is_mem(data + 28, "\2\0\0\0\0\1\0\0\0\0", 10, "chaddr");
	is_mem(data + 44, zeros, 64, "no sname");
	is_mem(data + 236, "\x63\x82\x53\x63", 4, "cookie");
	is_mem(data + 240, discover_options, sizeof(discover_options), "options of a DISCOVER");

	memset(full.looks.hostname, 'h', sizeof(full.looks.hostname) - 1);
	memset(full.looks.vendor_class, 'v', sizeof(full.looks.vendor_class) - 1);
	full.client_id_duid = true;
	full.looks.parameter_count = sizeof(full.looks.parameters);
	request.ipv6_only = true;
	request.requested = ip4("192.0.2.9");
	request.server = ip4("192.0.2.1");
	request.message = "why";
	ok(doppel_dhcp4_build(data, &full, &request) < DHCP4_MESSAGE_MAX, "all at once fits");
	is_mem(data + 243, "\x3d\xf\xff\0\0\0\1\0\3\0\1\2\0\0\0\0\1", 17,
	       "client identifier of RFC 4361");
}

/* What the device asks its LAN's server for is asked for in its order, but for option 108. */
static void test_mirror(void)
{
	static const uint8_t of_device[] = { 1, 3, 44, 108, 6, 119 };
	static const uint8_t want[] = { 1, 3, 44, 6, 119, 121, 15, 26, 42, 58, 59 };
	struct dhcp4 dhcp;
	struct world *world = machine(&dhcp);
	const uint8_t *option;

	snprintf(dhcp.config.looks.vendor_class, sizeof(dhcp.config.looks.vendor_class), "MSFT 5.0");
	memcpy(dhcp.config.looks.parameters, of_device, sizeof(of_device));
	dhcp.config.looks.parameter_count = sizeof(of_device);
	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, world->now);
	option = v4_last_option(world, 55);
	is_int(option[-1], sizeof(want), "as many as both ask for");
	is_mem(option, want, sizeof(want), "the device's first, each once");
	is_mem(v4_last_option(world, 60) - 1, "\x8MSFT 5.0", 9, "its vendor class");
	doppel_dhcp4_translated(&dhcp, true);
	world_run(world, &dhcp, dhcp4, doppel_dhcp4_deadline(&dhcp));
	option = v4_last_option(world, 55);
	ok(option[-1] == sizeof(want) + 1 && option[sizeof(want)] == 108,
	   "option 108 only with 464XLAT");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

static void test_handshake(void)
{
	struct dhcp4 dhcp;
	struct world *world = machine(&dhcp);
	struct negotiation_status status;
	struct packet packet;
	int64_t asked;

	doppel_dhcp4_start(&dhcp, NULL);
	is_int(doppel_dhcp4_deadline(&dhcp), world->now, "no jitter asked for, none given");
	world_run(world, &dhcp, dhcp4, world->now);
	packet = world_packet(world);
	is_int(v4_last_type(world), 1, "DISCOVER");
	ok(doppel_mac_eq(&packet.src, &device) && v4_last_is_broadcast(world) &&
	   !packet.ip4.src.s_addr && packet.ip4.dst.s_addr == INADDR_BROADCAST,
	   "from the device's MAC and 0.0.0.0 to everybody");
	is_int(packet.payload[10], 0x80, "broadcast flag");

	is_int(v4_answer(&dhcp, "192.0.2.9", 5, 3600), VERDICT_UNEXPECTED, "an ACK out of the blue");
	is_int(v4_answer(&dhcp, "192.0.2.9", 2, 3600), VERDICT_ACCEPTED, "OFFER");
	is_int(v4_last_type(world), 3, "REQUEST at once");
	is_mem(v4_last_option(world, 50), "\xc0\0\2\x9", 4, "for the address");
	is_mem(v4_last_option(world, 54), "\xc0\0\2\1", 4, "and the server's identifier");
	is_int(packet.payload[10], 0x80, "broadcast flag still");
	asked = world->now;
	world->now += 300;
	is_int(v4_answer(&dhcp, "192.0.2.9", 5, 3600), VERDICT_ACCEPTED, "ACK");
	is_str(told, "", "not used before it was probed for");
	doppel_dhcp4_status(&dhcp, &status);
	is_int(status.status, FAMILY_SOLICITING, "still soliciting");
	world_run(world, &dhcp, dhcp4, asked + 7000);
	is_str(told, "B192.0.2.9", "bound");
	ok(doppel_dhcp4_lease(&dhcp) && doppel_dhcp4_lease(&dhcp)->prefix_len == 24 &&
	   doppel_dhcp4_lease(&dhcp)->router.s_addr == ip4("192.0.2.1").s_addr &&
	   doppel_dhcp4_lease(&dhcp)->dns_count == 1 &&
	   doppel_mac_eq(&doppel_dhcp4_lease(&dhcp)->server_mac, &server_mac), "the lease");
	is_int(dhcp.lease.acquired_ms, asked, "counts from the request");
	is_int(doppel_dhcp4_expiry_ms(&dhcp.lease), asked + 3600000, "expiry");
	packet = world_packet(world);
	ok(packet.kind == PACKET_ARP && packet.arp.sender.s_addr == packet.arp.target.s_addr,
	   "announced");
	doppel_dhcp4_status(&dhcp, &status);
	is_int(status.status, FAMILY_BOUND, "status bound");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

static void test_retransmission(void)
{
	static const int64_t want[] = { 0, 4000, 12000, 20000, 24000, 32000 };
	struct dhcp4 dhcp;
	struct world *world = machine(&dhcp);
	struct negotiation_status status;
	int64_t began = world->now, gap;
	uint32_t late;
	unsigned int i;

	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, began + 14999);
	for (i = 0; i < 3; i++)
		is_int(world->sent[i].at - began, want[i], "DISCOVER %u", i + 1);
	is_int(world->count, 3, "three in an attempt of 15 s");
	late = dhcp.xid;
	world_run(world, &dhcp, dhcp4, began + 15000);
	doppel_dhcp4_status(&dhcp, &status);
	is_int(status.status, FAMILY_SOLICITING, "one failure is none");
	is_str(status.reason,
	       "no answer from a DHCPv4 server to 1 try: is the MAC registered upstream?", "reason");
	is_int(status.next_retry_ms, began + 15000 + 4750, "next try: 5 s, less a random tenth");

	world_run(world, &dhcp, dhcp4, began + 15000 + 4750);
	ok(dhcp.xid != late, "another attempt, another xid");
	for (i = 1; i < 9; i++)
		world_run(world, &dhcp, dhcp4, world->now + 15000 + 60000);
	while (dhcp.failed < 10 || dhcp.state == DHCP4_INIT)
		world_run(world, &dhcp, dhcp4, doppel_dhcp4_deadline(&dhcp));
	while (dhcp.state != DHCP4_INIT)
		world_run(world, &dhcp, dhcp4, doppel_dhcp4_deadline(&dhcp));
	doppel_dhcp4_status(&dhcp, &status);
	is_int(status.status, FAMILY_FAILED, "ten failures are one");
	gap = status.next_retry_ms - world->now;
	ok(gap >= 54000 && gap <= 60000, "retried at the cap, jittered: %lld", (long long)gap);
	i = world->count;
	world_run(world, &dhcp, dhcp4, world->now + 86400000);
	ok(world->count - i > 3 * 86400 / 76 && world->count - i < 4 * 86400 / 68,
	   "for ever: %u messages in a day", world->count - i);

	while (dhcp.state != DHCP4_INIT)
		world_run(world, &dhcp, dhcp4, doppel_dhcp4_deadline(&dhcp));
	is_int(v4_answer(&dhcp, "192.0.2.9", 2, 3600), VERDICT_ACCEPTED,
	       "an offer that comes late is taken");
	is_int(v4_last_type(world), 3, "and requested");
	doppel_dhcp4_stop(&dhcp, true);
	is_int(doppel_dhcp4_deadline(&dhcp), NEVER, "stopped");
	is_int(v4_last_type(world), 3, "nothing to release");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

static void test_renewal(void)
{
	struct dhcp4 dhcp;
	struct world *world = bound(&dhcp, 3600);
	int64_t asked = dhcp.lease.acquired_ms;
	struct negotiation_status status;
	struct packet packet;
	unsigned int count = world->count;

	is_int(doppel_dhcp4_deadline(&dhcp), asked + 1800000 - 45000, "T1, a little early");
	world_run(world, &dhcp, dhcp4, asked + 1799999);
	is_int(world->count, count + 1, "one renewal");
	packet = world_packet(world);
	ok(doppel_mac_eq(&packet.dst, &server_mac) && doppel_mac_eq(&packet.src, &device) &&
	   packet.ip4.src.s_addr == ip4("192.0.2.9").s_addr &&
	   packet.ip4.dst.s_addr == ip4("192.0.2.1").s_addr,
	   "unicast from the device's MAC and address");
	ok(!packet.payload[10] && !memcmp(packet.payload + 12, "\xc0\0\2\x9", 4) &&
	   !v4_last_option(world, 50) && !v4_last_option(world, 54), "ciaddr, no flag, no 50, no 54");
	doppel_dhcp4_status(&dhcp, &status);
	is_int(status.status, FAMILY_RENEWING, "status renewing");
	is_int(v4_answer(&dhcp, "192.0.2.7", 5, 3600), VERDICT_REFUSED, "an ACK for another address");
	is_int(v4_answer(&dhcp, "192.0.2.9", 5, 0), VERDICT_MALFORMED, "an ACK without a lease time");
	is_str(told, "S", "changed nothing");
	is_int(v4_answer(&dhcp, "192.0.2.9", 5, 7200), VERDICT_ACCEPTED, "ACK");
	is_str(told, "S R192.0.2.9", "renewed without a probe");
	ok(doppel_dhcp4_expiry_ms(&dhcp.lease) > asked + 7200000, "longer now");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = bound(&dhcp, 3600);
	asked = dhcp.lease.acquired_ms;
	world_run(world, &dhcp, dhcp4, asked + 3150000 - 1);
	is_int(dhcp.state, DHCP4_RENEWING, "renewing until T2");
	ok(!v4_last_is_broadcast(world), "by unicast");
	world_run(world, &dhcp, dhcp4, asked + 3150000);
	is_int(dhcp.state, DHCP4_REBINDING, "rebinding from T2 on");
	ok(v4_last_is_broadcast(world) &&
	   world_packet(world).ip4.src.s_addr == ip4("192.0.2.9").s_addr, "by broadcast");
	world_run(world, &dhcp, dhcp4, asked + 3599999);
	is_str(told, "S S", "in use until its end");
	world_run(world, &dhcp, dhcp4, asked + 3600000);
	is_str(told, "S S L192.0.2.9", "lost at its end");
	is_int(v4_last_type(world), 1, "DISCOVER at once");
	is_mem(v4_last_option(world, 50), "\xc0\0\2\x9", 4, "with the old address as a wish");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = bound(&dhcp, UINT32_MAX);
	world_run(world, &dhcp, dhcp4, world->now + 86400000LL * 365);
	is_int(dhcp.state, DHCP4_BOUND, "an infinite lease is never renewed");
	is_str(told, "", "nor lost");
	doppel_dhcp4_stop(&dhcp, true);
	is_int(v4_last_type(world), 7, "RELEASE");
	ok(!v4_last_is_broadcast(world) && v4_last_option(world, 54) && !v4_last_option(world, 55) &&
	   !memcmp(world_packet(world).payload + 12, "\xc0\0\2\x9", 4), "to its server");
	ok(!doppel_dhcp4_lease(&dhcp), "and forgotten");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

static void test_nak(void)
{
	struct dhcp4 dhcp;
	struct world *world = bound(&dhcp, 3600);
	struct negotiation_status status;
	struct message m;
	int64_t gap;

	world_run(world, &dhcp, dhcp4, doppel_dhcp4_deadline(&dhcp));
	told[0] = '\0';
	m = v4_begin(dhcp.xid, "0.0.0.0", 6);
	v4_add_address(&m, 54, "192.0.2.66");
	is_int(v4_deliver(&dhcp, &m), VERDICT_REFUSED, "a NAK of another server while renewing");
	m = v4_begin(dhcp.xid + 1, "0.0.0.0", 6);
	v4_add_address(&m, 54, "192.0.2.1");
	is_int(v4_deliver(&dhcp, &m), VERDICT_OTHER, "a NAK of another xid");
	m = v4_begin(dhcp.xid, "0.0.0.0", 6);
	is_int(v4_deliver(&dhcp, &m), VERDICT_MALFORMED, "a NAK of nobody");
	m = v4_begin(dhcp.xid, "0.0.0.0", 6);
	memcpy(m.data + 28, &rival, 6);
	v4_add_address(&m, 54, "192.0.2.1");
	is_int(v4_deliver(&dhcp, &m), VERDICT_OTHER, "a NAK for another chaddr");
	is_str(told, "", "changed nothing");

	m = v4_begin(dhcp.xid, "0.0.0.0", 6);
	v4_add_address(&m, 54, "192.0.2.1");
	v4_add(&m, 56, 9, "go\x1b away!");
	is_int(v4_deliver(&dhcp, &m), VERDICT_ACCEPTED, "NAK");
	is_str(told, "L192.0.2.9 S", "the lease is lost");
	doppel_dhcp4_status(&dhcp, &status);
	is_str(status.reason, "refused by the DHCPv4 server 192.0.2.1: go? away!",
	       "the server's words, without its escapes");
	gap = doppel_dhcp4_deadline(&dhcp) - world->now;
	ok(gap <= 1000, "begun anew within a second");

	world_run(world, &dhcp, dhcp4, world->now + 1000);
	is_int(v4_last_type(world), 1, "DISCOVER");
	ok(!v4_last_option(world, 50), "without the address that was refused");
	v4_answer(&dhcp, "192.0.2.10", 2, 3600);
	m = v4_begin(dhcp.xid, "0.0.0.0", 6);
	v4_add_address(&m, 54, "192.0.2.1");
	v4_deliver(&dhcp, &m);
	gap = doppel_dhcp4_deadline(&dhcp) - world->now;
	ok(gap >= 4500, "a storm of them meets the retry delay: %lld", (long long)gap);
	doppel_dhcp4_free(&dhcp);
	free(world);
}

static void test_conflict(void)
{
	struct dhcp4 dhcp;
	struct world *world = machine(&dhcp);
	struct negotiation_status status;
	int64_t gap;

	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, world->now);
	v4_answer(&dhcp, "192.0.2.9", 2, 3600);
	v4_answer(&dhcp, "192.0.2.9", 5, 3600);
	world_run(world, &dhcp, dhcp4, world->now + 1000);
	v4_claim(&dhcp, "192.0.2.9");
	is_str(told, "C192.0.2.9", "conflict told, nothing was in use");
	is_int(v4_last_type(world), 4, "DECLINE");
	is_mem(v4_last_option(world, 50), "\xc0\0\2\x9", 4, "of that address");
	is_mem(v4_last_option(world, 54), "\xc0\0\2\1", 4, "to its server");
	gap = doppel_dhcp4_deadline(&dhcp) - world->now;
	ok(gap >= 10000, "10 s at least until the next try");
	doppel_dhcp4_retry(&dhcp);
	is_int(doppel_dhcp4_deadline(&dhcp) - world->now, 10000, "for one that is told to hurry, too");
	doppel_dhcp4_confirm(&dhcp);
	gap = doppel_dhcp4_deadline(&dhcp) - world->now;
	is_int(gap, 10000, "or whose link was away");
	doppel_dhcp4_status(&dhcp, &status);
	is_str(status.reason, "192.0.2.9 is in use by 02:00:00:00:00:02, so it was declined",
	       "reason");
	is_int(v4_answer(&dhcp, "192.0.2.9", 2, 3600), VERDICT_OTHER, "no late offer any more");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = bound(&dhcp, 3600);
	v4_claim(&dhcp, "192.0.2.9");
	is_str(told, "", "the first claim is defended");
	world->now += 1000;
	v4_claim(&dhcp, "192.0.2.9");
	is_str(told, "C192.0.2.9 L192.0.2.9", "the second is a conflict: lost");
	is_int(v4_last_type(world), 4, "DECLINE");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

static void test_reboot(void)
{
	struct dhcp4 dhcp;
	struct world *world = bound(&dhcp, 3600);
	struct dhcp4_lease lease = dhcp.lease;

	doppel_dhcp4_free(&dhcp);
	free(world);
	world = machine(&dhcp);
	world->now = 5000;				/* another boot, 1000 s later */
	lease.acquired_ms = world->now - 1000000;
	is_int(doppel_dhcp4_expiry_ms(&lease), 5000 + 2600000, "from before this boot");
	doppel_dhcp4_start(&dhcp, &lease);
	world_run(world, &dhcp, dhcp4, world->now);
	is_int(v4_last_type(world), 3, "INIT-REBOOT: REQUEST");
	is_mem(v4_last_option(world, 50), "\xc0\0\2\x9", 4, "of the old address");
	ok(!v4_last_option(world, 54) && !world_packet(world).ip4.src.s_addr &&
	   world_packet(world).payload[10] == 0x80, "without a server, from 0.0.0.0");
	v4_answer(&dhcp, "192.0.2.9", 5, 3600);
	world_run(world, &dhcp, dhcp4, world->now + 7000);
	is_str(told, "B192.0.2.9", "confirmed, probed, bound");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now;
	doppel_dhcp4_start(&dhcp, &lease);
	world_run(world, &dhcp, dhcp4, world->now + 14999);
	is_int(world->count, 3, "INIT-REBOOT is resent");
	is_int(v4_last_type(world), 3, "as REQUEST");
	world_run(world, &dhcp, dhcp4, world->now + 1);
	is_int(v4_last_type(world), 1, "then DISCOVER, without a wait");
	is_mem(v4_last_option(world, 50), "\xc0\0\2\x9", 4, "wishing for it still");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 3600000;
	doppel_dhcp4_start(&dhcp, &lease);
	world_run(world, &dhcp, dhcp4, world->now);
	is_int(v4_last_type(world), 1, "a lease that has run out is not confirmed");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 1000000;
	doppel_dhcp4_resume(&dhcp, &lease);
	is_str(told, "B192.0.2.9", "resumed: bound at once");
	world_run(world, &dhcp, dhcp4, world->now + 700000);
	ok(world->count == 2 && world_packet(world).kind == PACKET_ARP,
	   "with nothing sent but announcements");
	world_run(world, &dhcp, dhcp4, world->now + 100000);
	is_int(dhcp.state, DHCP4_RENEWING, "until T1");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	lease.acquired_ms = world->now - 3600000;
	doppel_dhcp4_resume(&dhcp, &lease);
	is_str(told, "L192.0.2.9", "resumed too late: lost");
	world_run(world, &dhcp, dhcp4, world->now);
	is_int(v4_last_type(world), 1, "DISCOVER");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

static void test_confirm(void)
{
	struct dhcp4 dhcp;
	struct world *world = bound(&dhcp, 3600);
	struct negotiation_status status;
	struct message m;

	doppel_dhcp4_confirm(&dhcp);
	world_run(world, &dhcp, dhcp4, world->now);
	is_int(dhcp.state, DHCP4_REBOOTING, "the link was away: is the lease still good?");
	ok(doppel_dhcp4_lease(&dhcp) != NULL, "in use meanwhile");
	doppel_dhcp4_status(&dhcp, &status);
	is_int(status.status, FAMILY_RENEWING, "status renewing");
	v4_answer(&dhcp, "192.0.2.9", 5, 3600);
	is_str(told, "R192.0.2.9", "it is");
	is_int(dhcp.state, DHCP4_BOUND, "without another probe");

	told[0] = '\0';
	doppel_dhcp4_confirm(&dhcp);
	world_run(world, &dhcp, dhcp4, world->now);
	m = v4_begin(dhcp.xid, "0.0.0.0", 6);
	v4_add_address(&m, 54, "192.0.2.66");
	v4_deliver(&dhcp, &m);
	is_str(told, "", "it is not, says another server: its own may object");
	v4_answer(&dhcp, "192.0.2.9", 5, 3600);
	is_str(told, "R192.0.2.9", "it does");

	told[0] = '\0';
	doppel_dhcp4_confirm(&dhcp);
	world_run(world, &dhcp, dhcp4, world->now);
	m = v4_begin(dhcp.xid, "0.0.0.0", 6);
	v4_add_address(&m, 54, "192.0.2.66");
	v4_deliver(&dhcp, &m);
	world_run(world, &dhcp, dhcp4, world->now + 1999);
	is_str(told, "", "in use for two seconds more");
	world_run(world, &dhcp, dhcp4, world->now + 1);
	is_str(told, "L192.0.2.9 S", "nobody objects");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = bound(&dhcp, 3600);
	doppel_dhcp4_confirm(&dhcp);
	world_run(world, &dhcp, dhcp4, world->now + 15000);
	is_int(dhcp.state, DHCP4_SELECTING, "nobody knows: a new one");
	v4_answer(&dhcp, "192.0.2.77", 2, 3600);
	v4_answer(&dhcp, "192.0.2.77", 5, 3600);
	is_str(told, "", "the old one in use while the new one is probed");
	world_run(world, &dhcp, dhcp4, world->now + 7000);
	is_str(told, "B192.0.2.77", "then the new one");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = bound(&dhcp, 30);			/* it ends while the new one is probed */
	doppel_dhcp4_confirm(&dhcp);
	world_run(world, &dhcp, dhcp4, dhcp.lease.acquired_ms + 27000);
	is_int(dhcp.state, DHCP4_SELECTING, "asking anew");
	v4_answer(&dhcp, "192.0.2.77", 2, 3600);
	v4_answer(&dhcp, "192.0.2.77", 5, 3600);
	world_run(world, &dhcp, dhcp4, world->now + 7000);
	is_str(told, "L192.0.2.9 B192.0.2.77", "lost, then bound");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

/* RFC 4039: an ACK at once, if it says that it is one of those. */
static void test_rapid_commit(void)
{
	struct dhcp4 dhcp;
	struct world *world = machine(&dhcp);
	struct message m;

	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, world->now);
	ok(v4_last_option(world, 80) != NULL, "asked for");
	m = v4_reply(dhcp.xid, "192.0.2.9", 5, 3600);
	m.len--;
	v4_add(&m, 80, 0, "");
	is_int(v4_deliver(&dhcp, &m), VERDICT_ACCEPTED, "ACK with option 80");
	is_int(dhcp.state, DHCP4_PROBING, "probed for");
	world_run(world, &dhcp, dhcp4, world->now + 9000);
	is_str(told, "B192.0.2.9", "bound in two messages");
	doppel_dhcp4_confirm(&dhcp);
	world_run(world, &dhcp, dhcp4, world->now);
	ok(v4_last_type(world) == 3 && !v4_last_option(world, 80), "a REQUEST does not ask for it");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

/* RFC 8925 */
static void test_ipv6_only(void)
{
	struct dhcp4 dhcp;
	struct world *world = machine(&dhcp);
	struct negotiation_status status;
	struct message m;
	unsigned int count;

	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, world->now);
	m = v4_reply(dhcp.xid, "192.0.2.9", 2, 3600);
	m.len--;
	v4_add32(&m, 108, 1800);
	doppel_dhcp4_translated(&dhcp, true);
	is_int(v4_deliver(&dhcp, &m), VERDICT_ACCEPTED, "OFFER");
	is_int(dhcp.state, DHCP4_REQUESTING, "option 108 is ignored by who did not ask for it");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = machine(&dhcp);
	doppel_dhcp4_translated(&dhcp, true);
	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, world->now);
	m = v4_reply(dhcp.xid, "0.0.0.0", 2, 0);
	m.len--;
	v4_add32(&m, 108, 1800);
	count = world->count;
	is_int(v4_deliver(&dhcp, &m), VERDICT_ACCEPTED, "OFFER of nothing but option 108");
	doppel_dhcp4_status(&dhcp, &status);
	is_int(status.status, FAMILY_OFF, "IPv4 is off");
	is_str(status.reason, "the DHCPv4 server prefers IPv6 alone here (option 108): IPv4 hosts are "
	       "reached by the NAT64 prefix", "and why");
	is_int(status.next_retry_ms, world->now + 1800000, "until when");
	world_run(world, &dhcp, dhcp4, world->now + 1799999);
	is_int(world->count, count, "silent for so long");
	world_run(world, &dhcp, dhcp4, world->now + 1);
	is_int(v4_last_type(world), 1, "then DISCOVER");
	m = v4_reply(dhcp.xid, "0.0.0.0", 2, 0);
	m.len--;
	v4_add32(&m, 108, 5);
	v4_deliver(&dhcp, &m);
	is_int(doppel_dhcp4_deadline(&dhcp), world->now + 300000, "five minutes at least");
	doppel_dhcp4_translated(&dhcp, false);
	is_int(doppel_dhcp4_deadline(&dhcp), world->now, "464XLAT ends: not a moment longer");
	doppel_dhcp4_free(&dhcp);
	free(world);

	world = bound(&dhcp, 3600);
	doppel_dhcp4_translated(&dhcp, true);
	world_run(world, &dhcp, dhcp4, doppel_dhcp4_deadline(&dhcp));
	m = v4_reply(dhcp.xid, "192.0.2.9", 5, 3600);
	m.len--;
	v4_add32(&m, 108, 1800);
	v4_deliver(&dhcp, &m);
	is_int(dhcp.state, DHCP4_BOUND, "a lease in use is renewed all the same");
	doppel_dhcp4_start(&dhcp, &dhcp.lease);
	world_run(world, &dhcp, dhcp4, world->now);
	is_int(dhcp.state, DHCP4_REBOOTING, "after a reboot");
	m = v4_reply(dhcp.xid, "192.0.2.9", 5, 3600);
	m.len--;
	v4_add32(&m, 108, 1800);
	v4_deliver(&dhcp, &m);
	is_int(v4_last_type(world), 7, "it is given back");
	ok(dhcp.ipv6_only && !doppel_dhcp4_lease(&dhcp), "and IPv4 is off");
	doppel_dhcp4_confirm(&dhcp);
	is_int(doppel_dhcp4_deadline(&dhcp), world->now, "until the link was away");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

/* Whose IPv6 is about to come waits for it, else nobody new could ever ask for option 108. */
static void test_await_translation(void)
{
	struct dhcp4 dhcp;
	struct world *world = machine(&dhcp);

	doppel_dhcp4_start(&dhcp, NULL);
	doppel_dhcp4_await_translation(&dhcp, 6000);
	world_run(world, &dhcp, dhcp4, world->now + 3000);
	is_int(world->count, 0, "464XLAT is waited for");
	doppel_dhcp4_translated(&dhcp, true);
	world_run(world, &dhcp, dhcp4, world->now);
	is_int(v4_last_type(world), 1, "when it has begun DISCOVER follows at once");
	ok(dhcp.asked, "and asks for option 108");
	free(world);

	world = machine(&dhcp);
	doppel_dhcp4_start(&dhcp, NULL);
	doppel_dhcp4_await_translation(&dhcp, 6000);
	world_run(world, &dhcp, dhcp4, world->now + 5999);
	is_int(world->count, 0, "it does not begin");
	world_run(world, &dhcp, dhcp4, world->now + 1);
	is_int(v4_last_type(world), 1, "DISCOVER does without");
	ok(!dhcp.asked, "and does not ask for option 108");
	doppel_dhcp4_translated(&dhcp, true);
	is_int(dhcp.state, DHCP4_SELECTING, "what is under way goes on");
	free(world);
}

static enum verdict lease_of(const struct message *m, struct dhcp4_lease *lease)
{
	struct dhcp4_reply parsed;
	enum verdict verdict = doppel_dhcp4_parse(m->data, m->len, &parsed);

	return verdict == VERDICT_ACCEPTED ? doppel_dhcp4_parse_lease(&parsed, lease) : verdict;
}

/* An ACK whose options the test writes. */
static struct message ack(uint32_t lease_s)
{
	struct message m = v4_begin(1, "192.0.2.9", 5);

	v4_add_address(&m, 54, "192.0.2.1");
	v4_add32(&m, 51, lease_s);
	return m;
}

static void test_options(void)
{
	static const uint8_t routes[] = { 24, 10, 1, 2, 192, 0, 2, 7, 0, 192, 0, 2, 8,
					  9, 10, 0xff, 192, 0, 2, 9 };
	struct dhcp4_lease lease;
	struct message m = ack(3600);
	unsigned int i;

	is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "no END: taken as it is");
	is_int(lease.prefix_len, 24, "no mask: by class");
	is_int(lease.t1_s, 1800, "T1 by default");
	is_int(lease.t2_s, 3150, "T2 by default");

	m = ack(3600);
	v4_add(&m, 121, 8, routes);			/* RFC 3396: in two pieces */
	v4_add(&m, 3, 4, "\xc0\0\2\1");
	v4_add(&m, 121, sizeof(routes) - 8, routes + 8);
	is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "classless routes in two pieces");
	is_int(lease.route_count, 3, "put together");
	ok(lease.router.s_addr == ip4("192.0.2.8").s_addr, "the default route is 121's, not 3's");
	ok(lease.routes[2].prefix_len == 9 &&
	   lease.routes[2].destination.s_addr == ip4("10.128.0.0").s_addr, "host bits cut off");
	m = ack(3600);
	v4_add(&m, 121, sizeof(routes) - 1, routes);
	v4_add(&m, 3, 4, "\xc0\0\2\1");
	is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "classless routes that end too early");
	ok(!lease.route_count && lease.router.s_addr == ip4("192.0.2.1").s_addr,
	   "are none: option 3 counts");

	m = ack(3600);
	v4_add(&m, 42, 8, "\xc0\0\2\x7b\xc0\0\2\x7c");
	v4_add(&m, 119, 10, "\3eng\5apple");
	v4_add(&m, 119, 14, "\3com\0\6market\xc0\4");
	is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "NTP servers and a search list");
	ok(lease.ntp_count == 2 && lease.ntp[1].s_addr == ip4("192.0.2.124").s_addr, "both servers");
	is_str(lease.search, "eng.apple.com market.apple.com", "in two pieces, with a pointer");
	m = ack(3600);
	v4_add(&m, 119, 6, "\3eng\xc0\0");
	is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "a pointer that leads in a circle");
	is_str(lease.search, "", "is no list");

	m = ack(3600);
	v4_add(&m, 52, 1, "\3");
	memcpy(m.data + 108, "\x1a\2\5\xaa\xff", 5);
	memcpy(m.data + 44, "\6\4\xc0\0\2\x35\xff", 7);
	is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "file and sname overloaded");
	ok(lease.mtu == 1450 && lease.dns_count == 1, "options found in both");
	memcpy(m.data + 44, "\6\x40\xc0\0\2\x35\xff", 7);
	is_int(lease_of(&m, &lease), VERDICT_TRUNCATED, "an option that leaves sname");
	m = ack(3600);
	v4_add(&m, 52, 1, "\4");
	is_int(lease_of(&m, &lease), VERDICT_MALFORMED, "an overload of 4");

	for (i = 0; i < 4; i++) {
		static const struct {
			uint32_t t1, t2;
			const char *name;
		} times[] = { { 3000, 2000, "T1 > T2" }, { 100, 3600, "T2 = lease" },
			      { UINT32_MAX, UINT32_MAX, "infinite T1" }, { 0, 100, "T1 = 0" } };

		m = ack(3600);
		v4_add32(&m, 58, times[i].t1);
		v4_add32(&m, 59, times[i].t2);
		is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "%s", times[i].name);
		ok(lease.t1_s == 1800 && lease.t2_s == 3150, "%s: defaults", times[i].name);
	}
	m = ack(0);
	is_int(lease_of(&m, &lease), VERDICT_MALFORMED, "a lease of 0 s");
	m = ack(9);
	is_int(lease_of(&m, &lease), VERDICT_MALFORMED, "a lease of 9 s");
	m = ack(UINT32_MAX);
	v4_add32(&m, 58, 5);
	is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "an infinite lease");
	is_int(lease.t1_s, UINT32_MAX, "has no T1");
	for (i = 0; i < 6; i++) {
		static const char *const bad[] = { "0.0.0.0", "127.0.0.1", "224.0.0.1",
						   "255.255.255.255", "192.0.2.255", "192.0.2.0" };

		m = v4_begin(1, bad[i], 5);
		v4_add_address(&m, 54, "192.0.2.1");
		v4_add32(&m, 51, 3600);
		v4_add_address(&m, 1, "255.255.255.0");
		is_int(lease_of(&m, &lease), VERDICT_MALFORMED, "the address %s", bad[i]);
	}
	m = ack(3600);
	v4_add_address(&m, 1, "255.0.255.0");
	is_int(lease_of(&m, &lease), VERDICT_MALFORMED, "a mask with holes");
	m = ack(3600);
	v4_add_address(&m, 3, "255.255.255.255");
	is_int(lease_of(&m, &lease), VERDICT_ACCEPTED, "a router that no host can be");
	is_int(lease.router.s_addr, 0, "is none");
}

/* Whether a message of @len bytes ends between two options: then it is a shorter, valid one. */
static bool at_boundary(const struct message *m, size_t len)
{
	size_t at = 243;

	while (at < len)
		at += 2 + (size_t)m->data[at + 1];
	return at == len;
}

/* Every state, every prefix of a valid reply, and random bytes: nothing changes. */
static void test_lies(void)
{
	static const uint8_t types[] = { 2, 5, 6 };
	struct dhcp4 dhcp, before;
	struct world *world = machine(&dhcp);
	unsigned int stage, t, bad = 0, i;
	uint32_t seed = 3;

	doppel_dhcp4_start(&dhcp, NULL);
	for (stage = 0; stage < 4; stage++) {
		for (t = 0; t < 3; t++) {
			struct message m = v4_reply(dhcp.xid, "192.0.2.9", types[t], 3600);
			size_t len;

			for (len = 0; len < m.len - 1; len++) {
				uint8_t *copy = malloc(len + 1);
				struct packet packet = {
					.kind = PACKET_UDP4, .src = server_mac, .sport = 67,
					.dport = 68, .payload = copy, .len = len,
				};

				if (!copy)
					abort();
				memcpy(copy, m.data, len);
				before = dhcp;
				if (len < 243 || !at_boundary(&m, len)) {
					bad += doppel_dhcp4_receive(&dhcp, &packet) ==
					       VERDICT_ACCEPTED;
					bad += !!memcmp(&before, &dhcp, sizeof(dhcp));
				}
				free(copy);
			}
		}
		world_run(world, &dhcp, dhcp4, world->now);
		if (stage == 1)
			v4_answer(&dhcp, "192.0.2.9", 2, 3600);
		if (stage == 2)
			v4_answer(&dhcp, "192.0.2.9", 5, 3600);
	}
	is_int(bad, 0, "no reply cut short changes anything in any state");

	for (i = 0; i < 100000; i++) {
		struct message m = v4_reply(dhcp.xid, "192.0.2.9", types[i % 3], 3600);
		struct dhcp4_lease lease;
		unsigned int flips = 1 + i % 4;

		while (flips--) {
			seed = seed * 1664525 + 1013904223;
			m.data[(seed & 1 ? 240 : 0) + (seed >> 8) % (m.len - 240)] = seed >> 24;
		}
		if (i & 4)
			m.len -= seed % m.len;
		lease_of(&m, &lease);
		v4_deliver(&dhcp, &m);
		if (i % 100 == 0)
			world_run(world, &dhcp, dhcp4, world->now + seed % 100000);
	}
	ok(true, "100000 mutated replies survived");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

/* A day, a server that answers everything, chance running free: never without the address. */
static void test_day(void)
{
	struct dhcp4 dhcp;
	struct world *world = bound(&dhcp, 600);
	int64_t end = world->now + 86400000;
	unsigned int renewals = 0, lost = 0;

	world->random = true;
	while (world->now < end) {
		world_run(world, &dhcp, dhcp4, doppel_dhcp4_deadline(&dhcp));
		lost += !doppel_dhcp4_lease(&dhcp);
		if (dhcp.state == DHCP4_RENEWING) {
			renewals += v4_answer(&dhcp, "192.0.2.9", 5, 600) == VERDICT_ACCEPTED;
			told[0] = '\0';
		}
	}
	is_int(lost, 0, "a day of leases of 10 minutes without a gap");
	ok(renewals >= 288 && renewals <= 310, "%u renewals", renewals);
	doppel_dhcp4_free(&dhcp);
	free(world);
}

int main(void)
{
	test_messages();
	test_mirror();
	test_handshake();
	test_retransmission();
	test_renewal();
	test_nak();
	test_conflict();
	test_reboot();
	test_confirm();
	test_rapid_commit();
	test_ipv6_only();
	test_await_translation();
	test_options();
	test_lies();
	test_day();
	return done_testing();
}
