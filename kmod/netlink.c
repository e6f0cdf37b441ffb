// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "forward.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "refuse.h"
#include "session.h"
#include "stats.h"

/* --- Reading requests. ------------------------------------------------------------------- */

/* RTNL. */
static struct doppel_gateway *find_gateway(const struct net *net, struct netlink_ext_ack *extack)
{
	struct doppel_gateway *gw = doppel_gateway_get(net);

	if (!gw)
		NL_SET_ERR_MSG_MOD(extack,
				   "no gateway in this network namespace: send gateway-set first");
	return gw;
}

/* A mandatory attribute; says so in words, too. */
#define MISSING(info, attr, name) ({							\
	bool __missing = GENL_REQ_ATTR_CHECK(info, attr);				\
											\
	if (__missing)									\
		NL_SET_ERR_MSG_MOD((info)->extack, name " is missing");			\
	__missing;									\
})

/* Which of the attributes up to @max are there, a bit for each. */
static u32 given(struct nlattr **attrs, unsigned int max)
{
	unsigned int i;
	u32 bits = 0;

	for (i = 1; i <= max; i++)
		if (attrs[i])
			bits |= BIT(i);
	return bits;
}

static u32 get_u32(const struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static u8 get_u8(const struct nlattr *attr)
{
	return attr ? nla_get_u8(attr) : 0;
}

static __be32 get_addr4(const struct nlattr *attr)
{
	return attr ? nla_get_in_addr(attr) : 0;
}

static struct in6_addr get_addr6(const struct nlattr *attr)
{
	return attr ? nla_get_in6_addr(attr) : in6addr_any;
}

static const int timeout_attrs[DOPPEL_TIMEOUTS] = {
	[DOPPEL_TIMEOUT_TCP_SYN] = DOPPEL_A_TIMEOUTS_TCP_SYN,
	[DOPPEL_TIMEOUT_TCP_ESTABLISHED] = DOPPEL_A_TIMEOUTS_TCP_ESTABLISHED,
	[DOPPEL_TIMEOUT_TCP_CLOSING] = DOPPEL_A_TIMEOUTS_TCP_CLOSING,
	[DOPPEL_TIMEOUT_UDP] = DOPPEL_A_TIMEOUTS_UDP,
	[DOPPEL_TIMEOUT_ICMP] = DOPPEL_A_TIMEOUTS_ICMP,
};

static int read_timeouts(struct doppel_gateway_settings *settings, const struct nlattr *nest,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[DOPPEL_A_TIMEOUTS_MAX + 1];
	unsigned int i;
	int err;

	if (!nest)
		return 0;
	err = nla_parse_nested(attrs, DOPPEL_A_TIMEOUTS_MAX, nest, doppel_timeouts_nl_policy,
			       extack);
	if (err)
		return err;

	for (i = 0; i < DOPPEL_TIMEOUTS; i++)
		settings->timeouts[i] = get_u32(attrs[timeout_attrs[i]]);
	return 0;
}

static int read_address(struct doppel_device_settings *settings, const struct nlattr *nest,
			struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[DOPPEL_A_ADDRESS_MAX + 1];
	int err;

	err = nla_parse_nested(attrs, DOPPEL_A_ADDRESS_MAX, nest, doppel_address_nl_policy,
			       extack);
	if (err)
		return err;
	if (NL_REQ_ATTR_CHECK(extack, nest, attrs, DOPPEL_A_ADDRESS_IPV6) ||
	    NL_REQ_ATTR_CHECK(extack, nest, attrs, DOPPEL_A_ADDRESS_PREFIX_LEN)) {
		NL_SET_ERR_MSG_MOD(extack, "an address needs ipv6 and prefix-len");
		return -EINVAL;
	}
	if (settings->n_wan_ipv6 == DOPPEL_ADDRESSES_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, nest, KBUILD_MODNAME ": more addresses than fit");
		return -E2BIG;
	}

	settings->wan_ipv6[settings->n_wan_ipv6].addr = get_addr6(attrs[DOPPEL_A_ADDRESS_IPV6]);
	settings->wan_ipv6[settings->n_wan_ipv6].prefix_len =
		get_u8(attrs[DOPPEL_A_ADDRESS_PREFIX_LEN]);
	settings->n_wan_ipv6++;
	return 0;
}

static int read_addresses(struct doppel_device_settings *settings, const struct nlattr *list,
			  struct netlink_ext_ack *extack)
{
	const struct nlattr *nest;
	int left, err;

