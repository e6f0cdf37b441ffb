// SPDX-License-Identifier: GPL-2.0-only
/* The DHCPv4 client: every event in every state. */
#include "dhcp4_peer.h"
#include "state_table.h"

#define OURS "192.0.2.9"
#define OTHER_SERVER "192.0.2.66"
#define LEASE_S 3600

/*
 * Sent: D DISCOVER, Q REQUEST to everybody, q REQUEST to the server, N DECLINE, L RELEASE, P ARP
 * probe, A ARP announcement. A star: a lease is in use. Told: bound, renewed, lost, conflict, status.
 */
static const struct cell table[] = {
	{ "off", "start", "- > init: -" },
	{ "off", "start with a lease", "- > init: -" },
	{ "off", "resume", "- > bound*: bound" },

	{ "init", "timeout", "D > selecting: -" },
	{ "init", "two hours later", "D > selecting: -" },
	{ "init", "retry", "D > selecting: -" },
	{ "init", "stop", "- > off: -" },
	{ "init", "release", "- > off: -" },
	{ "init", "resume", "- > bound*: bound" },

	{ "selecting", "OFFER", "Q > requesting: -" },
	{ "selecting", "OFFER, other server", "Q > requesting: -" },
	{ "selecting", "OFFER, option 108", "Q > requesting: -" },
	{ "selecting", "ACK, rapid commit", "- > probing: -" },
	{ "selecting", "timeout", "D > selecting: -" },
	{ "selecting", "two hours later", "- > init: status" },
	{ "selecting", "confirm", "- > init: -" },
	{ "selecting", "stop", "- > off: -" },
	{ "selecting", "release", "- > off: -" },
	{ "selecting", "start", "- > init: -" },
	{ "selecting", "start with a lease", "- > init: -" },
	{ "selecting", "resume", "- > bound*: bound" },

	{ "another known", "OFFER", "- > selecting: -" },
	{ "another known", "OFFER, other server", "Q > requesting: -" },
	{ "another known", "OFFER, option 108", "- > selecting: -" },
	{ "another known", "ACK, rapid commit", "- > selecting: -" },
	{ "another known", "timeout", "D > selecting: -" },
	{ "another known", "two hours later", "- > init: status" },
	{ "another known", "confirm", "- > init: -" },
	{ "another known", "stop", "- > off: -" },
	{ "another known", "release", "- > off: -" },
	{ "another known", "start", "- > init: -" },
	{ "another known", "start with a lease", "- > init: -" },
	{ "another known", "resume", "- > bound*: bound" },

	{ "second choice", "OFFER", "- > selecting: -" },
	{ "second choice", "OFFER, other server", "Q > requesting: -" },
	{ "second choice", "OFFER, option 108", "- > selecting: -" },
	{ "second choice", "ACK, rapid commit", "- > selecting: -" },
	{ "second choice", "timeout", "Q > requesting: -" },
	{ "second choice", "two hours later", "Q > requesting: -" },
	{ "second choice", "confirm", "- > init: -" },
	{ "second choice", "stop", "- > off: -" },
	{ "second choice", "release", "- > off: -" },
	{ "second choice", "start", "- > init: -" },
	{ "second choice", "start with a lease", "- > init: -" },
	{ "second choice", "resume", "- > bound*: bound" },

	{ "between attempts, another known", "OFFER", "Q > requesting: -" },
	{ "between attempts, another known", "OFFER, other server", "Q > requesting: -" },
	{ "between attempts, another known", "OFFER, option 108", "Q > requesting: -" },
	{ "between attempts, another known", "ACK, rapid commit", "- > probing: -" },
	{ "between attempts, another known", "timeout", "D > selecting: -" },
	{ "between attempts, another known", "two hours later", "D > selecting: -" },
	{ "between attempts, another known", "retry", "D > selecting: -" },
	{ "between attempts, another known", "stop", "- > off: -" },
	{ "between attempts, another known", "release", "- > off: -" },
	{ "between attempts, another known", "resume", "- > bound*: bound" },

	{ "between attempts", "OFFER", "Q > requesting: -" },
	{ "between attempts", "OFFER, other server", "Q > requesting: -" },
	{ "between attempts", "OFFER, option 108", "Q > requesting: -" },
	{ "between attempts", "ACK, rapid commit", "- > probing: -" },
	{ "between attempts", "timeout", "D > selecting: -" },
	{ "between attempts", "two hours later", "D > selecting: -" },
	{ "between attempts", "retry", "D > selecting: -" },
	{ "between attempts", "stop", "- > off: -" },
	{ "between attempts", "release", "- > off: -" },
	{ "between attempts", "resume", "- > bound*: bound" },

	{ "requesting", "ACK", "- > probing: -" },
	{ "requesting", "ACK, rapid commit", "- > probing: -" },
	{ "requesting", "NAK", "- > init: status" },
	{ "requesting", "timeout", "Q > requesting: -" },
	{ "requesting", "two hours later", "- > init: status" },
	{ "requesting", "confirm", "- > init: -" },
	{ "requesting", "stop", "- > off: -" },
	{ "requesting", "release", "- > off: -" },
	{ "requesting", "start", "- > init: -" },
	{ "requesting", "start with a lease", "- > init: -" },
	{ "requesting", "resume", "- > bound*: bound" },

	{ "probing", "ARP claim", "N > init: conflict" },
	{ "probing", "ARP claim, twice", "N > init: conflict" },
	{ "probing", "ARP probe", "N > init: conflict" },
	{ "probing", "timeout", "P > probing: -" },
	{ "probing", "two hours later", "P > probing: -" },
	{ "probing", "confirm", "- > init: -" },
	{ "probing", "stop", "- > off: -" },
	{ "probing", "release", "- > off: -" },
	{ "probing", "start", "- > init: -" },
	{ "probing", "start with a lease", "- > init: -" },
	{ "probing", "resume", "- > bound*: bound" },

	{ "bound", "ARP claim", "A > bound*: -" },
	{ "bound", "ARP claim, twice", "A N > init: conflict lost" },
	{ "bound", "timeout", "q > renewing*: status" },
	{ "bound", "two hours later", "D > selecting: lost" },
	{ "bound", "confirm", "- > init*: -" },
	{ "bound", "stop", "- > off: -" },
	{ "bound", "release", "L > off: -" },
	{ "bound", "start", "- > init: -" },
	{ "bound", "start with a lease", "- > init: -" },
	{ "bound", "resume", "- > bound*: bound" },

	{ "renewing", "ACK", "- > bound*: renewed" },
	{ "renewing", "ACK, rapid commit", "- > bound*: renewed" },
	{ "renewing", "NAK", "- > init: lost status" },
	{ "renewing", "ARP claim", "A > renewing*: -" },
	{ "renewing", "ARP claim, twice", "A N > init: conflict lost" },
	{ "renewing", "timeout", "q > renewing*: -" },
	{ "renewing", "two hours later", "D > selecting: lost" },
	{ "renewing", "confirm", "- > init*: -" },
	{ "renewing", "stop", "- > off: -" },
	{ "renewing", "release", "L > off: -" },
	{ "renewing", "start", "- > init: -" },
	{ "renewing", "start with a lease", "- > init: -" },
	{ "renewing", "resume", "- > bound*: bound" },

	{ "rebinding", "ACK", "- > bound*: renewed" },
	{ "rebinding", "ACK, rapid commit", "- > bound*: renewed" },
	{ "rebinding", "ACK, other server", "- > bound*: renewed" },
	{ "rebinding", "NAK", "- > init: lost status" },
	{ "rebinding", "NAK, other server", "- > init: lost status" },
	{ "rebinding", "ARP claim", "A > rebinding*: -" },
	{ "rebinding", "ARP claim, twice", "A N > init: conflict lost" },
	{ "rebinding", "timeout", "Q > rebinding*: -" },
	{ "rebinding", "two hours later", "D > selecting: lost" },
	{ "rebinding", "confirm", "- > init*: -" },
	{ "rebinding", "stop", "- > off: -" },
	{ "rebinding", "release", "L > off: -" },
	{ "rebinding", "start", "- > init: -" },
	{ "rebinding", "start with a lease", "- > init: -" },
	{ "rebinding", "resume", "- > bound*: bound" },

	{ "rebooting", "ACK", "- > probing: -" },
	{ "rebooting", "ACK, rapid commit", "- > probing: -" },
	{ "rebooting", "ACK, other server", "- > probing: -" },
	{ "rebooting", "NAK", "- > init: status" },
	{ "rebooting", "NAK, other server", "- > rebooting: -" },
	{ "rebooting", "timeout", "Q > rebooting: -" },
	{ "rebooting", "two hours later", "D > selecting: -" },
	{ "rebooting", "confirm", "- > init: -" },
	{ "rebooting", "stop", "- > off: -" },
	{ "rebooting", "release", "- > off: -" },
	{ "rebooting", "start", "- > init: -" },
	{ "rebooting", "start with a lease", "- > init: -" },
	{ "rebooting", "resume", "- > bound*: bound" },

	{ "confirming", "ACK", "- > bound*: renewed" },
	{ "confirming", "ACK, rapid commit", "- > bound*: renewed" },
	{ "confirming", "ACK, other server", "- > bound*: renewed" },
	{ "confirming", "NAK", "- > init: lost status" },
	{ "confirming", "NAK, other server", "- > rebooting*: -" },
	{ "confirming", "ARP claim", "A > rebooting*: -" },
	{ "confirming", "ARP claim, twice", "A N > init: conflict lost" },
	{ "confirming", "timeout", "Q > rebooting*: -" },
	{ "confirming", "two hours later", "D > selecting: lost" },
	{ "confirming", "confirm", "- > init*: -" },
	{ "confirming", "stop", "- > off: -" },
	{ "confirming", "release", "L > off: -" },
	{ "confirming", "start", "- > init: -" },
	{ "confirming", "start with a lease", "- > init: -" },
	{ "confirming", "resume", "- > bound*: bound" },

	{ "selecting, lease in use", "OFFER", "Q > requesting*: -" },
	{ "selecting, lease in use", "OFFER, other server", "Q > requesting*: -" },
	{ "selecting, lease in use", "OFFER, option 108", "Q > requesting*: -" },
	{ "selecting, lease in use", "ACK, rapid commit", "- > bound*: renewed" },
	{ "selecting, lease in use", "ARP claim", "A > selecting*: -" },
	{ "selecting, lease in use", "ARP claim, twice", "A N > init: conflict lost" },
	{ "selecting, lease in use", "timeout", "D > selecting*: -" },
	{ "selecting, lease in use", "two hours later", "- > init: lost status" },
	{ "selecting, lease in use", "confirm", "- > init*: -" },
	{ "selecting, lease in use", "stop", "- > off: -" },
	{ "selecting, lease in use", "release", "L > off: -" },
	{ "selecting, lease in use", "start", "- > init: -" },
	{ "selecting, lease in use", "start with a lease", "- > init: -" },
	{ "selecting, lease in use", "resume", "- > bound*: bound" },

	{ "ipv6-only", "timeout", "D > selecting: -" },
	{ "ipv6-only", "two hours later", "D > selecting: -" },
	{ "ipv6-only", "confirm", "- > init: -" },
	{ "ipv6-only", "retry", "D > selecting: -" },
	{ "ipv6-only", "stop", "- > off: -" },
	{ "ipv6-only", "release", "- > off: -" },
	{ "ipv6-only", "start", "- > init: -" },
	{ "ipv6-only", "start with a lease", "- > init: -" },
	{ "ipv6-only", "resume", "- > bound*: bound" },
	{ "ipv6-only", "464XLAT ends", "- > init: -" },

	{ "selecting, 464XLAT", "OFFER", "Q > requesting: -" },
	{ "selecting, 464XLAT", "OFFER, other server", "Q > requesting: -" },
	{ "selecting, 464XLAT", "OFFER, option 108", "- > ipv6-only: status" },
	{ "selecting, 464XLAT", "ACK, rapid commit", "- > probing: -" },
	{ "selecting, 464XLAT", "timeout", "D > selecting: -" },
	{ "selecting, 464XLAT", "two hours later", "- > init: status" },
	{ "selecting, 464XLAT", "confirm", "- > init: -" },
	{ "selecting, 464XLAT", "stop", "- > off: -" },
	{ "selecting, 464XLAT", "release", "- > off: -" },
	{ "selecting, 464XLAT", "start", "- > init: -" },
	{ "selecting, 464XLAT", "start with a lease", "- > init: -" },
	{ "selecting, 464XLAT", "resume", "- > bound*: bound" },
};

