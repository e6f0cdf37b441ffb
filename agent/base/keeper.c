// SPDX-License-Identifier: GPL-2.0-only
#include "base/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define DELAY_MIN_S 0.25
#define DELAY_MAX_S 60.0
#define HEALTHY_S 30.0		/* ran that long: the next end is a new story */
#define PATIENCE_S 3		/* with a program that was asked to end */

static void keepers_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGCHLD);
}

/* SIGHUP is ignored until the program has a handler of its own: it would end it before. */
static _Noreturn void run(const char *const *argv)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

/* It is asked to end, then made to. */
static _Noreturn void end_program(pid_t child, const sigset_t *signals)
{
	const struct timespec patience = { .tv_sec = PATIENCE_S };

	kill(child, SIGTERM);
	while (waitpid(child, NULL, WNOHANG) != child)
		if (sigtimedwait(signals, NULL, &patience) < 0)
			kill(child, SIGKILL);
	_exit(0);
}

/*
 * The keeper: ends the program when asked to end, or when the agent is gone; ends itself when the
 * program does, with its status.
 */
static _Noreturn void keep(const struct keeper *keeper, pid_t agent)
{
	sigset_t signals;
	pid_t child;
	int sig, status;

	keepers_signals(&signals);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_NAME, keeper->name);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != agent)
		_exit(0);
	/* The agent's sockets and its locks are none of the program's business. */
	syscall(SYS_close_range, 3, ~0U, 0);

	child = fork();
	if (!child)
		run(keeper->argv);
	if (child < 0)
		_exit(126);
	while (!sigwait(&signals, &sig)) {
		if (sig == SIGTERM)
			end_program(child, &signals);
		else if (sig == SIGHUP)
			kill(child, SIGHUP);
		else if (waitpid(child, &status, WNOHANG) == child)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 126);
	}
	_exit(126);
}

/*
 * The keeper is born with its signals blocked: what is asked of it at once must wait for its sigwait(),
 * and not run a handler that it has from the agent.
 */
static pid_t fork_keeper(const struct keeper *keeper)
{
	const pid_t agent = getpid();
	sigset_t signals, before;
	pid_t pid;

	keepers_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid = fork();
	if (!pid)
		keep(keeper, agent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void retry_later(struct keeper *keeper)
{
	ev_timer_set(&keeper->restart, keeper->delay_s, 0);
	ev_timer_start(keeper->loop, &keeper->restart);
	keeper->delay_s = keeper->delay_s * 2 < DELAY_MAX_S ? keeper->delay_s * 2 : DELAY_MAX_S;
}

static void launch(struct keeper *keeper)
{
	int err = keeper->prepare(keeper);
	pid_t pid = -1;

	keeper->ending = false;
	keeper->started = ev_now(keeper->loop);
	if (!err) {
		pid = fork_keeper(keeper);
		err = pid < 0 ? -errno : 0;
	}
	if (err) {
		doppel_log(LOG_ERR, "%s: cannot start %s: %s", keeper->subject, keeper->argv[0],
			   strerror(-err));
		retry_later(keeper);
		return;
	}
	keeper->pid = pid;
	ev_child_set(&keeper->child, pid, 0);
	ev_child_start(keeper->loop, &keeper->child);
	doppel_log(LOG_INFO, "%s: %s runs", keeper->subject, keeper->argv[0]);
}

static void on_end(struct ev_loop *loop, ev_child *child, int events)
{
	struct keeper *keeper = child->data;
	int status = WIFEXITED(child->rstatus) ? WEXITSTATUS(child->rstatus) : -1;

	(void)events;
	ev_child_stop(loop, child);
	keeper->pid = 0;
	if (!keeper->wanted)
		return;
	if (keeper->ending) {
		launch(keeper);
		return;
	}
	if (ev_now(loop) - keeper->started > HEALTHY_S)
		keeper->delay_s = DELAY_MIN_S;
	doppel_log(LOG_ERR, "%s: %s ended (%s %d); again in %g s", keeper->subject, keeper->argv[0],
		   status == 127 ? "is it installed? status" : "status", status, keeper->delay_s);
	retry_later(keeper);
}

static void on_restart(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	launch(timer->data);
}

void doppel_keeper_init(struct keeper *keeper, struct ev_loop *loop, const char *name)
{
	*keeper = (struct keeper){ .loop = loop };
	snprintf(keeper->name, sizeof(keeper->name), "%s", name);
	ev_init(&keeper->child, on_end);
	keeper->child.data = keeper;
	ev_init(&keeper->restart, on_restart);
	keeper->restart.data = keeper;
}

void doppel_keeper_start(struct keeper *keeper)
{
	doppel_keeper_stop(keeper);
	keeper->wanted = true;
	keeper->delay_s = DELAY_MIN_S;
	if (!keeper->pid)
		launch(keeper);
}

void doppel_keeper_reread(const struct keeper *keeper)
{
	if (keeper->pid)
		kill(keeper->pid, SIGHUP);
}

void doppel_keeper_stop(struct keeper *keeper)
{
	keeper->wanted = false;
	ev_timer_stop(keeper->loop, &keeper->restart);
	if (!keeper->pid)
		return;
	keeper->ending = true;
	kill(keeper->pid, SIGTERM);
}

void doppel_keeper_close(struct keeper *keeper)
{
	doppel_keeper_stop(keeper);
	if (!keeper->pid)
		return;
	ev_child_stop(keeper->loop, &keeper->child);
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	keeper->pid = 0;
}
