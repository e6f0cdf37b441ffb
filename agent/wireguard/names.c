// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/names.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/keeper.h"
#include "base/list.h"

#define HEAD "# Written by doppel from its own configuration; changes are lost.\n"

struct server {
	struct list node;		/* of wg_names.servers */
	struct keeper keeper;
	char *network;			/* its name */
	char subject[WG_NAME_MAX + 16];
	char config_file[PATH_MAX], records_file[PATH_MAX];
	const char *argv[5];
	char *config, *records;		/* what the files say; NULL: nothing yet */
};

struct wg_names {
	struct ev_loop *loop;
	char *dir;
	struct list servers;
};

static void render_reverse(const struct cidr *cidr, struct buf *text)
{
	char net[DOPPEL_CIDR_TEXT];

	doppel_buf_printf(text, "rev-server=%s\n", doppel_cidr_format(cidr, net));
}

/*
 * Bound to the interface: a query to its address that comes in elsewhere gets no answer. The network's
 * domain and its addresses' names are known here or nowhere (local, rev-server without a server): a
 * name that is not known is NXDOMAIN, one without the family that is asked for NODATA (RFC 2308).
 */
void doppel_wg_names_config(const struct wg_assignment *assignment, const char *records,
			    struct buf *text)
{
	const struct wg_network *network = assignment->network;
	char server[DOPPEL_IP6_TEXT];
	size_t i;

	doppel_buf_printf(text,
		HEAD
		"interface=%s\n"
		"except-interface=lo\n"
		"bind-dynamic\n"
		"no-resolv\n"
		"no-hosts\n"
		"addn-hosts=%s\n"
		"pid-file=\n"
		"log-facility=-\n"
		"local=/%s/\n",
		network->interface, records, network->domain);
	if (doppel_wg_has_ipv4(network))
		render_reverse(&network->ipv4, text);
	if (doppel_wg_has_ipv6(network))
		render_reverse(&network->ipv6, text);
	for (i = 0; i < network->upstream_count; i++)
		doppel_buf_printf(text, "server=%s\n",
				  doppel_ip_format(&network->upstream[i], server));
}

/* An A or AAAA record, by the address's family, and its PTR. */
static void render_record(const struct wg_network *network, const char *name,
			  const struct in6_addr *address, struct buf *text)
{
	char ip[DOPPEL_IP6_TEXT];

	doppel_buf_printf(text, "%s %s.%s\n", doppel_ip_format(address, ip), name, network->domain);
}

void doppel_wg_names_records(const struct wg_assignment *assignment, struct buf *text)
{
	const struct wg_network *network = assignment->network;
	size_t i, j;

	doppel_buf_printf(text, HEAD);
	for (i = 0; i < network->peer_count; i++) {
		const struct wg_member *member = &assignment->members[i];

		if (member->has_ipv4)
			render_record(network, member->peer->name, &member->ipv4, text);
		if (member->has_ipv6)
			render_record(network, member->peer->name, &member->ipv6, text);
	}
	for (i = 0; i < network->route_count; i++) {
		const struct wg_route *route = &network->routes[i];

		for (j = 0; j < route->mapping_count; j++)
			render_record(network, route->mappings[j].name,
				      &route->mappings[j].address, text);
	}
}

/* Whole or not at all, and for dnsmasq to read when it has dropped its privileges. */
static int write_file(const char *path, const char *content)
{
	FILE auto_fclose *file = NULL;
	char fresh[PATH_MAX + 8];

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	file = fopen(fresh, "we");
	if (!file || fchmod(fileno(file), 0644) || fputs(content, file) < 0 || fflush(file) ||
	    rename(fresh, path))
		return -errno;
	return 0;
}

static int prepare(struct keeper *keeper)
{
	const struct server *server = container_of(keeper, struct server, keeper);
	int err = write_file(server->records_file, server->records);

	return err ? err : write_file(server->config_file, server->config);
}

static void free_server(struct server *server)
{
	doppel_list_del(&server->node);
	doppel_keeper_close(&server->keeper);
	free(server->network);
	free(server->config);
	free(server->records);
	free(server);
}

