// SPDX-License-Identifier: GPL-2.0-only
#include "base/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define DEPTH_MAX 16
#define KEY_MAX 64		/* bytes */
#define KEYS_MAX 64		/* of one map: each is compared with all others */
#define SIZE_LIMIT (16u << 20)

struct reader {
	yaml_parser_t parser;
	struct yaml *yaml;
	struct doppel_error *error;
	size_t nodes;
};

static void free_node(struct yaml_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->count; i++)
		free_node(node->children[i]);
	free(node->children);
	free(node->path);
	free(node->key);
	free(node->text);
	free(node);
}

void doppel_yaml_free(struct yaml *yaml)
{
	if (!yaml)
		return;
	free_node(yaml->root);
	free(yaml->file);
	free(yaml);
}

void doppel_yaml_cleanup(struct yaml **yaml)
{
	doppel_yaml_free(*yaml);
}

static int refuse(struct reader *reader, yaml_mark_t mark, const char *what)
{
	doppel_error_add(reader->error, "%s:%zu:%zu: %s", reader->yaml->file, mark.line + 1,
			 mark.column + 1, what);
	return -EINVAL;
}

static int no_memory(struct reader *reader)
{
	doppel_error_add(reader->error, "%s: out of memory", reader->yaml->file);
	return -ENOMEM;
}

/* libyaml has read as far as it can: say where that is and what it missed. */
static int refuse_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	char what[256];

	if (parser->error == YAML_MEMORY_ERROR)
		return no_memory(reader);
	if (parser->error == YAML_READER_ERROR)
		snprintf(what, sizeof(what), "byte %zu: %s", parser->problem_offset,
			 parser->problem ? parser->problem : "not readable text");
	else
		snprintf(what, sizeof(what), "%s%s%s",
			 parser->problem ? parser->problem : "not YAML",
			 parser->context ? " " : "", parser->context ? parser->context : "");
	return refuse(reader, parser->problem_mark, what);
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
	return yaml_parser_parse(&reader->parser, event) ? 0 : refuse_syntax(reader);
}

static struct yaml_node *new_node(struct reader *reader, enum yaml_kind kind,
				  struct yaml_node *parent, yaml_mark_t mark)
{
	struct yaml_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->file = reader->yaml->file;
	node->line = (int)mark.line + 1;
	node->column = (int)mark.column + 1;
	node->parent = parent;
	return node;
}

/* "parent.key" or "parent[3]"; at the top the key alone. */
static char *make_path(const struct yaml_node *parent, const char *key)
{
	char *path;
	int len;

	if (!parent)
		return strdup("");
	if (!key)
		len = asprintf(&path, "%s[%zu]", parent->path, parent->count);
	else
		len = asprintf(&path, "%s%s%s", parent->path, *parent->path ? "." : "", key);
	return len < 0 ? NULL : path;
}

static int append_child(struct yaml_node *parent, struct yaml_node *child)
{
	/* Grown at the powers of two. */
	if (!(parent->count & (parent->count - 1))) {
		size_t room = parent->count ? 2 * parent->count : 1;
		struct yaml_node **children = reallocarray(parent->children, room,
							   sizeof(*children));

		if (!children)
			return -ENOMEM;
		parent->children = children;
	}
	parent->children[parent->count++] = child;
	return 0;
}

static int read_node(struct reader *reader, const yaml_event_t *event, struct yaml_node *parent,
		     const yaml_event_t *key, unsigned int depth, struct yaml_node **result);

static int read_list(struct reader *reader, struct yaml_node *list, unsigned int depth)
{
	for (;;) {
		struct yaml_node *child;
		yaml_event_t event;
		int err = next_event(reader, &event);

		if (err)
			return err;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return 0;
		}
		err = read_node(reader, &event, list, NULL, depth, &child);
		yaml_event_delete(&event);
		if (err)
			return err;
		if (append_child(list, child)) {
			free_node(child);
			return no_memory(reader);
		}
	}
}

