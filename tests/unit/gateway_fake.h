/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A gateway without a kernel: a module, ports and a WAN that are tables in memory, a clock that
 * jumps, a DHCPv4 server and an IPv6 router that answer those MACs that are registered.
 */
#ifndef DOPPEL_TESTS_GATEWAY_FAKE_H
#define DOPPEL_TESTS_GATEWAY_FAKE_H

#include <errno.h>
#include <ev.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/doppel.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/rand.h"
#include "gateway/config.h"
#include "gateway/dhcp4_message.h"
#include "gateway/frame.h"
#include "gateway/gateway.h"
#include "gateway/ndp.h"
#include "gateway/state.h"
#include "gateway/wire.h"
#include "kernel/doppel.h"
#include "kernel/packet.h"
#include "kernel/rtnetlink.h"
#include "kernel/udp.h"
#include "scratch.h"
#include "store/store.h"
#include "tap.h"

#ifndef FAKE_DEVICES
#define FAKE_DEVICES 64
#endif
#define FAKE_FORWARDS (10 * FAKE_DEVICES)
#define FAKE_MAPPINGS 16

struct fake {
	struct clock clock;
	struct rng rng;
	struct doppel_link module;
	struct rtnetlink rt;
	struct packet_socket packet, lan_packet;
	struct udp_socket udp;
	int64_t now, wall_shift;	/* seconds by which the wall clock was set */
	const char *boot;
	uint32_t seed;
	int fds[2];			/* never readable */

	bool loaded, set;
	struct module_gateway gateway;
	struct module_device devices[FAKE_DEVICES];
	size_t device_count;
	struct module_forward forwards[FAKE_FORWARDS];
	size_t forward_count;
	struct module_mapping mappings[FAKE_MAPPINGS];
	size_t mapping_count;
	unsigned int sets, lender_sets, adds, changes, dels, forward_adds, forward_dels;
	unsigned int mapping_adds, mapping_dels;
	int refuse;			/* errno of setting prefix or lender, adding mappings */
	bool old_module;		/* one that knows of no lender, NAT64, mapping or filter */

	struct port_link lan, wan;
	bool lan_address;
	struct port_route way;		/* ifindex 0: none */
	struct port_route aliases[8];	/* other routes of ours */
	size_t alias_count;
	struct in_addr permanent;	/* neighbour on the WAN port */
	struct mac permanent_mac;
	unsigned int way_changes;
	int refuse_route;		/* errno of adding one */
	bool tc_egress;
	unsigned int probes;
	struct {
		uint8_t mac;
		struct in_addr ipv4;
	} hosts[16];			/* who answers ARP on the LAN */
	unsigned int host_count;
	struct port_event answers[16];	/* of theirs, under way */
	unsigned int answer_count;

	/* The WAN */
	struct gateway *upstream_of;
	bool dhcp_server, router;
	bool rogue;			/* a second server of both protocols, which answers first */
	bool dhcp6_server;
	uint8_t dhcp6_net;		/* it gives 2001:db8:<net>::d:<last byte of the MAC> */
	bool dhcp_naks, dhcp_no_ack;	/* what the server does to a REQUEST instead */
	uint8_t ra_flags;		/* M and O */
	bool ra_no_prefix;		/* for SLAAC */
	uint8_t net;			/* the IPv4 network, 10.net.0.0/24, and its authoritative server */
	struct mac router_mac;		/* of both families' routers */
	bool router4_down;		/* it does not answer ARP */
	const char *prefix;		/* advertised */
	bool dns4;			/* leases name 10.0.0.53 */
	const char *dns6;		/* advertised, or NULL */
	uint32_t dns6_s;		/* for how long */
	const char *pref64;		/* a /96, advertised, or NULL */
	uint16_t pref64_s;
	uint8_t unregistered;		/* last byte of the MAC that the firewall keeps out */
	struct dhcp4_looks said;	/* in the last DISCOVER or REQUEST */
	unsigned int solicits, confirms;	/* of DHCPv6 */
	unsigned int frames, discovers, requests, releases, foreign, arps, router_solicits;
	struct {
		size_t len;
		uint8_t frame[FRAME_MAX];
	} inbox[256];
	size_t inbox_head, inbox_tail;

	/* Who answers DNS */
	struct in6_addr asked;		/* the server; v4-mapped */
	uint8_t query[64], reply[512];
	size_t query_len, reply_len;
	unsigned int queries;
	bool dns_down;

	char run_dir[SCRATCH_SIZE];
	char state[96];
	struct store *store;
	struct config *config;
	struct gateway *gw;
};

static inline struct in_addr fake_ip4(const char *text)
{
	struct in_addr address = { 0 };

	if (doppel_ip4_parse(text, &address))
		abort();
	return address;
}

static inline struct mac fake_mac(uint8_t last)
{
	return (struct mac){ { 0x02, 0, 0, 0, 0, last } };
}

static inline int64_t fake_mono(struct clock *clock)
{
	return container_of(clock, struct fake, clock)->now;
}

static inline int64_t fake_wall(struct clock *clock)
{
	return 1700000000 + container_of(clock, struct fake, clock)->wall_shift +
	       fake_mono(clock) / 1000;
}

static inline const char *fake_boot(struct clock *clock)
{
	return container_of(clock, struct fake, clock)->boot;
}

