/* SPDX-License-Identifier: GPL-2.0-only */
/* A world for the protocol machines under a fuzzer: a clock that the input moves, no chance. */
#ifndef DOPPEL_TESTS_FUZZ_MACHINES_H
#define DOPPEL_TESTS_FUZZ_MACHINES_H

#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "gateway/dhcp4.h"
#include "gateway/dhcp6.h"
#include "gateway/routers.h"
#include "gateway/slaac.h"

#define FUZZ_XID 0x01010101		/* what the machines choose, so that frames can know it */

static int64_t now_ms;

static int64_t mono_ms(struct clock *clock)
{
	(void)clock;
	return now_ms;
}

static int64_t wall_s(struct clock *clock)
{
	(void)clock;
	return 1700000000 + now_ms / 1000;
}

static uint32_t below(struct rng *rng, uint32_t n)
{
	(void)rng;
	return n ? FUZZ_XID % n : FUZZ_XID;
}

/* What we send must always be what we would take. */
static void send_frame(void *ctx, const void *frame, size_t len)
{
	struct packet packet;

	(void)ctx;
	if (doppel_frame_parse(frame, len, 0, &packet) != VERDICT_ACCEPTED)
		abort();
}

static void on_dhcp4(void *ctx, const struct dhcp4_event *event)
{
	(void)ctx;
	if (event->lease && !event->lease->address.s_addr)
		abort();
}

static void on_dhcp6(void *ctx, const struct dhcp6_event *event)
{
	(void)ctx;
	if (event->lease && event->lease->address_count > DHCP6_ADDRESSES_MAX)
		abort();
}

static void on_slaac(void *ctx, const struct slaac_event *event)
{
	(void)ctx;
	(void)event;
}

static struct clock fuzz_clock = { .mono_ms = mono_ms, .wall_s = wall_s };
static struct rng fuzz_rng = { below };
static const struct negotiation_env env = { &fuzz_clock, &fuzz_rng, send_frame, NULL };
static const struct mac device = { { 2, 0, 0, 0, 0, 1 } };
static const struct attempt_policy policy = { 15000, 3, 5000, 60000 };

/* Every deadline up to then is met, and leads to another one soon. */
#define RUN(machine, name, until)							\
	do {										\
		int64_t until_ = (until);						\
		unsigned int steps_ = 0;						\
		while (doppel_##name##_deadline(machine) <= until_) {			\
			if (doppel_##name##_deadline(machine) > now_ms)			\
				now_ms = doppel_##name##_deadline(machine);		\
			doppel_##name##_timeout(machine);				\
			if (++steps_ > 10000)						\
				abort();						\
		}									\
		now_ms = until_ > now_ms ? until_ : now_ms;				\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
