// SPDX-License-Identifier: GPL-2.0-only
/* The LAN door: what devices send, from top to bottom. */
#include <linux/icmp.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip_fib.h>

#include "hooks.h"
#include "icmp.h"
#include "netlink.h"
#include "packet.h"
#include "stats.h"
#include "trace.h"
#include "xlat.h"
#include "xmit.h"

static bool on_lan(const struct doppel_gateway *gw, __be32 addr)
{
	return !((addr ^ READ_ONCE(gw->lan_ipv4)) & READ_ONCE(gw->lan_mask));
}

static void touch(struct doppel_device *device)
{
	unsigned long now = jiffies;

	if (READ_ONCE(device->last_seen) != now)
		WRITE_ONCE(device->last_seen, now);
}

/* Who sends from this MAC and address: the device, or NULL after telling the agent what is new.
 * Only addresses of the LAN itself are learnt.
 */
static struct doppel_device *who(struct doppel_gateway *gw, const u8 *mac, __be32 addr)
{
	struct doppel_device *device, *other;
	__be32 known;

	device = doppel_device_by_mac(gw, mac);
	if (device)
		touch(device);
	if (!on_lan(gw, addr) || addr == READ_ONCE(gw->lan_ipv4))
		return NULL;

	known = device ? READ_ONCE(device->lan_ipv4) : 0;
	if (known == addr)
		return device;

	other = doppel_device_by_lan(gw, addr);
	if (other && other != device)
		doppel_notify_conflict4(gw, DOPPEL_PORT_LAN, other, addr, mac);
	if (known)
		doppel_notify_device_moved(gw, mac, addr);
	else
		doppel_notify_device_seen(gw, mac, addr);
	return NULL;
}

static unsigned int arp_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	const struct arphdr *arp;
	__be32 sip;

	/* The box answers itself; what is said of the sender is all that is wanted here. */
	if (!pskb_may_pull(skb, arp_hdr_len(gw->lan)))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_LAN_MALFORMED);
	arp = (const struct arphdr *)skb->data;
	if (arp->ar_hrd != htons(ARPHRD_ETHER) || arp->ar_pro != htons(ETH_P_IP) ||
	    arp->ar_hln != ETH_ALEN || arp->ar_pln != sizeof(sip))
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_LAN_MALFORMED);

	memcpy(&sip, (const u8 *)(arp + 1) + ETH_ALEN, sizeof(sip));
	if (ether_addr_equal((const u8 *)(arp + 1), eth_hdr(skb)->h_source))
		who(gw, eth_hdr(skb)->h_source, sip);
	return NF_ACCEPT;
}

/* Whether the box's own routes lead elsewhere than to the WAN: to the box itself, to the LAN, to
 * a tunnel. A default route does not count: devices have routers of their own.
 */
static bool routed_elsewhere(const struct doppel_gateway *gw, const struct iphdr *iph)
{
	struct flowi4 fl4 = {
		.daddr = iph->daddr,
		.saddr = iph->saddr,
		.flowi4_iif = gw->lan->ifindex,
	};
	struct fib_result res;

	if (fib_lookup(gw->net, &fl4, &res, 0))
		return false;
	if (res.type != RTN_UNICAST)
		return true;
	return res.prefixlen && FIB_RES_DEV(res) != gw->wan;
}

static unsigned int send_to_wan(struct doppel_gateway *gw, struct sk_buff *skb,
				const struct doppel_packet *packet,
				struct doppel_session *session)
{
	int growth = doppel_growth(session, packet, true);
	const struct iphdr *iph = (struct iphdr *)skb->data;
	struct doppel_device *device = session->device;
	unsigned int mtu = READ_ONCE(gw->wan->mtu);
	unsigned int len = packet->len;
	struct neighbour *next_hop;

	if (iph->ttl <= 1) {
		doppel_icmp_to_device(gw, device, skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_TTL);
	}
	if (!doppel_fits(skb, packet, growth, mtu)) {
		doppel_icmp_to_device(gw, device, skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
				      mtu - growth);
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_TOO_BIG);
	}

	next_hop = doppel_next_hop(gw, session);
	if (!next_hop)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_NEXT_HOP);
	if (doppel_make_room(skb, packet, growth, gw->wan))
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_NO_MEMORY);

	touch(device);
	doppel_session_advance(gw, session, packet, true);
	trace_doppel_translate(session, skb, true);
	if (session->translation == DOPPEL_TRANSLATION_4TO4)
		doppel_xlat_4to4_out(skb, packet, session, doppel_max_mss(gw, session));
	else
		doppel_xlat_4to6(skb, packet, session, doppel_max_mss(gw, session));

	doppel_count_lan(device, len);
	doppel_xmit_wan(gw, device, next_hop, skb);
	return NF_STOLEN;
}

