// SPDX-License-Identifier: GPL-2.0-only
/* DHCPv4 client machine of one device. Section numbers are RFC 2131's. */
#include "gateway/dhcp4.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "gateway/dhcp4_message.h"

#define RT_FIRST_MS 4000		/* section 4.1: 4, 8 … 64 s, each ± 1 s */
#define RT_LAST_MS 64000
#define RT_JITTER_MS 1000
#define RENEW_AGAIN_MS 60000		/* section 4.4.5 */
#define DECLINE_WAIT_MS 10000		/* section 3.1 (5) */
#define NAK_WAIT_MS 1000
#define OBJECTION_MS 2000		/* for a lease's server to contradict another's NAK */
#define OFFERS_MS 4000			/* for the known server to offer, too: dnsmasq pings for 3 s */
#define IPV6_ONLY_MIN_S 300		/* MIN_V6ONLY_WAIT (RFC 8925 section 3.4) */
#define TTL 64

static int64_t now(const struct dhcp4 *dhcp)
{
	return doppel_clock_mono_ms(dhcp->env->clock);
}

static void tell(struct dhcp4 *dhcp, enum dhcp4_event_kind kind, const struct dhcp4_lease *lease)
{
	struct dhcp4_event event = {
		.kind = kind,
		.lease = lease,
		.rival = dhcp->acd.rival,
		.reason = doppel_reason(dhcp->reason),
	};

	dhcp->event(dhcp->env->ctx, &event);
}

static void lose(struct dhcp4 *dhcp)
{
	if (!dhcp->held)
		return;
	dhcp->held = false;
	if (dhcp->state != DHCP4_PROBING)	/* then it is about another address */
		doppel_acd_stop(&dhcp->acd);
	tell(dhcp, DHCP4_EVENT_LOST, &dhcp->lease);
}

static void drop_offer(struct dhcp4 *dhcp)
{
	if (dhcp->offer != &dhcp->lease)
		free(dhcp->offer);
	dhcp->offer = NULL;
}

/* No other address is tried any more: what is in use is defended again, if something is. */
static void stop_probing(struct dhcp4 *dhcp)
{
	if (dhcp->held)
		doppel_acd_resume(&dhcp->acd, dhcp->lease.address);
	else
		doppel_acd_stop(&dhcp->acd);
}

static uint32_t new_xid(struct dhcp4 *dhcp)
{
	uint32_t xid;

	do {
		xid = doppel_rng_u32(dhcp->env->rng);
	} while (!xid);				/* stands for "none" in `xid` */
	return xid;
}

static void send_frame(struct dhcp4 *dhcp, const struct dhcp4_request *request,
		       struct in_addr src, struct in_addr dst, const struct mac *mac)
{
	uint8_t message[DHCP4_MESSAGE_MAX], frame[FRAME_MAX];
	struct packet head = {
		.dst = *mac,
		.src = dhcp->config.mac,
		.ip4 = { .src = src, .dst = dst },
		.hop_limit = TTL,
		.sport = DHCP4_CLIENT_PORT,
		.dport = DHCP4_SERVER_PORT,
	};
	size_t len = doppel_dhcp4_build(message, &dhcp->config, request);

	len = doppel_frame_udp4(frame, &head, message, len);
	dhcp->env->send(dhcp->env->ctx, frame, len);
}

/* To everybody, with @src as our address; 0.0.0.0 as long as we have none. */
static void broadcast(struct dhcp4 *dhcp, const struct dhcp4_request *request, struct in_addr src)
{
	send_frame(dhcp, request, src, (struct in_addr){ INADDR_BROADCAST },
		   &doppel_mac_broadcast);
}

/* To the lease's server, or to everybody while nobody's MAC is known for it. */
static void unicast(struct dhcp4 *dhcp, const struct dhcp4_lease *lease,
		    const struct dhcp4_request *request)
{
	if (doppel_mac_is_host(&lease->server_mac))
		send_frame(dhcp, request, lease->address, lease->server, &lease->server_mac);
	else
		broadcast(dhcp, request, lease->address);
}

static uint16_t elapsed_s(const struct dhcp4 *dhcp)
{
	int64_t s = (now(dhcp) - dhcp->began_ms) / 1000;

	return s > UINT16_MAX ? UINT16_MAX : (uint16_t)s;
}

