// SPDX-License-Identifier: GPL-2.0-only
/* Each broken upstream in a sentence, and nothing to say of one that works. */
#include "gateway_fake.h"

#include <net/if_arp.h>

#include "base/log.h"
#include "gateway/device.h"

#define MINUTES 60000LL

struct search {
	const char *name;
	bool found;
	enum check_result result;
	char text[512];
	bool fix;
	unsigned int wrong;	/* of all */
};

static int look(const struct check_view *check, void *ctx)
{
	struct search *search = ctx;

	search->wrong += check->result != CHECK_OK;
	/* What is wrong comes with what to do, and nothing else does. */
	if ((check->result == CHECK_OK) != !*check->fix)
		abort();
	if (strcmp(check->name, search->name) || search->found)
		return 0;
	search->found = true;
	search->result = check->result;
	search->fix = *check->fix;
	snprintf(search->text, sizeof(search->text), "%s", check->text);
	return 0;
}

static struct search diagnose(struct fake *fake, const char *name)
{
	struct search search = { .name = name };

	doppel_gateway_diagnose(fake->gw, look, &search);
	return search;
}

static void says(struct fake *fake, const char *name, enum check_result result, const char *text)
{
	struct search search = diagnose(fake, name);

	is_int(search.found ? (int)search.result : -1, result, "%s is found", name);
	ok(strstr(search.text, text), "  and says \"%s\"", text);
	if (!strstr(search.text, text))
		diag("got %s", search.text);
}

static void silent(struct fake *fake, const char *name)
{
	ok(!diagnose(fake, name).found, "nothing is said of %s", name);
}

static struct fake *begin(const char *more)
{
	struct fake *fake = fake_new();

	fake->router = true;
	fake_start(fake, more);
	return fake;
}

static void seen(struct fake *fake, int64_t ms)
{
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, ms);
}

static void test_well(void)
{
	struct fake *fake = begin(FAKE_DUAL);

	seen(fake, MINUTES);
	/* The fake names no name server. */
	is_int(diagnose(fake, "").wrong, diagnose(fake, "name-servers").result != CHECK_OK,
	       "all is well");
	says(fake, "wan-dhcp", CHECK_OK, "2 of 2 devices have WAN IPv4");
	says(fake, "state-file", CHECK_OK, "can be written");
	fake_free(fake);
}

static void test_dhcp4(void)
{
	struct fake *fake = begin(FAKE_PLAIN);

	fake->dhcp_server = false;
	seen(fake, MINUTES);
	says(fake, "dhcp4-silent", CHECK_FAIL,
	     "no DHCPv4 server answers 2 devices (02:00:00:00:00:07 is one)");
	fake->dhcp_server = true;
	fake->unregistered = 8;
	fake_run(fake, 10 * MINUTES);
	says(fake, "dhcp4-silent", CHECK_FAIL,
	     "a DHCPv4 server has answered others, but not 02:00:00:00:00:08");
	fake->unregistered = 0;
	fake_run(fake, 10 * MINUTES);
	silent(fake, "dhcp4-silent");
	fake_free(fake);

	fake = begin(FAKE_PLAIN);
	fake->dhcp_no_ack = true;
	seen(fake, MINUTES);
	says(fake, "dhcp4-no-ack", CHECK_FAIL, "acknowledges none to 2 devices");
	silent(fake, "dhcp4-silent");
	fake_free(fake);

	fake = begin(FAKE_PLAIN);
	fake->dhcp_naks = true;
	seen(fake, MINUTES);
	says(fake, "dhcp4-refused", CHECK_FAIL, "refused by the DHCPv4 server 10.0.0.254");
	fake_free(fake);
}

static void test_renewal(void)
{
	struct fake *fake = begin(FAKE_PLAIN);

	seen(fake, MINUTES);
	silent(fake, "dhcp4-renewal");
	fake->dhcp_server = false;
	fake_run(fake, 55 * MINUTES);
	says(fake, "dhcp4-renewal", CHECK_FAIL, "no DHCPv4 server renews the lease of 2 devices");
	fake_free(fake);
}

