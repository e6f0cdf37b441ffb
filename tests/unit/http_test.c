// SPDX-License-Identifier: GPL-2.0-only
/* The API's HTTP: the agent's server and the CLI's client against each other, and tokens. */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/http.h"
#include "api/token.h"
#include "api_call.h"
#include "scratch.h"
#include "tap.h"

static char directory[SCRATCH_SIZE];
static char path[64];
static struct ev_loop *loop;
static struct http_stream *stream;
static int closed;

static void on_closed(struct http_stream *gone, void *ctx)
{
	(void)gone;
	(void)ctx;
	stream = NULL;
	closed++;
}

static void handle(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	const char *argument = doppel_http_argument(request, "a");

	(void)ctx;
	if (!strcmp(request->path, "/echo")) {
		doppel_http_reply_json(reply, 200,
				       json_pack("{s:s, s:s, s:I, s:s*}", "method", request->method,
						 "body", request->body, "length",
						 (json_int_t)request->body_len, "a", argument));
	} else if (!strcmp(request->path, "/lines")) {
		stream = doppel_http_stream(request, on_closed, NULL);
		doppel_http_stream_write(stream, "one\n\ntw", 7);
		reply->status = 200;
		reply->stream = stream;
	} else if (!strcmp(request->path, "/large")) {
		json_t *list = json_array();

		for (int i = 0; i < 100000; i++)
			json_array_append_new(list, json_integer(i));
		doppel_http_reply_json(reply, 200, list);
	} else if (!strcmp(request->path, "/strange")) {
		doppel_http_reply_error(reply, 400, "no \xff\xfe");
	} else {
		doppel_http_reply_error(reply, 404, "nothing at %s", request->path);
	}
}

static struct call call(const char *method, const char *where, json_t *body)
{
	return request(loop, path, method, where, body);
}

static void test_requests(void)
{
	struct buf escaped = {};
	struct call got;

	got = call("GET", "/echo?a=b%20c", NULL);
	is_int(got.err, 0, "a request is answered");
	is_int(got.status, 200, "with 200");
	is_str(doppel_cli_string(got.reply, "a"), "b c", "arguments are unescaped");
	is_str(doppel_cli_string(got.reply, "method"), "GET", "method");
	json_decref(got.reply);
	got = call("HEAD", "/echo", NULL);
	is_int(got.status, 200, "HEAD is GET");
	ok(!got.reply, "without a body");
	got = call("POST", "/echo", json_pack("{s:i}", "x", 1));
	is_str(doppel_cli_string(got.reply, "body"), "{\"x\":1}", "a body arrives");
	json_decref(got.reply);
	got = call("GET", "/nowhere", NULL);
	is_int(got.status, 404, "an error is told");
	is_str(doppel_cli_string(got.reply, "error"), "nothing at /nowhere", "in words");
	json_decref(got.reply);
	got = call("GET", "/strange", NULL);
	is_int(got.status, 400, "one with words that are no text, too");
	is_str(doppel_cli_string(got.reply, "error"), "no ??", "… as far as they are");
	json_decref(got.reply);
	got = call("GET", "/large", NULL);
	is_int(json_array_size(got.reply), 100000, "a large reply is whole");
	json_decref(got.reply);
	doppel_client_escape(&escaped, "a b/c?é:");
	is_str(escaped.data, "a%20b%2Fc%3F%C3%A9:", "paths are escaped");
	doppel_buf_free(&escaped);
}

static void test_long_body(void)
{
	char *text = malloc(HTTP_BODY_MAX + 1);
	struct call got;

	memset(text, 'x', HTTP_BODY_MAX);
	text[HTTP_BODY_MAX] = '\0';
	got = call("POST", "/echo", json_pack("[s]", text));
	is_int(got.status, 413, "a body that is too long is refused");
	json_decref(got.reply);
	free(text);
}

struct lines {
	char text[64];
	int err;
	ev_async *done;
};

static int on_line(const char *line, void *ctx)
{
	struct lines *lines = ctx;

	strcat(lines->text, line);
	strcat(lines->text, ";");
	return !strcmp(line, "last") ? -EPIPE : 0;
}

