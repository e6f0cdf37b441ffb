/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rate cap on negotiation frames, for all devices together: a token bucket before the packet
 * socket, so that a thousand devices after a WAN flap do not flood the upstream. Frames that find no
 * token wait in line; a line that is too long loses its oldest frame, as what sent it will repeat it.
 */
#ifndef DOPPEL_GATEWAY_PACE_H
#define DOPPEL_GATEWAY_PACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct clock;

#define PACE_RATE 200		/* frames a second */
#define PACE_BURST 64
#define PACE_QUEUE 2048

struct pace {
	struct clock *clock;
	void (*send)(void *ctx, const void *frame, size_t len);
	void *ctx;
	int64_t tokens;		/* thousandths of a frame */
	int64_t filled_ms;	/* when they were last counted */
	struct list queue;
	unsigned int queued;
	uint64_t lost;		/* frames that the line was too long for */
};

void doppel_pace_init(struct pace *pace, struct clock *clock,
		      void (*send)(void *ctx, const void *frame, size_t len), void *ctx);
void doppel_pace_free(struct pace *pace);

/* Send at once or queue a copy. */
void doppel_pace_send(struct pace *pace, const void *frame, size_t len);

/* Forget what waits: the link is gone. */
void doppel_pace_clear(struct pace *pace);

/* Send what may go now. */
void doppel_pace_timeout(struct pace *pace);

/* When the next frame may go; INT64_MAX when none waits. */
int64_t doppel_pace_deadline(const struct pace *pace);

/*
 * Over how many milliseconds @devices should spread something that costs each some ten frames, so
 * that the cap is not reached.
 */
int64_t doppel_pace_spread_ms(size_t devices);

#endif
