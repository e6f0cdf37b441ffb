// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	uapi/doppel.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/doppel.h>

/* Integer value ranges */
static const struct netlink_range_validation doppel_a_timeouts_tcp_syn_range = {
	.min	= 1ULL,
	.max	= DOPPEL_TIMEOUT_LIMIT,
};

static const struct netlink_range_validation doppel_a_timeouts_tcp_established_range = {
	.min	= 1ULL,
	.max	= DOPPEL_TIMEOUT_LIMIT,
};

static const struct netlink_range_validation doppel_a_timeouts_tcp_closing_range = {
	.min	= 1ULL,
	.max	= DOPPEL_TIMEOUT_LIMIT,
};

static const struct netlink_range_validation doppel_a_timeouts_udp_range = {
	.min	= 1ULL,
	.max	= DOPPEL_TIMEOUT_LIMIT,
};

static const struct netlink_range_validation doppel_a_timeouts_icmp_range = {
	.min	= 1ULL,
	.max	= DOPPEL_TIMEOUT_LIMIT,
};

static const struct netlink_range_validation doppel_a_gateway_max_devices_range = {
	.min	= 1ULL,
	.max	= DOPPEL_DEVICES_LIMIT,
};

static const struct netlink_range_validation doppel_a_gateway_max_sessions_range = {
	.min	= 1ULL,
	.max	= DOPPEL_SESSIONS_LIMIT,
};

static const struct netlink_range_validation doppel_a_gateway_max_device_sessions_range = {
	.min	= 1ULL,
	.max	= DOPPEL_SESSIONS_LIMIT,
};

/* Common nested types */
const struct nla_policy doppel_address_nl_policy[DOPPEL_A_ADDRESS_PREFIX_LEN + 1] = {
	[DOPPEL_A_ADDRESS_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[DOPPEL_A_ADDRESS_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
};

const struct nla_policy doppel_addresses_nl_policy[DOPPEL_A_ADDRESSES_ADDRESS + 1] = {
	[DOPPEL_A_ADDRESSES_ADDRESS] = NLA_POLICY_NESTED(doppel_address_nl_policy),
};

const struct nla_policy doppel_timeouts_nl_policy[DOPPEL_A_TIMEOUTS_ICMP + 1] = {
	[DOPPEL_A_TIMEOUTS_TCP_SYN] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_timeouts_tcp_syn_range),
	[DOPPEL_A_TIMEOUTS_TCP_ESTABLISHED] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_timeouts_tcp_established_range),
	[DOPPEL_A_TIMEOUTS_TCP_CLOSING] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_timeouts_tcp_closing_range),
	[DOPPEL_A_TIMEOUTS_UDP] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_timeouts_udp_range),
	[DOPPEL_A_TIMEOUTS_ICMP] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_timeouts_icmp_range),
};

/* DOPPEL_CMD_GATEWAY_SET - do */
static const struct nla_policy doppel_gateway_set_nl_policy[DOPPEL_A_GATEWAY_FILTER + 1] = {
	[DOPPEL_A_GATEWAY_LAN_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[DOPPEL_A_GATEWAY_WAN_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[DOPPEL_A_GATEWAY_LAN_IPV4] = { .type = NLA_U32, },
	[DOPPEL_A_GATEWAY_LAN_PREFIX_LEN] = NLA_POLICY_RANGE(NLA_U8, 1, 30),
	[DOPPEL_A_GATEWAY_IDENTITY] = NLA_POLICY_MAX(NLA_U32, 1),
	[DOPPEL_A_GATEWAY_MAX_DEVICES] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_gateway_max_devices_range),
	[DOPPEL_A_GATEWAY_MAX_SESSIONS] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_gateway_max_sessions_range),
	[DOPPEL_A_GATEWAY_MAX_DEVICE_SESSIONS] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_gateway_max_device_sessions_range),
	[DOPPEL_A_GATEWAY_TIMEOUTS] = NLA_POLICY_NESTED(doppel_timeouts_nl_policy),
	[DOPPEL_A_GATEWAY_LENDER] = NLA_POLICY_EXACT_LEN(6),
	[DOPPEL_A_GATEWAY_NAT64_PREFIX] = NLA_POLICY_EXACT_LEN(16),
	[DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 96),
	[DOPPEL_A_GATEWAY_FILTER] = NLA_POLICY_MAX(NLA_U32, 1),
};

