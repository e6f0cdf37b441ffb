// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/interfaces.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/sysctl.h"
#include "wireguard/forwarding.h"
#include "wireguard/interfaces_parts.h"

#define ALIAS "doppel "
#define ALIAS_JOINED "doppel-join %s "
#define MTU 1420		/* 1500 less IPv6, UDP and WireGuard's own 32 bytes */
#define LOOKS 5			/* at the links, as long as they change meanwhile */

void doppel_wg_interface_fail(struct wg_interface *interface, int err, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	doppel_error_add(interface->error, "network %s: %s", interface->assignment->network->name,
			 text);
	if (!interface->err)
		interface->err = err;
}

/* What the aliases of our interfaces begin with. */
static void mark(const struct wg_kernel *kernel, char text[PORT_ALIAS_MAX])
{
	if (kernel->joined)
		snprintf(text, PORT_ALIAS_MAX, ALIAS_JOINED, kernel->joined);
	else
		snprintf(text, PORT_ALIAS_MAX, ALIAS);
}

/* The network whose interface it is, by its alias; NULL: it is not ours. */
static const char *owner(const struct wg_kernel *kernel, const struct port_link *link)
{
	char ours[PORT_ALIAS_MAX];

	mark(kernel, ours);
	if (strcmp(link->kind, WIREGUARD_KIND) || strncmp(link->alias, ours, strlen(ours)))
		return NULL;
	return link->alias + strlen(ours);
}

static bool belongs(const struct wg_kernel *kernel, const struct port_link *link,
		    const struct wg_network *network)
{
	const char *name = owner(kernel, link);

	return name && !strcasecmp(name, network->name) && !strcmp(link->name, network->interface);
}

/* --- interfaces that nobody wants any more ---------------------------------------------------- */

struct our_links {
	const struct wg_kernel *kernel;
	struct buf *links;
};

static int add_ours(const struct port_link *link, void *ctx)
{
	const struct our_links *ours = ctx;

	return owner(ours->kernel, link) ? doppel_buf_add(ours->links, link, sizeof(*link)) : 0;
}

static int list_ours(const struct wg_kernel *kernel, struct buf *links)
{
	struct our_links ours = { kernel, links };
	struct rtnetlink *rt = kernel->rtnetlink;
	unsigned int left = LOOKS;
	int err;

	do {
		links->len = 0;
		err = rt->link_dump(rt, add_ours, &ours);
	} while (err == -EINTR && --left);
	return err;
}

static bool is_wanted(const struct wg_kernel *kernel, const struct wg_site *site,
		      const struct port_link *link)
{
	size_t i;

	for (i = 0; i < site->network_count; i++)
		if (site->networks[i].jump &&
		    belongs(kernel, link, site->networks[i].network))
			return true;
	return false;
}

static int remove_unwanted(const struct wg_kernel *kernel, const struct wg_site *site,
			   struct doppel_error *error)
{
	struct rtnetlink *rt = kernel->rtnetlink;
	struct buf auto_buf links = {};
	const struct port_link *link;
	int err = list_ours(kernel, &links), refused;

	if (err) {
		doppel_error_add(error, "the box's ports cannot be listed: %s", strerror(-err));
		return err;
	}
	for (link = (struct port_link *)links.data;
	     (const char *)link < links.data + links.len; link++) {
		if (is_wanted(kernel, site, link))
			continue;
		refused = rt->link_del(rt, link->ifindex);
		if (refused && refused != -ENODEV) {
			err = refused;
			doppel_error_add(error, "network %s: interface %s cannot be removed: %s",
					 owner(kernel, link), link->name, strerror(-refused));
		} else {
			doppel_log(LOG_NOTICE, "network %s: interface %s removed",
				   owner(kernel, link), link->name);
		}
	}
	return err;
}

/* --- one that is wanted ----------------------------------------------------------------------- */

static int make_link(struct wg_interface *interface, struct port_link *link)
{
	const struct wg_network *network = interface->assignment->network;
	struct rtnetlink *rt = interface->kernel->rtnetlink;
	struct port_link wish = { .kind = WIREGUARD_KIND };
	size_t used;
	int err;

	snprintf(wish.name, sizeof(wish.name), "%s", network->interface);
	mark(interface->kernel, wish.alias);
	used = strlen(wish.alias);
	snprintf(wish.alias + used, sizeof(wish.alias) - used, "%s", network->name);
	err = rt->link_add(rt, &wish);
	if (!err)
		err = rt->link_get(rt, network->interface, link);
	if (err)
		doppel_wg_interface_fail(interface, err, "interface %s cannot be made: %s%s",
					 network->interface, strerror(-err), err == -EOPNOTSUPP ?
					 ": the kernel has no WireGuard" : "");
	else
		doppel_log(LOG_NOTICE, "network %s: interface %s made", network->name,
			   network->interface);
	return err;
}

/* What the kernel has of it. */
static void read_interface(struct wg_interface *interface, const struct port_link *link)
{
	struct wireguard *wireguard = interface->kernel->wireguard;
	int err = wireguard->device_get(wireguard, link->ifindex, &interface->device);

	if (err) {
		doppel_wg_interface_fail(interface, err, "interface %s cannot be read: %s",
					 interface->assignment->network->interface, strerror(-err));
		return;
	}
	interface->ifindex = link->ifindex;
	interface->up = link->up;
	interface->mtu = link->mtu;
}

