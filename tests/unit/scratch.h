/* SPDX-License-Identifier: GPL-2.0-only */
/* A directory of a test's own. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define SCRATCH_SIZE 40

/* Makes it, for root alone, and writes its path to @path. */
static inline void scratch_make(char path[static SCRATCH_SIZE])
{
	snprintf(path, SCRATCH_SIZE, "/tmp/doppel-test-XXXXXX");
	if (!mkdtemp(path))
		abort();
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* With all that is in it; 0, or -1 if some of it is left. */
static inline int scratch_remove(const char *path)
{
	return nftw(path, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
