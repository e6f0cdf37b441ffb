// SPDX-License-Identifier: GPL-2.0-only
#include "random.h"

#define WHOLE_MAX 65535
#define PARTS_MAX 128

/**
 * struct direction - whose packets come in fragments, and what becomes of them
 * @name: of it
 * @door: where they come in
 * @out: and go out
 * @from: source
 * @to: destination
 * @sport: source port
 * @dport: destination port
 * @out_from: the same when they go out
 * @out_to: ...
 * @out_sport: ...
 * @out_dport: ...
 */
struct direction {
	const char *name;
	enum door door;
	enum door out;
	const char *from;
	const char *to;
	u16 sport;
	u16 dport;
	const char *out_from;
	const char *out_to;
	u16 out_sport;
	u16 out_dport;
};

/* The first packet of each flow, small, goes in before its big ones do. */
static const struct direction directions[] = {
	{ "6to4", DOOR_WAN, DOOR_LAN, "2001:db8:1::200", "2001:db8:1::50", 5555, 8080,
	  "192.168.1.1", "192.168.1.100", 5555, 80 },
	{ "6to4 answer", DOOR_LAN, DOOR_WAN, "192.168.1.100", "192.168.1.1", 80, 5555,
	  "2001:db8:1::50", "2001:db8:1::200", 8080, 5555 },
	{ "4to4 out", DOOR_LAN, DOOR_WAN, "192.168.1.100", "10.1.2.200", 40000, 53,
	  "10.1.2.50", "10.1.2.200", 40000, 53 },
	{ "4to4 answer", DOOR_WAN, DOOR_LAN, "10.1.2.200", "10.1.2.50", 53, 40000,
	  "10.1.2.200", "192.168.1.100", 53, 40000 },
	{ "4to6", DOOR_LAN, DOOR_WAN, "192.168.1.100", "192.0.2.10", 40000, 53,
	  "2001:db8:1::50", "2001:db8:9::10", 40000, 53 },
	{ "4to6 answer", DOOR_WAN, DOOR_LAN, "2001:db8:9::10", "2001:db8:1::50", 53, 40000,
	  "192.0.2.10", "192.168.1.100", 53, 40000 },
	{ "box", DOOR_BOX, DOOR_WAN, "203.0.113.1", "192.0.2.10", 61234, 53,
	  "2001:db8:1::50", "2001:db8:9::10", 61234, 53 },
	{ "box answer", DOOR_WAN, DOOR_BOX, "2001:db8:9::10", "2001:db8:1::50", 53, 61234,
	  "192.0.2.10", "203.0.113.1", 53, 61234 },
};

static bool is_ipv6(const char *addr)
{
	return strchr(addr, ':');
}

static unsigned int build_part4(u8 *to, const struct direction *direction, const u8 *part,
				unsigned int offset, unsigned int len, bool more, bool df, u32 id)
{
	struct iphdr *iph = (struct iphdr *)to;

	*iph = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(*iph) + len),
		.id = htons(id),
		.frag_off = htons(offset / 8 | (more ? IP_MF : 0) | (df ? IP_DF : 0)),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = in_aton(direction->from),
		.daddr = in_aton(direction->to),
	};
	iph->check = ip_fast_csum(iph, 5);
	memcpy(iph + 1, part, len);
	return sizeof(*iph) + len;
}

static unsigned int build_part6(u8 *to, const struct direction *direction, const u8 *part,
				unsigned int offset, unsigned int len, bool more, u32 id)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)to;
	struct frag_hdr *fh = (struct frag_hdr *)(ip6h + 1);
	bool whole = !offset && !more;
	unsigned int header = whole ? 0 : sizeof(*fh);

	*ip6h = (struct ipv6hdr){
		.version = 6,
		.payload_len = htons(header + len),
		.nexthdr = whole ? IPPROTO_UDP : NEXTHDR_FRAGMENT,
		.hop_limit = 64,
		.saddr = ip6(direction->from),
		.daddr = ip6(direction->to),
	};
	if (!whole)
		*fh = (struct frag_hdr){
			.nexthdr = IPPROTO_UDP,
			.frag_off = htons(offset | more),
			.identification = htonl(id),
		};
	memcpy(to + sizeof(*ip6h) + header, part, len);
	return sizeof(*ip6h) + header + len;
}

