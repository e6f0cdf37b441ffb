/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DHCP on the LAN port, and DNS where devices cannot ask the WAN's name servers themselves: dnsmasq
 * as a supervised child, with a configuration of our own making.
 */
#ifndef DOPPEL_GATEWAY_LAN_DHCP_H
#define DOPPEL_GATEWAY_LAN_DHCP_H

#include <ev.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/keeper.h"

struct buf;
struct config;

#define LAN_DNS_MAX 4
#define LAN_SERVER_TEXT 64	/* an address and a port's name */

struct lan_dhcp {
	struct ev_loop *loop;
	char dir[PATH_MAX - 64];	/* for the configuration */
	char state_dir[PATH_MAX - 64];
	char leases[PATH_MAX];		/* the lease file: there, or in dir while that cannot be written */
	struct in_addr dns[LAN_DNS_MAX];	/* the WAN's, for the devices */
	unsigned int dns_count;
	/* What stands in for them while there are none: see doppel_lan_dhcp_set_fallback(). */
	char fallback[LAN_DNS_MAX][LAN_SERVER_TEXT];
	unsigned int fallback_count;
	bool relay;
	struct in_addr router;		/* the box on the LAN */
	uint16_t dns_port;		/* 53, but in tests */
	bool dns_taken;			/* somebody else answers there: dnsmasq does DHCP only */
	char *text;			/* the running configuration; NULL: not wanted */
	char file[PATH_MAX];
	const char *argv[5];
	struct keeper keeper;
	ev_timer look;			/* at who has the port of DNS */
};

/* The lease file is kept beside the state file, where the disk lets it. */
void doppel_lan_dhcp_init(struct lan_dhcp *dhcp, struct ev_loop *loop, const char *run_dir,
			  const char *state);

/*
 * Bring the server to what the file says: start, restart, end or leave it as it is. Nothing is waited
 * for: what is to end is followed by what is to start from the event loop.
 */
int doppel_lan_dhcp_apply(struct lan_dhcp *dhcp, const struct config *config);

/*
 * The WAN's name servers, as a lease names them. Devices ask them from their own WAN addresses. Kept
 * as they are while the new list still has the first of them. True if they changed: apply.
 */
bool doppel_lan_dhcp_set_dns(struct lan_dhcp *dhcp, const struct in_addr *dns, unsigned int count);

/*
 * Other name servers, in dnsmasq's words. With @relay dnsmasq asks them, and devices ask the box;
 * else devices are told to ask them. None: those of before stay. True if they changed: apply.
 */
bool doppel_lan_dhcp_set_fallback(struct lan_dhcp *dhcp,
				  const char servers[LAN_DNS_MAX][LAN_SERVER_TEXT],
				  unsigned int count, bool relay);

/* Whether dnsmasq answers DNS, too. */
bool doppel_lan_dhcp_relays(const struct lan_dhcp *dhcp);

/* Do not wait for the next start, if it does not run. */
void doppel_lan_dhcp_retry(struct lan_dhcp *dhcp);
/* For good: waits until it has ended, some seconds at most. */
void doppel_lan_dhcp_stop(struct lan_dhcp *dhcp);
bool doppel_lan_dhcp_running(const struct lan_dhcp *dhcp);

/* dnsmasq's configuration for the file; for tests. */
void doppel_lan_dhcp_render(const struct lan_dhcp *dhcp, const struct config *config,
			    struct buf *text);

#endif
