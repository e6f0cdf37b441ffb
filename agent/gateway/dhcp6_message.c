// SPDX-License-Identifier: GPL-2.0-only
/* DHCPv6 messages to and from bytes. Section numbers are RFC 8415's. */
#include "gateway/dhcp6_message.h"

#include "gateway/wire.h"

#define HEAD_LEN 4
#define IA_HEAD_LEN 12
#define IAADDR_LEN 24
#define DUID_LL 3
#define HARDWARE_ETHERNET 1
#define DUID_LEN 10
#define NTP_SERVER_ADDRESS 1
#define MAX_RT_MIN_S 60			/* section 21.24 */
#define MAX_RT_MAX_S 86400

enum {
	OPTION_CLIENT_ID = 1,
	OPTION_SERVER_ID = 2,
	OPTION_IA_NA = 3,
	OPTION_IAADDR = 5,
	OPTION_ORO = 6,
	OPTION_PREFERENCE = 7,
	OPTION_ELAPSED = 8,
	OPTION_STATUS = 13,
	OPTION_RAPID_COMMIT = 14,
	OPTION_DNS = 23,
	OPTION_SEARCH = 24,
	OPTION_REFRESH = 32,
	OPTION_NTP = 56,
	OPTION_SOL_MAX_RT = 82,
	OPTION_INF_MAX_RT = 83,
};

struct option {
	uint16_t code;
	size_t len;
	const uint8_t *data;
};

/* One step through a row of options; false at its end, or with @verdict told where it lies. */
static bool next_option(const uint8_t **p, const uint8_t *end, struct option *option,
			enum verdict *verdict)
{
	*verdict = VERDICT_ACCEPTED;
	if (*p == end)
		return false;
	if (end - *p < 4 || end - *p - 4 < doppel_get16(*p + 2)) {
		*verdict = VERDICT_TRUNCATED;
		return false;
	}
	*option = (struct option){ doppel_get16(*p), doppel_get16(*p + 2), *p + 4 };
	*p += 4 + option->len;
	return true;
}

static void make_duid(uint8_t duid[DUID_LEN], const struct mac *mac)
{
	memcpy(duid, (const uint8_t[]){ 0, DUID_LL, 0, HARDWARE_ETHERNET }, 4);
	memcpy(duid + 4, mac, 6);
}

/* One IA_NA for each identity, so any number that stays the same will do. */
static uint32_t iaid(const struct mac *mac)
{
	return doppel_get32(mac->b + 2);
}

static enum verdict parse_status(const struct option *option, uint16_t *status,
				 struct dhcp6_reply *reply)
{
	size_t len = option->len - 2, i;

	if (option->len < 2)
		return VERDICT_MALFORMED;
	*status = doppel_get16(option->data);
	if (!*status || reply->message[0])
		return VERDICT_ACCEPTED;
	if (len > sizeof(reply->message) - 1)
		len = sizeof(reply->message) - 1;
	for (i = 0; i < len; i++) {
		char c = (char)option->data[2 + i];

		reply->message[i] = c < ' ' || c > '~' ? '?' : c;
	}
	return VERDICT_ACCEPTED;
}

/*
 * An address that no host may have, that is preferred for longer than valid, or valid for no longer
 * than it takes to win it, is passed over. Valid for no time at all: it is taken back.
 */
static enum verdict parse_address(const struct option *option, struct dhcp6_reply *reply)
{
	struct dhcp6_lease *lease = &reply->lease;
	const uint8_t *p = option->data + IAADDR_LEN, *end = option->data + option->len;
	struct dhcp6_address address;
	struct option inner;
	enum verdict verdict;
	uint16_t status = DHCP6_SUCCESS;

	if (option->len < IAADDR_LEN)
		return VERDICT_TRUNCATED;
	memcpy(&address.address, option->data, 16);
	address.preferred_s = doppel_get32(option->data + 16);
	address.valid_s = doppel_get32(option->data + 20);
	while (next_option(&p, end, &inner, &verdict)) {
		if (inner.code != OPTION_STATUS)
			continue;
		verdict = parse_status(&inner, &status, reply);
		if (verdict != VERDICT_ACCEPTED)
			return verdict;
	}
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (status == DHCP6_SUCCESS && address.preferred_s <= address.valid_s &&
	    (!address.valid_s || address.valid_s >= LEASE_MIN_S) &&
	    !IN6_IS_ADDR_MULTICAST(&address.address) && !IN6_IS_ADDR_LINKLOCAL(&address.address) &&
	    !IN6_IS_ADDR_UNSPECIFIED(&address.address) &&
	    !IN6_IS_ADDR_LOOPBACK(&address.address) &&
	    lease->address_count < DHCP6_ADDRESSES_MAX)
		lease->addresses[lease->address_count++] = address;
	return VERDICT_ACCEPTED;
}

