// SPDX-License-Identifier: GPL-2.0-only
/* Who is in a network: a document's peers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "wireguard/document_reader.h"
#include "wireguard/ipam.h"
#include "wireguard/key.h"
#include "wireguard/owners.h"

/* Never shown: it may be a private key in the wrong place. */
static bool read_key(struct wg_reader *reader, const struct yaml_node *node,
		     uint8_t key[WG_KEY_LEN])
{
	const char *text;

	if (!doppel_yaml_text(reader->error, node, &text))
		return false;
	if (doppel_wg_key_parse(text, key))
		return true;
	doppel_yaml_error(reader->error, node,
			  "must be a WireGuard key: 44 characters, as `wg genkey` and `wg pubkey` print them");
	return false;
}

static void read_psk(struct wg_reader *reader, const struct yaml_node *node, struct wg_peer *peer)
{
	if (!node)
		return;
	if (node->kind == DOPPEL_YAML_SCALAR && !strcmp(node->text, "generate"))
		peer->psk = WG_PSK_GENERATE;
	else if (read_key(reader, node, peer->preshared_key))
		peer->psk = WG_PSK_GIVEN;
}

static void read_expiry(struct wg_reader *reader, const struct yaml_node *node,
			struct wg_peer *peer)
{
	const char *text;

	if (!node || !doppel_yaml_text(reader->error, node, &text))
		return;
	if (doppel_time_parse(text, &peer->expires))
		doppel_yaml_error(reader->error, node,
				  "must be a time as 2027-01-01T00:00:00Z, not \"%.40s\"", text);
}

/* An address of the peer's own, of this family and of the network. */
static bool read_own(struct wg_reader *reader, const struct yaml_node *map, const char *key,
		     int family, struct in6_addr *address)
{
	const struct yaml_node *node = doppel_yaml_get(map, key);
	const struct wg_network *network = reader->network;
	const struct cidr *cidr = family == AF_INET ? &network->ipv4 : &network->ipv6;
	char text[DOPPEL_CIDR_TEXT];

	if (!node || !doppel_wg_read_address(reader, node, address))
		return false;
	if (doppel_ip_family(address) != family) {
		doppel_yaml_error(reader->error, node, "must be an %s address, not %s",
				  family == AF_INET ? "IPv4" : "IPv6", node->text);
		return false;
	}
	if (!cidr->len || doppel_ipam_is_host(cidr, address))
		return true;
	doppel_yaml_error(reader->error, node, doppel_cidr_has(cidr, address) ?
			  "%s is no host's address of the network, %s" :
			  "%s lies outside the network, %s",
			  node->text, doppel_cidr_format(cidr, text));
	return false;
}

static void check_outside(struct wg_reader *reader, const struct yaml_node *node,
			  const struct cidr *cidr)
{
	const struct wg_network *network = reader->network;

	if ((network->ipv4.len && doppel_cidr_overlap(&network->ipv4, cidr)) ||
	    (network->ipv6.len && doppel_cidr_overlap(&network->ipv6, cidr)))
		doppel_yaml_error(reader->error, node, "%s overlaps the network's own addresses",
				  node->text);
}

static void read_allowed_ips(struct wg_reader *reader, const struct yaml_node *list,
			     struct wg_peer *peer)
{
	size_t i, count;

	peer->extra_allowed_ips = doppel_wg_read_items(reader, list,
						       sizeof(*peer->extra_allowed_ips), &count);
	for (i = 0; i < count; i++) {
		struct cidr cidr;

		if (!doppel_wg_read_cidr(reader, list->children[i], &cidr))
			continue;
		check_outside(reader, list->children[i], &cidr);
		peer->extra_allowed_ips[peer->extra_allowed_ip_count++] = cidr;
	}
}

/* One of the extra_allowed_ips of all peers. */
struct allowed {
	const struct cidr *cidr;
	const struct yaml_node *node;
	const struct wg_peer *peer;
};

static bool is_later(const struct yaml_node *a, const struct yaml_node *b)
{
	return a->line > b->line || (a->line == b->line && a->column > b->column);
}

/* A prefix before those that lie in it. */
static int by_prefix(const void *one, const void *other)
{
	const struct allowed *a = one, *b = other;
	int order = doppel_cidr_family(a->cidr) - doppel_cidr_family(b->cidr);

	if (!order)
		order = memcmp(&a->cidr->net, &b->cidr->net, sizeof(a->cidr->net));
	if (!order)
		order = a->cidr->len - b->cidr->len;
	return order ? order : is_later(a->node, b->node) - is_later(b->node, a->node);
}

/* Of each that is found the first fault is told; gives which one that was. */
static const struct allowed *refuse_overlap(struct wg_reader *reader, const struct allowed *a,
					    const struct allowed *b, const struct allowed *told)
{
	const struct allowed *later = is_later(a->node, b->node) ? a : b;
	const char *name = (later == a ? b : a)->peer->name;

	if (later != told)
		doppel_yaml_error(reader->error, later->node,
				  "%s overlaps an extra_allowed_ips of peer \"%s\"",
				  later->node->text, name ? name : "?");
	return later;
}

/* Those of the list's peers that were read without a fault, and how many. */
static size_t collect_allowed(const struct wg_network *network, const struct yaml_node *list,
			      struct allowed *all)
{
	size_t i, j, count = 0;

	for (i = 0; i < network->peer_count; i++) {
		const struct wg_peer *peer = &network->peers[i];
		const struct yaml_node *ips;

		if (!peer->extra_allowed_ip_count)
			continue;
		ips = doppel_yaml_get(list->children[i], "extra_allowed_ips");
		if (ips->count != peer->extra_allowed_ip_count)
			continue;
		for (j = 0; j < ips->count; j++)
			all[count++] = (struct allowed){ &peer->extra_allowed_ips[j],
							 ips->children[j], peer };
	}
	return count;
}

