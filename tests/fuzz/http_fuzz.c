// SPDX-License-Identifier: GPL-2.0-only
/* Every path of the API on a gateway without a kernel. */
#include "gateway_fake.h"

#include "api_request.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct fake *fake;
static struct api_context context;

static int no_sessions(struct doppel_link *link,
		       int (*cb)(const struct module_session *session, void *ctx), void *ctx)
{
	(void)link;
	(void)cb;
	(void)ctx;
	return -ENOENT;
}

static int flush(struct doppel_link *link, const struct mac *mac)
{
	(void)link;
	(void)mac;
	return 0;
}

static void begin(void)
{
	doppel_log_set_level(LOG_ERR - 1);
	fake = fake_new();
	fake->router = true;
	fake->module.session_dump = no_sessions;
	fake->module.session_flush = flush;
	fake_start(fake, FAKE_DUAL);
	context = (struct api_context){
		.gateway = fake->gw,
		.clock = &fake->clock,
		.loop = EV_DEFAULT,
		.config_file = "/etc/x.yaml",
	};
	doppel_list_init(&context.streams);
	doppel_list_init(&context.joins);
}

/* Two devices, whatever the request before has done to them. */
static void restore(void)
{
	if (fake->gw->devices.count >= 2 && fake->gw->devices.count < 40)
		return;
	if (fake->gw->devices.count >= 40) {
		fake_free(fake);
		begin();
	}
	fake_seen(fake, 7, "192.168.1.7");
	fake_seen(fake, 8, "192.168.1.8");
	fake_run(fake, 30000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!fake)
		begin();
	restore();
	api_request(&context, data, len);
	doppel_store_commit(fake->store);
	return 0;
}
