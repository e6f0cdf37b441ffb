// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DHCP server that is known, of each family: the one that gave the first lease, as long as any lease of
 * it is in use; then the one that gave most of those that are. A device that asks for a new lease waits for
 * its offer, so that one who sets up a second server gets nobody while the first one answers.
 */
#include <stdlib.h>

#include "gateway/device.h"
#include "gateway/state.h"

#define CANDIDATES_MAX 4

struct candidate {
	struct server_id server;
	unsigned int leases;
};

/* Its machines have not begun: the store tells. */
static bool is_waiting(const struct device *device)
{
	return !device->negotiating || device->begin_at != NEVER;
}

/*
 * Whose lease the device has in use, or is asking about after a reboot, or had as the store tells; false if
 * none.
 */
typedef bool server_of(const struct device *device, struct server_id *server);

static bool server4_of(const struct device *device, struct server_id *server)
{
	const struct dhcp4_lease *lease = doppel_dhcp4_lease(&device->dhcp4);
	const struct in_addr *from = lease ? &lease->server : NULL;

	if (is_waiting(device) && device->restored && device->restored->dhcp4)
		from = &device->restored->lease4.server;
	else if (!from && device->dhcp4.reboot)
		from = &device->dhcp4.server;
	if (!from || !from->s_addr)
		return false;
	doppel_server_set(server, from, sizeof(*from));
	return true;
}

static bool server6_of(const struct device *device, struct server_id *server)
{
	const struct dhcp6_lease *lease = doppel_dhcp6_lease(&device->dhcp6);

	if (device->restored && device->restored->dhcp6)
		lease = &device->restored->lease6;
	else if (!lease && device->dhcp6.to_confirm)
		lease = &device->dhcp6.lease;
	if (!lease || !lease->server_duid_len)
		return false;
	doppel_server_set(server, lease->server_duid, lease->server_duid_len);
	return true;
}

/* The store is asked about a device that has not begun; what cannot be read is no server's. */
static bool find(struct device *device, server_of *of, struct server_id *server)
{
	const bool unread = device->stored && is_waiting(device) && !device->restored;
	bool found;

	if (unread)
		(void)doppel_device_restore(device);
	found = of(device, server);
	if (unread) {
		free(device->restored);
		device->restored = NULL;
	}
	return found;
}

static bool is_in_use(const struct gateway *gateway, const struct server_id *known, server_of *of)
{
	struct server_id server;

	doppel_map_foreach(node, &gateway->devices)
		if (find(doppel_device_of(node), of, &server) &&
		    doppel_server_is(known, server.id, server.len))
			return true;
	return false;
}

/* With all places taken a server has no votes: there are few servers, or the WAN is a strange one. */
static void count(struct candidate candidates[CANDIDATES_MAX], const struct server_id *server)
{
	unsigned int i;

	for (i = 0; i < CANDIDATES_MAX; i++) {
		struct candidate *candidate = &candidates[i];

		if (!candidate->leases)
			candidate->server = *server;
		else if (!doppel_server_is(&candidate->server, server->id, server->len))
			continue;
		candidate->leases++;
		return;
	}
}

static void elect(const struct gateway *gateway, struct server_id *known, server_of *of)
{
	struct candidate candidates[CANDIDATES_MAX] = { 0 };
	const struct candidate *best = &candidates[0];
	struct server_id server;
	unsigned int i;

	doppel_map_foreach(node, &gateway->devices)
		if (find(doppel_device_of(node), of, &server))
			count(candidates, &server);
	for (i = 1; i < CANDIDATES_MAX; i++)
		if (candidates[i].leases > best->leases)
			best = &candidates[i];
	*known = best->server;
}

static void settle(const struct gateway *gateway, struct server_id *known, server_of *of)
{
	if (!is_in_use(gateway, known, of))
		elect(gateway, known, of);
}

void doppel_servers_restore(struct gateway *gateway)
{
	elect(gateway, &gateway->known4, server4_of);
	elect(gateway, &gateway->known6, server6_of);
}

/* Only a lease that another server gives, or the loss of one of the known server's, can change anything. */
void doppel_servers_lease4(struct gateway *gateway, const struct dhcp4_lease *lease, bool in_use)
{
	if (doppel_server_is(&gateway->known4, &lease->server, sizeof(lease->server)) != in_use)
		settle(gateway, &gateway->known4, server4_of);
}

void doppel_servers_lease6(struct gateway *gateway, const struct dhcp6_lease *lease, bool in_use)
{
	if (doppel_server_is(&gateway->known6, lease->server_duid, lease->server_duid_len) != in_use)
		settle(gateway, &gateway->known6, server6_of);
}
