// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/assignment.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "wireguard/ipam.h"
#include "wireguard/key.h"
#include "wireguard/owners.h"

struct giver {
	const struct wg_kept *kept;
	int64_t now;
	struct rng *rng;
	struct doppel_error *error;
	int err;			/* the first */
};

static void fail(struct giver *giver, int err)
{
	if (!giver->err)
		giver->err = err;
}

static const struct wg_kept_peer *kept_of(const struct giver *giver,
					  const struct wg_network *network,
					  const struct wg_peer *peer)
{
	return giver->kept ? doppel_wg_kept_peer(giver->kept, network->name, peer->name) : NULL;
}

/* A private key is kept as long as it is the peer's: the document may name another public one. */
static bool keeps_pair(const struct wg_peer *peer, const struct wg_kept_peer *kept)
{
	return kept && kept->has_private_key &&
	       (!peer->has_public_key || !memcmp(kept->public_key, peer->public_key, WG_KEY_LEN));
}

static void give_pair(struct giver *giver, struct wg_member *member,
		      const struct wg_kept_peer *kept)
{
	const struct wg_peer *peer = member->peer;

	if (keeps_pair(peer, kept)) {
		member->has_private_key = true;
		memcpy(member->private_key, kept->private_key, WG_KEY_LEN);
		memcpy(member->public_key, kept->public_key, WG_KEY_LEN);
	} else if (peer->has_public_key) {
		memcpy(member->public_key, peer->public_key, WG_KEY_LEN);
	} else if (peer->agent && kept && !kept->has_private_key) {
		/* Its host made the pair, and told this half of it. */
		memcpy(member->public_key, kept->public_key, WG_KEY_LEN);
	} else {
		member->has_private_key = true;
		doppel_wg_key_private(giver->rng, member->private_key);
		doppel_wg_key_public(member->private_key, member->public_key);
	}
}

static void give_preshared(struct giver *giver, struct wg_member *member,
			   const struct wg_kept_peer *kept)
{
	const struct wg_peer *peer = member->peer;

	member->has_preshared_key = peer->psk != WG_PSK_NONE && !peer->jump;
	if (!member->has_preshared_key)
		return;
	if (peer->psk == WG_PSK_GIVEN)
		memcpy(member->preshared_key, peer->preshared_key, WG_KEY_LEN);
	else if (kept && kept->has_preshared_key)
		memcpy(member->preshared_key, kept->preshared_key, WG_KEY_LEN);
	else
		doppel_wg_key_preshared(giver->rng, member->preshared_key);
}

/* The reader compared those that the document names; it did not know those that are made here. */
static void check_keys(struct giver *giver, const struct wg_assignment *assignment)
{
	const struct wg_network *network = assignment->network;
	auto_wg_owners struct wg_owners owners;
	const void *first;
	size_t i;

	int err = doppel_wg_owners_init(&owners, network->peer_count, WG_KEY_LEN);

	for (i = 0; !err && i < network->peer_count; i++) {
		const struct wg_member *member = &assignment->members[i];

		err = doppel_wg_owners_claim(&owners, member->public_key, member->peer, &first);
		if (err == -EEXIST)
			doppel_error_add(giver->error,
					 "network \"%s\": peer \"%s\": its public_key is peer \"%s\"'s: a key is one peer's",
					 network->name, member->peer->name,
					 ((const struct wg_peer *)first)->name);
	}
	if (err)
		fail(giver, err == -EEXIST ? -EINVAL : err);
}

static void give_keys(struct giver *giver, struct wg_assignment *assignment)
{
	const struct wg_network *network = assignment->network;
	size_t i;

	for (i = 0; i < network->peer_count; i++) {
		struct wg_member *member = &assignment->members[i];
		const struct wg_kept_peer *kept = kept_of(giver, network, member->peer);

		give_pair(giver, member, kept);
		give_preshared(giver, member, kept);
	}
	check_keys(giver, assignment);
}

/* One family of one network. */
struct pool {
	struct giver *giver;
	struct wg_assignment *assignment;
	int family;
	const struct cidr *cidr;
	struct ipam *ipam;
};

static bool *has(const struct pool *pool, struct wg_member *member)
{
	return pool->family == AF_INET ? &member->has_ipv4 : &member->has_ipv6;
}

static struct in6_addr *address_of(const struct pool *pool, struct wg_member *member)
{
	return pool->family == AF_INET ? &member->ipv4 : &member->ipv6;
}

/* Take it for the member, unless it is no host's, or another's. */
static int take(const struct pool *pool, struct wg_member *member, const struct in6_addr *address)
{
	const int err = doppel_ipam_reserve(pool->ipam, address);

	*has(pool, member) = !err;
	if (!err)
		*address_of(pool, member) = *address;
	return err;
}

/* The reader saw that it is a host's, and no other peer's. */
static void take_fixed(const struct pool *pool, struct wg_member *member)
{
	const struct wg_peer *peer = member->peer;
	int err = 0;

	if (pool->family == AF_INET && peer->has_ipv4)
		err = take(pool, member, &peer->ipv4);
	if (pool->family == AF_INET6 && peer->has_ipv6)
		err = take(pool, member, &peer->ipv6);
	if (err)
		fail(pool->giver, err);
}

