// SPDX-License-Identifier: GPL-2.0-only
/* The file's devices, and the forwards that they have or inherit. */
#include <stdlib.h>
#include <string.h>

#include "base/yaml_value.h"
#include "gateway/config_reader.h"

#define DEVICES_MAX 65536 /* devices-limit of uapi/doppel.yaml */

/* The seed's AUTO_PORT_FORWARDS for IPv4 clients, and the service's own ports for IPv6 clients. */
static const struct config_forward default_forwards[] = {
	{ IPPROTO_TCP, 8080, 80 },  { IPPROTO_TCP, 80, 80 },	 { IPPROTO_TCP, 2323, 23 },
	{ IPPROTO_TCP, 23, 23 },    { IPPROTO_TCP, 8443, 443 },	 { IPPROTO_TCP, 443, 443 },
	{ IPPROTO_TCP, 2222, 22 },  { IPPROTO_TCP, 22, 22 },	 { IPPROTO_TCP, 5900, 5900 },
	{ IPPROTO_TCP, 3389, 3389 },
};

static bool read_forward(struct reader *reader, const struct yaml_node *map,
			 struct config_forward *forward)
{
	static const char *const keys[] = { "port", "to", "protocol", NULL };
	static const char *const protocols[] = { "tcp", "udp", NULL };
	const struct yaml_node *port, *to, *protocol;
	uint32_t from = 0, target;
	unsigned int index = 0;
	size_t before = reader->error->count;

	if (!doppel_yaml_want_map(reader->error, map))
		return false;
	doppel_yaml_want_keys(reader->error, map, keys);
	port = doppel_config_require(reader, map, "port",
				     "the port to open on the device's WAN addresses");
	if (port)
		doppel_yaml_uint(reader->error, port, 1, UINT16_MAX, &from);
	target = from;
	to = doppel_yaml_get(map, "to");
	if (to)
		doppel_yaml_uint(reader->error, to, 1, UINT16_MAX, &target);
	protocol = doppel_yaml_get(map, "protocol");
	if (protocol)
		doppel_yaml_choice(reader->error, protocol, protocols, &index);
	*forward = (struct config_forward){
		.protocol = index ? IPPROTO_UDP : IPPROTO_TCP,
		.port = (uint16_t)from,
		.to = (uint16_t)target,
	};
	return reader->error->count == before;
}

/* The first of the list that opens the same port as its item number i, or i. */
static size_t same_port(const struct config_forward *list, size_t i)
{
	size_t first = 0;

	while (first < i && (list[first].protocol != list[i].protocol ||
			     list[first].port != list[i].port))
		first++;
	return first;
}

static void read_forwards(struct reader *reader, const struct yaml_node *list,
			  struct config_forwards *forwards)
{
	if (!doppel_yaml_want_list(reader->error, list))
		return;
	forwards->list = calloc(list->count + 1, sizeof(*forwards->list));
	if (!forwards->list) {
		doppel_config_no_memory(reader);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *node = list->children[i];
		size_t first;

		/* A faulty one keeps its place, with port 0, and so the numbers match. */
		forwards->count++;
		if (!read_forward(reader, node, &forwards->list[i])) {
			forwards->list[i].port = 0;
			continue;
		}
		first = same_port(forwards->list, i);
		if (first != i)
			doppel_yaml_error(reader->error, node,
					  "%s port %u is opened in line %d already",
					  forwards->list[i].protocol == IPPROTO_UDP ? "UDP" : "TCP",
					  forwards->list[i].port, list->children[first]->line);
	}
}

void doppel_config_read_forwards(struct reader *reader, const struct yaml_node *gateway)
{
	const struct yaml_node *list = doppel_yaml_get(gateway, "forwards");
	struct config_forwards *forwards = &reader->config->forwards;

	if (list) {
		read_forwards(reader, list, forwards);
		return;
	}
	forwards->list = malloc(sizeof(default_forwards));
	if (!forwards->list) {
		doppel_config_no_memory(reader);
		return;
	}
	memcpy(forwards->list, default_forwards, sizeof(default_forwards));
	forwards->count = sizeof(default_forwards) / sizeof(default_forwards[0]);
}

static void read_name(struct reader *reader, const struct yaml_node *node, char *name)
{
	const char *text;

	if (!doppel_yaml_text(reader->error, node, &text))
		return;
	if (strlen(text) >= DOPPEL_NAME_TEXT) {
		doppel_yaml_error(reader->error, node, "is too long; at most %d bytes",
				  DOPPEL_NAME_TEXT - 1);
		return;
	}
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			doppel_yaml_error(reader->error, node, "has a control character in it");
			return;
		}
	}
	strcpy(name, text);
}

