// SPDX-License-Identifier: GPL-2.0-only
/* WireGuard's netlink messages: dumps in several parts, and changes that need more than one. */
#include <errno.h>
#include <stdlib.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>

#include "kernel/wireguard_attr.h"
#include "tap.h"

#define MANY 1000

static struct nl_msg *message(size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_size(size);

	genlmsg_put(msg, 0, 0, 0x20, 0, 0, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
	return msg;
}

static struct cidr cidr(const char *text)
{
	struct cidr cidr = { .len = 0 };

	if (doppel_cidr_parse(text, &cidr))
		abort();
	return cidr;
}

static void is_cidr(const struct cidr *got, const char *want)
{
	char text[DOPPEL_CIDR_TEXT];

	is_str(doppel_cidr_format(got, text), want, "%s", want);
}

static void put_allowed_ip(struct nl_msg *msg, int family, const char *address, size_t len,
			   uint8_t bits)
{
	struct nlattr *nest = nla_nest_start(msg, 0);

	nla_put_u16(msg, WGALLOWEDIP_A_FAMILY, (uint16_t)family);
	nla_put(msg, WGALLOWEDIP_A_IPADDR, (int)len, address);
	nla_put_u8(msg, WGALLOWEDIP_A_CIDR_MASK, bits);
	nla_nest_end(msg, nest);
}

/* The first message of a dump: the device, and a peer with all that the kernel says of one. */
static struct nl_msg *first_part(void)
{
	const struct sockaddr_in endpoint = {
		.sin_family = AF_INET, .sin_port = htons(51820), .sin_addr.s_addr = htonl(0xc0000207),
	};
	const int64_t handshake[2] = { 1700000000, 999 };
	struct nl_msg *msg = message(4096);
	struct nlattr *peers, *peer, *ips;

	nla_put_u16(msg, WGDEVICE_A_LISTEN_PORT, 51821);
	nla_put(msg, WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, "private-private-private-private-");
	peers = nla_nest_start(msg, WGDEVICE_A_PEERS);
	peer = nla_nest_start(msg, 0);
	nla_put(msg, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, "first---first---first---first---");
	nla_put(msg, WGPEER_A_PRESHARED_KEY, WG_KEY_LEN, "shared--shared--shared--shared--");
	nla_put(msg, WGPEER_A_ENDPOINT, sizeof(endpoint), &endpoint);
	nla_put_u16(msg, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 25);
	nla_put(msg, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof(handshake), handshake);
	nla_put_u64(msg, WGPEER_A_RX_BYTES, 1ULL << 40);
	nla_put_u64(msg, WGPEER_A_TX_BYTES, 7);
	ips = nla_nest_start(msg, WGPEER_A_ALLOWEDIPS);
	put_allowed_ip(msg, AF_INET, "\12\12\0\2", 4, 32);
	nla_nest_end(msg, ips);
	nla_nest_end(msg, peer);
	nla_nest_end(msg, peers);
	return msg;
}

/* The next one: the same peer's other allowed IPs, and another peer, who was never seen. */
static struct nl_msg *second_part(void)
{
	struct nl_msg *msg = message(4096);
	struct nlattr *peers = nla_nest_start(msg, WGDEVICE_A_PEERS);
	struct nlattr *peer = nla_nest_start(msg, 0), *ips;

	nla_put(msg, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, "first---first---first---first---");
	ips = nla_nest_start(msg, WGPEER_A_ALLOWEDIPS);
	put_allowed_ip(msg, AF_INET6, "\xfd\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\2", 16, 128);
	put_allowed_ip(msg, AF_INET, "\xac\x10\0\0", 4, 12);
	put_allowed_ip(msg, AF_INET, "\0\0\0\0", 4, 33);
	nla_nest_end(msg, ips);
	nla_nest_end(msg, peer);
	peer = nla_nest_start(msg, 0);
	nla_put(msg, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, "second--second--second--second--");
	nla_put_u32(msg, WGPEER_A_PROTOCOL_VERSION, 1);
	nla_nest_end(msg, peer);
	nla_nest_end(msg, peers);
	return msg;
}

static void test_dump(void)
{
	struct wireguard_device device = { .peer_count = 0 };
	struct nl_msg *first = first_part(), *second = second_part();
	const struct wireguard_peer *peer;
	char text[DOPPEL_IP6_TEXT];

	is_int(doppel_parse_wireguard(nlmsg_hdr(first), &device), 0, "a dump's first message");
	is_int(doppel_parse_wireguard(nlmsg_hdr(second), &device), 0, "and its second");
	is_int(device.listen_port, 51821, "listen port");
	is_mem(device.private_key, "private-private-private-private-", WG_KEY_LEN, "private key");
	is_int(device.peer_count, 2, "a peer that goes on in the next message is one");
	peer = &device.peers[0];
	is_mem(peer->preshared_key, "shared--shared--shared--shared--", WG_KEY_LEN, "preshared key");
	is_str(doppel_ip_format(&peer->endpoint, text), "192.0.2.7", "endpoint");
	is_int(peer->endpoint_port, 51820, "its port");
	is_int(peer->keepalive, 25, "keepalive");
	is_int(peer->latest_handshake, 1700000000, "the latest handshake, as a point in time");
	is_int(peer->rx_bytes, 1LL << 40, "received");
	is_int(peer->tx_bytes, 7, "sent");
	is_int(peer->allowed_ip_count, 3, "allowed IPs of both messages, but for an impossible one");
	is_cidr(&peer->allowed_ips[0], "10.10.0.2/32");
	is_cidr(&peer->allowed_ips[1], "fd00:10::2/128");
	is_cidr(&peer->allowed_ips[2], "172.16.0.0/12");
	peer = &device.peers[1];
	ok(!peer->endpoint_port && !peer->latest_handshake && !peer->allowed_ip_count,
	   "a peer that was never seen");
	nlmsg_free(first);
	first = message(4096);
	nla_put(first, WGDEVICE_A_PEERS, 8, "\x08\0\0\0abcd");
	is_int(doppel_parse_wireguard(nlmsg_hdr(first), &device), -EPROTO, "a peer without a key");
	nlmsg_free(first);
	nlmsg_free(second);
	doppel_wireguard_device_free(&device);
}

/* What the kernel would make of a message, here: the dump's parser reads the same attributes. */
struct told {
	struct wireguard_device device;
	unsigned int messages, with_psk, updates, replaced, removed;
};

static void count_flags(struct nl_msg *msg, struct told *told)
{
	struct nlattr *peers = nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, WGDEVICE_A_PEERS), *peer;
	int left;

	nla_for_each_nested(peer, peers, left) {
		struct nlattr *a[WGPEER_A_MAX + 1];
		uint32_t flags;

		nla_parse_nested(a, WGPEER_A_MAX, peer, NULL);
		flags = a[WGPEER_A_FLAGS] ? nla_get_u32(a[WGPEER_A_FLAGS]) : 0;
		told->with_psk += a[WGPEER_A_PRESHARED_KEY] != NULL;
		told->updates += !!(flags & WGPEER_F_UPDATE_ONLY);
		told->replaced += !!(flags & WGPEER_F_REPLACE_ALLOWEDIPS);
		told->removed += !!(flags & WGPEER_F_REMOVE_ME);
	}
}

