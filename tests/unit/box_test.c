// SPDX-License-Identifier: GPL-2.0-only
/* What the box itself has of the WAN: lent identity, NAT64 prefix, mappings, name servers. */
#include "gateway_fake.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/device.h"
#include "gateway/dns_message.h"

#define FAKE_SIX "  wan: {interface: wan0, ipv4: off}\n"

static void lends(const struct fake *fake, uint8_t last, const char *what)
{
	const struct mac mac = last ? fake_mac(last) : (struct mac){ 0 };

	ok(doppel_mac_eq(&fake->gateway.lender, &mac), "%s: lender is %u", what, last);
}

static void reload(struct fake *fake, const char *more)
{
	struct config *config = fake_config(fake, more), *before = fake->config;
	struct doppel_error error = { .count = 0 };

	is_int(doppel_gateway_reload(fake->gw, config, &error), 0, "reloaded");
	doppel_config_free(before);
	fake->config = config;
	fake_run(fake, 1000);
}

/* A server knows a client by its identifier: with another one it is another client. */
static void test_client_id(void)
{
	struct fake *fake = fake_new();
	const struct mac mac = fake_mac(7);
	const struct device *device;

	fake_start(fake, FAKE_PLAIN);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	device = doppel_gateway_find(fake->gw, &mac);
	fake->discovers = 0;
	reload(fake, FAKE_PLAIN "  dhcp4: {client_id: duid}\n");
	ok(device->dhcp4.config.client_id_duid, "client_id is taken over without a restart");
	is_int(fake->releases, 1, "the lease of the old one goes back");
	fake_run(fake, 20000);
	ok(fake->discovers && fake_view(fake, 7).view.wan_ipv4.s_addr, "and one of the new one's is had");
	reload(fake, FAKE_PLAIN "  dhcp4: {client_id: duid}\n");
	is_int(fake->releases, 1, "the same file changes nothing");
	fake_free(fake);
}

static void wan_link(struct fake *fake, bool up, uint32_t mtu)
{
	struct port_event event = { .kind = PORT_EVENT_LINK, .ifindex = fake->wan.ifindex };

	fake->wan.up = fake->wan.running = up;
	fake->wan.mtu = mtu;
	event.link = fake->wan;
	doppel_ports_event(&event, fake->gw);
	fake_run(fake, 1000);
}

/* Text of a file in the run directory; the caller frees it. */
static char *run_file(const struct fake *fake, const char *name)
{
	char path[128], *text = calloc(1, 1024);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", fake->run_dir, name);
	file = fopen(path, "re");
	if (!text || (file && !fread(text, 1, 1023, file)))
		abort();
	if (file)
		fclose(file);
	return text;
}

static void resolv_is(const struct fake *fake, const char *servers, const char *what)
{
	char auto_free *text = run_file(fake, "resolv.conf");
	const char *list = strchr(text, '\n');

	is_str(list ? list + 1 : "no file", servers, "%s", what);
}

struct wanted_check {
	const char *name;
	enum check_result result;
	char text[256];
};

static int find_check(const struct check_view *check, void *ctx)
{
	struct wanted_check *wanted = ctx;

	if (strcmp(check->name, wanted->name))
		return 0;
	wanted->result = check->result;
	snprintf(wanted->text, sizeof(wanted->text), "%s", check->text);
	return 1;
}

static void checked(struct fake *fake, const char *name, enum check_result result,
		    const char *part)
{
	struct wanted_check wanted = { .name = name, .text = "no such check" };

	doppel_gateway_diagnose(fake->gw, find_check, &wanted);
	ok(wanted.result == result && strstr(wanted.text, part), "%s is %s: %s", name,
	   doppel_check_result_name(wanted.result), wanted.text);
}

