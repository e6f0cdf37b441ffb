// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/owners.h"

#include <ctype.h>
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

const void *doppel_wg_owners_find(const struct wg_owners *owners, const void *value)
{
	struct map_node *node = doppel_map_find(&owners->map, value);

	return node ? container_of(node, struct wg_owner, node)->who : NULL;
}

int doppel_wg_owners_claim(struct wg_owners *owners, const void *value, const void *who,
			   const void **first)
{
	struct wg_owner *owner = &owners->items[owners->count];

	*first = doppel_wg_owners_find(owners, value);
	if (*first)
		return -EEXIST;
	owner->who = who;
	memcpy(owner->value, value, owners->map.key_len);
	if (doppel_map_add(&owners->map, &owner->node, owner->value))
		return -ENOMEM;
	owners->count++;
	return 0;
}

static void lower(char to[WG_OWNED_MAX], const char *from)
{
	size_t i;

	memset(to, 0, WG_OWNED_MAX);
	for (i = 0; from[i] && i < WG_OWNED_MAX; i++)
		to[i] = (char)tolower((unsigned char)from[i]);
}

int doppel_wg_owners_init_names(struct wg_owners *owners, size_t room)
{
	return doppel_wg_owners_init(owners, room, WG_OWNED_MAX);
}

const void *doppel_wg_owners_find_name(const struct wg_owners *owners, const char *name)
{
	char value[WG_OWNED_MAX];

	lower(value, name);
	return doppel_wg_owners_find(owners, value);
}

int doppel_wg_owners_claim_name(struct wg_owners *owners, const char *name, const void *who,
				const void **first)
{
	char value[WG_OWNED_MAX];

	lower(value, name);
	return doppel_wg_owners_claim(owners, value, who, first);
}
