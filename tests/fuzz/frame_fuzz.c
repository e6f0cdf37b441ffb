// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: one frame from the WAN, to every protocol machine in a state that the first byte
 * chooses. Checksums are passed over, or nothing would get far. Built by hand for now:
 *
 *   clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -Iagent -o frame_fuzz \
 *           tests/fuzz/frame_fuzz.c agent/gateway/{frame,negotiation,acd,dhcp4,dhcp4_message,ndp}.c \
 *           agent/gateway/{dad,mld,slaac,routers,dhcp6,dhcp6_lease,dhcp6_message}.c \
 *           agent/base/{addr,clock,rand}.c -lsodium
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "gateway/dhcp4.h"
#include "gateway/dhcp6.h"
#include "gateway/routers.h"
#include "gateway/slaac.h"

#define XID 0x01010101			/* what the machines choose, so that frames can know it */

static int64_t now_ms;

static int64_t mono_ms(struct clock *clock)
{
	(void)clock;
	return now_ms;
}

static int64_t wall_s(struct clock *clock)
{
	(void)clock;
	return 1700000000 + now_ms / 1000;
}

static uint32_t below(struct rng *rng, uint32_t n)
{
	(void)rng;
	return n ? XID % n : XID;
}

/* What we send must always be what we would take. */
static void send_frame(void *ctx, const void *frame, size_t len)
{
	struct packet packet;

	(void)ctx;
	if (doppel_frame_parse(frame, len, 0, &packet) != VERDICT_ACCEPTED)
		abort();
}

static void on_dhcp4(void *ctx, const struct dhcp4_event *event)
{
	(void)ctx;
	if (event->lease && !event->lease->address.s_addr)
		abort();
}

static void on_dhcp6(void *ctx, const struct dhcp6_event *event)
{
	(void)ctx;
	if (event->lease && event->lease->address_count > DHCP6_ADDRESSES_MAX)
		abort();
}

static void on_slaac(void *ctx, const struct slaac_event *event)
{
	(void)ctx;
	(void)event;
}

static struct clock fake_clock = { mono_ms, wall_s };
static struct rng fake_rng = { below };
static const struct negotiation_env env = { &fake_clock, &fake_rng, send_frame, NULL };
static const struct mac device = { { 2, 0, 0, 0, 0, 1 } };
static const struct attempt_policy policy = { 15000, 3, 5000, 60000 };

#define RUN(machine, name, until)							\
	do {										\
		int64_t until_ = (until);						\
		unsigned int steps_ = 0;						\
		while (doppel_##name##_deadline(machine) <= until_) {			\
			if (doppel_##name##_deadline(machine) > now_ms)			\
				now_ms = doppel_##name##_deadline(machine);		\
			doppel_##name##_timeout(machine);				\
			if (++steps_ > 10000)						\
				abort();						\
		}									\
		now_ms = until_ > now_ms ? until_ : now_ms;				\
	} while (0)

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
	RUN(&dhcp, dhcp4, now_ms + 10000000);
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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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
