// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the WAN port is attached to: whether the routers are those that they were. A cable may be put
 * elsewhere, or what is behind it be another network, without the carrier's going; then every
 * identity asks whether what it has still holds. What the agent changes itself is no signal.
 */
#include <string.h>

#include "base/cidr.h"
#include "base/log.h"
#include "gateway/device.h"
#include "gateway/state.h"

/* Between two confirmations: doubled each time while they find nothing changed. */
#define RECENT_MS 10000
#define PATIENCE_MAX_MS 3600000

static const char at_another_mac[] = "is at another MAC now";
static const char back[] = "is there again";

/* In the name of the device whose MAC is the frame's. */
static void send_frame(void *ctx, const void *frame, size_t len)
{
	struct gateway *gateway = ctx;
	struct device *device;
	struct mac mac;

	memcpy(&mac, (const uint8_t *)frame + sizeof(mac), sizeof(mac));
	device = doppel_gateway_find(gateway, &mac);
	if (device)
		device->env.send(device, frame, len);
}

void doppel_attachment_init(struct gateway *gateway)
{
	struct attachment *attachment = &gateway->attachment;

	attachment->confirm_at = NEVER;
	attachment->patience_ms = RECENT_MS;
	attachment->env = (struct negotiation_env){
		.clock = gateway->clock,
		.rng = gateway->rng,
		.send = send_frame,
		.ctx = gateway,
	};
	doppel_probe_init(&attachment->ipv4, &attachment->env);
	doppel_probe_init(&attachment->ipv6, &attachment->env);
}

static bool aim4(const struct device *device, struct probe_aim *aim)
{
	const struct dhcp4_lease *lease = doppel_dhcp4_lease(&device->dhcp4);

	if (!device->in_module || !lease || !lease->router.s_addr)
		return false;
	*aim = (struct probe_aim){
		.mac = device->mac,
		.source = doppel_ip6_v4mapped(lease->address),
		.router = doppel_ip6_v4mapped(lease->router),
	};
	return true;
}

static bool aim6(const struct device *device, struct probe_aim *aim)
{
	const struct gateway *gateway = device->gateway;
	const struct ra *router = doppel_routers_default(&gateway->routers,
							 doppel_gateway_now(gateway));

	if (!device->in_module || !device->slaac.ready || !router)
		return false;
	*aim = (struct probe_aim){
		.mac = device->mac,
		.source = device->slaac.link_local,
		.router = router->router,
	};
	return true;
}

/* Whoever asked before goes on; else the first that can. */
static void aim(struct gateway *gateway, struct probe *probe,
		bool (*aim_of)(const struct device *device, struct probe_aim *aim))
{
	const struct device *asker = doppel_gateway_find(gateway, &probe->aim.mac);
	struct probe_aim found;

	if (asker && aim_of(asker, &found)) {
		doppel_probe_aim(probe, &found);
		return;
	}
	doppel_map_foreach(node, &gateway->devices) {
		if (aim_of(doppel_device_of(node), &found)) {
			doppel_probe_aim(probe, &found);
			return;
		}
	}
	doppel_probe_stop(probe);
}

void doppel_attachment_settle(struct gateway *gateway)
{
	aim(gateway, &gateway->attachment.ipv4, aim4);
	aim(gateway, &gateway->attachment.ipv6, aim6);
}

static void ask_routers(struct gateway *gateway)
{
	doppel_probe_now(&gateway->attachment.ipv4);
	doppel_probe_now(&gateway->attachment.ipv6);
}

void doppel_attachment_again(struct gateway *gateway)
{
	gateway->attachment.confirmed_ms = doppel_gateway_now(gateway);
	gateway->attachment.confirm_at = NEVER;
	ask_routers(gateway);
}

void doppel_attachment_changed(struct gateway *gateway)
{
	gateway->attachment.patience_ms = RECENT_MS;
}

/* Routers that share an address, or come and go, are no reason to ask for ever. */
static void confirm(struct gateway *gateway)
{
	struct attachment *attachment = &gateway->attachment;

	attachment->patience_ms = doppel_earlier(2 * attachment->patience_ms, PATIENCE_MAX_MS);
	doppel_wan_confirm(gateway);
}

