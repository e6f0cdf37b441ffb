// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/firewall.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "kernel/command.h"
#include "kernel/conntrack.h"
#include "kernel/nftables.h"
#include "wireguard/render_iptables.h"
#include "wireguard/render_nft.h"

#define LOCK_WAIT_S "1"			/* for another iptables that has the lock */
#define COMMAND_S 10			/* the agent waits for them */
#define ATTEMPTS 3			/* when the chains change between the look and the change */

/* A listing of the rules in the kernel, to be told from another one. */
struct sight {
	size_t len;
	uint32_t hash;
};

struct firewall {
	const struct wg_lan *lan;
	bool applied;
	bool alone;			/* nothing is left of the other backend's */
	enum wg_firewall backend;
	struct buf rules;		/* what was applied last, as nftables has it */
	struct sight seen;		/* what the kernel had then */
};

struct firewall *doppel_wg_firewall_new(const struct wg_lan *lan)
{
	struct firewall *firewall = calloc(1, sizeof(*firewall));

	if (firewall)
		firewall->lan = lan;
	return firewall;
}

void doppel_wg_firewall_free(struct firewall *firewall)
{
	if (!firewall)
		return;
	doppel_buf_free(&firewall->rules);
	free(firewall);
}

/* The first line says enough. */
static void tell(struct doppel_error *error, const char *program, int err,
		 const struct buf *complaint)
{
	const char *said = complaint->len ? complaint->data : strerror(-err);

	if (err == -ENOENT)
		doppel_error_add(error, "firewall: %s is not installed; install iptables, or set firewall: nftables",
				 program);
	else if (err == -ETIMEDOUT)
		doppel_error_add(error, "firewall: %s did not end in %d seconds, and was killed", program,
				 COMMAND_S);
	else
		doppel_error_add(error, "firewall: %s: %.*s", program, (int)strcspn(said, "\n"), said);
}

/* --- nftables -------------------------------------------------------------------------------- */

/* @text removes them if there are no networks. */
static int apply_nft(const struct buf *text, struct doppel_error *error)
{
	struct buf auto_buf complaint = {};
	const int err = doppel_nftables_run(text->data, NULL, &complaint);

	if (err)
		tell(error, "nftables", err, &complaint);
	return err;
}

static void list_nft(const struct wg_filters *filters, struct buf *listing)
{
	struct buf auto_buf complaint = {};

	if (doppel_wg_filters_have(filters, AF_INET))
		doppel_nftables_run("list table ip doppel_wg", listing, &complaint);
	if (doppel_wg_filters_have(filters, AF_INET6))
		doppel_nftables_run("list table ip6 doppel_wg", listing, &complaint);
}

/* A kernel without nftables has none of ours. */
static void remove_nft(void)
{
	struct buf auto_buf text = {};
	struct buf auto_buf complaint = {};

	doppel_wg_render_nft(NULL, &text);
	if (!text.failed)
		doppel_nftables_run(text.data, NULL, &complaint);
}

/* --- iptables -------------------------------------------------------------------------------- */

static const struct {
	int family;
	const char *save, *restore;
} programs[] = {
	{ AF_INET, "iptables-save", "iptables-restore" },
	{ AF_INET6, "ip6tables-save", "ip6tables-restore" },
};

static int save(const char *program, struct buf *saved, struct buf *complaint)
{
	const char *const argv[] = { program, NULL };

	return doppel_command(argv, 1000 * COMMAND_S, NULL, saved, complaint);
}

static int find_chains(const char *program, struct wg_iptables *found, struct buf *complaint)
{
	struct buf auto_buf saved = {};
	const int err = save(program, &saved, complaint);

	return err ? err : doppel_wg_iptables_read(saved.len ? saved.data : "", found);
}

static int restore(const char *program, const struct buf *text, struct buf *complaint)
{
	const char *const argv[] = { program, "--noflush", "--wait", LOCK_WAIT_S, NULL };

	return doppel_command(argv, 1000 * COMMAND_S, text, NULL, complaint);
}

static int replace_chains(const struct wg_filters *filters, size_t i, bool wanted,
			  struct buf *complaint)
{
	struct wg_iptables found = { .chain_count = 0 };
	struct buf auto_buf text = {};
	int err = find_chains(programs[i].save, &found, complaint);

