// SPDX-License-Identifier: GPL-2.0-only
/* The networks at work: the agent's own file, files that are applied, edits, refusals, crashes, time. */
#include <sodium.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "scratch.h"
#include "wg_networks_fake.h"
#include "wireguard/key.h"
#include "wireguard/quick.h"

static struct fake_networks world;

static void fresh(void)
{
	fake_free(&world);
	unlink(world.path);
	world.ms = 1000;
	world.wall = 1790000000;		/* 2026-09-21T14:13:20Z */
	fake_start(&world, NULL);
}

#define OFFICE \
	"networks:\n" \
	"  - name: office\n" \
	"    cidr: 10.0.0.0/29\n" \
	"    endpoint: vpn.example.net\n" \
	"    peers:\n" \
	"      - {name: hub, jump: true}\n" \
	"      - {name: laptop, agent: true, groups: [staff]}\n" \
	"    groups:\n" \
	"      - {name: staff, policies: [site]}\n" \
	"    policies:\n" \
	"      - name: site\n" \
	"        rules: [{direction: output, action: allow, target: any}]\n" \
	"    routes:\n" \
	"      - {name: lan, destination: 192.168.1.0/24, via: hub, groups: [staff],\n" \
	"         dns: [{name: printer, address: 192.168.1.50}]}\n"

static void test_apply(void)
{
	auto_buf struct buf text = {};

	fresh();
	is_int(fake_request(&world, &(struct wg_request){ .file = "x.yaml", .text = OFFICE, .len = strlen(OFFICE),
							  .dry_run = true }), 0, "a plan");
	is_plan(&world,
		"+ network office\n"
		"+ peer office/hub\n~ peer office/hub: ipv4_address: 10.0.0.1\n"
		"+ peer office/laptop\n~ peer office/laptop: ipv4_address: 10.0.0.2\n"
		"+ group office/staff\n+ policy office/site\n+ route office/lan\n+ dns office/lan/printer\n",
		"… says all that would come");
	is_real(&world, "", "… and changes nothing");
	is_int(fake_apply_text(&world, OFFICE), 0, "applied");
	is_real(&world, "office ipv4: hub 10.0.0.1, laptop 10.0.0.2", "… and real");
	is_str(world.events.data, "changed\n", "… and told");

	is_int(doppel_wg_networks_export(world.networks, NULL, &text, &world.error), 0, "exported");
	is_int(fake_apply_text(&world, text.data), 0, "what is exported is applied");
	is_plan(&world, "", "… and changes nothing");
	diag("%s", text.data);

	is_int(fake_apply_text(&world, "networks: [{name: office, cidr: 10.0.0.0/29, endpoint: vpn.example.net,"
			       " peers: [{name: phone}, {name: Laptop, agent: true}]}]"), 0,
	       "a file with a part of it");
	is_plan(&world,
		"~ peer office/laptop: name: laptop → Laptop\n~ peer office/laptop: groups: no longer [\"staff\"]\n"
		"+ peer office/phone\n~ peer office/phone: ipv4_address: 10.0.0.3\n",
		"… takes the place of what has its names, and leaves the rest");
	is_int(fake_request(&world, &(struct wg_request){
		.file = "x.yaml", .prune = true,
		.text = "networks: [{name: lab, cidr: 10.1.0.0/24, peers: [{name: hub, jump: true}]}]", .len = 76 }),
	       0, "--prune");
	is_plan(&world,
		"- network office\n- peer office/hub\n- peer office/Laptop\n- peer office/phone\n- group office/staff\n"
		"- policy office/site\n- route office/lan\n- dns office/lan/printer\n"
		"+ network lab\n+ peer lab/hub\n~ peer lab/hub: ipv4_address: 10.1.0.1\n", "… takes away what it lacks");
	is_str(world.order.data, "firewall kernel names firewall kernel names firewall kernel names "
	       "firewall kernel names ", "nothing comes before its rules, whatever goes with it");
	is_real(&world, "lab ipv4: hub 10.1.0.1", "R3.5 … and nothing of it stays");
}

/* After each nothing has changed: neither what is wanted nor what is real. */
static void refused(int err, const char *error, const char *what)
{
	is_int(world.err, err, "%s is refused", what);
	is_str(world.error.text, error, "… with what to do");
	ok(!world.plan, "… without a plan");
	is_str(world.order.data, "", "… and nothing is done");
}

