// SPDX-License-Identifier: GPL-2.0-only
/*
 * The box's own traffic where only devices' MACs may show: which device lends it an identity, and a
 * way out to the WAN port, where the module takes the packets at the egress hook.
 *
 * The next hop of that way is nobody: 192.0.0.8 is the dummy address of RFC 7600 section 4.8, and
 * its MAC never appears on the wire.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"

#define WAY_METRIC 2048		/* behind whatever else the site has */
#define WAY_PROTOCOL 208	/* of no other daemon: see /etc/iproute2/rt_protos */
#define RETRY_MS 5000
#define LOOKS 5			/* at the routes, as long as they change meanwhile */
#define XLAT_OVERHEAD 20	/* an IPv6 header is longer by so much than an IPv4 one */

static const struct mac nobody = { { 0x02, 0xd0, 0x99, 0xe1, 0x00, 0x08 } };

static struct in_addr dummy(void)
{
	return (struct in_addr){ htonl(0xc0000008) };
}

static bool may_lend(const struct device *device)
{
	return device->in_module &&
	       (device->held.wan_ipv4.s_addr || device->held.wan_ipv6_count);
}

/* Who has WAN IPv4 first, then who lends already, then who is not silent. */
static int rank(const struct gateway *gateway, const struct device *device)
{
	return (device->held.wan_ipv4.s_addr ? 4 : 0) +
	       (doppel_mac_eq(&device->mac, &gateway->held.lender) ? 2 : 0) + !device->inactive;
}

static bool better(const struct gateway *gateway, const struct device *a, const struct device *b)
{
	const int by_rank = rank(gateway, a) - rank(gateway, b);

	if (by_rank)
		return by_rank > 0;
	if (a->discovered_at != b->discovered_at)
		return a->discovered_at < b->discovered_at;
	return memcmp(&a->mac, &b->mac, sizeof(a->mac)) < 0;
}

bool doppel_lend_wanted(const struct gateway *gateway)
{
	const struct config *config = gateway->config;

	return config->wan.identity == CONFIG_DEVICES_ONLY && config->wan.lend != CONFIG_LEND_OFF;
}

static struct device *choose(const struct gateway *gateway)
{
	const struct config *config = gateway->config;
	struct device *best = NULL;

	if (!doppel_lend_wanted(gateway) || !gateway->held.lends)
		return NULL;
	if (config->wan.lend == CONFIG_LEND_MAC) {
		best = doppel_gateway_find(gateway, &config->wan.lender);
		return best && may_lend(best) ? best : NULL;
	}
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		if (may_lend(device) && (!best || better(gateway, device, best)))
			best = device;
	}
	return best;
}

struct device *doppel_lend_lender(const struct gateway *gateway)
{
	return gateway->lending.way.ifindex && !gateway->lending.stale ?
	       doppel_gateway_find(gateway, &gateway->held.lender) : NULL;
}

static int tell_module(struct gateway *gateway, const struct mac *lender)
{
	struct module_gateway wanted = gateway->held;
	char text[DOPPEL_MAC_TEXT];
	int err;

	if (!gateway->held.lends || doppel_mac_eq(&gateway->held.lender, lender))
		return 0;
	wanted.lender = *lender;
	err = gateway->module->gateway_set(gateway->module, &wanted, MODULE_LENDER);
	doppel_mac_format(lender, text);
	if (err) {
		if (!gateway->lending.refused)
			doppel_log(LOG_ERR, "box: %s cannot lend its identity: %s; trying again",
				   text, gateway->module->message[0] ? gateway->module->message :
				   strerror(-err));
		gateway->lending.refused = true;
		doppel_gateway_settle_after(gateway, RETRY_MS);
		return err;
	}
	gateway->lending.refused = false;
	gateway->held.lender = *lender;
	if (doppel_mac_is_host(lender))
		doppel_log(LOG_NOTICE, "box: its own traffic leaves as %s", text);
	else
		doppel_log(LOG_NOTICE, "box: nobody lends it an identity");
	return 0;
}

static bool same_route(const struct port_route *a, const struct port_route *b)
{
	return a->ifindex == b->ifindex && doppel_ip4_eq(a->dst, b->dst) &&
	       a->prefix_len == b->prefix_len && doppel_ip4_eq(a->via, b->via) &&
	       doppel_ip4_eq(a->source, b->source) && a->metric == b->metric && a->mtu == b->mtu;
}

/* Routes of ours: what there is, or what there should be. */
struct route_list {
	struct port_route *list;
	size_t count;
};

static int append(const struct port_route *route, void *ctx)
{
	struct route_list *routes = ctx;
	struct port_route *more = reallocarray(routes->list, routes->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	routes->list = more;
	more[routes->count++] = *route;
	return 0;
}

static bool has(const struct route_list *routes, const struct port_route *route)
{
	size_t i;

	for (i = 0; i < routes->count; i++)
		if (same_route(&routes->list[i], route))
			return true;
	return false;
}

static void free_routes(struct route_list *routes)
{
	free(routes->list);
}

#define auto_routes __attribute__((cleanup(free_routes)))

static int look_at_routes(struct gateway *gateway, uint32_t ifindex, struct route_list *held)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	unsigned int left = LOOKS;
	int err;

	do {
		held->count = 0;
		err = rt->route_dump(rt, ifindex, WAY_PROTOCOL, append, held);
	} while (err == -EINTR && --left);
	return err;
}

