// SPDX-License-Identifier: GPL-2.0-only
/*
 * Days and years of leases, with servers and routers that go away, forget, come back and quarrel.
 * One fault costs one lease at most, an absence that a lease can outlast none, and nobody is asked
 * more often than the bound says.
 */
#include <netinet/icmp6.h>

#include "dhcp4_peer.h"
#include "dhcp6_peer.h"
#include "gateway/slaac.h"

#define DAY_MS 86400000LL
#define YEAR_DAYS 365

static const struct attempt_policy policy = {
	.timeout_ms = 15000, .retries = 10, .retry_delay_ms = 5000, .retry_cap_ms = 60000,
};

/* What befalls a server, in seconds after the lease was won; the lease is asked about at its end. */
enum fault_kind {
	FAULT_AWAY,		/* answers nothing for so long */
	FAULT_FORGETS,		/* its lease file is gone */
	FAULT_STRANGER,		/* for so long another server refuses what it does not know */
	FAULT_FLAPS,		/* for so long the link is away once a minute */
	FAULT_DEAF,		/* hears one in three frames for so long */
};

struct fault {
	int64_t at_s, for_s;
	enum fault_kind kind;
};

/* What is asked of a life. */
struct life {
	const char *name;
	uint32_t lease_s, t1_s, t2_s;	/* 0: left to the client */
	int64_t days;
	struct fault faults[2];
	unsigned int most_lost;
	unsigned int most_frames;	/* a day */
};

/* The same for both protocols. */
static const struct life lives[] = {
	{ "ten minutes, all is well", 600, 0, 0, 1, { { 0 } }, 0, 700 },
	{ "ten seconds, all is well", 10, 0, 0, 1, { { 0 } }, 0, 40000 },
	{ "an hour, odd times", 3600, 1, 2, 1, { { 0 } }, 0, 40000 },
	{ "a day, a year long", 86400, 0, 0, YEAR_DAYS, { { 0 } }, 0, 8 },
	{ "for ever, a year long", UINT32_MAX, 0, 0, YEAR_DAYS, { { 0 } }, 0, 1 },
	{ "a second less than for ever", UINT32_MAX - 1, 0, 0, YEAR_DAYS, { { 0 } }, 0, 1 },
	{ "an hour, its server away for half of it", 3600, 0, 0, 1,
	  { { 1700, 1700, FAULT_AWAY } }, 0, 200 },
	{ "an hour, its server away for six", 3600, 0, 0, 1, { { 1700, 21600, FAULT_AWAY } }, 1,
	  3000 },
	{ "an hour, forgotten by its server", 3600, 0, 0, 1, { { 10000, 0, FAULT_FORGETS } }, 1,
	  200 },
	{ "an hour, its server forgot while it was away", 3600, 0, 0, 1,
	  { { 1700, 1700, FAULT_AWAY }, { 2000, 0, FAULT_FORGETS } }, 1, 200 },
	{ "an hour, a stranger who refuses", 3600, 0, 0, 1, { { 1000, 80000, FAULT_STRANGER } }, 0,
	  200 },
	{ "an hour, a stranger who refuses, on a link that flaps", 3600, 0, 0, 1,
	  { { 1000, 3600, FAULT_STRANGER }, { 1000, 3600, FAULT_FLAPS } }, 0, 600 },
	{ "ten minutes, on a link that flaps", 600, 0, 0, 1, { { 1000, 80000, FAULT_FLAPS } }, 0,
	  10000 },
	{ "an hour, its server deaf", 3600, 0, 0, 1, { { 1000, 80000, FAULT_DEAF } }, 1, 1000 },
};

/* One world, one machine, one server; the machine of the other protocol is not used. */
struct scene {
	const struct life *life;
	struct world *world;
	struct dhcp4 dhcp4;
	struct dhcp6 dhcp6;
	struct mld mld;
	int64_t began;			/* when the lease was won */
	unsigned int heard;		/* frames that the servers have seen */
	bool forgotten, served;		/* the fault of that kind has happened */
	unsigned int pool;		/* last byte of what the server gives next */
	int64_t flapped;
	unsigned int bound, renewed, lost;
};

