// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the store has of the networks. It is written before anything is made real, in one transaction of
 * its own, so that the next start finds a change done or not begun.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "store/wireguard.h"
#include "wireguard/networks_state.h"
#include "wireguard/quick.h"
#include "wireguard/words.h"

#define FIREWALL_KEY "wireguard-firewall"
#define SEEN_KEY "wireguard-clock"

_Static_assert(WG_KEPT_HASH_TEXT == WG_QUICK_HASH_TEXT, "what is handed out is known by its hash");
_Static_assert(STORE_WG_KEY_LEN == WG_KEY_LEN, "keys are keys");

static int load_network(const char *name, const char *document, void *ctx)
{
	json_t *network = json_loads(document, 0, NULL);

	if (network)
		return json_array_append_new(ctx, network) ? -ENOMEM : 0;
	doppel_log(LOG_ERR, "wireguard: what is kept of network \"%s\" cannot be read", name);
	return 0;
}

static int load_peer(const struct store_wg_peer *row, void *ctx)
{
	struct wg_kept_peer *peer = doppel_wg_kept_add(ctx, row->network, row->name);

	if (!peer)
		return -ENOMEM;
	peer->has_ipv4 = row->has_ipv4;
	peer->has_ipv6 = row->has_ipv6;
	peer->ipv4 = row->ipv4;
	peer->ipv6 = row->ipv6;
	memcpy(peer->public_key, row->public_key, WG_KEY_LEN);
	peer->has_private_key = row->has_private_key;
	memcpy(peer->private_key, row->private_key, WG_KEY_LEN);
	peer->has_preshared_key = row->has_preshared_key;
	memcpy(peer->preshared_key, row->preshared_key, WG_KEY_LEN);
	snprintf(peer->handed_out, sizeof(peer->handed_out), "%s", row->handed_out);
	snprintf(peer->token, sizeof(peer->token), "%s", row->token);
	return 0;
}

/* "" if there is none; the caller's. */
static char *load_setting(struct wg_networks *networks, const char *key)
{
	char *value = NULL;

	return doppel_store_setting_get(networks->store, key, &value) ? strdup("") : value;
}

int doppel_wg_keep_load(struct wg_networks *networks, json_t **words)
{
	auto_free char *firewall = load_setting(networks, FIREWALL_KEY);
	auto_free char *seen = load_setting(networks, SEEN_KEY);
	json_t *list = json_array();
	int err = firewall && seen && list ? 0 : -ENOMEM;

	networks->losses = doppel_store_losses(networks->store);
	if (!err)
		err = doppel_store_wg_network_foreach(networks->store, load_network, list);
	if (!err)
		err = doppel_store_wg_peer_foreach(networks->store, load_peer, &networks->kept);
	if (!err) {
		networks->seen_s = atoll(seen);
		*words = *firewall ? json_pack("{s:s, s:O}", "firewall", firewall, "networks", list) :
				     json_pack("{s:O}", "networks", list);
		err = *words ? 0 : -ENOMEM;
	}
	json_decref(list);
	return err;
}

static int keep_site(const struct wg_networks *networks, const struct wg_site *site,
		     struct wg_kept *kept)
{
	size_t i, j;

	for (i = 0; i < site->network_count; i++) {
		const struct wg_assignment *assignment = &site->networks[i];
		const char *name = assignment->network->name;

		for (j = 0; j < assignment->network->peer_count; j++) {
			const struct wg_member *member = &assignment->members[j];
			const char *peer_name = member->peer->name;
			struct wg_kept_peer *peer = doppel_wg_kept_add(kept, name, peer_name);
			struct wg_kept_peer *old = doppel_wg_kept_peer(&networks->kept, name,
								       peer_name);

			if (!peer)
				return -ENOMEM;
			doppel_wg_kept_give(peer, member);
			if (old) {
				memcpy(peer->handed_out, old->handed_out, sizeof(peer->handed_out));
				memcpy(peer->token, old->token, sizeof(peer->token));
			}
		}
	}
	return 0;
}

/* Peers of networks that are left out keep what they have. */
static int keep_left_out(const struct wg_networks *networks, struct wg_kept *kept)
{
	doppel_map_foreach(node, &networks->kept.peers) {
		const struct wg_kept_peer *old = container_of(node, struct wg_kept_peer, node);
		const char *network = old->name.network;
		struct wg_kept_peer *peer;
		struct map_node own;

		if (doppel_wg_words_find(networks->left_out, network) ==
		    json_array_size(networks->left_out) ||
		    doppel_wg_kept_peer(kept, network, old->name.peer))
			continue;
		peer = doppel_wg_kept_add(kept, network, old->name.peer);
		if (!peer)
			return -ENOMEM;
		own = peer->node;
		*peer = *old;
		peer->node = own;
	}
	return 0;
}

