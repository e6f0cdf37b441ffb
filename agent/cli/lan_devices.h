/* SPDX-License-Identifier: GPL-2.0-only */
/* The gateway's LAN devices by their names, as targets of the WireGuard half's rules. */
#ifndef DOPPEL_CLI_LAN_DEVICES_H
#define DOPPEL_CLI_LAN_DEVICES_H

#include <netinet/in.h>

#include "gateway/config.h"

struct gateway;

struct lan_devices {
	struct gateway *gateway;	/* NULL: the box is none */
	const struct config *config;
};

/* Whether the file lists it. */
bool doppel_lan_devices_listed(const struct config *config, const char *name);
/* Whether the file lists it, or a device on the LAN calls itself so. */
bool doppel_lan_devices_known(const struct lan_devices *devices, const char *name);

/*
 * Its address on the LAN; false: it has none. @device is a MAC or a name. A name that the file lists
 * is that of the MAC there, whoever else calls itself so.
 */
bool doppel_lan_devices_ipv4(const struct lan_devices *devices, const char *device,
			     struct in_addr *ipv4);

#endif
