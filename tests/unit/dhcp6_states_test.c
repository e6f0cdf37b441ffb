// SPDX-License-Identifier: GPL-2.0-only
/* The DHCPv6 client: every event in every state. */
#include "dhcp6_peer.h"
#include "state_table.h"

#define PREFERRED_S 1800
#define VALID_S 3600

/*
 * Sent: Solicit, Request, Confirm, Renew, Rebind, Release, Decline, Inform; DAD a solicitation, NA an
 * announcement, +G and -G a group joined or left. A star: a lease is in use. Told: bound, renewed,
 * lost, conflict, informed, status.
 */
static const struct cell table[] = {
	{ "off", "start", "- > init: -" },
	{ "off", "start with a lease", "- > init: -" },
	{ "off", "resume", "- > bound*: bound" },
	{ "off", "inform", "- > init: -" },

	{ "init", "timeout", "Solicit > soliciting: -" },
	{ "init", "two hours later", "Solicit > soliciting: -" },
	{ "init", "retry", "Solicit > soliciting: -" },
	{ "init", "stop", "- > off: -" },
	{ "init", "release", "- > off: -" },
	{ "init", "resume", "- > bound*: bound" },

	{ "soliciting", "Advertise", "- > soliciting: -" },
	{ "soliciting", "Advertise, other server", "- > soliciting: -" },
	{ "soliciting", "Advertise, preference 255", "Request > requesting: -" },
	{ "soliciting", "Advertise, NoAddrsAvail", "- > soliciting: -" },
	{ "soliciting", "Reply, rapid commit", "+G > checking: -" },
	{ "soliciting", "timeout", "Solicit > soliciting: -" },
	{ "soliciting", "two hours later", "- > init: status" },
	{ "soliciting", "confirm", "- > init: -" },
	{ "soliciting", "stop", "- > off: -" },
	{ "soliciting", "release", "- > off: -" },
	{ "soliciting", "start", "- > init: -" },
	{ "soliciting", "start with a lease", "- > init: -" },
	{ "soliciting", "resume", "- > bound*: bound" },
	{ "soliciting", "inform", "- > init: -" },

	{ "soliciting, second time", "Advertise", "Request > requesting: -" },
	{ "soliciting, second time", "Advertise, other server", "Request > requesting: -" },
	{ "soliciting, second time", "Advertise, preference 255", "Request > requesting: -" },
	{ "soliciting, second time", "Advertise, NoAddrsAvail", "- > soliciting: -" },
	{ "soliciting, second time", "Reply, rapid commit", "+G > checking: -" },
	{ "soliciting, second time", "timeout", "Solicit > soliciting: -" },
	{ "soliciting, second time", "two hours later", "- > init: status" },
	{ "soliciting, second time", "confirm", "- > init: -" },
	{ "soliciting, second time", "stop", "- > off: -" },
	{ "soliciting, second time", "release", "- > off: -" },
	{ "soliciting, second time", "start", "- > init: -" },
	{ "soliciting, second time", "start with a lease", "- > init: -" },
	{ "soliciting, second time", "resume", "- > bound*: bound" },
	{ "soliciting, second time", "inform", "- > init: -" },

	{ "advertised", "Advertise", "- > soliciting: -" },
	{ "advertised", "Advertise, other server", "- > soliciting: -" },
	{ "advertised", "Advertise, preference 255", "Request > requesting: -" },
	{ "advertised", "Advertise, NoAddrsAvail", "- > soliciting: -" },
	{ "advertised", "Reply, rapid commit", "+G > checking: -" },
	{ "advertised", "timeout", "Request > requesting: -" },
	{ "advertised", "two hours later", "Request > requesting: -" },
	{ "advertised", "confirm", "- > init: -" },
	{ "advertised", "stop", "- > off: -" },
	{ "advertised", "release", "- > off: -" },
	{ "advertised", "start", "- > init: -" },
	{ "advertised", "start with a lease", "- > init: -" },
	{ "advertised", "resume", "- > bound*: bound" },
	{ "advertised", "inform", "- > init: -" },

	{ "another known", "Advertise", "- > soliciting: -" },
	{ "another known", "Advertise, other server", "- > soliciting: -" },
	{ "another known", "Advertise, preference 255", "- > soliciting: -" },
	{ "another known", "Advertise, NoAddrsAvail", "- > soliciting: -" },
	{ "another known", "Reply, rapid commit", "- > soliciting: -" },
	{ "another known", "timeout", "Solicit > soliciting: -" },
	{ "another known", "two hours later", "- > init: status" },
	{ "another known", "confirm", "- > init: -" },
	{ "another known", "stop", "- > off: -" },
	{ "another known", "release", "- > off: -" },
	{ "another known", "start", "- > init: -" },
	{ "another known", "start with a lease", "- > init: -" },
	{ "another known", "resume", "- > bound*: bound" },
	{ "another known", "inform", "- > init: -" },

	{ "second choice", "Advertise", "- > soliciting: -" },
	{ "second choice", "Advertise, other server", "- > soliciting: -" },
	{ "second choice", "Advertise, preference 255", "- > soliciting: -" },
	{ "second choice", "Advertise, NoAddrsAvail", "- > soliciting: -" },
	{ "second choice", "Reply, rapid commit", "- > soliciting: -" },
	{ "second choice", "timeout", "Solicit > soliciting: -" },
	{ "second choice", "two hours later", "Request > requesting: -" },
	{ "second choice", "confirm", "- > init: -" },
	{ "second choice", "stop", "- > off: -" },
	{ "second choice", "release", "- > off: -" },
	{ "second choice", "start", "- > init: -" },
	{ "second choice", "start with a lease", "- > init: -" },
	{ "second choice", "resume", "- > bound*: bound" },
	{ "second choice", "inform", "- > init: -" },

	{ "second choice, second time", "Advertise", "- > soliciting: -" },
	{ "second choice, second time", "Advertise, other server", "Request > requesting: -" },
	{ "second choice, second time", "Advertise, preference 255", "- > soliciting: -" },
	{ "second choice, second time", "Advertise, NoAddrsAvail", "- > soliciting: -" },
	{ "second choice, second time", "Reply, rapid commit", "- > soliciting: -" },
	{ "second choice, second time", "timeout", "Request > requesting: -" },
	{ "second choice, second time", "two hours later", "Request > requesting: -" },
	{ "second choice, second time", "confirm", "- > init: -" },
	{ "second choice, second time", "stop", "- > off: -" },
	{ "second choice, second time", "release", "- > off: -" },
	{ "second choice, second time", "start", "- > init: -" },
	{ "second choice, second time", "start with a lease", "- > init: -" },
	{ "second choice, second time", "resume", "- > bound*: bound" },
	{ "second choice, second time", "inform", "- > init: -" },

	{ "second choice after the known one's", "Advertise", "- > soliciting: -" },
	{ "second choice after the known one's", "Advertise, other server", "- > soliciting: -" },
	{ "second choice after the known one's", "Advertise, preference 255", "- > soliciting: -" },
	{ "second choice after the known one's", "Advertise, NoAddrsAvail", "- > soliciting: -" },
	{ "second choice after the known one's", "Reply, rapid commit", "- > soliciting: -" },
	{ "second choice after the known one's", "timeout", "Request > requesting: -" },
	{ "second choice after the known one's", "two hours later", "Request > requesting: -" },
	{ "second choice after the known one's", "confirm", "- > init: -" },
	{ "second choice after the known one's", "stop", "- > off: -" },
	{ "second choice after the known one's", "release", "- > off: -" },
	{ "second choice after the known one's", "start", "- > init: -" },
	{ "second choice after the known one's", "start with a lease", "- > init: -" },
	{ "second choice after the known one's", "resume", "- > bound*: bound" },
	{ "second choice after the known one's", "inform", "- > init: -" },

	{ "between attempts", "timeout", "Solicit > soliciting: -" },
	{ "between attempts", "two hours later", "Solicit > soliciting: -" },
	{ "between attempts", "retry", "Solicit > soliciting: -" },
	{ "between attempts", "stop", "- > off: -" },
	{ "between attempts", "release", "- > off: -" },
	{ "between attempts", "resume", "- > bound*: bound" },

	{ "requesting", "Reply", "+G > checking: -" },
	{ "requesting", "Reply, rapid commit", "+G > checking: -" },
	{ "requesting", "Reply, other address", "+G > checking: -" },
	{ "requesting", "Reply, lifetime 0", "Solicit > soliciting: -" },
	{ "requesting", "Reply, Success", "- > init: status" },
	{ "requesting", "Reply, UnspecFail", "- > requesting: -" },
	{ "requesting", "Reply, NoAddrsAvail", "- > init: status" },
	{ "requesting", "Reply, NoBinding", "- > init: status" },
	{ "requesting", "Reply, NotOnLink", "Solicit > soliciting: -" },
	{ "requesting", "timeout", "Request > requesting: -" },
	{ "requesting", "two hours later", "- > init: status" },
	{ "requesting", "confirm", "- > init: -" },
	{ "requesting", "stop", "- > off: -" },
	{ "requesting", "release", "- > off: -" },
	{ "requesting", "start", "- > init: -" },
	{ "requesting", "start with a lease", "- > init: -" },
	{ "requesting", "resume", "- > bound*: bound" },
	{ "requesting", "inform", "- > init: -" },

	{ "checking", "NA", "-G Decline > declining: conflict" },
	{ "checking", "NS of DAD", "-G Decline > declining: conflict" },
	{ "checking", "timeout", "NA > bound*: bound" },
	{ "checking", "two hours later", "NA > bound*: bound" },
	{ "checking", "confirm", "-G > init: -" },
	{ "checking", "stop", "-G > off: -" },
	{ "checking", "release", "-G > off: -" },
	{ "checking", "start", "-G > init: -" },
	{ "checking", "start with a lease", "-G > init: -" },
	{ "checking", "resume", "-G > bound*: bound" },
	{ "checking", "inform", "-G > init: -" },

	{ "declining", "Reply", "- > init: status" },
	{ "declining", "Reply, rapid commit", "- > init: status" },
	{ "declining", "Reply, other server", "- > init: status" },
	{ "declining", "Reply, other address", "- > init: status" },
	{ "declining", "Reply, lifetime 0", "- > init: status" },
	{ "declining", "Reply, Success", "- > init: status" },
	{ "declining", "Reply, UnspecFail", "- > init: status" },
	{ "declining", "Reply, NoAddrsAvail", "- > init: status" },
	{ "declining", "Reply, NoBinding", "- > init: status" },
	{ "declining", "Reply, NotOnLink", "- > init: status" },
	{ "declining", "Reply, NotOnLink, other server", "- > init: status" },
	{ "declining", "timeout", "Decline > declining: -" },
	{ "declining", "two hours later", "Decline > declining: -" },
	{ "declining", "confirm", "- > init: -" },
	{ "declining", "stop", "- > off: -" },
	{ "declining", "release", "- > off: -" },
	{ "declining", "start", "- > init: -" },
	{ "declining", "start with a lease", "- > init: -" },
	{ "declining", "resume", "- > bound*: bound" },
	{ "declining", "inform", "- > init: -" },

	{ "bound", "timeout", "Renew > renewing*: status" },
	{ "bound", "two hours later", "-G Solicit > soliciting: lost" },
	{ "bound", "confirm", "- > init*: -" },
	{ "bound", "stop", "-G > off: -" },
	{ "bound", "release", "Release -G > off: -" },
	{ "bound", "start", "-G > init: -" },
	{ "bound", "start with a lease", "-G > init: -" },
	{ "bound", "resume", "-G > bound*: bound" },
	{ "bound", "inform", "-G > init: -" },

	{ "renewing", "Reply", "- > bound*: renewed" },
	{ "renewing", "Reply, rapid commit", "- > bound*: renewed" },
	{ "renewing", "Reply, other address", "+G > checking*: -" },
	{ "renewing", "Reply, lifetime 0", "-G Solicit > soliciting: lost" },
	{ "renewing", "Reply, Success", "- > renewing*: -" },
	{ "renewing", "Reply, UnspecFail", "- > renewing*: -" },
	{ "renewing", "Reply, NoAddrsAvail", "- > renewing*: -" },
	{ "renewing", "Reply, NoBinding", "Request > requesting*: -" },
	{ "renewing", "Reply, NotOnLink", "-G Solicit > soliciting: lost" },
	{ "renewing", "timeout", "Renew > renewing*: -" },
	{ "renewing", "two hours later", "-G Solicit > soliciting: lost" },
	{ "renewing", "confirm", "- > init*: -" },
	{ "renewing", "stop", "-G > off: -" },
	{ "renewing", "release", "Release -G > off: -" },
	{ "renewing", "start", "-G > init: -" },
	{ "renewing", "start with a lease", "-G > init: -" },
	{ "renewing", "resume", "-G > bound*: bound" },
	{ "renewing", "inform", "-G > init: -" },

	{ "requesting, lease in use", "Reply", "- > bound*: renewed" },
	{ "requesting, lease in use", "Reply, rapid commit", "- > bound*: renewed" },
	{ "requesting, lease in use", "Reply, other address", "+G > checking*: -" },
	{ "requesting, lease in use", "Reply, lifetime 0", "-G Solicit > soliciting: lost" },
	{ "requesting, lease in use", "Reply, Success", "- > init*: status" },
	{ "requesting, lease in use", "Reply, UnspecFail", "- > requesting*: -" },
	{ "requesting, lease in use", "Reply, NoAddrsAvail", "- > init*: status" },
	{ "requesting, lease in use", "Reply, NoBinding", "- > init*: status" },
	{ "requesting, lease in use", "Reply, NotOnLink", "-G Solicit > soliciting: lost" },
	{ "requesting, lease in use", "timeout", "Request > requesting*: -" },
	{ "requesting, lease in use", "two hours later", "-G > init: lost status" },
	{ "requesting, lease in use", "confirm", "- > init*: -" },
	{ "requesting, lease in use", "stop", "-G > off: -" },
	{ "requesting, lease in use", "release", "Release -G > off: -" },
	{ "requesting, lease in use", "start", "-G > init: -" },
	{ "requesting, lease in use", "start with a lease", "-G > init: -" },
	{ "requesting, lease in use", "resume", "-G > bound*: bound" },
	{ "requesting, lease in use", "inform", "-G > init: -" },

	{ "rebinding", "Reply", "- > bound*: renewed" },
	{ "rebinding", "Reply, rapid commit", "- > bound*: renewed" },
	{ "rebinding", "Reply, other server", "- > bound*: renewed" },
	{ "rebinding", "Reply, other address", "+G > checking*: -" },
	{ "rebinding", "Reply, lifetime 0", "-G Solicit > soliciting: lost" },
	{ "rebinding", "Reply, Success", "- > rebinding*: -" },
	{ "rebinding", "Reply, UnspecFail", "- > rebinding*: -" },
	{ "rebinding", "Reply, NoAddrsAvail", "- > rebinding*: -" },
	{ "rebinding", "Reply, NoBinding", "Request > requesting*: -" },
	{ "rebinding", "Reply, NotOnLink", "-G Solicit > soliciting: lost" },
	{ "rebinding", "Reply, NotOnLink, other server", "-G Solicit > soliciting: lost" },
	{ "rebinding", "timeout", "Rebind > rebinding*: -" },
	{ "rebinding", "two hours later", "-G Solicit > soliciting: lost" },
	{ "rebinding", "confirm", "- > init*: -" },
	{ "rebinding", "stop", "-G > off: -" },
	{ "rebinding", "release", "Release -G > off: -" },
	{ "rebinding", "start", "-G > init: -" },
	{ "rebinding", "start with a lease", "-G > init: -" },
	{ "rebinding", "resume", "-G > bound*: bound" },
	{ "rebinding", "inform", "-G > init: -" },

	{ "confirming after a reboot", "Reply", "+G > checking: -" },
	{ "confirming after a reboot", "Reply, rapid commit", "+G > checking: -" },
	{ "confirming after a reboot", "Reply, other server", "+G > checking: -" },
	{ "confirming after a reboot", "Reply, other address", "+G > checking: -" },
	{ "confirming after a reboot", "Reply, lifetime 0", "+G > checking: -" },
	{ "confirming after a reboot", "Reply, Success", "+G > checking: -" },
	{ "confirming after a reboot", "Reply, UnspecFail", "- > confirming: -" },
	{ "confirming after a reboot", "Reply, NoAddrsAvail", "+G > checking: -" },
	{ "confirming after a reboot", "Reply, NoBinding", "+G > checking: -" },
	{ "confirming after a reboot", "Reply, NotOnLink", "Solicit > soliciting: -" },
	{ "confirming after a reboot", "Reply, NotOnLink, other server", "- > confirming: -" },
	{ "confirming after a reboot", "timeout", "Confirm > confirming: -" },
	{ "confirming after a reboot", "two hours later", "Solicit > soliciting: -" },
	{ "confirming after a reboot", "confirm", "- > init: -" },
	{ "confirming after a reboot", "stop", "- > off: -" },
	{ "confirming after a reboot", "release", "- > off: -" },
	{ "confirming after a reboot", "start", "- > init: -" },
	{ "confirming after a reboot", "start with a lease", "- > init: -" },
	{ "confirming after a reboot", "resume", "- > bound*: bound" },
	{ "confirming after a reboot", "inform", "- > init: -" },

	{ "confirming", "Reply", "- > bound*: renewed" },
	{ "confirming", "Reply, rapid commit", "- > bound*: renewed" },
	{ "confirming", "Reply, other server", "- > bound*: renewed" },
	{ "confirming", "Reply, other address", "- > bound*: renewed" },
	{ "confirming", "Reply, lifetime 0", "- > bound*: renewed" },
	{ "confirming", "Reply, Success", "- > bound*: renewed" },
	{ "confirming", "Reply, UnspecFail", "- > confirming*: -" },
	{ "confirming", "Reply, NoAddrsAvail", "- > bound*: renewed" },
	{ "confirming", "Reply, NoBinding", "- > bound*: renewed" },
	{ "confirming", "Reply, NotOnLink", "-G Solicit > soliciting: lost" },
	{ "confirming", "Reply, NotOnLink, other server", "- > confirming*: -" },
	{ "confirming", "timeout", "Confirm > confirming*: -" },
	{ "confirming", "two hours later", "-G Solicit > soliciting: lost" },
	{ "confirming", "confirm", "- > init*: -" },
	{ "confirming", "stop", "-G > off: -" },
	{ "confirming", "release", "Release -G > off: -" },
	{ "confirming", "start", "-G > init: -" },
	{ "confirming", "start with a lease", "-G > init: -" },
	{ "confirming", "resume", "-G > bound*: bound" },
	{ "confirming", "inform", "-G > init: -" },

	{ "informing", "Reply", "- > informed: informed" },
	{ "informing", "Reply, rapid commit", "- > informed: informed" },
	{ "informing", "Reply, other server", "- > informed: informed" },
	{ "informing", "Reply, other address", "- > informed: informed" },
	{ "informing", "Reply, lifetime 0", "- > informed: informed" },
	{ "informing", "Reply, Success", "- > informed: informed" },
	{ "informing", "Reply, UnspecFail", "- > informing: -" },
	{ "informing", "Reply, NoAddrsAvail", "- > informed: informed" },
	{ "informing", "Reply, NoBinding", "- > informed: informed" },
	{ "informing", "Reply, NotOnLink", "- > informing: -" },
	{ "informing", "Reply, NotOnLink, other server", "- > informing: -" },
	{ "informing", "timeout", "Inform > informing: -" },
	{ "informing", "two hours later", "- > init: status" },
	{ "informing", "confirm", "- > init: -" },
	{ "informing", "stop", "- > off: -" },
	{ "informing", "release", "- > off: -" },
	{ "informing", "start", "- > init: -" },
	{ "informing", "start with a lease", "- > init: -" },
	{ "informing", "resume", "- > bound*: bound" },
	{ "informing", "inform", "- > init: -" },

	{ "informed", "timeout", "Inform > informing: -" },
	{ "informed", "confirm", "- > init: -" },
	{ "informed", "stop", "- > off: -" },
	{ "informed", "release", "- > off: -" },
	{ "informed", "start", "- > init: -" },
	{ "informed", "start with a lease", "- > init: -" },
	{ "informed", "resume", "- > bound*: bound" },
	{ "informed", "inform", "- > init: -" },
};

