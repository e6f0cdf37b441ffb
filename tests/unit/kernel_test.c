// SPDX-License-Identifier: GPL-2.0-only
/* The module's messages to and from structs; the packet socket's filter. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <linux/doppel.h>

#include "gateway/frame.h"
#include "kernel/doppel_attr.h"
#include "kernel/packet.h"
#include "tap.h"

static struct nl_msg *message(uint8_t command)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 0, 0, 0x20, 0, 0, command, DOPPEL_FAMILY_VERSION);
	return msg;
}

static void test_device(void)
{
	struct module_device device = {
		.mac = { { 2, 0, 0, 0, 0, 7 } },
		.lan_ipv4.s_addr = htonl(0xc0a80107),
		.wan_ipv4.s_addr = htonl(0x0a000007),
		.wan_prefix_len = 24,
		.wan_router.s_addr = htonl(0x0a0000fe),
		.wan_ipv6_count = 2,
	}, read;
	struct nl_msg *msg = message(DOPPEL_CMD_DEVICE_SET);

	doppel_ip6_parse("2001:db8::1", &device.wan_ipv6[0].ipv6);
	doppel_ip6_parse("2001:db8::2", &device.wan_ipv6[1].ipv6);
	device.wan_ipv6[0].prefix_len = 64;
	device.wan_ipv6[1].prefix_len = 128;
	doppel_ip6_parse("fe80::7", &device.link_local);
	doppel_ip6_parse("fe80::1", &device.wan_router6);
	is_int(doppel_put_device(msg, &device, MODULE_ALL), 0, "a device is put");
	is_int(doppel_parse_device(nlmsg_hdr(msg), &read), 0, "and read");
	is_mem(&read, &device, sizeof(read), "the same");
	nlmsg_free(msg);

	msg = message(DOPPEL_CMD_DEVICE_SET);
	device.wan_ipv6_count = 0;
	doppel_put_device(msg, &device, MODULE_WAN_IPV6);
	ok(nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, DOPPEL_A_DEVICE_WAN_IPV6),
	   "an empty list is sent, as it clears the module's");
	ok(!nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, DOPPEL_A_DEVICE_WAN_IPV4),
	   "what is not changed is not sent");
	nlmsg_free(msg);

	msg = message(DOPPEL_CMD_DEVICE_GET);
	is_int(doppel_parse_device(nlmsg_hdr(msg), &read), -EPROTO, "a device without a MAC");
	nla_put(msg, DOPPEL_A_DEVICE_MAC, 5, "short");
	is_int(doppel_parse_device(nlmsg_hdr(msg), &read), -EPROTO, "or with half of one");
	nlmsg_free(msg);

	msg = message(DOPPEL_CMD_DEVICE_GET);
	nla_put(msg, DOPPEL_A_DEVICE_MAC, 6, device.mac.b);
	nla_put(msg, DOPPEL_A_DEVICE_WAN_IPV4, 3, "abc");
	nla_put_u32(msg, 200, 1);
	is_int(doppel_parse_device(nlmsg_hdr(msg), &read), 0, "an unknown attribute is passed over");
	is_int(read.wan_ipv4.s_addr, 0, "one of a wrong length is none");
	nlmsg_free(msg);
}

static void test_gateway(void)
{
	struct module_gateway gateway = {
		.lan_ifindex = 2,
		.wan_ifindex = 3,
		.lan_ipv4.s_addr = htonl(0xc0a80101),
		.lan_prefix_len = 24,
		.max_devices = 1000,
		.lender = { { 2, 0, 0, 0, 0, 7 } },
		.nat64_prefix_len = 96,
		.filter_forward = true,
		.lends = true,
	}, read;
	struct nl_msg *msg = message(DOPPEL_CMD_GATEWAY_SET);

	doppel_ip6_parse("64:ff9b::", &gateway.nat64_prefix);
	is_int(doppel_put_gateway(msg, &gateway, MODULE_PORTS | MODULE_LENDER |
				  MODULE_NAT64_PREFIX | MODULE_FILTER), 0, "a gateway is put");
	is_int(doppel_parse_gateway(nlmsg_hdr(msg), &read), 0, "and read");
	is_mem(&read, &gateway, sizeof(read), "the same");
	nlmsg_free(msg);

	msg = message(DOPPEL_CMD_GATEWAY_SET);
	doppel_put_gateway(msg, &gateway, MODULE_PORTS);
	ok(!nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, DOPPEL_A_GATEWAY_LENDER) &&
	   !nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, DOPPEL_A_GATEWAY_NAT64_PREFIX_LEN) &&
	   !nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, DOPPEL_A_GATEWAY_FILTER),
	   "nothing that an older module would refuse, unless it is meant");
	is_int(doppel_parse_gateway(nlmsg_hdr(msg), &read), 0, "an older module's gateway is read");
	ok(!read.lends, "and known as one");
	nlmsg_free(msg);
}

static void test_mapping(void)
{
	struct module_mapping mapping = { .ipv4.s_addr = htonl(0xc000020a) }, read;
	struct nl_msg *msg = message(DOPPEL_CMD_MAPPING_ADD);

	doppel_ip6_parse("2001:db8::10", &mapping.ipv6);
	is_int(doppel_put_mapping(msg, &mapping, true), 0, "a mapping is put");
	is_int(doppel_parse_mapping(nlmsg_hdr(msg), &read), 0, "and read");
	is_mem(&read, &mapping, sizeof(read), "the same");
	nlmsg_free(msg);
	msg = message(DOPPEL_CMD_MAPPING_DEL);
	doppel_put_mapping(msg, &mapping, false);
	is_int(doppel_parse_mapping(nlmsg_hdr(msg), &read), -EPROTO, "half of one is none");
	nlmsg_free(msg);
}

static void test_session(void)
{
	struct nl_msg *msg = message(DOPPEL_CMD_SESSION_GET);
	struct module_session session;

	nla_put(msg, DOPPEL_A_SESSION_MAC, 6, "\2\0\0\0\0\7");
	nla_put_u32(msg, DOPPEL_A_SESSION_TRANSLATION, DOPPEL_TRANSLATION_4TO6);
	is_int(doppel_parse_session(nlmsg_hdr(msg), &session), 0, "a session is read");
	is_str(doppel_translation_name(session.translation), "4to6", "4to6");
	ok(!session.lent, "a device's own");
	nla_put_flag(msg, DOPPEL_A_SESSION_LENT);
	doppel_parse_session(nlmsg_hdr(msg), &session);
	ok(session.lent, "or the box's");
	nlmsg_free(msg);
}

static void test_counters(void)
{
	struct nl_msg *msg = message(DOPPEL_CMD_STATS_GET);
	struct nlattr *nest = nla_nest_start(msg, DOPPEL_A_STATS_COUNTERS);
	struct module_stats stats;
	unsigned int i;

	/* As the kernel's nla_put_uint() does: short when it fits. */
	nla_put_u32(msg, DOPPEL_A_COUNTERS_LAN_PACKETS, 42);
	nla_put_u64(msg, DOPPEL_A_COUNTERS_LAN_BYTES, 1ULL << 40);
	nla_nest_end(msg, nest);
	for (i = 0; i < 2; i++) {
		nest = nla_nest_start(msg, DOPPEL_A_STATS_DROP);
		nla_put_u32(msg, DOPPEL_A_DROP_REASON, DOPPEL_DROP_REASON_WAN_NO_FORWARD + i);
		nla_put_u32(msg, DOPPEL_A_DROP_PACKETS, 3 + i);
		nla_nest_end(msg, nest);
	}
	nest = nla_nest_start(msg, DOPPEL_A_STATS_TOTAL);
	nla_put_u32(msg, DOPPEL_A_COUNT_OF, DOPPEL_TOTAL_LENT);
	nla_put_u64(msg, DOPPEL_A_COUNT_VALUE, 1ULL << 33);
	nla_nest_end(msg, nest);
	is_int(doppel_parse_stats(nlmsg_hdr(msg), &stats), 0, "statistics are read");
	is_int(stats.counters.lan_packets, 42, "a short number");
	ok(stats.counters.lan_bytes == 1ULL << 40, "a long one");
	is_int(stats.drop_count, 2, "each reason");
	is_str(doppel_drop_reason_name(stats.drops[0].reason), "wan-no-forward", "by its name");
	is_int(stats.drops[1].packets, 4, "with its count");
	is_str(doppel_drop_reason_name(4242), "?", "a reason of a newer module");
	is_str(doppel_drop_reason_name(DOPPEL_DROP_REASON_FILTER), "filter", "the last one of ours");
	is_int(stats.total_count, 1, "each total");
	is_str(doppel_total_name(stats.totals[0].of), "lent", "by its name");
	ok(stats.totals[0].value == 1ULL << 33, "with its value");
	nlmsg_free(msg);
}

