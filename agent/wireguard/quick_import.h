/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A wg-quick file (wg-quick(8), wg(8)) that was made elsewhere as a network: its interface becomes the
 * jump peer, each [Peer] a peer, and addresses and keys stay what they are.
 */
#ifndef DOPPEL_WIREGUARD_QUICK_IMPORT_H
#define DOPPEL_WIREGUARD_QUICK_IMPORT_H

#include <jansson.h>

#include "base/error.h"
#include "wireguard/model.h"

struct wg_import {
	json_t *network;		/* in the words of the YAML; names of peers are from comments */
	uint8_t private_key[WG_KEY_LEN];	/* the jump peer's, which is no word of the YAML */
	struct doppel_error warnings;	/* a line for each line of the file that says no more here */
};

/*
 * Read the text under the file's name; @name is the network's. 0 and an import that the caller frees;
 * -EINVAL, with a line in @error for each fault; -ENOMEM. Messages begin with "file:line: ", and no
 * private or preshared key is in any.
 */
int doppel_wg_quick_import(const char *file, const char *text, const char *name,
			   struct wg_import *import, struct doppel_error *error);
/* The key is wiped. */
void doppel_wg_import_free(struct wg_import *import);

#endif
