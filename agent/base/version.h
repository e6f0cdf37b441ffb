/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOPPEL_BASE_VERSION_H
#define DOPPEL_BASE_VERSION_H

#define DOPPEL_VERSION "0.1"

#endif