static void test_refusals(void)
{
	const char *const full = "networks: [{name: n, cidr: 10.9.0.0/30, listen_port: 1, peers: [{name: hub, jump: true}, {name: a}, {name: b}]}]";

	fresh();
	fake_apply_text(&world, OFFICE);
	fake_edit(&world, WG_ADD, WG_PEER, "office", "tv", NULL);
	fake_clear(&world.order);

	fake_apply_text(&world, "networks: [{name: lab, cidr: 10.0.0.0/24, listen_port: 1}]");
	refused(-EINVAL, "x.yaml:1:12: networks[0]: ipv4_cidr overlaps that of network \"office\"", "an overlap");
	fake_apply_text(&world, "networks: [{name: lab, cidr: 10.1.0.0/24}]");
	refused(-EINVAL, "x.yaml:1:12: networks[0]: listen_port 51820 is network \"office\"'s, too", "a port in use");
	fake_apply_text(&world, "networks: [{name: office, cidr: 10.0.0.0/29, peers: [{name: x, groups: [nobody]}]}]");
	refused(-EINVAL, "x.yaml:1:73: networks[0].peers[0].groups[0]: there is no group \"nobody\" in this network",
		"an unknown name");
	fake_apply_text(&world, "");
	refused(-EINVAL, "x.yaml:1:1: the file is empty; give networks:", "an empty file");
	fake_apply_text(&world, "- a");
	refused(-EINVAL, "x.yaml:1:1: must be a map (key: value), not a list", "a list");
	fake_apply_text(&world, "networks: {a: b}");
	refused(-EINVAL, "x.yaml:1:11: networks: must be a list, not a map", "no list");
	fake_apply_text(&world, full);
	refused(-ENOSPC, "network \"n\": peer \"b\": no address is left in 10.9.0.0/30; remove peers, or give the network a larger prefix",
		"an exhausted prefix");
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{ip_stack_mode: ipv6, ipv6_cidr: \"fd00::/64\"}");
	refused(-EBUSY, "network \"office\": ip_stack_mode cannot change from ipv4 to ipv6: static peers have IPv4 addresses: \"tv\"; remove them first, or let them run an agent",
		"R10.6 a mode that a static peer is in the way of");
	fake_apply_text(&world, "networks: [{name: office, ip_stack_mode: ipv6, ipv6_cidr: \"fd00::/64\"}]");
	refused(-EBUSY, "network \"office\": ip_stack_mode cannot change from ipv4 to ipv6: static peers have IPv4 addresses: \"tv\"; remove them first, or let them run an agent",
		"R10.6 … by a file, too");

	fake_edit(&world, WG_ADD, WG_PEER, "office", "TV", NULL);
	refused(-EEXIST, "there is a peer \"TV\" in network \"office\" already", "a second of that name");
	fake_edit(&world, WG_SET, WG_PEER, "office", "radio", "{agent: true}");
	refused(-ENOENT, "there is no peer \"radio\" in network \"office\"", "an unknown peer");
	fake_edit(&world, WG_REMOVE, WG_PEER, "lab", "tv", NULL);
	refused(-ENOENT, "there is no network \"lab\"", "an unknown network");
	fake_edit(&world, WG_REMOVE, WG_NETWORK, "lab", NULL, NULL);
	refused(-ENOENT, "there is no network \"lab\"", "an unknown network to remove");
	fake_edit(&world, WG_SET, WG_PEER, "office", "tv", "{name: radio}");
	refused(-EINVAL, "name: tv cannot get another name; add it anew, and remove this one", "another name");
	fake_edit(&world, WG_SET, WG_PEER, "office", "tv", "[a]");
	refused(-EINVAL, "peer: must be a map (key: value)", "no map");
	fake_edit(&world, WG_SET, WG_PEER, "office", "tv", "{ipv4_address: 10.0.0.9}");
	refused(-EINVAL, "wireguard: networks[0].peers[2].ipv4_address: 10.0.0.9 lies outside the network, 10.0.0.0/29",
		"a wrong value");
	fake_edit(&world, WG_REMOVE, WG_GROUP, "office", "staff", NULL);
	refused(-EBUSY, "network \"office\": group \"staff\" is in use by peer \"laptop\", route \"lan\"; take it away there first",
		"a group in use");
	fake_edit(&world, WG_REMOVE, WG_POLICY, "office", "site", NULL);
	refused(-EBUSY, "network \"office\": policy \"site\" is in use by group \"staff\"; take it away there first",
		"a policy in use");
	fake_edit(&world, WG_REMOVE, WG_PEER, "office", "hub", NULL);
	refused(-EBUSY, "network \"office\": peer \"hub\" is in use by route \"lan\"; take it away there first",
		"a peer in use");

	fake_stop(&world);
	fake_start(&world, NULL);
	is_real(&world, "office ipv4: hub 10.0.0.1, laptop 10.0.0.2, tv 10.0.0.3", "after all of them the store is as it was");
}

