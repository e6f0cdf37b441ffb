// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int doppel_wg_owners_init(struct wg_owners *owners, size_t room, size_t len)
{
	doppel_map_init(&owners->map, len);
	owners->count = 0;
	owners->items = calloc(room + 1, sizeof(*owners->items));
	return owners->items ? 0 : -ENOMEM;
}

void doppel_wg_owners_free(struct wg_owners *owners)
{
	doppel_map_free(&owners->map);
	free(owners->items);
	owners->items = NULL;
}

int doppel_wg_owners_claim(struct wg_owners *owners, const void *value, const void *who,
			   const void **first)
{
	struct map_node *node = doppel_map_find(&owners->map, value);
	struct wg_owner *owner = &owners->items[owners->count];

	if (node) {
		*first = container_of(node, struct wg_owner, node)->who;
		return -EEXIST;
	}
	owner->who = who;
	memcpy(owner->value, value, owners->map.key_len);
	if (doppel_map_add(&owners->map, &owner->node, owner->value))
		return -ENOMEM;
	owners->count++;
	return 0;
}