static bool same_given(const struct wg_kept_peer *a, const struct wg_kept_peer *b)
{
	return a->has_ipv4 == b->has_ipv4 && a->has_ipv6 == b->has_ipv6 &&
	       doppel_ip6_eq(&a->ipv4, &b->ipv4) && doppel_ip6_eq(&a->ipv6, &b->ipv6) &&
	       !memcmp(a->public_key, b->public_key, WG_KEY_LEN) &&
	       a->has_private_key == b->has_private_key &&
	       !memcmp(a->private_key, b->private_key, WG_KEY_LEN) &&
	       a->has_preshared_key == b->has_preshared_key &&
	       !memcmp(a->preshared_key, b->preshared_key, WG_KEY_LEN);
}

static int put_peer(struct store *store, const struct wg_kept_peer *peer)
{
	struct store_wg_peer row = {
		.network = peer->name.network, .name = peer->name.peer,
		.has_ipv4 = peer->has_ipv4, .has_ipv6 = peer->has_ipv6,
		.ipv4 = peer->ipv4, .ipv6 = peer->ipv6,
		.has_private_key = peer->has_private_key,
		.has_preshared_key = peer->has_preshared_key,
	};
	int err;

	memcpy(row.public_key, peer->public_key, WG_KEY_LEN);
	memcpy(row.private_key, peer->private_key, WG_KEY_LEN);
	memcpy(row.preshared_key, peer->preshared_key, WG_KEY_LEN);
	err = doppel_store_wg_peer_put(store, &row);
	sodium_memzero(&row, sizeof(row));
	if (!err && *peer->handed_out)
		err = doppel_store_wg_peer_handed_out(store, peer->name.network, peer->name.peer,
						      peer->handed_out);
	if (!err && *peer->token)
		err = doppel_store_wg_peer_token(store, peer->name.network, peer->name.peer,
						 peer->token);
	return err;
}

static int put_peers(struct wg_networks *networks, const struct wg_kept *kept, bool all)
{
	int err = 0;

	doppel_map_foreach(node, &kept->peers) {
		const struct wg_kept_peer *peer = container_of(node, struct wg_kept_peer, node);
		const struct wg_kept_peer *old = doppel_wg_kept_peer(&networks->kept,
								     peer->name.network,
								     peer->name.peer);

		if (!err && (all || !old || !same_given(old, peer)))
			err = put_peer(networks->store, peer);
	}
	return err;
}

/* What is gone already is as good. */
static int unless_gone(int err)
{
	return err == -ENOENT ? 0 : err;
}

static int del_peers(struct wg_networks *networks, const struct wg_kept *kept)
{
	int err = 0;

	doppel_map_foreach(node, &networks->kept.peers) {
		const struct wg_kept_name *name = &container_of(node, struct wg_kept_peer, node)->name;

		if (!err && !doppel_wg_kept_peer(kept, name->network, name->peer))
			err = unless_gone(doppel_store_wg_peer_del(networks->store, name->network,
								   name->peer));
	}
	return err;
}

/* NULL: it was not applied, or is the file's now. */
static json_t *applied(const struct wg_wanted *wanted, const char *name)
{
	const json_t *list = json_object_get(wanted->words, "networks");
	const size_t index = doppel_wg_words_find(list, name);

	return index < wanted->owned ? NULL : json_array_get(list, index);
}

static int put_network(struct store *store, const json_t *network)
{
	auto_free char *text = json_dumps(network, JSON_COMPACT);

	return text ? doppel_store_wg_network_put(store, doppel_wg_words_name(network), text) :
		      -ENOMEM;
}

static int put_networks(struct wg_networks *networks, const struct wg_wanted *wanted, bool all)
{
	const json_t *list = json_object_get(wanted->words, "networks");
	json_t *network;
	int err = 0;
	size_t i;

	json_array_foreach(list, i, network) {
		const json_t *old;

		if (i < wanted->owned || err)
			continue;
		old = applied(&networks->now, doppel_wg_words_name(network));
		if (all || !old || !json_equal(old, network))
			err = put_network(networks->store, network);
	}
	json_array_foreach(networks->left_out, i, network)
		if (all && !err)
			err = put_network(networks->store, network);
	return err;
}

