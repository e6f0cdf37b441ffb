/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told to the person who asked: one or more lines of text. */
#ifndef DOPPEL_BASE_ERROR_H
#define DOPPEL_BASE_ERROR_H

#include <stddef.h>

/* Begin with {}: text is then "". Lines are separated by '\n', none at the end. */
struct doppel_error {
	char text[4096];
	size_t count; /* lines wanted, those that found no room included */
};

/* Add a line; those that find no room are counted only. */
void doppel_error_add(struct doppel_error *error, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
