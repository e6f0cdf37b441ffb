// SPDX-License-Identifier: GPL-2.0-only
/* Who is on the LAN: devices seen, moved, silent. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/looks.h"
#include "gateway/state.h"

#define POLL_MAX_MS 10000
#define POLL_MIN_MS 500
#define PROBES 3		/* unanswered, each a poll apart, before a device is silent */
#define REFUSED_LOG_MS 60000

/* An address that a device may have on the LAN, else zero. */
static struct in_addr lan_address(const struct gateway *gateway, struct in_addr ipv4)
{
	const struct config *config = gateway->config;

	if (!doppel_ip4_in_prefix(ipv4, config->lan.address, config->lan.prefix_len) ||
	    !doppel_ip4_is_host_in(ipv4, config->lan.prefix_len) ||
	    doppel_ip4_eq(ipv4, config->lan.address))
		return (struct in_addr){ 0 };
	return ipv4;
}

static void mark_seen(struct device *device, int64_t ago_ms)
{
	struct gateway *gateway = device->gateway;

	device->seen_ms = doppel_gateway_now(gateway) - ago_ms;
	device->last_seen = doppel_clock_wall_s(gateway->clock) - ago_ms / 1000;
	device->probes = 0;
	if (device->inactive) {
		device->inactive = false;
		device->changed = true;
	}
}

static bool admitted(struct gateway *gateway, const struct mac *mac)
{
	const struct config *config = gateway->config;
	const int64_t now = doppel_gateway_now(gateway);
	const char *why;
	char text[DOPPEL_MAC_TEXT];

	if (doppel_config_device(config, mac))
		return true;
	if (config->devices.listed_only)
		why = "it is not listed (devices.admit: listed)";
	else if (gateway->devices.count >= config->devices.max)
		why = "there are as many devices as devices.max allows";
	else
		return true;
	gateway->refused_at = doppel_clock_wall_s(gateway->clock);
	gateway->refused_mac = *mac;
	gateway->refused_why = why;
	if (!gateway->refused++ || now - gateway->refused_logged_ms > REFUSED_LOG_MS) {
		gateway->refused_logged_ms = now;
		doppel_log(LOG_WARNING, "lan: device %s is not let in: %s",
			   doppel_mac_format(mac, text), why);
	}
	return false;
}

struct device *doppel_discovery_admit(struct gateway *gateway, const struct mac *mac)
{
	struct device *device = doppel_gateway_find(gateway, mac);

	if (device || !admitted(gateway, mac))
		return device;
	if (doppel_device_new(gateway, mac, &device))
		return NULL;
	device->listed = doppel_config_device(gateway->config, mac);
	return device;
}

static void greet(struct device *device)
{
	struct gateway *gateway = device->gateway;
	char mac[DOPPEL_MAC_TEXT], ipv4[DOPPEL_IP4_TEXT] = "no address";

	if (device->lan_ipv4.s_addr)
		doppel_ip4_format(device->lan_ipv4, ipv4);
	device->seen = true;
	device->discovered_at = doppel_clock_wall_s(gateway->clock);
	device->keep_device = true;
	gateway->last_discovery = device->discovered_at;
	doppel_log(LOG_INFO, "lan: device %s found (%s)", doppel_mac_format(&device->mac, mac),
		   ipv4);
	doppel_gateway_emit(gateway, GATEWAY_EVENT_DEVICE_NEW, device, "found (%s)", ipv4);
}

void doppel_discovery_seen(struct gateway *gateway, const struct mac *mac, struct in_addr ipv4)
{
	const struct in_addr address = lan_address(gateway, ipv4);
	struct device *device;

	if (!doppel_mac_is_host(mac) || doppel_mac_eq(mac, &gateway->lan.mac) ||
	    doppel_mac_eq(mac, &gateway->wan.mac))
		return;
	/* Somebody of another network on this wire is no device. */
	if (ipv4.s_addr && !address.s_addr)
		return;
	device = doppel_discovery_admit(gateway, mac);
	if (!device)
		return;
	mark_seen(device, 0);
	if (address.s_addr && !doppel_ip4_eq(address, device->lan_ipv4))
		doppel_claim_begin(device, address);
	if (!device->seen)
		greet(device);
	/* The module must know the MAC before anything is said in its name. */
	doppel_device_push(device);
	if (gateway->ready && device->in_module)
		doppel_device_start(device, false);
	doppel_device_settle(device);
}