static void *run_lines(void *ctx)
{
	struct cli cli = { .socket = path };
	struct lines *lines = ctx;

	lines->err = doppel_client_lines(&cli, "/lines", on_line, lines);
	ev_async_send(loop, lines->done);
	return NULL;
}

static void write_more(struct ev_loop *l, ev_timer *timer, int events)
{
	const char *text = timer->data;

	(void)l;
	(void)events;
	if (stream)
		doppel_http_stream_write(stream, text, strlen(text));
}

static void end_stream(struct ev_loop *l, ev_timer *timer, int events)
{
	(void)l;
	(void)timer;
	(void)events;
	if (stream)
		doppel_http_stream_end(stream);
}

static void test_stream(void)
{
	struct lines lines = {};
	ev_timer more, end;
	ev_async done;

	lines.done = &done;
	ev_timer_init(&more, write_more, 0.1, 0);
	more.data = "o\nthree\n";
	ev_timer_init(&end, end_stream, 0.2, 0);
	ev_timer_start(loop, &more);
	ev_timer_start(loop, &end);
	run_thread(loop, run_lines, &lines, &done);
	is_str(lines.text, "one;two;three;", "a stream comes in lines, as it is written");
	is_int(lines.err, 0, "up to its end");
	is_int(closed, 1, "which its owner is told");
}

static void test_client_leaves(void)
{
	struct lines lines = {};
	ev_timer more, probe;
	ev_async done;

	lines.done = &done;
	closed = 0;
	ev_timer_init(&more, write_more, 0.1, 0);
	more.data = "o\nlast\n";
	ev_timer_start(loop, &more);
	run_thread(loop, run_lines, &lines, &done);
	is_str(lines.text, "one;two;last;", "a client may leave");
	ev_timer_init(&probe, write_more, 0, 0.01);
	probe.data = "x\n";
	ev_timer_start(loop, &probe);
	for (int i = 0; i < 200 && !closed; i++)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &probe);
	is_int(closed, 1, "the next write finds out");
}

/* It never reads; the server's socket buffer and then the stream's own limit fill up. */
static void test_slow_reader(void)
{
	static const char request[] = "GET /lines HTTP/1.0\r\n\r\n";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char block[65536];

	closed = 0;
	strcpy(addr.sun_path, path);
	ok(!connect(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
	   write(fd, request, strlen(request)) > 0, "a client that will not read");
	for (int i = 0; i < 200 && !stream; i++)
		ev_run(loop, EVRUN_ONCE);
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 64 && stream; i++)
		doppel_http_stream_write(stream, block, sizeof(block));
	close(fd);
	for (int i = 0; i < 200 && !closed; i++)
		ev_run(loop, EVRUN_ONCE);
	is_int(closed, 1, "is let go");
}

static void test_sockets(void)
{
	struct doppel_error error = {};
	unsigned int status;
	char want[160];
	struct stat st;
	json_t *reply;
	int fd;

	stat(path, &st);
	is_int(st.st_mode & 0777, 0600, "the socket is root's alone");
	is_int(doppel_http_unix_socket(path, &error), -EADDRINUSE, "one agent a socket");
	snprintf(want, sizeof(want), "%s: another agent answers there; stop that one first", path);
	is_str(error.text, want, "with what to do");
	is_int(doppel_client_request("/nonexistent", "GET", "/", NULL, &status, &reply), -ENOENT,
	       "no socket");
	snprintf(want, sizeof(want), "%s/stale", directory);
	fd = doppel_http_unix_socket(want, &error);
	ok(fd >= 0, "a new socket");
	close(fd);
	is_int(doppel_client_request(want, "GET", "/", NULL, &status, &reply), -ECONNREFUSED,
	       "nobody listens");
	fd = doppel_http_unix_socket(want, &error);
	ok(fd >= 0, "a stale socket is replaced");
	close(fd);
}

struct probe {
	const char *token;
	struct sockaddr_in addr;
	int err;
	unsigned int status;
	ev_async *done;
};

static void *run_probe(void *ctx)
{
	struct probe *probe = ctx;

	probe->err = doppel_client_probe((struct sockaddr *)&probe->addr, sizeof(probe->addr),
					 probe->token, &probe->status);
	ev_async_send(loop, probe->done);
	return NULL;
}

