// SPDX-License-Identifier: GPL-2.0-only
/* QR codes, read again by a decoder of somebody else's: zbarimg. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "tap.h"
#include "wireguard/qr.h"

#define LONGEST 2953
#define PIXELS 4

static const char file[] =
	"# Written by doppel: network office, peer phone\n"
	"[Interface]\n"
	"PrivateKey = CAAAAAoAAAALAAAADAAAAA0AAAAOAAAADwAAABAAAEA=\n"
	"Address = 10.10.0.2/32, fd00:10::2/128\n"
	"DNS = 10.10.0.1, fd00:10::1, office.internal\n"
	"\n"
	"[Peer]\n"
	"# hub\n"
	"PublicKey = XU/DlmC+tASQLN26acG/XM7gkBLRLVq5LCpBKL2IzAw=\n"
	"Endpoint = vpn.example.net:51820\n"
	"AllowedIPs = 10.10.0.0/24, fd00:10::/64, 192.168.1.0/24\n"
	"PersistentKeepalive = 25\n";

/* What zbarimg reads in the picture; its own line end is not part of it. */
static void decode(const struct buf *picture, struct buf *text)
{
	char path[] = "/tmp/doppel-qr-XXXXXX", command[128], part[4096];
	int fd = mkstemp(path);
	size_t len;
	FILE *out;

	if (fd < 0 || write(fd, picture->data, picture->len) != (ssize_t)picture->len)
		abort();
	close(fd);
	snprintf(command, sizeof(command), "zbarimg --nodbus --quiet --raw %s", path);
	out = popen(command, "r");
	while (out && (len = fread(part, 1, sizeof(part), out)))
		doppel_buf_add(text, part, len);
	is_int(out ? pclose(out) : -1, 0, "zbarimg finds a code");
	unlink(path);
	if (text->len)
		text->data[--text->len] = '\0';
}

/* A line of the screen as two rows of pixels; what follows it. All of it must be black on white. */
static const char *expose(const char *at, struct buf *upper, struct buf *lower)
{
	static const char *const blocks[] = { " ", "▄", "▀", "█" };
	bool coloured = false;

	while (*at != '\n') {
		unsigned int cell = 0, i;

		if (*at == '\033') {
			coloured = !strncmp(at, "\033[30;107m", 9);
			at = strchr(at, 'm') + 1;
			continue;
		}
		while (cell < 4 && strncmp(at, blocks[cell], strlen(blocks[cell])))
			cell++;
		if (!coloured || cell == 4)
			abort();
		at += strlen(blocks[cell]);
		for (i = 0; i < PIXELS; i++) {
			doppel_buf_printf(upper, "%u", cell >> 1);
			doppel_buf_printf(lower, "%u", cell & 1);
		}
	}
	return at + 1;
}

/* The terminal as a picture (PBM): each cell is two modules, one above the other. */
static void photograph(const struct buf *screen, struct buf *picture)
{
	struct buf auto_buf pixels = { 0 };
	const char *at = screen->data;
	size_t width = 0, height = 0;
	int i;

	while (*at) {
		struct buf auto_buf upper = { 0 }, lower = { 0 };

		at = expose(at, &upper, &lower);
		for (i = 0; i < 2 * PIXELS; i++)
			doppel_buf_printf(&pixels, "%s\n", (i < PIXELS ? &upper : &lower)->data);
		width = upper.len;
		height += 2 * PIXELS;
	}
	doppel_buf_printf(picture, "P1\n%zu %zu\n", width, height);
	doppel_buf_add(picture, pixels.data, pixels.len);
}

static void test_png(const char *content, const char *name)
{
	struct buf auto_buf png = { 0 }, text = { 0 };

	is_int(doppel_wg_qr_png(content, &png), 0, "%s as PNG", name);
	decode(&png, &text);
	is_str(text.data, content, "… says what went in");
}

static void test_terminal(void)
{
	struct buf auto_buf screen = { 0 }, picture = { 0 }, text = { 0 };

	is_int(doppel_wg_qr_terminal(file, &screen), 0, "a peer's file for a terminal");
	photograph(&screen, &picture);
	decode(&picture, &text);
	is_str(text.data, file, "… says what went in");
}

int main(void)
{
	char longest[LONGEST + 2] = "";
	struct buf auto_buf out = { 0 };

	test_png(file, "a peer's file");
	test_terminal();
	memset(longest, 'x', LONGEST);
	test_png(longest, "the longest text");
	longest[LONGEST] = 'x';
	is_int(doppel_wg_qr_png(longest, &out), -E2BIG, "a longer one is no code");
	is_int(doppel_wg_qr_terminal("", &out), -EINVAL, "nor is none");
	is_int(out.len, 0, "… and half a code is none");
	return done_testing();
}
