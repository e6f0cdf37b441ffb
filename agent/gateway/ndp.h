/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Neighbour discovery messages (RFC 4861): what is read from the WAN and what is said in a
 * device's name. No state: see routers.h, slaac.h and dad.h.
 */
#ifndef DOPPEL_GATEWAY_NDP_H
#define DOPPEL_GATEWAY_NDP_H

#include "gateway/domain_list.h"
#include "gateway/frame.h"
#include "gateway/negotiation.h"

#define RA_PREFIXES_MAX 8
#define RA_DNS_MAX 4
#define RA_PREF64_MAX 4
#define ND_INFINITE UINT32_MAX

struct ra_prefix {
	struct in6_addr prefix;		/* host bits zero */
	uint8_t len;
	bool on_link, autonomous;	/* L and A */
	uint32_t valid_s, preferred_s;	/* ND_INFINITE: for ever */
};

struct ra_dns {
	struct in6_addr server;
	uint32_t lifetime_s;		/* 0: no longer; ND_INFINITE: for ever */
};

/* A NAT64 prefix (RFC 8781). */
struct ra_pref64 {
	struct in6_addr prefix;
	uint8_t len;			/* one of RFC 6052's */
	uint16_t lifetime_s;		/* 0: no longer */
};

/* A router advertisement. Options beyond the limits are left out. */
struct ra {
	struct in6_addr router;		/* its link-local address */
	struct mac router_mac;		/* of its source link-layer option, else of the frame */
	bool managed, other;		/* M and O */
	int8_t preference;		/* RFC 4191: -1 low, 0 medium, 1 high */
	uint8_t hop_limit;		/* 0: unspecified */
	uint16_t lifetime_s;		/* 0: not a default router */
	uint32_t reachable_ms, retrans_ms;	/* 0: unspecified */
	uint32_t mtu;			/* 0: not given */
	struct ra_prefix prefixes[RA_PREFIXES_MAX];
	unsigned int prefix_count;
	struct ra_dns dns[RA_DNS_MAX];	/* RFC 8106 */
	unsigned int dns_count;
	struct ra_pref64 pref64[RA_PREF64_MAX];
	unsigned int pref64_count;
	char search[DOMAIN_LIST_TEXT];	/* DNSSL (RFC 8106 section 5.2); "" if none is given */
	uint32_t search_s;		/* 0: no longer, or none is given; ND_INFINITE: for ever */
	int64_t received_ms;		/* the caller's to set */
	int64_t since_ms;		/* when it was first heard at this MAC: the caller's, too */
	bool silent;			/* it does not answer any more: the caller's, too */
};

/* A neighbour solicitation or advertisement. */
struct neighbour {
	bool advertisement;
	bool router, solicited, override;	/* of an advertisement */
	struct in6_addr target;
	bool has_mac;
	struct mac mac;			/* source or target link-layer address option */
};

/* Accept what RFC 4861 section 6.1.2 says is valid; @ra is untouched otherwise. */
enum verdict doppel_ra_parse(const struct packet *packet, struct ra *ra);

/* Sections 7.1.1 and 7.1.2. */
enum verdict doppel_neighbour_parse(const struct packet *packet, struct neighbour *neighbour);

/* All write to @frame (FRAME_MAX bytes) and return the length. */

/* From :: if @source is unspecified, and then without the source's MAC. */
size_t doppel_rs_build(uint8_t *frame, const struct mac *mac, const struct in6_addr *source);

/* Duplicate address detection: from :: to the solicited-node group of @target. */
size_t doppel_dad_ns_build(uint8_t *frame, const struct mac *mac, const struct in6_addr *target);

/*
 * Where is @target? From @source, to its solicited-node group, or to @to, its MAC, if that is not
 * NULL: is it still there?
 */
size_t doppel_ns_build(uint8_t *frame, const struct mac *mac, const struct in6_addr *source,
		       const struct in6_addr *target, const struct mac *to);

/* Unsolicited, to all nodes, override set: a new face on the link. */
size_t doppel_na_build(uint8_t *frame, const struct mac *mac, const struct in6_addr *target);

#endif