/* The network's interface, made if there is none. */
static void open_interface(struct wg_interface *interface)
{
	const struct wg_network *network = interface->assignment->network;
	struct rtnetlink *rt = interface->kernel->rtnetlink;
	struct port_link link;
	int err = rt->link_get(rt, network->interface, &link);

	if (!err && !belongs(interface->kernel, &link, network)) {
		doppel_wg_interface_fail(interface, -EEXIST,
					 "there is an interface %s already, which is not doppel's: remove it, or give the network another one (interface: NAME)",
					 network->interface);
		return;
	}
	if (err == -ENODEV)
		err = make_link(interface, &link);
	else if (err)
		doppel_wg_interface_fail(interface, err, "interface %s cannot be looked at: %s",
					 network->interface, strerror(-err));
	if (!err)
		read_interface(interface, &link);
}

/* With it off the kernel drops the interface's IPv6 addresses and routes, and takes none. */
static void set_ipv6(struct wg_interface *interface)
{
	const struct wg_network *network = interface->assignment->network;
	const bool wanted = doppel_wg_has_ipv6(network);
	char path[64];
	int err;

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", network->interface);
	err = doppel_sysctl_ensure(interface->kernel->rtnetlink, path, wanted ? "0" : "1");
	/* A kernel without IPv6 has none to be off. */
	if (err && (wanted || err != -ENOENT))
		doppel_wg_interface_fail(interface, err, "IPv6 cannot be set %s on %s: %s",
					 wanted ? "on" : "off", network->interface, strerror(-err));
}

static void set_private_key(struct wg_interface *interface)
{
	const struct wg_member *jump = interface->assignment->jump;
	struct wireguard *wireguard = interface->kernel->wireguard;
	int err;

	if (!memcmp(interface->device.private_key, jump->private_key, WG_KEY_LEN))
		return;
	err = wireguard->private_key_set(wireguard, interface->ifindex, jump->private_key);
	if (err)
		doppel_wg_interface_fail(interface, err, "the private key of %s cannot be set: %s",
					 interface->assignment->network->interface, strerror(-err));
}

static void port_in_use(struct wg_interface *interface)
{
	doppel_wg_interface_fail(interface, -EADDRINUSE,
				 "UDP port %u is in use by something else on this box: give the network another listen_port",
				 interface->assignment->network->listen_port);
}

static void set_listen_port(struct wg_interface *interface)
{
	const uint16_t port = interface->assignment->network->listen_port;
	struct wireguard *wireguard = interface->kernel->wireguard;
	int err;

	/* A host that only dials has whatever port the kernel chose. */
	if (!port || interface->device.listen_port == port)
		return;
	err = wireguard->listen_port_set(wireguard, interface->ifindex, port);
	if (err == -EADDRINUSE)
		port_in_use(interface);
	else if (err)
		doppel_wg_interface_fail(interface, err, "UDP port %u cannot be set: %s", port,
					 strerror(-err));
}

static void set_mtu(struct wg_interface *interface)
{
	struct rtnetlink *rt = interface->kernel->rtnetlink;
	int err;

	if (interface->mtu == MTU)
		return;
	err = rt->link_mtu(rt, interface->ifindex, MTU);
	if (err)
		doppel_wg_interface_fail(interface, err, "the MTU of %s cannot be set to %u: %s",
					 interface->assignment->network->interface, MTU,
					 strerror(-err));
}

/* Only here an interface that was down finds out whether its port is free. */
static void set_up(struct wg_interface *interface)
{
	struct rtnetlink *rt = interface->kernel->rtnetlink;
	int err;

	if (interface->up)
		return;
	err = rt->link_up(rt, interface->ifindex);
	if (err == -EADDRINUSE)
		port_in_use(interface);
	else if (err)
		doppel_wg_interface_fail(interface, err, "interface %s cannot be set up: %s",
					 interface->assignment->network->interface, strerror(-err));
	interface->up = !err;
}

