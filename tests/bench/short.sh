#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whether make bench still works: every part of it, each as short as can be, on some of its paths, in a
# kernel with debug options, where the figures mean nothing.
#
# usage: tests/bench/short.sh MODULE GENERATOR YNL-DIRECTORY
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"

output=$(mktemp -d)/bench.json
export BENCH_PATHS='generator redirect plain-ipv4 jool-siit doppel-6to4'
export BENCH_RUNS=1 BENCH_LOADS=200,20 BENCH_PACKETS=5000 BENCH_DEVICES=20 BENCH_SECONDS=1 \
	BENCH_SESSIONS=2000 BENCH_MANY_DEVICES=100

# said FILTER: what make bench left for programs has it
said() {
	jq -e "$1" "$output"
}

check "it runs" "$here/bench.sh" "$1" "$2" "$3" /nonexistent "$output"
check "each path has a row, but for a peer that is missing" said '
	[.results[].path] == ["generator", "redirect", "plain-ipv4", "doppel-6to4"]'
check "a row is what it should be" said '
	all(.results[]; .flows == 200 and .devices == 20 and .ns_per_packet > 0 and (.own_ns | type == "number") and (.runs | length == 1))'
check "why that is missing is told" said '.not_measured | keys == ["jool-siit"] and all(.[]; length > 0)'
check "streams went both ways" said '
	.tcp_bits_per_second | length == 4 and all(.[]; . > 0)'
check "sessions began" said '.new_sessions_per_second | length == 1 and all(.[]; . > 0)'
check "what memory they and devices take is told" said '
	.bytes | .session_object > 0 and all(.session_bytes, .device_bytes; type == "number")'
check "goals are judged" said '
	.goals | length > 0 and all(.[]; (.passed | type == "boolean") and (.missed_by_percent | type == "number"))'
tap_done
