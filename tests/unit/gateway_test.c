// SPDX-License-Identifier: GPL-2.0-only
/* The gateway on fakes: devices' lives, reconciliation, forwards, the rate cap. */
#include <net/if_arp.h>

#include "gateway_fake.h"

#include "base/buf.h"
#include "base/log.h"
#include "gateway/device.h"
#include "gateway/pace.h"

static void test_life(void)
{
	struct fake *fake = fake_new();
	struct mac mac = fake_mac(7);
	struct module_device *held;
	struct fake_view seen;

	fake->loaded = false;
	fake_start(fake, FAKE_PLAIN);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	is_int(fake->frames, 0, "without the module nothing is sent");
	ok(strstr(fake->gw->problem, "not loaded"), "and the reason is told: %s",
	   fake->gw->problem);
	is_int(fake_view(fake, 7).view.status, DEVICE_DISCOVERING, "the device is known already");

	fake->loaded = true;
	fake_module_event(fake, MODULE_EVENT_CAME);
	fake_run(fake, 1000);
	is_int(fake->sets, 1, "the gateway is set once the module is there");
	ok(!fake->gateway.own, "devices-only");
	ok(fake->lan_address && fake->lan.up && fake->wan.up, "ports are up, the LAN address set");
	held = fake_device(fake, &mac);
	ok(held && doppel_ip4_eq(held->lan_ipv4, fake_ip4("192.168.1.7")), "the device is added");
	is_int(fake->forward_count, 10, "with the default forwards");

	fake_run(fake, 30000);
	held = fake_device(fake, &mac);
	ok(doppel_ip4_eq(held->wan_ipv4, fake_ip4("10.0.0.7")), "its lease is told to the module");
	is_int(held->wan_prefix_len, 24, "with the prefix length");
	ok(doppel_ip4_eq(held->wan_router, fake_ip4("10.0.0.254")), "and the router");
	is_int(fake->foreign, 0, "no frame left before the module knew its MAC");
	seen = fake_view(fake, 7);
	is_int(seen.view.status, DEVICE_ACTIVE, "active");
	is_int(seen.view.ipv4.status, FAMILY_BOUND, "IPv4 is bound");
	is_int(seen.view.ipv6.status, FAMILY_OFF, "IPv6 is off");
	is_str(seen.reason6, "IPv6 is off in the file", "and why");
	is_int(fake->discovers, 1, "one DISCOVER was enough");
	fake_free(fake);
}

static void test_restart(void)
{
	struct fake *fake = fake_new();
	unsigned int adds, changes, forward_adds;
	struct in6_addr router;
	struct fake_view seen;

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 30000);
	seen = fake_view(fake, 8);
	is_int(seen.view.wan_ipv6_count, 1, "a SLAAC address");
	is_int(seen.view.wan_ipv6[0].prefix_len, 64, "on-link");
	is_int(seen.view.status, DEVICE_ACTIVE, "active");

	fake_stop(fake);
	adds = fake->adds;
	changes = fake->changes;
	forward_adds = fake->forward_adds;
	fake->discovers = fake->requests = 0;
	fake->router = false;
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 60000);
	is_int(fake->sets, 1, "a new agent: the gateway is as it should be");
	is_int(fake->adds, adds, "no device is added");
	is_int(fake->changes, changes, "none is changed, though no router has been heard yet");
	is_int(fake->dels, 0, "none is removed");
	is_int(fake->forward_adds, forward_adds, "no forward is added");
	is_int(fake->forward_dels, 0, "none is removed");
	is_int(fake->discovers + fake->requests, 0, "no question about leases that are in use");
	router = fake_router(fake);
	ok(doppel_ip6_eq(&fake->gw->routers.first, &router), "nor about who the default router is");
	seen = fake_view(fake, 8);
	ok(doppel_ip4_eq(seen.view.wan_ipv4, fake_ip4("10.0.0.8")), "the same IPv4 address");
	is_int(seen.view.wan_ipv6_count, 1, "the same IPv6 address");
	is_int(seen.view.status, DEVICE_ACTIVE, "still active");

	/* The module is new: everything is set again from what is held. */
	fake->set = false;
	fake->device_count = fake->forward_count = 0;
	fake->router = true;
	fake_module_event(fake, MODULE_EVENT_WENT);
	fake_module_event(fake, MODULE_EVENT_CAME);
	fake_run(fake, 20000);
	is_int(fake->device_count, 2, "after a reload the module has both devices again");
	is_int(fake->forward_count, 20, "and their forwards");
	ok(fake->devices[0].wan_ipv4.s_addr && fake->devices[1].wan_ipv4.s_addr &&
	   fake->devices[0].wan_ipv6_count && fake->devices[1].wan_ipv6_count,
	   "and their addresses");
	is_int(fake->discovers + fake->requests, 0, "without a DISCOVER or REQUEST");

	/* The box was rebooted: the module is empty, the leases are asked about. */
	fake_stop(fake);
	fake->set = false;
	fake->device_count = fake->forward_count = 0;
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 20000);
	is_int(fake->discovers, 0, "after a reboot no DISCOVER");
	is_int(fake->requests, 2, "but one INIT-REBOOT each");
	ok(fake->devices[0].wan_ipv4.s_addr && fake->devices[1].wan_ipv4.s_addr,
	   "and the same addresses");
	fake_free(fake);
}

