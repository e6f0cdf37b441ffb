// SPDX-License-Identifier: GPL-2.0-only
/* Questions that nobody answers: they may hold up what begins after them, but not for ever. */
#include "base/log.h"
#include "gateway/device.h"
#include "gateway_fake.h"

static void depart(void *ctx, const void *frame, size_t len)
{
	unsigned int *left = ctx;

	if (left)
		++*left;
	(void)frame;
	(void)len;
}

/* Forty whom the upstream does not know ask and ask; it knows the one that comes after them. */
static void test_unanswered(void)
{
	struct fake *fake = fake_new();
	unsigned int i;

	fake->router = true;
	fake->dhcp_server = false;
	fake->ra_flags = ND_RA_FLAG_MANAGED;
	fake_start(fake, FAKE_DUAL
		   "  dhcp4: {timeout: 300ms, retry_delay: 300ms, retry_cap: 300ms}\n"
		   "  dhcp6: {timeout: 300ms, retry_delay: 300ms, retry_cap: 300ms}\n");
	for (i = 1; i <= 40; i++) {
		char ipv4[20];

		snprintf(ipv4, sizeof(ipv4), "192.168.1.%u", i + 1);
		fake_seen(fake, (uint8_t)i, ipv4);
	}
	fake_run(fake, 60000);
	ok(fake->gw->pace.queued && !doppel_pace_open(&fake->gw->pace),
	   "who is not answered leaves no room");
	fake_seen(fake, 99, "192.168.1.99");
	fake_run(fake, 5000);
	ok(doppel_gateway_find(fake->gw, &(struct mac){ { 2, 0, 0, 0, 0, 99 } })->begin_at == NEVER,
	   "and yet another begins, too");
	fake->dhcp_server = true;
	fake_run(fake, 10000);
	is_int(fake_view(fake, 99).view.ipv4.status, FAMILY_BOUND, "and finds its server");
	fake_free(fake);
}

static void test_debt(void)
{
	struct fake *fake = fake_new();
	struct pace_source sources[2];
	static const uint8_t beginning[60];
	struct pace pace;
	unsigned int i;

	doppel_pace_init(&pace, &fake->clock, PACE_RATE, depart, NULL);
	doppel_pace_source_init(&sources[0]);
	doppel_pace_source_init(&sources[1]);
	for (i = 0; i < 10000; i++) {
		fake->now += 6;
		doppel_pace_send(&pace, &sources[0], PACE_ASKING, "frame", 5);
	}
	doppel_pace_send(&pace, &sources[1], PACE_BEGINNING, beginning, sizeof(beginning));
	is_int(pace.queued, 1, "a minute of questions without an answer shuts the window");
	fake->now += 2000;
	doppel_pace_timeout(&pace);
	is_int(pace.queued, 0, "but for two seconds at most");
	fake_free(fake);
}

/* What had gathered by a higher cap is not spent by a lower one. */
static void test_lowered(void)
{
	struct fake *fake = fake_new();
	struct pace_source source;
	unsigned int i, left = 0;
	struct pace pace;

	doppel_pace_init(&pace, &fake->clock, PACE_RATE_MAX, depart, &left);
	doppel_pace_source_init(&source);
	doppel_pace_set_rate(&pace, PACE_RATE_MIN);
	for (i = 0; i < PACE_LINE; i++)
		doppel_pace_send(&pace, &source, PACE_URGENT, "frame", 5);
	is_int(left, 1, "a cap that was lowered holds at once");
	doppel_pace_clear(&pace);
	fake_free(fake);
}

/* What the clock here has in time may be a little later on the wire, into the next second. */
static void test_spare(void)
{
	struct fake *fake = fake_new();
	struct pace_source source;
	unsigned int i, left = 0;
	struct pace pace;

	doppel_pace_init(&pace, &fake->clock, 200, depart, &left);
	doppel_pace_source_init(&source);
	for (i = 0; i < 1000; i++) {
		doppel_pace_send(&pace, &source, PACE_URGENT, "frame", 5);
		fake->now++;
		doppel_pace_timeout(&pace);
	}
	is_int(left, 198, "a second's frames are a hundredth less than the cap");
	doppel_pace_clear(&pace);
	fake_free(fake);
}

int main(void)
{
	doppel_log_set_level(LOG_ERR - 1);
	test_unanswered();
	test_debt();
	test_lowered();
	test_spare();
	return done_testing();
}
