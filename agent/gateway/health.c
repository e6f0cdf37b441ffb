// SPDX-License-Identifier: GPL-2.0-only
/* How it stands: for `status`. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"

const char *doppel_family_status_name(enum family_status status)
{
	static const char *const names[] = {
		[FAMILY_OFF] = "off",
		[FAMILY_SOLICITING] = "soliciting",
		[FAMILY_BOUND] = "bound",
		[FAMILY_RENEWING] = "renewing",
		[FAMILY_FAILED] = "failed",
	};

	return names[status];
}

const char *doppel_device_status_name(enum device_status status)
{
	static const char *const names[DEVICE_STATUSES] = {
		[DEVICE_DISCOVERING] = "discovering",
		[DEVICE_ACTIVE] = "active",
		[DEVICE_DEGRADED] = "degraded",
		[DEVICE_INACTIVE] = "inactive",
		[DEVICE_FAILED] = "failed",
	};

	return names[status];
}

const char *doppel_gateway_event_name(enum gateway_event_kind kind)
{
	static const char *const names[] = {
		[GATEWAY_EVENT_DEVICE_NEW] = "device-new",
		[GATEWAY_EVENT_DEVICE_CHANGED] = "device-changed",
		[GATEWAY_EVENT_DEVICE_GONE] = "device-gone",
		[GATEWAY_EVENT_CONFLICT] = "conflict",
		[GATEWAY_EVENT_TABLE_FULL] = "table-full",
		[GATEWAY_EVENT_MODULE] = "module",
		[GATEWAY_EVENT_LINK] = "link",
	};

	return names[kind];
}

const char *doppel_check_result_name(enum check_result result)
{
	static const char *const names[] = {
		[CHECK_OK] = "ok",
		[CHECK_WARN] = "warning",
		[CHECK_FAIL] = "failed",
	};

	return names[result];
}

void doppel_gateway_status(struct gateway *gateway, struct gateway_status *status)
{
	static const enum lend_mode lend_modes[] = {
		[CONFIG_LEND_AUTO] = LEND_AUTO,
		[CONFIG_LEND_OFF] = LEND_OFF,
		[CONFIG_LEND_MAC] = LEND_MAC,
	};
	static struct module_gateway held;
	const struct config *config = gateway->config;
	const struct device *lender = doppel_lend_lender(gateway);
	const struct ra *router = doppel_routers_default(&gateway->routers,
							 doppel_gateway_now(gateway));

	*status = (struct gateway_status){
		/* By the clock as it is now: it may have been set meanwhile. */
		.started_at = doppel_clock_wall_s(gateway->clock) -
			      (doppel_gateway_now(gateway) - gateway->started_ms) / 1000,
		.store_problem = doppel_store_problem(gateway->store),
		.last_discovery = gateway->last_discovery,
		.module_present = gateway->module->present(gateway->module),
		.module_ready = gateway->ready,
		.module_version = "",
		.problem = gateway->problem,
		.lan = config->lan.interface,
		.wan = config->wan.interface,
		.lan_up = gateway->lan.running,
		.wan_up = gateway->wan.running,
		.lan_ipv4 = config->lan.address,
		.lan_prefix_len = config->lan.prefix_len,
		.devices_only = config->wan.identity == CONFIG_DEVICES_ONLY,
		.dhcp_wanted = config->lan.dhcp.on,
		.dhcp_running = doppel_lan_dhcp_running(&gateway->lan_dhcp),
		.dns_served = doppel_lan_dhcp_running(&gateway->lan_dhcp) &&
			      doppel_lan_dhcp_relays(&gateway->lan_dhcp) &&
			      !gateway->lan_dhcp.dns_taken,
		.lend = doppel_lend_wanted(gateway) ? lend_modes[config->wan.lend] : LEND_OFF,
		.nat64_origin = gateway->nat64.origin,
		.nat64_prefix = gateway->nat64.prefix,
		.nat64_prefix_len = gateway->nat64.len,
		.mappings = gateway->mapping_count,
		.filter_forward = gateway->held.filter_forward,
		.queued = gateway->pace.queued,
		.refused_at = gateway->refused_at,
		.refused_mac = gateway->refused_mac,
		.refused_why = gateway->refused_why ? gateway->refused_why : "",
	};
	if (lender) {
		status->lender = lender->mac;
		status->lender_has_ipv4 = lender->held.wan_ipv4.s_addr;
	}
	if (router)
		status->router6 = router->router;
	if (!gateway->module->gateway_get(gateway->module, &held)) {
		status->module_version = held.version;
		status->sessions = held.sessions;
	}
	doppel_map_foreach(node, &gateway->devices) {
		status->devices.total++;
		status->devices.by_status[doppel_device_status(doppel_device_of(node))]++;
	}
}

int doppel_gateway_stats(struct gateway *gateway, const struct stats_listener *listener)
{
	struct module_stats stats;
	int err = gateway->module->stats_get(gateway->module, &stats);
	size_t i;

	if (err)
		return err;
	if (listener->counters)
		*listener->counters = (struct counters_view){
			.lan_packets = stats.counters.lan_packets,
			.lan_bytes = stats.counters.lan_bytes,
			.wan_packets = stats.counters.wan_packets,
			.wan_bytes = stats.counters.wan_bytes,
			.dropped = stats.counters.dropped,
			.sessions = stats.counters.sessions,
		};
	for (i = 0; listener->drop && !err && i < stats.drop_count; i++) {
		const struct drop_view drop = {
			.reason = doppel_drop_reason_name(stats.drops[i].reason),
			.packets = stats.drops[i].packets,
		};

		err = listener->drop(&drop, listener->ctx);
	}
	for (i = 0; listener->total && !err && i < stats.total_count; i++) {
		const struct total_view total = {
			.name = doppel_total_name(stats.totals[i].of),
			.value = stats.totals[i].value,
		};

		err = listener->total(&total, listener->ctx);
	}
	return err;
}
