// SPDX-License-Identifier: GPL-2.0-only
/* What keeps devices from WAN IPv6, and from IPv4 hosts by it. */
#include <stdio.h>

#include "gateway/config.h"
#include "gateway/diagnosis.h"

static const struct ra *default_router(const struct diagnosis *d)
{
	return doppel_routers_default(&d->gateway->routers, doppel_gateway_now(d->gateway));
}

static bool has_lease(const struct device *device)
{
	return doppel_dhcp6_lease(&device->dhcp6);
}

static bool is_bound4(const struct device *device)
{
	return doppel_dhcp4_lease(&device->dhcp4);
}

static bool asks_in_vain(const struct device *device)
{
	return device->mode6 != DHCP6_MODE_NONE && !device->dhcp6.held && device->dhcp6.failed;
}

static bool is_unanswered(const struct device *device)
{
	return asks_in_vain(device) && !device->dhcp6.heard;
}

static bool is_refused(const struct device *device)
{
	return asks_in_vain(device) && device->dhcp6.heard;
}

static bool is_rebinding(const struct device *device)
{
	return device->dhcp6.held && device->dhcp6.state == DHCP6_REBINDING;
}

static bool is_unreached(const struct device *device)
{
	return device->slaac.ready && device->reach.failed && device->reach.state != REACH_ANSWERED &&
	       device->reach.state != REACH_OFF;
}

static bool has_conflict(const struct device *device)
{
	unsigned int i;

	if (!device->slaac.running)
		return false;
	for (i = 0; i < device->slaac.count; i++)
		if (device->slaac.addresses[i].given_up)
			return true;
	return !device->slaac.ready && device->slaac.conflicts;
}

void doppel_check_router6(struct diagnosis *d)
{
	const struct ra *router = default_router(d);
	const struct tally bound4 = doppel_diagnosis_tally(d, is_bound4);
	char text[DOPPEL_IP6_TEXT];

	if (!d->gateway->config->wan.ipv6)
		doppel_diagnosis_tell(d, "wan-router6", CHECK_OK, "", "IPv6 is off in the file");
	else if (router)
		doppel_diagnosis_tell(d, "wan-router6", CHECK_OK, "",
				      "the router %s advertises on the WAN",
				      doppel_ip6_format(&router->router, text));
	else
		doppel_diagnosis_tell(d, "wan-router6", bound4.count ? CHECK_WARN : CHECK_FAIL,
				      "on an IPv4-only WAN set wan.ipv6: off; else see whether the router "
				      "sends advertisements into this VLAN",
				      "no IPv6 router advertises on the WAN");
}

void doppel_check_router6_several(struct diagnosis *d)
{
	const struct routers *routers = &d->gateway->routers;
	const int64_t now = doppel_gateway_now(d->gateway);
	char list[256] = "", text[DOPPEL_IP6_TEXT], mac[DOPPEL_MAC_TEXT];
	unsigned int i, count = 0;
	size_t used = 0;

	for (i = 0; i < routers->count; i++) {
		const struct ra *ra = &routers->ra[i];

		if (!ra->lifetime_s || now >= doppel_after_s(ra->received_ms, ra->lifetime_s))
			continue;
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s (from %s)",
						 count ? ", " : "",
						 doppel_ip6_format(&ra->router, text),
						 doppel_mac_format(&ra->router_mac, mac));
		count++;
	}
	if (count > 1)
		doppel_diagnosis_tell(d, "router6-several", CHECK_WARN,
				      "all is well if they are the site's; else find the one that is not by "
				      "its MAC, and unplug it",
				      "%u IPv6 routers advertise: %s; %s is the default router", count,
				      list, doppel_ip6_format(&default_router(d)->router, text));
}

void doppel_check_router6_silent(struct diagnosis *d)
{
	const struct tally unreached = doppel_diagnosis_tally(d, is_unreached);
	const struct routers *routers = &d->gateway->routers;
	char who[TALLY_TEXT], text[DOPPEL_IP6_TEXT];
	unsigned int i;

	for (i = 0; i < routers->count; i++)
		if (routers->ra[i].silent)
			doppel_diagnosis_tell(d, "router6-silent", CHECK_FAIL,
					      "see whether it runs, and is on this link still",
					      "the router %s advertised, and answers nobody now",
					      doppel_ip6_format(&routers->ra[i].router, text));
	if (unreached.count)
		doppel_diagnosis_tell(d, "router6-unreached", CHECK_FAIL,
				      "register the MAC upstream: what the router sends to all arrives, "
				      "what this device sends does not",
				      "the IPv6 router advertises, and does not answer %s",
				      doppel_diagnosis_who(&unreached, who));
}

void doppel_check_router6_prefix(struct diagnosis *d)
{
	const struct ra *router = default_router(d);
	const int64_t now = doppel_gateway_now(d->gateway);
	const struct ra_prefix *strange = NULL;
	char text[DOPPEL_IP6_TEXT], prefix[DOPPEL_IP6_TEXT];
	unsigned int i, j;

	if (!router || doppel_routers_managed(&d->gateway->routers, now))
		return;
	for (i = 0; i < d->gateway->routers.count; i++) {
		for (j = 0; j < d->gateway->routers.ra[i].prefix_count; j++) {
			const struct ra_prefix *each = &d->gateway->routers.ra[i].prefixes[j];

			if (each->autonomous && each->len == SLAAC_PREFIX_LEN)
				return;
			if (each->autonomous)
				strange = each;
		}
	}
	/* RFC 4862 section 5.5.3 (d): prefix and interface identifier must be 128 bits together. */
	if (strange)
		doppel_diagnosis_tell(d, "router6-prefix", CHECK_FAIL,
				      "let the router advertise a /64 of it",
				      "no address can be made of the prefix %s/%u: SLAAC takes a /64",
				      doppel_ip6_format(&strange->prefix, prefix), strange->len);
	else
		doppel_diagnosis_tell(d, "router6-prefix", CHECK_FAIL,
				      "let it set A on a /64 prefix (SLAAC), or M and run a DHCPv6 server",
				      "the router %s tells devices no way to an address: no prefix with A, and "
				      "no M", doppel_ip6_format(&router->router, text));
}

