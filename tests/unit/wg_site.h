/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A site for tests, straight from YAML: each peer has the addresses that the file gives it, and none
 * besides; expired is what has expired by the clock. The LAN has a printer, and devices by MAC.
 */
#ifndef DOPPEL_TESTS_WG_SITE_H
#define DOPPEL_TESTS_WG_SITE_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wg_world.h"
#include "wireguard/rules.h"

#define PRINTER "192.168.1.50"

static inline bool site_knows(void *ctx, const char *name)
{
	(void)ctx;
	return !strcmp(name, "printer") || !strcmp(name, "gone");
}

static const struct wg_devices site_devices = { .known = site_knows };

/* A device whose MAC ends in :07 is at 192.168.1.7; "gone" is nowhere. */
static inline bool site_ipv4(void *ctx, const char *device, struct in_addr *ipv4)
{
	struct mac mac;

	(void)ctx;
	if (!strcmp(device, "printer"))
		return !doppel_ip4_parse(PRINTER, ipv4);
	if (doppel_mac_parse(device, &mac))
		return false;
	ipv4->s_addr = htonl(192u << 24 | 168u << 16 | 1u << 8 | mac.b[5]);
	return true;
}

static const struct wg_lan site_lan = { .ipv4 = site_ipv4 };

static inline void site_assign(struct wg_assignment *assignment, const struct wg_network *network)
{
	size_t i;

	assignment->network = network;
	assignment->members = calloc(network->peer_count + 1, sizeof(*assignment->members));
	for (i = 0; i < network->peer_count; i++) {
		const struct wg_peer *peer = &network->peers[i];
		struct wg_member *member = &assignment->members[i];

		member->peer = peer;
		member->has_ipv4 = peer->has_ipv4;
		member->has_ipv6 = peer->has_ipv6;
		member->ipv4 = peer->ipv4;
		member->ipv6 = peer->ipv6;
		member->expired = peer->expires && peer->expires <= time(NULL);
		if (peer->jump)
			assignment->jump = member;
	}
}

static inline void site_free(struct wg_site *site)
{
	size_t i;

	for (i = 0; i < site->network_count; i++)
		free(site->networks[i].members);
	free(site->networks);
	doppel_wg_document_free((struct wg_document *)site->document);
}

/* False, and why in @error. */
static inline bool site_read(const char *text, struct wg_site *site, struct doppel_error *error)
{
	struct wg_document *document;
	size_t i;

	if (wg_world_read(text, &site_devices, &document, error))
		return false;
	*site = (struct wg_site){
		.document = document,
		.networks = calloc(document->network_count + 1, sizeof(*site->networks)),
		.network_count = document->network_count,
	};
	for (i = 0; i < document->network_count; i++)
		site_assign(&site->networks[i], &document->networks[i]);
	return true;
}

#endif
