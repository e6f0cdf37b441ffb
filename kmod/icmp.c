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
#include "stats.h"
#include "xmit.h"

#define ERROR_TTL 64

/* For all gateways together: what a flood can make this box send, a second. */
static DEFINE_RATELIMIT_STATE(rate, HZ, 1000);

/* About one device: so that a flood to it leaves the others' path MTU discovery alone. */
#define DEVICE_RATE 50

static bool may_send(struct doppel_gateway *gw, struct doppel_device *device)
{
	u32 second = jiffies / HZ;

	/* Two CPUs may send one more between them. */
	if (READ_ONCE(device->icmp_second) != second) {
		WRITE_ONCE(device->icmp_second, second);
		WRITE_ONCE(device->icmp_sent, 0);
	}
	if (READ_ONCE(device->icmp_sent) >= DEVICE_RATE)
		return false;
	WRITE_ONCE(device->icmp_sent, device->icmp_sent + 1);

	ratelimit_set_flags(&rate, RATELIMIT_MSG_ON_RELEASE);
	if (!__ratelimit(&rate))
		return false;
	doppel_count_total(gw, DOPPEL_TOTAL_ICMP_SENT);
	return true;
}

/* What came from another identity came by no wire. */
static bool may_send_back(struct doppel_gateway *gw, struct doppel_device *device,
			  const struct sk_buff *about)
{
	return !doppel_device_by_mac(gw, eth_hdr(about)->h_source) && may_send(gw, device);
}

struct sk_buff *doppel_icmp_alloc(const struct net_device *out, bool ipv4, unsigned int quoted)
{
	unsigned int headers = ipv4 ? sizeof(struct iphdr) + sizeof(struct icmphdr) :
				      sizeof(struct ipv6hdr) + sizeof(struct icmp6hdr);
	struct sk_buff *skb;

	skb = alloc_skb(LL_RESERVED_SPACE(out) + headers + quoted, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;

	skb_reserve(skb, LL_RESERVED_SPACE(out));
	skb_reset_network_header(skb);
	skb_put_zero(skb, headers);
	skb->protocol = htons(ipv4 ? ETH_P_IP : ETH_P_IPV6);
	return skb;
}

void doppel_icmp4_finish(struct sk_buff *skb, const struct doppel_icmp *icmp, __be32 saddr,
			 __be32 daddr)
{
	struct iphdr *iph = (struct iphdr *)skb->data;
	struct icmphdr *icmph = (struct icmphdr *)(iph + 1);

	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = icmp->tos;
	iph->tot_len = htons(skb->len);
	iph->id = (__force __be16)get_random_u16();
	iph->ttl = icmp->ttl;
	iph->protocol = IPPROTO_ICMP;
	iph->saddr = saddr;
	iph->daddr = daddr;
	iph->check = ip_fast_csum(iph, iph->ihl);

	icmph->type = icmp->type;
	icmph->code = icmp->code;
	icmph->un.gateway = htonl(icmp->info);
	icmph->checksum = ip_compute_csum(icmph, skb->len - sizeof(*iph));
}

void doppel_icmp6_finish(struct sk_buff *skb, const struct doppel_icmp *icmp,
			 const struct in6_addr *saddr, const struct in6_addr *daddr)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)skb->data;
	struct icmp6hdr *icmph = (struct icmp6hdr *)(ip6h + 1);
	unsigned int len = skb->len - sizeof(*ip6h);

	ip6_flow_hdr(ip6h, icmp->tos, 0);
	ip6h->payload_len = htons(len);
	ip6h->nexthdr = IPPROTO_ICMPV6;
	ip6h->hop_limit = icmp->ttl;
	ip6h->saddr = *saddr;
	ip6h->daddr = *daddr;

	icmph->icmp6_type = icmp->type;
	icmph->icmp6_code = icmp->code;
	icmph->icmp6_dataun.un_data32[0] = htonl(icmp->info);
	icmph->icmp6_cksum = csum_ipv6_magic(saddr, daddr, len, IPPROTO_ICMPV6,
					     csum_partial(icmph, len, 0));
}

/* With as much of the packet behind it as leaves the error within @max bytes. */
static struct sk_buff *alloc_about(const struct net_device *out, bool ipv4,
				   const struct sk_buff *about, unsigned int max)
{
	unsigned int headers = ipv4 ? sizeof(struct iphdr) + sizeof(struct icmphdr) :
				      sizeof(struct ipv6hdr) + sizeof(struct icmp6hdr);
	unsigned int quoted = min(about->len, max - headers);
	struct sk_buff *skb = doppel_icmp_alloc(out, ipv4, quoted);

	if (skb && skb_copy_bits(about, 0, skb_put(skb, quoted), quoted)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

static struct sk_buff *make_error4(const struct net_device *out, const struct sk_buff *about,
				   __be32 saddr, __be32 daddr, u8 type, u8 code, u32 info)
{
	const struct doppel_icmp icmp = {
		.type = type,
		.code = code,
		.info = info,
		.tos = IPTOS_PREC_INTERNETCONTROL,
		.ttl = ERROR_TTL,
	};
	struct sk_buff *skb = alloc_about(out, true, about, DOPPEL_ICMP4_MAX);

	if (skb)
		doppel_icmp4_finish(skb, &icmp, saddr, daddr);
	return skb;
}

static struct sk_buff *make_error6(const struct net_device *out, const struct sk_buff *about,
				   const struct in6_addr *saddr, const struct in6_addr *daddr,
				   u8 type, u8 code, u32 info)
{
	const struct doppel_icmp icmp = {
		.type = type,
		.code = code,
		.info = info,
		.ttl = ERROR_TTL,
	};
	struct sk_buff *skb = alloc_about(out, false, about, IPV6_MIN_MTU);

	if (skb)
		doppel_icmp6_finish(skb, &icmp, saddr, daddr);
	return skb;
}

static void send_back(struct net_device *out, const struct sk_buff *about, const u8 *source,
		      struct sk_buff *skb)
{
	doppel_xmit_push_header(skb, eth_hdr(about)->h_source, source);
	doppel_xmit_frame(out, skb);
}

void doppel_icmp_to_device(struct doppel_gateway *gw, struct doppel_device *device,
			   const struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	struct sk_buff *error;

	if (!may_send(gw, device))
		return;

	error = make_error4(gw->lan, skb, READ_ONCE(gw->lan_ipv4),
			    ((const struct iphdr *)skb->data)->saddr, type, code, info);
	if (error)
		doppel_xmit_lan(gw, device, error);
}

void doppel_icmp4_to_wan(struct doppel_gateway *gw, struct doppel_device *device,
			 const struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct sk_buff *error;

	if (!may_send_back(gw, device, skb))
		return;

	error = make_error4(gw->wan, skb, iph->daddr, iph->saddr, type, code, info);
	if (error)
		send_back(gw->wan, skb, device->mac, error);
}

void doppel_icmp6_to_wan(struct doppel_gateway *gw, struct doppel_device *device,
			 const struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	struct sk_buff *error;

	if (!may_send_back(gw, device, skb))
		return;

	error = make_error6(gw->wan, skb, &ip6h->daddr, &ip6h->saddr, type, code, info);
	if (error)
		send_back(gw->wan, skb, device->mac, error);
}
