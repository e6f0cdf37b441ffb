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
#include "gateway/looks.h"
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

/* 0 is for no addresses at all. */
static uint32_t digest(const char *addresses)
{
	uint32_t hash;

	if (!addresses || !*addresses)
		return 0;
	hash = doppel_map_hash(addresses, strlen(addresses));
	return hash ? hash : 1;
}

/* The first end of one of them. */
static int64_t slaac_until(const struct slaac *slaac)
{
	int64_t until = NEVER;
	unsigned int i;

	for (i = 0; i < slaac->count; i++)
		if (doppel_slaac_in_use(&slaac->addresses[i]))
			until = doppel_earlier(until, slaac->addresses[i].valid_until);
	return until;
}

/* False: it is not in the store, and is tried again. */
static bool put_lease(struct device *device, const char *protocol, const struct buf *addresses,
		      const char *data, int64_t until, struct kept_lease *kept)
{
	const struct store_lease lease = {
		.mac = device->mac,
		.protocol = protocol,
		.addresses = addresses->data,
		.data = data,
	};

	struct store *store = device->gateway->store;
	int err;

	if (addresses->failed || (addresses->len && !data))
		err = -ENOMEM;
	else if (addresses->len)
		err = doppel_store_lease_put(store, &lease);
	else
		err = doppel_store_lease_del(store, &device->mac, protocol);
	if (err)
		return false;
	*kept = (struct kept_lease){ .digest = digest(addresses->data), .until = until };
	return true;
}

/* What the store has leads to the same addresses, and will until long after the next burst. */
static bool may_wait(const struct device *device, const struct buf *addresses,
		     const struct kept_lease *kept)
{
	return digest(addresses->data) == kept->digest &&
	       kept->until > doppel_gateway_now(device->gateway) + 2 * KEEP_MS;
}

static void write_device(struct device *device)
{
	struct store_device row = {
		.mac = device->mac,
		.lan_ipv4 = device->lan_ipv4,
		.discovered_at = device->discovered_at,
		.last_seen = device->last_seen,
	};

	snprintf(row.name, sizeof(row.name), "%s", device->hostname);
	snprintf(row.status, sizeof(row.status), "%s", doppel_device_status_name(device->status));
	doppel_looks_format(&device->dhcp4.config.looks, row.looks);
	if (doppel_store_device_put(device->gateway->store, &row))
		return;
	device->stored = true;
	device->kept_lan = device->lan_ipv4;
	device->keep_device = false;
}

static void keep4(struct device *device, bool now)
{
	const struct dhcp4_lease *lease = doppel_dhcp4_lease(&device->dhcp4);
	struct buf auto_buf addresses = { 0 };
	char auto_free *data = NULL;

	if (lease)
		doppel_lease_format4(lease, &addresses);
	if (!now && may_wait(device, &addresses, &device->kept4))
		return;
	if (lease)
		data = doppel_lease_from_dhcp4(lease, device->gateway->clock);
	device->keep4 = !put_lease(device, "dhcp4", &addresses, data,
				   lease ? doppel_dhcp4_expiry_ms(lease) : NEVER, &device->kept4);
}

static void keep6(struct device *device, bool now)
{
	const struct dhcp6_lease *lease = doppel_dhcp6_lease(&device->dhcp6);
	struct buf auto_buf addresses = { 0 };
	char auto_free *data = NULL;

	if (lease)
		doppel_lease_format6(lease, &addresses);
	if (!now && may_wait(device, &addresses, &device->kept6))
		return;
	if (lease)
		data = doppel_lease_from_dhcp6(lease, device->gateway->clock);
	device->keep6 = !put_lease(device, "dhcp6", &addresses, data,
				   lease ? doppel_dhcp6_expiry_ms(lease) : NEVER, &device->kept6);
}

/*
 * Each advertisement lets all of them live on. What the store has is as good as new while most of its
 * time is left: the next advertisement comes long before its end.
 */
