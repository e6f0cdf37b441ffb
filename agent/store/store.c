// SPDX-License-Identifier: GPL-2.0-only
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/database.h"

static const char *const sql[STATEMENTS] = {
	[DEVICE_PUT] = "INSERT INTO devices (mac, name, lan_ipv4, status, discovered_at, last_seen, looks)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (mac) DO UPDATE SET"
		       " name = ?2, lan_ipv4 = ?3, status = ?4, discovered_at = ?5, last_seen = ?6,"
		       " looks = ?7",
	[DEVICE_DEL] = "DELETE FROM devices WHERE mac = ?1",
	[DEVICE_ALL] = "SELECT mac, name, lan_ipv4, status, discovered_at, last_seen, looks"
		       " FROM devices ORDER BY mac",
	[LEASE_PUT] = "INSERT INTO leases (mac, protocol, addresses, data) VALUES (?1, ?2, ?3, ?4)"
		      " ON CONFLICT (mac, protocol) DO UPDATE SET addresses = ?3, data = ?4",
	[LEASE_DEL] = "DELETE FROM leases WHERE mac = ?1 AND protocol = ?2",
	[LEASE_ALL] = "SELECT mac, protocol, addresses, data FROM leases ORDER BY mac, protocol",
	[LEASE_OF] = "SELECT mac, protocol, addresses, data FROM leases WHERE mac = ?1"
		     " ORDER BY protocol",
	[FORWARD_PUT] = "INSERT OR REPLACE INTO forwards (mac, protocol, port, target)"
			" VALUES (?1, ?2, ?3, ?4)",
	[FORWARD_DEL] = "DELETE FROM forwards WHERE mac = ?1 AND protocol = ?2 AND port = ?3",
	[FORWARDS_DEL] = "DELETE FROM forwards WHERE mac = ?1",
	[FORWARD_ALL] = "SELECT mac, protocol, port, target FROM forwards"
			" ORDER BY mac, protocol, port",
	[SETTING_PUT] = "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)",
	[SETTING_GET] = "SELECT value FROM settings WHERE key = ?1",
	[WG_NETWORK_PUT] = "INSERT INTO wg_networks (name, document) VALUES (?1, ?2)"
			   " ON CONFLICT (name) DO UPDATE SET name = ?1, document = ?2",
	[WG_NETWORK_DEL] = "DELETE FROM wg_networks WHERE name = ?1",
	[WG_NETWORK_ALL] = "SELECT name, document FROM wg_networks ORDER BY name",
	[WG_PEER_PUT] = "INSERT INTO wg_peers (network, name, ipv4, ipv6, public_key, private_key,"
			" preshared_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
			" ON CONFLICT (network, name) DO UPDATE SET network = ?1, name = ?2, ipv4 = ?3,"
			" ipv6 = ?4, public_key = ?5, private_key = ?6, preshared_key = ?7",
	[WG_PEER_DEL] = "DELETE FROM wg_peers WHERE network = ?1 AND name = ?2",
	[WG_PEER_ALL] = "SELECT network, name, ipv4, ipv6, public_key, private_key, preshared_key,"
			" handed_out, token FROM wg_peers ORDER BY network, name",
	[WG_PEER_HANDED_OUT] = "UPDATE wg_peers SET handed_out = ?3 WHERE network = ?1 AND name = ?2",
	[WG_PEER_TOKEN] = "UPDATE wg_peers SET token = ?3 WHERE network = ?1 AND name = ?2",
};

int doppel_store_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_CONSTRAINT:
		return -ENOENT;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_BUSY:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

/* What SQLite said, in the log, as an errno. */
static int failed(struct store *store, const char *what)
{
	int code = sqlite3_errcode(store->db);

	doppel_log(LOG_ERR, "%s: %s: %s", store->path, what, sqlite3_errmsg(store->db));
	return doppel_store_errno(code);
}

sqlite3_stmt *doppel_store_prepare(struct store *store, enum statement which)
{
	sqlite3_stmt **statement = &store->statements[which];

	if (!*statement && sqlite3_prepare_v3(store->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
					      statement, NULL))
		return NULL;
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
	return *statement;
}

int doppel_statements_check(sqlite3 *db)
{
	int code = SQLITE_OK;

	for (size_t i = 0; !code && i < STATEMENTS; i++) {
		sqlite3_stmt *statement;

		code = sqlite3_prepare_v2(db, sql[i], -1, &statement, NULL);
		sqlite3_finalize(statement);
	}
	return code;
}

void doppel_statements_free(struct store *store)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
}

/* The file cannot be used, and now the store is in memory: what failed may be done again there. */
static bool fled(struct store *store)
{
	const int code = sqlite3_errcode(store->db);

	return !store->readonly && doppel_refuge_needed(code) && !doppel_refuge_enter(store, code);
}

static int begin(struct store *store)
{
	int err = 0;

	if (!sqlite3_get_autocommit(store->db))
		return 0;
	if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) &&
	    (!fled(store) || sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL)))
		err = failed(store, "cannot be written");
	return err;
}

