// SPDX-License-Identifier: GPL-2.0-only
#include "packet.h"
#include "random.h"
#include "xlat.h"

#define HEADROOM 128
#define PACKET_MAX 2048

/* How many. */
#define THERE_AND_BACK 960000
#define FLOWS 12000

/* --- The translators alone. -------------------------------------------------------------- */

static struct doppel_gateway *translators(struct kunit *test)
{
	struct doppel_gateway *gw = kunit_kzalloc(test, sizeof(*gw), GFP_KERNEL);
	struct net_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, gw);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->hard_header_len = ETH_HLEN;
	dev->mtu = 65535;
	gw->lan = dev;
	gw->wan = dev;
	return gw;
}

static __be16 random_port(struct rnd_state *random)
{
	return (__force __be16)prandom_u32_state(random);
}

static __be32 random_addr(struct rnd_state *random)
{
	return (__force __be32)prandom_u32_state(random);
}

static void random_session(struct rnd_state *random, struct doppel_session *session)
{
	static const u8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	struct doppel_lan_tuple *lan = &session->lan;
	struct doppel_wan_tuple *wan = &session->wan;

	memset(session, 0, sizeof(*session));
	lan->protocol = protocols[below(random, ARRAY_SIZE(protocols))];
	lan->device = random_addr(random);
	lan->peer = random_addr(random);
	lan->device_port = random_port(random);
	lan->peer_port = random_port(random);
	wan->protocol = lan->protocol;
	wan->identity_port = random_port(random);
	wan->peer_port = random_port(random);
	if (lan->protocol == IPPROTO_ICMP) {
		lan->peer_port = lan->device_port;
		wan->peer_port = wan->identity_port;
	}
	wan->family = below(random, 3) ? AF_INET6 : AF_INET;
	if (wan->family == AF_INET6) {
		prandom_bytes_state(random, &wan->identity.ipv6, sizeof(wan->identity.ipv6));
		prandom_bytes_state(random, &wan->peer.ipv6, sizeof(wan->peer.ipv6));
	} else {
		wan->identity.ipv4 = random_addr(random);
		wan->peer.ipv4 = random_addr(random);
	}
	doppel_session_set_checksums(session);
}

/* A TCP, UDP or echo header and data at @l4; gives where its checksum is. */
static __sum16 *random_l4(struct rnd_state *random, const struct doppel_lan_tuple *lan, u8 *l4,
			  unsigned int len)
{
	struct tcphdr *th = (struct tcphdr *)l4;
	struct udphdr *uh = (struct udphdr *)l4;
	struct icmphdr *icmph = (struct icmphdr *)l4;

	prandom_bytes_state(random, l4, len);
	switch (lan->protocol) {
	case IPPROTO_TCP:
		th->source = lan->device_port;
		th->dest = lan->peer_port;
		th->doff = min(5 + below(random, 4), len / 4);
		/* A segment size that no port here is too small for. */
		if (th->doff > 5)
			memcpy(th + 1, "\x02\x04\x05\xb4", 4);
		return &th->check;
	case IPPROTO_UDP:
		uh->source = lan->device_port;
		uh->dest = lan->peer_port;
		uh->len = htons(len);
		return &uh->check;
	default:
		icmph->type = below(random, 2) ? ICMP_ECHO : ICMP_ECHOREPLY;
		icmph->code = 0;
		icmph->un.echo.id = lan->device_port;
		return &icmph->checksum;
	}
}

/**
 * struct sample - a packet of the session's, as the device sends it
 * @bytes: the packet
 * @len: of it
 * @l4: bytes before the transport header
 * @check: the place of the transport checksum
 * @sum: what it is
 * @partial: it is only the pseudo header's
 */
struct sample {
	u8 bytes[PACKET_MAX];
	unsigned int len;
	unsigned int l4;
	unsigned int check;
	enum sum sum;
	bool partial;
};

static void random_sample(struct rnd_state *random, const struct doppel_session *session,
			  struct sample *sample)
{
	unsigned int header = session->lan.protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : 8;
	unsigned int len = header + below(random, below(random, 16) ? 64 : 1400);
	struct iphdr *iph = (struct iphdr *)sample->bytes;
	__sum16 *check;
	u8 *l4;

