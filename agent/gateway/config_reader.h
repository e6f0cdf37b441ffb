/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that read the configuration share and nobody else sees. */
#ifndef DOPPEL_GATEWAY_CONFIG_READER_H
#define DOPPEL_GATEWAY_CONFIG_READER_H

#include "base/yaml.h"
#include "gateway/config.h"

/* Milliseconds */
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24LL * HOUR)

struct reader {
	struct config *config;
	struct doppel_error *error;
};

/* Each fault becomes a line of reader->error, and the reading goes on. */

/* Always false. */
bool doppel_config_no_memory(struct reader *reader);
/* The map's child, or NULL and an error that it is missing. */
const struct yaml_node *doppel_config_require(struct reader *reader, const struct yaml_node *map,
					      const char *key, const char *what);

/* config_nat.c */
void doppel_config_read_lend(struct reader *reader, const struct yaml_node *wan);
void doppel_config_read_nat64(struct reader *reader, const struct yaml_node *gateway);
/* The LAN is read before. */
void doppel_config_read_mappings(struct reader *reader, const struct yaml_node *gateway);

/* config_devices.c */
/* What counts for each device that lists none: the section's `forwards`, or the seed's. */
void doppel_config_read_forwards(struct reader *reader, const struct yaml_node *gateway);
void doppel_config_read_devices(struct reader *reader, const struct yaml_node *map);

#endif
