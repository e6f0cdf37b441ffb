// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>

#include "stats.h"
#include "trace.h"

static const char *const names[DOPPEL_DROP_REASONS] = {
	[DOPPEL_DROP_REASON_LAN_SPOOF] = "lan-spoof",
	[DOPPEL_DROP_REASON_LAN_NO_IDENTITY] = "lan-no-identity",
	[DOPPEL_DROP_REASON_LAN_MALFORMED] = "lan-malformed",
	[DOPPEL_DROP_REASON_LAN_PROTOCOL] = "lan-protocol",
	[DOPPEL_DROP_REASON_WAN_FOREIGN] = "wan-foreign",
	[DOPPEL_DROP_REASON_WAN_MALFORMED] = "wan-malformed",
	[DOPPEL_DROP_REASON_WAN_NO_FORWARD] = "wan-no-forward",
	[DOPPEL_DROP_REASON_WAN_PROTOCOL] = "wan-protocol",
	[DOPPEL_DROP_REASON_WAN_SPOOF] = "wan-spoof",
	[DOPPEL_DROP_REASON_NEGOTIATION] = "negotiation",
	[DOPPEL_DROP_REASON_FRAGMENT] = "fragment",
	[DOPPEL_DROP_REASON_TTL] = "ttl",
	[DOPPEL_DROP_REASON_TOO_BIG] = "too-big",
	[DOPPEL_DROP_REASON_TCP_STATE] = "tcp-state",
	[DOPPEL_DROP_REASON_SESSIONS_FULL] = "sessions-full",
	[DOPPEL_DROP_REASON_DEVICE_SESSIONS_FULL] = "device-sessions-full",
	[DOPPEL_DROP_REASON_PORTS_FULL] = "ports-full",
	[DOPPEL_DROP_REASON_NEXT_HOP] = "next-hop",
	[DOPPEL_DROP_REASON_NO_MEMORY] = "no-memory",
	[DOPPEL_DROP_REASON_EGRESS_OWN] = "egress-own",
	[DOPPEL_DROP_REASON_EGRESS_FOREIGN] = "egress-foreign",
	[DOPPEL_DROP_REASON_NEIGHBOUR] = "neighbour",
};

const char *doppel_drop_reason_name(unsigned int reason)
{
	return reason < DOPPEL_DROP_REASONS ? names[reason] : NULL;
}

struct doppel_counters __percpu *doppel_counters_alloc(void)
{
	return netdev_alloc_pcpu_stats(struct doppel_counters);
}

struct doppel_drops __percpu *doppel_drops_alloc(void)
{
	return netdev_alloc_pcpu_stats(struct doppel_drops);
}

void doppel_counters_sum(const struct doppel_counters __percpu *counters,
			 struct doppel_counters_sum *sum)
{
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct doppel_counters *c = per_cpu_ptr(counters, cpu);
		struct doppel_counters_sum one;
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&c->syncp);
			one.lan_packets = u64_stats_read(&c->lan_packets);
			one.lan_bytes = u64_stats_read(&c->lan_bytes);
			one.wan_packets = u64_stats_read(&c->wan_packets);
			one.wan_bytes = u64_stats_read(&c->wan_bytes);
			one.dropped = u64_stats_read(&c->dropped);
			one.sessions = u64_stats_read(&c->sessions);
		} while (u64_stats_fetch_retry(&c->syncp, start));

		sum->lan_packets += one.lan_packets;
		sum->lan_bytes += one.lan_bytes;
		sum->wan_packets += one.wan_packets;
		sum->wan_bytes += one.wan_bytes;
		sum->dropped += one.dropped;
		sum->sessions += one.sessions;
	}
}

u64 doppel_drops_sum(const struct doppel_drops __percpu *drops, enum doppel_drop_reason reason)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct doppel_drops *d = per_cpu_ptr(drops, cpu);
		unsigned int start;
		u64 one;

		do {
			start = u64_stats_fetch_begin(&d->syncp);
			one = u64_stats_read(&d->reasons[reason]);
		} while (u64_stats_fetch_retry(&d->syncp, start));
		sum += one;
	}
	return sum;
}

static void count_lan(struct doppel_counters __percpu *counters, unsigned int bytes)
{
	struct doppel_counters *c = this_cpu_ptr(counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->lan_packets);
	u64_stats_add(&c->lan_bytes, bytes);
	u64_stats_update_end(&c->syncp);
}

void doppel_count_lan(struct doppel_device *device, unsigned int bytes)
{
	count_lan(device->counters, bytes);
	count_lan(device->gw->counters, bytes);
}

static void count_wan(struct doppel_counters __percpu *counters, unsigned int bytes)
{
	struct doppel_counters *c = this_cpu_ptr(counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->wan_packets);
	u64_stats_add(&c->wan_bytes, bytes);
	u64_stats_update_end(&c->syncp);
}

void doppel_count_wan(struct doppel_device *device, unsigned int bytes)
{
	count_wan(device->counters, bytes);
	count_wan(device->gw->counters, bytes);
}

static void count_session(struct doppel_counters __percpu *counters)
{
	struct doppel_counters *c = this_cpu_ptr(counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->sessions);
	u64_stats_update_end(&c->syncp);
}

void doppel_count_session(struct doppel_device *device)
{
	count_session(device->counters);
	count_session(device->gw->counters);
}

static void count_dropped(struct doppel_counters __percpu *counters)
{
	struct doppel_counters *c = this_cpu_ptr(counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->dropped);
	u64_stats_update_end(&c->syncp);
}

unsigned int doppel_drop(struct doppel_gateway *gw, const struct doppel_device *device,
			 const struct sk_buff *skb, enum doppel_drop_reason reason)
{
	struct doppel_drops *d = this_cpu_ptr(gw->drops);

	u64_stats_update_begin(&d->syncp);
	u64_stats_inc(&d->reasons[reason]);
	u64_stats_update_end(&d->syncp);

	count_dropped(gw->counters);
	if (device)
		count_dropped(device->counters);

	trace_doppel_drop(gw, device, skb, reason);
	return NF_DROP;
}
