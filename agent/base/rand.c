// SPDX-License-Identifier: GPL-2.0-only
#include "base/rand.h"

#include <sodium.h>

static uint32_t real_below(struct rng *self, uint32_t n)
{
	(void)self;
	return n ? randombytes_uniform(n) : randombytes_random();
}

struct rng doppel_rng = {
	.below = real_below,
};

int64_t doppel_rng_jitter(struct rng *rng, int64_t value, unsigned int percent)
{
	int64_t span = value * percent / 100;

	return value - span + doppel_rng_below(rng, (uint32_t)(2 * span + 1));
}
