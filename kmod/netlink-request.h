/* SPDX-License-Identifier: GPL-2.0-only */
/* What requests of all kinds need. */
#ifndef _DOPPEL_NETLINK_REQUEST_H
#define _DOPPEL_NETLINK_REQUEST_H

#include <net/genetlink.h>
#include "device.h"

/* A mandatory attribute; says so in words, too. */
#define DOPPEL_MISSING(info, attr, name) ({						\
	bool __missing = GENL_REQ_ATTR_CHECK(info, attr);				\
											\
	if (__missing)									\
		NL_SET_ERR_MSG_MOD((info)->extack, name " is missing");			\
	__missing;									\
})

/* DOPPEL_A_TIMEOUTS_* by enum doppel_timeout */
extern const int doppel_nl_timeouts[DOPPEL_TIMEOUTS];

/* NULL if there is none, which is then said in extack; RTNL. */
struct doppel_gateway *doppel_nl_find_gateway(const struct net *net,
					      struct netlink_ext_ack *extack);
struct doppel_device *doppel_nl_find_device(struct doppel_gateway *gw, struct nlattr *mac,
					    struct netlink_ext_ack *extack);

#endif
