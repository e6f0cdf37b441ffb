#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# TCP sessions by RFC 6146 and RFC 5382: what begins one, establishes it, ends it, and what does not;
# timeouts as they are set; nothing of a session outlives what it stood on.

# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

datapath_up 1
stage client
stage dev1
forward 1 tcp:60001
check "timeouts are settable" gateway_set timeouts.tcp-syn=3 timeouts.tcp-closing=4 timeouts.tcp-established=60
raw tcp_state.py

# Timeouts of the others
forward 1 udp:7000
gateway_set timeouts.udp=2 timeouts.icmp=2 >/dev/null
room steer session-flush >/dev/null
check "UDP has a session" inward udp 1 100
is "  one" "$(sessions '.protocol == 17')" 1
check "  which ends in time" within 3 sessions_at_most 0 '.protocol == 17'
check "ICMP echo, too" ping_from client "$(wan6 1)"
is "  has one" "$(sessions '.protocol == 1')" 1
check "  which ends in time" within 3 sessions_at_most 0 '.protocol == 1'

datapath_done
