// SPDX-License-Identifier: GPL-2.0-only
/* Of the box itself: the module, the ports, what serves the LAN, how the box speaks. */
#include <string.h>

#include "gateway/config.h"
#include "gateway/diagnosis.h"

#define LOOP_RECENT_MS 600000

void doppel_check_module(struct diagnosis *d)
{
	struct gateway *gateway = d->gateway;
	struct module_gateway held = { 0 };
	bool present = gateway->module->present(gateway->module);

	if (present)
		gateway->module->gateway_get(gateway->module, &held);
	doppel_diagnosis_tell(d, "module", present ? CHECK_OK : CHECK_FAIL,
			      "load it: doppel diagnose --fix, modprobe doppel, or insmod doppel.ko",
			      "the module doppel is %sloaded%s%s", present ? "" : "not ",
			      held.version[0] ? ", version " : "", held.version);
}

void doppel_check_gateway(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;

	doppel_diagnosis_tell(d, "gateway", gateway->ready ? CHECK_OK : CHECK_FAIL,
			      "see the text above; the agent tries again by itself",
			      "%s", gateway->ready ? "the gateway is set in the module" :
			      gateway->problem);
}

static void check_port(struct diagnosis *d, const char *name, const char *interface,
		       const struct port_link *port)
{
	bool there = port->ifindex;

	doppel_diagnosis_tell(d, name, there && port->running ? CHECK_OK : CHECK_FAIL,
			      there && !port->up ? "doppel diagnose --fix sets it up" :
			      there ? "plug in the cable, or look at the other end" :
			      "correct the interface's name in the file, or wait for the driver",
			      "%s %s", interface, !there ? "is not there" :
			      port->running ? "is up, with carrier" :
			      port->up ? "has no carrier" : "is down");
}

void doppel_check_lan_port(struct diagnosis *d)
{
	check_port(d, "lan-port", d->gateway->config->lan.interface, &d->gateway->lan);
}

void doppel_check_wan_port(struct diagnosis *d)
{
	check_port(d, "wan-port", d->gateway->config->wan.interface, &d->gateway->wan);
}

void doppel_check_wan_kind(struct diagnosis *d)
{
	const bool wireless = d->gateway->wan.wireless;

	doppel_diagnosis_tell(d, "wan-kind", wireless ? CHECK_FAIL : CHECK_OK,
			      "use a wired port: an access point lets one MAC address in for each "
			      "station",
			      "%s is %s port", d->gateway->config->wan.interface,
			      wireless ? "a Wi-Fi" : "a wired");
}

