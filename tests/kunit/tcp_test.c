// SPDX-License-Identifier: GPL-2.0-only
#include "random.h"
#include "tcp.h"
#include "world.h"

enum { SYN = 1, ACK = 2, FIN = 4, RST = 8 };

/* No window scale option. */
#define UNSCALED 0xff

/**
 * struct step - a segment, and what the session is after it
 * @answer: from who did not begin
 * @flags: of it
 * @state: of the session
 * @expires: seconds
 * @seq: sequence number
 * @ack: acknowledgment number
 * @window: as in the header
 * @scale: of a SYN, or UNSCALED
 */
struct step {
	bool answer;
	u8 flags;
	u8 state;
	u32 expires;
	u32 seq;
	u32 ack;
	u16 window;
	u8 scale;
};

#define SENT DOPPEL_SESSION_STATE_SYN_SENT
#define RECEIVED DOPPEL_SESSION_STATE_SYN_RECEIVED
#define ESTABLISHED DOPPEL_SESSION_STATE_ESTABLISHED
#define CLOSING DOPPEL_SESSION_STATE_CLOSING

/* RFC 6146 section 3.5.2. */
static const struct step open_and_close[] = {
	{ false, SYN, SENT, 6 },
	{ false, SYN, SENT, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ true, ACK, RECEIVED, 6 },	/* who answers alone cannot make it established */
	{ false, ACK, ESTABLISHED, 7440 },
	{ true, ACK, ESTABLISHED, 7440 },
	{ true, FIN | ACK, CLOSING, 7440 },	/* half closed */
	{ false, ACK, CLOSING, 7440 },
	{ false, FIN | ACK, CLOSING, 240 },
	{ true, ACK, CLOSING, 240 },
	{ false, SYN, SENT, 6 },	/* the same ports again */
	{ true, SYN | ACK, RECEIVED, 6 },
	{ false, ACK, ESTABLISHED, 7440 },
};

/* RFC 5382 section 5: half closed, the other half may go on for as long as it likes. */
static const struct step half_closed[] = {
	{ false, SYN, SENT, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ false, ACK, ESTABLISHED, 7440 },
	{ false, FIN | ACK, CLOSING, 7440 },
	{ true, ACK, CLOSING, 7440 },
	{ false, FIN | ACK, CLOSING, 7440 },	/* once more is not twice */
	{ true, ACK, CLOSING, 7440 },
	{ true, FIN | ACK, CLOSING, 240 },
	{ true, FIN | ACK, CLOSING, 240 },
	{ false, ACK, CLOSING, 240 },
};

/* Nothing but a SYN begins it, and nothing but the answer's SYN moves it on. */
static const struct step not_yet[] = {
	{ false, SYN, SENT, 6 },
	{ false, ACK, SENT, 6 },
	{ true, ACK, SENT, 6 },
	{ false, FIN | ACK, SENT, 6 },
	{ true, FIN | ACK, SENT, 6 },
	{ true, RST | ACK, SENT, 6 },	/* refused: seconds to live anyway */
	{ false, RST, SENT, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ true, RST, RECEIVED, 6 },
	{ false, RST, RECEIVED, 6 },
};

/* RFC 6146 section 3.5.2.2, TRANS. */
static const struct step reset_and_back[] = {
	{ false, SYN, SENT, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ false, ACK, ESTABLISHED, 7440 },
	{ false, RST, CLOSING, 240 },
	{ true, RST, CLOSING, 240 },
	{ true, ACK, ESTABLISHED, 7440 },	/* it was not believed */
};

/* RFC 9293 section 3.5, RFC 5382 REQ-2. */
static const struct step simultaneous_open[] = {
	{ false, SYN, SENT, 6 },
	{ true, SYN, RECEIVED, 6 },
	{ false, SYN | ACK, RECEIVED, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ false, ACK, ESTABLISHED, 7440 },
};

/* A SYN in the middle is a stray one: the ends will say so to each other (RFC 5961 section 4). */
static const struct step stray_syn[] = {
	{ false, SYN, SENT, 6 },
	{ true, SYN | ACK, RECEIVED, 6 },
	{ false, ACK, ESTABLISHED, 7440 },
	{ false, SYN, ESTABLISHED, 7440 },
	{ true, SYN, ESTABLISHED, 7440 },
	{ true, SYN | ACK, ESTABLISHED, 7440 },
	{ true, FIN | ACK, CLOSING, 7440 },
	{ true, SYN, CLOSING, 7440 },
	{ true, SYN | ACK, CLOSING, 7440 },
	{ false, SYN | ACK, CLOSING, 7440 },
};

