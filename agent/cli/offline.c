// SPDX-License-Identifier: GPL-2.0-only
#include "cli/offline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/json.h"
#include "base/map.h"
#include "cli/client.h"
#include "gateway/config.h"
#include "kernel/doppel.h"
#include "store/store.h"

struct known {
	struct map_node node;
	struct store_device stored;
	struct module_device module;
	bool in_store, in_module;
	struct in_addr leased_ipv4; /* of the database, for a module that has none */
	struct module_address leased_ipv6[MODULE_ADDRESSES_MAX];
	bool leased_by_dhcp[MODULE_ADDRESSES_MAX];
	uint8_t leased_len;
	size_t leased_ipv6_count;
};

struct picture {
	struct map devices;
	bool module_present, module_ready;
	struct module_gateway gateway;
};

static struct known *get_known(struct picture *picture, const struct mac *mac)
{
	struct map_node *node = doppel_map_find(&picture->devices, mac);
	struct known *known;

	if (node)
		return container_of(node, struct known, node);
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->stored.mac = *mac;
	if (doppel_map_add(&picture->devices, &known->node, &known->stored.mac)) {
		free(known);
		return NULL;
	}
	return known;
}

static int take_module_device(const struct module_device *device, void *ctx)
{
	struct known *known = get_known(ctx, &device->mac);

	if (!known)
		return -ENOMEM;
	known->module = *device;
	known->in_module = true;
	return 0;
}

static int take_stored_device(const struct store_device *device, void *ctx)
{
	struct known *known = get_known(ctx, &device->mac);

	if (!known)
		return -ENOMEM;
	known->stored = *device;
	known->in_store = true;
	return 0;
}

static void take_leased_address(struct known *known, const char *text, bool dhcp)
{
	struct module_address *slot = &known->leased_ipv6[known->leased_ipv6_count];

	if (!doppel_ip4_prefix_parse(text, &known->leased_ipv4, &known->leased_len))
		return;
	if (known->leased_ipv6_count == MODULE_ADDRESSES_MAX ||
	    doppel_ip6_parse(text, &slot->ipv6))
		return;
	slot->prefix_len = dhcp ? 128 : 64;
	known->leased_by_dhcp[known->leased_ipv6_count++] = dhcp;
}

/* Its addresses are "10.0.0.7/24" or "2001:db8::1, 2001:db8:1::1". */
static int take_lease(const struct store_lease *lease, void *ctx)
{
	struct known *known = get_known(ctx, &lease->mac);
	char text[1024], *rest = NULL;

	if (!known)
		return -ENOMEM;
	snprintf(text, sizeof(text), "%s", lease->addresses);
	for (char *one = strtok_r(text, ", ", &rest); one; one = strtok_r(NULL, ", ", &rest))
		take_leased_address(known, one, strcmp(lease->protocol, "slaac"));
	return 0;
}

static void ask_module(struct picture *picture)
{
	struct doppel_link *link;

	if (doppel_link_open(&link))
		return;
	picture->module_present = link->present(link);
	picture->module_ready = !link->gateway_get(link, &picture->gateway);
	if (picture->module_ready)
		link->device_dump(link, take_module_device, picture);
	link->free(link);
}

