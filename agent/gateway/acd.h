/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IPv4 address conflict detection (RFC 5227) for one address of one device: probe, announce, and
 * watch for as long as the address is used. Results are returned, not called back: the DHCPv4
 * machine owns one of these.
 */
#ifndef DOPPEL_GATEWAY_ACD_H
#define DOPPEL_GATEWAY_ACD_H

#include "gateway/frame.h"
#include "gateway/negotiation.h"

/* RFC 5227 section 1.1, in milliseconds. */
struct acd_params {
	int64_t probe_wait_ms;
	unsigned int probe_num;		/* 0: do not probe */
	int64_t probe_min_ms, probe_max_ms;
	int64_t announce_wait_ms;
	unsigned int announce_num;
	int64_t announce_interval_ms;
	int64_t defend_interval_ms;
};

extern const struct acd_params doppel_acd_rfc5227;

enum acd_state {
	ACD_OFF,
	ACD_PROBING,
	ACD_ANNOUNCING,
	ACD_DEFENDING,		/* in use, all announced */
};

enum acd_result {
	ACD_NOTHING,
	ACD_CLEAR,		/* nobody has it: announcements begin at the next timeout */
	ACD_CONFLICT,		/* somebody has it: the machine is off, `rival` says who */
};

struct acd {
	const struct negotiation_env *env;
	const struct acd_params *params;
	struct mac mac;
	struct in_addr address;
	enum acd_state state;
	unsigned int left;		/* probes or announcements to send */
	int64_t deadline;
	int64_t defended_at;		/* NEVER: not yet */
	struct mac rival;
};

void doppel_acd_init(struct acd *acd, const struct negotiation_env *env,
		     const struct acd_params *params, const struct mac *mac);

/* Begin to probe. The answer comes from receive or timeout. */
void doppel_acd_start(struct acd *acd, struct in_addr address);

/* The address is in use already (the module holds it): only announce, then defend. */
void doppel_acd_resume(struct acd *acd, struct in_addr address);

void doppel_acd_stop(struct acd *acd);

/* An ARP packet, of anybody. @result is set on every verdict. */
enum verdict doppel_acd_receive(struct acd *acd, const struct packet *packet,
				enum acd_result *result);

enum acd_result doppel_acd_timeout(struct acd *acd);
int64_t doppel_acd_deadline(const struct acd *acd);

#endif
