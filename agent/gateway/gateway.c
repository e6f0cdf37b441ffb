// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/gateway.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/rand.h"
#include "gateway/config.h"
#include "gateway/device.h"
#include "gateway/forwards.h"
#include "gateway/state.h"
#include "kernel/packet.h"
#include "kernel/udp.h"
#include "store/store.h"

#define RUN_DIR "/run/doppel"
#define SECRET_KEY "slaac-secret"

struct device *doppel_gateway_find(const struct gateway *gateway, const struct mac *mac)
{
	struct map_node *node = doppel_map_find(&gateway->devices, mac->b);

	return node ? doppel_device_of(node) : NULL;
}

static int by_mac(const void *a, const void *b)
{
	const struct device *const *x = a, *const *y = b;

	return memcmp((*x)->mac.b, (*y)->mac.b, sizeof((*x)->mac.b));
}

struct device **doppel_gateway_sorted(struct gateway *gateway)
{
	struct device **list = calloc(gateway->devices.count + 1, sizeof(struct device *));
	size_t count = 0;

	if (!list)
		return NULL;
	doppel_map_foreach(node, &gateway->devices)
		list[count++] = doppel_device_of(node);
	qsort(list, count, sizeof(struct device *), by_mac);
	return list;
}

void doppel_gateway_emit(struct gateway *gateway, enum gateway_event_kind kind,
			 struct device *device, const char *fmt, ...)
{
	struct device_reasons reasons;
	struct device_view view;
	char text[256];
	struct gateway_event event = {
		.kind = kind,
		.at = doppel_clock_wall_s(gateway->clock),
		.device = device ? &view : NULL,
		.text = text,
	};
	va_list args;

	if (doppel_list_empty(&gateway->listeners))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (device)
		doppel_device_view(device, &view, &reasons);
	doppel_list_foreach(node, &gateway->listeners) {
		struct gateway_listener *listener = container_of(node, struct gateway_listener,
								 link);

		listener->event(listener, &event);
	}
}

void doppel_gateway_listen(struct gateway *gateway, struct gateway_listener *listener)
{
	doppel_list_add_tail(&gateway->listeners, &listener->link);
}

void doppel_gateway_unlisten(struct gateway_listener *listener)
{
	doppel_list_del(&listener->link);
}

int64_t doppel_gateway_deadline(struct gateway *gateway)
{
	int64_t at = doppel_earlier(gateway->reconcile_at, gateway->poll_at);

	at = doppel_earlier(at, gateway->settle_at);
	at = doppel_earlier(at, gateway->keep_at);
	at = doppel_earlier(at, doppel_nat64_deadline(gateway));
	at = doppel_earlier(at, doppel_attachment_deadline(gateway));
	at = doppel_earlier(at, doppel_pace_deadline(&gateway->pace));
	at = doppel_earlier(at, doppel_earlier(gateway->routers_at, gateway->advertise_at));
	return gateway->due.first ? doppel_earlier(at, gateway->due.first->key) : at;
}

void doppel_gateway_settle_after(struct gateway *gateway, int64_t ms)
{
	gateway->settle_at = doppel_earlier(gateway->settle_at, doppel_gateway_now(gateway) + ms);
}

/* In this order: each rests on what the one before it has found. */
static void settle(struct gateway *gateway)
{
	gateway->settle_at = NEVER;
	if (!gateway->ready)
		return;
	doppel_attachment_settle(gateway);
	doppel_lend_settle(gateway);
	doppel_names_settle(gateway);
	doppel_nat64_settle(gateway);
}

/* Each has one turn, even if it finds something else due at once: then come other events. */
static void devices_timeout(struct gateway *gateway, int64_t now)
{
	size_t turns = gateway->devices.count;

	while (turns-- && gateway->due.first && now >= gateway->due.first->key)
		doppel_device_timeout(container_of(gateway->due.first, struct device, due));
}

void doppel_gateway_timeout(struct gateway *gateway)
{
	const int64_t now = doppel_gateway_now(gateway);

	doppel_pace_timeout(&gateway->pace);
	if (now >= gateway->reconcile_at)
		doppel_reconcile(gateway);
	if (now >= gateway->poll_at)
		doppel_discovery_poll(gateway);
	doppel_wan_timeout(gateway);
	doppel_attachment_timeout(gateway);
	devices_timeout(gateway, now);
	doppel_nat64_timeout(gateway);
	doppel_keep_timeout(gateway);
	/* Last, as all of the above may ask for it. */
	if (now >= gateway->settle_at)
		settle(gateway);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	doppel_gateway_timeout(timer->data);
}

