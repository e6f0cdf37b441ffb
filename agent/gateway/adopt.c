// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that the module holds and the store does not know, as after its file was damaged: they are
 * taken back, with the addresses that are in use. Their servers are then asked whether the leases
 * hold, as nothing is known of these but the addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/device.h"
#include "gateway/state.h"

#define ASSUMED_S 7200	/* what is left of a lease; RFC 4862 section 5.5.3 trusts no less in hearsay */

static void assume4(const struct module_device *held, struct restored_leases *leases, int64_t now)
{
	leases->dhcp4 = held->wan_ipv4.s_addr;
	leases->lease4 = (struct dhcp4_lease){
		.address = held->wan_ipv4,
		.prefix_len = held->wan_prefix_len,
		.router = held->wan_router,
		.lease_s = ASSUMED_S,
		.t1_s = ASSUMED_S / 2,
		.t2_s = ASSUMED_S / 2,
		.acquired_ms = now,
	};
}

/* Made of the MAC: RFC 4291 appendix A. The others are DHCPv6's, or will be lost as such. */
static bool is_slaac(const struct module_device *held, const struct in6_addr *address)
{
	const struct in6_addr link_local = doppel_ip6_link_local(&held->mac);

	return !memcmp(&address->s6_addr[8], &link_local.s6_addr[8], 8);
}

static void assume6(const struct module_device *held, struct restored_leases *leases, int64_t now)
{
	struct dhcp6_lease *lease = &leases->lease6;
	size_t i;

	/* Its server is not known: RENEW would lead nowhere, REBIND is due at once. */
	*lease = (struct dhcp6_lease){ .acquired_ms = now - 1000, .t1_s = 1, .t2_s = 1 };
	for (i = 0; i < held->wan_ipv6_count; i++) {
		const struct module_address *address = &held->wan_ipv6[i];

		if (is_slaac(held, &address->ipv6) && leases->slaac_count < SLAAC_ADDRESSES_MAX)
			leases->slaac[leases->slaac_count++] = (struct slaac_address){
				.address = address->ipv6,
				.prefix_len = address->prefix_len,
				.state = SLAAC_PREFERRED,
				.valid_until = now + ASSUMED_S * 1000,
				.preferred_until = now + ASSUMED_S * 1000,
			};
		else if (lease->address_count < DHCP6_ADDRESSES_MAX)
			lease->addresses[lease->address_count++] = (struct dhcp6_address){
				.address = address->ipv6,
				.preferred_s = ASSUMED_S,
				.valid_s = ASSUMED_S,
			};
	}
	leases->dhcp6 = lease->address_count;
}

struct device *doppel_adopt(struct gateway *gateway, const struct module_device *held)
{
	const int64_t now = doppel_gateway_now(gateway);
	struct device *device = doppel_discovery_admit(gateway, &held->mac);
	char text[DOPPEL_MAC_TEXT];

	if (!device)
		return NULL;
	free(device->restored);
	device->restored = calloc(1, sizeof(*device->restored));
	if (!device->restored)
		return NULL;
	assume4(held, device->restored, now);
	assume6(held, device->restored, now);
	doppel_device_confirm_later(device);
	doppel_claim_grant(device, held->lan_ipv4);
	device->seen = device->adopted = true;
	device->inactive = false;
	device->seen_ms = now - (int64_t)held->idle_ms;
	device->discovered_at = doppel_clock_wall_s(gateway->clock);
	device->last_seen = device->discovered_at - held->idle_ms / 1000;
	device->keep_device = true;
	doppel_log(LOG_NOTICE, "module: device %s was not known: taken back",
		   doppel_mac_format(&held->mac, text));
	return device;
}
