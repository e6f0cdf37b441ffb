// SPDX-License-Identifier: GPL-2.0-only
/* Addresses, times, buffers, lists, maps and heaps of agent/base. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/path.h"
#include "base/rand.h"
#include "tap.h"

static void test_mac(void)
{
	static const char *const bad[] = {
		"", "02:00:00:00:00", "02:00:00:00:00:01:", "02:00:00:00:00:0g", "0200.0000.0001",
		"02-00-00-00-00-01", "2:00:00:00:00:011", " 02:00:00:00:00:01",
	};
	struct mac mac = { { 9 } }, multicast = { { 1 } }, zero = {};
	char text[DOPPEL_MAC_TEXT];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(doppel_mac_parse(bad[i], &mac), -EINVAL, "MAC \"%s\" is refused", bad[i]);
	is_int(mac.b[0], 9, "a refused MAC changes nothing");
	is_int(doppel_mac_parse("0A:bc:DE:01:23:45", &mac), 0, "a MAC in either case");
	is_str(doppel_mac_format(&mac, text), "0a:bc:de:01:23:45", "is written in lower case");
	ok(doppel_mac_is_host(&mac), "it may be a host's");
	ok(!doppel_mac_is_host(&multicast), "a multicast MAC may not");
	ok(!doppel_mac_is_host(&zero), "nor zeros");
}

static void test_ip4(void)
{
	static const char *const bad[] = {
		"192.168.1.1", "192.168.1.1/", "192.168.1.1/33", "192.168.1.1/024", "1.2.3/8",
		"192.168.1.1/24x", "192.168.1.1/-1", "/24", "192.168.1.1 /24", "192.168.001.1/24",
		"1111111111111111111111111.1.1.1/3",
	};
	struct in_addr addr = { 7 }, net;
	char text[DOPPEL_IP4_TEXT];
	uint8_t len = 99;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(doppel_ip4_prefix_parse(bad[i], &addr, &len), -EINVAL,
		       "prefix \"%s\" is refused", bad[i]);
	is_int(len, 99, "a refused prefix changes nothing");
	is_int(doppel_ip4_prefix_parse("192.168.1.77/26", &addr, &len), 0, "a prefix");
	is_str(doppel_ip4_format(addr, text), "192.168.1.77", "keeps its host bits");
	is_int(len, 26, "and its length");
	doppel_ip4_parse("192.168.1.64", &net);
	ok(doppel_ip4_in_prefix(addr, net, 26), ".77 is in .64/26");
	ok(!doppel_ip4_in_prefix(addr, net, 29), ".77 is not in .64/29");
	ok(doppel_ip4_in_prefix((struct in_addr){ 0 }, net, 0), "all is in /0");
	ok(doppel_ip4_is_host_in(addr, 26), ".77/26 is a host's");
	ok(!doppel_ip4_is_host_in(net, 26), ".64/26 is the network's");
	doppel_ip4_parse("192.168.1.127", &net);
	ok(!doppel_ip4_is_host_in(net, 26), ".127/26 is the broadcast address");
	ok(doppel_ip4_is_host_in(net, 31), "a /31 has two hosts");
	is_int(doppel_ip4_mask_len(doppel_ip4_mask(0)), 0, "mask of /0");
	is_int(doppel_ip4_mask_len(doppel_ip4_mask(19)), 19, "mask of /19");
	is_int(doppel_ip4_mask_len(doppel_ip4_mask(32)), 32, "mask of /32");
	doppel_ip4_parse("255.0.255.0", &net);
	is_int(doppel_ip4_mask_len(net), -EINVAL, "a mask with a hole");
	doppel_ip4_parse("127.0.0.1", &net);
	ok(!doppel_ip4_is_host(net), "loopback is no host's");
	doppel_ip4_parse("224.0.0.1", &net);
	ok(!doppel_ip4_is_host(net), "nor is multicast");
	ok(!doppel_ip4_is_host((struct in_addr){ 0 }), "nor is 0.0.0.0");
	ok(doppel_ip4_is_host(addr), "192.168.1.77 is");
}

static void test_ip6(void)
{
	struct mac mac = { { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 } }, group_mac;
	struct in6_addr prefix, addr, group, other;
	char text[DOPPEL_IP6_TEXT];
	uint8_t len;

	is_int(doppel_ip6_prefix_parse("2001:db8::/64", &prefix, &len), 0, "an IPv6 prefix");
	is_int(doppel_ip6_prefix_parse("2001:db8::/129", &prefix, &len), -EINVAL, "/129");
	addr = doppel_ip6_eui64(&prefix, &mac);
	is_str(doppel_ip6_format(&addr, text), "2001:db8::11:22ff:fe33:4455", "EUI-64");
	ok(doppel_ip6_in_prefix(&addr, &prefix, 64), "lies in its prefix");
	doppel_ip6_parse("2001:db8:0:1::", &other);
	ok(!doppel_ip6_in_prefix(&addr, &other, 64), "and not in the next");
	ok(doppel_ip6_in_prefix(&addr, &other, 63), "but in both of a /63");
	ok(doppel_ip6_in_prefix(&addr, &other, 0), "all is in ::/0");
	ok(doppel_ip6_in_prefix(&addr, &addr, 128), "and it is in its /128");
	addr = doppel_ip6_link_local(&mac);
	is_str(doppel_ip6_format(&addr, text), "fe80::11:22ff:fe33:4455", "link-local");
	group = doppel_ip6_solicited_node(&addr);
	is_str(doppel_ip6_format(&group, text), "ff02::1:ff33:4455", "solicited-node group");
	group_mac = doppel_mac_multicast6(&group);
	is_str(doppel_mac_format(&group_mac, text), "33:33:ff:33:44:55", "and its MAC");
}

/* RFC 6052 section 2.4 */
static void test_nat64(void)
{
	static const struct {
		const char *prefix, *address;
	} vectors[] = {
		{ "2001:db8::/32", "2001:db8:c000:221::" },
		{ "2001:db8:100::/40", "2001:db8:1c0:2:21::" },
		{ "2001:db8:122::/48", "2001:db8:122:c000:2:2100::" },
		{ "2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::" },
		{ "2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0" },
		{ "2001:db8:122:344::/96", "2001:db8:122:344::c000:221" },
		{ "64:ff9b::/96", "64:ff9b::c000:221" },
	};
	static const char *const faulty[] = {
		"2001:db8::/31", "2001:db8::/36", "2001:db8::/72", "2001:db8::/95", "2001:db8::/128",
		"2001:db8::1/96", "2001:db8:0:0:100::/96", "2001:db8:0:1::/56",
	};
	const struct in_addr host = { htonl(0xc0000221) };
	struct in6_addr prefix, want, got;
	char text[DOPPEL_IP6_TEXT];
	uint8_t len;
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		doppel_ip6_prefix_parse(vectors[i].prefix, &prefix, &len);
		doppel_ip6_parse(vectors[i].address, &want);
		ok(doppel_ip6_is_nat64_prefix(&prefix, len), "%s is a NAT64 prefix",
		   vectors[i].prefix);
		got = doppel_ip6_nat64(&prefix, len, host);
		ok(doppel_ip6_eq(&got, &want), "192.0.2.33 in it is %s",
		   doppel_ip6_format(&got, text));
	}
	for (i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		doppel_ip6_prefix_parse(faulty[i], &prefix, &len);
		ok(!doppel_ip6_is_nat64_prefix(&prefix, len), "%s is none", faulty[i]);
	}
}

