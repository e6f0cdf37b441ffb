// SPDX-License-Identifier: GPL-2.0-only
#include "forward.h"
#include "ports.h"
#include "session.h"

static int add(struct kunit *test, u32 n, u8 protocol, u16 port, u16 to)
{
	struct netlink_ext_ack extack = {};
	u8 mac[ETH_ALEN];
	int err;

	nth_mac(mac, n);
	rtnl_lock();
	err = doppel_forward_add(doppel_gateway_get(&init_net), mac, protocol, port, to, &extack);
	rtnl_unlock();
	if (err)
		KUNIT_EXPECT_NOT_NULL_MSG(test, extack._msg, "refused without a word");
	return err;
}

static int del(struct kunit *test, u32 n, u8 protocol, u16 port)
{
	struct netlink_ext_ack extack = {};
	u8 mac[ETH_ALEN];
	int err;

	nth_mac(mac, n);
	rtnl_lock();
	err = doppel_forward_del(doppel_gateway_get(&init_net), mac, protocol, port, &extack);
	rtnl_unlock();
	if (err)
		KUNIT_EXPECT_NOT_NULL_MSG(test, extack._msg, "refused without a word");
	return err;
}

/* Where the port leads; 0: nowhere. */
static u16 leads_to(u32 n, u8 protocol, u16 port)
{
	const struct doppel_forward *forward;
	u16 to;

	rcu_read_lock();
	forward = doppel_forward_lookup(gateway(), find_device(n), protocol, port);
	to = forward ? forward->to : 0;
	rcu_read_unlock();
	return to;
}

static void added_and_deleted(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(test, 1, IPPROTO_TCP, 8080, 80), 0);
	KUNIT_EXPECT_EQ(test, add(test, 1, IPPROTO_UDP, 8080, 53), 0);
	KUNIT_EXPECT_EQ(test, add(test, 2, IPPROTO_TCP, 8080, 81), 0);
	KUNIT_EXPECT_EQ(test, leads_to(1, IPPROTO_TCP, 8080), 80);
	KUNIT_EXPECT_EQ(test, leads_to(1, IPPROTO_UDP, 8080), 53);
	KUNIT_EXPECT_EQ(test, leads_to(2, IPPROTO_TCP, 8080), 81);
	KUNIT_EXPECT_EQ(test, leads_to(1, IPPROTO_TCP, 80), 0);

	KUNIT_EXPECT_EQ(test, del(test, 1, IPPROTO_TCP, 8080), 0);
	KUNIT_EXPECT_EQ(test, leads_to(1, IPPROTO_TCP, 8080), 0);
	KUNIT_EXPECT_EQ(test, leads_to(1, IPPROTO_UDP, 8080), 53);
	KUNIT_EXPECT_EQ(test, leads_to(2, IPPROTO_TCP, 8080), 81);
	KUNIT_EXPECT_EQ(test, del(test, 1, IPPROTO_TCP, 8080), -ENOENT);
}

static void refused(struct kunit *test)
{
	u32 generation;

	KUNIT_EXPECT_EQ(test, add(test, 1, IPPROTO_TCP, 8080, 80), 0);
	generation = gateway()->generation;
	KUNIT_EXPECT_EQ(test, add(test, 1, IPPROTO_TCP, 8080, 81), -EEXIST);
	KUNIT_EXPECT_EQ(test, add(test, 1, IPPROTO_TCP, 8080, 80), 0);
	KUNIT_EXPECT_NE(test, add(test, 1, IPPROTO_ICMP, 1, 1), 0);
	KUNIT_EXPECT_NE(test, add(test, 1, IPPROTO_TCP, 0, 80), 0);
	KUNIT_EXPECT_EQ(test, add(test, 9, IPPROTO_TCP, 80, 80), -ENOENT);
	KUNIT_EXPECT_EQ(test, del(test, 9, IPPROTO_TCP, 80), -ENOENT);
	KUNIT_EXPECT_EQ(test, leads_to(1, IPPROTO_TCP, 8080), 80);
	KUNIT_EXPECT_EQ(test, gateway()->generation, generation);
}

