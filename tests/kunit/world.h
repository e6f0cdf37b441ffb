/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOPPEL_KUNIT_WORLD_H
#define _DOPPEL_KUNIT_WORLD_H

#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "netlink.h"
#include "packet.h"
#include "session.h"
#include "stats.h"

#define WORLD_DEVICES 4

/* A gateway of tables alone, and devices on it: no ports, no packets. */
struct world {
	struct doppel_gateway gw;
	struct doppel_device devices[WORLD_DEVICES];
};

static inline int world_init(struct kunit *test)
{
	struct world *world = kunit_kzalloc(test, sizeof(*world), GFP_KERNEL);
	struct doppel_gateway *gw;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, world);
	test->priv = world;
	gw = &world->gw;
	gw->net = &init_net;
	gw->max_sessions = 1000;
	gw->max_device_sessions = 500;
	gw->timeouts[DOPPEL_TIMEOUT_TCP_SYN] = 6 * HZ;
	gw->timeouts[DOPPEL_TIMEOUT_TCP_ESTABLISHED] = 7440 * HZ;
	gw->timeouts[DOPPEL_TIMEOUT_TCP_CLOSING] = 240 * HZ;
	gw->timeouts[DOPPEL_TIMEOUT_UDP] = 300 * HZ;
	gw->timeouts[DOPPEL_TIMEOUT_ICMP] = 60 * HZ;
	gw->totals = doppel_totals_alloc();
	KUNIT_ASSERT_NOT_NULL(test, gw->totals);
	gw->told = doppel_told_alloc();
	KUNIT_ASSERT_NOT_NULL(test, gw->told);
	KUNIT_ASSERT_EQ(test, doppel_sessions_init(gw), 0);

	for (i = 0; i < WORLD_DEVICES; i++) {
		struct doppel_device *device = &world->devices[i];

		device->gw = gw;
		device->counters = doppel_counters_alloc();
		KUNIT_ASSERT_NOT_NULL(test, device->counters);
		INIT_LIST_HEAD(&device->sessions);
		INIT_LIST_HEAD(&device->half_open);
		INIT_LIST_HEAD(&device->in_half_open);
		spin_lock_init(&device->sessions_lock);
	}
	return 0;
}

static inline void world_exit(struct kunit *test)
{
	struct world *world = test->priv;
	int i;

	for (i = 0; i < WORLD_DEVICES; i++) {
		doppel_sessions_flush(&world->devices[i], NULL);
		KUNIT_EXPECT_EQ(test, world->devices[i].n_sessions, 0);
		KUNIT_EXPECT_TRUE(test, list_empty(&world->devices[i].half_open));
		free_percpu(world->devices[i].counters);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&world->gw.half_open));
	doppel_sessions_destroy(&world->gw);
	free_percpu(world->gw.totals);
	kfree(world->gw.told);
}

static inline struct doppel_flow flow4(u8 protocol, u16 peer_port)
{
	struct doppel_flow flow = {
		.lan = {
			.device = in_aton("192.168.1.100"),
			.peer = in_aton("10.1.2.200"),
			.device_port = htons(80),
			.peer_port = htons(peer_port),
			.protocol = protocol,
		},
		.wan = {
			.identity.ipv4 = in_aton("10.1.2.50"),
			.peer.ipv4 = in_aton("10.1.2.200"),
			.identity_port = htons(8080),
			.peer_port = htons(peer_port),
			.protocol = protocol,
			.family = AF_INET,
		},
		.translation = DOPPEL_TRANSLATION_4TO4,
	};

	return flow;
}

static inline struct doppel_flow flow6(u8 protocol, u16 client, u16 port)
{
	struct doppel_flow flow = {
		.lan = {
			.device = in_aton("192.168.1.100"),
			.peer = in_aton("192.168.1.1"),
			.device_port = htons(80),
			.peer_port = htons(port),
			.protocol = protocol,
		},
		.wan = {
			.identity_port = htons(8080),
			.peer_port = htons(port),
			.protocol = protocol,
			.family = AF_INET6,
		},
		.translation = DOPPEL_TRANSLATION_6TO4,
	};

	flow.wan.identity.ipv6.s6_addr32[0] = htonl(0x20010db8);
	flow.wan.identity.ipv6.s6_addr32[3] = htonl(0x50);
	flow.wan.peer.ipv6.s6_addr32[0] = htonl(0x20010db8);
	flow.wan.peer.ipv6.s6_addr32[3] = htonl(client);
	return flow;
}

static inline struct doppel_session *begin_of(struct kunit *test, u32 n,
					      const struct doppel_flow *flow,
					      enum doppel_drop_reason *why)
{
	struct world *world = test->priv;
	struct doppel_session *session;

	rcu_read_lock();
	local_bh_disable();
	session = doppel_session_begin(&world->gw, &world->devices[n], flow, why);
	local_bh_enable();
	rcu_read_unlock();
	return session;
}

static inline struct doppel_session *begin(struct kunit *test, const struct doppel_flow *flow,
					   enum doppel_drop_reason *why)
{
	return begin_of(test, 0, flow, why);
}

static inline struct doppel_session *by_lan(struct kunit *test,
					    const struct doppel_lan_tuple *tuple)
{
	struct world *world = test->priv;
	struct doppel_session *session;

	rcu_read_lock();
	session = doppel_session_by_lan(&world->gw, tuple);
	rcu_read_unlock();
	return session;
}

static inline struct doppel_session *by_wan(struct kunit *test,
					    const struct doppel_wan_tuple *tuple)
{
	struct world *world = test->priv;
	struct doppel_session *session;

	rcu_read_lock();
	session = doppel_session_by_wan(&world->gw, tuple);
	rcu_read_unlock();
	return session;
}

/* Both sides talk: whoever began, the other one and the first again. */
static inline void talk(struct kunit *test, struct doppel_session *session)
{
	static const enum doppel_side sides[] = {
		DOPPEL_SIDE_DEVICE, DOPPEL_SIDE_PEER, DOPPEL_SIDE_DEVICE,
	};
	struct doppel_packet packet = { .protocol = IPPROTO_UDP };
	struct world *world = test->priv;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, session);
	rcu_read_lock();
	local_bh_disable();
	for (i = 0; i < ARRAY_SIZE(sides); i++)
		doppel_session_advance(&world->gw, session, &packet, sides[i]);
	local_bh_enable();
	rcu_read_unlock();
}

#endif
