// SPDX-License-Identifier: GPL-2.0-only
/* When the store is written, and what is left when it, the clock or the box goes away. */
#define FAKE_DEVICES 128
#include "gateway_fake.h"

#include <sqlite3.h>

#include "base/log.h"
#include "gateway/device.h"

#define DEVICES 120
#define HOUR_MS 3600000LL

/* Somebody who looks at the file from outside. */
static sqlite3 *look(struct fake *fake)
{
	sqlite3 *db;

	if (sqlite3_open(fake->state, &db))
		abort();
	return db;
}

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t number = -1;

	if (!sqlite3_prepare_v2(db, sql, -1, &statement, NULL) &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* Time passes in steps, as the event loop goes, and each time the file has changed is counted. */
static unsigned int commits_in(struct fake *fake, sqlite3 *db, int64_t ms, int64_t router_ms)
{
	const int64_t until = fake->now + ms;
	int64_t version = ask(db, "PRAGMA data_version"), advertise_at = fake->now + router_ms;
	unsigned int commits = 0;

	while (fake->now < until) {
		int64_t at = doppel_gateway_deadline(fake->gw), now;

		at = at < fake->now ? fake->now : at < fake->now + 100 ? at : fake->now + 100;
		fake_run(fake, at - fake->now);
		if (fake->now >= advertise_at) {
			fake_advertise(fake);
			advertise_at = fake->now + router_ms;
		}
		doppel_keep_commit(fake->gw);
		now = ask(db, "PRAGMA data_version");
		commits += now != version;
		version = now;
		if (at == fake->now)
			fake->now++;
	}
	return commits;
}

static void all_seen(struct fake *fake)
{
	for (int i = 1; i <= DEVICES; i++) {
		char text[32];

		snprintf(text, sizeof(text), "192.168.1.%d", 10 + i);
		fake_seen(fake, (uint8_t)i, text);
	}
}

static void test_steady(void)
{
	struct fake *fake = fake_new();
	unsigned int commits;
	int64_t seen, written;
	sqlite3 *db;

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	db = look(fake);
	all_seen(fake);
	commits_in(fake, db, 5 * 60000, 10000);
	is_int(ask(db, "SELECT count(*) FROM leases WHERE protocol = 'dhcp4'"), DEVICES,
	       "%d leases of IPv4 are in the store", DEVICES);
	is_int(ask(db, "SELECT count(*) FROM leases WHERE protocol = 'slaac'"), DEVICES,
	       "and as many SLAAC addresses");
	fake->requests = 0;
	written = ask(db, "SELECT total(json_extract(data, '$.written.mono_ms')) FROM leases"
			  " WHERE protocol = 'slaac'");
	commits = commits_in(fake, db, HOUR_MS, 10000);
	ok(fake->requests > DEVICES, "in an hour each renews: %u requests", fake->requests);
	ok(commits <= 61, "and all of it is one write a minute at most: %u", commits);
	ok(commits > 1, "but is written");
	is_int(ask(db, "SELECT total(json_extract(data, '$.written.mono_ms')) FROM leases"
		       " WHERE protocol = 'slaac'"), written,
	       "360 router advertisements of a day each are no reason to");
	seen = ask(db, "SELECT min(json_extract(data, '$.acquired_wall_s')) FROM leases"
		       " WHERE protocol = 'dhcp4'");
	ok(seen > fake_wall(&fake->clock) - 1800 - 120, "no lease in it is older than its renewal");
	sqlite3_close(db);
	fake_free(fake);
}

/* A new address does not wait. */
static void test_urgent(void)
{
	struct fake *fake = fake_new();
	sqlite3 *db;

	fake_start(fake, FAKE_PLAIN);
	db = look(fake);
	commits_in(fake, db, 120000, HOUR_MS);
	fake_seen(fake, 7, "192.168.1.7");
	is_int(commits_in(fake, db, 1, HOUR_MS), 1, "a device is written when it is found");
	commits_in(fake, db, 10000, HOUR_MS);
	is_int(ask(db, "SELECT count(*) FROM leases"), 1, "and its lease when it is won");
	fake_host(fake, 7, "192.168.1.8");
	fake_seen(fake, 7, "192.168.1.8");
	commits_in(fake, db, 10000, HOUR_MS);
	is_int(ask(db, "SELECT count(*) FROM devices WHERE lan_ipv4 = '192.168.1.8'"), 1,
	       "another LAN address, too");
	sqlite3_close(db);
	fake_free(fake);
}

static void forward(struct fake *fake, uint8_t last, uint16_t port)
{
	struct doppel_error error = {};
	struct mac mac = fake_mac(last);

	is_int(doppel_gateway_forward_add(fake->gw, &mac, IPPROTO_TCP, port, 0, &error), 0,
	       "a forward by hand");
}

/* The store has lost all while the agent runs: what it knows it writes again. */
static void test_lost(void)
{
	struct fake *fake = fake_new();
	char *secret = NULL, *again = NULL;
	sqlite3 *db;

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	forward(fake, 7, 9000);
	doppel_store_setting_get(fake->store, "slaac-secret", &secret);
	doppel_store_commit(fake->store);
	db = look(fake);
	sqlite3_exec(db, "DELETE FROM devices; DELETE FROM leases; DELETE FROM forwards;"
			 "DELETE FROM settings", NULL, NULL, NULL);
	fake->gw->losses--;
	fake_run(fake, KEEP_MS + 1000);
	is_int(ask(db, "SELECT count(*) FROM devices"), 1, "the device is there again");
	is_int(ask(db, "SELECT count(*) FROM leases"), 2, "with its leases");
	is_int(ask(db, "SELECT port FROM forwards"), 9000, "its forward");
	doppel_store_setting_get(fake->store, "slaac-secret", &again);
	is_str(again, secret, "and the secret");
	free(secret);
	free(again);
	sqlite3_close(db);
	fake_free(fake);
}

/* The agent finds no store, and a module that forwards. */
static void test_adopted(void)
{
	struct fake *fake = fake_new();
	struct fake_view seen;
	unsigned int changes;

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 30000);
	forward(fake, 7, 9000);
	fake_stop(fake);
	fake_unlink(fake, "doppel.db");
	changes = fake->changes;
	fake->dels = fake->forward_dels = fake->discovers = fake->requests = 0;
	fake_start(fake, FAKE_DUAL);
	is_int(fake->dels + fake->changes - changes, 0, "the module's devices stay as they are");
	seen = fake_view(fake, 7);
	is_int(seen.view.wan_ipv4.s_addr, fake_ip4("10.0.0.7").s_addr, "with WAN IPv4");
	is_int(seen.view.wan_ipv6_count, 1, "and WAN IPv6");
	is_int(seen.view.lan_ipv4.s_addr, fake_ip4("192.168.1.7").s_addr, "and where they were");
	fake_run(fake, 60000);
	is_int(fake->requests, 2, "each server is asked whether the lease holds");
	is_int(fake->discovers, 0, "by INIT-REBOOT");
	seen = fake_view(fake, 7);
	is_int(seen.view.status, DEVICE_ACTIVE, "it does");
	is_int(fake->forward_dels, 0, "no forward is closed");
	fake_stop(fake);
	fake->discovers = fake->requests = 0;
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 60000);
	is_int(fake->discovers + fake->requests, 0, "the next agent knows them as before");
	is_int(fake->forward_count, 21, "with the forward");
	fake_free(fake);
}

