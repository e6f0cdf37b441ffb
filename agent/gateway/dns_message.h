/* SPDX-License-Identifier: GPL-2.0-only */
/* The one DNS question that the agent asks (RFC 1035 section 4), and its answer. No state. */
#ifndef DOPPEL_GATEWAY_DNS_MESSAGE_H
#define DOPPEL_GATEWAY_DNS_MESSAGE_H

#include <netinet/in.h>

#include "gateway/negotiation.h"

#define DNS_PORT 53
#define DNS_QUERY_MAX 64
#define DNS_REPLY_MAX 1232		/* longer ones are cut, and so refused by the parser */
#define DNS_ADDRESSES_MAX 16

enum dns_rcode {
	DNS_NO_ERROR,
	DNS_NAME_ERROR = 3,		/* NXDOMAIN */
};

struct dns_answer {
	uint8_t rcode;
	struct in6_addr addresses[DNS_ADDRESSES_MAX];	/* none with DNS_NO_ERROR: NODATA */
	unsigned int count;
	uint32_t ttl_s;			/* the least of theirs */
};

/* AAAA of ipv4only.arpa (RFC 7050 section 3). Returns the length. */
size_t doppel_dns_build(uint8_t data[DNS_QUERY_MAX], uint16_t id);

/*
 * Accept what answers that question with that @id. Records beyond DNS_ADDRESSES_MAX and of other
 * types are passed over; @answer is untouched unless accepted.
 */
enum verdict doppel_dns_parse(const uint8_t *data, size_t len, uint16_t id,
			      struct dns_answer *answer);

#endif