static void test_time(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "500ms", 500 }, { "15s", 15000 }, { "5m", 300000 },
		{ "12h", 43200000 }, { "7d", 604800000 }, { "0s", 0 },
	};
	static const char *const bad[] = { "", "15", "s", "15 s", "-1s", "1.5s", "15S", "1h5m" };
	static const struct {
		int64_t ms;
		const char *text;
	} formats[] = {
		{ -5, "0ms" }, { 850, "850ms" }, { 12345, "12s" }, { 245000, "4m05s" },
		{ 10920000, "3h02m" }, { 457200000, "5d07h" },
	};
	char text[DOPPEL_TIME_TEXT];
	int64_t ms;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ms = -1;
		doppel_duration_parse(good[i].text, &ms);
		is_int(ms, good[i].ms, "%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(doppel_duration_parse(bad[i], &ms), -EINVAL, "time \"%s\" is refused",
		       bad[i]);
	is_int(doppel_duration_parse("9999999999999d", &ms), -ERANGE, "too many days");
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		is_str(doppel_duration_format(formats[i].ms, text), formats[i].text, "%s",
		       formats[i].text);
	is_str(doppel_time_format(1795461485, text), "2026-11-23T19:18:05Z", "RFC 3339");
	ok(doppel_clock_mono_ms(&doppel_clock) > 0, "the monotonic clock runs");
	ok(doppel_clock_wall_s(&doppel_clock) > 1700000000, "and the wall clock");
}

