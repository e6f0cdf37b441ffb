// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/networks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "wireguard/merge.h"
#include "wireguard/networks_state.h"
#include "wireguard/words.h"

/* How the words that were kept are called in messages. */
#define KEPT "wireguard"

void doppel_wg_wanted_free(struct wg_wanted *wanted)
{
	doppel_wg_site_free(wanted->site);
	doppel_wg_document_free(wanted->document);
	json_decref(wanted->words);
	*wanted = (struct wg_wanted){};
}

/* A box without a battery begins in the past, when nobody had expired yet. */
int64_t doppel_wg_networks_wall(const struct wg_networks *networks)
{
	const int64_t wall = doppel_clock_wall_s(networks->clock);

	return wall < DOPPEL_CLOCK_SET_S && wall < networks->seen_s ? networks->seen_s : wall;
}

/* A rule's target that is a peer's or group's name there stands for that, and for no device. */
static bool is_thing(const json_t *network, const char *name)
{
	static const char *const lists[] = { "peers", "groups" };
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const json_t *list = json_object_get(network, lists[i]);

		if (doppel_wg_words_find(list, name) < json_array_size(list))
			return true;
	}
	return false;
}

/* Whether a rule of the network has it for its target. */
static bool is_target(const json_t *network, const char *name)
{
	json_t *policy, *rule;
	size_t i, j;

	json_array_foreach(json_object_get(network, "policies"), i, policy)
		json_array_foreach(json_object_get(policy, "rules"), j, rule) {
			const char *target = json_string_value(json_object_get(rule, "target"));

			if (target && !strcasecmp(target, name))
				return true;
		}
	return false;
}

static bool was_device(const json_t *words, const char *name)
{
	json_t *network;
	size_t i;

	json_array_foreach(json_object_get(words, "networks"), i, network)
		if (is_target(network, name) && !is_thing(network, name))
			return true;
	return false;
}

/* One that was a device when its rule was made is not held against all the rest when it is forgotten. */
static bool is_device(void *ctx, const char *name)
{
	const struct wg_networks *networks = ctx;
	const struct wg_devices *devices = networks->devices;

	return (devices && devices->known(devices->ctx, name)) ||
	       was_device(networks->begun, name) || was_device(networks->now.words, name);
}

static int read_section(const struct wg_networks *networks, const struct yaml_node *section,
			struct wg_document **document, struct doppel_error *error)
{
	const struct wg_devices devices = { .known = is_device, .ctx = (void *)networks };

	return doppel_wg_document_read(section, &devices, document, error);
}

/* What a section leads to. *wanted has its words' ownership set, and is freed by the caller. */
static int read_wanted(const struct wg_networks *networks, const struct yaml_node *section,
		       const struct wg_kept *kept, struct wg_wanted *wanted,
		       struct doppel_error *error)
{
	int err = read_section(networks, section, &wanted->document, error);

	if (err)
		return err;
	return doppel_wg_assign(wanted->document, kept, doppel_wg_networks_wall(networks),
				networks->rng, &wanted->site, error);
}

/* The same from its words, which are in no file. */
static int read_words(const struct wg_networks *networks, struct wg_wanted *wanted,
		      struct doppel_error *error)
{
	auto_yaml struct yaml *yaml = NULL;
	int err = doppel_wg_words_parse(KEPT, wanted->words, &yaml, error);

	return err ? err : read_wanted(networks, yaml->root, &networks->kept, wanted, error);
}

/* What was left out and is wanted now. */
static void forget_left_out(struct wg_networks *networks)
{
	const json_t *list = json_object_get(networks->now.words, "networks");
	size_t i;

	for (i = json_array_size(networks->left_out); i; i--) {
		const json_t *network = json_array_get(networks->left_out, i - 1);

		if (doppel_wg_words_find(list, doppel_wg_words_name(network)) < json_array_size(list))
			json_array_remove(networks->left_out, i - 1);
	}
}

/* It is what is wanted from now on. @wanted is taken over. */
static int commit(struct wg_networks *networks, struct wg_wanted *wanted,
		  struct doppel_error *error)
{
	struct wg_wanted before = networks->now;
	int err = doppel_wg_keep_save(networks, wanted);

