// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/upstream.h"

#include "gateway/config.h"
#include "gateway/dhcp4_message.h"
#include "gateway/state.h"

/* The one of this address, else the one that was heard longest ago. */
static struct upstream_server *place_of(struct upstream *upstream, struct in_addr address)
{
	struct upstream_server *oldest = &upstream->servers[0];
	unsigned int i;

	for (i = 0; i < upstream->server_count; i++) {
		struct upstream_server *server = &upstream->servers[i];

		if (doppel_ip4_eq(server->address, address))
			return server;
		if (server->heard_ms < oldest->heard_ms)
			oldest = server;
	}
	if (upstream->server_count < UPSTREAM_SERVERS_MAX)
		return &upstream->servers[upstream->server_count++];
	return oldest;
}

static void hear_server(struct gateway *gateway, const struct packet *packet)
{
	struct dhcp4_reply reply;

	if (doppel_dhcp4_parse(packet->payload, packet->len, &reply) != VERDICT_ACCEPTED ||
	    !reply.server.s_addr)
		return;
	*place_of(&gateway->upstream, reply.server) = (struct upstream_server){
		.address = reply.server,
		.mac = packet->src,
		.heard_ms = doppel_gateway_now(gateway),
	};
}

/*
 * The socket does not hear what the box sends itself: a device's MAC can only be there by another way.
 * An ARP packet must say so too, as a switch that floods could return a frame of ours.
 */
static bool is_looped(const struct gateway *gateway, const struct packet *packet)
{
	if (doppel_mac_eq(&packet->src, &gateway->lan.mac))
		return true;
	return packet->kind == PACKET_ARP &&
	       doppel_ip4_in_prefix(packet->arp.sender, gateway->config->lan.address,
				    gateway->config->lan.prefix_len) &&
	       doppel_gateway_find(gateway, &packet->src);
}

void doppel_upstream_hear(struct gateway *gateway, const struct packet *packet)
{
	if (packet->kind == PACKET_UDP4)
		hear_server(gateway, packet);
	if (is_looped(gateway, packet)) {
		gateway->upstream.looped = packet->src;
		gateway->upstream.looped_ms = doppel_gateway_now(gateway);
	}
}
