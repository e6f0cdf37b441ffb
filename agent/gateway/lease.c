// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/lease.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define WALL_MAX ((int64_t)1 << 40)	/* seconds: sums of such never overflow, in milliseconds either */

static void put_json(json_t **json)
{
	json_decref(*json);
}

#define auto_json __attribute__((cleanup(put_json)))

static json_t *from_ip4(struct in_addr address)
{
	char text[DOPPEL_IP4_TEXT];

	return json_string(doppel_ip4_format(address, text));
}

static json_t *from_ip6(const struct in6_addr *address)
{
	char text[DOPPEL_IP6_TEXT];

	return json_string(doppel_ip6_format(address, text));
}

static json_t *from_mac(const struct mac *mac)
{
	char text[DOPPEL_MAC_TEXT];

	return json_string(doppel_mac_format(mac, text));
}

static bool to_ip4(const json_t *json, const char *key, struct in_addr *address)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text && !doppel_ip4_parse(text, address);
}

static bool to_ip6(const json_t *json, const char *key, struct in6_addr *address)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text && !doppel_ip6_parse(text, address);
}

static bool to_number(const json_t *json, const char *key, int64_t min, int64_t max,
		      int64_t *number)
{
	const json_t *value = json_object_get(json, key);

	if (!json_is_integer(value) || json_integer_value(value) < min ||
	    json_integer_value(value) > max)
		return false;
	*number = json_integer_value(value);
	return true;
}

static bool to_u32(const json_t *json, const char *key, uint32_t *number)
{
	int64_t value;

	if (!to_number(json, key, 0, UINT32_MAX, &value))
		return false;
	*number = (uint32_t)value;
	return true;
}

static bool to_prefix_len(const json_t *json, uint8_t max, uint8_t *len)
{
	int64_t value;

	if (!to_number(json, "prefix_len", 0, max, &value))
		return false;
	*len = (uint8_t)value;
	return true;
}

/*
 * Times in a lease are of the wall clock, as it stood when the lease was written. How long ago that was
 * is told by the monotonic clock if the box was not booted since, whatever became of the wall clock;
 * else by the wall clock, unless that was never set then, or is not now.
 */
struct written {
	int64_t wall_s;		/* when it was written */
	int64_t ago_ms;		/* which is so long ago; 0 if that is not known */
	bool known;
};

static json_t *from_now(struct clock *clock)
{
	return json_pack("{s:s, s:I, s:I}", "boot", doppel_clock_boot(clock),
			 "mono_ms", (json_int_t)doppel_clock_mono_ms(clock),
			 "wall_s", (json_int_t)doppel_clock_wall_s(clock));
}

static bool same_boot(const json_t *json, struct clock *clock)
{
	const char *boot = json_string_value(json_object_get(json, "boot"));

	return boot && *boot && !strcmp(boot, doppel_clock_boot(clock));
}

static bool to_written(const json_t *lease, struct clock *clock, struct written *written)
{
	const json_t *json = json_object_get(lease, "written");
	const int64_t wall_s = doppel_clock_wall_s(clock);
	int64_t mono_ms;

	if (!to_number(json, "mono_ms", 0, WALL_MAX * 1000, &mono_ms) ||
	    !to_number(json, "wall_s", 0, WALL_MAX, &written->wall_s))
		return false;
	written->known = true;
	if (same_boot(json, clock)) {
		written->ago_ms = doppel_clock_mono_ms(clock) - mono_ms;
	} else {
		written->ago_ms = (wall_s - written->wall_s) * 1000;
		written->known = wall_s >= DOPPEL_CLOCK_SET_S &&
				 written->wall_s >= DOPPEL_CLOCK_SET_S;
	}
	if (!written->known || written->ago_ms < 0) {
		written->known = false;
		written->ago_ms = 0;
	}
	return true;
}

static int64_t to_wall(int64_t at, struct clock *clock)
{
	return doppel_clock_wall_s(clock) + (at - doppel_clock_mono_ms(clock)) / 1000;
}

