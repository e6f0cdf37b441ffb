/* SPDX-License-Identifier: GPL-2.0-only */
/* A site of WireGuard networks out of a text, the same each time: keys are made of a counter. */
#ifndef DOPPEL_TESTS_WG_WORLD_H
#define DOPPEL_TESTS_WG_WORLD_H

#include <stdlib.h>

#include "base/rand.h"
#include "base/yaml.h"
#include "tap.h"
#include "wireguard/assignment.h"
#include "wireguard/document.h"

#define WG_WORLD_NOW 1790000000		/* 2026-09-21 */

struct wg_world {
	struct wg_document *document;
	struct wg_site *site;
};

static uint32_t wg_world_count;

static inline uint32_t wg_world_below(struct rng *rng, uint32_t n)
{
	(void)rng;
	wg_world_count++;
	return n ? wg_world_count % n : wg_world_count;
}

static inline void wg_world_end(struct wg_world *world)
{
	doppel_wg_site_free(world->site);
	doppel_wg_document_free(world->document);
}

/* 0 and the document, the caller's; or a negative errno and why. */
static inline int wg_world_read(const char *text, const struct wg_devices *devices,
				struct wg_document **document, struct doppel_error *error)
{
	struct yaml auto_yaml *yaml = NULL;
	int err = doppel_yaml_parse("x.yaml", text, strlen(text), &yaml, error);

	return err ? err : doppel_wg_document_read(yaml->root, devices, document, error);
}

/* What all peers were given, as the store keeps it; who is kept already stays as it is. */
static inline void wg_world_keep(const struct wg_site *site, struct wg_kept *kept)
{
	size_t i, j;

	for (i = 0; i < site->network_count; i++) {
		const struct wg_network *network = site->networks[i].network;

		for (j = 0; j < network->peer_count; j++) {
			const struct wg_member *one = &site->networks[i].members[j];
			struct wg_kept_peer *peer = doppel_wg_kept_add(kept, network->name,
								       one->peer->name);

			if (peer)
				doppel_wg_kept_give(peer, one);
		}
	}
}

/* The test ends where that is none. */
static inline struct wg_world wg_world(const char *text)
{
	struct rng rng = { .below = wg_world_below };
	struct wg_world world = { 0 };
	struct doppel_error error = { 0 };

	wg_world_count = 0;
	if (wg_world_read(text, NULL, &world.document, &error) ||
	    doppel_wg_assign(world.document, NULL, WG_WORLD_NOW, &rng, &world.site, &error)) {
		diag("%s", error.text);
		abort();
	}
	return world;
}

#endif
