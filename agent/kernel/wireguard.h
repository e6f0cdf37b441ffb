/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's WireGuard: keys and peers of a device, by its generic netlink family. The devices
 * themselves are links of the kind "wireguard".
 */
#ifndef DOPPEL_KERNEL_WIREGUARD_H
#define DOPPEL_KERNEL_WIREGUARD_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/wireguard.h>

#include "base/cidr.h"

#define WIREGUARD_KIND "wireguard"

struct wireguard_peer {
	uint8_t public_key[WG_KEY_LEN];
	uint8_t preshared_key[WG_KEY_LEN];	/* all zeros: none */
	struct cidr *allowed_ips;
	size_t allowed_ip_count;
	struct in6_addr endpoint;	/* v4-mapped if it is IPv4 */
	uint16_t endpoint_port;		/* 0: it is not known where the peer is */
	uint16_t keepalive;		/* seconds; 0: off */
	int64_t latest_handshake;	/* seconds since the epoch; 0: never */
	uint64_t rx_bytes, tx_bytes;
};

struct wireguard_device {
	uint8_t private_key[WG_KEY_LEN];	/* all zeros: none */
	uint16_t listen_port;
	struct wireguard_peer *peers;
	size_t peer_count;
};

/* What becomes of a peer; they may be combined, but for the first. */
enum {
	WIREGUARD_REMOVE = 1 << 0,
	WIREGUARD_ADD = 1 << 1,			/* else one that is gone meanwhile stays gone */
	WIREGUARD_REPLACE_ALLOWED_IPS = 1 << 2,	/* else they come to those it has */
	WIREGUARD_PRESHARED_KEY = 1 << 3,	/* is set */
	WIREGUARD_ENDPOINT = 1 << 4,		/* is set, and the keepalive */
};

/* A peer's session lives on, whatever is changed of it, until it is removed. */
struct wireguard_change {
	unsigned int what;
	const uint8_t *public_key, *preshared_key;
	const struct cidr *allowed_ips;		/* who had them before has them no longer */
	size_t allowed_ip_count;
	struct in6_addr endpoint;		/* v4-mapped if it is IPv4 */
	uint16_t endpoint_port;
	uint16_t keepalive;			/* seconds; 0: off */
};

/* One interface; tests have a fake. All return 0 or a negative errno. */
struct wireguard {
	/* The caller gives @device to doppel_wireguard_device_free(), in any case. */
	int (*device_get)(struct wireguard *wireguard, uint32_t ifindex,
			  struct wireguard_device *device);
	int (*private_key_set)(struct wireguard *wireguard, uint32_t ifindex,
			       const uint8_t key[WG_KEY_LEN]);
	/* -EADDRINUSE: and the device keeps the one it has. One that is down finds out when it is up. */
	int (*listen_port_set)(struct wireguard *wireguard, uint32_t ifindex, uint16_t port);
	/* In their order, until one is refused. */
	int (*peers_set)(struct wireguard *wireguard, uint32_t ifindex,
			 const struct wireguard_change *changes, size_t count);
	void (*free)(struct wireguard *wireguard);
};

/* The caller ends it with wireguard->free(wireguard). WireGuard need not be loaded yet. */
int doppel_wireguard_open(struct wireguard **wireguard);

/* What hangs below it; keys are wiped. */
void doppel_wireguard_device_free(struct wireguard_device *device);

#endif
