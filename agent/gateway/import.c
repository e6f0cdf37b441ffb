// SPDX-License-Identifier: GPL-2.0-only
/* An export read back: everything in it is checked before anything of it is used. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/map.h"
#include "gateway/export.h"
#include "gateway/looks.h"

/* Where in the document, and what was found wrong so far. */
struct reader {
	size_t index;
	struct clock *clock;
	struct import_device *device;
	struct doppel_error *error;
};

__attribute__((format(printf, 3, 4)))
static void wrong(struct reader *reader, const char *path, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	doppel_error_add(reader->error, "devices[%zu]%s%s: %s", reader->index, *path ? "." : "", path,
			 text);
}

/* What stands in the document, fit for a message. */
#define QUOTE_MAX 40
static const char *quote(const char *text, char quoted[QUOTE_MAX + 1])
{
	size_t i;

	for (i = 0; i < QUOTE_MAX && text[i]; i++)
		quoted[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
	quoted[i] = '\0';
	return quoted;
}

/* A misspelt name must not pass for one that is absent. */
static void check_names(struct reader *reader, const json_t *object, const char *path,
			const char *const *names)
{
	char quoted[QUOTE_MAX + 1];
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value) {
		const char *const *known = names;

		(void)value;
		while (*known && strcmp(*known, name))
			known++;
		if (!*known)
			wrong(reader, path, "there is no \"%s\" here", quote(name, quoted));
	}
}

/* A text, or "" for one that is absent or null. */
static const char *read_text(struct reader *reader, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!value || json_is_null(value))
		return "";
	if (json_is_string(value))
		return json_string_value(value);
	wrong(reader, name, "must be a text");
	return "";
}

static int64_t read_time(struct reader *reader, const json_t *object, const char *name)
{
	const char *text = read_text(reader, object, name);
	char quoted[QUOTE_MAX + 1];
	int64_t wall_s = 0;

	if (*text && doppel_time_parse(text, &wall_s))
		wrong(reader, name, "must be a time like 2026-11-23T19:30:00Z, not %s", quote(text, quoted));
	return wall_s;
}

/* It is shown on terminals, and said to servers. C1 control characters are c2 80 to c2 9f in UTF-8. */
static bool has_control(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
			return true;
	return false;
}

static void read_row(struct reader *reader, const json_t *object)
{
	struct store_device *row = &reader->device->row;
	const char *mac = read_text(reader, object, "mac_address");
	const char *name = read_text(reader, object, "name");
	const char *address = read_text(reader, object, "ipv4_address");
	char quoted[QUOTE_MAX + 1];

	if (doppel_mac_parse(mac, &row->mac) || !doppel_mac_is_host(&row->mac))
		wrong(reader, "mac_address", "must be a device's MAC address, not \"%s\"", quote(mac, quoted));
	if (strlen(name) >= sizeof(row->name))
		wrong(reader, "name", "is longer than %zu bytes", sizeof(row->name) - 1);
	if (has_control(name))
		wrong(reader, "name", "has control characters in it");
	snprintf(row->name, sizeof(row->name), "%s", name);
	if (*address && (doppel_ip4_parse(address, &row->lan_ipv4) ||
			 !doppel_ip4_is_host(row->lan_ipv4)))
		wrong(reader, "ipv4_address", "must be a host's IPv4 address, not %s",
		      quote(address, quoted));
	/* What it was at does not matter: it is unheard of until it shows itself. */
	read_text(reader, object, "status");
	snprintf(row->status, sizeof(row->status), "inactive");
	row->discovered_at = read_time(reader, object, "discovered_at");
	row->last_seen = read_time(reader, object, "last_seen");
}

/* A value's text for its decoder; NULL if there is none. */
static char *text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value && !json_is_null(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
}

static void read_looks(struct reader *reader, const json_t *object)
{
	auto_free char *text = text_of(object, "looks");
	struct dhcp4_looks looks;

	if (text && doppel_looks_parse(text, &looks))
		wrong(reader, "looks", "are not what doppel exports as such");
	else if (text)
		doppel_looks_format(&looks, reader->device->row.looks);
}

static void read_leases(struct reader *reader, const json_t *object)
{
	static const char *const names[] = { "dhcp4", "dhcp6", "slaac", NULL };
	const json_t *leases = json_object_get(object, "leases");
	auto_free char *text4 = text_of(leases, "dhcp4"), *text6 = text_of(leases, "dhcp6");
	auto_free char *text = text_of(leases, "slaac");
	struct import_device *device = reader->device;

	if (leases && !json_is_object(leases))
		wrong(reader, "leases", "must be an object");
	check_names(reader, leases, "leases", names);
	device->has4 = text4 && !doppel_lease_to_dhcp4(text4, reader->clock, &device->lease4);
	device->has6 = text6 && !doppel_lease_to_dhcp6(text6, reader->clock, &device->lease6);
	device->has_slaac = text && !doppel_lease_to_slaac(text, reader->clock, device->slaac,
							   &device->slaac_count);
	if (text4 && !device->has4)
		wrong(reader, "leases.dhcp4", "is no DHCPv4 lease as doppel exports it");
	if (text6 && !device->has6)
		wrong(reader, "leases.dhcp6", "is no DHCPv6 lease as doppel exports it");
	if (text && !device->has_slaac)
		wrong(reader, "leases.slaac", "are no SLAAC addresses as doppel exports them");
	if ((device->has4 || device->has6 || device->has_slaac) && !device->row.discovered_at)
		wrong(reader, "discovered_at", "is missing, and there are leases");
}

