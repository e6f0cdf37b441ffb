// SPDX-License-Identifier: GPL-2.0-only
/*
 * doppel join: this host as a peer in another gateway's network. Its key is made here and stays here; what
 * the gateway said last is kept, so that the tunnel comes up without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/rand.h"
#include "cli/client.h"
#include "cli/file.h"
#include "wireguard/interfaces.h"
#include "wireguard/joined.h"
#include "wireguard/key.h"

#define JOIN_DIR "/var/lib/doppel-join"
#define JOIN_PATH "/api/v1/join"
#define WAIT_S 50			/* for a change; the gateway lets wait up to a minute */
#define PATIENCE_S 10			/* for an answer, besides */
#define RETRY_MS 500			/* after the first failure; then twice as long each time */
#define RETRY_MAX_MS 30000

enum { TOKEN, TOKEN_FILE, STATE, DOWN };

static const struct cli_option options[] = {
	[TOKEN] = { "token", 't', "TOKEN", "what doppel peer token NETWORK PEER printed there" },
	[TOKEN_FILE] = { "token-file", 0, "FILE", "the token is in FILE (- for stdin)" },
	[STATE] = { "state", 0, "DIRECTORY", "keeps the key and the configuration [" JOIN_DIR "]" },
	[DOWN] = { "down", 0, NULL, "take the tunnel down at the end" },
	{},
};

struct join {
	const struct cli *cli;
	struct client_url url;
	char *token;
	int lock;			/* on the directory, for life */
	char *key_file, *config_file;
	uint8_t private_key[WG_KEY_LEN], public_key[WG_KEY_LEN];
	struct wg_kernel kernel;
	json_t *config;			/* what the gateway said last; NULL: nothing yet */
	bool applied;			/* and it is in the kernel */
	unsigned int keys_told;		/* since all was well for as long as a wait takes */
	unsigned int delay_ms;		/* before the next request; 0: at once */
	char problem[512];		/* told last */
};

/* A problem is told when it comes, and not again with each try. */
static void tell(struct join *join, const char *problem)
{
	if (!strcmp(join->problem, problem))
		return;
	snprintf(join->problem, sizeof(join->problem), "%s", problem);
	if (*problem)
		doppel_log(LOG_WARNING, "%s", problem);
}

/* --- what is kept ----------------------------------------------------------------------------- */

static int make_key(struct join *join)
{
	char text[WG_KEY_TEXT];
	int err;

	doppel_wg_key_private(&doppel_rng, join->private_key);
	doppel_wg_key_format(join->private_key, text);
	err = doppel_cli_write_file(join->key_file, text, strlen(text));
	sodium_memzero(text, sizeof(text));
	if (err)
		doppel_cli_error(join->cli, "%s: the key cannot be kept: %s", join->key_file,
				 strerror(-err));
	return err;
}

static bool load_key(struct join *join)
{
	auto_buf struct buf text = {};
	bool good = true;

	if (access(join->key_file, F_OK)) {
		good = !make_key(join);
	} else {
		good = doppel_cli_read_file(join->cli, join->key_file, &text);
		if (good && (!text.data || !doppel_wg_key_parse(text.data, join->private_key))) {
			doppel_cli_error(join->cli, "%s: no private key; remove the file to get a new one",
					 join->key_file);
			good = false;
		}
		if (text.data)
			sodium_memzero(text.data, text.len);
	}
	doppel_wg_key_public(join->private_key, join->public_key);
	return good;
}

static bool is_ours(const struct join *join, const json_t *config)
{
	char text[WG_KEY_TEXT];

	return !strcmp(doppel_cli_string(config, "public_key"),
		       doppel_wg_key_format(join->public_key, text));
}

/* What cannot be read, or is for a key that was here before, is fetched again. */
static bool load_config(struct join *join)
{
	join->config = json_load_file(join->config_file, 0, NULL);
	if (join->config && strcmp(doppel_cli_string(join->config, "url"), join->url.url)) {
		doppel_cli_error(join->cli,
				 "%s is what %s said: give this one a directory of its own with --state, or remove that file",
				 join->config_file, doppel_cli_string(join->config, "url"));
		return false;
	}
	if (join->config && !is_ours(join, join->config)) {
		json_decref(join->config);
		join->config = NULL;
	}
	return true;
}

