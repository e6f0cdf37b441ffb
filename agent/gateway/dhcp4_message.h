/* SPDX-License-Identifier: GPL-2.0-only */
/* DHCPv4 messages (RFC 2131 section 2, options of RFC 2132) to and from bytes. */
#ifndef DOPPEL_GATEWAY_DHCP4_MESSAGE_H
#define DOPPEL_GATEWAY_DHCP4_MESSAGE_H

#include "gateway/dhcp4.h"

#define DHCP4_MESSAGE_MAX 548		/* what every host must take (RFC 2131 section 2) */

enum dhcp4_type {
	DHCP4_DISCOVER = 1,
	DHCP4_OFFER,
	DHCP4_REQUEST,
	DHCP4_DECLINE,
	DHCP4_ACK,
	DHCP4_NAK,
	DHCP4_RELEASE,
};

/* A reply whose options have been walked through once: every length in it is true. */
struct dhcp4_reply {
	enum dhcp4_type type;
	uint32_t xid;
	struct mac chaddr;
	struct in_addr yiaddr;
	struct in_addr server;		/* option 54; zero: absent */
	char message[64];		/* option 56, printable ASCII */
	bool rapid_commit;		/* option 80 */
	bool ipv6_only;			/* option 108, and its seconds */
	uint32_t ipv6_only_s;
	const uint8_t *data;
	size_t len;
	uint8_t overload;
};

/* What we say; zero members are left out. */
struct dhcp4_request {
	enum dhcp4_type type;
	uint32_t xid;
	uint16_t secs;
	bool broadcast;
	bool ipv6_only;			/* ask for option 108 */
	struct in_addr ciaddr;
	struct in_addr requested;	/* option 50 */
	struct in_addr server;		/* option 54 */
	const char *message;		/* option 56; NULL: none */
};

enum verdict doppel_dhcp4_parse(const void *data, size_t len, struct dhcp4_reply *reply);

/* What a client says of itself in a DISCOVER or REQUEST; @looks is untouched otherwise. */
enum verdict doppel_dhcp4_parse_looks(const void *data, size_t len, struct mac *chaddr,
				      struct dhcp4_looks *looks);

/* The lease that an OFFER or ACK describes; acquired_ms and server_mac are the caller's to set. */
enum verdict doppel_dhcp4_parse_lease(const struct dhcp4_reply *reply, struct dhcp4_lease *lease);

/* Writes at most DHCP4_MESSAGE_MAX bytes; returns how many. */
size_t doppel_dhcp4_build(uint8_t *data, const struct dhcp4_config *config,
			  const struct dhcp4_request *request);

#endif
