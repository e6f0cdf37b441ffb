/* SPDX-License-Identifier: GPL-2.0-only */
/* The device table: an IPv4 host on the LAN, named by its MAC, and its
 * identity: its face on the WAN.
 *
 * Lookups return a pointer that is good until the end of the caller's RCU
 * read-side section (or for as long as RTNL is held). A device goes in the
 * order: unlinked from every table, its sessions ended, freed after a grace
 * period. So what a session that was found points to is there as well.
 */
#ifndef _DOPPEL_DEVICE_H
#define _DOPPEL_DEVICE_H

#include <linux/etherdevice.h>
#include <linux/in6.h>
#include <linux/rhashtable.h>
#include "gateway.h"

struct doppel_device;

/**
 * struct doppel_address - one WAN IPv6 address of an identity
 * @node: in &doppel_gateway.by_wan6
 * @addr: the address
 * @prefix_len: bits of it that are on link (128: none)
 * @device: whose it is
 */
struct doppel_address {
	struct rhash_head node;
	struct in6_addr addr;
	struct doppel_device *device;
	u8 prefix_len;
};

/**
 * struct doppel_identity - a device's face on the WAN; never changed, replaced
 * @by_wan4: in &doppel_gateway.by_wan4 if @wan_ipv4 is not zero
 * @device: whose it is
 * @wan_ipv4: network byte order, or zero
 * @wan_mask: of its network, network byte order
 * @wan_router: the IPv4 router, network byte order, or zero
 * @wan_router6: the IPv6 router, mostly a link-local address, or ::
 * @n_wan_ipv6: addresses in @wan_ipv6
 * @link_local: not in the table if it is ::
 * @wan_ipv6: the WAN IPv6 addresses, in the order of preference
 * @rcu: frees it
 */
struct doppel_identity {
	struct rhash_head by_wan4;
	struct doppel_device *device;
	__be32 wan_ipv4;
	__be32 wan_mask;
	__be32 wan_router;
	struct in6_addr wan_router6;
	u8 n_wan_ipv6;
	struct doppel_address link_local;
	struct doppel_address wan_ipv6[DOPPEL_ADDRESSES_MAX];
	struct rcu_head rcu;
};

/**
 * struct doppel_lan - a device's LAN address as a key; replaced when the address changes
 * @node: in &doppel_gateway.by_lan
 * @addr: network byte order
 * @device: whose it is
 * @rcu: frees it
 */
struct doppel_lan {
	struct rhash_head node;
	__be32 addr;
	struct doppel_device *device;
	struct rcu_head rcu;
};

/**
 * struct doppel_device - an IPv4 host on the LAN
 * @by_mac: in &doppel_gateway.by_mac
 * @mac: its MAC
 * @counters: per CPU
 * @identity: its face on the WAN, never NULL; RTNL, RCU for reading
 * @gw: its gateway
 * @last_seen: jiffies of its last frame on the LAN; 0 before the first
 * @lan_ipv4: network byte order, or zero; may change while packets pass
 * @by_lan: in the table of that name, or NULL if @lan_ipv4 is zero; RTNL
 * @list: in &doppel_gateway.devices; RTNL, RCU for reading
 * @forwards: its forwards; RTNL, RCU for reading
 * @sessions: its sessions; @sessions_lock
 * @n_sessions: their number; @sessions_lock
 * @half_open: those of them that nobody has answered yet, oldest first; @sessions_lock
 * @n_half_open: their number; @sessions_lock
 * @in_half_open: in &doppel_gateway.half_open while there are any; its lock
 * @sessions_lock: taken with bottom halves off
 * @gone: being removed: begins no session any more; @sessions_lock
 * @icmp_second: jiffies / HZ of the last ICMP error about it
 * @icmp_sent: errors in that second
 * @conflict_told: jiffies of the last address-conflict event and defence
 * @rcu: frees it
 *
 * What packets look at comes first, in one cache line.
 */
struct doppel_device {
	struct rhash_head by_mac;
	u8 mac[ETH_ALEN];
	struct doppel_counters __percpu *counters;
	struct doppel_identity __rcu *identity;
	struct doppel_gateway *gw;
	unsigned long last_seen;
	__be32 lan_ipv4;

	struct doppel_lan *by_lan;
	struct list_head list;
	struct list_head forwards;

	struct list_head sessions;
	u32 n_sessions;
	struct list_head half_open;
	u32 n_half_open;
	struct list_head in_half_open;
	spinlock_t sessions_lock;
	bool gone;

	u32 icmp_second;
	u32 icmp_sent;
	unsigned long conflict_told;
	struct rcu_head rcu;
};

/* Each of these: RCU or RTNL; NULL if there is none. */
struct doppel_device *doppel_device_by_mac(struct doppel_gateway *gw, const u8 *mac);
struct doppel_device *doppel_device_by_lan(struct doppel_gateway *gw, __be32 addr);
struct doppel_identity *doppel_identity_by_wan4(struct doppel_gateway *gw, __be32 addr);
/* Also finds link-local addresses. */
struct doppel_address *doppel_address_by_wan6(struct doppel_gateway *gw,
					      const struct in6_addr *addr);

struct doppel_wan_tuple;

/* Whether the peer is an identity, too: what goes there does not leave the box. RCU. */
bool doppel_is_hairpin(struct doppel_gateway *gw, const struct doppel_wan_tuple *wan);

/**
 * struct doppel_device_settings - what device-add and device-set may give
 * @given: a bit for each DOPPEL_A_DEVICE_* that was given
 * @attrs: the attributes that extack may point to, by DOPPEL_A_DEVICE_*, or NULL
 */
struct doppel_device_settings {
	u32 given;
	struct nlattr *const *attrs;
	u8 mac[ETH_ALEN];
	__be32 lan_ipv4;
	__be32 wan_ipv4;
	u8 wan_prefix_len;
	__be32 wan_router;
	struct in6_addr link_local;
	struct in6_addr wan_router6;
	u8 n_wan_ipv6;
	struct {
		struct in6_addr addr;
		u8 prefix_len;
	} wan_ipv6[DOPPEL_ADDRESSES_MAX];
};

/* All three: RTNL, may sleep; say why not in extack and then change nothing. */
int doppel_device_add(struct doppel_gateway *gw, const struct doppel_device_settings *settings,
		      struct netlink_ext_ack *extack);
int doppel_device_set(struct doppel_gateway *gw, const struct doppel_device_settings *settings,
		      struct netlink_ext_ack *extack);
int doppel_device_del(struct doppel_gateway *gw, const u8 *mac, struct netlink_ext_ack *extack);

/* Whether a single host may have the address; network byte order. */
bool doppel_is_unicast4(__be32 addr);
bool doppel_is_unicast6(const struct in6_addr *addr);

/* End all sessions of the gateway's devices, or those to IPv6 hosts that no mapping and no NAT64
 * prefix stands for any more; RTNL.
 */
void doppel_devices_flush(struct doppel_gateway *gw);
void doppel_devices_flush_unmapped(struct doppel_gateway *gw);

/* The tables of a gateway, in which its ports are set; destroy removes every device. RTNL, sleep. */
int doppel_devices_init(struct doppel_gateway *gw);
void doppel_devices_destroy(struct doppel_gateway *gw);

#endif
