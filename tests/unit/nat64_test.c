// SPDX-License-Identifier: GPL-2.0-only
/* DNS messages, and the NAT64 prefix that they show. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/rand.h"
#include "gateway/dns_message.h"
#include "gateway/prefix_query.h"
#include "gateway/wire.h"
#include "kernel/udp.h"
#include "tap.h"

static struct in6_addr ip6(const char *text)
{
	struct in6_addr address = in6addr_any;

	if (doppel_ip6_parse(text, &address))
		abort();
	return address;
}

/* A reply to our own question, with one AAAA record for each address; returns its length. */
static size_t answer(uint8_t *data, uint16_t id, uint16_t flags, uint32_t ttl_s,
		     const struct in6_addr *addresses, unsigned int count)
{
	struct writer w = { data, 512, 0, false };
	unsigned int i;

	w.len = doppel_dns_build(data, id);
	data[2] = (uint8_t)(flags >> 8);
	data[3] = (uint8_t)flags;
	data[7] = (uint8_t)count;
	for (i = 0; i < count; i++) {
		doppel_put16(&w, 0xc00c);
		doppel_put16(&w, 28);
		doppel_put16(&w, 1);
		doppel_put32(&w, ttl_s);
		doppel_put16(&w, 16);
		doppel_put(&w, &addresses[i], 16);
	}
	return w.len;
}

static void test_message(void)
{
	const struct in6_addr two[] = { ip6("64:ff9b::c000:aa"), ip6("64:ff9b::c000:ab") };
	struct in6_addr many[DNS_ADDRESSES_MAX + 1] = { 0 };
	struct dns_answer got = { 0 }, before;
	uint8_t data[1024];
	size_t len = doppel_dns_build(data, 0x1234);

	is_mem(data, "\x12\x34\1\0\0\1\0\0\0\0\0\0\10ipv4only\4arpa\0\0\x1c\0\1", 31,
	       "the question");
	is_int(len, 31, "and nothing else");
	is_int(doppel_dns_parse(data, len, 0x1234, &got), VERDICT_OTHER, "a question is no answer");

	len = answer(data, 0x1234, 0x8180, 300, two, 2);
	is_int(doppel_dns_parse(data, len, 0x1234, &got), VERDICT_ACCEPTED, "an answer");
	ok(got.count == 2 && doppel_ip6_eq(&got.addresses[1], &two[1]) && got.ttl_s == 300 &&
	   got.rcode == DNS_NO_ERROR, "with its addresses and their time");
	before = got;
	is_int(doppel_dns_parse(data, len, 0x1235, &got), VERDICT_OTHER, "of another question");
	data[20] = 'X';
	is_int(doppel_dns_parse(data, len, 0x1234, &got), VERDICT_OTHER, "about another name");
	data[20] = 'Y';
	is_int(doppel_dns_parse(data, len, 0x1234, &got), VERDICT_ACCEPTED, "names know no case");
	data[5] = 2;
	is_int(doppel_dns_parse(data, len, 0x1234, &got), VERDICT_MALFORMED, "two questions");
	data[5] = 1;
	data[2] = 0x91;
	is_int(doppel_dns_parse(data, len, 0x1234, &got), VERDICT_OTHER, "another operation");
	ok(!memcmp(&before, &got, sizeof(got)), "what is refused changes nothing");

	len = answer(data, 1, 0x8183, 0, NULL, 0);
	is_int(doppel_dns_parse(data, len, 1, &got), VERDICT_ACCEPTED, "no such name");
	ok(got.rcode == DNS_NAME_ERROR && !got.count, "says so");
	len = answer(data, 1, 0x8180, 0x80000001, two, 1);
	doppel_dns_parse(data, len, 1, &got);
	is_int(got.ttl_s, 0, "a time with its high bit set is zero");
	len = answer(data, 1, 0x8180, 60, many, DNS_ADDRESSES_MAX + 1);
	is_int(doppel_dns_parse(data, len, 1, &got), VERDICT_ACCEPTED, "more than there is room for");
	is_int(got.count, DNS_ADDRESSES_MAX, "as many as there is room for");
	data[31] = 0x80;
	is_int(doppel_dns_parse(data, len, 1, &got), VERDICT_MALFORMED, "a label of no known kind");
}

