// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/rtnetlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "kernel/exchange.h"

#define EVENT_BUFFER (1024 * 1024)
#define NEW_LINK "doppel-new"	/* a link of ours until it has name and alias */

struct socket_pair {
	struct rtnetlink rt;
	struct nl_sock *commands;	/* blocking; the kernel answers at once */
	struct nl_sock *events;
};

static struct socket_pair *to_pair(struct rtnetlink *rt)
{
	return container_of(rt, struct socket_pair, rt);
}

/* One request with its fixed header, and no attributes yet. */
static struct nl_msg *request(int type, int flags, const void *header, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (msg && nlmsg_append(msg, (void *)header, len, NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static bool parse_link(struct nlmsghdr *header, struct port_link *link)
{
	struct ifinfomsg *info = nlmsg_data(header);
	struct nlattr *a[IFLA_MAX + 1], *more[IFLA_INFO_MAX + 1];

	if (nlmsg_parse(header, sizeof(*info), a, IFLA_MAX, NULL) || !a[IFLA_IFNAME])
		return false;
	*link = (struct port_link){
		.ifindex = (uint32_t)info->ifi_index,
		.up = info->ifi_flags & IFF_UP,
		.running = info->ifi_flags & IFF_RUNNING,
		/* Only wireless links have the attribute. */
		.wireless = a[IFLA_WIRELESS],
	};
	nla_strlcpy(link->name, a[IFLA_IFNAME], sizeof(link->name));
	if (a[IFLA_ADDRESS] && nla_len(a[IFLA_ADDRESS]) == (int)sizeof(link->mac.b))
		memcpy(link->mac.b, nla_data(a[IFLA_ADDRESS]), sizeof(link->mac.b));
	if (a[IFLA_MTU])
		link->mtu = nla_get_u32(a[IFLA_MTU]);
	if (a[IFLA_LINKINFO] && !nla_parse_nested(more, IFLA_INFO_MAX, a[IFLA_LINKINFO], NULL) &&
	    more[IFLA_INFO_KIND])
		nla_strlcpy(link->kind, more[IFLA_INFO_KIND], sizeof(link->kind));
	if (a[IFLA_IFALIAS])
		nla_strlcpy(link->alias, a[IFLA_IFALIAS], sizeof(link->alias));
	return true;
}

static int take_link(struct nlmsghdr *header, void *ctx)
{
	if (header->nlmsg_type == RTM_NEWLINK)
		parse_link(header, ctx);
	return 0;
}

static int link_get(struct rtnetlink *rt, const char *name, struct port_link *link)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg auto_msg *msg = request(RTM_GETLINK, NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { .parse = take_link, .ctx = link };
	int err;

	*link = (struct port_link){ 0 };
	if (!msg || nla_put_string(msg, IFLA_IFNAME, name))
		return -ENOMEM;
	err = doppel_exchange(to_pair(rt)->commands, msg, &reply);
	if (err)
		return err;
	return link->ifindex ? 0 : -ENODEV;
}

struct link_walk {
	int (*cb)(const struct port_link *link, void *ctx);
	void *ctx;
};

static int show_link(struct nlmsghdr *header, void *ctx)
{
	struct link_walk *walk = ctx;
	struct port_link link;

	if (header->nlmsg_type != RTM_NEWLINK || !parse_link(header, &link))
		return 0;
	return walk->cb(&link, walk->ctx);
}

static int link_dump(struct rtnetlink *rt, int (*cb)(const struct port_link *link, void *ctx),
		     void *ctx)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg auto_msg *msg = request(RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
	struct link_walk walk = { .cb = cb, .ctx = ctx };
	struct reply reply = { .parse = show_link, .ctx = &walk };
	int err = msg ? doppel_exchange(to_pair(rt)->commands, msg, &reply) : -ENOMEM;

	return !err && reply.interrupted ? -EINTR : err;
}

static int link_del(struct rtnetlink *rt, uint32_t ifindex)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
	struct nl_msg auto_msg *msg = request(RTM_DELLINK, NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { 0 };

	return msg ? doppel_exchange(to_pair(rt)->commands, msg, &reply) : -ENOMEM;
}

static int link_create(struct rtnetlink *rt, const char *name, const char *kind)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg auto_msg *msg = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
					      &info, sizeof(info));
	struct reply reply = { 0 };
	struct nlattr *more;

	if (!msg || nla_put_string(msg, IFLA_IFNAME, name))
		return -ENOMEM;
	more = nla_nest_start(msg, IFLA_LINKINFO);
	if (!more || nla_put_string(msg, IFLA_INFO_KIND, kind))
		return -ENOMEM;
	nla_nest_end(msg, more);
	return doppel_exchange(to_pair(rt)->commands, msg, &reply);
}

static int link_name(struct rtnetlink *rt, uint32_t ifindex, const char *name, const char *alias)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
	struct nl_msg auto_msg *msg = request(RTM_NEWLINK, NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { 0 };

	if (!msg || nla_put_string(msg, IFLA_IFNAME, name) ||
	    nla_put(msg, IFLA_IFALIAS, (int)strlen(alias), alias))
		return -ENOMEM;
	return doppel_exchange(to_pair(rt)->commands, msg, &reply);
}

/* The kernel takes no alias along with a new link, but name and alias together. */
static int link_add(struct rtnetlink *rt, const struct port_link *link)
{
	struct port_link fresh;
	int err = link_get(rt, NEW_LINK, &fresh);

	if (!err)
		err = link_del(rt, fresh.ifindex);
	if (err && err != -ENODEV)
		return err;
	err = link_create(rt, NEW_LINK, link->kind);
	if (!err)
		err = link_get(rt, NEW_LINK, &fresh);
	if (err)
		return err;
	err = link_name(rt, fresh.ifindex, link->name, link->alias);
	if (err)
		link_del(rt, fresh.ifindex);
	return err;
}

static int link_up(struct rtnetlink *rt, uint32_t ifindex)
{
	const struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)ifindex,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP,
	};
	struct nl_msg auto_msg *msg = request(RTM_NEWLINK, NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { 0 };

	return msg ? doppel_exchange(to_pair(rt)->commands, msg, &reply) : -ENOMEM;
}

