// SPDX-License-Identifier: GPL-2.0-only
/* The WAN port: frames to the devices' machines, routers, the link's coming back. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"
#include "kernel/packet.h"

#define FRAMES_AT_ONCE 256	/* then other events have their turn */
#define TELL_ALL_MAX 4		/* in this time */
#define TELL_ALL_MS 1000

/* What all devices are told costs a walk over them: nobody on the WAN may make us do nothing else. */
static bool may_tell_all(struct gateway *gateway)
{
	const int64_t now = doppel_gateway_now(gateway);

	if (now - gateway->told_since >= TELL_ALL_MS) {
		gateway->told_since = now;
		gateway->told = 0;
	}
	return gateway->told++ < TELL_ALL_MAX;
}

static void to_all(struct gateway *gateway, const struct packet *packet)
{
	doppel_map_foreach(node, &gateway->devices)
		doppel_device_receive(doppel_device_of(node), packet);
}

/* A server's answer */
static void to_one(struct gateway *gateway, const struct mac *mac, const struct packet *packet)
{
	struct device *device = doppel_gateway_find(gateway, mac);

	if (!device)
		return;
	doppel_pace_answered(&gateway->pace);
	doppel_device_receive(device, packet);
}

static void settle_all(struct gateway *gateway)
{
	doppel_map_foreach(node, &gateway->devices)
		doppel_device_settle(doppel_device_of(node));
}

static void advertise_all(struct gateway *gateway, const struct ra *ra)
{
	doppel_map_foreach(node, &gateway->devices)
		doppel_device_advertise(doppel_device_of(node), ra);
}

static void on_advertisement(struct gateway *gateway, const struct mac *to, struct ra *ra)
{
	const struct ra *before, *after;
	struct device *asker;
	char text[DOPPEL_IP6_TEXT];

	ra->received_ms = doppel_gateway_now(gateway);
	doppel_attachment_advertised(gateway, ra);
	before = doppel_routers_default(&gateway->routers, ra->received_ms);
	if (!doppel_routers_update(&gateway->routers, ra))
		return;
	gateway->router_heard = true;
	gateway->routers_at = doppel_routers_deadline(&gateway->routers, ra->received_ms);
	after = doppel_routers_default(&gateway->routers, ra->received_ms);
	if (!before && after)
		doppel_log(LOG_INFO, "wan: router %s advertises (%s)",
			   doppel_ip6_format(&after->router, text),
			   after->managed ? "DHCPv6" : after->other ? "SLAAC, DHCPv6 for the rest" :
			   "SLAAC");
	doppel_gateway_settle_after(gateway, 0);
	asker = doppel_gateway_find(gateway, to);
	if (asker)
		doppel_device_advertise(asker, ra);
	/* The others hear the newest of each router in a moment, if they cannot now. */
	if (may_tell_all(gateway))
		advertise_all(gateway, ra);
	else
		gateway->advertise_at = doppel_earlier(gateway->advertise_at,
						       gateway->told_since + TELL_ALL_MS);
}

/* What was heard when all could not be told of it. */
static void advertise_again(struct gateway *gateway)
{
	unsigned int i;

	gateway->advertise_at = NEVER;
	for (i = 0; i < gateway->routers.count; i++)
		advertise_all(gateway, &gateway->routers.ra[i]);
}

static void on_neighbour(struct gateway *gateway, const struct packet *packet)
{
	doppel_attachment_frame(gateway, packet);
	doppel_concern_deliver(gateway, packet);
}

