/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters, per CPU: what passed, what was dropped and why. */
#ifndef _DOPPEL_STATS_H
#define _DOPPEL_STATS_H

#include <linux/u64_stats_sync.h>
#include "device.h"

#define DOPPEL_DROP_REASONS (DOPPEL_DROP_REASON_NEIGHBOUR + 1)

/**
 * struct doppel_counters - of a device, and of all devices of a gateway
 * @lan_packets: came in from the device and went out to the WAN
 * @wan_packets: came in from the WAN and went out to the device
 * @dropped: of either, for any reason
 * @sessions: begun, ever
 */
struct doppel_counters {
	u64_stats_t lan_packets;
	u64_stats_t lan_bytes;
	u64_stats_t wan_packets;
	u64_stats_t wan_bytes;
	u64_stats_t dropped;
	u64_stats_t sessions;
	struct u64_stats_sync syncp;
};

struct doppel_drops {
	u64_stats_t reasons[DOPPEL_DROP_REASONS];
	struct u64_stats_sync syncp;
};

/* NULL without memory; freed by free_percpu(). May sleep. */
struct doppel_counters __percpu *doppel_counters_alloc(void);
struct doppel_drops __percpu *doppel_drops_alloc(void);

/* As in the netlink spec; NULL for what is no reason. */
const char *doppel_drop_reason_name(unsigned int reason);

/* Sums over all CPUs. */
struct doppel_counters_sum {
	u64 lan_packets;
	u64 lan_bytes;
	u64 wan_packets;
	u64 wan_bytes;
	u64 dropped;
	u64 sessions;
};

void doppel_counters_sum(const struct doppel_counters __percpu *counters,
			 struct doppel_counters_sum *sum);
u64 doppel_drops_sum(const struct doppel_drops __percpu *drops, enum doppel_drop_reason reason);

/* A packet of @device went through, @bytes long; bottom halves off. */
void doppel_count_lan(struct doppel_device *device, unsigned int bytes);
void doppel_count_wan(struct doppel_device *device, unsigned int bytes);
void doppel_count_session(struct doppel_device *device);

/* Counts a packet that goes no further, for the gateway and for the device if there is one;
 * bottom halves off. Returns NF_DROP: the caller's verdict; the packet is the hook's to free.
 */
unsigned int doppel_drop(struct doppel_gateway *gw, const struct doppel_device *device,
			 const struct sk_buff *skb, enum doppel_drop_reason reason);

#endif
