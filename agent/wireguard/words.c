// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"

static bool is_one_of(const char *key, const char *const *keys)
{
	for (; key && *keys; keys++)
		if (!strcmp(key, *keys))
			return true;
	return false;
}

/* The key of a list counts for what is in it. */
static const char *key_of(const struct yaml_node *node)
{
	return node->key || !node->parent ? node->key : node->parent->key;
}

static bool is_number(const char *text)
{
	const size_t digits = strspn(text, "0123456789");

	return digits && digits < 10 && !text[digits] && (digits == 1 || *text != '0');
}

static json_t *scalar_words(const struct yaml_node *node)
{
	static const char *const numbers[] = { "listen_port", "priority", "ports", NULL };
	static const char *const flags[] = { "jump", "agent", NULL };

	if (doppel_yaml_is_null(node))
		return json_null();
	if (!node->quoted && is_one_of(key_of(node), numbers) && is_number(node->text))
		return json_integer(atol(node->text));
	if (is_one_of(key_of(node), flags) && !strcmp(node->text, "true"))
		return json_true();
	if (is_one_of(key_of(node), flags) && !strcmp(node->text, "false"))
		return json_false();
	return json_string(node->text);
}

static int add_words(json_t *words, const struct yaml_node *child)
{
	json_t *value = doppel_wg_words(child);

	if (!value)
		return -1;
	if (json_is_array(words))
		return json_array_append_new(words, value);
	return json_object_set_new(words, strcmp(child->key, "cidr") ? child->key : "ipv4_cidr", value);
}

json_t *doppel_wg_words(const struct yaml_node *node)
{
	json_t *words;
	size_t i;

	if (node->kind == DOPPEL_YAML_SCALAR)
		return scalar_words(node);
	words = node->kind == DOPPEL_YAML_LIST ? json_array() : json_object();
	for (i = 0; words && i < node->count; i++) {
		if (!add_words(words, node->children[i]))
			continue;
		json_decref(words);
		words = NULL;
	}
	return words;
}

int doppel_wg_words_parse(const char *file, const json_t *words, struct yaml **yaml,
			  struct doppel_error *error)
{
	auto_free char *text = json_dumps(words, JSON_COMPACT);
	int err;

	if (!text)
		return -ENOMEM;
	err = doppel_yaml_parse(file, text, strlen(text), yaml, error);
	if (!err)
		doppel_yaml_forget_places(*yaml);
	return err;
}

const char *doppel_wg_words_name(const json_t *item)
{
	const char *name = json_string_value(json_object_get(item, "name"));

	return name ? name : "";
}

size_t doppel_wg_words_find(const json_t *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (!strcasecmp(doppel_wg_words_name(json_array_get(list, i)), name))
			break;
	return i;
}

struct writer {
	yaml_emitter_t emitter;
	struct buf *text;
};

static int write_text(void *ctx, unsigned char *bytes, size_t len)
{
	struct writer *writer = ctx;

	return !doppel_buf_add(writer->text, bytes, len);
}

static bool emit(struct writer *writer, yaml_event_t *event)
{
	return yaml_emitter_emit(&writer->emitter, event);
}

/* One line for what has no maps in it. */
static bool is_deep(const json_t *words)
{
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach(words, i, value)
		if (json_is_object(value) || is_deep(value))
			return true;
	json_object_foreach((json_t *)words, key, value)
		if (json_is_object(value) || is_deep(value))
			return true;
	return false;
}

static bool write_scalar(struct writer *writer, const char *text, bool quoted)
{
	yaml_event_t event;

	return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
					    (int)strlen(text), 1, 1,
					    quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE :
						     YAML_PLAIN_SCALAR_STYLE) && emit(writer, &event);
}

/* What would be read as something else without quotes. */
static bool write_string(struct writer *writer, const char *text)
{
	static const char *const special[] = { "", "~", "null", NULL };

	return write_scalar(writer, text, is_one_of(text, special) || strchr(text, ':'));
}

static bool write_words(struct writer *writer, const json_t *words, bool flow);

static bool write_list(struct writer *writer, const json_t *list, bool flow)
{
	yaml_event_t event;
	json_t *value;
	size_t i;

	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, flow ?
						  YAML_FLOW_SEQUENCE_STYLE :
						  YAML_BLOCK_SEQUENCE_STYLE) || !emit(writer, &event))
		return false;
	json_array_foreach(list, i, value)
		if (!write_words(writer, value, flow || !is_deep(value)))
			return false;
	return yaml_sequence_end_event_initialize(&event) && emit(writer, &event);
}

static bool write_map(struct writer *writer, const json_t *map, bool flow)
{
	yaml_event_t event;
	const char *key;
	json_t *value;

	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, flow ?
						 YAML_FLOW_MAPPING_STYLE :
						 YAML_BLOCK_MAPPING_STYLE) || !emit(writer, &event))
		return false;
	json_object_foreach((json_t *)map, key, value)
		if (!write_string(writer, key) ||
		    !write_words(writer, value, flow || !is_deep(value)))
			return false;
	return yaml_mapping_end_event_initialize(&event) && emit(writer, &event);
}

static bool write_words(struct writer *writer, const json_t *words, bool flow)
{
	char number[24];

	if (json_is_array(words))
		return write_list(writer, words, flow);
	if (json_is_object(words))
		return write_map(writer, words, flow);
	if (json_is_string(words))
		return write_string(writer, json_string_value(words));
	if (json_is_integer(words)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(words));
		return write_scalar(writer, number, false);
	}
	return write_scalar(writer, json_is_null(words) ? "null" : json_is_true(words) ? "true" :
										       "false", false);
}

static bool write_document(struct writer *writer, const json_t *words)
{
	yaml_event_t event;

	return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
	       emit(writer, &event) &&
	       yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
	       emit(writer, &event) && write_words(writer, words, false) &&
	       yaml_document_end_event_initialize(&event, 1) && emit(writer, &event) &&
	       yaml_stream_end_event_initialize(&event) && emit(writer, &event);
}

int doppel_wg_words_yaml(const json_t *words, struct buf *text)
{
	struct writer writer = { .text = text };
	bool done;

	if (!yaml_emitter_initialize(&writer.emitter))
		return -ENOMEM;
	yaml_emitter_set_output(&writer.emitter, write_text, &writer);
	yaml_emitter_set_width(&writer.emitter, -1);
	yaml_emitter_set_unicode(&writer.emitter, 1);
	done = write_document(&writer, words);
	yaml_emitter_delete(&writer.emitter);
	return done && !text->failed ? 0 : -ENOMEM;
}
