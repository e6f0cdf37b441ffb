// SPDX-License-Identifier: GPL-2.0-only
#include "world.h"

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

static void full_tables_refuse(struct kunit *test)
{
	struct doppel_flow first = flow4(IPPROTO_UDP, 1), flow;
	struct world *world = test->priv;
	enum doppel_drop_reason why;
	int i;

	for (i = 1; i <= 500; i++) {
		flow = flow4(IPPROTO_UDP, i);
		talk(test, begin(test, &flow, &why));
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

	talk(test, begin(test, &answered, &why));
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

	world->devices[0].gone = true;
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
	doppel_sessions_flush(&world->devices[0], &filter);
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &tcp.wan));
	filter.inbound_port = htons(8080);
	doppel_sessions_flush(&world->devices[0], &filter);
	KUNIT_EXPECT_NULL(test, by_wan(test, &tcp.wan));
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &udp.wan));

	/* An address that stays keeps its sessions, one that goes takes them along. */
	identity = kunit_kzalloc(test, sizeof(*identity), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, identity);
	identity->wan_ipv4 = in_aton("10.1.2.50");
	filter = (struct doppel_session_filter){ .not_of = identity };
	doppel_sessions_flush(&world->devices[0], &filter);
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &udp.wan));
	identity->wan_ipv4 = in_aton("10.1.2.51");
	doppel_sessions_flush(&world->devices[0], &filter);
	KUNIT_EXPECT_NULL(test, by_wan(test, &udp.wan));
}

/* A session is at most 256 bytes (without what lockdep adds to its lock). */
static void session_is_small(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, sizeof(struct doppel_session) - sizeof(spinlock_t) + 4, 256);
}

/* --- Who goes first. --------------------------------------------------------------------- */

static struct doppel_flow flow_of(u32 n, u16 peer_port)
{
	struct doppel_flow flow = flow4(IPPROTO_UDP, peer_port);

	flow.lan.device = htonl(0xc0a80164 + n);
	flow.wan.identity.ipv4 = htonl(0x0a010232 + n);
	return flow;
}

static bool is_there(struct kunit *test, u32 n, u16 peer_port)
{
	struct doppel_flow flow = flow_of(n, peer_port);

	return by_wan(test, &flow.wan);
}

static void begin_some(struct kunit *test, u32 n, u16 first, u16 count, bool talking)
{
	enum doppel_drop_reason why;
	u16 i;

	for (i = first; i < first + count; i++) {
		struct doppel_flow flow = flow_of(n, i);
		struct doppel_session *session = begin_of(test, n, &flow, &why);

		KUNIT_ASSERT_NOT_NULL(test, session);
		if (talking)
			talk(test, session);
	}
}

/* A flood to one device does not end what others have begun: it makes room of its own. */
static void flood_makes_room_of_its_own(struct kunit *test)
{
	struct world *world = test->priv;

	world->gw.max_sessions = 100;
	begin_some(test, 1, 1, 1, false);
	begin_some(test, 2, 1, 1, false);
	begin_some(test, 0, 1, 98, false);
	begin_some(test, 0, 99, 300, false);
	KUNIT_EXPECT_TRUE(test, is_there(test, 1, 1));
	KUNIT_EXPECT_TRUE(test, is_there(test, 2, 1));
	KUNIT_EXPECT_EQ(test, world->devices[0].n_sessions, 98);
	KUNIT_EXPECT_EQ(test, doppel_total_sum(&world->gw, DOPPEL_TOTAL_EVICTED), 300);

	/* Who has none that is half open takes it from who has. */
	begin_some(test, 3, 1, 1, false);
	KUNIT_EXPECT_TRUE(test, is_there(test, 3, 1));
	/* Nor does who begins several at once lose the first of them. */
	begin_some(test, 3, 2, 20, false);
	KUNIT_EXPECT_TRUE(test, is_there(test, 3, 1));
	KUNIT_EXPECT_TRUE(test, is_there(test, 1, 1));
	KUNIT_EXPECT_EQ(test, world->devices[0].n_sessions, 77);
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 100);
}

