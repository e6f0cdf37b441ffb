// SPDX-License-Identifier: GPL-2.0-only
/* Stateless autoconfiguration: link-local, solicitation, addresses, conflicts, lifetimes. */
#include "gateway/slaac.h"
#include "wan_world.h"

static const struct mac router_mac = { { 2, 0, 0, 0, 0, 0xfe } };

/* What the machine told: "LL", "NOROUTER", "+address", "~address", "-address", "!address" … */
static char told[1024];

static void on_event(void *ctx, const struct slaac_event *event)
{
	static const char *const words[] = { "LL", "NOROUTER", "+", "~", "-", "!", "" };
	char ip[DOPPEL_IP6_TEXT] = "";

	(void)ctx;
	if (event->kind == SLAAC_EVENT_STATUS)
		return;
	if (event->address)
		doppel_ip6_format(&event->address->address, ip);
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%s%s", *told ? " " : "",
		 words[event->kind], ip);
}

static struct slaac_config config = {
	.mac = { { 2, 0, 0, 0, 0, 1 } },
	.secret = "0123456789abcdef0123456789abcde",
	.wait_ms = 3000,
};

static struct world *machine(struct slaac *slaac)
{
	struct world *world = world_new();

	told[0] = '\0';
	doppel_slaac_init(slaac, &world->env, &config, on_event);
	return world;
}

static struct ra ra_of(struct world *world, const char *prefix, uint32_t valid_s,
		       uint32_t preferred_s)
{
	struct ra ra = { .router = ip6("fe80::fe"), .router_mac = router_mac, .lifetime_s = 1800,
			 .received_ms = world->now };

	ra.prefixes[ra.prefix_count++] = (struct ra_prefix){
		.prefix = ip6(prefix), .len = 64, .on_link = true, .autonomous = true,
		.valid_s = valid_s, .preferred_s = preferred_s };
	return ra;
}

static void advertise(struct slaac *slaac, struct world *world, const char *prefix,
		      uint32_t valid_s, uint32_t preferred_s)
{
	struct ra ra = ra_of(world, prefix, valid_s, preferred_s);

	doppel_slaac_advertise(slaac, &ra);
}

/* Somebody's neighbour message about an address: an NA, or an NS of DAD. */
static enum verdict neighbour(struct slaac *slaac, const struct in6_addr *target, bool na,
			      const struct mac *mac)
{
	uint8_t data[24] = { na ? 136 : 135 };
	struct packet packet = {
		.kind = PACKET_ICMP6, .src = *mac, .hop_limit = 255, .payload = data, .len = 24,
		.ip6 = { .src = na ? *target : in6addr_any,
			 .dst = na ? doppel_all_nodes : doppel_ip6_solicited_node(target) },
	};

	memcpy(data + 8, target, 16);
	return doppel_slaac_receive(slaac, &packet);
}

static enum family_status status_of(const struct slaac *slaac)
{
	struct negotiation_status status;

	doppel_slaac_status(slaac, &status);
	return status.status;
}

static const char *reason_of(const struct slaac *slaac)
{
	static struct negotiation_status status;

	doppel_slaac_status(slaac, &status);
	return status.reason;
}

static uint8_t type_at(struct world *world, unsigned int i)
{
	struct packet packet = { .len = 0 };

	doppel_frame_parse(world->sent[i].frame, world->sent[i].len, 0, &packet);
	return packet.payload[0];
}

