#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# The short form of make scale: a hundred devices from cold, and a WAN flap, within the rate cap.

readonly DEVICES=100 RATE=300
# shellcheck source=tests/lib/scale.sh
. "$(dirname "$0")/../lib/scale.sh"

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status"; }

scale_up
scale_config $RATE
agent_start
capture_start cold
crowd_begin 1 $DEVICES 250
check "$DEVICES devices have an IPv4, a SLAAC and a DHCPv6 address" crowd_wait 1 $DEVICES 60
capture_stop
busiest=$(capture_frames | busiest_second)
note "at most $busiest frames in a second"
check "no second had more frames than wan.rate" test "$busiest" -le $RATE
check "  but not far less, either" test "$busiest" -gt $((RATE / 3))
check "the agent has less than 12 MiB: $(rss) KiB" test "$(rss)" -lt $((12 << 10))

before=$(addresses)
capture_start flap
ip -n isp link set swgw down
sleep 2
ip -n isp link set swgw up
check "after a flap each device asks whether its lease holds" within 30 asked_again $DEVICES
capture_stop
busiest=$(capture_frames | busiest_second)
note "at most $busiest frames in a second"
check "  within wan.rate" test "$busiest" -le $RATE
is "  nobody asked for a new one" "$(capture_dhcp Discover)" 0
is "  and all have what they had" "$(addresses)" "$before"
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
