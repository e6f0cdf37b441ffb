// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/inet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

#include "packet.h"
#include "xlat.h"

#define HEADROOM 128

enum way { SIXTO4_IN, SIXTO4_OUT, FOURTO4_IN, FOURTO4_OUT };

struct vector {
	const char *name;
	enum way way;
	const u8 *before;
	size_t before_len;
	const u8 *after;
	size_t after_len;
};

#include "xlat_vectors.h"

static bool outward(enum way way)
{
	return way == SIXTO4_OUT || way == FOURTO4_OUT;
}

static struct sk_buff *make_skb(struct kunit *test, const u8 *data, size_t len)
{
	struct sk_buff *skb = alloc_skb(HEADROOM + len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, HEADROOM);
	skb_put_data(skb, data, len);
	skb_reset_network_header(skb);
	skb->protocol = data[0] >> 4 == 4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	return skb;
}

static enum doppel_parsed parse(struct sk_buff *skb, struct doppel_packet *packet)
{
	return skb->protocol == htons(ETH_P_IP) ? doppel_parse4(skb, packet) :
						  doppel_parse6(skb, packet);
}

/* The session that the vectors were made for. */
static void make_session(struct doppel_session *session, enum way way, u8 protocol)
{
	const char *end;

	memset(session, 0, sizeof(*session));
	session->lan.protocol = protocol;
	session->lan.device = in_aton("192.168.1.100");
	session->lan.device_port = htons(80);
	session->lan.peer_port = htons(5555);
	session->wan.identity_port = htons(8080);
	session->wan.peer_port = htons(5555);
	if (protocol == IPPROTO_ICMP) {
		session->lan.device_port = htons(0x1234);
		session->lan.peer_port = htons(0x1234);
		session->wan.identity_port = htons(0x1234);
		session->wan.peer_port = htons(0x1234);
	}
	if (way == SIXTO4_IN || way == SIXTO4_OUT) {
		session->translation = DOPPEL_TRANSLATION_6TO4;
		session->wan.family = AF_INET6;
		session->lan.peer = in_aton("192.168.1.1");
		in6_pton("2001:db8:1::50", -1, session->wan.identity.ipv6.s6_addr, -1, &end);
		in6_pton("2001:db8:1::200", -1, session->wan.peer.ipv6.s6_addr, -1, &end);
	} else {
		session->translation = DOPPEL_TRANSLATION_4TO4;
		session->wan.family = AF_INET;
		session->lan.peer = in_aton("10.1.2.200");
		session->wan.identity.ipv4 = in_aton("10.1.2.50");
		session->wan.peer.ipv4 = session->lan.peer;
	}
	doppel_session_set_checksums(session);
}

static struct net_device *make_port(struct kunit *test)
{
	struct net_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->hard_header_len = ETH_HLEN;
	dev->mtu = ETH_DATA_LEN;
	return dev;
}

static struct doppel_gateway *make_gateway(struct kunit *test)
{
	struct doppel_gateway *gw = kunit_kzalloc(test, sizeof(*gw), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, gw);
	gw->lan = make_port(test);
	gw->wan = gw->lan;
	return gw;
}

static void translate(struct kunit *test, struct sk_buff *skb, const struct doppel_packet *packet,
		      const struct doppel_session *session, enum way way,
		      const struct doppel_gateway *gw)
{
	int growth = doppel_growth(session, packet, outward(way));

	KUNIT_ASSERT_EQ(test, doppel_make_room(skb, packet, growth, gw->wan), 0);
	if (outward(way))
		doppel_xlat_out(gw, skb, packet, session);
	else
		doppel_xlat_in(gw, skb, packet, session);
	KUNIT_EXPECT_EQ(test, (int)skb->len, (int)packet->len + growth);
}

