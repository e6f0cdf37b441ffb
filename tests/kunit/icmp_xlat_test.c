// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/icmpv6.h>

#include "icmp_xlat.h"
#include "random.h"

#include "icmp_xlat_vectors.h"

static void vectors_test(struct kunit *test)
{
	expect_vectors(test, vectors, ARRAY_SIZE(vectors));
}

static void lying_test(struct kunit *test)
{
	expect_no_harm(test, vectors, ARRAY_SIZE(vectors));
}

/* An echo whose identifier is another one on each side. */
static void make_echo(u8 *packet, __be32 saddr, __be32 daddr, u16 id)
{
	struct iphdr *iph = (struct iphdr *)packet;
	struct icmphdr *icmph = (struct icmphdr *)(iph + 1);

	*iph = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(*iph) + sizeof(*icmph)),
		.ttl = 64,
		.protocol = IPPROTO_ICMP,
		.saddr = saddr,
		.daddr = daddr,
	};
	iph->check = ip_fast_csum(iph, iph->ihl);
	*icmph = (struct icmphdr){ .type = ICMP_ECHO, .un.echo.id = htons(id) };
	icmph->checksum = ip_compute_csum(icmph, sizeof(*icmph));
}

/* What the box has sent by the lent identity, with an identifier that others have, comes back to it
 * in the quotation of an error as it was, but for TTL and what IPv6 has no place for.
 */
static void lent_echo(struct kunit *test, const char *peer, u8 type)
{
	u8 packet[sizeof(struct iphdr) + sizeof(struct icmphdr)], out[128], error[256];
	struct iphdr *iph = (struct iphdr *)packet;
	struct sk_buff *skb;
	unsigned int len;

	make_echo(packet, in_aton("203.0.113.1"), in_aton(peer), 7);
	feed_packet(test, DOOR_BOX, 1, packet, sizeof(packet));
	skb = sole_packet(test, DOOR_WAN, 1);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	len = min_t(unsigned int, skb->len, sizeof(out));
	memcpy(out, skb->data, len);
	/* The identifier is one that no device takes for itself. */
	KUNIT_EXPECT_GE(test, get_unaligned_be16(out + len - 4), 61000);
	forget_sent(test);

	len = build_error(error, false, out, len, type, 0, 0);
	feed_packet(test, DOOR_WAN, 1, error, len);
	skb = sole_packet(test, DOOR_BOX, 1);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, skb->protocol, htons(ETH_P_IP));
	KUNIT_EXPECT_TRUE(test, skb->pkt_type == PACKET_HOST);
	KUNIT_ASSERT_EQ(test, skb->len, 28 + sizeof(packet));
	KUNIT_EXPECT_EQ(test, ip_compute_csum(skb->data + 20, skb->len - 20), 0);
	iph->ttl--;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
	KUNIT_EXPECT_MEMEQ(test, skb->data + 28, packet, sizeof(packet));
	forget_sent(test);
}

static void echo_of_the_box(struct kunit *test)
{
	lent_echo(test, "198.51.100.7", ICMP_TIME_EXCEEDED);
	lent_echo(test, "192.0.2.10", ICMPV6_TIME_EXCEED);
}

/* The same of an IPv6 client's echo: its identifier is not one that clients have on the LAN. */
static void echo_of_a_client(struct kunit *test)
{
	const u8 *client = begin_echo_6to4_before;
	const size_t len = sizeof(begin_echo_6to4_before);
	u8 packet[sizeof(begin_echo_6to4_before)];
	struct ipv6hdr *ip6h = (struct ipv6hdr *)packet;
	struct icmp6hdr *icmph = (struct icmp6hdr *)(ip6h + 1);
	u8 quoted[128], error[256];
	unsigned int quoted_len;
	struct sk_buff *skb;

	memcpy(packet, client, len);
	icmph->icmp6_identifier = htons(0xfffe);
	icmph->icmp6_cksum = 0;
	icmph->icmp6_cksum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len - sizeof(*ip6h),
					     IPPROTO_ICMPV6,
					     csum_partial(icmph, len - sizeof(*ip6h), 0));
	feed_packet(test, DOOR_WAN, 1, packet, len);
	skb = sole_packet(test, DOOR_LAN, 1);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	quoted_len = skb->len;
	memcpy(quoted, skb->data, quoted_len);
	KUNIT_EXPECT_LE(test, get_unaligned_be16(quoted + 24), 32767);
	forget_sent(test);

	/* The device says that there is nobody. */
	feed_packet(test, DOOR_LAN, 1, error,
		    build_error(error, true, quoted, quoted_len, ICMP_DEST_UNREACH,
				ICMP_HOST_UNREACH, 0));

	skb = sole_packet(test, DOOR_WAN, 1);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, skb->len, 48 + len);
	ip6h->hop_limit--;
	KUNIT_EXPECT_MEMEQ(test, skb->data + 48, packet, len);
}

