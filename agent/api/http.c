// SPDX-License-Identifier: GPL-2.0-only
#include "api/http.h"

#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/json.h"
#include "base/cleanup.h"
#include "base/path.h"

#define IDLE_TIMEOUT_S 30
#define STREAM_MAX (1u << 20) /* unsent bytes after which a reader is too slow */

struct http_listener {
	struct ev_loop *loop;
	struct MHD_Daemon *daemon;
	struct http_handler handler;
	ev_io io;
	ev_timer timer;
	bool soon;			/* it is to be called again at once */
};

struct http_stream {
	struct http_listener *listener;
	struct MHD_Connection *connection;
	struct buf unsent;
	bool suspended, ended;
	void (*closed)(struct http_stream *stream, void *ctx);
	void *ctx;
};

/* A request under way: its body grows here. */
struct pending {
	struct buf body;
	bool authorized; /* else its body is not even kept */
	bool open;	 /* its handler looks at the token */
	bool too_long;
};

/*
 * Soon, from the loop: MHD_run() may not be called from within its own callbacks, nor does it see who is
 * resumed there.
 */
static void pump_soon(struct http_listener *listener)
{
	listener->soon = true;
	ev_timer_stop(listener->loop, &listener->timer);
	ev_timer_set(&listener->timer, 0, 0);
	ev_timer_start(listener->loop, &listener->timer);
}

/* Let libmicrohttpd do what is to be done, and ask when it wants to be called again. */
static void pump(struct http_listener *listener)
{
	MHD_UNSIGNED_LONG_LONG ms;

	listener->soon = false;
	MHD_run(listener->daemon);
	ev_timer_stop(listener->loop, &listener->timer);
	if (listener->soon) {
		pump_soon(listener);
	} else if (MHD_get_timeout(listener->daemon, &ms) == MHD_YES) {
		ev_timer_set(&listener->timer, (double)ms / 1000, 0);
		ev_timer_start(listener->loop, &listener->timer);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	pump(io->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	pump(timer->data);
}

const char *doppel_http_argument(const struct http_request *request, const char *name)
{
	const char *value;
	size_t len;

	if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
					  strlen(name), &value, &len) != MHD_YES)
		return NULL;
	return value ? value : "";
}

static int dump_to_buf(const char *data, size_t len, void *ctx)
{
	return doppel_buf_add(ctx, data, len);
}