/* The identification of an IPv4 packet that may be cut is random: what the vector cannot know. */
static void forget_id(u8 *packet)
{
	struct iphdr *iph = (struct iphdr *)packet;

	if (iph->version != 4 || iph->frag_off & htons(IP_DF))
		return;
	iph->id = 0;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

static void vectors_test(struct kunit *test)
{
	struct doppel_gateway *gw = make_gateway(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *vector = &vectors[i];
		struct doppel_session session;
		struct doppel_packet packet;
		struct sk_buff *skb;

		skb = make_skb(test, vector->before, vector->before_len);
		KUNIT_ASSERT_EQ_MSG(test, parse(skb, &packet), DOPPEL_PARSED, "%s", vector->name);
		make_session(&session, vector->way, packet.protocol);
		translate(test, skb, &packet, &session, vector->way, gw);
		if (vector->way == SIXTO4_IN) {
			KUNIT_EXPECT_TRUE_MSG(test, !ip_fast_csum(skb->data, 5), "%s",
					      vector->name);
			forget_id(skb->data);
		}
		KUNIT_EXPECT_EQ_MSG(test, skb->len, vector->after_len, "%s", vector->name);
		KUNIT_EXPECT_TRUE_MSG(test, !memcmp(skb->data, vector->after,
						    min_t(size_t, skb->len, vector->after_len)),
				      "%s: got %*ph", vector->name, 64, skb->data);
		kfree_skb(skb);
	}
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

			skb = make_skb(test, vectors[i].before, len);
			KUNIT_EXPECT_EQ_MSG(test, parse(skb, &packet), DOPPEL_PARSED_MALFORMED,
					    "%s cut to %zu", vectors[i].name, len);
			kfree_skb(skb);
		}
	}
}

/* Every byte of the headers, every bit of it flipped: parsed or not, nothing is read or written
 * out of bounds, and a translation neither grows nor shrinks wrongly.
 */
static void lying_test(struct kunit *test)
{
	struct doppel_gateway *gw = make_gateway(test);
	int i, bit;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *vector = &vectors[i];
		int bits = min_t(int, vector->before_len, 80) * 8;

		for (bit = 0; bit < bits; bit++) {
			struct doppel_session session;
			struct doppel_packet packet;
			struct sk_buff *skb;
			bool v4;

			skb = make_skb(test, vector->before, vector->before_len);
			v4 = skb->protocol == htons(ETH_P_IP);
			skb->data[bit / 8] ^= 1 << bit % 8;
			if (v4) {
				struct iphdr *iph = (struct iphdr *)skb->data;

				/* So that the lie itself is looked at. */
				iph->check = 0;
				if (iph->ihl * 4 <= skb->len && iph->ihl >= 5)
					iph->check = ip_fast_csum(iph, iph->ihl);
			}
			if (parse(skb, &packet) == DOPPEL_PARSED) {
				make_session(&session, vector->way, packet.protocol);
				translate(test, skb, &packet, &session, vector->way, gw);
			}
			kfree_skb(skb);
		}
	}
}

static bool sum_is_right4(const struct sk_buff *skb, u8 protocol)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	unsigned int len = skb->len - sizeof(*iph);
	__wsum sum = skb_checksum(skb, sizeof(*iph), len, 0);

	if (ip_fast_csum(iph, iph->ihl))
		return false;
	if (protocol == IPPROTO_ICMP)
		return !csum_fold(sum);
	return !csum_tcpudp_magic(iph->saddr, iph->daddr, len, protocol, sum);
}

static bool sum_is_right6(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	unsigned int len = skb->len - sizeof(*ip6h);

	return !csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, ip6h->nexthdr,
				skb_checksum(skb, sizeof(*ip6h), len, 0));
}