static int link_mtu(struct rtnetlink *rt, uint32_t ifindex, uint32_t mtu)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
	struct nl_msg auto_msg *msg = request(RTM_NEWLINK, NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { 0 };

	if (!msg || nla_put_u32(msg, IFLA_MTU, mtu))
		return -ENOMEM;
	return doppel_exchange(to_pair(rt)->commands, msg, &reply);
}

/* The addresses of one port, kept until the dump is known to be whole. */
struct address_list {
	uint32_t ifindex;
	size_t count, room;
	struct port_address *list;
};

static int take_address(struct nlmsghdr *header, void *ctx)
{
	struct address_list *list = ctx;
	struct ifaddrmsg *info = nlmsg_data(header);
	struct port_address address = { 0 };
	struct nlattr *a[IFA_MAX + 1];
	struct nlattr *value;
	uint32_t flags;

	if (header->nlmsg_type != RTM_NEWADDR || nlmsg_parse(header, sizeof(*info), a, IFA_MAX,
							      NULL))
		return 0;
	value = a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS];
	if (info->ifa_index != list->ifindex || !value)
		return 0;
	flags = a[IFA_FLAGS] ? nla_get_u32(a[IFA_FLAGS]) : info->ifa_flags;
	address.ifindex = info->ifa_index;
	address.family = info->ifa_family;
	address.prefix_len = info->ifa_prefixlen;
	address.permanent = flags & IFA_F_PERMANENT;
	if (address.family == AF_INET && nla_len(value) == 4)
		memcpy(&address.ipv4, nla_data(value), 4);
	else if (address.family == AF_INET6 && nla_len(value) == 16)
		memcpy(&address.ipv6, nla_data(value), 16);
	else
		return 0;

	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct port_address *more = reallocarray(list->list, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->list = more;
		list->room = room;
	}
	list->list[list->count++] = address;
	return 0;
}

static int read_addresses(struct socket_pair *pair, struct address_list *list)
{
	const struct ifaddrmsg info = { .ifa_family = AF_UNSPEC, .ifa_index = list->ifindex };
	int attempt;

	for (attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
		struct nl_msg auto_msg *msg = request(RTM_GETADDR, NLM_F_DUMP, &info,
						      sizeof(info));
		struct reply reply = { .parse = take_address, .ctx = list };
		int err;

		if (!msg)
			return -ENOMEM;
		list->count = 0;
		err = doppel_exchange(pair->commands, msg, &reply);
		if (err || !reply.interrupted)
			return err;
	}
	return -EINTR;
}

