#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What sessions and devices cost: new sessions per second, one SYN each, with all that it takes to
# generate and forward the SYN; bytes of memory for a session and for a device, tables included.
#
# usage: tests/bench/sessions.sh RESULTS
#
# Writes the files rate.PATH (a line for each run), session-object, session-bytes and device-bytes
# into the directory RESULTS.
set -euo pipefail

# shellcheck source=tests/bench/paths.sh
. "$(dirname "$0")/paths.sh"

results=$1
runs=${BENCH_RUNS:-5}
flows=${BENCH_SESSIONS:-500000}
many_devices=${BENCH_MANY_DEVICES:-10000}

free_bytes() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '$1 == "MemFree:" { printf "%.0f\n", $2 * 1024 }' /proc/meminfo
}

# netlink PATH COMMAND: says it to the path's gateway
netlink() {
	in_ns "gw-$1" python3 "$YNL/cli.py" --spec "$bench/../../uapi/doppel.yaml" --no-schema \
		--output-json --do "$2" --json '{}'
}

# Every session is a new one, or the run is worth nothing.
rate() {
	local path=$1 syn took failed before got
	syn=$(frame "$path" syn)
	for ((run = 0; run < runs; run++)); do
		before=$(arrived "$path")
		read -r took failed _ < <(blast "$path" 1 "$flows" "$flows" 1 "$devices" "$syn")
		got=$(($(arrived "$path") - before))
		if ((got < flows || $(netlink "$path" gateway-get | jq .sessions) < flows)); then
			echo "bench: $path: $got of $flows new sessions, $failed could not be sent" >&2
			return 1
		fi
		awk -v took="$took" -v flows="$flows" 'BEGIN { printf "%.0f\n", flows * 1e9 / took }' \
			>>"$results/rate.$path"
		netlink "$path" session-flush >/dev/null
	done
}

session_bytes() {
	local path=$1 before
	before=$(free_bytes)
	blast "$path" 1 "$flows" "$flows" 1 "$devices" "$(frame "$path")" >/dev/null
	echo $(((before - $(free_bytes)) / flows)) >"$results/session-bytes"
	cp /sys/kernel/slab/doppel_session/slab_size "$results/session-object"
}

device_bytes() {
	local path=doppel-6to4 before
	topology "$path"
	before=$(free_bytes)
	gateway "$path" "$many_devices"
	echo $(((before - $(free_bytes)) / many_devices)) >"$results/device-bytes"
	teardown "$path"
}

for path in $(among doppel-4to4 doppel-6to4); do
	setup "$path"
	sink "$path"
	rate "$path"
	if [[ $path = doppel-6to4 ]]; then
		session_bytes "$path"
	fi
	teardown "$path"
done
device_bytes
