// SPDX-License-Identifier: GPL-2.0-only
/* A device's settings to the module, its leases to the store and back. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/device.h"
#include "gateway/forwards.h"
#include "gateway/lease.h"
#include "gateway/state.h"

static bool same_addresses(const struct module_device *a, const struct module_device *b)
{
	size_t i;

	if (a->wan_ipv6_count != b->wan_ipv6_count)
		return false;
	for (i = 0; i < a->wan_ipv6_count; i++)
		if (!doppel_ip6_eq(&a->wan_ipv6[i].ipv6, &b->wan_ipv6[i].ipv6) ||
		    a->wan_ipv6[i].prefix_len != b->wan_ipv6[i].prefix_len)
			return false;
	return true;
}

/* Which settings differ, as MODULE_ bits. */
static unsigned int difference(const struct module_device *a, const struct module_device *b)
{
	unsigned int what = 0;

	if (!doppel_ip4_eq(a->lan_ipv4, b->lan_ipv4))
		what |= MODULE_LAN_IPV4;
	if (!doppel_ip4_eq(a->wan_ipv4, b->wan_ipv4) || a->wan_prefix_len != b->wan_prefix_len ||
	    !doppel_ip4_eq(a->wan_router, b->wan_router))
		what |= MODULE_WAN_IPV4;
	if (!doppel_ip6_eq(&a->link_local, &b->link_local))
		what |= MODULE_LINK_LOCAL;
	if (!same_addresses(a, b))
		what |= MODULE_WAN_IPV6;
	if (!doppel_ip6_eq(&a->wan_router6, &b->wan_router6))
		what |= MODULE_WAN_ROUTER6;
	return what;
}

static int refused(struct device *device, int err)
{
	const char *message = device->gateway->module->message;

	snprintf(device->refusal, sizeof(device->refusal), "%.120s",
		 message[0] ? message : strerror(-err));
	device->changed = true;
	return err;
}

int doppel_device_push(struct device *device)
{
	struct doppel_link *module = device->gateway->module;
	struct module_device wanted;
	unsigned int what;
	int err = 0;

	if (!device->gateway->ready || !device->seen)
		return 0;
	doppel_device_wanted(device, &wanted);
	what = device->in_module ? difference(&wanted, &device->held) : MODULE_ALL;
	if (!what && !device->refusal[0])
		return 0;
	if (!device->in_module)
		err = module->device_add(module, &wanted);
	else if (what)
		err = module->device_set(module, &wanted, what);
	if (err)
		return refused(device, err);
	/* Counters and the rest of a reply stay as they were read last. */
	wanted.counters = device->held.counters;
	wanted.sessions = device->held.sessions;
	wanted.idle_ms = device->held.idle_ms;
	device->held = wanted;
	device->refusal[0] = '\0';
	device->changed = true;
	if (!device->in_module) {
		device->in_module = true;
		device->forward_count = 0;
		return doppel_forwards_push(device);
	}
	return 0;
}

int doppel_device_remove(struct device *device)
{
	struct doppel_link *module = device->gateway->module;
	int err = 0;

	if (device->in_module)
		err = module->device_del(module, &device->mac);
	device->in_module = false;
	device->forward_count = 0;
	device->held = (struct module_device){ .mac = device->mac };
	doppel_gateway_settle_after(device->gateway, 0);
	return err;
}

static void put_lease(struct device *device, const char *protocol, const char *addresses,
		      const char *data)
{
	const struct store_lease lease = {
		.mac = device->mac,
		.protocol = protocol,
		.addresses = addresses,
		.data = data,
	};

	if (data && addresses && addresses[0])
		doppel_store_lease_put(device->gateway->store, &lease);
	else
		doppel_store_lease_del(device->gateway->store, &device->mac, protocol);
}

static void keep4(struct device *device)
{
	const struct dhcp4_lease *lease = doppel_dhcp4_lease(&device->dhcp4);
	char auto_free *data = lease ? doppel_lease_from_dhcp4(lease, device->gateway->clock) : NULL;
	char address[DOPPEL_IP4_TEXT] = "", text[DOPPEL_IP4_TEXT + 4] = "";

	if (lease)
		snprintf(text, sizeof(text), "%s/%u", doppel_ip4_format(lease->address, address),
			 lease->prefix_len);
	put_lease(device, "dhcp4", text, data);
}

static void add_address(struct buf *buf, const struct in6_addr *address)
{
	char text[DOPPEL_IP6_TEXT];

	doppel_buf_printf(buf, "%s%s", buf->len ? ", " : "", doppel_ip6_format(address, text));
}

static void keep6(struct device *device)
{
	const struct dhcp6_lease *lease = doppel_dhcp6_lease(&device->dhcp6);
	char auto_free *data = lease ? doppel_lease_from_dhcp6(lease, device->gateway->clock) : NULL;
	struct buf auto_buf addresses = { 0 };
	unsigned int i;

	for (i = 0; lease && i < lease->address_count; i++)
		add_address(&addresses, &lease->addresses[i].address);
	put_lease(device, "dhcp6", addresses.data, data);
}

static void keep_slaac(struct device *device)
{
	const struct slaac *slaac = &device->slaac;
	char auto_free *data = doppel_lease_from_slaac(slaac->addresses, slaac->count,
						       device->gateway->clock);
	struct buf auto_buf addresses = { 0 };
	unsigned int i;

	for (i = 0; i < slaac->count; i++)
		if (slaac->addresses[i].state == SLAAC_PREFERRED ||
		    slaac->addresses[i].state == SLAAC_DEPRECATED)
			add_address(&addresses, &slaac->addresses[i].address);
	put_lease(device, "slaac", addresses.data, data);
}

void doppel_device_keep(struct device *device)
{
	struct store_device row = {
		.mac = device->mac,
		.lan_ipv4 = device->lan_ipv4,
		.discovered_at = device->discovered_at,
		.last_seen = device->last_seen,
	};

	if (!device->seen)
		return;
	if (device->keep_device) {
		snprintf(row.name, sizeof(row.name), "%s", device->hostname);
		snprintf(row.status, sizeof(row.status), "%s",
			 doppel_device_status_name(device->status));
		doppel_store_device_put(device->gateway->store, &row);
	}
	if (device->keep4)
		keep4(device);
	if (device->keep6)
		keep6(device);
	if (device->keep_slaac)
		keep_slaac(device);
	device->keep_device = device->keep4 = device->keep6 = device->keep_slaac = false;
}

static int take_lease(const struct store_lease *lease, void *ctx)
{
	struct device *device = ctx;
	struct restored_leases *restored = device->restored;
	struct clock *clock = device->gateway->clock;
	int err = 0;

	if (!strcmp(lease->protocol, "dhcp4")) {
		err = doppel_lease_to_dhcp4(lease->data, clock, &restored->lease4);
		restored->dhcp4 = !err;
	} else if (!strcmp(lease->protocol, "dhcp6")) {
		err = doppel_lease_to_dhcp6(lease->data, clock, &restored->lease6);
		restored->dhcp6 = !err;
	} else if (!strcmp(lease->protocol, "slaac")) {
		err = doppel_lease_to_slaac(lease->data, clock, restored->slaac,
					    &restored->slaac_count);
	}
	if (err)
		doppel_log(LOG_WARNING, "store: a %s lease that cannot be read: asking anew",
			   lease->protocol);
	return 0;
}

int doppel_device_restore(struct device *device)
{
	device->restored = calloc(1, sizeof(*device->restored));
	if (!device->restored)
		return -ENOMEM;
	return doppel_store_lease_foreach(device->gateway->store, &device->mac, take_lease,
					  device);
}