static int64_t from_wall(int64_t wall_s, const struct written *written, struct clock *clock)
{
	return doppel_clock_mono_ms(clock) - written->ago_ms + (wall_s - written->wall_s) * 1000;
}

/* An end, 0 standing for "for ever". */
static json_t *from_until(int64_t until, struct clock *clock)
{
	return json_integer(until == NEVER ? 0 : to_wall(until, clock));
}

static bool to_until(const json_t *json, const char *key, const struct written *written,
		     struct clock *clock, int64_t *until)
{
	int64_t wall_s;

	if (!to_number(json, key, 0, WALL_MAX, &wall_s))
		return false;
	*until = wall_s ? from_wall(wall_s, written, clock) : NEVER;
	return true;
}

static char *dump(json_t *json)
{
	return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

static json_t *from_servers4(const struct in_addr *servers, unsigned int count)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < count; i++)
		json_array_append_new(list, from_ip4(servers[i]));
	return list;
}

char *doppel_lease_from_dhcp4(const struct dhcp4_lease *lease, struct clock *clock)
{
	json_t *routes = json_array();
	json_t auto_json *json = NULL;
	unsigned int i;

	for (i = 0; i < lease->route_count; i++) {
		const struct dhcp4_route *route = &lease->routes[i];

		json_array_append_new(routes, json_pack("{s:o, s:i, s:o}",
				      "destination", from_ip4(route->destination),
				      "prefix_len", route->prefix_len,
				      "router", from_ip4(route->router)));
	}
	json = json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:o}",
			 "address", from_ip4(lease->address),
			 "prefix_len", lease->prefix_len,
			 "server", from_ip4(lease->server),
			 "server_mac", from_mac(&lease->server_mac),
			 "router", from_ip4(lease->router),
			 "dns", from_servers4(lease->dns, lease->dns_count),
			 "ntp", from_servers4(lease->ntp, lease->ntp_count),
			 "routes", routes,
			 "mtu", lease->mtu,
			 "domain", lease->domain,
			 "search", lease->search,
			 "lease_s", (json_int_t)lease->lease_s,
			 "t1_s", (json_int_t)lease->t1_s,
			 "t2_s", (json_int_t)lease->t2_s,
			 "acquired_wall_s", (json_int_t)to_wall(lease->acquired_ms, clock),
			 "written", from_now(clock));
	return dump(json);
}

static unsigned int to_servers4(const json_t *json, const char *key,
				struct in_addr servers[DHCP4_SERVERS_MAX])
{
	unsigned int count = 0;
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(json, key), i, item) {
		const char *text = json_string_value(item);

		if (count < DHCP4_SERVERS_MAX && text && !doppel_ip4_parse(text, &servers[count]))
			count++;
	}
	return count;
}

/* Text of ours that a lease of an agent before this one may not have. */
static void to_text(const json_t *json, const char *key, char *text, size_t size)
{
	const char *value = json_string_value(json_object_get(json, key));

	snprintf(text, size, "%s", value ? value : "");
}

static void to_routes(const json_t *json, struct dhcp4_lease *lease)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(json, "routes"), i, item) {
		struct dhcp4_route route = { 0 };

		if (lease->route_count < DHCP4_ROUTES_MAX &&
		    to_ip4(item, "destination", &route.destination) &&
		    to_prefix_len(item, 32, &route.prefix_len) &&
		    to_ip4(item, "router", &route.router))
			lease->routes[lease->route_count++] = route;
	}
}

