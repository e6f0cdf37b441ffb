/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses of one network's prefix: which are in use, which is next. A prefix of any length
 * takes only as much memory as addresses are or were in use.
 *
 * Hosts are what both families let be one: all of a /31 or /127 (RFC 3021, RFC 6164), else neither
 * the first address (a network, or the subnet-router anycast address of RFC 4291 section 2.6.1) nor,
 * in IPv4, the last. Of a prefix with more than 2^63 addresses the first 2^63 are allocated; the others
 * can be reserved.
 */
#ifndef DOPPEL_WIREGUARD_IPAM_H
#define DOPPEL_WIREGUARD_IPAM_H

#include "base/cidr.h"

struct ipam;

bool doppel_ipam_is_host(const struct cidr *cidr, const struct in6_addr *address);

/* NULL for want of memory. */
struct ipam *doppel_ipam_new(const struct cidr *cidr);
void doppel_ipam_free(struct ipam *ipam);

/* The lowest free address. 0, -ENOSPC when none is left, -ENOMEM. */
int doppel_ipam_allocate(struct ipam *ipam, struct in6_addr *address);

/*
 * A free address by the hash of @key, a peer's public key: the same one whenever the peer is met, as
 * long as no other has it. Errors as above.
 */
int doppel_ipam_allocate_hashed(struct ipam *ipam, const void *key, size_t len,
				struct in6_addr *address);

/* This address. -EEXIST when it is in use, -ERANGE when it is no host's of the prefix, -ENOMEM. */
int doppel_ipam_reserve(struct ipam *ipam, const struct in6_addr *address);

/* -ENOENT when it is not in use. */
int doppel_ipam_release(struct ipam *ipam, const struct in6_addr *address);

uint64_t doppel_ipam_used(const struct ipam *ipam);
/* How many more can be allocated. */
uint64_t doppel_ipam_available(const struct ipam *ipam);

#endif
