/* SPDX-License-Identifier: GPL-2.0-only */
/* Time, injected, so that tests need not wait for it. */
#ifndef DOPPEL_BASE_CLOCK_H
#define DOPPEL_BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*mono_ms)(struct clock *clock); /* monotonic milliseconds, suspend included */
	int64_t (*wall_s)(struct clock *clock);	 /* seconds since the epoch */
	/* Names this boot, in which mono_ms counts; NULL: nobody can tell one from another. */
	const char *(*boot)(struct clock *clock);
};

extern struct clock doppel_clock;

/*
 * The same as it was at the last doppel_clock_turn(), for an event loop that asks thousands of
 * times in a turn: not everywhere does the kernel answer without a system call.
 */
extern struct clock doppel_loop_clock;
void doppel_clock_turn(void);

static inline int64_t doppel_clock_mono_ms(struct clock *clock)
{
	return clock->mono_ms(clock);
}

static inline int64_t doppel_clock_wall_s(struct clock *clock)
{
	return clock->wall_s(clock);
}

/* "" if nobody can tell. */
static inline const char *doppel_clock_boot(struct clock *clock)
{
	return clock->boot ? clock->boot(clock) : "";
}

/* 2023: a wall clock that stands before it was never set. A box without a battery boots like that. */
#define DOPPEL_CLOCK_SET_S 1672531200

#define DOPPEL_TIME_TEXT 32

/* RFC 3339 in UTC, "2026-11-23T19:30:00Z"; writes into text and returns it. */
char *doppel_time_format(int64_t wall_s, char text[DOPPEL_TIME_TEXT]);

/* The same back. 0 or -EINVAL. */
int doppel_time_parse(const char *text, int64_t *wall_s);

/* For people: "850ms", "12s", "4m05s", "3h02m", "5d07h"; never negative. */
char *doppel_duration_format(int64_t ms, char text[DOPPEL_TIME_TEXT]);
/* "500ms", "15s", "5m", "12h", "7d": one number and its unit. 0, -EINVAL, or -ERANGE. */
int doppel_duration_parse(const char *text, int64_t *ms);

#endif
