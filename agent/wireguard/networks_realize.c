// SPDX-License-Identifier: GPL-2.0-only
/*
 * Networks made real, and what time does to them. The parts are in the order in which things are set up:
 * rules before the interfaces that they guard. All parts are applied again each minute, for what others
 * did to them meanwhile, and sooner after a failure.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "wireguard/networks_state.h"

#define TICK_MS (60 * 1000)
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS (60 * 1000)
#define BURST_MS 100			/* changes come in bursts */

static int64_t now_ms(const struct wg_networks *networks)
{
	return doppel_clock_mono_ms(networks->clock);
}

void doppel_wg_emit(struct wg_networks *networks, struct wg_event *event)
{
	event->at = doppel_clock_wall_s(networks->clock);
	doppel_list_foreach(node, &networks->listeners) {
		struct wg_listener *listener = container_of(node, struct wg_listener, link);

		listener->event(listener, event);
	}
}

/* Once for each problem, not for each try. */
static void tell(struct wg_networks *networks, const struct wg_part_state *part,
		 const struct doppel_error *before)
{
	char text[400];

	if (!strcmp(part->error.text, before->text))
		return;
	if (part->err)
		snprintf(text, sizeof(text), "%s: %.*s", part->part.name,
			 (int)strcspn(part->error.text, "\n"), part->error.text);
	else
		snprintf(text, sizeof(text), "%s: good again", part->part.name);
	doppel_log(part->err ? LOG_ERR : LOG_NOTICE, "wireguard: %s", text);
	doppel_wg_emit(networks, &(struct wg_event){ .kind = WG_EVENT_PART, .text = text });
}

static void apply(struct wg_networks *networks, struct wg_part_state *part)
{
	const struct doppel_error before = part->error;

	part->error = (struct doppel_error){};
	part->err = part->part.apply(part->part.ctx, networks->now.site, &part->error);
	/* A box without networks may well have a kernel without WireGuard. */
	if (!networks->any)
		part->err = 0;
	if (part->err && !part->error.count)
		doppel_error_add(&part->error, "%s", strerror(-part->err));
	if (!part->err)
		part->error = (struct doppel_error){};
	tell(networks, part, &before);
}

static void hold(struct wg_networks *networks, struct wg_part_state *part, const char *guard)
{
	const struct doppel_error before = part->error;

	part->err = -EAGAIN;
	part->error = (struct doppel_error){};
	doppel_error_add(&part->error, "waits for the %s", guard);
	tell(networks, part, &before);
}

static void set_up(struct wg_networks *networks)
{
	const char *guard = NULL;
	size_t i;

	for (i = 0; i < networks->part_count; i++) {
		struct wg_part_state *part = &networks->parts[i];

		if (guard)
			hold(networks, part, guard);
		else
			apply(networks, part);
		if (part->err && part->part.guard)
			guard = part->part.name;
	}
}

/* When to try again; at once is over after the first failure. */
static void plan_retry(struct wg_networks *networks)
{
	size_t i;

	networks->retry_at = NEVER;
	for (i = 0; i < networks->part_count; i++)
		if (networks->parts[i].err)
			networks->retry_at = now_ms(networks) + networks->delay_ms;
	if (networks->retry_at == NEVER)
		networks->delay_ms = RETRY_MIN_MS;
	else if (networks->delay_ms < RETRY_MAX_MS)
		networks->delay_ms = 2 * networks->delay_ms < RETRY_MAX_MS ? 2 * networks->delay_ms :
									     RETRY_MAX_MS;
}

void doppel_wg_realize(struct wg_networks *networks)
{
	networks->any = networks->any || networks->now.site->network_count;
	set_up(networks);
	plan_retry(networks);
	networks->tick_at = now_ms(networks) + TICK_MS;
	doppel_wg_realize_arm(networks);
}

static bool names_device(const struct wg_network *network)
{
	size_t i, j;

	for (i = 0; i < network->policy_count; i++)
		for (j = 0; j < network->policies[i].rule_count; j++)
			if (network->policies[i].rules[j].target.kind == WG_TARGET_DEVICE)
				return true;
	return false;
}

void doppel_wg_networks_refresh(struct wg_networks *networks)
{
	const int64_t at = now_ms(networks) + BURST_MS;

	if (networks->tick_at > at)
		networks->tick_at = at;
	doppel_wg_realize_arm(networks);
}

void doppel_wg_networks_devices_changed(struct wg_networks *networks)
{
	size_t i;

	for (i = 0; i < networks->now.site->network_count; i++) {
		if (!names_device(networks->now.site->networks[i].network))
			continue;
		doppel_wg_networks_refresh(networks);
		return;
	}
}

