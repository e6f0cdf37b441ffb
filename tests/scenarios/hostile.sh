#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Truncated and lying frames from both sides: counted drops, no state changed, devices still reached.

TB_BIG=1
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

all_drops() { api /api/v1/stats | jq '[.drops | .. | numbers] | add'; }
# The seen-times move by themselves.
faces() { doppel devices --json | jq -S '[.devices[] | {mac_address, status, ipv4_address, ipv4_wan_address,
	ipv4_wan_router, ipv6_addresses, ipv6_link_local, ipv6_wan_router, i4: .ipv4.status, i6: .ipv6.status}]'; }
sent() { awk -v kind="$1" '$1 == kind { print $2 }' "$tb/sent"; }

attack()
{
	before=$(all_drops)
	spoofs=$(drops lan-spoof)
	in_ns "$1" /usr/bin/python3 "$tb_lib/hostile.py" "${@:2}" >"$tb/sent" 2>&1 || diag <"$tb/sent"
	sleep 1
	after=$(all_drops)
}

gateway_up dual 1 2
lan1=$(device_ip 1)
was=$(faces)
pid=$agent_pid
http dev1 $CLIENT4 80 /name >/dev/null		# resolvers and neighbours are warm

attack client wan eth0 "$(mac_of 1)" "$(lease4_of 1)" "$(slaac_of 1)"
note "from the WAN: $(tr '\n' ',' <"$tb/sent") drops $before → $after"
check "hostile frames were sent from the WAN" test "$(sent drop)" -gt 60
check "each that had to be dropped was counted" test $((after - before)) -ge "$(sent drop)"
is "no state changed" "$(faces)" "$was"
check "dev1 is reached over IPv4" reaches dev1 client "$(lease4_of 1)" 8080
check "and over IPv6" reaches dev1 client "$(slaac_of 1)" 8080
check "and its DHCPv6 address" reaches dev1 client "$(lease6_of 1)" 8080

attack dev1 lan eth0 "$(mac_of 1)" "$lan1" "$MAC_GW_LAN"
note "from the LAN: $(tr '\n' ',' <"$tb/sent") drops $before → $after"
check "spoofed frames count as such" test $(($(drops lan-spoof) - spoofs)) -ge "$(sent spoof)"
check "each that had to be dropped was counted" test $((after - before)) -ge $(($(sent drop) + $(sent spoof)))
is "no state changed" "$(faces)" "$was"
is "dev1 reaches the WAN" "$(http dev1 $CLIENT4 80 /cgi-bin/ip)" "$(lease4_of 1)"
# The LAN switch believes dev2's MAC to be where a hostile frame with it came from, until dev2 speaks.
ping_from dev2 192.168.1.1 >/dev/null
check "dev2 is reached" reaches dev2 client "$(lease4_of 2)" 8080

check "the agent is the one it was" kill -0 "$pid"
check "it answers" agent_answers
check "every frame on the WAN had a registered source MAC" capture_only_registered
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
