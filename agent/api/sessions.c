// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json.h"

#define LIMIT_DEFAULT 1000

struct listing {
	struct json_list list;
	size_t total, limit;
	bool one;
	struct mac mac;
};

static int list_session(const struct module_session *session, void *ctx)
{
	struct listing *listing = ctx;

	if (listing->one && !doppel_mac_eq(&listing->mac, &session->mac))
		return 0;
	if (listing->total++ < listing->limit)
		doppel_json_list_add(&listing->list, doppel_json_session(session));
	return listing->list.err;
}

/* The module's family, or the gateway in it, is not there: status tells which. */
static const char *why_not(int err)
{
	return err == -ENOENT ? "it is not loaded or has no gateway here" : strerror(-err);
}

void doppel_api_sessions(const struct api_request *request, struct http_reply *reply)
{
	const char *device = doppel_http_argument(request->http, "device");
	const char *limit = doppel_http_argument(request->http, "limit");
	struct listing listing = { .limit = LIMIT_DEFAULT, .one = device };
	int err;

	if (limit && (!*limit || strspn(limit, "0123456789") != strlen(limit))) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST, "limit must be a number");
		return;
	}
	if (limit)
		listing.limit = strtoul(limit, NULL, 10);
	if (device && !doppel_api_resolve_or_reply(request, device, &listing.mac, reply))
		return;
	err = doppel_gateway_foreach_session(request->api->gateway, list_session, &listing);
	if (err && !listing.list.err) {
		doppel_buf_free(&listing.list.items);
		doppel_http_reply_error(reply, MHD_HTTP_SERVICE_UNAVAILABLE,
					"the module gave no sessions: %s", why_not(err));
		return;
	}
	doppel_json_list_reply(&listing.list, "sessions", listing.total, reply);
}

void doppel_api_sessions_flush(const struct api_request *request, struct http_reply *reply)
{
	const char *device = doppel_http_argument(request->http, "device");
	struct mac mac;
	int err;

	if (device && !doppel_api_resolve_or_reply(request, device, &mac, reply))
		return;
	err = doppel_gateway_flush_sessions(request->api->gateway, device ? &mac : NULL);
	if (err)
		doppel_http_reply_error(reply, MHD_HTTP_SERVICE_UNAVAILABLE,
					"the module ended no sessions: %s", why_not(err));
	else
		doppel_http_reply_json(reply, MHD_HTTP_OK, json_pack("{s:b}", "done", 1));
}
