// SPDX-License-Identifier: GPL-2.0-only
/* doppel devices --export and --import. */
#include "cli/export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/client.h"
#include "cli/file.h"
#include "cli/offline.h"
#include "gateway/config.h"
#include "gateway/export.h"

static json_t *from_file(const struct cli *cli, const char *argument)
{
	struct doppel_error error = {};
	struct config *config = NULL;
	struct store *store = NULL;
	json_t *document = NULL;

	(void)argument;
	if (!doppel_config_load(cli->config, &config, &error) &&
	    !doppel_store_open_readonly(config->state, &store, &error)) {
		document = doppel_export(store, &doppel_clock);
		if (!document)
			doppel_error_add(&error, "%s: cannot be read", config->state);
	}
	if (!document)
		doppel_cli_error(cli, "%s", error.text);
	doppel_store_close(store);
	doppel_config_free(config);
	return document;
}

static int write_document(const char *file, const json_t *document)
{
	auto_free char *text = json_dumps(document, JSON_INDENT(2));
	auto_buf struct buf lines = {};

	if (!text || doppel_buf_printf(&lines, "%s\n", text))
		return -ENOMEM;
	return doppel_cli_write_file(file, lines.data, lines.len);
}

int doppel_cli_export(struct cli *cli, const char *file)
{
	json_t *document = doppel_offline_call(cli, "/api/v1/export", from_file, NULL);
	int err = 0;

	if (!document)
		return CLI_FAILED;
	if (!strcmp(file, "-"))
		doppel_cli_print_json(document);
	else
		err = write_document(file, document);
	if (err)
		doppel_cli_error(cli, "%s: cannot be written: %s", file, strerror(-err));
	json_decref(document);
	return err ? CLI_FAILED : CLI_DONE;
}

/* Each line of a refusal with the file's name before it. */
static void tell_refusal(const struct cli *cli, const char *file, const json_t *reply,
			 unsigned int status)
{
	const char *line = doppel_cli_string(reply, "error");

	if (!*line)
		doppel_cli_error(cli, "%s: the agent answered with status %u", file, status);
	while (*line) {
		const size_t len = strcspn(line, "\n");

		doppel_cli_error(cli, "%s: %.*s", file, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static int send_import(struct cli *cli, const char *file, const json_t *document)
{
	unsigned int status;
	json_t *reply;
	int err = doppel_client_request(cli->socket, "POST", "/api/v1/import", document, &status,
					&reply);

	if (err) {
		doppel_client_error(cli, err);
		return CLI_FAILED;
	}
	if (status >= 300) {
		tell_refusal(cli, file, reply, status);
		/* What is wrong in a document is found before any of it is taken. */
		fprintf(stderr, status < 500 ? "nothing was changed\n" :
				"some of it may have been taken: import it once more\n");
	} else if (cli->json) {
		doppel_cli_print_json(reply);
	} else {
		printf("%lld devices: %lld are new, %lld have leases in use and keep them; %lld forwards\n",
		       doppel_cli_integer(reply, "devices"), doppel_cli_integer(reply, "added"),
		       doppel_cli_integer(reply, "kept"), doppel_cli_integer(reply, "forwards"));
	}
	json_decref(reply);
	return status < 300 ? CLI_DONE : CLI_FAILED;
}

int doppel_cli_import(struct cli *cli, const char *file)
{
	json_error_t why;
	json_t *document = strcmp(file, "-") ? json_load_file(file, JSON_REJECT_DUPLICATES, &why) :
					       json_loadf(stdin, JSON_REJECT_DUPLICATES, &why);
	int status;

	if (!document) {
		if (why.line > 0)
			doppel_cli_error(cli, "%s:%d:%d: %s", file, why.line, why.column, why.text);
		else
			doppel_cli_error(cli, "%s", why.text);
		return CLI_FAILED;
	}
	status = send_import(cli, file, document);
	json_decref(document);
	return status;
}