/* The window that who begins has told: 100 with a scale of 2, from its acknowledgment 5001 on; the
 * other one's: 200 with a scale of 3.
 */
static const struct step reset_in_window[] = {
	{ false, SYN, SENT, 6, 1000, 0, 100, 2 },
	{ true, SYN | ACK, RECEIVED, 6, 5000, 1001, 200, 3 },
	{ false, ACK, ESTABLISHED, 7440, 1001, 5001, 100 },
	{ true, ACK, ESTABLISHED, 7440, 5001, 1001, 200 },
	{ true, RST, ESTABLISHED, 7440, 5000 },		/* before */
	{ true, RST, ESTABLISHED, 7440, 5001 + 401 },	/* behind */
	{ true, RST, ESTABLISHED, 7440, 5001 - 401 },
	{ true, RST, ESTABLISHED, 7440, 5001 + 0x80000000U },
	{ true, RST, CLOSING, 240, 5001 + 400 },	/* the last there is */
	{ true, ACK, ESTABLISHED, 7440, 5001, 1001, 200 },
	{ true, RST, CLOSING, 240, 5001 },		/* the first */
	{ false, ACK, ESTABLISHED, 7440, 1001, 5501, 10 },
	{ true, RST, ESTABLISHED, 7440, 5001 },		/* the window has moved */
	{ true, RST, ESTABLISHED, 7440, 5501 + 41 },	/* and has shrunk */
	{ true, RST, CLOSING, 240, 5501 + 40 },
	{ false, ACK, ESTABLISHED, 7440, 1001, 5501, 0 },
	{ true, RST, ESTABLISHED, 7440, 5502 },		/* shut: only the very next byte */
	{ true, RST, CLOSING, 240, 5501 },
	{ true, ACK, ESTABLISHED, 7440, 5501, 1001, 200 },
	/* The other way: 200 with a scale of 3. */
	{ false, RST, ESTABLISHED, 7440, 1001 + 1601 },
	{ false, RST, ESTABLISHED, 7440, 1000 },
	{ false, RST, CLOSING, 240, 1001 + 1600 },
};

static const struct step sequence_wraps[] = {
	{ false, SYN, SENT, 6, 0xffffffff, 0, 100, 2 },
	{ true, SYN | ACK, RECEIVED, 6, 0xfffffff0, 0, 200, 3 },
	{ false, ACK, ESTABLISHED, 7440, 0, 0xfffffff1, 100 },
	{ true, ACK, ESTABLISHED, 7440, 0xfffffff1, 0, 200 },
	{ true, RST, ESTABLISHED, 7440, 0xfffffff0 },
	{ true, RST, ESTABLISHED, 7440, 0xfffffff1 + 401 },
	{ true, RST, CLOSING, 240, 0xfffffff1 + 400 },
	{ true, ACK, ESTABLISHED, 7440, 0xfffffff1, 0, 200 },
	{ false, RST, ESTABLISHED, 7440, 0xffffffff },
	{ false, RST, CLOSING, 240, 0 },
};

/* RFC 7323 section 2.2: both or none. */
static const struct step first_unscaled[] = {
	{ false, SYN, SENT, 6, 1000, 0, 100, UNSCALED },
	{ true, SYN | ACK, RECEIVED, 6, 5000, 1001, 200, 3 },
	{ false, ACK, ESTABLISHED, 7440, 1001, 5001, 100 },
	{ true, ACK, ESTABLISHED, 7440, 5001, 1001, 200 },
	{ true, RST, ESTABLISHED, 7440, 5001 + 101 },
	{ false, RST, ESTABLISHED, 7440, 1001 + 201 },
	{ true, RST, CLOSING, 240, 5001 + 100 },
};

static const struct step second_unscaled[] = {
	{ false, SYN, SENT, 6, 1000, 0, 100, 2 },
	{ true, SYN | ACK, RECEIVED, 6, 5000, 1001, 200, UNSCALED },
	{ false, ACK, ESTABLISHED, 7440, 1001, 5001, 100 },
	{ true, ACK, ESTABLISHED, 7440, 5001, 1001, 200 },
	{ true, RST, ESTABLISHED, 7440, 5001 + 101 },
	{ false, RST, ESTABLISHED, 7440, 1001 + 201 },
	{ true, RST, CLOSING, 240, 5001 + 100 },
};

