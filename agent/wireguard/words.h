/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is wanted in the words of the YAML, as JSON: {"firewall": …, "networks": […]}. JSON is YAML, so
 * the same reader checks it; numbers and truth values are such only where the words say so.
 */
#ifndef DOPPEL_WIREGUARD_WORDS_H
#define DOPPEL_WIREGUARD_WORDS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/yaml.h"

/* A node and all below it; `cidr` becomes ipv4_cidr. The caller's; NULL for want of memory. */
json_t *doppel_wg_words(const struct yaml_node *node);

/* The other way, as YAML for people. 0 or -ENOMEM. */
int doppel_wg_words_yaml(const json_t *words, struct buf *text);

/* To read them by the reader: nodes that stand nowhere in a file; @file is what messages begin with. */
int doppel_wg_words_parse(const char *file, const json_t *words, struct yaml **yaml,
			  struct doppel_error *error);

/* Of a list of things with names, in any case: where it stands; the list's length when it is not there. */
size_t doppel_wg_words_find(const json_t *list, const char *name);
/* "" when it has none. */
const char *doppel_wg_words_name(const json_t *item);

#endif
