// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devices say of themselves to the LAN's DHCP server: their name, vendor class and the options
 * that they ask for. To the WAN's servers each looks the same, as some of them sort clients by it.
 * Whoever serves the LAN, we only listen.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gateway/device.h"
#include "gateway/dhcp4_message.h"
#include "gateway/state.h"
#include "kernel/packet.h"

#define FRAMES_AT_ONCE 64	/* then other events have their turn */

static void take_looks(struct device *device, const struct dhcp4_looks *looks)
{
	if (!memcmp(&device->dhcp4.config.looks, looks, sizeof(*looks)))
		return;
	device->dhcp4.config.looks = *looks;
	device->keep_device = true;
	if (looks->hostname[0] && strcmp(device->hostname, looks->hostname)) {
		snprintf(device->hostname, sizeof(device->hostname), "%s", looks->hostname);
		device->changed = true;
	}
	doppel_device_settle(device);
}

void doppel_lan_listen_frame(struct gateway *gateway, const void *frame, size_t len,
			     bool checksum_pending)
{
	struct dhcp4_looks looks;
	struct device *device;
	struct packet packet;
	struct mac chaddr;

	if (doppel_frame_parse(frame, len, checksum_pending ? FRAME_CHECKSUM_PENDING : 0,
			       &packet) != VERDICT_ACCEPTED ||
	    packet.kind != PACKET_UDP4 || packet.dport != DHCP4_SERVER_PORT ||
	    doppel_dhcp4_parse_looks(packet.payload, packet.len, &chaddr, &looks) !=
		    VERDICT_ACCEPTED)
		return;
	/* Each speaks for itself alone: what a relay passes on is of another network. */
	if (!doppel_mac_eq(&packet.src, &chaddr))
		return;
	/* This may be the first that is heard of it: its first message out is to have its looks. */
	doppel_discovery_seen(gateway, &chaddr, (struct in_addr){ 0 });
	device = doppel_gateway_find(gateway, &chaddr);
	if (device)
		take_looks(device, &looks);
}

static void on_frame(struct ev_loop *loop, ev_io *io, int events)
{
	struct gateway *gateway = io->data;
	struct packet_socket *socket = gateway->lan_listen.socket;
	uint8_t frame[PACKET_FRAME_MAX];
	unsigned int left;

	(void)loop;
	(void)events;
	for (left = FRAMES_AT_ONCE; left; left--) {
		bool checksum_pending;
		ssize_t len = socket->receive(socket, frame, sizeof(frame), &checksum_pending);

		if (len == -EAGAIN)
			return;
		if (len > 0)
			doppel_lan_listen_frame(gateway, frame, (size_t)len, checksum_pending);
	}
}

void doppel_lan_listen_init(struct gateway *gateway, struct packet_socket *socket)
{
	struct lan_listen *listen = &gateway->lan_listen;
	int err = 0;

	ev_init(&listen->io, on_frame);
	listen->io.data = gateway;
	listen->own = !socket;
	if (listen->own)
		err = doppel_packet_open_clients(&socket);
	if (err) {
		doppel_log(LOG_WARNING, "lan: what devices say to DHCP servers is not heard: %s",
			   strerror(-err));
		return;
	}
	listen->socket = socket;
	ev_io_set(&listen->io, socket->fd(socket), EV_READ);
	ev_io_start(gateway->loop, &listen->io);
}

void doppel_lan_listen_bind(struct gateway *gateway)
{
	struct lan_listen *listen = &gateway->lan_listen;

	if (!listen->socket || listen->bound == gateway->lan.ifindex ||
	    listen->socket->bind(listen->socket, gateway->lan.ifindex))
		return;
	listen->bound = gateway->lan.ifindex;
}

void doppel_lan_listen_free(struct gateway *gateway)
{
	struct lan_listen *listen = &gateway->lan_listen;

	ev_io_stop(gateway->loop, &listen->io);
	if (listen->own && listen->socket)
		listen->socket->free(listen->socket);
}
