// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/device_text.h"
#include "cli/device_told.h"
#include "cli/export.h"
#include "cli/offline.h"
#include "cli/table.h"

enum { STATUS, RETRY, FORGET, EXPORT, IMPORT };

static const struct cli_option options[] = {
	{ "status", 0, "STATUS", "only those: discovering, active, degraded, inactive or failed" },
	{ "retry", 0, NULL, "ask for DEVICE's WAN addresses now instead of at the next try" },
	{ "forget", 0, NULL, "release DEVICE's WAN addresses and drop it" },
	{ "export", 0, "FILE", "write all that is known of the devices as JSON; - for stdout" },
	{ "import", 0, "FILE", "take devices in from such a file; - for stdin" },
	{},
};

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

/* A device's WAN IPv6 address number i, or NULL. */
static const char *wan6(const json_t *device, size_t i)
{
	const json_t *list = json_object_get(device, "ipv6_addresses");
	const char *text = doppel_cli_string(json_array_get(list, i), "address");

	return *text ? text : NULL;
}

/* Cut the next line off lines; NULL when there is none left. */
static char *next_line(char **lines)
{
	return *lines ? strsep(lines, "\n") : NULL;
}

/* What finds no room in the first line goes into further ones. */
static void add_row(struct table *table, const json_t *device, int64_t now)
{
	const char *address = wan6(device, 0), *line;
	auto_buf struct buf why = {};
	char *lines;

	doppel_device_why(device, now, "\n", &why);
	lines = why.data;
	line = next_line(&lines);
	doppel_table_row(table, (const char *const[]){
		doppel_cli_string(device, "mac_address"),
		or_dash(doppel_cli_string(device, "name")),
		or_dash(doppel_cli_string(device, "ipv4_address")),
		or_dash(doppel_cli_string(device, "ipv4_wan_address")),
		address ? address : "-",
		doppel_cli_string(device, "status"),
		line ? line : "",
	});
	for (size_t i = 1; (address = wan6(device, i)), (line = next_line(&lines)), address || line;
	     i++)
		doppel_table_row(table, (const char *const[]){
			"", "", "", "", address ? address : "", "", line ? line : "" });
}

static void print_devices(const json_t *devices)
{
	static const char *const titles[] = {
		"MAC", "NAME", "LAN IPv4", "WAN IPv4", "WAN IPv6", "STATUS", "WHY",
	};
	auto_table struct table table = {};
	int64_t now = time(NULL);
	const json_t *device;
	size_t i;

	if (!json_array_size(devices)) {
		printf("no devices\n");
		return;
	}
	doppel_table_titles(&table, 7, titles);
	json_array_foreach(devices, i, device)
		add_row(&table, device, now);
	doppel_table_print(&table);
}

static void add_fact(struct table *table, const char *what, const char *value)
{
	if (*value)
		doppel_table_row(table, (const char *const[]){ what, value });
}

/* "address/len", and who routes for it. */
static void add_wan(struct table *table, const char *what, const char *address, json_int_t len,
		    const char *origin, const char *router)
{
	char text[160];

	if (!*address)
		return;
	snprintf(text, sizeof(text), "%s/%d%s%s%s%s", address, (int)len, *origin ? " by " : "",
		 origin, *router ? ", router " : "", router);
	add_fact(table, what, text);
}

static void add_family(struct table *table, const char *what, const json_t *device,
		       const char *family, int64_t now)
{
	auto_buf struct buf text = {};

	if (!json_is_object(json_object_get(device, family)))
		return;
	doppel_device_family(device, family, now, &text);
	add_fact(table, what, text.data);
}

static void add_ago(struct table *table, const char *what, const json_t *device, const char *key,
		    int64_t now)
{
	auto_buf struct buf text = {};

	doppel_device_ago(device, key, now, &text);
	add_fact(table, what, text.data);
}

static void add_traffic(struct table *table, const json_t *device)
{
	const json_t *counters = json_object_get(device, "counters");
	char text[160];

	snprintf(text, sizeof(text),
		 "out %lld packets %lld bytes, in %lld packets %lld bytes, dropped %lld",
		 doppel_cli_integer(counters, "lan_packets"),
		 doppel_cli_integer(counters, "lan_bytes"),
		 doppel_cli_integer(counters, "wan_packets"),
		 doppel_cli_integer(counters, "wan_bytes"),
		 doppel_cli_integer(counters, "dropped"));
	add_fact(table, "traffic", text);
	snprintf(text, sizeof(text), "%lld now, %lld ever", doppel_cli_integer(device, "sessions"),
		 doppel_cli_integer(counters, "sessions"));
	add_fact(table, "sessions", text);
}

