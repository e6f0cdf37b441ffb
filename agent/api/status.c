// SPDX-License-Identifier: GPL-2.0-only
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/json.h"
#include "api/networks.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* Resident memory, in bytes; 0 if the kernel does not tell. */
static unsigned long resident_bytes(void)
{
	auto_fclose FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file || fscanf(file, "%*s %lu", &pages) != 1)
		return 0;
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

static json_t *counts_json(const struct gateway_counts *counts)
{
	json_t *json = json_pack("{s:I}", "total", (json_int_t)counts->total);

	for (int status = 0; status < DEVICE_STATUSES; status++)
		json_object_set_new(json, doppel_device_status_name(status),
				    json_integer(counts->by_status[status]));
	return json;
}

static json_t *port_json(const char *interface, bool up)
{
	return json_pack("{s:s, s:b}", "interface", interface, "up", up);
}

/* Of a box that has only WireGuard networks. */
static json_t *networks_health(int64_t now)
{
	return json_pack("{s:s, s:b, s:f, s:o}", "status", "healthy", "running", 1,
			 "memory_usage_mb", (double)resident_bytes() / (1 << 20),
			 "timestamp", doppel_json_time(now));
}

void doppel_api_health(const struct api_request *request, struct http_reply *reply)
{
	int64_t now = doppel_clock_wall_s(request->api->clock);
	struct gateway_status status;
	bool healthy;

	if (!request->api->gateway) {
		doppel_http_reply_json(reply, MHD_HTTP_OK, networks_health(now));
		return;
	}
	doppel_gateway_status(request->api->gateway, &status);
	healthy = status.module_ready && status.lan_up && status.wan_up && !*status.store_problem;
	doppel_http_reply_json(
		reply, MHD_HTTP_OK,
		json_pack("{s:s, s:b, s:I, s:f, s:o, s:{s:o, s:o}, s:o, s:o}",
			  "status", healthy ? "healthy" : "degraded",
			  "running", 1,
			  "uptime_seconds", (json_int_t)(now - status.started_at),
			  "memory_usage_mb", (double)resident_bytes() / (1 << 20),
			  "last_discovery", doppel_json_time(status.last_discovery),
			  "interfaces", "lan", port_json(status.lan, status.lan_up),
			  "wan", port_json(status.wan, status.wan_up),
			  "device_stats", counts_json(&status.devices),
			  "timestamp", doppel_json_time(now)));
}

struct stats_lists {
	json_t *drops, *totals;
};

static int add_drop(const struct drop_view *drop, void *ctx)
{
	const struct stats_lists *lists = ctx;

	if (drop->packets)
		json_array_append_new(lists->drops,
				      json_pack("{s:s, s:I}", "reason", drop->reason,
						"packets", (json_int_t)drop->packets));
	return 0;
}

static int add_total(const struct total_view *total, void *ctx)
{
	const struct stats_lists *lists = ctx;

	json_object_set_new(lists->totals, total->name, json_integer((json_int_t)total->value));
	return 0;
}

/* {"counters": {…}, "drops": [those that there were], "totals": {all}}, or an errno. */
static int stats_json(struct gateway *gateway, json_t **stats)
{
	struct stats_lists lists = { .drops = json_array(), .totals = json_object() };
	struct counters_view counters = {};
	const struct stats_listener listener = {
		.counters = &counters,
		.drop = add_drop,
		.total = add_total,
		.ctx = &lists,
	};
	int err = doppel_gateway_stats(gateway, &listener);

	if (err) {
		json_decref(lists.drops);
		json_decref(lists.totals);
	} else {
		*stats = json_pack("{s:o, s:o, s:o}", "counters", doppel_json_counters(&counters),
				   "drops", lists.drops, "totals", lists.totals);
	}
	return err;
}

static json_t *lend_json(const struct gateway_status *status)
{
	static const char *const modes[] = {
		[LEND_AUTO] = "auto", [LEND_OFF] = "off", [LEND_MAC] = "mac",
	};
	const bool lent = doppel_mac_is_host(&status->lender);

	return json_pack("{s:s, s:o, s:b}", "mode", modes[status->lend],
			 "lender", lent ? doppel_json_mac(&status->lender) : json_null(),
			 "ipv4", status->lender_has_ipv4);
}

/* null, or {"prefix": "64:ff9b::/96", "origin": who told of it} */
static json_t *nat64_json(const struct gateway_status *status)
{
	char text[DOPPEL_IP6_TEXT + 4], prefix[DOPPEL_IP6_TEXT];

	if (!status->nat64_prefix_len)
		return json_null();
	snprintf(text, sizeof(text), "%s/%u", doppel_ip6_format(&status->nat64_prefix, prefix),
		 status->nat64_prefix_len);
	return json_pack("{s:s, s:s}", "prefix", text, "origin",
			 doppel_nat64_origin_name(status->nat64_origin));
}

static int add_device(const struct device_view *device, void *ctx)
{
	struct json_list *devices = ctx;

	doppel_json_list_add(devices, doppel_json_device(device));
	return devices->err;
}

