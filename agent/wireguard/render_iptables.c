// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/render_iptables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wireguard/iptables_tree.h"

#define FORWARD "DOPPEL-WG-FORWARD"
#define INPUT "DOPPEL-WG-INPUT"

static const char *protocol_of(const struct wg_rule *rule, int family)
{
	switch (rule->protocol) {
	case WG_PROTOCOL_TCP:
		return "tcp";
	case WG_PROTOCOL_UDP:
		return "udp";
	case WG_PROTOCOL_ICMP:
		return family == AF_INET ? "icmp" : "ipv6-icmp";
	case WG_PROTOCOL_ANY:
		break;
	}
	return NULL;
}

static void write_condition(struct iptables_writer *writer, const struct cidr *single,
			    const char *option)
{
	char text[DOPPEL_CIDR_TEXT];

	if (single)
		doppel_buf_printf(&writer->rules, " %s %s", option,
				  doppel_cidr_format(single, text));
}

static void write_protocol(struct iptables_writer *writer, const struct wg_rule *rule)
{
	const char *protocol = protocol_of(rule, writer->family);
	size_t i;

	if (protocol)
		doppel_buf_printf(&writer->rules, " -p %s", protocol);
	for (i = 0; i < rule->port_count; i++)
		doppel_buf_printf(&writer->rules, "%s%u", i ? "," : " -m multiport --dports ",
				  rule->ports[i]);
}

/* The order in which a packet's sides are looked at. */
enum stage {
	STAGE_SOURCE,
	STAGE_DESTINATION,
	STAGE_VERDICT,
};

static const struct wg_addresses *side_of(const struct wg_filter_rule *rule, enum stage stage)
{
	return stage == STAGE_SOURCE ? rule->source : rule->destination;
}

/* Nothing is left that the rule asks of a packet, once @stage is done: no later one is reached. */
static bool is_last(const struct wg_filter_rule *rule, enum stage stage, int family)
{
	if (doppel_wg_single(rule->source, family) || doppel_wg_single(rule->destination, family) ||
	    rule->rule->protocol != WG_PROTOCOL_ANY)
		return false;
	return stage == STAGE_DESTINATION || !doppel_wg_is_several(rule->destination, family);
}

/* Of the rules those that a packet of this class may still match; NULL: of no class. */
static size_t choose(const struct iptables_writer *writer, const struct iptables_classes *classes,
		     const struct iptables_class *class, enum stage stage,
		     const struct wg_filter_rule *const *rules, size_t count,
		     const struct wg_filter_rule **chosen)
{
	size_t i, left = 0;

	for (i = 0; i < count; i++) {
		const struct wg_addresses *side = side_of(rules[i], stage);

		if (doppel_wg_is_several(side, writer->family) &&
		    !(class && doppel_iptables_class_has(classes, class, side)))
			continue;
		chosen[left++] = rules[i];
		if (is_last(rules[i], stage, writer->family))
			break;
	}
	return left;
}

/* What the trees have left of the rules: conditions that are one prefix, and protocols. */
static void write_verdicts(struct iptables_writer *writer, const char *chain,
			   const struct wg_filter_rule *const *rules, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct wg_filter_rule *rule = rules[i];

		doppel_buf_printf(&writer->rules, "-A %s", chain);
		write_condition(writer, doppel_wg_single(rule->source, writer->family), "-s");
		write_condition(writer, doppel_wg_single(rule->destination, writer->family), "-d");
		write_protocol(writer, rule->rule);
		doppel_buf_printf(&writer->rules, " -j %s\n", rule->rule->allow ? "RETURN" : "DROP");
	}
	if (!count || !is_last(rules[count - 1], STAGE_DESTINATION, writer->family))
		doppel_buf_printf(&writer->rules, "-A %s -j DROP\n", chain);
}

static void write_stage(struct iptables_writer *writer, const char *chain, enum stage stage,
			const struct wg_filter_rule *const *rules, size_t count);

