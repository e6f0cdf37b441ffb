/* SPDX-License-Identifier: GPL-2.0-only */
/* What may come in: a WAN port of a device's identity that leads to a port of
 * the device, for both families.
 */
#ifndef _DOPPEL_FORWARD_H
#define _DOPPEL_FORWARD_H

#include "device.h"

struct doppel_forward_key {
	struct doppel_device *device;
	u16 port;
	u8 protocol;
	u8 pad;
};

/**
 * struct doppel_forward - a WAN port that leads to a port of a device
 * @node: in &doppel_gateway.forwards
 * @list: in &doppel_device.forwards; RTNL, RCU for reading
 * @key: the device, the port on the WAN in host byte order, IPPROTO_TCP or IPPROTO_UDP
 * @to: the device's port, host byte order
 * @rcu: frees it
 */
struct doppel_forward {
	struct rhash_head node;
	struct list_head list;
	struct doppel_forward_key key;
	u16 to;
	struct rcu_head rcu;
};

/* RCU or RTNL; port in host byte order; NULL if there is none. */
struct doppel_forward *doppel_forward_lookup(struct doppel_gateway *gw,
					     struct doppel_device *device, u8 protocol, u16 port);

/* RTNL, may sleep; say why not in extack and then change nothing. */
int doppel_forward_add(struct doppel_gateway *gw, const u8 *mac, u8 protocol, u16 port, u16 to,
		       struct netlink_ext_ack *extack);
/* Ends the sessions that came in by it. */
int doppel_forward_del(struct doppel_gateway *gw, const u8 *mac, u8 protocol, u16 port,
		       struct netlink_ext_ack *extack);
/* Removes all of a device that is unlinked; RTNL. */
void doppel_forwards_clear(struct doppel_device *device);

int doppel_forwards_init(struct doppel_gateway *gw);
void doppel_forwards_destroy(struct doppel_gateway *gw);

#endif
