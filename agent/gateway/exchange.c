// SPDX-License-Identifier: GPL-2.0-only
/* Devices out of a running gateway, and into it: the document is export.h's. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/export.h"
#include "gateway/forwards.h"
#include "gateway/looks.h"
#include "gateway/state.h"

int doppel_gateway_export(struct gateway *gateway, struct json_t **document)
{
	doppel_keep_now(gateway);
	*document = doppel_export(gateway->store, gateway->clock);
	return *document ? 0 : -ENOMEM;
}

/* What is right in itself may not fit here. */
static void check_here(struct gateway *gateway, const struct import_device *imported, size_t index,
		       struct doppel_error *error)
{
	const struct config *config = gateway->config;
	const struct store_device *row = &imported->row;
	const struct device *known = doppel_gateway_find(gateway, &row->mac);
	const struct device *holder = row->lan_ipv4.s_addr ?
		doppel_claim_holder(gateway, row->lan_ipv4, known) : NULL;
	char mac[DOPPEL_MAC_TEXT], text[DOPPEL_IP4_TEXT], lan[DOPPEL_IP4_TEXT];

	if (!known && config->devices.listed_only && !doppel_config_device(config, &row->mac))
		doppel_error_add(error, "devices[%zu].mac_address: %s is not listed (devices.admit: listed)",
				 index, doppel_mac_format(&row->mac, mac));
	if (row->lan_ipv4.s_addr &&
	    (!doppel_ip4_in_prefix(row->lan_ipv4, config->lan.address, config->lan.prefix_len) ||
	     doppel_ip4_eq(row->lan_ipv4, config->lan.address)))
		doppel_error_add(error, "devices[%zu].ipv4_address: %s cannot be a device's on the LAN %s/%u",
				 index, doppel_ip4_format(row->lan_ipv4, text),
				 doppel_ip4_format(config->lan.address, lan), config->lan.prefix_len);
	if (holder)
		doppel_error_add(error, "devices[%zu].ipv4_address: %s is the device %s's here", index,
				 doppel_ip4_format(row->lan_ipv4, text),
				 doppel_mac_format(&holder->mac, mac));
}

static int check_all(struct gateway *gateway, const struct json_t *document, struct doppel_error *error)
{
	const size_t count = json_array_size(json_object_get(document, "devices"));
	size_t i, more = 0;

	if (doppel_import_check(document, gateway->clock, error))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		static struct import_device imported;

		doppel_import_device(document, i, gateway->clock, &imported, error);
		check_here(gateway, &imported, i, error);
		more += imported.row.discovered_at &&
			!doppel_gateway_find(gateway, &imported.row.mac);
	}
	if (more && gateway->devices.count + more > gateway->config->devices.max)
		doppel_error_add(error, "devices: %zu are new, %zu are here, and devices.max allows %u", more,
				 gateway->devices.count, gateway->config->devices.max);
	return error->count ? -EINVAL : 0;
}

static void put_lease(struct gateway *gateway, const struct mac *mac, const char *protocol,
		      const struct buf *addresses, char *data)
{
	const struct store_lease lease = {
		.mac = *mac,
		.protocol = protocol,
		.addresses = addresses->data,
		.data = data,
	};

	if (data && addresses->len)
		doppel_store_lease_put(gateway->store, &lease);
	free(data);
}

static void put_leases(struct gateway *gateway, const struct import_device *imported)
{
	struct buf auto_buf text4 = { 0 }, text6 = { 0 }, text = { 0 };
	const struct mac *mac = &imported->row.mac;
	struct clock *clock = gateway->clock;

	if (imported->has4) {
		doppel_lease_format4(&imported->lease4, &text4);
		put_lease(gateway, mac, "dhcp4", &text4,
			  doppel_lease_from_dhcp4(&imported->lease4, clock));
	}
	if (imported->has6) {
		doppel_lease_format6(&imported->lease6, &text6);
		put_lease(gateway, mac, "dhcp6", &text6,
			  doppel_lease_from_dhcp6(&imported->lease6, clock));
	}
	if (imported->has_slaac) {
		doppel_lease_format_slaac(imported->slaac, imported->slaac_count, &text);
		put_lease(gateway, mac, "slaac", &text,
			  doppel_lease_from_slaac(imported->slaac, imported->slaac_count, clock));
	}
}

static bool has_lease(const struct device *device)
{
	return doppel_dhcp4_lease(&device->dhcp4) || doppel_dhcp6_lease(&device->dhcp6) ||
	       device->slaac.count;
}

/* Its leases are asked about as after a reboot. */
static int take_leases(struct device *device, const struct import_device *imported)
{
	int err;

	doppel_device_stop(device, false);
	doppel_store_device_put(device->gateway->store, &imported->row);
	device->stored = true;
	device->kept_lan = device->lan_ipv4;
	put_leases(device->gateway, imported);
	err = doppel_device_restore(device);
	if (err)
		return err;
	doppel_device_push(device);
	if (device->gateway->ready && device->in_module)
		doppel_device_start(device, false);
	return 0;
}

static int take(struct gateway *gateway, const struct import_device *imported,
		struct import_counts *counts)
{
	const struct store_device *row = &imported->row;
	struct device *device = doppel_gateway_find(gateway, &row->mac);
	int err = 0;

	for (size_t i = 0; i < imported->forward_count; i++)
		doppel_store_forward_put(gateway->store, &imported->forwards[i]);
	counts->forwards += imported->forward_count;
	if (!device && row->discovered_at) {
		device = doppel_discovery_admit(gateway, &row->mac);
		if (!device)
			return -ENOMEM;
		counts->added++;
	}
	if (!device)
		return 0;
	if (row->discovered_at && (!device->seen || !device->discovered_at ||
				   row->discovered_at < device->discovered_at))
		device->discovered_at = row->discovered_at;
	if (row->name[0])
		snprintf(device->hostname, sizeof(device->hostname), "%s", row->name);
	if (doppel_looks_unknown(&device->dhcp4.config.looks))
		doppel_looks_parse(row->looks, &device->dhcp4.config.looks);
	if (row->lan_ipv4.s_addr && !device->lan_ipv4.s_addr)
		doppel_claim_grant(device, row->lan_ipv4);
	if (row->last_seen > device->last_seen)
		device->last_seen = row->last_seen;
	device->seen |= row->discovered_at != 0;
	device->keep_device = device->changed = true;
	/* What is in use is newer than any export of it. */
	if (row->discovered_at && has_lease(device))
		counts->kept++;
	else if (row->discovered_at)
		err = take_leases(device, imported);
	doppel_forwards_push(device);
	doppel_device_settle(device);
	return err;
}

int doppel_gateway_import(struct gateway *gateway, const struct json_t *document,
			  struct import_counts *counts, struct doppel_error *error)
{
	const size_t count = json_array_size(json_object_get(document, "devices"));
	int err = check_all(gateway, document, error);
	size_t i;

	*counts = (struct import_counts){ .devices = count };
	for (i = 0; !err && i < count; i++) {
		static struct import_device imported;

		doppel_import_device(document, i, gateway->clock, &imported, error);
		err = take(gateway, &imported, counts);
	}
	return err;
}
