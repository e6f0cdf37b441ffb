// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "filter.h"

static int never(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	kfree_skb(skb);
	return 0;
}

/* What rules find on a packet that is being forwarded: no connection, and a route. It is the one
 * to the device, the only one that the box must have; what rejects a packet looks at it.
 */
static bool dress(const struct doppel_gateway *gw, const struct doppel_session *session,
		  struct sk_buff *skb, struct net_device *in)
{
	struct flowi4 fl4 = { .daddr = session->lan.device };
	struct rtable *rt = ip_route_output_key(gw->net, &fl4);

	if (IS_ERR(rt))
		return false;

	skb_dst_drop(skb);
	skb_dst_set(skb, &rt->dst);
	nf_reset_ct(skb);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	memset(skb->cb, 0, sizeof(skb->cb));
	skb->dev = in;
	return true;
}

bool doppel_filter_passes(struct doppel_gateway *gw, struct doppel_session *session,
			  struct sk_buff *skb)
{
	struct net_device *in = session->outbound ? gw->lan : gw->wan;
	struct net_device *out = session->outbound ? gw->wan : gw->lan;
	struct sk_buff *clone;

	clone = skb_clone(skb, GFP_ATOMIC);
	if (!clone)
		return false;
	if (!dress(gw, session, clone, in)) {
		kfree_skb(clone);
		return false;
	}
	if (nf_hook(NFPROTO_IPV4, NF_INET_FORWARD, gw->net, NULL, clone, in, out, never) != 1)
		return false;

	consume_skb(clone);
	WRITE_ONCE(session->admitted, true);
	return true;
}