static void write_class(struct iptables_writer *writer, const struct iptables_classes *classes,
			const struct iptables_class *class, const char *chain, enum stage stage,
			const struct wg_filter_rule *const *rules, size_t count)
{
	const struct wg_filter_rule **chosen = calloc(count + 1, sizeof(*chosen));

	if (chosen)
		write_stage(writer, chain, stage + 1, chosen,
			    choose(writer, classes, class, stage, rules, count, chosen));
	else
		writer->no_memory = true;
	free(chosen);
}

/* A chain for each class of the stage's addresses, and a tree that leads there. */
static void write_stage(struct iptables_writer *writer, const char *chain, enum stage stage,
			const struct wg_filter_rule *const *rules, size_t count)
{
	struct iptables_classes classes = { .count = 0 };
	char others[IPTABLES_CHAIN];
	size_t i;

	if (stage == STAGE_VERDICT) {
		write_verdicts(writer, chain, rules, count);
		return;
	}
	for (i = 0; i < count; i++)
		doppel_iptables_classes_add(writer, &classes, side_of(rules[i], stage));
	doppel_iptables_classes_make(writer, &classes);
	if (!classes.count) {
		write_class(writer, &classes, NULL, chain, stage, rules, count);
	} else {
		doppel_iptables_chain(writer, others);
		doppel_iptables_tree(writer, &classes, chain, stage == STAGE_SOURCE ? "-s" : "-d",
				     others);
		for (i = 0; i < classes.count; i++)
			write_class(writer, &classes, &classes.list[i], classes.list[i].chain,
				    stage, rules, count);
		write_class(writer, &classes, NULL, others, stage, rules, count);
	}
	doppel_iptables_classes_free(&classes);
}

static void write_rules(struct iptables_writer *writer, const struct wg_filter *filter,
			const char *chain)
{
	const struct wg_filter_rule **rules = calloc(filter->rule_count + 1, sizeof(*rules));
	size_t i, count = 0;

	writer->no_memory = writer->no_memory || !rules;
	for (i = 0; rules && i < filter->rule_count; i++)
		if (doppel_wg_rule_is_for(&filter->rules[i], writer->family))
			rules[count++] = &filter->rules[i];
	if (rules)
		write_stage(writer, chain, STAGE_SOURCE, rules, count);
	free(rules);
}

static void write_expired(struct iptables_writer *writer, const struct wg_filter *filter,
			  const char *chain, const char *option)
{
	char dropping[IPTABLES_CHAIN];
	size_t count;

	doppel_wg_of_family(&filter->expired, writer->family, &count);
	if (!count)
		return;
	doppel_iptables_chain(writer, dropping);
	doppel_buf_printf(&writer->rules, "-A %s -j %s\n", chain, dropping);
	doppel_iptables_drop_tree(writer, &filter->expired, dropping, option);
}

static void write_network_chain(struct iptables_writer *writer, const struct wg_filter *filter,
				const char *chain)
{
	write_expired(writer, filter, chain, "-s");
	write_expired(writer, filter, chain, "-d");
	doppel_buf_printf(&writer->rules,
			  "-A %s -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n", chain);
	write_rules(writer, filter, chain);
}

/* To the box itself */
static void write_box_chain(struct iptables_writer *writer, const struct wg_filter *filter,
			    const char *chain, const char *network_chain)
{
	const bool is_v4 = writer->family == AF_INET;
	char own[DOPPEL_CIDR_TEXT];
	const struct cidr *list;
	size_t i, count;

	list = doppel_wg_of_family(&filter->jump, writer->family, &count);
	write_expired(writer, filter, chain, "-s");
	for (i = 0; i < count; i++) {
		doppel_cidr_format(&list[i], own);
		doppel_buf_printf(&writer->rules, "-A %s -d %s -p %s echo-request -j RETURN\n", chain,
				  own, is_v4 ? "icmp -m icmp --icmp-type" :
					       "ipv6-icmp -m icmp6 --icmpv6-type");
		if (filter->assignment->network->dns)
			doppel_buf_printf(&writer->rules,
					  "-A %s -d %s -p udp -m udp --dport 53 -j RETURN\n"
					  "-A %s -d %s -p tcp -m tcp --dport 53 -j RETURN\n",
					  chain, own, chain, own);
	}
	doppel_buf_printf(&writer->rules, "-A %s -g %s\n", chain, network_chain);
}