static void on_packet(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	doppel_wan_read(io->data);
}

static void on_module(struct ev_loop *loop, ev_io *io, int events)
{
	struct gateway *gateway = io->data;

	(void)loop;
	(void)events;
	gateway->module->read_events(gateway->module, doppel_discovery_event, gateway);
}

static void on_rtnetlink(struct ev_loop *loop, ev_io *io, int events)
{
	struct gateway *gateway = io->data;

	(void)loop;
	(void)events;
	gateway->rtnetlink->read_events(gateway->rtnetlink, doppel_ports_event, gateway);
}

/* The loop has slept. */
static void on_check(struct ev_loop *loop, ev_check *check, int events)
{
	(void)loop;
	(void)check;
	(void)events;
	doppel_clock_turn();
}

/* Before the loop sleeps: what was changed is one transaction; the timer is for what is next. */
static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct gateway *gateway = prepare->data;
	int64_t wait, at;

	(void)events;
	doppel_clock_turn();
	doppel_keep_commit(gateway);
	at = doppel_gateway_deadline(gateway);
	ev_timer_stop(loop, &gateway->timer);
	if (at == NEVER)
		return;
	wait = at - doppel_gateway_now(gateway);
	ev_now_update(loop);
	ev_timer_set(&gateway->timer, wait > 0 ? (double)wait / 1000 : 0, 0);
	ev_timer_start(loop, &gateway->timer);
}

static void send_now(void *ctx, const void *frame, size_t len)
{
	struct gateway *gateway = ctx;
	int err = gateway->packet->send(gateway->packet, frame, len);

	/* The machine that sent it will repeat it; the log is for what does not pass by itself. */
	if (err && err != -ENETDOWN && err != -ENOBUFS && err != -EAGAIN)
		doppel_log(LOG_DEBUG, "wan: a frame was not sent: %s", strerror(-err));
}

static int open_links(struct gateway *gateway, struct doppel_error *error)
{
	int err;

	if (!gateway->module) {
		err = doppel_link_open(&gateway->module);
		if (err) {
			doppel_error_add(error, "generic netlink: %s", strerror(-err));
			return err;
		}
		gateway->own_module = true;
	}
	if (!gateway->rtnetlink) {
		err = doppel_rtnetlink_open(&gateway->rtnetlink);
		if (err) {
			doppel_error_add(error, "rtnetlink: %s", strerror(-err));
			return err;
		}
		gateway->own_rtnetlink = true;
	}
	if (!gateway->packet) {
		err = doppel_packet_open(&gateway->packet);
		if (err) {
			doppel_error_add(error, "packet socket: %s (is this root?)",
					 strerror(-err));
			return err;
		}
		gateway->own_packet = true;
	}
	if (!gateway->udp) {
		err = doppel_udp_open(&gateway->udp);
		if (err)
			return err;
		gateway->own_udp = true;
	}
	return 0;
}

int doppel_gateway_keep_secret(struct gateway *gateway)
{
	char hex[2 * sizeof(gateway->secret) + 1] = "";
	size_t i;

	for (i = 0; i < sizeof(gateway->secret); i++)
		snprintf(hex + 2 * i, 3, "%02x", gateway->secret[i]);
	return doppel_store_setting_put(gateway->store, SECRET_KEY, hex);
}

/* Stable-privacy addresses (RFC 7217 section 5) need a secret that outlives the agent. */
static int read_secret(struct gateway *gateway)
{
	const size_t hex_len = 2 * sizeof(gateway->secret);
	char auto_free *stored = NULL;
	size_t i;

	if (!doppel_store_setting_get(gateway->store, SECRET_KEY, &stored) &&
	    strlen(stored) == hex_len) {
		for (i = 0; i < sizeof(gateway->secret); i++)
			if (sscanf(stored + 2 * i, "%2hhx", &gateway->secret[i]) != 1)
				return -EBADMSG;
		return 0;
	}
	if (getrandom(gateway->secret, sizeof(gateway->secret), 0) !=
	    (ssize_t)sizeof(gateway->secret))
		return -EIO;
	return doppel_gateway_keep_secret(gateway);
}

