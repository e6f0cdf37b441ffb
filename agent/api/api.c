// SPDX-License-Identifier: GPL-2.0-only
#include "api/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/http.h"
#include "api/token.h"
#include "gateway/config.h"

struct api {
	struct api_context context;
	char *socket;
	struct http_listener *local;
	/* Where the file says, or NULL. */
	struct http_listener *remote;
	char *token;
	struct sockaddr_storage listen;
	socklen_t listen_len;
};

static int serve(struct api *api, int fd, const char *token, struct http_listener **listener)
{
	struct http_handler handler = {
		.handle = doppel_api_route,
		.ctx = &api->context,
		.token = token,
		.open = API_JOIN_PATH,
	};

	return doppel_http_listen(api->context.loop, fd, &handler, listener);
}

static void close_remote(struct api *api)
{
	/* Its event streams end; those of the unix socket come again by themselves. */
	doppel_api_events_end(&api->context);
	doppel_api_joins_end(&api->context);
	doppel_http_close(api->remote);
	free(api->token);
	api->remote = NULL;
	api->token = NULL;
	api->listen_len = 0;
}

static bool same_address(const struct api *api, const struct config *config)
{
	return api->listen_len == config->api.listen_len &&
	       !memcmp(&api->listen, &config->api.listen, api->listen_len);
}

static int open_remote(struct api *api, const struct config *config, struct doppel_error *error)
{
	const struct sockaddr *addr = (const struct sockaddr *)&config->api.listen;
	char *token;
	int fd, err;

	err = doppel_token_load(config->api.token_file, &token, error);
	if (err)
		return err;
	if (api->remote && same_address(api, config)) {
		if (!strcmp(token, api->token)) {
			free(token);
			return 0;
		}
		/* Only one can listen there. */
		close_remote(api);
	}
	fd = doppel_http_tcp_socket(addr, config->api.listen_len, error);
	if (fd < 0) {
		free(token);
		return fd;
	}
	close_remote(api);
	err = serve(api, fd, token, &api->remote);
	if (err) {
		free(token);
		doppel_error_add(error, "api.listen: %s", strerror(-err));
		return err;
	}
	api->token = token;
	api->listen = config->api.listen;
	api->listen_len = config->api.listen_len;
	return 0;
}

int doppel_api_reload(struct api *api, const struct config *config, struct doppel_error *error)
{
	if (config->api.on)
		return open_remote(api, config, error);
	if (api->remote)
		close_remote(api);
	return 0;
}

int doppel_api_new(const struct api_env *env, const struct config *config, struct api **api,
		   struct doppel_error *error)
{
	struct api *self = calloc(1, sizeof(*self));
	int fd, err;

	if (!self)
		return -ENOMEM;
	self->context = (struct api_context){
		.gateway = env->gateway,
		.networks = env->networks,
		.kernel = env->kernel,
		.lan = env->lan,
		.clock = env->clock,
		.loop = env->loop,
		.config_file = env->config_file,
	};
	doppel_list_init(&self->context.streams);
	doppel_list_init(&self->context.joins);
	fd = doppel_http_unix_socket(env->socket, error);
	err = fd < 0 ? fd : serve(self, fd, NULL, &self->local);
	if (!err) {
		self->socket = strdup(env->socket);
		err = self->socket ? doppel_api_reload(self, config, error) : -ENOMEM;
	}
	if (err)
		doppel_api_free(self);
	else
		*api = self;
	return err;
}

void doppel_api_free(struct api *api)
{
	if (!api)
		return;
	close_remote(api);
	doppel_http_close(api->local);
	if (api->socket)
		unlink(api->socket);
	free(api->socket);
	free(api);
}