static void test_event(void)
{
	struct nl_msg *msg = message(DOPPEL_CMD_DEVICE_SEEN_NTF);
	struct module_event event;

	nla_put(msg, DOPPEL_A_EVENT_MAC, 6, "\2\0\0\0\0\7");
	nla_put_u32(msg, DOPPEL_A_EVENT_IPV4, htonl(0xc0a80107));
	is_int(doppel_parse_event(nlmsg_hdr(msg), &event), 0, "an event is read");
	is_int(event.kind, MODULE_EVENT_DEVICE_SEEN, "its kind");
	is_int(event.mac.b[5], 7, "its MAC");
	is_int(ntohl(event.ipv4.s_addr), 0xc0a80107, "its address");
	nlmsg_free(msg);
	msg = message(250);
	is_int(doppel_parse_event(nlmsg_hdr(msg), &event), -ENOMSG, "one of a newer module");
	nlmsg_free(msg);
}

/* Whether the frame gets through the filter of a socket. */
static bool passes_filter(const uint8_t *frame, size_t len, int (*filter)(int fd))
{
	uint8_t got[FRAME_MAX];
	bool passed;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) || filter(fds[1]))
		return false;
	passed = send(fds[0], frame, len, 0) == (ssize_t)len &&
		 recv(fds[1], got, sizeof(got), MSG_DONTWAIT) == (ssize_t)len;
	close(fds[0]);
	close(fds[1]);
	return passed;
}

