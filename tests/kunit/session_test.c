// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "netlink.h"
#include "packet.h"
#include "session.h"
#include "stats.h"

/* A gateway of tables alone, and a device on it: no ports, no packets. */
struct world {
	struct doppel_gateway gw;
	struct doppel_device device;
};

static int world_init(struct kunit *test)
{
	struct world *world = kunit_kzalloc(test, sizeof(*world), GFP_KERNEL);
	struct doppel_gateway *gw;

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

	world->device.gw = gw;
	world->device.counters = doppel_counters_alloc();
	KUNIT_ASSERT_NOT_NULL(test, world->device.counters);
	INIT_LIST_HEAD(&world->device.sessions);
	INIT_LIST_HEAD(&world->device.half_open);
	INIT_LIST_HEAD(&world->device.in_half_open);
	spin_lock_init(&world->device.sessions_lock);
	return 0;
}

static void world_exit(struct kunit *test)
{
	struct world *world = test->priv;

	doppel_sessions_flush(&world->device, NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 0);
	KUNIT_EXPECT_EQ(test, world->device.n_sessions, 0);
	doppel_sessions_destroy(&world->gw);
	free_percpu(world->device.counters);
	free_percpu(world->gw.totals);
	kfree(world->gw.told);
}

static struct doppel_flow flow4(u8 protocol, u16 peer_port)
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

static struct doppel_flow flow6(u8 protocol, u16 client, u16 port)
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

static struct doppel_session *begin(struct kunit *test, const struct doppel_flow *flow,
				    enum doppel_drop_reason *why)
{
	struct world *world = test->priv;
	struct doppel_session *session;

	rcu_read_lock();
	local_bh_disable();
	session = doppel_session_begin(&world->gw, &world->device, flow, why);
	local_bh_enable();
	rcu_read_unlock();
	return session;
}

static struct doppel_session *by_lan(struct kunit *test, const struct doppel_lan_tuple *tuple)
{
	struct world *world = test->priv;
	struct doppel_session *session;

	rcu_read_lock();
	session = doppel_session_by_lan(&world->gw, tuple);
	rcu_read_unlock();
	return session;
}

static struct doppel_session *by_wan(struct kunit *test, const struct doppel_wan_tuple *tuple)
{
	struct world *world = test->priv;
	struct doppel_session *session;

	rcu_read_lock();
	session = doppel_session_by_wan(&world->gw, tuple);
	rcu_read_unlock();
	return session;
}

