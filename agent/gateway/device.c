// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "gateway/config.h"
#include "gateway/dhcp6_message.h"
#include "gateway/state.h"

/*
 * About so many frames it takes, per family, until a device has its addresses: DHCP, three probes and
 * two announcements; solicitations and advertisements, and reports for three groups, each twice.
 */
#define BEGIN_FRAMES4 7
#define BEGIN_FRAMES6 16
#define CONFIRM_FRAMES4 1	/* a REQUEST */
#define CONFIRM_FRAMES6 6	/* a CONFIRM, neighbour solicitations, reports */
#define JITTER_MS 1000		/* SOL_MAX_DELAY (RFC 8415), MAX_RTR_SOLICITATION_DELAY (RFC 4861) */
#define JITTER_EACH_MS 50
#define TRANSLATION_MS 6000	/* from begin() to the first IPv6 address, duplicate address detection included */
#define PASSES_MAX 3		/* turns that a device lets pass */

static struct attempt_policy policy_of(const struct config_retry *retry)
{
	return (struct attempt_policy){
		.timeout_ms = retry->timeout_ms,
		.retries = retry->retries,
		.retry_delay_ms = retry->retry_delay_ms,
		.retry_cap_ms = retry->retry_cap_ms,
	};
}

/* What begins something new waits for what keeps up what is there. */
static enum pace_class class_of(const struct device *device, const void *frame, size_t len)
{
	struct packet packet;
	bool begins;

	if (doppel_frame_parse(frame, len, FRAME_CHECKSUM_PENDING, &packet) != VERDICT_ACCEPTED)
		return PACE_URGENT;
	if (packet.kind == PACKET_UDP4)
		begins = device->dhcp4.state == DHCP4_SELECTING;
	else if (packet.kind == PACKET_UDP6)
		begins = packet.len && (packet.payload[0] == DHCP6_SOLICIT ||
					packet.payload[0] == DHCP6_INFORMATION_REQUEST);
	else
		return PACE_URGENT;
	return begins ? PACE_BEGINNING : PACE_ASKING;
}

static void send_frame(void *ctx, const void *frame, size_t len)
{
	struct device *device = ctx;

	/*
	 * Nothing leaves before the module stands guard at the WAN port, and what waits for a link
	 * would be stale when it comes.
	 */
	if (device->gateway->ready && device->gateway->wan.running)
		doppel_pace_send(&device->gateway->pace, &device->pace,
				 class_of(device, frame, len), frame, len);
}

static const char *mac_text(const struct device *device)
{
	static char text[DOPPEL_MAC_TEXT];

	return doppel_mac_format(&device->mac, text);
}

static void tell_conflict(struct device *device, const char *address, const struct mac *rival)
{
	char text[DOPPEL_MAC_TEXT];

	doppel_log(LOG_WARNING, "device %s: %s has %s", mac_text(device),
		   doppel_mac_format(rival, text), address);
	doppel_gateway_emit(device->gateway, GATEWAY_EVENT_CONFLICT, device, "%s also claims %s",
			    text, address);
}

/* The first lease tells which name servers the LAN's DHCP should name. */
static void learn_dns(struct gateway *gateway, const struct dhcp4_lease *lease)
{
	if (doppel_lan_dhcp_set_dns(&gateway->lan_dhcp, lease->dns, lease->dns_count) &&
	    gateway->lan_dhcp.text)
		doppel_lan_dhcp_apply(&gateway->lan_dhcp, gateway->config);
}

static void on_dhcp4(void *ctx, const struct dhcp4_event *event)
{
	struct device *device = ctx;
	char text[DOPPEL_IP4_TEXT] = "";

	if (event->lease)
		doppel_ip4_format(event->lease->address, text);
	switch (event->kind) {
	case DHCP4_EVENT_BOUND:
		doppel_log(LOG_INFO, "device %s: WAN IPv4 %s", mac_text(device), text);
		device->conflict4 = false;
		learn_dns(device->gateway, event->lease);
		doppel_servers_lease4(device->gateway, event->lease, true);
		device->keep4 = true;
		break;
	case DHCP4_EVENT_RENEWED:
		learn_dns(device->gateway, event->lease);
		doppel_servers_lease4(device->gateway, event->lease, true);
		device->keep4 = true;
		break;
	case DHCP4_EVENT_LOST:
		doppel_log(LOG_WARNING, "device %s: lost WAN IPv4 %s: %s", mac_text(device), text,
			   event->reason);
		doppel_attachment_changed(device->gateway);
		doppel_servers_lease4(device->gateway, event->lease, false);
		device->keep4 = true;
		break;
	case DHCP4_EVENT_CONFLICT:
		device->conflict4 = true;
		tell_conflict(device, text, &event->rival);
		break;
	case DHCP4_EVENT_STATUS:
		break;
	}
	device->changed = true;
}

