// SPDX-License-Identifier: GPL-2.0-only
/* Neighbour discovery messages, the set of routers, MLD reports. */
#include "gateway/mld.h"
#include "gateway/ndp.h"
#include "gateway/routers.h"
#include "gateway/wire.h"
#include "wan_world.h"

static const struct mac router_mac = { { 2, 0, 0, 0, 0, 0xfe } };

/* One RA with every option that is read. */
static const uint8_t advertisement[] = {
	134, 0, 0, 0, 64, 0xc8, 0x07, 0x08, 0, 0, 0x75, 0x30, 0, 0, 0x03, 0xe8,
	1, 1, 2, 0, 0, 0, 0, 0xfd,
	5, 1, 0, 0, 0, 0, 0x05, 0xdc,
	3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0,
	0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7,
	25, 5, 0, 0, 0, 0, 0x0e, 0x10,
	0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53,
	0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x54,
	38, 2, 0x07, 0x08, 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0,
};

static struct packet icmp6(const char *src, const char *dst, const void *payload, size_t len)
{
	return (struct packet){
		.kind = PACKET_ICMP6, .src = router_mac, .hop_limit = 255,
		.ip6 = { .src = ip6(src), .dst = ip6(dst) }, .payload = payload, .len = len,
	};
}

static void test_ra(void)
{
	struct packet packet = icmp6("fe80::fe", "ff02::1", advertisement, sizeof(advertisement));
	uint8_t copy[sizeof(advertisement)];
	struct ra ra = { 0 }, before;
	unsigned int i, bad = 0;

	is_int(doppel_ra_parse(&packet, &ra), VERDICT_ACCEPTED, "RA");
	ok(ra.managed && ra.other && ra.preference == 1 && ra.lifetime_s == 1800 &&
	   ra.hop_limit == 64 && ra.reachable_ms == 30000 && ra.retrans_ms == 1000 &&
	   ra.mtu == 1500, "RA fields");
	is_int(ra.router_mac.b[5], 0xfd, "the router's MAC is the option's");
	ok(ra.prefix_count == 1 && ra.prefixes[0].len == 64 && ra.prefixes[0].on_link &&
	   ra.prefixes[0].autonomous && ra.prefixes[0].valid_s == 86400 &&
	   ra.prefixes[0].preferred_s == 14400, "prefix");
	ok(IN6_IS_ADDR_UNSPECIFIED(&ra.prefixes[0].prefix) == 0 &&
	   !ra.prefixes[0].prefix.s6_addr[15], "its host bits cut off");
	ok(ra.dns_count == 2 && ra.dns[0].lifetime_s == 3600 &&
	   ra.dns[1].server.s6_addr[15] == 0x54, "RDNSS");
	ok(ra.pref64_count == 1 && ra.pref64[0].len == 96 && ra.pref64[0].lifetime_s == 1800 &&
	   ra.pref64[0].prefix.s6_addr[3] == 0x9b, "PREF64");

	before = ra;
	packet.hop_limit = 254;
	is_int(doppel_ra_parse(&packet, &ra), VERDICT_REFUSED, "hop limit 254: from afar");
	packet = icmp6("2001:db8::1", "ff02::1", advertisement, sizeof(advertisement));
	is_int(doppel_ra_parse(&packet, &ra), VERDICT_REFUSED, "not from a link-local address");
	packet = icmp6("fe80::fe", "ff02::1", copy, sizeof(copy));
	memcpy(copy, advertisement, sizeof(copy));
	copy[1] = 1;
	is_int(doppel_ra_parse(&packet, &ra), VERDICT_MALFORMED, "a code");
	copy[1] = 0;
	copy[17] = 0;
	is_int(doppel_ra_parse(&packet, &ra), VERDICT_MALFORMED, "an option of no length");
	for (i = 0; i < sizeof(advertisement); i++) {
		uint8_t *exact = malloc(i + 4);

		if (!exact)
			abort();
		/* cut where no option ends; the parser of frames gives four bytes at least */
		memcpy(exact, advertisement, i < 4 ? 4 : i);
		packet = icmp6("fe80::fe", "ff02::1", exact, i < 4 ? 4 : i);
		if (i != 16 && i != 24 && i != 32 && i != 64 && i != 104)
			bad += doppel_ra_parse(&packet, &ra) != VERDICT_TRUNCATED;
		free(exact);
	}
	is_int(bad, 0, "an RA cut short at every length");
	ok(!memcmp(&before, &ra, sizeof(ra)), "nothing of these was taken");

	packet = icmp6("fe80::fe", "ff02::1", copy, sizeof(copy));
	memcpy(copy, advertisement, sizeof(copy));
	copy[34] = 129;
	doppel_ra_parse(&packet, &ra);
	is_int(ra.prefix_count, 0, "a prefix of 129 bits is none");
	copy[34] = 64;
	memcpy(copy + 40, "\0\1\x51\x81", 4);
	doppel_ra_parse(&packet, &ra);
	is_int(ra.prefix_count, 0, "nor one preferred for longer than valid");
	memcpy(copy + 40, advertisement + 40, 4);
	memcpy(copy + 48, "\xfe\x80", 2);
	doppel_ra_parse(&packet, &ra);
	is_int(ra.prefix_count, 0, "nor a link-local one");
	memcpy(copy + 72, "\xff\x02", 2);
	memset(copy + 88, 0, 16);
	doppel_ra_parse(&packet, &ra);
	is_int(ra.dns_count, 0, "neither a group nor :: is a name server");
	memcpy(copy + 28, "\0\0\1\0", 4);
	doppel_ra_parse(&packet, &ra);
	is_int(ra.mtu, 0, "an MTU of 256 is none");
	copy[5] = 0x10;
	doppel_ra_parse(&packet, &ra);
	is_int(ra.preference, 0, "the reserved preference is medium");
}

