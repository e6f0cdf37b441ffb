/* SPDX-License-Identifier: GPL-2.0-only */
/* What each path of the API does: see the table in routes.c. */
#ifndef DOPPEL_API_HANDLERS_H
#define DOPPEL_API_HANDLERS_H

#include "api/http.h"
#include "base/addr.h"
#include "base/list.h"
#include "gateway/gateway.h"
#include "wireguard/edit.h"

struct clock;
struct wg_kernel;
struct wg_lan;
struct wg_networks;

#define API_ARGUMENTS_MAX 3
#define API_JOIN_PATH "/api/v1/join"

struct api_context {
	struct gateway *gateway; /* NULL: there is none */
	struct wg_networks *networks;
	const struct wg_kernel *kernel; /* of the networks; NULL: nothing is live */
	const struct wg_lan *lan;
	struct clock *clock;
	struct ev_loop *loop;
	const char *config_file;
	struct list streams; /* of events */
	struct list joins; /* peers' agents that wait for a change */
};

struct api_request {
	struct api_context *api;
	const struct http_request *http;
	const char *argument[API_ARGUMENTS_MAX]; /* what stood for each '*' of the path */
	enum wg_object object; /* which kind of thing the path is about, within a network */
};

typedef void api_handler(const struct api_request *request, struct http_reply *reply);

/* handle() of a struct http_handler; ctx is a struct api_context. */
void doppel_api_route(void *ctx, const struct http_request *request, struct http_reply *reply);

api_handler doppel_api_health, doppel_api_status, doppel_api_diagnose, doppel_api_repair;
api_handler doppel_api_stats;
api_handler doppel_api_devices, doppel_api_device, doppel_api_device_forget;
api_handler doppel_api_device_retry;
api_handler doppel_api_export, doppel_api_admin_export, doppel_api_import;
api_handler doppel_api_forwards, doppel_api_forward_add, doppel_api_forward_remove;
api_handler doppel_api_sessions, doppel_api_sessions_flush;
api_handler doppel_api_events;

api_handler doppel_api_networks, doppel_api_network, doppel_api_network_rules;
api_handler doppel_api_peers, doppel_api_peer, doppel_api_peer_config;
api_handler doppel_api_groups, doppel_api_group, doppel_api_policies, doppel_api_policy;
api_handler doppel_api_wg_routes, doppel_api_wg_route, doppel_api_mappings, doppel_api_mapping;
api_handler doppel_api_thing_add, doppel_api_thing_set, doppel_api_thing_remove;
api_handler doppel_api_apply, doppel_api_document, doppel_api_network_import;
api_handler doppel_api_peer_token, doppel_api_join, doppel_api_join_key;

/* End all event streams. */
void doppel_api_events_end(struct api_context *api);
/* The same for peers' agents that wait. */
void doppel_api_joins_end(struct api_context *api);

/*
 * The device that text names: a MAC, a LAN or WAN address, or a name. 0, -ENOENT,
 * or -EEXIST if several have the name.
 */
int doppel_api_resolve(struct gateway *gateway, const char *text, struct mac *mac);
/* The same, with the refusal in reply. */
bool doppel_api_resolve_or_reply(const struct api_request *request, const char *text,
				 struct mac *mac, struct http_reply *reply);

/*
 * What a part refused, with its words: -EINVAL is 400, -ENOENT 404, -EEXIST, -EPERM and -EBUSY 409,
 * -ENOSPC 507, anything else 500.
 */
void doppel_api_refuse(int err, const struct doppel_error *error, struct http_reply *reply);

/* Whether the query has it: "?name", "?name=1", "?name=true"; not with 0 or false. */
bool doppel_api_flag(const struct api_request *request, const char *name);

/* A JSON list that is written as it grows, so that a long one is not in memory twice. */
struct json_list {
	struct buf items;
	size_t count;
	int err;
};

/* Add the item, which is taken over. */
void doppel_json_list_add(struct json_list *list, json_t *item);
/* The list as one more member, name, of the object that the reply holds; frees the list. */
void doppel_json_list_append(struct json_list *list, const char *name, struct http_reply *reply);
/* {"total": total, name: […]}; frees the list. */
void doppel_json_list_reply(struct json_list *list, const char *name, size_t total,
			    struct http_reply *reply);

#endif
