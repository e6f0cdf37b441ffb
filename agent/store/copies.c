// SPDX-License-Identifier: GPL-2.0-only
/* Copies of the database that stay beside it, a few of each kind. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "store/database.h"

#define COPIES_KEPT 3
#define NAMES_TRIED 100

/* What SQLite keeps beside a database: see its "Temporary Files". */
static const char *const companions[] = { "-wal", "-shm" };

/* A name of a copy that is not taken yet: a clock without a battery says the same time at each boot. */
static char *copy_name(const char *path, const char *kind)
{
	const time_t now = time(NULL);
	char stamp[32] = "", *name;
	struct tm tm;
	int i;

	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (i = 0; i < NAMES_TRIED; i++) {
		if (asprintf(&name, i ? "%s.%s-%s.%d" : "%s.%s-%s", path, kind, stamp, i) < 0)
			return NULL;
		if (access(name, F_OK))
			return name;
		free(name);
	}
	errno = EEXIST;
	return NULL;
}

static void remove_copy(const char *name)
{
	unlink(name);
	for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
		auto_free char *companion = NULL;

		if (asprintf(&companion, "%s%s", name, companions[i]) >= 0)
			unlink(companion);
	}
}

static bool is_companion(const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
		const size_t tail = strlen(companions[i]);

		if (len > tail && !strcmp(name + len - tail, companions[i]))
			return true;
	}
	return false;
}

/* Only the last few stay, by the times in their names; fresh is one of them whatever the clock says. */
static void thin_out(const char *path, const char *pattern, const char *fresh)
{
	auto_free char *all = NULL;
	size_t kept = 1;
	glob_t found;

	if (asprintf(&all, "%s.%s-*", path, pattern) < 0)
		return;
	if (!glob(all, 0, NULL, &found)) {
		for (size_t i = found.gl_pathc; i--;) {
			const char *name = found.gl_pathv[i];

			if (is_companion(name) || !strcmp(name, fresh))
				continue;
			if (++kept > COPIES_KEPT)
				remove_copy(name);
		}
	}
	globfree(&found);
}

int doppel_copies_set_aside(const char *path)
{
	auto_free char *name = copy_name(path, "damaged");

	if (!name)
		return -errno;
	/* Somebody may have moved it away before us: then there is nothing to set aside. */
	if (rename(path, name))
		return errno == ENOENT ? 0 : -errno;
	for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
		auto_free char *from = NULL, *to = NULL;

		if (asprintf(&from, "%s%s", path, companions[i]) < 0 ||
		    asprintf(&to, "%s%s", name, companions[i]) < 0)
			return -ENOMEM;
		if (rename(from, to) && errno != ENOENT)
			return -errno;
	}
	doppel_log(LOG_ERR, "%s: damaged; set aside as %s, and begun anew", path, name);
	thin_out(path, "damaged", name);
	return 0;
}

int doppel_copies_backup(sqlite3 *db, const char *path, int version, struct doppel_error *error)
{
	auto_free char *name = NULL;
	char kind[24], *sql;
	int code;

	snprintf(kind, sizeof(kind), "v%d", version);
	name = copy_name(path, kind);
	if (!name) {
		doppel_error_add(error, "%s: no copy can be made of it: %s", path, strerror(errno));
		return -errno;
	}
	sql = sqlite3_mprintf("VACUUM INTO %Q", name);
	code = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	if (code) {
		doppel_error_add(error, "%s: no copy can be made of it before its version changes: %s", name,
				 sqlite3_errmsg(db));
		unlink(name);
		return doppel_store_errno(code);
	}
	doppel_log(LOG_NOTICE, "%s: copied to %s before its version changes", path, name);
	thin_out(path, "v*", name);
	return 0;
}
