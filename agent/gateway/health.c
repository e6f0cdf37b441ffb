// SPDX-License-Identifier: GPL-2.0-only
/* How it stands, and what is wrong: for `status` and `diagnose`. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"

const char *doppel_family_status_name(enum family_status status)
{
	static const char *const names[] = {
		[FAMILY_OFF] = "off",
		[FAMILY_SOLICITING] = "soliciting",
		[FAMILY_BOUND] = "bound",
		[FAMILY_RENEWING] = "renewing",
		[FAMILY_FAILED] = "failed",
	};

	return names[status];
}

const char *doppel_device_status_name(enum device_status status)
{
	static const char *const names[DEVICE_STATUSES] = {
		[DEVICE_DISCOVERING] = "discovering",
		[DEVICE_ACTIVE] = "active",
		[DEVICE_DEGRADED] = "degraded",
		[DEVICE_INACTIVE] = "inactive",
		[DEVICE_FAILED] = "failed",
	};

	return names[status];
}

const char *doppel_gateway_event_name(enum gateway_event_kind kind)
{
	static const char *const names[] = {
		[GATEWAY_EVENT_DEVICE_NEW] = "device-new",
		[GATEWAY_EVENT_DEVICE_CHANGED] = "device-changed",
		[GATEWAY_EVENT_DEVICE_GONE] = "device-gone",
		[GATEWAY_EVENT_CONFLICT] = "conflict",
		[GATEWAY_EVENT_TABLE_FULL] = "table-full",
		[GATEWAY_EVENT_MODULE] = "module",
		[GATEWAY_EVENT_LINK] = "link",
	};

	return names[kind];
}

const char *doppel_check_result_name(enum check_result result)
{
	static const char *const names[] = {
		[CHECK_OK] = "ok",
		[CHECK_WARN] = "warning",
		[CHECK_FAIL] = "failed",
	};

	return names[result];
}

void doppel_gateway_status(struct gateway *gateway, struct gateway_status *status)
{
	static const enum lend_mode lend_modes[] = {
		[CONFIG_LEND_AUTO] = LEND_AUTO,
		[CONFIG_LEND_OFF] = LEND_OFF,
		[CONFIG_LEND_MAC] = LEND_MAC,
	};
	static struct module_gateway held;
	const struct config *config = gateway->config;
	const struct device *lender = doppel_lend_lender(gateway);
	const struct ra *router = doppel_routers_default(&gateway->routers,
							 doppel_gateway_now(gateway));

	*status = (struct gateway_status){
		/* By the clock as it is now: it may have been set meanwhile. */
		.started_at = doppel_clock_wall_s(gateway->clock) -
			      (doppel_gateway_now(gateway) - gateway->started_ms) / 1000,
		.store_problem = doppel_store_problem(gateway->store),
		.last_discovery = gateway->last_discovery,
		.module_present = gateway->module->present(gateway->module),
		.module_ready = gateway->ready,
		.module_version = "",
		.problem = gateway->problem,
		.lan = config->lan.interface,
		.wan = config->wan.interface,
		.lan_up = gateway->lan.running,
		.wan_up = gateway->wan.running,
		.lan_ipv4 = config->lan.address,
		.lan_prefix_len = config->lan.prefix_len,
		.devices_only = config->wan.identity == CONFIG_DEVICES_ONLY,
		.dhcp_wanted = config->lan.dhcp.on,
		.dhcp_running = doppel_lan_dhcp_running(&gateway->lan_dhcp),
		.dns_served = doppel_lan_dhcp_running(&gateway->lan_dhcp) &&
			      doppel_lan_dhcp_relays(&gateway->lan_dhcp) &&
			      !gateway->lan_dhcp.dns_taken,
		.lend = doppel_lend_wanted(gateway) ? lend_modes[config->wan.lend] : LEND_OFF,
		.nat64_origin = gateway->nat64.origin,
		.nat64_prefix = gateway->nat64.prefix,
		.nat64_prefix_len = gateway->nat64.len,
		.mappings = gateway->mapping_count,
		.filter_forward = gateway->held.filter_forward,
		.queued = gateway->pace.queued,
	};
	if (lender) {
		status->lender = lender->mac;
		status->lender_has_ipv4 = lender->held.wan_ipv4.s_addr;
	}
	if (router)
		status->router6 = router->router;
	if (!gateway->module->gateway_get(gateway->module, &held)) {
		status->module_version = held.version;
		status->sessions = held.sessions;
	}
	doppel_map_foreach(node, &gateway->devices) {
		status->devices.total++;
		status->devices.by_status[doppel_device_status(doppel_device_of(node))]++;
	}
}

