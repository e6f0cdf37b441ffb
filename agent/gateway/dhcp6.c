// SPDX-License-Identifier: GPL-2.0-only
/* DHCPv6 client machine of one device. Section numbers are RFC 8415's. */
#include "gateway/dhcp6.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "gateway/dhcp6_lease.h"
#include "gateway/dhcp6_message.h"

#define REFRESH_DEFAULT_S 86400		/* IRT_DEFAULT */
#define REFRESH_MIN_S 600		/* IRT_MINIMUM */
#define HOP_LIMIT 1
#define OBJECTION_MS 2000		/* for a lease's server to contradict another's NotOnLink */
#define ADVERTISEMENTS_MS 2000		/* for the known server to advertise, too */

/* All_DHCP_Relay_Agents_and_Servers */
static const struct in6_addr servers = { { { 0xff, 2, [13] = 1, [15] = 2 } } };

static void solicit_anew(struct dhcp6 *dhcp);

static int64_t now(const struct dhcp6 *dhcp)
{
	return doppel_clock_mono_ms(dhcp->env->clock);
}

static void tell(struct dhcp6 *dhcp, enum dhcp6_event_kind kind, const struct dhcp6_lease *lease)
{
	struct dhcp6_event event = {
		.kind = kind,
		.lease = lease,
		.reason = doppel_reason(dhcp->reason),
	};

	dhcp->event(dhcp->env->ctx, &event);
}

/* Over what was offered before; false for want of memory. */
static bool set_offer(struct dhcp6 *dhcp, const struct dhcp6_lease *lease)
{
	unsigned int i;

	if (!dhcp->offer)
		dhcp->offer = malloc(sizeof(*dhcp->offer));
	if (!dhcp->offer)
		return false;
	*dhcp->offer = (struct dhcp6_offer){ .lease = *lease };
	for (i = 0; i < DHCP6_ADDRESSES_MAX; i++)
		doppel_dad_init(&dhcp->offer->dad[i], dhcp->env, &dhcp->config.mac);
	return true;
}

static void drop_offer(struct dhcp6 *dhcp)
{
	free(dhcp->offer);
	dhcp->offer = NULL;
}

static bool is_held(const struct dhcp6 *dhcp, const struct in6_addr *address)
{
	return dhcp->held && doppel_dhcp6_lease_has(&dhcp->lease, address);
}

/* The groups of those of @lease's addresses that @but does not have, too. */
static void leave_groups(struct dhcp6 *dhcp, const struct dhcp6_lease *lease,
			 const struct dhcp6_lease *but)
{
	unsigned int i;

	for (i = 0; i < lease->address_count; i++)
		if (!but || !doppel_dhcp6_lease_has(but, &lease->addresses[i].address))
			doppel_mld_leave(dhcp->mld, &lease->addresses[i].address);
}

static void lose(struct dhcp6 *dhcp)
{
	if (!dhcp->held)
		return;
	dhcp->held = false;
	leave_groups(dhcp, &dhcp->lease, NULL);
	tell(dhcp, DHCP6_EVENT_LOST, &dhcp->lease);
}

static void send_message(struct dhcp6 *dhcp, const struct dhcp6_request *request)
{
	uint8_t message[DHCP6_MESSAGE_MAX], frame[FRAME_MAX];
	struct packet head = {
		.dst = doppel_mac_multicast6(&servers),
		.src = dhcp->config.mac,
		.ip6 = { .src = dhcp->link_local, .dst = servers },
		.hop_limit = HOP_LIMIT,
		.sport = DHCP6_CLIENT_PORT,
		.dport = DHCP6_SERVER_PORT,
	};
	size_t len = doppel_dhcp6_build(message, &dhcp->config.mac, request);

	len = doppel_frame_udp6(frame, &head, message, len);
	dhcp->env->send(dhcp->env->ctx, frame, len);
}

