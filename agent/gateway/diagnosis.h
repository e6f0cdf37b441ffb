/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `doppel diagnose` asks the gateway: small checks, each of one thing, in the table of diagnosis.c.
 * A check says one sentence of what it found, and if that is wrong one of what to do.
 */
#ifndef DOPPEL_GATEWAY_DIAGNOSIS_H
#define DOPPEL_GATEWAY_DIAGNOSIS_H

#include "gateway/device.h"
#include "gateway/state.h"

/* Devices that are at the same; the first of them by MAC stands for all. */
struct tally {
	unsigned int count;
	const struct device *first;
};

struct diagnosis {
	struct gateway *gateway;
	struct device **devices;	/* by MAC; those that negotiate */
	size_t device_count;
	int (*cb)(const struct check_view *check, void *ctx);
	void *ctx;
	int err;			/* of the first callback that ended it */
};

typedef void doppel_check(struct diagnosis *d);

/* @fix only counts where the result is not CHECK_OK. */
void doppel_diagnosis_tell(struct diagnosis *d, const char *name, enum check_result result,
			   const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

struct tally doppel_diagnosis_tally(const struct diagnosis *d,
				    bool (*is)(const struct device *device));
/* "3 devices (02:00:00:00:00:01 is one)", "02:00:00:00:00:01" */
#define TALLY_TEXT 96
const char *doppel_diagnosis_who(const struct tally *tally, char text[TALLY_TEXT]);

/* check_box.c: module, ports and what the box itself needs */
doppel_check doppel_check_module, doppel_check_module_age, doppel_check_gateway;
doppel_check doppel_check_lan_port, doppel_check_wan_port, doppel_check_wan_kind;
doppel_check doppel_check_one_switch, doppel_check_lan_address, doppel_check_wan_own_address;
doppel_check doppel_check_guard, doppel_check_lending, doppel_check_names, doppel_check_lan_dns;
doppel_check doppel_check_lan_dhcp;

/* check_wan4.c: DHCPv4 */
doppel_check doppel_check_dhcp4, doppel_check_dhcp4_silent, doppel_check_dhcp4_no_ack;
doppel_check doppel_check_dhcp4_refused, doppel_check_dhcp4_conflict, doppel_check_dhcp4_renewal;

/* check_servers.c */
doppel_check doppel_check_dhcp4_servers, doppel_check_dhcp6_servers;

/* check_wan6.c: routers and DHCPv6 */
doppel_check doppel_check_router6, doppel_check_router6_several, doppel_check_router6_silent;
doppel_check doppel_check_router6_prefix, doppel_check_dhcp6_silent, doppel_check_dhcp6_refused;
doppel_check doppel_check_dhcp6_renewal, doppel_check_ipv6_conflict, doppel_check_nat64;
doppel_check doppel_check_pref64;

/* check_state.c: what the agent keeps, and its limits */
doppel_check doppel_check_state_file, doppel_check_clock, doppel_check_rate_cap;
doppel_check doppel_check_devices;

#endif
