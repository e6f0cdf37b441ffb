/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Typed values out of YAML nodes. Each returns true and sets the value, or adds
 * an error that says what to write, leaves the value alone and returns false.
 */
#ifndef DOPPEL_BASE_YAML_VALUE_H
#define DOPPEL_BASE_YAML_VALUE_H

#include <netinet/in.h>

#include "base/addr.h"
#include "base/yaml.h"

bool doppel_yaml_want_map(struct doppel_error *error, const struct yaml_node *node);
bool doppel_yaml_want_list(struct doppel_error *error, const struct yaml_node *node);
/* Each key of the map is one of the NULL-terminated keys; an error for every other. */
bool doppel_yaml_want_keys(struct doppel_error *error, const struct yaml_node *map,
			   const char *const *keys);

/* Text that is not empty; it is the node's. */
bool doppel_yaml_text(struct doppel_error *error, const struct yaml_node *node,
		      const char **text);
bool doppel_yaml_uint(struct doppel_error *error, const struct yaml_node *node, uint32_t min,
		      uint32_t max, uint32_t *value);
/* "15s"; min and max are milliseconds. */
bool doppel_yaml_duration(struct doppel_error *error, const struct yaml_node *node, int64_t min,
			  int64_t max, int64_t *ms);
/* One of the NULL-terminated words, as its index. */
bool doppel_yaml_choice(struct doppel_error *error, const struct yaml_node *node,
			const char *const *words, unsigned int *index);
bool doppel_yaml_ip4(struct doppel_error *error, const struct yaml_node *node,
		     struct in_addr *addr);
bool doppel_yaml_ip4_prefix(struct doppel_error *error, const struct yaml_node *node,
			    struct in_addr *addr, uint8_t *len);
bool doppel_yaml_ip6(struct doppel_error *error, const struct yaml_node *node,
		     struct in6_addr *addr);
bool doppel_yaml_ip6_prefix(struct doppel_error *error, const struct yaml_node *node,
			    struct in6_addr *addr, uint8_t *len);
bool doppel_yaml_mac(struct doppel_error *error, const struct yaml_node *node, struct mac *mac);
/* A name that the kernel lets a port have; interface has IF_NAMESIZE bytes. */
bool doppel_yaml_interface(struct doppel_error *error, const struct yaml_node *node,
			   char *interface);
bool doppel_yaml_absolute_path(struct doppel_error *error, const struct yaml_node *node,
			       const char **path);

#endif
