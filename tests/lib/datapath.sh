#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module alone, without an agent: the testbed with addresses set by hand, a gateway and its
# devices set by netlink. What a scenario proves here nobody repairs behind its back.
#
# datapath_up N...        testbed, module, gateway and devices, each with forwards
# room VERB ...           something done in the room's namespaces (room.py): traffic, netlink
# lan4 N, wan4 N, wan6 N  a device's addresses

# shellcheck source=tests/lib/main-job.sh
. "$(dirname "${BASH_SOURCE[0]}")/main-job.sh"
# shellcheck source=tests/lib/wire.sh
. "$(dirname "${BASH_SOURCE[0]}")/wire.sh"

: "${TB_CHECKSUMS:=0}"			# 1: hosts compute checksums themselves, so that captures have them
readonly ROUTER4=10.1.2.1 ROUTER_LL=fe80::1
readonly ROOM_PORT=7999
lan_port=lan0 wan_port=wan0		# the gateway's

lan4() { echo "192.168.1.$((100 + $1))"; }
wan4() { echo "10.1.2.$((100 + $1))"; }
wan6() { slaac_of "$1"; }

# --- the room --------------------------------------------------------------------------------

room_start()
{
	local source_dir

	source_dir=$("$tb_root/tools/kernel" src) || bail_out "no kernel source for YNL"
	YNL=$source_dir/tools/net/ynl /usr/bin/python3 "$tb_lib/room.py" $ROOM_PORT >>"$tb/log/room" 2>&1 </dev/null &
	tb_pids+=("$!")
	within 20 room_open || bail_out "room.py does not start: $(cat "$tb/log/room")"
	room_open
}

# A connection of its own for each shell that runs beside another
room_open() { exec {room}<>"/dev/tcp/127.0.0.1/$ROOM_PORT"; } 2>/dev/null

# ask VERB ...: the answer is in $answer
ask()
{
	echo "$*" >&"$room"
	IFS= read -r -t "$TB_LIMIT" answer <&"$room" || { answer="the room does not answer: $*"; return 1; }
	case $answer in
	'{"error"'*)	return 1 ;;
	esac
}

# room VERB ...: prints the answer
room()
{
	local answer status

	ask "$@"
	status=$?
	printf '%s\n' "$answer"
	return $status
}

# good VERB ...: the answer must be ok
good()
{
	local answer

	ask "$@"
	[ "$answer" = ok ] || { echo "$*: $answer"; return 1; }
}

# --- the module ------------------------------------------------------------------------------

steer() { room steer "$@"; }

# steer_lines <LINES: fails at the first that is refused
steer_lines()
{
	local line

	while IFS= read -r line; do
		steer "$line" || return
	done
}

ifindex() { in_ns gw cat "/sys/class/net/$1/ifindex"; }

# gateway_set [ATTRIBUTE=VALUE…]: makes or changes it
gateway_set()
{
	steer gateway-set "$@"
}

# device_lines N...: what makes the devices, as lines for steer_lines
device_lines()
{
	local n

	for n; do
		echo "device-add mac=$(mac_of "$n") lan-ipv4=$(lan4 "$n") wan-ipv4=$(wan4 "$n") wan-prefix-len=24" \
			"wan-router=$ROUTER4 link-local=fe80::ff:fe00:$(printf %x "$n") wan-ipv6=$(wan6 "$n")/64" \
			"wan-router6=$ROUTER_LL"
		forward_lines "$n" tcp:80 tcp:8080:80 tcp:7000 udp:7000 tcp:7001:7000 udp:7001:7000
	done
}

# forward_lines N PROTOCOL:PORT[:TO]...
forward_lines()
{
	local mac forward protocol port to

	mac=$(mac_of "$1")
	shift
	for forward; do
		IFS=: read -r protocol port to <<<"$forward"
		case $protocol in
		tcp)	protocol=6 ;;
		udp)	protocol=17 ;;
		esac
		echo "forward-add mac=$mac protocol=$protocol port=$port to=${to:-$port}"
	done
}