static void watch(struct gateway *gateway)
{
	ev_io_init(&gateway->module_io, on_module,
		   gateway->module->event_fd(gateway->module), EV_READ);
	ev_io_init(&gateway->rtnetlink_io, on_rtnetlink,
		   gateway->rtnetlink->event_fd(gateway->rtnetlink), EV_READ);
	ev_io_init(&gateway->packet_io, on_packet, gateway->packet->fd(gateway->packet), EV_READ);
	ev_init(&gateway->timer, on_timer);
	ev_prepare_init(&gateway->prepare, on_prepare);
	ev_check_init(&gateway->check, on_check);
	/* Before all that asks what time it is. */
	ev_set_priority(&gateway->check, EV_MAXPRI);
	gateway->module_io.data = gateway;
	gateway->rtnetlink_io.data = gateway;
	gateway->packet_io.data = gateway;
	gateway->timer.data = gateway;
	gateway->prepare.data = gateway;
	ev_io_start(gateway->loop, &gateway->module_io);
	ev_io_start(gateway->loop, &gateway->rtnetlink_io);
	ev_io_start(gateway->loop, &gateway->packet_io);
	ev_prepare_start(gateway->loop, &gateway->prepare);
	ev_check_start(gateway->loop, &gateway->check);
}

int doppel_gateway_new(const struct gateway_env *env, struct gateway **gateway,
		       struct doppel_error *error)
{
	struct gateway *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	doppel_clock_turn();
	*new = (struct gateway){
		.loop = env->loop,
		.config = env->config,
		.store = env->store,
		.clock = env->clock ? env->clock : &doppel_loop_clock,
		.rng = env->rng ? env->rng : &doppel_rng,
		.module = env->module,
		.rtnetlink = env->rtnetlink,
		.packet = env->packet,
		.udp = env->udp,
		.settle_at = NEVER,
		.keep_at = NEVER,
		.lending.stale = true,
	};
	new->started_ms = doppel_gateway_now(new);
	new->losses = doppel_store_losses(new->store);
	doppel_wall_init(new);
	new->poll_at = doppel_gateway_now(new);
	new->routers_at = NEVER;
	new->advertise_at = NEVER;
	new->reconcile_at = NEVER;
	doppel_map_init(&new->devices, sizeof(struct mac));
	doppel_map_init(&new->addresses, sizeof(struct in6_addr));
	doppel_map_init(&new->lan_addresses, sizeof(struct in_addr));
	doppel_map_init(&new->claims, sizeof(struct in_addr));
	doppel_list_init(&new->listeners);
	doppel_pace_init(&new->pace, new->clock, env->config->wan.rate, send_now, new);
	doppel_lan_dhcp_init(&new->lan_dhcp, new->loop, env->run_dir ? env->run_dir : RUN_DIR,
			     env->config->state);
	snprintf(new->problem, sizeof(new->problem), "starting");
	doppel_attachment_init(new);
	err = open_links(new, error);
	if (!err) {
		doppel_nat64_init(new);
		doppel_lan_listen_init(new, env->lan_packet);
		watch(new);
		err = read_secret(new);
		doppel_names_restore(new);
		if (!err)
			err = doppel_discovery_restore(new);
		if (err)
			doppel_error_add(error, "the state cannot be restored: %s",
					 strerror(-err));
	}
	if (err) {
		doppel_gateway_free(new);
		return err;
	}
	doppel_reconcile(new);
	*gateway = new;
	return 0;
}

