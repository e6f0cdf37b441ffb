// SPDX-License-Identifier: GPL-2.0-only
/* What the networks' name servers are told, and that they run. */
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "scratch.h"
#include "wg_world.h"
#include "wireguard/names.h"

#define HEAD "# Written by doppel from its own configuration; changes are lost.\n"
#define DUAL									\
	"networks:\n"								\
	"  - {name: office, ip_stack_mode: dual, ipv4_cidr: 10.10.0.0/24, ipv6_cidr: \"fd00:10::/64\",\n"	\
	"     dns: {upstream: [192.0.2.53, \"2001:db8::53\"]}, domain: office.example,\n"	\
	"     peers: [{name: hub, jump: true}, {name: laptop}],\n"		\
	"     routes: [{name: lan, destination: 192.168.1.0/24, via: hub,\n"	\
	"               dns: [{name: printer, address: 192.168.1.50}]},\n"	\
	"              {name: lab, destination: \"2001:db8:1::/48\", via: hub,\n"	\
	"               dns: [{name: scope, address: \"2001:db8:1::5\"}]}]}\n"
#define WITHOUT_LAPTOP								\
	"networks:\n"								\
	"  - {name: office, ip_stack_mode: dual, ipv4_cidr: 10.10.0.0/24, ipv6_cidr: \"fd00:10::/64\",\n"	\
	"     dns: {upstream: [192.0.2.53, \"2001:db8::53\"]}, domain: office.example,\n"	\
	"     peers: [{name: hub, jump: true}]}\n"
#define FOUR									\
	"networks: [{name: four, cidr: 10.4.0.0/22, dns: {}, interface: wg4,\n"	\
	"            peers: [{name: Hub, jump: true}]}]\n"
#define NONE "networks: [{name: office, cidr: 10.10.0.0/24, peers: [{name: hub, jump: true}]}]\n"

static void check_records(const char *yaml, const char *want, const char *name)
{
	struct wg_world world = wg_world(yaml);
	struct buf auto_buf text = { 0 };

	doppel_wg_names_records(&world.site->networks[0], &text);
	is_str(text.data, want, "%s", name);
	wg_world_end(&world);
}

static void check_config(const char *yaml, const char *want, const char *name)
{
	struct wg_world world = wg_world(yaml);
	struct buf auto_buf text = { 0 };

	doppel_wg_names_config(&world.site->networks[0], "/run/x.hosts", &text);
	is_str(text.data, want, "%s", name);
	wg_world_end(&world);
}

static void test_texts(void)
{
	check_records(DUAL,
		      HEAD
		      "10.10.0.1 hub.office.example\n"
		      "fd00:10::1 hub.office.example\n"
		      "10.10.0.2 laptop.office.example\n"
		      "fd00:10::2 laptop.office.example\n"
		      "192.168.1.50 printer.office.example\n"
		      "2001:db8:1::5 scope.office.example\n",
		      "R5.1 R5.2 R5.3 R8.2 R8.3 peers and mappings, in each family that they have");
	check_records(WITHOUT_LAPTOP,
		      HEAD
		      "10.10.0.1 hub.office.example\n"
		      "fd00:10::1 hub.office.example\n",
		      "R5.5 R8.5 nothing of a peer and of routes that are gone");
	check_records(FOUR, HEAD "10.4.0.1 Hub.four.internal\n", "R5.1 one family alone");
	check_config(DUAL,
		     HEAD
		     "interface=wg-office\n"
		     "except-interface=lo\n"
		     "bind-dynamic\n"
		     "no-resolv\n"
		     "no-hosts\n"
		     "addn-hosts=/run/x.hosts\n"
		     "pid-file=\n"
		     "log-facility=-\n"
		     "local=/office.example/\n"
		     "rev-server=10.10.0.0/24\n"
		     "rev-server=fd00:10::/64\n"
		     "server=192.0.2.53\n"
		     "server=2001:db8::53\n",
		     "both families, two upstream servers");
	check_config(FOUR,
		     HEAD
		     "interface=wg4\n"
		     "except-interface=lo\n"
		     "bind-dynamic\n"
		     "no-resolv\n"
		     "no-hosts\n"
		     "addn-hosts=/run/x.hosts\n"
		     "pid-file=\n"
		     "log-facility=-\n"
		     "local=/four.internal/\n"
		     "rev-server=10.4.0.0/22\n",
		     "one family, no upstream server");
}

/* The agent's files are here, and dnsmasq is: this program under its name. */
static char dir[SCRATCH_SIZE];