static void test_lender(void)
{
	struct fake *fake = fake_new();
	struct mac seven = fake_mac(7), eight = fake_mac(8);
	unsigned int changes;

	fake_start(fake, FAKE_PLAIN);
	fake_run(fake, 5000);
	lends(fake, 0, "no device yet");
	is_int(fake->way.ifindex, 0, "and no way out");
	fake->unregistered = 7;
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 5000);
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 5000);
	fake_seen(fake, 6, "192.168.1.6");
	fake_run(fake, 20000);
	lends(fake, 8, "the first with an address");
	is_int(fake->way.ifindex, 3, "a way out of the WAN port");
	ok(doppel_ip4_eq(fake->way.via, fake_ip4("192.0.0.8")), "by the dummy next hop");
	ok(doppel_ip4_eq(fake->permanent, fake_ip4("192.0.0.8")), "which needs no question");
	ok(doppel_mac_is_host(&fake->permanent_mac) && fake->permanent_mac.b[0] & 2,
	   "as it has a MAC of nobody's");
	ok(doppel_ip4_eq(fake->way.source, fake_ip4("192.168.1.1")), "from the LAN address");
	is_int(fake->way.metric, 2048, "behind other ways");
	is_int(fake->way.mtu, 0, "with the port's MTU");
	ok(fake->way.protocol > 4, "and a mark that it is ours");

	changes = fake->way_changes;
	fake->unregistered = 0;
	fake_run(fake, 60000);
	ok(fake_device(fake, &seven)->wan_ipv4.s_addr, "an older device gets its address later");
	lends(fake, 8, "who lends goes on lending");
	fake_run(fake, 400000);
	is_int(fake_view(fake, 8).view.status, DEVICE_INACTIVE, "even when it falls silent");
	lends(fake, 8, "as it keeps its addresses");
	is_int(fake->way_changes, changes, "and the way is left alone");

	is_int(doppel_gateway_forget(fake->gw, &eight), 0, "it is forgotten");
	fake_run(fake, 1000);
	lends(fake, 7, "the oldest of the others");

	/* The kernel forgets ways and neighbours of a port that is down. */
	wan_link(fake, false, 1500);
	fake->way = (struct port_route){ 0 };
	fake->permanent.s_addr = 0;
	wan_link(fake, true, 1500);
	ok(fake->way.ifindex == 3 && fake->permanent.s_addr, "after down and up they are back");

	fake_stop(fake);
	changes = fake->way_changes;
	fake->lender_sets = 0;
	fake_start(fake, FAKE_PLAIN);
	fake_run(fake, 30000);
	lends(fake, 7, "a new agent leaves it as it is");
	is_int(fake->lender_sets, 0, "all the time");
	is_int(fake->way.ifindex, 3, "with the way");
	is_int(fake->way_changes, changes, "all the time");

	reload(fake, "  wan: {interface: wan0, ipv6: off, lend: \"02:00:00:00:00:06\"}\n");
	lends(fake, 6, "lend: a MAC");
	reload(fake, "  wan: {interface: wan0, ipv6: off, lend: \"02:00:00:00:00:77\"}\n");
	lends(fake, 0, "lend: somebody who is not there");
	is_int(fake->way.ifindex, 0, "no way out");
	is_int(fake->permanent.s_addr, 0, "nor its neighbour");
	reload(fake, FAKE_PLAIN);
	ok(doppel_mac_is_host(&fake->gateway.lender), "lend: auto again");
	reload(fake, "  wan: {interface: wan0, ipv6: off, lend: off}\n");
	lends(fake, 0, "lend: off");
	is_int(fake->way.ifindex, 0, "no way out");
	reload(fake, FAKE_PLAIN);
	reload(fake, "  wan: {interface: wan0, ipv6: off, identity: own}\n");
	lends(fake, 0, "identity: own");
	is_int(fake->way.ifindex, 0, "the box has a way of its own");
	fake_free(fake);
}

static bool leads_to(const struct fake *fake, const char *ipv4, uint8_t len)
{
	size_t i;

	for (i = 0; i < fake->alias_count; i++)
		if (doppel_ip4_eq(fake->aliases[i].dst, fake_ip4(ipv4)) &&
		    fake->aliases[i].prefix_len == len &&
		    doppel_ip4_eq(fake->aliases[i].via, fake->way.via))
			return true;
	return false;
}

/* Whoever else manages routes may take it away. */
static void test_way_taken(void)
{
	struct fake *fake = fake_new();
	struct port_event gone = {
		.kind = PORT_EVENT_ROUTE_GONE,
		.ifindex = 3,
		.protocol = 208,
	};
	unsigned int changes;

	fake_start(fake, FAKE_PLAIN "  mappings: [{ipv4: 192.0.2.10, ipv6: \"2001:db8::10\"}]\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	ok(leads_to(fake, "192.0.0.0", 29) && leads_to(fake, "192.0.2.10", 32),
	   "whatever other ways there are, aliases lie behind the WAN port");
	fake->way = (struct port_route){ 0 };
	doppel_ports_event(&gone, fake->gw);
	fake_run(fake, 1000);
	is_int(fake->way.ifindex, 0, "a way that is taken away is not fought for");
	checked(fake, "lending", CHECK_WARN, "was taken away");
	fake_run(fake, 5000);
	is_int(fake->way.ifindex, 3, "but put back");
	checked(fake, "lending", CHECK_OK, "leaves as");

	changes = fake->way_changes;
	gone.protocol = 3;
	doppel_ports_event(&gone, fake->gw);
	ok(!fake->gw->lending.stale, "other people's routes are no business of ours");
	fake->permanent.s_addr = 0;
	gone = (struct port_event){
		.kind = PORT_EVENT_NEIGHBOUR_GONE,
		.ifindex = 3,
		.ipv4 = fake_ip4("192.0.0.8"),
	};
	doppel_ports_event(&gone, fake->gw);
	fake_run(fake, 6000);
	ok(fake->permanent.s_addr, "its neighbour is put back");
	fake->permanent.s_addr = 0;
	fake->wan.mac.b[5]++;
	wan_link(fake, true, 1500);
	ok(fake->permanent.s_addr, "and when the port's MAC is another one, at once");
	is_int(fake->way_changes, changes, "with routes left alone");

	fake->way = (struct port_route){ 0 };
	fake->lan_address = false;
	gone = (struct port_event){
		.kind = PORT_EVENT_ADDRESS_GONE,
		.ifindex = 2,
		.ipv4 = fake_ip4("192.168.1.1"),
	};
	doppel_ports_event(&gone, fake->gw);
	fake_run(fake, 6000);
	ok(fake->lan_address && fake->way.ifindex == 3, "the LAN address comes back, with the way");

	fake->refuse_route = -EPERM;
	gone = (struct port_event){ .kind = PORT_EVENT_ROUTE_GONE, .ifindex = 3, .protocol = 208 };
	fake->way = (struct port_route){ 0 };
	doppel_ports_event(&gone, fake->gw);
	fake_run(fake, 60000);
	ok(!fake->alias_count && !fake->permanent.s_addr, "a way that cannot be opened is no half one");
	checked(fake, "lending", CHECK_WARN, "cannot be opened");
	fake->refuse_route = 0;
	fake_run(fake, 6000);
	is_int(fake->way.ifindex, 3, "it is tried again");
	reload(fake, FAKE_PLAIN);
	ok(!leads_to(fake, "192.0.2.10", 32), "a mapping that is no longer wanted has no way");
	fake_free(fake);
}