/* A fragment, or all of it, of what is behind the network header; gives its length. */
static unsigned int build_part(u8 *to, const struct direction *direction, const u8 *l4,
			       unsigned int offset, unsigned int len, bool more, bool df, u32 id)
{
	if (is_ipv6(direction->from))
		return build_part6(to, direction, l4 + offset, offset, len, more, id);
	return build_part4(to, direction, l4 + offset, offset, len, more, df, id);
}

static __sum16 udp_sum(const char *from, const char *to, const u8 *l4, unsigned int len)
{
	__wsum sum = csum_partial(l4, len, 0);

	if (is_ipv6(from)) {
		const struct in6_addr saddr = ip6(from), daddr = ip6(to);

		return csum_ipv6_magic(&saddr, &daddr, len, IPPROTO_UDP, sum);
	}
	return csum_tcpudp_magic(in_aton(from), in_aton(to), len, IPPROTO_UDP, sum);
}

/* A datagram of so many bytes, UDP header included, as it is before translation. */
static void build_datagram(u8 *l4, const struct direction *direction, unsigned int len)
{
	struct udphdr *uh = (struct udphdr *)l4;

	get_random_bytes(l4, len);
	uh->source = htons(direction->sport);
	uh->dest = htons(direction->dport);
	uh->len = htons(len);
	uh->check = 0;
	uh->check = udp_sum(direction->from, direction->to, l4, len);
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
}

static void feed_part(struct kunit *test, const struct direction *direction, const u8 *l4,
		      unsigned int offset, unsigned int len, bool more, bool df, u32 id)
{
	u8 *packet = kmalloc(len + 48, GFP_KERNEL);
	unsigned int packet_len;

	KUNIT_ASSERT_NOT_NULL(test, packet);
	packet_len = build_part(packet, direction, l4, offset, len, more, df, id);
	feed_packet(test, direction->door, 1, packet, packet_len);
	kfree(packet);
}

/* An identification that no fragment has which another test has left behind. */
static u32 next_id(void)
{
	static u32 id;

	return ++id;
}

enum order { IN_ORDER, REVERSED, SHUFFLED, TWICE, ORDERS };

/* Feeds the datagram in fragments with at most @size bytes behind the headers. */
static void feed_parts(struct kunit *test, const struct direction *direction, const u8 *l4,
		       unsigned int len, unsigned int size, enum order order, bool df, u32 id)
{
	unsigned int n = DIV_ROUND_UP(len, size), i, times = order == TWICE ? 2 : 1;
	unsigned int places[PARTS_MAX], other;

	KUNIT_ASSERT_LE(test, n, PARTS_MAX);
	for (i = 0; i < n; i++)
		places[i] = order == REVERSED ? n - 1 - i : i;
	for (i = n - 1; order == SHUFFLED && i; i--) {
		other = get_random_u32_below(i + 1);
		swap(places[i], places[other]);
	}
	for (i = 0; i < n * times; i++) {
		unsigned int at = places[i / times] * size;

		/* The second time of the last one would be the first of another packet. */
		if (order == TWICE && i == n * times - 1)
			break;
		feed_part(test, direction, l4, at, min(size, len - at), at + size < len, df, id);
	}
}

/**
 * struct whole - what came out, put together
 * @l4: from the UDP header on
 * @len: of it
 * @parts: packets that it came in
 * @longest: of them, network header included
 * @id: of the fragments
 * @df: of the first
 */
struct whole {
	u8 l4[WHOLE_MAX];
	unsigned int len;
	unsigned int parts;
	unsigned int longest;
	u32 id;
	bool df;
};

