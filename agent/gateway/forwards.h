/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What may come in: a device's own list in the file, else the general one, and what was added by
 * hand, which is kept in the store. The file wins where both name the same port.
 */
#ifndef DOPPEL_GATEWAY_FORWARDS_H
#define DOPPEL_GATEWAY_FORWARDS_H

#include <stddef.h>

#include "kernel/doppel.h"

struct device;
struct gateway;

struct wanted_forward {
	struct module_forward forward;
	const char *origin;		/* "default", "config" or "cli" */
};

struct wanted_forwards {
	struct wanted_forward *list;	/* the caller frees it */
	size_t count;
};

/* By protocol and port. 0 or a negative errno. */
int doppel_forwards_wanted(const struct device *device, struct wanted_forwards *wanted);

/* Tell the module the difference to device->forwards. */
int doppel_forwards_push(struct device *device);

/*
 * The store has lost what it had: forwards that the module holds and the file does not name were added
 * by hand.
 */
void doppel_forwards_adopt(struct device *device);

/* The module has this forward of the device, says its dump. */
int doppel_forwards_held(struct device *device, const struct module_forward *forward);

#endif
