// SPDX-License-Identifier: GPL-2.0-only
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FILE_MAX (16u << 20)	/* the agent takes no longer body */

static int read_all(int fd, struct buf *text)
{
	char block[16384];
	ssize_t len;

	while ((len = read(fd, block, sizeof(block))) > 0) {
		if (text->len + (size_t)len > FILE_MAX)
			return -EFBIG;
		if (doppel_buf_add(text, block, (size_t)len))
			return -ENOMEM;
	}
	return len < 0 ? -errno : doppel_buf_add(text, "", 0);
}

bool doppel_cli_read_file(const struct cli *cli, const char *path, struct buf *text)
{
	auto_close int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) :
						dup(STDIN_FILENO);
	int err = fd < 0 ? -errno : read_all(fd, text);

	if (err)
		doppel_cli_error(cli, "%s: cannot be read: %s", path, strerror(-err));
	return !err;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t written = write(fd, data, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		data += written;
		len -= (size_t)written;
	}
	/* A pipe or a terminal has nothing to be synced. */
	return fsync(fd) && errno != EINVAL && errno != EROFS ? -errno : 0;
}

/* A device, a pipe, a link to one as /dev/stdout is */
static bool is_special(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && !S_ISREG(st.st_mode);
}

static int write_there(const char *path, const void *data, size_t len)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : write_all(fd, data, len);
}

int doppel_cli_write_file(const char *path, const void *data, size_t len)
{
	auto_free char *fresh = NULL;
	int fd, err;

	if (is_special(path))
		return write_there(path, data, len);
	if (asprintf(&fresh, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(fresh, O_CLOEXEC);	/* mode 0600 */
	if (fd < 0)
		return -errno;
	err = write_all(fd, data, len);
	close(fd);
	if (!err && rename(fresh, path))
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}
