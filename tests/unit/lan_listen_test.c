// SPDX-License-Identifier: GPL-2.0-only
/* What devices say to the LAN's DHCP server, and what of it they say on the WAN. */
#include "gateway/device.h"
#include "gateway/dhcp4_message.h"
#include "gateway/looks.h"
#include "gateway_fake.h"

static const struct dhcp4_looks looks = {
	.hostname = "printer",
	.vendor_class = "MSFT 5.0",
	.parameters = { 1, 3, 6, 44, 108 },
	.parameter_count = 5,
};

/* What device @last says, in a frame from @from. */
static void say(struct fake *fake, enum dhcp4_type type, uint8_t last, uint8_t from,
		const struct dhcp4_looks *what)
{
	const struct dhcp4_config config = { .mac = fake_mac(last), .looks = *what };
	const struct dhcp4_request request = { .type = type, .xid = 1, .broadcast = true };
	const struct packet head = {
		.dst = doppel_mac_broadcast, .src = fake_mac(from), .hop_limit = 64,
		.ip4.dst.s_addr = INADDR_BROADCAST, .sport = 68, .dport = 67,
	};
	uint8_t message[DHCP4_MESSAGE_MAX], frame[FRAME_MAX];
	size_t len = doppel_dhcp4_build(message, &config, &request);

	len = doppel_frame_udp4(frame, &head, message, len);
	doppel_lan_listen_frame(fake->gw, frame, len, false);
}

static struct device *device(struct fake *fake, uint8_t last)
{
	struct mac mac = fake_mac(last);

	return doppel_gateway_find(fake->gw, &mac);
}

/* The first DISCOVER on the WAN is sent when all that it has to say is known. */
static void test_mirrored(void)
{
	struct fake *fake = fake_new();
	const struct dhcp4_looks *mirrored;

	fake_start(fake, FAKE_PLAIN);
	say(fake, DHCP4_DISCOVER, 7, 7, &looks);
	ok(device(fake, 7), "a device is known by its first DISCOVER");
	is_int(fake->discovers, 0, "before anything is said in its name");
	mirrored = &device(fake, 7)->dhcp4.config.looks;
	is_str(mirrored->hostname, "printer", "its name");
	is_str(mirrored->vendor_class, "MSFT 5.0", "its vendor class");
	ok(mirrored->parameter_count == 11 && !memcmp(mirrored->parameters, looks.parameters, 4),
	   "what it asks for, in its order");
	is_str(device(fake, 7)->hostname, "printer", "its name is shown");
	fake_run(fake, 20000);
	ok(fake_view(fake, 7).view.wan_ipv4.s_addr, "and it has a lease");
	is_str(device(fake, 7)->dhcp4.config.looks.vendor_class, "MSFT 5.0", "as what it is");
	fake_free(fake);
}

static void test_refused(void)
{
	struct dhcp4_looks strange = looks;
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_PLAIN);
	say(fake, DHCP4_DISCOVER, 7, 8, &looks);
	ok(!device(fake, 7) && !device(fake, 8), "nobody speaks for another");
	say(fake, DHCP4_RELEASE, 7, 7, &looks);
	ok(!device(fake, 7), "nor is a RELEASE listened to");
	strange.vendor_class[0] = '\x1b';
	strange.hostname[3] = '\t';
	say(fake, DHCP4_REQUEST, 7, 7, &strange);
	ok(device(fake, 7) && !device(fake, 7)->dhcp4.config.looks.vendor_class[0] &&
	   !device(fake, 7)->hostname[0], "what is not printable is not said again");
	fake_free(fake);
}

/* A name that is no ASCII, from another source; then what is no looks at all. */
static void test_text(void)
{
	static const char *const wrong[] = {
		"{", "[]", "{\"hostname\":\"a\",\"parameters\":[]}",
		"{\"hostname\":\"a\\tb\",\"vendor_class\":\"\",\"parameters\":[1]}",
		"{\"hostname\":\"\",\"vendor_class\":\"\",\"parameters\":[0]}",
		"{\"hostname\":\"\",\"vendor_class\":\"\",\"parameters\":[255]}",
		"{\"hostname\":\"\",\"vendor_class\":\"\",\"parameters\":[3,3]}",
		"{\"hostname\":\"\",\"vendor_class\":\"\",\"parameters\":[\"3\"]}",
	};
	struct dhcp4_looks full = { .parameter_count = DHCP4_PARAMETERS_MAX }, read = looks;
	char text[STORE_LOOKS_TEXT];

	memset(full.hostname, '"', sizeof(full.hostname) - 1);
	memset(full.vendor_class, '\\', DHCP4_VENDOR_CLASS_MAX);
	for (unsigned int i = 0; i < DHCP4_PARAMETERS_MAX; i++)
		full.parameters[i] = (uint8_t)(254 - i);
	doppel_looks_format(&full, text);
	is_int(doppel_looks_parse(text, &read), 0, "the longest looks");
	is_mem(&read, &full, sizeof(read), "are what they were");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		is_int(doppel_looks_parse(wrong[i], &read), -EINVAL, "refused: %s", wrong[i]);
	is_mem(&read, &full, sizeof(read), "and nothing is changed");
	memset(&full, 0, sizeof(full));
	strcpy(full.hostname, "printer");
	doppel_looks_format(&full, text);
	is_str(text, "", "a name alone is no looks");
}

/* Another agent, then another boot: servers see the same device. */
static void test_kept(void)
{
	struct fake *fake = fake_new();

	fake_start(fake, FAKE_PLAIN);
	say(fake, DHCP4_DISCOVER, 7, 7, &looks);
	fake_run(fake, 100000);
	fake_stop(fake);
	fake->device_count = fake->forward_count = 0;
	fake->set = false;
	fake->requests = 0;
	fake_start(fake, FAKE_PLAIN);
	is_str(device(fake, 7)->dhcp4.config.looks.vendor_class, "MSFT 5.0",
	       "what was heard is known to the next agent");
	fake_run(fake, 20000);
	is_int(fake->requests, 1, "an INIT-REBOOT");
	ok(fake->said.parameter_count == 11 && !memcmp(fake->said.parameters, looks.parameters, 4),
	   "asks for what the device asks for");
	is_str(fake->said.vendor_class, "MSFT 5.0", "with its vendor class");
	is_str(fake->said.hostname, "printer", "and its name");
	fake_free(fake);
}

int main(void)
{
	test_mirrored();
	test_kept();
	test_text();
	test_refused();
	return done_testing();
}
