// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "icmp_xlat.h"
#include "mapping.h"
#include "outbound.h"
#include "stats.h"
#include "xlat.h"
#include "xmit.h"

/* ICMP's and ICMPv6's headers of errors have one form: type, code, checksum, a word. */
#define ICMP_LEN 8

/* What of the transport header every quotation must have: the ports (RFC 792). */
#define QUOTED_L4_MIN 8

/* What an error may quote at most. */
#define ICMP4_ROOM ((unsigned int)(DOPPEL_ICMP4_MAX - sizeof(struct iphdr) - ICMP_LEN))
#define ICMP6_ROOM ((unsigned int)(IPV6_MIN_MTU - sizeof(struct ipv6hdr) - ICMP_LEN))

/* RFC 7600: what an IPv6 node that has no IPv4 address is called. */
#define DUMMY_ADDR htonl(0xc0000008)

/* --- What is quoted. --------------------------------------------------------------------- */

/**
 * struct quote - a packet that an error quotes the beginning of
 * @data: its network header
 * @len: bytes that are there
 * @l4: bytes before the transport header
 * @l4_len: bytes behind that, as the network header says, there or not
 * @source: network byte order; an echo's identifier
 * @dest: network byte order
 * @protocol: IPPROTO_ICMP for either ICMP
 * @request: ICMP, an echo request
 * @tos: or traffic class
 * @ttl: or hop limit
 * @id: as IPv4 has it, network byte order
 * @frag_off: as IPv4 has it, network byte order
 */
struct quote {
	const u8 *data;
	unsigned int len;
	unsigned int l4;
	unsigned int l4_len;
	__be16 source;
	__be16 dest;
	u8 protocol;
	bool request;
	u8 tos;
	u8 ttl;
	__be16 id;
	__be16 frag_off;
};

static bool read_l4(struct quote *quote, u8 request, u8 reply)
{
	const u8 *l4 = quote->data + quote->l4;

	if (quote->l4 + QUOTED_L4_MIN > quote->len || quote->l4_len < QUOTED_L4_MIN)
		return false;

	switch (quote->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		/* Both begin with the ports. */
		quote->source = ((const struct udphdr *)l4)->source;
		quote->dest = ((const struct udphdr *)l4)->dest;
		return true;
	case IPPROTO_ICMP:
		quote->source = ((const struct icmphdr *)l4)->un.echo.id;
		quote->dest = quote->source;
		quote->request = l4[0] == request;
		return (l4[0] == request || l4[0] == reply) && !l4[1];
	default:
		return false;
	}
}

static bool read_quote4(struct quote *quote)
{
	const struct iphdr *iph = (const struct iphdr *)quote->data;

	if (quote->len < sizeof(*iph) || iph->version != 4 || iph->ihl < sizeof(*iph) / 4 ||
	    ntohs(iph->tot_len) < iph->ihl * 4)
		return false;

	quote->l4 = iph->ihl * 4;
	quote->l4_len = ntohs(iph->tot_len) - quote->l4;
	quote->protocol = iph->protocol;
	quote->tos = iph->tos;
	quote->ttl = iph->ttl;
	quote->id = iph->id;
	quote->frag_off = iph->frag_off;
	/* Only the first fragment has ports. */
	if (iph->frag_off & htons(IP_OFFSET))
		return false;
	return read_l4(quote, ICMP_ECHO, ICMP_ECHOREPLY);
}

/* The first fragment's header, if it is one, becomes IPv4's fields. */
static bool read_fragment6(struct quote *quote, const struct frag_hdr *fh)
{
	if (fh->frag_off & htons(IP6_OFFSET))
		return false;

	quote->id = htons(ntohl(fh->identification));
	quote->frag_off = fh->frag_off & htons(IP6_MF) ? htons(IP_MF) : 0;
	return true;
}

