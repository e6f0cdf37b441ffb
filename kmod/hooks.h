/* SPDX-License-Identifier: GPL-2.0-only */
/* The two doors, as netfilter's netdev hooks; priv is the gateway. */
#ifndef _DOPPEL_HOOKS_H
#define _DOPPEL_HOOKS_H

#include <linux/netfilter.h>

unsigned int doppel_lan_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);
unsigned int doppel_wan_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);
unsigned int doppel_wan_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);

#endif
