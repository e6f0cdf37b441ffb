// SPDX-License-Identifier: GPL-2.0-only
/* Policies as rules: for which IP version, in which order, and word for word in both firewalls. */
#include <time.h>

#include "base/rand.h"
#include "tap.h"
#include "wg_site.h"
#include "wireguard/render_iptables.h"
#include "wireguard/render_nft.h"
#include "wireguard/rules.h"

#define HUB(addresses) "{name: hub, jump: true, " addresses "}"
#define V4(n) "ipv4_address: 10.10.0." #n
#define V6(n) "ipv6_address: \"fd00:10::" #n "\""
#define BOTH(n) V4(n) ", " V6(n)

/* One peer in one group with one policy. */
#define SITE(network, addresses, rules)							\
	"networks:\n"									\
	"  - name: office\n" network							\
	"    peers:\n"									\
	"      - " HUB(addresses(1)) "\n"						\
	"      - {name: laptop, groups: [staff], " addresses(2) "}\n"			\
	"    groups: [{name: staff, policies: [site]}]\n"				\
	"    policies:\n"								\
	"      - name: site\n"								\
	"        rules:\n" rules
#define IPV4 "    cidr: 10.10.0.0/24\n"
#define IPV6 "    ip_stack_mode: ipv6\n    ipv6_cidr: \"fd00:10::/64\"\n"
#define DUAL "    ip_stack_mode: dual\n    ipv4_cidr: 10.10.0.0/24\n    ipv6_cidr: \"fd00:10::/64\"\n"
#define ALLOW(target) "          - {direction: output, action: allow, target: " target "}\n"

struct subject {
	struct wg_site site;
	struct wg_filters *filters;
	struct buf text;
};

/* False when the test itself is wrong. */
static bool begin(struct subject *subject, const char *yaml)
{
	struct doppel_error error = {};

	*subject = (struct subject){ .filters = NULL };
	if (ok(site_read(yaml, &subject->site, &error) &&
	       !doppel_wg_filters_new(&subject->site, &site_lan, &subject->filters), "a site"))
		return true;
	diag("%s", error.text);
	return false;
}

static void end(struct subject *subject)
{
	doppel_buf_free(&subject->text);
	doppel_wg_filters_free(subject->filters);
	site_free(&subject->site);
}

static const char *nft(struct subject *subject)
{
	subject->text.len = 0;
	doppel_wg_render_nft(subject->filters, &subject->text);
	return subject->text.data;
}

static const char *iptables(struct subject *subject, int family)
{
	const struct wg_iptables none = { .chain_count = 0 };

	subject->text.len = 0;
	doppel_wg_render_iptables(subject->filters, family, &none, &subject->text);
	return subject->text.data;
}

#define EMPTY_TABLE "*filter\nCOMMIT\n"
#define NFT_REMOVE(ip) "table " ip " doppel_wg\ndelete table " ip " doppel_wg\n"
/* One family of a network in which one source of rules is judged. */
#define NFT_TABLE(ip, icmp, own, rules)							\
	"table " ip " doppel_wg\ndelete table " ip " doppel_wg\n"				\
	"table " ip " doppel_wg {\n"							\
	"\tchain network.office {\n"							\
	"\t\tct state established,related return\n" rules				\
	"\t\tdrop\n"									\
	"\t}\n"										\
	"\tchain box.office {\n"							\
	"\t\t" ip " daddr " own " " icmp " type echo-request return\n"			\
	"\t\tgoto network.office\n"							\
	"\t}\n"										\
	"\tchain forward {\n"								\
	"\t\ttype filter hook forward priority filter; policy accept;\n"		\
	"\t\tiifname vmap { \"wg-office\" : jump network.office }\n"			\
	"\t\toifname vmap { \"wg-office\" : jump network.office }\n"			\
	"\t}\n"										\
	"\tchain input {\n"								\
	"\t\ttype filter hook input priority filter; policy accept;\n"			\
	"\t\tiifname vmap { \"wg-office\" : jump box.office }\n"			\
	"\t}\n"										\
	"}\n"
#define NFT_SITE "\t\t# group staff, policy site\n"
#define NFT_IPV4(rules) NFT_TABLE("ip", "icmp", "10.10.0.1", rules)
#define NFT_IPV6(rules) NFT_TABLE("ip6", "icmpv6", "fd00:10::1", rules)

