// SPDX-License-Identifier: GPL-2.0-only
/* The YAML reader and the configuration: every refusal by its whole text. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/yaml.h"
#include "gateway/config.h"
#include "tap.h"

#define MINIMAL \
	"gateway:\n" \
	"  lan: {interface: eth1, address: 192.168.1.1/24}\n" \
	"  wan: {interface: eth0}\n"

#define WITH_LEND(lend) \
	"gateway:\n" \
	"  lan: {interface: eth1, address: 192.168.1.1/24}\n" \
	"  wan: {interface: eth0, lend: \"" lend "\"}\n"

#define WITH_MAPPING(ipv4, ipv6) \
	MINIMAL "  mappings: [{ipv4: " ipv4 ", ipv6: \"" ipv6 "\"}]\n"

static struct config *parse(const char *text, struct doppel_error *error)
{
	struct config *config = NULL;

	*error = (struct doppel_error){};
	doppel_config_parse("x.yaml", text, strlen(text), &config, error);
	return config;
}

/* Whoever has WireGuard networks reads their section. */
static void test_wireguard(void)
{
	struct doppel_error error;
	struct config *config = parse("wireguard: {networks: []}\n", &error);

	ok(config && !config->has_gateway && config->wireguard, "a box with nothing but WireGuard: %s",
	   error.text);
	ok(config && doppel_yaml_get(config->wireguard, "networks"), "… whose section is there to read");
	doppel_config_free(config);
	config = parse(MINIMAL "wireguard: {}\n", &error);
	ok(config && config->has_gateway && config->wireguard, "one with both");
	doppel_config_free(config);
	config = parse(MINIMAL, &error);
	ok(config && config->has_gateway && !config->wireguard, "one with a gateway alone");
	doppel_config_free(config);
}

static void test_defaults(void)
{
	struct doppel_error error;
	struct config *config = parse(MINIMAL, &error);

	if (!ok(config, "two ports are enough"))
		return;
	is_str(config->lan.interface, "eth1", "LAN port");
	is_int(config->lan.address.s_addr, inet_addr("192.168.1.1"), "LAN address");
	is_int(config->lan.prefix_len, 24, "LAN prefix length");
	ok(!config->lan.dhcp.on, "no DHCP unless it is asked for");
	is_str(config->wan.interface, "eth0", "WAN port");
	is_int(config->wan.identity, CONFIG_DEVICES_ONLY, "identity: devices-only");
	ok(config->wan.ipv4 && config->wan.ipv6, "both families");
	is_int(config->wan.rate, 200, "200 frames a second");
	ok(!config->devices.listed_only, "admit: any");
	is_int(config->devices.max, 1000, "1000 devices");
	is_int(config->devices.inactive_after_ms, 300000, "inactive after 300 s");
	is_int(config->forwards.count, 10, "the seed's ten forwards");
	is_int(config->forwards.list[0].port, 8080, "8080");
	is_int(config->forwards.list[0].to, 80, "to 80");
	is_int(config->forwards.list[9].port, 3389, "up to 3389");
	is_int(config->dhcp4.timeout_ms, 15000, "dhcp4.timeout");
	is_int(config->dhcp4.retries, 10, "dhcp4.retries");
	is_int(config->dhcp4.retry_delay_ms, 5000, "dhcp4.retry_delay");
	is_int(config->dhcp4.retry_cap_ms, 60000, "dhcp4.retry_cap");
	ok(!config->dhcp4_duid, "dhcp4.client_id");
	is_int(config->dhcp6.timeout_ms, 10000, "dhcp6.timeout");
	is_int(config->dhcp6.retries, 5, "dhcp6.retries");
	is_int(config->slaac.wait_ms, 3000, "slaac.wait");
	is_int(config->slaac.address, CONFIG_SLAAC_EUI64, "slaac.address");
	is_int(config->wan.lend, CONFIG_LEND_AUTO, "lend: auto");
	is_int(config->nat64.mode, CONFIG_NAT64_AUTO, "nat64_prefix: auto");
	is_int(config->mappings.count, 0, "no mappings");
	ok(!config->filter_forward, "filter: off");
	ok(!config->api.on, "no API but on the unix socket");
	is_str(config->state, "/var/lib/doppel/doppel.db", "state");
	doppel_config_free(config);
}

