// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/addrconf.h>

#include "device.h"
#include "forward.h"
#include "netlink.h"
#include "refuse.h"
#include "session.h"
#include "stats.h"

static const struct rhashtable_params mac_params = {
	.key_len = ETH_ALEN,
	.key_offset = offsetof(struct doppel_device, mac),
	.head_offset = offsetof(struct doppel_device, by_mac),
	.automatic_shrinking = true,
};

static const struct rhashtable_params lan_params = {
	.key_len = sizeof(__be32),
	.key_offset = offsetof(struct doppel_lan, addr),
	.head_offset = offsetof(struct doppel_lan, node),
	.automatic_shrinking = true,
};

static const struct rhashtable_params wan4_params = {
	.key_len = sizeof(__be32),
	.key_offset = offsetof(struct doppel_identity, wan_ipv4),
	.head_offset = offsetof(struct doppel_identity, by_wan4),
	.automatic_shrinking = true,
};

static const struct rhashtable_params wan6_params = {
	.key_len = sizeof(struct in6_addr),
	.key_offset = offsetof(struct doppel_address, addr),
	.head_offset = offsetof(struct doppel_address, node),
	.automatic_shrinking = true,
};

struct doppel_device *doppel_device_by_mac(struct doppel_gateway *gw, const u8 *mac)
{
	return rhashtable_lookup_fast(&gw->by_mac, mac, mac_params);
}

struct doppel_device *doppel_device_by_lan(struct doppel_gateway *gw, __be32 addr)
{
	struct doppel_lan *lan;
	struct doppel_device *device;

	/* Under RTNL alone nobody else keeps the entry. */
	rcu_read_lock();
	lan = rhashtable_lookup(&gw->by_lan, &addr, lan_params);
	device = lan ? lan->device : NULL;
	rcu_read_unlock();
	return device;
}

struct doppel_identity *doppel_identity_by_wan4(struct doppel_gateway *gw, __be32 addr)
{
	return rhashtable_lookup_fast(&gw->by_wan4, &addr, wan4_params);
}

struct doppel_address *doppel_address_by_wan6(struct doppel_gateway *gw,
					      const struct in6_addr *addr)
{
	return rhashtable_lookup_fast(&gw->by_wan6, addr, wan6_params);
}

bool doppel_is_hairpin(struct doppel_gateway *gw, const struct doppel_wan_tuple *wan)
{
	return wan->family == AF_INET ? !!doppel_identity_by_wan4(gw, wan->peer.ipv4) :
					!!doppel_address_by_wan6(gw, &wan->peer.ipv6);
}

/* --- What may be an address of a device. ------------------------------------------------- */

