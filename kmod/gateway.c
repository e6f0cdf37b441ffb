// SPDX-License-Identifier: GPL-2.0-only
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/moduleparam.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/arp.h>
#include <net/ndisc.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "debugfs.h"
#include "device.h"
#include "forward.h"
#include "gateway.h"
#include "hooks.h"
#include "mapping.h"
#include "netlink.h"
#include "refuse.h"
#include "session.h"
#include "stats.h"

/* Seconds. RFC 6146 section 4; SYN as section 3.5.2.2 has TCP_INCOMING_SYN; RFC 5382 REQ-5. */
static const u32 default_timeouts[DOPPEL_TIMEOUTS] = {
	[DOPPEL_TIMEOUT_TCP_SYN] = 6,
	[DOPPEL_TIMEOUT_TCP_ESTABLISHED] = 7440,
	[DOPPEL_TIMEOUT_TCP_CLOSING] = 240,
	[DOPPEL_TIMEOUT_UDP] = 300,
	[DOPPEL_TIMEOUT_ICMP] = 60,
};

static unsigned int max_devices = 1000;
module_param(max_devices, uint, 0644);
MODULE_PARM_DESC(max_devices, "devices of a new gateway that gateway-set gives no max-devices");

static unsigned int max_sessions = 262144;
module_param(max_sessions, uint, 0644);
MODULE_PARM_DESC(max_sessions, "sessions of a new gateway that gateway-set gives no max-sessions");

/* One device's share, unless gateway-set says otherwise. */
#define SESSIONS_SHARE 4

struct doppel_net {
	struct doppel_gateway __rcu *gateway;
};

static unsigned int net_id __read_mostly;
static LIST_HEAD(gateways);	/* RTNL */
static bool closed;		/* RTNL */

static struct doppel_net *doppel_net(const struct net *net)
{
	return net_generic(net, net_id);
}

struct doppel_gateway *doppel_gateway_get(const struct net *net)
{
	return rcu_dereference_rtnl(doppel_net(net)->gateway);
}

void doppel_gateway_changed(struct doppel_gateway *gw)
{
	static u32 generation;

	ASSERT_RTNL();
	if (!++generation)
		generation++;
	WRITE_ONCE(gw->generation, generation);
}

void doppel_gateway_hold(struct doppel_gateway *gw)
{
	refcount_inc(&gw->refs);
}

void doppel_gateway_put(struct doppel_gateway *gw)
{
	if (!refcount_dec_and_test(&gw->refs))
		return;

	doppel_sessions_destroy(gw);
	free_percpu(gw->totals);
	kfree(gw->told);
	kfree(gw);
}

/* --- Settings. --------------------------------------------------------------------------- */

