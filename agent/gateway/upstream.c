// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/upstream.h"

#include "base/cidr.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/dhcp4_message.h"
#include "gateway/dhcp6_message.h"
#include "gateway/state.h"

#define QUIET_MS 10000		/* between two lines about newcomers */

/* The one with this identifier, else the one that was heard longest ago. */
static struct upstream_server *place_of(struct upstream_servers *servers, const struct server_id *id)
{
	struct upstream_server *oldest = &servers->list[0];
	unsigned int i;

	for (i = 0; i < servers->count; i++) {
		struct upstream_server *server = &servers->list[i];

		if (doppel_server_is(&server->id, id->id, id->len))
			return server;
		if (server->heard_ms < oldest->heard_ms)
			oldest = server;
	}
	if (servers->count < UPSTREAM_SERVERS_MAX)
		return &servers->list[servers->count++];
	return oldest;
}

/* It is not followed while the known one answers: whoever can judge should know of it. */
static void tell_newcomer(struct upstream *upstream, const struct upstream_server *server)
{
	char address[DOPPEL_IP6_TEXT], mac[DOPPEL_MAC_TEXT];

	if (server->heard_ms < upstream->quiet_until)
		return;
	upstream->quiet_until = server->heard_ms + QUIET_MS;
	doppel_log(LOG_WARNING, "wan: DHCP server %s (from %s) answers, too: that of the leases in use "
		   "goes before it", doppel_ip_format(&server->address, address),
		   doppel_mac_format(&server->mac, mac));
}

static void hear_server(struct upstream *upstream, struct upstream_servers *servers,
			const struct upstream_server *heard, const struct server_id *known)
{
	struct upstream_server *server = place_of(servers, &heard->id);

	if (!doppel_server_is(&server->id, heard->id.id, heard->id.len) &&
	    doppel_server_is_other(known, heard->id.id, heard->id.len))
		tell_newcomer(upstream, heard);
	*server = *heard;
}

static void hear_dhcp4(struct gateway *gateway, const struct packet *packet)
{
	struct upstream_server server = {
		.mac = packet->src,
		.heard_ms = doppel_gateway_now(gateway),
	};
	struct dhcp4_reply reply;

	if (doppel_dhcp4_parse(packet->payload, packet->len, &reply) != VERDICT_ACCEPTED ||
	    !reply.server.s_addr)
		return;
	doppel_server_set(&server.id, &reply.server, sizeof(reply.server));
	server.address = doppel_ip6_v4mapped(reply.server);
	hear_server(&gateway->upstream, &gateway->upstream.dhcp4, &server, &gateway->known4);
}

static void hear_dhcp6(struct gateway *gateway, const struct packet *packet)
{
	struct upstream_server server = {
		.address = packet->ip6.src,
		.mac = packet->src,
		.heard_ms = doppel_gateway_now(gateway),
	};
	struct dhcp6_reply reply;

	if (packet->dport != DHCP6_CLIENT_PORT ||
	    doppel_dhcp6_parse(packet->payload, packet->len, &packet->dst, &reply) != VERDICT_ACCEPTED)
		return;
	doppel_server_set(&server.id, reply.lease.server_duid, reply.lease.server_duid_len);
	hear_server(&gateway->upstream, &gateway->upstream.dhcp6, &server, &gateway->known6);
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
		hear_dhcp4(gateway, packet);
	else if (packet->kind == PACKET_UDP6)
		hear_dhcp6(gateway, packet);
	if (is_looped(gateway, packet)) {
		gateway->upstream.looped = packet->src;
		gateway->upstream.looped_ms = doppel_gateway_now(gateway);
	}
}
