/* SPDX-License-Identifier: GPL-2.0-only */
/* DHCPv6 messages (RFC 8415 sections 8 and 21) to and from bytes. */
#ifndef DOPPEL_GATEWAY_DHCP6_MESSAGE_H
#define DOPPEL_GATEWAY_DHCP6_MESSAGE_H

#include "gateway/dhcp6.h"

#define DHCP6_MESSAGE_MAX 512

enum dhcp6_type {
	DHCP6_SOLICIT = 1,
	DHCP6_ADVERTISE,
	DHCP6_REQUEST,
	DHCP6_CONFIRM,
	DHCP6_RENEW,
	DHCP6_REBIND,
	DHCP6_REPLY,
	DHCP6_RELEASE,
	DHCP6_DECLINE,
	DHCP6_INFORMATION_REQUEST = 11,
};

enum dhcp6_status {
	DHCP6_SUCCESS,
	DHCP6_UNSPEC_FAIL,
	DHCP6_NO_ADDRS_AVAIL,
	DHCP6_NO_BINDING,
	DHCP6_NOT_ON_LINK,
	DHCP6_USE_MULTICAST,
};

/* An ADVERTISE or REPLY. */
struct dhcp6_reply {
	enum dhcp6_type type;
	uint32_t xid;
	uint16_t status;		/* of the message */
	uint16_t ia_status;		/* of our IA_NA */
	bool has_ia;			/* our IA_NA is in it */
	bool rapid_commit;
	uint8_t preference;
	uint32_t sol_max_rt_s, inf_max_rt_s;	/* 0: absent or out of range */
	uint32_t refresh_s;		/* information refresh time; 0: absent */
	char message[64];		/* of the first status that is no success */
	/* Server DUID, DNS and what our IA_NA holds: addresses, also with zero lifetimes, T1, T2. */
	struct dhcp6_lease lease;
};

/* What we say. */
struct dhcp6_request {
	enum dhcp6_type type;
	uint32_t xid;
	uint16_t elapsed_cs;		/* hundredths of a second */
	const struct dhcp6_lease *lease;	/* server and addresses to name; NULL: none */
	bool with_server, with_ia, with_addresses;
	const struct in6_addr *only;	/* of the addresses only this one; NULL: all */
};

/*
 * Accept what section 16 says is valid and is meant for the client @mac. A DUID-LL of the MAC is
 * its identifier.
 */
enum verdict doppel_dhcp6_parse(const void *data, size_t len, const struct mac *mac,
				struct dhcp6_reply *reply);

/* Writes at most DHCP6_MESSAGE_MAX bytes; returns how many. */
size_t doppel_dhcp6_build(uint8_t *data, const struct mac *mac,
			  const struct dhcp6_request *request);

#endif
