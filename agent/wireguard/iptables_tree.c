// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/iptables_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_MAX 32			/* so many addresses are looked at one after the other */
#define BRANCH_BITS 4

void doppel_iptables_writer_free(struct iptables_writer *writer)
{
	doppel_buf_free(&writer->chains);
	doppel_buf_free(&writer->rules);
}

bool doppel_iptables_failed(const struct iptables_writer *writer)
{
	return writer->no_memory || writer->chains.failed || writer->rules.failed;
}

void doppel_iptables_declare(struct iptables_writer *writer, const char *chain)
{
	doppel_buf_printf(&writer->chains, ":%s - [0:0]\n", chain);
}

void doppel_iptables_network(struct iptables_writer *writer, size_t number,
			     char chain[IPTABLES_CHAIN], char box[IPTABLES_CHAIN])
{
	writer->network = (unsigned int)number + 1;
	writer->last = 0;
	snprintf(chain, IPTABLES_CHAIN, IPTABLES_PREFIX "%u", writer->network);
	snprintf(box, IPTABLES_CHAIN, IPTABLES_PREFIX "%u-BOX", writer->network);
	doppel_iptables_declare(writer, chain);
	doppel_iptables_declare(writer, box);
}

void doppel_iptables_chain(struct iptables_writer *writer, char chain[IPTABLES_CHAIN])
{
	snprintf(chain, IPTABLES_CHAIN, IPTABLES_PREFIX "%u-%u", writer->network, ++writer->last);
	doppel_iptables_declare(writer, chain);
}

/* --- classes --------------------------------------------------------------------------------- */

/* The side's bit; side_count: it has none. */
static size_t bit_of(const struct iptables_classes *classes, const struct wg_addresses *side)
{
	size_t i = 0;

	while (i < classes->side_count && classes->sides[i] != side)
		i++;
	return i;
}

void doppel_iptables_classes_add(struct iptables_writer *writer, struct iptables_classes *classes,
				 const struct wg_addresses *side)
{
	const struct wg_addresses **more;

	if (!doppel_wg_is_several(side, writer->family) ||
	    bit_of(classes, side) < classes->side_count)
		return;
	more = reallocarray(classes->sides, classes->side_count + 1, sizeof(*more));
	if (!more) {
		writer->no_memory = true;
		return;
	}
	classes->sides = more;
	more[classes->side_count++] = side;
}

/* Items' class is the number of their side for now. */
static int compare(const void *one, const void *other)
{
	const struct iptables_item *a = one, *b = other;
	const int order = memcmp(&a->cidr->net, &b->cidr->net, sizeof(a->cidr->net));

	if (order)
		return order;
	if (a->cidr->len != b->cidr->len)
		return a->cidr->len - b->cidr->len;
	return a->class < b->class ? -1 : a->class > b->class;
}

static void collect(struct iptables_writer *writer, struct iptables_classes *classes)
{
	const struct cidr *list;
	size_t side, i, count, total = 0;

	for (side = 0; side < classes->side_count; side++) {
		doppel_wg_of_family(classes->sides[side], writer->family, &count);
		total += count;
	}
	classes->items = calloc(total + 1, sizeof(*classes->items));
	if (!classes->items) {
		writer->no_memory = true;
		return;
	}
	for (side = 0; side < classes->side_count; side++) {
		list = doppel_wg_of_family(classes->sides[side], writer->family, &count);
		for (i = 0; i < count; i++)
			classes->items[classes->item_count++] = (struct iptables_item){
				.cidr = &list[i], .class = side,
			};
	}
	qsort(classes->items, classes->item_count, sizeof(*classes->items), compare);
}

/* The class of those that are in just these sides. It takes @sides over. */
static size_t class_of(struct iptables_writer *writer, struct iptables_classes *classes,
		       uint8_t *sides, size_t len)
{
	struct iptables_class *more;
	size_t i;

	for (i = 0; i < classes->count; i++) {
		if (memcmp(classes->list[i].sides, sides, len))
			continue;
		free(sides);
		return i;
	}
	more = reallocarray(classes->list, classes->count + 1, sizeof(*more));
	if (!more) {
		writer->no_memory = true;
		free(sides);
		return 0;
	}
	classes->list = more;
	more[i].sides = sides;
	doppel_iptables_chain(writer, more[i].chain);
	return classes->count++;
}

void doppel_iptables_classes_make(struct iptables_writer *writer, struct iptables_classes *classes)
{
	const size_t len = (classes->side_count + 7) / 8;
	size_t i, next, kept = 0;

	collect(writer, classes);
	for (i = 0; !writer->no_memory && i < classes->item_count; i = next) {
		const struct cidr *cidr = classes->items[i].cidr;
		uint8_t *sides = calloc(len, 1);

		writer->no_memory = !sides;
		for (next = i; sides && next < classes->item_count &&
		     doppel_cidr_eq(classes->items[next].cidr, cidr); next++)
			sides[classes->items[next].class / 8] |=
				(uint8_t)(1 << classes->items[next].class % 8);
		if (sides)
			classes->items[kept++] = (struct iptables_item){
				.cidr = cidr, .class = class_of(writer, classes, sides, len),
			};
	}
	classes->item_count = kept;
	if (writer->no_memory)
		doppel_iptables_classes_free(classes);
}

