// SPDX-License-Identifier: GPL-2.0-only
/* The YAML file: read, or refused with a reason. */
#include <stdlib.h>

#include "base/error.h"
#include "gateway/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct doppel_error error = { .count = 0 };
	struct config *config = NULL;
	int err = doppel_config_parse("fuzz.yaml", (const char *)data, len, &config, &error);

	/* Whoever wrote the file must be told. */
	if (err ? !error.count : !config || error.count)
		abort();
	doppel_config_free(config);
	return 0;
}
