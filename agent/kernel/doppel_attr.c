// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/doppel_attr.h"

#include <errno.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <linux/doppel.h>

_Static_assert(MODULE_ADDRESSES_MAX == DOPPEL_ADDRESSES_MAX, "as many addresses as the module has");

/* An attribute's value if it is there and as long as it must be, else @value stays as it is. */
static bool get(struct nlattr *attribute, void *value, size_t len)
{
	if (!attribute || (size_t)nla_len(attribute) != len)
		return false;
	memcpy(value, nla_data(attribute), len);
	return true;
}

/* NLA_UINT: four or eight bytes, as the value needs. */
static uint64_t get_uint(struct nlattr *attribute)
{
	uint64_t wide = 0;
	uint32_t narrow = 0;

	if (get(attribute, &narrow, sizeof(narrow)))
		return narrow;
	get(attribute, &wide, sizeof(wide));
	return wide;
}

static int put_ipv4(struct nl_msg *msg, int attribute, struct in_addr address)
{
	return nla_put(msg, attribute, sizeof(address.s_addr), &address.s_addr);
}

static int put_ipv6(struct nl_msg *msg, int attribute, const struct in6_addr *address)
{
	return nla_put(msg, attribute, sizeof(*address), address);
}

static int result(int err)
{
	return err ? -EMSGSIZE : 0;
}

int doppel_put_mac(struct nl_msg *msg, int attribute, const struct mac *mac)
{
	return result(nla_put(msg, attribute, sizeof(mac->b), mac->b));
}

static int put_ports(struct nl_msg *msg, const struct module_gateway *gateway)
{
	int err = 0;

	err |= nla_put_u32(msg, DOPPEL_A_GATEWAY_LAN_IFINDEX, gateway->lan_ifindex);
	err |= nla_put_u32(msg, DOPPEL_A_GATEWAY_WAN_IFINDEX, gateway->wan_ifindex);
	err |= put_ipv4(msg, DOPPEL_A_GATEWAY_LAN_IPV4, gateway->lan_ipv4);
	err |= nla_put_u8(msg, DOPPEL_A_GATEWAY_LAN_PREFIX_LEN, gateway->lan_prefix_len);
	err |= nla_put_u32(msg, DOPPEL_A_GATEWAY_IDENTITY,
			   gateway->own ? DOPPEL_IDENTITY_MODE_OWN : DOPPEL_IDENTITY_MODE_DEVICES_ONLY);
	if (gateway->max_devices)
		err |= nla_put_u32(msg, DOPPEL_A_GATEWAY_MAX_DEVICES, gateway->max_devices);
	if (gateway->max_sessions)
		err |= nla_put_u32(msg, DOPPEL_A_GATEWAY_MAX_SESSIONS, gateway->max_sessions);
	if (gateway->max_device_sessions)
		err |= nla_put_u32(msg, DOPPEL_A_GATEWAY_MAX_DEVICE_SESSIONS,
				   gateway->max_device_sessions);
	return err;
}

int doppel_put_gateway(struct nl_msg *msg, const struct module_gateway *gateway, unsigned int what)
{
	int err = 0;

	if (what & MODULE_PORTS)
		err |= put_ports(msg, gateway);
	if (what & MODULE_LENDER)
		err |= doppel_put_mac(msg, DOPPEL_A_GATEWAY_LENDER, &gateway->lender);
	if (what & MODULE_NAT64_PREFIX) {
		err |= put_ipv6(msg, DOPPEL_A_GATEWAY_NAT64_PREFIX, &gateway->nat64_prefix);
		err |= nla_put_u8(msg, DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN, gateway->nat64_prefix_len);
	}
	if (what & MODULE_FILTER)
		err |= nla_put_u32(msg, DOPPEL_A_GATEWAY_FILTER, gateway->filter_forward ?
				   DOPPEL_FILTER_MODE_FORWARD : DOPPEL_FILTER_MODE_OFF);
	return result(err);
}