static void read_store(struct picture *picture, const char *path)
{
	struct doppel_error error = {};
	struct store *store;

	if (doppel_store_open_readonly(path, &store, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return;
	}
	doppel_store_device_foreach(store, take_stored_device, picture);
	doppel_store_lease_foreach(store, NULL, take_lease, picture);
	doppel_store_close(store);
}

static void take_picture(const struct cli *cli, struct picture *picture)
{
	struct doppel_error error = {};
	struct config *config;

	*picture = (struct picture){};
	doppel_map_init(&picture->devices, sizeof(struct mac));
	ask_module(picture);
	if (doppel_config_load(cli->config, &config, &error)) {
		fprintf(stderr, "%s\ndoppel: without the file the database is not known\n",
			error.text);
	} else {
		read_store(picture, config->state);
		doppel_config_free(config);
	}
}

static void free_picture(struct picture *picture)
{
	doppel_map_foreach(node, &picture->devices) {
		doppel_map_del(&picture->devices, node);
		free(container_of(node, struct known, node));
	}
	doppel_map_free(&picture->devices);
}

static void add_counters(struct device_view *view, const struct module_device *device)
{
	view->sessions = device->sessions;
	view->counters = (struct counters_view){
		.lan_packets = device->counters.lan_packets,
		.lan_bytes = device->counters.lan_bytes,
		.wan_packets = device->counters.wan_packets,
		.wan_bytes = device->counters.wan_bytes,
		.dropped = device->counters.dropped,
		.sessions = device->counters.sessions,
	};
}

static bool by_dhcp(const struct known *known, const struct in6_addr *address)
{
	for (size_t i = 0; i < known->leased_ipv6_count; i++)
		if (doppel_ip6_eq(&known->leased_ipv6[i].ipv6, address))
			return known->leased_by_dhcp[i];
	return false;
}

/* What the module has counts; without it, what was leased last. */
static void fill_view(const struct known *known, struct device_view *view)
{
	const struct module_device *device = &known->module;
	const struct module_address *list = known->leased_ipv6;

	*view = (struct device_view){
		.mac = known->stored.mac,
		.name = known->stored.name,
		.lan_ipv4 = known->stored.lan_ipv4,
		.wan_ipv4 = known->leased_ipv4,
		.wan_prefix_len = known->leased_len,
		.wan_ipv6_count = known->leased_ipv6_count,
		.discovered_at = known->stored.discovered_at,
		.last_seen = known->stored.last_seen,
		.in_module = known->in_module,
	};
	if (known->in_module) {
		view->lan_ipv4 = device->lan_ipv4;
		view->wan_ipv4 = device->wan_ipv4;
		view->wan_prefix_len = device->wan_prefix_len;
		view->wan_router = device->wan_router;
		view->link_local = device->link_local;
		view->wan_router6 = device->wan_router6;
		view->wan_ipv6_count = device->wan_ipv6_count;
		list = device->wan_ipv6;
		add_counters(view, device);
	}
	for (size_t i = 0; i < view->wan_ipv6_count; i++) {
		view->wan_ipv6[i].address = list[i].ipv6;
		view->wan_ipv6[i].prefix_len = list[i].prefix_len;
		view->wan_ipv6[i].dhcp = by_dhcp(known, &list[i].ipv6);
	}
}

/* Nobody negotiates now: what the families are at is not known, the status is the last. */
static json_t *known_json(const struct known *known)
{
	struct device_view view;
	json_t *json;

	fill_view(known, &view);
	json = doppel_json_device(&view);
	json_object_set_new(json, "ipv4", json_null());
	json_object_set_new(json, "ipv6", json_null());
	json_object_set_new(json, "status",
			    json_string(*known->stored.status ? known->stored.status : "unknown"));
	return json;
}

static int compare_known(const void *a, const void *b)
{
	const struct known *const *left = a, *const *right = b;

	return memcmp(&(*left)->stored.mac, &(*right)->stored.mac, sizeof(struct mac));
}

static json_t *devices_json(struct picture *picture, const char *status)
{
	struct known **sorted = calloc(picture->devices.count + 1, sizeof(struct known *));
	json_t *list = json_array();
	size_t count = 0;

	if (!sorted)
		return list;
	doppel_map_foreach(node, &picture->devices)
		sorted[count++] = container_of(node, struct known, node);
	qsort(sorted, count, sizeof(*sorted), compare_known);
	for (size_t i = 0; i < count; i++)
		if (!status || !strcmp(sorted[i]->stored.status, status))
			json_array_append_new(list, known_json(sorted[i]));
	free(sorted);
	return list;
}

json_t *doppel_offline_devices(const struct cli *cli, const char *status)
{
	struct picture picture;
	json_t *list;

	take_picture(cli, &picture);
	list = devices_json(&picture, status);
	free_picture(&picture);
	return json_pack("{s:b, s:I, s:o}", "running", 0, "total",
			 (json_int_t)json_array_size(list), "devices", list);
}

static bool is_named(const json_t *device, const char *text)
{
	static const char *const keys[] = {
		"mac_address", "name", "ipv4_address", "ipv4_wan_address", "ipv6_address",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (*text && !strcasecmp(doppel_cli_string(device, keys[i]), text))
			return true;
	return false;
}

json_t *doppel_offline_device(const struct cli *cli, const char *text)
{
	json_t *all = doppel_offline_devices(cli, NULL), *device, *found = NULL;
	size_t i;

	if (!all)
		return NULL;
	json_array_foreach(json_object_get(all, "devices"), i, device) {
		if (is_named(device, text)) {
			found = json_incref(device);
			break;
		}
	}
	json_decref(all);
	if (!found)
		doppel_cli_error(cli, "no device has the MAC, address or name %s", text);
	return found;
}

json_t *doppel_offline_status(const struct cli *cli, const char *argument)
{
	struct picture picture;
	json_t *devices;

	(void)argument;
	take_picture(cli, &picture);
	devices = devices_json(&picture, NULL);
	free_picture(&picture);
	return json_pack("{s:b, s:I, s:o, s:{s:b, s:b, s:s, s:s}, s:I, s:o}",
			 "running", 0,
			 "device_count", (json_int_t)json_array_size(devices),
			 "devices", devices,
			 "module", "present", picture.module_present,
			 "ready", picture.module_ready, "version", picture.gateway.version,
			 "problem", picture.module_present ? "" : "the module is not loaded",
			 "sessions", (json_int_t)picture.gateway.sessions,
			 "timestamp", doppel_json_time(time(NULL)));
}

json_t *doppel_offline_call(const struct cli *cli, const char *path,
			    json_t *(*source)(const struct cli *cli, const char *argument),
			    const char *argument)
{
	unsigned int status;
	json_t *reply;
	int err = doppel_client_request(cli->socket, "GET", path, NULL, &status, &reply);

	if (err == -ENOENT || err == -ECONNREFUSED) {
		fprintf(stderr,
			"doppel: no agent answers at %s; from the module and the database:\n",
			cli->socket);
		return source(cli, argument);
	}
	if (err) {
		doppel_client_error(cli, err);
		return NULL;
	}
	return doppel_client_check(cli, status, reply);
}