void doppel_check_dhcp6_silent(struct diagnosis *d)
{
	const struct tally silent = doppel_diagnosis_tally(d, is_unanswered);
	const struct tally bound = doppel_diagnosis_tally(d, has_lease);
	const bool managed = doppel_routers_managed(&d->gateway->routers,
						    doppel_gateway_now(d->gateway));
	char who[TALLY_TEXT];

	if (!silent.count)
		return;
	if (bound.count)
		doppel_diagnosis_tell(d, "dhcp6-silent", CHECK_FAIL,
				      "register the MAC upstream; if it is, see whether the server still runs",
				      "a DHCPv6 server has answered others, but not %s",
				      doppel_diagnosis_who(&silent, who));
	else if (managed)
		doppel_diagnosis_tell(d, "dhcp6-silent", CHECK_FAIL,
				      "start the upstream's DHCPv6 server or its relay, or let the router "
				      "clear M; and see whether the MACs are registered",
				      "the router says that addresses come by DHCPv6 (M), and no server "
				      "answers %s", doppel_diagnosis_who(&silent, who));
	else
		doppel_diagnosis_tell(d, "dhcp6-silent", CHECK_WARN,
				      "start the upstream's DHCPv6 server, or let the router clear O; only "
				      "name servers are missing by it",
				      "the router says that there is more to know by DHCPv6 (O), and no "
				      "server answers %s", doppel_diagnosis_who(&silent, who));
}

void doppel_check_dhcp6_refused(struct diagnosis *d)
{
	const struct tally refused = doppel_diagnosis_tally(d, is_refused);
	char who[TALLY_TEXT];

	if (refused.count)
		doppel_diagnosis_tell(d, "dhcp6-refused", CHECK_FAIL,
				      "see the server's log: its pool may be used up, or be of another "
				      "link",
				      "%s: %s", doppel_diagnosis_who(&refused, who),
				      refused.first->dhcp6.reason);
}

void doppel_check_dhcp6_renewal(struct diagnosis *d)
{
	const struct tally rebinding = doppel_diagnosis_tally(d, is_rebinding);
	char who[TALLY_TEXT];

	if (rebinding.count)
		doppel_diagnosis_tell(d, "dhcp6-renewal", CHECK_FAIL,
				      "bring the DHCPv6 server back before the leases end: until then the "
				      "addresses are in use, afterwards they are lost",
				      "no DHCPv6 server renews the lease of %s",
				      doppel_diagnosis_who(&rebinding, who));
}

void doppel_check_ipv6_conflict(struct diagnosis *d)
{
	const struct tally conflict = doppel_diagnosis_tally(d, has_conflict);
	char who[TALLY_TEXT];

	if (conflict.count)
		doppel_diagnosis_tell(d, "ipv6-conflict", CHECK_FAIL,
				      "find who else has the device's MAC, or made an address of it; or use "
				      "slaac.address: stable-privacy",
				      "another host on the WAN has the IPv6 address of %s",
				      doppel_diagnosis_who(&conflict, who));
}

void doppel_check_nat64(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;
	const struct nat64 *nat64 = &gateway->nat64;
	const size_t devices = doppel_nat64_needed(gateway);
	char text[DOPPEL_IP6_TEXT];

	if (nat64->len)
		doppel_diagnosis_tell(d, "nat64-prefix", CHECK_OK, "", "the NAT64 prefix is %s/%u (%s)",
		     doppel_ip6_format(&nat64->prefix, text), nat64->len,
		     doppel_nat64_origin_name(nat64->origin));
	else
		doppel_diagnosis_tell(d, "nat64-prefix", devices ? CHECK_WARN : CHECK_OK,
		     "if the upstream has a NAT64, let its router or its DNS tell of the prefix, or "
		     "write it into the file (nat64_prefix)",
		     "no NAT64 prefix is known%s", devices ?
		     ": devices without WAN IPv4 reach no IPv4 host" : ", nor needed");
}

void doppel_check_pref64(struct diagnosis *d)
{
	const struct routers *routers = &d->gateway->routers;
	const int64_t now = doppel_gateway_now(d->gateway);
	const struct router_pref64 *first = NULL;
	char a[DOPPEL_IP6_TEXT], b[DOPPEL_IP6_TEXT];
	unsigned int i;

	for (i = 0; i < routers->pref64_count; i++) {
		const struct router_pref64 *other = &routers->pref64[i];

		if (now >= other->until || other->doubted)
			continue;
		if (!first) {
			first = other;
			continue;
		}
		if (first->len == other->len && doppel_ip6_eq(&first->prefix, &other->prefix))
			continue;
		doppel_diagnosis_tell(d, "pref64", CHECK_WARN,
				      "let all of the site's routers tell of one; until then the one that "
				      "is in use stays in use",
				      "routers tell of different NAT64 prefixes: %s/%u and %s/%u",
				      doppel_ip6_format(&first->prefix, a), first->len,
				      doppel_ip6_format(&other->prefix, b), other->len);
		return;
	}
}