static void test_full(void)
{
	static const char text[] =
		"gateway:\n"
		"  lan: {interface: br-lan, address: 10.7.0.1/16,\n"
		"        dhcp: {first: 10.7.1.1, last: 10.7.255.254, lease: 30m}}\n"
		"  wan: {interface: eth0.35, identity: own, lend: \"02:00:00:00:00:02\", ipv4: off,\n"
		"        ipv6: auto, rate: 1500}\n"
		"  devices:\n"
		"    admit: listed\n"
		"    max: 65536\n"
		"    inactive_after: 90s\n"
		"    list:\n"
		"      - {mac: \"02:00:00:00:00:02\", name: printer,\n"
		"         forwards: [{port: 631}, {port: 53, to: 5353, protocol: udp}]}\n"
		"      - {mac: \"02:00:00:00:00:01\", forwards: []}\n"
		"      - {mac: \"02:00:00:00:00:03\", name: Küche}\n"
		"  forwards: [{port: 8080, to: 80}, {port: 8080, protocol: udp}]\n"
		"  dhcp4: {timeout: 1s, retries: 2, retry_delay: 500ms, retry_cap: 2s, client_id: duid}\n"
		"  dhcp6: {timeout: 2s, retries: 3, retry_delay: 1s, retry_cap: 1s}\n"
		"  slaac: {wait: 0s, address: stable-privacy}\n"
		"  nat64_prefix: 2001:db8:64::/56\n"
		"  mappings: [{ipv4: 192.0.2.10, ipv6: \"2001:db8::10\"}]\n"
		"  filter: forward\n"
		"api: {listen: \"[::1]:5050\", token_file: /tmp/token}\n"
		"state: /tmp/doppel.db\n";
	struct mac first = { { 2, 0, 0, 0, 0, 1 } }, second = { { 2, 0, 0, 0, 0, 2 } };
	struct mac third = { { 2, 0, 0, 0, 0, 3 } }, stranger = { { 2, 0, 0, 0, 0, 4 } };
	const struct config_forwards *forwards;
	struct doppel_error error;
	struct config *config = parse(text, &error);

	if (!ok(config, "every key that there is")) {
		diag("%s", error.text);
		return;
	}
	is_int(config->lan.dhcp.last.s_addr, inet_addr("10.7.255.254"), "DHCP range");
	ok(config->dhcp4_duid, "DHCPv4 client identifier");
	is_int(config->lan.dhcp.lease_s, 1800, "DHCP lease");
	is_int(config->wan.identity, CONFIG_OWN, "identity: own");
	ok(!config->wan.ipv4 && config->wan.ipv6, "ipv4: off");
	is_int(config->wan.rate, 1500, "rate: 1500");
	ok(config->devices.listed_only, "admit: listed");
	is_int(config->devices.count, 3, "three devices");
	is_str(doppel_config_device(config, &second)->name, "printer", "found by MAC");
	ok(!doppel_config_device(config, &stranger), "a stranger is not");
	forwards = doppel_config_forwards(config, &second);
	is_int(forwards->count, 2, "the printer's forwards");
	is_int(forwards->list[0].to, 631, "`to` is `port` unless given");
	is_int(forwards->list[1].protocol, IPPROTO_UDP, "protocol: udp");
	is_int(forwards->list[1].to, 5353, "to: 5353");
	is_int(doppel_config_forwards(config, &first)->count, 0, "[] is none");
	is_int(doppel_config_forwards(config, &third)->count, 2, "none listed: the general ones");
	is_int(doppel_config_forwards(config, &stranger)->count, 2, "so for strangers");
	is_int(config->dhcp4.retry_delay_ms, 500, "500ms");
	is_int(config->slaac.address, CONFIG_SLAAC_STABLE_PRIVACY, "stable-privacy");
	is_int(config->slaac.wait_ms, 0, "0s");
	is_int(config->wan.lend, CONFIG_LEND_MAC, "lend: a MAC");
	ok(doppel_mac_eq(&config->wan.lender, &second), "of this device");
	is_int(config->nat64.mode, CONFIG_NAT64_PREFIX, "a NAT64 prefix");
	is_int(config->nat64.len, 56, "with its length");
	is_int(config->nat64.prefix.s6_addr[5], 0x64, "and bits");
	is_int(config->mappings.count, 1, "a mapping");
	is_int(config->mappings.list[0].ipv4.s_addr, inet_addr("192.0.2.10"), "of an alias");
	is_int(config->mappings.list[0].ipv6.s6_addr[15], 0x10, "and a host");
	ok(config->filter_forward, "filter: forward");
	is_int(config->api.listen.ss_family, AF_INET6, "api.listen");
	is_str(config->api.token_file, "/tmp/token", "token_file");
	is_str(config->state, "/tmp/doppel.db", "state");
	doppel_config_free(config);
}

