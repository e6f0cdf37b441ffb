// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports and module brought to what they should be. Only differences are changed, so that sessions
 * go on through the agent's death; a module that is new gets everything, from leases that are still
 * held, without a word on the WAN.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/forwards.h"
#include "gateway/state.h"
#include "kernel/packet.h"

#define RETRY_MS 1000
#define RETRY_CAP_MS 5000

void doppel_reconcile_after(struct gateway *gateway, int64_t ms)
{
	gateway->reconcile_at = doppel_earlier(gateway->reconcile_at,
					       doppel_gateway_now(gateway) + ms);
}

void doppel_reconcile_soon(struct gateway *gateway)
{
	doppel_reconcile_after(gateway, 0);
}

static void not_ready(struct gateway *gateway)
{
	gateway->ready = false;
	gateway->mapping_count = 0;
	doppel_pace_clear(&gateway->pace);
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		/* Unless the module says otherwise, when it is asked. */
		device->in_module = false;
		device->forward_count = 0;
	}
}

void doppel_reconcile_lost(struct gateway *gateway, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(gateway->problem, sizeof(gateway->problem), fmt, args);
	va_end(args);
	doppel_log(LOG_WARNING, "gateway: %s", gateway->problem);
	not_ready(gateway);
	doppel_lend_close(gateway);
	doppel_gateway_emit(gateway, GATEWAY_EVENT_MODULE, NULL, "%s", gateway->problem);
	doppel_reconcile_soon(gateway);
}

static int refused(struct gateway *gateway, int err)
{
	snprintf(gateway->problem, sizeof(gateway->problem), "the module refuses: %s",
		 gateway->module->message[0] ? gateway->module->message : strerror(-err));
	return err;
}

const char *doppel_reconcile_beyond(const struct config *config)
{
	if (config->filter_forward)
		return "filter: forward";
	if (config->mappings.count)
		return "mappings";
	if (config->nat64.mode == CONFIG_NAT64_PREFIX)
		return "nat64_prefix";
	return config->wan.lend == CONFIG_LEND_MAC ? "wan.lend" : "";
}

/* The module's gateway as it is now, and the filter that the file wants. */
static int set_filter(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	struct module_gateway *held = &gateway->held;
	struct module_gateway wanted;
	int err = gateway->module->gateway_get(gateway->module, held);

	if (err)
		return refused(gateway, err);
	if (!held->lends) {
		if (*doppel_reconcile_beyond(config))
			doppel_log(LOG_WARNING,
				   "module: version %s is older than this agent and does not know %s",
				   held->version, doppel_reconcile_beyond(config));
		return 0;
	}
	if (held->filter_forward == config->filter_forward)
		return 0;
	wanted = *held;
	wanted.filter_forward = config->filter_forward;
	err = gateway->module->gateway_set(gateway->module, &wanted, MODULE_FILTER);
	if (err)
		return refused(gateway, err);
	held->filter_forward = wanted.filter_forward;
	return 0;
}

static int set_gateway(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	struct doppel_link *module = gateway->module;
	const struct module_gateway wanted = {
		.lan_ifindex = gateway->lan.ifindex,
		.wan_ifindex = gateway->wan.ifindex,
		.lan_ipv4 = config->lan.address,
		.lan_prefix_len = config->lan.prefix_len,
		.own = config->wan.identity == CONFIG_OWN,
		.max_devices = config->devices.max,
	};
	struct module_gateway held;
	int err = module->gateway_get(module, &held);

	/* Another LAN network takes every device's address away, and so every session. */
	if (!err && (held.lan_ifindex != wanted.lan_ifindex ||
		     held.wan_ifindex != wanted.wan_ifindex ||
		     !doppel_ip4_eq(held.lan_ipv4, wanted.lan_ipv4) ||
		     held.lan_prefix_len != wanted.lan_prefix_len)) {
		doppel_log(LOG_NOTICE,
			   "module: its gateway is on other ports or another LAN: made anew");
		module->gateway_del(module);
		err = -ENOENT;
	}
	if (!err && held.own == wanted.own && held.max_devices == wanted.max_devices)
		return 0;
	err = module->gateway_set(module, &wanted, MODULE_PORTS);
	return err ? refused(gateway, err) : 0;
}

static int see_device(const struct module_device *held, void *ctx)
{
	struct gateway *gateway = ctx;
	struct device *device = doppel_gateway_find(gateway, &held->mac);

	if (!device || !device->seen)
		device = doppel_adopt(gateway, held);
	if (!device) {
		char text[DOPPEL_MAC_TEXT];

		doppel_log(LOG_NOTICE, "module: device %s is not ours: removed",
			   doppel_mac_format(&held->mac, text));
		gateway->module->device_del(gateway->module, &held->mac);
		return 0;
	}
	device->held = *held;
	device->in_module = true;
	return 0;
}

