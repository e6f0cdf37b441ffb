// SPDX-License-Identifier: GPL-2.0-only
/* The multicast groups of one identity. Section numbers are RFC 3810's. */
#include "gateway/mld.h"

#include <netinet/icmp6.h>

#include "base/clock.h"
#include "gateway/wire.h"

#define MLD1_LEN 24
#define MLD2_QUERY_LEN 28
#define MLD2_REPORT 143
#define RECORD_LEN 20
#define REPEATS 1			/* Robustness Variable 2: said twice (section 9.1) */
#define REPEAT_MS 1000			/* Unsolicited Report Interval (section 9.11) */
#define QUIET_MS 1000			/* between two answers: anybody can ask */

enum { IS_EXCLUDE = 2, TO_INCLUDE = 3, TO_EXCLUDE = 4 };

static const struct in6_addr all_reporters = { { { 0xff, 2, [15] = 0x16 } } };

static int64_t now(const struct mld *mld)
{
	return doppel_clock_mono_ms(mld->env->clock);
}

static struct in6_addr group_of(const struct mld_group *entry)
{
	struct in6_addr address = in6addr_any;

	memcpy(&address.s6_addr[13], entry->suffix, sizeof(entry->suffix));
	return doppel_ip6_solicited_node(&address);
}

static void send_message(const struct mld *mld, const struct in6_addr *dst,
			 const struct writer *message)
{
	struct packet head = {
		.dst = doppel_mac_multicast6(dst),
		.src = mld->mac,
		.ip6 = { .src = mld->source, .dst = *dst },
		.hop_limit = 1,
		.router_alert = true,
	};
	uint8_t frame[FRAME_MAX];
	size_t len = doppel_frame_icmp6(frame, &head, message->data, message->len);

	mld->env->send(mld->env->ctx, frame, len);
}

static struct writer begin_report(uint8_t *data, size_t size, uint16_t records)
{
	struct writer w = { data, size, 0, false };

	doppel_put32(&w, (uint32_t)MLD2_REPORT << 24);
	doppel_put16(&w, 0);
	doppel_put16(&w, records);
	return w;
}

/* "All sources of this group", or none of them: an empty list, excluded or included. */
static void put_record(struct writer *w, uint8_t type, const struct mld_group *entry)
{
	const struct in6_addr group = group_of(entry);

	doppel_put8(w, type);
	doppel_put8(w, 0);
	doppel_put16(w, 0);
	doppel_put(w, &group, 16);
}

static void report_change(const struct mld *mld, uint8_t type, const struct mld_group *entry)
{
	uint8_t data[8 + RECORD_LEN];
	struct writer w = begin_report(data, sizeof(data), 1);

	put_record(&w, type, entry);
	send_message(mld, &all_reporters, &w);
}

static void report_all(const struct mld *mld)
{
	uint8_t data[8 + MLD_GROUPS_MAX * RECORD_LEN];
	struct writer w = begin_report(data, sizeof(data), (uint16_t)mld->count);
	unsigned int i;

	for (i = 0; i < mld->count; i++)
		put_record(&w, IS_EXCLUDE, &mld->groups[i]);
	send_message(mld, &all_reporters, &w);
}

/* RFC 2710: a report each, to the group itself. */
static void report_version1(const struct mld *mld)
{
	unsigned int i;

	for (i = 0; i < mld->count; i++) {
		const struct in6_addr group = group_of(&mld->groups[i]);
		uint8_t data[MLD1_LEN];
		struct writer w = { data, sizeof(data), 0, false };

		doppel_put32(&w, (uint32_t)MLD_LISTENER_REPORT << 24);
		doppel_put32(&w, 0);
		doppel_put(&w, &group, 16);
		send_message(mld, &group, &w);
	}
}

/* The group of an address. */
static struct mld_group *lookup(struct mld *mld, const struct in6_addr *address)
{
	unsigned int i;

	for (i = 0; i < mld->count; i++)
		if (!memcmp(mld->groups[i].suffix, &address->s6_addr[13], 3))
			return &mld->groups[i];
	return NULL;
}

static bool is_member(struct mld *mld, const struct in6_addr *group)
{
	const struct mld_group *entry = lookup(mld, group);
	const struct in6_addr own = entry ? group_of(entry) : in6addr_any;

	return entry && doppel_ip6_eq(&own, group);
}

void doppel_mld_init(struct mld *mld, const struct negotiation_env *env, const struct mac *mac)
{
	*mld = (struct mld){
		.env = env,
		.mac = *mac,
		.answer_at = NEVER,
		.repeat_at = NEVER,
	};
}

