// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/wireguard_attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>

/* With all headers and padding. */
#define ALLOWED_IP_ROOM 48
#define PEER_ROOM 176

static void get_key(struct nlattr *attr, uint8_t key[WG_KEY_LEN])
{
	if (attr && nla_len(attr) == WG_KEY_LEN)
		memcpy(key, nla_data(attr), WG_KEY_LEN);
}

static void get_endpoint(struct nlattr *attr, struct wireguard_peer *peer)
{
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} address = { .ipv6.sin6_family = AF_UNSPEC };

	if (!attr)
		return;
	nla_memcpy(&address, attr, sizeof(address));
	if (address.any.sa_family == AF_INET) {
		peer->endpoint = doppel_ip6_v4mapped(address.ipv4.sin_addr);
		peer->endpoint_port = ntohs(address.ipv4.sin_port);
	} else if (address.any.sa_family == AF_INET6) {
		peer->endpoint = address.ipv6.sin6_addr;
		peer->endpoint_port = ntohs(address.ipv6.sin6_port);
	}
}

/* struct __kernel_timespec, whatever this machine's own timespec is. */
static int64_t get_time(struct nlattr *attr)
{
	int64_t time[2] = { 0 };

	if (attr)
		nla_memcpy(time, attr, sizeof(time));
	return time[0];
}

static bool parse_allowed_ip(struct nlattr *attr, struct cidr *cidr)
{
	struct nlattr *a[WGALLOWEDIP_A_MAX + 1], *address;
	struct in_addr ipv4;
	uint8_t len;

	if (nla_parse_nested(a, WGALLOWEDIP_A_MAX, attr, NULL) || !a[WGALLOWEDIP_A_IPADDR] ||
	    !a[WGALLOWEDIP_A_CIDR_MASK])
		return false;
	address = a[WGALLOWEDIP_A_IPADDR];
	len = nla_get_u8(a[WGALLOWEDIP_A_CIDR_MASK]);
	if (nla_len(address) == sizeof(ipv4) && len <= 32) {
		memcpy(&ipv4, nla_data(address), sizeof(ipv4));
		*cidr = (struct cidr){ doppel_ip6_v4mapped(ipv4), len + 96 };
		return true;
	}
	if (nla_len(address) != sizeof(cidr->net) || len > 128)
		return false;
	memcpy(&cidr->net, nla_data(address), sizeof(cidr->net));
	cidr->len = len;
	return true;
}

/* Room for one more of @size bytes, where the array has grown by doubling. */
static void *grow(void *array, size_t count, size_t size)
{
	return count & (count - 1) ? array : reallocarray(array, count ? 2 * count : 1, size);
}

static int parse_allowed_ips(struct nlattr *attr, struct wireguard_peer *peer)
{
	struct nlattr *item;
	int left;

	nla_for_each_nested(item, attr, left) {
		struct cidr *more = grow(peer->allowed_ips, peer->allowed_ip_count, sizeof(*more));

		if (!more)
			return -ENOMEM;
		peer->allowed_ips = more;
		if (parse_allowed_ip(item, &more[peer->allowed_ip_count]))
			peer->allowed_ip_count++;
	}
	return 0;
}

/* The one that the message before ended with, or a new one. */
static struct wireguard_peer *peer_of(struct wireguard_device *device, struct nlattr *key)
{
	struct wireguard_peer *last = NULL, *more;

	if (device->peer_count)
		last = &device->peers[device->peer_count - 1];
	if (last && !memcmp(last->public_key, nla_data(key), WG_KEY_LEN))
		return last;
	more = grow(device->peers, device->peer_count, sizeof(*more));
	if (!more)
		return NULL;
	device->peers = more;
	more += device->peer_count++;
	*more = (struct wireguard_peer){ 0 };
	get_key(key, more->public_key);
	return more;
}

static int parse_peer(struct nlattr *attr, struct wireguard_device *device)
{
	struct nlattr *a[WGPEER_A_MAX + 1];
	struct wireguard_peer *peer;

	if (nla_parse_nested(a, WGPEER_A_MAX, attr, NULL) || !a[WGPEER_A_PUBLIC_KEY] ||
	    nla_len(a[WGPEER_A_PUBLIC_KEY]) != WG_KEY_LEN)
		return -EPROTO;
	peer = peer_of(device, a[WGPEER_A_PUBLIC_KEY]);
	if (!peer)
		return -ENOMEM;
	get_key(a[WGPEER_A_PRESHARED_KEY], peer->preshared_key);
	get_endpoint(a[WGPEER_A_ENDPOINT], peer);
	if (a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL])
		peer->keepalive = nla_get_u16(a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
	if (a[WGPEER_A_LAST_HANDSHAKE_TIME])
		peer->latest_handshake = get_time(a[WGPEER_A_LAST_HANDSHAKE_TIME]);
	if (a[WGPEER_A_RX_BYTES])
		peer->rx_bytes = nla_get_u64(a[WGPEER_A_RX_BYTES]);
	if (a[WGPEER_A_TX_BYTES])
		peer->tx_bytes = nla_get_u64(a[WGPEER_A_TX_BYTES]);
	return a[WGPEER_A_ALLOWEDIPS] ? parse_allowed_ips(a[WGPEER_A_ALLOWEDIPS], peer) : 0;
}

