// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json.h"
#include "base/cleanup.h"

/* What a path is about, and so cannot do without. */
enum about {
	BOX,
	GATEWAY,	/* the agent's file need not have one */
	NETWORKS,
	THINGS,		/* and an enum wg_object: within a network, or one */
};

static const struct route {
	const char *method, *path;
	api_handler *handler;
	int about;
} routes[] = {
	{ "GET", "/health", doppel_api_health, BOX },
	{ "GET", "/status", doppel_api_status, BOX },
	{ "GET", "/devices", doppel_api_devices, GATEWAY },
	{ "GET", "/devices/*", doppel_api_device, GATEWAY },
	{ "DELETE", "/api/v1/devices/*", doppel_api_device_forget, GATEWAY },
	{ "POST", "/api/v1/devices/*/retry", doppel_api_device_retry, GATEWAY },
	{ "GET", "/api/v1/export", doppel_api_export, GATEWAY },
	{ "POST", "/admin/export", doppel_api_admin_export, GATEWAY },
	{ "POST", "/api/v1/import", doppel_api_import, GATEWAY },
	{ "GET", "/api/v1/forwards", doppel_api_forwards, GATEWAY },
	{ "POST", "/api/v1/forwards", doppel_api_forward_add, GATEWAY },
	{ "DELETE", "/api/v1/forwards/*/*/*", doppel_api_forward_remove, GATEWAY },
	{ "GET", "/api/v1/sessions", doppel_api_sessions, GATEWAY },
	{ "DELETE", "/api/v1/sessions", doppel_api_sessions_flush, GATEWAY },
	{ "GET", "/api/v1/stats", doppel_api_stats, GATEWAY },
	{ "GET", "/api/v1/diagnose", doppel_api_diagnose, BOX },
	{ "POST", "/api/v1/repair", doppel_api_repair, GATEWAY },
	{ "GET", "/api/v1/events", doppel_api_events, BOX },

	{ "GET", "/api/v1/wireguard", doppel_api_document, NETWORKS },
	{ "POST", "/api/v1/apply", doppel_api_apply, NETWORKS },
	{ "POST", "/api/v1/networks/import", doppel_api_network_import, NETWORKS },
	{ "GET", API_JOIN_PATH, doppel_api_join, NETWORKS },
	{ "PUT", API_JOIN_PATH, doppel_api_join_key, NETWORKS },
	{ "GET", "/api/v1/networks", doppel_api_networks, THINGS + WG_NETWORK },
	{ "POST", "/api/v1/networks", doppel_api_thing_add, THINGS + WG_NETWORK },
	{ "GET", "/api/v1/networks/*", doppel_api_network, THINGS + WG_NETWORK },
	{ "PATCH", "/api/v1/networks/*", doppel_api_thing_set, THINGS + WG_NETWORK },
	{ "DELETE", "/api/v1/networks/*", doppel_api_thing_remove, THINGS + WG_NETWORK },
	{ "GET", "/api/v1/networks/*/rules", doppel_api_network_rules, THINGS + WG_NETWORK },
	{ "GET", "/api/v1/networks/*/peers", doppel_api_peers, THINGS + WG_PEER },
	{ "POST", "/api/v1/networks/*/peers", doppel_api_thing_add, THINGS + WG_PEER },
	{ "GET", "/api/v1/networks/*/peers/*", doppel_api_peer, THINGS + WG_PEER },
	{ "PATCH", "/api/v1/networks/*/peers/*", doppel_api_thing_set, THINGS + WG_PEER },
	{ "DELETE", "/api/v1/networks/*/peers/*", doppel_api_thing_remove, THINGS + WG_PEER },
	{ "GET", "/api/v1/networks/*/peers/*/config", doppel_api_peer_config, THINGS + WG_PEER },
	{ "POST", "/api/v1/networks/*/peers/*/token", doppel_api_peer_token, THINGS + WG_PEER },
	{ "GET", "/api/v1/networks/*/groups", doppel_api_groups, THINGS + WG_GROUP },
	{ "POST", "/api/v1/networks/*/groups", doppel_api_thing_add, THINGS + WG_GROUP },
	{ "GET", "/api/v1/networks/*/groups/*", doppel_api_group, THINGS + WG_GROUP },
	{ "PATCH", "/api/v1/networks/*/groups/*", doppel_api_thing_set, THINGS + WG_GROUP },
	{ "DELETE", "/api/v1/networks/*/groups/*", doppel_api_thing_remove, THINGS + WG_GROUP },
	{ "GET", "/api/v1/networks/*/policies", doppel_api_policies, THINGS + WG_POLICY },
	{ "POST", "/api/v1/networks/*/policies", doppel_api_thing_add, THINGS + WG_POLICY },
	{ "GET", "/api/v1/networks/*/policies/*", doppel_api_policy, THINGS + WG_POLICY },
	{ "PATCH", "/api/v1/networks/*/policies/*", doppel_api_thing_set, THINGS + WG_POLICY },
	{ "DELETE", "/api/v1/networks/*/policies/*", doppel_api_thing_remove, THINGS + WG_POLICY },
	{ "GET", "/api/v1/networks/*/routes", doppel_api_wg_routes, THINGS + WG_ROUTE },
	{ "POST", "/api/v1/networks/*/routes", doppel_api_thing_add, THINGS + WG_ROUTE },
	{ "GET", "/api/v1/networks/*/routes/*", doppel_api_wg_route, THINGS + WG_ROUTE },
	{ "PATCH", "/api/v1/networks/*/routes/*", doppel_api_thing_set, THINGS + WG_ROUTE },
	{ "DELETE", "/api/v1/networks/*/routes/*", doppel_api_thing_remove, THINGS + WG_ROUTE },
	{ "GET", "/api/v1/networks/*/routes/*/dns", doppel_api_mappings, THINGS + WG_MAPPING },
	{ "GET", "/api/v1/networks/*/dns", doppel_api_mappings, THINGS + WG_MAPPING },
	{ "POST", "/api/v1/networks/*/routes/*/dns", doppel_api_thing_add, THINGS + WG_MAPPING },
	{ "GET", "/api/v1/networks/*/routes/*/dns/*", doppel_api_mapping, THINGS + WG_MAPPING },
	{ "PATCH", "/api/v1/networks/*/routes/*/dns/*", doppel_api_thing_set,
	  THINGS + WG_MAPPING },
	{ "DELETE", "/api/v1/networks/*/routes/*/dns/*", doppel_api_thing_remove,
	  THINGS + WG_MAPPING },
};

