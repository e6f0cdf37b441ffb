// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hash.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/neighbour.h>

#include "mapping.h"
#include "netlink.h"
#include "packet.h"
#include "session.h"
#include "stats.h"
#include "tcp.h"
#include "trace.h"

/* IPv6 clients' ports on the LAN side: clear of the kernel's own ephemeral ports. */
#define CLIENT_PORT_MIN 1024
#define CLIENT_PORT_MAX 32767
/* The box's ports on the WAN side: clear of those that most devices choose for themselves. */
#define LENT_PORT_MIN 61000
#define LENT_PORT_MAX 65535
#define PORT_TRIES 64
/* After so many, sessions that nobody has answered give theirs away. */
#define PORT_TRIES_POLITE 56

/* Other devices that are asked for a half-open session when the table is full. */
#define EVICTION_TRIES 4

/* Sessions that are ended while a device's lock is held once. */
#define FLUSH_BATCH 256

/* A large table is walked in parts, so that the collector costs the same at any size. */
#define GC_INTERVAL (2 * HZ)
#define GC_BATCH 1024
#define GC_PART 65536

static struct kmem_cache *cache;

/* NH (RFC 4418 section 5.2.2): with a key that nobody knows nobody can make tuples collide, and its
 * multiplications do not wait for one another.
 */
static u32 hash_keys[sizeof(struct doppel_wan_tuple) / sizeof(u32)] __read_mostly;

static __always_inline u32 hash_tuple(const u32 *words, unsigned int n)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < n; i += 2)
		sum += (u64)(words[i] + hash_keys[i]) * (words[i + 1] + hash_keys[i + 1]);
	return hash_64(sum, 32);
}

