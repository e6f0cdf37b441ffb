/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4 addresses on the LAN side that stand for IPv6 hosts: explicit mappings (RFC 7757), one
 * for a host each, and the NAT64 prefix (RFC 6052) for all of the IPv4 Internet.
 */
#ifndef _DOPPEL_MAPPING_H
#define _DOPPEL_MAPPING_H

#include "gateway.h"

/**
 * struct doppel_mapping - an IPv4 address for one IPv6 host
 * @by_ipv4: in &doppel_gateway.mappings4
 * @by_ipv6: in &doppel_gateway.mappings6
 * @list: in &doppel_gateway.mappings; RTNL
 * @ipv4: network byte order
 * @ipv6: the host
 * @rcu: frees it
 */
struct doppel_mapping {
	struct rhash_head by_ipv4;
	struct rhash_head by_ipv6;
	struct list_head list;
	__be32 ipv4;
	struct in6_addr ipv6;
	struct rcu_head rcu;
};

/**
 * struct doppel_nat64 - a NAT64 prefix; never changed, replaced
 * @prefix: the rest of it is zero
 * @len: 32, 40, 48, 56, 64 or 96 bits
 * @rcu: frees it
 */
struct doppel_nat64 {
	struct in6_addr prefix;
	u8 len;
	struct rcu_head rcu;
};

/* By explicit mappings; RCU; NULL if there is none. */
const struct doppel_mapping *doppel_mapping_by_ipv4(struct doppel_gateway *gw, __be32 addr);
const struct doppel_mapping *doppel_mapping_by_ipv6(struct doppel_gateway *gw,
						    const struct in6_addr *addr);

/* By the NAT64 prefix (RFC 6052 section 2.2); RCU; false if there is none or it does not fit. */
bool doppel_nat64_to_ipv6(const struct doppel_gateway *gw, __be32 ipv4, struct in6_addr *ipv6);
bool doppel_nat64_to_ipv4(const struct doppel_gateway *gw, const struct in6_addr *ipv6,
			  __be32 *ipv4);

/* Whether the LAN side still has the IPv4 address for the IPv6 host, either way. RCU. */
bool doppel_mapped(struct doppel_gateway *gw, __be32 ipv4, const struct in6_addr *ipv6);

/* NULL for what is no prefix, with the reason in extack. RTNL, may sleep. */
struct doppel_nat64 *doppel_nat64_alloc(const struct in6_addr *prefix, u8 len,
					struct netlink_ext_ack *extack);

/* RTNL, may sleep; say why not in extack and then change nothing. Del ends the sessions. */
int doppel_mapping_add(struct doppel_gateway *gw, __be32 ipv4, const struct in6_addr *ipv6,
		       struct netlink_ext_ack *extack);
int doppel_mapping_del(struct doppel_gateway *gw, __be32 ipv4, struct netlink_ext_ack *extack);

int doppel_mappings_init(struct doppel_gateway *gw);
void doppel_mappings_destroy(struct doppel_gateway *gw);

#endif
