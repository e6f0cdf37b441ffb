// SPDX-License-Identifier: GPL-2.0-only
/*
 * Name servers, where the WAN has only IPv6 ones: aliases for them, so that devices and box can ask
 * them by IPv4; whether the box's own resolver serves the LAN; and what the box itself may ask.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cidr.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"
#include "store/store.h"

#define LAPSE_MS 60000		/* between one lease and the next */
#define QUIET_MS 10000		/* anybody on the WAN can advertise name servers, at any rate */

/* Whom devices were told to ask, in the store: their LAN leases outlive the agent. */
#define TOLD_KEY "lan-dns"
#define TOLD_BOX "box"
#define TOLD_ALIASES "aliases"

/* 192.0.0.2 and .3, of the addresses that RFC 7335 keeps for translators like this one. */
static struct in_addr alias(unsigned int slot)
{
	return (struct in_addr){ htonl(0xc0000002 + slot) };
}

void doppel_names_learn6(struct gateway *gateway, const struct in6_addr *servers,
			 unsigned int count)
{
	struct names *names = &gateway->names;

	/* Kept as they are while the new list still has the first of them. */
	if (!count || (names->dhcp6_count && doppel_ip6_in_list(&names->dhcp6[0], servers, count)))
		return;
	names->dhcp6_count = count < NAMES_MAX ? count : NAMES_MAX;
	memcpy(names->dhcp6, servers, names->dhcp6_count * sizeof(*servers));
	doppel_gateway_settle_after(gateway, 0);
}

/* True when @gone lasts for so long that it is no change from one lease to the next. */
static bool lapsed(struct gateway *gateway, bool gone, int64_t *since)
{
	const int64_t now = doppel_gateway_now(gateway);

	if (!gone)
		*since = 0;
	else if (!*since)
		*since = now;
	if (!gone)
		return false;
	if (now - *since >= LAPSE_MS)
		return true;
	doppel_gateway_settle_after(gateway, *since + LAPSE_MS - now);
	return false;
}

static bool leases4(const struct gateway *gateway)
{
	doppel_map_foreach(node, &gateway->devices) {
		const struct device *device = doppel_device_of(node);

		if (device->in_module && device->held.wan_ipv4.s_addr)
			return true;
	}
	return false;
}

/* A WAN that has no DHCP any more, or is another, has none of its name servers either. */
static void forget_old(struct gateway *gateway)
{
	const int64_t now = doppel_gateway_now(gateway);
	struct names *names = &gateway->names;
	struct lan_dhcp *dhcp = &gateway->lan_dhcp;
	const bool asked6 = doppel_routers_managed(&gateway->routers, now) ||
			    doppel_routers_other(&gateway->routers, now);

	if (lapsed(gateway, dhcp->dns_count && !leases4(gateway), &names->gone4_at)) {
		dhcp->dns_count = 0;
		if (dhcp->text)
			doppel_lan_dhcp_apply(dhcp, gateway->config);
	}
	if (lapsed(gateway, names->dhcp6_count && gateway->router_heard && !asked6,
		   &names->gone6_at))
		names->dhcp6_count = 0;
}

/* The IPv6 name servers; those of DHCPv6 first (RFC 8106 section 5.3.1). */
static unsigned int servers6(const struct gateway *gateway, struct in6_addr list[NAMES_MAX])
{
	const struct names *names = &gateway->names;
	/* By IPv4 nobody can ask a server that only the link knows. */
	const bool own = gateway->config->wan.identity == CONFIG_OWN;
	struct in6_addr told[ROUTERS_DNS_MAX];
	unsigned int i, count = names->dhcp6_count;
	const unsigned int told_count =
		doppel_routers_dns(&gateway->routers, doppel_gateway_now(gateway), told);

	memcpy(list, names->dhcp6, count * sizeof(*list));
	for (i = 0; i < told_count && count < NAMES_MAX; i++)
		if (!doppel_ip6_in_list(&told[i], list, count) &&
		    (own || !IN6_IS_ADDR_LINKLOCAL(&told[i])))
			list[count++] = told[i];
	return count;
}

/* The file's alias of the host, or zero. */
static struct in_addr file_alias(const struct gateway *gateway, const struct in6_addr *host)
{
	const struct config *config = gateway->config;
	size_t i;

	for (i = 0; i < config->mappings.count; i++)
		if (doppel_ip6_eq(&config->mappings.list[i].ipv6, host))
			return config->mappings.list[i].ipv4;
	return (struct in_addr){ 0 };
}

static bool aliased(const struct names *names, const struct in6_addr *server)
{
	return doppel_ip6_in_list(server, names->aliased, NAMES_ALIASES);
}

/*
 * Nobody needs them where there are IPv4 servers, but for devices that were told to ask an alias
 * when there were none, and go on with it for as long as their LAN leases last.
 */
static bool needless(const struct gateway *gateway)
{
	const struct lan_dhcp *dhcp = &gateway->lan_dhcp;

	return gateway->config->wan.identity == CONFIG_OWN || !gateway->held.lends ||
	       (dhcp->dns_count && (dhcp->relay || !dhcp->fallback_count));
}

