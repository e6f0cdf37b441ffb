// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the agent does by itself when the kernel tells or a delay has passed: who asks for it wants no
 * delay, and to see it done although nobody told. Only a port that somebody has set down stays down until
 * somebody asks.
 */
#include "gateway/device.h"
#include "gateway/state.h"

static bool has_all(const struct device *device)
{
	const enum device_status status = doppel_device_status(device);

	return status == DEVICE_ACTIVE || status == DEVICE_INACTIVE;
}

void doppel_gateway_repair(struct gateway *gateway)
{
	/* Ports up, LAN address, sysctls, the module's tables; then routes, mappings, name servers. */
	gateway->attempts = 0;
	doppel_reconcile(gateway);
	doppel_lan_dhcp_retry(&gateway->lan_dhcp);
	doppel_keep_now(gateway);
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		if (!has_all(device))
			doppel_device_retry(device);
	}
}
