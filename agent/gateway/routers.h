/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The routers that advertise on the WAN. One set for all devices: a router advertisement that one
 * identity asked for tells about the link, so it applies to every identity.
 */
#ifndef DOPPEL_GATEWAY_ROUTERS_H
#define DOPPEL_GATEWAY_ROUTERS_H

#include "gateway/ndp.h"

#define ROUTERS_MAX 8

struct routers {
	struct ra ra[ROUTERS_MAX];	/* the newest of each router */
	unsigned int count;
};

/*
 * Take in an advertisement (received_ms set). With the set full, a router that no longer is a
 * default one, else the one with the lowest preference, makes room; false if none does.
 */
bool doppel_routers_update(struct routers *routers, const struct ra *ra);

/* Forget those whose lifetimes, prefixes included, have all run out. True if any has gone. */
bool doppel_routers_expire(struct routers *routers, int64_t now_ms);

/* The default router: highest preference, then the one known for longer; NULL: none. */
const struct ra *doppel_routers_default(const struct routers *routers, int64_t now_ms);

/* Whether a router that still stands sets M, O. */
bool doppel_routers_managed(const struct routers *routers, int64_t now_ms);
bool doppel_routers_other(const struct routers *routers, int64_t now_ms);

/* The prefix length under which @address is on-link by an L flag; 128 if under none. */
uint8_t doppel_routers_prefix_len(const struct routers *routers, const struct in6_addr *address,
				  int64_t now_ms);

/* When after @now_ms the answer of a function above may change by itself; NEVER. */
int64_t doppel_routers_deadline(const struct routers *routers, int64_t now_ms);

#endif