#define GIVEN(attr) BIT(DOPPEL_A_GATEWAY_##attr)
#define REFUSE(attr, err, msg) \
	doppel_refuse(extack, settings->attrs, DOPPEL_A_GATEWAY_##attr, err, msg)

static int check_lan(__be32 addr, __be32 mask, const struct doppel_gateway_settings *settings,
		     struct netlink_ext_ack *extack)
{
	if (!(addr & htonl(0xff000000)) || ipv4_is_loopback(addr) || ipv4_is_multicast(addr) ||
	    ipv4_is_lbcast(addr))
		return REFUSE(LAN_IPV4, -EADDRNOTAVAIL, "lan-ipv4 is no unicast address");
	if (!mask || ntohl(~mask) < 3)
		return REFUSE(LAN_PREFIX_LEN, -EINVAL, "lan-prefix-len is not 1 to 30");
	if (!(addr & ~mask) || addr == (addr | ~mask))
		return REFUSE(LAN_IPV4, -EADDRNOTAVAIL,
			      "lan-ipv4 is its network's or the broadcast address");
	return 0;
}

/* The devices must find their place in another LAN network, and none have its new address; what
 * stands for somebody beyond the WAN must be outside.
 */
static int check_move(struct doppel_gateway *gw, __be32 addr, __be32 mask,
			 const struct doppel_gateway_settings *settings,
			 struct netlink_ext_ack *extack)
{
	const struct doppel_mapping *mapping;
	const struct doppel_device *device;

	list_for_each_entry(mapping, &gw->mappings, list)
		if (!((mapping->ipv4 ^ addr) & mask))
			return REFUSE(LAN_IPV4, -EBUSY,
				      "a mapping's address is inside the new LAN network");

	list_for_each_entry(device, &gw->devices, list) {
		const struct doppel_identity *identity = rtnl_dereference(device->identity);
		__be32 lan = device->lan_ipv4;

		if (lan && (lan == addr || ((lan ^ addr) & mask) || !(lan & ~mask) ||
			    lan == (lan | ~mask)))
			return REFUSE(LAN_IPV4, -EBUSY,
				      "a device's LAN address does not fit the new LAN network");
		if (identity->wan_ipv4 && !((identity->wan_ipv4 ^ addr) & mask))
			return REFUSE(LAN_IPV4, -EBUSY,
				      "a device's WAN address is inside the new LAN network");
	}
	return 0;
}

static int check_identity(const struct doppel_gateway *gw, u32 identity,
			  const struct doppel_gateway_settings *settings,
			  struct netlink_ext_ack *extack)
{
	if (identity == DOPPEL_IDENTITY_MODE_OWN || gw->n_hooks == DOPPEL_HOOKS)
		return 0;
	return REFUSE(IDENTITY, -EOPNOTSUPP,
		      "devices-only needs a kernel with CONFIG_NETFILTER_EGRESS; own does without");
}

static bool lender_given(const struct doppel_gateway_settings *settings)
{
	return settings->given & GIVEN(LENDER) && !is_zero_ether_addr(settings->lender);
}

static int check_lender(struct doppel_gateway *gw, const struct doppel_gateway_settings *settings,
			struct netlink_ext_ack *extack)
{
	if (lender_given(settings) && !doppel_device_by_mac(gw, settings->lender))
		return REFUSE(LENDER, -ENOENT, "lender is no device's mac");
	return 0;
}

/* The prefix that is given, NULL if it is one to forget or none. */
static struct doppel_nat64 *make_nat64(const struct doppel_gateway_settings *settings,
				       struct netlink_ext_ack *extack)
{
	bool prefix = settings->given & GIVEN(NAT64_PREFIX);
	bool len = settings->given & GIVEN(NAT64_PREFIX_LEN);

	if (len && !settings->nat64_prefix_len)
		return NULL;
	if (prefix != len) {
		NL_SET_ERR_MSG_MOD(extack, "nat64-prefix and nat64-prefix-len go together");
		return ERR_PTR(-EINVAL);
	}
	if (!prefix)
		return NULL;
	return doppel_nat64_alloc(&settings->nat64_prefix, settings->nat64_prefix_len, extack);
}

/* The sessions by the old ones end. @nat64 is the gateway's from here on. */
static void apply_peers(struct doppel_gateway *gw, const struct doppel_gateway_settings *settings,
			struct doppel_nat64 *nat64)
{
	struct doppel_device *old_lender = rtnl_dereference(gw->lender);
	struct doppel_device *lender = old_lender;
	struct doppel_nat64 *old;

	if (settings->given & GIVEN(LENDER))
		lender = lender_given(settings) ? doppel_device_by_mac(gw, settings->lender) : NULL;
	if (lender != old_lender) {
		const struct doppel_session_filter filter = { .lent = true };

		rcu_assign_pointer(gw->lender, lender);
		/* A packet that has still found it may be about to begin a session. */
		synchronize_net();
		if (old_lender)
			doppel_sessions_flush(old_lender, &filter);
	}

	if (settings->given & GIVEN(NAT64_PREFIX_LEN)) {
		old = rtnl_dereference(gw->nat64);
		rcu_assign_pointer(gw->nat64, nat64);
		if (!old)
			return;
		synchronize_net();
		doppel_devices_flush_unmapped(gw);
		kfree_rcu(old, rcu);
	}
}

static void apply(struct doppel_gateway *gw, const struct doppel_gateway_settings *settings)
{
	unsigned int i;

	if (settings->given & GIVEN(FILTER))
		WRITE_ONCE(gw->filter, settings->filter);
	if (settings->given & GIVEN(LAN_IPV4))
		WRITE_ONCE(gw->lan_ipv4, settings->lan_ipv4);
	if (settings->given & GIVEN(LAN_PREFIX_LEN))
		WRITE_ONCE(gw->lan_mask, inet_make_mask(settings->lan_prefix_len));
	if (settings->given & GIVEN(IDENTITY))
		WRITE_ONCE(gw->identity, settings->identity);
	if (settings->given & GIVEN(MAX_DEVICES))
		gw->max_devices = settings->max_devices;
	if (settings->given & GIVEN(MAX_SESSIONS))
		WRITE_ONCE(gw->max_sessions, settings->max_sessions);
	if (settings->given & GIVEN(MAX_DEVICE_SESSIONS))
		WRITE_ONCE(gw->max_device_sessions, settings->max_device_sessions);
	else if (settings->given & GIVEN(MAX_SESSIONS) && !gw->max_device_sessions)
		gw->max_device_sessions = max(settings->max_sessions / SESSIONS_SHARE, 1U);
	for (i = 0; i < DOPPEL_TIMEOUTS; i++)
		if (settings->timeouts[i])
			WRITE_ONCE(gw->timeouts[i], settings->timeouts[i] * HZ);
}

static int change_gateway(struct doppel_gateway *gw,
			  const struct doppel_gateway_settings *settings,
			  struct netlink_ext_ack *extack)
{
	__be32 addr = settings->given & GIVEN(LAN_IPV4) ? settings->lan_ipv4 : gw->lan_ipv4;
	__be32 mask = settings->given & GIVEN(LAN_PREFIX_LEN) ?
			      inet_make_mask(settings->lan_prefix_len) : gw->lan_mask;
	bool moves = addr != gw->lan_ipv4;
	struct doppel_nat64 *nat64;
	int err = 0;

	if (settings->given & GIVEN(LAN_IFINDEX) && settings->lan_ifindex != gw->lan->ifindex)
		return REFUSE(LAN_IFINDEX, -EBUSY,
			      "the ports of a gateway do not change: send gateway-del first");
	if (settings->given & GIVEN(WAN_IFINDEX) && settings->wan_ifindex != gw->wan->ifindex)
		return REFUSE(WAN_IFINDEX, -EBUSY,
			      "the ports of a gateway do not change: send gateway-del first");
	if (moves || mask != gw->lan_mask) {
		err = check_lan(addr, mask, settings, extack);
		if (!err)
			err = check_move(gw, addr, mask, settings, extack);
	}
	if (!err && settings->given & GIVEN(IDENTITY))
		err = check_identity(gw, settings->identity, settings, extack);
	if (!err)
		err = check_lender(gw, settings, extack);
	if (err)
		return err;
	nat64 = make_nat64(settings, extack);
	if (IS_ERR(nat64))
		return PTR_ERR(nat64);

	apply(gw, settings);
	apply_peers(gw, settings, nat64);
	if (moves) {
		/* IPv6 clients appeared as the old address. */
		synchronize_net();
		doppel_devices_flush(gw);
	}
	return 0;
}

/* --- Making and removing. ---------------------------------------------------------------- */

static int find_ports(struct net *net, struct doppel_gateway *gw,
		      const struct doppel_gateway_settings *settings,
		      struct netlink_ext_ack *extack)
{
	gw->lan = __dev_get_by_index(net, settings->lan_ifindex);
	if (!gw->lan)
		return REFUSE(LAN_IFINDEX, -ENODEV, "no such port in this network namespace");
	gw->wan = __dev_get_by_index(net, settings->wan_ifindex);
	if (!gw->wan)
		return REFUSE(WAN_IFINDEX, -ENODEV, "no such port in this network namespace");

	if (gw->lan->type != ARPHRD_ETHER || gw->lan->addr_len != ETH_ALEN)
		return REFUSE(LAN_IFINDEX, -EAFNOSUPPORT, "the LAN port is not Ethernet");
	if (gw->wan->type != ARPHRD_ETHER || gw->wan->addr_len != ETH_ALEN)
		return REFUSE(WAN_IFINDEX, -EAFNOSUPPORT, "the WAN port is not Ethernet");
	if (gw->lan == gw->wan)
		return REFUSE(WAN_IFINDEX, -EINVAL, "the LAN and the WAN port are the same");
	if (netdev_has_upper_dev(gw->lan, gw->wan) || netdev_has_upper_dev(gw->wan, gw->lan))
		return REFUSE(WAN_IFINDEX, -EINVAL,
			      "the LAN and the WAN port are parts of each other");
	return 0;
}

static int register_hooks(struct doppel_gateway *gw, struct netlink_ext_ack *extack)
{
	static const struct {
		nf_hookfn *function;
		unsigned int hooknum;
	} kinds[DOPPEL_HOOKS] = {
		[DOPPEL_HOOK_LAN_IN] = { doppel_lan_in, NF_NETDEV_INGRESS },
		[DOPPEL_HOOK_WAN_IN] = { doppel_wan_in, NF_NETDEV_INGRESS },
		[DOPPEL_HOOK_WAN_OUT] = { doppel_wan_out, NF_NETDEV_EGRESS },
	};
	unsigned int i;
	int err;

	for (i = 0; i < DOPPEL_HOOKS; i++) {
		struct nf_hook_ops *hook = &gw->hooks[i];

		/* After the site's own filters on these ports. */
		hook->hook = kinds[i].function;
		hook->hooknum = kinds[i].hooknum;
		hook->pf = NFPROTO_NETDEV;
		hook->dev = i == DOPPEL_HOOK_LAN_IN ? gw->lan : gw->wan;
		hook->priv = gw;
		hook->priority = INT_MAX;

		err = nf_register_net_hook(gw->net, hook);
		if (err == -EOPNOTSUPP && i == DOPPEL_HOOK_WAN_OUT)
			break;
		if (err) {
			NL_SET_ERR_MSG_MOD(extack,
					   "no netfilter hook (is CONFIG_NETFILTER_INGRESS set?)");
			goto err_unregister;
		}
		gw->n_hooks++;
	}
	return 0;

err_unregister:
	nf_unregister_net_hooks(gw->net, gw->hooks, gw->n_hooks);
	synchronize_net();
	return err;
}

static void set_defaults(struct doppel_gateway *gw)
{
	unsigned int i;

	gw->identity = DOPPEL_IDENTITY_MODE_DEVICES_ONLY;
	gw->max_devices = clamp(READ_ONCE(max_devices), 1U, DOPPEL_DEVICES_LIMIT + 0U);
	gw->max_sessions = clamp(READ_ONCE(max_sessions), 1U, DOPPEL_SESSIONS_LIMIT + 0U);
	for (i = 0; i < DOPPEL_TIMEOUTS; i++)
		gw->timeouts[i] = default_timeouts[i] * HZ;
}

static int make_gateway(struct net *net, const struct doppel_gateway_settings *settings,
			struct netlink_ext_ack *extack)
{
	static const struct {
		u32 bit;
		const char *msg;
	} needed[] = {
		{ GIVEN(LAN_IFINDEX), KBUILD_MODNAME ": a new gateway needs lan-ifindex" },
		{ GIVEN(WAN_IFINDEX), KBUILD_MODNAME ": a new gateway needs wan-ifindex" },
		{ GIVEN(LAN_IPV4), KBUILD_MODNAME ": a new gateway needs lan-ipv4" },
		{ GIVEN(LAN_PREFIX_LEN), KBUILD_MODNAME ": a new gateway needs lan-prefix-len" },
	};
	struct doppel_nat64 *nat64;
	struct doppel_gateway *gw;
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (settings->given & needed[i].bit)
			continue;
		NL_SET_ERR_ATTR_MISS(extack, NULL, __ffs(needed[i].bit));
		if (extack)
			extack->_msg = needed[i].msg;
		return -EINVAL;
	}

	gw = kzalloc(sizeof(*gw), GFP_KERNEL);
	if (!gw)
		return -ENOMEM;
	refcount_set(&gw->refs, 1);
	gw->net = net;
	set_defaults(gw);
	doppel_gateway_changed(gw);

	err = find_ports(net, gw, settings, extack);
	if (!err)
		err = check_lan(settings->lan_ipv4, inet_make_mask(settings->lan_prefix_len),
				settings, extack);
	if (!err && lender_given(settings))
		err = REFUSE(LENDER, -ENOENT, "a new gateway has no devices yet");
	if (err)
		goto err_free;
	nat64 = make_nat64(settings, extack);
	err = PTR_ERR_OR_ZERO(nat64);
	if (err)
		goto err_free;
	RCU_INIT_POINTER(gw->nat64, nat64);
	apply(gw, settings);
	if (!gw->max_device_sessions)
		gw->max_device_sessions = max(gw->max_sessions / SESSIONS_SHARE, 1U);

	err = -ENOMEM;
	gw->totals = doppel_totals_alloc();
	gw->told = doppel_told_alloc();
	if (!gw->totals || !gw->told)
		goto err_nat64;
	err = doppel_devices_init(gw);
	if (err)
		goto err_nat64;
	err = doppel_forwards_init(gw);
	if (err)
		goto err_devices;
	err = doppel_mappings_init(gw);
	if (err)
		goto err_forwards;
	err = doppel_sessions_init(gw);
	if (err)
		goto err_mappings;
	err = register_hooks(gw, extack);
	if (err)
		goto err_sessions;
	err = check_identity(gw, gw->identity, settings, extack);
	if (err)
		goto err_hooks;

	/* Packets made larger by the NIC cannot be sent on. */
	dev_disable_lro(gw->lan);
	dev_disable_lro(gw->wan);
	netdev_hold(gw->lan, &gw->lan_tracker, GFP_KERNEL);
	netdev_hold(gw->wan, &gw->wan_tracker, GFP_KERNEL);
	list_add_tail(&gw->list, &gateways);
	doppel_debugfs_add(gw);
	rcu_assign_pointer(doppel_net(net)->gateway, gw);
	return 0;

err_hooks:
	nf_unregister_net_hooks(net, gw->hooks, gw->n_hooks);
	synchronize_net();
err_sessions:
	doppel_sessions_destroy(gw);
err_mappings:
	doppel_mappings_destroy(gw);
err_forwards:
	doppel_forwards_destroy(gw);
err_devices:
	doppel_devices_destroy(gw);
err_nat64:
	kfree(nat64);
err_free:
	kfree(gw->told);
	free_percpu(gw->totals);
	kfree(gw);
	return err;
}

