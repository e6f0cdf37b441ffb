// SPDX-License-Identifier: GPL-2.0-only
#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ratelimit.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "icmp.h"
#include "xmit.h"

/* RFC 1812 section 4.3.2.3: as much of the packet as leaves the error within 576 bytes. */
#define ERROR4_MAX 576
#define ERROR_TTL 64

/* For all gateways together: what a flood can make this box send. */
static DEFINE_RATELIMIT_STATE(rate, HZ, 1000);

static bool may_send(void)
{
	ratelimit_set_flags(&rate, RATELIMIT_MSG_ON_RELEASE);
	return __ratelimit(&rate);
}

/* Room for an error of @headers bytes with up to @max bytes of the packet behind them. */
static struct sk_buff *alloc_error(const struct net_device *out, const struct sk_buff *about,
				   unsigned int headers, unsigned int max)
{
	unsigned int quoted = min(about->len, max - headers);
	struct sk_buff *skb;

	skb = alloc_skb(LL_RESERVED_SPACE(out) + headers + quoted, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;

	skb_reserve(skb, LL_RESERVED_SPACE(out));
	skb_reset_network_header(skb);
	skb_put_zero(skb, headers);
	if (skb_copy_bits(about, 0, skb_put(skb, quoted), quoted)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

static struct sk_buff *make_error4(const struct net_device *out, const struct sk_buff *about,
				   __be32 saddr, __be32 daddr, u8 type, u8 code, u32 info)
{
	struct icmphdr *icmph;
	struct sk_buff *skb;
	struct iphdr *iph;

	skb = alloc_error(out, about, sizeof(*iph) + sizeof(*icmph), ERROR4_MAX);
	if (!skb)
		return NULL;

	skb->protocol = htons(ETH_P_IP);
	iph = (struct iphdr *)skb->data;
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = IPTOS_PREC_INTERNETCONTROL;
	iph->tot_len = htons(skb->len);
	iph->id = (__force __be16)get_random_u16();
	iph->ttl = ERROR_TTL;
	iph->protocol = IPPROTO_ICMP;
	iph->saddr = saddr;
	iph->daddr = daddr;
	iph->check = ip_fast_csum(iph, iph->ihl);

	icmph = (struct icmphdr *)(iph + 1);
	icmph->type = type;
	icmph->code = code;
	icmph->un.gateway = htonl(info);
	icmph->checksum = ip_compute_csum(icmph, skb->len - sizeof(*iph));
	return skb;
}

static struct sk_buff *make_error6(const struct net_device *out, const struct sk_buff *about,
				   const struct in6_addr *saddr, const struct in6_addr *daddr,
				   u8 type, u8 code, u32 info)
{
	struct icmp6hdr *icmph;
	struct ipv6hdr *ip6h;
	struct sk_buff *skb;
	unsigned int len;

	skb = alloc_error(out, about, sizeof(*ip6h) + sizeof(*icmph), IPV6_MIN_MTU);
	if (!skb)
		return NULL;

	skb->protocol = htons(ETH_P_IPV6);
	len = skb->len - sizeof(*ip6h);
	ip6h = (struct ipv6hdr *)skb->data;
	ip6_flow_hdr(ip6h, 0, 0);
	ip6h->payload_len = htons(len);
	ip6h->nexthdr = IPPROTO_ICMPV6;
	ip6h->hop_limit = ERROR_TTL;
	ip6h->saddr = *saddr;
	ip6h->daddr = *daddr;

	icmph = (struct icmp6hdr *)(ip6h + 1);
	icmph->icmp6_type = type;
	icmph->icmp6_code = code;
	icmph->icmp6_dataun.un_data32[0] = htonl(info);
	icmph->icmp6_cksum = csum_ipv6_magic(saddr, daddr, len, IPPROTO_ICMPV6,
					     csum_partial(icmph, len, 0));
	return skb;
}

static void send_back(struct net_device *out, const struct sk_buff *about, const u8 *source,
		      struct sk_buff *skb)
{
	const u8 *dest = eth_hdr(about)->h_source;

	if (dev_hard_header(skb, out, ntohs(skb->protocol), dest, source, skb->len) < 0)
		kfree_skb(skb);
	else
		doppel_xmit_frame(out, skb);
}

void doppel_icmp_to_device(struct doppel_gateway *gw, const struct doppel_device *device,
			   const struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	struct sk_buff *error;

	if (!may_send())
		return;

	error = make_error4(gw->lan, skb, READ_ONCE(gw->lan_ipv4),
			    ((const struct iphdr *)skb->data)->saddr, type, code, info);
	if (error)
		doppel_xmit_lan(gw, device, error);
}

void doppel_icmp4_to_wan(struct doppel_gateway *gw, const struct doppel_device *device,
			 const struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct sk_buff *error;

	if (!may_send())
		return;

	error = make_error4(gw->wan, skb, iph->daddr, iph->saddr, type, code, info);
	if (error)
		send_back(gw->wan, skb, device->mac, error);
}

void doppel_icmp6_to_wan(struct doppel_gateway *gw, const struct doppel_device *device,
			 const struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	struct sk_buff *error;

	if (!may_send())
		return;

	error = make_error6(gw->wan, skb, &ip6h->daddr, &ip6h->saddr, type, code, info);
	if (error)
		send_back(gw->wan, skb, device->mac, error);
}