static struct outcome outcome;
static const char *const words[] = { "bound", "renewed", "lost", "conflict", "informed", "status" };
static const struct in6_addr link_local = { { { 0xfe, 0x80, [11] = 0xff, 0xfe, [15] = 1 } } };
static struct mld mld;

static void on_event(void *ctx, const struct dhcp6_event *event)
{
	(void)ctx;
	outcome_add(outcome.told, words[event->kind]);
}

static const char *sent_word(const struct sent *sent)
{
	static const char *const types[] = {
		[DHCP6_SOLICIT] = "Solicit", [DHCP6_REQUEST] = "Request",
		[DHCP6_CONFIRM] = "Confirm", [DHCP6_RENEW] = "Renew", [DHCP6_REBIND] = "Rebind",
		[DHCP6_RELEASE] = "Release", [DHCP6_DECLINE] = "Decline",
		[DHCP6_INFORMATION_REQUEST] = "Inform",
	};
	struct packet packet = { .len = 0 };

	if (doppel_frame_parse(sent->frame, sent->len, 0, &packet) != VERDICT_ACCEPTED)
		abort();
	if (packet.kind == PACKET_UDP6)
		return types[packet.payload[0]];
	if (packet.payload[0] == 143)
		return packet.payload[8] == 4 ? "+G" : "-G";
	return packet.payload[0] == 135 ? "DAD" : "NA";
}

