/* SPDX-License-Identifier: GPL-2.0-only */
/* WireGuard's keys: X25519 pairs (RFC 7748) and preshared ones, and their text. */
#ifndef DOPPEL_WIREGUARD_KEY_H
#define DOPPEL_WIREGUARD_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "wireguard/model.h"

/* Room for a key's text, with its NUL: base64 with padding, as `wg` prints it. */
#define WG_KEY_TEXT 45

struct rng;

/* The whole text or nothing. */
bool doppel_wg_key_parse(const char *text, uint8_t key[WG_KEY_LEN]);
/* Writes into @text and returns it. */
char *doppel_wg_key_format(const uint8_t key[WG_KEY_LEN], char text[WG_KEY_TEXT]);

/* As `wg genkey`, `wg pubkey` and `wg genpsk`. */
void doppel_wg_key_private(struct rng *rng, uint8_t key[WG_KEY_LEN]);
void doppel_wg_key_public(const uint8_t private_key[WG_KEY_LEN], uint8_t key[WG_KEY_LEN]);
void doppel_wg_key_preshared(struct rng *rng, uint8_t key[WG_KEY_LEN]);

/* As the kernel keeps a private key, whatever it was given (RFC 7748 section 5). */
void doppel_wg_key_clamp(uint8_t key[WG_KEY_LEN]);

#endif