/* The message of the state that we are in (section 4.3.2, table 4). */
static void transmit(struct dhcp4 *dhcp)
{
	struct dhcp4_request request = {
		.type = DHCP4_REQUEST,
		.xid = dhcp->xid,
		.secs = elapsed_s(dhcp),
		.ipv6_only = dhcp->translated,
	};

	dhcp->sent_ms = now(dhcp);
	dhcp->asked = request.ipv6_only;
	switch (dhcp->state) {
	case DHCP4_SELECTING:
		request.type = DHCP4_DISCOVER;
		dhcp->discover_secs = request.secs;
		break;
	case DHCP4_REQUESTING:
		/* Section 3.1 (3): for relays that choose their servers by it */
		request.secs = dhcp->discover_secs;
		request.server = dhcp->server;
		break;
	case DHCP4_RENEWING:
		request.ciaddr = dhcp->lease.address;
		unicast(dhcp, &dhcp->lease, &request);
		return;
	case DHCP4_REBINDING:
		request.ciaddr = dhcp->lease.address;
		broadcast(dhcp, &request, dhcp->lease.address);
		return;
	default:				/* REBOOTING: option 50 alone */
		break;
	}
	request.broadcast = true;
	request.requested = dhcp->requested;
	broadcast(dhcp, &request, (struct in_addr){ 0 });
}

/* Send, and be back in the interval or at the end of the attempt. */
static void transmit_in_attempt(struct dhcp4 *dhcp)
{
	int64_t wait = dhcp->rt_ms - RT_JITTER_MS +
		doppel_random_ms(2 * RT_JITTER_MS, dhcp->env->rng);

	transmit(dhcp);
	dhcp->deadline = doppel_earlier(now(dhcp) + wait, dhcp->attempt_end);
	dhcp->rt_ms = doppel_earlier(dhcp->rt_ms * 2, RT_LAST_MS);
}

static void begin_attempt(struct dhcp4 *dhcp, enum dhcp4_state state)
{
	dhcp->state = state;
	dhcp->refused = false;
	dhcp->second.server.s_addr = 0;
	dhcp->attempt_end = now(dhcp) + dhcp->config.policy.timeout_ms;
	dhcp->rt_ms = RT_FIRST_MS;
	transmit_in_attempt(dhcp);
}

/* Section 3.1 (5): whoever hurries it, not so soon after a DECLINE. */
static void wait_in_init(struct dhcp4 *dhcp, int64_t wait_ms)
{
	const int64_t at = now(dhcp) + wait_ms;

	drop_offer(dhcp);
	dhcp->state = DHCP4_INIT;
	dhcp->deadline = at > dhcp->not_before ? at : dhcp->not_before;
}

/* The xid stays: an offer that comes late is still taken. */
static void fail_attempt(struct dhcp4 *dhcp)
{
	dhcp->failed++;
	if (dhcp->heard)
		doppel_because(&dhcp->reason,
			       "a DHCPv4 server offered an address but did not acknowledge it, %u %s",
			       dhcp->failed, dhcp->failed == 1 ? "try" : "tries");
	else
		doppel_because(&dhcp->reason,
			       "no answer from a DHCPv4 server to %u %s: is the MAC registered upstream?",
			       dhcp->failed, dhcp->failed == 1 ? "try" : "tries");
	wait_in_init(dhcp, doppel_backoff_ms(&dhcp->config.policy, dhcp->failed, dhcp->env->rng));
	tell(dhcp, DHCP4_EVENT_STATUS, NULL);
}

static int64_t t2_ms(const struct dhcp4_lease *lease)
{
	return doppel_after_s(lease->acquired_ms, lease->t2_s);
}

int64_t doppel_dhcp4_expiry_ms(const struct dhcp4_lease *lease)
{
	return doppel_after_s(lease->acquired_ms, lease->lease_s);
}

static void enter_bound(struct dhcp4 *dhcp)
{
	dhcp->state = DHCP4_BOUND;
	dhcp->xid = 0;
	dhcp->failed = 0;
	dhcp->heard = false;
	dhcp->reboot = false;
	doppel_because_nothing(&dhcp->reason);
	dhcp->deadline = doppel_renew_ms(dhcp->lease.acquired_ms, dhcp->lease.t1_s,
					 dhcp->env->rng);
}

