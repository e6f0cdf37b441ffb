// SPDX-License-Identifier: GPL-2.0-only
/* Devices out of a running gateway, and into it: the document is export.h's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

static bool has_lease(const struct device *device)
{
	return doppel_dhcp4_lease(&device->dhcp4) || doppel_dhcp6_lease(&device->dhcp6) ||
	       device->slaac.count;
}

/* What is in use is newer than any export of it. */
static bool takes_leases(const struct device *device, const struct store_device *row)
{
	return row->discovered_at && !(device && has_lease(device));
}

/* What is told of it, where that is missing or older here. @device may be NULL. */
static struct store_device merge(const struct device *device, const struct store_device *row)
{
	struct store_device merged = *row;

	if (!device)
		return merged;
	if (!row->name[0])
		snprintf(merged.name, sizeof(merged.name), "%s", device->hostname);
	if (!doppel_looks_unknown(&device->dhcp4.config.looks))
		doppel_looks_format(&device->dhcp4.config.looks, merged.looks);
	if (device->lan_ipv4.s_addr)
		merged.lan_ipv4 = device->lan_ipv4;
	if (device->seen && device->discovered_at &&
	    (!row->discovered_at || device->discovered_at < row->discovered_at))
		merged.discovered_at = device->discovered_at;
	if (device->last_seen > row->last_seen)
		merged.last_seen = device->last_seen;
	snprintf(merged.status, sizeof(merged.status), "%s", doppel_device_status_name(device->status));
	return merged;
}

static int put_lease(struct store *store, const struct mac *mac, const char *protocol,
		     const struct buf *addresses, char *data)
{
	const struct store_lease lease = {
		.mac = *mac,
		.protocol = protocol,
		.addresses = addresses->data,
		.data = data,
	};
	int err = data && !addresses->failed ? 0 : -ENOMEM;

	if (!err && addresses->len)
		err = doppel_store_lease_put(store, &lease);
	free(data);
	return err;
}

static int put_leases(struct gateway *gateway, const struct import_device *imported)
{
	struct buf auto_buf text4 = { 0 }, text6 = { 0 }, text = { 0 };
	const struct mac *mac = &imported->row.mac;
	struct store *store = gateway->store;
	struct clock *clock = gateway->clock;
	int err = 0;

	if (imported->has4) {
		doppel_lease_format4(&imported->lease4, &text4);
		err = put_lease(store, mac, "dhcp4", &text4,
				doppel_lease_from_dhcp4(&imported->lease4, clock));
	}
	if (!err && imported->has6) {
		doppel_lease_format6(&imported->lease6, &text6);
		err = put_lease(store, mac, "dhcp6", &text6,
				doppel_lease_from_dhcp6(&imported->lease6, clock));
	}
	if (!err && imported->has_slaac) {
		doppel_lease_format_slaac(imported->slaac, imported->slaac_count, &text);
		err = put_lease(store, mac, "slaac", &text,
				doppel_lease_from_slaac(imported->slaac, imported->slaac_count,
							clock));
	}
	return err;
}

static int put(struct gateway *gateway, const struct import_device *imported)
{
	const struct device *device = doppel_gateway_find(gateway, &imported->row.mac);
	const struct store_device row = merge(device, &imported->row);
	int err = 0;

	for (size_t i = 0; !err && i < imported->forward_count; i++)
		err = doppel_store_forward_put(gateway->store, &imported->forwards[i]);
	if (!err && row.discovered_at)
		err = doppel_store_device_put(gateway->store, &row);
	if (!err && takes_leases(device, &imported->row))
		err = put_leases(gateway, imported);
	return err;
}

/* All of it in one transaction: on an error the store is as it was. */
static int put_all(struct gateway *gateway, const struct json_t *document, size_t count,
		   struct doppel_error *error)
{
	int err = doppel_store_commit(gateway->store);

	for (size_t i = 0; !err && i < count; i++) {
		static struct import_device imported;

		doppel_import_device(document, i, gateway->clock, &imported, error);
		err = put(gateway, &imported);
	}
	if (!err)
		err = doppel_store_commit(gateway->store);
	if (err)
		doppel_store_rollback(gateway->store);
	return err;
}

/* Those of the store, which are asked about as after a reboot. */
static void take_leases(struct device *device)
{
	doppel_device_stop(device, false);
	doppel_device_push(device);
	if (device->gateway->ready && device->in_module)
		doppel_device_start(device, false);
}

/* What the store has of it by now. */
static int take(struct gateway *gateway, const struct import_device *imported,
		struct import_counts *counts)
{
	struct device *device = doppel_gateway_find(gateway, &imported->row.mac);
	const struct store_device row = merge(device, &imported->row);

	counts->forwards += imported->forward_count;
	if (!device && row.discovered_at) {
		device = doppel_discovery_admit(gateway, &row.mac);
		if (!device)
			return -ENOMEM;
		counts->added++;
	}
	if (!device)
		return 0;
	snprintf(device->hostname, sizeof(device->hostname), "%s", row.name);
	doppel_looks_parse(row.looks, &device->dhcp4.config.looks);
	device->discovered_at = row.discovered_at;
	device->last_seen = row.last_seen;
	if (row.lan_ipv4.s_addr && !device->lan_ipv4.s_addr)
		doppel_claim_grant(device, row.lan_ipv4);
	if (row.discovered_at) {
		device->seen = device->stored = true;
		device->kept_lan = device->lan_ipv4;
	}
	device->keep_device = device->changed = true;
	if (takes_leases(device, &imported->row))
		take_leases(device);
	else if (imported->row.discovered_at)
		counts->kept++;
	doppel_forwards_push(device);
	doppel_device_settle(device);
	return 0;
}

int doppel_gateway_import(struct gateway *gateway, const struct json_t *document,
			  struct import_counts *counts, struct doppel_error *error)
{
	const size_t count = json_array_size(json_object_get(document, "devices"));
	int err = check_all(gateway, document, error);
	size_t i;

	*counts = (struct import_counts){ .devices = count };
	if (!err)
		err = put_all(gateway, document, count, error);
	for (i = 0; !err && i < count; i++) {
		static struct import_device imported;

		doppel_import_device(document, i, gateway->clock, &imported, error);
		err = take(gateway, &imported, counts);
	}
	return err;
}