static struct outcome outcome;
static const char *const words[] = { "bound", "renewed", "lost", "conflict", "status" };

static void on_event(void *ctx, const struct dhcp4_event *event)
{
	(void)ctx;
	outcome_add(outcome.told, words[event->kind]);
}

static const char *sent_word(const struct sent *sent)
{
	struct packet packet = { .len = 0 };

	if (doppel_frame_parse(sent->frame, sent->len, 0, &packet) != VERDICT_ACCEPTED)
		abort();
	if (packet.kind == PACKET_ARP)
		return packet.arp.sender.s_addr ? "A" : "P";
	switch (packet.payload[242]) {
	case 1:
		return "D";
	case 3:
		return doppel_mac_eq(&packet.dst, &doppel_mac_broadcast) ? "Q" : "q";
	case 4:
		return "N";
	case 7:
		return "L";
	default:
		return "?";
	}
}

static void look(struct world *world, const struct dhcp4 *dhcp, unsigned int from)
{
	unsigned int i;

	for (i = from; i < world->count; i++)
		outcome_add(outcome.sent, sent_word(&world->sent[i % WORLD_FRAMES]));
	outcome.state = dhcp->ipv6_only ? "ipv6-only" : doppel_dhcp4_state_name(dhcp->state);
	outcome.held = doppel_dhcp4_lease(dhcp) != NULL;
}