	if (!list)
		return 0;
	/* The policy has seen that these are well-formed nests. */
	nla_for_each_nested(nest, list, left) {
		if (nla_type(nest) != DOPPEL_A_ADDRESSES_ADDRESS)
			continue;
		err = read_address(settings, nest, extack);
		if (err)
			return err;
	}
	return 0;
}

static int read_device(struct doppel_device_settings *settings, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;

	if (MISSING(info, DOPPEL_A_DEVICE_MAC, "mac"))
		return -EINVAL;

	settings->given = given(attrs, DOPPEL_A_DEVICE_WAN_ROUTER6);
	settings->attrs = attrs;
	nla_memcpy(settings->mac, attrs[DOPPEL_A_DEVICE_MAC], ETH_ALEN);
	settings->lan_ipv4 = get_addr4(attrs[DOPPEL_A_DEVICE_LAN_IPV4]);
	settings->wan_ipv4 = get_addr4(attrs[DOPPEL_A_DEVICE_WAN_IPV4]);
	settings->wan_prefix_len = get_u8(attrs[DOPPEL_A_DEVICE_WAN_PREFIX_LEN]);
	settings->wan_router = get_addr4(attrs[DOPPEL_A_DEVICE_WAN_ROUTER]);
	settings->link_local = get_addr6(attrs[DOPPEL_A_DEVICE_LINK_LOCAL]);
	settings->wan_router6 = get_addr6(attrs[DOPPEL_A_DEVICE_WAN_ROUTER6]);
	return read_addresses(settings, attrs[DOPPEL_A_DEVICE_WAN_IPV6], info->extack);
}

/* --- Writing replies. -------------------------------------------------------------------- */

static int put_counters(struct sk_buff *skb, int type,
			const struct doppel_counters __percpu *counters)
{
	struct nlattr *nest = nla_nest_start(skb, type);
	struct doppel_counters_sum sum;

	if (!nest)
		return -EMSGSIZE;

	doppel_counters_sum(counters, &sum);
	if (nla_put_uint(skb, DOPPEL_A_COUNTERS_LAN_PACKETS, sum.lan_packets) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_LAN_BYTES, sum.lan_bytes) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_WAN_PACKETS, sum.wan_packets) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_WAN_BYTES, sum.wan_bytes) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_DROPPED, sum.dropped) ||
	    nla_put_uint(skb, DOPPEL_A_COUNTERS_SESSIONS, sum.sessions))
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
		if (nla_put_u32(skb, timeout_attrs[i], gw->timeouts[i] / HZ))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
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
	    put_timeouts(skb, gw) ||
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

	if (nla_put(skb, DOPPEL_A_DEVICE_MAC, ETH_ALEN, device->mac) ||
	    nla_put_in_addr(skb, DOPPEL_A_DEVICE_LAN_IPV4, device->lan_ipv4) ||
	    nla_put_in_addr(skb, DOPPEL_A_DEVICE_WAN_IPV4, identity->wan_ipv4) ||
	    nla_put_u8(skb, DOPPEL_A_DEVICE_WAN_PREFIX_LEN, inet_mask_len(identity->wan_mask)) ||
	    nla_put_in_addr(skb, DOPPEL_A_DEVICE_WAN_ROUTER, identity->wan_router) ||
	    nla_put_in6_addr(skb, DOPPEL_A_DEVICE_LINK_LOCAL, &identity->link_local.addr) ||
	    put_addresses(skb, identity) ||
	    nla_put_in6_addr(skb, DOPPEL_A_DEVICE_WAN_ROUTER6, &identity->wan_router6) ||
	    put_counters(skb, DOPPEL_A_DEVICE_COUNTERS, device->counters) ||
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
	    nla_put_u32(skb, DOPPEL_A_SESSION_EXPIRES, doppel_session_expires_in(session)))
		return -EMSGSIZE;
	return 0;
}

