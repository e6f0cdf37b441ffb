// SPDX-License-Identifier: GPL-2.0-only
#include "api/networks.h"

#include <microhttpd.h>

#include "api/json.h"
#include "wireguard/ipam.h"
#include "wireguard/key.h"

const struct wg_assignment *doppel_api_network_of(const struct api_request *request,
						  struct http_reply *reply)
{
	const struct wg_site *site = doppel_wg_networks_site(request->api->networks);
	const struct wg_assignment *network = doppel_wg_assignment(site, request->argument[0]);

	if (!network)
		doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND, "there is no network \"%s\"",
					request->argument[0]);
	return network;
}

void doppel_api_reply_no_thing(const struct api_request *request, struct http_reply *reply)
{
	const char *last = request->argument[1];

	for (size_t i = 1; i < API_ARGUMENTS_MAX && request->argument[i]; i++)
		last = request->argument[i];
	doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND,
				"there is no %s \"%s\" in network \"%s\"",
				doppel_wg_object_name(request->object), last, request->argument[0]);
}

const struct wg_member *doppel_api_member_of(const struct api_request *request,
					     const struct wg_assignment **network,
					     struct http_reply *reply)
{
	const struct wg_member *member;

	*network = doppel_api_network_of(request, reply);
	if (!*network)
		return NULL;
	member = doppel_wg_member(*network, request->argument[1]);
	if (!member)
		doppel_api_reply_no_thing(request, reply);
	return member;
}

json_t *doppel_json_ip(const struct in6_addr *address, bool there)
{
	char text[DOPPEL_IP6_TEXT];

	return there ? json_string(doppel_ip_format(address, text)) : json_null();
}

json_t *doppel_json_cidr(const struct cidr *cidr, bool there)
{
	char text[DOPPEL_CIDR_TEXT];

	return there ? json_string(doppel_cidr_format(cidr, text)) : json_null();
}

json_t *doppel_json_ip_versions(bool ipv4, bool ipv6)
{
	json_t *list = json_array();

	if (ipv4)
		json_array_append_new(list, json_string("ipv4"));
	if (ipv6)
		json_array_append_new(list, json_string("ipv6"));
	return list;
}

/* How many addresses of a family are given out, and how many more can be; null without the family. */
static json_t *addresses_json(const struct wg_assignment *network, int family)
{
	const struct wg_network *wanted = network->network;
	const bool ipv4 = family == AF_INET;
	struct ipam *ipam;
	uint64_t available;
	json_t *json;

	if (!doppel_wg_has_family(wanted, family))
		return json_null();
	ipam = doppel_ipam_new(ipv4 ? &wanted->ipv4 : &wanted->ipv6);
	if (!ipam)
		return NULL;
	for (size_t i = 0; i < wanted->peer_count; i++) {
		const struct wg_member *member = &network->members[i];

		if (ipv4 ? member->has_ipv4 : member->has_ipv6)
			doppel_ipam_reserve(ipam, ipv4 ? &member->ipv4 : &member->ipv6);
	}
	available = doppel_ipam_available(ipam);
	json = json_pack("{s:I, s:I}", "used", (json_int_t)doppel_ipam_used(ipam),
			 "available", (json_int_t)(available < INT64_MAX ? available : INT64_MAX));
	doppel_ipam_free(ipam);
	return json;
}

static json_t *dns_json(const struct wg_network *network)
{
	json_t *upstream;

	if (!network->dns)
		return json_null();
	upstream = json_array();
	for (size_t i = 0; i < network->upstream_count; i++)
		json_array_append_new(upstream, doppel_json_ip(&network->upstream[i], true));
	return json_pack("{s:o}", "upstream", upstream);
}

static json_t *jump_key_json(const struct wg_assignment *network)
{
	char text[WG_KEY_TEXT];

	return network->jump ? json_string(doppel_wg_key_format(network->jump->public_key, text)) :
			       json_null();
}

static size_t count_expired(const struct wg_assignment *network)
{
	size_t count = 0;

	for (size_t i = 0; i < network->network->peer_count; i++)
		count += network->members[i].expired;
	return count;
}

static json_t *network_json(const struct api_context *api, const struct wg_assignment *network)
{
	const struct wg_network *wanted = network->network;
	const bool owned = doppel_wg_networks_owned(api->networks, wanted->name);

	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:i, s:o, s:o, s:s, s:o, s:s, s:o, s:o,"
			 " s:{s:I, s:I, s:I, s:I, s:I}, s:{s:o, s:o}}",
			 "name", wanted->name,
			 "ip_stack_mode", doppel_wg_stack_name(wanted->stack),
			 "ipv4_cidr", doppel_json_cidr(&wanted->ipv4, doppel_wg_has_ipv4(wanted)),
			 "ipv6_cidr", doppel_json_cidr(&wanted->ipv6, doppel_wg_has_ipv6(wanted)),
			 "interface", wanted->interface,
			 "listen_port", (int)wanted->listen_port,
			 "endpoint", doppel_json_text(wanted->endpoint),
			 "domain", doppel_json_text(wanted->domain),
			 "allocation", wanted->allocation == WG_ALLOCATION_HASHED ? "hashed" :
										    "sequential",
			 "dns", dns_json(wanted),
			 "origin", owned ? "file" : "applied",
			 "jump", doppel_json_text(network->jump ? network->jump->peer->name : NULL),
			 "public_key", jump_key_json(network),
			 "counts", "peers", (json_int_t)wanted->peer_count,
			 "expired", (json_int_t)count_expired(network),
			 "groups", (json_int_t)wanted->group_count,
			 "policies", (json_int_t)wanted->policy_count,
			 "routes", (json_int_t)wanted->route_count,
			 "addresses", "ipv4", addresses_json(network, AF_INET),
			 "ipv6", addresses_json(network, AF_INET6));
}

void doppel_api_networks(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_site *site = doppel_wg_networks_site(request->api->networks);
	struct json_list list = {};

	for (size_t i = 0; i < site->network_count; i++)
		doppel_json_list_add(&list, network_json(request->api, &site->networks[i]));
	doppel_json_list_reply(&list, "networks", list.count, reply);
}

void doppel_api_network(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	json_t *json;

	if (!network)
		return;
	json = network_json(request->api, network);
	json_object_set_new(json, "parts", doppel_json_parts(request->api->networks));
	doppel_http_reply_json(reply, MHD_HTTP_OK, json);
}
