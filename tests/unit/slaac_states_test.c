// SPDX-License-Identifier: GPL-2.0-only
/* Stateless autoconfiguration: every event in every state. */
#include <netinet/icmp6.h>

#include "gateway/slaac.h"
#include "state_table.h"

/*
 * Sent: RS; DAD a solicitation, NA an announcement, +G and -G a group joined or left, MLD an answer.
 * States: waiting (for its start, or after a conflict), checking (the link-local address),
 * soliciting, router; behind it the addresses: t tentative, p preferred, d deprecated, x given up.
 * A star: one is in use. Told: link-local, no-router, added, updated, removed, conflict, status.
 */
static const struct cell table[] = {
	{ "off", "start", "- > waiting: -" },
	{ "off", "confirm", "- > waiting: -" },
	{ "off", "resume", "- > soliciting p*: link-local added" },

	{ "waiting", "RA", "- > waiting t: status" },
	{ "waiting", "RA, another prefix", "- > waiting t: status" },
	{ "waiting", "RA, A = 0", "- > waiting: status" },
	{ "waiting", "RA, preferred lifetime 0", "- > waiting t: status" },
	{ "waiting", "RA, valid lifetime 0", "- > waiting: status" },
	{ "waiting", "RA, no prefix", "- > waiting: status" },
	{ "waiting", "timeout", "+G DAD > checking: -" },
	{ "waiting", "two days later", "+G DAD > checking: -" },
	{ "waiting", "retry", "+G DAD > checking: -" },
	{ "waiting", "stop", "- > off: -" },
	{ "waiting", "resume", "- > soliciting p*: link-local added" },

	{ "waiting, prefix known", "RA, another prefix", "- > waiting t t: -" },
	{ "waiting, prefix known", "timeout", "+G DAD > checking t: -" },
	{ "waiting, prefix known", "two days later", "+G DAD > checking: -" },
	{ "waiting, prefix known", "retry", "+G DAD > checking t: -" },
	{ "waiting, prefix known", "stop", "- > off: -" },
	{ "waiting, prefix known", "start", "- > waiting: -" },
	{ "waiting, prefix known", "resume", "- > soliciting p*: link-local added" },

	{ "checking", "RA", "- > checking t: status" },
	{ "checking", "RA, another prefix", "- > checking t: status" },
	{ "checking", "RA, A = 0", "- > checking: status" },
	{ "checking", "RA, preferred lifetime 0", "- > checking t: status" },
	{ "checking", "RA, valid lifetime 0", "- > checking: status" },
	{ "checking", "RA, no prefix", "- > checking: status" },
	{ "checking", "NA for the link-local address", "- > waiting: conflict" },
	{ "checking", "NS for the link-local address", "- > waiting: conflict" },
	{ "checking", "MLD query", "MLD > checking: -" },
	{ "checking", "timeout", "NA RS > soliciting: link-local" },
	{ "checking", "two days later", "NA RS > soliciting: link-local" },
	{ "checking", "stop", "- > off: -" },
	{ "checking", "start", "- > waiting: -" },
	{ "checking", "resume", "- > soliciting p*: link-local added" },

	{ "conflict", "RA", "- > waiting t: status" },
	{ "conflict", "RA, another prefix", "- > waiting t: status" },
	{ "conflict", "RA, A = 0", "- > waiting: status" },
	{ "conflict", "RA, preferred lifetime 0", "- > waiting t: status" },
	{ "conflict", "RA, valid lifetime 0", "- > waiting: status" },
	{ "conflict", "RA, no prefix", "- > waiting: status" },
	{ "conflict", "timeout", "+G DAD > checking: -" },
	{ "conflict", "two days later", "+G DAD > checking: -" },
	{ "conflict", "retry", "+G DAD > checking: -" },
	{ "conflict", "stop", "- > off: -" },
	{ "conflict", "resume", "- > soliciting p*: link-local added" },

	{ "soliciting", "RA", "- > router t: status" },
	{ "soliciting", "RA, another prefix", "- > router t: status" },
	{ "soliciting", "RA, A = 0", "- > router: status" },
	{ "soliciting", "RA, preferred lifetime 0", "- > router t: status" },
	{ "soliciting", "RA, valid lifetime 0", "- > router: status" },
	{ "soliciting", "RA, no prefix", "- > router: status" },
	{ "soliciting", "MLD query", "MLD > soliciting: -" },
	{ "soliciting", "timeout", "- > soliciting: no-router" },
	{ "soliciting", "two days later", "RS > soliciting: no-router" },
	{ "soliciting", "retry", "RS > soliciting: -" },
	{ "soliciting", "stop", "- > off: -" },
	{ "soliciting", "start", "- > waiting: -" },
	{ "soliciting", "resume", "- > soliciting p*: link-local added" },

	{ "nobody answers", "RA", "- > router t: status" },
	{ "nobody answers", "RA, another prefix", "- > router t: status" },
	{ "nobody answers", "RA, A = 0", "- > router: status" },
	{ "nobody answers", "RA, preferred lifetime 0", "- > router t: status" },
	{ "nobody answers", "RA, valid lifetime 0", "- > router: status" },
	{ "nobody answers", "RA, no prefix", "- > router: status" },
	{ "nobody answers", "MLD query", "MLD > soliciting: -" },
	{ "nobody answers", "timeout", "RS > soliciting: -" },
	{ "nobody answers", "two days later", "RS > soliciting: -" },
	{ "nobody answers", "retry", "RS > soliciting: -" },
	{ "nobody answers", "stop", "- > off: -" },
	{ "nobody answers", "start", "- > waiting: -" },
	{ "nobody answers", "resume", "- > soliciting p*: link-local added" },

	{ "router without prefix", "RA", "- > router t: -" },
	{ "router without prefix", "RA, another prefix", "- > router t: -" },
	{ "router without prefix", "RA, preferred lifetime 0", "- > router t: -" },
	{ "router without prefix", "MLD query", "MLD > router: -" },
	{ "router without prefix", "timeout", "- > soliciting: status" },
	{ "router without prefix", "two days later", "- > soliciting: status" },
	{ "router without prefix", "confirm", "- > soliciting: -" },
	{ "router without prefix", "stop", "- > off: -" },
	{ "router without prefix", "start", "- > waiting: -" },
	{ "router without prefix", "resume", "- > soliciting p*: link-local added" },

	{ "tentative", "RA, another prefix", "- > router t t: -" },
	{ "tentative", "NA for the address", "+G > router t: conflict" },
	{ "tentative", "NS for the address", "+G > router t: conflict" },
	{ "tentative", "MLD query", "MLD > router t: -" },
	{ "tentative", "timeout", "NA > router p*: added" },
	{ "tentative", "two days later", "NA > soliciting: added removed status" },
	{ "tentative", "confirm", "- > soliciting t: -" },
	{ "tentative", "stop", "- > off: -" },
	{ "tentative", "start", "- > waiting: -" },
	{ "tentative", "resume", "- > soliciting p*: link-local added" },

	{ "preferred", "RA", "- > router p*: updated" },
	{ "preferred", "RA, another prefix", "- > router p t*: -" },
	{ "preferred", "RA, preferred lifetime 0", "- > router d*: updated" },
	{ "preferred", "RA, valid lifetime 0", "- > router d*: updated" },
	{ "preferred", "MLD query", "MLD > router p*: -" },
	{ "preferred", "timeout", "- > soliciting p*: status" },
	{ "preferred", "two days later", "- > soliciting: removed status" },
	{ "preferred", "confirm", "- > soliciting p*: -" },
	{ "preferred", "stop", "- > off: -" },
	{ "preferred", "start", "- > waiting: -" },
	{ "preferred", "resume", "- > soliciting p*: link-local added" },

	{ "deprecated", "RA", "- > router p*: updated" },
	{ "deprecated", "RA, another prefix", "- > router d t*: -" },
	{ "deprecated", "RA, preferred lifetime 0", "- > router d*: updated" },
	{ "deprecated", "RA, valid lifetime 0", "- > router d*: updated" },
	{ "deprecated", "MLD query", "MLD > router d*: -" },
	{ "deprecated", "timeout", "- > soliciting d*: status" },
	{ "deprecated", "two days later", "- > soliciting: removed status" },
	{ "deprecated", "confirm", "- > soliciting d*: -" },
	{ "deprecated", "stop", "- > off: -" },
	{ "deprecated", "start", "- > waiting: -" },
	{ "deprecated", "resume", "- > soliciting p*: link-local added" },

	{ "given up", "RA, another prefix", "- > router x t: -" },
	{ "given up", "MLD query", "MLD > router x: -" },
	{ "given up", "two days later", "- > soliciting: status" },
	{ "given up", "confirm", "- > soliciting x: -" },
	{ "given up", "retry", "- > router t: -" },
	{ "given up", "stop", "- > off: -" },
	{ "given up", "start", "- > waiting: -" },
	{ "given up", "resume", "- > soliciting p*: link-local added" },

	{ "router gone", "RA", "- > router p*: updated status" },
	{ "router gone", "RA, another prefix", "- > router p t*: status" },
	{ "router gone", "RA, A = 0", "- > router p*: status" },
	{ "router gone", "RA, preferred lifetime 0", "- > router d*: updated status" },
	{ "router gone", "RA, valid lifetime 0", "- > router d*: updated status" },
	{ "router gone", "RA, no prefix", "- > router p*: status" },
	{ "router gone", "MLD query", "MLD > soliciting p*: -" },
	{ "router gone", "timeout", "RS > soliciting p*: -" },
	{ "router gone", "two days later", "RS > soliciting: removed" },
	{ "router gone", "retry", "RS > soliciting p*: -" },
	{ "router gone", "stop", "- > off: -" },
	{ "router gone", "start", "- > waiting: -" },
	{ "router gone", "resume", "- > soliciting p*: link-local added" },
};