static int check_key(struct reader *reader, const struct yaml_node *map, const yaml_event_t *key)
{
	const char *name = (const char *)key->data.scalar.value;
	const struct yaml_node *first;
	char what[256];

	if (strlen(name) != key->data.scalar.length || strchr(name, '\n'))
		return refuse(reader, key->start_mark, "a key may not have line ends in it");
	if (strlen(name) > KEY_MAX)
		return refuse(reader, key->start_mark, "a key may have no more than 64 bytes");
	if (map->count == KEYS_MAX)
		return refuse(reader, key->start_mark, "a map may have no more than 64 keys");
	first = doppel_yaml_get(map, name);
	if (!first)
		return 0;
	snprintf(what, sizeof(what), "%.180s: given twice, first in line %d; leave one",
		 first->path, first->key_line);
	return refuse(reader, key->start_mark, what);
}

static int read_map(struct reader *reader, struct yaml_node *map, unsigned int depth)
{
	for (;;) {
		struct yaml_node *child = NULL;
		yaml_event_t key, value;
		int err = next_event(reader, &key);

		if (err)
			return err;
		if (key.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&key);
			return 0;
		}
		if (key.type != YAML_SCALAR_EVENT)
			err = refuse(reader, key.start_mark, "a key must be a plain word");
		else
			err = check_key(reader, map, &key);
		if (!err)
			err = next_event(reader, &value);
		if (!err) {
			err = read_node(reader, &value, map, &key, depth, &child);
			yaml_event_delete(&value);
		}
		yaml_event_delete(&key);
		if (err)
			return err;
		if (append_child(map, child)) {
			free_node(child);
			return no_memory(reader);
		}
	}
}

static int fill_node(struct reader *reader, struct yaml_node *node, const yaml_event_t *event,
		     const yaml_event_t *key, unsigned int depth)
{
	const char *name = key ? (const char *)key->data.scalar.value : NULL;

	node->path = make_path(node->parent, name);
	if (!node->path)
		return no_memory(reader);
	if (key) {
		node->key_line = (int)key->start_mark.line + 1;
		node->key_column = (int)key->start_mark.column + 1;
		node->key = strdup(name);
		if (!node->key)
			return no_memory(reader);
	}
	if (node->kind == DOPPEL_YAML_MAP)
		return read_map(reader, node, depth + 1);
	if (node->kind == DOPPEL_YAML_LIST)
		return read_list(reader, node, depth + 1);
	if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
		return refuse(reader, event->start_mark, "text may not have a NUL in it");
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = strdup((const char *)event->data.scalar.value);
	return node->text ? 0 : no_memory(reader);
}

static int read_node(struct reader *reader, const yaml_event_t *event, struct yaml_node *parent,
		     const yaml_event_t *key, unsigned int depth, struct yaml_node **result)
{
	const yaml_char_t *anchor = NULL;
	struct yaml_node *node;
	enum yaml_kind kind;
	int err;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		kind = DOPPEL_YAML_SCALAR;
		anchor = event->data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		kind = DOPPEL_YAML_LIST;
		anchor = event->data.sequence_start.anchor;
		break;
	case YAML_MAPPING_START_EVENT:
		kind = DOPPEL_YAML_MAP;
		anchor = event->data.mapping_start.anchor;
		break;
	default:
		return refuse(reader, event->start_mark, "aliases (*name) cannot be used here");
	}
	if (anchor)
		return refuse(reader, event->start_mark, "anchors (&name) cannot be used here");
	if (depth > DEPTH_MAX)
		return refuse(reader, event->start_mark, "nested too deeply");
	if (++reader->nodes > DOPPEL_YAML_NODES_MAX)
		return refuse(reader, event->start_mark, "the file has too many values; make it smaller");
	node = new_node(reader, kind, parent, event->start_mark);
	if (!node)
		return no_memory(reader);
	err = fill_node(reader, node, event, key, depth);
	if (err) {
		free_node(node);
		return err;
	}
	*result = node;
	return 0;
}

/* STREAM-START (DOCUMENT-START node DOCUMENT-END)? STREAM-END */
static int read_stream(struct reader *reader)
{
	bool done = false;

	while (!done) {
		yaml_event_t event;
		int err = next_event(reader, &event);

		if (err)
			return err;
		switch (event.type) {
		case YAML_STREAM_END_EVENT:
			done = true;
			break;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (reader->yaml->root)
				err = refuse(reader, event.start_mark,
					     "a second document; keep one");
			break;
		default:
			err = read_node(reader, &event, NULL, NULL, 0, &reader->yaml->root);
		}
		yaml_event_delete(&event);
		if (err)
			return err;
	}
	return 0;
}