static void found_by_both_tuples(struct kunit *test)
{
	struct doppel_flow flow = flow4(IPPROTO_TCP, 5555);
	struct doppel_session *session;
	enum doppel_drop_reason why;

	KUNIT_EXPECT_NULL(test, by_lan(test, &flow.lan));
	session = begin(test, &flow, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_PTR_EQ(test, by_lan(test, &flow.lan), session);
	KUNIT_EXPECT_PTR_EQ(test, by_wan(test, &flow.wan), session);

	/* The same flow again is the same session. */
	KUNIT_EXPECT_PTR_EQ(test, begin(test, &flow, &why), session);

	/* Every part of the tuples counts. */
	flow.lan.peer_port = htons(5556);
	KUNIT_EXPECT_NULL(test, by_lan(test, &flow.lan));
	flow.wan.protocol = IPPROTO_UDP;
	KUNIT_EXPECT_NULL(test, by_wan(test, &flow.wan));
}

static void client_keeps_its_port(struct kunit *test)
{
	struct doppel_flow flow = flow6(IPPROTO_TCP, 1, 5555);
	enum doppel_drop_reason why;
	struct doppel_session *session = begin(test, &flow, &why);

	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_EQ(test, ntohs(session->lan.peer_port), 5555);
}

/* Two clients with one port, and a port above what clients may have. */
static void client_gets_a_free_port(struct kunit *test)
{
	struct doppel_flow first = flow6(IPPROTO_TCP, 1, 5555);
	struct doppel_flow second = flow6(IPPROTO_TCP, 2, 5555);
	struct doppel_flow high = flow6(IPPROTO_TCP, 3, 40000);
	struct doppel_flow echo = flow6(IPPROTO_ICMP, 4, 7);
	struct doppel_session *session;
	enum doppel_drop_reason why;

	KUNIT_ASSERT_NOT_NULL(test, begin(test, &first, &why));

	session = begin(test, &second, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_NE(test, ntohs(session->lan.peer_port), 5555);
	KUNIT_EXPECT_GE(test, ntohs(session->lan.peer_port), 1024);
	KUNIT_EXPECT_LE(test, ntohs(session->lan.peer_port), 32767);
	KUNIT_EXPECT_PTR_EQ(test, by_lan(test, &session->lan), session);

	session = begin(test, &high, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_LE(test, ntohs(session->lan.peer_port), 32767);

	/* An echo has one identifier in both directions. */
	session = begin(test, &echo, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_EQ(test, session->lan.peer_port, session->lan.device_port);
	KUNIT_EXPECT_GE(test, ntohs(session->lan.peer_port), 1024);
}

/* The other side of what a peer has begun speaks. */
static void answer(struct kunit *test, struct doppel_session *session)
{
	struct doppel_packet packet = { .protocol = IPPROTO_UDP };
	struct world *world = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, session);
	rcu_read_lock();
	local_bh_disable();
	doppel_session_advance(&world->gw, session, &packet, DOPPEL_SIDE_DEVICE);
	local_bh_enable();
	rcu_read_unlock();
}

static void full_tables_refuse(struct kunit *test)
{
	struct doppel_flow first = flow4(IPPROTO_UDP, 1), flow;
	struct world *world = test->priv;
	enum doppel_drop_reason why;
	int i;

	for (i = 1; i <= 500; i++) {
		flow = flow4(IPPROTO_UDP, i);
		answer(test, begin(test, &flow, &why));
	}
	flow = flow4(IPPROTO_UDP, 501);
	KUNIT_EXPECT_NULL(test, begin(test, &flow, &why));
	KUNIT_EXPECT_EQ(test, why, DOPPEL_DROP_REASON_DEVICE_SESSIONS_FULL);

	world->gw.max_sessions = 500;
	KUNIT_EXPECT_NULL(test, begin(test, &flow, &why));
	KUNIT_EXPECT_EQ(test, why, DOPPEL_DROP_REASON_SESSIONS_FULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 500);

	/* What is there is not broken. */
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &first.wan));
}

/* What nobody has answered makes room, the oldest first, for the device's share and for all. */
static void half_open_makes_room(struct kunit *test)
{
	struct doppel_flow answered = flow4(IPPROTO_UDP, 1), flow;
	struct world *world = test->priv;
	enum doppel_drop_reason why;
	int i;

	answer(test, begin(test, &answered, &why));
	for (i = 2; i <= 500; i++) {
		flow = flow4(i % 2 ? IPPROTO_TCP : IPPROTO_UDP, i);
		KUNIT_ASSERT_NOT_NULL(test, begin(test, &flow, &why));
	}
	flow = flow4(IPPROTO_TCP, 501);
	KUNIT_ASSERT_NOT_NULL(test, begin(test, &flow, &why));
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &answered.wan));
	flow = flow4(IPPROTO_UDP, 2);
	KUNIT_EXPECT_NULL(test, by_wan(test, &flow.wan));
	flow = flow4(IPPROTO_TCP, 3);
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &flow.wan));

	world->gw.max_sessions = 500;
	flow = flow4(IPPROTO_TCP, 502);
	KUNIT_ASSERT_NOT_NULL(test, begin(test, &flow, &why));
	flow = flow4(IPPROTO_TCP, 3);
	KUNIT_EXPECT_NULL(test, by_wan(test, &flow.wan));
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 500);
	KUNIT_EXPECT_EQ(test, doppel_total_sum(&world->gw, DOPPEL_TOTAL_EVICTED), 2);
}

static void gone_device_begins_nothing(struct kunit *test)
{
	struct doppel_flow flow = flow4(IPPROTO_UDP, 1);
	struct world *world = test->priv;
	enum doppel_drop_reason why;

	world->device.gone = true;
	KUNIT_EXPECT_NULL(test, begin(test, &flow, &why));
	KUNIT_EXPECT_NULL(test, by_wan(test, &flow.wan));
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 0);
}

static void timed_out_is_not_found(struct kunit *test)
{
	struct doppel_flow flow = flow4(IPPROTO_UDP, 1);
	struct doppel_session *session;
	enum doppel_drop_reason why;

	session = begin(test, &flow, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_GE(test, doppel_session_expires_in(session), 298);
	KUNIT_EXPECT_LE(test, doppel_session_expires_in(session), 300);

	WRITE_ONCE(session->expires, jiffies - 1);
	KUNIT_EXPECT_NULL(test, by_lan(test, &flow.lan));
	KUNIT_EXPECT_NULL(test, by_wan(test, &flow.wan));

	/* And is not in the way of its successor. */
	KUNIT_EXPECT_NOT_NULL(test, begin(test, &flow, &why));
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &flow.wan));
}

