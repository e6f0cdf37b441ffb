// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which NAT64 prefix counts: the file's, else one that a router advertises (RFC 8781), else what the
 * WAN's name servers show (RFC 7050). RFC 8781 section 5.1 puts the router before the servers.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/state.h"

/* How long the prefix that the module has is believed before anybody has told of one. */
#define HELD_MS (30 * 60 * 1000)

const char *doppel_nat64_origin_name(enum nat64_origin origin)
{
	static const char *const names[] = {
		[NAT64_NONE] = "none",
		[NAT64_CONFIGURED] = "configured",
		[NAT64_RA] = "RA",
		[NAT64_DNS] = "DNS",
		[NAT64_HELD] = "held",
	};

	return names[origin];
}

static void watch(void *ctx, int fd)
{
	struct gateway *gateway = ctx;

	ev_io_stop(gateway->loop, &gateway->udp_io);
	if (fd < 0)
		return;
	ev_io_set(&gateway->udp_io, fd, EV_READ);
	ev_io_start(gateway->loop, &gateway->udp_io);
}

static void on_answer(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	doppel_nat64_read(io->data);
}

void doppel_nat64_init(struct gateway *gateway)
{
	ev_init(&gateway->udp_io, on_answer);
	gateway->udp_io.data = gateway;
	doppel_prefix_query_init(&gateway->nat64.query, gateway->clock, gateway->rng, gateway->udp,
				 watch, gateway);
}

void doppel_nat64_read(struct gateway *gateway)
{
	if (doppel_prefix_query_read(&gateway->nat64.query))
		doppel_gateway_settle_after(gateway, 0);
}

void doppel_nat64_timeout(struct gateway *gateway)
{
	if (doppel_prefix_query_timeout(&gateway->nat64.query))
		doppel_gateway_settle_after(gateway, 0);
}

int64_t doppel_nat64_deadline(const struct gateway *gateway)
{
	return doppel_prefix_query_deadline(&gateway->nat64.query);
}

void doppel_nat64_again(struct gateway *gateway)
{
	doppel_prefix_query_again(&gateway->nat64.query);
}

size_t doppel_nat64_needed(const struct gateway *gateway)
{
	size_t count = 0;

	doppel_map_foreach(node, &gateway->devices) {
		const struct device *device = doppel_device_of(node);

		count += device->in_module && device->held.wan_ipv6_count &&
			 !device->held.wan_ipv4.s_addr;
	}
	return count;
}

static void set(struct nat64 *nat64, enum nat64_origin origin, const struct in6_addr *prefix,
		uint8_t len)
{
	nat64->origin = origin;
	nat64->prefix = *prefix;
	nat64->len = len;
}

/* What an agent before this one found out holds until somebody says more. */
static void look_once(struct gateway *gateway)
{
	struct nat64 *nat64 = &gateway->nat64;

	if (!nat64->looked && gateway->held.nat64_prefix_len) {
		set(nat64, NAT64_HELD, &gateway->held.nat64_prefix, gateway->held.nat64_prefix_len);
		nat64->held_until = doppel_gateway_now(gateway) + HELD_MS;
	}
	nat64->looked = true;
}

static bool still_held(const struct gateway *gateway)
{
	return gateway->nat64.origin == NAT64_HELD &&
	       doppel_gateway_now(gateway) < gateway->nat64.held_until;
}

/* Two routers that disagree: said once, as the one that is not used may be the right one. */
static void tell_dispute(struct gateway *gateway, const struct router_pref64 *told)
{
	const struct router_pref64 *other =
		doppel_routers_other_pref64(&gateway->routers, doppel_gateway_now(gateway), told);
	char router[2][DOPPEL_IP6_TEXT], prefix[2][DOPPEL_IP6_TEXT];

	if (!other || doppel_ip6_eq(&other->prefix, &gateway->nat64.disputed))
		return;
	gateway->nat64.disputed = other->prefix;
	doppel_log(LOG_WARNING,
		   "wan: router %s tells of the NAT64 prefix %s/%u, router %s of %s/%u: the first is used",
		   doppel_ip6_format(&told->router, router[0]),
		   doppel_ip6_format(&told->prefix, prefix[0]), told->len,
		   doppel_ip6_format(&other->router, router[1]),
		   doppel_ip6_format(&other->prefix, prefix[1]), other->len);
}

