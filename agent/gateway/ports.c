// SPDX-License-Identifier: GPL-2.0-only
/* The two ports: up, with the addresses that they should have and without those they should not. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gateway/config.h"
#include "gateway/state.h"
#include "kernel/sysctl.h"

#define ADDRESS_MS 5000

__attribute__((format(printf, 3, 4)))
static int problem(struct gateway *gateway, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(gateway->problem, sizeof(gateway->problem), fmt, args);
	va_end(args);
	return err;
}

static int find_port(struct gateway *gateway, const char *name, struct port_link *link)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	int err = rt->link_get(rt, name, link);

	if (err) {
		*link = (struct port_link){ 0 };
		return problem(gateway, err, "there is no port %s: %s", name, strerror(-err));
	}
	return 0;
}

static int set_up(struct gateway *gateway, struct port_link *link)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	char name[IF_NAMESIZE];
	int err;

	if (link->up)
		return 0;
	snprintf(name, sizeof(name), "%s", link->name);
	err = rt->link_up(rt, link->ifindex);
	if (err)
		return problem(gateway, err, "port %s cannot be set up: %s", name, strerror(-err));
	doppel_log(LOG_INFO, "port %s: set up", name);
	return find_port(gateway, name, link);
}

/* One that is missing or cannot be set is told, but stops nothing. */
static void set_sysctl(struct gateway *gateway, const char *port, const char *family,
		       const char *name, const char *value)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", family, port, name);
	err = doppel_sysctl_ensure(gateway->rtnetlink, path, value);
	if (err)
		doppel_log(LOG_WARNING, "sysctl %s=%s: %s", path, value, strerror(-err));
}

struct lan_search {
	const struct config *config;
	bool found;
};

static int look_for_lan(const struct port_address *address, void *ctx)
{
	struct lan_search *search = ctx;

	if (address->family == AF_INET &&
	    doppel_ip4_eq(address->ipv4, search->config->lan.address))
		search->found = true;
	return 0;
}

void doppel_ports_release(struct gateway *gateway, const struct config *before)
{
	const struct config *config = gateway->config;
	struct rtnetlink *rt = gateway->rtnetlink;
	const struct port_address address = {
		.ifindex = gateway->lan.ifindex,
		.family = AF_INET,
		.ipv4 = before->lan.address,
		.prefix_len = before->lan.prefix_len,
	};

	if (!gateway->lan.ifindex || (!strcmp(before->lan.interface, config->lan.interface) &&
	    doppel_ip4_eq(before->lan.address, config->lan.address) &&
	    before->lan.prefix_len == config->lan.prefix_len))
		return;
	if (!rt->address_del(rt, &address))
		doppel_log(LOG_INFO, "port %s: the address of before removed", gateway->lan.name);
}

static int prepare_lan(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	struct rtnetlink *rt = gateway->rtnetlink;
	const struct port_address address = {
		.ifindex = gateway->lan.ifindex,
		.family = AF_INET,
		.ipv4 = config->lan.address,
		.prefix_len = config->lan.prefix_len,
	};
	struct lan_search search = { .config = config };
	char text[DOPPEL_IP4_TEXT];
	int err = rt->address_dump(rt, gateway->lan.ifindex, look_for_lan, &search);

	doppel_ip4_format(config->lan.address, text);
	if (!err && !search.found) {
		err = rt->address_add(rt, &address);
		if (!err)
			doppel_log(LOG_INFO, "port %s: address %s/%u added", gateway->lan.name, text,
				   config->lan.prefix_len);
	}
	if (err)
		return problem(gateway, err, "port %s cannot have the address %s/%u: %s",
			       gateway->lan.name, text, config->lan.prefix_len, strerror(-err));
	return 0;
}

struct wan_search {
	struct gateway *gateway;
	bool link_local;
};

static int look_over_wan(const struct port_address *address, void *ctx)
{
	struct wan_search *search = ctx;
	struct gateway *gateway = search->gateway;
	struct rtnetlink *rt = gateway->rtnetlink;
	char text[DOPPEL_IP6_TEXT];

	if (address->family == AF_INET) {
		doppel_log(LOG_WARNING,
			   "port %s has the address %s of its own, which may not show on the WAN "
			   "(wan.identity: devices-only)",
			   gateway->wan.name, doppel_ip4_format(address->ipv4, text));
	} else if (IN6_IS_ADDR_LINKLOCAL(&address->ipv6)) {
		search->link_local = true;
	} else if (!address->permanent && !rt->address_del(rt, address)) {
		doppel_log(LOG_INFO, "port %s: address %s, which the kernel made itself, removed",
			   gateway->wan.name, doppel_ip6_format(&address->ipv6, text));
	}
	return 0;
}

/*
 * Only the identities may show on the WAN. The kernel keeps a link-local address there, as it
 * solicits next hops from one (the module says it in an identity's name), but makes itself no other
 * and asks for none.
 */
