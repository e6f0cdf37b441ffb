/* SPDX-License-Identifier: GPL-2.0-only */
/* The times of a DHCPv6 lease and its addresses, apart from the machine that wins it. */
#ifndef DOPPEL_GATEWAY_DHCP6_LEASE_H
#define DOPPEL_GATEWAY_DHCP6_LEASE_H

#include "gateway/dhcp6.h"

bool doppel_dhcp6_lease_has(const struct dhcp6_lease *lease, const struct in6_addr *address);

/* When the lease's address @i ends; NEVER. */
int64_t doppel_dhcp6_valid_until(const struct dhcp6_lease *lease, unsigned int i);

/* Fill in T1 and T2 that the server left to us, or that come too late (RFC 8415 section 21.4). */
void doppel_dhcp6_choose_times(struct dhcp6_lease *lease);

/*
 * What a Reply says (@lease, its acquired_ms set) over @before, which is in use: a zero valid
 * lifetime ends an address, one that is not mentioned keeps its time (section 18.2.10.1). @before
 * may be NULL.
 */
void doppel_dhcp6_merge(struct dhcp6_lease *lease, const struct dhcp6_lease *before);

#endif
