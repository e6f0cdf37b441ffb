// SPDX-License-Identifier: GPL-2.0-only
#include "api/told.h"

#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "gateway/dhcp4.h"
#include "gateway/dhcp6.h"
#include "gateway/ndp.h"

static json_t *list4(const struct in_addr *list, unsigned int count)
{
	json_t *json = json_array();

	for (unsigned int i = 0; i < count; i++)
		json_array_append_new(json, doppel_json_ip4(list[i]));
	return json;
}

static json_t *list6(const struct in6_addr *list, unsigned int count)
{
	json_t *json = json_array();

	for (unsigned int i = 0; i < count; i++)
		json_array_append_new(json, doppel_json_ip6(&list[i]));
	return json;
}

/* Names with a blank between two. */
static json_t *words(const char *text)
{
	json_t *json = json_array();

	while (*text) {
		size_t len = strcspn(text, " ");

		json_array_append_new(json, json_stringn(text, len));
		text += len + strspn(text + len, " ");
	}
	return json;
}

static json_t *number(uint32_t value)
{
	return value ? json_integer(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

/* null: for ever, or there is no such thing. */
static void add_times(json_t *json, const struct lease_times *times)
{
	json_object_set_new(json, "acquired_at", doppel_json_time(times->acquired));
	json_object_set_new(json, "renew_at", doppel_json_time(times->renew));
	json_object_set_new(json, "rebind_at", doppel_json_time(times->rebind));
	json_object_set_new(json, "expires_at", doppel_json_time(times->expires));
}

static json_t *routes(const struct dhcp4_lease *lease)
{
	json_t *json = json_array();
	char address[DOPPEL_IP4_TEXT], text[DOPPEL_IP4_TEXT + 4];

	for (unsigned int i = 0; i < lease->route_count; i++) {
		const struct dhcp4_route *route = &lease->routes[i];

		snprintf(text, sizeof(text), "%s/%u",
			 doppel_ip4_format(route->destination, address), route->prefix_len);
		json_array_append_new(json, json_pack("{s:s, s:o}", "destination", text, "router",
						      doppel_json_ip4(route->router)));
	}
	return json;
}

static json_t *dhcp4(const struct device_view *device)
{
	const struct dhcp4_lease *lease = device->dhcp4;
	json_t *json;

	if (!lease)
		return json_null();
	json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "server", doppel_json_ip4(lease->server),
			 "server_mac", doppel_json_mac(&lease->server_mac),
			 "dns", list4(lease->dns, lease->dns_count),
			 "ntp", list4(lease->ntp, lease->ntp_count),
			 "domain", text_or_null(lease->domain),
			 "search", words(lease->search),
			 "mtu", number(lease->mtu),
			 "routes", routes(lease));
	add_times(json, &device->dhcp4_times);
	return json;
}

static json_t *dhcp6(const struct device_view *device)
{
	const struct dhcp6_lease *lease = device->dhcp6;
	char duid[2 * DHCP6_DUID_MAX + 1] = "";
	json_t *json;

	if (!lease)
		return json_null();
	for (unsigned int i = 0; i < lease->server_duid_len; i++)
		snprintf(duid + 2 * i, 3, "%02x", lease->server_duid[i]);
	json = json_pack("{s:s, s:o, s:o, s:o}",
			 "server_duid", duid,
			 "dns", list6(lease->dns, lease->dns_count),
			 "ntp", list6(lease->ntp, lease->ntp_count),
			 "search", words(lease->search));
	add_times(json, &device->dhcp6_times);
	return json;
}

static json_t *router(const struct device_view *device)
{
	static const char *const preferences[] = { "low", "medium", "high" };
	const struct ra *ra = device->advertised;
	struct in6_addr dns[RA_DNS_MAX];

	if (!ra)
		return json_null();
	for (unsigned int i = 0; i < ra->dns_count; i++)
		dns[i] = ra->dns[i].server;
	return json_pack("{s:o, s:o, s:b, s:b, s:s, s:i, s:o, s:o, s:o}",
			 "address", doppel_json_ip6(&ra->router),
			 "mac_address", doppel_json_mac(&ra->router_mac),
			 "managed", ra->managed,
			 "other", ra->other,
			 "preference", preferences[ra->preference + 1],
			 "lifetime_seconds", ra->lifetime_s,
			 "mtu", number(ra->mtu),
			 "dns", list6(dns, ra->dns_count),
			 "search", words(device->search));
}

json_t *doppel_json_told(const struct device_view *device)
{
	return json_pack("{s:o, s:o, s:o}", "dhcpv4", dhcp4(device), "dhcpv6", dhcp6(device),
			 "router", router(device));
}
