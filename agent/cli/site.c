// SPDX-License-Identifier: GPL-2.0-only
#include "cli/site.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "cli/lan_devices.h"
#include "gateway/gateway.h"
#include "wireguard/firewall.h"
#include "wireguard/names.h"

#define RUN_DIR "/run/doppel"

struct site {
	struct lan_devices lan_devices;
	struct wg_devices devices;
	struct wg_lan lan;
	struct wg_kernel kernel;
	struct firewall *firewall;
	struct wg_names *names;
	struct wg_networks *networks;
	struct gateway_listener listener;
	struct ev_loop *loop;
	ev_io ports;
};

static bool is_device(void *ctx, const char *name)
{
	const struct site *site = ctx;

	return doppel_lan_devices_known(&site->lan_devices, name);
}

static bool device_ipv4(void *ctx, const char *device, struct in_addr *ipv4)
{
	const struct site *site = ctx;

	return doppel_lan_devices_ipv4(&site->lan_devices, device, ipv4);
}

static bool is_foreign(void *ctx, const struct wg_assignment *assignment)
{
	const struct site *site = ctx;

	return doppel_wg_interface_foreign(&site->kernel, assignment);
}

/* Rules are for addresses; those of devices come and go. */
static void on_gateway(struct gateway_listener *listener, const struct gateway_event *event)
{
	struct site *site = container_of(listener, struct site, listener);

	if (event->device)
		doppel_wg_networks_devices_changed(site->networks);
}

static bool has_interface(const struct site *site, const char *name)
{
	const struct wg_site *wanted = doppel_wg_networks_site(site->networks);
	size_t i;

	for (i = 0; i < wanted->network_count; i++)
		if (wanted->networks[i].jump &&
		    !strcmp(wanted->networks[i].network->interface, name))
			return true;
	return false;
}

/* An interface that was removed or set down. Of events that are lost the next look knows. */
static void on_port(const struct port_event *event, void *ctx)
{
	const struct site *site = ctx;
	const bool worse = event->kind == PORT_EVENT_GONE ||
			   (event->kind == PORT_EVENT_LINK && !event->link.up);

	if (worse && has_interface(site, event->link.name))
		doppel_wg_networks_refresh(site->networks);
}

static void on_ports(struct ev_loop *loop, ev_io *io, int events)
{
	const struct site *site = io->data;
	struct rtnetlink *rt = site->kernel.rtnetlink;

	(void)loop;
	(void)events;
	rt->read_events(rt, on_port, io->data);
}

static void watch_ports(struct site *site)
{
	struct rtnetlink *rt = site->kernel.rtnetlink;

	ev_io_init(&site->ports, on_ports, rt->event_fd(rt), EV_READ);
	site->ports.data = site;
	ev_io_start(site->loop, &site->ports);
}

/* What goes is gone before its rules are, and whether or not the new ones can be had. */
static int apply_firewall(void *ctx, const struct wg_site *wanted, struct doppel_error *error)
{
	struct site *site = ctx;
	int err = doppel_wg_interfaces_close(&site->kernel, wanted, error);

	return err ? err : doppel_wg_firewall_apply(site->firewall, wanted, error);
}

static int apply_kernel(void *ctx, const struct wg_site *wanted, struct doppel_error *error)
{
	struct site *site = ctx;

	return doppel_wg_interfaces_apply(&site->kernel, wanted, error);
}

static int apply_names(void *ctx, const struct wg_site *wanted, struct doppel_error *error)
{
	struct site *site = ctx;

	return doppel_wg_names_apply(site->names, wanted, error);
}

static int open_parts(struct site *site, struct ev_loop *loop)
{
	int err = doppel_rtnetlink_open(&site->kernel.rtnetlink);

	if (!err)
		err = doppel_wireguard_open(&site->kernel.wireguard);
	if (err)
		return err;
	site->firewall = doppel_wg_firewall_new(&site->lan);
	site->names = doppel_wg_names_new(loop, RUN_DIR);
	return site->firewall && site->names ? 0 : -ENOMEM;
}

static int begin(struct site *site, const struct site_env *env, struct doppel_error *error)
{
	const struct wg_part parts[] = {
		{ "firewall", apply_firewall, site, true },
		{ "kernel", apply_kernel, site, false },
		{ "names", apply_names, site, false },
	};
	const struct wg_networks_env networks = {
		.loop = env->loop, .store = env->store, .clock = &doppel_clock, .rng = &doppel_rng,
		.devices = &site->devices, .parts = parts,
		.part_count = sizeof(parts) / sizeof(*parts), .alone = !env->gateway,
	};
	int err = open_parts(site, env->loop);

	if (err) {
		doppel_error_add(error, "wireguard: cannot begin: %s", strerror(-err));
		return err;
	}
	err = doppel_wg_networks_new(&networks, env->config->wireguard, &site->networks, error);
	if (err)
		return err;
	watch_ports(site);
	if (site->lan_devices.gateway)
		doppel_gateway_listen(site->lan_devices.gateway, &site->listener);
	return 0;
}

int doppel_site_new(const struct site_env *env, struct site **site, struct doppel_error *error)
{
	struct site *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return -ENOMEM;
	made->loop = env->loop;
	made->lan_devices = (struct lan_devices){ env->gateway, env->config };
	made->devices = (struct wg_devices){ .known = is_device, .ctx = made };
	made->lan = (struct wg_lan){ .ipv4 = device_ipv4, .foreign = is_foreign, .ctx = made };
	made->listener.event = on_gateway;
	doppel_list_init(&made->listener.link);
	err = begin(made, env, error);
	if (err) {
		doppel_site_free(made);
		return err;
	}
	*site = made;
	return 0;
}

void doppel_site_free(struct site *site)
{
	if (!site)
		return;
	doppel_gateway_unlisten(&site->listener);
	ev_io_stop(site->loop, &site->ports);
	doppel_wg_networks_free(site->networks);
	doppel_wg_names_free(site->names);
	doppel_wg_firewall_free(site->firewall);
	if (site->kernel.wireguard)
		site->kernel.wireguard->free(site->kernel.wireguard);
	if (site->kernel.rtnetlink)
		site->kernel.rtnetlink->free(site->kernel.rtnetlink);
	free(site);
}

int doppel_site_reload(struct site *site, const struct config *config, struct doppel_error *error)
{
	const struct config *before = site->lan_devices.config;
	int err;

	site->lan_devices.config = config;
	err = doppel_wg_networks_reload(site->networks, config->wireguard, error);
	if (err)
		site->lan_devices.config = before;
	return err;
}

void doppel_site_back(struct site *site, const struct config *config, struct doppel_error *error)
{
	if (doppel_site_reload(site, config, error))
		doppel_error_add(error, "wireguard: the networks stay as the new file has them");
	site->lan_devices.config = config;
}

struct wg_networks *doppel_site_networks(struct site *site)
{
	return site->networks;
}

const struct wg_kernel *doppel_site_kernel(const struct site *site)
{
	return &site->kernel;
}

const struct wg_lan *doppel_site_lan(const struct site *site)
{
	return &site->lan;
}

/* Devices that only a running gateway knows by name are not held against the file. */
static bool may_be_device(void *ctx, const char *name)
{
	const struct config *config = ctx;

	return config->has_gateway || doppel_lan_devices_listed(config, name);
}

int doppel_site_check(const struct config *config, struct doppel_error *error)
{
	const struct wg_devices devices = { .known = may_be_device, .ctx = (void *)config };
	auto_wg_document struct wg_document *document = NULL;

	return config->wireguard ?
		doppel_wg_document_read(config->wireguard, &devices, &document, error) : 0;
}