static inline uint32_t fake_below(struct rng *rng, uint32_t n)
{
	struct fake *fake = container_of(rng, struct fake, rng);

	fake->seed = fake->seed * 1664525 + 1013904223;
	return (uint32_t)(((n ? n : 1ULL << 32) * (uint64_t)fake->seed) >> 32);
}

/* --- the module ----------------------------------------------------------------------------- */

#define FAKE(link) container_of(link, struct fake, module)

static inline int fake_module_fd(struct doppel_link *link)
{
	return FAKE(link)->fds[0];
}

static inline int fake_module_events(struct doppel_link *link,
				     void (*cb)(const struct module_event *event, void *ctx),
				     void *ctx)
{
	(void)link;
	(void)cb;
	(void)ctx;
	return 0;
}

static inline bool fake_present(struct doppel_link *link)
{
	return FAKE(link)->loaded;
}

static inline int fake_gateway_set(struct doppel_link *link, const struct module_gateway *gateway,
				   unsigned int what)
{
	struct fake *fake = FAKE(link);
	const struct module_gateway before = fake->gateway;

	if (fake->old_module && what != MODULE_PORTS)
		return -EINVAL;
	if (!fake->set && !(what & MODULE_PORTS))
		return -ENODEV;
	if (fake->refuse && (what & (MODULE_NAT64_PREFIX | MODULE_LENDER)))
		return fake->refuse;
	fake->sets += !!(what & MODULE_PORTS);
	fake->gateway = (what & MODULE_PORTS) ? *gateway : before;
	fake->gateway.lends = !fake->old_module;
	fake->gateway.lender = !fake->set ? (struct mac){ 0 } : before.lender;
	fake->gateway.nat64_prefix = before.nat64_prefix;
	fake->gateway.nat64_prefix_len = fake->set ? before.nat64_prefix_len : 0;
	fake->gateway.filter_forward = fake->set && before.filter_forward;
	fake->set = true;
	fake->lender_sets += !!(what & MODULE_LENDER);
	if (what & MODULE_LENDER)
		fake->gateway.lender = gateway->lender;
	if (what & MODULE_NAT64_PREFIX) {
		fake->gateway.nat64_prefix = gateway->nat64_prefix;
		fake->gateway.nat64_prefix_len = gateway->nat64_prefix_len;
	}
	if (what & MODULE_FILTER)
		fake->gateway.filter_forward = gateway->filter_forward;
	return 0;
}

static inline int fake_gateway_get(struct doppel_link *link, struct module_gateway *gateway)
{
	if (!FAKE(link)->loaded || !FAKE(link)->set)
		return -ENOENT;
	*gateway = FAKE(link)->gateway;
	return 0;
}

static inline int fake_gateway_del(struct doppel_link *link)
{
	FAKE(link)->set = false;
	FAKE(link)->device_count = FAKE(link)->forward_count = FAKE(link)->mapping_count = 0;
	return 0;
}

static inline struct module_device *fake_device(struct fake *fake, const struct mac *mac)
{
	size_t i;

	for (i = 0; i < fake->device_count; i++)
		if (doppel_mac_eq(&fake->devices[i].mac, mac))
			return &fake->devices[i];
	return NULL;
}

static inline int fake_device_add(struct doppel_link *link, const struct module_device *device)
{
	struct fake *fake = FAKE(link);
	size_t i;

	if (!fake->set)
		return -ENODEV;
	if (fake_device(fake, &device->mac))
		return -EEXIST;
	for (i = 0; i < fake->device_count; i++)
		if (device->lan_ipv4.s_addr &&
		    doppel_ip4_eq(fake->devices[i].lan_ipv4, device->lan_ipv4))
			return -EEXIST;
	fake->adds++;
	fake->devices[fake->device_count++] = *device;
	return 0;
}

static inline int fake_device_set(struct doppel_link *link, const struct module_device *device,
				  unsigned int what)
{
	struct module_device *held = fake_device(FAKE(link), &device->mac);

	if (!held)
		return -ENOENT;
	FAKE(link)->changes++;
	if (what & MODULE_LAN_IPV4)
		held->lan_ipv4 = device->lan_ipv4;
	if (what & MODULE_WAN_IPV4) {
		held->wan_ipv4 = device->wan_ipv4;
		held->wan_prefix_len = device->wan_prefix_len;
		held->wan_router = device->wan_router;
	}
	if (what & MODULE_LINK_LOCAL)
		held->link_local = device->link_local;
	if (what & MODULE_WAN_IPV6) {
		memcpy(held->wan_ipv6, device->wan_ipv6, sizeof(held->wan_ipv6));
		held->wan_ipv6_count = device->wan_ipv6_count;
	}
	if (what & MODULE_WAN_ROUTER6)
		held->wan_router6 = device->wan_router6;
	return 0;
}

static inline int fake_device_del(struct doppel_link *link, const struct mac *mac)
{
	struct fake *fake = FAKE(link);
	struct module_device *held = fake_device(fake, mac);
	size_t i, kept = 0;

	if (!held)
		return -ENOENT;
	fake->dels++;
	if (doppel_mac_eq(&fake->gateway.lender, mac))
		fake->gateway.lender = (struct mac){ 0 };
	*held = fake->devices[--fake->device_count];
	for (i = 0; i < fake->forward_count; i++)
		if (!doppel_mac_eq(&fake->forwards[i].mac, mac))
			fake->forwards[kept++] = fake->forwards[i];
	fake->forward_count = kept;
	return 0;
}

