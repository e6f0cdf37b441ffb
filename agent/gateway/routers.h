/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The routers that advertise on the WAN. One set for all devices: a router advertisement that one
 * identity asked for tells about the link, so it applies to every identity.
 */
#ifndef DOPPEL_GATEWAY_ROUTERS_H
#define DOPPEL_GATEWAY_ROUTERS_H

#include "gateway/ndp.h"

#define ROUTERS_MAX 8
#define ROUTERS_DNS_MAX 8	/* name servers that anybody asks for */
#define ROUTERS_SHARE 8		/* of one router, so that none can take the others' places */
#define ROUTERS_KEPT (ROUTERS_MAX * ROUTERS_SHARE)

/*
 * Name servers, NAT64 prefixes and search lists live for as long as they were given for, whatever the
 * router's next advertisements leave out (RFC 4861 section 6.3.4).
 */
struct router_dns {
	struct in6_addr router, server;
	int64_t until;
	bool doubted;			/* the link is another, or its router tells otherwise */
};

struct router_pref64 {
	struct in6_addr router;
	struct in6_addr prefix;
	uint8_t len;
	int64_t until;
	bool doubted;
};

struct routers {
	struct ra ra[ROUTERS_MAX];	/* the newest of each router */
	unsigned int count;
	struct in6_addr excess[ROUTERS_MAX];	/* that spoke while there was no room for them */
	unsigned int excess_count;
	struct in6_addr first;		/* the default router, as long as it lives */
	int64_t open_until;		/* before that it is being found: preference decides */
	struct router_dns dns[ROUTERS_KEPT];	/* in the order in which they were heard */
	unsigned int dns_count;
	struct router_pref64 pref64[ROUTERS_KEPT];
	unsigned int pref64_count;
	struct in6_addr search_router;	/* whose search list this is */
	char search[DOMAIN_LIST_TEXT];
	int64_t search_until;
	bool link_new;			/* nobody has advertised since it came */
};

/*
 * Take in an advertisement (received_ms set). With the set full, a router that no longer is a
 * default one, else the one with the lowest preference that is not the default router, makes room;
 * false if none does.
 */
bool doppel_routers_update(struct routers *routers, const struct ra *ra);

/*
 * Whether this one has spoken already while there was no room for it; with too many of them to be known
 * one by one, each of them has.
 */
bool doppel_routers_in_excess(const struct routers *routers, const struct in6_addr *router);

/*
 * The link was away and may lead elsewhere: name servers and NAT64 prefixes count for less than what
 * is told from now on, and are forgotten soon after somebody tells something.
 */
void doppel_routers_doubt(struct routers *routers);

/* Forget what has run out; of routers those with nothing left. True if one of them has gone. */
bool doppel_routers_expire(struct routers *routers, int64_t now_ms);

/*
 * The default router: the one that it was, while it advertises and answers, so that nobody takes its
 * place by a higher preference; else one that answers, highest preference, known for longer; NULL: none.
 */
const struct ra *doppel_routers_default(const struct routers *routers, int64_t now_ms);

/*
 * Who is the default router now stays it. To be called before and after what may change it; but those
 * that answer the same solicitation are chosen from by their preference (RFC 4191 section 3.2).
 */
void doppel_routers_elect(struct routers *routers, int64_t now_ms);

/* This one was the default router before this agent: it is again, if it advertises soon. */
void doppel_routers_resume(struct routers *routers, const struct in6_addr *router);

/* Whether a router that still stands sets M, O: one that answers, if any does. */
bool doppel_routers_managed(const struct routers *routers, int64_t now_ms);
bool doppel_routers_other(const struct routers *routers, int64_t now_ms);

/* The prefix length under which @address is on-link by an L flag; 128 if under none. */
uint8_t doppel_routers_prefix_len(const struct routers *routers, const struct in6_addr *address,
				  int64_t now_ms);

/* Name servers that routers tell of and that still hold; returns how many. */
unsigned int doppel_routers_dns(const struct routers *routers, int64_t now_ms,
				struct in6_addr servers[ROUTERS_DNS_MAX]);

/*
 * The NAT64 prefix to use: one that is not doubted, of the default router, then of the most preferred,
 * then the one known for longer; @current (NULL: none is in use) stays while it is as good. NULL: none.
 */
const struct router_pref64 *doppel_routers_pref64(const struct routers *routers, int64_t now_ms,
						  const struct in6_addr *current,
						  uint8_t current_len);

/*
 * A NAT64 prefix of another router than @chosen's that is another one, and no less believed; NULL:
 * they agree.
 */
const struct router_pref64 *doppel_routers_other_pref64(const struct routers *routers,
							int64_t now_ms,
							const struct router_pref64 *chosen);

/* The search list (DNSSL): of the router that named one first; "": none. */
const char *doppel_routers_search(const struct routers *routers, int64_t now_ms);

/* When after @now_ms the answer of a function above may change by itself; NEVER. */
int64_t doppel_routers_deadline(const struct routers *routers, int64_t now_ms);

#endif