static void test_life(void)
{
	struct slaac slaac;
	struct world *world = machine(&slaac);
	int64_t began = world->now;

	doppel_slaac_start(&slaac);
	world_run(world, &slaac, slaac, began + 999);
	ok(type_at(world, 0) == 143 && type_at(world, 1) == 135, "MLD report, then NS");
	is_str(told, "", "tentative for a second");
	is_int(status_of(&slaac), FAMILY_SOLICITING, "soliciting");
	world_run(world, &slaac, slaac, began + 1000);
	is_str(told, "LL", "link-local address unique");
	is_int(type_at(world, world->count - 2), 136, "announced");
	is_int(type_at(world, world->count - 1), 133, "RS at once");
	ok(world_packet(world).ip6.src.s6_addr[0] == 0xfe, "from the link-local address");

	advertise(&slaac, world, "2001:db8::", 3600, 1800);
	is_str(told, "LL", "tentative");
	world_run(world, &slaac, slaac, began + 1499);
	is_int(type_at(world, world->count - 1), 133, "others go first");
	world_run(world, &slaac, slaac, began + 1500);
	is_int(type_at(world, world->count - 1), 135, "NS at a random moment of a second");
	world_run(world, &slaac, slaac, began + 2500);
	is_str(told, "LL +2001:db8::ff:fe00:1", "unique");
	is_int(type_at(world, world->count - 1), 136, "announced");
	is_int(status_of(&slaac), FAMILY_BOUND, "bound");
	is_int(slaac.mld.groups[0].users, 2, "both in one solicited-node group");
	world_run(world, &slaac, slaac, began + 100000);
	is_int(slaac.solicitations, 0, "no more solicitations");

	advertise(&slaac, world, "2001:db8::", 3600, 1800);
	is_str(told, "LL +2001:db8::ff:fe00:1 ~2001:db8::ff:fe00:1", "refreshed");
	is_int(slaac.addresses[0].valid_until, world->now + 3600000, "valid for longer");
	told[0] = '\0';
	world_run(world, &slaac, slaac, world->now + 1800000);
	is_str(told, "~2001:db8::ff:fe00:1", "deprecated");
	is_int(slaac.addresses[0].state, SLAAC_DEPRECATED, "so it says");
	world_run(world, &slaac, slaac, world->now + 1800000);
	is_str(told, "~2001:db8::ff:fe00:1 NOROUTER -2001:db8::ff:fe00:1", "removed at its end");
	is_int(slaac.count, 0, "and forgotten");
	doppel_slaac_stop(&slaac);
	is_int(doppel_slaac_deadline(&slaac), NEVER, "stopped");
	doppel_slaac_free(&slaac);
	free(world);
}

static void test_two_hours(void)
{
	struct slaac slaac;
	struct world *world = machine(&slaac);

	doppel_slaac_start(&slaac);
	advertise(&slaac, world, "2001:db8::", 86400, 86400);
	world_run(world, &slaac, slaac, world->now + 2000);
	is_str(told, "LL +2001:db8::ff:fe00:1", "an RA before the link-local address is unique");
	advertise(&slaac, world, "2001:db8::", 0, 0);
	is_int(slaac.addresses[0].valid_until, world->now + 7200000,
	       "a lifetime of 0 leaves two hours");
	is_int(slaac.addresses[0].state, SLAAC_DEPRECATED, "but not preferred");
	world->now += 1000;
	advertise(&slaac, world, "2001:db8::", 60, 60);
	is_int(slaac.addresses[0].valid_until, world->now + 7199000, "nor does a second lie");
	advertise(&slaac, world, "2001:db8::", UINT32_MAX, UINT32_MAX);
	is_int(slaac.addresses[0].valid_until, NEVER, "for ever");
	is_int(slaac.addresses[0].state, SLAAC_PREFERRED, "preferred again");
	doppel_slaac_free(&slaac);
	free(world);
}

static void test_prefixes(void)
{
	struct slaac slaac;
	struct world *world = machine(&slaac);
	struct ra ra = ra_of(world, "2001:db8::", 3600, 1800);
	char text[64];
	unsigned int i;

	doppel_slaac_start(&slaac);
	world_run(world, &slaac, slaac, world->now + 1000);
	ra.prefixes[0].len = 65;
	doppel_slaac_advertise(&slaac, &ra);
	ra.prefixes[0].len = 56;
	doppel_slaac_advertise(&slaac, &ra);
	ra.prefixes[0].len = 64;
	ra.prefixes[0].autonomous = false;
	doppel_slaac_advertise(&slaac, &ra);
	ra.prefixes[0].autonomous = true;
	ra.prefixes[0].valid_s = 0;
	ra.prefixes[0].preferred_s = 0;
	doppel_slaac_advertise(&slaac, &ra);
	is_int(slaac.count, 0, "no address of /65, /56, without A, or not valid at all");
	is_int(status_of(&slaac), FAMILY_OFF, "a router, but nothing for SLAAC");
	is_str(reason_of(&slaac), "no router offers a prefix for SLAAC", "reason");
	ra.prefixes[0].valid_s = 100;
	ra.received_ms -= 100000;
	doppel_slaac_advertise(&slaac, &ra);
	is_int(slaac.count, 0, "nor of a prefix whose time was over when we came");
	for (i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "2001:db8:%x::", i);
		advertise(&slaac, world, text, 3600, 1800);
	}
	is_int(slaac.count, SLAAC_ADDRESSES_MAX, "a flood of prefixes is bounded");
	world_run(world, &slaac, slaac, world->now + 2000);
	is_int(status_of(&slaac), FAMILY_BOUND, "bound with all of them");
	doppel_slaac_free(&slaac);
	free(world);
}

