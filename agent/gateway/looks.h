/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device says of itself to DHCP servers, as JSON: for the store, and for an export.
 *
 *	{"hostname": "printer", "vendor_class": "MSFT 5.0", "parameters": [1, 3, 6]}
 */
#ifndef DOPPEL_GATEWAY_LOOKS_H
#define DOPPEL_GATEWAY_LOOKS_H

#include "gateway/dhcp4.h"
#include "store/store.h"

/* It was never heard: a name alone may be from elsewhere. */
bool doppel_looks_unknown(const struct dhcp4_looks *looks);

/* "" if they are unknown, no text, or for want of memory. */
void doppel_looks_format(const struct dhcp4_looks *looks, char text[STORE_LOOKS_TEXT]);

/* "" changes nothing. -EINVAL, and @looks is untouched: no such JSON, or nothing that a device can say. */
int doppel_looks_parse(const char *text, struct dhcp4_looks *looks);

#endif
