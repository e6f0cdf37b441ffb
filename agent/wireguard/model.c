// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/model.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *doppel_wg_stack_name(enum wg_stack stack)
{
	static const char *const names[] = {
		[WG_STACK_IPV4] = "ipv4", [WG_STACK_IPV6] = "ipv6", [WG_STACK_DUAL] = "dual",
	};

	return names[stack];
}

const char *doppel_wg_firewall_name(enum wg_firewall firewall)
{
	return firewall == WG_FIREWALL_IPTABLES ? "iptables" : "nftables";
}

/* Other characters that the kernel lets be are patterns and quotes to nftables and iptables. */
bool doppel_wg_interface_name(const char *text)
{
	for (size_t i = 0; text[i]; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return false;
	return *text && strlen(text) < IF_NAMESIZE && strcmp(text, ".") && strcmp(text, "..");
}

/* All that has a name begins with it. While a file is read not everything has one yet. */
static void *find(void *items, size_t count, size_t size, const char *name)
{
	char *item = items;
	size_t i;

	for (i = 0; i < count; i++, item += size) {
		const char *own = *(char **)item;

		if (own && !strcasecmp(own, name))
			return item;
	}
	return NULL;
}

struct wg_network *doppel_wg_network(const struct wg_document *document, const char *name)
{
	return find(document->networks, document->network_count, sizeof(*document->networks), name);
}

struct wg_peer *doppel_wg_peer(const struct wg_network *network, const char *name)
{
	return find(network->peers, network->peer_count, sizeof(*network->peers), name);
}

struct wg_group *doppel_wg_group(const struct wg_network *network, const char *name)
{
	return find(network->groups, network->group_count, sizeof(*network->groups), name);
}

struct wg_policy *doppel_wg_policy(const struct wg_network *network, const char *name)
{
	return find(network->policies, network->policy_count, sizeof(*network->policies), name);
}

size_t doppel_wg_rule_count(const struct wg_network *network)
{
	size_t i, j, count = 0;

	for (i = 0; i < network->group_count; i++)
		for (j = 0; j < network->groups[i].policy_count; j++)
			count += network->groups[i].policies[j]->rule_count;
	return count;
}

static void free_peer(struct wg_peer *peer)
{
	free(peer->name);
	free(peer->extra_allowed_ips);
	free(peer->groups);
}

static void free_group(struct wg_group *group)
{
	free(group->name);
	free(group->policies);
}

static void free_policy(struct wg_policy *policy)
{
	size_t i;

	for (i = 0; i < policy->rule_count; i++)
		free(policy->rules[i].target.device);
	free(policy->rules);
	free(policy->name);
}

static void free_route(struct wg_route *route)
{
	size_t i;

	for (i = 0; i < route->mapping_count; i++)
		free(route->mappings[i].name);
	free(route->mappings);
	free(route->groups);
	free(route->name);
}

static void free_network(struct wg_network *network)
{
	size_t i;

	for (i = 0; i < network->peer_count; i++)
		free_peer(&network->peers[i]);
	for (i = 0; i < network->group_count; i++)
		free_group(&network->groups[i]);
	for (i = 0; i < network->policy_count; i++)
		free_policy(&network->policies[i]);
	for (i = 0; i < network->route_count; i++)
		free_route(&network->routes[i]);
	free(network->peers);
	free(network->groups);
	free(network->policies);
	free(network->routes);
	free(network->upstream);
	free(network->endpoint);
	free(network->domain);
	free(network->name);
}

void doppel_wg_document_free(struct wg_document *document)
{
	size_t i;

	if (!document)
		return;
	for (i = 0; i < document->network_count; i++)
		free_network(&document->networks[i]);
	free(document->networks);
	free(document);
}

void doppel_wg_document_cleanup(struct wg_document **document)
{
	doppel_wg_document_free(*document);
}
