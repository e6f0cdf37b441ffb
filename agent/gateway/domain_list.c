// SPDX-License-Identifier: GPL-2.0-only
/* Lists of domain names to text. Section numbers are RFC 1035's. */
#include "gateway/domain_list.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 253		/* section 3.1: 255 octets on the wire */
#define LABEL_MAX 63
#define POINTER 0xc0

/* Text for people and logs: what no host name has becomes '?'. */
static char printable(uint8_t octet)
{
	return isalnum(octet) || octet == '-' || octet == '_' ? (char)octet : '?';
}

/* The name at @at, "" for the root. Returns where the next begins; 0: it is none. */
static size_t read_name(const uint8_t *data, size_t len, size_t at, bool compressed,
			char name[NAME_MAX_LEN + 1])
{
	size_t used = 0, next = 0, first = at, i;

	while (at < len && data[at]) {
		const size_t label = data[at];

		if (label >= POINTER && compressed && at + 1 < len) {
			const size_t target = (label & ~POINTER) << 8 | data[at + 1];

			/* Only backwards: so that there is an end to it. */
			if (target >= first)
				return 0;
			next = next ? next : at + 2;
			first = at = target;
			continue;
		}
		if (label > LABEL_MAX || at + 1 + label > len || used + label + 1 > NAME_MAX_LEN)
			return 0;
		if (used)
			name[used++] = '.';
		for (i = 0; i < label; i++)
			name[used++] = printable(data[at + 1 + i]);
		at += 1 + label;
	}
	name[used] = '\0';
	if (at >= len)
		return 0;
	return next ? next : at + 1;
}

bool doppel_domain_list(const uint8_t *data, size_t len, bool compressed,
			char text[DOMAIN_LIST_TEXT])
{
	char name[NAME_MAX_LEN + 1];
	size_t at = 0, used = 0;

	text[0] = '\0';
	while (at < len) {
		at = read_name(data, len, at, compressed, name);
		if (!at) {
			text[0] = '\0';
			return false;
		}
		/* The root is what DNSSL is padded with (RFC 8106 section 5.2). */
		if (name[0] && used + strlen(name) + 2 <= DOMAIN_LIST_TEXT)
			used += (size_t)snprintf(text + used, DOMAIN_LIST_TEXT - used, "%s%s",
						 used ? " " : "", name);
	}
	return true;
}
