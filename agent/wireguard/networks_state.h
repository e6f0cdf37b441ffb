/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the networks at work share and nobody else sees:
 *
 *	networks.c		what is wanted, and how it changes
 *	networks_keep.c		what is kept of it in the store
 *	networks_realize.c	the parts, and time
 */
#ifndef DOPPEL_WIREGUARD_NETWORKS_STATE_H
#define DOPPEL_WIREGUARD_NETWORKS_STATE_H

#include <ev.h>

#include "wireguard/networks.h"

struct wg_part_state {
	struct wg_part part;
	int err;
	struct doppel_error error;	/* of the last try */
};

/* What is wanted, and what it led to. */
struct wg_wanted {
	json_t *words;
	size_t owned;			/* the first so many networks are the agent's own file's */
	bool owns_firewall;		/* and `firewall` is */
	struct wg_document *document;
	struct wg_site *site;
};

struct wg_networks {
	struct ev_loop *loop;
	ev_timer timer;
	struct store *store;
	struct clock *clock;
	struct rng *rng;
	const struct wg_devices *devices;
	bool alone;
	bool any;			/* there is a network, or there was one in this life */
	struct wg_part_state *parts;
	size_t part_count;
	struct list listeners;

	struct wg_wanted now;
	const json_t *begun;		/* at the start: what was applied before */
	json_t *left_out;		/* applied networks that do not go with the rest */
	struct wg_kept kept;		/* as the store has it */
	unsigned int losses;		/* the store's, when all of it was put last */
	int64_t seen_s;			/* a clock that was never set is not believed to be earlier */

	/* Monotonic milliseconds */
	int64_t tick_at;
	int64_t retry_at;		/* NEVER: no part failed */
	int64_t delay_ms;		/* before the next retry */
};

#define NEVER INT64_MAX

void doppel_wg_wanted_free(struct wg_wanted *wanted);
int64_t doppel_wg_networks_wall(const struct wg_networks *networks);

/* networks_keep.c */
/* What was applied, as {"firewall", "networks"}, and what peers were given. 0 or a negative errno. */
int doppel_wg_keep_load(struct wg_networks *networks, json_t **words);
/* All that differs from what is kept, in one transaction. 0, or a negative errno: nothing is changed. */
int doppel_wg_keep_save(struct wg_networks *networks, const struct wg_wanted *wanted);
/* The store lost content: put it again. */
void doppel_wg_keep_check(struct wg_networks *networks);

/* networks_realize.c */
/* After a change, or to look after what is there. */
void doppel_wg_realize(struct wg_networks *networks);
void doppel_wg_realize_begin(struct wg_networks *networks);
/* The timer is for what is next. */
void doppel_wg_realize_arm(struct wg_networks *networks);
void doppel_wg_emit(struct wg_networks *networks, struct wg_event *event);

#endif