/* --- the states, and how they are come by */

static struct server_id known;

static struct dhcp4_lease old_lease(struct world *world)
{
	return (struct dhcp4_lease){
		.address = ip4(OURS), .prefix_len = 24, .server = ip4("192.0.2.1"),
		.server_mac = server_mac, .lease_s = LEASE_S, .t1_s = 1800, .t2_s = 3150,
		.acquired_ms = world->now - 60000,
	};
}

static void off(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	(void)dhcp;
}

static void init(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	doppel_dhcp4_start(dhcp, NULL);
}

static void selecting(struct world *world, struct dhcp4 *dhcp)
{
	init(world, dhcp);
	world_run(world, dhcp, dhcp4, doppel_dhcp4_deadline(dhcp));
}

static void selecting_known(struct world *world, struct dhcp4 *dhcp)
{
	const struct in_addr other = ip4(OTHER_SERVER);

	doppel_server_set(&known, &other, sizeof(other));
	selecting(world, dhcp);
}

static void second(struct world *world, struct dhcp4 *dhcp)
{
	selecting_known(world, dhcp);
	v4_answer(dhcp, OURS, 2, LEASE_S);
}

static void between(struct world *world, struct dhcp4 *dhcp)
{
	selecting(world, dhcp);
	world_run(world, dhcp, dhcp4, world->now + 15000);
}

