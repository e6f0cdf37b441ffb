// SPDX-License-Identifier: GPL-2.0-only
/* One identity's life on an IPv6 link. Section numbers are RFC 4862's. */
#include "gateway/slaac.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define RS_FIRST_MS 4000		/* RTR_SOLICITATION_INTERVAL; then doubled (RFC 7559) */
#define RS_LAST_MS 600000
#define RS_FAILED 3			/* MAX_RTR_SOLICITATIONS: silence that is worth telling */
#define ATTEMPTS_MAX 3			/* IDGEN_RETRIES (RFC 7217 section 7) */
#define RS_PAUSE_MS 10000		/* anybody can say that a router ends: between two rows */
#define DAD_DELAY_MS 1000		/* MAX_RTR_SOLICITATION_DELAY (section 5.4.2) */
#define TWO_HOURS_MS 7200000
#define FORMED_MAX (2 * SLAAC_ADDRESSES_MAX)	/* addresses begun in FORMED_MS: anybody can advertise */
#define FORMED_MS 60000

static const struct attempt_policy link_local_retry = {
	.retry_delay_ms = 5000,
	.retry_cap_ms = 300000,
};

static int64_t now(const struct slaac *slaac)
{
	return doppel_clock_mono_ms(slaac->env->clock);
}

static void tell(struct slaac *slaac, enum slaac_event_kind kind,
		 const struct slaac_address *address, const struct mac *rival)
{
	struct slaac_event event = { .kind = kind, .address = address };

	if (rival)
		event.rival = *rival;
	slaac->event(slaac->env->ctx, &event);
}

static void advertise_self(const struct slaac *slaac, const struct in6_addr *address)
{
	uint8_t frame[FRAME_MAX];

	slaac->env->send(slaac->env->ctx, frame,
			 doppel_na_build(frame, &slaac->config.mac, address));
}

/*
 * EUI-64 as long as it was not asked to be otherwise and nobody else has it; else RFC 7217
 * section 5, with the MAC as Net_Iface and no Network_ID.
 */
static struct in6_addr make_address(const struct slaac *slaac, const struct in6_addr *prefix,
				    unsigned int attempt)
{
	struct in6_addr address = doppel_ip6_eui64(prefix, &slaac->config.mac);
	uint8_t hash[crypto_auth_hmacsha256_BYTES], text[8 + 6 + 1];

	if (!slaac->config.stable_privacy && !attempt)
		return address;
	memcpy(text, prefix, 8);
	memcpy(text + 8, &slaac->config.mac, 6);
	text[14] = (uint8_t)attempt;
	_Static_assert(crypto_auth_hmacsha256_KEYBYTES == SLAAC_SECRET_LEN, "key length");
	crypto_auth_hmacsha256(hash, text, sizeof(text), slaac->config.secret);
	memcpy(address.s6_addr + 8, hash, 8);
	return address;
}

/* All identities have heard the same advertisement: their solicitations do not leave as one. */
static void check_address(struct slaac *slaac, struct slaac_address *address)
{
	doppel_mld_join(&slaac->mld, &address->address);
	doppel_dad_start(&address->dad, &address->address, DAD_DELAY_MS);
}

/* Not before the link-local address's turn has come: begin() sees to it. */
static void try_address(struct slaac *slaac, struct slaac_address *address)
{
	address->state = SLAAC_TENTATIVE;
	address->address = make_address(slaac, &address->address, address->attempt);
	if (slaac->restart_at == NEVER)
		check_address(slaac, address);
}

/* The last one takes its place. */
static void drop_address(struct slaac *slaac, unsigned int at)
{
	struct slaac_address gone = slaac->addresses[at];

	slaac->addresses[at] = slaac->addresses[--slaac->count];
	if (doppel_slaac_in_use(&gone) || doppel_dad_running(&gone.dad))
		doppel_mld_leave(&slaac->mld, &gone.address);
	if (doppel_slaac_in_use(&gone))
		tell(slaac, SLAAC_EVENT_REMOVED, &gone, NULL);
}

