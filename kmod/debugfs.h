/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/kernel/debug/doppel/<inode number of the namespace>/: for people to look at. */
#ifndef _DOPPEL_DEBUGFS_H
#define _DOPPEL_DEBUGFS_H

struct doppel_gateway;

/* The gateway's directory; remove waits for its readers, which take no lock but RCU. */
void doppel_debugfs_add(struct doppel_gateway *gw);
void doppel_debugfs_remove(struct doppel_gateway *gw);

void doppel_debugfs_init(void);
void doppel_debugfs_exit(void);

#endif
