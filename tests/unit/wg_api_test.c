// SPDX-License-Identifier: GPL-2.0-only
/* WireGuard networks by the API: what is asked, what is changed, what is refused. */
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api_call.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/config.h"
#include "scratch.h"
#include "wg_networks_fake.h"

static char path[64];
static struct fake_networks world;

#define OFFICE \
	"networks:\n" \
	"  - name: office\n" \
	"    ip_stack_mode: dual\n" \
	"    ipv4_cidr: 10.10.0.0/29\n" \
	"    ipv6_cidr: \"fd00:10::/64\"\n" \
	"    endpoint: vpn.example.net\n" \
	"    dns: {upstream: [192.0.2.53]}\n" \
	"    peers:\n" \
	"      - {name: hub, jump: true}\n" \
	"      - {name: laptop, agent: true, groups: [staff]}\n" \
	"      - {name: phone, preshared_key: generate, expires: 2026-10-01T00:00:00Z}\n" \
	"    groups:\n" \
	"      - {name: staff, priority: 10, policies: [site]}\n" \
	"    policies:\n" \
	"      - name: site\n" \
	"        rules:\n" \
	"          - {direction: output, action: allow, target: 192.168.1.0/24, protocol: tcp, ports: [80, 443]}\n" \
	"          - {direction: input, action: allow, target: \"::/0\"}\n" \
	"          - {direction: output, action: deny, target: any}\n" \
	"    routes:\n" \
	"      - {name: lan, destination: 192.168.1.0/24, via: hub, groups: [staff],\n" \
	"         dns: [{name: printer, address: 192.168.1.50}]}\n"

static json_t *ask(const char *method, const char *where, json_t *body, unsigned int status)
{
	struct call call = request(EV_DEFAULT, path, method, where, body);

	is_int(call.err ? 0 : call.status, status, "%s %s is %u", method, where, status);
	return call.reply;
}

static void refused(const char *method, const char *where, json_t *body, unsigned int status,
		    const char *error)
{
	json_t *reply = ask(method, where, body, status);

	is_str(doppel_cli_string(reply, "error"), error, "… and says why");
	json_decref(reply);
}

/* What it changes, in lines for people. */
static void changes(const char *method, const char *where, json_t *body, unsigned int status,
		    const char *text)
{
	json_t *reply = ask(method, where, body, status);

	is_str(doppel_cli_string(reply, "text"), text, "… and says what it changes");
	json_decref(reply);
}

static struct exchange send_text(const char *method, const char *where, const char *text,
				 unsigned int status)
{
	struct exchange exchange = request_text(EV_DEFAULT, path, method, where, text);

	is_int(exchange.err ? 0 : exchange.status, status, "%s %s is %u", method, where, status);
	return exchange;
}

/* The reply's text has it. */
static void has_text(struct exchange exchange, const char *want, const char *name)
{
	if (!ok(exchange.reply.data && strstr(exchange.reply.data, want), "%s", name))
		diag("%s", exchange.reply.data ? exchange.reply.data : "nothing");
	doppel_buf_free(&exchange.reply);
}

static void is_json(const json_t *json, const char *want, const char *name)
{
	auto_free char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	is_str(text ? text : "", want, "%s", name);
}

static void fresh(void)
{
	fake_clear(&world.order);
	if (fake_apply_text(&world, OFFICE))
		diag("%s", world.error.text);
}

