// SPDX-License-Identifier: GPL-2.0-only
/* WireGuard networks in YAML: what the file says, and every refusal by its whole text. */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/yaml.h"
#include "tap.h"
#include "wireguard/document.h"

#define KEY_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static bool is_printer(void *ctx, const char *name)
{
	(void)ctx;
	return !strcmp(name, "printer");
}

static int read_text(const char *text, struct wg_document **document, struct doppel_error *error)
{
	static const struct wg_devices devices = { .known = is_printer };
	struct yaml auto_yaml *yaml = NULL;
	int err;

	*error = (struct doppel_error){};
	*document = NULL;
	err = doppel_yaml_parse("x.yaml", text, strlen(text), &yaml, error);
	return err ? err : doppel_wg_document_read(yaml->root, &devices, document, error);
}

static void test_full(void)
{
	static const char text[] =
		"firewall: iptables\n"
		"networks:\n"
		"  - name: office\n"
		"    ip_stack_mode: dual\n"
		"    ipv4_cidr: 10.10.0.0/24\n"
		"    ipv6_cidr: \"fd00:10::/64\"\n"
		"    interface: wg-office\n"
		"    listen_port: 51821\n"
		"    endpoint: vpn.example.net\n"
		"    domain: office.internal\n"
		"    allocation: hashed\n"
		"    dns: {upstream: [192.0.2.53, \"2001:db8::53\"]}\n"
		"    peers:\n"
		"      - {name: hub, jump: true}\n"
		"      - {name: laptop, agent: true, groups: [staff], public_key: \"" KEY_A "\"}\n"
		"      - {name: phone, groups: [guests, staff], preshared_key: generate,\n"
		"         expires: 2027-01-01T00:00:00Z, ipv4_address: 10.10.0.50, ipv6_address: \"fd00:10::50\",\n"
		"         extra_allowed_ips: [172.16.0.0/16]}\n"
		"    groups:\n"
		"      - {name: staff, priority: 10, policies: [site]}\n"
		"      - {name: guests, policies: []}\n"
		"    policies:\n"
		"      - name: site\n"
		"        rules:\n"
		"          - {direction: output, action: allow, target: 192.168.1.0/24, protocol: tcp, ports: [80, 443]}\n"
		"          - {direction: input, action: allow, target: printer}\n"
		"          - {direction: input, action: allow, target: \"02:00:00:00:00:01\"}\n"
		"          - {direction: output, action: allow, target: guests}\n"
		"          - {direction: output, action: allow, target: phone}\n"
		"          - {direction: output, action: allow, target: \"fd00::1\"}\n"
		"          - {direction: output, action: deny, target: any}\n"
		"    routes:\n"
		"      - {name: lan, destination: 192.168.1.0/24, via: hub, groups: [staff],\n"
		"         dns: [{name: printer, address: 192.168.1.50}]}\n"
		"  - {name: old, cidr: 10.20.0.0/16}\n";
	const struct wg_network *office, *old;
	const struct wg_policy *site;
	struct wg_document *document;
	const struct wg_peer *phone;
	char cidr[DOPPEL_CIDR_TEXT];
	struct doppel_error error;

	if (!is_int(read_text(text, &document, &error), 0, "every key that there is")) {
		diag("%s", error.text);
		return;
	}
	is_int(document->firewall, WG_FIREWALL_IPTABLES, "firewall");
	is_int(document->network_count, 2, "two networks");
	office = doppel_wg_network(document, "office");
	old = doppel_wg_network(document, "OLD");
	if (!ok(office && old, "found by name, in any case"))
		return;
	is_int(office->stack, WG_STACK_DUAL, "R1.1 ip_stack_mode: dual");
	is_str(doppel_cidr_format(&office->ipv6, cidr), "fd00:10::/64", "R2.2 ipv6_cidr");
	is_int(office->upstream_count, 2, "name servers of both families");
	is_int(old->stack, WG_STACK_IPV4, "R1.5 R14.1 ipv4 unless told");
	is_str(doppel_cidr_format(&old->ipv4, cidr), "10.20.0.0/16", "R14.2 cidr is ipv4_cidr");
	is_str(old->interface, "wg-old", "its interface");
	is_str(old->domain, "old.internal", "its domain");
	is_int(old->listen_port, 51820, "its port");
	ok(!old->dns, "no name server unless asked for");

	phone = doppel_wg_peer(office, "phone");
	if (!ok(phone, "the phone"))
		return;
	ok(phone->psk == WG_PSK_GENERATE && phone->has_ipv4 && phone->has_ipv6, "R2.5 both families");
	is_int(phone->expires, 1798761600, "until the new year");
	is_int(phone->group_count, 2, "in two groups");
	ok(phone->groups[1] == doppel_wg_group(office, "staff"), "one of them staff");
	ok(doppel_wg_peer(office, "laptop")->has_public_key, "the laptop's own key");
	is_int(doppel_wg_group(office, "guests")->priority, 500, "a priority unless told");

	site = doppel_wg_group(office, "staff")->policies[0];
	is_int(site->rule_count, 7, "the policy's rules");
	is_int(site->rules[0].ports[1], 443, "ports");
	is_int(site->rules[1].target.kind, WG_TARGET_DEVICE, "a device by its name");
	is_int(site->rules[2].target.kind, WG_TARGET_DEVICE, "… and by its MAC");
	ok(site->rules[3].target.group == doppel_wg_group(office, "guests"), "a group");
	ok(site->rules[4].target.peer == phone, "a peer");
	is_str(doppel_cidr_format(&site->rules[5].target.cidr, cidr), "fd00::1/128", "an address");
	ok(!site->rules[6].allow && site->rules[6].target.kind == WG_TARGET_ANY, "deny any");
	ok(office->routes[0].via->jump && office->routes[0].mapping_count == 1, "a route, a mapping");
	doppel_wg_document_free(document);
}

