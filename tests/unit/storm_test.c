// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody on the WAN who hears all that a device says and answers a hundred times a second, with
 * whatever keeps it busy: no machine sends more than a bounded number of frames a minute.
 */
#include <netinet/icmp6.h>

#include "dhcp4_peer.h"
#include "dhcp6_peer.h"
#include "gateway/reach.h"
#include "gateway/slaac.h"

#define STEP_MS 10
#define MINUTES 5
#define MINUTE_MS 60000

static const struct attempt_policy policy = {
	.timeout_ms = 10000, .retries = 5, .retry_delay_ms = 5000, .retry_cap_ms = 60000,
};

/* The most frames of any minute; the machine's clock goes on to @world's next step. */
struct storm {
	unsigned int most, before;
	int64_t minute_at;
};

static void count_minute(struct storm *storm, const struct world *world)
{
	if (world->now < storm->minute_at)
		return;
	if (world->count - storm->before > storm->most)
		storm->most = world->count - storm->before;
	storm->before = world->count;
	storm->minute_at = world->now + MINUTE_MS;
}

/* All that there is to be said, another first each time. */
#define strike_with(set, strikes, count, turn, ...)					\
	do {										\
		const unsigned int first_ = (turn);					\
		for (unsigned int n_ = first_; n_ < first_ + (count); n_++)		\
			if ((set) & 1 << n_ % (count))					\
				strikes[n_ % (count)](__VA_ARGS__);			\
	} while (0)

#define storm(world, machine, name, most_, strike)					\
	do {										\
		const int64_t end_ = (world)->now + MINUTES * MINUTE_MS;		\
		struct storm storm_ = { .minute_at = (world)->now + MINUTE_MS };	\
		while ((world)->now < end_) {						\
			world_run(world, machine, name, (world)->now + STEP_MS);	\
			strike;								\
			count_minute(&storm_, world);					\
		}									\
		(most_) = storm_.most;							\
	} while (0)

/* --- DHCPv4 */

static void ignore4(void *ctx, const struct dhcp4_event *event)
{
	(void)ctx;
	(void)event;
}

static void offer(struct dhcp4 *dhcp)
{
	v4_answer(dhcp, "192.0.2.9", 2, 10);
}

static void acknowledge(struct dhcp4 *dhcp)
{
	struct message m = v4_begin(dhcp->xid, "192.0.2.9", 5);

	v4_add_address(&m, 54, "192.0.2.1");
	v4_add32(&m, 51, 10);
	v4_add32(&m, 58, 1);
	v4_add32(&m, 59, 2);
	v4_add(&m, 80, 0, "");
	v4_deliver(dhcp, &m);
}

static void refuse(struct dhcp4 *dhcp)
{
	struct message m = v4_begin(dhcp->xid, "0.0.0.0", 6);

	v4_add_address(&m, 54, "192.0.2.1");
	v4_deliver(dhcp, &m);
}

static void claim(struct dhcp4 *dhcp)
{
	v4_claim(dhcp, "192.0.2.9");
}

static void be_ipv6_only(struct dhcp4 *dhcp)
{
	struct message m = v4_begin(dhcp->xid, "0.0.0.0", 2);

	v4_add_address(&m, 54, "192.0.2.1");
	v4_add32(&m, 108, 0);
	v4_deliver(dhcp, &m);
	doppel_dhcp4_translated(dhcp, dhcp->env->clock->mono_ms(dhcp->env->clock) % 2000 < 1000);
}

static void test_dhcp4(void)
{
	static void (*const strikes[])(struct dhcp4 *) = {
		offer, acknowledge, refuse, claim, be_ipv6_only,
	};
	static const char *const names[] = { "OFFER", "ACK", "NAK", "ARP", "option 108" };
	const struct dhcp4_config config = { .mac = device, .policy = policy };
	unsigned int set, i, most, turn = 0;

	/* Every set of them that somebody may know how to send. */
	for (set = 1; set < 32; set++) {
		struct world *world = world_new();
		char text[64] = "";
		struct dhcp4 dhcp;

		world->random = true;
		doppel_dhcp4_init(&dhcp, &world->env, &config, ignore4);
		doppel_dhcp4_start(&dhcp, NULL);
		for (i = 0; i < 5; i++)
			if (set & 1 << i)
				snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
					 names[i]);
		storm(world, &dhcp, dhcp4, most,
		      strike_with(set, strikes, 5, turn++, &dhcp));
		ok(most <= 30, "DHCPv4,%s: %u frames a minute", text, most);
		doppel_dhcp4_free(&dhcp);
		free(world);
	}
}

/* --- DHCPv6 */

static void ignore6(void *ctx, const struct dhcp6_event *event)
{
	(void)ctx;
	(void)event;
}

static void give(struct dhcp6 *dhcp, uint8_t type, uint32_t valid_s)
{
	struct message m = v6_begin(type, dhcp->exchange.xid, server_duid);

	v6_put_ia(&m, 1, 2, 28);
	v6_put_address(&m, ADDRESS, valid_s, valid_s);
	v6_head(&m, 14, 0);
	v6_head(&m, 7, 1);
	v6_put(&m, "\xff", 1);
	v6_deliver(dhcp, &m);
}

static void advertise(struct dhcp6 *dhcp)
{
	give(dhcp, 2, 10);
}

static void grant(struct dhcp6 *dhcp)
{
	give(dhcp, 7, 10);
}

static void take_back(struct dhcp6 *dhcp)
{
	give(dhcp, 7, 0);
}

static void deny(struct dhcp6 *dhcp)
{
	v6_answer_status(dhcp, 7, DHCP6_NOT_ON_LINK, "");
}