static void test_apply(void)
{
	fake_request(&world, &(struct wg_request){ .file = "x", .text = "{networks: []}", .len = 14,
						   .prune = true });
	fake_clear(&world.order);
	has_text(send_text("POST", "/api/v1/apply?file=office.yaml&dry_run=1", OFFICE, 200),
		 "\"name\":\"phone\"", "a plan tells what would come");
	is_str(world.order.data, "", "… and nothing is made real");
	has_text(send_text("POST", "/api/v1/apply?dry_run", OFFICE, 200), "\"dry_run\": true",
		 "dry_run needs no value");
	is_str(world.order.data, "", "… and nothing is made real");
	has_text(send_text("POST", "/api/v1/apply", OFFICE, 200), "+ peer office/laptop", "applied");
	is_str(world.order.data, "firewall kernel names ", "… and made real");
	has_text(send_text("POST", "/api/v1/apply", OFFICE, 200), "\"changes\": []", "twice: no changes");
	has_text(send_text("POST", "/api/v1/apply?file=office.yaml",
			   "networks:\n  - {name: lab, cidr: 10.10.0.1/24}\n", 400),
		 "office.yaml:2:23: ", "R2.1 a fault has its place in the file that was named");
	has_text(send_text("POST", "/api/v1/apply", "{\"networks\": [{\"name\": \"a\", \"cidr\": \"10.1.0.0/24\","
			   " \"listen_port\": 1}]}", 200), "+ network a", "JSON is as good");
	has_text(send_text("POST", "/api/v1/apply?prune=1", OFFICE, 200), "- network a",
		 "prune takes away what the file lacks");
	has_text(send_text("POST", "/api/v1/apply", "networks: [{name: b, cidr: 10.9.0.0/30, listen_port: 2,"
			   " peers: [{name: hub, jump: true}, {name: x}, {name: y}]}]", 507),
		 "no address is left in 10.9.0.0/30", "R11.5 an exhausted prefix");
	has_text(send_text("POST", "/api/v1/apply", "networks: [{name: office, ipv4_cidr: 10.10.0.0/29}]", 409),
		 "static peers have IPv6 addresses: \\\"phone\\\"", "R10.6 a mode that a static peer is in the way of");
}

static void test_document(void)
{
	struct exchange document = send_text("GET", "/api/v1/wireguard", NULL, 200);

	has_text(send_text("POST", "/api/v1/apply?prune=1", document.reply.data, 200),
		 "\"changes\": []", "what is exported, applied, changes nothing");
	doppel_buf_free(&document.reply);
	document = send_text("GET", "/api/v1/wireguard?network=office&format=json", NULL, 200);
	has_text(send_text("POST", "/api/v1/apply", document.reply.data, 200), "\"changes\": []",
		 "of one network, in JSON, too");
	doppel_buf_free(&document.reply);
	refused("GET", "/api/v1/wireguard?network=lab", NULL, 404, "there is no network \"lab\"");
	refused("GET", "/api/v1/wireguard?network=lab&format=json", NULL, 404,
		"there is no network \"lab\"");
	refused("GET", "/api/v1/wireguard?format=xml", NULL, 400,
		"no such format: xml; there are yaml, json");
}

static void test_network(void)
{
	json_t *reply = ask("GET", "/api/v1/networks/OFFICE", NULL, 200), *part;

	is_str(doppel_cli_string(reply, "ip_stack_mode"), "dual", "a network's mode");
	is_str(doppel_cli_string(reply, "ipv4_cidr"), "10.10.0.0/29", "… and prefixes");
	is_str(doppel_cli_string(reply, "ipv6_cidr"), "fd00:10::/64", "… of both families");
	is_str(doppel_cli_string(reply, "domain"), "office.internal", "… what it has by default");
	is_json(json_object_get(reply, "dns"), "{\"upstream\":[\"192.0.2.53\"]}", "… its DNS");
	is_json(json_object_get(reply, "counts"),
		"{\"peers\":3,\"expired\":0,\"groups\":1,\"policies\":1,\"routes\":1}", "… counts");
	is_json(json_object_get(reply, "addresses"),
		"{\"ipv4\":{\"used\":3,\"available\":3},"
		"\"ipv6\":{\"used\":3,\"available\":9223372036854775804}}",
		"R11.4 available addresses of both families");
	is_str(doppel_cli_string(reply, "origin"), "applied", "… who owns it");
	is_int(strlen(doppel_cli_string(reply, "public_key")), 44, "… the jump peer's key");
	part = json_array_get(json_object_get(reply, "parts"), 1);
	is_json(part, "{\"name\":\"kernel\",\"good\":true,\"problem\":\"\",\"next_try\":null}",
		"… and whether its parts are good");
	json_decref(reply);
	reply = ask("GET", "/api/v1/networks", NULL, 200);
	is_int(doppel_cli_integer(reply, "total"), 1, "it is listed");
	json_decref(reply);
	refused("GET", "/api/v1/networks/lab", NULL, 404, "there is no network \"lab\"");
	refused("GET", "/api/v1/networks/lab/peers", NULL, 404, "there is no network \"lab\"");
	refused("PUT", "/api/v1/networks/lab", NULL, 405, "PUT is not for /api/v1/networks/lab");
	refused("GET", "/api/v1/networks/office/things", NULL, 404,
		"nothing at /api/v1/networks/office/things");
	refused("GET", "/devices", NULL, 404,
		"this box is no gateway: its file has no gateway: section");
}

