/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The NAT64 prefix by DNS (RFC 7050): who synthesizes AAAA records for names that have none shows
 * the prefix when it is asked for ipv4only.arpa, whose IPv4 addresses are known.
 */
#ifndef DOPPEL_GATEWAY_PREFIX_QUERY_H
#define DOPPEL_GATEWAY_PREFIX_QUERY_H

#include <netinet/in.h>

#include "gateway/negotiation.h"

struct udp_socket;

#define PREFIX_QUERY_SERVERS_MAX 4

struct prefix_query {
	struct clock *clock;
	struct rng *rng;
	struct udp_socket *udp;
	/* Before the socket ends, with -1, and when there is a new one: that it be listened to. */
	void (*watch)(void *ctx, int fd);
	void *ctx;

	struct in6_addr servers[PREFIX_QUERY_SERVERS_MAX];	/* IPv4: v4-mapped */
	unsigned int server_count;	/* 0: nothing is asked */
	uint32_t ifindex;		/* of link-local ones */
	unsigned int server;		/* the next to be asked */
	bool waiting;			/* for its answer */
	uint16_t id;
	bool denied;			/* in this round a server said that it knows of none */
	unsigned int failed;		/* rounds through all servers, in a row */
	int64_t deadline;		/* NEVER, or when to go on */

	struct in6_addr prefix;
	uint8_t len;			/* 0: none has been found */
	int64_t until;			/* the answer's time */
};

void doppel_prefix_query_init(struct prefix_query *query, struct clock *clock, struct rng *rng,
			      struct udp_socket *udp, void (*watch)(void *ctx, int fd), void *ctx);

/* Ask these, now and whenever an answer has run out. Nothing happens if it does so already. */
void doppel_prefix_query_start(struct prefix_query *query, const struct in6_addr *servers,
			       unsigned int count, uint32_t ifindex);
/* Ask no more. What was found stays for its time. */
void doppel_prefix_query_stop(struct prefix_query *query);
/* Nor is that of use any more. */
void doppel_prefix_query_forget(struct prefix_query *query);
/*
 * The network may be another: ask now. What was found stays until there is an answer; if nothing is
 * asked, it is forgotten.
 */
void doppel_prefix_query_again(struct prefix_query *query);

/* Both true if what was found has changed. */
bool doppel_prefix_query_read(struct prefix_query *query);
bool doppel_prefix_query_timeout(struct prefix_query *query);
int64_t doppel_prefix_query_deadline(const struct prefix_query *query);

/*
 * The prefix that the answer shows, by 192.0.0.170 and .171 in each place of RFC 6052 section 2.2;
 * one that shows both is believed before one that shows only one of them. False if there is none.
 */
bool doppel_prefix_find(const struct in6_addr *addresses, unsigned int count,
			struct in6_addr *prefix, uint8_t *len);

#endif
