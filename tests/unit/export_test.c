// SPDX-License-Identifier: GPL-2.0-only
/* Devices out of one gateway and into another; what is wrong in a file is told, and changes nothing. */
#include "gateway_fake.h"

#include <jansson.h>

#include "base/log.h"
#include "store/database.h"

static json_t *exported(struct fake *fake)
{
	json_t *document = NULL;

	is_int(doppel_gateway_export(fake->gw, &document), 0, "exported");
	return document;
}

static json_t *first(const json_t *document)
{
	return json_array_get(json_object_get(document, "devices"), 0);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* Two devices with both families, one with a forward by hand. */
static struct fake *busy(void)
{
	struct doppel_error error = {};
	const struct mac mac = fake_mac(7);
	struct fake *fake = fake_new();

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 30000);
	doppel_gateway_forward_add(fake->gw, &mac, IPPROTO_TCP, 9000, 90, &error);
	return fake;
}

static void test_round(void)
{
	struct fake *fake = busy(), *other = fake_new();
	json_t *document = exported(fake), *again;
	struct doppel_error error = {};
	struct import_counts counts;
	struct fake_view seen;

	is_int(json_array_size(json_object_get(document, "devices")), 2, "two devices");
	is_str(text_of(first(document), "mac_address"), "02:00:00:00:00:07", "the first");
	is_str(text_of(first(document), "ipv4_address"), "192.168.1.7", "its LAN address");
	is_str(text_of(json_object_get(json_object_get(first(document), "leases"), "dhcp4"), "address"),
	       "10.0.0.7", "its lease");
	is_int(json_integer_value(json_object_get(json_array_get(json_object_get(
			first(document), "forwards"), 0), "to")), 90, "its forward");

	ok(json_is_null(json_object_get(first(document), "looks")), "it was not heard on the LAN");
	json_object_set_new(first(document), "looks",
			    json_pack("{s:s, s:s, s:[i, i]}", "hostname", "printer", "vendor_class",
				      "MSFT 5.0", "parameters", 1, 44));
	other->router = true;
	fake_start(other, FAKE_DUAL);
	is_int(doppel_gateway_import(other->gw, document, &counts, &error), 0, "another box takes it");
	is_int(counts.added, 2, "both are new");
	is_int(other->device_count, 2, "its module has them");
	fake_run(other, 30000);
	is_int(other->discovers, 0, "no DISCOVER");
	is_int(other->requests, 2, "but INIT-REBOOT for what they had");
	seen = fake_view(other, 7);
	is_int(seen.view.wan_ipv4.s_addr, fake_ip4("10.0.0.7").s_addr, "and they have it");
	is_int(other->forward_count, 21, "with the forward");
	again = exported(other);
	is_str(text_of(first(again), "discovered_at"), text_of(first(document), "discovered_at"),
	       "since when they are known");
	is_str(text_of(json_object_get(first(again), "looks"), "vendor_class"), "MSFT 5.0",
	       "and as what they show themselves");
	json_decref(again);

	is_int(doppel_gateway_import(other->gw, document, &counts, &error), 0, "twice is once");
	is_int(counts.added, 0, "nothing is new");
	is_int(counts.kept, 2, "what is in use stays");
	is_int(other->requests, 2, "without a word");
	json_decref(document);
	fake_free(other);
	fake_free(fake);
}

/* A change to a good document, and what is said of it. */
static void refused(struct fake *fake, const json_t *good, const char *path, json_t *value,
		    const char *want)
{
	json_t *document = json_deep_copy(good), *at = document;
	char *copy = strdup(path), *rest = copy, *name = strsep(&rest, ".");
	struct doppel_error error = {};
	struct import_counts counts;

	while (rest) {
		at = *name >= '0' && *name <= '9' ? json_array_get(at, (size_t)atoi(name)) :
						    json_object_get(at, name);
		name = strsep(&rest, ".");
	}
	json_object_set_new(at, name, value);
	is_int(doppel_gateway_import(fake->gw, document, &counts, &error), -EINVAL, "%s is refused", path);
	is_str(error.text, want, "  and says why");
	json_decref(document);
	free(copy);
}