/* RFC 8781 section 4: each prefix length code, and what is no prefix. */
static void test_pref64(void)
{
	static const uint8_t lens[] = { 96, 64, 56, 48, 40, 32 };
	uint8_t ra_bytes[16 + 16] = { 134, [6] = 7, [7] = 8, [16] = 38, 2 };
	struct packet packet = icmp6("fe80::fe", "ff02::1", ra_bytes, sizeof(ra_bytes));
	uint8_t *option = ra_bytes + 16, many[16 + 6 * 16] = { 134 };
	struct ra ra;
	unsigned int i, accepted = 0;

	memcpy(option + 4, "\x20\1\x0d\xb8\1\2\3\4\0\5\6\7", 12);
	for (i = 0; i < 8; i++) {
		option[2] = 0xff;
		option[3] = (uint8_t)(0xf8 | i);
		doppel_ra_parse(&packet, &ra);
		if (i >= sizeof(lens)) {
			is_int(ra.pref64_count, 0, "code %u is none", i);
			continue;
		}
		ok(ra.pref64_count == 1 && ra.pref64[0].len == lens[i] &&
		   ra.pref64[0].lifetime_s == 65528, "code %u is /%u", i, lens[i]);
		ok(doppel_ip6_is_nat64_prefix(&ra.pref64[0].prefix, lens[i]) &&
		   ra.pref64[0].prefix.s6_addr[lens[i] / 8 - 1] == option[3 + lens[i] / 8],
		   "with as many bits");
	}
	option[3] = 0;
	option[12] = 1;
	doppel_ra_parse(&packet, &ra);
	is_int(ra.pref64_count, 0, "bits 64 to 71 must be zero");
	option[12] = 0;
	memcpy(option + 4, "\xff\x0e", 2);
	doppel_ra_parse(&packet, &ra);
	is_int(ra.pref64_count, 0, "a group is no prefix");
	option[1] = 1;
	packet.len = 24;
	is_int(doppel_ra_parse(&packet, &ra), VERDICT_ACCEPTED, "an option too short is passed over");
	is_int(ra.pref64_count, 0, "and not read");

	for (i = 0; i < 6; i++) {
		memcpy(many + 16 + 16 * i, "\46\2\0\x40\x20\1\x0d\xb8\0\0\0\0\0\0\0\0", 16);
		many[16 + 16 * i + 9] = (uint8_t)i;
	}
	packet = icmp6("fe80::fe", "ff02::1", many, sizeof(many));
	is_int(doppel_ra_parse(&packet, &ra), VERDICT_ACCEPTED, "more prefixes than there is room for");
	is_int(ra.pref64_count, RA_PREF64_MAX, "as many as there is room for");

	srand(1);
	for (i = 0; i < 200000; i++) {
		size_t len = 4 + (size_t)rand() % (sizeof(advertisement) - 3), j;
		uint8_t *exact = malloc(len);

		if (!exact)
			abort();
		memcpy(exact, advertisement, len);
		for (j = 0; j < 1 + i % 6; j++)
			exact[(size_t)rand() % len] = (uint8_t)rand();
		packet = icmp6("fe80::fe", "ff02::1", exact, len);
		if (doppel_ra_parse(&packet, &ra) == VERDICT_ACCEPTED)
			accepted += ra.dns_count <= RA_DNS_MAX && ra.pref64_count <= RA_PREF64_MAX &&
				    ra.prefix_count <= RA_PREFIXES_MAX;
		free(exact);
	}
	ok(accepted > 100, "random bytes: %u accepted, none read beyond", accepted);
}

