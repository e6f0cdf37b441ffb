/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors about sessions, translated with what they quote (RFC 7915 sections 4.2, 4.3, 5.2 and
 * 5.3; RFC 5508). An error that is about no session goes no further.
 */
#ifndef _DOPPEL_ICMP_XLAT_H
#define _DOPPEL_ICMP_XLAT_H

#include "icmp.h"
#include "packet.h"
#include "session.h"

/* An error from the WAN for the device's identity, parsed as DOPPEL_PARSED_ICMP_ERROR. Gives the
 * hook's verdict; NF_ACCEPT: what is at @skb now is for the box's own stack. RCU, bottom halves off.
 */
unsigned int doppel_icmp_xlat_in(struct doppel_gateway *gw, struct sk_buff *skb,
				 const struct doppel_packet *packet, struct doppel_device *device);

/* An error that the device, or, @lent, the box by the device's identity, sends to a peer. */
unsigned int doppel_icmp_xlat_out(struct doppel_gateway *gw, struct sk_buff *skb,
				  const struct doppel_packet *packet,
				  struct doppel_device *device, bool lent);

/* Whether an error that is addressed to the gateway itself is about a session. */
bool doppel_icmp_xlat_is_ours(struct doppel_gateway *gw, struct sk_buff *skb,
			      const struct doppel_packet *packet);

/* What an error of the other family says, and how it is said in this one: type, code, pointer, MTU;
 * false if there is no way to say it. @quoted_len: of the packet that it is about, as its header
 * has it; @max_mtu: what the way to the sender of that packet takes, in the family of the result.
 */
bool doppel_icmp_4to6(struct doppel_icmp *icmp, unsigned int quoted_len, unsigned int max_mtu);
bool doppel_icmp_6to4(struct doppel_icmp *icmp, unsigned int max_mtu);

#endif
