/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains that tell many addresses apart. iptables knows no sets, and a rule for each address would
 * have a packet meet all of them; so a chain leads on by prefix to chains of fewer addresses. All of
 * that is by goto, with which RETURN still leaves the network's first chain. nftables' version of
 * iptables lets a packet go through 16 chains.
 */
#ifndef DOPPEL_WIREGUARD_IPTABLES_TREE_H
#define DOPPEL_WIREGUARD_IPTABLES_TREE_H

#include "base/buf.h"
#include "wireguard/rules.h"

#define IPTABLES_PREFIX "DOPPEL-WG-"
#define IPTABLES_CHAIN 29		/* a chain's name, with its NUL */

struct iptables_writer {
	int family;
	struct buf chains, rules;	/* what is declared, and what is in it */
	unsigned int network, last;	/* numbers of the network and of its last chain */
	bool no_memory;
};

/* Addresses that are in the same ones of `sides`. */
struct iptables_class {
	uint8_t *sides;			/* a bit for each */
	char chain[IPTABLES_CHAIN];
};

struct iptables_item {
	const struct cidr *cidr;
	size_t class;
};

/* Begin with {}. */
struct iptables_classes {
	const struct wg_addresses **sides;
	size_t side_count;
	struct iptables_class *list;
	size_t count;
	struct iptables_item *items;
	size_t item_count;
};

void doppel_iptables_writer_free(struct iptables_writer *writer);
bool doppel_iptables_failed(const struct iptables_writer *writer);

#define auto_iptables_writer __attribute__((cleanup(doppel_iptables_writer_free)))

void doppel_iptables_declare(struct iptables_writer *writer, const char *chain);
/* The chains of network @number (from 0), which is what is written from now on. */
void doppel_iptables_network(struct iptables_writer *writer, size_t number,
			     char chain[IPTABLES_CHAIN], char box[IPTABLES_CHAIN]);
/* Another one of the network. */
void doppel_iptables_chain(struct iptables_writer *writer, char chain[IPTABLES_CHAIN]);

/* A side by which addresses differ; one that is no more than a prefix is left out. */
void doppel_iptables_classes_add(struct iptables_writer *writer, struct iptables_classes *classes,
				 const struct wg_addresses *side);
/* All sides are added: the classes, with a chain for each. */
void doppel_iptables_classes_make(struct iptables_writer *writer, struct iptables_classes *classes);
bool doppel_iptables_class_has(const struct iptables_classes *classes,
			       const struct iptables_class *class, const struct wg_addresses *side);
void doppel_iptables_classes_free(struct iptables_classes *classes);

/* From @chain to the class of the packet's address, or to @others. @option: "-s" or "-d" */
void doppel_iptables_tree(struct iptables_writer *writer, const struct iptables_classes *classes,
			  const char *chain, const char *option, const char *others);
/* Drop what is from or to these; the chain is jumped to. */
void doppel_iptables_drop_tree(struct iptables_writer *writer,
			       const struct wg_addresses *addresses, const char *chain,
			       const char *option);

#endif
