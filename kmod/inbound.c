// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <net/ipv6.h>

#include "filter.h"
#include "forward.h"
#include "frag.h"
#include "gso.h"
#include "icmp.h"
#include "icmp_xlat.h"
#include "inbound.h"
#include "mapping.h"
#include "packet.h"
#include "stats.h"
#include "tcp.h"
#include "trace.h"
#include "xlat.h"
#include "xmit.h"

#define DHCP4_CLIENT_PORT 68
#define DHCP6_CLIENT_PORT 546

static void refuse_ttl(struct doppel_gateway *gw, struct doppel_device *device,
		       const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		doppel_icmp4_to_wan(gw, device, skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
	else
		doppel_icmp6_to_wan(gw, device, skb, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
}

static void refuse_size(struct doppel_gateway *gw, struct doppel_device *device,
			const struct sk_buff *skb, unsigned int mtu)
{
	if (skb->protocol == htons(ETH_P_IP))
		doppel_icmp4_to_wan(gw, device, skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
	else
		doppel_icmp6_to_wan(gw, device, skb, ICMPV6_PKT_TOOBIG, 0,
				    max(mtu, (unsigned int)IPV6_MIN_MTU));
}

static u8 ttl_of(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) ? ((const struct iphdr *)skb->data)->ttl :
						  ((const struct ipv6hdr *)skb->data)->hop_limit;
}

static enum doppel_parsed parse(struct sk_buff *skb, struct doppel_packet *packet)
{
	return skb->protocol == htons(ETH_P_IP) ? doppel_parse4(skb, packet) :
						  doppel_parse6(skb, packet);
}

static unsigned int pass(struct doppel_gateway *gw, struct sk_buff *skb,
			 struct doppel_packet *packet, struct doppel_session *session);

/* The segment comes in once more, for the port itself: then the stack takes it. */
static void hand_up(struct doppel_gateway *gw, struct sk_buff *skb)
{
	u8 source[ETH_ALEN];

	ether_addr_copy(source, eth_hdr(skb)->h_source);
	doppel_xmit_push_header(skb, gw->wan->dev_addr, source);
	skb_reset_mac_header(skb);
	__skb_pull(skb, ETH_HLEN);
	skb->dev = gw->wan;
	netif_rx(skb);
}

static unsigned int each_segment(struct doppel_gateway *gw, struct sk_buff *skb,
				 struct doppel_session *session)
{
	struct sk_buff *segment, *next;

	segment = doppel_gso_segment(gw, skb);
	if (!segment)
		doppel_drop_of(session, NULL, DOPPEL_DROP_REASON_NO_MEMORY);

	for (; segment; segment = next) {
		struct doppel_packet packet;

		next = segment->next;
		skb_mark_not_on_list(segment);
		if (parse(segment, &packet) != DOPPEL_PARSED) {
			doppel_drop_of(session, segment, DOPPEL_DROP_REASON_WAN_MALFORMED);
			kfree_skb(segment);
			continue;
		}
		switch (pass(gw, segment, &packet, session)) {
		case NF_STOLEN:
			break;
		case NF_ACCEPT:
			hand_up(gw, segment);
			break;
		default:
			kfree_skb(segment);
			break;
		}
	}
	return NF_STOLEN;
}

static void send_cut(struct doppel_gateway *gw, struct sk_buff *skb,
		     const struct doppel_packet *packet, struct doppel_session *session,
		     unsigned int limit)
{
	struct sk_buff *fragment, *next;

	fragment = doppel_frag_cut(gw, skb, gw->lan, limit, packet->id);
	if (!fragment)
		doppel_drop_of(session, NULL, DOPPEL_DROP_REASON_NO_MEMORY);

	for (; fragment; fragment = next) {
		next = fragment->next;
		skb_mark_not_on_list(fragment);
		doppel_xmit_lan(gw, session->device, fragment);
	}
}

/* The box takes it for its own, as if IPv4 had brought it. */
static unsigned int to_box(struct doppel_gateway *gw, struct sk_buff *skb)
{
	doppel_count_total(gw, DOPPEL_TOTAL_LENT);
	skb_clear_hash(skb);
	skb->pkt_type = PACKET_HOST;
	return NF_ACCEPT;
}

/* A packet of the session; the verdict is NF_ACCEPT for the box's own. */
static unsigned int pass(struct doppel_gateway *gw, struct sk_buff *skb,
			 struct doppel_packet *packet, struct doppel_session *session)
{
	int growth = doppel_growth(session, packet, false);
	struct doppel_device *device = session->device;
	unsigned int limit = READ_ONCE(gw->lan->mtu);
	unsigned int len = packet->len;
	bool fits = true;

	if (unlikely(!doppel_gso_is_plain(skb)) && !doppel_gso_undo_ufo(skb, packet))
		return each_segment(gw, skb, session);
	if (unlikely(ttl_of(skb) <= 1)) {
		refuse_ttl(gw, device, skb);
		return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_TTL);
	}
	/* An IPv6 packet may be longer than any of IPv4's. */
	if (unlikely((int)len + growth > IP_MAX_MTU))
		return skb_is_gso(skb) ? each_segment(gw, skb, session) :
					 doppel_drop_of(session, skb, DOPPEL_DROP_REASON_TOO_BIG);
	if (likely(!session->lent))
		fits = doppel_fits(skb, packet, growth, limit);
	if (unlikely(!fits)) {
		/* RFC 7915 section 5.1: what is as short as this has no DF as IPv4. */
		if (!packet->may_cut && (int)len + growth > DOPPEL_DF_FREE_LEN) {
			refuse_size(gw, device, skb, limit - growth);
			return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_TOO_BIG);
		}
		if (skb_is_gso(skb))
			return each_segment(gw, skb, session);
	}
	if (doppel_make_room(skb, packet, growth, gw->lan))
		return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_NO_MEMORY);

	doppel_session_advance(gw, session, packet, DOPPEL_SIDE_PEER);
	trace_doppel_translate(session, skb, false);
	doppel_xlat_in(gw, skb, packet, session);
	if (unlikely(session->lent))
		return to_box(gw, skb);
	if (unlikely(!READ_ONCE(session->admitted)) && !doppel_filter_passes(gw, session, skb)) {
		doppel_session_end(session);
		return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_FILTER);
	}

	doppel_count_wan(device, len);
	if (likely(fits))
		doppel_xmit_lan(gw, device, skb);
	else
		send_cut(gw, skb, packet, session, limit);
	return NF_STOLEN;
}

