// SPDX-License-Identifier: GPL-2.0-only
#include "base/cidr.h"

#include <errno.h>
#include <stdio.h>

int doppel_ip_parse(const char *text, struct in6_addr *addr)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (!doppel_ip4_parse(text, &ipv4)) {
		*addr = doppel_ip6_v4mapped(ipv4);
		return 0;
	}
	if (doppel_ip6_parse(text, &ipv6) || IN6_IS_ADDR_V4MAPPED(&ipv6))
		return -EINVAL;
	*addr = ipv6;
	return 0;
}

char *doppel_ip_format(const struct in6_addr *addr, char text[DOPPEL_IP6_TEXT])
{
	return doppel_ip_family(addr) == AF_INET ? doppel_ip4_format(doppel_ip_ipv4(addr), text) :
						   doppel_ip6_format(addr, text);
}

static struct in6_addr without_host_bits(struct in6_addr addr, uint8_t len)
{
	unsigned int i;

	for (i = 0; i < sizeof(addr.s6_addr); i++) {
		const int left = len - (int)(i * 8);

		if (left < 8)
			addr.s6_addr[i] &= left <= 0 ? 0 : (uint8_t)(0xff << (8 - left));
	}
	return addr;
}

int doppel_cidr_parse(const char *text, struct cidr *cidr)
{
	struct in6_addr addr;
	struct in_addr ipv4;
	struct cidr whole;

	if (!doppel_ip4_prefix_parse(text, &ipv4, &whole.len)) {
		addr = doppel_ip6_v4mapped(ipv4);
		whole.len += 96;
	} else if (doppel_ip6_prefix_parse(text, &addr, &whole.len) ||
		   IN6_IS_ADDR_V4MAPPED(&addr)) {
		return -EINVAL;
	}
	whole.net = without_host_bits(addr, whole.len);
	*cidr = whole;
	return doppel_ip6_eq(&whole.net, &addr) ? 0 : -EDOM;
}

char *doppel_cidr_format(const struct cidr *cidr, char text[DOPPEL_CIDR_TEXT])
{
	char net[DOPPEL_IP6_TEXT];

	snprintf(text, DOPPEL_CIDR_TEXT, "%s/%u", doppel_ip_format(&cidr->net, net),
		 doppel_cidr_len(cidr));
	return text;
}

struct cidr doppel_cidr_host(const struct in6_addr *addr)
{
	return (struct cidr){ .net = *addr, .len = 128 };
}

bool doppel_cidr_has(const struct cidr *cidr, const struct in6_addr *addr)
{
	return doppel_ip_family(addr) == doppel_cidr_family(cidr) &&
	       doppel_ip6_in_prefix(addr, &cidr->net, cidr->len);
}

bool doppel_cidr_covers(const struct cidr *a, const struct cidr *b)
{
	return a->len <= b->len && doppel_cidr_has(a, &b->net);
}

bool doppel_cidr_overlap(const struct cidr *a, const struct cidr *b)
{
	return doppel_cidr_covers(a, b) || doppel_cidr_covers(b, a);
}