/* What an agent before left behind goes when it is no longer wanted. */
static void test_left_behind(void)
{
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_PLAIN);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	lends(fake, 7, "lent");
	fake_stop(fake);
	is_int(fake->way.ifindex, 3, "the way stays when the agent ends");
	fake_start(fake, "  wan: {interface: wan0, ipv6: off, lend: off}\n");
	fake_run(fake, 1000);
	lends(fake, 0, "the next one is not to lend");
	is_int(fake->way.ifindex, 0, "and closes it");

	reload(fake, FAKE_PLAIN);
	is_int(fake->way.ifindex, 3, "open again");
	fake->loaded = fake->set = false;
	fake->device_count = 0;
	fake_module_event(fake, MODULE_EVENT_WENT);
	is_int(fake->way.ifindex, 0, "without the module nobody guards the port: closed at once");
	fake_run(fake, 5000);
	is_int(fake->way.ifindex, 0, "and kept so");
	fake->loaded = true;
	fake_module_event(fake, MODULE_EVENT_CAME);
	fake_run(fake, 10000);
	lends(fake, 7, "the module is back");
	is_int(fake->way.ifindex, 3, "and the way");
	fake->loaded = fake->set = false;
	fake_stop(fake);
	is_int(fake->way.ifindex, 0, "an agent that ends without it closes the way, too");
	fake->loaded = true;
	fake->device_count = 0;
	fake_start(fake, FAKE_PLAIN);
	fake_run(fake, 30000);
	is_int(fake->way.ifindex, 3, "open again");
	fake_stop(fake);
	fake->loaded = fake->set = false;
	fake->device_count = 0;
	fake_start(fake, FAKE_PLAIN);
	fake_run(fake, 1000);
	is_int(fake->way.ifindex, 0, "an agent that finds no module closes what is open");
	fake_free(fake);
}

static void test_families(void)
{
	struct fake *fake = fake_new();
	struct mac eight = fake_mac(8);

	fake->router = true;
	fake->dhcp_server = false;
	fake_start(fake, FAKE_DUAL "  dhcp4: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	lends(fake, 7, "a device with IPv6 alone lends");
	is_int(fake->way.mtu, 1480, "packets grow by 20 bytes on their way");
	wan_link(fake, true, 1400);
	is_int(fake->way.mtu, 1380, "and the port's MTU counts");
	fake->dhcp_server = true;
	fake->unregistered = 7;
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 30000);
	ok(fake_device(fake, &eight)->wan_ipv4.s_addr, "another one has IPv4");
	lends(fake, 8, "and lends in its place");
	is_int(fake->way.mtu, 0, "with the port's MTU");
	fake_free(fake);
}

static void test_old_module(void)
{
	struct fake *fake = fake_new();
	struct gateway_status status;

	fake->old_module = true;
	fake_start(fake, FAKE_PLAIN "  filter: forward\n  nat64_prefix: 64:ff9b::/96\n"
		   "  mappings: [{ipv4: 192.0.2.10, ipv6: \"2001:db8::10\"}]\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	is_int(fake_view(fake, 7).view.status, DEVICE_ACTIVE, "an older module serves devices");
	doppel_gateway_status(fake->gw, &status);
	ok(status.module_ready, "and is ready");
	ok(!doppel_mac_is_host(&status.lender), "but nobody lends");
	is_int(fake->way.ifindex, 0, "and there is no way out");
	fake_free(fake);
}

static void test_filter(void)
{
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_PLAIN "  filter: forward\n");
	fake_run(fake, 1000);
	ok(fake->gateway.filter_forward, "filter: forward");
	reload(fake, FAKE_PLAIN);
	ok(!fake->gateway.filter_forward, "filter: off");
	fake_free(fake);
}

static void test_mappings(void)
{
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_PLAIN "  mappings: [{ipv4: 192.0.2.10, ipv6: \"2001:db8::10\"},\n"
		   "             {ipv4: 192.0.2.11, ipv6: \"2001:db8::11\"}]\n");
	fake_run(fake, 1000);
	is_int(fake->mapping_count, 2, "the file's mappings");
	fake_stop(fake);
	fake_start(fake, FAKE_PLAIN "  mappings: [{ipv4: 192.0.2.10, ipv6: \"2001:db8::10\"},\n"
		   "             {ipv4: 192.0.2.12, ipv6: \"2001:db8::11\"}]\n");
	fake_run(fake, 1000);
	is_int(fake->mapping_count, 2, "after a change");
	is_int(fake->mapping_dels, 1, "the one that changed went");
	is_int(fake->mapping_adds, 3, "and came; the other was left alone");
	reload(fake, FAKE_PLAIN);
	is_int(fake->mapping_count, 0, "none any more");
	fake_free(fake);
}

