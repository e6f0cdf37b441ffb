/* SPDX-License-Identifier: GPL-2.0-only */
/* One thing of what is wanted, added, changed or removed: `doppel peer add …` and its like. */
#ifndef DOPPEL_WIREGUARD_EDIT_H
#define DOPPEL_WIREGUARD_EDIT_H

#include <jansson.h>

#include "base/error.h"

enum wg_object {
	WG_NETWORK,
	WG_PEER,
	WG_GROUP,
	WG_POLICY,
	WG_ROUTE,
	WG_MAPPING,			/* a name in a route's `dns` */
};

enum wg_verb {
	WG_ADD,
	WG_SET,				/* the value's keys; null takes one away */
	WG_REMOVE,
};

struct wg_edit {
	enum wg_verb verb;
	enum wg_object object;
	const char *network;
	const char *route;		/* of a mapping */
	const char *name;		/* of all but a network */
	const char *value;		/* a map in YAML or JSON; NULL: none */
};

/*
 * Edit the words, a document's, of which the first @owned networks are the agent's own file's. 0, or
 * with a line in @error: -EINVAL, the value is no map or renames; -ENOENT, there is no such thing;
 * -EEXIST, there is one; -EPERM, it is the file's; -EBUSY, others refer to it. Then words may be half
 * edited: give a copy. Whether the result makes sense is the reader's to say. A network whose
 * ip_stack_mode loses a family loses that family's prefix, too.
 */
int doppel_wg_edit(json_t *words, size_t owned, const struct wg_edit *edit,
		   struct doppel_error *error);

/* "network", "peer", "group", "policy", "route", "dns" */
const char *doppel_wg_object_name(enum wg_object object);
/* The key of the list that it is in. */
const char *doppel_wg_object_list(enum wg_object object);

#endif