/* One fault in one place: a whole file, and all that is to be said about it. */
static const struct {
	const char *name, *text, *error;
} faults[] = {
	{ "empty file", "", "x.yaml:1:1: the file is empty; give a gateway: or wireguard: section" },
	{ "comment only", "# nothing\n", "x.yaml:1:1: the file is empty; give a gateway: or wireguard: section" },
	{ "not a map", "[1, 2]\n", "x.yaml:1:1: must be a map (key: value), not a list" },
	{ "no gateway", "state: /x\n", "x.yaml:1:1: gateway: missing; give the gateway's lan and wan, or WireGuard networks under wireguard:" },
	{ "unknown key at the top", MINIMAL "gatway: 1\n",
	  "x.yaml:4:1: gatway: unknown key; known here: gateway, api, state, wireguard" },
	{ "unknown key",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24, adress: 1}\n"
	  "  wan: {interface: eth0}\n",
	  "x.yaml:2:51: gateway.lan.adress: unknown key; known here: interface, address, dhcp" },
	{ "bad CIDR",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1}\n  wan: {interface: eth0}\n",
	  "x.yaml:2:35: gateway.lan.address: must be an IPv4 address and its prefix length"
	  " (192.168.1.1/24), not \"192.168.1.1\"" },
	{ "prefix length",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/31}\n  wan: {interface: eth0}\n",
	  "x.yaml:2:35: gateway.lan.address: the prefix length must be from 1 to 30" },
	{ "network's address",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.0/24}\n  wan: {interface: eth0}\n",
	  "x.yaml:2:35: gateway.lan.address: 192.168.1.0/24 is a network's or a broadcast address,"
	  " not a host's" },
	{ "no LAN address", "gateway:\n  lan: {interface: eth1}\n  wan: {interface: eth0}\n",
	  "x.yaml:2:8: gateway.lan.address: missing; give the gateway's address and prefix length"
	  " on the LAN (192.168.1.1/24)" },
	{ "no WAN", "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24}\n",
	  "x.yaml:2:3: gateway.wan: missing; give the port to the upstream network" },
	{ "interface's name too long",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24}\n"
	  "  wan: {interface: abcdefghijklmnop}\n",
	  "x.yaml:3:20: gateway.wan.interface: must be an interface's name (at most 15 characters),"
	  " not \"abcdefghijklmnop\"" },
	{ "one port twice",
	  "gateway:\n  lan: {interface: eth0, address: 192.168.1.1/24}\n  wan: {interface: eth0}\n",
	  "x.yaml:3:20: gateway.wan.interface: eth0 is the LAN's too; they must be two ports" },
	{ "a choice", MINIMAL "  slaac: {address: eui-64}\n",
	  "x.yaml:4:20: gateway.slaac.address: must be eui64 or stable-privacy, not \"eui-64\"" },
	{ "both families off",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24}\n"
	  "  wan: {interface: eth0, ipv4: off, ipv6: off}\n",
	  "x.yaml:3:8: gateway.wan: ipv4 and ipv6 are both off; leave one on" },
	{ "a rate below what one device needs",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24}\n"
	  "  wan: {interface: eth0, rate: 9}\n",
	  "x.yaml:3:32: gateway.wan.rate: must be a number from 10 to 10000, not 9" },
	{ "missing port", MINIMAL "  forwards:\n    - {to: 80}\n",
	  "x.yaml:5:7: gateway.forwards[0].port: missing; give the port to open on the device's"
	  " WAN addresses" },
	{ "port out of range", MINIMAL "  forwards: [{port: 65536}]\n",
	  "x.yaml:4:21: gateway.forwards[0].port: must be a number from 1 to 65535, not 65536" },
	{ "port in quotes", MINIMAL "  forwards: [{port: \"80\"}]\n",
	  "x.yaml:4:21: gateway.forwards[0].port: must be a number from 1 to 65535,"
	  " not the text \"80\"" },
	{ "port that is no number", MINIMAL "  forwards: [{port: http}]\n",
	  "x.yaml:4:21: gateway.forwards[0].port: must be a number from 1 to 65535, not \"http\"" },
	{ "port that is nothing", MINIMAL "  forwards: [{port: }]\n",
	  "x.yaml:4:21: gateway.forwards[0].port: must be a number from 1 to 65535, not nothing" },
	{ "protocol", MINIMAL "  forwards: [{port: 80, protocol: sctp}]\n",
	  "x.yaml:4:35: gateway.forwards[0].protocol: must be tcp or udp, not \"sctp\"" },
	{ "a port twice", MINIMAL "  forwards:\n    - {port: 80}\n    - {port: 80, to: 8080}\n",
	  "x.yaml:6:7: gateway.forwards[1]: TCP port 80 is opened in line 5 already" },
	{ "wrong type: list", MINIMAL "  forwards: {port: 80}\n",
	  "x.yaml:4:13: gateway.forwards: must be a list, not a map" },
	{ "wrong type: map", MINIMAL "  dhcp4: [1]\n",
	  "x.yaml:4:10: gateway.dhcp4: must be a map (key: value), not a list" },
	{ "wrong type: text", MINIMAL "state: [a]\n", "x.yaml:4:8: state: must be text, not a list" },
	{ "relative path", MINIMAL "state: doppel.db\n",
	  "x.yaml:4:8: state: must be a file's path from the root (/…), not \"doppel.db\"" },
	{ "time without unit", MINIMAL "  dhcp4: {timeout: 15}\n",
	  "x.yaml:4:20: gateway.dhcp4.timeout: must be a time with its unit"
	  " (500ms, 15s, 5m, 12h, 7d), not \"15\"" },
	{ "time out of range", MINIMAL "  dhcp4: {timeout: 2d}\n",
	  "x.yaml:4:20: gateway.dhcp4.timeout: must be from 100ms to 1h00m, not 2d" },
	{ "cap below delay", MINIMAL "  dhcp4: {retry_delay: 2m}\n",
	  "x.yaml:4:24: gateway.dhcp4.retry_delay: retry_delay must not be longer than retry_cap" },
	{ "DHCP outside the LAN",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24,\n"
	  "        dhcp: {first: 192.168.1.10, last: 192.168.2.10}}\n  wan: {interface: eth0}\n",
	  "x.yaml:3:43: gateway.lan.dhcp.last: 192.168.2.10 lies outside the LAN, 192.168.1.0/24" },
	{ "DHCP backwards",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24,\n"
	  "        dhcp: {first: 192.168.1.20, last: 192.168.1.10}}\n  wan: {interface: eth0}\n",
	  "x.yaml:3:43: gateway.lan.dhcp.last: lies before first; swap them" },
	{ "DHCP to the broadcast address",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24,\n"
	  "        dhcp: {first: 192.168.1.20, last: 192.168.1.255}}\n  wan: {interface: eth0}\n",
	  "x.yaml:3:43: gateway.lan.dhcp.last: 192.168.1.255 is no host's address in a /24" },
	{ "DHCP without its last",
	  "gateway:\n  lan: {interface: eth1, address: 192.168.1.1/24,\n"
	  "        dhcp: {first: 192.168.1.20}}\n  wan: {interface: eth0}\n",
	  "x.yaml:3:15: gateway.lan.dhcp.last: missing; give the last address to hand out" },
	{ "bad MAC", MINIMAL "  devices: {list: [{mac: 02-00-00-00-00-01}]}\n",
	  "x.yaml:4:26: gateway.devices.list[0].mac: must be a MAC address (02:00:00:00:00:01),"
	  " not \"02-00-00-00-00-01\"" },
	{ "multicast MAC", MINIMAL "  devices: {list: [{mac: 01:00:5e:00:00:01}]}\n",
	  "x.yaml:4:26: gateway.devices.list[0].mac: 01:00:5e:00:00:01 is no device's: it is"
	  " multicast or zero" },
	{ "no MAC", MINIMAL "  devices: {list: [{name: x}]}\n",
	  "x.yaml:4:20: gateway.devices.list[0].mac: missing; give the device's MAC address" },
	{ "a MAC twice",
	  MINIMAL "  devices:\n    list:\n      - {mac: 02:00:00:00:00:0a}\n"
		  "      - {mac: 02:00:00:00:00:0B}\n      - {mac: 02:00:00:00:00:0A}\n",
	  "x.yaml:8:15: gateway.devices.list[2].mac: 02:00:00:00:00:0A is another device's"
	  " already, in line 6" },
	{ "a name twice",
	  MINIMAL "  devices:\n    list:\n      - {mac: 02:00:00:00:00:0a, name: a}\n"
		  "      - {mac: 02:00:00:00:00:0b, name: A}\n",
	  "x.yaml:7:40: gateway.devices.list[1].name: A is another device's already, in line 6" },
	{ "more listed than allowed",
	  MINIMAL "  devices: {max: 1, list: [{mac: 02:00:00:00:00:0a}, {mac: 02:00:00:00:00:0b}]}\n",
	  "x.yaml:4:27: gateway.devices.list: lists 2 devices, and gateway.devices.max is 1;"
	  " raise it" },
	{ "a control character", MINIMAL "  devices: {list: [{mac: 02:00:00:00:00:0a, name: \"a\\e\"}]}\n",
	  "x.yaml:4:51: gateway.devices.list[0].name: has a control character in it" },
	{ "api.listen", MINIMAL "api: {listen: \"localhost:5050\"}\n",
	  "x.yaml:4:15: api.listen: must be an address and a port (\"127.0.0.1:5050\","
	  " \"[::1]:5050\"), not \"localhost:5050\"" },
	{ "port 0 in api.listen", MINIMAL "api: {listen: \"[::1]:0\"}\n",
	  "x.yaml:4:15: api.listen: must be an address and a port (\"127.0.0.1:5050\","
	  " \"[::1]:5050\"), not \"[::1]:0\"" },
	{ "lend to whom", WITH_LEND("often"),
	  "x.yaml:3:32: gateway.wan.lend: must be auto, off or a device's MAC address, not \"often\"" },
	{ "lend: half a MAC", WITH_LEND("02:00"),
	  "x.yaml:3:32: gateway.wan.lend: must be a MAC address (02:00:00:00:00:01), not \"02:00\"" },
	{ "lend: a group's MAC", WITH_LEND("03:00:00:00:00:01"),
	  "x.yaml:3:32: gateway.wan.lend: 03:00:00:00:00:01 is no device's: it is multicast or zero" },
	{ "nat64_prefix", MINIMAL "  nat64_prefix: on\n",
	  "x.yaml:4:17: gateway.nat64_prefix: must be auto, off or a prefix (64:ff9b::/96), not"
	  " \"on\"" },
	{ "nat64_prefix without a length", MINIMAL "  nat64_prefix: \"64:ff9b::\"\n",
	  "x.yaml:4:17: gateway.nat64_prefix: must be an IPv6 prefix and its length (64:ff9b::/96),"
	  " not \"64:ff9b::\"" },
	{ "a length that RFC 6052 lacks", MINIMAL "  nat64_prefix: 2001:db8::/72\n",
	  "x.yaml:4:17: gateway.nat64_prefix: must have a length of 32, 40, 48, 56, 64 or 96, and"
	  " zeros after it and in bits 64 to 71 (RFC 6052), and hosts beyond a link under it" },
	{ "bits after the prefix", MINIMAL "  nat64_prefix: 2001:db8::1/96\n",
	  "x.yaml:4:17: gateway.nat64_prefix: must have a length of 32, 40, 48, 56, 64 or 96, and"
	  " zeros after it and in bits 64 to 71 (RFC 6052), and hosts beyond a link under it" },
	{ "a multicast prefix", MINIMAL "  nat64_prefix: ff02::/96\n",
	  "x.yaml:4:17: gateway.nat64_prefix: must have a length of 32, 40, 48, 56, 64 or 96, and"
	  " zeros after it and in bits 64 to 71 (RFC 6052), and hosts beyond a link under it" },
	{ "filter", MINIMAL "  filter: on\n",
	  "x.yaml:4:11: gateway.filter: must be off or forward, not \"on\"" },
	{ "mappings that are none", MINIMAL "  mappings: {}\n",
	  "x.yaml:4:13: gateway.mappings: must be a list, not a map" },
	{ "half a mapping", MINIMAL "  mappings: [{ipv4: 192.0.2.10}]\n",
	  "x.yaml:4:14: gateway.mappings[0].ipv6: missing; give the host that it stands for" },
	{ "a mapping's IPv4 address", WITH_MAPPING("224.0.0.1", "2001:db8::10"),
	  "x.yaml:4:21: gateway.mappings[0].ipv4: 224.0.0.1 is no host's address" },
	{ "an alias in the LAN", WITH_MAPPING("192.168.1.9", "2001:db8::10"),
	  "x.yaml:4:21: gateway.mappings[0].ipv4: 192.168.1.9 lies in the LAN, where devices look"
	  " for it themselves" },
	{ "an alias of doppel's", WITH_MAPPING("192.0.0.2", "2001:db8::10"),
	  "x.yaml:4:21: gateway.mappings[0].ipv4: 192.0.0.2 is one of those that doppel itself uses"
	  " (192.0.0.0/28)" },
	{ "a mapping's IPv6 address", WITH_MAPPING("192.0.2.10", "fe80::10"),
	  "x.yaml:4:39: gateway.mappings[0].ipv6: fe80::10 is no host's address beyond a link" },
	{ "no IPv6 address", WITH_MAPPING("192.0.2.10", "192.0.2.1"),
	  "x.yaml:4:39: gateway.mappings[0].ipv6: must be an IPv6 address, not \"192.0.2.1\"" },
	{ "an alias twice",
	  MINIMAL "  mappings:\n    - {ipv4: 192.0.2.10, ipv6: \"2001:db8::10\"}\n"
	  "    - {ipv4: 192.0.2.10, ipv6: \"2001:db8::11\"}\n",
	  "x.yaml:6:14: gateway.mappings[1].ipv4: 192.0.2.10 is mapped in line 5 already" },
	{ "a host twice",
	  MINIMAL "  mappings:\n    - {ipv4: 192.0.2.10, ipv6: \"2001:db8::10\"}\n"
	  "    - {ipv4: 192.0.2.11, ipv6: \"2001:db8:0::10\"}\n",
	  "x.yaml:6:32: gateway.mappings[1].ipv6: 2001:db8:0::10 is mapped in line 5 already" },
	{ "truncated", "gateway:\n  lan: {interface: eth1, addr",
	  "x.yaml:3:1: did not find expected ',' or '}' while parsing a flow mapping" },
	{ "truncated in quotes", "gateway:\n  lan: {interface: \"eth",
	  "x.yaml:2:24: found unexpected end of stream while scanning a quoted scalar" },
	{ "a tab", "gateway:\n\tlan: 1\n",
	  "x.yaml:2:1: found character that cannot start any token while scanning for the next"
	  " token" },
	{ "not text", "gateway: \xff\n", "x.yaml:1:1: byte 9: invalid leading UTF-8 octet" },
	{ "a key twice", "gateway: {lan: {}, lan: {}}\n",
	  "x.yaml:1:20: gateway.lan: given twice, first in line 1; leave one" },
	{ "an alias", "gateway: {lan: *x}\n", "x.yaml:1:16: aliases (*name) cannot be used here" },
	{ "an anchor", "gateway: &x {}\n", "x.yaml:1:10: anchors (&name) cannot be used here" },
	{ "two documents", MINIMAL "---\na: 1\n", "x.yaml:4:1: a second document; keep one" },
	{ "a list as key", "? [a]\n: 1\n", "x.yaml:1:3: a key must be a plain word" },
};