	*iph = (struct iphdr){
		.version = 4,
		.ihl = 5 + (below(random, 8) ? 0 : below(random, 11)),
		.tos = prandom_u32_state(random),
		.id = random_port(random),
		.frag_off = below(random, 2) ? htons(IP_DF) : 0,
		.ttl = 3 + below(random, 253),
		.protocol = session->lan.protocol,
		.saddr = session->lan.device,
		.daddr = session->lan.peer,
	};
	sample->l4 = iph->ihl * 4;
	sample->len = sample->l4 + len;
	iph->tot_len = htons(sample->len);
	memset(iph + 1, 1, sample->l4 - sizeof(*iph));
	iph->check = ip_fast_csum(iph, iph->ihl);

	l4 = sample->bytes + sample->l4;
	check = random_l4(random, &session->lan, l4, len);
	sample->check = (u8 *)check - sample->bytes;
	sample->sum = SUM_RIGHT;
	sample->partial = iph->protocol != IPPROTO_ICMP && !below(random, 8);
	*check = 0;
	if (sample->partial) {
		*check = ~csum_tcpudp_magic(iph->saddr, iph->daddr, len, iph->protocol, 0);
		return;
	}
	if (iph->protocol == IPPROTO_UDP && !below(random, 8)) {
		sample->sum = SUM_NONE;
		return;
	}
	if (iph->protocol == IPPROTO_ICMP)
		*check = ip_compute_csum(l4, len);
	else
		*check = csum_tcpudp_magic(iph->saddr, iph->daddr, len, iph->protocol,
					   csum_partial(l4, len, 0));
	if (!*check)
		*check = CSUM_MANGLED_0;
	if (!below(random, 8)) {
		__sum16 wrong = *check ^ (__force __sum16)htons(1 << below(random, 16));

		/* All ones and none say the same, and UDP's none nothing. */
		if (wrong && wrong != CSUM_MANGLED_0) {
			*check = wrong;
			sample->sum = SUM_WRONG;
		}
	}
}

/* The packet in the skb, which is used again and again: to allocate takes longer than all else. */
static void load(struct sk_buff *skb, const struct sample *sample)
{
	skb->data = skb->head + HEADROOM;
	skb->len = 0;
	skb_reset_tail_pointer(skb);
	skb_put_data(skb, sample->bytes, sample->len);
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);
	skb->ip_summed = CHECKSUM_NONE;
	if (!sample->partial)
		return;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = HEADROOM + sample->l4;
	skb->csum_offset = sample->check - sample->l4;
}

/* The same with the data behind the transport header's fixed part in a page. */
static struct sk_buff *load_paged(struct kunit *test, const struct sample *sample)
{
	unsigned int linear = min(sample->l4 + 20, sample->len);
	struct sk_buff *skb = alloc_skb(HEADROOM + linear, GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_NOT_NULL(test, page);
	memcpy(page_address(page), sample->bytes + linear, sample->len - linear);
	skb_reserve(skb, HEADROOM);
	skb_put_data(skb, sample->bytes, linear);
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);
	if (sample->len > linear)
		skb_add_rx_frag(skb, 0, page, 0, sample->len - linear, PAGE_SIZE);
	else
		put_page(page);
	if (sample->partial) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_headroom(skb) + sample->l4;
		skb->csum_offset = sample->check - sample->l4;
	}
	return skb;
}

static enum doppel_parsed parse(struct sk_buff *skb, struct doppel_packet *packet)
{
	return skb->protocol == htons(ETH_P_IP) ? doppel_parse4(skb, packet) :
						  doppel_parse6(skb, packet);
}

static void translate(struct kunit *test, const struct doppel_gateway *gw, struct sk_buff *skb,
		      const struct doppel_session *session, bool out)
{
	struct doppel_packet packet;

	KUNIT_ASSERT_EQ(test, parse(skb, &packet), DOPPEL_PARSED);
	KUNIT_ASSERT_EQ(test, doppel_make_room(skb, &packet, doppel_growth(session, &packet, out),
					       gw->wan), 0);
	if (out)
		doppel_xlat_out(gw, skb, &packet, session);
	else
		doppel_xlat_in(gw, skb, &packet, session);
}

static bool same_sum(__sum16 one, __sum16 other)
{
	return one == other || (one == CSUM_MANGLED_0 && !other) ||
	       (!one && other == CSUM_MANGLED_0);
}

