/* SPDX-License-Identifier: GPL-2.0-only */
/* What servers and routers told a device, in words. */
#ifndef DOPPEL_CLI_DEVICE_TOLD_H
#define DOPPEL_CLI_DEVICE_TOLD_H

#include <jansson.h>
#include <stdint.h>

#include "cli/table.h"

/* Rows of two columns; none for what nobody told. */
void doppel_device_told(struct table *table, const json_t *device, int64_t now_s);

#endif
