// SPDX-License-Identifier: GPL-2.0-only
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int max_level = LOG_INFO;

void doppel_log_set_level(int level)
{
	max_level = level;
}

void doppel_log(int level, const char *fmt, ...)
{
	static const char *const words[] = {
		[LOG_ERR] = "error: ", [LOG_WARNING] = "warning: ", [LOG_DEBUG] = "debug: ",
	};
	const char *word = "";
	char line[1024];
	va_list ap;

	if (level > max_level)
		return;
	if (level >= 0 && level <= LOG_DEBUG && words[level])
		word = words[level];
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* systemd sets it where stderr is the journal: sd-daemon(3). */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "doppel: %s%s\n", word, line);
}
