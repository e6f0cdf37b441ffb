// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every path of the API on a gateway without a kernel. The input is a request: its first line the method,
 * a space and the path with its query, the rest its body. What libmicrohttpd does before is not ours.
 */
#include "gateway_fake.h"

#include "api/handlers.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
const char *__wrap_doppel_http_argument(const struct http_request *request, const char *name);
struct http_stream *__wrap_doppel_http_stream(const struct http_request *request,
					      void (*closed)(struct http_stream *stream, void *ctx),
					      void *ctx);

static struct fake *fake;
static struct api_context context;
static char *query;		/* NULL: none */

/* "name=value&…", in which only one argument is looked for. */
const char *__wrap_doppel_http_argument(const struct http_request *request, const char *name)
{
	const size_t len = strlen(name);

	(void)request;
	return query && !strncmp(query, name, len) && query[len] == '=' ? query + len + 1 : NULL;
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

static int no_sessions(struct doppel_link *link,
		       int (*cb)(const struct module_session *session, void *ctx), void *ctx)
{
	(void)link;
	(void)cb;
	(void)ctx;
	return -ENOENT;
}

static int flush(struct doppel_link *link, const struct mac *mac)
{
	(void)link;
	(void)mac;
	return 0;
}

static void begin(void)
{
	doppel_log_set_level(LOG_ERR - 1);
	fake = fake_new();
	fake->router = true;
	fake->module.session_dump = no_sessions;
	fake->module.session_flush = flush;
	fake_start(fake, FAKE_DUAL);
	context = (struct api_context){
		.gateway = fake->gw,
		.clock = &fake->clock,
		.loop = EV_DEFAULT,
		.config_file = "/etc/x.yaml",
	};
	doppel_list_init(&context.streams);
}

/* Two devices, whatever the request before has done to them. */
static void restore(void)
{
	if (fake->gw->devices.count >= 2 && fake->gw->devices.count < 40)
		return;
	if (fake->gw->devices.count >= 40) {
		fake_free(fake);
		begin();
	}
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 30000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_reply reply = { .status = 0, .content_type = "application/json" };
	char *text = strndup((const char *)data, len), *body = text, *path = strsep(&body, "\n");
	char *method = strsep(&path, " ");
	struct http_request request = { .method = method, .path = path ? path : "/" };

	if (!fake)
		begin();
	restore();
	query = path;
	if (query)
		strsep(&query, "?");
	request.body = body ? body : "";
	request.body_len = strlen(request.body);
	doppel_api_route(&context, &request, &reply);
	if (reply.status < 200 || reply.status > 599 || (!reply.body.len && reply.status != 500))
		abort();
	doppel_buf_free(&reply.body);
	doppel_store_commit(fake->store);
	free(text);
	return 0;
}