static struct ra telling(const char *router, int64_t now, int8_t preference)
{
	return (struct ra){
		.router = ip6(router),
		.lifetime_s = 1800,
		.preference = preference,
		.received_ms = now,
	};
}

/* What routers tell beside themselves: for as long as they said, whatever they leave out later. */
static void test_told(void)
{
	struct routers routers = { .count = 0 };
	struct in6_addr servers[ROUTERS_DNS_MAX];
	struct in6_addr second = ip6("64:ff9b:2::");
	struct ra ra = telling("fe80::1", 0, 0);
	unsigned int i, j;
	bool found = false;

	ra.dns_count = 2;
	ra.dns[0] = (struct ra_dns){ ip6("2001:db8::53"), 100 };
	ra.dns[1] = (struct ra_dns){ ip6("2001:db8::54"), ND_INFINITE };
	ra.pref64_count = 1;
	ra.pref64[0] = (struct ra_pref64){ ip6("64:ff9b:1::"), 96, 200 };
	doppel_routers_update(&routers, &ra);
	is_int(doppel_routers_dns(&routers, 0, servers), 2, "two name servers");
	ok(doppel_routers_pref64(&routers, 0, NULL, 0), "and a NAT64 prefix");
	is_int(doppel_routers_deadline(&routers, 0), 100000, "the first of them to run out");
	ra = telling("fe80::1", 50000, 0);
	doppel_routers_update(&routers, &ra);
	is_int(doppel_routers_dns(&routers, 50000, servers), 2, "an RA without them takes nothing back");
	ok(doppel_routers_pref64(&routers, 50000, NULL, 0), "not the prefix either");
	is_int(doppel_routers_dns(&routers, 100000, servers), 1, "one runs out");
	is_int(servers[0].s6_addr[15], 0x54, "the other does not");
	is_int(doppel_routers_deadline(&routers, 100000), 200000, "the prefix is next");
	ok(!doppel_routers_pref64(&routers, 200000, NULL, 0), "and runs out");

	ra = telling("fe80::1", 300000, 0);
	ra.pref64_count = 2;
	ra.pref64[0] = (struct ra_pref64){ ip6("64:ff9b:1::"), 96, 600 };
	ra.pref64[1] = (struct ra_pref64){ second, 96, 600 };
	ra.dns_count = 1;
	ra.dns[0] = (struct ra_dns){ ip6("2001:db8::54"), 0 };
	doppel_routers_update(&routers, &ra);
	is_int(doppel_routers_dns(&routers, 300000, servers), 0, "a lifetime of 0 withdraws a server");
	ok(!doppel_ip6_eq(&doppel_routers_pref64(&routers, 300000, NULL, 0)->prefix, &second),
	   "of two prefixes the first");
	ok(doppel_ip6_eq(&doppel_routers_pref64(&routers, 300000, &second, 96)->prefix, &second),
	   "but the one in use stays");
	ra.dns_count = 0;
	ra.pref64_count = 1;
	ra.pref64[0].lifetime_s = 0;
	doppel_routers_update(&routers, &ra);
	ok(doppel_ip6_eq(&doppel_routers_pref64(&routers, 300000, NULL, 0)->prefix, &second),
	   "a lifetime of 0 withdraws a prefix");
	ra = telling("fe80::2", 300000, 1);
	ra.pref64_count = 1;
	ra.pref64[0] = (struct ra_pref64){ ip6("64:ff9b:3::"), 96, 600 };
	doppel_routers_update(&routers, &ra);
	is_int(doppel_routers_pref64(&routers, 300000, NULL, 0)->prefix.s6_addr[5], 2,
	       "a newcomer of higher preference is not believed before the default router");

	for (i = 0; i < 40; i++) {
		ra = telling("fe80::2", 300000, 1);
		ra.dns_count = ra.pref64_count = 1;
		ra.dns[0] = (struct ra_dns){ ip6("2001:db8::"), 600 };
		ra.dns[0].server.s6_addr[15] = (uint8_t)i;
		ra.pref64[0] = (struct ra_pref64){ ip6("64:ff9b:3::"), 96, 600 };
		ra.pref64[0].prefix.s6_addr[6] = (uint8_t)i;
		doppel_routers_update(&routers, &ra);
	}
	is_int(doppel_routers_dns(&routers, 300000, servers), ROUTERS_SHARE,
	       "a router has its share of servers, and no more");
	is_int(routers.pref64_count, 1 + ROUTERS_SHARE, "and of prefixes, beside another's");
	for (i = 0; i < 100; i++) {
		ra = telling("fe80::1:0", 300000, 0);
		ra.router.s6_addr[15] = (uint8_t)i;
		ra.dns_count = RA_DNS_MAX;
		for (j = 0; j < RA_DNS_MAX; j++) {
			ra.dns[j] = (struct ra_dns){ ip6("2001:db8:1::"), 600 };
			ra.dns[j].server.s6_addr[14] = (uint8_t)i;
			ra.dns[j].server.s6_addr[15] = (uint8_t)j;
		}
		doppel_routers_update(&routers, &ra);
	}
	ra = telling("fe80::1", 300000, 0);
	ra.dns_count = 1;
	ra.dns[0] = (struct ra_dns){ ip6("2001:db8::1:53"), 600 };
	doppel_routers_update(&routers, &ra);
	for (i = 0; i < routers.dns_count; i++)
		found |= doppel_ip6_eq(&routers.dns[i].server, &ra.dns[0].server);
	ok(found && routers.dns_count <= ROUTERS_KEPT,
	   "a flood of routers leaves the share of one that was there");
	doppel_routers_expire(&routers, 300000 + 601000);
	is_int(routers.dns_count + routers.pref64_count, 0, "all of them run out");
}