#define IPTABLES(own, echo, rules)							\
	"*filter\n"									\
	":DOPPEL-WG-FORWARD - [0:0]\n"							\
	":DOPPEL-WG-INPUT - [0:0]\n"							\
	":DOPPEL-WG-1 - [0:0]\n"							\
	":DOPPEL-WG-1-BOX - [0:0]\n"							\
	"-I FORWARD -j DOPPEL-WG-FORWARD\n"						\
	"-I INPUT -j DOPPEL-WG-INPUT\n"							\
	"-A DOPPEL-WG-FORWARD -i wg-office -j DOPPEL-WG-1\n"				\
	"-A DOPPEL-WG-FORWARD -o wg-office -j DOPPEL-WG-1\n"				\
	"-A DOPPEL-WG-INPUT -i wg-office -j DOPPEL-WG-1-BOX\n"				\
	"# network office\n"								\
	"-A DOPPEL-WG-1 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n" rules	\
	"-A DOPPEL-WG-1-BOX -d " own " -p " echo " echo-request -j RETURN\n"		\
	"-A DOPPEL-WG-1-BOX -g DOPPEL-WG-1\n"						\
	"COMMIT\n"
#define IPTABLES4(rules) IPTABLES("10.10.0.1/32", "icmp -m icmp --icmp-type", rules)
#define IPTABLES6(rules) IPTABLES("fd00:10::1/128", "ipv6-icmp -m icmp6 --icmpv6-type", rules)
#define RULE "-A DOPPEL-WG-1 "
#define OTHERWISE RULE "-j DROP\n"

/* What the site has in each of the four languages. */
static void is_rendered(const char *name, const char *yaml, const char *want_nft,
			const char *want_iptables, const char *want_ip6tables)
{
	struct subject subject;

	if (!begin(&subject, yaml))
		return;
	is_str(nft(&subject), want_nft, "%s: nftables", name);
	is_str(iptables(&subject, AF_INET), want_iptables, "%s: iptables", name);
	is_str(iptables(&subject, AF_INET6), want_ip6tables, "%s: ip6tables", name);
	end(&subject);
}

static void test_families(void)
{
	is_rendered("R6.1 R9.4 R9.5 R14.4 IPv4 only", SITE(IPV4, V4, ALLOW("192.168.1.0/24")),
		    NFT_IPV4(NFT_SITE "\t\tip saddr 10.10.0.2 ip daddr 192.168.1.0/24 return\n")
		    NFT_REMOVE("ip6"),
		    IPTABLES4(RULE "-s 10.10.0.2/32 -d 192.168.1.0/24 -j RETURN\n" OTHERWISE),
		    EMPTY_TABLE);
	is_rendered("R6.2 R9.4 IPv6 only", SITE(IPV6, V6, ALLOW("\"2001:db8::/32\"")),
		    NFT_REMOVE("ip")
		    NFT_IPV6(NFT_SITE "\t\tip6 saddr fd00:10::2 ip6 daddr 2001:db8::/32 return\n"),
		    EMPTY_TABLE,
		    IPTABLES6(RULE "-s fd00:10::2/128 -d 2001:db8::/32 -j RETURN\n" OTHERWISE));
	is_rendered("R6.3 R9.4 R13.4 dual and any", SITE(DUAL, BOTH, ALLOW("any")),
		    NFT_IPV4(NFT_SITE "\t\tip saddr 10.10.0.2 return\n")
		    NFT_IPV6(NFT_SITE "\t\tip6 saddr fd00:10::2 return\n"),
		    IPTABLES4(RULE "-s 10.10.0.2/32 -j RETURN\n" OTHERWISE),
		    IPTABLES6(RULE "-s fd00:10::2/128 -j RETURN\n" OTHERWISE));
	is_rendered("R6.4 R13.1 dual and an IPv4 prefix", SITE(DUAL, BOTH, ALLOW("192.168.1.0/24")),
		    NFT_IPV4(NFT_SITE "\t\tip saddr 10.10.0.2 ip daddr 192.168.1.0/24 return\n")
		    NFT_IPV6(""),
		    IPTABLES4(RULE "-s 10.10.0.2/32 -d 192.168.1.0/24 -j RETURN\n" OTHERWISE),
		    IPTABLES6(OTHERWISE));
	is_rendered("R6.5 R13.1 dual and an IPv6 prefix", SITE(DUAL, BOTH, ALLOW("\"2001:db8::/32\"")),
		    NFT_IPV4("")
		    NFT_IPV6(NFT_SITE "\t\tip6 saddr fd00:10::2 ip6 daddr 2001:db8::/32 return\n"),
		    IPTABLES4(OTHERWISE),
		    IPTABLES6(RULE "-s fd00:10::2/128 -d 2001:db8::/32 -j RETURN\n" OTHERWISE));
	is_rendered("R6.6 R13.2 all of IPv4, and no IPv6", SITE(DUAL, BOTH, ALLOW("0.0.0.0/0")),
		    NFT_IPV4(NFT_SITE "\t\tip saddr 10.10.0.2 return\n") NFT_IPV6(""),
		    IPTABLES4(RULE "-s 10.10.0.2/32 -j RETURN\n" OTHERWISE),
		    IPTABLES6(OTHERWISE));
	is_rendered("R6.7 R13.3 all of IPv6, and no IPv4", SITE(DUAL, BOTH, ALLOW("\"::/0\"")),
		    NFT_IPV4("") NFT_IPV6(NFT_SITE "\t\tip6 saddr fd00:10::2 return\n"),
		    IPTABLES4(OTHERWISE),
		    IPTABLES6(RULE "-s fd00:10::2/128 -j RETURN\n" OTHERWISE));
}

