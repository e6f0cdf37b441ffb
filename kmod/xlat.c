// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#ifdef DOPPEL_HAVE_GSO_H
#include <net/gso.h>
#endif
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "xlat.h"

/* What tells such packets of one CPU apart (RFC 6864 section 4.1). */
static DEFINE_PER_CPU(u16, next_id);

int doppel_growth(const struct doppel_session *session, const struct doppel_packet *packet,
		  bool from_device)
{
	if (session->wan.family == AF_INET)
		return 0;

	return (from_device ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) - packet->l4;
}

bool doppel_fits(const struct sk_buff *skb, const struct doppel_packet *packet, int growth,
		 unsigned int mtu)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, mtu - growth);

	return (int)packet->len + growth <= (int)mtu;
}

int doppel_make_room(struct sk_buff *skb, const struct doppel_packet *packet, int growth,
		     const struct net_device *out)
{
	unsigned int room = LL_RESERVED_SPACE(out) + max(growth, 0);
	int err;

	/* Headers that a clone shares are copied, payload never is. */
	err = skb_cow_head(skb, room);

	/* An echo's checksum changes with the family: it has to be there. */
	if (!err && packet->protocol == IPPROTO_ICMP && skb->ip_summed == CHECKSUM_PARTIAL)
		err = skb_checksum_help(skb);
	return err;
}

/* The transport checksum after addresses and ports changed by these differences. With
 * CHECKSUM_PARTIAL the field holds the sum of the pseudo header alone.
 */
static __sum16 update_sum(const struct sk_buff *skb, __sum16 sum, __wsum addrs, __wsum ports)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return ~csum_fold(csum_add(csum_unfold(sum), addrs));

	return csum_fold(csum_add(csum_add(~csum_unfold(sum), addrs), ports));
}

static u16 max_mss(const struct doppel_gateway *gw, const struct doppel_session *session)
{
	u32 tcpip6 = sizeof(struct ipv6hdr) + sizeof(struct tcphdr);
	u32 tcpip4 = sizeof(struct iphdr) + sizeof(struct tcphdr);
	u32 wan = session->wan.family == AF_INET ? tcpip4 : tcpip6;

	return min3(READ_ONCE(gw->lan->mtu) - tcpip4, READ_ONCE(gw->wan->mtu) - wan, (u32)U16_MAX);
}

/* Lowers the MSS of a SYN that offers more. Its options are linear. */
static void clamp_mss(const struct sk_buff *skb, struct tcphdr *th, u16 mss)
{
	u8 *opt = doppel_tcp_option((u8 *)th, TCPOPT_MSS, TCPOLEN_MSS);
	__be16 old, new;

	if (!opt || get_unaligned_be16(opt + 2) <= mss)
		return;

	old = get_unaligned((__be16 *)(opt + 2));
	new = htons(mss);
	put_unaligned(new, (__be16 *)(opt + 2));
	/* Partial sums cover the payload later on. An odd place turns the bytes round. */
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return;
	if ((opt + 2 - (u8 *)th) & 1) {
		old = (__force __be16)swab16((__force u16)old);
		new = (__force __be16)swab16((__force u16)new);
	}
	csum_replace2(&th->check, old, new);
}

/**
 * struct ports - what a packet's transport header is to be
 * @source: network byte order
 * @dest: network byte order
 * @addrs: what the addresses add to its checksum
 * @ports: what the ports add
 */
struct ports {
	__be16 source;
	__be16 dest;
	__wsum addrs;
	__wsum ports;
};

static struct ports ports_in(const struct doppel_session *session)
{
	return (struct ports){
		.source = session->lan.peer_port,
		.dest = session->lan.device_port,
		.addrs = ~session->addr_diff,
		.ports = ~session->port_diff,
	};
}

static struct ports ports_out(const struct doppel_session *session)
{
	return (struct ports){
		.source = session->wan.identity_port,
		.dest = session->wan.peer_port,
		.addrs = session->addr_diff,
		.ports = session->port_diff,
	};
}

static void edit_ports(const struct doppel_gateway *gw, struct sk_buff *skb,
		       const struct doppel_packet *packet, const struct doppel_session *session,
		       struct ports to)
{
	void *header = skb->data + packet->l4;

