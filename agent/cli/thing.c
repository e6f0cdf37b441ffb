// SPDX-License-Identifier: GPL-2.0-only
#include "cli/thing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/client.h"
#include "cli/plan.h"
#include "cli/table.h"

static size_t depth_of(const struct thing *thing)
{
	size_t depth = 0;

	while (thing->levels[depth])
		depth++;
	return depth;
}

static const char *list_of(const struct thing *thing)
{
	return thing->levels[depth_of(thing) - 1];
}

void doppel_thing_path(const struct thing *thing, char **names, size_t count, struct buf *path)
{
	doppel_buf_printf(path, "/api/v1");
	for (size_t i = 0; thing->levels[i]; i++) {
		doppel_buf_printf(path, "/%s", thing->levels[i]);
		if (i >= count)
			break;
		doppel_buf_printf(path, "/");
		doppel_client_escape(path, names[i]);
	}
}

/* "NETWORK PEER" */
static void name_arguments(const struct thing *thing, size_t count, struct buf *text)
{
	for (size_t i = 0; i < count; i++)
		doppel_buf_printf(text, "%s%s", i ? " " : "", thing->names[i]);
}

static int want(const struct cli *cli, const struct thing *thing, const char *verb, int argc,
		size_t count)
{
	auto_buf struct buf text = {};

	if ((size_t)argc == count)
		return CLI_DONE;
	name_arguments(thing, count, &text);
	return doppel_cli_usage(cli, "%s wants %s", verb, text.len ? text.data : "no arguments");
}

int doppel_thing_want_names(const struct cli *cli, const struct thing *thing, const char *verb,
			    int argc)
{
	return want(cli, thing, verb, argc, depth_of(thing));
}

static int want_no_keys(const struct cli *cli, const struct thing *thing, const char *verb)
{
	for (const struct thing_key *key = thing->keys; key && key->key; key++)
		if (doppel_thing_has(cli, key->option))
			return doppel_cli_usage(cli, "--%s is for add and set, not for %s",
						cli->command->options[key->option].name, verb);
	return CLI_DONE;
}

/* Of a verb that only looks. */
static int want_no_change(const struct cli *cli, const struct thing *thing, const char *verb)
{
	if (doppel_thing_has(cli, thing->dry_run))
		return doppel_cli_usage(cli, "%s changes nothing: --dry-run is for add, set and remove",
					verb);
	return want_no_keys(cli, thing, verb);
}

static int list(struct cli *cli, const struct thing *thing, int argc, char **argv)
{
	const size_t depth = depth_of(thing);
	auto_buf struct buf path = {};
	json_t *reply;
	int status = want_no_change(cli, thing, "list");

	if (!status)
		status = want(cli, thing, "list", argc, depth - 1);
	if (status)
		return status;
	doppel_thing_path(thing, argv, depth - 1, &path);
	reply = doppel_client_call(cli, "GET", path.data, NULL);
	if (!reply)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(reply);
	else if (!json_array_size(json_object_get(reply, list_of(thing))))
		printf("none\n");
	else
		thing->print_list(json_object_get(reply, list_of(thing)));
	json_decref(reply);
	return CLI_DONE;
}

static void print_one(const struct thing *thing, json_t *one)
{
	json_t *alone;

	if (thing->print_one) {
		thing->print_one(one);
		return;
	}
	alone = json_pack("[O]", one);
	thing->print_list(alone);
	json_decref(alone);
}

static int show(struct cli *cli, const struct thing *thing, int argc, char **argv)
{
	auto_buf struct buf path = {};
	json_t *reply;
	int status = want_no_change(cli, thing, "show");

	if (!status)
		status = doppel_thing_want_names(cli, thing, "show", argc);
	if (status)
		return status;
	doppel_thing_path(thing, argv, (size_t)argc, &path);
	reply = doppel_client_call(cli, "GET", path.data, NULL);
	if (!reply)
		return CLI_FAILED;
	if (cli->json)
		doppel_cli_print_json(reply);
	else
		print_one(thing, reply);
	json_decref(reply);
	return CLI_DONE;
}

static json_t *split(const char *text)
{
	auto_free char *copy = strdup(text);
	char *rest = copy, *item;
	json_t *items = json_array();

	while ((item = strsep(&rest, ",")))
		if (*item)
			json_array_append_new(items, json_string(item));
	return items;
}

/* What is no number is left for the agent to refuse. */
static json_t *number_of(const char *text)
{
	const size_t digits = strspn(text, "0123456789");

	return digits && digits < 10 && !text[digits] ? json_integer(atol(text)) : json_string(text);
}

static json_t *value_of(const struct thing_key *key, const char *text)
{
	if (key->value == VALUE_FIXED)
		return json_loads(key->fixed, JSON_DECODE_ANY, NULL);
	if (!*text)
		return json_null();
	switch (key->value) {
	case VALUE_NUMBER:
		return number_of(text);
	case VALUE_LIST:
		return split(text);
	default:
		return json_string(text);
	}
}

/* Takes @value. */
static void put_value(json_t *object, const struct thing_key *key, json_t *value)
{
	json_t *map = object;

	if (key->within && !json_is_object(json_object_get(object, key->within)))
		json_object_set_new(object, key->within, json_object());
	if (key->within)
		map = json_object_get(object, key->within);
	if (!key->within || !json_is_null(value))
		json_object_set(map, key->key, value);
	json_decref(value);
}

