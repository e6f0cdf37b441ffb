// SPDX-License-Identifier: GPL-2.0-only
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

void doppel_text_clean(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		/* C1 control characters are c2 80 to c2 9f in UTF-8. */
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			*c++ = '?';
		else if (*c >= ' ' && *c != 0x7f)
			continue;
		*c = '?';
	}
}

void doppel_text_vprint(FILE *out, const char *fmt, va_list ap)
{
	auto_free char *text = NULL;
	char *rest, *line;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		doppel_text_clean(line);
		fprintf(out, "%s%s", line, rest ? "\n" : "");
	}
}

void doppel_text_print(FILE *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	doppel_text_vprint(out, fmt, ap);
	va_end(ap);
}

void doppel_table_titles(struct table *table, size_t columns, const char *const *titles)
{
	table->columns = columns;
	doppel_table_row(table, titles);
}

void doppel_table_row(struct table *table, const char *const *cells)
{
	char **grown = reallocarray(table->cells, (table->rows + 1) * table->columns,
				    sizeof(*grown));
	char **row;

	if (!grown)
		abort();
	table->cells = grown;
	row = &grown[table->rows++ * table->columns];
	for (size_t i = 0; i < table->columns; i++) {
		row[i] = strdup(cells[i]);
		if (!row[i])
			abort();
		doppel_text_clean(row[i]);
	}
}

static void print_row(const struct table *table, size_t row, const size_t *widths)
{
	char **cells = &table->cells[row * table->columns];
	size_t owed = 0;

	for (size_t i = 0; i < table->columns; i++) {
		if (*cells[i]) {
			printf("%*s%s", (int)owed, "", cells[i]);
			owed = 0;
		}
		owed += widths[i] + 2 - width_of(cells[i]);
	}
	putchar('\n');
}

void doppel_table_print(const struct table *table)
{
	size_t widths[TABLE_COLUMNS_MAX] = {};

	for (size_t i = 0; i < table->rows * table->columns; i++) {
		size_t width = width_of(table->cells[i]);

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (size_t row = 0; row < table->rows; row++)
		print_row(table, row, widths);
}

void doppel_table_free(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){};
}
