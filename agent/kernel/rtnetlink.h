/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The namespace's ports by rtnetlink, and their sysctls: links, addresses, routes, neighbours.
 * Every call returns 0 or a negative errno.
 */
#ifndef DOPPEL_KERNEL_RTNETLINK_H
#define DOPPEL_KERNEL_RTNETLINK_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define PORT_ALIAS_MAX 256

struct port_link {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	struct mac mac;
	uint32_t mtu;
	bool up;		/* IFF_UP: administratively */
	bool running;		/* with carrier */
	bool wireless;		/* a Wi-Fi station carries one MAC only */
	char kind[16];		/* "vlan", "bridge" …; "" for hardware */
	char alias[PORT_ALIAS_MAX];	/* what somebody wrote on it; "" mostly */
};

struct port_address {
	uint32_t ifindex;
	int family;		/* AF_INET or AF_INET6 */
	union {
		struct in_addr ipv4;
		struct in6_addr ipv6;
	};
	uint8_t prefix_len;
	bool permanent;		/* else the kernel made it, from an advertisement */
};

/* A route of the main table. Those of IPv6 are plain: by the port, and nothing more. */
struct port_route {
	uint32_t ifindex;
	int family;		/* AF_INET or AF_INET6 */
	union {			/* prefix_len 0: all */
		struct in6_addr dst6;
		struct in_addr dst;
	};
	uint8_t prefix_len;
	struct in_addr via;	/* on the link whatever the port's addresses say */
	struct in_addr source;	/* of what the box itself sends */
	uint32_t metric;
	uint32_t mtu;		/* 0: the port's */
	uint8_t protocol;	/* rtm_protocol: whose route it is */
};

enum port_event_kind {
	PORT_EVENT_LINK,	/* link: new, or changed */
	PORT_EVENT_GONE,	/* link: ifindex and name only */
	PORT_EVENT_NEIGHBOUR,	/* mac is reachable at ipv4 on port ifindex */
	PORT_EVENT_NEIGHBOUR_GONE,	/* ipv4 is no neighbour on port ifindex any more */
	PORT_EVENT_ADDRESS_GONE,	/* port ifindex no longer has ipv4 */
	PORT_EVENT_ROUTE_GONE,	/* one of protocol, out of port ifindex */
	PORT_EVENT_LOST,	/* events are missing: look at everything */
};

struct port_event {
	enum port_event_kind kind;
	struct port_link link;
	uint32_t ifindex;
	struct mac mac;
	struct in_addr ipv4;
	uint8_t protocol;
};

/* One interface; tests have a fake. */
struct rtnetlink {
	int (*event_fd)(struct rtnetlink *rt);
	int (*read_events)(struct rtnetlink *rt,
			   void (*cb)(const struct port_event *event, void *ctx), void *ctx);

	/* -ENODEV: no such port. */
	int (*link_get)(struct rtnetlink *rt, const char *name, struct port_link *link);
	/* All of them; @cb asks for nothing itself. -EINTR: they changed meanwhile, look again. */
	int (*link_dump)(struct rtnetlink *rt,
			 int (*cb)(const struct port_link *link, void *ctx), void *ctx);
	/*
	 * One of @link's kind, down. It has its name and its alias at once: whoever is killed here
	 * leaves no port without a sign whose it is. -EOPNOTSUPP: the kernel has no such kind.
	 */
	int (*link_add)(struct rtnetlink *rt, const struct port_link *link);
	int (*link_del)(struct rtnetlink *rt, uint32_t ifindex);
	int (*link_up)(struct rtnetlink *rt, uint32_t ifindex);
	int (*link_mtu)(struct rtnetlink *rt, uint32_t ifindex, uint32_t mtu);

	/* All addresses of a port. */
	int (*address_dump)(struct rtnetlink *rt, uint32_t ifindex,
			    int (*cb)(const struct port_address *address, void *ctx), void *ctx);
	/* One that is there already is fine. */
	int (*address_add)(struct rtnetlink *rt, const struct port_address *address);
	int (*address_del)(struct rtnetlink *rt, const struct port_address *address);

	/* Behind others of the same metric, whoever made them. -EEXIST: it is there already. */
	int (*route_add)(struct rtnetlink *rt, const struct port_route *route);
	/* -ESRCH: there is none like it. */
	int (*route_del)(struct rtnetlink *rt, const struct port_route *route);
	/* Those of @protocol out of a port. -EINTR: they changed meanwhile, look again. */
	int (*route_dump)(struct rtnetlink *rt, uint32_t ifindex, uint8_t protocol,
			  int (*cb)(const struct port_route *route, void *ctx), void *ctx);

	/* A permanent neighbour: nobody is asked. One that is there already is changed. */
	int (*neighbour_add)(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4,
			     const struct mac *mac);
	/* -ENOENT: there is none. */
	int (*neighbour_del)(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4);
	/* Let the kernel ask the neighbour whether it is still there (unicast, three times). */
	int (*neighbour_probe)(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4,
			       const struct mac *mac);
	/* The IPv4 neighbours that are known to be reachable. */
	int (*neighbour_dump)(struct rtnetlink *rt, uint32_t ifindex,
			      void (*cb)(const struct port_event *event, void *ctx), void *ctx);

	/* Whether tc has filters on what the port sends. */
	int (*egress_filtered)(struct rtnetlink *rt, uint32_t ifindex, bool *filtered);

	/* @path below /proc/sys. sysctl_get: -ENAMETOOLONG if @size is too small. */
	int (*sysctl_get)(struct rtnetlink *rt, const char *path, char *value, size_t size);
	int (*sysctl_set)(struct rtnetlink *rt, const char *path, const char *value);
	void (*free)(struct rtnetlink *rt);
};

/* The caller ends it with rt->free(rt). */
int doppel_rtnetlink_open(struct rtnetlink **rt);

#endif