static void test_servers(void)
{
	struct fake *fake = begin(FAKE_PLAIN);

	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, MINUTES);
	silent(fake, "dhcp4-servers");
	fake->net = 1;
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, MINUTES);
	says(fake, "dhcp4-servers", CHECK_WARN, "2 DHCPv4 servers answer: 10.0.0.254 (from ");
	fake_free(fake);
}

static void arp(struct fake *fake, const struct mac *from, const char *sender, const char *target)
{
	const struct arp arp = {
		.operation = ARPOP_REPLY,
		.sender_mac = *from,
		.target_mac = fake_mac(7),
		.sender = fake_ip4(sender),
		.target = fake_ip4(target),
	};
	uint8_t frame[FRAME_MAX];

	fake_deliver(fake, frame, doppel_frame_arp(frame, &doppel_mac_broadcast, from, &arp));
}

static void test_conflict(void)
{
	struct fake *fake = begin(FAKE_PLAIN);
	const struct mac rival = { { 2, 0xbb, 0, 0, 0, 1 } };

	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, MINUTES);
	arp(fake, &rival, "10.0.0.7", "10.0.0.7");
	fake_run(fake, 1000);
	arp(fake, &rival, "10.0.0.7", "10.0.0.7");
	fake_run(fake, 1000);
	says(fake, "dhcp4-conflict", CHECK_FAIL, "10.0.0.7 is in use by 02:bb:00:00:00:01");
	fake_run(fake, 10 * MINUTES);
	silent(fake, "dhcp4-conflict");
	fake_free(fake);
}

/* To try again mends nothing yet. */
static void test_conflict6(void)
{
	struct fake *fake = begin(FAKE_DUAL);
	const struct mac mac = fake_mac(7);
	struct device *device;

	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, MINUTES);
	device = doppel_gateway_find(fake->gw, &mac);
	device->slaac.addresses[0].state = SLAAC_DUPLICATE;
	device->slaac.addresses[0].given_up = true;
	says(fake, "ipv6-conflict", CHECK_FAIL, "has the IPv6 address of 02:00:00:00:00:07");
	doppel_device_retry(device);
	is_int(device->slaac.addresses[0].state, SLAAC_TENTATIVE, "it is tried again");
	says(fake, "ipv6-conflict", CHECK_FAIL, "has the IPv6 address of 02:00:00:00:00:07");
	fake_run(fake, MINUTES);
	silent(fake, "ipv6-conflict");
	fake_free(fake);
}

static void test_one_switch(void)
{
	struct fake *fake = begin(FAKE_PLAIN);
	const struct mac own = fake_mac(7);

	seen(fake, MINUTES);
	arp(fake, &own, "10.0.0.7", "10.0.0.254");
	fake_run(fake, 1000);
	silent(fake, "one-switch");
	arp(fake, &own, "192.168.1.7", "192.168.1.1");
	fake_run(fake, 1000);
	says(fake, "one-switch", CHECK_FAIL, "02:00:00:00:00:07, which is on the LAN, was heard on the WAN");
	fake_run(fake, 30 * MINUTES);
	silent(fake, "one-switch");
	fake_free(fake);
}

static void test_router(void)
{
	struct fake *fake = begin(FAKE_DUAL);

	fake->router = false;
	seen(fake, MINUTES);
	says(fake, "wan-router6", CHECK_WARN, "no IPv6 router advertises");
	fake->dhcp_server = false;
	fake_run(fake, 3 * 60 * MINUTES);
	says(fake, "wan-router6", CHECK_FAIL, "no IPv6 router advertises");
	fake_free(fake);

	fake = begin(FAKE_DUAL);
	fake->ra_no_prefix = true;
	seen(fake, MINUTES);
	says(fake, "router6-prefix", CHECK_FAIL, "no prefix with A, and no M");
	fake->ra_flags = ND_RA_FLAG_MANAGED;
	fake_advertise(fake);
	fake_run(fake, MINUTES);
	silent(fake, "router6-prefix");
	says(fake, "dhcp6-silent", CHECK_FAIL, "addresses come by DHCPv6 (M), and no server answers 2");
	fake_free(fake);

	fake = begin(FAKE_DUAL);
	seen(fake, MINUTES);
	silent(fake, "router6-prefix");
	fake->gw->routers.ra[0].prefixes[0].len = 56;
	says(fake, "router6-prefix", CHECK_FAIL, "of the prefix 2001:db8::/56: SLAAC takes a /64");
	fake_free(fake);

	fake = begin(FAKE_DUAL);
	fake->ra_flags = ND_RA_FLAG_OTHER;
	seen(fake, 5 * MINUTES);
	says(fake, "dhcp6-silent", CHECK_WARN, "more to know by DHCPv6 (O), and no server answers 2");
	fake_free(fake);

	fake = begin(FAKE_DUAL);
	fake->unregistered = 8;
	seen(fake, MINUTES);
	says(fake, "router6-unreached", CHECK_FAIL, "does not answer 02:00:00:00:00:08");
	fake_free(fake);
}