static void add_part(struct kunit *test, struct whole *whole, const u8 *packet, unsigned int len)
{
	unsigned int at, header, offset;
	bool more;
	u32 id;

	KUNIT_ASSERT_TRUE(test, is_sound(packet, len));
	if (packet[0] >> 4 == 4) {
		header = 20;
		at = get_unaligned_be16(packet + 6);
		offset = (at & 0x1fff) * 8;
		more = at & IP_MF;
		id = get_unaligned_be16(packet + 4);
		whole->df = at & IP_DF;
	} else if (packet[6] == NEXTHDR_FRAGMENT) {
		header = 48;
		at = get_unaligned_be16(packet + 42);
		offset = at & 0xfff8;
		more = at & 1;
		id = get_unaligned_be32(packet + 44);
	} else {
		header = 40;
		offset = 0;
		more = false;
		id = 0;
	}
	/* They go out in order. */
	KUNIT_ASSERT_EQ(test, offset, whole->len);
	KUNIT_ASSERT_LE(test, offset + len - header, WHOLE_MAX);
	if (whole->parts)
		KUNIT_EXPECT_EQ(test, id, whole->id);
	if (more)
		KUNIT_EXPECT_EQ(test, (len - header) % 8, 0);
	memcpy(whole->l4 + offset, packet + header, len - header);
	whole->id = id;
	whole->parts++;
	whole->len += len - header;
	whole->longest = max(whole->longest, len);
}

static void collect(struct kunit *test, const struct direction *direction, struct whole *whole)
{
	struct sk_buff_head *sent = sent_by(test, direction->out);
	unsigned int header = direction->out == DOOR_BOX ? 0 : ETH_HLEN;
	struct sk_buff *skb;

	memset(whole, 0, sizeof(*whole));
	skb_queue_walk(sent, skb) {
		KUNIT_ASSERT_EQ(test, skb_linearize(skb), 0);
		add_part(test, whole, skb->data + header, skb->len - header);
	}
	forget_sent(test);
}

/* The datagram came out once, whole, with its ports, data and checksum. */
static void expect_datagram(struct kunit *test, const struct direction *direction,
			    const struct whole *whole, const u8 *l4, unsigned int len)
{
	const struct udphdr *uh = (const struct udphdr *)whole->l4;

	if (!whole->len)
		tell_drops(test);
	KUNIT_ASSERT_EQ_MSG(test, whole->len, len, "%s", direction->name);
	KUNIT_EXPECT_EQ(test, ntohs(uh->source), direction->out_sport);
	KUNIT_EXPECT_EQ(test, ntohs(uh->dest), direction->out_dport);
	KUNIT_EXPECT_NE(test, uh->check, 0);
	KUNIT_EXPECT_EQ_MSG(test, udp_sum(direction->out_from, direction->out_to, whole->l4, len),
			    0, "%s", direction->name);
	KUNIT_EXPECT_MEMEQ(test, whole->l4 + sizeof(*uh), l4 + sizeof(*uh), len - sizeof(*uh));
}

static struct whole *make_whole(struct kunit *test)
{
	struct whole *whole = kunit_kzalloc(test, sizeof(*whole), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, whole);
	return whole;
}

