/* SPDX-License-Identifier: GPL-2.0-only */
/* A little site on the wires of a gateway: what is fed to one of its doors, and what comes out. */
#ifndef _DOPPEL_KUNIT_WIRE_H
#define _DOPPEL_KUNIT_WIRE_H

#include <linux/file.h>
#include <linux/if_addr.h>
#include <linux/inet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ndisc.h>
#include <net/route.h>

#include "forward.h"
#include "hooks.h"
#include "mapping.h"
#include "ports.h"
#include "session.h"
#include "stats.h"

/* Where a packet comes in: a port of the gateway, or its own stack. */
enum door { DOOR_LAN, DOOR_WAN, DOOR_BOX };

/* What a vector's packet is in memory. */
enum form { FORM_LINEAR, FORM_PAGED, FORM_CLONED, FORMS };

/* No drop. */
#define NO_REASON DOPPEL_DROP_REASONS

/**
 * struct vector - a packet, and what comes of it
 * @name: what it shows, with the RFC's section
 * @door: where it comes in
 * @dev: the number of the device that it is from or for
 * @out: where what comes of it goes
 * @reason: why it went no further, or NO_REASON
 * @before: it, from the network header on
 * @before_len: bytes
 * @after: what comes of it, or NULL if that is nothing
 * @after_len: bytes
 */
struct vector {
	const char *name;
	enum door door;
	u32 dev;
	enum door out;
	u32 reason;
	const u8 *before;
	size_t before_len;
	const u8 *after;
	size_t after_len;
};

/**
 * struct wire - the room: two ports, and what was sent
 * @ports: the ports
 * @lan: packets that the LAN port has sent, Ethernet header included
 * @wan: packets that the WAN port has sent, Ethernet header included
 * @up: packets that the box's own stack goes on with, from the network header on
 */
struct wire {
	struct ports ports;
	struct sk_buff_head lan;
	struct sk_buff_head wan;
	struct sk_buff_head up;
};

/* The routers' and the other hosts' MAC, all of them. */
static const u8 far_mac[ETH_ALEN] = { 0x02, 0x00, 0x5e, 0x00, 0x53, 0x01 };

static inline struct wire *wire_of(struct kunit *test)
{
	return container_of(test->priv, struct wire, ports);
}

static inline struct sk_buff_head *sent_by(struct kunit *test, enum door out)
{
	struct wire *wire = wire_of(test);

	switch (out) {
	case DOOR_LAN:
		return &wire->lan;
	case DOOR_WAN:
		return &wire->wan;
	default:
		return &wire->up;
	}
}

static inline void forget_sent(struct kunit *test)
{
	struct wire *wire = wire_of(test);

	__skb_queue_purge(&wire->lan);
	__skb_queue_purge(&wire->wan);
	__skb_queue_purge(&wire->up);
}

/* The frame that carries a packet through the door, of or for device @n. */
static inline void frame_of(struct kunit *test, enum door door, u32 n, struct ethhdr *eth,
			    __be16 proto)
{
	const struct ports *ports = test->priv;

	eth->h_proto = proto;
	switch (door) {
	case DOOR_LAN:
		nth_mac(eth->h_source, n);
		ether_addr_copy(eth->h_dest, ports->lan->dev_addr);
		break;
	case DOOR_WAN:
		nth_mac(eth->h_dest, n);
		ether_addr_copy(eth->h_source, far_mac);
		break;
	case DOOR_BOX:
		ether_addr_copy(eth->h_source, ports->wan->dev_addr);
		ether_addr_copy(eth->h_dest, far_mac);
		break;
	}
}

/* Gives the skb, whose data is a frame, to the door, as the kernel would; it is consumed. */
static inline unsigned int feed(struct kunit *test, enum door door, struct sk_buff *skb)
{
	static nf_hookfn * const doors[] = {
		[DOOR_LAN] = doppel_lan_in,
		[DOOR_WAN] = doppel_wan_in,
		[DOOR_BOX] = doppel_wan_out,
	};
	struct wire *wire = wire_of(test);
	struct port *lan = netdev_priv(wire->ports.lan);
	struct port *wan = netdev_priv(wire->ports.wan);
	unsigned int verdict;

	if (door == DOOR_BOX) {
		skb->dev = wire->ports.wan;
		skb->protocol = eth_hdr(skb)->h_proto;
		skb_set_network_header(skb, ETH_HLEN);
	} else {
		skb->protocol = eth_type_trans(skb, door == DOOR_LAN ? wire->ports.lan :
								       wire->ports.wan);
		skb_reset_network_header(skb);
	}
	skb_reset_transport_header(skb);

	rcu_read_lock();
	local_bh_disable();
	lan->sent = &wire->lan;
	wan->sent = &wire->wan;
	verdict = doors[door](gateway(), skb, NULL);
	lan->sent = NULL;
	wan->sent = NULL;
	local_bh_enable();
	rcu_read_unlock();

	if (verdict == NF_ACCEPT)
		__skb_queue_tail(&wire->up, skb);
	else if (verdict == NF_DROP)
		kfree_skb(skb);
	return verdict;
}