/* DOPPEL_CMD_DEVICE_ADD - do */
static const struct nla_policy doppel_device_add_nl_policy[DOPPEL_A_DEVICE_WAN_ROUTER6 + 1] = {
	[DOPPEL_A_DEVICE_MAC] = NLA_POLICY_EXACT_LEN(6),
	[DOPPEL_A_DEVICE_LAN_IPV4] = { .type = NLA_U32, },
	[DOPPEL_A_DEVICE_WAN_IPV4] = { .type = NLA_U32, },
	[DOPPEL_A_DEVICE_WAN_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 32),
	[DOPPEL_A_DEVICE_WAN_ROUTER] = { .type = NLA_U32, },
	[DOPPEL_A_DEVICE_LINK_LOCAL] = NLA_POLICY_EXACT_LEN(16),
	[DOPPEL_A_DEVICE_WAN_IPV6] = NLA_POLICY_NESTED(doppel_addresses_nl_policy),
	[DOPPEL_A_DEVICE_WAN_ROUTER6] = NLA_POLICY_EXACT_LEN(16),
};

/* DOPPEL_CMD_DEVICE_SET - do */
static const struct nla_policy doppel_device_set_nl_policy[DOPPEL_A_DEVICE_WAN_ROUTER6 + 1] = {
	[DOPPEL_A_DEVICE_MAC] = NLA_POLICY_EXACT_LEN(6),
	[DOPPEL_A_DEVICE_LAN_IPV4] = { .type = NLA_U32, },
	[DOPPEL_A_DEVICE_WAN_IPV4] = { .type = NLA_U32, },
	[DOPPEL_A_DEVICE_WAN_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 32),
	[DOPPEL_A_DEVICE_WAN_ROUTER] = { .type = NLA_U32, },
	[DOPPEL_A_DEVICE_LINK_LOCAL] = NLA_POLICY_EXACT_LEN(16),
	[DOPPEL_A_DEVICE_WAN_IPV6] = NLA_POLICY_NESTED(doppel_addresses_nl_policy),
	[DOPPEL_A_DEVICE_WAN_ROUTER6] = NLA_POLICY_EXACT_LEN(16),
};

/* DOPPEL_CMD_DEVICE_DEL - do */
static const struct nla_policy doppel_device_del_nl_policy[DOPPEL_A_DEVICE_MAC + 1] = {
	[DOPPEL_A_DEVICE_MAC] = NLA_POLICY_EXACT_LEN(6),
};

/* DOPPEL_CMD_DEVICE_GET - do */
static const struct nla_policy doppel_device_get_nl_policy[DOPPEL_A_DEVICE_MAC + 1] = {
	[DOPPEL_A_DEVICE_MAC] = NLA_POLICY_EXACT_LEN(6),
};

