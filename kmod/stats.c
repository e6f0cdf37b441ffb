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
	[DOPPEL_DROP_REASON_ICMP_ERROR] = "icmp-error",
	[DOPPEL_DROP_REASON_FILTER] = "filter",
};

static const char *const total_names[DOPPEL_TOTALS] = {
	[DOPPEL_TOTAL_ICMP_ERRORS] = "icmp-errors",
	[DOPPEL_TOTAL_ICMP_SENT] = "icmp-sent",
	[DOPPEL_TOTAL_REASSEMBLED] = "reassembled",
	[DOPPEL_TOTAL_FRAGMENTED] = "fragmented",
	[DOPPEL_TOTAL_SEGMENTED] = "segmented",
	[DOPPEL_TOTAL_HAIRPINNED] = "hairpinned",
	[DOPPEL_TOTAL_LENT] = "lent",
	[DOPPEL_TOTAL_EVICTED] = "evicted",
};

const char *doppel_drop_reason_name(unsigned int reason)
{
	return reason < DOPPEL_DROP_REASONS ? names[reason] : NULL;
}

const char *doppel_total_name(unsigned int total)
{
	return total < DOPPEL_TOTALS ? total_names[total] : NULL;
}

struct doppel_counters __percpu *doppel_counters_alloc(void)
{
	return netdev_alloc_pcpu_stats(struct doppel_counters);
}

struct doppel_totals __percpu *doppel_totals_alloc(void)
{
	return netdev_alloc_pcpu_stats(struct doppel_totals);
}

void doppel_counters_add(const struct doppel_counters __percpu *counters,
			 struct doppel_counters_sum *sum)
{
	int cpu;

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

void doppel_counters_all(const struct doppel_gateway *gw, struct doppel_counters_sum *sum)
{
	const struct doppel_device *device;
	unsigned int reason;

	*sum = gw->retired;
	list_for_each_entry_rcu(device, &gw->devices, list, lockdep_rtnl_is_held())
		doppel_counters_add(device->counters, sum);

	/* Not all that was dropped was a device's. */
	sum->dropped = 0;
	for (reason = 0; reason < DOPPEL_DROP_REASONS; reason++)
		sum->dropped += doppel_drops_sum(gw, reason);
}

/* @offset: of the counter in struct doppel_totals. */
static u64 totals_sum(const struct doppel_gateway *gw, size_t offset)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct doppel_totals *t = per_cpu_ptr(gw->totals, cpu);
		unsigned int start;
		u64 one;

		do {
			start = u64_stats_fetch_begin(&t->syncp);
			one = u64_stats_read((const u64_stats_t *)((const u8 *)t + offset));
		} while (u64_stats_fetch_retry(&t->syncp, start));
		sum += one;
	}
	return sum;
}

u64 doppel_drops_sum(const struct doppel_gateway *gw, enum doppel_drop_reason reason)
{
	return totals_sum(gw, offsetof(struct doppel_totals, drops) + reason * sizeof(u64_stats_t));
}

u64 doppel_total_sum(const struct doppel_gateway *gw, enum doppel_total total)
{
	return totals_sum(gw, offsetof(struct doppel_totals, totals) + total * sizeof(u64_stats_t));
}

void doppel_count_lan(struct doppel_device *device, unsigned int bytes)
{
	struct doppel_counters *c = this_cpu_ptr(device->counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->lan_packets);
	u64_stats_add(&c->lan_bytes, bytes);
	u64_stats_update_end(&c->syncp);
}

void doppel_count_wan(struct doppel_device *device, unsigned int bytes)
{
	struct doppel_counters *c = this_cpu_ptr(device->counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->wan_packets);
	u64_stats_add(&c->wan_bytes, bytes);
	u64_stats_update_end(&c->syncp);
}

void doppel_count_session(struct doppel_device *device)
{
	struct doppel_counters *c = this_cpu_ptr(device->counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->sessions);
	u64_stats_update_end(&c->syncp);
}

void doppel_count_total(struct doppel_gateway *gw, enum doppel_total total)
{
	struct doppel_totals *t = this_cpu_ptr(gw->totals);

	u64_stats_update_begin(&t->syncp);
	u64_stats_inc(&t->totals[total]);
	u64_stats_update_end(&t->syncp);
}

unsigned int doppel_drop(struct doppel_gateway *gw, const struct doppel_device *device,
			 const struct sk_buff *skb, enum doppel_drop_reason reason)
{
	struct doppel_totals *t = this_cpu_ptr(gw->totals);

	u64_stats_update_begin(&t->syncp);
	u64_stats_inc(&t->drops[reason]);
	u64_stats_update_end(&t->syncp);

	if (device) {
		struct doppel_counters *c = this_cpu_ptr(device->counters);

		u64_stats_update_begin(&c->syncp);
		u64_stats_inc(&c->dropped);
		u64_stats_update_end(&c->syncp);
	}

	trace_doppel_drop(gw, device, skb, reason);
	return NF_DROP;
}

unsigned int doppel_drop_of(const struct doppel_session *session, const struct sk_buff *skb,
			    enum doppel_drop_reason reason)
{
	struct doppel_device *device = session->device;

	return doppel_drop(device->gw, session->lent ? NULL : device, skb, reason);
}
