// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/quick_comment.h"

#include <ctype.h>
#include <string.h>

#define BARE 1			/* a comment that is nothing but a name, or a sentence */

struct word {
	const char *text;
	unsigned int weight;	/* 0: what follows is no name */
};

/* "Name: laptop", "friendly_name = laptop"; what has another word there says no name. */
static const struct word keys[] = {
	{ "display name", 3 },		/* wg-portal */
	{ "friendly_name", 3 },		/* prometheus-wireguard-exporter */
	{ "name", 3 },			/* wireguard-ui */
	{ "client", 2 },		/* wg-easy */
	{ "peer", 2 },
	{ NULL, 0 },
};

/* "begin laptop" */
static const struct word first_words[] = {
	{ "begin", 2 },			/* PiVPN */
	{ "begin_peer", 2 },		/* wireguard-install */
	{ "client", 2 },		/* wireguard-install, another one */
	{ "end", 0 },
	{ "end_peer", 0 },
	{ NULL, BARE },
};

static unsigned int weigh(const struct word *words, const char *text, size_t len)
{
	for (; words->text; words++)
		if (strlen(words->text) == len && !strncasecmp(words->text, text, len))
			break;
	return words->weight;
}

static size_t trimmed(const char *text, size_t len)
{
	while (len && (isspace((unsigned char)text[len - 1]) || text[len - 1] == '#'))
		len--;
	return len;
}

static const char *skip(const char *text)
{
	while (isspace((unsigned char)*text) || *text == '#')
		text++;
	return text;
}

/* Letters and digits, and one hyphen for whatever is between them. */
static void make_label(const char *text, size_t len, char label[WG_NAME_MAX + 1])
{
	size_t i, end = 0;

	for (i = 0; i < len && end < WG_NAME_MAX; i++) {
		if (isalnum((unsigned char)text[i]))
			label[end++] = text[i];
		else if (end && label[end - 1] != '-')
			label[end++] = '-';
	}
	while (end && label[end - 1] == '-')
		end--;
	label[end] = '\0';
}

/* Some add an identifier in brackets: "laptop (2)". */
static size_t without_brackets(const char *text, size_t len)
{
	const char *open = memchr(text, '(', len);

	return open && open > text && text[len - 1] == ')' ? (size_t)(open - text) : len;
}

void doppel_wg_comment_read(const char *comment, struct wg_comment_name *name)
{
	const char *text = skip(comment);
	char label[WG_NAME_MAX + 1];
	unsigned int weight = BARE;
	size_t len;

	if (!strncmp(text, "-WGP- ", 6))
		text += 6;
	len = strcspn(text, ":=");
	if (text[len]) {
		weight = weigh(keys, text, trimmed(text, len));
		text = skip(text + len + 1);
	} else {
		len = strcspn(text, " \t");
		if (text[len]) {
			weight = weigh(first_words, text, len);
			text = weight == BARE ? text : skip(text + len);
		}
	}
	if (*text == '[' || weight < name->weight || !weight)
		return;
	len = trimmed(text, strlen(text));
	make_label(text, without_brackets(text, len), label);
	if (!label[0])
		return;
	memcpy(name->name, label, sizeof(label));
	name->weight = weight;
}
