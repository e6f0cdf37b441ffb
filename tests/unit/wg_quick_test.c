// SPDX-License-Identifier: GPL-2.0-only
/* wg-quick files of peers, by their whole texts. */
#include <errno.h>

#include "wg_world.h"
#include "wireguard/quick.h"

/* RFC 7748 section 6.1: Bob's public key */
#define BOB "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
#define PSK "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static void check_file(const struct wg_world *world, const char *network, const char *peer,
		       const char *want, const char *name)
{
	const struct wg_assignment *assignment = doppel_wg_assignment(world->site, network);
	struct doppel_error error = { 0 };
	struct buf auto_buf text = { 0 };

	is_int(doppel_wg_quick_render(assignment, doppel_wg_member(assignment, peer), &text, &error),
	       0, "%s", name);
	is_str(text.data, want, "%s: the whole text", name);
	is_str(error.text, "", "%s: no complaint", name);
}

static void test_ipv4(void)
{
	struct wg_world world = wg_world(
		"networks:\n"
		"  - {name: four, cidr: 10.4.0.0/24, endpoint: 192.0.2.1,\n"
		"     peers: [{name: hub, jump: true}, {name: a}]}\n");

	check_file(&world, "four", "a",
		   "# Written by doppel: network four, peer a\n"
		   "[Interface]\n"
		   "PrivateKey = CAAAAAoAAAALAAAADAAAAA0AAAAOAAAADwAAABAAAEA=\n"
		   "Address = 10.4.0.2/32\n"
		   "\n"
		   "[Peer]\n"
		   "# hub\n"
		   "PublicKey = XU/DlmC+tASQLN26acG/XM7gkBLRLVq5LCpBKL2IzAw=\n"
		   "Endpoint = 192.0.2.1:51820\n"
		   "AllowedIPs = 10.4.0.0/24\n"
		   "PersistentKeepalive = 25\n",
		   "R4.1 R14.3 IPv4 alone");
	check_file(&world, "four", "hub",
		   "# Written by doppel: network four, peer hub\n"
		   "[Interface]\n"
		   "PrivateKey = AAAAAAIAAAADAAAABAAAAAUAAAAGAAAABwAAAAgAAEA=\n"
		   "Address = 10.4.0.1/24\n"
		   "ListenPort = 51820\n"
		   "\n"
		   "[Peer]\n"
		   "# a\n"
		   "PublicKey = NxwoF33GpLKD81ecWzYa2GAm+DibKpwCJgYwx7CWMkk=\n"
		   "AllowedIPs = 10.4.0.2/32\n",
		   "R4.1 the jump peer's");
	wg_world_end(&world);
}

static void test_ipv6(void)
{
	struct wg_world world = wg_world(
		"networks:\n"
		"  - {name: six, ip_stack_mode: ipv6, ipv6_cidr: \"fd00:6::/64\", listen_port: 4500,\n"
		"     endpoint: \"2001:db8::1\", dns: {}, domain: six.example,\n"
		"     peers: [{name: a, public_key: \"" BOB "\", preshared_key: \"" PSK "\"},\n"
		"             {name: hub, jump: true}]}\n");

	check_file(&world, "six", "a",
		   "# Written by doppel: network six, peer a\n"
		   "[Interface]\n"
		   "# PrivateKey = the one whose public key is " BOB "\n"
		   "Address = fd00:6::2/128\n"
		   "DNS = fd00:6::1, six.example\n"
		   "\n"
		   "[Peer]\n"
		   "# hub\n"
		   "PublicKey = XU/DlmC+tASQLN26acG/XM7gkBLRLVq5LCpBKL2IzAw=\n"
		   "PresharedKey = " PSK "\n"
		   "Endpoint = [2001:db8::1]:4500\n"
		   "AllowedIPs = fd00:6::/64\n"
		   "PersistentKeepalive = 25\n",
		   "R4.2 IPv6 alone, a key of its own");
	wg_world_end(&world);
}