int doppel_parse_wireguard(struct nlmsghdr *header, struct wireguard_device *device)
{
	struct nlattr *a[WGDEVICE_A_MAX + 1], *peer;
	int left, err = 0;

	if (genlmsg_parse(header, 0, a, WGDEVICE_A_MAX, NULL))
		return -EPROTO;
	get_key(a[WGDEVICE_A_PRIVATE_KEY], device->private_key);
	if (a[WGDEVICE_A_LISTEN_PORT])
		device->listen_port = nla_get_u16(a[WGDEVICE_A_LISTEN_PORT]);
	if (!a[WGDEVICE_A_PEERS])
		return 0;
	nla_for_each_nested(peer, a[WGDEVICE_A_PEERS], left) {
		err = parse_peer(peer, device);
		if (err)
			break;
	}
	return err;
}

static size_t room(struct nl_msg *msg)
{
	return nlmsg_get_max_size(msg) - nlmsg_hdr(msg)->nlmsg_len;
}

static int put_allowed_ip(struct nl_msg *msg, const struct cidr *cidr)
{
	const int family = doppel_cidr_family(cidr);
	const struct in_addr ipv4 = doppel_ip_ipv4(&cidr->net);
	struct nlattr *nest = nla_nest_start(msg, 0);
	int err;

	if (!nest)
		return -ENOMEM;
	err = nla_put_u16(msg, WGALLOWEDIP_A_FAMILY, (uint16_t)family);
	err |= family == AF_INET ? nla_put(msg, WGALLOWEDIP_A_IPADDR, sizeof(ipv4), &ipv4) :
				   nla_put(msg, WGALLOWEDIP_A_IPADDR, sizeof(cidr->net), &cidr->net);
	err |= nla_put_u8(msg, WGALLOWEDIP_A_CIDR_MASK, doppel_cidr_len(cidr));
	nla_nest_end(msg, nest);
	return err;
}

/* From @done on, as many as find room; @done says then how far that is. */
static int put_allowed_ips(struct nl_msg *msg, const struct wireguard_change *change, size_t *done)
{
	struct nlattr *nest = nla_nest_start(msg, WGPEER_A_ALLOWEDIPS);
	int err = nest ? 0 : -ENOMEM;

	while (!err && *done < change->allowed_ip_count && room(msg) >= ALLOWED_IP_ROOM)
		err = put_allowed_ip(msg, &change->allowed_ips[(*done)++]);
	if (nest)
		nla_nest_end(msg, nest);
	return err;
}

static uint32_t flags_of(const struct wireguard_change *change, bool goes_on)
{
	if (change->what & WIREGUARD_REMOVE)
		return WGPEER_F_REMOVE_ME | WGPEER_F_UPDATE_ONLY;
	if (goes_on)
		return WGPEER_F_UPDATE_ONLY;
	return (change->what & WIREGUARD_ADD ? 0 : WGPEER_F_UPDATE_ONLY) |
	       (change->what & WIREGUARD_REPLACE_ALLOWED_IPS ? WGPEER_F_REPLACE_ALLOWEDIPS : 0);
}

static int put_endpoint(struct nl_msg *msg, const struct wireguard_change *change)
{
	const struct sockaddr_in ipv4 = {
		.sin_family = AF_INET,
		.sin_port = htons(change->endpoint_port),
		.sin_addr = doppel_ip_ipv4(&change->endpoint),
	};
	const struct sockaddr_in6 ipv6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(change->endpoint_port),
		.sin6_addr = change->endpoint,
	};
	int err = doppel_ip_family(&change->endpoint) == AF_INET ?
		nla_put(msg, WGPEER_A_ENDPOINT, sizeof(ipv4), &ipv4) :
		nla_put(msg, WGPEER_A_ENDPOINT, sizeof(ipv6), &ipv6);

	return err | nla_put_u16(msg, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, change->keepalive);
}

static int put_change(struct nl_msg *msg, const struct wireguard_change *change, size_t *done)
{
	struct nlattr *nest = nla_nest_start(msg, 0);
	const bool goes_on = *done;
	int err;

	if (!nest)
		return -ENOMEM;
	err = nla_put(msg, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, change->public_key);
	err |= nla_put_u32(msg, WGPEER_A_FLAGS, flags_of(change, goes_on));
	if ((change->what & WIREGUARD_PRESHARED_KEY) && !goes_on)
		err |= nla_put(msg, WGPEER_A_PRESHARED_KEY, WG_KEY_LEN, change->preshared_key);
	if ((change->what & WIREGUARD_ENDPOINT) && !goes_on)
		err |= put_endpoint(msg, change);
	err |= put_allowed_ips(msg, change, done);
	nla_nest_end(msg, nest);
	return err ? -EMSGSIZE : 0;
}

int doppel_put_wireguard_changes(struct nl_msg *msg, const struct wireguard_change *changes,
				 size_t count, struct wireguard_progress *progress)
{
	struct nlattr *nest = nla_nest_start(msg, WGDEVICE_A_PEERS);
	int err = nest && room(msg) >= PEER_ROOM + ALLOWED_IP_ROOM ? 0 : -EMSGSIZE;

	while (!err && progress->change < count && room(msg) >= PEER_ROOM + ALLOWED_IP_ROOM) {
		const struct wireguard_change *change = &changes[progress->change];

		err = put_change(msg, change, &progress->allowed_ip);
		if (progress->allowed_ip < change->allowed_ip_count)
			break;
		progress->change++;
		progress->allowed_ip = 0;
	}
	if (nest)
		nla_nest_end(msg, nest);
	return err;
}