int doppel_gateway_set(struct net *net, const struct doppel_gateway_settings *settings,
		       struct netlink_ext_ack *extack)
{
	struct doppel_gateway *gw;

	ASSERT_RTNL();
	if (closed) {
		NL_SET_ERR_MSG_MOD(extack, "the module is being unloaded");
		return -ESHUTDOWN;
	}

	gw = doppel_gateway_get(net);
	return gw ? change_gateway(gw, settings, extack) : make_gateway(net, settings, extack);
}

void doppel_gateway_remove(struct doppel_gateway *gw)
{
	ASSERT_RTNL();
	RCU_INIT_POINTER(doppel_net(gw->net)->gateway, NULL);
	list_del(&gw->list);
	doppel_debugfs_remove(gw);
	nf_unregister_net_hooks(gw->net, gw->hooks, DOPPEL_HOOK_WAN_OUT);
	synchronize_net();

	/* What the next hops are asked after this leaves with the port's own MAC: forget them
	 * while the egress hook still watches.
	 */
	neigh_carrier_down(&arp_tbl, gw->wan);
	neigh_carrier_down(&nd_tbl, gw->wan);
	nf_unregister_net_hooks(gw->net, gw->hooks + DOPPEL_HOOK_WAN_OUT,
				gw->n_hooks - DOPPEL_HOOK_WAN_OUT);

	/* No packet is in the hooks any more. */
	synchronize_net();
	doppel_devices_destroy(gw);
	doppel_forwards_destroy(gw);
	doppel_mappings_destroy(gw);
	kfree(rtnl_dereference(gw->nat64));
	netdev_put(gw->lan, &gw->lan_tracker);
	netdev_put(gw->wan, &gw->wan_tracker);
	doppel_gateway_put(gw);
}

