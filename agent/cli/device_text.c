// SPDX-License-Identifier: GPL-2.0-only
#include "cli/device_text.h"

#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

static bool is(const json_t *object, const char *key, const char *value)
{
	return !strcmp(doppel_cli_string(object, key), value);
}

static void add_next_try(const json_t *family, int64_t now_s, struct buf *text)
{
	int64_t next = doppel_cli_time(family, "next_retry");
	char duration[DOPPEL_TIME_TEXT];

	if (!next)
		return;
	if (next <= now_s)
		doppel_buf_printf(text, ", next try now");
	else
		doppel_buf_printf(text, ", next try in %s",
				  doppel_duration_format((next - now_s) * 1000, duration));
}

void doppel_device_family(const json_t *device, const char *family, int64_t now_s,
			  struct buf *text)
{
	const json_t *state = json_object_get(device, family);
	const char *reason = doppel_cli_string(state, "reason");

	doppel_buf_printf(text, "%s%s%s", doppel_cli_string(state, "status"), *reason ? ": " : "",
			  reason);
	add_next_try(state, now_s, text);
}

/* A family that the device goes without, though it is wanted. */
static void add_lack(const json_t *device, const char *key, const char *name, int64_t now_s,
		     const char *between, struct buf *text)
{
	const json_t *family = json_object_get(device, key);
	const char *reason = doppel_cli_string(family, "reason");

	if (!json_is_object(family) || is(family, "status", "bound") || is(family, "status", "off"))
		return;
	doppel_buf_printf(text, "%s%s: %s", text->len ? between : "", name,
			  *reason ? reason : doppel_cli_string(family, "status"));
	add_next_try(family, now_s, text);
}

void doppel_device_ago(const json_t *device, const char *key, int64_t now_s, struct buf *text)
{
	int64_t at = doppel_cli_time(device, key);
	char duration[DOPPEL_TIME_TEXT];

	if (!at)
		doppel_buf_printf(text, "never");
	else
		doppel_buf_printf(text, "%s ago",
				  doppel_duration_format((now_s - at) * 1000, duration));
}

void doppel_device_why(const json_t *device, int64_t now_s, const char *between,
		       struct buf *text)
{
	if (is(device, "status", "active"))
		return;
	if (is(device, "status", "inactive")) {
		if (!doppel_cli_time(device, "last_seen")) {
			doppel_buf_printf(text, "not seen on the LAN yet");
			return;
		}
		doppel_buf_printf(text, "silent on the LAN, last seen ");
		doppel_device_ago(device, "last_seen", now_s, text);
	}
	add_lack(device, "ipv4", "IPv4", now_s, between, text);
	add_lack(device, "ipv6", "IPv6", now_s, between, text);
}
