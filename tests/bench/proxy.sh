#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# From IPv6 clients to an IPv4 device: doppel, and the programs that can do the same. TCP throughput
# by iperf3, connections per second by ab, one HTTP request each, from lighttpd on the device. The
# ways there take turns, the median of the runs counts. Plain routing, from an IPv4 client, says what
# clients and servers leave room for.
#
# usage: tests/bench/proxy.sh MODULE YNL-DIRECTORY OUTPUT.json
set -euo pipefail

module=$1 output=$3
export YNL=$2 BENCH_DEVICES=1
# shellcheck source=tests/bench/paths.sh
. "$(dirname "$0")/paths.sh"

runs=${BENCH_RUNS:-5}
seconds=${BENCH_SECONDS:-4}
clients=16
readonly stream_port=$port http_port=$((port + 1))
ways=(plain-ipv4 doppel-6to4 haproxy socat)
work=$(mktemp -d)
processes=()
trap '[[ ${#processes[@]} -eq 0 ]] || kill "${processes[@]}" 2>/dev/null' EXIT

# start NAMESPACE COMMAND…: in the background
start() {
	in_ns "$@" >>"$work/log" 2>&1 &
	processes+=($!)
}

haproxy_config() {
	local one
	cat <<-CONF
		defaults
		    mode tcp
		    maxconn 4000
		    timeout connect 5s
		    timeout client 60s
		    timeout server 60s
	CONF
	for one in "$stream_port" "$http_port"; do
		printf 'listen port%s\n    bind [::]:%s v6only\n    server device %s:%s\n' \
			"$one" "$one" "$device4" "$one"
	done
}

# way WAY: its namespaces, with servers on the device
way() {
	local way=$1 one
	case $way in
	plain-ipv4 | doppel-6to4)
		setup "$way"
		;;
	haproxy)
		topology "$way"
		router "$way"
		haproxy_config >"$work/haproxy.cfg"
		start "gw-$way" haproxy -db -f "$work/haproxy.cfg"
		;;
	socat)
		topology "$way"
		router "$way"
		for one in "$stream_port" "$http_port"; do
			start "gw-$way" socat "TCP6-LISTEN:$one,fork,reuseaddr,backlog=128" "TCP4:$device4:$one"
		done
		;;
	esac
	hosts "$way"
	start "dev-$way" lighttpd -D -f "$work/lighttpd.conf"
	start "dev-$way" iperf3 -s -p "$stream_port"
}

# address WAY: where the client finds the device
address() {
	case $1 in
	plain-ipv4) echo "$device4" ;;
	doppel-6to4) echo "$identity6" ;;
	*) echo "${wan6%/*}" ;;
	esac
}

throughput() {
	in_ns "gen-$1" timeout 60 iperf3 -c "$(address "$1")" -p "$stream_port" -t "$seconds" -J |
		jq -e .end.sum_received.bits_per_second >>"$work/tcp.$1"
}

# Each request is a connection of its own.
connections() {
	local host
	host=$(address "$1")
	[[ $host != *:* ]] || host="[$host]"
	in_ns "gen-$1" timeout 60 ab -q -s 20 -c "$clients" -t "$seconds" -n 1000000 \
		"http://$host:$http_port/" >"$work/ab"
	awk '/^Failed requests/ && $3 > 0 { exit 1 }
		/^Requests per second/ { print $4; found = 1 }
		END { exit !found }' "$work/ab" >>"$work/connections.$1"
}

depends=$(modinfo -F depends "$module")
for depend in ${depends//,/ }; do
	modprobe "$depend"
done
insmod "$module"
echo device >"$work/index.html"
cat >"$work/lighttpd.conf" <<-CONF
	server.document-root = "$work"
	server.port = $http_port
	index-file.names = ("index.html")
CONF
for one in "${ways[@]}"; do
	way "$one"
done
sleep 3
for ((run = 0; run < runs; run++)); do
	for one in "${ways[@]}"; do
		throughput "$one"
		connections "$one"
	done
done
python3 "$bench/proxy_report.py" "$work" "$output"