static void test_faults(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct doppel_error error;
		struct config *config = parse(faults[i].text, &error);

		is_str(error.text, faults[i].error, "%s", faults[i].name);
		if (config)
			ok(false, "%s: nothing is applied", faults[i].name);
		doppel_config_free(config);
	}
}

static void test_many_faults(void)
{
	struct doppel_error error;
	struct config *config = parse("gateway:\n"
				      "  lan: {interface: 1/2, address: x}\n"
				      "  wan: {interface: eth0, identity: x}\n"
				      "  dhcp6: {retries: 0}\n",
				      &error);

	ok(!config, "many faults");
	is_int(error.count, 4, "are told at once");
	doppel_config_free(config);
}

/* Every beginning of a good file is a good file or a clean refusal. */
static void test_every_truncation(void)
{
	static const char text[] = MINIMAL
		"  devices: {list: [{mac: \"02:00:00:00:00:01\", forwards: [{port: 1}]}]}\n"
		"  dhcp4: {timeout: 15s}\n";
	unsigned int clean = 0;

	for (size_t len = 0; len < sizeof(text); len++) {
		auto_yaml struct yaml *yaml = NULL;
		struct doppel_error error = {};
		struct config *config = NULL;
		int err = doppel_config_parse("x", text, len, &config, &error);

		clean += err ? !config && error.count : config && !error.count;
		doppel_config_free(config);
	}
	is_int(clean, sizeof(text), "cut anywhere: a configuration, or an error and none");
}

