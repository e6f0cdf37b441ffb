// SPDX-License-Identifier: GPL-2.0-only
/* Programs that are run to their end. */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "kernel/command.h"
#include "tap.h"

struct said {
	struct buf output, complaint;
};

static int run(const char *script, int limit_ms, struct said *said)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct buf input = { .data = "hello", .len = 5 };

	*said = (struct said){};
	return doppel_command(argv, limit_ms, &input, &said->output, &said->complaint);
}

static void is_said(struct said *said, const char *output, const char *complaint)
{
	is_str(said->output.data ? said->output.data : "", output, "… what it says");
	is_str(said->complaint.data ? said->complaint.data : "", complaint, "… and complains");
	doppel_buf_free(&said->output);
	doppel_buf_free(&said->complaint);
}

static void ignore(int signal)
{
	(void)signal;
}

static void test_limit(void)
{
	const struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = {};
	const struct sigaction action = { .sa_handler = ignore };
	struct timespec began, ended;
	struct said said;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	clock_gettime(CLOCK_MONOTONIC, &began);
	is_int(run("echo begun; exec sleep 20", 300, &said), -ETIMEDOUT, "one that does not end");
	clock_gettime(CLOCK_MONOTONIC, &ended);
	is_said(&said, "begun\n", "");
	ok(ended.tv_sec - began.tv_sec < 10, "… is killed, whatever signals come");
	is_int(run("sleep 0.1; cat", 10000, &said), 0, "one that ends in time is waited for");
	setitimer(ITIMER_REAL, &never, NULL);
	is_said(&said, "hello", "");
}

int main(void)
{
	const char *const nowhere[] = { "doppel-no-such-program", NULL };
	struct said said = {};

	is_int(run("cat; echo no >&2", 10000, &said), 0, "a program");
	is_said(&said, "hello", "no\n");
	is_int(run("exit 4", 10000, &said), -EIO, "one that fails");
	is_said(&said, "", "");
	is_int(doppel_command(nowhere, 10000, NULL, &said.output, &said.complaint), -ENOENT, "one that is not there");
	is_said(&said, "", "");
	test_limit();
	return done_testing();
}
