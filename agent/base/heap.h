/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An intrusive pairing heap: thousands of deadlines, the earliest at once. It allocates nothing, so
 * nothing in it can fail; putting a node in costs O(1), taking one out O(log n) on average.
 */
#ifndef DOPPEL_BASE_HEAP_H
#define DOPPEL_BASE_HEAP_H

#include <stdint.h>

/* All zeros: in no heap. */
struct heap_node {
	struct heap_node *child;	/* the first; none of them is earlier than this node */
	struct heap_node *next;		/* sibling */
	struct heap_node *prev;		/* sibling, or parent of the first one; NULL: the root */
	int64_t key;
};

/* All zeros: empty. */
struct heap {
	struct heap_node *first;	/* the one with the least key; NULL: none */
};

/* Put the node in, or give it another key if it is there. */
void doppel_heap_put(struct heap *heap, struct heap_node *node, int64_t key);
/* Take the node out, if it is there. */
void doppel_heap_del(struct heap *heap, struct heap_node *node);

#endif
