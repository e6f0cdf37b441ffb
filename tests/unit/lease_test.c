// SPDX-License-Identifier: GPL-2.0-only
/* Leases that outlive the agent and the box: their age, whatever the clock on the wall says. */
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/lease.h"
#include "tap.h"

#define TODAY 1795000000
#define HOUR_S 3600
#define HOUR_MS 3600000LL

/* A box: since when it runs, what its clock shows, and which boot this is. */
static int64_t mono_ms, wall_s;
static const char *boot;

static int64_t get_mono(struct clock *clock)
{
	(void)clock;
	return mono_ms;
}

static int64_t get_wall(struct clock *clock)
{
	(void)clock;
	return wall_s;
}

static const char *get_boot(struct clock *clock)
{
	(void)clock;
	return boot;
}

static struct clock box = { get_mono, get_wall, get_boot };

static void box_is(const char *name, int64_t mono, int64_t wall)
{
	boot = name;
	mono_ms = mono;
	wall_s = wall;
}

/* An hour old when it is written, after a day of running; the clock shows @wall. */
static char *written4(int64_t wall)
{
	struct dhcp4_lease lease = {
		.address = { htonl(0x0a000007) }, .prefix_len = 24, .server = { htonl(0x0a000001) },
		.lease_s = 6 * HOUR_S, .t1_s = 3 * HOUR_S, .t2_s = 5 * HOUR_S,
	};

	box_is("first", 24 * HOUR_MS, wall);
	lease.acquired_ms = mono_ms - HOUR_MS;
	return doppel_lease_from_dhcp4(&lease, &box);
}

/* How old it is in minutes; -1 for one that cannot be read. */
static int64_t age4(const char *text)
{
	struct dhcp4_lease lease;

	if (doppel_lease_to_dhcp4(text, &box, &lease))
		return -1;
	return (mono_ms - lease.acquired_ms) / 60000;
}

static void test_dhcp4(void)
{
	char *text = written4(TODAY);

	box_is("first", 25 * HOUR_MS, TODAY + HOUR_S);
	is_int(age4(text), 120, "another agent an hour later: two hours");
	box_is("first", 25 * HOUR_MS, 100);
	is_int(age4(text), 120, "whose clock was set back to 1970");
	box_is("first", 25 * HOUR_MS, TODAY + 1000 * HOUR_S);
	is_int(age4(text), 120, "or forward");
	box_is("second", 10000, TODAY + HOUR_S);
	is_int(age4(text), 120, "another boot, with a clock");
	box_is("second", 10000, 10);
	is_int(age4(text), 60, "without one: as old as when it was written");
	box_is("second", 10000, TODAY - HOUR_S);
	is_int(age4(text), 60, "with one that is slow: the same");
	free(text);

	text = written4(86400);
	box_is("first", 25 * HOUR_MS, TODAY);
	is_int(age4(text), 120, "written in 1970, and the clock was set since");
	box_is("second", 10000, TODAY);
	is_int(age4(text), 60, "and then the box was booted");
	box_is("second", 10000, 86400 + 600);
	is_int(age4(text), 60, "into 1970 again");
	free(text);

	text = written4(1000);
	box_is("first", 25 * HOUR_MS, 1000);
	is_int(age4(text), 120, "won before 1970, by that clock");
	free(text);
	is_int(age4("{}"), -1, "what is no lease is none");
	is_int(age4("{\"written\": {\"boot\": 7}}"), -1, "nor this");
}

static void test_dhcp6(void)
{
	struct dhcp6_lease lease = {
		.address_count = 1, .addresses = { { .preferred_s = 4 * HOUR_S, .valid_s = 6 * HOUR_S } },
		.server_duid = { 0, 3, 0, 1 }, .server_duid_len = 4,
		.t1_s = 2 * HOUR_S, .t2_s = 3 * HOUR_S,
	}, read;
	char *text;

	doppel_ip6_parse("2001:db8::7", &lease.addresses[0].address);
	box_is("first", 24 * HOUR_MS, TODAY);
	lease.acquired_ms = mono_ms - HOUR_MS;
	text = doppel_lease_from_dhcp6(&lease, &box);
	box_is("first", 25 * HOUR_MS, 0);
	is_int(doppel_lease_to_dhcp6(text, &box, &read), 0, "a DHCPv6 lease");
	is_int(mono_ms - read.acquired_ms, 2 * HOUR_MS, "is as old as it is");
	box_is("second", 10000, TODAY + 2 * HOUR_S);
	doppel_lease_to_dhcp6(text, &box, &read);
	is_int(mono_ms - read.acquired_ms, 3 * HOUR_MS, "after a boot, too");
	box_is("second", 10000, 10);
	doppel_lease_to_dhcp6(text, &box, &read);
	is_int(mono_ms - read.acquired_ms, 2 * HOUR_MS, "of an age that nobody knows: due for renewal");
	free(text);
}