/* What is wrong with the packet on the WAN side, or NULL: its addresses, its length, its checksum. */
static const char *wrong_on_wan(const struct doppel_session *session, const struct sample *sample,
				const u8 *bytes, unsigned int len)
{
	const struct doppel_wan_tuple *wan = &session->wan;
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)bytes;
	const struct iphdr *iph = (const struct iphdr *)bytes;
	const struct iphdr *was = (const struct iphdr *)sample->bytes;
	bool ipv6 = wan->family == AF_INET6;
	unsigned int l4 = ipv6 ? sizeof(*ip6h) : sample->l4;
	enum sum sum = ipv6 && sample->sum == SUM_NONE ? SUM_RIGHT : sample->sum;
	__sum16 check;

	if (!is_sound(bytes, len) || len - l4 != sample->len - sample->l4)
		return "header or length";
	if (ipv6 && (!ipv6_addr_equal(&ip6h->saddr, &wan->identity.ipv6) ||
		     !ipv6_addr_equal(&ip6h->daddr, &wan->peer.ipv6)))
		return "address";
	if (!ipv6 && (iph->saddr != wan->identity.ipv4 || iph->daddr != wan->peer.ipv4))
		return "address";
	/* RFC 7915 section 4.1: no flow label. */
	if (ipv6 && ntohl(*(const __be32 *)bytes) << 4 != was->tos << 24)
		return "traffic class";
	if ((ipv6 ? ip6h->hop_limit : iph->ttl) != was->ttl - 1)
		return "hop limit";
	if (!sample->partial)
		return sum_of(bytes, len) == sum ? NULL : "checksum";

	memcpy(&check, bytes + l4 + sample->check - sample->l4, sizeof(check));
	if (ipv6)
		check = ~check ^ csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len - l4,
						 wan->protocol, 0);
	else
		check = ~check ^ csum_tcpudp_magic(iph->saddr, iph->daddr, len - l4,
						   wan->protocol, 0);
	return !check || check == CSUM_MANGLED_0 ? NULL : "pseudo header's checksum";
}

/* What is wrong with it back on the LAN side, where it is what it was, but for what RFC 7915
 * changes; or NULL.
 */
static const char *wrong_on_lan(const struct doppel_session *session, const struct sample *sample,
				const u8 *bytes, unsigned int len)
{
	const struct iphdr *was = (const struct iphdr *)sample->bytes;
	const struct iphdr *iph = (const struct iphdr *)bytes;
	bool ipv4 = session->wan.family == AF_INET;
	unsigned int l4 = iph->ihl * 4, at = sample->check - sample->l4;
	const u8 *old = sample->bytes + sample->l4, *new = bytes + l4;
	__sum16 check, old_check;

	if (!is_sound(bytes, len) || len - l4 != sample->len - sample->l4)
		return "header or length";
	if (l4 != (ipv4 ? sample->l4 : sizeof(*iph)))
		return "options";
	if (iph->tos != was->tos || iph->ttl != was->ttl - 2 || iph->protocol != was->protocol ||
	    iph->saddr != was->saddr || iph->daddr != was->daddr)
		return "header";
	if (ipv4 && (iph->id != was->id || iph->frag_off != was->frag_off))
		return "identification";
	/* RFC 7915 section 5.1 */
	if (!ipv4 && iph->frag_off != (len > 1260 ? htons(IP_DF) : 0))
		return "DF";

	memcpy(&check, new + at, sizeof(check));
	memcpy(&old_check, old + at, sizeof(old_check));
	if (sample->sum == SUM_NONE ? !check != ipv4 : !same_sum(check, old_check))
		return "checksum";
	if (memcmp(new, old, at) ||
	    memcmp(new + at + 2, old + at + 2, len - l4 - at - 2))
		return "data";
	return NULL;
}

static void there_and_back_once(struct kunit *test, const struct doppel_gateway *gw,
				struct sk_buff *skb, const struct doppel_session *session,
				const struct sample *sample, u8 *bytes)
{
	const char *wrong;

	translate(test, gw, skb, session, true);
	KUNIT_ASSERT_LE(test, skb->len, PACKET_MAX);
	skb_copy_bits(skb, 0, bytes, skb->len);
	wrong = wrong_on_wan(session, sample, bytes, skb->len);
	if (wrong)
		KUNIT_FAIL(test, "there: %s of %*ph became %*ph", wrong, 64, sample->bytes, 64,
			   bytes);

	turn_round(skb->data);
	translate(test, gw, skb, session, false);
	turn_round(skb->data);
	skb_copy_bits(skb, 0, bytes, skb->len);
	wrong = wrong_on_lan(session, sample, bytes, skb->len);
	if (wrong)
		KUNIT_FAIL(test, "back: %s of %*ph became %*ph", wrong, 64, sample->bytes, 64,
			   bytes);
}