static void on_dhcp6(void *ctx, const struct dhcp6_event *event)
{
	struct device *device = ctx;
	char text[DOPPEL_IP6_TEXT] = "";

	if (event->kind == DHCP6_EVENT_CONFLICT)
		doppel_ip6_format(&event->address, text);
	else if (event->lease && event->lease->address_count)
		doppel_ip6_format(&event->lease->addresses[0].address, text);
	switch (event->kind) {
	case DHCP6_EVENT_BOUND:
		doppel_log(LOG_INFO, "device %s: WAN IPv6 %s by DHCPv6", mac_text(device), text);
		doppel_names_learn6(device->gateway, event->lease->dns, event->lease->dns_count);
		doppel_servers_lease6(device->gateway, event->lease, true);
		device->keep6 = true;
		break;
	case DHCP6_EVENT_RENEWED:
		doppel_names_learn6(device->gateway, event->lease->dns, event->lease->dns_count);
		doppel_servers_lease6(device->gateway, event->lease, true);
		device->keep6 = true;
		break;
	case DHCP6_EVENT_LOST:
		doppel_log(LOG_WARNING, "device %s: lost WAN IPv6 %s: %s", mac_text(device), text,
			   event->reason);
		doppel_attachment_changed(device->gateway);
		doppel_servers_lease6(device->gateway, event->lease, false);
		device->keep6 = true;
		break;
	case DHCP6_EVENT_CONFLICT:
		tell_conflict(device, text, &event->rival);
		break;
	case DHCP6_EVENT_INFORMED:
		doppel_names_learn6(device->gateway, event->lease->dns, event->lease->dns_count);
		break;
	case DHCP6_EVENT_STATUS:
		break;
	}
	device->changed = true;
}

static void on_slaac(void *ctx, const struct slaac_event *event)
{
	struct device *device = ctx;
	char text[DOPPEL_IP6_TEXT] = "its link-local address";

	if (event->address)
		doppel_ip6_format(&event->address->address, text);
	switch (event->kind) {
	case SLAAC_EVENT_ADDED:
	case SLAAC_EVENT_UPDATED:
		device->keep_slaac = true;
		break;
	case SLAAC_EVENT_REMOVED:
		doppel_log(LOG_NOTICE, "device %s: WAN IPv6 %s is over", mac_text(device), text);
		device->keep_slaac = true;
		break;
	case SLAAC_EVENT_CONFLICT:
		tell_conflict(device, text, &event->rival);
		break;
	case SLAAC_EVENT_NO_ROUTER:
		device->no_router = true;
		break;
	case SLAAC_EVENT_LINK_LOCAL:
	case SLAAC_EVENT_STATUS:
		break;
	}
	device->changed = true;
}

/* The machines, new: with the file's policies. */
static void init_machines(struct device *device)
{
	struct gateway *gateway = device->gateway;
	const struct config *config = gateway->config;
	/* Few may all begin at once. */
	const int64_t jitter = doppel_earlier(JITTER_MS, JITTER_EACH_MS * gateway->devices.count);
	const struct attempt_policy policy6 = policy_of(&config->dhcp6);
	struct dhcp4_config dhcp4 = {
		.mac = device->mac,
		.known = &gateway->known4,
		.looks = device->dhcp4.config.looks,
		.policy = policy_of(&config->dhcp4),
		.client_id_duid = config->dhcp4_duid,
		.start_jitter_ms = jitter,
	};
	struct slaac_config slaac = {
		.mac = device->mac,
		.stable_privacy = config->slaac.address == CONFIG_SLAAC_STABLE_PRIVACY,
		.wait_ms = config->slaac.wait_ms,
		.start_jitter_ms = jitter,
	};
	const struct dhcp6_config dhcp6 = {
		.mac = device->mac,
		.known = &gateway->known6,
		.policy = policy6,
		.start_jitter_ms = jitter,
		.elsewhere = doppel_wan6_is_elsewhere,
	};

	doppel_pace_forget(&gateway->pace, &device->pace);
	memcpy(slaac.secret, gateway->secret, sizeof(slaac.secret));
	/* Until it has been heard on the LAN its name is all that is known. */
	if (!dhcp4.looks.hostname[0])
		snprintf(dhcp4.looks.hostname, sizeof(dhcp4.looks.hostname), "%s",
			 device->hostname);
	doppel_dhcp4_init(&device->dhcp4, &device->env, &dhcp4, on_dhcp4);
	doppel_slaac_init(&device->slaac, &device->env, &slaac, on_slaac);
	doppel_dhcp6_init(&device->dhcp6, &device->env, &dhcp6, &device->slaac.mld, on_dhcp6);
	doppel_reach_init(&device->reach, &device->env, &device->mac, &policy6);
	device->mode6 = DHCP6_MODE_NONE;
}

