// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/thing.h"

enum { FORMAT, DRY_RUN };

static const struct cli_option options[] = {
	[FORMAT] = { "format", 0, "FORMAT", "rules: nft or iptables [the one that is in use]" },
	[DRY_RUN] = { "dry-run", 'n', NULL, "only say what would change" },
	{},
};

#define RULE "DIRECTION ACTION TARGET [PROTOCOL [PORT,…]]"

/* What is no port is left for the agent to refuse. */
static json_t *ports_of(char *text)
{
	json_t *ports = json_array();
	char *port;

	while ((port = strsep(&text, ","))) {
		const size_t digits = strspn(port, "0123456789");

		if (*port)
			json_array_append_new(ports, digits < 10 && !port[digits] ?
					      json_integer(atol(port)) : json_string(port));
	}
	return ports;
}

/* "output allow 192.168.1.0/24 tcp 80,443"; NULL: the words are too few or too many. */
static json_t *rule_of(const char *text)
{
	static const char *const keys[] = { "direction", "action", "target", "protocol" };
	auto_free char *copy = strdup(text);
	json_t *rule = json_object();
	char *rest = copy, *word;
	size_t count = 0;

	while ((word = strsep(&rest, " \t"))) {
		if (!*word)
			continue;
		if (count < 4)
			json_object_set_new(rule, keys[count], json_string(word));
		else if (count == 4)
			json_object_set_new(rule, "ports", ports_of(word));
		count++;
	}
	if (count >= 3 && count <= 5)
		return rule;
	json_decref(rule);
	return NULL;
}

/* The rules, one argument each; none: they are left as they are, or a new policy has none. */
static int read_rules(const struct cli *cli, int argc, char **argv, json_t *value)
{
	json_t *rules = json_array();

	for (int i = 0; i < argc; i++) {
		json_t *rule = rule_of(argv[i]);

		if (!rule) {
			json_decref(rules);
			return doppel_cli_usage(cli, "a rule is \"%s\", in quotes, not \"%s\"", RULE,
						argv[i]);
		}
		json_array_append_new(rules, rule);
	}
	if (argc)
		json_object_set(value, "rules", rules);
	json_decref(rules);
	return CLI_DONE;
}

/* As it would be typed. */
static void add_rule(const json_t *rule, struct buf *text)
{
	const char *protocol = doppel_cli_string(rule, "protocol");
	const json_t *ports = json_object_get(rule, "ports"), *port;
	size_t i;

	doppel_buf_printf(text, "%s %s %s", doppel_cli_string(rule, "direction"),
			  doppel_cli_string(rule, "action"), doppel_cli_string(rule, "target"));
	if (strcmp(protocol, "any"))
		doppel_buf_printf(text, " %s", protocol);
	json_array_foreach(ports, i, port)
		doppel_buf_printf(text, "%s%lld", i ? "," : " ", json_integer_value(port));
}

/* One line a rule; for which IP version it is says its last column. */
static void add_policy(struct table *table, const json_t *policy)
{
	const json_t *rules = json_object_get(policy, "rules"), *rule;
	const char *name = doppel_cli_string(policy, "name");
	auto_buf struct buf groups = {};
	size_t i;

	doppel_thing_join(json_object_get(policy, "groups"), &groups);
	if (!json_array_size(rules))
		doppel_table_row(table, (const char *const[]){ name, groups.data, "", "" });
	json_array_foreach(rules, i, rule) {
		auto_buf struct buf text = {}, versions = {};

		add_rule(rule, &text);
		doppel_thing_join(json_object_get(rule, "ip_versions"), &versions);
		doppel_table_row(table, (const char *const[]){
			i ? "" : name, i ? "" : groups.data, text.data, versions.data });
	}
}

static void print_list(const json_t *policies)
{
	auto_table struct table table = {};
	const json_t *policy;
	size_t i;

	doppel_table_titles(&table, 4, (const char *const[]){ "NAME", "GROUPS", "RULES", "FOR" });
	json_array_foreach(policies, i, policy)
		add_policy(&table, policy);
	doppel_table_print(&table);
}

/* The network's rules as the firewall has them. */
static int rules(struct cli *cli, int argc, char **argv)
{
	const char *format = cli->option[FORMAT];
	auto_buf struct buf path = {}, reply = {};
	json_t *json;

	if (argc != 1)
		return doppel_cli_usage(cli, "rules wants NETWORK");
	doppel_buf_printf(&path, "/api/v1/networks/");
	doppel_client_escape(&path, argv[0]);
	doppel_buf_printf(&path, "/rules");
	if (format) {
		doppel_buf_printf(&path, "?format=");
		doppel_client_escape(&path, format);
	}
	if (!doppel_client_fetch(cli, path.data, &reply))
		return CLI_FAILED;
	if (!cli->json) {
		fwrite(reply.data, 1, reply.len, stdout);
		return CLI_DONE;
	}
	json = json_pack("{s:s}", "rules", reply.data);
	doppel_cli_print_json(json);
	json_decref(json);
	return CLI_DONE;
}

static const struct thing_verb verbs[] = {
	{ "rules", rules },
	{},
};

static const struct thing thing = {
	.levels = (const char *const[]){ "networks", "policies", NULL },
	.names = (const char *const[]){ "NETWORK", "POLICY" },
	.dry_run = DRY_RUN,
	.rest = read_rules,
	.print_list = print_list,
	.verbs = verbs,
};

static int run(struct cli *cli, int argc, char **argv)
{
	return doppel_thing_run(cli, &thing, argc, argv);
}

const struct cli_command doppel_cli_policy = {
	.name = "policy",
	.arguments = "list NETWORK | show NETWORK POLICY | add NETWORK POLICY [RULE…] |"
		     " set NETWORK POLICY RULE… | remove NETWORK POLICY | rules NETWORK",
	.summary = "Show or change what a WireGuard network's peers may reach.",
	.help = "RULE is \"" RULE "\", the first that matches wins:\n"
		"  DIRECTION  output: from the group's peers to the target; input: from it to them\n"
		"  ACTION     allow or deny\n"
		"  TARGET     any, a prefix, or the name of a peer, a group or a LAN device\n"
		"  PROTOCOL   tcp, udp or icmp\n"
		"as in: doppel policy add office site \"output allow 192.168.1.0/24 tcp 80,443\" \"output deny any\"\n"
		"rules prints all of a network's as the firewall has them.",
	.options = options,
	.run = run,
};