static int fill_stats(struct sk_buff *skb, const struct doppel_gateway *gw)
{
	unsigned int reason;

	if (put_counters(skb, DOPPEL_A_STATS_COUNTERS, gw->counters))
		return -EMSGSIZE;
	for (reason = 0; reason < DOPPEL_DROP_REASONS; reason++) {
		struct nlattr *nest = nla_nest_start(skb, DOPPEL_A_STATS_DROP);

		if (!nest || nla_put_u32(skb, DOPPEL_A_DROP_REASON, reason) ||
		    nla_put_uint(skb, DOPPEL_A_DROP_PACKETS, doppel_drops_sum(gw->drops, reason)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

/* --- Commands. --------------------------------------------------------------------------- */

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

int doppel_nl_gateway_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct doppel_gateway_settings settings = {
		.given = given(attrs, DOPPEL_A_GATEWAY_TIMEOUTS),
		.attrs = attrs,
		.lan_ifindex = get_u32(attrs[DOPPEL_A_GATEWAY_LAN_IFINDEX]),
		.wan_ifindex = get_u32(attrs[DOPPEL_A_GATEWAY_WAN_IFINDEX]),
		.lan_ipv4 = get_addr4(attrs[DOPPEL_A_GATEWAY_LAN_IPV4]),
		.lan_prefix_len = get_u8(attrs[DOPPEL_A_GATEWAY_LAN_PREFIX_LEN]),
		.identity = get_u32(attrs[DOPPEL_A_GATEWAY_IDENTITY]),
		.max_devices = get_u32(attrs[DOPPEL_A_GATEWAY_MAX_DEVICES]),
		.max_sessions = get_u32(attrs[DOPPEL_A_GATEWAY_MAX_SESSIONS]),
		.max_device_sessions = get_u32(attrs[DOPPEL_A_GATEWAY_MAX_DEVICE_SESSIONS]),
	};
	int err;

	err = read_timeouts(&settings, attrs[DOPPEL_A_GATEWAY_TIMEOUTS], info->extack);
	if (err)
		return err;

	rtnl_lock();
	err = doppel_gateway_set(genl_info_net(info), &settings, info->extack);
	rtnl_unlock();
	return err;
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
	gw = find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = fill_gateway(reply, gw);
	rtnl_unlock();
	return send_reply(info, reply, header, err);
}

int doppel_nl_gateway_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_gateway *gw;

	rtnl_lock();
	gw = find_gateway(genl_info_net(info), info->extack);
	if (gw)
		doppel_gateway_remove(gw);
	rtnl_unlock();
	return gw ? 0 : -ENODEV;
}

static int change_device(struct genl_info *info,
			 int (*how)(struct doppel_gateway *gw,
				    const struct doppel_device_settings *settings,
				    struct netlink_ext_ack *extack))
{
	struct doppel_device_settings settings = {};
	struct doppel_gateway *gw;
	int err;

	err = read_device(&settings, info);
	if (err)
		return err;

	err = -ENODEV;
	rtnl_lock();
	gw = find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = how(gw, &settings, info->extack);
	rtnl_unlock();
	return err;
}

int doppel_nl_device_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	return change_device(info, doppel_device_add);
}

int doppel_nl_device_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	return change_device(info, doppel_device_set);
}

int doppel_nl_device_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_gateway *gw;
	int err = -ENODEV;

	if (MISSING(info, DOPPEL_A_DEVICE_MAC, "mac"))
		return -EINVAL;

	rtnl_lock();
	gw = find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = doppel_device_del(gw, nla_data(info->attrs[DOPPEL_A_DEVICE_MAC]),
					info->extack);
	rtnl_unlock();
	return err;
}

static struct doppel_device *find_device(struct doppel_gateway *gw, struct nlattr *mac,
					 struct netlink_ext_ack *extack)
{
	struct doppel_device *device = doppel_device_by_mac(gw, nla_data(mac));

	if (!device)
		NL_SET_ERR_MSG_ATTR(extack, mac, KBUILD_MODNAME ": there is no device of this mac");
	return device;
}

int doppel_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_device *device;
	struct doppel_gateway *gw;
	struct sk_buff *reply;
	void *header;
	int err;

	if (MISSING(info, DOPPEL_A_DEVICE_MAC, "mac"))
		return -EINVAL;
	reply = begin_reply(info, &header);
	if (!reply)
		return -ENOMEM;

	rtnl_lock();
	err = -ENODEV;
	gw = find_gateway(genl_info_net(info), info->extack);
	if (!gw)
		goto out;
	err = -ENOENT;
	device = find_device(gw, info->attrs[DOPPEL_A_DEVICE_MAC], info->extack);
	if (device)
		err = fill_device(reply, device);
out:
	rtnl_unlock();
	return send_reply(info, reply, header, err);
}

