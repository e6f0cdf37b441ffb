// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <net/genetlink.h>

#include "debugfs.h"
#include "gateway.h"
#include "netlink.h"
#include "session.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init doppel_init(void)
{
	int err;

	err = doppel_session_init();
	if (err)
		return err;

	doppel_debugfs_init();
	err = doppel_gateway_init();
	if (err)
		goto err_debugfs;

	err = doppel_netlink_init();
	if (err)
		goto err_gateway;

	return 0;

err_gateway:
	doppel_gateway_exit();
err_debugfs:
	doppel_debugfs_exit();
	doppel_session_exit();
	return err;
}

static void __exit doppel_exit(void)
{
	/* The family last of what can make gateways, but after the packets that tell events. */
	doppel_gateways_close();
	doppel_netlink_exit();
	doppel_gateway_exit();
	doppel_debugfs_exit();

	/* Devices, forwards and sessions that RCU has yet to free. */
	rcu_barrier();
	doppel_session_exit();
}

module_init(doppel_init);
module_exit(doppel_exit);

MODULE_DESCRIPTION("A face of its own on the WAN for every IPv4 device of a LAN");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
MODULE_ALIAS_GENL_FAMILY(DOPPEL_FAMILY_NAME);
