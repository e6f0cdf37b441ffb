/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be told without an agent: from the module, and from the database
 * that the YAML file names. In the shapes of the API, with "running": false.
 */
#ifndef DOPPEL_CLI_OFFLINE_H
#define DOPPEL_CLI_OFFLINE_H

#include "cli/cli.h"

/* argument: see below. NULL with the reason on stderr. */
typedef json_t *doppel_offline_source(const struct cli *cli, const char *argument);

doppel_offline_source doppel_offline_status;  /* no argument */
doppel_offline_source doppel_offline_devices; /* a status, or NULL */
doppel_offline_source doppel_offline_device;  /* a MAC, address or name */

/* Ask the agent for path; if none is there say so on stderr and use the source instead. */
json_t *doppel_offline_call(const struct cli *cli, const char *path,
			    doppel_offline_source *source, const char *argument);

#endif
