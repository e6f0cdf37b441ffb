// SPDX-License-Identifier: GPL-2.0-only
/* A wg-quick file that was made elsewhere, as a network of this gateway's. */
#include <errno.h>
#include <microhttpd.h>
#include <sodium.h>
#include <string.h>

#include "api/json.h"
#include "api/networks.h"
#include "base/cleanup.h"
#include "wireguard/key.h"
#include "wireguard/quick_import.h"
#include "wireguard/words.h"

static const char *jump_of(const json_t *network)
{
	json_t *peer;
	size_t i;

	json_array_foreach(json_object_get(network, "peers"), i, peer)
		if (json_is_true(json_object_get(peer, "jump")))
			return doppel_wg_words_name(peer);
	return "";
}

/* The jump peer goes on with its key. */
static int give_key(const struct wg_import *import, struct wg_kept *kept)
{
	struct wg_kept_peer *jump = doppel_wg_kept_add(kept, doppel_wg_words_name(import->network),
						       jump_of(import->network));

	if (!jump)
		return -ENOMEM;
	jump->has_private_key = true;
	memcpy(jump->private_key, import->private_key, WG_KEY_LEN);
	doppel_wg_key_public(jump->private_key, jump->public_key);
	return 0;
}

static json_t *lines_json(const struct doppel_error *error)
{
	json_t *list = json_array();
	const char *line = error->text;

	while (*line) {
		const size_t len = strcspn(line, "\n");
		auto_free char *one = strndup(line, len);

		if (one)
			json_array_append_new(list, doppel_json_text(one));
		line += len + (line[len] == '\n');
	}
	return list;
}

static int apply_import(const struct api_request *request, const struct wg_import *import,
			struct wg_plan **plan, struct doppel_error *error)
{
	json_t *document = json_pack("{s:[O]}", "networks", import->network);
	auto_free char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	auto_free char *file = NULL;
	auto_wg_kept struct wg_kept kept;
	int err = text ? 0 : -ENOMEM;

	json_decref(document);
	doppel_wg_kept_init(&kept);
	if (!err && asprintf(&file, "%s as a network", doppel_api_file(request)) < 0)
		err = -ENOMEM;
	if (!err)
		err = give_key(import, &kept);
	if (!err)
		err = doppel_wg_networks_apply(request->api->networks, &(struct wg_request){
			.file = file, .text = text, .len = strlen(text), .given = &kept,
			.dry_run = doppel_api_flag(request, "dry_run"),
		}, plan, error);
	if (text)
		sodium_memzero(text, strlen(text));
	return err;
}

static void import_network(const struct api_request *request, const char *name,
			   struct http_reply *reply)
{
	auto_wg_plan struct wg_plan *plan = NULL;
	struct doppel_error error = {};
	struct wg_import import = {};
	int err = doppel_wg_quick_import(doppel_api_file(request), request->http->body, name,
					 &import, &error);

	if (!err) {
		err = apply_import(request, &import, &plan, &error);
		if (!err)
			doppel_api_reply_plan(&(struct plan_reply){
				.plan = plan, .made = true,
				.dry_run = doppel_api_flag(request, "dry_run"),
				.warnings = lines_json(&import.warnings) }, reply);
		doppel_wg_import_free(&import);
	}
	if (err)
		doppel_api_refuse(err, &error, reply);
}

void doppel_api_network_import(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_site *site = doppel_wg_networks_site(request->api->networks);
	const char *name = doppel_http_argument(request->http, "name");

	if (!name || !*name)
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"give the network's name: /api/v1/networks/import?name=NETWORK");
	else if (doppel_wg_network(site->document, name))
		doppel_http_reply_error(reply, MHD_HTTP_CONFLICT,
					"there is a network \"%s\" already; give another name, or remove that one",
					name);
	else if (strlen(request->http->body) != request->http->body_len)
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST, "%s is no text",
					doppel_api_file(request));
	else
		import_network(request, name, reply);
}
