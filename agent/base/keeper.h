/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program as a supervised child: started again when it ends, ended when the agent does.
 *
 * Between the agent and the program stands a keeper, a fork of the agent that does nothing but wait:
 * it dies with the agent, however that ends, and takes the program with it. (A program that drops its
 * privileges, as dnsmasq does, would lose its parent-death signal by that.)
 */
#ifndef DOPPEL_BASE_KEEPER_H
#define DOPPEL_BASE_KEEPER_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

struct keeper {
	/* The owner's, set before the first start: */
	const char *subject;		/* begins what the log says of it */
	const char *const *argv;	/* ends with NULL */
	/* Called before each start, writes what the program reads: 0 or a negative errno. */
	int (*prepare)(struct keeper *keeper);

	struct ev_loop *loop;
	char name[16];
	bool wanted;
	bool ending;			/* was asked to end */
	pid_t pid;			/* the keeper process, 0: none */
	ev_child child;
	ev_timer restart;
	double delay_s;			/* before the next start; doubles */
	ev_tstamp started;
};

/* The default loop, which hears of children; and the process's name, of at most 15 characters. */
void doppel_keeper_init(struct keeper *keeper, struct ev_loop *loop, const char *name);

/* Start it, at once; end it before, if it runs. Nobody waits here: what fails is logged and retried. */
void doppel_keeper_start(struct keeper *keeper);

/* SIGHUP to the program, if it runs. */
void doppel_keeper_reread(const struct keeper *keeper);

/* End it. It may run for a moment longer. */
void doppel_keeper_stop(struct keeper *keeper);

/* End it and wait until it is gone, with all that it held. */
void doppel_keeper_close(struct keeper *keeper);

/* Whether the process is there. */
static inline bool doppel_keeper_running(const struct keeper *keeper)
{
	return keeper->pid > 0;
}

#endif
