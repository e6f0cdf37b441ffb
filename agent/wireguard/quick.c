// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/quick.h"

#include <errno.h>
#include <sodium.h>

#include "wireguard/key.h"

/* A key's items, separated by commas; none: no line. */
struct line {
	struct buf *text;
	const char *key;
	unsigned int count;
};

static void add_item(struct line *line, const char *item)
{
	if (line->count++)
		doppel_buf_printf(line->text, ", %s", item);
	else
		doppel_buf_printf(line->text, "%s = %s", line->key, item);
}

static void add_cidr(struct line *line, const struct cidr *cidr)
{
	char text[DOPPEL_CIDR_TEXT];

	add_item(line, doppel_cidr_format(cidr, text));
}

static void add_host(struct line *line, const struct in6_addr *address)
{
	const struct cidr host = doppel_cidr_host(address);

	add_cidr(line, &host);
}

static void end_line(struct line *line)
{
	if (line->count)
		doppel_buf_printf(line->text, "\n");
}

static void render_key(struct buf *text, const char *name, const uint8_t key[WG_KEY_LEN])
{
	char base64[WG_KEY_TEXT];

	doppel_buf_printf(text, "%s = %s\n", name, doppel_wg_key_format(key, base64));
	sodium_memzero(base64, sizeof(base64));
}

static void render_private_key(const struct wg_member *member, struct buf *text)
{
	char base64[WG_KEY_TEXT];

	if (member->has_private_key)
		render_key(text, "PrivateKey", member->private_key);
	else
		doppel_buf_printf(text, "# PrivateKey = the one whose public key is %s\n",
				  doppel_wg_key_format(member->public_key, base64));
}

static void render_mark(const struct wg_assignment *assignment, const struct wg_member *member,
			struct buf *text)
{
	doppel_buf_printf(text, WG_QUICK_MARK ": network %s, peer %s\n[Interface]\n",
			  assignment->network->name, member->peer->name);
}

/* As one host: the rest of the network is behind the tunnel like everything else. */
static void render_addresses(const struct wg_member *member, struct buf *text)
{
	struct line line = { .text = text, .key = "Address" };

	if (member->has_ipv4)
		add_host(&line, &member->ipv4);
	if (member->has_ipv6)
		add_host(&line, &member->ipv6);
	end_line(&line);
}

/* wg-quick takes what is no address for a domain to search in. */
static void render_dns(const struct wg_assignment *assignment, struct buf *text)
{
	const struct wg_member *jump = assignment->jump;
	struct line line = { .text = text, .key = "DNS" };
	char address[DOPPEL_IP6_TEXT];

	if (!assignment->network->dns)
		return;
	if (jump->has_ipv4)
		add_item(&line, doppel_ip_format(&jump->ipv4, address));
	if (jump->has_ipv6)
		add_item(&line, doppel_ip_format(&jump->ipv6, address));
	add_item(&line, assignment->network->domain);
	end_line(&line);
}

static bool has_family(const struct wg_member *member, const struct cidr *cidr)
{
	return doppel_cidr_family(cidr) == AF_INET ? member->has_ipv4 : member->has_ipv6;
}

static bool is_led(const struct wg_peer *peer, const struct wg_route *route)
{
	size_t i, j;

	for (i = 0; i < peer->group_count; i++)
		for (j = 0; j < route->group_count; j++)
			if (peer->groups[i] == route->groups[j])
				return true;
	return false;
}

static bool goes_by(const struct wg_member *member, const struct wg_route *route)
{
	return has_family(member, &route->destination) && is_led(member->peer, route);
}

/* Two routes to one destination differ in whom they are for. */
static bool is_repeated(const struct wg_member *member, const struct wg_network *network, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (doppel_cidr_eq(&network->routes[j].destination,
				   &network->routes[i].destination) &&
		    goes_by(member, &network->routes[j]))
			return true;
	return false;
}

static void list_routes(struct buf *list, const struct wg_network *network,
		       const struct wg_member *member)
{
	size_t i;

	for (i = 0; i < network->route_count; i++)
		if (goes_by(member, &network->routes[i]) && !is_repeated(member, network, i))
			doppel_buf_add(list, &network->routes[i].destination, sizeof(struct cidr));
}

static void list_extra(struct buf *list, const struct wg_member *member,
		      const struct wg_peer *peer)
{
	size_t i;

	for (i = 0; i < peer->extra_allowed_ip_count; i++)
		if (has_family(member, &peer->extra_allowed_ips[i]))
			doppel_buf_add(list, &peer->extra_allowed_ips[i], sizeof(struct cidr));
}

int doppel_wg_quick_allowed_ips(const struct wg_network *network, const struct wg_member *member,
				struct buf *list)
{
	size_t i;

