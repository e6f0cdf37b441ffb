/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's table of flows, by ctnetlink. */
#ifndef DOPPEL_KERNEL_CONNTRACK_H
#define DOPPEL_KERNEL_CONNTRACK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A flow as the forward and input hooks saw its first packet: its destination is translated by then,
 * if it is at all, and its source is not.
 */
struct conntrack_flow {
	struct in6_addr source, destination;	/* IPv4 v4-mapped */
	uint8_t protocol;		/* IPPROTO_TCP … */
	uint16_t port;			/* the destination's, in host byte order; 0: it has none */
	bool echo;			/* begun by an ICMP or ICMPv6 echo request */
};

/* One interface; tests have a fake. */
struct conntrack {
	/*
	 * Forget the flows that are chosen: their next packet begins a new one. 0 or a negative errno;
	 * -EINVAL or -EOPNOTSUPP: this kernel has no ctnetlink.
	 */
	int (*forget)(struct conntrack *conntrack,
		      bool (*chosen)(const struct conntrack_flow *flow, void *ctx), void *ctx);
	void (*free)(struct conntrack *conntrack);
};

/* The caller ends it with conntrack->free(conntrack). 0 or a negative errno. */
int doppel_conntrack_open(struct conntrack **conntrack);

#endif
