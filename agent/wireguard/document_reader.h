/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that read a document share and nobody else sees. */
#ifndef DOPPEL_WIREGUARD_DOCUMENT_READER_H
#define DOPPEL_WIREGUARD_DOCUMENT_READER_H

#include "base/yaml.h"
#include "base/yaml_value.h"
#include "wireguard/document.h"
#include "wireguard/model.h"
#include "wireguard/owners.h"

/* Each fault becomes a line of @error, and the reading goes on. */
struct wg_reader {
	struct doppel_error *error;
	const struct wg_devices *devices;	/* may be NULL */
	struct wg_network *network;		/* that is being read */
	size_t rule_count;	/* of the networks that are read */
	bool no_memory;
};

void doppel_wg_read_no_memory(struct wg_reader *reader);
/*
 * The list's items, zeroed, @size bytes each, and in @count how many; NULL when there is no list, or
 * none that is one.
 */
void *doppel_wg_read_items(struct wg_reader *reader, const struct yaml_node *list, size_t size,
			   size_t *count);
char *doppel_wg_read_text(struct wg_reader *reader, const struct yaml_node *node);
/* The item's `name`, a label of the DNS; NULL after an error. */
char *doppel_wg_read_name(struct wg_reader *reader, const struct yaml_node *item);
/* @name, which @item has, is in @names then; an error when it is there already. */
void doppel_wg_claim_name(struct wg_reader *reader, struct wg_owners *names, const char *name,
			  const struct yaml_node *item);
bool doppel_wg_read_flag(struct wg_reader *reader, const struct yaml_node *map, const char *key);
/* An address or a prefix of a family that the network has. */
bool doppel_wg_read_address(struct wg_reader *reader, const struct yaml_node *node,
			    struct in6_addr *address);
bool doppel_wg_read_cidr(struct wg_reader *reader, const struct yaml_node *node,
			 struct cidr *cidr);
bool doppel_wg_check_family(struct wg_reader *reader, const struct yaml_node *node, int family);
/* Groups by their names, as the caller's to free, and in @count how many. */
struct wg_group **doppel_wg_read_groups(struct wg_reader *reader, const struct yaml_node *list,
					size_t *count);

/* document_peers.c: names are read before. */
void doppel_wg_read_peers(struct wg_reader *reader, const struct yaml_node *list);
/* document_policies.c */
void doppel_wg_read_policies(struct wg_reader *reader, const struct yaml_node *list);
/* document_routes.c: peers are read before. */
void doppel_wg_read_routes(struct wg_reader *reader, const struct yaml_node *list);

#endif