static enum verdict parse_ia(const struct option *option, const struct mac *mac,
			     struct dhcp6_reply *reply)
{
	const uint8_t *p = option->data + IA_HEAD_LEN, *end = option->data + option->len;
	uint32_t t1, t2;
	struct option inner;
	enum verdict verdict;

	if (option->len < IA_HEAD_LEN)
		return VERDICT_TRUNCATED;
	t1 = doppel_get32(option->data + 4);
	t2 = doppel_get32(option->data + 8);
	/* Section 21.4: an IA whose times contradict each other is as if it were not there. */
	if (doppel_get32(option->data) != iaid(mac) || reply->has_ia || (t1 > t2 && t2))
		return VERDICT_ACCEPTED;
	reply->has_ia = true;
	reply->lease.t1_s = t1;
	reply->lease.t2_s = t2;
	while (next_option(&p, end, &inner, &verdict)) {
		if (inner.code == OPTION_IAADDR)
			verdict = parse_address(&inner, reply);
		else if (inner.code == OPTION_STATUS)
			verdict = parse_status(&inner, &reply->ia_status, reply);
		if (verdict != VERDICT_ACCEPTED)
			break;
	}
	return verdict;
}

static uint32_t parse_max_rt(const struct option *option)
{
	uint32_t value = option->len == 4 ? doppel_get32(option->data) : 0;

	return value >= MAX_RT_MIN_S && value <= MAX_RT_MAX_S ? value : 0;
}

static void add_server(const uint8_t *address, struct in6_addr list[DHCP6_SERVERS_MAX],
		       unsigned int *count)
{
	struct in6_addr server;

	memcpy(&server, address, 16);
	if (*count < DHCP6_SERVERS_MAX && doppel_ip6_is_host(&server))
		list[(*count)++] = server;
}

static void parse_dns(const struct option *option, struct dhcp6_lease *lease)
{
	size_t at;

	for (at = 0; at + 16 <= option->len; at += 16)
		add_server(option->data + at, lease->dns, &lease->dns_count);
}

/* RFC 5908 section 4: of its kinds of servers those that have an address. */
static enum verdict parse_ntp(const struct option *option, struct dhcp6_lease *lease)
{
	const uint8_t *p = option->data, *end = p + option->len;
	enum verdict verdict;
	struct option inner;

	while (next_option(&p, end, &inner, &verdict))
		if (inner.code == NTP_SERVER_ADDRESS && inner.len == 16)
			add_server(inner.data, lease->ntp, &lease->ntp_count);
	return verdict;
}

static enum verdict parse_option(const struct option *option, const struct mac *mac,
				 struct dhcp6_reply *reply, bool *ours)
{
	uint8_t duid[DUID_LEN];

	switch (option->code) {
	case OPTION_CLIENT_ID:
		make_duid(duid, mac);
		*ours = option->len == DUID_LEN && !memcmp(option->data, duid, DUID_LEN);
		return VERDICT_ACCEPTED;
	case OPTION_SERVER_ID:
		if (option->len < 3 || option->len > DHCP6_DUID_MAX)
			return VERDICT_MALFORMED;
		memcpy(reply->lease.server_duid, option->data, option->len);
		reply->lease.server_duid_len = (uint8_t)option->len;
		return VERDICT_ACCEPTED;
	case OPTION_IA_NA:
		return parse_ia(option, mac, reply);
	case OPTION_PREFERENCE:
		if (option->len != 1)
			return VERDICT_MALFORMED;
		reply->preference = option->data[0];
		return VERDICT_ACCEPTED;
	case OPTION_STATUS:
		return parse_status(option, &reply->status, reply);
	case OPTION_RAPID_COMMIT:
		reply->rapid_commit = true;
		return VERDICT_ACCEPTED;
	case OPTION_DNS:
		parse_dns(option, &reply->lease);
		return VERDICT_ACCEPTED;
	case OPTION_SEARCH:
		doppel_domain_list(option->data, option->len, false, reply->lease.search);
		return VERDICT_ACCEPTED;
	case OPTION_NTP:
		return parse_ntp(option, &reply->lease);
	case OPTION_REFRESH:
		reply->refresh_s = option->len == 4 ? doppel_get32(option->data) : 0;
		return VERDICT_ACCEPTED;
	case OPTION_SOL_MAX_RT:
		reply->sol_max_rt_s = parse_max_rt(option);
		return VERDICT_ACCEPTED;
	case OPTION_INF_MAX_RT:
		reply->inf_max_rt_s = parse_max_rt(option);
		return VERDICT_ACCEPTED;
	default:
		return VERDICT_ACCEPTED;
	}
}