/* A rule about nobody would pass nothing, and stop nobody. */
static void test_targets(void)
{
	static const char rule[] = "{rules: [{direction: output, action: deny, target: tv}]}";
	static const char without[] =
		"networks: [{name: office, cidr: 10.0.0.0/29, peers: [{name: hub, jump: true}],"
		" policies: [{name: p, rules: [{direction: output, action: deny, target: tv}]}]}]";

	fresh();
	fake_apply_text(&world, OFFICE);
	fake_edit(&world, WG_ADD, WG_PEER, "office", "tv", NULL);
	is_int(fake_edit(&world, WG_SET, WG_POLICY, "office", "site", rule), 0, "a rule about a peer");
	fake_edit(&world, WG_ADD, WG_NETWORK, "lab", NULL, "{ipv4_cidr: 10.1.0.0/24, listen_port: 1}");
	fake_clear(&world.order);
	fake_edit(&world, WG_ADD, WG_POLICY, "lab", "p", rule);
	refused(-EINVAL, "wireguard: networks[1].policies[0].rules[0].target: must be any, a prefix, or the name of a peer, a group or a LAN device, not \"tv\"",
		"another network's peer as a device");
	fake_request(&world, &(struct wg_request){ .file = "x.yaml", .text = without, .len = strlen(without), .prune = true });
	ok(world.err == -EINVAL && strstr(world.error.text, "not \"tv\""), "a peer that goes is no device then");
}

#define IN_ORDER(one, other, peers) \
	"networks: [{name: n, cidr: 10.0.0.0/24, peers: [" peers "], groups: [" one ", " other "]}]"
#define HUB_AND_A "{name: hub, jump: true}, {name: a}"

static void test_order(void)
{
	static const char first[] = IN_ORDER("{name: x}", "{name: y}", HUB_AND_A);
	static const char groups[] = IN_ORDER("{name: Y}", "{name: x}", HUB_AND_A);
	static const char peers[] = IN_ORDER("{name: Y}", "{name: x}", "{name: a}, {name: hub, jump: true}");

	fresh();
	fake_apply_text(&world, first);
	fake_request(&world, &(struct wg_request){ .file = "x.yaml", .text = groups, .len = strlen(groups), .prune = true });
	is_plan(&world, "~ network n: groups: [\"x\", \"y\"] → [\"Y\", \"x\"]\n~ group n/y: name: y → Y\n",
		"another order of groups of one priority is told");
	is_str(doppel_wg_networks_site(world.networks)->document->networks[0].groups[0].name, "Y", "… and made");
	fake_request(&world, &(struct wg_request){ .file = "x.yaml", .text = peers, .len = strlen(peers), .prune = true });
	is_plan(&world, "", "one of peers is nothing to tell");
	is_real(&world, "n ipv4: a 10.0.0.2, hub 10.0.0.1", "… but made, too");
}

static void apply_many(const char *name, unsigned int number)
{
	auto_buf struct buf text = {};
	unsigned int i;

	doppel_buf_printf(&text, "networks: [{name: %s, cidr: 10.%u.0.0/24, listen_port: %u, dns: {upstream: [192.0.2.1", name,
			  number, number);
	for (i = 0; i < DOPPEL_YAML_NODES_MAX / 2; i++)
		doppel_buf_printf(&text, ",192.0.2.1");
	doppel_buf_printf(&text, "]}}]");
	fake_apply_text(&world, text.data);
}

static void test_too_much(void)
{
	fresh();
	apply_many("lab", 1);
	is_int(world.err, 0, "a file that is long");
	fake_clear(&world.order);
	apply_many("office", 2);
	refused(-EINVAL, "x.yaml: with what is there already these are too many values",
		"what could not be read again at the next start");
}

