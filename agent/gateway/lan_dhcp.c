// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/lan_dhcp.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/config.h"

#define DELAY_MIN_S 1.0
#define DELAY_MAX_S 60.0
#define NO_DNS_LEASE_S 120	/* devices come back soon for the name servers: dnsmasq's shortest */
#define DNS_PORT 53
#define DNS_ON "\nport=53\n"
#define DNS_OFF "\nport=0\n"
#define DNS_AGAIN_S 10.0	/* until the next look at who has the port */
#define HEALTHY_S 30.0		/* ran that long: the next end is a new story */
#define PATIENCE_S 3		/* with a dnsmasq that was asked to end */

static void start(struct lan_dhcp *dhcp);
static void renew(struct lan_dhcp *dhcp);

static void keepers_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGCHLD);
}

/* It is asked to end, then made to. */
static void end_dnsmasq(pid_t child, const sigset_t *signals)
{
	const struct timespec patience = { .tv_sec = PATIENCE_S };

	kill(child, SIGTERM);
	while (waitpid(child, NULL, WNOHANG) != child)
		if (sigtimedwait(signals, NULL, &patience) < 0)
			kill(child, SIGKILL);
}

/*
 * The keeper: ends dnsmasq when asked to end, or when the agent is gone; ends itself when dnsmasq
 * does, with its status.
 */
static _Noreturn void keep(const char *file, pid_t agent)
{
	sigset_t signals, none;
	pid_t child;
	int sig, status;

	sigemptyset(&none);
	keepers_signals(&signals);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_NAME, "doppel-lan-dhcp");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != agent)
		_exit(0);
	/* The agent's sockets and its locks are none of dnsmasq's business. */
	syscall(SYS_close_range, 3, ~0U, 0);

	child = fork();
	if (!child) {
		signal(SIGINT, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execlp("dnsmasq", "dnsmasq", "--keep-in-foreground", "-C", file, (char *)NULL);
		_exit(127);
	}
	if (child < 0)
		_exit(126);
	while (!sigwait(&signals, &sig)) {
		if (sig == SIGTERM) {
			end_dnsmasq(child, &signals);
			_exit(0);
		}
		if (waitpid(child, &status, WNOHANG) == child)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 126);
	}
	_exit(126);
}

/*
 * The keeper is born with its signals blocked: an end() that follows at once must wait for its sigwait(),
 * and not run a handler that it has from the agent, after which nobody would end it.
 */
static pid_t fork_keeper(const char *file)
{
	const pid_t agent = getpid();
	sigset_t signals, before;
	pid_t pid;

	keepers_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid = fork();
	if (!pid)
		keep(file, agent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void start_in(struct lan_dhcp *dhcp, double delay_s)
{
	ev_timer_stop(dhcp->loop, &dhcp->restart);
	ev_timer_set(&dhcp->restart, delay_s, 0);
	ev_timer_start(dhcp->loop, &dhcp->restart);
}

static void retry_later(struct lan_dhcp *dhcp)
{
	if (ev_now(dhcp->loop) - dhcp->started > HEALTHY_S)
		dhcp->delay_s = DELAY_MIN_S;
	start_in(dhcp, dhcp->delay_s);
	dhcp->delay_s = dhcp->delay_s * 2 < DELAY_MAX_S ? dhcp->delay_s * 2 : DELAY_MAX_S;
}

static void on_end(struct ev_loop *loop, ev_child *child, int events)
{
	struct lan_dhcp *dhcp = child->data;
	int status = WIFEXITED(child->rstatus) ? WEXITSTATUS(child->rstatus) : -1;

	(void)events;
	ev_child_stop(loop, child);
	dhcp->keeper = 0;
	if (!dhcp->text)
		return;
	if (dhcp->ending) {
		start(dhcp);
		return;
	}
	doppel_log(LOG_ERR, "lan: dnsmasq ended (%s %d); again in %.0f s",
		   status == 127 ? "is it installed? status" : "status", status, dhcp->delay_s);
	retry_later(dhcp);
}

static void config_file(const struct lan_dhcp *dhcp, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/lan-dhcp.conf", dhcp->dir);
}

static bool taken(const struct lan_dhcp *dhcp, int type)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = dhcp->router,
		.sin_port = htons(dhcp->dns_port),
	};
	const int on = 1;
	int auto_close fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	/* What lingers of TCP is nobody; with UDP two could share the port without knowing. */
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd >= 0 &&
	       (bind(fd, (const struct sockaddr *)&address, sizeof(address)) ||
		(type == SOCK_STREAM && listen(fd, 1))) && errno == EADDRINUSE;
}

static bool dns_taken(const struct lan_dhcp *dhcp)
{
	return doppel_lan_dhcp_relays(dhcp) &&
	       (taken(dhcp, SOCK_DGRAM) || taken(dhcp, SOCK_STREAM));
}

