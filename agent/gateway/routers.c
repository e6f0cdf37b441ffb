// SPDX-License-Identifier: GPL-2.0-only
/* The routers that advertise on the WAN. */
#include "gateway/routers.h"

static int64_t router_until(const struct ra *ra)
{
	/* Its lifetime has 16 bits: never infinite. */
	return ra->received_ms + (int64_t)ra->lifetime_s * 1000;
}

/* When nothing that it said holds any longer. */
static int64_t useful_until(const struct ra *ra)
{
	int64_t until = router_until(ra);
	unsigned int i;

	for (i = 0; i < ra->prefix_count; i++) {
		int64_t prefix = doppel_after_s(ra->received_ms, ra->prefixes[i].valid_s);

		if (prefix > until)
			until = prefix;
	}
	return until;
}

static struct ra *room(struct routers *routers, const struct ra *ra)
{
	struct ra *worst = NULL;
	unsigned int i;

	for (i = 0; i < routers->count; i++)
		if (doppel_ip6_eq(&routers->ra[i].router, &ra->router))
			return &routers->ra[i];
	if (routers->count < ROUTERS_MAX)
		return &routers->ra[routers->count++];
	for (i = 0; i < routers->count; i++) {
		struct ra *each = &routers->ra[i];

		if (router_until(each) <= ra->received_ms)
			return each;
		if (!worst || each->preference < worst->preference)
			worst = each;
	}
	return worst->preference < ra->preference ? worst : NULL;
}

bool doppel_routers_update(struct routers *routers, const struct ra *ra)
{
	struct ra *slot = room(routers, ra);

	if (!slot)
		return false;
	*slot = *ra;
	return true;
}

bool doppel_routers_expire(struct routers *routers, int64_t now_ms)
{
	unsigned int i, kept = 0, had = routers->count;

	for (i = 0; i < had; i++)
		if (useful_until(&routers->ra[i]) > now_ms)
			routers->ra[kept++] = routers->ra[i];
	routers->count = kept;
	return kept != had;
}

const struct ra *doppel_routers_default(const struct routers *routers, int64_t now_ms)
{
	const struct ra *best = NULL;
	unsigned int i;

	for (i = 0; i < routers->count; i++) {
		const struct ra *ra = &routers->ra[i];

		if (router_until(ra) > now_ms && (!best || ra->preference > best->preference))
			best = ra;
	}
	return best;
}

bool doppel_routers_managed(const struct routers *routers, int64_t now_ms)
{
	unsigned int i;

	for (i = 0; i < routers->count; i++)
		if (useful_until(&routers->ra[i]) > now_ms && routers->ra[i].managed)
			return true;
	return false;
}

bool doppel_routers_other(const struct routers *routers, int64_t now_ms)
{
	unsigned int i;

	for (i = 0; i < routers->count; i++)
		if (useful_until(&routers->ra[i]) > now_ms && routers->ra[i].other)
			return true;
	return false;
}

uint8_t doppel_routers_prefix_len(const struct routers *routers, const struct in6_addr *address,
				  int64_t now_ms)
{
	uint8_t len = 0;
	unsigned int i, j;

	for (i = 0; i < routers->count; i++) {
		const struct ra *ra = &routers->ra[i];

		for (j = 0; j < ra->prefix_count; j++) {
			const struct ra_prefix *prefix = &ra->prefixes[j];

			if (prefix->on_link && prefix->len > len &&
			    doppel_after_s(ra->received_ms, prefix->valid_s) > now_ms &&
			    doppel_ip6_in_prefix(address, &prefix->prefix, prefix->len))
				len = prefix->len;
		}
	}
	return len ? len : 128;
}

static int64_t next_after(int64_t deadline, int64_t at, int64_t now_ms)
{
	return at > now_ms ? doppel_earlier(deadline, at) : deadline;
}

int64_t doppel_routers_deadline(const struct routers *routers, int64_t now_ms)
{
	int64_t deadline = NEVER;
	unsigned int i, j;

	for (i = 0; i < routers->count; i++) {
		const struct ra *ra = &routers->ra[i];

		deadline = next_after(deadline, router_until(ra), now_ms);
		for (j = 0; j < ra->prefix_count; j++)
			deadline = next_after(deadline,
				doppel_after_s(ra->received_ms, ra->prefixes[j].valid_s), now_ms);
	}
	return deadline;
}
