/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine's every state meets every event. What happens is told as "SENT > STATE TOLD"; a table
 * says where something does, and everywhere else nothing may: no frame, no change, no word.
 */
#ifndef DOPPEL_TESTS_STATE_TABLE_H
#define DOPPEL_TESTS_STATE_TABLE_H

#include "wan_world.h"

struct cell {
	const char *situation, *event, *want;
};

#define CELLS_MAX 512
static bool table_met[CELLS_MAX];

/* What a test program gathers of one event. */
struct outcome {
	char sent[64], told[64];	/* "-" for nothing */
	const char *state;
	bool held;			/* an address is in use */
};

static inline void outcome_add(char text[64], const char *what)
{
	const size_t len = strlen(text);

	snprintf(text + len, 64 - len, "%s%s", len ? " " : "", what);
}

static inline const char *outcome_text(const struct outcome *outcome, char text[192])
{
	snprintf(text, 192, "%s > %s%s: %s", outcome->sent[0] ? outcome->sent : "-",
		 outcome->state, outcome->held ? "*" : "",
		 outcome->told[0] ? outcome->told : "-");
	return text;
}

/* @accepted: a frame that the machine says it took in. */
static inline void table_meet(const struct cell *table, size_t count, const char *situation,
			      const char *event, const struct outcome *before,
			      const struct outcome *after, bool accepted)
{
	char got[192], want[192];
	size_t i;

	outcome_text(after, got);
	for (i = 0; i < count; i++) {
		if (strcmp(table[i].situation, situation) || strcmp(table[i].event, event))
			continue;
		table_met[i] = true;
		is_str(got, table[i].want, "%s: %s", situation, event);
		return;
	}
	outcome_text(before, want);
	is_str(got, want, "%s: %s: nothing", situation, event);
	ok(!accepted, "%s: %s: not taken in", situation, event);
}

/* A row that nothing has met is a typing error. */
static inline void table_end(const struct cell *table, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!table_met[i])
			ok(false, "%s: %s: in the table, but nowhere else", table[i].situation,
			   table[i].event);
}

#endif
