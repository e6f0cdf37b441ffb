/* SPDX-License-Identifier: GPL-2.0-only */
/* Randomness, injected like the clock: jitter, transaction ids. */
#ifndef DOPPEL_BASE_RAND_H
#define DOPPEL_BASE_RAND_H

#include <stdint.h>

struct rng {
	/* Uniform in 0 … n-1; n = 0 stands for 2^32. */
	uint32_t (*below)(struct rng *rng, uint32_t n);
};

extern struct rng doppel_rng;

static inline uint32_t doppel_rng_below(struct rng *rng, uint32_t n)
{
	return rng->below(rng, n);
}

static inline uint32_t doppel_rng_u32(struct rng *rng)
{
	return rng->below(rng, 0);
}

#endif