static int put_addresses(struct nl_msg *msg, const struct module_device *device)
{
	struct nlattr *list = nla_nest_start(msg, NLA_F_NESTED | DOPPEL_A_DEVICE_WAN_IPV6);
	int err = 0;
	size_t i;

	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < device->wan_ipv6_count; i++) {
		struct nlattr *item = nla_nest_start(msg, NLA_F_NESTED | DOPPEL_A_ADDRESSES_ADDRESS);

		if (!item)
			return -EMSGSIZE;
		err |= put_ipv6(msg, DOPPEL_A_ADDRESS_IPV6, &device->wan_ipv6[i].ipv6);
		err |= nla_put_u8(msg, DOPPEL_A_ADDRESS_PREFIX_LEN,
				  device->wan_ipv6[i].prefix_len);
		nla_nest_end(msg, item);
	}
	/* An empty nest must be sent too: it clears the list. */
	nla_nest_end_keep_empty(msg, list);
	return result(err);
}

int doppel_put_device(struct nl_msg *msg, const struct module_device *device, unsigned int what)
{
	int err = doppel_put_mac(msg, DOPPEL_A_DEVICE_MAC, &device->mac);

	if (what & MODULE_LAN_IPV4)
		err |= put_ipv4(msg, DOPPEL_A_DEVICE_LAN_IPV4, device->lan_ipv4);
	if (what & MODULE_WAN_IPV4) {
		err |= put_ipv4(msg, DOPPEL_A_DEVICE_WAN_IPV4, device->wan_ipv4);
		err |= nla_put_u8(msg, DOPPEL_A_DEVICE_WAN_PREFIX_LEN, device->wan_prefix_len);
		err |= put_ipv4(msg, DOPPEL_A_DEVICE_WAN_ROUTER, device->wan_router);
	}
	if (what & MODULE_LINK_LOCAL)
		err |= put_ipv6(msg, DOPPEL_A_DEVICE_LINK_LOCAL, &device->link_local);
	if (what & MODULE_WAN_IPV6)
		err |= put_addresses(msg, device);
	if (what & MODULE_WAN_ROUTER6)
		err |= put_ipv6(msg, DOPPEL_A_DEVICE_WAN_ROUTER6, &device->wan_router6);
	return result(err);
}

int doppel_put_forward(struct nl_msg *msg, const struct module_forward *forward, bool with_to)
{
	int err = doppel_put_mac(msg, DOPPEL_A_FORWARD_MAC, &forward->mac);

	err |= nla_put_u8(msg, DOPPEL_A_FORWARD_PROTOCOL, forward->protocol);
	err |= nla_put_u16(msg, DOPPEL_A_FORWARD_PORT, forward->port);
	if (with_to)
		err |= nla_put_u16(msg, DOPPEL_A_FORWARD_TO, forward->to);
	return result(err);
}

int doppel_put_mapping(struct nl_msg *msg, const struct module_mapping *mapping, bool with_ipv6)
{
	int err = put_ipv4(msg, DOPPEL_A_MAPPING_IPV4, mapping->ipv4);

	if (with_ipv6)
		err |= put_ipv6(msg, DOPPEL_A_MAPPING_IPV6, &mapping->ipv6);
	return result(err);
}

static int parse(struct nlmsghdr *header, struct nlattr **attributes, int max)
{
	return genlmsg_parse(header, 0, attributes, max, NULL) ? -EPROTO : 0;
}

static void parse_counters(struct nlattr *nest, struct module_counters *counters)
{
	struct nlattr *a[DOPPEL_A_COUNTERS_MAX + 1];

	if (!nest || nla_parse_nested(a, DOPPEL_A_COUNTERS_MAX, nest, NULL))
		return;
	counters->lan_packets = get_uint(a[DOPPEL_A_COUNTERS_LAN_PACKETS]);
	counters->lan_bytes = get_uint(a[DOPPEL_A_COUNTERS_LAN_BYTES]);
	counters->wan_packets = get_uint(a[DOPPEL_A_COUNTERS_WAN_PACKETS]);
	counters->wan_bytes = get_uint(a[DOPPEL_A_COUNTERS_WAN_BYTES]);
	counters->dropped = get_uint(a[DOPPEL_A_COUNTERS_DROPPED]);
	counters->sessions = get_uint(a[DOPPEL_A_COUNTERS_SESSIONS]);
}

