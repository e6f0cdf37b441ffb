/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rate cap on negotiation frames, for all devices together: a token bucket before the packet
 * socket, so that a thousand devices after a WAN flap do not flood the upstream. In no second do
 * more frames leave than `rate`, a burst included: a tenth of it may go at once, the rest fills up.
 * Only what doppel_pace_flush() sends is over that, and is made up for by those that come after it.
 *
 * Frames that find no token wait in a line of their device; devices take turns, so that one with
 * much to say does not hold up the rest. What keeps and defends addresses goes before what begins
 * something new. A line that is too long loses its oldest frame, as what sent it will repeat it.
 *
 * Servers are asked as fast as they answer: of questions without an answer so far there are
 * PACE_WINDOW, or one of them is a second old, before something new begins. A server that is slow
 * would otherwise meet ever more repetitions, and serve nobody.
 */
#ifndef DOPPEL_GATEWAY_PACE_H
#define DOPPEL_GATEWAY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct clock;

#define PACE_RATE 200		/* frames a second, unless the file says otherwise */
#define PACE_RATE_MIN 10
#define PACE_RATE_MAX 10000
#define PACE_LINE 12		/* frames */
#define PACE_WINDOW 64		/* questions, and so many more in each second */

enum pace_class {
	PACE_URGENT,
	PACE_ASKING,		/* a question to a server, of what has begun */
	PACE_BEGINNING,		/* the first question; the newer one stands for one that waits */
	PACE_CLASSES,
};

/* What one device has waiting in one class. */
struct pace_line {
	struct list link;	/* in pace->lines, unless it is empty */
	struct list frames;
	unsigned int count;
};

/* All that one device has waiting. */
struct pace_source {
	struct pace_line lines[PACE_CLASSES];
};

struct pace {
	struct clock *clock;
	void (*send)(void *ctx, const void *frame, size_t len);
	void *ctx;
	unsigned int rate;
	int64_t tokens;		/* thousandths of a frame; below zero after doppel_pace_flush() */
	int64_t window;		/* thousandths of a question that may still be asked */
	int64_t filled_ms;	/* when both were last counted */
	int64_t turn_ms;	/* when the next device may begin something */
	struct list lines[PACE_CLASSES];	/* that have frames, in the order of their turns */
	unsigned int queued;
	uint64_t lost;		/* frames that a line was too long for */
	int64_t lost_ms;	/* the last of them */
};

void doppel_pace_init(struct pace *pace, struct clock *clock, unsigned int rate,
		      void (*send)(void *ctx, const void *frame, size_t len), void *ctx);
void doppel_pace_source_init(struct pace_source *source);
void doppel_pace_set_rate(struct pace *pace, unsigned int rate);

/* Send at once or queue a copy. */
void doppel_pace_send(struct pace *pace, struct pace_source *source, enum pace_class class,
		      const void *frame, size_t len);

/* A server has answered some device. */
void doppel_pace_answered(struct pace *pace);

/* Whether something may begin now: what has begun before finds servers that answer. */
bool doppel_pace_open(struct pace *pace);

/* What the device has waiting is of no use any more: before it goes, at the latest. */
void doppel_pace_forget(struct pace *pace, struct pace_source *source);

/* What it has waiting cannot wait: it is sent now, and what comes next waits for longer instead. */
void doppel_pace_flush(struct pace *pace, struct pace_source *source);

/* Forget what waits, and turns that were given away: the link is gone. */
void doppel_pace_clear(struct pace *pace);

/* Send what may go now. */
void doppel_pace_timeout(struct pace *pace);

/* When the next frame may go; INT64_MAX when none waits. */
int64_t doppel_pace_deadline(const struct pace *pace);

/*
 * How many milliseconds from now a device should begin something that takes so many frames, so that
 * all that was given a turn before can be done within the cap. The turn is taken with this call.
 */
int64_t doppel_pace_turn(struct pace *pace, unsigned int frames);

#endif
