// SPDX-License-Identifier: GPL-2.0-only
/* What the owner of a DHCPv6 client machine sees of it. */
#include "gateway/dhcp6.h"

#include <stdio.h>

void doppel_dhcp6_status(const struct dhcp6 *dhcp, struct negotiation_status *status)
{
	*status = (struct negotiation_status){ .next_retry_ms = NEVER };
	snprintf(status->reason, sizeof(status->reason), "%s", doppel_reason(dhcp->reason));
	if (dhcp->state == DHCP6_OFF || dhcp->state == DHCP6_INFORMED)
		status->status = FAMILY_OFF;
	else if (dhcp->state == DHCP6_BOUND)
		status->status = FAMILY_BOUND;
	else if (dhcp->held)
		status->status = FAMILY_RENEWING;
	else if (dhcp->failed >= dhcp->config.policy.retries)
		status->status = FAMILY_FAILED;
	else
		status->status = FAMILY_SOLICITING;
	if (dhcp->state == DHCP6_INIT)
		status->next_retry_ms = dhcp->deadline;
	else if (dhcp->state == DHCP6_RENEWING || dhcp->state == DHCP6_REBINDING)
		status->next_retry_ms = dhcp->exchange.next_ms;
}

const struct dhcp6_lease *doppel_dhcp6_lease(const struct dhcp6 *dhcp)
{
	return dhcp->held ? &dhcp->lease : NULL;
}

const struct dhcp6_lease *doppel_dhcp6_told(const struct dhcp6 *dhcp)
{
	return dhcp->held || dhcp->state == DHCP6_INFORMED ? &dhcp->lease : NULL;
}

const char *doppel_dhcp6_state_name(enum dhcp6_state state)
{
	static const char *const names[] = {
		[DHCP6_OFF] = "off", [DHCP6_INIT] = "init", [DHCP6_SOLICITING] = "soliciting",
		[DHCP6_REQUESTING] = "requesting", [DHCP6_CONFIRMING] = "confirming",
		[DHCP6_CHECKING] = "checking", [DHCP6_DECLINING] = "declining",
		[DHCP6_BOUND] = "bound", [DHCP6_RENEWING] = "renewing",
		[DHCP6_REBINDING] = "rebinding", [DHCP6_INFORMING] = "informing",
		[DHCP6_INFORMED] = "informed",
	};

	return names[state];
}
