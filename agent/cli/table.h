/* SPDX-License-Identifier: GPL-2.0-only */
/* A table for people: columns as wide as their widest cell, two spaces between. */
#ifndef DOPPEL_CLI_TABLE_H
#define DOPPEL_CLI_TABLE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 10

struct table {
	size_t columns;
	size_t rows;
	char **cells; /* rows × columns, the titles first */
};

#define auto_table __attribute__((cleanup(doppel_table_free)))

/*
 * Begin with {}. Add a row of as many cells as there are titles; "" leaves one
 * empty. Control characters, which a device may have put into its name, become '?'.
 */
void doppel_table_titles(struct table *table, size_t columns, const char *const *titles);
void doppel_table_row(struct table *table, const char *const *cells);
/* On stdout, nothing behind a line's last word. */
void doppel_table_print(const struct table *table);
void doppel_table_free(struct table *table);

/* Make text that came from the network fit for a terminal. */
void doppel_text_clean(char *text);
/* printf of such text: all but its line ends is made fit. */
void doppel_text_print(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doppel_text_vprint(FILE *out, const char *fmt, va_list ap);

#endif
