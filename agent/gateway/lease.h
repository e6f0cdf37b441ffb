/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leases as JSON text for the store. The encoders return text that the caller frees, or NULL for
 * want of memory; the decoders 0 or -EINVAL with the lease untouched. Monotonic times do not outlive
 * a boot: the decoders work them out from the wall clock then, which may have been set meanwhile, or
 * never. A lease whose age cannot be known counts as being as old as when it was written.
 */
#ifndef DOPPEL_GATEWAY_LEASE_H
#define DOPPEL_GATEWAY_LEASE_H

#include "base/buf.h"
#include "gateway/dhcp4.h"
#include "gateway/dhcp6.h"
#include "gateway/slaac.h"

char *doppel_lease_from_dhcp4(const struct dhcp4_lease *lease, struct clock *clock);
int doppel_lease_to_dhcp4(const char *text, struct clock *clock, struct dhcp4_lease *lease);

char *doppel_lease_from_dhcp6(const struct dhcp6_lease *lease, struct clock *clock);
int doppel_lease_to_dhcp6(const char *text, struct clock *clock, struct dhcp6_lease *lease);

/* Only addresses that are in use are written; those that have run out are not read. */
char *doppel_lease_from_slaac(const struct slaac_address *addresses, unsigned int count,
			      struct clock *clock);
int doppel_lease_to_slaac(const char *text, struct clock *clock,
			  struct slaac_address addresses[SLAAC_ADDRESSES_MAX],
			  unsigned int *count);

/* The addresses alone, for people: "10.0.0.7/24"; "2001:db8::1, 2001:db8::2". */
void doppel_lease_format4(const struct dhcp4_lease *lease, struct buf *text);
void doppel_lease_format6(const struct dhcp6_lease *lease, struct buf *text);
void doppel_lease_format_slaac(const struct slaac_address *addresses, unsigned int count,
			       struct buf *text);

#endif