static void test_prefix_of_routers(void)
{
	struct fake *fake = fake_new();
	struct gateway_status status;
	struct fake_view seen;

	fake->router = true;
	fake->dhcp_server = false;
	fake->pref64 = "64:ff9b::";
	fake->pref64_s = 600;
	fake_start(fake, FAKE_DUAL "  dhcp4: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 60000);
	is_int(fake->gateway.nat64_prefix_len, 96, "the prefix that a router tells");
	doppel_gateway_status(fake->gw, &status);
	is_int(status.nat64_origin, NAT64_RA, "by its own word");
	seen = fake_view(fake, 7);
	is_int(seen.view.status, DEVICE_ACTIVE, "a device without WAN IPv4 is active");
	is_int(seen.view.ipv4.status, FAMILY_OFF, "and lacks nothing");
	checked(fake, "wan-dhcp", CHECK_OK, "nor is one needed");
	is_str(seen.reason4, "the WAN has none: IPv4 hosts are reached by the NAT64 prefix 64:ff9b::/96",
	       "as is told");
	fake->discovers = 0;
	fake_run(fake, 60000);
	ok(fake->discovers > 2, "though IPv4 is asked for now and then: %u", fake->discovers);

	fake->pref64_s = 0;
	fake_advertise(fake);
	fake_run(fake, 1000);
	is_int(fake->gateway.nat64_prefix_len, 0, "withdrawn");
	fake->pref64_s = 600;
	fake_advertise(fake);
	fake_run(fake, 1000);

	/* A new agent does not take away what it has not heard of yet. */
	fake_stop(fake);
	fake->router = false;
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 600000);
	is_int(fake->gateway.nat64_prefix_len, 96, "still there");
	doppel_gateway_status(fake->gw, &status);
	is_int(status.nat64_origin, NAT64_HELD, "as the module had it");
	fake->router = true;
	fake_advertise(fake);
	fake_run(fake, 1000);
	doppel_gateway_status(fake->gw, &status);
	is_int(status.nat64_origin, NAT64_RA, "told again");
	fake->pref64 = NULL;
	fake_advertise(fake);
	fake_run(fake, 500000);
	is_int(fake->gateway.nat64_prefix_len, 96, "not repeated, it holds");
	fake_run(fake, 200000);
	is_int(fake->gateway.nat64_prefix_len, 0, "until its time is over");

	reload(fake, FAKE_DUAL "  nat64_prefix: 2001:db8:64::/64\n");
	is_int(fake->gateway.nat64_prefix_len, 64, "the file's prefix");
	doppel_gateway_status(fake->gw, &status);
	is_int(status.nat64_origin, NAT64_CONFIGURED, "as configured");
	fake->pref64 = "64:ff9b::";
	fake_advertise(fake);
	fake_run(fake, 1000);
	is_int(fake->gateway.nat64_prefix_len, 64, "whatever a router tells");
	reload(fake, FAKE_DUAL "  nat64_prefix: off\n");
	is_int(fake->gateway.nat64_prefix_len, 0, "nat64_prefix: off");
	fake_free(fake);

	fake = fake_new();
	fake_start(fake, FAKE_DUAL "  nat64_prefix: 2001:db8:64::/64\n");
	fake_run(fake, 1000);
	is_int(fake->gateway.nat64_prefix_len, 64, "the file's prefix");
	reload(fake, FAKE_DUAL);
	is_int(fake->gateway.nat64_prefix_len, 0, "is not taken for one that was found out");
	fake_free(fake);
}

/* The DNS64 answers the next question: one record, or none. */
static void answer(struct fake *fake, const char *address)
{
	struct writer w = { fake->reply, sizeof(fake->reply), 0, false };
	const unsigned int before = fake->queries;
	struct in6_addr ipv6;
	int left;

	for (left = 4000; left && fake->queries == before; left--)
		fake_run(fake, 100);
	doppel_put(&w, fake->query, fake->query_len);
	fake->reply[2] |= 0x80;
	if (!doppel_ip6_parse(address, &ipv6)) {
		fake->reply[7] = 1;
		doppel_put(&w, "\xc0\x0c\0\x1c\0\1\0\0\2\x58\0\x10", 12);
		doppel_put(&w, &ipv6, 16);
	}
	fake->reply_len = w.len;
	doppel_nat64_read(fake->gw);
	fake_run(fake, 100);
}

static bool asked(const struct fake *fake, const char *server)
{
	struct in6_addr address;

	return !doppel_ip6_parse(server, &address) && doppel_ip6_eq(&fake->asked, &address);
}

