// SPDX-License-Identifier: GPL-2.0-only
/* Prefixes of both families, and who has which address of one. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cidr.h"
#include "base/rand.h"
#include "tap.h"
#include "wireguard/ipam.h"

static struct cidr cidr(const char *text)
{
	struct cidr cidr = { .len = 0 };

	ok(!doppel_cidr_parse(text, &cidr), "%s is a prefix", text);
	return cidr;
}

static struct in6_addr ip(const char *text)
{
	struct in6_addr addr = IN6ADDR_ANY_INIT;

	ok(!doppel_ip_parse(text, &addr), "%s is an address", text);
	return addr;
}

static void test_text(void)
{
	static const char *const good[] = {
		"10.0.0.0/24", "0.0.0.0/0", "10.1.2.3/32", "fd00:1234::/64", "::/0", "fd00::1/128",
	};
	static const char *const bad[] = {
		"", "10.0.0.0", "10.0.0.0/33", "10.0.0/24", "10.0.0.0/024", "fd00::/129", "fd00::",
		"::ffff:10.0.0.0/120", "10.0.0.0/-1", "fd00::/64 ", "any",
	};
	char text[DOPPEL_CIDR_TEXT];
	struct cidr prefix;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		prefix = cidr(good[i]);
		is_str(doppel_cidr_format(&prefix, text), good[i], "… and its text the same");
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(doppel_cidr_parse(bad[i], &prefix), -EINVAL, "\"%s\" is none", bad[i]);
	is_int(doppel_cidr_parse("10.0.0.7/24", &prefix), -EDOM, "host bits are told");
	is_str(doppel_cidr_format(&prefix, text), "10.0.0.0/24", "… with what was meant");
	is_int(doppel_cidr_parse("fd00::1:0:0:7/65", &prefix), -EDOM, "… in IPv6, too");
}

static void test_sets(void)
{
	const struct cidr all4 = cidr("0.0.0.0/0"), all6 = cidr("::/0");
	const struct cidr wide = cidr("10.0.0.0/8"), narrow = cidr("10.1.0.0/16");
	const struct in6_addr host = ip("10.1.2.3"), host6 = ip("fd00::1");
	const struct cidr one = doppel_cidr_host(&host);

	ok(doppel_cidr_has(&all4, &host) && !doppel_cidr_has(&all4, &host6), "0.0.0.0/0 is IPv4's");
	ok(doppel_cidr_has(&all6, &host6) && !doppel_cidr_has(&all6, &host), "::/0 is IPv6's");
	ok(doppel_cidr_covers(&wide, &narrow) && !doppel_cidr_covers(&narrow, &wide), "covers");
	ok(doppel_cidr_overlap(&narrow, &wide) && !doppel_cidr_overlap(&all6, &wide), "overlap");
	ok(doppel_cidr_covers(&narrow, &one), "a host's own prefix");
}

static void is_next(struct ipam *ipam, const char *want)
{
	char text[DOPPEL_IP6_TEXT] = "none";
	struct in6_addr address;

	if (!doppel_ipam_allocate(ipam, &address))
		doppel_ip_format(&address, text);
	is_str(text, want, "next: %s", want);
}

static void test_order(void)
{
	const struct cidr prefix = cidr("10.0.0.0/29");
	const struct in6_addr third = ip("10.0.0.3"), second = ip("10.0.0.2"), fifth = ip("10.0.0.5");
	const struct in6_addr net = ip("10.0.0.0"), last = ip("10.0.0.7"), other = ip("10.0.0.9");
	struct ipam *ipam = doppel_ipam_new(&prefix);

	is_int(doppel_ipam_available(ipam), 6, "six hosts in a /29");
	is_int(doppel_ipam_reserve(ipam, &third), 0, "one is reserved");
	is_int(doppel_ipam_reserve(ipam, &third), -EEXIST, "… once");
	is_int(doppel_ipam_reserve(ipam, &net), -ERANGE, "not the network's own");
	is_int(doppel_ipam_reserve(ipam, &last), -ERANGE, "not the broadcast address");
	is_int(doppel_ipam_reserve(ipam, &other), -ERANGE, "not one of another network");
	is_next(ipam, "10.0.0.1");
	is_next(ipam, "10.0.0.2");
	is_next(ipam, "10.0.0.4");
	is_int(doppel_ipam_release(ipam, &second), 0, "released");
	is_int(doppel_ipam_release(ipam, &second), -ENOENT, "… once");
	is_int(doppel_ipam_release(ipam, &third), 0, "… and what was reserved");
	is_int(doppel_ipam_release(ipam, &fifth), -ENOENT, "… but not what nobody has");
	is_next(ipam, "10.0.0.2");
	is_int(doppel_ipam_reserve(ipam, &third), 0, "a hole can be reserved");
	is_next(ipam, "10.0.0.5");
	is_next(ipam, "10.0.0.6");
	is_next(ipam, "none");
	is_int(doppel_ipam_available(ipam), 0, "exhausted");
	is_int(doppel_ipam_used(ipam), 6, "all in use");
	doppel_ipam_free(ipam);
}

static void is_whole(const char *text, const char *first, const char *second)
{
	const struct cidr prefix = cidr(text);
	struct ipam *ipam = doppel_ipam_new(&prefix);

	is_next(ipam, first);
	is_next(ipam, second);
	if (strcmp(second, "none"))
		is_next(ipam, "none");
	doppel_ipam_free(ipam);
}

static void test_ends(void)
{
	const struct cidr site = cidr("fd00:10::/48"), link = cidr("fd00:10::/64");
	const struct in6_addr far = ip("fd00:10:0:7::1"), anycast = ip("fd00:10::");
	const struct in6_addr last = ip("fd00:10::ffff:ffff:ffff:ffff");
	struct ipam *ipam = doppel_ipam_new(&site);
	struct in6_addr one, same;
	uint64_t all;

	is_whole("10.0.0.0/31", "10.0.0.0", "10.0.0.1");
	is_whole("10.0.0.0/32", "10.0.0.0", "none");
	is_whole("fd00::/127", "fd00::", "fd00::1");
	is_whole("fd00::5/128", "fd00::5", "none");
	all = doppel_ipam_available(ipam);
	is_int(doppel_ipam_reserve(ipam, &far), 0, "far up in a /48");
	ok(doppel_ipam_available(ipam) == all, "… where none is allocated from");
	is_int(doppel_ipam_reserve(ipam, &far), -EEXIST, "… but known");
	is_int(doppel_ipam_release(ipam, &far), 0, "… and released");
	is_int(doppel_ipam_reserve(ipam, &anycast), -ERANGE, "not the anycast address");
	is_next(ipam, "fd00:10::1");
	doppel_ipam_free(ipam);

	ipam = doppel_ipam_new(&link);
	is_int(doppel_ipam_reserve(ipam, &last), 0, "IPv6 has no broadcast address");
	is_int(doppel_ipam_allocate_hashed(ipam, "key", 3, &one), 0, "by a hash");
	ok(doppel_cidr_has(&link, &one), "… of the prefix");
	is_int(doppel_ipam_allocate_hashed(ipam, "key", 3, &same), 0, "the same key again");
	ok(!doppel_ip6_eq(&one, &same), "… gets another while the first is in use");
	doppel_ipam_release(ipam, &one);
	is_int(doppel_ipam_allocate_hashed(ipam, "key", 3, &same), 0, "… and the first");
	ok(doppel_ip6_eq(&one, &same), "… when that is free");
	doppel_ipam_free(ipam);
}

enum { HOSTS = 510 };			/* of a /23 */

