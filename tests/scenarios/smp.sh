#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: 6.12
#
# Two CPUs: parallel flows of both families while everything that an agent may change changes, and the
# gateway itself goes and comes.

: "${TB_SECONDS:=60}"
# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

# stream NAME FROM ADDRESS: by iperf3 for as long as it takes, whatever breaks
stream()
{
	# shellcheck disable=SC2016 # for the inner shell
	spawn "$1" "$2" bash -c 'while :; do iperf3 "$@"; sleep 0.3; done' stream -c "$3" -t 10 "${@:4}"
}

datapath_up 1 2
check "there are two CPUs" test "$(nproc)" -ge 2
# Each port's packets on both CPUs, as on a box with one queue
# shellcheck disable=SC2016 # for the inner shell
check "packets are steered to both" in_ns gw sh -ec 'for cpus in /sys/class/net/[lw]an0/queues/rx-*/rps_cpus; do echo 3 >$cpus; done'
for n in 1 2; do
	forward $n tcp:5201 udp:5201 tcp:7003 udp:7003
	spawn "iperf$n" "dev$n" iperf3 -s
done
spawn iperf-client client iperf3 -s
stream in4 client "$(wan4 1)" -P 4
stream in6 client "$(wan6 2)" -P 4 --bidir
stream out dev1 $CLIENT4 -P 2

(room_open && room churn "$TB_SECONDS" >"$tb/churn") &
churning=$!
came=$(room busy "$TB_SECONDS")
wait $churning
note "came through meanwhile: $came"
is "nothing was refused that should not have been" "$(cat "$tb/churn")" ok
for i in 1 2 3; do
	check "the gateway goes under traffic, $i" gateway_away
	check "  and comes back" gateway_of 1 2
	ip -n gw link set wan0 up
	sleep 2
done
gateway_set timeouts.udp=300 timeouts.tcp-syn=6 filter=off >/dev/null
check "dev1 is reached by both families" within 10 reached 1
check "  dev2, too" within 10 reached 2
check "  and they reach out" outward tcp 2 100000
datapath_done
