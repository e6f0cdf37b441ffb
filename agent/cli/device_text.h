/* SPDX-License-Identifier: GPL-2.0-only */
/* A device's JSON in words. */
#ifndef DOPPEL_CLI_DEVICE_TEXT_H
#define DOPPEL_CLI_DEVICE_TEXT_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Why the device is not active and when the next try is, the reasons parted by
 * between: "IPv4: no server answers, next try in 12s; IPv6: …". Nothing for
 * an active one.
 */
void doppel_device_why(const json_t *device, int64_t now_s, const char *between,
		       struct buf *text);
/* The same of one family, "ipv4" or "ipv6", without its name: "bound", "off: …", … */
void doppel_device_family(const json_t *device, const char *family, int64_t now_s,
			  struct buf *text);
/* "12s ago", "never". */
void doppel_device_ago(const json_t *device, const char *key, int64_t now_s, struct buf *text);

#endif