/* Exactly as long as it is, so that a read beyond it is seen. */
static enum verdict parse_exact(const uint8_t *data, size_t len, struct dns_answer *got)
{
	uint8_t *exact = malloc(len + !len);
	enum verdict verdict;

	if (!exact)
		abort();
	memcpy(exact, data, len);
	verdict = doppel_dns_parse(exact, len, 7, got);
	free(exact);
	return verdict;
}

static void test_bounds(void)
{
	const struct in6_addr two[] = { ip6("64:ff9b::c000:aa"), ip6("64:ff9b::c000:ab") };
	struct dns_answer got = { 0 };
	unsigned int bad = 0, accepted = 0;
	uint8_t data[512], copy[512];
	size_t len = answer(data, 7, 0x8180, 300, two, 2), i;
	int round;

	for (i = 0; i < len; i++)
		bad += parse_exact(data, i, &got) != VERDICT_TRUNCATED;
	is_int(bad, 0, "an answer cut short at every length");
	srand(1);
	for (round = 0; round < 200000; round++) {
		size_t some = (size_t)rand() % (len + 1);

		memcpy(copy, data, len);
		for (i = 0; i < 1 + (size_t)round % 8; i++)
			copy[(size_t)rand() % len] = (uint8_t)rand();
		accepted += parse_exact(copy, round % 2 ? len : some, &got) == VERDICT_ACCEPTED;
	}
	ok(accepted > 1000, "random bytes: %u of 200000 accepted, none read beyond", accepted);
	for (round = 0; round < 20000; round++) {
		for (i = 31; i < sizeof(copy); i++)
			copy[i] = (uint8_t)rand();
		memcpy(copy, data, 31);
		copy[7] = (uint8_t)rand();
		parse_exact(copy, 31 + (size_t)rand() % (sizeof(copy) - 31), &got);
		bad += got.count > DNS_ADDRESSES_MAX;
	}
	is_int(bad, 0, "random records behind our question");
}