int doppel_store_prepare_write(struct store *store, enum statement which, sqlite3_stmt **statement)
{
	int err = begin(store);

	if (err)
		return err;
	*statement = doppel_store_prepare(store, which);
	if (!*statement && fled(store) && !begin(store))
		*statement = doppel_store_prepare(store, which);
	return *statement ? 0 : failed(store, "cannot be written");
}

/* The text of a statement is kept until it is in the file. */
static int note(struct store *store, const char *text)
{
	return store->refuge ? 0 : doppel_buf_printf(&store->burst, "%s;\n", text);
}

/* An open statement would hold its lock. A log shows no values: they may be keys. */
int doppel_store_run(struct store *store, enum statement which)
{
	sqlite3_stmt *statement = store->statements[which];
	char *text = sqlite3_expanded_sql(statement);
	int err = text ? 0 : -ENOMEM;

	if (!err && sqlite3_step(statement) == SQLITE_DONE)
		err = note(store, text);
	else if (!err && (!fled(store) || begin(store) ||
			  sqlite3_exec(store->db, text, NULL, NULL, NULL)))
		err = failed(store, sql[which]);
	/* Gone with the file, if that is. */
	sqlite3_reset(store->statements[which]);
	sqlite3_free(text);
	return err;
}

bool doppel_store_dirty(const struct store *store)
{
	return !sqlite3_get_autocommit(store->db);
}

int doppel_store_commit(struct store *store)
{
	int err = 0;

	if (!doppel_store_dirty(store))
		return 0;
	if (sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) &&
	    (!fled(store) || (doppel_store_dirty(store) &&
			      sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL))))
		err = failed(store, "cannot be written");
	doppel_buf_free(&store->burst);
	return err;
}

int doppel_store_rollback(struct store *store)
{
	int err = 0;

	if (doppel_store_dirty(store) && sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL))
		err = failed(store, "cannot go back");
	doppel_buf_free(&store->burst);
	return err;
}

void doppel_store_bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	sqlite3_bind_text(statement, column, text, -1, SQLITE_TRANSIENT);
}

static void bind_mac(sqlite3_stmt *statement, int column, const struct mac *mac)
{
	char text[DOPPEL_MAC_TEXT];

	doppel_store_bind_text(statement, column, doppel_mac_format(mac, text));
}

const char *doppel_store_column_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text ? (const char *)text : "";
}

static bool column_mac(sqlite3_stmt *statement, int column, struct mac *mac)
{
	return !doppel_mac_parse(doppel_store_column_text(statement, column), mac);
}

int doppel_store_walk(struct store *store, sqlite3_stmt *statement,
		      int (*row)(sqlite3_stmt *statement, void *ctx), void *ctx)
{
	int err = 0, step;

	if (!statement)
		return failed(store, "cannot be read");
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		err = row(statement, ctx);
		if (err)
			break;
	}
	if (!err && step != SQLITE_DONE)
		err = failed(store, "cannot be read");
	sqlite3_reset(statement);
	return err;
}

int doppel_store_device_put(struct store *store, const struct store_device *device)
{
	char lan_ipv4[DOPPEL_IP4_TEXT];
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, DEVICE_PUT, &statement);

	if (err)
		return err;
	bind_mac(statement, 1, &device->mac);
	doppel_store_bind_text(statement, 2, device->name);
	doppel_store_bind_text(statement, 3, doppel_ip4_format(device->lan_ipv4, lan_ipv4));
	doppel_store_bind_text(statement, 4, device->status);
	sqlite3_bind_int64(statement, 5, device->discovered_at);
	sqlite3_bind_int64(statement, 6, device->last_seen);
	doppel_store_bind_text(statement, 7, device->looks);
	return doppel_store_run(store, DEVICE_PUT);
}

static int delete_all_of(struct store *store, enum statement which, const struct mac *mac)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, which, &statement);

	if (err)
		return err;
	bind_mac(statement, 1, mac);
	return doppel_store_run(store, which);
}

int doppel_store_device_del(struct store *store, const struct mac *mac)
{
	int err = delete_all_of(store, FORWARDS_DEL, mac);

	if (!err)
		err = delete_all_of(store, DEVICE_DEL, mac);
	if (err)
		return err;
	return sqlite3_changes(store->db) ? 0 : -ENOENT;
}

struct device_walk {
	int (*cb)(const struct store_device *device, void *ctx);
	void *ctx;
};

static int device_row(sqlite3_stmt *statement, void *ctx)
{
	struct device_walk *walker = ctx;
	struct store_device device = {};

	if (!column_mac(statement, 0, &device.mac))
		return 0;
	snprintf(device.name, sizeof(device.name), "%s", doppel_store_column_text(statement, 1));
	doppel_ip4_parse(doppel_store_column_text(statement, 2), &device.lan_ipv4);
	snprintf(device.status, sizeof(device.status), "%s", doppel_store_column_text(statement, 3));
	device.discovered_at = sqlite3_column_int64(statement, 4);
	device.last_seen = sqlite3_column_int64(statement, 5);
	snprintf(device.looks, sizeof(device.looks), "%s", doppel_store_column_text(statement, 6));
	return walker->cb(&device, walker->ctx);
}

