// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "device.h"
#include "mapping.h"
#include "refuse.h"
#include "session.h"

static const struct rhashtable_params ipv4_params = {
	.key_len = sizeof(__be32),
	.key_offset = offsetof(struct doppel_mapping, ipv4),
	.head_offset = offsetof(struct doppel_mapping, by_ipv4),
	.automatic_shrinking = true,
};

static const struct rhashtable_params ipv6_params = {
	.key_len = sizeof(struct in6_addr),
	.key_offset = offsetof(struct doppel_mapping, ipv6),
	.head_offset = offsetof(struct doppel_mapping, by_ipv6),
	.automatic_shrinking = true,
};

const struct doppel_mapping *doppel_mapping_by_ipv4(struct doppel_gateway *gw, __be32 addr)
{
	return rhashtable_lookup_fast(&gw->mappings4, &addr, ipv4_params);
}

const struct doppel_mapping *doppel_mapping_by_ipv6(struct doppel_gateway *gw,
						    const struct in6_addr *addr)
{
	return rhashtable_lookup_fast(&gw->mappings6, addr, ipv6_params);
}

/* Where the bytes of an IPv4 address are behind a prefix of @len bits: byte 8 (bits 64 to 71) is
 * left out. RFC 6052 section 2.2.
 */
static unsigned int place_of(u8 len, unsigned int byte)
{
	unsigned int place = len / 8 + byte;

	return len < 96 && place >= 8 ? place + 1 : place;
}

bool doppel_nat64_to_ipv6(const struct doppel_gateway *gw, __be32 ipv4, struct in6_addr *ipv6)
{
	const struct doppel_nat64 *nat64 = rcu_dereference(gw->nat64);
	unsigned int i;

	if (!nat64)
		return false;

	*ipv6 = nat64->prefix;
	for (i = 0; i < sizeof(ipv4); i++)
		ipv6->s6_addr[place_of(nat64->len, i)] = ((const u8 *)&ipv4)[i];
	return true;
}

bool doppel_nat64_to_ipv4(const struct doppel_gateway *gw, const struct in6_addr *ipv6,
			  __be32 *ipv4)
{
	const struct doppel_nat64 *nat64 = rcu_dereference(gw->nat64);
	unsigned int i;

	if (!nat64 || !ipv6_prefix_equal(ipv6, &nat64->prefix, nat64->len))
		return false;

	for (i = 0; i < sizeof(*ipv4); i++)
		((u8 *)ipv4)[i] = ipv6->s6_addr[place_of(nat64->len, i)];
	return true;
}

bool doppel_mapped(struct doppel_gateway *gw, __be32 ipv4, const struct in6_addr *ipv6)
{
	const struct doppel_mapping *mapping = doppel_mapping_by_ipv4(gw, ipv4);
	struct in6_addr host;

	if (mapping)
		return ipv6_addr_equal(&mapping->ipv6, ipv6);
	return doppel_nat64_to_ipv6(gw, ipv4, &host) && ipv6_addr_equal(&host, ipv6);
}

struct doppel_nat64 *doppel_nat64_alloc(const struct in6_addr *prefix, u8 len,
					struct netlink_ext_ack *extack)
{
	struct doppel_nat64 *nat64;

	switch (len) {
	case 32:
	case 40:
	case 48:
	case 56:
	case 64:
	case 96:
		break;
	default:
		NL_SET_ERR_MSG_MOD(extack, "nat64-prefix-len is none of 32, 40, 48, 56, 64, 96");
		return ERR_PTR(-EINVAL);
	}
	if (prefix->s6_addr[8]) {
		NL_SET_ERR_MSG_MOD(extack, "bits 64 to 71 of nat64-prefix are not zero");
		return ERR_PTR(-EINVAL);
	}
	if (!(ipv6_addr_type(prefix) & IPV6_ADDR_UNICAST) ||
	    ipv6_addr_type(prefix) & IPV6_ADDR_LINKLOCAL || ipv6_addr_v4mapped(prefix)) {
		NL_SET_ERR_MSG_MOD(extack, "nat64-prefix is no global unicast prefix");
		return ERR_PTR(-EADDRNOTAVAIL);
	}