static void look(struct world *world, const struct dhcp6 *dhcp, unsigned int from)
{
	unsigned int i;

	for (i = from; i < world->count; i++)
		outcome_add(outcome.sent, sent_word(&world->sent[i % WORLD_FRAMES]));
	outcome.state = doppel_dhcp6_state_name(dhcp->state);
	outcome.held = doppel_dhcp6_lease(dhcp) != NULL;
}

/* --- the states, and how they are come by */

static struct dhcp6_lease old_lease(struct world *world)
{
	struct dhcp6_lease lease = {
		.addresses = { { .address = ip6(ADDRESS), .preferred_s = PREFERRED_S,
				 .valid_s = VALID_S } },
		.address_count = 1, .server_duid_len = sizeof(server_duid), .t1_s = 900,
		.t2_s = 1440, .acquired_ms = world->now - 60000,
	};

	memcpy(lease.server_duid, server_duid, sizeof(server_duid));
	return lease;
}

static void off(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	(void)dhcp;
}

static const uint8_t other_duid[10] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfd };
static struct server_id known;

static void init(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	doppel_dhcp6_start(dhcp, &link_local, NULL);
}

static void soliciting(struct world *world, struct dhcp6 *dhcp)
{
	init(world, dhcp);
	world_run(world, dhcp, dhcp6, doppel_dhcp6_deadline(dhcp));
}

