#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# The firewall of the WireGuard networks alone, by nftables and by both kinds of iptables: it lets through what
# the policies say, replaces itself without a gap, leaves the site's own rules alone, and goes without a trace.
# The ports only have the names of WireGuard interfaces. TB_SETS: how many random policy sets;
# TB_ONLY=policies: nothing else.

# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

: "${TB_SETS:=10}" "${TB_SEED:=1}"
lib=$(readlink -f "$(dirname "$0")/../lib")
rules=$(readlink -f "$lib/../../build/programs/wg-rules")
dir=$(mktemp -d /tmp/doppel-firewall.XXXXXX)
namespaces=(gw peer lan random legacy)

in_ns() { nsenter --net="/run/netns/$1" "${@:2}"; }
gw() { in_ns gw "$@"; }

# shellcheck disable=SC2317 # called by trap
clean_up()
{
	local ns

	for ns in "${namespaces[@]}"; do
		ip netns pids "$ns" 2>/dev/null | xargs -r kill -KILL
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$dir"
}
trap clean_up EXIT

# document NAME FIREWALL ACTION [STACK]: one network, whose peer ACTION (allow, deny) reach the LAN
document()
{
	local v6='ipv6_cidr: "fd00:10::/64",' own6='ipv6_address: "fd00:10::%s",'

	[ "${4:-dual}" = dual ] || v6='' own6=''
	cat >"$dir/$1" <<-EOF
		firewall: $2
		networks:
		  - {name: office, ip_stack_mode: ${4:-dual}, ipv4_cidr: 10.10.0.0/24, $v6
		     peers: [{name: hub, jump: true, ${own6/\%s/1} ipv4_address: 10.10.0.1},
		             {name: laptop, groups: [staff], ${own6/\%s/2} ipv4_address: 10.10.0.2},
		             {name: phone, groups: [staff], ${own6/\%s/3} ipv4_address: 10.10.0.3}],
		     groups: [{name: staff, policies: [site]}],
		     policies: [{name: site, rules: [{direction: output, action: $3, target: any}]}]}
	EOF
}

apply() { gw "$rules" apply "$dir/$1"; }
reaches() { in_ns peer ping -n -c 1 -W 1 "$1" >/dev/null; }
ours() { { gw nft list tables; gw iptables-save; gw ip6tables-save; } 2>/dev/null | grep -i -E 'doppel[_-]wg'; }
sites() { gw nft list table inet site; gw iptables -S | grep -v DOPPEL; gw ip6tables -S | grep -v DOPPEL; }

# --- the policies ----------------------------------------------------------------------------

policies()
{
	adopt < <(in_ns "$1" python3 "$lib/policies.py" "$rules" "$dir" "$2" "$TB_SEED" "${@:3}" 2>&1
		echo "policies.py ended with $?" >"$dir/ended")
	is "policies.py came to its end" "$(cat "$dir/ended")" "policies.py ended with 0"
	rm "$dir/ended"
}

for ns in "${namespaces[@]}"; do
	ip netns add "$ns" || bail_out "cannot make namespace $ns"
	ip -n "$ns" link set lo up
done
policies random "$TB_SETS" nftables iptables
if [ "${TB_ONLY:-}" = policies ]; then
	tap_done
	exit
fi

mkdir "$dir/legacy"
for program in iptables-save iptables-restore ip6tables-save ip6tables-restore; do
	ln -s "/usr/sbin/${program/tables-/tables-legacy-}" "$dir/legacy/$program"
done
PATH=$dir/legacy:$PATH policies legacy 2 iptables
check "the old iptables has the chains" grep -q '^:DOPPEL-WG-FORWARD' <(in_ns legacy iptables-legacy-save)

# --- one by one ------------------------------------------------------------------------------

ip link add wg-office netns gw type veth peer name eth0 netns peer
ip link add lan0 netns gw type veth peer name eth0 netns lan
gw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
for ns in gw peer lan; do
	in_ns $ns sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
done
ip -n gw addr add 10.10.0.1/24 dev wg-office
ip -n gw addr add fd00:10::1/64 dev wg-office nodad
ip -n gw addr add 192.168.1.1/24 dev lan0
ip -n gw addr add fd00:1::1/64 dev lan0 nodad
ip -n peer addr add 10.10.0.2/24 dev eth0
ip -n peer addr add fd00:10::2/64 dev eth0 nodad
ip -n lan addr add 192.168.1.9/24 dev eth0
ip -n lan addr add fd00:1::9/64 dev eth0 nodad
for port in gw/wg-office gw/lan0 peer/eth0 lan/eth0; do
	ip -n "${port%/*}" link set "${port#*/}" up
done
ip -n peer route add default via 10.10.0.1
ip -n peer route add default via fd00:10::1
ip -n lan route add default via 192.168.1.1
ip -n lan route add default via fd00:1::1
for backend in nftables iptables; do
	document allow-$backend $backend allow
	document deny-$backend $backend deny
	document ipv4-$backend $backend allow ipv4
	echo "{firewall: $backend, networks: []}" >"$dir/none-$backend"
done

# The site's own
gw nft -f - <<-EOF
	table inet site {
		chain forward {
			type filter hook forward priority 0
			tcp dport 25 drop
		}
	}
