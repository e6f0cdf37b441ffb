# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The paths that make bench compares, for tests/bench/*.sh. Each has namespaces of its own, for as
# many devices as a path can have at once:
#
#   gen  g0 ──────── wan0  gw  lan0 ──────── d0  dev
#        in, routed →      the path          ← out
#
# tests/bench/blast.c sends from one end, everything is dropped on ingress at the other; it all
# happens on the one CPU, so the time it takes is the cost of generating and of forwarding.

bench=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

read -ra paths <<<"${BENCH_PATHS:-generator redirect plain-ipv4 flowtable-nat44 conntrack-nat44 \
	jool-nat64 jool-siit doppel-4to4 doppel-6to4 doppel-4to6}"

# among PATH…: those of them that are to be measured, one a line
among() {
	local path
	for path; do
		[[ " ${paths[*]} " != *" $path "* ]] || echo "$path"
	done
}

# Device n has the first one's MAC and addresses plus n.
readonly devices=${BENCH_DEVICES:-1000}
readonly device_mac=02:00:00:00:00:01 device4=192.168.16.1 identity4=10.1.16.1
readonly identity6=2001:db8:1::1:1
readonly gen_mac=02:00:01:00:00:01 wan_mac=02:00:01:00:00:02 lan_mac=02:00:01:00:00:03
readonly lan4=192.168.0.1/16 wan4=10.1.0.1/16 wan6=2001:db8:1::1/64
readonly client4=10.1.2.200 client6=2001:db8:1::200 alias4=192.0.2.10 prefix6=2001:db8:64::
# The first of the clients' ports (the others follow), and of the forwards'
readonly client_port=1024 port=9
# One forward has as many flows as clients have ports; the first device gets all the flows at times.
readonly forwards=33
readonly sessions=4000000

in_ns() {
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

# The link layer of a path, and neighbours that need not be asked for
topology() {
	local path=$1 gw=gw-$1
	ip netns add "gen-$path"
	ip netns add "$gw"
	ip netns add "dev-$path"
	ip link add g0 netns "gen-$path" address "$gen_mac" type veth \
		peer name wan0 netns "$gw" address "$wan_mac"
	ip link add lan0 netns "$gw" address "$lan_mac" type veth \
		peer name d0 netns "dev-$path" address "$device_mac"
	ip -n "gen-$path" link set g0 up
	ip -n "dev-$path" link set d0 up
	in_ns "$gw" sysctl -qw net.ipv6.conf.default.accept_dad=0
	ip -n "$gw" link set wan0 up
	ip -n "$gw" link set lan0 up
	ip -n "$gw" addr add "$lan4" dev lan0
	ip -n "$gw" neigh add "$client4" lladdr "$gen_mac" dev wan0
	ip -n "$gw" neigh add "$client6" lladdr "$gen_mac" dev wan0
	ip -n "$gw" -batch - < <(python3 "$bench/devices.py" neighbours \
		"$devices" "$device_mac" "$device4" dev lan0)
}

# What the box itself forwards, by its own routes
router() {
	local gw=gw-$1
	ip -n "$gw" addr add "$wan4" dev wan0
	ip -n "$gw" addr add "$wan6" dev wan0
	in_ns "$gw" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# One WAN address for each device, by destination NAT
nat44() {
	router "$1"
	in_ns "gw-$1" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=3600 \
		net.netfilter.nf_conntrack_udp_timeout_stream=3600
	in_ns "gw-$1" nft -f - <<-NFT
		table ip nat {
			chain prerouting {
				type nat hook prerouting priority -100
				iif wan0 dnat ip prefix to ip daddr map { 10.1.16.0/22 : 192.168.16.0/22 }
			}
		}
	NFT
}

# gateway PATH DEVICES [ALIAS-IPV4 HOST-IPV6]
gateway() {
	in_ns "gw-$1" python3 "$bench/gateway.py" "$YNL" "$bench/../../uapi/doppel.yaml" "$2" \
		"$device_mac" "$device4" "$identity4" "$identity6" "$port" "$forwards" "$sessions" "${@:3}"
}

# setup PATH: its namespaces; what it cannot do is told on stderr
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
		nat44 "$path"
		;;
	flowtable-nat44)
		nat44 "$path"
		in_ns "$gw" sysctl -qw net.netfilter.nf_flowtable_udp_timeout=3600
		in_ns "$gw" nft "add flowtable ip nat f { hook ingress priority 0; devices = { wan0, lan0 }; }
			add chain ip nat forward { type filter hook forward priority 0; }; add rule ip nat forward flow add @f"
		;;
	jool-nat64)
		router "$path"
		in_ns "$gw" "$JOOL/jool" instance add --netfilter --pool6 "$prefix6/96" &&
			in_ns "$gw" "$JOOL/jool" pool4 add --udp "${lan4%/*}" 1024-65535 &&
			in_ns "$gw" "$JOOL/jool" global update udp-timeout 1:00:00
		;;
	jool-siit)
		router "$path"
		in_ns "$gw" "$JOOL/jool_siit" instance add --netfilter --pool6 "$prefix6/96" &&
			in_ns "$gw" "$JOOL/jool_siit" eamt add "$client6" "$client4"
		;;
	doppel-4to6)
		gateway "$path" "$devices" "$alias4" "$client6"
		;;
	doppel-*)
		gateway "$path" "$devices"
		;;
	esac
}

