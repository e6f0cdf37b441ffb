// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/export.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

struct exported {
	struct map_node node;
	struct mac mac;
	json_t *json;		/* the list's */
};

struct export {
	json_t *devices;
	struct map by_mac;
	int err;
};

static json_t *time_json(int64_t wall_s)
{
	char text[DOPPEL_TIME_TEXT];

	return wall_s ? json_string(doppel_time_format(wall_s, text)) : json_null();
}

/* Names come from DHCP clients: they may be no UTF-8. */
static json_t *name_json(const char *name)
{
	json_t *json = json_string(name);

	return json ? json : json_string("");
}

/* A device's object, made if it is not there: forwards may be of one that was never seen. */
static json_t *object_of(struct export *export, const struct mac *mac)
{
	struct map_node *node = doppel_map_find(&export->by_mac, mac);
	struct exported *exported;
	char text[DOPPEL_MAC_TEXT];

	if (node)
		return container_of(node, struct exported, node)->json;
	exported = calloc(1, sizeof(*exported));
	if (!exported)
		return NULL;
	exported->mac = *mac;
	exported->json = json_pack("{s:s, s:s, s:n, s:n, s:n, s:n, s:n, s:{}, s:[]}", "mac_address",
				   doppel_mac_format(mac, text), "name", "", "status", "ipv4_address",
				   "discovered_at", "last_seen", "looks", "leases", "forwards");
	if (!exported->json || json_array_append_new(export->devices, exported->json) ||
	    doppel_map_add(&export->by_mac, &exported->node, &exported->mac)) {
		free(exported);
		return NULL;
	}
	return exported->json;
}

static int add_device(const struct store_device *device, void *ctx)
{
	json_t *json = object_of(ctx, &device->mac);
	char text[DOPPEL_IP4_TEXT];

	if (!json)
		return -ENOMEM;
	json_object_set_new(json, "name", name_json(device->name));
	json_object_set_new(json, "status", name_json(device->status));
	if (device->lan_ipv4.s_addr)
		json_object_set_new(json, "ipv4_address",
				    json_string(doppel_ip4_format(device->lan_ipv4, text)));
	json_object_set_new(json, "discovered_at", time_json(device->discovered_at));
	json_object_set_new(json, "last_seen", time_json(device->last_seen));
	if (device->looks[0])
		json_object_set_new(json, "looks", json_loads(device->looks, 0, NULL));
	return 0;
}

static int add_lease(const struct store_lease *lease, void *ctx)
{
	json_t *data = json_loads(lease->data, 0, NULL), *json;
	char text[DOPPEL_MAC_TEXT];

	if (!json_is_object(data)) {
		json_decref(data);
		doppel_log(LOG_WARNING, "export: device %s: a lease that cannot be read is left out",
			   doppel_mac_format(&lease->mac, text));
		return 0;
	}
	json = object_of(ctx, &lease->mac);
	if (!json) {
		json_decref(data);
		return -ENOMEM;
	}
	return json_object_set_new(json_object_get(json, "leases"), lease->protocol, data) ? -ENOMEM : 0;
}

static int add_forward(const struct store_forward *forward, void *ctx)
{
	json_t *json = object_of(ctx, &forward->mac);

	if (!json || json_array_append_new(json_object_get(json, "forwards"), json_pack(
			     "{s:s, s:i, s:i}", "protocol",
			     forward->protocol == IPPROTO_UDP ? "udp" : "tcp", "port", forward->port,
			     "to", forward->to)))
		return -ENOMEM;
	return 0;
}

static void free_map(struct map *map)
{
	doppel_map_foreach(node, map) {
		doppel_map_del(map, node);
		free(container_of(node, struct exported, node));
	}
	doppel_map_free(map);
}

json_t *doppel_export(struct store *store, struct clock *clock)
{
	struct export export = { .devices = json_array() };
	int err;

	doppel_map_init(&export.by_mac, sizeof(struct mac));
	err = doppel_store_device_foreach(store, add_device, &export);
	if (!err)
		err = doppel_store_lease_foreach(store, NULL, add_lease, &export);
	if (!err)
		err = doppel_store_forward_foreach(store, add_forward, &export);
	free_map(&export.by_mac);
	if (err) {
		json_decref(export.devices);
		return NULL;
	}
	return json_pack("{s:s, s:i, s:o, s:o}", "format", EXPORT_FORMAT, "version", EXPORT_VERSION,
			 "exported_at", time_json(doppel_clock_wall_s(clock)), "devices",
			 export.devices);
}