static void between_known(struct world *world, struct dhcp4 *dhcp)
{
	selecting_known(world, dhcp);
	world_run(world, dhcp, dhcp4, world->now + 15000);
}

static void requesting(struct world *world, struct dhcp4 *dhcp)
{
	selecting(world, dhcp);
	v4_answer(dhcp, OURS, 2, LEASE_S);
}

static void probing(struct world *world, struct dhcp4 *dhcp)
{
	requesting(world, dhcp);
	v4_answer(dhcp, OURS, 5, LEASE_S);
	world_run(world, dhcp, dhcp4, world->now + 600);
}

static void bound(struct world *world, struct dhcp4 *dhcp)
{
	probing(world, dhcp);
	world_run(world, dhcp, dhcp4, world->now + 20000);
}

static void renewing(struct world *world, struct dhcp4 *dhcp)
{
	bound(world, dhcp);
	world_run(world, dhcp, dhcp4, doppel_dhcp4_deadline(dhcp));
}

static void rebinding(struct world *world, struct dhcp4 *dhcp)
{
	bound(world, dhcp);
	world_run(world, dhcp, dhcp4, dhcp->lease.acquired_ms + 3150000);
}

static void rebooting(struct world *world, struct dhcp4 *dhcp)
{
	struct dhcp4_lease lease = old_lease(world);

	doppel_dhcp4_start(dhcp, &lease);
	world_run(world, dhcp, dhcp4, doppel_dhcp4_deadline(dhcp));
}