/* Who has the most loses its oldest: of several with as many, each in turn. */
static void devices_take_turns(struct kunit *test)
{
	struct world *world = test->priv;
	u32 n;

	world->gw.max_sessions = 30;
	for (n = 0; n < 3; n++)
		begin_some(test, n, 1, 10, false);
	/* The fourth has none: those it begins with talk at once. */
	begin_some(test, 3, 1, 6, true);
	for (n = 0; n < 3; n++) {
		KUNIT_EXPECT_EQ_MSG(test, world->devices[n].n_sessions, 8, "device %u", n);
		KUNIT_EXPECT_FALSE(test, is_there(test, n, 1));
		KUNIT_EXPECT_FALSE(test, is_there(test, n, 2));
		KUNIT_EXPECT_TRUE(test, is_there(test, n, 3));
	}
	begin_some(test, 3, 7, 24, true);
	KUNIT_EXPECT_EQ(test, world->devices[3].n_sessions, 30);
	KUNIT_EXPECT_TRUE(test, list_empty(&world->gw.half_open));
}

/* A device that has its share makes room of its own, as long as it has what is half open. */
static void share_is_kept(struct kunit *test)
{
	struct doppel_flow flow = flow_of(0, 1000);
	struct world *world = test->priv;
	enum doppel_drop_reason why;

	world->gw.max_device_sessions = 20;
	begin_some(test, 1, 1, 1, false);
	begin_some(test, 0, 1, 10, true);
	begin_some(test, 0, 11, 50, false);
	KUNIT_EXPECT_EQ(test, world->devices[0].n_sessions, 20);
	KUNIT_EXPECT_TRUE(test, is_there(test, 0, 1));
	KUNIT_EXPECT_FALSE(test, is_there(test, 0, 50));
	KUNIT_EXPECT_TRUE(test, is_there(test, 0, 51));
	KUNIT_EXPECT_TRUE(test, is_there(test, 1, 1));

	begin_some(test, 0, 61, 10, true);
	KUNIT_EXPECT_NULL(test, begin_of(test, 0, &flow, &why));
	KUNIT_EXPECT_EQ(test, why, DOPPEL_DROP_REASON_DEVICE_SESSIONS_FULL);
	KUNIT_EXPECT_EQ(test, world->devices[0].n_sessions, 20);
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 21);
}

/* --- What is lent. ----------------------------------------------------------------------- */

static struct doppel_flow lent_flow(u8 protocol, u16 port, u16 peer_port)
{
	struct doppel_flow flow = flow4(protocol, peer_port);

	flow.lan.device = in_aton("203.0.113.1");
	flow.lan.device_port = htons(port);
	flow.wan.identity_port = htons(port);
	if (protocol == IPPROTO_ICMP) {
		flow.lan.peer_port = htons(port);
		flow.wan.peer_port = htons(port);
	}
	flow.outbound = true;
	flow.lent = true;
	return flow;
}