static u8 *make_bytes(struct kunit *test)
{
	u8 *bytes = kunit_kzalloc(test, WHOLE_MAX, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	return bytes;
}

/* Begins the flows of the directions, so that answers have one to belong to. */
static void begin_flows(struct kunit *test)
{
	struct whole *whole = make_whole(test);
	u8 *l4 = make_bytes(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(directions); i++) {
		const struct direction *direction = &directions[i];

		build_datagram(l4, direction, 20);
		feed_part(test, direction, l4, 0, 20, false, true, 0);
		collect(test, direction, whole);
		expect_datagram(test, direction, whole, l4, 20);
		KUNIT_EXPECT_EQ(test, whole->parts, 1);
	}
}

/* In order, reversed, at random, and each fragment twice. */
static void every_order(struct kunit *test)
{
	struct whole *whole = make_whole(test);
	u8 *l4 = make_bytes(test);
	unsigned int i, len, n = 0;
	enum order order;
	u64 before;

	begin_flows(test);
	before = doppel_total_sum(gateway(), DOPPEL_TOTAL_REASSEMBLED);
	for (i = 0; i < ARRAY_SIZE(directions); i++) {
		for (order = 0; order < ORDERS; order++) {
			for (len = 900; len < 9000; len += 1237) {
				build_datagram(l4, &directions[i], len);
				feed_parts(test, &directions[i], l4, len, 8 * (20 + n % 60), order,
					   false, next_id());
				n++;
				collect(test, &directions[i], whole);
				expect_datagram(test, &directions[i], whole, l4, len);
				KUNIT_EXPECT_LE(test, whole->longest, 1500 +
						(directions[i].out == DOOR_BOX ? 65535 : 0));
			}
		}
	}
	KUNIT_EXPECT_EQ(test, doppel_total_sum(gateway(), DOPPEL_TOTAL_REASSEMBLED), before + n);
}

/* RFC 5722, RFC 1858: what overlaps is refused, and what was there before with it. */
static void overlaps_are_refused(struct kunit *test)
{
	static const struct {
		unsigned int offset;
		unsigned int len;
	} second[] = {
		{ 392, 600 }, { 0, 408 }, { 392, 16 },
	};
	u8 *l4 = make_bytes(test);
	unsigned int i, j;
	u64 before;

	begin_flows(test);
	for (i = 0; i < ARRAY_SIZE(directions); i++) {
		for (j = 0; j < ARRAY_SIZE(second); j++) {
			const struct direction *direction = &directions[i];
			u32 id = next_id();

			build_datagram(l4, direction, 1000);
			before = drops(DOPPEL_DROP_REASON_FRAGMENT);
			feed_part(test, direction, l4, 0, 400, true, false, id);
			feed_part(test, direction, l4, second[j].offset, second[j].len, true, false,
				  id);
			KUNIT_EXPECT_EQ_MSG(test, drops(DOPPEL_DROP_REASON_FRAGMENT), before + 1,
					    "%s, %u", direction->name, j);
			/* What would make it whole. */
			feed_part(test, direction, l4, 400, 600, false, false, id);
			KUNIT_EXPECT_TRUE(test, skb_queue_empty(sent_by(test, direction->out)));
			forget_sent(test);
		}
	}
}

/* Fragments of two packets, and of two senders, are not mixed. */
static void not_mixed(struct kunit *test)
{
	struct whole *whole = make_whole(test);
	u8 *one = make_bytes(test), *other = make_bytes(test);
	const struct direction *direction;
	u32 one_id, other_id;
	unsigned int i;

	begin_flows(test);
	for (i = 0; i < ARRAY_SIZE(directions); i++) {
		direction = &directions[i];
		build_datagram(one, direction, 1200);
		build_datagram(other, direction, 1200);
		one_id = next_id();
		other_id = next_id();
		feed_part(test, direction, one, 0, 800, true, false, one_id);
		feed_part(test, direction, other, 0, 800, true, false, other_id);
		KUNIT_EXPECT_TRUE(test, skb_queue_empty(sent_by(test, direction->out)));
		feed_part(test, direction, other, 800, 400, false, false, other_id);
		collect(test, direction, whole);
		expect_datagram(test, direction, whole, other, 1200);
		feed_part(test, direction, one, 800, 400, false, false, one_id);
		collect(test, direction, whole);
		expect_datagram(test, direction, whole, one, 1200);
	}
}

/* RFC 7915 sections 4.1, 5.1.1: the identification goes along, its low-order bits. */
static void ids_go_along(struct kunit *test)
{
	struct whole *whole = make_whole(test);
	u8 *l4 = make_bytes(test);
	unsigned int i;

	begin_flows(test);
	for (i = 0; i < ARRAY_SIZE(directions); i++) {
		const struct direction *direction = &directions[i];

		build_datagram(l4, direction, 4000);
		feed_parts(test, direction, l4, 4000, 1200, IN_ORDER, false, 0xabcd1234);
		collect(test, direction, whole);
		expect_datagram(test, direction, whole, l4, 4000);
		KUNIT_EXPECT_EQ_MSG(test, whole->id, 0x1234, "%s", direction->name);
	}
}

/* RFC 7915 section 4.1: IPv4 without DF is cut to 1280 bytes as IPv6, with DF it is told what fits;
 * fragments that have DF are not made longer (RFC 791; the path had been found out).
 */
static void cut_to_what_fits(struct kunit *test)
{
	const struct direction *out4 = &directions[2], *out6 = &directions[4];
	struct whole *whole = make_whole(test);
	u8 *l4 = make_bytes(test);
	struct sk_buff *skb;

	begin_flows(test);
	build_datagram(l4, out6, 1400);
	feed_part(test, out6, l4, 0, 1400, false, false, 0x77);
	collect(test, out6, whole);
	expect_datagram(test, out6, whole, l4, 1400);
	KUNIT_EXPECT_EQ(test, whole->parts, 2);
	KUNIT_EXPECT_EQ(test, whole->longest, 1280);
	KUNIT_EXPECT_EQ(test, whole->id, 0x77);

	/* 1240 and 40 of IPv6's header: not cut. */
	build_datagram(l4, out6, 1240);
	feed_part(test, out6, l4, 0, 1240, false, false, 0x77);
	collect(test, out6, whole);
	expect_datagram(test, out6, whole, l4, 1240);
	KUNIT_EXPECT_EQ(test, whole->parts, 1);
	KUNIT_EXPECT_EQ(test, whole->longest, 1280);

	/* DF, and 1500 as IPv6: goes. One byte more: is told that 1480 would. */
	build_datagram(l4, out6, 1460);
	feed_part(test, out6, l4, 0, 1460, false, true, 0);
	collect(test, out6, whole);
	expect_datagram(test, out6, whole, l4, 1460);
	KUNIT_EXPECT_EQ(test, whole->longest, 1500);
	build_datagram(l4, out6, 1461);
	feed_part(test, out6, l4, 0, 1461, false, true, 0);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(sent_by(test, DOOR_WAN)));
	skb = sole_packet(test, DOOR_LAN, 1);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, get_unaligned_be16(skb->data + 20), 3 << 8 | 4);
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(skb->data + 24), 1480);
	KUNIT_EXPECT_EQ(test, drops(DOPPEL_DROP_REASON_TOO_BIG), 1);
	forget_sent(test);

	/* Fragments that have DF, of 620 bytes. */
	build_datagram(l4, out4, 3000);
	feed_parts(test, out4, l4, 3000, 600, SHUFFLED, true, next_id());
	collect(test, out4, whole);
	expect_datagram(test, out4, whole, l4, 3000);
	KUNIT_EXPECT_EQ(test, whole->parts, 5);
	KUNIT_EXPECT_EQ(test, whole->longest, 620);
	KUNIT_EXPECT_TRUE(test, whole->df);
	/* Without DF they are not longer either. */
	build_datagram(l4, out4, 3000);
	feed_parts(test, out4, l4, 3000, 600, SHUFFLED, false, next_id());
	collect(test, out4, whole);
	expect_datagram(test, out4, whole, l4, 3000);
	KUNIT_EXPECT_EQ(test, whole->longest, 620);
	KUNIT_EXPECT_FALSE(test, whole->df);
}