static void confirming(struct world *world, struct dhcp4 *dhcp)
{
	bound(world, dhcp);
	doppel_dhcp4_confirm(dhcp);
	world_run(world, dhcp, dhcp4, doppel_dhcp4_deadline(dhcp));
}

static void reselecting(struct world *world, struct dhcp4 *dhcp)
{
	confirming(world, dhcp);
	world_run(world, dhcp, dhcp4, world->now + 15000);
}

static void selecting_translated(struct world *world, struct dhcp4 *dhcp)
{
	doppel_dhcp4_translated(dhcp, true);
	selecting(world, dhcp);
}

static void ipv6_only(struct world *world, struct dhcp4 *dhcp)
{
	struct message m;

	selecting_translated(world, dhcp);
	m = v4_begin(dhcp->xid, "0.0.0.0", 2);
	v4_add_address(&m, 54, "192.0.2.1");
	v4_add32(&m, 108, 1800);
	v4_deliver(dhcp, &m);
}

/* --- the events */

static enum verdict offer(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return v4_answer(dhcp, OURS, 2, LEASE_S);
}

static enum verdict offer_other_xid(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = v4_reply(dhcp->xid + 1, OURS, 2, LEASE_S);

	(void)world;
	return v4_deliver(dhcp, &m);
}

static enum verdict offer_other_chaddr(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = v4_reply(dhcp->xid, OURS, 2, LEASE_S);

	(void)world;
	memcpy(m.data + 28, &rival, 6);
	return v4_deliver(dhcp, &m);
}

static enum verdict offer_of_nobody(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = v4_begin(dhcp->xid, OURS, 2);

	(void)world;
	return v4_deliver(dhcp, &m);
}

static enum verdict offer_ipv6_only(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = v4_reply(dhcp->xid, OURS, 2, LEASE_S);

	(void)world;
	m.len--;
	v4_add32(&m, 108, 1800);
	return v4_deliver(dhcp, &m);
}

static enum verdict ack(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return v4_answer(dhcp, OURS, 5, LEASE_S);
}

static enum verdict ack_rapid(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = v4_reply(dhcp->xid, OURS, 5, LEASE_S);

	(void)world;
	m.len--;
	v4_add(&m, 80, 0, "");
	return v4_deliver(dhcp, &m);
}

static enum verdict ack_other_xid(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = v4_reply(dhcp->xid + 1, OURS, 5, LEASE_S);

	(void)world;
	return v4_deliver(dhcp, &m);
}