#define GIVEN(attr) BIT(DOPPEL_A_DEVICE_##attr)
#define REFUSE(attr, err, msg) \
	doppel_refuse(extack, settings->attrs, DOPPEL_A_DEVICE_##attr, err, msg)

bool doppel_is_unicast4(__be32 addr)
{
	return addr & htonl(0xff000000) && !ipv4_is_loopback(addr) && !ipv4_is_multicast(addr) &&
	       !ipv4_is_lbcast(addr);
}

bool doppel_is_unicast6(const struct in6_addr *addr)
{
	return !ipv6_addr_any(addr) && !ipv6_addr_loopback(addr) && !ipv6_addr_is_multicast(addr) &&
	       !ipv6_addr_v4mapped(addr);
}

static bool is_link_local(const struct in6_addr *addr)
{
	return ipv6_addr_type(addr) & IPV6_ADDR_LINKLOCAL;
}

/* The first or the last address of its network. */
static bool is_edge(__be32 addr, __be32 mask)
{
	return ~mask && mask != inet_make_mask(31) && (!(addr & ~mask) || addr == (addr | ~mask));
}

static int check_mac(const struct doppel_gateway *gw,
		     const struct doppel_device_settings *settings,
		     struct netlink_ext_ack *extack)
{
	if (!is_valid_ether_addr(settings->mac))
		return REFUSE(MAC, -EADDRNOTAVAIL, "mac is no unicast address");
	if (ether_addr_equal(settings->mac, gw->lan->dev_addr))
		return REFUSE(MAC, -EADDRINUSE, "mac is the LAN port's own");
	if (ether_addr_equal(settings->mac, gw->wan->dev_addr))
		return REFUSE(MAC, -EADDRINUSE, "mac is the WAN port's own");
	return 0;
}

static int check_lan(const struct doppel_gateway *gw,
		     const struct doppel_device_settings *settings,
		     struct netlink_ext_ack *extack)
{
	__be32 addr = settings->lan_ipv4;

	if (!addr)
		return 0;
	if ((addr ^ gw->lan_ipv4) & gw->lan_mask)
		return REFUSE(LAN_IPV4, -EADDRNOTAVAIL, "lan-ipv4 is outside the LAN's network");
	if (addr == gw->lan_ipv4)
		return REFUSE(LAN_IPV4, -EADDRINUSE, "lan-ipv4 is the gateway's own");
	if (is_edge(addr, gw->lan_mask))
		return REFUSE(LAN_IPV4, -EADDRNOTAVAIL,
			      "lan-ipv4 is the LAN's network or broadcast address");
	return 0;
}

static int check_wan4(const struct doppel_gateway *gw, const struct doppel_identity *identity,
		      const struct doppel_device_settings *settings,
		      struct netlink_ext_ack *extack)
{
	__be32 addr = identity->wan_ipv4;

	if (!addr)
		return 0;
	if (!doppel_is_unicast4(addr))
		return REFUSE(WAN_IPV4, -EADDRNOTAVAIL, "wan-ipv4 is no unicast address");
	if (!identity->wan_mask)
		return REFUSE(WAN_PREFIX_LEN, -EINVAL, "wan-ipv4 needs a wan-prefix-len of 1 to 32");
	if (is_edge(addr, identity->wan_mask))
		return REFUSE(WAN_IPV4, -EADDRNOTAVAIL,
			      "wan-ipv4 is its network's first or last address");
	if (!((addr ^ gw->lan_ipv4) & gw->lan_mask))
		return REFUSE(WAN_IPV4, -EADDRNOTAVAIL, "wan-ipv4 is inside the LAN's network");
	if (identity->wan_router == addr)
		return REFUSE(WAN_ROUTER, -EADDRINUSE, "wan-router is the device itself");
	if (identity->wan_router && !doppel_is_unicast4(identity->wan_router))
		return REFUSE(WAN_ROUTER, -EADDRNOTAVAIL, "wan-router is no unicast address");
	return 0;
}

static int check_wan6(const struct doppel_identity *identity,
		      const struct doppel_device_settings *settings,
		      struct netlink_ext_ack *extack)
{
	const struct in6_addr *router = &identity->wan_router6;
	const struct in6_addr *link_local = &identity->link_local.addr;
	unsigned int i, j;

	if (!ipv6_addr_any(link_local) && !is_link_local(link_local))
		return REFUSE(LINK_LOCAL, -EADDRNOTAVAIL, "link-local is not in fe80::/10");
	if (!ipv6_addr_any(router) && !doppel_is_unicast6(router))
		return REFUSE(WAN_ROUTER6, -EADDRNOTAVAIL, "wan-router6 is no unicast address");

	for (i = 0; i < identity->n_wan_ipv6; i++) {
		const struct in6_addr *addr = &identity->wan_ipv6[i].addr;

		if (!doppel_is_unicast6(addr) || is_link_local(addr))
			return REFUSE(WAN_IPV6, -EADDRNOTAVAIL,
				      "an address of wan-ipv6 is no global unicast address");
		if (ipv6_addr_equal(addr, router))
			return REFUSE(WAN_ROUTER6, -EADDRINUSE, "wan-router6 is the device itself");
		for (j = 0; j < i; j++)
			if (ipv6_addr_equal(addr, &identity->wan_ipv6[j].addr))
				return REFUSE(WAN_IPV6, -EINVAL,
					      "wan-ipv6 has an address twice");
	}
	return 0;
}

/* --- Identities: made whole, checked, put in the place of the old one. -------------------- */

/* The i-th of the IPv6 addresses, of which the link-local address is the last, or NULL. */
static struct doppel_address *address_at(struct doppel_identity *identity, unsigned int i)
{
	if (i < identity->n_wan_ipv6)
		return &identity->wan_ipv6[i];
	if (i == identity->n_wan_ipv6 && !ipv6_addr_any(&identity->link_local.addr))
		return &identity->link_local;
	return NULL;
}

static struct doppel_address *find_address(struct doppel_identity *identity,
					   const struct in6_addr *addr)
{
	struct doppel_address *address;
	unsigned int i;

	for (i = 0; (address = address_at(identity, i)); i++)
		if (ipv6_addr_equal(&address->addr, addr))
			return address;
	return NULL;
}

/* The old identity, or none, with what the settings give. */
static struct doppel_identity *make_identity(struct doppel_device *device,
					     const struct doppel_identity *old,
					     const struct doppel_device_settings *settings)
{
	struct doppel_identity *identity = kzalloc(sizeof(*identity), GFP_KERNEL);
	unsigned int i;

	if (!identity)
		return NULL;

	if (old) {
		identity->wan_ipv4 = old->wan_ipv4;
		identity->wan_mask = old->wan_mask;
		identity->wan_router = old->wan_router;
		identity->wan_router6 = old->wan_router6;
		identity->link_local.addr = old->link_local.addr;
		identity->n_wan_ipv6 = old->n_wan_ipv6;
		for (i = 0; i < old->n_wan_ipv6; i++) {
			identity->wan_ipv6[i].addr = old->wan_ipv6[i].addr;
			identity->wan_ipv6[i].prefix_len = old->wan_ipv6[i].prefix_len;
		}
	}

	if (settings->given & GIVEN(WAN_IPV4))
		identity->wan_ipv4 = settings->wan_ipv4;
	if (settings->given & GIVEN(WAN_PREFIX_LEN))
		identity->wan_mask = inet_make_mask(settings->wan_prefix_len);
	if (settings->given & GIVEN(WAN_ROUTER))
		identity->wan_router = settings->wan_router;
	if (!identity->wan_ipv4) {
		identity->wan_mask = 0;
		identity->wan_router = 0;
	}
	if (settings->given & GIVEN(WAN_ROUTER6))
		identity->wan_router6 = settings->wan_router6;
	if (settings->given & GIVEN(LINK_LOCAL))
		identity->link_local.addr = settings->link_local;
	if (settings->given & GIVEN(WAN_IPV6)) {
		identity->n_wan_ipv6 = settings->n_wan_ipv6;
		for (i = 0; i < settings->n_wan_ipv6; i++) {
			identity->wan_ipv6[i].addr = settings->wan_ipv6[i].addr;
			identity->wan_ipv6[i].prefix_len = settings->wan_ipv6[i].prefix_len;
		}
	}

	identity->device = device;
	identity->link_local.prefix_len = 64;
	identity->link_local.device = device;
	for (i = 0; i < identity->n_wan_ipv6; i++)
		identity->wan_ipv6[i].device = device;
	return identity;
}

static bool same_identity(const struct doppel_identity *a, const struct doppel_identity *b)
{
	unsigned int i;

	if (a->wan_ipv4 != b->wan_ipv4 || a->wan_mask != b->wan_mask ||
	    a->wan_router != b->wan_router || a->n_wan_ipv6 != b->n_wan_ipv6 ||
	    !ipv6_addr_equal(&a->wan_router6, &b->wan_router6) ||
	    !ipv6_addr_equal(&a->link_local.addr, &b->link_local.addr))
		return false;

	for (i = 0; i < a->n_wan_ipv6; i++)
		if (!ipv6_addr_equal(&a->wan_ipv6[i].addr, &b->wan_ipv6[i].addr) ||
		    a->wan_ipv6[i].prefix_len != b->wan_ipv6[i].prefix_len)
			return false;
	return true;
}

static int check_duplicates(struct doppel_gateway *gw, struct doppel_identity *identity,
			    __be32 lan_ipv4, struct netlink_ext_ack *extack)
{
	const struct doppel_device *device = identity->device;
	const struct doppel_identity *other4;
	const struct doppel_device *other;
	struct doppel_address *address;
	unsigned int i;

	other = lan_ipv4 ? doppel_device_by_lan(gw, lan_ipv4) : NULL;
	if (other && other != device) {
		DOPPEL_REFUSE_FMT(extack, "lan-ipv4 is another device's", "%pI4 is %pM's",
				  &lan_ipv4, other->mac);
		return -EEXIST;
	}

	other4 = identity->wan_ipv4 ? doppel_identity_by_wan4(gw, identity->wan_ipv4) : NULL;
	if (other4 && other4->device != device) {
		DOPPEL_REFUSE_FMT(extack, "wan-ipv4 is another device's", "%pI4 is %pM's",
				  &other4->wan_ipv4, other4->device->mac);
		return -EEXIST;
	}

	for (i = 0; (address = address_at(identity, i)); i++) {
		const struct doppel_address *other6 = doppel_address_by_wan6(gw, &address->addr);

		if (other6 && other6->device != device) {
			DOPPEL_REFUSE_FMT(extack, "an IPv6 address is another device's",
					  "%pI6c is %pM's", &other6->addr, other6->device->mac);
			return -EEXIST;
		}
	}
	return 0;
}

/* The multicast groups in which an identity is asked for. RFC 4291 section 2.7.1. */
static void leave_groups(struct doppel_gateway *gw, struct doppel_identity *identity,
			 unsigned int n)
{
	while (n--) {
		struct in6_addr group;
		u8 mac[ETH_ALEN];

		addrconf_addr_solict_mult(&address_at(identity, n)->addr, &group);
		ipv6_eth_mc_map(&group, mac);
		dev_mc_del(gw->wan, mac);
	}
}

static unsigned int n_addresses(struct doppel_identity *identity)
{
	return identity->n_wan_ipv6 + !ipv6_addr_any(&identity->link_local.addr);
}

static int join_groups(struct doppel_gateway *gw, struct doppel_identity *identity)
{
	struct doppel_address *address;
	unsigned int i;

	for (i = 0; (address = address_at(identity, i)); i++) {
		struct in6_addr group;
		u8 mac[ETH_ALEN];
		int err;

		addrconf_addr_solict_mult(&address->addr, &group);
		ipv6_eth_mc_map(&group, mac);
		err = dev_mc_add(gw->wan, mac);
		if (err) {
			leave_groups(gw, identity, i);
			return err;
		}
	}
	return 0;
}

/* Takes the addresses that @identity has and @other (if any) has not out of the tables. */
static void unlink_addresses(struct doppel_gateway *gw, struct doppel_identity *identity,
			     struct doppel_identity *other)
{
	struct doppel_address *address;
	unsigned int i;

	if (identity->wan_ipv4 && (!other || other->wan_ipv4 != identity->wan_ipv4))
		rhashtable_remove_fast(&gw->by_wan4, &identity->by_wan4, wan4_params);
	for (i = 0; (address = address_at(identity, i)); i++)
		if (!other || !find_address(other, &address->addr))
			rhashtable_remove_fast(&gw->by_wan6, &address->node, wan6_params);
}

/* Puts the addresses that @identity has and @old (if any) has not into the tables, or none. */
static int link_addresses(struct doppel_gateway *gw, struct doppel_identity *identity,
			  struct doppel_identity *old)
{
	struct doppel_address *address;
	bool linked4 = false;
	unsigned int i;
	int err;

	if (identity->wan_ipv4 && (!old || old->wan_ipv4 != identity->wan_ipv4)) {
		err = rhashtable_insert_fast(&gw->by_wan4, &identity->by_wan4, wan4_params);
		if (err)
			return err;
		linked4 = true;
	}

	for (i = 0; (address = address_at(identity, i)); i++) {
		if (old && find_address(old, &address->addr))
			continue;
		err = rhashtable_insert_fast(&gw->by_wan6, &address->node, wan6_params);
		if (err)
			goto err_unlink;
	}
	return 0;

err_unlink:
	while (i--) {
		address = address_at(identity, i);
		if (!old || !find_address(old, &address->addr))
			rhashtable_remove_fast(&gw->by_wan6, &address->node, wan6_params);
	}
	if (linked4)
		rhashtable_remove_fast(&gw->by_wan4, &identity->by_wan4, wan4_params);
	return err;
}

/* For the addresses of both, the new entries take the old ones' places: no lookup misses them. */
static void take_places(struct doppel_gateway *gw, struct doppel_identity *identity,
			struct doppel_identity *old)
{
	struct doppel_address *address;
	unsigned int i;

	if (identity->wan_ipv4 && identity->wan_ipv4 == old->wan_ipv4)
		rhashtable_replace_fast(&gw->by_wan4, &old->by_wan4, &identity->by_wan4,
					wan4_params);
	for (i = 0; (address = address_at(identity, i)); i++) {
		struct doppel_address *place = find_address(old, &address->addr);

		if (place)
			rhashtable_replace_fast(&gw->by_wan6, &place->node, &address->node,
						wan6_params);
	}
}

static struct doppel_lan *make_lan(struct doppel_device *device, __be32 addr)
{
	struct doppel_lan *lan = kzalloc(sizeof(*lan), GFP_KERNEL);

	if (!lan)
		return NULL;
	lan->addr = addr;
	lan->device = device;
	return lan;
}

/* --- Devices. ---------------------------------------------------------------------------- */

static void free_device(struct doppel_device *device)
{
	free_percpu(device->counters);
	kfree(device->by_lan);
	kfree(rcu_dereference_protected(device->identity, true));
	kfree(device);
}

static void free_device_rcu(struct rcu_head *rcu)
{
	free_device(container_of(rcu, struct doppel_device, rcu));
}

static struct doppel_device *make_device(struct doppel_gateway *gw,
					 const struct doppel_device_settings *settings)
{
	struct doppel_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;

	device->gw = gw;
	device->lan_ipv4 = settings->lan_ipv4;
	ether_addr_copy(device->mac, settings->mac);
	INIT_LIST_HEAD(&device->forwards);
	INIT_LIST_HEAD(&device->sessions);
	INIT_LIST_HEAD(&device->half_open);
	INIT_LIST_HEAD(&device->in_half_open);
	spin_lock_init(&device->sessions_lock);

	device->counters = doppel_counters_alloc();
	RCU_INIT_POINTER(device->identity, make_identity(device, NULL, settings));
	if (device->lan_ipv4)
		device->by_lan = make_lan(device, device->lan_ipv4);
	if (!device->counters || !rcu_access_pointer(device->identity) ||
	    (device->lan_ipv4 && !device->by_lan)) {
		free_device(device);
		return NULL;
	}
	return device;
}

/* What packets find, the MAC last: whoever finds a device by it finds the rest. */
static int link_device(struct doppel_gateway *gw, struct doppel_device *device,
		       struct doppel_identity *identity)
{
	int err;

	err = link_addresses(gw, identity, NULL);
	if (err)
		return err;
	if (device->by_lan) {
		err = rhashtable_insert_fast(&gw->by_lan, &device->by_lan->node, lan_params);
		if (err)
			goto err_addresses;
	}
	err = rhashtable_insert_fast(&gw->by_mac, &device->by_mac, mac_params);
	if (err)
		goto err_lan;
	return 0;

err_lan:
	if (device->by_lan)
		rhashtable_remove_fast(&gw->by_lan, &device->by_lan->node, lan_params);
err_addresses:
	unlink_addresses(gw, identity, NULL);
	return err;
}

/* What sessions have found out of identities is stale. */
static void new_epoch(struct doppel_gateway *gw)
{
	/* With doppel_outbound_send(): who sees the new epoch sees the identities as they are. */
	smp_store_release(&gw->epoch, gw->epoch + 1);
}

int doppel_device_add(struct doppel_gateway *gw, const struct doppel_device_settings *settings,
		      struct netlink_ext_ack *extack)
{
	struct doppel_identity *identity;
	struct doppel_device *device;
	int err;

	err = check_mac(gw, settings, extack);
	if (!err)
		err = check_lan(gw, settings, extack);
	if (err)
		return err;
	if (doppel_device_by_mac(gw, settings->mac))
		return REFUSE(MAC, -EEXIST, "there is a device of this mac");
	if (gw->n_devices >= gw->max_devices) {
		doppel_notify_table_full(gw, DOPPEL_TABLE_DEVICES);
		return REFUSE(MAC, -ENOSPC, "max-devices are there already");
	}

	device = make_device(gw, settings);
	if (!device)
		return -ENOMEM;
	identity = rtnl_dereference(device->identity);

	err = check_wan4(gw, identity, settings, extack);
	if (!err)
		err = check_wan6(identity, settings, extack);
	if (!err)
		err = check_duplicates(gw, identity, device->lan_ipv4, extack);
	if (err)
		goto err_free;

	err = dev_uc_add(gw->wan, device->mac);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "the WAN port takes no more unicast addresses");
		goto err_free;
	}
	err = join_groups(gw, identity);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "the WAN port takes no more multicast addresses");
		goto err_uc;
	}

	err = link_device(gw, device, identity);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no memory for the device tables");
		goto err_groups;
	}
	list_add_tail_rcu(&device->list, &gw->devices);
	gw->n_devices++;
	new_epoch(gw);
	doppel_gateway_changed(gw);
	return 0;