static void there_and_back(struct kunit *test)
{
	struct doppel_session *session = kunit_kzalloc(test, sizeof(*session), GFP_KERNEL);
	struct sample *sample = kunit_kzalloc(test, sizeof(*sample), GFP_KERNEL);
	struct sk_buff *again = alloc_skb(HEADROOM + PACKET_MAX, GFP_KERNEL);
	u8 *bytes = kunit_kzalloc(test, PACKET_MAX, GFP_KERNEL);
	const struct doppel_gateway *gw = translators(test);
	struct rnd_state random;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_ASSERT_NOT_NULL(test, sample);
	KUNIT_ASSERT_NOT_NULL(test, again);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	seed_random(test, &random);
	for (i = 0; i < THERE_AND_BACK; i++) {
		struct sk_buff *skb = again;

		random_session(&random, session);
		random_sample(&random, session, sample);
		if (i % 16)
			load(again, sample);
		else
			skb = load_paged(test, sample);
		there_and_back_once(test, gw, skb, session, sample, bytes);
		if (skb != again)
			kfree_skb(skb);
		if (i % 1024 == 0)
			cond_resched();
	}
	kfree_skb(again);
	kunit_info(test, "%u packets\n", i);
}

static struct kunit_case translator_cases[] = {
	KUNIT_CASE_SLOW(there_and_back),
	{}
};

static struct kunit_suite translator_suite = {
	.name = "doppel_random",
	.test_cases = translator_cases,
};

/* --- Through the doors. ------------------------------------------------------------------ */

/**
 * struct kind - who begins, and how it looks to him
 * @name: of it
 * @door: where his packets come in
 * @out: and go out
 * @device: whose flow it is
 * @from: his address, or its prefix
 * @to: whom he speaks to, or the prefix
 * @port: that he speaks to
 */
static const struct kind {
	const char *name;
	enum door door;
	enum door out;
	u32 device;
	const char *from;
	const char *to;
	u16 port;
} kinds[] = {
	{ "6to4", DOOR_WAN, DOOR_LAN, 1, "2001:db8:fff0::", "2001:db8:1::50", 8080 },
	{ "4to4 in", DOOR_WAN, DOOR_LAN, 1, "10.9.0.0", "10.1.2.50", 8080 },
	{ "4to4 out", DOOR_LAN, DOOR_WAN, 1, "192.168.1.100", "198.18.0.0", 443 },
	{ "4to6 mapped", DOOR_LAN, DOOR_WAN, 1, "192.168.1.100", "192.0.2.10", 443 },
	{ "4to6 mapped in", DOOR_WAN, DOOR_LAN, 1, "2001:db8:9::10", "2001:db8:1::50", 8080 },
	{ "4to6 nat64", DOOR_LAN, DOOR_WAN, 2, "192.168.1.101", "198.18.0.0", 443 },
	{ "box 4to4", DOOR_BOX, DOOR_WAN, 1, "203.0.113.1", "198.18.0.0", 443 },
	{ "box 4to6", DOOR_BOX, DOOR_WAN, 1, "203.0.113.1", "192.0.2.10", 443 },
};

static __be32 addr_in(struct rnd_state *random, const char *text)
{
	__be32 addr = in_aton(text);

	return addr & htonl(0xffff) ? addr : addr | htonl(1 + below(random, 0xfffe));
}

static struct in6_addr addr6_in(struct rnd_state *random, const char *text)
{
	struct in6_addr addr = ip6(text);

	if (!addr.s6_addr32[3])
		prandom_bytes_state(random, addr.s6_addr + 8, 8);
	return addr;
}