/*
 * A server keeps its alias for as long as it is one; a free alias goes to the next that has none.
 * True if something changed.
 */
static bool choose_aliases(struct gateway *gateway)
{
	struct names *names = &gateway->names;
	struct in6_addr list[NAMES_MAX];
	struct in6_addr before[NAMES_ALIASES];
	const bool none = needless(gateway);
	unsigned int i, slot, count = none ? 0 : servers6(gateway, list);

	/* Until a router has been heard, what the agent before this one found out still holds. */
	if (!count && !none && !gateway->router_heard)
		return false;
	memcpy(before, names->aliased, sizeof(before));
	for (slot = 0; slot < NAMES_ALIASES; slot++)
		if (!doppel_ip6_in_list(&names->aliased[slot], list, count))
			names->aliased[slot] = in6addr_any;
	for (i = slot = 0; i < count; i++) {
		if (aliased(names, &list[i]) || IN6_IS_ADDR_LINKLOCAL(&list[i]))
			continue;
		while (slot < NAMES_ALIASES && !IN6_IS_ADDR_UNSPECIFIED(&names->aliased[slot]))
			slot++;
		if (slot < NAMES_ALIASES)
			names->aliased[slot] = list[i];
	}
	return memcmp(before, names->aliased, sizeof(before));
}

void doppel_names_held(struct gateway *gateway, const struct module_mapping *mapping)
{
	struct names *names = &gateway->names;
	unsigned int slot;

	for (slot = 0; slot < NAMES_ALIASES; slot++)
		if (doppel_ip4_eq(mapping->ipv4, alias(slot)) &&
		    IN6_IS_ADDR_UNSPECIFIED(&names->aliased[slot]))
			names->aliased[slot] = mapping->ipv6;
}

size_t doppel_names_aliases(const struct gateway *gateway,
			    struct module_mapping mappings[NAMES_ALIASES])
{
	const struct names *names = &gateway->names;
	unsigned int slot;
	size_t count = 0;

	for (slot = 0; slot < NAMES_ALIASES; slot++) {
		const struct in6_addr *server = &names->aliased[slot];

		if (!IN6_IS_ADDR_UNSPECIFIED(server) && !file_alias(gateway, server).s_addr)
			mappings[count++] = (struct module_mapping){ alias(slot), *server };
	}
	return count;
}

/* The aliases as devices and box ask them, v4-mapped. */
static unsigned int by_alias(const struct gateway *gateway, struct in6_addr list[NAMES_MAX])
{
	const struct names *names = &gateway->names;
	unsigned int slot, count = 0;

	for (slot = 0; slot < NAMES_ALIASES; slot++) {
		const struct in_addr file = file_alias(gateway, &names->aliased[slot]);
		const struct module_mapping mapping = {
			.ipv4 = file.s_addr ? file : alias(slot),
			.ipv6 = names->aliased[slot],
		};

		if (doppel_mappings_have(gateway, &mapping))
			list[count++] = doppel_ip6_v4mapped(mapping.ipv4);
	}
	return count;
}

/* By IPv4 those that leases name, else the IPv6 ones, directly or by alias. */
static unsigned int servers(const struct gateway *gateway, struct in6_addr list[NAMES_MAX])
{
	const struct lan_dhcp *dhcp = &gateway->lan_dhcp;
	unsigned int i;

	if (gateway->config->wan.identity == CONFIG_OWN && !dhcp->dns_count)
		return servers6(gateway, list);
	if (!dhcp->dns_count)
		return by_alias(gateway, list);
	for (i = 0; i < dhcp->dns_count && i < NAMES_MAX; i++)
		list[i] = doppel_ip6_v4mapped(dhcp->dns[i]);
	return i;
}

unsigned int doppel_names_usable(const struct gateway *gateway, struct in6_addr list[NAMES_MAX])
{
	if (gateway->config->wan.identity == CONFIG_DEVICES_ONLY && !doppel_lend_lender(gateway))
		return 0;
	return servers(gateway, list);
}

/* As dnsmasq and resolv.conf want it: a link-local server's port is named behind it. */
static void format(const struct gateway *gateway, const struct in6_addr *server,
		   char text[LAN_SERVER_TEXT])
{
	char address[DOPPEL_IP6_TEXT];

	snprintf(text, LAN_SERVER_TEXT, "%s%s%s", doppel_ip_format(server, address),
		 IN6_IS_ADDR_LINKLOCAL(server) ? "%" : "",
		 IN6_IS_ADDR_LINKLOCAL(server) ? gateway->wan.name : "");
}

static int replace_file(const char *path, const char *text)
{
	char new[PATH_MAX + 8];
	FILE auto_fclose *file = NULL;

	snprintf(new, sizeof(new), "%s.new", path);
	file = fopen(new, "we");
	if (!file || fputs(text, file) < 0 || fflush(file) || rename(new, path))
		return -errno;
	return 0;
}