enum verdict doppel_dhcp6_parse(const void *data, size_t len, const struct mac *mac,
				struct dhcp6_reply *reply)
{
	const uint8_t *p = data, *end = p + len;
	struct dhcp6_reply out = { 0 };
	struct option option;
	enum verdict verdict;
	bool ours = false;

	if (len < HEAD_LEN)
		return VERDICT_TRUNCATED;
	if (p[0] != DHCP6_ADVERTISE && p[0] != DHCP6_REPLY)
		return VERDICT_OTHER;
	out.type = p[0];
	out.xid = doppel_get32(p) & 0xffffff;
	p += HEAD_LEN;
	while (next_option(&p, end, &option, &verdict)) {
		verdict = parse_option(&option, mac, &out, &ours);
		if (verdict != VERDICT_ACCEPTED)
			return verdict;
	}
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (!ours)
		return VERDICT_OTHER;
	if (!out.lease.server_duid_len)
		return VERDICT_MALFORMED;
	*reply = out;
	return VERDICT_ACCEPTED;
}

static void put_head(struct writer *w, uint16_t code, size_t len)
{
	doppel_put16(w, code);
	doppel_put16(w, (uint16_t)len);
}

static bool wanted(const struct dhcp6_request *request, unsigned int i)
{
	return !request->only || doppel_ip6_eq(request->only, &request->lease->addresses[i].address);
}

/* Times and lifetimes are the server's to choose: zero (sections 21.4, 21.6). */
static void put_ia(struct writer *w, const struct mac *mac, const struct dhcp6_request *request)
{
	unsigned int count = request->with_addresses ? request->lease->address_count : 0;
	unsigned int named = 0, i;

	for (i = 0; i < count; i++)
		named += wanted(request, i);
	put_head(w, OPTION_IA_NA, IA_HEAD_LEN + named * (4 + IAADDR_LEN));
	doppel_put32(w, iaid(mac));
	doppel_put_zeros(w, 8);
	for (i = 0; i < count; i++) {
		if (!wanted(request, i))
			continue;
		put_head(w, OPTION_IAADDR, IAADDR_LEN);
		doppel_put(w, &request->lease->addresses[i].address, 16);
		doppel_put_zeros(w, 8);
	}
}

/* Section 18.2: not in Release and Decline. SOL_MAX_RT and INF_MAX_RT as section 21.7 asks. */
static void put_oro(struct writer *w, enum dhcp6_type type)
{
	bool inform = type == DHCP6_INFORMATION_REQUEST;

	if (type == DHCP6_RELEASE || type == DHCP6_DECLINE || type == DHCP6_CONFIRM)
		return;
	put_head(w, OPTION_ORO, inform ? 10 : 8);
	doppel_put16(w, OPTION_DNS);
	doppel_put16(w, OPTION_SEARCH);
	doppel_put16(w, OPTION_NTP);
	if (inform)
		doppel_put16(w, OPTION_REFRESH);
	doppel_put16(w, inform ? OPTION_INF_MAX_RT : OPTION_SOL_MAX_RT);
}

size_t doppel_dhcp6_build(uint8_t *data, const struct mac *mac,
			  const struct dhcp6_request *request)
{
	struct writer w = { data, DHCP6_MESSAGE_MAX, 0, false };
	uint8_t duid[DUID_LEN];

	make_duid(duid, mac);
	doppel_put32(&w, (uint32_t)request->type << 24 | (request->xid & 0xffffff));
	put_head(&w, OPTION_CLIENT_ID, DUID_LEN);
	doppel_put(&w, duid, DUID_LEN);
	if (request->with_server) {
		put_head(&w, OPTION_SERVER_ID, request->lease->server_duid_len);
		doppel_put(&w, request->lease->server_duid, request->lease->server_duid_len);
	}
	if (request->with_ia)
		put_ia(&w, mac, request);
	put_head(&w, OPTION_ELAPSED, 2);
	doppel_put16(&w, request->elapsed_cs);
	if (request->type == DHCP6_SOLICIT)
		put_head(&w, OPTION_RAPID_COMMIT, 0);
	put_oro(&w, request->type);
	return w.len;
}
