// SPDX-License-Identifier: GPL-2.0-only
/* A document, network by network: first all names, then what refers to them. */
#include "wireguard/document.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wireguard/document_reader.h"

#define PORT_DEFAULT 51820
#define DOMAIN_MAX 253			/* RFC 1035 section 3.1, as text */
#define PRIORITY_DEFAULT 500

void doppel_wg_read_no_memory(struct wg_reader *reader)
{
	if (reader->no_memory)
		return;
	reader->no_memory = true;
	doppel_error_add(reader->error, "out of memory");
}

static void *keep(struct wg_reader *reader, void *memory)
{
	if (!memory)
		doppel_wg_read_no_memory(reader);
	return memory;
}

void *doppel_wg_read_items(struct wg_reader *reader, const struct yaml_node *list, size_t size,
			   size_t *count)
{
	void *items;

	*count = 0;
	if (!list || !doppel_yaml_want_list(reader->error, list))
		return NULL;
	items = keep(reader, calloc(list->count + 1, size));
	*count = items ? list->count : 0;
	return items;
}

char *doppel_wg_read_text(struct wg_reader *reader, const struct yaml_node *node)
{
	const char *text;

	return doppel_yaml_text(reader->error, node, &text) ? keep(reader, strdup(text)) : NULL;
}