static bool good_enough(const struct device *device, const struct buf *addresses)
{
	const struct kept_lease *kept = &device->kept_slaac;
	const int64_t now = doppel_gateway_now(device->gateway);

	return digest(addresses->data) == kept->digest &&
	       (kept->until - now) / 3 > (slaac_until(&device->slaac) - now) / 4;
}

static void keep_slaac(struct device *device, bool now)
{
	const struct slaac *slaac = &device->slaac;
	struct buf auto_buf addresses = { 0 };
	char auto_free *data = NULL;

	doppel_lease_format_slaac(slaac->addresses, slaac->count, &addresses);
	device->keep_slaac = !good_enough(device, &addresses);
	if (!device->keep_slaac || (!now && may_wait(device, &addresses, &device->kept_slaac)))
		return;
	if (addresses.len)
		data = doppel_lease_from_slaac(slaac->addresses, slaac->count,
					       device->gateway->clock);
	device->keep_slaac = !put_lease(device, "slaac", &addresses, data, slaac_until(slaac),
					&device->kept_slaac);
}

static void keep(struct device *device, bool now)
{
	const bool leases = device->keep4 || device->keep6 || device->keep_slaac;

	if (!device->seen || !(device->keep_device || leases))
		return;
	/* Leases hang on their device's row. */
	if (!device->stored ||
	    (device->keep_device && (now || !doppel_ip4_eq(device->lan_ipv4, device->kept_lan))))
		write_device(device);
	/* Leases of the store that no machine has taken over yet are still the best that is known. */
	if (device->keep4 && device->negotiating)
		keep4(device, now);
	if (device->keep6 && device->negotiating)
		keep6(device, now);
	if (device->keep_slaac && device->negotiating)
		keep_slaac(device, now);
	if (device->keep_device || device->keep4 || device->keep6 || device->keep_slaac)
		doppel_keep_soon(device->gateway);
}

void doppel_device_keep(struct device *device)
{
	keep(device, false);
}

void doppel_device_changed(struct device *device)
{
	device->keep_device = true;
	device->keep4 |= doppel_dhcp4_lease(&device->dhcp4) != NULL;
	device->keep6 |= doppel_dhcp6_lease(&device->dhcp6) != NULL;
	device->keep_slaac |= device->slaac.count > 0;
	device->kept_slaac.digest = 0;
}

void doppel_device_write(struct device *device)
{
	keep(device, true);
}

static int take_lease(const struct store_lease *lease, void *ctx)
{
	struct device *device = ctx;
	struct restored_leases *restored = device->restored;
	struct clock *clock = device->gateway->clock;
	const struct kept_lease kept = { .digest = digest(lease->addresses), .until = 0 };
	int err = 0;

	if (!strcmp(lease->protocol, "dhcp4")) {
		err = doppel_lease_to_dhcp4(lease->data, clock, &restored->lease4);
		restored->dhcp4 = !err;
		device->kept4 = kept;
		if (!err)
			device->kept4.until = doppel_dhcp4_expiry_ms(&restored->lease4);
	} else if (!strcmp(lease->protocol, "dhcp6")) {
		err = doppel_lease_to_dhcp6(lease->data, clock, &restored->lease6);
		restored->dhcp6 = !err;
		device->kept6 = kept;
		if (!err)
			device->kept6.until = doppel_dhcp6_expiry_ms(&restored->lease6);
	} else if (!strcmp(lease->protocol, "slaac")) {
		err = doppel_lease_to_slaac(lease->data, clock, restored->slaac,
					    &restored->slaac_count);
		device->kept_slaac = kept;
	}
	if (err)
		doppel_log(LOG_WARNING, "store: a %s lease that cannot be read: asking anew",
			   lease->protocol);
	return 0;
}

int doppel_device_restore(struct device *device)
{
	free(device->restored);
	device->restored = calloc(1, sizeof(*device->restored));
	if (!device->restored)
		return -ENOMEM;
	return doppel_store_lease_foreach(device->gateway->store, &device->mac, take_lease,
					  device);
}