/* Sections 18.2.1 to 18.2.8: what each message names. */
static void transmit(struct dhcp6 *dhcp)
{
	struct dhcp6_exchange *exchange = &dhcp->exchange;
	struct dhcp6_request request = {
		.type = exchange->type,
		.xid = exchange->xid,
		.elapsed_cs = doppel_dhcp6_exchange_elapsed_cs(exchange, now(dhcp)),
		.lease = &dhcp->lease,
		.with_ia = exchange->type != DHCP6_INFORMATION_REQUEST,
	};

	switch (exchange->type) {
	case DHCP6_REQUEST:
		request.lease = dhcp->offer ? &dhcp->offer->lease : &dhcp->lease;
		request.with_server = true;
		request.with_addresses = true;
		break;
	case DHCP6_DECLINE:
		request.lease = &dhcp->offer->lease;
		request.with_server = true;
		request.with_addresses = true;
		request.only = &dhcp->declined;
		break;
	case DHCP6_RENEW:
		request.with_server = true;
		request.with_addresses = true;
		break;
	case DHCP6_CONFIRM:
	case DHCP6_REBIND:
		request.with_addresses = true;
		break;
	}
	send_message(dhcp, &request);
	doppel_dhcp6_exchange_sent(exchange, dhcp->env);
}

static void begin_exchange(struct dhcp6 *dhcp, enum dhcp6_state state, enum dhcp6_type type,
			   int64_t end_ms)
{
	dhcp->state = state;
	dhcp->deadline = NEVER;
	dhcp->refused = false;
	doppel_dhcp6_exchange_begin(&dhcp->exchange, type, end_ms, dhcp->env);
	transmit(dhcp);
}

/* Wait for something that is no answer; late answers are not for us any more. */
static void wait_in(struct dhcp6 *dhcp, enum dhcp6_state state, int64_t until)
{
	dhcp->state = state;
	dhcp->exchange.type = 0;
	dhcp->deadline = until;
}

static int64_t attempt_end(const struct dhcp6 *dhcp)
{
	return now(dhcp) + dhcp->config.policy.timeout_ms;
}

/* A server that names a longest interval itself is obeyed instead of the file. */
static int64_t retry_wait(struct dhcp6 *dhcp)
{
	struct attempt_policy policy = dhcp->config.policy;
	int64_t max_rt = dhcp->stateful ? dhcp->sol_max_rt_ms : dhcp->inf_max_rt_ms;

	if (max_rt)
		policy.retry_cap_ms = max_rt;
	return doppel_backoff_ms(&policy, dhcp->failed, dhcp->env->rng);
}

static void fail_attempt(struct dhcp6 *dhcp)
{
	dhcp->failed++;
	if (!dhcp->heard)
		doppel_because(&dhcp->reason,
			       "no answer from a DHCPv6 server to %u %s: is the MAC registered upstream?",
			       dhcp->failed, dhcp->failed == 1 ? "try" : "tries");
	wait_in(dhcp, DHCP6_INIT, now(dhcp) + retry_wait(dhcp));
	tell(dhcp, DHCP6_EVENT_STATUS, NULL);
}

/* The server's own words, or the meaning of its number. */
static void on_refusal(struct dhcp6 *dhcp, const struct dhcp6_reply *reply)
{
	static const char *const meanings[] = {
		"no address in its answer", "unspecified failure", "no addresses available",
		"no binding", "not on this link", "use multicast",
	};
	uint16_t status = reply->status ? reply->status : reply->ia_status;

	dhcp->heard = true;
	if (reply->message[0])
		doppel_because(&dhcp->reason, "refused by the DHCPv6 server: %s", reply->message);
	else
		doppel_because(&dhcp->reason, "refused by the DHCPv6 server: %s",
			       status < sizeof(meanings) / sizeof(*meanings) ? meanings[status] : "?");
}

static void enter_bound(struct dhcp6 *dhcp)
{
	wait_in(dhcp, DHCP6_BOUND, doppel_renew_ms(dhcp->lease.acquired_ms, dhcp->lease.t1_s,
						   dhcp->env->rng));
	dhcp->failed = 0;
	dhcp->heard = false;
	dhcp->to_confirm = false;
	doppel_because_nothing(&dhcp->reason);
}

