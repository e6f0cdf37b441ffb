// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wireguard/key.h"
#include "wireguard/owners.h"
#include "wireguard/quick.h"
#include "wireguard/words.h"

/* What is compared now. */
struct differ {
	struct wg_plan *plan;
	const struct wg_side *from, *to;
	const char *network, *route;
	struct wg_owners old_members, new_members;	/* of the network */
};

static char *copy(struct wg_plan *plan, const char *text)
{
	char *made = text ? strdup(text) : NULL;

	plan->no_memory = plan->no_memory || (text && !made);
	return made;
}

static struct wg_change *add(struct differ *differ, enum wg_action action, enum wg_object object,
			     const char *name)
{
	struct wg_plan *plan = differ->plan;
	struct wg_change *change;

	if (plan->count == plan->room) {
		const size_t room = plan->room ? 2 * plan->room : 16;
		struct wg_change *changes = reallocarray(plan->changes, room, sizeof(*changes));

		if (!changes) {
			plan->no_memory = true;
			return NULL;
		}
		plan->changes = changes;
		plan->room = room;
	}
	change = &plan->changes[plan->count++];
	*change = (struct wg_change){
		.action = action, .object = object,
		.network = copy(plan, object == WG_NETWORK ? name : differ->network),
		.route = copy(plan, object == WG_MAPPING ? differ->route : NULL),
		.name = copy(plan, object == WG_NETWORK ? NULL : name),
	};
	return change;
}

static void add_changed(struct differ *differ, enum wg_object object, const char *name,
			const char *key, const char *from, const char *to)
{
	struct wg_change *change = add(differ, WG_CHANGED, object, name);

	if (!change)
		return;
	change->key = copy(differ->plan, key);
	change->from = copy(differ->plan, from);
	change->to = copy(differ->plan, to);
}

/* As the file would have it, in one line; NULL for what is not there. */
static char *value_text(struct differ *differ, const json_t *value)
{
	char *text = NULL;

	if (!value)
		return NULL;
	if (json_is_string(value))
		return copy(differ->plan, json_string_value(value));
	text = json_dumps(value, JSON_ENCODE_ANY);
	differ->plan->no_memory = differ->plan->no_memory || !text;
	return text;
}

static bool is_one_of(const char *key, const char *const *keys)
{
	for (; *keys; keys++)
		if (!strcmp(key, *keys))
			return true;
	return false;
}

static void diff_key(struct differ *differ, enum wg_object object, const char *name,
		     const char *key, const json_t *from, const json_t *to)
{
	auto_free char *before = NULL;
	auto_free char *after = NULL;

	if (from == to || (from && to && json_equal(from, to)))
		return;
	if (strcmp(key, "preshared_key")) {
		before = value_text(differ, from);
		after = value_text(differ, to);
	}
	add_changed(differ, object, name, key, before, after);
}

/* All keys of both but those that are compared in another way. */
static void diff_keys(struct differ *differ, enum wg_object object, const char *name,
		      const json_t *from, const json_t *to, const char *const *others)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)from, key, value)
		if (!is_one_of(key, others))
			diff_key(differ, object, name, key, value, json_object_get(to, key));
	json_object_foreach((json_t *)to, key, value)
		if (!is_one_of(key, others) && !json_object_get(from, key))
			diff_key(differ, object, name, key, NULL, value);
}

static int index_items(struct wg_owners *names, const json_t *list)
{
	int err = doppel_wg_owners_init_names(names, json_array_size(list));
	const void *first;
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (err || doppel_wg_owners_claim_name(names, doppel_wg_words_name(item), item,
						       &first) == -ENOMEM)
			return -ENOMEM;
	return err;
}

static int index_members(struct wg_owners *names, const struct wg_assignment *assignment)
{
	const size_t count = assignment ? assignment->network->peer_count : 0;
	int err = doppel_wg_owners_init_names(names, count);
	const void *first;
	size_t i;

	for (i = 0; !err && i < count; i++) {
		const struct wg_member *member = &assignment->members[i];

		err = doppel_wg_owners_claim_name(names, member->peer->name, member, &first);
	}
	return err;
}

/* One thing on both sides; one of them may be NULL. */
typedef void diff_item(struct differ *differ, enum wg_object object, const char *name,
		       const json_t *from, const json_t *to);