static inline int fake_device_get(struct doppel_link *link, const struct mac *mac,
				  struct module_device *device)
{
	struct module_device *held = fake_device(FAKE(link), mac);

	if (!held)
		return -ENOENT;
	*device = *held;
	return 0;
}

static inline int fake_device_dump(struct doppel_link *link,
				   int (*cb)(const struct module_device *device, void *ctx),
				   void *ctx)
{
	struct fake *fake = FAKE(link);
	struct module_device copy[FAKE_DEVICES];
	size_t i, count = fake->device_count;
	int err = 0;

	memcpy(copy, fake->devices, sizeof(copy));
	for (i = 0; !err && i < count; i++)
		err = cb(&copy[i], ctx);
	return err;
}

static inline struct module_forward *fake_forward(struct fake *fake,
						  const struct module_forward *forward)
{
	size_t i;

	for (i = 0; i < fake->forward_count; i++)
		if (doppel_mac_eq(&fake->forwards[i].mac, &forward->mac) &&
		    fake->forwards[i].protocol == forward->protocol &&
		    fake->forwards[i].port == forward->port)
			return &fake->forwards[i];
	return NULL;
}

static inline int fake_forward_add(struct doppel_link *link, const struct module_forward *forward)
{
	struct fake *fake = FAKE(link);

	if (fake_forward(fake, forward))
		return -EEXIST;
	fake->forwards[fake->forward_count++] = *forward;
	fake->forward_adds++;
	return 0;
}

static inline int fake_forward_del(struct doppel_link *link, const struct module_forward *forward)
{
	struct fake *fake = FAKE(link);
	struct module_forward *held = fake_forward(fake, forward);

	if (!held)
		return -ENOENT;
	*held = fake->forwards[--fake->forward_count];
	fake->forward_dels++;
	return 0;
}

static inline int fake_forward_dump(struct doppel_link *link,
				    int (*cb)(const struct module_forward *forward, void *ctx),
				    void *ctx)
{
	struct fake *fake = FAKE(link);
	size_t i;
	int err = 0;

	for (i = 0; !err && i < fake->forward_count; i++)
		err = cb(&fake->forwards[i], ctx);
	return err;
}

static inline int fake_mapping_add(struct doppel_link *link, const struct module_mapping *mapping)
{
	struct fake *fake = FAKE(link);
	size_t i;

	if (fake->old_module || fake->refuse)
		return fake->old_module ? -EOPNOTSUPP : fake->refuse;
	for (i = 0; i < fake->mapping_count; i++)
		if (doppel_ip4_eq(fake->mappings[i].ipv4, mapping->ipv4) ||
		    doppel_ip6_eq(&fake->mappings[i].ipv6, &mapping->ipv6))
			return -EEXIST;
	fake->mappings[fake->mapping_count++] = *mapping;
	fake->mapping_adds++;
	return 0;
}

static inline int fake_mapping_del(struct doppel_link *link, const struct module_mapping *mapping)
{
	struct fake *fake = FAKE(link);
	size_t i;

	for (i = 0; i < fake->mapping_count; i++) {
		if (!doppel_ip4_eq(fake->mappings[i].ipv4, mapping->ipv4))
			continue;
		fake->mappings[i] = fake->mappings[--fake->mapping_count];
		fake->mapping_dels++;
		return 0;
	}
	return fake->old_module ? -EOPNOTSUPP : -ENOENT;
}

static inline int fake_mapping_dump(struct doppel_link *link,
				    int (*cb)(const struct module_mapping *mapping, void *ctx),
				    void *ctx)
{
	struct fake *fake = FAKE(link);
	size_t i;
	int err = fake->old_module ? -EOPNOTSUPP : 0;

	for (i = 0; !err && i < fake->mapping_count; i++)
		err = cb(&fake->mappings[i], ctx);
	return err;
}

static inline int fake_stats_get(struct doppel_link *link, struct module_stats *stats)
{
	(void)link;
	*stats = (struct module_stats){
		.total_count = 1,
		.totals = { { DOPPEL_TOTAL_LENT, 42 } },
	};
	return 0;
}

/* --- the ports ------------------------------------------------------------------------------ */

#undef FAKE
#define FAKE(rt_) container_of(rt_, struct fake, rt)

static inline int fake_rt_fd(struct rtnetlink *rt)
{
	return FAKE(rt)->fds[0];
}

static inline int fake_rt_events(struct rtnetlink *rt,
				 void (*cb)(const struct port_event *event, void *ctx), void *ctx)
{
	(void)rt;
	(void)cb;
	(void)ctx;
	return 0;
}

static inline int fake_link_get(struct rtnetlink *rt, const char *name, struct port_link *link)
{
	struct fake *fake = FAKE(rt);
	const struct port_link *port = !strcmp(name, fake->lan.name) ? &fake->lan : &fake->wan;

	if (strcmp(name, port->name) || !port->ifindex)
		return -ENODEV;
	*link = *port;
	return 0;
}

static inline int fake_link_up(struct rtnetlink *rt, uint32_t ifindex)
{
	struct fake *fake = FAKE(rt);
	struct port_link *port = ifindex == fake->lan.ifindex ? &fake->lan : &fake->wan;

	port->up = port->running = true;
	return 0;
}

static inline int fake_address_dump(struct rtnetlink *rt, uint32_t ifindex,
				    int (*cb)(const struct port_address *address, void *ctx),
				    void *ctx)
{
	const struct port_address address = {
		.ifindex = ifindex,
		.family = AF_INET,
		.ipv4 = fake_ip4("192.168.1.1"),
		.prefix_len = 24,
		.permanent = true,
	};

	if (ifindex == FAKE(rt)->lan.ifindex && FAKE(rt)->lan_address)
		return cb(&address, ctx);
	return 0;
}

