/* SPDX-License-Identifier: GPL-2.0-only */
/* The way out: next hop, Ethernet header, transmission. */
#ifndef _DOPPEL_XMIT_H
#define _DOPPEL_XMIT_H

#include "session.h"

struct neighbour;

/* The neighbour on the WAN that the session's packets go to next in this epoch of the gateway, or
 * NULL if the identity knows none. Good until the end of the RCU section; bottom halves off.
 */
struct neighbour *doppel_next_hop(struct doppel_gateway *gw, struct doppel_session *session,
				  u32 epoch);

/* Rids a received packet of what it must not take along when it is sent. */
void doppel_xmit_prepare(struct sk_buff *skb);

/* Ports are Ethernet: their header, by skb->protocol. The packet has room for it. */
void doppel_xmit_push_header(struct sk_buff *skb, const u8 *dest, const u8 *source);

/* Send a packet with its network header at skb->data and consume it. Source MAC on the WAN is
 * the device's, on the LAN the port's. Bottom halves off.
 */
void doppel_xmit_wan(struct doppel_gateway *gw, const struct doppel_device *device,
		     struct neighbour *next_hop, struct sk_buff *skb);
void doppel_xmit_lan(struct doppel_gateway *gw, const struct doppel_device *device,
		     struct sk_buff *skb);

/* Send a frame that has its Ethernet header already and consume it. Bottom halves off. */
void doppel_xmit_frame(struct net_device *dev, struct sk_buff *skb);

/* Whether it is this CPU's own frame that passes the egress hook at this moment. */
bool doppel_xmit_is_ours(const struct sk_buff *skb);

#endif
