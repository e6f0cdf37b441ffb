/* SPDX-License-Identifier: GPL-2.0-only */
/* __attribute__((cleanup)) for what everybody holds. */
#ifndef DOPPEL_BASE_CLEANUP_H
#define DOPPEL_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void doppel_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void doppel_cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void doppel_cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define auto_free __attribute__((cleanup(doppel_cleanup_free)))
#define auto_close __attribute__((cleanup(doppel_cleanup_close)))
#define auto_fclose __attribute__((cleanup(doppel_cleanup_fclose)))

#endif
