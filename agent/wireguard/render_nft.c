// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/render_nft.h"

#define TABLE "doppel_wg"

/* The words of a family. */
struct words {
	int family;
	const char *ip, *address, *icmp;
};

static const struct words ipv4 = { AF_INET, "ip", "ipv4_addr", "icmp" };
static const struct words ipv6 = { AF_INET6, "ip6", "ipv6_addr", "icmpv6" };

static const char *name_of(const struct wg_filter *filter)
{
	return filter->assignment->network->name;
}

/* A host without its length. */
static void write_prefix(struct buf *out, const struct cidr *cidr)
{
	char text[DOPPEL_CIDR_TEXT];

	doppel_buf_printf(out, "%s", cidr->len == 128 ? doppel_ip_format(&cidr->net, text) :
							doppel_cidr_format(cidr, text));
}

static void write_elements(struct buf *out, const struct wg_addresses *addresses, int family)
{
	const struct cidr *list;
	size_t i, count;

	list = doppel_wg_of_family(addresses, family, &count);
	doppel_buf_printf(out, "{ ");
	for (i = 0; i < count; i++) {
		doppel_buf_printf(out, "%s", i ? ", " : "");
		write_prefix(out, &list[i]);
	}
	doppel_buf_printf(out, " }");
}

static bool has_networks(const struct wg_addresses *addresses, int family)
{
	const struct cidr *list;
	size_t i, count;

	list = doppel_wg_of_family(addresses, family, &count);
	for (i = 0; i < count; i++)
		if (list[i].len < 128)
			return true;
	return false;
}

static bool uses(const struct wg_filter *filter, const struct wg_addresses *side, int family)
{
	size_t i;

	for (i = 0; i < filter->rule_count; i++) {
		const struct wg_filter_rule *rule = &filter->rules[i];

		if (doppel_wg_rule_is_for(rule, family) &&
		    (rule->source == side || rule->destination == side))
			return true;
	}
	return false;
}

/* A set for each group of several that a rule is about. */
static void write_sets(struct buf *out, const struct wg_filter *filter, const struct words *words)
{
	const struct wg_network *network = filter->assignment->network;
	size_t i;

	for (i = 0; i < network->group_count; i++) {
		const struct wg_addresses *group = &filter->groups[i];

		if (!doppel_wg_is_several(group, words->family) ||
		    !uses(filter, group, words->family))
			continue;
		doppel_buf_printf(out, "\tset group.%s.%s {\n\t\ttype %s\n", network->name,
				  network->groups[i].name, words->address);
		if (has_networks(group, words->family))
			doppel_buf_printf(out, "\t\tflags interval\n");
		doppel_buf_printf(out, "\t\telements = ");
		write_elements(out, group, words->family);
		doppel_buf_printf(out, "\n\t}\n");
	}
}

/* @which: "saddr" or "daddr" */
static void write_side(struct buf *out, const struct wg_filter *filter,
		       const struct wg_addresses *side, const char *which,
		       const struct words *words)
{
	const struct wg_network *network = filter->assignment->network;
	const struct cidr *single = doppel_wg_single(side, words->family);

	if (single) {
		doppel_buf_printf(out, "%s %s ", words->ip, which);
		write_prefix(out, single);
		doppel_buf_printf(out, " ");
	} else if (doppel_wg_is_several(side, words->family)) {
		doppel_buf_printf(out, "%s %s ", words->ip, which);
		if (side >= filter->groups && side < filter->groups + network->group_count)
			doppel_buf_printf(out, "@group.%s.%s", network->name,
					  network->groups[side - filter->groups].name);
		else
			write_elements(out, side, words->family);
		doppel_buf_printf(out, " ");
	}
}

static void write_protocol(struct buf *out, const struct wg_rule *rule, const struct words *words)
{
	static const char *const names[] = { [WG_PROTOCOL_TCP] = "tcp", [WG_PROTOCOL_UDP] = "udp" };
	size_t i;

	if (rule->protocol == WG_PROTOCOL_ANY)
		return;
	if (!rule->port_count) {
		doppel_buf_printf(out, "meta l4proto %s ", rule->protocol == WG_PROTOCOL_ICMP ?
				  words->icmp : names[rule->protocol]);
		return;
	}
	doppel_buf_printf(out, "%s dport { ", names[rule->protocol]);
	for (i = 0; i < rule->port_count; i++)
		doppel_buf_printf(out, "%s%u", i ? ", " : "", rule->ports[i]);
	doppel_buf_printf(out, " } ");
}

static void write_rules(struct buf *out, const struct wg_filter *filter, const struct words *words)
{
	const struct wg_policy *policy = NULL;
	const struct wg_group *group = NULL;
	size_t i;

	for (i = 0; i < filter->rule_count; i++) {
		const struct wg_filter_rule *rule = &filter->rules[i];

		if (!doppel_wg_rule_is_for(rule, words->family))
			continue;
		if (rule->group != group || rule->policy != policy)
			doppel_buf_printf(out, "\t\t# group %s, policy %s\n", rule->group->name,
					  rule->policy->name);
		group = rule->group;
		policy = rule->policy;
		doppel_buf_printf(out, "\t\t");
		write_side(out, filter, rule->source, "saddr", words);
		write_side(out, filter, rule->destination, "daddr", words);
		write_protocol(out, rule->rule, words);
		doppel_buf_printf(out, "%s\n", rule->rule->allow ? "return" : "drop");
	}
}

