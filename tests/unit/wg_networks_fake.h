/* SPDX-License-Identifier: GPL-2.0-only */
/* Networks at work with a clock, a store in a directory of its own, and parts that only remember. */
#ifndef DOPPEL_TESTS_WG_NETWORKS_FAKE_H
#define DOPPEL_TESTS_WG_NETWORKS_FAKE_H

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "store/wireguard.h"
#include "tap.h"
#include "wireguard/networks.h"

enum { FAKE_PARTS = 3 };

struct fake_networks;

struct fake_part {
	struct fake_networks *fake;
	const char *name;
	int err;			/* what it answers */
	unsigned int calls;
	struct buf site;		/* as it was told last */
};

struct fake_networks {
	struct clock clock;
	struct wg_listener listener;
	int64_t ms, wall;
	char path[64];
	struct store *store;
	struct wg_networks *networks;
	struct fake_part parts[FAKE_PARTS];
	struct buf order;		/* of the calls: "firewall kernel names " */
	struct buf events;
	struct wg_plan *plan;		/* the last */
	struct doppel_error error;
	int err;
};

static inline int64_t fake_mono_ms(struct clock *clock)
{
	return container_of(clock, struct fake_networks, clock)->ms;
}

static inline int64_t fake_wall_s(struct clock *clock)
{
	return container_of(clock, struct fake_networks, clock)->wall;
}

/* "office dual: hub 10.0.0.1 fd00::1, phone …; " */
static inline void fake_print_site(const struct wg_site *site, struct buf *text)
{
	size_t i, j;

	for (i = 0; i < site->network_count; i++) {
		const struct wg_assignment *assignment = &site->networks[i];

		doppel_buf_printf(text, "%s%s %s:", i ? "; " : "", assignment->network->name,
				  doppel_wg_stack_name(assignment->network->stack));
		for (j = 0; j < assignment->network->peer_count; j++) {
			const struct wg_member *member = &assignment->members[j];
			char ip[DOPPEL_IP6_TEXT];

			doppel_buf_printf(text, "%s %s%s", j ? "," : "", member->peer->name,
					  member->expired ? "!" : "");
			if (member->has_ipv4)
				doppel_buf_printf(text, " %s", doppel_ip_format(&member->ipv4, ip));
			if (member->has_ipv6)
				doppel_buf_printf(text, " %s", doppel_ip_format(&member->ipv6, ip));
		}
	}
}

static inline int fake_apply(void *ctx, const struct wg_site *site, struct doppel_error *error)
{
	struct fake_part *part = ctx;

	part->calls++;
	doppel_buf_printf(&part->fake->order, "%s ", part->name);
	if (part->err) {
		doppel_error_add(error, "no %s", part->name);
		return part->err;
	}
	doppel_buf_free(&part->site);
	part->site = (struct buf){};
	doppel_buf_printf(&part->site, "%s", "");
	fake_print_site(site, &part->site);
	return 0;
}

static inline void fake_event(struct wg_listener *listener, const struct wg_event *event)
{
	struct fake_networks *fake = container_of(listener, struct fake_networks, listener);

	doppel_buf_printf(&fake->events, "%s\n", event->plan ? "changed" : event->text);
}

static inline void fake_clear(struct buf *text)
{
	doppel_buf_free(text);
	*text = (struct buf){};
	doppel_buf_printf(text, "%s", "");
}

/* Begin with the section (NULL: none); with the store as it is. */
static inline void fake_start(struct fake_networks *fake, const char *section)
{
	static const char *const names[] = { "firewall", "kernel", "names" };
	struct wg_part parts[FAKE_PARTS];
	struct yaml *yaml = NULL;
	size_t i;

	fake->clock = (struct clock){ fake_mono_ms, fake_wall_s, NULL };
	fake->error = (struct doppel_error){};
	fake->networks = NULL;
	for (i = 0; i < FAKE_PARTS; i++) {
		fake->parts[i].fake = fake;
		fake->parts[i].name = names[i];
		parts[i] = (struct wg_part){ names[i], fake_apply, &fake->parts[i], !i };
	}
	fake_clear(&fake->order);
	fake_clear(&fake->events);
	fake->err = doppel_store_open(fake->path, &fake->store, &fake->error);
	if (!fake->err && section)
		fake->err = doppel_yaml_parse("agent.yaml", section, strlen(section), &yaml, &fake->error);
	if (!fake->err)
		fake->err = doppel_wg_networks_new(&(struct wg_networks_env){
			.store = fake->store, .clock = &fake->clock, .rng = &doppel_rng, .parts = parts,
			.part_count = FAKE_PARTS,
		}, yaml ? yaml->root : NULL, &fake->networks, &fake->error);
	doppel_yaml_free(yaml);
	if (!fake->networks)
		return;
	fake->listener.event = fake_event;
	doppel_wg_networks_listen(fake->networks, &fake->listener);
}

/* As after a kill: what is committed is all that stays. */
static inline void fake_stop(struct fake_networks *fake)
{
	doppel_wg_plan_free(fake->plan);
	fake->plan = NULL;
	doppel_wg_networks_free(fake->networks);
	fake->networks = NULL;
	doppel_store_close(fake->store);
	fake->store = NULL;
}

static inline void fake_free(struct fake_networks *fake)
{
	size_t i;

	fake_stop(fake);
	for (i = 0; i < FAKE_PARTS; i++)
		doppel_buf_free(&fake->parts[i].site);
	doppel_buf_free(&fake->order);
	doppel_buf_free(&fake->events);
}

/* With the last plan in fake->plan, NULL after a refusal. */
static inline int fake_request(struct fake_networks *fake, const struct wg_request *request)
{
	fake->error = (struct doppel_error){};
	doppel_wg_plan_free(fake->plan);
	fake->plan = NULL;
	fake->err = doppel_wg_networks_apply(fake->networks, request, &fake->plan, &fake->error);
	return fake->err;
}

static inline int fake_apply_text(struct fake_networks *fake, const char *text)
{
	return fake_request(fake, &(struct wg_request){ .file = "x.yaml", .text = text, .len = strlen(text) });
}

static inline int fake_edit_thing(struct fake_networks *fake, const struct wg_edit *edit)
{
	fake->error = (struct doppel_error){};
	doppel_wg_plan_free(fake->plan);
	fake->plan = NULL;
	fake->err = doppel_wg_networks_edit(fake->networks, edit, false, &fake->plan, &fake->error);
	return fake->err;
}

static inline int fake_edit(struct fake_networks *fake, enum wg_verb verb, enum wg_object object,
			    const char *network, const char *name, const char *value)
{
	return fake_edit_thing(fake, &(struct wg_edit){ verb, object, network, NULL, name, value });
}

/* The plan's lines; "" when nothing changes. The caller's. */
static inline char *fake_plan_text(const struct fake_networks *fake)
{
	struct buf text = {};

	doppel_buf_printf(&text, "%s", "");
	if (fake->plan)
		doppel_wg_plan_text(fake->plan, &text);
	return text.data;
}

/* All parts have heard of the same. */
#define is_real(fake, want, ...) do {							\
	size_t is_real_i;								\
	for (is_real_i = 0; is_real_i < FAKE_PARTS; is_real_i++)			\
		is_str((fake)->parts[is_real_i].site.data, want, __VA_ARGS__);		\
} while (0)

#define is_plan(fake, want, ...) do {							\
	char *is_plan_text = fake_plan_text(fake);					\
	is_str(is_plan_text, want, __VA_ARGS__);					\
	free(is_plan_text);								\
} while (0)

#endif
