// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/file.h"
#include "cli/plan.h"

enum { APPLY_FILE, DRY_RUN, PRUNE };

static const struct cli_option options[] = {
	[APPLY_FILE] = { "file", 'f', "FILE", "YAML with networks: as under wireguard: ; - reads stdin" },
	[DRY_RUN] = { "dry-run", 'n', NULL, "only say what would change" },
	[PRUNE] = { "prune", 0, NULL, "remove what the file lacks" },
	{},
};

static int run(struct cli *cli, int argc, char **argv)
{
	const char *file = cli->option[APPLY_FILE];
	auto_buf struct buf text = {}, path = {};
	json_t *reply;

	(void)argv;
	if (argc || !file)
		return doppel_cli_usage(cli, "give the file: -f FILE");
	if (!doppel_cli_read_file(cli, file, &text))
		return CLI_FAILED;
	doppel_buf_printf(&path, "/api/v1/apply?dry_run=%d&prune=%d&file=", cli->option[DRY_RUN] != NULL,
			  cli->option[PRUNE] != NULL);
	doppel_client_escape(&path, strcmp(file, "-") ? file : "stdin");
	reply = doppel_client_send(cli, "POST", path.data, &(struct client_body){
		"application/yaml", text.data, text.len });
	if (!reply)
		fprintf(stderr, "nothing was changed\n");
	return doppel_cli_print_plan(cli, reply);
}

const struct cli_command doppel_cli_apply = {
	.name = "apply",
	.arguments = "-f FILE",
	.summary = "Make WireGuard networks be what a YAML file says: all of it, or nothing.",
	.help = "What the file has takes the place of what has its name, and is told line by line: + is new,\n"
		"- goes, ~ changes, ! is a peer whose file is outdated then. What it lacks stays, or goes with\n"
		"--prune. doppel export gives such a file.",
	.options = options,
	.run = run,
};
