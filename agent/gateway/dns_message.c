// SPDX-License-Identifier: GPL-2.0-only
/* DNS messages. Section numbers are RFC 1035's. */
#include "gateway/dns_message.h"

#include <strings.h>

#include "gateway/wire.h"

#define HEADER_LEN 12
#define RECORD_LEN 10			/* behind the name, before the data */
#define TYPE_AAAA 28			/* RFC 3596 */
#define CLASS_IN 1

enum {
	FLAG_RESPONSE = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_RECURSION = 0x0100,
	FLAG_RCODE = 0x000f,
};

static const uint8_t name[] = "\10ipv4only\4arpa";	/* its NUL is the root */

size_t doppel_dns_build(uint8_t data[DNS_QUERY_MAX], uint16_t id)
{
	struct writer w = { data, DNS_QUERY_MAX, 0, false };

	doppel_put16(&w, id);
	doppel_put16(&w, FLAG_RECURSION);
	doppel_put16(&w, 1);
	doppel_put_zeros(&w, 6);
	doppel_put(&w, name, sizeof(name));
	doppel_put16(&w, TYPE_AAAA);
	doppel_put16(&w, CLASS_IN);
	return w.len;
}

/* Whether our question stands at @p. Names know no case (section 2.3.3). */
static bool is_question(const uint8_t *p)
{
	return !strncasecmp((const char *)p, (const char *)name, sizeof(name)) &&
	       doppel_get16(p + sizeof(name)) == TYPE_AAAA &&
	       doppel_get16(p + sizeof(name) + 2) == CLASS_IN;
}

/* What follows the name at @p: labels up to the root or to a pointer (section 4.1.4); NULL: cut. */
static const uint8_t *skip_name(const uint8_t *p, const uint8_t *end, enum verdict *verdict)
{
	while (p < end && *p && *p < 64) {
		if (end - p <= *p)
			break;
		p += 1 + *p;
	}
	if (p < end && !*p)
		return p + 1;
	if (end - p >= 2 && *p >= 0xc0)
		return p + 2;
	*verdict = p < end && *p >= 64 && *p < 0xc0 ? VERDICT_MALFORMED : VERDICT_TRUNCATED;
	return NULL;
}

/* One record at @p, its name passed; returns what follows, NULL: cut. */
static const uint8_t *take_record(const uint8_t *p, const uint8_t *end, struct dns_answer *answer)
{
	size_t len;
	uint32_t ttl_s;

	if (end - p < RECORD_LEN)
		return NULL;
	len = doppel_get16(p + 8);
	if ((size_t)(end - p) - RECORD_LEN < len)
		return NULL;
	/* RFC 2181 section 8: a set high bit is zero. */
	ttl_s = doppel_get32(p + 4) > INT32_MAX ? 0 : doppel_get32(p + 4);
	if (doppel_get16(p) == TYPE_AAAA && doppel_get16(p + 2) == CLASS_IN && len == 16 &&
	    answer->count < DNS_ADDRESSES_MAX) {
		memcpy(&answer->addresses[answer->count], p + RECORD_LEN, 16);
		if (!answer->count++ || ttl_s < answer->ttl_s)
			answer->ttl_s = ttl_s;
	}
	return p + RECORD_LEN + len;
}

enum verdict doppel_dns_parse(const uint8_t *data, size_t len, uint16_t id,
			      struct dns_answer *answer)
{
	const size_t question = HEADER_LEN + sizeof(name) + 4;
	const uint8_t *p = data, *end = data + len;
	enum verdict verdict = VERDICT_TRUNCATED;
	struct dns_answer out = { 0 };
	unsigned int left;
	uint16_t flags;

	if (len < HEADER_LEN)
		return VERDICT_TRUNCATED;
	flags = doppel_get16(data + 2);
	if (doppel_get16(data) != id || !(flags & FLAG_RESPONSE) || (flags & FLAG_OPCODE))
		return VERDICT_OTHER;
	if (doppel_get16(data + 4) != 1)
		return VERDICT_MALFORMED;
	if (len < question)
		return VERDICT_TRUNCATED;
	if (!is_question(data + HEADER_LEN))
		return VERDICT_OTHER;

	out.rcode = flags & FLAG_RCODE;
	p += question;
	for (left = doppel_get16(data + 6); left; left--) {
		p = skip_name(p, end, &verdict);
		if (p)
			p = take_record(p, end, &out);
		if (!p)
			return verdict;
	}
	*answer = out;
	return VERDICT_ACCEPTED;
}
