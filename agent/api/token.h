/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOPPEL_API_TOKEN_H
#define DOPPEL_API_TOKEN_H

#include "base/error.h"

/*
 * The token in the file, which is made with a random one, mode 0600, if it is
 * not there. 0, or a negative errno and a line in error: -EPERM for a file that
 * others may read, -EINVAL for a token shorter than 8 characters. Freed by the
 * caller.
 */
int doppel_token_load(const char *path, char **token, struct doppel_error *error);

#endif
