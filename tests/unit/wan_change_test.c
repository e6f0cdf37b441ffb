// SPDX-License-Identifier: GPL-2.0-only
/* What the WAN port is attached to changes: carrier, routers, servers, networks. */
#include "gateway_fake.h"

#include "base/log.h"
#include "gateway/device.h"

#define QUICK \
	"  dhcp4: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n" \
	"  dhcp6: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n"

static const struct mac another = { { 0x02, 0xee, 0, 0, 0, 2 } };

static struct fake *begin(const char *config)
{
	struct fake *fake = fake_new();

	fake_start(fake, config);
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 30000);
	fake->requests = fake->discovers = fake->arps = fake->changes = 0;
	fake->frames = fake->router_solicits = 0;
	return fake;
}

static void carrier(struct fake *fake, bool running)
{
	struct port_event event = { .kind = PORT_EVENT_LINK, .ifindex = 3, .link = fake->wan };

	event.link.running = running;
	doppel_ports_event(&event, fake->gw);
}

static const char *lease_of(struct fake *fake, uint8_t last)
{
	static char text[DOPPEL_IP4_TEXT];

	return doppel_ip4_format(fake_view(fake, last).view.wan_ipv4, text);
}

static struct in6_addr router_of(struct fake *fake, uint8_t last)
{
	const struct mac mac = fake_mac(last);

	return fake_device(fake, &mac)->wan_router6;
}

static void test_quiet(void)
{
	struct fake *fake = begin(FAKE_PLAIN);

	fake_run(fake, 600000);
	ok(fake->arps >= 8 && fake->arps <= 12, "once a minute the router is asked whether it is there: %u",
	   fake->arps);
	is_int(fake->frames, fake->arps, "by one device for all, and nothing else is said");
	is_int(fake->changes, 0, "nor changed");
	fake_free(fake);
}

static void test_same_network(void)
{
	struct fake *fake = begin(FAKE_PLAIN);

	carrier(fake, false);
	fake_run(fake, 60000);
	is_int(fake->frames, 0, "without a carrier nothing is said, and nothing concluded");
	carrier(fake, true);
	fake_run(fake, 15000);
	is_int(fake->arps, 1, "when it is back the router is asked for");
	is_int(fake->requests, 2, "and each lease once");
	is_int(fake->discovers, 0, "none is asked for anew");
	is_int(fake->changes, 0, "and what stands goes on");
	fake_free(fake);
}

static void test_other_network(void)
{
	struct fake *fake = begin(FAKE_PLAIN QUICK);

	/* Without the carrier's going: a switch on the way was put elsewhere. */
	fake->net = 5;
	fake->router_mac = another;
	fake_run(fake, 100000);
	is_str(lease_of(fake, 7), "10.5.0.7", "another network behind the same cable is found out");
	is_str(lease_of(fake, 8), "10.5.0.8", "by every device");
	ok(fake->discovers <= 4, "without a storm: %u DISCOVERs", fake->discovers);
	fake->requests = fake->discovers = 0;
	fake_run(fake, 300000);
	is_int(fake->requests + fake->discovers, 0, "and that is all: what was changed is no signal");

	carrier(fake, false);
	fake_run(fake, 5000);
	fake->net = 6;
	carrier(fake, true);
	fake_run(fake, 20000);
	is_str(lease_of(fake, 7), "10.6.0.7", "after the carrier was gone it is at once");
	fake_free(fake);
}

static void test_other_router(void)
{
	struct fake *fake = begin(FAKE_PLAIN);

	fake->router_mac = another;
	fake_run(fake, 90000);
	is_int(fake->requests, 2, "a router with another MAC: each lease is asked about once");
	is_int(fake->discovers, 0, "and holds");
	is_int(fake->changes, 0, "and the module is left alone");
	fake_run(fake, 300000);
	is_int(fake->requests, 2, "once");
	fake_free(fake);
}

static void test_silence(void)
{
	struct fake *fake = begin(FAKE_PLAIN);

	fake->router4_down = true;
	fake_run(fake, 100000);
	is_int(fake->requests, 2, "a router that is silent: is this the same network? The server says so");
	fake->requests = 0;
	fake_run(fake, 300000);
	is_int(fake->requests, 0, "its silence goes on, and is no news");
	fake->router4_down = false;
	fake_run(fake, 100000);
	is_int(fake->requests, 2, "it is back: the same network?");
	is_int(fake->changes, 0, "all the time devices kept what they had");
	fake_free(fake);
}

