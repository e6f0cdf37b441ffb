/* SPDX-License-Identifier: GPL-2.0-only */
/* One line on stderr per message; what supervises the agent keeps the log. */
#ifndef DOPPEL_BASE_LOG_H
#define DOPPEL_BASE_LOG_H

#include <syslog.h>

/*
 * level: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG of <syslog.h>.
 * Under systemd the line carries "<N>" so that the journal knows its level.
 */
void doppel_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Messages above this level are dropped; LOG_INFO to begin with. */
void doppel_log_set_level(int level);

#endif
