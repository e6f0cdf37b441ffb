// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/edit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/yaml.h"
#include "base/yaml_value.h"
#include "wireguard/words.h"

const char *doppel_wg_object_name(enum wg_object object)
{
	static const char *const names[] = {
		[WG_NETWORK] = "network", [WG_PEER] = "peer", [WG_GROUP] = "group",
		[WG_POLICY] = "policy", [WG_ROUTE] = "route", [WG_MAPPING] = "dns",
	};

	return names[object];
}

const char *doppel_wg_object_list(enum wg_object object)
{
	static const char *const lists[] = {
		[WG_NETWORK] = "networks", [WG_PEER] = "peers", [WG_GROUP] = "groups",
		[WG_POLICY] = "policies", [WG_ROUTE] = "routes", [WG_MAPPING] = "dns",
	};

	return lists[object];
}

static int read_value(const struct wg_edit *edit, json_t **value, struct doppel_error *error)
{
	auto_yaml struct yaml *yaml = NULL;
	const char *text = edit->value ? edit->value : "{}";
	int err = doppel_yaml_parse(doppel_wg_object_name(edit->object), text, strlen(text), &yaml,
				    error);

	if (err)
		return err;
	if (!yaml->root || yaml->root->kind != DOPPEL_YAML_MAP) {
		doppel_error_add(error, "%s: must be a map (key: value)",
				 doppel_wg_object_name(edit->object));
		return -EINVAL;
	}
	*value = doppel_wg_words(yaml->root);
	return *value ? 0 : -ENOMEM;
}

static int check_name(const json_t *value, const char *name, struct doppel_error *error)
{
	const json_t *given = json_object_get(value, "name");

	if (!given || (json_is_string(given) && !strcasecmp(json_string_value(given), name)))
		return 0;
	doppel_error_add(error, "name: %s cannot get another name; add it anew, and remove this one",
			 name);
	return -EINVAL;
}

static int patch(json_t *item, json_t *value)
{
	const char *key;
	json_t *one;

	json_object_foreach(value, key, one) {
		if (!strcmp(key, "name"))
			continue;
		if (json_is_null(one))
			json_object_del(item, key);
		else if (json_object_set(item, key, one))
			return -ENOMEM;
	}
	return 0;
}

/* The name comes first, as people write it. */
static json_t *named(const char *name, json_t *value)
{
	json_t *item = json_object();

	if (item && (json_object_set_new(item, "name", json_string(name)) || patch(item, value))) {
		json_decref(item);
		return NULL;
	}
	return item;
}

static const char *stack_of(const json_t *network)
{
	const char *stack = json_string_value(json_object_get(network, "ip_stack_mode"));

	return stack ? stack : "ipv4";
}

/* A prefix that only the mode before had, unless the value says something of it. */
static void drop_prefix(json_t *network, const json_t *value)
{
	const char *stack = stack_of(network);

	if (!json_object_get(value, "ip_stack_mode"))
		return;
	if (!strcmp(stack, "ipv4") && !json_object_get(value, "ipv6_cidr"))
		json_object_del(network, "ipv6_cidr");
	if (!strcmp(stack, "ipv6") && !json_object_get(value, "ipv4_cidr"))
		json_object_del(network, "ipv4_cidr");
}

/* Who refers to the thing, for people: peer "laptop", route "lan" */
struct users {
	const struct wg_edit *edit;
	struct buf *text;
};

static void note_user(struct users *users, const char *object, const json_t *item)
{
	doppel_buf_printf(users->text, "%s%s \"%s\"", users->text->len ? ", " : "", object,
			  doppel_wg_words_name(item));
}

static bool is_meant(const struct users *users, const json_t *name)
{
	return json_is_string(name) && !strcasecmp(json_string_value(name), users->edit->name);
}

static bool is_in(const struct users *users, const json_t *list)
{
	json_t *name;
	size_t i;

	json_array_foreach(list, i, name)
		if (is_meant(users, name))
			return true;
	return false;
}

static void find_in_lists(struct users *users, const json_t *network, const char *list,
			  const char *key, const char *object)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(network, list), i, item)
		if (is_in(users, json_object_get(item, key)))
			note_user(users, object, item);
}

static void find_in_rules(struct users *users, const json_t *network)
{
	json_t *policy, *rule;
	size_t i, j;

	json_array_foreach(json_object_get(network, "policies"), i, policy) {
		bool found = false;

		json_array_foreach(json_object_get(policy, "rules"), j, rule)
			found = found || is_meant(users, json_object_get(rule, "target"));
		if (found)
			note_user(users, "policy", policy);
	}
}

static void find_in_vias(struct users *users, const json_t *network)
{
	json_t *route;
	size_t i;

	json_array_foreach(json_object_get(network, "routes"), i, route)
		if (is_meant(users, json_object_get(route, "via")))
			note_user(users, "route", route);
}