static void save_config(struct join *join)
{
	auto_free char *text = json_dumps(join->config, JSON_INDENT(2));
	int err = text ? doppel_cli_write_file(join->config_file, text, strlen(text)) : -ENOMEM;

	if (err)
		doppel_log(LOG_WARNING, "%s: cannot be written: %s", join->config_file,
			   strerror(-err));
	if (text)
		sodium_memzero(text, strlen(text));
}

/* --- the tunnel ------------------------------------------------------------------------------- */

static bool open_kernel(struct join *join)
{
	int err = doppel_rtnetlink_open(&join->kernel.rtnetlink);

	if (!err)
		err = doppel_wireguard_open(&join->kernel.wireguard);
	if (err)
		doppel_cli_error(join->cli, "the kernel does not answer: %s", strerror(-err));
	return !err;
}

static void take_down(struct join *join)
{
	const struct wg_site nothing = {};
	struct doppel_error error = {};

	join->kernel.joined = doppel_cli_string(join->config, "interface");
	if (*join->kernel.joined && doppel_wg_interfaces_apply(&join->kernel, &nothing, &error))
		doppel_log(LOG_ERR, "%s", error.text);
}

static void apply(struct join *join)
{
	struct wg_joined *joined;
	struct doppel_error error = {};
	int err = doppel_wg_joined_new(join->config, join->private_key, &joined, &error);

	if (!err) {
		err = doppel_wg_joined_resolve(joined, &error);
		if (!err)
			doppel_wg_joined_leave_out(joined, &error);
		join->kernel.joined = doppel_wg_joined_interface(joined);
		if (!err)
			err = doppel_wg_interfaces_apply(&join->kernel, doppel_wg_joined_site(joined),
							 &error);
		doppel_wg_joined_free(joined);
	}
	if (!err && !join->applied)
		doppel_log(LOG_NOTICE, "peer %s of network %s, by %s",
			   doppel_cli_string(join->config, "peer"),
			   doppel_cli_string(join->config, "network"),
			   doppel_cli_string(join->config, "interface"));
	join->applied = !err;
	tell(join, error.count ? error.text : err ? strerror(-err) : "");
}

static void take_config(struct join *join, json_t *config)
{
	if (strcmp(doppel_cli_string(join->config, "hash"), doppel_cli_string(config, "hash"))) {
		if (strcmp(doppel_cli_string(join->config, "interface"),
			   doppel_cli_string(config, "interface")))
			take_down(join);
		json_decref(join->config);
		join->config = json_incref(config);
		join->applied = false;
		json_object_set_new(join->config, "url", json_string(join->url.url));
		save_config(join);
	}
	apply(join);
}

/* --- the gateway ------------------------------------------------------------------------------ */

/* 0 and the reply's JSON, NULL if it is empty; or a negative errno, -EPROTO for what is no JSON. */
static int ask(const struct join *join, const char *method, const char *path,
	       unsigned int patience_s, unsigned int *status, json_t **json)
{
	auto_buf struct buf reply = {};
	int err = doppel_client_ask(&join->url, method, path, patience_s, status, &reply);

	*json = err || !reply.len ? NULL : json_loadb(reply.data, reply.len, 0, NULL);
	if (!err && reply.len && !*json)
		err = -EPROTO;
	if (reply.data)
		sodium_memzero(reply.data, reply.len);
	return err;
}

/* Twice as long as the last time, and by chance, so that the hosts of a gateway do not come at once. */
static void put_off(struct join *join)
{
	const unsigned int twice = join->delay_ms ? 2 * join->delay_ms : RETRY_MS;

	join->delay_ms = twice < RETRY_MAX_MS ? twice : RETRY_MAX_MS;
}