void doppel_check_one_switch(struct diagnosis *d)
{
	const struct upstream *upstream = &d->gateway->upstream;
	const int64_t now = doppel_gateway_now(d->gateway);
	char mac[DOPPEL_MAC_TEXT];

	if (!upstream->looped_ms || now - upstream->looped_ms > LOOP_RECENT_MS)
		return;
	doppel_diagnosis_tell(d, "one-switch", CHECK_FAIL,
			      "part them: LAN and WAN must not meet in one switch or VLAN, as the same "
			      "MAC addresses are seen on both sides",
			      "%s, which is on the LAN, was heard on the WAN port, and not by way of "
			      "this box", doppel_mac_format(&upstream->looped, mac));
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

void doppel_check_lan_address(struct diagnosis *d)
{
	const struct config *config = d->gateway->config;
	struct rtnetlink *rt = d->gateway->rtnetlink;
	struct address_search lan = { .lan = config->lan.address };
	char text[DOPPEL_IP4_TEXT];

	rt->address_dump(rt, d->gateway->lan.ifindex, look_for, &lan);
	doppel_diagnosis_tell(d, "lan-address", lan.found[0] ? CHECK_OK : CHECK_FAIL,
			      "doppel diagnose --fix puts it back; if it goes again something else on "
			      "the box takes it away: leave the port to doppel",
			      "%s %s %s/%u", config->lan.interface, lan.found[0] ? "has" : "lacks",
			      doppel_ip4_format(config->lan.address, text), config->lan.prefix_len);
}

void doppel_check_wan_own_address(struct diagnosis *d)
{
	const struct config *config = d->gateway->config;
	struct rtnetlink *rt = d->gateway->rtnetlink;
	struct address_search wan = { .all = true };

	if (config->wan.identity != CONFIG_DEVICES_ONLY)
		return;
	rt->address_dump(rt, d->gateway->wan.ifindex, look_for, &wan);
	doppel_diagnosis_tell(d, "wan-own-address", wan.found[0] ? CHECK_WARN : CHECK_OK,
			      "stop the DHCP client of that port: only devices may show on the WAN",
			      "%s has %s%s of its own", config->wan.interface,
			      wan.found[0] ? "the IPv4 address " : "no IPv4 address", wan.found);
}

/* Where the port's own MAC can show although the module guards the port's way out. */
void doppel_check_guard(struct diagnosis *d)
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
		doppel_diagnosis_tell(d, "wan-guard", CHECK_WARN,
		     "give the port below no addresses, and let nothing else on the box use it",
		     "%s is a VLAN: what the box sends untagged, or in other VLANs, is not guarded",
		     wan->name);
	else if (bridge)
		doppel_diagnosis_tell(d, "wan-guard", CHECK_WARN,
		     "make the wire's port itself the WAN, and keep others out of the bridge",
		     "%s is a bridge: what its ports send to each other is not guarded", wan->name);
	else if (filtered)
		doppel_diagnosis_tell(d, "wan-guard", CHECK_WARN,
		     "remove them (tc filter show dev WAN egress), or see that they change no source "
		     "MAC and redirect nothing to this port",
		     "tc has filters on what %s sends: they come after the module's guard", wan->name);
	else
		doppel_diagnosis_tell(d, "wan-guard", CHECK_OK, "",
		     "nothing is known that could show %s's own MAC address", wan->name);
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

void doppel_check_lending(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;
	const struct device *lender = doppel_lend_lender(gateway);
	char text[DOPPEL_MAC_TEXT];

	if (gateway->config->wan.identity != CONFIG_DEVICES_ONLY)
		return;
	if (!doppel_lend_wanted(gateway))
		doppel_diagnosis_tell(d, "lending", CHECK_OK, "",
		     "nobody lends the box an identity (wan.lend: off): it does not speak on the WAN");
	else if (lender)
		doppel_diagnosis_tell(d, "lending", CHECK_OK, "", "the box's own traffic leaves as %s%s%s%s",
		     doppel_mac_format(&lender->mac, text), *doppel_device_name(lender) ? ", " : "",
		     doppel_device_name(lender),
		     lender->held.wan_ipv4.s_addr ? "" : ", which has no WAN IPv4");
	else
		doppel_diagnosis_tell(d, "lending", CHECK_WARN,
		     "a device that the upstream lets in must be there; until then the box's resolver "
		     "and clock have no way out",
		     "nobody lends the box an identity: %s", why_nobody(gateway));
}

/* What the file wants of a module that is too old for it. */
void doppel_check_module_age(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;

	if (gateway->ready && !gateway->held.lends)
		doppel_diagnosis_tell(d, "module-age", *doppel_reconcile_beyond(gateway->config) ? CHECK_FAIL : CHECK_WARN,
		     "load the module that belongs to this agent",
		     "the module, version %s, does not know lending, NAT64, mappings and filters%s%s",
		     gateway->held.version,
		     *doppel_reconcile_beyond(gateway->config) ? "; the file asks for " : "",
		     doppel_reconcile_beyond(gateway->config));
}

void doppel_check_lan_dns(struct diagnosis *d)
{
	if (d->gateway->lan_dhcp.dns_taken)
		doppel_diagnosis_tell(d, "lan-dns", CHECK_WARN,
		     "let that resolver ask the servers in /run/doppel/resolv.conf, or end it",
		     "somebody else has port 53 on the LAN, and devices are told to ask the box");
}

void doppel_check_names(struct diagnosis *d)
{
	struct gateway *gateway = d->gateway;
	const struct lan_dhcp *dhcp = &gateway->lan_dhcp;
	struct in6_addr list[NAMES_MAX];
	const unsigned int count = doppel_names_usable(gateway, list);

	doppel_diagnosis_tell(d, "name-servers", dhcp->dns_count || dhcp->fallback_count ? CHECK_OK : CHECK_WARN,
	     "see whether the upstream's DHCP or router names one; one that is link-local cannot be "
	     "asked by IPv4",
	     "%s; the box can ask %u",
	     dhcp->dns_count ? "devices ask the WAN's name servers" :
	     doppel_lan_dhcp_relays(dhcp) ? "devices ask the box" :
	     dhcp->fallback_count ? "devices ask the WAN's IPv6 name servers by aliases" :
	     "no name server is known", count);
}

void doppel_check_lan_dhcp(struct diagnosis *d)
{
	struct gateway *gateway = d->gateway;
	const struct config *config = gateway->config;
	bool running = doppel_lan_dhcp_running(&gateway->lan_dhcp);

	if (config->lan.dhcp.on)
		doppel_diagnosis_tell(d, "lan-dhcp", running ? CHECK_OK : CHECK_FAIL,
		     "see the log: is dnsmasq installed, is another DHCP server on that port?",
		     "dnsmasq %s on %s", !running ? "does not run" :
		     doppel_lan_dhcp_relays(&gateway->lan_dhcp) && !gateway->lan_dhcp.dns_taken ?
		     "serves DHCP and DNS" :
		     "serves DHCP",
		     config->lan.interface);
	else
		doppel_diagnosis_tell(d, "lan-dhcp", CHECK_OK, "",
		     "the file leaves DHCP on the LAN to someone else");
}