static struct server *new_server(struct wg_names *names, const char *network)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	doppel_list_add_tail(&names->servers, &server->node);
	doppel_keeper_init(&server->keeper, names->loop, "doppel-names");
	server->network = strdup(network);
	snprintf(server->subject, sizeof(server->subject), "network %s", network);
	snprintf(server->config_file, sizeof(server->config_file), "%s/names-%s.conf", names->dir,
		 network);
	snprintf(server->records_file, sizeof(server->records_file), "%s/names-%s.hosts", names->dir,
		 network);
	server->argv[0] = "dnsmasq";
	server->argv[1] = "--keep-in-foreground";
	server->argv[2] = "-C";
	server->argv[3] = server->config_file;
	server->keeper.subject = server->subject;
	server->keeper.argv = server->argv;
	server->keeper.prepare = prepare;
	if (server->network)
		return server;
	free_server(server);
	return NULL;
}

static struct server *find_server(const struct wg_names *names, const char *network)
{
	doppel_list_foreach(node, &names->servers) {
		struct server *server = container_of(node, struct server, node);

		if (!strcmp(server->network, network))
			return server;
	}
	return NULL;
}

static bool same(const char *text, const struct buf *fresh)
{
	return text && !strcmp(text, fresh->data);
}

/* The buffer's content moves. */
static void replace(char **text, struct buf *fresh)
{
	free(*text);
	*text = fresh->data;
	*fresh = (struct buf){ 0 };
}

static int apply_server(struct server *server, const struct wg_assignment *assignment)
{
	struct buf auto_buf config = { 0 }, records = { 0 };
	int err;

	doppel_wg_names_config(assignment, server->records_file, &config);
	doppel_wg_names_records(assignment, &records);
	if (config.failed || records.failed)
		return -ENOMEM;
	if (!same(server->config, &config) || !server->keeper.wanted) {
		replace(&server->config, &config);
		replace(&server->records, &records);
		doppel_keeper_start(&server->keeper);
		return 0;
	}
	if (same(server->records, &records))
		return 0;
	err = write_file(server->records_file, records.data);
	if (err)
		return err;
	replace(&server->records, &records);
	doppel_keeper_reread(&server->keeper);
	return 0;
}

static bool is_served(const struct wg_assignment *assignment)
{
	return assignment->network->dns && assignment->jump;
}

static bool is_wanted(const struct wg_site *site, const char *network)
{
	size_t i;

	for (i = 0; i < site->network_count; i++)
		if (is_served(&site->networks[i]) &&
		    !strcmp(site->networks[i].network->name, network))
			return true;
	return false;
}

/* Those that are not wanted any more end, in their time; those that have ended are forgotten. */
static void end_others(struct wg_names *names, const struct wg_site *site)
{
	doppel_list_foreach(node, &names->servers) {
		struct server *server = container_of(node, struct server, node);

		if (is_wanted(site, server->network))
			continue;
		doppel_keeper_stop(&server->keeper);
		unlink(server->config_file);
		unlink(server->records_file);
		if (!doppel_keeper_running(&server->keeper))
			free_server(server);
	}
}

int doppel_wg_names_apply(struct wg_names *names, const struct wg_site *site,
			  struct doppel_error *error)
{
	int result = 0;
	size_t i;

	mkdir(names->dir, 0755);	/* what fails here is told by whoever writes into it */
	end_others(names, site);
	for (i = 0; i < site->network_count; i++) {
		const char *network = site->networks[i].network->name;
		struct server *server;
		int err;

		if (!is_served(&site->networks[i]))
			continue;
		server = find_server(names, network);
		if (!server)
			server = new_server(names, network);
		err = server ? apply_server(server, &site->networks[i]) : -ENOMEM;
		if (!err)
			continue;
		doppel_error_add(error, "network %s: its DNS records stay as they were: %s", network,
				 strerror(-err));
		result = err;
	}
	return result;
}

struct wg_names *doppel_wg_names_new(struct ev_loop *loop, const char *run_dir)
{
	struct wg_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->loop = loop;
	doppel_list_init(&names->servers);
	names->dir = strdup(run_dir);
	if (names->dir)
		return names;
	free(names);
	return NULL;
}

void doppel_wg_names_free(struct wg_names *names)
{
	if (!names)
		return;
	doppel_list_foreach(node, &names->servers)
		free_server(container_of(node, struct server, node));
	free(names->dir);
	free(names);
}