/* A frame around the packet. Its last byte is the last of the buffer: behind it is nothing that
 * anybody may read without being seen to; what alignment leaves is filled with @rest.
 */
static inline struct sk_buff *make_frame(struct kunit *test, enum door door, u32 n,
					 const u8 *packet, size_t len, u8 rest)
{
	unsigned int room = NET_SKB_PAD + NET_IP_ALIGN;
	struct sk_buff *skb = alloc_skb(room + ETH_HLEN + len, GFP_KERNEL);
	__be16 proto = packet[0] >> 4 == 6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	memset(skb->head, rest, skb_end_offset(skb));
	skb_reserve(skb, room);
	frame_of(test, door, n, skb_put(skb, ETH_HLEN), proto);
	skb_reset_mac_header(skb);
	skb_put_data(skb, packet, len);
	return skb;
}

/* The same with the first @linear bytes of the packet linear and the rest in pages, split at random
 * places.
 */
static inline struct sk_buff *make_paged_frame(struct kunit *test, enum door door, u32 n,
					       const u8 *packet, size_t len, size_t linear)
{
	struct sk_buff *skb = make_frame(test, door, n, packet, min(linear, len), 0);
	int i;

	for (i = 0; linear < len; i++) {
		size_t part = i == 7 ? len - linear : 1 + get_random_u32_below(len - linear);
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, get_order(part));
		unsigned int offset = (PAGE_SIZE << get_order(part)) - part;

		KUNIT_ASSERT_NOT_NULL(test, page);
		memcpy(page_address(page) + offset, packet + linear, part);
		skb_add_rx_frag(skb, i, page, offset, part, PAGE_SIZE << get_order(part));
		linear += part;
	}
	return skb;
}

static inline void feed_packet(struct kunit *test, enum door door, u32 n, const void *packet,
			       size_t len)
{
	feed(test, door, make_frame(test, door, n, packet, len, 0));
}

static inline u64 drops(enum doppel_drop_reason reason)
{
	return doppel_drops_sum(gateway(), reason);
}

/* For a failure's reader: what was dropped so far, and why. */
static inline void tell_drops(struct kunit *test)
{
	unsigned int reason;

	for (reason = 0; reason < DOPPEL_DROP_REASONS; reason++)
		if (drops(reason))
			kunit_info(test, "%s: %llu\n", doppel_drop_reason_name(reason),
				   drops(reason));
}

/* The one packet that was sent there, from the network header on, its Ethernet header checked and
 * gone; NULL, and a failure, if there is none or there are more.
 */
static inline struct sk_buff *sole_packet(struct kunit *test, enum door out, u32 n)
{
	struct sk_buff_head *sent = sent_by(test, out);
	const struct ports *ports = test->priv;
	struct sk_buff *skb;
	struct ethhdr eth;
	u8 mac[ETH_ALEN];

	KUNIT_EXPECT_EQ(test, skb_queue_len(sent), 1);
	if (skb_queue_len(sent) != 1) {
		tell_drops(test);
		return NULL;
	}
	skb = skb_peek(sent);
	if (skb_linearize(skb))
		return NULL;
	if (out == DOOR_BOX)
		return skb;

	memcpy(&eth, skb->data, sizeof(eth));
	nth_mac(mac, n);
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(eth.h_source,
						 out == DOOR_WAN ? mac : ports->lan->dev_addr));
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(eth.h_dest, out == DOOR_WAN ? far_mac : mac));
	KUNIT_EXPECT_EQ(test, eth.h_proto, skb->protocol);
	KUNIT_EXPECT_EQ(test, eth.h_proto, skb->data[ETH_HLEN] >> 4 == 6 ? htons(ETH_P_IPV6) :
									   htons(ETH_P_IP));
	__skb_pull(skb, ETH_HLEN);
	return skb;
}