static int prepare_wan(struct gateway *gateway)
{
	struct rtnetlink *rt = gateway->rtnetlink;
	struct wan_search search = { .gateway = gateway };
	struct port_address address = {
		.ifindex = gateway->wan.ifindex,
		.family = AF_INET6,
		.ipv6 = doppel_ip6_link_local(&gateway->wan.mac),
		.prefix_len = 64,
	};
	int err = rt->address_dump(rt, gateway->wan.ifindex, look_over_wan, &search);

	if (!err && !search.link_local)
		err = rt->address_add(rt, &address);
	if (err)
		/* A kernel without IPv6 still serves IPv4. */
		doppel_log(LOG_WARNING, "port %s has no link-local IPv6 address: %s",
			   gateway->wan.name, strerror(-err));
	return 0;
}

int doppel_ports_open_wan(struct gateway *gateway)
{
	int err = set_up(gateway, &gateway->wan);

	if (!err && gateway->config->wan.identity == CONFIG_DEVICES_ONLY)
		err = prepare_wan(gateway);
	return err;
}

int doppel_ports_prepare(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	const bool devices_only = config->wan.identity == CONFIG_DEVICES_ONLY;
	const char *wan = config->wan.interface;
	int err;

	/* Before the port is up, when the kernel would begin at once. */
	if (devices_only) {
		set_sysctl(gateway, wan, "ipv6", "accept_ra", "0");
		set_sysctl(gateway, wan, "ipv6", "autoconf", "0");
		set_sysctl(gateway, wan, "ipv6", "router_solicitations", "0");
		set_sysctl(gateway, wan, "ipv6", "dad_transmits", "0");
		set_sysctl(gateway, wan, "ipv6", "disable_ipv6", "0");
	}
	err = find_port(gateway, config->lan.interface, &gateway->lan);
	if (!err)
		err = find_port(gateway, wan, &gateway->wan);
	if (!err)
		err = set_up(gateway, &gateway->lan);
	if (!err)
		err = prepare_lan(gateway);
	return err;
}

static void link_changed(struct gateway *gateway, struct port_link *port,
			 const struct port_link *now)
{
	const bool came = now->running && !port->running, went = !now->running && port->running;

	if (now->mtu != port->mtu)
		doppel_gateway_settle_after(gateway, 0);
	if (port == &gateway->wan && !doppel_mac_eq(&now->mac, &port->mac)) {
		/* The kernel drops a port's neighbours with its MAC, permanent ones, too. */
		gateway->lending.stale = true;
		doppel_gateway_settle_after(gateway, 0);
	}
	*port = *now;
	if (!came && !went)
		return;
	doppel_log(LOG_NOTICE, "port %s: carrier %s", now->name, came ? "is back" : "lost");
	doppel_gateway_emit(gateway, GATEWAY_EVENT_LINK, NULL, "port %s: carrier %s", now->name,
			    came ? "is back" : "lost");
	if (port != &gateway->wan)
		return;
	if (came)
		doppel_wan_confirm(gateway);
	else
		doppel_pace_clear(&gateway->pace);
}

void doppel_ports_event(const struct port_event *event, void *ctx)
{
	struct gateway *gateway = ctx;
	const struct config *config = gateway->config;
	struct port_link *port = NULL;

	switch (event->kind) {
	case PORT_EVENT_NEIGHBOUR:
		doppel_discovery_neighbour(gateway, event);
		return;
	case PORT_EVENT_NEIGHBOUR_GONE:
	case PORT_EVENT_ROUTE_GONE:
		doppel_lend_event(gateway, event);
		return;
	case PORT_EVENT_ADDRESS_GONE:
		/* With it went the routes whose source it was. Whoever did it may put it back. */
		if (event->ifindex == gateway->lan.ifindex &&
		    doppel_ip4_eq(event->ipv4, config->lan.address))
			doppel_reconcile_after(gateway, ADDRESS_MS);
		return;
	case PORT_EVENT_LOST:
		doppel_reconcile_soon(gateway);
		return;
	case PORT_EVENT_LINK:
	case PORT_EVENT_GONE:
		break;
	}
	if (event->ifindex == gateway->lan.ifindex)
		port = &gateway->lan;
	else if (event->ifindex == gateway->wan.ifindex)
		port = &gateway->wan;

	if (port && event->kind == PORT_EVENT_GONE) {
		*port = (struct port_link){ 0 };
		doppel_reconcile_lost(gateway, "the port %s went away", event->link.name);
	} else if (port && strcmp(port->name, event->link.name)) {
		doppel_reconcile_lost(gateway, "the port %s has another name now", port->name);
	} else if (port) {
		/* Somebody set it down: what belongs on it must be looked after when it is up. */
		if (event->link.up && !port->up)
			doppel_reconcile_soon(gateway);
		link_changed(gateway, port, &event->link);
	} else if (event->kind == PORT_EVENT_LINK &&
		   (!strcmp(event->link.name, config->lan.interface) ||
		    !strcmp(event->link.name, config->wan.interface))) {
		doppel_reconcile_soon(gateway);
	}
}
