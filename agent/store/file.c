// SPDX-License-Identifier: GPL-2.0-only
/* The database's file: opened, checked, locked; and the store as a whole. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "store/database.h"
#include "store/schema.h"

#define PATIENCE_MS 2000	/* with a reader that holds the database */

/*
 * The lock is on a file of its own: SQLite's own locks are let go of when any
 * descriptor of the database is closed. It ends with the process, however that ends.
 * -EROFS: none can be made on that disk.
 */
static int lock(struct store *store, const char *path, struct doppel_error *error)
{
	auto_free char *name = NULL;
	char holder[16] = "";
	ssize_t len;

	if (asprintf(&name, "%s.lock", path) < 0)
		return -ENOMEM;
	store->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock < 0 && errno == EROFS)
		store->lock = open(name, O_RDONLY | O_CLOEXEC);
	if (store->lock < 0) {
		doppel_error_add(error, "%s: cannot be opened: %s", name, strerror(errno));
		return errno == ENOENT ? -EROFS : -errno;
	}
	if (!flock(store->lock, LOCK_EX | LOCK_NB)) {
		/* Whose it is only helps people: a full disk may lack the room for it. */
		if (ftruncate(store->lock, 0) || dprintf(store->lock, "%d\n", getpid()) < 0)
			doppel_log(LOG_DEBUG, "%s: %s", name, strerror(errno));
		return 0;
	}
	len = read(store->lock, holder, sizeof(holder) - 1);
	if (len > 0)
		holder[strcspn(holder, "\n")] = '\0';
	doppel_error_add(error, "%s: in use by another agent (process %s); stop that one first",
			 path, *holder ? holder : "unknown");
	return -EBUSY;
}

static int refused(sqlite3 *db, const char *path, struct doppel_error *error)
{
	doppel_error_add(error, "%s: %s", path, sqlite3_errmsg(db));
	return doppel_store_errno(sqlite3_errcode(db));
}

/* A small cache is enough: rows are written, and read once at the start. */
static int open_database(const char *name, int flags, const char *path, sqlite3 **db,
			 struct doppel_error *error)
{
	int code = sqlite3_open_v2(name, db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (code) {
		doppel_error_add(error, "%s: cannot be opened: %s", path, sqlite3_errstr(code));
		sqlite3_close(*db);
		*db = NULL;
		return doppel_store_errno(code);
	}
	sqlite3_busy_timeout(*db, PATIENCE_MS);
	sqlite3_exec(*db, "PRAGMA cache_size = -64", NULL, NULL, NULL);
	return 0;
}

/* One pass over all pages, without comparing indices with tables: PRAGMA quick_check. */
static int check_pages(sqlite3 *db, const char *path, struct doppel_error *error)
{
	sqlite3_stmt *statement;
	const char *found;
	int err = 0;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL))
		return refused(db, path, error);
	if (sqlite3_step(statement) != SQLITE_ROW) {
		err = refused(db, path, error);
	} else {
		found = (const char *)sqlite3_column_text(statement, 0);
		if (!found || strcmp(found, "ok")) {
			doppel_error_add(error, "%s: damaged: %s", path, found ? found : "");
			err = -EUCLEAN;
		}
	}
	sqlite3_finalize(statement);
	return err;
}

static int check_tables(sqlite3 *db, const char *path, struct doppel_error *error)
{
	if (!doppel_statements_check(db))
		return 0;
	doppel_error_add(error, "%s: damaged: %s", path, sqlite3_errmsg(db));
	return -EUCLEAN;
}

/*
 * With a write-ahead log NORMAL keeps the file whole through a power cut, and costs a sync for each
 * checkpoint only, not for each commit; the owner of the store syncs once a minute.
 */
static int set_up(sqlite3 *db, const char *path, struct doppel_error *error)
{
	if (sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			     "PRAGMA foreign_keys = ON", NULL, NULL, NULL))
		return refused(db, path, error);
	return 0;
}

static int open_to_write(const char *path, sqlite3 **db, struct doppel_error *error)
{
	int err = open_database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, path, db, error);

	if (err)
		return err;
	if (sqlite3_db_readonly(*db, "main")) {
		doppel_error_add(error, "%s: %s", path, strerror(EROFS));
		err = -EROFS;
	}
	if (!err)
		err = check_pages(*db, path, error);
	if (!err)
		err = doppel_schema_migrate(*db, &doppel_schema, path, error);
	if (!err)
		err = check_tables(*db, path, error);
	if (!err)
		err = set_up(*db, path, error);
	if (err) {
		sqlite3_close(*db);
		*db = NULL;
	}
	return err;
}

