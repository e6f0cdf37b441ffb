// SPDX-License-Identifier: GPL-2.0-only
/*
 * One frame from the WAN, to every protocol machine in a state that the first byte chooses. Checksums
 * are passed over, or nothing would get far.
 */
#include "machines.h"

static void fuzz_dhcp4(const struct packet *packet, uint8_t state)
{
	struct dhcp4_lease lease = {
		.address = { htonl(0xc0000209) }, .prefix_len = 24, .server = { htonl(0xc0000201) },
		.lease_s = 3600, .t1_s = 1800, .t2_s = 3150, .acquired_ms = now_ms,
	};
	const struct dhcp4_config config = { .mac = device, .policy = policy };
	struct dhcp4 dhcp;

	doppel_dhcp4_init(&dhcp, &env, &config, on_dhcp4);
	if (state & 1)
		doppel_dhcp4_resume(&dhcp, &lease);
	else
		doppel_dhcp4_start(&dhcp, state & 2 ? &lease : NULL);
	RUN(&dhcp, dhcp4, now_ms + (state & 1 ? (state & 2 ? 1800000 : 3200000) : 0));
	doppel_dhcp4_receive(&dhcp, packet);
	doppel_dhcp4_receive(&dhcp, packet);
	RUN(&dhcp, dhcp4, now_ms + 10000);
	doppel_dhcp4_receive(&dhcp, packet);
	RUN(&dhcp, dhcp4, now_ms + 100000);
	doppel_dhcp4_stop(&dhcp, true);
}

static void fuzz_ip6(const struct packet *packet, uint8_t state)
{
	const struct dhcp6_config config6 = { .mac = device, .policy = policy };
	const struct slaac_config config = { .mac = device, .wait_ms = 3000 };
	struct routers routers = { .count = 0 };
	struct slaac slaac;
	struct dhcp6 dhcp;
	struct ra ra;

	doppel_slaac_init(&slaac, &env, &config, on_slaac);
	doppel_dhcp6_init(&dhcp, &env, &config6, &slaac.mld, on_dhcp6);
	doppel_slaac_start(&slaac);
	if (state & 1)
		RUN(&slaac, slaac, now_ms + 2000);
	if (state & 2)
		doppel_dhcp6_start(&dhcp, &slaac.link_local, NULL);
	else
		doppel_dhcp6_inform(&dhcp, &slaac.link_local);
	RUN(&dhcp, dhcp6, now_ms);
	if (doppel_ra_parse(packet, &ra) == VERDICT_ACCEPTED) {
		ra.received_ms = now_ms;
		doppel_routers_update(&routers, &ra);
		doppel_slaac_advertise(&slaac, &ra);
	}
	doppel_slaac_receive(&slaac, packet);
	doppel_dhcp6_receive(&dhcp, packet);
	RUN(&dhcp, dhcp6, now_ms + 1500);
	doppel_dhcp6_receive(&dhcp, packet);
	RUN(&slaac, slaac, now_ms + 100000);
	RUN(&dhcp, dhcp6, now_ms + 100000);
	doppel_routers_expire(&routers, now_ms);
	doppel_dhcp6_stop(&dhcp, true);
	doppel_slaac_stop(&slaac);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct packet packet = { .len = 0 };

	if (!len || doppel_frame_parse(data + 1, len - 1, FRAME_CHECKSUM_PENDING, &packet) !=
			    VERDICT_ACCEPTED)
		return 0;
	now_ms = 1000000;
	if (packet.kind == PACKET_ARP || packet.kind == PACKET_UDP4)
		fuzz_dhcp4(&packet, data[0]);
	else
		fuzz_ip6(&packet, data[0]);
	return 0;
}