/* The LAN side's name for who is there: IPv4 has its own, an IPv6 host one of a mapping's or the
 * gateway's, with a port that is found for it.
 */
static void name_peer(struct doppel_gateway *gw, struct doppel_flow *flow)
{
	const struct doppel_mapping *mapping;

	if (flow->wan.family == AF_INET) {
		flow->translation = DOPPEL_TRANSLATION_4TO4;
		flow->lan.peer = flow->wan.peer.ipv4;
		return;
	}
	mapping = doppel_mapping_by_ipv6(gw, &flow->wan.peer.ipv6);
	flow->translation = mapping ? DOPPEL_TRANSLATION_4TO6 : DOPPEL_TRANSLATION_6TO4;
	flow->lan.peer = mapping ? mapping->ipv4 : READ_ONCE(gw->lan_ipv4);
}

/* The first packet of a flow that comes in: only where a forward leads, and echo requests.
 * @flow has the WAN-side tuple.
 */
static struct doppel_session *begin(struct doppel_gateway *gw, struct doppel_packet *packet,
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

	name_peer(gw, flow);
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
	case DOPPEL_PARSED_ICMP_ERROR:
		return DOPPEL_DROP_REASON_ICMP_ERROR;
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

/* The session that the packet goes on with, or NULL. Its frame must be the device's, and come the
 * way that its peer's packets come.
 */
static struct doppel_session *find(struct doppel_gateway *gw, const struct sk_buff *skb,
				   const struct doppel_packet *packet,
				   const struct doppel_wan_tuple *tuple, bool hairpin)
{
	struct doppel_session *session = doppel_session_by_wan(gw, tuple);

	if (!session || !ether_addr_equal(eth_hdr(skb)->h_dest, session->device->mac))
		return NULL;
	/* Nobody asks the box anything: an echo request is for the device. */
	if (unlikely(session->lent && packet->request))
		return NULL;
	if (unlikely(READ_ONCE(session->hairpin) != hairpin) &&
	    doppel_is_hairpin(gw, tuple) != hairpin)
		return NULL;
	if (unlikely(doppel_tcp_supersedes(session, packet, DOPPEL_SIDE_PEER)))
		return NULL;
	return session;
}

static bool is_spoof4(struct doppel_gateway *gw, __be32 addr, bool hairpin)
{
	return !doppel_is_unicast4(addr) ||
	       !((addr ^ READ_ONCE(gw->lan_ipv4)) & READ_ONCE(gw->lan_mask)) ||
	       !!doppel_identity_by_wan4(gw, addr) != hairpin;
}

static bool is_spoof6(struct doppel_gateway *gw, const struct in6_addr *addr, bool hairpin)
{
	return !doppel_is_unicast6(addr) || !!doppel_address_by_wan6(gw, addr) != hairpin;
}

static unsigned int parsed4(struct doppel_gateway *gw, struct sk_buff *skb,
			    enum doppel_parsed parsed, struct doppel_packet *packet, bool hairpin);
static unsigned int parsed6(struct doppel_gateway *gw, struct sk_buff *skb,
			    enum doppel_parsed parsed, struct doppel_packet *packet, bool hairpin);

/* A fragment for the device's address. */
static unsigned int fragment(struct doppel_gateway *gw, struct sk_buff *skb,
			     struct doppel_packet *packet, struct doppel_device *device,
			     bool hairpin)
{
	bool ipv4 = skb->protocol == htons(ETH_P_IP);
	enum doppel_parsed parsed;
	int err;

	/* What was put together is no fragment again. */
	if (packet->cut)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_FRAGMENT);

	err = doppel_defrag(gw, skb, DOPPEL_FRAG_WAN);
	if (err) {
		if (err != -EINPROGRESS)
			doppel_drop(gw, device, NULL, DOPPEL_DROP_REASON_FRAGMENT);
		return NF_STOLEN;
	}

	if (ipv4) {
		parsed = doppel_defrag_parse4(skb, packet);
		return parsed4(gw, skb, parsed, packet, hairpin);
	}
	parsed = doppel_defrag_parse6(skb, packet, packet->id);
	return parsed6(gw, skb, parsed, packet, hairpin);
}

