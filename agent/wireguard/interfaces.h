/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Networks in the kernel: for each one that has a jump peer, an interface with its addresses, peers
 * and routes. An interface of ours says so by its alias, "doppel NETWORK". A host that joined another
 * gateway's network has the same, with itself in the jump peer's place; its interface's alias is
 * "doppel-join INTERFACE NETWORK".
 */
#ifndef DOPPEL_WIREGUARD_INTERFACES_H
#define DOPPEL_WIREGUARD_INTERFACES_H

#include "base/error.h"
#include "kernel/rtnetlink.h"
#include "kernel/wireguard.h"
#include "wireguard/assignment.h"

struct wg_kernel {
	struct rtnetlink *rtnetlink;
	struct wireguard *wireguard;
	/* NULL: this box is the networks' gateway. Else the only interface that is meant. */
	const char *joined;
};

/*
 * Let the kernel have what @site says, and nothing of ours besides. Only differences are set: tunnels
 * that stay do not notice. What fails is told in @error, a line each, and stops nothing else; the
 * first failure is returned as a negative errno. Applying once more is always right.
 */
int doppel_wg_interfaces_apply(const struct wg_kernel *kernel, const struct wg_site *site,
			       struct doppel_error *error);

/*
 * Of that only what is taken away: interfaces, peers, prefixes of theirs, IPv6. What is left is good
 * with the rules that were there and with those to come. Errors are as above.
 */
int doppel_wg_interfaces_close(const struct wg_kernel *kernel, const struct wg_site *site,
			       struct doppel_error *error);

/*
 * Whether the network's interface is there, and is not ours. One whose alias somebody took away is ours still
 * by its key, so that its rules stay.
 */
bool doppel_wg_interface_foreign(const struct wg_kernel *kernel,
				 const struct wg_assignment *assignment);

/*
 * What the kernel knows of the network's peers now; @cb until it returns something but 0, which is
 * returned. -ENODEV: it has no interface of ours.
 */
int doppel_wg_interfaces_state(const struct wg_kernel *kernel, const struct wg_network *network,
			       int (*cb)(const struct wireguard_peer *peer, void *ctx), void *ctx);

#endif
