// SPDX-License-Identifier: GPL-2.0-only
/* IPv4 aliases of IPv6 hosts: the file's, and our own of name servers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/state.h"

#define RETRY_MS 60000

static bool same(const struct module_mapping *a, const struct module_mapping *b)
{
	return doppel_ip4_eq(a->ipv4, b->ipv4) && doppel_ip6_eq(&a->ipv6, &b->ipv6);
}

static bool has(const struct module_mapping *list, size_t count,
		const struct module_mapping *mapping)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (same(&list[i], mapping))
			return true;
	return false;
}

/* The file's first; what is there by an alias of the file's needs none of ours. */
static struct module_mapping *wanted(const struct gateway *gateway, size_t *count)
{
	const struct config *config = gateway->config;
	struct module_mapping *list = calloc(config->mappings.count + NAMES_ALIASES + 1,
					     sizeof(*list));
	size_t i;

	if (!list)
		return NULL;
	for (i = 0; i < config->mappings.count; i++)
		list[i] = (struct module_mapping){
			.ipv4 = config->mappings.list[i].ipv4,
			.ipv6 = config->mappings.list[i].ipv6,
		};
	*count = i + doppel_names_aliases(gateway, list + i);
	return list;
}

bool doppel_mappings_have(const struct gateway *gateway, const struct module_mapping *mapping)
{
	return has(gateway->mappings, gateway->mapping_count, mapping);
}

int doppel_mappings_held(struct gateway *gateway, const struct module_mapping *mapping)
{
	struct module_mapping *list = reallocarray(gateway->mappings, gateway->mapping_count + 1,
						   sizeof(*list));

	if (!list)
		return -ENOMEM;
	gateway->mappings = list;
	list[gateway->mapping_count++] = *mapping;
	return 0;
}

/* The first of them stands for all. */
static void complain(struct gateway *gateway, const struct module_mapping *mapping, int err,
		     char problem[GATEWAY_PROBLEM_MAX])
{
	char ipv4[DOPPEL_IP4_TEXT], ipv6[DOPPEL_IP6_TEXT];

	if (*problem)
		return;
	snprintf(problem, GATEWAY_PROBLEM_MAX, "mapping of %s to %s: %s",
		 doppel_ip4_format(mapping->ipv4, ipv4), doppel_ip6_format(&mapping->ipv6, ipv6),
		 gateway->module->message[0] ? gateway->module->message : strerror(-err));
}

/* Those that are not wanted go first: their addresses may be needed. */
static void remove_others(struct gateway *gateway, const struct module_mapping *list, size_t count,
			  char problem[GATEWAY_PROBLEM_MAX])
{
	struct doppel_link *module = gateway->module;
	size_t i, kept = 0;

	for (i = 0; i < gateway->mapping_count; i++) {
		const struct module_mapping held = gateway->mappings[i];
		int err = 0;

		if (!has(list, count, &held)) {
			err = module->mapping_del(module, &held);
			if (!err || err == -ENOENT)
				continue;
			complain(gateway, &held, err, problem);
		}
		gateway->mappings[kept++] = held;
	}
	gateway->mapping_count = kept;
}

void doppel_mappings_settle(struct gateway *gateway)
{
	struct doppel_link *module = gateway->module;
	size_t i, count = 0;
	struct module_mapping auto_free *list = wanted(gateway, &count);
	char problem[GATEWAY_PROBLEM_MAX] = "";

	if (!list || !gateway->held.lends)
		return;
	remove_others(gateway, list, count, problem);
	for (i = 0; i < count; i++) {
		int err;

		if (has(gateway->mappings, gateway->mapping_count, &list[i]))
			continue;
		err = module->mapping_add(module, &list[i]);
		if (!err)
			err = doppel_mappings_held(gateway, &list[i]);
		if (err)
			complain(gateway, &list[i], err, problem);
	}
	if (*problem)
		doppel_gateway_settle_after(gateway, RETRY_MS);
	if (*problem && strcmp(problem, gateway->mapping_problem))
		doppel_log(LOG_ERR, "%s", problem);
	memcpy(gateway->mapping_problem, problem, sizeof(problem));
}
