// SPDX-License-Identifier: GPL-2.0-only
/* DHCPv4 messages to and from bytes. */
#include "gateway/dhcp4_message.h"

#include "gateway/domain_list.h"
#include "gateway/wire.h"

#define BOOTREQUEST 1
#define BOOTREPLY 2
#define HTYPE_ETHERNET 1
#define FLAG_BROADCAST 0x8000
#define OFFSET_CHADDR 28
#define OFFSET_SNAME 44
#define OFFSET_FILE 108
#define OFFSET_COOKIE 236
#define OFFSET_OPTIONS 240
#define COOKIE 0x63825363
#define MESSAGE_MIN 300			/* BOOTP relays drop what is shorter (RFC 1542 section 2.1) */
#define OPTION_VALUE_MAX 1024		/* of one option put together (RFC 3396) */

enum {
	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_ROUTER = 3,
	OPTION_DNS = 6,
	OPTION_HOSTNAME = 12,
	OPTION_DOMAIN = 15,
	OPTION_MTU = 26,
	OPTION_NTP = 42,
	OPTION_REQUESTED = 50,
	OPTION_LEASE = 51,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_PARAMETERS = 55,
	OPTION_MESSAGE = 56,
	OPTION_MAX_SIZE = 57,
	OPTION_T1 = 58,
	OPTION_T2 = 59,
	OPTION_VENDOR_CLASS = 60,
	OPTION_CLIENT_ID = 61,
	OPTION_RAPID_COMMIT = 80,	/* RFC 4039 */
	OPTION_IPV6_ONLY = 108,		/* RFC 8925 */
	OPTION_SEARCH = 119,		/* RFC 3397 */
	OPTION_ROUTES = 121,
	OPTION_END = 255,
};

/* 121 is asked for ahead of 3, as RFC 3442 wants it. */
static const uint8_t parameters[] = {
	OPTION_MASK, OPTION_ROUTES, OPTION_ROUTER, OPTION_DNS, OPTION_DOMAIN, OPTION_MTU,
	OPTION_NTP, OPTION_T1, OPTION_T2, OPTION_SEARCH,
};

enum { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };

struct area {
	const uint8_t *data;
	size_t len;
};

/* The options, then file, then sname if they hold options too (RFC 3396 section 5). */
static unsigned int areas(const uint8_t *data, size_t len, uint8_t overload, struct area out[3])
{
	unsigned int count = 0;

	out[count++] = (struct area){ data + OFFSET_OPTIONS, len - OFFSET_OPTIONS };
	if (overload & OVERLOAD_FILE)
		out[count++] = (struct area){ data + OFFSET_FILE, OFFSET_COOKIE - OFFSET_FILE };
	if (overload & OVERLOAD_SNAME)
		out[count++] = (struct area){ data + OFFSET_SNAME, OFFSET_FILE - OFFSET_SNAME };
	return count;
}

/*
 * Copy all pieces of option @code in one area behind @value's first *@got bytes; what does not
 * fit is left out. @code OPTION_PAD only checks the lengths.
 */
static enum verdict walk(struct area area, uint8_t code, uint8_t *value, size_t cap, size_t *got,
			 bool *found)
{
	const uint8_t *p = area.data, *end = p + area.len;

	while (p < end && *p != OPTION_END) {
		size_t len;

		if (*p == OPTION_PAD) {
			p++;
			continue;
		}
		if (end - p < 2 || end - p - 2 < p[1])
			return VERDICT_TRUNCATED;
		len = p[1];
		if (code != OPTION_PAD && *p == code) {
			*found = true;
			if (len > cap - *got)
				len = cap - *got;
			memcpy(value + *got, p + 2, len);
			*got += len;
		}
		p += 2 + p[1];
	}
	return VERDICT_ACCEPTED;
}

/* The length of an option's value put together, or -1 if it is absent. */
static int option(const struct dhcp4_reply *reply, uint8_t code, void *value, size_t cap)
{
	struct area out[3];
	unsigned int count = areas(reply->data, reply->len, reply->overload, out), i;
	size_t got = 0;
	bool found = false;

	for (i = 0; i < count; i++)
		walk(out[i], code, value, cap, &got, &found);
	return found ? (int)got : -1;
}

/* An option of exactly four bytes. */
static bool option32(const struct dhcp4_reply *reply, uint8_t code, uint8_t value[4])
{
	uint8_t all[5];

	if (option(reply, code, all, sizeof(all)) != 4)
		return false;
	memcpy(value, all, 4);
	return true;
}

static uint32_t seconds(const struct dhcp4_reply *reply, uint8_t code)
{
	uint8_t value[4];

	return option32(reply, code, value) ? doppel_get32(value) : 0;
}

