// SPDX-License-Identifier: GPL-2.0-only
#include "base/yaml_value.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

bool doppel_yaml_want_map(struct doppel_error *error, const struct yaml_node *node)
{
	if (node->kind == DOPPEL_YAML_MAP)
		return true;
	doppel_yaml_error(error, node, "must be a map (key: value), not %s",
			  doppel_yaml_kind_name(node));
	return false;
}

bool doppel_yaml_want_list(struct doppel_error *error, const struct yaml_node *node)
{
	if (node->kind == DOPPEL_YAML_LIST)
		return true;
	doppel_yaml_error(error, node, "must be a list, not %s", doppel_yaml_kind_name(node));
	return false;
}

static bool is_word(const char *text, const char *const *words, unsigned int *index)
{
	for (unsigned int i = 0; words[i]; i++) {
		if (!strcmp(text, words[i])) {
			*index = i;
			return true;
		}
	}
	return false;
}

/* "a, b or c" */
static void join(struct buf *buf, const char *const *words, const char *last)
{
	for (size_t i = 0; words[i]; i++) {
		const char *between = i ? (words[i + 1] ? ", " : last) : "";

		doppel_buf_printf(buf, "%s%s", between, words[i]);
	}
}

bool doppel_yaml_want_keys(struct doppel_error *error, const struct yaml_node *map,
			   const char *const *keys)
{
	bool good = true;

	for (size_t i = 0; i < map->count; i++) {
		auto_buf struct buf known = {};
		unsigned int index;

		if (is_word(map->children[i]->key, keys, &index))
			continue;
		join(&known, keys, ", ");
		doppel_yaml_error_key(error, map->children[i], "unknown key; known here: %s",
				      known.data ? known.data : "none");
		good = false;
	}
	return good;
}

static bool want_scalar(struct doppel_error *error, const struct yaml_node *node,
			const char *what)
{
	if (node->kind == DOPPEL_YAML_SCALAR && !doppel_yaml_is_null(node))
		return true;
	doppel_yaml_error(error, node, "must be %s, not %s", what, doppel_yaml_kind_name(node));
	return false;
}

bool doppel_yaml_text(struct doppel_error *error, const struct yaml_node *node, const char **text)
{
	if (!want_scalar(error, node, "text"))
		return false;
	if (!*node->text) {
		doppel_yaml_error(error, node, "must not be empty");
		return false;
	}
	*text = node->text;
	return true;
}

bool doppel_yaml_uint(struct doppel_error *error, const struct yaml_node *node, uint32_t min,
		      uint32_t max, uint32_t *value)
{
	char what[64];
	size_t digits;

	snprintf(what, sizeof(what), "a number from %u to %u", min, max);
	if (!want_scalar(error, node, what))
		return false;
	digits = strspn(node->text, "0123456789");
	if (node->quoted || !digits || node->text[digits] || (digits > 1 && *node->text == '0')) {
		doppel_yaml_error(error, node, "must be %s, not %s\"%.40s\"", what,
				  node->quoted ? "the text " : "", node->text);
		return false;
	}
	if (digits > 10 || strtoull(node->text, NULL, 10) < min ||
	    strtoull(node->text, NULL, 10) > max) {
		doppel_yaml_error(error, node, "must be %s, not %.40s", what, node->text);
		return false;
	}
	*value = (uint32_t)strtoul(node->text, NULL, 10);
	return true;
}

bool doppel_yaml_duration(struct doppel_error *error, const struct yaml_node *node, int64_t min,
			  int64_t max, int64_t *ms)
{
	static const char what[] = "a time with its unit (500ms, 15s, 5m, 12h, 7d)";
	char from[DOPPEL_TIME_TEXT], to[DOPPEL_TIME_TEXT];
	int64_t value = 0;
	int err;

	if (!want_scalar(error, node, what))
		return false;
	err = doppel_duration_parse(node->text, &value);
	if (err == -EINVAL) {
		doppel_yaml_error(error, node, "must be %s, not \"%.40s\"", what, node->text);
		return false;
	}
	if (err || value < min || value > max) {
		doppel_yaml_error(error, node, "must be from %s to %s, not %.40s",
				  doppel_duration_format(min, from),
				  doppel_duration_format(max, to), node->text);
		return false;
	}
	*ms = value;
	return true;
}