int doppel_device_new(struct gateway *gateway, const struct mac *mac, struct device **device)
{
	struct device *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->gateway = gateway;
	new->mac = *mac;
	new->inactive = true;
	new->status = DEVICE_INACTIVE;
	new->begin_at = NEVER;
	new->confirm_at = NEVER;
	new->claim.deadline = NEVER;
	new->seen_ms = doppel_gateway_now(gateway);
	new->env = (struct negotiation_env){
		.clock = gateway->clock,
		.rng = gateway->rng,
		.send = send_frame,
		.ctx = new,
	};
	doppel_pace_source_init(&new->pace);
	init_machines(new);
	if (doppel_map_add(&gateway->devices, &new->node, new->mac.b)) {
		free(new);
		return -ENOMEM;
	}
	*device = new;
	return 0;
}

void doppel_device_free(struct device *device)
{
	doppel_map_del(&device->gateway->devices, &device->node);
	doppel_heap_del(&device->gateway->due, &device->due);
	doppel_concern_forget(device);
	doppel_claim_forget(device);
	doppel_pace_forget(&device->gateway->pace, &device->pace);
	doppel_dhcp4_free(&device->dhcp4);
	doppel_dhcp6_free(&device->dhcp6);
	doppel_slaac_free(&device->slaac);
	free(device->restored);
	free(device->forwards);
	free(device);
}

static void start4(struct device *device, bool forwarding)
{
	const struct gateway *gateway = device->gateway;
	const struct restored_leases *restored = device->restored;

	if (!restored || !restored->dhcp4) {
		doppel_dhcp4_start(&device->dhcp4, NULL);
		if (gateway->nat64.len && gateway->config->wan.ipv6)
			doppel_dhcp4_await_translation(&device->dhcp4, TRANSLATION_MS);
	} else if (forwarding && doppel_ip4_eq(device->held.wan_ipv4, restored->lease4.address)) {
		doppel_dhcp4_resume(&device->dhcp4, &restored->lease4);
		device->gateway->dhcp4_heard = true;
	} else {
		doppel_dhcp4_start(&device->dhcp4, &restored->lease4);
	}
}

static bool holds(const struct device *device, const struct in6_addr *address)
{
	size_t i;

	for (i = 0; i < device->held.wan_ipv6_count; i++)
		if (doppel_ip6_eq(&device->held.wan_ipv6[i].ipv6, address))
			return true;
	return false;
}

/* Go on with the IPv6 addresses that the module has; false if there are none to go on with. */
static bool resume6(struct device *device)
{
	struct restored_leases *restored = device->restored;
	const struct in6_addr link_local = doppel_ip6_link_local(&device->mac);
	unsigned int i, kept = 0;

	if (!doppel_ip6_eq(&device->held.link_local, &link_local))
		return false;
	for (i = 0; restored && i < restored->slaac_count; i++)
		if (holds(device, &restored->slaac[i].address))
			restored->slaac[kept++] = restored->slaac[i];
	doppel_slaac_resume(&device->slaac, restored ? restored->slaac : NULL, kept);
	if (kept)
		doppel_reach_assume(&device->reach);
	if (restored && restored->dhcp6 && restored->lease6.address_count &&
	    holds(device, &restored->lease6.addresses[0].address)) {
		doppel_dhcp6_resume(&device->dhcp6, &link_local, &restored->lease6);
		device->mode6 = DHCP6_MODE_STATEFUL;
		restored->dhcp6 = false;
	}
	return true;
}

static void start6(struct device *device, bool forwarding)
{
	struct gateway *gateway = device->gateway;
	unsigned int i;

	if (!forwarding || !resume6(device))
		doppel_slaac_start(&device->slaac);
	else
		doppel_routers_resume(&gateway->routers, &device->held.wan_router6);
	for (i = 0; i < gateway->routers.count; i++)
		doppel_slaac_advertise(&device->slaac, &gateway->routers.ra[i]);
}

