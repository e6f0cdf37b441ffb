// SPDX-License-Identifier: GPL-2.0-only
#include "api/token.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

#define TOKEN_BYTES 32
#define TOKEN_TEXT_MIN 8
#define TOKEN_TEXT_MAX 512

static int fail(struct doppel_error *error, const char *path, const char *what, int err)
{
	doppel_error_add(error, "%s: %s", path, what);
	return err;
}

static int make(const char *path)
{
	unsigned char bytes[TOKEN_BYTES];
	char text[2 * TOKEN_BYTES + 1];
	auto_close int fd = -1;
	int err = doppel_make_parent(path);

	if (err)
		return err;
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
	text[sizeof(text) - 1] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	return write(fd, text, sizeof(text)) == (ssize_t)sizeof(text) ? 0 : -EIO;
}

int doppel_token_load(const char *path, char **token, struct doppel_error *error)
{
	char text[TOKEN_TEXT_MAX + 1];
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t len;
	int err;

	if (fd < 0 && errno == ENOENT) {
		err = make(path);
		if (err)
			return fail(error, path, strerror(-err), err);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st))
		return fail(error, path, strerror(errno), -errno);
	if (st.st_mode & 077)
		return fail(error, path, "others may read the token; chmod 600 it", -EPERM);
	len = read(fd, text, sizeof(text) - 1);
	if (len < 0)
		return fail(error, path, strerror(errno), -errno);
	text[len] = '\0';
	text[strcspn(text, " \t\r\n")] = '\0';
	if (strlen(text) < TOKEN_TEXT_MIN)
		return fail(error, path, "the token is shorter than 8 characters; remove the file to get a new one",
			    -EINVAL);
	*token = strdup(text);
	return *token ? 0 : -ENOMEM;
}