/* A port that takes less: what may be cut is, what may not is told of. */
static void smaller_ports(struct kunit *test)
{
	const struct direction *in6 = &directions[0], *in4 = &directions[3];
	struct whole *whole = make_whole(test);
	struct ports *ports = test->priv;
	u8 *l4 = make_bytes(test);
	struct sk_buff *skb;

	begin_flows(test);
	ports->lan->mtu = 1280;

	/* 1400 bytes of IPv6 are 1380 of IPv4: too big, by 100. */
	build_datagram(l4, in6, 1360);
	feed_part(test, in6, l4, 0, 1360, false, false, 0);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(sent_by(test, DOOR_LAN)));
	skb = sole_packet(test, DOOR_WAN, 1);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, skb->data[40], ICMPV6_PKT_TOOBIG);
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(skb->data + 44), 1300);
	KUNIT_EXPECT_EQ(test, skb->len, 1280);
	KUNIT_EXPECT_EQ(test, sum_of(skb->data, skb->len), SUM_RIGHT);
	forget_sent(test);

	/* In fragments it may be cut. */
	build_datagram(l4, in6, 2600);
	feed_parts(test, in6, l4, 2600, 1400, IN_ORDER, false, next_id());
	collect(test, in6, whole);
	expect_datagram(test, in6, whole, l4, 2600);
	KUNIT_EXPECT_LE(test, whole->longest, 1280);
	KUNIT_EXPECT_FALSE(test, whole->df);

	/* IPv4, without and with DF. */
	build_datagram(l4, in4, 1400);
	feed_part(test, in4, l4, 0, 1400, false, false, 6);
	collect(test, in4, whole);
	expect_datagram(test, in4, whole, l4, 1400);
	KUNIT_EXPECT_EQ(test, whole->parts, 2);
	KUNIT_EXPECT_EQ(test, whole->id, 6);
	feed_part(test, in4, l4, 0, 1400, false, true, 6);
	skb = sole_packet(test, DOOR_WAN, 1);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, get_unaligned_be16(skb->data + 20), 3 << 8 | 4);
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(skb->data + 24), 1280);
	KUNIT_EXPECT_EQ(test, skb->len, 576);
	forget_sent(test);
}

