/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments: put together by the kernel's own reassembly, which refuses overlaps and bounds what
 * waits (net.ipv4.ipfrag_high_thresh, net.netfilter.nf_conntrack_frag6_high_thresh), and cut again.
 */
#ifndef _DOPPEL_FRAG_H
#define _DOPPEL_FRAG_H

#include "gateway.h"
#include "packet.h"

/* Whose fragments may make up one packet. */
enum doppel_frag_user {
	DOPPEL_FRAG_LAN,
	DOPPEL_FRAG_WAN,
	DOPPEL_FRAG_BOX,
};

/* Adds a fragment with its network header at skb->data, IPv4 or IPv6. When it returns 0 the packet
 * is whole and has taken the fragment's place, with its Ethernet header, to be parsed by
 * doppel_defrag_parse4() or 6. -EINPROGRESS: others are missing; the fragment is consumed. Any
 * other: it was refused, and is consumed, too.
 */
int doppel_defrag(struct doppel_gateway *gw, struct sk_buff *skb, enum doppel_frag_user user);

/* Parse a packet that was put together: it may be cut again. @id: what parsing a fragment gave. */
enum doppel_parsed doppel_defrag_parse4(struct sk_buff *skb, struct doppel_packet *packet);
enum doppel_parsed doppel_defrag_parse6(struct sk_buff *skb, struct doppel_packet *packet,
					__be16 id);

/* Cuts a packet, IPv4 or IPv6, into fragments of at most @mtu bytes: a list by ->next, with room
 * for the link layer of @out. @id: of IPv6 fragments, the low-order bits, network byte order
 * (RFC 7915 section 4.1). The packet is consumed; NULL without memory.
 */
struct sk_buff *doppel_frag_cut(struct doppel_gateway *gw, struct sk_buff *skb,
				const struct net_device *out, unsigned int mtu, __be16 id);

#endif