static void test_differences(void)
{
	struct fake *fake = fake_new();
	struct module_device stray = { .mac = fake_mac(99), .lan_ipv4 = fake_ip4("192.168.1.99") };
	struct mac mac = fake_mac(7);
	unsigned int adds;

	fake_start(fake, FAKE_PLAIN);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	fake_stop(fake);

	fake->devices[fake->device_count++] = stray;
	fake_device(fake, &mac)->wan_router = fake_ip4("10.0.0.9");
	fake->forwards[0].to = 4242;
	fake->forwards[fake->forward_count++] =
		(struct module_forward){ mac, IPPROTO_UDP, 9999, 9999 };
	adds = fake->adds;
	fake->changes = fake->forward_adds = fake->forward_dels = 0;
	fake_start(fake, FAKE_PLAIN "  devices: {max: 1}\n");
	is_int(fake->device_count, 1, "a device that is not let in is removed");
	is_int(fake->changes, 1, "one change");
	ok(doppel_ip4_eq(fake_device(fake, &mac)->wan_router, fake_ip4("10.0.0.254")),
	   "puts the router right");
	is_int(fake->forward_dels, 2, "the wrong and the unwanted forward go");
	is_int(fake->forward_adds, 1, "the right one comes");
	is_int(fake->adds, adds, "nothing else");

	/* Other ports than the module has: made anew. */
	fake_stop(fake);
	fake->gateway.wan_ifindex = 33;
	fake_start(fake, FAKE_PLAIN);
	is_int(fake->gateway.wan_ifindex, 3, "a gateway on other ports is made anew");
	is_int(fake->device_count, 1, "with its devices");
	fake_free(fake);
}

static void test_silence(void)
{
	struct fake *fake = fake_new();
	struct mac mac = fake_mac(7);

	fake_start(fake, FAKE_PLAIN "  devices: {inactive_after: 60s}\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 50000);
	is_int(fake_view(fake, 7).view.status, DEVICE_ACTIVE, "active while it was heard of");
	is_int(fake->probes, 0, "and not probed");
	fake_run(fake, 20000);
	ok(fake->probes > 0, "probed when silent");
	is_int(fake_view(fake, 7).view.status, DEVICE_ACTIVE, "not gone before the probes are over");
	fake_device(fake, &mac)->idle_ms = 0;
	fake->probes = 0;
	fake_run(fake, 30000);
	is_int(fake->probes, 0, "a frame of it ends the probing");
	fake_run(fake, 100000);
	is_int(fake->probes, 3, "three probes");
	is_int(fake_view(fake, 7).view.status, DEVICE_INACTIVE, "then inactive");
	ok(fake_device(fake, &mac)->wan_ipv4.s_addr, "but it keeps its address");
	fake_device(fake, &mac)->idle_ms = 0;
	fake_run(fake, 15000);
	is_int(fake_view(fake, 7).view.status, DEVICE_ACTIVE, "back: active again");
	fake_free(fake);
}

static void test_lan_addresses(void)
{
	struct fake *fake = fake_new();
	struct mac seven = fake_mac(7), eight = fake_mac(8);

	fake_start(fake, FAKE_PLAIN);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 10000);
	fake_host(fake, 7, "192.168.1.7");
	fake_seen(fake, 7, "192.168.1.77");
	fake_run(fake, 5000);
	ok(doppel_ip4_eq(fake_device(fake, &seven)->lan_ipv4, fake_ip4("192.168.1.7")),
	   "one frame from another address does not move a device that answers where it was");
	fake->host_count = 0;
	fake_seen(fake, 7, "192.168.1.77");
	fake_run(fake, 5000);
	ok(doppel_ip4_eq(fake_device(fake, &seven)->lan_ipv4, fake_ip4("192.168.1.7")),
	   "nor one that does not answer at the new address");
	fake_host(fake, 7, "192.168.1.70");
	fake_seen(fake, 7, "192.168.1.70");
	fake_run(fake, 5000);
	ok(doppel_ip4_eq(fake_device(fake, &seven)->lan_ipv4, fake_ip4("192.168.1.70")),
	   "a device moved that answers there and not where it was");
	ok(doppel_ip4_eq(fake_device(fake, &seven)->wan_ipv4, fake_ip4("10.0.0.7")),
	   "and kept its WAN address");

	fake_host(fake, 8, "192.168.1.70");
	fake_seen(fake, 8, "192.168.1.70");
	fake_run(fake, 5000);
	ok(doppel_ip4_eq(fake_device(fake, &seven)->lan_ipv4, fake_ip4("192.168.1.70")),
	   "an address in use is not given away");
	is_int(fake_device(fake, &eight)->lan_ipv4.s_addr, 0, "the other has none");
	fake->host_count = 0;
	fake_host(fake, 8, "192.168.1.70");
	fake_seen(fake, 8, "192.168.1.70");
	fake_run(fake, 5000);
	is_int(fake_device(fake, &seven)->lan_ipv4.s_addr, 0, "who does not answer has lost it");
	ok(doppel_ip4_eq(fake_device(fake, &eight)->lan_ipv4, fake_ip4("192.168.1.70")),
	   "to who does");

	fake_seen(fake, 9, "10.9.9.9");
	is_int(fake->device_count, 2, "an address of another network makes no device");
	fake_seen(fake, 9, "192.168.1.1");
	is_int(fake->device_count, 2, "nor does the gateway's own");
	fake_seen(fake, 9, "192.168.1.255");
	is_int(fake->device_count, 2, "nor the broadcast address");
	fake_free(fake);
}