static void test_buf(void)
{
	struct buf buf = {};

	for (int i = 0; i < 1000; i++)
		doppel_buf_printf(&buf, "%03d", i);
	is_int(buf.len, 3000, "a buffer grows");
	is_str(buf.data + 2994, "998999", "and ends with NUL");
	doppel_buf_consume(&buf, 2997);
	is_str(buf.data, "999", "its beginning goes");
	doppel_buf_consume(&buf, 99);
	is_str(buf.data, "", "all of it");
	ok(doppel_buf_add(&buf, "x", SIZE_MAX / 2) == -ENOMEM && buf.failed, "too much is refused");
	doppel_buf_free(&buf);
	doppel_buf_consume(&buf, 0);
	ok(!buf.data && !buf.failed, "a freed buffer is a new one");
}

static void test_error(void)
{
	struct doppel_error error = {};

	doppel_error_add(&error, "one %d", 1);
	doppel_error_add(&error, "two");
	is_str(error.text, "one 1\ntwo", "errors are lines");
	for (int i = 0; i < 1000; i++)
		doppel_error_add(&error, "an error of some length, number %d", i);
	is_int(error.count, 1002, "all are counted");
	ok(strlen(error.text) < sizeof(error.text), "as many as there is room for are kept");
	ok(strrchr(error.text, '\n') && !strncmp(strrchr(error.text, '\n'), "\nan error of", 12),
	   "each of them whole");
}

struct item {
	struct list link;
	struct map_node node;
	int key;
};

static void test_list(void)
{
	struct item items[4] = {};
	struct list head;
	int sum = 0;

	doppel_list_init(&head);
	ok(doppel_list_empty(&head), "a new list is empty");
	for (int i = 0; i < 4; i++) {
		items[i].key = i;
		doppel_list_add_tail(&head, &items[i].link);
	}
	doppel_list_foreach(node, &head) {
		struct item *item = container_of(node, struct item, link);

		sum = sum * 10 + item->key;
		doppel_list_del(node);
	}
	is_int(sum, 123, "a walk in order, deleting");
	ok(doppel_list_empty(&head), "leaves it empty");
	doppel_list_del(&items[0].link);
	ok(true, "deleting again does no harm");
}

static void test_map(void)
{
	enum { COUNT = 5000 };
	struct item *items = calloc(COUNT, sizeof(*items)), twin = { .key = 17 };
	int missing = COUNT, found = 0, walked = 0;
	struct map map;

	doppel_map_init(&map, sizeof(int));
	ok(!doppel_map_find(&map, &missing) && !doppel_map_next(&map, NULL), "an empty map");
	for (int i = 0; i < COUNT; i++) {
		items[i].key = i;
		doppel_map_add(&map, &items[i].node, &items[i].key);
	}
	is_int(map.count, COUNT, "5000 nodes");
	is_int(doppel_map_add(&map, &twin.node, &twin.key), -EEXIST, "no key twice");
	for (int i = 0; i < COUNT; i++)
		found += doppel_map_find(&map, &i) == &items[i].node;
	is_int(found, COUNT, "each is found");
	ok(!doppel_map_find(&map, &missing), "others are not");
	doppel_map_foreach(node, &map) {
		walked++;
		if (container_of(node, struct item, node)->key % 2)
			doppel_map_del(&map, node);
	}
	is_int(walked, COUNT, "a walk meets each once, though half are deleted");
	is_int(map.count, COUNT / 2, "half are left");
	doppel_map_free(&map);
	free(items);
}

