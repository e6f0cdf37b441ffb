/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Networks with what was given out in them: each peer's addresses and keys. Whatever acts on a
 * network (kernel, firewall, names, files for other hosts) reads it here.
 */
#ifndef DOPPEL_WIREGUARD_ASSIGNMENT_H
#define DOPPEL_WIREGUARD_ASSIGNMENT_H

#include "base/error.h"
#include "wireguard/kept.h"
#include "wireguard/model.h"

struct rng;

struct wg_member {
	const struct wg_peer *peer;
	bool has_ipv4, has_ipv6;
	struct in6_addr ipv4, ipv6;	/* the first v4-mapped */
	uint8_t public_key[WG_KEY_LEN];
	bool has_private_key;		/* made here, or taken over with a file */
	uint8_t private_key[WG_KEY_LEN];
	bool has_preshared_key;		/* between this peer and the jump peer */
	uint8_t preshared_key[WG_KEY_LEN];
	bool expired;			/* keeps what it has, and is let in nowhere */
	/* Where this host dials it; port 0: it dials this host. Never given by doppel_wg_assign(). */
	struct in6_addr endpoint;	/* v4-mapped if it is IPv4 */
	uint16_t endpoint_port;
	uint16_t keepalive;		/* seconds; 0: off */
};

struct wg_assignment {
	const struct wg_network *network;
	struct wg_member *members;	/* of each of network->peers, in its order */
	struct wg_member *jump;		/* one of them: this gateway; NULL: it is in no peer's list yet */
};

/* All of a document's networks, in its order. The document stays the caller's and must outlive it. */
struct wg_site {
	const struct wg_document *document;
	struct wg_assignment *networks;
	size_t network_count;
};

/*
 * Give each peer its addresses and keys: those that the document names; of @kept (NULL: nothing) what
 * still fits; for the rest new ones, of which the first address of a network is the jump peer's.
 * Whoever expires at @now, seconds since the epoch, or before has expired. 0 and a site that the
 * caller frees before the document; with a line in @error for each peer that cannot have what it
 * needs -ENOSPC, a prefix is used up, or -EINVAL, its key is another peer's; -ENOMEM.
 */
int doppel_wg_assign(const struct wg_document *document, const struct wg_kept *kept, int64_t now,
		     struct rng *rng, struct wg_site **site, struct doppel_error *error);

/* By name; NULL. */
struct wg_assignment *doppel_wg_assignment(const struct wg_site *site, const char *network);
struct wg_member *doppel_wg_member(const struct wg_assignment *assignment, const char *peer);

/* Its keys are wiped. NULL is fine. */
void doppel_wg_site_free(struct wg_site *site);
void doppel_wg_site_cleanup(struct wg_site **site);

#define auto_wg_site __attribute__((cleanup(doppel_wg_site_cleanup)))

#endif