static struct message of_other_server(struct dhcp4 *dhcp, const char *yiaddr, uint8_t type)
{
	struct message m = v4_begin(dhcp->xid, yiaddr, type);

	v4_add_address(&m, 54, OTHER_SERVER);
	v4_add32(&m, 51, LEASE_S);
	return m;
}

static enum verdict offer_other_server(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = of_other_server(dhcp, OURS, 2);

	(void)world;
	return v4_deliver(dhcp, &m);
}

static enum verdict ack_other_server(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = of_other_server(dhcp, OURS, 5);

	(void)world;
	return v4_deliver(dhcp, &m);
}

static enum verdict ack_other_address(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return v4_answer(dhcp, "192.0.2.77", 5, LEASE_S);
}

static enum verdict ack_no_lease(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return v4_answer(dhcp, OURS, 5, 0);
}

static enum verdict nak(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return v4_answer(dhcp, "0.0.0.0", 6, 0);
}

static enum verdict nak_other_xid(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = v4_reply(dhcp->xid + 1, "0.0.0.0", 6, 0);

	(void)world;
	return v4_deliver(dhcp, &m);
}

static enum verdict nak_other_server(struct world *world, struct dhcp4 *dhcp)
{
	struct message m = of_other_server(dhcp, "0.0.0.0", 6);

	(void)world;
	return v4_deliver(dhcp, &m);
}

static enum verdict renew_asked(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return v4_answer(dhcp, OURS, 9, LEASE_S);	/* FORCERENEW (RFC 3203) */
}

static enum verdict arp(struct dhcp4 *dhcp, const struct mac *mac, const char *sender,
			const char *target)
{
	const struct packet packet = {
		.kind = PACKET_ARP, .src = *mac,
		.arp = { .operation = ARPOP_REQUEST, .sender_mac = *mac, .sender = ip4(sender),
			 .target = ip4(target) },
	};

	return doppel_dhcp4_receive(dhcp, &packet);
}

static enum verdict arp_claim(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return arp(dhcp, &rival, OURS, "192.0.2.1");
}

static enum verdict arp_claims(struct world *world, struct dhcp4 *dhcp)
{
	arp(dhcp, &rival, OURS, "192.0.2.1");
	world->now += 100;
	return arp(dhcp, &rival, OURS, "192.0.2.1");
}

static enum verdict arp_probe(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return arp(dhcp, &rival, "0.0.0.0", OURS);
}

static enum verdict arp_own(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return arp(dhcp, &device, OURS, OURS);
}

static enum verdict arp_other(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	return arp(dhcp, &rival, "192.0.2.2", "192.0.2.1");
}

/* The box slept: all that was due is due now. */
WORLD_EVENTS(dhcp4, 2 * LEASE_S * 1000)

static enum verdict stop(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	doppel_dhcp4_stop(dhcp, false);
	return VERDICT_OTHER;
}

static enum verdict release(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	doppel_dhcp4_stop(dhcp, true);
	return VERDICT_OTHER;
}

static enum verdict start(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	doppel_dhcp4_start(dhcp, NULL);
	return VERDICT_OTHER;
}

static enum verdict start_with_lease(struct world *world, struct dhcp4 *dhcp)
{
	struct dhcp4_lease lease = old_lease(world);

	doppel_dhcp4_start(dhcp, &lease);
	return VERDICT_OTHER;
}

static enum verdict resume(struct world *world, struct dhcp4 *dhcp)
{
	struct dhcp4_lease lease = old_lease(world);

	doppel_dhcp4_resume(dhcp, &lease);
	return VERDICT_OTHER;
}

static enum verdict translated(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	doppel_dhcp4_translated(dhcp, true);
	return VERDICT_OTHER;
}

static enum verdict untranslated(struct world *world, struct dhcp4 *dhcp)
{
	(void)world;
	doppel_dhcp4_translated(dhcp, false);
	return VERDICT_OTHER;
}