void doppel_discovery_neighbour(struct gateway *gateway, const struct port_event *event)
{
	struct device *device = doppel_gateway_find(gateway, &event->mac);

	if (event->ifindex != gateway->lan.ifindex)
		return;
	doppel_claim_answer(gateway, &event->mac, event->ipv4);
	/* The module tells of those that it knows; the neighbour table may be behind. */
	if (!device || !device->lan_ipv4.s_addr)
		doppel_discovery_seen(gateway, &event->mac, event->ipv4);
}

static void on_conflict(struct gateway *gateway, const struct module_event *event)
{
	struct device *device = doppel_gateway_find(gateway, &event->mac);
	char rival[DOPPEL_MAC_TEXT], address[DOPPEL_IP6_TEXT];

	if (!device)
		return;
	if (event->ipv4.s_addr)
		doppel_ip4_format(event->ipv4, address);
	else
		doppel_ip6_format(&event->ipv6, address);
	/* On the WAN the protocol machines have heard it too, and act. */
	doppel_gateway_emit(gateway, GATEWAY_EVENT_CONFLICT, device, "%s also claims %s on the %s",
			    doppel_mac_format(&event->other_mac, rival), address,
			    event->wan ? "WAN" : "LAN");
}

void doppel_discovery_event(const struct module_event *event, void *ctx)
{
	struct gateway *gateway = ctx;

	switch (event->kind) {
	case MODULE_EVENT_DEVICE_SEEN:
	case MODULE_EVENT_DEVICE_MOVED:
		doppel_discovery_seen(gateway, &event->mac, event->ipv4);
		break;
	case MODULE_EVENT_CONFLICT:
		on_conflict(gateway, event);
		break;
	case MODULE_EVENT_TABLE_FULL:
		doppel_log(LOG_WARNING, "module: its table of %s is full",
			   doppel_table_name(event->table));
		doppel_gateway_emit(gateway, GATEWAY_EVENT_TABLE_FULL, NULL,
				    "the module's table of %s is full",
				    doppel_table_name(event->table));
		break;
	case MODULE_EVENT_PORT_GONE:
		doppel_reconcile_lost(gateway, "the port %s went away",
				      event->wan ? gateway->config->wan.interface :
				      gateway->config->lan.interface);
		break;
	case MODULE_EVENT_CAME:
		doppel_log(LOG_NOTICE, "module: loaded");
		doppel_reconcile_soon(gateway);
		break;
	case MODULE_EVENT_WENT:
		doppel_reconcile_lost(gateway, "the module doppel was unloaded");
		break;
	case MODULE_EVENT_LOST:
		doppel_reconcile_soon(gateway);
		break;
	}
}

static int refresh(const struct module_device *now, void *ctx)
{
	struct gateway *gateway = ctx;
	struct device *device = doppel_gateway_find(gateway, &now->mac);
	bool was_inactive;

	if (!device)
		return 0;
	device->held.counters = now->counters;
	device->held.sessions = now->sessions;
	device->held.idle_ms = now->idle_ms;
	/* A device that was only ever told by the store or the file counts from when it was told. */
	if (doppel_gateway_now(gateway) - (int64_t)now->idle_ms > device->seen_ms) {
		was_inactive = device->inactive;
		mark_seen(device, now->idle_ms);
		if (was_inactive)
			doppel_device_settle(device);
	}
	return 0;
}

static void check_silence(struct device *device)
{
	struct gateway *gateway = device->gateway;
	const int64_t silent = doppel_gateway_now(gateway) - device->seen_ms;
	char mac[DOPPEL_MAC_TEXT];

	if (!device->seen || device->inactive ||
	    silent < gateway->config->devices.inactive_after_ms)
		return;
	if (device->lan_ipv4.s_addr && device->probes < PROBES) {
		device->probes++;
		gateway->rtnetlink->neighbour_probe(gateway->rtnetlink, gateway->lan.ifindex,
						    device->lan_ipv4, &device->mac);
		return;
	}
	doppel_log(LOG_INFO, "lan: device %s is silent", doppel_mac_format(&device->mac, mac));
	device->inactive = true;
	device->changed = true;
	doppel_device_settle(device);
}