static void take_kept(const struct pool *pool, struct wg_member *member)
{
	const struct wg_kept_peer *kept = kept_of(pool->giver, pool->assignment->network, member->peer);
	int err = 0;

	if (*has(pool, member) || !kept)
		return;
	if (pool->family == AF_INET && kept->has_ipv4)
		err = take(pool, member, &kept->ipv4);
	if (pool->family == AF_INET6 && kept->has_ipv6)
		err = take(pool, member, &kept->ipv6);
	if (err == -ENOMEM)
		fail(pool->giver, err);
}

static void take_new(const struct pool *pool, struct wg_member *member, enum wg_allocation how)
{
	struct in6_addr *address = address_of(pool, member);
	char cidr[DOPPEL_CIDR_TEXT];
	int err;

	if (*has(pool, member))
		return;
	err = how == WG_ALLOCATION_HASHED ?
		doppel_ipam_allocate_hashed(pool->ipam, member->public_key, WG_KEY_LEN, address) :
		doppel_ipam_allocate(pool->ipam, address);
	*has(pool, member) = !err;
	if (err == -ENOSPC)
		doppel_error_add(pool->giver->error,
				 "network \"%s\": peer \"%s\": no address is left in %s; remove peers, or give the network a larger prefix",
				 pool->assignment->network->name, member->peer->name,
				 doppel_cidr_format(pool->cidr, cidr));
	if (err)
		fail(pool->giver, err);
}

static void give_family(const struct pool *pool)
{
	const struct wg_assignment *assignment = pool->assignment;
	const struct wg_network *network = assignment->network;
	size_t i;

	for (i = 0; i < network->peer_count; i++)
		take_fixed(pool, &assignment->members[i]);
	for (i = 0; i < network->peer_count; i++)
		take_kept(pool, &assignment->members[i]);
	if (assignment->jump)
		take_new(pool, assignment->jump, WG_ALLOCATION_SEQUENTIAL);
	for (i = 0; i < network->peer_count; i++)
		take_new(pool, &assignment->members[i], network->allocation);
}

static void give_addresses(struct giver *giver, struct wg_assignment *assignment, int family)
{
	const struct wg_network *network = assignment->network;
	struct pool pool = {
		.giver = giver, .assignment = assignment, .family = family,
		.cidr = family == AF_INET ? &network->ipv4 : &network->ipv6,
	};

	if (!doppel_wg_has_family(network, family))
		return;
	pool.ipam = doppel_ipam_new(pool.cidr);
	if (pool.ipam)
		give_family(&pool);
	else
		fail(giver, -ENOMEM);
	doppel_ipam_free(pool.ipam);
}

static void meet(struct giver *giver, struct wg_assignment *assignment)
{
	const struct wg_network *network = assignment->network;
	size_t i;

	for (i = 0; i < network->peer_count; i++) {
		const struct wg_peer *peer = &network->peers[i];
		struct wg_member *member = &assignment->members[i];

		member->peer = peer;
		member->expired = peer->expires && peer->expires <= giver->now;
		if (peer->jump)
			assignment->jump = member;
	}
}

static void give(struct giver *giver, struct wg_assignment *assignment)
{
	const struct wg_network *network = assignment->network;

	assignment->members = calloc(network->peer_count + 1, sizeof(*assignment->members));
	if (!assignment->members) {
		fail(giver, -ENOMEM);
		return;
	}
	meet(giver, assignment);
	give_keys(giver, assignment);
	give_addresses(giver, assignment, AF_INET);
	give_addresses(giver, assignment, AF_INET6);
}

static struct wg_site *new_site(const struct wg_document *document)
{
	struct wg_site *site = calloc(1, sizeof(*site));
	size_t i;

	if (!site)
		return NULL;
	site->document = document;
	site->networks = calloc(document->network_count + 1, sizeof(*site->networks));
	if (!site->networks) {
		free(site);
		return NULL;
	}
	site->network_count = document->network_count;
	for (i = 0; i < site->network_count; i++)
		site->networks[i].network = &document->networks[i];
	return site;
}

int doppel_wg_assign(const struct wg_document *document, const struct wg_kept *kept, int64_t now,
		     struct rng *rng, struct wg_site **site, struct doppel_error *error)
{
	struct giver giver = { .kept = kept, .now = now, .rng = rng, .error = error };
	struct wg_site *new = new_site(document);
	size_t i;

	if (!new)
		return -ENOMEM;
	for (i = 0; i < new->network_count; i++)
		give(&giver, &new->networks[i]);
	if (giver.err) {
		doppel_wg_site_free(new);
		return giver.err;
	}
	*site = new;
	return 0;
}

struct wg_assignment *doppel_wg_assignment(const struct wg_site *site, const char *network)
{
	const struct wg_network *found = doppel_wg_network(site->document, network);

	return found ? &site->networks[found - site->document->networks] : NULL;
}

struct wg_member *doppel_wg_member(const struct wg_assignment *assignment, const char *peer)
{
	const struct wg_peer *found = doppel_wg_peer(assignment->network, peer);

	return found ? &assignment->members[found - assignment->network->peers] : NULL;
}

void doppel_wg_site_free(struct wg_site *site)
{
	size_t i;

	if (!site)
		return;
	for (i = 0; i < site->network_count; i++) {
		const struct wg_assignment *assignment = &site->networks[i];

		if (assignment->members)
			sodium_memzero(assignment->members, assignment->network->peer_count *
				       sizeof(*assignment->members));
		free(assignment->members);
	}
	free(site->networks);
	free(site);
}

void doppel_wg_site_cleanup(struct wg_site **site)
{
	doppel_wg_site_free(*site);
}
