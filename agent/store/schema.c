// SPDX-License-Identifier: GPL-2.0-only
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * migrations[n] leads from version n to n + 1, PRAGMA user_version being where
 * the database stands. What was released is never edited.
 */
static const char *const migrations[] = {
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
};

static int read_version(sqlite3 *db, const char *path, struct doppel_error *error)
{
	sqlite3_stmt *statement;
	int version = -EIO;

	if (!sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) &&
	    sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	if (version < 0)
		doppel_error_add(error, "%s: %s: not a database of doppel's; move it away to begin anew",
				 path, sqlite3_errmsg(db));
	else if ((size_t)version > COUNT(migrations))
		doppel_error_add(error,
				 "%s: of version %d, and this doppel knows up to %zu: use the newer doppel, or move the file away to begin anew",
				 path, version, COUNT(migrations));
	return version > (int)COUNT(migrations) ? -EINVAL : version;
}

static int execute(sqlite3 *db, const char *sql, const char *path, struct doppel_error *error)
{
	if (!sqlite3_exec(db, sql, NULL, NULL, NULL))
		return 0;
	doppel_error_add(error, "%s: %s", path, sqlite3_errmsg(db));
	return -EIO;
}

int doppel_schema_migrate(sqlite3 *db, const char *path, struct doppel_error *error)
{
	int version = read_version(db, path, error);
	char set_version[48];
	int err;

	if (version < 0)
		return version;
	if (version == (int)COUNT(migrations))
		return 0;
	err = execute(db, "BEGIN IMMEDIATE", path, error);
	for (size_t i = (size_t)version; !err && i < COUNT(migrations); i++)
		err = execute(db, migrations[i], path, error);
	snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %zu", COUNT(migrations));
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
	int version = read_version(db, path, error);

	if (version < 0)
		return version;
	if (version == (int)COUNT(migrations))
		return 0;
	doppel_error_add(error, "%s: of an older version; the agent of this doppel will bring it up to date when it starts",
			 path);
	return -EINVAL;
}