static void test_edits(void)
{
	fresh();
	is_int(fake_edit(&world, WG_ADD, WG_NETWORK, "lab", NULL, "{ipv4_cidr: 10.1.0.0/24, endpoint: 192.0.2.1}"), 0, "a network");
	is_int(fake_edit(&world, WG_ADD, WG_PEER, "lab", "hub", "{jump: true}"), 0, "its jump peer");
	is_int(fake_edit(&world, WG_ADD, WG_PEER, "lab", "phone", NULL), 0, "a peer");
	is_plan(&world, "+ peer lab/phone\n~ peer lab/phone: ipv4_address: 10.1.0.2\n", "… with its address");
	is_int(fake_edit(&world, WG_ADD, WG_POLICY, "lab", "all", "{rules: [{direction: input, action: allow, target: any}]}"),
	       0, "a policy");
	is_int(fake_edit(&world, WG_ADD, WG_GROUP, "lab", "g", "{priority: 10, policies: [all]}"), 0, "a group");
	is_int(fake_edit(&world, WG_SET, WG_PEER, "lab", "phone", "{groups: [g], preshared_key: generate}"), 0, "who is in it");
	is_plan(&world, "~ peer lab/phone: groups: [\"g\"]\n~ peer lab/phone: preshared_key: changed\n"
		"! peer lab/phone: its file is outdated; give it the new one\n", "R10.5 … and a static peer's file is outdated");
	is_int(fake_edit(&world, WG_SET, WG_PEER, "lab", "phone", "{groups: null}"), 0, "out again");
	is_plan(&world, "~ peer lab/phone: groups: no longer [\"g\"]\n", "… which its file does not say");
	is_int(fake_edit(&world, WG_ADD, WG_ROUTE, "lab", "lan", "{destination: 192.168.1.0/24, via: hub, groups: [g]}"), 0,
	       "R7.1 a route");
	is_int(fake_edit_thing(&world, &(struct wg_edit){ WG_ADD, WG_MAPPING, "lab", "lan", "nas",
							  "{address: 192.168.1.9}" }), 0, "R8.1 a mapping");
	is_int(fake_edit(&world, WG_REMOVE, WG_ROUTE, "lab", "lan", NULL), 0, "R8.5 a route goes");
	is_plan(&world, "- route lab/lan\n- dns lab/lan/nas\n", "R8.5 … with its mappings, and says so");
	is_int(fake_edit(&world, WG_SET, WG_PEER, "lab", "phone", "{ipv4_address: 10.1.0.2}"), 0, "its address is fixed");
	is_plan(&world, "~ peer lab/phone: ipv4_address: 10.1.0.2 → 10.1.0.2 (fixed)\n", "… and told");
	is_int(fake_edit(&world, WG_REMOVE, WG_PEER, "lab", "phone", NULL), 0, "it goes");
	is_plan(&world, "- peer lab/phone\n", "… alone");
	is_int(fake_edit(&world, WG_ADD, WG_PEER, "lab", "tablet", NULL), 0, "another comes");
	is_plan(&world, "+ peer lab/tablet\n~ peer lab/tablet: ipv4_address: 10.1.0.2\n", "R3.5 R11.3 … and has its address");
	is_int(fake_edit(&world, WG_REMOVE, WG_NETWORK, "lab", NULL, NULL), 0, "all of it goes");
	is_real(&world, "", "… and is not real any more");
}

static void test_modes(void)
{
	static const char dual[] = "{ip_stack_mode: dual, ipv6_cidr: \"fd00::/64\"}";

	fresh();
	fake_apply_text(&world, OFFICE);
	is_int(fake_edit(&world, WG_ADD, WG_PEER, "office", "tv", NULL), 0, "a static peer");
	is_int(fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, dual), 0, "R10.1 IPv6 is added");
	is_plan(&world,
		"~ network office: ip_stack_mode: dual\n~ network office: ipv6_cidr: fd00::/64\n"
		"~ peer office/hub: ipv6_address: fd00::1\n~ peer office/laptop: ipv6_address: fd00::2\n"
		"~ peer office/tv: ipv6_address: fd00::3\n"
		"! peer office/tv: its file is outdated; give it the new one\n",
		"R10.1 R10.5 … to all peers, and the static one's file is outdated");
	is_real(&world, "office dual: hub 10.0.0.1 fd00::1, laptop 10.0.0.2 fd00::2, tv 10.0.0.3 fd00::3", "R10.1 … really");
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{ip_stack_mode: ipv4}");
	is_int(world.err, -EBUSY, "R10.6 not away again while a static peer has it");
	is_int(fake_edit(&world, WG_SET, WG_PEER, "office", "tv", "{agent: true}"), 0, "it gets an agent");
	is_int(fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{ip_stack_mode: ipv4}"), 0, "R10.2 IPv6 goes");
	is_plan(&world,
		"~ network office: ip_stack_mode: dual → ipv4\n~ network office: ipv6_cidr: no longer fd00::/64\n"
		"~ peer office/hub: ipv6_address: no longer fd00::1\n~ peer office/laptop: ipv6_address: no longer fd00::2\n"
		"~ peer office/tv: ipv6_address: no longer fd00::3\n", "R10.2 … with all addresses");
	is_real(&world, "office ipv4: hub 10.0.0.1, laptop 10.0.0.2, tv 10.0.0.3", "R10.2 … and IPv4 stays as it was");
	fake_edit(&world, WG_REMOVE, WG_ROUTE, "office", "lan", NULL);
	is_int(fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{ip_stack_mode: ipv6, ipv6_cidr: \"fd00:1::/64\"}"), 0,
	       "R10.4 IPv4 goes");
	is_real(&world, "office ipv6: hub fd00:1::1, laptop fd00:1::2, tv fd00:1::3", "R10.4 … with all addresses");
	is_int(fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{ip_stack_mode: dual, ipv4_cidr: 10.7.0.0/24}"), 0,
	       "R10.3 IPv4 is added");
	is_real(&world, "office dual: hub 10.7.0.1 fd00:1::1, laptop 10.7.0.2 fd00:1::2, tv 10.7.0.3 fd00:1::3",
		"R10.3 … to all peers, and IPv6 stays as it was");
	is_int(fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{ipv4_cidr: 10.8.0.0/31}"), -ENOSPC,
	       "… but not from a prefix that is too small");
}