/* A server that gave the address away meanwhile is believed. */
static void test_adopted_in_vain(void)
{
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_PLAIN);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	fake_stop(fake);
	fake_unlink(fake, "doppel.db");
	fake->devices[0].wan_ipv4 = fake_ip4("10.0.0.99");
	fake_start(fake, FAKE_PLAIN);
	fake_run(fake, 120000);
	is_int(fake->devices[0].wan_ipv4.s_addr, fake_ip4("10.0.0.7").s_addr,
	       "what no server confirms is asked for anew");
	fake_free(fake);
}

/* What the module has now counts, not what was known of the device before. */
static void test_adopted_instead(void)
{
	const struct mac mac = fake_mac(7);
	const struct module_device held = {
		.mac = mac,
		.lan_ipv4 = fake_ip4("192.168.1.7"),
		.wan_ipv6 = { { .ipv6 = doppel_ip6_link_local(&mac), .prefix_len = 64 } },
		.wan_ipv6_count = 1,
	};
	struct fake *fake = fake_new();
	struct restored_leases *old = calloc(1, sizeof(*old));
	struct device *device;

	fake_start(fake, FAKE_DUAL "  devices: {list: [{mac: \"02:00:00:00:00:07\"}]}\n");
	device = doppel_gateway_find(fake->gw, &mac);
	old->slaac_count = SLAAC_ADDRESSES_MAX;
	old->dhcp4 = true;
	device->restored = old;
	doppel_adopt(fake->gw, &held);
	is_int(device->restored->slaac_count, 1, "a device is taken back with its one address");
	ok(doppel_ip6_eq(&device->restored->slaac[0].address, &held.wan_ipv6[0].ipv6) &&
	   !device->restored->dhcp4, "and with nothing of before");
	fake_free(fake);
}

