/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions: one translated flow each (TCP, UDP or ICMP echo), found by its
 * LAN-side tuple or by its WAN-side tuple.
 *
 * Found under RCU and good until the end of the read-side section. Made by
 * packets in softirq, ended by packets, the collector and by RTNL holders,
 * each of which unlinks under the device's sessions_lock: whoever takes it off
 * the device's list frees it.
 */
#ifndef _DOPPEL_SESSION_H
#define _DOPPEL_SESSION_H

#include <linux/in6.h>
#include <linux/rhashtable.h>
#include "device.h"

struct doppel_packet;
struct neighbour;

/* As in a packet from the LAN: the device is the source. No padding: hashed and compared whole. */
struct doppel_lan_tuple {
	__be32 device;
	__be32 peer;
	__be16 device_port;
	__be16 peer_port;
	u32 protocol;
} __aligned(8);

/* As in a packet to the WAN: the identity is the source. IPv4 addresses are
 * in the first word of the union, the rest is zero. No padding: hashed and compared whole.
 */
struct doppel_wan_tuple {
	union {
		__be32 ipv4;
		struct in6_addr ipv6;
	} identity, peer;
	__be16 identity_port;
	__be16 peer_port;
	u16 protocol;
	u16 family;
} __aligned(8);

/* Who sends: an index of what is kept of either end. */
enum doppel_side {
	DOPPEL_SIDE_DEVICE,
	DOPPEL_SIDE_PEER,
	DOPPEL_SIDES,
};

/**
 * struct doppel_session - one translated flow
 * @wan_node: in &doppel_gateway.sessions_wan
 * @wan: the WAN-side tuple
 * @lan_node: in &doppel_gateway.sessions_lan
 * @lan: the LAN-side tuple
 * @translation: enum doppel_translation
 * @state: enum doppel_session_state
 * @fin: TCP, who has sent a FIN: a bit for each enum doppel_side; @lock
 * @outbound: the device began it
 * @device: whose it is; of the box's own, who lends
 * @next_hop: the WAN neighbour, held, or NULL; replaced under @lock
 * @expires: jiffies
 * @addr_diff: checksum of the WAN-side addresses less that of the LAN-side ones
 * @port_diff: the same of the ports
 * @epoch: of the gateway when @next_hop and @hairpin were found
 * @lent: the LAN side is the box itself
 * @hairpin: the peer is another identity, as of @epoch
 * @admitted: the site's rules have let it pass, or are not asked
 * @replied: the other side has spoken
 * @answered: they talk with one another: it does not make room for others
 * @scale: TCP, the window scale of each side (RFC 7323), four bits each; @lock
 * @lock: TCP state and @next_hop
 * @list: in &doppel_device.sessions; empty once it is ended
 * @half_open: in &doppel_device.half_open until it is answered
 * @ack: TCP, the next byte that each side expects; @window: and how many it takes
 * @rcu: frees it
 *
 * What an established packet touches comes first, in two cache lines of 64 bytes; TCP's in the
 * third.
 */
struct doppel_session {
	struct rhash_head wan_node;
	struct doppel_wan_tuple wan;
	struct rhash_head lan_node;
	struct doppel_lan_tuple lan;
	u8 translation;
	u8 state;
	u8 fin;
	bool outbound;
	struct doppel_device *device;
	struct neighbour __rcu *next_hop;
	unsigned long expires;
	__wsum addr_diff;
	__wsum port_diff;
	u32 epoch;
	u8 scale;
	bool lent;
	bool hairpin;
	bool admitted;
	bool replied;
	bool answered;
	spinlock_t lock;
	struct list_head list;
	struct list_head half_open;
	u32 ack[DOPPEL_SIDES];
	u32 window[DOPPEL_SIDES];
	struct rcu_head rcu;
};

/* RCU. NULL if there is none or it has timed out. */
struct doppel_session *doppel_session_by_lan(struct doppel_gateway *gw,
					     const struct doppel_lan_tuple *tuple);
struct doppel_session *doppel_session_by_wan(struct doppel_gateway *gw,
					     const struct doppel_wan_tuple *tuple);

/**
 * struct doppel_flow - what a new session is to be
 * @lan: its LAN-side tuple; for 6to4 the peer's port is only a wish
 * @wan: its WAN-side tuple; of what is lent, the identity's port is found for it
 * @translation: enum doppel_translation
 * @outbound: the device begins it
 * @lent: the box itself begins it
 * @hairpin: the peer is another identity
 */
struct doppel_flow {
	struct doppel_lan_tuple lan;
	struct doppel_wan_tuple wan;
	u8 translation;
	bool outbound;
	bool lent;
	bool hairpin;
};

/* Begins a session, or finds the one that another CPU has just begun for the same flow. Takes
 * a free port where one is to be found. Where the tables are full, the oldest sessions that nobody
 * has answered make room. NULL if it may not be, with the reason in @why. RCU, bottom halves off.
 */
struct doppel_session *doppel_session_begin(struct doppel_gateway *gw,
					    struct doppel_device *device,
					    const struct doppel_flow *flow,
					    enum doppel_drop_reason *why);

/* Works out what rewriting adds to checksums, from the tuples. */
void doppel_session_set_checksums(struct doppel_session *session);

/* A packet of the session goes through: moves its TCP state and keeps it alive. RCU, bottom
 * halves off.
 */
void doppel_session_advance(struct doppel_gateway *gw, struct doppel_session *session,
			    const struct doppel_packet *packet, enum doppel_side from);

/* Ends it; whoever has found it under RCU may go on with it. Bottom halves off. */
void doppel_session_end(struct doppel_session *session);

/* What must match for a session to be ended; NULL or zero matches all. */
struct doppel_session_filter {
	const struct doppel_identity *not_of;	/* its WAN address is none of these */
	bool lent;				/* it is the box's own */
	bool unmapped;				/* 4to6, and nothing stands for the peer any more */
	u8 protocol;				/* with this protocol ... */
	__be16 inbound_port;			/* ... came in by this identity port */
};

/* Ends the device's sessions that the filter (NULL: all) names; RTNL, any context. */
void doppel_sessions_flush(struct doppel_device *device,
			   const struct doppel_session_filter *filter);

/* Whether it is still a TCP connection in the making. */
static inline bool doppel_session_opening(u8 state)
{
	return state == DOPPEL_SESSION_STATE_SYN_SENT ||
	       state == DOPPEL_SESSION_STATE_SYN_RECEIVED;
}

/* Seconds until it ends if no packet comes. All sessions of a gateway are walked by
 * rhashtable_walk_enter() over sessions_lan.
 */
u32 doppel_session_expires_in(const struct doppel_session *session);

/* The tables and the collector of a gateway. Destroy: after the hooks are gone and the
 * devices' sessions were flushed.
 */
int doppel_sessions_init(struct doppel_gateway *gw);
void doppel_sessions_destroy(struct doppel_gateway *gw);

/* The slab cache; exit waits for sessions that RCU has yet to free. */
int doppel_session_init(void);
void doppel_session_exit(void);

#endif
