// SPDX-License-Identifier: GPL-2.0-only
/* The commands for WireGuard networks as a person types them, against an agent in the same program. */
#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api_call.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "gateway/config.h"
#include "scratch.h"
#include "wg_networks_fake.h"

static char sock[64], directory[SCRATCH_SIZE];
static struct fake_networks world;

struct typed {
	char *argv[20];
	int argc;
	struct ev_loop *loop;
	ev_async *done;
	int status;
	char *out, *err;
	size_t out_len, err_len;
};

static struct typed typed;

static void *run_typed(void *ctx)
{
	struct typed *run = ctx;

	optind = 1;
	run->status = doppel_cli_main(run->argc, run->argv);
	ev_async_send(run->loop, run->done);
	return NULL;
}

/* The words of a command, at most 16, which end with NULL. */
static void type(char *const *words)
{
	FILE *old_out = stdout, *old_err = stderr;
	ev_async done;

	free(typed.out);
	free(typed.err);
	typed = (struct typed){ .loop = EV_DEFAULT, .done = &done };
	typed.argv[typed.argc++] = "doppel";
	while (*words)
		typed.argv[typed.argc++] = *words++;
	typed.argv[typed.argc++] = "-s";
	typed.argv[typed.argc++] = sock;
	stdout = open_memstream(&typed.out, &typed.out_len);
	stderr = open_memstream(&typed.err, &typed.err_len);
	run_thread(EV_DEFAULT, run_typed, &typed, &done);
	fclose(stdout);
	fclose(stderr);
	stdout = old_out;
	stderr = old_err;
}

#define TYPE(...) type((char *[]){ __VA_ARGS__, NULL })

/* What it prints, all of it, and nothing on stderr. */
#define prints(want, ...) do {								\
	TYPE(__VA_ARGS__);								\
	is_int(typed.status, CLI_DONE, "%s", #__VA_ARGS__);				\
	is_str(typed.out, want, "… prints");						\
	is_str(typed.err, "", "… and complains of nothing");				\
} while (0)

#define refuses(want, code, ...) do {							\
	TYPE(__VA_ARGS__);								\
	is_int(typed.status, code, "%s ends with %d", #__VA_ARGS__, code);		\
	is_str(typed.out, "", "… prints nothing");					\
	is_str(typed.err, want, "… and says why");					\
} while (0)

static bool has_line(const char *text, const char *line)
{
	const size_t len = strlen(line);

	for (const char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, line, len) && (!at[len] || at[len] == '\n'))
			return true;
	return false;
}

#define shows(line) do {								\
	if (!ok(has_line(typed.out, line), "… with the line %s", line))			\
		diag("%s", typed.out);							\
} while (0)

static void test_network(void)
{
	prints("none\n", "network", "list");
	prints("+ network office\nthis is what would change; nothing was changed\n", "network", "add", "office",
	       "--ip-stack-mode", "dual", "--ipv4-cidr", "10.10.0.0/24", "--ipv6-cidr", "fd00:10::/64", "-n");
	prints("none\n", "network", "list");
	prints("+ network office\n", "network", "add", "office", "--ip-stack-mode", "dual", "--ipv4-cidr",
	       "10.10.0.0/24", "--ipv6-cidr", "fd00:10::/64", "--listen-port", "51820", "--endpoint",
	       "vpn.example.net");
	prints("NAME    MODE  IPv4          IPv6          INTERFACE  PORT   PEERS  FROM\n"
	       "office  dual  10.10.0.0/24  fd00:10::/64  wg-office  51820  0      applied\n",
	       "network", "list");
	prints("~ network office: dns: {\"upstream\": [\"192.0.2.53\", \"192.0.2.54\"]}\n", "network", "set",
	       "office", "--dns-upstream", "192.0.2.53,192.0.2.54");
	prints("~ network office: dns: no longer {\"upstream\": [\"192.0.2.53\", \"192.0.2.54\"]}\n", "network",
	       "set", "office", "--no-dns");
	prints("~ network office: dns: {}\n", "network", "set", "office", "--dns");
	prints("~ network office: listen_port: 51820 → 51821\n", "network", "set", "office", "--listen-port",
	       "51821");
	prints("nothing changes\n", "network", "set", "office", "--listen-port", "51821");
	prints("~ network office: listen_port: no longer 51821\n", "network", "set", "office", "--listen-port",
	       "");
	prints("agent     running\nnetworks  1\nfirewall  good\nkernel    good\nnames     good\n", "status");
	TYPE("network", "show", "office");
	shows("ipv4_cidr      10.10.0.0/24");
	shows("counts         peers 0, expired 0, groups 0, policies 0, routes 0");
	shows("firewall       good");
	refuses("doppel network: there is a network \"office\" already\n", CLI_FAILED, "network", "add",
		"office", "--ipv4-cidr", "10.11.0.0/24");
	refuses("doppel network: there is no network \"lab\"\n", CLI_FAILED, "network", "show", "lab");
}

