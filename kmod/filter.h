/* SPDX-License-Identifier: GPL-2.0-only */
/* The site's own rules: what its forward hook says of a session's first packet. */
#ifndef _DOPPEL_FILTER_H
#define _DOPPEL_FILTER_H

#include "session.h"

/* Whether the namespace's NF_INET_FORWARD hook lets the session pass, which it then remembers. The
 * packet is in its LAN-side form, with its network header at skb->data, and stays the caller's: rules
 * see it and change nothing of it; to queue or steal it is to refuse it. RCU, bottom halves off.
 */
bool doppel_filter_passes(struct doppel_gateway *gw, struct doppel_session *session,
			  struct sk_buff *skb);

#endif
