/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that commands read and write. */
#ifndef DOPPEL_CLI_FILE_H
#define DOPPEL_CLI_FILE_H

#include "base/buf.h"
#include "cli/cli.h"

/* All of it, "-": stdin. Whether it could be read; if not, it is told on stderr. */
bool doppel_cli_read_file(const struct cli *cli, const char *path, struct buf *text);

/*
 * Whole or not at all, mode 0600: what is there stays until the new one is on the disk. What is there
 * and no regular file, a pipe or a link, is written to instead. 0 or a negative errno.
 */
int doppel_cli_write_file(const char *path, const void *data, size_t len);

#endif