static void test_refusals(void)
{
	struct fake *fake = busy(), *other = fake_new();
	json_t *good = exported(fake), *list = json_object_get(good, "devices");

	fake_start(other, FAKE_DUAL "  devices: {max: 2}\n");
	fake_seen(other, 9, "192.168.1.9");
	refused(other, good, "format", json_string("x"),
		"format: must be \"doppel devices\": is it an export of doppel's?");
	refused(other, good, "version", json_integer(2), "version: must be 1: a newer doppel's export?");
	refused(other, good, "devices", json_object(), "devices: must be a list");
	refused(other, good, "devices.1.mac_address", json_string("zz\xc3\xbc"),
		"devices[1].mac_address: must be a device's MAC address, not \"zz??\"");
	refused(other, good, "devices.1.mac_address", json_string("02:00:00:00:00:07"),
		"devices[1].mac_address: the same as devices[0]'s");
	refused(other, good, "devices.1.ipv4_address", json_string("192.168.1.7"),
		"devices[1].ipv4_address: the same as devices[0]'s");
	refused(other, good, "devices.1.ipv4_address", json_string("10.9.9.9"),
		"devices[1].ipv4_address: 10.9.9.9 cannot be a device's on the LAN 192.168.1.1/24\n"
		"devices: 2 are new, 1 are here, and devices.max allows 2");
	refused(other, good, "devices.1.ipv4_address", json_string("192.168.1.9"),
		"devices[1].ipv4_address: 192.168.1.9 is the device 02:00:00:00:00:09's here\n"
		"devices: 2 are new, 1 are here, and devices.max allows 2");
	refused(other, good, "devices.1.colour", json_null(), "devices[1]: there is no \"colour\" here");
	refused(other, good, "devices.1.name", json_integer(7), "devices[1].name: must be a text");
	refused(other, good, "devices.1.name", json_string("a\033]0;b\007"),
		"devices[1].name: has control characters in it");
	refused(other, good, "devices.1.name", json_string("a\302\233b"),
		"devices[1].name: has control characters in it");
	refused(other, good, "devices.1.last_seen", json_string("today"),
		"devices[1].last_seen: must be a time like 2026-11-23T19:30:00Z, not today");
	refused(other, good, "devices.1.looks", json_object(),
		"devices[1].looks: are not what doppel exports as such");
	refused(other, good, "devices.1.leases.dhcp4", json_object(),
		"devices[1].leases.dhcp4: is no DHCPv4 lease as doppel exports it");
	refused(other, good, "devices.1.leases.dhcp5", json_object(),
		"devices[1].leases: there is no \"dhcp5\" here");
	refused(other, good, "devices.0.forwards.0.port", json_integer(65536),
		"devices[0].forwards[0]: port and to must be numbers from 1 to 65535");
	refused(other, good, "devices.0.forwards.0.protocol", json_string("sctp"),
		"devices[0].forwards[0]: protocol must be tcp or udp");
	is_int(other->gw->devices.count, 1, "nothing was changed");
	is_int(other->device_count, 1, "in the module neither");
	json_array_clear(list);
	refused(other, good, "devices", json_pack("[i]", 7), "devices[0]: must be an object");
	json_decref(good);
	fake_free(other);
	fake_free(fake);
}

/* A row that somebody spoilt takes no other along. */
static void test_unreadable(void)
{
	struct fake *fake = busy();
	struct store_lease lease = {
		.mac = fake_mac(7), .protocol = "dhcp4", .addresses = "10.0.0.7", .data = "{\"addr",
	};
	json_t *document, *leases;

	doppel_keep_now(fake->gw);
	doppel_store_lease_put(fake->store, &lease);
	document = exported(fake);
	leases = json_object_get(first(document), "leases");
	ok(leases && !json_object_get(leases, "dhcp4"), "a lease that cannot be read is left out");
	ok(json_object_get(leases, "slaac"), "others of the device are there");
	is_int(json_array_size(json_object_get(document, "devices")), 2, "and other devices");
	json_decref(document);
	fake_free(fake);
}

/* The store refuses the lease of the second device: the first one is not taken either. */
static void test_store_fails(void)
{
	static const char *const refusals[] = {
		"CREATE TEMP TRIGGER refuse BEFORE INSERT ON devices WHEN NEW.mac LIKE '%:08'"
		" BEGIN SELECT RAISE(ABORT, 'refused'); END",
		"CREATE TEMP TRIGGER refuse BEFORE INSERT ON leases WHEN NEW.mac LIKE '%:08'"
		" AND NEW.protocol = 'slaac' BEGIN SELECT RAISE(ABORT, 'refused'); END",
		"CREATE TEMP TRIGGER refuse BEFORE INSERT ON forwards"
		" BEGIN SELECT RAISE(ABORT, 'refused'); END",
	};
	struct fake *fake = busy(), *other = fake_new();
	json_t *document = exported(fake), *before, *after;
	struct doppel_error error = {};
	struct import_counts counts;

	doppel_log_set_level(LOG_CRIT);
	fake_start(other, FAKE_DUAL);
	fake_seen(other, 9, "192.168.1.9");
	before = exported(other);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		sqlite3_exec(other->store->db, refusals[i], NULL, NULL, NULL);
		ok(doppel_gateway_import(other->gw, document, &counts, &error) < 0,
		   "the store fails: so does the import");
		after = exported(other);
		ok(json_equal(json_object_get(before, "devices"), json_object_get(after, "devices")),
		   "and leaves the store as it was");
		is_int(other->gw->devices.count, 1, "the gateway, too");
		is_int(other->device_count, 1, "and the module");
		json_decref(after);
		sqlite3_exec(other->store->db, "DROP TRIGGER refuse", NULL, NULL, NULL);
	}
	is_int(doppel_gateway_import(other->gw, document, &counts, &error), 0, "it writes again");
	is_int(other->gw->devices.count, 3, "all are taken");
	doppel_log_set_level(LOG_ERR);
	json_decref(before);
	json_decref(document);
	fake_free(other);
	fake_free(fake);
}

/* Forwards of a device that was never seen make no device. */
static void test_only_forwards(void)
{
	struct fake *fake = fake_new();
	struct doppel_error error = {};
	struct import_counts counts;
	json_t *document = json_pack(
		"{s:s, s:i, s:[{s:s, s:[{s:s, s:i, s:i}]}]}", "format", "doppel devices", "version", 1,
		"devices", "mac_address", "02:00:00:00:00:08", "forwards", "protocol", "tcp", "port",
		9000, "to", 90);

	fake_start(fake, FAKE_PLAIN "  devices: {max: 1}\n");
	fake_seen(fake, 7, "192.168.1.7");
	is_int(doppel_gateway_import(fake->gw, document, &counts, &error), 0,
	       "forwards alone need no room: %s", error.text);
	is_int(counts.forwards, 1, "and are taken");
	is_int(fake->gw->devices.count, 1, "without a device");
	json_decref(document);
	fake_free(fake);
}

int main(void)
{
	doppel_log_set_level(LOG_ERR);
	test_round();
	test_unreadable();
	test_store_fails();
	test_only_forwards();
	test_refusals();
	return done_testing();
}
