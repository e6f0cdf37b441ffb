/* SPDX-License-Identifier: GPL-2.0-only */
/* What the handlers of WireGuard networks share: each answers in the words of the YAML. */
#ifndef DOPPEL_API_NETWORKS_H
#define DOPPEL_API_NETWORKS_H

#include <jansson.h>

#include "api/handlers.h"
#include "wireguard/networks.h"

/* The network that is first in the path, or NULL with the refusal in @reply. */
const struct wg_assignment *doppel_api_network_of(const struct api_request *request,
						  struct http_reply *reply);
/* The peer that is second, with its network; or NULL, likewise. */
const struct wg_member *doppel_api_member_of(const struct api_request *request,
					     const struct wg_assignment **network,
					     struct http_reply *reply);
/* The network has no such thing as is last in the path. */
void doppel_api_reply_no_thing(const struct api_request *request, struct http_reply *reply);

/* How messages call what was sent: as the query's `file` says, which is its owner's name for it. */
const char *doppel_api_file(const struct api_request *request);

/* What was changed, or would be. */
struct plan_reply {
	const struct wg_plan *plan;
	bool dry_run;
	bool made;			/* something was to be made, and is unless it is a dry run: 201 */
	json_t *warnings;		/* taken over; NULL: there can be none */
};

/* {"dry_run", "text": what it says for people, "warnings", "changes": […]} */
void doppel_api_reply_plan(const struct plan_reply *plan, struct http_reply *reply);
/* [{"name", "good", "problem", "next_try"}] of who makes the networks real. */
json_t *doppel_json_parts(const struct wg_networks *networks);
/* {"event", "at", "text", …} as the gateway's events have it. */
json_t *doppel_json_network_event(const struct wg_event *event);

/* What the networks add to the agent's checks. */
void doppel_api_check_networks(const struct wg_networks *networks, json_t *checks);

/* null for what is not there. */
json_t *doppel_json_ip(const struct in6_addr *address, bool there);
json_t *doppel_json_cidr(const struct cidr *cidr, bool there);
/* Whether it is of a family: "ipv4", "ipv6" or both, in a list. */
json_t *doppel_json_ip_versions(bool ipv4, bool ipv6);

#endif
