// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <net/ipv6.h>

#include "filter.h"
#include "frag.h"
#include "gso.h"
#include "icmp.h"
#include "inbound.h"
#include "mapping.h"
#include "outbound.h"
#include "stats.h"
#include "tcp.h"
#include "trace.h"
#include "xlat.h"
#include "xmit.h"

struct doppel_lan_tuple doppel_outbound_tuple(const struct sk_buff *skb,
					      const struct doppel_packet *packet)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	return (struct doppel_lan_tuple){
		.device = iph->saddr,
		.peer = iph->daddr,
		.device_port = packet->source,
		.peer_port = packet->dest,
		.protocol = packet->protocol,
	};
}

/* To a device. */
static void tell(struct doppel_gateway *gw, const struct doppel_session *session,
		 const struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	if (!session->lent)
		doppel_icmp_to_device(gw, session->device, skb, type, code, info);
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
		if (doppel_parse4(segment, &packet) != DOPPEL_PARSED) {
			doppel_drop_of(session, segment, DOPPEL_DROP_REASON_LAN_MALFORMED);
			kfree_skb(segment);
			continue;
		}
		if (doppel_outbound(gw, segment, &packet, session) != NF_STOLEN)
			kfree_skb(segment);
	}
	return NF_STOLEN;
}

/* The longest packet that may leave. IPv4 that may be cut on its way is cut here, as nobody can do
 * it later: to what every IPv6 link takes (RFC 7915 section 4); what came in fragments stays in
 * fragments as large.
 */
static unsigned int limit_of(const struct doppel_gateway *gw, const struct doppel_packet *packet,
			     const struct doppel_session *session)
{
	unsigned int limit = READ_ONCE(gw->wan->mtu);

	if (!packet->may_cut)
		return limit;
	if (session->wan.family == AF_INET6)
		return min(limit, (unsigned int)IPV6_MIN_MTU);
	return packet->cut ? min_t(unsigned int, limit, packet->cut) : limit;
}

static void send_cut(struct doppel_gateway *gw, struct sk_buff *skb,
		     const struct doppel_packet *packet, struct doppel_session *session,
		     unsigned int limit)
{
	/* What the box would not have cut has none. */
	__be16 id = packet->id ?: (__force __be16)get_random_u16();
	struct sk_buff *fragment, *next;

	fragment = doppel_frag_cut(gw, skb, gw->wan, limit, id);
	if (!fragment)
		doppel_drop_of(session, NULL, DOPPEL_DROP_REASON_NO_MEMORY);

	for (; fragment; fragment = next) {
		next = fragment->next;
		skb_mark_not_on_list(fragment);
		doppel_outbound_send(gw, session, fragment);
	}
}

void doppel_outbound_send(struct doppel_gateway *gw, struct doppel_session *session,
			  struct sk_buff *skb)
{
	/* An identity is at least as new as the epoch that is seen first. */
	u32 epoch = smp_load_acquire(&gw->epoch);
	struct neighbour *next_hop;

	if (unlikely(READ_ONCE(session->epoch) != epoch))
		WRITE_ONCE(session->hairpin, doppel_is_hairpin(gw, &session->wan));
	if (unlikely(READ_ONCE(session->hairpin))) {
		doppel_inbound_hairpin(gw, session->device, skb);
		return;
	}

	next_hop = doppel_next_hop(gw, session, epoch);
	if (unlikely(!next_hop)) {
		doppel_drop_of(session, skb, DOPPEL_DROP_REASON_NEXT_HOP);
		kfree_skb(skb);
		return;
	}
	doppel_xmit_wan(gw, session->device, next_hop, skb);
}

unsigned int doppel_outbound(struct doppel_gateway *gw, struct sk_buff *skb,
			     struct doppel_packet *packet, struct doppel_session *session)
{
	int growth = doppel_growth(session, packet, true);
	unsigned int len = packet->len;
	struct iphdr *iph;
	unsigned int limit;
	bool fits;

