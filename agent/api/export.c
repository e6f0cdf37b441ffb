// SPDX-License-Identifier: GPL-2.0-only
#include <microhttpd.h>
#include <string.h>

#include "api/handlers.h"
#include "base/error.h"

static void reply_export(const struct api_request *request, struct http_reply *reply)
{
	json_t *document;

	if (doppel_gateway_export(request->api->gateway, &document))
		doppel_http_reply_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR,
					"the devices cannot be read; see the agent's log");
	else
		doppel_http_reply_json(reply, MHD_HTTP_OK, document);
}

void doppel_api_export(const struct api_request *request, struct http_reply *reply)
{
	reply_export(request, reply);
}

/* The seed's path, which asks to be sure. */
void doppel_api_admin_export(const struct api_request *request, struct http_reply *reply)
{
	json_t *body = json_loadb(request->http->body, request->http->body_len, 0, NULL);
	const bool sure = json_is_true(json_object_get(body, "confirm"));

	json_decref(body);
	if (sure)
		reply_export(request, reply);
	else
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST, "want {\"confirm\": true}");
}

void doppel_api_import(const struct api_request *request, struct http_reply *reply)
{
	struct doppel_error error = {};
	struct import_counts counts;
	json_error_t why;
	json_t *body = json_loadb(request->http->body, request->http->body_len, JSON_REJECT_DUPLICATES,
				  &why);
	int err;

	if (!body) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST, "%d:%d: not JSON: %s", why.line,
					why.column, why.text);
		return;
	}
	err = doppel_gateway_import(request->api->gateway, body, &counts, &error);
	json_decref(body);
	if (!err)
		doppel_http_reply_json(reply, MHD_HTTP_OK,
				       json_pack("{s:I, s:I, s:I, s:I}",
						 "devices", (json_int_t)counts.devices,
						 "added", (json_int_t)counts.added,
						 "kept", (json_int_t)counts.kept,
						 "forwards", (json_int_t)counts.forwards));
	else
		doppel_api_refuse(err, &error, reply);
}
