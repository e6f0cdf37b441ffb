// SPDX-License-Identifier: GPL-2.0-only
#include "packet.h"
#include "random.h"
#include "xlat.h"

#include "xlat_vectors.h"

static enum doppel_parsed parse(struct sk_buff *skb, struct doppel_packet *packet)
{
	return skb->protocol == htons(ETH_P_IP) ? doppel_parse4(skb, packet) :
						  doppel_parse6(skb, packet);
}

static struct sk_buff *make_packet(struct kunit *test, const u8 *data, size_t len)
{
	struct sk_buff *skb = make_frame(test, DOOR_WAN, 1, data, len, 0);

	skb->protocol = eth_hdr(skb)->h_proto;
	__skb_pull(skb, ETH_HLEN);
	skb_reset_network_header(skb);
	return skb;
}

static void vectors_test(struct kunit *test)
{
	expect_vectors(test, vectors, ARRAY_SIZE(vectors));
}

static void lying_test(struct kunit *test)
{
	expect_no_harm(test, vectors, ARRAY_SIZE(vectors));
}

/* No prefix of a sound packet parses as one. */
static void truncated_test(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		size_t len;

		for (len = 1; len < vectors[i].before_len; len++) {
			struct doppel_packet packet;
			struct sk_buff *skb;

			skb = make_packet(test, vectors[i].before, len);
			KUNIT_EXPECT_EQ_MSG(test, parse(skb, &packet), DOPPEL_PARSED_MALFORMED,
					    "%s cut to %zu", vectors[i].name, len);
			kfree_skb(skb);
		}
	}
}

/* Offloaded checksums hold the pseudo header's sum alone, and become the other family's. */
static void partial_test(struct kunit *test)
{
	struct sk_buff *skb = make_frame(test, DOOR_WAN, 1, tcp_big_6to4_before,
					 sizeof(tcp_big_6to4_before), 0);
	struct ipv6hdr *ip6h = (struct ipv6hdr *)(skb->data + ETH_HLEN);
	struct tcphdr *th = (struct tcphdr *)(ip6h + 1);
	unsigned int len = sizeof(tcp_big_6to4_before) - sizeof(*ip6h);

	/* A port that cuts segments itself. */
	wire_of(test)->ports.lan->features |= NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO;
	feed_packet(test, DOOR_WAN, 1, tcp_syn_6to4_before, sizeof(tcp_syn_6to4_before));
	forget_sent(test);

	th->check = ~csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (unsigned char *)th - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb_shinfo(skb)->gso_size = 100;
	skb_shinfo(skb)->gso_segs = 13;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;
	feed(test, DOOR_WAN, skb);

	KUNIT_ASSERT_EQ(test, skb_queue_len(&wire_of(test)->lan), 1);
	skb = skb_peek(&wire_of(test)->lan);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_type, SKB_GSO_TCPV4 | SKB_GSO_DODGY);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_size, 100);

	/* Filled in as for one packet without offload it is the vector's. */
	skb_gso_reset(skb);
	KUNIT_ASSERT_EQ(test, skb_checksum_help(skb), 0);
	skb = sole_packet(test, DOOR_LAN, 1);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, skb->len, sizeof(tcp_big_6to4_after));
	KUNIT_EXPECT_MEMEQ(test, skb->data, tcp_big_6to4_after, skb->len);
}

/* The identification of what may be cut is no counter and no constant (RFC 7915 section 5.1). */
static void ids_differ(struct kunit *test)
{
	unsigned int i, same = 0;
	__be16 last = 0;

	for (i = 0; i < 64; i++) {
		struct sk_buff *skb;

		feed_packet(test, DOOR_WAN, 1, udp_6to4_before, sizeof(udp_6to4_before));
		skb = sole_packet(test, DOOR_LAN, 1);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		if (((struct iphdr *)skb->data)->id == last)
			same++;
		last = ((struct iphdr *)skb->data)->id;
		forget_sent(test);
	}
	KUNIT_EXPECT_LT(test, same, 3);
}

static void refused_test(struct kunit *test)
{
	struct doppel_packet packet;
	struct sk_buff *skb;

	/* A fragment. */
	skb = make_packet(test, udp_4to6_before, sizeof(udp_4to6_before));
	((struct iphdr *)skb->data)->frag_off = htons(IP_MF);
	((struct iphdr *)skb->data)->check = 0;
	((struct iphdr *)skb->data)->check = ip_fast_csum(skb->data, 5);
	KUNIT_EXPECT_EQ(test, parse(skb, &packet), DOPPEL_PARSED_FRAGMENT);
	kfree_skb(skb);

	/* Right but for its header's checksum. */
	skb = make_packet(test, udp_4to6_before, sizeof(udp_4to6_before));
	((struct iphdr *)skb->data)->check ^= htons(1);
	KUNIT_EXPECT_EQ(test, parse(skb, &packet), DOPPEL_PARSED_MALFORMED);
	kfree_skb(skb);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(vectors_test),
	KUNIT_CASE_SLOW(lying_test),
	KUNIT_CASE_SLOW(truncated_test),
	KUNIT_CASE(partial_test),
	KUNIT_CASE(ids_differ),
	KUNIT_CASE(refused_test),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_xlat",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
