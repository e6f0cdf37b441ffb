/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules for nftables: `table ip doppel_wg` and `table ip6 doppel_wg`, made anew as a whole. What passes
 * there only goes on: any other table may still drop it.
 */
#ifndef DOPPEL_WIREGUARD_RENDER_NFT_H
#define DOPPEL_WIREGUARD_RENDER_NFT_H

#include "base/buf.h"
#include "wireguard/rules.h"

/*
 * All of it, for `nft -f`: one transaction, so that no packet goes unjudged meanwhile. A family that no
 * network has loses its table. NULL for @filters: both are removed.
 */
void doppel_wg_render_nft(const struct wg_filters *filters, struct buf *out);

/* What of it is one network's. */
void doppel_wg_print_nft(const struct wg_filter *filter, struct buf *out);

#endif
