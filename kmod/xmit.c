// SPDX-License-Identifier: GPL-2.0-only
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <net/arp.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/neighbour.h>

#include "xmit.h"

/* The frame that this CPU is handing to the port: the egress hook, which runs inside of
 * dev_queue_xmit(), lets it pass without a look.
 */
static DEFINE_PER_CPU(const struct sk_buff *, handed_over);

bool doppel_xmit_is_ours(const struct sk_buff *skb)
{
	return this_cpu_read(handed_over) == skb;
}

void doppel_xmit_frame(struct net_device *dev, struct sk_buff *skb)
{
	skb->dev = dev;
	this_cpu_write(handed_over, skb);
	dev_queue_xmit(skb);
	this_cpu_write(handed_over, NULL);
}

void doppel_xmit_prepare(struct sk_buff *skb)
{
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	skb_clear_tstamp(skb);
	memset(skb->cb, 0, sizeof(skb->cb));
	skb->pkt_type = PACKET_HOST;
}

void doppel_xmit_push_header(struct sk_buff *skb, const u8 *dest, const u8 *source)
{
	struct ethhdr *eth = skb_push(skb, ETH_HLEN);

	ether_addr_copy(eth->h_dest, dest);
	ether_addr_copy(eth->h_source, source);
	eth->h_proto = skb->protocol;
}

static struct neighbour *lookup4(struct doppel_gateway *gw,
				 const struct doppel_identity *identity, __be32 peer)
{
	__be32 hop = (peer ^ identity->wan_ipv4) & identity->wan_mask ? identity->wan_router :
									peer;

	return hop ? __neigh_lookup(&arp_tbl, &hop, gw->wan, 1) : NULL;
}

static struct neighbour *lookup6(struct doppel_gateway *gw,
				 const struct doppel_identity *identity,
				 const struct in6_addr *peer)
{
	const struct in6_addr *hop = &identity->wan_router6;
	unsigned int i;

	if (ipv6_addr_type(peer) & IPV6_ADDR_LINKLOCAL)
		hop = peer;
	for (i = 0; i < identity->n_wan_ipv6; i++) {
		const struct doppel_address *address = &identity->wan_ipv6[i];

		/* 128 bits is a DHCPv6 address: it says nothing of the link (RFC 5942). */
		if (address->prefix_len < 128 &&
		    ipv6_prefix_equal(peer, &address->addr, address->prefix_len))
			hop = peer;
	}

	return ipv6_addr_any(hop) ? NULL : __neigh_lookup(&nd_tbl, hop, gw->wan, 1);
}

static struct neighbour *find_next_hop(struct doppel_gateway *gw, struct doppel_session *session,
				       u32 epoch)
{
	const struct doppel_identity *identity = rcu_dereference(session->device->identity);
	struct neighbour *found, *old;

	if (session->wan.family == AF_INET)
		found = lookup4(gw, identity, session->wan.peer.ipv4);
	else
		found = lookup6(gw, identity, &session->wan.peer.ipv6);
	if (!found)
		return NULL;

	/* One that nobody answers for is not kept: whoever scans the link would fill the
	 * neighbour table with what it may not collect. RCU keeps it for this packet.
	 */
	if (!(READ_ONCE(found->nud_state) & NUD_VALID)) {
		neigh_release(found);
		return found;
	}

	spin_lock(&session->lock);
	old = rcu_dereference_protected(session->next_hop, lockdep_is_held(&session->lock));
	rcu_assign_pointer(session->next_hop, found);
	WRITE_ONCE(session->epoch, epoch);
	spin_unlock(&session->lock);

	/* A neighbour is freed after a grace period: who has found @old may go on with it. */
	if (old)
		neigh_release(old);
	return found;
}

struct neighbour *doppel_next_hop(struct doppel_gateway *gw, struct doppel_session *session,
				  u32 epoch)
{
	struct neighbour *next_hop = rcu_dereference(session->next_hop);

	if (likely(next_hop && READ_ONCE(session->epoch) == epoch && !READ_ONCE(next_hop->dead)))
		return next_hop;

	return find_next_hop(gw, session, epoch);
}

void doppel_xmit_wan(struct doppel_gateway *gw, const struct doppel_device *device,
		     struct neighbour *next_hop, struct sk_buff *skb)
{
	u8 dest[MAX_ADDR_LEN] __aligned(2);

	doppel_xmit_prepare(skb);
	skb->dev = gw->wan;

	/* Until the next hop is resolved the neighbour keeps the packet. When it lets it go it
	 * writes the port's MAC as the source; the egress hook mends that.
	 */
	if (neigh_event_send(next_hop, skb))
		return;

	neigh_ha_snapshot(dest, next_hop, gw->wan);
	doppel_xmit_push_header(skb, dest, device->mac);
	doppel_xmit_frame(gw->wan, skb);
}

void doppel_xmit_lan(struct doppel_gateway *gw, const struct doppel_device *device,
		     struct sk_buff *skb)
{
	doppel_xmit_prepare(skb);
	skb->dev = gw->lan;
	doppel_xmit_push_header(skb, device->mac, gw->lan->dev_addr);
	/* No hook of ours is on the way out there. */
	dev_queue_xmit(skb);
}