static void test_prefix_of_servers(void)
{
	struct fake *fake = fake_new();
	struct gateway_status status;

	fake->router = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_start(fake, FAKE_SIX);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	is_int(fake->mapping_count, 1, "the IPv6 name server has an alias");
	ok(fake->queries > 0, "a server is asked");
	ok(asked(fake, "::ffff:192.0.0.2"), "by that alias");
	answer(fake, "64:ff9b::c000:aa");
	is_int(fake->gateway.nat64_prefix_len, 96, "and shows a prefix");
	doppel_gateway_status(fake->gw, &status);
	is_int(status.nat64_origin, NAT64_DNS, "by DNS");
	fake->queries = 0;
	fake_run(fake, 580000);
	is_int(fake->queries, 0, "not asked again before its time");
	answer(fake, "none");
	is_int(fake->gateway.nat64_prefix_len, 0, "there is none any more");
	answer(fake, "64:ff9b::c000:ab");
	is_int(fake->gateway.nat64_prefix_len, 96, "asked now and then, until there is one again");

	fake->pref64 = "64:ff9b:1::";
	fake->pref64_s = 600;
	fake_advertise(fake);
	fake_run(fake, 1000);
	is_int(fake->gateway.nat64_prefix.s6_addr[5], 1, "a router's word counts for more");
	fake->queries = 0;
	fake_run(fake, 500000);
	is_int(fake->queries, 0, "and no server is asked");
	fake->pref64_s = 0;
	fake_advertise(fake);
	fake_run(fake, 1000);
	is_int(fake->gateway.nat64_prefix_len, 0, "what they said before is as old as that");
	ok(fake->queries > 0, "they are asked anew");
	fake_free(fake);

	fake = fake_new();
	fake->router = true;
	fake->dns4 = true;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	fake->queries = 0;
	fake_run(fake, 600000);
	is_int(fake->queries, 0, "where everybody has WAN IPv4 nobody is asked");
	fake_free(fake);
}

