// SPDX-License-Identifier: GPL-2.0-only
/* What keeps devices from WAN IPv4. */
#include <stdio.h>

#include "gateway/config.h"
#include "gateway/diagnosis.h"

static bool is_bound(const struct device *device)
{
	return doppel_dhcp4_lease(&device->dhcp4);
}

/* An attempt has come to nothing, and this is not what the network wants (option 108). */
static bool in_vain(const struct device *device)
{
	const struct dhcp4 *dhcp = &device->dhcp4;

	return dhcp->state != DHCP4_OFF && !dhcp->held && !dhcp->ipv6_only &&
	       (dhcp->failed || dhcp->naks);
}

static bool has_conflict(const struct device *device)
{
	return in_vain(device) && device->conflict4;
}

static bool is_refused(const struct device *device)
{
	return in_vain(device) && !has_conflict(device) && device->dhcp4.naks;
}

static bool is_unacknowledged(const struct device *device)
{
	return in_vain(device) && !has_conflict(device) && !device->dhcp4.naks &&
	       device->dhcp4.heard;
}

static bool is_unanswered(const struct device *device)
{
	return in_vain(device) && !has_conflict(device) && !device->dhcp4.naks &&
	       !device->dhcp4.heard;
}

static bool is_rebinding(const struct device *device)
{
	return device->dhcp4.held && device->dhcp4.state == DHCP4_REBINDING;
}

/* On an IPv6-only WAN nobody misses IPv4. */
static bool is_missed(const struct diagnosis *d)
{
	return d->gateway->dhcp4_heard || !d->gateway->nat64.len;
}

void doppel_check_dhcp4(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;
	const struct tally bound = doppel_diagnosis_tally(d, is_bound);

	if (!gateway->config->wan.ipv4)
		doppel_diagnosis_tell(d, "wan-dhcp", CHECK_OK, "", "IPv4 is off in the file");
	else if (!is_missed(d))
		doppel_diagnosis_tell(d, "wan-dhcp", CHECK_OK, "",
				      "no DHCPv4 server has been heard, nor is one needed: there is a "
				      "NAT64 prefix");
	else
		doppel_diagnosis_tell(d, "wan-dhcp", CHECK_OK, "",
				      "%u of %zu devices have WAN IPv4", bound.count, d->device_count);
}

void doppel_check_dhcp4_silent(struct diagnosis *d)
{
	const struct tally bound = doppel_diagnosis_tally(d, is_bound);
	const struct tally silent = doppel_diagnosis_tally(d, is_unanswered);
	char who[TALLY_TEXT];

	if (!silent.count || !is_missed(d))
		return;
	if (bound.count)
		doppel_diagnosis_tell(d, "dhcp4-silent", CHECK_FAIL,
				      "register the MAC upstream; if it is, see whether the server still runs "
				      "and its pool has addresses left",
				      "a DHCPv4 server has answered others, but not %s",
				      doppel_diagnosis_who(&silent, who));
	else
		doppel_diagnosis_tell(d, "dhcp4-silent", CHECK_FAIL,
				      "see whether the upstream's DHCPv4 server runs, the cable is in the "
				      "right VLAN, and the devices' MACs are registered; on an IPv6-only "
				      "WAN set wan.ipv4: off",
				      "no DHCPv4 server answers %s", doppel_diagnosis_who(&silent, who));
}

void doppel_check_dhcp4_no_ack(struct diagnosis *d)
{
	const struct tally offered = doppel_diagnosis_tally(d, is_unacknowledged);
	char who[TALLY_TEXT];

	if (offered.count)
		doppel_diagnosis_tell(d, "dhcp4-no-ack", CHECK_FAIL,
				      "see the server's log: its pool may be used up, its database "
				      "read-only, or a relay may drop the REQUEST",
				      "a DHCPv4 server offers an address and then acknowledges none to %s",
				      doppel_diagnosis_who(&offered, who));
}

void doppel_check_dhcp4_refused(struct diagnosis *d)
{
	const struct tally refused = doppel_diagnosis_tally(d, is_refused);
	char who[TALLY_TEXT];

	if (refused.count)
		doppel_diagnosis_tell(d, "dhcp4-refused", CHECK_FAIL,
				      "see the server's log: it may have been restarted with another lease "
				      "file or pool, or a second server answers for the network",
				      "%s: %s", doppel_diagnosis_who(&refused, who),
				      refused.first->dhcp4.reason);
}

void doppel_check_dhcp4_conflict(struct diagnosis *d)
{
	const struct tally conflict = doppel_diagnosis_tally(d, has_conflict);
	char who[TALLY_TEXT];

	if (conflict.count)
		doppel_diagnosis_tell(d, "dhcp4-conflict", CHECK_FAIL,
				      "give that host another address, or take the address out of the "
				      "server's pool",
				      "%s: %s", doppel_diagnosis_who(&conflict, who),
				      conflict.first->dhcp4.reason);
}

void doppel_check_dhcp4_renewal(struct diagnosis *d)
{
	const struct tally rebinding = doppel_diagnosis_tally(d, is_rebinding);
	char who[TALLY_TEXT];

	if (rebinding.count)
		doppel_diagnosis_tell(d, "dhcp4-renewal", CHECK_FAIL,
				      "bring the DHCPv4 server back before the leases end: until then the "
				      "addresses are in use, afterwards they are lost",
				      "no DHCPv4 server renews the lease of %s",
				      doppel_diagnosis_who(&rebinding, who));
}