/* dnsmasq would not even serve DHCP then. */
static void look_at_dns(struct lan_dhcp *dhcp)
{
	const bool before = dhcp->dns_taken;
	char text[DOPPEL_IP4_TEXT];

	dhcp->dns_taken = dns_taken(dhcp);
	if (dhcp->dns_taken && !before)
		doppel_log(LOG_WARNING, "lan: somebody else has port %u on %s, whom devices ask now: "
			   "let it ask the servers in %s/resolv.conf", dhcp->dns_port,
			   doppel_ip4_format(dhcp->router, text), dhcp->dir);
}

static void on_restart(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct lan_dhcp *dhcp = timer->data;

	(void)loop;
	(void)events;
	/* It may have been the dnsmasq of an agent before this one. */
	if (dhcp->keeper && dns_taken(dhcp)) {
		start_in(dhcp, DNS_AGAIN_S);
		return;
	}
	renew(dhcp);
}

static int write_config(const struct lan_dhcp *dhcp)
{
	const char *dns = dhcp->dns_taken ? strstr(dhcp->text, DNS_ON) : NULL;
	const int head = dns ? (int)(dns - dhcp->text) : 0;
	char path[PATH_MAX];
	FILE auto_fclose *file = NULL;

	if (mkdir(dhcp->dir, 0755) && errno != EEXIST)
		return -errno;
	config_file(dhcp, path);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%.*s%s%s", head, dhcp->text, dns ? DNS_OFF : "",
			     dns ? dns + strlen(DNS_ON) : dhcp->text) < 0 || fflush(file))
		return -errno;
	return 0;
}

static void start(struct lan_dhcp *dhcp)
{
	char path[PATH_MAX];
	pid_t pid = -1;
	int err;

	ev_timer_stop(dhcp->loop, &dhcp->restart);
	look_at_dns(dhcp);
	err = write_config(dhcp);
	dhcp->started = ev_now(dhcp->loop);
	config_file(dhcp, path);
	if (!err) {
		pid = fork_keeper(path);
		err = pid < 0 ? -errno : 0;
	}
	if (err) {
		doppel_log(LOG_ERR, "lan: cannot start dnsmasq: %s", strerror(-err));
		retry_later(dhcp);
		return;
	}
	dhcp->keeper = pid;
	dhcp->ending = false;
	ev_child_set(&dhcp->child, pid, 0);
	ev_child_start(dhcp->loop, &dhcp->child);
	if (dhcp->dns_taken)
		start_in(dhcp, DNS_AGAIN_S);
	doppel_log(LOG_INFO, "lan: dnsmasq serves DHCP");
}

/* on_end() comes when it has. */
static void end(struct lan_dhcp *dhcp)
{
	ev_timer_stop(dhcp->loop, &dhcp->restart);
	if (!dhcp->keeper || dhcp->ending)
		return;
	dhcp->ending = true;
	kill(dhcp->keeper, SIGTERM);
}

/* dnsmasq holds the LAN port's socket until it is gone: then the next one starts. */
static void renew(struct lan_dhcp *dhcp)
{
	if (dhcp->keeper)
		end(dhcp);
	else
		start(dhcp);
}

static void forget(struct lan_dhcp *dhcp)
{
	free(dhcp->text);
	dhcp->text = NULL;
}

/* dnsmasq does not start without a lease file that it can write. */
static void choose_leases(struct lan_dhcp *dhcp)
{
	int auto_close fd = -1;

	snprintf(dhcp->leases, sizeof(dhcp->leases), "%s/lan.leases", dhcp->state_dir);
	fd = open(dhcp->leases, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EROFS)
		snprintf(dhcp->leases, sizeof(dhcp->leases), "%s/lan.leases", dhcp->dir);
}

void doppel_lan_dhcp_init(struct lan_dhcp *dhcp, struct ev_loop *loop, const char *run_dir,
			  const char *state)
{
	char auto_free *copy = strdup(state);

	*dhcp = (struct lan_dhcp){ .loop = loop, .delay_s = DELAY_MIN_S, .dns_port = DNS_PORT };
	snprintf(dhcp->dir, sizeof(dhcp->dir), "%s", run_dir);
	snprintf(dhcp->state_dir, sizeof(dhcp->state_dir), "%s", copy ? dirname(copy) : run_dir);
	choose_leases(dhcp);
	ev_init(&dhcp->child, on_end);
	dhcp->child.data = dhcp;
	ev_init(&dhcp->restart, on_restart);
	dhcp->restart.data = dhcp;
}

/* DNS of its own, or none at all. */
static void render_dns(const struct lan_dhcp *dhcp, struct buf *text)
{
	unsigned int i;

	doppel_buf_printf(text, "port=%d\n", doppel_lan_dhcp_relays(dhcp) ? 53 : 0);
	for (i = 0; doppel_lan_dhcp_relays(dhcp) && i < dhcp->fallback_count; i++)
		doppel_buf_printf(text, "server=%s\n", dhcp->fallback[i]);
}