/* A packet for the device's address that no session was found for. @tuple is the one of a packet
 * that has ports; @spoofed says that nobody may have its source.
 */
static unsigned int newcomer(struct doppel_gateway *gw, struct sk_buff *skb,
			     enum doppel_parsed parsed, struct doppel_packet *packet,
			     struct doppel_device *device, const struct doppel_wan_tuple *tuple,
			     bool hairpin, bool spoofed)
{
	struct doppel_flow flow = { .hairpin = hairpin };
	struct doppel_session *session;
	enum doppel_drop_reason why;

	if (spoofed)
		return doppel_drop(gw, device, skb, DOPPEL_DROP_REASON_WAN_SPOOF);
	if (parsed == DOPPEL_PARSED_FRAGMENT)
		return fragment(gw, skb, packet, device, hairpin);
	if (parsed == DOPPEL_PARSED_ICMP_ERROR)
		return doppel_icmp_xlat_in(gw, skb, packet, device);

	flow.wan = *tuple;
	session = begin(gw, packet, device, &flow, &why);
	if (!session)
		return doppel_drop(gw, device, skb, why);
	return pass(gw, skb, packet, session);
}

/* Whether there is nothing to do but to say why. */
static bool is_hopeless(enum doppel_parsed parsed, enum doppel_drop_reason why)
{
	return parsed == DOPPEL_PARSED_MALFORMED || parsed == DOPPEL_PARSED_PROTOCOL ||
	       why == DOPPEL_DROP_REASON_NEGOTIATION;
}

static unsigned int parsed4(struct doppel_gateway *gw, struct sk_buff *skb,
			    enum doppel_parsed parsed, struct doppel_packet *packet, bool hairpin)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct doppel_identity *identity;
	struct doppel_wan_tuple tuple = {};
	struct doppel_session *session;
	enum doppel_drop_reason why;
	struct doppel_device *device;

	if (likely(parsed == DOPPEL_PARSED)) {
		tuple.identity.ipv4 = iph->daddr;
		tuple.peer.ipv4 = iph->saddr;
		tuple.identity_port = packet->dest;
		tuple.peer_port = packet->source;
		tuple.protocol = packet->protocol;
		tuple.family = AF_INET;
		session = find(gw, skb, packet, &tuple, hairpin);
		if (likely(session))
			return pass(gw, skb, packet, session);
	}

	device = doppel_device_by_mac(gw, eth_hdr(skb)->h_dest);
	if (!device)
		return not_for_devices(gw, skb);
	why = why_not(packet, parsed, DHCP4_CLIENT_PORT);
	if (is_hopeless(parsed, why))
		return doppel_drop(gw, device, skb, why);

	identity = rcu_dereference(device->identity);
	if (!identity->wan_ipv4 || iph->daddr != identity->wan_ipv4)
		return doppel_drop(gw, device, skb, why);
	return newcomer(gw, skb, parsed, packet, device, &tuple, hairpin,
			is_spoof4(gw, iph->saddr, hairpin));
}