static void take(struct dhcp4 *dhcp, const struct dhcp4_lease *lease)
{
	bool same = dhcp->held && doppel_ip4_eq(dhcp->lease.address, lease->address);

	dhcp->lease = *lease;
	drop_offer(dhcp);
	dhcp->held = true;
	if (same)
		dhcp->naks = 0;			/* who gives only to take back is no better */
	enter_bound(dhcp);
	tell(dhcp, same ? DHCP4_EVENT_RENEWED : DHCP4_EVENT_BOUND, &dhcp->lease);
}

static void decline(struct dhcp4 *dhcp, const struct dhcp4_lease *lease)
{
	struct dhcp4_request request = {
		.type = DHCP4_DECLINE,
		.xid = new_xid(dhcp),
		.requested = lease->address,
		.server = lease->server,
		.message = "address in use",
	};

	broadcast(dhcp, &request, (struct in_addr){ 0 });
}

static void on_conflict(struct dhcp4 *dhcp)
{
	bool probing = dhcp->state == DHCP4_PROBING;
	struct dhcp4_lease lease = probing ? *dhcp->offer : dhcp->lease;
	char address[DOPPEL_IP4_TEXT], mac[DOPPEL_MAC_TEXT];

	decline(dhcp, &lease);
	doppel_because(&dhcp->reason, "%s is in use by %s, so it was declined",
		       doppel_ip4_format(lease.address, address),
		       doppel_mac_format(&dhcp->acd.rival, mac));
	dhcp->failed++;
	dhcp->not_before = now(dhcp) + DECLINE_WAIT_MS;
	wait_in_init(dhcp, doppel_backoff_ms(&dhcp->config.policy, dhcp->failed, dhcp->env->rng));
	dhcp->xid = 0;
	dhcp->requested.s_addr = 0;
	dhcp->reboot = false;
	tell(dhcp, DHCP4_EVENT_CONFLICT, &lease);
	if (!probing)
		lose(dhcp);
	else
		stop_probing(dhcp);
}

/* The first NAK is obeyed at once; a storm of them meets the retry delays. The reason is told. */
static void begin_anew(struct dhcp4 *dhcp)
{
	wait_in_init(dhcp, dhcp->naks ?
		     doppel_backoff_ms(&dhcp->config.policy, dhcp->naks, dhcp->env->rng) :
		     doppel_random_ms(NAK_WAIT_MS, dhcp->env->rng));
	dhcp->naks++;
	dhcp->xid = 0;
	dhcp->requested.s_addr = 0;
	dhcp->reboot = false;
	lose(dhcp);
	tell(dhcp, DHCP4_EVENT_STATUS, NULL);
}

static void on_nak(struct dhcp4 *dhcp, const struct dhcp4_reply *reply)
{
	char server[DOPPEL_IP4_TEXT];

	doppel_because(&dhcp->reason, "refused by the DHCPv4 server %s%s%s",
		       doppel_ip4_format(reply->server, server), *reply->message ? ": " : "",
		       reply->message);
	/* Nobody but its server can know of the lease, if that is still there. */
	if (dhcp->state == DHCP4_REBOOTING && !doppel_ip4_eq(reply->server, dhcp->server)) {
		dhcp->refused = true;
		dhcp->attempt_end = doppel_earlier(dhcp->attempt_end, now(dhcp) + OBJECTION_MS);
		dhcp->deadline = doppel_earlier(dhcp->deadline, dhcp->attempt_end);
		return;
	}
	begin_anew(dhcp);
}

/* RFC 8925 section 3.2: do without an address, and ask again after what the server says. */
static void prefer_ipv6(struct dhcp4 *dhcp, uint32_t wait_s)
{
	doppel_because(&dhcp->reason, "the DHCPv4 server prefers IPv6 alone here (option 108): IPv4 "
		       "hosts are reached by the NAT64 prefix");
	wait_in_init(dhcp, (int64_t)(wait_s < IPV6_ONLY_MIN_S ? IPV6_ONLY_MIN_S : wait_s) * 1000);
	dhcp->ipv6_only = true;
	dhcp->xid = 0;
	dhcp->failed = 0;
	dhcp->reboot = false;
	lose(dhcp);
	tell(dhcp, DHCP4_EVENT_STATUS, NULL);
}

/* Offers are waited for; also between two attempts, for one that comes late. */
static bool selecting(const struct dhcp4 *dhcp)
{
	return dhcp->state == DHCP4_SELECTING || dhcp->state == DHCP4_INIT;
}