int doppel_parse_gateway(struct nlmsghdr *header, struct module_gateway *gateway)
{
	struct nlattr *a[DOPPEL_A_GATEWAY_MAX + 1];
	uint32_t identity = DOPPEL_IDENTITY_MODE_DEVICES_ONLY;
	uint32_t filter = DOPPEL_FILTER_MODE_OFF;

	*gateway = (struct module_gateway){ 0 };
	if (parse(header, a, DOPPEL_A_GATEWAY_MAX))
		return -EPROTO;
	if (!get(a[DOPPEL_A_GATEWAY_LAN_IFINDEX], &gateway->lan_ifindex, 4) ||
	    !get(a[DOPPEL_A_GATEWAY_WAN_IFINDEX], &gateway->wan_ifindex, 4))
		return -EPROTO;
	get(a[DOPPEL_A_GATEWAY_LAN_IPV4], &gateway->lan_ipv4.s_addr, 4);
	get(a[DOPPEL_A_GATEWAY_LAN_PREFIX_LEN], &gateway->lan_prefix_len, 1);
	get(a[DOPPEL_A_GATEWAY_IDENTITY], &identity, 4);
	gateway->own = identity == DOPPEL_IDENTITY_MODE_OWN;
	get(a[DOPPEL_A_GATEWAY_MAX_DEVICES], &gateway->max_devices, 4);
	get(a[DOPPEL_A_GATEWAY_MAX_SESSIONS], &gateway->max_sessions, 4);
	get(a[DOPPEL_A_GATEWAY_MAX_DEVICE_SESSIONS], &gateway->max_device_sessions, 4);
	get(a[DOPPEL_A_GATEWAY_LENDER], gateway->lender.b, sizeof(gateway->lender.b));
	get(a[DOPPEL_A_GATEWAY_NAT64_PREFIX], &gateway->nat64_prefix, 16);
	get(a[DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN], &gateway->nat64_prefix_len, 1);
	gateway->lends = get(a[DOPPEL_A_GATEWAY_FILTER], &filter, 4);
	gateway->filter_forward = filter == DOPPEL_FILTER_MODE_FORWARD;
	get(a[DOPPEL_A_GATEWAY_DEVICES], &gateway->devices, 4);
	get(a[DOPPEL_A_GATEWAY_SESSIONS], &gateway->sessions, 4);
	if (a[DOPPEL_A_GATEWAY_VERSION])
		nla_strlcpy(gateway->version, a[DOPPEL_A_GATEWAY_VERSION],
			    sizeof(gateway->version));
	return 0;
}

static void parse_addresses(struct nlattr *list, struct module_device *device)
{
	struct nlattr *item;
	int left;

	nla_for_each_nested(item, list, left) {
		struct nlattr *a[DOPPEL_A_ADDRESS_MAX + 1];
		struct module_address *address;

		if (nla_type(item) != DOPPEL_A_ADDRESSES_ADDRESS ||
		    device->wan_ipv6_count == MODULE_ADDRESSES_MAX ||
		    nla_parse_nested(a, DOPPEL_A_ADDRESS_MAX, item, NULL))
			continue;
		address = &device->wan_ipv6[device->wan_ipv6_count];
		if (!get(a[DOPPEL_A_ADDRESS_IPV6], &address->ipv6, sizeof(address->ipv6)))
			continue;
		get(a[DOPPEL_A_ADDRESS_PREFIX_LEN], &address->prefix_len, 1);
		device->wan_ipv6_count++;
	}
}

int doppel_parse_device(struct nlmsghdr *header, struct module_device *device)
{
	struct nlattr *a[DOPPEL_A_DEVICE_MAX + 1];

	*device = (struct module_device){ 0 };
	if (parse(header, a, DOPPEL_A_DEVICE_MAX) ||
	    !get(a[DOPPEL_A_DEVICE_MAC], device->mac.b, sizeof(device->mac.b)))
		return -EPROTO;
	get(a[DOPPEL_A_DEVICE_LAN_IPV4], &device->lan_ipv4.s_addr, 4);
	get(a[DOPPEL_A_DEVICE_WAN_IPV4], &device->wan_ipv4.s_addr, 4);
	get(a[DOPPEL_A_DEVICE_WAN_PREFIX_LEN], &device->wan_prefix_len, 1);
	get(a[DOPPEL_A_DEVICE_WAN_ROUTER], &device->wan_router.s_addr, 4);
	get(a[DOPPEL_A_DEVICE_LINK_LOCAL], &device->link_local, 16);
	get(a[DOPPEL_A_DEVICE_WAN_ROUTER6], &device->wan_router6, 16);
	if (a[DOPPEL_A_DEVICE_WAN_IPV6])
		parse_addresses(a[DOPPEL_A_DEVICE_WAN_IPV6], device);
	parse_counters(a[DOPPEL_A_DEVICE_COUNTERS], &device->counters);
	get(a[DOPPEL_A_DEVICE_SESSIONS], &device->sessions, 4);
	get(a[DOPPEL_A_DEVICE_IDLE], &device->idle_ms, 4);
	return 0;
}

