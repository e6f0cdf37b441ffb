// SPDX-License-Identifier: GPL-2.0-only
/* One thing of a WireGuard network added, changed or removed; the answer is what that changes. */
#include <errno.h>
#include <microhttpd.h>

#include "api/json.h"
#include "api/networks.h"
#include "base/cleanup.h"

void doppel_api_reply_plan(const struct plan_reply *plan, struct http_reply *reply)
{
	auto_buf struct buf text = {};
	struct json_list changes = {};
	json_t *json;

	changes.err = doppel_wg_plan_text(plan->plan, &text);
	json = json_pack("{s:b, s:o}", "dry_run", plan->dry_run, "text",
			 doppel_json_text(text.data ? text.data : ""));
	if (plan->warnings)
		json_object_set_new(json, "warnings", plan->warnings);
	doppel_http_reply_json(reply, MHD_HTTP_OK, json);
	for (size_t i = 0; i < plan->plan->count; i++)
		doppel_json_list_add(&changes, doppel_wg_change_json(&plan->plan->changes[i]));
	doppel_json_list_append(&changes, "changes", reply);
	if (plan->made && !plan->dry_run && reply->status == MHD_HTTP_OK)
		reply->status = MHD_HTTP_CREATED;
}

static void edit(const struct api_request *request, const struct wg_edit *edit,
		 struct http_reply *reply)
{
	const bool dry_run = doppel_api_flag(request, "dry_run");
	auto_wg_plan struct wg_plan *plan = NULL;
	struct doppel_error error = {};
	int err = doppel_wg_networks_edit(request->api->networks, edit, dry_run, &plan, &error);

	if (err)
		doppel_api_refuse(err, &error, reply);
	else
		doppel_api_reply_plan(&(struct plan_reply){ .plan = plan, .dry_run = dry_run,
							    .made = edit->verb == WG_ADD }, reply);
}

/* The body as an object, the caller's; or NULL, with the refusal in @reply. */
static json_t *body_of(const struct api_request *request, struct http_reply *reply)
{
	json_error_t why;
	json_t *body = json_loadb(request->http->body, request->http->body_len,
				  JSON_REJECT_DUPLICATES, &why);

	if (body && json_is_object(body))
		return body;
	if (body)
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"want an object, as {\"name\": \"…\"}");
	else
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST, "%d:%d: not JSON: %s", why.line,
					why.column, why.text);
	json_decref(body);
	return NULL;
}

/* A thing's place: those of the path, and a new one's own name behind them. */
static struct wg_edit edit_of(const struct api_request *request, const char *name)
{
	const char *const *argument = request->argument;
	struct wg_edit edit = { .object = request->object, .network = argument[0] };

	if (edit.object == WG_NETWORK && name)
		edit.network = name;
	else if (edit.object == WG_MAPPING)
		edit.route = argument[1];
	if (edit.object != WG_NETWORK)
		edit.name = name ? name : argument[edit.object == WG_MAPPING ? 2 : 1];
	return edit;
}

void doppel_api_thing_add(const struct api_request *request, struct http_reply *reply)
{
	json_t *body = body_of(request, reply);
	const char *name = json_string_value(json_object_get(body, "name"));
	auto_free char *value = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct wg_edit thing;

	if (body && name) {
		thing = edit_of(request, name);
		thing.verb = WG_ADD;
		thing.value = value;
		edit(request, &thing, reply);
	} else if (body) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST, "name: missing; give the %s one",
					doppel_wg_object_name(request->object));
	}
	json_decref(body);
}

void doppel_api_thing_set(const struct api_request *request, struct http_reply *reply)
{
	json_t *body = body_of(request, reply);
	auto_free char *value = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct wg_edit thing = edit_of(request, NULL);

	thing.verb = WG_SET;
	thing.value = value;
	if (body)
		edit(request, &thing, reply);
	json_decref(body);
}

void doppel_api_thing_remove(const struct api_request *request, struct http_reply *reply)
{
	struct wg_edit thing = edit_of(request, NULL);

	thing.verb = WG_REMOVE;
	edit(request, &thing, reply);
}
