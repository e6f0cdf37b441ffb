// SPDX-License-Identifier: GPL-2.0-only
/* The routers that advertise on the WAN. */
#include "gateway/routers.h"

#include <stddef.h>

#define REPEAT_MS 10000		/* on a new link, for a router to say again what it said before */
#define OPEN_MS 4000		/* MAX_RA_DELAY_TIME and MIN_DELAY_BETWEEN_RAS (RFC 4861 section 10) */
#define FIRST 2			/* as a preference: above all that a router can claim */
#define DOUBT 8			/* in units of preference: below all that is not doubted */

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
		if (!doppel_ip6_eq(&each->router, &routers->first) &&
		    (!worst || each->preference < worst->preference))
			worst = each;
	}
	return worst->preference < ra->preference ? worst : NULL;
}

static bool known(const struct routers *routers, const struct in6_addr *router)
{
	unsigned int i;

	for (i = 0; i < routers->count; i++)
		if (doppel_ip6_eq(&routers->ra[i].router, router))
			return true;
	return false;
}

bool doppel_routers_in_excess(const struct routers *routers, const struct in6_addr *router)
{
	unsigned int i;

	for (i = 0; i < routers->excess_count; i++)
		if (doppel_ip6_eq(&routers->excess[i], router))
			return true;
	return routers->excess_count == ROUTERS_MAX;
}

static void remember_excess(struct routers *routers, const struct in6_addr *router)
{
	if (!doppel_routers_in_excess(routers, router))
		routers->excess[routers->excess_count++] = *router;
}

/* Both kinds of what is told begin with who told it. */
static const struct in6_addr *teller(const void *list, size_t size, unsigned int at)
{
	_Static_assert(!offsetof(struct router_dns, router), "first");
	_Static_assert(!offsetof(struct router_pref64, router), "first");
	return (const void *)((const char *)list + at * size);
}

/*
 * A place in a list for what this router tells; ROUTERS_KEPT: none. With all places taken one is of a
 * router that advertises no more: each other has its share.
 */
static unsigned int place(const struct routers *routers, const void *list, size_t size,
			  unsigned int *count, const struct in6_addr *router)
{
	unsigned int i, taken = 0;

	for (i = 0; i < *count; i++)
		taken += doppel_ip6_eq(teller(list, size, i), router);
	if (taken >= ROUTERS_SHARE)
		return ROUTERS_KEPT;
	if (*count < ROUTERS_KEPT)
		return (*count)++;
	for (i = 0; i < *count && known(routers, teller(list, size, i)); i++)
		;
	return i;
}

static struct router_dns *dns_place(struct routers *routers, const struct in6_addr *router)
{
	const unsigned int at = place(routers, routers->dns, sizeof(routers->dns[0]),
				      &routers->dns_count, router);

	return at < ROUTERS_KEPT ? &routers->dns[at] : NULL;
}

static struct router_pref64 *pref64_place(struct routers *routers, const struct in6_addr *router)
{
	const unsigned int at = place(routers, routers->pref64, sizeof(routers->pref64[0]),
				      &routers->pref64_count, router);

	return at < ROUTERS_KEPT ? &routers->pref64[at] : NULL;
}

static void take_dns(struct routers *routers, const struct ra *ra, const struct ra_dns *given)
{
	struct router_dns *slot = NULL;
	unsigned int i;

	for (i = 0; !slot && i < routers->dns_count; i++)
		if (doppel_ip6_eq(&routers->dns[i].router, &ra->router) &&
		    doppel_ip6_eq(&routers->dns[i].server, &given->server))
			slot = &routers->dns[i];
	if (!slot && given->lifetime_s)
		slot = dns_place(routers, &ra->router);
	if (slot)
		*slot = (struct router_dns){
			.router = ra->router,
			.server = given->server,
			.until = doppel_after_s(ra->received_ms, given->lifetime_s),
		};
}

static void take_pref64(struct routers *routers, const struct ra *ra,
			const struct ra_pref64 *given)
{
	struct router_pref64 *slot = NULL;
	unsigned int i;

	for (i = 0; !slot && i < routers->pref64_count; i++)
		if (doppel_ip6_eq(&routers->pref64[i].router, &ra->router) &&
		    doppel_ip6_eq(&routers->pref64[i].prefix, &given->prefix) &&
		    routers->pref64[i].len == given->len)
			slot = &routers->pref64[i];
	if (!slot && given->lifetime_s)
		slot = pref64_place(routers, &ra->router);
	if (slot)
		*slot = (struct router_pref64){
			.router = ra->router,
			.prefix = given->prefix,
			.len = given->len,
			.until = doppel_after_s(ra->received_ms, given->lifetime_s),
		};
}

/* One list is enough: it stays whose it is, until that router ends it. */
static void take_search(struct routers *routers, const struct ra *ra)
{
	if (!ra->search[0] || (routers->search_until > ra->received_ms &&
			       !doppel_ip6_eq(&routers->search_router, &ra->router)))
		return;
	routers->search_router = ra->router;
	memcpy(routers->search, ra->search, sizeof(routers->search));
	routers->search_until = doppel_after_s(ra->received_ms, ra->search_s);
}