static void test_admission(void)
{
	struct fake *fake = fake_new();
	const struct mac forgotten = fake_mac(7);
	struct fake_view seen;

	fake_start(fake, FAKE_PLAIN "  devices: {admit: listed, list: [{mac: \"02:00:00:00:00:07\", "
		   "name: printer, forwards: [{port: 631}]}]}\n");
	seen = fake_view(fake, 7);
	is_int(seen.view.status, DEVICE_INACTIVE, "a listed device is known before it is seen");
	is_str(seen.reason4, "not seen on the LAN yet", "and why it has nothing");
	is_str(seen.view.name, "printer", "by its name");
	is_int(fake->device_count, 0, "the module need not know it yet");
	fake_seen(fake, 8, "192.168.1.8");
	is_int(fake->device_count, 0, "one that is not listed is not let in");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	is_int(fake_view(fake, 7).view.status, DEVICE_ACTIVE, "the listed one is");
	is_int(fake->forward_count, 1, "with its own forwards");
	is_int(fake->forwards[0].port, 631, "and no others");
	is_int(doppel_gateway_forget(fake->gw, &forgotten), 0, "forgotten");
	is_int(fake->device_count, 0, "the module has it no more");
	is_int(fake_view(fake, 7).view.status, DEVICE_INACTIVE, "but the file has");
	fake_stop(fake);

	fake_start(fake, FAKE_PLAIN "  devices: {max: 2}\n");
	fake_seen(fake, 1, "192.168.1.11");
	fake_seen(fake, 2, "192.168.1.12");
	fake_seen(fake, 3, "192.168.1.13");
	is_int(fake->gw->devices.count, 2, "no more devices than max");
	fake_free(fake);
}

static int count_forward(const struct forward_view *forward, void *ctx)
{
	unsigned int *count = ctx;

	if (!strcmp(forward->origin, "cli"))
		*count += forward->port;
	return 0;
}

static void test_forwards(void)
{
	struct fake *fake = fake_new();
	struct mac mac = fake_mac(7), nobody = fake_mac(9);
	struct doppel_error error = { .count = 0 };
	struct config *config, *before;
	unsigned int ports = 0;

	fake_start(fake, FAKE_PLAIN "  forwards: [{port: 8080, to: 80}]\n");
	fake_seen(fake, 7, "192.168.1.7");
	is_int(fake->forward_count, 1, "the file's forward");
	is_int(doppel_gateway_forward_add(fake->gw, &mac, IPPROTO_TCP, 9000, 0, &error), 0, "added");
	is_int(fake->forward_count, 2, "and told to the module");
	is_int(fake->forwards[1].to, 9000, "to the same port");
	is_int(doppel_gateway_forward_add(fake->gw, &mac, IPPROTO_TCP, 9000, 0, &error), 0,
	       "again: nothing to do");
	is_int(doppel_gateway_forward_add(fake->gw, &mac, IPPROTO_TCP, 8080, 81, &error), -EEXIST,
	       "a port that leads elsewhere");
	is_int(doppel_gateway_forward_add(fake->gw, &nobody, IPPROTO_TCP, 80, 0, &error), -ENOENT,
	       "no such device");
	is_int(doppel_gateway_forward_add(fake->gw, &mac, IPPROTO_ICMP, 80, 0, &error), -EINVAL,
	       "no such protocol");
	is_int(doppel_gateway_forward_del(fake->gw, &mac, IPPROTO_TCP, 8080, &error), -EPERM,
	       "the file's is the file's");
	doppel_gateway_foreach_forward(fake->gw, count_forward, &ports);
	is_int(ports, 9000, "listed as added by hand");
	is_int(error.count, 4, "every refusal says why");

	fake_stop(fake);
	fake_start(fake, FAKE_PLAIN "  forwards: [{port: 8080, to: 80}]\n");
	is_int(fake->forward_count, 2, "kept over a restart");
	is_int(doppel_gateway_forward_del(fake->gw, &mac, IPPROTO_TCP, 9000, &error), 0, "removed");
	is_int(fake->forward_count, 1, "in the module too");
	is_int(doppel_gateway_forward_del(fake->gw, &mac, IPPROTO_TCP, 9000, &error), -ENOENT,
	       "not twice");

	config = fake_config(fake, FAKE_PLAIN "  forwards: [{port: 8443, to: 443}]\n");
	before = fake->config;
	is_int(doppel_gateway_reload(fake->gw, config, &error), 0, "reloaded");
	doppel_config_free(before);
	fake->config = config;
	is_int(fake->forward_count, 1, "one forward");
	is_int(fake->forwards[0].port, 8443, "the new one");
	fake_free(fake);
}

