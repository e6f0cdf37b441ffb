/* SPDX-License-Identifier: GPL-2.0-only */
/* The file's `wireguard:` section, or a file of its own with the same keys, as a model. */
#ifndef DOPPEL_WIREGUARD_DOCUMENT_H
#define DOPPEL_WIREGUARD_DOCUMENT_H

#include "base/yaml.h"
#include "wireguard/model.h"

/* Which names are those of LAN devices. */
struct wg_devices {
	bool (*known)(void *ctx, const char *name);
	void *ctx;
};

/*
 * Read and check the section: 0 and a document that the caller frees; -EINVAL, with a line in @error
 * for each fault; -ENOMEM. Without @devices (NULL) a rule names a LAN device by its MAC only.
 */
int doppel_wg_document_read(const struct yaml_node *section, const struct wg_devices *devices,
			    struct wg_document **document, struct doppel_error *error);

#endif
