// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/yaml.h"
#include "base/yaml_value.h"
#include "gateway/config_reader.h"
#include "gateway/pace.h"

#define LAN_PREFIX_MAX 30 /* lan-prefix-len of uapi/doppel.yaml */
#define DHCP_LEASE_MIN (2 * MINUTE) /* dnsmasq's shortest */

static const char default_token_file[] = "/etc/doppel/token";
static const char default_state[] = "/var/lib/doppel/doppel.db";

bool doppel_config_no_memory(struct reader *reader)
{
	doppel_error_add(reader->error, "out of memory");
	return false;
}

const struct yaml_node *doppel_config_require(struct reader *reader, const struct yaml_node *map,
					      const char *key, const char *what)
{
	const struct yaml_node *node = doppel_yaml_get(map, key);

	if (!node)
		doppel_yaml_error_missing(reader->error, map, key, "missing; give %s", what);
	return node;
}

static void read_dhcp(struct reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = { "first", "last", "lease", NULL };
	struct config *config = reader->config;
	const struct yaml_node *first, *last, *lease;
	int64_t lease_ms = 12 * HOUR;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	config->lan.dhcp.on = true;
	first = doppel_config_require(reader, map, "first", "the first address to hand out");
	last = doppel_config_require(reader, map, "last", "the last address to hand out");
	lease = doppel_yaml_get(map, "lease");
	if (lease)
		doppel_yaml_duration(reader->error, lease, DHCP_LEASE_MIN, 365 * DAY, &lease_ms);
	config->lan.dhcp.lease_s = (uint32_t)(lease_ms / SECOND);
	if (first)
		doppel_yaml_ip4(reader->error, first, &config->lan.dhcp.first);
	if (last)
		doppel_yaml_ip4(reader->error, last, &config->lan.dhcp.last);
}

/* One end of the DHCP range against the LAN's prefix, both known to be well-formed. */
static void check_in_lan(struct reader *reader, const struct yaml_node *node, struct in_addr addr)
{
	const struct config *config = reader->config;
	uint8_t len = config->lan.prefix_len;
	char text[DOPPEL_IP4_TEXT];
	struct in_addr net = { config->lan.address.s_addr & doppel_ip4_mask(len).s_addr };

	if (!doppel_ip4_in_prefix(addr, net, len))
		doppel_yaml_error(reader->error, node, "%s lies outside the LAN, %s/%u",
				  node->text, doppel_ip4_format(net, text), len);
	else if (!doppel_ip4_is_host_in(addr, len))
		doppel_yaml_error(reader->error, node, "%s is no host's address in a /%u",
				  node->text, len);
}

static void check_dhcp_range(struct reader *reader, const struct yaml_node *dhcp)
{
	const struct config *config = reader->config;
	const struct yaml_node *last = doppel_yaml_get(dhcp, "last");

	check_in_lan(reader, doppel_yaml_get(dhcp, "first"), config->lan.dhcp.first);
	check_in_lan(reader, last, config->lan.dhcp.last);
	if (ntohl(config->lan.dhcp.first.s_addr) > ntohl(config->lan.dhcp.last.s_addr))
		doppel_yaml_error(reader->error, last, "lies before first; swap them");
}

static void read_lan(struct reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = { "interface", "address", "dhcp", NULL };
	const struct yaml_node *interface, *address, *dhcp;
	struct config *config = reader->config;
	size_t before = reader->error->count;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	interface = doppel_config_require(reader, map, "interface",
					  "the name of the port to the devices");
	if (interface)
		doppel_yaml_interface(reader->error, interface, config->lan.interface);
	address = doppel_config_require(reader, map, "address",
					"the gateway's address and prefix length on the LAN (192.168.1.1/24)");
	if (address && doppel_yaml_ip4_prefix(reader->error, address, &config->lan.address,
					      &config->lan.prefix_len)) {
		if (!config->lan.prefix_len || config->lan.prefix_len > LAN_PREFIX_MAX)
			doppel_yaml_error(reader->error, address,
					  "the prefix length must be from 1 to %d",
					  LAN_PREFIX_MAX);
		else if (!doppel_ip4_is_host(config->lan.address) ||
			 !doppel_ip4_is_host_in(config->lan.address, config->lan.prefix_len))
			doppel_yaml_error(reader->error, address,
					  "%s is a network's or a broadcast address, not a host's",
					  address->text);
	}
	dhcp = doppel_yaml_get(map, "dhcp");
	if (!dhcp)
		return;
	read_dhcp(reader, dhcp);
	if (reader->error->count == before)
		check_dhcp_range(reader, dhcp);
}

