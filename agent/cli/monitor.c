// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

/* "19:30:05 device-changed 02:00:00:00:00:01 printer: …" */
static void print_event(const json_t *event)
{
	const json_t *device = json_object_get(event, "device");
	const char *at = doppel_cli_string(event, "at"), *name = doppel_cli_string(device, "name");
	auto_buf struct buf line = {};

	doppel_buf_printf(&line, "%s  %-15s", at, doppel_cli_string(event, "event"));
	if (device && !json_is_null(device))
		doppel_buf_printf(&line, "  %s%s%s", doppel_cli_string(device, "mac_address"),
				  *name ? " " : "", name);
	doppel_buf_printf(&line, "  %s", doppel_cli_string(event, "text"));
	doppel_text_clean(line.data);
	puts(line.data);
}

static int on_line(const char *line, void *ctx)
{
	const struct cli *cli = ctx;
	json_t *event = cli->json ? NULL : json_loads(line, 0, NULL);

	if (event)
		print_event(event);
	else
		puts(line);
	json_decref(event);
	/* Whoever reads gets each event at once, and an end when it has gone away. */
	return fflush(stdout) ? -EPIPE : 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	int err;

	(void)argv;
	if (argc)
		return doppel_cli_usage(cli, "it takes no arguments");
	err = doppel_client_lines(cli, "/api/v1/events", on_line, cli);
	if (err == -EPIPE)
		return CLI_DONE;
	if (err)
		doppel_client_error(cli, err);
	else
		doppel_cli_error(cli, "the agent has closed the connection");
	return CLI_FAILED;
}

const struct cli_command doppel_cli_monitor = {
	.name = "monitor",
	.arguments = "",
	.summary = "Print what happens as it happens, until interrupted.",
	.help = "With --json: one object a line.",
	.run = run,
};
