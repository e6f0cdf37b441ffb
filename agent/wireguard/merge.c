// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wireguard/model.h"
#include "wireguard/owners.h"
#include "wireguard/words.h"

void doppel_wg_merge_free(struct wg_merge *merge)
{
	size_t i;

	for (i = 0; i < merge->count; i++) {
		free(merge->made[i]->children);
		free(merge->made[i]);
	}
	free(merge->made);
	merge->made = NULL;
	merge->count = 0;
}

static void fail(struct wg_merge *merge, int err)
{
	if (!merge->err)
		merge->err = err;
}

static bool keep(struct wg_merge *merge, struct yaml_node *node)
{
	struct yaml_node **made = reallocarray(merge->made, merge->count + 1, sizeof(*made));

	if (!made)
		return false;
	merge->made = made;
	made[merge->count++] = node;
	return true;
}

/* The same in the same place, without its children; with room for so many. NULL after an error. */
static struct yaml_node *like(struct wg_merge *merge, const struct yaml_node *node, size_t room)
{
	struct yaml_node *made = malloc(sizeof(*made));

	if (made) {
		*made = *node;
		made->count = 0;
		made->children = calloc(room + 1, sizeof(*made->children));
	}
	if (made && made->children && keep(merge, made))
		return made;
	if (made)
		free(made->children);
	free(made);
	fail(merge, -ENOMEM);
	return NULL;
}

static void add(struct yaml_node *node, const struct yaml_node *child)
{
	node->children[node->count++] = (struct yaml_node *)child;
}

/* NULL: it has none that can be a name. */
static const char *name_of(const struct yaml_node *item)
{
	const struct yaml_node *node = item->kind == DOPPEL_YAML_MAP ? doppel_yaml_get(item, "name") :
								       NULL;

	return node && node->kind == DOPPEL_YAML_SCALAR && strlen(node->text) <= WG_NAME_MAX ?
		node->text : NULL;
}

/* The items of a list by their names, the first of each. */
static int index_items(struct wg_owners *names, const struct yaml_node *list)
{
	const void *first;
	size_t i;
	int err = doppel_wg_owners_init_names(names, list->count);

	for (i = 0; !err && i < list->count; i++) {
		const char *name = name_of(list->children[i]);

		if (name && doppel_wg_owners_claim_name(names, name, list->children[i], &first) == -ENOMEM)
			err = -ENOMEM;
	}
	return err;
}

static const struct yaml_node *find(const struct wg_owners *names, const struct yaml_node *item)
{
	const char *name = name_of(item);

	return name ? doppel_wg_owners_find_name(names, name) : NULL;
}

/* A list of things with names: by its key, and such lists in each of them; ends with a NULL key. */
struct named_list {
	const char *key;
	const struct named_list *within;	/* NULL: none */
};

static const struct named_list route_lists[] = { { "dns", NULL }, {} };
static const struct named_list network_lists[] = {
	{ "peers", NULL }, { "groups", NULL }, { "policies", NULL }, { "routes", route_lists }, {},
};

static const struct yaml_node *merge_map(struct wg_merge *merge, const struct yaml_node *there,
					 const struct yaml_node *file,
					 const struct named_list *lists);

static void merge_items(struct wg_merge *merge, const struct yaml_node *there,
			const struct yaml_node *file, const struct named_list *within,
			struct yaml_node *merged)
{
	auto_wg_owners struct wg_owners old, new;
	int err = index_items(&old, there);
	size_t i;

	err |= index_items(&new, file);
	if (err) {
		fail(merge, -ENOMEM);
		return;
	}
	for (i = 0; i < there->count; i++) {
		const struct yaml_node *item = there->children[i], *other = find(&new, item);

		if (other && within)
			add(merged, merge_map(merge, item, other, within));
		else
			add(merged, other ? other : item);
	}
	for (i = 0; i < file->count; i++) {
		const struct yaml_node *item = file->children[i];

		/* One that is there twice is left to the reader. */
		if (!find(&old, item) || find(&new, item) != item)
			add(merged, item);
	}
}

