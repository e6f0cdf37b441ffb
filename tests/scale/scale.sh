#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make scale, in the guest: a thousand devices from cold to all addresses bound, what Kea's own load
# generator needs for as many clients, a WAN flap, memory and idle time; four thousand devices.
#
# usage: tests/scale/scale.sh OUTPUT.json

: "${TB_LIMIT:=3000}"			# on a busy machine
# shellcheck source=tests/lib/scale.sh
. "$(dirname "$0")/../lib/scale.sh"

: "${TB_DEVICES:=1000}" "${TB_MANY:=4096}" "${TB_RUNS:=3}" "${TB_IDLE:=60}"
readonly FAST=10000			# wan.rate that is no limit
output=$1
results=${output%.json}
rm -rf "$results"
mkdir -p "$results"
# The routers' tables are the kernel's, one for all namespaces: each device has three addresses.
sysctl -qw net.ipv4.neigh.default.gc_thresh{2,3}=32768 net.ipv6.neigh.default.gc_thresh{2,3}=32768

# figure NAME VALUE: for report.py
figure() { printf '%s %s\n' "$1" "$2" >>"$results/figures"; }

# cold NAME GROUP COUNT RATE SECONDS: devices nobody knows, all at once
cold()
{
	gateway_anew "$4"
	capture_start "$1"
	crowd_begin "$2" "$3" 250	# as many as the module tells of in a second
	check "$1: $3 devices have all three addresses" crowd_wait "$2" "$3" "$5"
	capture_stop
	capture_frames >"$results/$1.frames"
	figure "rss-kib.$1" "$(awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status")"
	figure "sizes.$1" "$3 $4"
	figure "cpu-ms.$1" $(($(cpu_of "$agent_pid") / 1000000))
}

idle()
{
	local before

	before=$(cpu_of "$agent_pid")
	sleep "$TB_IDLE"
	figure idle-percent "$(awk -v ns=$(($(cpu_of "$agent_pid") - before)) -v s="$TB_IDLE" 'BEGIN { print ns / s / 1e7 }')"
}

flap()
{
	local before after

	before=$(addresses)
	capture_start flap
	ip -n isp link set swgw down
	sleep 5
	ip -n isp link set swgw up
	check "flap: each of $1 devices asks whether its lease holds" within 120 asked_again "$1"
	sleep 10
	capture_stop
	capture_frames >"$results/flap.frames"
	figure sizes.flap "$1 200"
	after=$(addresses)
	is "flap: all are back with what they had" "$(sha256sum <<<"$after")" "$(sha256sum <<<"$before")"
	check "flap: and active" all_complete "$2" "$1"
}

scale_up
for ((run = 1; run <= TB_RUNS; run++)); do
	servers_anew
	figure perfdhcp "$(perfdhcp_needs "$TB_DEVICES")"
	cold "cold$run" "$run" "$TB_DEVICES" $FAST 120
done
sleep 20	# what is repeated for robustness, and the log's last lines
idle
cold default-cap 9 "$TB_DEVICES" 200 300
flap "$TB_DEVICES" 9
cold many 10 "$TB_MANY" $FAST 400
check "the kernel has nothing to complain about" kernel_log_clean
python3 "$(dirname "$0")/report.py" "$results" "$output"
tap_done
