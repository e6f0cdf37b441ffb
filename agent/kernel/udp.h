/* SPDX-License-Identifier: GPL-2.0-only */
/* An ordinary UDP socket of the box's own, to one server at a time. */
#ifndef DOPPEL_KERNEL_UDP_H
#define DOPPEL_KERNEL_UDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One interface; tests have a fake. */
struct udp_socket {
	/*
	 * Speak with this server alone from now on, from a port of the kernel's choice: a new one each
	 * time, as a forger must guess it. An IPv4 server is v4-mapped; @ifindex is a link-local one's
	 * port. 0 or a negative errno, and then there is no socket.
	 */
	int (*connect)(struct udp_socket *socket, const struct in6_addr *server, uint16_t port,
		       uint32_t ifindex);
	/* After each connect another one; negative: there is none. */
	int (*fd)(struct udp_socket *socket);
	int (*send)(struct udp_socket *socket, const void *data, size_t len);
	/* The next datagram's length, or -EAGAIN, or what the server's host answered. */
	ssize_t (*receive)(struct udp_socket *socket, void *data, size_t size);
	void (*free)(struct udp_socket *socket);
};

/* No socket yet. The caller ends it with socket->free(socket). */
int doppel_udp_open(struct udp_socket **socket);

#endif