bool doppel_iptables_class_has(const struct iptables_classes *classes,
			       const struct iptables_class *class, const struct wg_addresses *side)
{
	const size_t bit = bit_of(classes, side);

	return class->sides[bit / 8] & 1 << bit % 8;
}

void doppel_iptables_classes_free(struct iptables_classes *classes)
{
	size_t i;

	for (i = 0; i < classes->count; i++)
		free(classes->list[i].sides);
	free(classes->list);
	free(classes->items);
	free(classes->sides);
	*classes = (struct iptables_classes){ .count = 0 };
}

/* --- trees ----------------------------------------------------------------------------------- */

struct tree {
	struct iptables_writer *writer;
	const struct iptables_class *classes;	/* NULL: what is found is dropped */
	const char *option;
	const char *others;		/* NULL: what is not found returns */
};

static void write_line(const struct tree *tree, const char *chain, const struct cidr *cidr,
		       const char *target)
{
	char text[DOPPEL_CIDR_TEXT];

	doppel_buf_printf(&tree->writer->rules, "-A %s %s %s %s\n", chain, tree->option,
			  doppel_cidr_format(cidr, text), target);
}

static void write_found(const struct tree *tree, const char *chain,
			const struct iptables_item *item)
{
	char target[IPTABLES_CHAIN + 4] = "-j DROP";

	if (tree->classes)
		snprintf(target, sizeof(target), "-g %s", tree->classes[item->class].chain);
	write_line(tree, chain, item->cidr, target);
}

/* How many bits the addresses have in common, from the first on. */
static unsigned int common_bits(const struct in6_addr *a, const struct in6_addr *b)
{
	unsigned int bits = 0;

	while (bits < 128 && !((a->s6_addr[bits / 8] ^ b->s6_addr[bits / 8]) & 0x80 >> bits % 8))
		bits++;
	return bits;
}

static struct cidr branch_of(const struct cidr *cidr, unsigned int len)
{
	struct cidr branch = { .net = cidr->net, .len = (uint8_t)len };
	unsigned int bit;

	for (bit = len; bit < 128; bit++)
		branch.net.s6_addr[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return branch;
}

static void write_tree(const struct tree *tree, const char *chain,
		       const struct iptables_item *items, size_t count);

static void write_branch(const struct tree *tree, const char *chain, const struct cidr *prefix,
			 const struct iptables_item *items, size_t count)
{
	char child[IPTABLES_CHAIN], target[IPTABLES_CHAIN + 4];

	if (count == 1) {
		write_found(tree, chain, items);
		return;
	}
	doppel_iptables_chain(tree->writer, child);
	snprintf(target, sizeof(target), "-g %s", child);
	write_line(tree, chain, prefix, target);
	write_tree(tree, child, items, count);
}

/* Items are sorted, and none lies in another: what shares a branch's prefix is together. */
static void write_branches(const struct tree *tree, const char *chain,
			   const struct iptables_item *items, size_t count)
{
	const unsigned int len = BRANCH_BITS + common_bits(&items[0].cidr->net,
							   &items[count - 1].cidr->net);
	size_t i, next;

	for (i = 0; i < count; i = next) {
		const struct cidr prefix = branch_of(items[i].cidr, len < 128 ? len : 128);

		next = i + 1;
		while (next < count && doppel_cidr_covers(&prefix, items[next].cidr))
			next++;
		write_branch(tree, chain, &prefix, &items[i], next - i);
	}
}

static void write_tree(const struct tree *tree, const char *chain,
		       const struct iptables_item *items, size_t count)
{
	size_t i;

	if (count > LEAF_MAX)
		write_branches(tree, chain, items, count);
	for (i = 0; count <= LEAF_MAX && i < count; i++)
		write_found(tree, chain, &items[i]);
	if (tree->others)
		doppel_buf_printf(&tree->writer->rules, "-A %s -g %s\n", chain, tree->others);
}

void doppel_iptables_tree(struct iptables_writer *writer, const struct iptables_classes *classes,
			  const char *chain, const char *option, const char *others)
{
	const struct tree tree = { writer, classes->list, option, others };

	write_tree(&tree, chain, classes->items, classes->item_count);
}

void doppel_iptables_drop_tree(struct iptables_writer *writer,
			       const struct wg_addresses *addresses, const char *chain,
			       const char *option)
{
	const struct tree tree = { writer, NULL, option, NULL };
	const struct cidr *list;
	size_t i, count;
	struct iptables_item *items;

	list = doppel_wg_of_family(addresses, writer->family, &count);
	items = calloc(count + 1, sizeof(*items));
	if (!items) {
		writer->no_memory = true;
		return;
	}
	for (i = 0; i < count; i++)
		items[i].cidr = &list[i];
	write_tree(&tree, chain, items, count);
	free(items);
}
