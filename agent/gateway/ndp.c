// SPDX-License-Identifier: GPL-2.0-only
/* Neighbour discovery messages. Section numbers are RFC 4861's. */
#include "gateway/ndp.h"

#include <netinet/icmp6.h>

#include "gateway/wire.h"

#define HOP_LIMIT 255			/* proves that no router was passed */
#define RA_LEN 16
#define NEIGHBOUR_LEN 24

enum {
	OPTION_SOURCE_MAC = 1,
	OPTION_TARGET_MAC = 2,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
	OPTION_DNS = 25,
	OPTION_SEARCH = 31,
	OPTION_PREF64 = 38,
};

/* What sections 6.1 and 7.1 ask of every message. */
static enum verdict check_head(const struct packet *packet, size_t min_len)
{
	if (packet->len < min_len)
		return VERDICT_TRUNCATED;
	if (packet->hop_limit != HOP_LIMIT)
		return VERDICT_REFUSED;
	if (packet->payload[1])
		return VERDICT_MALFORMED;
	return VERDICT_ACCEPTED;
}

/* The next option's length in bytes; 0 with @verdict told when there is none (left). */
static size_t option_len(const uint8_t *p, const uint8_t *end, enum verdict *verdict)
{
	*verdict = VERDICT_ACCEPTED;
	if (p == end)
		return 0;
	if (end - p < 2 || end - p < p[1] * 8)
		*verdict = VERDICT_TRUNCATED;
	else if (!p[1])
		*verdict = VERDICT_MALFORMED;
	return *verdict == VERDICT_ACCEPTED ? (size_t)p[1] * 8 : 0;
}

static void mask_prefix(struct in6_addr *prefix, uint8_t len)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		unsigned int bits = len > i * 8 ? len - i * 8 : 0;

		if (bits < 8)
			prefix->s6_addr[i] &= (uint8_t)(0xff00 >> bits);
	}
}

static void take_prefix(const uint8_t *p, size_t len, struct ra *ra)
{
	struct ra_prefix prefix = {
		.len = p[2],
		.on_link = p[3] & ND_OPT_PI_FLAG_ONLINK,
		.autonomous = p[3] & ND_OPT_PI_FLAG_AUTO,
		.valid_s = len == 32 ? doppel_get32(p + 4) : 0,
		.preferred_s = len == 32 ? doppel_get32(p + 8) : 0,
	};

	if (len != 32 || prefix.len > 128 || ra->prefix_count == RA_PREFIXES_MAX)
		return;
	memcpy(&prefix.prefix, p + 16, 16);
	/* RFC 4862 section 5.5.3 (b, c) */
	if (IN6_IS_ADDR_LINKLOCAL(&prefix.prefix) || IN6_IS_ADDR_MULTICAST(&prefix.prefix) ||
	    prefix.preferred_s > prefix.valid_s)
		return;
	mask_prefix(&prefix.prefix, prefix.len);
	ra->prefixes[ra->prefix_count++] = prefix;
}

/* RFC 8106 section 5.1 */
static void take_dns(const uint8_t *p, size_t len, struct ra *ra)
{
	size_t at;

	for (at = 8; at + 16 <= len && ra->dns_count < RA_DNS_MAX; at += 16) {
		struct ra_dns dns = { .lifetime_s = doppel_get32(p + 4) };

		memcpy(&dns.server, p + at, 16);
		if (doppel_ip6_is_host(&dns.server))
			ra->dns[ra->dns_count++] = dns;
	}
}

/* RFC 8106 section 5.2; of several lists the first. */
static void take_search(const uint8_t *p, size_t len, struct ra *ra)
{
	if (len < 16 || ra->search[0] || !doppel_domain_list(p + 8, len - 8, false, ra->search))
		return;
	ra->search_s = doppel_get32(p + 4);
}