/* A line of dnsmasq's lease file: expiry, MAC, address, name or "*", client id. */
static void read_hostnames(struct gateway *gateway)
{
	FILE auto_fclose *file = fopen(gateway->lan_dhcp.leases, "re");
	char line[512], mac_text[32], name[STORE_NAME_TEXT];

	while (file && fgets(line, sizeof(line), file)) {
		struct device *device;
		struct mac mac;

		if (sscanf(line, "%*s %31s %*s %63s", mac_text, name) != 2 ||
		    !strcmp(name, "*") || doppel_mac_parse(mac_text, &mac))
			continue;
		device = doppel_gateway_find(gateway, &mac);
		if (!device || !strcmp(device->hostname, name))
			continue;
		snprintf(device->hostname, sizeof(device->hostname), "%s", name);
		device->keep_device = true;
		device->changed = true;
		doppel_device_settle(device);
	}
}

void doppel_discovery_poll(struct gateway *gateway)
{
	int64_t interval = gateway->config->devices.inactive_after_ms / 4;

	if (interval > POLL_MAX_MS)
		interval = POLL_MAX_MS;
	if (interval < POLL_MIN_MS)
		interval = POLL_MIN_MS;
	gateway->poll_at = doppel_gateway_now(gateway) + interval;
	doppel_wall_watch(gateway);
	if (!gateway->ready ||
	    gateway->module->device_dump(gateway->module, refresh, gateway))
		return;
	if (gateway->config->lan.dhcp.on)
		read_hostnames(gateway);
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		check_silence(device);
		/* What the module refused may find its place now. */
		if (device->refusal[0])
			doppel_device_settle(device);
	}
}

static int restore(const struct store_device *stored, void *ctx)
{
	struct gateway *gateway = ctx;
	struct device *device;
	int err;

	if (!doppel_mac_is_host(&stored->mac) || !admitted(gateway, &stored->mac))
		return 0;
	err = doppel_device_new(gateway, &stored->mac, &device);
	if (err)
		return err;
	snprintf(device->hostname, sizeof(device->hostname), "%s", stored->name);
	if (doppel_looks_parse(stored->looks, &device->dhcp4.config.looks))
		doppel_log(LOG_WARNING, "store: a device's looks that cannot be read: listening anew");
	doppel_claim_grant(device, lan_address(gateway, stored->lan_ipv4));
	device->seen = device->stored = true;
	device->kept_lan = device->lan_ipv4;
	/* It may be gone by now: it shows itself, or is silent for as long as any other. */
	device->inactive = !strcmp(stored->status, "inactive");
	device->discovered_at = stored->discovered_at;
	device->last_seen = stored->last_seen;
	if (stored->discovered_at > gateway->last_discovery)
		gateway->last_discovery = stored->discovered_at;
	return 0;
}

int doppel_discovery_restore(struct gateway *gateway)
{
	int err = doppel_store_device_foreach(gateway->store, restore, gateway);

	doppel_servers_restore(gateway);
	return err ? err : doppel_discovery_list(gateway);
}

int doppel_discovery_list(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	size_t i;

	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		device->listed = doppel_config_device(config, &device->mac);
		/* The LAN may be another network now. */
		doppel_claim_grant(device, lan_address(gateway, device->lan_ipv4));
		/* Known from the file alone, and no longer in it. */
		if (!device->listed && !device->seen)
			doppel_device_free(device);
	}
	for (i = 0; i < config->devices.count; i++) {
		struct device *device = doppel_gateway_find(gateway, &config->devices.list[i].mac);

		if (!device) {
			int err = doppel_device_new(gateway, &config->devices.list[i].mac, &device);

			if (err)
				return err;
		}
		device->listed = &config->devices.list[i];
		doppel_device_settle(device);
	}
	return 0;
}
