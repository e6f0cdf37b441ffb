/* SPDX-License-Identifier: GPL-2.0-only */
/* The states of a TCP session (RFC 6146 section 3.5.2, RFC 5382). */
#ifndef _DOPPEL_TCP_H
#define _DOPPEL_TCP_H

#include "packet.h"
#include "session.h"

/* Keeps what the side that sends says of what it is ready to receive. */
void doppel_tcp_note(struct doppel_session *session, const struct doppel_packet *packet,
		     enum doppel_side from);

/* What the segment does to the state. A RST or a FIN counts only where it lies in the window of the side
 * that it is for: who cannot see the connection cannot end it (RFC 5961 section 3). The caller
 * holds the session's lock.
 */
void doppel_tcp_advance(struct doppel_session *session, const struct doppel_packet *packet,
			enum doppel_side from);

/* Whether both ends have closed it, or a RST has. */
static inline bool doppel_tcp_is_over(const struct doppel_session *session)
{
	return READ_ONCE(session->state) == DOPPEL_SESSION_STATE_CLOSING &&
	       hweight8(READ_ONCE(session->fin)) != 1;
}

/* Whether the segment begins a connection anew over a session that is over, but from its other
 * end: then it is no segment of this session, which ends when another takes its place. RCU.
 */
bool doppel_tcp_supersedes(const struct doppel_session *session,
			   const struct doppel_packet *packet, enum doppel_side from);

#endif
