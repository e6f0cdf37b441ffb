// SPDX-License-Identifier: GPL-2.0-only
/* Every path of the API, on a gateway without a kernel. */
#include "gateway_fake.h"

#include "api/api.h"
#include "api_call.h"
#include "base/log.h"

static char path[64];

/* The status; *reply is the caller's, and may be NULL if it is of no interest. */
static unsigned int call(const char *method, const char *where, json_t *body, json_t **reply)
{
	struct call call = request(EV_DEFAULT, path, method, where, body);

	if (reply)
		*reply = call.reply;
	else
		json_decref(call.reply);
	return call.err ? 0 : call.status;
}

static json_t *get(const char *where)
{
	json_t *reply;

	is_int(call("GET", where, NULL, &reply), 200, "GET %s", where);
	return reply;
}

static void refused(const char *method, const char *where, json_t *body, unsigned int status,
		    const char *error)
{
	json_t *reply;

	is_int(call(method, where, body, &reply), status, "%s %s is %u", method, where, status);
	is_str(doppel_cli_string(reply, "error"), error, "  and says why");
	json_decref(reply);
}

static void test_reading(void)
{
	json_t *reply = get("/health"), *device, *wan;

	is_str(doppel_cli_string(reply, "status"), "healthy", "all is well");
	is_int(doppel_cli_integer(json_object_get(reply, "device_stats"), "active"), 1,
	       "one device is active");
	is_int(doppel_cli_integer(reply, "uptime_seconds"), 60, "uptime");
	json_decref(reply);
	reply = get("/status");
	ok(json_is_true(json_object_get(reply, "running")), "the agent runs");
	is_str(doppel_cli_string(reply, "config_file"), "/etc/x.yaml", "with this file");
	is_int(doppel_cli_integer(reply, "device_count"), 2, "two devices");
	is_int(doppel_cli_integer(reply, "active_devices"), 1, "one of them active");
	is_int(json_array_size(json_object_get(reply, "devices")), 2, "both are listed");
	is_str(doppel_cli_string(json_object_get(reply, "lan"), "address"), "192.168.1.1/24",
	       "LAN address");
	wan = json_object_get(reply, "wan");
	is_str(doppel_cli_string(json_object_get(wan, "lend"), "mode"), "auto", "lend: auto");
	is_str(doppel_cli_string(json_object_get(wan, "lend"), "lender"), "02:00:00:00:00:07",
	       "who lends the box an identity");
	ok(json_is_true(json_object_get(json_object_get(wan, "lend"), "ipv4")), "with WAN IPv4");
	is_str(doppel_cli_string(json_object_get(wan, "nat64"), "prefix"), "64:ff9b::/96",
	       "NAT64 prefix");
	is_str(doppel_cli_string(json_object_get(wan, "nat64"), "origin"), "configured",
	       "and where from");
	is_int(doppel_cli_integer(reply, "mappings"), 1, "mappings");
	is_str(doppel_cli_string(reply, "filter"), "forward", "filter");
	json_decref(reply);
	reply = get("/devices");
	is_int(doppel_cli_integer(reply, "total"), 2, "total");
	device = json_array_get(json_object_get(reply, "devices"), 0);
	is_str(doppel_cli_string(device, "mac_address"), "02:00:00:00:00:07", "by MAC, ascending");
	is_str(doppel_cli_string(device, "ipv4_wan_address"), "10.0.0.7", "WAN IPv4");
	is_str(doppel_cli_string(device, "ipv6_address"), "2001:db8::ff:fe00:7", "WAN IPv6");
	json_decref(reply);
	reply = get("/devices?status=active");
	is_int(doppel_cli_integer(reply, "total"), 1, "only the active one");
	json_decref(reply);
	refused("GET", "/devices?status=good", NULL, 400,
		"no such status: good; there are discovering, active, degraded, inactive, failed");
}

/* What servers and routers told, of one device only: there may be thousands. */
static void test_told(void)
{
	json_t *reply = get("/devices/02:00:00:00:00:07");
	const json_t *told = json_object_get(reply, "told");
	const json_t *lease = json_object_get(told, "dhcpv4");

	is_str(doppel_cli_string(lease, "server"), "10.0.0.254", "its DHCPv4 server");
	ok(doppel_cli_time(lease, "renew_at") < doppel_cli_time(lease, "expires_at") &&
	   doppel_cli_time(lease, "renew_at") > doppel_cli_time(lease, "acquired_at"),
	   "when it is renewed");
	ok(json_is_null(json_object_get(told, "dhcpv6")), "no DHCPv6");
	is_str(doppel_cli_string(json_object_get(told, "router"), "address"),
	       "fe80::ee:ff:fe00:1",
	       "its router");
	json_decref(reply);
	reply = get("/devices");
	ok(!json_object_get(json_array_get(json_object_get(reply, "devices"), 0), "told"),
	   "not in the list");
	json_decref(reply);
}

