/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	uapi/doppel.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_DOPPEL_GEN_H
#define _LINUX_DOPPEL_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/doppel.h>

/* Common nested types */
extern const struct nla_policy doppel_address_nl_policy[DOPPEL_A_ADDRESS_PREFIX_LEN + 1];
extern const struct nla_policy doppel_addresses_nl_policy[DOPPEL_A_ADDRESSES_ADDRESS + 1];
extern const struct nla_policy doppel_timeouts_nl_policy[DOPPEL_A_TIMEOUTS_ICMP + 1];

int doppel_nl_session_get_start(struct netlink_callback *cb);
int doppel_nl_session_get_done(struct netlink_callback *cb);

int doppel_nl_gateway_set_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_gateway_get_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_gateway_del_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_device_add_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_device_set_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_device_del_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_device_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int doppel_nl_forward_add_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_forward_del_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_forward_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int doppel_nl_session_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int doppel_nl_session_flush_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_mapping_add_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_mapping_del_doit(struct sk_buff *skb, struct genl_info *info);
int doppel_nl_mapping_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);

enum {
	DOPPEL_NLGRP_EVENTS,
};

extern struct genl_family doppel_nl_family;

#endif /* _LINUX_DOPPEL_GEN_H */