static bool suffers(const struct scene *scene, enum fault_kind kind)
{
	const int64_t at_s = (scene->world->now - scene->began) / 1000;
	unsigned int i;

	for (i = 0; scene->began && i < 2; i++) {
		const struct fault *fault = &scene->life->faults[i];

		if (fault->at_s && fault->kind == kind && at_s >= fault->at_s &&
		    (kind == FAULT_FORGETS || at_s < fault->at_s + fault->for_s))
			return true;
	}
	return false;
}

/* Whether the server knows the lease that it is asked about. */
static bool remembers(struct scene *scene)
{
	if (suffers(scene, FAULT_FORGETS) && !scene->forgotten) {
		scene->forgotten = true;
		scene->served = false;
		scene->pool++;
	}
	return scene->served;
}

static bool hears(const struct scene *scene)
{
	if (suffers(scene, FAULT_AWAY))
		return false;
	return !suffers(scene, FAULT_DEAF) || scene->heard % 3 == 0;
}

/* --- DHCPv4 */

static struct scene *scene4;

static void on_event4(void *ctx, const struct dhcp4_event *event)
{
	(void)ctx;
	scene4->bound += event->kind == DHCP4_EVENT_BOUND;
	scene4->renewed += event->kind == DHCP4_EVENT_RENEWED;
	scene4->lost += event->kind == DHCP4_EVENT_LOST;
}

static void reply4(struct scene *scene, const char *yiaddr, uint8_t type, const char *server)
{
	struct message m = v4_begin(scene->dhcp4.xid, yiaddr, type);

	v4_add_address(&m, 54, server);
	v4_add_address(&m, 1, "255.255.255.0");
	v4_add32(&m, 51, scene->life->lease_s);
	if (scene->life->t1_s)
		v4_add32(&m, 58, scene->life->t1_s);
	if (scene->life->t2_s)
		v4_add32(&m, 59, scene->life->t2_s);
	v4_deliver(&scene->dhcp4, &m);
}

/* The value of an option of the device's message; NULL if absent. */
static const uint8_t *option4(const struct packet *packet, uint8_t code)
{
	const uint8_t *p = packet->payload + 240;

	for (; *p != 255; p += 2 + p[1])
		if (*p == code)
			return p + 2;
	return NULL;
}

static void serve4(struct scene *scene, const struct packet *packet)
{
	const bool request = packet->payload[242] == 3, unicast = packet->dst.b[0] != 0xff;
	const bool selecting = request && option4(packet, 54);
	char ours[DOPPEL_IP4_TEXT];

	/* Who knows nothing of a lease refuses it at once, ahead of the one who does. */
	if (suffers(scene, FAULT_STRANGER) && request && !selecting && !unicast)
		reply4(scene, "0.0.0.0", 6, "192.0.2.66");
	if (!hears(scene))
		return;
	snprintf(ours, sizeof(ours), "192.0.2.%u", scene->pool);
	if (packet->payload[242] == 1) {
		reply4(scene, ours, 2, "192.0.2.1");
	} else if (selecting) {
		scene->served = true;
		reply4(scene, ours, 5, "192.0.2.1");
	} else if (request && remembers(scene)) {
		reply4(scene, ours, 5, "192.0.2.1");
	} else if (request) {
		reply4(scene, "0.0.0.0", 6, "192.0.2.1");
	}
}

static void listen4(struct scene *scene)
{
	while (scene->heard < scene->world->count) {
		struct sent sent = scene->world->sent[scene->heard++ % WORLD_FRAMES];
		struct packet packet;

		if (doppel_frame_parse(sent.frame, sent.len, 0, &packet) != VERDICT_ACCEPTED)
			abort();
		if (packet.kind == PACKET_UDP4)
			serve4(scene, &packet);
	}
}

