// SPDX-License-Identifier: GPL-2.0-only
/*
 * May this device have that LAN address? One frame proves nothing: whoever has the address now, and
 * the device itself at the address that it had, are asked first (ARP, unicast, by the kernel's
 * neighbour table); then the device at the new one. The new address counts when nobody answered the
 * first question and the device did the second.
 */
#include "base/clock.h"
#include "base/log.h"
#include "gateway/device.h"
#include "gateway/state.h"

#define ANSWER_MS 1000

static struct device *by_lan(struct map_node *node)
{
	return container_of(node, struct device, lan_node);
}

static struct device *by_claim(struct map_node *node)
{
	return container_of(node, struct device, claim.node);
}

struct device *doppel_claim_holder(const struct gateway *gateway, struct in_addr address,
				   const struct device *but)
{
	const struct map *map = &gateway->lan_addresses;
	struct map_node *node = doppel_map_find(map, &address);

	while (node && by_lan(node) == but)
		node = doppel_map_find_another(map, node);
	return node ? by_lan(node) : NULL;
}

void doppel_claim_grant(struct device *device, struct in_addr address)
{
	struct map *map = &device->gateway->lan_addresses;

	if (device->lan_ipv4.s_addr)
		doppel_map_del(map, &device->lan_node);
	device->lan_ipv4 = address;
	/* Without memory nobody has it; the next frame claims it again. */
	if (address.s_addr && doppel_map_add_another(map, &device->lan_node, &device->lan_ipv4))
		device->lan_ipv4.s_addr = 0;
}

static void ask(struct device *device, struct in_addr address)
{
	struct gateway *gateway = device->gateway;

	gateway->rtnetlink->neighbour_probe(gateway->rtnetlink, gateway->lan.ifindex, address,
					    &device->mac);
}

static void end(struct device *device)
{
	if (device->claim.stage != CLAIM_NONE)
		doppel_map_del(&device->gateway->claims, &device->claim.node);
	device->claim = (struct lan_claim){ .stage = CLAIM_NONE, .deadline = NEVER };
}

void doppel_claim_forget(struct device *device)
{
	end(device);
	doppel_claim_grant(device, (struct in_addr){ 0 });
}

static void accept_claim(struct device *device, struct in_addr address)
{
	struct device *holder = doppel_claim_holder(device->gateway, address, device);
	char text[DOPPEL_IP4_TEXT], mac[DOPPEL_MAC_TEXT];

	doppel_ip4_format(address, text);
	if (holder) {
		doppel_log(LOG_NOTICE, "lan: %s is no longer %s's", text,
			   doppel_mac_format(&holder->mac, mac));
		doppel_claim_grant(holder, (struct in_addr){ 0 });
		holder->keep_device = true;
		holder->changed = true;
		/* The module must let go of it before it is given away. */
		doppel_device_settle(holder);
	}
	if (device->lan_ipv4.s_addr)
		doppel_log(LOG_INFO, "lan: device %s moved to %s",
			   doppel_mac_format(&device->mac, mac), text);
	end(device);
	doppel_claim_grant(device, address);
	device->keep_device = true;
	device->changed = true;
}

/* Somebody has answered who should not, if the claim were true. */
static void deny(struct device *device, struct device *who)
{
	char text[DOPPEL_IP4_TEXT], mac[DOPPEL_MAC_TEXT];

	doppel_ip4_format(device->claim.address, text);
	doppel_mac_format(&device->mac, mac);
	end(device);
	doppel_log(LOG_DEBUG, "lan: %s also uses %s", mac, text);
	doppel_gateway_emit(device->gateway, GATEWAY_EVENT_CONFLICT, who,
			    "%s also uses %s on the LAN", mac, text);
}

void doppel_claim_begin(struct device *device, struct in_addr address)
{
	struct device *holder = doppel_claim_holder(device->gateway, address, device);
	struct lan_claim *claim = &device->claim;

	if (claim->stage != CLAIM_NONE)
		return;
	if (!holder && !device->lan_ipv4.s_addr) {
		accept_claim(device, address);
		return;
	}
	claim->address = address;
	if (doppel_map_add_another(&device->gateway->claims, &claim->node, &claim->address))
		return;
	claim->stage = CLAIM_ASK_OLD;
	claim->deadline = doppel_gateway_now(device->gateway) + ANSWER_MS;
	if (device->lan_ipv4.s_addr)
		ask(device, device->lan_ipv4);
	if (holder)
		ask(holder, address);
}

void doppel_claim_answer(struct gateway *gateway, const struct mac *mac, struct in_addr address)
{
	struct device *answering = doppel_gateway_find(gateway, mac);
	struct map_node *node, *next;

	if (!answering)
		return;
	if (answering->claim.stage == CLAIM_ASK_NEW &&
	    doppel_ip4_eq(answering->claim.address, address)) {
		accept_claim(answering, address);
		doppel_device_settle(answering);
		return;
	}
	if (!doppel_ip4_eq(answering->lan_ipv4, address))
		return;
	if (answering->claim.stage == CLAIM_ASK_OLD)
		deny(answering, answering);
	for (node = doppel_map_find(&gateway->claims, &address); node; node = next) {
		struct device *device = by_claim(node);

		next = doppel_map_find_another(&gateway->claims, node);
		if (device != answering && device->claim.stage == CLAIM_ASK_OLD)
			deny(device, answering);
	}
}

void doppel_claim_timeout(struct device *device)
{
	struct lan_claim *claim = &device->claim;
	const int64_t now = doppel_gateway_now(device->gateway);

	if (now < claim->deadline)
		return;
	if (claim->stage == CLAIM_ASK_OLD) {
		claim->stage = CLAIM_ASK_NEW;
		claim->deadline = now + ANSWER_MS;
		ask(device, claim->address);
	} else {
		/* Nobody is there: the frame was not its own. */
		end(device);
	}
}