static struct told tell(const struct wireguard_change *changes, size_t count, size_t size)
{
	struct wireguard_progress progress = { 0 };
	struct told told = { .messages = 0 };

	while (progress.change < count && told.messages < 10 * MANY) {
		struct nl_msg *msg = message(size);

		if (doppel_put_wireguard_changes(msg, changes, count, &progress) ||
		    doppel_parse_wireguard(nlmsg_hdr(msg), &told.device))
			told.messages = 10 * MANY;
		told.messages++;
		count_flags(msg, &told);
		nlmsg_free(msg);
	}
	return told;
}

static void test_changes(void)
{
	static const uint8_t keys[3][WG_KEY_LEN] = { { 1 }, { 2 }, { 3 } };
	const struct cidr ips[] = { cidr("10.10.0.2/32"), cidr("fd00:10::/64"), cidr("0.0.0.0/0") };
	const struct wireguard_change changes[] = {
		{ .what = WIREGUARD_REMOVE, .public_key = keys[0] },
		{ .what = WIREGUARD_ADD | WIREGUARD_REPLACE_ALLOWED_IPS | WIREGUARD_PRESHARED_KEY,
		  .public_key = keys[1], .preshared_key = keys[2], .allowed_ips = ips,
		  .allowed_ip_count = 3 },
		{ .what = WIREGUARD_REPLACE_ALLOWED_IPS, .public_key = keys[2] },
	};
	struct told told = tell(changes, 3, 4096);
	struct nl_msg *small = message(100);
	struct wireguard_progress progress = { 0 };

	is_int(told.messages, 1, "three changes in a message");
	is_int(told.device.peer_count, 3, "each with its peer");
	is_int(told.removed, 1, "one is removed");
	is_int(told.updates, 2, "only one that is new may make a peer");
	is_int(told.replaced, 2, "two lose what they had");
	is_int(told.with_psk, 1, "one gets a preshared key");
	is_int(told.device.peers[1].allowed_ip_count, 3, "and allowed IPs");
	is_cidr(&told.device.peers[1].allowed_ips[0], "10.10.0.2/32");
	is_cidr(&told.device.peers[1].allowed_ips[1], "fd00:10::/64");
	is_cidr(&told.device.peers[1].allowed_ips[2], "0.0.0.0/0");
	is_int(told.device.peers[2].allowed_ip_count, 0, "none at all is a list, too");
	doppel_wireguard_device_free(&told.device);
	is_int(doppel_put_wireguard_changes(small, changes, 3, &progress), -EMSGSIZE,
	       "a message without room for any is an error, not a loop");
	nlmsg_free(small);
}

