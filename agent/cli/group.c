// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "cli/table.h"
#include "cli/thing.h"

enum { PRIORITY, POLICIES, DRY_RUN };

static const struct cli_option options[] = {
	[PRIORITY] = { "priority", 0, "NUMBER", "1 to 999: a smaller one is asked first" },
	[POLICIES] = { "policies", 0, "LIST", "in the order in which they are asked: site,web" },
	[DRY_RUN] = { "dry-run", 'n', NULL, "only say what would change" },
	{},
};

static const struct thing_key keys[] = {
	{ .option = PRIORITY, .key = "priority", .value = VALUE_NUMBER },
	{ .option = POLICIES, .key = "policies", .value = VALUE_LIST },
	{},
};

static void print_list(const json_t *groups)
{
	auto_table struct table table = {};
	const json_t *group;
	size_t i;

	doppel_table_titles(&table, 4,
			    (const char *const[]){ "NAME", "PRIORITY", "POLICIES", "PEERS" });
	json_array_foreach(groups, i, group) {
		auto_buf struct buf policies = {}, peers = {};
		char priority[24];

		snprintf(priority, sizeof(priority), "%lld", doppel_cli_integer(group, "priority"));
		doppel_thing_join(json_object_get(group, "policies"), &policies);
		doppel_thing_join(json_object_get(group, "peers"), &peers);
		doppel_table_row(&table, (const char *const[]){
			doppel_cli_string(group, "name"), priority, policies.data, peers.data });
	}
	doppel_table_print(&table);
}

static const struct thing thing = {
	.levels = (const char *const[]){ "networks", "groups", NULL },
	.names = (const char *const[]){ "NETWORK", "GROUP" },
	.dry_run = DRY_RUN,
	.keys = keys,
	.print_list = print_list,
};

static int run(struct cli *cli, int argc, char **argv)
{
	return doppel_thing_run(cli, &thing, argc, argv);
}

const struct cli_command doppel_cli_group = {
	.name = "group",
	.arguments = "list NETWORK | show NETWORK GROUP | add NETWORK GROUP | set NETWORK GROUP |"
		     " remove NETWORK GROUP",
	.summary = "Show or change a WireGuard network's groups of peers.",
	.help = "A peer's groups are the peer's: doppel peer set NETWORK PEER --groups LIST. Peers that no rule\n"
		"of their groups' policies allows anything reach nothing.",
	.options = options,
	.run = run,
};
