/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the gateway share and nobody else sees: struct gateway and who works on it.
 *
 *	gateway.c	life, event loop, events to listeners, the public face
 *	reconcile.c	ports and module brought to what they should be
 *	ports.c		the two ports: address, carrier, sysctls
 *	discovery.c	devices seen on the LAN, moved, silent
 *	claim.c		whether a LAN address is a device's
 *	wan.c		frames from the WAN, routers, link changes
 *	concern.c	whose an address on the WAN is
 *	attachment.c	whether the WAN is still the same network
 *	device.c	one device: its protocol machines and what follows from them
 *	wan6.c		which of its IPv6 addresses it sends from
 *	forwards.c	what may come in
 *	lend.c		the box's own traffic, by a lent identity
 *	nat64.c		the NAT64 prefix
 *	mappings.c	IPv4 aliases of IPv6 hosts
 *	names.c		name servers, for devices and box
 *	lan_dhcp.c	dnsmasq
 *	lan_listen.c	what devices say to DHCP servers of the LAN
 *	adopt.c		devices that only the module knows
 *	keep.c		when the store is written
 *	exchange.c	devices exported and imported
 *	wall.c		the clock on the wall
 *	servers.c	whose offer new devices wait for
 *	upstream.c	who speaks on the WAN, for the diagnosis
 *	health.c	status
 *	diagnosis.c	checks: of check_*.c
 *	repair.c	what the agent does by itself, at once
 */
#ifndef DOPPEL_GATEWAY_STATE_H
#define DOPPEL_GATEWAY_STATE_H

#include <ev.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "gateway/gateway.h"
#include "gateway/lan_dhcp.h"
#include "gateway/negotiation.h"
#include "gateway/pace.h"
#include "gateway/prefix_query.h"
#include "gateway/probe.h"
#include "gateway/routers.h"
#include "gateway/upstream.h"
#include "kernel/doppel.h"
#include "kernel/rtnetlink.h"

struct device;
struct dhcp4_lease;
struct dhcp6_lease;

#define GATEWAY_PROBLEM_MAX 320
#define NAMES_MAX LAN_DNS_MAX
#define NAMES_ALIASES 2

/* The box's way out of the WAN port: see lend.c. */
struct lending {
	struct port_route way;		/* as it was opened; ifindex 0: it is closed */
	bool stale;			/* ports or agent were away: it may be otherwise by now */
	int err;			/* why it could not be opened; 0: it could */
	bool refused;			/* the module took no lender, and that was said */
};

struct nat64 {
	enum nat64_origin origin;
	struct in6_addr prefix;
	uint8_t len;			/* 0: none */
	bool looked;			/* at what the module had when this agent began */
	struct in6_addr disputed;	/* another router's, that was told of in the log */
	struct in6_addr refused;	/* by the module, last; with its length */
	uint8_t refused_len;
	int64_t held_until;		/* of NAT64_HELD */
	struct prefix_query query;
};

struct lan_listen {
	struct packet_socket *socket;	/* NULL: there is none */
	bool own;			/* opened here */
	uint32_t bound;			/* its port */
	ev_io io;
};

struct names {
	struct in6_addr dhcp6[NAMES_MAX];	/* that DHCPv6 names */
	unsigned int dhcp6_count;
	int64_t gone4_at, gone6_at;	/* since when nobody can have said so; 0: somebody can */
	struct in6_addr aliased[NAMES_ALIASES];	/* who has 192.0.0.2, .3; unspecified: nobody */
	int64_t quiet_until;		/* no other aliases, nor other words to devices, before */
	char *written;			/* to resolv.conf */
};

/* See attachment.c. */
struct attachment {
	struct negotiation_env env;
	struct probe ipv4, ipv6;
	int64_t confirmed_ms;		/* when all were last told to ask whether their leases hold */
	int64_t confirm_at;		/* when to tell them again, as there is doubt; NEVER */
	int64_t patience_ms;		/* between two such moments */
	int64_t doubted_ms;		/* when a new router last made us ask for the old one */
};

