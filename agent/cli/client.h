/* SPDX-License-Identifier: GPL-2.0-only */
/* HTTP to the agent, over its unix socket. */
#ifndef DOPPEL_CLI_CLIENT_H
#define DOPPEL_CLI_CLIENT_H

#include <sys/socket.h>

#include "base/buf.h"
#include "cli/cli.h"

/* What goes with a request. */
struct client_body {
	const char *content_type;
	const char *data;
	size_t len;
};

/*
 * One request, with a body or without (NULL). status is the reply's, *reply gets what it has, and is the
 * caller's in any case. 0, or a negative errno: -ECONNREFUSED or -ENOENT when no agent is there.
 */
int doppel_client_exchange(const char *socket, const char *method, const char *path,
			   const struct client_body *body, unsigned int *status, struct buf *reply);

/*
 * The same in JSON. status is the reply's, *reply its JSON or NULL; the caller frees
 * it. 0, or a negative errno: -ECONNREFUSED or -ENOENT when no agent is there.
 */
int doppel_client_request(const char *socket, const char *method, const char *path,
			  const json_t *body, unsigned int *status, json_t **reply);

/*
 * The same for a command that cannot do without the agent: the reply of a
 * success, else NULL with the refusal on stderr.
 */
json_t *doppel_client_call(const struct cli *cli, const char *method, const char *path,
			   const json_t *body);

/* The same with a body that is no JSON, or none (NULL). */
json_t *doppel_client_send(const struct cli *cli, const char *method, const char *path,
			   const struct client_body *body);

/* GET what is no JSON: whether it was a success. */
bool doppel_client_fetch(const struct cli *cli, const char *path, struct buf *reply);

/* The reply if status is a success; else NULL, the refusal on stderr and the reply freed. */
json_t *doppel_client_check(const struct cli *cli, unsigned int status, json_t *reply);

/* GET a reply of lines without end. Ends with the connection, or when cb returns non-zero. */
int doppel_client_lines(const struct cli *cli, const char *path,
			int (*cb)(const char *line, void *ctx), void *ctx);

/*
 * GET /health at an address of the network with that token, for at most a few
 * seconds. The reply's status; 0 or a negative errno.
 */
int doppel_client_probe(const struct sockaddr *addr, socklen_t len, const char *token,
			unsigned int *status);

/* Another gateway's API. */
struct client_url {
	const char *url;		/* http://HOST[:PORT], an IPv6 address bracketed */
	const char *token;
};

/* Whether it is one. */
bool doppel_client_is_url(const char *url);

/*
 * One request there without a body, which may take up to @patience_s seconds. As doppel_client_exchange();
 * -EHOSTUNREACH when the name leads nowhere, -EAGAIN when patience is at its end.
 */
int doppel_client_ask(const struct client_url *url, const char *method, const char *path,
		      unsigned int patience_s, unsigned int *status, struct buf *reply);

/* Nobody answers at the socket: on stderr, with what to do. */
void doppel_client_error(const struct cli *cli, int err);

/* Append text to a path with what may not stand in one escaped. */
void doppel_client_escape(struct buf *path, const char *text);

#endif
