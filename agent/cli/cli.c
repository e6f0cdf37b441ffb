// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cli.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "cli/table.h"
#include "gateway/config.h"

static const struct cli_command *const commands[] = {
	&doppel_cli_agent,    &doppel_cli_status,  &doppel_cli_devices,	 &doppel_cli_sessions,
	&doppel_cli_forward,  &doppel_cli_monitor, &doppel_cli_diagnose,
	&doppel_cli_apply,    &doppel_cli_network_export, &doppel_cli_network_import,
	&doppel_cli_network,  &doppel_cli_peer,	   &doppel_cli_group,	 &doppel_cli_policy,
	&doppel_cli_route,    &doppel_cli_dns,	   &doppel_cli_join,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Values of getopt_long() for options without a letter, and for a command's own. */
enum {
	OPTION_OWN = 256,
};

static void print_overview(FILE *out)
{
	fprintf(out, "Usage: doppel COMMAND [OPTION…] [ARGUMENT…]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "\ndoppel COMMAND -h tells more. doppel --version prints the version.\n");
}

static void print_option(char letter, const char *name, const char *argument, const char *help)
{
	char text[64];

	snprintf(text, sizeof(text), "%c%c%c --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
		 letter ? ',' : ' ', name, argument ? " " : "", argument ? argument : "");
	printf("  %-30s %s\n", text, help);
}

/* A line for each way: they are separated by " | ". */
static void print_usage(FILE *out, const struct cli_command *command)
{
	const char *way = command->arguments, *lead = "Usage:";

	while (way) {
		const char *end = strstr(way, " | ");
		const int len = (int)(end ? end - way : (ptrdiff_t)strlen(way));

		fprintf(out, "%-6s doppel %s [OPTION…]%s%.*s\n", lead, command->name, len ? " " : "",
			len, way);
		way = end ? end + strlen(" | ") : NULL;
		lead = "";
	}
}

static void print_help(const struct cli_command *command)
{
	print_usage(stdout, command);
	printf("\n%s\n", command->summary);
	if (command->help)
		printf("\n%s\n", command->help);
	printf("\n");
	for (const struct cli_option *option = command->options; option && option->name; option++)
		print_option(option->letter, option->name, option->argument, option->help);
	if (!command->no_json)
		print_option('j', "json", NULL, "print JSON");
	print_option('c', "config", "FILE", "the agent's YAML file [" DOPPEL_CONFIG_FILE "]");
	print_option('s', "socket", "SOCKET",
		     "the agent's unix socket [" DOPPEL_API_SOCKET "]");
	print_option('h', "help", NULL, "print this");
}

static void complain(const struct cli *cli, const char *fmt, va_list ap)
{
	fprintf(stderr, "doppel %s: ", cli->command->name);
	doppel_text_vprint(stderr, fmt, ap);
	fputc('\n', stderr);
}

void doppel_cli_error(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(cli, fmt, ap);
	va_end(ap);
}

int doppel_cli_usage(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(cli, fmt, ap);
	va_end(ap);
	print_usage(stderr, cli->command);
	return CLI_USAGE;
}

struct options {
	struct option list[CLI_OPTIONS_MAX + 5];
	size_t count;
	char letters[4 * CLI_OPTIONS_MAX + 16];
};

static void add_option(struct options *options, const char *name, char letter, bool argument,
		       int value)
{
	size_t used = strlen(options->letters);

	options->list[options->count++] = (struct option){
		name, argument ? required_argument : no_argument, NULL, value,
	};
	if (letter)
		snprintf(options->letters + used, sizeof(options->letters) - used, "%c%s", letter,
			 argument ? ":" : "");
}

static void collect_options(const struct cli_command *command, struct options *options)
{
	*options = (struct options){};
	add_option(options, "help", 'h', false, 'h');
	if (!command->no_json)
		add_option(options, "json", 'j', false, 'j');
	add_option(options, "config", 'c', true, 'c');
	add_option(options, "socket", 's', true, 's');
	for (size_t i = 0; command->options && command->options[i].name; i++)
		add_option(options, command->options[i].name, command->options[i].letter,
			   command->options[i].argument, OPTION_OWN + (int)i);
}

/* The own option of that letter, as getopt_long() would have told its name. */
static int by_letter(const struct cli_command *command, int letter)
{
	for (size_t i = 0; command->options && command->options[i].name; i++)
		if (command->options[i].letter == letter)
			return OPTION_OWN + (int)i;
	return letter;
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
	struct cli cli = {
		.command = command,
		.socket = DOPPEL_API_SOCKET,
		.config = DOPPEL_CONFIG_FILE,
	};
	struct options options;
	int value;

	collect_options(command, &options);
	opterr = 0;
	while ((value = getopt_long(argc, argv, options.letters, options.list, NULL)) != -1) {
		switch (value) {
		case 'h':
			print_help(command);
			return CLI_DONE;
		case 'j':
			cli.json = true;
			continue;
		case 'c':
			cli.config = optarg;
			cli.config_given = true;
			continue;
		case 's':
			cli.socket = optarg;
			continue;
		case '?':
			return doppel_cli_usage(&cli, "%s: no such option, or its value is missing",
						argv[optind - 1]);
		}
		value = by_letter(command, value);
		cli.option[value - OPTION_OWN] = optarg ? optarg : "";
	}
	return command->run(&cli, argc - optind, argv + optind);
}

int doppel_cli_main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "-h") || !strcmp(name, "--help") || !strcmp(name, "help")) {
		print_overview(stdout);
		return CLI_DONE;
	}
	if (!strcmp(name, "--version")) {
		printf("doppel %s\n", DOPPEL_VERSION);
		return CLI_DONE;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(name, commands[i]->name))
			return run_command(commands[i], argc - 1, argv + 1);
	if (*name)
		fprintf(stderr, "doppel: no such command: %s\n", name);
	print_overview(stderr);
	return CLI_USAGE;
}

void doppel_cli_print_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}

const char *doppel_cli_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int64_t doppel_cli_time(const json_t *object, const char *key)
{
	int64_t wall_s;

	return doppel_time_parse(doppel_cli_string(object, key), &wall_s) ? 0 : wall_s;
}

json_int_t doppel_cli_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}
