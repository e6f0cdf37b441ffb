// SPDX-License-Identifier: GPL-2.0-only
#include "ports.h"

static const u8 all_nodes[ETH_ALEN] = { 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 };

static void made_with_defaults(struct kunit *test)
{
	struct doppel_gateway_settings settings = gateway_settings(test);
	struct ports *ports = test->priv;
	int before = wants(ports->wan, all_nodes);
	struct doppel_gateway *gw;

	KUNIT_EXPECT_NULL(test, gateway());
	KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
	gw = gateway();
	KUNIT_ASSERT_NOT_NULL(test, gw);
	KUNIT_EXPECT_PTR_EQ(test, gw->lan, ports->lan);
	KUNIT_EXPECT_PTR_EQ(test, gw->wan, ports->wan);
	KUNIT_EXPECT_EQ(test, gw->lan_ipv4, in_aton("192.168.1.1"));
	KUNIT_EXPECT_EQ(test, gw->lan_mask, inet_make_mask(24));
	KUNIT_EXPECT_EQ(test, gw->identity, DOPPEL_IDENTITY_MODE_DEVICES_ONLY);
	KUNIT_EXPECT_EQ(test, gw->max_devices, 1000);
	KUNIT_EXPECT_EQ(test, gw->max_sessions, 262144);
	KUNIT_EXPECT_EQ(test, gw->max_device_sessions, 65536);
	KUNIT_EXPECT_EQ(test, gw->timeouts[DOPPEL_TIMEOUT_TCP_SYN], 6 * HZ);
	KUNIT_EXPECT_EQ(test, gw->timeouts[DOPPEL_TIMEOUT_TCP_ESTABLISHED], 7440 * HZ);
	KUNIT_EXPECT_EQ(test, gw->timeouts[DOPPEL_TIMEOUT_TCP_CLOSING], 240 * HZ);
	KUNIT_EXPECT_EQ(test, gw->timeouts[DOPPEL_TIMEOUT_UDP], 300 * HZ);
	KUNIT_EXPECT_EQ(test, gw->timeouts[DOPPEL_TIMEOUT_ICMP], 60 * HZ);
	KUNIT_EXPECT_EQ(test, gw->n_hooks, DOPPEL_HOOKS);
	KUNIT_EXPECT_NE(test, gw->generation, 0);
	KUNIT_EXPECT_EQ(test, wants(ports->wan, all_nodes), before + 1);

	remove_gateway();
	KUNIT_EXPECT_NULL(test, gateway());
	KUNIT_EXPECT_EQ(test, wants(ports->wan, all_nodes), before);
}

static void refuses_the_impossible(struct kunit *test)
{
	static const struct {
		const char *what;
		const char *lan_ipv4;
		u8 prefix_len;
	} addresses[] = {
		{ "zero", "0.0.0.0", 24 },
		{ "loopback", "127.0.0.1", 8 },
		{ "multicast", "224.0.0.1", 24 },
		{ "broadcast", "255.255.255.255", 24 },
		{ "the network itself", "192.168.1.0", 24 },
		{ "the network's broadcast", "192.168.1.255", 24 },
		{ "no prefix", "192.168.1.1", 0 },
		{ "a prefix without hosts", "192.168.1.1", 31 },
	};
	static const unsigned int needed[] = {
		DOPPEL_A_GATEWAY_LAN_IFINDEX, DOPPEL_A_GATEWAY_WAN_IFINDEX,
		DOPPEL_A_GATEWAY_LAN_IPV4, DOPPEL_A_GATEWAY_LAN_PREFIX_LEN,
	};
	struct doppel_gateway_settings settings;
	struct ports *ports = test->priv;
	int before = wants(ports->wan, all_nodes);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		settings = gateway_settings(test);
		settings.lan_ipv4 = in_aton(addresses[i].lan_ipv4);
		settings.lan_prefix_len = addresses[i].prefix_len;
		KUNIT_EXPECT_NE_MSG(test, set_gateway(test, &settings), 0, "%s",
				    addresses[i].what);
	}
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		settings = gateway_settings(test);
		settings.given &= ~BIT(needed[i]);
		KUNIT_EXPECT_EQ(test, set_gateway(test, &settings), -EINVAL);
		KUNIT_EXPECT_EQ(test, ports->extack.miss_type, needed[i]);
	}

	settings = gateway_settings(test);
	settings.wan_ifindex = settings.lan_ifindex;
	KUNIT_EXPECT_EQ(test, set_gateway(test, &settings), -EINVAL);
	settings.wan_ifindex = init_net.loopback_dev->ifindex;
	KUNIT_EXPECT_NE(test, set_gateway(test, &settings), 0);
	settings.wan_ifindex = 0x7ffffff0;
	KUNIT_EXPECT_EQ(test, set_gateway(test, &settings), -ENODEV);

	KUNIT_EXPECT_NULL(test, gateway());
	KUNIT_EXPECT_EQ(test, wants(ports->wan, all_nodes), before);
}

