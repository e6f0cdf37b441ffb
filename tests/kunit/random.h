/* SPDX-License-Identifier: GPL-2.0-only */
/* Random packets, and what holds of every one of them. */
#ifndef _DOPPEL_KUNIT_RANDOM_H
#define _DOPPEL_KUNIT_RANDOM_H

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/prandom.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "wire.h"

/* A packet's transport checksum, worked out over the whole. */
enum sum { SUM_RIGHT, SUM_WRONG, SUM_NONE };

/* A fast source of random numbers whose seed is told, so that a failure can be seen again. */
static inline void seed_random(struct kunit *test, struct rnd_state *random)
{
	u64 seed = get_random_u64();

	prandom_seed_state(random, seed);
	kunit_info(test, "seed %llu\n", seed);
}

static inline u32 below(struct rnd_state *random, u32 limit)
{
	return ((u64)prandom_u32_state(random) * limit) >> 32;
}

/* Where the transport header of what is no fragment begins, and which protocol has it; 0 if that
 * cannot be told. A look of its own, not the module's.
 */
static inline unsigned int find_l4(const u8 *packet, unsigned int len, u8 *protocol)
{
	unsigned int at;

	if (packet[0] >> 4 == 4) {
		*protocol = packet[9];
		at = (packet[0] & 0xf) * 4;
		return at >= 20 && at <= len && !(get_unaligned_be16(packet + 6) & 0x3fff) ? at : 0;
	}

	*protocol = packet[6];
	at = 40;
	while (*protocol == NEXTHDR_HOP || *protocol == NEXTHDR_DEST ||
	       *protocol == NEXTHDR_ROUTING || *protocol == NEXTHDR_FRAGMENT) {
		bool fragment = *protocol == NEXTHDR_FRAGMENT;

		if (at + 8 > len || (fragment && get_unaligned_be16(packet + at + 2) & 0xfff9))
			return 0;
		*protocol = packet[at];
		at += fragment ? 8 : packet[at + 1] * 8 + 8;
	}
	return at <= len ? at : 0;
}

static inline unsigned int total_len(const u8 *packet)
{
	return packet[0] >> 4 == 4 ? get_unaligned_be16(packet + 2) :
				     40U + get_unaligned_be16(packet + 4);
}

static inline enum sum sum_of(const u8 *packet, unsigned int len)
{
	const struct iphdr *iph = (const struct iphdr *)packet;
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)packet;
	bool ipv4 = packet[0] >> 4 == 4;
	unsigned int at, l4_len;
	u8 protocol;
	__sum16 sum;

	len = min(len, total_len(packet));
	at = find_l4(packet, len, &protocol);
	if (!at || at + 8 > len)
		return SUM_NONE;
	l4_len = len - at;
	if (protocol == IPPROTO_UDP) {
		const struct udphdr *uh = (const struct udphdr *)(packet + at);

		if (!uh->check || ntohs(uh->len) > l4_len)
			return SUM_NONE;
		l4_len = ntohs(uh->len);
	} else if (protocol != IPPROTO_TCP && protocol != IPPROTO_ICMP &&
		   protocol != IPPROTO_ICMPV6) {
		return SUM_NONE;
	}

	/* To an update the two zeros of one's complement are the same (RFC 1624 section 3). */
	if (protocol == IPPROTO_ICMP && !memchr_inv(packet + at, 0, l4_len))
		return SUM_NONE;
	if (protocol == IPPROTO_ICMP)
		sum = ip_compute_csum(packet + at, l4_len);
	else if (ipv4)
		sum = csum_tcpudp_magic(iph->saddr, iph->daddr, l4_len, protocol,
					csum_partial(packet + at, l4_len, 0));
	else
		sum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, l4_len, protocol,
				      csum_partial(packet + at, l4_len, 0));
	return sum ? SUM_WRONG : SUM_RIGHT;
}

/* Whether the headers' lengths and IPv4's own checksum are right. */
static inline bool is_sound(const u8 *packet, unsigned int len)
{
	if (packet[0] >> 4 == 4)
		return len >= 20 && total_len(packet) == len && (packet[0] & 0xf) * 4U <= len &&
		       !ip_fast_csum(packet, packet[0] & 0xf);
	return packet[0] >> 4 == 6 && len >= 40 && total_len(packet) == len;
}

static inline bool is_icmp_error(const u8 *packet, unsigned int len)
{
	u8 protocol;
	unsigned int at = find_l4(packet, len, &protocol);

	if (!at || at >= len)
		return false;
	if (protocol == IPPROTO_ICMPV6)
		return packet[at] < 128;
	return protocol == IPPROTO_ICMP && packet[at] && packet[at] != ICMP_ECHO;
}

