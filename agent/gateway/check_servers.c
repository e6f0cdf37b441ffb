// SPDX-License-Identifier: GPL-2.0-only
/* More DHCP servers than one: are all of them the site's? */
#include <stdio.h>

#include "base/cidr.h"
#include "gateway/diagnosis.h"

#define RECENT_MS 3600000

/* "10.0.0.1 (from 02:…), …": those that were heard lately; returns how many. */
static unsigned int list(const struct upstream_servers *servers, int64_t now_ms, char *text,
			 size_t size)
{
	char address[DOPPEL_IP6_TEXT], mac[DOPPEL_MAC_TEXT];
	unsigned int i, recent = 0;
	size_t used = 0;

	for (i = 0; i < servers->count; i++) {
		const struct upstream_server *server = &servers->list[i];

		if (now_ms - server->heard_ms > RECENT_MS)
			continue;
		if (used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s (from %s)",
						 recent ? ", " : "",
						 doppel_ip_format(&server->address, address),
						 doppel_mac_format(&server->mac, mac));
		recent++;
	}
	return recent;
}

/* Which of them new devices wait for; "" if that is nobody of them. */
static const char *first(const struct upstream_servers *servers, const struct server_id *known,
			 char text[DOPPEL_IP6_TEXT])
{
	unsigned int i;

	for (i = 0; i < servers->count; i++)
		if (doppel_server_is(known, servers->list[i].id.id, servers->list[i].id.len))
			return doppel_ip_format(&servers->list[i].address, text);
	return "";
}

static void check(struct diagnosis *d, const char *name, const char *protocol,
		  const struct upstream_servers *servers, const struct server_id *known)
{
	char text[384] = "", address[DOPPEL_IP6_TEXT];
	const unsigned int count = list(servers, doppel_gateway_now(d->gateway), text, sizeof(text));
	const char *before = first(servers, known, address);

	if (count > 1)
		doppel_diagnosis_tell(d, name, CHECK_WARN,
				      "all is well if they are the site's and share their pool; else find "
				      "the one that is not by its MAC, and unplug it",
				      "%u %s servers answer: %s%s%s", count, protocol, text,
				      *before ? "; new devices wait for " : "", before);
}

void doppel_check_dhcp4_servers(struct diagnosis *d)
{
	check(d, "dhcp4-servers", "DHCPv4", &d->gateway->upstream.dhcp4, &d->gateway->known4);
}

void doppel_check_dhcp6_servers(struct diagnosis *d)
{
	check(d, "dhcp6-servers", "DHCPv6", &d->gateway->upstream.dhcp6, &d->gateway->known6);
}