/* The offer is ours: all its addresses are unique. */
static void take(struct dhcp6 *dhcp)
{
	struct dhcp6_lease before = dhcp->lease;
	bool held = dhcp->held;
	bool same = held && before.address_count == dhcp->offer->lease.address_count;
	unsigned int i;

	dhcp->lease = dhcp->offer->lease;
	drop_offer(dhcp);
	for (i = 0; i < dhcp->lease.address_count; i++)
		same = same && doppel_dhcp6_lease_has(&before, &dhcp->lease.addresses[i].address);
	if (held)
		leave_groups(dhcp, &before, &dhcp->lease);
	dhcp->held = true;
	if (same)
		dhcp->refusals = 0;		/* who gives only to take back is no better */
	enter_bound(dhcp);
	tell(dhcp, same ? DHCP6_EVENT_RENEWED : DHCP6_EVENT_BOUND, &dhcp->lease);
	for (i = 0; i < dhcp->lease.address_count && !same; i++) {
		const struct in6_addr *address = &dhcp->lease.addresses[i].address;
		uint8_t frame[FRAME_MAX];

		if (!held || !doppel_dhcp6_lease_has(&before, address))
			dhcp->env->send(dhcp->env->ctx, frame,
					doppel_na_build(frame, &dhcp->config.mac, address));
	}
}

/* Detect duplicates of what is new in the offer; what is in use is defended already. */
static void check(struct dhcp6 *dhcp)
{
	bool news = false;
	unsigned int i;

	for (i = 0; i < dhcp->offer->lease.address_count; i++) {
		const struct in6_addr *address = &dhcp->offer->lease.addresses[i].address;

		if (is_held(dhcp, address))
			continue;
		doppel_mld_join(dhcp->mld, address);
		doppel_dad_start(&dhcp->offer->dad[i], address, 0);
		news = true;
	}
	if (news)
		wait_in(dhcp, DHCP6_CHECKING, NEVER);
	else
		take(dhcp);
}

static void stop_checking(struct dhcp6 *dhcp)
{
	unsigned int i;

	if (dhcp->state != DHCP6_CHECKING)
		return;
	leave_groups(dhcp, &dhcp->offer->lease, dhcp->held ? &dhcp->lease : NULL);
	for (i = 0; i < DHCP6_ADDRESSES_MAX; i++)
		doppel_dad_stop(&dhcp->offer->dad[i]);
}

static void on_conflict(struct dhcp6 *dhcp, const struct dad *dad)
{
	char ip[DOPPEL_IP6_TEXT], mac[DOPPEL_MAC_TEXT];
	struct dhcp6_event event = {
		.kind = DHCP6_EVENT_CONFLICT,
		.lease = &dhcp->offer->lease,
		.address = dad->address,
		.rival = dad->rival,
	};

	doppel_because(&dhcp->reason, "%s is in use by %s, so it was declined",
		       doppel_ip6_format(&dad->address, ip), doppel_mac_format(&dad->rival, mac));
	event.reason = doppel_reason(dhcp->reason);
	stop_checking(dhcp);
	dhcp->heard = true;
	dhcp->declined = dad->address;
	begin_exchange(dhcp, DHCP6_DECLINING, DHCP6_DECLINE, NEVER);
	dhcp->event(dhcp->env->ctx, &event);
}

static void set_acquired(struct dhcp6 *dhcp, struct dhcp6_lease *lease)
{
	lease->acquired_ms = dhcp->exchange.sent_ms;
}

static enum verdict on_addresses(struct dhcp6 *dhcp, const struct dhcp6_reply *reply)
{
	struct dhcp6_lease lease = reply->lease;

	set_acquired(dhcp, &lease);
	doppel_dhcp6_merge(&lease, dhcp->held ? &dhcp->lease : NULL);
	if (!lease.address_count) {
		doppel_because(&dhcp->reason, "the DHCPv6 server took the addresses back");
		lose(dhcp);
		solicit_anew(dhcp);
		return VERDICT_ACCEPTED;
	}
	if (!set_offer(dhcp, &lease))
		return VERDICT_REFUSED;		/* as if it had been lost: it is asked for again */
	check(dhcp);
	return VERDICT_ACCEPTED;
}

/*
 * Others have their leases of a known server, and this is of another one. What has advertised and then given
 * nothing is not waited for.
 */