static bool tells_pref64(const struct ra *ra, const struct router_pref64 *pref64)
{
	unsigned int i;

	for (i = 0; i < ra->pref64_count; i++)
		if (ra->pref64[i].len == pref64->len &&
		    doppel_ip6_eq(&ra->pref64[i].prefix, &pref64->prefix))
			return true;
	return false;
}

static bool gives_pref64(const struct ra *ra)
{
	unsigned int i;

	for (i = 0; i < ra->pref64_count; i++)
		if (ra->pref64[i].lifetime_s)
			return true;
	return false;
}

/* A router that tells of another prefix now has changed its mind, if it says so or not. */
static void doubt_others(struct routers *routers, const struct ra *ra)
{
	unsigned int i;

	for (i = 0; gives_pref64(ra) && i < routers->pref64_count; i++)
		if (doppel_ip6_eq(&routers->pref64[i].router, &ra->router) &&
		    !tells_pref64(ra, &routers->pref64[i]))
			routers->pref64[i].doubted = true;
}

static void give_time(int64_t *until, bool doubted, int64_t now_ms)
{
	if (doubted)
		*until = doppel_earlier(*until, now_ms + REPEAT_MS);
}

static void first_on_link(struct routers *routers, int64_t now_ms)
{
	unsigned int i;

	for (i = 0; i < routers->dns_count; i++)
		give_time(&routers->dns[i].until, routers->dns[i].doubted, now_ms);
	for (i = 0; i < routers->pref64_count; i++)
		give_time(&routers->pref64[i].until, routers->pref64[i].doubted, now_ms);
	routers->link_new = false;
}

void doppel_routers_doubt(struct routers *routers)
{
	unsigned int i;

	for (i = 0; i < routers->dns_count; i++)
		routers->dns[i].doubted = true;
	for (i = 0; i < routers->pref64_count; i++)
		routers->pref64[i].doubted = true;
	routers->link_new = true;
}

/* Their places in the order stay as they are. */
static void forget_over(struct routers *routers, int64_t now_ms)
{
	unsigned int i, kept;

	for (i = kept = 0; i < routers->dns_count; i++)
		if (routers->dns[i].until > now_ms)
			routers->dns[kept++] = routers->dns[i];
	routers->dns_count = kept;
	for (i = kept = 0; i < routers->pref64_count; i++)
		if (routers->pref64[i].until > now_ms)
			routers->pref64[kept++] = routers->pref64[i];
	routers->pref64_count = kept;
}

/* The default router itself may give way. */
static void step_down(struct routers *routers, const struct ra *before, const struct ra *ra)
{
	if (doppel_ip6_eq(&routers->first, &ra->router) &&
	    doppel_ip6_eq(&before->router, &ra->router) && ra->preference < before->preference)
		routers->first = in6addr_any;
}

/* The default router of an agent before this one was there before anything that is known now. */
static int64_t since(const struct routers *routers, const struct ra *ra)
{
	unsigned int i;

	for (i = 0; i < routers->count; i++)
		if (doppel_ip6_eq(&routers->ra[i].router, &ra->router))
			return doppel_mac_eq(&routers->ra[i].router_mac, &ra->router_mac) ?
				routers->ra[i].since_ms : ra->received_ms;
	return doppel_ip6_eq(&routers->first, &ra->router) ? INT64_MIN : ra->received_ms;
}

bool doppel_routers_update(struct routers *routers, const struct ra *ra)
{
	const int64_t since_ms = since(routers, ra);
	struct ra *slot;
	unsigned int i;

	doppel_routers_elect(routers, ra->received_ms);
	if (!doppel_routers_default(routers, ra->received_ms))
		routers->open_until = ra->received_ms + OPEN_MS;
	slot = room(routers, ra);
	if (!slot) {
		remember_excess(routers, &ra->router);
		return false;
	}
	step_down(routers, slot, ra);
	*slot = *ra;
	slot->since_ms = since_ms;
	forget_over(routers, ra->received_ms);
	for (i = 0; i < ra->dns_count; i++)
		take_dns(routers, ra, &ra->dns[i]);
	for (i = 0; i < ra->pref64_count; i++)
		take_pref64(routers, ra, &ra->pref64[i]);
	take_search(routers, ra);
	doubt_others(routers, ra);
	if (routers->link_new)
		first_on_link(routers, ra->received_ms);
	forget_over(routers, ra->received_ms);
	doppel_routers_elect(routers, ra->received_ms);
	return true;
}

bool doppel_routers_expire(struct routers *routers, int64_t now_ms)
{
	unsigned int i, kept = 0, had = routers->count;

	for (i = 0; i < had; i++)
		if (useful_until(&routers->ra[i]) > now_ms)
			routers->ra[kept++] = routers->ra[i];
	routers->count = kept;
	if (kept < ROUTERS_MAX)
		routers->excess_count = 0;
	forget_over(routers, now_ms);
	doppel_routers_elect(routers, now_ms);
	return kept != had;
}

/* One that answers (RFC 4861 section 6.3.6), then one that is preferred. */
static bool better(const struct ra *a, const struct ra *b)
{
	if (a->silent != b->silent)
		return !a->silent;
	return a->preference > b->preference;
}