static void on_address_conflict(struct slaac *slaac, struct slaac_address *address)
{
	char ip[DOPPEL_IP6_TEXT], mac[DOPPEL_MAC_TEXT];

	doppel_because(&slaac->reason, "%s is in use by %s",
		       doppel_ip6_format(&address->address, ip),
		       doppel_mac_format(&address->dad.rival, mac));
	doppel_mld_leave(&slaac->mld, &address->address);
	address->state = SLAAC_DUPLICATE;
	tell(slaac, SLAAC_EVENT_CONFLICT, address, &address->dad.rival);
	if (++address->attempt <= ATTEMPTS_MAX) {
		try_address(slaac, address);
		return;
	}
	address->given_up = true;
	tell(slaac, SLAAC_EVENT_STATUS, NULL, NULL);
}

static void on_address_clear(struct slaac *slaac, struct slaac_address *address)
{
	address->given_up = false;
	address->state = now(slaac) < address->preferred_until ? SLAAC_PREFERRED :
								 SLAAC_DEPRECATED;
	doppel_because_nothing(&slaac->reason);
	tell(slaac, SLAAC_EVENT_ADDED, address, NULL);
	advertise_self(slaac, &address->address);
}

/* Section 5.4.5: an identifier made of the MAC that is taken leaves no link to be on. */
static void on_link_local_conflict(struct slaac *slaac)
{
	char ip[DOPPEL_IP6_TEXT], mac[DOPPEL_MAC_TEXT];

	doppel_because(&slaac->reason, "%s is in use by %s: is the device on the WAN, too?",
		       doppel_ip6_format(&slaac->link_local, ip),
		       doppel_mac_format(&slaac->dad.rival, mac));
	while (slaac->count)
		drop_address(slaac, slaac->count - 1);
	doppel_mld_stop(&slaac->mld);
	slaac->ready = false;
	slaac->router_heard = false;
	slaac->router_until = NEVER;
	slaac->solicit_at = NEVER;
	slaac->wait_until = NEVER;
	slaac->conflicts++;
	slaac->restart_at = now(slaac) +
		doppel_backoff_ms(&link_local_retry, slaac->conflicts, slaac->env->rng);
	tell(slaac, SLAAC_EVENT_CONFLICT, NULL, &slaac->dad.rival);
}

static void on_link_local_clear(struct slaac *slaac)
{
	slaac->ready = true;
	slaac->conflicts = 0;
	doppel_because_nothing(&slaac->reason);
	doppel_mld_source(&slaac->mld, &slaac->link_local);
	if (!slaac->router_heard) {
		slaac->solicit_at = now(slaac);
		slaac->wait_until = now(slaac) + slaac->config.wait_ms;
	}
	tell(slaac, SLAAC_EVENT_LINK_LOCAL, NULL, NULL);
	advertise_self(slaac, &slaac->link_local);
}

static void begin(struct slaac *slaac)
{
	unsigned int i;

	slaac->restart_at = NEVER;
	doppel_mld_join(&slaac->mld, &slaac->link_local);
	doppel_dad_start(&slaac->dad, &slaac->link_local, 0);
	for (i = 0; i < slaac->count; i++)
		check_address(slaac, &slaac->addresses[i]);
}

static void solicit(struct slaac *slaac)
{
	uint8_t frame[FRAME_MAX];

	slaac->rt_ms = slaac->solicitations ? doppel_earlier(slaac->rt_ms * 2, RS_LAST_MS) :
					      RS_FIRST_MS;
	slaac->solicitations++;
	slaac->solicited_ms = now(slaac);
	slaac->solicit_at = now(slaac) + doppel_jitter_ms(slaac->rt_ms, 10, slaac->env->rng);
	slaac->env->send(slaac->env->ctx, frame,
			 doppel_rs_build(frame, &slaac->config.mac, &slaac->link_local));
	if (slaac->solicitations > RS_FAILED) {
		doppel_because(&slaac->reason, "no router answers %u solicitations",
			       slaac->solicitations - 1);
		if (slaac->solicitations == RS_FAILED + 1)
			tell(slaac, SLAAC_EVENT_STATUS, NULL, NULL);
	}
}

static void solicit_anew(struct slaac *slaac, int64_t delay_ms)
{
	slaac->router_heard = false;
	slaac->router_until = NEVER;
	slaac->solicitations = 0;
	slaac->solicit_at = now(slaac) + delay_ms;
	slaac->wait_until = slaac->solicit_at + slaac->config.wait_ms;
}

