/* SPDX-License-Identifier: GPL-2.0-only */
/* Two ports in the first namespace and a gateway over them. */
#ifndef _DOPPEL_KUNIT_PORTS_H
#define _DOPPEL_KUNIT_PORTS_H

#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/inet.h>
#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>

#include "device.h"
#include "gateway.h"

/**
 * struct port - what a port has of its own
 * @sent: where the frames go that it is to send; NULL: nowhere
 */
struct port {
	struct sk_buff_head *sent;
};

/**
 * struct ports - two Ethernet ports that send nothing
 * @lan: a LAN port, or NULL once it is deleted
 * @wan: a WAN port, or NULL once it is deleted
 * @extack: of the last request
 */
struct ports {
	struct net_device *lan;
	struct net_device *wan;
	struct netlink_ext_ack extack;
};

static inline netdev_tx_t keep_or_swallow(struct sk_buff *skb, struct net_device *dev)
{
	struct port *port = netdev_priv(dev);

	if (port->sent)
		__skb_queue_tail(port->sent, skb);
	else
		dev_kfree_skb(skb);
	return NETDEV_TX_OK;
}

static inline void keep_filter(struct net_device *dev)
{
}

static inline struct net_device *add_port(struct kunit *test, const char *name)
{
	static const struct net_device_ops ops = {
		.ndo_start_xmit = keep_or_swallow,
		.ndo_set_rx_mode = keep_filter,
	};
	struct net_device *dev = alloc_netdev(sizeof(struct port), name, NET_NAME_UNKNOWN,
					      ether_setup);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->netdev_ops = &ops;
	dev->priv_flags |= IFF_UNICAST_FLT | IFF_NO_QUEUE;
	eth_hw_addr_random(dev);
	KUNIT_ASSERT_EQ(test, register_netdev(dev), 0);
	return dev;
}

static inline void del_port(struct net_device **dev)
{
	if (!*dev)
		return;
	unregister_netdev(*dev);
	free_netdev(*dev);
	*dev = NULL;
}

static inline int set_gateway(struct kunit *test, struct doppel_gateway_settings *settings)
{
	struct ports *ports = test->priv;
	int err;

	memset(&ports->extack, 0, sizeof(ports->extack));
	rtnl_lock();
	err = doppel_gateway_set(&init_net, settings, &ports->extack);
	rtnl_unlock();
	if (err)
		KUNIT_EXPECT_NOT_NULL_MSG(test, ports->extack._msg, "refused without a word");
	return err;
}

static inline struct doppel_gateway_settings gateway_settings(struct kunit *test)
{
	const struct ports *ports = test->priv;
	struct doppel_gateway_settings settings = {
		.given = BIT(DOPPEL_A_GATEWAY_LAN_IFINDEX) | BIT(DOPPEL_A_GATEWAY_WAN_IFINDEX) |
			 BIT(DOPPEL_A_GATEWAY_LAN_IPV4) | BIT(DOPPEL_A_GATEWAY_LAN_PREFIX_LEN),
		.lan_ifindex = ports->lan->ifindex,
		.wan_ifindex = ports->wan->ifindex,
		.lan_ipv4 = in_aton("192.168.1.1"),
		.lan_prefix_len = 24,
	};

	return settings;
}

/* Good while nothing else removes it; tests have the namespace's gateway for themselves. */
static inline struct doppel_gateway *gateway(void)
{
	struct doppel_gateway *gw;

	rcu_read_lock();
	gw = doppel_gateway_get(&init_net);
	rcu_read_unlock();
	return gw;
}

static inline void remove_gateway(void)
{
	struct doppel_gateway *gw;

	rtnl_lock();
	gw = doppel_gateway_get(&init_net);
	if (gw)
		doppel_gateway_remove(gw);
	rtnl_unlock();
}

static inline void add_ports(struct kunit *test, struct ports *ports)
{
	test->priv = ports;
	ports->lan = add_port(test, "kunitlan");
	ports->wan = add_port(test, "kunitwan");
}

static inline int ports_init(struct kunit *test)
{
	struct ports *ports = kunit_kzalloc(test, sizeof(*ports), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ports);
	add_ports(test, ports);
	return 0;
}

static inline int ports_init_gateway(struct kunit *test)
{
	struct doppel_gateway_settings settings;

	ports_init(test);
	settings = gateway_settings(test);
	KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
	return 0;
}

