/* SPDX-License-Identifier: GPL-2.0-only */
/* A peer's configuration as wg-quick(8) reads it, and as WireGuard's programs of all systems do. */
#ifndef DOPPEL_WIREGUARD_QUICK_H
#define DOPPEL_WIREGUARD_QUICK_H

#include "base/buf.h"
#include "base/error.h"
#include "wireguard/assignment.h"

/* A file that does not begin with it is not ours, and is not overwritten. */
#define WG_QUICK_MARK "# Written by doppel"

/* Seconds: shorter than what NATs and firewalls forget UDP after. */
#define WG_QUICK_KEEPALIVE_S 25

/* Room for a hash's text, with its NUL. */
#define WG_QUICK_HASH_TEXT 65

/*
 * Add the file of one of the network's members to @text. The jump peer's has every other that is let
 * in; any other's has the jump peer, and through it the network, the routes of its groups and what lies
 * behind other peers. A private key that was not made here is the owner's to put in: a comment says
 * where. The same site gives the same text. 0; -EINVAL and a line in @error when nothing could be dialled;
 * -ENOMEM.
 */
int doppel_wg_quick_render(const struct wg_assignment *network, const struct wg_member *member,
			   struct buf *text, struct doppel_error *error);

/* Add what the member sends to the jump peer to @list: struct cidr, one behind the other. 0 or -ENOMEM. */
int doppel_wg_quick_allowed_ips(const struct wg_network *network, const struct wg_member *member,
				struct buf *list);

/*
 * What tells a file from a newer one (BLAKE2b-256 in hexadecimal); nothing that the file keeps secret
 * can be told from it. Writes into @hash and returns it.
 */
char *doppel_wg_quick_hash(const struct buf *text, char hash[WG_QUICK_HASH_TEXT]);

#endif
