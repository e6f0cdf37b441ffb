/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A YAML file as a tree of nodes that know where they stand, so that whoever
 * finds fault with one can say "file:line:column: path: what to do". No
 * anchors, aliases or merge keys, one document, no key twice; limits to keys and
 * nodes, so that no file takes more than a few seconds.
 */
#ifndef DOPPEL_BASE_YAML_H
#define DOPPEL_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define DOPPEL_YAML_NODES_MAX (1u << 19)	/* of one file; ten thousand peers are 150,000 */

enum yaml_kind {
	DOPPEL_YAML_SCALAR,
	DOPPEL_YAML_MAP,
	DOPPEL_YAML_LIST,
};

struct yaml_node {
	enum yaml_kind kind;
	const char *file;
	int line, column; /* from 1; 0: forgotten */
	char *path;	  /* "gateway.devices.list[0].mac"; "" at the top */
	char *key;	  /* in a map, else NULL */
	int key_line, key_column;
	char *text;	  /* a scalar's, else NULL */
	bool quoted;	  /* 'text' or "text": a string whatever it looks like */
	struct yaml_node *parent;
	size_t count;	  /* a map's or list's children */
	struct yaml_node **children;
};

struct yaml {
	char *file;
	struct yaml_node *root;	/* NULL if the document is empty */
};

#define auto_yaml __attribute__((cleanup(doppel_yaml_cleanup)))

/*
 * Parse a file, or text under that name. 0, or a negative errno and a line in
 * error: -EINVAL for its content, others for the file. Freed by the caller.
 */
int doppel_yaml_load(const char *file, struct yaml **yaml, struct doppel_error *error);
int doppel_yaml_parse(const char *file, const char *text, size_t len, struct yaml **yaml,
		      struct doppel_error *error);
void doppel_yaml_free(struct yaml *yaml);
void doppel_yaml_cleanup(struct yaml **yaml);

/* For a text that nobody sees: errors say "file: path: …" then. */
void doppel_yaml_forget_places(struct yaml *yaml);

/* The node, and all below it. */
size_t doppel_yaml_count(const struct yaml_node *node);
/* A map's child of that key, or NULL. */
const struct yaml_node *doppel_yaml_get(const struct yaml_node *map, const char *key);
/* What the node is, in words: "a list", "nothing", "text". */
const char *doppel_yaml_kind_name(const struct yaml_node *node);
/* A plain "", "~" or "null". */
bool doppel_yaml_is_null(const struct yaml_node *node);

/* Add "file:line:column: path: …" for the node's value, or for its key. */
void doppel_yaml_error(struct doppel_error *error, const struct yaml_node *node,
		       const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void doppel_yaml_error_key(struct doppel_error *error, const struct yaml_node *node,
			   const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Add an error about a key that the map lacks. */
void doppel_yaml_error_missing(struct doppel_error *error, const struct yaml_node *map,
			       const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