bool doppel_yaml_choice(struct doppel_error *error, const struct yaml_node *node,
			const char *const *words, unsigned int *index)
{
	auto_buf struct buf choice = {};

	join(&choice, words, " or ");
	if (!choice.data || !want_scalar(error, node, choice.data))
		return false;
	if (is_word(node->text, words, index))
		return true;
	doppel_yaml_error(error, node, "must be %s, not \"%.40s\"", choice.data, node->text);
	return false;
}

bool doppel_yaml_ip4(struct doppel_error *error, const struct yaml_node *node,
		     struct in_addr *addr)
{
	if (!want_scalar(error, node, "an IPv4 address"))
		return false;
	if (!doppel_ip4_parse(node->text, addr))
		return true;
	doppel_yaml_error(error, node, "must be an IPv4 address, not \"%.40s\"", node->text);
	return false;
}

bool doppel_yaml_ip4_prefix(struct doppel_error *error, const struct yaml_node *node,
			    struct in_addr *addr, uint8_t *len)
{
	static const char what[] = "an IPv4 address and its prefix length (192.168.1.1/24)";

	if (!want_scalar(error, node, what))
		return false;
	if (!doppel_ip4_prefix_parse(node->text, addr, len))
		return true;
	doppel_yaml_error(error, node, "must be %s, not \"%.40s\"", what, node->text);
	return false;
}

bool doppel_yaml_ip6(struct doppel_error *error, const struct yaml_node *node,
		     struct in6_addr *addr)
{
	if (!want_scalar(error, node, "an IPv6 address"))
		return false;
	if (!doppel_ip6_parse(node->text, addr))
		return true;
	doppel_yaml_error(error, node, "must be an IPv6 address, not \"%.50s\"", node->text);
	return false;
}

bool doppel_yaml_ip6_prefix(struct doppel_error *error, const struct yaml_node *node,
			    struct in6_addr *addr, uint8_t *len)
{
	static const char what[] = "an IPv6 prefix and its length (64:ff9b::/96)";

	if (!want_scalar(error, node, what))
		return false;
	if (!doppel_ip6_prefix_parse(node->text, addr, len))
		return true;
	doppel_yaml_error(error, node, "must be %s, not \"%.50s\"", what, node->text);
	return false;
}

bool doppel_yaml_mac(struct doppel_error *error, const struct yaml_node *node, struct mac *mac)
{
	static const char what[] = "a MAC address (02:00:00:00:00:01)";
	struct mac value;

	if (!want_scalar(error, node, what))
		return false;
	if (doppel_mac_parse(node->text, &value)) {
		doppel_yaml_error(error, node, "must be %s, not \"%.40s\"", what, node->text);
		return false;
	}
	if (!doppel_mac_is_host(&value)) {
		doppel_yaml_error(error, node, "%s is no device's: it is multicast or zero",
				  node->text);
		return false;
	}
	*mac = value;
	return true;
}

bool doppel_yaml_interface(struct doppel_error *error, const struct yaml_node *node,
			   char *interface)
{
	const char *text;
	bool good;

	if (!doppel_yaml_text(error, node, &text))
		return false;
	/* As the kernel's dev_valid_name(). */
	good = strlen(text) < IF_NAMESIZE && strcmp(text, ".") && strcmp(text, "..");
	for (const char *c = text; *c; c++)
		good = good && *c != '/' && *c != ':' && !isspace((unsigned char)*c);
	if (!good) {
		doppel_yaml_error(error, node,
				  "must be an interface's name (at most %d characters), not \"%.40s\"",
				  IF_NAMESIZE - 1, text);
		return false;
	}
	strcpy(interface, text);
	return true;
}

bool doppel_yaml_absolute_path(struct doppel_error *error, const struct yaml_node *node,
			       const char **path)
{
	const char *text;

	if (!doppel_yaml_text(error, node, &text))
		return false;
	if (*text != '/' || text[strlen(text) - 1] == '/') {
		doppel_yaml_error(error, node, "must be a file's path from the root (/…), not \"%.200s\"",
				  text);
		return false;
	}
	*path = text;
	return true;
}