/* Text for people and logs: anything but printable ASCII becomes '?'. */
static void text(const struct dhcp4_reply *reply, uint8_t code, char *out, size_t size)
{
	int len = option(reply, code, out, size - 1), i;

	out[len < 0 ? 0 : len] = '\0';
	for (i = 0; i < len && out[i]; i++)
		if (out[i] < ' ' || out[i] > '~')
			out[i] = '?';
}

/* Of a server or, with @op BOOTREQUEST, of a client. */
static enum verdict parse(const void *data, size_t len, uint8_t op, struct dhcp4_reply *reply)
{
	const uint8_t *p = data;
	struct dhcp4_reply out = { .data = data, .len = len };
	struct area all[3];
	unsigned int count, i;
	uint8_t value[4];
	size_t got = 0;
	bool found = false;
	int type_len;

	if (len < OFFSET_OPTIONS)
		return VERDICT_TRUNCATED;
	if (p[0] != op || p[1] != HTYPE_ETHERNET || p[2] != 6 ||
	    doppel_get32(p + OFFSET_COOKIE) != COOKIE)
		return VERDICT_OTHER;

	areas(data, len, 0, all);
	if (walk(all[0], OPTION_OVERLOAD, value, sizeof(value), &got, &found) != VERDICT_ACCEPTED)
		return VERDICT_TRUNCATED;
	if (found && (got != 1 || !value[0] || value[0] > (OVERLOAD_FILE | OVERLOAD_SNAME)))
		return VERDICT_MALFORMED;
	out.overload = found ? value[0] : 0;
	count = areas(data, len, out.overload, all);
	for (i = 1; i < count; i++)
		if (walk(all[i], OPTION_PAD, NULL, 0, NULL, NULL) != VERDICT_ACCEPTED)
			return VERDICT_TRUNCATED;

	type_len = option(&out, OPTION_TYPE, value, sizeof(value));
	if (type_len < 0)
		return VERDICT_OTHER;		/* plain BOOTP */
	if (type_len != 1)
		return VERDICT_MALFORMED;
	out.type = value[0];
	out.xid = doppel_get32(p + 4);
	memcpy(&out.yiaddr, p + 16, 4);
	memcpy(&out.chaddr, p + OFFSET_CHADDR, 6);
	option32(&out, OPTION_SERVER, (uint8_t *)&out.server);
	text(&out, OPTION_MESSAGE, out.message, sizeof(out.message));
	out.rapid_commit = option(&out, OPTION_RAPID_COMMIT, value, sizeof(value)) >= 0;
	out.ipv6_only = option32(&out, OPTION_IPV6_ONLY, value);
	if (out.ipv6_only)
		out.ipv6_only_s = doppel_get32(value);
	*reply = out;
	return VERDICT_ACCEPTED;
}

enum verdict doppel_dhcp4_parse(const void *data, size_t len, struct dhcp4_reply *reply)
{
	return parse(data, len, BOOTREPLY, reply);
}

/* All of it or nothing: half a name or class is another one. */
static void whole_text(const struct dhcp4_reply *request, uint8_t code, char *out, size_t size)
{
	int len = option(request, code, out, size), i;

	if (len < 0 || (size_t)len == size)
		len = 0;
	for (i = 0; i < len; i++)
		if (out[i] < ' ' || out[i] > '~')
			len = 0;
	out[len] = '\0';
}

enum verdict doppel_dhcp4_parse_looks(const void *data, size_t len, struct mac *chaddr,
				      struct dhcp4_looks *looks)
{
	uint8_t list[UINT8_MAX];
	struct dhcp4_looks out = { .parameter_count = 0 };
	struct dhcp4_reply request;
	enum verdict verdict = parse(data, len, BOOTREQUEST, &request);
	int count, i;

	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (request.type != DHCP4_DISCOVER && request.type != DHCP4_REQUEST)
		return VERDICT_OTHER;
	whole_text(&request, OPTION_HOSTNAME, out.hostname, sizeof(out.hostname));
	whole_text(&request, OPTION_VENDOR_CLASS, out.vendor_class, sizeof(out.vendor_class));
	count = option(&request, OPTION_PARAMETERS, list, sizeof(list));
	for (i = 0; i < count && out.parameter_count < DHCP4_PARAMETERS_MAX; i++)
		if (list[i] != OPTION_PAD && list[i] != OPTION_END &&
		    !memchr(out.parameters, list[i], out.parameter_count))
			out.parameters[out.parameter_count++] = list[i];
	*chaddr = request.chaddr;
	*looks = out;
	return VERDICT_ACCEPTED;
}

