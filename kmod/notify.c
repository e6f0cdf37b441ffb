// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "netlink.h"
#include "netlink-gen.h"

/* Events about addresses in a second, and how many of them are remembered so that none is told
 * twice in a second.
 */
#define EVENTS_PER_SECOND 256
#define REMEMBERED 256

/**
 * struct doppel_told - what keeps a gateway's events from becoming a flood
 * @lock: all of it
 * @second: jiffies when this second began
 * @n: events told in it
 * @recent: the last events by hash: command, MAC and address, and jiffies
 * @full: jiffies of the last table-full event, by enum doppel_table, or 0
 */
struct doppel_told {
	spinlock_t lock;
	unsigned long second;
	unsigned int n;
	struct {
		u8 mac[ETH_ALEN];
		u8 command;
		u32 addr;
		unsigned long at;
	} recent[REMEMBERED];
	unsigned long full[DOPPEL_TABLE_PORTS + 1];
};

struct doppel_told *doppel_told_alloc(void)
{
	struct doppel_told *told = kzalloc(sizeof(*told), GFP_KERNEL);

	if (!told)
		return NULL;
	spin_lock_init(&told->lock);
	told->second = jiffies;
	return told;
}

/* Whether an event about a MAC and an address (or its hash) may be told now. */
static bool may_tell(struct doppel_told *told, u8 command, const u8 *mac, u32 addr)
{
	u32 hash = jhash_3words(get_unaligned((const u32 *)mac),
				get_unaligned((const u16 *)(mac + 4)), addr, command);
	typeof(&told->recent[0]) recent = &told->recent[hash % REMEMBERED];
	bool may = false;

	spin_lock_bh(&told->lock);
	if (time_after_eq(jiffies, told->second + HZ)) {
		told->second = jiffies;
		told->n = 0;
	}
	if (told->n >= EVENTS_PER_SECOND)
		goto out;
	if (recent->command == command && recent->addr == addr &&
	    ether_addr_equal_unaligned(recent->mac, mac) && time_before(jiffies, recent->at + HZ))
		goto out;

	told->n++;
	recent->command = command;
	recent->addr = addr;
	memcpy(recent->mac, mac, ETH_ALEN);
	recent->at = jiffies;
	may = true;
out:
	spin_unlock_bh(&told->lock);
	return may;
}

static bool anyone_listens(const struct doppel_gateway *gw)
{
	return genl_has_listeners(&doppel_nl_family, gw->net, DOPPEL_NLGRP_EVENTS);
}

static struct sk_buff *begin(u8 command, void **header)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_ATOMIC);

	if (!skb)
		return NULL;
	*header = genlmsg_put(skb, 0, 0, &doppel_nl_family, 0, command);
	if (!*header) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/* Takes the message; @err is whether an attribute found no room. */
static void send(const struct doppel_gateway *gw, struct sk_buff *skb, void *header, int err)
{
	if (WARN_ON_ONCE(err)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast_netns(&doppel_nl_family, gw->net, skb, 0, DOPPEL_NLGRP_EVENTS,
				GFP_ATOMIC);
}

static void notify_device(struct doppel_gateway *gw, u8 command, const u8 *mac, __be32 addr)
{
	struct sk_buff *skb;
	void *header;
	int err;

	if (!anyone_listens(gw) || !may_tell(gw->told, command, mac, (__force u32)addr))
		return;
	skb = begin(command, &header);
	if (!skb)
		return;

	err = nla_put(skb, DOPPEL_A_EVENT_MAC, ETH_ALEN, mac);
	if (addr)
		err = err ?: nla_put_in_addr(skb, DOPPEL_A_EVENT_IPV4, addr);
	send(gw, skb, header, err);
}

void doppel_notify_device_seen(struct doppel_gateway *gw, const u8 *mac, __be32 addr)
{
	notify_device(gw, DOPPEL_CMD_DEVICE_SEEN_NTF, mac, addr);
}

void doppel_notify_device_moved(struct doppel_gateway *gw, const u8 *mac, __be32 addr)
{
	notify_device(gw, DOPPEL_CMD_DEVICE_MOVED_NTF, mac, addr);
}

void doppel_notify_conflict4(struct doppel_gateway *gw, enum doppel_port port,
			     const struct doppel_device *device, __be32 addr, const u8 *other)
{
	struct sk_buff *skb;
	void *header;
	int err;

	if (!anyone_listens(gw) ||
	    !may_tell(gw->told, DOPPEL_CMD_ADDRESS_CONFLICT_NTF, other, (__force u32)addr))
		return;
	skb = begin(DOPPEL_CMD_ADDRESS_CONFLICT_NTF, &header);
	if (!skb)
		return;

	err = nla_put_u32(skb, DOPPEL_A_EVENT_PORT, port);
	err = err ?: nla_put(skb, DOPPEL_A_EVENT_MAC, ETH_ALEN, device->mac);
	err = err ?: nla_put_in_addr(skb, DOPPEL_A_EVENT_IPV4, addr);
	err = err ?: nla_put(skb, DOPPEL_A_EVENT_OTHER_MAC, ETH_ALEN, other);
	send(gw, skb, header, err);
}

void doppel_notify_conflict6(struct doppel_gateway *gw, const struct doppel_device *device,
			     const struct in6_addr *addr, const u8 *other)
{
	struct sk_buff *skb;
	void *header;
	int err;

	if (!anyone_listens(gw) ||
	    !may_tell(gw->told, DOPPEL_CMD_ADDRESS_CONFLICT_NTF, other,
		      jhash2((const u32 *)addr, sizeof(*addr) / sizeof(u32), 0)))
		return;
	skb = begin(DOPPEL_CMD_ADDRESS_CONFLICT_NTF, &header);
	if (!skb)
		return;

	err = nla_put_u32(skb, DOPPEL_A_EVENT_PORT, DOPPEL_PORT_WAN);
	err = err ?: nla_put(skb, DOPPEL_A_EVENT_MAC, ETH_ALEN, device->mac);
	err = err ?: nla_put_in6_addr(skb, DOPPEL_A_EVENT_IPV6, addr);
	err = err ?: nla_put(skb, DOPPEL_A_EVENT_OTHER_MAC, ETH_ALEN, other);
	send(gw, skb, header, err);
}

void doppel_notify_port_gone(struct doppel_gateway *gw, enum doppel_port port)
{
	struct sk_buff *skb;
	void *header;

	if (!anyone_listens(gw))
		return;
	skb = begin(DOPPEL_CMD_PORT_GONE_NTF, &header);
	if (skb)
		send(gw, skb, header, nla_put_u32(skb, DOPPEL_A_EVENT_PORT, port));
}

void doppel_notify_table_full(struct doppel_gateway *gw, enum doppel_table table)
{
	unsigned long *told = &gw->told->full[table];
	unsigned long last = READ_ONCE(*told);
	struct sk_buff *skb;
	void *header;

	/* One of the CPUs that come here at once tells it. */
	if (last && time_before(jiffies, last + HZ))
		return;
	if (!anyone_listens(gw) || cmpxchg(told, last, jiffies | 1) != last)
		return;
	skb = begin(DOPPEL_CMD_TABLE_FULL_NTF, &header);
	if (skb)
		send(gw, skb, header, nla_put_u32(skb, DOPPEL_A_EVENT_TABLE, table));
}
