// SPDX-License-Identifier: GPL-2.0-only
/* Frames: byte-exact building, parsing, checksums, and lies at every length. */
#include <net/if_arp.h>
#include <stdlib.h>

#include "gateway/frame.h"
#include "wan_world.h"

static const struct mac router = { { 2, 0, 0, 0, 0, 0xfe } };

/* A copy on the heap of its exact size: ASan sees each read beyond. */
static enum verdict parse(const uint8_t *frame, size_t len, unsigned int flags,
			  struct packet *packet)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum verdict verdict;

	if (!copy)
		abort();
	memcpy(copy, frame, len);
	verdict = doppel_frame_parse(copy, len, flags, packet);
	free(copy);
	return verdict;
}

static void test_arp(void)
{
	static const uint8_t want[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x08, 0x06,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 192, 0, 2, 9,
	};
	struct arp arp = { .operation = ARPOP_REQUEST, .sender_mac = device,
			   .target = ip4("192.0.2.9") };
	uint8_t frame[FRAME_MAX];
	struct packet packet;

	is_int(doppel_frame_arp(frame, &doppel_mac_broadcast, &device, &arp), 60, "ARP length");
	is_mem(frame, want, sizeof(want), "ARP probe, byte by byte");
	is_int(parse(frame, 60, 0, &packet), VERDICT_ACCEPTED, "ARP parsed");
	ok(packet.kind == PACKET_ARP && packet.arp.operation == ARPOP_REQUEST &&
	   doppel_mac_eq(&packet.arp.sender_mac, &device) && packet.arp.target.s_addr ==
	   ip4("192.0.2.9").s_addr, "ARP fields");
	frame[18] = 8;
	is_int(parse(frame, 60, 0, &packet), VERDICT_OTHER, "ARP of another hardware");
}

static size_t build_udp4(uint8_t *frame, const void *payload, size_t len)
{
	struct packet head = {
		.dst = router, .src = device, .hop_limit = 64, .sport = 68, .dport = 67,
		.ip4 = { .src = ip4("192.0.2.1"), .dst = ip4("192.0.2.2") },
	};

	return doppel_frame_udp4(frame, &head, payload, len);
}

static size_t build_udp6(uint8_t *frame, const void *payload, size_t len)
{
	struct packet head = {
		.dst = router, .src = device, .hop_limit = 1, .sport = 546, .dport = 547,
		.ip6 = { .src = ip6("fe80::1"), .dst = ip6("ff02::1:2") },
	};

	return doppel_frame_udp6(frame, &head, payload, len);
}

static void test_udp4(void)
{
	/* The checksums were computed by a program of their own. */
	static const uint8_t want[] = {
		2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 0x22, 0, 0, 0, 0, 0x40, 0x11, 0xf6, 0xc7, 192, 0, 2, 1, 192, 0, 2, 2,
		0, 68, 0, 67, 0, 14, 0x40, 0xfb, 'd', 'o', 'p', 'p', 'e', 'l',
	};
	uint8_t frame[FRAME_MAX], big[FRAME_MAX] = { 0 };
	struct packet packet;
	size_t len = build_udp4(frame, "doppel", 6), i;
	bool fine = true;

	is_int(len, FRAME_MIN, "UDP4 padded");
	is_mem(frame, want, sizeof(want), "UDP4, byte by byte");
	is_int(parse(frame, len, 0, &packet), VERDICT_ACCEPTED, "UDP4 parsed");
	ok(packet.kind == PACKET_UDP4 && packet.sport == 68 && packet.dport == 67 &&
	   packet.len == 6, "UDP4 fields");
	for (i = 0; i < sizeof(want); i++)
		fine = fine && parse(frame, i, 0, &packet) == VERDICT_TRUNCATED;
	ok(fine, "UDP4 cut short at every length");
	for (i = 14; i < sizeof(want) && fine; i++) {
		frame[i] ^= 0x40;
		fine = parse(frame, len, 0, &packet) != VERDICT_ACCEPTED;
		frame[i] ^= 0x40;
	}
	ok(fine, "a flipped bit anywhere in IP or UDP is seen");
	frame[46] ^= 1;
	is_int(parse(frame, len, 0, &packet), VERDICT_CHECKSUM, "UDP4 checksum");
	is_int(parse(frame, len, FRAME_CHECKSUM_PENDING, &packet), VERDICT_ACCEPTED,
	       "UDP4 checksum not computed yet");
	frame[40] = 0;
	frame[41] = 0;
	is_int(parse(frame, len, 0, &packet), VERDICT_ACCEPTED, "UDP4 without a checksum");

	is_int(build_udp4(frame, big, 1472), 1514, "UDP4 of the MTU");
	is_int(build_udp4(frame, big, 1473), 0, "UDP4 beyond it");
}