#define OWN \
	"firewall: iptables\n" \
	"networks:\n" \
	"  - {name: site, cidr: 10.5.0.0/24, peers: [{name: hub, jump: true}, {name: a}]}\n"

static int reload(const char *section)
{
	struct yaml *yaml = NULL;

	world.error = (struct doppel_error){};
	if (section)
		doppel_yaml_parse("agent.yaml", section, strlen(section), &yaml, &world.error);
	world.err = doppel_wg_networks_reload(world.networks, yaml ? yaml->root : NULL, &world.error);
	doppel_yaml_free(yaml);
	return world.err;
}

static void test_own_file(void)
{
	auto_buf struct buf text = {};

	fresh();
	fake_stop(&world);
	fake_start(&world, OWN);
	is_real(&world, "site ipv4: hub 10.5.0.1, a 10.5.0.2", "R14.1 R14.2 R14.5 the agent's own file, as older ones are");
	is_int(doppel_wg_networks_site(world.networks)->document->firewall, WG_FIREWALL_IPTABLES, "its firewall");
	ok(doppel_wg_networks_owned(world.networks, "SITE") && !doppel_wg_networks_owned(world.networks, "office"),
	   "whose it is");
	fake_clear(&world.order);
	fake_edit(&world, WG_ADD, WG_PEER, "site", "b", NULL);
	refused(-EPERM, "network \"site\" is the agent's own file's; change it there, and reload the agent", "an edit of it");
	fake_edit(&world, WG_REMOVE, WG_NETWORK, "site", NULL, NULL);
	refused(-EPERM, "network \"site\" is the agent's own file's; change it there, and reload the agent", "its removal");
	fake_apply_text(&world, "networks: [{name: site, cidr: 10.5.0.0/24}]");
	refused(-EPERM, "x.yaml:1:12: networks[0]: is the agent's own file's; change it there, and reload the agent",
		"another file's of that name");
	fake_apply_text(&world, "firewall: nftables");
	refused(-EPERM, "x.yaml:1:11: firewall: is the agent's own file's; change it there, and reload the agent",
		"another firewall");

	is_int(fake_apply_text(&world, "networks: [{name: lab, cidr: 10.1.0.0/24, listen_port: 1, peers: [{name: hub, jump: true}]}]"), 0,
	       "another network beside it");
	is_int(doppel_wg_networks_export(world.networks, NULL, &text, &world.error), 0, "all is exported");
	is_int(fake_request(&world, &(struct wg_request){ .file = "x.yaml", .text = text.data, .len = text.len, .prune = true }), 0,
	       "… and applied");
	is_plan(&world, "", "… which changes nothing");

	is_int(reload("networks: [{name: site, cidr: 10.5.0.0/24, peers: [{name: hub, jump: true}, {name: c}]}]"), 0, "reloaded");
	is_real(&world, "site ipv4: hub 10.5.0.1, c 10.5.0.2; lab ipv4: hub 10.1.0.1", "… and real");
	is_int(reload("networks: [{name: site, cidr: 10.5.0.0/33}]"), -EINVAL, "a faulty one is not");
	ok(strstr(world.error.text, "agent.yaml:1:31: networks[0].cidr: must be a prefix") == world.error.text, "… and says where: %s", world.error.text);
	is_int(reload("networks: [{name: site, cidr: 10.1.0.0/16}]"), -EINVAL, "nor one that overlaps what was applied");
	is_int(reload("networks: [{name: Lab, cidr: 10.1.0.0/24, peers: [{name: hub, jump: true}, {name: x}]}]"), 0,
	       "it takes over what was applied");
	is_real(&world, "Lab ipv4: hub 10.1.0.1, x 10.1.0.2", "… and that is real");
	ok(doppel_wg_networks_owned(world.networks, "lab"), "… and its own");
	fake_stop(&world);
	fake_start(&world, NULL);
	is_real(&world, "", "without the file nothing of it stays");
}