static unsigned int probe_with(const struct sockaddr_in *addr, const char *token)
{
	struct probe probe = { .token = token, .addr = *addr };
	ev_async done;

	probe.done = &done;
	run_thread(loop, run_probe, &probe, &done);
	return probe.status;
}

static void test_token(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct http_handler handler = { .handle = handle };
	struct http_listener *listener;
	struct doppel_error error = {};
	socklen_t len = sizeof(addr);
	char file[64], *token = NULL, *again = NULL;
	struct stat st;
	int fd;

	snprintf(file, sizeof(file), "%s/etc/token", directory);
	is_int(doppel_token_load(file, &token, &error), 0, "a token is made");
	is_int(strlen(token), 64, "of 32 bytes");
	stat(file, &st);
	is_int(st.st_mode & 0777, 0600, "that only root may read");
	doppel_token_load(file, &again, &error);
	is_str(again, token, "and stays the same");
	free(again);
	chmod(file, 0644);
	is_int(doppel_token_load(file, &again, &error), -EPERM, "a readable one is refused");
	chmod(file, 0600);
	ok(!truncate(file, 5), "a token is cut");
	is_int(doppel_token_load(file, &again, &error), -EINVAL, "a short one is refused");

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = doppel_http_tcp_socket((struct sockaddr *)&addr, sizeof(addr), &error);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	handler.token = token;
	is_int(doppel_http_listen(loop, fd, &handler, &listener), 0, "a listener with a token");
	is_int(probe_with(&addr, "wrong"), 401, "refuses another one");
	is_int(probe_with(&addr, ""), 401, "and none");
	is_int(probe_with(&addr, token), 404, "and takes its own");
	doppel_http_close(listener);
	free(token);
}

#define TEN "abcdefghi."

static void test_urls(void)
{
	static const char *const good[] = {
		"http://gw", "http://gw/", "http://gw.example.net:5050", "http://gw_1-a.internal:1/",
		"http://192.0.2.1", "http://192.0.2.1:65535", "http://[2001:db8::1]", "http://[2001:db8::1]/",
		"http://[::1]:80", "http://[::ffff:192.0.2.1]:080",
	};
	static const char *const bad[] = {
		"", "gw", "gw:80", "//gw", "https://gw", "HTTP://gw", "http:/gw", "http://", "http:///", "http://:80",
		"http://gw:", "http://gw:/", "http://gw:x", "http://gw:80x", "http://gw:0", "http://gw:65536",
		"http://gw:123456", "http://gw:-1", "http://gw/path", "http://gw//", "http://gw?a", "http://gw#a",
		"http://me@gw", "http://me:secret@gw", "http://g w", "http://gw\r\nX: y", "http://2001:db8::1",
		"http://[]", "http://[::1", "http://[::1x", "http://[::1:80", "http://[::1]x", "http://[::1]80",
		"http://[gw]", "http://::1]",
	};
	char long_name[] = "http://" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
		TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "abcdef";
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(doppel_client_is_url(good[i]), "\"%s\" is a URL", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!doppel_client_is_url(bad[i]), "\"%.9s…\", the bad one %zu, is none", bad[i], i);
	ok(!doppel_client_is_url(long_name), "nor is one with a name that nobody has");
	long_name[sizeof(long_name) - 2] = '\0';
	ok(doppel_client_is_url(long_name), "… but one that is a letter shorter");
}

int main(void)
{
	struct http_handler handler = { .handle = handle };
	struct doppel_error error = {};
	struct http_listener *listener;
	int fd;

	scratch_make(directory);
	loop = ev_default_loop(0);
	snprintf(path, sizeof(path), "%s/run/api.sock", directory);
	fd = doppel_http_unix_socket(path, &error);
	is_int(doppel_http_listen(loop, fd, &handler, &listener), 0, "a listener on a unix socket");
	test_requests();
	test_long_body();
	test_stream();
	test_client_leaves();
	test_slow_reader();
	test_sockets();
	test_token();
	test_urls();
	doppel_http_close(listener);
	ev_loop_destroy(loop);
	return scratch_remove(directory) ? 1 : done_testing();
}