int doppel_store_device_foreach(struct store *store,
				int (*cb)(const struct store_device *device, void *ctx), void *ctx)
{
	struct device_walk walker = { cb, ctx };

	return doppel_store_walk(store, doppel_store_prepare(store, DEVICE_ALL), device_row, &walker);
}

int doppel_store_lease_put(struct store *store, const struct store_lease *lease)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, LEASE_PUT, &statement);

	if (err)
		return err;
	bind_mac(statement, 1, &lease->mac);
	doppel_store_bind_text(statement, 2, lease->protocol);
	doppel_store_bind_text(statement, 3, lease->addresses);
	doppel_store_bind_text(statement, 4, lease->data);
	return doppel_store_run(store, LEASE_PUT);
}

int doppel_store_lease_del(struct store *store, const struct mac *mac, const char *protocol)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, LEASE_DEL, &statement);

	if (err)
		return err;
	bind_mac(statement, 1, mac);
	doppel_store_bind_text(statement, 2, protocol);
	return doppel_store_run(store, LEASE_DEL);
}

struct lease_walk {
	int (*cb)(const struct store_lease *lease, void *ctx);
	void *ctx;
};

static int lease_row(sqlite3_stmt *statement, void *ctx)
{
	struct lease_walk *walker = ctx;
	struct store_lease lease = {
		.protocol = doppel_store_column_text(statement, 1),
		.addresses = doppel_store_column_text(statement, 2),
		.data = doppel_store_column_text(statement, 3),
	};

	if (!column_mac(statement, 0, &lease.mac))
		return 0;
	return walker->cb(&lease, walker->ctx);
}

int doppel_store_lease_foreach(struct store *store, const struct mac *mac,
			       int (*cb)(const struct store_lease *lease, void *ctx), void *ctx)
{
	struct lease_walk walker = { cb, ctx };
	sqlite3_stmt *statement = doppel_store_prepare(store, mac ? LEASE_OF : LEASE_ALL);

	if (statement && mac)
		bind_mac(statement, 1, mac);
	return doppel_store_walk(store, statement, lease_row, &walker);
}

int doppel_store_forward_put(struct store *store, const struct store_forward *forward)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, FORWARD_PUT, &statement);

	if (err)
		return err;
	bind_mac(statement, 1, &forward->mac);
	sqlite3_bind_int(statement, 2, forward->protocol);
	sqlite3_bind_int(statement, 3, forward->port);
	sqlite3_bind_int(statement, 4, forward->to);
	return doppel_store_run(store, FORWARD_PUT);
}

int doppel_store_forward_del(struct store *store, const struct mac *mac, uint8_t protocol,
			     uint16_t port)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, FORWARD_DEL, &statement);

	if (err)
		return err;
	bind_mac(statement, 1, mac);
	sqlite3_bind_int(statement, 2, protocol);
	sqlite3_bind_int(statement, 3, port);
	err = doppel_store_run(store, FORWARD_DEL);
	if (err)
		return err;
	return sqlite3_changes(store->db) ? 0 : -ENOENT;
}

struct forward_walk {
	int (*cb)(const struct store_forward *forward, void *ctx);
	void *ctx;
};

static int forward_row(sqlite3_stmt *statement, void *ctx)
{
	struct forward_walk *walker = ctx;
	struct store_forward forward = {
		.protocol = (uint8_t)sqlite3_column_int(statement, 1),
		.port = (uint16_t)sqlite3_column_int(statement, 2),
		.to = (uint16_t)sqlite3_column_int(statement, 3),
	};

	if (!column_mac(statement, 0, &forward.mac))
		return 0;
	return walker->cb(&forward, walker->ctx);
}

int doppel_store_forward_foreach(struct store *store,
				 int (*cb)(const struct store_forward *forward, void *ctx),
				 void *ctx)
{
	struct forward_walk walker = { cb, ctx };

	return doppel_store_walk(store, doppel_store_prepare(store, FORWARD_ALL), forward_row, &walker);
}

int doppel_store_setting_put(struct store *store, const char *key, const char *value)
{
	sqlite3_stmt *statement;
	int err = doppel_store_prepare_write(store, SETTING_PUT, &statement);

	if (err)
		return err;
	doppel_store_bind_text(statement, 1, key);
	doppel_store_bind_text(statement, 2, value);
	return doppel_store_run(store, SETTING_PUT);
}

static int setting_row(sqlite3_stmt *statement, void *ctx)
{
	char **value = ctx;

	*value = strdup(doppel_store_column_text(statement, 0));
	return *value ? 0 : -ENOMEM;
}

int doppel_store_setting_get(struct store *store, const char *key, char **value)
{
	sqlite3_stmt *statement = doppel_store_prepare(store, SETTING_GET);
	char *found = NULL;
	int err;

	if (statement)
		doppel_store_bind_text(statement, 1, key);
	err = doppel_store_walk(store, statement, setting_row, &found);
	if (err)
		return err;
	if (!found)
		return -ENOENT;
	*value = found;
	return 0;
}
