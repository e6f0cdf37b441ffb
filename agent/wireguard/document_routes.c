// SPDX-License-Identifier: GPL-2.0-only
/* Networks behind a jump peer, and names in them: a document's routes. */
#include <string.h>

#include "wireguard/document_reader.h"

static void read_via(struct wg_reader *reader, const struct yaml_node *map,
		     struct wg_route *route)
{
	const struct yaml_node *node = doppel_yaml_get(map, "via");
	const char *text;

	if (!node) {
		doppel_yaml_error_missing(reader->error, map, "via", "missing; give the jump peer's name");
		return;
	}
	if (!doppel_yaml_text(reader->error, node, &text))
		return;
	route->via = doppel_wg_peer(reader->network, text);
	if (!route->via)
		doppel_yaml_error(reader->error, node, "there is no peer \"%.70s\" in this network",
				  text);
	else if (!route->via->jump)
		doppel_yaml_error(reader->error, node,
				  "peer \"%s\" is no jump peer, so nothing is routed through it", text);
}

/* Who leads there would have to go through itself. */
static void check_circular(struct wg_reader *reader, const struct yaml_node *list,
			   const struct wg_route *route)
{
	size_t i, j;

	if (!list || !route->via)
		return;
	for (i = 0; i < route->group_count; i++)
		for (j = 0; j < route->via->group_count; j++)
			if (route->groups[i] == route->via->groups[j])
				doppel_yaml_error(reader->error, list,
						  "peer \"%s\" is in group \"%s\": the route would lead through itself",
						  route->via->name, route->groups[i]->name);
}

static void read_mapping(struct wg_reader *reader, const struct yaml_node *map,
			 const struct wg_route *route, struct wg_mapping *mapping)
{
	static const char *const keys[] = { "name", "address", NULL };
	const struct yaml_node *node;
	char text[DOPPEL_CIDR_TEXT];

	mapping->name = doppel_wg_read_name(reader, map);
	if (map->kind != DOPPEL_YAML_MAP)
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	node = doppel_yaml_get(map, "address");
	if (!node)
		doppel_yaml_error_missing(reader->error, map, "address",
					  "missing; give an address of the route's destination");
	else if (doppel_wg_read_address(reader, node, &mapping->address) &&
		 !doppel_cidr_has(&route->destination, &mapping->address))
		doppel_yaml_error(reader->error, node, "%s lies outside the route's destination, %s",
				  node->text, doppel_cidr_format(&route->destination, text));
}

static void read_mappings(struct wg_reader *reader, const struct yaml_node *list,
			  struct wg_route *route, bool known)
{
	auto_wg_owners struct wg_owners names;
	size_t i, count;

	route->mappings = doppel_wg_read_items(reader, list, sizeof(*route->mappings), &count);
	if (doppel_wg_owners_init_names(&names, count)) {
		doppel_wg_read_no_memory(reader);
		return;
	}
	for (i = 0; known && i < count; i++) {
		struct wg_mapping *mapping = &route->mappings[route->mapping_count++];

		read_mapping(reader, list->children[i], route, mapping);
		if (mapping->name)
			doppel_wg_claim_name(reader, &names, mapping->name, list->children[i]);
	}
}

static void read_route(struct wg_reader *reader, const struct yaml_node *map,
		       struct wg_route *route)
{
	static const char *const keys[] = { "name", "destination", "via", "groups", "dns", NULL };
	const struct yaml_node *destination = doppel_yaml_get(map, "destination");
	const struct yaml_node *groups = doppel_yaml_get(map, "groups");
	bool known = false;

	doppel_yaml_want_keys(reader->error, map, keys);
	if (destination)
		known = doppel_wg_read_cidr(reader, destination, &route->destination);
	else
		doppel_yaml_error_missing(reader->error, map, "destination",
					  "missing; give the prefix that the route leads to");
	read_via(reader, map, route);
	route->groups = doppel_wg_read_groups(reader, groups, &route->group_count);
	check_circular(reader, groups, route);
	read_mappings(reader, doppel_yaml_get(map, "dns"), route, known);
}

void doppel_wg_read_routes(struct wg_reader *reader, const struct yaml_node *list)
{
	size_t i;

	for (i = 0; i < reader->network->route_count; i++)
		if (list->children[i]->kind == DOPPEL_YAML_MAP)
			read_route(reader, list->children[i], &reader->network->routes[i]);
}
