/* SPDX-License-Identifier: GPL-2.0-only */
/* The other side of DHCPv4 in tests: what servers and rivals say to one device, and what it says. */
#ifndef DOPPEL_TESTS_DHCP4_PEER_H
#define DOPPEL_TESTS_DHCP4_PEER_H

#include <net/if_arp.h>

#include "gateway/dhcp4.h"
#include "wan_world.h"

static inline void v4_add(struct message *m, uint8_t code, size_t len, const void *value)
{
	m->data[m->len++] = code;
	m->data[m->len++] = (uint8_t)len;
	memcpy(m->data + m->len, value, len);
	m->len += len;
}

static inline void v4_add32(struct message *m, uint8_t code, uint32_t value)
{
	uint8_t bytes[4] = { value >> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff };

	v4_add(m, code, 4, bytes);
}

static inline void v4_add_address(struct message *m, uint8_t code, const char *address)
{
	struct in_addr value = ip4(address);

	v4_add(m, code, 4, &value);
}

/* What every reply begins with; options follow. */
static inline struct message v4_begin(uint32_t xid, const char *yiaddr, uint8_t type)
{
	struct message m = { .data = { 2, 1, 6 }, .len = 240 };
	struct in_addr address = ip4(yiaddr);

	memcpy(m.data + 4, (uint8_t[]){ xid >> 24, xid >> 16 & 0xff, xid >> 8 & 0xff, xid & 0xff },
	       4);
	memcpy(m.data + 16, &address, 4);
	memcpy(m.data + 28, &device, 6);
	memcpy(m.data + 236, "\x63\x82\x53\x63", 4);
	v4_add(&m, 53, 1, &type);
	return m;
}

static inline struct message v4_reply(uint32_t xid, const char *yiaddr, uint8_t type,
				      uint32_t lease_s)
{
	struct message m = v4_begin(xid, yiaddr, type);

	v4_add_address(&m, 54, "192.0.2.1");
	if (lease_s)
		v4_add32(&m, 51, lease_s);
	v4_add_address(&m, 1, "255.255.255.0");
	v4_add_address(&m, 3, "192.0.2.1");
	v4_add_address(&m, 6, "192.0.2.53");
	m.data[m.len++] = 255;
	return m;
}

static inline enum verdict v4_deliver(struct dhcp4 *dhcp, const struct message *m)
{
	struct packet packet = {
		.kind = PACKET_UDP4, .src = server_mac, .dst = device,
		.sport = 67, .dport = 68, .payload = m->data, .len = m->len,
	};

	return doppel_dhcp4_receive(dhcp, &packet);
}

static inline enum verdict v4_answer(struct dhcp4 *dhcp, const char *yiaddr, uint8_t type,
				     uint32_t lease_s)
{
	struct message m = v4_reply(dhcp->xid, yiaddr, type, lease_s);

	return v4_deliver(dhcp, &m);
}

/* The claim of an address by somebody else. */
static inline void v4_claim(struct dhcp4 *dhcp, const char *address)
{
	struct packet packet = {
		.kind = PACKET_ARP, .src = rival,
		.arp = { .operation = ARPOP_REPLY, .sender_mac = rival, .sender = ip4(address) },
	};

	doppel_dhcp4_receive(dhcp, &packet);
}

static inline uint8_t v4_last_type(struct world *world)
{
	struct packet packet = world_packet(world);

	return packet.kind == PACKET_UDP4 && packet.dport == 67 ? packet.payload[242] : 0;
}

static inline bool v4_last_is_broadcast(struct world *world)
{
	struct packet packet = world_packet(world);

	return doppel_mac_eq(&packet.dst, &doppel_mac_broadcast);
}

/* The value of an option in the last message; NULL if absent. */
static inline const uint8_t *v4_last_option(struct world *world, uint8_t code)
{
	struct packet packet = world_packet(world);
	const uint8_t *p = packet.payload + 240;

	for (; *p != 255; p += 2 + p[1])
		if (*p == code)
			return p + 2;
	return NULL;
}

#endif
