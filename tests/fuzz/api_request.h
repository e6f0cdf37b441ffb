/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests of the API for fuzzers. An input's first line is the method, a space and the path with its query,
 * the rest its body. What libmicrohttpd does before is not ours.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"

const char *__wrap_doppel_http_argument(const struct http_request *request, const char *name);
const char *__wrap_doppel_http_bearer(const struct http_request *request);
struct http_stream *__wrap_doppel_http_stream(const struct http_request *request,
					      void (*closed)(struct http_stream *stream, void *ctx),
					      void *ctx);

/* "name=value", each of which ends with a NUL */
static char *query, *query_end;

static void split_query(char *text)
{
	query = text;
	query_end = text ? text + strlen(text) : NULL;
	while (text)
		strsep(&text, "&");
}

const char *__wrap_doppel_http_argument(const struct http_request *request, const char *name)
{
	const size_t len = strlen(name);

	(void)request;
	for (char *one = query; one && one < query_end; one += strlen(one) + 1)
		if (!strncmp(one, name, len) && one[len] == '=')
			return one + len + 1;
	return NULL;
}

const char *__wrap_doppel_http_bearer(const struct http_request *request)
{
	const char *token = __wrap_doppel_http_argument(request, "token");

	return token ? token : "";
}

/* There is nobody to read a stream. */
struct http_stream *__wrap_doppel_http_stream(const struct http_request *request,
					      void (*closed)(struct http_stream *stream, void *ctx),
					      void *ctx)
{
	(void)request;
	(void)closed;
	(void)ctx;
	return NULL;
}

/* Only who waits for news may be told nothing. */
static void api_request(struct api_context *context, const uint8_t *data, size_t len)
{
	struct http_reply reply = { .status = 0, .content_type = "application/json" };
	char *text = strndup((const char *)data, len), *body = text, *path = strsep(&body, "\n");
	char *method = strsep(&path, " "), *arguments = path;
	struct http_request request = { .method = method, .path = path ? path : "/" };

	if (arguments)
		strsep(&arguments, "?");
	split_query(arguments);
	request.body = body ? body : "";
	request.body_len = strlen(request.body);
	doppel_api_route(context, &request, &reply);
	if (reply.status < 200 || reply.status > 599 ||
	    (!reply.body.len && reply.status != 500 && strcmp(request.path, API_JOIN_PATH)))
		abort();
	doppel_buf_free(&reply.body);
	free(text);
}

#endif