static inline int fake_address_add(struct rtnetlink *rt, const struct port_address *address)
{
	if (address->ifindex == FAKE(rt)->lan.ifindex)
		FAKE(rt)->lan_address = true;
	return 0;
}

static inline int fake_address_del(struct rtnetlink *rt, const struct port_address *address)
{
	(void)rt;
	(void)address;
	return 0;
}

static inline int fake_route_add(struct rtnetlink *rt, const struct port_route *route)
{
	struct fake *fake = FAKE(rt);

	if (fake->refuse_route)
		return fake->refuse_route;
	fake->way_changes++;
	if (!route->prefix_len)
		fake->way = *route;
	else if (fake->alias_count < 8)
		fake->aliases[fake->alias_count++] = *route;
	else
		return -ENOMEM;
	return 0;
}

static inline int fake_route_del(struct rtnetlink *rt, const struct port_route *route)
{
	struct fake *fake = FAKE(rt);
	struct port_route *held = route->prefix_len ? NULL : &fake->way;
	size_t i;

	for (i = 0; !held && i < fake->alias_count; i++)
		if (doppel_ip4_eq(fake->aliases[i].dst, route->dst))
			held = &fake->aliases[i];
	if (!held || held->ifindex != route->ifindex || held->protocol != route->protocol)
		return -ESRCH;
	fake->way_changes++;
	*held = route->prefix_len ? fake->aliases[--fake->alias_count] : (struct port_route){ 0 };
	return 0;
}

static inline int fake_route_dump(struct rtnetlink *rt, uint32_t ifindex, uint8_t protocol,
				  int (*cb)(const struct port_route *route, void *ctx), void *ctx)
{
	struct fake *fake = FAKE(rt);
	size_t i;
	int err = 0;

	if (fake->way.ifindex == ifindex && fake->way.protocol == protocol)
		err = cb(&fake->way, ctx);
	for (i = 0; !err && i < fake->alias_count; i++)
		err = cb(&fake->aliases[i], ctx);
	return err;
}

static inline int fake_neighbour_add(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4,
				     const struct mac *mac)
{
	if (ifindex != FAKE(rt)->wan.ifindex)
		return 0;
	FAKE(rt)->permanent = ipv4;
	FAKE(rt)->permanent_mac = *mac;
	return 0;
}

static inline int fake_neighbour_del(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4)
{
	(void)ifindex;
	if (!doppel_ip4_eq(FAKE(rt)->permanent, ipv4))
		return -ENOENT;
	FAKE(rt)->permanent.s_addr = 0;
	return 0;
}

static inline int fake_egress_filtered(struct rtnetlink *rt, uint32_t ifindex, bool *filtered)
{
	*filtered = FAKE(rt)->tc_egress && ifindex == FAKE(rt)->wan.ifindex;
	return 0;
}

static inline int fake_probe(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4,
			     const struct mac *mac)
{
	struct fake *fake = FAKE(rt);
	unsigned int i;

	fake->probes++;
	for (i = 0; i < fake->host_count; i++)
		if (fake->hosts[i].mac == mac->b[5] && doppel_ip4_eq(fake->hosts[i].ipv4, ipv4))
			fake->answers[fake->answer_count++ % 16] = (struct port_event){
				.kind = PORT_EVENT_NEIGHBOUR,
				.ifindex = ifindex,
				.mac = *mac,
				.ipv4 = ipv4,
			};
	return 0;
}

static inline int fake_neighbours(struct rtnetlink *rt, uint32_t ifindex,
				  void (*cb)(const struct port_event *event, void *ctx), void *ctx)
{
	(void)rt;
	(void)ifindex;
	(void)cb;
	(void)ctx;
	return 0;
}

static inline int fake_sysctl_get(struct rtnetlink *rt, const char *path, char *value,
				  size_t size)
{
	(void)rt;
	(void)path;
	(void)value;
	(void)size;
	return -ENOENT;
}

static inline int fake_sysctl_set(struct rtnetlink *rt, const char *path, const char *value)
{
	(void)rt;
	(void)path;
	(void)value;
	return 0;
}

/* --- the WAN -------------------------------------------------------------------------------- */

#undef FAKE
#define FAKE(socket) container_of(socket, struct fake, packet)

static inline int fake_packet_fd(struct packet_socket *socket)
{
	return FAKE(socket)->fds[0];
}

static inline int fake_lan_packet_fd(struct packet_socket *socket)
{
	return container_of(socket, struct fake, lan_packet)->fds[0];
}

static inline int fake_bind(struct packet_socket *socket, uint32_t ifindex)
{
	(void)socket;
	(void)ifindex;
	return 0;
}

static inline ssize_t fake_receive(struct packet_socket *socket, void *frame, size_t size,
				   bool *checksum_pending)
{
	(void)socket;
	(void)frame;
	(void)size;
	*checksum_pending = false;
	return -EAGAIN;
}

static inline void fake_deliver(struct fake *fake, const uint8_t *frame, size_t len)
{
	size_t at = fake->inbox_tail++ % 256;

	memcpy(fake->inbox[at].frame, frame, len);
	fake->inbox[at].len = len;
}