	if (err) {
		doppel_error_add(error, "the change cannot be kept, and is not made: %s", strerror(-err));
		return err;
	}
	networks->now = *wanted;
	*wanted = (struct wg_wanted){};
	forget_left_out(networks);
	doppel_wg_realize(networks);
	doppel_wg_wanted_free(&before);
	return 0;
}

/*
 * What differs, and that. *plan is the caller's. Words may differ in an order that it says nothing of; keys
 * that were made elsewhere are in no words.
 */
static int consider(struct wg_networks *networks, struct wg_wanted *wanted, bool dry_run,
		    struct wg_plan **plan, struct doppel_error *error)
{
	struct wg_plan *made;
	int err = doppel_wg_plan(&(struct wg_side){ networks->now.words, networks->now.site },
				 &(struct wg_side){ wanted->words, wanted->site }, &made);

	if (err)
		return err;
	if (!dry_run && (made->count || !json_equal(networks->now.words, wanted->words)))
		err = commit(networks, wanted, error);
	if (err) {
		doppel_wg_plan_free(made);
		return err;
	}
	if (made->count && !dry_run)
		doppel_wg_emit(networks, &(struct wg_event){ .kind = WG_EVENT_CHANGED, .plan = made });
	*plan = made;
	return 0;
}

static bool owns_firewall(const struct yaml_node *section)
{
	return section && doppel_yaml_get(section, "firewall");
}

/* Networks of @applied that are not in the list yet, by name. */
static int add_applied(json_t *list, const json_t *applied)
{
	json_t *network;
	size_t i;

	json_array_foreach(applied, i, network) {
		const char *name = doppel_wg_words_name(network);

		if (doppel_wg_words_find(list, name) < json_array_size(list))
			doppel_log(LOG_NOTICE,
				   "wireguard: network \"%s\" is the agent's own file's now", name);
		else if (json_array_append(list, network))
			return -ENOMEM;
	}
	return 0;
}

/* The file's words, which come first, and those that were applied. */
static int join(const struct yaml_node *section, const json_t *applied, struct wg_wanted *wanted)
{
	json_t *words = section ? doppel_wg_words(section) : json_object();
	const json_t *firewall = json_object_get(applied, "firewall");
	json_t *list = json_object_get(words, "networks");
	int err = words ? 0 : -ENOMEM;

	if (!err && !list) {
		list = json_array();
		err = json_object_set_new(words, "networks", list) ? -ENOMEM : 0;
	}
	wanted->owned = json_array_size(list);
	wanted->owns_firewall = owns_firewall(section);
	if (!err && !wanted->owns_firewall && firewall)
		err = json_object_set(words, "firewall", (json_t *)firewall) ? -ENOMEM : 0;
	if (!err)
		err = add_applied(list, json_object_get(applied, "networks"));
	wanted->words = words;
	return err;
}

/* The file alone: its faults are told with their places. */
static int check_section(const struct wg_networks *networks, const struct yaml_node *section,
			 struct doppel_error *error)
{
	auto_wg_document struct wg_document *document = NULL;

	return section ? read_section(networks, section, &document, error) : 0;
}

/* The file with those of the applied networks that go with it. */
static int join_what_goes(struct wg_networks *networks, const struct yaml_node *section,
			  const json_t *applied, struct wg_wanted *wanted,
			  struct doppel_error *error)
{
	json_t *some = json_pack("{s:[]}", "networks"), *network;
	json_t *list = json_object_get(some, "networks");
	size_t i;
	int err = some ? 0 : -ENOMEM;

	json_array_foreach(json_object_get(applied, "networks"), i, network) {
		struct doppel_error why = {};
		struct wg_wanted one = {};

		if (err)
			break;
		err = json_array_append(list, network) ? -ENOMEM : join(section, some, &one);
		if (!err)
			err = read_words(networks, &one, &why);
		doppel_wg_wanted_free(&one);
		if (!err || err == -ENOMEM)
			continue;
		doppel_log(LOG_ERR, "wireguard: network \"%s\" is left out: %s",
			   doppel_wg_words_name(network), why.text);
		json_array_remove(list, json_array_size(list) - 1);
		err = json_array_append(networks->left_out, network) ? -ENOMEM : 0;
	}
	if (!err)
		err = join(section, some, wanted);
	json_decref(some);
	return err ? err : read_words(networks, wanted, error);
}