/* What comes out is sound, its checksum is right if that of what came in was, and wrong if it was
 * wrong; an error is not longer than errors may be.
 */
static inline void expect_sound(struct kunit *test, const u8 *in, unsigned int in_len,
				struct sk_buff *skb, const char *name)
{
	const u8 *out = skb->data + ETH_HLEN;
	unsigned int len = skb->len - ETH_HLEN;
	enum sum before = sum_of(in, in_len), after;

	if (skb->protocol != htons(ETH_P_IP) && skb->protocol != htons(ETH_P_IPV6))
		return;
	if (!is_sound(out, len))
		KUNIT_FAIL(test, "%s: not sound: %*ph of %*ph", name, min(len, 64U), out,
			   min(in_len, 64U), in);
	after = sum_of(out, len);
	if (is_icmp_error(out, len)) {
		if (after != SUM_RIGHT)
			KUNIT_FAIL(test, "%s: an error with a wrong sum: %*ph", name,
				   min(len, 64U), out);
		if (len > (out[0] >> 4 == 4 ? 576 : 1280) && !is_icmp_error(in, in_len))
			KUNIT_FAIL(test, "%s: an error of %u bytes", name, len);
	} else if (after != before && !(before == SUM_NONE && after == SUM_RIGHT)) {
		KUNIT_FAIL(test, "%s: sum %d became %d: %*ph of %*ph", name, before, after,
			   min(len, 64U), out, min(in_len, 64U), in);
	}
}

static inline void expect_all_sound(struct kunit *test, const u8 *in, unsigned int in_len,
				    const char *name)
{
	struct wire *wire = wire_of(test);
	struct sk_buff *skb;

	skb_queue_walk(&wire->lan, skb)
		expect_sound(test, in, in_len, skb, name);
	skb_queue_walk(&wire->wan, skb)
		expect_sound(test, in, in_len, skb, name);
}

/* Whether two packets are the same but for an identification that is random. */
static inline bool same_packet(const struct sk_buff *one, const struct sk_buff *other)
{
	bool random_id = one->protocol == htons(ETH_P_IP) &&
			 !(one->data[ETH_HLEN + 6] & 0x40);

	if (one->len != other->len)
		return false;
	if (!random_id)
		return !memcmp(one->data, other->data, one->len);
	return !memcmp(one->data, other->data, ETH_HLEN + 4) &&
	       !memcmp(one->data + ETH_HLEN + 6, other->data + ETH_HLEN + 6, 4) &&
	       !memcmp(one->data + ETH_HLEN + 12, other->data + ETH_HLEN + 12,
		       one->len - ETH_HLEN - 12);
}

/* Nobody looks behind the end of a packet: whatever is there, the same comes out. What is told to a
 * sender is limited, so it may be missing.
 */
static inline void expect_same(struct kunit *test, struct sk_buff_head *first,
			       struct sk_buff_head *second, const char *name)
{
	struct sk_buff *one = skb_peek(first), *other = skb_peek(second);

	if (skb_queue_len(first) != skb_queue_len(second))
		return;
	for (; one; one = skb_peek_next(one, first), other = skb_peek_next(other, second))
		if (!same_packet(one, other))
			KUNIT_FAIL(test, "%s: not the same twice: %*ph and %*ph", name, 64,
				   one->data, 64, other->data);
}

/* Feeds it, in one piece, twice, with different bytes behind its end. Gives the packets fed. */
static inline unsigned int feed_twice(struct kunit *test, enum door door, u32 n, const u8 *packet,
				      unsigned int len, const char *name)
{
	struct wire *wire = wire_of(test);
	struct sk_buff_head lan, wan;

	__skb_queue_head_init(&lan);
	__skb_queue_head_init(&wan);
	feed(test, door, make_frame(test, door, n, packet, len, 0xaa));
	expect_all_sound(test, packet, len, name);
	skb_queue_splice_init(&wire->lan, &lan);
	skb_queue_splice_init(&wire->wan, &wan);

	feed(test, door, make_frame(test, door, n, packet, len, 0x55));
	expect_same(test, &lan, &wire->lan, name);
	expect_same(test, &wan, &wire->wan, name);
	__skb_queue_purge(&lan);
	__skb_queue_purge(&wan);
	forget_sent(test);
	return 2;
}