/* Seconds of the wall clock, until which somebody is let in still; NEVER. */
static int64_t next_expiry(const struct wg_networks *networks)
{
	int64_t next = NEVER;
	size_t i, j;

	for (i = 0; i < networks->now.site->network_count; i++) {
		const struct wg_assignment *assignment = &networks->now.site->networks[i];

		for (j = 0; j < assignment->network->peer_count; j++)
			if (!assignment->members[j].expired && assignment->members[j].peer->expires &&
			    assignment->members[j].peer->expires < next)
				next = assignment->members[j].peer->expires;
	}
	return next;
}

static bool is_expired(const struct wg_member *member, int64_t wall)
{
	return member->peer->expires && member->peer->expires <= wall;
}

static bool expire_member(struct wg_networks *networks, const struct wg_assignment *assignment,
			  struct wg_member *member, int64_t wall)
{
	const char *network = assignment->network->name, *peer = member->peer->name;
	char text[200];

	if (member->expired == is_expired(member, wall))
		return false;
	member->expired = !member->expired;
	snprintf(text, sizeof(text), "network %s: peer %s %s", network, peer,
		 member->expired ? "has expired" : "has not expired yet");
	doppel_log(LOG_NOTICE, "wireguard: %s", text);
	doppel_wg_emit(networks, &(struct wg_event){ .kind = WG_EVENT_EXPIRED, .network = network,
						     .peer = peer, .text = text });
	return true;
}

/* The clock may have been set back, too. */
static bool expire(struct wg_networks *networks)
{
	const int64_t wall = doppel_wg_networks_wall(networks);
	bool any = false;
	size_t i, j;

	for (i = 0; i < networks->now.site->network_count; i++) {
		struct wg_assignment *assignment = &networks->now.site->networks[i];

		for (j = 0; j < assignment->network->peer_count; j++)
			any |= expire_member(networks, assignment, &assignment->members[j], wall);
	}
	return any;
}

void doppel_wg_networks_timeout(struct wg_networks *networks)
{
	const int64_t now = now_ms(networks);
	const bool expired = expire(networks);

	doppel_wg_keep_check(networks);
	if (expired)
		doppel_wg_keep_save(networks, &networks->now);
	if (expired || now >= networks->retry_at || now >= networks->tick_at)
		doppel_wg_realize(networks);
	else
		doppel_wg_realize_arm(networks);
}

int64_t doppel_wg_networks_deadline(const struct wg_networks *networks)
{
	const int64_t wall = doppel_wg_networks_wall(networks), expiry = next_expiry(networks);
	int64_t at = networks->tick_at < networks->retry_at ? networks->tick_at : networks->retry_at;

	if (expiry != NEVER && now_ms(networks) + 1000 * (expiry - wall) < at)
		at = now_ms(networks) + 1000 * (expiry - wall);
	return at;
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	doppel_wg_networks_timeout(timer->data);
}

void doppel_wg_realize_begin(struct wg_networks *networks)
{
	networks->retry_at = NEVER;
	networks->tick_at = NEVER;
	networks->delay_ms = RETRY_MIN_MS;
	ev_timer_init(&networks->timer, on_timer, 0, 0);
	networks->timer.data = networks;
}

void doppel_wg_realize_arm(struct wg_networks *networks)
{
	int64_t wait;

	if (!networks->loop)
		return;
	wait = doppel_wg_networks_deadline(networks) - now_ms(networks);
	ev_timer_stop(networks->loop, &networks->timer);
	ev_now_update(networks->loop);
	ev_timer_set(&networks->timer, wait > 0 ? (double)wait / 1000 : 0, 0);
	ev_timer_start(networks->loop, &networks->timer);
}

int doppel_wg_networks_foreach_part(const struct wg_networks *networks,
				    int (*cb)(const struct wg_part_view *part, void *ctx), void *ctx)
{
	const int64_t wait = networks->retry_at - now_ms(networks);
	size_t i;
	int err = 0;

	for (i = 0; !err && i < networks->part_count; i++) {
		const struct wg_part_state *part = &networks->parts[i];

		err = cb(&(struct wg_part_view){
			.name = part->part.name, .good = !part->err, .problem = part->error.text,
			.next_try = part->err && networks->retry_at != NEVER ?
				doppel_clock_wall_s(networks->clock) + wait / 1000 : 0,
		}, ctx);
	}
	return err;
}
