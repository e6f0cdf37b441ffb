// SPDX-License-Identifier: GPL-2.0-only
/* Who may reach what in WireGuard networks: groups and their policies. */
#include <microhttpd.h>

#include "api/networks.h"

/* Names of the group's peers, in the network's order. */
static json_t *members_json(const struct wg_network *network, const struct wg_group *group)
{
	json_t *list = json_array();

	for (size_t i = 0; i < network->peer_count; i++) {
		const struct wg_peer *peer = &network->peers[i];

		for (size_t j = 0; j < peer->group_count; j++)
			if (peer->groups[j] == group)
				json_array_append_new(list, json_string(peer->name));
	}
	return list;
}

static json_t *group_json(const struct wg_network *network, const struct wg_group *group)
{
	json_t *policies = json_array();

	for (size_t i = 0; i < group->policy_count; i++)
		json_array_append_new(policies, json_string(group->policies[i]->name));
	return json_pack("{s:s, s:i, s:o, s:o}", "name", group->name,
			 "priority", (int)group->priority, "policies", policies,
			 "peers", members_json(network, group));
}

void doppel_api_groups(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	struct json_list list = {};

	if (!network)
		return;
	for (size_t i = 0; i < network->network->group_count; i++)
		doppel_json_list_add(&list, group_json(network->network,
						       &network->network->groups[i]));
	doppel_json_list_reply(&list, "groups", list.count, reply);
}

void doppel_api_group(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	const struct wg_group *group;

	if (!network)
		return;
	group = doppel_wg_group(network->network, request->argument[1]);
	if (group)
		doppel_http_reply_json(reply, MHD_HTTP_OK, group_json(network->network, group));
	else
		doppel_api_reply_no_thing(request, reply);
}

static json_t *target_json(const struct wg_target *target)
{
	switch (target->kind) {
	case WG_TARGET_CIDR:
		return doppel_json_cidr(&target->cidr, true);
	case WG_TARGET_PEER:
		return json_string(target->peer->name);
	case WG_TARGET_GROUP:
		return json_string(target->group->name);
	case WG_TARGET_DEVICE:
		return json_string(target->device);
	case WG_TARGET_ANY:
		break;
	}
	return json_string("any");
}

/* By the target's notation (a prefix of one family), and what the network has; LAN devices have IPv4. */
static bool is_for(const struct wg_network *network, const struct wg_rule *rule, int family)
{
	if (rule->target.kind == WG_TARGET_CIDR && doppel_cidr_family(&rule->target.cidr) != family)
		return false;
	if (rule->target.kind == WG_TARGET_DEVICE && family == AF_INET6)
		return false;
	return doppel_wg_has_family(network, family);
}

static json_t *rule_json(const struct wg_network *network, const struct wg_rule *rule)
{
	static const char *const protocols[] = {
		[WG_PROTOCOL_ANY] = "any", [WG_PROTOCOL_TCP] = "tcp", [WG_PROTOCOL_UDP] = "udp",
		[WG_PROTOCOL_ICMP] = "icmp",
	};
	json_t *ports = json_array();

	for (size_t i = 0; i < rule->port_count; i++)
		json_array_append_new(ports, json_integer(rule->ports[i]));
	return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o}",
			 "direction", rule->direction == WG_OUTPUT ? "output" : "input",
			 "action", rule->allow ? "allow" : "deny",
			 "target", target_json(&rule->target),
			 "protocol", protocols[rule->protocol],
			 "ports", ports,
			 "ip_versions", doppel_json_ip_versions(is_for(network, rule, AF_INET),
								is_for(network, rule, AF_INET6)));
}

/* Names of the groups that have the policy. */
static json_t *users_json(const struct wg_network *network, const struct wg_policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < network->group_count; i++) {
		const struct wg_group *group = &network->groups[i];

		for (size_t j = 0; j < group->policy_count; j++)
			if (group->policies[j] == policy)
				json_array_append_new(list, json_string(group->name));
	}
	return list;
}

static json_t *policy_json(const struct wg_network *network, const struct wg_policy *policy)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < policy->rule_count; i++)
		json_array_append_new(rules, rule_json(network, &policy->rules[i]));
	return json_pack("{s:s, s:o, s:o}", "name", policy->name, "rules", rules, "groups",
			 users_json(network, policy));
}

void doppel_api_policies(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	struct json_list list = {};

	if (!network)
		return;
	for (size_t i = 0; i < network->network->policy_count; i++)
		doppel_json_list_add(&list, policy_json(network->network,
							&network->network->policies[i]));
	doppel_json_list_reply(&list, "policies", list.count, reply);
}

void doppel_api_policy(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	const struct wg_policy *policy;

	if (!network)
		return;
	policy = doppel_wg_policy(network->network, request->argument[1]);
	if (policy)
		doppel_http_reply_json(reply, MHD_HTTP_OK, policy_json(network->network, policy));
	else
		doppel_api_reply_no_thing(request, reply);
}
