// SPDX-License-Identifier: GPL-2.0-only
/* How WireGuard networks are: who makes them real, what happens to them, what to do. */
#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "api/networks.h"
#include "base/clock.h"

static int add_part(const struct wg_part_view *part, void *ctx)
{
	json_array_append_new(ctx, json_pack("{s:s, s:b, s:o, s:o}", "name", part->name,
					     "good", part->good,
					     "problem", doppel_json_text(part->problem),
					     "next_try", doppel_json_time(part->next_try)));
	return 0;
}

json_t *doppel_json_parts(const struct wg_networks *networks)
{
	json_t *parts = json_array();

	doppel_wg_networks_foreach_part(networks, add_part, parts);
	return parts;
}

static const char *event_name(enum wg_event_kind kind)
{
	static const char *const names[] = {
		[WG_EVENT_CHANGED] = "network-changed", [WG_EVENT_EXPIRED] = "peer-expired",
		[WG_EVENT_PART] = "network-part",
	};

	return names[kind];
}

/* The first change: who wants all of them asks for the networks. */
static void plan_text(const struct wg_plan *plan, struct buf *text)
{
	const struct wg_plan first = { .changes = plan->changes, .count = plan->count ? 1 : 0 };

	doppel_wg_plan_text(&first, text);
	if (text->len)
		text->data[--text->len] = '\0';
	if (plan->count > 1)
		doppel_buf_printf(text, " (and %zu more)", plan->count - 1);
}

json_t *doppel_json_network_event(const struct wg_event *event)
{
	auto_buf struct buf text = {};
	json_t *json;

	if (event->plan)
		plan_text(event->plan, &text);
	else
		doppel_buf_printf(&text, "%s", event->text);
	json = json_pack("{s:s, s:o, s:o}", "event", event_name(event->kind), "at",
			 doppel_json_time(event->at), "text",
			 doppel_json_text(text.data ? text.data : ""));
	if (event->plan)
		json_object_set_new(json, "changes", json_integer((json_int_t)event->plan->count));
	if (event->network)
		json_object_set_new(json, "network", json_string(event->network));
	if (event->peer)
		json_object_set_new(json, "peer", json_string(event->peer));
	return json;
}

static void add_check(json_t *checks, const char *name, enum check_result result, const char *text,
		      const char *fix)
{
	json_array_append_new(checks, json_pack("{s:s, s:s, s:o, s:s}", "name", name, "result",
						doppel_check_result_name(result), "text",
						doppel_json_text(text), "fix", fix));
}

/* By the part's name, as cli/agent.c joins them. */
static const char *fix_of(const char *part)
{
	if (!strcmp(part, "firewall"))
		return "is nf_tables there (modprobe nf_tables), or with firewall: iptables the programs iptables-restore and ip6tables-restore?";
	if (!strcmp(part, "kernel"))
		return "is WireGuard there (modprobe wireguard), is the listen_port free (ss -lun), is the interface's name nobody else's (ip link)?";
	if (!strcmp(part, "names"))
		return "is dnsmasq installed, and port 53 of the jump peer's addresses free (ss -lun)?";
	return "see the agent's log";
}

static int check_part(const struct wg_part_view *part, void *ctx)
{
	char name[64], text[1024], at[DOPPEL_TIME_TEXT];
	const size_t line = strcspn(part->problem, "\n");

	snprintf(name, sizeof(name), "wireguard-%s", part->name);
	if (part->good)
		add_check(ctx, name, CHECK_OK, "is as the networks want it", "");
	else if (part->next_try)
		snprintf(text, sizeof(text), "%.*s; tried again at %s", (int)line, part->problem,
			 doppel_time_format(part->next_try, at));
	else
		snprintf(text, sizeof(text), "%.*s", (int)line, part->problem);
	if (!part->good)
		add_check(ctx, name, CHECK_FAIL, text, fix_of(part->name));
	return 0;
}

static void check_network(const struct wg_assignment *network, json_t *checks)
{
	char text[WG_NAME_MAX + 64];

	if (network->jump)
		return;
	snprintf(text, sizeof(text), "network \"%s\" has no peers yet: nothing of it runs",
		 network->network->name);
	add_check(checks, "wireguard-network", CHECK_WARN, text,
		  "doppel peer add NETWORK NAME --jump makes this gateway its jump peer");
}

void doppel_api_check_networks(const struct wg_networks *networks, json_t *checks)
{
	const struct wg_site *site = doppel_wg_networks_site(networks);

	if (!site->network_count)
		return;
	doppel_wg_networks_foreach_part(networks, check_part, checks);
	for (size_t i = 0; i < site->network_count; i++)
		check_network(&site->networks[i], checks);
}
