/* SPDX-License-Identifier: GPL-2.0-only */
/* An interface while it is brought to what its network wants, for its parts. */
#ifndef DOPPEL_WIREGUARD_INTERFACES_PARTS_H
#define DOPPEL_WIREGUARD_INTERFACES_PARTS_H

#include "wireguard/interfaces.h"

struct wg_interface {
	const struct wg_kernel *kernel;
	const struct wg_assignment *assignment;
	struct doppel_error *error;
	int err;			/* the first */
	uint32_t ifindex;		/* 0: there is none, and cannot be one */
	bool up;
	uint32_t mtu;
	struct wireguard_device device;	/* as the kernel had it */
};

/* Tells "network NAME: …" and remembers the first @err. */
void doppel_wg_interface_fail(struct wg_interface *interface, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Those that are not there are removed first, then those are set that change, then come new ones. */
void doppel_wg_interface_peers(struct wg_interface *interface);
/* Of this only what is taken away. */
void doppel_wg_interface_leavers(struct wg_interface *interface);

/* The jump peer's, with the network's prefix length, and no others but link-local ones. */
void doppel_wg_interface_addresses(struct wg_interface *interface);

/* To what lies behind peers. The interface is up. */
void doppel_wg_interface_routes(struct wg_interface *interface);

#endif