/* RFC 3442. One lie in it makes all of it worthless. */
static void parse_routes(const struct dhcp4_reply *reply, struct dhcp4_lease *lease)
{
	uint8_t value[OPTION_VALUE_MAX];
	int len = option(reply, OPTION_ROUTES, value, sizeof(value)), at = 0;
	struct in_addr router = { 0 };
	unsigned int count = 0;

	while (at < len) {
		struct dhcp4_route route = { .prefix_len = value[at] };
		int octets = (route.prefix_len + 7) / 8;

		if (route.prefix_len > 32 || at + 1 + octets + 4 > len)
			return;
		memcpy(&route.destination, value + at + 1, (size_t)octets);
		route.destination.s_addr &= doppel_ip4_mask(route.prefix_len).s_addr;
		memcpy(&route.router, value + at + 1 + octets, 4);
		at += 1 + octets + 4;
		if (!route.prefix_len)
			router = route.router;
		if (count < DHCP4_ROUTES_MAX)
			lease->routes[count++] = route;
	}
	if (len <= 0)
		return;
	lease->route_count = count;
	lease->router = router;			/* in place of option 3 */
}

/* Without a mask: by class, as before there were any. */
static uint8_t class_prefix_len(struct in_addr address)
{
	uint8_t first = ntohl(address.s_addr) >> 24;

	return first < 128 ? 8 : first < 192 ? 16 : 24;
}

/* As many addresses of an option as there is room for. */
static unsigned int addresses(const struct dhcp4_reply *reply, uint8_t code,
			      struct in_addr list[DHCP4_SERVERS_MAX])
{
	uint8_t value[4 * DHCP4_SERVERS_MAX];
	const int len = option(reply, code, value, sizeof(value));
	unsigned int count = len < 4 ? 0 : (unsigned int)len / 4;

	memcpy(list, value, count * sizeof(*list));
	return count;
}

/* RFC 3397 section 2: pieces in several options are one list, and pointers lead through all of it. */
static void parse_search(const struct dhcp4_reply *reply, struct dhcp4_lease *lease)
{
	uint8_t value[OPTION_VALUE_MAX];
	const int len = option(reply, OPTION_SEARCH, value, sizeof(value));

	doppel_domain_list(value, len < 0 ? 0 : (size_t)len, true, lease->search);
}

enum verdict doppel_dhcp4_parse_lease(const struct dhcp4_reply *reply, struct dhcp4_lease *lease)
{
	struct dhcp4_lease out = {
		.address = reply->yiaddr,
		.server = reply->server,
		.lease_s = seconds(reply, OPTION_LEASE),
		.t1_s = seconds(reply, OPTION_T1),
		.t2_s = seconds(reply, OPTION_T2),
	};
	uint8_t value[4];
	int len;

	if (!doppel_ip4_is_host(out.address) || !doppel_ip4_is_host(out.server))
		return VERDICT_MALFORMED;
	if (out.lease_s < LEASE_MIN_S)
		return VERDICT_MALFORMED;

	out.prefix_len = class_prefix_len(out.address);
	if (option32(reply, OPTION_MASK, value)) {
		struct in_addr mask;

		memcpy(&mask, value, 4);
		len = doppel_ip4_mask_len(mask);
		if (len <= 0)
			return VERDICT_MALFORMED;
		out.prefix_len = (uint8_t)len;
	}
	if (!doppel_ip4_is_host_in(out.address, out.prefix_len))
		return VERDICT_MALFORMED;

	len = option(reply, OPTION_ROUTER, value, sizeof(value));
	if (len >= 4)
		memcpy(&out.router, value, 4);
	parse_routes(reply, &out);
	if (!doppel_ip4_is_host(out.router) || doppel_ip4_eq(out.router, out.address))
		out.router.s_addr = 0;

	out.dns_count = addresses(reply, OPTION_DNS, out.dns);
	out.ntp_count = addresses(reply, OPTION_NTP, out.ntp);
	len = option(reply, OPTION_MTU, value, sizeof(value));
	if (len == 2 && doppel_get16(value) >= 576)
		out.mtu = doppel_get16(value);
	text(reply, OPTION_DOMAIN, out.domain, sizeof(out.domain));
	parse_search(reply, &out);

	/* RFC 2131 section 4.4.5: defaults, also in place of times that make no sense */
	if (out.lease_s == DHCP4_INFINITE) {
		out.t1_s = DHCP4_INFINITE;
		out.t2_s = DHCP4_INFINITE;
	} else if (!out.t1_s || !out.t2_s || out.t1_s >= out.t2_s || out.t2_s >= out.lease_s) {
		out.t1_s = out.lease_s / 2;
		out.t2_s = (uint32_t)((uint64_t)out.lease_s * 7 / 8);
	}
	*lease = out;
	return VERDICT_ACCEPTED;
}

