/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets from the WAN for identities, on their way to the LAN side. */
#ifndef _DOPPEL_INBOUND_H
#define _DOPPEL_INBOUND_H

#include "device.h"

/* What comes in for a unicast MAC, with its network header at skb->data and its Ethernet header
 * before it; @hairpin: from another identity. Give the hook's verdict: NF_ACCEPT is for the box's
 * own stack. RCU, bottom halves off.
 */
unsigned int doppel_inbound4(struct doppel_gateway *gw, struct sk_buff *skb, bool hairpin);
unsigned int doppel_inbound6(struct doppel_gateway *gw, struct sk_buff *skb, bool hairpin);

/* A packet of @from's identity, without an Ethernet header but with room for one, whose destination
 * is another identity: comes in again, as if the WAN had sent it back. Consumed. RCU, bottom halves
 * off.
 */
void doppel_inbound_hairpin(struct doppel_gateway *gw, const struct doppel_device *from,
			    struct sk_buff *skb);

#endif
