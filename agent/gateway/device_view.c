// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"

const char *doppel_device_name(const struct device *device)
{
	if (device->listed && device->listed->name[0])
		return device->listed->name;
	return device->hostname;
}

void doppel_device_wanted(const struct device *device, struct module_device *wanted)
{
	const struct gateway *gateway = device->gateway;
	const struct dhcp4_lease *lease4 = doppel_dhcp4_lease(&device->dhcp4);
	const struct ra *router = doppel_routers_default(&gateway->routers,
							 doppel_gateway_now(gateway));

	*wanted = (struct module_device){ .mac = device->mac, .lan_ipv4 = device->lan_ipv4 };
	if (!device->negotiating)
		return;
	if (lease4) {
		wanted->wan_ipv4 = lease4->address;
		wanted->wan_prefix_len = lease4->prefix_len;
		wanted->wan_router = lease4->router;
	}
	if (device->slaac.ready)
		wanted->link_local = device->slaac.link_local;
	doppel_wan6_wanted(device, wanted);
	if (router)
		wanted->wan_router6 = router->router;
	else if (!gateway->router_heard && gateway->config->wan.ipv6)
		wanted->wan_router6 = device->held.wan_router6;
}

/* In the middle of an attempt the next try is the next time that it asks. */
static void tell_next(struct negotiation_status *status, int64_t deadline)
{
	if ((status->status == FAMILY_FAILED || status->status == FAMILY_SOLICITING) &&
	    status->next_retry_ms == NEVER)
		status->next_retry_ms = deadline;
}

/* The rate cap has many begin one after the other. */
static bool waits_for_turn(const struct device *device, struct negotiation_status *status)
{
	if (device->begin_at == NEVER)
		return false;
	status->status = FAMILY_SOLICITING;
	status->next_retry_ms = device->begin_at;
	snprintf(status->reason, sizeof(status->reason),
		 "waits for its turn: wan.rate lets no more devices begin at once");
	return true;
}

static void status4(const struct device *device, struct negotiation_status *status)
{
	const struct gateway *gateway = device->gateway;
	char prefix[DOPPEL_IP6_TEXT];

	*status = (struct negotiation_status){ .next_retry_ms = NEVER };
	if (!gateway->config->wan.ipv4)
		snprintf(status->reason, sizeof(status->reason), "IPv4 is off in the file");
	else if (!device->seen)
		snprintf(status->reason, sizeof(status->reason), "not seen on the LAN yet");
	else if (!device->negotiating)
		snprintf(status->reason, sizeof(status->reason), "%.100s", gateway->problem);
	else if (!waits_for_turn(device, status))
		doppel_dhcp4_status(&device->dhcp4, status);
	if (status->status == FAMILY_FAILED && gateway->nat64.len && !gateway->dhcp4_heard &&
	    device->held.wan_ipv6_count) {
		/* An IPv6-only WAN: nothing is missing. Whether it stays one is asked all the same. */
		status->status = FAMILY_OFF;
		snprintf(status->reason, sizeof(status->reason),
			 "the WAN has none: IPv4 hosts are reached by the NAT64 prefix %s/%u",
			 doppel_ip6_format(&gateway->nat64.prefix, prefix), gateway->nat64.len);
		return;
	}
	tell_next(status, doppel_dhcp4_deadline(&device->dhcp4));
}

static void status6(const struct device *device, struct negotiation_status *status)
{
	const struct gateway *gateway = device->gateway;
	struct negotiation_status dhcp6;

	*status = (struct negotiation_status){ .next_retry_ms = NEVER };
	if (!gateway->config->wan.ipv6) {
		snprintf(status->reason, sizeof(status->reason), "IPv6 is off in the file");
		return;
	}
	if (!device->seen || !device->negotiating) {
		snprintf(status->reason, sizeof(status->reason), "%.100s",
			 device->seen ? gateway->problem : "not seen on the LAN yet");
		return;
	}
	if (waits_for_turn(device, status))
		return;
	doppel_dhcp6_status(&device->dhcp6, &dhcp6);
	doppel_slaac_status(&device->slaac, status);
	if (doppel_dhcp6_lease(&device->dhcp6)) {
		*status = dhcp6;
	} else if (doppel_wan6_slaac_count(device)) {
		status->status = FAMILY_BOUND;
		status->next_retry_ms = NEVER;
		status->reason[0] = '\0';
	} else if (!device->slaac.ready) {
		tell_next(status, doppel_slaac_deadline(&device->slaac));
	} else if (!gateway->routers.count && device->no_router) {
		status->status = FAMILY_OFF;
		snprintf(status->reason, sizeof(status->reason),
			 "no router advertises on the WAN");
	} else if (device->reach.state == REACH_ASKING || device->reach.state == REACH_WAITING) {
		doppel_reach_status(&device->reach, status);
		tell_next(status, doppel_reach_deadline(&device->reach));
	} else if (device->mode6 == DHCP6_MODE_STATEFUL) {
		*status = dhcp6;
		tell_next(status, doppel_dhcp6_deadline(&device->dhcp6));
	}
}

static bool is_bound(const struct negotiation_status *status)
{
	return status->status == FAMILY_BOUND || status->status == FAMILY_RENEWING;
}

enum device_status doppel_device_status(const struct device *device)
{
	struct negotiation_status ipv4, ipv6;
	bool failed4, failed6;

