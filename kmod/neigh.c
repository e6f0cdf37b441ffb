// SPDX-License-Identifier: GPL-2.0-only
#include <linux/etherdevice.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/ipv6.h>
#include <net/addrconf.h>
#include <net/arp.h>
#include <net/ip6_checksum.h>
#include <net/ndisc.h>

#include "neigh.h"
#include "netlink.h"
#include "stats.h"
#include "xmit.h"

/* RFC 5227 section 2.4 (c): DEFEND_INTERVAL */
#define DEFEND_INTERVAL (10 * HZ)

#define ND_HOP_LIMIT 255
#define ND_OPT_LLADDR_LEN 8

/* The body of an ARP packet for IPv4 over Ethernet (RFC 826). */
struct arp_body {
	struct arphdr header;
	u8 sha[ETH_ALEN];
	__be32 sip;
	u8 tha[ETH_ALEN];
	__be32 tip;
} __packed;

static bool is_arp(const struct arp_body *arp)
{
	return arp->header.ar_hrd == htons(ARPHRD_ETHER) &&
	       arp->header.ar_pro == htons(ETH_P_IP) &&
	       arp->header.ar_hln == ETH_ALEN && arp->header.ar_pln == sizeof(__be32);
}

static void send_arp(struct doppel_gateway *gw, int op, const struct doppel_device *device,
		     __be32 sip, __be32 tip, const u8 *dest, const u8 *tha)
{
	struct sk_buff *skb;

	skb = arp_create(op, ETH_P_ARP, tip, gw->wan, sip, dest, device->mac, tha);
	if (skb)
		doppel_xmit_frame(gw->wan, skb);
}

/* Whether it is time to defend an address again. */
static bool may_defend(struct doppel_device *device)
{
	unsigned long last = READ_ONCE(device->conflict_told);

	if (last && time_before(jiffies, last + DEFEND_INTERVAL))
		return false;
	return cmpxchg(&device->conflict_told, last, jiffies | 1) == last;
}

/* Somebody else says that the address is theirs. */
static void defend4(struct doppel_gateway *gw, const struct doppel_identity *identity,
		    const u8 *other)
{
	struct doppel_device *device = identity->device;

	if (!may_defend(device))
		return;

	doppel_notify_conflict4(gw, DOPPEL_PORT_WAN, device, identity->wan_ipv4, other);
	send_arp(gw, ARPOP_REQUEST, device, identity->wan_ipv4, identity->wan_ipv4, NULL, NULL);
}

unsigned int doppel_arp_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	struct doppel_identity *identity;
	struct doppel_device *device;
	const struct arp_body *arp;

	if (!pskb_may_pull(skb, sizeof(*arp)))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_WAN_MALFORMED);
	arp = (const struct arp_body *)skb->data;
	if (!is_arp(arp) || !is_valid_ether_addr(arp->sha))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_WAN_MALFORMED);

	identity = arp->sip ? doppel_identity_by_wan4(gw, arp->sip) : NULL;
	if (identity) {
		/* What the agent announced may come back to it. */
		if (!ether_addr_equal(arp->sha, identity->device->mac))
			defend4(gw, identity, arp->sha);
		return doppel_drop(gw, identity->device, skb, DOPPEL_DROP_REASON_NEIGHBOUR);
	}

	if (arp->header.ar_op == htons(ARPOP_REQUEST)) {
		identity = doppel_identity_by_wan4(gw, arp->tip);
		if (identity) {
			send_arp(gw, ARPOP_REPLY, identity->device, arp->tip, arp->sip, arp->sha,
				 arp->sha);
			return doppel_drop(gw, identity->device, skb, DOPPEL_DROP_REASON_NEIGHBOUR);
		}
	}

	if (skb->pkt_type != PACKET_OTHERHOST)
		return NF_ACCEPT;

	/* An answer to what was asked in a device's name is for the box's own table. */
	device = doppel_device_by_mac(gw, eth_hdr(skb)->h_dest);
	if (!device)
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_WAN_FOREIGN);
	skb->pkt_type = PACKET_HOST;
	return NF_ACCEPT;
}

/* Any identity that the target is a neighbour of: switches that inspect ARP look for the pair
 * of MAC and address. Questions are rare, so a walk over the devices is good enough.
 */
