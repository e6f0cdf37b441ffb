/* SPDX-License-Identifier: GPL-2.0-only */
/* What the comments of a wg-quick file call a peer; each program that writes such files has its way. */
#ifndef DOPPEL_WIREGUARD_QUICK_COMMENT_H
#define DOPPEL_WIREGUARD_QUICK_COMMENT_H

#include "wireguard/model.h"

/* Begin with {}. */
struct wg_comment_name {
	char name[WG_NAME_MAX + 1];	/* a label of the DNS (RFC 1035 section 2.3.1); "": none yet */
	unsigned int weight;		/* how sure it is that this is one */
};

/* Read one comment, with its '#' or without: it may say a name, or a better one than was there. */
void doppel_wg_comment_read(const char *comment, struct wg_comment_name *name);

#endif
