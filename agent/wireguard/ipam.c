// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/ipam.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/heap.h"
#include "base/map.h"

#define OFFSET_BITS 63			/* of the host part that is allocated from */

/*
 * All addresses below @next are in use or holes, so that the lowest free one is the first hole, or
 * @next unless that is in use.
 */
struct ipam {
	struct cidr cidr;
	uint64_t first, last;		/* offsets of what is allocated */
	uint64_t next;
	struct map addresses;		/* struct address, in use or a hole */
	struct heap holes;
	uint64_t used;
	uint64_t beyond;		/* used ones that are not allocated from */
};

struct address {
	struct map_node node;
	struct heap_node hole;
	struct in6_addr ip;
	bool used;
};

static uint8_t host_bits(const struct cidr *cidr)
{
	return 128 - cidr->len;
}

static struct in6_addr at(const struct cidr *cidr, uint64_t offset)
{
	struct in6_addr ip = cidr->net;
	unsigned int i;

	for (i = 0; i < 8; i++)
		ip.s6_addr[15 - i] |= (uint8_t)(offset >> (8 * i));
	return ip;
}

bool doppel_ipam_is_host(const struct cidr *cidr, const struct in6_addr *ip)
{
	const uint8_t bits = host_bits(cidr);
	struct in6_addr broadcast;

	if (!doppel_cidr_has(cidr, ip))
		return false;
	if (bits <= 1)
		return true;
	broadcast = at(cidr, bits > OFFSET_BITS ? 0 : (1ULL << bits) - 1);
	return !doppel_ip6_eq(ip, &cidr->net) &&
	       (doppel_cidr_family(cidr) == AF_INET6 || !doppel_ip6_eq(ip, &broadcast));
}

struct ipam *doppel_ipam_new(const struct cidr *cidr)
{
	const uint8_t bits = host_bits(cidr);
	struct ipam *ipam = calloc(1, sizeof(*ipam));

	if (!ipam)
		return NULL;
	ipam->cidr = *cidr;
	ipam->last = bits > OFFSET_BITS ? INT64_MAX : (1ULL << bits) - 1;
	if (bits > 1) {
		ipam->first = 1;
		if (doppel_cidr_family(cidr) == AF_INET)
			ipam->last--;
	}
	ipam->next = ipam->first;
	doppel_map_init(&ipam->addresses, sizeof(struct in6_addr));
	return ipam;
}

void doppel_ipam_free(struct ipam *ipam)
{
	if (!ipam)
		return;
	doppel_map_foreach(node, &ipam->addresses) {
		doppel_map_del(&ipam->addresses, node);
		free(container_of(node, struct address, node));
	}
	doppel_map_free(&ipam->addresses);
	free(ipam);
}

/* False: the address is so far up that it is not allocated from. */
static bool offset_of(const struct ipam *ipam, const struct in6_addr *ip, uint64_t *offset)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		value = value << 8 | (uint8_t)(ip->s6_addr[8 + i] ^ ipam->cidr.net.s6_addr[8 + i]);
	*offset = value;
	return !memcmp(ip, &ipam->cidr.net, 8) && value <= ipam->last;
}

static struct address *find(const struct ipam *ipam, const struct in6_addr *ip)
{
	struct map_node *node = doppel_map_find(&ipam->addresses, ip);

	return node ? container_of(node, struct address, node) : NULL;
}

/* @ip is a host's. */
static int take(struct ipam *ipam, const struct in6_addr *ip)
{
	struct address *address = find(ipam, ip);
	uint64_t offset;

	if (address && address->used)
		return -EEXIST;
	if (address) {
		doppel_heap_del(&ipam->holes, &address->hole);
	} else {
		address = calloc(1, sizeof(*address));
		if (!address)
			return -ENOMEM;
		address->ip = *ip;
		if (doppel_map_add(&ipam->addresses, &address->node, &address->ip)) {
			free(address);
			return -ENOMEM;
		}
	}
	address->used = true;
	ipam->used++;
	ipam->beyond += !offset_of(ipam, ip, &offset);
	return 0;
}

int doppel_ipam_reserve(struct ipam *ipam, const struct in6_addr *ip)
{
	return doppel_ipam_is_host(&ipam->cidr, ip) ? take(ipam, ip) : -ERANGE;
}

int doppel_ipam_allocate(struct ipam *ipam, struct in6_addr *ip)
{
	struct in6_addr free_one;
	int err;

	if (ipam->holes.first) {
		*ip = container_of(ipam->holes.first, struct address, hole)->ip;
		return take(ipam, ip);
	}
	for (; ipam->next <= ipam->last; ipam->next++) {
		free_one = at(&ipam->cidr, ipam->next);
		err = take(ipam, &free_one);
		if (err == -EEXIST)
			continue;
		if (!err) {
			ipam->next++;
			*ip = free_one;
		}
		return err;
	}
	return -ENOSPC;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		const uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Steps of the key's own, through all hosts, so that a prefix that is nearly full is not slow. */
int doppel_ipam_allocate_hashed(struct ipam *ipam, const void *key, size_t len,
				struct in6_addr *ip)
{
	const uint64_t size = ipam->last - ipam->first + 1;
	uint64_t hash[2], offset, step, i;

	if (!doppel_ipam_available(ipam))
		return -ENOSPC;
	crypto_generichash((uint8_t *)hash, sizeof(hash), key, len, NULL, 0);
	offset = le64toh(hash[0]) % size;
	step = 1 + le64toh(hash[1]) % size;
	while (common_divisor(step, size) != 1)
		step++;
	for (i = 0; i < size; i++, offset = (offset + step) % size) {
		const struct in6_addr one = at(&ipam->cidr, ipam->first + offset);
		const int err = take(ipam, &one);

		if (err == -EEXIST)
			continue;
		if (!err)
			*ip = one;
		return err;
	}
	return -ENOSPC;
}

int doppel_ipam_release(struct ipam *ipam, const struct in6_addr *ip)
{
	struct address *address = find(ipam, ip);
	uint64_t offset;
	bool within;

	if (!address || !address->used)
		return -ENOENT;
	within = offset_of(ipam, ip, &offset);
	address->used = false;
	ipam->used--;
	ipam->beyond -= !within;
	if (within && offset < ipam->next) {
		doppel_heap_put(&ipam->holes, &address->hole, (int64_t)offset);
		return 0;
	}
	doppel_map_del(&ipam->addresses, &address->node);
	free(address);
	return 0;
}

uint64_t doppel_ipam_used(const struct ipam *ipam)
{
	return ipam->used;
}

uint64_t doppel_ipam_available(const struct ipam *ipam)
{
	return ipam->last - ipam->first + 1 - (ipam->used - ipam->beyond);
}
