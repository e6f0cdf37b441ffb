// SPDX-License-Identifier: GPL-2.0-only
/* The WAN door: what comes in for identities, and what may go out, from top to bottom. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "forward.h"
#include "hooks.h"
#include "icmp.h"
#include "neigh.h"
#include "packet.h"
#include "stats.h"
#include "trace.h"
#include "xlat.h"
#include "xmit.h"

#define DHCP4_CLIENT_PORT 68
#define DHCP6_CLIENT_PORT 546

static void refuse_ttl(struct doppel_gateway *gw, const struct doppel_device *device,
		       const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		doppel_icmp4_to_wan(gw, device, skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
	else
		doppel_icmp6_to_wan(gw, device, skb, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
}

static void refuse_size(struct doppel_gateway *gw, const struct doppel_device *device,
			const struct sk_buff *skb, unsigned int mtu)
{
	if (skb->protocol == htons(ETH_P_IP))
		doppel_icmp4_to_wan(gw, device, skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
	else
		doppel_icmp6_to_wan(gw, device, skb, ICMPV6_PKT_TOOBIG, 0,
				    max(mtu, (unsigned int)IPV6_MIN_MTU));
}

static unsigned int send_to_lan(struct doppel_gateway *gw, struct sk_buff *skb,
				const struct doppel_packet *packet,
				struct doppel_session *session, u8 ttl)
{
	int growth = doppel_growth(session, packet, false);
	struct doppel_device *device = session->device;
	unsigned int mtu = READ_ONCE(gw->lan->mtu);
	unsigned int len = packet->len;

	if (ttl <= 1) {
		refuse_ttl(gw, device, skb);
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_TTL);
	}
	if (!doppel_fits(skb, packet, growth, mtu)) {
		refuse_size(gw, device, skb, mtu - growth);
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_TOO_BIG);
	}
	if (doppel_make_room(skb, packet, growth, gw->lan))
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_NO_MEMORY);

	doppel_session_advance(gw, session, packet, false);
	trace_doppel_translate(session, skb, false);
	if (session->translation == DOPPEL_TRANSLATION_4TO4)
		doppel_xlat_4to4_in(skb, packet, session, doppel_max_mss(gw, session));
	else
		doppel_xlat_6to4(skb, packet, session, doppel_max_mss(gw, session));

	doppel_count_wan(device, len);
	doppel_xmit_lan(gw, device, skb);
	return NF_STOLEN;
}

/* The first packet of a flow that comes in: only where a forward leads, and echo requests.
 * @flow has the WAN-side tuple.
 */
static struct doppel_session *begin(struct doppel_gateway *gw, const struct doppel_packet *packet,
				    struct doppel_device *device, struct doppel_flow *flow,
				    enum doppel_drop_reason *why)
{
	struct doppel_lan_tuple *lan = &flow->lan;
	const struct doppel_forward *forward;

	*why = DOPPEL_DROP_REASON_WAN_NO_FORWARD;
	lan->device = READ_ONCE(device->lan_ipv4);
	if (!lan->device)
		return NULL;

	if (packet->protocol == IPPROTO_ICMP) {
		if (!packet->request)
			return NULL;
		lan->device_port = packet->dest;
	} else {
		forward = doppel_forward_lookup(gw, device, packet->protocol, ntohs(packet->dest));
		if (!forward)
			return NULL;
		if (packet->protocol == IPPROTO_TCP && (!packet->syn || packet->ack)) {
			*why = DOPPEL_DROP_REASON_TCP_STATE;
			return NULL;
		}
		lan->device_port = htons(forward->to);
	}

	lan->peer = flow->translation == DOPPEL_TRANSLATION_4TO4 ? flow->wan.peer.ipv4 :
								  READ_ONCE(gw->lan_ipv4);
	lan->peer_port = packet->source;
	lan->protocol = packet->protocol;
	return doppel_session_begin(gw, device, flow, why);
}

/* Why a packet for an identity that is no session's goes no further, by what parsing said of
 * it. @dhcp_port: where the agent's client listens.
 */
static enum doppel_drop_reason why_not(const struct doppel_packet *packet,
				       enum doppel_parsed parsed, u16 dhcp_port)
{
	switch (parsed) {
	case DOPPEL_PARSED_MALFORMED:
		return DOPPEL_DROP_REASON_WAN_MALFORMED;
	case DOPPEL_PARSED_FRAGMENT:
		return DOPPEL_DROP_REASON_FRAGMENT;
	case DOPPEL_PARSED_PROTOCOL:
		return DOPPEL_DROP_REASON_WAN_PROTOCOL;
	default:
		if (packet->protocol == IPPROTO_UDP && ntohs(packet->dest) == dhcp_port)
			return DOPPEL_DROP_REASON_NEGOTIATION;
		return DOPPEL_DROP_REASON_WAN_NO_FORWARD;
	}
}

/* Nobody's here: the port is promiscuous and its own stack would not want it either. */
static unsigned int not_for_devices(struct doppel_gateway *gw, struct sk_buff *skb)
{
	if (skb->pkt_type == PACKET_OTHERHOST)
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_WAN_FOREIGN);
	return NF_ACCEPT;
}

