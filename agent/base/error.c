// SPDX-License-Identifier: GPL-2.0-only
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void doppel_error_add(struct doppel_error *error, const char *fmt, ...)
{
	size_t used = strlen(error->text);
	size_t start = used ? used + 1 : 0;
	va_list ap;
	int len;

	error->count++;
	if (start >= sizeof(error->text) - 1)
		return;
	va_start(ap, fmt);
	len = vsnprintf(error->text + start, sizeof(error->text) - start, fmt, ap);
	va_end(ap);
	/* A line that was cut is no use, but for the first. */
	if (used && (len < 0 || (size_t)len >= sizeof(error->text) - start))
		error->text[used] = '\0';
	else if (used)
		error->text[used] = '\n';
}
