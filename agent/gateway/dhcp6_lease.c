// SPDX-License-Identifier: GPL-2.0-only
/* The times of a DHCPv6 lease and its addresses. Section numbers are RFC 8415's. */
#include "gateway/dhcp6_lease.h"

bool doppel_dhcp6_lease_has(const struct dhcp6_lease *lease, const struct in6_addr *address)
{
	unsigned int i;

	for (i = 0; i < lease->address_count; i++)
		if (doppel_ip6_eq(&lease->addresses[i].address, address))
			return true;
	return false;
}

int64_t doppel_dhcp6_valid_until(const struct dhcp6_lease *lease, unsigned int i)
{
	return doppel_after_s(lease->acquired_ms, lease->addresses[i].valid_s);
}

int64_t doppel_dhcp6_expiry_ms(const struct dhcp6_lease *lease)
{
	int64_t last = lease->acquired_ms;
	unsigned int i;

	for (i = 0; i < lease->address_count; i++)
		if (doppel_dhcp6_valid_until(lease, i) > last)
			last = doppel_dhcp6_valid_until(lease, i);
	return last;
}

static uint32_t share(uint32_t seconds, unsigned int percent)
{
	return seconds == DHCP6_INFINITE ? seconds : (uint32_t)((uint64_t)seconds * percent / 100);
}

void doppel_dhcp6_choose_times(struct dhcp6_lease *lease)
{
	uint32_t shortest = DHCP6_INFINITE;
	unsigned int i;

	for (i = 0; i < lease->address_count; i++) {
		uint32_t life = lease->addresses[i].preferred_s;

		if (!life)
			life = lease->addresses[i].valid_s;
		if (life < shortest)
			shortest = life;
	}
	if (!lease->t1_s || (lease->t1_s >= shortest && shortest != DHCP6_INFINITE))
		lease->t1_s = share(shortest, 50);
	if (!lease->t2_s || lease->t2_s < lease->t1_s ||
	    (lease->t2_s >= shortest && shortest != DHCP6_INFINITE))
		lease->t2_s = share(shortest, 80);
	if (lease->t2_s < lease->t1_s)
		lease->t2_s = lease->t1_s;
}

static uint32_t less(uint32_t seconds, int64_t passed_s)
{
	if (seconds == DHCP6_INFINITE)
		return seconds;
	return seconds > passed_s ? (uint32_t)(seconds - passed_s) : 0;
}

void doppel_dhcp6_merge(struct dhcp6_lease *lease, const struct dhcp6_lease *before)
{
	struct dhcp6_lease said = *lease;
	unsigned int i;

	lease->address_count = 0;
	for (i = 0; i < said.address_count; i++)
		if (said.addresses[i].valid_s)
			lease->addresses[lease->address_count++] = said.addresses[i];
	for (i = 0; before && i < before->address_count; i++) {
		int64_t passed_s = (lease->acquired_ms - before->acquired_ms) / 1000;
		struct dhcp6_address old = before->addresses[i];

		if (doppel_dhcp6_lease_has(&said, &old.address) ||
		    lease->address_count == DHCP6_ADDRESSES_MAX)
			continue;
		old.preferred_s = less(old.preferred_s, passed_s);
		old.valid_s = less(old.valid_s, passed_s);
		if (old.valid_s)
			lease->addresses[lease->address_count++] = old;
	}
	doppel_dhcp6_choose_times(lease);
}