/* By MAC, LAN and WAN addresses, and name. */
static void test_one_device(void)
{
	static const char *const names[] = {
		"/devices/02:00:00:00:00:07", "/devices/192.168.1.7", "/devices/10.0.0.7",
		"/devices/2001:db8::ff:fe00:7", "/devices/Printer%201",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *reply = get(names[i]);

		is_str(doppel_cli_string(reply, "mac_address"), "02:00:00:00:00:07", "  is it");
		json_decref(reply);
	}
	test_told();
	refused("GET", "/devices/02:00:00:00:00:77", NULL, 404, "no device 02:00:00:00:00:77");
	refused("GET", "/devices/nobody", NULL, 404,
		"no device has the MAC, address or name nobody");
	refused("GET", "/devices/0.0.0.0", NULL, 404,
		"no device has the MAC, address or name 0.0.0.0");
}

static json_t *forward(const char *device, int port, int to)
{
	return json_pack("{s:s, s:i, s:i}", "device", device, "port", port, "to", to);
}

static void test_forwards(struct fake *fake)
{
	static const char of_printer[] = "/api/v1/forwards/printer%201/tcp/";
	size_t before = fake->forward_count;
	char where[96];
	json_t *reply;

	is_int(call("POST", "/api/v1/forwards", forward("printer 1", 9000, 90), &reply), 201,
	       "a forward is made");
	is_str(doppel_cli_string(reply, "mac_address"), "02:00:00:00:00:07", "of the device");
	is_int(doppel_cli_integer(reply, "to"), 90, "to its port");
	json_decref(reply);
	is_int(fake->forward_count, before + 1, "the module has it");
	reply = get("/api/v1/forwards?device=192.168.1.7");
	is_int(doppel_cli_integer(reply, "total"), 11, "it is listed");
	json_decref(reply);
	refused("POST", "/api/v1/forwards", forward("printer 1", 9000, 91), 409,
		"02:00:00:00:00:07: port 9000 leads to port 90 already (cli)");
	refused("POST", "/api/v1/forwards", forward("printer 1", 65536, 1), 400,
		"ports go from 1 to 65535");
	refused("POST", "/api/v1/forwards", forward("nobody", 1, 1), 404,
		"no device has the MAC, address or name nobody");
	refused("POST", "/api/v1/forwards",
		json_pack("{s:s, s:i, s:s}", "device", "printer 1", "port", 1, "protocol", "sctp"),
		400, "protocol must be tcp or udp, not sctp");
	refused("POST", "/api/v1/forwards", json_pack("{s:s, s:s}", "device", "x", "port", "80"),
		400,
		"want {\"device\": \"…\", \"port\": N, \"to\": N, \"protocol\": \"tcp\"}: Expected integer, got string");
	refused("POST", "/api/v1/forwards", json_pack("{s:s, s:i, s:i}", "device", "x", "port", 1, "prot", 1),
		400,
		"want {\"device\": \"…\", \"port\": N, \"to\": N, \"protocol\": \"tcp\"}: 1 object item(s) left unpacked: prot");
	snprintf(where, sizeof(where), "%s9000", of_printer);
	is_int(call("DELETE", where, NULL, NULL), 200, "it is removed");
	is_int(fake->forward_count, before, "from the module");
	refused("DELETE", where, NULL, 404, "02:00:00:00:00:07: no forward of port 9000");
	snprintf(where, sizeof(where), "%s80", of_printer);
	refused("DELETE", where, NULL, 409,
		"02:00:00:00:00:07: port 80 is opened by the configuration file: change it there");
	snprintf(where, sizeof(where), "%s0x50", of_printer);
	refused("DELETE", where, NULL, 400, "want /api/v1/forwards/DEVICE/tcp|udp/PORT");
}

static int dump_sessions(struct doppel_link *link,
			 int (*cb)(const struct module_session *session, void *ctx), void *ctx)
{
	int err = 0;

	(void)link;
	for (uint8_t i = 0; !err && i < 10; i++) {
		struct module_session session = {
			.mac = fake_mac(7 + i % 2),
			.protocol = 6,
			.translation = DOPPEL_TRANSLATION_4TO6,
			.lent = i == 1,
		};

		err = cb(&session, ctx);
	}
	return err;
}

static int no_dump(struct doppel_link *link,
		   int (*cb)(const struct module_session *session, void *ctx), void *ctx)
{
	(void)link;
	(void)cb;
	(void)ctx;
	return -ENOENT;
}

