// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk that is full, read-only or broken must not cost the agent what it knows: it goes on with a
 * database in memory, and writes the whole of it when the disk can be written again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store/database.h"
#include "store/schema.h"

bool doppel_refuge_needed(int code)
{
	switch (code & 0xff) {
	case SQLITE_PERM:
	case SQLITE_BUSY:
	case SQLITE_READONLY:
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_FULL:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
	case SQLITE_NOTADB:
		return true;
	default:
		return false;
	}
}

static bool is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* All of one database into another, in one transaction. An SQLite result. */
static int copy_all(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

	if (!backup)
		return sqlite3_errcode(to);
	sqlite3_backup_step(backup, -1);
	return sqlite3_backup_finish(backup);
}

/* With what can be had of from, which may be NULL; *lost tells that nothing could. */
static int open_memory(sqlite3 *from, sqlite3 **db, bool *lost)
{
	struct doppel_error error = {};

	*lost = false;
	if (sqlite3_open_v2(":memory:", db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		goto fail;
	*lost = !from || copy_all(*db, from);
	if (doppel_schema_migrate(*db, &doppel_schema, NULL, &error)) {
		/* What was read is of no use. */
		sqlite3_close(*db);
		*lost = true;
		if (sqlite3_open_v2(":memory:", db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				    NULL) ||
		    doppel_schema_migrate(*db, &doppel_schema, NULL, &error))
			goto fail;
	}
	if (sqlite3_exec(*db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL))
		goto fail;
	return 0;
fail:
	sqlite3_close(*db);
	*db = NULL;
	return -ENOMEM;
}

/* Once for each problem, not for each try. */
static void tell(struct store *store, const char *problem)
{
	if (!strncmp(store->problem, problem, STORE_PROBLEM_MAX - 1))
		return;
	snprintf(store->problem, sizeof(store->problem), "%.*s", STORE_PROBLEM_MAX - 1, problem);
	doppel_log(LOG_ERR, "%s; all is kept in memory meanwhile", store->problem);
}

static void tell_result(struct store *store, int code)
{
	char problem[STORE_PROBLEM_MAX];

	snprintf(problem, sizeof(problem), "%s: %s", store->path, sqlite3_errstr(code));
	tell(store, problem);
}

int doppel_refuge_enter(struct store *store, int code)
{
	sqlite3 *db;
	bool lost;
	int err;

	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	err = open_memory(is_damage(code) ? NULL : store->db, &db, &lost);
	if (err)
		return err;
	if (store->burst.len &&
	    (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) ||
	     sqlite3_exec(db, store->burst.data, NULL, NULL, NULL)))
		lost = true;
	doppel_buf_free(&store->burst);
	doppel_statements_free(store);
	sqlite3_close(store->db);
	store->db = db;
	store->losses += lost;
	store->set_aside = !store->refuge && is_damage(code);
	store->refuge = true;
	tell_result(store, code);
	return 0;
}

int doppel_refuge_begin(struct store *store, const char *problem)
{
	struct doppel_error error = {};
	sqlite3 *file = NULL;
	bool lost;
	int err;

	doppel_file_open_readonly(store->path, &file, &error);
	err = open_memory(file, &store->db, &lost);
	sqlite3_close(file);
	if (err)
		return err;
	store->losses += lost;
	store->refuge = true;
	tell(store, problem);
	return 0;
}

static int write_back(struct store *store, sqlite3 *file)
{
	int code = copy_all(file, store->db);

	if (!code)
		code = sqlite3_exec(file, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
	if (code) {
		tell_result(store, code);
		return doppel_store_errno(code);
	}
	doppel_statements_free(store);
	sqlite3_close(store->db);
	store->db = file;
	store->refuge = false;
	doppel_log(LOG_NOTICE, "%s: can be written again, and has all", store->path);
	store->problem[0] = '\0';
	return 0;
}

int doppel_store_recover(struct store *store)
{
	struct doppel_error error = {};
	sqlite3 *file = NULL;
	int err;

	if (!store->refuge)
		return 0;
	err = doppel_store_commit(store);
	if (!err && store->set_aside)
		err = doppel_copies_set_aside(store->path);
	if (err)
		return err;
	store->set_aside = false;
	err = doppel_file_open(store->path, &file, &error);
	if (err == -EUCLEAN && !doppel_copies_set_aside(store->path)) {
		error = (struct doppel_error){};
		err = doppel_file_open(store->path, &file, &error);
	}
	if (err) {
		tell(store, error.text);
		return err;
	}
	err = write_back(store, file);
	if (err)
		sqlite3_close(file);
	return err;
}