	if (device->inactive)
		return DEVICE_INACTIVE;
	status4(device, &ipv4);
	status6(device, &ipv6);
	failed4 = ipv4.status == FAMILY_FAILED;
	failed6 = ipv6.status == FAMILY_FAILED;
	if (is_bound(&ipv4))
		return failed6 ? DEVICE_DEGRADED : DEVICE_ACTIVE;
	/* On an IPv6-only WAN nobody ever answers DHCPv4: nothing is missing. */
	if (is_bound(&ipv6))
		return failed4 && device->gateway->dhcp4_heard ? DEVICE_DEGRADED : DEVICE_ACTIVE;
	if ((failed4 || ipv4.status == FAMILY_OFF) && (failed6 || ipv6.status == FAMILY_OFF) &&
	    (failed4 || failed6))
		return DEVICE_FAILED;
	return DEVICE_DISCOVERING;
}

static struct family_view family_view(const struct device *device,
				      const struct negotiation_status *status,
				      char reason[NEGOTIATION_REASON_MAX])
{
	struct gateway *gateway = device->gateway;
	struct family_view view = { .status = status->status, .reason = reason };

	snprintf(reason, NEGOTIATION_REASON_MAX, "%s", status->reason);
	if (device->refusal[0])
		snprintf(reason, NEGOTIATION_REASON_MAX, "the module refuses: %.100s",
			 device->refusal);
	if (status->next_retry_ms != NEVER)
		view.next_retry = doppel_clock_wall_s(gateway->clock) +
				  (status->next_retry_ms - doppel_gateway_now(gateway) + 999) /
				  1000;
	return view;
}

static int64_t wall_of(const struct device *device, int64_t at_ms)
{
	const struct gateway *gateway = device->gateway;

	if (at_ms == NEVER)
		return 0;
	return doppel_clock_wall_s(gateway->clock) +
	       (at_ms - doppel_gateway_now(gateway)) / 1000;
}

static struct lease_times times_of(const struct device *device, int64_t acquired_ms, uint32_t t1_s,
				   uint32_t t2_s, int64_t expiry_ms)
{
	return (struct lease_times){
		.acquired = wall_of(device, acquired_ms),
		.renew = wall_of(device, doppel_after_s(acquired_ms, t1_s)),
		.rebind = wall_of(device, doppel_after_s(acquired_ms, t2_s)),
		.expires = wall_of(device, expiry_ms),
	};
}

static void view_told(const struct device *device, struct device_view *view)
{
	const struct gateway *gateway = device->gateway;
	const int64_t now = doppel_gateway_now(gateway);
	const struct dhcp4_lease *lease4 = doppel_dhcp4_lease(&device->dhcp4);
	const struct dhcp6_lease *lease6 = doppel_dhcp6_lease(&device->dhcp6);

	view->dhcp4 = lease4;
	view->dhcp6 = doppel_dhcp6_told(&device->dhcp6);
	if (lease4)
		view->dhcp4_times = times_of(device, lease4->acquired_ms, lease4->t1_s,
					     lease4->t2_s, doppel_dhcp4_expiry_ms(lease4));
	if (lease6)
		view->dhcp6_times = times_of(device, lease6->acquired_ms, lease6->t1_s,
					     lease6->t2_s, doppel_dhcp6_expiry_ms(lease6));
	if (gateway->config->wan.ipv6)
		view->advertised = doppel_routers_default(&gateway->routers, now);
	view->search = doppel_routers_search(&gateway->routers, now);
}

void doppel_device_view(const struct device *device, struct device_view *view,
			struct device_reasons *reasons)
{
	struct negotiation_status ipv4, ipv6;
	struct module_device wanted;
	size_t i;

	doppel_device_wanted(device, &wanted);
	status4(device, &ipv4);
	status6(device, &ipv6);
	*view = (struct device_view){
		.mac = device->mac,
		.name = doppel_device_name(device),
		.listed = device->listed,
		.lan_ipv4 = device->lan_ipv4,
		.wan_ipv4 = wanted.wan_ipv4,
		.wan_prefix_len = wanted.wan_prefix_len,
		.wan_router = wanted.wan_router,
		.link_local = wanted.link_local,
		.wan_router6 = wanted.wan_router6,
		.wan_ipv6_count = wanted.wan_ipv6_count,
		.status = doppel_device_status(device),
		.ipv4 = family_view(device, &ipv4, reasons->ipv4),
		.ipv6 = family_view(device, &ipv6, reasons->ipv6),
		.discovered_at = device->discovered_at,
		.last_seen = device->last_seen,
		.in_module = device->in_module,
		.counters = {
			.lan_packets = device->held.counters.lan_packets,
			.lan_bytes = device->held.counters.lan_bytes,
			.wan_packets = device->held.counters.wan_packets,
			.wan_bytes = device->held.counters.wan_bytes,
			.dropped = device->held.counters.dropped,
			.sessions = device->held.counters.sessions,
		},
		.sessions = device->held.sessions,
	};
	view_told(device, view);
	for (i = 0; i < wanted.wan_ipv6_count; i++) {
		view->wan_ipv6[i].address = wanted.wan_ipv6[i].ipv6;
		view->wan_ipv6[i].prefix_len = wanted.wan_ipv6[i].prefix_len;
		view->wan_ipv6[i].dhcp = doppel_wan6_is_leased(device, &wanted.wan_ipv6[i].ipv6);
	}
}
