/* SPDX-License-Identifier: GPL-2.0-only */
/* A gateway: one LAN port and one WAN port joined, at most one in a namespace.
 *
 * Locking of the whole module: RTNL serializes everything that changes
 * gateways, devices and forwards (netlink commands, port and namespace
 * removal). Packets read them under RCU. Sessions are made and ended by
 * packets and have locks of their own, see session.h.
 */
#ifndef _DOPPEL_GATEWAY_H
#define _DOPPEL_GATEWAY_H

#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>
#include <uapi/linux/doppel.h>

struct doppel_device;
struct doppel_nat64;
struct doppel_told;
struct doppel_totals;

/**
 * struct doppel_counters_sum - of a device, or of all devices of a gateway
 * @lan_packets: came in from the device and went out to the WAN
 * @lan_bytes: of these
 * @wan_packets: came in from the WAN and went out to the device
 * @wan_bytes: of these
 * @dropped: of either, for any reason
 * @sessions: begun, ever
 */
struct doppel_counters_sum {
	u64 lan_packets;
	u64 lan_bytes;
	u64 wan_packets;
	u64 wan_bytes;
	u64 dropped;
	u64 sessions;
};

/* In jiffies, by state of the session. */
enum doppel_timeout {
	DOPPEL_TIMEOUT_TCP_SYN,
	DOPPEL_TIMEOUT_TCP_ESTABLISHED,
	DOPPEL_TIMEOUT_TCP_CLOSING,
	DOPPEL_TIMEOUT_UDP,
	DOPPEL_TIMEOUT_ICMP,
	DOPPEL_TIMEOUTS,
};

enum doppel_hook {
	DOPPEL_HOOK_LAN_IN,
	DOPPEL_HOOK_WAN_IN,
	DOPPEL_HOOK_WAN_OUT,
	DOPPEL_HOOKS,
};

/**
 * struct doppel_gateway - the gateway of a namespace
 * @refs: its namespace's until it is removed, and each session dump's
 * @list: in the list of all gateways; RTNL
 * @net: the namespace; outlives the gateway
 * @lan: the LAN port, held
 * @wan: the WAN port, held
 * @lan_tracker: of the hold on @lan
 * @wan_tracker: of the hold on @wan
 * @lan_ipv4: the box's address on the LAN, network byte order
 * @lan_mask: of its network, network byte order
 * @identity: enum doppel_identity_mode
 * @filter: enum doppel_filter_mode
 * @lender: whose identity the box's own traffic leaves by, or NULL; RTNL, RCU for reading
 * @nat64: the NAT64 prefix, or NULL; RTNL, RCU for reading
 * @max_devices: devices at most
 * @max_sessions: sessions at most
 * @max_device_sessions: sessions of one device at most
 * @timeouts: jiffies without a packet after which a session ends
 * @devices: all devices in the order of their making; RTNL, RCU for reading
 * @n_devices: their number; RTNL
 * @generation: changes with every change to devices, forwards and mappings, is never 0 and
 *	never another gateway's; RTNL
 * @epoch: changes after any identity; what a session has found out in another epoch is stale
 * @by_mac: devices by MAC
 * @by_lan: devices by LAN IPv4 address
 * @by_wan4: identities by WAN IPv4 address
 * @by_wan6: identities by WAN IPv6 and link-local address
 * @forwards: forwards by device, protocol, port
 * @mappings: all mappings in the order of their making; RTNL
 * @mappings4: mappings by IPv4 address
 * @mappings6: mappings by IPv6 address
 * @sessions_lan: sessions by their LAN-side tuple
 * @sessions_wan: sessions by their WAN-side tuple
 * @n_sessions: sessions in the tables
 * @half_open: devices that have half-open sessions, the next one to lose some first
 * @half_open_lock: @half_open; taken with bottom halves off, inside of a device's sessions_lock
 * @gc: ends sessions that timed out
 * @gc_walk: where it is in @sessions_lan
 * @totals: what was dropped and done, per CPU
 * @retired: what devices that are removed had counted; RTNL
 * @hooks: by enum doppel_hook; the last is missing in kernels without egress hooks
 * @n_hooks: of these, how many are registered
 * @debugfs: the directory, or an error pointer
 * @told: what keeps events from becoming a flood
 *
 * Settings may change while packets pass: read them with READ_ONCE().
 */
