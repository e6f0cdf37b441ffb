// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a peer's own agent may ask: with the peer's token it gets the peer's configuration, waits for the
 * next one, and tells the public key that it made. Nothing else.
 */
#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/networks.h"
#include "base/cleanup.h"
#include "wireguard/key.h"
#include "wireguard/quick.h"

#define WAIT_MAX_S 60
#define WAITS_MAX (HTTP_CONNECTIONS_MAX / 2)	/* the other connections are the administrators' */
#define TOKEN_BYTES 32

void doppel_api_peer_token(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network;
	const struct wg_member *member = doppel_api_member_of(request, &network, reply);
	uint8_t bytes[TOKEN_BYTES];
	char token[2 * TOKEN_BYTES + 1];
	int err;

	if (!member)
		return;
	if (!member->peer->agent) {
		doppel_http_reply_error(reply, MHD_HTTP_CONFLICT,
					"peer \"%s\" does not fetch its configuration by itself; let it with agent: true",
					member->peer->name);
		return;
	}
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(token, sizeof(token), bytes, sizeof(bytes));
	err = doppel_wg_networks_token(request->api->networks, network->network->name,
				       member->peer->name, token);
	if (err)
		doppel_api_refuse(err, &(struct doppel_error){}, reply);
	else
		doppel_http_reply_json(reply, MHD_HTTP_CREATED, json_pack("{s:s}", "token", token));
	sodium_memzero(token, sizeof(token));
}

/* --- the configuration ------------------------------------------------------------------------ */

static json_t *key_json(const uint8_t key[WG_KEY_LEN], bool there)
{
	char text[WG_KEY_TEXT];
	json_t *json = there ? json_string(doppel_wg_key_format(key, text)) : json_null();

	sodium_memzero(text, sizeof(text));
	return json;
}

static json_t *allowed_ips_json(const struct wg_assignment *network, const struct wg_member *member)
{
	auto_buf struct buf list = {};
	json_t *json = json_array();

	if (doppel_wg_quick_allowed_ips(network->network, member, &list)) {
		json_decref(json);
		return NULL;
	}
	for (size_t i = 0; i < list.len / sizeof(struct cidr); i++)
		json_array_append_new(json, doppel_json_cidr((struct cidr *)list.data + i, true));
	return json;
}

static json_t *dns_json(const struct wg_assignment *network)
{
	const struct wg_member *jump = network->jump;

	if (!network->network->dns)
		return json_null();
	return json_pack("{s:o, s:o, s:s}", "ipv4_address", doppel_json_ip(&jump->ipv4, jump->has_ipv4),
			 "ipv6_address", doppel_json_ip(&jump->ipv6, jump->has_ipv6),
			 "domain", network->network->domain);
}

static json_t *config_json(const struct wg_assignment *network, const struct wg_member *member,
			   const char *hash)
{
	const struct wg_network *wanted = network->network;

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o,"
			 " s:{s:s, s:o, s:s, s:i, s:i, s:o}}",
			 "hash", hash, "network", wanted->name, "peer", member->peer->name,
			 "interface", wanted->interface,
			 "ipv4_address", doppel_json_ip(&member->ipv4, member->has_ipv4),
			 "ipv6_address", doppel_json_ip(&member->ipv6, member->has_ipv6),
			 "public_key", key_json(member->public_key, true),
			 "preshared_key", key_json(member->preshared_key, member->has_preshared_key),
			 "dns", dns_json(network),
			 "jump", "name", network->jump->peer->name,
			 "public_key", key_json(network->jump->public_key, true),
			 "endpoint", wanted->endpoint, "port", (int)wanted->listen_port,
			 "keepalive", WG_QUICK_KEEPALIVE_S,
			 "allowed_ips", allowed_ips_json(network, member));
}

/* Who asks, or NULL with the refusal in @reply. */
static const struct wg_member *who(const struct api_context *api, const char *token,
				   const struct wg_assignment **network, struct http_reply *reply)
{
	const struct wg_member *member;
	const int err = doppel_wg_networks_bearer(api->networks, token, network, &member);

	if (err == -EBUSY)
		doppel_http_reply_error(reply, MHD_HTTP_SERVICE_UNAVAILABLE,
					"the peer's network is left out at the moment: the gateway's log says why");
	else if (err)
		doppel_http_reply_error(reply, MHD_HTTP_UNAUTHORIZED,
					"the token is no peer's: doppel peer token NETWORK PEER makes a new one");
	else if (member->expired)
		doppel_http_reply_error(reply, MHD_HTTP_FORBIDDEN,
					"peer \"%s\" of network \"%s\" has expired",
					member->peer->name, (*network)->network->name);
	else
		return member;
	return NULL;
}

/* Whether the reply is something else than the configuration of the hash @have. */
static bool answer(const struct api_context *api, const char *token, const char *have,
		   struct http_reply *reply)
{
	const struct wg_assignment *network;
	const struct wg_member *member = who(api, token, &network, reply);
	struct doppel_error error = {};
	auto_buf struct buf text = {};
	char hash[WG_QUICK_HASH_TEXT];
	int err;