/* What machines have taken over is theirs; DHCPv6 may have to wait for a router that asks for it. */
static void forget_restored(struct device *device)
{
	if (device->restored && device->restored->dhcp6)
		return;
	free(device->restored);
	device->restored = NULL;
}

static void begin(struct device *device, bool forwarding)
{
	const struct config *config = device->gateway->config;

	device->begin_at = NEVER;
	device->passed = 0;
	init_machines(device);
	if (device->stored && !device->restored && doppel_device_restore(device))
		doppel_log(LOG_ERR, "device %s: its leases cannot be read: asking anew",
			   mac_text(device));
	if (config->wan.ipv4)
		start4(device, forwarding);
	if (config->wan.ipv6)
		start6(device, forwarding);
	forget_restored(device);
	device->changed = true;
}

/*
 * The moment, of the monotonic clock, at which to begin what takes so many frames of the families
 * that the file leaves on: the device has this turn of the rate cap's from now on.
 */
static int64_t take_turn(const struct device *device, unsigned int frames4, unsigned int frames6)
{
	struct gateway *gateway = device->gateway;
	const struct config *config = gateway->config;
	const int64_t turn = doppel_pace_turn(&gateway->pace,
					      (config->wan.ipv4 ? frames4 : 0) +
					      (config->wan.ipv6 ? frames6 : 0));

	return doppel_gateway_now(gateway) + turn +
	       doppel_random_ms(doppel_earlier(turn, JITTER_MS), gateway->rng);
}

/*
 * Those that have begun find no answer so soon: then another turn. Some may never find one, as the
 * upstream does not know them, and their repetitions leave no room: so not for ever.
 */
static void begin_if_open(struct device *device)
{
	if (doppel_pace_open(&device->gateway->pace) || device->passed++ == PASSES_MAX)
		begin(device, false);
	else
		device->begin_at = take_turn(device, BEGIN_FRAMES4, BEGIN_FRAMES6);
}

void doppel_device_confirm_later(struct device *device)
{
	if (device->begin_at != NEVER || device->confirm_at != NEVER)
		return;
	device->confirm_at = take_turn(device, CONFIRM_FRAMES4, CONFIRM_FRAMES6);
	doppel_device_schedule(device);
}

void doppel_device_start(struct device *device, bool forwarding)
{
	if (device->negotiating)
		return;
	device->negotiating = true;
	device->changed = true;
	if (forwarding) {
		begin(device, true);
		return;
	}
	device->begin_at = take_turn(device, BEGIN_FRAMES4, BEGIN_FRAMES6);
	if (device->begin_at <= doppel_gateway_now(device->gateway))
		begin_if_open(device);
}

static void stop6(struct device *device, bool release)
{
	doppel_dhcp6_stop(&device->dhcp6, release);
	doppel_slaac_stop(&device->slaac);
	doppel_reach_stop(&device->reach);
	device->mode6 = DHCP6_MODE_NONE;
}

void doppel_device_stop(struct device *device, bool release)
{
	if (!device->negotiating)
		return;
	doppel_pace_forget(&device->gateway->pace, &device->pace);
	doppel_dhcp4_stop(&device->dhcp4, release);
	stop6(device, release);
	free(device->restored);
	device->restored = NULL;
	device->negotiating = false;
	device->begin_at = NEVER;
	device->confirm_at = NEVER;
	device->changed = true;
}

/* Another client to servers: what the old one holds goes back, and is asked for again. */
static void identify(struct device *device, bool client_id_duid)
{
	struct dhcp4 *dhcp = &device->dhcp4;
	struct dhcp4_lease before = dhcp->lease;
	const bool held = dhcp->held;

	if (dhcp->config.client_id_duid == client_id_duid)
		return;
	if (dhcp->state != DHCP4_OFF)
		doppel_dhcp4_stop(dhcp, true);
	dhcp->config.client_id_duid = client_id_duid;
	before.lease_s = 0;		/* over: its address is only wished for */
	if (device->gateway->config->wan.ipv4)
		doppel_dhcp4_start(dhcp, held ? &before : NULL);
	device->keep4 = true;
}

