// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"

#define RECEIVE_BUFFER (1024 * 1024)

struct port_socket {
	struct packet_socket socket;
	int fd;
	uint32_t ifindex;
};

/* Offsets into the frame; the kernel has taken the VLAN tag off. */
enum {
	ETHERTYPE_AT = 12,
	IP4_AT = 14,
	IP4_FRAGMENT_AT = IP4_AT + 6,
	IP4_PROTOCOL_AT = IP4_AT + 9,
	IP6_NEXT_HEADER_AT = 14 + 6,
	IP6_PAYLOAD_AT = 14 + 40,
	UDP_DPORT = 2,
};

/* Places in the program below. */
enum {
	IPV6 = 13,
	ICMPV6 = 19,
	OPTIONS = 22,
	ACCEPT = 26,
	REFUSE = 27,
};

#define STMT(code, k) BPF_STMT(code, (uint32_t)(k))
#define JUMP(code, k, yes, no) BPF_JUMP(code, (uint32_t)(k), yes, no)

/*
 * Busy ports must not wake the agent for every packet: ARP, DHCPv4 to clients, router and neighbour
 * discovery, MLD queries and DHCPv6 to clients pass. Tagged frames are of another network: a WAN on
 * a VLAN is the VLAN's own port. Jumps are counted from the next instruction.
 */
static struct sock_filter filter[] = {
	/*  0 */ STMT(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
	/*  1 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, REFUSE - 2),
	/*  2 */ STMT(BPF_LD | BPF_H | BPF_ABS, ETHERTYPE_AT),
	/*  3 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, ACCEPT - 4, 0),
	/*  4 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, IPV6 - 5, 0),
	/*  5 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, REFUSE - 6),
	/*  6 */ STMT(BPF_LD | BPF_B | BPF_ABS, IP4_PROTOCOL_AT),
	/*  7 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, REFUSE - 8),
	/*  8 */ STMT(BPF_LD | BPF_H | BPF_ABS, IP4_FRAGMENT_AT),
	/*  9 */ JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, REFUSE - 10, 0),
	/* 10 */ STMT(BPF_LDX | BPF_B | BPF_MSH, IP4_AT),
	/* 11 */ STMT(BPF_LD | BPF_H | BPF_IND, IP4_AT + UDP_DPORT),
	/* 12 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, ACCEPT - 13, REFUSE - 13),
	/* 13: IPV6 */
	STMT(BPF_LD | BPF_B | BPF_ABS, IP6_NEXT_HEADER_AT),
	/* 14 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, ICMPV6 - 15, 0),
	/* 15 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_HOPOPTS, OPTIONS - 16, 0),
	/* 16 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, REFUSE - 17),
	/* 17 */ STMT(BPF_LD | BPF_H | BPF_ABS, IP6_PAYLOAD_AT + UDP_DPORT),
	/* 18 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, 546, ACCEPT - 19, REFUSE - 19),
	/* 19: ICMPV6 */
	STMT(BPF_LD | BPF_B | BPF_ABS, IP6_PAYLOAD_AT),
	/* 20 */ JUMP(BPF_JMP | BPF_JGE | BPF_K, ND_ROUTER_ADVERT, 0, REFUSE - 21),
	/* 21 */ JUMP(BPF_JMP | BPF_JGT | BPF_K, ND_NEIGHBOR_ADVERT, REFUSE - 22, ACCEPT - 22),
	/* 22: OPTIONS, the eight bytes of a router alert: next header and length at once */
	STMT(BPF_LD | BPF_H | BPF_ABS, IP6_PAYLOAD_AT),
	/* 23 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6 << 8, 0, REFUSE - 24),
	/* 24 */ STMT(BPF_LD | BPF_B | BPF_ABS, IP6_PAYLOAD_AT + 8),
	/* 25 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, MLD_LISTENER_QUERY, ACCEPT - 26, REFUSE - 26),
	/* 26: ACCEPT */
	STMT(BPF_RET | BPF_K, PACKET_FRAME_MAX),
	/* 27: REFUSE */
	STMT(BPF_RET | BPF_K, 0),
};

