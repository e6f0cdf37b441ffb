/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the store share and nobody else sees:
 *
 *	store.c		the gateway's tables, and what runs all statements
 *	wireguard.c	the WireGuard networks' tables
 *	schema.c	their versions
 *	file.c		the file: opened, checked, locked
 *	copies.c	copies of it that are put aside
 *	refuge.c	a database in memory, while the file cannot be written
 */
#ifndef DOPPEL_STORE_DATABASE_H
#define DOPPEL_STORE_DATABASE_H

#include <sqlite3.h>

#include "base/buf.h"
#include "store/store.h"

#define STORE_PROBLEM_MAX 320

enum statement {
	DEVICE_PUT,
	DEVICE_DEL,
	DEVICE_ALL,
	LEASE_PUT,
	LEASE_DEL,
	LEASE_ALL,
	LEASE_OF,
	FORWARD_PUT,
	FORWARD_DEL,
	FORWARDS_DEL,
	FORWARD_ALL,
	SETTING_PUT,
	SETTING_GET,
	WG_NETWORK_PUT,
	WG_NETWORK_DEL,
	WG_NETWORK_ALL,
	WG_PEER_PUT,
	WG_PEER_DEL,
	WG_PEER_ALL,
	WG_PEER_HANDED_OUT,
	WG_PEER_TOKEN,
	STATEMENTS,
};

struct store {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	int lock;			/* fd of the lock file, or -1 */
	bool readonly;			/* beside an agent, or without one */
	struct buf burst;		/* the transaction under way as SQL, until it is in the file */
	bool refuge;			/* db is in memory */
	bool set_aside;			/* the file is damaged, and still in its place */
	char problem[STORE_PROBLEM_MAX];	/* why; "" with the file in use */
	unsigned int losses;
};

/* store.c */
/* Each statement must fit the tables: SQLITE_OK, or what SQLite says. */
int doppel_statements_check(sqlite3 *db);
/* They belong to the database that is in use. */
void doppel_statements_free(struct store *store);
/* An SQLite result as an errno. */
int doppel_store_errno(int code);
/* A prepared statement, fresh; NULL if SQLite refuses it. */
sqlite3_stmt *doppel_store_prepare(struct store *store, enum statement which);
/* A write: inside a transaction, by a statement that the caller then binds. */
int doppel_store_prepare_write(struct store *store, enum statement which, sqlite3_stmt **statement);
/* Run a bound write, and reset it. */
int doppel_store_run(struct store *store, enum statement which);
/* Each row to row(): non-zero ends the walk. */
int doppel_store_walk(struct store *store, sqlite3_stmt *statement,
		      int (*row)(sqlite3_stmt *statement, void *ctx), void *ctx);
void doppel_store_bind_text(sqlite3_stmt *statement, int column, const char *text);
/* "" for NULL. */
const char *doppel_store_column_text(sqlite3_stmt *statement, int column);

/* file.c */
/*
 * The file, made if it is not there, in this agent's version and as an agent writes it. -EUCLEAN: it is
 * damaged. -EINVAL: it is another program's, or a newer agent's. -EROFS, -ENOSPC, -EACCES, -EIO: the disk
 * is in the way.
 */
int doppel_file_open(const char *path, sqlite3 **db, struct doppel_error *error);
/* For reading, on a disk that cannot be written too; the version may be an older one. */
int doppel_file_open_readonly(const char *path, sqlite3 **db, struct doppel_error *error);

/* copies.c */
/* Move the file and what belongs to it to FILE.damaged-TIME, with a line in the log. 0 or -errno. */
int doppel_copies_set_aside(const char *path);
/* FILE.vVERSION-TIME, before it is brought to a newer version. 0 or -errno. */
int doppel_copies_backup(sqlite3 *db, const char *path, int version, struct doppel_error *error);

/* refuge.c */
/* Whether that result of SQLite's says that the file cannot be used, rather than that we asked wrongly. */
bool doppel_refuge_needed(int code);
/*
 * Go on in memory, with what the file has and the transaction under way. The reason is code's, an SQLite
 * result. -ENOMEM: the file stays in use.
 */
int doppel_refuge_enter(struct store *store, int code);
/* From the beginning: the file cannot be used at all. It is read if that can be. */
int doppel_refuge_begin(struct store *store, const char *problem);

#endif
