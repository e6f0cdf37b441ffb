/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What passes the box's WireGuard interfaces: each network's policies as one ordered list, with the
 * addresses that its targets stand for. Renderers write it down for a packet filter, and it can be
 * asked itself what becomes of a flow.
 *
 * A packet is judged by the network by whose interface it comes in, and by that by whose interface
 * it goes out; each of them must let it pass. What does neither is nobody's business here. Replies
 * pass. Groups come in the order of their priorities, of equal ones in the file's; policies and
 * rules as they are listed. The first rule that matches wins; if there is none the packet is dropped.
 *
 * A peer is its own addresses and the networks behind it, as WireGuard lets both in from nobody else.
 * One that has expired is in no list but `expired`, which comes before everything else.
 */
#ifndef DOPPEL_WIREGUARD_RULES_H
#define DOPPEL_WIREGUARD_RULES_H

#include "wireguard/assignment.h"

/* One side of rules. IPv4 comes first; sorted, and no prefix lies in another. */
struct wg_addresses {
	struct cidr *list;
	size_t count, room;
	size_t ipv4_count;
};

struct wg_filter_rule {
	const struct wg_group *group;
	const struct wg_policy *policy;
	const struct wg_rule *rule;
	struct wg_addresses target;	/* unless it is a group's */
	const struct wg_addresses *source, *destination;	/* NULL: any */
	bool ipv4, ipv6;		/* for which IP version it is; none: nobody is meant */
};

struct wg_filter {
	const struct wg_assignment *assignment;
	bool foreign;			/* its interface is not ours: what passes there is not judged */
	struct wg_addresses jump;	/* the box's own in this network */
	struct wg_addresses peers;	/* of all others, expired or not */
	struct wg_addresses expired;
	struct wg_addresses *groups;	/* of network->groups */
	struct wg_filter_rule *rules;
	size_t rule_count;
};

/* Of all of a site's networks, in its order. The site stays the caller's and must outlive it. */
struct wg_filters {
	const struct wg_site *site;
	struct wg_filter *networks;
	size_t network_count;
};

/* The box's ports: where a LAN device is, and what is somebody else's. */
struct wg_lan {
	/* @device is a MAC or a name. False: it has no address, or there is no such device (any more). */
	bool (*ipv4)(void *ctx, const char *device, struct in_addr *ipv4);
	/* The network's interface is there, and is not ours. NULL: none is. */
	bool (*foreign)(void *ctx, const struct wg_assignment *assignment);
	void *ctx;
};

/* A new flow's first packet, as the forward or input hook sees it. */
struct wg_flow {
	struct in6_addr source, destination;
	uint8_t protocol;		/* IPPROTO_TCP … */
	uint16_t port;			/* the destination's, in host byte order; 0: it has none */
	bool echo;			/* an ICMP or ICMPv6 echo request */
	bool to_box;			/* for this gateway itself */
};

/* Without @lan (NULL) devices have no addresses. 0 or -ENOMEM. */
int doppel_wg_filters_new(const struct wg_site *site, const struct wg_lan *lan,
			  struct wg_filters **filters);
/* NULL is fine. */
void doppel_wg_filters_free(struct wg_filters *filters);

/* Whether all networks let it pass by whose interfaces it comes and goes. */
bool doppel_wg_filters_allow(const struct wg_filters *filters, const struct wg_flow *flow);

/* Whether the network judges packets of this family, AF_INET or AF_INET6. */
bool doppel_wg_filter_has(const struct wg_filter *filter, int family);
/* Whether any network does. */
bool doppel_wg_filters_have(const struct wg_filters *filters, int family);

static inline bool doppel_wg_rule_is_for(const struct wg_filter_rule *rule, int family)
{
	return family == AF_INET ? rule->ipv4 : rule->ipv6;
}

/* Those of one family, and how many. */
static inline const struct cidr *doppel_wg_of_family(const struct wg_addresses *addresses,
						     int family, size_t *count)
{
	*count = family == AF_INET ? addresses->ipv4_count :
				     addresses->count - addresses->ipv4_count;
	return family == AF_INET || !*count ? addresses->list : addresses->list + addresses->ipv4_count;
}

/*
 * The one prefix that a side is within a family, when it is one: an address, a network. NULL for
 * any, which 0.0.0.0/0 and ::/0 are in theirs, and for a side of several.
 */
const struct cidr *doppel_wg_single(const struct wg_addresses *side, int family);
/* A side of several prefixes of the family. */
bool doppel_wg_is_several(const struct wg_addresses *side, int family);

#endif
