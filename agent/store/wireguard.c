// SPDX-License-Identifier: GPL-2.0-only
#include "store/wireguard.h"

#include <errno.h>
#include <string.h>

#include "base/cidr.h"
#include "store/database.h"

int doppel_store_wg_network_put(struct store *store, const char *name, const char *document)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, WG_NETWORK_PUT, &statement);

	if (err)
		return err;
	doppel_store_bind_text(statement, 1, name);
	doppel_store_bind_text(statement, 2, document);
	return doppel_store_run(store, WG_NETWORK_PUT);
}

/* A write that found no row changed nothing. */
static int run_on_row(struct store *store, enum statement which)
{
	int err = doppel_store_run(store, which);

	if (err)
		return err;
	return sqlite3_changes(store->db) ? 0 : -ENOENT;
}

int doppel_store_wg_network_del(struct store *store, const char *name)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, WG_NETWORK_DEL, &statement);

	if (err)
		return err;
	doppel_store_bind_text(statement, 1, name);
	return run_on_row(store, WG_NETWORK_DEL);
}

struct network_walk {
	int (*cb)(const char *name, const char *document, void *ctx);
	void *ctx;
};

static int network_row(sqlite3_stmt *statement, void *ctx)
{
	struct network_walk *walker = ctx;

	return walker->cb(doppel_store_column_text(statement, 0),
			  doppel_store_column_text(statement, 1), walker->ctx);
}

int doppel_store_wg_network_foreach(struct store *store,
				    int (*cb)(const char *name, const char *document, void *ctx),
				    void *ctx)
{
	struct network_walk walker = { cb, ctx };

	return doppel_store_walk(store, doppel_store_prepare(store, WG_NETWORK_ALL), network_row,
				 &walker);
}

static void bind_address(sqlite3_stmt *statement, int column, bool has,
			 const struct in6_addr *address)
{
	char text[DOPPEL_IP6_TEXT] = "";

	doppel_store_bind_text(statement, column, has ? doppel_ip_format(address, text) : text);
}

/* NULL if there is none. */
static void bind_key(sqlite3_stmt *statement, int column, bool has, const uint8_t *key)
{
	if (has)
		sqlite3_bind_blob(statement, column, key, STORE_WG_KEY_LEN, SQLITE_TRANSIENT);
}

int doppel_store_wg_peer_put(struct store *store, const struct store_wg_peer *peer)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, WG_PEER_PUT, &statement);

	if (err)
		return err;
	doppel_store_bind_text(statement, 1, peer->network);
	doppel_store_bind_text(statement, 2, peer->name);
	bind_address(statement, 3, peer->has_ipv4, &peer->ipv4);
	bind_address(statement, 4, peer->has_ipv6, &peer->ipv6);
	bind_key(statement, 5, true, peer->public_key);
	bind_key(statement, 6, peer->has_private_key, peer->private_key);
	bind_key(statement, 7, peer->has_preshared_key, peer->preshared_key);
	return doppel_store_run(store, WG_PEER_PUT);
}

int doppel_store_wg_peer_del(struct store *store, const char *network, const char *name)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, WG_PEER_DEL, &statement);

	if (err)
		return err;
	doppel_store_bind_text(statement, 1, network);
	doppel_store_bind_text(statement, 2, name);
	return run_on_row(store, WG_PEER_DEL);
}

static int put_hash(struct store *store, enum statement which, const char *network,
		    const char *name, const char *hash)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, which, &statement);

	if (err)
		return err;
	doppel_store_bind_text(statement, 1, network);
	doppel_store_bind_text(statement, 2, name);
	doppel_store_bind_text(statement, 3, hash);
	return run_on_row(store, which);
}

int doppel_store_wg_peer_handed_out(struct store *store, const char *network, const char *name,
				    const char *hash)
{
	return put_hash(store, WG_PEER_HANDED_OUT, network, name, hash);
}

int doppel_store_wg_peer_token(struct store *store, const char *network, const char *name,
			       const char *hash)
{
	return put_hash(store, WG_PEER_TOKEN, network, name, hash);
}

struct peer_walk {
	int (*cb)(const struct store_wg_peer *peer, void *ctx);
	void *ctx;
};

static bool column_key(sqlite3_stmt *statement, int column, uint8_t key[STORE_WG_KEY_LEN])
{
	const void *blob = sqlite3_column_blob(statement, column);

	if (!blob || sqlite3_column_bytes(statement, column) != STORE_WG_KEY_LEN)
		return false;
	memcpy(key, blob, STORE_WG_KEY_LEN);
	return true;
}

static int peer_row(sqlite3_stmt *statement, void *ctx)
{
	struct peer_walk *walker = ctx;
	struct store_wg_peer peer = {
		.network = doppel_store_column_text(statement, 0),
		.name = doppel_store_column_text(statement, 1),
		.handed_out = doppel_store_column_text(statement, 7),
		.token = doppel_store_column_text(statement, 8),
	};

	peer.has_ipv4 = !doppel_ip_parse(doppel_store_column_text(statement, 2), &peer.ipv4);
	peer.has_ipv6 = !doppel_ip_parse(doppel_store_column_text(statement, 3), &peer.ipv6);
	peer.has_private_key = column_key(statement, 5, peer.private_key);
	peer.has_preshared_key = column_key(statement, 6, peer.preshared_key);
	if (!column_key(statement, 4, peer.public_key))
		return 0;
	return walker->cb(&peer, walker->ctx);
}

int doppel_store_wg_peer_foreach(struct store *store,
				 int (*cb)(const struct store_wg_peer *peer, void *ctx), void *ctx)
{
	struct peer_walk walker = { cb, ctx };

	return doppel_store_walk(store, doppel_store_prepare(store, WG_PEER_ALL), peer_row,
				 &walker);
}
