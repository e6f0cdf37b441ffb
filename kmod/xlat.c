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

/* RFC 7915 section 5.1: an IPv4 packet up to this long may be cut on its way. */
#define DF_FREE_LEN 1260

int doppel_growth(const struct doppel_session *session, const struct doppel_packet *packet,
		  bool from_device)
{
	if (session->translation == DOPPEL_TRANSLATION_4TO4)
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

u16 doppel_max_mss(const struct doppel_gateway *gw, const struct doppel_session *session)
{
	u32 tcpip6 = sizeof(struct ipv6hdr) + sizeof(struct tcphdr);
	u32 tcpip4 = sizeof(struct iphdr) + sizeof(struct tcphdr);
	u32 wan = session->translation == DOPPEL_TRANSLATION_6TO4 ? tcpip6 : tcpip4;

	return min3(READ_ONCE(gw->lan->mtu) - tcpip4, READ_ONCE(gw->wan->mtu) - wan, (u32)U16_MAX);
}

/* Lowers the MSS of a SYN that offers more. Its options are linear. */
static void clamp_mss(const struct sk_buff *skb, struct tcphdr *th, u16 mss)
{
	u8 *opt = (u8 *)(th + 1);
	u8 *end = (u8 *)th + th->doff * 4;

	while (opt < end && *opt != TCPOPT_EOL) {
		__be16 old, new;

		if (*opt == TCPOPT_NOP) {
			opt++;
			continue;
		}
		if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
			return;
		if (*opt != TCPOPT_MSS || opt[1] != TCPOLEN_MSS) {
			opt += opt[1];
			continue;
		}

		if (get_unaligned_be16(opt + 2) <= mss)
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
		return;
	}
}

/* Ports and checksum of the transport header at skb->data + @l4. */
static void edit_ports(struct sk_buff *skb, const struct doppel_packet *packet,
		       unsigned int l4, __be16 source, __be16 dest, __wsum addrs, __wsum ports,
		       u16 mss)
{
	void *header = skb->data + l4;

	if (packet->protocol == IPPROTO_TCP) {
		struct tcphdr *th = header;

		th->source = source;
		th->dest = dest;
		th->check = update_sum(skb, th->check, addrs, ports);
		if (packet->syn)
			clamp_mss(skb, th, mss);
	} else {
		struct udphdr *uh = header;

		uh->source = source;
		uh->dest = dest;
		/* RFC 768: zero says that there is none. */
		if (!uh->check && skb->ip_summed != CHECKSUM_PARTIAL)
			return;
		uh->check = update_sum(skb, uh->check, addrs, ports);
		if (!uh->check && skb->ip_summed != CHECKSUM_PARTIAL)
			uh->check = CSUM_MANGLED_0;
	}
}

static void edit_addresses4(struct iphdr *iph, __be32 saddr, __be32 daddr)
{
	csum_replace4(&iph->check, iph->saddr, saddr);
	csum_replace4(&iph->check, iph->daddr, daddr);
	iph->saddr = saddr;
	iph->daddr = daddr;
	ip_decrease_ttl(iph);
}

void doppel_xlat_4to4_in(struct sk_buff *skb, const struct doppel_packet *packet,
			 const struct doppel_session *session, u16 mss)
{
	const struct doppel_lan_tuple *lan = &session->lan;

	edit_addresses4((struct iphdr *)skb->data, lan->peer, lan->device);
	if (packet->protocol != IPPROTO_ICMP)
		edit_ports(skb, packet, packet->l4, lan->peer_port, lan->device_port,
			   ~session->addr_diff, ~session->port_diff, mss);
	skb_forward_csum(skb);
}

void doppel_xlat_4to4_out(struct sk_buff *skb, const struct doppel_packet *packet,
			  const struct doppel_session *session, u16 mss)
{
	const struct doppel_wan_tuple *wan = &session->wan;

	edit_addresses4((struct iphdr *)skb->data, wan->identity.ipv4, wan->peer.ipv4);
	if (packet->protocol != IPPROTO_ICMP)
		edit_ports(skb, packet, packet->l4, wan->identity_port, wan->peer_port,
			   session->addr_diff, session->port_diff, mss);
	skb_forward_csum(skb);
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

/* Type, identifier and checksum of an echo; @pseudo comes in or goes out with the family. */
static void edit_echo(struct sk_buff *skb, unsigned int l4, u8 type, __be16 id, __wsum pseudo)
{
	struct icmphdr *icmph = (struct icmphdr *)(skb->data + l4);
	__wsum diff = pseudo;

	/* The type is the first byte of its word, the code behind it is zero in both. */
	diff = csum_sub(diff, (__force __wsum)htons(icmph->type << 8));
	diff = csum_add(diff, (__force __wsum)htons(type << 8));
	diff = csum_sub(diff, (__force __wsum)icmph->un.echo.id);
	diff = csum_add(diff, (__force __wsum)id);
	icmph->type = type;
	icmph->un.echo.id = id;
	icmph->checksum = csum_fold(csum_add(~csum_unfold(icmph->checksum), diff));
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

void doppel_xlat_6to4(struct sk_buff *skb, const struct doppel_packet *packet,
		      const struct doppel_session *session, u16 mss)
{
	const struct doppel_lan_tuple *lan = &session->lan;
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	u16 len = packet->len - packet->l4 + sizeof(struct iphdr);
	u8 hop_limit = ip6h->hop_limit;
	u8 tos = ipv6_get_dsfield(ip6h);
	struct iphdr *iph;

	if (packet->protocol == IPPROTO_ICMP)
		edit_echo(skb, packet->l4, packet->request ? ICMP_ECHO : ICMP_ECHOREPLY,
			  lan->device_port, ~icmpv6_pseudo(session, packet->len - packet->l4));
	else
		edit_ports(skb, packet, packet->l4, lan->peer_port, lan->device_port,
			   ~session->addr_diff, ~session->port_diff, mss);

	flip_gso(skb, SKB_GSO_TCPV6, SKB_GSO_TCPV4);
	skb_forward_csum(skb);

	skb_pull(skb, packet->l4 - sizeof(*iph));
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);

	/* RFC 7915 section 5.1 */
	iph = (struct iphdr *)skb->data;
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = tos;
	iph->tot_len = htons(len);
	if (len > DF_FREE_LEN) {
		iph->id = 0;
		iph->frag_off = htons(IP_DF);
	} else {
		iph->id = (__force __be16)get_random_u16();
		iph->frag_off = 0;
	}
	iph->ttl = hop_limit - 1;
	iph->protocol = packet->protocol;
	iph->saddr = lan->peer;
	iph->daddr = lan->device;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
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

void doppel_xlat_4to6(struct sk_buff *skb, const struct doppel_packet *packet,
		      const struct doppel_session *session, u16 mss)
{
	const struct doppel_wan_tuple *wan = &session->wan;
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	unsigned int payload_len = packet->len - packet->l4;
	struct ipv6hdr *ip6h;
	u8 tos = iph->tos;
	u8 ttl = iph->ttl;

	if (packet->protocol == IPPROTO_ICMP) {
		edit_echo(skb, packet->l4,
			  packet->request ? ICMPV6_ECHO_REQUEST : ICMPV6_ECHO_REPLY,
			  wan->identity_port, icmpv6_pseudo(session, payload_len));
	} else {
		bool sum = packet->protocol == IPPROTO_UDP &&
			   skb->ip_summed != CHECKSUM_PARTIAL && !udp_hdr(skb)->check;

		edit_ports(skb, packet, packet->l4, wan->identity_port, wan->peer_port,
			   session->addr_diff, session->port_diff, mss);
		if (sum)
			fill_udp_sum(skb, packet, session);
	}

	flip_gso(skb, SKB_GSO_TCPV4, SKB_GSO_TCPV6);
	skb_forward_csum(skb);

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
