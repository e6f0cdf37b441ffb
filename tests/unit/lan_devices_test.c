// SPDX-License-Identifier: GPL-2.0-only
/* LAN devices as targets of rules: whose name it is. */
#include "gateway_fake.h"

#include "base/log.h"
#include "cli/lan_devices.h"
#include "gateway/device.h"

static void call_itself(struct fake *fake, uint8_t last, const char *name)
{
	const struct mac mac = fake_mac(last);
	struct device *device = doppel_gateway_find(fake->gw, &mac);

	snprintf(device->hostname, sizeof(device->hostname), "%s", name);
}

static void is_at(const struct lan_devices *devices, const char *device, const char *want,
		  const char *what)
{
	struct in_addr ipv4 = { 0 };
	char text[DOPPEL_IP4_TEXT];
	const bool known = doppel_lan_devices_ipv4(devices, device, &ipv4);

	is_str(known ? doppel_ip4_format(ipv4, text) : "", want, "%s", what);
}

int main(void)
{
	struct fake *fake = fake_new();
	struct lan_devices devices;

	doppel_log_set_level(LOG_ERR - 1);
	fake_start(fake, FAKE_PLAIN "  devices: {list: [{mac: \"02:00:00:00:00:07\", name: printer},"
		   " {mac: \"02:00:00:00:00:08\"}]}\n");
	devices = (struct lan_devices){ fake->gw, fake->config };
	fake_seen(fake, 3, "192.168.1.3");
	call_itself(fake, 3, "Printer");
	is_at(&devices, "printer", "", "who calls itself as one that the file lists is not that");
	fake_seen(fake, 7, "192.168.1.7");
	is_at(&devices, "printer", "192.168.1.7", "… which has its own address");
	is_at(&devices, "PRINTER", "192.168.1.7", "… in any case");
	is_at(&devices, "02:00:00:00:00:03", "192.168.1.3", "a MAC is whose it is");
	call_itself(fake, 3, "tv");
	is_at(&devices, "tv", "192.168.1.3", "a name that the file does not list is who calls itself so");
	ok(doppel_lan_devices_known(&devices, "tv") && doppel_lan_devices_known(&devices, "printer"),
	   "both are known");
	ok(!doppel_lan_devices_known(&devices, "radio") && !doppel_lan_devices_known(&devices, ""),
	   "nobody else, nor a device without a name");
	devices.gateway = NULL;
	is_at(&devices, "printer", "", "a box that is no gateway has no devices");
	fake_free(fake);
	return done_testing();
}