static void diff_list(struct differ *differ, enum wg_object object, const json_t *from,
		      const json_t *to, diff_item *diff)
{
	auto_wg_owners struct wg_owners old, new;
	json_t *item;
	size_t i;
	int err = index_items(&old, from);

	err |= index_items(&new, to);
	if (err) {
		differ->plan->no_memory = true;
		return;
	}
	json_array_foreach(from, i, item) {
		const char *name = doppel_wg_words_name(item);
		const json_t *other = doppel_wg_owners_find_name(&new, name);

		if (!other)
			add(differ, WG_REMOVED, object, name);
		diff(differ, object, name, item, other);
	}
	json_array_foreach(to, i, item) {
		const char *name = doppel_wg_words_name(item);

		if (doppel_wg_owners_find_name(&old, name))
			continue;
		add(differ, WG_ADDED, object, name);
		diff(differ, object, name, NULL, item);
	}
}

static void diff_plain(struct differ *differ, enum wg_object object, const char *name,
		       const json_t *from, const json_t *to)
{
	static const char *const none[] = { NULL };

	if (from && to)
		diff_keys(differ, object, name, from, to, none);
}

static void diff_route(struct differ *differ, enum wg_object object, const char *name,
		       const json_t *from, const json_t *to)
{
	static const char *const lists[] = { "dns", NULL };

	if (from && to)
		diff_keys(differ, object, name, from, to, lists);
	differ->route = name;
	diff_list(differ, WG_MAPPING, json_object_get(from, "dns"), json_object_get(to, "dns"),
		  diff_plain);
}

/* What was given, and whether the file says so. NULL: nothing. */
static const char *given(char *text, size_t size, bool has, const struct in6_addr *address,
			 const json_t *fixed)
{
	char ip[DOPPEL_IP6_TEXT];

	if (!has)
		return NULL;
	snprintf(text, size, "%s%s", doppel_ip_format(address, ip), fixed ? " (fixed)" : "");
	return text;
}

static void diff_given(struct differ *differ, const char *name, const char *key, const char *from,
		       const char *to)
{
	if (from == to || (from && to && !strcmp(from, to)))
		return;
	add_changed(differ, WG_PEER, name, key, from, to);
}

static void diff_member(struct differ *differ, const char *name, const json_t *from,
			const struct wg_member *old, const json_t *to, const struct wg_member *new)
{
	char before[DOPPEL_IP6_TEXT + 10], after[DOPPEL_IP6_TEXT + 10];
	char old_key[WG_KEY_TEXT], new_key[WG_KEY_TEXT];

	diff_given(differ, name, "ipv4_address",
		   old ? given(before, sizeof(before), old->has_ipv4, &old->ipv4,
			       json_object_get(from, "ipv4_address")) : NULL,
		   given(after, sizeof(after), new->has_ipv4, &new->ipv4,
			 json_object_get(to, "ipv4_address")));
	diff_given(differ, name, "ipv6_address",
		   old ? given(before, sizeof(before), old->has_ipv6, &old->ipv6,
			       json_object_get(from, "ipv6_address")) : NULL,
		   given(after, sizeof(after), new->has_ipv6, &new->ipv6,
			 json_object_get(to, "ipv6_address")));
	if (old)
		diff_given(differ, name, "public_key",
			   doppel_wg_key_format(old->public_key, old_key),
			   doppel_wg_key_format(new->public_key, new_key));
}

static void diff_peer(struct differ *differ, enum wg_object object, const char *name,
		      const json_t *from, const json_t *to)
{
	static const char *const others[] = { "ipv4_address", "ipv6_address", "public_key", NULL };
	const struct wg_member *old = doppel_wg_owners_find_name(&differ->old_members, name);
	const struct wg_member *new = doppel_wg_owners_find_name(&differ->new_members, name);

	if (from && to)
		diff_keys(differ, object, name, from, to, others);
	if (new)
		diff_member(differ, name, from, old, to, new);
}

/* What the owner of the peer has to have; "" when there is nothing to be had. */
static void hash_of(struct differ *differ, const struct wg_assignment *assignment,
		    const struct wg_member *one, char hash[WG_QUICK_HASH_TEXT])
{
	auto_buf struct buf text = {};
	struct doppel_error error = {};
	const int err = doppel_wg_quick_render(assignment, one, &text, &error);

	*hash = '\0';
	if (!err)
		doppel_wg_quick_hash(&text, hash);
	differ->plan->no_memory = differ->plan->no_memory || err == -ENOMEM;
}

static void diff_files(struct differ *differ, const struct wg_assignment *from,
		       const struct wg_assignment *to)
{
	char before[WG_QUICK_HASH_TEXT], after[WG_QUICK_HASH_TEXT];
	size_t i;

	for (i = 0; i < to->network->peer_count; i++) {
		const struct wg_member *new = &to->members[i];
		const struct wg_member *old = doppel_wg_owners_find_name(&differ->old_members,
									 new->peer->name);

		if (!old || new->peer->jump || new->peer->agent)
			continue;
		hash_of(differ, from, old, before);
		hash_of(differ, to, new, after);
		if (*before && strcmp(before, after))
			add(differ, WG_OUTDATED, WG_PEER, new->peer->name);
	}
}

