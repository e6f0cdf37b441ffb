// SPDX-License-Identifier: GPL-2.0-only
/*
 * The box's own traffic where only devices' MACs may show: which device lends it an identity, and a
 * way out to the WAN port, where the module takes the packets at the egress hook.
 *
 * The next hop of that way is nobody: 192.0.0.8 is the dummy address of RFC 7600 section 4.8, and
 * its MAC never appears on the wire.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"

#define WAY_METRIC 2048		/* behind whatever else the site has */
#define WAY_PROTOCOL 208	/* of no other daemon: see /etc/iproute2/rt_protos */
#define RETRY_MS 5000
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
	return gateway->lending.way.ifindex ? doppel_gateway_find(gateway, &gateway->held.lender) :
					      NULL;
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
		doppel_log(LOG_ERR, "box: %s cannot lend its identity: %s", text,
			   gateway->module->message[0] ? gateway->module->message :
			   strerror(-err));
		return err;
	}
	gateway->held.lender = *lender;
	if (doppel_mac_is_host(lender))
		doppel_log(LOG_NOTICE, "box: its own traffic leaves as %s", text);
	else
		doppel_log(LOG_NOTICE, "box: nobody lends it an identity");
	return 0;
}

static bool same_way(const struct port_route *a, const struct port_route *b)
{
	return a->ifindex == b->ifindex && doppel_ip4_eq(a->source, b->source) && a->mtu == b->mtu;
}

static void remove_way(struct gateway *gateway, uint32_t ifindex)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	const struct port_route way = {
		.ifindex = ifindex,
		.metric = WAY_METRIC,
		.protocol = WAY_PROTOCOL,
	};

	if (!ifindex)
		return;
	if (!rt->route_del(rt, &way))
		doppel_log(LOG_INFO, "box: its way out of the WAN port is closed");
	rt->neighbour_del(rt, ifindex, dummy());
}

/* To be done again, as ports may have been down: setting what is there does no harm. */
static void open_way(struct gateway *gateway, const struct port_route *way)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	int err = rt->neighbour_add(rt, way->ifindex, way->via, &nobody);

	if (!err)
		err = rt->route_add(rt, way);
	if (err) {
		doppel_log(LOG_ERR, "box: no way out of port %s: %s", gateway->wan.name,
			   strerror(-err));
		remove_way(gateway, way->ifindex);
		gateway->lending.way = (struct port_route){ 0 };
		doppel_gateway_settle_after(gateway, RETRY_MS);
		return;
	}
	gateway->lending.way = *way;
}

static void set_way(struct gateway *gateway, const struct device *lender)
{
	struct lending *lending = &gateway->lending;
	struct port_route way = { 0 };

	if (lender)
		way = (struct port_route){
			.ifindex = gateway->wan.ifindex,
			.via = dummy(),
			.source = gateway->config->lan.address,
			.metric = WAY_METRIC,
			.mtu = lender->held.wan_ipv4.s_addr ? 0 : gateway->wan.mtu - XLAT_OVERHEAD,
			.protocol = WAY_PROTOCOL,
		};
	if (!lending->stale && same_way(&way, &lending->way))
		return;
	if (lending->way.ifindex != way.ifindex)
		remove_way(gateway, lending->way.ifindex);
	/* An agent before this one may have left one behind. */
	if (!lender && lending->stale)
		remove_way(gateway, gateway->wan.ifindex);
	lending->stale = false;
	lending->way = way;
	if (lender)
		open_way(gateway, &way);
}

void doppel_lend_settle(struct gateway *gateway)
{
	static const struct mac none;
	struct device *lender = choose(gateway);

	if (tell_module(gateway, lender ? &lender->mac : &none))
		lender = NULL;
	set_way(gateway, lender);
}

void doppel_lend_close(struct gateway *gateway)
{
	const uint32_t ifindex = gateway->lending.way.ifindex;

	/* If this agent has opened none, one before it may have. */
	remove_way(gateway, ifindex ? ifindex : gateway->wan.ifindex);
	gateway->lending = (struct lending){ .stale = true };
}
