#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a packet of 100 bytes costs on its way through the box, in nanoseconds, path by path: for
# make bench, in a kernel without debug options on one CPU. The paths take turns, so that what else
# the machine does meets all of them.
#
# usage: tests/bench/datapath.sh RESULTS
#
# In the directory RESULTS, ns/PATH.FLOWS.DEVICES gets a line for each run, or why/PATH says why
# there are none.
set -euo pipefail

# shellcheck source=tests/bench/paths.sh
. "$(dirname "$0")/paths.sh"

results=$1
runs=${BENCH_RUNS:-5}
packets=${BENCH_PACKETS:-300000}
# Flows and devices
read -ra loads <<<"${BENCH_LOADS:-1,1 64,1 20000,1 1000000,1 20000,1000 1000000,1000}"

declare -A frames

# coprime FLOWS: a step that leads to every flow and never to the next
coprime() {
	python3 -c 'import math, sys
flows = int(sys.argv[1])
print(next(step for step in range(flows * 618 // 1000, flows + 1) if math.gcd(step, flows) == 1) % flows)' "$1"
}

# missing PATH WHY: it is not measured, with any load
missing() {
	echo "$2" >"$results/why/$1"
	echo "bench: $1 cannot be measured: $2" >&2
}

# prepare PATH: sets it up. Not in a condition: set -e would not hold in it.
prepare() {
	local path=$1 status
	set +e
	(set -e; setup "$path"; sink "$path") >"$results/log" 2>&1
	status=$?
	set -e
	if [[ $status -ne 0 ]]; then
		missing "$path" "$(tail -n 1 "$results/log")"
		return
	fi
	frames[$path]=$(frame "$path")
}

# Sessions, caches and neighbours: a flowtable takes a flow up at its second packet. Then packets must arrive.
warm() {
	local path=$1 flows=$2 before got
	local step=$((flows > 1))
	blast "$path" 1 $((flows * 3)) "$flows" "$step" "$3" "${frames[$path]}" >/dev/null
	[[ $path != generator ]] || return 0
	before=$(arrived "$path")
	blast "$path" 1 "$packets" "$flows" "$step" "$3" "${frames[$path]}" >/dev/null
	got=$(($(arrived "$path") - before))
	if ((got < packets * 999 / 1000)); then
		missing "$path" "only $got of $packets packets arrived"
	fi
}

measure() {
	local path=$1 flows=$2 step=$3 before took failed got
	before=$(arrived "$path")
	read -r took failed _ < <(blast "$path" 0 "$packets" "$flows" "$step" "$4" "${frames[$path]}")
	got=$(($(arrived "$path") - before))
	if [[ $path != generator ]] && ((got < packets * 999 / 1000)); then
		missing "$path" "only $got of $packets packets arrived, $failed could not be sent"
		rm -f "$results/ns/$path.$flows.$4"
		return
	fi
	awk -v took="$took" -v packets="$packets" 'BEGIN { printf "%.1f\n", took / packets }' \
		>>"$results/ns/$path.$flows.$4"
}

# Those that are not missing
present() {
	local path
	for path in "${paths[@]}"; do
		[[ -e $results/why/$path ]] || echo "$path"
	done
}

# Begins anew when the flows become those of more devices: a table has only the flows that are measured
# in it, and few more.
mkdir -p "$results/ns" "$results/why"
up=()
for load in "${loads[@]}"; do
	flows=${load%,*}
	echo "bench: flows $flows, devices ${load#*,}" >&2
	if [[ ${load#*,} != "${devices_used:-}" ]]; then
		for path in "${up[@]}"; do
			teardown "$path"
		done
		devices_used=${load#*,}
		mapfile -t up < <(present)
		for path in "${up[@]}"; do
			prepare "$path"
		done
	fi
	step=$(coprime "$flows")
	for path in $(present); do
		warm "$path" "$flows" "$devices_used"
	done
	for ((run = 0; run < runs; run++)); do
		for path in $(present); do
			measure "$path" "$flows" "$step" "$devices_used"
		done
	done
done
for path in "${up[@]}"; do
	teardown "$path"
done
