// SPDX-License-Identifier: GPL-2.0-only
/* Peers whose agents join: their tokens, and the keys that they make themselves. */
#include <sodium.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "scratch.h"
#include "wg_networks_fake.h"
#include "wireguard/key.h"

#define FIRST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SECOND "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
/* RFC 7748 section 6.1: Alice's and Bob's public keys */
#define ALICE "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
#define BOB "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="

#define DUAL "ip_stack_mode: dual, ipv4_cidr: 10.0.0.0/29, ipv6_cidr: \"fd00::/64\""
#define OFFICE(mode, laptop) \
	"networks: [{name: office, " mode ", endpoint: vpn.example.net,\n" \
	"  peers: [{name: hub, jump: true}, {name: " laptop "}, {name: tablet, agent: true}, {name: tv}]}]\n"
#define LAPTOP "laptop, agent: true, preshared_key: generate"

static struct fake_networks world;

static void fresh(void)
{
	fake_free(&world);
	unlink(world.path);
	world.ms = 1000;
	world.wall = 1790000000;
	fake_start(&world, NULL);
	if (fake_apply_text(&world, OFFICE(DUAL, LAPTOP)))
		diag("%s", world.error.text);
}

static void restart(void)
{
	fake_stop(&world);
	fake_start(&world, NULL);
}

static int give_token(const char *peer, const char *token)
{
	return doppel_wg_networks_token(world.networks, "office", peer, token);
}

/* @want: "NETWORK/PEER", "" for nobody */
static void is_bearer(const char *token, const char *want, const char *what)
{
	const struct wg_assignment *network = NULL;
	const struct wg_member *member = NULL;
	char text[2 * WG_NAME_MAX + 2] = "";

	if (!doppel_wg_networks_bearer(world.networks, token, &network, &member))
		snprintf(text, sizeof(text), "%s/%s", network->network->name, member->peer->name);
	is_str(text, want, "%s", what);
}

static const struct wg_member *laptop(void)
{
	return doppel_wg_member(doppel_wg_assignment(doppel_wg_networks_site(world.networks), "office"),
				"laptop");
}

static int join_key(const char *peer, const char *text)
{
	uint8_t key[WG_KEY_LEN];

	if (!doppel_wg_key_parse(text, key))
		abort();
	world.error = (struct doppel_error){};
	fake_clear(&world.order);
	fake_clear(&world.events);
	return doppel_wg_networks_public_key(world.networks, "office", peer, key, &world.error);
}

static void is_key(const char *want, const char *what)
{
	char text[WG_KEY_TEXT];

	is_str(doppel_wg_key_format(laptop()->public_key, text), want, "%s", what);
}

/* What the database's files have of these bytes; what was overwritten may be in its log still. */
static bool is_stored(const void *bytes, size_t len)
{
	static const char *const ends[] = { "", "-wal" };
	bool found = false;

	doppel_store_commit(world.store);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		char path[sizeof(world.path) + 4];
		auto_buf struct buf all = {};
		char block[4096];
		auto_fclose FILE *file = NULL;
		size_t got;

		snprintf(path, sizeof(path), "%s%s", world.path, ends[i]);
		file = fopen(path, "re");
		while (file && (got = fread(block, 1, sizeof(block), file)) > 0)
			doppel_buf_add(&all, block, got);
		found |= all.len && memmem(all.data, all.len, bytes, len);
	}
	return found;
}

struct row {
	bool has_private_key;
	char token[65];
};

static int take_row(const struct store_wg_peer *peer, void *ctx)
{
	struct row *row = ctx;

	if (strcmp(peer->name, "laptop"))
		return 0;
	row->has_private_key = peer->has_private_key;
	snprintf(row->token, sizeof(row->token), "%s", peer->token);
	return 0;
}

static struct row row_of_laptop(void)
{
	struct row row = {};

	doppel_store_wg_peer_foreach(world.store, take_row, &row);
	return row;
}

static void test_token(void)
{
	struct row before;

	fresh();
	is_bearer("", "", "without a token nobody is anybody");
	is_int(give_token("nobody", FIRST), -ENOENT, "nobody gets no token");
	is_int(doppel_wg_networks_token(world.networks, "lab", "laptop", FIRST), -ENOENT, "nor does another network's");
	is_bearer(FIRST, "", "one that was never given is nobody's");
	is_int(give_token("Laptop", FIRST), 0, "a token");
	is_bearer(FIRST, "office/laptop", "… is the peer's");
	is_bearer("", "", "… and no token is nobody's still");
	is_bearer("aaaa", "", "… nor is a part of it");
	before = row_of_laptop();
	is_int(strlen(before.token), 64, "the store has a hash");
	is_bearer(before.token, "", "… which is no token");
	ok(is_stored(before.token, 64) && !is_stored(FIRST, strlen(FIRST)), "… and has the token nowhere");
	is_int(give_token("tablet", SECOND), 0, "another peer's");
	is_bearer(SECOND, "office/tablet", "… is that one's");
	is_bearer(FIRST, "office/laptop", "… and changes nothing for the first");
	is_int(give_token("laptop", "new"), 0, "a new token");
	is_bearer("new", "office/laptop", "… is good");
	is_bearer(FIRST, "", "… and the old one is not");
	ok(strcmp(row_of_laptop().token, before.token), "… nor is it in the store");
}

