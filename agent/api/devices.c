// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json.h"
#include "api/told.h"

struct listing {
	struct json_list list;
	const char *status; /* NULL: all */
};

static int list_device(const struct device_view *device, void *ctx)
{
	struct listing *listing = ctx;

	if (!listing->status || !strcmp(listing->status, doppel_device_status_name(device->status)))
		doppel_json_list_add(&listing->list, doppel_json_device(device));
	return listing->list.err;
}

static bool is_status(const char *text)
{
	for (int status = 0; status < DEVICE_STATUSES; status++)
		if (!strcmp(text, doppel_device_status_name(status)))
			return true;
	return false;
}

void doppel_api_devices(const struct api_request *request, struct http_reply *reply)
{
	struct listing listing = { .status = doppel_http_argument(request->http, "status") };

	if (listing.status && !is_status(listing.status)) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"no such status: %s; there are discovering, active, degraded, inactive, failed",
					listing.status);
		return;
	}
	doppel_gateway_foreach_device(request->api->gateway, list_device, &listing);
	doppel_json_list_reply(&listing.list, "devices", listing.list.count, reply);
}

static int reply_device(const struct device_view *device, void *ctx)
{
	json_t *json = doppel_json_device(device);

	json_object_set_new(json, "told", doppel_json_told(device));
	doppel_http_reply_json(ctx, MHD_HTTP_OK, json);
	return 0;
}

static void reply_unknown(const char *text, struct http_reply *reply)
{
	doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND, "no device %s", text);
}

void doppel_api_device(const struct api_request *request, struct http_reply *reply)
{
	const char *text = request->argument[0];
	struct mac mac;

	if (!doppel_api_resolve_or_reply(request, text, &mac, reply))
		return;
	if (doppel_gateway_device(request->api->gateway, &mac, reply_device, reply) == -ENOENT)
		reply_unknown(text, reply);
}

static void reply_done(const char *text, int err, struct http_reply *reply)
{
	if (err == -ENOENT)
		reply_unknown(text, reply);
	else if (err)
		doppel_http_reply_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s: %s", text,
					strerror(-err));
	else
		doppel_http_reply_json(reply, MHD_HTTP_OK, json_pack("{s:b}", "done", 1));
}

void doppel_api_device_forget(const struct api_request *request, struct http_reply *reply)
{
	const char *text = request->argument[0];
	struct mac mac;

	if (doppel_api_resolve_or_reply(request, text, &mac, reply))
		reply_done(text, doppel_gateway_forget(request->api->gateway, &mac), reply);
}

void doppel_api_device_retry(const struct api_request *request, struct http_reply *reply)
{
	const char *text = request->argument[0];
	struct mac mac;

	if (doppel_api_resolve_or_reply(request, text, &mac, reply))
		reply_done(text, doppel_gateway_retry(request->api->gateway, &mac), reply);
}
