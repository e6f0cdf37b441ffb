// SPDX-License-Identifier: GPL-2.0-only
/* What the store keeps of WireGuard networks, and that half a change is none. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cidr.h"
#include "scratch.h"
#include "store/wireguard.h"
#include "tap.h"

static char directory[SCRATCH_SIZE];
static char path[96];

static struct store *open_store(void)
{
	struct doppel_error error = {};
	struct store *store = NULL;

	if (doppel_store_open(path, &store, &error))
		diag("%s", error.text);
	return store;
}

static int add_network(const char *name, const char *document, void *ctx)
{
	doppel_buf_printf(ctx, "%s=%s;", name, document);
	return 0;
}

static void is_networks(struct store *store, const char *want, const char *what)
{
	auto_buf struct buf got = {};

	doppel_buf_printf(&got, "%s", "");
	is_int(doppel_store_wg_network_foreach(store, add_network, &got), 0, "read");
	is_str(got.data, want, "%s", what);
}

static int add_peer(const struct store_wg_peer *peer, void *ctx)
{
	char ipv4[DOPPEL_IP6_TEXT] = "-", ipv6[DOPPEL_IP6_TEXT] = "-";

	if (peer->has_ipv4)
		doppel_ip_format(&peer->ipv4, ipv4);
	if (peer->has_ipv6)
		doppel_ip_format(&peer->ipv6, ipv6);
	doppel_buf_printf(ctx, "%s/%s %s %s %02x %02x %02x %s;", peer->network, peer->name, ipv4, ipv6,
			  peer->public_key[0], peer->has_private_key ? peer->private_key[31] : 0,
			  peer->has_preshared_key ? peer->preshared_key[0] : 0, peer->handed_out);
	return 0;
}

static void is_peers(struct store *store, const char *want, const char *what)
{
	auto_buf struct buf got = {};

	doppel_buf_printf(&got, "%s", "");
	is_int(doppel_store_wg_peer_foreach(store, add_peer, &got), 0, "read");
	is_str(got.data, want, "%s", what);
}

static void test_networks(struct store *store)
{
	is_int(doppel_store_wg_network_put(store, "office", "{}"), 0, "a network");
	is_int(doppel_store_wg_network_put(store, "lab", "{\"x'); --\": 1}"), 0, "another");
	is_int(doppel_store_wg_network_put(store, "Office", "{\"a\": 1}"), 0, "the first again");
	is_networks(store, "lab={\"x'); --\": 1};Office={\"a\": 1};", "two, whatever their case");
	is_int(doppel_store_wg_network_del(store, "OFFICE"), 0, "one is deleted");
	is_int(doppel_store_wg_network_del(store, "office"), -ENOENT, "once");
	is_networks(store, "lab={\"x'); --\": 1};", "the other stays");
}

static void test_peers(struct store *store)
{
	struct store_wg_peer peer = {
		.network = "office", .name = "phone", .has_ipv4 = true, .public_key = { 1 },
		.has_private_key = true, .private_key = { [31] = 2 },
	};

	doppel_ip_parse("10.0.0.2", &peer.ipv4);
	is_int(doppel_store_wg_peer_put(store, &peer), 0, "a peer");
	is_int(doppel_store_wg_peer_handed_out(store, "office", "PHONE", "abc"), 0, "its file is handed out");
	is_int(doppel_store_wg_peer_handed_out(store, "office", "nobody", "abc"), -ENOENT, "nobody's is not");
	peer.has_preshared_key = true;
	peer.preshared_key[0] = 3;
	peer.has_ipv6 = true;
	doppel_ip_parse("fd00::2", &peer.ipv6);
	is_int(doppel_store_wg_peer_put(store, &peer), 0, "it changes");
	is_peers(store, "office/phone 10.0.0.2 fd00::2 01 02 03 abc;", "all of it, with what was handed out");
	peer = (struct store_wg_peer){ .network = "lab", .name = "phone", .public_key = { 9 } };
	is_int(doppel_store_wg_peer_put(store, &peer), 0, "another network's of that name");
	is_peers(store, "lab/phone - - 09 00 00 ;office/phone 10.0.0.2 fd00::2 01 02 03 abc;",
		 "is another peer, which has nothing");
	is_int(doppel_store_wg_peer_del(store, "LAB", "Phone"), 0, "one is deleted");
	is_int(doppel_store_wg_peer_del(store, "lab", "phone"), -ENOENT, "once");
}

static void test_transaction(struct store *store)
{
	struct stat st;

	doppel_store_commit(store);
	doppel_store_wg_network_put(store, "half", "{}");
	doppel_store_wg_peer_del(store, "office", "phone");
	is_int(doppel_store_rollback(store), 0, "half a change is undone");
	ok(!doppel_store_dirty(store), "nothing is left to commit");
	is_networks(store, "lab={\"x'); --\": 1};", "no half network");
	is_peers(store, "office/phone 10.0.0.2 fd00::2 01 02 03 abc;", "the peer is there");
	is_int(doppel_store_rollback(store), 0, "nothing to undo is fine");
	stat(path, &st);
	is_int(st.st_mode & 0777, 0600, "keys are in a file of mode 0600");
}

int main(void)
{
	struct store *store;

	scratch_make(directory);
	snprintf(path, sizeof(path), "%s/doppel.db", directory);
	store = open_store();
	test_networks(store);
	test_peers(store);
	test_transaction(store);
	doppel_store_close(store);
	store = open_store();
	is_networks(store, "lab={\"x'); --\": 1};", "the next agent has the networks");
	is_peers(store, "office/phone 10.0.0.2 fd00::2 01 02 03 abc;", "and the peers");
	doppel_store_close(store);
	return scratch_remove(directory) ? 1 : done_testing();
}
