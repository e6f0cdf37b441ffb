// SPDX-License-Identifier: GPL-2.0-only
/* What the protocol machines have in common: names and intervals. */
#include "gateway/negotiation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"

void doppel_because(char **reason, const char *fmt, ...)
{
	char *text;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	free(*reason);
	*reason = len < 0 ? NULL : text;
}

void doppel_because_nothing(char **reason)
{
	free(*reason);
	*reason = NULL;
}

const char *doppel_verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ACCEPTED:
		return "accepted";
	case VERDICT_OTHER:
		return "for somebody else";
	case VERDICT_UNEXPECTED:
		return "unexpected";
	case VERDICT_TRUNCATED:
		return "truncated";
	case VERDICT_MALFORMED:
		return "malformed";
	case VERDICT_CHECKSUM:
		return "wrong checksum";
	case VERDICT_REFUSED:
		return "not to be believed";
	}
	return "?";
}

int64_t doppel_random_ms(int64_t max_ms, struct rng *rng)
{
	if (max_ms <= 0)
		return 0;
	if (max_ms >= INT32_MAX)
		max_ms = INT32_MAX;
	return doppel_rng_below(rng, (uint32_t)max_ms + 1);
}

int64_t doppel_renew_ms(int64_t acquired_ms, uint32_t t1_s, struct rng *rng)
{
	int64_t after = (int64_t)t1_s * 1000 - doppel_random_ms((int64_t)t1_s * 50, rng);

	if (t1_s == UINT32_MAX)
		return NEVER;
	return acquired_ms + (after < RENEW_MIN_MS ? RENEW_MIN_MS : after);
}

int64_t doppel_jitter_ms(int64_t base_ms, unsigned int percent, struct rng *rng)
{
	int64_t span = base_ms * percent / 100;

	return base_ms - span + doppel_random_ms(2 * span, rng);
}

int64_t doppel_backoff_ms(const struct attempt_policy *policy, unsigned int failed,
			  struct rng *rng)
{
	int64_t wait = policy->retry_delay_ms;

	while (--failed && wait < policy->retry_cap_ms)
		wait *= 2;
	if (wait > policy->retry_cap_ms)
		wait = policy->retry_cap_ms;
	return wait - doppel_random_ms(wait / 10, rng);
}