err_groups:
	leave_groups(gw, identity, n_addresses(identity));
err_uc:
	dev_uc_del(gw->wan, device->mac);
err_free:
	/* A part of it may have been in a table for a moment. */
	call_rcu(&device->rcu, free_device_rcu);
	return err;
}

/* Some address of the old identity is not the new one's any more. */
static bool loses(struct doppel_identity *old, struct doppel_identity *identity)
{
	unsigned int i;

	if (old->wan_ipv4 && old->wan_ipv4 != identity->wan_ipv4)
		return true;
	for (i = 0; i < old->n_wan_ipv6; i++)
		if (!find_address(identity, &old->wan_ipv6[i].addr))
			return true;
	return false;
}

int doppel_device_set(struct doppel_gateway *gw, const struct doppel_device_settings *settings,
		      struct netlink_ext_ack *extack)
{
	struct doppel_lan *old_lan, *new_lan = NULL;
	struct doppel_identity *old, *identity;
	bool new_identity, moves;
	struct doppel_device *device;
	__be32 lan_ipv4;
	int err;

	device = doppel_device_by_mac(gw, settings->mac);
	if (!device)
		return REFUSE(MAC, -ENOENT, "there is no device of this mac");
	old = rtnl_dereference(device->identity);
	old_lan = device->by_lan;
	lan_ipv4 = settings->given & GIVEN(LAN_IPV4) ? settings->lan_ipv4 : device->lan_ipv4;
	moves = lan_ipv4 != device->lan_ipv4;