/* Whom we do not let in, and why: the last one. */
static json_t *refused_json(const struct gateway_status *status)
{
	if (!status->refused_at)
		return json_null();
	return json_pack("{s:o, s:s, s:o}", "mac_address", doppel_json_mac(&status->refused_mac),
			 "reason", status->refused_why, "at", doppel_json_time(status->refused_at));
}

/* Of a box that has only WireGuard networks. */
static json_t *networks_status(const struct api_context *api, int64_t now)
{
	const struct wg_site *site = doppel_wg_networks_site(api->networks);

	return json_pack("{s:b, s:s, s:I, s:o, s:o}", "running", 1, "config_file", api->config_file,
			 "networks", (json_int_t)site->network_count, "parts",
			 doppel_json_parts(api->networks), "timestamp", doppel_json_time(now));
}

void doppel_api_status(const struct api_request *request, struct http_reply *reply)
{
	int64_t now = doppel_clock_wall_s(request->api->clock);
	struct json_list devices = {};
	struct gateway_status status;
	char lan[DOPPEL_IP4_TEXT + 4], address[DOPPEL_IP4_TEXT];
	json_t *stats;

	if (!request->api->gateway) {
		doppel_http_reply_json(reply, MHD_HTTP_OK, networks_status(request->api, now));
		return;
	}
	if (stats_json(request->api->gateway, &stats))
		stats = json_null();
	doppel_gateway_status(request->api->gateway, &status);
	doppel_gateway_foreach_device(request->api->gateway, add_device, &devices);
	snprintf(lan, sizeof(lan), "%s/%u", doppel_ip4_format(status.lan_ipv4, address),
		 status.lan_prefix_len);
	/* eth0 and eth1 are the seed's names for the WAN and the LAN port. */
	doppel_http_reply_json(
		reply, MHD_HTTP_OK,
		json_pack("{s:b, s:s, s:I, s:I, s:o, s:b, s:b,"
			  " s:{s:s, s:b, s:s, s:b, s:b, s:b}, s:{s:s, s:b, s:s, s:o, s:o, s:o},"
			  " s:I, s:s, s:{s:b, s:b, s:s, s:s}, s:s, s:I, s:I, s:o, s:o, s:o, s:o}",
			  "running", 1,
			  "config_file", request->api->config_file,
			  "device_count", (json_int_t)status.devices.total,
			  "active_devices", (json_int_t)status.devices.by_status[DEVICE_ACTIVE],
			  "device_stats", counts_json(&status.devices),
			  "eth0_up", status.wan_up,
			  "eth1_up", status.lan_up,
			  "lan", "interface", status.lan, "up", status.lan_up, "address", lan,
			  "dhcp_wanted", status.dhcp_wanted, "dhcp_running", status.dhcp_running,
			  "dns_served", status.dns_served,
			  "wan", "interface", status.wan, "up", status.wan_up,
			  "identity", status.devices_only ? "devices-only" : "own",
			  "ipv6_router", doppel_json_ip6(&status.router6),
			  "lend", lend_json(&status), "nat64", nat64_json(&status),
			  "mappings", (json_int_t)status.mappings,
			  "filter", status.filter_forward ? "forward" : "off",
			  "module", "present", status.module_present, "ready", status.module_ready,
			  "version", status.module_version, "problem", status.problem,
			  "state_problem", status.store_problem,
			  "sessions", (json_int_t)status.sessions,
			  "queued", (json_int_t)status.queued,
			  "refused", refused_json(&status),
			  "stats", stats,
			  "started_at", doppel_json_time(status.started_at),
			  "timestamp", doppel_json_time(now)));
	doppel_json_list_append(&devices, "devices", reply);
}

static int add_check(const struct check_view *check, void *ctx)
{
	json_array_append_new(ctx, doppel_json_check(check));
	return 0;
}

void doppel_api_diagnose(const struct api_request *request, struct http_reply *reply)
{
	json_t *checks = json_array();

	if (request->api->gateway)
		doppel_gateway_diagnose(request->api->gateway, add_check, checks);
	if (request->api->networks)
		doppel_api_check_networks(request->api->networks, checks);
	doppel_http_reply_json(reply, MHD_HTTP_OK, json_pack("{s:o}", "checks", checks));
}

void doppel_api_repair(const struct api_request *request, struct http_reply *reply)
{
	doppel_gateway_repair(request->api->gateway);
	doppel_http_reply_json(reply, MHD_HTTP_OK, json_pack("{s:b}", "done", 1));
}

void doppel_api_stats(const struct api_request *request, struct http_reply *reply)
{
	json_t *stats;
	int err = stats_json(request->api->gateway, &stats);

	if (err)
		doppel_http_reply_error(reply, MHD_HTTP_SERVICE_UNAVAILABLE,
					"the module gave no counters: %s", strerror(-err));
	else
		doppel_http_reply_json(reply, MHD_HTTP_OK, stats);
}