static void test_sessions(struct fake *fake)
{
	json_t *reply, *sessions;

	fake->module.session_dump = dump_sessions;
	reply = get("/api/v1/sessions?limit=3");
	is_int(doppel_cli_integer(reply, "total"), 10, "ten sessions");
	sessions = json_object_get(reply, "sessions");
	is_int(json_array_size(sessions), 3, "three are wanted");
	is_str(doppel_cli_string(json_array_get(sessions, 0), "translation"), "4to6", "their kind");
	ok(json_is_false(json_object_get(json_array_get(sessions, 0), "lent")) &&
	   json_is_true(json_object_get(json_array_get(sessions, 1), "lent")),
	   "and whether they are the box's own");
	json_decref(reply);
	reply = get("/api/v1/sessions?device=10.0.0.7");
	is_int(doppel_cli_integer(reply, "total"), 5, "five are the one device's");
	json_decref(reply);
	refused("GET", "/api/v1/sessions?limit=-1", NULL, 400, "limit must be a number");
	fake->module.session_dump = no_dump;
	refused("GET", "/api/v1/sessions", NULL, 503,
		"the module gave no sessions: it is not loaded or has no gateway here");
}

static void test_rest(void)
{
	json_t *reply = get("/api/v1/diagnose");

	ok(json_array_size(json_object_get(reply, "checks")) > 5, "diagnose has checks");
	json_decref(reply);
	reply = get("/api/v1/stats");
	ok(json_object_get(reply, "counters") && json_object_get(reply, "drops"),
	   "stats has counters and drops");
	is_int(doppel_cli_integer(json_object_get(reply, "totals"), "lent"), 42, "and totals");
	json_decref(reply);
	refused("GET", "/api/v1/nothing", NULL, 404, "nothing at /api/v1/nothing");
	refused("GET", "/devices/a/b", NULL, 404, "nothing at /devices/a/b");
	refused("GET", "/", NULL, 404, "nothing at /");
	refused("DELETE", "/devices", NULL, 405, "DELETE is not for /devices");
}

static void test_export(void)
{
	json_t *document = get("/api/v1/export"), *reply;

	is_str(doppel_cli_string(document, "format"), "doppel devices", "an export");
	is_int(call("POST", "/admin/export", json_pack("{s:b}", "confirm", 1), &reply), 200,
	       "by the seed's path, too");
	is_int(json_array_size(json_object_get(reply, "devices")), 2, "  with the devices");
	json_decref(reply);
	refused("POST", "/admin/export", json_object(), 400, "want {\"confirm\": true}");
	is_int(call("POST", "/api/v1/import", document, &reply), 200, "an import");
	is_int(doppel_cli_integer(reply, "devices"), 2, "  of two devices");
	is_int(doppel_cli_integer(reply, "added"), 0, "  that were there");
	json_decref(reply);
	refused("POST", "/api/v1/import", json_object(), 400,
		"format: must be \"doppel devices\": is it an export of doppel's?");
}

static void test_forget(void)
{
	json_t *reply;

	is_int(call("POST", "/api/v1/devices/192.168.1.8/retry", NULL, NULL), 200, "retry");
	is_int(call("DELETE", "/api/v1/devices/192.168.1.8", NULL, NULL), 200, "forget");
	reply = get("/devices");
	is_int(doppel_cli_integer(reply, "total"), 1, "one device is left");
	json_decref(reply);
	refused("DELETE", "/api/v1/devices/02:00:00:00:00:08", NULL, 404,
		"no device 02:00:00:00:00:08");
}

int main(void)
{
	struct doppel_error error = {};
	struct fake *fake = fake_new();
	struct api_env env;
	struct api *api;

	doppel_log_set_level(LOG_ERR);
	fake->unregistered = 8;
	fake->router = true;
	fake_start(fake, FAKE_DUAL "  devices: {list: [{mac: 02:00:00:00:00:07, name: printer 1}]}\n"
		   "  nat64_prefix: 64:ff9b::/96\n  filter: forward\n"
		   "  mappings: [{ipv4: 192.0.2.10, ipv6: \"2001:db8::10\"}]\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 60000);

	snprintf(path, sizeof(path), "/tmp/doppel-api-test.%d", getpid());
	env = (struct api_env){
		.loop = EV_DEFAULT,
		.gateway = fake->gw,
		.clock = &fake->clock,
		.socket = path,
		.config_file = "/etc/x.yaml",
	};
	is_int(doppel_api_new(&env, fake->config, &api, &error), 0, "the API listens");
	test_reading();
	test_one_device();
	test_forwards(fake);
	test_sessions(fake);
	test_rest();
	test_export();
	test_forget();
	doppel_api_free(api);
	ok(access(path, F_OK), "its socket is gone with it");
	fake_free(fake);
	return done_testing();
}