#define MODE(mode, peer) \
	"networks: [{name: site, ip_stack_mode: " mode ", ipv4_cidr: 10.5.0.0/24, " \
	"peers: [{name: hub, jump: true}" peer "]}]"
#define DUAL "dual, ipv6_cidr: \"fd00::/64\""

static void test_mode_at_the_start(void)
{
	fresh();
	fake_stop(&world);
	fake_start(&world, MODE(DUAL, ", {name: tv}, {name: laptop, agent: true}"));
	is_int(world.err, 0, "the agent's own file has a static peer with both families");
	fake_stop(&world);
	fake_start(&world, MODE("ipv4", ", {name: tv}, {name: laptop, agent: true}"));
	is_int(world.err, -EBUSY, "R10.6 the next agent does not begin without one of them");
	is_str(world.error.text,
	       "network \"site\": ip_stack_mode cannot become ipv4: static peers have IPv6 addresses: \"tv\"; remove them first, or let them run an agent",
	       "R10.6 … and says why");
	is_str(world.order.data, "", "R10.6 … and changes nothing");
	fake_stop(&world);
	fake_start(&world, MODE(DUAL, ", {name: tv}, {name: laptop, agent: true}"));
	is_real(&world, "site dual: hub 10.5.0.1 fd00::1, tv 10.5.0.2 fd00::2, laptop 10.5.0.3 fd00::3",
		"with them all is as it was");
	fake_stop(&world);
	fake_start(&world, MODE("ipv4", ", {name: laptop, agent: true}"));
	is_real(&world, "site ipv4: hub 10.5.0.1, laptop 10.5.0.3", "R10.2 without the static peer it begins");
}

static void test_left_out(void)
{
	fresh();
	fake_apply_text(&world, "networks: [{name: lab, cidr: 10.1.0.0/24, peers: [{name: hub, jump: true}, {name: a, ipv4_address: 10.1.0.9}]},"
			" {name: x, cidr: 10.2.0.0/24, listen_port: 1}]");
	fake_stop(&world);
	fake_start(&world, "networks: [{name: site, cidr: 10.1.0.0/16}]");
	is_int(world.err, 0, "a file that does not go with what was applied begins all the same: %s", world.error.text);
	is_real(&world, "site ipv4:; x ipv4:", "… with what goes");
	fake_stop(&world);
	fake_start(&world, NULL);
	is_real(&world, "lab ipv4: hub 10.1.0.1, a 10.1.0.9; x ipv4:", "and what was left out is not lost");
}

static void test_time(void)
{
	fresh();
	fake_apply_text(&world, "networks: [{name: n, cidr: 10.0.0.0/24, peers: [{name: hub, jump: true},"
			" {name: a, expires: 2026-09-21T14:13:25Z}, {name: b, expires: 2026-09-21T14:15:20Z}]}]");
	is_real(&world, "n ipv4: hub 10.0.0.1, a 10.0.0.2, b 10.0.0.3", "nobody has expired");
	is_int(doppel_wg_networks_deadline(world.networks), 1000 + 5000, "the first will in five seconds");
	world.ms += 5000;
	world.wall += 5;
	doppel_wg_networks_timeout(world.networks);
	is_real(&world, "n ipv4: hub 10.0.0.1, a! 10.0.0.2, b 10.0.0.3", "… and has, and keeps its address");
	is_str(world.events.data, "changed\nnetwork n: peer a has expired\n", "… and it is told");
	is_int(doppel_wg_networks_deadline(world.networks), world.ms + 60000, "all is looked at each minute");
	world.wall -= 5;
	doppel_wg_networks_timeout(world.networks);
	is_real(&world, "n ipv4: hub 10.0.0.1, a 10.0.0.2, b 10.0.0.3", "the clock is set back");
	world.wall += 500;
	doppel_wg_networks_timeout(world.networks);
	fake_stop(&world);
	world.wall = 1000;
	fake_start(&world, NULL);
	is_real(&world, "n ipv4: hub 10.0.0.1, a! 10.0.0.2, b! 10.0.0.3", "a clock that was never set lets nobody in again");
}

static int problem(const struct wg_part_view *part, void *ctx)
{
	doppel_buf_printf(ctx, "%s: %s in %d\n", part->name, part->good ? "good" : part->problem,
			  part->next_try ? (int)(part->next_try - world.wall) : 0);
	return 0;
}

static void is_problems(const char *want, const char *what)
{
	auto_buf struct buf text = {};

	doppel_wg_networks_foreach_part(world.networks, problem, &text);
	is_str(text.data, want, "%s", what);
}

