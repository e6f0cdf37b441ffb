// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/pace.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/negotiation.h"

#define ETHERTYPE_AT 12
#define WHOLE 1000		/* one frame in thousandths */
#define BURST_SHARE 10		/* of the rate may go at once */
#define SPARE_SHARE 100		/* is not used: what is sent in time may be on the wire a little later */

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
	return pace->rate - burst(pace) - pace->rate / SPARE_SHARE;
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
	pace->window = PACE_WINDOW * WHOLE;
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
	pace->tokens = doppel_earlier(pace->tokens + elapsed * refill(pace), burst(pace) * WHOLE);
	pace->window = doppel_earlier(pace->window + elapsed * PACE_WINDOW, PACE_WINDOW * WHOLE);
}

void doppel_pace_set_rate(struct pace *pace, unsigned int rate)
{
	fill(pace);
	pace->rate = rate;
	pace->tokens = doppel_earlier(pace->tokens, burst(pace) * WHOLE);
}

void doppel_pace_answered(struct pace *pace)
{
	fill(pace);
	pace->window = doppel_earlier(pace->window + WHOLE, PACE_WINDOW * WHOLE);
}

bool doppel_pace_open(struct pace *pace)
{
	fill(pace);
	return pace->window >= WHOLE;
}

/* Questions of what has begun are not held up; they shut the window for what has not. */
static bool take(struct pace *pace, enum pace_class class)
{
	if (pace->tokens < WHOLE || (class == PACE_BEGINNING && pace->window < WHOLE))
		return false;
	pace->tokens -= WHOLE;
	/* It shuts for no more than a second: questions that are older count no more. */
	if (class != PACE_URGENT && pace->window > -PACE_WINDOW * WHOLE)
		pace->window -= WHOLE;
	return true;
}

static struct waiting *first_of(const struct pace_line *line)
{
	return container_of(line->frames.next, struct waiting, link);
}

static void drop(struct pace *pace, struct pace_line *line, struct waiting *waiting)
{
	doppel_list_del(&waiting->link);
	free(waiting);
	pace->queued--;
	if (!--line->count)
		doppel_list_del(&line->link);
}

static void drop_first(struct pace *pace, struct pace_line *line)
{
	drop(pace, line, first_of(line));
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

/* What waits in this line already, of the same protocol; NULL. */
static struct waiting *like(const struct pace_line *line, const void *frame)
{
	doppel_list_foreach(node, &line->frames) {
		struct waiting *waiting = container_of(node, struct waiting, link);

		if (!memcmp(waiting->frame + ETHERTYPE_AT, (const uint8_t *)frame + ETHERTYPE_AT, 2))
			return waiting;
	}
	return NULL;
}

static void lose(struct pace *pace)
{
	pace->lost_ms = doppel_clock_mono_ms(pace->clock);
	if (!pace->lost++)
		doppel_log(LOG_WARNING, "wan: more negotiation than the rate cap allows");
}

static void queue(struct pace *pace, struct pace_source *source, enum pace_class class,
		  const void *frame, size_t len)
{
	struct pace_line *line = &source->lines[class];
	struct waiting *before = class == PACE_BEGINNING ? like(line, frame) : NULL;
	struct waiting *waiting = malloc(sizeof(*waiting) + len);

	if (!waiting) {
		lose(pace);
		return;
	}
	waiting->len = len;
	memcpy(waiting->frame, frame, len);
	doppel_list_add_tail(before ? &before->link : &line->frames, &waiting->link);
	pace->queued++;
	if (!line->count++)
		doppel_list_add_tail(&pace->lines[class], &line->link);
	if (before) {
		drop(pace, line, before);
	} else if (line->count > PACE_LINE) {
		lose(pace);
		drop_first(pace, line);
	}
}

/* Nothing waits that would go before a frame of this class. */
static bool nobody_before(const struct pace *pace, enum pace_class class)
{
	unsigned int each;

	for (each = 0; each <= class; each++)
		if (!doppel_list_empty(&pace->lines[each]))
			return false;
	return true;
}

void doppel_pace_send(struct pace *pace, struct pace_source *source, enum pace_class class,
		      const void *frame, size_t len)
{
	fill(pace);
	if (nobody_before(pace, class) && take(pace, class))
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

/* Whose turn it is in this class; its next one comes after everybody else's. NULL: nobody's. */
static struct pace_line *next_line(struct pace *pace, enum pace_class class)
{
	struct list *head = &pace->lines[class];
	struct pace_line *line;

	if (doppel_list_empty(head))
		return NULL;
	line = container_of(head->next, struct pace_line, link);
	doppel_list_del(&line->link);
	doppel_list_add_tail(head, &line->link);
	return line;
}

void doppel_pace_timeout(struct pace *pace)
{
	unsigned int class;

	fill(pace);
	for (class = 0; class < PACE_CLASSES; class++)
		while (!doppel_list_empty(&pace->lines[class]) && take(pace, class))
			send_first(pace, next_line(pace, class));
}

static int64_t until_whole(int64_t have, int64_t per_ms)
{
	return have >= WHOLE ? 0 : (WHOLE - have + per_ms - 1) / per_ms;
}

int64_t doppel_pace_deadline(const struct pace *pace)
{
	int64_t wait = until_whole(pace->tokens, refill(pace));
	const int64_t window = until_whole(pace->window, PACE_WINDOW);

	if (!pace->queued)
		return INT64_MAX;
	/* Only what begins something is there. */
	if (nobody_before(pace, PACE_BEGINNING - 1) && window > wait)
		wait = window;
	return pace->filled_ms + wait;
}

int64_t doppel_pace_turn(struct pace *pace, unsigned int frames)
{
	const int64_t now = doppel_clock_mono_ms(pace->clock);
	int64_t turn = pace->turn_ms > now ? pace->turn_ms : now;

	pace->turn_ms = turn + (int64_t)frames * WHOLE / refill(pace);
	return turn - now;
}
