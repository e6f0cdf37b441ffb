// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which devices an ARP or neighbour packet of the WAN concerns: those whose address it speaks of,
 * in use or being tried, and the one whose MAC it was sent to. Found by an index, as such packets
 * are many and devices are, too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/device.h"
#include "gateway/state.h"

#define ADDRESSES_MAX (2 + SLAAC_ADDRESSES_MAX + 2 * DHCP6_ADDRESSES_MAX)

struct device_address {
	struct map_node node;
	struct in6_addr address;	/* IPv4 ones v4-mapped */
	struct device *device;
};

static unsigned int gather_lease(const struct dhcp6_lease *lease,
				 struct in6_addr list[ADDRESSES_MAX], unsigned int count)
{
	unsigned int i;

	for (i = 0; i < lease->address_count; i++)
		list[count++] = lease->addresses[i].address;
	return count;
}

static unsigned int gather(const struct device *device, struct in6_addr list[ADDRESSES_MAX])
{
	unsigned int i, count = 0;

	if (!device->negotiating)
		return 0;
	if (device->dhcp4.acd.address.s_addr)
		list[count++] = doppel_ip6_v4mapped(device->dhcp4.acd.address);
	list[count++] = device->slaac.link_local;
	for (i = 0; i < device->slaac.count; i++)
		list[count++] = device->slaac.addresses[i].address;
	count = gather_lease(&device->dhcp6.lease, list, count);
	return device->dhcp6.offer ? gather_lease(&device->dhcp6.offer->lease, list, count) : count;
}

static bool same(const struct device *device, const struct in6_addr *list, unsigned int count)
{
	unsigned int i;

	if (device->address_count != count)
		return false;
	for (i = 0; i < count; i++)
		if (!doppel_ip6_eq(&device->addresses[i].address, &list[i]))
			return false;
	return true;
}

void doppel_concern_forget(struct device *device)
{
	while (device->address_count)
		doppel_map_del(&device->gateway->addresses,
			       &device->addresses[--device->address_count].node);
	free(device->addresses);
	device->addresses = NULL;
}

/* Without memory the device misses what concerns it until the next change. */
void doppel_concern_update(struct device *device)
{
	struct in6_addr list[ADDRESSES_MAX];
	const unsigned int count = gather(device, list);
	unsigned int i;

	if (same(device, list, count))
		return;
	doppel_concern_forget(device);
	device->addresses = calloc(count, sizeof(*device->addresses));
	for (i = 0; device->addresses && i < count; i++) {
		struct device_address *own = &device->addresses[i];

		own->address = list[i];
		own->device = device;
		if (doppel_map_add_another(&device->gateway->addresses, &own->node, &own->address))
			return;
		device->address_count++;
	}
}

/* A device that hears a packet may change its addresses: so they are looked up anew for the next. */
static struct device *next_of(const struct gateway *gateway, const struct in6_addr *address)
{
	struct map_node *node = doppel_map_find(&gateway->addresses, address);

	for (; node; node = doppel_map_find_another(&gateway->addresses, node)) {
		struct device *device = container_of(node, struct device_address, node)->device;

		if (device->hearing != gateway->hearing)
			return device;
	}
	return NULL;
}

static void hear(struct device *device, const struct packet *packet)
{
	device->hearing = device->gateway->hearing;
	doppel_device_receive(device, packet);
}

static void hear_of(struct gateway *gateway, const struct in6_addr *address,
		    const struct packet *packet)
{
	struct device *device;

	while ((device = next_of(gateway, address)))
		hear(device, packet);
}

void doppel_concern_deliver(struct gateway *gateway, const struct packet *packet)
{
	struct device *device = doppel_gateway_find(gateway, &packet->dst);
	struct neighbour neighbour;

	gateway->hearing++;
	if (device)
		hear(device, packet);
	if (packet->kind == PACKET_ARP) {
		const struct in6_addr sender = doppel_ip6_v4mapped(packet->arp.sender);
		const struct in6_addr target = doppel_ip6_v4mapped(packet->arp.target);

		hear_of(gateway, &sender, packet);
		hear_of(gateway, &target, packet);
	} else if (doppel_neighbour_parse(packet, &neighbour) == VERDICT_ACCEPTED) {
		hear_of(gateway, &neighbour.target, packet);
	}
}
