/* SPDX-License-Identifier: GPL-2.0-only */
/* What older kernels lack; included before every file. Kbuild asks the headers. */
#ifndef _DOPPEL_COMPAT_H
#define _DOPPEL_COMPAT_H

/* The generated operations are split ones: doppel_netlink_init() puts a command's do and dump
 * together where the kernel wants them so.
 */
#ifndef DOPPEL_HAVE_GENL_SPLIT_OPS
#define genl_split_ops genl_ops
#define split_ops ops
#define n_split_ops n_ops
#endif

#ifndef DOPPEL_HAVE_NLA_PUT_UINT
#include <net/netlink.h>

static inline int nla_put_uint(struct sk_buff *skb, int type, u64 value)
{
	if (value <= U32_MAX)
		return nla_put_u32(skb, type, value);
	return nla_put(skb, type, sizeof(value), &value);
}
#endif

/* Older extacks hold no text of their own: the plain text says less. */
#ifdef DOPPEL_HAVE_EXTACK_FMT
#define DOPPEL_REFUSE_FMT(extack, plain, fmt, args...) do {	\
	(void)(plain);						\
	NL_SET_ERR_MSG_FMT_MOD(extack, fmt, ##args);		\
} while (0)
#else
#define DOPPEL_REFUSE_FMT(extack, plain, fmt, args...) do {	\
	no_printk(fmt, ##args);					\
	NL_SET_ERR_MSG_MOD(extack, plain);			\
} while (0)
#endif

#endif
