// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv6.h>
#include <net/inet_frag.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ipv6_frag.h>
#include <net/netfilter/ipv6/nf_conntrack_ipv6.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "frag.h"
#include "stats.h"

/* User ids at the end of a range in which the timeout of IPv4 fragments is not told to the sender:
 * the box is no end of the path. Conntrack uses the last zones of a bridge on no gateway. (That of
 * IPv6 fragments the kernel always tells; where only devices may show, it does not get out.)
 */
static u32 user4(enum doppel_frag_user user)
{
	return __IP_DEFRAG_CONNTRACK_BRIDGE_IN - user;
}

static u32 user6(enum doppel_frag_user user)
{
	return __IP6_DEFRAG_CONNTRACK_BRIDGE_IN - user;
}

static int defrag6(struct doppel_gateway *gw, struct sk_buff *skb, enum doppel_frag_user user)
{
	int err = nf_ct_frag6_gather(gw->net, skb, user6(user));

	/* It also says so of what it would not touch. */
	if (!err && !(IP6CB(skb)->flags & IP6SKB_FRAGMENTED))
		err = -EINVAL;
	if (err && err != -EINPROGRESS)
		kfree_skb(skb);
	return err;
}

/* What waits is bounded for the whole namespace: half of it is for the LAN and the box. */
static bool is_crowded(const struct doppel_gateway *gw, enum doppel_frag_user user)
{
	const struct fqdir *fqdir = gw->net->ipv4.fqdir;

	return user == DOPPEL_FRAG_WAN && frag_mem_limit(fqdir) > READ_ONCE(fqdir->high_thresh) / 2;
}

int doppel_defrag(struct doppel_gateway *gw, struct sk_buff *skb, enum doppel_frag_user user)
{
	bool ipv4 = skb->protocol == htons(ETH_P_IP);
	int err;

	if (ipv4 && is_crowded(gw, user)) {
		kfree_skb(skb);
		return -ENOBUFS;
	}
	memset(skb->cb, 0, sizeof(skb->cb));
	err = ipv4 ? ip_defrag(gw->net, skb, user4(user)) : defrag6(gw, skb, user);
	if (err)
		return err;

	doppel_count_total(gw, DOPPEL_TOTAL_REASSEMBLED);
	return 0;
}

enum doppel_parsed doppel_defrag_parse4(struct sk_buff *skb, struct doppel_packet *packet)
{
	u16 cut = IPCB(skb)->frag_max_size;
	enum doppel_parsed parsed;

	parsed = doppel_parse4(skb, packet);
	/* Where DF was set, too, the sender has cut it to what the path takes. */
	packet->may_cut = true;
	packet->cut = cut;
	return parsed;
}

enum doppel_parsed doppel_defrag_parse6(struct sk_buff *skb, struct doppel_packet *packet,
					__be16 id)
{
	u16 cut = IP6CB(skb)->frag_max_size;
	enum doppel_parsed parsed;

	parsed = doppel_parse6(skb, packet);
	packet->may_cut = true;
	packet->cut = cut;
	packet->id = id;
	return parsed;
}

static struct sk_buff *cut4(struct sk_buff *skb, unsigned int room, unsigned int mtu)
{
	unsigned int hlen = ip_hdrlen(skb);
	struct sk_buff *list = NULL, **tail = &list;
	struct ip_frag_state state;

	ip_frag_init(skb, hlen, room, mtu - hlen, ip_hdr(skb)->frag_off & htons(IP_DF), &state);
	while (state.left > 0) {
		*tail = ip_frag_next(skb, &state);
		if (IS_ERR(*tail)) {
			*tail = NULL;
			kfree_skb_list(list);
			return NULL;
		}
		tail = &(*tail)->next;
	}
	return list;
}

static struct sk_buff *cut6(struct sk_buff *skb, unsigned int room, unsigned int mtu, __be16 id)
{
	unsigned int hlen = sizeof(struct ipv6hdr);
	struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct sk_buff *list = NULL, **tail = &list;
	struct ip6_frag_state state;

	ip6_frag_init(skb, hlen, mtu - hlen - sizeof(struct frag_hdr), 0, room, &ip6h->nexthdr,
		      ip6h->nexthdr, htonl(ntohs(id)), &state);
	while (state.left > 0) {
		*tail = ip6_frag_next(skb, &state);
		if (IS_ERR(*tail)) {
			*tail = NULL;
			kfree_skb_list(list);
			return NULL;
		}
		tail = &(*tail)->next;
	}
	return list;
}

struct sk_buff *doppel_frag_cut(struct doppel_gateway *gw, struct sk_buff *skb,
				const struct net_device *out, unsigned int mtu, __be16 id)
{
	unsigned int room = LL_RESERVED_SPACE(out);
	struct sk_buff *list = NULL;

	/* The transport checksum is over the whole. */
	if (skb->ip_summed != CHECKSUM_PARTIAL || !skb_checksum_help(skb))
		list = skb->protocol == htons(ETH_P_IP) ? cut4(skb, room, mtu) :
							  cut6(skb, room, mtu, id);
	if (list) {
		doppel_count_total(gw, DOPPEL_TOTAL_FRAGMENTED);
		consume_skb(skb);
	} else {
		kfree_skb(skb);
	}
	return list;
}
