// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/file.h"
#include "cli/table.h"
#include "cli/thing.h"

enum {
	JUMP, NO_JUMP, AGENT, NO_AGENT, PUBLIC_KEY, PRESHARED_KEY, EXPIRES, GROUPS, IPV4, IPV6, ALLOWED,
	DRY_RUN, QR, PNG,
};

static const struct cli_option options[] = {
	[JUMP] = { "jump", 0, NULL, "it is this gateway" },
	[NO_JUMP] = { "no-jump", 0, NULL, "it is not" },
	[AGENT] = { "agent", 0, NULL, "it fetches its file by itself" },
	[NO_AGENT] = { "no-agent", 0, NULL, "it does not" },
	[PUBLIC_KEY] = { "public-key", 0, "KEY", "its own; without one, keys are made for it" },
	[PRESHARED_KEY] = { "preshared-key", 0, "FILE", "a file with the key, or \"generate\"" },
	[EXPIRES] = { "expires", 0, "TIME", "as 2027-01-01T00:00:00Z: then it is let in no more" },
	[GROUPS] = { "groups", 0, "LIST", "that it is in: staff,guests" },
	[IPV4] = { "ipv4-address", 0, "ADDRESS", "instead of the next free one" },
	[IPV6] = { "ipv6-address", 0, "ADDRESS", "the same of IPv6" },
	[ALLOWED] = { "extra-allowed-ips", 0, "LIST", "networks behind it" },
	[DRY_RUN] = { "dry-run", 'n', NULL, "only say what would change" },
	[QR] = { "qr", 0, NULL, "config: as a QR code" },
	[PNG] = { "png", 0, "FILE", "config: as a QR code in a PNG file" },
	{},
};

static const struct thing_key keys[] = {
	{ .option = JUMP, .key = "jump", .value = VALUE_FIXED, .fixed = "true" },
	{ .option = NO_JUMP, .key = "jump", .value = VALUE_FIXED, .fixed = "null" },
	{ .option = AGENT, .key = "agent", .value = VALUE_FIXED, .fixed = "true" },
	{ .option = NO_AGENT, .key = "agent", .value = VALUE_FIXED, .fixed = "null" },
	{ .option = PUBLIC_KEY, .key = "public_key" },
	{ .option = PRESHARED_KEY, .key = "preshared_key" },
	{ .option = EXPIRES, .key = "expires" },
	{ .option = GROUPS, .key = "groups", .value = VALUE_LIST },
	{ .option = IPV4, .key = "ipv4_address" },
	{ .option = IPV6, .key = "ipv6_address" },
	{ .option = ALLOWED, .key = "extra_allowed_ips", .value = VALUE_LIST },
	{},
};

/* A command line is there for everybody to see: a preshared key comes in a file. */
static int read_preshared_key(const struct cli *cli, json_t *value)
{
	const char *file = cli->option[PRESHARED_KEY];
	auto_buf struct buf text = {};

	if (!file || !*file || !strcmp(file, "generate"))
		return CLI_DONE;
	if (!doppel_cli_read_file(cli, file, &text))
		return CLI_FAILED;
	text.data[strcspn(text.data, " \t\r\n")] = '\0';
	json_object_set_new(value, "preshared_key", json_string(text.data));
	return CLI_DONE;
}

static const char *kind_of(const json_t *peer)
{
	if (json_is_true(json_object_get(peer, "jump")))
		return "jump";
	return json_is_true(json_object_get(peer, "agent")) ? "agent" : "static";
}

/* "2m03s ago", "never"; of this gateway nothing. */
static void add_handshake(const json_t *peer, struct buf *text)
{
	const int64_t at = doppel_cli_integer(peer, "latest_handshake_seconds");
	char duration[DOPPEL_TIME_TEXT];

	if (at)
		doppel_buf_printf(text, "%s ago",
				  doppel_duration_format((time(NULL) - at) * 1000, duration));
	else
		doppel_buf_printf(text, json_is_true(json_object_get(peer, "jump")) ? "" : "never");
}