static void doubt(struct gateway *gateway, const struct in6_addr *router, const char *what)
{
	struct attachment *attachment = &gateway->attachment;
	const int64_t since = doppel_gateway_now(gateway) - attachment->confirmed_ms;
	char text[DOPPEL_IP6_TEXT];

	if (attachment->confirm_at != NEVER)
		return;
	if (since >= 2 * attachment->patience_ms)
		attachment->patience_ms = RECENT_MS;
	doppel_log(LOG_NOTICE, "wan: router %s %s: do the leases still hold?",
		   doppel_ip_format(router, text), what);
	if (since >= attachment->patience_ms) {
		confirm(gateway);
		return;
	}
	attachment->confirm_at = attachment->confirmed_ms + attachment->patience_ms;
	ask_routers(gateway);
}

static void follow(struct gateway *gateway, const struct probe *probe, enum probe_result result)
{
	static const char *const said[] = {
		[PROBE_OTHER] = at_another_mac,
		[PROBE_SILENT] = "does not answer any more",
		[PROBE_BACK] = back,
	};

	if (result == PROBE_NOTHING)
		return;
	if (probe == &gateway->attachment.ipv6)
		doppel_wan_router_silent(gateway, &probe->aim.router, probe->silent);
	doubt(gateway, &probe->aim.router, said[result]);
}

/* It is not followed (see doppel_routers_default()): whoever can judge should know of it. */
static void tell_newcomer(const struct gateway *gateway, const struct ra *ra)
{
	const struct ra *router = doppel_routers_default(&gateway->routers, ra->received_ms);
	char first[DOPPEL_IP6_TEXT], other[DOPPEL_IP6_TEXT], mac[DOPPEL_MAC_TEXT];

	/* Which of those that are there at the beginning is it? That is not decided yet. */
	if (router && ra->lifetime_s && ra->received_ms >= gateway->routers.open_until)
		doppel_log(LOG_WARNING, "wan: router %s (from %s) advertises, too: %s is the default "
			   "router", doppel_ip6_format(&ra->router, other),
			   doppel_mac_format(&ra->router_mac, mac),
			   doppel_ip6_format(&router->router, first));
}

void doppel_attachment_advertised(struct gateway *gateway, const struct ra *ra)
{
	struct attachment *attachment = &gateway->attachment;
	const struct routers *routers = &gateway->routers;
	const int64_t now = doppel_gateway_now(gateway);
	unsigned int i;

	for (i = 0; i < routers->count; i++) {
		if (!doppel_ip6_eq(&routers->ra[i].router, &ra->router))
			continue;
		if (!doppel_mac_eq(&routers->ra[i].router_mac, &ra->router_mac))
			doubt(gateway, &ra->router, at_another_mac);
		else if (routers->ra[i].silent)
			doubt(gateway, &ra->router, back);
		return;
	}
	/* One more router, or another one instead? */
	if (!routers->count || now - attachment->doubted_ms < RECENT_MS ||
	    doppel_routers_in_excess(routers, &ra->router))
		return;
	attachment->doubted_ms = now;
	tell_newcomer(gateway, ra);
	ask_routers(gateway);
}

void doppel_attachment_frame(struct gateway *gateway, const struct packet *packet)
{
	struct attachment *attachment = &gateway->attachment;

	follow(gateway, &attachment->ipv4, doppel_probe_receive(&attachment->ipv4, packet));
	follow(gateway, &attachment->ipv6, doppel_probe_receive(&attachment->ipv6, packet));
}

void doppel_attachment_timeout(struct gateway *gateway)
{
	struct attachment *attachment = &gateway->attachment;

	if (!gateway->ready || !gateway->wan.running)
		return;
	if (doppel_gateway_now(gateway) >= attachment->confirm_at)
		confirm(gateway);
	follow(gateway, &attachment->ipv4, doppel_probe_timeout(&attachment->ipv4));
	follow(gateway, &attachment->ipv6, doppel_probe_timeout(&attachment->ipv6));
}

int64_t doppel_attachment_deadline(const struct gateway *gateway)
{
	const struct attachment *attachment = &gateway->attachment;

	/* Without a carrier nobody answers, and that means nothing. */
	if (!gateway->ready || !gateway->wan.running)
		return NEVER;
	return doppel_earlier(attachment->confirm_at,
			      doppel_earlier(doppel_probe_deadline(&attachment->ipv4),
					     doppel_probe_deadline(&attachment->ipv6)));
}
