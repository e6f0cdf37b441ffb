/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The raw packet socket on the WAN port: whole Ethernet frames, DHCP, router and neighbour
 * discovery and ARP only, of all identities.
 */
#ifndef DOPPEL_KERNEL_PACKET_H
#define DOPPEL_KERNEL_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PACKET_FRAME_MAX 2048		/* longer ones are cut, and so refused by the parser */

/* One interface; tests have a fake. */
struct packet_socket {
	int (*fd)(struct packet_socket *socket);
	/* Hear and speak on this port from now on; 0: on none. */
	int (*bind)(struct packet_socket *socket, uint32_t ifindex);
	/*
	 * The next frame's length, or -EAGAIN. @checksum_pending: from a local sender, the checksum
	 * above IP is not there yet.
	 */
	ssize_t (*receive)(struct packet_socket *socket, void *frame, size_t size,
			   bool *checksum_pending);
	int (*send)(struct packet_socket *socket, const void *frame, size_t len);
	void (*free)(struct packet_socket *socket);
};

/* The caller ends it with socket->free(socket). */
int doppel_packet_open(struct packet_socket **socket);

/* For the LAN port: it hears what DHCPv4 clients say to servers, and nothing else. */
int doppel_packet_open_clients(struct packet_socket **socket);

/* Let only the frames above into a socket; 0 or a negative errno. */
int doppel_packet_filter(int fd);
int doppel_packet_filter_clients(int fd);

#endif
