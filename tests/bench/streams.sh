#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# TCP throughput through the box, both ways, with GRO on its ports: bits in a second of the kernel's
# time, by iperf3.
#
# usage: tests/bench/streams.sh RESULTS
#
# In the directory RESULTS, tcp/PATH.DIRECTION gets a line for each run; DIRECTION: up (from the WAN
# to the device) or down.
set -euo pipefail

# shellcheck source=tests/bench/paths.sh
. "$(dirname "$0")/paths.sh"

results=$1
runs=${BENCH_RUNS:-5}
seconds=${BENCH_SECONDS:-2}
servers=()

server_start() {
	in_ns "dev-$1" iperf3 -s -p "$port" >/dev/null 2>&1 &
	servers+=($!)
}

# Whom the client asks
server() {
	case $1 in
	plain-ipv4) echo "$device4" ;;
	doppel-4to4) echo "$identity4" ;;
	doppel-6to4) echo "$identity6" ;;
	esac
}

# The kernel's own time, in nanoseconds: what else the machine does is not in it, and neither is what
# iperf3 does, on any path.
clock() {
	awk '{ print $3 }' /proc/blast
}

stream() {
	local path=$1 direction=$2 options=() began
	[[ $direction = up ]] || options=(-R)
	began=$(clock)
	in_ns "gen-$path" timeout 60 iperf3 -c "$(server "$path")" -p "$port" -t "$seconds" -J \
		"${options[@]}" >"$results/log"
	jq -e --argjson took $(($(clock) - began)) '.end.sum_received.bytes * 8e9 / $took' "$results/log" \
		>>"$results/tcp/$path.$direction"
}

trap '[[ ${#servers[@]} -eq 0 ]] || kill "${servers[@]}" 2>/dev/null' EXIT
mkdir -p "$results/tcp"
mapfile -t streamed < <(among plain-ipv4 doppel-4to4 doppel-6to4)
for path in "${streamed[@]}"; do
	setup "$path"
	hosts "$path"
	server_start "$path"
done
for ((run = 0; run < runs; run++)); do
	for path in "${streamed[@]}"; do
		for direction in up down; do
			stream "$path" "$direction"
		done
	done
done
kill "${servers[@]}"
servers=()
for path in "${streamed[@]}"; do
	teardown "$path"
done