int doppel_gateway_stats(struct gateway *gateway, const struct stats_listener *listener)
{
	struct module_stats stats;
	int err = gateway->module->stats_get(gateway->module, &stats);
	size_t i;

	if (err)
		return err;
	if (listener->counters)
		*listener->counters = (struct counters_view){
			.lan_packets = stats.counters.lan_packets,
			.lan_bytes = stats.counters.lan_bytes,
			.wan_packets = stats.counters.wan_packets,
			.wan_bytes = stats.counters.wan_bytes,
			.dropped = stats.counters.dropped,
			.sessions = stats.counters.sessions,
		};
	for (i = 0; listener->drop && !err && i < stats.drop_count; i++) {
		const struct drop_view drop = {
			.reason = doppel_drop_reason_name(stats.drops[i].reason),
			.packets = stats.drops[i].packets,
		};

		err = listener->drop(&drop, listener->ctx);
	}
	for (i = 0; listener->total && !err && i < stats.total_count; i++) {
		const struct total_view total = {
			.name = doppel_total_name(stats.totals[i].of),
			.value = stats.totals[i].value,
		};

		err = listener->total(&total, listener->ctx);
	}
	return err;
}

/* The checks below end at the first callback that says so. */
struct diagnosis {
	struct gateway *gateway;
	int (*cb)(const struct check_view *check, void *ctx);
	void *ctx;
	int err;
};

__attribute__((format(printf, 5, 6)))
static void tell(struct diagnosis *d, const char *name, enum check_result result,
		 const char *fix, const char *fmt, ...)
{
	char text[512];
	const struct check_view view = {
		.name = name,
		.result = result,
		.text = text,
		.fix = result == CHECK_OK ? "" : fix,
	};
	va_list args;

	if (d->err)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->err = d->cb(&view, d->ctx);
}

static void check_module(struct diagnosis *d)
{
	struct gateway *gateway = d->gateway;
	struct module_gateway held = { 0 };
	bool present = gateway->module->present(gateway->module);

	if (present)
		gateway->module->gateway_get(gateway->module, &held);
	tell(d, "module", present ? CHECK_OK : CHECK_FAIL,
	     "load it: modprobe doppel, or insmod doppel.ko",
	     "the module doppel is %sloaded%s%s", present ? "" : "not ",
	     held.version[0] ? ", version " : "", held.version);
	tell(d, "gateway", gateway->ready ? CHECK_OK : CHECK_FAIL,
	     "see the text above; the agent tries again by itself",
	     "%s", gateway->ready ? "the gateway is set in the module" : gateway->problem);
}

static void check_port(struct diagnosis *d, const char *name, const char *interface,
		       const struct port_link *port)
{
	bool there = port->ifindex;

	tell(d, name, there && port->running ? CHECK_OK : CHECK_FAIL,
	     there ? "plug in the cable, or look at the other end" :
	     "correct the interface's name in the file, or wait for the driver",
	     "%s %s", interface, !there ? "is not there" :
	     port->running ? "is up, with carrier" : port->up ? "has no carrier" : "is down");
}

struct address_search {
	int family;
	bool all;		/* any address, else the LAN's */
	struct in_addr lan;
	char found[DOPPEL_IP6_TEXT];
};

static int look_for(const struct port_address *address, void *ctx)
{
	struct address_search *search = ctx;

	if (address->family != AF_INET)
		return 0;
	if (search->all || doppel_ip4_eq(address->ipv4, search->lan))
		doppel_ip4_format(address->ipv4, search->found);
	return 0;
}

static void check_addresses(struct diagnosis *d)
{
	struct gateway *gateway = d->gateway;
	const struct config *config = gateway->config;
	struct rtnetlink *rt = gateway->rtnetlink;
	struct address_search lan = { .lan = config->lan.address };
	struct address_search wan = { .all = true };
	char text[DOPPEL_IP4_TEXT];

	doppel_ip4_format(config->lan.address, text);
	rt->address_dump(rt, gateway->lan.ifindex, look_for, &lan);
	tell(d, "lan-address", lan.found[0] ? CHECK_OK : CHECK_FAIL,
	     "something else on the box takes it away: leave the port to doppel",
	     "%s %s %s/%u", config->lan.interface, lan.found[0] ? "has" : "lacks", text,
	     config->lan.prefix_len);
	if (config->wan.identity != CONFIG_DEVICES_ONLY)
		return;
	rt->address_dump(rt, gateway->wan.ifindex, look_for, &wan);
	tell(d, "wan-own-address", wan.found[0] ? CHECK_WARN : CHECK_OK,
	     "stop the DHCP client of that port: only devices may show on the WAN",
	     "%s has %s%s of its own", config->wan.interface,
	     wan.found[0] ? "the IPv4 address " : "no IPv4 address", wan.found);
}