static struct outcome outcome;
static const char *const words[] = {
	"link-local", "no-router", "added", "updated", "removed", "conflict", "status",
};

static void on_event(void *ctx, const struct slaac_event *event)
{
	(void)ctx;
	outcome_add(outcome.told, words[event->kind]);
}

static const char *sent_word(const struct sent *sent)
{
	struct packet packet = { .len = 0 };

	if (doppel_frame_parse(sent->frame, sent->len, 0, &packet) != VERDICT_ACCEPTED)
		abort();
	switch (packet.payload[0]) {
	case ND_ROUTER_SOLICIT:
		return "RS";
	case ND_NEIGHBOR_SOLICIT:
		return "DAD";
	case ND_NEIGHBOR_ADVERT:
		return "NA";
	default:
		return packet.payload[8] == 4 ? "+G" : packet.payload[8] == 3 ? "-G" : "MLD";
	}
}

static const char *state_of(const struct slaac *slaac)
{
	static const char letters[] = "tpdx";
	static char text[32];
	unsigned int i;

	snprintf(text, sizeof(text), "%s", !slaac->running ? "off" :
		 slaac->restart_at != NEVER ? "waiting" : !slaac->ready ? "checking" :
		 slaac->router_heard ? "router" : "soliciting");
	for (i = 0; i < slaac->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %c",
			 letters[slaac->addresses[i].state]);
	return text;
}