static void put_option(struct writer *w, uint8_t code, const void *value, size_t len)
{
	doppel_put8(w, code);
	doppel_put8(w, (uint8_t)len);
	doppel_put(w, value, len);
}

static void put_address(struct writer *w, uint8_t code, struct in_addr address)
{
	if (address.s_addr)
		put_option(w, code, &address, 4);
}

static void put_text(struct writer *w, uint8_t code, const char *value)
{
	if (value && *value)
		put_option(w, code, value, strlen(value));
}

/*
 * What to ask for: what the device itself asks for on the LAN, in its order, as servers tell kinds
 * of devices by it; then what we need. Option 108 is ours alone to ask for.
 */
static size_t list_parameters(const struct dhcp4_looks *looks, bool ipv6_only,
			      uint8_t list[DHCP4_PARAMETERS_MAX + sizeof(parameters) + 1])
{
	size_t count = 0, i;

	for (i = 0; i < looks->parameter_count; i++)
		if (looks->parameters[i] != OPTION_IPV6_ONLY)
			list[count++] = looks->parameters[i];
	for (i = 0; i < sizeof(parameters); i++)
		if (!memchr(list, parameters[i], count))
			list[count++] = parameters[i];
	if (ipv6_only)
		list[count++] = OPTION_IPV6_ONLY;
	return count;
}

/* What only those messages carry that ask for something (RFC 2131 table 5). */
static void put_wishes(struct writer *w, const struct dhcp4_looks *looks,
		       const struct dhcp4_request *request)
{
	uint8_t list[DHCP4_PARAMETERS_MAX + sizeof(parameters) + 1];

	put_option(w, OPTION_MAX_SIZE, (const uint8_t[]){ 1500 >> 8, 1500 & 0xff }, 2);
	put_text(w, OPTION_HOSTNAME, looks->hostname);
	put_text(w, OPTION_VENDOR_CLASS, looks->vendor_class);
	if (request->type == DHCP4_DISCOVER)
		put_option(w, OPTION_RAPID_COMMIT, NULL, 0);
	put_option(w, OPTION_PARAMETERS, list,
		   list_parameters(looks, request->ipv6_only, list));
}

/* RFC 4361 section 6.1, with the IAID and DUID of the same device's DHCPv6. */
static void put_duid(struct writer *w, const struct mac *mac)
{
	doppel_put(w, (const uint8_t[]){ OPTION_CLIENT_ID, 15, 255 }, 3);
	doppel_put(w, mac->b + 2, 4);
	doppel_put(w, (const uint8_t[]){ 0, 3, 0, HTYPE_ETHERNET }, 4);
	doppel_put(w, mac, 6);
}

static void put_client_id(struct writer *w, const struct dhcp4_config *config)
{
	if (config->client_id_duid) {
		put_duid(w, &config->mac);
		return;
	}
	doppel_put(w, (const uint8_t[]){ OPTION_CLIENT_ID, 7, HTYPE_ETHERNET }, 3);
	doppel_put(w, &config->mac, 6);
}

size_t doppel_dhcp4_build(uint8_t *data, const struct dhcp4_config *config,
			  const struct dhcp4_request *request)
{
	struct writer w = { data, DHCP4_MESSAGE_MAX, 0, false };

	doppel_put(&w, (const uint8_t[]){ BOOTREQUEST, HTYPE_ETHERNET, 6, 0 }, 4);
	doppel_put32(&w, request->xid);
	doppel_put16(&w, request->secs);
	doppel_put16(&w, request->broadcast ? FLAG_BROADCAST : 0);
	doppel_put(&w, &request->ciaddr, 4);
	doppel_put_zeros(&w, OFFSET_CHADDR - w.len);
	doppel_put(&w, &config->mac, 6);
	doppel_put_zeros(&w, OFFSET_COOKIE - w.len);
	doppel_put32(&w, COOKIE);

	doppel_put(&w, (const uint8_t[]){ OPTION_TYPE, 1, (uint8_t)request->type }, 3);
	put_client_id(&w, config);
	put_address(&w, OPTION_REQUESTED, request->requested);
	put_address(&w, OPTION_SERVER, request->server);
	put_text(&w, OPTION_MESSAGE, request->message);
	if (request->type == DHCP4_DISCOVER || request->type == DHCP4_REQUEST)
		put_wishes(&w, &config->looks, request);
	doppel_put8(&w, OPTION_END);
	if (w.len < MESSAGE_MIN)
		doppel_put_zeros(&w, MESSAGE_MIN - w.len);
	return w.len;
}