static void flush_takes_what_is_named(struct kunit *test)
{
	struct doppel_flow tcp = flow4(IPPROTO_TCP, 1), udp = flow4(IPPROTO_UDP, 1);
	struct doppel_session_filter filter = {
		.protocol = IPPROTO_TCP,
		.inbound_port = htons(8080),
	};
	struct world *world = test->priv;
	struct doppel_identity *identity;
	enum doppel_drop_reason why;

	KUNIT_ASSERT_NOT_NULL(test, begin(test, &tcp, &why));
	KUNIT_ASSERT_NOT_NULL(test, begin(test, &udp, &why));

	filter.inbound_port = htons(8081);
	doppel_sessions_flush(&world->device, &filter);
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &tcp.wan));
	filter.inbound_port = htons(8080);
	doppel_sessions_flush(&world->device, &filter);
	KUNIT_EXPECT_NULL(test, by_wan(test, &tcp.wan));
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &udp.wan));

	/* An address that stays keeps its sessions, one that goes takes them along. */
	identity = kunit_kzalloc(test, sizeof(*identity), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, identity);
	identity->wan_ipv4 = in_aton("10.1.2.50");
	filter = (struct doppel_session_filter){ .not_of = identity };
	doppel_sessions_flush(&world->device, &filter);
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &udp.wan));
	identity->wan_ipv4 = in_aton("10.1.2.51");
	doppel_sessions_flush(&world->device, &filter);
	KUNIT_EXPECT_NULL(test, by_wan(test, &udp.wan));
}

enum { SYN = 1, ACK = 2, FIN = 4, RST = 8 };

struct step {
	bool from_device;
	u8 flags;
	u8 state;
	u32 expires;
};

#define SENT DOPPEL_SESSION_STATE_SYN_SENT
#define RECEIVED DOPPEL_SESSION_STATE_SYN_RECEIVED
#define ESTABLISHED DOPPEL_SESSION_STATE_ESTABLISHED
#define CLOSING DOPPEL_SESSION_STATE_CLOSING

/* Inbound: the peer is not the device. RFC 6146 section 3.5.2. */
static const struct step open_and_close[] = {
	{ false, SYN, SENT, 6 },
	{ false, SYN, SENT, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ true, ACK, RECEIVED, 6 },	/* the device alone cannot make it established */
	{ false, ACK, ESTABLISHED, 7440 },
	{ true, ACK, ESTABLISHED, 7440 },
	{ true, FIN | ACK, CLOSING, 7440 },	/* half closed */
	{ false, ACK, CLOSING, 7440 },
	{ false, FIN | ACK, CLOSING, 240 },
	{ true, ACK, CLOSING, 240 },
	{ false, SYN, SENT, 6 },	/* the same ports again */
};

static const struct step reset_and_back[] = {
	{ false, SYN, SENT, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ false, ACK, ESTABLISHED, 7440 },
	{ false, RST, CLOSING, 240 },
	{ true, ACK, ESTABLISHED, 7440 },	/* it was not believed */
};

static const struct step simultaneous_open[] = {
	{ false, SYN, SENT, 6 },
	{ true, SYN, RECEIVED, 6 },
	{ false, SYN | ACK, RECEIVED, 6 },
	{ false, ACK, ESTABLISHED, 7440 },
};

static void walk(struct kunit *test, const struct step *steps, int n, u16 port)
{
	struct doppel_flow flow = flow4(IPPROTO_TCP, port);
	struct world *world = test->priv;
	struct doppel_session *session;
	enum doppel_drop_reason why;
	int i;

	session = begin(test, &flow, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	for (i = 0; i < n; i++) {
		struct doppel_packet packet = {
			.protocol = IPPROTO_TCP,
			.syn = !!(steps[i].flags & SYN),
			.ack = !!(steps[i].flags & ACK),
			.fin = !!(steps[i].flags & FIN),
			.rst = !!(steps[i].flags & RST),
		};
		u32 expires;

		rcu_read_lock();
		local_bh_disable();
		doppel_session_advance(&world->gw, session, &packet,
				       steps[i].from_device ? DOPPEL_SIDE_DEVICE :
							      DOPPEL_SIDE_PEER);
		local_bh_enable();
		rcu_read_unlock();
		KUNIT_EXPECT_EQ_MSG(test, session->state, steps[i].state, "step %d", i);
		expires = doppel_session_expires_in(session);
		KUNIT_EXPECT_GE_MSG(test, expires + 2, steps[i].expires, "step %d", i);
		KUNIT_EXPECT_LE_MSG(test, expires, steps[i].expires, "step %d", i);
	}
}

static void tcp_states(struct kunit *test)
{
	walk(test, open_and_close, ARRAY_SIZE(open_and_close), 1);
	walk(test, reset_and_back, ARRAY_SIZE(reset_and_back), 2);
	walk(test, simultaneous_open, ARRAY_SIZE(simultaneous_open), 3);
}

/* A session is at most 256 bytes (without what lockdep adds to its lock). */
static void session_is_small(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, sizeof(struct doppel_session) - sizeof(spinlock_t) + 4, 256);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(found_by_both_tuples),
	KUNIT_CASE(client_keeps_its_port),
	KUNIT_CASE(client_gets_a_free_port),
	KUNIT_CASE(full_tables_refuse),
	KUNIT_CASE(half_open_makes_room),
	KUNIT_CASE(gone_device_begins_nothing),
	KUNIT_CASE(timed_out_is_not_found),
	KUNIT_CASE(flush_takes_what_is_named),
	KUNIT_CASE(tcp_states),
	KUNIT_CASE(session_is_small),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_session",
	.init = world_init,
	.exit = world_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