static void diff_things(struct differ *differ, const json_t *from, const json_t *to)
{
	static const struct {
		enum wg_object object;
		diff_item *diff;
	} things[] = {
		{ WG_PEER, diff_peer }, { WG_GROUP, diff_plain }, { WG_POLICY, diff_plain },
		{ WG_ROUTE, diff_route },
	};
	size_t i;

	for (i = 0; i < sizeof(things) / sizeof(*things); i++) {
		const char *list = doppel_wg_object_list(things[i].object);

		diff_list(differ, things[i].object, json_object_get(from, list),
			  json_object_get(to, list), things[i].diff);
	}
}

/* Of @list those that @others has, too. */
static json_t *common_names(struct differ *differ, const json_t *list, const json_t *others)
{
	auto_wg_owners struct wg_owners known;
	json_t *names = json_array(), *item;
	int err = index_items(&known, others);
	size_t i;

	json_array_foreach(list, i, item)
		if (!err && doppel_wg_owners_find_name(&known, doppel_wg_words_name(item)))
			err = json_array_append(names, json_object_get(item, "name"));
	differ->plan->no_memory = differ->plan->no_memory || err || !names;
	return names;
}

static bool same_names(const json_t *some, const json_t *others)
{
	json_t *name;
	size_t i;

	json_array_foreach(some, i, name)
		if (strcasecmp(json_string_value(name),
			       json_string_value(json_array_get(others, i))))
			return false;
	return true;
}

/* Of groups of one priority the first in the file is asked first. */
static void diff_order(struct differ *differ, const char *name, const json_t *from,
		       const json_t *to)
{
	const json_t *old = json_object_get(from, "groups"), *new = json_object_get(to, "groups");
	json_t *before = common_names(differ, old, new), *after = common_names(differ, new, old);

	if (!differ->plan->no_memory && !same_names(before, after))
		diff_key(differ, WG_NETWORK, name, "groups", before, after);
	json_decref(before);
	json_decref(after);
}

static void diff_network(struct differ *differ, enum wg_object object, const char *name,
			 const json_t *from, const json_t *to)
{
	static const char *const lists[] = { "name", "peers", "groups", "policies", "routes", NULL };
	const struct wg_assignment *old = from ? doppel_wg_assignment(differ->from->site, name) : NULL;
	const struct wg_assignment *new = to ? doppel_wg_assignment(differ->to->site, name) : NULL;
	const size_t before = differ->plan->count;
	int err = index_members(&differ->old_members, old);

	err |= index_members(&differ->new_members, new);
	differ->network = name;
	if (err)
		differ->plan->no_memory = true;
	if (from && to)
		diff_keys(differ, object, name, from, to, lists);
	if (from && to)
		diff_order(differ, name, from, to);
	if (!err)
		diff_things(differ, from, to);
	if (!err && old && new && differ->plan->count != before)
		diff_files(differ, old, new);
	doppel_wg_owners_free(&differ->old_members);
	doppel_wg_owners_free(&differ->new_members);
}

int doppel_wg_plan(const struct wg_side *from, const struct wg_side *to, struct wg_plan **plan)
{
	struct wg_plan *made = calloc(1, sizeof(*made));
	struct differ differ = { .plan = made, .from = from, .to = to };

	if (!made)
		return -ENOMEM;
	if (from->site->document->firewall != to->site->document->firewall)
		add_changed(&differ, WG_NETWORK, NULL, "firewall",
			    doppel_wg_firewall_name(from->site->document->firewall),
			    doppel_wg_firewall_name(to->site->document->firewall));
	diff_list(&differ, WG_NETWORK, json_object_get(from->words, "networks"),
		  json_object_get(to->words, "networks"), diff_network);
	if (made->no_memory) {
		doppel_wg_plan_free(made);
		return -ENOMEM;
	}
	*plan = made;
	return 0;
}

void doppel_wg_plan_free(struct wg_plan *plan)
{
	size_t i;

	if (!plan)
		return;
	for (i = 0; i < plan->count; i++) {
		free(plan->changes[i].network);
		free(plan->changes[i].route);
		free(plan->changes[i].name);
		free(plan->changes[i].key);
		free(plan->changes[i].from);
		free(plan->changes[i].to);
	}
	free(plan->changes);
	free(plan);
}

void doppel_wg_plan_cleanup(struct wg_plan **plan)
{
	doppel_wg_plan_free(*plan);
}

static bool has(const struct wg_member *member, int family)
{
	return family == AF_INET ? member->has_ipv4 : member->has_ipv6;
}

static bool loses(const struct wg_network *from, const char *mode, int family)
{
	return doppel_wg_has_family(from, family) &&
	       !strcmp(mode, family == AF_INET ? "ipv6" : "ipv4");
}

