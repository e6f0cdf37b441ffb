/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules for iptables-restore and ip6tables-restore, with --noflush: chains of our own, DOPPEL-WG-…, in the
 * filter table, and a jump at the head of FORWARD and INPUT. What passes returns there, so that the
 * site's own rules judge it, too.
 *
 * Many addresses are told apart by trees of chains, first the source and then the destination, so that
 * a packet meets few rules, however many peers there are.
 */
#ifndef DOPPEL_WIREGUARD_RENDER_IPTABLES_H
#define DOPPEL_WIREGUARD_RENDER_IPTABLES_H

#include "base/buf.h"
#include "wireguard/rules.h"

/* What is ours in a family's filter table now. */
struct wg_iptables {
	char **chains;
	size_t chain_count;
	unsigned int forward_jumps, input_jumps;
};

/* From what iptables-save says. 0, and @found is freed by the caller; -ENOMEM. */
int doppel_wg_iptables_read(const char *saved, struct wg_iptables *found);
void doppel_wg_iptables_free(struct wg_iptables *found);

/* The lines of it that are ours, and the first of FORWARD and INPUT, which should be. */
void doppel_wg_iptables_pick(const char *saved, struct buf *ours);

static inline bool doppel_wg_iptables_empty(const struct wg_iptables *found)
{
	return !found->chain_count && !found->forward_jumps && !found->input_jumps;
}

/*
 * One family's, whole: one transaction that takes @found away and puts the rules there. Without
 * @filters (NULL), or when no network has the family, it only takes away. 0 or -ENOMEM.
 */
int doppel_wg_render_iptables(const struct wg_filters *filters, int family,
			      const struct wg_iptables *found, struct buf *out);

/* What of both families is network @number's, counted from 0. 0 or -ENOMEM. */
int doppel_wg_print_iptables(const struct wg_filters *filters, size_t number, struct buf *out);

#endif
