// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/quick_import.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cidr.h"
#include "base/cleanup.h"
#include "wireguard/ipam.h"
#include "wireguard/key.h"
#include "wireguard/quick_comment.h"

#define JUMP_NAME "hub"
#define SHOWN "%.300s"		/* as much of a value as is told */
#define NAME_SHOWN 24		/* longer ones are no names */

struct prefix {
	struct cidr cidr;
	struct in6_addr host;		/* with the bits behind its length */
	int line;
};

struct file_peer {
	int line;
	struct wg_comment_name name;
	char public_key[WG_KEY_TEXT], preshared_key[WG_KEY_TEXT];	/* "": none */
	struct prefix *allowed;
	size_t allowed_count;
};

struct importer {
	struct wg_import *import;
	struct doppel_error *error;
	const char *file;
	int line;
	bool has_section;
	bool above_keys;		/* right behind the section's head */
	struct file_peer *peer;		/* whose section it is; NULL: the interface's */
	struct wg_comment_name comment;	/* of the lines right above */
	bool has_private_key;
	uint32_t listen_port;		/* 0: none */
	struct prefix ipv4, ipv6;	/* the interface's; line 0: none */
	struct file_peer *peers;
	size_t peer_count;
	bool no_memory;
};

typedef void take_fn(struct importer *in, const char *key, char *value);

static void *grown(struct importer *in, void *items, size_t count, size_t size)
{
	void *more = realloc(items, (count + 1) * size);

	if (more)
		memset((char *)more + count * size, 0, size);
	else
		in->no_memory = true;
	return more;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (isspace((unsigned char)*text))
		text++;
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Each of a value's items, separated by commas; NULL at the end. */
static char *next_item(char **value)
{
	char *item;

	do
		item = strsep(value, ",");
	while (item && !*trim(item));
	return item ? trim(item) : NULL;
}

#define fault(in, at, fmt, ...) \
	doppel_error_add((in)->error, "%s:%d: " fmt, (in)->file, at, ##__VA_ARGS__)
#define warn(in, at, fmt, ...) \
	doppel_error_add(&(in)->import->warnings, "%s:%d: " fmt, (in)->file, at, ##__VA_ARGS__)

/* "10.8.0.1/24", "10.8.0.1" */
static bool read_prefix(struct importer *in, const char *key, const char *item,
			struct prefix *prefix)
{
	char address[DOPPEL_CIDR_TEXT];
	int err;

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(item, "/"), item);
	if (doppel_ip_parse(address, &prefix->host)) {
		err = -EINVAL;
	} else if (!strchr(item, '/')) {
		prefix->cidr = doppel_cidr_host(&prefix->host);
		err = 0;
	} else {
		err = doppel_cidr_parse(item, &prefix->cidr);
	}
	prefix->line = in->line;
	if (err == -EINVAL)
		fault(in, in->line, "%s: must be an address or a prefix, not \"%.60s\"", key, item);
	return err != -EINVAL;
}

static void take_key(struct importer *in, const char *key, const char *value,
		     uint8_t bytes[WG_KEY_LEN])
{
	if (!doppel_wg_key_parse(value, bytes))
		fault(in, in->line, "%s: must be a key of 44 characters, as `wg genkey` prints it", key);
}

static void take_private_key(struct importer *in, const char *key, char *value)
{
	in->has_private_key = true;
	take_key(in, key, value, in->import->private_key);
	doppel_wg_key_clamp(in->import->private_key);
}

static void take_address(struct importer *in, const char *key, char *value)
{
	char *item;

	while ((item = next_item(&value))) {
		struct prefix prefix, *own;

		if (!read_prefix(in, key, item, &prefix))
			continue;
		own = doppel_ip_family(&prefix.host) == AF_INET ? &in->ipv4 : &in->ipv6;
		if (own->line)
			fault(in, in->line, "%s: a network has one prefix of each family, and line %d gives one already; make %s a network of its own",
			      key, own->line, item);
		else if (prefix.cidr.len == 128)
			fault(in, in->line, "%s: %s does not say how large the network is; write the length of its prefix (as /24 or /64)",
			      key, item);
		else if (doppel_cidr_len(&prefix.cidr) < WG_CIDR_LEN_MIN)
			fault(in, in->line, "%s: %s is more than one network can be; give a /%d or longer",
			      key, item, WG_CIDR_LEN_MIN);
		else if (!doppel_ipam_is_host(&prefix.cidr, &prefix.host))
			fault(in, in->line, "%s: %s is no host's address of its network", key, item);
		else
			*own = prefix;
	}
}

static void take_listen_port(struct importer *in, const char *key, char *value)
{
	char *end;
	unsigned long port = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || port > UINT16_MAX)
		fault(in, in->line, "%s: must be a port, not \"%.20s\"", key, value);
	else
		in->listen_port = (uint32_t)port;
}

static void take_public_key(struct importer *in, const char *key, char *value)
{
	uint8_t bytes[WG_KEY_LEN];

	take_key(in, key, value, bytes);
	snprintf(in->peer->public_key, WG_KEY_TEXT, "%s", value);
}

static void take_preshared_key(struct importer *in, const char *key, char *value)
{
	uint8_t bytes[WG_KEY_LEN];

	take_key(in, key, value, bytes);
	snprintf(in->peer->preshared_key, WG_KEY_TEXT, "%s", value);
	sodium_memzero(bytes, sizeof(bytes));
}

static void take_allowed_ips(struct importer *in, const char *key, char *value)
{
	struct file_peer *peer = in->peer;
	char *item;

	while ((item = next_item(&value))) {
		struct prefix prefix, *allowed;

		if (!read_prefix(in, key, item, &prefix))
			continue;
		allowed = grown(in, peer->allowed, peer->allowed_count, sizeof(*allowed));
		if (!allowed)
			return;
		peer->allowed = allowed;
		peer->allowed[peer->allowed_count++] = prefix;
	}
}

/* What the commands of such files mostly do, and who does it here. */
static const struct {
	const char *part, *meaning;
} commands[] = {
	{ "masquerade", "it hides the peers behind an address of this box; have the box's own firewall do that, if it must be" },
	{ " forward", "it judges forwarded packets; here policies say what passes" },
	{ "sysctl", "it sets a kernel's parameter; forwarding is switched on here as the network needs it" },
	{ "ip route", "it sets routes; here routes say what lies behind whom" },
	{ "ip rule", "it sets routing rules; set them where the box's others are" },
};

static void drop_command(struct importer *in, const char *key, char *value)
{
	struct buf auto_buf meanings = { 0 };
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcasestr(value, commands[i].part))
			doppel_buf_printf(&meanings, "%s%s", meanings.len ? "; and " : "",
					  commands[i].meaning);
	warn(in, in->line, "%s = " SHOWN ": not taken over: %s", key, value,
	     meanings.len ? meanings.data : "no commands are run");
}

