// SPDX-License-Identifier: GPL-2.0-only
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

static int64_t real_mono_ms(struct clock *self)
{
	struct timespec now;

	(void)self;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_wall_s(struct clock *self)
{
	(void)self;
	return time(NULL);
}

static const char *real_boot(struct clock *self)
{
	static char id[40];
	auto_fclose FILE *file = NULL;

	(void)self;
	if (*id)
		return id;
	file = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!file || fscanf(file, "%39s", id) != 1)
		*id = '\0';
	return id;
}

struct clock doppel_clock = {
	.mono_ms = real_mono_ms,
	.wall_s = real_wall_s,
	.boot = real_boot,
};

static struct {
	int64_t mono_ms, wall_s;
} turn;

static int64_t turn_mono_ms(struct clock *self)
{
	(void)self;
	return turn.mono_ms;
}

static int64_t turn_wall_s(struct clock *self)
{
	(void)self;
	return turn.wall_s;
}

struct clock doppel_loop_clock = {
	.mono_ms = turn_mono_ms,
	.wall_s = turn_wall_s,
	.boot = real_boot,
};

void doppel_clock_turn(void)
{
	turn.mono_ms = real_mono_ms(&doppel_clock);
	turn.wall_s = real_wall_s(&doppel_clock);
}

char *doppel_time_format(int64_t wall_s, char text[DOPPEL_TIME_TEXT])
{
	time_t wall = (time_t)wall_s;
	struct tm tm;

	if (!gmtime_r(&wall, &tm) || !strftime(text, DOPPEL_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		text[0] = '\0';
	return text;
}

int doppel_time_parse(const char *text, int64_t *wall_s)
{
	struct tm tm = {};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		return -EINVAL;
	*wall_s = timegm(&tm);
	return 0;
}

char *doppel_duration_format(int64_t ms, char text[DOPPEL_TIME_TEXT])
{
	int64_t s;

	if (ms < 0)
		ms = 0;
	s = ms / 1000;
	if (ms < 1000)
		snprintf(text, DOPPEL_TIME_TEXT, "%" PRId64 "ms", ms);
	else if (s < 60)
		snprintf(text, DOPPEL_TIME_TEXT, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(text, DOPPEL_TIME_TEXT, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, DOPPEL_TIME_TEXT, "%" PRId64 "h%02" PRId64 "m", s / 3600,
			 s / 60 % 60);
	else
		snprintf(text, DOPPEL_TIME_TEXT, "%" PRId64 "d%02" PRId64 "h", s / 86400,
			 s / 3600 % 24);
	return text;
}

int doppel_duration_parse(const char *text, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	int64_t value = 0;
	size_t digits = strspn(text, "0123456789");

	if (!digits)
		return -EINVAL;
	if (digits > 12)
		return -ERANGE;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].name))
			continue;
		if (__builtin_mul_overflow(value, units[i].ms, ms))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}