int doppel_yaml_parse(const char *file, const char *text, size_t len, struct yaml **yaml,
		      struct doppel_error *error)
{
	struct reader reader = { .error = error };
	int err;

	reader.yaml = calloc(1, sizeof(*reader.yaml));
	if (!reader.yaml)
		return -ENOMEM;
	reader.yaml->file = strdup(file);
	if (!reader.yaml->file || !yaml_parser_initialize(&reader.parser)) {
		doppel_yaml_free(reader.yaml);
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
	err = read_stream(&reader);
	yaml_parser_delete(&reader.parser);
	if (err) {
		doppel_yaml_free(reader.yaml);
		return err;
	}
	*yaml = reader.yaml;
	return 0;
}

static int read_whole(const char *file, struct buf *text)
{
	auto_fclose FILE *stream = fopen(file, "re");
	char block[4096];
	struct stat st;
	size_t len;

	if (!stream)
		return -errno;
	if (fstat(fileno(stream), &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	while ((len = fread(block, 1, sizeof(block), stream))) {
		if (text->len + len > SIZE_LIMIT)
			return -EFBIG;
		if (doppel_buf_add(text, block, len))
			return -ENOMEM;
	}
	return ferror(stream) ? -EIO : 0;
}

int doppel_yaml_load(const char *file, struct yaml **yaml, struct doppel_error *error)
{
	auto_buf struct buf text = {};
	int err = read_whole(file, &text);

	if (err) {
		doppel_error_add(error, "%s: cannot be read: %s", file, strerror(-err));
		return err;
	}
	return doppel_yaml_parse(file, text.data ? text.data : "", text.len, yaml, error);
}

static void forget_places(struct yaml_node *node)
{
	node->line = 0;
	node->key_line = 0;
	for (size_t i = 0; i < node->count; i++)
		forget_places(node->children[i]);
}

void doppel_yaml_forget_places(struct yaml *yaml)
{
	if (yaml->root)
		forget_places(yaml->root);
}

size_t doppel_yaml_count(const struct yaml_node *node)
{
	size_t count = 1;

	for (size_t i = 0; i < node->count; i++)
		count += doppel_yaml_count(node->children[i]);
	return count;
}

const struct yaml_node *doppel_yaml_get(const struct yaml_node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->children[i]->key && !strcmp(map->children[i]->key, key))
			return map->children[i];
	return NULL;
}

bool doppel_yaml_is_null(const struct yaml_node *node)
{
	return node->kind == DOPPEL_YAML_SCALAR && !node->quoted &&
	       (!*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

const char *doppel_yaml_kind_name(const struct yaml_node *node)
{
	if (node->kind == DOPPEL_YAML_MAP)
		return "a map";
	if (node->kind == DOPPEL_YAML_LIST)
		return "a list";
	return doppel_yaml_is_null(node) ? "nothing" : "text";
}

static void add_error(struct doppel_error *error, const char *file, int line, int column,
		      const char *path, const char *fmt, va_list ap)
{
	char what[512], place[32] = "";

	vsnprintf(what, sizeof(what), fmt, ap);
	if (line)
		snprintf(place, sizeof(place), ":%d:%d", line, column);
	doppel_error_add(error, "%s%s: %s%s%s", file, place, path, *path ? ": " : "", what);
}

void doppel_yaml_error(struct doppel_error *error, const struct yaml_node *node, const char *fmt,
		       ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_error(error, node->file, node->line, node->column, node->path, fmt, ap);
	va_end(ap);
}

void doppel_yaml_error_key(struct doppel_error *error, const struct yaml_node *node,
			   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_error(error, node->file, node->key_line, node->key_column, node->path, fmt, ap);
	va_end(ap);
}

void doppel_yaml_error_missing(struct doppel_error *error, const struct yaml_node *map,
			       const char *key, const char *fmt, ...)
{
	auto_free char *path = make_path(map, key);
	va_list ap;

	va_start(ap, fmt);
	add_error(error, map->file, map->line, map->column, path ? path : key, fmt, ap);
	va_end(ap);
}