static int check_unused(const json_t *network, const struct wg_edit *edit,
			struct doppel_error *error)
{
	auto_buf struct buf text = {};
	struct users users = { .edit = edit, .text = &text };

	if (edit->object == WG_GROUP) {
		find_in_lists(&users, network, "peers", "groups", "peer");
		find_in_lists(&users, network, "routes", "groups", "route");
	}
	if (edit->object == WG_POLICY)
		find_in_lists(&users, network, "groups", "policies", "group");
	if (edit->object == WG_PEER)
		find_in_vias(&users, network);
	if (edit->object == WG_PEER || edit->object == WG_GROUP)
		find_in_rules(&users, network);
	if (text.failed)
		return -ENOMEM;
	if (!text.len)
		return 0;
	doppel_error_add(error, "network \"%s\": %s \"%s\" is in use by %s; take it away there first",
			 edit->network, doppel_wg_object_name(edit->object), edit->name, text.data);
	return -EBUSY;
}

static int change(json_t *list, size_t index, const struct wg_edit *edit, const char *name,
		  json_t *value)
{
	json_t *item = json_array_get(list, index);
	int err;

	if (edit->verb == WG_REMOVE)
		return json_array_remove(list, index) ? -ENOMEM : 0;
	if (edit->verb == WG_ADD)
		return json_array_append_new(list, named(name, value)) ? -ENOMEM : 0;
	err = patch(item, value);
	if (!err && edit->object == WG_NETWORK)
		drop_prefix(item, value);
	return err;
}

/* That it is there, or is not, as the verb wants it. */
static int check_presence(const json_t *list, const char *name, const struct wg_edit *edit,
			  struct doppel_error *error)
{
	const bool there = doppel_wg_words_find(list, name) < json_array_size(list);

	if (there == (edit->verb != WG_ADD))
		return 0;
	if (edit->object == WG_NETWORK)
		doppel_error_add(error, there ? "there is a network \"%s\" already" :
						"there is no network \"%s\"", name);
	else
		doppel_error_add(error, there ? "there is a %s \"%s\" in network \"%s\" already" :
						"there is no %s \"%s\" in network \"%s\"",
				 doppel_wg_object_name(edit->object), name, edit->network);
	return there ? -EEXIST : -ENOENT;
}

/* @network: the one that the thing is in; NULL: it is one. */
static int edit_list(const json_t *network, json_t *list, const char *name,
		     const struct wg_edit *edit, struct doppel_error *error)
{
	json_t *value = NULL;
	int err = check_presence(list, name, edit, error);

	if (!err && network && edit->verb == WG_REMOVE)
		err = check_unused(network, edit, error);
	if (!err)
		err = read_value(edit, &value, error);
	if (!err)
		err = check_name(value, name, error);
	if (!err)
		err = change(list, doppel_wg_words_find(list, name), edit, name, value);
	json_decref(value);
	return err;
}

/* The thing's list, made if there is none. */
static json_t *list_of(json_t *owner, enum wg_object object)
{
	const char *key = doppel_wg_object_list(object);
	json_t *list = json_object_get(owner, key);

	if (json_is_array(list))
		return list;
	list = json_array();
	return json_object_set_new(owner, key, list) ? NULL : list;
}

static int find_owner(json_t *network, const struct wg_edit *edit, json_t **owner,
		      struct doppel_error *error)
{
	const json_t *routes = json_object_get(network, "routes");

	*owner = network;
	if (edit->object != WG_MAPPING)
		return 0;
	*owner = json_array_get(routes, doppel_wg_words_find(routes, edit->route));
	if (*owner)
		return 0;
	doppel_error_add(error, "there is no route \"%s\" in network \"%s\"", edit->route,
			 edit->network);
	return -ENOENT;
}

static int edit_within(json_t *network, const struct wg_edit *edit, struct doppel_error *error)
{
	json_t *owner, *list;
	int err = find_owner(network, edit, &owner, error);

	if (err)
		return err;
	list = list_of(owner, edit->object);
	return list ? edit_list(network, list, edit->name, edit, error) : -ENOMEM;
}

int doppel_wg_edit(json_t *words, size_t owned, const struct wg_edit *edit,
		   struct doppel_error *error)
{
	json_t *networks = json_object_get(words, "networks");
	const size_t index = doppel_wg_words_find(networks, edit->network);
	json_t *network = json_array_get(networks, index);

	if (network && index < owned && (edit->object != WG_NETWORK || edit->verb != WG_ADD)) {
		doppel_error_add(error,
				 "network \"%s\" is the agent's own file's; change it there, and reload the agent",
				 doppel_wg_words_name(network));
		return -EPERM;
	}
	if (edit->object == WG_NETWORK)
		return edit_list(NULL, networks, edit->network, edit, error);
	if (network)
		return edit_within(network, edit, error);
	doppel_error_add(error, "there is no network \"%s\"", edit->network);
	return -ENOENT;
}