static const struct doppel_identity *speaker4(struct doppel_gateway *gw, __be32 target)
{
	struct doppel_device *device;

	list_for_each_entry_rcu(device, &gw->devices, list) {
		const struct doppel_identity *identity = rcu_dereference(device->identity);

		if (!identity->wan_ipv4)
			continue;
		if (identity->wan_router == target ||
		    !((identity->wan_ipv4 ^ target) & identity->wan_mask))
			return identity;
	}
	return NULL;
}

unsigned int doppel_arp_out(struct doppel_gateway *gw, struct sk_buff *skb)
{
	const struct doppel_identity *speaker;
	struct arp_body *arp;
	struct ethhdr *eth;

	if (skb_ensure_writable(skb, ETH_HLEN + sizeof(*arp)))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);

	eth = (struct ethhdr *)skb->data;
	arp = (struct arp_body *)(eth + 1);
	if (!is_arp(arp) || arp->header.ar_op != htons(ARPOP_REQUEST))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);

	speaker = speaker4(gw, arp->tip);
	if (!speaker)
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);

	ether_addr_copy(eth->h_source, speaker->device->mac);
	ether_addr_copy(arp->sha, speaker->device->mac);
	arp->sip = speaker->wan_ipv4;
	return NF_ACCEPT;
}

bool doppel_is_nd(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	const struct icmp6hdr *icmph = (const struct icmp6hdr *)(ip6h + 1);

	if (skb_headlen(skb) < sizeof(*ip6h) + sizeof(*icmph) || ip6h->nexthdr != IPPROTO_ICMPV6)
		return false;
	return icmph->icmp6_type >= NDISC_ROUTER_SOLICITATION &&
	       icmph->icmp6_type <= NDISC_REDIRECT;
}

/* Checks what RFC 4861 sections 7.1.1 and 7.1.2 want of a solicitation or advertisement, and
 * finds the link-layer address option of type @option (NULL if there is none). Linear as far as
 * it is looked at. NULL if the message is not sound.
 */
static struct nd_msg *check_nd(struct sk_buff *skb, u8 option, const u8 **lladdr)
{
	const struct ipv6hdr *ip6h;
	unsigned int len, offset;
	struct nd_msg *msg;

	*lladdr = NULL;
	ip6h = (const struct ipv6hdr *)skb->data;
	len = ntohs(ip6h->payload_len);
	if (len < sizeof(*msg) || len > skb->len - sizeof(*ip6h) ||
	    ip6h->hop_limit != ND_HOP_LIMIT || !pskb_may_pull(skb, sizeof(*ip6h) + len))
		return NULL;

	ip6h = (const struct ipv6hdr *)skb->data;
	msg = (struct nd_msg *)(ip6h + 1);
	if (msg->icmph.icmp6_code || ipv6_addr_is_multicast(&msg->target))
		return NULL;
	if (skb->ip_summed != CHECKSUM_PARTIAL &&
	    csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_ICMPV6,
			    csum_partial(msg, len, 0)))
		return NULL;

	for (offset = sizeof(*msg); offset < len;) {
		const u8 *opt = (const u8 *)msg + offset;

		if (len - offset < ND_OPT_LLADDR_LEN || !opt[1] || opt[1] * 8 > len - offset)
			return NULL;
		if (opt[0] == option && opt[1] * 8 == ND_OPT_LLADDR_LEN &&
		    is_valid_ether_addr(opt + 2))
			*lladdr = opt + 2;
		offset += opt[1] * 8;
	}
	return msg;
}

