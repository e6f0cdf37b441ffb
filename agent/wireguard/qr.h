/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A text as a QR code (ISO/IEC 18004) for a camera: WireGuard's programs of telephones read wg-quick
 * files so.
 */
#ifndef DOPPEL_WIREGUARD_QR_H
#define DOPPEL_WIREGUARD_QR_H

#include "base/buf.h"

/*
 * Both add to @out: 0; -E2BIG when the text is longer than a code can be (2953 bytes), -EINVAL when it
 * is empty; -ENOMEM.
 *
 * For a terminal: two rows of modules a line as half blocks in UTF-8, black on white whatever the
 * terminal's colours are.
 */
int doppel_wg_qr_terminal(const char *content, struct buf *out);
/* A PNG (ISO/IEC 15948) in black and white, some pixels a module. */
int doppel_wg_qr_png(const char *content, struct buf *out);

#endif
