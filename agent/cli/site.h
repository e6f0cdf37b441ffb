/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's WireGuard half, and what joins it to the rest: the firewall, the kernel and the name
 * servers that make its networks real, and the gateway's LAN devices as targets of its rules.
 */
#ifndef DOPPEL_CLI_SITE_H
#define DOPPEL_CLI_SITE_H

#include "gateway/config.h"
#include "wireguard/interfaces.h"
#include "wireguard/networks.h"
#include "wireguard/rules.h"

struct ev_loop;
struct gateway;
struct site;
struct store;

struct site_env {
	struct ev_loop *loop;
	struct store *store;
	struct gateway *gateway;	/* NULL: the box is none */
	const struct config *config;	/* stays the caller's until the next one is taken */
};

/* 0, or a negative errno and lines in @error. What env points to outlives the site. */
int doppel_site_new(const struct site_env *env, struct site **site, struct doppel_error *error);
/* Interfaces and rules stay; the name servers end. NULL is fine. */
void doppel_site_free(struct site *site);

/* Take over a new file. On an error the old one is still in use. */
int doppel_site_reload(struct site *site, const struct config *config, struct doppel_error *error);

/* Back to the file before, when others cannot have the new one: that is in use no more, whatever fails. */
void doppel_site_back(struct site *site, const struct config *config, struct doppel_error *error);

struct wg_networks *doppel_site_networks(struct site *site);
const struct wg_kernel *doppel_site_kernel(const struct site *site);
const struct wg_lan *doppel_site_lan(const struct site *site);

/* The file's section alone. 0, or a negative errno and lines in @error. */
int doppel_site_check(const struct config *config, struct doppel_error *error);

#endif
