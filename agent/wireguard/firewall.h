/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The site's policies in the kernel: rules by nftables or iptables, whichever the document says, and
 * flows that the rules deny now are ended. Only tables and chains of our own are touched.
 */
#ifndef DOPPEL_WIREGUARD_FIREWALL_H
#define DOPPEL_WIREGUARD_FIREWALL_H

#include "base/buf.h"
#include "base/error.h"
#include "wireguard/rules.h"

struct firewall;

/* @lan (NULL: no LAN) is asked at each apply and must outlive the firewall. NULL for want of memory. */
struct firewall *doppel_wg_firewall_new(const struct wg_lan *lan);
/* The rules stay in the kernel. NULL is fine. */
void doppel_wg_firewall_free(struct firewall *firewall);

/*
 * Make the kernel's rules those of @site, in one transaction of each family, so that no packet passes
 * unjudged; then take the other backend's away, and end the flows that are denied now. The first time
 * it is always done, later when the rules are others than last time, or somebody else changed them. 0, or a negative errno and what
 * failed in @error: whatever failed is done again at the next call.
 */
int doppel_wg_firewall_apply(struct firewall *firewall, const struct wg_site *site,
			     struct doppel_error *error);

/*
 * One network's rules as text, of a document with any firewall. -ENOENT: there is no such network;
 * -ENOMEM.
 */
int doppel_wg_rules_print(const struct wg_site *site, const struct wg_lan *lan,
			  const char *network, enum wg_firewall format, struct buf *out);

#endif
