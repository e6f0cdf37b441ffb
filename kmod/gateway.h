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

#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>
#include <uapi/linux/doppel.h>

struct doppel_counters;
struct doppel_drops;
struct doppel_told;

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
 * @max_devices: devices at most
 * @max_sessions: sessions at most
 * @max_device_sessions: sessions of one device at most
 * @timeouts: jiffies without a packet after which a session ends
 * @devices: all devices in the order of their making; RTNL, RCU for reading
 * @n_devices: their number; RTNL
 * @generation: changes with every change to devices and forwards, is never 0 and never
 *	another gateway's; RTNL
 * @by_mac: devices by MAC
 * @by_lan: devices by LAN IPv4 address
 * @by_wan4: identities by WAN IPv4 address
 * @by_wan6: identities by WAN IPv6 and link-local address
 * @forwards: forwards by device, protocol, port
 * @sessions_lan: sessions by their LAN-side tuple
 * @sessions_wan: sessions by their WAN-side tuple
 * @n_sessions: sessions in the tables
 * @gc: ends sessions that timed out
 * @counters: of all devices, per CPU
 * @drops: packets dropped by reason, per CPU
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
	u32 max_devices;
	u32 max_sessions;
	u32 max_device_sessions;
	unsigned long timeouts[DOPPEL_TIMEOUTS];

	struct list_head devices;
	u32 n_devices;
	u32 generation;
	struct rhashtable by_mac;
	struct rhashtable by_lan;
	struct rhashtable by_wan4;
	struct rhashtable by_wan6;
	struct rhashtable forwards;

	struct rhashtable sessions_lan;
	struct rhashtable sessions_wan;
	atomic_t n_sessions;
	struct delayed_work gc;

	struct doppel_counters __percpu *counters;
	struct doppel_drops __percpu *drops;

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

/* Its devices or forwards have changed; RTNL. */
void doppel_gateway_changed(struct doppel_gateway *gw);

/**
 * struct doppel_gateway_settings - what gateway-set may give
 * @given: a bit for each DOPPEL_A_GATEWAY_* that was given
 * @attrs: the attributes that extack may point to, by DOPPEL_A_GATEWAY_*, or NULL
 * @timeouts: seconds, 0 where not given
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