static void test_unregistered(void)
{
	struct fake *fake = fake_new();
	struct fake_view seen;

	fake->router = true;
	fake->unregistered = 9;
	fake_start(fake, FAKE_DUAL
		   "  dhcp4: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n"
		   "  dhcp6: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 9, "192.168.1.9");
	fake_run(fake, 60000);
	is_int(fake_view(fake, 7).view.status, DEVICE_ACTIVE, "the registered device is active");
	seen = fake_view(fake, 9);
	is_int(seen.view.status, DEVICE_FAILED, "the other one failed");
	is_int(seen.view.wan_ipv4.s_addr, 0, "it has no IPv4 address");
	is_int(seen.view.wan_ipv6_count, 0, "and no IPv6 address, though a router advertises");
	ok(strstr(seen.reason6, "registered"), "and why: %s", seen.reason6);
	ok(seen.reason4[0], "and why: %s", seen.reason4);
	ok(seen.view.ipv4.next_retry && seen.view.ipv6.next_retry, "and when it is tried again");
	fake->unregistered = 0;
	fake_run(fake, 30000);
	seen = fake_view(fake, 9);
	is_int(seen.view.status, DEVICE_ACTIVE, "once registered it becomes active by itself");
	is_int(seen.view.wan_ipv6_count, 1, "with its IPv6 address");
	fake_free(fake);
}

static void test_kinds_of_wan(void)
{
	struct fake *fake = fake_new();
	unsigned int frames;
	struct fake_view seen;

	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 60000);
	seen = fake_view(fake, 7);
	is_int(seen.view.status, DEVICE_ACTIVE, "active on an IPv4-only WAN");
	is_int(seen.view.ipv6.status, FAMILY_OFF, "IPv6 is off");
	is_str(seen.reason6, "no router advertises on the WAN", "and why");
	frames = fake->frames;
	fake_run(fake, 600000);
	ok(fake->frames - frames < 60, "and quiet: %u frames in ten minutes", fake->frames - frames);
	fake_free(fake);

	fake = fake_new();
	fake->dhcp_server = false;
	fake->router = true;
	fake_start(fake, FAKE_DUAL
		   "  dhcp4: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 60000);
	seen = fake_view(fake, 7);
	is_int(seen.view.status, DEVICE_ACTIVE, "active on an IPv6-only WAN");
	is_int(seen.view.ipv4.status, FAMILY_FAILED, "IPv4 failed");
	ok(seen.view.ipv4.next_retry, "and says when it is tried next");
	fake->discovers = 0;
	fake_run(fake, 60000);
	ok(fake->discovers > 2 && fake->discovers < 30, "and is tried again, slowly: %u in a minute",
	   fake->discovers);
	fake_free(fake);
}

static void test_link(void)
{
	struct fake *fake = fake_new();
	struct port_event event = { .kind = PORT_EVENT_LINK, .ifindex = 3 };
	unsigned int changes;

	fake_start(fake, FAKE_PLAIN);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	changes = fake->changes;
	fake->discovers = fake->requests = fake->frames = 0;
	event.link = fake->wan;
	event.link.running = false;
	doppel_ports_event(&event, fake->gw);
	fake_run(fake, 5000);
	is_int(fake->frames, 0, "nothing is sent without a carrier");
	event.link.running = true;
	doppel_ports_event(&event, fake->gw);
	fake_run(fake, 10000);
	is_int(fake->discovers, 0, "carrier is back: no DISCOVER");
	is_int(fake->requests, 1, "but the question whether the lease still holds");
	is_int(fake->changes, changes, "and the module is left alone");

	fake->requests = 0;
	event.link.mtu = 1400;
	doppel_ports_event(&event, fake->gw);
	fake_run(fake, 10000);
	is_int(fake->requests, 0, "a link event without a change of carrier is no signal");

	event.kind = PORT_EVENT_GONE;
	fake->wan.ifindex = 0;
	doppel_ports_event(&event, fake->gw);
	fake_run(fake, 5000);
	ok(strstr(fake->gw->problem, "no port wan0"), "a port that went is waited for: %s",
	   fake->gw->problem);
	fake->wan.ifindex = 5;
	fake->device_count = fake->forward_count = 0;
	fake->set = false;
	event = (struct port_event){ .kind = PORT_EVENT_LINK, .ifindex = 5, .link = fake->wan };
	doppel_ports_event(&event, fake->gw);
	fake_run(fake, 5000);
	is_int(fake->gateway.wan_ifindex, 5, "when it is back the gateway is set again");
	ok(fake->device_count == 1 && fake->devices[0].wan_ipv4.s_addr, "with its device's lease");
	fake_free(fake);
}

/* Somebody on the WAN says that an address is his. */
static void fake_claim(struct fake *fake, const char *ipv4)
{
	uint8_t frame[FRAME_MAX];
	const struct arp arp = {
		.operation = ARPOP_REPLY,
		.sender_mac = fake_server_mac,
		.sender = fake_ip4(ipv4),
		.target = fake_ip4(ipv4),
	};

	fake_deliver(fake, frame, doppel_frame_arp(frame, &doppel_mac_broadcast, &fake_server_mac,
						   &arp));
}

static void test_whose_address(void)
{
	struct fake *fake = fake_new();
	struct mac mac = fake_mac(7);
	uint64_t heard;

	fake_start(fake, FAKE_PLAIN);
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 30000);
	heard = fake->gw->hearing;
	fake_claim(fake, "10.0.0.99");
	fake_claim(fake, "10.0.0.7");
	fake_run(fake, 100);
	is_int(fake->gw->hearing - heard, 2, "two claims were looked up");
	ok(fake_device(fake, &mac)->wan_ipv4.s_addr, "an address that is claimed once is defended");
	fake_claim(fake, "10.0.0.7");
	fake_run(fake, 100);
	is_int(fake_view(fake, 7).view.wan_ipv4.s_addr, 0, "the second claim is yielded to");
	is_int(fake_view(fake, 8).view.ipv4.status, FAMILY_BOUND, "which is not another device's matter");
	is_int(doppel_gateway_forget(fake->gw, &mac), 0, "forgotten");
	fake_claim(fake, "10.0.0.7");
	fake_run(fake, 100);
	ok(true, "a claim of what nobody has any more does no harm");
	fake_free(fake);
}

