// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the agent finds about ports, module, WAN and LAN, with what only shows
 * from outside of it: the file, the service, and whether it answers.
 */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/token.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/device_text.h"
#include "cli/fix.h"
#include "cli/offline.h"
#include "cli/table.h"
#include "gateway/config.h"
#include "gateway/gateway.h"

enum { FIX };

static const struct cli_option options[] = {
	{ "fix", 0, NULL, "repair what is the box's own first, and tell what was repaired" },
	{},
};

static bool is(const json_t *object, const char *key, const char *value)
{
	return !strcmp(doppel_cli_string(object, key), value);
}

struct diagnosis {
	const struct cli *cli;
	json_t *checks;
	json_t *status; /* the agent's, or that of the module and the database; has the devices */
};

__attribute__((format(printf, 5, 6))) static void
add_check(struct diagnosis *diagnosis, const char *name, enum check_result result, const char *fix,
	  const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(diagnosis->checks,
			      json_pack("{s:s, s:s, s:s, s:s}", "name", name, "result",
					doppel_check_result_name(result), "text", text, "fix",
					fix));
}

/* The file that was named, else the agent's, else the usual one. */
static struct config *check_file(struct diagnosis *diagnosis)
{
	const char *agents = doppel_cli_string(diagnosis->status, "config_file");
	const char *file = diagnosis->cli->config;
	struct doppel_error error = {};
	struct config *config;
	char *end;

	if (!diagnosis->cli->config_given && *agents)
		file = agents;
	if (!doppel_config_load(file, &config, &error)) {
		add_check(diagnosis, "config-file", CHECK_OK, "", "%s is good", file);
		return config;
	}
	end = strchr(error.text, '\n');
	if (end)
		*end = '\0';
	add_check(diagnosis, "config-file", CHECK_FAIL,
		  "mend it; doppel agent --check tells all that is wrong", "%s", error.text);
	return NULL;
}

static bool any_exists(const char *const *patterns)
{
	for (; *patterns; patterns++) {
		glob_t found;
		int err = glob(*patterns, 0, NULL, &found);

		globfree(&found);
		if (!err)
			return true;
	}
	return false;
}

/* systemd's and procd's places: not there is no fault of an agent that was started by hand. */
static void check_service(struct diagnosis *diagnosis)
{
	static const char *const installed[] = {
		"/etc/systemd/system/doppel.service", "/usr/lib/systemd/system/doppel.service",
		"/lib/systemd/system/doppel.service", "/etc/init.d/doppel", NULL,
	};
	static const char *const enabled[] = {
		"/etc/systemd/system/*.wants/doppel.service", "/etc/rc.d/S*doppel", NULL,
	};

	if (!any_exists(installed)) {
		add_check(diagnosis, "service-installed", CHECK_WARN,
			  "make install, or doppel's package, installs it",
			  "doppel is not installed as a service");
		return;
	}
	add_check(diagnosis, "service-installed", CHECK_OK, "", "doppel is installed as a service");
	if (any_exists(enabled))
		add_check(diagnosis, "service-enabled", CHECK_OK, "", "the service starts at boot");
	else
		add_check(diagnosis, "service-enabled", CHECK_WARN,
			  "systemctl enable doppel, or /etc/init.d/doppel enable",
			  "the service does not start at boot");
}

