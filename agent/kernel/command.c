// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Files in memory instead of pipes: neither side ever waits for the other. */
static int file_of(const struct buf *content)
{
	int fd = memfd_create("doppel-command", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && content && done < content->len) {
		const ssize_t len = write(fd, content->data + done, content->len - done);

		if (len < 0) {
			close(fd);
			return -1;
		}
		done += (size_t)len;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static int take(int fd, struct buf *content)
{
	char part[4096];
	ssize_t len;

	lseek(fd, 0, SEEK_SET);
	while ((len = read(fd, part, sizeof(part))) > 0)
		doppel_buf_add(content, part, (size_t)len);
	if (len < 0)
		return -errno;
	return content->failed ? -ENOMEM : 0;
}

/* Until it has ended; -ETIMEDOUT. */
static int await_end(pid_t pid, int limit_ms)
{
	const int64_t deadline = doppel_clock_mono_ms(&doppel_clock) + limit_ms;
	int auto_close fd = pidfd_open(pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };
	int64_t left = limit_ms;
	int ready;

	if (fd < 0)
		return -errno;
	do {
		ready = poll(&end, 1, (int)left);
		left = deadline - doppel_clock_mono_ms(&doppel_clock);
	} while (ready < 0 && errno == EINTR && left > 0);
	return ready > 0 ? 0 : -ETIMEDOUT;
}

/* Its status, or a negative errno. */
static int run(const char *const argv[], int limit_ms, const int fds[3])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int err, i, status;

	posix_spawn_file_actions_init(&actions);
	for (i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	err = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		return -err;
	err = await_end(pid, limit_ms);
	if (err)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (err)
		return err;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int doppel_command(const char *const argv[], int limit_ms, const struct buf *input,
		   struct buf *output, struct buf *complaint)
{
	int auto_close in = file_of(input);
	int auto_close out = file_of(NULL);
	int auto_close err = file_of(NULL);
	const int fds[3] = { in, out, err };
	int status, taken = 0;

	if (in < 0 || out < 0 || err < 0)
		return -errno;
	status = run(argv, limit_ms, fds);
	if (output)
		taken = take(out, output);
	if (!taken)
		taken = take(err, complaint);
	return status ? status : taken;
}
