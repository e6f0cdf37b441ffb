/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of the negotiation protocols: Ethernet with ARP, IPv4/UDP, IPv6/UDP, IPv6/ICMPv6.
 *
 * Addresses are in network byte order, ports and lengths in host byte order.
 */
#ifndef DOPPEL_GATEWAY_FRAME_H
#define DOPPEL_GATEWAY_FRAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "gateway/negotiation.h"

#define FRAME_MAX 1514		/* without VLAN tag and FCS; nothing larger is built */
#define FRAME_MIN 60		/* shorter frames are padded with zeros */

enum packet_kind {
	PACKET_ARP,
	PACKET_UDP4,
	PACKET_UDP6,
	PACKET_ICMP6,
};

struct arp {
	uint16_t operation;		/* ARPOP_REQUEST, ARPOP_REPLY */
	struct mac sender_mac, target_mac;
	struct in_addr sender, target;
};

/* A parsed frame. Only the members of its kind are set. */
struct packet {
	enum packet_kind kind;
	struct mac dst, src;
	union {
		struct arp arp;
		struct {
			struct in_addr src, dst;
		} ip4;
		struct {
			struct in6_addr src, dst;
		} ip6;
	};
	uint8_t hop_limit;		/* or TTL */
	bool router_alert;		/* ICMPv6 behind a hop-by-hop router alert */
	uint16_t sport, dport;		/* UDP */
	const uint8_t *payload;		/* UDP: data; ICMPv6: from its type on. Into the frame */
	size_t len;
};

enum {
	/* The checksum above IP is not computed yet: TP_STATUS_CSUMNOTREADY of a local sender. */
	FRAME_CHECKSUM_PENDING = 1 << 0,
};

/*
 * Parse and verify one frame as a packet socket gives it (VLAN tag already taken off by the
 * kernel). Fragments and protocols but those above are VERDICT_OTHER. @packet points into @frame.
 */
enum verdict doppel_frame_parse(const void *frame, size_t len, unsigned int flags,
				struct packet *packet);

/*
 * Builders write a whole frame to @frame, which has room for FRAME_MAX bytes, and return its
 * length; 0 if the payload does not fit.
 */
size_t doppel_frame_arp(uint8_t *frame, const struct mac *dst, const struct mac *src,
			const struct arp *arp);
size_t doppel_frame_udp4(uint8_t *frame, const struct packet *head, const void *payload,
			 size_t len);
size_t doppel_frame_udp6(uint8_t *frame, const struct packet *head, const void *payload,
			 size_t len);

/*
 * The ICMPv6 message @payload has a zero checksum field; it is filled in. head->router_alert adds
 * the hop-by-hop option (RFC 2711) that MLD needs.
 */
size_t doppel_frame_icmp6(uint8_t *frame, const struct packet *head, const void *payload,
			  size_t len);

extern const struct mac doppel_mac_broadcast;
extern const struct in6_addr doppel_all_nodes, doppel_all_routers;

#endif