	if (packet->protocol == IPPROTO_TCP) {
		struct tcphdr *th = header;

		th->source = to.source;
		th->dest = to.dest;
		th->check = update_sum(skb, th->check, to.addrs, to.ports);
		if (packet->syn)
			clamp_mss(skb, th, max_mss(gw, session));
	} else {
		struct udphdr *uh = header;

		uh->source = to.source;
		uh->dest = to.dest;
		/* RFC 768: zero says that there is none. */
		if (!uh->check && skb->ip_summed != CHECKSUM_PARTIAL)
			return;
		uh->check = update_sum(skb, uh->check, to.addrs, to.ports);
		if (!uh->check && skb->ip_summed != CHECKSUM_PARTIAL)
			uh->check = CSUM_MANGLED_0;
	}
}

/* The sum over what of an ICMPv6 echo is not in an ICMP one: the pseudo header (RFC 8200
 * section 8.1).
 */
static __wsum icmpv6_pseudo(const struct doppel_session *session, unsigned int len)
{
	const struct doppel_wan_tuple *wan = &session->wan;

	return ~csum_unfold(csum_ipv6_magic(&wan->identity.ipv6, &wan->peer.ipv6, len,
					    IPPROTO_ICMPV6, 0));
}

struct doppel_echo doppel_echo_on(const struct doppel_session *session, bool lan, bool request,
				  unsigned int len)
{
	if (lan || session->wan.family == AF_INET)
		return (struct doppel_echo){
			.type = request ? ICMP_ECHO : ICMP_ECHOREPLY,
			.id = lan ? session->lan.device_port : session->wan.identity_port,
		};

	return (struct doppel_echo){
		.type = request ? ICMPV6_ECHO_REQUEST : ICMPV6_ECHO_REPLY,
		.id = session->wan.identity_port,
		.pseudo = icmpv6_pseudo(session, len),
	};
}

void doppel_edit_echo(struct icmphdr *icmph, const struct doppel_echo *was,
		      const struct doppel_echo *is)
{
	__wsum diff = csum_sub(is->pseudo, was->pseudo);

	/* The type is the first byte of its word, the code behind it is zero in both. */
	diff = csum_sub(diff, (__force __wsum)htons(was->type << 8));
	diff = csum_add(diff, (__force __wsum)htons(is->type << 8));
	diff = csum_sub(diff, (__force __wsum)was->id);
	diff = csum_add(diff, (__force __wsum)is->id);
	icmph->type = is->type;
	icmph->un.echo.id = is->id;
	icmph->checksum = csum_fold(csum_add(~csum_unfold(icmph->checksum), diff));
}

static void edit_echo(struct sk_buff *skb, const struct doppel_packet *packet,
		      const struct doppel_session *session, bool to_lan)
{
	unsigned int len = packet->len - packet->l4;
	const struct doppel_echo was = doppel_echo_on(session, !to_lan, packet->request, len);
	const struct doppel_echo is = doppel_echo_on(session, to_lan, packet->request, len);

	doppel_edit_echo((struct icmphdr *)(skb->data + packet->l4), &was, &is);
}

static void edit_addresses4(struct iphdr *iph, __be32 saddr, __be32 daddr)
{
	csum_replace4(&iph->check, iph->saddr, saddr);
	csum_replace4(&iph->check, iph->daddr, daddr);
	iph->saddr = saddr;
	iph->daddr = daddr;
	ip_decrease_ttl(iph);
}

static void flip_gso(struct sk_buff *skb, unsigned int from, unsigned int to)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);

	if (!skb_is_gso(skb))
		return;

	if (shinfo->gso_type & from) {
		shinfo->gso_type &= ~from;
		shinfo->gso_type |= to;
	}
	/* The header in front of the segments changed: let the stack look again. gso_size stays:
	 * the segments hold the same bytes.
	 */
	shinfo->gso_type |= SKB_GSO_DODGY;
	shinfo->gso_segs = 0;
}

/* The checksum of a header without options (RFC 791 section 3.1). From the fields: who reads the
 * header in words waits until the bytes that were just written are in the cache.
 */
static __sum16 header_sum(const struct iphdr *iph)
{
	u32 sum = (iph->version << 12 | iph->ihl << 8 | iph->tos) + ntohs(iph->tot_len) +
		  ntohs(iph->id) + ntohs(iph->frag_off) + (iph->ttl << 8 | iph->protocol);
	__wsum addrs = csum_add((__force __wsum)iph->saddr, (__force __wsum)iph->daddr);

	return csum_fold(csum_add(addrs, (__force __wsum)htonl(sum)));
}

