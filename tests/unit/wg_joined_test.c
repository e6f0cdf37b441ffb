// SPDX-License-Identifier: GPL-2.0-only
/* What a gateway tells a host that joined, as a site for the kernel. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tap.h"
#include "wireguard/joined.h"
#include "wireguard/key.h"

/* RFC 7748 section 6.1: Alice's pair, and Bob's public key */
#define ALICE_PRIVATE "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
#define ALICE "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
#define BOB "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
#define PSK "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

#define CONFIG \
	"{\"network\": \"office\", \"peer\": \"laptop\", \"interface\": \"wg-office\"," \
	" \"ipv4_address\": \"10.0.0.2\", \"ipv6_address\": \"fd00::2\", \"public_key\": \"" ALICE "\"," \
	" \"preshared_key\": \"" PSK "\", \"dns\": null," \
	" \"jump\": {\"name\": \"hub\", \"public_key\": \"" BOB "\", \"endpoint\": \"192.0.2.1\", \"port\": 51820," \
	"  \"keepalive\": 25, \"allowed_ips\": [\"10.0.0.0/24\", \"fd00::/64\"]}}"

static uint8_t private_key[WG_KEY_LEN];

/* The configuration with one value in another's place; @path: a key, or "jump.KEY"; NULL: it lacks that. */
static json_t *config_with(const char *path, const char *value)
{
	json_t *config = json_loads(CONFIG, 0, NULL), *object = config;
	const char *key = path;

	if (!strncmp(path, "jump.", 5)) {
		object = json_object_get(config, "jump");
		key = path + 5;
	}
	if (value)
		json_object_set_new(object, key, json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(object, key);
	return config;
}

/* Takes the configuration over. NULL: refused. */
static struct wg_joined *joined_of(json_t *config, struct doppel_error *error)
{
	struct wg_joined *joined = NULL;

	*error = (struct doppel_error){};
	doppel_wg_joined_new(config, private_key, &joined, error);
	json_decref(config);
	return joined;
}

static void print_key(struct buf *text, const char *name, const uint8_t key[WG_KEY_LEN])
{
	char encoded[WG_KEY_TEXT];

	doppel_buf_printf(text, "%s %s\n", name, doppel_wg_key_format(key, encoded));
}

static void print_address(struct buf *text, bool has, const struct in6_addr *address)
{
	char ip[DOPPEL_IP6_TEXT];

	if (has)
		doppel_buf_printf(text, "address %s\n", doppel_ip_format(address, ip));
}

static void print_cidr(struct buf *text, const char *name, const struct cidr *cidr)
{
	char encoded[DOPPEL_CIDR_TEXT];

	doppel_buf_printf(text, "%s %s\n", name, doppel_cidr_format(cidr, encoded));
}

static void print_network(struct buf *text, const struct wg_network *network)
{
	doppel_buf_printf(text, "%s %s %s\n", network->name, network->interface,
			  doppel_wg_stack_name(network->stack));
	if (doppel_wg_has_ipv4(network))
		print_cidr(text, "link", &network->ipv4);
	if (doppel_wg_has_ipv6(network))
		print_cidr(text, "link", &network->ipv6);
}

static void print_member(struct buf *text, const struct wg_member *member)
{
	char ip[DOPPEL_IP6_TEXT];

	doppel_buf_printf(text, "- %s\n", member->peer->name);
	print_address(text, member->has_ipv4, &member->ipv4);
	print_address(text, member->has_ipv6, &member->ipv6);
	print_key(text, "public", member->public_key);
	if (member->has_private_key)
		print_key(text, "private", member->private_key);
	if (member->has_preshared_key)
		print_key(text, "preshared", member->preshared_key);
	if (member->endpoint_port)
		doppel_buf_printf(text, "endpoint %s %u\n", doppel_ip_format(&member->endpoint, ip),
				  member->endpoint_port);
	if (member->keepalive)
		doppel_buf_printf(text, "keepalive %u\n", member->keepalive);
	for (size_t i = 0; i < member->peer->extra_allowed_ip_count; i++)
		print_cidr(text, "to", &member->peer->extra_allowed_ips[i]);
}

/* Takes the configuration over. */
static void becomes(json_t *config, const char *want, const char *name)
{
	struct doppel_error error;
	struct wg_joined *joined = joined_of(config, &error);
	const struct wg_assignment *network;
	auto_buf struct buf text = {};

	if (!ok(joined, "%s is taken", name)) {
		diag("%s", error.text);
		return;
	}
	is_int(doppel_wg_joined_resolve(joined, &error), 0, "… its gateway is found");
	network = doppel_wg_joined_site(joined)->networks;
	print_network(&text, network->network);
	for (size_t i = 0; i < network->network->peer_count; i++)
		print_member(&text, &network->members[i]);
	is_str(text.data, want, "… and is what it says");
	ok(doppel_wg_joined_site(joined)->network_count == 1 && network->jump == &network->members[0] &&
	   doppel_wg_joined_site(joined)->document->networks == network->network,
	   "… with the host in the jump peer's place");
	is_str(doppel_wg_joined_interface(joined), network->network->interface, "… by its interface");
	doppel_wg_joined_free(joined);
}

#define HOST_KEYS "public " ALICE "\nprivate " ALICE_PRIVATE "\n"
#define GATEWAY_KEY "- hub\npublic " BOB "\n"
#define WAY "endpoint 192.0.2.1 51820\nkeepalive 25\n"

static void test_good(void)
{
	json_t *config = json_loads(CONFIG, 0, NULL);

	becomes(json_incref(config),
		"office wg-office dual\nlink 10.0.0.2/32\nlink fd00::2/128\n"
		"- laptop\naddress 10.0.0.2\naddress fd00::2\n" HOST_KEYS
		GATEWAY_KEY "preshared " PSK "\n" WAY "to 10.0.0.0/24\nto fd00::/64\n", "R2.1 both families");
	json_decref(config);
	config = config_with("ipv6_address", "null");
	json_object_set_new(config, "preshared_key", json_null());
	becomes(config,
		"office wg-office ipv4\nlink 10.0.0.2/32\n- laptop\naddress 10.0.0.2\n" HOST_KEYS
		GATEWAY_KEY WAY "to 10.0.0.0/24\nto fd00::/64\n", "R2.1 IPv4 alone, without a preshared key");
	config = config_with("ipv4_address", "null");
	json_object_set_new(json_object_get(config, "jump"), "endpoint", json_string("2001:db8::1"));
	json_object_set_new(json_object_get(config, "jump"), "keepalive", json_integer(0));
	json_object_set_new(json_object_get(config, "jump"), "allowed_ips", json_array());
	becomes(config,
		"office wg-office ipv6\nlink fd00::2/128\n- laptop\naddress fd00::2\n" HOST_KEYS
		GATEWAY_KEY "preshared " PSK "\nendpoint 2001:db8::1 51820\n", "R2.1 IPv6 alone, over IPv6, with what may be missing");
	becomes(config_with("interface", "\"abcdefghij.-_45\""),
		"office abcdefghij.-_45 dual\nlink 10.0.0.2/32\nlink fd00::2/128\n"
		"- laptop\naddress 10.0.0.2\naddress fd00::2\n" HOST_KEYS
		GATEWAY_KEY "preshared " PSK "\n" WAY "to 10.0.0.0/24\nto fd00::/64\n", "the longest interface's name");
}

#define NO_GOOD(what) "what the gateway sent has no good " what "; is it of the same version?"

static void test_refusals(void)
{
	static const struct refusal {
		const char *path, *value, *error;
	} refusals[] = {
		{ "network", NULL, NO_GOOD("names") },
		{ "network", "\"\"", NO_GOOD("names") },
		{ "interface", NULL, NO_GOOD("names") },
		{ "interface", "\"\"", NO_GOOD("names") },
		{ "interface", "7", NO_GOOD("names") },
		{ "interface", "\"abcdefghij.-_456\"", NO_GOOD("names") },
		{ "interface", "\"../eth0\"", NO_GOOD("names") },
		{ "interface", "\"..\"", NO_GOOD("names") },
		{ "interface", "\"wg 0\"", NO_GOOD("names") },
		{ "interface", "\"wg\\n0\"", NO_GOOD("names") },
		{ "jump.endpoint", NULL, NO_GOOD("names") },
		{ "jump.endpoint", "null", NO_GOOD("names") },
		{ "ipv4_address", "\"10.0.0\"", NO_GOOD("address") },
		{ "ipv4_address", "\"10.0.0.2/32\"", NO_GOOD("address") },
		{ "ipv4_address", "\"fd00::2\"", NO_GOOD("address") },
		{ "ipv6_address", "\"10.0.0.2\"", NO_GOOD("address") },
		{ "preshared_key", "\"x\"", NO_GOOD("key") },
		{ "jump.public_key", NULL, NO_GOOD("key") },
		{ "jump.public_key", "\"AAAA\"", NO_GOOD("key") },
		{ "jump.port", NULL, NO_GOOD("port") },
		{ "jump.port", "0", NO_GOOD("port") },
		{ "jump.port", "65536", NO_GOOD("port") },
		{ "jump.port", "\"51820\"", NO_GOOD("port") },
		{ "jump.keepalive", "-1", NO_GOOD("port") },
		{ "jump.keepalive", "65536", NO_GOOD("port") },
		{ "jump.allowed_ips", NULL, NO_GOOD("jump.allowed_ips") },
		{ "jump.allowed_ips", "\"10.0.0.0/24\"", NO_GOOD("jump.allowed_ips") },
		{ "jump.allowed_ips", "[7]", NO_GOOD("jump.allowed_ips") },
		{ "jump.allowed_ips", "[\"10.0.0.0/24\", \"x\"]", NO_GOOD("jump.allowed_ips") },
		{ "jump", NULL, NO_GOOD("names") },
		{ "jump", "[]", NO_GOOD("names") },
	};
	struct doppel_error error;
	json_t *config;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *refusal = &refusals[i];
		struct wg_joined *joined = joined_of(config_with(refusal->path, refusal->value), &error);

		ok(!joined, "%s: %s is refused", refusal->path, refusal->value ? refusal->value : "none");
		is_str(error.text, refusal->error, "… and it says what");
		doppel_wg_joined_free(joined);
	}
	config = config_with("ipv4_address", NULL);
	json_object_del(config, "ipv6_address");
	ok(!joined_of(config, &error), "no address at all is refused");
	is_str(error.text, NO_GOOD("address"), "… and it says what");
	ok(!joined_of(json_array(), &error) && !joined_of(NULL, &error), "nor is it something else than an object");
}