int doppel_parse_forward(struct nlmsghdr *header, struct module_forward *forward)
{
	struct nlattr *a[DOPPEL_A_FORWARD_MAX + 1];

	*forward = (struct module_forward){ 0 };
	if (parse(header, a, DOPPEL_A_FORWARD_MAX) ||
	    !get(a[DOPPEL_A_FORWARD_MAC], forward->mac.b, sizeof(forward->mac.b)) ||
	    !get(a[DOPPEL_A_FORWARD_PROTOCOL], &forward->protocol, 1) ||
	    !get(a[DOPPEL_A_FORWARD_PORT], &forward->port, 2))
		return -EPROTO;
	if (!get(a[DOPPEL_A_FORWARD_TO], &forward->to, 2))
		forward->to = forward->port;
	return 0;
}

int doppel_parse_mapping(struct nlmsghdr *header, struct module_mapping *mapping)
{
	struct nlattr *a[DOPPEL_A_MAPPING_MAX + 1];

	*mapping = (struct module_mapping){ 0 };
	if (parse(header, a, DOPPEL_A_MAPPING_MAX) ||
	    !get(a[DOPPEL_A_MAPPING_IPV4], &mapping->ipv4.s_addr, 4) ||
	    !get(a[DOPPEL_A_MAPPING_IPV6], &mapping->ipv6, 16))
		return -EPROTO;
	return 0;
}

int doppel_parse_session(struct nlmsghdr *header, struct module_session *session)
{
	struct nlattr *a[DOPPEL_A_SESSION_MAX + 1];

	*session = (struct module_session){ 0 };
	if (parse(header, a, DOPPEL_A_SESSION_MAX) ||
	    !get(a[DOPPEL_A_SESSION_MAC], session->mac.b, sizeof(session->mac.b)))
		return -EPROTO;
	get(a[DOPPEL_A_SESSION_PROTOCOL], &session->protocol, 1);
	get(a[DOPPEL_A_SESSION_TRANSLATION], &session->translation, 4);
	get(a[DOPPEL_A_SESSION_STATE], &session->state, 4);
	session->outbound = a[DOPPEL_A_SESSION_OUTBOUND];
	session->lent = a[DOPPEL_A_SESSION_LENT];
	get(a[DOPPEL_A_SESSION_LAN_IPV4], &session->lan_ipv4.s_addr, 4);
	get(a[DOPPEL_A_SESSION_LAN_PORT], &session->lan_port, 2);
	get(a[DOPPEL_A_SESSION_LAN_PEER_IPV4], &session->lan_peer_ipv4.s_addr, 4);
	get(a[DOPPEL_A_SESSION_LAN_PEER_PORT], &session->lan_peer_port, 2);
	get(a[DOPPEL_A_SESSION_WAN_IPV4], &session->wan_ipv4.s_addr, 4);
	session->wan_is_ipv6 = get(a[DOPPEL_A_SESSION_WAN_IPV6], &session->wan_ipv6, 16);
	get(a[DOPPEL_A_SESSION_WAN_PORT], &session->wan_port, 2);
	get(a[DOPPEL_A_SESSION_WAN_PEER_IPV4], &session->wan_peer_ipv4.s_addr, 4);
	get(a[DOPPEL_A_SESSION_WAN_PEER_IPV6], &session->wan_peer_ipv6, 16);
	get(a[DOPPEL_A_SESSION_WAN_PEER_PORT], &session->wan_peer_port, 2);
	get(a[DOPPEL_A_SESSION_EXPIRES], &session->expires_s, 4);
	return 0;
}

