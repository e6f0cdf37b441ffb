// SPDX-License-Identifier: GPL-2.0-only
#include "cli/device_told.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cli/cli.h"

static const char *const sources[] = { "dhcpv4", "dhcpv6", "router" };

static void add_row(struct table *table, const char *what, const struct buf *text)
{
	if (text->len)
		doppel_table_row(table, (const char *const[]){ what, text->data });
}

static bool has(const json_t *list, const json_t *word)
{
	const json_t *each;
	size_t i;

	json_array_foreach(list, i, each)
		if (json_equal(each, word))
			return true;
	return false;
}

/* Whether a source before number @before has told of @word, too. */
static bool told_before(const json_t *told, size_t before, const char *key, const json_t *word)
{
	for (size_t i = 0; i < before; i++)
		if (has(json_object_get(json_object_get(told, sources[i]), key), word))
			return true;
	return false;
}

/* What all of them told of @key, each word once. */
static void add_lists(struct table *table, const char *what, const json_t *told, const char *key)
{
	auto_buf struct buf text = {};

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		const json_t *list = json_object_get(json_object_get(told, sources[i]), key);
		const json_t *word;
		size_t at;

		json_array_foreach(list, at, word)
			if (json_is_string(word) && !told_before(told, i, key, word))
				doppel_buf_printf(&text, "%s%s", text.len ? ", " : "",
						  json_string_value(word));
	}
	add_row(table, what, &text);
}

static void add_in(struct buf *text, const json_t *lease, const char *key, const char *word,
		   int64_t now_s)
{
	const int64_t at = doppel_cli_time(lease, key);
	char duration[DOPPEL_TIME_TEXT];

	if (at)
		doppel_buf_printf(text, ", %s %s%s", word, at > now_s ? "in " : "now",
				  at > now_s ? doppel_duration_format((at - now_s) * 1000, duration) :
					       "");
}

static void add_lease(struct table *table, const char *what, const json_t *told,
		      const char *source, const char *server, int64_t now_s)
{
	const json_t *lease = json_object_get(told, source);
	auto_buf struct buf text = {};

	if (!json_is_object(lease))
		return;
	doppel_buf_printf(&text, "from %s", doppel_cli_string(lease, server));
	add_in(&text, lease, "renew_at", "renewed", now_s);
	add_in(&text, lease, "rebind_at", "by anybody", now_s);
	add_in(&text, lease, "expires_at", "ends", now_s);
	add_row(table, what, &text);
}

static void add_mtu(struct table *table, const json_t *told)
{
	auto_buf struct buf text = {};

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		json_int_t mtu = doppel_cli_integer(json_object_get(told, sources[i]), "mtu");

		if (mtu)
			doppel_buf_printf(&text, "%s%lld by %s", text.len ? ", " : "",
					  (long long)mtu, sources[i]);
	}
	add_row(table, "MTU", &text);
}

static void add_routes(struct table *table, const json_t *told)
{
	const json_t *list = json_object_get(json_object_get(told, "dhcpv4"), "routes"), *route;
	auto_buf struct buf text = {};
	size_t i;

	json_array_foreach(list, i, route)
		doppel_buf_printf(&text, "%s%s via %s", text.len ? ", " : "",
				  doppel_cli_string(route, "destination"),
				  doppel_cli_string(route, "router"));
	add_row(table, "routes", &text);
}

static void add_router(struct table *table, const json_t *told)
{
	const json_t *router = json_object_get(told, "router");
	auto_buf struct buf text = {};

	if (!json_is_object(router))
		return;
	doppel_buf_printf(&text, "%s at %s, preference %s%s%s",
			  doppel_cli_string(router, "address"),
			  doppel_cli_string(router, "mac_address"),
			  doppel_cli_string(router, "preference"),
			  json_is_true(json_object_get(router, "managed")) ? ", M" : "",
			  json_is_true(json_object_get(router, "other")) ? ", O" : "");
	add_row(table, "router", &text);
}

void doppel_device_told(struct table *table, const json_t *device, int64_t now_s)
{
	const json_t *told = json_object_get(device, "told");
	const char *domain = doppel_cli_string(json_object_get(told, "dhcpv4"), "domain");

	add_lease(table, "DHCPv4", told, "dhcpv4", "server", now_s);
	add_lease(table, "DHCPv6", told, "dhcpv6", "server_duid", now_s);
	add_router(table, told);
	add_lists(table, "DNS", told, "dns");
	add_lists(table, "NTP", told, "ntp");
	if (*domain)
		doppel_table_row(table, (const char *const[]){ "domain", domain });
	add_lists(table, "search", told, "search");
	add_mtu(table, told);
	add_routes(table, told);
}
