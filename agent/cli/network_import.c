// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/client.h"
#include "cli/file.h"
#include "cli/plan.h"

enum { NAME, DRY_RUN };

static const struct cli_option options[] = {
	[NAME] = { "name", 0, "NETWORK", "the network's name [the file's: wg0 of wg0.conf]" },
	[DRY_RUN] = { "dry-run", 'n', NULL, "only say what would change" },
	{},
};

/* "/etc/wireguard/wg0.conf": wg0. The caller's. */
static char *name_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *name = strdup(slash ? slash + 1 : file);
	char *dot = name ? strrchr(name, '.') : NULL;

	if (dot && !strcmp(dot, ".conf"))
		*dot = '\0';
	return name;
}

static int run(struct cli *cli, int argc, char **argv)
{
	auto_buf struct buf text = {}, path = {};
	auto_free char *name = NULL;

	if (argc != 1)
		return doppel_cli_usage(cli, "give the wg-quick file");
	name = cli->option[NAME] ? strdup(cli->option[NAME]) : name_of(argv[0]);
	if (!name || !doppel_cli_read_file(cli, argv[0], &text))
		return CLI_FAILED;
	doppel_buf_printf(&path, "/api/v1/networks/import?dry_run=%d&name=", cli->option[DRY_RUN] != NULL);
	doppel_client_escape(&path, name);
	doppel_buf_printf(&path, "&file=");
	doppel_client_escape(&path, argv[0]);
	return doppel_cli_print_plan(cli, doppel_client_send(cli, "POST", path.data,
							     &(struct client_body){
		"text/plain", text.data, text.len }));
}

const struct cli_command doppel_cli_network_import = {
	.name = "import",
	.arguments = "FILE",
	.summary = "Take a wg-quick file (wg0.conf) over as a WireGuard network.",
	.help = "Its interface becomes this gateway, each [Peer] a peer; addresses and keys stay. What says no\n"
		"more here is told. Stop the old interface first: wg-quick down wg0.",
	.options = options,
	.run = run,
};