static void test_depth(void)
{
	struct doppel_error error = {};
	struct config *config = NULL;
	char text[4096];

	memset(text, '[', sizeof(text));
	is_int(doppel_config_parse("x", text, sizeof(text), &config, &error), -EINVAL, "4096 lists");
	is_str(error.text, "x:1:18: nested too deeply", "in one another are refused");
}

static void is_too_much(const struct buf *text, const char *want, const char *what)
{
	struct doppel_error error = {};
	struct config *config = NULL;

	is_int(doppel_config_parse("x", text->data, text->len, &config, &error), -EINVAL, "%s", what);
	is_str(error.text, want, "… and told");
}

/* What would take long to read is refused where it is too much. */
static void test_limits(void)
{
	struct buf auto_buf key = {};
	struct buf auto_buf keys = {};
	struct buf auto_buf nodes = {};
	unsigned int i;

	for (i = 0; i < 65; i++) {
		doppel_buf_printf(&key, "k");
		doppel_buf_printf(&keys, "k%u: 1\n", i);
	}
	doppel_buf_printf(&key, ": 1\n");
	for (i = 0; i < DOPPEL_YAML_NODES_MAX; i++)
		doppel_buf_printf(&nodes, "-\n");
	is_too_much(&key, "x:1:1: a key may have no more than 64 bytes", "a long key");
	is_too_much(&keys, "x:65:1: a map may have no more than 64 keys", "many keys");
	is_too_much(&nodes, "x:524288:2: the file has too many values; make it smaller", "many nodes");
}

static void test_file(void)
{
	char path[] = "/tmp/doppel-config-XXXXXX", want[96];
	struct doppel_error error = {};
	struct config *config = NULL;
	int fd = mkstemp(path);

	ok(write(fd, MINIMAL, strlen(MINIMAL)) > 0, "a file is written");
	close(fd);
	is_int(doppel_config_load(path, &config, &error), 0, "and read");
	doppel_config_free(config);
	unlink(path);
	is_int(doppel_config_load(path, &config, &error), -ENOENT, "a file that is not there");
	snprintf(want, sizeof(want), "%s: cannot be read: No such file or directory", path);
	is_str(error.text, want, "is told");
}

int main(void)
{
	test_defaults();
	test_wireguard();
	test_full();
	test_faults();
	test_many_faults();
	test_every_truncation();
	test_depth();
	test_limits();
	test_file();
	return done_testing();
}