/* Section 5.5.3 (e): nobody without authentication shortens a life to less than two hours. */
static void refresh(struct slaac *slaac, struct slaac_address *address,
		    const struct ra_prefix *prefix, int64_t received_ms)
{
	int64_t valid = doppel_after_s(received_ms, prefix->valid_s);
	int64_t floor = now(slaac) + TWO_HOURS_MS;

	if (valid > floor || valid > address->valid_until)
		address->valid_until = valid;
	else if (address->valid_until > floor)
		address->valid_until = floor;
	address->preferred_until = doppel_earlier(doppel_after_s(received_ms, prefix->preferred_s),
						  address->valid_until);
	if (!doppel_slaac_in_use(address))
		return;
	address->state = now(slaac) < address->preferred_until ? SLAAC_PREFERRED :
								 SLAAC_DEPRECATED;
	tell(slaac, SLAAC_EVENT_UPDATED, address, NULL);
}

/* Room for one more at the end; NULL for want of memory. The others may be elsewhere then. */
static struct slaac_address *append(struct slaac *slaac)
{
	struct slaac_address *addresses = reallocarray(slaac->addresses, slaac->count + 1,
						       sizeof(*addresses));

	if (!addresses)
		return NULL;
	slaac->addresses = addresses;
	return &addresses[slaac->count++];
}

static bool may_form(struct slaac *slaac)
{
	if (slaac->count == SLAAC_ADDRESSES_MAX)
		return false;
	if (now(slaac) - slaac->formed_since >= FORMED_MS) {
		slaac->formed_since = now(slaac);
		slaac->formed = 0;
	}
	return slaac->formed++ < FORMED_MAX;
}

static void take_prefix(struct slaac *slaac, const struct ra_prefix *prefix, int64_t received_ms)
{
	struct slaac_address *address;
	unsigned int i;

	if (!prefix->autonomous || prefix->len != SLAAC_PREFIX_LEN)
		return;
	for (i = 0; i < slaac->count; i++) {
		address = &slaac->addresses[i];
		if (doppel_ip6_in_prefix(&address->address, &prefix->prefix, SLAAC_PREFIX_LEN)) {
			refresh(slaac, address, prefix, received_ms);
			return;
		}
	}
	if (doppel_after_s(received_ms, prefix->valid_s) <= now(slaac) || !may_form(slaac))
		return;
	address = append(slaac);
	if (!address)
		return;
	*address = (struct slaac_address){
		.address = prefix->prefix,
		.prefix_len = SLAAC_PREFIX_LEN,
		.valid_until = doppel_after_s(received_ms, prefix->valid_s),
		.preferred_until = doppel_after_s(received_ms, prefix->preferred_s),
	};
	doppel_dad_init(&address->dad, slaac->env, &slaac->config.mac);
	try_address(slaac, address);
}

/* A router that leaves (lifetime 0) may not have been the last: who is there will say so. */
static void note_router(struct slaac *slaac, const struct ra *ra)
{
	const int64_t until = doppel_after_s(ra->received_ms, ra->lifetime_s);

	if (!ra->lifetime_s)
		slaac->router_until = slaac->router_until == NEVER ? NEVER : until;
	else if (slaac->router_until == NEVER || slaac->router_until < until)
		slaac->router_until = until;
}

/* The last one's lifetime is over, and it said nothing: RFC 7559 section 2.1. */
static void on_silence(struct slaac *slaac)
{
	const int64_t pause = slaac->solicited_ms + RS_PAUSE_MS - now(slaac);
	const int64_t delay = doppel_random_ms(slaac->config.start_jitter_ms, slaac->env->rng);

	solicit_anew(slaac, delay > pause ? delay : pause);
	tell(slaac, SLAAC_EVENT_STATUS, NULL, NULL);
}

void doppel_slaac_advertise(struct slaac *slaac, const struct ra *ra)
{
	unsigned int i;
	const bool heard = slaac->router_heard;

	if (!slaac->running)
		return;
	if (ra->lifetime_s || ra->prefix_count) {
		slaac->router_heard = true;
		slaac->solicit_at = NEVER;
		slaac->wait_until = NEVER;
		if (slaac->solicitations > RS_FAILED)
			doppel_because_nothing(&slaac->reason);
		slaac->solicitations = 0;
	}
	note_router(slaac, ra);
	for (i = 0; i < ra->prefix_count; i++)
		take_prefix(slaac, &ra->prefixes[i], ra->received_ms);
	if (slaac->router_heard != heard)
		tell(slaac, SLAAC_EVENT_STATUS, NULL, NULL);
}