#define DUAL									\
	"networks:\n"								\
	"  - name: office\n"							\
	"    ip_stack_mode: dual\n"						\
	"    ipv4_cidr: 10.10.0.0/24\n"						\
	"    ipv6_cidr: \"fd00:10::/64\"\n"					\
	"    endpoint: vpn.example.net\n"					\
	"    dns: {upstream: [192.0.2.53]}\n"					\
	"    peers:\n"								\
	"      - {name: hub, jump: true}\n"					\
	"      - {name: laptop, groups: [staff, guests]}\n"			\
	"      - {name: branch, extra_allowed_ips: [172.16.0.0/16, \"fd00:172::/48\"]}\n"	\
	"      - {name: phone, groups: [guests], expires: 2026-01-01T00:00:00Z}\n"	\
	"    groups: [{name: staff}, {name: guests}]\n"				\
	"    routes:\n"								\
	"      - {name: lan, destination: 192.168.1.0/24, via: hub, groups: [staff]}\n"	\
	"      - {name: lab, destination: \"2001:db8:1::/48\", via: hub, groups: [staff]}\n"	\
	"      - {name: lan-of-guests, destination: 192.168.1.0/24, via: hub, groups: [guests]}\n"

static void test_dual(void)
{
	struct wg_world world = wg_world(DUAL);

	check_file(&world, "office", "laptop",
		   "# Written by doppel: network office, peer laptop\n"
		   "[Interface]\n"
		   "PrivateKey = CAAAAAoAAAALAAAADAAAAA0AAAAOAAAADwAAABAAAEA=\n"
		   "Address = 10.10.0.2/32, fd00:10::2/128\n"
		   "DNS = 10.10.0.1, fd00:10::1, office.internal\n"
		   "\n"
		   "[Peer]\n"
		   "# hub\n"
		   "PublicKey = XU/DlmC+tASQLN26acG/XM7gkBLRLVq5LCpBKL2IzAw=\n"
		   "Endpoint = vpn.example.net:51820\n"
		   "AllowedIPs = 10.10.0.0/24, fd00:10::/64, 192.168.1.0/24, 2001:db8:1::/48, "
		   "172.16.0.0/16, fd00:172::/48\n"
		   "PersistentKeepalive = 25\n",
		   "R4.3 R4.4 R4.5 R7.4 both families, the groups' routes once, and what lies behind others");
	check_file(&world, "office", "branch",
		   "# Written by doppel: network office, peer branch\n"
		   "[Interface]\n"
		   "PrivateKey = EAAAABIAAAATAAAAFAAAABUAAAAWAAAAFwAAABgAAEA=\n"
		   "Address = 10.10.0.3/32, fd00:10::3/128\n"
		   "DNS = 10.10.0.1, fd00:10::1, office.internal\n"
		   "\n"
		   "[Peer]\n"
		   "# hub\n"
		   "PublicKey = XU/DlmC+tASQLN26acG/XM7gkBLRLVq5LCpBKL2IzAw=\n"
		   "Endpoint = vpn.example.net:51820\n"
		   "AllowedIPs = 10.10.0.0/24, fd00:10::/64\n"
		   "PersistentKeepalive = 25\n",
		   "R4.5 no other groups' routes, and not what lies behind itself");
	check_file(&world, "office", "hub",
		   "# Written by doppel: network office, peer hub\n"
		   "[Interface]\n"
		   "PrivateKey = AAAAAAIAAAADAAAABAAAAAUAAAAGAAAABwAAAAgAAEA=\n"
		   "Address = 10.10.0.1/24, fd00:10::1/64\n"
		   "ListenPort = 51820\n"
		   "\n"
		   "[Peer]\n"
		   "# laptop\n"
		   "PublicKey = NxwoF33GpLKD81ecWzYa2GAm+DibKpwCJgYwx7CWMkk=\n"
		   "AllowedIPs = 10.10.0.2/32, fd00:10::2/128\n"
		   "\n"
		   "[Peer]\n"
		   "# branch\n"
		   "PublicKey = CfP05FpfVFew+rFJHgFPWHwJDalij0Jng5q6GyYEM0w=\n"
		   "AllowedIPs = 10.10.0.3/32, fd00:10::3/128, 172.16.0.0/16, fd00:172::/48\n",
		   "R4.4 the jump peer's: each one's own addresses; nobody whose time is over");
	wg_world_end(&world);
}

