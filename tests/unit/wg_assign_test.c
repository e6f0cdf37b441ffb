// SPDX-License-Identifier: GPL-2.0-only
/* What peers are given: addresses and keys, new ones and those that are kept. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/rand.h"
#include "wg_world.h"
#include "wireguard/ipam.h"
#include "wireguard/key.h"

/* RFC 7748 section 6.1 */
#define ALICE "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="

/* A site with its document. */
struct world {
	struct wg_document *document;
	struct wg_site *site;
	struct doppel_error error;
	int err;
};

static void end(struct world *world)
{
	doppel_wg_site_free(world->site);
	doppel_wg_document_free(world->document);
	*world = (struct world){};
}

static struct wg_document *read_text(const char *text)
{
	struct wg_document *document = NULL;
	struct doppel_error error = {};

	if (wg_world_read(text, NULL, &document, &error))
		diag("%s", error.text);
	return document;
}

static struct world assign(const char *text, const struct wg_kept *kept)
{
	struct world world = { .document = read_text(text), .err = -EINVAL };

	if (world.document)
		world.err = doppel_wg_assign(world.document, kept, WG_WORLD_NOW, &doppel_rng, &world.site,
					     &world.error);
	return world;
}

static const struct wg_member *member(const struct world *world, const char *network,
				      const char *peer)
{
	static const struct wg_member nobody;
	struct wg_assignment *assignment = world->site ? doppel_wg_assignment(world->site, network) :
							 NULL;
	const struct wg_member *found = assignment ? doppel_wg_member(assignment, peer) : NULL;

	return found ? found : &nobody;
}

/* Both of the peer's addresses: "10.0.0.1 -" */
static const char *addresses(const struct world *world, const char *network, const char *peer)
{
	static char text[2 * DOPPEL_IP6_TEXT];
	const struct wg_member *found = member(world, network, peer);
	char one[DOPPEL_IP6_TEXT];

	snprintf(text, sizeof(text), "%s ",
		 found->has_ipv4 ? doppel_ip_format(&found->ipv4, one) : "-");
	strcat(text, found->has_ipv6 ? doppel_ip_format(&found->ipv6, one) : "-");
	return text;
}

#define is_at(world, peer, want, ...) is_str(addresses(world, "n", peer), want, __VA_ARGS__)

static void keep(struct wg_kept *kept, const struct world *world)
{
	doppel_wg_kept_init(kept);
	wg_world_keep(world->site, kept);
}

#define IPV4 "cidr: 10.0.0.0/29"
#define IPV6 "ip_stack_mode: ipv6, ipv6_cidr: \"fd00::/64\""
#define DUAL "ip_stack_mode: dual, ipv4_cidr: 10.0.0.0/29, ipv6_cidr: \"fd00::/64\""
#define NET(head, peers) \
	"networks: [{name: n, " head ", peers: [" peers "]}]"

static void test_families(void)
{
	struct world world = assign(NET(IPV4, "{name: a}, {name: hub, jump: true}, {name: b}"), NULL);

	is_at(&world, "a", "10.0.0.2 -", "R3.1 one IPv4 address");
	is_at(&world, "hub", "10.0.0.1 -", "the first is the jump peer's");
	is_at(&world, "B", "10.0.0.3 -", "names in any case");
	ok(world.site->networks[0].jump == member(&world, "n", "hub"), "this gateway is known");
	end(&world);

	world = assign(NET(IPV6, "{name: a}, {name: hub, jump: true}"), NULL);
	is_at(&world, "hub", "- fd00::1", "R3.2 one IPv6 address");
	is_at(&world, "a", "- fd00::2", "R3.4 as a DHCPv6 server would, the lowest free");
	end(&world);

	world = assign(NET(DUAL, "{name: a, ipv4_address: 10.0.0.1}, {name: hub, jump: true}"), NULL);
	is_at(&world, "a", "10.0.0.1 fd00::2", "R3.3 both, the one that the file names too");
	is_at(&world, "hub", "10.0.0.2 fd00::1", "… from whom even the jump peer stays away");
	end(&world);

	world = assign("networks: [{name: n, ip_stack_mode: ipv6, ipv6_cidr: \"fd00::/64\", allocation: hashed,"
		       " peers: [{name: hub, jump: true}, {name: a, public_key: \"" ALICE "\"}]}]", NULL);
	is_at(&world, "hub", "- fd00::1", "hashed: the jump peer is the first still");
	ok(member(&world, "n", "a")->has_ipv6 && member(&world, "n", "a")->ipv6.s6_addr[8],
	   "R3.4 hashed: somewhere in the /64");
	end(&world);
}