static void drop_dns(struct importer *in, const char *key, char *value)
{
	warn(in, in->line, "%s = " SHOWN ": not taken over: it says whom this box asks; `dns` gives the network a name server",
	     key, value);
}

static void drop_mtu(struct importer *in, const char *key, char *value)
{
	warn(in, in->line, "%s = " SHOWN ": not taken over: the interface has the kernel's own choice",
	     key, value);
}

static void drop_table(struct importer *in, const char *key, char *value)
{
	if (strcasecmp(value, "auto"))
		warn(in, in->line, "%s = " SHOWN ": not taken over: routes to the peers are in the main table",
		     key, value);
}

static void drop_mark(struct importer *in, const char *key, char *value)
{
	if (strcmp(value, "0") && strcasecmp(value, "off"))
		warn(in, in->line, "%s = " SHOWN ": not taken over: packets leave without a mark", key,
		     value);
}

static void drop_save(struct importer *in, const char *key, char *value)
{
	if (!strcasecmp(value, "true"))
		warn(in, in->line, "%s = " SHOWN ": not taken over: nothing writes the file any more", key,
		     value);
}

static void drop_endpoint(struct importer *in, const char *key, char *value)
{
	warn(in, in->line, "%s = " SHOWN ": not taken over: peers dial this gateway, and are not dialled",
	     key, value);
}

static void drop_keepalive(struct importer *in, const char *key, char *value)
{
	if (strcmp(value, "0") && strcasecmp(value, "off"))
		warn(in, in->line, "%s = " SHOWN ": not taken over: peers keep their tunnels open themselves",
		     key, value);
}

struct key {
	const char *name;
	take_fn *take;
};

static const struct key interface_keys[] = {
	{ "PrivateKey", take_private_key },
	{ "Address", take_address },
	{ "ListenPort", take_listen_port },
	{ "DNS", drop_dns },
	{ "MTU", drop_mtu },
	{ "Table", drop_table },
	{ "FwMark", drop_mark },
	{ "SaveConfig", drop_save },
	{ "PreUp", drop_command },
	{ "PostUp", drop_command },
	{ "PreDown", drop_command },
	{ "PostDown", drop_command },
	{ NULL, NULL },
};

