/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * WireGuard networks without a kernel: links, addresses, routes, sysctls and WireGuard devices that
 * are tables in memory. As in the kernel an allowed IP is one peer's, and a peer's session ends with
 * the peer. Whatever is set is counted, and told in a log.
 */
#ifndef DOPPEL_TESTS_WG_FAKE_H
#define DOPPEL_TESTS_WG_FAKE_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/list.h"
#include "tap.h"
#include "wireguard/interfaces.h"

#define FAKE_LINKS 16
#define FAKE_ADDRESSES 64
#define FAKE_ROUTES 64
#define FAKE_SYSCTLS 128

struct fake_link {
	struct port_link link;		/* ifindex 0: none */
	struct wireguard_device device;
};

struct fake_sysctl {
	char path[128], value[16];
};

struct fake_kernel {
	struct rtnetlink rt;
	struct wireguard wireguard;
	struct wg_kernel kernel;
	struct fake_link links[FAKE_LINKS];
	struct port_address addresses[FAKE_ADDRESSES];
	size_t address_count;
	struct port_route routes[FAKE_ROUTES];
	size_t route_count;
	struct fake_sysctl sysctls[FAKE_SYSCTLS];
	size_t sysctl_count;
	uint32_t last_ifindex;
	unsigned int sets;		/* of whatever */
	unsigned int interruptions;	/* of dumps of links, to come */
	uint16_t foreign_port;		/* somebody else's */
	const char *fixed;		/* a sysctl that cannot be set */
	int refuse_kind;		/* errno of making a link */
	struct buf log;
};

static inline struct fake_kernel *fake_of(struct rtnetlink *rt)
{
	return container_of(rt, struct fake_kernel, rt);
}

static inline void fake_set(struct fake_kernel *fake, const char *what, const char *of)
{
	fake->sets++;
	doppel_buf_printf(&fake->log, "%s %s\n", what, of);
}

static inline struct fake_link *fake_by_index(struct fake_kernel *fake, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < FAKE_LINKS; i++)
		if (ifindex && fake->links[i].link.ifindex == ifindex)
			return &fake->links[i];
	return NULL;
}

static inline struct fake_link *fake_by_name(struct fake_kernel *fake, const char *name)
{
	size_t i;

	for (i = 0; i < FAKE_LINKS; i++)
		if (fake->links[i].link.ifindex && !strcmp(fake->links[i].link.name, name))
			return &fake->links[i];
	return NULL;
}

/* --- sysctls -------------------------------------------------------------------------------- */

static inline struct fake_sysctl *fake_sysctl(struct fake_kernel *fake, const char *path)
{
	size_t i;

	for (i = 0; i < fake->sysctl_count; i++)
		if (!strcmp(fake->sysctls[i].path, path))
			return &fake->sysctls[i];
	return NULL;
}

static inline const char *fake_value(struct fake_kernel *fake, const char *path)
{
	struct fake_sysctl *sysctl = fake_sysctl(fake, path);

	return sysctl ? sysctl->value : "none";
}

static inline void fake_sysctl_put(struct fake_kernel *fake, const char *path, const char *value)
{
	struct fake_sysctl *sysctl = fake_sysctl(fake, path);

	if (!sysctl) {
		if (fake->sysctl_count == FAKE_SYSCTLS)
			abort();
		sysctl = &fake->sysctls[fake->sysctl_count++];
	}
	snprintf(sysctl->path, sizeof(sysctl->path), "%s", path);
	snprintf(sysctl->value, sizeof(sysctl->value), "%s", value);
}

static inline void fake_port_sysctl(struct fake_kernel *fake, const char *port, const char *name,
				    const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/%s", port, name);
	fake_sysctl_put(fake, path, value);
}

static inline int fake_sysctl_get(struct rtnetlink *rt, const char *path, char *value, size_t size)
{
	struct fake_sysctl *sysctl = fake_sysctl(fake_of(rt), path);

	if (!sysctl)
		return -ENOENT;
	snprintf(value, size, "%s", sysctl->value);
	return 0;
}

static inline void fake_drop_ipv6(struct fake_kernel *fake, uint32_t ifindex)
{
	size_t i;

	for (i = fake->address_count; i--; )
		if (fake->addresses[i].ifindex == ifindex && fake->addresses[i].family == AF_INET6)
			fake->addresses[i] = fake->addresses[--fake->address_count];
	for (i = fake->route_count; i--; )
		if (fake->routes[i].ifindex == ifindex && fake->routes[i].family == AF_INET6)
			fake->routes[i] = fake->routes[--fake->route_count];
}

