// SPDX-License-Identifier: GPL-2.0-only
/* One frame to every parser: ARP, DHCPv4 both ways, DHCPv6, router and neighbour messages. */
#include <stdlib.h>

#include "gateway/dhcp4_message.h"
#include "gateway/dhcp6_message.h"
#include "gateway/frame.h"
#include "gateway/ndp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void parse_dhcp4(const struct packet *packet)
{
	struct dhcp4_reply reply;
	struct dhcp4_lease lease;
	struct dhcp4_looks looks;
	struct mac chaddr;

	doppel_dhcp4_peek(packet, &chaddr);
	if (doppel_dhcp4_parse_looks(packet->payload, packet->len, &chaddr, &looks) ==
		    VERDICT_ACCEPTED && looks.parameter_count > DHCP4_PARAMETERS_MAX)
		abort();
	if (doppel_dhcp4_parse(packet->payload, packet->len, &reply) == VERDICT_ACCEPTED &&
	    doppel_dhcp4_parse_lease(&reply, &lease) == VERDICT_ACCEPTED &&
	    (!doppel_ip4_is_host(lease.address) || lease.dns_count > DHCP4_SERVERS_MAX ||
	     lease.route_count > DHCP4_ROUTES_MAX))
		abort();
}

static void parse_dhcp6(const struct packet *packet)
{
	static const struct mac device = { { 2, 0, 0, 0, 0, 1 } };
	struct dhcp6_reply reply;

	if (doppel_dhcp6_parse(packet->payload, packet->len, &device, &reply) == VERDICT_ACCEPTED &&
	    (reply.lease.address_count > DHCP6_ADDRESSES_MAX ||
	     reply.lease.dns_count > DHCP6_SERVERS_MAX))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct neighbour neighbour;
	struct packet packet;
	struct ra ra;

	/* The first byte says what other fuzzers of frames do with it. */
	if (!len || doppel_frame_parse(data + 1, len - 1, FRAME_CHECKSUM_PENDING, &packet) !=
			    VERDICT_ACCEPTED)
		return 0;
	if (packet.kind == PACKET_UDP4)
		parse_dhcp4(&packet);
	else if (packet.kind == PACKET_UDP6)
		parse_dhcp6(&packet);
	else if (packet.kind == PACKET_ICMP6 &&
		 doppel_ra_parse(&packet, &ra) != VERDICT_ACCEPTED)
		doppel_neighbour_parse(&packet, &neighbour);
	return 0;
}
