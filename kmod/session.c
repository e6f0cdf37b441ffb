// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/neighbour.h>

#include "netlink.h"
#include "packet.h"
#include "session.h"
#include "stats.h"
#include "trace.h"

/* IPv6 clients' ports on the LAN side: clear of the kernel's own ephemeral ports. */
#define CLIENT_PORT_MIN 1024
#define CLIENT_PORT_MAX 32767
#define CLIENT_PORT_TRIES 256

#define GC_INTERVAL (2 * HZ)
#define GC_BATCH 1024

static struct kmem_cache *cache;

static const struct rhashtable_params lan_params = {
	.key_len = sizeof(struct doppel_lan_tuple),
	.key_offset = offsetof(struct doppel_session, lan),
	.head_offset = offsetof(struct doppel_session, lan_node),
	.automatic_shrinking = true,
};

static const struct rhashtable_params wan_params = {
	.key_len = sizeof(struct doppel_wan_tuple),
	.key_offset = offsetof(struct doppel_session, wan),
	.head_offset = offsetof(struct doppel_session, wan_node),
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
		timeout = session->fin == 1 || session->fin == 2 ?
			DOPPEL_TIMEOUT_TCP_ESTABLISHED : DOPPEL_TIMEOUT_TCP_CLOSING;
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

/* Takes it off the tables; the caller holds the device's sessions_lock. */
static void unlink_session(struct doppel_session *session)
{
	struct doppel_device *device = session->device;
	struct doppel_gateway *gw = device->gw;

	if (list_empty(&session->list))
		return;

	trace_doppel_session_end(session);
	list_del_init(&session->list);
	device->n_sessions--;
	rhashtable_remove_fast(&gw->sessions_lan, &session->lan_node, lan_params);
	rhashtable_remove_fast(&gw->sessions_wan, &session->wan_node, wan_params);
	atomic_dec(&gw->n_sessions);
	call_rcu(&session->rcu, free_session);
}

static void end_session(struct doppel_session *session)
{
	struct doppel_device *device = session->device;

	spin_lock_bh(&device->sessions_lock);
	unlink_session(session);
	spin_unlock_bh(&device->sessions_lock);
}

static bool named_by(const struct doppel_session *session,
		     const struct doppel_session_filter *filter)
{
	const struct doppel_identity *identity;
	unsigned int i;

	if (!filter)
		return true;
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
	struct doppel_session *session, *next;

	spin_lock_bh(&device->sessions_lock);
	list_for_each_entry_safe(session, next, &device->sessions, list)
		if (named_by(session, filter))
			unlink_session(session);
	spin_unlock_bh(&device->sessions_lock);
}

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
	spin_lock_init(&session->lock);
	session->translation = flow->translation;
	session->outbound = flow->outbound;
	session->state = flow->lan.protocol == IPPROTO_TCP ? DOPPEL_SESSION_STATE_SYN_SENT :
							     DOPPEL_SESSION_STATE_ACTIVE;
	session->expires = jiffies + timeout_of(gw, session);
	return session;
}

/* The LAN-side port (an echo: identifier) that an IPv6 client appears with. */
static void set_client_port(struct doppel_session *session, u16 port)
{
	session->lan.peer_port = htons(port);
	if (session->lan.protocol == IPPROTO_ICMP)
		session->lan.device_port = session->lan.peer_port;
}

/* Puts it into the LAN-side table. An old session in the way that has timed out is ended; the
 * caller holds the device's sessions_lock, and whoever has this LAN address is this device.
 */
static int insert_lan(struct doppel_gateway *gw, struct doppel_session *session)
{
	struct doppel_session *old;

	/* Another CPU may find it from here on. */
	doppel_session_set_checksums(session);
	old = rhashtable_lookup_get_insert_fast(&gw->sessions_lan, &session->lan_node, lan_params);
	if (old && !IS_ERR(old) && expired(old) && old->device == session->device) {
		unlink_session(old);
		old = rhashtable_lookup_get_insert_fast(&gw->sessions_lan, &session->lan_node,
							lan_params);
	}
	if (IS_ERR(old))
		return PTR_ERR(old);
	return old ? -EEXIST : 0;
}