/* R13.5: "4", "6", "46" or "-" for each rule, in their order. */
static void is_for(const char *yaml, const char *want, const char *name)
{
	struct subject subject;
	char got[64] = "";
	size_t i;

	if (!begin(&subject, yaml))
		return;
	for (i = 0; i < subject.filters->networks[0].rule_count; i++) {
		const struct wg_filter_rule *rule = &subject.filters->networks[0].rules[i];

		if (i)
			strcat(got, " ");
		strcat(got, rule->ipv4 && rule->ipv6 ? "46" : rule->ipv4 ? "4" : rule->ipv6 ? "6" : "-");
	}
	is_str(got, want, "%s", name);
	end(&subject);
}

static void test_versions(void)
{
	is_for(SITE(DUAL, BOTH, ALLOW("any") ALLOW("0.0.0.0/0") ALLOW("\"::/0\"") ALLOW("10.0.0.1")
		    ALLOW("hub") ALLOW("staff") ALLOW("printer") ALLOW("\"02:00:00:00:00:07\"")
		    ALLOW("gone")),
	       "46 4 6 4 46 46 4 4 -", "R13.1 R13.4 R13.5 which IP version a rule is for");
	is_for(SITE(IPV4, V4, ALLOW("any") ALLOW("hub") ALLOW("printer")), "4 4 4",
	       "R13.5 in an IPv4-only network");
	is_for(SITE(IPV6, V6, ALLOW("any") ALLOW("hub") ALLOW("printer")), "6 6 -",
	       "R13.5 in an IPv6-only network, where no device is reached");
}

static const char office[] =
	"networks:\n"
	"  - name: office\n"
	DUAL
	"    dns: {upstream: [192.0.2.53]}\n"
	"    peers:\n"
	"      - " HUB(BOTH(1)) "\n"
	"      - {name: laptop, groups: [staff], " BOTH(2) "}\n"
	"      - {name: desk, groups: [staff], " BOTH(3) "}\n"
	"      - {name: phone, groups: [guests], " BOTH(50) "}\n"
	"      - {name: branch, groups: [guests], " BOTH(51) ", extra_allowed_ips: [172.16.0.0/16]}\n"
	"      - {name: old, groups: [staff, guests], " BOTH(60) ", expires: 2001-01-01T00:00:00Z}\n"
	"    groups:\n"
	"      - {name: guests, policies: [few]}\n"
	"      - {name: staff, priority: 10, policies: [site, rest]}\n"
	"    policies:\n"
	"      - name: site\n"
	"        rules:\n"
	"          - {direction: output, action: allow, target: 192.168.1.0/24, protocol: tcp, ports: [80, 443]}\n"
	"          - {direction: output, action: allow, target: staff}\n"
	"          - {direction: output, action: allow, target: branch, protocol: icmp}\n"
	"      - name: rest\n"
	"        rules:\n"
	"          - {direction: output, action: allow, target: \"::/0\"}\n"
	"          - {direction: output, action: deny, target: any}\n"
	"      - name: few\n"
	"        rules:\n"
	"          - {direction: output, action: allow, target: printer, protocol: tcp, ports: [631]}\n"
	"          - {direction: input, action: deny, target: laptop}\n"
	"          - {direction: input, action: allow, target: 0.0.0.0/0, protocol: udp}\n"
	"  - name: old\n"
	"    cidr: 10.20.0.0/24\n"
	"    listen_port: 51821\n"
	"    peers:\n"
	"      - {name: hub, jump: true, ipv4_address: 10.20.0.1}\n"
	"      - {name: a, groups: [all], ipv4_address: 10.20.0.2}\n"
	"    groups: [{name: all, policies: [out]}]\n"
	"    policies: [{name: out, rules: [{direction: output, action: allow, target: any}]}]\n";