void doppel_http_reply_json(struct http_reply *reply, unsigned int status, json_t *json)
{
	doppel_buf_free(&reply->body);
	reply->status = status;
	if (!json || json_dump_callback(json, dump_to_buf, &reply->body, JSON_INDENT(2)) ||
	    doppel_buf_add(&reply->body, "\n", 1)) {
		doppel_buf_free(&reply->body);
		reply->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	json_decref(json);
}

void doppel_http_reply_error(struct http_reply *reply, unsigned int status, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	doppel_http_reply_json(reply, status, json_pack("{s:o}", "error", doppel_json_text(line)));
}

static ssize_t read_stream(void *ctx, uint64_t pos, char *data, size_t max)
{
	struct http_stream *stream = ctx;
	size_t len = stream->unsent.len < max ? stream->unsent.len : max;

	(void)pos;
	if (len) {
		memcpy(data, stream->unsent.data, len);
		doppel_buf_consume(&stream->unsent, len);
		return (ssize_t)len;
	}
	if (stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	MHD_suspend_connection(stream->connection);
	stream->suspended = true;
	return 0;
}

static void free_stream(void *ctx)
{
	struct http_stream *stream = ctx;

	stream->closed(stream, stream->ctx);
	doppel_buf_free(&stream->unsent);
	free(stream);
}

struct http_stream *doppel_http_stream(const struct http_request *request,
				       void (*closed)(struct http_stream *stream, void *ctx),
				       void *ctx)
{
	struct http_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->listener = request->listener;
	stream->connection = request->connection;
	stream->closed = closed;
	stream->ctx = ctx;
	return stream;
}

static void wake_stream(struct http_stream *stream)
{
	if (stream->suspended) {
		stream->suspended = false;
		MHD_resume_connection(stream->connection);
	}
	pump_soon(stream->listener);
}

void doppel_http_stream_write(struct http_stream *stream, const void *data, size_t len)
{
	if (stream->ended)
		return;
	if (stream->unsent.len + len > STREAM_MAX || doppel_buf_add(&stream->unsent, data, len))
		stream->ended = true;
	wake_stream(stream);
}

void doppel_http_stream_end(struct http_stream *stream)
{
	stream->ended = true;
	wake_stream(stream);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct http_reply *reply)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	if (reply->stream) {
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_stream,
							     reply->stream, free_stream);
		if (!response)
			free_stream(reply->stream);
	} else {
		response = MHD_create_response_from_buffer_with_free_callback(
			reply->body.len, reply->body.data, free);
		if (!response)
			doppel_buf_free(&reply->body);
	}
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (reply->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static const char *bearer(struct MHD_Connection *connection)
{
	static const char scheme[] = "Bearer ";
	const char *given = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							MHD_HTTP_HEADER_AUTHORIZATION);

	return given && !strncmp(given, scheme, strlen(scheme)) ? given + strlen(scheme) : "";
}

const char *doppel_http_bearer(const struct http_request *request)
{
	return bearer(request->connection);
}

static bool authorized(const struct http_listener *listener, struct MHD_Connection *connection)
{
	const char *given = bearer(connection), *token = listener->handler.token;

	if (!token)
		return true;
	return strlen(given) == strlen(token) && !sodium_memcmp(given, token, strlen(token));
}

static enum MHD_Result collect_body(struct pending *pending, const char *data, size_t *len)
{
	if (!pending->authorized) {
		*len = 0;
		return MHD_YES;
	}
	if (pending->body.len + *len > HTTP_BODY_MAX || doppel_buf_add(&pending->body, data, *len))
		pending->too_long = true;
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *len, void **state)
{
	struct http_listener *listener = ctx;
	struct pending *pending = *state;
	struct http_request request;
	struct http_reply reply = {
		.status = MHD_HTTP_INTERNAL_SERVER_ERROR,
		.content_type = "application/json",
	};

	(void)version;
	if (!pending) {
		pending = calloc(1, sizeof(*pending));
		if (!pending)
			return MHD_NO;
		pending->open = listener->handler.open && !strcmp(url, listener->handler.open);
		pending->authorized = !pending->open && authorized(listener, connection);
		*state = pending;
		return MHD_YES;
	}
	if (*len)
		return collect_body(pending, data, len);
	request = (struct http_request){
		.listener = listener,
		.connection = connection,
		.method = strcmp(method, MHD_HTTP_METHOD_HEAD) ? method : MHD_HTTP_METHOD_GET,
		.path = url,
		.body = pending->body.data ? pending->body.data : "",
		.body_len = pending->body.len,
	};
	if (!pending->authorized && !pending->open)
		doppel_http_reply_error(&reply, MHD_HTTP_UNAUTHORIZED,
					"give the token: Authorization: Bearer TOKEN");
	else if (pending->too_long)
		doppel_http_reply_error(&reply, MHD_HTTP_CONTENT_TOO_LARGE,
					"the body is longer than %u bytes", HTTP_BODY_MAX);
	else
		listener->handler.handle(listener->handler.ctx, &request, &reply);
	return send_reply(connection, &reply);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct pending *pending = *state;

	(void)ctx;
	(void)connection;
	(void)why;
	if (pending)
		doppel_buf_free(&pending->body);
	free(pending);
	*state = NULL;
}

int doppel_http_listen(struct ev_loop *loop, int fd, const struct http_handler *handler,
		       struct http_listener **listener)
{
	struct http_listener *self = calloc(1, sizeof(*self));
	const union MHD_DaemonInfo *info;

	if (!self) {
		close(fd);
		return -ENOMEM;
	}
	self->loop = loop;
	self->handler = *handler;
	self->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
					on_request, self, MHD_OPTION_LISTEN_SOCKET, fd,
					MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
					MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX,
					MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
					MHD_OPTION_END);
	info = self->daemon ? MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		if (self->daemon)
			MHD_stop_daemon(self->daemon);
		else
			close(fd);
		free(self);
		return -EIO;
	}
	ev_io_init(&self->io, on_readable, info->epoll_fd, EV_READ);
	self->io.data = self;
	ev_io_start(loop, &self->io);
	ev_timer_init(&self->timer, on_timer, 0, 0);
	self->timer.data = self;
	*listener = self;
	return 0;
}

void doppel_http_close(struct http_listener *listener)
{
	if (!listener)
		return;
	ev_io_stop(listener->loop, &listener->io);
	ev_timer_stop(listener->loop, &listener->timer);
	MHD_stop_daemon(listener->daemon);
	free(listener);
}

static int fail(struct doppel_error *error, const char *what, const char *where)
{
	int err = -errno;

	doppel_error_add(error, "%s: %s: %s", where, what, strerror(-err));
	return err;
}

/* A socket that nobody answers on is left over from an agent that was killed. */
static bool somebody_listens(const struct sockaddr_un *addr)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && !connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
}

int doppel_http_unix_socket(const char *path, struct doppel_error *error)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return fail(error, "cannot be made", path);
	}
	strcpy(addr.sun_path, path);
	err = doppel_make_parent(path);
	if (err) {
		errno = -err;
		return fail(error, "its directory cannot be made", path);
	}
	if (somebody_listens(&addr)) {
		doppel_error_add(error, "%s: another agent answers there; stop that one first",
				 path);
		return -EADDRINUSE;
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(error, "cannot be made", path);
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (!err)
		err = listen(fd, SOMAXCONN);
	if (err) {
		err = fail(error, "cannot be listened on", path);
		close(fd);
		return err;
	}
	return fd;
}

int doppel_http_tcp_socket(const struct sockaddr *addr, socklen_t len, struct doppel_error *error)
{
	int one = 1, err, fd;

	fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(error, "no socket", "api.listen");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* The address may come to the port later than the agent. */
	setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (bind(fd, addr, len) || listen(fd, SOMAXCONN)) {
		err = fail(error, "cannot be listened on", "api.listen");
		close(fd);
		return err;
	}
	return fd;
}