static void test_things(void)
{
	json_t *reply = ask("GET", "/api/v1/networks/office/peers", NULL, 200), *one;

	is_int(doppel_cli_integer(reply, "total"), 3, "three peers");
	one = json_array_get(json_object_get(reply, "peers"), 1);
	is_str(doppel_cli_string(one, "ipv4_address"), "10.10.0.2", "R3.3 a peer's IPv4 address");
	is_str(doppel_cli_string(one, "ipv6_address"), "fd00:10::2", "R3.3 … and IPv6 address");
	is_json(json_object_get(one, "groups"), "[\"staff\"]", "… its groups");
	is_json(json_object_get(one, "latest_handshake"), "null", "… never heard of");
	is_int(doppel_cli_integer(one, "latest_handshake_seconds"), 0, "… which is 0 in seconds");
	json_decref(reply);
	reply = ask("GET", "/api/v1/networks/office/peers/phone", NULL, 200);
	is_str(doppel_cli_string(reply, "expires"), "2026-10-01T00:00:00Z", "when it expires");
	ok(json_is_false(json_object_get(reply, "expired")) &&
	   json_is_false(json_object_get(reply, "outdated")), "… and has not yet, nor is outdated");
	ok(json_is_true(json_object_get(reply, "has_preshared_key")) &&
	   !json_object_get(reply, "preshared_key") && !json_object_get(reply, "private_key"),
	   "no private and no preshared key is in it");
	json_decref(reply);
	reply = ask("GET", "/api/v1/networks/office/groups/staff", NULL, 200);
	is_json(reply, "{\"name\":\"staff\",\"priority\":10,\"policies\":[\"site\"],\"peers\":[\"laptop\"]}",
		"a group");
	json_decref(reply);
	reply = ask("GET", "/api/v1/networks/office/policies/site", NULL, 200);
	is_json(json_object_get(reply, "rules"),
		"[{\"direction\":\"output\",\"action\":\"allow\",\"target\":\"192.168.1.0/24\","
		"\"protocol\":\"tcp\",\"ports\":[80,443],\"ip_versions\":[\"ipv4\"]},"
		"{\"direction\":\"input\",\"action\":\"allow\",\"target\":\"::/0\",\"protocol\":\"any\","
		"\"ports\":[],\"ip_versions\":[\"ipv6\"]},"
		"{\"direction\":\"output\",\"action\":\"deny\",\"target\":\"any\",\"protocol\":\"any\","
		"\"ports\":[],\"ip_versions\":[\"ipv4\",\"ipv6\"]}]",
		"R13.5 rules say for which IP version they are");
	json_decref(reply);
	reply = ask("GET", "/api/v1/networks/office/routes/lan", NULL, 200);
	is_str(doppel_cli_string(reply, "destination"), "192.168.1.0/24", "a route");
	json_decref(reply);
	reply = ask("GET", "/api/v1/networks/office/routes/lan/dns/printer", NULL, 200);
	is_json(reply, "{\"name\":\"printer\",\"address\":\"192.168.1.50\",\"type\":\"A\","
		"\"route\":\"lan\",\"domain\":\"office.internal\"}", "R8.2 a mapping");
	json_decref(reply);
	reply = ask("GET", "/api/v1/networks/office/dns", NULL, 200);
	is_int(doppel_cli_integer(reply, "total"), 1, "mappings of all routes");
	json_decref(reply);
	refused("GET", "/api/v1/networks/office/peers/tv", NULL, 404,
		"there is no peer \"tv\" in network \"office\"");
	refused("GET", "/api/v1/networks/office/groups/tv", NULL, 404,
		"there is no group \"tv\" in network \"office\"");
	refused("GET", "/api/v1/networks/office/policies/tv", NULL, 404,
		"there is no policy \"tv\" in network \"office\"");
	refused("GET", "/api/v1/networks/office/routes/tv", NULL, 404,
		"there is no route \"tv\" in network \"office\"");
	refused("GET", "/api/v1/networks/office/routes/tv/dns", NULL, 404,
		"there is no route \"tv\" in network \"office\"");
	refused("GET", "/api/v1/networks/office/routes/lan/dns/tv", NULL, 404,
		"there is no dns \"tv\" in network \"office\"");
}

