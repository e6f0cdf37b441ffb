// SPDX-License-Identifier: GPL-2.0-only
/*
 * An interface's peers: whom the kernel has, against whom the network has. The kernel drops a peer's
 * session only with the peer, so peers are changed one by one and never replaced.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/map.h"
#include "wireguard/interfaces_parts.h"

static const uint8_t no_key[WG_KEY_LEN];

struct held_peer {
	struct map_node node;		/* by public key */
	struct wireguard_peer *peer;
	bool stays;
};

/* The changes are in one row: removed ones, then those that lose prefixes, then all others. */
struct peers_plan {
	struct wg_interface *interface;
	struct held_peer *held;
	struct map by_key;
	struct cidr *allowed_ips;	/* of all members */
	size_t allowed_ip_count;
	struct wireguard_change *removals, *losses, *gains;
	size_t removal_count, loss_count, gain_count;
};

static bool wanted(const struct wg_interface *interface, const struct wg_member *member)
{
	return member != interface->assignment->jump && !member->expired;
}

/* What a struct cidr has behind its length is nobody's. */
static int by_prefix(const void *one, const void *other)
{
	const struct cidr *a = one, *b = other;
	const int order = memcmp(&a->net, &b->net, sizeof(a->net));

	return order ? order : a->len - b->len;
}

static void sort(struct cidr *list, size_t count)
{
	if (count > 1)
		qsort(list, count, sizeof(*list), by_prefix);
}

/* Whether @list lacks one of @other; both are in order. */
static bool lacks(const struct cidr *list, size_t count, const struct cidr *other, size_t others)
{
	size_t i = 0, j;

	for (j = 0; j < others; j++) {
		while (i < count && by_prefix(&list[i], &other[j]) < 0)
			i++;
		if (i == count || by_prefix(&list[i], &other[j]))
			return true;
	}
	return false;
}

/* What may come from the member, and is sent to it: its addresses, and what lies behind it. */
static void add_allowed_ips(struct peers_plan *plan, const struct wg_member *member,
			    struct wireguard_change *change)
{
	struct cidr *list = plan->allowed_ips + plan->allowed_ip_count;
	const struct wg_peer *peer = member->peer;
	size_t count = 0, i;

	if (member->has_ipv4)
		list[count++] = doppel_cidr_host(&member->ipv4);
	if (member->has_ipv6)
		list[count++] = doppel_cidr_host(&member->ipv6);
	for (i = 0; i < peer->extra_allowed_ip_count; i++)
		list[count++] = peer->extra_allowed_ips[i];
	sort(list, count);
	plan->allowed_ip_count += count;
	change->allowed_ips = list;
	change->allowed_ip_count = count;
}

/* Of one that dials this host the kernel learns by itself where it is. */
static bool dials_elsewhere(const struct wireguard_peer *held, const struct wireguard_change *wish)
{
	return wish->endpoint_port &&
	       (held->endpoint_port != wish->endpoint_port || held->keepalive != wish->keepalive ||
		!doppel_ip6_eq(&held->endpoint, &wish->endpoint));
}

static unsigned int differs(const struct wireguard_peer *held, const struct wireguard_change *wish)
{
	unsigned int what = 0;

	if (memcmp(held->preshared_key, wish->preshared_key, WG_KEY_LEN))
		what |= WIREGUARD_PRESHARED_KEY;
	if (dials_elsewhere(held, wish))
		what |= WIREGUARD_ENDPOINT;
	return what;
}

static void change_member(struct peers_plan *plan, struct wireguard_peer *held,
			  const struct wireguard_change *wish)
{
	struct wireguard_change change = *wish;
	bool lost, gained;

	change.what = differs(held, wish);
	sort(held->allowed_ips, held->allowed_ip_count);
	lost = lacks(change.allowed_ips, change.allowed_ip_count, held->allowed_ips,
		     held->allowed_ip_count);
	gained = lacks(held->allowed_ips, held->allowed_ip_count, change.allowed_ips,
		       change.allowed_ip_count);
	if (lost)
		change.what |= WIREGUARD_REPLACE_ALLOWED_IPS;
	else if (!gained)
		change.allowed_ip_count = 0;
	if (lost)
		plan->losses[plan->loss_count++] = change;
	else if (gained || change.what)
		plan->gains[plan->gain_count++] = change;
}

