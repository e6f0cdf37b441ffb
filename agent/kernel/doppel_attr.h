/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attributes of the netlink family `doppel` to and from the structs of kernel/doppel.h. The put
 * functions return 0 or -EMSGSIZE, the parse functions 0 or -EPROTO for a message that is not what
 * uapi/doppel.yaml says; attributes that this agent does not know are passed over.
 */
#ifndef DOPPEL_KERNEL_DOPPEL_ATTR_H
#define DOPPEL_KERNEL_DOPPEL_ATTR_H

#include <linux/genetlink.h>

#include "kernel/doppel.h"

struct nl_msg;
struct nlmsghdr;

int doppel_put_gateway(struct nl_msg *msg, const struct module_gateway *gateway, unsigned int what);
int doppel_put_device(struct nl_msg *msg, const struct module_device *device, unsigned int what);
int doppel_put_forward(struct nl_msg *msg, const struct module_forward *forward, bool with_to);
int doppel_put_mapping(struct nl_msg *msg, const struct module_mapping *mapping, bool with_ipv6);
int doppel_put_mac(struct nl_msg *msg, int attribute, const struct mac *mac);

int doppel_parse_gateway(struct nlmsghdr *header, struct module_gateway *gateway);
int doppel_parse_device(struct nlmsghdr *header, struct module_device *device);
int doppel_parse_forward(struct nlmsghdr *header, struct module_forward *forward);
int doppel_parse_mapping(struct nlmsghdr *header, struct module_mapping *mapping);
int doppel_parse_session(struct nlmsghdr *header, struct module_session *session);
int doppel_parse_stats(struct nlmsghdr *header, struct module_stats *stats);
/* -ENOMSG for a notification that this agent does not know. */
int doppel_parse_event(struct nlmsghdr *header, struct module_event *event);

#endif
