// SPDX-License-Identifier: GPL-2.0-only
/* The file's keys about the ways between the families: lending, NAT64, mappings. */
#include <stdlib.h>
#include <string.h>

#include "base/yaml_value.h"
#include "gateway/config_reader.h"

static bool is_word(const struct yaml_node *node, const char *word)
{
	return node->kind == DOPPEL_YAML_SCALAR && !strcmp(node->text, word);
}

void doppel_config_read_lend(struct reader *reader, const struct yaml_node *wan)
{
	const struct yaml_node *node = doppel_yaml_get(wan, "lend");
	struct config *config = reader->config;

	if (!node || is_word(node, "auto")) {
		config->wan.lend = CONFIG_LEND_AUTO;
	} else if (is_word(node, "off")) {
		config->wan.lend = CONFIG_LEND_OFF;
	} else if (node->kind == DOPPEL_YAML_SCALAR && !strchr(node->text, ':')) {
		doppel_yaml_error(reader->error, node,
				  "must be auto, off or a device's MAC address, not \"%.40s\"",
				  node->text);
	} else {
		config->wan.lend = CONFIG_LEND_MAC;
		doppel_yaml_mac(reader->error, node, &config->wan.lender);
	}
}

static void read_prefix(struct reader *reader, const struct yaml_node *node)
{
	struct config *config = reader->config;

	if (!doppel_yaml_ip6_prefix(reader->error, node, &config->nat64.prefix,
				    &config->nat64.len))
		return;
	if (!doppel_ip6_is_nat64_prefix(&config->nat64.prefix, config->nat64.len))
		doppel_yaml_error(reader->error, node,
				  "must have a length of 32, 40, 48, 56, 64 or 96, and zeros after it "
				  "and in bits 64 to 71 (RFC 6052), and hosts beyond a link under it");
}

void doppel_config_read_nat64(struct reader *reader, const struct yaml_node *gateway)
{
	const struct yaml_node *node = doppel_yaml_get(gateway, "nat64_prefix");
	struct config *config = reader->config;

	if (!node || is_word(node, "auto")) {
		config->nat64.mode = CONFIG_NAT64_AUTO;
	} else if (is_word(node, "off")) {
		config->nat64.mode = CONFIG_NAT64_OFF;
	} else if (node->kind == DOPPEL_YAML_SCALAR && !strchr(node->text, ':')) {
		doppel_yaml_error(reader->error, node,
				  "must be auto, off or a prefix (64:ff9b::/96), not \"%.50s\"",
				  node->text);
	} else {
		config->nat64.mode = CONFIG_NAT64_PREFIX;
		read_prefix(reader, node);
	}
}

static void check_alias(struct reader *reader, const struct yaml_node *node, struct in_addr ipv4)
{
	const struct config *config = reader->config;
	/* Ours for name servers and for the way out: RFC 7335, RFC 7600 section 4.8. */
	const struct in_addr ours = { htonl(0xc0000000) };

	if (!doppel_ip4_is_host(ipv4))
		doppel_yaml_error(reader->error, node, "%s is no host's address", node->text);
	else if (config->lan.prefix_len && doppel_ip4_in_prefix(ipv4, config->lan.address,
								config->lan.prefix_len))
		doppel_yaml_error(reader->error, node,
				  "%s lies in the LAN, where devices look for it themselves",
				  node->text);
	else if (doppel_ip4_in_prefix(ipv4, ours, 28))
		doppel_yaml_error(reader->error, node, "%s is one of those that doppel itself uses "
				  "(192.0.0.0/28)", node->text);
}

static void check_host(struct reader *reader, const struct yaml_node *node,
		       const struct in6_addr *ipv6)
{
	if (!doppel_ip6_is_host(ipv6) || IN6_IS_ADDR_LINKLOCAL(ipv6))
		doppel_yaml_error(reader->error, node, "%s is no host's address beyond a link",
				  node->text);
}

static void read_mapping(struct reader *reader, const struct yaml_node *map,
			 struct config_mapping *mapping)
{
	static const char *const keys[] = { "ipv4", "ipv6", NULL };
	const struct yaml_node *ipv4, *ipv6;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	ipv4 = doppel_config_require(reader, map, "ipv4", "the alias that devices use");
	if (ipv4 && doppel_yaml_ip4(reader->error, ipv4, &mapping->ipv4))
		check_alias(reader, ipv4, mapping->ipv4);
	ipv6 = doppel_config_require(reader, map, "ipv6", "the host that it stands for");
	if (ipv6 && doppel_yaml_ip6(reader->error, ipv6, &mapping->ipv6))
		check_host(reader, ipv6, &mapping->ipv6);
}

/* Item number i against those before it, in a list that is well-formed. */
static void check_twice(struct reader *reader, const struct yaml_node *list, size_t i)
{
	const struct config_mapping *mappings = reader->config->mappings.list;
	size_t j;

	for (j = 0; j < i; j++) {
		const char *key = doppel_ip4_eq(mappings[j].ipv4, mappings[i].ipv4) ? "ipv4" :
				  doppel_ip6_eq(&mappings[j].ipv6, &mappings[i].ipv6) ? "ipv6" : NULL;
		const struct yaml_node *node = key ? doppel_yaml_get(list->children[i], key) : NULL;

		if (!node)
			continue;
		doppel_yaml_error(reader->error, node, "%s is mapped in line %d already",
				  node->text, list->children[j]->line);
		return;
	}
}

void doppel_config_read_mappings(struct reader *reader, const struct yaml_node *gateway)
{
	const struct yaml_node *list = doppel_yaml_get(gateway, "mappings");
	struct config *config = reader->config;
	size_t i, before = reader->error->count;

	if (!list || !doppel_yaml_want_list(reader->error, list))
		return;
	config->mappings.list = calloc(list->count + 1, sizeof(*config->mappings.list));
	if (!config->mappings.list) {
		doppel_config_no_memory(reader);
		return;
	}
	config->mappings.count = list->count;
	for (i = 0; i < list->count; i++)
		read_mapping(reader, list->children[i], &config->mappings.list[i]);
	for (i = 0; reader->error->count == before && i < list->count; i++)
		check_twice(reader, list, i);
}
