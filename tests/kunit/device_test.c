// SPDX-License-Identifier: GPL-2.0-only
#include <net/addrconf.h>

#include "ports.h"

/* The multicast MAC at which an IPv6 address is asked for. */
static void group_of(const struct in6_addr *addr, u8 *mac)
{
	struct in6_addr group;

	addrconf_addr_solict_mult(addr, &group);
	ipv6_eth_mc_map(&group, mac);
}

/* Whether every key of the settings leads to this device. */
static void expect_found(struct kunit *test, const struct doppel_device_settings *settings,
			 const struct doppel_device *device)
{
	struct doppel_gateway *gw = gateway();
	const struct doppel_identity *identity;
	const struct doppel_address *address;

	/* Nobody but the test changes anything. */
	KUNIT_EXPECT_PTR_EQ(test, doppel_device_by_mac(gw, settings->mac), device);
	KUNIT_EXPECT_PTR_EQ(test, doppel_device_by_lan(gw, settings->lan_ipv4), device);
	identity = doppel_identity_by_wan4(gw, settings->wan_ipv4);
	KUNIT_EXPECT_PTR_EQ(test, identity ? identity->device : NULL, device);
	if (device)
		KUNIT_EXPECT_PTR_EQ(test, identity, rcu_access_pointer(device->identity));
	address = doppel_address_by_wan6(gw, &settings->wan_ipv6[0].addr);
	KUNIT_EXPECT_PTR_EQ(test, address ? address->device : NULL, device);
	address = doppel_address_by_wan6(gw, &settings->link_local);
	KUNIT_EXPECT_PTR_EQ(test, address ? address->device : NULL, device);
}

