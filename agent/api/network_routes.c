// SPDX-License-Identifier: GPL-2.0-only
/* The routes of WireGuard networks, and the names that they give to addresses behind them. */
#include <microhttpd.h>
#include <string.h>

#include "api/json.h"
#include "api/networks.h"

static json_t *mapping_json(const struct wg_network *network, const struct wg_route *route,
			    const struct wg_mapping *mapping)
{
	const bool ipv4 = doppel_ip_family(&mapping->address) == AF_INET;

	return json_pack("{s:s, s:o, s:s, s:s, s:o}", "name", mapping->name,
			 "address", doppel_json_ip(&mapping->address, true),
			 "type", ipv4 ? "A" : "AAAA", "route", route->name,
			 "domain", doppel_json_text(network->domain));
}

static json_t *route_json(const struct wg_network *network, const struct wg_route *route)
{
	const bool ipv4 = doppel_cidr_family(&route->destination) == AF_INET;
	json_t *groups = json_array(), *mappings = json_array();

	for (size_t i = 0; i < route->group_count; i++)
		json_array_append_new(groups, json_string(route->groups[i]->name));
	for (size_t i = 0; i < route->mapping_count; i++)
		json_array_append_new(mappings,
				      mapping_json(network, route, &route->mappings[i]));
	return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o}", "name", route->name,
			 "destination", doppel_json_cidr(&route->destination, true),
			 "ip_versions", doppel_json_ip_versions(ipv4, !ipv4),
			 "via", route->via->name, "groups", groups, "dns", mappings);
}

static const struct wg_route *route_of(const struct wg_network *network, const char *name)
{
	for (size_t i = 0; i < network->route_count; i++)
		if (!strcasecmp(network->routes[i].name, name))
			return &network->routes[i];
	return NULL;
}

void doppel_api_wg_routes(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	struct json_list list = {};

	if (!network)
		return;
	for (size_t i = 0; i < network->network->route_count; i++)
		doppel_json_list_add(&list, route_json(network->network,
						       &network->network->routes[i]));
	doppel_json_list_reply(&list, "routes", list.count, reply);
}

void doppel_api_wg_route(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	const struct wg_route *route;

	if (!network)
		return;
	route = route_of(network->network, request->argument[1]);
	if (route)
		doppel_http_reply_json(reply, MHD_HTTP_OK, route_json(network->network, route));
	else
		doppel_api_reply_no_thing(request, reply);
}

static void reply_no_route(const struct api_request *request, struct http_reply *reply)
{
	doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND,
				"there is no route \"%s\" in network \"%s\"", request->argument[1],
				request->argument[0]);
}

/* Of one route, or of all. */
void doppel_api_mappings(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	const char *name = request->argument[1];
	struct json_list list = {};

	if (!network)
		return;
	if (name && !route_of(network->network, name)) {
		reply_no_route(request, reply);
		return;
	}
	for (size_t i = 0; i < network->network->route_count; i++) {
		const struct wg_route *route = &network->network->routes[i];

		if (name && strcasecmp(route->name, name))
			continue;
		for (size_t j = 0; j < route->mapping_count; j++)
			doppel_json_list_add(&list, mapping_json(network->network, route,
								 &route->mappings[j]));
	}
	doppel_json_list_reply(&list, "dns", list.count, reply);
}

void doppel_api_mapping(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	const struct wg_route *route;

	if (!network)
		return;
	route = route_of(network->network, request->argument[1]);
	if (!route) {
		reply_no_route(request, reply);
		return;
	}
	for (size_t i = 0; i < route->mapping_count; i++) {
		if (strcasecmp(route->mappings[i].name, request->argument[2]))
			continue;
		doppel_http_reply_json(reply, MHD_HTTP_OK,
				       mapping_json(network->network, route,
						    &route->mappings[i]));
		return;
	}
	doppel_api_reply_no_thing(request, reply);
}
