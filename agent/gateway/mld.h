/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The multicast groups of one identity, reported by MLDv2 (RFC 3810), and by MLDv1 to a querier
 * of that age (RFC 2710), so that snooping switches let neighbour solicitations through.
 */
#ifndef DOPPEL_GATEWAY_MLD_H
#define DOPPEL_GATEWAY_MLD_H

#include "gateway/frame.h"
#include "gateway/negotiation.h"

#define MLD_GROUPS_MAX 20		/* link-local, SLAAC, and DHCPv6 before and after */

/* A solicited-node group (RFC 4291 section 2.7.1). */
struct mld_group {
	uint8_t suffix[3];		/* of the group, and of the addresses that share it */
	uint8_t users;			/* how many they are */
	uint8_t unsolicited;		/* reports still to be repeated for robustness */
};

struct mld {
	const struct negotiation_env *env;
	struct mac mac;
	struct in6_addr source;		/* link-local, or :: until that is known to be unique */
	struct mld_group groups[MLD_GROUPS_MAX];
	unsigned int count;
	bool version1;			/* answer the query that is open in MLDv1 */
	int64_t answer_at;		/* to a query; NEVER */
	int64_t quiet_until;		/* no other answer before */
	int64_t repeat_at;		/* of unsolicited reports; NEVER */
};

void doppel_mld_init(struct mld *mld, const struct negotiation_env *env, const struct mac *mac);

/* Join or leave the solicited-node group of an address; a new group is reported at once. */
void doppel_mld_join(struct mld *mld, const struct in6_addr *address);
void doppel_mld_leave(struct mld *mld, const struct in6_addr *address);

/* As join, but quietly: the group was reported by an agent before this one. */
void doppel_mld_resume(struct mld *mld, const struct in6_addr *address);

/* The link was away: report all groups anew. */
void doppel_mld_again(struct mld *mld);

/* The link-local address is unique now: reports come from it. */
void doppel_mld_source(struct mld *mld, const struct in6_addr *link_local);

/* Forget all groups without a word. */
void doppel_mld_stop(struct mld *mld);

/* An ICMPv6 packet; queries are answered after a random delay. */
enum verdict doppel_mld_receive(struct mld *mld, const struct packet *packet);
void doppel_mld_timeout(struct mld *mld);
int64_t doppel_mld_deadline(const struct mld *mld);

#endif