static void wait_a_while(const struct join *join)
{
	const unsigned int half = join->delay_ms / 2;
	const unsigned int ms = half + doppel_rng_below(&doppel_rng, half + 1);
	const struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

/* The token is nobody's: never was, or is no more. */
static int refused(struct join *join, const json_t *reply)
{
	doppel_cli_error(join->cli, "%s: %s", join->url.url, doppel_cli_string(reply, "error"));
	take_down(join);
	unlink(join->config_file);
	return CLI_FAILED;
}

static bool is_refusal(unsigned int status, const json_t *reply)
{
	return status == 401 && *doppel_cli_string(reply, "error");
}

static void trouble(struct join *join, int err, unsigned int status, const json_t *reply)
{
	char text[512];

	if (err == -EPROTO)
		snprintf(text, sizeof(text), "%s: it answers, but not as a doppel agent", join->url.url);
	else if (err)
		snprintf(text, sizeof(text), "%s: %s; the tunnel stays as it is", join->url.url,
			 strerror(-err));
	else if (*doppel_cli_string(reply, "error"))
		snprintf(text, sizeof(text), "%s: %s", join->url.url, doppel_cli_string(reply, "error"));
	else
		snprintf(text, sizeof(text), "%s: it answers with status %u; is it a doppel agent?",
			 join->url.url, status);
	tell(join, text);
	put_off(join);
}

/* Whoever else has the token tells its own key, too: then each does it ever more seldom. */
static int tell_key(struct join *join)
{
	auto_buf struct buf path = {};
	char text[WG_KEY_TEXT];
	unsigned int status = 0;
	json_t *reply = NULL;
	int err, result = -1;

	doppel_buf_printf(&path, JOIN_PATH "?public_key=");
	doppel_client_escape(&path, doppel_wg_key_format(join->public_key, text));
	err = path.failed ? -ENOMEM : ask(join, "PUT", path.data, PATIENCE_S, &status, &reply);
	if (!err && is_refusal(status, reply)) {
		result = refused(join, reply);
	} else if (!err && status == 409) {
		doppel_cli_error(join->cli, "%s: %s", join->url.url, doppel_cli_string(reply, "error"));
		result = CLI_FAILED;
	} else if (err || status != 200) {
		trouble(join, err, status, reply);
	} else if (join->keys_told++) {
		tell(join, "the gateway has another key for this peer again and again: does another host join with the same token?");
		put_off(join);
	}
	json_decref(reply);
	return result;
}

/* Nothing changed for as long as the gateway waits: all is well. Sooner, it has no room for who waits. */
static void nothing_new(struct join *join, bool waited)
{
	apply(join);
	if (waited && join->applied) {
		join->delay_ms = 0;
		join->keys_told = 0;
	} else {
		put_off(join);
	}
}

static int take_reply(struct join *join, json_t *config)
{
	if (!is_ours(join, config))
		return tell_key(join);
	take_config(join, config);
	if (!join->applied)
		put_off(join);
	else if (join->keys_told < 2)
		join->delay_ms = 0;
	return -1;
}

/* One request: -1, or the status to end with. */
static int follow_once(struct join *join)
{
	const unsigned int wait_s = join->applied ? WAIT_S : 0;
	const int64_t began_ms = doppel_clock_mono_ms(&doppel_clock);
	auto_buf struct buf path = {};
	unsigned int status = 0;
	json_t *reply = NULL;
	int err, result = -1;

	doppel_buf_printf(&path, JOIN_PATH "?wait=%u&have=%s", wait_s,
			  join->applied ? doppel_cli_string(join->config, "hash") : "");
	err = path.failed ? -ENOMEM : ask(join, "GET", path.data, wait_s + PATIENCE_S, &status,
					  &reply);
	if (!err && status == 200 && !reply && join->applied)
		nothing_new(join, doppel_clock_mono_ms(&doppel_clock) - began_ms >= (WAIT_S - 1) * 1000);
	else if (!err && status == 200 && *doppel_cli_string(reply, "hash"))
		result = take_reply(join, reply);
	else if (!err && is_refusal(status, reply))
		result = refused(join, reply);
	else
		trouble(join, err, status, reply);
	json_decref(reply);
	if (result < 0 && join->config && !join->applied)
		apply(join);
	return result;
}

static int follow(struct join *join)
{
	int result;

	if (!load_config(join))
		return CLI_FAILED;
	if (join->config)
		apply(join);
	do {
		result = follow_once(join);
		if (result < 0 && join->delay_ms)
			wait_a_while(join);
	} while (result < 0);
	return result;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The kernel's sockets are each process's own. */
static int follow_in_kernel(struct join *join)
{
	return open_kernel(join) ? follow(join) : CLI_FAILED;
}

static int end_child(pid_t child)
{
	int status;

	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	return CLI_DONE;
}

static int until_ended(pid_t child, const sigset_t *ends)
{
	int number, status;

	do {
		number = sigwaitinfo(ends, NULL);
		if (number == SIGTERM || number == SIGINT)
			return end_child(child);
		/* A child that is only stopped is no reason. */
	} while (waitpid(child, &status, WNOHANG) != child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}

/* A child follows the gateway, and may be ended at any time; however it ends, the tunnel is taken down. */
static int follow_until_ended(struct join *join)
{
	sigset_t ends, before;
	pid_t child;
	int result;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ends, &before);
	child = fork();
	if (child < 0) {
		doppel_cli_error(join->cli, "no process: %s", strerror(errno));
		return CLI_FAILED;
	}
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		sigprocmask(SIG_SETMASK, &before, NULL);
		return follow_in_kernel(join);
	}
	result = until_ended(child, &ends);
	if (open_kernel(join) && load_config(join))
		take_down(join);
	return result;
}

/* One at a time: two would take each other's tunnel down. */
static bool lock_state(struct join *join, const char *state)
{
	int err = doppel_make_parent(join->key_file);

	if (!err) {
		join->lock = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (join->lock < 0 || flock(join->lock, LOCK_EX | LOCK_NB))
			err = -errno;
	}
	if (err == -EWOULDBLOCK)
		doppel_cli_error(join->cli, "%s: another doppel join has it; give this one its own with --state",
				 state);
	else if (err)
		doppel_cli_error(join->cli, "%s: %s", state, strerror(-err));
	return !err;
}

static bool open_state(struct join *join)
{
	const char *state = join->cli->option[STATE] ? join->cli->option[STATE] : JOIN_DIR;

	return asprintf(&join->key_file, "%s/key", state) >= 0 &&
	       asprintf(&join->config_file, "%s/config.json", state) >= 0 &&
	       lock_state(join, state) && load_key(join);
}

/* Out of the file, or of the arguments, where it is overwritten: anybody may read those. */
static bool read_token(struct join *join, struct cli *cli)
{
	char *argument = (char *)cli->option[TOKEN];
	auto_buf struct buf text = {};

	if (argument) {
		join->token = strdup(argument);
		sodium_memzero(argument, strlen(argument));
	} else if (doppel_cli_read_file(cli, cli->option[TOKEN_FILE], &text)) {
		join->token = strndup(text.data ? text.data : "", text.data ? strcspn(text.data, " \t\r\n") : 0);
	}
	if (join->token && !*join->token)
		doppel_cli_error(cli, "the token is empty");
	return join->token && *join->token;
}

static void close_all(struct join *join)
{
	if (join->kernel.wireguard)
		join->kernel.wireguard->free(join->kernel.wireguard);
	if (join->kernel.rtnetlink)
		join->kernel.rtnetlink->free(join->kernel.rtnetlink);
	json_decref(join->config);
	free(join->key_file);
	free(join->config_file);
	if (join->lock >= 0)
		close(join->lock);
	if (join->token)
		sodium_memzero(join->token, strlen(join->token));
	free(join->token);
	sodium_memzero(join->private_key, sizeof(join->private_key));
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct join join = { .cli = cli, .lock = -1 };
	int result = CLI_FAILED;

	if (argc != 1)
		return doppel_cli_usage(cli, "it takes a URL");
	if (!doppel_client_is_url(argv[0]))
		return doppel_cli_usage(cli, "%s: no URL that it can ask: http://HOST[:PORT]", argv[0]);
	if (!cli->option[TOKEN] == !cli->option[TOKEN_FILE])
		return doppel_cli_usage(cli, "give the peer's token with --token or --token-file");
	if (sodium_init() < 0) {
		doppel_cli_error(cli, "no randomness");
		return CLI_FAILED;
	}
	if (read_token(&join, cli) && open_state(&join)) {
		join.url = (struct client_url){ argv[0], join.token };
		result = cli->option[DOWN] ? follow_until_ended(&join) : follow_in_kernel(&join);
	}
	close_all(&join);
	return result;
}

const struct cli_command doppel_cli_join = {
	.name = "join",
	.arguments = "URL --token TOKEN",
	.summary = "Be a peer in another gateway's WireGuard network, in the foreground.",
	.help = "URL is where that gateway's agent listens (api.listen): http://HOST[:PORT]. The private key is made\n"
		"here and stays here, as DIRECTORY/key; where the gateway's file names a public_key, put its private key\n"
		"there before. HTTP hides neither the token nor a preshared key: reach the URL over a path that you\n"
		"trust. Changes there are followed. Without the gateway the tunnel stays, and comes up with what was\n"
		"known last. SIGTERM leaves the tunnel up, unless there is --down. Names of the network are served by its\n"
		"gateway's addresses; this host's resolver is not changed. A route that contains the gateway's own\n"
		"address is left out.",
	.options = options,
	.no_json = true,
	.run = run,
};
