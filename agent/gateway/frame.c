// SPDX-License-Identifier: GPL-2.0-only
/* Frames of the negotiation protocols: parsing, building, checksums. */
#include "gateway/frame.h"

#include <net/if_arp.h>
#include <netinet/if_ether.h>

#include "gateway/wire.h"

#define ETHER_LEN 14
#define ARP_LEN 28
#define IP4_LEN 20
#define IP6_LEN 40
#define UDP_LEN 8
#define ICMP6_MIN 4
#define ROUTER_ALERT_LEN 8		/* a hop-by-hop header that holds nothing else */
#define IP4_OFFSET_MASK 0x3fff		/* more fragments, and the offset */
#define OPTION_ROUTER_ALERT 5

const struct mac doppel_mac_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
const struct in6_addr doppel_all_nodes = { { { 0xff, 2, [15] = 1 } } };
const struct in6_addr doppel_all_routers = { { { 0xff, 2, [15] = 2 } } };

/* RFC 1071. An odd last byte is the high one of its word: only the last piece may be odd. */
static uint32_t sum(uint32_t start, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (; len > 1; p += 2, len -= 2)
		start += doppel_get16(p);
	if (len)
		start += (uint32_t)*p << 8;
	return start;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return ~total & 0xffff;
}

static uint16_t checksum4(const struct packet *head, const uint8_t *data, size_t len)
{
	uint32_t total = IPPROTO_UDP + (uint32_t)len;

	total = sum(total, &head->ip4.src, 4);
	total = sum(total, &head->ip4.dst, 4);
	return fold(sum(total, data, len));
}

static uint16_t checksum6(const struct packet *head, uint8_t protocol, const uint8_t *data,
			  size_t len)
{
	uint32_t total = protocol + (uint32_t)len;

	total = sum(total, &head->ip6.src, 16);
	total = sum(total, &head->ip6.dst, 16);
	return fold(sum(total, data, len));
}

static enum verdict parse_arp(const uint8_t *data, size_t len, struct packet *packet)
{
	struct arp *arp = &packet->arp;

	if (len < ARP_LEN)
		return VERDICT_TRUNCATED;
	if (doppel_get16(data) != ARPHRD_ETHER || doppel_get16(data + 2) != ETHERTYPE_IP ||
	    data[4] != 6 || data[5] != 4)
		return VERDICT_OTHER;
	packet->kind = PACKET_ARP;
	arp->operation = doppel_get16(data + 6);
	memcpy(&arp->sender_mac, data + 8, 6);
	memcpy(&arp->sender, data + 14, 4);
	memcpy(&arp->target_mac, data + 18, 6);
	memcpy(&arp->target, data + 24, 4);
	return VERDICT_ACCEPTED;
}

/* @data: the IP payload, which may be longer than the UDP datagram in it. */
static enum verdict parse_udp(const uint8_t *data, size_t len, struct packet *packet)
{
	size_t udp_len;

	if (len < UDP_LEN)
		return VERDICT_TRUNCATED;
	udp_len = doppel_get16(data + 4);
	if (udp_len < UDP_LEN)
		return VERDICT_MALFORMED;
	if (udp_len > len)
		return VERDICT_TRUNCATED;
	packet->sport = doppel_get16(data);
	packet->dport = doppel_get16(data + 2);
	packet->payload = data + UDP_LEN;
	packet->len = udp_len - UDP_LEN;
	return VERDICT_ACCEPTED;
}

static enum verdict parse_ip4(const uint8_t *data, size_t len, unsigned int flags,
			      struct packet *packet)
{
	size_t head_len, total;
	enum verdict verdict;

	if (len < IP4_LEN)
		return VERDICT_TRUNCATED;
	head_len = (size_t)(data[0] & 15) * 4;
	total = doppel_get16(data + 2);
	if (data[0] >> 4 != 4 || head_len < IP4_LEN || total < head_len)
		return VERDICT_MALFORMED;
	if (total > len)
		return VERDICT_TRUNCATED;
	if (fold(sum(0, data, head_len)))
		return VERDICT_CHECKSUM;
	if (data[9] != IPPROTO_UDP || doppel_get16(data + 6) & IP4_OFFSET_MASK)
		return VERDICT_OTHER;

	packet->kind = PACKET_UDP4;
	packet->hop_limit = data[8];
	memcpy(&packet->ip4.src, data + 12, 4);
	memcpy(&packet->ip4.dst, data + 16, 4);
	data += head_len;
	verdict = parse_udp(data, total - head_len, packet);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	/* A zero field is a datagram without one (RFC 768). */
	if (!(flags & FRAME_CHECKSUM_PENDING) && doppel_get16(data + 6) &&
	    checksum4(packet, data, UDP_LEN + packet->len))
		return VERDICT_CHECKSUM;
	return VERDICT_ACCEPTED;
}