# sink PATH: what arrives at the far end is counted and dropped
sink() {
	local ns=dev-$1 interface=d0
	if [[ $1 = doppel-4to6 ]]; then
		ns=gen-$1 interface=g0
	fi
	in_ns "$ns" nft -f - <<-NFT
		table netdev sink {
			counter arrived {}
			chain ingress {
				type filter hook ingress device $interface priority 0
				counter name arrived drop
			}
		}
	NFT
}

# hosts PATH: a real client and a real device at the ends, and GRO on all ports
hosts() {
	local path=$1 end
	ip -n "gen-$path" addr add "$client4/16" dev g0
	ip -n "gen-$path" addr add "$client6/64" dev g0 nodad
	ip -n "gen-$path" route add default via "${wan4%/*}"
	ip -n "dev-$path" addr add "$device4/16" dev d0
	ip -n "dev-$path" route add default via "${lan4%/*}"
	for end in gen:g0 gw:wan0 gw:lan0 dev:d0; do
		in_ns "${end%:*}-$path" ethtool -K "${end#*:}" gro on
	done
}

teardown() {
	ip netns del "gen-$1"
	ip netns del "gw-$1"
	ip netns del "dev-$1"
}

# frame PATH [PROTOCOL]: the frame that the generator sends, in hex
frame() {
	local path=$1 protocol=${2:-udp} macs=("$gen_mac" "$wan_mac") addresses ports=("$client_port" "$port")
	case $path in
	plain-ipv4) addresses=("$client4" "$device4") ;;
	jool-*) addresses=("$client6" "$prefix6$device4") ;;
	doppel-4to4) macs=("$gen_mac" "$device_mac") addresses=("$client4" "$identity4") ;;
	doppel-6to4) macs=("$gen_mac" "$device_mac") addresses=("$client6" "$identity6") ;;
	doppel-4to6) macs=("$device_mac" "$lan_mac") addresses=("$device4" "$alias4") ports=("$port" "$client_port") ;;
	*) addresses=("$client4" "$identity4") ;;
	esac
	python3 "$bench/frame.py" "$protocol" "${macs[@]}" "${addresses[@]}" "${ports[@]}"
}

# direction PATH: for tests/bench/blast.c
direction() {
	case $1 in
	doppel-4to6) echo out ;;
	doppel-*) echo in ;;
	*) echo routed ;;
	esac
}

# blast PATH YIELD COUNT FLOWS STEP DEVICES FRAME: sends; prints what /proc/blast says
blast() {
	local path=$1 ns=gen-$1 interface=g0
	shift
	if [[ $path = doppel-4to6 ]]; then
		ns=dev-$path interface=d0
	fi
	# shellcheck disable=SC2016 # for the inner shell
	in_ns "$ns" bash -c 'echo "$@" >/proc/blast && cat /proc/blast' blast \
		"$interface" "$(direction "$path")" "$@"
}

# arrived PATH: packets at the far end
arrived() {
	local ns=dev-$1
	[[ $1 != doppel-4to6 ]] || ns=gen-$1
	in_ns "$ns" nft list counter netdev sink arrived | awk '$1 == "packets" { print $2 }'
}