/* Those of DHCPv6 come first (RFC 8106 section 5.3.1), and stay while one that counts is named. */
static void test_names_of_dhcp6(void)
{
	struct fake *fake = fake_new();
	struct in6_addr servers[2];

	fake->router = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 3600;
	fake_start(fake, "  wan: {interface: wan0, ipv4: off, identity: own}\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	doppel_ip6_parse("2001:db8::61", &servers[0]);
	doppel_ip6_parse("2001:db8::62", &servers[1]);
	doppel_names_learn6(fake->gw, servers, 1);
	fake_run(fake, 1000);
	resolv_is(fake, "nameserver 2001:db8::61\nnameserver 2001:db8::53\n", "DHCPv6's first");
	doppel_names_learn6(fake->gw, &servers[1], 1);
	fake_run(fake, 1000);
	resolv_is(fake, "nameserver 2001:db8::62\nnameserver 2001:db8::53\n", "another one");
	doppel_names_learn6(fake->gw, servers, 2);
	fake_run(fake, 1000);
	resolv_is(fake, "nameserver 2001:db8::62\nnameserver 2001:db8::53\n",
		  "no change while the first is still named");
	doppel_names_learn6(fake->gw, servers, 0);
	fake_run(fake, 1000);
	resolv_is(fake, "nameserver 2001:db8::62\nnameserver 2001:db8::53\n", "nor when none is");
	fake_free(fake);
}

static void lan_has(struct fake *fake, const char *part, const char *what)
{
	struct buf auto_buf text = { 0 };

	doppel_lan_dhcp_render(&fake->gw->lan_dhcp, fake->config, &text);
	ok(strstr(text.data, part), "%s", what);
}

static void test_names(void)
{
	struct fake *fake = fake_new();
	struct buf auto_buf text = { 0 };
	unsigned int adds;

	fake->router = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 3600;
	fake_start(fake, FAKE_SIX);
	fake_run(fake, 1000);
	resolv_is(fake, "", "nobody lends, so nobody can be asked");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	is_int(fake->mapping_count, 1, "an alias");
	ok(doppel_ip4_eq(fake->mappings[0].ipv4, fake_ip4("192.0.0.2")), "192.0.0.2");
	resolv_is(fake, "nameserver 192.0.0.2\n", "which the box asks");
	doppel_lan_dhcp_render(&fake->gw->lan_dhcp, fake->config, &text);
	ok(strstr(text.data, "\nport=53\nserver=192.0.0.2\nserver=192.0.0.3\n"),
	   "dnsmasq asks it, too, and knows where a second one would be");
	ok(strstr(text.data, "\ndhcp-option=option:dns-server,192.168.1.1\n"),
	   "and devices ask the box");
	doppel_buf_free(&text);
	text = (struct buf){ 0 };

	fake->dns6 = "2001:db8::54";
	fake_advertise(fake);
	fake_run(fake, 1000);
	is_int(fake->mapping_count, 2, "another server");
	resolv_is(fake, "nameserver 192.0.0.2\nnameserver 192.0.0.3\n", "another alias");
	fake_stop(fake);
	fake->router = false;
	adds = fake->mapping_adds;
	fake_start(fake, FAKE_SIX);
	fake_run(fake, 60000);
	is_int(fake->mapping_dels, 0, "a new agent takes away nothing that it has not heard of yet");
	is_int(fake->mapping_adds, adds, "and adds nothing");
	fake->router = true;
	fake_advertise(fake);
	fake_run(fake, 1000);
	is_int(fake->mapping_count, 1, "once it has, only what is told counts");
	ok(doppel_ip4_eq(fake->mappings[0].ipv4, fake_ip4("192.0.0.3")), "and keeps its alias");

	reload(fake, FAKE_SIX "  mappings: [{ipv4: 192.0.2.10, ipv6: \"2001:db8::54\"}]\n");
	is_int(fake->mapping_count, 1, "the file has an alias for it");
	resolv_is(fake, "nameserver 192.0.2.10\n", "which serves as well");
	reload(fake, "  wan: {interface: wan0, ipv4: off, lend: off}\n");
	resolv_is(fake, "", "lend: off");
	doppel_lan_dhcp_render(&fake->gw->lan_dhcp, fake->config, &text);
	ok(strstr(text.data, "\nport=0\n"), "the box does not ask for others");
	ok(strstr(text.data, "\ndhcp-option=option:dns-server,192.0.0.3\n"), "devices ask the alias");
	doppel_buf_free(&text);
	text = (struct buf){ 0 };
	reload(fake, "  wan: {interface: wan0, ipv4: off, identity: own}\n");
	is_int(fake->mapping_count, 0, "with an own identity no alias is needed");
	resolv_is(fake, "nameserver 2001:db8::54\n", "the server itself is asked");
	fake_free(fake);

	fake = fake_new();
	fake->router = true;
	fake->dhcp_server = false;
	fake->dns4 = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 3600;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	is_int(fake->mapping_count, 1, "no IPv4 server is known yet: an alias");
	fake->dhcp_server = true;
	fake_run(fake, 200000);
	is_int(fake->mapping_count, 0, "an IPv4 server is: no alias");
	resolv_is(fake, "nameserver 10.0.0.53\n", "the box asks it");
	doppel_lan_dhcp_render(&fake->gw->lan_dhcp, fake->config, &text);
	ok(strstr(text.data, "\nport=53\nserver=10.0.0.53\n"),
	   "those who were told to ask the box may go on");
	ok(strstr(text.data, "\ndhcp-option=option:dns-server,10.0.0.53\n"),
	   "the others ask the server");
	fake_stop(fake);
	fake_start(fake, FAKE_DUAL);
	fake_run(fake, 60000);
	lan_has(fake, "\nport=53\nserver=10.0.0.53\n", "so it is with a new agent");
	fake_free(fake);
}

/* Devices that were told to ask an alias do so for as long as their leases last. */
static void test_aliases_stay(void)
{
	static const char file[] = "  wan: {interface: wan0, lend: off}\n";
	struct fake *fake = fake_new();

	fake->router = true;
	fake->dhcp_server = false;
	fake->dns4 = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_start(fake, file);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	lan_has(fake, "\ndhcp-option=option:dns-server,192.0.0.2\n", "devices ask the alias");
	fake->dhcp_server = true;
	fake_run(fake, 200000);
	lan_has(fake, "\ndhcp-option=option:dns-server,10.0.0.53\n", "then others ask an IPv4 server");
	is_int(fake->mapping_count, 1, "but the alias stays");
	fake_stop(fake);
	fake_start(fake, file);
	fake_run(fake, 60000);
	is_int(fake->mapping_count, 1, "with a new agent, too");
	fake_free(fake);

	fake = fake_new();
	fake->dns4 = true;
	fake->router = true;
	fake_start(fake, file);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_advertise(fake);
	fake_run(fake, 20000);
	is_int(fake->mapping_count, 0, "nobody was told: none is made");
	fake_free(fake);
}

/* Nobody is told to ask a resolver that cannot ask anybody. */
static void test_deaf_resolver(void)
{
	struct fake *fake = fake_new();

	fake->old_module = true;
	fake->router = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_start(fake, FAKE_SIX);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	lan_has(fake, "\nport=0\n", "a module without mappings: no resolver");
	checked(fake, "name-servers", CHECK_WARN, "no name server is known");
	fake_free(fake);

	fake = fake_new();
	fake->router = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_start(fake, "  wan: {interface: wan0, ipv4: off, lend: \"02:00:00:00:00:08\"}\n");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	lan_has(fake, "\ndhcp-option=option:dns-server,192.0.0.2\n",
		"the lender of the file is not there: devices ask the alias themselves");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 20000);
	lan_has(fake, "\ndhcp-option=option:dns-server,192.168.1.1\n", "it is: they ask the box");
	fake_free(fake);
}

/* Anybody on the WAN can advertise what they like, as often as they like. */
static void test_flapping(void)
{
	struct buf auto_buf before = { 0 }, after = { 0 };
	struct fake *fake = fake_new();
	unsigned int i, changes;

	fake->router = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_start(fake, FAKE_SIX);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	doppel_lan_dhcp_render(&fake->gw->lan_dhcp, fake->config, &before);
	changes = fake->mapping_adds + fake->mapping_dels;
	fake->dns6 = "2001:db8::54";
	for (i = 0; i < 1201; i++) {
		fake->dns6_s = i % 2 ? 0 : 600;
		fake_advertise(fake);
		fake_run(fake, 50);
	}
	changes = fake->mapping_adds + fake->mapping_dels - changes;
	ok(changes && changes <= 7, "a minute of name servers that come and go: %u changes", changes);
	doppel_lan_dhcp_render(&fake->gw->lan_dhcp, fake->config, &after);
	is_str(after.data, before.data, "and dnsmasq is left alone");
	fake_run(fake, 10000);
	is_int(fake->mapping_count, 2, "in the end all is as they said last");
	fake_free(fake);
}