static void resoliciting(struct world *world, struct dhcp6 *dhcp)
{
	soliciting(world, dhcp);
	world_run(world, dhcp, dhcp6, doppel_dhcp6_deadline(dhcp));
}

static void advertised(struct world *world, struct dhcp6 *dhcp)
{
	soliciting(world, dhcp);
	v6_answer(dhcp, 2, PREFERRED_S, VALID_S);
}

static void soliciting_known(struct world *world, struct dhcp6 *dhcp)
{
	doppel_server_set(&known, other_duid, sizeof(other_duid));
	soliciting(world, dhcp);
}

static void second(struct world *world, struct dhcp6 *dhcp)
{
	soliciting_known(world, dhcp);
	v6_answer(dhcp, 2, PREFERRED_S, VALID_S);
}

static void second_again(struct world *world, struct dhcp6 *dhcp)
{
	second(world, dhcp);
	world_run(world, dhcp, dhcp6, doppel_dhcp6_deadline(dhcp));
}

static enum verdict advertise_other_server(struct world *world, struct dhcp6 *dhcp);

static void advertised_known(struct world *world, struct dhcp6 *dhcp)
{
	second(world, dhcp);
	advertise_other_server(world, dhcp);
}

static void between(struct world *world, struct dhcp6 *dhcp)
{
	soliciting(world, dhcp);
	world_run(world, dhcp, dhcp6, world->now + 10000);
}