static void plan_member(struct peers_plan *plan, const struct wg_member *member)
{
	struct map_node *node = doppel_map_find(&plan->by_key, member->public_key);
	struct held_peer *held = node ? container_of(node, struct held_peer, node) : NULL;
	struct wireguard_change change = {
		.public_key = member->public_key,
		.preshared_key = member->has_preshared_key ? member->preshared_key : no_key,
		.endpoint = member->endpoint,
		.endpoint_port = member->endpoint_port,
		.keepalive = member->keepalive,
	};

	add_allowed_ips(plan, member, &change);
	if (held) {
		held->stays = true;
		change_member(plan, held->peer, &change);
		return;
	}
	change.what = WIREGUARD_ADD | WIREGUARD_REPLACE_ALLOWED_IPS | WIREGUARD_PRESHARED_KEY;
	if (change.endpoint_port)
		change.what |= WIREGUARD_ENDPOINT;
	plan->gains[plan->gain_count++] = change;
}

static int plan_alloc(struct peers_plan *plan)
{
	const struct wg_assignment *assignment = plan->interface->assignment;
	const size_t members = assignment->network->peer_count;
	const size_t held = plan->interface->device.peer_count;
	size_t prefixes = 0, i;

	for (i = 0; i < members; i++)
		prefixes += 2 + assignment->members[i].peer->extra_allowed_ip_count;
	plan->held = calloc(held + 1, sizeof(*plan->held));
	plan->allowed_ips = calloc(prefixes + 1, sizeof(*plan->allowed_ips));
	plan->removals = calloc(held + 1, sizeof(*plan->removals));
	plan->losses = calloc(members + 1, sizeof(*plan->losses));
	plan->gains = calloc(members + 1, sizeof(*plan->gains));
	doppel_map_init(&plan->by_key, WG_KEY_LEN);
	return plan->held && plan->allowed_ips && plan->removals && plan->losses && plan->gains ?
	       0 : -ENOMEM;
}

static void plan_free(struct peers_plan *plan)
{
	doppel_map_free(&plan->by_key);
	free(plan->held);
	free(plan->allowed_ips);
	free(plan->removals);
	free(plan->losses);
	free(plan->gains);
}

static int plan_all(struct peers_plan *plan)
{
	const struct wg_assignment *assignment = plan->interface->assignment;
	const struct wireguard_device *device = &plan->interface->device;
	int err = plan_alloc(plan);
	size_t i;

	for (i = 0; !err && i < device->peer_count; i++) {
		plan->held[i].peer = &device->peers[i];
		err = doppel_map_add(&plan->by_key, &plan->held[i].node,
				     device->peers[i].public_key);
	}
	if (err)
		return err;
	for (i = 0; i < assignment->network->peer_count; i++)
		if (wanted(plan->interface, &assignment->members[i]))
			plan_member(plan, &assignment->members[i]);
	for (i = 0; i < device->peer_count; i++)
		if (!plan->held[i].stays)
			plan->removals[plan->removal_count++] = (struct wireguard_change){
				.what = WIREGUARD_REMOVE,
				.public_key = device->peers[i].public_key,
			};
	return 0;
}

static int set(const struct wg_interface *interface, const struct wireguard_change *changes,
	       size_t count)
{
	struct wireguard *wireguard = interface->kernel->wireguard;

	return count ? wireguard->peers_set(wireguard, interface->ifindex, changes, count) : 0;
}

/* @all: new ones, and what others gain, too. */
static void bring(struct wg_interface *interface, bool all)
{
	struct peers_plan plan = { .interface = interface };
	int err = plan_all(&plan);

	if (!all)
		plan.gain_count = 0;
	if (!err)
		err = set(interface, plan.removals, plan.removal_count);
	if (!err)
		err = set(interface, plan.losses, plan.loss_count);
	if (!err)
		err = set(interface, plan.gains, plan.gain_count);
	if (err)
		doppel_wg_interface_fail(interface, err, "its peers cannot be set: %s",
					 strerror(-err));
	else if (plan.removal_count || plan.loss_count || plan.gain_count)
		doppel_log(LOG_INFO, "network %s: %zu peers removed, %zu set",
			   interface->assignment->network->name, plan.removal_count,
			   plan.loss_count + plan.gain_count);
	plan_free(&plan);
}

void doppel_wg_interface_peers(struct wg_interface *interface)
{
	bring(interface, true);
}

void doppel_wg_interface_leavers(struct wg_interface *interface)
{
	bring(interface, false);
}
