// SPDX-License-Identifier: GPL-2.0-only
/* What a peer's agent asks over TCP, and how long it waits for a change. */
#include <netinet/in.h>
#include <sodium.h>
#include <unistd.h>

#include "api/api.h"
#include "api/token.h"
#include "api_call.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/config.h"
#include "scratch.h"
#include "wg_networks_fake.h"
#include "wireguard/key.h"

#define JOIN "/api/v1/join"
/* RFC 7748 section 6.1: Alice's and Bob's public keys */
#define ALICE "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
#define ALICE_ESCAPED "hSDwCYkwp1R0i33ctD73Wg2%2FOg0mOBr066SpjqqbTmo%3D"
#define BOB "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
#define BOB_ESCAPED "3p7bfXt9wbTTW2HC7OQ1Nz%2BDQ8hbeGdNrfx%2BFG%2BIK08%3D"

#define OFFICE \
	"networks:\n" \
	"  - name: office\n" \
	"    ip_stack_mode: dual\n" \
	"    ipv4_cidr: 10.10.0.0/24\n" \
	"    ipv6_cidr: \"fd00:10::/64\"\n" \
	"    endpoint: vpn.example.net\n" \
	"    dns: {upstream: [192.0.2.53]}\n" \
	"    peers:\n" \
	"      - {name: hub, jump: true}\n" \
	"      - {name: laptop, agent: true, preshared_key: generate, groups: [staff]}\n" \
	"      - {name: tablet, agent: true, public_key: \"" BOB "\", expires: 2026-10-01T00:00:00Z}\n" \
	"      - {name: phone}\n" \
	"    groups: [{name: staff}]\n" \
	"    routes: [{name: lan, destination: 192.168.1.0/24, via: hub, groups: [staff]}]\n"

static char path[64], url[32];
static char *api_token;
static struct fake_networks world;
static struct config config;
static struct api *api;

/* --- asking ----------------------------------------------------------------------------------- */

struct asking {
	const char *token, *method, *where;
	int err;
	unsigned int status;
	struct buf reply;
	double seconds;
	ev_async *done;
};

static void *run_asking(void *ctx)
{
	const ev_tstamp start = ev_time();
	struct asking *asking = ctx;

	asking->err = doppel_client_ask(&(struct client_url){ url, asking->token }, asking->method,
					asking->where, 30, &asking->status, &asking->reply);
	asking->seconds = ev_time() - start;
	ev_async_send(EV_DEFAULT, asking->done);
	return NULL;
}

/* The reply is the caller's. */
static struct asking ask(const char *token, const char *method, const char *where)
{
	ev_async done;
	struct asking asking = { .token = token, .method = method, .where = where, .done = &done };

	run_thread(EV_DEFAULT, run_asking, &asking, &done);
	return asking;
}

static json_t *json_of(struct asking *asking)
{
	json_t *json = asking->reply.len ? json_loadb(asking->reply.data, asking->reply.len, 0, NULL) : NULL;

	doppel_buf_free(&asking->reply);
	return json;
}

static void is_error(json_t *reply, const char *error)
{
	is_str(doppel_cli_string(reply, "error"), error, "… and says why");
	json_decref(reply);
}

static void refused(const char *token, const char *method, const char *where, unsigned int status,
		    const char *error)
{
	struct asking asking = ask(token, method, where);

	is_int(asking.err ? 0 : asking.status, status, "%s %.30s is %u", method, where, status);
	is_error(json_of(&asking), error);
}

/* The configuration, the caller's. */
static json_t *joins(const char *token, const char *what)
{
	struct asking asking = ask(token, "GET", JOIN);

	is_int(asking.err ? 0 : asking.status, 200, "%s", what);
	return json_of(&asking);
}

static void is_joined_hash(const char *token, char hash[65])
{
	json_t *reply = joins(token, "what there is now");

	snprintf(hash, 65, "%s", doppel_cli_string(reply, "hash"));
	is_int(strlen(hash), 64, "… has a hash");
	json_decref(reply);
}

/* By the agent's own socket; the peer's token is the caller's. */
static json_t *post_token(const char *peer, unsigned int status)
{
	char where[100];
	struct call call;

	snprintf(where, sizeof(where), "/api/v1/networks/%s/token", peer);
	call = request(EV_DEFAULT, path, "POST", where, NULL);
	is_int(call.err ? 0 : call.status, status, "POST %s is %u", where, status);
	return call.reply;
}

static char *new_token(const char *peer)
{
	json_t *reply = post_token(peer, 201);
	char *token = strdup(doppel_cli_string(reply, "token"));

	json_decref(reply);
	return token;
}