static bool is_static(const struct wg_peer *peer)
{
	return !peer->jump && !peer->agent;
}

static int check_kept_family(const struct wg_networks *networks, const struct wg_network *network,
			     int family, struct doppel_error *error)
{
	auto_buf struct buf names = {};
	size_t i;

	if (doppel_wg_has_family(network, family))
		return 0;
	for (i = 0; i < network->peer_count; i++) {
		const struct wg_peer *peer = &network->peers[i];
		const struct wg_kept_peer *kept = doppel_wg_kept_peer(&networks->kept, network->name,
								      peer->name);

		if (is_static(peer) && kept &&
		    (family == AF_INET ? kept->has_ipv4 : kept->has_ipv6))
			doppel_buf_printf(&names, "%s\"%s\"", names.len ? ", " : "", peer->name);
	}
	if (!names.len)
		return names.failed ? -ENOMEM : 0;
	doppel_error_add(error,
			 "network \"%s\": ip_stack_mode cannot become %s: static peers have %s addresses: %s; remove them first, or let them run an agent",
			 network->name, doppel_wg_stack_name(network->stack),
			 family == AF_INET ? "IPv4" : "IPv6", names.data);
	return -EBUSY;
}

/* No site came before the first one, but what its peers were given is known. */
static int check_kept(const struct wg_networks *networks, const struct wg_document *document,
		      struct doppel_error *error)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < document->network_count; i++) {
		err = check_kept_family(networks, &document->networks[i], AF_INET, error);
		if (!err)
			err = check_kept_family(networks, &document->networks[i], AF_INET6, error);
	}
	return err;
}

static int begin(struct wg_networks *networks, const struct yaml_node *section,
		 const json_t *applied, struct doppel_error *error)
{
	struct wg_wanted wanted = {};
	struct doppel_error why = {};
	int err;

	networks->begun = applied;
	err = check_section(networks, section, error);
	if (!err)
		err = join(section, applied, &wanted);
	if (!err)
		err = read_words(networks, &wanted, &why);
	if (err && wanted.words && err != -ENOMEM) {
		doppel_wg_wanted_free(&wanted);
		err = join_what_goes(networks, section, applied, &wanted, error);
	}
	if (!err)
		err = check_kept(networks, wanted.document, error);
	if (!err)
		err = commit(networks, &wanted, error);
	doppel_wg_wanted_free(&wanted);
	return err;
}

static int copy_parts(struct wg_networks *networks, const struct wg_networks_env *env)
{
	size_t i;

	networks->parts = calloc(env->part_count + 1, sizeof(*networks->parts));
	if (!networks->parts)
		return -ENOMEM;
	for (i = 0; i < env->part_count; i++)
		networks->parts[i].part = env->parts[i];
	networks->part_count = env->part_count;
	return 0;
}

int doppel_wg_networks_new(const struct wg_networks_env *env, const struct yaml_node *section,
			   struct wg_networks **networks, struct doppel_error *error)
{
	struct wg_networks *made = calloc(1, sizeof(*made));
	json_t *applied = NULL;
	int err;

	if (!made)
		return -ENOMEM;
	made->loop = env->loop;
	made->store = env->store;
	made->clock = env->clock;
	made->rng = env->rng;
	made->devices = env->devices;
	made->alone = env->alone;
	doppel_list_init(&made->listeners);
	doppel_wg_kept_init(&made->kept);
	doppel_wg_realize_begin(made);
	made->left_out = json_array();
	err = made->left_out ? copy_parts(made, env) : -ENOMEM;
	if (!err)
		err = doppel_wg_keep_load(made, &applied);
	if (!err)
		err = begin(made, section, applied, error);
	made->begun = NULL;
	json_decref(applied);
	if (err) {
		doppel_wg_networks_free(made);
		return err;
	}
	*networks = made;
	return 0;
}