static inline int fake_sysctl_set(struct rtnetlink *rt, const char *path, const char *value)
{
	struct fake_kernel *fake = fake_of(rt);
	char text[160], port[IF_NAMESIZE];
	struct fake_link *link;

	if (!fake_sysctl(fake, path))
		return -ENOENT;
	if (fake->fixed && !strcmp(fake->fixed, path))
		return -EROFS;
	snprintf(text, sizeof(text), "%s=%s", path, value);
	fake_set(fake, "sysctl", text);
	fake_sysctl_put(fake, path, value);
	link = sscanf(path, "net/ipv6/conf/%15[^/]/disable_ipv6", port) == 1 ?
	       fake_by_name(fake, port) : NULL;
	if (link && strstr(path, "disable_ipv6") && !strcmp(value, "1"))
		fake_drop_ipv6(fake, link->link.ifindex);
	return 0;
}

/* --- links ---------------------------------------------------------------------------------- */

static inline struct fake_link *fake_port(struct fake_kernel *fake, const char *name,
					  const char *kind, const char *alias)
{
	size_t i;

	for (i = 0; fake->links[i].link.ifindex; i++)
		if (i + 1 == FAKE_LINKS)
			abort();
	fake->links[i].link = (struct port_link){ .ifindex = ++fake->last_ifindex, .mtu = 1420 };
	snprintf(fake->links[i].link.name, IF_NAMESIZE, "%s", name);
	snprintf(fake->links[i].link.kind, sizeof(fake->links[i].link.kind), "%s", kind);
	snprintf(fake->links[i].link.alias, PORT_ALIAS_MAX, "%s", alias);
	fake_port_sysctl(fake, name, "disable_ipv6", "0");
	fake_port_sysctl(fake, name, "forwarding", "0");
	fake_port_sysctl(fake, name, "accept_ra", "1");
	return &fake->links[i];
}

static inline int fake_link_get(struct rtnetlink *rt, const char *name, struct port_link *link)
{
	struct fake_link *found = fake_by_name(fake_of(rt), name);

	*link = found ? found->link : (struct port_link){ 0 };
	return found ? 0 : -ENODEV;
}

static inline int fake_link_dump(struct rtnetlink *rt,
				 int (*cb)(const struct port_link *link, void *ctx), void *ctx)
{
	struct fake_kernel *fake = fake_of(rt);
	int err = 0;
	size_t i;

	for (i = 0; !err && i < FAKE_LINKS; i++)
		if (fake->links[i].link.ifindex)
			err = cb(&fake->links[i].link, ctx);
	if (!err && fake->interruptions) {
		fake->interruptions--;
		return -EINTR;
	}
	return err;
}

static inline int fake_link_add(struct rtnetlink *rt, const struct port_link *link)
{
	struct fake_kernel *fake = fake_of(rt);

	if (fake->refuse_kind)
		return fake->refuse_kind;
	if (fake_by_name(fake, link->name))
		return -EEXIST;
	fake_set(fake, "link", link->name);
	fake_port(fake, link->name, link->kind, link->alias);
	return 0;
}

static inline int fake_link_del(struct rtnetlink *rt, uint32_t ifindex)
{
	struct fake_kernel *fake = fake_of(rt);
	struct fake_link *link = fake_by_index(fake, ifindex);
	size_t i;

	if (!link)
		return -ENODEV;
	fake_set(fake, "unlink", link->link.name);
	fake_drop_ipv6(fake, ifindex);
	for (i = fake->address_count; i--; )
		if (fake->addresses[i].ifindex == ifindex)
			fake->addresses[i] = fake->addresses[--fake->address_count];
	for (i = fake->route_count; i--; )
		if (fake->routes[i].ifindex == ifindex)
			fake->routes[i] = fake->routes[--fake->route_count];
	doppel_wireguard_device_free(&link->device);
	*link = (struct fake_link){ 0 };
	return 0;
}

static inline bool fake_port_taken(struct fake_kernel *fake, const struct fake_link *but,
				   uint16_t port)
{
	size_t i;

	for (i = 0; i < FAKE_LINKS; i++)
		if (&fake->links[i] != but && fake->links[i].link.up &&
		    fake->links[i].device.listen_port == port)
			return true;
	return port == fake->foreign_port;
}

