// SPDX-License-Identifier: GPL-2.0-only
#include <linux/udp.h>

#include "wire.h"

static struct netlink_ext_ack *extack_of(struct kunit *test)
{
	struct ports *ports = test->priv;

	memset(&ports->extack, 0, sizeof(ports->extack));
	return &ports->extack;
}

static int add_mapping(struct kunit *test, const char *ipv4, const char *ipv6)
{
	const struct in6_addr host = ip6(ipv6);
	struct netlink_ext_ack *extack = extack_of(test);
	int err;

	rtnl_lock();
	err = doppel_mapping_add(gateway(), in_aton(ipv4), &host, extack);
	rtnl_unlock();
	if (err)
		KUNIT_EXPECT_NOT_NULL_MSG(test, extack->_msg, "refused without a word");
	return err;
}

static int del_mapping(struct kunit *test, const char *ipv4)
{
	struct netlink_ext_ack *extack = extack_of(test);
	int err;

	rtnl_lock();
	err = doppel_mapping_del(gateway(), in_aton(ipv4), extack);
	rtnl_unlock();
	if (err)
		KUNIT_EXPECT_NOT_NULL_MSG(test, extack->_msg, "refused without a word");
	return err;
}

static int set_nat64(struct kunit *test, const char *prefix, u8 len)
{
	struct doppel_gateway_settings settings = {
		.given = BIT(DOPPEL_A_GATEWAY_NAT64_PREFIX) |
			 BIT(DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN),
		.nat64_prefix = ip6(prefix),
		.nat64_prefix_len = len,
	};

	return set_gateway(test, &settings);
}

/* RFC 6052 section 2.4 */
static const struct {
	const char *prefix;
	u8 len;
	const char *ipv6;
} rfc6052[] = {
	{ "2001:db8::", 32, "2001:db8:c000:221::" },
	{ "2001:db8:100::", 40, "2001:db8:1c0:2:21::" },
	{ "2001:db8:122::", 48, "2001:db8:122:c000:2:2100::" },
	{ "2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::" },
	{ "2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::" },
	{ "2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33" },
	{ "64:ff9b::", 96, "64:ff9b::192.0.2.33" },
};

static void rfc6052_vectors(struct kunit *test)
{
	const __be32 ipv4 = in_aton("192.0.2.33");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rfc6052); i++) {
		const struct in6_addr ipv6 = ip6(rfc6052[i].ipv6);
		struct in6_addr to6, other = ipv6;
		__be32 to4 = 0;

		KUNIT_ASSERT_EQ(test, set_nat64(test, rfc6052[i].prefix, rfc6052[i].len), 0);
		rcu_read_lock();
		KUNIT_EXPECT_TRUE(test, doppel_nat64_to_ipv6(gateway(), ipv4, &to6));
		KUNIT_EXPECT_TRUE_MSG(test, ipv6_addr_equal(&to6, &ipv6), "%pI6c is not %s", &to6,
				      rfc6052[i].ipv6);
		KUNIT_EXPECT_TRUE(test, doppel_nat64_to_ipv4(gateway(), &ipv6, &to4));
		KUNIT_EXPECT_EQ(test, to4, ipv4);
		KUNIT_EXPECT_TRUE(test, doppel_mapped(gateway(), ipv4, &ipv6));

		/* The last bit of the prefix is another. */
		other.s6_addr[(rfc6052[i].len - 1) / 8] ^= 1;
		KUNIT_EXPECT_FALSE(test, doppel_nat64_to_ipv4(gateway(), &other, &to4));
		KUNIT_EXPECT_FALSE(test, doppel_mapped(gateway(), ipv4, &other));
		rcu_read_unlock();
	}
}

/* Any address there and back, with any prefix. */
static void nat64_there_and_back(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rfc6052); i++) {
		KUNIT_ASSERT_EQ(test, set_nat64(test, rfc6052[i].prefix, rfc6052[i].len), 0);
		rcu_read_lock();
		for (j = 0; j < 2000; j++) {
			__be32 ipv4 = (__force __be32)get_random_u32(), back = 0;
			struct in6_addr ipv6;

			KUNIT_ASSERT_TRUE(test, doppel_nat64_to_ipv6(gateway(), ipv4, &ipv6));
			/* RFC 6052 section 2.2: bits 64 to 71. */
			KUNIT_ASSERT_EQ(test, ipv6.s6_addr[8], 0);
			KUNIT_ASSERT_TRUE(test, doppel_nat64_to_ipv4(gateway(), &ipv6, &back));
			KUNIT_ASSERT_EQ(test, back, ipv4);
		}
		rcu_read_unlock();
	}
}