/* RFC 6761 section 6.4: .invalid is nowhere. */
static void test_resolve(void)
{
	struct doppel_error error;
	struct wg_joined *joined = joined_of(config_with("jump.endpoint", "\"gateway.invalid\""), &error);

	is_int(doppel_wg_joined_resolve(joined, &error), -EHOSTUNREACH, "a name that leads nowhere");
	ok(strstr(error.text, "the gateway, gateway.invalid, is not found: ") == error.text, "… is told");
	doppel_wg_joined_free(joined);
	doppel_wg_joined_free(NULL);
}

/* All traffic by IPv6 does not disturb a tunnel over IPv4. */
static void test_left_out(void)
{
	struct doppel_error error;
	struct wg_joined *joined = joined_of(config_with(
		"jump.allowed_ips",
		"[\"0.0.0.0/0\", \"10.0.0.0/24\", \"192.0.2.0/24\", \"::/0\", \"192.0.3.0/24\"]"), &error);
	const struct wg_assignment *network = doppel_wg_joined_site(joined)->networks;
	auto_buf struct buf text = {};

	is_int(doppel_wg_joined_resolve(joined, &error), 0, "a gateway at an address");
	doppel_wg_joined_leave_out(joined, &error);
	is_str(error.text,
	       "the route to 0.0.0.0/0 is left out: the gateway itself, 192.0.2.1, is reached by it\n"
	       "the route to 192.0.2.0/24 is left out: the gateway itself, 192.0.2.1, is reached by it",
	       "routes to it by the tunnel are told of");
	for (size_t i = 0; i < network->members[1].peer->extra_allowed_ip_count; i++)
		print_cidr(&text, "to", &network->members[1].peer->extra_allowed_ips[i]);
	is_str(text.data, "to 10.0.0.0/24\nto ::/0\nto 192.0.3.0/24\n", "… and left out, no other");
	doppel_wg_joined_free(joined);
}

int main(void)
{
	if (sodium_init() < 0 || !doppel_wg_key_parse(ALICE_PRIVATE, private_key))
		return 1;
	test_good();
	test_refusals();
	test_resolve();
	test_left_out();
	return done_testing();
}
