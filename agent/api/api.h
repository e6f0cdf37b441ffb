/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent's HTTP API, on its unix socket and where the file says. */
#ifndef DOPPEL_API_API_H
#define DOPPEL_API_API_H

#include "base/error.h"

struct api;
struct clock;
struct config;
struct ev_loop;
struct gateway;
struct wg_kernel;
struct wg_lan;
struct wg_networks;

struct api_env {
	struct ev_loop *loop;
	struct gateway *gateway; /* NULL: this box has none */
	struct wg_networks *networks; /* NULL: none, either */
	const struct wg_kernel *kernel; /* whom to ask what is live in networks; NULL: nobody */
	const struct wg_lan *lan; /* where LAN devices are that rules name; NULL: nobody knows */
	struct clock *clock;
	const char *socket;	 /* path of the unix socket */
	const char *config_file; /* absolute, for who asks which it is */
};

/* 0, or a negative errno and a line in error. What env points to outlives the API. */
int doppel_api_new(const struct api_env *env, const struct config *config, struct api **api,
		   struct doppel_error *error);
/* Listen where the new file says. On an error the old listener is still there. */
int doppel_api_reload(struct api *api, const struct config *config, struct doppel_error *error);
/* Closes all connections and removes the unix socket. */
void doppel_api_free(struct api *api);

#endif