static void prefixes_are_refused(struct kunit *test)
{
	static const struct {
		const char *prefix;
		u8 len;
	} wrong[] = {
		{ "64:ff9b::", 95 }, { "64:ff9b::", 1 }, { "64:ff9b::", 33 }, { "64:ff9b::", 128 },
		{ "64:ff9b::", 72 }, { "64:ff9b::", 80 }, { "64:ff9b::", 88 },
		{ "64:ff9b:0:0:100::", 96 },	/* bits 64 to 71 */
		{ "fe80::", 96 }, { "ff00::", 96 }, { "::", 96 }, { "::ffff:0:0", 96 },
	};
	struct doppel_gateway_settings half = {
		.given = BIT(DOPPEL_A_GATEWAY_NAT64_PREFIX),
		.nat64_prefix = ip6("64:ff9b::"),
	};
	struct in6_addr ipv6;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		KUNIT_EXPECT_NE_MSG(test, set_nat64(test, wrong[i].prefix, wrong[i].len), 0,
				    "%s/%u", wrong[i].prefix, wrong[i].len);
	KUNIT_EXPECT_EQ(test, set_gateway(test, &half), -EINVAL);
	half.given = BIT(DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN);
	half.nat64_prefix_len = 96;
	KUNIT_EXPECT_EQ(test, set_gateway(test, &half), -EINVAL);

	/* What was there before still is. */
	rcu_read_lock();
	KUNIT_EXPECT_TRUE(test, doppel_nat64_to_ipv6(gateway(), in_aton("198.51.100.7"), &ipv6));
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, ipv6_addr_equal(&ipv6, &(struct in6_addr){
		.s6_addr32 = { htonl(0x0064ff9b), 0, 0, in_aton("198.51.100.7") },
	}));

	/* Length 0 is for none. */
	KUNIT_EXPECT_EQ(test, set_nat64(test, "::", 0), 0);
	rcu_read_lock();
	KUNIT_EXPECT_FALSE(test, doppel_nat64_to_ipv6(gateway(), in_aton("198.51.100.7"), &ipv6));
	rcu_read_unlock();
}

static void found_by_both(struct kunit *test)
{
	const struct in6_addr host = ip6("2001:db8:9::20");
	const struct doppel_mapping *mapping;
	u32 generation = gateway()->generation;

	KUNIT_EXPECT_EQ(test, add_mapping(test, "192.0.2.20", "2001:db8:9::20"), 0);
	KUNIT_EXPECT_NE(test, gateway()->generation, generation);
	rcu_read_lock();
	mapping = doppel_mapping_by_ipv4(gateway(), in_aton("192.0.2.20"));
	KUNIT_ASSERT_NOT_NULL(test, mapping);
	KUNIT_EXPECT_PTR_EQ(test, doppel_mapping_by_ipv6(gateway(), &host), mapping);
	KUNIT_EXPECT_TRUE(test, ipv6_addr_equal(&mapping->ipv6, &host));
	/* It comes before the prefix. */
	KUNIT_EXPECT_TRUE(test, doppel_mapped(gateway(), in_aton("192.0.2.20"), &host));
	KUNIT_EXPECT_FALSE(test, doppel_mapped(gateway(), in_aton("192.0.2.20"),
					       &(struct in6_addr){ .s6_addr32 = {
			htonl(0x0064ff9b), 0, 0, in_aton("192.0.2.20") } }));
	rcu_read_unlock();

	KUNIT_EXPECT_EQ(test, del_mapping(test, "192.0.2.20"), 0);
	KUNIT_EXPECT_EQ(test, del_mapping(test, "192.0.2.20"), -ENOENT);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, doppel_mapping_by_ipv4(gateway(), in_aton("192.0.2.20")));
	KUNIT_EXPECT_NULL(test, doppel_mapping_by_ipv6(gateway(), &host));
	rcu_read_unlock();
}

