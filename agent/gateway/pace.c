// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/pace.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define WHOLE 1000		/* one frame in thousandths */
#define FRAMES_PER_DEVICE 10

struct waiting {
	struct list link;
	size_t len;
	uint8_t frame[];
};

void doppel_pace_init(struct pace *pace, struct clock *clock,
		      void (*send)(void *ctx, const void *frame, size_t len), void *ctx)
{
	*pace = (struct pace){
		.clock = clock,
		.send = send,
		.ctx = ctx,
		.tokens = PACE_BURST * WHOLE,
		.filled_ms = doppel_clock_mono_ms(clock),
	};
	doppel_list_init(&pace->queue);
}

static void drop(struct pace *pace, struct waiting *waiting)
{
	doppel_list_del(&waiting->link);
	pace->queued--;
	free(waiting);
}

void doppel_pace_clear(struct pace *pace)
{
	doppel_list_foreach(node, &pace->queue)
		drop(pace, container_of(node, struct waiting, link));
}

void doppel_pace_free(struct pace *pace)
{
	doppel_pace_clear(pace);
}

static void fill(struct pace *pace)
{
	int64_t now = doppel_clock_mono_ms(pace->clock);
	int64_t elapsed = now - pace->filled_ms;

	if (elapsed <= 0)
		return;
	pace->filled_ms = now;
	/* Longer than it takes to fill the bucket counts no more. */
	if (elapsed > PACE_BURST * WHOLE / PACE_RATE)
		pace->tokens = PACE_BURST * WHOLE;
	else
		pace->tokens += elapsed * PACE_RATE;
	if (pace->tokens > PACE_BURST * WHOLE)
		pace->tokens = PACE_BURST * WHOLE;
}

static bool take(struct pace *pace)
{
	if (pace->tokens < WHOLE)
		return false;
	pace->tokens -= WHOLE;
	return true;
}

void doppel_pace_send(struct pace *pace, const void *frame, size_t len)
{
	struct waiting *waiting;

	fill(pace);
	if (doppel_list_empty(&pace->queue) && take(pace)) {
		pace->send(pace->ctx, frame, len);
		return;
	}
	if (pace->queued == PACE_QUEUE) {
		drop(pace, container_of(pace->queue.next, struct waiting, link));
		if (!pace->lost++)
			doppel_log(LOG_WARNING, "wan: more negotiation than the rate cap allows");
	}
	waiting = malloc(sizeof(*waiting) + len);
	if (!waiting) {
		pace->lost++;
		return;
	}
	waiting->len = len;
	memcpy(waiting->frame, frame, len);
	doppel_list_add_tail(&pace->queue, &waiting->link);
	pace->queued++;
}

void doppel_pace_timeout(struct pace *pace)
{
	fill(pace);
	while (!doppel_list_empty(&pace->queue) && take(pace)) {
		struct waiting *waiting = container_of(pace->queue.next, struct waiting, link);

		pace->send(pace->ctx, waiting->frame, waiting->len);
		drop(pace, waiting);
	}
}

int64_t doppel_pace_deadline(const struct pace *pace)
{
	int64_t missing = WHOLE - pace->tokens;

	if (doppel_list_empty(&pace->queue))
		return INT64_MAX;
	if (missing <= 0)
		return pace->filled_ms;
	return pace->filled_ms + (missing + PACE_RATE - 1) / PACE_RATE;
}

int64_t doppel_pace_spread_ms(size_t devices)
{
	return (int64_t)devices * FRAMES_PER_DEVICE * 1000 / PACE_RATE;
}
