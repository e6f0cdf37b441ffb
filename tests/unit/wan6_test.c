// SPDX-License-Identifier: GPL-2.0-only
/* Which of a device's WAN IPv6 addresses it sends from. */
#include "gateway/device.h"
#include "gateway_fake.h"

static struct in6_addr address_of(const char *text)
{
	struct in6_addr address;

	if (doppel_ip6_parse(text, &address))
		abort();
	return address;
}

static void add_slaac(struct device *device, const char *address, bool deprecated)
{
	struct slaac *slaac = &device->slaac;

	device->reach.state = REACH_ANSWERED;
	slaac->addresses = reallocarray(slaac->addresses, slaac->count + 1, sizeof(*slaac->addresses));
	if (!slaac->addresses)
		abort();
	slaac->addresses[slaac->count++] = (struct slaac_address){
		.address = address_of(address), .prefix_len = 64,
		.state = deprecated ? SLAAC_DEPRECATED : SLAAC_PREFERRED,
		.valid_until = NEVER, .preferred_until = NEVER,
	};
}

static void add_lease(struct device *device, const char *address, uint32_t preferred_s)
{
	struct dhcp6_lease *lease = &device->dhcp6.lease;

	device->dhcp6.held = true;
	lease->acquired_ms = doppel_gateway_now(device->gateway) - 1000;
	lease->addresses[lease->address_count++] = (struct dhcp6_address){
		address_of(address), preferred_s, 86400 };
}

static void add_router(struct device *device, const char *router, int8_t preference,
		       const char *prefix)
{
	struct ra ra = {
		.router = address_of(router), .lifetime_s = 1800, .preference = preference,
		.prefixes = { { .prefix = address_of(prefix), .len = 64, .on_link = true,
				.autonomous = true, .valid_s = 86400, .preferred_s = 86400 } },
		.prefix_count = 1,
		.received_ms = doppel_gateway_now(device->gateway),
	};

	doppel_routers_update(&device->gateway->routers, &ra);
}

/* The addresses in their order, by what is behind the last colon. */
static const char *order(const struct device *device)
{
	static char text[128];
	struct module_device wanted = { .wan_ipv6_count = 0 };
	char address[DOPPEL_IP6_TEXT];
	size_t i;

	text[0] = '\0';
	doppel_wan6_wanted(device, &wanted);
	for (i = 0; i < wanted.wan_ipv6_count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 strrchr(doppel_ip6_format(&wanted.wan_ipv6[i].ipv6, address), ':') + 1);
	return text;
}

static const char *router_of(const struct device *device)
{
	static char text[DOPPEL_IP6_TEXT];
	const struct ra *router = doppel_routers_default(&device->gateway->routers,
							 doppel_gateway_now(device->gateway));

	return router ? doppel_ip6_format(&router->router, text) : "none";
}

/* RFC 4191 lets anybody on the link claim a high preference. */
static void test_newcomer(struct fake *fake, struct device *device)
{
	struct routers *routers = &device->gateway->routers;
	unsigned int i;
	char other[] = "fe80::a0";
	struct in6_addr first;

	fake->now += 5000;
	memset(routers, 0, sizeof(*routers));
	first = address_of("fe80::1");
	doppel_routers_resume(routers, &first);
	add_router(device, "fe80::9", 1, "2001:db8:9::");
	add_router(device, "fe80::1", 0, "fd00:1::");
	is_str(router_of(device), "fe80::1", "one that it was before this agent has no newcomers before it");
	memset(routers, 0, sizeof(*routers));
	device->slaac.count = 0;
	add_slaac(device, "2001:db8:9::f", false);
	add_slaac(device, "fd00:1::b", true);
	add_router(device, "fe80::1", -1, "fd00:1::");
	add_router(device, "fe80::2", 0, "fd00:1::");
	is_str(router_of(device), "fe80::2", "of those that answer at once the preferred one");
	fake->now += 5000;
	add_router(device, "fe80::9", 1, "2001:db8:9::");
	is_str(router_of(device), "fe80::2", "one that comes later takes nobody's place");
	is_str(order(device), "b f", "nor is its prefix sent from, be it preferred and global");
	first = routers->first;
	doppel_wan_router_silent(device->gateway, &first, true);
	device->reach.state = REACH_ANSWERED;
	is_str(router_of(device), "fe80::9", "until the first answers no more");
	is_str(order(device), "f b", "then its prefix is used");
	add_router(device, "fe80::2", 0, "fd00:1::");
	is_str(router_of(device), "fe80::9", "and the one that was lost is a newcomer");
	add_router(device, "fe80::9", -1, "2001:db8:9::");
	is_str(router_of(device), "fe80::2", "a router that lowers its preference gives way");
	for (i = 0; i < ROUTERS_MAX; i++) {
		other[7] = (char)('0' + i);
		add_router(device, other, 1, "2001:db8:9::");
	}
	is_str(router_of(device), "fe80::2", "and many that fill the table change nothing");
}

