// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/forwards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"

/* Reads wanted_forwards while the store is walked. */
struct collection {
	const struct device *device;
	struct wanted_forwards *wanted;
};

static struct wanted_forward *find(const struct wanted_forwards *wanted, uint8_t protocol,
				   uint16_t port)
{
	size_t i;

	for (i = 0; i < wanted->count; i++)
		if (wanted->list[i].forward.protocol == protocol &&
		    wanted->list[i].forward.port == port)
			return &wanted->list[i];
	return NULL;
}

static int add(struct wanted_forwards *wanted, const struct wanted_forward *forward)
{
	struct wanted_forward *list;

	if (find(wanted, forward->forward.protocol, forward->forward.port))
		return 0;
	list = reallocarray(wanted->list, wanted->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	wanted->list = list;
	list[wanted->count++] = *forward;
	return 0;
}

static int add_stored(const struct store_forward *stored, void *ctx)
{
	struct collection *collection = ctx;
	const struct wanted_forward forward = {
		.forward = {
			.mac = stored->mac,
			.protocol = stored->protocol,
			.port = stored->port,
			.to = stored->to,
		},
		.origin = "cli",
	};

	if (!doppel_mac_eq(&stored->mac, &collection->device->mac))
		return 0;
	return add(collection->wanted, &forward);
}

static int by_port(const void *a, const void *b)
{
	const struct wanted_forward *x = a, *y = b;

	if (x->forward.protocol != y->forward.protocol)
		return x->forward.protocol < y->forward.protocol ? -1 : 1;
	return x->forward.port < y->forward.port ? -1 : x->forward.port > y->forward.port;
}

int doppel_forwards_wanted(const struct device *device, struct wanted_forwards *wanted)
{
	const struct config *config = device->gateway->config;
	const struct config_forwards *file = doppel_config_forwards(config, &device->mac);
	struct collection collection = { .device = device, .wanted = wanted };
	size_t i;
	int err = 0;

	*wanted = (struct wanted_forwards){ 0 };
	for (i = 0; !err && i < file->count; i++) {
		const struct wanted_forward forward = {
			.forward = {
				.mac = device->mac,
				.protocol = file->list[i].protocol,
				.port = file->list[i].port,
				.to = file->list[i].to,
			},
			.origin = file == &config->forwards ? "default" : "config",
		};

		err = add(wanted, &forward);
	}
	if (!err)
		err = doppel_store_forward_foreach(device->gateway->store, add_stored,
						   &collection);
	if (err) {
		free(wanted->list);
		*wanted = (struct wanted_forwards){ 0 };
		return err;
	}
	if (wanted->count)
		qsort(wanted->list, wanted->count, sizeof(*wanted->list), by_port);
	return 0;
}

int doppel_forwards_held(struct device *device, const struct module_forward *forward)
{
	struct module_forward *list = reallocarray(device->forwards, device->forward_count + 1,
						   sizeof(*list));

	if (!list)
		return -ENOMEM;
	device->forwards = list;
	list[device->forward_count++] = *forward;
	return 0;
}

static bool in_file(const struct device *device, const struct module_forward *forward)
{
	const struct config_forwards *file = doppel_config_forwards(device->gateway->config,
								    &device->mac);
	size_t i;

	for (i = 0; i < file->count; i++)
		if (file->list[i].protocol == forward->protocol &&
		    file->list[i].port == forward->port)
			return true;
	return false;
}

void doppel_forwards_adopt(struct device *device)
{
	char mac[DOPPEL_MAC_TEXT];
	size_t i;

	for (i = 0; i < device->forward_count; i++) {
		const struct module_forward *held = &device->forwards[i];
		const struct store_forward stored = {
			.mac = device->mac,
			.protocol = held->protocol,
			.port = held->port,
			.to = held->to,
		};

		if (in_file(device, held))
			continue;
		doppel_log(LOG_NOTICE, "device %s: the forward of port %u is kept",
			   doppel_mac_format(&device->mac, mac), held->port);
		doppel_store_forward_put(device->gateway->store, &stored);
	}
}

static bool has(const struct device *device, const struct module_forward *forward)
{
	size_t i;

	for (i = 0; i < device->forward_count; i++)
		if (device->forwards[i].protocol == forward->protocol &&
		    device->forwards[i].port == forward->port)
			return true;
	return false;
}

/* Forwards that are not wanted, or lead elsewhere, go first: their ports may be needed. */
static int remove_others(struct device *device, const struct wanted_forwards *wanted)
{
	struct doppel_link *module = device->gateway->module;
	size_t i, kept = 0;
	int err = 0;

	for (i = 0; i < device->forward_count; i++) {
		const struct module_forward *held = &device->forwards[i];
		const struct wanted_forward *match = find(wanted, held->protocol, held->port);
		int e = 0;

		if (!match || match->forward.to != held->to) {
			e = module->forward_del(module, held);
			if (!e || e == -ENOENT)
				continue;
			err = e;
		}
		device->forwards[kept++] = *held;
	}
	device->forward_count = kept;
	return err;
}

int doppel_forwards_push(struct device *device)
{
	struct doppel_link *module = device->gateway->module;
	struct wanted_forwards wanted;
	int err = doppel_forwards_wanted(device, &wanted);
	void auto_free *owned = wanted.list;
	char mac[DOPPEL_MAC_TEXT];
	size_t i;

	(void)owned;
	if (err || !device->in_module || !device->gateway->ready)
		return err;
	err = remove_others(device, &wanted);
	for (i = 0; i < wanted.count; i++) {
		const struct module_forward *forward = &wanted.list[i].forward;
		int e;

		if (has(device, forward))
			continue;
		e = module->forward_add(module, forward);
		if (!e)
			e = doppel_forwards_held(device, forward);
		if (e) {
			doppel_log(LOG_ERR, "device %s: forward of port %u: %s: %s",
				   doppel_mac_format(&device->mac, mac), forward->port,
				   strerror(-e), module->message);
			err = e;
		}
	}
	return err;
}

int doppel_gateway_foreach_forward(struct gateway *gateway,
				   int (*cb)(const struct forward_view *forward, void *ctx),
				   void *ctx)
{
	struct device auto_free **devices = doppel_gateway_sorted(gateway);
	size_t i, j;
	int err = devices ? 0 : -ENOMEM;

	for (i = 0; !err && i < gateway->devices.count; i++) {
		struct wanted_forwards wanted;
		void auto_free *owned = NULL;

		err = doppel_forwards_wanted(devices[i], &wanted);
		owned = wanted.list;
		for (j = 0; !err && j < wanted.count; j++) {
			const struct module_forward *forward = &wanted.list[j].forward;
			const struct forward_view view = {
				.mac = forward->mac,
				.protocol = forward->protocol,
				.port = forward->port,
				.to = forward->to,
				.origin = wanted.list[j].origin,
			};

			err = cb(&view, ctx);
		}
	}
	return err;
}

int doppel_gateway_forward_add(struct gateway *gateway, const struct mac *mac, uint8_t protocol,
			       uint16_t port, uint16_t to, struct doppel_error *err)
{
	struct device *device = doppel_gateway_find(gateway, mac);
	const struct store_forward stored = {
		.mac = *mac,
		.protocol = protocol,
		.port = port,
		.to = to ? to : port,
	};
	struct wanted_forwards wanted;
	const struct wanted_forward *other;
	void auto_free *owned = NULL;
	char text[DOPPEL_MAC_TEXT];
	int e;

	doppel_mac_format(mac, text);
	if (!device) {
		doppel_error_add(err, "%s: no such device", text);
		return -ENOENT;
	}
	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || !port) {
		doppel_error_add(err, "a forward is of tcp or udp and of a port from 1 to 65535");
		return -EINVAL;
	}
	e = doppel_forwards_wanted(device, &wanted);
	owned = wanted.list;
	if (e)
		return e;
	other = find(&wanted, protocol, port);
	if (other && other->forward.to != stored.to) {
		doppel_error_add(err, "%s: port %u leads to port %u already (%s)", text, port,
				 other->forward.to, other->origin);
		return -EEXIST;
	}
	if (other)
		return 0;
	e = doppel_store_forward_put(gateway->store, &stored);
	if (!e)
		e = doppel_forwards_push(device);
	if (e)
		doppel_error_add(err, "%s: port %u: %s", text, port,
				 gateway->module->message[0] ? gateway->module->message :
				 strerror(-e));
	return e;
}

int doppel_gateway_forward_del(struct gateway *gateway, const struct mac *mac, uint8_t protocol,
			       uint16_t port, struct doppel_error *err)
{
	struct device *device = doppel_gateway_find(gateway, mac);
	const struct wanted_forward *forward;
	struct wanted_forwards wanted = { 0 };
	void auto_free *owned = NULL;
	char text[DOPPEL_MAC_TEXT];
	int e = device ? doppel_forwards_wanted(device, &wanted) : 0;

	owned = wanted.list;
	if (e)
		return e;
	forward = find(&wanted, protocol, port);
	doppel_mac_format(mac, text);
	if (forward && strcmp(forward->origin, "cli")) {
		doppel_error_add(err, "%s: port %u is opened by the configuration file: change it there",
				 text, port);
		return -EPERM;
	}
	e = doppel_store_forward_del(gateway->store, mac, protocol, port);
	if (e == -ENOENT)
		doppel_error_add(err, "%s: no forward of port %u", text, port);
	if (!e && device)
		e = doppel_forwards_push(device);
	return e;
}
