// SPDX-License-Identifier: GPL-2.0-only
/* Peers whose agents fetch their configuration by themselves: who they are, and the keys they made. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/wireguard.h"
#include "wireguard/networks_state.h"
#include "wireguard/quick.h"

/* A token is random enough for a hash without salt. */
static int hash_token(const char *token, char hash[WG_KEPT_HASH_TEXT])
{
	auto_buf struct buf text = {};

	if (doppel_buf_printf(&text, "%s", token))
		return -ENOMEM;
	doppel_wg_quick_hash(&text, hash);
	return 0;
}

int doppel_wg_networks_token(struct wg_networks *networks, const char *network, const char *peer,
			     const char *token)
{
	struct wg_kept_peer *kept = doppel_wg_kept_peer(&networks->kept, network, peer);
	char hash[WG_KEPT_HASH_TEXT];
	int err = kept ? hash_token(token, hash) : -ENOENT;

	if (!err)
		err = doppel_store_wg_peer_token(networks->store, network, peer, hash);
	if (!err)
		err = doppel_store_commit(networks->store);
	if (!err)
		memcpy(kept->token, hash, sizeof(kept->token));
	return err;
}

/* Whose token it is; NULL: nobody's. */
static const struct wg_kept_peer *kept_of(const struct wg_networks *networks, const char *token)
{
	char hash[WG_KEPT_HASH_TEXT];

	if (!*token || hash_token(token, hash))
		return NULL;
	doppel_map_foreach(node, &networks->kept.peers) {
		const struct wg_kept_peer *kept = container_of(node, struct wg_kept_peer, node);

		if (!strcmp(kept->token, hash))
			return kept;
	}
	return NULL;
}

int doppel_wg_networks_bearer(const struct wg_networks *networks, const char *token,
			      const struct wg_assignment **network, const struct wg_member **member)
{
	const struct wg_kept_peer *kept = kept_of(networks, token);

	if (!kept)
		return -EACCES;
	*network = doppel_wg_assignment(networks->now.site, kept->name.network);
	if (!*network)
		return -EBUSY;
	*member = doppel_wg_member(*network, kept->name.peer);
	return *member && (*member)->peer->agent ? 0 : -EACCES;
}

/* What is kept of the peer, but for its keys. */
static int give(const struct wg_kept_peer *old, const uint8_t key[WG_KEY_LEN], struct wg_kept *given)
{
	struct wg_kept_peer *peer = doppel_wg_kept_add(given, old->name.network, old->name.peer);
	struct map_node own;

	if (!peer)
		return -ENOMEM;
	own = peer->node;
	*peer = *old;
	peer->node = own;
	peer->has_private_key = false;
	memset(peer->private_key, 0, WG_KEY_LEN);
	memcpy(peer->public_key, key, WG_KEY_LEN);
	return 0;
}

int doppel_wg_networks_public_key(struct wg_networks *networks, const char *network,
				  const char *peer, const uint8_t key[WG_KEY_LEN],
				  struct doppel_error *error)
{
	static const char nothing_else[] = "networks: []";
	const struct wg_kept_peer *old = doppel_wg_kept_peer(&networks->kept, network, peer);
	const struct wg_network *wanted = doppel_wg_network(networks->now.document, network);
	const struct wg_peer *described = wanted ? doppel_wg_peer(wanted, peer) : NULL;
	auto_wg_plan struct wg_plan *plan = NULL;
	auto_wg_kept struct wg_kept given;
	int err;

	doppel_wg_kept_init(&given);
	if (!old || !described)
		return -ENOENT;
	if (described->has_public_key && memcmp(described->public_key, key, WG_KEY_LEN)) {
		doppel_error_add(error,
				 "network \"%s\": peer \"%s\": another public_key is written for it; take that one away, or use its private key",
				 wanted->name, described->name);
		return -EPERM;
	}
	err = give(old, key, &given);
	return err ? err : doppel_wg_networks_apply(networks, &(struct wg_request){
		.file = "join", .text = nothing_else, .len = strlen(nothing_else), .given = &given,
	}, &plan, error);
}