static const struct mac fake_server_mac = { { 0x02, 0xee, 0, 0, 0, 1 } };

static const struct mac fake_rogue_mac = { { 0x02, 0xee, 0, 0, 0, 0x66 } };
#define FAKE_ROGUE_NET 66

/* The value of an option of a DHCPv4 message; NULL: it has none. */
static inline const uint8_t *fake_option4(const struct packet *message, uint8_t code)
{
	const uint8_t *p = message->payload + 240, *end = message->payload + message->len;

	for (; p + 6 <= end && *p != 255; p += *p ? 2 + p[1] : 1)
		if (*p == code)
			return p + 2;
	return NULL;
}

/* A REQUEST for an address of another network than 10.@net.0.0/24 (option 50, or ciaddr). */
static inline bool fake_is_strange(const struct packet *request, uint8_t net)
{
	const uint8_t *requested = fake_option4(request, 50);

	if (request->payload[12])
		return request->payload[13] != net;
	return requested && requested[1] != net;
}

/* A REQUEST that chooses another server (option 54). */
static inline bool fake_is_for_another(const struct packet *request, uint8_t net)
{
	const uint8_t *server = fake_option4(request, 54);

	return server && server[1] != net;
}

/* OFFER, ACK or NAK of the server 10.<net>.0.254: 10.<net>.0.<last byte of the MAC>, an hour. */
static inline void fake_dhcp_answer(struct fake *fake, const struct packet *request, uint8_t net,
				    const struct mac *from)
{
	struct packet head = {
		.kind = PACKET_UDP4,
		.dst = doppel_mac_broadcast,
		.src = *from,
		.ip4 = { fake_ip4("10.0.0.254"), { INADDR_BROADCAST } },
		.hop_limit = 64,
		.sport = 67,
		.dport = 68,
	};
	static const uint8_t options[] = {
		0x63, 0x82, 0x53, 0x63, 53, 1, 0, 54, 4, 10, 0, 0, 254, 51, 4, 0, 0, 0x0e, 0x10,
		1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 0, 254, 255,
	};
	static const uint8_t dns_option[] = { 6, 4, 10, 0, 0, 53, 255 };
	uint8_t reply[300] = { 2, 1, 6 }, frame[FRAME_MAX];
	uint8_t *server = reply + 236 + 9, *router = reply + 236 + 27;
	uint8_t type = request->payload[242];

	if (fake_is_for_another(request, net))
		return;
	memcpy(reply + 4, request->payload + 4, 4);
	memcpy(reply + 28, request->payload + 28, 6);
	reply[10] = request->payload[10];
	reply[16] = 10;
	reply[17] = net;
	reply[19] = request->payload[33];
	memcpy(reply + 236, options, sizeof(options));
	reply[242] = type == 1 ? 2 : fake->dhcp_naks || fake_is_strange(request, net) ? 6 : 5;
	server[1] = router[1] = net;
	head.ip4.src.s_addr |= htonl((uint32_t)net << 16);
	if (fake->dns4)
		memcpy(reply + 236 + sizeof(options) - 1, dns_option, sizeof(dns_option));
	fake_deliver(fake, frame, doppel_frame_udp4(frame, &head, reply, sizeof(reply)));
}

static inline void fake_dhcp(struct fake *fake, const struct packet *request)
{
	uint8_t type = request->len > 242 ? request->payload[242] : 0;
	struct mac chaddr;

	fake->discovers += type == 1;
	fake->requests += type == 3;
	fake->releases += type == 7;
	doppel_dhcp4_parse_looks(request->payload, request->len, &chaddr, &fake->said);
	if (type != 1 && type != 3)
		return;
	if (fake->rogue && (type == 1 || fake_option4(request, 54) ||
			    !fake_is_strange(request, FAKE_ROGUE_NET)))
		fake_dhcp_answer(fake, request, FAKE_ROGUE_NET, &fake_rogue_mac);
	if (fake->dhcp_server && !(type == 3 && fake->dhcp_no_ack))
		fake_dhcp_answer(fake, request, fake->net, &fake_server_mac);
}

/* An option of a DHCPv6 message, with its head; NULL: it has none. */
static inline const uint8_t *fake_option6(const struct packet *message, uint16_t code)
{
	const uint8_t *p = message->payload + 4, *end = message->payload + message->len;

	for (; p + 4 <= end; p += 4 + doppel_get16(p + 2))
		if (doppel_get16(p) == code)
			return p;
	return NULL;
}

static inline struct in6_addr fake_address6(uint8_t net, uint8_t last)
{
	struct in6_addr address = { { { 0x20, 0x01, 0x0d, 0xb8, 0, net, [13] = 0xd, [15] = last } } };

	return address;
}