struct doppel_gateway {
	refcount_t refs;
	struct list_head list;
	struct net *net;
	struct net_device *lan;
	struct net_device *wan;
	netdevice_tracker lan_tracker;
	netdevice_tracker wan_tracker;

	__be32 lan_ipv4;
	__be32 lan_mask;
	u32 identity;
	u32 filter;
	u32 max_devices;
	u32 max_sessions;
	u32 max_device_sessions;
	unsigned long timeouts[DOPPEL_TIMEOUTS];
	struct doppel_device __rcu *lender;
	struct doppel_nat64 __rcu *nat64;

	struct list_head devices;
	u32 n_devices;
	u32 generation;
	u32 epoch;
	struct rhashtable by_mac;
	struct rhashtable by_lan;
	struct rhashtable by_wan4;
	struct rhashtable by_wan6;
	struct rhashtable forwards;
	struct list_head mappings;
	struct rhashtable mappings4;
	struct rhashtable mappings6;

	struct rhashtable sessions_lan;
	struct rhashtable sessions_wan;
	atomic_t n_sessions;
	struct list_head half_open;
	spinlock_t half_open_lock;
	struct delayed_work gc;
	struct rhashtable_iter gc_walk;

	struct doppel_totals __percpu *totals;
	struct doppel_counters_sum retired;

	struct nf_hook_ops hooks[DOPPEL_HOOKS];
	unsigned int n_hooks;
	struct dentry *debugfs;
	struct doppel_told *told;
};

/* The namespace's gateway or NULL; RTNL or RCU. */
struct doppel_gateway *doppel_gateway_get(const struct net *net);

/* A held gateway may be removed, but its session tables stay, empty. RTNL; put may sleep. */
void doppel_gateway_hold(struct doppel_gateway *gw);
void doppel_gateway_put(struct doppel_gateway *gw);

/* Its devices, forwards or mappings have changed; RTNL. */
void doppel_gateway_changed(struct doppel_gateway *gw);

/**
 * struct doppel_gateway_settings - what gateway-set may give
 * @given: a bit for each DOPPEL_A_GATEWAY_* that was given
 * @attrs: the attributes that extack may point to, by DOPPEL_A_GATEWAY_*, or NULL
 * @timeouts: seconds, 0 where not given
 * @lender: all zero for none
 * @nat64_prefix: counts with its length, of which 0 is for none
 */
struct doppel_gateway_settings {
	u32 given;
	struct nlattr *const *attrs;
	u32 lan_ifindex;
	u32 wan_ifindex;
	__be32 lan_ipv4;
	u8 lan_prefix_len;
	u32 identity;
	u32 max_devices;
	u32 max_sessions;
	u32 max_device_sessions;
	u32 timeouts[DOPPEL_TIMEOUTS];
	u8 lender[ETH_ALEN];
	struct in6_addr nat64_prefix;
	u8 nat64_prefix_len;
	u32 filter;
};

/* Makes the namespace's gateway or changes it; RTNL. Says why not in extack. */
int doppel_gateway_set(struct net *net, const struct doppel_gateway_settings *settings,
		       struct netlink_ext_ack *extack);
/* Removes it with all that it holds; RTNL, sleeps. */
void doppel_gateway_remove(struct doppel_gateway *gw);

int doppel_gateway_init(void);
/* Removes every gateway and lets none be made any more; before the netlink family goes. */
void doppel_gateways_close(void);
void doppel_gateway_exit(void);

#endif