/* Whom the devices ask. */
static void render_servers(const struct lan_dhcp *dhcp, const char *router, struct buf *text)
{
	static const char option[] = "dhcp-option=option:dns-server,";
	char server[DOPPEL_IP4_TEXT];
	unsigned int i;

	for (i = 0; i < dhcp->dns_count; i++)
		doppel_buf_printf(text, "%s%s", i ? "," : option,
				  doppel_ip4_format(dhcp->dns[i], server));
	if (!i && doppel_lan_dhcp_relays(dhcp))
		doppel_buf_printf(text, "%s%s", option, router);
	for (; !dhcp->dns_count && !dhcp->relay && i < dhcp->fallback_count; i++)
		doppel_buf_printf(text, "%s%s", i ? "," : option, dhcp->fallback[i]);
	doppel_buf_printf(text, "\n");
}

void doppel_lan_dhcp_render(const struct lan_dhcp *dhcp, const struct config *config,
			    struct buf *text)
{
	char first[DOPPEL_IP4_TEXT], last[DOPPEL_IP4_TEXT], mask[DOPPEL_IP4_TEXT];
	char router[DOPPEL_IP4_TEXT];
	uint32_t lease_s = config->lan.dhcp.lease_s;

	if (!dhcp->dns_count && !dhcp->fallback_count && lease_s > NO_DNS_LEASE_S)
		lease_s = NO_DNS_LEASE_S;
	doppel_buf_printf(text,
		"# Written by doppel from its own configuration; changes are lost.\n");
	render_dns(dhcp, text);
	doppel_buf_printf(text,
		"interface=%s\n"
		"except-interface=lo\n"
		"bind-interfaces\n"
		"no-resolv\n"
		"no-hosts\n"
		"no-ping\n"
		"dhcp-authoritative\n"
		"dhcp-leasefile=%s\n"
		"pid-file=\n"
		"log-facility=-\n"
		"dhcp-range=%s,%s,%s,%u\n"
		"dhcp-option=option:router,%s\n",
		config->lan.interface, dhcp->leases,
		doppel_ip4_format(config->lan.dhcp.first, first),
		doppel_ip4_format(config->lan.dhcp.last, last),
		doppel_ip4_format(doppel_ip4_mask(config->lan.prefix_len), mask),
		lease_s, doppel_ip4_format(config->lan.address, router));
	render_servers(dhcp, router, text);
}

int doppel_lan_dhcp_apply(struct lan_dhcp *dhcp, const struct config *config)
{
	struct buf auto_buf text = { 0 };

	if (!config->lan.dhcp.on) {
		end(dhcp);
		forget(dhcp);
		return 0;
	}
	choose_leases(dhcp);
	doppel_lan_dhcp_render(dhcp, config, &text);
	if (text.failed)
		return -ENOMEM;
	if (dhcp->text && !strcmp(dhcp->text, text.data))
		return 0;
	forget(dhcp);
	dhcp->router = config->lan.address;
	dhcp->text = text.data;
	text = (struct buf){ 0 };
	dhcp->delay_s = DELAY_MIN_S;
	renew(dhcp);
	return 0;
}

bool doppel_lan_dhcp_set_dns(struct lan_dhcp *dhcp, const struct in_addr *dns, unsigned int count)
{
	unsigned int i;

	if (!count)
		return false;
	for (i = 0; dhcp->dns_count && i < count; i++)
		if (doppel_ip4_eq(dns[i], dhcp->dns[0]))
			return false;
	dhcp->dns_count = count < LAN_DNS_MAX ? count : LAN_DNS_MAX;
	memcpy(dhcp->dns, dns, dhcp->dns_count * sizeof(*dns));
	return true;
}

bool doppel_lan_dhcp_set_fallback(struct lan_dhcp *dhcp,
				  const char servers[LAN_DNS_MAX][LAN_SERVER_TEXT],
				  unsigned int count, bool relay)
{
	unsigned int i;
	bool same = dhcp->fallback_count == count && dhcp->relay == relay;

	if (!count)
		return false;
	for (i = 0; same && i < count; i++)
		same = !strcmp(dhcp->fallback[i], servers[i]);
	if (same)
		return false;
	dhcp->fallback_count = count;
	dhcp->relay = relay;
	memcpy(dhcp->fallback, servers, count * sizeof(dhcp->fallback[0]));
	return true;
}

bool doppel_lan_dhcp_relays(const struct lan_dhcp *dhcp)
{
	return dhcp->relay && dhcp->fallback_count;
}

void doppel_lan_dhcp_retry(struct lan_dhcp *dhcp)
{
	if (!dhcp->text || dhcp->keeper)
		return;
	dhcp->delay_s = DELAY_MIN_S;
	start(dhcp);
}

void doppel_lan_dhcp_stop(struct lan_dhcp *dhcp)
{
	end(dhcp);
	forget(dhcp);
	ev_child_stop(dhcp->loop, &dhcp->child);
	while (dhcp->keeper && waitpid(dhcp->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	dhcp->keeper = 0;
}

bool doppel_lan_dhcp_running(const struct lan_dhcp *dhcp)
{
	return dhcp->keeper > 0;
}