/* RFC 1123 section 2.1 */
static bool is_label(const char *text, size_t len)
{
	size_t i;

	if (!len || len > WG_NAME_MAX || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-')
			return false;
	return true;
}

static bool is_domain(const char *text)
{
	const char *dot;

	if (strlen(text) > DOMAIN_MAX)
		return false;
	for (; (dot = strchr(text, '.')); text = dot + 1)
		if (!is_label(text, (size_t)(dot - text)))
			return false;
	return is_label(text, strlen(text));
}

char *doppel_wg_read_name(struct wg_reader *reader, const struct yaml_node *item)
{
	const struct yaml_node *node;
	const char *text;

	if (!doppel_yaml_want_map(reader->error, item))
		return NULL;
	node = doppel_yaml_get(item, "name");
	if (!node) {
		doppel_yaml_error_missing(reader->error, item, "name", "missing; give it a name");
		return NULL;
	}
	if (!doppel_yaml_text(reader->error, node, &text))
		return NULL;
	if (!is_label(text, strlen(text))) {
		doppel_yaml_error(reader->error, node,
				  "must be a name of letters, digits and hyphens (at most %d characters), not \"%.70s\"",
				  WG_NAME_MAX, text);
		return NULL;
	}
	return keep(reader, strdup(text));
}

bool doppel_wg_read_flag(struct wg_reader *reader, const struct yaml_node *map, const char *key)
{
	static const char *const words[] = { "false", "true", NULL };
	const struct yaml_node *node = doppel_yaml_get(map, key);
	unsigned int index = 0;

	if (node)
		doppel_yaml_choice(reader->error, node, words, &index);
	return index;
}

bool doppel_wg_check_family(struct wg_reader *reader, const struct yaml_node *node, int family)
{
	const struct wg_network *network = reader->network;

	if (doppel_wg_has_family(network, family))
		return true;
	doppel_yaml_error(reader->error, node, "%s is %s, and the network's ip_stack_mode is %s",
			  node->text, family == AF_INET ? "IPv4" : "IPv6",
			  doppel_wg_stack_name(network->stack));
	return false;
}

bool doppel_wg_read_address(struct wg_reader *reader, const struct yaml_node *node,
			    struct in6_addr *address)
{
	const char *text;

	if (!doppel_yaml_text(reader->error, node, &text))
		return false;
	if (doppel_ip_parse(text, address)) {
		doppel_yaml_error(reader->error, node, "must be an IPv4 or IPv6 address, not \"%.50s\"",
				  text);
		return false;
	}
	return doppel_wg_check_family(reader, node, doppel_ip_family(address));
}

static bool read_prefix(struct wg_reader *reader, const struct yaml_node *node, struct cidr *cidr)
{
	char meant[DOPPEL_CIDR_TEXT];
	const char *text;
	int err;

	if (!doppel_yaml_text(reader->error, node, &text))
		return false;
	err = doppel_cidr_parse(text, cidr);
	if (err == -EDOM)
		doppel_yaml_error(reader->error, node, "%s has host bits set; is %s meant?", text,
				  doppel_cidr_format(cidr, meant));
	else if (err)
		doppel_yaml_error(reader->error, node,
				  "must be a prefix (10.10.0.0/24, \"fd00:10::/64\"), not \"%.50s\"",
				  text);
	return !err;
}

bool doppel_wg_read_cidr(struct wg_reader *reader, const struct yaml_node *node,
			 struct cidr *cidr)
{
	return read_prefix(reader, node, cidr) &&
	       doppel_wg_check_family(reader, node, doppel_cidr_family(cidr));
}

/* False, and told: it stands in the list before. */
static bool is_first(struct wg_reader *reader, const struct yaml_node *node, const void *item,
		     void *const *before, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (before[i] == item) {
			doppel_yaml_error(reader->error, node, "\"%s\" is in the list already; leave one",
					  node->text);
			return false;
		}
	return true;
}

struct wg_group **doppel_wg_read_groups(struct wg_reader *reader, const struct yaml_node *list,
					size_t *count)
{
	struct wg_group **groups = doppel_wg_read_items(reader, list, sizeof(*groups), count);
	size_t i, found = 0;
	const char *text;

	for (i = 0; i < *count; i++) {
		struct wg_group *group;

		if (!doppel_yaml_text(reader->error, list->children[i], &text))
			continue;
		group = doppel_wg_group(reader->network, text);
		if (group && is_first(reader, list->children[i], group, (void **)groups, found))
			groups[found++] = group;
		else if (!group)
			doppel_yaml_error(reader->error, list->children[i],
					  "there is no group \"%.70s\" in this network", text);
	}
	*count = found;
	return groups;
}

/* The family's own key; `cidr` is an older name of ipv4_cidr. */
static const struct yaml_node *cidr_node(struct wg_reader *reader, const struct yaml_node *map,
					 int family)
{
	const struct yaml_node *older = doppel_yaml_get(map, "cidr");
	const struct yaml_node *node = doppel_yaml_get(map, family == AF_INET ? "ipv4_cidr" :
								       "ipv6_cidr");

	if (family == AF_INET6 || !older)
		return node;
	if (node)
		doppel_yaml_error_key(reader->error, older,
				      "is an older name of ipv4_cidr, which is there too; leave one out");
	return node ? node : older;
}

static void read_family(struct wg_reader *reader, const struct yaml_node *map, int family,
			struct cidr *cidr)
{
	const struct wg_network *network = reader->network;
	const struct yaml_node *node = cidr_node(reader, map, family);
	const char *key = family == AF_INET ? "ipv4_cidr" : "ipv6_cidr";
	const char *stack = doppel_wg_stack_name(network->stack);

	if (!doppel_wg_has_family(network, family)) {
		if (node)
			doppel_yaml_error_key(reader->error, node, "ip_stack_mode is %s; leave it out",
					      stack);
		return;
	}
	if (!node) {
		doppel_yaml_error_missing(reader->error, map, key,
					  "missing; ip_stack_mode %s needs it", stack);
		return;
	}
	if (!read_prefix(reader, node, cidr))
		return;
	if (doppel_cidr_family(cidr) != family)
		doppel_yaml_error(reader->error, node, "must be an %s prefix, not %s",
				  family == AF_INET ? "IPv4" : "IPv6", node->text);
	else if (doppel_cidr_len(cidr) < WG_CIDR_LEN_MIN)
		doppel_yaml_error(reader->error, node, "is more than one network can be; give a /%d or longer",
				  WG_CIDR_LEN_MIN);
}

static void read_interface(struct wg_reader *reader, const struct yaml_node *map)
{
	const struct yaml_node *node = doppel_yaml_get(map, "interface");
	struct wg_network *network = reader->network;

	if (node) {
		if (doppel_yaml_interface(reader->error, node, network->interface) &&
		    !doppel_wg_interface_name(network->interface))
			doppel_yaml_error(reader->error, node,
					  "must be a name of letters, digits, dots, hyphens and underscores, not \"%s\"",
					  network->interface);
		return;
	}
	if (!network->name)
		return;
	if (snprintf(network->interface, IF_NAMESIZE, "wg-%s", network->name) >= IF_NAMESIZE)
		doppel_yaml_error_missing(reader->error, map, "interface",
					  "missing; wg-%s is longer than the %d characters that an interface's name may have",
					  network->name, IF_NAMESIZE - 1);
}

static void read_domain(struct wg_reader *reader, const struct yaml_node *map)
{
	const struct yaml_node *node = doppel_yaml_get(map, "domain");
	struct wg_network *network = reader->network;

	if (node) {
		network->domain = doppel_wg_read_text(reader, node);
		if (network->domain && !is_domain(network->domain))
			doppel_yaml_error(reader->error, node, "must be a domain's name, not \"%.60s\"",
					  network->domain);
	} else if (network->name && asprintf(&network->domain, "%s.internal", network->name) < 0) {
		network->domain = keep(reader, NULL);
	}
}

static void read_endpoint(struct wg_reader *reader, const struct yaml_node *map)
{
	const struct yaml_node *node = doppel_yaml_get(map, "endpoint");
	struct in6_addr address;

	if (!node)
		return;
	reader->network->endpoint = doppel_wg_read_text(reader, node);
	if (reader->network->endpoint && doppel_ip_parse(reader->network->endpoint, &address) &&
	    !is_domain(reader->network->endpoint))
		doppel_yaml_error(reader->error, node,
				  "must be a host's name or address, without a port, not \"%.60s\"",
				  reader->network->endpoint);
}

/* The server's own upstreams may be of any family: the gateway asks them, not the network. */
static void read_dns(struct wg_reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = { "upstream", NULL };
	struct wg_network *network = reader->network;
	const struct yaml_node *list;
	size_t i;

	if (!map || !doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	network->dns = true;
	list = doppel_yaml_get(map, "upstream");
	network->upstream = doppel_wg_read_items(reader, list, sizeof(*network->upstream),
						 &network->upstream_count);
	for (i = 0; i < network->upstream_count; i++) {
		const char *text;

		if (doppel_yaml_text(reader->error, list->children[i], &text) &&
		    doppel_ip_parse(text, &network->upstream[i]))
			doppel_yaml_error(reader->error, list->children[i],
					  "must be a name server's address, not \"%.50s\"", text);
	}
}

void doppel_wg_claim_name(struct wg_reader *reader, struct wg_owners *names, const char *name,
			  const struct yaml_node *item)
{
	const void *first;
	const int err = doppel_wg_owners_claim_name(names, name, item, &first);

	if (err == -EEXIST)
		doppel_yaml_error(reader->error, doppel_yaml_get(item, "name"),
				  "\"%s\" is there in line %d already", name,
				  ((const struct yaml_node *)first)->line);
	else if (err)
		doppel_wg_read_no_memory(reader);
}

/* The list's items with nothing but their names, so that they can be found. */
static void *read_named(struct wg_reader *reader, const struct yaml_node *list, size_t size,
			size_t *count)
{
	char *items = doppel_wg_read_items(reader, list, size, count);
	auto_wg_owners struct wg_owners names;
	size_t i;

	if (doppel_wg_owners_init_names(&names, *count)) {
		doppel_wg_read_no_memory(reader);
		return items;
	}
	for (i = 0; i < *count; i++) {
		char **name = (char **)(items + i * size);	/* all of them begin with it */

		*name = doppel_wg_read_name(reader, list->children[i]);
		if (*name)
			doppel_wg_claim_name(reader, &names, *name, list->children[i]);
	}
	return items;
}

static void read_names(struct wg_reader *reader, const struct yaml_node *map)
{
	struct wg_network *network = reader->network;

	network->peers = read_named(reader, doppel_yaml_get(map, "peers"), sizeof(*network->peers),
				    &network->peer_count);
	network->groups = read_named(reader, doppel_yaml_get(map, "groups"),
				     sizeof(*network->groups), &network->group_count);
	network->policies = read_named(reader, doppel_yaml_get(map, "policies"),
				       sizeof(*network->policies), &network->policy_count);
	network->routes = read_named(reader, doppel_yaml_get(map, "routes"),
				     sizeof(*network->routes), &network->route_count);
}

static void read_group(struct wg_reader *reader, const struct yaml_node *map,
		       struct wg_group *group)
{
	static const char *const keys[] = { "name", "priority", "policies", NULL };
	const struct yaml_node *priority = doppel_yaml_get(map, "priority");
	const struct yaml_node *list = doppel_yaml_get(map, "policies");
	size_t i, count;

	doppel_yaml_want_keys(reader->error, map, keys);
	group->priority = PRIORITY_DEFAULT;
	if (priority)
		doppel_yaml_uint(reader->error, priority, 1, WG_PRIORITY_MAX, &group->priority);
	group->policies = doppel_wg_read_items(reader, list, sizeof(*group->policies), &count);
	for (i = 0; i < count; i++) {
		struct wg_policy *policy;
		const char *text;

		if (!doppel_yaml_text(reader->error, list->children[i], &text))
			continue;
		policy = doppel_wg_policy(reader->network, text);
		if (policy && is_first(reader, list->children[i], policy,
				       (void **)group->policies, group->policy_count))
			group->policies[group->policy_count++] = policy;
		else if (!policy)
			doppel_yaml_error(reader->error, list->children[i],
					  "there is no policy \"%.70s\" in this network", text);
	}
}

static void read_groups(struct wg_reader *reader, const struct yaml_node *list)
{
	size_t i;

	for (i = 0; i < reader->network->group_count; i++)
		if (list->children[i]->kind == DOPPEL_YAML_MAP)
			read_group(reader, list->children[i], &reader->network->groups[i]);
}

/* In the firewall a policy's rules are there once for each group that has it. */
static void count_rules(struct wg_reader *reader, const struct yaml_node *map)
{
	const size_t before = reader->rule_count;

	reader->rule_count += doppel_wg_rule_count(reader->network);
	if (before <= WG_RULES_MAX && reader->rule_count > WG_RULES_MAX)
		doppel_yaml_error(reader->error, map,
				  "with this network's there are %zu rules, each policy's counted for each group that has it; no more than %d can be",
				  reader->rule_count, WG_RULES_MAX);
}

static void read_network(struct wg_reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = {
		"name", "ip_stack_mode", "ipv4_cidr", "ipv6_cidr", "cidr", "interface", "listen_port",
		"endpoint", "domain", "allocation", "dns", "peers", "groups", "policies", "routes", NULL,
	};
	static const char *const stacks[] = { "ipv4", "ipv6", "dual", NULL };
	static const char *const allocations[] = { "sequential", "hashed", NULL };
	const struct yaml_node *stack = doppel_yaml_get(map, "ip_stack_mode");
	const struct yaml_node *port = doppel_yaml_get(map, "listen_port");
	const struct yaml_node *allocation = doppel_yaml_get(map, "allocation");
	struct wg_network *network = reader->network;
	unsigned int index = WG_STACK_IPV4;
	uint32_t number = PORT_DEFAULT;

	doppel_yaml_want_keys(reader->error, map, keys);
	if (stack)
		doppel_yaml_choice(reader->error, stack, stacks, &index);
	network->stack = index;
	read_family(reader, map, AF_INET, &network->ipv4);
	read_family(reader, map, AF_INET6, &network->ipv6);
	read_interface(reader, map);
	if (port)
		doppel_yaml_uint(reader->error, port, 1, UINT16_MAX, &number);
	network->listen_port = (uint16_t)number;
	read_endpoint(reader, map);
	read_domain(reader, map);
	index = WG_ALLOCATION_SEQUENTIAL;
	if (allocation)
		doppel_yaml_choice(reader->error, allocation, allocations, &index);
	network->allocation = index;
	read_dns(reader, doppel_yaml_get(map, "dns"));
	read_names(reader, map);
	read_groups(reader, doppel_yaml_get(map, "groups"));
	doppel_wg_read_peers(reader, doppel_yaml_get(map, "peers"));
	doppel_wg_read_policies(reader, doppel_yaml_get(map, "policies"));
	count_rules(reader, map);
	doppel_wg_read_routes(reader, doppel_yaml_get(map, "routes"));
}

static bool overlap(const struct cidr *a, const struct cidr *b)
{
	return a->len && b->len && doppel_cidr_overlap(a, b);
}

/* What two networks of one box cannot share. */
static void check_apart(struct wg_reader *reader, const struct yaml_node *node,
			const struct wg_network *network, const struct wg_network *before)
{
	const char *name = before->name ? before->name : "?";

	if (overlap(&network->ipv4, &before->ipv4))
		doppel_yaml_error(reader->error, node, "ipv4_cidr overlaps that of network \"%s\"", name);
	if (overlap(&network->ipv6, &before->ipv6))
		doppel_yaml_error(reader->error, node, "ipv6_cidr overlaps that of network \"%s\"", name);
	if (!strcmp(network->interface, before->interface))
		doppel_yaml_error(reader->error, node, "interface %s is network \"%s\"'s, too",
				  network->interface, name);
	if (network->listen_port == before->listen_port)
		doppel_yaml_error(reader->error, node, "listen_port %u is network \"%s\"'s, too",
				  network->listen_port, name);
}

static void read_networks(struct wg_reader *reader, const struct yaml_node *list,
			  struct wg_document *document)
{
	size_t i, j;

	if (list && list->count > WG_NETWORKS_MAX) {
		doppel_yaml_error(reader->error, list, "%zu networks are too many; no more than %d can be",
				  list->count, WG_NETWORKS_MAX);
		return;
	}
	document->networks = read_named(reader, list, sizeof(*document->networks),
					&document->network_count);
	for (i = 0; i < document->network_count; i++) {
		if (list->children[i]->kind != DOPPEL_YAML_MAP)
			continue;
		reader->network = &document->networks[i];
		read_network(reader, list->children[i]);
		for (j = 0; j < i; j++)
			check_apart(reader, list->children[i], reader->network,
				    &document->networks[j]);
	}
}

int doppel_wg_document_read(const struct yaml_node *section, const struct wg_devices *devices,
			    struct wg_document **document, struct doppel_error *error)
{
	static const char *const keys[] = { "firewall", "networks", NULL };
	static const char *const firewalls[] = { "nftables", "iptables", NULL };
	struct wg_reader reader = { .error = error, .devices = devices };
	const size_t before = error->count;
	struct wg_document *new = calloc(1, sizeof(*new));
	unsigned int index = WG_FIREWALL_NFTABLES;

	if (!new)
		return -ENOMEM;
	if (doppel_yaml_want_map(error, section)) {
		const struct yaml_node *firewall = doppel_yaml_get(section, "firewall");

		doppel_yaml_want_keys(error, section, keys);
		if (firewall)
			doppel_yaml_choice(error, firewall, firewalls, &index);
		new->firewall = index;
		read_networks(&reader, doppel_yaml_get(section, "networks"), new);
	}
	if (error->count == before) {
		*document = new;
		return 0;
	}
	doppel_wg_document_free(new);
	return reader.no_memory ? -ENOMEM : -EINVAL;
}
