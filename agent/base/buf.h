/* SPDX-License-Identifier: GPL-2.0-only */
/* A buffer that grows. */
#ifndef DOPPEL_BASE_BUF_H
#define DOPPEL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Begin with {}. data is NUL-terminated behind len as soon as it is not NULL. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed; /* memory was short once: the content is incomplete */
};

#define auto_buf __attribute__((cleanup(doppel_buf_free)))

/* 0 or -ENOMEM, which failed remembers: a row of additions may be checked once at its end. */
int doppel_buf_add(struct buf *buf, const void *data, size_t len);
int doppel_buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drop the first len bytes. */
void doppel_buf_consume(struct buf *buf, size_t len);
void doppel_buf_free(struct buf *buf);

#endif