static int address_dump(struct rtnetlink *rt, uint32_t ifindex,
			int (*cb)(const struct port_address *address, void *ctx), void *ctx)
{
	struct address_list list = { .ifindex = ifindex };
	int err = read_addresses(to_pair(rt), &list);
	void auto_free *owned = list.list;
	size_t i;

	(void)owned;
	for (i = 0; !err && i < list.count; i++)
		err = cb(&list.list[i], ctx);
	return err;
}

static int address_change(struct rtnetlink *rt, int type, int flags,
			  const struct port_address *address)
{
	const struct ifaddrmsg info = {
		.ifa_family = (uint8_t)address->family,
		.ifa_prefixlen = address->prefix_len,
		.ifa_index = address->ifindex,
		.ifa_flags = IFA_F_PERMANENT,
	};
	const int len = address->family == AF_INET ? 4 : 16;
	struct nl_msg auto_msg *msg = request(type, flags | NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { 0 };

	if (!msg || nla_put(msg, IFA_LOCAL, len, &address->ipv6) ||
	    nla_put(msg, IFA_ADDRESS, len, &address->ipv6))
		return -ENOMEM;
	return doppel_exchange(to_pair(rt)->commands, msg, &reply);
}

static int address_add(struct rtnetlink *rt, const struct port_address *address)
{
	int err = address_change(rt, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);

	return err == -EEXIST ? 0 : err;
}

static int address_del(struct rtnetlink *rt, const struct port_address *address)
{
	return address_change(rt, RTM_DELADDR, 0, address);
}

static int put_route(struct nl_msg *msg, const struct port_route *route)
{
	struct nlattr *metrics;
	int err = nla_put_u32(msg, RTA_OIF, route->ifindex);

	err |= nla_put_u32(msg, RTA_PRIORITY, route->metric);
	if (route->prefix_len)
		err |= nla_put(msg, RTA_DST, route->family == AF_INET ? 4 : 16, &route->dst6);
	if (route->via.s_addr)
		err |= nla_put(msg, RTA_GATEWAY, sizeof(route->via), &route->via);
	if (route->source.s_addr)
		err |= nla_put(msg, RTA_PREFSRC, sizeof(route->source), &route->source);
	if (!route->mtu || err)
		return err;
	metrics = nla_nest_start(msg, RTA_METRICS);
	if (!metrics || nla_put_u32(msg, RTAX_MTU, route->mtu))
		return -ENOMEM;
	nla_nest_end(msg, metrics);
	return 0;
}

static int route_change(struct rtnetlink *rt, int type, int flags, const struct port_route *route)
{
	const struct rtmsg info = {
		.rtm_family = (uint8_t)route->family,
		.rtm_dst_len = route->prefix_len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = route->protocol,
		.rtm_scope = type == RTM_NEWROUTE ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE,
		.rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC,
		.rtm_flags = route->via.s_addr ? RTNH_F_ONLINK : 0,
	};
	struct nl_msg auto_msg *msg = request(type, flags | NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { 0 };

	if (!msg || put_route(msg, route))
		return -ENOMEM;
	return doppel_exchange(to_pair(rt)->commands, msg, &reply);
}

static int route_add(struct rtnetlink *rt, const struct port_route *route)
{
	return route_change(rt, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, route);
}

static int route_del(struct rtnetlink *rt, const struct port_route *route)
{
	return route_change(rt, RTM_DELROUTE, 0, route);
}

static struct in_addr get_ip4(struct nlattr *attr)
{
	struct in_addr ipv4 = { 0 };

	if (attr && nla_len(attr) == (int)sizeof(ipv4))
		memcpy(&ipv4, nla_data(attr), sizeof(ipv4));
	return ipv4;
}

static bool parse_route(struct nlmsghdr *header, struct port_route *route)
{
	struct rtmsg *info = nlmsg_data(header);
	struct nlattr *a[RTA_MAX + 1], *metrics[RTAX_MAX + 1];

	if (nlmsg_parse(header, sizeof(*info), a, RTA_MAX, NULL) ||
	    (info->rtm_family != AF_INET && info->rtm_family != AF_INET6) ||
	    info->rtm_table != RT_TABLE_MAIN || !a[RTA_OIF])
		return false;
	*route = (struct port_route){
		.ifindex = nla_get_u32(a[RTA_OIF]),
		.family = info->rtm_family,
		.prefix_len = info->rtm_dst_len,
		.via = get_ip4(a[RTA_GATEWAY]),
		.source = get_ip4(a[RTA_PREFSRC]),
		.metric = a[RTA_PRIORITY] ? nla_get_u32(a[RTA_PRIORITY]) : 0,
		.protocol = info->rtm_protocol,
	};
	if (a[RTA_DST])
		nla_memcpy(&route->dst6, a[RTA_DST], sizeof(route->dst6));
	if (a[RTA_METRICS] && !nla_parse_nested(metrics, RTAX_MAX, a[RTA_METRICS], NULL) &&
	    metrics[RTAX_MTU])
		route->mtu = nla_get_u32(metrics[RTAX_MTU]);
	return true;
}

struct route_walk {
	uint32_t ifindex;
	uint8_t protocol;
	int (*cb)(const struct port_route *route, void *ctx);
	void *ctx;
};

static int show_route(struct nlmsghdr *header, void *ctx)
{
	struct route_walk *walk = ctx;
	struct port_route route;

	if (header->nlmsg_type != RTM_NEWROUTE || !parse_route(header, &route) ||
	    route.ifindex != walk->ifindex || route.protocol != walk->protocol)
		return 0;
	return walk->cb(&route, walk->ctx);
}

static int route_dump(struct rtnetlink *rt, uint32_t ifindex, uint8_t protocol,
		      int (*cb)(const struct port_route *route, void *ctx), void *ctx)
{
	const struct rtmsg info = { .rtm_family = AF_UNSPEC };
	struct nl_msg auto_msg *msg = request(RTM_GETROUTE, NLM_F_DUMP, &info, sizeof(info));
	struct route_walk walk = { .ifindex = ifindex, .protocol = protocol, .cb = cb, .ctx = ctx };
	struct reply reply = { .parse = show_route, .ctx = &walk };
	int err = msg ? doppel_exchange(to_pair(rt)->commands, msg, &reply) : -ENOMEM;

	return !err && reply.interrupted ? -EINTR : err;
}

static int neighbour_change(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4,
			    const struct mac *mac, uint16_t state)
{
	const struct ndmsg info = {
		.ndm_family = AF_INET,
		.ndm_ifindex = (int)ifindex,
		.ndm_state = state,
	};
	struct nl_msg auto_msg *msg = request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE |
					      NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { 0 };

	if (!msg || nla_put(msg, NDA_DST, sizeof(ipv4), &ipv4) ||
	    nla_put(msg, NDA_LLADDR, sizeof(mac->b), mac->b))
		return -ENOMEM;
	return doppel_exchange(to_pair(rt)->commands, msg, &reply);
}

static int neighbour_add(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4,
			 const struct mac *mac)
{
	return neighbour_change(rt, ifindex, ipv4, mac, NUD_PERMANENT);
}

static int neighbour_del(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4)
{
	const struct ndmsg info = { .ndm_family = AF_INET, .ndm_ifindex = (int)ifindex };
	struct nl_msg auto_msg *msg = request(RTM_DELNEIGH, NLM_F_ACK, &info, sizeof(info));
	struct reply reply = { 0 };

	if (!msg || nla_put(msg, NDA_DST, sizeof(ipv4), &ipv4))
		return -ENOMEM;
	return doppel_exchange(to_pair(rt)->commands, msg, &reply);
}

static int neighbour_probe(struct rtnetlink *rt, uint32_t ifindex, struct in_addr ipv4,
			   const struct mac *mac)
{
	return neighbour_change(rt, ifindex, ipv4, mac, NUD_PROBE);
}

static bool parse_neighbour(struct nlmsghdr *header, struct port_event *event)
{
	struct ndmsg *info = nlmsg_data(header);
	struct nlattr *a[NDA_MAX + 1];

	if (header->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse(header, sizeof(*info), a, NDA_MAX, NULL) ||
	    info->ndm_family != AF_INET || !(info->ndm_state & NUD_REACHABLE) ||
	    !a[NDA_DST] || nla_len(a[NDA_DST]) != 4 ||
	    !a[NDA_LLADDR] || nla_len(a[NDA_LLADDR]) != 6)
		return false;
	*event = (struct port_event){
		.kind = PORT_EVENT_NEIGHBOUR,
		.ifindex = (uint32_t)info->ndm_ifindex,
	};
	memcpy(&event->ipv4, nla_data(a[NDA_DST]), 4);
	memcpy(event->mac.b, nla_data(a[NDA_LLADDR]), 6);
	return true;
}

static bool parse_neighbour_gone(struct nlmsghdr *header, struct port_event *event)
{
	struct ndmsg *info = nlmsg_data(header);
	struct nlattr *a[NDA_MAX + 1];

	if (nlmsg_parse(header, sizeof(*info), a, NDA_MAX, NULL) || info->ndm_family != AF_INET)
		return false;
	event->kind = PORT_EVENT_NEIGHBOUR_GONE;
	event->ifindex = (uint32_t)info->ndm_ifindex;
	event->ipv4 = get_ip4(a[NDA_DST]);
	return true;
}

static bool parse_address_gone(struct nlmsghdr *header, struct port_event *event)
{
	struct ifaddrmsg *info = nlmsg_data(header);
	struct nlattr *a[IFA_MAX + 1];

	if (nlmsg_parse(header, sizeof(*info), a, IFA_MAX, NULL) || info->ifa_family != AF_INET)
		return false;
	event->kind = PORT_EVENT_ADDRESS_GONE;
	event->ifindex = info->ifa_index;
	event->ipv4 = get_ip4(a[IFA_LOCAL]);
	return true;
}

static bool parse_route_gone(struct nlmsghdr *header, struct port_event *event)
{
	struct port_route route;

	if (!parse_route(header, &route))
		return false;
	event->kind = PORT_EVENT_ROUTE_GONE;
	event->ifindex = route.ifindex;
	event->protocol = route.protocol;
	return true;
}

static bool parse_event(struct nlmsghdr *header, struct port_event *event)
{
	switch (header->nlmsg_type) {
	case RTM_DELNEIGH:
		return parse_neighbour_gone(header, event);
	case RTM_DELADDR:
		return parse_address_gone(header, event);
	case RTM_DELROUTE:
		return parse_route_gone(header, event);
	default:
		return parse_neighbour(header, event);
	}
}

static int see_filter(struct nlmsghdr *header, void *ctx)
{
	if (header->nlmsg_type == RTM_NEWTFILTER)
		*(bool *)ctx = true;
	return 0;
}

static int egress_filtered(struct rtnetlink *rt, uint32_t ifindex, bool *filtered)
{
	const struct tcmsg info = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
	};
	struct nl_msg auto_msg *msg = request(RTM_GETTFILTER, NLM_F_DUMP, &info, sizeof(info));
	struct reply reply = { .parse = see_filter, .ctx = filtered };

	*filtered = false;
	return msg ? doppel_exchange(to_pair(rt)->commands, msg, &reply) : -ENOMEM;
}

struct event_walk {
	uint32_t ifindex;		/* 0: any */
	void (*cb)(const struct port_event *event, void *ctx);
	void *ctx;
};

static int show_neighbour(struct nlmsghdr *header, void *ctx)
{
	struct event_walk *walk = ctx;
	struct port_event event;

	if (parse_neighbour(header, &event) && event.ifindex == walk->ifindex)
		walk->cb(&event, walk->ctx);
	return 0;
}

static int neighbour_dump(struct rtnetlink *rt, uint32_t ifindex,
			  void (*cb)(const struct port_event *event, void *ctx), void *ctx)
{
	const struct ndmsg info = { .ndm_family = AF_INET };
	struct nl_msg auto_msg *msg = request(RTM_GETNEIGH, NLM_F_DUMP, &info, sizeof(info));
	struct event_walk walk = { .ifindex = ifindex, .cb = cb, .ctx = ctx };
	struct reply reply = { .parse = show_neighbour, .ctx = &walk };

	return msg ? doppel_exchange(to_pair(rt)->commands, msg, &reply) : -ENOMEM;
}

static int on_event(struct nl_msg *msg, void *ctx)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct event_walk *walk = ctx;
	struct port_event event = { 0 };

	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		/* Bridges tell of their ports in a family of their own. */
		if (((struct ifinfomsg *)nlmsg_data(header))->ifi_family != AF_UNSPEC ||
		    !parse_link(header, &event.link))
			return NL_OK;
		event.kind = header->nlmsg_type == RTM_NEWLINK ? PORT_EVENT_LINK : PORT_EVENT_GONE;
		event.ifindex = event.link.ifindex;
		break;
	default:
		if (!parse_event(header, &event))
			return NL_OK;
	}
	walk->cb(&event, walk->ctx);
	return NL_OK;
}