static void test_routers(void)
{
	struct fake *fake = begin(FAKE_DUAL);
	const struct mac first = fake->router_mac;

	fake->pref64 = "64:ff9b::";
	fake->pref64_s = 1800;
	seen(fake, MINUTES);
	silent(fake, "router6-several");
	silent(fake, "pref64");
	fake->router_mac.b[5]++;
	fake->pref64 = "2001:db8:64::";
	fake_advertise(fake);
	fake_run(fake, 1000);
	says(fake, "router6-several", CHECK_WARN, "2 IPv6 routers advertise: fe80::");
	says(fake, "pref64", CHECK_WARN, "64:ff9b::/96 and 2001:db8:64::/96");
	fake->router_mac = first;
	fake_free(fake);
}

static void test_limits(void)
{
	struct fake *fake = begin(FAKE_PLAIN "  devices: {max: 1}\n");

	seen(fake, MINUTES);
	says(fake, "devices", CHECK_FAIL, "as many as devices.max allows, and 1 times one was not let in");
	fake_free(fake);

	fake = begin(FAKE_PLAIN "  devices: {admit: listed, list: [{mac: 02:00:00:00:00:07}]}\n");
	seen(fake, MINUTES);
	says(fake, "devices", CHECK_WARN, "one was not let in that is not listed");
	fake_free(fake);

	fake = begin(FAKE_PLAIN);
	fake->gw->pace.lost = 5;
	fake->gw->pace.lost_ms = fake->now;
	says(fake, "rate-cap", CHECK_WARN, "5 did not find room");
	fake_run(fake, 11 * MINUTES);
	says(fake, "rate-cap", CHECK_OK, "wait for the rate cap");
	says(fake, "devices", CHECK_WARN, "no device is known");
	says(fake, "clock", CHECK_OK, "the clock is at 2023");
	fake->wall_shift = -1700000000;
	says(fake, "clock", CHECK_WARN, "the clock was never set: it is at 1970");
	fake_free(fake);
}

static void test_ports(void)
{
	struct fake *fake = begin(FAKE_PLAIN);

	seen(fake, MINUTES);
	fake->lan_address = false;
	says(fake, "lan-address", CHECK_FAIL, "lan0 lacks 192.168.1.1/24");
	fake->lan.up = false;
	doppel_gateway_repair(fake->gw);
	ok(fake->lan_address && fake->lan.up, "a repair puts the address back, and the port up");
	says(fake, "lan-address", CHECK_OK, "lan0 has 192.168.1.1/24");
	fake->loaded = false;
	fake_module_event(fake, MODULE_EVENT_WENT);
	says(fake, "module", CHECK_FAIL, "not loaded");
	says(fake, "gateway", CHECK_FAIL, "was unloaded");
	fake->loaded = true;
	fake->set = false;
	fake->device_count = fake->forward_count = 0;
	doppel_gateway_repair(fake->gw);
	says(fake, "gateway", CHECK_OK, "is set");
	is_int(fake->device_count, 2, "a repair fills a module that came back");
	fake_free(fake);
}

int main(void)
{
	doppel_log_set_level(LOG_ERR - 1);
	test_well();
	test_dhcp4();
	test_renewal();
	test_servers();
	test_conflict();
	test_conflict6();
	test_one_switch();
	test_router();
	test_routers();
	test_limits();
	test_ports();
	return done_testing();
}