static void found_by_each_key(struct kunit *test)
{
	struct doppel_device_settings one = device_settings(1), two = device_settings(2);
	struct doppel_gateway *gw = gateway();

	expect_found(test, &one, NULL);
	KUNIT_ASSERT_EQ(test, add_device(test, &one), 0);
	KUNIT_ASSERT_EQ(test, add_device(test, &two), 0);
	KUNIT_EXPECT_EQ(test, gw->n_devices, 2);
	KUNIT_ASSERT_NOT_NULL(test, find_device(1));
	KUNIT_ASSERT_NOT_NULL(test, find_device(2));
	expect_found(test, &one, find_device(1));
	expect_found(test, &two, find_device(2));

	KUNIT_EXPECT_EQ(test, del_device(test, 1), 0);
	expect_found(test, &one, NULL);
	expect_found(test, &two, find_device(2));
	KUNIT_EXPECT_EQ(test, gw->n_devices, 1);
	KUNIT_EXPECT_EQ(test, del_device(test, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, add_device(test, &one), 0);
	expect_found(test, &one, find_device(1));
}

/* A MAC is enough: the agent adds a device before it negotiates. */
static void starts_without_addresses(struct kunit *test)
{
	struct doppel_device_settings settings = { .given = BIT(DOPPEL_A_DEVICE_MAC) };
	const struct in6_addr any = {};

	nth_mac(settings.mac, 1);
	KUNIT_ASSERT_EQ(test, add_device(test, &settings), 0);
	KUNIT_EXPECT_NOT_NULL(test, find_device(1));
	KUNIT_EXPECT_NULL(test, doppel_device_by_lan(gateway(), 0));
	KUNIT_EXPECT_NULL(test, doppel_identity_by_wan4(gateway(), 0));
	KUNIT_EXPECT_NULL(test, doppel_address_by_wan6(gateway(), &any));

	/* And so may a second one be. */
	nth_mac(settings.mac, 2);
	KUNIT_EXPECT_EQ(test, add_device(test, &settings), 0);
}

static void filters_follow(struct kunit *test)
{
	struct doppel_device_settings settings = device_settings(1);
	struct doppel_device_settings change = {
		.given = BIT(DOPPEL_A_DEVICE_MAC) | BIT(DOPPEL_A_DEVICE_WAN_IPV6),
		.n_wan_ipv6 = 1,
		.wan_ipv6[0] = { .addr = ip6("2001:db8::77:7777"), .prefix_len = 64 },
	};
	struct ports *ports = test->priv;
	u8 old[ETH_ALEN], new[ETH_ALEN];

	group_of(&settings.wan_ipv6[0].addr, old);
	group_of(&change.wan_ipv6[0].addr, new);
	nth_mac(change.mac, 1);

	KUNIT_ASSERT_EQ(test, add_device(test, &settings), 0);
	KUNIT_EXPECT_EQ(test, wants(ports->wan, settings.mac), 1);
	/* The link-local address ends in the same bytes. */
	KUNIT_EXPECT_EQ(test, wants(ports->wan, old), 2);

	KUNIT_ASSERT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_EQ(test, wants(ports->wan, old), 1);
	KUNIT_EXPECT_EQ(test, wants(ports->wan, new), 1);

	KUNIT_EXPECT_EQ(test, del_device(test, 1), 0);
	KUNIT_EXPECT_EQ(test, wants(ports->wan, settings.mac), 0);
	KUNIT_EXPECT_EQ(test, wants(ports->wan, old), 0);
	KUNIT_EXPECT_EQ(test, wants(ports->wan, new), 0);
}

static void impossible_ones_are_refused(struct kunit *test)
{
	static const char * const lan[] = {
		"192.168.1.1", "192.168.1.0", "192.168.1.255", "192.168.2.5", "224.0.0.5",
	};
	static const char * const wan[] = {
		"127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.1", "10.1.0.0", "10.1.255.255",
	};
	static const char * const wan6[] = {
		"ff02::1", "::1", "fe80::5", "::ffff:10.1.1.1", "::",
	};
	static const u8 macs[][ETH_ALEN] = {
		{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 },
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 },
	};
	struct doppel_device_settings settings;
	struct ports *ports = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(macs); i++) {
		settings = device_settings(1);
		ether_addr_copy(settings.mac, macs[i]);
		KUNIT_EXPECT_NE(test, add_device(test, &settings), 0);
	}
	for (i = 0; i < ARRAY_SIZE(lan); i++) {
		settings = device_settings(1);
		settings.lan_ipv4 = in_aton(lan[i]);
		KUNIT_EXPECT_NE_MSG(test, add_device(test, &settings), 0, "%s", lan[i]);
	}
	for (i = 0; i < ARRAY_SIZE(wan); i++) {
		settings = device_settings(1);
		settings.wan_ipv4 = in_aton(wan[i]);
		KUNIT_EXPECT_NE_MSG(test, add_device(test, &settings), 0, "%s", wan[i]);
	}
	for (i = 0; i < ARRAY_SIZE(wan6); i++) {
		settings = device_settings(1);
		settings.wan_ipv6[0].addr = ip6(wan6[i]);
		KUNIT_EXPECT_NE_MSG(test, add_device(test, &settings), 0, "%s", wan6[i]);
	}

	settings = device_settings(1);
	ether_addr_copy(settings.mac, ports->lan->dev_addr);
	KUNIT_EXPECT_NE(test, add_device(test, &settings), 0);
	ether_addr_copy(settings.mac, ports->wan->dev_addr);
	KUNIT_EXPECT_NE(test, add_device(test, &settings), 0);

	settings = device_settings(1);
	settings.given &= ~BIT(DOPPEL_A_DEVICE_WAN_PREFIX_LEN);
	KUNIT_EXPECT_NE(test, add_device(test, &settings), 0);

	settings = device_settings(1);
	settings.link_local = ip6("2001:db8::1");
	KUNIT_EXPECT_NE(test, add_device(test, &settings), 0);

	settings = device_settings(1);
	settings.wan_router6 = ip6("ff02::2");
	KUNIT_EXPECT_NE(test, add_device(test, &settings), 0);

	settings = device_settings(1);
	settings.wan_ipv6[1] = settings.wan_ipv6[0];
	settings.n_wan_ipv6 = 2;
	KUNIT_EXPECT_NE(test, add_device(test, &settings), 0);

	/* Nothing of all that is left. */
	settings = device_settings(1);
	KUNIT_EXPECT_EQ(test, gateway()->n_devices, 0);
	KUNIT_EXPECT_EQ(test, wants(ports->wan, settings.mac), 0);
	expect_found(test, &settings, NULL);
	KUNIT_EXPECT_EQ(test, add_device(test, &settings), 0);
}