struct gateway {
	struct ev_loop *loop;
	struct config *config;
	struct store *store;
	struct clock *clock;
	struct rng *rng;
	struct doppel_link *module;
	struct rtnetlink *rtnetlink;
	struct packet_socket *packet;
	struct udp_socket *udp;
	bool own_module, own_rtnetlink, own_packet, own_udp;	/* opened here, to be closed here */

	ev_io module_io, rtnetlink_io, packet_io, udp_io;
	ev_prepare prepare;
	ev_check check;
	ev_timer timer;			/* one for all: armed before the loop sleeps */

	struct map devices;		/* struct device by MAC */
	struct heap due;		/* those for which something is due, the next one first */
	struct map addresses;		/* struct device_address of them by WAN address */
	uint64_t hearing;		/* the number of the packet that they are told of */
	struct map lan_addresses;	/* devices by LAN address; by accident of the store several */
	struct map claims;		/* struct lan_claim by LAN address */
	struct list listeners;
	struct pace pace;
	struct lan_dhcp lan_dhcp;
	struct lan_listen lan_listen;

	struct port_link lan, wan;	/* ifindex 0: not there */
	uint32_t bound;			/* the packet socket's port */
	bool ready;			/* the module has the gateway, both ports are there */
	char problem[GATEWAY_PROBLEM_MAX];	/* why not ready */
	unsigned int attempts;		/* to become so, in a row */
	int64_t reconcile_at;		/* NEVER: nothing to do */
	int64_t settle_at;		/* when to see to what hangs on all devices together; NEVER */

	struct module_gateway held;	/* what the module has */
	struct module_mapping *mappings;	/* of these it has `mapping_count` */
	size_t mapping_count;
	char mapping_problem[GATEWAY_PROBLEM_MAX];	/* the first that cannot be made; "": none */
	struct lending lending;
	struct nat64 nat64;
	struct names names;

	struct attachment attachment;
	struct upstream upstream;
	struct server_id known4, known6;	/* see servers.c */
	struct routers routers;
	int64_t routers_at;		/* when that set may change by itself */
	int64_t advertise_at;		/* when all devices hear what routers said; NEVER */
	int64_t told_since;		/* when they were last told as often as may be */
	unsigned int told;		/* and how often since then */
	bool router_heard;		/* by this agent: `routers` tells the truth */
	bool dhcp4_heard;		/* some DHCPv4 server has answered since the link came */

	int64_t poll_at;		/* next look at who is silent */
	int64_t keep_at;		/* next burst of writes to the store; NEVER: there is nothing to write */
	unsigned int losses;		/* of the store, that were made up for */
	int64_t started_ms;
	int64_t wall_offset_s;		/* wall less monotonic clock, as seen last */
	int64_t last_discovery;		/* wall */
	uint64_t refused;		/* devices not admitted */
	int64_t refused_logged_ms;
	int64_t refused_at;		/* wall, the last one */
	struct mac refused_mac;
	const char *refused_why;	/* static; NULL: none was */
	unsigned char secret[32];	/* for stable-privacy addresses, kept in the store */
};

/* gateway.c */
__attribute__((format(printf, 4, 5)))
void doppel_gateway_emit(struct gateway *gateway, enum gateway_event_kind kind,
			 struct device *device, const char *fmt, ...);
struct device *doppel_gateway_find(const struct gateway *gateway, const struct mac *mac);
/* To the store. 0 or -errno. */
int doppel_gateway_keep_secret(struct gateway *gateway);
static inline int64_t doppel_gateway_now(const struct gateway *gateway)
{
	return doppel_clock_mono_ms(gateway->clock);
}
/* The next moment at which something is due, and doing what is. The tests turn this crank. */
int64_t doppel_gateway_deadline(struct gateway *gateway);
void doppel_gateway_timeout(struct gateway *gateway);

