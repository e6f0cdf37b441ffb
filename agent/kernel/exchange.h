/* SPDX-License-Identifier: GPL-2.0-only */
/* One netlink request and all that the kernel answers to it. */
#ifndef DOPPEL_KERNEL_EXCHANGE_H
#define DOPPEL_KERNEL_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include <netlink/handlers.h>
#include <netlink/msg.h>

/* How often a dump is asked for when the table changes under it each time. */
#define DUMP_ATTEMPTS 5

/* What one exchange brings. The first three are the caller's to set, all of them may be left out. */
struct reply {
	/* For every message, until it returns an error; that becomes the exchange's. */
	int (*parse)(struct nlmsghdr *header, void *ctx);
	void *ctx;
	/* Gets the text that the kernel sends along with a refusal; untouched if there is none. */
	struct {
		char *text;
		size_t size;
	} message;
	int err;			/* what went wrong */
	bool finished;
	bool interrupted;		/* the table changed under a dump */
};

static inline void doppel_free_msg(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}

static inline void doppel_put_cb(struct nl_cb **cb)
{
	nl_cb_put(*cb);
}

#define auto_msg __attribute__((cleanup(doppel_free_msg)))
#define auto_cb __attribute__((cleanup(doppel_put_cb)))

/* A negative errno for an error of libnl, where no kernel errno is at hand; -EPROTO for most. */
int doppel_from_nl(int err);

/* Once, for a socket that requests are made on: its answers take one system call each. */
void doppel_exchange_prepare(struct nl_sock *sock);

/*
 * Send @msg, which stays the caller's, on a blocking socket and read until the acknowledgement or
 * the dump's end. Returns 0 or a negative errno: the kernel's, the parser's or doppel_from_nl()'s.
 */
int doppel_exchange(struct nl_sock *sock, struct nl_msg *msg, struct reply *reply);

#endif
