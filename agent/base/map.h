/* SPDX-License-Identifier: GPL-2.0-only */
/* An intrusive hash map with keys of one fixed length, devices by MAC for example. */
#ifndef DOPPEL_BASE_MAP_H
#define DOPPEL_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct map_node {
	struct map_node *next;
	const void *key;
	uint32_t hash;
};

struct map {
	struct map_node **buckets;
	size_t nbuckets; /* a power of two, or 0 */
	size_t count;
	size_t key_len;
};

/* FNV-1a, mixed. */
uint32_t doppel_map_hash(const void *key, size_t len);

void doppel_map_init(struct map *map, size_t key_len);
/* The nodes are their owners': only the map's own memory goes. */
void doppel_map_free(struct map *map);

/* The key lies in the node's owner and stays as it is. 0, -EEXIST or -ENOMEM. */
int doppel_map_add(struct map *map, struct map_node *node, const void *key);
struct map_node *doppel_map_find(const struct map *map, const void *key);
void doppel_map_del(struct map *map, struct map_node *node);

/* As add, whoever has the key already: find() gives one of them, find_another() the next. */
int doppel_map_add_another(struct map *map, struct map_node *node, const void *key);
struct map_node *doppel_map_find_another(const struct map *map, const struct map_node *node);

/* The node after node in no special order, the first after NULL, NULL after the last. */
struct map_node *doppel_map_next(const struct map *map, const struct map_node *node);

/* The body may delete node, and no other. */
#define doppel_map_foreach(node, map) \
	for (struct map_node *node = doppel_map_next(map, NULL), \
	     *node##_next = node ? doppel_map_next(map, node) : NULL; node; \
	     node = node##_next, node##_next = node ? doppel_map_next(map, node) : NULL)

#endif