/*
 * Devices, routers or ports have changed: see to it in @ms, or sooner if that was said before, that
 * lender, NAT64 prefix, mappings and name servers are as they should be.
 */
void doppel_gateway_settle_after(struct gateway *gateway, int64_t ms);

/* reconcile.c */
void doppel_reconcile_soon(struct gateway *gateway);
void doppel_reconcile_after(struct gateway *gateway, int64_t ms);
void doppel_reconcile(struct gateway *gateway);
/* What the file asks for and a module that does not lend cannot do; "" if there is nothing. */
const char *doppel_reconcile_beyond(const struct config *config);
/* Not ready from now on, for this reason; what is needed is tried again. */
__attribute__((format(printf, 2, 3)))
void doppel_reconcile_lost(struct gateway *gateway, const char *fmt, ...);

/* ports.c */
/* All return 0, or a negative errno with gateway->problem told. LAN port up, its address, sysctls. */
int doppel_ports_prepare(struct gateway *gateway);
/* Take the LAN address of the file of before away, if it is another now. */
void doppel_ports_release(struct gateway *gateway, const struct config *before);
/* WAN port up: only with the module on guard there, as the kernel speaks in its own name at once. */
int doppel_ports_open_wan(struct gateway *gateway);
void doppel_ports_event(const struct port_event *event, void *gateway);

/* discovery.c */
void doppel_discovery_event(const struct module_event *event, void *gateway);
void doppel_discovery_seen(struct gateway *gateway, const struct mac *mac, struct in_addr ipv4);
void doppel_discovery_neighbour(struct gateway *gateway, const struct port_event *event);
/* Who is silent? */
void doppel_discovery_poll(struct gateway *gateway);
/* The device, made if it is let in; NULL if not. */
struct device *doppel_discovery_admit(struct gateway *gateway, const struct mac *mac);
/* Devices of the file and of the store, before anything else happens. */
int doppel_discovery_restore(struct gateway *gateway);
/* Make the file's devices known, and no longer listed those that it lacks now. */
int doppel_discovery_list(struct gateway *gateway);

/* adopt.c */
/* What the module holds of a device that nobody else knows; NULL if it is not let in. */
struct device *doppel_adopt(struct gateway *gateway, const struct module_device *held);

/* keep.c */
#define KEEP_MS 60000
/* With the next burst. */
void doppel_keep_soon(struct gateway *gateway);
/* What was written since the last commit. */
void doppel_keep_commit(struct gateway *gateway);
/* The store has lost what it had: the next burst is of all that is known. */
void doppel_keep_all(struct gateway *gateway);
void doppel_keep_now(struct gateway *gateway);
void doppel_keep_timeout(struct gateway *gateway);

/* wall.c */
void doppel_wall_init(struct gateway *gateway);
/* Was it set? */
void doppel_wall_watch(struct gateway *gateway);

/* wan.c */
void doppel_wan_read(struct gateway *gateway);
void doppel_wan_frame(struct gateway *gateway, const void *frame, size_t len,
		      bool checksum_pending);
/* The link was away: every identity asks whether what it has still holds. */
void doppel_wan_confirm(struct gateway *gateway);
/* The IPv6 router does not answer, or does again: another one is better, if there is one. */
void doppel_wan_router_silent(struct gateway *gateway, const struct in6_addr *router, bool silent);
void doppel_wan_timeout(struct gateway *gateway);

/* servers.c */
/* By the leases of the store. */
void doppel_servers_restore(struct gateway *gateway);
/* This lease was won or renewed (@in_use), or lost. */
void doppel_servers_lease4(struct gateway *gateway, const struct dhcp4_lease *lease, bool in_use);
void doppel_servers_lease6(struct gateway *gateway, const struct dhcp6_lease *lease, bool in_use);