static void test_edit(void)
{
	changes("POST", "/api/v1/networks?dry_run=1",
		json_pack("{s:s, s:s, s:i}", "name", "lab", "ipv4_cidr", "10.1.0.0/24", "listen_port", 1), 200,
		"+ network lab\n");
	changes("POST", "/api/v1/networks",
		json_pack("{s:s, s:s, s:i}", "name", "lab", "ipv4_cidr", "10.1.0.0/24", "listen_port", 1), 201,
		"+ network lab\n");
	refused("POST", "/api/v1/networks", json_pack("{s:s}", "name", "lab"), 409,
		"there is a network \"lab\" already");
	changes("PATCH", "/api/v1/networks/lab", json_pack("{s:s}", "endpoint", "192.0.2.1"), 200,
		"~ network lab: endpoint: 192.0.2.1\n");
	changes("PATCH", "/api/v1/networks/lab", json_pack("{s:n}", "endpoint"), 200,
		"~ network lab: endpoint: no longer 192.0.2.1\n");
	changes("DELETE", "/api/v1/networks/lab", NULL, 200, "- network lab\n");
	changes("POST", "/api/v1/networks/office/peers", json_pack("{s:s, s:[s]}", "name", "tv", "groups", "staff"),
		201, "+ peer office/tv\n~ peer office/tv: ipv4_address: 10.10.0.4\n"
		"~ peer office/tv: ipv6_address: fd00:10::4\n");
	changes("PATCH", "/api/v1/networks/office/peers/tv", json_pack("{s:[]}", "groups"), 200,
		"~ peer office/tv: groups: [\"staff\"] → []\n"
		"! peer office/tv: its file is outdated; give it the new one\n");
	changes("DELETE", "/api/v1/networks/office/peers/tv", NULL, 200,
		"- peer office/tv\n");
	changes("POST", "/api/v1/networks/office/routes/lan/dns",
		json_pack("{s:s, s:s}", "name", "nas", "address", "192.168.1.51"), 201,
		"+ dns office/lan/nas\n");
	changes("PATCH", "/api/v1/networks/office/routes/lan/dns/nas",
		json_pack("{s:s}", "address", "192.168.1.52"), 200,
		"~ dns office/lan/nas: address: 192.168.1.51 → 192.168.1.52\n");
	refused("PATCH", "/api/v1/networks/office/routes/lan/dns/nas",
		json_pack("{s:s}", "address", "192.168.2.52"), 400,
		"wireguard: networks[0].routes[0].dns[1].address: 192.168.2.52 lies outside the route's destination, 192.168.1.0/24");
	changes("DELETE", "/api/v1/networks/office/routes/lan/dns/nas", NULL, 200,
		"- dns office/lan/nas\n");
	changes("DELETE", "/api/v1/networks/office/routes/lan?dry_run=true", NULL, 200,
		"- route office/lan\n- dns office/lan/printer\n");
	refused("DELETE", "/api/v1/networks/office/groups/staff", NULL, 409,
		"network \"office\": group \"staff\" is in use by peer \"laptop\", route \"lan\"; take it away there first");
	refused("DELETE", "/api/v1/networks/office/peers/tv", NULL, 404,
		"there is no peer \"tv\" in network \"office\"");
	refused("POST", "/api/v1/networks/office/peers", json_array(), 400,
		"want an object, as {\"name\": \"…\"}");
	refused("POST", "/api/v1/networks/office/peers", json_object(), 400,
		"name: missing; give the peer one");
	has_text(send_text("POST", "/api/v1/networks/office/peers", "{\"name\": \"a\", \"name\": \"b\"}", 400),
		 "1:20: not JSON: duplicate object key", "a key twice is refused");
}

