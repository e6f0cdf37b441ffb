// SPDX-License-Identifier: GPL-2.0-only
/* One netlink request and all that the kernel answers to it. */
#include "kernel/exchange.h"

#include <errno.h>

#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>

#define ANSWER_MAX 32768

int doppel_from_nl(int err)
{
	switch (-err) {
	case 0:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
		return -EPERM;
	default:
		return -EPROTO;
	}
}

/* The text that the kernel sends along with a refusal. */
static void take_message(struct reply *reply, const struct nlmsgerr *error)
{
	const struct nlmsghdr *header =
		(const struct nlmsghdr *)((const char *)error - NLMSG_HDRLEN);
	size_t skip = sizeof(*error);
	struct nlattr *text;

	if (!reply->message.text || !(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if (header->nlmsg_len < NLMSG_HDRLEN + skip)
		return;
	text = nla_find((struct nlattr *)((char *)error + NLMSG_ALIGN(skip)),
			(int)(header->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(skip)),
			NLMSGERR_ATTR_MSG);
	if (text)
		nla_strlcpy(reply->message.text, text, reply->message.size);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *ctx)
{
	struct reply *reply = ctx;

	(void)from;
	take_message(reply, error);
	reply->err = error->error;
	reply->finished = true;
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *ctx)
{
	struct reply *reply = ctx;

	if (reply->parse && !reply->err)
		reply->err = reply->parse(nlmsg_hdr(msg), reply->ctx);
	return NL_OK;
}

static int on_finish(struct nl_msg *msg, void *ctx)
{
	struct reply *reply = ctx;

	(void)msg;
	reply->finished = true;
	return NL_STOP;
}

static int on_interrupted(struct nl_msg *msg, void *ctx)
{
	struct reply *reply = ctx;

	(void)msg;
	reply->interrupted = true;
	return NL_OK;
}

/* The kernel fills no more than 32 KiB of a dump at a time: no need to look first how long it is. */
void doppel_exchange_prepare(struct nl_sock *sock)
{
	nl_socket_set_msg_buf_size(sock, ANSWER_MAX);
	nl_socket_disable_msg_peek(sock);
}

int doppel_exchange(struct nl_sock *sock, struct nl_msg *msg, struct reply *reply)
{
	struct nl_cb auto_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!cb)
		return -ENOMEM;
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, reply);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, reply);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_finish, reply);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, reply);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, reply);

	err = nl_send_auto(sock, msg);
	while (err >= 0 && !reply->finished)
		err = nl_recvmsgs(sock, cb);
	return err < 0 && !reply->err ? doppel_from_nl(err) : reply->err;
}