static void make_dnsmasq(void)
{
	char path[64];

	scratch_make(dir);
	snprintf(path, sizeof(path), "%s/dnsmasq", dir);
	if (symlink("/proc/self/exe", path))
		abort();
	setenv("PATH", dir, 1);
}

static FILE *open_beside(const char *config, const char *what, const char *mode)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s.%s", config, what);
	file = fopen(path, mode);
	if (!file)
		abort();
	return file;
}

/* It writes down beside its file that it was started, told to read again, and ended; and who it is. */
static int be_dnsmasq(const char *config)
{
	FILE *tally = open_beside(config, "tally", "ae"), *pid = open_beside(config, "pid", "we");
	sigset_t signals;
	int sig;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGHUP, SIG_DFL);
	fprintf(pid, "%d\n", getpid());
	fclose(pid);
	setlinebuf(tally);
	fprintf(tally, "start\n");
	while (!sigwait(&signals, &sig) && sig == SIGHUP)
		fprintf(tally, "again\n");
	fprintf(tally, "end\n");
	fclose(tally);
	return 0;
}

static void clean_up(void)
{
	is_int(scratch_remove(dir), 0, "cleaned up");
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

static void run(double seconds)
{
	ev_timer timer;

	ev_now_update(EV_DEFAULT);
	ev_timer_init(&timer, on_deadline, seconds, 0);
	ev_timer_start(EV_DEFAULT, &timer);
	ev_run(EV_DEFAULT, 0);
	ev_timer_stop(EV_DEFAULT, &timer);
}

static void read_file(const char *path, char *text, size_t room)
{
	FILE *file = fopen(path, "re");

	text[file ? fread(text, 1, room - 1, file) : 0] = '\0';
	if (file)
		fclose(file);
}

/* Until the network's dnsmasq has written it, or five seconds are over. */
static void wait_for(const char *network, const char *want, const char *name)
{
	char path[96], text[256] = "";
	int i;

	snprintf(path, sizeof(path), "%s/names-%s.conf.tally", dir, network);
	for (i = 0; i < 100 && strcmp(text, want); i++) {
		run(0.05);
		read_file(path, text, sizeof(text));
	}
	is_str(text, want, "%s", name);
}

static void kill_dnsmasq(const char *network)
{
	char path[96], text[32];

	snprintf(path, sizeof(path), "%s/names-%s.conf.pid", dir, network);
	read_file(path, text, sizeof(text));
	ok(atoi(text) > 1 && !kill(atoi(text), SIGKILL), "killed");
}

static void apply(struct wg_names *names, const char *yaml)
{
	struct wg_world world = wg_world(yaml);
	struct doppel_error error = { 0 };

	is_int(doppel_wg_names_apply(names, &world.site[0], &error), 0, "applied");
	is_str(error.text, "", "… without a complaint");
	wg_world_end(&world);
}

static void check_file(const char *name, const char *part, bool wanted)
{
	char path[96], text[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	read_file(path, text, sizeof(text));
	is_int(strstr(text, part) != NULL, wanted, "%s says%s %s", name, wanted ? "" : " no more", part);
}

static void test_server(void)
{
	struct wg_names *names;

	make_dnsmasq();
	names = doppel_wg_names_new(EV_DEFAULT, dir);
	apply(names, DUAL);
	wait_for("office", "start\n", "a network with DNS has a server");
	check_file("names-office.hosts", "laptop", true);
	apply(names, DUAL);
	run(0.3);
	wait_for("office", "start\n", "the same again: it is left alone");
	apply(names, WITHOUT_LAPTOP);
	check_file("names-office.hosts", "laptop", false);
	wait_for("office", "start\nagain\n", "other records: it reads them, and goes on");
	apply(names, FOUR);
	wait_for("office", "start\nagain\nend\n", "another network instead: the one's ends");
	check_file("names-office.conf", "interface", false);
	wait_for("four", "start\n", "… and the other's starts");
	check_file("names-four.conf", "interface=wg4", true);
	kill_dnsmasq("four");
	wait_for("four", "start\nstart\n", "one that is killed is there again");
	apply(names, NONE);
	wait_for("four", "start\nstart\nend\n", "a network without DNS has none");
	apply(names, FOUR);
	wait_for("four", "start\nstart\nend\nstart\n", "and one again when it has DNS again");
	doppel_wg_names_free(names);
	wait_for("four", "start\nstart\nend\nstart\nend\n", "none is left in the end");
	clean_up();
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[0], "dnsmasq"))
		return be_dnsmasq(argv[3]);
	doppel_log_set_level(LOG_CRIT);
	test_texts();
	test_server();
	return done_testing();
}