/* What the server at @from says: CONFIRM is answered by its network, all else by an address. */
static inline void fake_dhcp6_answer(struct fake *fake, const struct packet *request, uint8_t net,
				     const struct mac *from)
{
	const struct in6_addr address = fake_address6(net, request->src.b[5]);
	const uint8_t *client = fake_option6(request, 1), *chosen = fake_option6(request, 2);
	const uint8_t *ia = fake_option6(request, 3);
	const uint8_t type = request->payload[0];
	const struct packet head = {
		.kind = PACKET_UDP6,
		.dst = request->src,
		.src = *from,
		.ip6 = { .src = doppel_ip6_link_local(from), .dst = request->ip6.src },
		.hop_limit = 64,
		.sport = 547,
		.dport = 546,
	};
	uint8_t reply[200], frame[FRAME_MAX];
	struct writer w = { reply, sizeof(reply), 0, false };

	if (!client || (chosen && memcmp(chosen + 8, from->b, 6)))
		return;
	doppel_put8(&w, type == 1 ? 2 : 7);
	doppel_put(&w, request->payload + 1, 3);
	doppel_put(&w, client, 4 + (size_t)doppel_get16(client + 2));
	doppel_put32(&w, 2 << 16 | 10);
	doppel_put32(&w, 3 << 16 | 1);		/* DUID-LL of Ethernet */
	doppel_put(&w, from->b, 6);
	if (type == 4) {
		doppel_put32(&w, 13 << 16 | 2);
		doppel_put16(&w, ia && ia[4 + 12 + 4 + 5] == net ? 0 : 4);
	} else if (ia) {
		doppel_put32(&w, 3 << 16 | 40);
		doppel_put(&w, ia + 4, 4);
		doppel_put32(&w, 1800);
		doppel_put32(&w, 2880);
		doppel_put32(&w, 5 << 16 | 24);
		doppel_put(&w, &address, 16);
		doppel_put32(&w, 3600);
		doppel_put32(&w, 86400);
	}
	fake_deliver(fake, frame, doppel_frame_udp6(frame, &head, reply, w.len));
}

static inline void fake_dhcp6(struct fake *fake, const struct packet *request)
{
	const uint8_t type = request->payload[0];

	fake->solicits += type == 1;
	fake->confirms += type == 4;
	if (fake->rogue && (type == 1 || fake_option6(request, 2)))
		fake_dhcp6_answer(fake, request, FAKE_ROGUE_NET, &fake_rogue_mac);
	if (fake->dhcp6_server)
		fake_dhcp6_answer(fake, request, fake->dhcp6_net, &fake_server_mac);
}

static inline struct in6_addr fake_router(const struct fake *fake)
{
	return doppel_ip6_link_local(&fake->router_mac);
}

/* The router's answer, to a request that reaches it. */
static inline void fake_arp(struct fake *fake, const struct packet *request)
{
	const struct in_addr router = { htonl(0x0a0000fe | (uint32_t)fake->net << 16) };
	const struct arp answer = {
		.operation = ARPOP_REPLY,
		.sender_mac = fake->router_mac,
		.sender = router,
		.target_mac = request->src,
		.target = request->arp.sender,
	};
	uint8_t frame[FRAME_MAX];

	if (request->arp.operation != ARPOP_REQUEST || fake->router4_down ||
	    !doppel_ip4_eq(request->arp.target, router) ||
	    !(doppel_mac_eq(&request->dst, &doppel_mac_broadcast) ||
	      doppel_mac_eq(&request->dst, &fake->router_mac)))
		return;
	fake->arps++;
	fake_deliver(fake, frame, doppel_frame_arp(frame, &request->src, &fake->router_mac, &answer));
}

static inline void fake_advertise(struct fake *fake)
{
	struct packet head = {
		.kind = PACKET_ICMP6,
		.src = fake->router_mac,
		.hop_limit = 255,
	};
	struct {
		struct nd_router_advert ra;
		struct nd_opt_prefix_info prefix;
		uint8_t more[24 + 16];
	} message = {
		.ra.nd_ra_type = ND_ROUTER_ADVERT,
		.ra.nd_ra_router_lifetime = htons(1800),
		.prefix = {
			.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION,
			.nd_opt_pi_len = 4,
			.nd_opt_pi_prefix_len = 64,
			.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO,
			.nd_opt_pi_valid_time = htonl(86400),
			.nd_opt_pi_preferred_time = htonl(14400),
		},
	};
	struct writer w = { message.more, sizeof(message.more), 0, false };
	struct in6_addr address;
	uint8_t frame[FRAME_MAX];

	message.ra.nd_ra_flags_reserved = fake->ra_flags;
	if (fake->ra_no_prefix)
		message.prefix.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK;
	doppel_ip6_parse(fake->prefix, &message.prefix.nd_opt_pi_prefix);
	if (fake->dns6 && !doppel_ip6_parse(fake->dns6, &address)) {
		doppel_put32(&w, 25 << 24 | 3 << 16);
		doppel_put32(&w, fake->dns6_s);
		doppel_put(&w, &address, 16);
	}
	if (fake->pref64 && !doppel_ip6_parse(fake->pref64, &address)) {
		doppel_put16(&w, 38 << 8 | 2);
		doppel_put16(&w, fake->pref64_s & 0xfff8);
		doppel_put(&w, &address, 12);
	}
	head.ip6.src = fake_router(fake);
	doppel_ip6_parse("ff02::1", &head.ip6.dst);
	head.dst = doppel_mac_multicast6(&head.ip6.dst);
	fake_deliver(fake, frame, doppel_frame_icmp6(frame, &head, &message,
						     sizeof(message) - sizeof(message.more) + w.len));
}