/*
 * The way and, where the site has a default route that comes before it, what only the WAN port
 * leads to: the aliases, ours and the file's.
 */
static int plan(const struct gateway *gateway, const struct port_route *way,
		struct route_list *wanted)
{
	const struct config *config = gateway->config;
	struct port_route route = *way;
	size_t i;
	int err = append(way, wanted);

	route.dst.s_addr = htonl(0xc0000000);
	route.prefix_len = 29;
	if (!err)
		err = append(&route, wanted);
	route.prefix_len = 32;
	for (i = 0; !err && i < config->mappings.count; i++) {
		route.dst = config->mappings.list[i].ipv4;
		err = append(&route, wanted);
	}
	return err;
}

/* Only differences are changed: what goes out by a route that stays does not notice. */
static int set_routes(struct gateway *gateway, uint32_t ifindex, const struct route_list *wanted)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	struct route_list auto_routes held = { 0 };
	int err = look_at_routes(gateway, ifindex, &held);
	size_t i;

	for (i = 0; !err && i < held.count; i++)
		if (!has(wanted, &held.list[i]))
			rt->route_del(rt, &held.list[i]);
	for (i = 0; !err && i < wanted->count; i++)
		if (!has(&held, &wanted->list[i]))
			err = rt->route_add(rt, &wanted->list[i]);
	return err == -EEXIST ? 0 : err;
}

static void remove_way(struct gateway *gateway, uint32_t ifindex)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	const struct route_list none = { 0 };

	if (!ifindex)
		return;
	set_routes(gateway, ifindex, &none);
	if (!rt->neighbour_del(rt, ifindex, dummy()))
		doppel_log(LOG_INFO, "box: its way out of the WAN port is closed");
}

static int open_way(struct gateway *gateway, const struct port_route *way)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	struct route_list auto_routes wanted = { 0 };
	int err = plan(gateway, way, &wanted);

	if (!err)
		err = rt->neighbour_add(rt, way->ifindex, way->via, &nobody);
	return err ? err : set_routes(gateway, way->ifindex, &wanted);
}

/* To be done again, as ports may have been down: setting what is there does no harm. */
static void try_way(struct gateway *gateway, const struct port_route *way)
{
	struct lending *lending = &gateway->lending;
	const int err = open_way(gateway, way);

	if (err) {
		if (err != lending->err)
			doppel_log(LOG_ERR, "box: no way out of port %s: %s; trying again",
				   gateway->wan.name, strerror(-err));
		remove_way(gateway, way->ifindex);
		lending->way = (struct port_route){ 0 };
		doppel_gateway_settle_after(gateway, RETRY_MS);
	}
	lending->err = err;
}

static void set_way(struct gateway *gateway, const struct device *lender)
{
	struct lending *lending = &gateway->lending;
	struct port_route way = { 0 };

	if (lender)
		way = (struct port_route){
			.ifindex = gateway->wan.ifindex,
			.family = AF_INET,
			.via = dummy(),
			.source = gateway->config->lan.address,
			.metric = WAY_METRIC,
			.mtu = lender->held.wan_ipv4.s_addr ? 0 : gateway->wan.mtu - XLAT_OVERHEAD,
			.protocol = WAY_PROTOCOL,
		};
	if (!lending->stale && same_route(&way, &lending->way))
		return;
	if (lending->way.ifindex != way.ifindex)
		remove_way(gateway, lending->way.ifindex);
	/* An agent before this one may have left one behind. */
	if (!lender && lending->stale)
		remove_way(gateway, gateway->wan.ifindex);
	lending->stale = false;
	lending->err = lender ? lending->err : 0;
	lending->way = way;
	if (lender)
		try_way(gateway, &way);
}

void doppel_lend_settle(struct gateway *gateway)
{
	static const struct mac none;
	struct device *lender = choose(gateway);

	if (tell_module(gateway, lender ? &lender->mac : &none))
		lender = NULL;
	set_way(gateway, lender);
}

void doppel_lend_event(struct gateway *gateway, const struct port_event *event)
{
	struct lending *lending = &gateway->lending;
	const bool ours = event->kind == PORT_EVENT_ROUTE_GONE ? event->protocol == WAY_PROTOCOL :
			  doppel_ip4_eq(event->ipv4, dummy());

	if (!ours || !lending->way.ifindex || event->ifindex != lending->way.ifindex)
		return;
	/* Somebody else who manages routes may not want it: no race with them. */
	lending->stale = true;
	doppel_gateway_settle_after(gateway, RETRY_MS);
}

void doppel_lend_close(struct gateway *gateway)
{
	const uint32_t ifindex = gateway->lending.way.ifindex;

	/* If this agent has opened none, one before it may have. */
	remove_way(gateway, ifindex ? ifindex : gateway->wan.ifindex);
	gateway->lending = (struct lending){ .stale = true };
}
