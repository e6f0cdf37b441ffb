/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The box's WireGuard networks at work: those of the agent's own file and those that were applied,
 * checked as one document, given addresses and keys, kept in the store, and then made real by the
 * parts: firewall, kernel, names. The store comes first: what a crash leaves undone of the rest the
 * next start does.
 *
 * Refusals are negative errnos with lines in the error, and nothing is changed:
 *	-EINVAL		bad input (the API's 400)
 *	-ENOENT		no such network, peer, … (404)
 *	-EEXIST, -EPERM, -EBUSY	it is there, the agent's own file's, or in use or in the way (409)
 *	-ENOSPC		a prefix is used up (507)
 * Others are the system's: no memory, or the store.
 */
#ifndef DOPPEL_WIREGUARD_NETWORKS_H
#define DOPPEL_WIREGUARD_NETWORKS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/yaml.h"
#include "wireguard/assignment.h"
#include "wireguard/document.h"
#include "wireguard/edit.h"
#include "wireguard/plan.h"

struct clock;
struct ev_loop;
struct rng;
struct store;
struct wg_networks;

/*
 * Who makes a site real, all of it at each call: only what differs is touched, and nothing of the site is held
 * afterwards. 0, or a negative errno and lines in @error; it is called again.
 */
struct wg_part {
	const char *name;		/* "firewall", "kernel", "names" */
	int (*apply)(void *ctx, const struct wg_site *site, struct doppel_error *error);
	void *ctx;
	bool guard;			/* those after it wait until it has done its work */
};

struct wg_networks_env {
	struct ev_loop *loop;		/* NULL: the owner sees to doppel_wg_networks_timeout() */
	struct store *store;
	struct clock *clock;
	struct rng *rng;
	const struct wg_devices *devices;	/* NULL: LAN devices are named by MAC only */
	const struct wg_part *parts;	/* in the order in which things are set up; copied */
	size_t part_count;
	bool alone;			/* nobody else sees to it that the store is written again after a failure */
};

/*
 * Begin with the file's `wireguard:` section (NULL: none) and what was applied before. Of that what does
 * not go with the file any more is left out, with a line in the log, until it is applied again. A part
 * that fails is tried again, and does not fail this.
 */
int doppel_wg_networks_new(const struct wg_networks_env *env, const struct yaml_node *section,
			   struct wg_networks **networks, struct doppel_error *error);
/* What is real stays so. NULL is fine. */
void doppel_wg_networks_free(struct wg_networks *networks);

/* The agent's own file was read again. A network of its that was applied before is the file's now. */
int doppel_wg_networks_reload(struct wg_networks *networks, const struct yaml_node *section,
			      struct doppel_error *error);

struct wg_request {
	const char *file;		/* what messages begin with */
	const char *text;		/* YAML or JSON: {firewall, networks} */
	size_t len;
	bool prune;			/* what was applied before and is not in it goes */
	bool dry_run;			/* only plan */
	const struct wg_kept *given;	/* keys and addresses that were made elsewhere; NULL: none */
};

/* What it changes is in *plan, the caller's; no changes is fine. */
int doppel_wg_networks_apply(struct wg_networks *networks, const struct wg_request *request,
			     struct wg_plan **plan, struct doppel_error *error);
int doppel_wg_networks_edit(struct wg_networks *networks, const struct wg_edit *edit, bool dry_run,
			    struct wg_plan **plan, struct doppel_error *error);

/* YAML that, applied, changes nothing; of one network, or of all (NULL). -ENOENT. */
int doppel_wg_networks_export(const struct wg_networks *networks, const char *network,
			      struct buf *text, struct doppel_error *error);

/* Good until the next change or expiry: not longer than the event at hand. */
const struct wg_site *doppel_wg_networks_site(const struct wg_networks *networks);
/* {"networks": […]}, what is wanted in the words of the YAML. */
const json_t *doppel_wg_networks_words(const struct wg_networks *networks);
/* Whether it is the agent's own file's. */
bool doppel_wg_networks_owned(const struct wg_networks *networks, const char *network);

/* The peer's owner was given the file of that hash (wireguard/quick.h). -ENOENT. */
int doppel_wg_networks_handed_out(struct wg_networks *networks, const char *network,
				  const char *peer, const char *hash);
/* Its owner has a file that is not the one that it would be given now. */
bool doppel_wg_networks_outdated(const struct wg_networks *networks,
				 const struct wg_assignment *network,
				 const struct wg_member *member);

/* Somebody else changed what was made real: all of it is looked at soon. */
void doppel_wg_networks_refresh(struct wg_networks *networks);

/*
 * Joining: a peer's agent shows a token, of which only a hash is kept. token: it is the peer's from now on,
 * in place of an older one. -ENOENT.
 */
int doppel_wg_networks_token(struct wg_networks *networks, const char *network, const char *peer,
			     const char *token);
/*
 * The peer whose agent shows the token, with its network; both are good as long as the site. 0, -EACCES: it is
 * nobody's; -EBUSY: its network is one that the agent had to leave out when it started.
 */
int doppel_wg_networks_bearer(const struct wg_networks *networks, const char *token,
			      const struct wg_assignment **network,
			      const struct wg_member **member);
/*
 * The peer's host made its keys: what was made for it here is forgotten. -EPERM: the networks' document
 * names another one.
 */
int doppel_wg_networks_public_key(struct wg_networks *networks, const char *network,
				  const char *peer, const uint8_t key[WG_KEY_LEN],
				  struct doppel_error *error);

/* LAN devices came, went or have other addresses: rules that name some are applied again soon. */
void doppel_wg_networks_devices_changed(struct wg_networks *networks);

struct wg_part_view {
	const char *name;
	bool good;
	const char *problem;		/* lines; "" when good */
	int64_t next_try;		/* seconds since the epoch; 0: none planned */
};

/* Callbacks: non-zero ends the walk and is its result. */
int doppel_wg_networks_foreach_part(const struct wg_networks *networks,
				    int (*cb)(const struct wg_part_view *part, void *ctx), void *ctx);

enum wg_event_kind {
	WG_EVENT_CHANGED,		/* by a plan */
	WG_EVENT_EXPIRED,		/* a peer; or its time was put off, with the clock */
	WG_EVENT_PART,			/* one failed, or is good again */
};

struct wg_event {
	enum wg_event_kind kind;
	int64_t at;			/* seconds since the epoch */
	const struct wg_plan *plan;	/* of WG_EVENT_CHANGED */
	const char *network, *peer;	/* of WG_EVENT_EXPIRED */
	const char *text;		/* for people */
};

/* Who listens: the caller owns it and takes it off before freeing it. */
struct wg_listener {
	struct list link;
	void (*event)(struct wg_listener *listener, const struct wg_event *event);
};

void doppel_wg_networks_listen(struct wg_networks *networks, struct wg_listener *listener);
void doppel_wg_networks_unlisten(struct wg_listener *listener);

/* Do what is due, and when that will be next, in monotonic milliseconds. */
void doppel_wg_networks_timeout(struct wg_networks *networks);
int64_t doppel_wg_networks_deadline(const struct wg_networks *networks);

#endif