static void set_head_checksum(uint8_t *frame)
{
	uint32_t sum = 0;
	unsigned int i;

	frame[24] = 0;
	frame[25] = 0;
	for (i = 14; i < 34; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	frame[24] = sum >> 8 & 0xff;
	frame[25] = sum & 0xff;
}

static void test_ip4_lies(void)
{
	static const struct {
		unsigned int at;
		uint8_t value;
		enum verdict verdict;
		const char *name;
	} lies[] = {
		{ 14, 0x44, VERDICT_MALFORMED, "header shorter than a header" },
		{ 14, 0x65, VERDICT_MALFORMED, "version 6 in an IPv4 frame" },
		{ 16, 0x40, VERDICT_TRUNCATED, "total length beyond the frame" },
		{ 17, 0x10, VERDICT_MALFORMED, "total length below the header" },
		{ 20, 0x20, VERDICT_OTHER, "first fragment" },
		{ 21, 0x01, VERDICT_OTHER, "later fragment" },
		{ 23, 6, VERDICT_OTHER, "TCP" },
		{ 38, 0x40, VERDICT_TRUNCATED, "UDP length beyond the packet" },
		{ 39, 7, VERDICT_MALFORMED, "UDP length below its header" },
	};
	uint8_t frame[FRAME_MAX];
	struct packet packet;
	unsigned int i;

	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		size_t len = build_udp4(frame, "doppel", 6);

		frame[lies[i].at] = lies[i].value;
		set_head_checksum(frame);
		is_int(parse(frame, len, 0, &packet), lies[i].verdict, "IPv4: %s", lies[i].name);
	}
}

static void test_ip6(void)
{
	static const uint8_t ns[24] = { 135 };
	struct packet head = {
		.dst = router, .src = device, .hop_limit = 255, .router_alert = true,
		.ip6 = { .src = ip6("fe80::1"), .dst = ip6("ff02::1") },
	};
	uint8_t frame[FRAME_MAX];
	struct packet packet;
	size_t len, i;
	bool fine = true;

	len = build_udp6(frame, "doppel", 6);
	is_int(parse(frame, len, 0, &packet), VERDICT_ACCEPTED, "UDP6 parsed");
	ok(packet.kind == PACKET_UDP6 && packet.len == 6 && packet.hop_limit == 1, "UDP6 fields");
	frame[60] = 0;
	frame[61] = 0;
	is_int(parse(frame, len, 0, &packet), VERDICT_CHECKSUM, "UDP6 must have a checksum");

	len = doppel_frame_icmp6(frame, &head, ns, sizeof(ns));
	is_int(len, 14 + 40 + 8 + 24, "ICMPv6 behind a router alert");
	is_int(parse(frame, len, 0, &packet), VERDICT_ACCEPTED, "ICMPv6 parsed");
	ok(packet.kind == PACKET_ICMP6 && packet.router_alert && packet.len == 24,
	   "ICMPv6 fields");
	for (i = 0; i < len; i++)
		fine = fine && parse(frame, i, 0, &packet) == VERDICT_TRUNCATED;
	ok(fine, "ICMPv6 cut short at every length");
	frame[55] = 1;
	is_int(parse(frame, len, 0, &packet), VERDICT_MALFORMED,
	       "options header that swallows the message");
	frame[55] = 9;
	is_int(parse(frame, len, 0, &packet), VERDICT_TRUNCATED, "options header beyond the packet");
	frame[55] = 0;
	frame[57] = 60;
	is_int(parse(frame, len, 0, &packet), VERDICT_MALFORMED, "option beyond its header");
	frame[20] = 44;
	is_int(parse(frame, len, 0, &packet), VERDICT_OTHER, "IPv6 fragment");
	is_int(doppel_frame_icmp6(frame, &head, ns, 1500), 0, "ICMPv6 beyond the MTU");
}

/* Whatever comes, no read beyond the frame and no endless loop. */
static void test_random(void)
{
	uint8_t base[3][FRAME_MAX], frame[FRAME_MAX];
	struct packet head = { .ip6 = { .src = ip6("fe80::1") }, .router_alert = true };
	struct packet packet;
	size_t lens[3];
	unsigned int i, seed = 7;

	lens[0] = build_udp4(base[0], "doppel", 6);
	lens[1] = build_udp6(base[1], "doppel", 6);
	lens[2] = doppel_frame_icmp6(base[2], &head, "\x86\0\0\0", 4);
	for (i = 0; i < 60000; i++) {
		unsigned int which = i % 3, flips = 1 + i % 5;

		memcpy(frame, base[which], lens[which]);
		while (flips--) {
			seed = seed * 1664525 + 1013904223;
			frame[12 + (seed >> 8) % (lens[which] - 12)] = seed >> 24;
		}
		parse(frame, seed % (lens[which] + 1), i & 1, &packet);
	}
	ok(true, "60000 frames of random bytes");
}

int main(void)
{
	test_arp();
	test_udp4();
	test_ip4_lies();
	test_ip6();
	test_random();
	return done_testing();
}