	if (moves) {
		err = check_lan(gw, settings, extack);
		if (err)
			return err;
	}
	identity = make_identity(device, old, settings);
	if (!identity)
		return -ENOMEM;
	err = check_wan4(gw, identity, settings, extack);
	if (!err)
		err = check_wan6(identity, settings, extack);
	if (!err)
		err = check_duplicates(gw, identity, lan_ipv4, extack);
	new_identity = !same_identity(identity, old);
	if (err || (!moves && !new_identity))
		goto err_free;

	/* What may fail comes first ... */
	err = join_groups(gw, identity);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "the WAN port takes no more multicast addresses");
		goto err_free;
	}
	err = -ENOMEM;
	if (moves && lan_ipv4) {
		new_lan = make_lan(device, lan_ipv4);
		if (!new_lan)
			goto err_groups;
		err = rhashtable_insert_fast(&gw->by_lan, &new_lan->node, lan_params);
		if (err)
			goto err_lan;
	}
	err = link_addresses(gw, identity, old);
	if (err)
		goto err_unlink_lan;

	/* ... and what may not, last. */
	take_places(gw, identity, old);
	rcu_assign_pointer(device->identity, identity);
	if (moves) {
		WRITE_ONCE(device->lan_ipv4, lan_ipv4);
		device->by_lan = new_lan;
	}
	unlink_addresses(gw, old, identity);
	leave_groups(gw, old, n_addresses(old));
	if (moves && old_lan)
		rhashtable_remove_fast(&gw->by_lan, &old_lan->node, lan_params);
	if (new_identity)
		new_epoch(gw);
	doppel_gateway_changed(gw);

	if (moves || loses(old, identity)) {
		const struct doppel_session_filter filter = { .not_of = identity };

		/* A packet that has still found an old address may be about to begin a session. */
		synchronize_net();
		doppel_sessions_flush(device, moves ? NULL : &filter);
	}
	if (moves && old_lan)
		kfree_rcu(old_lan, rcu);
	kfree_rcu(old, rcu);
	return 0;

