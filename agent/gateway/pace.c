// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/pace.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define WHOLE 1000		/* one frame in thousandths */
#define BURST_SHARE 10		/* of the rate may go at once */

struct waiting {
	struct list link;
	size_t len;
	uint8_t frame[];
};

static int64_t burst(const struct pace *pace)
{
	return pace->rate / BURST_SHARE;
}

/* Frames a second: thousandths of a frame a millisecond. */
static int64_t refill(const struct pace *pace)
{
	return pace->rate - burst(pace);
}

void doppel_pace_init(struct pace *pace, struct clock *clock, unsigned int rate,
		      void (*send)(void *ctx, const void *frame, size_t len), void *ctx)
{
	unsigned int class;

	*pace = (struct pace){
		.clock = clock,
		.send = send,
		.ctx = ctx,
		.rate = rate,
		.filled_ms = doppel_clock_mono_ms(clock),
	};
	pace->tokens = burst(pace) * WHOLE;
	for (class = 0; class < PACE_CLASSES; class++)
		doppel_list_init(&pace->lines[class]);
}

void doppel_pace_source_init(struct pace_source *source)
{
	unsigned int class;

	for (class = 0; class < PACE_CLASSES; class++) {
		source->lines[class].count = 0;
		doppel_list_init(&source->lines[class].link);
		doppel_list_init(&source->lines[class].frames);
	}
}

static void fill(struct pace *pace)
{
	int64_t now = doppel_clock_mono_ms(pace->clock);
	int64_t elapsed = now - pace->filled_ms;

	if (elapsed <= 0)
		return;
	pace->filled_ms = now;
	pace->tokens += elapsed * refill(pace);
	if (pace->tokens > burst(pace) * WHOLE)
		pace->tokens = burst(pace) * WHOLE;
}

void doppel_pace_set_rate(struct pace *pace, unsigned int rate)
{
	fill(pace);
	pace->rate = rate;
	fill(pace);
}

static bool take(struct pace *pace)
{
	if (pace->tokens < WHOLE)
		return false;
	pace->tokens -= WHOLE;
	return true;
}

static struct waiting *first_of(const struct pace_line *line)
{
	return container_of(line->frames.next, struct waiting, link);
}

static void drop_first(struct pace *pace, struct pace_line *line)
{
	struct waiting *waiting = first_of(line);

	doppel_list_del(&waiting->link);
	free(waiting);
	pace->queued--;
	if (!--line->count)
		doppel_list_del(&line->link);
}

static void send_first(struct pace *pace, struct pace_line *line)
{
	struct waiting *waiting = first_of(line);

	pace->send(pace->ctx, waiting->frame, waiting->len);
	drop_first(pace, line);
}

static void clear_line(struct pace *pace, struct pace_line *line)
{
	while (line->count)
		drop_first(pace, line);
}

void doppel_pace_forget(struct pace *pace, struct pace_source *source)
{
	unsigned int class;

	for (class = 0; class < PACE_CLASSES; class++)
		clear_line(pace, &source->lines[class]);
}

void doppel_pace_clear(struct pace *pace)
{
	unsigned int class;

	pace->turn_ms = 0;
	for (class = 0; class < PACE_CLASSES; class++)
		doppel_list_foreach(node, &pace->lines[class])
			clear_line(pace, container_of(node, struct pace_line, link));
}

static void queue(struct pace *pace, struct pace_source *source, enum pace_class class,
		  const void *frame, size_t len)
{
	struct pace_line *line = &source->lines[class];
	struct waiting *waiting = malloc(sizeof(*waiting) + len);

	if (line->count == PACE_LINE || !waiting) {
		if (!pace->lost++)
			doppel_log(LOG_WARNING, "wan: more negotiation than the rate cap allows");
	}
	if (!waiting)
		return;
	if (line->count == PACE_LINE)
		drop_first(pace, line);
	waiting->len = len;
	memcpy(waiting->frame, frame, len);
	doppel_list_add_tail(&line->frames, &waiting->link);
	if (!line->count++)
		doppel_list_add_tail(&pace->lines[class], &line->link);
	pace->queued++;
}

void doppel_pace_send(struct pace *pace, struct pace_source *source, enum pace_class class,
		      const void *frame, size_t len)
{
	fill(pace);
	if (!pace->queued && take(pace))
		pace->send(pace->ctx, frame, len);
	else
		queue(pace, source, class, frame, len);
}

void doppel_pace_flush(struct pace *pace, struct pace_source *source)
{
	unsigned int class;

	fill(pace);
	for (class = 0; class < PACE_CLASSES; class++) {
		while (source->lines[class].count) {
			send_first(pace, &source->lines[class]);
			pace->tokens -= WHOLE;
		}
	}
}

/* Whose turn it is; NULL: nobody has anything waiting. */
static struct pace_line *next_line(struct pace *pace)
{
	unsigned int class;

	for (class = 0; class < PACE_CLASSES; class++)
		if (!doppel_list_empty(&pace->lines[class]))
			return container_of(pace->lines[class].next, struct pace_line, link);
	return NULL;
}

void doppel_pace_timeout(struct pace *pace)
{
	struct pace_line *line;

	fill(pace);
	while ((line = next_line(pace)) && take(pace)) {
		struct list *head = line->link.prev;

		/* Its next turn comes after everybody else's. */
		doppel_list_del(&line->link);
		doppel_list_add_tail(head, &line->link);
		send_first(pace, line);
	}
}

int64_t doppel_pace_deadline(const struct pace *pace)
{
	int64_t missing = WHOLE - pace->tokens;

	if (!pace->queued)
		return INT64_MAX;
	if (missing <= 0)
		return pace->filled_ms;
	return pace->filled_ms + (missing + refill(pace) - 1) / refill(pace);
}

int64_t doppel_pace_turn(struct pace *pace, unsigned int frames)
{
	const int64_t now = doppel_clock_mono_ms(pace->clock);
	int64_t turn = pace->turn_ms > now ? pace->turn_ms : now;

	pace->turn_ms = turn + (int64_t)frames * WHOLE / refill(pace);
	return turn - now;
}