static void mappings_are_refused(struct kunit *test)
{
	static const struct {
		const char *ipv4;
		const char *ipv6;
		int err;
	} wrong[] = {
		{ "0.0.0.0", "2001:db8:9::20", -EADDRNOTAVAIL },
		{ "127.0.0.1", "2001:db8:9::20", -EADDRNOTAVAIL },
		{ "224.0.0.1", "2001:db8:9::20", -EADDRNOTAVAIL },
		{ "255.255.255.255", "2001:db8:9::20", -EADDRNOTAVAIL },
		{ "192.168.1.77", "2001:db8:9::20", -EADDRNOTAVAIL },	/* the LAN's */
		{ "192.0.2.20", "::", -EADDRNOTAVAIL },
		{ "192.0.2.20", "::1", -EADDRNOTAVAIL },
		{ "192.0.2.20", "ff02::1", -EADDRNOTAVAIL },
		{ "192.0.2.20", "fe80::1", -EADDRNOTAVAIL },
		{ "192.0.2.20", "::ffff:192.0.2.1", -EADDRNOTAVAIL },
		{ "192.0.2.10", "2001:db8:9::20", -EEXIST },		/* taken, either */
		{ "192.0.2.20", "2001:db8:9::10", -EEXIST },
		{ "192.0.2.10", "2001:db8:9::10", -EEXIST },
	};
	const struct in6_addr host = ip6("2001:db8:9::20");
	u32 generation = gateway()->generation;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		KUNIT_EXPECT_EQ_MSG(test, add_mapping(test, wrong[i].ipv4, wrong[i].ipv6),
				    wrong[i].err, "%s, %s", wrong[i].ipv4, wrong[i].ipv6);
	KUNIT_EXPECT_EQ(test, gateway()->generation, generation);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, doppel_mapping_by_ipv4(gateway(), in_aton("192.0.2.20")));
	KUNIT_EXPECT_NULL(test, doppel_mapping_by_ipv6(gateway(), &host));
	KUNIT_EXPECT_NOT_NULL(test, doppel_mapping_by_ipv4(gateway(), in_aton("192.0.2.10")));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, add_mapping(test, "192.0.2.20", "2001:db8:9::20"), 0);
}

/* The LAN does not move to where a mapping's address is. */
static void lan_stays_clear_of_mappings(struct kunit *test)
{
	struct doppel_gateway_settings settings = {
		.given = BIT(DOPPEL_A_GATEWAY_LAN_IPV4) | BIT(DOPPEL_A_GATEWAY_LAN_PREFIX_LEN),
		.lan_ipv4 = in_aton("192.0.2.1"),
		.lan_prefix_len = 24,
	};

	KUNIT_ASSERT_EQ(test, del_device(test, 1), 0);
	KUNIT_ASSERT_EQ(test, del_device(test, 2), 0);
	KUNIT_EXPECT_EQ(test, set_gateway(test, &settings), -EBUSY);
	/* Nor does it grow over it. */
	settings.lan_ipv4 = in_aton("192.168.1.1");
	settings.lan_prefix_len = 4;
	KUNIT_EXPECT_EQ(test, set_gateway(test, &settings), -EBUSY);
	KUNIT_EXPECT_EQ(test, gateway()->lan_mask, inet_make_mask(24));

	KUNIT_ASSERT_EQ(test, del_mapping(test, "192.0.2.10"), 0);
	settings.lan_ipv4 = in_aton("192.0.2.1");
	settings.lan_prefix_len = 24;
	KUNIT_EXPECT_EQ(test, set_gateway(test, &settings), 0);
}

/* --- The sessions that end. -------------------------------------------------------------- */

/* A UDP packet from a device to an IPv4 address; whether anything came out on the WAN. */
static bool sends(struct kunit *test, u32 n, const char *from, const char *to)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
	} packet = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(packet)),
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.saddr = in_aton(from),
			.daddr = in_aton(to),
		},
		.udp = {
			.source = htons(40000),
			.dest = htons(53),
			.len = htons(sizeof(packet.udp)),
		},
	};
	bool sent;

	packet.ip.check = ip_fast_csum(&packet.ip, 5);
	feed_packet(test, DOOR_LAN, n, &packet, sizeof(packet));
	sent = skb_queue_len(&wire_of(test)->wan) == 1;
	forget_sent(test);
	return sent;
}

