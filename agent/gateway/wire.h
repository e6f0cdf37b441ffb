/* SPDX-License-Identifier: GPL-2.0-only */
/* Big-endian numbers in byte strings: unaligned reads, and a bounded writer. */
#ifndef DOPPEL_GATEWAY_WIRE_H
#define DOPPEL_GATEWAY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t doppel_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t doppel_get32(const uint8_t *p)
{
	return (uint32_t)doppel_get16(p) << 16 | doppel_get16(p + 2);
}

/* Begin with {buffer, its size}. What no longer fits is left out and `overflow` remembers. */
struct writer {
	uint8_t *data;
	size_t cap;
	size_t len;
	bool overflow;
};

static inline void doppel_put(struct writer *w, const void *bytes, size_t len)
{
	if (len > w->cap - w->len) {
		w->overflow = true;
		return;
	}
	if (len)
		memcpy(w->data + w->len, bytes, len);
	w->len += len;
}

static inline void doppel_put8(struct writer *w, uint8_t value)
{
	doppel_put(w, &value, 1);
}

static inline void doppel_put16(struct writer *w, uint16_t value)
{
	doppel_put(w, (const uint8_t[]){ value >> 8, value & 0xff }, 2);
}

static inline void doppel_put32(struct writer *w, uint32_t value)
{
	doppel_put16(w, value >> 16);
	doppel_put16(w, value & 0xffff);
}

static inline void doppel_put_zeros(struct writer *w, size_t count)
{
	while (count--)
		doppel_put8(w, 0);
}

#endif