static void look(struct world *world, const struct slaac *slaac, unsigned int from)
{
	static char state[2][32];
	static unsigned int turn;
	struct negotiation_status status;
	unsigned int i;

	for (i = from; i < world->count; i++)
		outcome_add(outcome.sent, sent_word(&world->sent[i % WORLD_FRAMES]));
	turn = !turn;
	snprintf(state[turn], sizeof(state[turn]), "%s", state_of(slaac));
	outcome.state = state[turn];
	doppel_slaac_status(slaac, &status);
	outcome.held = status.status == FAMILY_BOUND;
}

/* --- the routers */

static struct ra silent_ra(struct world *world)
{
	return (struct ra){ .router = ip6("fe80::fe"), .router_mac = server_mac,
			    .lifetime_s = 1800, .received_ms = world->now };
}

static enum verdict advertise(struct world *world, struct slaac *slaac, const char *prefix,
			      bool autonomous, uint32_t valid_s, uint32_t preferred_s)
{
	struct ra ra = silent_ra(world);

	ra.prefixes[ra.prefix_count++] = (struct ra_prefix){
		.prefix = ip6(prefix), .len = 64, .on_link = true, .autonomous = autonomous,
		.valid_s = valid_s, .preferred_s = preferred_s };
	doppel_slaac_advertise(slaac, &ra);
	return VERDICT_OTHER;
}

static enum verdict ra(struct world *world, struct slaac *slaac)
{
	return advertise(world, slaac, "2001:db8::", true, 86400, 14400);
}

static enum verdict ra_other(struct world *world, struct slaac *slaac)
{
	return advertise(world, slaac, "2001:db8:1::", true, 86400, 14400);
}

static enum verdict ra_not_autonomous(struct world *world, struct slaac *slaac)
{
	return advertise(world, slaac, "2001:db8::", false, 86400, 14400);
}

static enum verdict ra_not_preferred(struct world *world, struct slaac *slaac)
{
	return advertise(world, slaac, "2001:db8::", true, 86400, 0);
}