/* A hop-by-hop or destination options header; moves @data and @len behind it. */
static enum verdict skip_options(const uint8_t **data, size_t *len, uint8_t *next,
				 bool *router_alert)
{
	const uint8_t *p = *data;
	size_t size, at;

	if (*len < 8)
		return VERDICT_TRUNCATED;
	size = 8 + (size_t)p[1] * 8;
	if (size > *len)
		return VERDICT_TRUNCATED;
	for (at = 2; at < size; at += 2 + (size_t)p[at + 1]) {
		while (at < size && !p[at])		/* Pad1 */
			at++;
		if (at == size)
			break;
		if (at + 2 > size || at + 2 + p[at + 1] > size)
			return VERDICT_MALFORMED;
		if (p[at] == OPTION_ROUTER_ALERT && p[at + 1] == 2)
			*router_alert = true;
	}
	*next = p[0];
	*data += size;
	*len -= size;
	return VERDICT_ACCEPTED;
}

static enum verdict parse_ip6(const uint8_t *data, size_t len, unsigned int flags,
			      struct packet *packet)
{
	enum verdict verdict = VERDICT_ACCEPTED;
	size_t rest;
	uint8_t next;

	if (len < IP6_LEN)
		return VERDICT_TRUNCATED;
	if (data[0] >> 4 != 6)
		return VERDICT_MALFORMED;
	rest = doppel_get16(data + 4);
	if (rest > len - IP6_LEN)
		return VERDICT_TRUNCATED;
	next = data[6];
	packet->hop_limit = data[7];
	packet->router_alert = false;
	memcpy(&packet->ip6.src, data + 8, 16);
	memcpy(&packet->ip6.dst, data + 24, 16);
	data += IP6_LEN;

	while (next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS) {
		verdict = skip_options(&data, &rest, &next, &packet->router_alert);
		if (verdict != VERDICT_ACCEPTED)
			return verdict;
	}

	if (next == IPPROTO_UDP) {
		packet->kind = PACKET_UDP6;
		verdict = parse_udp(data, rest, packet);
		if (verdict != VERDICT_ACCEPTED)
			return verdict;
		rest = UDP_LEN + packet->len;
		/* RFC 8200 section 8.1: no datagram without one. */
		if (!(flags & FRAME_CHECKSUM_PENDING) && !doppel_get16(data + 6))
			return VERDICT_CHECKSUM;
	} else if (next == IPPROTO_ICMPV6) {
		if (rest < ICMP6_MIN)
			return VERDICT_TRUNCATED;
		packet->kind = PACKET_ICMP6;
		packet->payload = data;
		packet->len = rest;
	} else {
		return VERDICT_OTHER;
	}
	if (!(flags & FRAME_CHECKSUM_PENDING) && checksum6(packet, next, data, rest))
		return VERDICT_CHECKSUM;
	return VERDICT_ACCEPTED;
}

enum verdict doppel_frame_parse(const void *frame, size_t len, unsigned int flags,
				struct packet *packet)
{
	const uint8_t *data = frame;

	if (len < ETHER_LEN)
		return VERDICT_TRUNCATED;
	memcpy(&packet->dst, data, 6);
	memcpy(&packet->src, data + 6, 6);
	data += ETHER_LEN;
	len -= ETHER_LEN;
	switch (doppel_get16(data - 2)) {
	case ETHERTYPE_ARP:
		return parse_arp(data, len, packet);
	case ETHERTYPE_IP:
		return parse_ip4(data, len, flags, packet);
	case ETHERTYPE_IPV6:
		return parse_ip6(data, len, flags, packet);
	default:
		return VERDICT_OTHER;
	}
}

static struct writer ether(uint8_t *frame, const struct mac *dst, const struct mac *src,
			   uint16_t type)
{
	struct writer w = { frame, FRAME_MAX, 0, false };

	doppel_put(&w, dst, 6);
	doppel_put(&w, src, 6);
	doppel_put16(&w, type);
	return w;
}

/* Zero is "not computed" in UDP, so the sum that is zero goes out as its other form. */
static void set_udp_checksum(uint8_t *udp, uint16_t value)
{
	if (!value)
		value = 0xffff;
	udp[6] = value >> 8;
	udp[7] = value & 0xff;
}