/* "512 B", "1.4 MiB" */
static void format_bytes(json_int_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static const char *note_of(const json_t *peer)
{
	if (json_is_true(json_object_get(peer, "expired")))
		return "expired";
	return json_is_true(json_object_get(peer, "outdated")) ? "its file is outdated" : "";
}

static void add_row(struct table *table, const json_t *peer)
{
	auto_buf struct buf groups = {}, handshake = {};
	char received[32], sent[32];

	doppel_thing_join(json_object_get(peer, "groups"), &groups);
	add_handshake(peer, &handshake);
	format_bytes(doppel_cli_integer(peer, "rx_bytes"), received, sizeof(received));
	format_bytes(doppel_cli_integer(peer, "tx_bytes"), sent, sizeof(sent));
	doppel_table_row(table, (const char *const[]){
		doppel_cli_string(peer, "name"), kind_of(peer),
		doppel_cli_string(peer, "ipv4_address"), doppel_cli_string(peer, "ipv6_address"),
		groups.data, handshake.data, doppel_cli_string(peer, "endpoint"), received, sent,
		note_of(peer) });
}

static void print_list(const json_t *peers)
{
	static const char *const titles[] = {
		"NAME", "KIND", "IPv4", "IPv6", "GROUPS", "HANDSHAKE", "ENDPOINT", "RECEIVED", "SENT", "",
	};
	auto_table struct table table = {};
	const json_t *peer;
	size_t i;

	doppel_table_titles(&table, 10, titles);
	json_array_foreach(peers, i, peer)
		add_row(&table, peer);
	doppel_table_print(&table);
}

static int config(struct cli *cli, int argc, char **argv);
static int token(struct cli *cli, int argc, char **argv);

static const struct thing_verb verbs[] = {
	{ "config", config },
	{ "token", token },
	{},
};

static const struct thing thing = {
	.levels = (const char *const[]){ "networks", "peers", NULL },
	.names = (const char *const[]){ "NETWORK", "PEER" },
	.dry_run = DRY_RUN,
	.keys = keys,
	.finish = read_preshared_key,
	.print_list = print_list,
	.print_one = doppel_thing_print_members,
	.verbs = verbs,
};

static int print_config(const struct cli *cli, const struct buf *text)
{
	json_t *json;

	if (!cli->json) {
		fwrite(text->data, 1, text->len, stdout);
		return CLI_DONE;
	}
	json = json_pack("{s:s}", "config", text->data);
	doppel_cli_print_json(json);
	json_decref(json);
	return CLI_DONE;
}

static int save_png(const struct cli *cli, const struct buf *picture)
{
	const char *file = cli->option[PNG];
	int err = doppel_cli_write_file(file, picture->data, picture->len);

	if (err)
		doppel_cli_error(cli, "%s: cannot be written: %s", file, strerror(-err));
	return err ? CLI_FAILED : CLI_DONE;
}

static int config(struct cli *cli, int argc, char **argv)
{
	const bool qr = cli->option[QR], png = cli->option[PNG];
	auto_buf struct buf path = {}, reply = {};
	int status = doppel_thing_want_names(cli, &thing, "config", argc);

	if (status)
		return status;
	if (qr + png + cli->json > 1)
		return doppel_cli_usage(cli, "config gives one of --qr, --png and --json");
	doppel_thing_path(&thing, argv, (size_t)argc, &path);
	doppel_buf_printf(&path, "/config?format=%s", png ? "qr-png" : qr ? "qr" : "quick");
	if (!doppel_client_fetch(cli, path.data, &reply))
		return CLI_FAILED;
	return png ? save_png(cli, &reply) : print_config(cli, &reply);
}

static int token(struct cli *cli, int argc, char **argv)
{
	auto_buf struct buf path = {};
	int status = doppel_thing_want_names(cli, &thing, "token", argc);
	json_t *reply;

	if (status)
		return status;
	doppel_thing_path(&thing, argv, (size_t)argc, &path);
	doppel_buf_printf(&path, "/token");
	reply = doppel_client_call(cli, "POST", path.data, NULL);
	if (!reply)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(reply);
	else
		printf("%s\n", doppel_cli_string(reply, "token"));
	json_decref(reply);
	return CLI_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	return doppel_thing_run(cli, &thing, argc, argv);
}

const struct cli_command doppel_cli_peer = {
	.name = "peer",
	.arguments = "list NETWORK | show NETWORK PEER | add NETWORK PEER | set NETWORK PEER |"
		     " remove NETWORK PEER | config NETWORK PEER | token NETWORK PEER",
	.summary = "Show or change a WireGuard network's peers; print a peer's configuration.",
	.help = "config prints the wg-quick file, with the peer's private key if it was made here. token makes\n"
		"one for doppel join, and is the only time that it is shown. set changes what its options say; an\n"
		"empty value ('') takes it away.",
	.options = options,
	.run = run,
};
