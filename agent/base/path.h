/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOPPEL_BASE_PATH_H
#define DOPPEL_BASE_PATH_H

/* Make the file's directory, 0755 less the umask, if it is not there. 0 or a negative errno. */
int doppel_make_parent(const char *path);

#endif