static void test_failures(void)
{
	fresh();
	world.parts[1].err = -EPERM;
	is_int(fake_apply_text(&world, OFFICE), 0, "a part fails, and what is wanted is wanted still");
	is_problems("firewall: good in 0\nkernel: no kernel in 1\nnames: good in 0\n", "which one is known");
	is_int(doppel_wg_networks_deadline(world.networks), world.ms + 1000, "tried again in a second");
	world.ms += 1000;
	doppel_wg_networks_timeout(world.networks);
	is_int(doppel_wg_networks_deadline(world.networks), world.ms + 2000, "… then in two");
	world.parts[1].err = 0;
	world.parts[0].err = -EIO;
	world.ms += 2000;
	doppel_wg_networks_timeout(world.networks);
	is_problems("firewall: no firewall in 4\nkernel: waits for the firewall in 4\nnames: waits for the firewall in 4\n",
		    "nothing is opened without rules");
	world.parts[0].err = 0;
	world.ms += 4000;
	doppel_wg_networks_timeout(world.networks);
	is_real(&world, "office ipv4: hub 10.0.0.1, laptop 10.0.0.2", "in the end all is real");
	is_problems("firewall: good in 0\nkernel: good in 0\nnames: good in 0\n", "and good");
	is_str(world.events.data, "kernel: no kernel\nchanged\nfirewall: no firewall\nkernel: waits for the firewall\n"
	       "names: waits for the firewall\nfirewall: good again\nkernel: good again\nnames: good again\n", "each is told once");
	fake_clear(&world.order);
	doppel_wg_networks_devices_changed(world.networks);
	is_int(doppel_wg_networks_deadline(world.networks), world.ms + 60000, "devices are nothing to rules without them");
	fake_edit(&world, WG_SET, WG_POLICY, "office", "site", "{rules: [{direction: output, action: allow, target: \"02:00:00:00:00:01\"}]}");
	fake_clear(&world.order);
	doppel_wg_networks_devices_changed(world.networks);
	is_int(doppel_wg_networks_deadline(world.networks), world.ms + 100, "to a rule with one they are, soon");
	world.ms += 100;
	doppel_wg_networks_timeout(world.networks);
	is_str(world.order.data, "firewall kernel names ", "… and all is looked at");
	doppel_wg_networks_refresh(world.networks);
	is_int(doppel_wg_networks_deadline(world.networks), world.ms + 100, "what somebody else changed is looked at soon");
}

static void test_nothing(void)
{
	fresh();
	fake_stop(&world);
	world.parts[0].err = -ENOENT;
	fake_start(&world, NULL);
	is_problems("firewall: good in 0\nkernel: good in 0\nnames: good in 0\n",
		    "a box without networks needs no kernel for them");
	fake_apply_text(&world, OFFICE);
	is_problems("firewall: no firewall in 1\nkernel: waits for the firewall in 1\nnames: waits for the firewall in 1\n",
		    "… until it has one");
	world.parts[0].err = 0;
}

/* Where the agent dies: at that call of that part, before it or after it. */
static struct death {
	unsigned int call;
	bool after;
} death;

static int die_apply(void *ctx, const struct wg_site *site, struct doppel_error *error)
{
	int err;

	if (!--death.call && !death.after)
		_exit(0);
	err = fake_apply(ctx, site, error);
	if (!death.call)
		_exit(0);
	return err;
}

static uint32_t die_below(struct rng *rng, uint32_t n)
{
	(void)rng;
	(void)n;
	_exit(0);
}

static void change_and_die(unsigned int call, bool after)
{
	static struct rng deadly = { die_below };
	struct wg_part parts[FAKE_PARTS];
	size_t i;

	fake_stop(&world);
	fake_start(&world, NULL);
	doppel_wg_networks_free(world.networks);
	world.networks = NULL;
	death = (struct death){ call ? call + FAKE_PARTS : 0, after };
	for (i = 0; i < FAKE_PARTS; i++)
		parts[i] = (struct wg_part){ world.parts[i].name, die_apply, &world.parts[i], false };
	doppel_wg_networks_new(&(struct wg_networks_env){
		.store = world.store, .clock = &world.clock, .rng = call ? &doppel_rng : &deadly,
		.parts = parts, .part_count = FAKE_PARTS }, NULL, &world.networks, &world.error);
	fake_edit(&world, WG_ADD, WG_PEER, "office", "new", NULL);
	_exit(1);
}

static void test_kill(void)
{
	static const char before[] = "office ipv4: hub 10.0.0.1, laptop 10.0.0.2";
	static const char after[] = "office ipv4: hub 10.0.0.1, laptop 10.0.0.2, new 10.0.0.3";
	unsigned int call;
	int status = -1;

	for (call = 0; call <= 2 * FAKE_PARTS; call++) {
		pid_t child;

		fresh();
		fake_apply_text(&world, OFFICE);
		fake_stop(&world);
		child = fork();
		if (!child)
			change_and_die((call + 1) / 2, call && !(call % 2));
		waitpid(child, &status, 0);
		is_int(status, 0, "killed %s", call ? "at a part" : "before the store");
		fake_start(&world, NULL);
		is_real(&world, call ? after : before, "… and the next start brings all to agreement");
	}
}