static void unbind(struct dhcp6 *dhcp)
{
	v6_answer_ia_status(dhcp, 7, DHCP6_NO_BINDING);
}

static void neighbour6(struct dhcp6 *dhcp)
{
	uint8_t na[24] = { 136, [8] = 0x20, 1, 0x0d, 0xb8, [23] = 9 };
	struct packet packet = {
		.kind = PACKET_ICMP6, .src = rival, .hop_limit = 255, .payload = na, .len = 24,
		.ip6 = { .src = ip6(ADDRESS), .dst = doppel_all_nodes },
	};

	doppel_dhcp6_receive(dhcp, &packet);
}

static void test_dhcp6(void)
{
	static void (*const strikes[])(struct dhcp6 *) = {
		advertise, grant, take_back, deny, unbind, neighbour6,
	};
	static const char *const names[] = { "Advertise", "Reply", "Reply with lifetime 0",
					     "NotOnLink", "NoBinding", "NA" };
	const struct dhcp6_config config = { .mac = device, .policy = policy };
	const struct in6_addr link_local = ip6("fe80::ff:fe00:1");
	unsigned int set, i, most, turn = 0;

	for (set = 1; set < 64; set++) {
		struct world *world = world_new();
		char text[128] = "";
		struct dhcp6 dhcp;
		struct mld mld;

		world->random = true;
		doppel_mld_init(&mld, &world->env, &device);
		doppel_dhcp6_init(&dhcp, &world->env, &config, &mld, ignore6);
		doppel_dhcp6_start(&dhcp, &link_local, NULL);
		for (i = 0; i < 6; i++)
			if (set & 1 << i)
				snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s,",
					 names[i]);
		storm(world, &dhcp, dhcp6, most,
		      strike_with(set, strikes, 6, turn++, &dhcp));
		ok(most <= 60, "DHCPv6,%s %u frames a minute", text, most);
		doppel_dhcp6_free(&dhcp);
		free(world);
	}
}

/* --- SLAAC, MLD and the router's answer */

static void ignore_slaac(void *ctx, const struct slaac_event *event)
{
	(void)ctx;
	(void)event;
}

/* A prefix that nobody has heard of before, for a second. */
static void new_prefix(struct slaac *slaac, uint32_t number)
{
	struct ra ra = {
		.router = ip6("fe80::fe"), .router_mac = server_mac, .lifetime_s = number % 2,
		.prefixes = { { .prefix = ip6("2001:db8::"), .len = 64, .on_link = true,
				.autonomous = true, .valid_s = 1, .preferred_s = 1 } },
		.prefix_count = 1,
		.received_ms = slaac->env->clock->mono_ms(slaac->env->clock),
	};

	memcpy(ra.prefixes[0].prefix.s6_addr + 4, &number, sizeof(number));
	doppel_slaac_advertise(slaac, &ra);
}

static void neighbours(struct slaac *slaac, uint32_t number)
{
	uint8_t na[24] = { 136 };
	struct packet packet = {
		.kind = PACKET_ICMP6, .src = rival, .hop_limit = 255, .payload = na, .len = 24,
		.ip6 = { .dst = doppel_all_nodes },
	};
	const struct in6_addr *target = &slaac->link_local;

	if (slaac->count)
		target = &slaac->addresses[number % slaac->count].address;
	memcpy(na + 8, target, 16);
	packet.ip6.src = *target;
	doppel_slaac_receive(slaac, &packet);
}

static void query(struct slaac *slaac, uint32_t number)
{
	uint8_t data[28] = { MLD_LISTENER_QUERY };
	struct packet packet = {
		.kind = PACKET_ICMP6, .src = server_mac, .hop_limit = 1, .router_alert = true,
		.payload = data, .len = number % 2 ? 24 : 28,
		.ip6 = { .src = ip6("fe80::fe"), .dst = doppel_all_nodes },
	};

	doppel_slaac_receive(slaac, &packet);
}

static void test_slaac(void)
{
	static void (*const strikes[])(struct slaac *, uint32_t) = {
		new_prefix, neighbours, query,
	};
	static const char *const names[] = { "RA", "NA", "MLD query" };
	const struct slaac_config config = { .mac = device, .wait_ms = 3000 };
	unsigned int set, i, most, turn = 0;

	for (set = 1; set < 8; set++) {
		struct world *world = world_new();
		char text[64] = "";
		struct slaac slaac;

		world->random = true;
		doppel_slaac_init(&slaac, &world->env, &config, ignore_slaac);
		doppel_slaac_start(&slaac);
		for (i = 0; i < 3; i++)
			if (set & 1 << i)
				snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
					 names[i]);
		storm(world, &slaac, slaac, most, turn++;
		      strike_with(set, strikes, 3, turn, &slaac, turn));
		ok(most <= 120, "SLAAC,%s: %u frames a minute", text, most);
		doppel_slaac_free(&slaac);
		free(world);
	}
}

static void test_reach(void)
{
	struct world *world = world_new();
	const struct in6_addr source = ip6("fe80::ff:fe00:1");
	struct in6_addr router = ip6("fe80::fe");
	struct reach reach;
	unsigned int most;

	world->random = true;
	doppel_reach_init(&reach, &world->env, &device, &policy);
	storm(world, &reach, reach, most, router.s6_addr[15] ^= 1;
	      doppel_reach_start(&reach, &source, &router));
	ok(most <= 61, "two routers that take turns: %u solicitations a minute", most);
	free(world);
}

int main(void)
{
	test_dhcp4();
	test_dhcp6();
	test_slaac();
	test_reach();
	return done_testing();
}