static const char office_nft[] =
	"table ip doppel_wg {\n"
	"\tset group.office.guests {\n"
	"\t\ttype ipv4_addr\n"
	"\t\tflags interval\n"
	"\t\telements = { 10.10.0.50, 10.10.0.51, 172.16.0.0/16 }\n"
	"\t}\n"
	"\tset group.office.staff {\n"
	"\t\ttype ipv4_addr\n"
	"\t\telements = { 10.10.0.2, 10.10.0.3 }\n"
	"\t}\n"
	"\tchain network.office {\n"
	"\t\tip saddr 10.10.0.60 drop\n"
	"\t\tip daddr 10.10.0.60 drop\n"
	"\t\tct state established,related return\n"
	"\t\t# group staff, policy site\n"
	"\t\tip saddr @group.office.staff ip daddr 192.168.1.0/24 tcp dport { 80, 443 } return\n"
	"\t\tip saddr @group.office.staff ip daddr @group.office.staff return\n"
	"\t\tip saddr @group.office.staff ip daddr { 10.10.0.51, 172.16.0.0/16 } meta l4proto icmp return\n"
	"\t\t# group staff, policy rest\n"
	"\t\tip saddr @group.office.staff drop\n"
	"\t\t# group guests, policy few\n"
	"\t\tip saddr @group.office.guests ip daddr 192.168.1.50 tcp dport { 631 } return\n"
	"\t\tip saddr 10.10.0.2 ip daddr @group.office.guests drop\n"
	"\t\tip daddr @group.office.guests meta l4proto udp return\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain box.office {\n"
	"\t\tip saddr 10.10.0.60 drop\n"
	"\t\tip daddr 10.10.0.1 icmp type echo-request return\n"
	"\t\tip daddr 10.10.0.1 udp dport 53 return\n"
	"\t\tip daddr 10.10.0.1 tcp dport 53 return\n"
	"\t\tgoto network.office\n"
	"\t}\n"
	"}\n"
	"table ip6 doppel_wg {\n"
	"\tset group.office.guests {\n"
	"\t\ttype ipv6_addr\n"
	"\t\telements = { fd00:10::50, fd00:10::51 }\n"
	"\t}\n"
	"\tset group.office.staff {\n"
	"\t\ttype ipv6_addr\n"
	"\t\telements = { fd00:10::2, fd00:10::3 }\n"
	"\t}\n"
	"\tchain network.office {\n"
	"\t\tip6 saddr fd00:10::60 drop\n"
	"\t\tip6 daddr fd00:10::60 drop\n"
	"\t\tct state established,related return\n"
	"\t\t# group staff, policy site\n"
	"\t\tip6 saddr @group.office.staff ip6 daddr @group.office.staff return\n"
	"\t\tip6 saddr @group.office.staff ip6 daddr fd00:10::51 meta l4proto icmpv6 return\n"
	"\t\t# group staff, policy rest\n"
	"\t\tip6 saddr @group.office.staff return\n"
	"\t\tip6 saddr @group.office.staff drop\n"
	"\t\t# group guests, policy few\n"
	"\t\tip6 saddr fd00:10::2 ip6 daddr @group.office.guests drop\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain box.office {\n"
	"\t\tip6 saddr fd00:10::60 drop\n"
	"\t\tip6 daddr fd00:10::1 icmpv6 type echo-request return\n"
	"\t\tip6 daddr fd00:10::1 udp dport 53 return\n"
	"\t\tip6 daddr fd00:10::1 tcp dport 53 return\n"
	"\t\tgoto network.office\n"
	"\t}\n"
	"}\n";