static int add_gone(const char *name, const char *document, void *ctx)
{
	(void)document;
	return json_array_append_new(ctx, json_string(name)) ? -ENOMEM : 0;
}

/* All that the store has and nobody wants any more. */
static int del_networks(struct wg_networks *networks, const struct wg_wanted *wanted)
{
	json_t *names = json_array(), *name;
	size_t i;
	int err = names ? doppel_store_wg_network_foreach(networks->store, add_gone, names) : -ENOMEM;

	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);

		if (!err && !applied(wanted, text) &&
		    doppel_wg_words_find(networks->left_out, text) ==
		    json_array_size(networks->left_out))
			err = unless_gone(doppel_store_wg_network_del(networks->store, text));
	}
	json_decref(names);
	return err;
}

static int put_settings(struct wg_networks *networks, const struct wg_wanted *wanted)
{
	const char *firewall = json_string_value(json_object_get(wanted->words, "firewall"));
	char seen[24];
	int err;

	snprintf(seen, sizeof(seen), "%lld", (long long)doppel_wg_networks_wall(networks));
	err = doppel_store_setting_put(networks->store, SEEN_KEY, seen);
	if (!err)
		err = doppel_store_setting_put(networks->store, FIREWALL_KEY,
					       firewall && !wanted->owns_firewall ? firewall : "");
	return err;
}

static int save_all(struct wg_networks *networks, const struct wg_wanted *wanted,
		    const struct wg_kept *kept, bool all)
{
	int err = put_networks(networks, wanted, all);

	if (!err)
		err = del_networks(networks, wanted);
	if (!err)
		err = put_peers(networks, kept, all);
	if (!err)
		err = del_peers(networks, kept);
	if (!err)
		err = put_settings(networks, wanted);
	return err;
}

int doppel_wg_keep_save(struct wg_networks *networks, const struct wg_wanted *wanted)
{
	const unsigned int losses = doppel_store_losses(networks->store);
	struct wg_kept kept;
	int err;

	doppel_wg_kept_init(&kept);
	err = keep_site(networks, wanted->site, &kept);
	if (!err)
		err = keep_left_out(networks, &kept);
	/* What others have written so far is not ours to undo. */
	if (!err)
		err = doppel_store_commit(networks->store);
	if (!err)
		err = save_all(networks, wanted, &kept, losses != networks->losses);
	if (!err)
		err = doppel_store_commit(networks->store);
	if (err) {
		doppel_store_rollback(networks->store);
		doppel_wg_kept_free(&kept);
		return err;
	}
	/* Keys that were handed out must outlive a power cut. */
	if (doppel_store_sync(networks->store))
		doppel_log(LOG_WARNING, "wireguard: what was kept may not be on the disk yet");
	networks->losses = losses;
	doppel_wg_kept_free(&networks->kept);
	networks->kept = kept;
	return 0;
}

void doppel_wg_keep_check(struct wg_networks *networks)
{
	if (networks->alone && *doppel_store_problem(networks->store))
		doppel_store_recover(networks->store);
	if (doppel_store_losses(networks->store) == networks->losses)
		return;
	if (!doppel_wg_keep_save(networks, &networks->now))
		doppel_log(LOG_NOTICE, "wireguard: all networks are in the store again");
}

int doppel_wg_networks_handed_out(struct wg_networks *networks, const char *network,
				  const char *peer, const char *hash)
{
	struct wg_kept_peer *kept = doppel_wg_kept_peer(&networks->kept, network, peer);
	int err;

	if (!kept)
		return -ENOENT;
	if (!strcmp(kept->handed_out, hash))
		return 0;
	err = doppel_store_wg_peer_handed_out(networks->store, network, peer, hash);
	if (!err)
		err = doppel_store_commit(networks->store);
	if (!err)
		snprintf(kept->handed_out, sizeof(kept->handed_out), "%s", hash);
	return err;
}

bool doppel_wg_networks_outdated(const struct wg_networks *networks,
				 const struct wg_assignment *network,
				 const struct wg_member *member)
{
	const struct wg_kept_peer *kept = doppel_wg_kept_peer(&networks->kept, network->network->name,
							      member->peer->name);
	auto_buf struct buf text = {};
	struct doppel_error error = {};
	char hash[WG_QUICK_HASH_TEXT];

	if (!kept || !*kept->handed_out)
		return false;
	return doppel_wg_quick_render(network, member, &text, &error) ||
	       strcmp(doppel_wg_quick_hash(&text, hash), kept->handed_out);
}
