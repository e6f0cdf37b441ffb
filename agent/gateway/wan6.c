// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's WAN IPv6 addresses in the order of preference: the module sends from the first. There
 * is one for all destinations, so of RFC 6724 section 5 those rules remain that look at the source.
 */
#include "gateway/device.h"
#include "gateway/dhcp6_lease.h"
#include "gateway/state.h"

#define CANDIDATES_MAX (SLAAC_ADDRESSES_MAX + DHCP6_ADDRESSES_MAX)

struct candidate {
	struct in6_addr address;
	unsigned int merit;
};

/* Each outweighs all below it. */
enum {
	MERIT_DHCP = 1 << 0,		/* the site's server chose it, and knows it */
	MERIT_GLOBAL = 1 << 1,		/* reaches further than a unique local one (RFC 4193) */
	MERIT_PREFERRED = 1 << 2,	/* rule 3: not deprecated */
	/* Rule 5.5: not only of a router that is not used. First: anybody can offer a better one. */
	MERIT_ROUTER = 1 << 3,
};

unsigned int doppel_wan6_slaac_count(const struct device *device)
{
	unsigned int i, count = 0;

	if (device->reach.state != REACH_ANSWERED)
		return 0;
	for (i = 0; i < device->slaac.count; i++)
		count += doppel_slaac_in_use(&device->slaac.addresses[i]);
	return count;
}

static bool offers(const struct ra *router, const struct in6_addr *address)
{
	unsigned int i;

	for (i = 0; i < router->prefix_count; i++)
		if (doppel_ip6_in_prefix(address, &router->prefixes[i].prefix,
					 router->prefixes[i].len))
			return true;
	return false;
}

static bool offers_some(const struct ra *router, const struct dhcp6_lease *lease)
{
	unsigned int i;

	for (i = 0; i < lease->address_count; i++)
		if (offers(router, &lease->addresses[i].address))
			return true;
	return false;
}

bool doppel_wan6_is_elsewhere(void *ctx, const struct dhcp6_lease *lease)
{
	const struct device *device = ctx;
	const struct routers *routers = &device->gateway->routers;
	bool heard = false;
	unsigned int i;

	for (i = 0; i < routers->count; i++) {
		const struct ra *router = &routers->ra[i];

		if (router->received_ms < device->gateway->attachment.confirmed_ms)
			continue;
		if (router->since_ms <= lease->acquired_ms || !router->prefix_count ||
		    offers_some(router, lease))
			return false;
		heard = true;
	}
	return heard;
}

/* Nobody but a router that is not the default one offers its prefix. */
static bool is_others(const struct device *device, const struct in6_addr *address)
{
	const struct routers *routers = &device->gateway->routers;
	const struct ra *router = doppel_routers_default(routers,
							 doppel_gateway_now(device->gateway));
	bool others = false;
	unsigned int i;

	if (!router || offers(router, address))
		return false;
	for (i = 0; i < routers->count; i++)
		others |= offers(&routers->ra[i], address);
	return others;
}

static unsigned int merit(const struct device *device, const struct in6_addr *address,
			  bool preferred, bool dhcp)
{
	return (preferred ? MERIT_PREFERRED : 0) |
	       ((address->s6_addr[0] & 0xfe) == 0xfc ? 0 : MERIT_GLOBAL) |
	       (is_others(device, address) ? 0 : MERIT_ROUTER) | (dhcp ? MERIT_DHCP : 0);
}

/* Behind those of no less merit, so that what came first stays first. */
static void insert(struct candidate list[CANDIDATES_MAX], unsigned int *count,
		   const struct in6_addr *address, unsigned int value)
{
	unsigned int i, at;

	/* SLAAC and DHCPv6 may agree on one. */
	for (i = 0; i < *count; i++)
		if (doppel_ip6_eq(&list[i].address, address))
			return;
	for (at = *count; at && list[at - 1].merit < value; at--)
		list[at] = list[at - 1];
	list[at] = (struct candidate){ *address, value };
	++*count;
}

static unsigned int collect(const struct device *device, struct candidate list[CANDIDATES_MAX])
{
	const struct dhcp6_lease *lease = doppel_dhcp6_lease(&device->dhcp6);
	const int64_t now = doppel_gateway_now(device->gateway);
	unsigned int i, count = 0;

	for (i = 0; lease && i < lease->address_count; i++) {
		const struct dhcp6_address *each = &lease->addresses[i];
		const bool preferred = doppel_after_s(lease->acquired_ms, each->preferred_s) > now;

		insert(list, &count, &each->address,
		       merit(device, &each->address, preferred, true));
	}
	for (i = 0; doppel_wan6_slaac_count(device) && i < device->slaac.count; i++) {
		const struct slaac_address *each = &device->slaac.addresses[i];

		if (doppel_slaac_in_use(each))
			insert(list, &count, &each->address,
			       merit(device, &each->address, each->state == SLAAC_PREFERRED,
				     false));
	}
	return count;
}

/* Until a router has been heard by this agent, what the agent before it found out still holds. */
static uint8_t prefix_len(const struct device *device, const struct in6_addr *address)
{
	const struct gateway *gateway = device->gateway;
	size_t i;

	for (i = 0; !gateway->router_heard && i < device->held.wan_ipv6_count; i++)
		if (doppel_ip6_eq(&device->held.wan_ipv6[i].ipv6, address))
			return device->held.wan_ipv6[i].prefix_len;
	return doppel_routers_prefix_len(&gateway->routers, address, doppel_gateway_now(gateway));
}

void doppel_wan6_wanted(const struct device *device, struct module_device *wanted)
{
	struct candidate list[CANDIDATES_MAX];
	const unsigned int count = collect(device, list);
	unsigned int i;

	for (i = 0; i < count && i < MODULE_ADDRESSES_MAX; i++)
		wanted->wan_ipv6[i] = (struct module_address){
			.ipv6 = list[i].address,
			.prefix_len = prefix_len(device, &list[i].address),
		};
	wanted->wan_ipv6_count = i;
}

bool doppel_wan6_is_leased(const struct device *device, const struct in6_addr *address)
{
	const struct dhcp6_lease *lease = doppel_dhcp6_lease(&device->dhcp6);

	return lease && doppel_dhcp6_lease_has(lease, address);
}
