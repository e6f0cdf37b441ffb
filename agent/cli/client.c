// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define REPLY_MAX (512u << 20)
#define HEAD_MAX (64u << 10)
#define ASKED_REPLY_MAX (4u << 20)	/* of whom this host does not know */

/* Where a reply comes from, and how long and how much of it. */
struct reply_source {
	int fd;
	size_t max;
	int64_t deadline_ms;		/* of doppel_clock; 0: none */
};

void doppel_client_escape(struct buf *path, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr("-._~:", *c))
			doppel_buf_add(path, c, 1);
		else
			doppel_buf_printf(path, "%%%02X", (unsigned char)*c);
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		data += sent;
		len -= (size_t)sent;
	}
	return 0;
}

/* HTTP/1.0: the reply ends with the connection, and is never chunked. */
static int send_request(int fd, const char *method, const char *path,
			const struct client_body *body)
{
	auto_buf struct buf request = {};

	doppel_buf_printf(&request, "%s %s HTTP/1.0\r\nHost: doppel\r\n", method, path);
	if (body)
		doppel_buf_printf(&request, "Content-Type: %s\r\nContent-Length: %zu\r\n",
				  body->content_type, body->len);
	doppel_buf_printf(&request, "\r\n");
	if (body)
		doppel_buf_add(&request, body->data, body->len);
	return request.failed ? -ENOMEM : send_all(fd, request.data, request.len);
}

/* So that recv() does not wait any longer; 0 or -EAGAIN. */
static int keep_deadline(const struct reply_source *from)
{
	const int64_t left = from->deadline_ms - doppel_clock_mono_ms(&doppel_clock);
	const struct timeval wait = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };

	if (!from->deadline_ms)
		return 0;
	if (left <= 0)
		return -EAGAIN;
	return setsockopt(from->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ? -errno : 0;
}

/* Add what has come: 1, or 0 at the end, or a negative errno. */
static int receive_some(const struct reply_source *from, struct buf *buf)
{
	char block[16384];
	ssize_t len;
	int err;

	do {
		err = keep_deadline(from);
		if (err)
			return err;
		len = recv(from->fd, block, sizeof(block), 0);
	} while (len < 0 && errno == EINTR);
	if (len <= 0)
		return len ? -errno : 0;
	if (buf->len + (size_t)len > from->max)
		return -EMSGSIZE;
	return doppel_buf_add(buf, block, (size_t)len) ? -ENOMEM : 1;
}

/* Read up to the end of the head, and take it off. */
static int receive_head(const struct reply_source *from, struct buf *buf, unsigned int *status)
{
	const char *end;
	int err;

	while (!buf->data || !(end = strstr(buf->data, "\r\n\r\n"))) {
		if (buf->len > HEAD_MAX)
			return -EMSGSIZE;
		err = receive_some(from, buf);
		if (err <= 0)
			return err ? err : -ECONNRESET;
	}
	if (sscanf(buf->data, "HTTP/1.%*c %u", status) != 1)
		return -EPROTO;
	doppel_buf_consume(buf, (size_t)(end + 4 - buf->data));
	return 0;
}

/* All that the other end sends. */
static int receive_reply(const struct reply_source *from, unsigned int *status, struct buf *reply)
{
	int err = receive_head(from, reply, status);

	if (err)
		return err;
	do
		err = receive_some(from, reply);
	while (err > 0);
	return err;
}

int doppel_client_exchange(const char *socket, const char *method, const char *path,
			   const struct client_body *body, unsigned int *status, struct buf *reply)
{
	auto_close int fd = connect_to(socket);
	int err;

	if (fd < 0)
		return fd;
	err = send_request(fd, method, path, body);
	return err ? err : receive_reply(&(struct reply_source){ fd, REPLY_MAX, 0 }, status, reply);
}

#define URL_SCHEME "http://"
#define URL_PORT "80"

struct url_parts {
	char host[256], port[6];
};

static bool split_url(const char *url, struct url_parts *parts)
{
	int used = 0;

	if (strncmp(url, URL_SCHEME, strlen(URL_SCHEME)))
		return false;
	url += strlen(URL_SCHEME);
	strcpy(parts->port, URL_PORT);
	/* %n is set when all before it was there. */
	if ((sscanf(url, "[%255[0-9a-fA-F:.%]]%n", parts->host, &used) != 1 || !used) &&
	    sscanf(url, "%255[0-9A-Za-z._-]%n", parts->host, &used) != 1)
		return false;
	url += used;
	if (*url == ':') {
		if (sscanf(++url, "%5[0-9]", parts->port) != 1 || atoi(parts->port) < 1 ||
		    atoi(parts->port) > UINT16_MAX)
			return false;
		url += strlen(parts->port);
	}
	return !*url || !strcmp(url, "/");
}

bool doppel_client_is_url(const char *url)
{
	struct url_parts parts;

	return split_url(url, &parts);
}

/* The first address that lets itself be connected to. */
static int connect_url(const struct url_parts *parts)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	const struct timeval connecting = { .tv_sec = 5 };
	struct addrinfo *list;
	int fd = -1, err = -EHOSTUNREACH;

	if (getaddrinfo(parts->host, parts->port, &hints, &list))
		return err;
	for (const struct addrinfo *one = list; one && fd < 0; one = one->ai_next) {
		fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		/* SO_SNDTIMEO bounds connect() too: socket(7). */
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &connecting, sizeof(connecting));
		if (connect(fd, one->ai_addr, one->ai_addrlen)) {
			err = -errno;
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd < 0 ? err : fd;
}