	if (!member)
		return true;
	err = doppel_wg_quick_render(network, member, &text, &error);
	if (err) {
		doppel_api_refuse(err == -EINVAL ? -EBUSY : err, &error, reply);
		return true;
	}
	doppel_wg_quick_hash(&text, hash);
	sodium_memzero(text.data, text.len);
	if (!strcmp(hash, have))
		return false;
	doppel_http_reply_json(reply, MHD_HTTP_OK, config_json(network, member, hash));
	if (reply->status == MHD_HTTP_OK)
		doppel_wg_networks_handed_out(api->networks, network->network->name,
					      member->peer->name, hash);
	return true;
}

/* --- waiting for a change --------------------------------------------------------------------- */

struct join_wait {
	struct list link;
	struct api_context *api;
	struct wg_listener listener;
	struct http_stream *http;
	ev_timer timer;
	char *token;
	char have[WG_QUICK_HASH_TEXT];
	bool over;			/* nothing is told any more */
};

static void end_wait(struct join_wait *wait)
{
	wait->over = true;
	doppel_http_stream_end(wait->http);
}

static void on_event(struct wg_listener *listener, const struct wg_event *event)
{
	struct join_wait *wait = container_of(listener, struct join_wait, listener);
	struct http_reply reply = { .status = MHD_HTTP_INTERNAL_SERVER_ERROR };

	(void)event;
	if (wait->over || !answer(wait->api, wait->token, wait->have, &reply))
		return;
	/* The status is sent already: who is refused finds nothing, asks again, and hears why. */
	if (reply.status == MHD_HTTP_OK)
		doppel_http_stream_write(wait->http, reply.body.data, reply.body.len);
	end_wait(wait);
	doppel_buf_free(&reply.body);
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	end_wait(timer->data);
}

static void on_closed(struct http_stream *http, void *ctx)
{
	struct join_wait *wait = ctx;

	(void)http;
	ev_timer_stop(wait->api->loop, &wait->timer);
	doppel_wg_networks_unlisten(&wait->listener);
	doppel_list_del(&wait->link);
	sodium_memzero(wait->token, strlen(wait->token));
	free(wait->token);
	free(wait);
}

static struct join_wait *new_wait(const struct api_request *request, const char *have)
{
	struct join_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->api = request->api;
	wait->listener.event = on_event;
	snprintf(wait->have, sizeof(wait->have), "%s", have);
	wait->token = strdup(doppel_http_bearer(request->http));
	wait->http = wait->token ? doppel_http_stream(request->http, on_closed, wait) : NULL;
	if (wait->http)
		return wait;
	free(wait->token);
	free(wait);
	return NULL;
}

/* How many wait. A peer waits once: who asks anew does not hear what it asked before. */
static size_t end_older(const struct api_request *request)
{
	const char *token = doppel_http_bearer(request->http);
	size_t count = 0;

	doppel_list_foreach(node, &request->api->joins) {
		struct join_wait *wait = container_of(node, struct join_wait, link);

		if (!strcmp(wait->token, token))
			end_wait(wait);
		else
			count++;
	}
	return count;
}

/* Without room for it the answer comes at once: no news. */
static void start_wait(const struct api_request *request, const char *have, double seconds,
		       struct http_reply *reply)
{
	struct join_wait *wait;

	if (end_older(request) >= WAITS_MAX) {
		reply->status = MHD_HTTP_OK;
		return;
	}
	wait = new_wait(request, have);
	if (!wait) {
		doppel_http_reply_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
		return;
	}
	doppel_wg_networks_listen(request->api->networks, &wait->listener);
	doppel_list_add_tail(&request->api->joins, &wait->link);
	ev_timer_init(&wait->timer, on_timeout, seconds, 0);
	wait->timer.data = wait;
	ev_timer_start(request->api->loop, &wait->timer);
	reply->status = MHD_HTTP_OK;
	reply->stream = wait->http;
}

void doppel_api_join(const struct api_request *request, struct http_reply *reply)
{
	const char *have = doppel_http_argument(request->http, "have");
	const char *text = doppel_http_argument(request->http, "wait");
	const double seconds = text ? atoi(text) : 0;

	if (answer(request->api, doppel_http_bearer(request->http), have ? have : "", reply))
		return;
	if (seconds > 0)
		start_wait(request, have, seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S, reply);
	else
		reply->status = MHD_HTTP_OK;
}

void doppel_api_joins_end(struct api_context *api)
{
	doppel_list_foreach(node, &api->joins)
		end_wait(container_of(node, struct join_wait, link));
}

void doppel_api_join_key(const struct api_request *request, struct http_reply *reply)
{
	const char *text = doppel_http_argument(request->http, "public_key");
	const struct wg_assignment *network;
	const struct wg_member *member = who(request->api, doppel_http_bearer(request->http),
					     &network, reply);
	struct doppel_error error = {};
	uint8_t key[WG_KEY_LEN];
	int err;

	if (!member)
		return;
	if (!text || !doppel_wg_key_parse(text, key)) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"give the public key: " API_JOIN_PATH "?public_key=KEY");
		return;
	}
	err = doppel_wg_networks_public_key(request->api->networks, network->network->name,
					    member->peer->name, key, &error);
	if (err)
		doppel_api_refuse(err, &error, reply);
	else
		doppel_http_reply_json(reply, MHD_HTTP_OK, json_object());
}