/* An advertisement of the address (RFC 4861 section 4.4), solicited if it answers somebody. */
static void send_na(struct doppel_gateway *gw, const struct doppel_address *address,
		    const struct in6_addr *to, const u8 *dest)
{
	unsigned int len = sizeof(struct nd_msg) + ND_OPT_LLADDR_LEN;
	const struct doppel_device *device = address->device;
	struct ipv6hdr *ip6h;
	struct sk_buff *skb;
	struct nd_msg *msg;

	skb = alloc_skb(LL_RESERVED_SPACE(gw->wan) + sizeof(*ip6h) + len,
			GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return;

	skb_reserve(skb, LL_RESERVED_SPACE(gw->wan));
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IPV6);
	ip6h = skb_put_zero(skb, sizeof(*ip6h) + len);
	ip6_flow_hdr(ip6h, 0, 0);
	ip6h->payload_len = htons(len);
	ip6h->nexthdr = IPPROTO_ICMPV6;
	ip6h->hop_limit = ND_HOP_LIMIT;
	ip6h->saddr = address->addr;
	ip6h->daddr = *to;

	msg = (struct nd_msg *)(ip6h + 1);
	msg->icmph.icmp6_type = NDISC_NEIGHBOUR_ADVERTISEMENT;
	msg->icmph.icmp6_solicited = !ipv6_addr_is_multicast(to);
	msg->icmph.icmp6_override = 1;
	msg->target = address->addr;
	msg->opt[0] = ND_OPT_TARGET_LL_ADDR;
	msg->opt[1] = ND_OPT_LLADDR_LEN / 8;
	ether_addr_copy(msg->opt + 2, device->mac);
	msg->icmph.icmp6_cksum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_ICMPV6,
						 csum_partial(msg, len, 0));

	doppel_xmit_push_header(skb, dest, device->mac);
	doppel_xmit_frame(gw->wan, skb);
}

static void send_na_to_all(struct doppel_gateway *gw, const struct doppel_address *address)
{
	struct in6_addr all_nodes;
	u8 dest[ETH_ALEN];

	ipv6_addr_set(&all_nodes, htonl(0xff020000), 0, 0, htonl(1));
	ipv6_eth_mc_map(&all_nodes, dest);
	send_na(gw, address, &all_nodes, dest);
}

static unsigned int ns_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	struct doppel_address *address;
	const struct ipv6hdr *ip6h;
	const struct nd_msg *msg;
	const u8 *lladdr;

	msg = check_nd(skb, ND_OPT_SOURCE_LL_ADDR, &lladdr);
	if (!msg)
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_WAN_MALFORMED);

	address = doppel_address_by_wan6(gw, &msg->target);
	if (!address)
		return NF_ACCEPT;

	ip6h = (const struct ipv6hdr *)skb->data;
	if (ether_addr_equal(eth_hdr(skb)->h_source, address->device->mac))
		return doppel_drop(gw, address->device, skb, DOPPEL_DROP_REASON_NEIGHBOUR);
	if (ipv6_addr_any(&ip6h->saddr)) {
		/* Somebody is about to take the address. */
		if (may_defend(address->device))
			doppel_notify_conflict6(gw, address->device, &address->addr,
						eth_hdr(skb)->h_source);
		send_na_to_all(gw, address);
	} else if (!ipv6_addr_is_multicast(&ip6h->saddr)) {
		send_na(gw, address, &ip6h->saddr, lladdr ? lladdr : eth_hdr(skb)->h_source);
	}
	return doppel_drop(gw, address->device, skb, DOPPEL_DROP_REASON_NEIGHBOUR);
}

static bool link_local_of(const struct net_device *dev, struct in6_addr *addr)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifp;

	if (!idev)
		return false;
	list_for_each_entry_rcu(ifp, &idev->addr_list, if_list) {
		if (ifp->scope == IFA_LINK) {
			*addr = ifp->addr;
			return true;
		}
	}
	return false;
}

/* The box asked in the name of the identity: the answer goes on to the box's own link-local
 * address, or its stack would not take it.
 */
static unsigned int hand_na_to_box(struct doppel_gateway *gw, struct sk_buff *skb)
{
	struct in6_addr own;
	struct ipv6hdr *ip6h;
	struct nd_msg *msg;

	if (!link_local_of(gw->wan, &own) ||
	    skb_ensure_writable(skb, sizeof(*ip6h) + sizeof(*msg)))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_NEIGHBOUR);

	ip6h = (struct ipv6hdr *)skb->data;
	msg = (struct nd_msg *)(ip6h + 1);
	inet_proto_csum_replace16(&msg->icmph.icmp6_cksum, skb, ip6h->daddr.s6_addr32,
				  own.s6_addr32, true);
	ip6h->daddr = own;
	skb->pkt_type = PACKET_HOST;
	return NF_ACCEPT;
}

