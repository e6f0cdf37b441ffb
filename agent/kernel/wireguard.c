// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/wireguard.h"

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

#include "base/list.h"
#include "kernel/exchange.h"
#include "kernel/wireguard_attr.h"

#define MESSAGE_MAX 32768	/* a nest's length has 16 bits */

struct link {
	struct wireguard wireguard;
	struct nl_sock *sock;	/* blocking; the kernel answers at once */
	int family;		/* 0: not known yet */
};

static struct link *to_link(struct wireguard *wireguard)
{
	return container_of(wireguard, struct link, wireguard);
}

static int resolve(struct link *link)
{
	if (link->family <= 0) {
		int family = genl_ctrl_resolve(link->sock, WG_GENL_NAME);

		link->family = family < 0 ? 0 : family;
	}
	return link->family ? 0 : -EOPNOTSUPP;
}

/* Messages of ours have keys in them. */
static void wipe_msg(struct nl_msg **msg)
{
	if (*msg)
		explicit_bzero(nlmsg_hdr(*msg), nlmsg_hdr(*msg)->nlmsg_len);
	nlmsg_free(*msg);
}

#define auto_wiped __attribute__((cleanup(wipe_msg)))

static struct nl_msg *request(struct link *link, uint8_t command, int flags, uint32_t ifindex)
{
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_MAX);

	if (msg && (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, link->family, 0,
				 NLM_F_REQUEST | flags, command, WG_GENL_VERSION) ||
		    nla_put_u32(msg, WGDEVICE_A_IFINDEX, ifindex))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

void doppel_wireguard_device_free(struct wireguard_device *device)
{
	size_t i;

	for (i = 0; i < device->peer_count; i++) {
		explicit_bzero(device->peers[i].preshared_key, WG_KEY_LEN);
		free(device->peers[i].allowed_ips);
	}
	free(device->peers);
	explicit_bzero(device, sizeof(*device));
}

static int parse_device(struct nlmsghdr *header, void *ctx)
{
	return doppel_parse_wireguard(header, ctx);
}

static int device_get(struct wireguard *wireguard, uint32_t ifindex,
		      struct wireguard_device *device)
{
	struct link *link = to_link(wireguard);
	int attempt;

	*device = (struct wireguard_device){ 0 };
	if (resolve(link))
		return -EOPNOTSUPP;
	for (attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
		struct nl_msg auto_msg *msg = request(link, WG_CMD_GET_DEVICE, NLM_F_DUMP, ifindex);
		struct reply reply = { .parse = parse_device, .ctx = device };
		int err;

		if (!msg)
			return -ENOMEM;
		doppel_wireguard_device_free(device);
		err = doppel_exchange(link->sock, msg, &reply);
		if (err || !reply.interrupted)
			return err;
	}
	return -EINTR;
}

static int private_key_set(struct wireguard *wireguard, uint32_t ifindex,
			   const uint8_t key[WG_KEY_LEN])
{
	struct link *link = to_link(wireguard);
	struct reply reply = { 0 };
	struct nl_msg auto_wiped *msg = NULL;

	if (resolve(link))
		return -EOPNOTSUPP;
	msg = request(link, WG_CMD_SET_DEVICE, NLM_F_ACK, ifindex);
	if (!msg || nla_put(msg, WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, key))
		return -ENOMEM;
	return doppel_exchange(link->sock, msg, &reply);
}

static int listen_port_set(struct wireguard *wireguard, uint32_t ifindex, uint16_t port)
{
	struct link *link = to_link(wireguard);
	struct reply reply = { 0 };
	struct nl_msg auto_msg *msg = NULL;

	if (resolve(link))
		return -EOPNOTSUPP;
	msg = request(link, WG_CMD_SET_DEVICE, NLM_F_ACK, ifindex);
	if (!msg || nla_put_u16(msg, WGDEVICE_A_LISTEN_PORT, port))
		return -ENOMEM;
	return doppel_exchange(link->sock, msg, &reply);
}

static int peers_set(struct wireguard *wireguard, uint32_t ifindex,
		     const struct wireguard_change *changes, size_t count)
{
	struct link *link = to_link(wireguard);
	struct wireguard_progress progress = { 0 };

	if (resolve(link))
		return -EOPNOTSUPP;
	while (progress.change < count) {
		struct nl_msg auto_wiped *msg = request(link, WG_CMD_SET_DEVICE, NLM_F_ACK, ifindex);
		struct reply reply = { 0 };
		int err = msg ? doppel_put_wireguard_changes(msg, changes, count, &progress) :
				-ENOMEM;

		if (!err)
			err = doppel_exchange(link->sock, msg, &reply);
		if (err)
			return err;
	}
	return 0;
}

static void link_free(struct wireguard *wireguard)
{
	struct link *link = to_link(wireguard);

	nl_socket_free(link->sock);
	free(link);
}

static int open_socket(struct link *link)
{
	const struct timeval patience = { .tv_sec = 5 };

	link->sock = nl_socket_alloc();
	if (!link->sock)
		return -ENOMEM;
	if (genl_connect(link->sock))
		return -errno;
	setsockopt(nl_socket_get_fd(link->sock), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	doppel_exchange_prepare(link->sock);
	return 0;
}

int doppel_wireguard_open(struct wireguard **wireguard)
{
	struct link *link = calloc(1, sizeof(*link));
	int err;

	if (!link)
		return -ENOMEM;
	link->wireguard = (struct wireguard){
		.device_get = device_get,
		.private_key_set = private_key_set,
		.listen_port_set = listen_port_set,
		.peers_set = peers_set,
		.free = link_free,
	};
	err = open_socket(link);
	if (err) {
		link_free(&link->wireguard);
		return err;
	}
	*wireguard = &link->wireguard;
	return 0;
}
