/* SPDX-License-Identifier: GPL-2.0-only */
/* ARP and neighbour discovery on the WAN, spoken in a device's name.
 *
 * In: questions for an identity's addresses are answered with its device's
 * MAC, duplicate address detection by others is answered too (RFC 5227
 * section 2.4, RFC 4862 section 5.4.3), answers to identities go to the box's
 * own neighbour tables, where the next hops live. Out: what the box asks is
 * asked in the name of an identity.
 *
 * All return the hook's verdict. Bottom halves off.
 */
#ifndef _DOPPEL_NEIGH_H
#define _DOPPEL_NEIGH_H

#include "device.h"

/* From the WAN: an ARP packet at skb->data. */
unsigned int doppel_arp_in(struct doppel_gateway *gw, struct sk_buff *skb);

/* From the WAN: an IPv6 packet at skb->data that is_nd() says yes to. */
bool doppel_is_nd(const struct sk_buff *skb);
unsigned int doppel_nd_in(struct doppel_gateway *gw, struct sk_buff *skb);

/* To the WAN from the box, the Ethernet header at skb->data, where only devices may show. */
unsigned int doppel_arp_out(struct doppel_gateway *gw, struct sk_buff *skb);
unsigned int doppel_nd_out(struct doppel_gateway *gw, struct sk_buff *skb);

#endif