static __always_inline bool same_tuple(const u64 *a, const u64 *b, unsigned int n)
{
	u64 differ = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

static __always_inline u32 hash_lan(const void *tuple, u32 len, u32 seed)
{
	return hash_tuple(tuple, sizeof(struct doppel_lan_tuple) / sizeof(u32)) ^ seed;
}

static __always_inline u32 hash_wan(const void *tuple, u32 len, u32 seed)
{
	return hash_tuple(tuple, sizeof(struct doppel_wan_tuple) / sizeof(u32)) ^ seed;
}

static __always_inline int cmp_lan(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct doppel_session *session = obj;

	return !same_tuple(arg->key, (const u64 *)&session->lan, sizeof(session->lan) / sizeof(u64));
}

static __always_inline int cmp_wan(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct doppel_session *session = obj;

	return !same_tuple(arg->key, (const u64 *)&session->wan, sizeof(session->wan) / sizeof(u64));
}

static const struct rhashtable_params lan_params = {
	.key_len = sizeof(struct doppel_lan_tuple),
	.key_offset = offsetof(struct doppel_session, lan),
	.head_offset = offsetof(struct doppel_session, lan_node),
	.hashfn = hash_lan,
	.obj_cmpfn = cmp_lan,
	.automatic_shrinking = true,
};

static const struct rhashtable_params wan_params = {
	.key_len = sizeof(struct doppel_wan_tuple),
	.key_offset = offsetof(struct doppel_session, wan),
	.head_offset = offsetof(struct doppel_session, wan_node),
	.hashfn = hash_wan,
	.obj_cmpfn = cmp_wan,
	.automatic_shrinking = true,
};

static bool expired(const struct doppel_session *session)
{
	return time_after(jiffies, READ_ONCE(session->expires));
}

struct doppel_session *doppel_session_by_lan(struct doppel_gateway *gw,
					     const struct doppel_lan_tuple *tuple)
{
	struct doppel_session *session;

	session = rhashtable_lookup(&gw->sessions_lan, tuple, lan_params);
	return session && !expired(session) ? session : NULL;
}

struct doppel_session *doppel_session_by_wan(struct doppel_gateway *gw,
					     const struct doppel_wan_tuple *tuple)
{
	struct doppel_session *session;

	session = rhashtable_lookup(&gw->sessions_wan, tuple, wan_params);
	return session && !expired(session) ? session : NULL;
}

u32 doppel_session_expires_in(const struct doppel_session *session)
{
	long left = READ_ONCE(session->expires) - jiffies;

	return left > 0 ? left / HZ : 0;
}

static unsigned long timeout_of(const struct doppel_gateway *gw,
				const struct doppel_session *session)
{
	enum doppel_timeout timeout;

	switch (session->state) {
	case DOPPEL_SESSION_STATE_SYN_SENT:
	case DOPPEL_SESSION_STATE_SYN_RECEIVED:
		timeout = DOPPEL_TIMEOUT_TCP_SYN;
		break;
	case DOPPEL_SESSION_STATE_ESTABLISHED:
		timeout = DOPPEL_TIMEOUT_TCP_ESTABLISHED;
		break;
	case DOPPEL_SESSION_STATE_CLOSING:
		/* Half closed, the other half may go on for long. */
		timeout = hweight8(session->fin) == 1 ? DOPPEL_TIMEOUT_TCP_ESTABLISHED :
							DOPPEL_TIMEOUT_TCP_CLOSING;
		break;
	default:
		timeout = session->lan.protocol == IPPROTO_UDP ? DOPPEL_TIMEOUT_UDP :
								 DOPPEL_TIMEOUT_ICMP;
		break;
	}

	return READ_ONCE(gw->timeouts[timeout]);
}

static void keep_alive(const struct doppel_gateway *gw, struct doppel_session *session)
{
	unsigned long expires = jiffies + timeout_of(gw, session);

	/* Not every packet has to dirty the cache line. */
	if (expires - READ_ONCE(session->expires) + HZ / 4 > HZ / 2)
		WRITE_ONCE(session->expires, expires);
}

static void free_session(struct rcu_head *rcu)
{
	struct doppel_session *session = container_of(rcu, struct doppel_session, rcu);
	struct neighbour *next_hop = rcu_dereference_protected(session->next_hop, true);

	if (next_hop)
		neigh_release(next_hop);
	kmem_cache_free(cache, session);
}

/* --- Half-open sessions: the first to go when there are too many. ------------------------- */

/* The caller holds the device's sessions_lock. */
static void list_half_open(struct doppel_session *session)
{
	struct doppel_device *device = session->device;
	struct doppel_gateway *gw = device->gw;

	if (list_empty(&device->half_open)) {
		spin_lock(&gw->half_open_lock);
		list_add_tail(&device->in_half_open, &gw->half_open);
		spin_unlock(&gw->half_open_lock);
	}
	list_add_tail(&session->half_open, &device->half_open);
	device->n_half_open++;
}

/* The caller holds the device's sessions_lock. */
static void unlist_half_open(struct doppel_session *session)
{
	struct doppel_device *device = session->device;
	struct doppel_gateway *gw = device->gw;

	if (list_empty(&session->half_open))
		return;

	list_del_init(&session->half_open);
	device->n_half_open--;
	if (list_empty(&device->half_open)) {
		spin_lock(&gw->half_open_lock);
		list_del_init(&device->in_half_open);
		spin_unlock(&gw->half_open_lock);
	}
}

/* It stays. */
static void keep(struct doppel_session *session)
{
	struct doppel_device *device = session->device;

	WRITE_ONCE(session->answered, true);
	spin_lock_bh(&device->sessions_lock);
	unlist_half_open(session);
	spin_unlock_bh(&device->sessions_lock);
}

/* Takes it off the tables; the caller holds the device's sessions_lock. */
static void unlink_session(struct doppel_session *session)
{
	struct doppel_device *device = session->device;
	struct doppel_gateway *gw = device->gw;

	if (list_empty(&session->list))
		return;

	trace_doppel_session_end(session);
	list_del_init(&session->list);
	unlist_half_open(session);
	device->n_sessions--;
	rhashtable_remove_fast(&gw->sessions_lan, &session->lan_node, lan_params);
	rhashtable_remove_fast(&gw->sessions_wan, &session->wan_node, wan_params);
	atomic_dec(&gw->n_sessions);
	call_rcu(&session->rcu, free_session);
}

/* The device's oldest half-open session makes room; the caller holds its sessions_lock. */
static bool evict_from(struct doppel_device *device)
{
	struct doppel_session *session;

	session = list_first_entry_or_null(&device->half_open, struct doppel_session, half_open);
	if (!session)
		return false;

	unlink_session(session);
	doppel_count_total(device->gw, DOPPEL_TOTAL_EVICTED);
	return true;
}

/* Of the device itself and the next few that have half-open sessions, the one with the most: who
 * floods the table pays for it. RCU.
 */
static struct doppel_device *most_half_open(struct doppel_gateway *gw,
					    struct doppel_device *device)
{
	struct doppel_device *most = device, *other;
	unsigned int tries;

	spin_lock_bh(&gw->half_open_lock);
	for (tries = 0; tries < EVICTION_TRIES && !list_empty(&gw->half_open); tries++) {
		other = list_first_entry(&gw->half_open, struct doppel_device, in_half_open);
		list_move_tail(&other->in_half_open, &gw->half_open);
		if (READ_ONCE(other->n_half_open) > READ_ONCE(most->n_half_open))
			most = other;
	}
	spin_unlock_bh(&gw->half_open_lock);
	return most;
}

/* The table is full, and the device begins a session. RCU. */
static bool evict_any(struct doppel_gateway *gw, struct doppel_device *device)
{
	/* One that is being removed is freed after a grace period. */
	struct doppel_device *most = most_half_open(gw, device);
	bool evicted;

	spin_lock_bh(&most->sessions_lock);
	evicted = evict_from(most);
	spin_unlock_bh(&most->sessions_lock);
	return evicted;
}

/* --- Ending. ----------------------------------------------------------------------------- */

void doppel_session_end(struct doppel_session *session)
{
	struct doppel_device *device = session->device;

	spin_lock_bh(&device->sessions_lock);
	unlink_session(session);
	spin_unlock_bh(&device->sessions_lock);
}

/* RCU. */
static bool named_by(const struct doppel_session *session,
		     const struct doppel_session_filter *filter)
{
	const struct doppel_identity *identity;
	unsigned int i;

	if (!filter)
		return true;
	if (filter->lent && !session->lent)
		return false;
	if (filter->unmapped &&
	    (session->translation != DOPPEL_TRANSLATION_4TO6 ||
	     doppel_mapped(session->device->gw, session->lan.peer, &session->wan.peer.ipv6)))
		return false;
	if (filter->protocol && session->lan.protocol != filter->protocol)
		return false;
	if (filter->inbound_port &&
	    (session->outbound || session->wan.identity_port != filter->inbound_port))
		return false;

	identity = filter->not_of;
	if (!identity)
		return true;
	if (session->wan.family == AF_INET)
		return session->wan.identity.ipv4 != identity->wan_ipv4;
	for (i = 0; i < identity->n_wan_ipv6; i++)
		if (ipv6_addr_equal(&session->wan.identity.ipv6, &identity->wan_ipv6[i].addr))
			return false;
	return true;
}

void doppel_sessions_flush(struct doppel_device *device,
			   const struct doppel_session_filter *filter)
{
	struct doppel_session *session;
	u32 left, n;

	rcu_read_lock();
	spin_lock_bh(&device->sessions_lock);
	/* Who stays goes to the end, behind those that begin meanwhile. */
	for (left = device->n_sessions; left; left -= n) {
		for (n = 0; n < left && n < FLUSH_BATCH; n++) {
			session = list_first_entry_or_null(&device->sessions,
							   struct doppel_session, list);
			if (!session)
				goto out;
			if (named_by(session, filter))
				unlink_session(session);
			else
				list_move_tail(&session->list, &device->sessions);
		}
		spin_unlock_bh(&device->sessions_lock);
		spin_lock_bh(&device->sessions_lock);
	}
out:
	spin_unlock_bh(&device->sessions_lock);
	rcu_read_unlock();
}

/* --- Beginning. -------------------------------------------------------------------------- */

void doppel_session_set_checksums(struct doppel_session *session)
{
	const struct doppel_lan_tuple *lan = &session->lan;
	const struct doppel_wan_tuple *wan = &session->wan;

	/* What is not used of the union is zero and adds nothing. */
	session->addr_diff = csum_sub(csum_partial(&wan->identity,
						   sizeof(wan->identity) + sizeof(wan->peer), 0),
				      csum_partial(&lan->device,
						   sizeof(lan->device) + sizeof(lan->peer), 0));
	session->port_diff = csum_sub(csum_partial(&wan->identity_port, 2 * sizeof(__be16), 0),
				      csum_partial(&lan->device_port, 2 * sizeof(__be16), 0));
}

static struct doppel_session *alloc_session(const struct doppel_gateway *gw,
					    struct doppel_device *device,
					    const struct doppel_flow *flow)
{
	struct doppel_session *session;

	session = kmem_cache_zalloc(cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!session)
		return NULL;

	session->lan = flow->lan;
	session->wan = flow->wan;
	session->device = device;
	INIT_LIST_HEAD(&session->list);
	INIT_LIST_HEAD(&session->half_open);
	spin_lock_init(&session->lock);
	session->translation = flow->translation;
	session->outbound = flow->outbound;
	session->lent = flow->lent;
	session->hairpin = flow->hairpin;
	session->admitted = flow->lent || READ_ONCE(gw->filter) == DOPPEL_FILTER_MODE_OFF;
	session->state = flow->lan.protocol == IPPROTO_TCP ? DOPPEL_SESSION_STATE_SYN_SENT :
							     DOPPEL_SESSION_STATE_ACTIVE;
	session->expires = jiffies + timeout_of(gw, session);
	return session;
}

/* Whether what is in the way of a new session ends for it: what has timed out; a TCP connection that
 * is over, since only a SYN begins another (RFC 6146 section 3.5.2.2); what the box has borrowed and
 * nobody has answered yet; and, if there is no other place (@force), whatever nobody has.
 */
static bool gives_way(const struct doppel_session *old, const struct doppel_session *session,
		      bool force)
{
	/* Another device's sessions are under another lock, and none of its tuples are ours. */
	if (old->device != session->device)
		return false;
	if (expired(old) || doppel_tcp_is_over(old))
		return true;
	return !READ_ONCE(old->answered) && ((old->lent && !session->lent) || force);
}

static __always_inline int insert(struct rhashtable *table, struct doppel_session *session,
		  struct rhash_head *node, const struct rhashtable_params params, bool force)
{
	struct doppel_session *old;

	/* Another CPU may find it from here on. */
	doppel_session_set_checksums(session);
	old = rhashtable_lookup_get_insert_fast(table, node, params);
	if (old && !IS_ERR(old) && gives_way(old, session, force)) {
		unlink_session(old);
		old = rhashtable_lookup_get_insert_fast(table, node, params);
	}
	if (IS_ERR(old))
		return PTR_ERR(old);
	return old ? -EEXIST : 0;
}

/* Put it into the LAN-side or the WAN-side table; the caller holds the device's sessions_lock. */
static int insert_lan(struct doppel_gateway *gw, struct doppel_session *session, bool force)
{
	return insert(&gw->sessions_lan, session, &session->lan_node, lan_params, force);
}

static int insert_wan(struct doppel_gateway *gw, struct doppel_session *session, bool force)
{
	return insert(&gw->sessions_wan, session, &session->wan_node, wan_params, force);
}

/* The LAN-side port (an echo: identifier) that an IPv6 client appears with. */
static void set_client_port(struct doppel_session *session, u16 port)
{
	session->lan.peer_port = htons(port);
	if (session->lan.protocol == IPPROTO_ICMP)
		session->lan.device_port = session->lan.peer_port;
}

/* The WAN-side port (an echo: identifier) that the box appears with. */
static void set_lent_port(struct doppel_session *session, u16 port)
{
	session->wan.identity_port = htons(port);
	if (session->wan.protocol == IPPROTO_ICMP)
		session->wan.peer_port = session->wan.identity_port;
}

/* Tries the port that it would like, then others in a random order (RFC 6056 section 3.3.1). */
static int insert_port(struct doppel_gateway *gw, struct doppel_session *session, u16 port,
		       u16 min, u16 max, void (*set)(struct doppel_session *session, u16 port),
		       int (*insert)(struct doppel_gateway *gw, struct doppel_session *session,
				     bool force))
{
	unsigned int tries;

	for (tries = 0; tries < PORT_TRIES; tries++) {
		int err;

		if (tries || port < min || port > max)
			port = min + get_random_u32_below(max - min + 1);
		set(session, port);
		err = insert(gw, session, tries >= PORT_TRIES_POLITE);
		if (err != -EEXIST)
			return err;
	}
	return -ENOSPC;
}

/* The session that another CPU has begun meanwhile for the same flow, or NULL. */
static struct doppel_session *find_twin(struct doppel_gateway *gw,
					const struct doppel_device *device,
					const struct doppel_flow *flow)
{
	bool client = flow->translation == DOPPEL_TRANSLATION_6TO4;
	struct doppel_session *twin = client ? doppel_session_by_wan(gw, &flow->wan) :
					       doppel_session_by_lan(gw, &flow->lan);

	if (!twin || twin->device != device || twin->translation != flow->translation ||
	    twin->lent != flow->lent)
		return NULL;
	/* Where a port was found for it, one side of it is not as wished. */
	if (!client && !flow->lent && memcmp(&twin->wan, &flow->wan, sizeof(flow->wan)))
		return NULL;
	return twin;
}

/* Into the table first in which a port is to be found: nobody can know it there yet. */
static int insert_session(struct doppel_gateway *gw, struct doppel_session *session)
{
	int err;

	if (session->lent) {
		err = insert_port(gw, session, ntohs(session->wan.identity_port), LENT_PORT_MIN,
				  LENT_PORT_MAX, set_lent_port, insert_wan);
		if (err)
			return err;
		err = insert_lan(gw, session, false);
		if (err)
			rhashtable_remove_fast(&gw->sessions_wan, &session->wan_node, wan_params);
		return err;
	}

	if (session->translation == DOPPEL_TRANSLATION_6TO4)
		err = insert_port(gw, session, ntohs(session->lan.peer_port), CLIENT_PORT_MIN,
				  CLIENT_PORT_MAX, set_client_port, insert_lan);
	else
		err = insert_lan(gw, session, false);
	if (err)
		return err;
	err = insert_wan(gw, session, false);
	if (err)
		rhashtable_remove_fast(&gw->sessions_lan, &session->lan_node, lan_params);
	return err;
}

/* The caller holds the device's sessions_lock. */
static int link_session(struct doppel_gateway *gw, struct doppel_session *session)
{
	struct doppel_device *device = session->device;
	int err;

	if (device->gone)
		return -ENODEV;
	if (device->n_sessions >= READ_ONCE(gw->max_device_sessions) && !evict_from(device))
		return -EDQUOT;

	err = insert_session(gw, session);
	if (err)
		return err;

	list_add_tail(&session->list, &device->sessions);
	list_half_open(session);
	device->n_sessions++;
	return 0;
}

static enum doppel_drop_reason reason_of(struct doppel_gateway *gw, int err)
{
	switch (err) {
	case -EDQUOT:
		doppel_notify_table_full(gw, DOPPEL_TABLE_DEVICE_SESSIONS);
		return DOPPEL_DROP_REASON_DEVICE_SESSIONS_FULL;
	case -ENOSPC:
	case -EEXIST:
		doppel_notify_table_full(gw, DOPPEL_TABLE_PORTS);
		return DOPPEL_DROP_REASON_PORTS_FULL;
	case -ENODEV:
		return DOPPEL_DROP_REASON_LAN_NO_IDENTITY;
	default:
		return DOPPEL_DROP_REASON_NO_MEMORY;
	}
}

struct doppel_session *doppel_session_begin(struct doppel_gateway *gw,
					    struct doppel_device *device,
					    const struct doppel_flow *flow,
					    enum doppel_drop_reason *why)
{
	struct doppel_session *session, *twin = NULL;
	int err;

	if (atomic_inc_return(&gw->n_sessions) > READ_ONCE(gw->max_sessions) &&
	    !evict_any(gw, device)) {
		*why = DOPPEL_DROP_REASON_SESSIONS_FULL;
		doppel_notify_table_full(gw, DOPPEL_TABLE_SESSIONS);
		goto err_count;
	}

	session = alloc_session(gw, device, flow);
	if (!session) {
		*why = DOPPEL_DROP_REASON_NO_MEMORY;
		goto err_count;
	}

	spin_lock_bh(&device->sessions_lock);
	err = link_session(gw, session);
	if (err == -EEXIST)
		twin = find_twin(gw, device, flow);
	spin_unlock_bh(&device->sessions_lock);
	if (!err) {
		doppel_count_session(device);
		trace_doppel_session_new(session);
		return session;
	}

	if (!twin)
		*why = reason_of(gw, err);
	/* It may have been in a table for a moment. */
	call_rcu(&session->rcu, free_session);
	atomic_dec(&gw->n_sessions);
	return twin;

err_count:
	atomic_dec(&gw->n_sessions);
	return NULL;
}

/* --- Life. ------------------------------------------------------------------------------- */

/* Whether they talk with one another now, so that it is worth more than a stranger's packet: TCP once
 * it is established; UDP when who has begun goes on after an answer; an echo never.
 */
static bool is_worth_it(struct doppel_session *session, u8 state, enum doppel_side from)
{
	bool initiator = (from == DOPPEL_SIDE_DEVICE) == session->outbound;

	if (session->lan.protocol == IPPROTO_ICMP || doppel_session_opening(state))
		return false;
	if (session->lan.protocol == IPPROTO_TCP)
		return true;
	if (initiator)
		return READ_ONCE(session->replied);
	if (!READ_ONCE(session->replied))
		WRITE_ONCE(session->replied, true);
	return false;
}

void doppel_session_advance(struct doppel_gateway *gw, struct doppel_session *session,
			    const struct doppel_packet *packet, enum doppel_side from)
{
	u8 state = READ_ONCE(session->state);

	if (packet->protocol == IPPROTO_TCP) {
		if (packet->syn || packet->fin || packet->rst ||
		    state != DOPPEL_SESSION_STATE_ESTABLISHED) {
			spin_lock(&session->lock);
			doppel_tcp_advance(session, packet, from);
			state = session->state;
			spin_unlock(&session->lock);
		}
		doppel_tcp_note(session, packet, from);
	}
	if (unlikely(!READ_ONCE(session->answered)) && is_worth_it(session, state, from))
		keep(session);

	keep_alive(gw, session);
}

/* Ends what has timed out, as much as is one part's share. The walk may meet a session twice or,
 * while the table is resized, not at all: then it is for the next time.
 */
static void collect(struct work_struct *work)
{
	struct doppel_gateway *gw = container_of(to_delayed_work(work), struct doppel_gateway, gc);
	struct rhashtable_iter *walk = &gw->gc_walk;
	struct doppel_session *session;
	unsigned int n;

	rhashtable_walk_start(walk);
	for (n = 1; n <= GC_PART; n++) {
		session = rhashtable_walk_next(walk);
		if (!session)
			break;
		if (!IS_ERR(session) && expired(session))
			doppel_session_end(session);
		if (n % GC_BATCH == 0) {
			rhashtable_walk_stop(walk);
			cond_resched();
			rhashtable_walk_start(walk);
		}
	}
	rhashtable_walk_stop(walk);

	/* From the beginning next time. */
	if (n <= GC_PART) {
		rhashtable_walk_exit(walk);
		rhashtable_walk_enter(&gw->sessions_lan, walk);
	}
	queue_delayed_work(system_power_efficient_wq, &gw->gc, GC_INTERVAL);
}

int doppel_sessions_init(struct doppel_gateway *gw)
{
	int err;

	err = rhashtable_init(&gw->sessions_lan, &lan_params);
	if (err)
		return err;

	err = rhashtable_init(&gw->sessions_wan, &wan_params);
	if (err) {
		rhashtable_destroy(&gw->sessions_lan);
		return err;
	}

	atomic_set(&gw->n_sessions, 0);
	INIT_LIST_HEAD(&gw->half_open);
	spin_lock_init(&gw->half_open_lock);
	rhashtable_walk_enter(&gw->sessions_lan, &gw->gc_walk);
	INIT_DELAYED_WORK(&gw->gc, collect);
	queue_delayed_work(system_power_efficient_wq, &gw->gc, GC_INTERVAL);
	return 0;
}

void doppel_sessions_destroy(struct doppel_gateway *gw)
{
	cancel_delayed_work_sync(&gw->gc);
	rhashtable_walk_exit(&gw->gc_walk);
	rhashtable_destroy(&gw->sessions_lan);
	rhashtable_destroy(&gw->sessions_wan);
}

int doppel_session_init(void)
{
	get_random_bytes(hash_keys, sizeof(hash_keys));
	cache = KMEM_CACHE(doppel_session, SLAB_HWCACHE_ALIGN);
	return cache ? 0 : -ENOMEM;
}

void doppel_session_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(cache);
}
