// SPDX-License-Identifier: GPL-2.0-only
/* The library and its megabyte are there only while it works: most of the time nobody wants rules. */
#include "kernel/nftables.h"

#include <dlfcn.h>
#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>

#define LIBRARY "libnftables.so.1"

static struct {
	__typeof__(&nft_ctx_new) make;
	__typeof__(&nft_ctx_free) free;
	__typeof__(&nft_ctx_buffer_output) buffer_output;
	__typeof__(&nft_ctx_buffer_error) buffer_error;
	__typeof__(&nft_ctx_get_output_buffer) output;
	__typeof__(&nft_ctx_get_error_buffer) error;
	__typeof__(&nft_run_cmd_from_buffer) run;
} nftables;

static const struct {
	const char *name;
	void **function;
} symbols[] = {
	{ "nft_ctx_new", (void **)&nftables.make },
	{ "nft_ctx_free", (void **)&nftables.free },
	{ "nft_ctx_buffer_output", (void **)&nftables.buffer_output },
	{ "nft_ctx_buffer_error", (void **)&nftables.buffer_error },
	{ "nft_ctx_get_output_buffer", (void **)&nftables.output },
	{ "nft_ctx_get_error_buffer", (void **)&nftables.error },
	{ "nft_run_cmd_from_buffer", (void **)&nftables.run },
};

/* NULL: it is not there, or lacks something. */
static void *load(struct buf *complaint)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	size_t i;

	for (i = 0; library && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		*symbols[i].function = dlsym(library, symbols[i].name);
		if (!*symbols[i].function) {
			dlclose(library);
			library = NULL;
		}
	}
	if (!library)
		doppel_buf_printf(complaint,
				  "%s cannot be loaded; install libnftables, or set firewall: iptables", LIBRARY);
	return library;
}

static int take(const char *said, struct buf *content)
{
	return said && content ? doppel_buf_add(content, said, strlen(said)) : 0;
}

static int run(const char *text, struct buf *output, struct buf *complaint)
{
	struct nft_ctx *nft = nftables.make(NFT_CTX_DEFAULT);
	int err;

	if (!nft)
		return -ENOMEM;
	nftables.buffer_output(nft);
	nftables.buffer_error(nft);
	err = nftables.run(nft, text) ? -EIO : 0;
	if (err)
		take(nftables.error(nft), complaint);
	else
		err = take(nftables.output(nft), output);
	nftables.free(nft);
	return err;
}

int doppel_nftables_run(const char *text, struct buf *output, struct buf *complaint)
{
	void *library = load(complaint);
	int err;

	if (!library)
		return -ELIBACC;
	err = run(text, output, complaint);
	dlclose(library);
	return err;
}