/* The first packet of a flow of this kind. */
static unsigned int first_packet(struct rnd_state *random, const struct kind *kind, u8 *packet)
{
	static const u8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	u8 protocol = protocols[below(random, ARRAY_SIZE(protocols))];
	unsigned int header = protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : 8;
	unsigned int len = header + below(random, below(random, 16) ? 48 : 1200);
	struct ipv6hdr *ip6h = (struct ipv6hdr *)packet;
	struct iphdr *iph = (struct iphdr *)packet;
	bool ipv4 = !strchr(kind->from, ':');
	u8 *l4 = packet + (ipv4 ? sizeof(*iph) : sizeof(*ip6h));
	__sum16 *check;

	prandom_bytes_state(random, l4, len);
	/* Clear of what is lent to the box: an echo has no other sign of who began. */
	put_unaligned_be16(1 + below(random, 60999), l4);
	put_unaligned_be16(kind->port, l4 + 2);
	switch (protocol) {
	case IPPROTO_TCP:
		((struct tcphdr *)l4)->doff = 5;
		l4[13] = 2;	/* SYN */
		check = &((struct tcphdr *)l4)->check;
		break;
	case IPPROTO_UDP:
		((struct udphdr *)l4)->len = htons(len);
		check = &((struct udphdr *)l4)->check;
		break;
	default:
		l4[0] = ipv4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
		l4[1] = 0;
		put_unaligned_be16(1 + below(random, 60999), l4 + 4);
		check = &((struct icmphdr *)l4)->checksum;
		break;
	}
	*check = 0;

	if (!ipv4) {
		*ip6h = (struct ipv6hdr){
			.version = 6,
			.payload_len = htons(len),
			.nexthdr = protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 : protocol,
			.hop_limit = 64,
			.saddr = addr6_in(random, kind->from),
			.daddr = addr6_in(random, kind->to),
		};
		*check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, ip6h->nexthdr,
					 csum_partial(l4, len, 0));
	} else {
		*iph = (struct iphdr){
			.version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(*iph) + len),
			.frag_off = htons(IP_DF),
			.ttl = 64,
			.protocol = protocol,
			.saddr = addr_in(random, kind->from),
			.daddr = addr_in(random, kind->to),
		};
		iph->check = ip_fast_csum(iph, iph->ihl);
		*check = protocol == IPPROTO_ICMP ?
				 ip_compute_csum(l4, len) :
				 csum_tcpudp_magic(iph->saddr, iph->daddr, len, protocol,
						   csum_partial(l4, len, 0));
	}
	if (!*check && protocol == IPPROTO_UDP)
		*check = CSUM_MANGLED_0;
	return l4 + len - packet;
}

/* What came out there, copied; 0 if it was not one packet. */
static unsigned int take(struct kunit *test, const struct kind *kind, enum door out, u8 *packet)
{
	struct sk_buff *skb = sole_packet(test, out, kind->device);
	unsigned int len = skb ? skb->len : 0;

	if (len > PACKET_MAX)
		len = 0;
	if (len)
		memcpy(packet, skb->data, len);
	else
		KUNIT_FAIL(test, "%s", kind->name);
	forget_sent(test);
	return len;
}

/* Who answers comes in by the door that the flow goes out. Echo requests become replies. */
static void make_answer(u8 *packet, unsigned int len)
{
	u8 protocol, *l4, was[2];

	turn_round(packet);
	l4 = packet + find_l4(packet, len, &protocol);
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		return;
	memcpy(was, l4, sizeof(was));
	l4[0] = protocol == IPPROTO_ICMP ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
	csum_replace2(&((struct icmphdr *)l4)->checksum, *(__be16 *)was, *(__be16 *)l4);
}

/* Whether both say the same from the transport header on. */
static void expect_same_l4(struct kunit *test, const struct kind *kind, const u8 *one,
			   unsigned int one_len, const u8 *other, unsigned int other_len)
{
	u8 protocol, other_protocol;
	unsigned int at = find_l4(one, one_len, &protocol);
	unsigned int other_at = find_l4(other, other_len, &other_protocol);

	if (protocol != other_protocol || one_len - at != other_len - other_at ||
	    memcmp(one + at, other + other_at, one_len - at))
		KUNIT_FAIL(test, "%s: %*ph is not %*ph", kind->name, 64, one, 64, other);
	KUNIT_EXPECT_EQ(test, sum_of(one, one_len), SUM_RIGHT);
}

/* Errors of any kind about it, right, or with a byte or more changed in what they quote. Gives the
 * packets fed.
 */
