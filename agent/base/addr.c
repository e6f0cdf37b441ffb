// SPDX-License-Identifier: GPL-2.0-only
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int doppel_mac_parse(const char *text, struct mac *mac)
{
	struct mac result;

	if (strlen(text) != DOPPEL_MAC_TEXT - 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		if (i < 5 && text[3 * i + 2] != ':')
			return -EINVAL;
		result.b[i] = (uint8_t)(high << 4 | low);
	}
	*mac = result;
	return 0;
}

char *doppel_mac_format(const struct mac *mac, char text[DOPPEL_MAC_TEXT])
{
	snprintf(text, DOPPEL_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac->b[0], mac->b[1],
		 mac->b[2], mac->b[3], mac->b[4], mac->b[5]);
	return text;
}

int doppel_ip4_parse(const char *text, struct in_addr *addr)
{
	return inet_pton(AF_INET, text, addr) == 1 ? 0 : -EINVAL;
}

char *doppel_ip4_format(struct in_addr addr, char text[DOPPEL_IP4_TEXT])
{
	inet_ntop(AF_INET, &addr, text, DOPPEL_IP4_TEXT);
	return text;
}

int doppel_ip6_parse(const char *text, struct in6_addr *addr)
{
	return inet_pton(AF_INET6, text, addr) == 1 ? 0 : -EINVAL;
}

char *doppel_ip6_format(const struct in6_addr *addr, char text[DOPPEL_IP6_TEXT])
{
	inet_ntop(AF_INET6, addr, text, DOPPEL_IP6_TEXT);
	return text;
}

/* "address/len" into its halves; the address's room bounds what may stand before the slash. */
static int split_prefix(const char *text, char *addr, size_t room, unsigned long max, uint8_t *len)
{
	const char *slash = strchr(text, '/');
	unsigned long value;
	char *end;

	if (!slash || (size_t)(slash - text) >= room)
		return -EINVAL;
	if (slash[1] < '0' || slash[1] > '9' || (slash[1] == '0' && slash[2]))
		return -EINVAL;
	value = strtoul(slash + 1, &end, 10);
	if (*end || value > max)
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	*len = (uint8_t)value;
	return 0;
}

int doppel_ip4_prefix_parse(const char *text, struct in_addr *addr, uint8_t *len)
{
	char half[DOPPEL_IP4_TEXT];
	uint8_t value;

	if (split_prefix(text, half, sizeof(half), 32, &value) || doppel_ip4_parse(half, addr))
		return -EINVAL;
	*len = value;
	return 0;
}

int doppel_ip6_prefix_parse(const char *text, struct in6_addr *addr, uint8_t *len)
{
	char half[DOPPEL_IP6_TEXT];
	uint8_t value;

	if (split_prefix(text, half, sizeof(half), 128, &value) || doppel_ip6_parse(half, addr))
		return -EINVAL;
	*len = value;
	return 0;
}

bool doppel_mac_is_host(const struct mac *mac)
{
	static const struct mac zero;

	return !(mac->b[0] & 1) && !doppel_mac_eq(mac, &zero);
}

struct in_addr doppel_ip4_mask(uint8_t len)
{
	return (struct in_addr){ htonl(len ? UINT32_MAX << (32 - len) : 0) };
}

int doppel_ip4_mask_len(struct in_addr mask)
{
	uint32_t bits = ntohl(mask.s_addr);

	for (uint8_t len = 0; len <= 32; len++)
		if (ntohl(doppel_ip4_mask(len).s_addr) == bits)
			return len;
	return -EINVAL;
}

bool doppel_ip4_in_prefix(struct in_addr addr, struct in_addr net, uint8_t len)
{
	return !((addr.s_addr ^ net.s_addr) & doppel_ip4_mask(len).s_addr);
}

bool doppel_ip4_is_host(struct in_addr addr)
{
	uint8_t first = (uint8_t)(ntohl(addr.s_addr) >> 24);

	return first != 0 && first != 127 && first < 224;
}