/* The sources' classes are staff, guests and others; where they lead, the destinations'. */
static const char office_ip6tables[] =
	"# ip6tables-restore\n"
	"*filter\n"
	":DOPPEL-WG-1 - [0:0]\n"
	":DOPPEL-WG-1-BOX - [0:0]\n"
	":DOPPEL-WG-1-1 - [0:0]\n"
	":DOPPEL-WG-1-2 - [0:0]\n"
	":DOPPEL-WG-1-3 - [0:0]\n"
	":DOPPEL-WG-1-4 - [0:0]\n"
	":DOPPEL-WG-1-5 - [0:0]\n"
	":DOPPEL-WG-1-6 - [0:0]\n"
	":DOPPEL-WG-1-7 - [0:0]\n"
	":DOPPEL-WG-1-8 - [0:0]\n"
	":DOPPEL-WG-1-9 - [0:0]\n"
	"# network office\n"
	"-A DOPPEL-WG-1 -j DOPPEL-WG-1-1\n"
	"-A DOPPEL-WG-1-1 -s fd00:10::60/128 -j DROP\n"
	"-A DOPPEL-WG-1 -j DOPPEL-WG-1-2\n"
	"-A DOPPEL-WG-1-2 -d fd00:10::60/128 -j DROP\n"
	"-A DOPPEL-WG-1 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n"
	"-A DOPPEL-WG-1 -s fd00:10::2/128 -g DOPPEL-WG-1-3\n"
	"-A DOPPEL-WG-1 -s fd00:10::3/128 -g DOPPEL-WG-1-3\n"
	"-A DOPPEL-WG-1 -g DOPPEL-WG-1-4\n"
	"-A DOPPEL-WG-1-3 -d fd00:10::2/128 -g DOPPEL-WG-1-5\n"
	"-A DOPPEL-WG-1-3 -d fd00:10::3/128 -g DOPPEL-WG-1-5\n"
	"-A DOPPEL-WG-1-3 -g DOPPEL-WG-1-6\n"
	"-A DOPPEL-WG-1-5 -j RETURN\n"
	"-A DOPPEL-WG-1-6 -d fd00:10::51/128 -p ipv6-icmp -j RETURN\n"
	"-A DOPPEL-WG-1-6 -j RETURN\n"
	"-A DOPPEL-WG-1-4 -d fd00:10::50/128 -g DOPPEL-WG-1-7\n"
	"-A DOPPEL-WG-1-4 -d fd00:10::51/128 -g DOPPEL-WG-1-7\n"
	"-A DOPPEL-WG-1-4 -g DOPPEL-WG-1-8\n"
	"-A DOPPEL-WG-1-7 -s fd00:10::2/128 -j DROP\n"
	"-A DOPPEL-WG-1-7 -j DROP\n"
	"-A DOPPEL-WG-1-8 -j DROP\n"
	"-A DOPPEL-WG-1-BOX -j DOPPEL-WG-1-9\n"
	"-A DOPPEL-WG-1-9 -s fd00:10::60/128 -j DROP\n"
	"-A DOPPEL-WG-1-BOX -d fd00:10::1/128 -p ipv6-icmp -m icmp6 --icmpv6-type echo-request -j RETURN\n"
	"-A DOPPEL-WG-1-BOX -d fd00:10::1/128 -p udp -m udp --dport 53 -j RETURN\n"
	"-A DOPPEL-WG-1-BOX -d fd00:10::1/128 -p tcp -m tcp --dport 53 -j RETURN\n"
	"-A DOPPEL-WG-1-BOX -g DOPPEL-WG-1\n"
	"COMMIT\n";

static void test_office(void)
{
	struct subject subject;
	struct buf auto_buf text = {};
	const char *part;

	if (!begin(&subject, office))
		return;
	doppel_wg_print_nft(&subject.filters->networks[0], &text);
	is_str(text.data, office_nft, "groups by priority, policies and rules in order: nftables");
	text.len = 0;
	doppel_wg_print_iptables(subject.filters, 0, &text);
	part = strstr(text.data, "# ip6tables-restore");
	is_str(part, office_ip6tables, "… and ip6tables");
	end(&subject);
}