static void live4(struct scene *scene, int64_t until)
{
	while (scene->world->now < until) {
		int64_t next = doppel_earlier(doppel_dhcp4_deadline(&scene->dhcp4), until);

		if (suffers(scene, FAULT_FLAPS) && scene->world->now - scene->flapped >= 60000) {
			scene->flapped = scene->world->now;
			doppel_dhcp4_confirm(&scene->dhcp4);
			continue;
		}
		if (scene->life->faults[0].at_s)
			next = doppel_earlier(next, scene->world->now + 10000);
		world_run(scene->world, &scene->dhcp4, dhcp4, next);
		listen4(scene);
	}
}

static void test_dhcp4(const struct life *life)
{
	const struct dhcp4_config config = { .mac = device, .policy = policy };
	struct scene scene = { .life = life, .world = world_new(), .pool = 9 };
	unsigned int frames;

	scene4 = &scene;
	scene.world->random = true;
	doppel_dhcp4_init(&scene.dhcp4, &scene.world->env, &config, on_event4);
	doppel_dhcp4_start(&scene.dhcp4, NULL);
	live4(&scene, scene.world->now + 20000);
	is_int(scene.bound, 1, "DHCPv4: %s: won", life->name);
	scene.began = scene.world->now;
	frames = scene.world->count;
	live4(&scene, scene.began + life->days * DAY_MS);
	frames = (unsigned int)((scene.world->count - frames) / life->days);
	ok(scene.lost <= life->most_lost, "DHCPv4: %s: lost %u times, renewed %u times", life->name,
	   scene.lost, scene.renewed);
	is_int(scene.bound, 1 + scene.lost, "DHCPv4: %s: won again as often", life->name);
	ok(doppel_dhcp4_lease(&scene.dhcp4) != NULL, "DHCPv4: %s: in use at the end", life->name);
	ok(frames <= life->most_frames, "DHCPv4: %s: %u frames a day", life->name, frames);
	doppel_dhcp4_free(&scene.dhcp4);
	free(scene.world);
}

/* --- DHCPv6 */

static struct scene *scene6;

static void on_event6(void *ctx, const struct dhcp6_event *event)
{
	(void)ctx;
	scene6->bound += event->kind == DHCP6_EVENT_BOUND;
	scene6->renewed += event->kind == DHCP6_EVENT_RENEWED;
	scene6->lost += event->kind == DHCP6_EVENT_LOST;
}

static void give6(struct scene *scene, uint8_t type)
{
	struct message m = v6_begin(type, scene->dhcp6.exchange.xid, server_duid);
	char ours[DOPPEL_IP6_TEXT];

	snprintf(ours, sizeof(ours), "2001:db8::%x", scene->pool);
	v6_put_ia(&m, scene->life->t1_s, scene->life->t2_s, 28);
	v6_put_address(&m, ours, scene->life->lease_s, scene->life->lease_s);
	v6_deliver(&scene->dhcp6, &m);
}

static void serve6(struct scene *scene, const struct packet *packet)
{
	static const uint8_t stranger[10] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfd };
	struct message m;

	if (suffers(scene, FAULT_STRANGER) && packet->payload[0] == DHCP6_CONFIRM) {
		m = v6_begin(7, scene->dhcp6.exchange.xid, stranger);
		v6_put_status(&m, DHCP6_NOT_ON_LINK, "");
		v6_deliver(&scene->dhcp6, &m);
	}
	if (!hears(scene))
		return;
	switch (packet->payload[0]) {
	case DHCP6_SOLICIT:
		give6(scene, 2);
		break;
	case DHCP6_REQUEST:
		scene->served = true;
		give6(scene, 7);
		break;
	case DHCP6_CONFIRM:
		v6_answer_status(&scene->dhcp6, 7, DHCP6_SUCCESS, "");
		break;
	case DHCP6_RENEW:
	case DHCP6_REBIND:
		if (remembers(scene))
			give6(scene, 7);
		else
			v6_answer_ia_status(&scene->dhcp6, 7, DHCP6_NO_BINDING);
		break;
	}
}

