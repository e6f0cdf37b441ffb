// SPDX-License-Identifier: GPL-2.0-only
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

#include "store/database.h"

static const char *const steps[] = {
	"CREATE TABLE devices ("
	"	mac TEXT PRIMARY KEY,"
	"	name TEXT NOT NULL,"
	"	lan_ipv4 TEXT NOT NULL,"
	"	status TEXT NOT NULL,"
	"	discovered_at INTEGER NOT NULL,"
	"	last_seen INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE leases ("
	"	mac TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,"
	"	protocol TEXT NOT NULL,"
	"	addresses TEXT NOT NULL,"
	"	data TEXT NOT NULL,"
	"	PRIMARY KEY (mac, protocol)"
	") WITHOUT ROWID;"
	"CREATE TABLE forwards ("
	"	mac TEXT NOT NULL,"
	"	protocol INTEGER NOT NULL,"
	"	port INTEGER NOT NULL,"
	"	target INTEGER NOT NULL,"
	"	PRIMARY KEY (mac, protocol, port)"
	") WITHOUT ROWID;"
	"CREATE TABLE settings ("
	"	key TEXT PRIMARY KEY,"
	"	value TEXT NOT NULL"
	") WITHOUT ROWID;",
	"ALTER TABLE devices ADD COLUMN looks TEXT NOT NULL DEFAULT '';",
	"CREATE TABLE wg_networks ("
	"	name TEXT PRIMARY KEY COLLATE NOCASE,"
	"	document TEXT NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE wg_peers ("
	"	network TEXT NOT NULL COLLATE NOCASE,"
	"	name TEXT NOT NULL COLLATE NOCASE,"
	"	ipv4 TEXT NOT NULL,"
	"	ipv6 TEXT NOT NULL,"
	"	public_key BLOB NOT NULL,"
	"	private_key BLOB,"
	"	preshared_key BLOB,"
	"	handed_out TEXT NOT NULL DEFAULT '',"
	"	PRIMARY KEY (network, name)"
	") WITHOUT ROWID;",
	"ALTER TABLE wg_peers ADD COLUMN token TEXT NOT NULL DEFAULT '';",
};

const struct schema doppel_schema = { steps, sizeof(steps) / sizeof(steps[0]) };

/* A number that SQLite has; -1 with its errcode if it cannot be read. */
static int ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	int number = -1;

	if (!sqlite3_prepare_v2(db, sql, -1, &statement, NULL) && sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

static int refused(sqlite3 *db, const char *path, struct doppel_error *error)
{
	doppel_error_add(error, "%s: %s", path ? path : "in memory", sqlite3_errmsg(db));
	return doppel_store_errno(sqlite3_errcode(db));
}

static int read_version(sqlite3 *db, const struct schema *schema, const char *path,
			struct doppel_error *error)
{
	const int version = ask(db, "PRAGMA user_version");

	if (version < 0 && sqlite3_errcode(db) != SQLITE_OK)
		return refused(db, path, error);
	if (version < 0) {
		doppel_error_add(error, "%s: damaged: there is no version %d", path, version);
		return -EUCLEAN;
	}
	if ((size_t)version > schema->count) {
		doppel_error_add(error,
				 "%s: of version %d, and this doppel knows up to %zu: use the newer doppel, or move the file away to begin anew",
				 path, version, schema->count);
		return -EINVAL;
	}
	if (!version && ask(db, "SELECT count(*) FROM sqlite_schema") > 0) {
		doppel_error_add(error,
				 "%s: another program's database; name another file (state) or move this one away",
				 path);
		return -EINVAL;
	}
	return version;
}

static int execute(sqlite3 *db, const char *sql, const char *path, struct doppel_error *error)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) ? refused(db, path, error) : 0;
}

int doppel_schema_migrate(sqlite3 *db, const struct schema *schema, const char *path,
			  struct doppel_error *error)
{
	int version = read_version(db, schema, path, error);
	char set_version[48];
	int err = 0;

	if (version < 0)
		return version;
	if ((size_t)version == schema->count)
		return 0;
	if (version && path)
		err = doppel_copies_backup(db, path, version, error);
	if (err)
		return err;
	err = execute(db, "BEGIN IMMEDIATE", path, error);
	for (size_t i = (size_t)version; !err && i < schema->count; i++)
		err = execute(db, schema->steps[i], path, error);
	snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %zu", schema->count);
	if (!err)
		err = execute(db, set_version, path, error);
	if (!err)
		err = execute(db, "COMMIT", path, error);
	if (err)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int doppel_schema_check(sqlite3 *db, const char *path, struct doppel_error *error)
{
	int version = read_version(db, &doppel_schema, path, error);

	if (version < 0)
		return version;
	if ((size_t)version == doppel_schema.count)
		return 0;
	doppel_error_add(error, "%s: of an older version; the agent of this doppel will bring it up to date when it starts",
			 path);
	return -EINVAL;
}
