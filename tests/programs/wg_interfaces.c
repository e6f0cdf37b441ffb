// SPDX-License-Identifier: GPL-2.0-only
/*
 * wg_interfaces apply FILE
 * wg_interfaces state FILE NETWORK
 *
 * For scenarios: the networks of a file in the kernel, without a store: keys that are made are the
 * same each time. Of each peer there it says: public key, latest handshake, received, sent, endpoint.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/rand.h"
#include "base/yaml.h"
#include "wireguard/document.h"
#include "wireguard/interfaces.h"
#include "wireguard/key.h"

static uint32_t count_on(struct rng *rng, uint32_t n)
{
	static uint32_t count;

	(void)rng;
	count += 2654435761;
	return n ? count % n : count;
}

static bool read_site(const char *path, struct wg_site **site, struct doppel_error *error)
{
	struct rng rng = { .below = count_on };
	FILE auto_fclose *file = fopen(path, "re");
	struct yaml auto_yaml *yaml = NULL;
	struct wg_document *document;
	struct buf auto_buf text = {};
	char part[4096];
	size_t len;

	while (file && (len = fread(part, 1, sizeof(part), file)))
		doppel_buf_add(&text, part, len);
	if (!text.len)
		doppel_error_add(error, "%s: there is nothing in it", path);
	return text.len && !doppel_yaml_parse(path, text.data, text.len, &yaml, error) &&
	       !doppel_wg_document_read(yaml->root, NULL, &document, error) &&
	       !doppel_wg_assign(document, NULL, time(NULL), &rng, site, error);
}

static int show_peer(const struct wireguard_peer *peer, void *ctx)
{
	char key[WG_KEY_TEXT], endpoint[DOPPEL_IP6_TEXT];

	(void)ctx;
	printf("%s %" PRId64 " %" PRIu64 " %" PRIu64 " ",
	       doppel_wg_key_format(peer->public_key, key), peer->latest_handshake, peer->rx_bytes,
	       peer->tx_bytes);
	if (peer->endpoint_port)
		printf("%s %u\n", doppel_ip_format(&peer->endpoint, endpoint), peer->endpoint_port);
	else
		printf("-\n");
	return 0;
}

static int show_state(const struct wg_kernel *kernel, const struct wg_site *site,
		      const char *network, struct doppel_error *error)
{
	const struct wg_assignment *found = doppel_wg_assignment(site, network);
	const int err = found ? doppel_wg_interfaces_state(kernel, found->network, show_peer, NULL) :
				-1;

	if (err)
		doppel_error_add(error, "network %s: %s", network, found ? strerror(-err) : "none");
	return err;
}

int main(int argc, char *argv[])
{
	const bool apply = argc == 3 && !strcmp(argv[1], "apply");
	const bool state = argc == 4 && !strcmp(argv[1], "state");
	struct doppel_error error = {};
	struct wg_kernel kernel;
	struct wg_site *site;
	int err;

	if (!apply && !state) {
		fprintf(stderr, "wg_interfaces apply FILE | state FILE NETWORK\n");
		return 2;
	}
	if (doppel_rtnetlink_open(&kernel.rtnetlink) || doppel_wireguard_open(&kernel.wireguard)) {
		perror("netlink");
		return 1;
	}
	err = !read_site(argv[2], &site, &error);
	if (!err)
		err = apply ? doppel_wg_interfaces_apply(&kernel, site, &error) :
			      show_state(&kernel, site, argv[3], &error);
	if (err)
		fprintf(stderr, "%s\n", error.text);
	kernel.wireguard->free(kernel.wireguard);
	kernel.rtnetlink->free(kernel.rtnetlink);
	return err ? 1 : 0;
}