/* What is sent to one peer cannot be sent to another: no prefix of theirs may overlap. */
static void check_allowed_ips(struct wg_reader *reader, const struct yaml_node *list)
{
	const struct wg_network *network = reader->network;
	const struct allowed *wide = NULL, *told = NULL;
	auto_free struct allowed *all = NULL;
	size_t i, count;

	if (network->extra_allowed_ip_count < 2)
		return;
	all = calloc(network->extra_allowed_ip_count, sizeof(*all));
	if (!all) {
		doppel_wg_read_no_memory(reader);
		return;
	}
	count = collect_allowed(network, list, all);
	qsort(all, count, sizeof(*all), by_prefix);
	for (i = 0; i < count; i++) {
		if (wide && doppel_cidr_covers(wide->cidr, all[i].cidr))
			told = refuse_overlap(reader, wide, &all[i], told);
		else
			wide = &all[i];
	}
}

/* What only one peer may have. */
struct claims {
	struct wg_owners keys, addresses;
};

/* The name of the peer that has it already; NULL. */
static const char *other_owner(struct wg_reader *reader, struct wg_owners *owners,
			       const void *value, const struct wg_peer *peer)
{
	const void *first;
	const int err = doppel_wg_owners_claim(owners, value, peer, &first);
	const struct wg_peer *other = err == -EEXIST ? first : NULL;

	if (err == -ENOMEM)
		doppel_wg_read_no_memory(reader);
	return other && other->name ? other->name : other ? "?" : NULL;
}

static void check_apart(struct wg_reader *reader, const struct yaml_node *map,
			const struct wg_peer *peer, struct claims *claims)
{
	const char *other = NULL;

	if (peer->has_public_key)
		other = other_owner(reader, &claims->keys, peer->public_key, peer);
	if (other)
		doppel_yaml_error(reader->error, doppel_yaml_get(map, "public_key"),
				  "is peer \"%s\"'s, too: a key is one peer's", other);
	other = peer->has_ipv4 ? other_owner(reader, &claims->addresses, &peer->ipv4, peer) : NULL;
	if (!other && peer->has_ipv6)
		other = other_owner(reader, &claims->addresses, &peer->ipv6, peer);
	if (other)
		doppel_yaml_error(reader->error, map, "its address is peer \"%s\"'s, too", other);
}

static void read_peer(struct wg_reader *reader, const struct yaml_node *map, struct wg_peer *peer)
{
	static const char *const keys[] = {
		"name", "jump", "agent", "public_key", "preshared_key", "expires", "groups",
		"ipv4_address", "ipv6_address", "extra_allowed_ips", NULL,
	};
	const struct yaml_node *key = doppel_yaml_get(map, "public_key");

	doppel_yaml_want_keys(reader->error, map, keys);
	peer->jump = doppel_wg_read_flag(reader, map, "jump");
	peer->agent = doppel_wg_read_flag(reader, map, "agent");
	if (peer->jump && peer->agent)
		doppel_yaml_error(reader->error, map,
				  "jump and agent are both true: a jump peer is this gateway itself");
	if (key && peer->jump)
		doppel_yaml_error_key(reader->error, key,
				      "a jump peer's keys are made here; leave it out");
	else if (key)
		peer->has_public_key = read_key(reader, key, peer->public_key);
	read_psk(reader, doppel_yaml_get(map, "preshared_key"), peer);
	read_expiry(reader, doppel_yaml_get(map, "expires"), peer);
	peer->groups = doppel_wg_read_groups(reader, doppel_yaml_get(map, "groups"),
					     &peer->group_count);
	peer->has_ipv4 = read_own(reader, map, "ipv4_address", AF_INET, &peer->ipv4);
	peer->has_ipv6 = read_own(reader, map, "ipv6_address", AF_INET6, &peer->ipv6);
	read_allowed_ips(reader, doppel_yaml_get(map, "extra_allowed_ips"), peer);
}

static void read_each(struct wg_reader *reader, const struct yaml_node *list,
		      struct claims *claims)
{
	struct wg_network *network = reader->network;
	const struct wg_peer *jump = NULL;
	size_t i;

	for (i = 0; i < network->peer_count; i++) {
		struct wg_peer *peer = &network->peers[i];

		if (list->children[i]->kind != DOPPEL_YAML_MAP)
			continue;
		read_peer(reader, list->children[i], peer);
		network->extra_allowed_ip_count += peer->extra_allowed_ip_count;
		check_apart(reader, list->children[i], peer, claims);
		if (peer->jump && jump)
			doppel_yaml_error(reader->error, list->children[i],
					  "peer \"%s\" is this gateway already: one jump peer is enough",
					  jump->name ? jump->name : "?");
		if (peer->jump)
			jump = peer;
	}
	if (network->peer_count && !jump)
		doppel_yaml_error(reader->error, list,
				  "none of them is this gateway; give one `jump: true`");
}

void doppel_wg_read_peers(struct wg_reader *reader, const struct yaml_node *list)
{
	const size_t count = reader->network->peer_count;
	struct claims claims;
	int err = doppel_wg_owners_init(&claims.keys, count, WG_KEY_LEN);

	err |= doppel_wg_owners_init(&claims.addresses, 2 * count, sizeof(struct in6_addr));
	if (err)
		doppel_wg_read_no_memory(reader);
	else
		read_each(reader, list, &claims);
	doppel_wg_owners_free(&claims.keys);
	doppel_wg_owners_free(&claims.addresses);
	check_allowed_ips(reader, list);
}