void doppel_slaac_init(struct slaac *slaac, const struct negotiation_env *env,
		       const struct slaac_config *config,
		       void (*event)(void *ctx, const struct slaac_event *event))
{
	*slaac = (struct slaac){
		.env = env,
		.config = *config,
		.event = event,
		.restart_at = NEVER,
		.router_until = NEVER,
		.solicited_ms = doppel_clock_mono_ms(env->clock) - RS_PAUSE_MS,
		.solicit_at = NEVER,
		.wait_until = NEVER,
		.link_local = doppel_ip6_link_local(&config->mac),
	};
	doppel_dad_init(&slaac->dad, env, &config->mac);
	doppel_mld_init(&slaac->mld, env, &config->mac);
}

void doppel_slaac_stop(struct slaac *slaac)
{
	slaac->running = false;
	slaac->ready = false;
	slaac->router_heard = false;
	slaac->conflicts = 0;
	slaac->solicitations = 0;
	slaac->restart_at = NEVER;
	slaac->router_until = NEVER;
	slaac->solicit_at = NEVER;
	slaac->wait_until = NEVER;
	slaac->count = 0;
	free(slaac->addresses);
	slaac->addresses = NULL;
	doppel_because_nothing(&slaac->reason);
	doppel_dad_stop(&slaac->dad);
	doppel_mld_stop(&slaac->mld);
}

void doppel_slaac_free(struct slaac *slaac)
{
	free(slaac->addresses);
	doppel_because_nothing(&slaac->reason);
}

void doppel_slaac_start(struct slaac *slaac)
{
	doppel_slaac_stop(slaac);
	slaac->running = true;
	if (slaac->config.start_jitter_ms)
		slaac->restart_at = now(slaac) + doppel_random_ms(slaac->config.start_jitter_ms,
								  slaac->env->rng);
	else
		begin(slaac);
}

void doppel_slaac_resume(struct slaac *slaac, const struct slaac_address *held,
			 unsigned int count)
{
	unsigned int i;

	doppel_slaac_stop(slaac);
	slaac->running = true;
	slaac->ready = true;
	doppel_mld_resume(&slaac->mld, &slaac->link_local);
	doppel_mld_source(&slaac->mld, &slaac->link_local);
	solicit_anew(slaac, doppel_random_ms(slaac->config.start_jitter_ms, slaac->env->rng));
	tell(slaac, SLAAC_EVENT_LINK_LOCAL, NULL, NULL);
	for (i = 0; i < count && i < SLAAC_ADDRESSES_MAX; i++) {
		struct slaac_address *address = append(slaac);

		if (!address)
			return;
		*address = held[i];
		address->attempt = 0;
		address->state = now(slaac) < held[i].preferred_until ? SLAAC_PREFERRED :
									SLAAC_DEPRECATED;
		doppel_dad_init(&address->dad, slaac->env, &slaac->config.mac);
		doppel_mld_resume(&slaac->mld, &address->address);
		tell(slaac, SLAAC_EVENT_ADDED, address, NULL);
	}
}

void doppel_slaac_confirm(struct slaac *slaac)
{
	if (!slaac->running) {
		doppel_slaac_start(slaac);
		return;
	}
	if (!slaac->ready)
		return;				/* duplicate address detection is still to come */
	doppel_mld_again(&slaac->mld);
	solicit_anew(slaac, doppel_random_ms(slaac->config.start_jitter_ms, slaac->env->rng));
}

void doppel_slaac_retry(struct slaac *slaac)
{
	unsigned int i;

	if (slaac->restart_at != NEVER)
		slaac->restart_at = now(slaac);
	if (slaac->solicit_at != NEVER)
		solicit_anew(slaac, 0);
	for (i = 0; i < slaac->count; i++) {
		if (slaac->addresses[i].state != SLAAC_DUPLICATE)
			continue;
		slaac->addresses[i].attempt = 0;
		try_address(slaac, &slaac->addresses[i]);
	}
}

enum verdict doppel_slaac_receive(struct slaac *slaac, const struct packet *packet)
{
	struct neighbour neighbour;
	enum dad_result result;
	enum verdict verdict;
	unsigned int i;

	if (!slaac->running)
		return VERDICT_OTHER;
	verdict = doppel_neighbour_parse(packet, &neighbour);
	if (verdict == VERDICT_OTHER)
		return doppel_mld_receive(&slaac->mld, packet);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;