/* GET /health where the file says that the API listens, with its token. */
static void check_listen(struct diagnosis *diagnosis, const struct config *config)
{
	const struct sockaddr *addr = (const struct sockaddr *)&config->api.listen;
	struct doppel_error error = {};
	auto_free char *token = NULL;
	unsigned int status = 0;
	int err;

	if (!config->api.on)
		return;
	if (access(config->api.token_file, F_OK)) {
		add_check(diagnosis, "api-listen", CHECK_FAIL, "start the agent: it makes one",
			  "there is no token in %s", config->api.token_file);
		return;
	}
	if (doppel_token_load(config->api.token_file, &token, &error)) {
		add_check(diagnosis, "api-listen", CHECK_FAIL, "", "%s", error.text);
		return;
	}
	err = doppel_client_probe(addr, config->api.listen_len, token, &status);
	if (!err && status == 200)
		add_check(diagnosis, "api-listen", CHECK_OK, "", "the API answers at api.listen");
	else if (!err)
		add_check(diagnosis, "api-listen", CHECK_FAIL,
			  "restart the agent if the token was changed",
			  "the API answers at api.listen with status %u", status);
	else
		add_check(diagnosis, "api-listen", CHECK_FAIL,
			  "see the agent's log; does a firewall refuse it?",
			  "no answer at api.listen: %s", strerror(-err));
}

static json_t *ask(struct diagnosis *diagnosis, const char *path, int *err)
{
	unsigned int status;
	json_t *reply;

	*err = doppel_client_request(diagnosis->cli->socket, "GET", path, NULL, &status, &reply);
	return *err ? NULL : doppel_client_check(diagnosis->cli, status, reply);
}

/* The agent's own checks and its devices. */
static void ask_agent(struct diagnosis *diagnosis)
{
	json_t *reply;
	int err;

	reply = ask(diagnosis, "/api/v1/diagnose", &err);
	if (err == -EACCES) {
		add_check(diagnosis, "agent-running", CHECK_FAIL, "use sudo",
			  "only root may ask the agent at %s", diagnosis->cli->socket);
		return;
	}
	if (!reply) {
		add_check(diagnosis, "agent-running", CHECK_FAIL,
			  "start it: systemctl start doppel, /etc/init.d/doppel start, or doppel agent -c FILE",
			  "no agent answers at %s: %s", diagnosis->cli->socket,
			  err == -ENOENT ? "there is no socket" : strerror(-err));
		return;
	}
	add_check(diagnosis, "agent-running", CHECK_OK, "", "the agent answers at %s",
		  diagnosis->cli->socket);
	json_array_extend(diagnosis->checks, json_object_get(reply, "checks"));
	json_decref(reply);
	diagnosis->status = ask(diagnosis, "/status", &err);
}

/* Without an agent: what the module and the database have. */
static void look_offline(struct diagnosis *diagnosis)
{
	const json_t *module;

	diagnosis->status = doppel_offline_status(diagnosis->cli, NULL);
	module = json_object_get(diagnosis->status, "module");
	if (json_is_true(json_object_get(module, "ready")))
		add_check(diagnosis, "module", CHECK_OK, "", "the module goes on forwarding");
	else if (json_is_true(json_object_get(module, "present")))
		add_check(diagnosis, "module", CHECK_WARN, "start the agent",
			  "the module is loaded and has no gateway here");
	else
		add_check(diagnosis, "module", CHECK_FAIL, "modprobe doppel, or insmod doppel.ko",
			  "the module is not loaded");
}

/* Who has no address, and why: [{mac_address, name, status, why}] of those that are not active. */
static json_t *faulty_devices(const json_t *devices)
{
	json_t *list = json_array();
	int64_t now = time(NULL);
	const json_t *device;
	size_t i;

	json_array_foreach(devices, i, device) {
		auto_buf struct buf why = {};

		if (is(device, "status", doppel_device_status_name(DEVICE_ACTIVE)))
			continue;
		doppel_device_why(device, now, "; ", &why);
		json_array_append_new(list,
				      json_pack("{s:O, s:O, s:O, s:s}", "mac_address",
						json_object_get(device, "mac_address"), "name",
						json_object_get(device, "name"), "status",
						json_object_get(device, "status"), "why",
						why.data ? why.data : ""));
	}
	return list;
}

