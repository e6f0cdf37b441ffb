/* SPDX-License-Identifier: GPL-2.0-only */
/* The states of a TCP session (RFC 6146 section 3.5.2, RFC 5382). */
#ifndef _DOPPEL_TCP_H
#define _DOPPEL_TCP_H

#include "packet.h"
#include "session.h"

/* Keeps what the side that sends says of what it is ready to receive. */
void doppel_tcp_note(struct doppel_session *session, const struct doppel_packet *packet,
		     enum doppel_side from);

/* What the segment does to the state. A RST counts only where it lies in the window of the side
 * that it is for: who cannot see the connection cannot end it (RFC 5961 section 3). The caller
 * holds the session's lock.
 */
void doppel_tcp_advance(struct doppel_session *session, const struct doppel_packet *packet,
			enum doppel_side from);

/* Whether the segment begins a connection anew over a session that is closing, but from its other
 * end: then it is no segment of this session. RCU.
 */
bool doppel_tcp_supersedes(const struct doppel_session *session,
			   const struct doppel_packet *packet, enum doppel_side from);

#endif