static void test_files(void)
{
	json_t *reply;

	has_text(send_text("GET", "/api/v1/networks/office/peers/phone/config", NULL, 200),
		 "AllowedIPs = 10.10.0.0/29, fd00:10::/64", "R4.3 a peer's file");
	has_text(send_text("GET", "/api/v1/networks/office/peers/phone/config?format=qr", NULL, 200),
		 "\u2588", "… as a QR code for a terminal");
	has_text(send_text("GET", "/api/v1/networks/office/peers/phone/config?format=qr-png", NULL, 200),
		 "PNG", "… and as a picture");
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{endpoint: 192.0.2.9}");
	reply = ask("GET", "/api/v1/networks/office/peers/phone", NULL, 200);
	ok(json_is_true(json_object_get(reply, "outdated")), "R10.5 what it was given is outdated");
	json_decref(reply);
	has_text(send_text("GET", "/api/v1/networks/office/peers/phone/config", NULL, 200),
		 "Endpoint = 192.0.2.9:51820", "until it has the new one");
	reply = ask("GET", "/api/v1/networks/office/peers/phone", NULL, 200);
	ok(json_is_false(json_object_get(reply, "outdated")), "… and then no more");
	json_decref(reply);
	fake_edit(&world, WG_ADD, WG_PEER, "office", "own",
		  "{public_key: \"6aq+aXRyGKBsgHNDzQmQFkQbMqUsWZXJQXBZYEjpzUc=\"}");
	refused("GET", "/api/v1/networks/office/peers/own/config?format=qr", NULL, 409,
		"the private key of \"own\" was not made here, so a QR code would be without it; take the file, and put the key in");
	refused("GET", "/api/v1/networks/office/peers/phone/config?format=gif", NULL, 400,
		"no such format: gif; there are quick, qr, qr-png");
	refused("GET", "/api/v1/networks/office/peers/tv/config", NULL, 404,
		"there is no peer \"tv\" in network \"office\"");
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{endpoint: null}");
	has_text(send_text("GET", "/api/v1/networks/office/peers/phone/config", NULL, 409), "endpoint",
		 "without an endpoint nobody could dial");
	has_text(send_text("GET", "/api/v1/networks/office/rules", NULL, 200), "chain",
		 "rules as nftables has them");
	has_text(send_text("GET", "/api/v1/networks/office/rules?format=iptables", NULL, 200),
		 "DOPPEL-WG", "… or iptables");
	refused("GET", "/api/v1/networks/office/rules?format=pf", NULL, 400,
		"no such format: pf; there are nft, iptables");
	refused("GET", "/api/v1/networks/lab/rules", NULL, 404, "there is no network \"lab\"");
}