/* RFC 7323 section 2.3: 14 at most; the window of a SYN is not scaled. */
static const struct step largest_scale[] = {
	{ false, SYN, SENT, 6, 1000, 0, 100, 14 },
	{ true, SYN | ACK, RECEIVED, 6, 5000, 1001, 200, 14 },
	{ false, ACK, ESTABLISHED, 7440, 1001, 5001, 0xffff },
	{ false, RST, ESTABLISHED, 7440, 1001 + 201 },
	{ true, RST, ESTABLISHED, 7440, 5001 + (0xffff << 14) + 1 },
	{ true, RST, CLOSING, 240, 5001 + (0xffff << 14) },
};

/* Who sees nothing of the connection cannot make its window wider, to hit it then. */
static const struct step scale_stays[] = {
	{ false, SYN, SENT, 6, 1000, 0, 100, 2 },
	{ true, SYN | ACK, RECEIVED, 6, 5000, 1001, 200, 3 },
	{ false, ACK, ESTABLISHED, 7440, 1001, 5001, 100 },
	{ true, ACK, ESTABLISHED, 7440, 5001, 1001, 200 },
	{ false, SYN, ESTABLISHED, 7440, 99, 0, 0xffff, 14 },
	{ false, ACK, ESTABLISHED, 7440, 1001, 5001, 100 },
	{ true, RST, ESTABLISHED, 7440, 5001 + 401 },
	{ true, RST, CLOSING, 240, 5001 + 400 },
};

/* A new connection over the old one has windows of its own. */
static const struct step scale_anew[] = {
	{ false, SYN, SENT, 6, 1000, 0, 100, 2 },
	{ true, SYN | ACK, RECEIVED, 6, 5000, 1001, 200, 3 },
	{ false, ACK, ESTABLISHED, 7440, 1001, 5001, 100 },
	{ true, ACK, ESTABLISHED, 7440, 5001, 1001, 200 },
	{ true, FIN | ACK, CLOSING, 7440, 5001, 1001, 200 },
	{ false, FIN | ACK, CLOSING, 240, 1001, 5002, 100 },
	{ false, SYN, SENT, 6, 70000, 0, 100, 0 },
	{ true, SYN | ACK, RECEIVED, 6, 90000, 70001, 200, 0 },
	{ false, ACK, ESTABLISHED, 7440, 70001, 90001, 100 },
	{ true, ACK, ESTABLISHED, 7440, 90001, 70001, 200 },
	{ true, RST, ESTABLISHED, 7440, 90001 + 101 },
	{ true, RST, CLOSING, 240, 90001 + 100 },
};

#define TABLE(name) { #name, name, ARRAY_SIZE(name) }

static const struct table {
	const char *name;
	const struct step *steps;
	unsigned int n;
} tables[] = {
	TABLE(open_and_close), TABLE(half_closed), TABLE(not_yet), TABLE(reset_and_back),
	TABLE(simultaneous_open), TABLE(stray_syn), TABLE(reset_in_window), TABLE(sequence_wraps),
	TABLE(first_unscaled), TABLE(second_unscaled), TABLE(largest_scale), TABLE(scale_stays),
	TABLE(scale_anew),
};

static struct doppel_packet segment_of(const struct step *step)
{
	bool scaled = step->flags & SYN && step->scale != UNSCALED;

	return (struct doppel_packet){
		.protocol = IPPROTO_TCP,
		.syn = !!(step->flags & SYN),
		.ack = !!(step->flags & ACK),
		.fin = !!(step->flags & FIN),
		.rst = !!(step->flags & RST),
		.seq = step->seq,
		.ack_seq = step->ack,
		.window = step->window,
		.has_scale = scaled,
		.scale = scaled ? step->scale : 0,
	};
}