static const struct key peer_keys[] = {
	{ "PublicKey", take_public_key },
	{ "PresharedKey", take_preshared_key },
	{ "AllowedIPs", take_allowed_ips },
	{ "Endpoint", drop_endpoint },
	{ "PersistentKeepalive", drop_keepalive },
	{ NULL, NULL },
};

/* As much of a name as is told: what stands behind it, or is too long for one, may be a private key. */
static int shown(const char *name)
{
	const size_t len = strcspn(name, " \t:=");

	return len > NAME_SHOWN ? 0 : (int)len;
}

/* Some programs write keys without a value: they say nothing. */
static void read_key(struct importer *in, const char *name, char *value)
{
	const struct key *key = in->peer ? peer_keys : interface_keys;

	while (key->name && strcasecmp(key->name, name))
		key++;
	if (!key->name)
		fault(in, in->line, "\"%.*s\" is no key of %s", shown(name), name,
		      in->peer ? "[Peer]" : "[Interface]");
	else if (*value)
		key->take(in, key->name, value);
}

static void begin_peer(struct importer *in)
{
	struct file_peer *peers = grown(in, in->peers, in->peer_count, sizeof(*peers));

	if (!peers)
		return;
	in->peers = peers;
	in->peer = &peers[in->peer_count++];
	in->peer->line = in->line;
	in->peer->name = in->comment;
}

static void read_section(struct importer *in, const char *name)
{
	in->has_section = true;
	in->peer = NULL;
	if (!strcasecmp(name, "[Peer]"))
		begin_peer(in);
	else if (strcasecmp(name, "[Interface]"))
		fault(in, in->line, "must be [Interface] or [Peer], not \"%.*s\"", shown(name), name);
}

static void read_setting(struct importer *in, char *text)
{
	char *value = strchr(text, '=');

	if (!value) {
		fault(in, in->line, "must be a key, an equals sign and its value");
		return;
	}
	*value++ = '\0';
	if (in->has_section)
		read_key(in, trim(text), trim(value));
	else
		fault(in, in->line, "stands before [Interface] and [Peer]");
}

/* What stands in the section itself, unless what stands above says it more clearly. */
static void read_own_comment(struct importer *in, const char *text)
{
	struct wg_comment_name name = { .name = "" };

	doppel_wg_comment_read(text, &name);
	if (in->peer && name.weight > in->peer->name.weight)
		in->peer->name = name;
}

/* Comments of a peer stand right above [Peer], or right behind it, or behind it or its key in the line. */
static void read_line(struct importer *in, char *line)
{
	char *comment = strchr(line, '#');
	bool is_own = in->above_keys;

	if (comment)
		*comment++ = '\0';
	line = trim(line);
	if (*line) {
		in->above_keys = *line == '[';
		is_own = in->above_keys || !strncasecmp(line, "PublicKey", 9);
		if (in->above_keys)
			read_section(in, line);
		else
			read_setting(in, line);
	}
	if (*line || !comment)
		in->comment = (struct wg_comment_name){ .name = "" };
	if (comment && is_own)
		read_own_comment(in, comment);
	else if (comment)
		doppel_wg_comment_read(comment, &in->comment);
}

static bool overlaps(const struct prefix *own, const struct cidr *cidr)
{
	return own->line && doppel_cidr_overlap(&own->cidr, cidr);
}

static const struct prefix *own_prefix(const struct importer *in, const struct cidr *cidr)
{
	return doppel_cidr_family(cidr) == AF_INET ? &in->ipv4 : &in->ipv6;
}

static void put(struct importer *in, json_t *map, const char *key, json_t *value)
{
	if (json_object_set_new(map, key, value))
		in->no_memory = true;
}

static void append(struct importer *in, json_t *list, json_t *value)
{
	if (json_array_append_new(list, value))
		in->no_memory = true;
}

static void put_text(struct importer *in, json_t *map, const char *key, const char *text)
{
	put(in, map, key, json_string(text));
}

static void put_address(struct importer *in, json_t *map, const struct in6_addr *address)
{
	char text[DOPPEL_IP6_TEXT];

	put_text(in, map, doppel_ip_family(address) == AF_INET ? "ipv4_address" : "ipv6_address",
		 doppel_ip_format(address, text));
}

static void put_extra(struct importer *in, json_t *map, const struct cidr *cidr)
{
	json_t *list = json_object_get(map, "extra_allowed_ips");
	char text[DOPPEL_CIDR_TEXT];

	if (!list) {
		list = json_array();
		put(in, map, "extra_allowed_ips", list);
	}
	append(in, list, json_string(doppel_cidr_format(cidr, text)));
}