/* A random packet of the session from the WAN, with a right checksum. */
static struct sk_buff *random_packet6(struct kunit *test, const struct doppel_session *session)
{
	u8 nexthdr = session->lan.protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 :
							    session->lan.protocol;
	unsigned int header = nexthdr == IPPROTO_TCP ? sizeof(struct tcphdr) : 8;
	unsigned int len = header + get_random_u32_below(1400);
	const struct doppel_wan_tuple *wan = &session->wan;
	struct sk_buff *skb = alloc_skb(HEADROOM + 40 + len, GFP_KERNEL);
	struct ipv6hdr *ip6h;
	__sum16 *check;
	u8 *l4;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, HEADROOM);
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IPV6);
	ip6h = skb_put_zero(skb, sizeof(*ip6h));
	ip6_flow_hdr(ip6h, get_random_u8(), 0);
	ip6h->payload_len = htons(len);
	ip6h->nexthdr = nexthdr;
	ip6h->hop_limit = 2 + get_random_u32_below(254);
	ip6h->saddr = wan->peer.ipv6;
	ip6h->daddr = wan->identity.ipv6;

	l4 = skb_put(skb, len);
	get_random_bytes(l4, len);
	if (nexthdr == IPPROTO_ICMPV6) {
		l4[0] = 128;
		l4[1] = 0;
		memcpy(l4 + 4, &wan->identity_port, sizeof(__be16));
		check = (__sum16 *)(l4 + 2);
	} else {
		memcpy(l4, &wan->peer_port, sizeof(__be16));
		memcpy(l4 + 2, &wan->identity_port, sizeof(__be16));
		check = (__sum16 *)(l4 + (nexthdr == IPPROTO_TCP ? 16 : 6));
		if (nexthdr == IPPROTO_TCP)
			l4[12] = sizeof(struct tcphdr) / 4 << 4;
		else
			((struct udphdr *)l4)->len = htons(len);
	}
	*check = 0;
	*check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, nexthdr,
				 csum_partial(l4, len, 0));
	if (!*check)
		*check = CSUM_MANGLED_0;
	return skb;
}

/* Turns a packet that went to the device into one that it sends back. */
static void turn_round(struct sk_buff *skb, u8 protocol)
{
	struct iphdr *iph = (struct iphdr *)skb->data;
	__be16 *ports = (__be16 *)(iph + 1);

	swap(iph->saddr, iph->daddr);
	if (protocol != IPPROTO_ICMP)
		swap(ports[0], ports[1]);
}

/* Random packets there and back: checksums that were right stay right, the payload is whole, a
 * wrong one stays wrong.
 */
static void there_and_back_test(struct kunit *test)
{
	static const u8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	struct doppel_gateway *gw = make_gateway(test);
	int i;

	for (i = 0; i < 30000; i++) {
		u8 protocol = protocols[i % ARRAY_SIZE(protocols)];
		struct doppel_session session;
		struct doppel_packet packet;
		bool broken = !(i % 7);
		struct sk_buff *skb;
		unsigned int l4;

		make_session(&session, SIXTO4_IN, protocol);
		get_random_bytes(&session.wan.peer.ipv6, sizeof(session.wan.peer.ipv6));
		get_random_bytes(&session.wan.identity.ipv6, sizeof(session.wan.identity.ipv6));
		session.wan.peer_port = (__force __be16)get_random_u16();
		session.lan.peer_port = (__force __be16)get_random_u16();
		if (protocol == IPPROTO_ICMP) {
			session.wan.identity_port = session.wan.peer_port;
			session.lan.device_port = session.lan.peer_port;
		}
		doppel_session_set_checksums(&session);

		skb = random_packet6(test, &session);
		l4 = protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : 8;
		if (broken && skb->len > sizeof(struct ipv6hdr) + l4)
			skb->data[skb->len - 1] ^= 0x40;
		else
			broken = false;

		KUNIT_ASSERT_EQ(test, parse(skb, &packet), DOPPEL_PARSED);
		translate(test, skb, &packet, &session, SIXTO4_IN, gw);
		KUNIT_ASSERT_EQ_MSG(test, sum_is_right4(skb, protocol), !broken,
				    "protocol %u, packet %d", protocol, i);

		turn_round(skb, protocol);
		KUNIT_ASSERT_EQ(test, parse(skb, &packet), DOPPEL_PARSED);
		translate(test, skb, &packet, &session, SIXTO4_OUT, gw);
		KUNIT_ASSERT_EQ_MSG(test, sum_is_right6(skb), !broken,
				    "protocol %u, packet %d", protocol, i);
		kfree_skb(skb);
	}
}