static const struct {
	const char *name;
	void (*reach)(struct world *world, struct dhcp4 *dhcp);
} situations[] = {
	{ "off", off },
	{ "init", init },
	{ "selecting", selecting },
	{ "another known", selecting_known },
	{ "second choice", second },
	{ "between attempts", between },
	{ "between attempts, another known", between_known },
	{ "requesting", requesting },
	{ "probing", probing },
	{ "bound", bound },
	{ "renewing", renewing },
	{ "rebinding", rebinding },
	{ "rebooting", rebooting },
	{ "confirming", confirming },
	{ "selecting, lease in use", reselecting },
	{ "selecting, 464XLAT", selecting_translated },
	{ "ipv6-only", ipv6_only },
};

static const struct {
	const char *name;
	enum verdict (*happen)(struct world *world, struct dhcp4 *dhcp);
} events[] = {
	{ "OFFER", offer },
	{ "OFFER, other xid", offer_other_xid },
	{ "OFFER, other chaddr", offer_other_chaddr },
	{ "OFFER, no server", offer_of_nobody },
	{ "OFFER, other server", offer_other_server },
	{ "OFFER, option 108", offer_ipv6_only },
	{ "ACK", ack },
	{ "ACK, rapid commit", ack_rapid },
	{ "ACK, other xid", ack_other_xid },
	{ "ACK, other server", ack_other_server },
	{ "ACK, other address", ack_other_address },
	{ "ACK, no lease time", ack_no_lease },
	{ "NAK", nak },
	{ "NAK, other xid", nak_other_xid },
	{ "NAK, other server", nak_other_server },
	{ "FORCERENEW", renew_asked },
	{ "ARP claim", arp_claim },
	{ "ARP claim, twice", arp_claims },
	{ "ARP probe", arp_probe },
	{ "ARP of our own", arp_own },
	{ "ARP of others", arp_other },
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
	{ "464XLAT begins", translated },
	{ "464XLAT ends", untranslated },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void meet(size_t s, size_t e)
{
	const struct dhcp4_config config = {
		.mac = device,
		.known = &known,
		.policy = { .timeout_ms = 15000, .retries = 10, .retry_delay_ms = 5000,
			    .retry_cap_ms = 60000 },
		.start_jitter_ms = 1000,
	};
	struct world *world = world_new();
	struct outcome before;
	enum verdict verdict;
	unsigned int from;
	struct dhcp4 dhcp;

	known.len = 0;
	doppel_dhcp4_init(&dhcp, &world->env, &config, on_event);
	situations[s].reach(world, &dhcp);
	outcome = (struct outcome){ .sent = "" };
	look(world, &dhcp, world->count);
	before = outcome;
	from = world->count;
	verdict = events[e].happen(world, &dhcp);
	look(world, &dhcp, from);
	table_meet(table, COUNT(table), situations[s].name, events[e].name, &before, &outcome,
		   verdict == VERDICT_ACCEPTED);
	doppel_dhcp4_free(&dhcp);
	free(world);
}

/* While an address is in use the server gives another one, and that is not to be had, or not asked for. */
static void is_defended(const char *name, bool confirm)
{
	const struct dhcp4_config config = {
		.mac = device, .policy = { .timeout_ms = 15000, .retry_delay_ms = 5000 },
	};
	struct world *world = world_new();
	struct dhcp4_lease lease = { .acquired_ms = world->now, .lease_s = LEASE_S };
	struct dhcp4 dhcp;
	unsigned int from;

	lease.address = ip4(OURS);
	doppel_dhcp4_init(&dhcp, &world->env, &config, on_event);
	doppel_dhcp4_resume(&dhcp, &lease);
	world_run(world, &dhcp, dhcp4, world->now + 10000);
	doppel_dhcp4_confirm(&dhcp);
	while (dhcp.state != DHCP4_SELECTING)
		world_run(world, &dhcp, dhcp4, doppel_dhcp4_deadline(&dhcp));
	v4_answer(&dhcp, "192.0.2.99", 2, LEASE_S);
	v4_answer(&dhcp, "192.0.2.99", 5, LEASE_S);
	if (confirm)
		doppel_dhcp4_confirm(&dhcp);
	else
		v4_claim(&dhcp, "192.0.2.99");
	is_int(dhcp.state, DHCP4_INIT, "%s", name);
	ok(doppel_dhcp4_lease(&dhcp), "  what is in use stays in use");
	from = world->count;
	v4_claim(&dhcp, OURS);
	is_int(world->count - from, 1, "  and is defended");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

/* Two servers: the known one is slower, as it pings first; or it is gone. */
static void test_second(void)
{
	const struct dhcp4_config config = {
		.mac = device, .known = &known, .policy = { .timeout_ms = 15000 },
	};
	struct world *world = world_new();
	const struct in_addr other = ip4(OTHER_SERVER);
	struct message m;
	struct dhcp4 dhcp;
	int64_t since;

	doppel_server_set(&known, &other, sizeof(other));
	doppel_dhcp4_init(&dhcp, &world->env, &config, on_event);
	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, world->now + 1000);
	since = world->now;
	v4_answer(&dhcp, OURS, 2, LEASE_S);
	world_run(world, &dhcp, dhcp4, since + 3500);
	is_int(world->count, 1, "an offer of a server that is not known is kept, and nothing is said");
	m = of_other_server(&dhcp, "192.0.2.8", 2);
	v4_deliver(&dhcp, &m);
	is_int(v4_last_type(world), 3, "the known one's is followed at once");
	is_mem(v4_last_option(world, 54), &other, 4, "and not the other");

	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, world->now + 4500);
	is_int(v4_last_type(world), 1, "a second DISCOVER");
	since = world->now;
	v4_answer(&dhcp, "192.0.2.7", 2, LEASE_S);
	v4_answer(&dhcp, OURS, 2, LEASE_S);
	world_run(world, &dhcp, dhcp4, since + 3900);
	is_int(v4_last_type(world), 1, "is followed by no third one while an offer is kept");
	world_run(world, &dhcp, dhcp4, since + 4000);
	is_int(v4_last_type(world), 3, "without a word of the known one the other is followed after 4 s");
	is_int(v4_last_option(world, 50)[3], 7, "by its first offer");
	free(world);
}

