// SPDX-License-Identifier: GPL-2.0-only
/* Networks in a kernel that is a table: what is set for each change, and what is left alone. */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "wg_fake.h"
#include "wg_world.h"
#include "wireguard/forwarding.h"

/* A kernel, and what was applied to it last. */
struct world {
	struct fake_kernel *fake;
	struct wg_document *document;
	struct wg_site *site;
	struct wg_kept kept;
	struct doppel_error error;
	int err;
};

static struct world *world_new(void)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		abort();
	world->fake = fake_kernel_new();
	doppel_wg_kept_init(&world->kept);
	return world;
}

static void forget_site(struct world *world)
{
	doppel_wg_site_free(world->site);
	doppel_wg_document_free(world->document);
	world->site = NULL;
	world->document = NULL;
}

static void world_free(struct world *world)
{
	forget_site(world);
	doppel_wg_kept_free(&world->kept);
	fake_kernel_free(world->fake);
	free(world);
}

static void read_site(struct world *world, const char *text)
{
	struct doppel_error error = {};

	forget_site(world);
	if (wg_world_read(text, NULL, &world->document, &error) ||
	    doppel_wg_assign(world->document, &world->kept, WG_WORLD_NOW, &doppel_rng, &world->site,
			     &error)) {
		diag("%s", error.text);
		abort();
	}
	wg_world_keep(world->site, &world->kept);
}

/* Keys and addresses stay those that they were; only what this sets is counted then. */
static void apply(struct world *world, const char *text)
{
	read_site(world, text);
	fake_forget(world->fake);
	world->error = (struct doppel_error){};
	world->err = doppel_wg_interfaces_apply(&world->fake->kernel, world->site, &world->error);
}

static void close_only(struct world *world, const char *text)
{
	read_site(world, text);
	fake_forget(world->fake);
	world->error = (struct doppel_error){};
	world->err = doppel_wg_interfaces_close(&world->fake->kernel, world->site, &world->error);
}

static void is_set(const struct world *world, const char *want, const char *name)
{
	is_str(fake_log(world->fake), want, "%s", name);
	is_str(world->error.text, "", "without a complaint");
}

static struct fake_link *port(const struct world *world, const char *name)
{
	static struct fake_link none;
	struct fake_link *link = fake_by_name(world->fake, name);

	return link ? link : &none;
}

static const uint8_t *key_of(const struct world *world, const char *network, const char *peer)
{
	const struct wg_kept_peer *kept = doppel_wg_kept_peer(&world->kept, network, peer);

	return kept ? kept->public_key : (const uint8_t *)"nobody--nobody--nobody--nobody--";
}

static struct wireguard_peer *peer(const struct world *world, const char *network, const char *name)
{
	char interface[64];

