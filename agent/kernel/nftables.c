// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/nftables.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>

int doppel_nftables_run(const char *text, struct buf *complaint)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	const char *said;
	int err;

	if (!nft)
		return -ENOMEM;
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	err = nft_run_cmd_from_buffer(nft, text) ? -EIO : 0;
	said = nft_ctx_get_error_buffer(nft);
	if (err && said)
		doppel_buf_add(complaint, said, strlen(said));
	nft_ctx_free(nft);
	return err;
}