static bool read_quote6(struct quote *quote)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)quote->data;
	unsigned int total;

	if (quote->len < sizeof(*ip6h) || ip6h->version != 6)
		return false;

	total = sizeof(*ip6h) + ntohs(ip6h->payload_len);
	quote->l4 = sizeof(*ip6h);
	quote->protocol = ip6h->nexthdr;
	quote->tos = ipv6_get_dsfield(ip6h);
	quote->ttl = ip6h->hop_limit;
	quote->frag_off = total > IPV6_MIN_MTU ? htons(IP_DF) : 0;

	/* What this gateway has sent has no other extension header. */
	if (quote->protocol == NEXTHDR_FRAGMENT) {
		const struct frag_hdr *fh = (const struct frag_hdr *)(ip6h + 1);

		if (quote->len < sizeof(*ip6h) + sizeof(*fh) || !read_fragment6(quote, fh))
			return false;
		quote->protocol = fh->nexthdr;
		quote->l4 += sizeof(*fh);
	}
	if (total < quote->l4)
		return false;
	quote->l4_len = total - quote->l4;

	if (quote->protocol == IPPROTO_ICMPV6)
		quote->protocol = IPPROTO_ICMP;
	else if (quote->protocol == IPPROTO_ICMP)
		return false;
	return read_l4(quote, ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY);
}

/* RFC 4884: behind a length that is given, in words of @unit bytes, begins what is no part of the
 * packet; the other family has another form for it, so it is left out.
 */
static void cut_extensions(struct quote *quote, u8 length, unsigned int unit)
{
	if (length)
		quote->len = min(quote->len, length * unit);
}

/* Where both sides are IPv4 extensions stay, unless the error is too long to be passed on whole. */
static void fit_extensions(struct doppel_icmp *icmp, const struct doppel_packet *packet)
{
	if (packet->len > DOPPEL_ICMP4_MAX && icmp->type != ICMP_PARAMETERPROB)
		icmp->info &= ~0x00ff0000;
}

/* The checksum of what the transport header says, as far as it is there. */
static __sum16 *sum_of(u8 *l4, unsigned int len, u8 protocol)
{
	if (protocol == IPPROTO_UDP)
		return ((struct udphdr *)l4)->check ? &((struct udphdr *)l4)->check : NULL;
	return len >= offsetofend(struct tcphdr, check) ? &((struct tcphdr *)l4)->check : NULL;
}

/* The transport header as the sender of the quoted packet knows it. */
static void write_l4(const struct doppel_session *session, const struct quote *quote, bool to_lan,
		     u8 *l4, unsigned int len)
{
	const struct doppel_lan_tuple *lan = &session->lan;
	const struct doppel_wan_tuple *wan = &session->wan;
	__wsum diff = csum_add(session->addr_diff, session->port_diff);
	struct udphdr *uh = (struct udphdr *)l4;
	__sum16 *sum;

	if (quote->protocol == IPPROTO_ICMP) {
		struct doppel_echo was = doppel_echo_on(session, !to_lan, quote->request,
							quote->l4_len);
		struct doppel_echo is = doppel_echo_on(session, to_lan, quote->request,
						       quote->l4_len);

		doppel_edit_echo((struct icmphdr *)l4, &was, &is);
		return;
	}

	/* The device has sent what comes back to it, the peer what goes back to the peer. */
	uh->source = to_lan ? lan->device_port : wan->peer_port;
	uh->dest = to_lan ? lan->peer_port : wan->identity_port;
	sum = sum_of(l4, len, quote->protocol);
	if (sum)
		*sum = csum_fold(csum_add(~csum_unfold(*sum), to_lan ? ~diff : diff));
}

