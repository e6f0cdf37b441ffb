// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/doppel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <linux/doppel.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/list.h"
#include "base/log.h"
#include "kernel/doppel_attr.h"
#include "kernel/exchange.h"

#define EVENT_BUFFER (1024 * 1024)

struct module_link {
	struct doppel_link link;
	struct nl_sock *commands;	/* blocking; the kernel answers at once */
	struct nl_sock *events;
	int family;			/* 0: not there */
};

static struct module_link *to_module(struct doppel_link *link)
{
	return container_of(link, struct module_link, link);
}

static struct nl_msg *request(struct module_link *module, uint8_t command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, module->family, 0,
				NLM_F_REQUEST | flags, command, DOPPEL_FAMILY_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int resolve(struct module_link *module)
{
	if (module->family <= 0) {
		int family = genl_ctrl_resolve(module->commands, DOPPEL_FAMILY_NAME);

		module->family = family < 0 ? 0 : family;
	}
	return module->family ? 0 : -ENOENT;
}

static int exchange(struct module_link *module, struct nl_msg *msg, struct reply *reply)
{
	reply->message.text = module->link.message;
	reply->message.size = sizeof(module->link.message);
	return doppel_exchange(module->commands, msg, reply);
}

/* Takes @msg; no family, no message. */
static int run(struct module_link *module, struct nl_msg *msg,
	       int (*parse)(struct nlmsghdr *header, void *ctx), void *ctx)
{
	struct nl_msg auto_msg *owned = msg;
	struct reply reply = { .parse = parse, .ctx = ctx };

	module->link.message[0] = '\0';
	if (!owned)
		return -ENOMEM;
	return exchange(module, owned, &reply);
}

/* A finished request whose attributes all found room, or nothing. */
static struct nl_msg *checked(struct nl_msg *msg, int err)
{
	if (msg && err) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int gateway_set(struct doppel_link *link, const struct module_gateway *gateway,
		       unsigned int what)
{
	struct module_link *module = to_module(link);
	struct nl_msg *msg;

	if (resolve(module))
		return -ENOENT;
	msg = request(module, DOPPEL_CMD_GATEWAY_SET, NLM_F_ACK);
	if (msg)
		msg = checked(msg, doppel_put_gateway(msg, gateway, what));
	return run(module, msg, NULL, NULL);
}

static int parse_gateway(struct nlmsghdr *header, void *ctx)
{
	return doppel_parse_gateway(header, ctx);
}

static int gateway_get(struct doppel_link *link, struct module_gateway *gateway)
{
	struct module_link *module = to_module(link);

	if (resolve(module))
		return -ENOENT;
	return run(module, request(module, DOPPEL_CMD_GATEWAY_GET, NLM_F_ACK), parse_gateway,
		   gateway);
}

static int gateway_del(struct doppel_link *link)
{
	struct module_link *module = to_module(link);

	if (resolve(module))
		return -ENOENT;
	return run(module, request(module, DOPPEL_CMD_GATEWAY_DEL, NLM_F_ACK), NULL, NULL);
}

static int device_command(struct doppel_link *link, uint8_t command,
			  const struct module_device *device, unsigned int what)
{
	struct module_link *module = to_module(link);
	struct nl_msg *msg;

	if (resolve(module))
		return -ENOENT;
	msg = request(module, command, NLM_F_ACK);
	if (msg)
		msg = checked(msg, doppel_put_device(msg, device, what));
	return run(module, msg, NULL, NULL);
}

static int device_add(struct doppel_link *link, const struct module_device *device)
{
	return device_command(link, DOPPEL_CMD_DEVICE_ADD, device, MODULE_ALL);
}

static int device_set(struct doppel_link *link, const struct module_device *device,
		      unsigned int what)
{
	return device_command(link, DOPPEL_CMD_DEVICE_SET, device, what);
}

static int device_del(struct doppel_link *link, const struct mac *mac)
{
	const struct module_device device = { .mac = *mac };

	return device_command(link, DOPPEL_CMD_DEVICE_DEL, &device, 0);
}

static int parse_device(struct nlmsghdr *header, void *ctx)
{
	return doppel_parse_device(header, ctx);
}

static int device_get(struct doppel_link *link, const struct mac *mac,
		      struct module_device *device)
{
	struct module_link *module = to_module(link);
	struct nl_msg *msg;

	if (resolve(module))
		return -ENOENT;
	msg = request(module, DOPPEL_CMD_DEVICE_GET, NLM_F_ACK);
	if (msg)
		msg = checked(msg, doppel_put_mac(msg, DOPPEL_A_DEVICE_MAC, mac));
	return run(module, msg, parse_device, device);
}

/* The entries of a dump, kept until it is known to be whole. */
struct entries {
	int (*parse)(struct nlmsghdr *header, void *entry);
	size_t size, count, room;
	char *data;
};

static int keep_entry(struct nlmsghdr *header, void *ctx)
{
	struct entries *entries = ctx;
	int err;

	if (entries->count == entries->room) {
		size_t room = entries->room ? 2 * entries->room : 64;
		char *data = realloc(entries->data, room * entries->size);

		if (!data)
			return -ENOMEM;
		entries->data = data;
		entries->room = room;
	}
	err = entries->parse(header, entries->data + entries->count * entries->size);
	if (!err)
		entries->count++;
	return err;
}

/* Dump into @entries, again when the table changed meanwhile. The caller frees entries->data. */
static int dump_whole(struct module_link *module, uint8_t command, struct entries *entries)
{
	int attempt;

	module->link.message[0] = '\0';
	if (resolve(module))
		return -ENOENT;
	for (attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
		struct nl_msg auto_msg *msg = request(module, command, NLM_F_DUMP);
		struct reply reply = { .parse = keep_entry, .ctx = entries };
		int err;

		if (!msg)
			return -ENOMEM;
		entries->count = 0;
		err = exchange(module, msg, &reply);
		if (err)
			return err;
		if (!reply.interrupted)
			return 0;
	}
	return -EINTR;
}

static int device_dump(struct doppel_link *link,
		       int (*cb)(const struct module_device *device, void *ctx), void *ctx)
{
	struct entries entries = { .parse = parse_device, .size = sizeof(struct module_device) };
	int err = dump_whole(to_module(link), DOPPEL_CMD_DEVICE_GET, &entries);
	void auto_free *data = entries.data;
	size_t i;

	for (i = 0; !err && i < entries.count; i++)
		err = cb((struct module_device *)data + i, ctx);
	return err;
}

static int forward_add(struct doppel_link *link, const struct module_forward *forward)
{
	struct module_link *module = to_module(link);
	struct nl_msg *msg;

	if (resolve(module))
		return -ENOENT;
	msg = request(module, DOPPEL_CMD_FORWARD_ADD, NLM_F_ACK);
	if (msg)
		msg = checked(msg, doppel_put_forward(msg, forward, true));
	return run(module, msg, NULL, NULL);
}

static int forward_del(struct doppel_link *link, const struct module_forward *forward)
{
	struct module_link *module = to_module(link);
	struct nl_msg *msg;

	if (resolve(module))
		return -ENOENT;
	msg = request(module, DOPPEL_CMD_FORWARD_DEL, NLM_F_ACK);
	if (msg)
		msg = checked(msg, doppel_put_forward(msg, forward, false));
	return run(module, msg, NULL, NULL);
}

static int parse_forward(struct nlmsghdr *header, void *ctx)
{
	return doppel_parse_forward(header, ctx);
}

static int forward_dump(struct doppel_link *link,
			int (*cb)(const struct module_forward *forward, void *ctx), void *ctx)
{
	struct entries entries = { .parse = parse_forward, .size = sizeof(struct module_forward) };
	int err = dump_whole(to_module(link), DOPPEL_CMD_FORWARD_GET, &entries);
	void auto_free *data = entries.data;
	size_t i;

	for (i = 0; !err && i < entries.count; i++)
		err = cb((struct module_forward *)data + i, ctx);
	return err;
}

static int mapping_command(struct doppel_link *link, uint8_t command,
			   const struct module_mapping *mapping, bool with_ipv6)
{
	struct module_link *module = to_module(link);
	struct nl_msg *msg;

	if (resolve(module))
		return -ENOENT;
	msg = request(module, command, NLM_F_ACK);
	if (msg)
		msg = checked(msg, doppel_put_mapping(msg, mapping, with_ipv6));
	return run(module, msg, NULL, NULL);
}

static int mapping_add(struct doppel_link *link, const struct module_mapping *mapping)
{
	return mapping_command(link, DOPPEL_CMD_MAPPING_ADD, mapping, true);
}

static int mapping_del(struct doppel_link *link, const struct module_mapping *mapping)
{
	return mapping_command(link, DOPPEL_CMD_MAPPING_DEL, mapping, false);
}

static int parse_mapping(struct nlmsghdr *header, void *ctx)
{
	return doppel_parse_mapping(header, ctx);
}

static int mapping_dump(struct doppel_link *link,
			int (*cb)(const struct module_mapping *mapping, void *ctx), void *ctx)
{
	struct entries entries = { .parse = parse_mapping, .size = sizeof(struct module_mapping) };
	int err = dump_whole(to_module(link), DOPPEL_CMD_MAPPING_GET, &entries);
	void auto_free *data = entries.data;
	size_t i;

	for (i = 0; !err && i < entries.count; i++)
		err = cb((struct module_mapping *)data + i, ctx);
	return err;
}

struct session_walk {
	int (*cb)(const struct module_session *session, void *ctx);
	void *ctx;
};

static int show_session(struct nlmsghdr *header, void *ctx)
{
	struct session_walk *walk = ctx;
	struct module_session session;
	int err = doppel_parse_session(header, &session);

	return err ? err : walk->cb(&session, walk->ctx);
}

/* Sessions come and go all the time: one that does so meanwhile may be missing or be told twice. */
static int session_dump(struct doppel_link *link,
			int (*cb)(const struct module_session *session, void *ctx), void *ctx)
{
	struct module_link *module = to_module(link);
	struct session_walk walk = { .cb = cb, .ctx = ctx };

	if (resolve(module))
		return -ENOENT;
	return run(module, request(module, DOPPEL_CMD_SESSION_GET, NLM_F_DUMP), show_session,
		   &walk);
}

static int session_flush(struct doppel_link *link, const struct mac *mac)
{
	struct module_link *module = to_module(link);
	struct nl_msg *msg;

	if (resolve(module))
		return -ENOENT;
	msg = request(module, DOPPEL_CMD_SESSION_FLUSH, NLM_F_ACK);
	if (msg && mac)
		msg = checked(msg, doppel_put_mac(msg, DOPPEL_A_SESSION_MAC, mac));
	return run(module, msg, NULL, NULL);
}

static int parse_stats(struct nlmsghdr *header, void *ctx)
{
	return doppel_parse_stats(header, ctx);
}

static int stats_get(struct doppel_link *link, struct module_stats *stats)
{
	struct module_link *module = to_module(link);

	if (resolve(module))
		return -ENOENT;
	return run(module, request(module, DOPPEL_CMD_STATS_GET, NLM_F_ACK), parse_stats, stats);
}

static int event_fd(struct doppel_link *link)
{
	return nl_socket_get_fd(to_module(link)->events);
}

/* Hear the events of a family that is there. */
static void join_events(struct module_link *module)
{
	int group = genl_ctrl_resolve_grp(module->commands, DOPPEL_FAMILY_NAME,
					  DOPPEL_MCGRP_EVENTS);

	if (group > 0 && nl_socket_add_membership(module->events, group))
		doppel_log(LOG_ERR, "module: cannot listen to its events");
}

static bool present(struct doppel_link *link)
{
	struct module_link *module = to_module(link);
	bool was = module->family > 0;

	if (resolve(module))
		return false;
	if (!was)
		join_events(module);
	return true;
}

struct event_walk {
	struct module_link *module;
	void (*cb)(const struct module_event *event, void *ctx);
	void *ctx;
};

/* The controller tells of families that come and go. */
static void on_controller(struct event_walk *walk, struct nlmsghdr *header)
{
	struct nlattr *a[CTRL_ATTR_MAX + 1];
	struct module_event event = { 0 };

	if (genlmsg_parse(header, 0, a, CTRL_ATTR_MAX, NULL) || !a[CTRL_ATTR_FAMILY_NAME] ||
	    nla_strcmp(a[CTRL_ATTR_FAMILY_NAME], DOPPEL_FAMILY_NAME))
		return;
	switch (genlmsg_hdr(header)->cmd) {
	case CTRL_CMD_NEWFAMILY:
		/* Another number than before, if it was there before. */
		walk->module->family = 0;
		if (!present(&walk->module->link))
			return;
		event.kind = MODULE_EVENT_CAME;
		break;
	case CTRL_CMD_DELFAMILY:
		walk->module->family = 0;
		event.kind = MODULE_EVENT_WENT;
		break;
	default:
		return;
	}
	walk->cb(&event, walk->ctx);
}

static int on_event(struct nl_msg *msg, void *ctx)
{
	struct event_walk *walk = ctx;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct module_event event;

	if (!genlmsg_valid_hdr(header, 0))
		return NL_SKIP;
	if (header->nlmsg_type == GENL_ID_CTRL)
		on_controller(walk, header);
	else if (header->nlmsg_type == walk->module->family && !doppel_parse_event(header, &event))
		walk->cb(&event, walk->ctx);
	return NL_OK;
}

static int no_sequence(struct nl_msg *msg, void *ctx)
{
	(void)msg;
	(void)ctx;
	return NL_OK;
}

static int read_events(struct doppel_link *link,
		       void (*cb)(const struct module_event *event, void *ctx), void *ctx)
{
	struct event_walk walk = { .module = to_module(link), .cb = cb, .ctx = ctx };
	struct nl_cb auto_cb *handlers = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!handlers)
		return -ENOMEM;
	nl_cb_set(handlers, NL_CB_VALID, NL_CB_CUSTOM, on_event, &walk);
	nl_cb_set(handlers, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, no_sequence, NULL);
	do {
		err = nl_recvmsgs(walk.module->events, handlers);
	} while (!err);
	if (err == -NLE_NOMEM) {
		/* ENOBUFS: the kernel dropped events, as this socket's buffer was full. */
		const struct module_event event = { .kind = MODULE_EVENT_LOST };

		cb(&event, ctx);
		return 0;
	}
	return err == -NLE_AGAIN ? 0 : doppel_from_nl(err);
}

static void link_free(struct doppel_link *link)
{
	struct module_link *module = to_module(link);

	nl_socket_free(module->commands);
	nl_socket_free(module->events);
	free(module);
}

static int open_sockets(struct module_link *module)
{
	const struct timeval patience = { .tv_sec = 5 };
	const int on = 1;
	int group;

	module->commands = nl_socket_alloc();
	module->events = nl_socket_alloc();
	if (!module->commands || !module->events)
		return -ENOMEM;
	if (genl_connect(module->commands) || genl_connect(module->events))
		return -errno;
	setsockopt(nl_socket_get_fd(module->commands), SOL_NETLINK, NETLINK_EXT_ACK, &on,
		   sizeof(on));
	setsockopt(nl_socket_get_fd(module->commands), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	doppel_exchange_prepare(module->commands);
	nl_socket_disable_seq_check(module->events);
	nl_socket_set_buffer_size(module->events, EVENT_BUFFER, 0);
	nl_socket_set_nonblocking(module->events);
	group = genl_ctrl_resolve_grp(module->commands, "nlctrl", "notify");
	if (group < 0 || nl_socket_add_membership(module->events, group))
		return -EPROTO;
	return 0;
}

int doppel_link_open(struct doppel_link **link)
{
	struct module_link *module = calloc(1, sizeof(*module));
	int err;

	if (!module)
		return -ENOMEM;
	module->link = (struct doppel_link){
		.event_fd = event_fd,
		.read_events = read_events,
		.present = present,
		.gateway_set = gateway_set,
		.gateway_get = gateway_get,
		.gateway_del = gateway_del,
		.device_add = device_add,
		.device_set = device_set,
		.device_del = device_del,
		.device_get = device_get,
		.device_dump = device_dump,
		.forward_add = forward_add,
		.forward_del = forward_del,
		.forward_dump = forward_dump,
		.mapping_add = mapping_add,
		.mapping_del = mapping_del,
		.mapping_dump = mapping_dump,
		.session_dump = session_dump,
		.session_flush = session_flush,
		.stats_get = stats_get,
		.free = link_free,
	};
	err = open_sockets(module);
	if (err) {
		link_free(&module->link);
		return err;
	}
	present(&module->link);
	*link = &module->link;
	return 0;
}
