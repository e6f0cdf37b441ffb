/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters, per CPU: what passed, what was dropped and why. */
#ifndef _DOPPEL_STATS_H
#define _DOPPEL_STATS_H

#include <linux/u64_stats_sync.h>
#include "device.h"

#define DOPPEL_DROP_REASONS (DOPPEL_DROP_REASON_FILTER + 1)
#define DOPPEL_TOTALS (DOPPEL_TOTAL_EVICTED + 1)

/* Of a device; see struct doppel_counters_sum. */
struct doppel_counters {
	u64_stats_t lan_packets;
	u64_stats_t lan_bytes;
	u64_stats_t wan_packets;
	u64_stats_t wan_bytes;
	u64_stats_t dropped;
	u64_stats_t sessions;
	struct u64_stats_sync syncp;
};

/**
 * struct doppel_totals - of a gateway
 * @drops: by enum doppel_drop_reason
 * @totals: by enum doppel_total
 */
struct doppel_totals {
	u64_stats_t drops[DOPPEL_DROP_REASONS];
	u64_stats_t totals[DOPPEL_TOTALS];
	struct u64_stats_sync syncp;
};

/* NULL without memory; freed by free_percpu(). May sleep. */
struct doppel_counters __percpu *doppel_counters_alloc(void);
struct doppel_totals __percpu *doppel_totals_alloc(void);

/* As in the netlink spec; NULL for what is no reason or total. */
const char *doppel_drop_reason_name(unsigned int reason);
const char *doppel_total_name(unsigned int total);

/* Sums over all CPUs. Add: to what is in @sum; all: of the gateway's devices, those that are gone
 * included; RTNL or RCU.
 */
void doppel_counters_add(const struct doppel_counters __percpu *counters,
			 struct doppel_counters_sum *sum);
void doppel_counters_all(const struct doppel_gateway *gw, struct doppel_counters_sum *sum);
u64 doppel_drops_sum(const struct doppel_gateway *gw, enum doppel_drop_reason reason);
u64 doppel_total_sum(const struct doppel_gateway *gw, enum doppel_total total);

/* A packet of @device went through, @bytes long; bottom halves off. */
void doppel_count_lan(struct doppel_device *device, unsigned int bytes);
void doppel_count_wan(struct doppel_device *device, unsigned int bytes);
void doppel_count_session(struct doppel_device *device);
void doppel_count_total(struct doppel_gateway *gw, enum doppel_total total);

/* Counts a packet that goes no further, for the gateway and for the device if there is one;
 * bottom halves off. @skb may be NULL: somebody has freed it. Returns NF_DROP: the caller's
 * verdict; the packet is the hook's to free.
 */
unsigned int doppel_drop(struct doppel_gateway *gw, const struct doppel_device *device,
			 const struct sk_buff *skb, enum doppel_drop_reason reason);

struct doppel_session;

/* The same for a packet of the session; the box's own is no device's doing. */
unsigned int doppel_drop_of(const struct doppel_session *session, const struct sk_buff *skb,
			    enum doppel_drop_reason reason);

#endif