static void follow(struct dhcp4 *dhcp, const struct dhcp4_offer *offer)
{
	if (offer->ipv6_only) {
		prefer_ipv6(dhcp, offer->ipv6_only_s);
		return;
	}
	dhcp->heard = true;
	dhcp->server = offer->server;
	dhcp->requested = offer->address;
	begin_attempt(dhcp, DHCP4_REQUESTING);
}

/*
 * A client may choose among offers (section 4.4.1): where others have their leases of a known server, that
 * one is waited for, unless it has offered before and then given nothing. One that comes between two attempts
 * is late enough.
 */
static bool is_second(const struct dhcp4 *dhcp, struct in_addr server)
{
	return dhcp->state == DHCP4_SELECTING && !(dhcp->heard && (dhcp->failed || dhcp->naks)) &&
	       doppel_server_is_other(dhcp->config.known, &server, sizeof(server));
}

static void keep_second(struct dhcp4 *dhcp, const struct dhcp4_offer *offer)
{
	if (dhcp->second.server.s_addr)
		return;
	dhcp->second = *offer;
	dhcp->deadline = doppel_earlier(now(dhcp) + OFFERS_MS, dhcp->attempt_end);
}

static enum verdict on_offer(struct dhcp4 *dhcp, const struct dhcp4_reply *reply)
{
	const struct dhcp4_offer offer = {
		.server = reply->server,
		.address = reply->yiaddr,
		.ipv6_only = dhcp->asked && reply->ipv6_only,
		.ipv6_only_s = reply->ipv6_only_s,
	};

	if (!selecting(dhcp))
		return VERDICT_UNEXPECTED;
	if (!doppel_ip4_is_host(offer.server) ||
	    !(offer.ipv6_only || doppel_ip4_is_host(offer.address)))
		return VERDICT_MALFORMED;
	if (is_second(dhcp, offer.server))
		keep_second(dhcp, &offer);
	else
		follow(dhcp, &offer);
	return VERDICT_ACCEPTED;
}

/* Whether this state waits for an ACK or NAK, and from this server. */
static enum verdict expected(const struct dhcp4 *dhcp, const struct dhcp4_reply *reply)
{
	if (!doppel_ip4_is_host(reply->server))
		return VERDICT_MALFORMED;
	switch (dhcp->state) {
	case DHCP4_INIT:
	case DHCP4_SELECTING:			/* RFC 4039 section 3.1 */
		return reply->type == DHCP4_ACK && reply->rapid_commit ? VERDICT_ACCEPTED :
									 VERDICT_UNEXPECTED;
	case DHCP4_REQUESTING:
		return doppel_ip4_eq(reply->server, dhcp->server) ? VERDICT_ACCEPTED :
								   VERDICT_REFUSED;
	case DHCP4_RENEWING:
		return doppel_ip4_eq(reply->server, dhcp->lease.server) ? VERDICT_ACCEPTED :
									 VERDICT_REFUSED;
	case DHCP4_REBOOTING:
	case DHCP4_REBINDING:
		return VERDICT_ACCEPTED;
	default:
		return VERDICT_UNEXPECTED;
	}
}

/* Which address the ACK must be for. */
static struct in_addr awaited(const struct dhcp4 *dhcp, const struct dhcp4_lease *lease)
{
	if (dhcp->state == DHCP4_RENEWING || dhcp->state == DHCP4_REBINDING)
		return dhcp->lease.address;
	return selecting(dhcp) ? lease->address : dhcp->requested;
}

/* It is not used: the server need not keep it for us. */
static void give_back(struct dhcp4 *dhcp, const struct dhcp4_lease *lease)
{
	struct dhcp4_request request = {
		.type = DHCP4_RELEASE,
		.xid = new_xid(dhcp),
		.ciaddr = lease->address,
		.server = lease->server,
	};

	unicast(dhcp, lease, &request);
}

