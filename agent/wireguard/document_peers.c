// SPDX-License-Identifier: GPL-2.0-only
/* Who is in a network: a document's peers. */
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "wireguard/document_reader.h"

static bool parse_key(const char *text, uint8_t key[WG_KEY_LEN])
{
	uint8_t bytes[WG_KEY_LEN];
	size_t len;

	if (sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) || len != sizeof(bytes))
		return false;
	memcpy(key, bytes, sizeof(bytes));
	return true;
}

/* Never shown: it may be a private key in the wrong place. */
static bool read_key(struct wg_reader *reader, const struct yaml_node *node,
		     uint8_t key[WG_KEY_LEN])
{
	const char *text;

	if (!doppel_yaml_text(reader->error, node, &text))
		return false;
	if (parse_key(text, key))
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
	if (!cidr->len || doppel_cidr_has(cidr, address))
		return true;
	doppel_yaml_error(reader->error, node, "%s lies outside the network, %s", node->text,
			  doppel_cidr_format(cidr, text));
	return false;
}

/* What is sent to one peer cannot be sent to another: no prefix of theirs may overlap. */
static void check_allowed_ip(struct wg_reader *reader, const struct yaml_node *node,
			     const struct cidr *cidr)
{
	const struct wg_network *network = reader->network;
	size_t i, j;

	if ((network->ipv4.len && doppel_cidr_overlap(&network->ipv4, cidr)) ||
	    (network->ipv6.len && doppel_cidr_overlap(&network->ipv6, cidr))) {
		doppel_yaml_error(reader->error, node, "%s overlaps the network's own addresses",
				  node->text);
		return;
	}
	for (i = 0; i < network->peer_count; i++) {
		const struct wg_peer *other = &network->peers[i];

		for (j = 0; j < other->extra_allowed_ip_count; j++) {
			if (!doppel_cidr_overlap(&other->extra_allowed_ips[j], cidr))
				continue;
			doppel_yaml_error(reader->error, node,
					  "%s overlaps an extra_allowed_ips of peer \"%s\"",
					  node->text, other->name ? other->name : "?");
			return;
		}
	}
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
		check_allowed_ip(reader, list->children[i], &cidr);
		peer->extra_allowed_ips[peer->extra_allowed_ip_count++] = cidr;
	}
}

static bool same_key(const struct wg_peer *a, const struct wg_peer *b)
{
	return a->has_public_key && b->has_public_key &&
	       !memcmp(a->public_key, b->public_key, WG_KEY_LEN);
}

static bool same_address(const struct wg_peer *a, const struct wg_peer *b)
{
	return (a->has_ipv4 && b->has_ipv4 && doppel_ip6_eq(&a->ipv4, &b->ipv4)) ||
	       (a->has_ipv6 && b->has_ipv6 && doppel_ip6_eq(&a->ipv6, &b->ipv6));
}

static void check_apart(struct wg_reader *reader, const struct yaml_node *map,
			const struct wg_peer *peer, const struct wg_peer *before)
{
	const char *name = before->name ? before->name : "?";

	if (same_key(peer, before))
		doppel_yaml_error(reader->error, doppel_yaml_get(map, "public_key"),
				  "is peer \"%s\"'s, too: a key is one peer's", name);
	if (same_address(peer, before))
		doppel_yaml_error(reader->error, map, "its address is peer \"%s\"'s, too", name);
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

void doppel_wg_read_peers(struct wg_reader *reader, const struct yaml_node *list)
{
	struct wg_network *network = reader->network;
	const struct wg_peer *jump = NULL;
	size_t i, j;

	for (i = 0; i < network->peer_count; i++) {
		struct wg_peer *peer = &network->peers[i];

		if (list->children[i]->kind != DOPPEL_YAML_MAP)
			continue;
		read_peer(reader, list->children[i], peer);
		for (j = 0; j < i; j++)
			check_apart(reader, list->children[i], peer, &network->peers[j]);
		if (peer->jump && jump)
			doppel_yaml_error(reader->error, list->children[i],
					  "peer \"%s\" is this gateway already: one jump peer is enough",
					  jump->name ? jump->name : "?");
		if (peer->jump)
			jump = peer;
	}
	if (list && network->peer_count && !jump)
		doppel_yaml_error(reader->error, list,
				  "none of them is this gateway; give one `jump: true`");
}
