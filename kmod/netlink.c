// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "forward.h"
#include "mapping.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "netlink-request.h"
#include "refuse.h"
#include "session.h"

/* --- Reading requests. ------------------------------------------------------------------- */

struct doppel_gateway *doppel_nl_find_gateway(const struct net *net,
					      struct netlink_ext_ack *extack)
{
	struct doppel_gateway *gw = doppel_gateway_get(net);

	if (!gw)
		NL_SET_ERR_MSG_MOD(extack,
				   "no gateway in this network namespace: send gateway-set first");
	return gw;
}

struct doppel_device *doppel_nl_find_device(struct doppel_gateway *gw, struct nlattr *mac,
					    struct netlink_ext_ack *extack)
{
	struct doppel_device *device = doppel_device_by_mac(gw, nla_data(mac));

	if (!device)
		NL_SET_ERR_MSG_ATTR(extack, mac, KBUILD_MODNAME ": there is no device of this mac");
	return device;
}

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

const int doppel_nl_timeouts[DOPPEL_TIMEOUTS] = {
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
		settings->timeouts[i] = get_u32(attrs[doppel_nl_timeouts[i]]);
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

	if (DOPPEL_MISSING(info, DOPPEL_A_DEVICE_MAC, "mac"))
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

/* --- Commands. --------------------------------------------------------------------------- */

int doppel_nl_gateway_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct doppel_gateway_settings settings = {
		.given = given(attrs, DOPPEL_A_GATEWAY_FILTER),
		.attrs = attrs,
		.lan_ifindex = get_u32(attrs[DOPPEL_A_GATEWAY_LAN_IFINDEX]),
		.wan_ifindex = get_u32(attrs[DOPPEL_A_GATEWAY_WAN_IFINDEX]),
		.lan_ipv4 = get_addr4(attrs[DOPPEL_A_GATEWAY_LAN_IPV4]),
		.lan_prefix_len = get_u8(attrs[DOPPEL_A_GATEWAY_LAN_PREFIX_LEN]),
		.identity = get_u32(attrs[DOPPEL_A_GATEWAY_IDENTITY]),
		.max_devices = get_u32(attrs[DOPPEL_A_GATEWAY_MAX_DEVICES]),
		.max_sessions = get_u32(attrs[DOPPEL_A_GATEWAY_MAX_SESSIONS]),
		.max_device_sessions = get_u32(attrs[DOPPEL_A_GATEWAY_MAX_DEVICE_SESSIONS]),
		.nat64_prefix = get_addr6(attrs[DOPPEL_A_GATEWAY_NAT64_PREFIX]),
		.nat64_prefix_len = get_u8(attrs[DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN]),
		.filter = get_u32(attrs[DOPPEL_A_GATEWAY_FILTER]),
	};
	int err;

	if (attrs[DOPPEL_A_GATEWAY_LENDER])
		nla_memcpy(settings.lender, attrs[DOPPEL_A_GATEWAY_LENDER], ETH_ALEN);
	err = read_timeouts(&settings, attrs[DOPPEL_A_GATEWAY_TIMEOUTS], info->extack);
	if (err)
		return err;

	rtnl_lock();
	err = doppel_gateway_set(genl_info_net(info), &settings, info->extack);
	rtnl_unlock();
	return err;
}

int doppel_nl_gateway_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_gateway *gw;

	rtnl_lock();
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
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
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
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

	if (DOPPEL_MISSING(info, DOPPEL_A_DEVICE_MAC, "mac"))
		return -EINVAL;

	rtnl_lock();
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = doppel_device_del(gw, nla_data(info->attrs[DOPPEL_A_DEVICE_MAC]),
					info->extack);
	rtnl_unlock();
	return err;
}

int doppel_nl_forward_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct doppel_gateway *gw;
	u16 port, to;
	int err;

	if (DOPPEL_MISSING(info, DOPPEL_A_FORWARD_MAC, "mac") ||
	    DOPPEL_MISSING(info, DOPPEL_A_FORWARD_PROTOCOL, "protocol") ||
	    DOPPEL_MISSING(info, DOPPEL_A_FORWARD_PORT, "port"))
		return -EINVAL;
	port = nla_get_u16(attrs[DOPPEL_A_FORWARD_PORT]);
	to = attrs[DOPPEL_A_FORWARD_TO] ? nla_get_u16(attrs[DOPPEL_A_FORWARD_TO]) : port;

	err = -ENODEV;
	rtnl_lock();
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
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

	if (DOPPEL_MISSING(info, DOPPEL_A_FORWARD_MAC, "mac") ||
	    DOPPEL_MISSING(info, DOPPEL_A_FORWARD_PROTOCOL, "protocol") ||
	    DOPPEL_MISSING(info, DOPPEL_A_FORWARD_PORT, "port"))
		return -EINVAL;

	rtnl_lock();
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
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
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
	if (!gw) {
		err = -ENODEV;
		goto out;
	}
	if (!mac) {
		doppel_devices_flush(gw);
		goto out;
	}
	device = doppel_nl_find_device(gw, mac, info->extack);
	if (device)
		doppel_sessions_flush(device, NULL);
	else
		err = -ENOENT;
out:
	rtnl_unlock();
	return err;
}

int doppel_nl_mapping_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_gateway *gw;
	struct in6_addr ipv6;
	int err = -ENODEV;

	if (DOPPEL_MISSING(info, DOPPEL_A_MAPPING_IPV4, "ipv4") ||
	    DOPPEL_MISSING(info, DOPPEL_A_MAPPING_IPV6, "ipv6"))
		return -EINVAL;
	ipv6 = nla_get_in6_addr(info->attrs[DOPPEL_A_MAPPING_IPV6]);

	rtnl_lock();
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = doppel_mapping_add(gw, nla_get_in_addr(info->attrs[DOPPEL_A_MAPPING_IPV4]),
					 &ipv6, info->extack);
	rtnl_unlock();
	return err;
}

int doppel_nl_mapping_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct doppel_gateway *gw;
	int err = -ENODEV;

	if (DOPPEL_MISSING(info, DOPPEL_A_MAPPING_IPV4, "ipv4"))
		return -EINVAL;

	rtnl_lock();
	gw = doppel_nl_find_gateway(genl_info_net(info), info->extack);
	if (gw)
		err = doppel_mapping_del(gw, nla_get_in_addr(info->attrs[DOPPEL_A_MAPPING_IPV4]),
					 info->extack);
	rtnl_unlock();
	return err;
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