static void write_network(struct iptables_writer *writer, const struct wg_filters *filters,
			  size_t number)
{
	const struct wg_filter *filter = &filters->networks[number];
	char chain[IPTABLES_CHAIN], box[IPTABLES_CHAIN];

	if (!doppel_wg_has_family(filter->assignment->network, writer->family))
		return;
	doppel_iptables_network(writer, number, chain, box);
	doppel_buf_printf(&writer->rules, "# network %s\n", filter->assignment->network->name);
	write_network_chain(writer, filter, chain);
	write_box_chain(writer, filter, box, chain);
}

/* From the hooks' own chains to each network's */
static void write_entries(struct iptables_writer *writer, const struct wg_filters *filters)
{
	size_t i;

	doppel_iptables_declare(writer, FORWARD);
	doppel_iptables_declare(writer, INPUT);
	for (i = 0; i < filters->network_count; i++) {
		const struct wg_network *network = filters->networks[i].assignment->network;
		const unsigned int number = (unsigned int)i + 1;

		if (!doppel_wg_filter_has(&filters->networks[i], writer->family))
			continue;
		doppel_buf_printf(&writer->rules, "-A " FORWARD " -i %s -j " IPTABLES_PREFIX "%u\n"
				  "-A " FORWARD " -o %s -j " IPTABLES_PREFIX "%u\n"
				  "-A " INPUT " -i %s -j " IPTABLES_PREFIX "%u-BOX\n",
				  network->interface, number, network->interface, number,
				  network->interface, number);
	}
}

static bool declares(const struct buf *chains, const char *chain)
{
	char line[64];

	snprintf(line, sizeof(line), ":%s - [0:0]\n", chain);
	return chains->data && strstr(chains->data, line);
}

static void write_jumps(struct buf *out, const char *hook, const char *chain, unsigned int found,
			bool wanted)
{
	unsigned int i;

	for (i = 0; i < found; i++)
		doppel_buf_printf(out, "-D %s -j %s\n", hook, chain);
	if (wanted)
		doppel_buf_printf(out, "-I %s -j %s\n", hook, chain);
}

/*
 * A chain that is declared is made, or emptied. Those that are not wanted any more are emptied, too,
 * before they go: they may lead to one another.
 */
static void write_all(const struct iptables_writer *writer, const struct wg_iptables *found,
		      bool wanted, struct buf *out)
{
	size_t i;

	doppel_buf_printf(out, "*filter\n");
	doppel_buf_add(out, writer->chains.data, writer->chains.len);
	for (i = 0; i < found->chain_count; i++)
		if (!declares(&writer->chains, found->chains[i]))
			doppel_buf_printf(out, ":%s - [0:0]\n", found->chains[i]);
	write_jumps(out, "FORWARD", FORWARD, found->forward_jumps, wanted);
	write_jumps(out, "INPUT", INPUT, found->input_jumps, wanted);
	doppel_buf_add(out, writer->rules.data, writer->rules.len);
	for (i = 0; i < found->chain_count; i++)
		if (!declares(&writer->chains, found->chains[i]))
			doppel_buf_printf(out, "-X %s\n", found->chains[i]);
	doppel_buf_printf(out, "COMMIT\n");
}