static void requesting(struct world *world, struct dhcp6 *dhcp)
{
	advertised(world, dhcp);
	world_run(world, dhcp, dhcp6, doppel_dhcp6_deadline(dhcp));
}

static void checking(struct world *world, struct dhcp6 *dhcp)
{
	requesting(world, dhcp);
	v6_answer(dhcp, 7, PREFERRED_S, VALID_S);
	world_run(world, dhcp, dhcp6, world->now);
}

static enum verdict na(struct world *world, struct dhcp6 *dhcp);

static void declining(struct world *world, struct dhcp6 *dhcp)
{
	checking(world, dhcp);
	na(world, dhcp);
}

static void bound(struct world *world, struct dhcp6 *dhcp)
{
	checking(world, dhcp);
	world_run(world, dhcp, dhcp6, world->now + 5000);
}

static void renewing(struct world *world, struct dhcp6 *dhcp)
{
	bound(world, dhcp);
	world_run(world, dhcp, dhcp6, doppel_dhcp6_deadline(dhcp));
}

static enum verdict reply_no_binding(struct world *world, struct dhcp6 *dhcp);

static void rerequesting(struct world *world, struct dhcp6 *dhcp)
{
	renewing(world, dhcp);
	reply_no_binding(world, dhcp);
}

static void rebinding(struct world *world, struct dhcp6 *dhcp)
{
	bound(world, dhcp);
	world_run(world, dhcp, dhcp6, dhcp->lease.acquired_ms + 1440000);
}

