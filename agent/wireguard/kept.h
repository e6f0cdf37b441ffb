/* SPDX-License-Identifier: GPL-2.0-only */
/* What peers were given before and keep, as the store knows it. */
#ifndef DOPPEL_WIREGUARD_KEPT_H
#define DOPPEL_WIREGUARD_KEPT_H

#include "base/map.h"
#include "wireguard/model.h"

struct wg_member;

#define WG_KEPT_HASH_TEXT 65		/* with its NUL; WG_QUICK_HASH_TEXT */

/* In lower case: a name is the same in any. */
struct wg_kept_name {
	char network[WG_NAME_MAX + 1];
	char peer[WG_NAME_MAX + 1];
};

struct wg_kept_peer {
	struct map_node node;
	struct wg_kept_name name;
	bool has_ipv4, has_ipv6;
	struct in6_addr ipv4, ipv6;	/* the first v4-mapped */
	uint8_t public_key[WG_KEY_LEN];
	bool has_private_key;
	uint8_t private_key[WG_KEY_LEN];
	bool has_preshared_key;
	uint8_t preshared_key[WG_KEY_LEN];
	char handed_out[WG_KEPT_HASH_TEXT];	/* hash of the file that its owner has; "": none */
	char token[WG_KEPT_HASH_TEXT];		/* hash of the one that it joins with; "": none */
};

struct wg_kept {
	struct map peers;		/* struct wg_kept_peer */
};

void doppel_wg_kept_init(struct wg_kept *kept);
/* All of it, its keys wiped. */
void doppel_wg_kept_free(struct wg_kept *kept);

/* Names in any case. add: the new peer, of which all else is zero; NULL when it is known, or for want of memory. */
struct wg_kept_peer *doppel_wg_kept_add(struct wg_kept *kept, const char *network, const char *peer);
/* It keeps what the member was given. */
void doppel_wg_kept_give(struct wg_kept_peer *peer, const struct wg_member *member);
/* NULL: nothing is known of it. */
struct wg_kept_peer *doppel_wg_kept_peer(const struct wg_kept *kept, const char *network,
					 const char *peer);

#define auto_wg_kept __attribute__((cleanup(doppel_wg_kept_free)))

#endif