static void go_with_their_device(struct kunit *test)
{
	struct doppel_device_settings settings = device_settings(1);
	u32 port;

	for (port = 1; port <= 500; port++)
		KUNIT_EXPECT_EQ(test, add(test, 1, IPPROTO_TCP, port, 80), 0);
	KUNIT_EXPECT_EQ(test, add(test, 2, IPPROTO_TCP, 1, 80), 0);
	KUNIT_EXPECT_EQ(test, del_device(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&gateway()->forwards.nelems), 1);
	KUNIT_EXPECT_EQ(test, add_device(test, &settings), 0);
	KUNIT_EXPECT_EQ(test, leads_to(1, IPPROTO_TCP, 1), 0);
	KUNIT_EXPECT_EQ(test, leads_to(2, IPPROTO_TCP, 1), 80);
}

static bool begin(u32 n, u16 identity_port, u16 client, bool outbound)
{
	struct doppel_flow flow = {
		.lan = {
			.device = find_device(n)->lan_ipv4,
			.peer = in_aton("10.1.9.9"),
			.device_port = htons(80),
			.peer_port = htons(client),
			.protocol = IPPROTO_TCP,
		},
		.wan = {
			.identity.ipv4 = htonl(0x0a010000 + 256 + n),
			.peer.ipv4 = in_aton("10.1.9.9"),
			.identity_port = htons(identity_port),
			.peer_port = htons(client),
			.protocol = IPPROTO_TCP,
			.family = AF_INET,
		},
		.translation = DOPPEL_TRANSLATION_4TO4,
		.outbound = outbound,
	};
	enum doppel_drop_reason why;
	bool begun;

	rcu_read_lock();
	local_bh_disable();
	begun = doppel_session_begin(gateway(), find_device(n), &flow, &why);
	local_bh_enable();
	rcu_read_unlock();
	return begun;
}

/* Only what came in by it. */
static void sessions_end_with_their_forward(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(test, 1, IPPROTO_TCP, 8080, 80), 0);
	KUNIT_EXPECT_EQ(test, add(test, 1, IPPROTO_TCP, 80, 80), 0);
	KUNIT_EXPECT_TRUE(test, begin(1, 8080, 1001, false));
	KUNIT_EXPECT_TRUE(test, begin(1, 8080, 1002, false));
	KUNIT_EXPECT_TRUE(test, begin(1, 80, 1003, false));
	KUNIT_EXPECT_TRUE(test, begin(1, 8080, 1004, true));
	KUNIT_EXPECT_EQ(test, find_device(1)->n_sessions, 4);

	KUNIT_EXPECT_EQ(test, del(test, 1, IPPROTO_TCP, 8080), 0);
	KUNIT_EXPECT_EQ(test, find_device(1)->n_sessions, 2);
	KUNIT_EXPECT_EQ(test, del_device(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&gateway()->n_sessions), 0);
}

/* An address that goes takes its sessions along, one that stays keeps them. */
static void sessions_end_with_their_address(struct kunit *test)
{
	struct doppel_device_settings change = {
		.given = BIT(DOPPEL_A_DEVICE_MAC) | BIT(DOPPEL_A_DEVICE_WAN_ROUTER),
		.wan_router = in_aton("10.1.0.2"),
	};

	nth_mac(change.mac, 1);
	KUNIT_EXPECT_TRUE(test, begin(1, 80, 1001, false));
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_EQ(test, find_device(1)->n_sessions, 1);

	change.given = BIT(DOPPEL_A_DEVICE_MAC) | BIT(DOPPEL_A_DEVICE_WAN_IPV4);
	change.wan_ipv4 = in_aton("10.1.7.7");
	KUNIT_EXPECT_EQ(test, set_device(test, &change), 0);
	KUNIT_EXPECT_EQ(test, find_device(1)->n_sessions, 0);
}

static int two_devices(struct kunit *test)
{
	struct doppel_device_settings one = device_settings(1), two = device_settings(2);

	ports_init_gateway(test);
	KUNIT_ASSERT_EQ(test, add_device(test, &one), 0);
	KUNIT_ASSERT_EQ(test, add_device(test, &two), 0);
	return 0;
}

static struct kunit_case cases[] = {
	KUNIT_CASE(added_and_deleted),
	KUNIT_CASE(refused),
	KUNIT_CASE(go_with_their_device),
	KUNIT_CASE(sessions_end_with_their_forward),
	KUNIT_CASE(sessions_end_with_their_address),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_forward",
	.init = two_devices,
	.exit = ports_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
