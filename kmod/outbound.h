/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets on their way to the WAN: a device's, and the box's own by a lent identity. */
#ifndef _DOPPEL_OUTBOUND_H
#define _DOPPEL_OUTBOUND_H

#include "packet.h"
#include "session.h"

/* The LAN-side tuple of an IPv4 packet that a device, or the box, sends. */
struct doppel_lan_tuple doppel_outbound_tuple(const struct sk_buff *skb,
					      const struct doppel_packet *packet);

/* Translates a parsed packet of the session and sends it; gives the hook's verdict: NF_STOLEN or
 * NF_DROP. RCU, bottom halves off.
 */
unsigned int doppel_outbound(struct doppel_gateway *gw, struct sk_buff *skb,
			     struct doppel_packet *packet, struct doppel_session *session);

/* The same with the first packet of a flow that the device begins, or, @lent, the box by the
 * device's identity.
 */
unsigned int doppel_outbound_begin(struct doppel_gateway *gw, struct sk_buff *skb,
				   struct doppel_packet *packet,
				   const struct doppel_lan_tuple *tuple,
				   struct doppel_device *device, bool lent);

/* Sends what has been translated to the session's WAN side already, and consumes it: to the next
 * hop, or to the other identity that it is for. RCU, bottom halves off.
 */
void doppel_outbound_send(struct doppel_gateway *gw, struct doppel_session *session,
			  struct sk_buff *skb);

#endif