static void fresh(void)
{
	fake_request(&world, &(struct wg_request){ .file = "x", .text = "{networks: []}", .len = 14, .prune = true });
	if (fake_apply_text(&world, OFFICE))
		diag("%s", world.error.text);
}

/* --- who may ask what ------------------------------------------------------------------------- */

static void test_tokens(void)
{
	auto_free char *one = NULL, *other = NULL;

	fresh();
	one = new_token("office/peers/laptop");
	ok(strlen(one) == 64 && strspn(one, "0123456789abcdef") == 64, "a token of 32 bytes");
	other = new_token("office/peers/laptop");
	ok(strcmp(one, other), "each time another");
	is_error(post_token("office/peers/tv", 404), "there is no peer \"tv\" in network \"office\"");
	is_error(post_token("lab/peers/laptop", 404), "there is no network \"lab\"");
	is_error(post_token("office/peers/phone", 409),
		 "peer \"phone\" does not fetch its configuration by itself; let it with agent: true");
	is_error(post_token("office/peers/hub", 409),
		 "peer \"hub\" does not fetch its configuration by itself; let it with agent: true");
}

static void test_authorization(void)
{
	static const char nobodys[] = "the token is no peer's: doppel peer token NETWORK PEER makes a new one";
	static const char no_token[] = "give the token: Authorization: Bearer TOKEN";
	static const char *const others[] = {
		"/health", "/api/v1/networks", "/api/v1/networks/office/peers/laptop/config", JOIN "/", JOIN "/x", "/api/v1",
	};
	auto_free char *token = NULL, *old = NULL;
	size_t i;

	fresh();
	old = new_token("office/peers/laptop");
	token = new_token("office/peers/laptop");
	refused("", "GET", JOIN, 401, nobodys);
	refused("wrong", "GET", JOIN, 401, nobodys);
	refused(old, "GET", JOIN, 401, nobodys);
	refused(api_token, "GET", JOIN, 401, nobodys);
	refused(api_token, "PUT", JOIN "?public_key=" ALICE_ESCAPED, 401, nobodys);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		refused(token, "GET", others[i], 401, no_token);
	refused(token, "POST", "/api/v1/networks/office/peers/laptop/token", 401, no_token);
	refused(token, "POST", JOIN, 405, "POST is not for " JOIN);
	refused(api_token, "GET", "/api/v1/nothing", 404, "nothing at /api/v1/nothing");
	json_decref(joins(token, "with it a peer joins"));
}

/* --- what is told ----------------------------------------------------------------------------- */

static void take_text(json_t *json, const char *key, size_t len)
{
	is_int(strlen(doppel_cli_string(json, key)), len, "%s", key);
	json_object_del(json, key);
}

static void test_configuration(void)
{
	auto_free char *laptop = NULL, *tablet = NULL, *text = NULL;
	json_t *reply;

	fresh();
	laptop = new_token("office/peers/laptop");
	tablet = new_token("office/peers/tablet");
	reply = joins(laptop, "a peer's configuration");
	take_text(reply, "hash", 64);
	take_text(reply, "public_key", 44);
	take_text(reply, "preshared_key", 44);
	take_text(json_object_get(reply, "jump"), "public_key", 44);
	text = json_dumps(reply, JSON_COMPACT | JSON_SORT_KEYS);
	is_str(text,
	       "{\"dns\":{\"domain\":\"office.internal\",\"ipv4_address\":\"10.10.0.1\",\"ipv6_address\":\"fd00:10::1\"},"
	       "\"interface\":\"wg-office\",\"ipv4_address\":\"10.10.0.2\",\"ipv6_address\":\"fd00:10::2\","
	       "\"jump\":{\"allowed_ips\":[\"10.10.0.0/24\",\"fd00:10::/64\",\"192.168.1.0/24\"],\"endpoint\":\"vpn.example.net\","
	       "\"keepalive\":25,\"name\":\"hub\",\"port\":51820},\"network\":\"office\",\"peer\":\"laptop\"}",
	       "… is all that it needs, and no private key");
	json_decref(reply);
	reply = joins(tablet, "another's");
	is_str(doppel_cli_string(reply, "public_key"), BOB, "… with a key of its own");
	ok(json_is_null(json_object_get(reply, "preshared_key")), "… without a preshared key");
	is_int(json_array_size(json_object_get(json_object_get(reply, "jump"), "allowed_ips")), 2, "… or a route");
	json_decref(reply);
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{endpoint: null}");
	refused(laptop, "GET", JOIN, 409,
		"network office has no endpoint that peer laptop could dial; set endpoint to this gateway's name or address");
}