static void rebooted(struct world *world, struct dhcp6 *dhcp)
{
	struct dhcp6_lease lease = old_lease(world);

	doppel_dhcp6_start(dhcp, &link_local, &lease);
	world_run(world, dhcp, dhcp6, doppel_dhcp6_deadline(dhcp));
}

static void confirming(struct world *world, struct dhcp6 *dhcp)
{
	bound(world, dhcp);
	doppel_dhcp6_confirm(dhcp);
	world_run(world, dhcp, dhcp6, doppel_dhcp6_deadline(dhcp));
}

static void informing(struct world *world, struct dhcp6 *dhcp)
{
	doppel_dhcp6_inform(dhcp, &link_local);
	world_run(world, dhcp, dhcp6, doppel_dhcp6_deadline(dhcp));
}

static enum verdict reply(struct world *world, struct dhcp6 *dhcp);

static void informed(struct world *world, struct dhcp6 *dhcp)
{
	informing(world, dhcp);
	reply(world, dhcp);
}

/* --- the events */

static enum verdict advertise(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer(dhcp, 2, PREFERRED_S, VALID_S);
}

static enum verdict advertise_255(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_reply(2, dhcp->exchange.xid, PREFERRED_S, VALID_S);

	(void)world;
	v6_head(&m, 7, 1);
	v6_put(&m, "\xff", 1);
	return v6_deliver(dhcp, &m);
}

