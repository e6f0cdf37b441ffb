/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One device: who it is on the LAN, the protocol machines of its identity, and what the module and
 * the store were last told about it.
 *
 * The machines' events change nothing by themselves; after every call into a machine
 * doppel_device_settle() looks at all of them, starts and stops what follows, tells the module the
 * difference and writes the store.
 */
#ifndef DOPPEL_GATEWAY_DEVICE_H
#define DOPPEL_GATEWAY_DEVICE_H

#include "base/heap.h"
#include "base/map.h"
#include "gateway/dhcp4.h"
#include "gateway/dhcp6.h"
#include "gateway/gateway.h"
#include "gateway/pace.h"
#include "gateway/reach.h"
#include "gateway/slaac.h"
#include "kernel/doppel.h"
#include "store/store.h"

struct config_device;
struct gateway;

/* What DHCPv6 is doing, by the routers' M and O flags. */
enum dhcp6_mode {
	DHCP6_MODE_NONE,
	DHCP6_MODE_INFORM,
	DHCP6_MODE_STATEFUL,
};

/* Leases of the store, from when the device begins to negotiate until machines have taken them over. */
struct restored_leases {
	bool dhcp4, dhcp6;
	struct dhcp4_lease lease4;
	struct dhcp6_lease lease6;
	struct slaac_address slaac[SLAAC_ADDRESSES_MAX];
	unsigned int slaac_count;
};

/* What the store has of a lease. */
struct kept_lease {
	uint32_t digest;		/* of its addresses; 0: it has none */
	int64_t until;			/* good for nothing afterwards */
};

/* A LAN address that a frame said to be the device's, until that is known: see claim.c. */
struct lan_claim {
	struct map_node node;		/* by `address`, while there is a stage */
	enum {
		CLAIM_NONE,
		CLAIM_ASK_OLD,	/* who has it now, and the device where it was: are they there? */
		CLAIM_ASK_NEW,	/* is the device where it says? */
	} stage;
	struct in_addr address;
	int64_t deadline;
};

struct device {
	struct map_node node;
	struct heap_node due;		/* when something is: doppel_device_schedule() */
	struct gateway *gateway;
	struct mac mac;
	const struct config_device *listed;	/* of the gateway's config; NULL: not listed */
	char hostname[STORE_NAME_TEXT];

	struct in_addr lan_ipv4;	/* set by doppel_claim_grant() */
	struct map_node lan_node;	/* by it, unless it is zero */
	struct lan_claim claim;
	bool seen;			/* ever, on the LAN: it has an identity */
	bool adopted;			/* the module had it, and the store had not */
	bool inactive;			/* silent */
	unsigned int probes;		/* since it went silent */
	int64_t seen_ms;		/* last frame of it */
	int64_t discovered_at, last_seen;	/* wall */

	bool negotiating;		/* the machines below have been started, or will be */
	int64_t begin_at;		/* NEVER, or when: the rate cap gives each its turn */
	unsigned int passed;		/* turns that it let pass, as nobody had an answer */
	struct negotiation_env env;
	struct pace_source pace;
	struct dhcp4 dhcp4;
	struct slaac slaac;
	struct dhcp6 dhcp6;
	struct reach reach;
	bool conflict4;			/* somebody had the address since one was bound */
	bool no_router;			/* none was heard in time: the WAN may be IPv4-only */
	enum dhcp6_mode mode6;
	int64_t confirm_at;		/* NEVER, or when to ask whether the leases hold */
	struct device_address *addresses;	/* as they are indexed: see concern.c */
	unsigned int address_count;
	uint64_t hearing;		/* the packet that it has heard last */
	struct restored_leases *restored;

	bool in_module;
	struct module_device held;	/* what the module has */
	struct module_forward *forwards;	/* of these the module has `forward_count` */
	size_t forward_count;
	char refusal[NEGOTIATION_REASON_MAX];	/* why the module does not have what it should */

	bool keep4, keep6, keep_slaac, keep_device;	/* the store must learn of a change */
	bool stored;			/* the store has the device, with: */
	struct in_addr kept_lan;
	struct kept_lease kept4, kept6, kept_slaac;
	enum device_status status;	/* as last told */
	bool changed;			/* something that listeners want to know */
};

