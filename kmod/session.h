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

/* As in a packet from the LAN: the device is the source. No padding: hashed whole. */
struct doppel_lan_tuple {
	__be32 device;
	__be32 peer;
	__be16 device_port;
	__be16 peer_port;
	u32 protocol;
};

/* As in a packet to the WAN: the identity is the source. IPv4 addresses are
 * in the first word of the union, the rest is zero. No padding: hashed whole.
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
};

/**
 * struct doppel_session - one translated flow
 * @lan_node: in &doppel_gateway.sessions_lan
 * @wan_node: in &doppel_gateway.sessions_wan
 * @lan: the LAN-side tuple
 * @wan: the WAN-side tuple
 * @device: whose it is
 * @list: in &doppel_device.sessions; empty once it is ended
 * @next_hop: the WAN neighbour, held, or NULL; replaced under @lock
 * @epoch: of the device when @next_hop was found
 * @addr_diff: checksum of the WAN-side addresses less that of the LAN-side ones
 * @port_diff: the same of the ports
 * @expires: jiffies
 * @lock: TCP state and @next_hop
 * @translation: enum doppel_translation
 * @state: enum doppel_session_state
 * @outbound: the device began it
 * @fin: TCP, who has sent a FIN: bit 0 the device, bit 1 the peer
 * @rcu: frees it
 */
struct doppel_session {
	struct rhash_head lan_node;
	struct rhash_head wan_node;
	struct doppel_lan_tuple lan;
	struct doppel_wan_tuple wan;
	struct doppel_device *device;
	struct list_head list;
	struct neighbour __rcu *next_hop;
	u32 epoch;
	__wsum addr_diff;
	__wsum port_diff;
	unsigned long expires;
	spinlock_t lock;
	u8 translation;
	u8 state;
	bool outbound;
	u8 fin;
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
 * @wan: its WAN-side tuple
 * @translation: enum doppel_translation
 * @outbound: the device begins it
 */
struct doppel_flow {
	struct doppel_lan_tuple lan;
	struct doppel_wan_tuple wan;
	u8 translation;
	bool outbound;
};

/* Begins a session, or finds the one that another CPU has just begun for the same flow. Takes
 * the first free LAN-side port for 6to4. NULL if it may not be, with the reason in @why.
 * RCU, bottom halves off.
 */
struct doppel_session *doppel_session_begin(struct doppel_gateway *gw,
					    struct doppel_device *device,
					    const struct doppel_flow *flow,
					    enum doppel_drop_reason *why);

/* Works out what rewriting adds to checksums, from the tuples. */
void doppel_session_set_checksums(struct doppel_session *session);

/* A packet of the session goes through: moves its TCP state (RFC 6146 section 3.5.2) and keeps
 * it alive. RCU, bottom halves off.
 */
void doppel_session_advance(struct doppel_gateway *gw, struct doppel_session *session,
			    const struct doppel_packet *packet, bool from_device);

/* What must match for a session to be ended; NULL or zero matches all. */
struct doppel_session_filter {
	const struct doppel_identity *not_of;	/* its WAN address is none of these */
	u8 protocol;				/* with this protocol ... */
	__be16 inbound_port;			/* ... came in by this identity port */
};

/* Ends the device's sessions that the filter (NULL: all) names; RTNL, any context. */
void doppel_sessions_flush(struct doppel_device *device,
			   const struct doppel_session_filter *filter);

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