/* Tries the client's own port, then others in a random order. RFC 6056 section 3.3.1. */
static int insert_client(struct doppel_gateway *gw, struct doppel_session *session)
{
	u16 port = ntohs(session->lan.peer_port);
	unsigned int tries;

	for (tries = 0; tries < CLIENT_PORT_TRIES; tries++) {
		int err;

		if (tries || port < CLIENT_PORT_MIN || port > CLIENT_PORT_MAX)
			port = CLIENT_PORT_MIN +
			       get_random_u32_below(CLIENT_PORT_MAX - CLIENT_PORT_MIN + 1);
		set_client_port(session, port);
		err = insert_lan(gw, session);
		if (err != -EEXIST)
			return err;
	}
	return -ENOSPC;
}

/* The session that holds this WAN-side tuple, if it is a live one of the same device. */
static struct doppel_session *find_twin(struct doppel_gateway *gw,
					const struct doppel_device *device,
					const struct doppel_flow *flow)
{
	struct doppel_session *twin = doppel_session_by_wan(gw, &flow->wan);

	if (!twin || twin->device != device || twin->translation != flow->translation)
		return NULL;
	if (flow->translation == DOPPEL_TRANSLATION_4TO4 &&
	    memcmp(&twin->lan, &flow->lan, sizeof(flow->lan)))
		return NULL;
	return twin;
}

static int link_session(struct doppel_gateway *gw, struct doppel_session *session)
{
	struct doppel_device *device = session->device;
	struct doppel_session *old;
	int err;

	if (session->translation == DOPPEL_TRANSLATION_6TO4)
		err = insert_client(gw, session);
	else
		err = insert_lan(gw, session);
	if (err)
		return err;

	old = rhashtable_lookup_get_insert_fast(&gw->sessions_wan, &session->wan_node, wan_params);
	if (old && !IS_ERR(old) && expired(old) && old->device == device) {
		unlink_session(old);
		old = rhashtable_lookup_get_insert_fast(&gw->sessions_wan, &session->wan_node,
							wan_params);
	}
	if (old) {
		rhashtable_remove_fast(&gw->sessions_lan, &session->lan_node, lan_params);
		return IS_ERR(old) ? PTR_ERR(old) : -EEXIST;
	}

	list_add_tail(&session->list, &device->sessions);
	device->n_sessions++;
	return 0;
}

struct doppel_session *doppel_session_begin(struct doppel_gateway *gw,
					    struct doppel_device *device,
					    const struct doppel_flow *flow,
					    enum doppel_drop_reason *why)
{
	struct doppel_session *session, *twin;
	int err;