void doppel_wg_networks_free(struct wg_networks *networks)
{
	if (!networks)
		return;
	if (networks->loop)
		ev_timer_stop(networks->loop, &networks->timer);
	doppel_wg_wanted_free(&networks->now);
	doppel_wg_kept_free(&networks->kept);
	json_decref(networks->left_out);
	free(networks->parts);
	free(networks);
}

/* What was applied, of what is wanted now. NULL for want of memory. */
static json_t *applied_now(const struct wg_networks *networks)
{
	const json_t *firewall = json_object_get(networks->now.words, "firewall");
	json_t *applied = json_pack("{s:[]}", "networks"), *network;
	int err = !applied;
	size_t i;

	json_array_foreach(json_object_get(networks->now.words, "networks"), i, network)
		if (i >= networks->now.owned)
			err |= json_array_append(json_object_get(applied, "networks"), network);
	if (firewall && !networks->now.owns_firewall)
		err |= json_object_set(applied, "firewall", (json_t *)firewall);
	if (!err)
		return applied;
	json_decref(applied);
	return NULL;
}

int doppel_wg_networks_reload(struct wg_networks *networks, const struct yaml_node *section,
			      struct doppel_error *error)
{
	auto_wg_plan struct wg_plan *plan = NULL;
	json_t *applied = applied_now(networks);
	struct wg_wanted wanted = {};
	int err = applied ? check_section(networks, section, error) : -ENOMEM;

	if (!err)
		err = join(section, applied, &wanted);
	if (!err)
		err = doppel_wg_plan_check_modes(networks->now.site, wanted.words, error);
	if (!err)
		err = read_words(networks, &wanted, error);
	if (!err)
		err = consider(networks, &wanted, false, &plan, error);
	/* Who owns what may change without anything else. */
	if (!err && wanted.words)
		err = commit(networks, &wanted, error);
	json_decref(applied);
	doppel_wg_wanted_free(&wanted);
	return err;
}

/* Of keys that were made elsewhere, and those that are known. */
static int join_kept(const struct wg_kept *given, const struct wg_kept *known,
		     struct wg_kept *joined)
{
	const struct wg_kept *both[] = { given, known };
	size_t i;

	for (i = 0; i < 2; i++) {
		doppel_map_foreach(node, &both[i]->peers) {
			const struct wg_kept_peer *one = container_of(node, struct wg_kept_peer, node);
			struct wg_kept_peer *peer;
			struct map_node own;

			if (doppel_wg_kept_peer(joined, one->name.network, one->name.peer))
				continue;
			peer = doppel_wg_kept_add(joined, one->name.network, one->name.peer);
			if (!peer)
				return -ENOMEM;
			own = peer->node;
			*peer = *one;
			peer->node = own;
		}
	}
	return 0;
}

/* The merged section, read. */
static int read_merged(const struct wg_networks *networks, const struct yaml_node *section,
		       const struct wg_kept *given, struct wg_wanted *wanted,
		       struct doppel_error *error)
{
	auto_wg_kept struct wg_kept joined;
	int err = 0;

	doppel_wg_kept_init(&joined);
	/* It is read anew at the next start. */
	if (doppel_yaml_count(section) > DOPPEL_YAML_NODES_MAX) {
		doppel_error_add(error, "%s: with what is there already these are too many values", section->file);
		return -EINVAL;
	}
	wanted->words = doppel_wg_words(section);
	wanted->owned = networks->now.owned;
	wanted->owns_firewall = networks->now.owns_firewall;
	if (!wanted->words)
		return -ENOMEM;
	err = doppel_wg_plan_check_modes(networks->now.site, wanted->words, error);
	if (!err && given)
		err = join_kept(given, &networks->kept, &joined);
	if (!err)
		err = read_wanted(networks, section, given ? &joined : &networks->kept, wanted, error);
	return err;
}

