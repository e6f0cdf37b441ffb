// SPDX-License-Identifier: GPL-2.0-only
/* What peers may reach, and what may reach them: a document's policies. */
#include <string.h>

#include "wireguard/document_reader.h"

static bool is_device(const struct wg_reader *reader, const char *text)
{
	struct mac mac;

	if (!doppel_mac_parse(text, &mac))
		return doppel_mac_is_host(&mac);
	return reader->devices && reader->devices->known(reader->devices->ctx, text);
}

static void read_name_target(struct wg_reader *reader, const struct yaml_node *node,
			     struct wg_target *target)
{
	const struct wg_peer *peer = doppel_wg_peer(reader->network, node->text);
	const struct wg_group *group = doppel_wg_group(reader->network, node->text);

	if (peer && group) {
		doppel_yaml_error(reader->error, node,
				  "\"%s\" is a peer and a group; give one of them another name",
				  node->text);
	} else if (peer) {
		target->kind = WG_TARGET_PEER;
		target->peer = peer;
	} else if (group) {
		target->kind = WG_TARGET_GROUP;
		target->group = group;
	} else if (is_device(reader, node->text)) {
		target->kind = WG_TARGET_DEVICE;
		target->device = doppel_wg_read_text(reader, node);
	} else {
		doppel_yaml_error(reader->error, node,
				  "must be any, a prefix, or the name of a peer, a group or a LAN device, not \"%.70s\"",
				  node->text);
	}
}

static void read_target(struct wg_reader *reader, const struct yaml_node *node,
			struct wg_target *target)
{
	struct in6_addr address;
	const char *text;

	if (!doppel_yaml_text(reader->error, node, &text))
		return;
	if (!strcmp(text, "any"))
		return;
	if (!doppel_ip_parse(text, &address)) {
		target->kind = WG_TARGET_CIDR;
		target->cidr = doppel_cidr_host(&address);
		doppel_wg_check_family(reader, node, doppel_ip_family(&address));
	} else if (strchr(text, '/')) {
		target->kind = WG_TARGET_CIDR;
		doppel_wg_read_cidr(reader, node, &target->cidr);
	} else {
		read_name_target(reader, node, target);
	}
}

static void read_ports(struct wg_reader *reader, const struct yaml_node *list,
		       struct wg_rule *rule)
{
	size_t i;

	if (!list || !doppel_yaml_want_list(reader->error, list))
		return;
	if (rule->protocol != WG_PROTOCOL_TCP && rule->protocol != WG_PROTOCOL_UDP) {
		doppel_yaml_error_key(reader->error, list, "only tcp and udp have ports; give protocol");
		return;
	}
	if (list->count > WG_PORTS_MAX) {
		doppel_yaml_error(reader->error, list, "must not be more than %d; make two rules of it",
				  WG_PORTS_MAX);
		return;
	}
	for (i = 0; i < list->count; i++) {
		uint32_t port = 0;

		doppel_yaml_uint(reader->error, list->children[i], 1, UINT16_MAX, &port);
		rule->ports[rule->port_count++] = (uint16_t)port;
	}
}

/* A word that has to be there. */
static unsigned int read_word(struct wg_reader *reader, const struct yaml_node *map,
			      const char *key, const char *const *words)
{
	const struct yaml_node *node = doppel_yaml_get(map, key);
	unsigned int index = 0;

	if (node)
		doppel_yaml_choice(reader->error, node, words, &index);
	else
		doppel_yaml_error_missing(reader->error, map, key, "missing; give %s or %s",
					  words[0], words[1]);
	return index;
}

static void read_rule(struct wg_reader *reader, const struct yaml_node *map, struct wg_rule *rule)
{
	static const char *const keys[] = {
		"direction", "action", "target", "protocol", "ports", NULL,
	};
	static const char *const directions[] = { "output", "input", NULL };
	static const char *const actions[] = { "deny", "allow", NULL };
	static const char *const protocols[] = { "any", "tcp", "udp", "icmp", NULL };
	const struct yaml_node *target, *protocol;
	unsigned int index = WG_PROTOCOL_ANY;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	rule->direction = read_word(reader, map, "direction", directions);
	rule->allow = read_word(reader, map, "action", actions);
	target = doppel_yaml_get(map, "target");
	if (target)
		read_target(reader, target, &rule->target);
	else
		doppel_yaml_error_missing(reader->error, map, "target",
					  "missing; give any, a prefix, or a name");
	protocol = doppel_yaml_get(map, "protocol");
	if (protocol)
		doppel_yaml_choice(reader->error, protocol, protocols, &index);
	rule->protocol = index;
	read_ports(reader, doppel_yaml_get(map, "ports"), rule);
}

static void read_policy(struct wg_reader *reader, const struct yaml_node *map,
			struct wg_policy *policy)
{
	static const char *const keys[] = { "name", "rules", NULL };
	const struct yaml_node *list = doppel_yaml_get(map, "rules");
	size_t i;

	doppel_yaml_want_keys(reader->error, map, keys);
	policy->rules = doppel_wg_read_items(reader, list, sizeof(*policy->rules),
					     &policy->rule_count);
	for (i = 0; i < policy->rule_count; i++)
		read_rule(reader, list->children[i], &policy->rules[i]);
}

void doppel_wg_read_policies(struct wg_reader *reader, const struct yaml_node *list)
{
	size_t i;

	for (i = 0; i < reader->network->policy_count; i++)
		if (list->children[i]->kind == DOPPEL_YAML_MAP)
			read_policy(reader, list->children[i], &reader->network->policies[i]);
}