static void print_checks(const json_t *checks)
{
	size_t i, width = 0, failed = 0, warned = 0;
	const json_t *check;

	json_array_foreach(checks, i, check)
		if (json_string_length(json_object_get(check, "name")) > width)
			width = json_string_length(json_object_get(check, "name"));
	json_array_foreach(checks, i, check) {
		const char *result = doppel_cli_string(check, "result");
		const char *fix = doppel_cli_string(check, "fix");

		failed += is(check, "result", doppel_check_result_name(CHECK_FAIL));
		warned += is(check, "result", doppel_check_result_name(CHECK_WARN));
		doppel_text_print(stdout, "%-7s  %-*s  %s\n", result, (int)width,
				  doppel_cli_string(check, "name"), doppel_cli_string(check, "text"));
		if (*fix)
			doppel_text_print(stdout, "%7s  %-*s  -> %s\n", "", (int)width, "", fix);
	}
	printf("\n%zu checks, %zu failed, %zu to look at\n", json_array_size(checks), failed,
	       warned);
}

static void print_devices(const json_t *devices, size_t total)
{
	auto_table struct table table = {};
	const json_t *device;
	size_t i;

	if (!total)
		printf("no devices\n");
	else if (!json_array_size(devices))
		printf("%zu devices, all active\n", total);
	if (!json_array_size(devices))
		return;
	printf("\n%zu of %zu devices are not active:\n", json_array_size(devices), total);
	doppel_table_titles(&table, 4, (const char *const[]){ "MAC", "NAME", "STATUS", "WHY" });
	json_array_foreach(devices, i, device)
		doppel_table_row(&table, (const char *const[]){
			doppel_cli_string(device, "mac_address"),
			doppel_cli_string(device, "name"), doppel_cli_string(device, "status"),
			doppel_cli_string(device, "why") });
	doppel_table_print(&table);
}

/* Any of the list has that value. */
static bool any_is(const json_t *list, const char *key, const char *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (is(item, key, value))
			return true;
	return false;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct diagnosis diagnosis = { .cli = cli };
	json_t *faulty, *repaired = NULL;
	const json_t *devices;
	struct config *config;
	bool failed;

	(void)argv;
	if (argc)
		return doppel_cli_usage(cli, "it takes no arguments");
	if (cli->option[FIX])
		repaired = doppel_cli_fix(cli);
	diagnosis.checks = json_array();
	ask_agent(&diagnosis);
	config = check_file(&diagnosis);
	check_service(&diagnosis);
	if (config)
		check_listen(&diagnosis, config);
	doppel_config_free(config);
	if (!diagnosis.status)
		look_offline(&diagnosis);
	devices = json_object_get(diagnosis.status, "devices");
	faulty = faulty_devices(devices);
	failed = any_is(diagnosis.checks, "result", doppel_check_result_name(CHECK_FAIL)) ||
		 any_is(faulty, "status", doppel_device_status_name(DEVICE_FAILED));
	if (cli->json) {
		json_t *all = json_pack("{s:b, s:O, s:O, s:O*}", "ok", !failed, "checks",
					diagnosis.checks, "devices", faulty, "repaired", repaired);

		doppel_cli_print_json(all);
		json_decref(all);
	} else {
		if (repaired)
			doppel_cli_print_fix(repaired);
		print_checks(diagnosis.checks);
		print_devices(faulty, json_array_size(devices));
	}
	json_decref(faulty);
	json_decref(repaired);
	json_decref(diagnosis.checks);
	json_decref(diagnosis.status);
	return failed ? CLI_FAILED : CLI_DONE;
}

const struct cli_command doppel_cli_diagnose = {
	.name = "diagnose",
	.arguments = "",
	.summary = "Check all that must be right, and tell why a device has no address.",
	.help = "Each check is ok, warning or failed, and says what to do. Exits with 1 if one has\n"
		"failed, or a device has. --fix loads the module, and lets the agent do at once what it\n"
		"does by itself: ports, addresses, routes, dnsmasq, the state file, another try.",
	.options = options,
	.run = run,
};