static void test_router6(void)
{
	struct fake *fake = fake_new();
	struct in6_addr first = fake_router(fake), second = doppel_ip6_link_local(&another);
	const struct device *device;
	const struct mac mac = fake_mac(7);
	struct in6_addr is;

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	device = doppel_gateway_find(fake->gw, &mac);
	is = router_of(fake, 7);
	ok(doppel_ip6_eq(&is, &first), "the router that advertises is used");

	/* The first one is gone without a word; another one of another network is there. */
	fake->router_mac = another;
	fake->prefix = "2001:db8:9::";
	fake_advertise(fake);
	fake_run(fake, 10000);
	is = router_of(fake, 7);
	ok(doppel_ip6_eq(&is, &second), "one that no longer answers is left for one that does");
	is_int(fake_view(fake, 7).view.wan_ipv6_count, 2, "there is an address of the new prefix");
	is_int(device->slaac.addresses[0].state, SLAAC_DEPRECATED, "that of the old one is deprecated");
	is_int(device->slaac.addresses[1].state, SLAAC_PREFERRED, "the new one is not");

	fake_run(fake, 10000);
	fake->requests = 0;
	fake->router_mac = fake_server_mac;
	fake->prefix = "2001:db8::";
	fake_advertise(fake);
	fake_run(fake, 10000);
	is_int(fake->requests, 1, "the first one is back: the lease is asked about");
	is_int(device->slaac.addresses[0].state, SLAAC_PREFERRED, "its prefix is good again");
	fake_free(fake);
}

static void advertise(struct fake *fake, const struct in6_addr *router, const struct mac *mac)
{
	struct packet head = { .kind = PACKET_ICMP6, .src = *mac, .hop_limit = 255 };
	const struct nd_router_advert ra = {
		.nd_ra_type = ND_ROUTER_ADVERT,
		.nd_ra_router_lifetime = htons(1800),
	};
	uint8_t frame[FRAME_MAX];

	head.ip6.src = *router;
	doppel_ip6_parse("ff02::1", &head.ip6.dst);
	head.dst = doppel_mac_multicast6(&head.ip6.dst);
	fake_deliver(fake, frame, doppel_frame_icmp6(frame, &head, &ra, sizeof(ra)));
}

/* The router, from that MAC. */
static void advertise_from(struct fake *fake, const struct mac *mac)
{
	const struct in6_addr router = fake_router(fake);

	advertise(fake, &router, mac);
}

/* Router number @last beside the first, at its own address. */
static void advertise_as(struct fake *fake, uint8_t last)
{
	const struct mac mac = { { 0x02, 0xee, 0, 0, 1, last } };
	const struct in6_addr router = doppel_ip6_link_local(&mac);

	advertise(fake, &router, &mac);
	fake_run(fake, 11000);
}

static void test_router6_mac(void)
{
	struct fake *fake = fake_new();

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	fake->requests = 0;
	fake_advertise(fake);
	fake_run(fake, 10000);
	is_int(fake->requests, 0, "a router says again what it said: no news");
	advertise_from(fake, &another);
	fake_run(fake, 10000);
	is_int(fake->requests, 1, "the same link-local address at another MAC: another network?");
	fake_free(fake);
}

/* Two routers share a link-local address: no reason to ask servers for ever. */
static void test_router6_flaps(void)
{
	struct fake *fake = fake_new();
	unsigned int i;

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	fake->requests = 0;
	for (i = 0; i < 60; i++) {
		advertise_from(fake, i % 2 ? &fake->router_mac : &another);
		fake_run(fake, 10000);
	}
	ok(fake->requests >= 4 && fake->requests <= 7,
	   "a router with two MACs: the lease is asked about ever more seldom: %u times in 10 minutes",
	   fake->requests);
	fake_run(fake, 800000);
	fake->requests = 0;
	fake_run(fake, 200000);
	is_int(fake->requests, 0, "when it has ended so have the questions");
	fake_run(fake, 3000000);
	fake->net = 5;
	advertise_from(fake, &another);
	fake_run(fake, 30000);
	is_str(lease_of(fake, 7), "10.5.0.7", "after a while of quiet it is asked about at once");
	fake_free(fake);
}

/* More routers than there is room for: each is a newcomer once, and many of them are no flood of questions. */
static void test_router6_many(void)
{
	struct fake *fake = fake_new();
	uint8_t i;

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	fake->arps = 0;
	for (i = 1; i <= ROUTERS_MAX; i++)
		advertise_as(fake, i);
	ok(fake->arps >= ROUTERS_MAX, "each new router makes us ask for the old one: %u times", fake->arps);
	fake->arps = 0;
	for (i = 1; i <= 20; i++)
		advertise_as(fake, ROUTERS_MAX);
	ok(fake->arps <= 5, "one for which there was no room is not new again: asked %u times in 220 s",
	   fake->arps);
	for (i = 1; i <= 20; i++)
		advertise_as(fake, ROUTERS_MAX + i);
	fake->arps = 0;
	for (i = 1; i <= 20; i++)
		advertise_as(fake, ROUTERS_MAX + i);
	ok(fake->arps <= 5, "nor are twenty of them: asked %u times in 220 s", fake->arps);
	fake_run(fake, 1900000);
	advertise_as(fake, ROUTERS_MAX);
	is_int(fake->gw->routers.count, 2, "with the others gone it has room");
	is_int(fake->gw->routers.excess_count, 0, "nobody is left over");
	fake_free(fake);
}

