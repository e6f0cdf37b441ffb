/* SPDX-License-Identifier: GPL-2.0-only */
/* Super-packets that cannot be translated whole. */
#ifndef _DOPPEL_GSO_H
#define _DOPPEL_GSO_H

#include "gateway.h"

/* Whether its segments are made of its own headers alone, so that rewriting these is enough. Not
 * so where every segment keeps headers of its own (fraglist GRO), or there is a tunnel inside.
 */
bool doppel_gso_is_plain(const struct sk_buff *skb);

/* Cuts it into its segments, a list by ->next, each with the network header at ->data and the
 * Ethernet header of the whole before it. The packet is consumed; NULL without memory.
 */
struct sk_buff *doppel_gso_segment(struct doppel_gateway *gw, struct sk_buff *skb);

#endif