static unsigned int complain(struct kunit *test, struct rnd_state *random, enum door door,
			     const struct kind *kind, bool by_receiver, u8 *about,
			     unsigned int len, u8 *error)
{
	static const u8 types[] = {
		ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB, 1, 2, 4,
	};
	unsigned int quoted = below(random, len + 1);
	unsigned int changes = below(random, 3), error_len;
	u32 info = below(random, 2) ? prandom_u32_state(random) : below(random, 1500);

	while (changes-- && quoted)
		about[below(random, min(quoted, 64U))] ^= 1 + below(random, 255);
	error_len = build_error(error, by_receiver, about, quoted,
				types[below(random, ARRAY_SIZE(types))], below(random, 5), info);
	return feed_twice(test, door, kind->device, error, error_len, kind->name);
}

/* A flow of a random kind: its first packet, the answer, which is the first one again for who began,
 * and errors about each.
 */
static void flows(struct kunit *test)
{
	u8 *first, *second, *third, *error;
	struct rnd_state random;
	unsigned int i, fed = 0;

	first = kunit_kzalloc(test, 4 * PACKET_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, first);
	second = first + PACKET_MAX;
	third = second + PACKET_MAX;
	error = third + PACKET_MAX;
	seed_random(test, &random);
	for (i = 0; i < FLOWS; i++) {
		const struct kind *kind = &kinds[below(&random, ARRAY_SIZE(kinds))];
		enum door back = kind->door;
		unsigned int len, there, here;

		len = first_packet(&random, kind, first);
		feed_packet(test, kind->door, kind->device, first, len);
		there = take(test, kind, kind->out, second);
		KUNIT_ASSERT_NE(test, there, 0);
		KUNIT_ASSERT_EQ_MSG(test, sum_of(second, there), SUM_RIGHT, "%s", kind->name);

		make_answer(second, there);
		feed_packet(test, kind->out, kind->device, second, there);
		here = take(test, kind, back, third);
		KUNIT_ASSERT_NE(test, here, 0);
		make_answer(first, len);
		expect_same_l4(test, kind, third, here, first, len);
		fed += 2;

		/* About the answer, from who began; then about the first packet, by a router. */
		fed += complain(test, &random, kind->door, kind, true, third, here, error);
		make_answer(second, there);
		fed += complain(test, &random, kind->out, kind, kind->out == DOOR_LAN, second,
				there, error);
		if (i % 64 == 0)
			cond_resched();
	}
	kunit_info(test, "%u packets\n", fed);
}

/* Errors that quote more and more of the packet, from nothing to all of it. With eight bytes of its
 * transport header or more they go through, with less they do not.
 */
static void quoted_to_every_length(struct kunit *test)
{
	u8 *first, *second, *error;
	struct rnd_state random;
	unsigned int i, n;

	first = kunit_kzalloc(test, 3 * PACKET_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, first);
	second = first + PACKET_MAX;
	error = second + PACKET_MAX;
	seed_random(test, &random);
	for (i = 0; i < 3 * ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i % ARRAY_SIZE(kinds)];
		unsigned int len, there;
		u8 protocol;

		len = first_packet(&random, kind, first);
		feed_packet(test, kind->door, kind->device, first, len);
		there = take(test, kind, kind->out, second);
		KUNIT_ASSERT_NE(test, there, 0);
		for (n = 0; n <= min(there, 120U); n++) {
			bool ipv4 = second[0] >> 4 == 4;
			unsigned int at = find_l4(second, there, &protocol);

			len = build_error(error, kind->out == DOOR_LAN, second, n,
					  ipv4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH, 1, 0);
			feed_packet(test, kind->out, kind->device, error, len);
			expect_all_sound(test, error, len, kind->name);
			KUNIT_EXPECT_EQ_MSG(test, skb_queue_len(sent_by(test, kind->door)) == 1 ||
						  (kind->door == DOOR_BOX &&
						   skb_queue_len(sent_by(test, DOOR_BOX)) == 1),
					    n >= at + 8, "%s: %u bytes", kind->name, n);
			forget_sent(test);
		}
	}
}

static struct kunit_case door_cases[] = {
	KUNIT_CASE_SLOW(flows),
	KUNIT_CASE_SLOW(quoted_to_every_length),
	{}
};

static struct kunit_suite door_suite = {
	.name = "doppel_random_doors",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = door_cases,
};

kunit_test_suites(&translator_suite, &door_suite);