static void discover(struct gateway *gateway)
{
	struct nat64 *nat64 = &gateway->nat64;
	const struct router_pref64 *told =
		doppel_routers_pref64(&gateway->routers, doppel_gateway_now(gateway),
				      nat64->origin == NAT64_RA ? &nat64->prefix : NULL,
				      nat64->len);
	struct in6_addr servers[NAMES_MAX];
	unsigned int count = 0;

	if (!told && doppel_nat64_needed(gateway))
		count = doppel_names_usable(gateway, servers);
	if (told)
		tell_dispute(gateway, told);
	if (told)
		doppel_prefix_query_forget(&nat64->query);
	else if (count)
		doppel_prefix_query_start(&nat64->query, servers, count, gateway->wan.ifindex);
	else
		doppel_prefix_query_stop(&nat64->query);

	if (told)
		set(nat64, NAT64_RA, &told->prefix, told->len);
	else if (nat64->query.len)
		set(nat64, NAT64_DNS, &nat64->query.prefix, nat64->query.len);
	else if (!still_held(gateway))
		set(nat64, NAT64_NONE, &in6addr_any, 0);
}

static void choose(struct gateway *gateway)
{
	const struct config *config = gateway->config;

	if (config->nat64.mode == CONFIG_NAT64_AUTO) {
		discover(gateway);
		return;
	}
	doppel_prefix_query_forget(&gateway->nat64.query);
	if (config->nat64.mode == CONFIG_NAT64_PREFIX)
		set(&gateway->nat64, NAT64_CONFIGURED, &config->nat64.prefix, config->nat64.len);
	else
		set(&gateway->nat64, NAT64_NONE, &in6addr_any, 0);
}

static void tell_module(struct gateway *gateway)
{
	struct nat64 *nat64 = &gateway->nat64;
	struct module_gateway wanted = gateway->held;
	char text[DOPPEL_IP6_TEXT];
	int err;

	if (!gateway->held.lends || (gateway->held.nat64_prefix_len == nat64->len &&
	    doppel_ip6_eq(&gateway->held.nat64_prefix, &nat64->prefix)))
		return;
	wanted.nat64_prefix = nat64->prefix;
	wanted.nat64_prefix_len = nat64->len;
	err = gateway->module->gateway_set(gateway->module, &wanted, MODULE_NAT64_PREFIX);
	doppel_ip6_format(&nat64->prefix, text);
	if (err) {
		if (nat64->refused_len != nat64->len ||
		    !doppel_ip6_eq(&nat64->refused, &nat64->prefix))
			doppel_log(LOG_ERR, "wan: the module refuses the NAT64 prefix %s/%u: %s",
				   text, nat64->len, gateway->module->message[0] ?
				   gateway->module->message : strerror(-err));
		nat64->refused = nat64->prefix;
		nat64->refused_len = nat64->len;
		/* What it has is what counts. */
		set(nat64, gateway->held.nat64_prefix_len ? NAT64_HELD : NAT64_NONE,
		    &gateway->held.nat64_prefix, gateway->held.nat64_prefix_len);
		return;
	}
	nat64->refused_len = 0;
	gateway->held = wanted;
	if (nat64->len)
		doppel_log(LOG_NOTICE, "wan: NAT64 prefix %s/%u (%s)", text, nat64->len,
			   doppel_nat64_origin_name(nat64->origin));
	else
		doppel_log(LOG_NOTICE, "wan: no NAT64 prefix any more");
}

void doppel_nat64_settle(struct gateway *gateway)
{
	const uint8_t before = gateway->nat64.len;

	look_once(gateway);
	choose(gateway);
	tell_module(gateway);
	/* What is said about devices without WAN IPv4 depends on it. */
	if (!before != !gateway->nat64.len)
		doppel_map_foreach(node, &gateway->devices)
			doppel_device_settle(doppel_device_of(node));
}
