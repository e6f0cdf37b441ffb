/* SPDX-License-Identifier: GPL-2.0-only */
/* One DHCPv6 message and its repetitions, until it is answered (RFC 8415 section 15). */
#ifndef DOPPEL_GATEWAY_DHCP6_EXCHANGE_H
#define DOPPEL_GATEWAY_DHCP6_EXCHANGE_H

#include "gateway/negotiation.h"

/* What is being sent and resent. */
struct dhcp6_exchange {
	uint8_t type;			/* message type; 0: none, and the rest is void */
	uint32_t xid;			/* 24 bits */
	int64_t began_ms;		/* first transmission */
	int64_t sent_ms;		/* last transmission: lifetimes count from it */
	int64_t rt_ms, max_rt_ms;
	unsigned int sent, max_sent;	/* 0: no limit */
	int64_t end_ms;			/* MRD; NEVER */
	int64_t next_ms;
};

/* Nothing is sent yet. @end_ms: when it is over unless section 7.6 says so of @type; NEVER. */
void doppel_dhcp6_exchange_begin(struct dhcp6_exchange *exchange, uint8_t type, int64_t end_ms,
				 const struct negotiation_env *env);

/* Its message goes out now: when is the next due? */
void doppel_dhcp6_exchange_sent(struct dhcp6_exchange *exchange,
				const struct negotiation_env *env);

/* It is over at @end_ms, if not sooner. */
void doppel_dhcp6_exchange_end(struct dhcp6_exchange *exchange, int64_t end_ms);

/* It was sent as often and for as long as it may be. */
bool doppel_dhcp6_exchange_over(const struct dhcp6_exchange *exchange, int64_t now_ms);

/* For the elapsed time option: hundredths of a second since the first transmission. */
uint16_t doppel_dhcp6_exchange_elapsed_cs(const struct dhcp6_exchange *exchange, int64_t now_ms);

#endif