int doppel_client_ask(const struct client_url *url, const char *method, const char *path,
		      unsigned int patience_s, unsigned int *status, struct buf *reply)
{
	struct url_parts parts;
	auto_close int fd = split_url(url->url, &parts) ? connect_url(&parts) : -EINVAL;
	auto_buf struct buf request = {};
	int err;

	if (fd < 0)
		return fd;
	doppel_buf_printf(&request, "%s %s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
			  method, path, parts.host, url->token);
	err = request.failed ? -ENOMEM : send_all(fd, request.data, request.len);
	if (request.data)
		explicit_bzero(request.data, request.len);
	if (err)
		return err;
	return receive_reply(&(struct reply_source){
		fd, ASKED_REPLY_MAX, doppel_clock_mono_ms(&doppel_clock) + patience_s * 1000,
	}, status, reply);
}

int doppel_client_request(const char *socket, const char *method, const char *path,
			  const json_t *body, unsigned int *status, json_t **reply)
{
	auto_free char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	const struct client_body json = { "application/json", text, text ? strlen(text) : 0 };
	auto_buf struct buf buf = {};
	int err;

	*reply = NULL;
	err = doppel_client_exchange(socket, method, path, text ? &json : NULL, status, &buf);
	if (!err)
		*reply = json_loadb(buf.data, buf.len, 0, NULL);
	return err;
}

void doppel_client_error(const struct cli *cli, int err)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		doppel_cli_error(cli, "no agent answers at %s; start it with: doppel agent -c %s",
				 cli->socket, cli->config);
	else if (err == -EACCES)
		doppel_cli_error(cli, "%s: only root may ask the agent; use sudo", cli->socket);
	else
		doppel_cli_error(cli, "%s: %s", cli->socket, strerror(-err));
}

json_t *doppel_client_check(const struct cli *cli, unsigned int status, json_t *reply)
{
	if (status < 300 && reply)
		return reply;
	if (*doppel_cli_string(reply, "error"))
		doppel_cli_error(cli, "%s", doppel_cli_string(reply, "error"));
	else
		doppel_cli_error(cli, "the agent answered with status %u", status);
	json_decref(reply);
	return NULL;
}

json_t *doppel_client_send(const struct cli *cli, const char *method, const char *path,
			   const struct client_body *body)
{
	auto_buf struct buf reply = {};
	unsigned int status;
	int err = doppel_client_exchange(cli->socket, method, path, body, &status, &reply);

	if (err) {
		doppel_client_error(cli, err);
		return NULL;
	}
	return doppel_client_check(cli, status, json_loadb(reply.data, reply.len, 0, NULL));
}

json_t *doppel_client_call(const struct cli *cli, const char *method, const char *path,
			   const json_t *body)
{
	unsigned int status;
	json_t *reply;
	int err = doppel_client_request(cli->socket, method, path, body, &status, &reply);

	if (err) {
		doppel_client_error(cli, err);
		return NULL;
	}
	return doppel_client_check(cli, status, reply);
}

bool doppel_client_fetch(const struct cli *cli, const char *path, struct buf *reply)
{
	unsigned int status;
	int err = doppel_client_exchange(cli->socket, "GET", path, NULL, &status, reply);

	if (err)
		doppel_client_error(cli, err);
	else if (status >= 300)
		doppel_client_check(cli, status, json_loadb(reply->data, reply->len, 0, NULL));
	return !err && status < 300;
}

int doppel_client_probe(const struct sockaddr *addr, socklen_t len, const char *token,
			unsigned int *status)
{
	const struct timeval patience = { .tv_sec = 3 };
	auto_close int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_buf struct buf request = {}, reply = {};
	int err;

	if (fd < 0)
		return -errno;
	/* SO_SNDTIMEO bounds connect() too: socket(7). */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, addr, len))
		return -errno;
	doppel_buf_printf(&request, "GET /health HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n",
			  token);
	if (request.failed)
		return -ENOMEM;
	err = send_all(fd, request.data, request.len);
	return err ? err : receive_head(&(struct reply_source){ fd, HEAD_MAX, 0 }, &reply, status);
}

/* Hand over the whole lines in buf, and take them off. */
static int hand_over(struct buf *buf, int (*cb)(const char *line, void *ctx), void *ctx)
{
	char *end;

	while (buf->len && (end = memchr(buf->data, '\n', buf->len))) {
		int err;

		*end = '\0';
		err = end > buf->data ? cb(buf->data, ctx) : 0;
		doppel_buf_consume(buf, (size_t)(end + 1 - buf->data));
		if (err)
			return err;
	}
	return 0;
}

int doppel_client_lines(const struct cli *cli, const char *path,
			int (*cb)(const char *line, void *ctx), void *ctx)
{
	auto_buf struct buf buf = {};
	auto_close int fd = connect_to(cli->socket);
	const struct reply_source from = { fd, REPLY_MAX, 0 };
	unsigned int status = 0;
	int err = fd < 0 ? fd : send_request(fd, "GET", path, NULL);

	if (!err)
		err = receive_head(&from, &buf, &status);
	if (!err && status != 200)
		err = -EPROTO;
	if (err)
		return err;
	do {
		err = hand_over(&buf, cb, ctx);
		if (err)
			return err;
		err = receive_some(&from, &buf);
	} while (err > 0);
	return err;
}
