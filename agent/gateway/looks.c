// SPDX-License-Identifier: GPL-2.0-only
#include "gateway/looks.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

bool doppel_looks_unknown(const struct dhcp4_looks *looks)
{
	return !looks->vendor_class[0] && !looks->parameter_count;
}

void doppel_looks_format(const struct dhcp4_looks *looks, char text[STORE_LOOKS_TEXT])
{
	json_t *parameters, *json;
	size_t len;

	*text = '\0';
	if (doppel_looks_unknown(looks))
		return;
	parameters = json_array();
	for (unsigned int i = 0; i < looks->parameter_count; i++)
		json_array_append_new(parameters, json_integer(looks->parameters[i]));
	json = json_pack("{s:s, s:s, s:o}", "hostname", looks->hostname,
			 "vendor_class", looks->vendor_class, "parameters", parameters);
	len = json ? json_dumpb(json, text, STORE_LOOKS_TEXT - 1, JSON_COMPACT) : 0;
	text[len < STORE_LOOKS_TEXT ? len : 0] = '\0';
	json_decref(json);
}

/* It is said to servers. */
static bool to_text(const json_t *json, const char *key, char *text, size_t size)
{
	const char *value = json_string_value(json_object_get(json, key));

	if (!value || strlen(value) >= size)
		return false;
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	strcpy(text, value);
	return true;
}

static bool to_parameters(const json_t *json, struct dhcp4_looks *looks)
{
	const json_t *list = json_object_get(json, "parameters"), *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > DHCP4_PARAMETERS_MAX)
		return false;
	json_array_foreach(list, i, item) {
		const json_int_t code = json_integer_value(item);

		/* Pad and end are no options (RFC 2132 sections 3.1 and 3.2). */
		if (code < 1 || code >= UINT8_MAX ||
		    memchr(looks->parameters, (int)code, looks->parameter_count))
			return false;
		looks->parameters[looks->parameter_count++] = (uint8_t)code;
	}
	return true;
}

int doppel_looks_parse(const char *text, struct dhcp4_looks *looks)
{
	struct dhcp4_looks read = { .parameter_count = 0 };
	json_t *json;
	bool good;

	if (!*text)
		return 0;
	json = json_loads(text, 0, NULL);
	good = to_text(json, "hostname", read.hostname, sizeof(read.hostname)) &&
	       to_text(json, "vendor_class", read.vendor_class, sizeof(read.vendor_class)) &&
	       to_parameters(json, &read);
	json_decref(json);
	if (!good)
		return -EINVAL;
	*looks = read;
	return 0;
}