static bool is_outdated(const char *peer)
{
	const struct wg_assignment *office = doppel_wg_assignment(doppel_wg_networks_site(world.networks), "office");

	return doppel_wg_networks_outdated(world.networks, office, doppel_wg_member(office, peer));
}

static void test_handed_out(void)
{
	auto_free char *token = NULL;

	fresh();
	token = new_token("office/peers/laptop");
	json_decref(joins(token, "a peer has its configuration"));
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{endpoint: 192.0.2.9}");
	ok(is_outdated("laptop"), "R10.5 which is outdated by a change");
	json_decref(joins(token, "until it has the new one"));
	ok(!is_outdated("laptop"), "R10.5 … and then no more");
}

static void test_expired(void)
{
	auto_free char *token = NULL;

	fresh();
	token = new_token("office/peers/tablet");
	json_decref(joins(token, "a peer that will expire"));
	world.wall += 30 * 86400;
	doppel_wg_networks_timeout(world.networks);
	refused(token, "GET", JOIN, 403, "peer \"tablet\" of network \"office\" has expired");
	refused(token, "PUT", JOIN "?public_key=" ALICE_ESCAPED, 403, "peer \"tablet\" of network \"office\" has expired");
	world.wall -= 30 * 86400;
	doppel_wg_networks_timeout(world.networks);
	json_decref(joins(token, "has not expired any more"));
}

static void test_key(void)
{
	static const char give[] = "give the public key: " JOIN "?public_key=KEY";
	auto_free char *token = NULL;
	struct asking asking;
	json_t *reply;

	fresh();
	token = new_token("office/peers/laptop");
	refused(token, "PUT", JOIN, 400, give);
	refused(token, "PUT", JOIN "?public_key", 400, give);
	refused(token, "PUT", JOIN "?public_key=AAAA", 400, give);
	refused(token, "PUT", JOIN "?public_key=" BOB_ESCAPED, 400,
		"network \"office\": peer \"tablet\": its public_key is peer \"laptop\"'s: a key is one peer's");
	asking = ask(token, "PUT", JOIN "?public_key=" ALICE_ESCAPED);
	is_int(asking.status, 200, "a key is told");
	json_decref(json_of(&asking));
	reply = joins(token, "the next configuration");
	is_str(doppel_cli_string(reply, "public_key"), ALICE, "… is for it");
	json_decref(reply);
	fake_edit(&world, WG_SET, WG_PEER, "office", "laptop", "{public_key: \"6aq+aXRyGKBsgHNDzQmQFkQbMqUsWZXJQXBZYEjpzUc=\"}");
	refused(token, "PUT", JOIN "?public_key=" ALICE_ESCAPED, 409,
		"network \"office\": peer \"laptop\": another public_key is written for it; take that one away, or use its private key");
}

/* --- waiting for a change --------------------------------------------------------------------- */

/* What happens while it waits. */
static void set_endpoint(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{endpoint: 192.0.2.9}");
}

static void add_peer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	fake_edit(&world, WG_ADD, WG_PEER, "office", "tv", NULL);
}

static void remove_laptop(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	fake_edit(&world, WG_REMOVE, WG_PEER, "office", "laptop", NULL);
}

static void close_tcp(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct doppel_error error = {};

	(void)loop;
	(void)timer;
	(void)events;
	config.api.on = false;
	doppel_api_reload(api, &config, &error);
}

/* The same peer waits anew, until again is closed. */
static struct {
	char request[300];
	int fd;
} again;

static void ask_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	again.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(again.fd, (struct sockaddr *)&config.api.listen, config.api.listen_len) ||
	    write(again.fd, again.request, strlen(again.request)) < 0)
		abort();
}

/* The reply is the caller's. */
static struct asking wait_with(const char *token, const char *have, int seconds,
			       void (*meanwhile)(struct ev_loop *loop, ev_timer *timer, int events))
{
	struct asking asking;
	char where[150];
	ev_timer timer;

	snprintf(where, sizeof(where), JOIN "?have=%s&wait=%d", have, seconds);
	ev_timer_init(&timer, meanwhile, 0.1, 0);
	ev_now_update(EV_DEFAULT);
	if (meanwhile)
		ev_timer_start(EV_DEFAULT, &timer);
	asking = ask(token, "GET", where);
	ev_timer_stop(EV_DEFAULT, &timer);
	return asking;
}

static void is_empty(struct asking asking, const char *what)
{
	is_int(asking.err ? 0 : asking.status, 200, "%s", what);
	is_int(asking.reply.len, 0, "… and nothing is told");
	doppel_buf_free(&asking.reply);
}