# forward N PROTOCOL:PORT[:TO]...
forward() { forward_lines "$@" | steer_lines >/dev/null; }

# gateway_of N...: a gateway on $lan_port and $wan_port with the devices, as an agent would leave it
gateway_of()
{
	gateway_set "lan-ifindex=$(ifindex "$lan_port")" "wan-ifindex=$(ifindex "$wan_port")" \
		lan-ipv4=192.168.1.1 lan-prefix-len=24 && device_lines "$@" | steer_lines
}

# gateway_away: the WAN port is down as long as nobody guards it
gateway_away()
{
	ip -n gw link set wan0 down
	steer gateway-del >/dev/null
}

# dropped REASON: packets dropped for it, so far
dropped() { steer stats-get | jq --arg reason "$1" '.drop[] | select(.reason == $reason).packets'; }

# total NAME: what else the gateway has done, so far
total() { steer stats-get | jq --arg name "$1" '.total[] | select(.of == $name).value'; }

# sessions [JQ-CONDITION]: how many there are. To be told each of very many takes bash long.
sessions()
{
	if [ $# -gt 0 ]; then
		steer dump session-get | jq "[.[] | select($1)] | length"
	else
		steer gateway-get | jq .sessions
	fi
}

# sessions_at_most N [JQ-CONDITION]
sessions_at_most()
{
	local have

	have=$(sessions "${@:2}")
	[ "$have" -le "$1" ] || { echo "$have sessions"; return 1; }
}

# listen SECONDS: to what the module tells meanwhile, into $tb/events; `wait $listener` waits for the end
listen()
{
	(room_open && room events "$1" >"$tb/events") &
	# shellcheck disable=SC2034 # for scenarios
	listener=$!
	sleep 1
}

# told JQ-CONDITION: an event that meets it
told() { jq -e "any(.[]; $1)" <"$tb/events"; }

# counted NAME COUNTER FLOOR COMMAND…: `COUNTER` (dropped or total, and its name) grows by FLOOR at
# least while COMMAND runs
counted()
{
	local name=$1 counter=$2 floor=$3 before after
	shift 3

	# shellcheck disable=SC2086 # two words
	before=$($counter)
	"$@" >/dev/null 2>&1
	sleep 0.3
	# shellcheck disable=SC2086
	after=$($counter)
	if [ $((after - before)) -ge "$floor" ]; then
		ok "$name"
	else
		not_ok "$name"
		note "$counter: $before → $after, wanted $floor more"
	fi
}

# --- hosts -----------------------------------------------------------------------------------

# datapath_device N: on the LAN switch
datapath_device()
{
	netns_add "dev$1"
	cable "dev$1" eth0 lan "dev$1"
	ip -n lan link set "dev$1" master br0 up
	device_host "$1"
}

# device_host N: the host at its port's end, its address set by hand
device_host()
{
	local ns=dev$1

	netns_sysctl "$ns" net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$ns" link set eth0 address "$(mac_of "$1")" up
	ip -n "$ns" addr add "$(lan4 "$1")/24" dev eth0
	ip -n "$ns" route add default via 192.168.1.1
	[ "$TB_CHECKSUMS" = 0 ] || hosts_compute "$ns" eth0
}

# stage NAMESPACE: no stack has a word in what is played on ports from 60000 on (raw)
stage()
{
	in_ns "$1" nft "table inet stage { chain in {
		type filter hook input priority -300; meta l4proto { tcp, udp } th dport >= 60000 drop; }; }"
}

# hosts_compute NAMESPACE PORT: no checksum is left to the hardware, which veth does not have
hosts_compute()
{
	in_ns "$1" ethtool -K "$2" tx off >/dev/null
}

# ports NAMESPACE PORT FEATURE on|off…
ports() { in_ns "$1" ethtool -K "${@:2}" >/dev/null; }