static void test_router_storm(void)
{
	struct fake *fake = fake_new();
	const struct mac mac = fake_mac(7);
	unsigned int i;

	fake->router = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	for (i = 0; i < 200; i++)
		fake_advertise(fake);
	fake_run(fake, 0);
	ok(fake->gw->told > 4 && fake->gw->advertise_at != NEVER,
	   "not every advertisement of a storm is told to all devices");
	fake->prefix = "2001:db8:9::";
	fake_advertise(fake);
	fake_run(fake, 0);
	is_int(doppel_gateway_find(fake->gw, &mac)->slaac.count, 1, "nor is what it ends with, at once");
	fake_run(fake, 1000);
	is_int(doppel_gateway_find(fake->gw, &mac)->slaac.count, 2, "but within a second");
	fake_free(fake);
}

/* What left, and when: byte 0 of a frame says whose it is. */
struct departures {
	struct fake *fake;
	int64_t at[4096];
	uint8_t who[4096];
	unsigned int count;
};

static void depart(void *ctx, const void *frame, size_t len)
{
	struct departures *left = ctx;

	(void)len;
	left->at[left->count] = left->fake->now;
	left->who[left->count++ % 4096] = *(const uint8_t *)frame;
}

/* The most that left within any second. */
static unsigned int busiest_second(const struct departures *left)
{
	unsigned int i, from = 0, most = 0;

	for (i = 0; i < left->count; i++) {
		while (left->at[i] - left->at[from] >= 1000)
			from++;
		if (i - from + 1 > most)
			most = i - from + 1;
	}
	return most;
}

static void let_go(struct fake *fake, struct pace *pace, unsigned int late_ms)
{
	while (doppel_pace_deadline(pace) != INT64_MAX) {
		if (doppel_pace_deadline(pace) > fake->now)
			fake->now = doppel_pace_deadline(pace) + late_ms;
		doppel_pace_timeout(pace);
	}
}

static void test_pace(void)
{
	struct departures *left = calloc(1, sizeof(*left));
	struct fake *fake = fake_new();
	struct pace_source sources[100];
	unsigned int i, lost;
	struct pace pace;

	left->fake = fake;
	for (i = 0; i < 100; i++)
		doppel_pace_source_init(&sources[i]);
	doppel_pace_init(&pace, &fake->clock, 200, depart, left);
	is_int(doppel_pace_deadline(&pace), INT64_MAX, "an empty line waits for nothing");
	for (i = 0; i < 1000; i++)
		doppel_pace_send(&pace, &sources[i % 100], PACE_URGENT, "frame", 5);
	is_int(left->count, 20, "a tenth of the rate goes at once");
	is_int(pace.queued, 980, "the rest waits");
	let_go(fake, &pace, 0);
	is_int(left->count, 1000, "all go in the end");
	ok(busiest_second(left) <= 200 && busiest_second(left) > 180,
	   "never more than the rate in any second: %u", busiest_second(left));
	fake->now += 60000;
	left->count = 0;
	for (i = 0; i < 500; i++)
		doppel_pace_send(&pace, &sources[i % 100], PACE_URGENT, "frame", 5);
	let_go(fake, &pace, 37);
	ok(busiest_second(left) <= 200, "nor if the loop comes late: %u", busiest_second(left));

	doppel_pace_set_rate(&pace, 10);
	fake->now += 60000;
	left->count = 0;
	for (i = 0; i < 50; i++)
		doppel_pace_send(&pace, &sources[0], PACE_URGENT, "0", 1);
	lost = 50 - 1 - PACE_LINE;
	is_int(pace.queued, PACE_LINE, "the line of one device has an end");
	is_int(pace.lost, lost, "beyond which its oldest are lost");
	doppel_pace_send(&pace, &sources[1], PACE_BEGINNING, "p", 1);
	doppel_pace_send(&pace, &sources[1], PACE_URGENT, "1", 1);
	let_go(fake, &pace, 0);
	ok(left->who[0] == '0' && left->who[1] == '0' && left->who[2] == '1',
	   "another device has its turn before the rest of them");
	is_int(left->who[left->count - 1], 'p', "what begins something new comes last");

	left->count = 0;
	for (i = 0; i < 5; i++)
		doppel_pace_send(&pace, &sources[i], PACE_URGENT, "0123456" + i, 1);
	doppel_pace_flush(&pace, &sources[4]);
	ok(left->count && left->who[left->count - 1] == '4', "what cannot wait goes at once");
	doppel_pace_forget(&pace, &sources[3]);
	let_go(fake, &pace, 0);
	ok(!memchr(left->who, '3', left->count), "what is forgotten does not");
	for (i = 0; i < 5; i++)
		doppel_pace_send(&pace, &sources[i], PACE_BEGINNING, "frame", 5);
	doppel_pace_clear(&pace);
	is_int(pace.queued, 0, "nothing is left when the link is gone");
	is_int(doppel_pace_deadline(&pace), INT64_MAX, "nor waited for");
	free(left);
	fake_free(fake);
}