static void taken_ones_are_refused(struct kunit *test)
{
	struct doppel_device_settings one = device_settings(1), two, two_as_it_is;
	struct ports *ports = test->priv;
	unsigned int i;
	u32 generation;

	KUNIT_ASSERT_EQ(test, add_device(test, &one), 0);
	KUNIT_EXPECT_EQ(test, add_device(test, &one), -EEXIST);

	/* One of the addresses is taken: a new device, and an old one that asks for it. */
	for (i = 0; i < 5; i++) {
		two = device_settings(2);
		if (i == 0)
			two.lan_ipv4 = one.lan_ipv4;
		if (i == 1)
			two.wan_ipv4 = one.wan_ipv4;
		if (i == 2)
			two.link_local = one.link_local;
		if (i == 3)
			two.wan_ipv6[0].addr = one.wan_ipv6[0].addr;
		if (i == 4) {
			two.wan_ipv6[1] = one.wan_ipv6[0];
			two.n_wan_ipv6 = 2;
		}
		KUNIT_EXPECT_EQ(test, add_device(test, &two), -EEXIST);
		KUNIT_EXPECT_NULL(test, find_device(2));
		KUNIT_EXPECT_EQ(test, wants(ports->wan, two.mac), 0);

		two_as_it_is = device_settings(2);
		KUNIT_ASSERT_EQ(test, add_device(test, &two_as_it_is), 0);
		generation = gateway()->generation;
		KUNIT_EXPECT_EQ(test, set_device(test, &two), -EEXIST);
		KUNIT_EXPECT_EQ(test, gateway()->generation, generation);
		expect_found(test, &two_as_it_is, find_device(2));
		expect_found(test, &one, find_device(1));
		KUNIT_ASSERT_EQ(test, del_device(test, 2), 0);
	}
	KUNIT_EXPECT_EQ(test, gateway()->n_devices, 1);
}

static void set_changes_what_is_given(struct kunit *test)
{
	struct doppel_device_settings settings = device_settings(1);
	struct doppel_device_settings change = { .given = BIT(DOPPEL_A_DEVICE_MAC) };
	struct doppel_identity *identity;
	struct doppel_device *device;
	u32 epoch;

	KUNIT_ASSERT_EQ(test, add_device(test, &settings), 0);
	device = find_device(1);
	epoch = gateway()->epoch;
	nth_mac(change.mac, 1);

	/* Nothing. */
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_EQ(test, gateway()->epoch, epoch);

	/* The router: addresses stay, next hops do not. */
	change.given |= BIT(DOPPEL_A_DEVICE_WAN_ROUTER);
	change.wan_router = in_aton("10.1.0.2");
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_NE(test, gateway()->epoch, epoch);
	epoch = gateway()->epoch;
	expect_found(test, &settings, device);
	identity = rcu_dereference_protected(device->identity, true);
	KUNIT_EXPECT_EQ(test, identity->wan_router, in_aton("10.1.0.2"));
	KUNIT_EXPECT_EQ(test, identity->wan_mask, inet_make_mask(16));
	KUNIT_EXPECT_EQ(test, identity->n_wan_ipv6, 1);
	KUNIT_EXPECT_EQ(test, identity->wan_ipv6[0].prefix_len, 64);

	/* Another WAN address. */
	change.given = BIT(DOPPEL_A_DEVICE_MAC) | BIT(DOPPEL_A_DEVICE_WAN_IPV4);
	change.wan_ipv4 = in_aton("10.1.7.7");
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_NE(test, gateway()->epoch, epoch);
	KUNIT_EXPECT_NULL(test, doppel_identity_by_wan4(gateway(), settings.wan_ipv4));
	settings.wan_ipv4 = change.wan_ipv4;
	expect_found(test, &settings, device);

	/* Zero clears it, an empty list clears the others. */
	change.wan_ipv4 = 0;
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_NULL(test, doppel_identity_by_wan4(gateway(), settings.wan_ipv4));
	change.given = BIT(DOPPEL_A_DEVICE_MAC) | BIT(DOPPEL_A_DEVICE_WAN_IPV6);
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_NULL(test, doppel_address_by_wan6(gateway(), &settings.wan_ipv6[0].addr));
	KUNIT_EXPECT_NOT_NULL(test, doppel_address_by_wan6(gateway(), &settings.link_local));

	nth_mac(change.mac, 9);
	KUNIT_EXPECT_EQ(test, set_device(test, &change), -ENOENT);
}

