// SPDX-License-Identifier: GPL-2.0-only
#include "base/heap.h"

#include <stdbool.h>
#include <stddef.h>

/* Two trees become one: the later root is a child of the earlier one. Either may be NULL. */
static struct heap_node *meld(struct heap_node *a, struct heap_node *b)
{
	struct heap_node *earlier, *later;

	if (!a || !b)
		return a ? a : b;
	earlier = b->key < a->key ? b : a;
	later = earlier == a ? b : a;
	later->prev = earlier;
	later->next = earlier->child;
	if (later->next)
		later->next->prev = later;
	earlier->child = later;
	return earlier;
}

static void make_root(struct heap_node *node)
{
	node->next = NULL;
	node->prev = NULL;
}

/* Siblings in pairs from left to right, then the pairs from right to left, without recursion. */
static struct heap_node *meld_siblings(struct heap_node *node)
{
	struct heap_node *pairs = NULL, *whole = NULL;

	while (node) {
		struct heap_node *a = node, *b = node->next;

		node = b ? b->next : NULL;
		make_root(a);
		if (b)
			make_root(b);
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct heap_node *pair = pairs;

		pairs = pairs->next;
		make_root(pair);
		whole = meld(whole, pair);
	}
	return whole;
}

static bool is_in(const struct heap *heap, const struct heap_node *node)
{
	return node->prev || heap->first == node;
}

void doppel_heap_del(struct heap *heap, struct heap_node *node)
{
	struct heap_node *below;

	if (!is_in(heap, node))
		return;
	below = meld_siblings(node->child);
	if (heap->first == node) {
		heap->first = below;
	} else {
		if (node->prev->child == node)
			node->prev->child = node->next;
		else
			node->prev->next = node->next;
		if (node->next)
			node->next->prev = node->prev;
		heap->first = meld(heap->first, below);
	}
	node->child = NULL;
	make_root(node);
}

void doppel_heap_put(struct heap *heap, struct heap_node *node, int64_t key)
{
	if (is_in(heap, node) && node->key == key)
		return;
	doppel_heap_del(heap, node);
	node->key = key;
	heap->first = meld(heap->first, node);
}