/* The ICMP part of an error that quotes this, without a checksum; gives its length. */
static inline unsigned int put_error(void *to, const u8 *about, unsigned int len, u8 type, u8 code,
				     u32 info)
{
	const struct icmphdr icmph = { .type = type, .code = code, .un.gateway = htonl(info) };

	memcpy(to, &icmph, sizeof(icmph));
	memcpy(to + sizeof(icmph), about, len);
	return sizeof(icmph) + len;
}

static inline unsigned int build_error4(u8 *error, bool by_receiver, const u8 *about,
					unsigned int len, u8 type, u8 code, u32 info)
{
	const struct iphdr *of = (const struct iphdr *)about;
	struct iphdr *iph = (struct iphdr *)error;
	struct icmphdr *icmph = (struct icmphdr *)(iph + 1);

	len = put_error(icmph, about, len, type, code, info);
	icmph->checksum = ip_compute_csum(icmph, len);
	*iph = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tot_len = htons(sizeof(*iph) + len),
		.ttl = 64,
		.protocol = IPPROTO_ICMP,
		.saddr = by_receiver ? of->daddr : in_aton("10.1.0.1"),
		.daddr = of->saddr,
	};
	iph->check = ip_fast_csum(iph, iph->ihl);
	return sizeof(*iph) + len;
}

static inline unsigned int build_error6(u8 *error, bool by_receiver, const u8 *about,
					unsigned int len, u8 type, u8 code, u32 info)
{
	const struct ipv6hdr *of = (const struct ipv6hdr *)about;
	struct ipv6hdr *ip6h = (struct ipv6hdr *)error;
	struct icmphdr *icmph = (struct icmphdr *)(ip6h + 1);

	len = put_error(icmph, about, len, type, code, info);
	*ip6h = (struct ipv6hdr){
		.version = 6,
		.payload_len = htons(len),
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = 64,
		.saddr = by_receiver ? of->daddr : ip6("2001:db8:ffff::1"),
		.daddr = of->saddr,
	};
	icmph->checksum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_ICMPV6,
					  csum_partial(icmph, len, 0));
	return sizeof(*ip6h) + len;
}

/* An error of a router's about the packet, to its sender, or, @by_receiver, of its receiver. Gives its
 * length; @info is its second word.
 */
static inline unsigned int build_error(u8 *error, bool by_receiver, const u8 *about,
				       unsigned int len, u8 type, u8 code, u32 info)
{
	if (about[0] >> 4 == 4)
		return build_error4(error, by_receiver, about, len, type, code, info);
	return build_error6(error, by_receiver, about, len, type, code, info);
}

/* Turns a packet into one that its receiver sends back: checksums stay. */
static inline void turn_round(u8 *packet)
{
	unsigned int len = packet[0] >> 4 == 4 ? sizeof(__be32) : sizeof(struct in6_addr);
	u8 *addrs = packet + (packet[0] >> 4 == 4 ? 12 : 8), *l4 = addrs + 2 * len;
	u8 protocol = packet[0] >> 4 == 4 ? packet[9] : packet[6];
	unsigned int i;

	for (i = 0; i < len; i++)
		swap(addrs[i], addrs[len + i]);
	if (packet[0] >> 4 == 4)
		l4 = packet + (packet[0] & 0xf) * 4;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		for (i = 0; i < 2; i++)
			swap(l4[i], l4[2 + i]);
}

static inline void mend_header(u8 *packet, unsigned int len)
{
	struct iphdr *iph = (struct iphdr *)packet;

	if (iph->version != 4 || iph->ihl < 5 || iph->ihl * 4 > len)
		return;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

/* Every byte of what may be headers becomes some others: what is said of the rest is a lie then. The
 * header's own checksum is mended, so that the lie is looked at.
 */
static inline void expect_no_harm(struct kunit *test, const struct vector *vectors, unsigned int n)
{
	unsigned int fed = 0, i, at, times;
	struct rnd_state random;

	seed_random(test, &random);
	expect_vectors(test, vectors, n);
	for (i = 0; i < n; i++) {
		const struct vector *vector = &vectors[i];
		unsigned int end = min_t(unsigned int, vector->before_len, 120);
		u8 *packet = kmemdup(vector->before, vector->before_len, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, packet);
		for (at = 0; at < end; at++) {
			for (times = 0; times < 2; times++) {
				packet[at] ^= times ? 1 << below(&random, 8) :
						      1 + below(&random, 255);
				mend_header(packet, vector->before_len);
				fed += feed_twice(test, vector->door, vector->dev, packet,
						  vector->before_len, vector->name);
				memcpy(packet, vector->before, vector->before_len);
			}
		}
		kfree(packet);
		cond_resched();
	}
	kunit_info(test, "%u packets\n", fed);
}

#endif