static unsigned int na_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	struct doppel_address *address;
	const struct ipv6hdr *ip6h;
	const struct nd_msg *msg;
	const u8 *lladdr;

	msg = check_nd(skb, ND_OPT_TARGET_LL_ADDR, &lladdr);
	if (!msg)
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_WAN_MALFORMED);

	address = doppel_address_by_wan6(gw, &msg->target);
	if (address) {
		if (lladdr && !ether_addr_equal(lladdr, address->device->mac) &&
		    may_defend(address->device)) {
			doppel_notify_conflict6(gw, address->device, &address->addr, lladdr);
			send_na_to_all(gw, address);
		}
		return doppel_drop(gw, address->device, skb, DOPPEL_DROP_REASON_NEIGHBOUR);
	}

	ip6h = (const struct ipv6hdr *)skb->data;
	if (doppel_address_by_wan6(gw, &ip6h->daddr))
		return hand_na_to_box(gw, skb);
	return skb->pkt_type == PACKET_OTHERHOST ?
		doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_WAN_FOREIGN) : NF_ACCEPT;
}

unsigned int doppel_nd_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	const struct icmp6hdr *icmph = (const struct icmp6hdr *)(ip6h + 1);
	struct doppel_address *address;

	switch (icmph->icmp6_type) {
	case NDISC_NEIGHBOUR_SOLICITATION:
		return ns_in(gw, skb);
	case NDISC_NEIGHBOUR_ADVERTISEMENT:
		return na_in(gw, skb);
	default:
		/* Router advertisements and redirects for identities are the agent's to read, and
		 * it has. Where only devices may show, the box takes no address from them.
		 */
		address = doppel_address_by_wan6(gw, &ip6h->daddr);
		if (address || READ_ONCE(gw->identity) == DOPPEL_IDENTITY_MODE_DEVICES_ONLY)
			return doppel_drop(gw, address ? address->device : NULL, skb,
					   DOPPEL_DROP_REASON_NEGOTIATION);
		return NF_ACCEPT;
	}
}

/* The first identity that has a link-local address. */
static const struct doppel_identity *speaker6(struct doppel_gateway *gw)
{
	struct doppel_device *device;

	list_for_each_entry_rcu(device, &gw->devices, list) {
		const struct doppel_identity *identity = rcu_dereference(device->identity);

		if (!ipv6_addr_any(&identity->link_local.addr))
			return identity;
	}
	return NULL;
}

unsigned int doppel_nd_out(struct doppel_gateway *gw, struct sk_buff *skb)
{
	unsigned int len = ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct nd_msg) +
			   ND_OPT_LLADDR_LEN;
	const struct doppel_identity *speaker;
	struct ipv6hdr *ip6h;
	struct ethhdr *eth;
	struct nd_msg *msg;

	/* A solicitation of the kernel's own has the source address option and no other, in
	 * which the port's MAC could leave.
	 */
	if (skb->len < len || skb_ensure_writable(skb, skb->len))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);

	eth = (struct ethhdr *)skb->data;
	ip6h = (struct ipv6hdr *)(eth + 1);
	msg = (struct nd_msg *)(ip6h + 1);
	len = skb->len - ETH_HLEN - sizeof(*ip6h);
	if (ip6h->nexthdr != IPPROTO_ICMPV6 ||
	    msg->icmph.icmp6_type != NDISC_NEIGHBOUR_SOLICITATION ||
	    ipv6_addr_any(&ip6h->saddr) || ntohs(ip6h->payload_len) != len ||
	    len != sizeof(*msg) + ND_OPT_LLADDR_LEN || msg->opt[0] != ND_OPT_SOURCE_LL_ADDR)
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);

	speaker = speaker6(gw);
	if (!speaker)
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);

	ether_addr_copy(eth->h_source, speaker->device->mac);
	ip6h->saddr = speaker->link_local.addr;
	ether_addr_copy(msg->opt + 2, speaker->device->mac);
	msg->icmph.icmp6_cksum = 0;
	msg->icmph.icmp6_cksum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_ICMPV6,
						 csum_partial(msg, len, 0));
	skb->ip_summed = CHECKSUM_NONE;
	return NF_ACCEPT;
}