int doppel_lease_to_dhcp4(const char *text, struct clock *clock, struct dhcp4_lease *lease)
{
	json_t auto_json *json = json_loads(text, 0, NULL);
	const char *server_mac = json_string_value(json_object_get(json, "server_mac"));
	struct dhcp4_lease read = { 0 };
	int64_t mtu = 0, acquired;
	struct written written;

	if (!to_ip4(json, "address", &read.address) || !doppel_ip4_is_host(read.address) ||
	    !to_prefix_len(json, 32, &read.prefix_len) || !to_ip4(json, "server", &read.server) ||
	    !to_ip4(json, "router", &read.router) || !to_u32(json, "lease_s", &read.lease_s) ||
	    !to_u32(json, "t1_s", &read.t1_s) || !to_u32(json, "t2_s", &read.t2_s) ||
	    !to_number(json, "acquired_wall_s", -WALL_MAX, WALL_MAX, &acquired) ||
	    !to_written(json, clock, &written) ||
	    !server_mac || doppel_mac_parse(server_mac, &read.server_mac))
		return -EINVAL;
	if (to_number(json, "mtu", 0, UINT16_MAX, &mtu))
		read.mtu = (uint16_t)mtu;
	to_text(json, "domain", read.domain, sizeof(read.domain));
	to_text(json, "search", read.search, sizeof(read.search));
	read.dns_count = to_servers4(json, "dns", read.dns);
	read.ntp_count = to_servers4(json, "ntp", read.ntp);
	to_routes(json, &read);
	read.acquired_ms = from_wall(acquired, &written, clock);
	*lease = read;
	return 0;
}

static json_t *from_duid(const uint8_t *duid, size_t len)
{
	char text[2 * DHCP6_DUID_MAX + 1] = "";
	size_t i;

	for (i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", duid[i]);
	return json_string(text);
}

static bool to_duid(const json_t *json, const char *key, struct dhcp6_lease *lease)
{
	const char *text = json_string_value(json_object_get(json, key));
	size_t len = text ? strlen(text) : 0, i;

	if (!text || len % 2 || len / 2 > DHCP6_DUID_MAX ||
	    strspn(text, "0123456789abcdef") != len)
		return false;
	for (i = 0; i < len / 2; i++) {
		unsigned int byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		lease->server_duid[i] = (uint8_t)byte;
	}
	lease->server_duid_len = (uint8_t)(len / 2);
	return true;
}

static json_t *from_servers6(const struct in6_addr *servers, unsigned int count)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < count; i++)
		json_array_append_new(list, from_ip6(&servers[i]));
	return list;
}

char *doppel_lease_from_dhcp6(const struct dhcp6_lease *lease, struct clock *clock)
{
	json_t *addresses = json_array();
	json_t auto_json *json = NULL;
	unsigned int i;

	for (i = 0; i < lease->address_count; i++) {
		const struct dhcp6_address *address = &lease->addresses[i];

		json_array_append_new(addresses, json_pack("{s:o, s:I, s:I}",
				      "address", from_ip6(&address->address),
				      "preferred_s", (json_int_t)address->preferred_s,
				      "valid_s", (json_int_t)address->valid_s));
	}
	json = json_pack("{s:o, s:o, s:o, s:s, s:o, s:I, s:I, s:I, s:o}",
			 "addresses", addresses,
			 "dns", from_servers6(lease->dns, lease->dns_count),
			 "ntp", from_servers6(lease->ntp, lease->ntp_count),
			 "search", lease->search,
			 "server_duid", from_duid(lease->server_duid, lease->server_duid_len),
			 "t1_s", (json_int_t)lease->t1_s,
			 "t2_s", (json_int_t)lease->t2_s,
			 "acquired_wall_s", (json_int_t)to_wall(lease->acquired_ms, clock),
			 "written", from_now(clock));
	return dump(json);
}

static unsigned int to_servers6(const json_t *json, const char *key,
				struct in6_addr servers[DHCP6_SERVERS_MAX])
{
	unsigned int count = 0;
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(json, key), i, item) {
		const char *text = json_string_value(item);

		if (count < DHCP6_SERVERS_MAX && text && !doppel_ip6_parse(text, &servers[count]))
			count++;
	}
	return count;
}