/* IPv4 only, both, IPv6 only, and back: each is noticed, and what is unchanged goes on. */
static void test_families(void)
{
	struct fake *fake = begin(FAKE_DUAL QUICK);

	is_int(fake_view(fake, 7).view.ipv6.status, FAMILY_OFF, "an IPv4-only WAN");
	fake->router = true;
	fake_advertise(fake);
	fake_run(fake, 20000);
	is_int(fake_view(fake, 7).view.ipv6.status, FAMILY_BOUND, "a router comes: IPv6, too");
	is_int(fake_view(fake, 7).view.wan_ipv6_count, 1, "with an address");
	is_int(fake->discovers + fake->requests, 0, "IPv4 is not concerned");

	fake->dhcp_server = false;
	fake->router4_down = true;
	fake_run(fake, 3700000);
	is_int(fake_view(fake, 7).view.wan_ipv4.s_addr, 0, "IPv4 goes when its lease has run out");
	is_int(fake_view(fake, 7).view.ipv6.status, FAMILY_BOUND, "on what is an IPv6-only WAN now");

	fake->dhcp_server = true;
	fake->router4_down = false;
	fake_run(fake, 30000);
	is_str(lease_of(fake, 7), "10.0.0.7", "a DHCPv4 server comes: both again");
	fake->router = false;
	fake_run(fake, 90000000);
	is_int(fake_view(fake, 7).view.wan_ipv6_count, 0, "no router for longer than its prefix holds");
	is_int(fake_view(fake, 7).view.ipv6.status, FAMILY_OFF, "leaves an IPv4-only WAN");
	is_str(lease_of(fake, 7), "10.0.0.7", "which goes on");
	fake_free(fake);
}

/* What a router said of DHCPv6 is over with the router. */
static void test_managed(void)
{
	struct fake *fake = begin(FAKE_DUAL QUICK);
	const struct mac mac = fake_mac(7);
	const struct dhcp6 *dhcp6 = &doppel_gateway_find(fake->gw, &mac)->dhcp6;

	fake->router = true;
	fake->ra_flags = ND_RA_FLAG_MANAGED;
	fake_advertise(fake);
	fake_run(fake, 60000);
	ok(dhcp6->state != DHCP6_OFF, "a router says M: a server is asked for, though none answers");
	fake->router = false;
	fake_run(fake, 90000000);
	is_int(dhcp6->state, DHCP6_OFF, "no router any more: nobody is asked");
	fake->router = true;
	fake_advertise(fake);
	fake_run(fake, 60000);
	ok(dhcp6->state != DHCP6_OFF, "there is one again");
	fake_free(fake);
}

static const struct dhcp6_lease *lease6(struct fake *fake, uint8_t last)
{
	const struct mac mac = fake_mac(last);

	return doppel_dhcp6_lease(&doppel_gateway_find(fake->gw, &mac)->dhcp6);
}

/* A lease of 2001:db8:1::/64 where the router advertises @prefix; then the server is gone. */
static struct fake *leased6(const char *prefix)
{
	struct fake *fake = fake_new();

	fake->router = fake->dhcp6_server = true;
	fake->ra_flags = ND_RA_FLAG_MANAGED;
	fake->ra_no_prefix = true;
	fake->dhcp6_net = 1;
	fake->prefix = prefix;
	fake_start(fake, FAKE_DUAL QUICK);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	ok(lease6(fake, 7), "a DHCPv6 lease");
	fake->dhcp6_server = false;
	return fake;
}

static void cable(struct fake *fake)
{
	carrier(fake, false);
	fake_run(fake, 3000);
	carrier(fake, true);
	fake->confirms = 0;
	fake_run(fake, 40000);
	ok(fake->confirms > 1, "  CONFIRM, and nobody answers it");
}

