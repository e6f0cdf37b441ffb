// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

/* One network's, while it is made. */
struct making {
	const struct wg_network *network;
	const struct wg_lan *lan;
	struct wg_filter *filter;
	bool no_memory;
};

static void add(struct making *making, struct wg_addresses *addresses, const struct cidr *cidr)
{
	const size_t room = addresses->room ? 2 * addresses->room : 2;
	struct cidr *more;

	if (!doppel_wg_has_family(making->network, doppel_cidr_family(cidr)))
		return;
	if (addresses->count == addresses->room) {
		more = reallocarray(addresses->list, room, sizeof(*more));
		if (!more) {
			making->no_memory = true;
			return;
		}
		addresses->list = more;
		addresses->room = room;
	}
	addresses->list[addresses->count++] = *cidr;
}

static void add_host(struct making *making, struct wg_addresses *addresses,
		     const struct in6_addr *address)
{
	const struct cidr host = doppel_cidr_host(address);

	add(making, addresses, &host);
}

static void add_own(struct making *making, struct wg_addresses *addresses,
		    const struct wg_member *member)
{
	if (member->has_ipv4)
		add_host(making, addresses, &member->ipv4);
	if (member->has_ipv6)
		add_host(making, addresses, &member->ipv6);
}

static void add_member(struct making *making, struct wg_addresses *addresses,
		       const struct wg_member *member)
{
	size_t i;

	add_own(making, addresses, member);
	for (i = 0; i < member->peer->extra_allowed_ip_count; i++)
		add(making, addresses, &member->peer->extra_allowed_ips[i]);
}

static int compare(const void *one, const void *other)
{
	const struct cidr *a = one, *b = other;
	const bool a6 = doppel_cidr_family(a) == AF_INET6, b6 = doppel_cidr_family(b) == AF_INET6;
	int order;

	if (a6 != b6)
		return a6 ? 1 : -1;
	order = memcmp(&a->net, &b->net, sizeof(a->net));
	return order ? order : a->len - b->len;
}

/* In order, what is covered by another left out, and the families counted. */
static void settle(struct wg_addresses *addresses)
{
	size_t i, kept = 0;

	if (!addresses->count)
		return;
	qsort(addresses->list, addresses->count, sizeof(*addresses->list), compare);
	for (i = 0; i < addresses->count; i++) {
		const struct cidr *cidr = &addresses->list[i];

		if (kept && doppel_cidr_covers(&addresses->list[kept - 1], cidr))
			continue;
		addresses->ipv4_count += doppel_cidr_family(cidr) == AF_INET;
		addresses->list[kept++] = *cidr;
	}
	addresses->count = kept;
}

static bool has(const struct wg_addresses *addresses, const struct in6_addr *address)
{
	const struct cidr host = doppel_cidr_host(address);
	size_t low = 0, high = addresses->count;

	/* The last that begins at the address or before it */
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare(&addresses->list[middle], &host) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && doppel_cidr_has(&addresses->list[low - 1], address);
}

static const struct wg_member *member_of(const struct making *making, const struct wg_peer *peer)
{
	return &making->filter->assignment->members[peer - making->network->peers];
}

static struct wg_addresses *group_of(const struct making *making, const struct wg_group *group)
{
	return &making->filter->groups[group - making->network->groups];
}

static void make_sides(struct making *making)
{
	const struct wg_assignment *assignment = making->filter->assignment;
	struct wg_filter *filter = making->filter;
	size_t i, j;

	for (i = 0; i < making->network->peer_count; i++) {
		const struct wg_member *member = &assignment->members[i];

		if (member == assignment->jump)
			add_own(making, &filter->jump, member);
		else
			add_member(making, &filter->peers, member);
		if (member->expired)
			add_member(making, &filter->expired, member);
		for (j = 0; !member->expired && j < member->peer->group_count; j++)
			add_member(making, group_of(making, member->peer->groups[j]), member);
	}
	settle(&filter->jump);
	settle(&filter->peers);
	settle(&filter->expired);
	for (i = 0; i < making->network->group_count; i++)
		settle(&filter->groups[i]);
}

