// SPDX-License-Identifier: GPL-2.0-only
#include "cli/plan.h"

#include <stdio.h>

#include "cli/table.h"

static void print_warnings(const struct cli *cli, const json_t *warnings)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(warnings, i, warning)
		doppel_cli_error(cli, "%s", json_string_value(warning));
}

static void print_changes(const json_t *reply)
{
	const char *text = doppel_cli_string(reply, "text");
	const bool dry_run = json_is_true(json_object_get(reply, "dry_run"));

	doppel_text_print(stdout, "%s", *text ? text : "nothing changes\n");
	if (*text && dry_run)
		printf("this is what would change; nothing was changed\n");
}

int doppel_cli_print_plan(const struct cli *cli, json_t *reply)
{
	if (!reply)
		return CLI_FAILED;
	if (cli->json) {
		doppel_cli_print_json(reply);
	} else {
		print_warnings(cli, json_object_get(reply, "warnings"));
		print_changes(reply);
	}
	json_decref(reply);
	return CLI_DONE;
}