static void lan_address_moves(struct kunit *test)
{
	struct doppel_device_settings settings = device_settings(1), other = device_settings(2);
	struct doppel_device_settings change = {
		.given = BIT(DOPPEL_A_DEVICE_MAC) | BIT(DOPPEL_A_DEVICE_LAN_IPV4),
		.lan_ipv4 = in_aton("192.168.1.200"),
	};
	struct doppel_device *device;

	KUNIT_ASSERT_EQ(test, add_device(test, &settings), 0);
	device = find_device(1);
	nth_mac(change.mac, 1);
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_EQ(test, device->lan_ipv4, change.lan_ipv4);
	KUNIT_EXPECT_NULL(test, doppel_device_by_lan(gateway(), settings.lan_ipv4));
	KUNIT_EXPECT_PTR_EQ(test, doppel_device_by_lan(gateway(), change.lan_ipv4), device);

	/* The old one is free for another. */
	other.lan_ipv4 = settings.lan_ipv4;
	KUNIT_EXPECT_EQ(test, add_device(test, &other), 0);
	KUNIT_EXPECT_PTR_EQ(test, doppel_device_by_lan(gateway(), settings.lan_ipv4),
			    find_device(2));

	change.lan_ipv4 = 0;
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_EQ(test, device->lan_ipv4, 0);
	KUNIT_EXPECT_NULL(test, doppel_device_by_lan(gateway(), in_aton("192.168.1.200")));
}

static void no_more_than_fit(struct kunit *test)
{
	struct doppel_gateway_settings limit = {
		.given = BIT(DOPPEL_A_GATEWAY_MAX_DEVICES),
		.max_devices = 2,
	};
	struct doppel_device_settings settings;
	u32 n;

	KUNIT_ASSERT_EQ(test, set_gateway(test, &limit), 0);
	for (n = 1; n <= 2; n++) {
		settings = device_settings(n);
		KUNIT_EXPECT_EQ(test, add_device(test, &settings), 0);
	}
	settings = device_settings(3);
	KUNIT_EXPECT_EQ(test, add_device(test, &settings), -ENOSPC);
	KUNIT_EXPECT_EQ(test, del_device(test, 1), 0);
	KUNIT_EXPECT_EQ(test, add_device(test, &settings), 0);
}

/* Enough for the tables to grow and to shrink again. */
static void many(struct kunit *test)
{
	struct doppel_gateway_settings wide = {
		.given = BIT(DOPPEL_A_GATEWAY_LAN_IPV4) | BIT(DOPPEL_A_GATEWAY_LAN_PREFIX_LEN) |
			 BIT(DOPPEL_A_GATEWAY_MAX_DEVICES),
		.lan_ipv4 = in_aton("192.168.0.1"),
		.lan_prefix_len = 16,
		.max_devices = 3000,
	};
	struct doppel_device_settings settings;
	struct ports *ports = test->priv;
	u32 n;

	KUNIT_ASSERT_EQ(test, set_gateway(test, &wide), 0);
	for (n = 1; n <= 3000; n++) {
		settings = device_settings(n);
		KUNIT_ASSERT_EQ(test, add_device(test, &settings), 0);
	}
	KUNIT_EXPECT_EQ(test, gateway()->n_devices, 3000);
	for (n = 1; n <= 3000; n++) {
		settings = device_settings(n);
		expect_found(test, &settings, find_device(n));
	}
	for (n = 1; n <= 3000; n += 2)
		KUNIT_EXPECT_EQ(test, del_device(test, n), 0);
	for (n = 1; n <= 3000; n++) {
		settings = device_settings(n);
		expect_found(test, &settings, find_device(n));
		KUNIT_EXPECT_EQ(test, find_device(n) != NULL, !(n & 1));
	}

	/* The rest goes with the gateway. */
	remove_gateway();
	KUNIT_EXPECT_TRUE(test, netdev_uc_empty(ports->wan));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(found_by_each_key),
	KUNIT_CASE(starts_without_addresses),
	KUNIT_CASE(filters_follow),
	KUNIT_CASE(impossible_ones_are_refused),
	KUNIT_CASE(taken_ones_are_refused),
	KUNIT_CASE(set_changes_what_is_given),
	KUNIT_CASE(lan_address_moves),
	KUNIT_CASE(no_more_than_fit),
	KUNIT_CASE(many),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_device",
	.init = ports_init_gateway,
	.exit = ports_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