/* One address of the network is the peer's own; what lies outside the network lies behind the peer. */
static void put_allowed(struct importer *in, json_t *map, const struct prefix *allowed)
{
	const struct prefix *own = own_prefix(in, &allowed->cidr);
	const char *key = own == &in->ipv4 ? "ipv4_address" : "ipv6_address";
	char text[DOPPEL_CIDR_TEXT];

	doppel_cidr_format(&allowed->cidr, text);
	if (!own->line)
		fault(in, allowed->line, "AllowedIPs: %s is of a family of which the interface has no Address",
		      text);
	else if (!overlaps(own, &allowed->cidr))
		put_extra(in, map, &allowed->cidr);
	else if (allowed->cidr.len < 128)
		fault(in, allowed->line, "AllowedIPs: %s has more than one address of the network: this is the file of a peer that dials, or one peer takes others' packets; take over the file of the host that is dialled",
		      text);
	else if (doppel_ip6_eq(&allowed->cidr.net, &own->host))
		fault(in, allowed->line, "AllowedIPs: %s is the interface's own address", text);
	else if (!doppel_ipam_is_host(&own->cidr, &allowed->cidr.net))
		fault(in, allowed->line, "AllowedIPs: %s is no host's address of the network", text);
	else if (json_object_get(map, key))
		fault(in, allowed->line, "AllowedIPs: %s is the peer's second address in the network; a peer has one of each family",
		      text);
	else
		put_address(in, map, &allowed->cidr.net);
}

static bool is_named(const struct importer *in, const char *name)
{
	size_t i;

	if (!strcasecmp(name, JUMP_NAME))
		return true;
	for (i = 0; &in->peers[i] != in->peer; i++)
		if (!strcasecmp(in->peers[i].name.name, name))
			return true;
	return false;
}

/*
 * Its own name, with -2 if it is another's already, or else with the peer's own number, which few
 * have; without a name peer-1, peer-2, …
 */
static void choose_name(struct importer *in)
{
	char *name = in->peer->name.name;
	char base[WG_NAME_MAX - 8];
	size_t own = (size_t)(in->peer - in->peers) + 1;
	size_t number = name[0] ? 2 : own++;

	snprintf(base, sizeof(base), "%.50s", name[0] ? name : "peer");
	while (!name[0] || is_named(in, name)) {
		snprintf(name, sizeof(in->peer->name.name), "%s-%zu", base, number);
		number = own++;
	}
}

static void check_key(struct importer *in)
{
	const struct file_peer *other;

	if (!in->peer->public_key[0]) {
		fault(in, in->peer->line, "[Peer] has no PublicKey");
		return;
	}
	for (other = in->peers; other != in->peer; other++)
		if (!strcmp(other->public_key, in->peer->public_key))
			fault(in, in->peer->line, "its PublicKey is that of the [Peer] in line %d, too",
			      other->line);
}

static void check_given(struct importer *in, const json_t *map)
{
	const struct file_peer *peer = in->peer;

	if (in->ipv4.line && !json_object_get(map, "ipv4_address"))
		warn(in, peer->line, "peer %s has no IPv4 address of the network: it is given one, which its own file lacks",
		     peer->name.name);
	if (in->ipv6.line && !json_object_get(map, "ipv6_address"))
		warn(in, peer->line, "peer %s has no IPv6 address of the network: it is given one, which its own file lacks",
		     peer->name.name);
}

static json_t *make_peer(struct importer *in)
{
	json_t *map = json_object();
	size_t i;

	choose_name(in);
	check_key(in);
	put_text(in, map, "name", in->peer->name.name);
	put_text(in, map, "public_key", in->peer->public_key);
	if (in->peer->preshared_key[0])
		put_text(in, map, "preshared_key", in->peer->preshared_key);
	for (i = 0; i < in->peer->allowed_count; i++)
		put_allowed(in, map, &in->peer->allowed[i]);
	check_given(in, map);
	return map;
}

static json_t *make_jump(struct importer *in)
{
	json_t *map = json_object();

	put_text(in, map, "name", JUMP_NAME);
	put(in, map, "jump", json_true());
	if (in->ipv4.line)
		put_address(in, map, &in->ipv4.host);
	if (in->ipv6.line)
		put_address(in, map, &in->ipv6.host);
	return map;
}

static void put_cidr(struct importer *in, json_t *map, const char *key, const struct prefix *own)
{
	char text[DOPPEL_CIDR_TEXT];

	if (own->line)
		put_text(in, map, key, doppel_cidr_format(&own->cidr, text));
}