static void test_kept(void)
{
	struct world first = assign(NET(IPV4, "{name: hub, jump: true}, {name: a}, {name: b}, {name: c}"), NULL);
	auto_wg_kept struct wg_kept kept;
	auto_wg_kept struct wg_kept both;
	struct world world;

	keep(&kept, &first);
	world = assign(NET(IPV4, "{name: d}, {name: C}, {name: hub, jump: true}, {name: a}"), &kept);
	is_at(&world, "c", "10.0.0.4 -", "who stays keeps its address");
	is_at(&world, "d", "10.0.0.3 -", "R3.5 R11.3 what a deleted peer had is given again");
	is_mem(member(&world, "n", "c")->private_key, member(&first, "n", "c")->private_key, WG_KEY_LEN,
	       "… and keeps its key");
	ok(memcmp(member(&world, "n", "d")->public_key, member(&first, "n", "b")->public_key,
		  WG_KEY_LEN), "… which is not given again");
	end(&world);

	world = assign(NET(IPV4, "{name: hub, jump: true}, {name: a, ipv4_address: 10.0.0.3}, {name: b}"), &kept);
	is_at(&world, "a", "10.0.0.3 -", "what the file names comes first");
	is_at(&world, "b", "10.0.0.2 -", "… and who had it gets another");
	end(&world);

	world = assign(NET("cidr: 10.9.0.0/24", "{name: hub, jump: true}, {name: b}"), &kept);
	is_at(&world, "b", "10.9.0.2 -", "another prefix: what does not fit is not kept");
	end(&world);

	world = assign(NET(DUAL, "{name: b}, {name: hub, jump: true}"), &kept);
	is_at(&world, "b", "10.0.0.3 fd00::2", "R10.1 IPv6 is added, IPv4 stays");
	keep(&both, &world);
	end(&world);
	world = assign(NET(IPV6, "{name: b}, {name: hub, jump: true}"), &both);
	is_at(&world, "b", "- fd00::2", "R10.4 IPv4 is taken away, IPv6 stays");
	end(&world);
	world = assign(NET(IPV4, "{name: b}, {name: hub, jump: true}"), &both);
	is_at(&world, "b", "10.0.0.3 -", "R10.2 IPv6 is taken away, IPv4 stays");
	end(&world);
	doppel_wg_kept_free(&both);
	keep(&both, &first);
	world = assign(NET(DUAL, "{name: hub, jump: true}, {name: c}, {name: a}"), &both);
	is_at(&world, "hub", "10.0.0.1 fd00::1", "R10.1 all of them get one of the new family");
	is_at(&world, "c", "10.0.0.4 fd00::2", "R10.1 … in the order of the file");
	is_at(&world, "a", "10.0.0.2 fd00::3", "R10.1 … each");
	end(&world);
	end(&first);
}

static void test_keys(void)
{
	static const uint8_t zeros[WG_KEY_LEN];
	struct world world = assign(NET(IPV4, "{name: hub, jump: true}, {name: a, preshared_key: generate},"
					" {name: b, public_key: \"" ALICE "\", preshared_key: \"" ALICE "\"}"),
				    NULL);
	const struct wg_member *a = member(&world, "n", "a"), *b = member(&world, "n", "b");
	const struct wg_member *hub = member(&world, "n", "hub");
	uint8_t public_key[WG_KEY_LEN];
	auto_wg_kept struct wg_kept kept;
	struct world again;

	doppel_wg_key_public(a->private_key, public_key);
	ok(a->has_private_key && !memcmp(public_key, a->public_key, WG_KEY_LEN), "a pair is made");
	ok(!(a->private_key[0] & 7) && (a->private_key[31] & 192) == 64, "… clamped as `wg genkey` does");
	ok(hub->has_private_key && memcmp(hub->public_key, a->public_key, WG_KEY_LEN), "… one each");
	ok(!b->has_private_key && b->public_key[0] == 0x85, "the file's own key: no private one");
	ok(a->has_preshared_key && memcmp(a->preshared_key, zeros, WG_KEY_LEN), "a preshared key is made");
	ok(b->has_preshared_key && b->preshared_key[0] == 0x85, "… or is the file's");
	ok(!hub->has_preshared_key, "… and the jump peer has none with itself");

	keep(&kept, &world);
	again = assign(NET(IPV4, "{name: hub, jump: true}, {name: a, preshared_key: generate}, {name: b}"),
		       &kept);
	is_mem(member(&again, "n", "a")->preshared_key, a->preshared_key, WG_KEY_LEN,
	       "a preshared key is kept");
	ok(member(&again, "n", "b")->has_private_key, "a key that the file no longer names is made anew");
	end(&again);
	again = assign(NET(IPV4, "{name: hub, jump: true}, {name: a, public_key: \"" ALICE "\"}"), &kept);
	ok(!member(&again, "n", "a")->has_private_key, "a made one goes when the file names another");
	ok(!member(&again, "n", "a")->has_preshared_key, "… and a preshared key when it is not wanted");
	end(&again);
	end(&world);
}