/* From the address of a peer, or of anybody, to another. */
static bool passes(const struct subject *subject, const char *source, const char *destination,
		   uint8_t protocol, uint16_t port)
{
	struct wg_flow flow = { .protocol = protocol, .port = port };

	if (doppel_ip_parse(source, &flow.source) || doppel_ip_parse(destination, &flow.destination))
		return false;
	flow.echo = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
	flow.to_box = !strcmp(destination, "10.10.0.1") || !strcmp(destination, "192.168.1.1");
	return doppel_wg_filters_allow(subject->filters, &flow);
}

static void test_flows(void)
{
	static const struct {
		const char *name, *source, *destination;
		uint8_t protocol;
		uint16_t port;
		bool passes;
	} table[] = {
		{ "a port", "10.10.0.2", "192.168.1.9", IPPROTO_TCP, 443, true },
		{ "another", "10.10.0.2", "192.168.1.9", IPPROTO_TCP, 22, false },
		{ "another protocol", "10.10.0.2", "192.168.1.9", IPPROTO_UDP, 443, false },
		{ "a group", "10.10.0.2", "10.10.0.3", IPPROTO_UDP, 9, true },
		{ "a group in IPv6", "fd00:10::2", "fd00:10::3", IPPROTO_UDP, 9, true },
		{ "a network behind a peer", "10.10.0.2", "172.16.9.9", IPPROTO_ICMP, 0, true },
		{ "… by no other protocol", "10.10.0.2", "172.16.9.9", IPPROTO_TCP, 80, false },
		{ "all of IPv6", "fd00:10::2", "2001:db8::1", IPPROTO_TCP, 1, true },
		{ "… not of IPv4", "10.10.0.2", "203.0.113.1", IPPROTO_TCP, 1, false },
		{ "a device", "172.16.9.9", "192.168.1.50", IPPROTO_TCP, 631, true },
		{ "in from the LAN", "192.168.1.9", "10.10.0.50", IPPROTO_UDP, 7, true },
		{ "… not to another group", "192.168.1.9", "10.10.0.2", IPPROTO_UDP, 7, false },
		{ "nobody's address", "10.10.0.99", "10.10.0.50", IPPROTO_TCP, 7, false },
		{ "from one that expired", "10.10.0.60", "10.10.0.3", IPPROTO_TCP, 7, false },
		{ "to one that expired", "10.10.0.2", "10.10.0.60", IPPROTO_TCP, 7, false },
		{ "echo to the box", "10.10.0.50", "10.10.0.1", IPPROTO_ICMP, 0, true },
		{ "… not from one that expired", "10.10.0.60", "10.10.0.1", IPPROTO_ICMP, 0, false },
		{ "DNS", "10.10.0.50", "10.10.0.1", IPPROTO_UDP, 53, true },
		{ "… at another address", "10.10.0.50", "192.168.1.1", IPPROTO_UDP, 53, false },
		{ "another service", "10.10.0.50", "10.10.0.1", IPPROTO_TCP, 22, false },
		{ "no WireGuard", "192.168.1.9", "203.0.113.1", IPPROTO_TCP, 22, true },
		{ "both networks let pass", "10.20.0.2", "10.10.0.50", IPPROTO_UDP, 7, true },
		{ "… one does not", "10.20.0.2", "10.10.0.2", IPPROTO_UDP, 7, false },
		{ "… the other does not", "10.10.0.2", "10.20.0.2", IPPROTO_UDP, 7, false },
	};
	struct subject subject;
	size_t i;

	if (!begin(&subject, office))
		return;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++)
		ok(passes(&subject, table[i].source, table[i].destination, table[i].protocol,
			  table[i].port) == table[i].passes, "%s %s", table[i].name,
		   table[i].passes ? "passes" : "does not");
	end(&subject);
}

static bool is_uplink(void *ctx, const struct wg_assignment *assignment)
{
	(void)ctx;
	return !strcmp(assignment->network->interface, "eth0");
}

