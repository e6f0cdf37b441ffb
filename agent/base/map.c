// SPDX-License-Identifier: GPL-2.0-only
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A table's size is bounded by the configuration, not by who fills it. */
uint32_t doppel_map_hash(const void *key, size_t len)
{
	const uint8_t *byte = key;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static struct map_node **bucket(const struct map *map, uint32_t hash)
{
	return &map->buckets[hash & (map->nbuckets - 1)];
}

void doppel_map_init(struct map *map, size_t key_len)
{
	*map = (struct map){ .key_len = key_len };
}

void doppel_map_free(struct map *map)
{
	free(map->buckets);
	doppel_map_init(map, map->key_len);
}

static int grow(struct map *map)
{
	size_t nbuckets = map->nbuckets ? 2 * map->nbuckets : 16;
	struct map bigger = *map;

	bigger.buckets = calloc(nbuckets, sizeof(struct map_node *));
	if (!bigger.buckets)
		return -ENOMEM;
	bigger.nbuckets = nbuckets;
	for (size_t i = 0; i < map->nbuckets; i++) {
		struct map_node *node = map->buckets[i];

		while (node) {
			struct map_node *next = node->next;
			struct map_node **head = bucket(&bigger, node->hash);

			node->next = *head;
			*head = node;
			node = next;
		}
	}
	free(map->buckets);
	*map = bigger;
	return 0;
}

/* The first of that key from node on. */
static struct map_node *find_from(const struct map *map, struct map_node *node, const void *key,
				  uint32_t hash)
{
	while (node && (node->hash != hash || memcmp(node->key, key, map->key_len)))
		node = node->next;
	return node;
}

static struct map_node *find(const struct map *map, const void *key, uint32_t hash)
{
	return map->nbuckets ? find_from(map, *bucket(map, hash), key, hash) : NULL;
}

static int add(struct map *map, struct map_node *node, const void *key, uint32_t hash)
{
	struct map_node **head;

	if (map->count >= map->nbuckets && grow(map))
		return -ENOMEM;
	head = bucket(map, hash);
	*node = (struct map_node){ .next = *head, .key = key, .hash = hash };
	*head = node;
	map->count++;
	return 0;
}

int doppel_map_add(struct map *map, struct map_node *node, const void *key)
{
	uint32_t hash = doppel_map_hash(key, map->key_len);

	return find(map, key, hash) ? -EEXIST : add(map, node, key, hash);
}

int doppel_map_add_another(struct map *map, struct map_node *node, const void *key)
{
	return add(map, node, key, doppel_map_hash(key, map->key_len));
}

struct map_node *doppel_map_find(const struct map *map, const void *key)
{
	return find(map, key, doppel_map_hash(key, map->key_len));
}

struct map_node *doppel_map_find_another(const struct map *map, const struct map_node *node)
{
	return find_from(map, node->next, node->key, node->hash);
}

void doppel_map_del(struct map *map, struct map_node *node)
{
	struct map_node **link = bucket(map, node->hash);

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	map->count--;
}

struct map_node *doppel_map_next(const struct map *map, const struct map_node *node)
{
	size_t i = 0;

	if (node) {
		if (node->next)
			return node->next;
		i = (node->hash & (map->nbuckets - 1)) + 1;
	}
	for (; i < map->nbuckets; i++)
		if (map->buckets[i])
			return map->buckets[i];
	return NULL;
}