static void walk(struct kunit *test, const struct table *table, bool outbound, u16 port)
{
	struct doppel_flow flow = flow4(IPPROTO_TCP, port);
	struct world *world = test->priv;
	struct doppel_session *session;
	enum doppel_drop_reason why;
	unsigned int i;

	flow.outbound = outbound;
	session = begin(test, &flow, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	for (i = 0; i < table->n; i++) {
		const struct step *step = &table->steps[i];
		struct doppel_packet packet = segment_of(step);
		u32 expires;

		rcu_read_lock();
		local_bh_disable();
		doppel_session_advance(&world->gw, session, &packet,
				       step->answer != outbound ? DOPPEL_SIDE_DEVICE :
								  DOPPEL_SIDE_PEER);
		local_bh_enable();
		rcu_read_unlock();
		KUNIT_EXPECT_EQ_MSG(test, session->state, step->state, "%s, step %u, %sbound",
				    table->name, i, outbound ? "out" : "in");
		expires = doppel_session_expires_in(session);
		KUNIT_EXPECT_GE_MSG(test, expires + 2, step->expires, "%s, step %u", table->name,
				    i);
		KUNIT_EXPECT_LE_MSG(test, expires, step->expires, "%s, step %u", table->name, i);
	}
}

/* The same whoever begins. */
static void states(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		walk(test, &tables[i], false, 2 * i + 1);
		walk(test, &tables[i], true, 2 * i + 2);
	}
}

/* What is half open stays so until the handshake is over: both have spoken, and the first again. */
static void half_open(struct kunit *test)
{
	static const struct step steps[] = {
		{ false, SYN, SENT }, { true, SYN | ACK, RECEIVED }, { true, ACK, RECEIVED },
		{ false, ACK, ESTABLISHED },
	};
	struct world *world = test->priv;
	struct doppel_flow flow = flow4(IPPROTO_TCP, 1);
	enum doppel_drop_reason why;
	struct doppel_session *session;
	unsigned int i;

	session = begin(test, &flow, &why);
	KUNIT_ASSERT_NOT_NULL(test, session);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		struct doppel_packet packet = segment_of(&steps[i]);

		KUNIT_EXPECT_FALSE_MSG(test, session->answered, "step %u", i);
		KUNIT_EXPECT_FALSE(test, list_empty(&world->devices[0].half_open));
		rcu_read_lock();
		local_bh_disable();
		doppel_session_advance(&world->gw, session, &packet,
				       steps[i].answer ? DOPPEL_SIDE_DEVICE : DOPPEL_SIDE_PEER);
		local_bh_enable();
		rcu_read_unlock();
	}
	KUNIT_EXPECT_TRUE(test, session->answered);
	KUNIT_EXPECT_TRUE(test, list_empty(&world->devices[0].half_open));
	KUNIT_EXPECT_TRUE(test, list_empty(&world->gw.half_open));
}

/* A SYN from the other end, over a connection that is closing, is a connection of its own: it does not
 * revive what the device has begun. Any other segment belongs to the session.
 */
static void supersedes(struct kunit *test)
{
	static const u8 segments[] = { SYN, SYN | ACK, ACK, FIN | ACK, RST };
	static const u8 session_states[] = { SENT, RECEIVED, ESTABLISHED, CLOSING };
	unsigned int i, j, outbound, side;

	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		for (j = 0; j < ARRAY_SIZE(session_states); j++) {
			for (outbound = 0; outbound < 2; outbound++) {
				const struct step step = { .flags = segments[i] };
				struct doppel_packet packet = segment_of(&step);
				struct doppel_session session = {
					.state = session_states[j],
					.outbound = outbound,
				};

				for (side = 0; side < DOPPEL_SIDES; side++) {
					bool began = outbound == (side == DOPPEL_SIDE_DEVICE);
					bool new = !began && segments[i] == SYN &&
						   session_states[j] == CLOSING;

					KUNIT_EXPECT_EQ(test, doppel_tcp_supersedes(&session,
										    &packet, side),
							new);
				}
			}
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(states),
	KUNIT_CASE(half_open),
	KUNIT_CASE(supersedes),
	{}
};

static struct kunit_suite suite = {
	.name = "doppel_tcp",
	.init = world_init,
	.exit = world_exit,
	.test_cases = cases,
};

/* --- Through the doors. ------------------------------------------------------------------ */

/* A segment between the device, or its identity, whose port 8080 leads to 80, and 10.1.2.200; whether
 * it went through.
 */
static bool passes(struct kunit *test, enum door door, u16 port, u16 peer_port, u8 flags)
{
	const bool out = door == DOOR_LAN;
	u16 own_port = out && port == 8080 ? 80 : port;
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} packet = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(packet)),
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.saddr = in_aton(out ? "192.168.1.100" : "10.1.2.200"),
			.daddr = in_aton(out ? "10.1.2.200" : "10.1.2.50"),
		},
		.tcp = {
			.source = htons(out ? own_port : peer_port),
			.dest = htons(out ? peer_port : own_port),
			.doff = 5,
			.syn = !!(flags & SYN),
			.ack = !!(flags & ACK),
			.fin = !!(flags & FIN),
			.rst = !!(flags & RST),
		},
	};
	bool passed;

	packet.ip.check = ip_fast_csum(&packet.ip, 5);
	packet.tcp.check = csum_tcpudp_magic(packet.ip.saddr, packet.ip.daddr, sizeof(packet.tcp),
					     IPPROTO_TCP,
					     csum_partial(&packet.tcp, sizeof(packet.tcp), 0));
	feed_packet(test, door, 1, &packet, sizeof(packet));
	passed = skb_queue_len(sent_by(test, out ? DOOR_WAN : DOOR_LAN)) == 1;
	forget_sent(test);
	return passed;
}