static void write_header4(struct iphdr *iph, const struct quote *quote, __be32 saddr, __be32 daddr)
{
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = quote->tos;
	iph->tot_len = htons(sizeof(*iph) + quote->l4_len);
	iph->id = quote->id;
	iph->frag_off = quote->frag_off;
	iph->ttl = quote->ttl;
	iph->protocol = quote->protocol;
	iph->check = 0;
	iph->saddr = saddr;
	iph->daddr = daddr;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

static void write_header6(struct ipv6hdr *ip6h, const struct quote *quote,
			  const struct in6_addr *saddr, const struct in6_addr *daddr)
{
	ip6_flow_hdr(ip6h, quote->tos, 0);
	ip6h->payload_len = htons(quote->l4_len);
	ip6h->nexthdr = quote->protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 : quote->protocol;
	ip6h->hop_limit = quote->ttl;
	ip6h->saddr = *saddr;
	ip6h->daddr = *daddr;
}

/* Puts the quotation behind an error's headers, translated; @max: bytes that the error may have. */
static void put_quote(const struct doppel_session *session, const struct quote *quote, bool to_lan,
		      struct sk_buff *skb, unsigned int max)
{
	const struct doppel_lan_tuple *lan = &session->lan;
	const struct doppel_wan_tuple *wan = &session->wan;
	bool ipv4 = to_lan || wan->family == AF_INET;
	unsigned int header = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	unsigned int len = min(quote->len - quote->l4, max - skb->len - header);
	void *to = skb_put(skb, header + len);

	memcpy(to + header, quote->data + quote->l4, len);
	write_l4(session, quote, to_lan, to + header, len);
	if (to_lan)
		write_header4(to, quote, lan->device, lan->peer);
	else if (ipv4)
		write_header4(to, quote, wan->peer.ipv4, wan->identity.ipv4);
	else
		write_header6(to, quote, &wan->peer.ipv6, &wan->identity.ipv6);
}

/* --- What is said. ----------------------------------------------------------------------- */

/* RFC 1191 section 7.1: what a router that gave no MTU may have. */
static unsigned int plateau(unsigned int len)
{
	static const u16 plateaus[] = {
		65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(plateaus) - 1; i++)
		if (plateaus[i] < len)
			break;
	return plateaus[i];
}

static bool say(struct doppel_icmp *icmp, u8 type, u8 code, u32 info)
{
	icmp->type = type;
	icmp->code = code;
	icmp->info = info;
	return true;
}

/* RFC 7915 section 4.2, Destination Unreachable */
static bool unreachable_4to6(struct doppel_icmp *icmp, unsigned int quoted_len,
			     unsigned int max_mtu)
{
	u32 mtu = icmp->info & 0xffff;

	switch (icmp->code) {
	case ICMP_NET_UNREACH:
	case ICMP_HOST_UNREACH:
	case ICMP_SR_FAILED:
	case ICMP_NET_UNKNOWN:
	case ICMP_HOST_UNKNOWN:
	case ICMP_HOST_ISOLATED:
	case ICMP_NET_UNR_TOS:
	case ICMP_HOST_UNR_TOS:
		return say(icmp, ICMPV6_DEST_UNREACH, ICMPV6_NOROUTE, 0);
	case ICMP_PROT_UNREACH:
		return say(icmp, ICMPV6_PARAMPROB, ICMPV6_UNK_NEXTHDR,
			   offsetof(struct ipv6hdr, nexthdr));
	case ICMP_PORT_UNREACH:
		return say(icmp, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0);
	case ICMP_FRAG_NEEDED:
		if (!mtu)
			mtu = plateau(quoted_len);
		mtu += sizeof(struct ipv6hdr) - sizeof(struct iphdr);
		return say(icmp, ICMPV6_PKT_TOOBIG, 0,
			   clamp(mtu, (u32)IPV6_MIN_MTU, max(max_mtu, (u32)IPV6_MIN_MTU)));
	case ICMP_NET_ANO:
	case ICMP_HOST_ANO:
	case ICMP_PKT_FILTERED:
	case ICMP_PREC_CUTOFF:
		return say(icmp, ICMPV6_DEST_UNREACH, ICMPV6_ADM_PROHIBITED, 0);
	default:
		return false;
	}
}

#define NOWHERE 0xff

/* RFC 7915 section 4.2, figure 3 */
static bool pointer_4to6(struct doppel_icmp *icmp)
{
	static const u8 to[sizeof(struct iphdr)] = {
		0, 1, 4, 4, NOWHERE, NOWHERE, NOWHERE, NOWHERE, 7, 6, NOWHERE, NOWHERE,
		8, 8, 8, 8, 24, 24, 24, 24,
	};
	u32 pointer = icmp->info >> 24;

	if (icmp->code == 1 || icmp->code > 2 || pointer >= sizeof(to) || to[pointer] == NOWHERE)
		return false;
	return say(icmp, ICMPV6_PARAMPROB, ICMPV6_HDR_FIELD, to[pointer]);
}

bool doppel_icmp_4to6(struct doppel_icmp *icmp, unsigned int quoted_len, unsigned int max_mtu)
{
	switch (icmp->type) {
	case ICMP_DEST_UNREACH:
		return unreachable_4to6(icmp, quoted_len, max_mtu);
	case ICMP_TIME_EXCEEDED:
		return say(icmp, ICMPV6_TIME_EXCEED, icmp->code, 0);
	case ICMP_PARAMETERPROB:
		return pointer_4to6(icmp);
	default:
		return false;
	}
}

/* RFC 7915 section 5.2, figure 6 */
static bool pointer_6to4(struct doppel_icmp *icmp)
{
	u32 pointer = icmp->info;

	if (pointer <= 1)
		return say(icmp, ICMP_PARAMETERPROB, 0, pointer << 24);
	if (pointer == 4 || pointer == 5)
		return say(icmp, ICMP_PARAMETERPROB, 0, 2 << 24);
	if (pointer == 6)
		return say(icmp, ICMP_PARAMETERPROB, 0, 9 << 24);
	if (pointer == 7)
		return say(icmp, ICMP_PARAMETERPROB, 0, 8 << 24);
	if (pointer >= 8 && pointer <= 23)
		return say(icmp, ICMP_PARAMETERPROB, 0, 12 << 24);
	if (pointer >= 24 && pointer <= 39)
		return say(icmp, ICMP_PARAMETERPROB, 0, 16 << 24);
	return false;
}

/* RFC 7915 section 5.2, Destination Unreachable */
static bool unreachable_6to4(struct doppel_icmp *icmp)
{
	switch (icmp->code) {
	case ICMPV6_NOROUTE:
	case ICMPV6_NOT_NEIGHBOUR:	/* beyond the scope of the source, by now */
	case ICMPV6_ADDR_UNREACH:
		return say(icmp, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	case ICMPV6_ADM_PROHIBITED:
		return say(icmp, ICMP_DEST_UNREACH, ICMP_HOST_ANO, 0);
	case ICMPV6_PORT_UNREACH:
		return say(icmp, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	default:
		return false;
	}
}

bool doppel_icmp_6to4(struct doppel_icmp *icmp, unsigned int max_mtu)
{
	u32 mtu;

	switch (icmp->type) {
	case ICMPV6_DEST_UNREACH:
		return unreachable_6to4(icmp);
	case ICMPV6_PKT_TOOBIG:
		/* No IPv6 link takes less (RFC 8200 section 5). */
		mtu = max(icmp->info, (u32)IPV6_MIN_MTU) -
		      (sizeof(struct ipv6hdr) - sizeof(struct iphdr));
		return say(icmp, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, min(mtu, max_mtu));
	case ICMPV6_TIME_EXCEED:
		return say(icmp, ICMP_TIME_EXCEEDED, icmp->code, 0);
	case ICMPV6_PARAMPROB:
		if (icmp->code == ICMPV6_UNK_NEXTHDR)
			return say(icmp, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
		return icmp->code == ICMPV6_HDR_FIELD && pointer_6to4(icmp);
	default:
		return false;
	}
}

/* IPv4 on both sides: what is passed on says the same. */
static bool is_told4(const struct doppel_icmp *icmp)
{
	return icmp->type == ICMP_DEST_UNREACH || icmp->type == ICMP_TIME_EXCEEDED ||
	       icmp->type == ICMP_PARAMETERPROB;
}

/* --- An error on its way. ---------------------------------------------------------------- */

static bool sum_is_right(const struct sk_buff *skb, const struct doppel_packet *packet)
{
	unsigned int len = packet->len - packet->l4;
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	__wsum sum;

	/* Who is in the same box has not filled it in yet. */
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return true;
	sum = skb_checksum(skb, packet->l4, len, 0);
	if (skb->protocol == htons(ETH_P_IP))
		return !csum_fold(sum);
	return !csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_ICMPV6, sum);
}

/* Reads the error at skb->data, whole and linear from here on. False if it is not sound. */
static bool read_error(struct sk_buff *skb, const struct doppel_packet *packet,
		       struct doppel_icmp *icmp, struct quote *quote)
{
	bool ipv4 = skb->protocol == htons(ETH_P_IP);
	const struct icmphdr *icmph;

	if (packet->len < packet->l4 + ICMP_LEN || skb_linearize(skb) || !sum_is_right(skb, packet))
		return false;

	icmph = (const struct icmphdr *)(skb->data + packet->l4);
	icmp->type = icmph->type;
	icmp->code = icmph->code;
	icmp->info = ntohl(icmph->un.gateway);
	if (ipv4) {
		icmp->tos = ((const struct iphdr *)skb->data)->tos;
		icmp->ttl = ((const struct iphdr *)skb->data)->ttl;
	} else {
		icmp->tos = ipv6_get_dsfield((const struct ipv6hdr *)skb->data);
		icmp->ttl = ((const struct ipv6hdr *)skb->data)->hop_limit;
	}

	*quote = (struct quote){
		.data = (const u8 *)(icmph + 1),
		.len = packet->len - packet->l4 - ICMP_LEN,
	};
	return ipv4 ? read_quote4(quote) : read_quote6(quote);
}

/* The session whose packet to the WAN is quoted. */
static struct doppel_session *session_in(struct doppel_gateway *gw, const struct quote *quote,
					 bool ipv4)
{
	struct doppel_wan_tuple tuple = {
		.identity_port = quote->source,
		.peer_port = quote->dest,
		.protocol = quote->protocol,
		.family = ipv4 ? AF_INET : AF_INET6,
	};

	if (ipv4) {
		tuple.identity.ipv4 = ((const struct iphdr *)quote->data)->saddr;
		tuple.peer.ipv4 = ((const struct iphdr *)quote->data)->daddr;
	} else {
		tuple.identity.ipv6 = ((const struct ipv6hdr *)quote->data)->saddr;
		tuple.peer.ipv6 = ((const struct ipv6hdr *)quote->data)->daddr;
	}
	return doppel_session_by_wan(gw, &tuple);
}

/* The session whose packet to the LAN side is quoted. */
static struct doppel_session *session_out(struct doppel_gateway *gw, const struct quote *quote)
{
	const struct iphdr *iph = (const struct iphdr *)quote->data;
	const struct doppel_lan_tuple tuple = {
		.device = iph->daddr,
		.peer = iph->saddr,
		.device_port = quote->dest,
		.peer_port = quote->source,
		.protocol = quote->protocol,
	};

	return doppel_session_by_lan(gw, &tuple);
}

bool doppel_icmp_xlat_is_ours(struct doppel_gateway *gw, struct sk_buff *skb,
			      const struct doppel_packet *packet)
{
	struct doppel_icmp icmp;
	struct quote quote;

	return read_error(skb, packet, &icmp, &quote) && session_out(gw, &quote);
}

/* Who tells it, as the LAN side knows it. */
static __be32 teller_in(struct doppel_gateway *gw, const struct doppel_session *session,
			const struct in6_addr *saddr)
{
	const struct doppel_mapping *mapping = doppel_mapping_by_ipv6(gw, saddr);
	__be32 addr;

	if (ipv6_addr_equal(saddr, &session->wan.peer.ipv6))
		return session->lan.peer;
	if (mapping)
		return mapping->ipv4;
	if (doppel_nat64_to_ipv4(gw, saddr, &addr) && doppel_is_unicast4(addr) &&
	    (addr ^ READ_ONCE(gw->lan_ipv4)) & READ_ONCE(gw->lan_mask) &&
	    !doppel_identity_by_wan4(gw, addr))
		return addr;
	/* RFC 6791: a router on an IPv6 client's way is somewhere behind the gateway; on the way to
	 * an IPv4 host it is nobody that IPv4 knows.
	 */
	return session->translation == DOPPEL_TRANSLATION_6TO4 ? session->lan.peer : DUMMY_ADDR;
}

/* The box's stack goes on with @skb: it gets the error's place. */
static unsigned int hand_to_box(struct doppel_gateway *gw, struct sk_buff *skb,
				struct sk_buff *error)
{
	int more = (int)error->len - (int)(skb_end_pointer(skb) - skb->data);

	if (pskb_expand_head(skb, 0, max(more, 0), GFP_ATOMIC)) {
		kfree_skb(error);
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_NO_MEMORY);
	}
	__skb_trim(skb, 0);
	skb_put_data(skb, error->data, error->len);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(struct iphdr));
	skb->protocol = error->protocol;
	skb->ip_summed = CHECKSUM_NONE;
	skb->pkt_type = PACKET_HOST;
	consume_skb(error);
	doppel_count_total(gw, DOPPEL_TOTAL_LENT);
	return NF_ACCEPT;
}

unsigned int doppel_icmp_xlat_in(struct doppel_gateway *gw, struct sk_buff *skb,
				 const struct doppel_packet *packet, struct doppel_device *device)
{
	bool ipv4 = skb->protocol == htons(ETH_P_IP);
	unsigned int max_mtu = min(READ_ONCE(gw->lan->mtu),
				   READ_ONCE(gw->wan->mtu) - sizeof(struct iphdr));
	struct doppel_session *session;
	struct doppel_icmp icmp;
	struct sk_buff *error;
	struct quote quote;
	__be32 teller;

	if (!read_error(skb, packet, &icmp, &quote))
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_WAN_MALFORMED);
	session = session_in(gw, &quote, ipv4);
	if (!session || session->device != device)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_ICMP_ERROR);
	if (icmp.ttl-- <= 1)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_TTL);

	if (ipv4) {
		teller = ((const struct iphdr *)skb->data)->saddr;
		if (!is_told4(&icmp))
			return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_ICMP_ERROR);
	} else {
		teller = teller_in(gw, session, &((const struct ipv6hdr *)skb->data)->saddr);
		if (icmp.type == ICMPV6_DEST_UNREACH || icmp.type == ICMPV6_TIME_EXCEED)
			cut_extensions(&quote, icmp.info >> 24, 8);
		if (!read_quote6(&quote) || !doppel_icmp_6to4(&icmp, max_mtu))
			return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_ICMP_ERROR);
	}

	if (ipv4)
		fit_extensions(&icmp, packet);
	error = doppel_icmp_alloc(gw->lan, true, min(quote.len, ICMP4_ROOM));
	if (!error)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_NO_MEMORY);
	put_quote(session, &quote, true, error, DOPPEL_ICMP4_MAX);
	doppel_icmp4_finish(error, &icmp, teller, session->lan.device);

	doppel_count_total(gw, DOPPEL_TOTAL_ICMP_ERRORS);
	if (session->lent)
		return hand_to_box(gw, skb, error);
	doppel_xmit_lan(gw, device, error);
	consume_skb(skb);
	return NF_STOLEN;
}