static void test_whose(void)
{
	fresh();
	give_token("tv", FIRST);
	is_bearer(FIRST, "", "a static peer joins not");
	fake_edit(&world, WG_SET, WG_PEER, "office", "tv", "{agent: true}");
	is_bearer(FIRST, "office/tv", "… until it runs an agent");
	fake_edit(&world, WG_SET, WG_PEER, "office", "tv", "{agent: false}");
	is_bearer(FIRST, "", "… and then no more");
	give_token("hub", SECOND);
	is_bearer(SECOND, "", "the jump peer joins not");
	give_token("laptop", "x");
	is_int(fake_edit(&world, WG_REMOVE, WG_PEER, "office", "laptop", NULL), 0, "a peer goes");
	is_bearer("x", "", "… and its token with it");
	fake_edit(&world, WG_ADD, WG_PEER, "office", "laptop", "{agent: true}");
	is_bearer("x", "", "… for good: another of that name needs a new one");
}

static void test_how_long(void)
{
	const struct wg_assignment *network;
	const struct wg_member *member;

	fresh();
	give_token("laptop", FIRST);
	restart();
	is_bearer(FIRST, "office/laptop", "the next agent knows the token");
	fake_apply_text(&world, OFFICE(DUAL, "Laptop, agent: true"));
	is_bearer(FIRST, "office/Laptop", "it stays when the name is written in another way");
	fake_edit(&world, WG_REMOVE, WG_PEER, "office", "tv", NULL);
	is_int(fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{ip_stack_mode: ipv4}"), 0, "IPv6 goes");
	is_bearer(FIRST, "office/Laptop", "… and it stays");
	restart();
	is_bearer(FIRST, "office/Laptop", "… in the store, too");
	fake_stop(&world);
	fake_start(&world, "networks: [{name: other, cidr: 10.0.0.0/16}]");
	is_int(doppel_wg_networks_bearer(world.networks, FIRST, &network, &member), -EBUSY,
	       "a network that is left out lets nobody join for now");
	restart();
	is_bearer(FIRST, "office/Laptop", "… and has it when it is back");
}

static void test_key(void)
{
	static const uint8_t zeros[WG_KEY_LEN];
	uint8_t private_key[WG_KEY_LEN], preshared_key[WG_KEY_LEN];

	fresh();
	give_token("laptop", FIRST);
	memcpy(private_key, laptop()->private_key, WG_KEY_LEN);
	memcpy(preshared_key, laptop()->preshared_key, WG_KEY_LEN);
	ok(laptop()->has_private_key && row_of_laptop().has_private_key && is_stored(private_key, WG_KEY_LEN),
	   "at first its keys were made here");
	is_int(join_key("nobody", ALICE), -ENOENT, "nobody has no key");
	is_int(join_key("Laptop", ALICE), 0, "its host made one");
	is_key(ALICE, "… which is taken over");
	is_str(world.order.data, "firewall kernel names ", "… and made real");
	is_str(world.events.data, "changed\n", "… and told");
	ok(!laptop()->has_private_key && !memcmp(laptop()->private_key, zeros, WG_KEY_LEN),
	   "the private key that was made here is forgotten");
	ok(!row_of_laptop().has_private_key, "… in the store, too");
	is_mem(laptop()->preshared_key, preshared_key, WG_KEY_LEN, "the preshared key stays");
	is_real(&world, "office dual: hub 10.0.0.1 fd00::1, laptop 10.0.0.2 fd00::2, tablet 10.0.0.3 fd00::3,"
		" tv 10.0.0.4 fd00::4", "… and so do addresses");
	is_bearer(FIRST, "office/laptop", "… and its token");
	restart();
	is_key(ALICE, "the next agent knows it");
	ok(!laptop()->has_private_key, "… and makes no other");
	is_bearer(FIRST, "office/laptop", "… and its token");
	is_int(join_key("laptop", ALICE), 0, "the same again");
	is_str(world.order.data, "", "… does nothing");
	is_str(world.events.data, "", "… and is nothing to tell");
	is_int(join_key("laptop", BOB), 0, "another one");
	is_key(BOB, "… takes its place");
	fake_edit(&world, WG_SET, WG_PEER, "office", "tablet", "{groups: []}");
	is_key(BOB, "… whatever else changes");
	fake_edit(&world, WG_SET, WG_PEER, "office", "laptop", "{agent: false}");
	ok(laptop()->has_private_key, "without an agent its keys are made here again");
}

static void test_key_refused(void)
{
	char own[WG_KEY_TEXT];

	fresh();
	doppel_wg_key_format(laptop()->public_key, own);
	is_int(join_key("tablet", ALICE), 0, "a peer's key");
	is_int(join_key("laptop", ALICE), -EINVAL, "is no other's");
	is_str(world.error.text, "network \"office\": peer \"tablet\": its public_key is peer \"laptop\"'s: a key is one peer's",
	       "… and that is said");
	is_key(own, "… and nothing is changed");
	ok(laptop()->has_private_key, "… nor forgotten");
	fake_edit(&world, WG_SET, WG_PEER, "office", "laptop", "{public_key: \"" BOB "\"}");
	is_int(join_key("laptop", "6aq+aXRyGKBsgHNDzQmQFkQbMqUsWZXJQXBZYEjpzUc="), -EPERM, "a key that the document does not name");
	is_str(world.error.text,
	       "network \"office\": peer \"laptop\": another public_key is written for it; take that one away, or use its private key",
	       "… is refused, and it says what to do");
	is_str(world.order.data, "", "… and nothing is done");
	is_key(BOB, "… or changed");
	is_int(join_key("laptop", BOB), 0, "the one that it names is fine");
}

int main(void)
{
	char directory[SCRATCH_SIZE];

	if (sodium_init() < 0)
		return 1;
	scratch_make(directory);
	doppel_log_set_level(LOG_EMERG);
	snprintf(world.path, sizeof(world.path), "%s/doppel.db", directory);
	test_token();
	test_whose();
	test_how_long();
	test_key();
	test_key_refused();
	fake_free(&world);
	return scratch_remove(directory) ? 1 : done_testing();
}