/* The MTU that is told is not more than what this box's ports take, each in its family. */
static void ports_bound_the_mtu(struct kunit *test)
{
	static const struct {
		u32 said;
		unsigned int lan;
		unsigned int wan;
		u32 in_ipv4;	/* of a Packet Too Big */
		u32 in_ipv6;	/* of a Fragmentation Needed */
	} mtus[] = {
		{ 1500, 1500, 1500, 1480, 1500 },
		{ 1500, 1400, 1500, 1400, 1420 },
		{ 1500, 1500, 1400, 1380, 1400 },
		{ 1500, 1500, 1280, 1260, 1280 },
		{ 1300, 1500, 1400, 1280, 1320 },
		{ 9000, 9000, 9000, 8980, 9000 },
		{ 9000, 9000, 1500, 1480, 1500 },
		{ 68, 1500, 1500, 1260, 1280 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mtus); i++) {
		struct doppel_icmp icmp = { .type = ICMPV6_PKT_TOOBIG, .info = mtus[i].said };

		KUNIT_EXPECT_TRUE(test, doppel_icmp_6to4(&icmp, min(mtus[i].lan,
								    mtus[i].wan - 20)));
		KUNIT_EXPECT_EQ_MSG(test, icmp.info, mtus[i].in_ipv4, "row %u", i);
		icmp = (struct doppel_icmp){
			.type = ICMP_DEST_UNREACH,
			.code = ICMP_FRAG_NEEDED,
			.info = mtus[i].said,
		};
		KUNIT_EXPECT_TRUE(test, doppel_icmp_4to6(&icmp, 9000, min(mtus[i].wan,
									  mtus[i].lan + 20)));
		KUNIT_EXPECT_EQ_MSG(test, icmp.info, mtus[i].in_ipv6, "row %u", i);
	}
}

/* RFC 1191 section 7.1, table 7-1, and RFC 7915 section 4.2: whatever was too long, what is told is
 * less than it was, unless that were less than IPv6 has.
 */
static void plateaus(struct kunit *test)
{
	static const u16 lengths[] = { 65535, 32000, 17914, 8166, 4352, 2002, 1492 };
	unsigned int i;
	u32 len;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct doppel_icmp icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED };

		KUNIT_EXPECT_TRUE(test, doppel_icmp_4to6(&icmp, lengths[i] + 1, 65535));
		KUNIT_EXPECT_EQ(test, icmp.info, min(lengths[i] + 20, 65535));
	}
	for (len = 28; len <= 65535; len++) {
		struct doppel_icmp icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED };

		KUNIT_EXPECT_TRUE(test, doppel_icmp_4to6(&icmp, len, 65535));
		KUNIT_ASSERT_GE(test, icmp.info, IPV6_MIN_MTU);
		if (icmp.info > IPV6_MIN_MTU)
			KUNIT_ASSERT_LT(test, icmp.info, len + 20);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(vectors_test),
	KUNIT_CASE_SLOW(lying_test),
	KUNIT_CASE(echo_of_the_box),
	KUNIT_CASE(echo_of_a_client),
	KUNIT_CASE(ports_bound_the_mtu),
	KUNIT_CASE(plateaus),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_icmp_xlat",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