const struct ra *doppel_routers_default(const struct routers *routers, int64_t now_ms)
{
	const struct ra *best = NULL;
	unsigned int i;

	for (i = 0; i < routers->count; i++) {
		const struct ra *ra = &routers->ra[i];

		if (router_until(ra) <= now_ms)
			continue;
		if (!ra->silent && doppel_ip6_eq(&ra->router, &routers->first))
			return ra;
		if (!best || better(ra, best))
			best = ra;
	}
	return best;
}

void doppel_routers_elect(struct routers *routers, int64_t now_ms)
{
	const struct ra *router = doppel_routers_default(routers, now_ms);

	if (router && now_ms >= routers->open_until)
		routers->first = router->router;
}

void doppel_routers_resume(struct routers *routers, const struct in6_addr *router)
{
	if (!routers->count && !IN6_IS_ADDR_UNSPECIFIED(router))
		routers->first = *router;
}

static bool sets_managed(const struct ra *ra)
{
	return ra->managed;
}

static bool sets_other(const struct ra *ra)
{
	return ra->other;
}

/* What one says that answers no more counts while there is nobody else. */
static bool some(const struct routers *routers, int64_t now_ms, bool (*sets)(const struct ra *ra))
{
	bool silent = false, answering = false;
	unsigned int i;

	for (i = 0; i < routers->count; i++) {
		const struct ra *ra = &routers->ra[i];

		if (useful_until(ra) <= now_ms)
			continue;
		if (!ra->silent && sets(ra))
			return true;
		silent |= sets(ra);
		answering |= !ra->silent;
	}
	return silent && !answering;
}

bool doppel_routers_managed(const struct routers *routers, int64_t now_ms)
{
	return some(routers, now_ms, sets_managed);
}

bool doppel_routers_other(const struct routers *routers, int64_t now_ms)
{
	return some(routers, now_ms, sets_other);
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

static unsigned int add_dns(const struct routers *routers, bool doubted, int64_t now_ms,
			    struct in6_addr servers[ROUTERS_DNS_MAX], unsigned int count)
{
	unsigned int i;

	for (i = 0; i < routers->dns_count; i++) {
		const struct router_dns *dns = &routers->dns[i];

		/* Two routers may name the same. */
		if (count < ROUTERS_DNS_MAX && dns->until > now_ms && dns->doubted == doubted &&
		    !doppel_ip6_in_list(&dns->server, servers, count))
			servers[count++] = dns->server;
	}
	return count;
}

unsigned int doppel_routers_dns(const struct routers *routers, int64_t now_ms,
				struct in6_addr servers[ROUTERS_DNS_MAX])
{
	return add_dns(routers, true, now_ms, servers,
		       add_dns(routers, false, now_ms, servers, 0));
}

static int preference_of(const struct routers *routers, const struct in6_addr *router)
{
	unsigned int i;

	if (doppel_ip6_eq(router, &routers->first))
		return FIRST;
	for (i = 0; i < routers->count; i++)
		if (doppel_ip6_eq(&routers->ra[i].router, router))
			return routers->ra[i].preference;
	return -2;	/* below all: it says nothing else any more */
}

static bool is(const struct router_pref64 *pref64, const struct in6_addr *prefix, uint8_t len)
{
	return prefix && pref64->len == len && doppel_ip6_eq(&pref64->prefix, prefix);
}

const struct router_pref64 *doppel_routers_pref64(const struct routers *routers, int64_t now_ms,
						  const struct in6_addr *current,
						  uint8_t current_len)
{
	const struct router_pref64 *best = NULL;
	int most = 0;
	unsigned int i;

	for (i = 0; i < routers->pref64_count; i++) {
		const struct router_pref64 *each = &routers->pref64[i];
		const int preference = preference_of(routers, &each->router) -
				       (each->doubted ? DOUBT : 0);

		if (each->until <= now_ms)
			continue;
		if (!best || preference > most ||
		    (preference == most && is(each, current, current_len) &&
		     !is(best, current, current_len))) {
			best = each;
			most = preference;
		}
	}
	return best;
}

const struct router_pref64 *doppel_routers_other_pref64(const struct routers *routers,
							int64_t now_ms,
							const struct router_pref64 *chosen)
{
	unsigned int i;

	for (i = 0; i < routers->pref64_count; i++) {
		const struct router_pref64 *each = &routers->pref64[i];

		if (each->until > now_ms && each->doubted == chosen->doubted &&
		    !doppel_ip6_eq(&each->router, &chosen->router) &&
		    !is(each, &chosen->prefix, chosen->len))
			return each;
	}
	return NULL;
}

const char *doppel_routers_search(const struct routers *routers, int64_t now_ms)
{
	return routers->search_until > now_ms ? routers->search : "";
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
	for (i = 0; i < routers->dns_count; i++)
		deadline = next_after(deadline, routers->dns[i].until, now_ms);
	for (i = 0; i < routers->pref64_count; i++)
		deadline = next_after(deadline, routers->pref64[i].until, now_ms);
	return deadline;
}