static enum verdict on_ack(struct dhcp4 *dhcp, const struct dhcp4_reply *reply,
			   const struct mac *from)
{
	struct dhcp4_lease lease;
	enum verdict verdict = doppel_dhcp4_parse_lease(reply, &lease);

	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (!doppel_ip4_eq(lease.address, awaited(dhcp, &lease)))
		return VERDICT_REFUSED;
	if (is_second(dhcp, lease.server)) {	/* rapid commit: it can be asked for again */
		keep_second(dhcp, &(struct dhcp4_offer){ lease.server, lease.address, false, 0 });
		return VERDICT_ACCEPTED;
	}
	lease.server_mac = *from;
	lease.acquired_ms = dhcp->sent_ms;

	if (dhcp->held && doppel_ip4_eq(dhcp->lease.address, lease.address)) {
		take(dhcp, &lease);		/* in use and defended: no need to probe */
		return VERDICT_ACCEPTED;
	}
	/* RFC 8925 section 3.2: what is in use goes on being used, what is not need not begin to be. */
	if (dhcp->asked && reply->ipv6_only) {
		give_back(dhcp, &lease);
		prefer_ipv6(dhcp, reply->ipv6_only_s);
		return VERDICT_ACCEPTED;
	}
	dhcp->offer = dhcp->held ? malloc(sizeof(*dhcp->offer)) : &dhcp->lease;
	if (!dhcp->offer)
		return VERDICT_REFUSED;		/* as if it had been lost: it is asked for again */
	*dhcp->offer = lease;
	dhcp->state = DHCP4_PROBING;
	dhcp->deadline = NEVER;
	doppel_acd_start(&dhcp->acd, lease.address);
	return VERDICT_ACCEPTED;
}

static bool is_reply(const struct packet *packet)
{
	return packet->kind == PACKET_UDP4 && packet->sport == DHCP4_SERVER_PORT &&
	       packet->dport == DHCP4_CLIENT_PORT;
}

enum verdict doppel_dhcp4_peek(const struct packet *packet, struct mac *chaddr)
{
	struct dhcp4_reply reply;
	enum verdict verdict;

	if (!is_reply(packet))
		return VERDICT_OTHER;
	verdict = doppel_dhcp4_parse(packet->payload, packet->len, &reply);
	if (verdict == VERDICT_ACCEPTED)
		*chaddr = reply.chaddr;
	return verdict;
}

enum verdict doppel_dhcp4_receive(struct dhcp4 *dhcp, const struct packet *packet)
{
	struct dhcp4_reply reply;
	enum acd_result result;
	enum verdict verdict;

	if (packet->kind == PACKET_ARP) {
		verdict = doppel_acd_receive(&dhcp->acd, packet, &result);
		if (result == ACD_CONFLICT)
			on_conflict(dhcp);
		return verdict;
	}
	if (!is_reply(packet))
		return VERDICT_OTHER;
	verdict = doppel_dhcp4_parse(packet->payload, packet->len, &reply);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (!dhcp->xid || reply.xid != dhcp->xid ||
	    !doppel_mac_eq(&reply.chaddr, &dhcp->config.mac))
		return VERDICT_OTHER;

	if (reply.type == DHCP4_OFFER)
		return on_offer(dhcp, &reply);
	if (reply.type != DHCP4_ACK && reply.type != DHCP4_NAK)
		return VERDICT_UNEXPECTED;
	verdict = expected(dhcp, &reply);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (reply.type == DHCP4_ACK)
		return on_ack(dhcp, &reply, &packet->src);
	on_nak(dhcp, &reply);
	return VERDICT_ACCEPTED;
}

/* Half of the time that is left to @limit, but a minute at least (section 4.4.5). */
static void transmit_until(struct dhcp4 *dhcp, int64_t limit)
{
	int64_t half;

	transmit(dhcp);
	half = (limit - now(dhcp)) / 2;
	dhcp->deadline = doppel_earlier(now(dhcp) + (half > RENEW_AGAIN_MS ? half : RENEW_AGAIN_MS),
					limit);
}

static void renew(struct dhcp4 *dhcp)
{
	int64_t t2 = t2_ms(&dhcp->lease);
	enum dhcp4_state state = now(dhcp) < t2 ? DHCP4_RENEWING : DHCP4_REBINDING;
	bool news = dhcp->state != state;

	if (dhcp->state == DHCP4_BOUND) {
		dhcp->xid = new_xid(dhcp);
		dhcp->began_ms = now(dhcp);
	}
	dhcp->state = state;
	if (state == DHCP4_REBINDING)
		doppel_because(&dhcp->reason,
			       "its server does not answer renewals: asking every DHCPv4 server");
	transmit_until(dhcp, state == DHCP4_RENEWING ? t2 : doppel_dhcp4_expiry_ms(&dhcp->lease));
	if (news)
		tell(dhcp, DHCP4_EVENT_STATUS, NULL);
}