static unsigned int last_secs(struct world *world)
{
	const struct packet packet = world_packet(world);

	return packet.payload[8] << 8 | packet.payload[9];
}

/* A relay may let a server of its reserve have only what is old enough. */
static void test_secs(void)
{
	const struct dhcp4_config config = { .mac = device, .policy = { .timeout_ms = 15000 } };
	struct world *world = world_new();
	unsigned int discovered;
	struct dhcp4 dhcp;

	doppel_dhcp4_init(&dhcp, &world->env, &config, on_event);
	doppel_dhcp4_start(&dhcp, NULL);
	world_run(world, &dhcp, dhcp4, world->now + 5000);
	discovered = last_secs(world);
	ok(discovered, "the second DISCOVER tells for how long there were others");
	world->now += 3000;
	v4_answer(&dhcp, OURS, 2, LEASE_S);
	is_int(last_secs(world), discovered, "the REQUEST is as old as the DISCOVER that it follows");
	doppel_dhcp4_free(&dhcp);
	free(world);
}

int main(void)
{
	size_t s, e;

	test_secs();
	test_second();
	is_defended("another address is somebody's", false);
	is_defended("the link went while another address was tried", true);

	for (s = 0; s < COUNT(situations); s++)
		for (e = 0; e < COUNT(events); e++)
			meet(s, e);
	table_end(table, COUNT(table));
	return done_testing();
}