/* An Ethernet frame of this source, of DHCPv4 or DHCPv6. */
static void ask(struct pace *pace, struct pace_source *source, uint8_t who, bool ipv6)
{
	uint8_t frame[60] = { who, [12] = ipv6 ? 0x86 : 0x08, [13] = ipv6 ? 0xdd : 0 };

	doppel_pace_send(pace, source, PACE_BEGINNING, frame, sizeof(frame));
}

static void test_window(void)
{
	struct departures *left = calloc(1, sizeof(*left));
	struct fake *fake = fake_new();
	struct pace_source sources[200];
	unsigned int i, before;
	struct pace pace;

	left->fake = fake;
	doppel_pace_init(&pace, &fake->clock, PACE_RATE_MAX, depart, left);
	for (i = 0; i < 200; i++) {
		doppel_pace_source_init(&sources[i]);
		ask(&pace, &sources[i], (uint8_t)i, false);
	}
	is_int(left->count, PACE_WINDOW, "so many ask at once, though the cap would let more");
	ok(!doppel_pace_open(&pace), "nothing else should begin");
	for (i = 0; i < 200; i++)
		ask(&pace, &sources[i], (uint8_t)i, false);
	is_int(pace.queued, 200 - PACE_WINDOW + PACE_WINDOW, "a repetition takes the place of what waits");
	doppel_pace_send(&pace, &sources[0], PACE_URGENT, "frame", 5);
	is_int(left->count, PACE_WINDOW + 1, "what is urgent goes");
	doppel_pace_send(&pace, &sources[0], PACE_ASKING, "frame", 5);
	is_int(left->count, PACE_WINDOW + 2, "and what has begun");
	before = left->count;
	for (i = 0; i < 11; i++)
		doppel_pace_answered(&pace);
	doppel_pace_timeout(&pace);
	is_int(left->count - before, 10, "an answer lets the next one ask");
	before = left->count;
	for (i = 0; i < 10; i++) {
		fake->now += 100;
		doppel_pace_timeout(&pace);
	}
	is_int(left->count - before, PACE_WINDOW, "so does time, where nobody answers");
	let_go(fake, &pace, 0);
	is_int(pace.queued, 0, "nothing waits for ever");
	ask(&pace, &sources[0], 0, false);
	for (i = 0; i < 2 * PACE_WINDOW; i++)
		doppel_pace_send(&pace, &sources[i % 200], PACE_ASKING, "frame", 5);
	ask(&pace, &sources[1], 1, false);
	ask(&pace, &sources[1], 1, true);
	is_int(sources[1].lines[PACE_BEGINNING].count, 2, "DHCPv4 does not stand for DHCPv6");
	doppel_pace_clear(&pace);
	free(left);
	fake_free(fake);
}

static void test_turns(void)
{
	struct fake *fake = fake_new();
	unsigned int i, early = 0;
	int64_t turn = 0;

	/* Of IPv4 alone each takes seven frames: at 9 a second that is 0.8 s. */
	fake_start(fake, "  wan: {interface: wan0, ipv6: off, rate: 10}\n");
	for (i = 1; i <= 40; i++) {
		char ipv4[20];

		snprintf(ipv4, sizeof(ipv4), "192.168.1.%u", i + 1);
		fake_seen(fake, (uint8_t)i, ipv4);
	}
	fake_run(fake, 5000);
	ok(fake->discovers >= 4 && fake->discovers <= 8, "one after the other they begin: %u in 5 s",
	   fake->discovers);
	is_int(fake_view(fake, 40).view.ipv4.status, FAMILY_SOLICITING, "the last one waits");
	ok(strstr(fake_view(fake, 40).reason4, "its turn"), "and says why: %s",
	   fake_view(fake, 40).reason4);
	turn = fake_view(fake, 40).view.ipv4.next_retry - fake_wall(&fake->clock);
	ok(turn > 20 && turn < 35, "and when: in %lld s", (long long)turn);
	fake_run(fake, 45000);
	for (i = 1; i <= 40; i++)
		early += fake_view(fake, (uint8_t)i).view.ipv4.status == FAMILY_BOUND;
	is_int(early, 40, "all are bound in the end");
	is_int(fake->discovers, 40, "and no DISCOVER was sent twice");
	ok(fake->gw->pace.lost == 0, "nor any frame lost in the line");
	fake_free(fake);
}