static int state_of(u16 port, u16 peer_port)
{
	const struct doppel_wan_tuple tuple = {
		.identity.ipv4 = in_aton("10.1.2.50"),
		.peer.ipv4 = in_aton("10.1.2.200"),
		.identity_port = htons(port),
		.peer_port = htons(peer_port),
		.protocol = IPPROTO_TCP,
		.family = AF_INET,
	};
	struct doppel_session *session;
	int state;

	rcu_read_lock();
	session = doppel_session_by_wan(gateway(), &tuple);
	state = session ? session->state : -1;
	rcu_read_unlock();
	return state;
}

static void open_and_shut(struct kunit *test, enum door first, enum door second, u16 port,
			  u16 peer_port)
{
	KUNIT_EXPECT_TRUE(test, passes(test, first, port, peer_port, SYN));
	KUNIT_EXPECT_TRUE(test, passes(test, second, port, peer_port, SYN | ACK));
	KUNIT_EXPECT_TRUE(test, passes(test, first, port, peer_port, ACK));
	KUNIT_EXPECT_EQ(test, state_of(port, peer_port), ESTABLISHED);
	KUNIT_EXPECT_TRUE(test, passes(test, first, port, peer_port, FIN | ACK));
	KUNIT_EXPECT_TRUE(test, passes(test, second, port, peer_port, FIN | ACK));
	KUNIT_EXPECT_EQ(test, state_of(port, peer_port), CLOSING);
}

/* The peer's SYN does not reopen what the device has begun: it needs a forward. */
static void peer_reopens_nothing(struct kunit *test)
{
	open_and_shut(test, DOOR_LAN, DOOR_WAN, 40000, 443);
	KUNIT_EXPECT_FALSE(test, passes(test, DOOR_WAN, 40000, 443, SYN));
	KUNIT_EXPECT_EQ(test, state_of(40000, 443), CLOSING);
	KUNIT_EXPECT_EQ(test, drops(DOPPEL_DROP_REASON_WAN_NO_FORWARD), 1);

	/* From a port that leads in, it is a connection of its own. */
	open_and_shut(test, DOOR_WAN, DOOR_LAN, 8080, 5555);
}

/* Who began may begin again, with the same ports. */
static void beginner_reopens(struct kunit *test)
{
	open_and_shut(test, DOOR_LAN, DOOR_WAN, 40000, 443);
	open_and_shut(test, DOOR_LAN, DOOR_WAN, 40000, 443);
	KUNIT_EXPECT_TRUE(test, passes(test, DOOR_LAN, 40000, 443, SYN));
	KUNIT_EXPECT_EQ(test, state_of(40000, 443), SENT);
}

/* Nothing but a SYN begins a session, from either side. */
static void only_a_syn_begins(struct kunit *test)
{
	static const u8 others[] = { SYN | ACK, ACK, FIN | ACK, RST, RST | ACK, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		KUNIT_EXPECT_FALSE(test, passes(test, DOOR_LAN, 40000, 443, others[i]));
		KUNIT_EXPECT_FALSE(test, passes(test, DOOR_WAN, 8080, 5555, others[i]));
	}
	KUNIT_EXPECT_EQ(test, drops(DOPPEL_DROP_REASON_TCP_STATE), 2 * ARRAY_SIZE(others));
	KUNIT_EXPECT_EQ(test, atomic_read(&gateway()->n_sessions), 0);
}

static struct kunit_case door_cases[] = {
	KUNIT_CASE(peer_reopens_nothing),
	KUNIT_CASE(beginner_reopens),
	KUNIT_CASE(only_a_syn_begins),
	{}
};

static struct kunit_suite door_suite = {
	.name = "doppel_tcp_doors",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = door_cases,
};

kunit_test_suites(&suite, &door_suite);