static void write_expired(struct buf *out, const struct wg_filter *filter, const char *which,
			  const struct words *words)
{
	size_t count;

	doppel_wg_of_family(&filter->expired, words->family, &count);
	if (!count)
		return;
	doppel_buf_printf(out, "\t\t");
	write_side(out, filter, &filter->expired, which, words);
	doppel_buf_printf(out, "drop\n");
}

/* What is let pass returns, and any other network that has a say is asked. */
static void write_network_chain(struct buf *out, const struct wg_filter *filter,
				const struct words *words)
{
	doppel_buf_printf(out, "\tchain network.%s {\n", name_of(filter));
	write_expired(out, filter, "saddr", words);
	write_expired(out, filter, "daddr", words);
	doppel_buf_printf(out, "\t\tct state established,related return\n");
	write_rules(out, filter, words);
	doppel_buf_printf(out, "\t\tdrop\n\t}\n");
}

/* To the box itself */
static void write_box_chain(struct buf *out, const struct wg_filter *filter,
			    const struct words *words)
{
	char own[DOPPEL_IP6_TEXT];
	const struct cidr *list;
	size_t i, count;

	list = doppel_wg_of_family(&filter->jump, words->family, &count);
	doppel_buf_printf(out, "\tchain box.%s {\n", name_of(filter));
	write_expired(out, filter, "saddr", words);
	for (i = 0; i < count; i++) {
		doppel_ip_format(&list[i].net, own);
		doppel_buf_printf(out, "\t\t%s daddr %s %s type echo-request return\n", words->ip,
				  own, words->icmp);
		if (filter->assignment->network->dns)
			doppel_buf_printf(out, "\t\t%s daddr %s udp dport 53 return\n"
					  "\t\t%s daddr %s tcp dport 53 return\n",
					  words->ip, own, words->ip, own);
	}
	doppel_buf_printf(out, "\t\tgoto network.%s\n\t}\n", name_of(filter));
}

static void write_network(struct buf *out, const struct wg_filter *filter,
			  const struct words *words)
{
	if (!doppel_wg_has_family(filter->assignment->network, words->family))
		return;
	write_sets(out, filter, words);
	write_network_chain(out, filter, words);
	write_box_chain(out, filter, words);
}

/* @key: "iifname" or "oifname"; @chain: "network" or "box" */
static void write_map(struct buf *out, const struct wg_filters *filters, const char *key,
		      const char *chain, const struct words *words)
{
	const char *comma = "";
	size_t i;

	doppel_buf_printf(out, "\t\t%s vmap { ", key);
	for (i = 0; i < filters->network_count; i++) {
		const struct wg_filter *filter = &filters->networks[i];

		if (!doppel_wg_filter_has(filter, words->family))
			continue;
		doppel_buf_printf(out, "%s\"%s\" : jump %s.%s", comma,
				  filter->assignment->network->interface, chain, name_of(filter));
		comma = ", ";
	}
	doppel_buf_printf(out, " }\n");
}

static void write_table(struct buf *out, const struct wg_filters *filters,
			const struct words *words)
{
	size_t i;

	/* A table that is not there cannot be deleted. */
	doppel_buf_printf(out, "table %s " TABLE "\ndelete table %s " TABLE "\n", words->ip,
			  words->ip);
	if (!filters || !doppel_wg_filters_have(filters, words->family))
		return;
	doppel_buf_printf(out, "table %s " TABLE " {\n", words->ip);
	for (i = 0; i < filters->network_count; i++)
		write_network(out, &filters->networks[i], words);
	doppel_buf_printf(out, "\tchain forward {\n"
			  "\t\ttype filter hook forward priority filter; policy accept;\n");
	write_map(out, filters, "iifname", "network", words);
	write_map(out, filters, "oifname", "network", words);
	doppel_buf_printf(out, "\t}\n\tchain input {\n"
			  "\t\ttype filter hook input priority filter; policy accept;\n");
	write_map(out, filters, "iifname", "box", words);
	doppel_buf_printf(out, "\t}\n}\n");
}

void doppel_wg_render_nft(const struct wg_filters *filters, struct buf *out)
{
	write_table(out, filters, &ipv4);
	write_table(out, filters, &ipv6);
}

void doppel_wg_print_nft(const struct wg_filter *filter, struct buf *out)
{
	const struct words *const families[] = { &ipv4, &ipv6 };
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!doppel_wg_has_family(filter->assignment->network, families[i]->family))
			continue;
		doppel_buf_printf(out, "table %s " TABLE " {\n", families[i]->ip);
		write_network(out, filter, families[i]);
		doppel_buf_printf(out, "}\n");
	}
}