/* The options that were given, in the words of the YAML. */
static json_t *read_keys(const struct cli *cli, const struct thing *thing)
{
	json_t *value = json_object();

	for (const struct thing_key *key = thing->keys; key && key->key; key++)
		if (doppel_thing_has(cli, key->option))
			put_value(value, key, value_of(key, cli->option[key->option]));
	return value;
}

static int read_value(const struct cli *cli, const struct thing *thing, const char *verb, int argc,
		      char **argv, json_t *value)
{
	const int depth = (int)depth_of(thing);
	const int names = argc < depth || !thing->rest ? argc : depth;
	int status = doppel_thing_want_names(cli, thing, verb, names);

	if (!status && thing->rest)
		status = thing->rest(cli, argc - depth, argv + depth, value);
	if (!status && thing->finish)
		status = thing->finish(cli, value);
	return status;
}

/* Takes @body, which may be NULL. */
static int change(const struct cli *cli, const struct thing *thing, const char *method, char **names,
		  size_t count, json_t *body)
{
	auto_buf struct buf path = {};
	json_t *reply;

	doppel_thing_path(thing, names, count, &path);
	if (doppel_thing_has(cli, thing->dry_run))
		doppel_buf_printf(&path, "?dry_run=1");
	reply = doppel_client_call(cli, method, path.data, body);
	json_decref(body);
	return doppel_cli_print_plan(cli, reply);
}

static int add(struct cli *cli, const struct thing *thing, int argc, char **argv)
{
	const size_t depth = depth_of(thing);
	json_t *value = read_keys(cli, thing);
	int status = read_value(cli, thing, "add", argc, argv, value);

	if (status) {
		json_decref(value);
		return status;
	}
	json_object_set_new(value, "name", json_string(argv[depth - 1]));
	return change(cli, thing, "POST", argv, depth - 1, value);
}

static int set(struct cli *cli, const struct thing *thing, int argc, char **argv)
{
	json_t *value = read_keys(cli, thing);
	int status = read_value(cli, thing, "set", argc, argv, value);

	if (!status && !json_object_size(value))
		status = doppel_cli_usage(cli, "set: say what to change");
	if (status) {
		json_decref(value);
		return status;
	}
	return change(cli, thing, "PATCH", argv, depth_of(thing), value);
}

static int remove_thing(struct cli *cli, const struct thing *thing, int argc, char **argv)
{
	int status = want_no_keys(cli, thing, "remove");

	if (!status)
		status = doppel_thing_want_names(cli, thing, "remove", argc);
	return status ? status : change(cli, thing, "DELETE", argv, (size_t)argc, NULL);
}

static int no_verb(const struct cli *cli, const struct thing *thing, const char *verb)
{
	auto_buf struct buf own = {};

	for (const struct thing_verb *one = thing->verbs; one && one->name; one++)
		doppel_buf_printf(&own, ", %s", one->name);
	if (verb)
		return doppel_cli_usage(cli, "no such verb: %s", verb);
	return doppel_cli_usage(cli, "say list, show, add, set or remove%s", own.len ? own.data : "");
}

int doppel_thing_run(struct cli *cli, const struct thing *thing, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *cli, const struct thing *thing, int argc, char **argv);
	} verbs[] = {
		{ "list", list },
		{ "show", show },
		{ "add", add },
		{ "set", set },
		{ "remove", remove_thing },
	};

	if (!argc)
		return no_verb(cli, thing, NULL);
	for (const struct thing_verb *own = thing->verbs; own && own->name; own++)
		if (!strcmp(argv[0], own->name))
			return own->run(cli, argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[0], verbs[i].name))
			return verbs[i].run(cli, thing, argc - 1, argv + 1);
	return no_verb(cli, thing, argv[0]);
}

static void add_text(const json_t *value, struct buf *text);

void doppel_thing_join(const json_t *list, struct buf *text)
{
	const json_t *item;
	size_t i;

	doppel_buf_printf(text, "%s", "");
	json_array_foreach(list, i, item) {
		if (i)
			doppel_buf_printf(text, ", ");
		add_text(item, text);
	}
}

static void add_members(const json_t *object, struct buf *text)
{
	const char *between = "", *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		if (json_is_null(value))
			continue;
		doppel_buf_printf(text, "%s%s ", between, key);
		if (json_is_object(value))
			doppel_buf_printf(text, "(");
		add_text(value, text);
		if (json_is_object(value))
			doppel_buf_printf(text, ")");
		between = ", ";
	}
}

static void add_text(const json_t *value, struct buf *text)
{
	if (json_is_array(value))
		doppel_thing_join(value, text);
	else if (json_is_object(value))
		add_members(value, text);
	else if (json_is_boolean(value))
		doppel_buf_printf(text, json_is_true(value) ? "yes" : "no");
	else if (json_is_integer(value))
		doppel_buf_printf(text, "%lld", json_integer_value(value));
	else if (json_is_string(value))
		doppel_buf_printf(text, "%s", json_string_value(value));
}

void doppel_thing_print_members(const json_t *one)
{
	auto_table struct table table = { .columns = 2 };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)one, key, value) {
		auto_buf struct buf text = {};

		add_text(value, &text);
		if (text.len)
			doppel_table_row(&table, (const char *const[]){ key, text.data });
	}
	doppel_table_print(&table);
}
