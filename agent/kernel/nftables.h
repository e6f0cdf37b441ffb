/* SPDX-License-Identifier: GPL-2.0-only */
/* nftables, by libnftables. */
#ifndef DOPPEL_KERNEL_NFTABLES_H
#define DOPPEL_KERNEL_NFTABLES_H

#include "base/buf.h"

/*
 * @text as for `nft -f`: one transaction, all of it or nothing. 0, and @output (NULL: it is not wanted)
 * has what was asked for; -EIO, and @complaint has what nft says; -ELIBACC, and it says that there is no
 * libnftables; -ENOMEM.
 */
int doppel_nftables_run(const char *text, struct buf *output, struct buf *complaint);

#endif
