/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet says of itself, every length checked before it is believed. */
#ifndef _DOPPEL_PACKET_H
#define _DOPPEL_PACKET_H

#include <linux/ip.h>
#include <linux/skbuff.h>

enum doppel_parsed {
	DOPPEL_PARSED,
	DOPPEL_PARSED_MALFORMED,
	DOPPEL_PARSED_FRAGMENT,
	DOPPEL_PARSED_ICMP_ERROR,
	DOPPEL_PARSED_PROTOCOL,	/* sound so far, but none of these, nor TCP, UDP, ICMP echo */
};

/**
 * struct doppel_packet - a packet that was parsed
 * @len: bytes of the whole packet, network header included
 * @l4: bytes before the transport header, options and extension headers included
 * @source: the source port, network byte order; an echo's identifier
 * @dest: the destination port, network byte order; an echo's identifier
 * @protocol: IPPROTO_TCP, IPPROTO_UDP or, for either ICMP's echo, IPPROTO_ICMP
 * @seq: TCP
 * @ack_seq: TCP
 * @window: TCP, as it is in the header
 * @id: the identification that the packet has as IPv4, network byte order
 * @cut: bytes of the largest of the fragments that it came in, or 0
 * @scale: TCP, the window scale of a SYN, at most 14 (RFC 7323 section 2.3)
 * @request: ICMP, an echo request
 * @has_scale: TCP, a SYN with a window scale
 * @may_cut: IPv4 without DF, or in fragments, if only one
 * @syn: TCP flags
 * @ack: TCP flags
 * @fin: TCP flags
 * @rst: TCP flags
 */
struct doppel_packet {
	unsigned int len;
	unsigned int l4;
	__be16 source;
	__be16 dest;
	u32 seq;
	u32 ack_seq;
	u16 window;
	__be16 id;
	u16 cut;
	u8 protocol;
	u8 scale;
	u8 request:1,
	   has_scale:1,
	   may_cut:1,
	   syn:1,
	   ack:1,
	   fin:1,
	   rst:1;
};

/* Parse the packet whose network header is at skb->data. When they return DOPPEL_PARSED, the
 * headers up to @packet's transport header and its fixed part are linear, the Ethernet padding
 * is cut off and the transport header is set. With DOPPEL_PARSED_PROTOCOL and _ICMP_ERROR, len, l4
 * and protocol (the number on the wire) are set, and of an ICMP error the eight bytes before what
 * it quotes are linear. With DOPPEL_PARSED_FRAGMENT, len and id are set. RFC 791, RFC 8200
 * section 4.
 */
enum doppel_parsed doppel_parse4(struct sk_buff *skb, struct doppel_packet *packet);
enum doppel_parsed doppel_parse6(struct sk_buff *skb, struct doppel_packet *packet);

/* An option of this kind and length in the TCP header, whose options are linear; NULL if there is
 * none. RFC 9293 section 3.1.
 */
u8 *doppel_tcp_option(u8 *header, u8 kind, u8 len);

/* Whether the options of the IPv4 header, all linear, have a source route that is not used up
 * (RFC 791 section 3.1).
 */
bool doppel_is_source_routed(struct iphdr *iph);

#endif
