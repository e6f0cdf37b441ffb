// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/table.h"

static void add_row(struct table *table, const char *what, const char *value)
{
	doppel_table_row(table, (const char *const[]){ what, value });
}

static void add_agent(struct table *table, const json_t *status)
{
	int64_t started = doppel_cli_time(status, "started_at");
	char text[64], duration[DOPPEL_TIME_TEXT];

	snprintf(text, sizeof(text), started ? "running for %s" : "running",
		 doppel_duration_format((time(NULL) - started) * 1000, duration));
	doppel_table_titles(table, 2, (const char *const[]){
		"agent", json_is_true(json_object_get(status, "running")) ? text : "not running" });
}

static void add_module(struct table *table, const json_t *module)
{
	const char *problem = doppel_cli_string(module, "problem");
	auto_buf struct buf text = {};

	if (json_is_true(json_object_get(module, "ready")))
		doppel_buf_printf(&text, "ready, version %s", doppel_cli_string(module, "version"));
	else if (json_is_true(json_object_get(module, "present")))
		doppel_buf_printf(&text, "loaded, but has no gateway here%s%s",
				  *problem ? ": " : "", problem);
	else
		doppel_buf_printf(&text, "not there%s%s", *problem ? ": " : "", problem);
	add_row(table, "module", text.data);
}

static void add_port(struct table *table, const char *what, const json_t *port, const char *more)
{
	auto_buf struct buf text = {};

	if (!port)
		return;
	doppel_buf_printf(&text, "%s, %s%s", doppel_cli_string(port, "interface"),
			  json_is_true(json_object_get(port, "up")) ? "up" : "DOWN", more);
	add_row(table, what, text.data);
}

static void add_lan(struct table *table, const json_t *lan)
{
	auto_buf struct buf more = {};

	doppel_buf_printf(&more, ", %s", doppel_cli_string(lan, "address"));
	if (json_is_true(json_object_get(lan, "dhcp_wanted")))
		doppel_buf_printf(&more, ", DHCP %s",
				  json_is_true(json_object_get(lan, "dhcp_running")) ?
					  "served" : "NOT served");
	if (json_is_true(json_object_get(lan, "dns_served")))
		doppel_buf_printf(&more, ", DNS served");
	add_port(table, "LAN", lan, more.data);
}

static void add_wan(struct table *table, const json_t *wan)
{
	const char *router = doppel_cli_string(wan, "ipv6_router");
	auto_buf struct buf more = {};

	doppel_buf_printf(&more, ", identity %s", doppel_cli_string(wan, "identity"));
	if (*router)
		doppel_buf_printf(&more, ", IPv6 router %s", router);
	add_port(table, "WAN", wan, more.data);
}

/* Who lends the box an identity: nothing to say where it has its own. */
static void add_box(struct table *table, const json_t *wan)
{
	const json_t *lend = json_object_get(wan, "lend");
	const char *lender = doppel_cli_string(lend, "lender");
	auto_buf struct buf text = {};

	if (strcmp(doppel_cli_string(wan, "identity"), "devices-only"))
		return;
	if (*lender)
		doppel_buf_printf(&text, "speaks as %s%s", lender,
				  json_is_true(json_object_get(lend, "ipv4")) ? "" :
				  ", which has no WAN IPv4");
	else if (!strcmp(doppel_cli_string(lend, "mode"), "off"))
		doppel_buf_printf(&text, "does not speak on the WAN (lend: off)");
	else
		doppel_buf_printf(&text, "nobody lends it an identity");
	add_row(table, "box", text.data);
}

static void add_nat64(struct table *table, const json_t *nat64)
{
	auto_buf struct buf text = {};

	if (json_is_object(nat64))
		doppel_buf_printf(&text, "%s (%s)", doppel_cli_string(nat64, "prefix"),
				  doppel_cli_string(nat64, "origin"));
	add_row(table, "NAT64", text.len ? text.data : "no prefix");
}

static void add_rules(struct table *table, const json_t *status)
{
	auto_buf struct buf text = {};

	doppel_buf_printf(&text, "%lld", doppel_cli_integer(status, "mappings"));
	add_row(table, "mappings", text.data);
	add_row(table, "filter", doppel_cli_string(status, "filter"));
}

/* "4: 3 active, 1 failed", counted from the list: without an agent there is nothing else. */
static void add_devices(struct table *table, const json_t *devices)
{
	static const char *const order[] = {
		"active", "degraded", "discovering", "inactive", "failed", "unknown",
	};
	auto_buf struct buf text = {};
	const char *between = ": ";

	doppel_buf_printf(&text, "%zu", json_array_size(devices));
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const json_t *device;
		size_t index, count = 0;

		json_array_foreach(devices, index, device)
			count += !strcmp(doppel_cli_string(device, "status"), order[i]);
		if (count) {
			doppel_buf_printf(&text, "%s%zu %s", between, count, order[i]);
			between = ", ";
		}
	}
	add_row(table, "devices", text.data);
}