	if (!err && (wanted || !doppel_wg_iptables_empty(&found)))
		err = doppel_wg_render_iptables(filters, programs[i].family, &found, &text);
	if (!err && text.len)
		err = restore(programs[i].restore, &text, complaint);
	doppel_wg_iptables_free(&found);
	return err;
}

/* @filters: NULL for nothing. */
static int apply_family(const struct wg_filters *filters, size_t i, struct doppel_error *error)
{
	const bool wanted = filters && doppel_wg_filters_have(filters, programs[i].family);
	struct buf auto_buf complaint = {};
	int attempt = 0, err;

	do {
		complaint.len = 0;
		err = replace_chains(filters, i, wanted, &complaint);
	} while (err == -EIO && ++attempt < ATTEMPTS);
	/* A family that no network has needs no program that knows it. */
	if (!err || (!wanted && err == -ENOENT))
		return 0;
	tell(error, programs[i].restore, err, &complaint);
	return err;
}

static int apply_iptables(const struct wg_filters *filters, struct doppel_error *error)
{
	const int err = apply_family(filters, 0, error);

	return err ? err : apply_family(filters, 1, error);
}

static void list_iptables(const struct wg_filters *filters, struct buf *listing)
{
	struct buf auto_buf complaint = {};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct buf auto_buf saved = {};

		if (doppel_wg_filters_have(filters, programs[i].family) &&
		    !save(programs[i].save, &saved, &complaint) && saved.len)
			doppel_wg_iptables_pick(saved.data, listing);
	}
}

/* Without iptables, or with one that the kernel knows nothing of, there are none of ours. */
static void remove_iptables(void)
{
	struct doppel_error error = {};

	apply_family(NULL, 0, &error);
	apply_family(NULL, 1, &error);
}

/* --- flows that are denied now --------------------------------------------------------------- */

struct cut {
	const struct wg_filters *filters;
	struct ifaddrs *own;		/* the box's addresses */
};

static bool is_own(const struct ifaddrs *own, const struct in6_addr *address)
{
	const struct in_addr ipv4 = doppel_ip_ipv4(address);
	const int family = doppel_ip_family(address);

	for (; own; own = own->ifa_next) {
		const struct sockaddr *addr = own->ifa_addr;

		if (!addr || addr->sa_family != family)
			continue;
		if (family == AF_INET ?
		    ((const struct sockaddr_in *)addr)->sin_addr.s_addr == ipv4.s_addr :
		    doppel_ip6_eq(&((const struct sockaddr_in6 *)addr)->sin6_addr, address))
			return true;
	}
	return false;
}

/* What the box itself began is not judged. */
static bool is_denied(const struct conntrack_flow *seen, void *ctx)
{
	const struct cut *cut = ctx;
	const struct wg_flow flow = {
		.source = seen->source,
		.destination = seen->destination,
		.protocol = seen->protocol,
		.port = seen->port,
		.echo = seen->echo,
		.to_box = is_own(cut->own, &seen->destination),
	};

	return !is_own(cut->own, &seen->source) && !doppel_wg_filters_allow(cut->filters, &flow);
}

/* -EOPNOTSUPP: the kernel does not show its flows. */
static int forget_denied(struct cut *cut)
{
	struct conntrack *conntrack;
	int err;

	if (doppel_conntrack_open(&conntrack))
		return -EOPNOTSUPP;
	if (getifaddrs(&cut->own)) {
		conntrack->free(conntrack);
		return -errno;
	}
	err = conntrack->forget(conntrack, is_denied, cut);
	freeifaddrs(cut->own);
	conntrack->free(conntrack);
	return err == -EINVAL ? -EOPNOTSUPP : err;
}

/* New flows are judged in any case: a network need not go without its firewall for this. */
static int cut_denied(const struct wg_filters *filters, struct doppel_error *error)
{
	struct cut cut = { .filters = filters };
	const int err = forget_denied(&cut);

	if (err == -EOPNOTSUPP) {
		doppel_log(LOG_WARNING, "firewall: flows that are denied now go on until they end: this kernel lacks nf_conntrack_netlink");
		return 0;
	}
	if (err)
		doppel_error_add(error, "firewall: flows that are denied now could not be ended: %s",
				 strerror(-err));
	return err;
}