static int read_onto(const struct wg_networks *networks, const struct wg_request *request,
		     const struct yaml_node *section, struct wg_wanted *wanted,
		     struct doppel_error *error)
{
	auto_wg_merge struct wg_merge merge = {
		.prune = request->prune, .owned = networks->now.owned,
		.owns_firewall = networks->now.owns_firewall, .error = error,
	};
	auto_yaml struct yaml *there = NULL;
	const struct yaml_node *merged;
	int err = doppel_wg_words_parse(KEPT, networks->now.words, &there, error);

	if (!err)
		err = doppel_wg_merge(&merge, there->root, section, &merged);
	return err ? err : read_merged(networks, merged, request->given, wanted, error);
}

static int read_request(const struct wg_networks *networks, const struct wg_request *request,
			struct wg_wanted *wanted, struct doppel_error *error)
{
	auto_yaml struct yaml *yaml = NULL;
	int err = doppel_yaml_parse(request->file, request->text, request->len, &yaml, error);

	if (err)
		return err;
	if (yaml->root && !doppel_yaml_is_null(yaml->root))
		return read_onto(networks, request, yaml->root, wanted, error);
	doppel_error_add(error, "%s:1:1: the file is empty; give networks:", request->file);
	return -EINVAL;
}

int doppel_wg_networks_apply(struct wg_networks *networks, const struct wg_request *request,
			     struct wg_plan **plan, struct doppel_error *error)
{
	struct wg_wanted wanted = {};
	int err = read_request(networks, request, &wanted, error);

	if (!err)
		err = consider(networks, &wanted, request->dry_run, plan, error);
	if (!err && request->prune && !request->dry_run && json_array_size(networks->left_out)) {
		json_array_clear(networks->left_out);
		/* What was asked for is done already. */
		if (doppel_wg_keep_save(networks, &networks->now))
			doppel_log(LOG_WARNING, "wireguard: networks that were left out are in the store until the next change");
	}
	doppel_wg_wanted_free(&wanted);
	return err;
}

int doppel_wg_networks_edit(struct wg_networks *networks, const struct wg_edit *edit, bool dry_run,
			    struct wg_plan **plan, struct doppel_error *error)
{
	struct wg_wanted wanted = {
		.words = json_deep_copy(networks->now.words), .owned = networks->now.owned,
		.owns_firewall = networks->now.owns_firewall,
	};
	int err = wanted.words ? doppel_wg_edit(wanted.words, wanted.owned, edit, error) : -ENOMEM;

	if (!err)
		err = doppel_wg_plan_check_modes(networks->now.site, wanted.words, error);
	if (!err)
		err = read_words(networks, &wanted, error);
	if (!err)
		err = consider(networks, &wanted, dry_run, plan, error);
	doppel_wg_wanted_free(&wanted);
	return err;
}

int doppel_wg_networks_export(const struct wg_networks *networks, const char *network,
			      struct buf *text, struct doppel_error *error)
{
	const json_t *list = json_object_get(networks->now.words, "networks");
	const size_t index = network ? doppel_wg_words_find(list, network) : 0;
	json_t *one;
	int err;

	if (!network)
		return doppel_wg_words_yaml(networks->now.words, text);
	if (index == json_array_size(list)) {
		doppel_error_add(error, "there is no network \"%s\"", network);
		return -ENOENT;
	}
	one = json_pack("{s:[O]}", "networks", json_array_get(list, index));
	err = one ? doppel_wg_words_yaml(one, text) : -ENOMEM;
	json_decref(one);
	return err;
}

const struct wg_site *doppel_wg_networks_site(const struct wg_networks *networks)
{
	return networks->now.site;
}

const json_t *doppel_wg_networks_words(const struct wg_networks *networks)
{
	return networks->now.words;
}

bool doppel_wg_networks_owned(const struct wg_networks *networks, const char *network)
{
	return doppel_wg_words_find(json_object_get(networks->now.words, "networks"), network) <
	       networks->now.owned;
}

void doppel_wg_networks_listen(struct wg_networks *networks, struct wg_listener *listener)
{
	doppel_list_add_tail(&networks->listeners, &listener->link);
}

void doppel_wg_networks_unlisten(struct wg_listener *listener)
{
	doppel_list_del(&listener->link);
}
