/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is the router still the one that it was? Asked for all devices together, in the name of one: by
 * unicast to the MAC that it had (RFC 4436 section 2.1, and RFC 4861 section 7.3 in IPv6), then so
 * that whoever has its address now may answer. No sockets, no timers: see negotiation.h.
 */
#ifndef DOPPEL_GATEWAY_PROBE_H
#define DOPPEL_GATEWAY_PROBE_H

#include "gateway/frame.h"
#include "gateway/ndp.h"
#include "gateway/negotiation.h"

enum probe_state {
	PROBE_OFF,		/* nobody to ask in the name of, or nobody to ask for */
	PROBE_RESTING,		/* until it is asked again */
	PROBE_ASKING,		/* it alone */
	PROBE_SEARCHING,	/* everybody */
};

enum probe_result {
	PROBE_NOTHING,
	PROBE_OTHER,		/* another MAC has the router's address */
	PROBE_SILENT,		/* it does not answer any more */
	PROBE_BACK,		/* it does again */
};

/* Who asks, and for whom. IPv4 addresses are v4-mapped. */
struct probe_aim {
	struct mac mac;
	struct in6_addr source, router;
};

struct probe {
	const struct negotiation_env *env;
	struct probe_aim aim;
	struct mac router_mac;		/* as it answered last; zeros: it never did */
	bool silent;
	enum probe_state state;
	unsigned int sent;		/* in this state */
	int64_t deadline;
};

void doppel_probe_init(struct probe *probe, const struct negotiation_env *env);

/* Ask for this router, in this name, from now on. Another router begins a new search. */
void doppel_probe_aim(struct probe *probe, const struct probe_aim *aim);
void doppel_probe_stop(struct probe *probe);

/* Do not wait for the next time. */
void doppel_probe_now(struct probe *probe);

/* An ARP or neighbour packet of anybody. */
enum probe_result doppel_probe_receive(struct probe *probe, const struct packet *packet);
enum probe_result doppel_probe_timeout(struct probe *probe);
int64_t doppel_probe_deadline(const struct probe *probe);

#endif