bool doppel_ip4_is_host_in(struct in_addr addr, uint8_t len)
{
	uint32_t host = ntohl(addr.s_addr & ~doppel_ip4_mask(len).s_addr);
	uint32_t last = ntohl(~doppel_ip4_mask(len).s_addr);

	/* Both addresses of a /31 are hosts (RFC 3021). */
	return len >= 31 || (host != 0 && host != last);
}

bool doppel_ip6_is_host(const struct in6_addr *addr)
{
	return !IN6_IS_ADDR_UNSPECIFIED(addr) && !IN6_IS_ADDR_LOOPBACK(addr) &&
	       !IN6_IS_ADDR_MULTICAST(addr) && !IN6_IS_ADDR_V4MAPPED(addr);
}

bool doppel_ip6_in_list(const struct in6_addr *addr, const struct in6_addr *list,
			unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (doppel_ip6_eq(&list[i], addr))
			return true;
	return false;
}

bool doppel_ip6_in_prefix(const struct in6_addr *addr, const struct in6_addr *net, uint8_t len)
{
	uint8_t whole = len / 8, rest = len % 8;

	if (memcmp(addr, net, whole))
		return false;
	return !rest || !((addr->s6_addr[whole] ^ net->s6_addr[whole]) >> (8 - rest));
}

/* RFC 6052 section 2.2: the address follows the prefix, and steps over bits 64 to 71. */
struct in6_addr doppel_ip6_nat64(const struct in6_addr *prefix, uint8_t len, struct in_addr ipv4)
{
	struct in6_addr address = *prefix;
	uint8_t bytes[sizeof(ipv4)];
	unsigned int i, at = len / 8;

	memcpy(bytes, &ipv4, sizeof(bytes));
	for (i = 0; i < sizeof(bytes); i++, at++) {
		if (at == 8)
			at++;
		address.s6_addr[at] = bytes[i];
	}
	return address;
}

bool doppel_ip6_is_nat64_prefix(const struct in6_addr *prefix, uint8_t len)
{
	unsigned int i;

	if ((len < 32 || len > 64 || len % 8) && len != 96)
		return false;
	for (i = len / 8; i < sizeof(prefix->s6_addr); i++)
		if (prefix->s6_addr[i])
			return false;
	return !prefix->s6_addr[8] && doppel_ip6_is_host(prefix) &&
	       !IN6_IS_ADDR_LINKLOCAL(prefix);
}

struct in6_addr doppel_ip6_v4mapped(struct in_addr ipv4)
{
	struct in6_addr addr = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(&addr.s6_addr[12], &ipv4, sizeof(ipv4));
	return addr;
}

struct in6_addr doppel_ip6_eui64(const struct in6_addr *prefix, const struct mac *mac)
{
	struct in6_addr addr = *prefix;

	memcpy(&addr.s6_addr[8], mac->b, 3);
	addr.s6_addr[8] ^= 2;
	addr.s6_addr[11] = 0xff;
	addr.s6_addr[12] = 0xfe;
	memcpy(&addr.s6_addr[13], mac->b + 3, 3);
	return addr;
}

struct in6_addr doppel_ip6_link_local(const struct mac *mac)
{
	static const struct in6_addr prefix = { .s6_addr = { 0xfe, 0x80 } };

	return doppel_ip6_eui64(&prefix, mac);
}

struct in6_addr doppel_ip6_solicited_node(const struct in6_addr *addr)
{
	struct in6_addr group = {
		.s6_addr = { 0xff, 0x02, [11] = 0x01, [12] = 0xff },
	};

	memcpy(&group.s6_addr[13], &addr->s6_addr[13], 3);
	return group;
}

struct mac doppel_mac_multicast6(const struct in6_addr *group)
{
	struct mac mac = { { 0x33, 0x33 } };

	memcpy(mac.b + 2, &group->s6_addr[12], 4);
	return mac;
}