static void step(struct dhcp4 *dhcp)
{
	switch (dhcp->state) {
	case DHCP4_INIT:
		dhcp->xid = new_xid(dhcp);
		dhcp->ipv6_only = false;
		dhcp->patient = false;
		if (!dhcp->failed)
			dhcp->began_ms = now(dhcp);
		begin_attempt(dhcp, dhcp->reboot ? DHCP4_REBOOTING : DHCP4_SELECTING);
		return;
	case DHCP4_REBOOTING:
		if (now(dhcp) < dhcp->attempt_end) {
			transmit_in_attempt(dhcp);
			return;
		}
		if (dhcp->refused) {
			begin_anew(dhcp);
			return;
		}
		/* Nobody knows the lease (section 3.2 (3)): a new one, the same address if may be */
		dhcp->reboot = false;
		dhcp->xid = new_xid(dhcp);
		begin_attempt(dhcp, DHCP4_SELECTING);
		return;
	case DHCP4_SELECTING:
	case DHCP4_REQUESTING:
		if (dhcp->second.server.s_addr)
			follow(dhcp, &dhcp->second);
		else if (now(dhcp) < dhcp->attempt_end)
			transmit_in_attempt(dhcp);
		else
			fail_attempt(dhcp);
		return;
	case DHCP4_BOUND:
	case DHCP4_RENEWING:
	case DHCP4_REBINDING:
		renew(dhcp);
		return;
	case DHCP4_OFF:
	case DHCP4_PROBING:
		return;
	}
}

static void on_expiry(struct dhcp4 *dhcp)
{
	bool renewing = dhcp->state >= DHCP4_BOUND;

	doppel_because(&dhcp->reason, "the lease has run out and no DHCPv4 server renewed it");
	lose(dhcp);
	if (!renewing)
		return;				/* an attempt to get a new one is under way */
	dhcp->requested = dhcp->lease.address;
	wait_in_init(dhcp, 0);
}

void doppel_dhcp4_timeout(struct dhcp4 *dhcp)
{
	enum acd_result result = doppel_acd_timeout(&dhcp->acd);

	if (result == ACD_CLEAR && dhcp->state == DHCP4_PROBING)
		take(dhcp, dhcp->offer);
	if (dhcp->held && now(dhcp) >= doppel_dhcp4_expiry_ms(&dhcp->lease))
		on_expiry(dhcp);
	if (now(dhcp) >= dhcp->deadline)
		step(dhcp);
}

int64_t doppel_dhcp4_deadline(const struct dhcp4 *dhcp)
{
	int64_t deadline = doppel_earlier(dhcp->deadline, doppel_acd_deadline(&dhcp->acd));

	return dhcp->held ? doppel_earlier(deadline, doppel_dhcp4_expiry_ms(&dhcp->lease)) :
			    deadline;
}

void doppel_dhcp4_init(struct dhcp4 *dhcp, const struct negotiation_env *env,
		       const struct dhcp4_config *config,
		       void (*event)(void *ctx, const struct dhcp4_event *event))
{
	*dhcp = (struct dhcp4){
		.env = env,
		.config = *config,
		.event = event,
		.state = DHCP4_OFF,
		.deadline = NEVER,
	};
	doppel_acd_init(&dhcp->acd, env, config->acd ? config->acd : &doppel_acd_rfc5227,
			&config->mac);
}

/* Nothing told, nothing sent, nothing held. */
static void reset(struct dhcp4 *dhcp)
{
	drop_offer(dhcp);
	dhcp->state = DHCP4_OFF;
	dhcp->deadline = NEVER;
	dhcp->xid = 0;
	dhcp->failed = 0;
	dhcp->naks = 0;
	dhcp->not_before = 0;
	dhcp->held = false;
	dhcp->heard = false;
	dhcp->reboot = false;
	dhcp->ipv6_only = false;
	dhcp->patient = false;
	dhcp->requested.s_addr = 0;
	dhcp->server.s_addr = 0;
	doppel_because_nothing(&dhcp->reason);
	dhcp->began_ms = now(dhcp);
	doppel_acd_stop(&dhcp->acd);
}

void doppel_dhcp4_start(struct dhcp4 *dhcp, const struct dhcp4_lease *restored)
{
	reset(dhcp);
	if (restored && doppel_ip4_is_host(restored->address)) {
		dhcp->requested = restored->address;
		dhcp->server = restored->server;
		dhcp->reboot = now(dhcp) < doppel_dhcp4_expiry_ms(restored);
	}
	wait_in_init(dhcp, doppel_random_ms(dhcp->config.start_jitter_ms, dhcp->env->rng));
}