static void test_rfc7748(void)
{
	static const uint8_t alice[WG_KEY_LEN] = {
		0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
		0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
	};
	uint8_t key[WG_KEY_LEN], parsed[WG_KEY_LEN];
	char text[WG_KEY_TEXT];

	doppel_wg_key_public(alice, key);
	is_str(doppel_wg_key_format(key, text), ALICE, "a public key, as in RFC 7748 section 6.1");
	ok(doppel_wg_key_parse(text, parsed) && !memcmp(parsed, key, WG_KEY_LEN), "… and back");
	ok(!doppel_wg_key_parse("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo", parsed), "not without its padding");
	ok(!doppel_wg_key_parse("hSDwCYkwp1R0i33ctD73Wg2/Og0m\377\377r066SpjqqbTmo=", parsed),
	   "not with what is no digit");
}

static void test_expired(void)
{
	struct world world = assign(NET(IPV4, "{name: hub, jump: true}, {name: a, expires: 2026-09-21T14:13:20Z},"
					" {name: b, expires: 2026-09-21T14:13:21Z}, {name: c}"), NULL);

	ok(member(&world, "n", "a")->expired, "expired on the second");
	ok(!member(&world, "n", "b")->expired, "not a second before");
	ok(!member(&world, "n", "c")->expired, "never, unless told");
	is_at(&world, "a", "10.0.0.2 -", "… and keeps its address");
	end(&world);
}

static void test_refusals(void)
{
	struct world world = assign(NET("cidr: 10.0.0.0/30", "{name: hub, jump: true}, {name: a}, {name: b}, {name: c}"),
				    NULL);
	auto_wg_kept struct wg_kept kept;
	auto_buf struct buf text = {};
	char key[WG_KEY_TEXT];
	struct world other;

	is_int(world.err, -ENOSPC, "an exhausted IPv4 prefix");
	is_str(world.error.text,
	       "network \"n\": peer \"b\": no address is left in 10.0.0.0/30; remove peers, or give the network a larger prefix\n"
	       "network \"n\": peer \"c\": no address is left in 10.0.0.0/30; remove peers, or give the network a larger prefix",
	       "… with who gets none");
	ok(!world.site, "… and nothing is given");
	end(&world);
	world = assign(NET("ip_stack_mode: ipv6, ipv6_cidr: \"fd00::/127\"", "{name: hub, jump: true}, {name: a}, {name: b}"),
		       NULL);
	is_int(world.err, -ENOSPC, "R11.5 an exhausted IPv6 prefix");
	is_str(world.error.text,
	       "network \"n\": peer \"b\": no address is left in fd00::/127; remove peers, or give the network a larger prefix",
	       "R11.5 … with who gets none");
	end(&world);

	world = assign(NET(IPV4, "{name: hub, jump: true}"), NULL);
	keep(&kept, &world);
	doppel_buf_printf(&text, NET(IPV4, "{name: hub, jump: true}, {name: a, public_key: \"%s\"}"),
			  doppel_wg_key_format(member(&world, "n", "hub")->public_key, key));
	other = assign(text.data, &kept);
	is_int(other.err, -EINVAL, "the gateway's own key is no other peer's");
	is_str(other.error.text,
	       "network \"n\": peer \"a\": its public_key is peer \"hub\"'s: a key is one peer's", "… and it is told");
	end(&other);
	end(&world);
}

