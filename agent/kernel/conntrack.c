// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/conntrack.h"

#include <errno.h>
#include <linux/icmpv6.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "base/addr.h"
#include "base/list.h"
#include "kernel/exchange.h"

#define DELETION_ROOM 512		/* a tuple of IPv6 takes less than half of it */

struct table {
	struct conntrack conntrack;
	struct nl_sock *sock;
};

/* One direction of a flow. */
struct tuple {
	struct in6_addr source, destination;
	uint8_t protocol;
	uint16_t source_port, destination_port;
	bool echo;
};

/* What a dump chooses, as messages that delete it: not while the dump runs. */
struct choice {
	bool (*chosen)(const struct conntrack_flow *flow, void *ctx);
	void *ctx;
	struct nl_msg **deletions;
	size_t count, room;
};

static struct nl_msg *request(int type, int flags, const struct nfgenmsg *header)
{
	struct nl_msg *msg = nlmsg_alloc_size(DELETION_ROOM);

	if (msg && nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, NFNL_SUBSYS_CTNETLINK << 8 | type, 0,
			     NLM_F_REQUEST | flags) &&
	    !nlmsg_append(msg, (void *)header, sizeof(*header), NLMSG_ALIGNTO))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static bool parse_address(struct nlattr *ipv4, struct nlattr *ipv6, struct in6_addr *address)
{
	struct in_addr addr;

	if (ipv4 && nla_len(ipv4) == (int)sizeof(addr)) {
		memcpy(&addr, nla_data(ipv4), sizeof(addr));
		*address = doppel_ip6_v4mapped(addr);
		return true;
	}
	if (!ipv6 || nla_len(ipv6) != (int)sizeof(*address))
		return false;
	memcpy(address, nla_data(ipv6), sizeof(*address));
	return true;
}

static uint16_t port_of(struct nlattr *attr)
{
	return attr ? ntohs(nla_get_u16(attr)) : 0;
}

static bool parse_tuple(struct nlattr *nest, struct tuple *tuple)
{
	struct nlattr *a[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_MAX + 1];

	if (!nest || nla_parse_nested(a, CTA_TUPLE_MAX, nest, NULL) || !a[CTA_TUPLE_IP] ||
	    !a[CTA_TUPLE_PROTO] || nla_parse_nested(ip, CTA_IP_MAX, a[CTA_TUPLE_IP], NULL) ||
	    nla_parse_nested(proto, CTA_PROTO_MAX, a[CTA_TUPLE_PROTO], NULL) ||
	    !proto[CTA_PROTO_NUM])
		return false;
	tuple->protocol = nla_get_u8(proto[CTA_PROTO_NUM]);
	tuple->source_port = port_of(proto[CTA_PROTO_SRC_PORT]);
	tuple->destination_port = port_of(proto[CTA_PROTO_DST_PORT]);
	tuple->echo = (proto[CTA_PROTO_ICMP_TYPE] &&
		       nla_get_u8(proto[CTA_PROTO_ICMP_TYPE]) == ICMP_ECHO) ||
		      (proto[CTA_PROTO_ICMPV6_TYPE] &&
		       nla_get_u8(proto[CTA_PROTO_ICMPV6_TYPE]) == ICMPV6_ECHO_REQUEST);
	return parse_address(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC], &tuple->source) &&
	       parse_address(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST], &tuple->destination);
}

/* Where the flow leads is what answers: that is behind a translation of the destination. */
static bool parse_flow(struct nlattr *a[], struct conntrack_flow *flow)
{
	struct tuple original, reply;

	if (!parse_tuple(a[CTA_TUPLE_ORIG], &original) || !parse_tuple(a[CTA_TUPLE_REPLY], &reply))
		return false;
	*flow = (struct conntrack_flow){
		.source = original.source,
		.destination = reply.source,
		.protocol = original.protocol,
		.port = reply.source_port,
		.echo = original.echo,
	};
	return true;
}