	verdict = doppel_dad_receive(&slaac->dad, packet, &neighbour, &result);
	if (result == DAD_CONFLICT)
		on_link_local_conflict(slaac);
	for (i = 0; i < slaac->count && verdict == VERDICT_OTHER; i++) {
		struct slaac_address *address = &slaac->addresses[i];

		verdict = doppel_dad_receive(&address->dad, packet, &neighbour, &result);
		if (result == DAD_CONFLICT)
			on_address_conflict(slaac, address);
	}
	return verdict;
}

static void age(struct slaac *slaac)
{
	unsigned int i = 0;

	while (i < slaac->count) {
		struct slaac_address *address = &slaac->addresses[i];

		if (now(slaac) >= address->valid_until) {
			drop_address(slaac, i);
			continue;
		}
		if (address->state == SLAAC_PREFERRED && now(slaac) >= address->preferred_until) {
			address->state = SLAAC_DEPRECATED;
			tell(slaac, SLAAC_EVENT_UPDATED, address, NULL);
		}
		i++;
	}
}

void doppel_slaac_timeout(struct slaac *slaac)
{
	unsigned int i;

	if (!slaac->running)
		return;
	doppel_mld_timeout(&slaac->mld);
	if (now(slaac) >= slaac->restart_at)
		begin(slaac);
	if (doppel_dad_timeout(&slaac->dad) == DAD_CLEAR)
		on_link_local_clear(slaac);
	for (i = 0; i < slaac->count; i++)
		if (doppel_dad_timeout(&slaac->addresses[i].dad) == DAD_CLEAR)
			on_address_clear(slaac, &slaac->addresses[i]);
	age(slaac);
	if (now(slaac) >= slaac->router_until && slaac->ready)
		on_silence(slaac);
	if (now(slaac) >= slaac->solicit_at)
		solicit(slaac);
	if (now(slaac) >= slaac->wait_until) {
		slaac->wait_until = NEVER;
		tell(slaac, SLAAC_EVENT_NO_ROUTER, NULL, NULL);
	}
}

int64_t doppel_slaac_deadline(const struct slaac *slaac)
{
	int64_t deadline = doppel_earlier(slaac->restart_at, doppel_dad_deadline(&slaac->dad));
	unsigned int i;

	if (!slaac->running)
		return NEVER;
	deadline = doppel_earlier(deadline, doppel_mld_deadline(&slaac->mld));
	deadline = doppel_earlier(deadline, slaac->solicit_at);
	if (slaac->ready)
		deadline = doppel_earlier(deadline, slaac->router_until);
	deadline = doppel_earlier(deadline, slaac->wait_until);
	for (i = 0; i < slaac->count; i++) {
		const struct slaac_address *address = &slaac->addresses[i];

		deadline = doppel_earlier(deadline, doppel_dad_deadline(&address->dad));
		deadline = doppel_earlier(deadline, address->valid_until);
		if (address->state == SLAAC_PREFERRED)
			deadline = doppel_earlier(deadline, address->preferred_until);
	}
	return deadline;
}

void doppel_slaac_status(const struct slaac *slaac, struct negotiation_status *status)
{
	bool tentative = false, duplicate = false;
	unsigned int i;

	*status = (struct negotiation_status){ .next_retry_ms = NEVER };
	snprintf(status->reason, sizeof(status->reason), "%s", doppel_reason(slaac->reason));
	if (!slaac->running) {
		status->status = FAMILY_OFF;
		return;
	}
	for (i = 0; i < slaac->count; i++) {
		if (doppel_slaac_in_use(&slaac->addresses[i])) {
			status->status = FAMILY_BOUND;
			return;
		}
		tentative |= slaac->addresses[i].state == SLAAC_TENTATIVE;
		duplicate |= slaac->addresses[i].state == SLAAC_DUPLICATE;
	}
	status->next_retry_ms = doppel_earlier(slaac->restart_at, slaac->solicit_at);
	if (slaac->conflicts || (duplicate && !tentative) || slaac->solicitations > RS_FAILED) {
		status->status = FAMILY_FAILED;
	} else if (tentative || !slaac->router_heard) {
		status->status = FAMILY_SOLICITING;
	} else {
		status->status = FAMILY_OFF;
		snprintf(status->reason, sizeof(status->reason),
			 "no router offers a prefix for SLAAC");
	}
}