static void test_things(void)
{
	prints("+ peer office/hub\n~ peer office/hub: ipv4_address: 10.10.0.1\n"
	       "~ peer office/hub: ipv6_address: fd00:10::1\n", "peer", "add", "office", "hub", "--jump");
	prints("+ group office/staff\n", "group", "add", "office", "staff", "--priority", "10");
	prints("+ group office/guests\n", "group", "add", "office", "guests");
	prints("+ peer office/laptop\n~ peer office/laptop: ipv4_address: 10.10.0.2\n"
	       "~ peer office/laptop: ipv6_address: fd00:10::2\n", "peer", "add", "office", "laptop", "--agent",
	       "--groups", "staff,guests", "--preshared-key", "generate");
	prints("+ policy office/site\n", "policy", "add", "office", "site",
	       "output allow 192.168.1.0/24 tcp 80,443", "output deny any");
	prints("~ group office/staff: policies: [\"site\"]\n", "group", "set", "office", "staff", "--policies",
	       "site");
	prints("+ route office/lan\n", "route", "add", "office", "lan", "--destination", "192.168.1.0/24",
	       "--via", "hub", "--groups", "staff");
	prints("+ dns office/lan/printer\n", "dns", "add", "office", "lan", "printer", "192.168.1.50");

	prints("NAME    KIND   IPv4       IPv6        GROUPS         HANDSHAKE  ENDPOINT  RECEIVED  SENT\n"
	       "hub     jump   10.10.0.1  fd00:10::1                                      0 B       0 B\n"
	       "laptop  agent  10.10.0.2  fd00:10::2  staff, guests  never                0 B       0 B\n",
	       "peer", "list", "office");
	prints("NAME    PRIORITY  POLICIES  PEERS\nstaff   10        site      laptop\n"
	       "guests  500                 laptop\n", "group", "list", "office");
	prints("NAME  GROUPS  RULES                                   FOR\n"
	       "site  staff   output allow 192.168.1.0/24 tcp 80,443  ipv4\n"
	       "              output deny any                         ipv4, ipv6\n",
	       "policy", "list", "office");
	prints("NAME  DESTINATION     VIA  GROUPS  NAMES\nlan   192.168.1.0/24  hub  staff   1\n", "route", "show",
	       "office", "lan");
	prints("NAME                     TYPE  ADDRESS       ROUTE\nprinter.office.internal  A     192.168.1.50  lan\n",
	       "dns", "list", "office");
	TYPE("dns", "list", "office", "lan");
	shows("printer.office.internal  A     192.168.1.50  lan");
	TYPE("peer", "show", "office", "laptop");
	shows("groups                    staff, guests");
	shows("has_preshared_key         yes");
	prints("~ peer office/laptop: groups: [\"staff\", \"guests\"] → [\"staff\"]\n", "peer", "set", "office", "laptop",
	       "--groups", "staff");
	prints("~ dns office/lan/printer: address: 192.168.1.50 → 192.168.1.51\n", "dns", "set", "office", "lan",
	       "printer", "192.168.1.51");
	prints("- route office/lan\n- dns office/lan/printer\nthis is what would change; nothing was changed\n",
	       "route", "remove", "office", "lan", "--dry-run");
	prints("- dns office/lan/printer\n", "dns", "remove", "office", "lan", "printer");
	TYPE("peer", "list", "office", "--json");
	ok(strstr(typed.out, "\"public_key\": \""), "--json is the API's");
	prints("+ peer office/tv\n~ peer office/tv: ipv4_address: 10.10.0.9 (fixed)\n~ peer office/tv: ipv6_address: fd00:10::3\n",
	       "peer", "add", "office", "tv", "--ipv4-address", "10.10.0.9");
	prints("- peer office/tv\n", "peer", "remove", "office", "tv");
}

