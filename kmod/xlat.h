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

#include <linux/icmp.h>
#include "packet.h"
#include "session.h"

/* RFC 7915 section 5.1: what came as IPv6 and is up to this long as IPv4 may be cut on its way. */
#define DOPPEL_DF_FREE_LEN 1260

/* Bytes that the packet grows by (shrinks, if negative) on its way through. */
int doppel_growth(const struct doppel_session *session, const struct doppel_packet *packet,
		  bool from_device);

/* Whether it will fit the MTU (bytes of network packet) of the port it leaves by. */
bool doppel_fits(const struct sk_buff *skb, const struct doppel_packet *packet, int growth,
		 unsigned int mtu);

/* Makes the headers private and room for them and the link layer's of @out. -ENOMEM. */
int doppel_make_room(struct sk_buff *skb, const struct doppel_packet *packet, int growth,
		     const struct net_device *out);

/* To the LAN side, from the WAN: IPv4 from IPv4 or IPv6. Of a SYN the MSS is clamped to what the
 * smaller of the two ports can carry.
 */
void doppel_xlat_in(const struct doppel_gateway *gw, struct sk_buff *skb,
		    const struct doppel_packet *packet, const struct doppel_session *session);

/* From the LAN side, to the WAN: IPv4 to IPv4 or IPv6. */
void doppel_xlat_out(const struct doppel_gateway *gw, struct sk_buff *skb,
		     const struct doppel_packet *packet, const struct doppel_session *session);

/**
 * struct doppel_echo - what of an ICMP echo differs between the sides
 * @type: of either family
 * @id: network byte order
 * @pseudo: what the pseudo header adds to the checksum
 */
struct doppel_echo {
	u8 type;
	__be16 id;
	__wsum pseudo;
};

/* An echo with @len bytes from its ICMP header on, as it is on the LAN side or on the WAN side. */
struct doppel_echo doppel_echo_on(const struct doppel_session *session, bool lan, bool request,
				  unsigned int len);

/* Turns an echo's header from what it was into what it is to be. */
void doppel_edit_echo(struct icmphdr *icmph, const struct doppel_echo *was,
		      const struct doppel_echo *is);

#endif
