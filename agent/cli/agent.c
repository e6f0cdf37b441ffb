// SPDX-License-Identifier: GPL-2.0-only
/* doppel agent: the parts put together, signals, and the event loop. */
#include <errno.h>
#include <ev.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/site.h"
#include "gateway/config.h"
#include "gateway/gateway.h"
#include "store/store.h"

enum { CHECK, VERBOSE };

static const struct cli_option options[] = {
	{ "check", 0, NULL, "check the YAML file and end" },
	{ "verbose", 'v', NULL, "log more" },
	{},
};

struct agent {
	const struct cli *cli;
	char *config_file; /* absolute */
	struct ev_loop *loop;
	struct config *config;
	struct store *store;
	struct gateway *gateway; /* NULL: the file has none */
	struct site *site;
	struct api *api;
	ev_signal hangup, terminate, interrupt;
};

/* Each line of what went wrong is a line of the log. */
static void log_error(const struct doppel_error *error)
{
	const char *line = error->text;

	while (*line) {
		size_t len = strcspn(line, "\n");

		doppel_log(LOG_ERR, "%.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* The database is locked and open: another one needs another agent. */
static bool same_state(const struct config *old, const struct config *new)
{
	if (!strcmp(old->state, new->state))
		return true;
	doppel_log(LOG_ERR, "state: cannot change from %s to %s while running; restart the agent",
		   old->state, new->state);
	return false;
}

/* The module and its ports are taken and left at the start and the end. */
static bool same_halves(const struct config *old, const struct config *new)
{
	if (old->has_gateway == new->has_gateway)
		return true;
	doppel_log(LOG_ERR, "gateway: the section cannot %s while running; restart the agent",
		   new->has_gateway ? "come" : "go");
	return false;
}

/* Both halves, or none. */
static int reload_halves(struct agent *agent, struct config *config, struct doppel_error *error)
{
	int err = doppel_site_reload(agent->site, config, error);

	if (err || !agent->gateway)
		return err;
	err = doppel_gateway_reload(agent->gateway, config, error);
	if (err)
		doppel_site_back(agent->site, agent->config, error);
	return err;
}

static void reload(struct agent *agent)
{
	struct doppel_error error = {};
	struct config *config;

	if (doppel_config_load(agent->config_file, &config, &error)) {
		log_error(&error);
		doppel_log(LOG_ERR, "the old configuration stays");
		return;
	}
	if (!same_state(agent->config, config) || !same_halves(agent->config, config) ||
	    reload_halves(agent, config, &error)) {
		log_error(&error);
		doppel_log(LOG_ERR, "the old configuration stays");
		doppel_config_free(config);
		return;
	}
	if (doppel_api_reload(agent->api, config, &error))
		log_error(&error);
	doppel_config_free(agent->config);
	agent->config = config;
	doppel_log(LOG_NOTICE, "%s read again", agent->config_file);
}

static void on_hangup(struct ev_loop *loop, ev_signal *signal_watcher, int events)
{
	(void)loop;
	(void)events;
	reload(signal_watcher->data);
}

static void on_terminate(struct ev_loop *loop, ev_signal *signal_watcher, int events)
{
	(void)events;
	doppel_log(LOG_NOTICE, "ending on %s; the module forwards on",
		   strsignal(signal_watcher->signum));
	ev_break(loop, EVBREAK_ALL);
}

static void watch_signal(struct agent *agent, ev_signal *watcher, int number,
			 void (*cb)(struct ev_loop *loop, ev_signal *watcher, int events))
{
	ev_signal_init(watcher, cb, number);
	watcher->data = agent;
	ev_signal_start(agent->loop, watcher);
}

/* Links in the path stay links: a reload follows them anew. NULL with errno. */
static char *absolute(const char *path)
{
	auto_free char *directory = NULL;
	char *result;

	if (*path == '/')
		return strdup(path);
	directory = get_current_dir_name();
	if (!directory || asprintf(&result, "%s/%s", directory, path) < 0)
		return NULL;
	return result;
}

static int start(struct agent *agent, struct doppel_error *error)
{
	struct gateway_env env = { .loop = agent->loop };
	int err;

	agent->config_file = absolute(agent->cli->config);
	if (!agent->config_file)
		return -errno;
	err = doppel_config_load(agent->config_file, &agent->config, error);
	if (err)
		return err;
	err = doppel_store_open(agent->config->state, &agent->store, error);
	if (err)
		return err;
	env.config = agent->config;
	env.store = agent->store;
	if (agent->config->has_gateway)
		err = doppel_gateway_new(&env, &agent->gateway, error);
	if (!err)
		err = doppel_site_new(&(struct site_env){ .loop = agent->loop, .store = agent->store,
							  .gateway = agent->gateway,
							  .config = agent->config },
				      &agent->site, error);
	if (err)
		return err;
	return doppel_api_new(&(struct api_env){ .loop = agent->loop, .gateway = agent->gateway,
						 .networks = doppel_site_networks(agent->site),
						 .kernel = doppel_site_kernel(agent->site),
						 .lan = doppel_site_lan(agent->site),
						 .clock = &doppel_clock,
						 .socket = agent->cli->socket,
						 .config_file = agent->config_file },
			      agent->config, &agent->api, error);
}

static void watch(struct agent *agent)
{
	watch_signal(agent, &agent->hangup, SIGHUP, on_hangup);
	watch_signal(agent, &agent->terminate, SIGTERM, on_terminate);
	watch_signal(agent, &agent->interrupt, SIGINT, on_terminate);
}

static void stop(struct agent *agent)
{
	doppel_api_free(agent->api);
	doppel_site_free(agent->site);
	doppel_gateway_free(agent->gateway);
	doppel_store_close(agent->store);
	doppel_config_free(agent->config);
	free(agent->config_file);
	ev_loop_destroy(agent->loop);
}

static int check(const struct cli *cli)
{
	struct doppel_error error = {};
	struct config *config;
	int err = doppel_config_load(cli->config, &config, &error);

	if (!err) {
		err = doppel_site_check(config, &error);
		doppel_config_free(config);
	}
	if (err) {
		fprintf(stderr, "%s\n", error.text);
		return CLI_FAILED;
	}
	printf("%s: good\n", cli->config);
	return CLI_DONE;
}

/*
 * glibc keeps the more of what is freed the longer the longest text was that ever was; with a limit that
 * is set it does not learn that, and what a list of all devices took is given back.
 */
static void give_back_memory(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct agent agent = { .cli = cli };
	struct doppel_error error = {};
	int err;

	(void)argv;
	if (argc)
		return doppel_cli_usage(cli, "it takes no arguments");
	if (cli->option[CHECK])
		return check(cli);
	if (cli->option[VERBOSE])
		doppel_log_set_level(LOG_DEBUG);
	signal(SIGPIPE, SIG_IGN);
	give_back_memory();
	/* Thousands of moments are drawn: each need not be a system call. */
	randombytes_set_implementation(&randombytes_internal_implementation);
	if (sodium_init() < 0) {
		doppel_cli_error(cli, "no randomness");
		return CLI_FAILED;
	}
	agent.loop = ev_default_loop(0);
	if (!agent.loop) {
		doppel_cli_error(cli, "no event loop");
		return CLI_FAILED;
	}
	err = start(&agent, &error);
	if (err) {
		if (!error.count)
			doppel_error_add(&error, "cannot start: %s", strerror(-err));
		log_error(&error);
	} else {
		doppel_log(LOG_NOTICE, "agent %s started with %s", DOPPEL_VERSION,
			   agent.config_file);
		watch(&agent);
		ev_run(agent.loop, 0);
	}
	stop(&agent);
	return err ? CLI_FAILED : CLI_DONE;
}

const struct cli_command doppel_cli_agent = {
	.name = "agent",
	.arguments = "",
	.summary = "Run the gateway's agent in the foreground.",
	.help = "SIGHUP reads the YAML file again. SIGTERM ends the agent; the module forwards on.",
	.options = options,
	.no_json = true,
	.run = run,
};