/* A box without a battery: it boots into 1970, and is set when it has the network. */
static void test_clock(void)
{
	struct fake *fake = fake_new();
	struct fake_view seen;
	int64_t set;

	fake->router = true;
	fake->wall_shift = -1700000000;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	fake->wall_shift = 90000000;
	set = fake_wall(&fake->clock);
	fake_run(fake, 30000);
	seen = fake_view(fake, 7);
	ok(seen.view.discovered_at > set - 120, "what was found before the clock was set is dated");
	fake_run(fake, KEEP_MS);
	fake_stop(fake);
	fake->discovers = fake->requests = 0;
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 20000);
	is_int(fake->discovers + fake->requests, 0, "another agent goes on with the lease");
	fake->wall_shift = 0;
	fake_run(fake, 20000);
	fake_stop(fake);
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 20000);
	fake->wall_shift = 900000000;
	fake_stop(fake);
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 20000);
	is_int(fake->discovers + fake->requests, 0, "back and forward: the same");
	seen = fake_view(fake, 7);
	is_int(seen.view.wan_ipv6_count, 1, "with its SLAAC address");
	fake_stop(fake);

	fake->set = false;
	fake->device_count = fake->forward_count = 0;
	fake->boot = "second";
	fake->now = 5000;
	fake->wall_shift = -1700000000;
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 30000);
	is_int(fake->discovers, 0, "booted into 1970 again: no DISCOVER");
	is_int(fake->requests, 1, "but INIT-REBOOT");
	is_int(fake->devices[0].wan_ipv4.s_addr, fake_ip4("10.0.0.7").s_addr, "and the same address");
	fake_free(fake);
}

static int cannot_bind(struct packet_socket *socket, uint32_t ifindex)
{
	(void)socket;
	(void)ifindex;
	return -ENETDOWN;
}

/* Taken back, and then the port is not to be had: nothing is due until that is tried again. */
static void test_adopted_too_soon(void)
{
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	fake_stop(fake);
	fake_unlink(fake, "doppel.db");
	fake->packet.bind = cannot_bind;
	fake_start(fake, FAKE_DUAL);
	ok(!fake->gw->ready, "a gateway whose port cannot be listened to");
	for (int i = 0; i < 1000; i++) {
		fake->now = doppel_gateway_deadline(fake->gw);
		doppel_gateway_timeout(fake->gw);
		if (doppel_gateway_deadline(fake->gw) <= fake->now)
			break;
	}
	ok(doppel_gateway_deadline(fake->gw) > fake->now, "  does nothing in between");
	fake->packet.bind = fake_bind;
	fake_run(fake, 10000);
	is_int(fake_view(fake, 7).view.ipv4.status, FAMILY_BOUND, "  and goes on when it can");
	fake_free(fake);
}

int main(void)
{
	doppel_log_set_level(LOG_ERR);
	test_steady();
	test_urgent();
	test_lost();
	test_adopted();
	test_adopted_in_vain();
	test_adopted_instead();
	test_adopted_too_soon();
	test_clock();
	return done_testing();
}
