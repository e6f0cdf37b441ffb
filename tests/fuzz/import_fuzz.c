// SPDX-License-Identifier: GPL-2.0-only
/* A wg-quick file: refused with a reason, or a network that the file's reader takes. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/yaml.h"
#include "wireguard/document.h"
#include "wireguard/quick_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_back(const json_t *network)
{
	json_t *section = json_pack("{s:[O]}", "networks", network);
	char auto_free *text = json_dumps(section, 0);
	struct doppel_error error = { .count = 0 };
	struct wg_document *document = NULL;
	struct yaml auto_yaml *yaml = NULL;

	if (!text || doppel_yaml_parse("import", text, strlen(text), &yaml, &error) ||
	    doppel_wg_document_read(yaml->root, NULL, &document, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	doppel_wg_document_free(document);
	json_decref(section);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char auto_free *text = strndup((const char *)data, len);
	struct doppel_error error = { .count = 0 };
	struct wg_import import;
	int err = doppel_wg_quick_import("fuzz.conf", text, "wg0", &import, &error);

	/* Whoever wrote the file must be told. */
	if (err ? !error.count : error.count)
		abort();
	if (err)
		return 0;
	read_back(import.network);
	doppel_wg_import_free(&import);
	return 0;
}