/* attachment.c */
void doppel_attachment_init(struct gateway *gateway);
/* Devices or routers have changed: who asks for which router? */
void doppel_attachment_settle(struct gateway *gateway);
/* Every identity has been told to ask: whether the routers are the same is asked at once, too. */
void doppel_attachment_again(struct gateway *gateway);
/* A lease was lost: there was reason to ask. */
void doppel_attachment_changed(struct gateway *gateway);
/* A router advertises: not as before? */
void doppel_attachment_advertised(struct gateway *gateway, const struct ra *ra);
/* An ARP or neighbour packet. */
void doppel_attachment_frame(struct gateway *gateway, const struct packet *packet);
void doppel_attachment_timeout(struct gateway *gateway);
int64_t doppel_attachment_deadline(const struct gateway *gateway);

/* lend.c */
void doppel_lend_settle(struct gateway *gateway);
/* A route, neighbour or address was taken away: if it was the way's, it is put back. */
void doppel_lend_event(struct gateway *gateway, const struct port_event *event);
/* The module is gone: nobody keeps the port's own MAC off the WAN. */
void doppel_lend_close(struct gateway *gateway);
/* By the file, lent identities are what the box's own traffic has. */
bool doppel_lend_wanted(const struct gateway *gateway);
/* Who lends the box an identity; NULL: nobody, or there is no way out. */
struct device *doppel_lend_lender(const struct gateway *gateway);

/* nat64.c */
void doppel_nat64_init(struct gateway *gateway);
void doppel_nat64_settle(struct gateway *gateway);
void doppel_nat64_read(struct gateway *gateway);
void doppel_nat64_timeout(struct gateway *gateway);
int64_t doppel_nat64_deadline(const struct gateway *gateway);
/* How many devices have an address, but of IPv6 alone. */
size_t doppel_nat64_needed(const struct gateway *gateway);
/* The link was away: what DNS said may be otherwise now. */
void doppel_nat64_again(struct gateway *gateway);

/* mappings.c */
void doppel_mappings_settle(struct gateway *gateway);
/* The module has this mapping, says its dump. */
bool doppel_mappings_have(const struct gateway *gateway, const struct module_mapping *mapping);
int doppel_mappings_held(struct gateway *gateway, const struct module_mapping *mapping);

/* names.c: with the mappings, which rest on them */
void doppel_names_settle(struct gateway *gateway);
/* What an agent before this one told the devices. */
void doppel_names_restore(struct gateway *gateway);
/* To the store, what the devices were told. */
void doppel_names_keep(struct gateway *gateway);
/* DHCPv6 names these. */
void doppel_names_learn6(struct gateway *gateway, const struct in6_addr *servers,
			 unsigned int count);
/* The module has this mapping since before this agent: it may be an alias of ours. */
void doppel_names_held(struct gateway *gateway, const struct module_mapping *mapping);
/* Mappings of our own that there should be; returns how many. */
size_t doppel_names_aliases(const struct gateway *gateway,
			    struct module_mapping mappings[NAMES_ALIASES]);
/* Whom the box itself can ask now, IPv4 ones v4-mapped; returns how many. */
unsigned int doppel_names_usable(const struct gateway *gateway, struct in6_addr list[NAMES_MAX]);
void doppel_names_free(struct gateway *gateway);

/* lan_listen.c */
/* @socket NULL: one of its own; without one it is deaf, which is told. */
void doppel_lan_listen_init(struct gateway *gateway, struct packet_socket *socket);
/* The LAN port may be another now. */
void doppel_lan_listen_bind(struct gateway *gateway);
void doppel_lan_listen_frame(struct gateway *gateway, const void *frame, size_t len,
			     bool checksum_pending);
void doppel_lan_listen_free(struct gateway *gateway);

/* Devices in the order of their MACs; NULL for want of memory. The caller frees the array. */
struct device **doppel_gateway_sorted(struct gateway *gateway);

#endif
