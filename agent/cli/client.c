// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

#define REPLY_MAX (512u << 20)

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

/* Add what has come: 1, or 0 at the end, or a negative errno. */
static int receive_some(int fd, struct buf *buf)
{
	char block[16384];
	ssize_t len;

	do
		len = recv(fd, block, sizeof(block), 0);
	while (len < 0 && errno == EINTR);
	if (len <= 0)
		return len ? -errno : 0;
	if (buf->len + (size_t)len > REPLY_MAX)
		return -EMSGSIZE;
	return doppel_buf_add(buf, block, (size_t)len) ? -ENOMEM : 1;
}

/* Read up to the end of the head, and take it off. */
static int receive_head(int fd, struct buf *buf, unsigned int *status)
{
	const char *end;
	int err;

	while (!buf->data || !(end = strstr(buf->data, "\r\n\r\n"))) {
		err = receive_some(fd, buf);
		if (err <= 0)
			return err ? err : -ECONNRESET;
	}
	if (sscanf(buf->data, "HTTP/1.%*c %u", status) != 1)
		return -EPROTO;
	doppel_buf_consume(buf, (size_t)(end + 4 - buf->data));
	return 0;
}

int doppel_client_exchange(const char *socket, const char *method, const char *path,
			   const struct client_body *body, unsigned int *status, struct buf *reply)
{
	auto_close int fd = connect_to(socket);
	int err;

	if (fd < 0)
		return fd;
	err = send_request(fd, method, path, body);
	if (!err)
		err = receive_head(fd, reply, status);
	if (err)
		return err;
	do
		err = receive_some(fd, reply);
	while (err > 0);
	return err;
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
	return err ? err : receive_head(fd, &reply, status);
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
	unsigned int status = 0;
	int err = fd < 0 ? fd : send_request(fd, "GET", path, NULL);

	if (!err)
		err = receive_head(fd, &buf, &status);
	if (!err && status != 200)
		err = -EPROTO;
	if (err)
		return err;
	do {
		err = hand_over(&buf, cb, ctx);
		if (err)
			return err;
		err = receive_some(fd, &buf);
	} while (err > 0);
	return err;
}
