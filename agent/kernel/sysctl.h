/* SPDX-License-Identifier: GPL-2.0-only */
/* Sysctls that are wanted, whoever wants them. */
#ifndef DOPPEL_KERNEL_SYSCTL_H
#define DOPPEL_KERNEL_SYSCTL_H

#include <stdbool.h>

#include "kernel/rtnetlink.h"

/* Whether @path below /proc/sys is there and says @value. */
bool doppel_sysctl_is(struct rtnetlink *rt, const char *path, const char *value);

/* Let it say so. What had to be changed for that is in the log. 0 or a negative errno. */
int doppel_sysctl_ensure(struct rtnetlink *rt, const char *path, const char *value);

#endif
