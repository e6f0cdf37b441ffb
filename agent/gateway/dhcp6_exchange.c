// SPDX-License-Identifier: GPL-2.0-only
/* One DHCPv6 message and its repetitions. Section numbers are RFC 8415's. */
#include "gateway/dhcp6_exchange.h"

#include "base/clock.h"
#include "base/rand.h"
#include "gateway/dhcp6_message.h"

#define JITTER_PERCENT 10
#define MAX_RT_DEFAULT_MS 3600000

/* Section 7.6: IRT, MRT, MRC, MRD; the end of an attempt of the file's is in MRD's place. */
struct timing {
	int64_t first_ms, max_ms;
	unsigned int count;
	int64_t duration_ms;		/* 0: the caller gives the end */
};

static const struct timing timings[] = {
	[DHCP6_SOLICIT] = { 1000, MAX_RT_DEFAULT_MS, 0, 0 },
	[DHCP6_REQUEST] = { 1000, 30000, 10, 0 },
	[DHCP6_CONFIRM] = { 1000, 4000, 0, 10000 },
	[DHCP6_RENEW] = { 10000, 600000, 0, 0 },
	[DHCP6_REBIND] = { 10000, 600000, 0, 0 },
	[DHCP6_DECLINE] = { 1000, 0, 4, 0 },
	[DHCP6_INFORMATION_REQUEST] = { 1000, MAX_RT_DEFAULT_MS, 0, 0 },
};

void doppel_dhcp6_exchange_begin(struct dhcp6_exchange *exchange, uint8_t type, int64_t end_ms,
				 const struct negotiation_env *env)
{
	const struct timing *timing = &timings[type];
	const int64_t now = doppel_clock_mono_ms(env->clock);

	*exchange = (struct dhcp6_exchange){
		.type = type,
		.xid = doppel_rng_below(env->rng, 1 << 24),
		.began_ms = now,
		.max_rt_ms = timing->max_ms,
		.max_sent = timing->count,
		.end_ms = timing->duration_ms ? now + timing->duration_ms : end_ms,
	};
}

void doppel_dhcp6_exchange_sent(struct dhcp6_exchange *exchange,
				const struct negotiation_env *env)
{
	const int64_t first_ms = timings[exchange->type].first_ms;
	const int64_t now = doppel_clock_mono_ms(env->clock);

	exchange->sent_ms = now;
	/* Section 15; the first wait of a Solicit is never shorter than IRT (section 18.2.1). */
	if (exchange->sent++)
		exchange->rt_ms = doppel_jitter_ms(exchange->rt_ms * 2, JITTER_PERCENT / 2,
						   env->rng);
	else if (exchange->type == DHCP6_SOLICIT)
		exchange->rt_ms = first_ms +
			doppel_random_ms(first_ms * JITTER_PERCENT / 100, env->rng);
	else
		exchange->rt_ms = doppel_jitter_ms(first_ms, JITTER_PERCENT, env->rng);
	if (exchange->max_rt_ms && exchange->rt_ms > exchange->max_rt_ms)
		exchange->rt_ms = doppel_jitter_ms(exchange->max_rt_ms, JITTER_PERCENT, env->rng);
	exchange->next_ms = doppel_earlier(now + exchange->rt_ms, exchange->end_ms);
}

void doppel_dhcp6_exchange_end(struct dhcp6_exchange *exchange, int64_t end_ms)
{
	exchange->end_ms = doppel_earlier(exchange->end_ms, end_ms);
	exchange->next_ms = doppel_earlier(exchange->next_ms, exchange->end_ms);
}

bool doppel_dhcp6_exchange_over(const struct dhcp6_exchange *exchange, int64_t now_ms)
{
	return now_ms >= exchange->end_ms ||
	       (exchange->max_sent && exchange->sent >= exchange->max_sent);
}

uint16_t doppel_dhcp6_exchange_elapsed_cs(const struct dhcp6_exchange *exchange, int64_t now_ms)
{
	const int64_t elapsed_cs = (now_ms - exchange->began_ms) / 10;

	return elapsed_cs > UINT16_MAX ? UINT16_MAX : (uint16_t)elapsed_cs;
}
