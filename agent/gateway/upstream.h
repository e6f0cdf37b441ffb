/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who speaks on the WAN: what only shows when all that is heard is looked at together, for diagnosis.
 * Nothing is decided by it.
 */
#ifndef DOPPEL_GATEWAY_UPSTREAM_H
#define DOPPEL_GATEWAY_UPSTREAM_H

#include "gateway/frame.h"
#include "gateway/negotiation.h"

#define UPSTREAM_SERVERS_MAX 4

struct gateway;

struct upstream_server {
	struct server_id id;
	/* As it names itself, v4-mapped; of DHCPv6, where the frame came from: itself or a relay. */
	struct in6_addr address;
	struct mac mac;			/* where the frame came from: itself, a relay or a router */
	int64_t heard_ms;		/* last */
};

/* The last ones that were heard, of one protocol. */
struct upstream_servers {
	struct upstream_server list[UPSTREAM_SERVERS_MAX];
	unsigned int count;
};

struct upstream {
	struct upstream_servers dhcp4, dhcp6;
	int64_t quiet_until;		/* nobody is told of another server before */
	struct mac looped;		/* who is on the LAN, and was heard on the WAN; */
	int64_t looped_ms;		/* when; 0: nobody */
};

void doppel_upstream_hear(struct gateway *gateway, const struct packet *packet);

#endif
