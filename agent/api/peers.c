// SPDX-License-Identifier: GPL-2.0-only
/* The peers of WireGuard networks, with what the kernel knows of them now. */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/networks.h"
#include "base/cleanup.h"
#include "wireguard/interfaces.h"
#include "wireguard/key.h"
#include "wireguard/owners.h"

/* All zeros: the kernel does not know it. */
struct live {
	int64_t latest_handshake;
	struct in6_addr endpoint;
	uint16_t endpoint_port;
	uint64_t rx_bytes, tx_bytes;
};

struct live_reader {
	const struct wg_assignment *network;
	struct wg_owners members;	/* by their keys */
	struct live *live;		/* of the network's members, in their order */
};

static int take_live(const struct wireguard_peer *peer, void *ctx)
{
	struct live_reader *reader = ctx;
	const struct wg_member *member = doppel_wg_owners_find(&reader->members, peer->public_key);

	if (member)
		reader->live[member - reader->network->members] = (struct live){
			.latest_handshake = peer->latest_handshake,
			.endpoint = peer->endpoint, .endpoint_port = peer->endpoint_port,
			.rx_bytes = peer->rx_bytes, .tx_bytes = peer->tx_bytes,
		};
	return 0;
}

static int index_members(struct live_reader *reader)
{
	const size_t count = reader->network->network->peer_count;
	int err = doppel_wg_owners_init(&reader->members, count, WG_KEY_LEN);
	const void *first;

	for (size_t i = 0; !err && i < count; i++) {
		const struct wg_member *member = &reader->network->members[i];

		err = doppel_wg_owners_claim(&reader->members, member->public_key, member, &first);
	}
	return err;
}

/* One for each member, the caller's; NULL for want of memory. An interface that is not there knows nobody. */
static struct live *read_live(const struct api_context *api, const struct wg_assignment *network)
{
	struct live_reader reader = {
		.network = network,
		.live = calloc(network->network->peer_count + 1, sizeof(*reader.live)),
	};
	int err = reader.live ? index_members(&reader) : -ENOMEM;

	if (!err && api->kernel)
		doppel_wg_interfaces_state(api->kernel, network->network, take_live, &reader);
	doppel_wg_owners_free(&reader.members);
	if (!err)
		return reader.live;
	free(reader.live);
	return NULL;
}

static json_t *endpoint_json(const struct live *live)
{
	const bool ipv6 = doppel_ip_family(&live->endpoint) == AF_INET6;
	char address[DOPPEL_IP6_TEXT], text[DOPPEL_IP6_TEXT + 10];

	if (!live->endpoint_port)
		return json_null();
	snprintf(text, sizeof(text), ipv6 ? "[%s]:%u" : "%s:%u",
		 doppel_ip_format(&live->endpoint, address), live->endpoint_port);
	return json_string(text);
}

static json_t *groups_json(const struct wg_peer *peer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < peer->group_count; i++)
		json_array_append_new(list, json_string(peer->groups[i]->name));
	return list;
}

static json_t *allowed_json(const struct wg_peer *peer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < peer->extra_allowed_ip_count; i++)
		json_array_append_new(list, doppel_json_cidr(&peer->extra_allowed_ips[i], true));
	return list;
}

/* No private and no preshared key is in it. latest_handshake_seconds is since the epoch; 0: never. */
static json_t *peer_json(const struct api_context *api, const struct wg_assignment *network,
			 const struct wg_member *member, const struct live *live)
{
	const struct wg_peer *peer = member->peer;
	char key[WG_KEY_TEXT];

	return json_pack("{s:s, s:b, s:b, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:b, s:b,"
			 " s:o, s:I, s:o, s:I, s:I}",
			 "name", peer->name,
			 "jump", peer->jump,
			 "agent", peer->agent,
			 "ipv4_address", doppel_json_ip(&member->ipv4, member->has_ipv4),
			 "ipv6_address", doppel_json_ip(&member->ipv6, member->has_ipv6),
			 "public_key", doppel_wg_key_format(member->public_key, key),
			 "has_preshared_key", member->has_preshared_key,
			 "groups", groups_json(peer),
			 "extra_allowed_ips", allowed_json(peer),
			 "expires", doppel_json_time(peer->expires),
			 "expired", member->expired,
			 "outdated", doppel_wg_networks_outdated(api->networks, network, member),
			 "latest_handshake", doppel_json_time(live->latest_handshake),
			 "latest_handshake_seconds", (json_int_t)live->latest_handshake,
			 "endpoint", endpoint_json(live),
			 "rx_bytes", (json_int_t)live->rx_bytes,
			 "tx_bytes", (json_int_t)live->tx_bytes);
}

void doppel_api_peers(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	auto_free struct live *live = network ? read_live(request->api, network) : NULL;
	struct json_list list = { .err = live ? 0 : -ENOMEM };

	if (!network)
		return;
	for (size_t i = 0; live && i < network->network->peer_count; i++)
		doppel_json_list_add(&list, peer_json(request->api, network, &network->members[i],
						      &live[i]));
	doppel_json_list_reply(&list, "peers", list.count, reply);
}

void doppel_api_peer(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network;
	const struct wg_member *member = doppel_api_member_of(request, &network, reply);
	auto_free struct live *live = NULL;

	if (!member)
		return;
	live = read_live(request->api, network);
	doppel_http_reply_json(reply, MHD_HTTP_OK,
			       live ? peer_json(request->api, network, member,
						&live[member - network->members]) : NULL);
}
