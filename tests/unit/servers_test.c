// SPDX-License-Identifier: GPL-2.0-only
/* A second DHCP server that answers faster: new devices wait for the one that the others have leases of. */
#include "gateway_fake.h"

#include "base/log.h"
#include "gateway/device.h"

#define QUICK \
	"  dhcp4: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n" \
	"  dhcp6: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n"

static void lan(struct fake *fake, uint8_t last)
{
	char address[16];

	snprintf(address, sizeof(address), "192.168.1.%u", last);
	fake_seen(fake, last, address);
}

static const char *lease4(struct fake *fake, uint8_t last)
{
	static char text[DOPPEL_IP4_TEXT];

	return doppel_ip4_format(fake_view(fake, last).view.wan_ipv4, text);
}

/* The network that its DHCPv6 lease is of; -1: it has none. */
static int net6(struct fake *fake, uint8_t last)
{
	const struct mac mac = fake_mac(last);
	const struct dhcp6_lease *lease =
		doppel_dhcp6_lease(&doppel_gateway_find(fake->gw, &mac)->dhcp6);

	return lease ? lease->addresses[0].address.s6_addr[5] : -1;
}

static char said[512];

static int note_servers(const struct check_view *check, void *name)
{
	if (!strcmp(check->name, name))
		snprintf(said, sizeof(said), "%s", check->text);
	return 0;
}

static const char *diagnosed(struct fake *fake, const char *name)
{
	said[0] = '\0';
	doppel_gateway_diagnose(fake->gw, note_servers, (void *)name);
	return said;
}

static void test_first(void)
{
	struct fake *fake = fake_new();

	fake->rogue = true;
	fake_start(fake, FAKE_PLAIN);
	lan(fake, 7);
	fake_run(fake, 2000);
	is_int(fake->requests, 1, "where nobody has a lease the first offer is taken at once");
	fake_run(fake, 20000);
	is_str(lease4(fake, 7), "10.66.0.7", "whoever's it is");
	fake_free(fake);
}

static void test_rogue4(void)
{
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_PLAIN);
	lan(fake, 7);
	fake_run(fake, 20000);
	fake->rogue = true;
	lan(fake, 8);
	fake_run(fake, 20000);
	is_str(lease4(fake, 8), "10.0.0.8", "a new device waits for the server of the others");
	is_str(diagnosed(fake, "dhcp4-servers"),
	       "2 DHCPv4 servers answer: 10.0.0.254 (from 02:ee:00:00:00:01), 10.66.0.254 (from "
	       "02:ee:00:00:00:66); new devices wait for 10.0.0.254", "and the second one is told of");

	fake->dhcp_server = false;
	lan(fake, 9);
	fake_run(fake, 12000);
	is_str(lease4(fake, 9), "10.66.0.9", "but not for ever: it may be lost");
	fake->dhcp_server = true;
	lan(fake, 10);
	fake_run(fake, 20000);
	is_str(lease4(fake, 10), "10.0.0.10", "while leases of it are in use it is waited for first");
	fake_run(fake, KEEP_MS);

	fake_stop(fake);
	fake->set = false;
	fake->device_count = fake->forward_count = 0;
	fake_start(fake, FAKE_PLAIN);
	ok(fake->gw->known4.len && !fake->gw->known4.id[1], "after a reboot most leases of the store count");
	fake->dhcp_server = false;
	fake_run(fake, 8000);
	is_str(lease4(fake, 9), "10.66.0.9", "one of the other server's is had again first");
	ok(!fake->gw->known4.id[1], "which changes nothing while the others ask about theirs");
	fake->dhcp_server = true;
	lan(fake, 11);
	fake_run(fake, 20000);
	is_str(lease4(fake, 11), "10.0.0.11", "for a new device, too");

	fake->dhcp_server = false;
	fake_run(fake, 4000000);
	is_str(lease4(fake, 7), "10.66.0.7", "when the first is lost and its leases have run out");
	fake->discovers = 0;
	lan(fake, 12);
	fake_run(fake, 3000);
	is_int(fake->discovers, 1, "the second one is the known one");
	fake_run(fake, 20000);
	is_str(lease4(fake, 12), "10.66.0.12", "and not waited for");
	fake_free(fake);
}

static void test_rogue6(void)
{
	struct fake *fake = fake_new();

	fake->router = fake->dhcp6_server = true;
	fake->ra_flags = ND_RA_FLAG_MANAGED;
	fake->dhcp6_net = 1;
	fake_start(fake, FAKE_DUAL QUICK);
	lan(fake, 7);
	fake_run(fake, 20000);
	is_int(net6(fake, 7), 1, "a DHCPv6 lease");
	fake->rogue = true;
	lan(fake, 8);
	fake_run(fake, 20000);
	is_int(net6(fake, 8), 1, "a new device waits for the server of the others");
	is_str(diagnosed(fake, "dhcp6-servers"),
	       "2 DHCPv6 servers answer: fe80::ee:ff:fe00:1 (from 02:ee:00:00:00:01), fe80::ee:ff:fe00:66 "
	       "(from 02:ee:00:00:00:66); new devices wait for fe80::ee:ff:fe00:1",
	       "and the second one is told of");
	fake->dhcp6_server = false;
	lan(fake, 9);
	fake_run(fake, 12000);
	is_int(net6(fake, 9), FAKE_ROGUE_NET, "but not for ever");
	fake->dhcp6_server = true;
	lan(fake, 10);
	fake_run(fake, 20000);
	is_int(net6(fake, 10), 1, "while leases of it are in use it is waited for first");
	fake_free(fake);
}

int main(void)
{
	doppel_log_set_level(LOG_ERR);
	test_first();
	test_rogue4();
	test_rogue6();
	return done_testing();
}
