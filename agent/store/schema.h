/* SPDX-License-Identifier: GPL-2.0-only */
/* The store's tables, version by version. */
#ifndef DOPPEL_STORE_SCHEMA_H
#define DOPPEL_STORE_SCHEMA_H

#include <sqlite3.h>

#include "base/error.h"

/*
 * Bring the database to this agent's version in one transaction. 0, -EINVAL
 * for a newer version than this agent knows, -EIO for what SQLite refuses.
 */
int doppel_schema_migrate(sqlite3 *db, const char *path, struct doppel_error *error);
/* That it is this agent's version. 0, -EINVAL or -EIO. */
int doppel_schema_check(sqlite3 *db, const char *path, struct doppel_error *error);

#endif