int doppel_nl_forward_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct doppel_gateway *gw;
	u16 port, to;
	int err;

	if (MISSING(info, DOPPEL_A_FORWARD_MAC, "mac") ||
	    MISSING(info, DOPPEL_A_FORWARD_PROTOCOL, "protocol") ||
	    MISSING(info, DOPPEL_A_FORWARD_PORT, "port"))
		return -EINVAL;
	port = nla_get_u16(attrs[DOPPEL_A_FORWARD_PORT]);
	to = attrs[DOPPEL_A_FORWARD_TO] ? nla_get_u16(attrs[DOPPEL_A_FORWARD_TO]) : port;

	err = -ENODEV;
	rtnl_lock();
	gw = find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = doppel_forward_add(gw, nla_data(attrs[DOPPEL_A_FORWARD_MAC]),
					 nla_get_u8(attrs[DOPPEL_A_FORWARD_PROTOCOL]), port, to,
					 info->extack);
	rtnl_unlock();
	return err;
}

int doppel_nl_forward_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct doppel_gateway *gw;
	int err = -ENODEV;

	if (MISSING(info, DOPPEL_A_FORWARD_MAC, "mac") ||
	    MISSING(info, DOPPEL_A_FORWARD_PROTOCOL, "protocol") ||
	    MISSING(info, DOPPEL_A_FORWARD_PORT, "port"))
		return -EINVAL;

	rtnl_lock();
	gw = find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = doppel_forward_del(gw, nla_data(attrs[DOPPEL_A_FORWARD_MAC]),
					 nla_get_u8(attrs[DOPPEL_A_FORWARD_PROTOCOL]),
					 nla_get_u16(attrs[DOPPEL_A_FORWARD_PORT]), info->extack);
	rtnl_unlock();
	return err;
}

int doppel_nl_session_flush_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *mac = info->attrs[DOPPEL_A_SESSION_MAC];
	struct doppel_device *device;
	struct doppel_gateway *gw;
	int err = 0;

	rtnl_lock();
	gw = find_gateway(genl_info_net(info), info->extack);
	if (!gw) {
		err = -ENODEV;
		goto out;
	}
	if (!mac) {
		doppel_devices_flush(gw);
		goto out;
	}
	device = find_device(gw, mac, info->extack);
	if (device)
		doppel_sessions_flush(device, NULL);
	else
		err = -ENOENT;
out:
	rtnl_unlock();
	return err;
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
	gw = find_gateway(genl_info_net(info), info->extack);
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
	gw = find_gateway(sock_net(skb->sk), cb->extack);
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
	gw = find_gateway(sock_net(skb->sk), cb->extack);
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
	dump->gw = find_gateway(sock_net(cb->skb->sk), cb->extack);
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

/* --- The family. ------------------------------------------------------------------------- */

#ifndef DOPPEL_HAVE_GENL_SPLIT_OPS
/* Linux 6.1 wants one entry for both the do and the dump of a command. */
static int __init merge_ops(void)
{
	static struct genl_ops merged[DOPPEL_CMD_MAX];
	unsigned int i, n = 0;

	for (i = 0; i < doppel_nl_family.n_ops; i++) {
		const struct genl_ops *op = &doppel_nl_family.ops[i];

		if (n && merged[n - 1].cmd == op->cmd) {
			merged[n - 1].start = op->start;
			merged[n - 1].dumpit = op->dumpit;
			merged[n - 1].done = op->done;
			merged[n - 1].flags |= op->flags;
			continue;
		}
		if (WARN_ON(n == ARRAY_SIZE(merged)))
			return -EINVAL;
		merged[n++] = *op;
	}
	doppel_nl_family.ops = merged;
	doppel_nl_family.n_ops = n;
	doppel_nl_family.resv_start_op = 1;
	return 0;
}
#else
static int __init merge_ops(void)
{
	return 0;
}
#endif

/* Events show addresses. The generator knows no permissions for listeners. */
static const struct genl_multicast_group groups[] = {
	[DOPPEL_NLGRP_EVENTS] = { .name = "events", .flags = GENL_MCAST_CAP_NET_ADMIN },
};

int __init doppel_netlink_init(void)
{
	int err;

	doppel_nl_family.mcgrps = groups;
	err = merge_ops();
	if (err)
		return err;
	return genl_register_family(&doppel_nl_family);
}

void doppel_netlink_exit(void)
{
	genl_unregister_family(&doppel_nl_family);
}