/* RFC 8781 section 4: 13 bits of lifetime in 8 s, 3 bits of prefix length code. */
static void take_pref64(const uint8_t *p, size_t len, struct ra *ra)
{
	static const uint8_t lens[] = { 96, 64, 56, 48, 40, 32 };
	uint16_t word = doppel_get16(p + 2);
	struct ra_pref64 pref64 = { .lifetime_s = word & 0xfff8 };

	if (len != 16 || (word & 7) >= sizeof(lens) || ra->pref64_count == RA_PREF64_MAX)
		return;
	pref64.len = lens[word & 7];
	memcpy(&pref64.prefix, p + 4, 12);
	mask_prefix(&pref64.prefix, pref64.len);
	if (doppel_ip6_is_nat64_prefix(&pref64.prefix, pref64.len))
		ra->pref64[ra->pref64_count++] = pref64;
}

enum verdict doppel_ra_parse(const struct packet *packet, struct ra *ra)
{
	static const int8_t preferences[] = { 0, 1, 0, -1 };	/* RFC 4191: 2 is taken as 0 */
	const uint8_t *p = packet->payload, *end;
	enum verdict verdict;
	struct ra out = { 0 };
	size_t len;

	if (packet->kind != PACKET_ICMP6 || p[0] != ND_ROUTER_ADVERT)
		return VERDICT_OTHER;
	end = p + packet->len;
	verdict = check_head(packet, RA_LEN);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (!IN6_IS_ADDR_LINKLOCAL(&packet->ip6.src))
		return VERDICT_REFUSED;

	out.router = packet->ip6.src;
	out.router_mac = packet->src;
	out.hop_limit = p[4];
	out.managed = p[5] & ND_RA_FLAG_MANAGED;
	out.other = p[5] & ND_RA_FLAG_OTHER;
	out.lifetime_s = doppel_get16(p + 6);
	out.preference = out.lifetime_s ? preferences[p[5] >> 3 & 3] : 0;
	out.reachable_ms = doppel_get32(p + 8);
	out.retrans_ms = doppel_get32(p + 12);

	for (p += RA_LEN; (len = option_len(p, end, &verdict)); p += len) {
		switch (p[0]) {
		case OPTION_SOURCE_MAC:
			if (doppel_mac_is_host((const struct mac *)(p + 2)))
				memcpy(&out.router_mac, p + 2, 6);
			break;
		case OPTION_PREFIX:
			take_prefix(p, len, &out);
			break;
		case OPTION_MTU:
			if (len == 8 && doppel_get32(p + 4) >= 1280)
				out.mtu = doppel_get32(p + 4);
			break;
		case OPTION_DNS:
			take_dns(p, len, &out);
			break;
		case OPTION_SEARCH:
			take_search(p, len, &out);
			break;
		case OPTION_PREF64:
			take_pref64(p, len, &out);
			break;
		}
	}
	if (verdict == VERDICT_ACCEPTED)
		*ra = out;
	return verdict;
}

enum verdict doppel_neighbour_parse(const struct packet *packet, struct neighbour *neighbour)
{
	const uint8_t *p = packet->payload, *end;
	struct neighbour out = { 0 };
	enum verdict verdict;
	uint8_t wanted;
	size_t len;

	if (packet->kind != PACKET_ICMP6 ||
	    (p[0] != ND_NEIGHBOR_SOLICIT && p[0] != ND_NEIGHBOR_ADVERT))
		return VERDICT_OTHER;
	end = p + packet->len;
	verdict = check_head(packet, NEIGHBOUR_LEN);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	out.advertisement = p[0] == ND_NEIGHBOR_ADVERT;
	wanted = out.advertisement ? OPTION_TARGET_MAC : OPTION_SOURCE_MAC;
	if (out.advertisement) {
		out.router = p[4] & 0x80;
		out.solicited = p[4] & 0x40;
		out.override = p[4] & 0x20;
	}
	memcpy(&out.target, p + 8, 16);
	if (IN6_IS_ADDR_MULTICAST(&out.target) || IN6_IS_ADDR_MULTICAST(&packet->ip6.src))
		return VERDICT_MALFORMED;
	if (out.advertisement && out.solicited && IN6_IS_ADDR_MULTICAST(&packet->ip6.dst))
		return VERDICT_MALFORMED;
	if (out.advertisement && IN6_IS_ADDR_UNSPECIFIED(&packet->ip6.src))
		return VERDICT_MALFORMED;