static bool read_auto_off(struct reader *reader, const struct yaml_node *map, const char *key)
{
	static const char *const words[] = { "auto", "off", NULL };
	const struct yaml_node *node = doppel_yaml_get(map, key);
	unsigned int index = 0;

	if (node)
		doppel_yaml_choice(reader->error, node, words, &index);
	return !index;
}

static void read_wan(struct reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = {
		"interface", "identity", "lend", "ipv4", "ipv6", "rate", NULL,
	};
	static const char *const identities[] = {
		[CONFIG_DEVICES_ONLY] = "devices-only", [CONFIG_OWN] = "own", NULL,
	};
	const struct yaml_node *interface, *identity, *rate;
	struct config *config = reader->config;
	unsigned int index = CONFIG_DEVICES_ONLY;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	interface = doppel_config_require(reader, map, "interface",
					  "the name of the port to the upstream network");
	if (interface && doppel_yaml_interface(reader->error, interface, config->wan.interface) &&
	    !strcmp(config->wan.interface, config->lan.interface))
		doppel_yaml_error(reader->error, interface,
				  "%s is the LAN's too; they must be two ports",
				  config->wan.interface);
	identity = doppel_yaml_get(map, "identity");
	if (identity)
		doppel_yaml_choice(reader->error, identity, identities, &index);
	config->wan.identity = index;
	config->wan.ipv4 = read_auto_off(reader, map, "ipv4");
	config->wan.ipv6 = read_auto_off(reader, map, "ipv6");
	if (!config->wan.ipv4 && !config->wan.ipv6)
		doppel_yaml_error(reader->error, map, "ipv4 and ipv6 are both off; leave one on");
	rate = doppel_yaml_get(map, "rate");
	if (rate)
		doppel_yaml_uint(reader->error, rate, PACE_RATE_MIN, PACE_RATE_MAX,
				 &config->wan.rate);
	doppel_config_read_lend(reader, map);
}