static void xlat_6to4(struct sk_buff *skb, const struct doppel_packet *packet,
		      const struct doppel_session *session)
{
	const struct doppel_lan_tuple *lan = &session->lan;
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	u16 len = packet->len - packet->l4 + sizeof(struct iphdr);
	u8 hop_limit = ip6h->hop_limit;
	u8 tos = ipv6_get_dsfield(ip6h);
	struct iphdr *iph;

	flip_gso(skb, SKB_GSO_TCPV6, SKB_GSO_TCPV4);
	skb_pull(skb, packet->l4 - sizeof(*iph));
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);

	/* RFC 7915 sections 5.1 and 5.1.1 */
	iph = (struct iphdr *)skb->data;
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = tos;
	iph->tot_len = htons(len);
	iph->frag_off = 0;
	if (packet->may_cut) {
		iph->id = packet->id;
	} else if (len > DOPPEL_DF_FREE_LEN) {
		iph->id = 0;
		iph->frag_off = htons(IP_DF);
	} else {
		iph->id = (__force __be16)this_cpu_inc_return(next_id);
	}
	iph->ttl = hop_limit - 1;
	iph->protocol = packet->protocol;
	iph->saddr = lan->peer;
	iph->daddr = lan->device;
	iph->check = header_sum(iph);
}

/* IPv6 has no UDP without a checksum: computes the one that IPv4 left out (RFC 7915
 * section 4.5), over addresses and ports as they will be.
 */
static void fill_udp_sum(struct sk_buff *skb, const struct doppel_packet *packet,
			 const struct doppel_session *session)
{
	const struct doppel_wan_tuple *wan = &session->wan;
	struct udphdr *uh = (struct udphdr *)(skb->data + packet->l4);
	unsigned int len = ntohs(uh->len);

	uh->check = csum_ipv6_magic(&wan->identity.ipv6, &wan->peer.ipv6, len, IPPROTO_UDP,
				    skb_checksum(skb, packet->l4, len, 0));
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
}

static void xlat_4to6(struct sk_buff *skb, const struct doppel_packet *packet,
		      const struct doppel_session *session)
{
	const struct doppel_wan_tuple *wan = &session->wan;
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	unsigned int payload_len = packet->len - packet->l4;
	struct ipv6hdr *ip6h;
	u8 tos = iph->tos;
	u8 ttl = iph->ttl;

	flip_gso(skb, SKB_GSO_TCPV4, SKB_GSO_TCPV6);
	/* IPv6 has no identification that could be fixed. */
	if (skb_is_gso(skb))
		skb_shinfo(skb)->gso_type &= ~SKB_GSO_TCP_FIXEDID;

	/* The options of IPv4 are ignored (RFC 7915 section 4.1). */
	skb_pull(skb, packet->l4);
	skb_push(skb, sizeof(*ip6h));
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IPV6);

	ip6h = (struct ipv6hdr *)skb->data;
	ip6_flow_hdr(ip6h, tos, 0);
	ip6h->payload_len = htons(payload_len);
	ip6h->nexthdr = packet->protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 : packet->protocol;
	ip6h->hop_limit = ttl - 1;
	ip6h->saddr = wan->identity.ipv6;
	ip6h->daddr = wan->peer.ipv6;
}

void doppel_xlat_in(const struct doppel_gateway *gw, struct sk_buff *skb,
		    const struct doppel_packet *packet, const struct doppel_session *session)
{
	if (packet->protocol == IPPROTO_ICMP)
		edit_echo(skb, packet, session, true);
	else
		edit_ports(gw, skb, packet, session, ports_in(session));

	if (session->wan.family == AF_INET)
		edit_addresses4((struct iphdr *)skb->data, session->lan.peer, session->lan.device);
	else
		xlat_6to4(skb, packet, session);
	skb_forward_csum(skb);
}

void doppel_xlat_out(const struct doppel_gateway *gw, struct sk_buff *skb,
		     const struct doppel_packet *packet, const struct doppel_session *session)
{
	bool ipv6 = session->wan.family == AF_INET6;
	bool no_sum = ipv6 && packet->protocol == IPPROTO_UDP &&
		      skb->ip_summed != CHECKSUM_PARTIAL && !udp_hdr(skb)->check;

	if (packet->protocol == IPPROTO_ICMP)
		edit_echo(skb, packet, session, false);
	else
		edit_ports(gw, skb, packet, session, ports_out(session));
	if (no_sum)
		fill_udp_sum(skb, packet, session);

	if (ipv6)
		xlat_4to6(skb, packet, session);
	else
		edit_addresses4((struct iphdr *)skb->data, session->wan.identity.ipv4,
				session->wan.peer.ipv4);
	skb_forward_csum(skb);
}