static bool is_other(const struct dhcp6 *dhcp, const struct dhcp6_lease *lease)
{
	return !(dhcp->heard && dhcp->failed) &&
	       doppel_server_is_other(dhcp->config.known, lease->server_duid,
				      lease->server_duid_len);
}

/*
 * Section 18.2.9: the preference decides, but a client may choose another whose parameters suit it better:
 * the known server.
 */
static bool is_better(const struct dhcp6 *dhcp, const struct dhcp6_reply *reply)
{
	const bool other = is_other(dhcp, &reply->lease);

	if (!dhcp->offer)
		return true;
	if (other != is_other(dhcp, &dhcp->offer->lease))
		return !other;
	return reply->preference > dhcp->offer->preference;
}

/* Only another one has advertised: the second Solicit is for the known server. */
static void wait_for_known(struct dhcp6 *dhcp)
{
	if (dhcp->exchange.sent > 1)
		doppel_dhcp6_exchange_end(&dhcp->exchange, now(dhcp) + ADVERTISEMENTS_MS);
}

/* After that anybody's advertisement is taken. */
static bool is_chosen(const struct dhcp6 *dhcp)
{
	return dhcp->offer &&
	       (dhcp->exchange.sent > 1 || !is_other(dhcp, &dhcp->offer->lease) ||
		doppel_dhcp6_exchange_over(&dhcp->exchange, now(dhcp)));
}

static enum verdict on_soliciting(struct dhcp6 *dhcp, const struct dhcp6_reply *reply)
{
	bool good = !reply->status && !reply->ia_status && reply->has_ia &&
		    reply->lease.address_count && reply->lease.addresses[0].valid_s;

	if (reply->sol_max_rt_s)		/* also of one that has no address for us */
		dhcp->sol_max_rt_ms = (int64_t)reply->sol_max_rt_s * 1000;
	if (reply->type == DHCP6_REPLY) {
		if (!reply->rapid_commit)
			return VERDICT_UNEXPECTED;
		/* Of another server than the known one it can be asked for again. */
		if (good && !is_other(dhcp, &reply->lease))
			return on_addresses(dhcp, reply);
	}
	if (!good) {
		on_refusal(dhcp, reply);
		return VERDICT_ACCEPTED;
	}
	/* Section 18.2.1: they are compared until the first interval has passed. */
	if (is_better(dhcp, reply)) {
		if (!set_offer(dhcp, &reply->lease))
			return VERDICT_REFUSED;
		dhcp->offer->preference = reply->preference;
	}
	if (is_other(dhcp, &dhcp->offer->lease))
		wait_for_known(dhcp);
	else if (dhcp->offer->preference == UINT8_MAX || dhcp->exchange.sent > 1)
		begin_exchange(dhcp, DHCP6_REQUESTING, DHCP6_REQUEST, attempt_end(dhcp));
	return VERDICT_ACCEPTED;
}

static bool from_server(const struct dhcp6_reply *reply, const struct dhcp6_lease *lease)
{
	return reply->lease.server_duid_len == lease->server_duid_len &&
	       !memcmp(reply->lease.server_duid, lease->server_duid, lease->server_duid_len);
}

/* A Reply to Request, Renew or Rebind (section 18.2.10.1). */
static enum verdict on_binding_reply(struct dhcp6 *dhcp, const struct dhcp6_reply *reply)
{
	bool requesting = dhcp->state == DHCP6_REQUESTING;
	const struct dhcp6_lease *asked = requesting && dhcp->offer ? &dhcp->offer->lease :
								      &dhcp->lease;
	uint16_t status = reply->status ? reply->status : reply->ia_status;

