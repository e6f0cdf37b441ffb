/* SPDX-License-Identifier: GPL-2.0-only */
/* What servers and routers told one device, as JSON. */
#ifndef DOPPEL_API_TOLD_H
#define DOPPEL_API_TOLD_H

#include <jansson.h>

#include "gateway/gateway.h"

/* {"dhcpv4", "dhcpv6", "router"}, each null if nobody told anything; NULL if memory is short. */
json_t *doppel_json_told(const struct device_view *device);

#endif