	snprintf(interface, sizeof(interface), "wg-%s", network);
	return fake_peer(&port(world, interface)->device, key_of(world, network, name));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* "10.10.0.2/32 fd00:10::2/128", in order; "none" for no peer. */
static const char *allowed_ips(const struct world *world, const char *network, const char *name)
{
	static char text[512];
	const struct wireguard_peer *held = peer(world, network, name);
	char each[8][DOPPEL_CIDR_TEXT];
	size_t i;

	strcpy(text, held ? "" : "none");
	if (!held || held->allowed_ip_count > 8)
		return text;
	for (i = 0; i < held->allowed_ip_count; i++)
		doppel_cidr_format(&held->allowed_ips[i], each[i]);
	qsort(each, held->allowed_ip_count, sizeof(each[0]), by_text);
	for (i = 0; i < held->allowed_ip_count; i++)
		sprintf(text + strlen(text), "%s%s", i ? " " : "", each[i]);
	return text;
}

/* The last time that something like it was set, or NULL. */
static const char *logged(const struct world *world, const char *line)
{
	return strstr(fake_log(world->fake), line);
}

#define DUAL(peers) \
	"networks:\n" \
	"  - name: office\n" \
	"    ip_stack_mode: dual\n" \
	"    ipv4_cidr: 10.10.0.0/24\n" \
	"    ipv6_cidr: \"fd00:10::/64\"\n" \
	"    peers:\n" \
	"      - {name: hub, jump: true}\n" \
	peers
#define ONE "      - {name: one}\n"
#define TWO "      - {name: two, extra_allowed_ips: [172.16.0.0/16, \"fd00:16::/64\"]}\n"

static void test_new(void)
{
	struct world *world = world_new();
	const struct wg_assignment *office;

	apply(world, DUAL(ONE TWO));
	office = &world->site->networks[0];
	is_int(world->err, 0, "a network is made");
	is_str(world->error.text, "", "without a complaint");
	is_str(port(world, "wg-office")->link.alias, "doppel office", "its interface says whose it is");
	is_str(port(world, "wg-office")->link.kind, "wireguard", "and is one of WireGuard's");
	ok(port(world, "wg-office")->link.up, "it is up");
	is_int(port(world, "wg-office")->device.listen_port, 51820, "its port");
	is_mem(port(world, "wg-office")->device.private_key, office->jump->private_key, WG_KEY_LEN,
	       "its private key");
	is_int(port(world, "wg-office")->device.peer_count, 2, "the jump peer is none of its peers");
	ok(logged(world, "address 10.10.0.1/24\n") && logged(world, "address fd00:10::1/64\n"),
	   "both addresses, with the network's prefix length");
	is_str(allowed_ips(world, "office", "one"), "10.10.0.2/32 fd00:10::2/128", "a peer's own addresses");
	is_str(allowed_ips(world, "office", "two"),
	       "10.10.0.3/32 172.16.0.0/16 fd00:10::3/128 fd00:16::/64", "and what lies behind it");
	ok(logged(world, "route 172.16.0.0/16\n") && logged(world, "route fd00:16::/64\n"),
	   "which has routes");
	is_int(world->fake->route_count, 2, "no others");

	apply(world, DUAL(ONE TWO));
	is_set(world, "", "once more: nothing at all is set");
	apply(world, "networks: []\n");
	is_set(world, "unlink wg-office\n", "a network that is gone takes its interface along");
	world_free(world);
}

static void test_peers(void)
{
	struct world *world = world_new();
	char want[256];

	apply(world, DUAL(ONE TWO));
	peer(world, "office", "one")->latest_handshake = WG_WORLD_NOW;
	peer(world, "office", "two")->latest_handshake = WG_WORLD_NOW;

	apply(world, DUAL(ONE TWO "      - {name: three}\n"));
	snprintf(want, sizeof(want), "peer %02x%02x\n", key_of(world, "office", "three")[0],
		 key_of(world, "office", "three")[1]);
	is_set(world, want, "a new peer: only that is set");

	apply(world, DUAL(ONE TWO));
	snprintf(want, sizeof(want), "no peer %02x%02x\n", key_of(world, "office", "three")[0],
		 key_of(world, "office", "three")[1]);
	is_set(world, want, "a peer is gone: only that is removed");

	apply(world, DUAL(ONE "      - {name: two, extra_allowed_ips: [172.16.0.0/16]}\n"));
	snprintf(want, sizeof(want), "peer %02x%02x\nno route fd00:16::/64\n",
		 key_of(world, "office", "two")[0], key_of(world, "office", "two")[1]);
	is_set(world, want, "a network behind a peer is gone, and its route");
	is_str(allowed_ips(world, "office", "two"), "10.10.0.3/32 172.16.0.0/16 fd00:10::3/128",
	       "it may send from there no more");
	is_int(peer(world, "office", "two")->latest_handshake, WG_WORLD_NOW, "its session lives on");

	apply(world, DUAL("      - {name: one, extra_allowed_ips: [172.16.0.0/16]}\n"
			  "      - {name: two}\n"));
	is_str(world->error.text, "", "a network moves from one peer to another");
	is_str(allowed_ips(world, "office", "one"), "10.10.0.2/32 172.16.0.0/16 fd00:10::2/128",
	       "the one has it");
	is_str(allowed_ips(world, "office", "two"), "10.10.0.3/32 fd00:10::3/128", "the other not");
	snprintf(want, sizeof(want), "peer %02x%02x\npeer %02x%02x\n",
		 key_of(world, "office", "two")[0], key_of(world, "office", "two")[1],
		 key_of(world, "office", "one")[0], key_of(world, "office", "one")[1]);
	is_set(world, want, "who loses it comes first; the route stays");
	ok(peer(world, "office", "one")->latest_handshake == WG_WORLD_NOW &&
	   peer(world, "office", "two")->latest_handshake == WG_WORLD_NOW, "both sessions live on");

	apply(world, DUAL("      - {name: one, extra_allowed_ips: [172.17.0.0/16]}\n"
			  "      - {name: two, extra_allowed_ips: [172.16.0.0/16]}\n"));
	apply(world, DUAL("      - {name: one, extra_allowed_ips: [172.16.0.0/16]}\n"
			  "      - {name: two, extra_allowed_ips: [172.17.0.0/16]}\n"));
	is_str(allowed_ips(world, "office", "one"), "10.10.0.2/32 172.16.0.0/16 fd00:10::2/128",
	       "two peers change networks with each other: the one");
	is_str(allowed_ips(world, "office", "two"), "10.10.0.3/32 172.17.0.0/16 fd00:10::3/128",
	       "and the other");
	world_free(world);
}

static void test_secrets(void)
{
	static const uint8_t zero[WG_KEY_LEN];
	struct world *world = world_new();
	const uint8_t *psk;
	char want[64];

	apply(world, DUAL(ONE TWO));
	peer(world, "office", "one")->latest_handshake = WG_WORLD_NOW;
	apply(world, DUAL("      - {name: one, preshared_key: generate}\n" TWO));
	psk = world->site->networks[0].members[1].preshared_key;
	ok(memcmp(psk, zero, WG_KEY_LEN), "a preshared key is generated");
	is_mem(peer(world, "office", "one")->preshared_key, psk, WG_KEY_LEN, "and set");
	is_str(allowed_ips(world, "office", "one"), "10.10.0.2/32 fd00:10::2/128", "nothing else changes");
	is_int(peer(world, "office", "one")->latest_handshake, WG_WORLD_NOW, "the session lives on");
	snprintf(want, sizeof(want), "peer %02x%02x\n", key_of(world, "office", "one")[0],
		 key_of(world, "office", "one")[1]);
	is_set(world, want, "nobody else is touched");

	apply(world, DUAL(ONE TWO));
	is_mem(peer(world, "office", "one")->preshared_key, zero, WG_KEY_LEN, "and taken away again");

	/* Somebody rotated the key by hand. */
	memset(port(world, "wg-office")->device.private_key, 7, WG_KEY_LEN);
	apply(world, DUAL(ONE TWO));
	is_set(world, "private key wg-office\n", "the interface's own key is put right");
	world_free(world);
}

static void test_expiry(void)
{
	struct world *world = world_new();

	apply(world, DUAL("      - {name: one, expires: 2027-01-01T00:00:00Z}\n" TWO));
	is_str(allowed_ips(world, "office", "one"), "10.10.0.2/32 fd00:10::2/128", "until it expires");
	apply(world, DUAL("      - {name: one, expires: 2026-01-01T00:00:00Z}\n"
			  "      - {name: two, expires: 2026-01-01T00:00:00Z,\n"
			  "         extra_allowed_ips: [172.16.0.0/16, \"fd00:16::/64\"]}\n"));
	is_str(allowed_ips(world, "office", "one"), "none", "who has expired is no peer any more");
	is_int(world->fake->route_count, 0, "nothing leads to what lay behind one");
	world_free(world);
}

#define STACK(mode, cidrs, address) \
	"networks:\n" \
	"  - name: office\n" \
	"    ip_stack_mode: " mode "\n" \
	cidrs \
	"    peers:\n" \
	"      - {name: hub, jump: true}\n" \
	"      - {name: one" address "}\n"
#define CIDR4 "    ipv4_cidr: 10.10.0.0/24\n"
#define CIDR6 "    ipv6_cidr: \"fd00:10::/64\"\n"

static void test_forwarding(void)
{
	static const char off[] = "net/ipv6/conf/wg-office/disable_ipv6";
	static const char fwd6[] = "net/ipv6/conf/all/forwarding", fwd4[] = "net/ipv4/ip_forward";
	struct world *world = world_new();

	apply(world, STACK("ipv4", CIDR4, ""));
	is_str(fake_value(world->fake, fwd4), "1", "R9.1: an IPv4 network has IPv4 forwarded");
	is_str(fake_value(world->fake, fwd6), "0", "R9.1: and IPv6 not");
	is_str(fake_value(world->fake, off), "1", "R9.5: IPv6 is off on its interface");
	is_int(world->fake->address_count, 1, "R9.5: it has no IPv6 address");
	is_str(allowed_ips(world, "office", "one"), "10.10.0.2/32", "R9.5: nor has a peer");
	apply(world, STACK("ipv4", CIDR4, ""));
	is_set(world, "", "R9.5: that stays so");
	world_free(world);

	world = world_new();
	apply(world, STACK("ipv6", CIDR6, ""));
	is_str(fake_value(world->fake, fwd4), "0", "R9.2: an IPv6 network does not have IPv4 forwarded");
	is_str(fake_value(world->fake, fwd6), "1", "R9.2: but IPv6");
	is_str(fake_value(world->fake, off), "0", "R9.2: its interface has it, too");
	is_int(world->fake->address_count, 1, "R9.2: which has no IPv4 address");
	world_free(world);

	world = world_new();
	apply(world, STACK("dual", CIDR4 CIDR6, ""));
	is_str(fake_value(world->fake, fwd4), "1", "R9.3: a dual-stack network has both: IPv4");
	is_str(fake_value(world->fake, fwd6), "1", "R9.3: and IPv6");
	is_int(world->fake->address_count, 2, "R9.3: and an address of each");
	apply(world, "networks: []\n");
	is_str(fake_value(world->fake, fwd4), "1", "others may want what was switched on");
	world_free(world);

	world = world_new();
	apply(world, "networks:\n  - {name: office, cidr: 10.10.0.0/24}\n");
	is_set(world, "", "a network without a jump peer is nobody's here");
	world_free(world);
}

static void test_advertisements(void)
{
	static const char fwd[] = "sysctl net/ipv6/conf/all/forwarding=1\n";
	struct world *world = world_new();
	const char *kept, *forwards;

	fake_port(world->fake, "eth0", "", "");
	fake_port(world->fake, "eth1", "", "");
	fake_port(world->fake, "eth0.7", "vlan", "");
	fake_port_sysctl(world->fake, "eth1", "accept_ra", "0");
	fake_port_sysctl(world->fake, "eth0.7", "forwarding", "1");
	world->fake->interruptions = 2;
	apply(world, STACK("ipv6", CIDR6, ""));
	kept = logged(world, "sysctl net/ipv6/conf/eth0/accept_ra=2\n");
	forwards = logged(world, fwd);
	ok(kept && forwards && kept < forwards,
	   "R9.2: a port that accepts advertisements is told to go on, before the box forwards");
	is_str(fake_value(world->fake, "net/ipv6/conf/eth1/accept_ra"), "0",
	       "one that accepted none still does not");
	is_str(fake_value(world->fake, "net/ipv6/conf/eth0.7/accept_ra"), "1",
	       "nor one that did not as it forwards");
	is_str(fake_value(world->fake, "net/ipv6/conf/default/accept_ra"), "2", "one that comes later does");
	is_str(world->error.text, "", "ports that come and go meanwhile do no harm");
	world_free(world);

	world = world_new();
	fake_port(world->fake, "eth0", "", "");
	fake_port_sysctl(world->fake, "all", "forwarding", "1");
	apply(world, STACK("ipv6", CIDR6, ""));
	is_str(fake_value(world->fake, "net/ipv6/conf/eth0/accept_ra"), "1",
	       "a box that forwards already is left as it is");
	world_free(world);

	world = world_new();
	fake_port(world->fake, "eth0", "", "");
	world->fake->fixed = "net/ipv6/conf/eth0/accept_ra";
	apply(world, STACK("dual", CIDR4 CIDR6, ""));
	is_int(world->err, -EROFS, "if it cannot be told");
	is_str(world->error.text,
	       "sysctl net/ipv6/conf/eth0/accept_ra cannot be set to 2: Read-only file system", "that is said");
	ok(!logged(world, fwd), "and IPv6 is not forwarded, which would lose the box its router");
	is_str(fake_value(world->fake, "net/ipv4/ip_forward"), "1", "IPv4 is");
	ok(port(world, "wg-office")->link.up, "and the network is there");
	world_free(world);
}

static void test_stack_change(void)
{
	static const char off[] = "net/ipv6/conf/wg-office/disable_ipv6";
	struct world *world = world_new();

	apply(world, STACK("ipv4", CIDR4, ""));
	peer(world, "office", "one")->latest_handshake = WG_WORLD_NOW;
	apply(world, STACK("dual", CIDR4 CIDR6, ""));
	is_str(world->error.text, "", "ipv4 becomes dual");
	is_str(fake_value(world->fake, off), "0", "its interface has IPv6 now");
	is_str(allowed_ips(world, "office", "one"), "10.10.0.2/32 fd00:10::2/128", "a peer has both");
	ok(!logged(world, "10.10.0.1"), "the IPv4 address is not touched");
	is_int(peer(world, "office", "one")->latest_handshake, WG_WORLD_NOW, "the session lives on");
	apply(world, STACK("ipv6", CIDR6, ""));
	ok(logged(world, "no address 10.10.0.1/24\n"), "dual becomes ipv6: the IPv4 address goes");
	ok(!logged(world, "fd00:10::1"), "the IPv6 one is not touched");
	is_str(allowed_ips(world, "office", "one"), "fd00:10::2/128", "a peer has one left");
	apply(world, STACK("dual", CIDR4 CIDR6, ""));
	apply(world, STACK("ipv4", CIDR4, ""));
	is_str(fake_value(world->fake, off), "1", "R9.5: dual becomes ipv4: IPv6 is off");
	is_int(world->fake->address_count, 1, "R9.5: and its address gone");
	is_int(peer(world, "office", "one")->latest_handshake, WG_WORLD_NOW, "the session has seen it all");
	world_free(world);
}

#define LAB "  - {name: lab, cidr: 10.20.0.0/24, listen_port: 1, peers: [{name: hub, jump: true}]}\n"

static void test_close(void)
{
	static const char off[] = "net/ipv6/conf/wg-office/disable_ipv6";
	struct world *world = world_new();

	close_only(world, DUAL(ONE TWO));
	is_set(world, "", "before there is anything nothing is closed");
	apply(world, DUAL(ONE TWO) LAB);
	close_only(world, STACK("ipv4", CIDR4, "") "      - {name: new}\n");
	is_int(world->err, 0, "what a change takes away can be taken away alone");
	ok(logged(world, "unlink wg-lab\n"), "a network's interface");
	is_str(allowed_ips(world, "office", "two"), "none", "a peer");
	is_str(allowed_ips(world, "office", "one"), "10.10.0.2/32", "a peer's prefix");
	is_str(fake_value(world->fake, off), "1", "IPv6");
	is_str(allowed_ips(world, "office", "new"), "none", "and nobody is let in");
	close_only(world, STACK("ipv4", CIDR4, "") "      - {name: new}\n" LAB);
	is_set(world, "", "nor is an interface made");
	world_free(world);
}

static void test_addresses(void)
{
	struct world *world = world_new();
	struct port_address address = { .family = AF_INET, .prefix_len = 24 };

	apply(world, STACK("dual", CIDR4 CIDR6, ""));
	address.ifindex = port(world, "wg-office")->link.ifindex;
	doppel_ip4_parse("192.0.2.1", &address.ipv4);
	world->fake->addresses[world->fake->address_count++] = address;
	address = (struct port_address){ .ifindex = address.ifindex, .family = AF_INET6, .prefix_len = 64 };
	doppel_ip6_parse("fe80::1", &address.ipv6);
	world->fake->addresses[world->fake->address_count++] = address;
	port(world, "wg-office")->link.mtu = 1400;
	apply(world, STACK("dual", "    ipv4_cidr: 10.10.0.0/16\n" CIDR6, ""));
	is_set(world, "mtu wg-office\nno address 10.10.0.1/24\nno address 192.0.2.1/24\naddress 10.10.0.1/16\n",
	       "what does not belong on the interface is removed, but for link-local addresses");
	world_free(world);
}

#define TWO_NETWORKS(port1, port2) \
	"networks:\n" \
	"  - {name: a, cidr: 10.1.0.0/24, listen_port: " port1 ", peers: [{name: hub, jump: true}, {name: one}]}\n" \
	"  - {name: b, cidr: 10.2.0.0/24, listen_port: " port2 ", peers: [{name: hub, jump: true}, {name: one}]}\n"

static void test_ports(void)
{
	struct world *world = world_new();

	world->fake->foreign_port = 1001;
	apply(world, TWO_NETWORKS("1001", "1002"));
	is_int(world->err, -EADDRINUSE, "a port that somebody else has");
	is_str(world->error.text,
	       "network a: UDP port 1001 is in use by something else on this box: give the network another listen_port",
	       "is told, with its network");
	ok(!port(world, "wg-a")->link.up && port(world, "wg-b")->link.up, "the other network goes on");
	world->fake->foreign_port = 0;
	apply(world, TWO_NETWORKS("1001", "1002"));
	is_set(world, "up wg-a\n", "when it is free it is taken");

	world->fake->foreign_port = 1003;
	peer(world, "a", "one")->latest_handshake = WG_WORLD_NOW;
	apply(world, "networks:\n"
		     "  - {name: a, cidr: 10.1.0.0/24, listen_port: 1003, peers: [{name: hub, jump: true}]}\n"
		     "  - {name: b, cidr: 10.2.0.0/24, listen_port: 1002, peers: [{name: hub, jump: true}, {name: one}]}\n");
	is_int(world->err, -EADDRINUSE, "a network cannot move to such a port either");
	is_int(port(world, "wg-a")->device.listen_port, 1001, "it stays where it was");
	is_int(port(world, "wg-a")->device.peer_count, 0, "and who is let in no more is out");

	apply(world, TWO_NETWORKS("1002", "1001"));
	is_str(world->error.text, "", "networks change ports with each other");
	is_int(port(world, "wg-a")->device.listen_port, 1002, "the one");
	is_int(port(world, "wg-b")->device.listen_port, 1001, "and the other");
	world_free(world);
}

static bool is_foreign(const struct world *world, const char *network)
{
	return doppel_wg_interface_foreign(&world->fake->kernel,
					   doppel_wg_assignment(world->site, network));
}

static void test_foreign(void)
{
	struct world *world = world_new();
	struct fake_link *mine, *renamed;
	char alias[PORT_ALIAS_MAX];

	mine = fake_port(world->fake, "wg-a", "wireguard", "");
	fake_add_peer(&mine->device, (const uint8_t *)"foreign-foreign-foreign-foreign-");
	fake_port(world->fake, "wg0", "wireguard", "mine");
	fake_port(world->fake, "dummy0", "dummy", "doppel c");
	read_site(world, TWO_NETWORKS("1001", "1002"));
	ok(is_foreign(world, "a") && !is_foreign(world, "b"), "one that is not there yet is not somebody else's");
	apply(world, TWO_NETWORKS("1001", "1002"));
	is_int(world->err, -EEXIST, "an interface of that name that is not ours");
	is_str(world->error.text,
	       "network a: there is an interface wg-a already, which is not doppel's: remove it, or give the network another one (interface: NAME)",
	       "is told");
	ok(!logged(world, "wg-a\n") && mine->device.peer_count == 1, "and not touched");
	ok(port(world, "wg-b")->link.up, "the other network goes on");
	ok(is_foreign(world, "a") && !is_foreign(world, "b"), "rules can tell them apart");
	strcpy(alias, port(world, "wg-b")->link.alias);
	strcpy(port(world, "wg-b")->link.alias, "");
	ok(!is_foreign(world, "b"), "also when its alias was taken away");
	strcpy(port(world, "wg-b")->link.alias, alias);
	apply(world, "networks: []\n");
	is_set(world, "unlink wg-b\n", "nor is another WireGuard's, nor a port of another kind");

	apply(world, TWO_NETWORKS("1001", "1002"));
	renamed = port(world, "wg-b");
	strcpy(renamed->link.name, "elsewhere");
	apply(world, TWO_NETWORKS("1001", "1002"));
	ok(logged(world, "unlink elsewhere\n") && port(world, "wg-b")->link.up,
	   "one of ours that has another name now is made anew");
	world->fake->refuse_kind = -EOPNOTSUPP;
	apply(world, "networks: [{name: c, cidr: 10.3.0.0/24, peers: [{name: hub, jump: true}]}]\n");
	is_str(world->error.text,
	       "network c: interface wg-c cannot be made: Operation not supported: the kernel has no WireGuard",
	       "a kernel without WireGuard");
	world_free(world);
}

struct seen {
	unsigned int count;
	int64_t latest_handshake;
	uint64_t rx_bytes;
};

static int see(const struct wireguard_peer *held, void *ctx)
{
	struct seen *seen = ctx;

	seen->count++;
	if (held->latest_handshake) {
		seen->latest_handshake = held->latest_handshake;
		seen->rx_bytes = held->rx_bytes;
	}
	return 0;
}

static int stop(const struct wireguard_peer *held, void *ctx)
{
	(void)held;
	return ++*(int *)ctx;
}

static void test_state(void)
{
	struct world *world = world_new();
	struct seen seen = { 0 };
	const struct wg_kernel *kernel = &world->fake->kernel;
	const struct wg_network *network;
	int calls = 0;

	apply(world, DUAL(ONE TWO));
	network = world->site->networks[0].network;
	peer(world, "office", "two")->latest_handshake = WG_WORLD_NOW;
	peer(world, "office", "two")->rx_bytes = 42;
	fake_forget(world->fake);
	is_int(doppel_wg_interfaces_state(kernel, network, see, &seen), 0, "what goes on in a network");
	is_int(seen.count, 2, "each peer");
	is_int(seen.latest_handshake, WG_WORLD_NOW, "its latest handshake");
	is_int(seen.rx_bytes, 42, "its bytes");
	is_int(world->fake->sets, 0, "looking sets nothing");
	is_int(doppel_wg_interfaces_state(kernel, network, stop, &calls), 1, "who looks may stop");
	port(world, "wg-office")->link.alias[0] = '\0';
	is_int(doppel_wg_interfaces_state(kernel, network, see, &seen), -ENODEV, "not of others' interfaces");
	strcpy(port(world, "wg-office")->link.name, "other");
	is_int(doppel_wg_interfaces_state(kernel, network, see, &seen), -ENODEV, "nor of none");
	world_free(world);
}

static void apply_again(struct world *world)
{
	fake_forget(world->fake);
	world->err = doppel_wg_interfaces_apply(&world->fake->kernel, world->site, &world->error);
}

/* A host in the jump peer's place, which dials a gateway. */
static void test_joined(void)
{
	struct world *world = world_new();
	struct wg_kernel *kernel = &world->fake->kernel;
	const struct wg_site nothing = {};
	struct wg_member *gateway;

	read_site(world, DUAL(ONE));
	kernel->joined = "wg-office";
	world->document->networks[0].listen_port = 0;
	gateway = doppel_wg_member(&world->site->networks[0], "one");
	doppel_ip_parse("192.0.2.7", &gateway->endpoint);
	gateway->endpoint_port = 51820;
	gateway->keepalive = 25;
	apply_again(world);
	is_str(world->error.text, "", "a host that joined");
	is_str(port(world, "wg-office")->link.alias, "doppel-join wg-office office", "whose interface says so");
	is_int(peer(world, "office", "one")->endpoint_port, 51820, "dials the gateway");
	is_int(peer(world, "office", "one")->keepalive, 25, "and keeps its way open");
	ok(doppel_ip6_eq(&peer(world, "office", "one")->endpoint, &gateway->endpoint), "where it is");
	is_str(fake_value(world->fake, "net/ipv4/ip_forward"), "0", "it forwards nothing because of that");
	port(world, "wg-office")->device.listen_port = 40001;
	apply_again(world);
	is_int(world->fake->sets, 0, "once more sets nothing, and leaves the port that the kernel chose");
	doppel_ip_parse("2001:db8::7", &gateway->endpoint);
	apply_again(world);
	ok(doppel_ip6_eq(&peer(world, "office", "one")->endpoint, &gateway->endpoint), "the gateway moves");
	kernel->joined = "wg-lab";
	doppel_wg_interfaces_apply(kernel, &nothing, &world->error);
	ok(fake_by_name(world->fake, "wg-office"), "another network that is left is another interface");
	kernel->joined = NULL;
	doppel_wg_interfaces_apply(kernel, &nothing, &world->error);
	ok(fake_by_name(world->fake, "wg-office"), "and the box's own networks are others");
	kernel->joined = "wg-office";
	doppel_wg_interfaces_apply(kernel, &nothing, &world->error);
	ok(!fake_by_name(world->fake, "wg-office"), "what is left goes");
	world_free(world);
}

int main(void)
{
	test_new();
	test_peers();
	test_secrets();
	test_expiry();
	test_forwarding();
	test_advertisements();
	test_stack_change();
	test_close();
	test_addresses();
	test_ports();
	test_foreign();
	test_state();
	test_joined();
	return done_testing();
}
