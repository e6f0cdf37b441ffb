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
packets_min=${BENCH_PACKETS:-300000}
# Flows and devices
read -ra loads <<<"${BENCH_LOADS:-1,1 64,1 20000,1 20000,1000 1000000,1 1000000,1000}"

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

# prepare PATH FLOWS DEVICES. Not in a condition: set -e would not hold in it.
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
	warm "$@"
}

# Sessions, caches and neighbours: a flowtable takes a flow up at its second packet. Then packets must arrive.
warm() {
	local path=$1 flows=$2 before got
	local step=$((flows > 1))
	blast "$path" 1 $((flows * 3)) "$flows" "$step" "$3" "${frames[$path]}" >/dev/null
	[[ $path != generator ]] || return 0
	before=$(arrived "$path")
	blast "$path" 1 "$flows" "$flows" "$step" "$3" "${frames[$path]}" >/dev/null
	got=$(($(arrived "$path") - before))
	if ((got < flows * 999 / 1000)); then
		missing "$path" "only $got of $flows packets arrived"
	fi
}

measure() {
	local path=$1 flows=$2 count=$3 step=$4 before took failed got
	before=$(arrived "$path")
	read -r took failed _ < <(blast "$path" 0 "$count" "$flows" "$step" "$5" "${frames[$path]}")
	got=$(($(arrived "$path") - before))
	if [[ $path != generator ]] && ((got < count * 999 / 1000)); then
		missing "$path" "only $got of $count packets arrived, $failed could not be sent"
		rm -f "$results/ns/$path.$flows.$5"
		return
	fi
	awk -v took="$took" -v count="$count" 'BEGIN { printf "%.1f\n", took / count }' \
		>>"$results/ns/$path.$flows.$5"
}

mkdir -p "$results/ns" "$results/why"
for load in "${loads[@]}"; do
	flows=${load%,*}
	devices_used=${load#*,}
	count=$((flows > packets_min ? flows : packets_min))
	step=$(coprime "$flows")
	up=() can=()
	for path in "${paths[@]}"; do
		[[ ! -e $results/why/$path ]] || continue
		up+=("$path")
		prepare "$path" "$flows" "$devices_used"
		[[ -e $results/why/$path ]] || can+=("$path")
	done
	for ((run = 0; run < runs; run++)); do
		for path in "${can[@]}"; do
			[[ ! -e $results/why/$path ]] || continue
			measure "$path" "$flows" "$count" "$step" "$devices_used"
		done
	done
	for path in "${up[@]}"; do
		teardown "$path"
	done
done
