#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Too much of everything: what is too much is refused and counted, what was there goes on, what is
# honest and new still gets in, and nothing is left of it.

# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

flood() { ROOM=$ROOM_PORT timeout 120 /usr/bin/python3 "$tb_lib/floods.py" "$@"; }

# goes_on NAME: flows that were there
goes_on() { check "$1" good flows 10; }

# meanwhile NAME COMMAND…: runs, and the flows go on while it does
meanwhile()
{
	local name=$1 runs
	shift

	"$@" >"$tb/meanwhile" 2>&1 &
	runs=$!
	sleep 0.5
	goes_on "$name"
	wait $runs
}

datapath_up 1 2
stage client
stage dev1
stage dev2
forward 1 tcp:60001
room flow in4 tcp client dev1 "$(wan4 1)" 7000 7000 >/dev/null
room flow in6 tcp client dev1 "$(wan6 1)" 7001 7000 >/dev/null
room flow out udp dev2 far $FAR4 7003 7003 >/dev/null
goes_on "flows go"

# --- one device wants all
gateway_set max-sessions=1000 max-device-sessions=300 >/dev/null
listen 12
before=$(dropped device-sessions-full)
came=$(flood answered 1 20000 400)
check "a greedy device gets its share and no more" test "$came" -ge 290 -a "$came" -le 300
check "  what it wanted beyond is counted" test $(($(dropped device-sessions-full) - before)) -ge 100
check "  and it has so many" test "$(sessions)" -le 304
check "others begin new ones" outward tcp 2 1000
goes_on "what was there goes on"
wait $listener
check "somebody is told" told '.name == "table-full-ntf" and .msg.table == "device-sessions"'

# --- the table is full of sessions that are alive
gateway_set max-sessions=320 max-device-sessions=320 >/dev/null
before=$(dropped sessions-full)
flood answered 2 20000 100 >/dev/null
check "a full table refuses and counts" test $(($(dropped sessions-full) - before)) -ge 50
check "  and has no more than it may" test "$(sessions)" -le 320
goes_on "  what was there goes on"
room steer session-flush >/dev/null
for flow in in4 in6 out; do
	room flow_end $flow >/dev/null
done
check "when it is empty again, it works again" inward tcp 2 1000

# --- a SYN flood: half-open sessions go first
gateway_set max-sessions=600 max-device-sessions=600 >/dev/null
room flow in4 tcp client dev1 "$(wan4 1)" 7000 7000 >/dev/null
room flow in6 tcp client dev1 "$(wan6 1)" 7001 7000 >/dev/null
room flow out udp dev2 far $FAR4 7003 7003 >/dev/null
before=$(total evicted)
meanwhile "under a SYN flood what was there goes on" flood syn 1 60001 2000
flood syn 1 60001 1500 &
flooding=$!
check "  an honest client gets in" inward tcp 1 1000
check "  by IPv6" inward6 tcp 2 1000
check "  and a device out" outward tcp 1 1000
wait $flooding
check "  half-open sessions made room" test "$(total evicted)" -gt $((before + 1000))
note "$(sessions) sessions, $(total evicted) evicted"
check "  and end in their time" within 12 sessions_at_most 20
goes_on "  what was there goes on"

# --- ARP, ND, and a device that scans the link
meanwhile "under a flood of ARP, too" flood arp 2000
meanwhile "under a flood of ND" flood nd 2000
meanwhile "under a scan of the link" flood scan 2 2000
check "  the neighbour tables stay bounded" test "$(in_ns gw ip neigh show dev wan0 | wc -l)" -le 1024
check "  a neighbour that is new is found" within 10 outward tcp 2 1000
room steer session-flush "mac=$(mac_of 2)" >/dev/null
room flow_end out >/dev/null

# --- memory that is not there: sessions, packets and what is behind them; not what debugging needs
readonly FAILSLAB=/sys/kernel/debug/failslab
fail() { for setting; do echo "${setting#*=}" >"$FAILSLAB/${setting%=*}"; done; }
for cache in doppel_session skbuff_head_cache skbuff_small_head kmalloc-512 kmalloc-1k kmalloc-2k; do
	echo 1 >"/sys/kernel/slab/$cache/failslab"
done
before=$(dropped no-memory)
fail cache-filter=Y verbose=0 task-filter=N ignore-gfp-wait=Y interval=1 times=3000 probability=20
for i in 1 2 3; do
	room tcp client dev1 "$(wan4 1)" 7000 7000 20000 >/dev/null
	for way in "client dev1 $(wan4 1)" "client dev1 $(wan6 1)" "dev1 client $CLIENT4"; do
		room udp "$way" 7000 7000 5000 >/dev/null
		room gso "$way" 7000 7000 1000 20 5 >/dev/null
	done
done
fail probability=0
note "$(($(dropped no-memory) - before)) packets dropped for want of memory"
check "when one in five allocations failed, refusals were counted" test "$(dropped no-memory)" -gt "$before"
check "  when none does any more, everything works" within 5 inward tcp 1 100000
check "  both families" inward6 tcp 1 100000

datapath_done
