// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "base/cleanup.h"

struct route {
	const char *method, *path;
	api_handler *handler;
};

/* Of every box. */
static const struct route box_routes[] = {
	{ "GET", "/health", doppel_api_health },
	{}
};

static const struct route gateway_routes[] = {
	{ "GET", "/status", doppel_api_status },
	{ "GET", "/devices", doppel_api_devices },
	{ "GET", "/devices/*", doppel_api_device },
	{ "DELETE", "/api/v1/devices/*", doppel_api_device_forget },
	{ "POST", "/api/v1/devices/*/retry", doppel_api_device_retry },
	{ "GET", "/api/v1/export", doppel_api_export },
	{ "POST", "/admin/export", doppel_api_admin_export },
	{ "POST", "/api/v1/import", doppel_api_import },
	{ "GET", "/api/v1/forwards", doppel_api_forwards },
	{ "POST", "/api/v1/forwards", doppel_api_forward_add },
	{ "DELETE", "/api/v1/forwards/*/*/*", doppel_api_forward_remove },
	{ "GET", "/api/v1/sessions", doppel_api_sessions },
	{ "DELETE", "/api/v1/sessions", doppel_api_sessions_flush },
	{ "GET", "/api/v1/stats", doppel_api_stats },
	{ "GET", "/api/v1/diagnose", doppel_api_diagnose },
	{ "POST", "/api/v1/repair", doppel_api_repair },
	{ "GET", "/api/v1/events", doppel_api_events },
	{}
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

/* 0: answered. -EPERM: only other methods are for the path; -ENOENT: nothing is there. */
static int answer(const struct route *routes, bool possible, struct api_request *request,
		  struct http_reply *reply)
{
	int err = -ENOENT;

	for (; routes->method; routes++) {
		auto_free char *path = strdup(request->http->path);

		if (!path || !match(routes->path, path, request->argument))
			continue;
		err = -EPERM;
		if (strcmp(request->http->method, routes->method))
			continue;
		if (possible)
			routes->handler(request, reply);
		else
			doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND,
						"this box is no gateway: its file has no gateway: section");
		return 0;
	}
	return err;
}

void doppel_api_route(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	struct api_request api_request = { .api = ctx, .http = request };
	int err = answer(box_routes, true, &api_request, reply);

	if (err == -ENOENT)
		err = answer(gateway_routes, api_request.api->gateway, &api_request, reply);
	if (err == -EPERM)
		doppel_http_reply_error(reply, MHD_HTTP_METHOD_NOT_ALLOWED, "%s is not for %s",
					request->method, request->path);
	else if (err)
		doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND, "nothing at %s", request->path);
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