/* Each route goes only to peers that have its family: here one family was taken away from a peer. */
static void test_route_families(void)
{
	struct wg_world world = wg_world(DUAL);
	struct wg_assignment *office = doppel_wg_assignment(world.site, "office");
	struct wg_member *laptop = doppel_wg_member(office, "laptop");
	struct buf auto_buf only4 = { 0 }, only6 = { 0 };
	struct doppel_error error = { 0 };

	laptop->has_ipv6 = false;
	doppel_wg_quick_render(office, laptop, &only4, &error);
	ok(strstr(only4.data, "\nAllowedIPs = 10.10.0.0/24, 192.168.1.0/24, 172.16.0.0/16\n"),
	   "R7.2 a peer without IPv6 has the IPv4 routes alone");
	laptop->has_ipv6 = true;
	laptop->has_ipv4 = false;
	doppel_wg_quick_render(office, laptop, &only6, &error);
	ok(strstr(only6.data, "\nAllowedIPs = fd00:10::/64, 2001:db8:1::/48, fd00:172::/48\n"),
	   "R7.3 a peer without IPv4 has the IPv6 routes alone");
	wg_world_end(&world);
}

static void hash_of(const char *yaml, const char *peer, char hash[WG_QUICK_HASH_TEXT])
{
	struct wg_world world = wg_world(yaml);
	const struct wg_assignment *office = doppel_wg_assignment(world.site, "office");
	struct buf auto_buf text = { 0 };
	struct doppel_error error = { 0 };

	doppel_wg_quick_render(office, doppel_wg_member(office, peer), &text, &error);
	doppel_wg_quick_hash(&text, hash);
	wg_world_end(&world);
}

static void test_hash(void)
{
	char before[WG_QUICK_HASH_TEXT], same[WG_QUICK_HASH_TEXT], after[WG_QUICK_HASH_TEXT];

	hash_of(DUAL, "branch", before);
	hash_of(DUAL, "branch", same);
	is_int(strlen(before), 64, "a hash is 64 digits");
	is_str(same, before, "the same site, the same file");
	hash_of(DUAL "      - {name: more, destination: 192.168.9.0/24, via: hub, groups: [staff]}\n",
		"branch", same);
	is_str(same, before, "a route for others leaves it as it is");
	hash_of(DUAL "    listen_port: 51821\n", "branch", after);
	ok(strcmp(after, before), "another port makes it outdated");
}

static void check_refusal(const char *yaml, const char *want)
{
	struct wg_world world = wg_world(yaml);
	const struct wg_assignment *assignment = &world.site->networks[0];
	struct doppel_error error = { 0 };
	struct buf auto_buf text = { 0 };

	is_int(doppel_wg_quick_render(assignment, doppel_wg_member(assignment, "a"), &text, &error),
	       -EINVAL, "refused");
	is_str(error.text, want, "… and why");
	is_int(text.len, 0, "… and half a file is none");
	wg_world_end(&world);
}

int main(void)
{
	test_ipv4();
	test_ipv6();
	test_dual();
	test_route_families();
	test_hash();
	check_refusal("networks: [{name: n, cidr: 10.0.0.0/24, peers: [{name: hub, jump: true}, {name: a}]}]",
		      "network n has no endpoint that peer a could dial; set endpoint to this gateway's name or address");
	return done_testing();
}