/* Peers with keys of their own: none has to be made. */
static char *many_peers(const char *head, unsigned int count)
{
	uint8_t key[WG_KEY_LEN] = { 1 };
	struct buf text = {};
	char base64[WG_KEY_TEXT];
	unsigned int i;

	doppel_buf_printf(&text, "{\"networks\": [{\"name\": \"n\", %s, \"peers\": [{\"name\": \"hub\", \"jump\": true}",
			  head);
	for (i = 0; i < count; i++) {
		memcpy(key + 8, &i, sizeof(i));
		doppel_buf_printf(&text, ", {\"name\": \"p%u\", \"public_key\": \"%s\"}", i,
				  doppel_wg_key_format(key, base64));
	}
	doppel_buf_printf(&text, "]}]}");
	return text.data;
}

static double seconds_since(clock_t began)
{
	return (double)(clock() - began) / CLOCKS_PER_SEC;
}

static void test_many(void)
{
	enum { PEERS = 65000 };
	static const char *const heads[] = {
		"\"cidr\": \"10.20.0.0/16\"", "\"cidr\": \"10.20.0.0/16\", \"allocation\": \"hashed\"",
		"\"ip_stack_mode\": \"ipv6\", \"ipv6_cidr\": \"fd00::/64\"",
	};
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		char *text = many_peers(heads[i], PEERS);
		struct world world = { .document = read_text(text) };
		const clock_t began = clock();

		free(text);
		if (!ok(world.document, "%d peers are read", PEERS))
			continue;
		world.err = doppel_wg_assign(world.document, NULL, WG_WORLD_NOW, &doppel_rng, &world.site, &world.error);
		is_int(world.err, 0, "… each gets what it needs, with %s", heads[i]);
		ok(seconds_since(began) < 1, "… in under a second of CPU time");
		diag("%.0f ms", 1000 * seconds_since(began));
		end(&world);
	}
}

enum { CROWD = 40 };

/* A network without a text: any of these peers may be in it. */
struct crowd {
	struct wg_peer peers[CROWD];
	char names[CROWD][8];
	bool in[CROWD];
	struct wg_peer now[CROWD];	/* those that are */
	struct wg_network network;
	struct wg_document document;
	struct wg_kept kept;
};

static unsigned int below(unsigned int n)
{
	return doppel_rng_below(&doppel_rng, n);
}

static void gather(struct crowd *crowd)
{
	unsigned int i;

	for (i = 0; i < CROWD; i++) {
		sprintf(crowd->names[i], "p%u", i);
		crowd->peers[i].name = crowd->names[i];
		crowd->peers[i].has_public_key = true;
		crowd->peers[i].public_key[0] = (uint8_t)i;
	}
	crowd->peers[0].jump = true;
	crowd->in[0] = true;
	crowd->network = (struct wg_network){ .name = (char *)"n", .peers = crowd->now };
	doppel_cidr_parse("10.0.0.0/26", &crowd->network.ipv4);
	doppel_cidr_parse("fd00::/122", &crowd->network.ipv6);
	crowd->document = (struct wg_document){ .networks = &crowd->network, .network_count = 1 };
	doppel_wg_kept_init(&crowd->kept);
}

static bool is_fixed_already(const struct crowd *crowd, const struct in6_addr *ip)
{
	unsigned int i;

	for (i = 0; i < CROWD; i++)
		if ((crowd->peers[i].has_ipv4 && doppel_ip6_eq(&crowd->peers[i].ipv4, ip)) ||
		    (crowd->peers[i].has_ipv6 && doppel_ip6_eq(&crowd->peers[i].ipv6, ip)))
			return true;
	return false;
}

/* One peer's own address, or none any more. */
static void fix(const struct crowd *crowd, struct wg_peer *peer)
{
	struct in6_addr ip = crowd->network.ipv4.net;

	peer->has_ipv4 = false;
	peer->has_ipv6 = false;
	ip.s6_addr[15] = (uint8_t)(1 + below(62));
	peer->ipv4 = ip;
	peer->has_ipv4 = below(2) && !is_fixed_already(crowd, &ip);
	ip = crowd->network.ipv6.net;
	ip.s6_addr[15] = (uint8_t)(1 + below(62));
	peer->ipv6 = ip;
	peer->has_ipv6 = below(2) && !is_fixed_already(crowd, &ip);
}