static enum verdict ra_not_valid(struct world *world, struct slaac *slaac)
{
	return advertise(world, slaac, "2001:db8::", true, 0, 0);
}

static enum verdict ra_no_prefix(struct world *world, struct slaac *slaac)
{
	struct ra nothing = silent_ra(world);

	doppel_slaac_advertise(slaac, &nothing);
	return VERDICT_OTHER;
}

static enum verdict ra_leaving(struct world *world, struct slaac *slaac)
{
	struct ra nothing = silent_ra(world);

	nothing.lifetime_s = 0;
	doppel_slaac_advertise(slaac, &nothing);
	return VERDICT_OTHER;
}

/* --- neighbours and listeners */

static enum verdict neighbour(struct slaac *slaac, const struct in6_addr *target, bool na,
			      const struct mac *mac)
{
	uint8_t data[24] = { na ? ND_NEIGHBOR_ADVERT : ND_NEIGHBOR_SOLICIT };
	struct packet packet = {
		.kind = PACKET_ICMP6, .src = *mac, .hop_limit = 255, .payload = data, .len = 24,
		.ip6 = { .src = na ? *target : in6addr_any,
			 .dst = na ? doppel_all_nodes : doppel_ip6_solicited_node(target) },
	};

	memcpy(data + 8, target, 16);
	return doppel_slaac_receive(slaac, &packet);
}

static enum verdict na_link_local(struct world *world, struct slaac *slaac)
{
	(void)world;
	return neighbour(slaac, &slaac->link_local, true, &rival);
}

static enum verdict ns_link_local(struct world *world, struct slaac *slaac)
{
	(void)world;
	return neighbour(slaac, &slaac->link_local, false, &rival);
}

static enum verdict ns_own(struct world *world, struct slaac *slaac)
{
	(void)world;
	return neighbour(slaac, &slaac->link_local, false, &device);
}

static enum verdict na_address(struct world *world, struct slaac *slaac)
{
	const struct in6_addr address = ip6("2001:db8::ff:fe00:1");

	(void)world;
	return neighbour(slaac, &address, true, &rival);
}

static enum verdict ns_address(struct world *world, struct slaac *slaac)
{
	const struct in6_addr address = ip6("2001:db8::ff:fe00:1");

	(void)world;
	return neighbour(slaac, &address, false, &rival);
}

static enum verdict query(struct slaac *slaac, uint8_t hop_limit)
{
	uint8_t data[28] = { MLD_LISTENER_QUERY };
	struct packet packet = {
		.kind = PACKET_ICMP6, .src = server_mac, .hop_limit = hop_limit,
		.router_alert = true, .payload = data, .len = sizeof(data),
		.ip6 = { .src = ip6("fe80::fe"), .dst = doppel_all_nodes },
	};

	return doppel_slaac_receive(slaac, &packet);
}

static enum verdict mld_query(struct world *world, struct slaac *slaac)
{
	const enum verdict verdict = query(slaac, 1);

	doppel_slaac_timeout(slaac);
	(void)world;
	return verdict;
}

static enum verdict mld_query_from_afar(struct world *world, struct slaac *slaac)
{
	(void)world;
	return query(slaac, 64);
}

/* --- the owner and the clock */

/* The box slept: all that was due is due now. */
WORLD_EVENTS(slaac, 2 * 86400 * 1000)

static enum verdict stop(struct world *world, struct slaac *slaac)
{
	(void)world;
	doppel_slaac_stop(slaac);
	return VERDICT_OTHER;
}

static enum verdict start(struct world *world, struct slaac *slaac)
{
	(void)world;
	doppel_slaac_start(slaac);
	return VERDICT_OTHER;
}

static enum verdict resume(struct world *world, struct slaac *slaac)
{
	const struct slaac_address held = {
		.address = ip6("2001:db8::ff:fe00:1"), .prefix_len = 64,
		.valid_until = world->now + 86400000, .preferred_until = world->now + 14400000,
	};

	doppel_slaac_resume(slaac, &held, 1);
	return VERDICT_OTHER;
}

/* --- the states, and how they are come by */

static void off(struct world *world, struct slaac *slaac)
{
	(void)world;
	(void)slaac;
}

static void waiting(struct world *world, struct slaac *slaac)
{
	start(world, slaac);
}

static void waiting_with_prefix(struct world *world, struct slaac *slaac)
{
	waiting(world, slaac);
	ra(world, slaac);
}