static void read_device(struct reader *reader, const struct yaml_node *map,
			struct config_device *device)
{
	static const char *const keys[] = { "mac", "name", "forwards", NULL };
	const struct yaml_node *mac, *name, *forwards;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	mac = doppel_config_require(reader, map, "mac", "the device's MAC address");
	if (mac)
		doppel_yaml_mac(reader->error, mac, &device->mac);
	name = doppel_yaml_get(map, "name");
	if (name)
		read_name(reader, name, device->name);
	forwards = doppel_yaml_get(map, "forwards");
	if (forwards) {
		device->own_forwards = true;
		read_forwards(reader, forwards, &device->forwards);
	}
}

static int compare_devices(const void *a, const void *b)
{
	const struct config_device *left = a, *right = b;

	return memcmp(&left->mac, &right->mac, sizeof(left->mac));
}

struct named_node {
	const char *value;
	const struct yaml_node *node;
};

/* In the order of values, then in that of the file. */
static int compare_named(const void *a, const void *b)
{
	const struct named_node *left = a, *right = b;
	int order = strcasecmp(left->value, right->value);

	return order ? order : left->node->line - right->node->line;
}

/* No value of that key may be given twice in a list of maps. */
static void check_unique(struct reader *reader, const struct yaml_node *list, const char *key)
{
	struct named_node *named = calloc(list->count + 1, sizeof(*named));
	size_t count = 0;

	if (!named) {
		doppel_config_no_memory(reader);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *node = doppel_yaml_get(list->children[i], key);

		if (node)
			named[count++] = (struct named_node){ node->text, node };
	}
	qsort(named, count, sizeof(*named), compare_named);
	for (size_t i = 1; i < count; i++)
		if (!strcasecmp(named[i - 1].value, named[i].value))
			doppel_yaml_error(reader->error, named[i].node,
					  "%s is another device's already, in line %d",
					  named[i].value, named[i - 1].node->line);
	free(named);
}

static void read_device_list(struct reader *reader, const struct yaml_node *list)
{
	struct config *config = reader->config;
	size_t before = reader->error->count;

	if (!doppel_yaml_want_list(reader->error, list))
		return;
	if (list->count > config->devices.max) {
		doppel_yaml_error(reader->error, list,
				  "lists %zu devices, and gateway.devices.max is %u; raise it",
				  list->count, config->devices.max);
		return;
	}
	config->devices.list = calloc(list->count + 1, sizeof(*config->devices.list));
	if (!config->devices.list) {
		doppel_config_no_memory(reader);
		return;
	}
	config->devices.count = list->count;
	for (size_t i = 0; i < list->count; i++)
		read_device(reader, list->children[i], &config->devices.list[i]);
	if (reader->error->count != before)
		return;
	check_unique(reader, list, "mac");
	check_unique(reader, list, "name");
	qsort(config->devices.list, list->count, sizeof(*config->devices.list), compare_devices);
}

void doppel_config_read_devices(struct reader *reader, const struct yaml_node *map)
{
	static const char *const keys[] = { "admit", "max", "inactive_after", "list", NULL };
	static const char *const admissions[] = { "any", "listed", NULL };
	const struct yaml_node *admit, *max, *inactive_after, *list;
	struct config *config = reader->config;
	unsigned int index = 0;

	if (!doppel_yaml_want_map(reader->error, map))
		return;
	doppel_yaml_want_keys(reader->error, map, keys);
	admit = doppel_yaml_get(map, "admit");
	if (admit)
		doppel_yaml_choice(reader->error, admit, admissions, &index);
	config->devices.listed_only = index;
	max = doppel_yaml_get(map, "max");
	if (max)
		doppel_yaml_uint(reader->error, max, 1, DEVICES_MAX, &config->devices.max);
	inactive_after = doppel_yaml_get(map, "inactive_after");
	if (inactive_after)
		doppel_yaml_duration(reader->error, inactive_after, SECOND, 365 * DAY,
				     &config->devices.inactive_after_ms);
	list = doppel_yaml_get(map, "list");
	if (list)
		read_device_list(reader, list);
}

const struct config_device *doppel_config_device(const struct config *config,
						 const struct mac *mac)
{
	struct config_device key = { .mac = *mac };

	if (!config->devices.count)
		return NULL;
	return bsearch(&key, config->devices.list, config->devices.count,
		       sizeof(*config->devices.list), compare_devices);
}

const struct config_forwards *doppel_config_forwards(const struct config *config,
						     const struct mac *mac)
{
	const struct config_device *device = doppel_config_device(config, mac);

	return device && device->own_forwards ? &device->forwards : &config->forwards;
}