static void test_slaac(void)
{
	struct slaac_address list[SLAAC_ADDRESSES_MAX] = {
		{ .state = SLAAC_PREFERRED, .prefix_len = 64 },
		{ .state = SLAAC_PREFERRED, .prefix_len = 64, .valid_until = NEVER,
		  .preferred_until = NEVER },
	}, read[SLAAC_ADDRESSES_MAX];
	unsigned int count;
	char *text;

	doppel_ip6_parse("2001:db8::7", &list[0].address);
	doppel_ip6_parse("2001:db8:1::7", &list[1].address);
	box_is("first", 24 * HOUR_MS, TODAY);
	list[0].valid_until = mono_ms + 4 * HOUR_MS;
	list[0].preferred_until = mono_ms + 2 * HOUR_MS;
	text = doppel_lease_from_slaac(list, 2, &box);
	box_is("first", 25 * HOUR_MS, 0);
	is_int(doppel_lease_to_slaac(text, &box, read, &count), 0, "SLAAC addresses");
	is_int(count, 2, "two");
	is_int(read[0].valid_until - mono_ms, 3 * HOUR_MS, "valid for what is left");
	is_int(read[0].state, SLAAC_PREFERRED, "preferred");
	is_int(read[1].valid_until, NEVER, "for ever is for ever");
	box_is("second", 10000, TODAY + 3 * HOUR_S);
	doppel_lease_to_slaac(text, &box, read, &count);
	is_int(read[0].state, SLAAC_DEPRECATED, "after a boot, later: deprecated");
	box_is("second", 10000, TODAY + 5 * HOUR_S);
	doppel_lease_to_slaac(text, &box, read, &count);
	is_int(count, 1, "later still: over");
	box_is("second", 10000, 10);
	doppel_lease_to_slaac(text, &box, read, &count);
	is_int(read[0].valid_until - mono_ms, 4 * HOUR_MS, "without a clock: what was left then");
	free(text);
}

/* All that a server told comes back. */
static void test_options(void)
{
	struct dhcp4_lease lease4 = {
		.address = { htonl(0x0a000007) }, .prefix_len = 24, .server = { htonl(0x0a000001) },
		.router = { htonl(0x0a000001) }, .lease_s = HOUR_S, .t1_s = 1, .t2_s = 2,
		.dns = { { htonl(0x0a000035) } }, .dns_count = 1, .domain = "example.com",
		.ntp = { { htonl(0x0a00007b) }, { htonl(0x0a00007c) } }, .ntp_count = 2,
		.search = "example.com lab.example.com", .mtu = 1400,
		.routes = { { { htonl(0x0a010000) }, 16, { htonl(0x0a000002) } } },
		.route_count = 1,
	}, back4;
	struct dhcp6_lease lease6 = {
		.addresses = { { .address = { .s6_addr = { 0x20, 1, [15] = 7 } },
				 .preferred_s = 1, .valid_s = HOUR_S } },
		.address_count = 1, .server_duid = { 0, 3, 0, 1 }, .server_duid_len = 4,
		.dns = { { .s6_addr = { 0x20, 1, [15] = 0x35 } } }, .dns_count = 1,
		.ntp = { { .s6_addr = { 0x20, 1, [15] = 0x7b } } }, .ntp_count = 1,
		.search = "example.com", .t1_s = 1, .t2_s = 2,
	}, back6;
	char *text4, *text6;

	box_is("first", HOUR_MS, TODAY);
	lease4.acquired_ms = lease6.acquired_ms = mono_ms;
	text4 = doppel_lease_from_dhcp4(&lease4, &box);
	text6 = doppel_lease_from_dhcp6(&lease6, &box);
	memset(&back4, 0, sizeof(back4));
	memset(&back6, 0, sizeof(back6));
	is_int(doppel_lease_to_dhcp4(text4, &box, &back4), 0, "DHCPv4: written and read");
	is_mem(&back4, &lease4, sizeof(lease4), "the same lease");
	is_int(doppel_lease_to_dhcp6(text6, &box, &back6), 0, "DHCPv6: written and read");
	is_mem(&back6, &lease6, sizeof(lease6), "the same lease");
	free(text4);
	free(text6);
}

int main(void)
{
	test_options();
	test_dhcp4();
	test_dhcp6();
	test_slaac();
	return done_testing();
}