static void test_conflicts(void)
{
	struct slaac slaac;
	struct world *world = machine(&slaac);
	struct in6_addr link_local = ip6("fe80::ff:fe00:1"), first;
	int64_t gap;
	unsigned int i;

	doppel_slaac_start(&slaac);
	world_run(world, &slaac, slaac, world->now);
	is_int(neighbour(&slaac, &link_local, false, &config.mac), VERDICT_OTHER,
	       "our own NS that came back is no rival");
	is_str(told, "", "nothing happens");
	is_int(neighbour(&slaac, &link_local, false, &rival), VERDICT_ACCEPTED,
	       "somebody else tries the same");
	is_str(told, "!", "conflict");
	is_int(status_of(&slaac), FAMILY_FAILED, "failed");
	is_str(reason_of(&slaac),
	       "fe80::ff:fe00:1 is in use by 02:00:00:00:00:02: is the device on the WAN, too?",
	       "reason");
	gap = doppel_slaac_deadline(&slaac) - world->now;
	ok(gap >= 4500 && gap <= 5000, "tried again after 5 s");
	world_run(world, &slaac, slaac, world->now + gap + 1000);
	is_str(told, "! LL", "unique then");
	is_int(neighbour(&slaac, &link_local, true, &rival), VERDICT_OTHER,
	       "an NA for what is in use changes nothing: the module defends it");

	told[0] = '\0';
	advertise(&slaac, world, "2001:db8::", 3600, 1800);
	world_run(world, &slaac, slaac, world->now);
	first = slaac.addresses[0].address;
	is_int(neighbour(&slaac, &first, true, &rival), VERDICT_ACCEPTED, "an NA while tentative");
	is_str(told, "!2001:db8::ff:fe00:1", "conflict");
	ok(!doppel_ip6_eq(&first, &slaac.addresses[0].address), "another address is tried");
	world_run(world, &slaac, slaac, world->now + 1500);
	is_int(status_of(&slaac), FAMILY_BOUND, "and used");

	advertise(&slaac, world, "2001:db8:1::", 3600, 1800);
	for (i = 0; i < 4; i++)
		neighbour(&slaac, &slaac.addresses[1].address, true, &rival);
	is_int(slaac.addresses[1].state, SLAAC_DUPLICATE, "given up after four");
	ok(slaac.addresses[1].given_up, "and it is known that all were tried");
	advertise(&slaac, world, "2001:db8:1::", 3600, 1800);
	is_int(slaac.addresses[1].state, SLAAC_DUPLICATE, "whatever the router says");
	is_int(slaac.mld.count, 2, "no group is left over");
	doppel_slaac_retry(&slaac);
	is_int(slaac.addresses[1].state, SLAAC_TENTATIVE, "but asked to, it tries again");
	world_run(world, &slaac, slaac, world->now + 1500);
	is_int(slaac.addresses[1].state, SLAAC_PREFERRED, "and has it now");
	doppel_slaac_free(&slaac);
	free(world);
}

static void test_stable_privacy(void)
{
	struct slaac slaac;
	struct world *world;
	struct in6_addr first, second;

	config.stable_privacy = true;
	world = machine(&slaac);
	doppel_slaac_start(&slaac);
	advertise(&slaac, world, "2001:db8::", 3600, 1800);
	advertise(&slaac, world, "2001:db8:1::", 3600, 1800);
	first = slaac.addresses[0].address;
	second = slaac.addresses[1].address;
	ok(first.s6_addr[11] != 0xff || first.s6_addr[12] != 0xfe, "no EUI-64");
	ok(memcmp(first.s6_addr + 8, second.s6_addr + 8, 8) != 0, "another one in each prefix");
	doppel_slaac_free(&slaac);
	free(world);
	world = machine(&slaac);
	doppel_slaac_start(&slaac);
	advertise(&slaac, world, "2001:db8::", 3600, 1800);
	ok(doppel_ip6_eq(&first, &slaac.addresses[0].address), "the same again after a restart");
	doppel_slaac_free(&slaac);
	free(world);
	config.stable_privacy = false;
}

static void test_no_router(void)
{
	struct slaac slaac;
	struct world *world = machine(&slaac);
	int64_t began = world->now;
	unsigned int count;

	doppel_slaac_start(&slaac);
	world_run(world, &slaac, slaac, began + 3999);
	is_str(told, "LL", "waiting");
	world_run(world, &slaac, slaac, began + 4000);
	is_str(told, "LL NOROUTER", "no router within 3 s");
	count = world->count;
	world_run(world, &slaac, slaac, began + 1000 + 4000 + 8000);
	is_int(world->count - count, 2, "solicited after 4 and 8 s");
	is_int(status_of(&slaac), FAMILY_SOLICITING, "soliciting");
	world_run(world, &slaac, slaac, world->now + 16000);
	is_int(status_of(&slaac), FAMILY_FAILED, "failed");
	is_str(reason_of(&slaac), "no router answers 3 solicitations", "reason");
	count = world->count;
	world_run(world, &slaac, slaac, world->now + 86400000);
	ok(world->count - count > 130 && world->count - count < 170,
	   "for ever, slowly: %u in a day", world->count - count);
	advertise(&slaac, world, "2001:db8::", 3600, 1800);
	world_run(world, &slaac, slaac, world->now + 1500);
	is_str(told, "LL NOROUTER +2001:db8::ff:fe00:1", "until one comes");
	is_str(reason_of(&slaac), "", "and all is well");
	doppel_slaac_free(&slaac);
	free(world);
}