/* Static peers of both that have an address of the family. */
static int find_blocking(const struct wg_assignment *from, const json_t *to, int family,
			 struct buf *names)
{
	auto_wg_owners struct wg_owners members;
	json_t *peer;
	size_t i;
	int err = index_members(&members, from);

	json_array_foreach(json_object_get(to, "peers"), i, peer) {
		const char *name = doppel_wg_words_name(peer);
		const struct wg_member *old = err ? NULL : doppel_wg_owners_find_name(&members, name);

		if (old && has(old, family) && !json_is_true(json_object_get(peer, "jump")) &&
		    !json_is_true(json_object_get(peer, "agent")))
			doppel_buf_printf(names, "%s\"%s\"", names->len ? ", " : "", name);
	}
	return err || names->failed ? -ENOMEM : 0;
}

static int check_family(const struct wg_assignment *from, const json_t *to, int family,
			struct doppel_error *error)
{
	const char *mode = json_string_value(json_object_get(to, "ip_stack_mode"));
	auto_buf struct buf names = {};
	int err;

	mode = mode ? mode : "ipv4";
	if (!loses(from->network, mode, family))
		return 0;
	err = find_blocking(from, to, family, &names);
	if (err || !names.len)
		return err;
	doppel_error_add(error,
			 "network \"%s\": ip_stack_mode cannot change from %s to %s: static peers have %s addresses: %s; remove them first, or let them run an agent",
			 from->network->name, doppel_wg_stack_name(from->network->stack), mode,
			 family == AF_INET ? "IPv4" : "IPv6", names.data);
	return -EBUSY;
}

int doppel_wg_plan_check_modes(const struct wg_site *from, const json_t *to,
			       struct doppel_error *error)
{
	json_t *network;
	int err = 0;
	size_t i;

	json_array_foreach(json_object_get(to, "networks"), i, network) {
		const struct wg_assignment *old = doppel_wg_assignment(from,
								       doppel_wg_words_name(network));

		if (old && !err)
			err = check_family(old, network, AF_INET, error);
		if (old && !err)
			err = check_family(old, network, AF_INET6, error);
	}
	return err;
}

static void add_place(const struct wg_change *change, struct buf *text)
{
	doppel_buf_printf(text, "%s %s", doppel_wg_object_name(change->object), change->network);
	if (change->route)
		doppel_buf_printf(text, "/%s", change->route);
	if (change->name)
		doppel_buf_printf(text, "/%s", change->name);
}

static void add_values(const struct wg_change *change, struct buf *text)
{
	if (change->from && change->to)
		doppel_buf_printf(text, "%s: %s → %s\n", change->key, change->from, change->to);
	else if (change->to)
		doppel_buf_printf(text, "%s: %s\n", change->key, change->to);
	else if (change->from)
		doppel_buf_printf(text, "%s: no longer %s\n", change->key, change->from);
	else
		doppel_buf_printf(text, "%s: changed\n", change->key);
}

int doppel_wg_plan_text(const struct wg_plan *plan, struct buf *text)
{
	static const char *const marks[] = {
		[WG_ADDED] = "+ ", [WG_REMOVED] = "- ", [WG_CHANGED] = "~ ", [WG_OUTDATED] = "! ",
	};
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct wg_change *change = &plan->changes[i];

		doppel_buf_printf(text, "%s", marks[change->action]);
		if (change->network)
			add_place(change, text);
		if (change->action == WG_CHANGED) {
			doppel_buf_printf(text, "%s", change->network ? ": " : "");
			add_values(change, text);
		} else {
			doppel_buf_printf(text, "%s\n", change->action == WG_OUTDATED ?
					  ": its file is outdated; give it the new one" : "");
		}
	}
	return text->failed ? -ENOMEM : 0;
}

static int set(json_t *object, const char *key, const char *value)
{
	return value ? json_object_set_new(object, key, json_string(value)) : 0;
}

json_t *doppel_wg_change_json(const struct wg_change *change)
{
	static const char *const actions[] = {
		[WG_ADDED] = "added", [WG_REMOVED] = "removed", [WG_CHANGED] = "changed",
		[WG_OUTDATED] = "outdated",
	};
	json_t *object = json_object();
	int err = set(object, "action", actions[change->action]);

	err |= set(object, "object", change->network ? doppel_wg_object_name(change->object) : "firewall");
	err |= set(object, "network", change->network);
	err |= set(object, "route", change->route);
	err |= set(object, "name", change->name);
	err |= set(object, "key", change->key);
	err |= set(object, "from", change->from);
	err |= set(object, "to", change->to);
	if (!err)
		return object;
	json_decref(object);
	return NULL;
}
