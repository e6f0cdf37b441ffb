/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DNS of networks that have it: for each a dnsmasq on the addresses of the jump peer's interface,
 * which knows the peers' names and the mappings, in the network's domain, and asks the network's
 * upstream servers for the rest. It follows the interface, which may come later than it or go.
 */
#ifndef DOPPEL_WIREGUARD_NAMES_H
#define DOPPEL_WIREGUARD_NAMES_H

#include <ev.h>

#include "base/buf.h"
#include "base/error.h"
#include "wireguard/assignment.h"

struct wg_names;

/* The default loop; what the servers read is written into @run_dir. NULL for want of memory. */
struct wg_names *doppel_wg_names_new(struct ev_loop *loop, const char *run_dir);

/* The servers end. NULL is fine. */
void doppel_wg_names_free(struct wg_names *names);

/*
 * Bring the servers to what the site says: start, end, start anew or leave each as it is; one of which
 * only the records changed reads them and goes on. Nothing of the site is held afterwards. 0, or a
 * negative errno and a line in @error for each network whose records cannot be written: they stay as
 * they were. A server that cannot be started is told of in the log, and tried again.
 */
int doppel_wg_names_apply(struct wg_names *names, const struct wg_site *site,
			  struct doppel_error *error);

/* dnsmasq's configuration, and its records as lines of a hosts file; for tests. */
void doppel_wg_names_config(const struct wg_assignment *network, const char *hosts,
			    struct buf *text);
void doppel_wg_names_records(const struct wg_assignment *network, struct buf *text);

#endif
