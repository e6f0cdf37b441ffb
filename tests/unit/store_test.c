// SPDX-License-Identifier: GPL-2.0-only
/* The database: what is put in comes out, in transactions, over versions, one agent at a time. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "scratch.h"
#include "store/schema.h"
#include "store/store.h"
#include "tap.h"

static char directory[SCRATCH_SIZE];
static char path[64];

static const struct store_device printer = {
	.mac = { { 2, 0, 0, 0, 0, 1 } },
	.name = "printer",
	.status = "active",
	.discovered_at = 1000,
	.last_seen = 2000,
	.looks = "{\"hostname\":\"printer\"}",
};

static struct store *open_store(void)
{
	struct doppel_error error = {};
	struct store *store = NULL;

	if (doppel_store_open(path, &store, &error))
		diag("%s", error.text);
	return store;
}

static int count_device(const struct store_device *device, void *ctx)
{
	(void)device;
	++*(int *)ctx;
	return 0;
}

static int count_devices(struct store *store)
{
	int count = 0;

	doppel_store_device_foreach(store, count_device, &count);
	return count;
}

static int copy_device(const struct store_device *device, void *ctx)
{
	*(struct store_device *)ctx = *device;
	return 7;
}

static void test_devices(struct store *store)
{
	struct store_device device = printer, got = {};

	device.lan_ipv4.s_addr = inet_addr("192.168.1.5");
	ok(!doppel_store_dirty(store), "a new store is clean");
	is_int(doppel_store_device_put(store, &device), 0, "a device is put");
	ok(doppel_store_dirty(store), "which is to be committed");
	is_int(doppel_store_commit(store), 0, "and is");
	ok(!doppel_store_dirty(store), "then it is clean again");
	is_int(doppel_store_device_foreach(store, copy_device, &got), 7,
	       "a walk ends with what the callback returns");
	is_mem(&got.mac, &device.mac, sizeof(got.mac), "MAC");
	is_str(got.name, "printer", "name");
	is_int(got.lan_ipv4.s_addr, device.lan_ipv4.s_addr, "LAN address");
	is_str(got.status, "active", "status");
	is_int(got.discovered_at, 1000, "discovered");
	is_int(got.last_seen, 2000, "last seen");
	is_str(got.looks, device.looks, "what it says of itself");
	strcpy(device.name, "x'); DROP TABLE devices; --");
	doppel_store_device_put(store, &device);
	doppel_store_device_foreach(store, copy_device, &got);
	is_str(got.name, device.name, "a name is data");
	is_int(count_devices(store), 1, "one MAC is one device");
}

struct leases {
	int count;
	char text[256];
};

static int add_lease(const struct store_lease *lease, void *ctx)
{
	struct leases *leases = ctx;
	size_t used = strlen(leases->text);

	leases->count++;
	snprintf(leases->text + used, sizeof(leases->text) - used, "%s %s %s;", lease->protocol,
		 lease->addresses, lease->data);
	return 0;
}

static void test_leases(struct store *store)
{
	struct store_lease lease = {
		.mac = printer.mac, .protocol = "dhcp4", .addresses = "10.0.0.5/24", .data = "{}",
	};
	struct mac stranger = { { 2, 0, 0, 0, 0, 9 } };
	struct leases leases = {};

	doppel_store_lease_put(store, &lease);
	lease.data = "{\"t1\":1}";
	doppel_store_lease_put(store, &lease);
	lease.protocol = "slaac";
	lease.addresses = "2001:db8::5/64";
	is_int(doppel_store_lease_put(store, &lease), 0, "leases are put");
	doppel_store_lease_foreach(store, &printer.mac, add_lease, &leases);
	is_str(leases.text, "dhcp4 10.0.0.5/24 {\"t1\":1};slaac 2001:db8::5/64 {\"t1\":1};",
	       "one a protocol, the last one");
	leases = (struct leases){};
	doppel_store_lease_foreach(store, &stranger, add_lease, &leases);
	is_int(leases.count, 0, "a stranger has none");
	lease.mac = stranger;
	is_int(doppel_store_lease_put(store, &lease), -ENOENT, "and can have none");
	is_int(doppel_store_lease_del(store, &printer.mac, "slaac"), 0, "a lease goes");
	is_int(doppel_store_lease_del(store, &printer.mac, "slaac"), 0, "and may go twice");
	doppel_store_lease_foreach(store, NULL, add_lease, &leases);
	is_int(leases.count, 1, "one is left");
}

static int add_forward(const struct store_forward *forward, void *ctx)
{
	struct leases *list = ctx;
	size_t used = strlen(list->text);

	list->count++;
	snprintf(list->text + used, sizeof(list->text) - used, "%d %d>%d;", forward->protocol,
		 forward->port, forward->to);
	return 0;
}

static void test_forwards(struct store *store)
{
	struct store_forward forward = { printer.mac, IPPROTO_TCP, 8080, 80 };
	struct leases list = {};

	doppel_store_forward_put(store, &forward);
	forward.to = 81;
	doppel_store_forward_put(store, &forward);
	forward.protocol = IPPROTO_UDP;
	forward.port = 65535;
	doppel_store_forward_put(store, &forward);
	doppel_store_forward_foreach(store, add_forward, &list);
	is_str(list.text, "6 8080>81;17 65535>81;", "forwards by protocol and port");
	is_int(doppel_store_forward_del(store, &printer.mac, IPPROTO_UDP, 65535), 0, "one goes");
	is_int(doppel_store_forward_del(store, &printer.mac, IPPROTO_UDP, 65535), -ENOENT,
	       "once only");
}

static void test_settings(struct store *store)
{
	char *value = NULL;

	is_int(doppel_store_setting_get(store, "secret", &value), -ENOENT, "no setting yet");
	doppel_store_setting_put(store, "secret", "one");
	doppel_store_setting_put(store, "secret", "two");
	is_int(doppel_store_setting_get(store, "secret", &value), 0, "a setting");
	is_str(value, "two", "is what it was set to last");
	free(value);
}

static void test_deletion(struct store *store)
{
	struct leases list = {};

	is_int(doppel_store_device_del(store, &printer.mac), 0, "a device goes");
	doppel_store_lease_foreach(store, NULL, add_lease, &list);
	doppel_store_forward_foreach(store, add_forward, &list);
	is_int(list.count, 0, "with its leases and forwards");
	is_int(doppel_store_device_del(store, &printer.mac), -ENOENT, "once only");
}

/* In another process: what was committed is there after kill -9, what was not is not. */
static void test_kill(void)
{
	struct store *store;
	pid_t pid = fork();

	if (!pid) {
		struct store_device device = printer;

		store = open_store();
		doppel_store_device_put(store, &device);
		doppel_store_commit(store);
		device.mac.b[5]++;
		doppel_store_device_put(store, &device);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	store = open_store();
	ok(store, "a store whose agent was killed opens");
	is_int(count_devices(store), 1, "with what was committed");
	doppel_store_close(store);
}

static void test_lock(void)
{
	struct doppel_error error = {};
	struct store *store = open_store(), *second, *reader;
	char want[160];

	is_int(doppel_store_open(path, &second, &error), -EBUSY, "one agent at a time");
	snprintf(want, sizeof(want),
		 "%s: in use by another agent (process %d); stop that one first", path, getpid());
	is_str(error.text, want, "and it is told which");
	is_int(doppel_store_open_readonly(path, &reader, &error), 0, "one may read beside it");
	is_int(count_devices(reader), 1, "what is there");
	is_int(doppel_store_device_put(reader, &printer), -EROFS, "but not write");
	doppel_store_close(reader);
	doppel_store_close(store);
	is_int(doppel_store_open_readonly(path, &reader, &error), 0, "or without it");
	is_int(count_devices(reader), 1, "the same");
	doppel_store_close(reader);
}

static void set_version(const char *sql)
{
	sqlite3 *db;

	sqlite3_open(path, &db);
	sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
}

static void test_versions(void)
{
	struct doppel_error error = {};
	struct store *store;
	char want[200];

	set_version("PRAGMA user_version = 1000");
	is_int(doppel_store_open(path, &store, &error), -EINVAL, "a newer schema is refused");
	snprintf(want, sizeof(want),
		 "%s: of version 1000, and this doppel knows up to %zu: use the newer doppel, or move the file away to begin anew",
		 path, doppel_schema.count);
	is_str(error.text, want, "with what to do");
	set_version("PRAGMA user_version = 0");
	error = (struct doppel_error){};
	is_int(doppel_store_open(path, &store, &error), -EINVAL, "another program's database, too");
	snprintf(want, sizeof(want),
		 "%s: another program's database; name another file (state) or move this one away", path);
	is_str(error.text, want, "and left as it is");
	set_version("DROP TABLE devices; DROP TABLE leases; DROP TABLE forwards;"
		    "DROP TABLE settings; DROP TABLE wg_networks; DROP TABLE wg_peers;"
		    "PRAGMA user_version = 0");
	error = (struct doppel_error){};
	is_int(doppel_store_open_readonly(path, &store, &error), -EINVAL,
	       "an older one is not migrated by a reader");
	store = open_store();
	is_int(count_devices(store), 0, "but by the agent");
	doppel_store_close(store);
}

/* Copies of that kind beside the database. */
static size_t count_copies(const char *pattern)
{
	char all[96];
	glob_t found;
	size_t count;

	snprintf(all, sizeof(all), "%s.%s", path, pattern);
	count = glob(all, 0, NULL, &found) ? 0 : found.gl_pathc;
	globfree(&found);
	return count;
}

static void test_migration(void)
{
	const size_t now = doppel_schema.count;
	const char *steps[now + 1];
	const struct schema next = { steps, now + 1 };
	struct doppel_error error = {};
	struct store *store = open_store();
	char back[80], copy[96];
	glob_t found;
	sqlite3 *db;

	memcpy(steps, doppel_schema.steps, now * sizeof(*steps));
	steps[now] = "CREATE TABLE extra (x INTEGER)";
	snprintf(back, sizeof(back), "DROP TABLE extra; PRAGMA user_version = %zu", now);

	doppel_store_device_put(store, &printer);
	doppel_store_close(store);
	for (int i = 0; i < 5; i++) {
		sqlite3_open(path, &db);
		is_int(doppel_schema_migrate(db, &next, path, &error), 0, "to the next version: %s",
		       error.text);
		is_int(doppel_schema_migrate(db, &next, path, &error), 0, "which is done once");
		sqlite3_exec(db, back, NULL, NULL, NULL);
		sqlite3_close(db);
	}
	snprintf(copy, sizeof(copy), "v%zu-*", now);
	is_int(count_copies(copy), 3, "the last few copies from before are kept");
	snprintf(copy, sizeof(copy), "%s.v%zu-*", path, now);
	glob(copy, 0, NULL, &found);
	snprintf(copy, sizeof(copy), "%s", found.gl_pathv[2]);
	globfree(&found);
	is_int(doppel_store_open_readonly(copy, &store, &error), 0, "each is a database");
	is_int(count_devices(store), 1, "with what there was");
	doppel_store_close(store);
}

/* A file as the first doppel wrote it. */
static void test_first_version(void)
{
	const struct schema first = { doppel_schema.steps, 1 };
	struct store_device got = printer;
	struct doppel_error error = {};
	struct store *store;
	sqlite3 *db;

	unlink(path);
	sqlite3_open(path, &db);
	is_int(doppel_schema_migrate(db, &first, NULL, &error), 0, "a file of version 1: %s", error.text);
	sqlite3_exec(db, "INSERT INTO devices VALUES ('02:00:00:00:00:02', 'old', '', 'active', 1, 2)",
		     NULL, NULL, NULL);
	sqlite3_close(db);
	store = open_store();
	is_int(doppel_store_device_foreach(store, copy_device, &got), 7, "has its device");
	is_str(got.name, "old", "with its name");
	is_str(got.looks, "", "and what was not kept then is unknown");
	is_int(doppel_store_losses(store), 0, "nothing is lost");
	ok(count_copies("v1-*") > 0, "a copy from before is kept");
	doppel_store_close(store);
}

/* A file that cannot be trusted: what was there before, what is done to it, what is left. */
static void is_begun_anew(const char *name)
{
	const size_t before = count_copies("damaged-*Z*");
	struct store *store = open_store();

	ok(store, "%s is no reason not to start", name);
	is_int(doppel_store_losses(store), 1, "  what it had is lost");
	is_int(count_devices(store), 0, "  and nothing is left");
	is_str(doppel_store_problem(store), "", "  but a file to write to");
	ok(count_copies("damaged-*Z*") > before || before >= 3, "  the damaged one is set aside");
	is_int(doppel_store_device_put(store, &printer), 0, "  what is put");
	doppel_store_close(store);
	store = open_store();
	is_int(count_devices(store), 1, "  is there");
	is_int(doppel_store_losses(store), 0, "  and nothing is lost any more");
	doppel_store_close(store);
}

static void overwrite(off_t at, size_t len)
{
	char junk[4096];
	int fd = open(path, O_WRONLY);

	memset(junk, 0xa5, sizeof(junk));
	for (; len; len -= len < sizeof(junk) ? len : sizeof(junk))
		at += pwrite(fd, junk, len < sizeof(junk) ? len : sizeof(junk), at);
	close(fd);
}

static void test_damage(void)
{
	struct stat st;

	overwrite(0, 16);
	is_begun_anew("a wrong magic");
	stat(path, &st);
	overwrite(0, (size_t)st.st_size);
	is_begun_anew("garbage");
	stat(path, &st);
	ok(!truncate(path, st.st_size / 2), "half a file");
	is_begun_anew("half a file");
	overwrite(4096, 4096);
	is_begun_anew("a page of garbage");
	set_version("DROP TABLE leases");
	is_begun_anew("a table that is missing");
	set_version("PRAGMA user_version = -1");
	is_begun_anew("a version that nobody wrote");
	is_int(count_copies("damaged-*Z") + count_copies("damaged-*Z.*"), 3, "a few are kept");
}

/* Another's write takes all pages out of the agent's memory; then the file is no database any more. */
static void spoil(void)
{
	char sql[120];
	sqlite3 *db;
	struct stat st;

	snprintf(sql, sizeof(sql), "UPDATE settings SET value = value; PRAGMA user_version = %zu;"
		 "PRAGMA wal_checkpoint(TRUNCATE)", doppel_schema.count);
	sqlite3_open(path, &db);
	sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	stat(path, &st);
	overwrite(4096, (size_t)st.st_size - 4096);
}

static void is_found_spoilt(struct store *store)
{
	spoil();
	is_int(doppel_store_device_put(store, &printer), 0, "put into a file that was spoilt meanwhile");
	ok(*doppel_store_problem(store), "  which is told of");
}

static void is_whole(struct store *store, const char *name)
{
	struct stat st = {};

	is_int(doppel_store_recover(store), 0, "%s", name);
	is_str(doppel_store_problem(store), "", "  it is begun anew");
	is_int(count_devices(store), 1, "  with what was put");
	ok(!stat(path, &st), "  it is there");
	is_int(st.st_mode & 0777, 0600, "  for root alone");
}

static void test_damage_meanwhile(void)
{
	struct store *store = open_store();
	char log[80];

	umask(022);
	snprintf(log, sizeof(log), "%s-wal", path);
	is_found_spoilt(store);
	is_whole(store, "the agent moves it away");
	is_found_spoilt(store);
	unlink(path);
	unlink(log);
	is_whole(store, "somebody else has moved it away");
	doppel_store_close(store);
}

/* A log that was cut or scribbled over: what it had up to there counts. */
static void test_log(void)
{
	char log[80];
	struct store *store;
	struct stat st;
	pid_t pid = fork();
	int fd;

	if (!pid) {
		struct store_device device = printer;

		store = open_store();
		for (int i = 0; i < 50; i++) {
			device.mac.b[4] = (uint8_t)i;
			doppel_store_device_put(store, &device);
			doppel_store_commit(store);
		}
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	snprintf(log, sizeof(log), "%s-wal", path);
	ok(!stat(log, &st) && st.st_size > 10000, "a killed agent leaves its log");
	fd = open(log, O_WRONLY);
	is_int(pwrite(fd, "\xa5\xa5\xa5\xa5", 4, st.st_size / 2), 4, "with a scratch in the middle");
	close(fd);
	store = open_store();
	ok(count_devices(store) > 10 && count_devices(store) < 50, "what is before it is there");
	is_int(doppel_store_losses(store), 0, "without a loss");
	is_int(doppel_store_device_put(store, &printer), 0, "and it goes on");
	doppel_store_close(store);
}

/* No file grows beyond that many bytes from now on. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void put_many(struct store *store, uint8_t kind, int count)
{
	struct store_device device = printer;
	int failures = 0;

	device.mac.b[3] = kind;
	for (int i = 0; i < count; i++) {
		device.mac.b[4] = (uint8_t)(i >> 8);
		device.mac.b[5] = (uint8_t)i;
		failures += doppel_store_device_put(store, &device) != 0;
		if (i % 10 == 9)
			failures += doppel_store_commit(store) != 0;
	}
	is_int(failures, 0, "%d devices are put", count);
}

/* The disk takes no more, and later does again. */
static void test_full(void)
{
	struct store_forward forward = { printer.mac, IPPROTO_TCP, 8080, 80 };
	struct store *store = open_store();
	int before = count_devices(store);
	char want[128];

	put_many(store, 1, 50);
	signal(SIGXFSZ, SIG_IGN);
	limit_files(60000);
	put_many(store, 2, 1000);
	snprintf(want, sizeof(want), "%s: disk I/O error", path);
	is_str(doppel_store_problem(store), want, "on a disk that cannot be written");
	is_int(count_devices(store), before + 1050, "all are there");
	is_int(doppel_store_forward_put(store, &forward), 0, "a forward is put");
	is_int(doppel_store_device_del(store, &printer.mac), 0, "a device goes");
	ok(doppel_store_recover(store) < 0, "the disk is as it was");
	is_str(doppel_store_problem(store), want, "and so is what is said");
	limit_files(RLIM_INFINITY);
	is_int(doppel_store_recover(store), 0, "it can be written again");
	is_str(doppel_store_problem(store), "", "and nothing is wrong");
	is_int(doppel_store_losses(store), 0, "nothing was lost");
	put_many(store, 3, 10);
	is_int(doppel_store_sync(store), 0, "synced");
	doppel_store_close(store);
	store = open_store();
	is_int(count_devices(store), before + 1050 - 1 + 10, "another agent finds all");
	doppel_store_close(store);
}

/* Closed while the disk is full: the file is what it was before. */
static void test_closed_full(void)
{
	struct store *store = open_store();
	int before = count_devices(store);

	limit_files(60000);
	put_many(store, 4, 1000);
	doppel_store_close(store);
	limit_files(RLIM_INFINITY);
	store = open_store();
	ok(count_devices(store) >= before && !doppel_store_losses(store),
	   "a store that was closed on a full disk opens");
	doppel_store_close(store);
}

static void test_refusals(void)
{
	struct doppel_error error = {};
	struct store *store;

	unlink(path);
	is_int(doppel_store_open_readonly(path, &store, &error), -ENOENT, "none to read");
	error = (struct doppel_error){};
	is_int(doppel_store_open("/dev/null/x/doppel.db", &store, &error), -ENOTDIR,
	       "no directory to make it in");
	doppel_store_close(NULL);
}

int main(void)
{
	struct store *store;
	struct stat st;

	doppel_log_set_level(LOG_ERR - 1);
	scratch_make(directory);
	snprintf(path, sizeof(path), "%s/new/doppel.db", directory);
	store = open_store();
	ok(store && !stat(path, &st), "a store is made, with its directory");
	is_int(st.st_mode & 0777, 0600, "for root alone");
	test_devices(store);
	test_leases(store);
	test_forwards(store);
	test_settings(store);
	test_deletion(store);
	doppel_store_close(store);
	test_kill();
	test_lock();
	test_versions();
	test_migration();
	test_first_version();
	test_damage();
	test_damage_meanwhile();
	test_log();
	test_full();
	test_closed_full();
	test_refusals();
	return scratch_remove(directory) ? 1 : done_testing();
}