/* What a router calls names that are no whole ones (RFC 8106 section 5.2). */
static void test_search(void)
{
	static const uint8_t dnssl[] = {
		134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0,
		31, 5, 0, 0, 0, 0, 0x0e, 0x10, 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o',
		'm', 0, 3, 'l', 'a', 'b', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0,
		0, 0,
	};
	struct packet packet = icmp6("fe80::fe", "ff02::1", dnssl, sizeof(dnssl));
	struct routers routers = { .count = 0 };
	struct ra ra = { 0 }, other = telling("fe80::2", 0, 0);
	uint8_t copy[sizeof(dnssl)];

	is_int(doppel_ra_parse(&packet, &ra), VERDICT_ACCEPTED, "RA with a search list");
	is_str(ra.search, "example.com lab.example.com", "both names, without the padding");
	is_int(ra.search_s, 3600, "for an hour");
	doppel_routers_update(&routers, &ra);
	snprintf(other.search, sizeof(other.search), "example.net");
	other.search_s = ND_INFINITE;
	doppel_routers_update(&routers, &other);
	is_str(doppel_routers_search(&routers, 0), ra.search, "the first router's stays");
	ra.search_s = 0;
	doppel_routers_update(&routers, &ra);
	is_str(doppel_routers_search(&routers, 0), "", "until that takes it back");
	doppel_routers_update(&routers, &other);
	is_str(doppel_routers_search(&routers, 0), "example.net", "then another's counts");

	memcpy(copy, dnssl, sizeof(copy));
	copy[24] = 0xc0;
	packet.payload = copy;
	is_int(doppel_ra_parse(&packet, &ra), VERDICT_ACCEPTED, "names with a pointer");
	is_str(ra.search, "", "are none here");
}

/* Who told of another prefix is told of. */
static void test_dispute(void)
{
	struct routers routers = { .count = 0 };
	const struct router_pref64 *chosen;
	struct ra ra = telling("fe80::1", 0, 0);

	ra.pref64_count = 1;
	ra.pref64[0] = (struct ra_pref64){ ip6("64:ff9b:1::"), 96, 600 };
	doppel_routers_update(&routers, &ra);
	ra.router = ip6("fe80::2");
	doppel_routers_update(&routers, &ra);
	chosen = doppel_routers_pref64(&routers, 0, NULL, 0);
	ok(!doppel_routers_other_pref64(&routers, 0, chosen), "two routers that agree");
	ra.pref64[0].prefix = ip6("64:ff9b:2::");
	doppel_routers_update(&routers, &ra);
	chosen = doppel_routers_pref64(&routers, 0, NULL, 0);
	ok(doppel_routers_other_pref64(&routers, 0, chosen), "and that do not");
}

