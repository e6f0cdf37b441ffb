/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file onto what is there: each thing with a name in it takes the place of the one of that name, and
 * what it lacks stays, or goes. The result is a tree of both's nodes, so that whoever finds fault with
 * one can say where it stands.
 */
#ifndef DOPPEL_WIREGUARD_MERGE_H
#define DOPPEL_WIREGUARD_MERGE_H

#include "base/yaml.h"

struct wg_merge {
	bool prune;			/* what the file lacks goes */
	size_t owned;			/* the first so many networks are the agent's own file's */
	bool owns_firewall;		/* and `firewall` is */
	struct doppel_error *error;
	int err;			/* the first */
	struct yaml_node **made;	/* nodes that are of neither */
	size_t count;
};

/*
 * Both are sections; what is there has no faults. 0 and the merged section, which is good until
 * doppel_wg_merge_free() and as long as both are; -EPERM with lines in the error for what is the
 * agent's own file's and would change; -ENOMEM. What is no section at all is given back as it is.
 */
int doppel_wg_merge(struct wg_merge *merge, const struct yaml_node *there,
		    const struct yaml_node *file, const struct yaml_node **merged);
void doppel_wg_merge_free(struct wg_merge *merge);

#define auto_wg_merge __attribute__((cleanup(doppel_wg_merge_free)))

#endif
