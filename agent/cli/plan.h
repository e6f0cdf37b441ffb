/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOPPEL_CLI_PLAN_H
#define DOPPEL_CLI_PLAN_H

#include "cli/cli.h"

/* What the agent says that a change changes, or would change; frees @reply. NULL: CLI_FAILED. */
int doppel_cli_print_plan(const struct cli *cli, json_t *reply);

#endif
