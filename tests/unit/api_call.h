/* SPDX-License-Identifier: GPL-2.0-only */
/* The CLI's client against a server on the loop of the same program. */
#ifndef API_CALL_H
#define API_CALL_H

#include <ev.h>
#include <pthread.h>
#include <string.h>

#include "cli/client.h"

struct call {
	const char *socket, *method, *path;
	json_t *body;
	struct ev_loop *loop;
	ev_async *done;
	int err;
	unsigned int status;
	json_t *reply;
};

static void *run_call(void *ctx)
{
	struct call *call = ctx;

	call->err = doppel_client_request(call->socket, call->method, call->path, call->body,
					  &call->status, &call->reply);
	ev_async_send(call->loop, call->done);
	return NULL;
}

static void on_done(struct ev_loop *loop, ev_async *async, int events)
{
	(void)async;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* The client blocks, so it has a thread of its own, which sends @done; the loop is in main's. */
static void run_thread(struct ev_loop *loop, void *(*run)(void *ctx), void *ctx, ev_async *done)
{
	pthread_t thread;

	ev_async_init(done, on_done);
	ev_async_start(loop, done);
	pthread_create(&thread, NULL, run, ctx);
	ev_run(loop, 0);
	pthread_join(thread, NULL);
	ev_async_stop(loop, done);
}

/* Takes @body; the reply is the caller's. */
static inline struct call request(struct ev_loop *loop, const char *socket, const char *method,
			   const char *path, json_t *body)
{
	ev_async done;
	struct call call = {
		.socket = socket,
		.method = method,
		.path = path,
		.body = body,
		.loop = loop,
		.done = &done,
	};

	run_thread(loop, run_call, &call, &done);
	json_decref(body);
	return call;
}

/* A request whose body or reply is no JSON. */
struct exchange {
	const char *socket, *method, *path;
	const char *text;		/* the body; NULL: none */
	struct ev_loop *loop;
	ev_async *done;
	int err;
	unsigned int status;
	struct buf reply;
};

static inline void *run_exchange(void *ctx)
{
	struct exchange *exchange = ctx;
	const char *text = exchange->text;
	const struct client_body body = { "text/plain", text, text ? strlen(text) : 0 };

	exchange->err = doppel_client_exchange(exchange->socket, exchange->method, exchange->path,
					       text ? &body : NULL, &exchange->status,
					       &exchange->reply);
	ev_async_send(exchange->loop, exchange->done);
	return NULL;
}

/* The reply is the caller's. */
static inline struct exchange request_text(struct ev_loop *loop, const char *socket,
					   const char *method, const char *path, const char *text)
{
	ev_async done;
	struct exchange exchange = {
		.socket = socket,
		.method = method,
		.path = path,
		.text = text,
		.loop = loop,
		.done = &done,
	};

	run_thread(loop, run_exchange, &exchange, &done);
	return exchange;
}

#endif