int doppel_lease_to_dhcp6(const char *text, struct clock *clock, struct dhcp6_lease *lease)
{
	json_t auto_json *json = json_loads(text, 0, NULL);
	struct dhcp6_lease read = { 0 };
	struct written written;
	const json_t *item;
	int64_t acquired;
	size_t i;

	if (!to_duid(json, "server_duid", &read) || !to_u32(json, "t1_s", &read.t1_s) ||
	    !to_u32(json, "t2_s", &read.t2_s) ||
	    !to_number(json, "acquired_wall_s", -WALL_MAX, WALL_MAX, &acquired) ||
	    !to_written(json, clock, &written))
		return -EINVAL;
	json_array_foreach(json_object_get(json, "addresses"), i, item) {
		struct dhcp6_address address = { 0 };

		if (read.address_count < DHCP6_ADDRESSES_MAX &&
		    to_ip6(item, "address", &address.address) &&
		    to_u32(item, "preferred_s", &address.preferred_s) &&
		    to_u32(item, "valid_s", &address.valid_s))
			read.addresses[read.address_count++] = address;
	}
	read.dns_count = to_servers6(json, "dns", read.dns);
	read.ntp_count = to_servers6(json, "ntp", read.ntp);
	to_text(json, "search", read.search, sizeof(read.search));
	if (!read.address_count)
		return -EINVAL;
	read.acquired_ms = from_wall(acquired, &written, clock);
	/* One whose age nobody knows is due for renewal. */
	if (!written.known && read.t1_s != DHCP6_INFINITE)
		read.acquired_ms = doppel_earlier(read.acquired_ms, doppel_clock_mono_ms(clock) -
						  (int64_t)read.t1_s * 1000);
	*lease = read;
	return 0;
}

char *doppel_lease_from_slaac(const struct slaac_address *addresses, unsigned int count,
			      struct clock *clock)
{
	json_t *list = json_array();
	json_t auto_json *json = json_pack("{s:o, s:o}", "addresses", list, "written",
					   from_now(clock));
	unsigned int i;

	for (i = 0; i < count; i++) {
		const struct slaac_address *address = &addresses[i];

		if (!doppel_slaac_in_use(address))
			continue;
		json_array_append_new(list, json_pack("{s:o, s:i, s:o, s:o}",
			"address", from_ip6(&address->address),
			"prefix_len", address->prefix_len,
			"valid_until", from_until(address->valid_until, clock),
			"preferred_until", from_until(address->preferred_until, clock)));
	}
	return dump(json);
}

int doppel_lease_to_slaac(const char *text, struct clock *clock,
			  struct slaac_address addresses[SLAAC_ADDRESSES_MAX],
			  unsigned int *count)
{
	json_t auto_json *json = json_loads(text, 0, NULL);
	const json_t *list = json_object_get(json, "addresses");
	const int64_t now = doppel_clock_mono_ms(clock);
	struct written written;
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || !to_written(json, clock, &written))
		return -EINVAL;
	*count = 0;
	json_array_foreach(list, i, item) {
		struct slaac_address address = { .state = SLAAC_PREFERRED };

		if (*count == SLAAC_ADDRESSES_MAX || !to_ip6(item, "address", &address.address) ||
		    !to_prefix_len(item, 128, &address.prefix_len) ||
		    !to_until(item, "valid_until", &written, clock, &address.valid_until) ||
		    !to_until(item, "preferred_until", &written, clock, &address.preferred_until))
			continue;
		if (address.valid_until <= now)
			continue;
		if (address.preferred_until <= now)
			address.state = SLAAC_DEPRECATED;
		addresses[(*count)++] = address;
	}
	return 0;
}

void doppel_lease_format4(const struct dhcp4_lease *lease, struct buf *text)
{
	char address[DOPPEL_IP4_TEXT];

	doppel_buf_printf(text, "%s/%u", doppel_ip4_format(lease->address, address),
			  lease->prefix_len);
}

static void add_address(const struct in6_addr *address, struct buf *text)
{
	char one[DOPPEL_IP6_TEXT];

	doppel_buf_printf(text, "%s%s", text->len ? ", " : "", doppel_ip6_format(address, one));
}

void doppel_lease_format6(const struct dhcp6_lease *lease, struct buf *text)
{
	for (unsigned int i = 0; i < lease->address_count; i++)
		add_address(&lease->addresses[i].address, text);
}

void doppel_lease_format_slaac(const struct slaac_address *addresses, unsigned int count,
			       struct buf *text)
{
	for (unsigned int i = 0; i < count; i++)
		if (doppel_slaac_in_use(&addresses[i]))
			add_address(&addresses[i].address, text);
}
