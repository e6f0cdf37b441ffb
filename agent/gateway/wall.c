// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wall clock, which somebody sets while the agent runs. Nothing is timed by it but what is shown
 * to people and what must outlive the boot: that is written anew.
 */
#include "base/clock.h"
#include "base/log.h"
#include "gateway/device.h"
#include "gateway/state.h"

#define SHIFT_MIN_S 30	/* less is a clock that is being disciplined */

static int64_t offset_s(struct gateway *gateway)
{
	return doppel_clock_wall_s(gateway->clock) - doppel_gateway_now(gateway) / 1000;
}

void doppel_wall_init(struct gateway *gateway)
{
	gateway->wall_offset_s = offset_s(gateway);
}

/* A time that a clock told which was never set. */
static void correct(int64_t *wall_s, int64_t shift_s)
{
	if (*wall_s && *wall_s < DOPPEL_CLOCK_SET_S)
		*wall_s += shift_s;
}

void doppel_wall_watch(struct gateway *gateway)
{
	const int64_t shift_s = offset_s(gateway) - gateway->wall_offset_s;
	char text[DOPPEL_TIME_TEXT];

	if (shift_s > -SHIFT_MIN_S && shift_s < SHIFT_MIN_S)
		return;
	gateway->wall_offset_s += shift_s;
	doppel_log(LOG_NOTICE, "the clock was set %s by %s", shift_s > 0 ? "forward" : "back",
		   doppel_duration_format((shift_s > 0 ? shift_s : -shift_s) * 1000, text));
	correct(&gateway->last_discovery, shift_s);
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		correct(&device->discovered_at, shift_s);
		correct(&device->last_seen, shift_s);
		doppel_device_changed(device);
	}
	doppel_keep_soon(gateway);
}