static void listen6(struct scene *scene)
{
	while (scene->heard < scene->world->count) {
		struct sent sent = scene->world->sent[scene->heard++ % WORLD_FRAMES];
		struct packet packet;

		if (doppel_frame_parse(sent.frame, sent.len, 0, &packet) != VERDICT_ACCEPTED)
			abort();
		if (packet.kind == PACKET_UDP6)
			serve6(scene, &packet);
	}
}

static void live6(struct scene *scene, int64_t until)
{
	while (scene->world->now < until) {
		int64_t next = doppel_earlier(doppel_dhcp6_deadline(&scene->dhcp6), until);

		if (suffers(scene, FAULT_FLAPS) && scene->world->now - scene->flapped >= 60000) {
			scene->flapped = scene->world->now;
			doppel_dhcp6_confirm(&scene->dhcp6);
			continue;
		}
		if (scene->life->faults[0].at_s)
			next = doppel_earlier(next, scene->world->now + 10000);
		world_run(scene->world, &scene->dhcp6, dhcp6, next);
		listen6(scene);
	}
}

static void test_dhcp6(const struct life *life)
{
	const struct in6_addr link_local = ip6("fe80::ff:fe00:1");
	const struct dhcp6_config config = { .mac = device, .policy = policy };
	struct scene scene = { .life = life, .world = world_new(), .pool = 9 };
	unsigned int frames;

	scene6 = &scene;
	scene.world->random = true;
	doppel_mld_init(&scene.mld, &scene.world->env, &device);
	doppel_dhcp6_init(&scene.dhcp6, &scene.world->env, &config, &scene.mld, on_event6);
	doppel_dhcp6_start(&scene.dhcp6, &link_local, NULL);
	live6(&scene, scene.world->now + 4000);
	is_int(scene.bound, 1, "DHCPv6: %s: won", life->name);
	scene.began = scene.world->now;
	frames = scene.world->count;
	live6(&scene, scene.began + life->days * DAY_MS);
	frames = (unsigned int)((scene.world->count - frames) / life->days);
	ok(scene.lost <= life->most_lost, "DHCPv6: %s: lost %u times, renewed %u times", life->name,
	   scene.lost, scene.renewed);
	ok(doppel_dhcp6_lease(&scene.dhcp6) != NULL, "DHCPv6: %s: in use at the end", life->name);
	ok(frames <= life->most_frames, "DHCPv6: %s: %u frames a day", life->name, frames);
	doppel_dhcp6_free(&scene.dhcp6);
	free(scene.world);
}

/* --- SLAAC: a router that advertises every five minutes and when it is asked */

struct slaac_scene {
	struct world *world;
	struct slaac slaac;
	unsigned int heard, added, removed;
	int64_t advertised;
	const char *prefix;
	uint32_t valid_s, preferred_s;
	bool away;
};

static struct slaac_scene *slaac_scene;

static void on_slaac(void *ctx, const struct slaac_event *event)
{
	(void)ctx;
	slaac_scene->added += event->kind == SLAAC_EVENT_ADDED;
	slaac_scene->removed += event->kind == SLAAC_EVENT_REMOVED;
}

static void advertise(struct slaac_scene *scene)
{
	struct ra ra = { .router = ip6("fe80::fe"), .router_mac = server_mac, .lifetime_s = 1800,
			 .received_ms = scene->world->now, .prefix_count = 1 };

	scene->advertised = scene->world->now;
	ra.prefixes[0] = (struct ra_prefix){
		.prefix = ip6(scene->prefix), .len = 64, .on_link = true, .autonomous = true,
		.valid_s = scene->valid_s, .preferred_s = scene->preferred_s };
	doppel_slaac_advertise(&scene->slaac, &ra);
}