	if (unlikely(!doppel_gso_is_plain(skb)) && !doppel_gso_undo_ufo(skb, packet))
		return each_segment(gw, skb, session);
	iph = (struct iphdr *)skb->data;
	if (unlikely(iph->ttl <= 1)) {
		tell(gw, session, skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
		return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_TTL);
	}
	/* RFC 7915 section 4.1 */
	if (unlikely(packet->l4 > sizeof(*iph) && session->wan.family == AF_INET6 &&
		     doppel_is_source_routed(iph))) {
		tell(gw, session, skb, ICMP_DEST_UNREACH, ICMP_SR_FAILED, 0);
		return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_LAN_PROTOCOL);
	}
	limit = limit_of(gw, packet, session);
	fits = doppel_fits(skb, packet, growth, limit);
	if (unlikely(!fits)) {
		/* The box cannot be told: what it sends is cut in any case. */
		if (!packet->may_cut && !session->lent) {
			tell(gw, session, skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, limit - growth);
			return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_TOO_BIG);
		}
		if (skb_is_gso(skb))
			return each_segment(gw, skb, session);
	}
	if (unlikely(!READ_ONCE(session->admitted)) && !doppel_filter_passes(gw, session, skb)) {
		doppel_session_end(session);
		return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_FILTER);
	}
	if (doppel_make_room(skb, packet, growth, gw->wan))
		return doppel_drop_of(session, skb, DOPPEL_DROP_REASON_NO_MEMORY);

	doppel_session_advance(gw, session, packet, DOPPEL_SIDE_DEVICE);
	trace_doppel_translate(session, skb, true);
	doppel_xlat_out(gw, skb, packet, session);

	if (unlikely(session->lent))
		doppel_count_total(gw, DOPPEL_TOTAL_LENT);
	else
		doppel_count_lan(session->device, len);
	if (likely(fits))
		doppel_outbound_send(gw, session, skb);
	else
		send_cut(gw, skb, packet, session, limit);
	return NF_STOLEN;
}

/* --- New flows. -------------------------------------------------------------------------- */

/* The address by which the identity reaches IPv6 hosts, or NULL. */
static const struct in6_addr *source6(const struct doppel_identity *identity)
{
	return identity->n_wan_ipv6 ? &identity->wan_ipv6[0].addr : NULL;
}

/* The WAN side of the flow: an explicit mapping's IPv6 host; else IPv4 where the identity has it;
 * else by the NAT64 prefix (RFC 6877). False if there is no way. RCU.
 */
static bool find_peer(struct doppel_gateway *gw, const struct doppel_identity *identity,
		      struct doppel_flow *flow)
{
	const struct in6_addr *source = source6(identity);
	const struct doppel_mapping *mapping;

	mapping = source ? doppel_mapping_by_ipv4(gw, flow->lan.peer) : NULL;
	if (mapping) {
		flow->wan.peer.ipv6 = mapping->ipv6;
	} else if (identity->wan_ipv4) {
		flow->wan.family = AF_INET;
		flow->wan.identity.ipv4 = identity->wan_ipv4;
		flow->wan.peer.ipv4 = flow->lan.peer;
		flow->translation = DOPPEL_TRANSLATION_4TO4;
		return true;
	} else if (!source || !doppel_nat64_to_ipv6(gw, flow->lan.peer, &flow->wan.peer.ipv6)) {
		return false;
	}

	flow->wan.family = AF_INET6;
	flow->wan.identity.ipv6 = *source;
	flow->translation = DOPPEL_TRANSLATION_4TO6;
	return true;
}

unsigned int doppel_outbound_begin(struct doppel_gateway *gw, struct sk_buff *skb,
				   struct doppel_packet *packet,
				   const struct doppel_lan_tuple *tuple,
				   struct doppel_device *device, bool lent)
{
	const struct doppel_identity *identity = rcu_dereference(device->identity);
	struct doppel_device *account = lent ? NULL : device;
	struct doppel_flow flow = {
		.lan = *tuple,
		.outbound = true,
		.lent = lent,
	};
	struct doppel_session *session;
	enum doppel_drop_reason why;

	if (packet->protocol == IPPROTO_TCP && (!packet->syn || packet->ack))
		return doppel_drop(gw, account, skb, DOPPEL_DROP_REASON_TCP_STATE);
	if (packet->protocol == IPPROTO_ICMP && !packet->request)
		return doppel_drop(gw, account, skb, DOPPEL_DROP_REASON_LAN_PROTOCOL);
	if (!find_peer(gw, identity, &flow)) {
		if (!lent)
			doppel_icmp_to_device(gw, device, skb, ICMP_DEST_UNREACH, ICMP_NET_UNREACH,
					      0);
		return doppel_drop(gw, account, skb, DOPPEL_DROP_REASON_LAN_NO_IDENTITY);
	}
	flow.hairpin = doppel_is_hairpin(gw, &flow.wan);
	/* The answer could not find its way up the box's stack. */
	if (lent && flow.hairpin)
		return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);

	flow.wan.identity_port = tuple->device_port;
	flow.wan.peer_port = tuple->peer_port;
	flow.wan.protocol = packet->protocol;
	session = doppel_session_begin(gw, device, &flow, &why);
	if (!session)
		return doppel_drop(gw, account, skb, why);

	return doppel_outbound(gw, skb, packet, session);
}
