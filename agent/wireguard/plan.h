/* SPDX-License-Identifier: GPL-2.0-only */
/* What a change changes: of what is wanted, and of what is given out for it. */
#ifndef DOPPEL_WIREGUARD_PLAN_H
#define DOPPEL_WIREGUARD_PLAN_H

#include <jansson.h>

#include "base/buf.h"
#include "wireguard/assignment.h"
#include "wireguard/edit.h"

enum wg_action {
	WG_ADDED,
	WG_REMOVED,
	WG_CHANGED,
	WG_OUTDATED,			/* a peer whose owner has to get its file anew */
};

struct wg_change {
	enum wg_action action;
	enum wg_object object;
	char *network;			/* NULL: it is the firewall, of all of them */
	char *route;			/* of a mapping, else NULL */
	char *name;			/* NULL: the network itself */
	char *key;			/* of WG_CHANGED: in the words of the YAML */
	char *from, *to;		/* as YAML; NULL: not there, or secret */
};

struct wg_plan {
	struct wg_change *changes;	/* network by network */
	size_t count, room;
	bool no_memory;
};

/* One side: the words, a document's, and the site that they led to. */
struct wg_side {
	const json_t *words;
	const struct wg_site *site;
};

/* From one to the other. 0 and a plan that the caller frees; -ENOMEM. */
int doppel_wg_plan(const struct wg_side *from, const struct wg_side *to, struct wg_plan **plan);
void doppel_wg_plan_free(struct wg_plan *plan);
void doppel_wg_plan_cleanup(struct wg_plan **plan);

#define auto_wg_plan __attribute__((cleanup(doppel_wg_plan_cleanup)))

/*
 * A family that a static peer has, one that fetches no file by itself, cannot be taken from its network
 * while it is there. @to are words that nobody has read yet. 0, or -EBUSY with a line in @error: the network
 * and who is in the way.
 */
int doppel_wg_plan_check_modes(const struct wg_site *from, const json_t *to,
			       struct doppel_error *error);

/* A line for each change. 0 or -ENOMEM. */
int doppel_wg_plan_text(const struct wg_plan *plan, struct buf *text);
/*
 * {"action": "added" | "removed" | "changed" | "outdated", "object", "network", "route", "name", "key",
 * "from", "to"}, with what it has of them. The caller's; NULL for want of memory.
 */
json_t *doppel_wg_change_json(const struct wg_change *change);

#endif