#define WG0 \
	"[Interface]\nAddress = 10.8.0.1/24\nListenPort = 51999\n" \
	"PrivateKey = iHNpM9sBaTUXDcHEEr6bqFcOZ0BJX4mG3VzDQw9B0kE=\n" \
	"[Peer]\n# phone\nPublicKey = 6aq+aXRyGKBsgHNDzQmQFkQbMqUsWZXJQXBZYEjpzUc=\nAllowedIPs = 10.8.0.2/32\n"

static void test_import(void)
{
	has_text(send_text("POST", "/api/v1/networks/import?name=old&file=wg0.conf&dry_run=1", WG0, 200),
		 "+ network old", "an import's plan");
	has_text(send_text("POST", "/api/v1/networks/import?name=old&file=wg0.conf", WG0, 201),
		 "\"warnings\": ", "imported");
	has_text(send_text("GET", "/api/v1/networks/old/peers/hub/config", NULL, 200),
		 "PrivateKey = iHNpM9sBaTUXDcHEEr6bqFcOZ0BJX4mG3VzDQw9B0kE=",
		 "the jump peer goes on with its key");
	has_text(send_text("POST", "/api/v1/networks/import?name=old", WG0, 409),
		 "there is a network \\\"old\\\" already", "not twice");
	has_text(send_text("POST", "/api/v1/networks/import", WG0, 400), "give the network's name",
		 "not without a name");
	has_text(send_text("POST", "/api/v1/networks/import?name=x&file=wg1.conf", "[Peer]\nx = y\n", 400),
		 "wg1.conf:", "a fault has its place");
	has_text(send_text("POST", "/api/v1/networks/import?name=x&file=wg1.conf", WG0, 400),
		 "overlaps that of network \\\"old\\\"", "what does not go with the rest is refused");
}

static void test_diagnose(void)
{
	json_t *reply;

	reply = ask("GET", "/status", NULL, 200);
	is_int(doppel_cli_integer(reply, "networks"), 2, "a box without a gateway has a status");
	json_decref(reply);
	refused("POST", "/api/v1/repair", NULL, 404,
		"this box is no gateway: its file has no gateway: section");
	world.parts[1].err = -EADDRINUSE;
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{endpoint: 192.0.2.8}");
	reply = ask("GET", "/api/v1/diagnose", NULL, 200);
	is_json(json_array_get(json_object_get(reply, "checks"), 0),
		"{\"name\":\"wireguard-firewall\",\"result\":\"ok\",\"text\":\"is as the networks want it\",\"fix\":\"\"}",
		"a check for each part");
	is_json(json_array_get(json_object_get(reply, "checks"), 1),
		"{\"name\":\"wireguard-kernel\",\"result\":\"failed\","
		"\"text\":\"no kernel; tried again at 2026-09-21T14:13:21Z\","
		"\"fix\":\"is WireGuard there (modprobe wireguard), is the listen_port free (ss -lun), is the interface's name nobody else's (ip link)?\"}",
		"… which says what to do");
	json_decref(reply);
	world.parts[1].err = 0;
}

int main(void)
{
	struct doppel_error error = {};
	char directory[SCRATCH_SIZE];
	struct config config = {};
	struct api_env env;
	struct api *api;

	doppel_log_set_level(LOG_EMERG);
	scratch_make(directory);
	snprintf(world.path, sizeof(world.path), "%s/db", directory);
	snprintf(path, sizeof(path), "%s/sock", directory);
	world.ms = 1000;
	world.wall = 1790000000;		/* 2026-09-21T14:13:20Z */
	fake_start(&world, NULL);
	env = (struct api_env){
		.loop = EV_DEFAULT,
		.networks = world.networks,
		.clock = &world.clock,
		.socket = path,
		.config_file = "/etc/x.yaml",
	};
	is_int(doppel_api_new(&env, &config, &api, &error), 0, "the API listens");
	test_apply();
	test_document();
	fresh();
	test_network();
	test_things();
	test_edit();
	test_files();
	test_import();
	test_diagnose();
	doppel_api_free(api);
	fake_free(&world);
	return scratch_remove(directory) ? 1 : done_testing();
}