/* The RELEASE leaves before the module forgets the MAC, whatever waits at the cap. */
static void test_release(void)
{
	struct fake *fake = fake_new();
	const struct mac mac = fake_mac(7);
	unsigned int i;

	fake_start(fake, "  wan: {interface: wan0, ipv6: off, rate: 10}\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	for (i = 20; i < 40; i++) {
		char ipv4[20];

		snprintf(ipv4, sizeof(ipv4), "192.168.1.%u", i);
		fake_seen(fake, (uint8_t)i, ipv4);
	}
	fake_run(fake, 1500);
	is_int(fake->releases, 0, "nothing was released");
	doppel_gateway_forget(fake->gw, &mac);
	fake_run(fake, 30000);
	is_int(fake->releases, 1, "what is forgotten is released");
	is_int(fake->foreign, 0, "in the name of a MAC that the module still had");
	fake_free(fake);
}

static void test_lan_dhcp(void)
{
	struct fake *fake = fake_new();
	struct config *config = fake_config(fake, FAKE_PLAIN);
	const struct in_addr dns[] = { fake_ip4("10.1.2.1"), fake_ip4("10.1.2.2") };
	const struct in_addr other[] = { fake_ip4("10.9.9.9"), fake_ip4("10.1.2.1") };
	struct buf auto_buf before = { 0 }, after = { 0 }, only6 = { 0 };
	struct lan_dhcp dhcp;

	config->lan.dhcp.first = fake_ip4("192.168.1.100");
	config->lan.dhcp.last = fake_ip4("192.168.1.249");
	config->lan.dhcp.lease_s = 43200;
	doppel_lan_dhcp_init(&dhcp, EV_DEFAULT, "/run/doppel", "/var/lib/doppel/doppel.db");
	doppel_lan_dhcp_render(&dhcp, config, &before);
	ok(strstr(before.data, "\ninterface=lan0\n"), "dnsmasq serves the LAN port");
	ok(strstr(before.data, "\nbind-interfaces\n"), "and only that");
	ok(strstr(before.data, "\nport=0\n"), "without DNS of its own");
	ok(strstr(before.data, "dhcp-leasefile=/var/lib/doppel/lan.leases\n"), "leases by the state");
	ok(strstr(before.data, "dhcp-range=192.168.1.100,192.168.1.249,255.255.255.0,120\n"),
	   "short leases while no name server is known");
	ok(doppel_lan_dhcp_set_dns(&dhcp, dns, 2), "a WAN lease names some");
	ok(!doppel_lan_dhcp_set_dns(&dhcp, other, 2), "another order is no change");
	ok(doppel_lan_dhcp_set_dns(&dhcp, other, 1), "another list is one");
	doppel_lan_dhcp_set_dns(&dhcp, dns, 2);
	doppel_lan_dhcp_render(&dhcp, config, &after);
	ok(strstr(after.data, "dhcp-option=option:dns-server,10.1.2.1,10.1.2.2\n"), "devices get them");
	ok(strstr(after.data, "255.255.255.0,43200\n"), "and leases as long as the file says");
	config->wan.ipv4 = false;
	dhcp.dns_count = 0;
	doppel_lan_dhcp_render(&dhcp, config, &only6);
	ok(strstr(only6.data, "255.255.255.0,120\n"), "short ones, too, where only IPv6 can name some");
	doppel_config_free(config);
	fake_free(fake);
}

/* A resolver of the site's on the box does not end the LAN's DHCP. */
static void test_lan_dns_taken(void)
{
	static const char server[LAN_DNS_MAX][LAN_SERVER_TEXT] = { "192.0.0.2" };
	struct fake *fake = fake_new();
	struct config *config = fake_config(fake, FAKE_PLAIN);
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	char path[128], text[1024] = "";
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct lan_dhcp dhcp;
	FILE *file;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, len) ||
	    getsockname(fd, (struct sockaddr *)&address, &len))
		abort();
	/* No dnsmasq there: what it would read is enough. */
	setenv("PATH", fake->run_dir, 1);
	config->lan.dhcp.on = true;
	config->lan.address = address.sin_addr;
	doppel_lan_dhcp_init(&dhcp, EV_DEFAULT, fake->run_dir, fake->state);
	dhcp.dns_port = ntohs(address.sin_port);
	doppel_lan_dhcp_set_fallback(&dhcp, server, 1, true);
	doppel_lan_dhcp_apply(&dhcp, config);
	snprintf(path, sizeof(path), "%s/lan-dhcp.conf", fake->run_dir);
	file = fopen(path, "re");
	if (!file || !fread(text, 1, sizeof(text) - 1, file))
		abort();
	fclose(file);
	ok(dhcp.dns_taken && strstr(text, "\nport=0\nserver=192.0.0.2\n"),
	   "where somebody else has the port of DNS, dnsmasq leaves it alone");
	ok(strstr(text, "\ndhcp-option=option:dns-server,127.0.0.1\n"), "and devices ask whoever it is");
	doppel_lan_dhcp_stop(&dhcp);
	close(fd);
	doppel_lan_dhcp_apply(&dhcp, config);
	ok(!dhcp.dns_taken, "a port that is free is taken");
	doppel_lan_dhcp_stop(&dhcp);
	unlink(path);
	doppel_config_free(config);
	fake_free(fake);
}

