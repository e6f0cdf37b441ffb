// SPDX-License-Identifier: GPL-2.0-only
#include "api/json.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

json_t *doppel_json_time(int64_t wall_s)
{
	char text[DOPPEL_TIME_TEXT];

	return wall_s ? json_string(doppel_time_format(wall_s, text)) : json_null();
}

json_t *doppel_json_ip4(struct in_addr addr)
{
	char text[DOPPEL_IP4_TEXT];

	return addr.s_addr ? json_string(doppel_ip4_format(addr, text)) : json_null();
}

json_t *doppel_json_ip6(const struct in6_addr *addr)
{
	char text[DOPPEL_IP6_TEXT];

	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return json_null();
	return json_string(doppel_ip6_format(addr, text));
}

json_t *doppel_json_mac(const struct mac *mac)
{
	char text[DOPPEL_MAC_TEXT];

	return json_string(doppel_mac_format(mac, text));
}

json_t *doppel_json_text(const char *text)
{
	json_t *json = text ? json_string(text) : json_null();
	auto_free char *ascii = json ? NULL : strdup(text);

	for (char *c = ascii; c && *c; c++)
		if (*c & 0x80)
			*c = '?';
	return ascii ? json_string(ascii) : json;
}

static json_t *family_json(const struct family_view *family)
{
	return json_pack("{s:s, s:o, s:o}", "status", doppel_family_status_name(family->status),
			 "reason", doppel_json_text(family->reason), "next_retry",
			 doppel_json_time(family->next_retry));
}

json_t *doppel_json_counters(const struct counters_view *counters)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
			 "lan_packets", (json_int_t)counters->lan_packets,
			 "lan_bytes", (json_int_t)counters->lan_bytes,
			 "wan_packets", (json_int_t)counters->wan_packets,
			 "wan_bytes", (json_int_t)counters->wan_bytes,
			 "dropped", (json_int_t)counters->dropped,
			 "sessions", (json_int_t)counters->sessions);
}

static json_t *wan6_json(const struct device_view *device)
{
	json_t *list = json_array();

	for (size_t i = 0; i < device->wan_ipv6_count; i++) {
		const struct wan6_view *wan6 = &device->wan_ipv6[i];

		json_array_append_new(list,
				      json_pack("{s:o, s:i, s:s}",
						"address", doppel_json_ip6(&wan6->address),
						"prefix_length", wan6->prefix_len,
						"origin", wan6->dhcp ? "dhcpv6" : "slaac"));
	}
	return list;
}

json_t *doppel_json_device(const struct device_view *device)
{
	static const struct in6_addr none;
	const struct in6_addr *wan6 = device->wan_ipv6_count ? &device->wan_ipv6[0].address : &none;

	return json_pack("{s:o, s:o, s:b, s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o,"
			 " s:o, s:o, s:o, s:o, s:b, s:I, s:o}",
			 "mac_address", doppel_json_mac(&device->mac),
			 "name", doppel_json_text(device->name),
			 "listed", device->listed,
			 "status", doppel_device_status_name(device->status),
			 "ipv4_address", doppel_json_ip4(device->lan_ipv4),
			 "ipv4_wan_address", doppel_json_ip4(device->wan_ipv4),
			 "ipv4_wan_prefix_length", device->wan_prefix_len,
			 "ipv4_wan_router", doppel_json_ip4(device->wan_router),
			 "ipv6_address", doppel_json_ip6(wan6),
			 "ipv6_addresses", wan6_json(device),
			 "ipv6_link_local", doppel_json_ip6(&device->link_local),
			 "ipv6_wan_router", doppel_json_ip6(&device->wan_router6),
			 "ipv4", family_json(&device->ipv4),
			 "ipv6", family_json(&device->ipv6),
			 "discovered_at", doppel_json_time(device->discovered_at),
			 "last_seen", doppel_json_time(device->last_seen),
			 "in_module", device->in_module,
			 "sessions", (json_int_t)device->sessions,
			 "counters", doppel_json_counters(&device->counters));
}

const char *doppel_protocol_name(uint8_t protocol, char text[8])
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		snprintf(text, 8, "%u", protocol);
		return text;
	}
}

json_t *doppel_json_forward(const struct forward_view *forward)
{
	char protocol[8];

	return json_pack("{s:o, s:s, s:i, s:i, s:s}",
			 "mac_address", doppel_json_mac(&forward->mac),
			 "protocol", doppel_protocol_name(forward->protocol, protocol),
			 "port", forward->port, "to", forward->to, "origin", forward->origin);
}

static json_t *endpoint_json(json_t *address, uint16_t port)
{
	return json_pack("{s:o, s:i}", "address", address, "port", port);
}

json_t *doppel_json_session(const struct module_session *session)
{
	json_t *wan, *wan_peer;
	char protocol[8];

	wan = session->wan_is_ipv6 ? doppel_json_ip6(&session->wan_ipv6) :
				     doppel_json_ip4(session->wan_ipv4);
	wan_peer = session->wan_is_ipv6 ? doppel_json_ip6(&session->wan_peer_ipv6) :
					  doppel_json_ip4(session->wan_peer_ipv4);
	return json_pack("{s:o, s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:I}",
			 "mac_address", doppel_json_mac(&session->mac),
			 "protocol", doppel_protocol_name(session->protocol, protocol),
			 "translation", doppel_translation_name(session->translation),
			 "state", doppel_session_state_name(session->state),
			 "outbound", session->outbound,
			 "lent", session->lent,
			 "lan", endpoint_json(doppel_json_ip4(session->lan_ipv4),
					      session->lan_port),
			 "lan_peer", endpoint_json(doppel_json_ip4(session->lan_peer_ipv4),
						   session->lan_peer_port),
			 "wan", endpoint_json(wan, session->wan_port),
			 "wan_peer", endpoint_json(wan_peer, session->wan_peer_port),
			 "expires_seconds", (json_int_t)session->expires_s);
}

json_t *doppel_json_check(const struct check_view *check)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "name", check->name, "result",
			 doppel_check_result_name(check->result), "text", check->text, "fix",
			 check->fix);
}

json_t *doppel_json_event(const struct gateway_event *event)
{
	return json_pack("{s:s, s:o, s:o, s:o}", "event", doppel_gateway_event_name(event->kind),
			 "at", doppel_json_time(event->at), "text", doppel_json_text(event->text),
			 "device", event->device ? doppel_json_device(event->device) : json_null());
}