/* The first packet of a flow that a device begins. */
static unsigned int begin(struct doppel_gateway *gw, struct sk_buff *skb,
			  const struct doppel_packet *packet, const struct doppel_lan_tuple *tuple,
			  struct doppel_device *device)
{
	const struct doppel_identity *identity = rcu_dereference(device->identity);
	struct doppel_flow flow = {
		.lan = *tuple,
		.translation = DOPPEL_TRANSLATION_4TO4,
		.outbound = true,
	};
	struct doppel_session *session;
	enum doppel_drop_reason why;

	if (!identity->wan_ipv4) {
		doppel_icmp_to_device(gw, device, skb, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, 0);
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_LAN_NO_IDENTITY);
	}
	if (packet->protocol == IPPROTO_TCP && (!packet->syn || packet->ack))
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_TCP_STATE);
	if (packet->protocol == IPPROTO_ICMP && !packet->request)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_LAN_PROTOCOL);

	flow.wan.identity.ipv4 = identity->wan_ipv4;
	flow.wan.peer.ipv4 = tuple->peer;
	flow.wan.identity_port = tuple->device_port;
	flow.wan.peer_port = tuple->peer_port;
	flow.wan.protocol = packet->protocol;
	flow.wan.family = AF_INET;

	session = doppel_session_begin(gw, device, &flow, &why);
	if (!session)
		return doppel_drop(gw, device, skb, why);
	return send_to_wan(gw, skb, packet, session);
}

static unsigned int ipv4_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	struct doppel_lan_tuple tuple = {};
	struct doppel_session *session;
	struct doppel_packet packet;
	struct doppel_device *device;
	enum doppel_parsed parsed;
	const struct ethhdr *eth;
	const struct iphdr *iph;

	/* Pulling may move the headers. */
	parsed = doppel_parse4(skb, &packet);
	eth = eth_hdr(skb);
	if (parsed == DOPPEL_PARSED_MALFORMED)
		return doppel_drop(gw, doppel_device_by_mac(gw, eth->h_source), skb,
				   DOPPEL_DROP_REASON_LAN_MALFORMED);

	iph = (const struct iphdr *)skb->data;
	if (parsed == DOPPEL_PARSED && skb->pkt_type == PACKET_HOST) {
		tuple.device = iph->saddr;
		tuple.peer = iph->daddr;
		tuple.device_port = packet.source;
		tuple.peer_port = packet.dest;
		tuple.protocol = packet.protocol;
		session = doppel_session_by_lan(gw, &tuple);
		if (session && ether_addr_equal(eth->h_source, session->device->mac))
			return send_to_wan(gw, skb, &packet, session);
	}

	device = who(gw, eth->h_source, iph->saddr);
	if (skb->pkt_type != PACKET_HOST || on_lan(gw, iph->daddr) ||
	    ipv4_is_multicast(iph->daddr) || ipv4_is_lbcast(iph->daddr) ||
	    routed_elsewhere(gw, iph))
		return NF_ACCEPT;

	if (!device)
		return doppel_drop(gw, doppel_device_by_mac(gw, eth->h_source), skb,
				   DOPPEL_DROP_REASON_LAN_SPOOF);
	if (parsed == DOPPEL_PARSED_FRAGMENT)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_FRAGMENT);
	if (parsed == DOPPEL_PARSED_PROTOCOL)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_LAN_PROTOCOL);

	return begin(gw, skb, &packet, &tuple, device);
}

unsigned int doppel_lan_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct doppel_gateway *gw = priv;

	/* A tag that is still there is another port's, which sits on this one. */
	if (skb_vlan_tag_present(skb) || skb->pkt_type == PACKET_LOOPBACK)
		return NF_ACCEPT;

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return ipv4_in(gw, skb);
	case htons(ETH_P_ARP):
		return arp_in(gw, skb);
	default:
		return NF_ACCEPT;
	}
}