/* DOPPEL_CMD_FORWARD_ADD - do */
static const struct nla_policy doppel_forward_add_nl_policy[DOPPEL_A_FORWARD_TO + 1] = {
	[DOPPEL_A_FORWARD_MAC] = NLA_POLICY_EXACT_LEN(6),
	[DOPPEL_A_FORWARD_PROTOCOL] = { .type = NLA_U8, },
	[DOPPEL_A_FORWARD_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[DOPPEL_A_FORWARD_TO] = NLA_POLICY_MIN(NLA_U16, 1),
};

/* DOPPEL_CMD_FORWARD_DEL - do */
static const struct nla_policy doppel_forward_del_nl_policy[DOPPEL_A_FORWARD_PORT + 1] = {
	[DOPPEL_A_FORWARD_MAC] = NLA_POLICY_EXACT_LEN(6),
	[DOPPEL_A_FORWARD_PROTOCOL] = { .type = NLA_U8, },
	[DOPPEL_A_FORWARD_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
};

/* DOPPEL_CMD_SESSION_FLUSH - do */
static const struct nla_policy doppel_session_flush_nl_policy[DOPPEL_A_SESSION_MAC + 1] = {
	[DOPPEL_A_SESSION_MAC] = NLA_POLICY_EXACT_LEN(6),
};

/* DOPPEL_CMD_MAPPING_ADD - do */
static const struct nla_policy doppel_mapping_add_nl_policy[DOPPEL_A_MAPPING_IPV6 + 1] = {
	[DOPPEL_A_MAPPING_IPV4] = { .type = NLA_U32, },
	[DOPPEL_A_MAPPING_IPV6] = NLA_POLICY_EXACT_LEN(16),
};

/* DOPPEL_CMD_MAPPING_DEL - do */
static const struct nla_policy doppel_mapping_del_nl_policy[DOPPEL_A_MAPPING_IPV4 + 1] = {
	[DOPPEL_A_MAPPING_IPV4] = { .type = NLA_U32, },
};

/* Ops table for doppel */
static const struct genl_split_ops doppel_nl_ops[] = {
	{
		.cmd		= DOPPEL_CMD_GATEWAY_SET,
		.doit		= doppel_nl_gateway_set_doit,
		.policy		= doppel_gateway_set_nl_policy,
		.maxattr	= DOPPEL_A_GATEWAY_FILTER,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= DOPPEL_CMD_GATEWAY_GET,
		.doit	= doppel_nl_gateway_get_doit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= DOPPEL_CMD_GATEWAY_DEL,
		.doit	= doppel_nl_gateway_del_doit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DOPPEL_CMD_DEVICE_ADD,
		.doit		= doppel_nl_device_add_doit,
		.policy		= doppel_device_add_nl_policy,
		.maxattr	= DOPPEL_A_DEVICE_WAN_ROUTER6,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DOPPEL_CMD_DEVICE_SET,
		.doit		= doppel_nl_device_set_doit,
		.policy		= doppel_device_set_nl_policy,
		.maxattr	= DOPPEL_A_DEVICE_WAN_ROUTER6,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DOPPEL_CMD_DEVICE_DEL,
		.doit		= doppel_nl_device_del_doit,
		.policy		= doppel_device_del_nl_policy,
		.maxattr	= DOPPEL_A_DEVICE_MAC,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DOPPEL_CMD_DEVICE_GET,
		.doit		= doppel_nl_device_get_doit,
		.policy		= doppel_device_get_nl_policy,
		.maxattr	= DOPPEL_A_DEVICE_MAC,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= DOPPEL_CMD_DEVICE_GET,
		.dumpit	= doppel_nl_device_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= DOPPEL_CMD_FORWARD_ADD,
		.doit		= doppel_nl_forward_add_doit,
		.policy		= doppel_forward_add_nl_policy,
		.maxattr	= DOPPEL_A_FORWARD_TO,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DOPPEL_CMD_FORWARD_DEL,
		.doit		= doppel_nl_forward_del_doit,
		.policy		= doppel_forward_del_nl_policy,
		.maxattr	= DOPPEL_A_FORWARD_PORT,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= DOPPEL_CMD_FORWARD_GET,
		.dumpit	= doppel_nl_forward_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= DOPPEL_CMD_SESSION_GET,
		.start	= doppel_nl_session_get_start,
		.dumpit	= doppel_nl_session_get_dumpit,
		.done	= doppel_nl_session_get_done,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= DOPPEL_CMD_SESSION_FLUSH,
		.doit		= doppel_nl_session_flush_doit,
		.policy		= doppel_session_flush_nl_policy,
		.maxattr	= DOPPEL_A_SESSION_MAC,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= DOPPEL_CMD_STATS_GET,
		.doit	= doppel_nl_stats_get_doit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DOPPEL_CMD_MAPPING_ADD,
		.doit		= doppel_nl_mapping_add_doit,
		.policy		= doppel_mapping_add_nl_policy,
		.maxattr	= DOPPEL_A_MAPPING_IPV6,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DOPPEL_CMD_MAPPING_DEL,
		.doit		= doppel_nl_mapping_del_doit,
		.policy		= doppel_mapping_del_nl_policy,
		.maxattr	= DOPPEL_A_MAPPING_IPV4,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= DOPPEL_CMD_MAPPING_GET,
		.dumpit	= doppel_nl_mapping_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group doppel_nl_mcgrps[] = {
	[DOPPEL_NLGRP_EVENTS] = { "events", },
};

struct genl_family doppel_nl_family __ro_after_init = {
	.name		= DOPPEL_FAMILY_NAME,
	.version	= DOPPEL_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= doppel_nl_ops,
	.n_split_ops	= ARRAY_SIZE(doppel_nl_ops),
	.mcgrps		= doppel_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(doppel_nl_mcgrps),
};