int doppel_wg_render_iptables(const struct wg_filters *filters, int family,
			      const struct wg_iptables *found, struct buf *out)
{
	struct iptables_writer auto_iptables_writer writer = { .family = family };
	const bool wanted = filters && doppel_wg_filters_have(filters, family);
	size_t i;

	if (wanted)
		write_entries(&writer, filters);
	for (i = 0; wanted && i < filters->network_count; i++)
		write_network(&writer, filters, i);
	write_all(&writer, found, wanted, out);
	return doppel_iptables_failed(&writer) || out->failed ? -ENOMEM : 0;
}

int doppel_wg_print_iptables(const struct wg_filters *filters, size_t number, struct buf *out)
{
	const struct wg_network *network = filters->networks[number].assignment->network;
	static const int families[] = { AF_INET, AF_INET6 };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct iptables_writer auto_iptables_writer writer = { .family = families[i] };

		if (!doppel_wg_has_family(network, families[i]))
			continue;
		write_network(&writer, filters, number);
		doppel_buf_printf(out, "# %s-restore\n*filter\n", families[i] == AF_INET ?
				  "iptables" : "ip6tables");
		doppel_buf_add(out, writer.chains.data, writer.chains.len);
		doppel_buf_add(out, writer.rules.data, writer.rules.len);
		doppel_buf_printf(out, "COMMIT\n");
		if (doppel_iptables_failed(&writer))
			return -ENOMEM;
	}
	return out->failed ? -ENOMEM : 0;
}

/* --- what is there --------------------------------------------------------------------------- */

static int keep_chain(struct wg_iptables *found, const char *name, size_t len)
{
	char **more = reallocarray(found->chains, found->chain_count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	found->chains = more;
	more[found->chain_count] = strndup(name, len);
	return more[found->chain_count++] ? 0 : -ENOMEM;
}

/* ":DOPPEL-WG-1 - [0:0]" */
static int read_chain(struct wg_iptables *found, const char *line)
{
	if (strncmp(line, ":" IPTABLES_PREFIX, strlen(":" IPTABLES_PREFIX)))
		return 0;
	return keep_chain(found, line + 1, strcspn(line + 1, "\n "));
}

static bool is_line(const char *line, const char *text)
{
	const size_t len = strlen(text);

	return !strncmp(line, text, len) && (line[len] == '\n' || !line[len]);
}

/* The next line of the filter table behind @line, or the first one of @saved. */
static const char *next_line(const char *saved, const char *line)
{
	const char *start = line ? strchr(line, '\n') : strstr(saved, "*filter\n");

	if (!start || !start[1] || (line && is_line(line, "COMMIT")))
		return NULL;
	return line ? start + 1 : start;
}

int doppel_wg_iptables_read(const char *saved, struct wg_iptables *found)
{
	const char *line = NULL;
	int err = 0;

	*found = (struct wg_iptables){ .chain_count = 0 };
	while (!err && (line = next_line(saved, line))) {
		found->forward_jumps += is_line(line, "-A FORWARD -j " FORWARD);
		found->input_jumps += is_line(line, "-A INPUT -j " INPUT);
		err = read_chain(found, line);
	}
	if (err)
		doppel_wg_iptables_free(found);
	return err;
}

void doppel_wg_iptables_pick(const char *saved, struct buf *ours)
{
	bool forward = false, input = false;
	const char *line = NULL;

	while ((line = next_line(saved, line))) {
		const size_t len = strcspn(line, "\n");
		const bool first = (!forward && !strncmp(line, "-A FORWARD ", 11)) ||
				   (!input && !strncmp(line, "-A INPUT ", 9));

		forward = forward || !strncmp(line, "-A FORWARD ", 11);
		input = input || !strncmp(line, "-A INPUT ", 9);
		if (first || memmem(line, len, IPTABLES_PREFIX, strlen(IPTABLES_PREFIX)))
			doppel_buf_add(ours, line, len + 1);
	}
}

void doppel_wg_iptables_free(struct wg_iptables *found)
{
	size_t i;

	for (i = 0; i < found->chain_count; i++)
		free(found->chains[i]);
	free(found->chains);
	*found = (struct wg_iptables){ .chain_count = 0 };
}
