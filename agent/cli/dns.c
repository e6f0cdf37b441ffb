// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/table.h"
#include "cli/thing.h"

enum { DRY_RUN };

static const struct cli_option options[] = {
	[DRY_RUN] = { "dry-run", 'n', NULL, "only say what would change" },
	{},
};

static int read_address(const struct cli *cli, int argc, char **argv, json_t *value)
{
	if (argc != 1)
		return doppel_cli_usage(cli, "add and set want NETWORK ROUTE NAME ADDRESS");
	json_object_set_new(value, "address", json_string(argv[0]));
	return CLI_DONE;
}

static void print_list(const json_t *mappings)
{
	auto_table struct table table = {};
	const json_t *mapping;
	size_t i;

	doppel_table_titles(&table, 4, (const char *const[]){ "NAME", "TYPE", "ADDRESS", "ROUTE" });
	json_array_foreach(mappings, i, mapping) {
		auto_buf struct buf name = {};

		doppel_buf_printf(&name, "%s.%s", doppel_cli_string(mapping, "name"),
				  doppel_cli_string(mapping, "domain"));
		doppel_table_row(&table, (const char *const[]){
			name.data, doppel_cli_string(mapping, "type"),
			doppel_cli_string(mapping, "address"), doppel_cli_string(mapping, "route") });
	}
	doppel_table_print(&table);
}

static const struct thing thing = {
	.levels = (const char *const[]){ "networks", "routes", "dns", NULL },
	.names = (const char *const[]){ "NETWORK", "ROUTE", "NAME" },
	.dry_run = DRY_RUN,
	.rest = read_address,
	.print_list = print_list,
};

/* Of all of a network's routes. */
static const struct thing all = {
	.levels = (const char *const[]){ "networks", "dns", NULL },
	.names = (const char *const[]){ "NETWORK", "NAME" },
	.dry_run = DRY_RUN,
	.print_list = print_list,
};

static int run(struct cli *cli, int argc, char **argv)
{
	const bool of_all = argc == 2 && !strcmp(argv[0], "list");

	return doppel_thing_run(cli, of_all ? &all : &thing, argc, argv);
}

const struct cli_command doppel_cli_dns = {
	.name = "dns",
	.arguments = "list NETWORK [ROUTE] | show NETWORK ROUTE NAME | add NETWORK ROUTE NAME ADDRESS |"
		     " set NETWORK ROUTE NAME ADDRESS | remove NETWORK ROUTE NAME",
	.summary = "Show or change names for what is behind a WireGuard network's routes.",
	.help = "ADDRESS lies in the route's destination. Peers have their names by themselves.",
	.options = options,
	.run = run,
};
