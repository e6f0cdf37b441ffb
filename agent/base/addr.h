/* SPDX-License-Identifier: GPL-2.0-only */
/* MAC, IPv4 and IPv6 addresses: text, comparison, prefixes. */
#ifndef DOPPEL_BASE_ADDR_H
#define DOPPEL_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct mac {
	uint8_t b[6];
};

/* Room for the text of an address, with its NUL. */
#define DOPPEL_MAC_TEXT 18
#define DOPPEL_IP4_TEXT INET_ADDRSTRLEN
#define DOPPEL_IP6_TEXT INET6_ADDRSTRLEN

/*
 * The parsers take the whole string or nothing: 0, or -EINVAL and the result
 * untouched. The formatters write into text and return it.
 */

/* "aa:bb:cc:dd:ee:ff" in either case. */
int doppel_mac_parse(const char *text, struct mac *mac);
char *doppel_mac_format(const struct mac *mac, char text[DOPPEL_MAC_TEXT]);

/* Dotted quad without leading zeros; network byte order. */
int doppel_ip4_parse(const char *text, struct in_addr *addr);
char *doppel_ip4_format(struct in_addr addr, char text[DOPPEL_IP4_TEXT]);

int doppel_ip6_parse(const char *text, struct in6_addr *addr);
char *doppel_ip6_format(const struct in6_addr *addr, char text[DOPPEL_IP6_TEXT]);

/* "192.168.1.1/24": the address keeps its host bits. */
int doppel_ip4_prefix_parse(const char *text, struct in_addr *addr, uint8_t *len);
int doppel_ip6_prefix_parse(const char *text, struct in6_addr *addr, uint8_t *len);

static inline bool doppel_mac_eq(const struct mac *a, const struct mac *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

/* May be a host's: not multicast, not all zeros. */
bool doppel_mac_is_host(const struct mac *mac);

static inline bool doppel_ip4_eq(struct in_addr a, struct in_addr b)
{
	return a.s_addr == b.s_addr;
}

static inline bool doppel_ip6_eq(const struct in6_addr *a, const struct in6_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* The netmask of a prefix length of 0 to 32, network byte order. */
struct in_addr doppel_ip4_mask(uint8_t len);
/* The prefix length of a netmask, or -EINVAL if its ones are not contiguous. */
int doppel_ip4_mask_len(struct in_addr mask);
bool doppel_ip4_in_prefix(struct in_addr addr, struct in_addr net, uint8_t len);
/* May be a host's in general: not 0/8, not loopback, not multicast, not above. */
bool doppel_ip4_is_host(struct in_addr addr);
/* May be a host's within its own prefix: neither the network nor the broadcast address. */
bool doppel_ip4_is_host_in(struct in_addr addr, uint8_t len);

/* May be a host's in general: not unspecified, not loopback, not multicast, not v4-mapped. */
bool doppel_ip6_is_host(const struct in6_addr *addr);
bool doppel_ip6_in_list(const struct in6_addr *addr, const struct in6_addr *list,
			unsigned int count);
bool doppel_ip6_in_prefix(const struct in6_addr *addr, const struct in6_addr *net, uint8_t len);

/*
 * May be one by RFC 6052 section 2.2: its length is one of those, bits 64 to 71 and the rest are
 * zero; and hosts beyond a link can be under it. The module takes no other.
 */
bool doppel_ip6_is_nat64_prefix(const struct in6_addr *prefix, uint8_t len);
/* The IPv4 host's address under such a prefix. */
struct in6_addr doppel_ip6_nat64(const struct in6_addr *prefix, uint8_t len, struct in_addr ipv4);

/* ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
struct in6_addr doppel_ip6_v4mapped(struct in_addr ipv4);

/* prefix/64 with the modified EUI-64 interface identifier of the MAC (RFC 4291 appendix A). */
struct in6_addr doppel_ip6_eui64(const struct in6_addr *prefix, const struct mac *mac);
/* fe80::/64 with the same identifier. */
struct in6_addr doppel_ip6_link_local(const struct mac *mac);
/* ff02::1:ffXX:XXXX (RFC 4291 section 2.7.1). */
struct in6_addr doppel_ip6_solicited_node(const struct in6_addr *addr);
/* 33:33:XX:XX:XX:XX of an IPv6 multicast group (RFC 2464 section 7). */
struct mac doppel_mac_multicast6(const struct in6_addr *group);

#endif
