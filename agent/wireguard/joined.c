// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/joined.h"

#include <errno.h>
#include <netdb.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wireguard/key.h"

/* In the lists: the host stands in the jump peer's place. */
enum { HOST, GATEWAY, PEERS };

struct wg_joined {
	struct wg_document document;
	struct wg_network network;
	struct wg_peer peers[PEERS];
	struct wg_site site;
	struct wg_assignment assignment;
	struct wg_member members[PEERS];
	uint16_t port;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int complain(struct doppel_error *error, const char *what)
{
	doppel_error_add(error, "what the gateway sent has no good %s; is it of the same version?", what);
	return -EINVAL;
}

static bool read_names(struct wg_joined *joined, const json_t *config)
{
	const char *interface = text_of(config, "interface");
	const json_t *jump = json_object_get(config, "jump");

	joined->network.name = strdup(text_of(config, "network"));
	joined->network.endpoint = strdup(text_of(jump, "endpoint"));
	joined->peers[HOST].name = strdup(text_of(config, "peer"));
	joined->peers[GATEWAY].name = strdup(text_of(jump, "name"));
	if (!doppel_wg_interface_name(interface))
		return false;
	strcpy(joined->network.interface, interface);
	return joined->network.name && *joined->network.name && joined->network.endpoint &&
	       *joined->network.endpoint && joined->peers[HOST].name && joined->peers[GATEWAY].name;
}

static bool read_address(const json_t *config, const char *key, int family, bool *has,
			 struct in6_addr *address)
{
	const char *text = text_of(config, key);

	*has = *text;
	return !*has || (!doppel_ip_parse(text, address) && doppel_ip_family(address) == family);
}

/* Like wg-quick's: the host alone, and all of the network behind the tunnel. */
static bool read_addresses(struct wg_joined *joined, const json_t *config)
{
	struct wg_member *host = &joined->members[HOST];
	struct wg_network *network = &joined->network;

	if (!read_address(config, "ipv4_address", AF_INET, &host->has_ipv4, &host->ipv4) ||
	    !read_address(config, "ipv6_address", AF_INET6, &host->has_ipv6, &host->ipv6) ||
	    (!host->has_ipv4 && !host->has_ipv6))
		return false;
	network->stack = !host->has_ipv6 ? WG_STACK_IPV4 :
			 host->has_ipv4 ? WG_STACK_DUAL : WG_STACK_IPV6;
	network->ipv4 = doppel_cidr_host(&host->ipv4);
	network->ipv6 = doppel_cidr_host(&host->ipv6);
	return true;
}

static bool read_keys(struct wg_joined *joined, const json_t *config)
{
	struct wg_member *gateway = &joined->members[GATEWAY];
	const char *preshared = text_of(config, "preshared_key");

	gateway->has_preshared_key = *preshared;
	return doppel_wg_key_parse(text_of(json_object_get(config, "jump"), "public_key"),
				   gateway->public_key) &&
	       (!*preshared || doppel_wg_key_parse(preshared, gateway->preshared_key));
}

static bool read_way(struct wg_joined *joined, const json_t *jump)
{
	const json_int_t port = json_integer_value(json_object_get(jump, "port"));
	const json_int_t keepalive = json_integer_value(json_object_get(jump, "keepalive"));

	if (port < 1 || port > UINT16_MAX || keepalive < 0 || keepalive > UINT16_MAX)
		return false;
	joined->port = (uint16_t)port;
	joined->members[GATEWAY].keepalive = (uint16_t)keepalive;
	return true;
}

static int read_allowed_ips(struct wg_joined *joined, const json_t *jump,
			    struct doppel_error *error)
{
	const json_t *list = json_object_get(jump, "allowed_ips"), *item;
	struct wg_peer *gateway = &joined->peers[GATEWAY];
	size_t i;