	if (atomic_inc_return(&gw->n_sessions) > READ_ONCE(gw->max_sessions)) {
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
	if (device->gone)
		err = -ENODEV;
	else if (device->n_sessions >= READ_ONCE(gw->max_device_sessions))
		err = -EDQUOT;
	else
		err = link_session(gw, session);
	spin_unlock_bh(&device->sessions_lock);

	switch (err) {
	case 0:
		doppel_count_session(device);
		trace_doppel_session_new(session);
		return session;
	case -EDQUOT:
		*why = DOPPEL_DROP_REASON_DEVICE_SESSIONS_FULL;
		doppel_notify_table_full(gw, DOPPEL_TABLE_DEVICE_SESSIONS);
		break;
	case -EEXIST:
	case -ENOSPC:
		*why = DOPPEL_DROP_REASON_PORTS_FULL;
		twin = find_twin(gw, device, flow);
		if (!twin) {
			doppel_notify_table_full(gw, DOPPEL_TABLE_PORTS);
			break;
		}
		call_rcu(&session->rcu, free_session);
		atomic_dec(&gw->n_sessions);
		return twin;
	case -ENODEV:
		*why = DOPPEL_DROP_REASON_LAN_NO_IDENTITY;
		break;
	default:
		*why = DOPPEL_DROP_REASON_NO_MEMORY;
		break;
	}

	/* It may have been in a table for a moment. */
	call_rcu(&session->rcu, free_session);
err_count:
	atomic_dec(&gw->n_sessions);
	return NULL;
}

/* What a segment with a flag that matters does to the state. */
static void advance_tcp(struct doppel_session *session, const struct doppel_packet *packet,
			bool from_device)
{
	bool initiator = from_device == session->outbound;
	u8 state = session->state;

	if (packet->rst) {
		/* RFC 6146 section 3.5.2.2, TRANS: what follows may take it back. */
		state = DOPPEL_SESSION_STATE_CLOSING;
		session->fin = 0;
	} else if (packet->syn) {
		if (!packet->ack && state == DOPPEL_SESSION_STATE_CLOSING) {
			/* The same ports again: a new connection. */
			state = DOPPEL_SESSION_STATE_SYN_SENT;
			session->fin = 0;
			session->outbound = from_device;
		} else if (!initiator && state == DOPPEL_SESSION_STATE_SYN_SENT) {
			state = DOPPEL_SESSION_STATE_SYN_RECEIVED;
		}
	} else if (packet->fin) {
		session->fin |= from_device ? 1 : 2;
		state = DOPPEL_SESSION_STATE_CLOSING;
	} else if (state == DOPPEL_SESSION_STATE_SYN_RECEIVED && initiator) {
		state = DOPPEL_SESSION_STATE_ESTABLISHED;
	} else if (state == DOPPEL_SESSION_STATE_CLOSING && !session->fin) {
		state = DOPPEL_SESSION_STATE_ESTABLISHED;
	}

	WRITE_ONCE(session->state, state);
}

void doppel_session_advance(struct doppel_gateway *gw, struct doppel_session *session,
			    const struct doppel_packet *packet, bool from_device)
{
	if (packet->protocol == IPPROTO_TCP &&
	    (packet->syn || packet->fin || packet->rst ||
	     READ_ONCE(session->state) != DOPPEL_SESSION_STATE_ESTABLISHED)) {
		spin_lock(&session->lock);
		advance_tcp(session, packet, from_device);
		spin_unlock(&session->lock);
	}

	keep_alive(gw, session);
}

/* Ends what has timed out. The walk may meet a session twice or, while the table is resized,
 * not at all: then it is for the next time.
 */
static void collect(struct work_struct *work)
{
	struct doppel_gateway *gw = container_of(to_delayed_work(work), struct doppel_gateway, gc);
	struct rhashtable_iter iter;
	struct doppel_session *session;
	unsigned int n = 0;

	rhashtable_walk_enter(&gw->sessions_lan, &iter);
	rhashtable_walk_start(&iter);
	while ((session = rhashtable_walk_next(&iter))) {
		if (!IS_ERR(session) && expired(session))
			end_session(session);
		if (++n % GC_BATCH == 0) {
			rhashtable_walk_stop(&iter);
			cond_resched();
			rhashtable_walk_start(&iter);
		}
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);

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
	INIT_DELAYED_WORK(&gw->gc, collect);
	queue_delayed_work(system_power_efficient_wq, &gw->gc, GC_INTERVAL);
	return 0;
}

void doppel_sessions_destroy(struct doppel_gateway *gw)
{
	cancel_delayed_work_sync(&gw->gc);
	rhashtable_destroy(&gw->sessions_lan);
	rhashtable_destroy(&gw->sessions_wan);
}

int doppel_session_init(void)
{
	cache = KMEM_CACHE(doppel_session, SLAB_HWCACHE_ALIGN);
	return cache ? 0 : -ENOMEM;
}

void doppel_session_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(cache);
}