/* The site has another router, by the same link-local address. */
static void test_replaced(void)
{
	const struct in6_addr one = ip6("64:ff9b:1::"), two = ip6("64:ff9b:2::");
	struct routers routers = { .count = 0 };
	struct in6_addr servers[ROUTERS_DNS_MAX];
	struct ra ra = telling("fe80::1", 0, 0);

	ra.dns_count = ra.pref64_count = 1;
	ra.dns[0] = (struct ra_dns){ ip6("2001:db8::53"), ND_INFINITE };
	ra.pref64[0] = (struct ra_pref64){ one, 96, 1800 };
	doppel_routers_update(&routers, &ra);
	doppel_routers_doubt(&routers);
	ok(doppel_routers_pref64(&routers, 5000, &one, 96) &&
	   doppel_routers_dns(&routers, 5000, servers) == 1, "a new link alone changes nothing");
	ra.received_ms = 10000;
	doppel_routers_update(&routers, &ra);
	is_int(routers.dns[0].doubted + routers.pref64[0].doubted, 0, "nor does what is said again");
	ok(doppel_routers_pref64(&routers, 60000, &one, 96), "which has its whole time");

	doppel_routers_doubt(&routers);
	ra.received_ms = 100000;
	ra.dns[0].server = ip6("2001:db8::54");
	ra.pref64[0].prefix = two;
	doppel_routers_update(&routers, &ra);
	ok(doppel_ip6_eq(&doppel_routers_pref64(&routers, 100000, &one, 96)->prefix, &two),
	   "a new link's prefix counts, not the one in use");
	is_int(doppel_routers_dns(&routers, 100000, servers), 2, "the old server has a little time");
	is_int(servers[0].s6_addr[15], 0x54, "behind the new one");
	is_int(doppel_routers_deadline(&routers, 100000), 110000, "to be heard of again");
	is_int(doppel_routers_dns(&routers, 110000, servers), 1, "then it is forgotten");

	ra.received_ms = 200000;
	ra.pref64[0].prefix = one;
	doppel_routers_update(&routers, &ra);
	ok(doppel_ip6_eq(&doppel_routers_pref64(&routers, 200000, &two, 96)->prefix, &one),
	   "a router's newest word counts on an old link, too");
	ra.received_ms = 300000;
	ra.pref64_count = 2;
	ra.pref64[1] = (struct ra_pref64){ one, 64, 1800 };
	doppel_routers_update(&routers, &ra);
	is_int(doppel_routers_pref64(&routers, 300000, &one, 64)->len, 64,
	       "the prefix in use is one of its length");
}

static void test_neighbour(void)
{
	uint8_t ns[32] = { 135, [8] = 0xfe, [9] = 0x80, [23] = 9, [24] = 1, 1, 2 };
	uint8_t na[32] = { 136, 0, 0, 0, 0x60, [8] = 0xfe, [9] = 0x80, [23] = 9, [24] = 2, 1, 2 };
	struct packet packet = icmp6("fe80::1", "ff02::1:ff00:9", ns, 32);
	struct neighbour neighbour;
	unsigned int i, bad = 0;

	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_ACCEPTED, "NS");
	ok(!neighbour.advertisement && neighbour.has_mac && neighbour.target.s6_addr[15] == 9,
	   "NS fields");
	packet = icmp6("::", "ff02::1:ff00:9", ns, 32);
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_MALFORMED,
	       "NS from :: with a MAC");
	packet.len = 24;
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_ACCEPTED, "NS of DAD");
	packet = icmp6("::", "ff02::1", ns, 24);
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_MALFORMED,
	       "NS of DAD to another group");
	for (i = 4; i < 32; i++) {
		packet = icmp6("fe80::1", "ff02::1:ff00:9", ns, i);
		bad += i != 24 && doppel_neighbour_parse(&packet, &neighbour) != VERDICT_TRUNCATED;
	}
	is_int(bad, 0, "NS cut short at every length");

	packet = icmp6("fe80::9", "fe80::1", na, 32);
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_ACCEPTED, "NA");
	ok(neighbour.advertisement && neighbour.solicited && neighbour.override &&
	   !neighbour.router && neighbour.has_mac, "NA fields");
	packet.hop_limit = 64;
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_REFUSED, "NA from afar");
	packet = icmp6("fe80::9", "ff02::1", na, 32);
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_MALFORMED,
	       "a solicited NA to all");
	packet = icmp6("::", "ff02::1", na, 32);
	na[4] = 0;
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_MALFORMED, "NA from ::");
	packet = icmp6("fe80::9", "fe80::1", na, 32);
	na[8] = 0xff;
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_MALFORMED,
	       "NA of a multicast address");
}