void doppel_gateway_free(struct gateway *gateway)
{
	if (!gateway)
		return;
	ev_io_stop(gateway->loop, &gateway->module_io);
	ev_io_stop(gateway->loop, &gateway->rtnetlink_io);
	ev_io_stop(gateway->loop, &gateway->packet_io);
	ev_io_stop(gateway->loop, &gateway->udp_io);
	ev_prepare_stop(gateway->loop, &gateway->prepare);
	ev_check_stop(gateway->loop, &gateway->check);
	ev_timer_stop(gateway->loop, &gateway->timer);
	doppel_lan_dhcp_stop(&gateway->lan_dhcp);
	/* The last chance to see that nobody guards the WAN port any more. */
	if (gateway->module && !gateway->module->present(gateway->module))
		doppel_lend_close(gateway);
	doppel_list_foreach(node, &gateway->listeners)
		doppel_list_del(node);
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		/* Leases are kept: whoever comes next goes on with them. */
		doppel_device_changed(device);
		doppel_device_write(device);
		doppel_device_free(device);
	}
	doppel_store_commit(gateway->store);
	doppel_store_sync(gateway->store);
	doppel_map_free(&gateway->devices);
	doppel_map_free(&gateway->addresses);
	doppel_map_free(&gateway->lan_addresses);
	doppel_map_free(&gateway->claims);
	doppel_names_free(gateway);
	doppel_lan_listen_free(gateway);
	free(gateway->mappings);
	if (gateway->own_udp)
		gateway->udp->free(gateway->udp);
	if (gateway->own_packet)
		gateway->packet->free(gateway->packet);
	if (gateway->own_rtnetlink)
		gateway->rtnetlink->free(gateway->rtnetlink);
	if (gateway->own_module)
		gateway->module->free(gateway->module);
	free(gateway);
}

int doppel_gateway_reload(struct gateway *gateway, struct config *config,
			  struct doppel_error *error)
{
	const struct config *before = gateway->config;
	int err;

	if (strcmp(before->state, config->state)) {
		doppel_error_add(error, "state: the file cannot be changed while the agent runs");
		return -EINVAL;
	}
	gateway->config = config;
	doppel_pace_set_rate(&gateway->pace, config->wan.rate);
	doppel_ports_release(gateway, before);
	err = doppel_discovery_list(gateway);
	if (err)
		doppel_log(LOG_ERR, "gateway: reload: %s", strerror(-err));
	doppel_map_foreach(node, &gateway->devices) {
		struct device *device = doppel_device_of(node);

		doppel_device_configure(device);
		doppel_forwards_push(device);
		doppel_device_settle(device);
	}
	doppel_reconcile_soon(gateway);
	return 0;
}

static int show(struct device *device, int (*cb)(const struct device_view *view, void *ctx),
		void *ctx)
{
	struct device_reasons reasons;
	struct device_view view;

	doppel_device_view(device, &view, &reasons);
	return cb(&view, ctx);
}

int doppel_gateway_foreach_device(struct gateway *gateway,
				  int (*cb)(const struct device_view *device, void *ctx),
				  void *ctx)
{
	struct device auto_free **devices = NULL;
	size_t i, count = gateway->devices.count;
	int err = 0;

	doppel_discovery_poll(gateway);
	devices = doppel_gateway_sorted(gateway);
	if (!devices)
		return -ENOMEM;
	for (i = 0; !err && i < count; i++)
		err = show(devices[i], cb, ctx);
	return err;
}

int doppel_gateway_device(struct gateway *gateway, const struct mac *mac,
			  int (*cb)(const struct device_view *device, void *ctx), void *ctx)
{
	struct device *device = doppel_gateway_find(gateway, mac);
	struct module_device now;

	if (!device)
		return -ENOENT;
	if (device->in_module && !gateway->module->device_get(gateway->module, mac, &now)) {
		device->held.counters = now.counters;
		device->held.sessions = now.sessions;
	}
	return show(device, cb, ctx);
}

int doppel_gateway_retry(struct gateway *gateway, const struct mac *mac)
{
	struct device *device = doppel_gateway_find(gateway, mac);

	if (!device)
		return -ENOENT;
	doppel_device_retry(device);
	return 0;
}

int doppel_gateway_forget(struct gateway *gateway, const struct mac *mac)
{
	struct device *device = doppel_gateway_find(gateway, mac);

	if (!device)
		return -ENOENT;
	doppel_device_stop(device, true);
	/* The module lets nothing pass that is not of a device. */
	doppel_pace_flush(&gateway->pace, &device->pace);
	doppel_device_remove(device);
	doppel_store_device_del(gateway->store, mac);
	doppel_gateway_emit(gateway, GATEWAY_EVENT_DEVICE_GONE, device, "forgotten");
	doppel_device_free(device);
	/* One of the file stays known. */
	return doppel_discovery_list(gateway);
}

int doppel_gateway_foreach_session(struct gateway *gateway,
				   int (*cb)(const struct module_session *session, void *ctx),
				   void *ctx)
{
	return gateway->module->session_dump(gateway->module, cb, ctx);
}

int doppel_gateway_flush_sessions(struct gateway *gateway, const struct mac *mac)
{
	return gateway->module->session_flush(gateway->module, mac);
}
