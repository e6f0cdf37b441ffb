// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/diagnosis.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* In this order: who reads it mends the first thing first. */
static doppel_check *const checks[] = {
	doppel_check_module,
	doppel_check_module_age,
	doppel_check_gateway,
	doppel_check_lan_port,
	doppel_check_wan_port,
	doppel_check_wan_kind,
	doppel_check_one_switch,
	doppel_check_lan_address,
	doppel_check_wan_own_address,
	doppel_check_guard,
	doppel_check_state_file,
	doppel_check_clock,
	doppel_check_lan_dhcp,
	doppel_check_lan_dns,
	doppel_check_devices,
	doppel_check_dhcp4,
	doppel_check_dhcp4_silent,
	doppel_check_dhcp4_no_ack,
	doppel_check_dhcp4_refused,
	doppel_check_dhcp4_conflict,
	doppel_check_dhcp4_renewal,
	doppel_check_dhcp4_servers,
	doppel_check_router6,
	doppel_check_router6_several,
	doppel_check_router6_silent,
	doppel_check_router6_prefix,
	doppel_check_dhcp6_silent,
	doppel_check_dhcp6_refused,
	doppel_check_dhcp6_renewal,
	doppel_check_dhcp6_servers,
	doppel_check_ipv6_conflict,
	doppel_check_nat64,
	doppel_check_pref64,
	doppel_check_rate_cap,
	doppel_check_lending,
	doppel_check_names,
};

void doppel_diagnosis_tell(struct diagnosis *d, const char *name, enum check_result result,
			   const char *fix, const char *fmt, ...)
{
	char text[512];
	const struct check_view view = {
		.name = name,
		.result = result,
		.text = text,
		.fix = result == CHECK_OK ? "" : fix,
	};
	va_list args;

	if (d->err)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->err = d->cb(&view, d->ctx);
}

struct tally doppel_diagnosis_tally(const struct diagnosis *d,
				    bool (*is)(const struct device *device))
{
	struct tally tally = { 0 };
	size_t i;

	for (i = 0; i < d->device_count; i++) {
		if (!is(d->devices[i]))
			continue;
		if (!tally.count++)
			tally.first = d->devices[i];
	}
	return tally;
}

const char *doppel_diagnosis_who(const struct tally *tally, char text[TALLY_TEXT])
{
	char mac[DOPPEL_MAC_TEXT];

	if (!tally->count)
		snprintf(text, TALLY_TEXT, "no device");
	else if (tally->count == 1)
		snprintf(text, TALLY_TEXT, "%s", doppel_mac_format(&tally->first->mac, mac));
	else
		snprintf(text, TALLY_TEXT, "%u devices (%s is one)", tally->count,
			 doppel_mac_format(&tally->first->mac, mac));
	return text;
}

int doppel_gateway_diagnose(struct gateway *gateway,
			    int (*cb)(const struct check_view *check, void *ctx), void *ctx)
{
	struct diagnosis d = { .gateway = gateway, .cb = cb, .ctx = ctx };
	size_t i, count = gateway->devices.count;

	d.devices = doppel_gateway_sorted(gateway);
	if (!d.devices)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (d.devices[i]->negotiating)
			d.devices[d.device_count++] = d.devices[i];
	for (i = 0; !d.err && i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&d);
	free(d.devices);
	return d.err;
}