static void test_foreign(void)
{
	static const struct wg_lan lan = { .foreign = is_uplink };
	struct wg_flow flow = { .protocol = IPPROTO_TCP, .port = 22, .to_box = true };
	struct subject subject;

	if (!begin(&subject, "networks:\n"
		   "  - {name: home, cidr: 192.168.9.0/24, interface: eth0, peers: [{name: hub, jump: true}]}\n"
		   "  - {name: office, cidr: 10.10.0.0/24, listen_port: 1, peers: [{name: hub, jump: true}]}\n"))
		return;
	doppel_wg_filters_free(subject.filters);
	is_int(doppel_wg_filters_new(&subject.site, &lan, &subject.filters), 0, "a network whose interface is somebody else's");
	ok(!strstr(nft(&subject), "eth0") && strstr(subject.text.data, "iifname vmap { \"wg-office\" : jump box.office }"),
	   "… has no say, and another has: nftables");
	ok(!strstr(iptables(&subject, AF_INET), "eth0") && strstr(subject.text.data, "-i wg-office -j DOPPEL-WG-2-BOX\n"),
	   "… iptables");
	doppel_ip_parse("192.168.9.7", &flow.source);
	doppel_ip_parse("192.168.9.1", &flow.destination);
	ok(doppel_wg_filters_allow(subject.filters, &flow), "… and its flows go on");
	subject.filters->networks[1].foreign = true;
	is_str(nft(&subject), NFT_REMOVE("ip") NFT_REMOVE("ip6"), "without any other there are no tables");
	is_str(iptables(&subject, AF_INET), EMPTY_TABLE, "… and no chains");
	end(&subject);
}

static void test_replacing(void)
{
	static const char saved[] =
		"*nat\n:DOPPEL-WG-9 - [0:0]\n-A FORWARD -j DOPPEL-WG-FORWARD\nCOMMIT\n"
		"*filter\n"
		":INPUT ACCEPT [5:300]\n"
		":FORWARD DROP [0:0]\n"
		":DOPPEL-WG-1 - [0:0]\n"
		":DOPPEL-WG-7 - [0:0]\n"
		":DOPPEL-WG-FORWARD - [0:0]\n"
		":MINE - [0:0]\n"
		"-A FORWARD -j MINE\n"
		"-A FORWARD -j DOPPEL-WG-FORWARD\n"
		"-A FORWARD -i eth0 -j DOPPEL-WG-FORWARD\n"
		"-A FORWARD -j DOPPEL-WG-FORWARD\n"
		"COMMIT\n";
	struct wg_iptables found;
	struct subject subject;

	if (!begin(&subject, SITE(IPV4, V4, ALLOW("any"))))
		return;
	is_int(doppel_wg_iptables_read(saved, &found), 0, "what iptables-save says");
	is_int(found.chain_count, 3, "chains of ours in the filter table");
	is_int(found.forward_jumps, 2, "jumps of ours");
	is_int(found.input_jumps, 0, "… and none in INPUT");
	doppel_wg_render_iptables(subject.filters, AF_INET, &found, &subject.text);
	is_str(subject.text.data,
	       "*filter\n"
	       ":DOPPEL-WG-FORWARD - [0:0]\n"
	       ":DOPPEL-WG-INPUT - [0:0]\n"
	       ":DOPPEL-WG-1 - [0:0]\n"
	       ":DOPPEL-WG-1-BOX - [0:0]\n"
	       ":DOPPEL-WG-7 - [0:0]\n"
	       "-D FORWARD -j DOPPEL-WG-FORWARD\n"
	       "-D FORWARD -j DOPPEL-WG-FORWARD\n"
	       "-I FORWARD -j DOPPEL-WG-FORWARD\n"
	       "-I INPUT -j DOPPEL-WG-INPUT\n"
	       "-A DOPPEL-WG-FORWARD -i wg-office -j DOPPEL-WG-1\n"
	       "-A DOPPEL-WG-FORWARD -o wg-office -j DOPPEL-WG-1\n"
	       "-A DOPPEL-WG-INPUT -i wg-office -j DOPPEL-WG-1-BOX\n"
	       "# network office\n"
	       "-A DOPPEL-WG-1 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n"
	       "-A DOPPEL-WG-1 -s 10.10.0.2/32 -j RETURN\n"
	       "-A DOPPEL-WG-1 -j DROP\n"
	       "-A DOPPEL-WG-1-BOX -d 10.10.0.1/32 -p icmp -m icmp --icmp-type echo-request -j RETURN\n"
	       "-A DOPPEL-WG-1-BOX -g DOPPEL-WG-1\n"
	       "-X DOPPEL-WG-7\n"
	       "COMMIT\n", "they are replaced, and nobody else's");
	subject.text.len = 0;
	doppel_wg_render_iptables(NULL, AF_INET, &found, &subject.text);
	is_str(subject.text.data,
	       "*filter\n"
	       ":DOPPEL-WG-1 - [0:0]\n"
	       ":DOPPEL-WG-7 - [0:0]\n"
	       ":DOPPEL-WG-FORWARD - [0:0]\n"
	       "-D FORWARD -j DOPPEL-WG-FORWARD\n"
	       "-D FORWARD -j DOPPEL-WG-FORWARD\n"
	       "-X DOPPEL-WG-1\n"
	       "-X DOPPEL-WG-7\n"
	       "-X DOPPEL-WG-FORWARD\n"
	       "COMMIT\n", "… or taken away");
	doppel_wg_iptables_free(&found);
	end(&subject);
}