static void add_refused(struct table *table, const json_t *refused)
{
	auto_buf struct buf text = {};

	if (!json_is_object(refused))
		return;
	doppel_buf_printf(&text, "%s: %s", doppel_cli_string(refused, "mac_address"),
			  doppel_cli_string(refused, "reason"));
	add_row(table, "not let in", text.data);
}

static void add_traffic(struct table *table, const json_t *stats)
{
	const json_t *counters = json_object_get(stats, "counters"), *drop;
	auto_buf struct buf text = {};
	const char *between = "";
	size_t i;

	if (!json_is_object(counters))
		return;
	doppel_buf_printf(&text, "%lld packets out, %lld in",
			  doppel_cli_integer(counters, "lan_packets"),
			  doppel_cli_integer(counters, "wan_packets"));
	add_row(table, "traffic", text.data);
	doppel_buf_consume(&text, text.len);
	json_array_foreach(json_object_get(stats, "drops"), i, drop) {
		doppel_buf_printf(&text, "%s%s %lld", between, doppel_cli_string(drop, "reason"),
				  doppel_cli_integer(drop, "packets"));
		between = ", ";
	}
	add_row(table, "dropped", text.len ? text.data : "nothing");
}

/* Those that there were. */
static void add_totals(struct table *table, json_t *totals)
{
	auto_buf struct buf text = {};
	const char *between = "", *name;
	json_t *total;

	if (!json_is_object(totals))
		return;
	json_object_foreach(totals, name, total) {
		if (!json_integer_value(total))
			continue;
		doppel_buf_printf(&text, "%s%s %lld", between, name, json_integer_value(total));
		between = ", ";
	}
	if (text.len)
		add_row(table, "done", text.data);
}

/* Who makes WireGuard networks real, and whether they do. */
static void add_parts(struct table *table, const json_t *parts)
{
	const json_t *part;
	size_t i;

	json_array_foreach(parts, i, part)
		add_row(table, doppel_cli_string(part, "name"),
			json_is_true(json_object_get(part, "good")) ?
				"good" : doppel_cli_string(part, "problem"));
}

/* A box without a gateway. */
static void print_networks(const json_t *status)
{
	auto_table struct table table = {};
	char networks[24];

	add_agent(&table, status);
	snprintf(networks, sizeof(networks), "%lld", doppel_cli_integer(status, "networks"));
	add_row(&table, "networks", networks);
	add_parts(&table, json_object_get(status, "parts"));
	doppel_table_print(&table);
}

static void print_status(const json_t *status)
{
	auto_table struct table table = {};
	char sessions[24];

	add_agent(&table, status);
	add_module(&table, json_object_get(status, "module"));
	if (json_object_get(status, "lan"))
		add_lan(&table, json_object_get(status, "lan"));
	if (json_object_get(status, "wan")) {
		add_wan(&table, json_object_get(status, "wan"));
		add_box(&table, json_object_get(status, "wan"));
		add_nat64(&table, json_object_get(json_object_get(status, "wan"), "nat64"));
		add_rules(&table, status);
	}
	if (*doppel_cli_string(status, "state_problem"))
		add_row(&table, "STATE", doppel_cli_string(status, "state_problem"));
	add_devices(&table, json_object_get(status, "devices"));
	add_refused(&table, json_object_get(status, "refused"));
	snprintf(sessions, sizeof(sessions), "%lld", doppel_cli_integer(status, "sessions"));
	add_row(&table, "sessions", sessions);
	add_traffic(&table, json_object_get(status, "stats"));
	add_totals(&table, json_object_get(json_object_get(status, "stats"), "totals"));
	doppel_table_print(&table);
}

static int run(struct cli *cli, int argc, char **argv)
{
	json_t *status;

	(void)argv;
	if (argc)
		return doppel_cli_usage(cli, "it takes no arguments");
	status = doppel_offline_call(cli, "/status", doppel_offline_status, NULL);
	if (!status)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(status);
	else if (json_object_get(status, "networks"))
		print_networks(status);
	else
		print_status(status);
	json_decref(status);
	return CLI_DONE;
}

const struct cli_command doppel_cli_status = {
	.name = "status",
	.arguments = "",
	.summary = "Show how the agent, the module, the ports and the devices are.",
	.help = "Works without an agent too: from the module and the database.",
	.run = run,
};