static void changes_what_is_given(struct kunit *test)
{
	struct doppel_gateway_settings settings = gateway_settings(test);
	struct doppel_gateway_settings change = {
		.timeouts[DOPPEL_TIMEOUT_UDP] = 30,
	};
	struct doppel_gateway *gw;

	KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
	gw = gateway();

	KUNIT_EXPECT_EQ(test, set_gateway(test, &change), 0);
	KUNIT_EXPECT_PTR_EQ(test, gateway(), gw);
	KUNIT_EXPECT_EQ(test, gw->timeouts[DOPPEL_TIMEOUT_UDP], 30 * HZ);
	KUNIT_EXPECT_EQ(test, gw->timeouts[DOPPEL_TIMEOUT_ICMP], 60 * HZ);

	change.given = BIT(DOPPEL_A_GATEWAY_IDENTITY) | BIT(DOPPEL_A_GATEWAY_MAX_DEVICES);
	change.identity = DOPPEL_IDENTITY_MODE_OWN;
	change.max_devices = 7;
	KUNIT_EXPECT_EQ(test, set_gateway(test, &change), 0);
	KUNIT_EXPECT_EQ(test, gw->identity, DOPPEL_IDENTITY_MODE_OWN);
	KUNIT_EXPECT_EQ(test, gw->max_devices, 7);
	KUNIT_EXPECT_EQ(test, gw->max_sessions, 262144);

	/* The ports that it has may be told again, others not. */
	KUNIT_EXPECT_EQ(test, set_gateway(test, &settings), 0);
	swap(settings.lan_ifindex, settings.wan_ifindex);
	KUNIT_EXPECT_EQ(test, set_gateway(test, &settings), -EBUSY);
	KUNIT_EXPECT_PTR_EQ(test, gateway(), gw);
}

static void lan_moves(struct kunit *test)
{
	struct doppel_gateway_settings settings = gateway_settings(test);
	struct doppel_gateway_settings change = {
		.given = BIT(DOPPEL_A_GATEWAY_LAN_IPV4),
	};
	struct doppel_device_settings device = device_settings(1);

	KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
	KUNIT_ASSERT_EQ(test, add_device(test, &device), 0);

	change.lan_ipv4 = in_aton("192.168.2.1");
	KUNIT_EXPECT_NE(test, set_gateway(test, &change), 0);
	change.lan_ipv4 = device.lan_ipv4;
	KUNIT_EXPECT_NE(test, set_gateway(test, &change), 0);
	KUNIT_EXPECT_EQ(test, gateway()->lan_ipv4, in_aton("192.168.1.1"));

	change.lan_ipv4 = in_aton("192.168.1.254");
	KUNIT_EXPECT_EQ(test, set_gateway(test, &change), 0);
	KUNIT_EXPECT_EQ(test, gateway()->lan_ipv4, in_aton("192.168.1.254"));
}

static void port_goes(struct kunit *test, bool lan)
{
	struct doppel_gateway_settings settings = gateway_settings(test);
	struct doppel_device_settings device = device_settings(1);
	struct ports *ports = test->priv;
	int before = wants(ports->wan, all_nodes);

	KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
	KUNIT_ASSERT_EQ(test, add_device(test, &device), 0);
	del_port(lan ? &ports->lan : &ports->wan);
	KUNIT_EXPECT_NULL(test, gateway());
	if (lan) {
		KUNIT_EXPECT_EQ(test, wants(ports->wan, device.mac), 0);
		KUNIT_EXPECT_EQ(test, wants(ports->wan, all_nodes), before);
	}
}

static void lan_port_goes(struct kunit *test)
{
	port_goes(test, true);
}

static void wan_port_goes(struct kunit *test)
{
	port_goes(test, false);
}

static void again_and_again(struct kunit *test)
{
	struct doppel_gateway_settings settings = gateway_settings(test);
	struct doppel_device_settings device = device_settings(1);
	u32 generation = 0;
	int i;

	for (i = 0; i < 50; i++) {
		KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
		/* A dump of the one before must not go on in this one unseen. */
		KUNIT_EXPECT_NE(test, gateway()->generation, generation);
		KUNIT_ASSERT_EQ(test, add_device(test, &device), 0);
		generation = gateway()->generation;
		remove_gateway();
	}
}

/* A reader of sessions that pauses keeps the tables, and nothing else. */
static void held_by_a_reader(struct kunit *test)
{
	struct doppel_gateway_settings settings = gateway_settings(test);
	struct rhashtable_iter iter;
	struct doppel_gateway *gw;

	KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
	gw = gateway();
	doppel_gateway_hold(gw);
	rhashtable_walk_enter(&gw->sessions_lan, &iter);
	remove_gateway();
	KUNIT_EXPECT_NULL(test, gateway());

	rhashtable_walk_start(&iter);
	KUNIT_EXPECT_NULL(test, rhashtable_walk_next(&iter));
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	doppel_gateway_put(gw);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(made_with_defaults),
	KUNIT_CASE(refuses_the_impossible),
	KUNIT_CASE(changes_what_is_given),
	KUNIT_CASE(lan_moves),
	KUNIT_CASE(lan_port_goes),
	KUNIT_CASE(wan_port_goes),
	KUNIT_CASE(again_and_again),
	KUNIT_CASE(held_by_a_reader),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_gateway",
	.init = ports_init,
	.exit = ports_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);