static void take_drop(struct nlattr *nest, struct module_stats *stats)
{
	struct nlattr *a[DOPPEL_A_DROP_MAX + 1];

	if (stats->drop_count == MODULE_DROPS_MAX ||
	    nla_parse_nested(a, DOPPEL_A_DROP_MAX, nest, NULL) ||
	    !get(a[DOPPEL_A_DROP_REASON], &stats->drops[stats->drop_count].reason, 4))
		return;
	stats->drops[stats->drop_count++].packets = get_uint(a[DOPPEL_A_DROP_PACKETS]);
}

static void take_total(struct nlattr *nest, struct module_stats *stats)
{
	struct nlattr *a[DOPPEL_A_COUNT_MAX + 1];

	if (stats->total_count == MODULE_TOTALS_MAX ||
	    nla_parse_nested(a, DOPPEL_A_COUNT_MAX, nest, NULL) ||
	    !get(a[DOPPEL_A_COUNT_OF], &stats->totals[stats->total_count].of, 4))
		return;
	stats->totals[stats->total_count++].value = get_uint(a[DOPPEL_A_COUNT_VALUE]);
}

int doppel_parse_stats(struct nlmsghdr *header, struct module_stats *stats)
{
	struct nlattr *a[DOPPEL_A_STATS_MAX + 1];
	struct nlattr *item;
	int left;

	*stats = (struct module_stats){ 0 };
	if (parse(header, a, DOPPEL_A_STATS_MAX))
		return -EPROTO;
	parse_counters(a[DOPPEL_A_STATS_COUNTERS], &stats->counters);
	/* One attribute for each reason and each total: nlattr tables keep only the last. */
	nlmsg_for_each_attr(item, header, GENL_HDRLEN, left) {
		if (nla_type(item) == DOPPEL_A_STATS_DROP)
			take_drop(item, stats);
		else if (nla_type(item) == DOPPEL_A_STATS_TOTAL)
			take_total(item, stats);
	}
	return 0;
}

int doppel_parse_event(struct nlmsghdr *header, struct module_event *event)
{
	struct nlattr *a[DOPPEL_A_EVENT_MAX + 1];
	uint32_t port = DOPPEL_PORT_LAN;

	*event = (struct module_event){ 0 };
	if (parse(header, a, DOPPEL_A_EVENT_MAX))
		return -EPROTO;
	switch (genlmsg_hdr(header)->cmd) {
	case DOPPEL_CMD_DEVICE_SEEN_NTF:
		event->kind = MODULE_EVENT_DEVICE_SEEN;
		break;
	case DOPPEL_CMD_DEVICE_MOVED_NTF:
		event->kind = MODULE_EVENT_DEVICE_MOVED;
		break;
	case DOPPEL_CMD_ADDRESS_CONFLICT_NTF:
		event->kind = MODULE_EVENT_CONFLICT;
		break;
	case DOPPEL_CMD_PORT_GONE_NTF:
		event->kind = MODULE_EVENT_PORT_GONE;
		break;
	case DOPPEL_CMD_TABLE_FULL_NTF:
		event->kind = MODULE_EVENT_TABLE_FULL;
		break;
	default:
		return -ENOMSG;
	}
	get(a[DOPPEL_A_EVENT_MAC], event->mac.b, sizeof(event->mac.b));
	get(a[DOPPEL_A_EVENT_OTHER_MAC], event->other_mac.b, sizeof(event->other_mac.b));
	get(a[DOPPEL_A_EVENT_IPV4], &event->ipv4.s_addr, 4);
	get(a[DOPPEL_A_EVENT_IPV6], &event->ipv6, 16);
	get(a[DOPPEL_A_EVENT_PORT], &port, 4);
	event->wan = port == DOPPEL_PORT_WAN;
	get(a[DOPPEL_A_EVENT_TABLE], &event->table, 4);
	return 0;
}

#define NAME(table, number) ((number) < sizeof(table) / sizeof((table)[0]) && (table)[number] ? \
			     (table)[number] : "?")