/* --- Ports and namespaces go. ------------------------------------------------------------ */

static int port_event(struct notifier_block *block, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct doppel_gateway *gw;

	/* Also when it moves to another namespace. */
	if (event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;

	gw = doppel_gateway_get(dev_net(dev));
	if (!gw || (dev != gw->lan && dev != gw->wan))
		return NOTIFY_DONE;

	doppel_notify_port_gone(gw, dev == gw->lan ? DOPPEL_PORT_LAN : DOPPEL_PORT_WAN);
	doppel_gateway_remove(gw);
	return NOTIFY_DONE;
}

static struct notifier_block port_notifier = {
	.notifier_call = port_event,
};

static void __net_exit net_exit(struct net *net)
{
	struct doppel_gateway *gw;

	rtnl_lock();
	gw = doppel_gateway_get(net);
	if (gw)
		doppel_gateway_remove(gw);
	rtnl_unlock();
}

static struct pernet_operations net_ops = {
	.exit = net_exit,
	.id = &net_id,
	.size = sizeof(struct doppel_net),
};

int doppel_gateway_init(void)
{
	int err;

	err = register_pernet_subsys(&net_ops);
	if (err)
		return err;

	err = register_netdevice_notifier(&port_notifier);
	if (err)
		unregister_pernet_subsys(&net_ops);
	return err;
}

void doppel_gateways_close(void)
{
	struct doppel_gateway *gw, *next;

	rtnl_lock();
	closed = true;
	list_for_each_entry_safe(gw, next, &gateways, list)
		doppel_gateway_remove(gw);
	rtnl_unlock();
}

void doppel_gateway_exit(void)
{
	unregister_netdevice_notifier(&port_notifier);
	unregister_pernet_subsys(&net_ops);
}
