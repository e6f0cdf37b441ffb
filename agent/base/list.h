/* SPDX-License-Identifier: GPL-2.0-only */
/* An intrusive, circular, doubly linked list, as in the kernel. */
#ifndef DOPPEL_BASE_LIST_H
#define DOPPEL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#ifndef container_of
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
#endif

struct list {
	struct list *prev, *next;
};

static inline void doppel_list_init(struct list *head)
{
	head->prev = head;
	head->next = head;
}

static inline bool doppel_list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void doppel_list_add_tail(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* The node is a list of its own afterwards: deleting it again does no harm. */
static inline void doppel_list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	doppel_list_init(node);
}

/* The body may delete node. */
#define doppel_list_foreach(node, head) \
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)

#endif