static void test_lease6_stays(void)
{
	struct fake *fake = leased6("2001:db8:1::");

	cable(fake);
	ok(lease6(fake, 7), "  the same router: the lease stays, as the server may be back soon");
	fake->router_mac = another;
	cable(fake);
	ok(lease6(fake, 7), "  another router with the lease's prefix: it stays");
	fake->router = false;
	cable(fake);
	ok(lease6(fake, 7), "  no router: it stays");
	fake_free(fake);

	fake = leased6("2001:db8:2::");
	cable(fake);
	ok(lease6(fake, 7), "  a router that never advertised its prefix: it stays");
	fake_run(fake, KEEP_MS);
	fake_stop(fake);
	fake_start(fake, FAKE_DUAL QUICK);
	fake_run(fake, 5000);
	cable(fake);
	ok(lease6(fake, 7), "  another agent: the same");
	fake_free(fake);
}

static void test_lease6_goes(void)
{
	struct fake *fake = leased6("2001:db8:1::");
	const struct mac mac = fake_mac(7);
	const struct device *device;

	fake->router_mac = another;
	fake->prefix = "2001:db8:9::";
	fake->solicits = 0;
	cable(fake);
	ok(!lease6(fake, 7), "  a new router without its prefix, with M: the lease is gone");
	ok(fake->solicits > 1, "  and another is asked for");
	fake_free(fake);

	fake = leased6("2001:db8:1::");
	device = doppel_gateway_find(fake->gw, &mac);
	fake->router_mac = another;
	fake->prefix = "2001:db8:9::";
	fake->ra_flags = 0;
	fake->ra_no_prefix = false;
	cable(fake);
	ok(!lease6(fake, 7), "  without M: gone, too");
	is_int(device->mode6, DHCP6_MODE_NONE, "  and nobody is asked, as the old router's M is over");
	is_int(fake_view(fake, 7).view.ipv6.status, FAMILY_BOUND, "  the new prefix gives an address");
	fake_free(fake);

	/* The plug bounces: the new router has spoken already when the leases are doubted again. */
	fake = leased6("2001:db8:1::");
	fake->router_mac = another;
	fake->prefix = "2001:db8:9::";
	carrier(fake, false);
	fake_run(fake, 1000);
	carrier(fake, true);
	fake_run(fake, 4000);
	cable(fake);
	ok(!lease6(fake, 7), "  after a carrier that came twice: gone");
	fake_free(fake);
}

/* The box was carried elsewhere, and boots there. */
static void test_lease6_carried(void)
{
	struct fake *fake = leased6("2001:db8:1::");

	fake_run(fake, KEEP_MS);
	fake_stop(fake);
	fake->set = false;
	fake->device_count = fake->forward_count = 0;
	fake->router_mac = another;
	fake->prefix = "2001:db8:9::";
	fake->confirms = 0;
	fake_start(fake, FAKE_DUAL QUICK);
	fake_run(fake, 40000);
	ok(fake->confirms > 1 && !lease6(fake, 7), "  a lease of the store is not taken up on another link");
	fake_free(fake);
}

/* Behind a NAT64 the DHCPv4 server of a new device may prefer that it does without (option 108). */
static void test_nat64(void)
{
	struct fake *fake = begin(FAKE_DUAL QUICK);
	const struct mac mac = fake_mac(9);
	const struct device *device;

	fake->router = true;
	fake->pref64 = "64:ff9b::";
	fake->pref64_s = 600;
	fake_advertise(fake);
	fake_run(fake, 20000);
	is_int(fake->discovers, 0, "nobody asks anew because of it");
	fake_seen(fake, 9, "192.168.1.9");
	fake_run(fake, 20000);
	device = doppel_gateway_find(fake->gw, &mac);
	is_int(fake->discovers, 1, "a new device asks by one DISCOVER");
	ok(device->dhcp4.asked, "and for option 108, too");
	is_str(lease_of(fake, 9), "10.0.0.9", "which this server does not know");
	fake_free(fake);
}

/* A server that was set up anew knows no lease: the old address is asked for, and had again. */
static void test_empty_server(void)
{
	struct fake *fake = begin(FAKE_PLAIN QUICK);

	fake->dhcp_server = false;
	fake_run(fake, 1900000);
	is_int(fake_view(fake, 7).view.ipv4.status, FAMILY_RENEWING, "a server that is down is waited for");
	fake->dhcp_server = true;
	fake_run(fake, 900000);
	is_int(fake_view(fake, 7).view.ipv4.status, FAMILY_BOUND, "when it is back it renews");
	is_int(fake->changes, 0, "and nothing was changed");
	fake_free(fake);
}

int main(void)
{
	doppel_log_set_level(LOG_ERR);
	test_quiet();
	test_same_network();
	test_other_network();
	test_other_router();
	test_silence();
	test_router6();
	test_router6_mac();
	test_router6_flaps();
	test_router6_many();
	test_families();
	test_managed();
	test_nat64();
	test_empty_server();
	test_lease6_stays();
	test_lease6_goes();
	test_lease6_carried();
	return done_testing();
}