/* What routers tell that cannot be, and what the module does not take. */
static void test_refused(void)
{
	struct fake *fake = fake_new();
	struct gateway_status status;

	fake->router = true;
	fake->dns6 = "::ffff:192.0.2.53";
	fake->dns6_s = 600;
	fake->pref64 = "::ffff:0:0";
	fake->pref64_s = 600;
	fake_start(fake, FAKE_SIX);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	doppel_gateway_status(fake->gw, &status);
	is_int(status.nat64_prefix_len, 0, "v4-mapped addresses are no NAT64's");
	is_int(fake->mapping_count, 0, "nor a name server's");
	checked(fake, "name-servers", CHECK_WARN, "no name server is known");

	fake->refuse = -EADDRNOTAVAIL;
	fake->dns6 = "2001:db8::53";
	fake->pref64 = "64:ff9b::";
	fake_advertise(fake);
	fake_run(fake, 20000);
	doppel_gateway_status(fake->gw, &status);
	is_int(status.nat64_prefix_len, 0, "a prefix that the module refuses is not shown");
	resolv_is(fake, "", "nor an alias that it refuses");
	lan_has(fake, "\nport=0\n", "nor is anybody told to ask it");
	fake->refuse = 0;
	fake_run(fake, 60000);
	doppel_gateway_status(fake->gw, &status);
	is_int(status.nat64_prefix_len, 96, "it is tried again");
	resolv_is(fake, "nameserver 192.0.0.2\n", "all of it");

	fake->refuse = -EPERM;
	reload(fake, "  wan: {interface: wan0, ipv4: off, lend: \"02:00:00:00:00:08\"}\n");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 20000);
	is_int(fake->way.ifindex, 0, "without the module's consent nobody lends");
	fake->refuse = 0;
	fake_run(fake, 6000);
	lends(fake, 8, "tried again");
	fake_free(fake);
}

/* The WAN becomes IPv6-only while the agent runs. */
static void test_names_lapse(void)
{
	static const char file[] = FAKE_DUAL
		"  dhcp4: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}\n";
	struct fake *fake = fake_new();

	fake->router = true;
	fake->dns4 = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_start(fake, file);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 30000);
	fake_host(fake, 7, "192.168.1.7");
	resolv_is(fake, "nameserver 10.0.0.53\n", "an IPv4 name server");
	fake->dhcp_server = false;
	fake_run(fake, 3000000);
	resolv_is(fake, "nameserver 10.0.0.53\n", "as long as there is a lease");
	fake_run(fake, 1000000);
	ok(!fake_view(fake, 7).view.wan_ipv4.s_addr, "it ran out");
	resolv_is(fake, "nameserver 192.0.0.2\n", "the IPv6 one takes its place");
	lan_has(fake, "\ndhcp-option=option:dns-server,192.168.1.1\n", "and devices ask the box");
	fake->dhcp_server = true;
	fake_run(fake, 600000);
	resolv_is(fake, "nameserver 10.0.0.53\n", "DHCPv4 is back, and so is its name server");
	fake_free(fake);
}

/* By DHCPv6, which the WAN's routers then no longer want to be asked. */
static void test_names6_lapse(void)
{
	struct in6_addr server;
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_SIX);
	fake_seen(fake, 7, "192.168.1.7");
	doppel_ip6_parse("2001:db8::53", &server);
	doppel_names_learn6(fake->gw, &server, 1);
	fake_run(fake, 100000);
	is_int(fake->mapping_count, 1, "a name server that DHCPv6 tells has an alias");
	fake->router = true;
	fake_advertise(fake);
	fake_run(fake, 50000);
	is_int(fake->mapping_count, 1, "no DHCPv6 any more: for a while");
	fake_run(fake, 30000);
	is_int(fake->mapping_count, 0, "and no longer");
	fake_free(fake);
}

static void test_link_local_names(void)
{
	static const char *const servers[] = {
		"fe80::51", "fe80::52", "fe80::53", "fe80::54", "2001:db8::53",
	};
	struct fake *fake = fake_new();
	size_t i;

	fake->dns6_s = 100000;
	fake_start(fake, FAKE_SIX);
	fake_seen(fake, 7, "192.168.1.7");
	for (i = 0; i < 5; i++) {
		fake->dns6 = servers[i];
		fake_advertise(fake);
	}
	fake_run(fake, 20000);
	is_int(fake->mapping_count, 1, "servers that cannot be asked hide none that can");
	fake_free(fake);
}

