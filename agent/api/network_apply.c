// SPDX-License-Identifier: GPL-2.0-only
/* WireGuard networks as a whole file: applied, and given back. */
#include <microhttpd.h>
#include <string.h>

#include "api/networks.h"
#include "wireguard/words.h"

const char *doppel_api_file(const struct api_request *request)
{
	const char *file = doppel_http_argument(request->http, "file");

	return file && *file ? file : "body";
}

void doppel_api_apply(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_request file = {
		.file = doppel_api_file(request),
		.text = request->http->body, .len = request->http->body_len,
		.prune = doppel_api_flag(request, "prune"),
		.dry_run = doppel_api_flag(request, "dry_run"),
	};
	auto_wg_plan struct wg_plan *plan = NULL;
	struct doppel_error error = {};
	int err = doppel_wg_networks_apply(request->api->networks, &file, &plan, &error);

	if (err)
		doppel_api_refuse(err, &error, reply);
	else
		doppel_api_reply_plan(&(struct plan_reply){ .plan = plan, .dry_run = file.dry_run },
				      reply);
}

static void reply_words(const struct wg_networks *networks, const char *network,
			struct http_reply *reply)
{
	json_t *words = (json_t *)doppel_wg_networks_words(networks);
	json_t *list = json_object_get(words, "networks");
	const size_t index = network ? doppel_wg_words_find(list, network) : 0;

	if (!network)
		doppel_http_reply_json(reply, MHD_HTTP_OK, json_incref(words));
	else if (index < json_array_size(list))
		doppel_http_reply_json(reply, MHD_HTTP_OK,
				       json_pack("{s:[O]}", "networks", json_array_get(list, index)));
	else
		doppel_http_reply_error(reply, MHD_HTTP_NOT_FOUND, "there is no network \"%s\"",
					network);
}

static void reply_yaml(const struct wg_networks *networks, const char *network,
		       struct http_reply *reply)
{
	struct doppel_error error = {};
	int err = doppel_wg_networks_export(networks, network, &reply->body, &error);

	if (err) {
		doppel_buf_free(&reply->body);
		doppel_api_refuse(err, &error, reply);
		return;
	}
	reply->status = MHD_HTTP_OK;
	reply->content_type = "application/yaml";
}

/* What, applied, changes nothing. */
void doppel_api_document(const struct api_request *request, struct http_reply *reply)
{
	const char *format = doppel_http_argument(request->http, "format");
	const char *network = doppel_http_argument(request->http, "network");

	if (!format || !strcmp(format, "yaml"))
		reply_yaml(request->api->networks, network, reply);
	else if (!strcmp(format, "json"))
		reply_words(request->api->networks, network, reply);
	else
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"no such format: %s; there are yaml, json", format);
}