static size_t finish(struct writer *w)
{
	if (w->overflow)
		return 0;
	if (w->len < FRAME_MIN)
		doppel_put_zeros(w, FRAME_MIN - w->len);
	return w->len;
}

size_t doppel_frame_arp(uint8_t *frame, const struct mac *dst, const struct mac *src,
			const struct arp *arp)
{
	struct writer w = ether(frame, dst, src, ETHERTYPE_ARP);

	doppel_put16(&w, ARPHRD_ETHER);
	doppel_put16(&w, ETHERTYPE_IP);
	doppel_put8(&w, 6);
	doppel_put8(&w, 4);
	doppel_put16(&w, arp->operation);
	doppel_put(&w, &arp->sender_mac, 6);
	doppel_put(&w, &arp->sender, 4);
	doppel_put(&w, &arp->target_mac, 6);
	doppel_put(&w, &arp->target, 4);
	return finish(&w);
}

static void put_udp(struct writer *w, const struct packet *head, const void *payload, size_t len)
{
	doppel_put16(w, head->sport);
	doppel_put16(w, head->dport);
	doppel_put16(w, (uint16_t)(UDP_LEN + len));
	doppel_put16(w, 0);
	doppel_put(w, payload, len);
}

size_t doppel_frame_udp4(uint8_t *frame, const struct packet *head, const void *payload, size_t len)
{
	struct writer w = ether(frame, &head->dst, &head->src, ETHERTYPE_IP);
	uint8_t *ip = frame + ETHER_LEN, *udp = ip + IP4_LEN;
	uint16_t check;

	if (len > FRAME_MAX - ETHER_LEN - IP4_LEN - UDP_LEN)
		return 0;
	doppel_put8(&w, 0x45);
	doppel_put8(&w, 0);
	doppel_put16(&w, (uint16_t)(IP4_LEN + UDP_LEN + len));
	doppel_put32(&w, 0);			/* RFC 6864: no identifier, never fragmented */
	doppel_put8(&w, head->hop_limit);
	doppel_put8(&w, IPPROTO_UDP);
	doppel_put16(&w, 0);
	doppel_put(&w, &head->ip4.src, 4);
	doppel_put(&w, &head->ip4.dst, 4);
	check = fold(sum(0, ip, IP4_LEN));
	ip[10] = check >> 8;
	ip[11] = check & 0xff;
	put_udp(&w, head, payload, len);
	set_udp_checksum(udp, checksum4(head, udp, UDP_LEN + len));
	return finish(&w);
}

static struct writer ip6(uint8_t *frame, const struct packet *head, uint8_t next, size_t len)
{
	struct writer w = ether(frame, &head->dst, &head->src, ETHERTYPE_IPV6);

	doppel_put32(&w, 0x60000000);
	doppel_put16(&w, (uint16_t)len);
	doppel_put8(&w, next);
	doppel_put8(&w, head->hop_limit);
	doppel_put(&w, &head->ip6.src, 16);
	doppel_put(&w, &head->ip6.dst, 16);
	return w;
}

size_t doppel_frame_udp6(uint8_t *frame, const struct packet *head, const void *payload, size_t len)
{
	struct writer w = ip6(frame, head, IPPROTO_UDP, UDP_LEN + len);
	uint8_t *udp = frame + w.len;

	if (len > FRAME_MAX - w.len - UDP_LEN)
		return 0;
	put_udp(&w, head, payload, len);
	set_udp_checksum(udp, checksum6(head, IPPROTO_UDP, udp, UDP_LEN + len));
	return finish(&w);
}

size_t doppel_frame_icmp6(uint8_t *frame, const struct packet *head, const void *payload,
			  size_t len)
{
	size_t alert = head->router_alert ? ROUTER_ALERT_LEN : 0;
	struct writer w = ip6(frame, head, alert ? IPPROTO_HOPOPTS : IPPROTO_ICMPV6, alert + len);
	uint8_t *icmp;
	uint16_t check;

	if (len < ICMP6_MIN || len > FRAME_MAX - w.len - alert)
		return 0;
	if (alert)		/* RFC 2711: value 0 is MLD; then PadN of two bytes */
		doppel_put(&w, (const uint8_t[]){ IPPROTO_ICMPV6, 0, OPTION_ROUTER_ALERT, 2, 0, 0,
						  1, 0 }, alert);
	icmp = frame + w.len;
	doppel_put(&w, payload, len);
	check = checksum6(head, IPPROTO_ICMPV6, icmp, len);
	icmp[2] = check >> 8;
	icmp[3] = check & 0xff;
	return finish(&w);
}
