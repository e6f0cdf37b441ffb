// SPDX-License-Identifier: GPL-2.0-only
/* Every path of the API on a box of WireGuard networks without a kernel. The peer laptop's token is TOKEN. */
#include <sodium.h>

#include "api_request.h"
#include "base/log.h"
#include "scratch.h"
#include "wg_networks_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TOKEN "t"
#define PEERS_MAX 40

static const char networks[] =
	"networks: [{name: n, ip_stack_mode: dual, ipv4_cidr: 10.0.0.0/24, ipv6_cidr: \"fd00::/64\", endpoint: h.example,\n"
	"  dns: {upstream: [192.0.2.53]},\n"
	"  peers: [{name: hub, jump: true}, {name: laptop, agent: true, groups: [g]}, {name: tv, agent: true}],\n"
	"  groups: [{name: g, policies: [p]}],\n"
	"  policies: [{name: p, rules: [{direction: output, action: allow, target: any}]}],\n"
	"  routes: [{name: r, destination: 192.0.2.0/24, via: hub, groups: [g], dns: [{name: d, address: 192.0.2.1}]}]}]\n";

static char directory[SCRATCH_SIZE];
static struct fake_networks fake;
static struct api_context context;

static void clean_up(void)
{
	fake_free(&fake);
	scratch_remove(directory);
}

static void begin(void)
{
	if (sodium_init() < 0)
		abort();
	doppel_log_set_level(LOG_ERR - 1);
	scratch_make(directory);
	atexit(clean_up);
	snprintf(fake.path, sizeof(fake.path), "%s/db", directory);
	fake.ms = 1000;
	fake.wall = 1790000000;		/* 2026-09-21 */
	fake_start(&fake, NULL);
	context = (struct api_context){
		.networks = fake.networks,
		.clock = &fake.clock,
		.config_file = "/etc/x.yaml",
	};
	doppel_list_init(&context.streams);
	doppel_list_init(&context.joins);
}

static bool is_whole(void)
{
	const struct wg_site *site = doppel_wg_networks_site(fake.networks);
	const struct wg_assignment *network = doppel_wg_assignment(site, "n");

	return network && site->network_count == 1 && network->network->peer_count < PEERS_MAX &&
	       doppel_wg_member(network, "laptop");
}

/* The networks, whatever the request before has done to them. */
static void restore(void)
{
	const struct wg_request request = {
		.file = "x.yaml", .text = networks, .len = strlen(networks), .prune = true,
	};

	if (is_whole())
		return;
	if (fake_request(&fake, &request))
		abort();
	doppel_wg_networks_token(fake.networks, "n", "laptop", TOKEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!fake.networks)
		begin();
	restore();
	fake_clear(&fake.order);
	fake_clear(&fake.events);
	api_request(&context, data, len);
	return 0;
}
