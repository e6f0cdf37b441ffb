// SPDX-License-Identifier: GPL-2.0-only
/* The LAN door: what devices send, from top to bottom. */
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip_fib.h>

#include "frag.h"
#include "hooks.h"
#include "icmp_xlat.h"
#include "netlink.h"
#include "outbound.h"
#include "packet.h"
#include "stats.h"
#include "tcp.h"

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

/* The session that the packet goes on with, or NULL; the MAC must be its device's. */
static struct doppel_session *find(struct doppel_gateway *gw, const struct sk_buff *skb,
				   const struct doppel_packet *packet,
				   const struct doppel_lan_tuple *tuple)
{
	struct doppel_session *session = doppel_session_by_lan(gw, tuple);

	if (!session || session->lent ||
	    !ether_addr_equal(eth_hdr(skb)->h_source, session->device->mac))
		return NULL;
	if (unlikely(doppel_tcp_supersedes(session, packet, DOPPEL_SIDE_DEVICE)))
		return NULL;
	return session;
}

static unsigned int parsed4(struct doppel_gateway *gw, struct sk_buff *skb,
			    enum doppel_parsed parsed, struct doppel_packet *packet);

/* A fragment of a device's. Until it is whole nobody knows whether it answers an IPv6 client. */
static unsigned int fragment(struct doppel_gateway *gw, struct sk_buff *skb,
			     struct doppel_packet *packet, struct doppel_device *device)
{
	int err = doppel_defrag(gw, skb, DOPPEL_FRAG_LAN);

	if (!err)
		return parsed4(gw, skb, doppel_defrag_parse4(skb, packet), packet);
	if (err != -EINPROGRESS)
		doppel_drop(gw, device, NULL, DOPPEL_DROP_REASON_FRAGMENT);
	return NF_STOLEN;
}

/* Whether the packet is not for the WAN: the box's own stack knows what to do with it. */
static bool stays(const struct doppel_gateway *gw, const struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	return skb->pkt_type != PACKET_HOST || on_lan(gw, iph->daddr) ||
	       ipv4_is_multicast(iph->daddr) || ipv4_is_lbcast(iph->daddr) ||
	       routed_elsewhere(gw, iph);
}

static unsigned int parsed4(struct doppel_gateway *gw, struct sk_buff *skb,
			    enum doppel_parsed parsed, struct doppel_packet *packet)
{
	struct doppel_lan_tuple tuple = {};
	struct doppel_session *session;
	struct doppel_device *device;
	const struct iphdr *iph;

	if (parsed == DOPPEL_PARSED_MALFORMED)
		return doppel_drop(gw, doppel_device_by_mac(gw, eth_hdr(skb)->h_source), skb,
				   DOPPEL_DROP_REASON_LAN_MALFORMED);

	iph = (const struct iphdr *)skb->data;
	if (likely(parsed == DOPPEL_PARSED && skb->pkt_type == PACKET_HOST)) {
		tuple = doppel_outbound_tuple(skb, packet);
		session = find(gw, skb, packet, &tuple);
		if (likely(session)) {
			touch(session->device);
			return doppel_outbound(gw, skb, packet, session);
		}
	}

	device = who(gw, eth_hdr(skb)->h_source, iph->saddr);
	if (device && iph->daddr == READ_ONCE(gw->lan_ipv4) && skb->pkt_type == PACKET_HOST) {
		/* Answers to IPv6 clients, and what is about them, go to the gateway's address. */
		if (parsed == DOPPEL_PARSED_FRAGMENT)
			return fragment(gw, skb, packet, device);
		if (parsed == DOPPEL_PARSED_ICMP_ERROR && doppel_icmp_xlat_is_ours(gw, skb, packet))
			return doppel_icmp_xlat_out(gw, skb, packet, device, false);
	}
	if (stays(gw, skb))
		return NF_ACCEPT;

	if (!device)
		return doppel_drop(gw, doppel_device_by_mac(gw, eth_hdr(skb)->h_source), skb,
				   DOPPEL_DROP_REASON_LAN_SPOOF);
	switch (parsed) {
	case DOPPEL_PARSED:
		return doppel_outbound_begin(gw, skb, packet, &tuple, device, false);
	case DOPPEL_PARSED_FRAGMENT:
		return fragment(gw, skb, packet, device);
	case DOPPEL_PARSED_ICMP_ERROR:
		return doppel_icmp_xlat_out(gw, skb, packet, device, false);
	default:
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_LAN_PROTOCOL);
	}
}

static unsigned int ipv4_in(struct doppel_gateway *gw, struct sk_buff *skb)
{
	struct doppel_packet packet;
	enum doppel_parsed parsed = doppel_parse4(skb, &packet);

	return parsed4(gw, skb, parsed, &packet);
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