/* The longest there are. IPv6 has 20 bytes of payload more than IPv4 has room for. */
static void sixty_four_kilobytes(struct kunit *test)
{
	struct whole *whole = make_whole(test);
	u8 *l4 = make_bytes(test);
	unsigned int i;

	begin_flows(test);
	for (i = 0; i < ARRAY_SIZE(directions); i++) {
		const struct direction *direction = &directions[i];
		bool shrinks = is_ipv6(direction->from) && !is_ipv6(direction->out_from);

		build_datagram(l4, direction, 65515);
		feed_parts(test, direction, l4, 65515, 1400, SHUFFLED, false, next_id());
		collect(test, direction, whole);
		expect_datagram(test, direction, whole, l4, 65515);

		if (!shrinks)
			continue;
		build_datagram(l4, direction, 65516);
		feed_parts(test, direction, l4, 65516, 1400, SHUFFLED, false, next_id());
		KUNIT_EXPECT_EQ_MSG(test, skb_queue_len(sent_by(test, direction->out)), 0, "%s",
				    direction->name);
		KUNIT_EXPECT_EQ(test, drops(DOPPEL_DROP_REASON_TOO_BIG), 1 + (i > 4) + (i > 6));
		forget_sent(test);
	}
}

/* A fragment inside of a fragment is refused. RFC 8200 section 4.5 has one header. */
static void nested_are_refused(struct kunit *test)
{
	const struct direction *direction = &directions[0];
	u8 *l4 = make_bytes(test);
	u8 packet[256];
	u32 id = next_id();
	unsigned int len;

	begin_flows(test);
	build_datagram(l4 + 8, direction, 100);
	*(struct frag_hdr *)l4 = (struct frag_hdr){
		.nexthdr = IPPROTO_UDP,
		.frag_off = htons(IP6_MF),
		.identification = htonl(next_id()),
	};
	/* An atomic one around the first of others, and all of that in a whole. */
	len = build_part(packet, direction, l4, 0, 108, true, false, next_id());
	packet[40] = NEXTHDR_FRAGMENT;
	packet[43] = 0;
	feed_packet(test, DOOR_WAN, 1, packet, len);
	packet[43] = 1;
	len = build_part(packet, direction, l4, 0, 104, true, false, id);
	packet[40] = NEXTHDR_FRAGMENT;
	feed_packet(test, DOOR_WAN, 1, packet, len);
	len = build_part(packet, direction, l4, 104, 4, false, false, id);
	packet[40] = NEXTHDR_FRAGMENT;
	feed_packet(test, DOOR_WAN, 1, packet, len);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(sent_by(test, DOOR_LAN)));
	KUNIT_EXPECT_EQ(test, drops(DOPPEL_DROP_REASON_FRAGMENT), 2);
}

/* Random fragments of random packets: whatever comes out is sound. */
static void random_parts(struct kunit *test)
{
	u8 *l4 = make_bytes(test);
	struct rnd_state random;
	unsigned int i;

	begin_flows(test);
	seed_random(test, &random);
	build_datagram(l4, &directions[0], 8000);
	for (i = 0; i < 20000; i++) {
		const struct direction *direction = &directions[below(&random, 8)];
		unsigned int offset = 8 * below(&random, 12), len = 1 + below(&random, 64);
		u8 packet[256];
		unsigned int packet_len;

		packet_len = build_part(packet, direction, l4, offset, len, below(&random, 2),
					below(&random, 2), 0xfff0 + below(&random, 4));
		if (!below(&random, 4))
			packet[below(&random, packet_len)] ^= 1 + below(&random, 255);
		mend_header(packet, packet_len);
		feed_packet(test, direction->door, 1, packet, packet_len);
		expect_all_sound(test, packet, packet_len, direction->name);
		forget_sent(test);
		if (i % 64 == 0)
			cond_resched();
	}
	kunit_info(test, "%u packets\n", i);
}