static inline struct device *doppel_device_of(struct map_node *node)
{
	return container_of(node, struct device, node);
}

/* Known from now on, negotiates not yet. */
int doppel_device_new(struct gateway *gateway, const struct mac *mac, struct device **device);
void doppel_device_free(struct device *device);

/*
 * Begin to negotiate. With @forwarding the module has the addresses of device->held in use: leases
 * of the store that fit are gone on with, without a question.
 */
void doppel_device_start(struct device *device, bool forwarding);
/* Ask whether its leases hold, when its turn of the rate cap has come. */
void doppel_device_confirm_later(struct device *device);
/* End; the leases are released if @release. */
void doppel_device_stop(struct device *device, bool release);

/* By the file's wan.ipv4 and wan.ipv6, which may have changed. */
void doppel_device_configure(struct device *device);

/* Do not wait for the next retry. */
void doppel_device_retry(struct device *device);

/* An ARP, DHCP or neighbour packet that is or may be for this device. */
void doppel_device_receive(struct device *device, const struct packet *packet);
void doppel_device_advertise(struct device *device, const struct ra *ra);

/* Whatever moves a deadline of the device, or of its machines, to an earlier time says so here. */
void doppel_device_schedule(struct device *device);
void doppel_device_timeout(struct device *device);
void doppel_device_settle(struct device *device);

/* concern.c */
/* The device's WAN addresses, those being tried included, may be others now. */
void doppel_concern_update(struct device *device);
void doppel_concern_forget(struct device *device);
/* An ARP or neighbour packet to all devices that it concerns. */
void doppel_concern_deliver(struct gateway *gateway, const struct packet *packet);

/* claim.c */
/* The device has this LAN address from now on; zero: none. */
void doppel_claim_grant(struct device *device, struct in_addr address);
/* The device goes: it has and claims no address any more. */
void doppel_claim_forget(struct device *device);
/* Who has this LAN address, @but (may be NULL) left out; NULL: nobody. */
struct device *doppel_claim_holder(const struct gateway *gateway, struct in_addr address,
				   const struct device *but);
/* A frame of the device came from this address of the LAN, which is not its own so far. */
void doppel_claim_begin(struct device *device, struct in_addr address);
/* The kernel has had an answer from this MAC at this address. */
void doppel_claim_answer(struct gateway *gateway, const struct mac *mac, struct in_addr address);
void doppel_claim_timeout(struct device *device);

/* device_view.c */
/* What the module should have. */
void doppel_device_wanted(const struct device *device, struct module_device *wanted);
const char *doppel_device_name(const struct device *device);
enum device_status doppel_device_status(const struct device *device);
/* Names and reasons lie in @device, @reasons and static memory. */
struct device_reasons {
	char ipv4[NEGOTIATION_REASON_MAX], ipv6[NEGOTIATION_REASON_MAX];
};
void doppel_device_view(const struct device *device, struct device_view *view,
			struct device_reasons *reasons);

/* wan6.c */
/* Its WAN IPv6 addresses, first the one to send from. */
void doppel_wan6_wanted(const struct device *device, struct module_device *wanted);
/* How many stateless ones can be used. */
unsigned int doppel_wan6_slaac_count(const struct device *device);
/*
 * Whether the device @ctx is on another link than the one that @lease was given on, as far as routers can
 * tell: each that has advertised since the leases were last doubted is new since then, and has no prefix
 * that the lease is of.
 */
bool doppel_wan6_is_elsewhere(void *ctx, const struct dhcp6_lease *lease);
bool doppel_wan6_is_leased(const struct device *device, const struct in6_addr *address);

/* device_sync.c */
/* Tell the module the difference; -errno leaves device->refusal. */
int doppel_device_push(struct device *device);
int doppel_device_remove(struct device *device);
/* Write to the store what has changed and must not be lost; the rest waits for doppel_keep_now(). */
void doppel_device_keep(struct device *device);
/* All that has changed. */
void doppel_device_write(struct device *device);
/* All that is known is to be written: not that nothing is known, where a lease is asked for again. */
void doppel_device_changed(struct device *device);
/* Leases of the store for device->restored. */
int doppel_device_restore(struct device *device);

#endif