	if (!json_is_array(list))
		return complain(error, "jump.allowed_ips");
	gateway->extra_allowed_ips = calloc(json_array_size(list) + 1,
					    sizeof(*gateway->extra_allowed_ips));
	if (!gateway->extra_allowed_ips)
		return -ENOMEM;
	json_array_foreach(list, i, item) {
		struct cidr *cidr = &gateway->extra_allowed_ips[i];
		const char *text = json_string_value(item);

		if (!text || doppel_cidr_parse(text, cidr))
			return complain(error, "jump.allowed_ips");
		gateway->extra_allowed_ip_count++;
	}
	return 0;
}

static int read_config(struct wg_joined *joined, const json_t *config, struct doppel_error *error)
{
	const json_t *jump = json_object_get(config, "jump");

	if (!read_names(joined, config))
		return complain(error, "names");
	if (!read_addresses(joined, config))
		return complain(error, "address");
	if (!read_keys(joined, config))
		return complain(error, "key");
	if (!read_way(joined, jump))
		return complain(error, "port");
	return read_allowed_ips(joined, jump, error);
}

int doppel_wg_joined_new(const json_t *config, const uint8_t private_key[WG_KEY_LEN],
			 struct wg_joined **joined, struct doppel_error *error)
{
	struct wg_joined *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return -ENOMEM;
	made->document = (struct wg_document){ .networks = &made->network, .network_count = 1 };
	made->network.peers = made->peers;
	made->network.peer_count = PEERS;
	made->site = (struct wg_site){ &made->document, &made->assignment, 1 };
	made->assignment = (struct wg_assignment){ &made->network, made->members,
						   &made->members[HOST] };
	for (size_t i = 0; i < PEERS; i++)
		made->members[i].peer = &made->peers[i];
	made->members[HOST].has_private_key = true;
	memcpy(made->members[HOST].private_key, private_key, WG_KEY_LEN);
	doppel_wg_key_public(private_key, made->members[HOST].public_key);
	err = read_config(made, config, error);
	if (err)
		doppel_wg_joined_free(made);
	else
		*joined = made;
	return err;
}

void doppel_wg_joined_free(struct wg_joined *joined)
{
	if (!joined)
		return;
	for (size_t i = 0; i < PEERS; i++) {
		free(joined->peers[i].name);
		free(joined->peers[i].extra_allowed_ips);
	}
	free(joined->network.name);
	free(joined->network.endpoint);
	sodium_memzero(joined, sizeof(*joined));
	free(joined);
}

int doppel_wg_joined_resolve(struct wg_joined *joined, struct doppel_error *error)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM,
					.ai_flags = AI_ADDRCONFIG };
	struct wg_member *gateway = &joined->members[GATEWAY];
	struct addrinfo *found;
	int err;

	if (!doppel_ip_parse(joined->network.endpoint, &gateway->endpoint)) {
		gateway->endpoint_port = joined->port;
		return 0;
	}
	err = getaddrinfo(joined->network.endpoint, NULL, &hints, &found);
	if (err) {
		doppel_error_add(error, "the gateway, %s, is not found: %s", joined->network.endpoint,
				 gai_strerror(err));
		return -EHOSTUNREACH;
	}
	if (found->ai_family == AF_INET)
		gateway->endpoint = doppel_ip6_v4mapped(((struct sockaddr_in *)found->ai_addr)->sin_addr);
	else
		gateway->endpoint = ((struct sockaddr_in6 *)found->ai_addr)->sin6_addr;
	gateway->endpoint_port = joined->port;
	freeaddrinfo(found);
	return 0;
}

void doppel_wg_joined_leave_out(struct wg_joined *joined, struct doppel_error *error)
{
	struct wg_peer *gateway = &joined->peers[GATEWAY];
	char text[DOPPEL_CIDR_TEXT];
	size_t i, kept = 0;

	for (i = 0; i < gateway->extra_allowed_ip_count; i++) {
		const struct cidr *cidr = &gateway->extra_allowed_ips[i];

		if (doppel_cidr_has(cidr, &joined->members[GATEWAY].endpoint))
			doppel_error_add(error,
					 "the route to %s is left out: the gateway itself, %s, is reached by it",
					 doppel_cidr_format(cidr, text), joined->network.endpoint);
		else
			gateway->extra_allowed_ips[kept++] = *cidr;
	}
	gateway->extra_allowed_ip_count = kept;
}

const struct wg_site *doppel_wg_joined_site(const struct wg_joined *joined)
{
	return &joined->site;
}

const char *doppel_wg_joined_interface(const struct wg_joined *joined)
{
	return joined->network.interface;
}