static void read_retry(struct reader *reader, const struct yaml_node *gateway, const char *key,
		       const char *const *keys, struct config_retry *retry)
{
	const struct yaml_node *map = doppel_yaml_get(gateway, key);
	const struct yaml_node *timeout, *retries, *delay, *cap;

	if (!map || !doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	timeout = doppel_yaml_get(map, "timeout");
	if (timeout)
		doppel_yaml_duration(reader->error, timeout, 100, HOUR, &retry->timeout_ms);
	retries = doppel_yaml_get(map, "retries");
	if (retries)
		doppel_yaml_uint(reader->error, retries, 1, 1000, &retry->retries);
	delay = doppel_yaml_get(map, "retry_delay");
	if (delay)
		doppel_yaml_duration(reader->error, delay, 100, HOUR, &retry->retry_delay_ms);
	cap = doppel_yaml_get(map, "retry_cap");
	if (cap)
		doppel_yaml_duration(reader->error, cap, 100, DAY, &retry->retry_cap_ms);
	if (retry->retry_cap_ms < retry->retry_delay_ms)
		doppel_yaml_error(reader->error, cap ? cap : delay,
				  "retry_delay must not be longer than retry_cap");
}

static void read_dhcp4(struct reader *reader, const struct yaml_node *gateway)
{
	static const char *const keys[] = {
		"timeout", "retries", "retry_delay", "retry_cap", "client_id", NULL,
	};
	static const char *const client_ids[] = { "mac", "duid", NULL };
	const struct yaml_node *map = doppel_yaml_get(gateway, "dhcp4"), *client_id;
	unsigned int index = 0;

	read_retry(reader, gateway, "dhcp4", keys, &reader->config->dhcp4);
	client_id = map ? doppel_yaml_get(map, "client_id") : NULL;
	if (client_id)
		doppel_yaml_choice(reader->error, client_id, client_ids, &index);
	reader->config->dhcp4_duid = index;
}

static void read_dhcp6(struct reader *reader, const struct yaml_node *gateway)
{
	static const char *const keys[] = {
		"timeout", "retries", "retry_delay", "retry_cap", NULL,
	};

	read_retry(reader, gateway, "dhcp6", keys, &reader->config->dhcp6);
}

static void read_slaac(struct reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = { "wait", "address", NULL };
	static const char *const addresses[] = {
		[CONFIG_SLAAC_EUI64] = "eui64",
		[CONFIG_SLAAC_STABLE_PRIVACY] = "stable-privacy",
		NULL,
	};
	const struct yaml_node *wait, *address;
	unsigned int index = CONFIG_SLAAC_EUI64;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	wait = doppel_yaml_get(map, "wait");
	if (wait)
		doppel_yaml_duration(reader->error, wait, 0, 10 * MINUTE,
				     &reader->config->slaac.wait_ms);
	address = doppel_yaml_get(map, "address");
	if (address)
		doppel_yaml_choice(reader->error, address, addresses, &index);
	reader->config->slaac.address = index;
}

static void read_filter(struct reader *reader, const struct yaml_node *gateway)
{
	static const char *const modes[] = { "off", "forward", NULL };
	const struct yaml_node *node = doppel_yaml_get(gateway, "filter");
	unsigned int index = 0;

	if (node)
		doppel_yaml_choice(reader->error, node, modes, &index);
	reader->config->filter_forward = index;
}

static void read_gateway(struct reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = {
		"lan",	 "wan",	  "devices",	  "forwards", "dhcp4", "dhcp6",
		"slaac", "filter", "nat64_prefix", "mappings", NULL,
	};
	const struct yaml_node *lan, *wan, *devices, *slaac;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	lan = doppel_config_require(reader, map, "lan", "the port to the devices");
	if (lan)
		read_lan(reader, lan);
	wan = doppel_config_require(reader, map, "wan", "the port to the upstream network");
	if (wan)
		read_wan(reader, wan);
	devices = doppel_yaml_get(map, "devices");
	if (devices)
		doppel_config_read_devices(reader, devices);
	doppel_config_read_forwards(reader, map);
	read_dhcp4(reader, map);
	read_dhcp6(reader, map);
	slaac = doppel_yaml_get(map, "slaac");
	if (slaac)
		read_slaac(reader, slaac);
	doppel_config_read_nat64(reader, map);
	doppel_config_read_mappings(reader, map);
	read_filter(reader, map);
}

/* "127.0.0.1:5050" or "[::1]:5050". */
static bool parse_listen(const char *text, struct config *config)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const char *colon = strrchr(text, ':');
	char host[DOPPEL_IP6_TEXT + 2];
	size_t len, digits;
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return false;
	len = (size_t)(colon - text);
	digits = strspn(colon + 1, "0123456789");
	if (!digits || digits > 5 || colon[1 + digits])
		return false;
	port = strtoul(colon + 1, NULL, 10);
	if (!port || port > UINT16_MAX)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!doppel_ip4_parse(host, &in.sin_addr)) {
		in.sin_port = htons((uint16_t)port);
		memcpy(&config->api.listen, &in, sizeof(in));
		config->api.listen_len = sizeof(in);
		return true;
	}
	if (len < 2 || host[0] != '[' || host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	if (doppel_ip6_parse(host + 1, &in6.sin6_addr))
		return false;
	in6.sin6_port = htons((uint16_t)port);
	memcpy(&config->api.listen, &in6, sizeof(in6));
	config->api.listen_len = sizeof(in6);
	return true;
}