unsigned int doppel_icmp_xlat_out(struct doppel_gateway *gw, struct sk_buff *skb,
				  const struct doppel_packet *packet,
				  struct doppel_device *device, bool lent)
{
	unsigned int max_mtu = min(READ_ONCE(gw->wan->mtu),
				   READ_ONCE(gw->lan->mtu) + sizeof(struct iphdr));
	struct doppel_device *account = lent ? NULL : device;
	struct doppel_session *session;
	struct doppel_icmp icmp;
	struct sk_buff *error;
	struct quote quote;
	bool ipv4;

	if (!read_error(skb, packet, &icmp, &quote))
		return doppel_drop(gw, account, skb, DOPPEL_DROP_REASON_LAN_MALFORMED);
	session = session_out(gw, &quote);
	if (!session || session->device != device || session->lent != lent)
		return doppel_drop(gw, account, skb, DOPPEL_DROP_REASON_ICMP_ERROR);
	if (icmp.ttl-- <= 1)
		return doppel_drop(gw, account, skb, DOPPEL_DROP_REASON_TTL);

	ipv4 = session->wan.family == AF_INET;
	if (!ipv4)
		cut_extensions(&quote, icmp.info >> 16, 4);
	if (ipv4 ? !is_told4(&icmp) :
		   !read_quote4(&quote) ||
		   !doppel_icmp_4to6(&icmp, quote.l4 + quote.l4_len, max_mtu))
		return doppel_drop(gw, account, skb, DOPPEL_DROP_REASON_ICMP_ERROR);

	if (ipv4)
		fit_extensions(&icmp, packet);
	error = doppel_icmp_alloc(gw->wan, ipv4, min(quote.len + (unsigned int)sizeof(struct ipv6hdr),
						     ipv4 ? ICMP4_ROOM : ICMP6_ROOM));
	if (!error)
		return doppel_drop(gw, account, skb, DOPPEL_DROP_REASON_NO_MEMORY);
	put_quote(session, &quote, false, error, ipv4 ? DOPPEL_ICMP4_MAX : IPV6_MIN_MTU);
	if (ipv4)
		doppel_icmp4_finish(error, &icmp, session->wan.identity.ipv4,
				    session->wan.peer.ipv4);
	else
		doppel_icmp6_finish(error, &icmp, &session->wan.identity.ipv6,
				    &session->wan.peer.ipv6);

	doppel_count_total(gw, DOPPEL_TOTAL_ICMP_ERRORS);
	doppel_outbound_send(gw, session, error);
	consume_skb(skb);
	return NF_STOLEN;
}