static inline void fake_icmp6(struct fake *fake, const struct packet *request)
{
	struct neighbour neighbour;
	struct packet head = {
		.kind = PACKET_ICMP6,
		.dst = request->src,
		.src = fake->router_mac,
		.hop_limit = 255,
	};
	struct nd_neighbor_advert na = {
		.nd_na_type = ND_NEIGHBOR_ADVERT,
		.nd_na_flags_reserved = ND_NA_FLAG_SOLICITED | ND_NA_FLAG_ROUTER,
		.nd_na_target = fake_router(fake),
	};
	uint8_t frame[FRAME_MAX];

	fake->router_solicits += request->payload[0] == ND_ROUTER_SOLICIT;
	if (!fake->router || !((request->dst.b[0] & 1) ||
			       doppel_mac_eq(&request->dst, &fake->router_mac)))
		return;
	if (request->payload[0] == ND_ROUTER_SOLICIT) {
		fake_advertise(fake);
	} else if (doppel_neighbour_parse(request, &neighbour) == VERDICT_ACCEPTED &&
		   doppel_ip6_eq(&neighbour.target, &na.nd_na_target)) {
		head.ip6.src = fake_router(fake);
		head.ip6.dst = request->ip6.src;
		fake_deliver(fake, frame, doppel_frame_icmp6(frame, &head, &na, sizeof(na)));
	}
}

static inline int fake_send(struct packet_socket *socket, const void *frame, size_t len)
{
	struct fake *fake = FAKE(socket);
	struct packet packet;

	fake->frames++;
	if (doppel_frame_parse(frame, len, 0, &packet) != VERDICT_ACCEPTED)
		abort();
	/* The module's guard: who is not in its table does not speak. */
	if (!fake_device(fake, &packet.src)) {
		fake->foreign++;
		return 0;
	}
	if (packet.src.b[5] == fake->unregistered)
		return 0;
	if (packet.kind == PACKET_UDP4)
		fake_dhcp(fake, &packet);
	else if (packet.kind == PACKET_UDP6)
		fake_dhcp6(fake, &packet);
	else if (packet.kind == PACKET_ICMP6)
		fake_icmp6(fake, &packet);
	else if (packet.kind == PACKET_ARP)
		fake_arp(fake, &packet);
	return 0;
}

#undef FAKE
#define FAKE(socket) container_of(socket, struct fake, udp)

static inline int fake_udp_connect(struct udp_socket *socket, const struct in6_addr *server,
				   uint16_t port, uint32_t ifindex)
{
	(void)port;
	(void)ifindex;
	FAKE(socket)->asked = *server;
	FAKE(socket)->query_len = 0;
	return FAKE(socket)->dns_down ? -ENETUNREACH : 0;
}

static inline int fake_udp_fd(struct udp_socket *socket)
{
	return FAKE(socket)->fds[0];
}

static inline int fake_udp_send(struct udp_socket *socket, const void *data, size_t len)
{
	memcpy(FAKE(socket)->query, data, len);
	FAKE(socket)->query_len = len;
	FAKE(socket)->queries++;
	return 0;
}

static inline ssize_t fake_udp_receive(struct udp_socket *socket, void *data, size_t size)
{
	size_t len = FAKE(socket)->reply_len < size ? FAKE(socket)->reply_len : size;

	if (!len)
		return -EAGAIN;
	memcpy(data, FAKE(socket)->reply, len);
	FAKE(socket)->reply_len = 0;
	return (ssize_t)len;
}

#undef FAKE

static inline void fake_no_free(struct doppel_link *link)
{
	(void)link;
}

/* --- the whole ------------------------------------------------------------------------------ */

static inline struct fake *fake_new(void)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	if (!fake || pipe(fake->fds))
		abort();
	fake->clock = (struct clock){ fake_mono, fake_wall, fake_boot };
	fake->rng.below = fake_below;
	fake->now = 1000000;
	fake->boot = "first";
	fake->seed = 7;
	fake->loaded = true;
	fake->dhcp_server = true;
	fake->prefix = "2001:db8::";
	fake->router_mac = fake_server_mac;
	fake->lan = (struct port_link){ 2, "lan0", { { 6, 0, 0, 0, 0, 1 } }, 1500, false, false,
					false, "", "" };
	fake->wan = (struct port_link){ 3, "wan0", { { 6, 0, 0, 0, 0, 2 } }, 1500, false, false,
					false, "", "" };
	fake->module = (struct doppel_link){
		.event_fd = fake_module_fd,
		.read_events = fake_module_events,
		.present = fake_present,
		.gateway_set = fake_gateway_set,
		.gateway_get = fake_gateway_get,
		.gateway_del = fake_gateway_del,
		.device_add = fake_device_add,
		.device_set = fake_device_set,
		.device_del = fake_device_del,
		.device_get = fake_device_get,
		.device_dump = fake_device_dump,
		.forward_add = fake_forward_add,
		.forward_del = fake_forward_del,
		.forward_dump = fake_forward_dump,
		.mapping_add = fake_mapping_add,
		.mapping_del = fake_mapping_del,
		.mapping_dump = fake_mapping_dump,
		.stats_get = fake_stats_get,
		.free = fake_no_free,
	};
	fake->rt = (struct rtnetlink){
		.event_fd = fake_rt_fd,
		.read_events = fake_rt_events,
		.link_get = fake_link_get,
		.link_up = fake_link_up,
		.address_dump = fake_address_dump,
		.address_add = fake_address_add,
		.address_del = fake_address_del,
		.route_add = fake_route_add,
		.route_del = fake_route_del,
		.route_dump = fake_route_dump,
		.neighbour_add = fake_neighbour_add,
		.neighbour_del = fake_neighbour_del,
		.egress_filtered = fake_egress_filtered,
		.neighbour_probe = fake_probe,
		.neighbour_dump = fake_neighbours,
		.sysctl_get = fake_sysctl_get,
		.sysctl_set = fake_sysctl_set,
	};
	fake->packet = (struct packet_socket){
		.fd = fake_packet_fd,
		.bind = fake_bind,
		.receive = fake_receive,
		.send = fake_send,
	};
	fake->lan_packet = (struct packet_socket){
		.fd = fake_lan_packet_fd,
		.bind = fake_bind,
		.receive = fake_receive,
	};
	fake->udp = (struct udp_socket){
		.connect = fake_udp_connect,
		.fd = fake_udp_fd,
		.send = fake_udp_send,
		.receive = fake_udp_receive,
	};
	scratch_make(fake->run_dir);
	snprintf(fake->state, sizeof(fake->state), "%s/doppel.db", fake->run_dir);
	return fake;
}