/* --- The site. --------------------------------------------------------------------------- */

static inline void know_neighbour(struct kunit *test, struct neigh_table *table,
				  const void *addr)
{
	const struct ports *ports = test->priv;
	struct neighbour *neigh = __neigh_lookup(table, addr, ports->wan, 1);

	KUNIT_ASSERT_NOT_NULL(test, neigh);
	KUNIT_EXPECT_EQ(test, neigh_update(neigh, far_mac, NUD_PERMANENT,
					   NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN, 0), 0);
	neigh_release(neigh);
}

static inline void know_neighbours(struct kunit *test)
{
	static const char * const ipv4[] = { "10.1.0.1", "10.1.2.200" };
	static const char * const ipv6[] = { "fe80::1", "2001:db8:1::200" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ipv4); i++) {
		__be32 addr = in_aton(ipv4[i]);

		know_neighbour(test, &arp_tbl, &addr);
	}
	for (i = 0; i < ARRAY_SIZE(ipv6); i++) {
		struct in6_addr addr = ip6(ipv6[i]);

		know_neighbour(test, &nd_tbl, &addr);
	}
}

/* Gives the port an address, as `ip address add` would: by rtnetlink. */
static inline void add_address(struct kunit *test, const struct net_device *dev, __be32 addr)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg ifa;
		struct nlattr attr;
		__be32 addr;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_NEWADDR,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE,
		},
		.ifa = {
			.ifa_family = AF_INET,
			.ifa_prefixlen = 32,
			.ifa_index = dev->ifindex,
		},
		.attr = {
			.nla_len = nla_attr_size(sizeof(addr)),
			.nla_type = IFA_LOCAL,
		},
		.addr = addr,
	};
	struct kvec vec = { .iov_base = &request, .iov_len = sizeof(request) };
	struct msghdr msg = {};
	struct socket *sock;
	struct file *file;

	KUNIT_ASSERT_EQ(test, sock_create_kern(&init_net, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE,
					       &sock), 0);
	/* Whose file it is may do it. */
	file = sock_alloc_file(sock, 0, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, kernel_sendmsg(sock, &msg, &vec, 1, sizeof(request)),
			(int)sizeof(request));
	fput(file);
	KUNIT_ASSERT_EQ(test, inet_addr_type(&init_net, addr), RTN_LOCAL);
}

/* Two devices: the first has both families on the WAN, the second IPv6 alone. */
static inline void add_devices(struct kunit *test)
{
	static const u8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct doppel_device_settings settings;
	unsigned int i;
	u32 n;

	for (n = 1; n <= 2; n++) {
		settings = device_settings(n);
		settings.lan_ipv4 = htonl(0xc0a80163 + n);	/* 192.168.1.(99 + n) */
		settings.wan_ipv4 = n == 1 ? in_aton("10.1.2.50") : 0;
		settings.wan_router = in_aton("10.1.0.1");
		settings.wan_ipv6[0].addr = ip6(n == 1 ? "2001:db8:1::50" : "2001:db8:1::51");
		KUNIT_ASSERT_EQ(test, add_device(test, &settings), 0);
		for (i = 0; i < ARRAY_SIZE(protocols); i++) {
			struct netlink_ext_ack extack = {};

			rtnl_lock();
			KUNIT_EXPECT_EQ(test, doppel_forward_add(gateway(), settings.mac,
								 protocols[i], 8080, 80, &extack),
					0);
			rtnl_unlock();
		}
	}
}

/* What stands for IPv6 hosts on the LAN side, and who lends to the box. */
static inline void add_peers(struct kunit *test)
{
	const struct in6_addr host = ip6("2001:db8:9::10");
	struct doppel_gateway_settings settings = {
		.given = BIT(DOPPEL_A_GATEWAY_NAT64_PREFIX) |
			 BIT(DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN) | BIT(DOPPEL_A_GATEWAY_LENDER),
		.nat64_prefix = ip6("64:ff9b::"),
		.nat64_prefix_len = 96,
	};
	struct netlink_ext_ack extack = {};

	nth_mac(settings.lender, 1);
	KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, doppel_mapping_add(gateway(), in_aton("192.0.2.10"), &host,
						 &extack), 0);
	rtnl_unlock();
}

