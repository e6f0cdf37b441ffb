// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/sysctl.h"

#include <string.h>

#include "base/log.h"

bool doppel_sysctl_is(struct rtnetlink *rt, const char *path, const char *value)
{
	char now[32];

	return !rt->sysctl_get(rt, path, now, sizeof(now)) && !strcmp(now, value);
}

int doppel_sysctl_ensure(struct rtnetlink *rt, const char *path, const char *value)
{
	int err;

	if (doppel_sysctl_is(rt, path, value))
		return 0;
	err = rt->sysctl_set(rt, path, value);
	if (!err)
		doppel_log(LOG_INFO, "sysctl %s=%s", path, value);
	return err;
}