static bool has_session(const char *from, const char *to)
{
	const struct doppel_lan_tuple tuple = {
		.device = in_aton(from),
		.peer = in_aton(to),
		.device_port = htons(40000),
		.peer_port = htons(53),
		.protocol = IPPROTO_UDP,
	};
	bool found;

	rcu_read_lock();
	found = doppel_session_by_lan(gateway(), &tuple);
	rcu_read_unlock();
	return found;
}

/* A session by a mapping, one by the prefix, and one of IPv4's. */
static void begin_three(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, sends(test, 1, "192.168.1.100", "192.0.2.10"));
	KUNIT_ASSERT_TRUE(test, sends(test, 2, "192.168.1.101", "198.51.100.7"));
	KUNIT_ASSERT_TRUE(test, sends(test, 1, "192.168.1.100", "10.1.2.200"));
	KUNIT_ASSERT_TRUE(test, has_session("192.168.1.100", "192.0.2.10"));
	KUNIT_ASSERT_TRUE(test, has_session("192.168.1.101", "198.51.100.7"));
	KUNIT_ASSERT_TRUE(test, has_session("192.168.1.100", "10.1.2.200"));
}

static void sessions_end_with_their_mapping(struct kunit *test)
{
	begin_three(test);
	KUNIT_EXPECT_EQ(test, del_mapping(test, "192.0.2.10"), 0);
	KUNIT_EXPECT_FALSE(test, has_session("192.168.1.100", "192.0.2.10"));
	KUNIT_EXPECT_TRUE(test, has_session("192.168.1.101", "198.51.100.7"));
	KUNIT_EXPECT_TRUE(test, has_session("192.168.1.100", "10.1.2.200"));
}

static void sessions_end_with_their_prefix(struct kunit *test)
{
	begin_three(test);
	/* The same again is no change. */
	KUNIT_EXPECT_EQ(test, set_nat64(test, "64:ff9b::", 96), 0);
	KUNIT_EXPECT_TRUE(test, has_session("192.168.1.101", "198.51.100.7"));

	KUNIT_EXPECT_EQ(test, set_nat64(test, "2001:db8:64::", 96), 0);
	KUNIT_EXPECT_FALSE(test, has_session("192.168.1.101", "198.51.100.7"));
	KUNIT_EXPECT_TRUE(test, has_session("192.168.1.100", "192.0.2.10"));
	KUNIT_EXPECT_TRUE(test, has_session("192.168.1.100", "10.1.2.200"));

	KUNIT_EXPECT_TRUE(test, sends(test, 2, "192.168.1.101", "198.51.100.7"));
	KUNIT_EXPECT_EQ(test, set_nat64(test, "::", 0), 0);
	KUNIT_EXPECT_FALSE(test, has_session("192.168.1.101", "198.51.100.7"));
	KUNIT_EXPECT_FALSE(test, sends(test, 2, "192.168.1.101", "198.51.100.7"));
	KUNIT_EXPECT_EQ(test, drops(DOPPEL_DROP_REASON_LAN_NO_IDENTITY), 1);
}

/* A mapping takes an address from the prefix. */
static void sessions_end_with_a_new_mapping(struct kunit *test)
{
	begin_three(test);
	KUNIT_EXPECT_EQ(test, add_mapping(test, "198.51.100.7", "2001:db8:9::7"), 0);
	KUNIT_EXPECT_FALSE(test, has_session("192.168.1.101", "198.51.100.7"));
	KUNIT_EXPECT_TRUE(test, has_session("192.168.1.100", "192.0.2.10"));
	KUNIT_EXPECT_TRUE(test, sends(test, 2, "192.168.1.101", "198.51.100.7"));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(rfc6052_vectors),
	KUNIT_CASE(nat64_there_and_back),
	KUNIT_CASE(prefixes_are_refused),
	KUNIT_CASE(found_by_both),
	KUNIT_CASE(mappings_are_refused),
	KUNIT_CASE(lan_stays_clear_of_mappings),
	KUNIT_CASE(sessions_end_with_their_mapping),
	KUNIT_CASE(sessions_end_with_their_prefix),
	KUNIT_CASE(sessions_end_with_a_new_mapping),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_mapping",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