	if (dhcp->state != DHCP6_REBINDING && !from_server(reply, asked))
		return VERDICT_REFUSED;
	if (status == DHCP6_NO_BINDING && !requesting) {
		drop_offer(dhcp);
		memcpy(dhcp->lease.server_duid, reply->lease.server_duid, DHCP6_DUID_MAX);
		dhcp->lease.server_duid_len = reply->lease.server_duid_len;
		begin_exchange(dhcp, DHCP6_REQUESTING, DHCP6_REQUEST, attempt_end(dhcp));
		return VERDICT_ACCEPTED;
	}
	if (status == DHCP6_NOT_ON_LINK) {
		on_refusal(dhcp, reply);
		lose(dhcp);
		solicit_anew(dhcp);
		return VERDICT_ACCEPTED;
	}
	if (status == DHCP6_UNSPEC_FAIL || status == DHCP6_USE_MULTICAST) {
		on_refusal(dhcp, reply);
		return VERDICT_ACCEPTED;	/* asked again in its time */
	}
	if (status || !reply->has_ia || (requesting && !reply->lease.address_count)) {
		on_refusal(dhcp, reply);
		if (requesting)
			fail_attempt(dhcp);
		return VERDICT_ACCEPTED;
	}
	if (reply->sol_max_rt_s)
		dhcp->sol_max_rt_ms = (int64_t)reply->sol_max_rt_s * 1000;
	return on_addresses(dhcp, reply);
}

/* The lease fits the link, or nobody said otherwise (section 18.2.3). */
static void on_confirmed(struct dhcp6 *dhcp)
{
	if (now(dhcp) >= doppel_dhcp6_expiry_ms(&dhcp->lease)) {
		solicit_anew(dhcp);
		return;
	}
	if (set_offer(dhcp, &dhcp->lease))
		check(dhcp);
	else
		fail_attempt(dhcp);
}

static enum verdict on_confirm_reply(struct dhcp6 *dhcp, const struct dhcp6_reply *reply)
{
	if (reply->status == DHCP6_SUCCESS) {
		on_confirmed(dhcp);
		return VERDICT_ACCEPTED;
	}
	on_refusal(dhcp, reply);
	if (reply->status != DHCP6_NOT_ON_LINK)
		return VERDICT_ACCEPTED;
	/* Nobody but its server can know of the lease, if that is still there. */
	if (!from_server(reply, &dhcp->lease)) {
		dhcp->refused = true;
		doppel_dhcp6_exchange_end(&dhcp->exchange, now(dhcp) + OBJECTION_MS);
		return VERDICT_ACCEPTED;
	}
	lose(dhcp);
	solicit_anew(dhcp);
	return VERDICT_ACCEPTED;
}

static enum verdict on_information(struct dhcp6 *dhcp, const struct dhcp6_reply *reply)
{
	uint32_t refresh_s = reply->refresh_s ? reply->refresh_s : REFRESH_DEFAULT_S;
	int64_t until;

	if (reply->inf_max_rt_s)
		dhcp->inf_max_rt_ms = (int64_t)reply->inf_max_rt_s * 1000;
	if (reply->status) {
		on_refusal(dhcp, reply);
		return VERDICT_ACCEPTED;
	}
	dhcp->lease = reply->lease;
	dhcp->lease.address_count = 0;
	set_acquired(dhcp, &dhcp->lease);
	until = doppel_after_s(now(dhcp), refresh_s < REFRESH_MIN_S ? REFRESH_MIN_S : refresh_s);
	wait_in(dhcp, DHCP6_INFORMED, until);
	dhcp->failed = 0;
	doppel_because_nothing(&dhcp->reason);
	tell(dhcp, DHCP6_EVENT_INFORMED, &dhcp->lease);
	return VERDICT_ACCEPTED;
}

static void solicit_after(struct dhcp6 *dhcp)
{
	dhcp->failed++;
	drop_offer(dhcp);
	dhcp->to_confirm = false;	/* else what was declined would be confirmed again */
	wait_in(dhcp, DHCP6_INIT, now(dhcp) + retry_wait(dhcp));
	tell(dhcp, DHCP6_EVENT_STATUS, NULL);
}

static enum verdict on_reply(struct dhcp6 *dhcp, const struct packet *packet)
{
	struct dhcp6_reply reply;
	enum verdict verdict = doppel_dhcp6_parse(packet->payload, packet->len, &dhcp->config.mac,
						  &reply);

	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (!dhcp->exchange.type || reply.xid != dhcp->exchange.xid)
		return VERDICT_OTHER;
	if (dhcp->state == DHCP6_SOLICITING)
		return on_soliciting(dhcp, &reply);
	if (reply.type != DHCP6_REPLY)
		return VERDICT_UNEXPECTED;
	switch (dhcp->state) {
	case DHCP6_REQUESTING:
	case DHCP6_RENEWING:
	case DHCP6_REBINDING:
		return on_binding_reply(dhcp, &reply);
	case DHCP6_CONFIRMING:
		return on_confirm_reply(dhcp, &reply);
	case DHCP6_INFORMING:
		return on_information(dhcp, &reply);
	case DHCP6_DECLINING:
		solicit_after(dhcp);
		return VERDICT_ACCEPTED;
	default:
		return VERDICT_UNEXPECTED;
	}
}