EOF
gw iptables -A FORWARD -p tcp --dport 26 -j DROP
gw ip6tables -A INPUT -p tcp --dport 27 -j DROP
before=$(sites)
check "without a firewall the LAN is reached" reaches 192.168.1.9
check "  by IPv6" within 5 reaches fd00:1::9

# pinging INTERVAL: from the peer to the LAN, in the background until pinged, which leaves what came of it in $dir/ping
pinging()
{
	nsenter --net=/run/netns/peer ping -n -i "$1" -w 60 192.168.1.9 >"$dir/ping" 2>&1 &
	ping=$!
}

pinged()
{
	kill -INT $ping
	wait $ping
}

# replaced BACKEND: what a denied peer gets through while the rules are made anew, ten times
replaced()
{
	local i

	pinging 0.002
	for ((i = 0; i < 5; i++)); do
		echo "$dir/deny-$1"
		echo "$dir/denied-$1"
	done | gw "$rules" follow >"$dir/followed"
	pinged
	is "  all of which were applied" "$(grep -cx 'done' "$dir/followed")" 10
	like "  under traffic" "$(cat "$dir/ping")" '[0-9]{2,} packets transmitted'
	like "  not one packet got through meanwhile" "$(cat "$dir/ping")" ' 0 received'
}

# put_back BACKEND FLUSH...: somebody else's flush, and the next look
put_back()
{
	local backend=$1

	shift
	mkfifo "$dir/files"
	gw "$rules" follow <"$dir/files" >"$dir/followed" 2>"$dir/said" &
	exec 3>"$dir/files"
	echo "$dir/deny-$backend" >&3
	within 10 grep -q 'done' "$dir/followed"
	"$@"
	check "  flushed by somebody else" reaches 192.168.1.9
	echo "$dir/deny-$backend" >&3
	echo "$dir/deny-$backend" >&3
	exec 3>&-
	wait $!
	check_not "  and put back" reaches 192.168.1.9
	is "  which is told" "$(grep -c 'somebody else changed' "$dir/said")" 1
	rm "$dir/files"
}

for backend in nftables iptables; do
	other=$([ $backend = nftables ] && echo iptables || echo nftables)
	sed 's/target: any/target: 192.168.1.0\/24/' "$dir/deny-$backend" >"$dir/denied-$backend"
	check "$backend: applied" apply allow-$backend
	check "  what is allowed passes" reaches 192.168.1.9
	check "  by IPv6" reaches fd00:1::9
	check "  and the box itself" reaches 192.168.1.1
	pinging 0.1
	sleep 1
	check "  denied while it runs" apply deny-$backend
	sleep 0.5
	pinged
	check_not "  it is not reached any more" reaches 192.168.1.9
	check_not "  nor by IPv6" reaches fd00:1::9
	check_not "  nor the box, but" reaches 192.168.1.1
	check "  for its address in the network" reaches 10.10.0.1
	lost=$(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 - \2/p' "$dir/ping")
	check "  the flow that was there was cut ($((lost)) lost)" test $((lost)) -ge 2 -a $((lost)) -lt 300
	note "made anew under traffic"
	replaced $backend
	note "made anew when they are gone"
	if [ $backend = nftables ]; then
		put_back $backend gw nft delete table ip doppel_wg
	else
		put_back $backend gw iptables -D FORWARD -j DOPPEL-WG-FORWARD
	fi
	is "  the site's own rules are as they were" "$(sites)" "$before"
	check "$backend: IPv4 only" apply ipv4-$backend
	check "  passes" reaches 192.168.1.9
	unlike "  R9.5 there is nothing of ours for IPv6" "$(gw nft list tables; gw ip6tables-save)" \
		'ip6 doppel|DOPPEL-WG'
	for format in nft iptables; do
		gw "$rules" print "$dir/allow-$backend" office $format >"$dir/$format.print"
	done
	check "  what is printed suits nft" gw nft -c -f "$dir/nft.print"
	for program in iptables-restore ip6tables-restore; do
		check "  and $program" gw $program --noflush --test < <(sed -n "/^# $program/,/^COMMIT/p" "$dir/iptables.print")
	done

	check "$backend: over to $other" apply "deny-$other"
	check_not "  denied" reaches 192.168.1.9
	unlike "  nothing is left of $backend" "$(ours)" "$([ $backend = nftables ] && echo doppel_wg || echo DOPPEL-WG)"
	check "no networks" apply "none-$other"
	is "  nothing of ours is left" "$(ours)" ""
	check "  nothing is judged" reaches 192.168.1.9
	is "  the site's own rules are as they were" "$(sites)" "$before"
done

gw "$rules" apply "$dir/allow-iptables"
gw iptables -I FORWARD -p tcp --dport 28 -j DROP
gw iptables -A FORWARD -j DOPPEL-WG-FORWARD
gw iptables -N DOPPEL-WG-77
gw "$rules" apply "$dir/deny-iptables"
is "iptables: the jump is the first in FORWARD" "$(gw iptables -S FORWARD | sed -n 2p)" "-A FORWARD -j DOPPEL-WG-FORWARD"
is "  and the only one" "$(gw iptables -S FORWARD | grep -c DOPPEL)" 1
unlike "  chains that are not needed are gone" "$(gw iptables -S)" DOPPEL-WG-77
like "without iptables it says so" "$(gw env PATH="$dir" "$rules" apply "$dir/allow-iptables" 2>&1)" \
	'iptables-restore is not installed'
tap_done
