// SPDX-License-Identifier: GPL-2.0-only
/* The API's JSON, word by word: programs depend on it. */
#include <arpa/inet.h>
#include <stdlib.h>

#include <linux/doppel.h>

#include "api/json.h"
#include "tap.h"

/* Takes json over; the order of members is what was written. */
static void is_json(json_t *json, const char *want, const char *name)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	is_str(text, want, "%s", name);
	free(text);
	json_decref(json);
}

static void test_device(void)
{
	struct device_view device = {
		.mac = { { 2, 0, 0, 0, 0, 1 } },
		.name = "printer",
		.listed = true,
		.wan_prefix_len = 24,
		.wan_ipv6_count = 2,
		.wan_ipv6 = { { .prefix_len = 64 }, { .prefix_len = 128, .dhcp = true } },
		.status = DEVICE_DEGRADED,
		.ipv4 = { FAMILY_FAILED, "no server answers", 1795460712 },
		.ipv6 = { FAMILY_BOUND, "", 0 },
		.discovered_at = 1795460400,
		.in_module = true,
		.counters = { 1, 2, 3, 4, 5, UINT64_C(1) << 62 },
		.sessions = 7,
	};
	struct device_view unknown = { .name = "\xff\xfe", .ipv6.reason = "" };

	inet_pton(AF_INET, "192.168.1.5", &device.lan_ipv4);
	inet_pton(AF_INET, "10.0.0.5", &device.wan_ipv4);
	inet_pton(AF_INET, "10.0.0.1", &device.wan_router);
	inet_pton(AF_INET6, "fe80::5", &device.link_local);
	inet_pton(AF_INET6, "2001:db8::5", &device.wan_ipv6[0].address);
	inet_pton(AF_INET6, "2001:db8::6", &device.wan_ipv6[1].address);
	is_json(doppel_json_device(&device),
		"{\"mac_address\":\"02:00:00:00:00:01\",\"name\":\"printer\",\"listed\":true,"
		"\"status\":\"degraded\",\"ipv4_address\":\"192.168.1.5\","
		"\"ipv4_wan_address\":\"10.0.0.5\",\"ipv4_wan_prefix_length\":24,"
		"\"ipv4_wan_router\":\"10.0.0.1\",\"ipv6_address\":\"2001:db8::5\","
		"\"ipv6_addresses\":["
		"{\"address\":\"2001:db8::5\",\"prefix_length\":64,\"origin\":\"slaac\"},"
		"{\"address\":\"2001:db8::6\",\"prefix_length\":128,\"origin\":\"dhcpv6\"}],"
		"\"ipv6_link_local\":\"fe80::5\",\"ipv6_wan_router\":null,"
		"\"ipv4\":{\"status\":\"failed\",\"reason\":\"no server answers\","
		"\"next_retry\":\"2026-11-23T19:05:12Z\"},"
		"\"ipv6\":{\"status\":\"bound\",\"reason\":\"\",\"next_retry\":null},"
		"\"discovered_at\":\"2026-11-23T19:00:00Z\",\"last_seen\":null,"
		"\"in_module\":true,\"sessions\":7,"
		"\"counters\":{\"lan_packets\":1,\"lan_bytes\":2,\"wan_packets\":3,\"wan_bytes\":4,"
		"\"dropped\":5,\"sessions\":4611686018427387904}}",
		"a device");
	is_json(doppel_json_device(&unknown),
		"{\"mac_address\":\"00:00:00:00:00:00\",\"name\":\"??\",\"listed\":false,"
		"\"status\":\"discovering\",\"ipv4_address\":null,"
		"\"ipv4_wan_address\":null,\"ipv4_wan_prefix_length\":0,"
		"\"ipv4_wan_router\":null,\"ipv6_address\":null,\"ipv6_addresses\":[],"
		"\"ipv6_link_local\":null,\"ipv6_wan_router\":null,"
		"\"ipv4\":{\"status\":\"off\",\"reason\":null,\"next_retry\":null},"
		"\"ipv6\":{\"status\":\"off\",\"reason\":\"\",\"next_retry\":null},"
		"\"discovered_at\":null,\"last_seen\":null,\"in_module\":false,\"sessions\":0,"
		"\"counters\":{\"lan_packets\":0,\"lan_bytes\":0,\"wan_packets\":0,\"wan_bytes\":0,"
		"\"dropped\":0,\"sessions\":0}}",
		"a device of which nothing is known, with a name that is no text");
}

