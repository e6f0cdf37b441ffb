/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOPPEL_CLI_FIX_H
#define DOPPEL_CLI_FIX_H

#include "cli/cli.h"

/*
 * Load the module if it is not there, and let the agent do at once what it does by itself. What was wrong
 * and is right now: [{"name", "text"}], the caller's. Without an agent only the module is seen to.
 */
json_t *doppel_cli_fix(const struct cli *cli);
void doppel_cli_print_fix(const json_t *repaired);

#endif