static inline int fake_link_up(struct rtnetlink *rt, uint32_t ifindex)
{
	struct fake_kernel *fake = fake_of(rt);
	struct fake_link *link = fake_by_index(fake, ifindex);

	if (link->device.listen_port && fake_port_taken(fake, link, link->device.listen_port))
		return -EADDRINUSE;
	fake_set(fake, "up", link->link.name);
	link->link.up = true;
	return 0;
}

static inline int fake_link_mtu(struct rtnetlink *rt, uint32_t ifindex, uint32_t mtu)
{
	struct fake_link *link = fake_by_index(fake_of(rt), ifindex);

	fake_set(fake_of(rt), "mtu", link->link.name);
	link->link.mtu = mtu;
	return 0;
}

/* --- addresses and routes ------------------------------------------------------------------- */

static inline int fake_address_dump(struct rtnetlink *rt, uint32_t ifindex,
				    int (*cb)(const struct port_address *address, void *ctx),
				    void *ctx)
{
	struct fake_kernel *fake = fake_of(rt);
	struct port_address held[FAKE_ADDRESSES];
	const size_t count = fake->address_count;
	int err = 0;
	size_t i;

	memcpy(held, fake->addresses, sizeof(held));
	for (i = 0; !err && i < count; i++)
		if (held[i].ifindex == ifindex)
			err = cb(&held[i], ctx);
	return err;
}

static inline char *fake_address_text(const struct port_address *address, char *text, size_t size)
{
	const struct in6_addr ip = address->family == AF_INET ? doppel_ip6_v4mapped(address->ipv4) :
								 address->ipv6;
	char one[DOPPEL_IP6_TEXT];

	snprintf(text, size, "%s/%u", doppel_ip_format(&ip, one), address->prefix_len);
	return text;
}

static inline int fake_address_add(struct rtnetlink *rt, const struct port_address *address)
{
	struct fake_kernel *fake = fake_of(rt);
	char text[DOPPEL_CIDR_TEXT], path[128];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6",
		 fake_by_index(fake, address->ifindex)->link.name);
	if (address->family == AF_INET6 && !strcmp(fake_value(fake, path), "1"))
		return -EACCES;
	fake_set(fake, "address", fake_address_text(address, text, sizeof(text)));
	fake->addresses[fake->address_count++] = *address;
	return 0;
}

static inline int fake_address_del(struct rtnetlink *rt, const struct port_address *address)
{
	struct fake_kernel *fake = fake_of(rt);
	char text[DOPPEL_CIDR_TEXT];
	size_t i;

	for (i = 0; i < fake->address_count; i++)
		if (!memcmp(&fake->addresses[i], address, sizeof(*address)))
			break;
	if (i == fake->address_count)
		return -EADDRNOTAVAIL;
	fake_set(fake, "no address", fake_address_text(address, text, sizeof(text)));
	fake->addresses[i] = fake->addresses[--fake->address_count];
	return 0;
}

static inline char *fake_route_text(const struct port_route *route, char *text, size_t size)
{
	const struct in6_addr ip = route->family == AF_INET ? doppel_ip6_v4mapped(route->dst) :
							       route->dst6;
	char one[DOPPEL_IP6_TEXT];

	snprintf(text, size, "%s/%u", doppel_ip_format(&ip, one), route->prefix_len);
	return text;
}

static inline int fake_route_dump(struct rtnetlink *rt, uint32_t ifindex, uint8_t protocol,
				  int (*cb)(const struct port_route *route, void *ctx), void *ctx)
{
	struct fake_kernel *fake = fake_of(rt);
	int err = 0;
	size_t i;

	for (i = 0; !err && i < fake->route_count; i++)
		if (fake->routes[i].ifindex == ifindex && fake->routes[i].protocol == protocol)
			err = cb(&fake->routes[i], ctx);
	return err;
}

static inline int fake_route_add(struct rtnetlink *rt, const struct port_route *route)
{
	struct fake_kernel *fake = fake_of(rt);
	char text[DOPPEL_CIDR_TEXT];

	if (!fake_by_index(fake, route->ifindex)->link.up)
		return -ENETDOWN;
	fake_set(fake, "route", fake_route_text(route, text, sizeof(text)));
	fake->routes[fake->route_count] = *route;
	/* What the kernel takes for IPv6's default. */
	if (route->family == AF_INET6)
		fake->routes[fake->route_count].metric = 1024;
	fake->route_count++;
	return 0;
}

