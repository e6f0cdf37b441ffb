// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json.h"

struct listing {
	struct json_list list;
	bool one;
	struct mac mac;
};

static int list_forward(const struct forward_view *forward, void *ctx)
{
	struct listing *listing = ctx;

	if (!listing->one || doppel_mac_eq(&listing->mac, &forward->mac))
		doppel_json_list_add(&listing->list, doppel_json_forward(forward));
	return listing->list.err;
}

void doppel_api_forwards(const struct api_request *request, struct http_reply *reply)
{
	const char *device = doppel_http_argument(request->http, "device");
	struct listing listing = { .one = device };

	if (device && !doppel_api_resolve_or_reply(request, device, &listing.mac, reply))
		return;
	doppel_gateway_foreach_forward(request->api->gateway, list_forward, &listing);
	doppel_json_list_reply(&listing.list, "forwards", listing.list.count, reply);
}

static bool parse_protocol(const char *text, uint8_t *protocol)
{
	if (!strcmp(text, "tcp"))
		*protocol = IPPROTO_TCP;
	else if (!strcmp(text, "udp"))
		*protocol = IPPROTO_UDP;
	else
		return false;
	return true;
}

static void add_forward(const struct api_request *request, const char *device,
			const char *protocol_name, json_int_t port, json_int_t to,
			struct http_reply *reply)
{
	struct forward_view forward = { .origin = "cli" };
	struct doppel_error error = {};
	int err;

	if (!parse_protocol(protocol_name, &forward.protocol)) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"protocol must be tcp or udp, not %s", protocol_name);
		return;
	}
	if (port < 1 || port > UINT16_MAX || to < 0 || to > UINT16_MAX) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"ports go from 1 to 65535");
		return;
	}
	if (!doppel_api_resolve_or_reply(request, device, &forward.mac, reply))
		return;
	forward.port = (uint16_t)port;
	forward.to = (uint16_t)(to ? to : port);
	err = doppel_gateway_forward_add(request->api->gateway, &forward.mac, forward.protocol,
					 forward.port, forward.to, &error);
	if (err)
		doppel_api_refuse(err, &error, reply);
	else
		doppel_http_reply_json(reply, MHD_HTTP_CREATED, doppel_json_forward(&forward));
}

void doppel_api_forward_add(const struct api_request *request, struct http_reply *reply)
{
	const char *device, *protocol = "tcp";
	json_int_t port, to = 0;
	json_error_t why;
	json_t *body;

	body = json_loadb(request->http->body, request->http->body_len, 0, &why);
	if (!body) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST, "the body is not JSON: %s",
					why.text);
		return;
	}
	if (json_unpack_ex(body, &why, JSON_STRICT, "{s:s, s:I, s?I, s?s}", "device", &device,
			   "port", &port, "to", &to, "protocol", &protocol))
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"want {\"device\": \"…\", \"port\": N, \"to\": N, \"protocol\": \"tcp\"}: %s",
					why.text);
	else
		add_forward(request, device, protocol, port, to, reply);
	json_decref(body);
}

static bool parse_port(const char *text, uint16_t *port)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = strtoul(text, NULL, 10);

	if (!digits || digits > 5 || text[digits] || !value || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

void doppel_api_forward_remove(const struct api_request *request, struct http_reply *reply)
{
	struct doppel_error error = {};
	uint8_t protocol;
	struct mac mac;
	uint16_t port;
	int err;

	if (!parse_protocol(request->argument[1], &protocol) ||
	    !parse_port(request->argument[2], &port)) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"want /api/v1/forwards/DEVICE/tcp|udp/PORT");
		return;
	}
	if (!doppel_api_resolve_or_reply(request, request->argument[0], &mac, reply))
		return;
	err = doppel_gateway_forward_del(request->api->gateway, &mac, protocol, port, &error);
	if (err)
		doppel_api_refuse(err, &error, reply);
	else
		doppel_http_reply_json(reply, MHD_HTTP_OK, json_pack("{s:b}", "done", 1));
}