static void checking(struct world *world, struct slaac *slaac)
{
	waiting(world, slaac);
	world_run(world, slaac, slaac, world->now + 1300);
}

static void conflict(struct world *world, struct slaac *slaac)
{
	checking(world, slaac);
	na_link_local(world, slaac);
}

static void soliciting(struct world *world, struct slaac *slaac)
{
	checking(world, slaac);
	world_run(world, slaac, slaac, world->now + 1000);
}

static void nobody(struct world *world, struct slaac *slaac)
{
	soliciting(world, slaac);
	world_run(world, slaac, slaac, world->now + 60000);
}

static void router(struct world *world, struct slaac *slaac)
{
	soliciting(world, slaac);
	ra_no_prefix(world, slaac);
}

static void tentative(struct world *world, struct slaac *slaac)
{
	soliciting(world, slaac);
	ra(world, slaac);
	world_run(world, slaac, slaac, world->now + 600);
}

static void preferred(struct world *world, struct slaac *slaac)
{
	tentative(world, slaac);
	world_run(world, slaac, slaac, world->now + 5000);
}

static void deprecated(struct world *world, struct slaac *slaac)
{
	preferred(world, slaac);
	ra_not_preferred(world, slaac);
}

static void given_up(struct world *world, struct slaac *slaac)
{
	unsigned int i;

	tentative(world, slaac);
	for (i = 0; i < 4; i++)
		neighbour(slaac, &slaac->addresses[0].address, true, &rival);
}

static void router_gone(struct world *world, struct slaac *slaac)
{
	preferred(world, slaac);
	world_run(world, slaac, slaac, world->now + 1900000);
}

static const struct {
	const char *name;
	void (*reach)(struct world *world, struct slaac *slaac);
} situations[] = {
	{ "off", off },
	{ "waiting", waiting },
	{ "waiting, prefix known", waiting_with_prefix },
	{ "checking", checking },
	{ "conflict", conflict },
	{ "soliciting", soliciting },
	{ "nobody answers", nobody },
	{ "router without prefix", router },
	{ "tentative", tentative },
	{ "preferred", preferred },
	{ "deprecated", deprecated },
	{ "given up", given_up },
	{ "router gone", router_gone },
};

static const struct {
	const char *name;
	enum verdict (*happen)(struct world *world, struct slaac *slaac);
} events[] = {
	{ "RA", ra },
	{ "RA, another prefix", ra_other },
	{ "RA, A = 0", ra_not_autonomous },
	{ "RA, preferred lifetime 0", ra_not_preferred },
	{ "RA, valid lifetime 0", ra_not_valid },
	{ "RA, no prefix", ra_no_prefix },
	{ "RA, router lifetime 0", ra_leaving },
	{ "NA for the link-local address", na_link_local },
	{ "NS for the link-local address", ns_link_local },
	{ "NS of our own", ns_own },
	{ "NA for the address", na_address },
	{ "NS for the address", ns_address },
	{ "MLD query", mld_query },
	{ "MLD query from afar", mld_query_from_afar },
	{ "too early", early },
	{ "timeout", timeout },
	{ "two days later", late },
	{ "confirm", confirm },
	{ "retry", retry },
	{ "stop", stop },
	{ "start", start },
	{ "resume", resume },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void meet(size_t s, size_t e)
{
	const struct slaac_config config = {
		.mac = device, .secret = "0123456789abcdef0123456789abcde", .wait_ms = 3000,
		.start_jitter_ms = 1000,
	};
	struct world *world = world_new();
	struct outcome before;
	enum verdict verdict;
	unsigned int from;
	struct slaac slaac;

	doppel_slaac_init(&slaac, &world->env, &config, on_event);
	situations[s].reach(world, &slaac);
	outcome = (struct outcome){ .sent = "" };
	look(world, &slaac, world->count);
	before = outcome;
	from = world->count;
	verdict = events[e].happen(world, &slaac);
	look(world, &slaac, from);
	table_meet(table, COUNT(table), situations[s].name, events[e].name, &before, &outcome,
		   verdict == VERDICT_ACCEPTED);
	doppel_slaac_free(&slaac);
	free(world);
}

int main(void)
{
	size_t s, e;

	for (s = 0; s < COUNT(situations); s++)
		for (e = 0; e < COUNT(events); e++)
			meet(s, e);
	table_end(table, COUNT(table));
	return done_testing();
}
