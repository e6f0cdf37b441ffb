/* SPDX-License-Identifier: GPL-2.0-only */
/* Another gateway's network, as a host that joined it has it: the host, and the gateway that it dials. */
#ifndef DOPPEL_WIREGUARD_JOINED_H
#define DOPPEL_WIREGUARD_JOINED_H

#include <jansson.h>

#include "base/error.h"
#include "wireguard/assignment.h"

struct wg_joined;

/*
 * The configuration as the gateway's API tells it (api/join.c), for the host whose private key this is. 0 and
 * what the caller frees; -EINVAL and a line in @error; -ENOMEM.
 */
int doppel_wg_joined_new(const json_t *config, const uint8_t private_key[WG_KEY_LEN],
			 struct wg_joined **joined, struct doppel_error *error);
/* Keys are wiped. NULL is fine. */
void doppel_wg_joined_free(struct wg_joined *joined);

/* Find the gateway's address by its name: may wait for the DNS. 0, or -EHOSTUNREACH and a line in @error. */
int doppel_wg_joined_resolve(struct wg_joined *joined, struct doppel_error *error);

/*
 * Once it is found: prefixes that contain the gateway's own address would lead the tunnel into itself. They are
 * left out, each with a line in @error.
 */
void doppel_wg_joined_leave_out(struct wg_joined *joined, struct doppel_error *error);

/* For doppel_wg_interfaces_apply(), with doppel_wg_joined_interface() as what is joined. */
const struct wg_site *doppel_wg_joined_site(const struct wg_joined *joined);
const char *doppel_wg_joined_interface(const struct wg_joined *joined);

#endif