static void test_session(void)
{
	struct module_session session = {
		.mac = { { 2, 0, 0, 0, 0, 1 } },
		.protocol = IPPROTO_TCP,
		.translation = DOPPEL_TRANSLATION_6TO4,
		.state = DOPPEL_SESSION_STATE_ESTABLISHED,
		.wan_is_ipv6 = true,
		.lan_port = 80,
		.lan_peer_port = 1024,
		.wan_port = 8080,
		.wan_peer_port = 40000,
		.expires_s = 7440,
	};

	inet_pton(AF_INET, "192.168.1.5", &session.lan_ipv4);
	inet_pton(AF_INET, "192.168.1.1", &session.lan_peer_ipv4);
	inet_pton(AF_INET6, "2001:db8::5", &session.wan_ipv6);
	inet_pton(AF_INET6, "2001:db8::9", &session.wan_peer_ipv6);
	is_json(doppel_json_session(&session),
		"{\"mac_address\":\"02:00:00:00:00:01\",\"protocol\":\"tcp\","
		"\"translation\":\"6to4\",\"state\":\"established\",\"outbound\":false,\"lent\":false,"
		"\"lan\":{\"address\":\"192.168.1.5\",\"port\":80},"
		"\"lan_peer\":{\"address\":\"192.168.1.1\",\"port\":1024},"
		"\"wan\":{\"address\":\"2001:db8::5\",\"port\":8080},"
		"\"wan_peer\":{\"address\":\"2001:db8::9\",\"port\":40000},"
		"\"expires_seconds\":7440}",
		"a session of an IPv6 client");
	session.wan_is_ipv6 = false;
	session.outbound = true;
	session.lent = true;
	session.protocol = IPPROTO_ICMP;
	session.translation = DOPPEL_TRANSLATION_4TO4;
	session.state = DOPPEL_SESSION_STATE_ACTIVE;
	inet_pton(AF_INET, "10.0.0.5", &session.wan_ipv4);
	inet_pton(AF_INET, "192.168.1.1", &session.wan_peer_ipv4);
	is_json(doppel_json_session(&session),
		"{\"mac_address\":\"02:00:00:00:00:01\",\"protocol\":\"icmp\","
		"\"translation\":\"4to4\",\"state\":\"active\",\"outbound\":true,\"lent\":true,"
		"\"lan\":{\"address\":\"192.168.1.5\",\"port\":80},"
		"\"lan_peer\":{\"address\":\"192.168.1.1\",\"port\":1024},"
		"\"wan\":{\"address\":\"10.0.0.5\",\"port\":8080},"
		"\"wan_peer\":{\"address\":\"192.168.1.1\",\"port\":40000},"
		"\"expires_seconds\":7440}",
		"a session of IPv4, outbound, of the box's own");
}

static void test_rest(void)
{
	struct forward_view forward = {
		{ { 2, 0, 0, 0, 0, 1 } }, IPPROTO_UDP, 53, 5353, "config",
	};
	struct check_view check = { "wan-carrier", CHECK_FAIL, "eth0 is down", "plug it in" };
	struct gateway_event event = { GATEWAY_EVENT_TABLE_FULL, 1795460400, NULL, "sessions" };
	char text[8];

	is_json(doppel_json_forward(&forward),
		"{\"mac_address\":\"02:00:00:00:00:01\",\"protocol\":\"udp\",\"port\":53,"
		"\"to\":5353,\"origin\":\"config\"}",
		"a forward");
	is_json(doppel_json_check(&check),
		"{\"name\":\"wan-carrier\",\"result\":\"failed\",\"text\":\"eth0 is down\","
		"\"fix\":\"plug it in\"}",
		"a check");
	is_json(doppel_json_event(&event),
		"{\"event\":\"table-full\",\"at\":\"2026-11-23T19:00:00Z\",\"text\":\"sessions\","
		"\"device\":null}",
		"an event");
	is_str(doppel_protocol_name(IPPROTO_ICMPV6, text), "icmpv6", "protocol 58");
	is_str(doppel_protocol_name(132, text), "132", "protocol 132");
}

int main(void)
{
	test_device();
	test_session();
	test_rest();
	return done_testing();
}
