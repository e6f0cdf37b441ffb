// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cidr.h"
#include "base/list.h"

struct connected {
	struct udp_socket socket;
	int fd;
};

static struct connected *to_connected(struct udp_socket *socket)
{
	return container_of(socket, struct connected, socket);
}

static void end(struct connected *connected)
{
	if (connected->fd >= 0)
		close(connected->fd);
	connected->fd = -1;
}

static int udp_connect(struct udp_socket *socket_, const struct in6_addr *server, uint16_t port,
		       uint32_t ifindex)
{
	struct connected *connected = to_connected(socket_);
	const struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = *server,
		.sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(server) ? ifindex : 0,
	};
	const struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = doppel_ip_ipv4(server),
	};
	const bool v4 = IN6_IS_ADDR_V4MAPPED(server);
	int err;

	end(connected);
	connected->fd = socket(v4 ? AF_INET : AF_INET6,
			       SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connected->fd >= 0 &&
	    !connect(connected->fd, v4 ? (const struct sockaddr *)&in :
		     (const struct sockaddr *)&in6, v4 ? sizeof(in) : sizeof(in6)))
		return 0;
	err = -errno;
	end(connected);
	return err;
}

static int udp_fd(struct udp_socket *socket)
{
	return to_connected(socket)->fd;
}

static int udp_send(struct udp_socket *socket, const void *data, size_t len)
{
	return send(to_connected(socket)->fd, data, len, 0) < 0 ? -errno : 0;
}

static ssize_t udp_receive(struct udp_socket *socket, void *data, size_t size)
{
	ssize_t len = recv(to_connected(socket)->fd, data, size, 0);

	return len < 0 ? -errno : len;
}

static void udp_free(struct udp_socket *socket)
{
	end(to_connected(socket));
	free(to_connected(socket));
}

int doppel_udp_open(struct udp_socket **socket)
{
	struct connected *connected = calloc(1, sizeof(*connected));

	if (!connected)
		return -ENOMEM;
	connected->fd = -1;
	connected->socket = (struct udp_socket){
		.connect = udp_connect,
		.fd = udp_fd,
		.send = udp_send,
		.receive = udp_receive,
		.free = udp_free,
	};
	*socket = &connected->socket;
	return 0;
}