static void check_wan(struct diagnosis *d)
{
	struct gateway *gateway = d->gateway;
	const struct config *config = gateway->config;
	const struct ra *router = doppel_routers_default(&gateway->routers,
							 doppel_gateway_now(gateway));
	char text[DOPPEL_IP6_TEXT];

	tell(d, "wan-kind", gateway->wan.wireless ? CHECK_FAIL : CHECK_OK,
	     "use a wired port: an access point lets one MAC address in for each station",
	     "%s is %s port", config->wan.interface,
	     gateway->wan.wireless ? "a Wi-Fi" : "a wired");
	if (config->wan.ipv4)
		tell(d, "wan-dhcp",
		     gateway->dhcp4_heard || gateway->nat64.len ? CHECK_OK : CHECK_WARN,
		     "on an IPv6-only WAN all is well; else see whether the devices' MACs are "
		     "registered upstream",
		     "a DHCPv4 server has %sbeen heard since the link came up%s",
		     gateway->dhcp4_heard ? "" : "not ",
		     !gateway->dhcp4_heard && gateway->nat64.len ? ", nor is one needed: there is a "
		     "NAT64 prefix" : "");
	if (config->wan.ipv6)
		tell(d, "wan-router6", router ? CHECK_OK : CHECK_WARN,
		     "on an IPv4-only WAN all is well; else see whether the router advertises",
		     "%s%s advertises on the WAN", router ? "the router " : "no IPv6 router",
		     router ? doppel_ip6_format(&router->router, text) : "");
	tell(d, "rate-cap", gateway->pace.lost ? CHECK_WARN : CHECK_OK,
	     "nothing: what was lost is repeated, later",
	     "%u negotiation frames wait, %llu did not find room", gateway->pace.queued,
	     (unsigned long long)gateway->pace.lost);
}

/* Why nobody lends the box an identity. */
static const char *why_nobody(const struct gateway *gateway)
{
	const struct config *config = gateway->config;

	if (!gateway->ready)
		return "the gateway is not set in the module";
	if (!gateway->held.lends)
		return "the module is older than this agent and cannot";
	if (config->wan.lend == CONFIG_LEND_MAC)
		return "the device of wan.lend has no WAN address";
	if (gateway->lending.stale || gateway->lending.err)
		return "its way out was taken away, or cannot be opened; trying again";
	return gateway->lending.way.ifindex ? "the device has gone" :
	       "no device has a WAN address";
}

static void check_lending(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;
	const struct device *lender = doppel_lend_lender(gateway);
	char text[DOPPEL_MAC_TEXT];

	if (gateway->config->wan.identity != CONFIG_DEVICES_ONLY)
		return;
	if (!doppel_lend_wanted(gateway))
		tell(d, "lending", CHECK_OK, "",
		     "nobody lends the box an identity (wan.lend: off): it does not speak on the WAN");
	else if (lender)
		tell(d, "lending", CHECK_OK, "", "the box's own traffic leaves as %s%s%s%s",
		     doppel_mac_format(&lender->mac, text), *doppel_device_name(lender) ? ", " : "",
		     doppel_device_name(lender),
		     lender->held.wan_ipv4.s_addr ? "" : ", which has no WAN IPv4");
	else
		tell(d, "lending", CHECK_WARN,
		     "a device that the upstream lets in must be there; until then the box's resolver "
		     "and clock have no way out",
		     "nobody lends the box an identity: %s", why_nobody(gateway));
}

/* What the file wants of a module that is too old for it. */
static void check_module_age(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;

	if (gateway->ready && !gateway->held.lends)
		tell(d, "module-age", *doppel_reconcile_beyond(gateway->config) ? CHECK_FAIL : CHECK_WARN,
		     "load the module that belongs to this agent",
		     "the module, version %s, does not know lending, NAT64, mappings and filters%s%s",
		     gateway->held.version,
		     *doppel_reconcile_beyond(gateway->config) ? "; the file asks for " : "",
		     doppel_reconcile_beyond(gateway->config));
}

