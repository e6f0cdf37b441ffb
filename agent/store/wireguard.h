/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the store has of WireGuard networks: those that were applied, as documents, and what the peers of
 * all networks were given. Names are the same in any case. The only place of private keys.
 */
#ifndef DOPPEL_STORE_WIREGUARD_H
#define DOPPEL_STORE_WIREGUARD_H

#include "store/store.h"

#define STORE_WG_KEY_LEN 32

/* Strings are the store's and good until the callback returns. */
struct store_wg_peer {
	const char *network, *name;
	bool has_ipv4, has_ipv6;
	struct in6_addr ipv4, ipv6;	/* the first v4-mapped */
	uint8_t public_key[STORE_WG_KEY_LEN];
	bool has_private_key;
	uint8_t private_key[STORE_WG_KEY_LEN];
	bool has_preshared_key;
	uint8_t preshared_key[STORE_WG_KEY_LEN];
	const char *handed_out;		/* hash of the file that its owner has; "": none. Not put. */
	const char *token;		/* hash of the one that it joins with; "": none. Not put. */
};

/* Put replaces the document of that name. */
int doppel_store_wg_network_put(struct store *store, const char *name, const char *document);
/* Its peers are deleted by themselves. -ENOENT. */
int doppel_store_wg_network_del(struct store *store, const char *name);
/* By name, ascending. Callbacks: non-zero ends the walk and is its result. */
int doppel_store_wg_network_foreach(struct store *store,
				    int (*cb)(const char *name, const char *document, void *ctx),
				    void *ctx);

/* Its network need not be in the store: it may be in the agent's file. */
int doppel_store_wg_peer_put(struct store *store, const struct store_wg_peer *peer);
/* -ENOENT. */
int doppel_store_wg_peer_del(struct store *store, const char *network, const char *name);
int doppel_store_wg_peer_foreach(struct store *store,
				 int (*cb)(const struct store_wg_peer *peer, void *ctx), void *ctx);
/* Its owner was given the file of that hash. -ENOENT. */
int doppel_store_wg_peer_handed_out(struct store *store, const char *network, const char *name,
				    const char *hash);
/* It joins with the token of that hash. -ENOENT. */
int doppel_store_wg_peer_token(struct store *store, const char *network, const char *name,
			       const char *hash);

#endif