err_unlink_lan:
	if (new_lan)
		rhashtable_remove_fast(&gw->by_lan, &new_lan->node, lan_params);
err_lan:
	NL_SET_ERR_MSG_MOD(extack, "no memory for the device tables");
	if (new_lan)
		kfree_rcu(new_lan, rcu);
err_groups:
	leave_groups(gw, identity, n_addresses(identity));
err_free:
	kfree_rcu(identity, rcu);
	return err;
}

static void remove_device(struct doppel_gateway *gw, struct doppel_device *device)
{
	struct doppel_identity *identity = rtnl_dereference(device->identity);

	if (rtnl_dereference(gw->lender) == device)
		RCU_INIT_POINTER(gw->lender, NULL);
	list_del_rcu(&device->list);
	doppel_counters_add(device->counters, &gw->retired);
	gw->n_devices--;
	rhashtable_remove_fast(&gw->by_mac, &device->by_mac, mac_params);
	if (device->by_lan)
		rhashtable_remove_fast(&gw->by_lan, &device->by_lan->node, lan_params);
	unlink_addresses(gw, identity, NULL);
	new_epoch(gw);

	/* Packets that have found it begin no session any more. */
	spin_lock_bh(&device->sessions_lock);
	device->gone = true;
	spin_unlock_bh(&device->sessions_lock);
	doppel_sessions_flush(device, NULL);
	doppel_forwards_clear(device);

	leave_groups(gw, identity, n_addresses(identity));
	dev_uc_del(gw->wan, device->mac);
	call_rcu(&device->rcu, free_device_rcu);
}

