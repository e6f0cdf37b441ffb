/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What outlives the agent, in one SQLite file: devices, their leases, forwards
 * that were added at run time, settings.
 *
 * The first write begins a transaction and doppel_store_commit() ends it, so
 * that a burst of changes is one: whoever writes sees to it that commit comes
 * when the event loop is done with what is at hand. Calls return 0 or a
 * negative errno; the reason is in the log.
 */
#ifndef DOPPEL_STORE_STORE_H
#define DOPPEL_STORE_STORE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"

struct store;

#define STORE_NAME_TEXT 64
#define STORE_STATUS_TEXT 16
#define STORE_LOOKS_TEXT 640

struct store_device {
	struct mac mac;
	char name[STORE_NAME_TEXT];	/* "": none */
	struct in_addr lan_ipv4;	/* zero: none */
	char status[STORE_STATUS_TEXT];	/* as it was last, in the words of the API */
	int64_t discovered_at;		/* seconds since the epoch, 0: never */
	int64_t last_seen;
	char looks[STORE_LOOKS_TEXT];	/* its DHCP client's, the gateway's own JSON; "": unknown */
};

/* Strings are the store's and good until the callback returns. */
struct store_lease {
	struct mac mac;
	const char *protocol;	/* "dhcp4", "dhcp6", "slaac": one lease of each a device */
	const char *addresses;	/* for a CLI without an agent: "10.0.0.7/24", "2001:db8::1, …" */
	const char *data;	/* the protocol's own: JSON */
};

struct store_forward {
	struct mac mac;
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port, to;
};

/*
 * Open the agent's store: made if it is not there (with its directory, mode
 * 0600), migrated if it is old (a copy of it stays beside it). Locked against a
 * second agent: -EBUSY. A damaged file is set aside as FILE.damaged-TIME, with a
 * line in the log, and begun anew. Where the disk cannot be written the store is
 * in memory for a while, with what can be read of the file. -EINVAL: the file is
 * a newer agent's or another program's.
 */
int doppel_store_open(const char *path, struct store **store, struct doppel_error *error);
/* For reading beside an agent or without one. -ENOENT if there is none. */
int doppel_store_open_readonly(const char *path, struct store **store,
			       struct doppel_error *error);
/* Commits what is pending. NULL is fine. */
void doppel_store_close(struct store *store);

/* There is something to commit. */
bool doppel_store_dirty(const struct store *store);
/* A killed agent loses nothing of what is committed; a power cut may, up to the last sync. */
int doppel_store_commit(struct store *store);
/* What was written since the last commit is undone. */
int doppel_store_rollback(struct store *store);
/* What is committed is on the disk after this. 0 or a negative errno. */
int doppel_store_sync(struct store *store);

/*
 * Why the file cannot be written, as a line for people, or "". Meanwhile nothing
 * fails: the store is in memory, and recover() tries to write all of it back.
 */
const char *doppel_store_problem(const struct store *store);
/* 0 when the file is in use (again), else a negative errno. */
int doppel_store_recover(struct store *store);
/*
 * How often content was lost, as with a damaged file: when this grows, put
 * again what is known. 1 right after opening if there was something and none of
 * it could be read.
 */
unsigned int doppel_store_losses(const struct store *store);

/* Callbacks: non-zero ends the walk and is its result. */
int doppel_store_device_put(struct store *store, const struct store_device *device);
/* With its leases and forwards. -ENOENT. */
int doppel_store_device_del(struct store *store, const struct mac *mac);
/* By MAC, ascending. */
int doppel_store_device_foreach(struct store *store,
				int (*cb)(const struct store_device *device, void *ctx),
				void *ctx);

/* The device must be there: -ENOENT. mac is lease->mac's. */
int doppel_store_lease_put(struct store *store, const struct store_lease *lease);
/* No lease to delete is fine. */
int doppel_store_lease_del(struct store *store, const struct mac *mac, const char *protocol);
/* Of one device, or of all if mac is NULL. */
int doppel_store_lease_foreach(struct store *store, const struct mac *mac,
			       int (*cb)(const struct store_lease *lease, void *ctx), void *ctx);

/* Forwards need no device in the store. Put replaces what has the same MAC, protocol and port. */
int doppel_store_forward_put(struct store *store, const struct store_forward *forward);
/* -ENOENT. */
int doppel_store_forward_del(struct store *store, const struct mac *mac, uint8_t protocol,
			     uint16_t port);
int doppel_store_forward_foreach(struct store *store,
				 int (*cb)(const struct store_forward *forward, void *ctx),
				 void *ctx);

/* A small secret or counter under a name. get: the caller frees *value; -ENOENT. */
int doppel_store_setting_put(struct store *store, const char *key, const char *value);
int doppel_store_setting_get(struct store *store, const char *key, char **value);

#endif