static void lent_ports(struct kunit *test)
{
	struct doppel_flow low = lent_flow(IPPROTO_UDP, 123, 123);
	struct doppel_flow high = lent_flow(IPPROTO_UDP, 61000, 123);
	struct doppel_flow echo = lent_flow(IPPROTO_ICMP, 7, 0);
	struct doppel_session *session;
	enum doppel_drop_reason why;

	session = begin(test, &low, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_GE(test, ntohs(session->wan.identity_port), 61000);
	KUNIT_EXPECT_EQ(test, ntohs(session->lan.device_port), 123);
	KUNIT_EXPECT_EQ(test, ntohs(session->wan.peer_port), 123);
	KUNIT_EXPECT_PTR_EQ(test, by_wan(test, &session->wan), session);
	/* The same flow again is the same session, whatever port it has got. */
	KUNIT_EXPECT_PTR_EQ(test, begin(test, &low, &why), session);

	session = begin(test, &high, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_EQ(test, ntohs(session->wan.identity_port), 61000);

	session = begin(test, &echo, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_GE(test, ntohs(session->wan.identity_port), 61000);
	KUNIT_EXPECT_EQ(test, session->wan.identity_port, session->wan.peer_port);
	KUNIT_EXPECT_EQ(test, ntohs(session->lan.device_port), 7);
	KUNIT_EXPECT_EQ(test, ntohs(session->lan.peer_port), 7);
}

/* What the device itself begins takes the place of what is lent and unanswered, and never the other way
 * round.
 */
static void device_comes_before_the_box(struct kunit *test)
{
	struct doppel_flow lent = lent_flow(IPPROTO_UDP, 62000, 53), own = flow4(IPPROTO_UDP, 53);
	struct doppel_session *session;
	enum doppel_drop_reason why;

	own.lan.device_port = htons(62000);
	own.wan.identity_port = htons(62000);
	own.outbound = true;
	session = begin(test, &lent, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_EQ(test, ntohs(session->wan.identity_port), 62000);

	session = begin(test, &own, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_FALSE(test, session->lent);
	KUNIT_EXPECT_PTR_EQ(test, by_wan(test, &own.wan), session);
	KUNIT_EXPECT_NULL(test, by_lan(test, &lent.lan));

	/* The box gets another port now. */
	session = begin(test, &lent, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_TRUE(test, session->lent);
	KUNIT_EXPECT_NE(test, ntohs(session->wan.identity_port), 62000);
	KUNIT_EXPECT_FALSE(test, by_wan(test, &own.wan)->lent);

	/* Where the box and the peer talk already, they go on. */
	lent = lent_flow(IPPROTO_UDP, 63000, 53);
	talk(test, begin(test, &lent, &why));
	own.lan.device_port = htons(63000);
	own.wan.identity_port = htons(63000);
	KUNIT_EXPECT_NULL(test, begin(test, &own, &why));
	KUNIT_EXPECT_EQ(test, why, DOPPEL_DROP_REASON_PORTS_FULL);
	KUNIT_EXPECT_NOT_NULL(test, by_lan(test, &lent.lan));
}

/* An echo is never worth more than another's first packet; UDP when both have talked. */
static void echoes_make_room(struct kunit *test)
{
	struct doppel_flow echo = flow4(IPPROTO_ICMP, 7), udp = flow4(IPPROTO_UDP, 7);
	struct world *world = test->priv;
	enum doppel_drop_reason why;

	world->gw.max_sessions = 2;
	talk(test, begin(test, &echo, &why));
	talk(test, begin(test, &udp, &why));
	begin_some(test, 1, 1, 1, false);
	KUNIT_EXPECT_NULL(test, by_wan(test, &echo.wan));
	KUNIT_EXPECT_NOT_NULL(test, by_wan(test, &udp.wan));
}

/* There are 4536 ports to one peer's port. Then there is none, and what was there stays. */
static void lent_ports_run_out(struct kunit *test)
{
	struct world *world = test->priv;
	enum doppel_drop_reason why;
	struct doppel_flow other;
	unsigned int i, got = 0;

	world->gw.max_sessions = 10000;
	world->gw.max_device_sessions = 10000;
	for (i = 0; i < 4536; i++) {
		struct doppel_flow flow = lent_flow(IPPROTO_UDP, 61000 + i, 53);

		struct doppel_session *session = begin(test, &flow, &why);

		if (!session)
			continue;
		talk(test, session);
		got++;
	}
	KUNIT_EXPECT_EQ(test, got, 4536);
	for (i = 0; i < 20; i++) {
		struct doppel_flow flow = lent_flow(IPPROTO_UDP, 1000 + i, 53);

		KUNIT_EXPECT_NULL(test, begin(test, &flow, &why));
		KUNIT_EXPECT_EQ(test, why, DOPPEL_DROP_REASON_PORTS_FULL);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 4536);
	/* To another port of the peer's they are free. */
	other = lent_flow(IPPROTO_UDP, 1, 54);
	KUNIT_EXPECT_NOT_NULL(test, begin(test, &other, &why));
}

/* --- Many at once. ----------------------------------------------------------------------- */

static void lent_ones_are_flushed(struct kunit *test)
{
	const struct doppel_session_filter filter = { .lent = true };
	struct doppel_flow lent = lent_flow(IPPROTO_UDP, 61000, 1), own = flow4(IPPROTO_UDP, 1);
	struct world *world = test->priv;
	enum doppel_drop_reason why;

	KUNIT_ASSERT_NOT_NULL(test, begin(test, &lent, &why));
	KUNIT_ASSERT_NOT_NULL(test, begin(test, &own, &why));
	doppel_sessions_flush(&world->devices[0], &filter);
	KUNIT_EXPECT_NULL(test, by_lan(test, &lent.lan));
	KUNIT_EXPECT_NOT_NULL(test, by_lan(test, &own.lan));
}

/* More than are ended at once, those in between that stay included. */
static void flush_in_batches(struct kunit *test)
{
	const struct doppel_session_filter tcp = { .protocol = IPPROTO_TCP };
	struct world *world = test->priv;
	enum doppel_drop_reason why;
	struct doppel_flow flow;
	unsigned int i;

	world->gw.max_sessions = 3000;
	world->gw.max_device_sessions = 3000;
	for (i = 1; i <= 2000; i++) {
		flow = flow4(i % 3 ? IPPROTO_TCP : IPPROTO_UDP, i);
		KUNIT_ASSERT_NOT_NULL(test, begin(test, &flow, &why));
	}
	doppel_sessions_flush(&world->devices[0], &tcp);
	KUNIT_EXPECT_EQ(test, world->devices[0].n_sessions, 666);
	for (i = 1; i <= 2000; i++) {
		flow = flow4(i % 3 ? IPPROTO_TCP : IPPROTO_UDP, i);
		KUNIT_EXPECT_EQ(test, !!by_wan(test, &flow.wan), i % 3 == 0);
		KUNIT_EXPECT_EQ(test, !!by_lan(test, &flow.lan), i % 3 == 0);
	}
	doppel_sessions_flush(&world->devices[0], NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), 0);
}

/* A table of more than one part of the collector's: what has timed out goes, what has not stays. */
static void collected_in_parts(struct kunit *test)
{
	struct world *world = test->priv;
	enum doppel_drop_reason why;
	unsigned int i, n = 66000, kept = 0;

	world->gw.max_sessions = n;
	world->gw.max_device_sessions = n;
	for (i = 0; i < n; i++) {
		struct doppel_flow flow = flow4(IPPROTO_UDP, i);
		struct doppel_session *session;

		flow.lan.peer_port = htons(i);
		flow.lan.device_port = htons(80 + (i >> 16));
		flow.wan.identity_port = htons(8080 + (i >> 16));
		session = begin(test, &flow, &why);
		KUNIT_ASSERT_NOT_NULL(test, session);
		if (i % 100)
			WRITE_ONCE(session->expires, jiffies - 1);
		else
			kept++;
		if (i % 1024 == 0)
			cond_resched();
	}
	for (i = 0; i < 4; i++)
		flush_delayed_work(&world->gw.gc);
	KUNIT_EXPECT_EQ(test, atomic_read(&world->gw.n_sessions), kept);
	KUNIT_EXPECT_EQ(test, world->devices[0].n_sessions, kept);
	/* And it goes on. */
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&world->gw.gc));
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
	KUNIT_CASE(flood_makes_room_of_its_own),
	KUNIT_CASE(devices_take_turns),
	KUNIT_CASE(share_is_kept),
	KUNIT_CASE(echoes_make_room),
	KUNIT_CASE(lent_ports),
	KUNIT_CASE(device_comes_before_the_box),
	KUNIT_CASE_SLOW(lent_ports_run_out),
	KUNIT_CASE(lent_ones_are_flushed),
	KUNIT_CASE(flush_in_batches),
	KUNIT_CASE_SLOW(collected_in_parts),
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
