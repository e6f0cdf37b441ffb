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
static const struct nla_policy doppel_gateway_set_nl_policy[DOPPEL_A_GATEWAY_TIMEOUTS + 1] = {
	[DOPPEL_A_GATEWAY_LAN_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[DOPPEL_A_GATEWAY_WAN_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[DOPPEL_A_GATEWAY_LAN_IPV4] = { .type = NLA_U32, },
	[DOPPEL_A_GATEWAY_LAN_PREFIX_LEN] = NLA_POLICY_RANGE(NLA_U8, 1, 30),
	[DOPPEL_A_GATEWAY_IDENTITY] = NLA_POLICY_MAX(NLA_U32, 1),
	[DOPPEL_A_GATEWAY_MAX_DEVICES] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_gateway_max_devices_range),
	[DOPPEL_A_GATEWAY_MAX_SESSIONS] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_gateway_max_sessions_range),
	[DOPPEL_A_GATEWAY_MAX_DEVICE_SESSIONS] = NLA_POLICY_FULL_RANGE(NLA_U32, &doppel_a_gateway_max_device_sessions_range),
	[DOPPEL_A_GATEWAY_TIMEOUTS] = NLA_POLICY_NESTED(doppel_timeouts_nl_policy),
};

/* DOPPEL_CMD_GATEWAY_DEL - do */
