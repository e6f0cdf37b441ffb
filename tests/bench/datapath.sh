#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a packet costs on its way through the box, in nanoseconds, path by path: run by make bench in
# a kernel without debug options on one CPU. Each path has namespaces of its own:
#
#   gen  g0 ──────── wan0  gw  lan0 ──────── d0  dev
#        pktgen            the path          drops everything on ingress
#
# pktgen sends 100-byte UDP packets of so many flows; everything happens on the one CPU, so the time
# for all of them is the cost of generating and of forwarding. The paths take turns, the median of
# the runs counts; own_ns is what is left after the generator's cost (the path that drops at once).
#
# usage: tests/bench/datapath.sh MODULE YNL-DIRECTORY OUTPUT.json
set -euo pipefail

module=$1
ynl=$2
output=$3
here=$(dirname "$(readlink -f "$0")")
runs=${BENCH_RUNS:-5}
packets=${BENCH_PACKETS:-300000}
read -ra flow_counts <<<"${BENCH_FLOWS:-64 20000}"

paths=(generator redirect plain-ipv4 flowtable-nat44 conntrack-nat44 doppel-4to4 doppel-6to4)

gen_mac=02:00:00:00:01:01
wan_mac=02:00:00:00:01:02
device_mac=02:00:00:00:00:01
wan4=10.1.2.50 wan6=2001:db8:1::50 device=192.168.1.100
client4=10.1.2.200 client6=2001:db8:1::200
port=9 first_source=1024

in_ns() {
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

topology() {
	local path=$1 gw=gw-$1
	ip netns add "gen-$path"
	ip netns add "$gw"
	ip netns add "dev-$path"
	ip link add g0 netns "gen-$path" address "$gen_mac" type veth \
		peer name wan0 netns "$gw" address "$wan_mac"
	ip link add lan0 netns "$gw" type veth peer name d0 netns "dev-$path" address "$device_mac"
	ip -n "gen-$path" link set g0 up
	ip -n "$gw" link set wan0 up
	ip -n "$gw" link set lan0 up
	ip -n "$gw" addr add 192.168.1.1/24 dev lan0
	ip -n "$gw" neigh add "$device" lladdr "$device_mac" dev lan0
	ip -n "dev-$path" link set d0 up
	in_ns "dev-$path" nft -f - <<-NFT
		table netdev sink {
			counter arrived {}
			chain ingress {
				type filter hook ingress device d0 priority 0
				counter name arrived drop
			}
		}
	NFT
}

router() {
	local gw=gw-$1
	ip -n "$gw" addr add 10.1.2.1/24 dev wan0
	ip -n "$gw" neigh add "$client4" lladdr "$gen_mac" dev wan0
	in_ns "$gw" sysctl -qw net.ipv4.ip_forward=1 net.netfilter.nf_conntrack_max=2000000 2>/dev/null ||
		in_ns "$gw" sysctl -qw net.ipv4.ip_forward=1
}

setup() {
	local path=$1 gw=gw-$1
	topology "$path"
	case $path in
	generator)
		in_ns "$gw" nft "add table netdev t; add chain netdev t i { type filter hook ingress device wan0 priority 0; policy drop; }"
		;;
	redirect)
		in_ns "$gw" nft "add table netdev t; add chain netdev t i { type filter hook ingress device wan0 priority 0; }; add rule netdev t i fwd to lan0"
		;;
	plain-ipv4)
		router "$path"
		;;
	conntrack-nat44)
		router "$path"
		in_ns "$gw" nft "add table ip t; add chain ip t p { type nat hook prerouting priority -100; }; add rule ip t p iif wan0 dnat to $device"
		;;
	flowtable-nat44)
		router "$path"
		in_ns "$gw" nft "add table ip t; add chain ip t p { type nat hook prerouting priority -100; }; add rule ip t p iif wan0 dnat to $device
			add flowtable ip t f { hook ingress priority 0; devices = { wan0, lan0 }; }
			add chain ip t forward { type filter hook forward priority 0; }; add rule ip t forward flow add @f"
		;;
	doppel-*)
		in_ns "$gw" python3 "$here/gateway.py" "$ynl" "$here/../../uapi/doppel.yaml" \
			"$device_mac" "$device" "$wan4" "$wan6" "$port"
		;;
	esac
}

# Where pktgen sends to, by path: its settings, one a line.
target() {
	case $1 in
	plain-ipv4) printf '%s\n' "dst_min $device" "src_min $client4" "src_max $client4" "dst_mac $wan_mac" ;;
	doppel-6to4) printf '%s\n' "dst6 $wan6" "src6 $client6" "dst_mac $device_mac" ;;
	doppel-*) printf '%s\n' "dst_min $wan4" "src_min $client4" "src_max $client4" "dst_mac $device_mac" ;;
	*) printf '%s\n' "dst_min 10.1.2.1" "src_min $client4" "src_max $client4" "dst_mac $wan_mac" ;;
	esac
}

# send PATH FLOWS COUNT: prints nanoseconds per packet
send() {
	local path=$1 flows=$2 count=$3
	# shellcheck disable=SC2016 # for the inner shell
	in_ns "gen-$path" bash -euc '
		pg() { echo "$2" >"/proc/net/pktgen/$1"; }
		pg kpktgend_0 rem_device_all
		while [[ -e /proc/net/pktgen/g0 ]]; do sleep 0.1; done
		pg kpktgend_0 "add_device g0"
		for setting in "count $1" "pkt_size 114" "delay 0" "clone_skb 0" "flag UDPCSUM" \
			"udp_dst_min $2" "udp_dst_max $2" "udp_src_min $3" "udp_src_max $4" "${@:5}"; do
			pg g0 "$setting"
		done
		pg pgctrl start
		sed -nE "s/^Result: OK: ([0-9]+)\(.*usec, ([0-9]+) .*/\1 \2/p" /proc/net/pktgen/g0
	' pktgen "$count" "$port" "$first_source" $((first_source + flows)) "${@:4}" |
		awk '{ printf "%.1f\n", $1 * 1000 / $2; n++ } END { exit n != 1 }'
}

arrived() {
	in_ns "dev-$1" nft -j list counter netdev sink arrived |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["nftables"][-1]["counter"]["packets"])'
}

measure() {
	local path=$1 flows=$2 settings before got
	mapfile -t settings < <(target "$path")
	# Once for sessions, caches and neighbours; then it must all arrive.
	if [[ ! -v warm[$path.$flows] ]]; then
		send "$path" "$flows" $((flows * 2)) "${settings[@]}" >/dev/null
		warm[$path.$flows]=1
	fi
	before=$(arrived "$path")
	send "$path" "$flows" "$packets" "${settings[@]}" >>"$work/$path.$flows"
	got=$(($(arrived "$path") - before))
	if [[ $path != generator ]] && ((got < packets * 999 / 1000)); then
		echo "bench: $path: only $got of $packets packets arrived" >&2
		return 1
	fi
}

declare -A warm
work=$(mktemp -d)
insmod "$module"
for path in "${paths[@]}"; do
	setup "$path"
done
for flows in "${flow_counts[@]}"; do
	for ((run = 0; run < runs; run++)); do
		for path in "${paths[@]}"; do
			measure "$path" "$flows"
		done
	done
done
python3 "$here/table.py" "$work" "$output" "${paths[@]}" -- "${flow_counts[@]}"