static bool passes(const uint8_t *frame, size_t len)
{
	return passes_filter(frame, len, doppel_packet_filter);
}

/* On the LAN nothing but what DHCPv4 clients say is heard. */
static void test_clients_filter(void)
{
	struct packet head = { .hop_limit = 64, .sport = 68, .dport = 67 };
	const struct arp arp = { .operation = 1 };
	uint8_t frame[FRAME_MAX], payload[64] = { 0 };
	size_t len = doppel_frame_udp4(frame, &head, payload, sizeof(payload));

	ok(passes_filter(frame, len, doppel_packet_filter_clients), "DHCPv4 to a server passes");
	frame[21] = 1;
	ok(!passes_filter(frame, len, doppel_packet_filter_clients), "a later fragment does not");
	head.dport = 68;
	len = doppel_frame_udp4(frame, &head, payload, sizeof(payload));
	ok(!passes_filter(frame, len, doppel_packet_filter_clients), "to a client neither");
	len = doppel_frame_udp6(frame, &head, payload, sizeof(payload));
	ok(!passes_filter(frame, len, doppel_packet_filter_clients), "nor anything of IPv6");
	len = doppel_frame_arp(frame, &head.dst, &head.src, &arp);
	ok(!passes_filter(frame, len, doppel_packet_filter_clients), "nor ARP");
}

static void test_filter(void)
{
	struct packet head = {
		.dst = { { 2, 0, 0, 0, 0, 7 } },
		.src = { { 2, 0, 0, 0, 0, 8 } },
		.hop_limit = 255,
		.sport = 67,
		.dport = 68,
	};
	const struct arp arp = { .operation = 1 };
	uint8_t frame[FRAME_MAX], payload[64] = { 0 };
	static const struct {
		uint8_t type;
		bool passes;
	} types[] = {
		{ ND_ROUTER_SOLICIT, false }, { ND_ROUTER_ADVERT, true },
		{ ND_NEIGHBOR_SOLICIT, true }, { ND_NEIGHBOR_ADVERT, true },
		{ ND_REDIRECT, false }, { ICMP6_ECHO_REQUEST, false },
	};
	size_t len, i;

	ok(passes(frame, doppel_frame_arp(frame, &head.dst, &head.src, &arp)), "ARP passes");
	len = doppel_frame_udp4(frame, &head, payload, sizeof(payload));
	ok(passes(frame, len), "DHCPv4 to a client passes");
	frame[21] = 1;
	ok(!passes(frame, len), "a later fragment does not");
	head.dport = 67;
	ok(!passes(frame, doppel_frame_udp4(frame, &head, payload, sizeof(payload))),
	   "DHCPv4 to a server does not");
	head.dport = 546;
	ok(passes(frame, doppel_frame_udp6(frame, &head, payload, sizeof(payload))),
	   "DHCPv6 to a client passes");
	head.dport = 547;
	ok(!passes(frame, doppel_frame_udp6(frame, &head, payload, sizeof(payload))),
	   "DHCPv6 to a server does not");
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		payload[0] = types[i].type;
		payload[2] = payload[3] = 0;
		len = doppel_frame_icmp6(frame, &head, payload, sizeof(payload));
		is_int(passes(frame, len), types[i].passes, "ICMPv6 type %u", types[i].type);
	}
	head.router_alert = true;
	payload[0] = MLD_LISTENER_QUERY;
	payload[2] = payload[3] = 0;
	len = doppel_frame_icmp6(frame, &head, payload, sizeof(payload));
	ok(passes(frame, len), "an MLD query passes");
	payload[0] = MLD_LISTENER_REPORT;
	payload[2] = payload[3] = 0;
	len = doppel_frame_icmp6(frame, &head, payload, sizeof(payload));
	ok(!passes(frame, len), "a report does not");
	ok(!passes(frame, 20), "a frame that is cut short does not");
}

int main(void)
{
	test_gateway();
	test_device();
	test_mapping();
	test_session();
	test_counters();
	test_event();
	test_filter();
	test_clients_filter();
	return done_testing();
}