static int no_sequence(struct nl_msg *msg, void *ctx)
{
	(void)msg;
	(void)ctx;
	return NL_OK;
}

static int event_fd(struct rtnetlink *rt)
{
	return nl_socket_get_fd(to_pair(rt)->events);
}

static int read_events(struct rtnetlink *rt,
		       void (*cb)(const struct port_event *event, void *ctx), void *ctx)
{
	struct event_walk walk = { .cb = cb, .ctx = ctx };
	struct nl_cb auto_cb *handlers = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!handlers)
		return -ENOMEM;
	nl_cb_set(handlers, NL_CB_VALID, NL_CB_CUSTOM, on_event, &walk);
	nl_cb_set(handlers, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, no_sequence, NULL);
	do {
		err = nl_recvmsgs(to_pair(rt)->events, handlers);
	} while (!err);
	if (err == -NLE_NOMEM) {
		/* ENOBUFS: the kernel dropped events, as this socket's buffer was full. */
		const struct port_event event = { .kind = PORT_EVENT_LOST };

		cb(&event, ctx);
		return 0;
	}
	return err == -NLE_AGAIN ? 0 : -EPROTO;
}

static int sysctl_open(const char *path, int flags)
{
	char full[256];
	int fd;

	if (snprintf(full, sizeof(full), "/proc/sys/%s", path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int sysctl_get(struct rtnetlink *rt, const char *path, char *value, size_t size)
{
	int auto_close fd = sysctl_open(path, O_RDONLY);
	ssize_t len;

	(void)rt;
	if (fd < 0)
		return fd;
	len = read(fd, value, size);
	if (len < 0)
		return -errno;
	if ((size_t)len == size)
		return -ENAMETOOLONG;
	while (len && value[len - 1] == '\n')
		len--;
	value[len] = '\0';
	return 0;
}

static int sysctl_set(struct rtnetlink *rt, const char *path, const char *value)
{
	int auto_close fd = sysctl_open(path, O_WRONLY);
	size_t len = strlen(value);

	(void)rt;
	if (fd < 0)
		return fd;
	return write(fd, value, len) == (ssize_t)len ? 0 : -errno;
}

static void pair_free(struct rtnetlink *rt)
{
	struct socket_pair *pair = to_pair(rt);

	nl_socket_free(pair->commands);
	nl_socket_free(pair->events);
	free(pair);
}

static int open_sockets(struct socket_pair *pair)
{
	const struct timeval patience = { .tv_sec = 5 };

	pair->commands = nl_socket_alloc();
	pair->events = nl_socket_alloc();
	if (!pair->commands || !pair->events)
		return -ENOMEM;
	if (nl_connect(pair->commands, NETLINK_ROUTE) || nl_connect(pair->events, NETLINK_ROUTE))
		return -errno;
	setsockopt(nl_socket_get_fd(pair->commands), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	doppel_exchange_prepare(pair->commands);
	nl_socket_disable_seq_check(pair->events);
	nl_socket_set_buffer_size(pair->events, EVENT_BUFFER, 0);
	nl_socket_set_nonblocking(pair->events);
	if (nl_socket_add_memberships(pair->events, RTNLGRP_LINK, RTNLGRP_NEIGH,
				      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, 0))
		return -EPROTO;
	return 0;
}

int doppel_rtnetlink_open(struct rtnetlink **rt)
{
	struct socket_pair *pair = calloc(1, sizeof(*pair));
	int err;

	if (!pair)
		return -ENOMEM;
	pair->rt = (struct rtnetlink){
		.event_fd = event_fd,
		.read_events = read_events,
		.link_get = link_get,
		.link_dump = link_dump,
		.link_add = link_add,
		.link_del = link_del,
		.link_up = link_up,
		.link_mtu = link_mtu,
		.address_dump = address_dump,
		.address_add = address_add,
		.address_del = address_del,
		.route_add = route_add,
		.route_del = route_del,
		.route_dump = route_dump,
		.neighbour_add = neighbour_add,
		.neighbour_del = neighbour_del,
		.neighbour_probe = neighbour_probe,
		.neighbour_dump = neighbour_dump,
		.egress_filtered = egress_filtered,
		.sysctl_get = sysctl_get,
		.sysctl_set = sysctl_set,
		.free = pair_free,
	};
	err = open_sockets(pair);
	if (err) {
		pair_free(&pair->rt);
		return err;
	}
	*rt = &pair->rt;
	return 0;
}