/* Offloaded checksums hold the pseudo header's sum alone, and become the other family's. */
static void partial_test(struct kunit *test)
{
	struct doppel_gateway *gw = make_gateway(test);
	struct doppel_session session;
	struct doppel_packet packet;
	struct ipv6hdr *ip6h;
	struct sk_buff *skb;
	struct tcphdr *th;
	unsigned int len;

	make_session(&session, SIXTO4_IN, IPPROTO_TCP);
	skb = random_packet6(test, &session);
	ip6h = (struct ipv6hdr *)skb->data;
	th = (struct tcphdr *)(ip6h + 1);
	len = skb->len - sizeof(*ip6h);
	th->check = ~csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (unsigned char *)th - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb_shinfo(skb)->gso_size = 100;
	skb_shinfo(skb)->gso_segs = 3;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;

	KUNIT_ASSERT_EQ(test, parse(skb, &packet), DOPPEL_PARSED);
	translate(test, skb, &packet, &session, SIXTO4_IN, gw);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_type, SKB_GSO_TCPV4 | SKB_GSO_DODGY);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_size, 100);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_segs, 0);

	/* Fill it in as for one packet without offload. */
	skb_gso_reset(skb);
	KUNIT_ASSERT_EQ(test, skb_checksum_help(skb), 0);
	KUNIT_EXPECT_TRUE(test, sum_is_right4(skb, IPPROTO_TCP));
	kfree_skb(skb);
}

static void refused_test(struct kunit *test)
{
	struct doppel_packet packet;
	struct sk_buff *skb;

	/* A fragment; a routing header with segments left; UDP over IPv6 without a checksum. */
	skb = make_skb(test, udp_4to6_before, sizeof(udp_4to6_before));
	((struct iphdr *)skb->data)->frag_off = htons(IP_MF);
	((struct iphdr *)skb->data)->check = 0;
	((struct iphdr *)skb->data)->check = ip_fast_csum(skb->data, 5);
	KUNIT_EXPECT_EQ(test, parse(skb, &packet), DOPPEL_PARSED_FRAGMENT);
	kfree_skb(skb);

	skb = make_skb(test, tcp_hop_by_hop_6to4_before, sizeof(tcp_hop_by_hop_6to4_before));
	((struct ipv6hdr *)skb->data)->nexthdr = NEXTHDR_ROUTING;
	skb->data[sizeof(struct ipv6hdr) + 3] = 1;
	KUNIT_EXPECT_EQ(test, parse(skb, &packet), DOPPEL_PARSED_MALFORMED);
	kfree_skb(skb);

	skb = make_skb(test, udp_6to4_before, sizeof(udp_6to4_before));
	((struct udphdr *)(skb->data + sizeof(struct ipv6hdr)))->check = 0;
	KUNIT_EXPECT_EQ(test, parse(skb, &packet), DOPPEL_PARSED_MALFORMED);
	kfree_skb(skb);

	/* Right but for its header's checksum. */
	skb = make_skb(test, udp_4to6_before, sizeof(udp_4to6_before));
	((struct iphdr *)skb->data)->check ^= htons(1);
	KUNIT_EXPECT_EQ(test, parse(skb, &packet), DOPPEL_PARSED_MALFORMED);
	kfree_skb(skb);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(vectors_test),
	KUNIT_CASE(truncated_test),
	KUNIT_CASE(lying_test),
	KUNIT_CASE(there_and_back_test),
	KUNIT_CASE(partial_test),
	KUNIT_CASE(refused_test),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_xlat",
	.test_cases = cases,
};
kunit_test_suite(suite);
