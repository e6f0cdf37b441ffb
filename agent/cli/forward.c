// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

enum { UDP };

static const struct cli_option options[] = {
	{ "udp", 'u', NULL, "a UDP port instead of a TCP port" },
	{},
};

static bool parse_port(const char *text, json_int_t *port)
{
	size_t digits = strspn(text, "0123456789");

	*port = strtol(text, NULL, 10);
	return digits && digits <= 5 && !text[digits] && *port >= 1 && *port <= UINT16_MAX;
}

static const char *protocol_of(const struct cli *cli)
{
	return cli->option[UDP] ? "udp" : "tcp";
}

static void print_forwards(const json_t *forwards)
{
	static const char *const titles[] = { "DEVICE", "PROTO", "PORT", "TO", "FROM" };
	auto_table struct table table = {};
	const json_t *forward;
	size_t i;

	if (!json_array_size(forwards)) {
		printf("no forwards\n");
		return;
	}
	doppel_table_titles(&table, 5, titles);
	json_array_foreach(forwards, i, forward) {
		char port[24], to[24];

		snprintf(port, sizeof(port), "%lld", doppel_cli_integer(forward, "port"));
		snprintf(to, sizeof(to), "%lld", doppel_cli_integer(forward, "to"));
		doppel_table_row(&table, (const char *const[]){
			doppel_cli_string(forward, "mac_address"),
			doppel_cli_string(forward, "protocol"), port, to,
			doppel_cli_string(forward, "origin") });
	}
	doppel_table_print(&table);
}

static int list(struct cli *cli, int argc, char **argv)
{
	auto_buf struct buf path = {};
	json_t *reply;

	if (argc > 1)
		return doppel_cli_usage(cli, "list takes one device or none");
	doppel_buf_printf(&path, "/api/v1/forwards%s", argc ? "?device=" : "");
	if (argc)
		doppel_client_escape(&path, argv[0]);
	reply = doppel_client_call(cli, "GET", path.data, NULL);
	if (!reply)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(reply);
	else
		print_forwards(json_object_get(reply, "forwards"));
	json_decref(reply);
	return CLI_DONE;
}

/* The forward that was made, or NULL. */
static json_t *post(struct cli *cli, json_int_t port, const char *device, json_int_t to)
{
	json_t *body = json_pack("{s:s, s:I, s:I, s:s}", "device", device, "port", port, "to", to,
				 "protocol", protocol_of(cli));
	json_t *reply = doppel_client_call(cli, "POST", "/api/v1/forwards", body);

	json_decref(body);
	return reply;
}

static void print_made(const json_t *forward)
{
	printf("%s port %lld of %s leads to its port %lld\n",
	       doppel_cli_string(forward, "protocol"), doppel_cli_integer(forward, "port"),
	       doppel_cli_string(forward, "mac_address"), doppel_cli_integer(forward, "to"));
}

static int add(struct cli *cli, int argc, char **argv)
{
	json_int_t port, to;
	json_t *forward;

	if (argc < 2 || argc > 3)
		return doppel_cli_usage(cli, "add wants PORT DEVICE [TO]");
	if (!parse_port(argv[0], &port))
		return doppel_cli_usage(cli, "PORT must be from 1 to 65535, not %s", argv[0]);
	to = port;
	if (argc == 3 && !parse_port(argv[2], &to))
		return doppel_cli_usage(cli, "TO must be from 1 to 65535, not %s", argv[2]);
	forward = post(cli, port, argv[1], to);
	if (!forward)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(forward);
	else
		print_made(forward);
	json_decref(forward);
	return CLI_DONE;
}

/* A third argument, the device's port, is as the seed's tool has it. */
static int remove_forward(struct cli *cli, int argc, char **argv)
{
	auto_buf struct buf path = {};
	json_int_t port;
	json_t *reply;

	if (argc < 2 || argc > 3)
		return doppel_cli_usage(cli, "remove wants PORT DEVICE");
	if (!parse_port(argv[0], &port))
		return doppel_cli_usage(cli, "PORT must be from 1 to 65535, not %s", argv[0]);
	doppel_buf_printf(&path, "/api/v1/forwards/");
	doppel_client_escape(&path, argv[1]);
	doppel_buf_printf(&path, "/%s/%lld", protocol_of(cli), port);
	reply = doppel_client_call(cli, "DELETE", path.data, NULL);
	if (!reply)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(reply);
	else
		printf("%s port %lld of %s is closed\n", protocol_of(cli), port, argv[1]);
	json_decref(reply);
	return CLI_DONE;
}

static int quick_device(struct cli *cli, int argc, char **argv)
{
	static const struct {
		json_int_t port, to;
	} ports[] = { { 8080, 80 }, { 2323, 23 }, { 8443, 443 }, { 2222, 22 } };
	json_t *made = json_array();
	size_t count = sizeof(ports) / sizeof(ports[0]);

	if (argc != 1 || cli->option[UDP]) {
		json_decref(made);
		return doppel_cli_usage(cli, "quick-device wants DEVICE");
	}
	for (size_t i = 0; i < count; i++) {
		json_t *forward = post(cli, ports[i].port, argv[0], ports[i].to);

		if (!forward)
			break;
		if (!cli->json)
			print_made(forward);
		json_array_append_new(made, forward);
	}
	if (cli->json)
		doppel_cli_print_json(made);
	count -= json_array_size(made);
	json_decref(made);
	return count ? CLI_FAILED : CLI_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *cli, int argc, char **argv);
	} verbs[] = {
		{ "list", list },
		{ "add", add },
		{ "remove", remove_forward },
		{ "quick-device", quick_device },
	};

	if (!argc)
		return doppel_cli_usage(cli, "say list, add, remove or quick-device");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[0], verbs[i].name))
			return verbs[i].run(cli, argc - 1, argv + 1);
	return doppel_cli_usage(cli, "no such verb: %s", argv[0]);
}

const struct cli_command doppel_cli_forward = {
	.name = "forward",
	.arguments = "list [DEVICE] | add PORT DEVICE [TO] | remove PORT DEVICE |"
		     " quick-device DEVICE",
	.summary = "Show or change which ports of a device's WAN addresses lead to the device.",
	.help = "DEVICE is a MAC, an address or a name. quick-device opens the usual four: 8080 to 80,\n"
		"2323 to 23, 8443 to 443, 2222 to 22. Forwards of the YAML file are changed there.",
	.options = options,
	.run = run,
};