static inline struct config *fake_config(struct fake *fake, const char *more)
{
	struct doppel_error error = { .count = 0 };
	struct config *config = NULL;
	char text[2048];
	int len = snprintf(text, sizeof(text),
			   "gateway:\n"
			   "  lan: {interface: lan0, address: 192.168.1.1/24}\n"
			   "%s"
			   "state: %s\n", more, fake->state);

	if (doppel_config_parse("test.yaml", text, (size_t)len, &config, &error)) {
		diag("%s", error.text);
		abort();
	}
	return config;
}

#define FAKE_PLAIN "  wan: {interface: wan0, ipv6: off}\n"
#define FAKE_DUAL "  wan: {interface: wan0}\n"

static inline void fake_start(struct fake *fake, const char *more)
{
	struct doppel_error error = { .count = 0 };
	struct gateway_env env = {
		.loop = EV_DEFAULT,
		.clock = &fake->clock,
		.rng = &fake->rng,
		.module = &fake->module,
		.rtnetlink = &fake->rt,
		.packet = &fake->packet,
		.lan_packet = &fake->lan_packet,
		.udp = &fake->udp,
		.run_dir = fake->run_dir,
	};

	fake->config = fake_config(fake, more);
	env.config = fake->config;
	if (doppel_store_open(fake->state, &fake->store, &error)) {
		diag("%s", error.text);
		abort();
	}
	env.store = fake->store;
	if (doppel_gateway_new(&env, &fake->gw, &error)) {
		diag("%s", error.text);
		abort();
	}
}

/* The agent ends; module and store stay as they are. */
static inline void fake_stop(struct fake *fake)
{
	doppel_gateway_free(fake->gw);
	doppel_store_close(fake->store);
	doppel_config_free(fake->config);
	fake->gw = NULL;
}

static inline void fake_unlink(struct fake *fake, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fake->run_dir, name);
	unlink(path);
}

static inline void fake_free(struct fake *fake)
{
	if (fake->gw)
		fake_stop(fake);
	scratch_remove(fake->run_dir);
	close(fake->fds[0]);
	close(fake->fds[1]);
	free(fake);
}

/* Let @ms pass; what is sent is answered at once. */
static inline void fake_run(struct fake *fake, int64_t ms)
{
	const int64_t until = fake->now + ms;

	for (;;) {
		int64_t at = doppel_gateway_deadline(fake->gw);

		while (fake->inbox_head != fake->inbox_tail) {
			size_t i = fake->inbox_head++ % 256;

			doppel_wan_frame(fake->gw, fake->inbox[i].frame, fake->inbox[i].len,
					 false);
			at = doppel_gateway_deadline(fake->gw);
		}
		while (fake->answer_count) {
			doppel_ports_event(&fake->answers[--fake->answer_count], fake->gw);
			at = doppel_gateway_deadline(fake->gw);
		}
		if (at > until)
			break;
		if (at > fake->now) {
			size_t i;

			for (i = 0; i < fake->device_count; i++)
				fake->devices[i].idle_ms += (uint32_t)(at - fake->now);
			fake->now = at;
		}
		doppel_gateway_timeout(fake->gw);
	}
	fake->now = until;
}

static inline void fake_seen(struct fake *fake, uint8_t last, const char *ipv4)
{
	struct module_event event = {
		.kind = MODULE_EVENT_DEVICE_SEEN,
		.mac = fake_mac(last),
		.ipv4 = fake_ip4(ipv4),
	};

	doppel_discovery_event(&event, fake->gw);
}

static inline void fake_host(struct fake *fake, uint8_t last, const char *ipv4)
{
	fake->hosts[fake->host_count].mac = last;
	fake->hosts[fake->host_count++].ipv4 = fake_ip4(ipv4);
}

static inline void fake_module_event(struct fake *fake, enum module_event_kind kind)
{
	struct module_event event = { .kind = kind };

	doppel_discovery_event(&event, fake->gw);
}

/* A device's view, copied: its reasons too. */
struct fake_view {
	struct device_view view;
	char reason4[128], reason6[128];
};

static inline int fake_copy_view(const struct device_view *view, void *ctx)
{
	struct fake_view *copy = ctx;

	copy->view = *view;
	snprintf(copy->reason4, sizeof(copy->reason4), "%s", view->ipv4.reason);
	snprintf(copy->reason6, sizeof(copy->reason6), "%s", view->ipv6.reason);
	return 0;
}

static inline struct fake_view fake_view(struct fake *fake, uint8_t last)
{
	struct fake_view copy = { .view = { .status = DEVICE_FAILED } };
	const struct mac mac = fake_mac(last);

	doppel_gateway_device(fake->gw, &mac, fake_copy_view, &copy);
	return copy;
}

#endif