/* For the box's own resolver: what it can ask now. */
static void write_resolv(struct gateway *gateway)
{
	struct names *names = &gateway->names;
	struct in6_addr list[NAMES_MAX];
	unsigned int i, count = doppel_names_usable(gateway, list);
	struct buf auto_buf text = { 0 };
	char path[PATH_MAX], server[LAN_SERVER_TEXT];
	int err;

	doppel_buf_printf(&text, "# Written by doppel: the name servers that this box can ask.\n");
	for (i = 0; i < count; i++) {
		format(gateway, &list[i], server);
		doppel_buf_printf(&text, "nameserver %s\n", server);
	}
	if (text.failed || (names->written && !strcmp(names->written, text.data)))
		return;
	if (mkdir(gateway->lan_dhcp.dir, 0755) && errno != EEXIST)
		return;
	snprintf(path, sizeof(path), "%s/resolv.conf", gateway->lan_dhcp.dir);
	err = replace_file(path, text.data);
	if (err) {
		doppel_log(LOG_ERR, "%s: %s", path, strerror(-err));
		return;
	}
	free(names->written);
	names->written = text.data;
	text = (struct buf){ 0 };
}

/*
 * dnsmasq knows both aliases at all times, so that it goes on undisturbed while servers come and
 * go; who is told to ask them directly is told only of those that are there.
 */
static unsigned int lan_servers(const struct gateway *gateway, bool relay,
				struct in6_addr list[NAMES_MAX])
{
	const unsigned int count = servers(gateway, list);
	unsigned int slot;

	if (!relay || !count || gateway->lan_dhcp.dns_count ||
	    gateway->config->wan.identity == CONFIG_OWN)
		return count;
	for (slot = 0; slot < NAMES_ALIASES; slot++) {
		const struct in_addr file = file_alias(gateway, &gateway->names.aliased[slot]);

		list[slot] = doppel_ip6_v4mapped(file.s_addr ? file : alias(slot));
	}
	return slot;
}

/* The box asks for the devices, unless it cannot: the file's lender is not there. */
static bool relays(const struct gateway *gateway)
{
	return gateway->config->wan.identity == CONFIG_OWN ||
	       (doppel_lend_wanted(gateway) && (gateway->config->wan.lend != CONFIG_LEND_MAC ||
						doppel_lend_lender(gateway)));
}

static const char *told(const struct lan_dhcp *dhcp)
{
	return dhcp->relay ? TOLD_BOX : TOLD_ALIASES;
}

void doppel_names_restore(struct gateway *gateway)
{
	static const char aliases[LAN_DNS_MAX][LAN_SERVER_TEXT] = { "192.0.0.2", "192.0.0.3" };
	char auto_free *stored = NULL;

	if (!doppel_store_setting_get(gateway->store, TOLD_KEY, &stored))
		doppel_lan_dhcp_set_fallback(&gateway->lan_dhcp, aliases, NAMES_ALIASES,
					     !strcmp(stored, TOLD_BOX));
}

void doppel_names_keep(struct gateway *gateway)
{
	if (gateway->lan_dhcp.fallback_count)
		doppel_store_setting_put(gateway->store, TOLD_KEY, told(&gateway->lan_dhcp));
}

/*
 * Once devices were told to ask the box they go on with it for as long as their LAN leases last: it
 * does not stop answering when the WAN turns out to have IPv4 name servers, too, nor with a new
 * agent. True if something changed.
 */
static bool serve_lan(struct gateway *gateway)
{
	struct lan_dhcp *dhcp = &gateway->lan_dhcp;
	const bool relay = dhcp->dns_count ? dhcp->relay : relays(gateway);
	char text[LAN_DNS_MAX][LAN_SERVER_TEXT];
	struct in6_addr list[NAMES_MAX];
	unsigned int i, count = lan_servers(gateway, relay, list);

	if (dhcp->dns_count && !dhcp->relay)
		return false;
	for (i = 0; i < count; i++)
		format(gateway, &list[i], text[i]);
	if (!doppel_lan_dhcp_set_fallback(dhcp, text, count, relay))
		return false;
	if (dhcp->text)
		doppel_lan_dhcp_apply(dhcp, gateway->config);
	doppel_names_keep(gateway);
	return true;
}

void doppel_names_settle(struct gateway *gateway)
{
	struct names *names = &gateway->names;
	const int64_t now = doppel_gateway_now(gateway);
	const bool quiet = now < names->quiet_until;
	bool changed;

	forget_old(gateway);
	changed = !quiet && choose_aliases(gateway);

	/* Before anybody is told of them the aliases must lead somewhere. */
	doppel_mappings_settle(gateway);
	changed |= !quiet && serve_lan(gateway);
	if (quiet)
		doppel_gateway_settle_after(gateway, names->quiet_until - now);
	else if (changed)
		names->quiet_until = now + QUIET_MS;
	write_resolv(gateway);
}

void doppel_names_free(struct gateway *gateway)
{
	free(gateway->names.written);
}
