/* SPDX-License-Identifier: GPL-2.0-only */
/* Values that only one may have, names, keys and addresses: who had each first. */
#ifndef DOPPEL_WIREGUARD_OWNERS_H
#define DOPPEL_WIREGUARD_OWNERS_H

#include "base/map.h"

#define WG_OWNED_MAX 64			/* bytes of a value */

struct wg_owner {
	struct map_node node;
	const void *who;
	char value[WG_OWNED_MAX];
};

struct wg_owners {
	struct map map;
	struct wg_owner *items;
	size_t count;
};

/* Room for that many values of @len bytes. 0 or -ENOMEM; doppel_wg_owners_free() in any case. */
int doppel_wg_owners_init(struct wg_owners *owners, size_t room, size_t len);
void doppel_wg_owners_free(struct wg_owners *owners);

/* Whose it is; NULL. */
const void *doppel_wg_owners_find(const struct wg_owners *owners, const void *value);
/* 0, and the value is @who's; -EEXIST, and *first whose it is; -ENOMEM. */
int doppel_wg_owners_claim(struct wg_owners *owners, const void *value, const void *who,
			   const void **first);

/* The same for names, which are the same in any case; of no more than WG_OWNED_MAX bytes. */
int doppel_wg_owners_init_names(struct wg_owners *owners, size_t room);
const void *doppel_wg_owners_find_name(const struct wg_owners *owners, const char *name);
int doppel_wg_owners_claim_name(struct wg_owners *owners, const char *name, const void *who,
				const void **first);

#define auto_wg_owners __attribute__((cleanup(doppel_wg_owners_free)))

#endif