void doppel_device_configure(struct device *device)
{
	const struct config *config = device->gateway->config;

	if (!device->negotiating || device->begin_at != NEVER)
		return;
	device->dhcp4.config.policy = policy_of(&config->dhcp4);
	identify(device, config->dhcp4_duid);
	device->dhcp6.config.policy = policy_of(&config->dhcp6);
	device->reach.policy = policy_of(&config->dhcp6);
	device->slaac.config.wait_ms = config->slaac.wait_ms;
	device->slaac.config.stable_privacy = config->slaac.address == CONFIG_SLAAC_STABLE_PRIVACY;
	if (!config->wan.ipv4 && device->dhcp4.state != DHCP4_OFF) {
		doppel_dhcp4_stop(&device->dhcp4, true);
		device->keep4 = true;
	} else if (config->wan.ipv4 && device->dhcp4.state == DHCP4_OFF) {
		doppel_dhcp4_start(&device->dhcp4, NULL);
	}
	if (!config->wan.ipv6 && device->slaac.running) {
		stop6(device, true);
		device->keep6 = true;
		device->keep_slaac = true;
	} else if (config->wan.ipv6 && !device->slaac.running) {
		start6(device, false);
	}
	device->changed = true;
}

void doppel_device_retry(struct device *device)
{
	const struct config *config = device->gateway->config;

	if (!device->negotiating)
		return;
	if (device->begin_at != NEVER)
		begin(device, false);
	if (config->wan.ipv4)
		doppel_dhcp4_retry(&device->dhcp4);
	if (config->wan.ipv6) {
		doppel_slaac_retry(&device->slaac);
		doppel_reach_retry(&device->reach);
	}
	if (device->mode6 != DHCP6_MODE_NONE)
		doppel_dhcp6_retry(&device->dhcp6);
	doppel_device_settle(device);
}

static void confirm(struct device *device)
{
	const struct config *config = device->gateway->config;

	device->confirm_at = NEVER;
	if (config->wan.ipv4)
		doppel_dhcp4_confirm(&device->dhcp4);
	if (config->wan.ipv6) {
		doppel_slaac_confirm(&device->slaac);
		doppel_reach_retry(&device->reach);
	}
	if (device->mode6 != DHCP6_MODE_NONE)
		doppel_dhcp6_confirm(&device->dhcp6);
}

static void receive_icmp6(struct device *device, const struct packet *packet)
{
	struct neighbour neighbour;

	doppel_slaac_receive(&device->slaac, packet);
	if (doppel_neighbour_parse(packet, &neighbour) != VERDICT_ACCEPTED)
		return;
	doppel_dhcp6_receive(&device->dhcp6, packet);
	if (doppel_reach_receive(&device->reach, packet, &neighbour) == VERDICT_ACCEPTED)
		device->changed = true;
}

void doppel_device_receive(struct device *device, const struct packet *packet)
{
	if (!device->negotiating)
		return;
	switch (packet->kind) {
	case PACKET_ARP:
		doppel_dhcp4_receive(&device->dhcp4, packet);
		break;
	case PACKET_UDP4:
		if (doppel_dhcp4_receive(&device->dhcp4, packet) == VERDICT_ACCEPTED)
			device->gateway->dhcp4_heard = true;
		break;
	case PACKET_UDP6:
		doppel_dhcp6_receive(&device->dhcp6, packet);
		break;
	case PACKET_ICMP6:
		receive_icmp6(device, packet);
		break;
	}
	doppel_device_settle(device);
}

void doppel_device_advertise(struct device *device, const struct ra *ra)
{
	if (!device->negotiating || !device->gateway->config->wan.ipv6)
		return;
	doppel_slaac_advertise(&device->slaac, ra);
	doppel_device_settle(device);
}

static int64_t deadline(const struct device *device)
{
	int64_t at = device->claim.deadline;

	if (!device->negotiating)
		return at;
	at = doppel_earlier(at, doppel_earlier(device->begin_at, device->confirm_at));
	at = doppel_earlier(at, doppel_dhcp4_deadline(&device->dhcp4));
	at = doppel_earlier(at, doppel_slaac_deadline(&device->slaac));
	at = doppel_earlier(at, doppel_dhcp6_deadline(&device->dhcp6));
	return doppel_earlier(at, doppel_reach_deadline(&device->reach));
}

void doppel_device_schedule(struct device *device)
{
	struct heap *due = &device->gateway->due;
	const int64_t at = deadline(device);

	if (at == NEVER)
		doppel_heap_del(due, &device->due);
	else
		doppel_heap_put(due, &device->due, at);
}