static int count_dhcp6(const struct store_lease *lease, void *ctx)
{
	*(unsigned int *)ctx += !strcmp(lease->protocol, "dhcp6");
	return 0;
}

static unsigned int stored_dhcp6(const struct device *device)
{
	unsigned int count = 0;

	doppel_store_lease_foreach(device->gateway->store, &device->mac, count_dhcp6, &count);
	return count;
}

/* Somebody else has the MAC, too: nothing can be renewed. */
static void test_no_link_local(struct fake *fake, struct device *device)
{
	memset(&device->dhcp6.lease, 0, sizeof(device->dhcp6.lease));
	add_lease(device, "2001:db8:1::d", 3600);
	device->mode6 = DHCP6_MODE_STATEFUL;
	device->dhcp6.state = DHCP6_BOUND;
	device->dhcp6.deadline = NEVER;
	device->slaac.ready = true;
	device->slaac.count = 0;
	device->keep6 = true;
	doppel_device_settle(device);
	is_int(stored_dhcp6(device), 1, "a lease is kept");
	device->slaac.ready = false;
	doppel_device_settle(device);
	is_int(stored_dhcp6(device), 0, "with the link-local address it is lost, in the store, too");
	is_str(order(device), "", "and no address of it is used");
	is_int(fake->foreign, 0, "nothing was said by others");
}

int main(void)
{
	struct fake *fake = fake_new();
	struct device *device;
	struct mac mac = fake_mac(7);

	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	device = doppel_gateway_find(fake->gw, &mac);
	is_str(order(device), "", "none yet");
	add_router(device, "fe80::1", 0, "2001:db8:1::");
	add_slaac(device, "2001:db8:1::a", false);
	device->reach.state = REACH_ASKING;
	is_str(order(device), "", "none that the router does not answer");
	add_lease(device, "2001:db8:1::d", 3600);
	is_str(order(device), "d", "what DHCPv6 grants is granted");
	device->reach.state = REACH_ANSWERED;
	is_str(order(device), "d a", "DHCPv6 before SLAAC");
	add_slaac(device, "2001:db8:1::d", false);
	is_str(order(device), "d a", "once, if they agree");

	device->dhcp6.lease.addresses[0].preferred_s = 1;
	device->slaac.count = 1;
	is_str(order(device), "a d", "but one that is deprecated is the last");
	add_slaac(device, "2001:db8:1::b", true);
	add_slaac(device, "2001:db8:1::c", false);
	is_str(order(device), "a c d b", "of either kind; what came first goes first");
	device->dhcp6.held = false;
	device->slaac.count = 0;

	add_slaac(device, "fd00::a", false);
	add_slaac(device, "2001:db8:1::b", false);
	is_str(order(device), "b a", "a global one before a unique local one");

	add_router(device, "fe80::2", 0, "2001:db8:2::");
	device->slaac.count = 0;
	add_slaac(device, "2001:db8:2::e", false);
	add_slaac(device, "2001:db8:1::b", false);
	is_str(order(device), "b e", "one of the default router's prefix before another router's");
	add_router(device, "fe80::2", 1, "2001:db8:2::");
	is_str(order(device), "e b", "which may change");
	device->slaac.addresses[0].state = SLAAC_DEPRECATED;
	is_str(order(device), "e b", "and outweighs all that another one can say");
	add_slaac(device, "2001:db8:2::c", false);
	is_str(order(device), "c e b", "of one router's deprecated is worse");
	test_newcomer(fake, device);
	test_no_link_local(fake, device);
	fake_free(fake);
	return done_testing();
}
