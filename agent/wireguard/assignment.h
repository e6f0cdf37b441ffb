/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Networks with what was given out in them: each peer's addresses and keys. Whatever acts on a
 * network (kernel, firewall, names, files for other hosts) reads it here.
 */
#ifndef DOPPEL_WIREGUARD_ASSIGNMENT_H
#define DOPPEL_WIREGUARD_ASSIGNMENT_H

#include "wireguard/model.h"

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

#endif
