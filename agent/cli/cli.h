/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line: one file a command, what they share here. */
#ifndef DOPPEL_CLI_CLI_H
#define DOPPEL_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CLI_OPTIONS_MAX 16

/* Exit statuses. */
enum {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
};

/* One of a command's own options. */
struct cli_option {
	const char *name; /* --name; NULL ends the list */
	char letter;	  /* -x, or 0 */
	const char *argument; /* "SECONDS", or NULL for a flag */
	const char *help;
};

struct cli {
	const struct cli_command *command;
	const char *socket;
	const char *config;
	bool config_given; /* else config is the usual one */
	bool json;
	const char *option[CLI_OPTIONS_MAX]; /* in the order of options: NULL, "" or its argument */
};

struct cli_command {
	const char *name;
	const char *arguments; /* "add PORT DEVICE [TO]" */
	const char *summary;   /* one line */
	const char *help;      /* more lines, or NULL */
	const struct cli_option *options; /* NULL: none of its own */
	bool no_json; /* it lacks this one of the common options */
	int (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct cli_command doppel_cli_agent, doppel_cli_status, doppel_cli_devices,
	doppel_cli_sessions, doppel_cli_forward, doppel_cli_monitor, doppel_cli_diagnose;
extern const struct cli_command doppel_cli_apply, doppel_cli_network_export,
	doppel_cli_network_import, doppel_cli_network, doppel_cli_peer, doppel_cli_group,
	doppel_cli_policy, doppel_cli_route, doppel_cli_dns, doppel_cli_join;

int doppel_cli_main(int argc, char **argv);

/* "doppel COMMAND: …" on stderr. */
void doppel_cli_error(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, and how it is used; CLI_USAGE. */
int doppel_cli_usage(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* On stdout, indented; the JSON stays the caller's. */
void doppel_cli_print_json(const json_t *json);

/* A member's text; "" if it is absent, null or no text. Not copied. */
const char *doppel_cli_string(const json_t *object, const char *key);
/* Seconds since the epoch of an RFC 3339 member in UTC, 0 if there is none. */
int64_t doppel_cli_time(const json_t *object, const char *key);
json_int_t doppel_cli_integer(const json_t *object, const char *key);

#endif