/* What is made has a secret in it, and who is where: whenever that is, it is nobody else's. */
int doppel_file_open(const char *path, sqlite3 **db, struct doppel_error *error)
{
	const mode_t mask = umask(0077);
	const int err = open_to_write(path, db, error);

	umask(mask);
	return err;
}

/* A write-ahead log is only read where its index can be made; without that, what the file itself has. */
static int open_immutable(const char *path, sqlite3 **db, struct doppel_error *error)
{
	auto_buf struct buf uri = {};

	doppel_buf_printf(&uri, "file:");
	for (const char *c = path; *c; c++)
		doppel_buf_printf(&uri, isalnum((unsigned char)*c) || strchr("/.-_", *c) ? "%c" : "%%%02X",
				  (unsigned char)*c);
	doppel_buf_printf(&uri, "?immutable=1");
	if (uri.failed)
		return -ENOMEM;
	return open_database(uri.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, path, db, error);
}

int doppel_file_open_readonly(const char *path, sqlite3 **db, struct doppel_error *error)
{
	int err = open_database(path, SQLITE_OPEN_READONLY, path, db, error);

	if (err)
		return err;
	if (sqlite3_exec(*db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) &&
	    (sqlite3_errcode(*db) & 0xff) == SQLITE_CANTOPEN) {
		sqlite3_close(*db);
		err = open_immutable(path, db, error);
	}
	return err;
}

static bool is_disks(int err)
{
	return err == -EROFS || err == -ENOSPC || err == -EDQUOT || err == -EIO || err == -EACCES ||
	       err == -EBUSY;
}

/* By now nobody else has it. What stands in the way of the file does not stand in the agent's. */
static int open_file(struct store *store, struct doppel_error *error)
{
	struct doppel_error why = {};
	int err = doppel_file_open(store->path, &store->db, &why);

	if (err == -EUCLEAN) {
		doppel_log(LOG_ERR, "%s", why.text);
		store->losses++;
		if (!doppel_copies_set_aside(store->path)) {
			why = (struct doppel_error){};
			err = doppel_file_open(store->path, &store->db, &why);
		}
	}
	if (is_disks(err) || err == -EUCLEAN)
		return doppel_refuge_begin(store, why.text);
	if (err)
		doppel_error_add(error, "%s", why.text);
	return err;
}

static int finish_open(struct store *opened, int err, struct store **store)
{
	if (err)
		doppel_store_close(opened);
	else
		*store = opened;
	return err;
}

static struct store *new_store(const char *path)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->lock = -1;
	store->path = strdup(path);
	if (store->path)
		return store;
	free(store);
	return NULL;
}

int doppel_store_open(const char *path, struct store **store, struct doppel_error *error)
{
	struct store *opened = new_store(path);
	struct doppel_error why = {};
	mode_t mask;
	int err;

	if (!opened)
		return -ENOMEM;
	mask = umask(0077);
	err = doppel_make_parent(path);
	if (err)
		doppel_error_add(&why, "%s: its directory cannot be made: %s", path, strerror(-err));
	else
		err = lock(opened, path, &why);
	if (!err)
		err = open_file(opened, &why);
	else if (err != -EBUSY && err != -EACCES && is_disks(err))
		err = doppel_refuge_begin(opened, why.text);
	if (err)
		doppel_error_add(error, "%s", why.text);
	umask(mask);
	return finish_open(opened, err, store);
}

int doppel_store_open_readonly(const char *path, struct store **store, struct doppel_error *error)
{
	struct store *opened;
	int err;

	if (access(path, R_OK)) {
		doppel_error_add(error, "%s: cannot be read: %s", path, strerror(errno));
		return -errno;
	}
	opened = new_store(path);
	if (!opened)
		return -ENOMEM;
	opened->readonly = true;
	err = doppel_file_open_readonly(path, &opened->db, error);
	if (!err)
		err = doppel_schema_check(opened->db, path, error);
	return finish_open(opened, err, store);
}

void doppel_store_close(struct store *store)
{
	if (!store)
		return;
	if (store->db && doppel_store_dirty(store))
		doppel_store_commit(store);
	if (store->refuge)
		doppel_store_recover(store);
	doppel_statements_free(store);
	sqlite3_close(store->db);
	if (store->lock >= 0)
		close(store->lock);
	doppel_buf_free(&store->burst);
	free(store->path);
	free(store);
}

int doppel_store_sync(struct store *store)
{
	auto_free char *name = NULL;
	auto_close int fd = -1;

	if (store->refuge)
		return 0;
	if (asprintf(&name, "%s-wal", store->path) < 0)
		return -ENOMEM;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	/* Without a log all is in the file, and was synced when it came there. */
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return fdatasync(fd) ? -errno : 0;
}

const char *doppel_store_problem(const struct store *store)
{
	return store->problem;
}

unsigned int doppel_store_losses(const struct store *store)
{
	return store->losses;
}