/* What a simple list says of the same. */
struct model {
	bool used[HOSTS + 1];		/* by offset */
	unsigned int count;
};

static unsigned int lowest_free(const struct model *model)
{
	unsigned int i = 1;

	while (i <= HOSTS && model->used[i])
		i++;
	return i;
}

static struct in6_addr host(const struct cidr *prefix, unsigned int offset)
{
	struct in6_addr addr = prefix->net;

	addr.s6_addr[14] |= (uint8_t)(offset >> 8);
	addr.s6_addr[15] = (uint8_t)offset;
	return addr;
}

static unsigned int offset_of(const struct in6_addr *addr)
{
	return (addr->s6_addr[14] & 1) << 8 | addr->s6_addr[15];
}

static void set(struct model *model, unsigned int offset, bool used)
{
	model->used[offset] = used;
	model->count += used ? 1 : -1;
}

static bool allocates(struct ipam *ipam, struct model *model)
{
	const unsigned int want = lowest_free(model);
	struct in6_addr got;
	const int err = doppel_ipam_allocate(ipam, &got);

	if (want > HOSTS)
		return err == -ENOSPC;
	set(model, want, true);
	return !err && offset_of(&got) == want;
}

static bool allocates_hashed(struct ipam *ipam, struct model *model, const struct cidr *prefix,
			     unsigned int key)
{
	struct in6_addr got;
	const int err = doppel_ipam_allocate_hashed(ipam, &key, sizeof(key), &got);

	if (model->count == HOSTS)
		return err == -ENOSPC;
	if (err || !doppel_cidr_has(prefix, &got) || model->used[offset_of(&got)])
		return false;
	set(model, offset_of(&got), true);
	return true;
}