	if (member->has_ipv4)
		doppel_buf_add(list, &network->ipv4, sizeof(network->ipv4));
	if (member->has_ipv6)
		doppel_buf_add(list, &network->ipv6, sizeof(network->ipv6));
	list_routes(list, network, member);
	for (i = 0; network->extra_allowed_ip_count && i < network->peer_count; i++)
		if (&network->peers[i] != member->peer)
			list_extra(list, member, &network->peers[i]);
	return list->failed ? -ENOMEM : 0;
}

static void add_list(struct line *line, const struct buf *list)
{
	const struct cidr *cidrs = (const struct cidr *)list->data;
	size_t i;

	for (i = 0; i < list->len / sizeof(*cidrs); i++)
		add_cidr(line, &cidrs[i]);
	line->text->failed |= list->failed;
}

static void render_allowed_ips(const struct wg_network *network, const struct wg_member *member,
			       struct buf *text)
{
	struct line line = { .text = text, .key = "AllowedIPs" };
	struct buf auto_buf list = {};

	doppel_wg_quick_allowed_ips(network, member, &list);
	add_list(&line, &list);
	end_line(&line);
}

static void render_endpoint(const struct wg_network *network, struct buf *text)
{
	struct in6_addr address;
	const bool bracketed = !doppel_ip_parse(network->endpoint, &address) &&
			       doppel_ip_family(&address) == AF_INET6;

	doppel_buf_printf(text, bracketed ? "Endpoint = [%s]:%u\n" : "Endpoint = %s:%u\n",
			  network->endpoint, network->listen_port);
}

static void render_spoke(const struct wg_assignment *assignment, const struct wg_member *member,
			 struct buf *text)
{
	const struct wg_member *jump = assignment->jump;

	render_mark(assignment, member, text);
	render_private_key(member, text);
	render_addresses(member, text);
	render_dns(assignment, text);
	doppel_buf_printf(text, "\n[Peer]\n# %s\n", jump->peer->name);
	render_key(text, "PublicKey", jump->public_key);
	if (member->has_preshared_key)
		render_key(text, "PresharedKey", member->preshared_key);
	render_endpoint(assignment->network, text);
	render_allowed_ips(assignment->network, member, text);
	doppel_buf_printf(text, "PersistentKeepalive = %d\n", WG_QUICK_KEEPALIVE_S);
}

/* On the hub the network is on the link. */
static void render_hub_addresses(const struct wg_network *network, const struct wg_member *jump,
				 struct buf *text)
{
	struct line line = { .text = text, .key = "Address" };

	if (jump->has_ipv4)
		add_cidr(&line, &(struct cidr){ jump->ipv4, network->ipv4.len });
	if (jump->has_ipv6)
		add_cidr(&line, &(struct cidr){ jump->ipv6, network->ipv6.len });
	end_line(&line);
}

static void render_hub_peer(const struct wg_member *member, struct buf *text)
{
	struct line line = { .text = text, .key = "AllowedIPs" };
	struct buf auto_buf behind = {};

	doppel_buf_printf(text, "\n[Peer]\n# %s\n", member->peer->name);
	render_key(text, "PublicKey", member->public_key);
	if (member->has_preshared_key)
		render_key(text, "PresharedKey", member->preshared_key);
	if (member->has_ipv4)
		add_host(&line, &member->ipv4);
	if (member->has_ipv6)
		add_host(&line, &member->ipv6);
	list_extra(&behind, member, member->peer);
	add_list(&line, &behind);
	end_line(&line);
}

static void render_hub(const struct wg_assignment *assignment, struct buf *text)
{
	const struct wg_network *network = assignment->network;
	size_t i;

	render_mark(assignment, assignment->jump, text);
	render_private_key(assignment->jump, text);
	render_hub_addresses(network, assignment->jump, text);
	doppel_buf_printf(text, "ListenPort = %u\n", network->listen_port);
	for (i = 0; i < network->peer_count; i++)
		if (&assignment->members[i] != assignment->jump && !assignment->members[i].expired)
			render_hub_peer(&assignment->members[i], text);
}

int doppel_wg_quick_render(const struct wg_assignment *assignment, const struct wg_member *member,
			   struct buf *text, struct doppel_error *error)
{
	const struct wg_network *network = assignment->network;

	if (member == assignment->jump) {
		render_hub(assignment, text);
	} else if (network->endpoint) {
		render_spoke(assignment, member, text);
	} else {
		doppel_error_add(error,
				 "network %s has no endpoint that peer %s could dial; set endpoint to this gateway's name or address",
				 network->name, member->peer->name);
		return -EINVAL;
	}
	return text->failed ? -ENOMEM : 0;
}

char *doppel_wg_quick_hash(const struct buf *text, char hash[WG_QUICK_HASH_TEXT])
{
	uint8_t bytes[(WG_QUICK_HASH_TEXT - 1) / 2];

	crypto_generichash(bytes, sizeof(bytes), (const uint8_t *)text->data, text->len, NULL, 0);
	return sodium_bin2hex(hash, WG_QUICK_HASH_TEXT, bytes, sizeof(bytes));
}