/* Some come, some go, some are fixed; the mode and the allocation may change. */
static void stir(struct crowd *crowd)
{
	struct wg_network *network = &crowd->network;
	unsigned int i;

	for (i = 1; i < CROWD; i++)
		if (!below(8))
			crowd->in[i] = !crowd->in[i];
	for (i = 0; i < 3; i++)
		fix(crowd, &crowd->peers[below(CROWD)]);
	if (!below(4))
		network->stack = below(3);
	network->allocation = below(2);
	network->peer_count = 0;
	for (i = 0; i < CROWD; i++)
		if (crowd->in[i])
			crowd->now[network->peer_count++] = crowd->peers[i];
}

/* Both in their prefixes, and nobody else's. */
static bool is_sound(const struct wg_network *network, const struct wg_member *one, bool taken[2][64])
{
	bool *ipv4 = &taken[0][one->ipv4.s6_addr[15] & 63], *ipv6 = &taken[1][one->ipv6.s6_addr[15] & 63];
	bool sound = one->has_ipv4 == doppel_wg_has_ipv4(network) &&
		     one->has_ipv6 == doppel_wg_has_ipv6(network);

	if (one->has_ipv4) {
		sound = sound && !*ipv4 && doppel_ipam_is_host(&network->ipv4, &one->ipv4) &&
			(!one->peer->has_ipv4 || doppel_ip6_eq(&one->peer->ipv4, &one->ipv4));
		*ipv4 = true;
	}
	if (one->has_ipv6) {
		sound = sound && !*ipv6 && doppel_ipam_is_host(&network->ipv6, &one->ipv6) &&
			(!one->peer->has_ipv6 || doppel_ip6_eq(&one->peer->ipv6, &one->ipv6));
		*ipv6 = true;
	}
	return sound;
}

/* What it had it has, unless the file gives that to another, or something else to it. */
static bool keeps(const struct crowd *crowd, const struct wg_member *one)
{
	const struct wg_kept_peer *kept = doppel_wg_kept_peer(&crowd->kept, "n", one->peer->name);
	bool good = true;

	if (kept && kept->has_ipv4 && one->has_ipv4 && !is_fixed_already(crowd, &kept->ipv4))
		good = one->peer->has_ipv4 || doppel_ip6_eq(&kept->ipv4, &one->ipv4);
	if (kept && kept->has_ipv6 && one->has_ipv6 && !is_fixed_already(crowd, &kept->ipv6))
		good = good && (one->peer->has_ipv6 || doppel_ip6_eq(&kept->ipv6, &one->ipv6));
	return good;
}

static void test_random(void)
{
	enum { CHANGES = 37500 };
	bool sound = true, kept = true;
	unsigned long given = 0;
	static struct crowd crowd;
	int i, err = 0;
	size_t j;

	gather(&crowd);
	for (i = 0; i < CHANGES && sound && kept && !err; i++) {
		struct world world = { .document = &crowd.document };
		bool taken[2][64] = {};

		stir(&crowd);
		err = doppel_wg_assign(&crowd.document, &crowd.kept, WG_WORLD_NOW, &doppel_rng, &world.site,
				       &world.error);
		for (j = 0; !err && j < crowd.network.peer_count; j++) {
			const struct wg_member *one = &world.site->networks[0].members[j];

			sound = sound && is_sound(&crowd.network, one, taken);
			kept = kept && keeps(&crowd, one);
			given += one->has_ipv4 + one->has_ipv6;
		}
		doppel_wg_kept_free(&crowd.kept);
		if (!err)
			keep(&crowd.kept, &world);
		doppel_wg_site_free(world.site);
	}
	is_int(err, 0, "R11.2 a million addresses: peers come and go, modes change, addresses are fixed, by chance (%d changes)", i);
	ok(sound, "R2.5 R3.1 R3.2 R3.3 R11.1 each has an address of each family, in its prefix and nobody else's");
	ok(kept, "R10.1 R10.3 … and keeps it");
	diag("%lu addresses", given);
	doppel_wg_kept_free(&crowd.kept);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	test_families();
	test_kept();
	test_keys();
	test_rfc7748();
	test_expired();
	test_refusals();
	test_random();
	test_many();
	return done_testing();
}
