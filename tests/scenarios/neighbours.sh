#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Next hops: another router, a router with another MAC, one that falls silent and comes back, peers
# on the link; an upstream that inspects who says what in ARP and ND; somebody who claims an address.

# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

readonly MAC_OTHER=02:00:00:00:f0:03 MAC_STANDBY=02:00:00:00:f0:0a
readonly OTHER4=10.1.2.3 OTHER6=fe80::3

# A second router of the link: it knows the way to far by the first one.
other_router()
{
	netns_add other
	cable other eth0 isp swother
	netns_sysctl isp net.ipv6.conf.swother.disable_ipv6=1
	netns_sysctl other net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.eth0.send_redirects=0 net.ipv6.conf.eth0.accept_dad=0
	ip -n isp link set swother master br0 up
	ip -n other link set eth0 addrgenmode none address $MAC_OTHER up
	ip -n other addr add $OTHER4/24 dev eth0
	ip -n other addr add $OTHER6/64 dev eth0 nodad
	ip -n other addr add 2001:db8:1::3/64 dev eth0 nodad
	ip -n other route add default via $ROUTER4
	ip -n other route add default via $ROUTER_LL dev eth0
}

# hops_of N: MACs that dev N's frames for far went to
hops_of() { seen hops "eth.src == $(mac_of "$1") && (ip.dst == $FAR4 || ipv6.dst == $FAR6)" eth.dst | sort -u | tr '\n' ' '; }


conflict_of() { echo ".name == \"address-conflict-ntf\" and .msg.mac == \"$(mac_of "$1")\""; }

from_far() { good "$1" far dev1 "$2" 7000 7000 "${@:3}"; }
to_far() { good "$1" "dev$2" far $FAR4 7000 7000 "${@:3}"; }

# Seconds instead of the half minute and more that the kernel takes to doubt a neighbour
hasty()
{
	netns_sysctl gw "net.$1.neigh.wan0.base_reachable_time_ms=2000" "net.$1.neigh.wan0.gc_stale_time=2" \
		"net.$1.neigh.wan0.delay_first_probe_time=1" "net.$1.neigh.wan0.retrans_time_ms=300"
}

datapath_up 1 2
hasty ipv4
hasty ipv6
check "far reaches dev1 through the router" from_far tcp "$(wan4 1)" 1000
check "and by IPv6" from_far tcp "$(wan6 1)" 1000
is "dev1 reaches far" "$(room who dev1 far $FAR4 7000 7000)" "$(wan4 1)"

# --- another router for dev1: its next packet goes there, dev2's does not
other_router
room flow in4 udp far dev1 "$(wan4 1)" 7000 7000 >/dev/null
room flow in6 tcp far dev1 "$(wan6 1)" 7001 7000 >/dev/null
room flow out tcp dev1 far $FAR4 7002 7002 >/dev/null
room flow two tcp dev2 far $FAR4 7003 7003 >/dev/null
check "flows go" good flows 5
check "dev1 gets another router" steer device-set "mac=$(mac_of 1)" wan-router=$OTHER4 wan-router6=$OTHER6
sleep 0.3
sniff hops isp swgw
check "  live flows go on" good flows 5
check "  a new one goes" from_far tcp "$(wan6 1)" 1000
sniffed hops
is "  every frame of dev1's for far goes to the new router" "$(hops_of 1)" "$MAC_OTHER "
is "  every one of dev2's to the old one" "$(hops_of 2)" "$MAC_ROUTER "
check "dev1 gets the old one back" steer device-set "mac=$(mac_of 1)" wan-router=$ROUTER4 wan-router6=$ROUTER_LL
check "  flows go on" good flows 5

# --- the router moves to another MAC (a standby took over) and says so
ip -n isp link set br0 address $MAC_STANDBY
in_ns isp arping -q -c 1 -U -I br0 -s $ROUTER4 $ROUTER4
sniff hops isp swgw arp or ip
check "a router's new MAC, told by ARP, is used" to_far tcp 1 1000
sniffed hops
is "  at once" "$(hops_of 1)" "$MAC_STANDBY "
# Nobody tells it by ND: the neighbour must be found dead, and asked for again.
check "flows find it within the time that neighbours take" within 20 good flows 5
ip -n isp link set br0 address $MAC_ROUTER
check "and the old one again, without a word" within 20 good flows 5
for flow in in4 in6 out two; do
	room flow_end $flow >/dev/null
done

# --- NUD: a peer on the link falls silent, and comes back
room flow lasting udp dev1 client $CLIENT4 7000 7000 >/dev/null
check "a flow to a peer on the link goes" good flows 5
ip -n isp link set swclient down
silent() { ! in_ns gw ip neigh show $CLIENT4 dev wan0 | grep -E 'REACHABLE|STALE|DELAY|PROBE'; }
check "a peer that is silent is found out" within 20 silent
ip -n isp link set swclient up
check "when it is back, the flow goes on" within 10 good flows 2
check "  and it reaches in, by both families" within 5 reached 1
room flow_end lasting >/dev/null

# --- who speaks for whom: each ARP and ND frame names the MAC that it came from and an address of its
sniff spoken isp swgw arp or icmp6
snoop_bind 1 "$(wan4 1)"
snoop_bind 2 "$(wan4 2)"
snoop_strict
for ns in client far isp; do
	in_ns $ns ip neigh flush all
done
in_ns gw ip neigh flush dev wan0
for n in 1 2; do
	check "with ARP inspected dev$n is reached by both families" within 5 reached $n
	check "  and reaches a peer on the link" outward tcp $n 1000
	check "  and one behind the router" to_far tcp $n 1000
done
is "no ARP had a strange sender" "$(upstream_drops spoofed)" 0
sniffed spoken
check "ND was spoken" test -n "$(seen spoken 'icmpv6.type == 135 && eth.src[0:5] == 02:00:00:00:00')"
is "each ND frame of a device names the MAC that it came from" \
	"$(seen spoken 'eth.src[0:5] == 02:00:00:00:00 && icmpv6.opt.linkaddr' eth.src icmpv6.opt.linkaddr | awk '$1 != $2')" ""
for n in 1 2; do
	unlike "  and dev$n's comes from its own addresses" \
		"$(seen spoken "eth.src == $(mac_of $n) && (icmpv6.type == 135 || icmpv6.type == 136)" ipv6.src)" \
		"$(wan6 $((3 - n)))|fe80::ff:fe00:$((3 - n))\$"
done

# --- somebody claims what is dev1's
in_ns isp nft flush chain bridge upstream inspect
listen 4
netns_sysctl client net.ipv4.ip_nonlocal_bind=1
in_ns client arping -q -c 2 -w 3 -U -I eth0 -s "$(wan4 1)" "$(wan4 1)"
wait $listener
check "an ARP claim of dev1's address is told" told "$(conflict_of 1)"
check "  with who it was" told ".msg.\"other-mac\" == \"$MAC_CLIENT\""
check "  and dev1 is still reached" within 5 from_far tcp "$(wan4 1)" 100
sleep 10	# DEFEND_INTERVAL
listen 4
netns_sysctl client net.ipv6.conf.eth0.accept_dad=1
ip -n client addr add "$(wan6 1)/64" dev eth0
wait $listener
check "so is the same address under DAD" told "$(conflict_of 1)"
like "  which was defended" "$(ip -n client -6 addr show dev eth0)" 'dadfailed'
ip -n client addr del "$(wan6 1)/64" dev eth0
check "  and dev1 is still reached" within 5 reached 1

datapath_done