static void read_api(struct reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = { "listen", "token_file", NULL };
	const char *path = default_token_file, *text;
	const struct yaml_node *listen, *token_file;
	struct config *config = reader->config;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	listen = doppel_yaml_get(map, "listen");
	if (listen && doppel_yaml_text(reader->error, listen, &text)) {
		config->api.on = parse_listen(text, config);
		if (!config->api.on)
			doppel_yaml_error(reader->error, listen,
					  "must be an address and a port (\"127.0.0.1:5050\", \"[::1]:5050\"), not \"%.60s\"",
					  text);
	}
	token_file = doppel_yaml_get(map, "token_file");
	if (token_file)
		doppel_yaml_absolute_path(reader->error, token_file, &path);
	config->api.token_file = strdup(path);
	if (!config->api.token_file)
		doppel_config_no_memory(reader);
}

static void read_state(struct reader *reader, const struct yaml_node *top)
{
	const struct yaml_node *state = doppel_yaml_get(top, "state");
	const char *path = default_state;

	if (state)
		doppel_yaml_absolute_path(reader->error, state, &path);
	reader->config->state = strdup(path);
	if (!reader->config->state)
		doppel_config_no_memory(reader);
}

static void read_top(struct reader *reader, const struct yaml *yaml)
{
	static const char *const keys[] = { "gateway", "api", "state", "wireguard", NULL };
	const struct yaml_node *top = yaml->root, *gateway, *api;

	if (!top || doppel_yaml_is_null(top)) {
		doppel_error_add(reader->error, "%s:1:1: the file is empty; give a gateway: or wireguard: section",
				 yaml->file);
		return;
	}
	if (!doppel_yaml_want_map(reader->error, top))
		return;
	doppel_yaml_want_keys(reader->error, top, keys);
	gateway = doppel_yaml_get(top, "gateway");
	reader->config->has_gateway = gateway;
	reader->config->wireguard = doppel_yaml_get(top, "wireguard");
	if (gateway)
		read_gateway(reader, gateway);
	else if (!reader->config->wireguard)
		doppel_yaml_error_missing(reader->error, top, "gateway",
					  "missing; give the gateway's lan and wan, or WireGuard networks under wireguard:");
	api = doppel_yaml_get(top, "api");
	if (api)
		read_api(reader, api);
	read_state(reader, top);
}

static struct config *new_config(void)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->wan.ipv4 = true;
	config->wan.ipv6 = true;
	config->wan.rate = PACE_RATE;
	config->devices.max = 1000;
	config->devices.inactive_after_ms = 5 * MINUTE;
	config->dhcp4 = (struct config_retry){ 15 * SECOND, 10, 5 * SECOND, MINUTE };
	config->dhcp6 = (struct config_retry){ 10 * SECOND, 5, 5 * SECOND, MINUTE };
	config->slaac.wait_ms = 3 * SECOND;
	return config;
}

/* Takes @yaml over. */
static int from_yaml(struct yaml *yaml, struct config **config, struct doppel_error *error)
{
	struct reader reader = { .config = new_config(), .error = error };
	size_t before = error->count;

	if (!reader.config) {
		doppel_yaml_free(yaml);
		doppel_config_no_memory(&reader);
		return -ENOMEM;
	}
	reader.config->yaml = yaml;
	read_top(&reader, yaml);
	if (error->count != before) {
		doppel_config_free(reader.config);
		return -EINVAL;
	}
	*config = reader.config;
	return 0;
}

int doppel_config_parse(const char *file, const char *text, size_t len, struct config **config,
			struct doppel_error *error)
{
	struct yaml *yaml;
	int err = doppel_yaml_parse(file, text, len, &yaml, error);

	return err ? err : from_yaml(yaml, config, error);
}

int doppel_config_load(const char *file, struct config **config, struct doppel_error *error)
{
	struct yaml *yaml;
	int err = doppel_yaml_load(file, &yaml, error);

	return err ? err : from_yaml(yaml, config, error);
}

void doppel_config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->devices.count; i++)
		free(config->devices.list[i].forwards.list);
	free(config->devices.list);
	free(config->forwards.list);
	free(config->mappings.list);
	free(config->api.token_file);
	free(config->state);
	doppel_yaml_free(config->yaml);
	free(config);
}
