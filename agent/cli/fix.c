// SPDX-License-Identifier: GPL-2.0-only
/* doppel diagnose --fix: what is the box's own is put right, or at least tried at once. */
#include "cli/fix.h"

#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/table.h"

#define LOOKS 8		/* half a second apart, for what a repair takes */

/* The checks of the agent; NULL without one. */
static json_t *ask(const struct cli *cli)
{
	json_t *reply = NULL, *checks;
	unsigned int status;

	if (doppel_client_request(cli->socket, "GET", "/api/v1/diagnose", NULL, &status, &reply))
		return NULL;
	checks = json_incref(json_object_get(reply, "checks"));
	json_decref(reply);
	return checks;
}

static bool is_ok(const json_t *check)
{
	return !strcmp(doppel_cli_string(check, "result"), "ok");
}

static bool still_wrong(const json_t *checks, const char *name)
{
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
		if (!strcmp(doppel_cli_string(check, "name"), name))
			return !is_ok(check);
	return false;
}

/* What was wrong before and is not any more, as [{name, text}]. */
static json_t *mended(const json_t *before, const json_t *after)
{
	json_t *list = json_array();
	const json_t *check;
	size_t i;

	json_array_foreach(before, i, check)
		if (!is_ok(check) && !still_wrong(after, doppel_cli_string(check, "name")))
			json_array_append_new(list, json_pack("{s:O, s:O}", "name",
							      json_object_get(check, "name"), "text",
							      json_object_get(check, "text")));
	return list;
}

static bool all_ok(const json_t *checks)
{
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
		if (!is_ok(check))
			return false;
	return true;
}

/* How it stands once the repair has had its time. */
static json_t *look_again(const struct cli *cli, const json_t *before)
{
	json_t *checks = NULL;

	for (int i = 0; i < LOOKS && !(checks && all_ok(checks)) && !all_ok(before); i++) {
		usleep(500000);
		json_decref(checks);
		checks = ask(cli);
	}
	return checks;
}

/* Who asks for its netlink family has the kernel load it, where it is installed: that is no way to ask. */
static bool module_loaded(void)
{
	return !access("/sys/module/doppel", F_OK);
}

/* True if it was not there, and is now. */
static bool load_module(const struct cli *cli)
{
	char *const argv[] = { "modprobe", "doppel", NULL };
	int status = -1;
	pid_t pid;

	if (module_loaded())
		return false;
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status) {
		doppel_cli_error(cli, "the module cannot be loaded: is it installed for this kernel? "
				      "try: insmod doppel.ko");
		return false;
	}
	return true;
}

json_t *doppel_cli_fix(const struct cli *cli)
{
	const bool loaded = load_module(cli);	/* before the agent is asked, which looks for it */
	json_t *before = ask(cli), *after = NULL, *reply = NULL, *list;
	unsigned int status;

	if (before && !doppel_client_request(cli->socket, "POST", "/api/v1/repair", NULL, &status,
					     &reply))
		after = look_again(cli, before);
	json_decref(reply);
	list = after ? mended(before, after) : json_array();
	if (loaded)
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", "module", "text",
						      "the module was not loaded"));
	json_decref(before);
	json_decref(after);
	return list;
}

void doppel_cli_print_fix(const json_t *repaired)
{
	const json_t *one;
	size_t i;

	json_array_foreach(repaired, i, one)
		doppel_text_print(stdout, "repaired  %s: %s\n", doppel_cli_string(one, "name"),
				  doppel_cli_string(one, "text"));
	if (!json_array_size(repaired))
		printf("nothing could be repaired from here\n");
	printf("\n");
}
