// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "cli/table.h"
#include "cli/thing.h"

enum { DESTINATION, VIA, GROUPS, DRY_RUN };

static const struct cli_option options[] = {
	[DESTINATION] = { "destination", 0, "PREFIX", "where it leads: 192.168.1.0/24" },
	[VIA] = { "via", 0, "PEER", "the jump peer that it leads through" },
	[GROUPS] = { "groups", 0, "LIST", "whose peers have it: staff,guests" },
	[DRY_RUN] = { "dry-run", 'n', NULL, "only say what would change" },
	{},
};

static const struct thing_key keys[] = {
	{ .option = DESTINATION, .key = "destination" },
	{ .option = VIA, .key = "via" },
	{ .option = GROUPS, .key = "groups", .value = VALUE_LIST },
	{},
};

static void print_list(const json_t *routes)
{
	auto_table struct table table = {};
	const json_t *route;
	size_t i;

	doppel_table_titles(&table, 5, (const char *const[]){
		"NAME", "DESTINATION", "VIA", "GROUPS", "NAMES" });
	json_array_foreach(routes, i, route) {
		auto_buf struct buf groups = {};
		char names[24];

		snprintf(names, sizeof(names), "%zu", json_array_size(json_object_get(route, "dns")));
		doppel_thing_join(json_object_get(route, "groups"), &groups);
		doppel_table_row(&table, (const char *const[]){
			doppel_cli_string(route, "name"), doppel_cli_string(route, "destination"),
			doppel_cli_string(route, "via"), groups.data, names });
	}
	doppel_table_print(&table);
}

static const struct thing thing = {
	.levels = (const char *const[]){ "networks", "routes", NULL },
	.names = (const char *const[]){ "NETWORK", "ROUTE" },
	.dry_run = DRY_RUN,
	.keys = keys,
	.print_list = print_list,
};

static int run(struct cli *cli, int argc, char **argv)
{
	return doppel_thing_run(cli, &thing, argc, argv);
}

const struct cli_command doppel_cli_route = {
	.name = "route",
	.arguments = "list NETWORK | show NETWORK ROUTE | add NETWORK ROUTE | set NETWORK ROUTE |"
		     " remove NETWORK ROUTE",
	.summary = "Show or change where a WireGuard network leads.",
	.help = "With a route its names go, too (doppel dns); --dry-run says which.",
	.options = options,
	.run = run,
};