static int see_forward(const struct module_forward *held, void *ctx)
{
	struct device *device = doppel_gateway_find(ctx, &held->mac);

	return device && device->in_module ? doppel_forwards_held(device, held) : 0;
}

static int see_mapping(const struct module_mapping *held, void *ctx)
{
	doppel_names_held(ctx, held);
	return doppel_mappings_held(ctx, held);
}

/* What the module has, as it says itself. */
static int look_at_module(struct gateway *gateway)
{
	struct doppel_link *module = gateway->module;
	int err;

	not_ready(gateway);
	err = module->device_dump(module, see_device, gateway);
	if (!err)
		err = module->forward_dump(module, see_forward, gateway);
	if (!err && gateway->held.lends)
		err = module->mapping_dump(module, see_mapping, gateway);
	if (err)
		snprintf(gateway->problem, sizeof(gateway->problem),
			 "the module's tables cannot be read: %s", strerror(-err));
	return err;
}

static void push_all(struct gateway *gateway)
{
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);
		const bool forwarding = device->in_module;

		if (!device->seen)
			continue;
		if (forwarding) {
			/* Before anything is compared: its machines know the addresses in use. */
			doppel_device_start(device, true);
			if (device->adopted)
				doppel_forwards_adopt(device);
			doppel_forwards_push(device);
		} else {
			doppel_device_push(device);
			if (device->in_module)
				doppel_device_start(device, false);
		}
		doppel_device_settle(device);
	}
}

static int bind_packet(struct gateway *gateway)
{
	int err;

	if (gateway->bound == gateway->wan.ifindex)
		return 0;
	err = gateway->packet->bind(gateway->packet, gateway->wan.ifindex);
	if (err)
		snprintf(gateway->problem, sizeof(gateway->problem),
			 "the packet socket cannot be bound to %s: %s", gateway->wan.name,
			 strerror(-err));
	else
		gateway->bound = gateway->wan.ifindex;
	return err;
}

static int bring_up(struct gateway *gateway)
{
	int err = doppel_ports_prepare(gateway);

	if (err)
		return err;
	doppel_lan_listen_bind(gateway);
	if (!gateway->module->present(gateway->module)) {
		snprintf(gateway->problem, sizeof(gateway->problem),
			 "the module doppel is not loaded (modprobe doppel)");
		return -ENOENT;
	}
	err = set_gateway(gateway);
	if (!err)
		err = set_filter(gateway);
	if (!err)
		err = doppel_ports_open_wan(gateway);
	if (!err)
		err = look_at_module(gateway);
	if (!err)
		err = bind_packet(gateway);
	return err;
}

static void on_neighbour(const struct port_event *event, void *ctx)
{
	doppel_discovery_neighbour(ctx, event);
}

static void retry_later(struct gateway *gateway, const char *before)
{
	int64_t delay = RETRY_MS * (int64_t)(gateway->attempts + 1);

	if (strcmp(gateway->problem, before))
		doppel_log(LOG_WARNING, "gateway: %s; trying again", gateway->problem);
	not_ready(gateway);
	doppel_lend_close(gateway);
	gateway->attempts++;
	gateway->reconcile_at = doppel_gateway_now(gateway) +
				(delay < RETRY_CAP_MS ? delay : RETRY_CAP_MS);
}

void doppel_reconcile(struct gateway *gateway)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	char before[GATEWAY_PROBLEM_MAX];
	const bool was_ready = gateway->ready;

	snprintf(before, sizeof(before), "%s", gateway->problem);
	gateway->reconcile_at = NEVER;
	if (bring_up(gateway)) {
		retry_later(gateway, before);
	} else {
		gateway->problem[0] = '\0';
		gateway->attempts = 0;
		gateway->ready = true;
		gateway->lending.stale = true;
		gateway->names.quiet_until = 0;
		push_all(gateway);
		doppel_gateway_settle_after(gateway, 0);
	}
	/* The LAN is served whether the module is there or not; leases may have named DNS servers. */
	if (gateway->lan.up)
		doppel_lan_dhcp_apply(&gateway->lan_dhcp, gateway->config);
	if (!gateway->ready)
		return;
	/* Who was there before us has no reason to be seen again soon. */
	rt->neighbour_dump(rt, gateway->lan.ifindex, on_neighbour, gateway);
	gateway->poll_at = doppel_gateway_now(gateway);
	if (was_ready)
		return;
	doppel_log(LOG_NOTICE, "gateway: %s and %s joined, %zu devices known", gateway->lan.name,
		   gateway->wan.name, gateway->devices.count);
	doppel_gateway_emit(gateway, GATEWAY_EVENT_MODULE, NULL, "the gateway is set");
}