static inline int fake_route_del(struct rtnetlink *rt, const struct port_route *route)
{
	struct fake_kernel *fake = fake_of(rt);
	char text[DOPPEL_CIDR_TEXT];
	size_t i;

	for (i = 0; i < fake->route_count; i++)
		if (!memcmp(&fake->routes[i], route, sizeof(*route)))
			break;
	if (i == fake->route_count)
		return -ESRCH;
	fake_set(fake, "no route", fake_route_text(route, text, sizeof(text)));
	fake->routes[i] = fake->routes[--fake->route_count];
	return 0;
}

/* --- WireGuard ------------------------------------------------------------------------------ */

#define FAKE(of) container_of(of, struct fake_kernel, wireguard)

static inline struct wireguard_peer *fake_peer(struct wireguard_device *device,
					       const uint8_t key[WG_KEY_LEN])
{
	size_t i;

	for (i = 0; i < device->peer_count; i++)
		if (!memcmp(device->peers[i].public_key, key, WG_KEY_LEN))
			return &device->peers[i];
	return NULL;
}

static inline void *fake_copy(const void *data, size_t size)
{
	void *copy = malloc(size + 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	return copy;
}

/* As memory is that somebody else had: there is nothing behind a prefix's length. */
static inline void fake_scribble(struct cidr *list, size_t count)
{
	const size_t end = offsetof(struct cidr, len) + sizeof(list->len);
	size_t i;

	for (i = 0; i < count; i++)
		memset((char *)&list[i] + end, 0xa5, sizeof(*list) - end);
}

static inline int fake_device_get(struct wireguard *wireguard, uint32_t ifindex,
				  struct wireguard_device *device)
{
	struct fake_link *link = fake_by_index(FAKE(wireguard), ifindex);
	size_t i;

	if (!link || strcmp(link->link.kind, WIREGUARD_KIND)) {
		*device = (struct wireguard_device){ 0 };
		return -EOPNOTSUPP;
	}
	*device = link->device;
	device->peers = fake_copy(device->peers, device->peer_count * sizeof(*device->peers));
	for (i = 0; i < device->peer_count; i++) {
		struct wireguard_peer *peer = &device->peers[i];

		peer->allowed_ips = fake_copy(peer->allowed_ips,
					      peer->allowed_ip_count * sizeof(struct cidr));
		fake_scribble(peer->allowed_ips, peer->allowed_ip_count);
	}
	return 0;
}

static inline int fake_private_key_set(struct wireguard *wireguard, uint32_t ifindex,
				       const uint8_t key[WG_KEY_LEN])
{
	struct fake_link *link = fake_by_index(FAKE(wireguard), ifindex);

	fake_set(FAKE(wireguard), "private key", link->link.name);
	memcpy(link->device.private_key, key, WG_KEY_LEN);
	return 0;
}

static inline int fake_listen_port_set(struct wireguard *wireguard, uint32_t ifindex, uint16_t port)
{
	struct fake_link *link = fake_by_index(FAKE(wireguard), ifindex);

	if (link->link.up && fake_port_taken(FAKE(wireguard), link, port))
		return -EADDRINUSE;
	fake_set(FAKE(wireguard), "listen port", link->link.name);
	/* The kernel chooses one for 0. */
	link->device.listen_port = port ? port : (uint16_t)(40000 + ifindex);
	return 0;
}

static inline void fake_forget_ip(struct wireguard_peer *peer, const struct cidr *cidr)
{
	size_t i;

	for (i = peer->allowed_ip_count; i--; )
		if (doppel_cidr_eq(&peer->allowed_ips[i], cidr))
			peer->allowed_ips[i] = peer->allowed_ips[--peer->allowed_ip_count];
}

static inline void fake_give_ip(struct wireguard_device *device, struct wireguard_peer *peer,
				const struct cidr *cidr)
{
	size_t i;

	for (i = 0; i < device->peer_count; i++)
		fake_forget_ip(&device->peers[i], cidr);
	peer->allowed_ips = reallocarray(peer->allowed_ips, peer->allowed_ip_count + 1,
					 sizeof(*cidr));
	if (!peer->allowed_ips)
		abort();
	peer->allowed_ips[peer->allowed_ip_count++] = *cidr;
}

static inline struct wireguard_peer *fake_add_peer(struct wireguard_device *device,
						   const uint8_t key[WG_KEY_LEN])
{
	struct wireguard_peer *peer;

	device->peers = reallocarray(device->peers, device->peer_count + 1, sizeof(*peer));
	if (!device->peers)
		abort();
	peer = &device->peers[device->peer_count++];
	*peer = (struct wireguard_peer){ 0 };
	memcpy(peer->public_key, key, WG_KEY_LEN);
	return peer;
}

static inline void fake_change(struct fake_kernel *fake, struct wireguard_device *device,
			       const struct wireguard_change *change)
{
	struct wireguard_peer *peer = fake_peer(device, change->public_key);
	char text[64];
	size_t i;

	snprintf(text, sizeof(text), "%02x%02x", change->public_key[0], change->public_key[1]);
	fake_set(fake, change->what & WIREGUARD_REMOVE ? "no peer" : "peer", text);
	if (change->what & WIREGUARD_REMOVE) {
		if (!peer)
			return;
		free(peer->allowed_ips);
		*peer = device->peers[--device->peer_count];
		return;
	}
	if (!peer && !(change->what & WIREGUARD_ADD))
		return;
	if (!peer)
		peer = fake_add_peer(device, change->public_key);
	if (change->what & WIREGUARD_PRESHARED_KEY)
		memcpy(peer->preshared_key, change->preshared_key, WG_KEY_LEN);
	if (change->what & WIREGUARD_ENDPOINT) {
		peer->endpoint = change->endpoint;
		peer->endpoint_port = change->endpoint_port;
		peer->keepalive = change->keepalive;
	}
	if (change->what & WIREGUARD_REPLACE_ALLOWED_IPS)
		peer->allowed_ip_count = 0;
	for (i = 0; i < change->allowed_ip_count; i++)
		fake_give_ip(device, peer, &change->allowed_ips[i]);
}

static inline int fake_peers_set(struct wireguard *wireguard, uint32_t ifindex,
				 const struct wireguard_change *changes, size_t count)
{
	struct fake_link *link = fake_by_index(FAKE(wireguard), ifindex);
	size_t i;

	for (i = 0; i < count; i++)
		fake_change(FAKE(wireguard), &link->device, &changes[i]);
	return 0;
}

#undef FAKE

/* --- the whole ------------------------------------------------------------------------------ */

static inline struct fake_kernel *fake_kernel_new(void)
{
	struct fake_kernel *fake = calloc(1, sizeof(*fake));

	if (!fake)
		abort();
	fake->rt = (struct rtnetlink){
		.link_get = fake_link_get,
		.link_dump = fake_link_dump,
		.link_add = fake_link_add,
		.link_del = fake_link_del,
		.link_up = fake_link_up,
		.link_mtu = fake_link_mtu,
		.address_dump = fake_address_dump,
		.address_add = fake_address_add,
		.address_del = fake_address_del,
		.route_add = fake_route_add,
		.route_del = fake_route_del,
		.route_dump = fake_route_dump,
		.sysctl_get = fake_sysctl_get,
		.sysctl_set = fake_sysctl_set,
	};
	fake->wireguard = (struct wireguard){
		.device_get = fake_device_get,
		.private_key_set = fake_private_key_set,
		.listen_port_set = fake_listen_port_set,
		.peers_set = fake_peers_set,
	};
	fake->kernel = (struct wg_kernel){ .rtnetlink = &fake->rt, .wireguard = &fake->wireguard };
	fake_sysctl_put(fake, "net/ipv4/ip_forward", "0");
	fake_port_sysctl(fake, "all", "forwarding", "0");
	fake_port_sysctl(fake, "default", "forwarding", "0");
	fake_port_sysctl(fake, "default", "accept_ra", "1");
	return fake;
}

static inline void fake_kernel_free(struct fake_kernel *fake)
{
	size_t i;

	for (i = 0; i < FAKE_LINKS; i++)
		doppel_wireguard_device_free(&fake->links[i].device);
	doppel_buf_free(&fake->log);
	free(fake);
}

/* What was set since the last time is forgotten. */
static inline void fake_forget(struct fake_kernel *fake)
{
	fake->sets = 0;
	fake->log.len = 0;
}

static inline const char *fake_log(const struct fake_kernel *fake)
{
	return fake->log.len ? fake->log.data : "";
}

#endif
