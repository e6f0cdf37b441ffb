/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Duplicate address detection (RFC 4862 section 5.4) for one tentative address. The owner has
 * joined its solicited-node group before. Results are returned, not called back.
 */
#ifndef DOPPEL_GATEWAY_DAD_H
#define DOPPEL_GATEWAY_DAD_H

#include "gateway/frame.h"
#include "gateway/ndp.h"
#include "gateway/negotiation.h"

#define DAD_TRANSMITS 1			/* DupAddrDetectTransmits */
#define DAD_RETRANS_MS 1000		/* RetransTimer */

enum dad_result {
	DAD_NOTHING,
	DAD_CLEAR,			/* unique; the machine is off */
	DAD_CONFLICT,			/* somebody has or wants it: `rival` */
};

struct dad {
	const struct negotiation_env *env;
	struct mac mac;
	struct in6_addr address;
	unsigned int left;
	int64_t deadline;		/* NEVER: off */
	struct mac rival;
};

void doppel_dad_init(struct dad *dad, const struct negotiation_env *env, const struct mac *mac);

/* The first solicitation goes out at a random moment up to @delay_ms from now; 0: at once. */
void doppel_dad_start(struct dad *dad, const struct in6_addr *address, int64_t delay_ms);
void doppel_dad_stop(struct dad *dad);
bool doppel_dad_running(const struct dad *dad);

/* A neighbour message from @packet, already parsed. */
enum verdict doppel_dad_receive(struct dad *dad, const struct packet *packet,
				const struct neighbour *neighbour, enum dad_result *result);
enum dad_result doppel_dad_timeout(struct dad *dad);
int64_t doppel_dad_deadline(const struct dad *dad);

#endif
