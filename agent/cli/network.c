// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "cli/table.h"
#include "cli/thing.h"

enum {
	MODE, IPV4, IPV6, INTERFACE, PORT, ENDPOINT, DOMAIN, ALLOCATION, DNS, UPSTREAM, NO_DNS,
	DRY_RUN,
};

static const struct cli_option options[] = {
	[MODE] = { "ip-stack-mode", 0, "MODE", "ipv4, ipv6 or dual [ipv4]" },
	[IPV4] = { "ipv4-cidr", 0, "PREFIX", "whose addresses peers get: 10.10.0.0/24" },
	[IPV6] = { "ipv6-cidr", 0, "PREFIX", "the same of IPv6: fd00:10::/64" },
	[INTERFACE] = { "interface", 0, "NAME", "the WireGuard interface [wg-NETWORK]" },
	[PORT] = { "listen-port", 0, "PORT", "the UDP port [51820]" },
	[ENDPOINT] = { "endpoint", 0, "HOST", "what peers dial: a name or an address" },
	[DOMAIN] = { "domain", 0, "DOMAIN", "of the peers' names [NETWORK.internal]" },
	[ALLOCATION] = { "allocation", 0, "HOW", "sequential or hashed [sequential]" },
	[DNS] = { "dns", 0, NULL, "serve names on the jump peer's addresses" },
	[UPSTREAM] = { "dns-upstream", 0, "LIST", "and ask these servers for the rest" },
	[NO_DNS] = { "no-dns", 0, NULL, "serve no names" },
	[DRY_RUN] = { "dry-run", 'n', NULL, "only say what would change" },
	{},
};

static const struct thing_key keys[] = {
	{ .option = MODE, .key = "ip_stack_mode" },
	{ .option = IPV4, .key = "ipv4_cidr" },
	{ .option = IPV6, .key = "ipv6_cidr" },
	{ .option = INTERFACE, .key = "interface" },
	{ .option = PORT, .key = "listen_port", .value = VALUE_NUMBER },
	{ .option = ENDPOINT, .key = "endpoint" },
	{ .option = DOMAIN, .key = "domain" },
	{ .option = ALLOCATION, .key = "allocation" },
	{ .option = DNS, .key = "dns", .value = VALUE_FIXED, .fixed = "{}" },
	{ .option = UPSTREAM, .key = "upstream", .value = VALUE_LIST, .within = "dns" },
	{ .option = NO_DNS, .key = "dns", .value = VALUE_FIXED, .fixed = "null" },
	{},
};

static void print_list(const json_t *networks)
{
	static const char *const titles[] = {
		"NAME", "MODE", "IPv4", "IPv6", "INTERFACE", "PORT", "PEERS", "FROM",
	};
	auto_table struct table table = {};
	const json_t *network;
	size_t i;

	doppel_table_titles(&table, 8, titles);
	json_array_foreach(networks, i, network) {
		const json_t *counts = json_object_get(network, "counts");
		char port[24], peers[24];

		snprintf(port, sizeof(port), "%lld", doppel_cli_integer(network, "listen_port"));
		snprintf(peers, sizeof(peers), "%lld", doppel_cli_integer(counts, "peers"));
		doppel_table_row(&table, (const char *const[]){
			doppel_cli_string(network, "name"),
			doppel_cli_string(network, "ip_stack_mode"),
			doppel_cli_string(network, "ipv4_cidr"),
			doppel_cli_string(network, "ipv6_cidr"),
			doppel_cli_string(network, "interface"), port, peers,
			doppel_cli_string(network, "origin") });
	}
	doppel_table_print(&table);
}

/* The parts, a line each, instead of their list. */
static void print_one(const json_t *network)
{
	json_t *flat = json_copy((json_t *)network);
	const json_t *part;
	size_t i;

	json_array_foreach(json_object_get(network, "parts"), i, part) {
		const bool good = json_is_true(json_object_get(part, "good"));

		json_object_set_new(flat, doppel_cli_string(part, "name"),
				    json_string(good ? "good" : doppel_cli_string(part, "problem")));
	}
	json_object_del(flat, "parts");
	doppel_thing_print_members(flat);
	json_decref(flat);
}

static const struct thing thing = {
	.levels = (const char *const[]){ "networks", NULL },
	.names = (const char *const[]){ "NETWORK" },
	.dry_run = DRY_RUN,
	.keys = keys,
	.print_list = print_list,
	.print_one = print_one,
};

static int run(struct cli *cli, int argc, char **argv)
{
	return doppel_thing_run(cli, &thing, argc, argv);
}

const struct cli_command doppel_cli_network = {
	.name = "network",
	.arguments = "list | show NETWORK | add NETWORK | set NETWORK | remove NETWORK",
	.summary = "Show or change WireGuard networks.",
	.help = "set changes what its options say; an empty value ('') goes back to what is usual. A network of\n"
		"the agent's own file is changed there. doppel apply takes whole networks out of a file.",
	.options = options,
	.run = run,
};