static inline int wire_init(struct kunit *test)
{
	struct wire *wire = kunit_kzalloc(test, sizeof(*wire), GFP_KERNEL);
	struct doppel_gateway_settings settings;

	KUNIT_ASSERT_NOT_NULL(test, wire);
	__skb_queue_head_init(&wire->lan);
	__skb_queue_head_init(&wire->wan);
	__skb_queue_head_init(&wire->up);
	add_ports(test, &wire->ports);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_open(wire->ports.lan, NULL), 0);
	KUNIT_EXPECT_EQ(test, dev_open(wire->ports.wan, NULL), 0);
	rtnl_unlock();
	settings = gateway_settings(test);
	KUNIT_ASSERT_EQ(test, set_gateway(test, &settings), 0);
	add_devices(test);
	add_peers(test);
	know_neighbours(test);
	add_address(test, wire->ports.wan, in_aton("203.0.113.1"));
	return 0;
}

static inline void wire_exit(struct kunit *test)
{
	forget_sent(test);
	ports_exit(test);
}

/* --- Vectors. ---------------------------------------------------------------------------- */

/* The identification of an IPv4 packet that may be cut is random where nobody had given it one:
 * what the vector, which has zero then, cannot know.
 */
static inline void forget_id(u8 *packet, const u8 *like)
{
	struct iphdr *iph = (struct iphdr *)packet;

	if (iph->version != 4 || iph->frag_off & htons(IP_DF) || ((const struct iphdr *)like)->id)
		return;
	iph->id = 0;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

static inline struct sk_buff *form_of(struct kunit *test, const struct vector *vector,
				      enum form form)
{
	if (form == FORM_PAGED)
		return make_paged_frame(test, vector->door, vector->dev, vector->before,
					vector->before_len,
					get_random_u32_below(vector->before_len));
	return make_frame(test, vector->door, vector->dev, vector->before, vector->before_len, 0);
}

static inline void expect_after(struct kunit *test, const struct vector *vector)
{
	struct sk_buff *skb = sole_packet(test, vector->out, vector->dev);
	bool different;

	KUNIT_EXPECT_NOT_NULL_MSG(test, skb, "%s", vector->name);
	if (!skb)
		return;
	if (skb->data[0] >> 4 == 4)
		KUNIT_EXPECT_TRUE_MSG(test, !ip_fast_csum(skb->data, skb->data[0] & 0xf), "%s",
				      vector->name);
	forget_id(skb->data, vector->after);
	KUNIT_EXPECT_EQ_MSG(test, skb->len, vector->after_len, "%s", vector->name);
	different = memcmp(skb->data, vector->after, min_t(size_t, skb->len, vector->after_len));
	KUNIT_EXPECT_FALSE_MSG(test, different, "%s: got %*ph", vector->name, 64, skb->data);
}

static inline void expect_vector(struct kunit *test, const struct vector *vector, enum form form)
{
	struct sk_buff *skb = form_of(test, vector, form), *clone = NULL;
	struct wire *wire = wire_of(test);
	u64 before = 0;

	if (form == FORM_CLONED)
		clone = skb_clone(skb, GFP_KERNEL);
	if (vector->reason != NO_REASON)
		before = drops(vector->reason);

	feed(test, vector->door, skb);

	if (vector->after)
		expect_after(test, vector);
	KUNIT_EXPECT_EQ_MSG(test, skb_queue_len(&wire->lan) + skb_queue_len(&wire->wan) +
				  skb_queue_len(&wire->up), !!vector->after, "%s", vector->name);
	if (vector->reason != NO_REASON)
		KUNIT_EXPECT_EQ_MSG(test, drops(vector->reason), before + 1, "%s", vector->name);
	/* Whoever else has the packet keeps it as it was. */
	if (clone) {
		KUNIT_EXPECT_TRUE_MSG(test, !memcmp(clone->data + ETH_HLEN, vector->before,
						    vector->before_len), "%s", vector->name);
		kfree_skb(clone);
	}
	forget_sent(test);
}

/* One after the other: the first packets begin the sessions that the later ones go on with. */
static inline void expect_vectors(struct kunit *test, const struct vector *vectors, unsigned int n)
{
	enum form form;
	unsigned int i;

	for (form = 0; form < FORMS; form++)
		for (i = 0; i < n; i++)
			expect_vector(test, &vectors[i], form);
}

#endif
