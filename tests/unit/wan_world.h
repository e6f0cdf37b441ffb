/* SPDX-License-Identifier: GPL-2.0-only */
/* A world for the protocol machines: a clock that jumps, fixed chance, a record of what was sent. */
#ifndef DOPPEL_TESTS_WAN_WORLD_H
#define DOPPEL_TESTS_WAN_WORLD_H

#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "gateway/frame.h"
#include "gateway/negotiation.h"
#include "tap.h"

#define WORLD_FRAMES 512
#define WORLD_WALL 1700000000		/* the wall clock at monotonic 0 */

static const struct mac device = { { 2, 0, 0, 0, 0, 1 } };
static const struct mac server_mac = { { 2, 0, 0, 0, 0, 0xfe } };
static const struct mac rival = { { 2, 0, 0, 0, 0, 2 } };

/* A server's message under construction. */
struct message {
	uint8_t data[1200];
	size_t len;
};

struct sent {
	int64_t at;
	size_t len;
	uint8_t frame[FRAME_MAX];
};

struct world {
	struct clock clock;
	struct rng rng;
	struct negotiation_env env;
	int64_t now;
	uint32_t chance;		/* permille of what is asked for; or a row of its own: */
	bool random;
	uint32_t seed;
	struct sent sent[WORLD_FRAMES];
	unsigned int count;		/* of frames, ever */
};

static inline int64_t world_mono(struct clock *clock)
{
	return ((struct world *)clock)->now;
}

static inline int64_t world_wall(struct clock *clock)
{
	return WORLD_WALL + world_mono(clock) / 1000;
}

static inline uint32_t world_below(struct rng *rng, uint32_t n)
{
	struct world *world = (struct world *)((char *)rng - offsetof(struct world, rng));
	uint64_t span = n ? n : 1ULL << 32;

	world->seed = world->seed * 1664525 + 1013904223;
	if (world->random || !n || n == 1 << 24)	/* transaction ids differ always */
		return (uint32_t)((span * world->seed) >> 32);
	return (uint32_t)((span - 1) * world->chance / 1000);
}

static inline void world_send(void *ctx, const void *frame, size_t len)
{
	struct world *world = ctx;
	struct sent *sent = &world->sent[world->count++ % WORLD_FRAMES];

	sent->at = world->now;
	sent->len = len;
	memcpy(sent->frame, frame, len);
}

/* Chance in the middle: no jitter either way. */
static inline struct world *world_new(void)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		abort();
	world->clock.mono_ms = world_mono;
	world->clock.wall_s = world_wall;
	world->rng.below = world_below;
	world->chance = 500;
	world->seed = 1;
	world->now = 1000000;
	world->env = (struct negotiation_env){ &world->clock, &world->rng, world_send, world };
	return world;
}

static inline struct sent *world_last(struct world *world)
{
	return &world->sent[(world->count + WORLD_FRAMES - 1) % WORLD_FRAMES];
}

/* The last frame sent, parsed: what is ours must always be valid. */
static inline struct packet world_packet(struct world *world)
{
	struct packet packet = { .len = 0 };
	struct sent *sent = world_last(world);

	if (doppel_frame_parse(sent->frame, sent->len, 0, &packet) != VERDICT_ACCEPTED)
		abort();
	return packet;
}

/* Let the machine live until @until; a machine whose timer does not move on is a bug. */
#define world_run(world, machine, name, until)						\
	do {										\
		int64_t until_ = (until);						\
		unsigned int steps_ = 0;						\
		while (doppel_##name##_deadline(machine) <= until_) {			\
			if (doppel_##name##_deadline(machine) > (world)->now)		\
				(world)->now = doppel_##name##_deadline(machine);	\
			doppel_##name##_timeout(machine);				\
			if (++steps_ > 100000)						\
				abort();						\
		}									\
		if (until_ > (world)->now && until_ != NEVER)				\
			(world)->now = until_;						\
	} while (0)

/*
 * What the clock and the owner do to a machine of the type @name, as functions for a table of events;
 * @sleep_ms is longer than all that is due in any state.
 */
#define WORLD_EVENTS(name, sleep_ms)							\
	static enum verdict early(struct world *world, struct name *machine)		\
	{										\
		const int64_t at = doppel_##name##_deadline(machine);			\
											\
		world->now = at == NEVER ? world->now + 1000 :				\
			     at > world->now ? at - 1 : world->now;			\
		if (at == NEVER || at > world->now)					\
			doppel_##name##_timeout(machine);				\
		return VERDICT_OTHER;							\
	}										\
											\
	static enum verdict timeout(struct world *world, struct name *machine)		\
	{										\
		if (doppel_##name##_deadline(machine) != NEVER)				\
			world->now = doppel_##name##_deadline(machine);			\
		doppel_##name##_timeout(machine);					\
		return VERDICT_OTHER;							\
	}										\
											\
	static enum verdict late(struct world *world, struct name *machine)		\
	{										\
		world->now += (sleep_ms);						\
		doppel_##name##_timeout(machine);					\
		return VERDICT_OTHER;							\
	}										\
											\
	static enum verdict confirm(struct world *world, struct name *machine)		\
	{										\
		(void)world;								\
		doppel_##name##_confirm(machine);					\
		return VERDICT_OTHER;							\
	}										\
											\
	static enum verdict retry(struct world *world, struct name *machine)		\
	{										\
		doppel_##name##_retry(machine);						\
		world_run(world, machine, name, world->now);				\
		return VERDICT_OTHER;							\
	}

static inline struct in_addr ip4(const char *text)
{
	struct in_addr addr = { 0 };

	if (doppel_ip4_parse(text, &addr))
		abort();
	return addr;
}

static inline struct in6_addr ip6(const char *text)
{
	struct in6_addr addr = in6addr_any;

	if (doppel_ip6_parse(text, &addr))
		abort();
	return addr;
}

#endif