const char *doppel_drop_reason_name(uint32_t reason)
{
	static const char *const names[] = {
		[DOPPEL_DROP_REASON_LAN_SPOOF] = "lan-spoof",
		[DOPPEL_DROP_REASON_LAN_NO_IDENTITY] = "lan-no-identity",
		[DOPPEL_DROP_REASON_LAN_MALFORMED] = "lan-malformed",
		[DOPPEL_DROP_REASON_LAN_PROTOCOL] = "lan-protocol",
		[DOPPEL_DROP_REASON_WAN_FOREIGN] = "wan-foreign",
		[DOPPEL_DROP_REASON_WAN_MALFORMED] = "wan-malformed",
		[DOPPEL_DROP_REASON_WAN_NO_FORWARD] = "wan-no-forward",
		[DOPPEL_DROP_REASON_WAN_PROTOCOL] = "wan-protocol",
		[DOPPEL_DROP_REASON_WAN_SPOOF] = "wan-spoof",
		[DOPPEL_DROP_REASON_NEGOTIATION] = "negotiation",
		[DOPPEL_DROP_REASON_FRAGMENT] = "fragment",
		[DOPPEL_DROP_REASON_TTL] = "ttl",
		[DOPPEL_DROP_REASON_TOO_BIG] = "too-big",
		[DOPPEL_DROP_REASON_TCP_STATE] = "tcp-state",
		[DOPPEL_DROP_REASON_SESSIONS_FULL] = "sessions-full",
		[DOPPEL_DROP_REASON_DEVICE_SESSIONS_FULL] = "device-sessions-full",
		[DOPPEL_DROP_REASON_PORTS_FULL] = "ports-full",
		[DOPPEL_DROP_REASON_NEXT_HOP] = "next-hop",
		[DOPPEL_DROP_REASON_NO_MEMORY] = "no-memory",
		[DOPPEL_DROP_REASON_EGRESS_OWN] = "egress-own",
		[DOPPEL_DROP_REASON_EGRESS_FOREIGN] = "egress-foreign",
		[DOPPEL_DROP_REASON_NEIGHBOUR] = "neighbour",
		[DOPPEL_DROP_REASON_ICMP_ERROR] = "icmp-error",
		[DOPPEL_DROP_REASON_FILTER] = "filter",
	};

	return NAME(names, reason);
}

const char *doppel_total_name(uint32_t total)
{
	static const char *const names[] = {
		[DOPPEL_TOTAL_ICMP_ERRORS] = "icmp-errors",
		[DOPPEL_TOTAL_ICMP_SENT] = "icmp-sent",
		[DOPPEL_TOTAL_REASSEMBLED] = "reassembled",
		[DOPPEL_TOTAL_FRAGMENTED] = "fragmented",
		[DOPPEL_TOTAL_SEGMENTED] = "segmented",
		[DOPPEL_TOTAL_HAIRPINNED] = "hairpinned",
		[DOPPEL_TOTAL_LENT] = "lent",
		[DOPPEL_TOTAL_EVICTED] = "evicted",
	};

	return NAME(names, total);
}

const char *doppel_session_state_name(uint32_t state)
{
	static const char *const names[] = {
		[DOPPEL_SESSION_STATE_SYN_SENT] = "syn-sent",
		[DOPPEL_SESSION_STATE_SYN_RECEIVED] = "syn-received",
		[DOPPEL_SESSION_STATE_ESTABLISHED] = "established",
		[DOPPEL_SESSION_STATE_CLOSING] = "closing",
		[DOPPEL_SESSION_STATE_ACTIVE] = "active",
	};

	return NAME(names, state);
}

const char *doppel_translation_name(uint32_t translation)
{
	static const char *const names[] = {
		[DOPPEL_TRANSLATION_4TO4] = "4to4",
		[DOPPEL_TRANSLATION_6TO4] = "6to4",
		[DOPPEL_TRANSLATION_4TO6] = "4to6",
	};

	return NAME(names, translation);
}

const char *doppel_table_name(uint32_t table)
{
	static const char *const names[] = {
		[DOPPEL_TABLE_DEVICES] = "devices",
		[DOPPEL_TABLE_SESSIONS] = "sessions",
		[DOPPEL_TABLE_DEVICE_SESSIONS] = "device-sessions",
		[DOPPEL_TABLE_PORTS] = "ports",
	};

	return NAME(names, table);
}