static unsigned int parsed6(struct doppel_gateway *gw, struct sk_buff *skb,
			    enum doppel_parsed parsed, struct doppel_packet *packet, bool hairpin)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	const struct doppel_address *address;
	struct doppel_wan_tuple tuple;
	struct doppel_session *session;
	enum doppel_drop_reason why;
	struct doppel_device *device;

	if (likely(parsed == DOPPEL_PARSED)) {
		tuple.identity.ipv6 = ip6h->daddr;
		tuple.peer.ipv6 = ip6h->saddr;
		tuple.identity_port = packet->dest;
		tuple.peer_port = packet->source;
		tuple.protocol = packet->protocol;
		tuple.family = AF_INET6;
		session = find(gw, skb, packet, &tuple, hairpin);
		if (likely(session))
			return pass(gw, skb, packet, session);
	}

	device = doppel_device_by_mac(gw, eth_hdr(skb)->h_dest);
	if (!device)
		return not_for_devices(gw, skb);
	why = why_not(packet, parsed, DHCP6_CLIENT_PORT);
	if (is_hopeless(parsed, why))
		return doppel_drop(gw, device, skb, why);

	address = doppel_address_by_wan6(gw, &ip6h->daddr);
	if (!address || address->device != device ||
	    ipv6_addr_type(&ip6h->daddr) & IPV6_ADDR_LINKLOCAL)
		return doppel_drop(gw, device, skb, why);
	return newcomer(gw, skb, parsed, packet, device, &tuple, hairpin,
			is_spoof6(gw, &ip6h->saddr, hairpin));
}

unsigned int doppel_inbound4(struct doppel_gateway *gw, struct sk_buff *skb, bool hairpin)
{
	struct doppel_packet packet;
	enum doppel_parsed parsed = doppel_parse4(skb, &packet);

	return parsed4(gw, skb, parsed, &packet, hairpin);
}

unsigned int doppel_inbound6(struct doppel_gateway *gw, struct sk_buff *skb, bool hairpin)
{
	struct doppel_packet packet;
	enum doppel_parsed parsed = doppel_parse6(skb, &packet);

	return parsed6(gw, skb, parsed, &packet, hairpin);
}

/* The identity that the packet is for. */
static struct doppel_device *destination(struct doppel_gateway *gw, const struct sk_buff *skb)
{
	const struct doppel_identity *identity;
	const struct doppel_address *address;

	if (skb->protocol == htons(ETH_P_IP)) {
		identity = doppel_identity_by_wan4(gw, ip_hdr(skb)->daddr);
		return identity ? identity->device : NULL;
	}
	address = doppel_address_by_wan6(gw, &ipv6_hdr(skb)->daddr);
	return address ? address->device : NULL;
}

void doppel_inbound_hairpin(struct doppel_gateway *gw, const struct doppel_device *from,
			    struct sk_buff *skb)
{
	struct doppel_device *to = destination(gw, skb);
	unsigned int verdict;

	if (!to) {
		doppel_drop(gw, from, skb, DOPPEL_DROP_REASON_NEXT_HOP);
		kfree_skb(skb);
		return;
	}

	doppel_xmit_prepare(skb);
	skb->dev = gw->wan;
	doppel_xmit_push_header(skb, to->mac, from->mac);
	skb_reset_mac_header(skb);
	__skb_pull(skb, ETH_HLEN);

	doppel_count_total(gw, DOPPEL_TOTAL_HAIRPINNED);
	if (skb->protocol == htons(ETH_P_IP))
		verdict = doppel_inbound4(gw, skb, true);
	else
		verdict = doppel_inbound6(gw, skb, true);
	if (verdict != NF_STOLEN)
		kfree_skb(skb);
}