static enum verdict advertise_other_server(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_begin(2, dhcp->exchange.xid, other_duid);

	(void)world;
	v6_put_ia(&m, 0, 0, 28);
	v6_put_address(&m, "2001:db8::8", PREFERRED_S, VALID_S);
	return v6_deliver(dhcp, &m);
}

static enum verdict advertise_other_xid(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_reply(2, dhcp->exchange.xid ^ 1, PREFERRED_S, VALID_S);

	(void)world;
	return v6_deliver(dhcp, &m);
}

static enum verdict advertise_none(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer_status(dhcp, 2, DHCP6_NO_ADDRS_AVAIL, "");
}

static enum verdict reply(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer(dhcp, 7, PREFERRED_S, VALID_S);
}

static enum verdict reply_rapid(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_reply(7, dhcp->exchange.xid, PREFERRED_S, VALID_S);

	(void)world;
	v6_head(&m, 14, 0);
	return v6_deliver(dhcp, &m);
}

static enum verdict reply_other_xid(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_reply(7, dhcp->exchange.xid ^ 1, PREFERRED_S, VALID_S);

	(void)world;
	return v6_deliver(dhcp, &m);
}

static enum verdict reply_other_client(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_reply(7, dhcp->exchange.xid, PREFERRED_S, VALID_S);

	(void)world;
	m.data[17] ^= 1;
	return v6_deliver(dhcp, &m);
}

static enum verdict reply_other_server(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_begin(7, dhcp->exchange.xid, other_duid);

	(void)world;
	v6_put_ia(&m, 0, 0, 28);
	v6_put_address(&m, ADDRESS, PREFERRED_S, VALID_S);
	return v6_deliver(dhcp, &m);
}

static enum verdict reply_other_address(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_begin(7, dhcp->exchange.xid, server_duid);

	(void)world;
	v6_put_ia(&m, 0, 0, 56);
	v6_put_address(&m, "2001:db8::77", PREFERRED_S, VALID_S);
	v6_put_address(&m, ADDRESS, 0, 0);
	return v6_deliver(dhcp, &m);
}

static enum verdict reply_lifetime_0(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer(dhcp, 7, 0, 0);
}

static enum verdict reply_success(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer_status(dhcp, 7, DHCP6_SUCCESS, "");
}

static enum verdict reply_unspec(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer_status(dhcp, 7, DHCP6_UNSPEC_FAIL, "");
}

static enum verdict reply_no_addrs(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer_ia_status(dhcp, 7, DHCP6_NO_ADDRS_AVAIL);
}

static enum verdict reply_no_binding(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer_ia_status(dhcp, 7, DHCP6_NO_BINDING);
}

static enum verdict reply_not_on_link(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return v6_answer_status(dhcp, 7, DHCP6_NOT_ON_LINK, "");
}

static enum verdict reply_not_on_link_other(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_begin(7, dhcp->exchange.xid, other_duid);

	(void)world;
	v6_put_status(&m, DHCP6_NOT_ON_LINK, "");
	return v6_deliver(dhcp, &m);
}

static enum verdict reconfigure(struct world *world, struct dhcp6 *dhcp)
{
	struct message m = v6_begin(10, 0, server_duid);

	(void)world;
	v6_head(&m, 19, 1);
	v6_put(&m, "\5", 1);
	return v6_deliver(dhcp, &m);
}

static enum verdict neighbour(struct dhcp6 *dhcp, uint8_t type, const struct in6_addr *source,
			      const struct mac *mac)
{
	const struct in6_addr address = ip6(ADDRESS);
	uint8_t data[24] = { type };
	struct packet packet = {
		.kind = PACKET_ICMP6, .src = *mac, .hop_limit = 255, .payload = data, .len = 24,
		.ip6 = { .src = *source, .dst = doppel_ip6_solicited_node(&address) },
	};

	memcpy(data + 8, &address, sizeof(address));
	return doppel_dhcp6_receive(dhcp, &packet);
}

static enum verdict na(struct world *world, struct dhcp6 *dhcp)
{
	const struct in6_addr source = ip6(ADDRESS);

	(void)world;
	return neighbour(dhcp, 136, &source, &rival);
}

static enum verdict ns_of_dad(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return neighbour(dhcp, 135, &in6addr_any, &rival);
}

static enum verdict ns_own(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	return neighbour(dhcp, 135, &in6addr_any, &device);
}

static enum verdict ns_of_who_asks(struct world *world, struct dhcp6 *dhcp)
{
	const struct in6_addr source = ip6("fe80::2");

	(void)world;
	return neighbour(dhcp, 135, &source, &rival);
}

/* The box slept: all that was due is due now. */
WORLD_EVENTS(dhcp6, 2 * VALID_S * 1000)