enum verdict doppel_dhcp6_receive(struct dhcp6 *dhcp, const struct packet *packet)
{
	struct neighbour neighbour;
	enum dad_result result;
	enum verdict verdict;
	unsigned int i;

	if (packet->kind == PACKET_UDP6) {
		if (packet->dport != DHCP6_CLIENT_PORT ||
		    !doppel_mac_eq(&packet->dst, &dhcp->config.mac))
			return VERDICT_OTHER;
		return on_reply(dhcp, packet);
	}
	if (dhcp->state != DHCP6_CHECKING)
		return VERDICT_OTHER;
	verdict = doppel_neighbour_parse(packet, &neighbour);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	verdict = VERDICT_OTHER;
	for (i = 0; i < DHCP6_ADDRESSES_MAX && verdict == VERDICT_OTHER; i++) {
		verdict = doppel_dad_receive(&dhcp->offer->dad[i], packet, &neighbour, &result);
		if (result == DAD_CONFLICT)
			on_conflict(dhcp, &dhcp->offer->dad[i]);
	}
	return verdict;
}

static void solicit(struct dhcp6 *dhcp)
{
	drop_offer(dhcp);
	dhcp->to_confirm = false;
	begin_exchange(dhcp, DHCP6_SOLICITING, DHCP6_SOLICIT, attempt_end(dhcp));
}

/* The first refusal is followed by a Solicit at once; a storm of them meets the retry delays. */
static void solicit_anew(struct dhcp6 *dhcp)
{
	if (!dhcp->refusals++) {
		solicit(dhcp);
		return;
	}
	drop_offer(dhcp);
	dhcp->to_confirm = false;
	wait_in(dhcp, DHCP6_INIT, now(dhcp) + doppel_backoff_ms(&dhcp->config.policy,
								dhcp->refusals - 1,
								dhcp->env->rng));
	tell(dhcp, DHCP6_EVENT_STATUS, NULL);
}

static void renew(struct dhcp6 *dhcp)
{
	int64_t t2 = doppel_after_s(dhcp->lease.acquired_ms, dhcp->lease.t2_s);

	if (now(dhcp) < t2) {
		begin_exchange(dhcp, DHCP6_RENEWING, DHCP6_RENEW, t2);
	} else {
		doppel_because(&dhcp->reason,
			       "its server does not answer renewals: asking every DHCPv6 server");
		begin_exchange(dhcp, DHCP6_REBINDING, DHCP6_REBIND, NEVER);
	}
	tell(dhcp, DHCP6_EVENT_STATUS, NULL);
}

/*
 * Section 18.2.3 keeps what nobody refuses, for the sake of a server that is down for a while. On another
 * link there may be none at all.
 */
static bool is_elsewhere(struct dhcp6 *dhcp)
{
	if (!dhcp->config.elsewhere || !dhcp->config.elsewhere(dhcp->env->ctx, &dhcp->lease))
		return false;
	doppel_because(&dhcp->reason, "the routers are another network's, and none of its DHCPv6 "
		       "servers answers");
	return true;
}

/* The exchange has ended without its answer. */
static void on_silence(struct dhcp6 *dhcp)
{
	switch (dhcp->state) {
	case DHCP6_CONFIRMING:
		if (!dhcp->refused && !is_elsewhere(dhcp)) {
			on_confirmed(dhcp);
			return;
		}
		lose(dhcp);
		solicit_anew(dhcp);
		return;
	case DHCP6_RENEWING:
		renew(dhcp);
		return;
	case DHCP6_DECLINING:
		solicit_after(dhcp);
		return;
	default:
		fail_attempt(dhcp);
		return;
	}
}

