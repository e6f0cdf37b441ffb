// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/lan_dhcp.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/list.h"
#include "base/log.h"
#include "gateway/config.h"

#define NO_DNS_LEASE_S 120	/* devices come back soon for the name servers: dnsmasq's shortest */
#define DNS_PORT 53
#define DNS_ON "\nport=53\n"
#define DNS_OFF "\nport=0\n"
#define DNS_AGAIN_S 10.0	/* until the next look at who has the port */

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

static void look_again(struct lan_dhcp *dhcp)
{
	ev_timer_set(&dhcp->look, DNS_AGAIN_S, 0);
	ev_timer_start(dhcp->loop, &dhcp->look);
}

/* It may have been the dnsmasq of an agent before this one. */
static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct lan_dhcp *dhcp = timer->data;

	(void)loop;
	(void)events;
	if (!doppel_keeper_running(&dhcp->keeper))
		return;
	if (dns_taken(dhcp))
		look_again(dhcp);
	else
		doppel_keeper_start(&dhcp->keeper);
}

static int write_config(const struct lan_dhcp *dhcp)
{
	const char *dns = dhcp->dns_taken ? strstr(dhcp->text, DNS_ON) : NULL;
	const int head = dns ? (int)(dns - dhcp->text) : 0;
	FILE auto_fclose *file = NULL;

	if (mkdir(dhcp->dir, 0755) && errno != EEXIST)
		return -errno;
	file = fopen(dhcp->file, "we");
	if (!file || fprintf(file, "%.*s%s%s", head, dhcp->text, dns ? DNS_OFF : "",
			     dns ? dns + strlen(DNS_ON) : dhcp->text) < 0 || fflush(file))
		return -errno;
	return 0;
}

static int prepare(struct keeper *keeper)
{
	struct lan_dhcp *dhcp = container_of(keeper, struct lan_dhcp, keeper);

	ev_timer_stop(dhcp->loop, &dhcp->look);
	look_at_dns(dhcp);
	if (dhcp->dns_taken)
		look_again(dhcp);
	return write_config(dhcp);
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

	*dhcp = (struct lan_dhcp){ .loop = loop, .dns_port = DNS_PORT };
	snprintf(dhcp->dir, sizeof(dhcp->dir), "%s", run_dir);
	snprintf(dhcp->file, sizeof(dhcp->file), "%s/lan-dhcp.conf", run_dir);
	snprintf(dhcp->state_dir, sizeof(dhcp->state_dir), "%s", copy ? dirname(copy) : run_dir);
	choose_leases(dhcp);
	doppel_keeper_init(&dhcp->keeper, loop, "doppel-lan-dhcp");
	dhcp->argv[0] = "dnsmasq";
	dhcp->argv[1] = "--keep-in-foreground";
	dhcp->argv[2] = "-C";
	dhcp->argv[3] = dhcp->file;
	dhcp->keeper.subject = "lan";
	dhcp->keeper.argv = dhcp->argv;
	dhcp->keeper.prepare = prepare;
	ev_init(&dhcp->look, on_look);
	dhcp->look.data = dhcp;
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
		ev_timer_stop(dhcp->loop, &dhcp->look);
		doppel_keeper_stop(&dhcp->keeper);
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
	doppel_keeper_start(&dhcp->keeper);
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
	if (dhcp->text && !doppel_keeper_running(&dhcp->keeper))
		doppel_keeper_start(&dhcp->keeper);
}

void doppel_lan_dhcp_stop(struct lan_dhcp *dhcp)
{
	ev_timer_stop(dhcp->loop, &dhcp->look);
	doppel_keeper_close(&dhcp->keeper);
	forget(dhcp);
}

bool doppel_lan_dhcp_running(const struct lan_dhcp *dhcp)
{
	return doppel_keeper_running(&dhcp->keeper);
}
