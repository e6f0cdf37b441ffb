/* SPDX-License-Identifier: GPL-2.0-only */
/* A refusal says what is wrong and which attribute it is about. */
#ifndef _DOPPEL_REFUSE_H
#define _DOPPEL_REFUSE_H

#include <linux/netlink.h>

/* @attrs may be NULL: no attribute to point to. @msg is a string literal. Gives @err. */
#define doppel_refuse(extack, attrs, type, err, msg) ({					\
	struct nlattr *const *__attrs = (attrs);					\
											\
	NL_SET_ERR_MSG_ATTR(extack, __attrs ? __attrs[type] : NULL,			\
			    KBUILD_MODNAME ": " msg);					\
	(err);										\
})

#endif