static void test_replaced(void)
{
	struct fake *fake = fake_new();

	fake->router = true;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_start(fake, FAKE_SIX);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	wan_link(fake, false, 1500);
	fake->dns6 = "2001:db8::54";
	wan_link(fake, true, 1500);
	fake_advertise(fake);
	fake_run(fake, 30000);
	is_int(fake->mapping_count, 1, "another network: its name server has an alias");
	is_int(fake->mappings[0].ipv6.s6_addr[15], 0x54, "and not the one of before");
	fake_free(fake);
}

/* Devices that come by SLAAC first and DHCPv4 a little later are no reason to forget the prefix. */
static void test_prefix_stays(void)
{
	struct fake *fake = fake_new();

	fake->router = true;
	fake->dhcp_server = false;
	fake->dns6 = "2001:db8::53";
	fake->dns6_s = 100000;
	fake_start(fake, FAKE_DUAL);
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	answer(fake, "64:ff9b::c000:aa");
	is_int(fake->gateway.nat64_prefix_len, 96, "found while a device lacked IPv4");
	fake->dhcp_server = true;
	fake_run(fake, 200000);
	ok(fake_view(fake, 7).view.wan_ipv4.s_addr, "it has got some");
	is_int(fake->gateway.nat64_prefix_len, 96, "the prefix stays");
	fake_run(fake, 600000);
	is_int(fake->gateway.nat64_prefix_len, 0, "for the answer's time");
	fake_free(fake);
}

static void test_diagnosis(void)
{
	struct fake *fake = fake_new();

	fake->router = true;
	fake_start(fake, FAKE_SIX);
	fake_run(fake, 1000);
	checked(fake, "lending", CHECK_WARN, "nobody lends the box an identity: no device has");
	checked(fake, "nat64-prefix", CHECK_OK, "nor needed");
	checked(fake, "wan-guard", CHECK_OK, "wan0");
	fake_seen(fake, 7, "192.168.1.7");
	fake_run(fake, 20000);
	checked(fake, "lending", CHECK_OK, "leaves as 02:00:00:00:00:07, which has no WAN IPv4");
	checked(fake, "nat64-prefix", CHECK_WARN, "reach no IPv4 host");
	checked(fake, "name-servers", CHECK_WARN, "no name server is known");
	fake->dns6 = "fe80::53";
	fake->dns6_s = 600;
	fake_advertise(fake);
	fake_run(fake, 1000);
	checked(fake, "name-servers", CHECK_WARN, "no name server is known");
	fake->dns6 = "2001:db8::53";
	fake_advertise(fake);
	fake_run(fake, 1000);
	checked(fake, "name-servers", CHECK_OK, "devices ask the box; the box can ask 1");
	checked(fake, "lan-dns", CHECK_OK, "no such check");
	fake->gw->lan_dhcp.dns_taken = true;
	checked(fake, "lan-dns", CHECK_WARN, "somebody else has port 53");
	fake->gw->lan_dhcp.dns_taken = false;
	fake->pref64 = "64:ff9b::";
	fake->pref64_s = 600;
	fake_advertise(fake);
	fake_run(fake, 1000);
	checked(fake, "nat64-prefix", CHECK_OK, "64:ff9b::/96 (RA)");
	fake->tc_egress = true;
	checked(fake, "wan-guard", CHECK_WARN, "tc has filters");
	strcpy(fake->wan.kind, "vlan");
	wan_link(fake, true, 1500);
	checked(fake, "wan-guard", CHECK_WARN, "is a VLAN");
	strcpy(fake->wan.kind, "bridge");
	wan_link(fake, true, 1500);
	checked(fake, "wan-guard", CHECK_WARN, "is a bridge");
	reload(fake, "  wan: {interface: wan0, ipv4: off, lend: \"02:00:00:00:00:77\"}\n");
	checked(fake, "lending", CHECK_WARN, "the device of wan.lend has no WAN address");
	reload(fake, "  wan: {interface: wan0, ipv4: off, lend: off}\n");
	checked(fake, "lending", CHECK_OK, "lend: off");
	reload(fake, "  wan: {interface: wan0, ipv4: off, identity: own}\n");
	checked(fake, "lending", CHECK_OK, "no such check");
	fake_free(fake);

	fake = fake_new();
	fake->old_module = true;
	fake_start(fake, FAKE_PLAIN);
	fake_run(fake, 1000);
	checked(fake, "module-age", CHECK_WARN, "does not know lending");
	checked(fake, "lending", CHECK_WARN, "older than this agent");
	reload(fake, FAKE_PLAIN "  filter: forward\n");
	checked(fake, "module-age", CHECK_FAIL, "the file asks for filter: forward");
	fake_free(fake);
}

int main(void)
{
	doppel_log_set_level(LOG_CRIT);
	test_lender();
	test_way_taken();
	test_left_behind();
	test_families();
	test_old_module();
	test_filter();
	test_mappings();
	test_prefix_of_routers();
	test_prefix_of_servers();
	test_names();
	test_names_of_dhcp6();
	test_aliases_stay();
	test_deaf_resolver();
	test_flapping();
	test_refused();
	test_names_lapse();
	test_names6_lapse();
	test_client_id();
	test_link_local_names();
	test_replaced();
	test_prefix_stays();
	test_diagnosis();
	return done_testing();
}
