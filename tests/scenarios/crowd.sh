#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Very many devices, very many sessions, ports that flap and namespaces that come and go: under traffic,
# which goes on.

: "${TB_DEVICES:=10000}"
: "${TB_SESSIONS:=100000}"
# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

# goes_on NAME: flows that were there
goes_on() { check "$1" good flows 10; }

datapath_up 1 2
stage dev2
room flow in4 tcp client dev1 "$(wan4 1)" 7000 7000 >/dev/null
room flow in6 tcp client dev1 "$(wan6 1)" 7001 7000 >/dev/null
goes_on "flows go"

# --- devices come and go by thousands
gateway_set lan-prefix-len=16 max-devices=$((TB_DEVICES + 100)) max-sessions=262144 max-device-sessions=200000 >/dev/null
(room_open && room devices 1 "$TB_DEVICES" add >"$tb/added") &
adding=$!
sleep 2
goes_on "while $TB_DEVICES devices are added flows go on"
wait $adding
is "  none was refused" "$(cat "$tb/added")" 0
is "  they are there" "$(steer gateway-get | jq .devices)" $((TB_DEVICES + 2))
goes_on "  flows go on"
check "  new ones come" inward tcp 1 1000
(room_open && room devices 1 "$TB_DEVICES" del >"$tb/deleted") &
deleting=$!
sleep 1
goes_on "while they are removed, too"
wait $deleting
is "  none was missing" "$(cat "$tb/deleted")" 0
is "  the port has no address of theirs" "$(in_ns gw bridge fdb show dev wan0 | grep -c 02:00:01)" 0

# --- ports that flap
flap()
{
	local i

	for i in 1 2 3 4 5; do
		ip -n gw link set "$1" down
		sleep 0.1
		ip -n gw link set "$1" up
		sleep 0.1
	done
}
flap wan0
goes_on "the WAN port flapped, flows go on"
flap lan0
goes_on "the LAN port flapped, flows go on"

# --- namespaces with gateways come and go
churn()
{
	local i

	for i in 1 2 3 4 5; do
		ip netns add churn
		ip -n churn link add a0 type veth peer name a1
		ip -n churn link add b0 type veth peer name b1
		for port in a0 b0 a1 b1; do
			ip -n churn link set $port up
		done
		room steer_in churn gateway-set "lan-ifindex=$(ip -n churn -j link show a0 | jq '.[].ifindex')" \
			"wan-ifindex=$(ip -n churn -j link show b0 | jq '.[].ifindex')" lan-ipv4=192.168.1.1 lan-prefix-len=24
		room steer_in churn device-add mac=02:00:00:00:09:01 lan-ipv4=192.168.1.9 wan-ipv4=10.1.2.9 wan-prefix-len=24
		ip netns del churn
	done
}
check "namespaces with gateways come and go" churn
goes_on "  flows go on"

# --- the table dumped while it is large and in use
room steer session-flush "mac=$(mac_of 2)" >/dev/null
forward 2 udp:60001
pktgen client "$(mac_of 2)" "$(wan4 2)" 60001 "$TB_SESSIONS"
check "the table is large" test "$(sessions)" -gt $((TB_SESSIONS * 3 / 4))
room flow datagrams udp client dev1 "$(wan4 1)" 7000 7000 >/dev/null
lost=$(room lost)
(room_open && room dump_sessions >"$tb/dumped") &
dumping=$!
goes_on "while it is dumped flows go on"
wait $dumping
check "  all of it is told" test "$(cat "$tb/dumped")" -gt $((TB_SESSIONS * 3 / 4))
is "  and no packet was lost" "$(room lost)" "$lost"
goes_on "  flows go on"
room steer session-flush "mac=$(mac_of 2)" >/dev/null

datapath_done