static void test_build(void)
{
	struct world *world = world_new();
	struct in6_addr address = ip6("fe80::ff:fe00:1");
	struct neighbour neighbour;
	uint8_t frame[FRAME_MAX];
	struct packet packet;

	world_send(world, frame, doppel_dad_ns_build(frame, &device, &address));
	packet = world_packet(world);
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_ACCEPTED, "our NS is valid");
	is_mem(frame, "\x33\x33\xff\0\0\1\2\0\0\0\0\1\x86\xdd", 14,
	       "to the group's MAC from the device's");
	ok(IN6_IS_ADDR_UNSPECIFIED(&packet.ip6.src) && !neighbour.has_mac, "from ::");
	world_send(world, frame, doppel_na_build(frame, &device, &address));
	packet = world_packet(world);
	is_int(doppel_neighbour_parse(&packet, &neighbour), VERDICT_ACCEPTED, "our NA is valid");
	ok(neighbour.override && !neighbour.solicited && neighbour.has_mac &&
	   doppel_mac_eq(&neighbour.mac, &device), "NA fields");
	world_send(world, frame, doppel_rs_build(frame, &device, &address));
	packet = world_packet(world);
	ok(packet.payload[0] == 133 && packet.len == 16 && packet.hop_limit == 255 &&
	   doppel_ip6_eq(&packet.ip6.dst, &doppel_all_routers), "our RS");
	world_send(world, frame, doppel_rs_build(frame, &device, &in6addr_any));
	is_int(world_packet(world).len, 8, "RS from :: tells no MAC");
	free(world);
}

static struct ra make_ra(const char *router, uint16_t lifetime_s, int8_t preference, int64_t at)
{
	return (struct ra){ .router = ip6(router), .lifetime_s = lifetime_s,
			    .preference = preference, .received_ms = at };
}

static void test_routers(void)
{
	struct routers routers = { .count = 0 };
	struct in6_addr inside = ip6("2001:db8::9"), outside = ip6("2001:db9::9");
	struct ra ra = make_ra("fe80::1", 100, 0, 0);
	char text[32];
	unsigned int i;

	ok(!doppel_routers_default(&routers, 0), "no router");
	is_int(doppel_routers_deadline(&routers, 0), NEVER, "nothing to wait for");
	ra.managed = true;
	ra.prefixes[ra.prefix_count++] = (struct ra_prefix){
		.prefix = ip6("2001:db8::"), .len = 64, .on_link = true, .valid_s = 200 };
	doppel_routers_update(&routers, &ra);
	ra = make_ra("fe80::2", 50, 1, 0);
	doppel_routers_update(&routers, &ra);
	is_int(doppel_routers_default(&routers, 0)->router.s6_addr[15], 2, "the preferred one");
	is_int(doppel_routers_deadline(&routers, 0), 50000, "until its lifetime is over");
	is_int(doppel_routers_default(&routers, 50000)->router.s6_addr[15], 1, "then the other");
	is_int(doppel_routers_deadline(&routers, 50000), 100000, "until then");
	ok(!doppel_routers_default(&routers, 100000), "then none");
	ok(doppel_routers_managed(&routers, 199999) && !doppel_routers_other(&routers, 0),
	   "M while its prefix stands");
	is_int(doppel_routers_prefix_len(&routers, &inside, 100000), 64, "on-link");
	is_int(doppel_routers_prefix_len(&routers, &outside, 100000), 128, "off-link");
	ok(doppel_routers_expire(&routers, 60000) && routers.count == 1, "one forgotten");
	ok(!doppel_routers_expire(&routers, 199999), "the other kept for its prefix");
	ok(doppel_routers_expire(&routers, 200000) && !routers.count, "and forgotten, too");

	for (i = 0; i < ROUTERS_MAX; i++) {
		snprintf(text, sizeof(text), "fe80::%x", i + 1);
		ra = make_ra(text, 1000, 0, 0);
		doppel_routers_update(&routers, &ra);
	}
	ra = make_ra("fe80::99", 1000, 0, 10);
	ok(!doppel_routers_update(&routers, &ra), "a flood of routers does not displace the known");
	ra = make_ra("fe80::99", 1000, 1, 10);
	ok(doppel_routers_update(&routers, &ra), "a preferred one does");
	is_int(routers.count, ROUTERS_MAX, "bounded");
	ra = make_ra("fe80::99", 0, 0, 20);
	doppel_routers_update(&routers, &ra);
	ok(doppel_routers_default(&routers, 20)->router.s6_addr[15] != 0x99,
	   "lifetime 0: not a default router any more");
}