/* A preshared key is given in a file, so that no list of processes has it. */
static void test_preshared_key(void)
{
	static const char key[] = "q8tUG9B3MbHhPBYo/7lE0vkjsWlS2BLtsHWDqPp4TdY=\n";
	char file[64];
	FILE *out;

	snprintf(file, sizeof(file), "%s/psk", directory);
	out = fopen(file, "w");
	fputs(key, out);
	fclose(out);
	prints("+ peer office/psk\n~ peer office/psk: ipv4_address: 10.10.0.3\n~ peer office/psk: ipv6_address: fd00:10::3\n",
	       "peer", "add", "office", "psk", "--preshared-key", file);
	TYPE("peer", "config", "office", "psk");
	ok(strstr(typed.out, "PresharedKey = q8tUG9B3MbHhPBYo/7lE0vkjsWlS2BLtsHWDqPp4TdY=\n"), "it has the key");
	unlink(file);
	TYPE("peer", "set", "office", "psk", "--preshared-key", file);
	is_int(typed.status, CLI_FAILED, "a file that is not there is no key");
	TYPE("peer", "remove", "office", "psk");
}

static void test_config(void)
{
	char png[64];
	struct stat st;
	char head[8] = "";
	FILE *file;

	TYPE("peer", "config", "office", "laptop");
	shows("Endpoint = vpn.example.net:51820");
	TYPE("peer", "config", "office", "laptop", "--json");
	ok(!strncmp(typed.out, "{\n  \"config\": \"", 15), "as JSON");
	TYPE("peer", "config", "office", "laptop", "--qr");
	ok(strstr(typed.out, "\u2588"), "as a QR code");
	snprintf(png, sizeof(png), "%s/laptop.png", directory);
	prints("", "peer", "config", "office", "laptop", "--png", png);
	file = fopen(png, "r");
	ok(file && fread(head, 1, 8, file) == 8 && !memcmp(head, "\x89PNG\r\n\x1a\n", 8), "as a picture");
	if (file)
		fclose(file);
	ok(!stat(png, &st) && (st.st_mode & 0777) == 0600, "which is its owner's alone");
	unlink(png);
	TYPE("policy", "rules", "office");
	ok(strstr(typed.out, "192.168.1.0/24"), "rules, as nftables has them");
	TYPE("policy", "rules", "office", "--format", "iptables");
	ok(strstr(typed.out, "DOPPEL-WG"), "or iptables");
	refuses("doppel policy: no such format: pf; there are nft, iptables\n", CLI_FAILED, "policy", "rules",
		"office", "--format", "pf");
}

static void write_text(const char *file, const char *text)
{
	FILE *out = fopen(file, "w");

	fputs(text, out);
	fclose(out);
}

