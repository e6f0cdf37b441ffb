// SPDX-License-Identifier: GPL-2.0-only
/* The NAT64 prefix by DNS. Section numbers are RFC 7050's. */
#include "gateway/prefix_query.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "gateway/dns_message.h"
#include "kernel/udp.h"

#define ANSWER_MS 3000
#define EARLY_MS 10000			/* before the answer runs out (section 3) */
#define REPLIES_AT_ONCE 16		/* forged ones must not keep us here */
#define TTL_MIN_S 60
#define TTL_MAX_S 86400

static const struct attempt_policy policy = {
	.retry_delay_ms = 5000,
	.retry_cap_ms = 300000,
};

static const uint8_t lens[] = { 96, 64, 56, 48, 40, 32 };

/* Of 192.0.0.170 and .171 under this prefix, how many there are. */
static unsigned int well_known(const struct in6_addr *addresses, unsigned int count,
			       const struct in6_addr *prefix, uint8_t len)
{
	unsigned int last, found = 0;

	for (last = 170; last <= 171; last++) {
		const struct in_addr ipv4 = { htonl(0xc0000000 + last) };
		const struct in6_addr address = doppel_ip6_nat64(prefix, len, ipv4);

		found += doppel_ip6_in_list(&address, addresses, count);
	}
	return found;
}

static struct in6_addr cut(const struct in6_addr *address, uint8_t len)
{
	struct in6_addr prefix = { 0 };

	memcpy(&prefix, address, len / 8);
	return prefix;
}

bool doppel_prefix_find(const struct in6_addr *addresses, unsigned int count,
			struct in6_addr *prefix, uint8_t *len)
{
	unsigned int i, j, most = 0;

	for (i = 0; i < count; i++) {
		for (j = 0; j < sizeof(lens); j++) {
			const struct in6_addr each = cut(&addresses[i], lens[j]);
			unsigned int found;

			if (!doppel_ip6_is_nat64_prefix(&each, lens[j]))
				continue;
			found = well_known(addresses, count, &each, lens[j]);
			if (found <= most)
				continue;
			most = found;
			*prefix = each;
			*len = lens[j];
		}
	}
	return most;
}

void doppel_prefix_query_init(struct prefix_query *query, struct clock *clock, struct rng *rng,
			      struct udp_socket *udp, void (*watch)(void *ctx, int fd), void *ctx)
{
	*query = (struct prefix_query){
		.clock = clock,
		.rng = rng,
		.udp = udp,
		.watch = watch,
		.ctx = ctx,
		.deadline = NEVER,
	};
}

static int send_query(struct prefix_query *query)
{
	uint8_t data[DNS_QUERY_MAX];
	int err;

	query->id = (uint16_t)doppel_rng_below(query->rng, 1 << 16);
	query->watch(query->ctx, -1);
	err = query->udp->connect(query->udp, &query->servers[query->server], DNS_PORT,
				  query->ifindex);
	if (err)
		return err;
	query->watch(query->ctx, query->udp->fd(query->udp));
	return query->udp->send(query->udp, data, doppel_dns_build(data, query->id));
}

static void go_on_in(struct prefix_query *query, int64_t ms)
{
	query->deadline = doppel_clock_mono_ms(query->clock) + ms;
}

static bool set_found(struct prefix_query *query, const struct in6_addr *prefix, uint8_t len)
{
	if (query->len == len && (!len || doppel_ip6_eq(&query->prefix, prefix)))
		return false;
	query->prefix = *prefix;
	query->len = len;
	return true;
}

static bool forget(struct prefix_query *query)
{
	query->deadline = NEVER;
	return set_found(query, &in6addr_any, 0);
}

/*
 * The server asked last is no help: the next one, or all of them again later. Only if none of them
 * knows a prefix, and one says so, what was found before is over. True if that changed something.
 */