/* The number is that of this very flow: one that takes its place meanwhile is left alone. */
static struct nl_msg *deletion_of(const struct nfgenmsg *header, struct nlattr *a[])
{
	const struct nfgenmsg info = { .nfgen_family = header->nfgen_family,
				       .version = NFNETLINK_V0 };
	struct nl_msg *msg = request(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, &info);
	int err;

	if (!msg)
		return NULL;
	err = nla_put(msg, NLA_F_NESTED | CTA_TUPLE_ORIG, nla_len(a[CTA_TUPLE_ORIG]),
		      nla_data(a[CTA_TUPLE_ORIG]));
	if (a[CTA_ID])
		err |= nla_put(msg, CTA_ID, nla_len(a[CTA_ID]), nla_data(a[CTA_ID]));
	if (a[CTA_ZONE])
		err |= nla_put(msg, CTA_ZONE, nla_len(a[CTA_ZONE]), nla_data(a[CTA_ZONE]));
	if (!err)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static int keep(struct choice *choice, struct nl_msg *deletion)
{
	const size_t room = choice->room ? 2 * choice->room : 64;
	struct nl_msg **more;

	if (!deletion)
		return -ENOMEM;
	if (choice->count == choice->room) {
		more = reallocarray(choice->deletions, room, sizeof(*more));
		if (!more) {
			nlmsg_free(deletion);
			return -ENOMEM;
		}
		choice->deletions = more;
		choice->room = room;
	}
	choice->deletions[choice->count++] = deletion;
	return 0;
}

static int look_at(struct nlmsghdr *header, void *ctx)
{
	struct nlattr *a[CTA_MAX + 1];
	struct choice *choice = ctx;
	struct conntrack_flow flow;

	if (nlmsg_parse(header, sizeof(struct nfgenmsg), a, CTA_MAX, NULL) || !parse_flow(a, &flow) ||
	    !choice->chosen(&flow, choice->ctx))
		return 0;
	return keep(choice, deletion_of(nlmsg_data(header), a));
}

static int choose(struct table *table, struct choice *choice)
{
	const struct nfgenmsg info = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };
	struct nl_msg auto_msg *msg = request(IPCTNL_MSG_CT_GET, NLM_F_DUMP, &info);
	struct reply reply = { .parse = look_at, .ctx = choice };

	return msg ? doppel_exchange(table->sock, msg, &reply) : -ENOMEM;
}

/* One that has ended meanwhile is fine. */
static int delete(struct table *table, struct nl_msg *deletion)
{
	struct reply reply = { 0 };
	const int err = doppel_exchange(table->sock, deletion, &reply);

	return err == -ENOENT ? 0 : err;
}

static int forget(struct conntrack *conntrack,
		  bool (*chosen)(const struct conntrack_flow *flow, void *ctx), void *ctx)
{
	struct table *table = container_of(conntrack, struct table, conntrack);
	struct choice choice = { .chosen = chosen, .ctx = ctx };
	int err = choose(table, &choice);
	size_t i;

	for (i = 0; i < choice.count; i++) {
		if (!err)
			err = delete(table, choice.deletions[i]);
		nlmsg_free(choice.deletions[i]);
	}
	free(choice.deletions);
	return err;
}

static void free_table(struct conntrack *conntrack)
{
	struct table *table = container_of(conntrack, struct table, conntrack);

	nl_socket_free(table->sock);
	free(table);
}

int doppel_conntrack_open(struct conntrack **conntrack)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct table *table = calloc(1, sizeof(*table));
	int err;

	if (!table)
		return -ENOMEM;
	table->conntrack = (struct conntrack){ .forget = forget, .free = free_table };
	table->sock = nl_socket_alloc();
	err = table->sock ? doppel_from_nl(nl_connect(table->sock, NETLINK_NETFILTER)) : -ENOMEM;
	if (err) {
		free_table(&table->conntrack);
		return err;
	}
	setsockopt(nl_socket_get_fd(table->sock), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	doppel_exchange_prepare(table->sock);
	*conntrack = &table->conntrack;
	return 0;
}