static void test_many(void)
{
	static struct cidr ips[MANY];
	static uint8_t keys[MANY][WG_KEY_LEN];
	static struct wireguard_change changes[MANY];
	struct told told;
	size_t i, right = 0;

	for (i = 0; i < MANY; i++) {
		memcpy(keys[i], &i, sizeof(i));
		ips[i] = cidr("10.0.0.0/24");
		ips[i].net.s6_addr[13] = (uint8_t)(i >> 8);
		ips[i].net.s6_addr[14] = (uint8_t)i;
		changes[i] = (struct wireguard_change){
			.what = WIREGUARD_ADD | WIREGUARD_REPLACE_ALLOWED_IPS,
			.public_key = keys[i],
			.allowed_ips = &ips[i],
			.allowed_ip_count = 1,
		};
	}
	/* The tenth has them all; that is more than a message holds. */
	changes[9].allowed_ips = ips;
	changes[9].allowed_ip_count = MANY;
	told = tell(changes, MANY, 4096);
	ok(told.messages > 20 && told.messages < MANY, "%u messages for many", told.messages);
	is_int(told.device.peer_count, MANY, "no peer is lost or doubled");
	is_int(told.device.peers[9].allowed_ip_count, MANY, "nor a prefix, over messages");
	is_int(told.replaced, MANY, "what a peer had goes once, not with every part");
	for (i = 0; i < MANY; i++)
		right += doppel_cidr_eq(&told.device.peers[9].allowed_ips[i], &ips[i]) &&
			 !memcmp(told.device.peers[i].public_key, keys[i], WG_KEY_LEN);
	is_int(right, MANY, "in their order");
	doppel_wireguard_device_free(&told.device);
}

int main(void)
{
	test_dump();
	test_changes();
	test_many();
	return done_testing();
}