static void test_have(void)
{
	auto_free char *token = NULL;
	struct asking asking;
	char hash[65];

	fresh();
	token = new_token("office/peers/laptop");
	is_joined_hash(token, hash);
	is_empty(wait_with(token, hash, 0, NULL), "who has it already, and does not wait");
	is_empty(wait_with(token, hash, -1, NULL), "nor waits less than that");
	asking = wait_with(token, "x", 50, NULL);
	ok(asking.status == 200 && asking.reply.len && asking.seconds < 10, "who has another one is told at once");
	doppel_buf_free(&asking.reply);
	asking = wait_with("wrong", hash, 50, NULL);
	is_int(asking.status, 401, "who is nobody does not wait");
	doppel_buf_free(&asking.reply);
}

static void test_wait(void)
{
	auto_free char *token = NULL;
	struct asking asking;
	char hash[65], next[65];
	json_t *reply;

	fresh();
	token = new_token("office/peers/laptop");
	is_joined_hash(token, hash);
	asking = wait_with(token, hash, 50, set_endpoint);
	ok(asking.status == 200 && asking.seconds < 10, "a change is told when it happens");
	reply = json_of(&asking);
	is_str(doppel_cli_string(json_object_get(reply, "jump"), "endpoint"), "192.0.2.9", "… with all that is new");
	ok(!is_outdated("laptop"), "… so that it has the newest");
	snprintf(next, sizeof(next), "%s", doppel_cli_string(reply, "hash"));
	json_decref(reply);
	ok(strcmp(next, hash), "… under another hash");
	asking = wait_with(token, next, 1, add_peer);
	ok(asking.seconds > 0.9, "what is nothing to it does not end its waiting");
	is_empty(asking, "time does");
	snprintf(again.request, sizeof(again.request),
		 "GET " JOIN "?have=%s&wait=50 HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n", next, token);
	asking = wait_with(token, next, 50, ask_again);
	ok(asking.seconds < 10, "who asks anew does not wait twice");
	is_empty(asking, "the older one ends");
	close(again.fd);
	asking = wait_with(token, next, 50, remove_laptop);
	ok(asking.seconds < 10, "who is removed waits no longer");
	is_empty(asking, "it asks again");
	refused(token, "GET", JOIN, 401, "the token is no peer's: doppel peer token NETWORK PEER makes a new one");
}

static void test_end(void)
{
	auto_free char *token = NULL;
	struct asking asking;
	char hash[65];

	fresh();
	token = new_token("office/peers/laptop");
	is_joined_hash(token, hash);
	asking = wait_with(token, hash, 50, close_tcp);
	ok(!asking.reply.len && asking.seconds < 10, "nobody waits for an agent that does not listen any more");
	doppel_buf_free(&asking.reply);
	is_int(fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{endpoint: 192.0.2.7}"), 0,
	       "… and no change is told to who waited");
}

/* A port of which nobody else hears. */
static void choose_address(void)
{
	struct sockaddr_in *addr = (struct sockaddr_in *)&config.api.listen;
	auto_close int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(*addr);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (struct sockaddr *)addr, len) || getsockname(fd, (struct sockaddr *)addr, &len))
		abort();
	config.api.listen_len = len;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(addr->sin_port));
}

static void start(const char *directory, char *token_file, size_t size)
{
	struct doppel_error error = {};

	snprintf(world.path, sizeof(world.path), "%s/db", directory);
	snprintf(path, sizeof(path), "%s/sock", directory);
	snprintf(token_file, size, "%s/token", directory);
	world.ms = 1000;
	world.wall = 1790000000;		/* 2026-09-21T14:13:20Z */
	fake_start(&world, NULL);
	choose_address();
	config.api.on = true;
	config.api.token_file = token_file;
	is_int(doppel_api_new(&(struct api_env){
		.loop = EV_DEFAULT, .networks = world.networks, .clock = &world.clock, .socket = path,
		.config_file = "/etc/x.yaml",
	}, &config, &api, &error), 0, "the API listens on TCP");
	is_int(doppel_token_load(token_file, &api_token, &error), 0, "… with a token of its own");
}

int main(void)
{
	char directory[SCRATCH_SIZE], token_file[64];

	if (sodium_init() < 0)
		return 1;
	doppel_log_set_level(LOG_EMERG);
	scratch_make(directory);
	start(directory, token_file, sizeof(token_file));
	test_tokens();
	test_authorization();
	test_configuration();
	test_handed_out();
	test_expired();
	test_key();
	test_have();
	test_wait();
	test_end();
	doppel_api_free(api);
	fake_free(&world);
	free(api_token);
	return scratch_remove(directory) ? 1 : done_testing();
}
