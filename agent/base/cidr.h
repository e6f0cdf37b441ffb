/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses and prefixes of either family in one type: an IPv4 address is ::ffff:a.b.c.d (RFC 4291
 * section 2.5.5.2), which is no IPv6 host's.
 */
#ifndef DOPPEL_BASE_CIDR_H
#define DOPPEL_BASE_CIDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* Room for the text of a prefix, with its NUL. */
#define DOPPEL_CIDR_TEXT (DOPPEL_IP6_TEXT + 4)

struct cidr {
	struct in6_addr net;	/* the bits behind `len` are zero */
	uint8_t len;		/* from 0 to 128; an IPv4 prefix's is 96 more than its text says */
};

/* AF_INET or AF_INET6. */
static inline int doppel_ip_family(const struct in6_addr *addr)
{
	return IN6_IS_ADDR_V4MAPPED(addr) ? AF_INET : AF_INET6;
}

static inline int doppel_cidr_family(const struct cidr *cidr)
{
	return doppel_ip_family(&cidr->net);
}

/* As its text says: at most 32 or 128. */
static inline uint8_t doppel_cidr_len(const struct cidr *cidr)
{
	return doppel_cidr_family(cidr) == AF_INET ? cidr->len - 96 : cidr->len;
}

/* The last four bytes of an IPv4 address. */
static inline struct in_addr doppel_ip_ipv4(const struct in6_addr *addr)
{
	struct in_addr ipv4;

	memcpy(&ipv4, &addr->s6_addr[12], sizeof(ipv4));
	return ipv4;
}

/*
 * The parsers take the whole string or nothing: 0, or -EINVAL and the result untouched; of a prefix
 * whose address has host bits -EDOM, with the prefix that was meant. The formatters return @text.
 */
int doppel_ip_parse(const char *text, struct in6_addr *addr);
char *doppel_ip_format(const struct in6_addr *addr, char text[DOPPEL_IP6_TEXT]);
int doppel_cidr_parse(const char *text, struct cidr *cidr);
char *doppel_cidr_format(const struct cidr *cidr, char text[DOPPEL_CIDR_TEXT]);

/* The prefix that is only this address. */
struct cidr doppel_cidr_host(const struct in6_addr *addr);

static inline bool doppel_cidr_eq(const struct cidr *a, const struct cidr *b)
{
	return a->len == b->len && doppel_ip6_eq(&a->net, &b->net);
}

/* Only within a family: ::/0 has no IPv4 address. */
bool doppel_cidr_has(const struct cidr *cidr, const struct in6_addr *addr);
/* All of @b lies in @a. */
bool doppel_cidr_covers(const struct cidr *a, const struct cidr *b);
bool doppel_cidr_overlap(const struct cidr *a, const struct cidr *b);

#endif