static void print_device(const json_t *device)
{
	const json_t *list = json_object_get(device, "ipv6_addresses"), *address;
	auto_table struct table table = {};
	int64_t now = time(NULL);
	size_t i;

	doppel_table_titles(&table, 2, (const char *const[]){
		"MAC", doppel_cli_string(device, "mac_address") });
	add_fact(&table, "name", doppel_cli_string(device, "name"));
	add_fact(&table, "status", doppel_cli_string(device, "status"));
	add_fact(&table, "LAN IPv4", doppel_cli_string(device, "ipv4_address"));
	add_wan(&table, "WAN IPv4", doppel_cli_string(device, "ipv4_wan_address"),
		doppel_cli_integer(device, "ipv4_wan_prefix_length"), "",
		doppel_cli_string(device, "ipv4_wan_router"));
	json_array_foreach(list, i, address)
		add_wan(&table, i ? "" : "WAN IPv6", doppel_cli_string(address, "address"),
			doppel_cli_integer(address, "prefix_length"),
			doppel_cli_string(address, "origin"),
			doppel_cli_string(device, "ipv6_wan_router"));
	add_fact(&table, "link-local", doppel_cli_string(device, "ipv6_link_local"));
	add_family(&table, "IPv4", device, "ipv4", now);
	add_family(&table, "IPv6", device, "ipv6", now);
	doppel_device_told(&table, device, now);
	add_ago(&table, "discovered", device, "discovered_at", now);
	add_ago(&table, "last seen", device, "last_seen", now);
	add_traffic(&table, device);
	doppel_table_print(&table);
}

static int change_device(struct cli *cli, const char *method, const char *device,
			 const char *what)
{
	auto_buf struct buf path = {};
	json_t *reply;

	doppel_buf_printf(&path, "/api/v1/devices/");
	doppel_client_escape(&path, device);
	doppel_buf_printf(&path, "%s", what);
	reply = doppel_client_call(cli, method, path.data, NULL);
	if (!reply)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(reply);
	json_decref(reply);
	return CLI_DONE;
}

static int show_one(struct cli *cli, const char *text)
{
	auto_buf struct buf path = {};
	json_t *device;

	doppel_buf_printf(&path, "/devices/");
	doppel_client_escape(&path, text);
	device = doppel_offline_call(cli, path.data, doppel_offline_device, text);
	if (!device)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(device);
	else
		print_device(device);
	json_decref(device);
	return CLI_DONE;
}

static int show_all(struct cli *cli)
{
	const char *status = cli->option[STATUS];
	auto_buf struct buf path = {};
	json_t *reply;

	doppel_buf_printf(&path, "/devices%s", status ? "?status=" : "");
	if (status)
		doppel_client_escape(&path, status);
	reply = doppel_offline_call(cli, path.data, doppel_offline_devices, status);
	if (!reply)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(reply);
	else
		print_devices(json_object_get(reply, "devices"));
	json_decref(reply);
	return CLI_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *device = argc ? argv[0] : NULL;

	if (argc > 1)
		return doppel_cli_usage(cli, "one device at a time");
	if ((cli->option[RETRY] || cli->option[FORGET]) && !device)
		return doppel_cli_usage(cli, "say which device");
	if (cli->option[STATUS] && device)
		return doppel_cli_usage(cli, "--status is for the list");
	if ((cli->option[EXPORT] || cli->option[IMPORT]) && device)
		return doppel_cli_usage(cli, "--export and --import are of all devices");
	if (cli->option[EXPORT])
		return doppel_cli_export(cli, cli->option[EXPORT]);
	if (cli->option[IMPORT])
		return doppel_cli_import(cli, cli->option[IMPORT]);
	if (cli->option[FORGET])
		return change_device(cli, "DELETE", device, "");
	if (cli->option[RETRY])
		return change_device(cli, "POST", device, "/retry");
	return device ? show_one(cli, device) : show_all(cli);
}

const struct cli_command doppel_cli_devices = {
	.name = "devices",
	.arguments = "[DEVICE]",
	.summary = "List the devices, or show all of one: a MAC, an address or a name.",
	.help = "Works without an agent too: from the module and the database; --import needs one.",
	.options = options,
	.run = run,
};
