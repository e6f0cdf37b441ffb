// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of the WireGuard half by themselves, for scenarios:
 *
 *   wg-parts FILE quick NETWORK PEER   prints the peer's wg-quick file
 *   wg-parts FILE names DIRECTORY      serves the networks' names; SIGHUP: reads the file again
 *   wg-parts FILE interfaces           puts the networks into the kernel
 *   wg-parts FILE state NETWORK        of each of its peers there prints: public key, latest handshake,
 *                                      received, sent, endpoint
 *
 * Keys are the same each time.
 */
#include <ev.h>
#include <inttypes.h>
#include <signal.h>

#include "../unit/wg_world.h"
#include "base/buf.h"
#include "wireguard/interfaces.h"
#include "wireguard/key.h"
#include "wireguard/names.h"
#include "wireguard/quick.h"

struct names {
	const char *file;
	struct wg_names *names;
};

static struct wg_world read_world(const char *path)
{
	struct buf auto_buf text = { 0 };
	FILE *file = fopen(path, "re");
	char part[4096];
	size_t len;

	while (file && (len = fread(part, 1, sizeof(part), file)))
		doppel_buf_add(&text, part, len);
	if (!file || !text.len)
		abort();
	fclose(file);
	return wg_world(text.data);
}

static int print_quick(const char *file, const char *network, const char *peer)
{
	struct wg_world world = read_world(file);
	const struct wg_assignment *assignment = doppel_wg_assignment(world.site, network);
	const struct wg_member *member = assignment ? doppel_wg_member(assignment, peer) : NULL;
	struct doppel_error error = { 0 };
	struct buf auto_buf text = { 0 };
	int err = member ? doppel_wg_quick_render(assignment, member, &text, &error) : -1;

	fputs(err ? error.text : text.data, err ? stderr : stdout);
	wg_world_end(&world);
	return err != 0;
}

static void apply(const struct names *names)
{
	struct wg_world world = read_world(names->file);
	struct doppel_error error = { 0 };

	if (doppel_wg_names_apply(names->names, world.site, &error))
		fprintf(stderr, "%s\n", error.text);
	wg_world_end(&world);
}

static void on_hup(struct ev_loop *loop, ev_signal *hup, int events)
{
	(void)loop;
	(void)events;
	apply(hup->data);
}

static void on_term(struct ev_loop *loop, ev_signal *term, int events)
{
	(void)term;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static int serve_names(const char *file, const char *dir)
{
	struct names names = { .file = file, .names = doppel_wg_names_new(EV_DEFAULT, dir) };
	ev_signal hup, term;

	if (!names.names)
		return 1;
	ev_signal_init(&hup, on_hup, SIGHUP);
	hup.data = &names;
	ev_signal_start(EV_DEFAULT, &hup);
	ev_signal_init(&term, on_term, SIGTERM);
	ev_signal_start(EV_DEFAULT, &term);
	apply(&names);
	ev_run(EV_DEFAULT, 0);
	doppel_wg_names_free(names.names);
	return 0;
}

static int set_interfaces(const struct wg_kernel *kernel, const struct wg_site *site)
{
	struct doppel_error error = { 0 };
	const int err = doppel_wg_interfaces_apply(kernel, site, &error);

	if (err)
		fprintf(stderr, "%s\n", error.text);
	return err != 0;
}

static int print_peer(const struct wireguard_peer *peer, void *ctx)
{
	char key[WG_KEY_TEXT], endpoint[DOPPEL_IP6_TEXT] = "-";

	(void)ctx;
	if (peer->endpoint_port)
		doppel_ip_format(&peer->endpoint, endpoint);
	printf("%s %" PRId64 " %" PRIu64 " %" PRIu64 " %s %u\n",
	       doppel_wg_key_format(peer->public_key, key), peer->latest_handshake, peer->rx_bytes,
	       peer->tx_bytes, endpoint, peer->endpoint_port);
	return 0;
}

/* @network NULL: all of them are put there. */
static int in_kernel(const char *file, const char *network)
{
	struct wg_world world = read_world(file);
	const struct wg_assignment *found = network ? doppel_wg_assignment(world.site, network) :
						      NULL;
	struct wg_kernel kernel;
	int status = 1;

	if (doppel_rtnetlink_open(&kernel.rtnetlink) || doppel_wireguard_open(&kernel.wireguard))
		abort();
	if (!network)
		status = set_interfaces(&kernel, world.site);
	else if (found)
		status = doppel_wg_interfaces_state(&kernel, found->network, print_peer, NULL) != 0;
	kernel.wireguard->free(kernel.wireguard);
	kernel.rtnetlink->free(kernel.rtnetlink);
	wg_world_end(&world);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[2], "quick"))
		return print_quick(argv[1], argv[3], argv[4]);
	if (argc == 4 && !strcmp(argv[2], "names"))
		return serve_names(argv[1], argv[3]);
	if (argc == 3 && !strcmp(argv[2], "interfaces"))
		return in_kernel(argv[1], NULL);
	if (argc == 4 && !strcmp(argv[2], "state"))
		return in_kernel(argv[1], argv[3]);
	fprintf(stderr, "usage: wg-parts FILE quick NETWORK PEER | names DIRECTORY | interfaces | state NETWORK\n");
	return 2;
}