/* Each '*' stands for one segment, which is cut out of path. */
static bool match(const char *pattern, char *path, const char **argument)
{
	size_t count = 0;

	while (*pattern) {
		if (*pattern == '*') {
			size_t len = strcspn(path, "/");

			if (!len)
				return false;
			argument[count++] = path;
			path += len;
			if (*path && !pattern[1])
				return false;
			if (*path)
				*path++ = '\0';
			pattern += pattern[1] ? 2 : 1;
			continue;
		}
		if (*pattern++ != *path++)
			return false;
	}
	return !*path;
}

static void handle(const struct route *route, struct api_request *request,
		   struct http_reply *reply)
{
	if (route->about >= THINGS)
		request->object = route->about - THINGS;
	if (route->about == GATEWAY && !request->api->gateway)
		doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND,
					"this box is no gateway: its file has no gateway: section");
	else if (route->about >= NETWORKS && !request->api->networks)
		doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND,
					"this agent has no WireGuard networks");
	else
		route->handler(request, reply);
}

void doppel_api_route(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	struct api_request api_request = { .api = ctx, .http = request };
	bool known = false;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		auto_free char *path = strdup(request->path);

		memset(api_request.argument, 0, sizeof(api_request.argument));
		if (!path || !match(routes[i].path, path, api_request.argument))
			continue;
		known = true;
		if (strcmp(request->method, routes[i].method))
			continue;
		handle(&routes[i], &api_request, reply);
		return;
	}
	if (known)
		doppel_http_reply_error(reply, MHD_HTTP_METHOD_NOT_ALLOWED, "%s is not for %s",
					request->method, request->path);
	else
		doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND, "nothing at %s", request->path);
}