int doppel_device_del(struct doppel_gateway *gw, const u8 *mac, struct netlink_ext_ack *extack)
{
	struct doppel_device *device = doppel_device_by_mac(gw, mac);

	if (!device) {
		NL_SET_ERR_MSG_MOD(extack, "there is no device of this mac");
		return -ENOENT;
	}

	remove_device(gw, device);
	doppel_gateway_changed(gw);
	return 0;
}

static void flush_all(struct doppel_gateway *gw, const struct doppel_session_filter *filter)
{
	struct doppel_device *device;

	list_for_each_entry(device, &gw->devices, list)
		doppel_sessions_flush(device, filter);
}

void doppel_devices_flush(struct doppel_gateway *gw)
{
	flush_all(gw, NULL);
}

void doppel_devices_flush_unmapped(struct doppel_gateway *gw)
{
	const struct doppel_session_filter filter = { .unmapped = true };

	flush_all(gw, &filter);
}

/* For router advertisements. RFC 4291 section 2.7.1. */
static const u8 all_nodes[ETH_ALEN] = { 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 };

int doppel_devices_init(struct doppel_gateway *gw)
{
	int err;

	INIT_LIST_HEAD(&gw->devices);
	err = rhashtable_init(&gw->by_mac, &mac_params);
	if (err)
		return err;
	err = rhashtable_init(&gw->by_lan, &lan_params);
	if (err)
		goto err_mac;
	err = rhashtable_init(&gw->by_wan4, &wan4_params);
	if (err)
		goto err_lan;
	err = rhashtable_init(&gw->by_wan6, &wan6_params);
	if (err)
		goto err_wan4;
	err = dev_mc_add(gw->wan, all_nodes);
	if (err)
		goto err_wan6;
	return 0;

err_wan6:
	rhashtable_destroy(&gw->by_wan6);
err_wan4:
	rhashtable_destroy(&gw->by_wan4);
err_lan:
	rhashtable_destroy(&gw->by_lan);
err_mac:
	rhashtable_destroy(&gw->by_mac);
	return err;
}

void doppel_devices_destroy(struct doppel_gateway *gw)
{
	struct doppel_device *device, *next;

	list_for_each_entry_safe(device, next, &gw->devices, list)
		remove_device(gw, device);
	dev_mc_del(gw->wan, all_nodes);
	rhashtable_destroy(&gw->by_wan6);
	rhashtable_destroy(&gw->by_wan4);
	rhashtable_destroy(&gw->by_lan);
	rhashtable_destroy(&gw->by_mac);
}
