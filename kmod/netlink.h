/* SPDX-License-Identifier: GPL-2.0-only */
/* The netlink family: commands in, events out. */
#ifndef _DOPPEL_NETLINK_H
#define _DOPPEL_NETLINK_H

#include "device.h"

/* What keeps a gateway's events from becoming a flood; NULL without memory; freed by kfree(). */
struct doppel_told *doppel_told_alloc(void);

/* Events may be told from softirq. Each is rate-limited where a sender on the wire could
 * cause it at will; what is lost so is told again by the next frame.
 */
void doppel_notify_device_seen(struct doppel_gateway *gw, const u8 *mac, __be32 addr);
void doppel_notify_device_moved(struct doppel_gateway *gw, const u8 *mac, __be32 addr);
void doppel_notify_conflict4(struct doppel_gateway *gw, enum doppel_port port,
			     const struct doppel_device *device, __be32 addr, const u8 *other);
void doppel_notify_conflict6(struct doppel_gateway *gw, const struct doppel_device *device,
			     const struct in6_addr *addr, const u8 *other);
void doppel_notify_port_gone(struct doppel_gateway *gw, enum doppel_port port);
void doppel_notify_table_full(struct doppel_gateway *gw, enum doppel_table table);

int doppel_netlink_init(void);
void doppel_netlink_exit(void);

#endif