#define NET(rest) "networks:\n  - {name: a, cidr: 10.0.0.0/24" rest "}\n"
#define PEERS(peers) NET(", peers: [{name: hub, jump: true}, " peers "]")
#define WITH_RULE(rule)								\
	"networks:\n  - {name: a, cidr: 10.0.0.0/24, peers: [{name: hub, jump: true}],\n"	\
	"     policies: [{name: y, rules: [" rule "]}]}\n"
#define WITH_ROUTE(route)								\
	"networks:\n  - {name: a, cidr: 10.0.0.0/24, groups: [{name: g}, {name: h}],\n"	\
	"     peers: [{name: hub, jump: true, groups: [h]}, {name: p, groups: [g]}],\n"	\
	"     routes: [" route "]}\n"

static void test_refusals(void)
{
	static const struct {
		const char *text, *error;
	} table[] = {
		{ "networks: [{name: a, ip_stack_mode: both, cidr: 10.0.0.0/24}]",
		  "R1.1|must be ipv4, ipv6 or dual, not \"both\"" },
		{ "networks: [{name: a, ip_stack_mode: ipv4}]",
		  "R1.2|missing; ip_stack_mode ipv4 needs it" },
		{ "networks: [{name: a, ip_stack_mode: ipv6}]",
		  "R1.3|missing; ip_stack_mode ipv6 needs it" },
		{ "networks: [{name: a, ip_stack_mode: dual, ipv4_cidr: 10.0.0.0/8}]",
		  "R1.4|missing; ip_stack_mode dual needs it" },
		{ "networks: [{name: a, ipv4_cidr: 10.0.0.0}]",
		  "R2.1|must be a prefix (10.10.0.0/24, \"fd00:10::/64\"), not \"10.0.0.0\"" },
		{ "networks: [{name: a, ip_stack_mode: ipv6, ipv6_cidr: 10.0.0.0/8}]",
		  "R2.2|must be an IPv6 prefix, not 10.0.0.0/8" },
		{ "networks: [{name: a, ipv4_cidr: \"fd00::/64\"}]",
		  "R2.1|must be an IPv4 prefix, not fd00::/64" },
		{ "networks: [{name: a, ipv4_cidr: 10.0.0.0/24, ipv6_cidr: \"fd00::/64\"}]",
		  "R2.3|ip_stack_mode is ipv4; leave it out" },
		{ "networks: [{name: a, ip_stack_mode: ipv6, ipv6_cidr: \"fd00::/64\", cidr: 10.0.0.0/8}]",
		  "R2.4|ip_stack_mode is ipv6; leave it out" },
		{ "networks: [{name: a, ipv4_cidr: 10.0.0.1/24}]",
		  "host bits|10.0.0.1/24 has host bits set; is 10.0.0.0/24 meant?" },
		{ "networks: [{name: a, ip_stack_mode: ipv6, ipv6_cidr: \"::/0\"}]",
		  "everything|is more than one network can be; give a /8 or longer" },
		{ "networks: [{name: a, ipv4_cidr: 10.0.0.0/24, cidr: 10.0.0.0/24}]",
		  "both keys|is an older name of ipv4_cidr, which is there too; leave one out" },
		{ "networks: [{name: a, cidr: 10.0.0.0/16}, {name: b, cidr: 10.0.1.0/24, listen_port: 1}]",
		  "overlapping networks|ipv4_cidr overlaps that of network \"a\"" },
		{ "networks: [{name: a, cidr: 10.0.0.0/24}, {name: b, cidr: 10.0.1.0/24}]",
		  "one port|listen_port 51820 is network \"a\"'s, too" },
		{ "networks: [{name: a, cidr: 10.0.0.0/24, interface: \"wg*\"}]",
		  "an interface's name|must be a name of letters, digits, dots, hyphens and underscores, not \"wg*\"" },
		{ "networks: [{name: a, cidr: 10.0.0.0/24}, {name: b, cidr: 10.0.1.0/24, listen_port: 1, interface: wg-a}]",
		  "one interface|interface wg-a is network \"a\"'s, too" },
		{ "networks: [{name: a, cidr: 10.0.0.0/24}, {name: A, cidr: 10.0.1.0/24, listen_port: 1}]",
		  "one name|\"A\" is there in line 1 already" },
		{ "networks: [{cidr: 10.0.0.0/24}]", "no name|missing; give it a name" },
		{ "networks: [{name: a_b, cidr: 10.0.0.0/24}]",
		  "no label|must be a name of letters, digits and hyphens (at most 63 characters), not \"a_b\"" },
		{ "networks: [{name: a-rather-long-name, cidr: 10.0.0.0/24}]",
		  "a long name|missing; wg-a-rather-long-name is longer than the 15 characters that an interface's name may have" },
		{ NET(", mtu: 1420"),
		  "unknown key|unknown key; known here: name, ip_stack_mode, ipv4_cidr, ipv6_cidr, cidr, interface, listen_port, endpoint, domain, allocation, dns, peers, groups, policies, routes" },
		{ NET(", endpoint: \"vpn.example.net:51820\""),
		  "endpoint|must be a host's name or address, without a port, not \"vpn.example.net:51820\"" },
		{ NET(", dns: {upstream: [dns.example]}"),
		  "upstream|must be a name server's address, not \"dns.example\"" },
		{ NET(", peers: [{name: p}]"),
		  "no jump peer|none of them is this gateway; give one `jump: true`" },
		{ PEERS("{name: hub2, jump: true}"),
		  "two jump peers|peer \"hub\" is this gateway already: one jump peer is enough" },
		{ PEERS("{name: p}, {name: q}, {name: P}"), "one name|\"P\" is there in line 2 already" },
		{ PEERS("{name: p, groups: [nobody]}"),
		  "unknown group|there is no group \"nobody\" in this network" },
		{ PEERS("{name: p, ipv6_address: \"fd00::1\"}"),
		  "R2.3|fd00::1 is IPv6, and the network's ip_stack_mode is ipv4" },
		{ PEERS("{name: p, ipv4_address: 10.1.0.1}"),
		  "outside|10.1.0.1 lies outside the network, 10.0.0.0/24" },
		{ PEERS("{name: p, ipv4_address: 10.0.0.255}"),
		  "no host's|10.0.0.255 is no host's address of the network, 10.0.0.0/24" },
		{ PEERS("{name: p, ipv4_address: 10.0.0.9}, {name: q, ipv4_address: 10.0.0.9}"),
		  "one address|its address is peer \"p\"'s, too" },
		{ PEERS("{name: p, public_key: \"" KEY_A "\"}, {name: q, public_key: \"" KEY_A "\"}"),
		  "duplicate key|is peer \"p\"'s, too: a key is one peer's" },
		{ PEERS("{name: p, public_key: secret}"),
		  "no key|must be a WireGuard key: 44 characters, as `wg genkey` and `wg pubkey` print them" },
		{ PEERS("{name: p, expires: tomorrow}"),
		  "expiry|must be a time as 2027-01-01T00:00:00Z, not \"tomorrow\"" },
		{ PEERS("{name: p, extra_allowed_ips: [172.16.0.0/12]}, {name: q, extra_allowed_ips: [172.16.9.0/24]}"),
		  "overlapping allowed IPs|172.16.9.0/24 overlaps an extra_allowed_ips of peer \"p\"" },
		{ PEERS("{name: p, extra_allowed_ips: [172.16.9.0/24, 172.17.0.0/24]}, {name: q, extra_allowed_ips: [172.16.0.0/12]}"),
		  "a wider one later|172.16.0.0/12 overlaps an extra_allowed_ips of peer \"p\"" },
		{ PEERS("{name: p, extra_allowed_ips: [10.0.0.128/25]}"),
		  "the network's own|10.0.0.128/25 overlaps the network's own addresses" },
		{ NET(", groups: [{name: g, policies: [nothing]}]"),
		  "unknown policy|there is no policy \"nothing\" in this network" },
		{ NET(", policies: [{name: y}], groups: [{name: g, policies: [y, Y]}]"),
		  "a policy twice|\"Y\" is in the list already; leave one" },
		{ NET(", groups: [{name: g}], peers: [{name: hub, jump: true, groups: [g, g]}]"),
		  "a group twice|\"g\" is in the list already; leave one" },
		{ NET(", groups: [{name: g, priority: 1000}]"),
		  "priority|must be a number from 1 to 999, not 1000" },
		{ WITH_RULE("{direction: output, action: allow, target: \"fd00::/64\"}"),
		  "wrong family|fd00::/64 is IPv6, and the network's ip_stack_mode is ipv4" },
		{ WITH_RULE("{direction: output, action: allow, target: nobody}"),
		  "unknown target|must be any, a prefix, or the name of a peer, a group or a LAN device, not \"nobody\"" },
		{ WITH_RULE("{action: allow, target: any}"),
		  "no direction|missing; give output or input" },
		{ WITH_RULE("{direction: output, action: allow, target: any, ports: [80]}"),
		  "ports|only tcp and udp have ports; give protocol" },
		{ WITH_ROUTE("{name: r, destination: \"fd00::/64\", via: hub}"),
		  "R7.5|fd00::/64 is IPv6, and the network's ip_stack_mode is ipv4" },
		{ WITH_ROUTE("{name: r, destination: 192.168.1.0/24, via: nobody}"),
		  "unknown peer|there is no peer \"nobody\" in this network" },
		{ WITH_ROUTE("{name: r, destination: 192.168.1.0/24, via: p}"),
		  "no jump peer|peer \"p\" is no jump peer, so nothing is routed through it" },
		{ WITH_ROUTE("{name: r, destination: 192.168.1.0/24, via: hub, groups: [g, h]}"),
		  "circular|peer \"hub\" is in group \"h\": the route would lead through itself" },
		{ WITH_ROUTE("{name: r, destination: 192.168.1.0/24, via: hub, dns: [{name: x, address: 192.168.2.1}]}"),
		  "R8.4|192.168.2.1 lies outside the route's destination, 192.168.1.0/24" },
		{ WITH_ROUTE("{name: r, destination: 192.168.1.0/24, via: hub, dns: [{name: x, address: 192.168.1.1}, {name: X, address: 192.168.1.2}]}"),
		  "one name in a route|\"X\" is there in line 4 already" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *want = strchr(table[i].error, '|') + 1;
		struct wg_document *document;
		struct doppel_error error;
		int err = read_text(table[i].text, &document, &error);
		const char *got = strstr(error.text, want);

		if (!ok(err == -EINVAL && !document && error.count == 1 && got &&
			strlen(got) == strlen(want) && !strncmp(error.text, "x.yaml:", 7),
			"%.*s is refused", (int)(want - table[i].error - 1), table[i].error))
			diag("%s", error.text);
		doppel_wg_document_free(document);
	}
}

static void write_rules(struct buf *text, int groups, int rules)
{
	int i;

	doppel_buf_printf(text, "networks:\n  - name: a\n    cidr: 10.0.0.0/24\n    groups:\n");
	for (i = 0; i < groups; i++)
		doppel_buf_printf(text, "      - {name: g%d, policies: [y]}\n", i);
	doppel_buf_printf(text, "    policies:\n      - name: y\n        rules:\n");
	for (i = 0; i < rules; i++)
		doppel_buf_printf(text, "          - {direction: output, action: allow, target: any}\n");
}

static void test_many_rules(void)
{
	struct buf auto_buf most = {};
	struct buf auto_buf more = {};
	struct wg_document *document;
	struct doppel_error error;

	write_rules(&most, 100, WG_RULES_MAX / 100);
	is_int(read_text(most.data, &document, &error), 0, "as many rules as there can be");
	doppel_wg_document_free(document);
	write_rules(&more, 101, WG_RULES_MAX / 100);
	is_int(read_text(more.data, &document, &error), -EINVAL, "more are refused");
	is_str(error.text, "x.yaml:2:5: networks[0]: with this network's there are 20200 rules, each policy's counted for each group that has it; no more than 20000 can be",
	       "… and why");
	doppel_wg_document_free(document);
}

static void write_networks(struct buf *text, int count)
{
	int i;

	doppel_buf_printf(text, "networks:\n");
	for (i = 0; i < count; i++)
		doppel_buf_printf(text, "  - {name: n%d, cidr: 10.%d.%d.0/24, listen_port: %d}\n", i, i / 256,
				  i % 256, i + 1);
}

static void test_many_networks(void)
{
	struct buf auto_buf most = {};
	struct buf auto_buf more = {};
	struct wg_document *document;
	struct doppel_error error;

	write_networks(&most, WG_NETWORKS_MAX);
	is_int(read_text(most.data, &document, &error), 0, "as many networks as there can be");
	doppel_wg_document_free(document);
	write_networks(&more, WG_NETWORKS_MAX + 1);
	is_int(read_text(more.data, &document, &error), -EINVAL, "one more is refused");
	is_str(error.text, "x.yaml:2:3: networks: 257 networks are too many; no more than 256 can be", "… and why");
	doppel_wg_document_free(document);
}

int main(void)
{
	test_full();
	test_refusals();
	test_many_rules();
	test_many_networks();
	return done_testing();
}