static void test_files(void)
{
	char file[64];

	snprintf(file, sizeof(file), "%s/x.yaml", directory);
	TYPE("export");
	write_text(file, typed.out);
	prints("nothing changes\n", "apply", "-f", file);
	prints("nothing changes\n", "apply", "-f", file, "--prune");
	TYPE("export", "office", "--json");
	write_text(file, typed.out);
	prints("nothing changes\n", "apply", "-f", file);
	write_text(file, "networks: [{name: lab, cidr: 10.20.0.0/24, listen_port: 9}]\n");
	prints("+ network lab\nthis is what would change; nothing was changed\n", "apply", "-f", file, "--dry-run");
	prints("+ network lab\n", "apply", "-f", file);
	write_text(file, "networks: [{name: lab, cidr: 10.20.0.1/24}]\n");
	TYPE("apply", "-f", file);
	is_int(typed.status, CLI_FAILED, "R2.1 a file with a fault");
	ok(strstr(typed.err, "has host bits set; is 10.20.0.0/24 meant?") && has_line(typed.err, "nothing was changed"),
	   "… is refused, with its place");
	write_text(file, "networks: []\n");
	prints("- network office\n- peer office/hub\n- peer office/laptop\n- group office/staff\n"
	       "- group office/guests\n- policy office/site\n- route office/lan\n- network lab\n"
	       "this is what would change; nothing was changed\n", "apply", "-f", file, "--prune", "-n");
	unlink(file);
	refuses("doppel export: there is no network \"nowhere\"\n", CLI_FAILED, "export", "nowhere");
}

static void test_usage(void)
{
	static char *const wrong[][8] = {
		{ "apply", NULL }, { "apply", "x.yaml", NULL }, { "export", "a", "b", NULL },
		{ "network", NULL }, { "network", "frob", NULL }, { "network", "list", "x", NULL },
		{ "network", "show", NULL }, { "network", "set", "office", NULL },
		{ "network", "list", "--domain", "x", NULL }, { "network", "show", "office", "-n", NULL },
		{ "network", "remove", "office", "--domain", "x", NULL },
		{ "peer", "list", NULL }, { "peer", "add", "office", NULL },
		{ "peer", "add", "office", "a", "b", NULL }, { "peer", "config", "office", NULL },
		{ "peer", "config", "office", "laptop", "--qr", "--json", NULL },
		{ "group", "set", "office", "staff", NULL }, { "policy", "add", "office", "p", "output allow", NULL },
		{ "policy", "set", "office", "site", NULL }, { "policy", "rules", NULL },
		{ "policy", "add", "office", "p", "output allow any tcp 1 2", NULL },
		{ "route", "add", "office", NULL }, { "dns", "add", "office", "lan", "nas", NULL },
		{ "dns", "list", NULL }, { "import", NULL },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		type(wrong[i]);
		is_int(typed.status, CLI_USAGE, "wrong usage %zu (%s) ends with 2", i, wrong[i][0]);
		ok(!typed.out_len && strstr(typed.err, "Usage: doppel "), "… and says how it is used");
	}
	TYPE("policy", "-h");
	ok(typed.status == CLI_DONE && strstr(typed.out, "output allow 192.168.1.0/24 tcp 80,443"),
	   "-h has an example of a rule");
}

int main(void)
{
	struct doppel_error error = {};
	struct config config = {};
	struct api *api;

	doppel_log_set_level(LOG_EMERG);
	scratch_make(directory);
	snprintf(world.path, sizeof(world.path), "%s/db", directory);
	snprintf(sock, sizeof(sock), "%s/sock", directory);
	world.ms = 1000;
	world.wall = 1790000000;		/* 2026-09-21T14:13:20Z */
	fake_start(&world, NULL);
	is_int(doppel_api_new(&(struct api_env){ .loop = EV_DEFAULT, .networks = world.networks,
						 .clock = &world.clock, .socket = sock,
						 .config_file = "/etc/x.yaml" },
			      &config, &api, &error), 0, "an agent");
	test_network();
	test_things();
	test_preshared_key();
	test_config();
	test_files();
	test_usage();
	doppel_api_free(api);
	fake_free(&world);
	scratch_remove(directory);
	free(typed.out);
	free(typed.err);
	return done_testing();
}
