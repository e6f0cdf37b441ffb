// SPDX-License-Identifier: GPL-2.0-only
/*
 * wg-rules apply FILE                the firewall of a site's file
 * wg-rules follow                    those of files whose names come on stdin, one after the other
 * wg-rules print FILE NETWORK nft|iptables
 *
 * For scenarios: the firewall alone, without interfaces or a store. See wg_site.h for what the file gives.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "wg_site.h"
#include "wireguard/firewall.h"

static bool read_site(const char *path, struct wg_site *site)
{
	FILE auto_fclose *file = fopen(path, "re");
	struct doppel_error error = {};
	struct buf auto_buf text = {};
	char part[4096];
	size_t len;

	while (file && (len = fread(part, 1, sizeof(part), file)))
		doppel_buf_add(&text, part, len);
	if (!text.len) {
		perror(path);
		return false;
	}
	if (site_read(text.data, site, &error))
		return true;
	fprintf(stderr, "%s: %s\n", path, error.text);
	return false;
}

static int apply(struct firewall *firewall, const char *path)
{
	struct doppel_error error = {};
	struct wg_site site;
	int err;

	if (!read_site(path, &site))
		return 1;
	err = doppel_wg_firewall_apply(firewall, &site, &error);
	if (err)
		fprintf(stderr, "%s\n", error.text);
	site_free(&site);
	return err ? 1 : 0;
}

static int apply_one(const char *path)
{
	struct firewall *firewall = doppel_wg_firewall_new(&site_lan);
	const int status = firewall ? apply(firewall, path) : 1;

	doppel_wg_firewall_free(firewall);
	return status;
}

/* A file for each line of stdin. */
static int follow(void)
{
	struct firewall *firewall = doppel_wg_firewall_new(&site_lan);
	char path[4096];

	while (firewall && fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		puts(apply(firewall, path) ? "failed" : "done");
		fflush(stdout);
	}
	doppel_wg_firewall_free(firewall);
	return 0;
}

static int print(const char *path, const char *network, const char *format)
{
	const bool nft = !strcmp(format, "nft");
	struct buf auto_buf out = {};
	struct wg_site site;
	int err;

	if (!read_site(path, &site))
		return 1;
	err = doppel_wg_rules_print(&site, &site_lan, network,
				    nft ? WG_FIREWALL_NFTABLES : WG_FIREWALL_IPTABLES, &out);
	if (err)
		fprintf(stderr, "%s: %s\n", network, strerror(-err));
	else
		fputs(out.data, stdout);
	site_free(&site);
	return err ? 1 : 0;
}

int main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "apply"))
		return apply_one(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "follow"))
		return follow();
	if (argc == 5 && !strcmp(argv[1], "print"))
		return print(argv[2], argv[3], argv[4]);
	fprintf(stderr, "wg-rules apply FILE | follow | print FILE NETWORK nft|iptables\n");
	return 2;
}
