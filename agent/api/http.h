/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HTTP by libmicrohttpd inside the agent's event loop: one listener a socket,
 * requests collected whole, replies handed over whole or as a stream.
 */
#ifndef DOPPEL_API_HTTP_H
#define DOPPEL_API_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/error.h"

struct ev_loop;
struct http_listener;
struct http_stream;
struct MHD_Connection;

#define HTTP_BODY_MAX (16u << 20) /* an import of ten thousand devices */

struct http_request {
	struct http_listener *listener;
	struct MHD_Connection *connection;
	const char *method; /* HEAD comes as GET */
	const char *path;   /* unescaped, without the query */
	const char *body;   /* NUL-terminated */
	size_t body_len;
};

#define HTTP_CONNECTIONS_MAX 256	/* of a listener */

/* The handler fills in body (taken over) and status; or a stream, made by doppel_http_stream(). */
struct http_reply {
	unsigned int status;
	struct buf body;
	const char *content_type; /* a constant; application/json to begin with */
	struct http_stream *stream;
};

struct http_handler {
	void (*handle)(void *ctx, const struct http_request *request, struct http_reply *reply);
	void *ctx;
	/* "Authorization: Bearer" must have it; NULL: whoever can connect may ask. */
	const char *token;
	/* This path is for whoever brings another token, which handle() looks at; no body is taken. */
	const char *open;
};

/*
 * Serve a listening socket, which the listener takes over. The handler and its
 * token must outlive it. 0 or a negative errno.
 */
int doppel_http_listen(struct ev_loop *loop, int fd, const struct http_handler *handler,
		       struct http_listener **listener);
void doppel_http_close(struct http_listener *listener);

/*
 * Listening sockets. The unix socket is mode 0600, its directory is made; a
 * stale one is replaced, a live one is -EADDRINUSE. The fd, or a negative errno
 * and a line in error.
 */
int doppel_http_unix_socket(const char *path, struct doppel_error *error);
int doppel_http_tcp_socket(const struct sockaddr *addr, socklen_t len,
			   struct doppel_error *error);

/* The token of "Authorization: Bearer"; "" without. */
const char *doppel_http_bearer(const struct http_request *request);

/* The query's argument of that name, "" if it has no value; or NULL. */
const char *doppel_http_argument(const struct http_request *request, const char *name);

/* The reply is this JSON, which is taken over; NULL: memory was short. */
void doppel_http_reply_json(struct http_reply *reply, unsigned int status, json_t *json);
/* {"error": "…"} */
void doppel_http_reply_error(struct http_reply *reply, unsigned int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A reply without an end. Its owner writes to it until closed() tells that the
 * client is gone or too slow; the stream is freed right after.
 */
struct http_stream *doppel_http_stream(const struct http_request *request,
				       void (*closed)(struct http_stream *stream, void *ctx),
				       void *ctx);
void doppel_http_stream_write(struct http_stream *stream, const void *data, size_t len);
/* No more is coming: what is written is sent, then closed() comes. */
void doppel_http_stream_end(struct http_stream *stream);

#endif
