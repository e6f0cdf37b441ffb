// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/key.h"

#include <sodium.h>
#include <string.h>

#include "base/rand.h"

_Static_assert(crypto_scalarmult_BYTES == WG_KEY_LEN, "a key is a point");
_Static_assert(sodium_base64_ENCODED_LEN(WG_KEY_LEN, sodium_base64_VARIANT_ORIGINAL) == WG_KEY_TEXT,
	       "and its text");

/* libsodium takes bytes above 127 for digits. */
bool doppel_wg_key_parse(const char *text, uint8_t key[WG_KEY_LEN])
{
	uint8_t bytes[WG_KEY_LEN];
	char same[WG_KEY_TEXT];
	size_t len;

	if (sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) || len != sizeof(bytes) ||
	    strcmp(doppel_wg_key_format(bytes, same), text))
		return false;
	memcpy(key, bytes, sizeof(bytes));
	return true;
}

char *doppel_wg_key_format(const uint8_t key[WG_KEY_LEN], char text[WG_KEY_TEXT])
{
	return sodium_bin2base64(text, WG_KEY_TEXT, key, WG_KEY_LEN, sodium_base64_VARIANT_ORIGINAL);
}

void doppel_wg_key_preshared(struct rng *rng, uint8_t key[WG_KEY_LEN])
{
	size_t i;

	for (i = 0; i < WG_KEY_LEN; i += sizeof(uint32_t)) {
		const uint32_t word = doppel_rng_u32(rng);

		memcpy(key + i, &word, sizeof(word));
	}
}

void doppel_wg_key_clamp(uint8_t key[WG_KEY_LEN])
{
	key[0] &= 248;
	key[31] = (key[31] & 127) | 64;
}

void doppel_wg_key_private(struct rng *rng, uint8_t key[WG_KEY_LEN])
{
	doppel_wg_key_preshared(rng, key);
	doppel_wg_key_clamp(key);
}

void doppel_wg_key_public(const uint8_t private_key[WG_KEY_LEN], uint8_t key[WG_KEY_LEN])
{
	crypto_scalarmult_base(key, private_key);
}