static void test_handed_out(void)
{
	const struct wg_assignment *office;
	auto_buf struct buf text = {};
	char hash[WG_QUICK_HASH_TEXT];

	fresh();
	fake_apply_text(&world, OFFICE);
	fake_edit(&world, WG_ADD, WG_PEER, "office", "tv", NULL);
	office = doppel_wg_assignment(doppel_wg_networks_site(world.networks), "office");
	ok(!doppel_wg_networks_outdated(world.networks, office, doppel_wg_member(office, "tv")),
	   "who has no file has no outdated one");
	doppel_wg_quick_render(office, doppel_wg_member(office, "tv"), &text, &world.error);
	is_int(doppel_wg_networks_handed_out(world.networks, "office", "tv", doppel_wg_quick_hash(&text, hash)), 0, "it gets one");
	is_int(doppel_wg_networks_handed_out(world.networks, "office", "radio", hash), -ENOENT, "nobody gets none");
	ok(!doppel_wg_networks_outdated(world.networks, office, doppel_wg_member(office, "tv")), "… which is the newest");
	fake_edit(&world, WG_SET, WG_NETWORK, "office", NULL, "{listen_port: 4000}");
	fake_stop(&world);
	fake_start(&world, NULL);
	office = doppel_wg_assignment(doppel_wg_networks_site(world.networks), "office");
	ok(doppel_wg_networks_outdated(world.networks, office, doppel_wg_member(office, "tv")),
	   "R10.5 … until something in it changes, over restarts");
}

static void test_given(void)
{
	static const uint8_t zeros[WG_KEY_LEN];
	const struct wg_assignment *office;
	auto_wg_kept struct wg_kept given;
	struct wg_kept_peer *hub;

	fresh();
	doppel_wg_kept_init(&given);
	hub = doppel_wg_kept_add(&given, "office", "hub");
	doppel_wg_key_private(&doppel_rng, hub->private_key);
	doppel_wg_key_public(hub->private_key, hub->public_key);
	hub->has_private_key = true;
	is_int(fake_request(&world, &(struct wg_request){ .file = "wg0.conf", .text = OFFICE, .len = strlen(OFFICE),
							  .given = &given }), 0, "with a key that was made elsewhere");
	fake_stop(&world);
	fake_start(&world, NULL);
	office = doppel_wg_assignment(doppel_wg_networks_site(world.networks), "office");
	is_mem(office->jump->private_key, hub->private_key, WG_KEY_LEN, "… which is kept");
	ok(memcmp(office->members[1].private_key, zeros, WG_KEY_LEN), "… beside those that are made here");
}

static void is_change(const struct wg_change *change, const char *want)
{
	json_t *json = doppel_wg_change_json(change);
	char *text = json_dumps(json, JSON_COMPACT);

	is_str(text, want, "for programs, without secrets");
	free(text);
	json_decref(json);
}

static void test_json(void)
{
	fresh();
	fake_apply_text(&world, OFFICE);
	fake_edit(&world, WG_SET, WG_PEER, "office", "laptop", "{groups: [], preshared_key: \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"}");
	is_int(world.plan->count, 2, "two changes");
	is_change(&world.plan->changes[0], "{\"action\":\"changed\",\"object\":\"peer\",\"network\":\"office\",\"name\":\"laptop\","
		  "\"key\":\"groups\",\"from\":\"[\\\"staff\\\"]\",\"to\":\"[]\"}");
	is_change(&world.plan->changes[1], "{\"action\":\"changed\",\"object\":\"peer\",\"network\":\"office\",\"name\":\"laptop\","
		  "\"key\":\"preshared_key\"}");
}

int main(void)
{
	char directory[SCRATCH_SIZE];

	if (sodium_init() < 0)
		return 1;
	scratch_make(directory);
	doppel_log_set_level(LOG_ERR - 1);
	snprintf(world.path, sizeof(world.path), "%s/doppel.db", directory);
	test_apply();
	test_refusals();
	test_targets();
	test_order();
	test_too_much();
	test_edits();
	test_modes();
	test_own_file();
	test_mode_at_the_start();
	test_left_out();
	test_time();
	test_failures();
	test_nothing();
	test_kill();
	test_handed_out();
	test_given();
	test_json();
	fake_free(&world);
	return scratch_remove(directory) ? 1 : done_testing();
}