static void check_names(struct diagnosis *d)
{
	struct gateway *gateway = d->gateway;
	const struct lan_dhcp *dhcp = &gateway->lan_dhcp;
	struct in6_addr list[NAMES_MAX];
	const unsigned int count = doppel_names_usable(gateway, list);

	if (dhcp->dns_taken)
		tell(d, "lan-dns", CHECK_WARN,
		     "let that resolver ask the servers in /run/doppel/resolv.conf, or end it",
		     "somebody else has port 53 on the LAN, and devices are told to ask the box");
	tell(d, "name-servers", dhcp->dns_count || dhcp->fallback_count ? CHECK_OK : CHECK_WARN,
	     "see whether the upstream's DHCP or router names one; one that is link-local cannot be "
	     "asked by IPv4",
	     "%s; the box can ask %u",
	     dhcp->dns_count ? "devices ask the WAN's name servers" :
	     doppel_lan_dhcp_relays(dhcp) ? "devices ask the box" :
	     dhcp->fallback_count ? "devices ask the WAN's IPv6 name servers by aliases" :
	     "no name server is known", count);
}

static void check_nat64(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;
	const struct nat64 *nat64 = &gateway->nat64;
	const size_t devices = doppel_nat64_needed(gateway);
	char text[DOPPEL_IP6_TEXT];

	if (nat64->len)
		tell(d, "nat64-prefix", CHECK_OK, "", "the NAT64 prefix is %s/%u (%s)",
		     doppel_ip6_format(&nat64->prefix, text), nat64->len,
		     doppel_nat64_origin_name(nat64->origin));
	else
		tell(d, "nat64-prefix", devices ? CHECK_WARN : CHECK_OK,
		     "if the upstream has a NAT64, let its router or its DNS tell of the prefix, or "
		     "write it into the file (nat64_prefix)",
		     "no NAT64 prefix is known%s", devices ?
		     ": devices without WAN IPv4 reach no IPv4 host" : ", nor needed");
}

/* Where the port's own MAC can show although the module guards the port's way out. */
static void check_guard(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;
	struct rtnetlink *rt = gateway->rtnetlink;
	const struct port_link *wan = &gateway->wan;
	bool vlan = !strcmp(wan->kind, "vlan"), bridge = !strcmp(wan->kind, "bridge");
	bool filtered = false;

	if (gateway->config->wan.identity != CONFIG_DEVICES_ONLY || !wan->ifindex)
		return;
	rt->egress_filtered(rt, wan->ifindex, &filtered);
	if (vlan)
		tell(d, "wan-guard", CHECK_WARN,
		     "give the port below no addresses, and let nothing else on the box use it",
		     "%s is a VLAN: what the box sends untagged, or in other VLANs, is not guarded",
		     wan->name);
	else if (bridge)
		tell(d, "wan-guard", CHECK_WARN,
		     "make the wire's port itself the WAN, and keep others out of the bridge",
		     "%s is a bridge: what its ports send to each other is not guarded", wan->name);
	else if (filtered)
		tell(d, "wan-guard", CHECK_WARN,
		     "remove them (tc filter show dev WAN egress), or see that they change no source "
		     "MAC and redirect nothing to this port",
		     "tc has filters on what %s sends: they come after the module's guard", wan->name);
	else
		tell(d, "wan-guard", CHECK_OK, "",
		     "nothing is known that could show %s's own MAC address", wan->name);
}

static void check_lan(struct diagnosis *d)
{
	struct gateway *gateway = d->gateway;
	const struct config *config = gateway->config;
	bool running = doppel_lan_dhcp_running(&gateway->lan_dhcp);

	if (config->lan.dhcp.on)
		tell(d, "lan-dhcp", running ? CHECK_OK : CHECK_FAIL,
		     "see the log: is dnsmasq installed, is another DHCP server on that port?",
		     "dnsmasq %s on %s", !running ? "does not run" :
		     doppel_lan_dhcp_relays(&gateway->lan_dhcp) && !gateway->lan_dhcp.dns_taken ?
		     "serves DHCP and DNS" :
		     "serves DHCP",
		     config->lan.interface);
	else
		tell(d, "lan-dhcp", CHECK_OK, "",
		     "the file leaves DHCP on the LAN to someone else");
	tell(d, "devices", gateway->devices.count ? CHECK_OK : CHECK_WARN,
	     "connect a device to the LAN port and let it ask for an address",
	     "%zu devices known, %llu times one was not let in", gateway->devices.count,
	     (unsigned long long)gateway->refused);
}

int doppel_gateway_diagnose(struct gateway *gateway,
			    int (*cb)(const struct check_view *check, void *ctx), void *ctx)
{
	struct diagnosis d = { .gateway = gateway, .cb = cb, .ctx = ctx };

	check_module(&d);
	check_port(&d, "lan-port", gateway->config->lan.interface, &gateway->lan);
	check_port(&d, "wan-port", gateway->config->wan.interface, &gateway->wan);
	check_addresses(&d);
	check_wan(&d);
	check_module_age(&d);
	check_lending(&d);
	check_nat64(&d);
	check_names(&d);
	check_guard(&d);
	check_lan(&d);
	return d.err;
}
