/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * WireGuard networks as the file describes them: what is wanted, before addresses and keys are given
 * out. Names are unique within their list, in whatever case; what has one begins with it. What is
 * referred to by name has been found: the pointers are not NULL. A document owns all that hangs
 * below it.
 */
#ifndef DOPPEL_WIREGUARD_MODEL_H
#define DOPPEL_WIREGUARD_MODEL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cidr.h"

#define WG_KEY_LEN 32
#define WG_NAME_MAX 63			/* a label of the DNS (RFC 1035 section 2.3.4) */
#define WG_NETWORKS_MAX 256		/* each is compared with all others */
#define WG_PRIORITY_MAX 999
#define WG_CIDR_LEN_MIN 8		/* of a network, as its text says it */
#define WG_RULES_MAX 20000		/* of all networks' groups: each is one in the firewall */
#define WG_PORTS_MAX 15			/* iptables' multiport has room for so many */

enum wg_stack {
	WG_STACK_IPV4,
	WG_STACK_IPV6,
	WG_STACK_DUAL,
};

enum wg_allocation {
	WG_ALLOCATION_SEQUENTIAL,
	WG_ALLOCATION_HASHED,
};

enum wg_psk {
	WG_PSK_NONE,
	WG_PSK_GENERATE,
	WG_PSK_GIVEN,
};

struct wg_group;
struct wg_peer;
struct wg_policy;

struct wg_peer {
	char *name;
	bool jump;			/* this gateway */
	bool agent;			/* runs `doppel join`, and follows changes by itself */
	bool has_public_key;		/* else a pair of keys is made for it */
	uint8_t public_key[WG_KEY_LEN];
	enum wg_psk psk;
	uint8_t preshared_key[WG_KEY_LEN];	/* of WG_PSK_GIVEN */
	int64_t expires;		/* seconds since the epoch, 0: never */
	bool has_ipv4, has_ipv6;	/* these addresses, no others */
	struct in6_addr ipv4, ipv6;	/* the first v4-mapped */
	struct cidr *extra_allowed_ips;	/* networks behind the peer */
	size_t extra_allowed_ip_count;
	struct wg_group **groups;
	size_t group_count;
};

/* A smaller number comes first. */
struct wg_group {
	char *name;
	uint32_t priority;
	struct wg_policy **policies;	/* in their order */
	size_t policy_count;
};

enum wg_direction {
	WG_OUTPUT,			/* from the group's peers to the target */
	WG_INPUT,			/* from the target to the group's peers */
};

enum wg_protocol {
	WG_PROTOCOL_ANY,
	WG_PROTOCOL_TCP,
	WG_PROTOCOL_UDP,
	WG_PROTOCOL_ICMP,		/* of the packet's family */
};

enum wg_target_kind {
	WG_TARGET_ANY,			/* all addresses of the network's families */
	WG_TARGET_CIDR,
	WG_TARGET_PEER,
	WG_TARGET_GROUP,
	WG_TARGET_DEVICE,		/* of the LAN, by its MAC or name */
};

struct wg_target {
	enum wg_target_kind kind;
	struct cidr cidr;
	const struct wg_peer *peer;
	const struct wg_group *group;
	char *device;			/* as the file has it */
};

struct wg_rule {
	enum wg_direction direction;
	bool allow;
	struct wg_target target;
	enum wg_protocol protocol;
	uint16_t ports[WG_PORTS_MAX];	/* the destination's; none: all */
	size_t port_count;
};

struct wg_policy {
	char *name;
	struct wg_rule *rules;		/* the first that matches wins */
	size_t rule_count;
};

struct wg_mapping {
	char *name;
	struct in6_addr address;	/* lies in its route's destination */
};

struct wg_route {
	char *name;
	struct cidr destination;
	const struct wg_peer *via;	/* a jump peer */
	struct wg_group **groups;	/* whose peers have the route; never the via's own */
	size_t group_count;
	struct wg_mapping *mappings;
	size_t mapping_count;
};

struct wg_network {
	char *name;
	enum wg_stack stack;
	struct cidr ipv4, ipv6;		/* those of its stack */
	char interface[IF_NAMESIZE];
	uint16_t listen_port;
	char *endpoint;			/* what peers dial: a name or an address; NULL: none is known */
	char *domain;
	enum wg_allocation allocation;
	bool dns;			/* a name server runs on the jump peer's addresses */
	struct in6_addr *upstream;	/* whom it asks for the rest */
	size_t upstream_count;
	struct wg_peer *peers;
	size_t peer_count;
	size_t extra_allowed_ip_count;	/* of all peers together */
	struct wg_group *groups;
	size_t group_count;
	struct wg_policy *policies;
	size_t policy_count;
	struct wg_route *routes;
	size_t route_count;
};

enum wg_firewall {
	WG_FIREWALL_NFTABLES,
	WG_FIREWALL_IPTABLES,
};

struct wg_document {
	enum wg_firewall firewall;
	struct wg_network *networks;
	size_t network_count;
};

static inline bool doppel_wg_has_ipv4(const struct wg_network *network)
{
	return network->stack != WG_STACK_IPV6;
}

static inline bool doppel_wg_has_ipv6(const struct wg_network *network)
{
	return network->stack != WG_STACK_IPV4;
}

/* Whether the network has the family of this address or prefix at all. */
static inline bool doppel_wg_has_family(const struct wg_network *network, int family)
{
	return family == AF_INET ? doppel_wg_has_ipv4(network) : doppel_wg_has_ipv6(network);
}

/* "ipv4", "ipv6", "dual" */
const char *doppel_wg_stack_name(enum wg_stack stack);
/* "nftables", "iptables" */
const char *doppel_wg_firewall_name(enum wg_firewall firewall);

/* Whether an interface may be called so. */
bool doppel_wg_interface_name(const char *text);

/* By name; NULL. */
struct wg_network *doppel_wg_network(const struct wg_document *document, const char *name);
struct wg_peer *doppel_wg_peer(const struct wg_network *network, const char *name);
struct wg_group *doppel_wg_group(const struct wg_network *network, const char *name);
struct wg_policy *doppel_wg_policy(const struct wg_network *network, const char *name);

/* Of all its groups, each with its policies'. */
size_t doppel_wg_rule_count(const struct wg_network *network);

/* NULL is fine. */
void doppel_wg_document_free(struct wg_document *document);
void doppel_wg_document_cleanup(struct wg_document **document);

#define auto_wg_document __attribute__((cleanup(doppel_wg_document_cleanup)))

#endif
