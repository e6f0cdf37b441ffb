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
