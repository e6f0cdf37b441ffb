/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway's views as JSON, in the seed's names. Each function returns a new
 * object, or NULL if memory is short.
 */
#ifndef DOPPEL_API_JSON_H
#define DOPPEL_API_JSON_H

#include <jansson.h>

#include "gateway/gateway.h"
#include "kernel/doppel.h"

json_t *doppel_json_device(const struct device_view *device);
json_t *doppel_json_forward(const struct forward_view *forward);
json_t *doppel_json_session(const struct module_session *session);
json_t *doppel_json_check(const struct check_view *check);
json_t *doppel_json_event(const struct gateway_event *event);
json_t *doppel_json_counters(const struct counters_view *counters);

/* Names come from DHCP clients, and json_pack() fails of bytes that are no UTF-8: they become '?'. NULL is null. */
json_t *doppel_json_text(const char *text);
/* RFC 3339, or null for 0. */
json_t *doppel_json_time(int64_t wall_s);
/* null for the zero address. */
json_t *doppel_json_ip4(struct in_addr addr);
json_t *doppel_json_ip6(const struct in6_addr *addr);
json_t *doppel_json_mac(const struct mac *mac);

/* "tcp", "udp", "icmp", "icmpv6", else the number. */
const char *doppel_protocol_name(uint8_t protocol, char text[8]);

#endif