static uint16_t read_port(const json_t *forward, const char *name)
{
	const json_int_t port = json_integer_value(json_object_get(forward, name));

	return port < 1 || port > UINT16_MAX ? 0 : (uint16_t)port;
}

static bool is_twice(const struct import_device *device, const struct store_forward *forward)
{
	for (size_t i = 0; i < device->forward_count; i++)
		if (device->forwards[i].protocol == forward->protocol &&
		    device->forwards[i].port == forward->port)
			return true;
	return false;
}

static void read_forward(struct reader *reader, const json_t *json, size_t i)
{
	static const char *const names[] = { "protocol", "port", "to", NULL };
	const char *protocol = json_string_value(json_object_get(json, "protocol"));
	struct import_device *device = reader->device;
	struct store_forward forward = {
		.mac = device->row.mac,
		.protocol = protocol && !strcmp(protocol, "udp") ? IPPROTO_UDP : IPPROTO_TCP,
		.port = read_port(json, "port"),
		.to = read_port(json, "to"),
	};
	char path[40];

	snprintf(path, sizeof(path), "forwards[%zu]", i);
	check_names(reader, json, path, names);
	if (!protocol || (strcmp(protocol, "tcp") && strcmp(protocol, "udp")))
		wrong(reader, path, "protocol must be tcp or udp");
	else if (!forward.port || !forward.to)
		wrong(reader, path, "port and to must be numbers from 1 to 65535");
	else if (is_twice(device, &forward))
		wrong(reader, path, "port %u is in it twice", forward.port);
	else if (device->forward_count == IMPORT_FORWARDS_MAX)
		wrong(reader, path, "there are more than %d", IMPORT_FORWARDS_MAX);
	else
		device->forwards[device->forward_count++] = forward;
}

int doppel_import_device(const json_t *document, size_t index, struct clock *clock,
			 struct import_device *device, struct doppel_error *error)
{
	static const char *const names[] = {
		"mac_address", "name", "status", "ipv4_address", "discovered_at", "last_seen", "looks",
		"leases", "forwards", NULL,
	};
	const json_t *object = json_array_get(json_object_get(document, "devices"), index);
	const json_t *forwards = json_object_get(object, "forwards"), *forward;
	struct reader reader = { index, clock, device, error };
	const size_t before = error->count;
	size_t i;

	*device = (struct import_device){};
	if (!json_is_object(object)) {
		wrong(&reader, "", "must be an object");
		return -EINVAL;
	}
	check_names(&reader, object, "", names);
	read_row(&reader, object);
	read_looks(&reader, object);
	read_leases(&reader, object);
	if (forwards && !json_is_array(forwards))
		wrong(&reader, "forwards", "must be a list");
	json_array_foreach(forwards, i, forward)
		read_forward(&reader, forward, i);
	return error->count > before ? -EINVAL : 0;
}

/* Who has been read, by MAC or LAN address. */
struct seen {
	struct map_node node;
	union {
		struct mac mac;
		struct in_addr ipv4;
	};
	size_t index;
};

/* The first that had this key, or index itself. */
static size_t first_with(struct map *map, const void *key, size_t len, size_t index)
{
	struct map_node *node = doppel_map_find(map, key);
	struct seen *seen;

	if (node)
		return container_of(node, struct seen, node)->index;
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return index;
	memcpy(&seen->mac, key, len);
	seen->index = index;
	if (doppel_map_add(map, &seen->node, &seen->mac))
		free(seen);
	return index;
}

static void free_seen(struct map *map)
{
	doppel_map_foreach(node, map) {
		doppel_map_del(map, node);
		free(container_of(node, struct seen, node));
	}
	doppel_map_free(map);
}

static void check_twice(const struct import_device *device, size_t index, struct map *macs,
			struct map *addresses, struct doppel_error *error)
{
	const struct store_device *row = &device->row;
	size_t first = first_with(macs, &row->mac, sizeof(row->mac), index);

	if (first != index)
		doppel_error_add(error, "devices[%zu].mac_address: the same as devices[%zu]'s", index,
				 first);
	if (!row->lan_ipv4.s_addr)
		return;
	first = first_with(addresses, &row->lan_ipv4, sizeof(row->lan_ipv4), index);
	if (first != index)
		doppel_error_add(error, "devices[%zu].ipv4_address: the same as devices[%zu]'s", index,
				 first);
}

int doppel_import_check(const json_t *document, struct clock *clock, struct doppel_error *error)
{
	const char *format = json_string_value(json_object_get(document, "format"));
	const json_t *version = json_object_get(document, "version");
	const json_t *devices = json_object_get(document, "devices");
	struct map macs, addresses;
	size_t i;

	if (!format || strcmp(format, EXPORT_FORMAT)) {
		doppel_error_add(error, "format: must be \"" EXPORT_FORMAT "\": is it an export of doppel's?");
		return -EINVAL;
	}
	if (!json_is_integer(version) || json_integer_value(version) != EXPORT_VERSION)
		doppel_error_add(error, "version: must be %d: a newer doppel's export?", EXPORT_VERSION);
	if (!json_is_array(devices))
		doppel_error_add(error, "devices: must be a list");
	doppel_map_init(&macs, sizeof(struct mac));
	doppel_map_init(&addresses, sizeof(struct in_addr));
	for (i = 0; i < json_array_size(devices); i++) {
		static struct import_device device;

		if (!doppel_import_device(document, i, clock, &device, error))
			check_twice(&device, i, &macs, &addresses, error);
	}
	free_seen(&macs);
	free_seen(&addresses);
	return error->count ? -EINVAL : 0;
}