/* --- all of it ------------------------------------------------------------------------------- */

static bool is_applied(const struct firewall *firewall, enum wg_firewall backend,
		       const struct buf *rules)
{
	return firewall->applied && firewall->backend == backend &&
	       !strcmp(firewall->rules.data, rules->data);
}

static void remove_other(struct firewall *firewall, enum wg_firewall backend)
{
	if (firewall->alone && firewall->backend == backend)
		return;
	if (backend == WG_FIREWALL_IPTABLES)
		remove_nft();
	else
		remove_iptables();
	firewall->alone = true;
}

/* The new backend's rules come before the other's go. */
static int apply_rules(struct firewall *firewall, const struct wg_filters *filters,
		       const struct buf *rules, struct doppel_error *error)
{
	const enum wg_firewall backend = filters->site->document->firewall;
	int err;

	if (!filters->network_count) {
		remove_nft();
		remove_iptables();
		return 0;
	}
	err = backend == WG_FIREWALL_NFTABLES ? apply_nft(rules, error) :
						apply_iptables(filters, error);
	if (err)
		return err;
	remove_other(firewall, backend);
	return cut_denied(filters, error);
}

static struct sight look(const struct wg_filters *filters)
{
	struct buf auto_buf listing = {};

	if (!filters->network_count)
		return (struct sight){ .len = 0 };
	if (filters->site->document->firewall == WG_FIREWALL_NFTABLES)
		list_nft(filters, &listing);
	else
		list_iptables(filters, &listing);
	return (struct sight){
		.len = listing.len,
		.hash = listing.len ? doppel_map_hash(listing.data, listing.len) : 0,
	};
}

/* Somebody may have flushed everything, or put something before it. */
static bool is_untouched(const struct firewall *firewall, const struct wg_filters *filters)
{
	const struct sight now = look(filters);

	if (now.len == firewall->seen.len && now.hash == firewall->seen.hash)
		return true;
	doppel_log(LOG_WARNING, "firewall: somebody else changed the rules of the WireGuard networks; they are made anew");
	return false;
}

static int apply(struct firewall *firewall, const struct wg_filters *filters,
		 struct doppel_error *error)
{
	const enum wg_firewall backend = filters->site->document->firewall;
	struct buf auto_buf rules = {};
	struct buf before;
	int err;

	doppel_wg_render_nft(filters, &rules);
	if (rules.failed)
		return -ENOMEM;
	if (is_applied(firewall, backend, &rules) && is_untouched(firewall, filters))
		return 0;
	firewall->applied = false;
	err = apply_rules(firewall, filters, &rules, error);
	if (err)
		return err;
	before = firewall->rules;
	firewall->rules = rules;
	rules = before;
	firewall->backend = backend;
	firewall->seen = look(filters);
	firewall->applied = true;
	return 0;
}

int doppel_wg_firewall_apply(struct firewall *firewall, const struct wg_site *site,
			     struct doppel_error *error)
{
	struct wg_filters *filters = NULL;
	int err = doppel_wg_filters_new(site, firewall->lan, &filters);

	if (!err)
		err = apply(firewall, filters, error);
	doppel_wg_filters_free(filters);
	if (err == -ENOMEM)
		doppel_error_add(error, "firewall: no memory");
	return err;
}

int doppel_wg_rules_print(const struct wg_site *site, const struct wg_lan *lan,
			  const char *network, enum wg_firewall format, struct buf *out)
{
	const struct wg_network *wanted = doppel_wg_network(site->document, network);
	struct wg_filters *filters = NULL;
	size_t number;
	int err;

	if (!wanted)
		return -ENOENT;
	number = (size_t)(wanted - site->document->networks);
	err = doppel_wg_filters_new(site, lan, &filters);
	if (!err && format == WG_FIREWALL_IPTABLES)
		err = doppel_wg_print_iptables(filters, number, out);
	else if (!err)
		doppel_wg_print_nft(&filters->networks[number], out);
	doppel_wg_filters_free(filters);
	return err ? err : (out->failed ? -ENOMEM : 0);
}