static void test_find(void)
{
	static const struct {
		const char *addresses[3], *prefix;
	} vectors[] = {
		{ { "64:ff9b::c000:aa" }, "64:ff9b::/96" },
		{ { "64:ff9b::c000:ab" }, "64:ff9b::/96" },
		{ { "2001:db8:c000:aa::" }, "2001:db8::/32" },
		{ { "2001:db8:1c0:0:aa::" }, "2001:db8:100::/40" },
		{ { "2001:db8:122:c000:0:aa00::" }, "2001:db8:122::/48" },
		{ { "2001:db8:122:3c0:0:aa::" }, "2001:db8:122:300::/56" },
		{ { "2001:db8:122:344:c0:0:aa00:0" }, "2001:db8:122:344::/64" },
		{ { "2001:db8:1::1", "2001:db8:2::c000:aa", "2001:db8:2::c000:ab" },
		  "2001:db8:2::/96" },
		/* The address itself is in the prefix: only one place shows both. */
		{ { "2001:db8:c000:aa::c000:aa", "2001:db8:c000:aa::c000:ab" },
		  "2001:db8:c000:aa::/96" },
		{ { "2001:db8::1", "2001:db8::c000:a9" }, NULL },
		/* Resolvers that map instead. */
		{ { "::ffff:192.0.0.170" }, NULL },
		{ { "::192.0.0.170" }, NULL },
		{ { "fe80::192.0.0.170" }, NULL },
		{ { "::" }, NULL },
		{ { NULL }, NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct in6_addr addresses[3], prefix, want;
		char text[DOPPEL_IP6_TEXT];
		unsigned int count = 0;
		uint8_t len, want_len;

		while (count < 3 && vectors[i].addresses[count]) {
			addresses[count] = ip6(vectors[i].addresses[count]);
			count++;
		}
		if (!vectors[i].prefix) {
			ok(!doppel_prefix_find(addresses, count, &prefix, &len), "no prefix in %s",
			   count ? vectors[i].addresses[0] : "nothing");
			continue;
		}
		doppel_ip6_prefix_parse(vectors[i].prefix, &want, &want_len);
		ok(doppel_prefix_find(addresses, count, &prefix, &len) && len == want_len &&
		   doppel_ip6_eq(&prefix, &want), "%s shows %s/%u", vectors[i].addresses[0],
		   doppel_ip6_format(&prefix, text), len);
	}
}

/* --- asking ----------------------------------------------------------------------------------- */

struct servers {
	struct udp_socket udp;
	struct clock clock;
	struct rng rng;
	int64_t now;
	int watched;			/* -1, or the socket */
	struct in6_addr asked;
	uint16_t id;
	unsigned int queries;
	int refuse;			/* errno of connect */
	ssize_t next;			/* length of the reply, or what receive returns */
	uint8_t reply[512];
};

#define SERVERS(socket) container_of(socket, struct servers, udp)

static int servers_connect(struct udp_socket *socket, const struct in6_addr *server, uint16_t port,
			   uint32_t ifindex)
{
	(void)ifindex;
	if (port != 53)
		abort();
	SERVERS(socket)->asked = *server;
	return SERVERS(socket)->refuse;
}

static int servers_fd(struct udp_socket *socket)
{
	(void)socket;
	return 5;
}

static int servers_send(struct udp_socket *socket, const void *data, size_t len)
{
	if (len != 31)
		abort();
	SERVERS(socket)->id = doppel_get16(data);
	SERVERS(socket)->queries++;
	return 0;
}

static ssize_t servers_receive(struct udp_socket *socket, void *data, size_t size)
{
	struct servers *servers = SERVERS(socket);
	ssize_t len = servers->next;

	if (len > (ssize_t)size)
		abort();
	if (len > 0)
		memcpy(data, servers->reply, (size_t)len);
	servers->next = -EAGAIN;
	return len;
}

static void servers_watch(void *ctx, int fd)
{
	struct servers *servers = ctx;

	servers->watched = fd;
}

static int64_t servers_mono(struct clock *clock)
{
	return container_of(clock, struct servers, clock)->now;
}

static uint32_t servers_below(struct rng *rng, uint32_t n)
{
	struct servers *servers = container_of(rng, struct servers, rng);

	return n ? (servers->queries + 1) * 77 % n : 1;
}

static bool run_for(struct servers *servers, struct prefix_query *query, int64_t ms)
{
	const int64_t until = servers->now + ms;
	bool changed = false;

	while (doppel_prefix_query_deadline(query) <= until) {
		servers->now = doppel_prefix_query_deadline(query);
		changed |= doppel_prefix_query_timeout(query);
	}
	servers->now = until;
	return changed;
}

static bool give(struct servers *servers, struct prefix_query *query, uint16_t flags,
		 uint32_t ttl_s, const char *address)
{
	const struct in6_addr one = address ? ip6(address) : in6addr_any;

	servers->next = (ssize_t)answer(servers->reply, servers->id, flags, ttl_s, &one, !!address);
	return doppel_prefix_query_read(query);
}

static void test_query(void)
{
	struct servers servers = {
		.udp = { servers_connect, servers_fd, servers_send, servers_receive, NULL },
		.clock = { servers_mono, servers_mono },
		.rng = { servers_below },
		.watched = -1,
		.next = -EAGAIN,
	};
	const struct in6_addr list[] = { ip6("::ffff:192.0.0.2"), ip6("::ffff:192.0.0.3") };
	struct prefix_query query;
	unsigned int before;
	uint16_t id;

	doppel_prefix_query_init(&query, &servers.clock, &servers.rng, &servers.udp, servers_watch,
				 &servers);
	ok(doppel_prefix_query_deadline(&query) == NEVER, "nobody is asked before there is a server");
	doppel_prefix_query_start(&query, list, 2, 3);
	run_for(&servers, &query, 0);
	is_int(servers.queries, 1, "asked at once");
	ok(doppel_ip6_eq(&servers.asked, &list[0]), "the first server");
	is_int(servers.watched, 5, "and listened for");
	doppel_prefix_query_start(&query, list, 2, 3);
	run_for(&servers, &query, 0);
	is_int(servers.queries, 1, "not again for the same servers");

	id = servers.id;
	servers.id++;
	ok(!give(&servers, &query, 0x8180, 600, "64:ff9b::c000:aa") && !query.len,
	   "an answer with another id is none");
	servers.id = id;
	ok(give(&servers, &query, 0x8180, 600, "64:ff9b::c000:aa") && query.len == 96,
	   "the right one tells the prefix");
	servers.next = 31;
	doppel_prefix_query_read(&query);
	is_int(servers.watched, -1, "what comes later is not heard");
	run_for(&servers, &query, 589000);
	is_int(servers.queries, 1, "quiet while the answer holds");
	run_for(&servers, &query, 1000);
	is_int(servers.queries, 2, "asked again before it runs out");
	ok(servers.id != id, "with another id");
	ok(!give(&servers, &query, 0x8180, 600, "64:ff9b::c000:ab"), "the same prefix is no news");

	/* The servers are not heard: what was found stays, and they are asked less and less. */
	run_for(&servers, &query, 590000);
	ok(!run_for(&servers, &query, 2999), "silence for a while");
	ok(doppel_ip6_eq(&servers.asked, &list[0]), "the first is waited for");
	run_for(&servers, &query, 1);
	ok(doppel_ip6_eq(&servers.asked, &list[1]), "then the second is asked");
	before = servers.queries;
	ok(!run_for(&servers, &query, 3600000) && query.len == 96, "an hour of silence changes nothing");
	ok(servers.queries - before >= 20 && servers.queries - before < 50,
	   "and is not filled with questions: %u", servers.queries - before);
	doppel_prefix_query_again(&query);
	run_for(&servers, &query, 0);
	servers.next = -ECONNREFUSED;
	doppel_prefix_query_read(&query);
	run_for(&servers, &query, 0);
	ok(doppel_ip6_eq(&servers.asked, &list[1]), "who refuses is not waited for");

	/* One has no DNS64, the other has. */
	doppel_prefix_query_again(&query);
	run_for(&servers, &query, 0);
	ok(!give(&servers, &query, 0x8180, 0, NULL), "one server that knows of no prefix");
	run_for(&servers, &query, 0);
	ok(!give(&servers, &query, 0x8180, 60, "64:ff9b::c000:aa") && query.len == 96,
	   "is not believed against one that does");
	doppel_prefix_query_again(&query);
	run_for(&servers, &query, 0);
	give(&servers, &query, 0x8180, 0, NULL);
	run_for(&servers, &query, 0);
	ok(give(&servers, &query, 0x8182, 0, NULL) && !query.len,
	   "when one knows of none and the other cannot tell, it is over");
	before = servers.queries;
	run_for(&servers, &query, 10000);
	ok(servers.queries > before, "asked again all the same");
	servers.refuse = -ENETUNREACH;
	before = servers.queries;
	run_for(&servers, &query, 3600000);
	is_int(servers.queries, before, "without a way out nothing is sent");
	servers.refuse = 0;
	run_for(&servers, &query, 300000);
	ok(servers.queries > before, "and soon after there is one, something is");
	doppel_prefix_query_again(&query);
	run_for(&servers, &query, 0);
	ok(give(&servers, &query, 0x8180, 1, "64:ff9b::c000:aa"), "there is a prefix again");
	before = servers.queries;
	run_for(&servers, &query, 49000);
	is_int(servers.queries, before, "a time of 1 s is taken for a minute");
	doppel_prefix_query_stop(&query);
	before = servers.queries;
	ok(!run_for(&servers, &query, 10999) && query.len == 96, "stopped: what was found has its time");
	ok(run_for(&servers, &query, 1) && !query.len, "and no more than that");
	ok(doppel_prefix_query_deadline(&query) == NEVER && servers.watched == -1 &&
	   servers.queries == before, "nobody is asked");
}

int main(void)
{
	test_message();
	test_bounds();
	test_find();
	test_query();
	return done_testing();
}
