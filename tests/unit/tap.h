/* SPDX-License-Identifier: GPL-2.0-only */
/* TAP on stdout: a test program's main() makes its checks and returns done_testing(). */
#ifndef DOPPEL_TESTS_TAP_H
#define DOPPEL_TESTS_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

/* Each check returns whether it held. Names are printf formats. */
#define ok(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) \
	tap_is_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) tap_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_mem(got, want, len, ...) \
	tap_is_mem((got), (want), (len), __FILE__, __LINE__, __VA_ARGS__)
#define diag(...) tap_diag(__VA_ARGS__)

__attribute__((format(printf, 1, 2))) static inline void tap_diag(const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	__builtin_va_end(ap);
}

static inline void tap_result(bool cond, const char *file, int line, const char *fmt,
			      __builtin_va_list ap)
{
	printf("%sok %d - ", cond ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	printf("\n");
	if (!cond) {
		tap_failed++;
		printf("# at %s:%d\n", file, line);
	}
	fflush(stdout);
}

__attribute__((format(printf, 4, 5))) static inline bool tap_ok(bool cond, const char *file,
								int line, const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	tap_result(cond, file, line, fmt, ap);
	__builtin_va_end(ap);
	return cond;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	tap_result(got == want, file, line, fmt, ap);
	__builtin_va_end(ap);
	if (got != want)
		printf("# got  %lld\n# want %lld\n", (long long)got, (long long)want);
	return got == want;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	bool same = got && want ? !strcmp(got, want) : got == want;
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	tap_result(same, file, line, fmt, ap);
	__builtin_va_end(ap);
	if (!same)
		printf("# got  %s\n# want %s\n", got ? got : "(null)", want ? want : "(null)");
	return same;
}

static inline void tap_dump(const char *label, const void *data, size_t len)
{
	printf("# %s", label);
	for (size_t i = 0; i < len; i++)
		printf(" %02x", ((const uint8_t *)data)[i]);
	printf("\n");
}

__attribute__((format(printf, 6, 7))) static inline bool
tap_is_mem(const void *got, const void *want, size_t len, const char *file, int line,
	   const char *fmt, ...)
{
	bool same = !memcmp(got, want, len);
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	tap_result(same, file, line, fmt, ap);
	__builtin_va_end(ap);
	if (!same) {
		tap_dump("got ", got, len);
		tap_dump("want", want, len);
	}
	return same;
}

/* The plan, and main()'s value. */
static inline int done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
