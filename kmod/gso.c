// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netdevice.h>
#include <linux/random.h>
#ifdef DOPPEL_HAVE_GSO_H
#include <net/gso.h>
#endif

#include "gso.h"
#include "stats.h"

#define PLAIN (SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_TCP_ECN | SKB_GSO_TCP_FIXEDID | \
	       SKB_GSO_UDP_L4 | SKB_GSO_DODGY)

bool doppel_gso_is_plain(const struct sk_buff *skb)
{
	return !skb_is_gso(skb) || !(skb_shinfo(skb)->gso_type & ~PLAIN);
}

bool doppel_gso_undo_ufo(struct sk_buff *skb, struct doppel_packet *packet)
{
	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_UDP))
		return false;
	/* Clones, on the other ports of a bridge for one, share what says so. */
	if (skb_unclone(skb, GFP_ATOMIC))
		return false;

	skb_gso_reset(skb);
	packet->may_cut = true;
	if (!packet->id)
		packet->id = (__force __be16)get_random_u16();
	return true;
}

struct sk_buff *doppel_gso_segment(struct doppel_gateway *gw, struct sk_buff *skb)
{
	unsigned int mac_len = skb->data - skb_mac_header(skb);
	struct sk_buff *segments, *segment;

	/* Segmenting copies the link layer's header, whatever its length, to each. */
	__skb_push(skb, mac_len);
	segments = skb_gso_segment(skb, NETIF_F_SG);
	if (IS_ERR_OR_NULL(segments)) {
		kfree_skb(skb);
		return NULL;
	}

	doppel_count_total(gw, DOPPEL_TOTAL_SEGMENTED);
	consume_skb(skb);
	for (segment = segments; segment; segment = segment->next) {
		skb_reset_mac_header(segment);
		__skb_pull(segment, mac_len);
		skb_reset_network_header(segment);
	}
	return segments;
}
