/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be told without an agent: from the module, and from the database
 * that the YAML file names. In the shapes of the API, with "running": false.
 */
#ifndef DOPPEL_CLI_OFFLINE_H
#define DOPPEL_CLI_OFFLINE_H

#include "cli/cli.h"

/* What each gives the caller owns; NULL with the reason on stderr. argument: see there. */
json_t *doppel_offline_status(const struct cli *cli, const char *argument);  /* none */
json_t *doppel_offline_devices(const struct cli *cli, const char *argument); /* a status or NULL */
json_t *doppel_offline_device(const struct cli *cli, const char *argument);  /* which one */

/* Ask the agent for path; if none is there say so on stderr and use the source instead. */
json_t *doppel_offline_call(const struct cli *cli, const char *path,
			    json_t *(*source)(const struct cli *cli, const char *argument),
			    const char *argument);

#endif