	nat64 = kzalloc(sizeof(*nat64), GFP_KERNEL);
	if (!nat64)
		return ERR_PTR(-ENOMEM);
	ipv6_addr_prefix(&nat64->prefix, prefix, len);
	nat64->len = len;
	return nat64;
}

static int check(struct doppel_gateway *gw, __be32 ipv4, const struct in6_addr *ipv6,
		 struct netlink_ext_ack *extack)
{
	if (!doppel_is_unicast4(ipv4)) {
		NL_SET_ERR_MSG_MOD(extack, "ipv4 is no unicast address");
		return -EADDRNOTAVAIL;
	}
	if (!((ipv4 ^ gw->lan_ipv4) & gw->lan_mask)) {
		NL_SET_ERR_MSG_MOD(extack, "ipv4 is inside the LAN's network");
		return -EADDRNOTAVAIL;
	}
	if (!doppel_is_unicast6(ipv6) || ipv6_addr_type(ipv6) & IPV6_ADDR_LINKLOCAL) {
		NL_SET_ERR_MSG_MOD(extack, "ipv6 is no global unicast address");
		return -EADDRNOTAVAIL;
	}
	return 0;
}

int doppel_mapping_add(struct doppel_gateway *gw, __be32 ipv4, const struct in6_addr *ipv6,
		       struct netlink_ext_ack *extack)
{
	struct doppel_mapping *mapping;
	int err;

	err = check(gw, ipv4, ipv6, extack);
	if (err)
		return err;

	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return -ENOMEM;
	mapping->ipv4 = ipv4;
	mapping->ipv6 = *ipv6;

	err = rhashtable_lookup_insert_fast(&gw->mappings4, &mapping->by_ipv4, ipv4_params);
	if (err)
		goto err_free;
	err = rhashtable_lookup_insert_fast(&gw->mappings6, &mapping->by_ipv6, ipv6_params);
	if (err)
		goto err_ipv4;
	list_add_tail(&mapping->list, &gw->mappings);
	doppel_gateway_changed(gw);

	/* Peers under the NAT64 prefix may have had the address. */
	synchronize_net();
	doppel_devices_flush_unmapped(gw);
	return 0;

err_ipv4:
	rhashtable_remove_fast(&gw->mappings4, &mapping->by_ipv4, ipv4_params);
err_free:
	if (err == -EEXIST)
		NL_SET_ERR_MSG_MOD(extack, "there is a mapping of one of these addresses already");
	else
		NL_SET_ERR_MSG_MOD(extack, "no memory for the table of mappings");
	kfree_rcu(mapping, rcu);
	return err;
}

static void unlink_mapping(struct doppel_gateway *gw, struct doppel_mapping *mapping)
{
	rhashtable_remove_fast(&gw->mappings4, &mapping->by_ipv4, ipv4_params);
	rhashtable_remove_fast(&gw->mappings6, &mapping->by_ipv6, ipv6_params);
	list_del(&mapping->list);
	kfree_rcu(mapping, rcu);
}

int doppel_mapping_del(struct doppel_gateway *gw, __be32 ipv4, struct netlink_ext_ack *extack)
{
	struct doppel_mapping *mapping = rhashtable_lookup_fast(&gw->mappings4, &ipv4,
								ipv4_params);

	if (!mapping) {
		DOPPEL_REFUSE_FMT(extack, "no such mapping", "%pI4 is mapped to nothing", &ipv4);
		return -ENOENT;
	}

	unlink_mapping(gw, mapping);
	doppel_gateway_changed(gw);

	/* A packet that has still found it may be about to begin a session. */
	synchronize_net();
	doppel_devices_flush_unmapped(gw);
	return 0;
}

int doppel_mappings_init(struct doppel_gateway *gw)
{
	int err;

	INIT_LIST_HEAD(&gw->mappings);
	err = rhashtable_init(&gw->mappings4, &ipv4_params);
	if (err)
		return err;
	err = rhashtable_init(&gw->mappings6, &ipv6_params);
	if (err)
		rhashtable_destroy(&gw->mappings4);
	return err;
}

void doppel_mappings_destroy(struct doppel_gateway *gw)
{
	struct doppel_mapping *mapping, *next;

	list_for_each_entry_safe(mapping, next, &gw->mappings, list)
		unlink_mapping(gw, mapping);
	rhashtable_destroy(&gw->mappings6);
	rhashtable_destroy(&gw->mappings4);
}