datapath_up()
{
	local n

	cd "$tb_root" || exit 1
	testbed_up static
	kernel_log_mark
	check "module loads" module_load || bail_out "without the module there is nothing to test"
	room_start
	if [ "$TB_CHECKSUMS" != 0 ]; then
		hosts_compute client eth0
		hosts_compute far eth0
		hosts_compute isp far
		hosts_compute isp br0
	fi
	netns_sysctl gw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.wan0.accept_dad=0
	ip -n gw addr add 192.168.1.1/24 dev lan0
	for n; do
		datapath_device "$n"
	done
	register "$@"
	check "a gateway with devices $* by netlink" gateway_of "$@" || bail_out "no gateway"
	ip -n gw link set wan0 up
	for n; do
		check "dev$n is reached by both families" within 10 reached "$n" ||
			bail_out "no traffic, nothing to test"
	done
}

# reached N: by both families
reached()
{
	good tcp client "dev$1" "$(wan4 "$1")" 7001 7000 100 && good tcp client "dev$1" "$(wan6 "$1")" 7001 7000 100
}

# datapath_done: what is true of every scenario at its end
datapath_done()
{
	is "every frame on the WAN had a registered source MAC" "$(upstream_drops unregistered)" 0
	check "the module unloads" timeout 60 rmmod doppel
	check "the kernel has nothing to complain about" kernel_log_clean
	tap_done
}

# --- what goes through -----------------------------------------------------------------------

# inward VERB N ARGUMENTS…, inward6, outward: good from the client to dev N, or back, by port 7000
inward() { good "$1" client "dev$2" "$(wan4 "$2")" 7000 7000 "${@:3}"; }
inward6() { good "$1" client "dev$2" "$(wan6 "$2")" 7000 7000 "${@:3}"; }
outward() { good "$1" "dev$2" client $CLIENT4 7000 7000 "${@:3}"; }

# pktgen NAMESPACE MAC ADDRESS PORT COUNT: datagrams by the kernel's generator, each from a source of its own
pktgen()
{
	[ -e /proc/net/pktgen ] || modprobe pktgen
	# shellcheck disable=SC2016 # for the inner shell
	in_ns "$1" bash -c '
		pg() { echo "$2" >"/proc/net/pktgen/$1"; }
		pg kpktgend_0 rem_device_all
		pg kpktgend_0 "add_device eth0"
		for setting in "count $4" "pkt_size 60" "delay 0" "dst $2" "dst_mac $1" "src_min 11.0.0.1" "src_max 11.255.255.254" \
			"flag IPSRC_RND" "udp_src_min 1024" "udp_src_max 65535" "flag UDPSRC_RND" "udp_dst_min $3" "udp_dst_max $3"; do
			pg eth0 "$setting"
		done
		pg pgctrl start
		pg kpktgend_0 rem_device_all' pktgen "${@:2}"
}

# raw PROGRAM ARGUMENTS: a program of tests/lib that sends frames of its own; its tests count as ours
raw()
{
	rm -f "$tb/ended"
	adopt < <(ROOM=$ROOM_PORT timeout 300 /usr/bin/python3 "$tb_lib/$1" "${@:2}" 2>&1; echo "$1 ended with $?" >"$tb/ended")
	within 5 test -s "$tb/ended"
	like "$1 came to its end" "$(cat "$tb/ended")" 'with [01]$'
}

# --- capture ---------------------------------------------------------------------------------

# bad_checksums NAME DISPLAY-FILTER: frames of these with a wrong checksum; fragments have none to verify
bad_checksums()
{
	seen "$1" "($2) && (ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 ||
		icmp.checksum.status == 0 || icmpv6.checksum.status == 0)"
}

gateway_diag()
{
	echo "--- counters"
	steer stats-get
	echo "--- sessions"
	steer dump session-get | jq -c '.[]' | head -n 12
	echo "--- kernel log"
	dmesg | tail -n 15
}
