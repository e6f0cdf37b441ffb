/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that is run to its end, while everything else waits: it must be one that ends soon. */
#ifndef DOPPEL_KERNEL_COMMAND_H
#define DOPPEL_KERNEL_COMMAND_H

#include "base/buf.h"

/*
 * @argv as for execvp(3), looked for in PATH. @input is its standard input, @output gets what it says;
 * each may be NULL. @complaint gets what it says on its standard error. It is killed when it has not
 * ended after @limit_ms. 0; -ENOENT when it is not installed; -EIO when its status is not 0;
 * -ETIMEDOUT when it was killed; another negative errno when it could not be run.
 */
int doppel_command(const char *const argv[], int limit_ms, const struct buf *input,
		   struct buf *output, struct buf *complaint);

#endif