void doppel_dhcp4_resume(struct dhcp4 *dhcp, const struct dhcp4_lease *held)
{
	reset(dhcp);
	dhcp->lease = *held;
	dhcp->held = true;
	if (now(dhcp) >= doppel_dhcp4_expiry_ms(held)) {
		dhcp->state = DHCP4_BOUND;
		on_expiry(dhcp);
		return;
	}
	enter_bound(dhcp);
	tell(dhcp, DHCP4_EVENT_BOUND, &dhcp->lease);
	doppel_acd_resume(&dhcp->acd, held->address);
}

void doppel_dhcp4_confirm(struct dhcp4 *dhcp)
{
	if (dhcp->state == DHCP4_OFF)
		return;
	if (dhcp->held) {
		dhcp->requested = dhcp->lease.address;
		dhcp->server = dhcp->lease.server;
		dhcp->reboot = true;
	}
	dhcp->ipv6_only = false;
	dhcp->failed = 0;
	dhcp->xid = 0;
	if (dhcp->state == DHCP4_PROBING)
		stop_probing(dhcp);
	wait_in_init(dhcp, doppel_random_ms(dhcp->config.start_jitter_ms, dhcp->env->rng));
}

void doppel_dhcp4_translated(struct dhcp4 *dhcp, bool translated)
{
	dhcp->translated = translated;
	if (translated && dhcp->patient) {
		dhcp->patient = false;
		wait_in_init(dhcp, 0);
	}
	if (translated || !dhcp->ipv6_only)
		return;
	dhcp->ipv6_only = false;
	doppel_because_nothing(&dhcp->reason);
	wait_in_init(dhcp, doppel_random_ms(dhcp->config.start_jitter_ms, dhcp->env->rng));
}

void doppel_dhcp4_await_translation(struct dhcp4 *dhcp, int64_t wait_ms)
{
	dhcp->patient = true;
	dhcp->deadline += wait_ms;
}

void doppel_dhcp4_retry(struct dhcp4 *dhcp)
{
	if (dhcp->state == DHCP4_INIT)
		wait_in_init(dhcp, 0);
}

void doppel_dhcp4_stop(struct dhcp4 *dhcp, bool release)
{
	if (release && dhcp->held)
		give_back(dhcp, &dhcp->lease);
	reset(dhcp);
}

void doppel_dhcp4_free(struct dhcp4 *dhcp)
{
	drop_offer(dhcp);
	doppel_because_nothing(&dhcp->reason);
}

void doppel_dhcp4_status(const struct dhcp4 *dhcp, struct negotiation_status *status)
{
	*status = (struct negotiation_status){ .next_retry_ms = NEVER };
	snprintf(status->reason, sizeof(status->reason), "%s", doppel_reason(dhcp->reason));
	if (dhcp->state == DHCP4_OFF || dhcp->ipv6_only)
		status->status = FAMILY_OFF;
	else if (dhcp->state == DHCP4_BOUND)
		status->status = FAMILY_BOUND;
	else if (dhcp->held)
		status->status = FAMILY_RENEWING;
	else if (dhcp->failed >= dhcp->config.policy.retries)
		status->status = FAMILY_FAILED;
	else
		status->status = FAMILY_SOLICITING;
	if (dhcp->state == DHCP4_INIT || dhcp->state >= DHCP4_RENEWING)
		status->next_retry_ms = dhcp->deadline;
}

const struct dhcp4_lease *doppel_dhcp4_lease(const struct dhcp4 *dhcp)
{
	return dhcp->held ? &dhcp->lease : NULL;
}

const char *doppel_dhcp4_state_name(enum dhcp4_state state)
{
	static const char *const names[] = {
		[DHCP4_OFF] = "off", [DHCP4_INIT] = "init", [DHCP4_REBOOTING] = "rebooting",
		[DHCP4_SELECTING] = "selecting", [DHCP4_REQUESTING] = "requesting",
		[DHCP4_PROBING] = "probing", [DHCP4_BOUND] = "bound",
		[DHCP4_RENEWING] = "renewing", [DHCP4_REBINDING] = "rebinding",
	};

	return names[state];
}
