// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/nftables.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>

static int take(const char *said, struct buf *content)
{
	return said && content ? doppel_buf_add(content, said, strlen(said)) : 0;
}

int doppel_nftables_run(const char *text, struct buf *output, struct buf *complaint)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	int err;

	if (!nft)
		return -ENOMEM;
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	err = nft_run_cmd_from_buffer(nft, text) ? -EIO : 0;
	if (err)
		take(nft_ctx_get_error_buffer(nft), complaint);
	else
		err = take(nft_ctx_get_output_buffer(nft), output);
	nft_ctx_free(nft);
	return err;
}