static void on_exchange_due(struct dhcp6 *dhcp)
{
	if (dhcp->state == DHCP6_SOLICITING && is_chosen(dhcp))
		begin_exchange(dhcp, DHCP6_REQUESTING, DHCP6_REQUEST, attempt_end(dhcp));
	else if (doppel_dhcp6_exchange_over(&dhcp->exchange, now(dhcp)))
		on_silence(dhcp);
	else
		transmit(dhcp);
}

static void on_deadline(struct dhcp6 *dhcp)
{
	switch (dhcp->state) {
	case DHCP6_INIT:
		if (!dhcp->stateful)
			begin_exchange(dhcp, DHCP6_INFORMING, DHCP6_INFORMATION_REQUEST,
				       attempt_end(dhcp));
		else if (dhcp->to_confirm)
			begin_exchange(dhcp, DHCP6_CONFIRMING, DHCP6_CONFIRM, NEVER);
		else
			solicit(dhcp);
		return;
	case DHCP6_INFORMED:
		begin_exchange(dhcp, DHCP6_INFORMING, DHCP6_INFORMATION_REQUEST,
			       attempt_end(dhcp));
		return;
	case DHCP6_BOUND:
		renew(dhcp);
		return;
	default:
		return;
	}
}

/* Drop addresses whose time is over. */
static void expire(struct dhcp6 *dhcp)
{
	struct dhcp6_lease before = dhcp->lease;
	unsigned int i, kept = 0;

	for (i = 0; i < before.address_count; i++)
		if (doppel_dhcp6_valid_until(&before, i) > now(dhcp))
			dhcp->lease.addresses[kept++] = before.addresses[i];
	if (kept == before.address_count)
		return;
	if (kept) {
		dhcp->lease.address_count = kept;
		leave_groups(dhcp, &before, &dhcp->lease);
		tell(dhcp, DHCP6_EVENT_BOUND, &dhcp->lease);
		return;
	}
	doppel_because(&dhcp->reason, "the lease has run out and no DHCPv6 server renewed it");
	lose(dhcp);
	if (dhcp->state == DHCP6_BOUND || dhcp->state == DHCP6_RENEWING ||
	    dhcp->state == DHCP6_REBINDING || dhcp->state == DHCP6_CONFIRMING)
		solicit(dhcp);
}

static void step_checking(struct dhcp6 *dhcp)
{
	bool running = false;
	unsigned int i;

	for (i = 0; i < DHCP6_ADDRESSES_MAX; i++) {
		doppel_dad_timeout(&dhcp->offer->dad[i]);
		running |= doppel_dad_running(&dhcp->offer->dad[i]);
	}
	if (!running)
		take(dhcp);
}

void doppel_dhcp6_timeout(struct dhcp6 *dhcp)
{
	if (dhcp->held)
		expire(dhcp);
	if (dhcp->state == DHCP6_CHECKING)
		step_checking(dhcp);
	else if (dhcp->exchange.type && now(dhcp) >= dhcp->exchange.next_ms)
		on_exchange_due(dhcp);
	else if (now(dhcp) >= dhcp->deadline)
		on_deadline(dhcp);
}

int64_t doppel_dhcp6_deadline(const struct dhcp6 *dhcp)
{
	int64_t deadline = dhcp->deadline;
	unsigned int i;

	if (dhcp->state == DHCP6_OFF)
		return NEVER;
	if (dhcp->exchange.type)
		deadline = doppel_earlier(deadline, dhcp->exchange.next_ms);
	for (i = 0; i < DHCP6_ADDRESSES_MAX && dhcp->state == DHCP6_CHECKING; i++)
		deadline = doppel_earlier(deadline, doppel_dad_deadline(&dhcp->offer->dad[i]));
	for (i = 0; i < dhcp->lease.address_count && dhcp->held; i++) {
		const int64_t preferred = doppel_after_s(dhcp->lease.acquired_ms,
							 dhcp->lease.addresses[i].preferred_s);

		deadline = doppel_earlier(deadline, doppel_dhcp6_valid_until(&dhcp->lease, i));
		/* Then another may be better to send from: the owner looks. */
		if (preferred > now(dhcp))
			deadline = doppel_earlier(deadline, preferred);
	}
	return deadline;
}

