/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet says of itself, every length checked before it is believed. */
#ifndef _DOPPEL_PACKET_H
#define _DOPPEL_PACKET_H

#include <linux/skbuff.h>

enum doppel_parsed {
	DOPPEL_PARSED,
	DOPPEL_PARSED_MALFORMED,
	DOPPEL_PARSED_FRAGMENT,
	DOPPEL_PARSED_PROTOCOL,	/* sound so far, but neither TCP nor UDP nor ICMP echo */
};

/**
 * struct doppel_packet - a packet that was parsed
 * @len: bytes of the whole packet, network header included
 * @l4: bytes before the transport header, options and extension headers included
 * @source: the source port, network byte order; an echo's identifier
 * @dest: the destination port, network byte order; an echo's identifier
 * @protocol: IPPROTO_TCP, IPPROTO_UDP or, for either ICMP's echo, IPPROTO_ICMP
 * @request: ICMP, an echo request
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
	u8 protocol;
	u8 request:1,
	   syn:1,
	   ack:1,
	   fin:1,
	   rst:1;
};

/* Parse the packet whose network header is at skb->data. When they return DOPPEL_PARSED, the
 * headers up to @packet's transport header and its fixed part are linear, the Ethernet padding
 * is cut off and the transport header is set. With DOPPEL_PARSED_PROTOCOL, len, l4 and protocol
 * (the number on the wire) are set. RFC 791, RFC 8200 section 4.
 */
enum doppel_parsed doppel_parse4(struct sk_buff *skb, struct doppel_packet *packet);
enum doppel_parsed doppel_parse6(struct sk_buff *skb, struct doppel_packet *packet);

#endif
