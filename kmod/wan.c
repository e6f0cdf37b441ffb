// SPDX-License-Identifier: GPL-2.0-only
/* The WAN door: what comes in for identities, and what may go out, from top to bottom. */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <net/ipv6.h>

#include "box.h"
#include "hooks.h"
#include "inbound.h"
#include "neigh.h"
#include "stats.h"
#include "xmit.h"

static unsigned int ipv6_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	bool unicast = !is_multicast_ether_addr(eth_hdr(skb)->h_dest);

	/* Only ND is looked at in what many get. */
	if (pskb_may_pull(skb, sizeof(struct ipv6hdr) + sizeof(struct icmp6hdr)) &&
	    doppel_is_nd(skb))
		return doppel_nd_in(gw, skb);
	return unicast ? doppel_inbound6(gw, skb, false) : NF_ACCEPT;
}

unsigned int doppel_wan_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct doppel_gateway *gw = priv;

	if (skb_vlan_tag_present(skb) || skb->pkt_type == PACKET_LOOPBACK)
		return NF_ACCEPT;

	switch (skb->protocol) {
	case htons(ETH_P_ARP):
		return doppel_arp_in(gw, skb);
	case htons(ETH_P_IP):
		return is_multicast_ether_addr(eth_hdr(skb)->h_dest) ?
			       NF_ACCEPT : doppel_inbound4(gw, skb, false);
	case htons(ETH_P_IPV6):
		return ipv6_in(gw, skb);
	default:
		return skb->pkt_type == PACKET_OTHERHOST ?
			       doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_WAN_FOREIGN) :
			       NF_ACCEPT;
	}
}

/* A device's packet that waited for its next hop has the port's MAC: whose it is, its source
 * address says.
 */
static const struct doppel_device *whose(struct doppel_gateway *gw, const struct sk_buff *skb)
{
	const struct doppel_identity *identity;
	const struct doppel_address *address;

	if (skb->protocol == htons(ETH_P_IP)) {
		struct iphdr buf;
		const struct iphdr *iph = skb_header_pointer(skb, ETH_HLEN, sizeof(buf), &buf);

		identity = iph ? doppel_identity_by_wan4(gw, iph->saddr) : NULL;
		return identity ? identity->device : NULL;
	}
	if (skb->protocol == htons(ETH_P_IPV6)) {
		struct ipv6hdr buf;
		const struct ipv6hdr *ip6h = skb_header_pointer(skb, ETH_HLEN, sizeof(buf), &buf);

		address = ip6h ? doppel_address_by_wan6(gw, &ip6h->saddr) : NULL;
		return address ? address->device : NULL;
	}
	return NULL;
}

unsigned int doppel_wan_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct doppel_gateway *gw = priv;
	const struct doppel_device *device;
	bool devices_only;

	if (doppel_xmit_is_ours(skb))
		return NF_ACCEPT;

	devices_only = READ_ONCE(gw->identity) == DOPPEL_IDENTITY_MODE_DEVICES_ONLY;
	if (!pskb_may_pull(skb, ETH_HLEN))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_FOREIGN);

	if (!ether_addr_equal(((struct ethhdr *)skb->data)->h_source, gw->wan->dev_addr)) {
		/* The agent negotiates in the devices' names. */
		if (!devices_only ||
		    doppel_device_by_mac(gw, ((struct ethhdr *)skb->data)->h_source))
			return NF_ACCEPT;
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_FOREIGN);
	}

	/* A tag is another port's, which sits on this one: no device is there. */
	device = skb_vlan_tag_present(skb) ? NULL : whose(gw, skb);
	if (device) {
		if (skb_ensure_writable(skb, ETH_HLEN))
			return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_NO_MEMORY);
		ether_addr_copy(((struct ethhdr *)skb->data)->h_source, device->mac);
		return NF_ACCEPT;
	}

	if (!devices_only)
		return NF_ACCEPT;
	if (skb->protocol == htons(ETH_P_ARP) && !skb_vlan_tag_present(skb))
		return doppel_arp_out(gw, skb);
	if (skb->protocol == htons(ETH_P_IPV6) && !skb_vlan_tag_present(skb))
		return doppel_nd_out(gw, skb);
	if (skb->protocol == htons(ETH_P_IP) && !skb_vlan_tag_present(skb))
		return doppel_box_out(gw, skb);
	return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);
}