/* The interface keeps its name, too. */
static json_t *make_network(struct importer *in, const char *name)
{
	const enum wg_stack stack = !in->ipv6.line ? WG_STACK_IPV4 :
				    in->ipv4.line ? WG_STACK_DUAL : WG_STACK_IPV6;
	json_t *map = json_object(), *peers = json_array();
	size_t i;

	put_text(in, map, "name", name);
	put_text(in, map, "ip_stack_mode", doppel_wg_stack_name(stack));
	put_cidr(in, map, "ipv4_cidr", &in->ipv4);
	put_cidr(in, map, "ipv6_cidr", &in->ipv6);
	put_text(in, map, "interface", name);
	if (in->listen_port)
		put(in, map, "listen_port", json_integer(in->listen_port));
	append(in, peers, make_jump(in));
	for (i = 0; i < in->peer_count; i++) {
		in->peer = &in->peers[i];
		append(in, peers, make_peer(in));
	}
	put(in, map, "peers", peers);
	return map;
}

static int compare(const void *one, const void *another)
{
	const struct prefix *a = *(struct prefix *const *)one, *b = *(struct prefix *const *)another;
	const int family = doppel_cidr_family(&a->cidr) - doppel_cidr_family(&b->cidr);
	const int net = family ? family : memcmp(&a->cidr.net, &b->cidr.net, sizeof(a->cidr.net));
	const int len = net ? net : a->cidr.len - b->cidr.len;

	return len ? len : a->line - b->line;
}

/* What is sent to one peer cannot be sent to another. In this order a prefix follows what covers it. */
static void check_apart(struct importer *in)
{
	const struct prefix auto_free **all = NULL;
	const struct prefix *wide = NULL;
	size_t i, j, count = 0;

	for (i = 0; i < in->peer_count; i++)
		count += in->peers[i].allowed_count;
	all = calloc(count + 1, sizeof(*all));
	if (!all) {
		in->no_memory = true;
		return;
	}
	for (i = count = 0; i < in->peer_count; i++)
		for (j = 0; j < in->peers[i].allowed_count; j++)
			all[count++] = &in->peers[i].allowed[j];
	qsort(all, count, sizeof(*all), compare);
	for (i = 0; i < count; i++) {
		char cidr[DOPPEL_CIDR_TEXT], before[DOPPEL_CIDR_TEXT];

		if (!wide || !doppel_cidr_covers(&wide->cidr, &all[i]->cidr)) {
			wide = all[i];
			continue;
		}
		fault(in, all[i]->line, "AllowedIPs: %s overlaps %s of line %d: what is sent to one peer cannot be sent to another",
		      doppel_cidr_format(&all[i]->cidr, cidr),
		      doppel_cidr_format(&wide->cidr, before), wide->line);
	}
}

static void check_interface(struct importer *in)
{
	if (!in->has_private_key)
		doppel_error_add(in->error, "%s: [Interface] has no PrivateKey", in->file);
	if (!in->ipv4.line && !in->ipv6.line)
		doppel_error_add(in->error, "%s: [Interface] has no Address: nothing says which network this is",
				 in->file);
	if (!in->listen_port)
		doppel_error_add(&in->import->warnings,
				 "%s: [Interface] has no ListenPort, at which peers could dial: 51820 is taken",
				 in->file);
}

static void read_lines(struct importer *in, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		in->line++;
		read_line(in, line);
	}
}

static void free_importer(struct importer *in)
{
	size_t i;

	for (i = 0; i < in->peer_count; i++) {
		sodium_memzero(in->peers[i].preshared_key, WG_KEY_TEXT);
		free(in->peers[i].allowed);
	}
	free(in->peers);
}

int doppel_wg_quick_import(const char *file, const char *text, const char *name,
			   struct wg_import *import, struct doppel_error *error)
{
	struct importer in = { .import = import, .error = error, .file = file };
	const size_t before = error->count;
	char *copy = strdup(text);

	*import = (struct wg_import){ .network = NULL };
	if (!copy)
		return -ENOMEM;
	read_lines(&in, copy);
	sodium_memzero(copy, strlen(text));
	free(copy);
	check_interface(&in);
	check_apart(&in);
	import->network = make_network(&in, name);
	free_importer(&in);
	if (!in.no_memory && error->count == before)
		return 0;
	doppel_wg_import_free(import);
	return in.no_memory ? -ENOMEM : -EINVAL;
}

void doppel_wg_import_free(struct wg_import *import)
{
	json_decref(import->network);
	sodium_memzero(import, sizeof(*import));
}
