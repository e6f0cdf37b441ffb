/* SPDX-License-Identifier: GPL-2.0-only */
/* WireGuard's messages to and from structs. */
#ifndef DOPPEL_KERNEL_WIREGUARD_ATTR_H
#define DOPPEL_KERNEL_WIREGUARD_ATTR_H

#include <netlink/msg.h>

#include "kernel/wireguard.h"

/*
 * One message of a device's dump, into what those before it said: what finds no room in one
 * message goes on in the next, in the middle of a peer's allowed IPs as well. 0 or a negative errno.
 */
int doppel_parse_wireguard(struct nlmsghdr *header, struct wireguard_device *device);

/* How far a row of changes has been put into messages. Begin with {}. */
struct wireguard_progress {
	size_t change, allowed_ip;
};

/* As many as find room. 0, or -EMSGSIZE if it is none at all. */
int doppel_put_wireguard_changes(struct nl_msg *msg, const struct wireguard_change *changes,
				 size_t count, struct wireguard_progress *progress);

#endif