static enum verdict stop(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	doppel_dhcp6_stop(dhcp, false);
	return VERDICT_OTHER;
}

static enum verdict release(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	doppel_dhcp6_stop(dhcp, true);
	return VERDICT_OTHER;
}

static enum verdict start(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	doppel_dhcp6_start(dhcp, &link_local, NULL);
	return VERDICT_OTHER;
}

static enum verdict start_with_lease(struct world *world, struct dhcp6 *dhcp)
{
	struct dhcp6_lease lease = old_lease(world);

	doppel_dhcp6_start(dhcp, &link_local, &lease);
	return VERDICT_OTHER;
}

static enum verdict resume(struct world *world, struct dhcp6 *dhcp)
{
	struct dhcp6_lease lease = old_lease(world);

	doppel_dhcp6_resume(dhcp, &link_local, &lease);
	return VERDICT_OTHER;
}

static enum verdict inform(struct world *world, struct dhcp6 *dhcp)
{
	(void)world;
	doppel_dhcp6_inform(dhcp, &link_local);
	return VERDICT_OTHER;
}

static const struct {
	const char *name;
	void (*reach)(struct world *world, struct dhcp6 *dhcp);
} situations[] = {
	{ "off", off },
	{ "init", init },
	{ "soliciting", soliciting },
	{ "soliciting, second time", resoliciting },
	{ "advertised", advertised },
	{ "another known", soliciting_known },
	{ "second choice", second },
	{ "second choice, second time", second_again },
	{ "second choice after the known one's", advertised_known },
	{ "between attempts", between },
	{ "requesting", requesting },
	{ "checking", checking },
	{ "declining", declining },
	{ "bound", bound },
	{ "renewing", renewing },
	{ "requesting, lease in use", rerequesting },
	{ "rebinding", rebinding },
	{ "confirming after a reboot", rebooted },
	{ "confirming", confirming },
	{ "informing", informing },
	{ "informed", informed },
};

static const struct {
	const char *name;
	enum verdict (*happen)(struct world *world, struct dhcp6 *dhcp);
} events[] = {
	{ "Advertise", advertise },
	{ "Advertise, preference 255", advertise_255 },
	{ "Advertise, other server", advertise_other_server },
	{ "Advertise, other xid", advertise_other_xid },
	{ "Advertise, NoAddrsAvail", advertise_none },
	{ "Reply", reply },
	{ "Reply, rapid commit", reply_rapid },
	{ "Reply, other xid", reply_other_xid },
	{ "Reply, other client", reply_other_client },
	{ "Reply, other server", reply_other_server },
	{ "Reply, other address", reply_other_address },
	{ "Reply, lifetime 0", reply_lifetime_0 },
	{ "Reply, Success", reply_success },
	{ "Reply, UnspecFail", reply_unspec },
	{ "Reply, NoAddrsAvail", reply_no_addrs },
	{ "Reply, NoBinding", reply_no_binding },
	{ "Reply, NotOnLink", reply_not_on_link },
	{ "Reply, NotOnLink, other server", reply_not_on_link_other },
	{ "Reconfigure", reconfigure },
	{ "NA", na },
	{ "NS of DAD", ns_of_dad },
	{ "NS of our own", ns_own },
	{ "NS of who asks", ns_of_who_asks },
	{ "too early", early },
	{ "timeout", timeout },
	{ "two hours later", late },
	{ "confirm", confirm },
	{ "retry", retry },
	{ "stop", stop },
	{ "release", release },
	{ "start", start },
	{ "start with a lease", start_with_lease },
	{ "resume", resume },
	{ "inform", inform },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void meet(size_t s, size_t e)
{
	const struct dhcp6_config config = {
		.mac = device,
		.known = &known,
		.policy = { .timeout_ms = 10000, .retries = 5, .retry_delay_ms = 5000,
			    .retry_cap_ms = 60000 },
		.start_jitter_ms = 1000,
	};
	struct world *world = world_new();
	struct outcome before;
	enum verdict verdict;
	unsigned int from;
	struct dhcp6 dhcp;

	known.len = 0;
	doppel_mld_init(&mld, &world->env, &device);
	doppel_dhcp6_init(&dhcp, &world->env, &config, &mld, on_event);
	situations[s].reach(world, &dhcp);
	outcome = (struct outcome){ .sent = "" };
	look(world, &dhcp, world->count);
	before = outcome;
	from = world->count;
	verdict = events[e].happen(world, &dhcp);
	look(world, &dhcp, from);
	table_meet(table, COUNT(table), situations[s].name, events[e].name, &before, &outcome,
		   verdict == VERDICT_ACCEPTED);
	doppel_dhcp6_free(&dhcp);
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
