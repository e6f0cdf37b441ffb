// SPDX-License-Identifier: GPL-2.0-only
/* A lease as the store or an import has it: what is read must be written as the same again. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int64_t mono_ms(struct clock *clock)
{
	(void)clock;
	return 1000000;
}

static int64_t wall_s(struct clock *clock)
{
	(void)clock;
	return 1795000000;
}

static const char *boot(struct clock *clock)
{
	(void)clock;
	return "b";
}

static struct clock fuzz_clock = { mono_ms, wall_s, boot };

static void must(int read)
{
	if (!read)
		abort();
}

static void fuzz4(const char *text)
{
	struct dhcp4_lease lease, again;
	char *written;

	if (doppel_lease_to_dhcp4(text, &fuzz_clock, &lease))
		return;
	written = doppel_lease_from_dhcp4(&lease, &fuzz_clock);
	must(written && !doppel_lease_to_dhcp4(written, &fuzz_clock, &again));
	must(again.address.s_addr == lease.address.s_addr && again.lease_s == lease.lease_s);
	free(written);
}

static void fuzz6(const char *text)
{
	struct dhcp6_lease lease, again;
	char *written;

	if (doppel_lease_to_dhcp6(text, &fuzz_clock, &lease))
		return;
	written = doppel_lease_from_dhcp6(&lease, &fuzz_clock);
	must(written && !doppel_lease_to_dhcp6(written, &fuzz_clock, &again));
	must(again.address_count == lease.address_count);
	free(written);
}

static void fuzz_slaac(const char *text)
{
	struct slaac_address list[SLAAC_ADDRESSES_MAX], again[SLAAC_ADDRESSES_MAX];
	unsigned int count, count_again;
	char *written;

	if (doppel_lease_to_slaac(text, &fuzz_clock, list, &count))
		return;
	written = doppel_lease_from_slaac(list, count, &fuzz_clock);
	must(written && !doppel_lease_to_slaac(written, &fuzz_clock, again, &count_again));
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = strndup((const char *)data, len);

	must(text != NULL);
	fuzz4(text);
	fuzz6(text);
	fuzz_slaac(text);
	free(text);
	return 0;
}