static void test_map_others(void)
{
	enum { SAME = 3, COUNT = 100 };
	struct item items[COUNT];
	struct map_node *node;
	int key = 0, same = 0;
	struct map map;

	doppel_map_init(&map, sizeof(int));
	for (int i = 0; i < COUNT; i++) {
		items[i].key = i < SAME ? 0 : i;
		doppel_map_add_another(&map, &items[i].node, &items[i].key);
	}
	for (node = doppel_map_find(&map, &key); node; node = doppel_map_find_another(&map, node))
		same += !container_of(node, struct item, node)->key;
	is_int(same, SAME, "all of one key are found, and no others");
	doppel_map_del(&map, &items[1].node);
	node = doppel_map_find(&map, &key);
	ok(node && doppel_map_find_another(&map, node) &&
	   !doppel_map_find_another(&map, doppel_map_find_another(&map, node)),
	   "one less when one has gone");
	doppel_map_free(&map);
}

struct due {
	struct heap_node node;
	int64_t at;
	bool in;
};

static bool is_first(const struct heap *heap, const struct due *dues, int count)
{
	const struct due *first = NULL;

	for (int i = 0; i < count; i++)
		if (dues[i].in && (!first || dues[i].at < first->at))
			first = &dues[i];
	return first ? heap->first && heap->first->key == first->at : !heap->first;
}

/* Whatever is put in, moved and taken out, the first is the least. */
static void test_heap(void)
{
	enum { COUNT = 300, STEPS = 20000 };
	struct due *dues = calloc(COUNT, sizeof(*dues));
	struct heap heap = { 0 };
	int64_t before = INT64_MIN;
	bool least = true, in_order = true;
	int left = 0;

	ok(!heap.first, "an empty heap");
	doppel_heap_del(&heap, &dues[0].node);
	ok(!heap.first, "what is not in it can be taken out");
	for (int step = 0; step < STEPS; step++) {
		struct due *due = &dues[doppel_rng_below(&doppel_rng, COUNT)];

		due->in = doppel_rng_below(&doppel_rng, 3);
		due->at = due->in ? doppel_rng_below(&doppel_rng, 1000) : due->at;
		if (due->in)
			doppel_heap_put(&heap, &due->node, due->at);
		else
			doppel_heap_del(&heap, &due->node);
		least = least && is_first(&heap, dues, COUNT);
	}
	ok(least, "the first is the least through %d changes", STEPS);
	for (int i = 0; i < COUNT; i++)
		left += dues[i].in;
	while (heap.first) {
		in_order = in_order && heap.first->key >= before;
		before = heap.first->key;
		doppel_heap_del(&heap, heap.first);
		left--;
	}
	ok(in_order, "taken out in order");
	is_int(left, 0, "and none was lost");
	free(dues);
}

static void test_rest(void)
{
	bool in_range = true;

	for (int i = 0; i < 1000; i++)
		in_range = in_range && doppel_rng_below(&doppel_rng, 7) < 7;
	ok(in_range, "random numbers below 7");
	is_int(doppel_make_parent("/dev/null/x/y"), -ENOTDIR, "no directory under a file");
	is_int(doppel_make_parent("file"), 0, "a bare name needs no directory");
	is_int(doppel_make_parent("/file"), 0, "nor does one in the root");
}

int main(void)
{
	test_mac();
	test_ip4();
	test_ip6();
	test_nat64();
	test_time();
	test_buf();
	test_error();
	test_list();
	test_map();
	test_map_others();
	test_heap();
	test_rest();
	return done_testing();
}
