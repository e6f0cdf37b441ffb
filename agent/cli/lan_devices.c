// SPDX-License-Identifier: GPL-2.0-only
#include "cli/lan_devices.h"

#include <string.h>

#include "gateway/gateway.h"

static const struct config_device *find_listed(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->devices.count; i++)
		if (*name && !strcasecmp(config->devices.list[i].name, name))
			return &config->devices.list[i];
	return NULL;
}

struct search {
	const char *name;
	struct in_addr ipv4;
};

/* 1: found. */
static int match_device(const struct device_view *device, void *ctx)
{
	struct search *search = ctx;

	if (!*device->name || strcasecmp(device->name, search->name))
		return 0;
	search->ipv4 = device->lan_ipv4;
	return 1;
}

static int take_address(const struct device_view *device, void *ctx)
{
	struct search *search = ctx;

	search->ipv4 = device->lan_ipv4;
	return 0;
}

bool doppel_lan_devices_listed(const struct config *config, const char *name)
{
	return find_listed(config, name);
}

bool doppel_lan_devices_known(const struct lan_devices *devices, const char *name)
{
	struct search search = { .name = name };

	return find_listed(devices->config, name) ||
	       (devices->gateway &&
		doppel_gateway_foreach_device(devices->gateway, match_device, &search) == 1);
}

/* False: none is known. */
static bool find_mac(const struct config *config, const char *device, struct mac *mac)
{
	const struct config_device *listed = find_listed(config, device);

	if (!doppel_mac_parse(device, mac))
		return true;
	if (listed)
		*mac = listed->mac;
	return listed;
}

bool doppel_lan_devices_ipv4(const struct lan_devices *devices, const char *device,
			     struct in_addr *ipv4)
{
	struct search search = { .name = device };
	struct mac mac;

	if (!devices->gateway)
		return false;
	if (find_mac(devices->config, device, &mac))
		doppel_gateway_device(devices->gateway, &mac, take_address, &search);
	else
		doppel_gateway_foreach_device(devices->gateway, match_device, &search);
	*ipv4 = search.ipv4;
	return search.ipv4.s_addr;
}
