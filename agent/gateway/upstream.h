/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who speaks on the WAN: what only shows when all that is heard is looked at together, for diagnosis.
 * Nothing is decided by it.
 */
#ifndef DOPPEL_GATEWAY_UPSTREAM_H
#define DOPPEL_GATEWAY_UPSTREAM_H

#include "gateway/frame.h"

#define UPSTREAM_SERVERS_MAX 4

struct gateway;

struct upstream_server {
	struct in_addr address;		/* as it names itself: option 54 */
	struct mac mac;			/* where the frame came from: itself, a relay or a router */
	int64_t heard_ms;		/* last */
};

struct upstream {
	struct upstream_server servers[UPSTREAM_SERVERS_MAX];	/* of DHCPv4, the last that were heard */
	unsigned int server_count;
	struct mac looped;		/* who is on the LAN, and was heard on the WAN; */
	int64_t looped_ms;		/* when; 0: nobody */
};

void doppel_upstream_hear(struct gateway *gateway, const struct packet *packet);

#endif