static bool give_up(struct prefix_query *query)
{
	static const struct in6_addr none;
	const bool denied = query->denied;

	query->waiting = false;
	query->server = (query->server + 1) % query->server_count;
	if (query->server) {
		go_on_in(query, 0);
		return false;
	}
	query->denied = false;
	go_on_in(query, doppel_backoff_ms(&policy, ++query->failed, query->rng));
	return denied && set_found(query, &none, 0);
}

static bool ask(struct prefix_query *query)
{
	query->waiting = true;
	go_on_in(query, ANSWER_MS);
	return send_query(query) && give_up(query);
}

void doppel_prefix_query_start(struct prefix_query *query, const struct in6_addr *servers,
			       unsigned int count, uint32_t ifindex)
{
	if (count > PREFIX_QUERY_SERVERS_MAX)
		count = PREFIX_QUERY_SERVERS_MAX;
	if (query->server_count == count && query->ifindex == ifindex &&
	    !memcmp(query->servers, servers, count * sizeof(*servers)))
		return;
	memcpy(query->servers, servers, count * sizeof(*servers));
	query->server_count = count;
	query->ifindex = ifindex;
	doppel_prefix_query_again(query);
}

void doppel_prefix_query_stop(struct prefix_query *query)
{
	query->watch(query->ctx, -1);
	query->server_count = 0;
	query->waiting = false;
	query->deadline = query->len ? query->until : NEVER;
}

void doppel_prefix_query_forget(struct prefix_query *query)
{
	doppel_prefix_query_stop(query);
	forget(query);
}

void doppel_prefix_query_again(struct prefix_query *query)
{
	query->server = 0;
	query->failed = 0;
	query->waiting = false;
	query->denied = false;
	if (query->server_count)
		go_on_in(query, 0);
	else
		forget(query);
}

static int64_t lifetime_ms(const struct dns_answer *answer)
{
	const uint32_t ttl_s = answer->ttl_s < TTL_MIN_S ? TTL_MIN_S :
			       answer->ttl_s > TTL_MAX_S ? TTL_MAX_S : answer->ttl_s;

	return (int64_t)ttl_s * 1000;
}

static bool take(struct prefix_query *query, const struct dns_answer *answer)
{
	struct in6_addr prefix;
	uint8_t len;

	if (!doppel_prefix_find(answer->addresses, answer->count, &prefix, &len)) {
		query->denied |= answer->rcode == DNS_NO_ERROR || answer->rcode == DNS_NAME_ERROR;
		return give_up(query);
	}
	query->waiting = false;
	query->denied = false;
	query->server = 0;
	query->failed = 0;
	go_on_in(query, lifetime_ms(answer) - EARLY_MS);
	query->until = query->deadline + EARLY_MS;
	return set_found(query, &prefix, len);
}

bool doppel_prefix_query_read(struct prefix_query *query)
{
	uint8_t data[DNS_REPLY_MAX];
	unsigned int left;

	for (left = REPLIES_AT_ONCE; left && query->waiting; left--) {
		ssize_t len = query->udp->receive(query->udp, data, sizeof(data));
		struct dns_answer answer;

		if (len == -EAGAIN)
			return false;
		/* An error: its host says that nobody listens there. */
		if (len < 0)
			return give_up(query);
		if (doppel_dns_parse(data, (size_t)len, query->id, &answer) == VERDICT_ACCEPTED)
			return take(query, &answer);
	}
	/* Nothing is expected: whatever comes is not heard. */
	if (!query->waiting)
		query->watch(query->ctx, -1);
	return false;
}

bool doppel_prefix_query_timeout(struct prefix_query *query)
{
	if (doppel_clock_mono_ms(query->clock) < query->deadline)
		return false;
	if (!query->server_count)
		return forget(query);
	return query->waiting ? give_up(query) : ask(query);
}

int64_t doppel_prefix_query_deadline(const struct prefix_query *query)
{
	return query->deadline;
}