/* What the rule's target stands for. NULL: any. */
static const struct wg_addresses *resolve(struct making *making, struct wg_filter_rule *rule)
{
	const struct wg_target *target = &rule->rule->target;
	struct in6_addr address;
	struct in_addr ipv4;

	switch (target->kind) {
	case WG_TARGET_ANY:
		return NULL;
	case WG_TARGET_GROUP:
		return group_of(making, target->group);
	case WG_TARGET_CIDR:
		add(making, &rule->target, &target->cidr);
		break;
	case WG_TARGET_PEER:
		if (!member_of(making, target->peer)->expired)
			add_member(making, &rule->target, member_of(making, target->peer));
		break;
	case WG_TARGET_DEVICE:
		if (!making->lan || !making->lan->ipv4(making->lan->ctx, target->device, &ipv4))
			break;
		address = doppel_ip6_v4mapped(ipv4);
		add_host(making, &rule->target, &address);
		break;
	}
	settle(&rule->target);
	return &rule->target;
}

static bool can_be(const struct wg_filter_rule *rule, const struct wg_network *network, int family)
{
	size_t count;

	if (!doppel_wg_has_family(network, family))
		return false;
	if (rule->source && (doppel_wg_of_family(rule->source, family, &count), !count))
		return false;
	return !rule->destination || (doppel_wg_of_family(rule->destination, family, &count), count);
}

static void make_rule(struct making *making, struct wg_filter_rule *rule)
{
	const struct wg_addresses *group = group_of(making, rule->group);
	const struct wg_addresses *target = resolve(making, rule);
	const bool output = rule->rule->direction == WG_OUTPUT;

	rule->source = output ? group : target;
	rule->destination = output ? target : group;
	rule->ipv4 = can_be(rule, making->network, AF_INET);
	rule->ipv6 = can_be(rule, making->network, AF_INET6);
}

