/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOPPEL_CLI_EXPORT_H
#define DOPPEL_CLI_EXPORT_H

#include "cli/cli.h"

/* All that is known of the devices to the file, "-": stdout; from the database if there is no agent. */
int doppel_cli_export(struct cli *cli, const char *file);
/* And back, by the agent. */
int doppel_cli_import(struct cli *cli, const char *file);

#endif
