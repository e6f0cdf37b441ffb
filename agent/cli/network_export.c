// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "cli/client.h"

static int run(struct cli *cli, int argc, char **argv)
{
	auto_buf struct buf path = {}, reply = {};

	if (argc > 1)
		return doppel_cli_usage(cli, "one network, or all");
	doppel_buf_printf(&path, "/api/v1/wireguard?format=%s", cli->json ? "json" : "yaml");
	if (argc) {
		doppel_buf_printf(&path, "&network=");
		doppel_client_escape(&path, argv[0]);
	}
	if (!doppel_client_fetch(cli, path.data, &reply))
		return CLI_FAILED;
	fwrite(reply.data, 1, reply.len, stdout);
	return CLI_DONE;
}

const struct cli_command doppel_cli_network_export = {
	.name = "export",
	.arguments = "[NETWORK]",
	.summary = "Print WireGuard networks as YAML that doppel apply takes.",
	.help = "Applied, it changes nothing. Private keys are not in it; preshared ones that the file named are.\n"
		"doppel devices --export is the same for the gateway's devices.",
	.run = run,
};