static void test_mld(void)
{
	struct world *world = world_new();
	struct in6_addr a = ip6("fe80::ff:fe00:1"), b = ip6("2001:db8::ff:fe00:1");
	struct in6_addr c = ip6("2001:db8::5"), source = ip6("fe80::ff:fe00:1");
	uint8_t query[28] = { 130, 0, 0, 0, 0x03, 0xe8 };
	struct packet packet;
	struct mld mld;

	doppel_mld_init(&mld, &world->env, &device);
	doppel_mld_join(&mld, &a);
	packet = world_packet(world);
	ok(packet.payload[0] == 143 && packet.router_alert && packet.hop_limit == 1 &&
	   IN6_IS_ADDR_UNSPECIFIED(&packet.ip6.src) && packet.payload[8] == 4,
	   "a report at once, from ::, with a router alert");
	is_mem(world_last(world)->frame, "\x33\x33\0\0\0\x16", 6, "to ff02::16");
	doppel_mld_join(&mld, &b);
	is_int(world->count, 1, "the same group: nothing new");
	world_run(world, &mld, mld, world->now + 60000);
	is_int(world->count, 2, "said twice");
	doppel_mld_source(&mld, &source);
	doppel_mld_join(&mld, &c);
	world_run(world, &mld, mld, world->now + 60000);
	is_int(world->count, 4, "another group");
	packet = world_packet(world);
	ok(doppel_ip6_eq(&packet.ip6.src, &source), "from the link-local address");

	packet = icmp6("fe80::fe", "ff02::1", query, 28);
	packet.hop_limit = 1;
	is_int(doppel_mld_receive(&mld, &packet), VERDICT_REFUSED, "a query without router alert");
	packet.router_alert = true;
	packet.len = 26;
	is_int(doppel_mld_receive(&mld, &packet), VERDICT_MALFORMED, "a query of no version");
	packet.len = 20;
	is_int(doppel_mld_receive(&mld, &packet), VERDICT_TRUNCATED, "a query cut short");
	packet.len = 28;
	is_int(doppel_mld_receive(&mld, &packet), VERDICT_ACCEPTED, "a query");
	is_int(doppel_mld_deadline(&mld), world->now + 500, "is answered after a random delay");
	world_run(world, &mld, mld, world->now + 1000);
	packet = world_packet(world);
	ok(world->count == 5 && packet.payload[7] == 2 && packet.payload[8] == 2,
	   "by one report of all groups");
	packet = icmp6("fe80::fe", "ff02::1", query, 24);
	packet.hop_limit = 1;
	packet.router_alert = true;
	doppel_mld_receive(&mld, &packet);
	world_run(world, &mld, mld, world->now + 1000);
	packet = world_packet(world);
	ok(world->count == 7 && packet.payload[0] == 131, "a version 1 query by two of version 1");

	doppel_mld_leave(&mld, &a);
	is_int(world->count, 7, "a group that is still needed is not left");
	doppel_mld_leave(&mld, &b);
	ok(world->count == 8 && world_packet(world).payload[8] == 3, "then it is");
	is_int(mld.count, 1, "one group left");
	doppel_mld_leave(&mld, &b);
	is_int(mld.count, 1, "leaving twice does no harm");
	doppel_mld_again(&mld);
	world_run(world, &mld, mld, world->now + 5000);
	is_int(world->count, 10, "reported anew after the link was away");
	free(world);
}

int main(void)
{
	test_ra();
	test_pref64();
	test_told();
	test_search();
	test_dispute();
	test_replaced();
	test_neighbour();
	test_build();
	test_routers();
	test_mld();
	return done_testing();
}