static unsigned int ipv4_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	const struct doppel_identity *identity;
	struct doppel_flow flow = {
		.translation = DOPPEL_TRANSLATION_4TO4,
	};
	struct doppel_session *session;
	enum doppel_drop_reason why;
	struct doppel_packet packet;
	struct doppel_device *device;
	enum doppel_parsed parsed;
	const struct iphdr *iph;

	parsed = doppel_parse4(skb, &packet);
	iph = (const struct iphdr *)skb->data;
	if (parsed == DOPPEL_PARSED) {
		flow.wan.identity.ipv4 = iph->daddr;
		flow.wan.peer.ipv4 = iph->saddr;
		flow.wan.identity_port = packet.dest;
		flow.wan.peer_port = packet.source;
		flow.wan.protocol = packet.protocol;
		flow.wan.family = AF_INET;
		session = doppel_session_by_wan(gw, &flow.wan);
		if (session && ether_addr_equal(eth_hdr(skb)->h_dest, session->device->mac))
			return send_to_lan(gw, skb, &packet, session, iph->ttl);
	}

	device = doppel_device_by_mac(gw, eth_hdr(skb)->h_dest);
	if (!device)
		return not_for_devices(gw, skb);

	why = why_not(&packet, parsed, DHCP4_CLIENT_PORT);
	if (why != DOPPEL_DROP_REASON_WAN_NO_FORWARD)
		return doppel_drop(gw, device, skb, why);

	identity = rcu_dereference(device->identity);
	if (!identity->wan_ipv4 || iph->daddr != identity->wan_ipv4)
		return doppel_drop(gw, device, skb, why);
	if (ipv4_is_multicast(iph->saddr) || ipv4_is_loopback(iph->saddr) ||
	    ipv4_is_zeronet(iph->saddr) || ipv4_is_lbcast(iph->saddr) ||
	    !((iph->saddr ^ READ_ONCE(gw->lan_ipv4)) & READ_ONCE(gw->lan_mask)) ||
	    doppel_identity_by_wan4(gw, iph->saddr))
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_WAN_SPOOF);

	session = begin(gw, &packet, device, &flow, &why);
	if (!session)
		return doppel_drop(gw, device, skb, why);
	return send_to_lan(gw, skb, &packet, session, iph->ttl);
}

static unsigned int ipv6_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	const struct doppel_address *address;
	struct doppel_flow flow = {
		.translation = DOPPEL_TRANSLATION_6TO4,
	};
	struct doppel_session *session;
	enum doppel_drop_reason why;
	struct doppel_packet packet;
	struct doppel_device *device;
	enum doppel_parsed parsed;
	const struct ipv6hdr *ip6h;

	if (pskb_may_pull(skb, sizeof(*ip6h) + sizeof(struct icmp6hdr)) && doppel_is_nd(skb))
		return doppel_nd_in(gw, skb);

	parsed = doppel_parse6(skb, &packet);
	ip6h = (const struct ipv6hdr *)skb->data;
	if (parsed == DOPPEL_PARSED) {
		flow.wan.identity.ipv6 = ip6h->daddr;
		flow.wan.peer.ipv6 = ip6h->saddr;
		flow.wan.identity_port = packet.dest;
		flow.wan.peer_port = packet.source;
		flow.wan.protocol = packet.protocol;
		flow.wan.family = AF_INET6;
		session = doppel_session_by_wan(gw, &flow.wan);
		if (session && ether_addr_equal(eth_hdr(skb)->h_dest, session->device->mac))
			return send_to_lan(gw, skb, &packet, session, ip6h->hop_limit);
	}

	device = doppel_device_by_mac(gw, eth_hdr(skb)->h_dest);
	if (!device)
		return not_for_devices(gw, skb);

	why = why_not(&packet, parsed, DHCP6_CLIENT_PORT);
	if (why != DOPPEL_DROP_REASON_WAN_NO_FORWARD)
		return doppel_drop(gw, device, skb, why);

	address = doppel_address_by_wan6(gw, &ip6h->daddr);
	if (!address || address->device != device || ipv6_addr_type(&ip6h->daddr) & IPV6_ADDR_LINKLOCAL)
		return doppel_drop(gw, device, skb, why);
	if (!(ipv6_addr_type(&ip6h->saddr) & IPV6_ADDR_UNICAST) ||
	    ipv6_addr_loopback(&ip6h->saddr) || ipv6_addr_v4mapped(&ip6h->saddr) ||
	    doppel_address_by_wan6(gw, &ip6h->saddr))
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_WAN_SPOOF);

	session = begin(gw, &packet, device, &flow, &why);
	if (!session)
		return doppel_drop(gw, device, skb, why);
	return send_to_lan(gw, skb, &packet, session, ip6h->hop_limit);
}

unsigned int doppel_wan_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct doppel_gateway *gw = priv;

	if (skb_vlan_tag_present(skb) || skb->pkt_type == PACKET_LOOPBACK)
		return NF_ACCEPT;

	/* Only ARP and ND are looked at in what many get. */
	switch (skb->protocol) {
	case htons(ETH_P_ARP):
		return doppel_arp_in(gw, skb);
	case htons(ETH_P_IP):
		if (is_multicast_ether_addr(eth_hdr(skb)->h_dest))
			return NF_ACCEPT;
		return ipv4_in(gw, skb);
	case htons(ETH_P_IPV6):
		if (!is_multicast_ether_addr(eth_hdr(skb)->h_dest))
			return ipv6_in(gw, skb);
		if (pskb_may_pull(skb, sizeof(struct ipv6hdr) + sizeof(struct icmp6hdr)) &&
		    doppel_is_nd(skb))
			return doppel_nd_in(gw, skb);
		return NF_ACCEPT;
	default:
		return not_for_devices(gw, skb);
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
	return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);
}
