// SPDX-License-Identifier: GPL-2.0-only
#include <linux/in.h>
#include <net/tcp.h>

#include "tcp.h"

static enum doppel_side initiator_of(const struct doppel_session *session)
{
	return session->outbound ? DOPPEL_SIDE_DEVICE : DOPPEL_SIDE_PEER;
}

/* In the place of a scale, which is 14 at most: the SYN had none. */
#define NO_SCALE 0xf

/* Scales count where both SYNs have one (RFC 7323 section 2.2). */
static u8 scale_of(const struct doppel_session *session, enum doppel_side side)
{
	u8 device = session->scale & 0xf, peer = session->scale >> 4;

	if (device == NO_SCALE || peer == NO_SCALE)
		return 0;
	return side == DOPPEL_SIDE_DEVICE ? device : peer;
}

static void set_scale(struct doppel_session *session, const struct doppel_packet *packet,
		      enum doppel_side side)
{
	u8 scale = packet->has_scale ? packet->scale : NO_SCALE;

	if (side == DOPPEL_SIDE_DEVICE)
		session->scale = (session->scale & 0xf0) | scale;
	else
		session->scale = (session->scale & 0xf) | scale << 4;
}

void doppel_tcp_note(struct doppel_session *session, const struct doppel_packet *packet,
		     enum doppel_side from)
{
	u32 window = packet->window;

	if (!packet->ack)
		return;

	/* The window of a SYN is not scaled (RFC 7323 section 2.2). */
	if (!packet->syn)
		window <<= scale_of(session, from);
	if (READ_ONCE(session->ack[from]) != packet->ack_seq)
		WRITE_ONCE(session->ack[from], packet->ack_seq);
	if (READ_ONCE(session->window[from]) != window)
		WRITE_ONCE(session->window[from], window);
}

static bool in_window(const struct doppel_session *session, const struct doppel_packet *packet,
		      enum doppel_side from)
{
	enum doppel_side to = !from;
	u32 offset = packet->seq - READ_ONCE(session->ack[to]);

	return offset <= READ_ONCE(session->window[to]);
}

bool doppel_tcp_supersedes(const struct doppel_session *session,
			   const struct doppel_packet *packet, enum doppel_side from)
{
	return packet->syn && !packet->ack && from != initiator_of(session) &&
	       doppel_tcp_is_over(session);
}

/* RFC 6146 section 3.5.2.2, TRANS: what follows a RST may take it back. One that answers a SYN
 * changes nothing: the session has seconds to live anyway.
 */
static u8 after_rst(struct doppel_session *session, const struct doppel_packet *packet,
		    enum doppel_side from)
{
	if (doppel_session_opening(session->state) || !in_window(session, packet, from))
		return session->state;

	session->fin = 0;
	return DOPPEL_SESSION_STATE_CLOSING;
}

static u8 after_syn(struct doppel_session *session, const struct doppel_packet *packet,
		    enum doppel_side from)
{
	/* Nobody changes the scale of a connection that is there. */
	if (doppel_session_opening(session->state))
		set_scale(session, packet, from);
	if (from == initiator_of(session)) {
		if (packet->ack || !doppel_tcp_is_over(session))
			return session->state;
		set_scale(session, packet, from);
		/* The same ports again: a new connection. */
		session->fin = 0;
		return DOPPEL_SESSION_STATE_SYN_SENT;
	}
	/* The answer, or both began at once (RFC 9293 section 3.5). */
	return session->state == DOPPEL_SESSION_STATE_SYN_SENT ?
		       DOPPEL_SESSION_STATE_SYN_RECEIVED : session->state;
}

static u8 after_fin(struct doppel_session *session, const struct doppel_packet *packet,
		    enum doppel_side from)
{
	if (session->state == DOPPEL_SESSION_STATE_SYN_SENT)
		return session->state;
	if (!doppel_session_opening(session->state) && !in_window(session, packet, from))
		return session->state;

	session->fin |= BIT(from);
	return DOPPEL_SESSION_STATE_CLOSING;
}

static u8 after_data(const struct doppel_session *session, enum doppel_side from)
{
	switch (session->state) {
	case DOPPEL_SESSION_STATE_SYN_RECEIVED:
		return from == initiator_of(session) ? DOPPEL_SESSION_STATE_ESTABLISHED :
						       session->state;
	case DOPPEL_SESSION_STATE_CLOSING:
		return session->fin ? session->state : DOPPEL_SESSION_STATE_ESTABLISHED;
	default:
		return session->state;
	}
}

void doppel_tcp_advance(struct doppel_session *session, const struct doppel_packet *packet,
			enum doppel_side from)
{
	u8 state;

	if (packet->rst)
		state = after_rst(session, packet, from);
	else if (packet->syn)
		state = after_syn(session, packet, from);
	else if (packet->fin)
		state = after_fin(session, packet, from);
	else
		state = after_data(session, from);

	WRITE_ONCE(session->state, state);
}
