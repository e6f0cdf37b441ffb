// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/kept.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>

#include "wireguard/assignment.h"

static void lower(char *to, const char *from)
{
	size_t i;

	for (i = 0; from[i] && i < WG_NAME_MAX; i++)
		to[i] = (char)tolower((unsigned char)from[i]);
}

static struct wg_kept_name name_of(const char *network, const char *peer)
{
	struct wg_kept_name name = {};

	lower(name.network, network);
	lower(name.peer, peer);
	return name;
}

void doppel_wg_kept_init(struct wg_kept *kept)
{
	doppel_map_init(&kept->peers, sizeof(struct wg_kept_name));
}

static void free_peer(struct wg_kept_peer *peer)
{
	sodium_memzero(peer, sizeof(*peer));
	free(peer);
}

void doppel_wg_kept_free(struct wg_kept *kept)
{
	doppel_map_foreach(node, &kept->peers) {
		doppel_map_del(&kept->peers, node);
		free_peer(container_of(node, struct wg_kept_peer, node));
	}
	doppel_map_free(&kept->peers);
}

struct wg_kept_peer *doppel_wg_kept_add(struct wg_kept *kept, const char *network, const char *peer)
{
	struct wg_kept_peer *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	new->name = name_of(network, peer);
	if (!doppel_map_add(&kept->peers, &new->node, &new->name))
		return new;
	free(new);
	return NULL;
}

struct wg_kept_peer *doppel_wg_kept_peer(const struct wg_kept *kept, const char *network,
					 const char *peer)
{
	const struct wg_kept_name name = name_of(network, peer);
	struct map_node *node = doppel_map_find(&kept->peers, &name);

	return node ? container_of(node, struct wg_kept_peer, node) : NULL;
}

void doppel_wg_kept_give(struct wg_kept_peer *peer, const struct wg_member *member)
{
	peer->has_ipv4 = member->has_ipv4;
	peer->has_ipv6 = member->has_ipv6;
	peer->ipv4 = member->ipv4;
	peer->ipv6 = member->ipv6;
	memcpy(peer->public_key, member->public_key, WG_KEY_LEN);
	peer->has_private_key = member->has_private_key;
	memcpy(peer->private_key, member->private_key, WG_KEY_LEN);
	peer->has_preshared_key = member->has_preshared_key;
	memcpy(peer->preshared_key, member->preshared_key, WG_KEY_LEN);
}
