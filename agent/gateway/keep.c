// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the store is written. What would be missed after a crash is committed with the event that
 * brought it: a new device, lease or forward, an address that is lost. All else waits for the next
 * burst, of which there is one a minute, so that a thousand renewals and router advertisements do not
 * wear the flash out; with it comes the sync that makes what was committed outlive a power cut.
 */
#include "base/log.h"
#include "gateway/device.h"
#include "gateway/forwards.h"
#include "gateway/state.h"

void doppel_keep_soon(struct gateway *gateway)
{
	if (gateway->keep_at == NEVER)
		gateway->keep_at = doppel_gateway_now(gateway) + KEEP_MS;
}

void doppel_keep_commit(struct gateway *gateway)
{
	if (!doppel_store_dirty(gateway->store))
		return;
	doppel_store_commit(gateway->store);
	doppel_keep_soon(gateway);
}

void doppel_keep_all(struct gateway *gateway)
{
	doppel_gateway_keep_secret(gateway);
	doppel_names_keep(gateway);
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		device->stored = false;
		doppel_device_changed(device);
		doppel_forwards_adopt(device);
	}
}

void doppel_keep_now(struct gateway *gateway)
{
	gateway->keep_at = NEVER;
	if (doppel_store_losses(gateway->store) != gateway->losses) {
		gateway->losses = doppel_store_losses(gateway->store);
		doppel_keep_all(gateway);
	}
	doppel_map_foreach(node, &gateway->devices)
		doppel_device_write(doppel_device_of(node));
	doppel_store_commit(gateway->store);
	if (*doppel_store_problem(gateway->store) && !doppel_store_recover(gateway->store) &&
	    gateway->lan_dhcp.text)
		doppel_lan_dhcp_apply(&gateway->lan_dhcp, gateway->config);
	if (doppel_store_sync(gateway->store))
		doppel_log(LOG_DEBUG, "store: not synced");
	if (*doppel_store_problem(gateway->store))
		doppel_keep_soon(gateway);
}

void doppel_keep_timeout(struct gateway *gateway)
{
	if (doppel_gateway_now(gateway) >= gateway->keep_at)
		doppel_keep_now(gateway);
}