void doppel_dhcp6_init(struct dhcp6 *dhcp, const struct negotiation_env *env,
		       const struct dhcp6_config *config, struct mld *mld,
		       void (*event)(void *ctx, const struct dhcp6_event *event))
{
	*dhcp = (struct dhcp6){
		.env = env,
		.config = *config,
		.event = event,
		.mld = mld,
		.deadline = NEVER,
	};
}

static void reset(struct dhcp6 *dhcp)
{
	stop_checking(dhcp);
	if (dhcp->held)
		leave_groups(dhcp, &dhcp->lease, NULL);
	wait_in(dhcp, DHCP6_OFF, NEVER);
	dhcp->failed = 0;
	dhcp->refusals = 0;
	dhcp->held = false;
	dhcp->heard = false;
	dhcp->to_confirm = false;
	drop_offer(dhcp);
	dhcp->sol_max_rt_ms = 0;
	dhcp->inf_max_rt_ms = 0;
	doppel_because_nothing(&dhcp->reason);
}

static void begin(struct dhcp6 *dhcp)
{
	wait_in(dhcp, DHCP6_INIT, now(dhcp) + doppel_random_ms(dhcp->config.start_jitter_ms,
							       dhcp->env->rng));
}

void doppel_dhcp6_start(struct dhcp6 *dhcp, const struct in6_addr *link_local,
			const struct dhcp6_lease *restored)
{
	reset(dhcp);
	dhcp->stateful = true;
	dhcp->link_local = *link_local;
	if (restored && restored->address_count && now(dhcp) < doppel_dhcp6_expiry_ms(restored)) {
		dhcp->lease = *restored;
		dhcp->to_confirm = true;
	}
	begin(dhcp);
}

void doppel_dhcp6_inform(struct dhcp6 *dhcp, const struct in6_addr *link_local)
{
	reset(dhcp);
	dhcp->stateful = false;
	dhcp->link_local = *link_local;
	begin(dhcp);
}

void doppel_dhcp6_resume(struct dhcp6 *dhcp, const struct in6_addr *link_local,
			 const struct dhcp6_lease *held)
{
	unsigned int i;

	reset(dhcp);
	dhcp->stateful = true;
	dhcp->link_local = *link_local;
	dhcp->lease = *held;
	dhcp->held = true;
	for (i = 0; i < held->address_count; i++)
		doppel_mld_resume(dhcp->mld, &held->addresses[i].address);
	enter_bound(dhcp);
	if (now(dhcp) >= doppel_dhcp6_expiry_ms(held))
		expire(dhcp);
	else
		tell(dhcp, DHCP6_EVENT_BOUND, &dhcp->lease);
}

void doppel_dhcp6_confirm(struct dhcp6 *dhcp)
{
	if (dhcp->state == DHCP6_OFF)
		return;
	stop_checking(dhcp);
	drop_offer(dhcp);
	dhcp->to_confirm |= dhcp->held;
	dhcp->failed = 0;
	dhcp->heard = false;
	begin(dhcp);
}

void doppel_dhcp6_retry(struct dhcp6 *dhcp)
{
	if (dhcp->state == DHCP6_INIT)
		dhcp->deadline = now(dhcp);
}

void doppel_dhcp6_abandon(struct dhcp6 *dhcp, const char *why)
{
	doppel_because(&dhcp->reason, "%s", why);
	lose(dhcp);
	reset(dhcp);
}

void doppel_dhcp6_stop(struct dhcp6 *dhcp, bool release)
{
	if (release && dhcp->held) {
		struct dhcp6_request request = {
			.type = DHCP6_RELEASE,
			.xid = doppel_rng_below(dhcp->env->rng, 1 << 24),
			.lease = &dhcp->lease,
			.with_server = true,
			.with_ia = true,
			.with_addresses = true,
		};

		send_message(dhcp, &request);
	}
	reset(dhcp);
}

void doppel_dhcp6_free(struct dhcp6 *dhcp)
{
	drop_offer(dhcp);
	doppel_because_nothing(&dhcp->reason);
}