void doppel_device_timeout(struct device *device)
{
	const int64_t now = doppel_gateway_now(device->gateway);

	doppel_claim_timeout(device);
	if (!device->negotiating) {
		doppel_device_schedule(device);
		return;
	}
	if (now >= device->begin_at)
		begin_if_open(device);
	if (now >= device->confirm_at)
		confirm(device);
	if (now >= doppel_dhcp4_deadline(&device->dhcp4))
		doppel_dhcp4_timeout(&device->dhcp4);
	if (now >= doppel_slaac_deadline(&device->slaac))
		doppel_slaac_timeout(&device->slaac);
	if (now >= doppel_dhcp6_deadline(&device->dhcp6))
		doppel_dhcp6_timeout(&device->dhcp6);
	if (now >= doppel_reach_deadline(&device->reach)) {
		doppel_reach_timeout(&device->reach);
		device->changed = true;
	}
	doppel_device_settle(device);
}

/* Without a prefix or an address of the other family nothing translates for it. */
static void follow4(struct device *device)
{
	doppel_dhcp4_translated(&device->dhcp4, device->gateway->nat64.len &&
						device->in_module && device->held.wan_ipv6_count);
}

static enum dhcp6_mode wanted_mode6(const struct device *device)
{
	const struct gateway *gateway = device->gateway;
	const int64_t now = doppel_gateway_now(gateway);

	/* A lease that is held is kept up whatever the routers say meanwhile. */
	if (doppel_dhcp6_lease(&device->dhcp6))
		return DHCP6_MODE_STATEFUL;
	/* When the last router is gone nobody says any more that there is a server. */
	if (!gateway->routers.count)
		return gateway->router_heard ? DHCP6_MODE_NONE : device->mode6;
	if (doppel_routers_managed(&gateway->routers, now))
		return DHCP6_MODE_STATEFUL;
	return doppel_routers_other(&gateway->routers, now) ? DHCP6_MODE_INFORM : DHCP6_MODE_NONE;
}

static void set_mode6(struct device *device, enum dhcp6_mode mode)
{
	struct restored_leases *restored = device->restored;
	const struct dhcp6_lease *lease = NULL;

	if (mode == device->mode6)
		return;
	device->mode6 = mode;
	switch (mode) {
	case DHCP6_MODE_STATEFUL:
		if (restored && restored->dhcp6) {
			restored->dhcp6 = false;
			lease = &restored->lease6;
		}
		doppel_dhcp6_start(&device->dhcp6, &device->slaac.link_local, lease);
		forget_restored(device);
		break;
	case DHCP6_MODE_INFORM:
		doppel_dhcp6_inform(&device->dhcp6, &device->slaac.link_local);
		break;
	case DHCP6_MODE_NONE:
		doppel_dhcp6_stop(&device->dhcp6, false);
		break;
	}
}

/* What follows from where the IPv6 machines are now. */
static void follow6(struct device *device)
{
	const struct gateway *gateway = device->gateway;
	const struct ra *router = doppel_routers_default(&gateway->routers,
							 doppel_gateway_now(gateway));

	if (!device->slaac.running)
		return;
	if (!device->slaac.ready) {
		/* Without a link-local address of its own there is nobody to speak for. */
		doppel_dhcp6_abandon(&device->dhcp6, "its link-local address is another's");
		set_mode6(device, DHCP6_MODE_NONE);
		doppel_reach_stop(&device->reach);
		return;
	}
	set_mode6(device, wanted_mode6(device));
	if (doppel_dhcp6_lease(&device->dhcp6))
		doppel_reach_assume(&device->reach);
	else if (router && device->slaac.count)
		doppel_reach_start(&device->reach, &device->slaac.link_local, &router->router);
}

void doppel_device_settle(struct device *device)
{
	enum device_status status;
	int err;

	if (device->negotiating) {
		follow4(device);
		follow6(device);
	}
	err = doppel_device_push(device);
	if (err)
		doppel_log(LOG_ERR, "device %s: the module refuses: %s", mac_text(device),
			   device->refusal);
	status = doppel_device_status(device);
	if (status != device->status) {
		device->status = status;
		device->keep_device = true;
		device->changed = true;
	}
	doppel_device_keep(device);
	doppel_concern_update(device);
	doppel_device_schedule(device);
	if (!device->changed)
		return;
	device->changed = false;
	doppel_gateway_settle_after(device->gateway, 0);
	doppel_gateway_emit(device->gateway, GATEWAY_EVENT_DEVICE_CHANGED, device, "%s",
			    doppel_device_status_name(status));
}