/* Whoever is let in no more is out, whatever else fails. */
static void settle(struct wg_interface *interface)
{
	if (!interface->ifindex)
		return;
	set_private_key(interface);
	doppel_wg_interface_peers(interface);
	set_ipv6(interface);
	set_listen_port(interface);
	set_mtu(interface);
	doppel_wg_interface_addresses(interface);
	set_up(interface);
	if (interface->up)
		doppel_wg_interface_routes(interface);
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool wants_port(const struct wg_site *site, uint16_t port)
{
	size_t i;

	for (i = 0; i < site->network_count; i++)
		if (site->networks[i].jump && site->networks[i].network->listen_port == port)
			return true;
	return false;
}

/* Networks may have changed their ports with each other: who has another one's makes room first. */
static void make_room(struct wg_interface *interface, const struct wg_site *site)
{
	struct wireguard *wireguard = interface->kernel->wireguard;
	const uint16_t port = interface->device.listen_port;

	if (!interface->ifindex || !port || !interface->up ||
	    port == interface->assignment->network->listen_port || !wants_port(site, port))
		return;
	if (!wireguard->listen_port_set(wireguard, interface->ifindex, 0))
		interface->device.listen_port = 0;
}

static int forward(const struct wg_kernel *kernel, const struct wg_site *site,
		   struct doppel_error *error)
{
	bool ipv4 = false, ipv6 = false;
	size_t i;

	/* Forwarding is the gateway's. */
	if (kernel->joined)
		return 0;
	for (i = 0; i < site->network_count; i++) {
		if (!site->networks[i].jump)
			continue;
		ipv4 |= doppel_wg_has_ipv4(site->networks[i].network);
		ipv6 |= doppel_wg_has_ipv6(site->networks[i].network);
	}
	return doppel_wg_forwarding(kernel->rtnetlink, ipv4, ipv6, error);
}

static int settle_all(const struct wg_kernel *kernel, const struct wg_site *site,
		      struct doppel_error *error)
{
	struct wg_interface auto_free *interfaces = calloc(site->network_count + 1,
							   sizeof(*interfaces));
	size_t count = 0, i;
	int err = 0;

	if (!interfaces)
		return -ENOMEM;
	for (i = 0; i < site->network_count; i++) {
		if (!site->networks[i].jump)
			continue;
		interfaces[count] = (struct wg_interface){
			.kernel = kernel,
			.assignment = &site->networks[i],
			.error = error,
		};
		open_interface(&interfaces[count++]);
	}
	for (i = 0; i < count; i++)
		make_room(&interfaces[i], site);
	for (i = 0; i < count; i++) {
		settle(&interfaces[i]);
		doppel_wireguard_device_free(&interfaces[i].device);
		if (!err)
			err = interfaces[i].err;
	}
	return err;
}

int doppel_wg_interfaces_apply(const struct wg_kernel *kernel, const struct wg_site *site,
			       struct doppel_error *error)
{
	const int removed = remove_unwanted(kernel, site, error);
	const int forwarded = forward(kernel, site, error);
	const int settled = settle_all(kernel, site, error);

	return removed ? removed : forwarded ? forwarded : settled;
}

/* Whose interface is not there, or is somebody else's, has nothing open. */
static int close_one(const struct wg_kernel *kernel, const struct wg_assignment *assignment,
		     struct doppel_error *error)
{
	struct wg_interface interface = {
		.kernel = kernel, .assignment = assignment, .error = error,
	};
	struct rtnetlink *rt = kernel->rtnetlink;
	struct port_link link;

	if (rt->link_get(rt, assignment->network->interface, &link) ||
	    !belongs(kernel, &link, assignment->network))
		return 0;
	read_interface(&interface, &link);
	if (interface.ifindex)
		doppel_wg_interface_leavers(&interface);
	if (interface.ifindex && !doppel_wg_has_ipv6(assignment->network))
		set_ipv6(&interface);
	doppel_wireguard_device_free(&interface.device);
	return interface.err;
}

int doppel_wg_interfaces_close(const struct wg_kernel *kernel, const struct wg_site *site,
			       struct doppel_error *error)
{
	int err = remove_unwanted(kernel, site, error), refused;
	size_t i;

	for (i = 0; i < site->network_count; i++) {
		refused = site->networks[i].jump ? close_one(kernel, &site->networks[i], error) : 0;
		if (refused)
			err = refused;
	}
	return err;
}

static bool has_key(const struct wg_kernel *kernel, const struct port_link *link,
		    const struct wg_member *jump)
{
	struct wireguard *wireguard = kernel->wireguard;
	struct wireguard_device device;
	bool has = false;

	if (!jump || strcmp(link->kind, WIREGUARD_KIND))
		return false;
	if (!wireguard->device_get(wireguard, link->ifindex, &device))
		has = !memcmp(device.private_key, jump->private_key, WG_KEY_LEN);
	doppel_wireguard_device_free(&device);
	return has;
}

bool doppel_wg_interface_foreign(const struct wg_kernel *kernel,
				 const struct wg_assignment *assignment)
{
	struct rtnetlink *rt = kernel->rtnetlink;
	struct port_link link;

	return !rt->link_get(rt, assignment->network->interface, &link) &&
	       !belongs(kernel, &link, assignment->network) &&
	       !has_key(kernel, &link, assignment->jump);
}

int doppel_wg_interfaces_state(const struct wg_kernel *kernel, const struct wg_network *network,
			       int (*cb)(const struct wireguard_peer *peer, void *ctx), void *ctx)
{
	struct rtnetlink *rt = kernel->rtnetlink;
	struct wireguard *wireguard = kernel->wireguard;
	struct wireguard_device device;
	struct port_link link;
	int err = rt->link_get(rt, network->interface, &link);
	size_t i;

	if (err)
		return err;
	if (!belongs(kernel, &link, network))
		return -ENODEV;
	err = wireguard->device_get(wireguard, link.ifindex, &device);
	for (i = 0; !err && i < device.peer_count; i++)
		err = cb(&device.peers[i], ctx);
	doppel_wireguard_device_free(&device);
	return err;
}