/* --- Super-packets. ---------------------------------------------------------------------- */

#define SEGMENT 200
#define SEGMENTS 5

/* Expects the datagrams that @l4 holds, one a packet. */
static void expect_segments(struct kunit *test, const struct direction *direction, const u8 *data)
{
	struct sk_buff_head *sent = sent_by(test, direction->out);
	struct sk_buff *skb;
	unsigned int i = 0;

	KUNIT_EXPECT_EQ_MSG(test, skb_queue_len(sent), SEGMENTS, "%s", direction->name);
	skb_queue_walk(sent, skb) {
		unsigned int header = is_ipv6(direction->out_from) ? 40 : 20;
		const u8 *packet, *l4;

		KUNIT_ASSERT_EQ(test, skb_linearize(skb), 0);
		packet = skb->data + ETH_HLEN;
		l4 = packet + header;
		KUNIT_ASSERT_EQ(test, skb->len, ETH_HLEN + header + 8 + SEGMENT);
		KUNIT_EXPECT_TRUE(test, is_sound(packet, skb->len - ETH_HLEN));
		KUNIT_EXPECT_EQ_MSG(test, udp_sum(direction->out_from, direction->out_to, l4,
						  8 + SEGMENT), 0, "%s, %u", direction->name, i);
		KUNIT_EXPECT_EQ(test, get_unaligned_be16(l4 + 4), 8 + SEGMENT);
		KUNIT_EXPECT_MEMEQ(test, l4 + 8, data + i * SEGMENT, SEGMENT);
		i++;
	}
	forget_sent(test);
}

/* A super-packet of @len bytes behind the headers, the checksum left to whoever cuts it, with the
 * datagram in @l4.
 */
static struct sk_buff *make_super(struct kunit *test, const struct direction *direction, u8 *l4,
				  unsigned int len, int gso_type)
{
	unsigned int header = is_ipv6(direction->from) ? 40 : 20;
	u8 *packet = make_bytes(test);
	struct sk_buff *skb;
	struct udphdr *uh;

	build_datagram(l4, direction, len);
	skb = make_frame(test, direction->door, 1, packet,
			 build_part(packet, direction, l4, 0, len, false,
				    gso_type != SKB_GSO_UDP, next_id()), 0);
	uh = (struct udphdr *)(skb->data + ETH_HLEN + header);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (u8 *)uh - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
	uh->check = header == 20 ? ~csum_tcpudp_magic(in_aton(direction->from),
						      in_aton(direction->to), len, IPPROTO_UDP, 0) :
				   ~csum_ipv6_magic(&((struct ipv6hdr *)packet)->saddr,
						    &((struct ipv6hdr *)packet)->daddr, len,
						    IPPROTO_UDP, 0);
	skb_shinfo(skb)->gso_size = SEGMENT;
	skb_shinfo(skb)->gso_segs = SEGMENTS;
	skb_shinfo(skb)->gso_type = gso_type;
	return skb;
}

/* UDP GSO: one header, and the data of many datagrams. It goes through whole, and the stack cuts it
 * for a port that cannot.
 */
static void udp_gso(struct kunit *test)
{
	u8 *l4 = make_bytes(test);
	unsigned int i;

	begin_flows(test);
	for (i = 0; i < 6; i++) {
		feed(test, directions[i].door, make_super(test, &directions[i], l4,
							  8 + SEGMENTS * SEGMENT, SKB_GSO_UDP_L4));
		expect_segments(test, &directions[i], l4 + 8);
	}
	KUNIT_EXPECT_EQ(test, doppel_total_sum(gateway(), DOPPEL_TOTAL_SEGMENTED), 0);
}

