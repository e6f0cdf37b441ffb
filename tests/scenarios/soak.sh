#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# An hour of a busy site in a minute, or in the five of `make soak`: devices, forwards, addresses,
# mappings and ports come and go under traffic. Memory after it is memory before it.

: "${TB_SECONDS:=60}"
: "${TB_LIMIT:=$((TB_SECONDS + 440))}"
# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

readonly BOUND=2048			# KiB of all slabs that may be anybody's

slab_of() { awk -v name="$1" '$1 == name { print $2; found = 1 } END { if (!found) print "no such cache" }' /proc/slabinfo; }
slabs() { awk '$1 == "Slab:" { print $2 }' /proc/meminfo; }

# settled: nothing that ended waits for its grace period
settled()
{
	local cache

	steer session-flush >/dev/null
	sleep 3
	echo 3 >/proc/sys/vm/drop_caches
	# What was freed and KASAN keeps for a while
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done
}

flap()
{
	local i

	for ((i = 0; i < TB_SECONDS / 10; i++)); do
		sleep 9
		ip -n gw link set "$1" down
		sleep 0.3
		ip -n gw link set "$1" up
	done
}

# for_seconds N: everything at once
for_seconds()
{
	(room_open && room churn "$1" >"$tb/churn") &
	local churning=$!
	room busy "$1"
	wait $churning
}

datapath_up 1 2
for n in 1 2; do
	forward $n tcp:7003 udp:7003
done
# Caches, hash tables and neighbours grow to their size.
for_seconds 10 >/dev/null
settled
before=$(slabs)
note "slabs before: $before KiB"

flap wan0 &
flapping=$!
flap lan0 &
came=$(for_seconds "$TB_SECONDS")
wait $flapping
note "came through meanwhile: $came"
is "nothing was refused that should not have been" "$(cat "$tb/churn")" ok
gateway_set timeouts.udp=300 timeouts.tcp-syn=6 filter=off >/dev/null
for way in '4to4 in' '6to4 in' '4to4 out' '4to4 udp' '6to4 udp'; do
	check "traffic came through, $way" test "$(jq -r --arg way "$way" '.[$way] | split(" ")[0]' <<<"$came")" -gt 3
done
check "it is as it was: dev1 is reached by both families" within 10 reached 1
check "  dev2, too" within 5 reached 2
check "  and they reach out" outward tcp 2 100000

settled
is "no session is left" "$(sessions)" 0
is "  nor its memory" "$(slab_of doppel_session)" 0
after=$(slabs)
note "slabs after: $after KiB"
check "all slabs together have not grown" test $((after - before)) -le $BOUND
is "only the devices with hosts are left" "$(steer gateway-get | jq .devices)" 2
datapath_done