static void on_term(int sig)
{
	(void)sig;
}

/* A script in dnsmasq's place. */
static void fake_dnsmasq(const struct fake *fake, const char *script)
{
	char program[128];
	FILE *written;

	snprintf(program, sizeof(program), "%s/dnsmasq", fake->run_dir);
	written = fopen(program, "we");
	if (!written || fputs(script, written) < 0 || fclose(written) || chmod(program, 0700))
		abort();
	setenv("PATH", fake->run_dir, 1);
}

static void remove_file(const struct fake *fake, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fake->run_dir, name);
	unlink(path);
}

/* A dnsmasq that is ended the moment it was started is ended: nobody waits for it in vain. */
static void test_lan_dhcp_at_once(void)
{
	struct fake *fake = fake_new();
	struct config *config = fake_config(fake, FAKE_PLAIN);
	struct lan_dhcp dhcp;
	int i;

	fake_dnsmasq(fake, "#!/bin/sh\nexec /bin/sleep 60\n");
	config->lan.dhcp.on = true;
	doppel_lan_dhcp_init(&dhcp, EV_DEFAULT, fake->run_dir, fake->state);
	signal(SIGTERM, on_term);		/* as libev has it in the agent */
	alarm(20);
	for (i = 0; i < 20; i++) {
		doppel_lan_dhcp_apply(&dhcp, config);
		doppel_lan_dhcp_stop(&dhcp);
	}
	alarm(0);
	signal(SIGTERM, SIG_DFL);
	ok(!doppel_lan_dhcp_running(&dhcp), "dnsmasq can be ended as soon as it was started");
	remove_file(fake, "dnsmasq");
	remove_file(fake, "lan-dhcp.conf");
	doppel_config_free(config);
	fake_free(fake);
}

/* How many have started by now; the first one's PID. */
static int started(const struct fake *fake, pid_t *first)
{
	char path[128];
	FILE *file;
	int pid, count = 0;

	snprintf(path, sizeof(path), "%s/started", fake->run_dir);
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &pid) == 1)
		if (!count++)
			*first = pid;
	if (file)
		fclose(file);
	return count;
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

/* The event loop, until so many have started; 10 s at most. */
static void wait_started(const struct fake *fake, int count, pid_t *first)
{
	ev_timer timer;
	int i;

	for (i = 0; i < 200 && started(fake, first) < count; i++) {
		ev_timer_init(&timer, on_time, 0.05, 0);
		ev_timer_start(EV_DEFAULT, &timer);
		ev_run(EV_DEFAULT, 0);
	}
}

/* One that does not end when it is asked to holds up nobody, and is made to. */
static void test_lan_dhcp_stubborn(void)
{
	const struct in_addr dns = fake_ip4("10.1.2.1");
	struct fake *fake = fake_new();
	struct config *config = fake_config(fake, FAKE_PLAIN);
	struct lan_dhcp dhcp;
	ev_tstamp began;
	pid_t first = 0;

	fake_dnsmasq(fake, "#!/bin/sh\n[ -e \"$PATH/started\" ] || trap '' TERM\n"
		     "echo $$ >>\"$PATH/started\"\nexec /bin/sleep 60\n");
	config->lan.dhcp.on = true;
	doppel_lan_dhcp_init(&dhcp, EV_DEFAULT, fake->run_dir, fake->state);
	doppel_lan_dhcp_apply(&dhcp, config);
	wait_started(fake, 1, &first);
	began = ev_time();
	doppel_lan_dhcp_set_dns(&dhcp, &dns, 1);
	doppel_lan_dhcp_apply(&dhcp, config);
	ok(ev_time() - began < 1, "nobody waits for a dnsmasq that is to end");
	is_int(kill(first, 0), 0, "it is still there");
	wait_started(fake, 2, &first);
	is_int(started(fake, &first), 2, "the next one starts");
	is_int(kill(first, 0), -1, "when it is gone");
	doppel_lan_dhcp_stop(&dhcp);
	remove_file(fake, "dnsmasq");
	remove_file(fake, "started");
	remove_file(fake, "lan-dhcp.conf");
	doppel_config_free(config);
	fake_free(fake);
}

int main(void)
{
	doppel_log_set_level(LOG_ERR);
	test_life();
	test_restart();
	test_differences();
	test_silence();
	test_lan_addresses();
	test_admission();
	test_forwards();
	test_unregistered();
	test_kinds_of_wan();
	test_link();
	test_whose_address();
	test_router_storm();
	test_pace();
	test_window();
	test_turns();
	test_release();
	test_lan_dhcp();
	test_lan_dns_taken();
	test_lan_dhcp_at_once();
	test_lan_dhcp_stubborn();
	return done_testing();
}
