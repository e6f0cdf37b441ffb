// SPDX-License-Identifier: GPL-2.0-only
#include "wireguard/qr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <qrencode.h>
#include <stdint.h>
#include <string.h>

#define QUIET 4			/* modules of white around it */
#define PIXELS 6		/* a module's side in the PNG */
#define BLACK_ON_WHITE "\033[30;107m"
#define NORMAL "\033[0m"
#define STORED_MAX 65535	/* bytes of a stored block (RFC 1951 section 3.2.4) */
#define ADLER 65521

static void free_code(QRcode **code)
{
	QRcode_free(*code);
}

#define auto_code __attribute__((cleanup(free_code)))

/* As small as it gets, which a screen's camera reads best. */
static int encode(const char *content, QRcode **code)
{
	const size_t len = strlen(content);

	*code = QRcode_encodeData((int)len, (const unsigned char *)content, 0, QR_ECLEVEL_L);
	if (*code)
		return 0;
	return errno == ERANGE ? -E2BIG : -errno;
}

/* Quiet modules are white. */
static bool is_black(const QRcode *code, int x, int y)
{
	x -= QUIET;
	y -= QUIET;
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       code->data[y * code->width + x] & 1;
}

int doppel_wg_qr_terminal(const char *content, struct buf *out)
{
	static const char *const blocks[] = { " ", "\u2584", "\u2580", "\u2588" };
	QRcode auto_code *code = NULL;
	int err = encode(content, &code);
	int x, y;

	if (err)
		return err;
	for (y = 0; y < code->width + 2 * QUIET; y += 2) {
		doppel_buf_printf(out, BLACK_ON_WHITE);
		for (x = 0; x < code->width + 2 * QUIET; x++)
			doppel_buf_printf(out, "%s", blocks[is_black(code, x, y) * 2 +
							    is_black(code, x, y + 1)]);
		doppel_buf_printf(out, NORMAL "\n");
	}
	return out->failed ? -ENOMEM : 0;
}

static void add_u32(struct buf *out, uint32_t value)
{
	const uint32_t big_endian = htonl(value);

	doppel_buf_add(out, &big_endian, sizeof(big_endian));
}

/* ISO/IEC 15948 annex D */
static uint32_t crc(const void *data, size_t len)
{
	const uint8_t *byte = data;
	uint32_t sum = ~0U;
	int bit;

	for (; len; len--) {
		sum ^= *byte++;
		for (bit = 0; bit < 8; bit++)
			sum = sum & 1 ? sum >> 1 ^ 0xedb88320 : sum >> 1;
	}
	return ~sum;
}

/* RFC 1950 section 8.2 */
static uint32_t adler32(const struct buf *data)
{
	uint32_t a = 1, b = 0;
	size_t i;

	for (i = 0; i < data->len; i++) {
		a = (a + (uint8_t)data->data[i]) % ADLER;
		b = (b + a) % ADLER;
	}
	return b << 16 | a;
}

static void add_chunk(struct buf *out, const char type[5], const struct buf *data)
{
	struct buf auto_buf typed = { 0 };

	doppel_buf_add(&typed, type, 4);
	doppel_buf_add(&typed, data->data, data->len);
	if (typed.failed) {
		out->failed = true;
		return;
	}
	add_u32(out, (uint32_t)data->len);
	doppel_buf_add(out, typed.data, typed.len);
	add_u32(out, crc(typed.data, typed.len));
}

/* One bit a pixel, 1 for white; each row begins with its filter, none. */
static void draw(const QRcode *code, struct buf *image)
{
	const int side = (code->width + 2 * QUIET) * PIXELS;
	int x, y;

	for (y = 0; y < side; y++) {
		uint8_t bits = 0;

		doppel_buf_add(image, "", 1);
		for (x = 0; x < side; x++) {
			if (!is_black(code, x / PIXELS, y / PIXELS))
				bits |= 0x80 >> x % 8;
			if (x % 8 == 7 || x == side - 1) {
				doppel_buf_add(image, &bits, 1);
				bits = 0;
			}
		}
	}
}

/* A zlib stream (RFC 1950) of stored blocks: a code has few bytes, and no library is needed for them. */
static void store(const struct buf *image, struct buf *stream)
{
	size_t done = 0;

	doppel_buf_add(stream, "\x78\x01", 2);
	while (done < image->len) {
		const size_t left = image->len - done;
		const uint16_t len = left < STORED_MAX ? (uint16_t)left : STORED_MAX;
		const uint8_t head[] = {
			len == left, len & 0xff, len >> 8, ~len & 0xff, (uint8_t)(~len >> 8),
		};

		doppel_buf_add(stream, head, sizeof(head));
		doppel_buf_add(stream, image->data + done, len);
		done += len;
	}
	add_u32(stream, adler32(image));
}

int doppel_wg_qr_png(const char *content, struct buf *out)
{
	struct buf auto_buf head = { 0 }, image = { 0 }, stream = { 0 };
	const struct buf nothing = { 0 };
	QRcode auto_code *code = NULL;
	int err = encode(content, &code);
	uint32_t side;

	if (err)
		return err;
	side = (uint32_t)(code->width + 2 * QUIET) * PIXELS;
	add_u32(&head, side);
	add_u32(&head, side);
	doppel_buf_add(&head, "\x01\0\0\0\0", 5);	/* one bit of grey; deflate; not interlaced */
	draw(code, &image);
	store(&image, &stream);
	doppel_buf_add(out, "\x89PNG\r\n\x1a\n", 8);
	add_chunk(out, "IHDR", &head);
	add_chunk(out, "IDAT", &stream);
	add_chunk(out, "IEND", &nothing);
	return head.failed || image.failed || stream.failed || out->failed ? -ENOMEM : 0;
}
