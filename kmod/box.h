/* SPDX-License-Identifier: GPL-2.0-only */
/* The box's own IPv4 traffic where only devices may show: it leaves by a lent identity. */
#ifndef _DOPPEL_BOX_H
#define _DOPPEL_BOX_H

#include "gateway.h"

/* An IPv4 frame that the box's own stack sends out of the WAN port, its Ethernet header at
 * skb->data. Gives the hook's verdict: NF_STOLEN or NF_DROP. RCU, bottom halves off.
 */
unsigned int doppel_box_out(struct doppel_gateway *gw, struct sk_buff *skb);

#endif
