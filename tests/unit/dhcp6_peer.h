/* SPDX-License-Identifier: GPL-2.0-only */
/* The other side of DHCPv6 in tests: what servers say to one device, and what it says. */
#ifndef DOPPEL_TESTS_DHCP6_PEER_H
#define DOPPEL_TESTS_DHCP6_PEER_H

#include "gateway/dhcp6.h"
#include "gateway/dhcp6_message.h"
#include "gateway/wire.h"
#include "wan_world.h"

#define ADDRESS "2001:db8::9"

static const uint8_t client_duid[10] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 1 };
static const uint8_t server_duid[10] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfe };

static inline void v6_put(struct message *m, const void *bytes, size_t len)
{
	memcpy(m->data + m->len, bytes, len);
	m->len += len;
}

static inline void v6_put32(struct message *m, uint32_t value)
{
	v6_put(m, (uint8_t[]){ value >> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff }, 4);
}

static inline void v6_head(struct message *m, uint16_t code, size_t len)
{
	v6_put32(m, (uint32_t)code << 16 | (uint32_t)len);
}

static inline struct message v6_begin(uint8_t type, uint32_t xid, const uint8_t *server)
{
	struct message m = { .len = 0 };

	v6_put32(&m, (uint32_t)type << 24 | xid);
	v6_head(&m, 1, 10);
	v6_put(&m, client_duid, 10);
	v6_head(&m, 2, 10);
	v6_put(&m, server, 10);
	return m;
}

static inline void v6_put_status(struct message *m, uint16_t status, const char *text)
{
	v6_head(m, 13, 2 + strlen(text));
	v6_put(m, (uint8_t[]){ 0, (uint8_t)status }, 2);
	v6_put(m, text, strlen(text));
}

static inline void v6_put_ia(struct message *m, uint32_t t1, uint32_t t2, size_t inner)
{
	v6_head(m, 3, 12 + inner);
	v6_put(m, device.b + 2, 4);
	v6_put32(m, t1);
	v6_put32(m, t2);
}

static inline void v6_put_address(struct message *m, const char *address, uint32_t preferred, uint32_t valid)
{
	struct in6_addr value = ip6(address);

	v6_head(m, 5, 24);
	v6_put(m, &value, 16);
	v6_put32(m, preferred);
	v6_put32(m, valid);
}

static inline struct message v6_reply(uint8_t type, uint32_t xid, uint32_t preferred, uint32_t valid)
{
	struct message m = v6_begin(type, xid, server_duid);
	struct in6_addr dns = ip6("2001:db8::53");

	v6_put_ia(&m, 0, 0, 28);
	v6_put_address(&m, ADDRESS, preferred, valid);
	v6_head(&m, 23, 16);
	v6_put(&m, &dns, 16);
	return m;
}

static inline enum verdict v6_deliver(struct dhcp6 *dhcp, const struct message *m)
{
	struct packet packet = {
		.kind = PACKET_UDP6, .src = server_mac, .dst = device,
		.sport = 547, .dport = 546, .payload = m->data, .len = m->len,
	};

	return doppel_dhcp6_receive(dhcp, &packet);
}

static inline enum verdict v6_answer(struct dhcp6 *dhcp, uint8_t type, uint32_t preferred, uint32_t valid)
{
	struct message m = v6_reply(type, dhcp->exchange.xid, preferred, valid);

	return v6_deliver(dhcp, &m);
}

static inline enum verdict v6_answer_status(struct dhcp6 *dhcp, uint8_t type, uint16_t status,
				  const char *text)
{
	struct message m = v6_begin(type, dhcp->exchange.xid, server_duid);

	v6_put_status(&m, status, text);
	return v6_deliver(dhcp, &m);
}

static inline enum verdict v6_answer_ia_status(struct dhcp6 *dhcp, uint8_t type, uint16_t status)
{
	struct message m = v6_begin(type, dhcp->exchange.xid, server_duid);

	v6_put_ia(&m, 0, 0, 6);
	v6_put_status(&m, status, "");
	return v6_deliver(dhcp, &m);
}

/* The type of the last DHCPv6 message; 0 if the last frame is something else. */
static inline uint8_t v6_last_type(struct world *world)
{
	struct packet packet = world_packet(world);

	return packet.kind == PACKET_UDP6 ? packet.payload[0] : 0;
}

/* Whether the last message has an option. */
static inline bool v6_last_has(struct world *world, uint16_t code)
{
	struct packet packet = world_packet(world);
	size_t at = 4;

	while (at + 4 <= packet.len) {
		if (doppel_get16(packet.payload + at) == code)
			return true;
		at += 4 + (size_t)doppel_get16(packet.payload + at + 2);
	}
	return false;
}

#endif
