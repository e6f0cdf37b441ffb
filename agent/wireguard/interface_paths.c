// SPDX-License-Identifier: GPL-2.0-only
/* An interface's addresses, and the routes to what lies behind its peers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "wireguard/interfaces_parts.h"

#define ROUTE_PROTOCOL 209	/* of no other daemon: see /etc/iproute2/rt_protos */
#define LOOKS 5			/* as long as what is looked at changes meanwhile */

static struct rtnetlink *rtnetlink(const struct wg_interface *interface)
{
	return interface->kernel->rtnetlink;
}

struct address_search {
	struct wg_interface *interface;
	struct port_address wanted[2];
	bool found[2];
	size_t count;
	bool removed;
};

static bool same_address(const struct port_address *a, const struct port_address *b)
{
	return a->family == b->family && a->prefix_len == b->prefix_len &&
	       (a->family == AF_INET ? doppel_ip4_eq(a->ipv4, b->ipv4) :
				       doppel_ip6_eq(&a->ipv6, &b->ipv6));
}

static int look_at_address(const struct port_address *address, void *ctx)
{
	struct address_search *search = ctx;
	struct rtnetlink *rt = rtnetlink(search->interface);
	size_t i;
	int err;

	for (i = 0; i < search->count; i++) {
		if (same_address(address, &search->wanted[i])) {
			search->found[i] = true;
			return 0;
		}
	}
	if (address->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->ipv6))
		return 0;
	err = rt->address_del(rt, address);
	search->removed = true;
	/* A primary address takes its secondary ones along. */
	return err == -EADDRNOTAVAIL ? 0 : err;
}

static void want_addresses(struct address_search *search)
{
	const struct wg_interface *interface = search->interface;
	const struct wg_network *network = interface->assignment->network;
	const struct wg_member *jump = interface->assignment->jump;

	if (jump->has_ipv4)
		search->wanted[search->count++] = (struct port_address){
			.ifindex = interface->ifindex,
			.family = AF_INET,
			.ipv4 = doppel_ip_ipv4(&jump->ipv4),
			.prefix_len = doppel_cidr_len(&network->ipv4),
		};
	if (jump->has_ipv6)
		search->wanted[search->count++] = (struct port_address){
			.ifindex = interface->ifindex,
			.family = AF_INET6,
			.ipv6 = jump->ipv6,
			.prefix_len = doppel_cidr_len(&network->ipv6),
		};
}

void doppel_wg_interface_addresses(struct wg_interface *interface)
{
	struct rtnetlink *rt = rtnetlink(interface);
	struct address_search search = { .interface = interface };
	unsigned int left = LOOKS;
	size_t i;
	int err;

	want_addresses(&search);
	do {
		search.removed = search.found[0] = search.found[1] = false;
		err = rt->address_dump(rt, interface->ifindex, look_at_address, &search);
	} while (!err && search.removed && --left);
	for (i = 0; !err && i < search.count; i++)
		if (!search.found[i])
			err = rt->address_add(rt, &search.wanted[i]);
	if (err)
		doppel_wg_interface_fail(interface, err, "the addresses of %s cannot be set: %s",
					 interface->assignment->network->interface, strerror(-err));
}

static struct port_route route_to(const struct wg_interface *interface, const struct cidr *cidr)
{
	struct port_route route = {
		.ifindex = interface->ifindex,
		.family = doppel_cidr_family(cidr),
		.prefix_len = doppel_cidr_len(cidr),
		.protocol = ROUTE_PROTOCOL,
	};

	if (route.family == AF_INET)
		route.dst = doppel_ip_ipv4(&cidr->net);
	else
		route.dst6 = cidr->net;
	return route;
}

/* Where it leads, alone: a family's default metric is another one's 0. */
static int by_destination(const void *one, const void *other)
{
	const struct port_route *a = one, *b = other;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->prefix_len != b->prefix_len)
		return a->prefix_len < b->prefix_len ? -1 : 1;
	return memcmp(&a->dst6, &b->dst6, sizeof(a->dst6));
}

struct routes {
	struct buf buf;
	struct port_route *list;	/* in order */
	size_t count;
};

static void put_in_order(struct routes *routes)
{
	routes->list = (struct port_route *)routes->buf.data;
	routes->count = routes->buf.len / sizeof(*routes->list);
	if (routes->count)
		qsort(routes->list, routes->count, sizeof(*routes->list), by_destination);
}

static bool has(const struct routes *routes, const struct port_route *route)
{
	return routes->count && bsearch(route, routes->list, routes->count, sizeof(*route),
					by_destination);
}

static int add_route(const struct port_route *route, void *ctx)
{
	return doppel_buf_add(ctx, route, sizeof(*route));
}

static int look_at_routes(struct wg_interface *interface, struct routes *held)
{
	struct rtnetlink *rt = rtnetlink(interface);
	unsigned int left = LOOKS;
	int err;

	do {
		held->buf.len = 0;
		err = rt->route_dump(rt, interface->ifindex, ROUTE_PROTOCOL, add_route, &held->buf);
	} while (err == -EINTR && --left);
	put_in_order(held);
	return err;
}

static int want_routes(const struct wg_interface *interface, struct routes *wanted)
{
	const struct wg_assignment *assignment = interface->assignment;
	int err = 0;
	size_t i, j;

	for (i = 0; i < assignment->network->peer_count; i++) {
		const struct wg_member *member = &assignment->members[i];
		const struct wg_peer *peer = member->peer;

		if (member == assignment->jump || member->expired)
			continue;
		for (j = 0; !err && j < peer->extra_allowed_ip_count; j++) {
			struct port_route route = route_to(interface, &peer->extra_allowed_ips[j]);

			err = add_route(&route, &wanted->buf);
		}
	}
	put_in_order(wanted);
	return err;
}

static int set_routes(struct wg_interface *interface, const struct routes *held,
		      const struct routes *wanted)
{
	struct rtnetlink *rt = rtnetlink(interface);
	int err = 0, refused;
	size_t i;

	for (i = 0; i < held->count; i++) {
		if (has(wanted, &held->list[i]))
			continue;
		refused = rt->route_del(rt, &held->list[i]);
		if (refused && refused != -ESRCH)
			err = refused;
	}
	for (i = 0; i < wanted->count; i++) {
		if (has(held, &wanted->list[i]))
			continue;
		refused = rt->route_add(rt, &wanted->list[i]);
		if (refused && refused != -EEXIST)
			err = refused;
	}
	return err;
}

void doppel_wg_interface_routes(struct wg_interface *interface)
{
	struct routes held = { .count = 0 }, wanted = { .count = 0 };
	int err = look_at_routes(interface, &held);

	if (!err)
		err = want_routes(interface, &wanted);
	if (!err)
		err = set_routes(interface, &held, &wanted);
	if (err)
		doppel_wg_interface_fail(interface, err, "the routes by %s cannot be set: %s",
					 interface->assignment->network->interface, strerror(-err));
	doppel_buf_free(&held.buf);
	doppel_buf_free(&wanted.buf);
}