static unsigned int status_of(int err)
{
	switch (err) {
	case -EINVAL:
		return MHD_HTTP_BAD_REQUEST;
	case -ENOENT:
		return MHD_HTTP_NOT_FOUND;
	case -EEXIST:
	case -EPERM:
	case -EBUSY:
		return MHD_HTTP_CONFLICT;
	case -ENOSPC:
		return MHD_HTTP_INSUFFICIENT_STORAGE;
	default:
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
}

void doppel_api_refuse(int err, const struct doppel_error *error, struct http_reply *reply)
{
	doppel_http_reply_json(reply, status_of(err),
			       json_pack("{s:o}", "error",
					 doppel_json_text(error->count ? error->text : strerror(-err))));
}

bool doppel_api_flag(const struct api_request *request, const char *name)
{
	const char *value = doppel_http_argument(request->http, name);

	return value && strcmp(value, "0") && strcmp(value, "false");
}

void doppel_json_list_add(struct json_list *list, json_t *item)
{
	auto_free char *text = item ? json_dumps(item, JSON_COMPACT) : NULL;

	json_decref(item);
	if (!text || doppel_buf_printf(&list->items, "%s\n%s", list->count ? "," : "", text))
		list->err = -ENOMEM;
	list->count++;
}

void doppel_json_list_reply(struct json_list *list, const char *name, size_t total,
			    struct http_reply *reply)
{
	reply->status = MHD_HTTP_OK;
	if (list->err ||
	    doppel_buf_printf(&reply->body, "{\"total\": %zu, \"%s\": [%s%s]}\n", total, name,
			      list->items.data ? list->items.data : "", list->count ? "\n" : ""))
		doppel_http_reply_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	doppel_buf_free(&list->items);
}

void doppel_json_list_append(struct json_list *list, const char *name, struct http_reply *reply)
{
	char *end = reply->body.data ? strrchr(reply->body.data, '}') : NULL;

	if (end && reply->status == MHD_HTTP_OK)
		reply->body.len = (size_t)(end - reply->body.data);
	if (!end || reply->status != MHD_HTTP_OK || list->err ||
	    doppel_buf_printf(&reply->body, ", \"%s\": [%s%s]}\n", name,
			      list->items.data ? list->items.data : "", list->count ? "\n" : ""))
		doppel_http_reply_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	doppel_buf_free(&list->items);
}

struct search {
	const char *text;
	struct in_addr ip4;
	struct in6_addr ip6;
	bool is_ip4, is_ip6;
	struct mac mac;
	unsigned int found;
};

static bool has_ip6(const struct device_view *device, const struct in6_addr *addr)
{
	for (size_t i = 0; i < device->wan_ipv6_count; i++)
		if (doppel_ip6_eq(&device->wan_ipv6[i].address, addr))
			return true;
	return false;
}

static int consider(const struct device_view *device, void *ctx)
{
	struct search *search = ctx;
	bool same;

	if (search->is_ip4)
		same = doppel_ip4_eq(device->lan_ipv4, search->ip4) ||
		       doppel_ip4_eq(device->wan_ipv4, search->ip4);
	else if (search->is_ip6)
		same = has_ip6(device, &search->ip6);
	else
		same = !strcasecmp(device->name, search->text);
	if (same) {
		search->mac = device->mac;
		search->found++;
	}
	return 0;
}

int doppel_api_resolve(struct gateway *gateway, const char *text, struct mac *mac)
{
	struct search search = { .text = text };

	if (!doppel_mac_parse(text, mac))
		return 0;
	search.is_ip4 = !doppel_ip4_parse(text, &search.ip4) && search.ip4.s_addr;
	search.is_ip6 = !doppel_ip6_parse(text, &search.ip6);
	if (*text)
		doppel_gateway_foreach_device(gateway, consider, &search);
	if (search.found == 1)
		*mac = search.mac;
	return search.found == 1 ? 0 : search.found ? -EEXIST : -ENOENT;
}

bool doppel_api_resolve_or_reply(const struct api_request *request, const char *text,
				 struct mac *mac, struct http_reply *reply)
{
	int err = doppel_api_resolve(request->api->gateway, text, mac);

	if (err == -EEXIST)
		doppel_http_reply_error(reply, MHD_HTTP_CONFLICT,
					"several devices are called %s; name one by its MAC", text);
	else if (err)
		doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND,
					"no device has the MAC, address or name %s", text);
	return !err;
}
