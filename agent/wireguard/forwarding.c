// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/forwarding.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "kernel/sysctl.h"

#define IPV4_FORWARDING "net/ipv4/ip_forward"
#define IPV6_FORWARDING "net/ipv6/conf/all/forwarding"
#define LOOKS 5			/* at the ports, as long as they change meanwhile */

static int ensure(struct rtnetlink *rt, const char *path, const char *value,
		  struct doppel_error *error)
{
	int err = doppel_sysctl_ensure(rt, path, value);

	if (err)
		doppel_error_add(error, "sysctl %s cannot be set to %s: %s", path, value,
				 strerror(-err));
	return err;
}

static int add_name(const struct port_link *link, void *ctx)
{
	return doppel_buf_add(ctx, link->name, sizeof(link->name));
}

static int port_names(struct rtnetlink *rt, struct buf *names)
{
	unsigned int left = LOOKS;
	int err;

	do {
		names->len = 0;
		err = rt->link_dump(rt, add_name, names);
	} while (err == -EINTR && --left);
	return err;
}

/* accept_ra 1 means: while the port does not forward (Documentation/networking/ip-sysctl.rst). */
static int keep_advertisements(struct rtnetlink *rt, const char *port, struct doppel_error *error)
{
	char forwarding[64], accept_ra[64];

	snprintf(forwarding, sizeof(forwarding), "net/ipv6/conf/%s/forwarding", port);
	snprintf(accept_ra, sizeof(accept_ra), "net/ipv6/conf/%s/accept_ra", port);
	if (!doppel_sysctl_is(rt, forwarding, "0") || !doppel_sysctl_is(rt, accept_ra, "1"))
		return 0;
	return ensure(rt, accept_ra, "2", error);
}

/*
 * A port that takes its addresses and its default router from advertisements goes on doing so, and
 * one that comes later, too. That is said before the kernel forwards, or it would drop the router.
 */
static int forward_ipv6(struct rtnetlink *rt, struct doppel_error *error)
{
	struct buf auto_buf names = {};
	size_t at;
	int err;

	if (doppel_sysctl_is(rt, IPV6_FORWARDING, "1"))
		return 0;
	err = port_names(rt, &names);
	if (err) {
		doppel_error_add(error, "the box's ports cannot be listed: %s", strerror(-err));
		return err;
	}
	for (at = 0; !err && at < names.len; at += IF_NAMESIZE)
		err = keep_advertisements(rt, names.data + at, error);
	if (!err)
		err = keep_advertisements(rt, "default", error);
	return err ? err : ensure(rt, IPV6_FORWARDING, "1", error);
}

int doppel_wg_forwarding(struct rtnetlink *rt, bool ipv4, bool ipv6, struct doppel_error *error)
{
	const int err4 = ipv4 ? ensure(rt, IPV4_FORWARDING, "1", error) : 0;
	const int err6 = ipv6 ? forward_ipv6(rt, error) : 0;

	return err4 ? err4 : err6;
}
