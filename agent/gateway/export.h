/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that the store has of the devices, as one JSON document for people, another box or a rainy day:
 *
 *	{"format": "doppel devices", "version": 1, "exported_at": TIME, "devices": [
 *		{"mac_address", "name", "status", "ipv4_address", "discovered_at", "last_seen",
 *		 "looks": {…}, "leases": {"dhcp4": {…}, "dhcp6": {…}, "slaac": {…}},
 *		 "forwards": [{"protocol": "tcp", "port": N, "to": N}]}]}
 *
 * Looks are as in looks.h, leases as in lease.h; forwards are those that were added by hand.
 */
#ifndef DOPPEL_GATEWAY_EXPORT_H
#define DOPPEL_GATEWAY_EXPORT_H

#include <jansson.h>

#include "base/error.h"
#include "gateway/lease.h"
#include "store/store.h"

#define EXPORT_FORMAT "doppel devices"
#define EXPORT_VERSION 1
#define IMPORT_FORWARDS_MAX 256

/* The caller's; NULL if memory is short or the store cannot be read. */
json_t *doppel_export(struct store *store, struct clock *clock);

/* One device of an import, checked. */
struct import_device {
	struct store_device row;	/* discovered_at 0: never seen, only its forwards count */
	bool has4, has6, has_slaac;
	struct dhcp4_lease lease4;
	struct dhcp6_lease lease6;
	struct slaac_address slaac[SLAAC_ADDRESSES_MAX];
	unsigned int slaac_count;
	struct store_forward forwards[IMPORT_FORWARDS_MAX];
	size_t forward_count;
};

/*
 * Read devices[index] of a document: 0, or -EINVAL with lines "devices[3].name: …" in error.
 */
int doppel_import_device(const json_t *document, size_t index, struct clock *clock,
			 struct import_device *device, struct doppel_error *error);
/* The document around them, and that no MAC or LAN address is in it twice. The same. */
int doppel_import_check(const json_t *document, struct clock *clock, struct doppel_error *error);

#endif