static struct mld_group *add(struct mld *mld, const struct in6_addr *address)
{
	struct mld_group *entry = lookup(mld, address);

	if (!entry && mld->count < MLD_GROUPS_MAX) {
		entry = &mld->groups[mld->count++];
		*entry = (struct mld_group){ .users = 0 };
		memcpy(entry->suffix, &address->s6_addr[13], sizeof(entry->suffix));
	}
	if (entry)
		entry->users++;
	return entry;
}

void doppel_mld_join(struct mld *mld, const struct in6_addr *address)
{
	struct mld_group *entry = add(mld, address);

	if (!entry || entry->users > 1)
		return;
	report_change(mld, TO_EXCLUDE, entry);
	entry->unsolicited = REPEATS;
	mld->repeat_at = doppel_earlier(mld->repeat_at, now(mld) +
					doppel_random_ms(REPEAT_MS, mld->env->rng));
}

void doppel_mld_resume(struct mld *mld, const struct in6_addr *address)
{
	add(mld, address);
}

void doppel_mld_leave(struct mld *mld, const struct in6_addr *address)
{
	struct mld_group *entry = lookup(mld, address), left;

	if (!entry || --entry->users)
		return;
	left = *entry;
	*entry = mld->groups[--mld->count];
	report_change(mld, TO_INCLUDE, &left);
}

void doppel_mld_again(struct mld *mld)
{
	unsigned int i;

	for (i = 0; i < mld->count; i++)
		mld->groups[i].unsolicited = REPEATS + 1;
	if (mld->count)
		mld->repeat_at = now(mld);
}

void doppel_mld_source(struct mld *mld, const struct in6_addr *link_local)
{
	mld->source = *link_local;
}

void doppel_mld_stop(struct mld *mld)
{
	mld->count = 0;
	mld->source = in6addr_any;
	mld->answer_at = NEVER;
	mld->repeat_at = NEVER;
}

/* Section 5.1.3: from 32768 on a float of 12 bits mantissa and 3 bits exponent. */
static int64_t response_ms(uint16_t code)
{
	return code < 32768 ? code : (int64_t)((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
}

enum verdict doppel_mld_receive(struct mld *mld, const struct packet *packet)
{
	const uint8_t *p = packet->payload;
	struct in6_addr group;
	int64_t at;

	if (packet->kind != PACKET_ICMP6 || p[0] != MLD_LISTENER_QUERY)
		return VERDICT_OTHER;
	if (packet->len < MLD1_LEN)
		return VERDICT_TRUNCATED;
	if (packet->len != MLD1_LEN && packet->len < MLD2_QUERY_LEN)
		return VERDICT_MALFORMED;		/* section 8.1 */
	if (!IN6_IS_ADDR_LINKLOCAL(&packet->ip6.src) || packet->hop_limit != 1 ||
	    !packet->router_alert)
		return VERDICT_REFUSED;			/* section 6.2 */
	memcpy(&group, p + 8, 16);
	if (!mld->count || (!IN6_IS_ADDR_UNSPECIFIED(&group) && !is_member(mld, &group)))
		return VERDICT_OTHER;
	mld->version1 = packet->len == MLD1_LEN;
	at = now(mld) + doppel_random_ms(mld->version1 ? doppel_get16(p + 4) :
					 response_ms(doppel_get16(p + 4)), mld->env->rng);
	if (at < mld->quiet_until)
		at = mld->quiet_until;
	mld->answer_at = doppel_earlier(mld->answer_at, at);
	return VERDICT_ACCEPTED;
}

static void repeat(struct mld *mld)
{
	bool more = false;
	unsigned int i;

	for (i = 0; i < mld->count; i++) {
		struct mld_group *entry = &mld->groups[i];

		if (!entry->unsolicited)
			continue;
		report_change(mld, TO_EXCLUDE, entry);
		more |= --entry->unsolicited;
	}
	mld->repeat_at = more ? now(mld) + doppel_random_ms(REPEAT_MS, mld->env->rng) : NEVER;
}

void doppel_mld_timeout(struct mld *mld)
{
	if (now(mld) >= mld->answer_at) {
		mld->answer_at = NEVER;
		mld->quiet_until = now(mld) + QUIET_MS;
		if (mld->version1)
			report_version1(mld);
		else if (mld->count)
			report_all(mld);
	}
	if (now(mld) >= mld->repeat_at)
		repeat(mld);
}

int64_t doppel_mld_deadline(const struct mld *mld)
{
	return doppel_earlier(mld->answer_at, mld->repeat_at);
}
