/* SPDX-License-Identifier: GPL-2.0-only */
/* Rewriting of one packet, in place, by what its session says (RFC 7915).
 *
 * All of these want a parsed packet with its network header at skb->data and
 * its headers writable (doppel_make_room()), and leave the new network header
 * there. Checksums are updated, never repaired: a packet that came in wrong
 * goes out wrong. They cannot fail but where they say so.
 */
#ifndef _DOPPEL_XLAT_H
#define _DOPPEL_XLAT_H

#include "packet.h"
#include "session.h"

/* Bytes that the packet grows by (shrinks, if negative) on its way through. */
int doppel_growth(const struct doppel_session *session, const struct doppel_packet *packet,
		  bool from_device);

/* Whether it will fit the MTU (bytes of network packet) of the port it leaves by. */
bool doppel_fits(const struct sk_buff *skb, const struct doppel_packet *packet, int growth,
		 unsigned int mtu);

/* Makes the headers private and room for them and the link layer's of @out. -ENOMEM. */
int doppel_make_room(struct sk_buff *skb, const struct doppel_packet *packet, int growth,
		     const struct net_device *out);

/* The largest MSS that the smaller of the two sides can carry. */
u16 doppel_max_mss(const struct doppel_gateway *gw, const struct doppel_session *session);

/* To the device, from the WAN; of a SYN the MSS is clamped to @mss. */
void doppel_xlat_4to4_in(struct sk_buff *skb, const struct doppel_packet *packet,
			 const struct doppel_session *session, u16 mss);
void doppel_xlat_6to4(struct sk_buff *skb, const struct doppel_packet *packet,
		      const struct doppel_session *session, u16 mss);

/* From the device, to the WAN. */
void doppel_xlat_4to4_out(struct sk_buff *skb, const struct doppel_packet *packet,
			  const struct doppel_session *session, u16 mss);
/* An IPv6 client's answer: the way back of 6to4. */
void doppel_xlat_4to6(struct sk_buff *skb, const struct doppel_packet *packet,
		      const struct doppel_session *session, u16 mss);

#endif