void doppel_wan_frame(struct gateway *gateway, const void *frame, size_t len,
		      bool checksum_pending)
{
	struct packet packet;
	struct mac chaddr;
	struct ra ra;

	if (doppel_frame_parse(frame, len, checksum_pending ? FRAME_CHECKSUM_PENDING : 0,
			       &packet) != VERDICT_ACCEPTED)
		return;
	doppel_upstream_hear(gateway, &packet);
	switch (packet.kind) {
	case PACKET_UDP4:
		if (doppel_dhcp4_peek(&packet, &chaddr) == VERDICT_ACCEPTED)
			to_one(gateway, &chaddr, &packet);
		break;
	case PACKET_UDP6:
		to_one(gateway, &packet.dst, &packet);
		break;
	case PACKET_ICMP6:
		if (doppel_ra_parse(&packet, &ra) == VERDICT_ACCEPTED)
			on_advertisement(gateway, &packet.dst, &ra);
		else if (packet.payload[0] != MLD_LISTENER_QUERY)
			on_neighbour(gateway, &packet);
		else if (may_tell_all(gateway))
			to_all(gateway, &packet);
		break;
	case PACKET_ARP:
		on_neighbour(gateway, &packet);
		break;
	}
}

void doppel_wan_read(struct gateway *gateway)
{
	uint8_t frame[PACKET_FRAME_MAX];
	int left;

	for (left = FRAMES_AT_ONCE; left; left--) {
		bool checksum_pending;
		ssize_t len = gateway->packet->receive(gateway->packet, frame, sizeof(frame),
						       &checksum_pending);

		if (len == -EAGAIN)
			return;
		/* -ENETDOWN and the like: the link's own events tell what happened. */
		if (len > 0)
			doppel_wan_frame(gateway, frame, (size_t)len, checksum_pending);
	}
}

void doppel_wan_confirm(struct gateway *gateway)
{
	gateway->dhcp4_heard = false;
	doppel_attachment_again(gateway);
	doppel_routers_doubt(&gateway->routers);
	doppel_nat64_again(gateway);
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		if (device->negotiating)
			doppel_device_confirm_later(device);
	}
}

static bool offered_by_others(const struct routers *routers, const struct ra *but,
			      const struct ra_prefix *prefix)
{
	unsigned int i, j;

	for (i = 0; i < routers->count; i++)
		for (j = 0; !routers->ra[i].silent && j < routers->ra[i].prefix_count; j++)
			if (&routers->ra[i] != but && routers->ra[i].prefixes[j].len == prefix->len &&
			    doppel_ip6_eq(&routers->ra[i].prefixes[j].prefix, &prefix->prefix))
				return true;
	return false;
}

/*
 * Where another router is there, addresses that only the silent one vouched for are deprecated: they
 * stay, as it may come back (its next advertisement makes them good), but nothing new begins there.
 */
static void deprecate(struct gateway *gateway, struct ra *gone)
{
	const struct ra *other = doppel_routers_default(&gateway->routers,
							doppel_gateway_now(gateway));
	unsigned int i;

	if (!other || other->silent)
		return;
	for (i = 0; i < gone->prefix_count; i++)
		if (!offered_by_others(&gateway->routers, gone, &gone->prefixes[i]))
			gone->prefixes[i].preferred_s = 0;
	advertise_all(gateway, gone);
}

void doppel_wan_router_silent(struct gateway *gateway, const struct in6_addr *router, bool silent)
{
	struct routers *routers = &gateway->routers;
	const int64_t now = doppel_gateway_now(gateway);
	unsigned int i;

	doppel_routers_elect(routers, now);
	for (i = 0; i < routers->count; i++) {
		if (!doppel_ip6_eq(&routers->ra[i].router, router))
			continue;
		routers->ra[i].silent = silent;
		doppel_routers_elect(routers, now);
		if (silent)
			deprecate(gateway, &routers->ra[i]);
	}
	settle_all(gateway);
	doppel_gateway_settle_after(gateway, 0);
}

void doppel_wan_timeout(struct gateway *gateway)
{
	const int64_t now = doppel_gateway_now(gateway);

	if (now >= gateway->advertise_at)
		advertise_again(gateway);
	if (now < gateway->routers_at)
		return;
	if (doppel_routers_expire(&gateway->routers, now) && !gateway->routers.count)
		doppel_log(LOG_WARNING, "wan: no router advertises any more");
	gateway->routers_at = doppel_routers_deadline(&gateway->routers, now);
	doppel_gateway_settle_after(gateway, 0);
	settle_all(gateway);
}
