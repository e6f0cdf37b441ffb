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
#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"

/* 192.0.0.2 and .3, of the addresses that RFC 7335 keeps for translators like this one. */
static struct in_addr alias(unsigned int slot)
{
	return (struct in_addr){ htonl(0xc0000002 + slot) };
}

static struct in6_addr mapped(struct in_addr ipv4)
{
	struct in6_addr address = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(address.s6_addr + 12, &ipv4, sizeof(ipv4));
	return address;
}

static bool has(const struct in6_addr *list, unsigned int count, const struct in6_addr *address)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (doppel_ip6_eq(&list[i], address))
			return true;
	return false;
}

void doppel_names_learn6(struct gateway *gateway, const struct in6_addr *servers,
			 unsigned int count)
{
	struct names *names = &gateway->names;

	/* Kept as they are while the new list still has the first of them. */
	if (!count || (names->dhcp6_count && has(servers, count, &names->dhcp6[0])))
		return;
	names->dhcp6_count = count < NAMES_MAX ? count : NAMES_MAX;
	memcpy(names->dhcp6, servers, names->dhcp6_count * sizeof(*servers));
	doppel_gateway_settle_after(gateway, 0);
}

/* The IPv6 name servers; those of DHCPv6 first (RFC 8106 section 5.3.1). */
static unsigned int servers6(const struct gateway *gateway, struct in6_addr list[NAMES_MAX])
{
	const struct names *names = &gateway->names;
	struct in6_addr told[ROUTERS_DNS_MAX];
	unsigned int i, count = names->dhcp6_count;
	const unsigned int told_count =
		doppel_routers_dns(&gateway->routers, doppel_gateway_now(gateway), told);

	memcpy(list, names->dhcp6, count * sizeof(*list));
	for (i = 0; i < told_count && count < NAMES_MAX; i++)
		if (!has(list, count, &told[i]))
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
	return has(names->aliased, NAMES_ALIASES, server);
}

/* A server keeps its alias for as long as it is one; a free alias goes to the next that has none. */
static void choose_aliases(struct gateway *gateway)
{
	const bool needless = gateway->lan_dhcp.dns_count ||
			      gateway->config->wan.identity == CONFIG_OWN;
	struct names *names = &gateway->names;
	struct in6_addr list[NAMES_MAX];
	unsigned int i, slot, count = needless ? 0 : servers6(gateway, list);

	/* Until a router has been heard, what the agent before this one found out still holds. */
	if (!count && !needless && !gateway->router_heard)
		return;
	for (slot = 0; slot < NAMES_ALIASES; slot++)
		if (!has(list, count, &names->aliased[slot]))
			names->aliased[slot] = in6addr_any;
	for (i = slot = 0; i < count; i++) {
		if (aliased(names, &list[i]) || IN6_IS_ADDR_LINKLOCAL(&list[i]))
			continue;
		while (slot < NAMES_ALIASES && !IN6_IS_ADDR_UNSPECIFIED(&names->aliased[slot]))
			slot++;
		if (slot < NAMES_ALIASES)
			names->aliased[slot] = list[i];
	}
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

		if (!IN6_IS_ADDR_UNSPECIFIED(&names->aliased[slot]))
			list[count++] = mapped(file.s_addr ? file : alias(slot));
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
		list[i] = mapped(dhcp->dns[i]);
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
	struct in_addr ipv4;

	memcpy(&ipv4, server->s6_addr + 12, sizeof(ipv4));
	if (IN6_IS_ADDR_V4MAPPED(server))
		doppel_ip4_format(ipv4, text);
	else
		snprintf(text, LAN_SERVER_TEXT, "%s%s%s", doppel_ip6_format(server, address),
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
 * Once devices were told to ask the box they go on with it for as long as their LAN leases last: it
 * does not stop answering when the WAN turns out to have IPv4 name servers, too.
 */
static void serve_lan(struct gateway *gateway)
{
	struct lan_dhcp *dhcp = &gateway->lan_dhcp;
	const bool relay = gateway->config->wan.identity == CONFIG_OWN ||
			   doppel_lend_wanted(gateway);
	char text[LAN_DNS_MAX][LAN_SERVER_TEXT];
	struct in6_addr list[NAMES_MAX];
	unsigned int i, count = servers(gateway, list);

	if (dhcp->dns_count && !dhcp->relay)
		return;
	for (i = 0; i < count; i++)
		format(gateway, &list[i], text[i]);
	if (doppel_lan_dhcp_set_fallback(dhcp, text, count, relay) && dhcp->text)
		doppel_lan_dhcp_apply(dhcp, gateway->config);
}

void doppel_names_settle(struct gateway *gateway)
{
	choose_aliases(gateway);
	serve_lan(gateway);
	write_resolv(gateway);
}

void doppel_names_free(struct gateway *gateway)
{
	free(gateway->names.written);
}