static bool reserves(struct ipam *ipam, struct model *model, const struct cidr *prefix,
		     unsigned int offset)
{
	const struct in6_addr addr = host(prefix, offset);
	const int err = doppel_ipam_reserve(ipam, &addr);

	if (model->used[offset])
		return err == -EEXIST;
	set(model, offset, true);
	return !err;
}

static bool releases(struct ipam *ipam, struct model *model, const struct cidr *prefix,
		     unsigned int offset)
{
	const struct in6_addr addr = host(prefix, offset);
	const int err = doppel_ipam_release(ipam, &addr);

	if (!model->used[offset])
		return err == -ENOENT;
	set(model, offset, false);
	return !err;
}

/* One step, by chance, as the model has it. */
static bool step(struct ipam *ipam, struct model *model, const struct cidr *prefix, bool filling)
{
	const unsigned int any = 1 + doppel_rng_below(&doppel_rng, HOSTS);

	switch (doppel_rng_below(&doppel_rng, filling ? 5 : 8)) {
	case 0:
	case 1:
		return allocates(ipam, model);
	case 2:
		return allocates_hashed(ipam, model, prefix, any);
	case 3:
		return reserves(ipam, model, prefix, any);
	default:
		return releases(ipam, model, prefix, any);
	}
}

static void test_random(void)
{
	enum { STEPS = 1000000 };
	const struct cidr prefix = cidr("10.0.2.0/23");
	struct ipam *ipam = doppel_ipam_new(&prefix);
	struct model model = { .count = 0 };
	bool same = true, counted = true, full = false;
	int i;

	for (i = 0; i < STEPS && same; i++) {
		same = step(ipam, &model, &prefix, i / 5000 % 2);
		counted = counted && doppel_ipam_used(ipam) == model.count &&
			  doppel_ipam_available(ipam) == HOSTS - model.count;
		full = full || model.count == HOSTS;
	}
	ok(same, "a million steps by chance: none twice, none outside, none lost (%d done)", i);
	ok(counted && full, "… and counted all the time, also when full");
	doppel_ipam_free(ipam);
}

static void test_many(void)
{
	enum { PEERS = 65000 };
	const struct cidr prefix = cidr("10.20.0.0/16");
	struct ipam *ipam = doppel_ipam_new(&prefix);
	const clock_t began = clock();
	struct in6_addr address;
	int i, err = 0;

	for (i = 0; i < PEERS && !err; i++)
		err = doppel_ipam_allocate(ipam, &address);
	is_int(err, 0, "65000 peers in a /16");
	ok((double)(clock() - began) / CLOCKS_PER_SEC < 1, "… in under a second of CPU time");
	doppel_ipam_free(ipam);
}

int main(void)
{
	test_text();
	test_sets();
	test_order();
	test_ends();
	test_random();
	test_many();
	return done_testing();
}