/* Smaller priorities first; of equal ones what is first in the file, as the array is. */
static int compare_groups(const void *one, const void *other)
{
	const struct wg_group *a = *(const struct wg_group *const *)one;
	const struct wg_group *b = *(const struct wg_group *const *)other;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void make_group_rules(struct making *making, const struct wg_group *group)
{
	struct wg_filter *filter = making->filter;
	size_t i, j;

	for (i = 0; i < group->policy_count; i++) {
		const struct wg_policy *policy = group->policies[i];

		for (j = 0; j < policy->rule_count; j++) {
			struct wg_filter_rule *rule = &filter->rules[filter->rule_count++];

			rule->group = group;
			rule->policy = policy;
			rule->rule = &policy->rules[j];
			make_rule(making, rule);
		}
	}
}

static void make_rules(struct making *making)
{
	const struct wg_network *network = making->network;
	const struct wg_group **order = calloc(network->group_count + 1, sizeof(*order));
	size_t i;

	making->filter->rules = calloc(doppel_wg_rule_count(network) + 1, sizeof(*making->filter->rules));
	making->no_memory = making->no_memory || !order || !making->filter->rules;
	for (i = 0; !making->no_memory && i < network->group_count; i++)
		order[i] = &network->groups[i];
	if (!making->no_memory)
		qsort(order, network->group_count, sizeof(*order), compare_groups);
	for (i = 0; !making->no_memory && i < network->group_count; i++)
		make_group_rules(making, order[i]);
	free(order);
}

static int make_filter(struct wg_filter *filter, const struct wg_assignment *assignment,
		       const struct wg_lan *lan)
{
	struct making making = { .network = assignment->network, .lan = lan, .filter = filter };

	filter->assignment = assignment;
	filter->foreign = lan && lan->foreign && lan->foreign(lan->ctx, assignment);
	filter->groups = calloc(making.network->group_count + 1, sizeof(*filter->groups));
	if (!filter->groups)
		return -ENOMEM;
	make_sides(&making);
	make_rules(&making);
	return making.no_memory ? -ENOMEM : 0;
}

int doppel_wg_filters_new(const struct wg_site *site, const struct wg_lan *lan,
			  struct wg_filters **filters)
{
	struct wg_filters *new = calloc(1, sizeof(*new));
	int err = 0;

	if (!new)
		return -ENOMEM;
	new->site = site;
	new->networks = calloc(site->network_count + 1, sizeof(*new->networks));
	if (!new->networks)
		err = -ENOMEM;
	while (!err && new->network_count < site->network_count) {
		const size_t i = new->network_count++;

		err = make_filter(&new->networks[i], &site->networks[i], lan);
	}
	if (err)
		doppel_wg_filters_free(new);
	else
		*filters = new;
	return err;
}

static void free_filter(struct wg_filter *filter)
{
	size_t i;

	for (i = 0; filter->groups && i < filter->assignment->network->group_count; i++)
		free(filter->groups[i].list);
	for (i = 0; i < filter->rule_count; i++)
		free(filter->rules[i].target.list);
	free(filter->groups);
	free(filter->rules);
	free(filter->jump.list);
	free(filter->peers.list);
	free(filter->expired.list);
}

void doppel_wg_filters_free(struct wg_filters *filters)
{
	size_t i;

	if (!filters)
		return;
	for (i = 0; i < filters->network_count; i++)
		free_filter(&filters->networks[i]);
	free(filters->networks);
	free(filters);
}

bool doppel_wg_filter_has(const struct wg_filter *filter, int family)
{
	return !filter->foreign && doppel_wg_has_family(filter->assignment->network, family);
}

bool doppel_wg_filters_have(const struct wg_filters *filters, int family)
{
	size_t i;

	for (i = 0; i < filters->network_count; i++)
		if (doppel_wg_filter_has(&filters->networks[i], family))
			return true;
	return false;
}

const struct cidr *doppel_wg_single(const struct wg_addresses *side, int family)
{
	const struct cidr *list;
	size_t count;

	if (!side)
		return NULL;
	list = doppel_wg_of_family(side, family, &count);
	return count == 1 && doppel_cidr_len(list) ? list : NULL;
}

bool doppel_wg_is_several(const struct wg_addresses *side, int family)
{
	size_t count = 0;

	if (side)
		doppel_wg_of_family(side, family, &count);
	return count > 1;
}

/* --- what becomes of a flow ------------------------------------------------------------------ */

/* By which network's interface the box sends to this address: a peer's, or one that no peer has yet. */
static const struct wg_filter *behind(const struct wg_filters *filters,
				      const struct in6_addr *address)
{
	const int family = doppel_ip_family(address);
	size_t i;

	for (i = 0; i < filters->network_count; i++) {
		const struct wg_filter *filter = &filters->networks[i];
		const struct wg_network *network = filter->assignment->network;
		const struct cidr *own = family == AF_INET ? &network->ipv4 : &network->ipv6;

		if (!doppel_wg_filter_has(filter, family) || has(&filter->jump, address))
			continue;
		if (doppel_cidr_has(own, address) || has(&filter->peers, address))
			return filter;
	}
	return NULL;
}

static bool is_protocol(const struct wg_rule *rule, const struct wg_flow *flow)
{
	const int family = doppel_ip_family(&flow->destination);
	size_t i;

	switch (rule->protocol) {
	case WG_PROTOCOL_ANY:
		return true;
	case WG_PROTOCOL_ICMP:
		return flow->protocol == (family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	case WG_PROTOCOL_TCP:
	case WG_PROTOCOL_UDP:
		break;
	}
	if (flow->protocol != (rule->protocol == WG_PROTOCOL_TCP ? IPPROTO_TCP : IPPROTO_UDP))
		return false;
	for (i = 0; i < rule->port_count; i++)
		if (rule->ports[i] == flow->port)
			return true;
	return !rule->port_count;
}

static bool is_side(const struct wg_addresses *side, const struct in6_addr *address)
{
	return !side || has(side, address);
}

/* What every peer may ask of the box at its own addresses, whatever the rules say. */
static bool is_service(const struct wg_filter *filter, const struct wg_flow *flow)
{
	if (!flow->to_box || !has(&filter->jump, &flow->destination))
		return false;
	return flow->echo ||
	       (filter->assignment->network->dns && flow->port == DNS_PORT &&
		(flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP));
}

static bool allows(const struct wg_filter *filter, const struct wg_flow *flow)
{
	size_t i;

	if (has(&filter->expired, &flow->source) || has(&filter->expired, &flow->destination))
		return false;
	if (is_service(filter, flow))
		return true;
	for (i = 0; i < filter->rule_count; i++) {
		const struct wg_filter_rule *rule = &filter->rules[i];

		if (is_side(rule->source, &flow->source) &&
		    is_side(rule->destination, &flow->destination) && is_protocol(rule->rule, flow))
			return rule->rule->allow;
	}
	return false;
}

bool doppel_wg_filters_allow(const struct wg_filters *filters, const struct wg_flow *flow)
{
	const struct wg_filter *in = behind(filters, &flow->source);
	const struct wg_filter *out = flow->to_box ? NULL : behind(filters, &flow->destination);

	return (!in || allows(in, flow)) && (!out || allows(out, flow));
}