/* UFO: one datagram, which a NIC was to cut into fragments. Who has a clone of it sees no change. */
static void ufo(struct kunit *test)
{
	struct whole *whole = make_whole(test);
	struct sk_buff *skb, *clone;
	u8 *l4 = make_bytes(test);
	unsigned int i, len;

	begin_flows(test);
	for (i = 0; i < 6; i++) {
		for (len = 8 + SEGMENTS * SEGMENT; len < 9000; len += 3000) {
			skb = make_super(test, &directions[i], l4, len, SKB_GSO_UDP);
			clone = skb_clone(skb, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, clone);
			feed(test, directions[i].door, skb);
			KUNIT_EXPECT_EQ(test, skb_shinfo(clone)->gso_type, SKB_GSO_UDP);
			kfree_skb(clone);
			collect(test, &directions[i], whole);
			expect_datagram(test, &directions[i], whole, l4, len);
			KUNIT_EXPECT_LE(test, whole->longest, 1500);
			KUNIT_EXPECT_EQ(test, whole->parts > 1, len > 1500);
			KUNIT_EXPECT_TRUE(test, whole->parts == 1 || whole->id);
		}
	}
	KUNIT_EXPECT_EQ(test, doppel_total_sum(gateway(), DOPPEL_TOTAL_SEGMENTED), 0);
}

/* Fraglist GRO: whole datagrams in a list, each with headers of its own, which are translated one by
 * one.
 */
static void fraglist_gro(struct kunit *test)
{
	u8 *l4 = make_bytes(test), *packet = make_bytes(test), *data = make_bytes(test);
	unsigned int i, n, len;

	begin_flows(test);
	for (i = 0; i < 6; i++) {
		const struct direction *direction = &directions[i];
		unsigned int header = is_ipv6(direction->from) ? 40 : 20;
		struct sk_buff *head = NULL, **tail = NULL;
		struct net_device *dev;

		dev = direction->door == DOOR_LAN ? wire_of(test)->ports.lan :
						    wire_of(test)->ports.wan;
		for (n = 0; n < SEGMENTS; n++) {
			struct sk_buff *skb;

			build_datagram(l4, direction, 8 + SEGMENT);
			memcpy(data + n * SEGMENT, l4 + 8, SEGMENT);
			len = build_part(packet, direction, l4, 0, 8 + SEGMENT, false, true, 0);
			skb = make_frame(test, direction->door, 1, packet, len, 0);
			skb->ip_summed = CHECKSUM_UNNECESSARY;
			if (!head) {
				head = skb;
				tail = &skb_shinfo(head)->frag_list;
				continue;
			}
			skb->protocol = eth_type_trans(skb, dev);
			skb_reset_network_header(skb);
			skb_set_transport_header(skb, header);
			__skb_pull(skb, header + 8);
			head->len += skb->len;
			head->data_len += skb->len;
			head->truesize += skb->truesize;
			*tail = skb;
			tail = &skb->next;
		}
		/* As GRO leaves it: the lengths are those of the whole. */
		len = 8 + SEGMENTS * SEGMENT;
		if (header == 20)
			((struct iphdr *)(head->data + ETH_HLEN))->tot_len = htons(header + len);
		else
			((struct ipv6hdr *)(head->data + ETH_HLEN))->payload_len = htons(len);
		((struct udphdr *)(head->data + ETH_HLEN + header))->len = htons(len);
		mend_header(head->data + ETH_HLEN, header);
		skb_shinfo(head)->gso_size = SEGMENT;
		skb_shinfo(head)->gso_segs = SEGMENTS;
		skb_shinfo(head)->gso_type = SKB_GSO_UDP_L4 | SKB_GSO_FRAGLIST;
		feed(test, direction->door, head);
		expect_segments(test, direction, data);
	}
	KUNIT_EXPECT_EQ(test, doppel_total_sum(gateway(), DOPPEL_TOTAL_SEGMENTED), 6);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(every_order),
	KUNIT_CASE(overlaps_are_refused),
	KUNIT_CASE(not_mixed),
	KUNIT_CASE(ids_go_along),
	KUNIT_CASE(cut_to_what_fits),
	KUNIT_CASE(smaller_ports),
	KUNIT_CASE_SLOW(sixty_four_kilobytes),
	KUNIT_CASE(nested_are_refused),
	KUNIT_CASE_SLOW(random_parts),
	KUNIT_CASE(udp_gso),
	KUNIT_CASE(ufo),
	KUNIT_CASE(fraglist_gro),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_frag",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