static void live_slaac(struct slaac_scene *scene, int64_t ms)
{
	const int64_t until = scene->world->now + ms;

	while (scene->world->now < until) {
		bool asked = false;

		world_run(scene->world, &scene->slaac, slaac,
			  doppel_earlier(doppel_earlier(doppel_slaac_deadline(&scene->slaac), until),
					 scene->advertised + 300000 > scene->world->now ?
					 scene->advertised + 300000 : scene->world->now + 1000));
		while (scene->heard < scene->world->count) {
			struct sent sent = scene->world->sent[scene->heard++ % WORLD_FRAMES];
			struct packet packet;

			if (doppel_frame_parse(sent.frame, sent.len, 0, &packet) !=
			    VERDICT_ACCEPTED)
				abort();
			asked |= packet.payload[0] == ND_ROUTER_SOLICIT;
		}
		if (!scene->away && (asked || scene->world->now - scene->advertised >= 300000))
			advertise(scene);
	}
}

static bool has_preferred(const struct slaac *slaac)
{
	unsigned int i;

	for (i = 0; i < slaac->count; i++)
		if (slaac->addresses[i].state == SLAAC_PREFERRED)
			return true;
	return false;
}

static void test_slaac(void)
{
	const struct slaac_config config = { .mac = device, .wait_ms = 3000 };
	struct slaac_scene scene = {
		.world = world_new(), .prefix = "2001:db8::", .valid_s = 86400,
		.preferred_s = 14400,
	};
	unsigned int frames;

	slaac_scene = &scene;
	scene.world->random = true;
	doppel_slaac_init(&scene.slaac, &scene.world->env, &config, on_slaac);
	doppel_slaac_start(&scene.slaac);
	live_slaac(&scene, 10000);
	is_int(scene.added, 1, "SLAAC: an address");
	frames = scene.world->count;
	live_slaac(&scene, YEAR_DAYS * DAY_MS);
	is_int(scene.world->count - frames, 0, "SLAAC: a year without a frame of ours");
	ok(scene.added == 1 && !scene.removed && has_preferred(&scene.slaac),
	   "SLAAC: nor another address");

	scene.away = true;
	live_slaac(&scene, 2 * 3600 * 1000);
	frames = scene.world->count - frames;
	ok(frames > 10 && frames < 30, "SLAAC: its router away for two hours: %u solicitations",
	   frames);
	ok(!scene.removed && has_preferred(&scene.slaac), "SLAAC: the address stays");
	scene.away = false;
	live_slaac(&scene, 700000);
	ok(scene.slaac.router_heard, "SLAAC: it is found again when it is back");

	/* Renumbering as RFC 4192 has it: the new prefix beside the old one, which ends. */
	scene.preferred_s = 0;
	scene.valid_s = 7200;
	advertise(&scene);
	ok(!has_preferred(&scene.slaac), "SLAAC: the old prefix is deprecated");
	scene.prefix = "2001:db8:1::";
	scene.preferred_s = 14400;
	scene.valid_s = 86400;
	advertise(&scene);
	live_slaac(&scene, 3000);
	ok(scene.added == 2 && has_preferred(&scene.slaac) && scene.slaac.count == 2,
	   "SLAAC: the new one is beside it");
	live_slaac(&scene, DAY_MS);
	ok(scene.removed == 1 && scene.slaac.count == 1, "SLAAC: the old address ends, once");
	doppel_slaac_free(&scene.slaac);
	free(scene.world);
}

int main(void)
{
	size_t i;

	for (i = 0; i < sizeof(lives) / sizeof(*lives); i++) {
		test_dhcp4(&lives[i]);
		test_dhcp6(&lives[i]);
	}
	test_slaac();
	return done_testing();
}