/* A router whose lifetime ends is asked for, and not twice in ten seconds. */
static void test_router_gone(void)
{
	struct slaac slaac;
	struct world *world = machine(&slaac);
	struct ra ra;
	unsigned int count;

	doppel_slaac_start(&slaac);
	world_run(world, &slaac, slaac, world->now + 1000);
	advertise(&slaac, world, "2001:db8::", 86400, 86400);
	world_run(world, &slaac, slaac, world->now + 2000);
	count = world->count;
	world_run(world, &slaac, slaac, world->now + 1797999);
	is_int(world->count, count, "silent while there is one");
	world_run(world, &slaac, slaac, world->now + 1);
	is_int(type_at(world, world->count - 1), 133, "its lifetime is over: RS");
	is_int(world->count, count + 1, "one");
	world_run(world, &slaac, slaac, world->now + 3000);
	is_str(told, "LL +2001:db8::ff:fe00:1 NOROUTER", "none answers within 3 s");
	is_int(status_of(&slaac), FAMILY_BOUND, "the address outlives it");
	ra = ra_of(world, "2001:db8::", 86400, 86400);
	doppel_slaac_advertise(&slaac, &ra);
	count = world->count;
	ra.lifetime_s = 0;
	doppel_slaac_advertise(&slaac, &ra);
	world_run(world, &slaac, slaac, world->now + 6999);
	is_int(world->count, count, "it leaves, seconds after it came");
	world_run(world, &slaac, slaac, world->now + 1);
	is_int(type_at(world, world->count - 1), 133, "is anybody else there?");
	doppel_slaac_free(&slaac);
	free(world);
}

/* What the routers say while a device waits for its start is not asked for again. */
static void test_jitter(void)
{
	struct slaac slaac;
	struct world *world;
	int64_t began;

	config.start_jitter_ms = 10000;
	world = machine(&slaac);
	began = world->now;
	doppel_slaac_start(&slaac);
	advertise(&slaac, world, "2001:db8::", 3600, 1800);
	world_run(world, &slaac, slaac, began + 4999);
	is_int(world->count, 0, "silent until its start");
	world_run(world, &slaac, slaac, began + 60000);
	is_str(told, "LL +2001:db8::ff:fe00:1", "then both addresses");
	is_int(world->sent[0].at, began + 5000, "at a random moment");
	is_int(type_at(world, world->count - 1), 136, "without a solicitation of routers");
	is_int(slaac.mld.groups[0].users, 2, "both in the group");
	doppel_slaac_free(&slaac);
	free(world);
	config.start_jitter_ms = 0;
}

static void test_resume(void)
{
	struct slaac slaac;
	struct world *world = machine(&slaac);
	struct slaac_address held = { .address = ip6("2001:db8::ff:fe00:1"), .prefix_len = 64 };

	held.valid_until = world->now + 3600000;
	held.preferred_until = world->now + 1800000;
	doppel_slaac_resume(&slaac, &held, 1);
	is_str(told, "LL +2001:db8::ff:fe00:1", "in use at once");
	world_run(world, &slaac, slaac, world->now);
	ok(world->count == 1 && type_at(world, 0) == 133, "only a router is solicited");
	advertise(&slaac, world, "2001:db8::", 7200, 3600);
	is_int(slaac.count, 1, "the same address goes on");
	is_int(slaac.addresses[0].valid_until, world->now + 7200000, "for longer");
	doppel_slaac_confirm(&slaac);
	world_run(world, &slaac, slaac, world->now);
	ok(world->count == 3 && type_at(world, 1) == 143 && type_at(world, 2) == 133,
	   "the link was away: groups reported, router solicited");
	is_int(slaac.count, 1, "the address stays");
	doppel_slaac_free(&slaac);
	free(world);
}

int main(void)
{
	test_life();
	test_two_hours();
	test_prefixes();
	test_conflicts();
	test_stable_privacy();
	test_no_router();
	test_router_gone();
	test_jitter();
	test_resume();
	return done_testing();
}