enum { MANY = 10000 };

static void write_many(struct buf *yaml)
{
	int i;

	doppel_buf_printf(yaml, "networks:\n  - name: office\n    ip_stack_mode: dual\n"
			  "    ipv4_cidr: 10.10.0.0/16\n    ipv6_cidr: \"fd00:10::/64\"\n    peers:\n"
			  "      - " HUB(BOTH(1)) "\n");
	for (i = 2; i < MANY; i++)
		doppel_buf_printf(yaml, "      - {name: p%d, groups: [g%d], ipv4_address: 10.10.%d.%d, ipv6_address: \"fd00:10::%x:%x:%x:%x\"}\n",
				  i, i % 3, i / 256, i % 256,
				  doppel_rng_below(&doppel_rng, 65536),
				  doppel_rng_below(&doppel_rng, 65536),
				  doppel_rng_below(&doppel_rng, 65536),
				  1 + doppel_rng_below(&doppel_rng, 65535));
	doppel_buf_printf(yaml, "    groups: [{name: g0, policies: [a]}, {name: g1, policies: [a]}, {name: g2, policies: [a, b]}]\n"
			  "    policies:\n"
			  "      - name: a\n        rules:\n"
			  "          - {direction: output, action: allow, target: g1}\n"
			  "          - {direction: input, action: allow, target: 192.168.1.0/24}\n"
			  "      - name: b\n        rules: [{direction: output, action: allow, target: any}]\n");
}

/* How many chains one after the other a packet can meet. */
static size_t depth_of(const char *text)
{
	char chain[32], from[32] = "", target[32], line[128];
	size_t depth = 0;

	/* The way of the first address: each chain's first goto. */
	snprintf(chain, sizeof(chain), "DOPPEL-WG-1");
	while (strcmp(chain, from)) {
		snprintf(from, sizeof(from), "%s", chain);
		snprintf(line, sizeof(line), "-A %s -", chain);
		for (const char *at = strstr(text, line); at; at = strstr(at + 1, line))
			if (sscanf(at, "-A %*s -%*c %*s -g %31s", target) == 1) {
				snprintf(chain, sizeof(chain), "%s", target);
				break;
			}
		depth++;
	}
	return depth;
}

static void test_many(void)
{
	struct buf auto_buf yaml = {};
	struct subject subject;
	const char *text;
	clock_t began;

	write_many(&yaml);
	if (!begin(&subject, yaml.data))
		return;
	began = clock();
	doppel_wg_filters_free(subject.filters);
	is_int(doppel_wg_filters_new(&subject.site, &site_lan, &subject.filters), 0, "%d peers", MANY);
	ok(strlen(nft(&subject)) > MANY * 20, "… for nftables");
	ok(strlen(iptables(&subject, AF_INET)) > MANY * 20, "… for iptables");
	text = iptables(&subject, AF_INET6);
	ok(strlen(text) > MANY * 20, "… for ip6tables");
	ok((double)(clock() - began) / CLOCKS_PER_SEC < 1, "… in %.2f s of CPU time",
	   (double)(clock() - began) / CLOCKS_PER_SEC);
	ok(depth_of(text) < 14, "… no deeper than nftables' iptables takes: %zu chains", depth_of(text));
	diag("ip6tables: %zu bytes", strlen(text));
	end(&subject);
}

int main(void)
{
	test_families();
	test_versions();
	test_office();
	test_flows();
	test_foreign();
	test_replacing();
	test_many();
	return done_testing();
}
