// SPDX-License-Identifier: GPL-2.0-only
#include <linux/if_ether.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <net/route.h>

#include "box.h"
#include "frag.h"
#include "icmp_xlat.h"
#include "outbound.h"
#include "stats.h"

static unsigned int refuse(struct doppel_gateway *gw, const struct sk_buff *skb)
{
	return doppel_drop(gw, NULL, skb, DOPPEL_DROP_REASON_EGRESS_OWN);
}

/* The stack cuts what does not fit the port, which says nothing of what fits after translation. */
static int make_whole(struct doppel_gateway *gw, struct sk_buff *skb, enum doppel_parsed *parsed,
		      struct doppel_packet *packet)
{
	int err = doppel_defrag(gw, skb, DOPPEL_FRAG_BOX);

	if (!err)
		*parsed = doppel_defrag_parse4(skb, packet);
	else if (err != -EINPROGRESS)
		doppel_drop(gw, NULL, NULL, DOPPEL_DROP_REASON_FRAGMENT);
	return err;
}

/* Only what the box says itself is lent an identity, and only to single hosts beyond the WAN. */
static bool may_borrow(const struct doppel_gateway *gw, const struct iphdr *iph)
{
	return doppel_is_unicast4(iph->daddr) &&
	       (iph->daddr ^ READ_ONCE(gw->lan_ipv4)) & READ_ONCE(gw->lan_mask) &&
	       inet_addr_type(gw->net, iph->saddr) == RTN_LOCAL;
}

unsigned int doppel_box_out(struct doppel_gateway *gw, struct sk_buff *skb)
{
	struct doppel_device *lender = rcu_dereference(gw->lender);
	struct doppel_session *session;
	struct doppel_lan_tuple tuple;
	struct doppel_packet packet;
	enum doppel_parsed parsed;

	/* What somebody else holds, too, must not be rewritten. */
	if (!lender || skb_shared(skb))
		return refuse(gw, skb);

	__skb_pull(skb, ETH_HLEN);
	skb_reset_network_header(skb);
	parsed = doppel_parse4(skb, &packet);
	if (parsed == DOPPEL_PARSED_FRAGMENT && make_whole(gw, skb, &parsed, &packet))
		return NF_STOLEN;
	if (parsed == DOPPEL_PARSED_ICMP_ERROR)
		return doppel_icmp_xlat_out(gw, skb, &packet, lender, true);
	if (parsed != DOPPEL_PARSED)
		return refuse(gw, skb);

	tuple = doppel_outbound_tuple(skb, &packet);
	session = doppel_session_by_lan(gw, &tuple);
	if (session && session->lent)
		return doppel_outbound(gw, skb, &packet, session);
	if (session || !may_borrow(gw, (const struct iphdr *)skb->data))
		return refuse(gw, skb);
	return doppel_outbound_begin(gw, skb, &packet, &tuple, lender, true);
}
