// SPDX-License-Identifier: GPL-2.0-only
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for len more bytes and a NUL. */
static int reserve(struct buf *buf, size_t len)
{
	size_t cap = buf->cap ? buf->cap : 256;
	char *data;

	if (len >= SIZE_MAX / 2 - buf->len)
		goto failed;
	while (cap < buf->len + len + 1)
		cap *= 2;
	if (cap == buf->cap)
		return 0;
	data = realloc(buf->data, cap);
	if (!data)
		goto failed;
	buf->data = data;
	buf->cap = cap;
	return 0;
failed:
	buf->failed = true;
	return -ENOMEM;
}

int doppel_buf_add(struct buf *buf, const void *data, size_t len)
{
	if (buf->failed || reserve(buf, len))
		return -ENOMEM;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int doppel_buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap, again;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		buf->failed = true;
	if (!buf->failed && !reserve(buf, (size_t)len)) {
		vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	return buf->failed ? -ENOMEM : 0;
}

void doppel_buf_consume(struct buf *buf, size_t len)
{
	if (!len)
		return;
	if (len > buf->len)
		len = buf->len;
	memmove(buf->data, buf->data + len, buf->len - len + 1);
	buf->len -= len;
}

void doppel_buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){};
}
