// SPDX-License-Identifier: GPL-2.0-only
/* What the netlink family tells: one object, or all of a kind. */
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "forward.h"
#include "mapping.h"
#include "netlink-gen.h"
#include "netlink-request.h"
#include "session.h"
#include "stats.h"

/* --- Writing replies. -------------------------------------------------------------------- */

static int put_counters(struct sk_buff *skb, int type,
			const struct doppel_counters_sum *sum)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest)
		return -EMSGSIZE;

	if (nla_put_uint(skb, DOPPEL_A_COUNTERS_LAN_PACKETS, sum->lan_packets) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_LAN_BYTES, sum->lan_bytes) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_WAN_PACKETS, sum->wan_packets) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_WAN_BYTES, sum->wan_bytes) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_DROPPED, sum->dropped) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_SESSIONS, sum->sessions))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_timeouts(struct sk_buff *skb, const struct doppel_gateway *gw)
{
	struct nlattr *nest = nla_nest_start(skb, DOPPEL_A_GATEWAY_TIMEOUTS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < DOPPEL_TIMEOUTS; i++)
		if (nla_put_u32(skb, doppel_nl_timeouts[i], gw->timeouts[i] / HZ))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What the gateway's traffic goes through besides its devices' own addresses. */
static int put_peers(struct sk_buff *skb, const struct doppel_gateway *gw)
{
	const struct doppel_device *lender = rtnl_dereference(gw->lender);
	const struct doppel_nat64 *nat64 = rtnl_dereference(gw->nat64);

	if (lender && nla_put(skb, DOPPEL_A_GATEWAY_LENDER, ETH_ALEN, lender->mac))
		return -EMSGSIZE;
	if (nat64 && (nla_put_in6_addr(skb, DOPPEL_A_GATEWAY_NAT64_PREFIX, &nat64->prefix) ||
		      nla_put_u8(skb, DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN, nat64->len)))
		return -EMSGSIZE;
	return nla_put_u32(skb, DOPPEL_A_GATEWAY_FILTER, gw->filter);
}

static int fill_gateway(struct sk_buff *skb, const struct doppel_gateway *gw)
{
	if (nla_put_u32(skb, DOPPEL_A_GATEWAY_LAN_IFINDEX, gw->lan->ifindex) ||
	    nla_put_u32(skb, DOPPEL_A_GATEWAY_WAN_IFINDEX, gw->wan->ifindex) ||
	    nla_put_in_addr(skb, DOPPEL_A_GATEWAY_LAN_IPV4, gw->lan_ipv4) ||
	    nla_put_u8(skb, DOPPEL_A_GATEWAY_LAN_PREFIX_LEN, inet_mask_len(gw->lan_mask)) ||
	    nla_put_u32(skb, DOPPEL_A_GATEWAY_IDENTITY, gw->identity) ||
	    nla_put_u32(skb, DOPPEL_A_GATEWAY_MAX_DEVICES, gw->max_devices) ||
	    nla_put_u32(skb, DOPPEL_A_GATEWAY_MAX_SESSIONS, gw->max_sessions) ||
	    nla_put_u32(skb, DOPPEL_A_GATEWAY_MAX_DEVICE_SESSIONS, gw->max_device_sessions) ||
	    put_timeouts(skb, gw) || put_peers(skb, gw) ||
	    nla_put_u32(skb, DOPPEL_A_GATEWAY_DEVICES, gw->n_devices) ||
	    nla_put_u32(skb, DOPPEL_A_GATEWAY_SESSIONS, atomic_read(&gw->n_sessions)) ||
	    nla_put_string(skb, DOPPEL_A_GATEWAY_VERSION, THIS_MODULE->version))
		return -EMSGSIZE;
	return 0;
}

static int put_addresses(struct sk_buff *skb, const struct doppel_identity *identity)
{
	struct nlattr *list = nla_nest_start(skb, DOPPEL_A_DEVICE_WAN_IPV6);
	unsigned int i;

	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < identity->n_wan_ipv6; i++) {
		const struct doppel_address *address = &identity->wan_ipv6[i];
		struct nlattr *nest = nla_nest_start(skb, DOPPEL_A_ADDRESSES_ADDRESS);

		if (!nest || nla_put_in6_addr(skb, DOPPEL_A_ADDRESS_IPV6, &address->addr) ||
		    nla_put_u8(skb, DOPPEL_A_ADDRESS_PREFIX_LEN, address->prefix_len))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	nla_nest_end(skb, list);
	return 0;
}

/* Milliseconds; a device that was not seen yet has been idle for as long as can be told. */
static u32 idle_of(const struct doppel_device *device)
{
	unsigned long last_seen = READ_ONCE(device->last_seen);

	if (!last_seen)
		return U32_MAX;
	return min_t(u64, div_u64((u64)(jiffies - last_seen) * MSEC_PER_SEC, HZ), U32_MAX - 1);
}

static int fill_device(struct sk_buff *skb, const struct doppel_device *device)
{
	const struct doppel_identity *identity = rtnl_dereference(device->identity);
	struct doppel_counters_sum sum = {};

	doppel_counters_add(device->counters, &sum);
	if (nla_put(skb, DOPPEL_A_DEVICE_MAC, ETH_ALEN, device->mac) ||
	    nla_put_in_addr(skb, DOPPEL_A_DEVICE_LAN_IPV4, device->lan_ipv4) ||
	    nla_put_in_addr(skb, DOPPEL_A_DEVICE_WAN_IPV4, identity->wan_ipv4) ||
	    nla_put_u8(skb, DOPPEL_A_DEVICE_WAN_PREFIX_LEN, inet_mask_len(identity->wan_mask)) ||
	    nla_put_in_addr(skb, DOPPEL_A_DEVICE_WAN_ROUTER, identity->wan_router) ||
	    nla_put_in6_addr(skb, DOPPEL_A_DEVICE_LINK_LOCAL, &identity->link_local.addr) ||
	    put_addresses(skb, identity) ||
	    nla_put_in6_addr(skb, DOPPEL_A_DEVICE_WAN_ROUTER6, &identity->wan_router6) ||
	    put_counters(skb, DOPPEL_A_DEVICE_COUNTERS, &sum) ||
	    nla_put_u32(skb, DOPPEL_A_DEVICE_SESSIONS, READ_ONCE(device->n_sessions)) ||
	    nla_put_u32(skb, DOPPEL_A_DEVICE_IDLE, idle_of(device)))
		return -EMSGSIZE;
	return 0;
}

static int fill_forward(struct sk_buff *skb, const struct doppel_forward *forward)
{
	if (nla_put(skb, DOPPEL_A_FORWARD_MAC, ETH_ALEN, forward->key.device->mac) ||
	    nla_put_u8(skb, DOPPEL_A_FORWARD_PROTOCOL, forward->key.protocol) ||
	    nla_put_u16(skb, DOPPEL_A_FORWARD_PORT, forward->key.port) ||
	    nla_put_u16(skb, DOPPEL_A_FORWARD_TO, forward->to))
		return -EMSGSIZE;
	return 0;
}

static int fill_mapping(struct sk_buff *skb, const struct doppel_mapping *mapping)
{
	return nla_put_in_addr(skb, DOPPEL_A_MAPPING_IPV4, mapping->ipv4) ?:
	       nla_put_in6_addr(skb, DOPPEL_A_MAPPING_IPV6, &mapping->ipv6);
}

static int put_wan_tuple(struct sk_buff *skb, const struct doppel_wan_tuple *wan)
{
	if (wan->family == AF_INET)
		return nla_put_in_addr(skb, DOPPEL_A_SESSION_WAN_IPV4, wan->identity.ipv4) ?:
		       nla_put_in_addr(skb, DOPPEL_A_SESSION_WAN_PEER_IPV4, wan->peer.ipv4);
	return nla_put_in6_addr(skb, DOPPEL_A_SESSION_WAN_IPV6, &wan->identity.ipv6) ?:
	       nla_put_in6_addr(skb, DOPPEL_A_SESSION_WAN_PEER_IPV6, &wan->peer.ipv6);
}

/* RCU. */
static int fill_session(struct sk_buff *skb, const struct doppel_session *session)
{
	const struct doppel_lan_tuple *lan = &session->lan;
	const struct doppel_wan_tuple *wan = &session->wan;

	if (nla_put(skb, DOPPEL_A_SESSION_MAC, ETH_ALEN, session->device->mac) ||
	    nla_put_u8(skb, DOPPEL_A_SESSION_PROTOCOL, lan->protocol) ||
	    nla_put_u32(skb, DOPPEL_A_SESSION_TRANSLATION, session->translation) ||
	    nla_put_u32(skb, DOPPEL_A_SESSION_STATE, READ_ONCE(session->state)) ||
	    (session->outbound && nla_put_flag(skb, DOPPEL_A_SESSION_OUTBOUND)) ||
	    nla_put_in_addr(skb, DOPPEL_A_SESSION_LAN_IPV4, lan->device) ||
	    nla_put_u16(skb, DOPPEL_A_SESSION_LAN_PORT, ntohs(lan->device_port)) ||
	    nla_put_in_addr(skb, DOPPEL_A_SESSION_LAN_PEER_IPV4, lan->peer) ||
	    nla_put_u16(skb, DOPPEL_A_SESSION_LAN_PEER_PORT, ntohs(lan->peer_port)) ||
	    put_wan_tuple(skb, wan) ||
	    nla_put_u16(skb, DOPPEL_A_SESSION_WAN_PORT, ntohs(wan->identity_port)) ||
	    nla_put_u16(skb, DOPPEL_A_SESSION_WAN_PEER_PORT, ntohs(wan->peer_port)) ||
	    nla_put_u32(skb, DOPPEL_A_SESSION_EXPIRES, doppel_session_expires_in(session)) ||
	    (session->lent && nla_put_flag(skb, DOPPEL_A_SESSION_LENT)))
		return -EMSGSIZE;
	return 0;
}

static int fill_stats(struct sk_buff *skb, const struct doppel_gateway *gw)
{
	struct doppel_counters_sum sum;
	unsigned int reason, total;

	doppel_counters_all(gw, &sum);
	if (put_counters(skb, DOPPEL_A_STATS_COUNTERS, &sum))
		return -EMSGSIZE;
	for (reason = 0; reason < DOPPEL_DROP_REASONS; reason++) {
		struct nlattr *nest = nla_nest_start(skb, DOPPEL_A_STATS_DROP);

		if (!nest || nla_put_u32(skb, DOPPEL_A_DROP_REASON, reason) ||
		    nla_put_uint(skb, DOPPEL_A_DROP_PACKETS, doppel_drops_sum(gw, reason)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	for (total = 0; total < DOPPEL_TOTALS; total++) {
		struct nlattr *nest = nla_nest_start(skb, DOPPEL_A_STATS_TOTAL);

		if (!nest || nla_put_u32(skb, DOPPEL_A_COUNT_OF, total) ||
		    nla_put_uint(skb, DOPPEL_A_COUNT_VALUE, doppel_total_sum(gw, total)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

/* --- One object. -------------------------------------------------------------------------- */

static struct sk_buff *begin_reply(struct genl_info *info, void **header)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*header = genlmsg_put_reply(skb, info, &doppel_nl_family, 0, info->genlhdr->cmd);
	if (!*header) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/* Takes the message; @err instead, if there is one. */
static int send_reply(struct genl_info *info, struct sk_buff *skb, void *header, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

int doppel_nl_gateway_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_gateway *gw;
	struct sk_buff *reply;
	void *header;
	int err = -ENODEV;

	reply = begin_reply(info, &header);
	if (!reply)
		return -ENOMEM;

	rtnl_lock();
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = fill_gateway(reply, gw);
	rtnl_unlock();
	return send_reply(info, reply, header, err);
}

int doppel_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_device *device;
	struct doppel_gateway *gw;
	struct sk_buff *reply;
	void *header;
	int err;

	if (DOPPEL_MISSING(info, DOPPEL_A_DEVICE_MAC, "mac"))
		return -EINVAL;
	reply = begin_reply(info, &header);
	if (!reply)
		return -ENOMEM;

	rtnl_lock();
	err = -ENODEV;
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
	if (!gw)
		goto out;
	err = -ENOENT;
	device = doppel_nl_find_device(gw, info->attrs[DOPPEL_A_DEVICE_MAC], info->extack);
	if (device)
		err = fill_device(reply, device);
out:
	rtnl_unlock();
	return send_reply(info, reply, header, err);
}

int doppel_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_gateway *gw;
	struct sk_buff *reply;
	void *header;
	int err = -ENODEV;

	reply = begin_reply(info, &header);
	if (!reply)
		return -ENOMEM;

	rtnl_lock();
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = fill_stats(reply, gw);
	rtnl_unlock();
	return send_reply(info, reply, header, err);
}

/* --- Dumps: a part at a time; a change in between shows as NLM_F_DUMP_INTR. --------------- */

static void *begin_part(struct sk_buff *skb, struct netlink_callback *cb, u8 command)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &doppel_nl_family, NLM_F_MULTI, command);

	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

static int end_part(struct sk_buff *skb, void *header, int err)
{
	if (err)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return err;
}

/* What a dump gives back: bytes are there to be sent, the end, or an error before either. */
static int dumped(const struct sk_buff *skb, int err)
{
	return err == -EMSGSIZE && skb->len ? skb->len : err;
}

/* cb->args[0]: the devices that were dumped. */
int doppel_nl_device_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct doppel_device *device;
	struct doppel_gateway *gw;
	long done = cb->args[0], n = 0;
	int err = 0;

	rtnl_lock();
	gw = doppel_nl_find_gateway(sock_net(skb->sk), cb->extack);
	if (!gw) {
		err = -ENODEV;
		goto out;
	}

	cb->seq = gw->generation;
	list_for_each_entry(device, &gw->devices, list) {
		void *header;

		if (n++ < done)
			continue;
		header = begin_part(skb, cb, DOPPEL_CMD_DEVICE_GET);
		err = header ? end_part(skb, header, fill_device(skb, device)) : -EMSGSIZE;
		if (err)
			break;
		cb->args[0] = n;
	}
out:
	rtnl_unlock();
	return dumped(skb, err);
}

/* cb->args[0]: the devices whose forwards were dumped; args[1]: the next one's that were. */
int doppel_nl_forward_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	long done = cb->args[0], n = 0;
	struct doppel_device *device;
	struct doppel_gateway *gw;
	int err = 0;

	rtnl_lock();
	gw = doppel_nl_find_gateway(sock_net(skb->sk), cb->extack);
	if (!gw) {
		err = -ENODEV;
		goto out;
	}

	cb->seq = gw->generation;
	list_for_each_entry(device, &gw->devices, list) {
		const struct doppel_forward *forward;
		long m = 0;

		if (n++ < done)
			continue;
		list_for_each_entry(forward, &device->forwards, list) {
			void *header;

			if (m++ < cb->args[1])
				continue;
			header = begin_part(skb, cb, DOPPEL_CMD_FORWARD_GET);
			err = header ? end_part(skb, header, fill_forward(skb, forward)) : -EMSGSIZE;
			if (err)
				goto out;
			cb->args[1] = m;
		}
		cb->args[0] = n;
		cb->args[1] = 0;
	}
out:
	rtnl_unlock();
	return dumped(skb, err);
}

/* cb->args[0]: the mappings that were dumped. */
int doppel_nl_mapping_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct doppel_mapping *mapping;
	struct doppel_gateway *gw;
	long done = cb->args[0], n = 0;
	int err = 0;

	rtnl_lock();
	gw = doppel_nl_find_gateway(sock_net(skb->sk), cb->extack);
	if (!gw) {
		err = -ENODEV;
		goto out;
	}

	cb->seq = gw->generation;
	list_for_each_entry(mapping, &gw->mappings, list) {
		void *header;

		if (n++ < done)
			continue;
		header = begin_part(skb, cb, DOPPEL_CMD_MAPPING_GET);
		err = header ? end_part(skb, header, fill_mapping(skb, mapping)) : -EMSGSIZE;
		if (err)
			break;
		cb->args[0] = n;
	}
out:
	rtnl_unlock();
	return dumped(skb, err);
}

/* A walk over the sessions keeps its place in the table from part to part, so the table stays
 * even when the gateway goes meanwhile.
 */
struct session_dump {
	struct doppel_gateway *gw;
	struct rhashtable_iter iter;
	u32 seq;
};

int doppel_nl_session_get_start(struct netlink_callback *cb)
{
	struct session_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;

	rtnl_lock();
	dump->gw = doppel_nl_find_gateway(sock_net(cb->skb->sk), cb->extack);
	if (dump->gw)
		doppel_gateway_hold(dump->gw);
	rtnl_unlock();
	if (!dump->gw) {
		kfree(dump);
		return -ENODEV;
	}

	dump->seq = 1;
	rhashtable_walk_enter(&dump->gw->sessions_lan, &dump->iter);
	cb->args[0] = (long)dump;
	return 0;
}

int doppel_nl_session_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct session_dump *dump = (struct session_dump *)cb->args[0];
	struct doppel_session *session;
	int err = 0;

	/* -EAGAIN: the table was resized, and the walk begins anew. */
	if (rhashtable_walk_start_check(&dump->iter) == -EAGAIN)
		dump->seq++;
	session = rhashtable_walk_peek(&dump->iter);
	while (session) {
		void *header;

		if (IS_ERR(session)) {
			dump->seq++;
			session = rhashtable_walk_next(&dump->iter);
			continue;
		}
		cb->seq = dump->seq;
		header = begin_part(skb, cb, DOPPEL_CMD_SESSION_GET);
		err = header ? end_part(skb, header, fill_session(skb, session)) : -EMSGSIZE;
		if (err)
			break;
		session = rhashtable_walk_next(&dump->iter);
	}
	rhashtable_walk_stop(&dump->iter);
	cb->seq = dump->seq;
	return dumped(skb, err);
}

int doppel_nl_session_get_done(struct netlink_callback *cb)
{
	struct session_dump *dump = (struct session_dump *)cb->args[0];

	rhashtable_walk_exit(&dump->iter);
	doppel_gateway_put(dump->gw);
	kfree(dump);
	return 0;
}