/* What DHCPv4 clients say to servers. */
static struct sock_filter clients_filter[] = {
	/*  0 */ STMT(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
	/*  1 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 10),
	/*  2 */ STMT(BPF_LD | BPF_H | BPF_ABS, ETHERTYPE_AT),
	/*  3 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 8),
	/*  4 */ STMT(BPF_LD | BPF_B | BPF_ABS, IP4_PROTOCOL_AT),
	/*  5 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
	/*  6 */ STMT(BPF_LD | BPF_H | BPF_ABS, IP4_FRAGMENT_AT),
	/*  7 */ JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
	/*  8 */ STMT(BPF_LDX | BPF_B | BPF_MSH, IP4_AT),
	/*  9 */ STMT(BPF_LD | BPF_H | BPF_IND, IP4_AT + UDP_DPORT),
	/* 10 */ JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67, 0, 1),
	STMT(BPF_RET | BPF_K, PACKET_FRAME_MAX),
	STMT(BPF_RET | BPF_K, 0),
};

static struct port_socket *to_port(struct packet_socket *socket)
{
	return container_of(socket, struct port_socket, socket);
}

static int port_fd(struct packet_socket *sock)
{
	return to_port(sock)->fd;
}

static int port_bind(struct packet_socket *sock, uint32_t ifindex)
{
	struct port_socket *port = to_port(sock);
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		/* Protocol 0 hears nothing. */
		.sll_protocol = ifindex ? htons(ETH_P_ALL) : 0,
		.sll_ifindex = (int)ifindex,
	};
	char scrap[1];

	if (bind(port->fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	port->ifindex = ifindex;
	/* Frames of the port before are nobody's now; a pending error of a port that went, too. */
	while (recv(port->fd, scrap, sizeof(scrap), MSG_DONTWAIT | MSG_TRUNC) >= 0 ||
	       errno == ENETDOWN)
		;
	return 0;
}

static ssize_t port_receive(struct packet_socket *sock, void *frame, size_t size,
			    bool *checksum_pending)
{
	struct iovec part = { .iov_base = frame, .iov_len = size };
	union {
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr align;
	} control;
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(to_port(sock)->fd, &message, MSG_DONTWAIT);
	struct cmsghdr *c;

	*checksum_pending = false;
	if (len < 0)
		return -errno;
	for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		*checksum_pending = aux.tp_status & TP_STATUS_CSUMNOTREADY;
	}
	return len;
}

static int port_send(struct packet_socket *sock, const void *frame, size_t len)
{
	struct port_socket *port = to_port(sock);
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)port->ifindex,
	};
	const uint8_t *bytes = frame;

	if (len < ETH_HLEN)
		return -EINVAL;
	if (!port->ifindex)
		return -ENETDOWN;
	memcpy(&address.sll_protocol, bytes + ETHERTYPE_AT, sizeof(address.sll_protocol));
	if (sendto(port->fd, frame, len, MSG_DONTWAIT, (struct sockaddr *)&address,
		   sizeof(address)) < 0)
		return -errno;
	return 0;
}

static void port_free(struct packet_socket *sock)
{
	close(to_port(sock)->fd);
	free(to_port(sock));
}

static int attach(int fd, struct sock_filter *instructions, size_t count)
{
	const struct sock_fprog program = { .len = (unsigned short)count, .filter = instructions };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

int doppel_packet_filter(int fd)
{
	return attach(fd, filter, sizeof(filter) / sizeof(filter[0]));
}

int doppel_packet_filter_clients(int fd)
{
	return attach(fd, clients_filter, sizeof(clients_filter) / sizeof(clients_filter[0]));
}

static int prepare(int fd, int (*let_in)(int fd))
{
	const int on = 1, room = RECEIVE_BUFFER;

	/* The socket is bound to nothing yet, so nothing unfiltered can be in it. */
	if (let_in(fd) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)))
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return 0;
}

static int open_port(struct packet_socket **sock, int (*let_in)(int fd))
{
	struct port_socket *port = calloc(1, sizeof(*port));
	int err;

	if (!port)
		return -ENOMEM;
	port->socket = (struct packet_socket){
		.fd = port_fd,
		.bind = port_bind,
		.receive = port_receive,
		.send = port_send,
		.free = port_free,
	};
	port->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (port->fd < 0) {
		err = -errno;
		free(port);
		return err;
	}
	err = prepare(port->fd, let_in);
	if (err) {
		port_free(&port->socket);
		return err;
	}
	*sock = &port->socket;
	return 0;
}

int doppel_packet_open(struct packet_socket **sock)
{
	return open_port(sock, doppel_packet_filter);
}

int doppel_packet_open_clients(struct packet_socket **sock)
{
	return open_port(sock, doppel_packet_filter_clients);
}
