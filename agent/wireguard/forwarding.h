/* SPDX-License-Identifier: GPL-2.0-only */
/* The box as a router between its networks. */
#ifndef DOPPEL_WIREGUARD_FORWARDING_H
#define DOPPEL_WIREGUARD_FORWARDING_H

#include "base/error.h"
#include "kernel/rtnetlink.h"

/*
 * Let the kernel forward the families that are wanted. It is never told to stop, as others may want
 * it as well. 0, or a negative errno that is told in @error.
 */
int doppel_wg_forwarding(struct rtnetlink *rt, bool ipv4, bool ipv6, struct doppel_error *error);

#endif
