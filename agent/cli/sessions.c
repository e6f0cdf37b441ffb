// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

enum { LIMIT, FLUSH };

static const struct cli_option options[] = {
	{ "limit", 'n', "N", "show at most N [1000]" },
	{ "flush", 0, NULL, "end the sessions instead of showing them" },
	{},
};

/* "192.168.1.5:80", "[2001:db8::1]:80"; ICMP echo has an identifier instead of a port. */
static void format_endpoint(const json_t *session, const char *key, char *text, size_t size)
{
	const json_t *end = json_object_get(session, key);
	const char *address = doppel_cli_string(end, "address");
	bool v6 = strchr(address, ':');

	snprintf(text, size, "%s%s%s:%lld", v6 ? "[" : "", address, v6 ? "]" : "",
		 doppel_cli_integer(end, "port"));
}

static void add_row(struct table *table, const json_t *session)
{
	bool outbound = json_is_true(json_object_get(session, "outbound"));
	char lan[64], wan[64], peer[64], expires[DOPPEL_TIME_TEXT];

	format_endpoint(session, "lan", lan, sizeof(lan));
	/* The box has a device's face there. */
	if (json_is_true(json_object_get(session, "lent")))
		snprintf(lan, sizeof(lan), "box:%lld",
			 doppel_cli_integer(json_object_get(session, "lan"), "port"));
	format_endpoint(session, "wan", wan, sizeof(wan));
	format_endpoint(session, "wan_peer", peer, sizeof(peer));
	doppel_duration_format(doppel_cli_integer(session, "expires_seconds") * 1000, expires);
	doppel_table_row(table, (const char *const[]){
		doppel_cli_string(session, "protocol"), doppel_cli_string(session, "translation"),
		lan, wan, outbound ? "->" : "<-", peer, doppel_cli_string(session, "state"),
		expires });
}

static void print_sessions(const json_t *reply)
{
	static const char *const titles[] = {
		"PROTO", "KIND", "DEVICE", "ITS WAN SIDE", "", "PEER", "STATE", "EXPIRES",
	};
	const json_t *sessions = json_object_get(reply, "sessions"), *session;
	json_int_t total = doppel_cli_integer(reply, "total");
	auto_table struct table table = {};
	size_t i;

	if (!total) {
		printf("no sessions\n");
		return;
	}
	doppel_table_titles(&table, 8, titles);
	json_array_foreach(sessions, i, session)
		add_row(&table, session);
	doppel_table_print(&table);
	if (total > (json_int_t)json_array_size(sessions))
		printf("%lld more; --limit %lld shows all\n",
		       total - (json_int_t)json_array_size(sessions), total);
}

static void add_argument(struct buf *path, const char *name, const char *value)
{
	if (!value)
		return;
	doppel_buf_printf(path, "%s%s=", strchr(path->data, '?') ? "&" : "?", name);
	doppel_client_escape(path, value);
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *limit = cli->option[LIMIT];
	auto_buf struct buf path = {};
	json_t *reply;

	if (argc > 1)
		return doppel_cli_usage(cli, "one device at a time");
	if (limit && (!*limit || strspn(limit, "0123456789") != strlen(limit)))
		return doppel_cli_usage(cli, "--limit must be a number, not %s", limit);
	doppel_buf_printf(&path, "/api/v1/sessions");
	add_argument(&path, "device", argc ? argv[0] : NULL);
	add_argument(&path, "limit", limit);
	reply = doppel_client_call(cli, cli->option[FLUSH] ? "DELETE" : "GET", path.data, NULL);
	if (!reply)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(reply);
	else if (!cli->option[FLUSH])
		print_sessions(reply);
	json_decref(reply);
	return CLI_DONE;
}

const struct cli_command doppel_cli_sessions = {
	.name = "sessions",
	.arguments = "[DEVICE]",
	.summary = "List the flows that are being translated, all or one device's.",
	.options = options,
	.run = run,
};
