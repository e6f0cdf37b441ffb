// SPDX-License-Identifier: GPL-2.0-only
/* What the agent keeps, the clock, and the limits that the file sets. */
#include "base/clock.h"
#include "gateway/config.h"
#include "gateway/diagnosis.h"

#define LOST_RECENT_MS 600000

void doppel_check_state_file(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;
	const char *problem = doppel_store_problem(gateway->store);

	if (*problem)
		doppel_diagnosis_tell(d, "state-file", CHECK_FAIL,
				      "make room on the disk, or make it writable: all is in memory until "
				      "then, is written within a minute afterwards, and would be lost with "
				      "the agent",
				      "%s", problem);
	else
		doppel_diagnosis_tell(d, "state-file", CHECK_OK, "", "%s can be written",
				      gateway->config->state);
}

void doppel_check_clock(struct diagnosis *d)
{
	const int64_t wall_s = doppel_clock_wall_s(d->gateway->clock);
	char text[DOPPEL_TIME_TEXT];

	doppel_time_format(wall_s, text);
	doppel_diagnosis_tell(d, "clock", wall_s >= DOPPEL_CLOCK_SET_S ? CHECK_OK : CHECK_WARN,
			      "give the box a time server (NTP): leases do without, but what is shown "
			      "has wrong times",
			      wall_s >= DOPPEL_CLOCK_SET_S ? "the clock is at %s" :
			      "the clock was never set: it is at %s", text);
}

void doppel_check_rate_cap(struct diagnosis *d)
{
	const struct pace *pace = &d->gateway->pace;

	if (pace->lost && doppel_gateway_now(d->gateway) - pace->lost_ms < LOST_RECENT_MS)
		doppel_diagnosis_tell(d, "rate-cap", CHECK_WARN,
				      "nothing, if it does not grow: what found no room is sent again; else "
				      "raise wan.rate, if the upstream bears it",
				      "%u negotiation frames wait for the rate cap, %llu did not find room, "
				      "the last of them within ten minutes",
				      pace->queued, (unsigned long long)pace->lost);
	else
		doppel_diagnosis_tell(d, "rate-cap", CHECK_OK, "",
				      "%u negotiation frames wait for the rate cap", pace->queued);
}

void doppel_check_devices(struct diagnosis *d)
{
	const struct gateway *gateway = d->gateway;
	const struct config *config = gateway->config;
	const unsigned long long refused = gateway->refused;

	if (!gateway->devices.count)
		doppel_diagnosis_tell(d, "devices", CHECK_WARN,
				      "connect a device to the LAN port and let it ask for an address",
				      "no device is known");
	else if (refused && gateway->devices.count >= config->devices.max)
		doppel_diagnosis_tell(d, "devices", CHECK_FAIL,
				      "raise devices.max, or drop old ones: doppel devices --forget DEVICE",
				      "%zu devices are known, as many as devices.max allows, and %llu times "
				      "one was not let in", gateway->devices.count, refused);
	else if (refused && config->devices.listed_only)
		doppel_diagnosis_tell(d, "devices", CHECK_WARN,
				      "list them in the file (devices.list), or admit any; the log names them",
				      "%zu devices are known, and %llu times one was not let in that is not "
				      "listed", gateway->devices.count, refused);
	else
		doppel_diagnosis_tell(d, "devices", CHECK_OK, "", "%zu devices are known",
				      gateway->devices.count);
}