	for (p += NEIGHBOUR_LEN; (len = option_len(p, end, &verdict)); p += len) {
		if (p[0] != wanted)
			continue;
		out.has_mac = true;
		memcpy(&out.mac, p + 2, 6);
	}
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (!out.advertisement && IN6_IS_ADDR_UNSPECIFIED(&packet->ip6.src)) {
		struct in6_addr group = doppel_ip6_solicited_node(&out.target);

		if (out.has_mac || !doppel_ip6_eq(&packet->ip6.dst, &group))
			return VERDICT_MALFORMED;
	}
	*neighbour = out;
	return VERDICT_ACCEPTED;
}

static size_t build_to(uint8_t *frame, const struct mac *to, const struct mac *mac,
		       const struct in6_addr *src, const struct in6_addr *dst,
		       const struct writer *message)
{
	struct packet head = {
		.dst = *to,
		.src = *mac,
		.ip6 = { .src = *src, .dst = *dst },
		.hop_limit = HOP_LIMIT,
	};

	return doppel_frame_icmp6(frame, &head, message->data, message->len);
}

static size_t build(uint8_t *frame, const struct mac *mac, const struct in6_addr *src,
		    const struct in6_addr *dst, const struct writer *message)
{
	const struct mac group = doppel_mac_multicast6(dst);

	return build_to(frame, &group, mac, src, dst, message);
}

static void put_mac(struct writer *w, uint8_t option, const struct mac *mac)
{
	doppel_put8(w, option);
	doppel_put8(w, 1);
	doppel_put(w, mac, 6);
}

size_t doppel_rs_build(uint8_t *frame, const struct mac *mac, const struct in6_addr *source)
{
	uint8_t data[16];
	struct writer w = { data, sizeof(data), 0, false };

	doppel_put32(&w, (uint32_t)ND_ROUTER_SOLICIT << 24);
	doppel_put32(&w, 0);
	if (!IN6_IS_ADDR_UNSPECIFIED(source))
		put_mac(&w, OPTION_SOURCE_MAC, mac);
	return build(frame, mac, source, &doppel_all_routers, &w);
}

size_t doppel_dad_ns_build(uint8_t *frame, const struct mac *mac, const struct in6_addr *target)
{
	struct in6_addr group = doppel_ip6_solicited_node(target);
	uint8_t data[NEIGHBOUR_LEN];
	struct writer w = { data, sizeof(data), 0, false };

	doppel_put32(&w, (uint32_t)ND_NEIGHBOR_SOLICIT << 24);
	doppel_put32(&w, 0);
	doppel_put(&w, target, 16);
	return build(frame, mac, &in6addr_any, &group, &w);
}

size_t doppel_ns_build(uint8_t *frame, const struct mac *mac, const struct in6_addr *source,
		       const struct in6_addr *target, const struct mac *to)
{
	struct in6_addr group = doppel_ip6_solicited_node(target);
	uint8_t data[NEIGHBOUR_LEN + 8];
	struct writer w = { data, sizeof(data), 0, false };

	doppel_put32(&w, (uint32_t)ND_NEIGHBOR_SOLICIT << 24);
	doppel_put32(&w, 0);
	doppel_put(&w, target, 16);
	put_mac(&w, OPTION_SOURCE_MAC, mac);
	if (to)
		return build_to(frame, to, mac, source, target, &w);
	return build(frame, mac, source, &group, &w);
}

size_t doppel_na_build(uint8_t *frame, const struct mac *mac, const struct in6_addr *target)
{
	uint8_t data[NEIGHBOUR_LEN + 8];
	struct writer w = { data, sizeof(data), 0, false };

	doppel_put32(&w, (uint32_t)ND_NEIGHBOR_ADVERT << 24);
	doppel_put32(&w, 0x20000000);		/* override */
	doppel_put(&w, target, 16);
	put_mac(&w, OPTION_TARGET_MAC, mac);
	return build(frame, mac, target, &doppel_all_nodes, &w);
}
