/* SPDX-License-Identifier: GPL-2.0-only */
/* Super-packets that cannot be translated whole. */
#ifndef _DOPPEL_GSO_H
#define _DOPPEL_GSO_H

#include "gateway.h"
#include "packet.h"

/* Whether its segments are made of its own headers alone, so that rewriting these is enough. Not
 * so where every segment keeps headers of its own (fraglist GRO), or there is a tunnel inside.
 */
bool doppel_gso_is_plain(const struct sk_buff *skb);

/* A datagram that the NIC would have cut into fragments (UFO; virtual machines send such) becomes one
 * without offload that may be cut. False, and nothing changed, if it is something else, or without
 * memory. The packet may have moved: pointers into it are to be taken again.
 */
bool doppel_gso_undo_ufo(struct sk_buff *skb, struct doppel_packet *packet);

/* Cuts it into its segments, a list by ->next, each with the network header at ->data and the
 * Ethernet header of the whole before it. The packet is consumed; NULL without memory.
 */
struct sk_buff *doppel_gso_segment(struct doppel_gateway *gw, struct sk_buff *skb);

#endif
