// SPDX-License-Identifier: GPL-2.0-only
#include <ev.h>
#include <microhttpd.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/json.h"
#include "api/networks.h"
#include "base/cleanup.h"

/* An empty line now and then shows whether the reader is still there. */
#define HEARTBEAT_S 15.0

struct event_stream {
	struct list link;
	const struct api_context *api;
	struct gateway_listener gateway;
	struct wg_listener networks;
	struct http_stream *http;
	ev_timer heartbeat;
};

/* Takes the event's JSON. */
static void tell(struct event_stream *stream, json_t *json)
{
	auto_free char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
	auto_buf struct buf text = {};

	json_decref(json);
	if (line && !doppel_buf_printf(&text, "%s\n", line))
		doppel_http_stream_write(stream->http, text.data, text.len);
}

static void on_gateway(struct gateway_listener *listener, const struct gateway_event *event)
{
	tell(container_of(listener, struct event_stream, gateway), doppel_json_event(event));
}

static void on_networks(struct wg_listener *listener, const struct wg_event *event)
{
	tell(container_of(listener, struct event_stream, networks),
	     doppel_json_network_event(event));
}

static void on_heartbeat(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct event_stream *stream = timer->data;

	(void)loop;
	(void)events;
	doppel_http_stream_write(stream->http, "\n", 1);
}

static void listen_to(struct event_stream *stream)
{
	stream->gateway.event = on_gateway;
	stream->networks.event = on_networks;
	if (stream->api->gateway)
		doppel_gateway_listen(stream->api->gateway, &stream->gateway);
	if (stream->api->networks)
		doppel_wg_networks_listen(stream->api->networks, &stream->networks);
}

static void on_closed(struct http_stream *http, void *ctx)
{
	struct event_stream *stream = ctx;

	(void)http;
	ev_timer_stop(stream->api->loop, &stream->heartbeat);
	if (stream->api->gateway)
		doppel_gateway_unlisten(&stream->gateway);
	if (stream->api->networks)
		doppel_wg_networks_unlisten(&stream->networks);
	doppel_list_del(&stream->link);
	free(stream);
}

void doppel_api_events(const struct api_request *request, struct http_reply *reply)
{
	struct event_stream *stream = calloc(1, sizeof(*stream));

	if (stream)
		stream->http = doppel_http_stream(request->http, on_closed, stream);
	if (!stream || !stream->http) {
		free(stream);
		doppel_http_reply_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
		return;
	}
	stream->api = request->api;
	listen_to(stream);
	doppel_list_add_tail(&request->api->streams, &stream->link);
	ev_timer_init(&stream->heartbeat, on_heartbeat, HEARTBEAT_S, HEARTBEAT_S);
	stream->heartbeat.data = stream;
	ev_timer_start(request->api->loop, &stream->heartbeat);
	/* The first line goes out at once, so that the client knows it is connected. */
	doppel_http_stream_write(stream->http, "\n", 1);
	reply->status = MHD_HTTP_OK;
	reply->content_type = "application/x-ndjson";
	reply->stream = stream->http;
}

void doppel_api_events_end(struct api_context *api)
{
	doppel_list_foreach(node, &api->streams)
		doppel_http_stream_end(container_of(node, struct event_stream, link)->http);
}