static const struct yaml_node *merge_list(struct wg_merge *merge, const struct yaml_node *there,
					  const struct yaml_node *file,
					  const struct named_list *within)
{
	struct yaml_node *merged;

	if (file->kind != DOPPEL_YAML_LIST || merge->prune)
		return file;
	merged = like(merge, file, there->count + file->count);
	if (!merged)
		return file;
	merge_items(merge, there, file, within, merged);
	return merged;
}

/* The file's map, with those of its lists merged that have names in them. */
static const struct yaml_node *merge_map(struct wg_merge *merge, const struct yaml_node *there,
					 const struct yaml_node *file,
					 const struct named_list *lists)
{
	struct yaml_node *merged = like(merge, file, there->count + file->count);
	size_t i, j;

	if (!merged)
		return file;
	for (i = 0; i < file->count; i++) {
		const struct yaml_node *child = file->children[i];
		const struct yaml_node *old = doppel_yaml_get(there, child->key);

		for (j = 0; old && lists[j].key; j++)
			if (!strcmp(lists[j].key, child->key))
				child = merge_list(merge, old, child, lists[j].within);
		add(merged, child);
	}
	for (j = 0; !merge->prune && lists[j].key; j++) {
		const struct yaml_node *old = doppel_yaml_get(there, lists[j].key);

		if (old && !doppel_yaml_get(file, lists[j].key))
			add(merged, old);
	}
	return merged;
}

static void check_same(struct wg_merge *merge, const struct yaml_node *there,
		       const struct yaml_node *file)
{
	json_t *old = doppel_wg_words(there), *new = doppel_wg_words(file);

	if (!old || !new) {
		fail(merge, -ENOMEM);
	} else if (!json_equal(old, new)) {
		doppel_yaml_error(merge->error, file,
				  "is the agent's own file's; change it there, and reload the agent");
		fail(merge, -EPERM);
	}
	json_decref(old);
	json_decref(new);
}

static void merge_networks(struct wg_merge *merge, const struct yaml_node *there,
			   const struct yaml_node *file, struct yaml_node *merged)
{
	auto_wg_owners struct wg_owners old, new;
	int err = index_items(&old, there);
	size_t i;

	err |= index_items(&new, file);
	if (err) {
		fail(merge, -ENOMEM);
		return;
	}
	for (i = 0; i < there->count; i++) {
		const struct yaml_node *item = there->children[i], *other = find(&new, item);

		if (i < merge->owned && other)
			check_same(merge, item, other);
		if (i < merge->owned || (!other && !merge->prune))
			add(merged, item);
		else if (other)
			add(merged, merge_map(merge, item, other, network_lists));
	}
	for (i = 0; i < file->count; i++) {
		const struct yaml_node *item = file->children[i];

		if (!find(&old, item) || find(&new, item) != item)
			add(merged, item);
	}
}

static const struct yaml_node *merge_firewall(struct wg_merge *merge, const struct yaml_node *there,
					      const struct yaml_node *file)
{
	if (merge->owns_firewall && there && file)
		check_same(merge, there, file);
	return file || (merge->prune && !merge->owns_firewall) ? file : there;
}

int doppel_wg_merge(struct wg_merge *merge, const struct yaml_node *there,
		    const struct yaml_node *file, const struct yaml_node **merged)
{
	const struct yaml_node *old = doppel_yaml_get(there, "networks"), *new, *firewall;
	struct yaml_node *section, *networks;
	size_t i;

	*merged = file;
	if (file->kind != DOPPEL_YAML_MAP)
		return 0;
	new = doppel_yaml_get(file, "networks");
	if (new && new->kind != DOPPEL_YAML_LIST)
		return 0;
	section = like(merge, file, file->count + 2);
	networks = like(merge, new ? new : old, old->count + (new ? new->count : 0));
	if (!section || !networks)
		return merge->err;
	firewall = merge_firewall(merge, doppel_yaml_get(there, "firewall"),
				  doppel_yaml_get(file, "firewall"));
	if (firewall)
		add(section, firewall);
	for (i = 0; i < file->count; i++)
		if (strcmp(file->children[i]->key, "firewall") && file->children[i] != new)
			add(section, file->children[i]);
	add(section, networks);
	merge_networks(merge, old, new ? new : &(struct yaml_node){ .kind = DOPPEL_YAML_LIST },
		       networks);
	*merged = section;
	return merge->err;
}
