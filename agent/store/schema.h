/* SPDX-License-Identifier: GPL-2.0-only */
/* The store's tables, version by version. */
#ifndef DOPPEL_STORE_SCHEMA_H
#define DOPPEL_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

#include "base/error.h"

/*
 * steps[n] leads from version n to n + 1, PRAGMA user_version being where the database stands. What was
 * released is never edited.
 */
struct schema {
	const char *const *steps;
	size_t count;
};

/* The agent's own. */
extern const struct schema doppel_schema;

/*
 * Bring the database to that version in one transaction, after a copy of it as it was is put beside the
 * file; path NULL is for one in memory, which is not copied. 0, -EINVAL for a newer version than this agent
 * knows and for another program's database, -EUCLEAN for what is no database, or what the disk said.
 */
int doppel_schema_migrate(sqlite3 *db, const struct schema *schema, const char *path,
			  struct doppel_error *error);
/* That it is this agent's version. 0, -EINVAL, -EUCLEAN or -EIO. */
int doppel_schema_check(sqlite3 *db, const char *path, struct doppel_error *error);

#endif