static inline void ports_exit(struct kunit *test)
{
	struct ports *ports = test->priv;

	remove_gateway();
	del_port(&ports->wan);
	del_port(&ports->lan);
}

/* How often the port's filter was asked for this address. */
static inline int wants(const struct net_device *dev, const u8 *mac)
{
	const struct netdev_hw_addr *ha;
	int count = 0;

	rtnl_lock();
	netdev_for_each_uc_addr(ha, dev)
		if (ether_addr_equal(ha->addr, mac))
			count += ha->refcount;
	netdev_for_each_mc_addr(ha, dev)
		if (ether_addr_equal(ha->addr, mac))
			count += ha->refcount;
	rtnl_unlock();
	return count;
}

static inline void nth_mac(u8 *mac, u32 n)
{
	const u8 bytes[ETH_ALEN] = { 0x02, 0x00, n >> 24, n >> 16, n >> 8, n };

	ether_addr_copy(mac, bytes);
}

static inline struct in6_addr ip6(const char *text)
{
	struct in6_addr addr = {};

	in6_pton(text, -1, addr.s6_addr, -1, NULL);
	return addr;
}

static inline int add_device(struct kunit *test, const struct doppel_device_settings *settings)
{
	struct ports *ports = test->priv;
	int err;

	memset(&ports->extack, 0, sizeof(ports->extack));
	rtnl_lock();
	err = doppel_device_add(doppel_gateway_get(&init_net), settings, &ports->extack);
	rtnl_unlock();
	if (err)
		KUNIT_EXPECT_NOT_NULL_MSG(test, ports->extack._msg, "refused without a word");
	return err;
}

static inline int set_device(struct kunit *test, const struct doppel_device_settings *settings)
{
	struct ports *ports = test->priv;
	int err;

	memset(&ports->extack, 0, sizeof(ports->extack));
	rtnl_lock();
	err = doppel_device_set(doppel_gateway_get(&init_net), settings, &ports->extack);
	rtnl_unlock();
	if (err)
		KUNIT_EXPECT_NOT_NULL_MSG(test, ports->extack._msg, "refused without a word");
	return err;
}

static inline int del_device(struct kunit *test, u32 n)
{
	struct ports *ports = test->priv;
	u8 mac[ETH_ALEN];
	int err;

	nth_mac(mac, n);
	memset(&ports->extack, 0, sizeof(ports->extack));
	rtnl_lock();
	err = doppel_device_del(doppel_gateway_get(&init_net), mac, &ports->extack);
	rtnl_unlock();
	return err;
}

/* Device @n as an agent would describe it, addresses included. */
static inline struct doppel_device_settings device_settings(u32 n)
{
	struct doppel_device_settings settings = {
		.given = BIT(DOPPEL_A_DEVICE_MAC) | BIT(DOPPEL_A_DEVICE_LAN_IPV4) |
			 BIT(DOPPEL_A_DEVICE_WAN_IPV4) | BIT(DOPPEL_A_DEVICE_WAN_PREFIX_LEN) |
			 BIT(DOPPEL_A_DEVICE_WAN_ROUTER) | BIT(DOPPEL_A_DEVICE_LINK_LOCAL) |
			 BIT(DOPPEL_A_DEVICE_WAN_IPV6) | BIT(DOPPEL_A_DEVICE_WAN_ROUTER6),
		.lan_ipv4 = htonl(0xc0a80100 + 10 + n),		/* 192.168.1.(10 + n) */
		.wan_ipv4 = htonl(0x0a010000 + 256 + n),	/* 10.1.1.n */
		.wan_prefix_len = 16,
		.wan_router = htonl(0x0a010001),
		.n_wan_ipv6 = 1,
	};

	nth_mac(settings.mac, n);
	settings.link_local = ip6("fe80::1:0:0");
	settings.link_local.s6_addr32[3] = htonl(n);
	settings.wan_router6 = ip6("fe80::1");
	settings.wan_ipv6[0].addr = ip6("2001:db8::");
	settings.wan_ipv6[0].addr.s6_addr32[3] = htonl(n);
	settings.wan_ipv6[0].prefix_len = 64;
	return settings;
}

/* Good while the test itself does not delete it. */
static inline struct doppel_device *find_device(u32 n)
{
	u8 mac[ETH_ALEN];

	nth_mac(mac, n);
	return doppel_device_by_mac(gateway(), mac);
}

#endif
