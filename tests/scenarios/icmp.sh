#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# ICMP both ways: echo, the errors of peers, routers and devices about every kind of session as the
# applications learn them, byte by byte what they quote; lies go nowhere; traceroute shows the way.

TB_CHECKSUMS=1
# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

readonly ALIAS4=192.0.2.10 ALIAS6=2001:db8:1::201

# hops FROM ADDRESS OPTIONS: who answered, in the order of the way
hops() { in_ns "$1" traceroute -n -q 1 -w 3 -m 6 "${@:3}" "$2" 2>/dev/null | awk 'NR > 1 { print $2 }' | tr '\n' ' '; }

# learns WHO ADDRESS: what the sender of a datagram to a port of it learns, where nobody listens
learns() { room udp_closed "$1" "$2" "${3:-7000}"; }

# router_says WHO ADDRESS WHAT: what the sender learns of a router, which says one thing a second
router_says() { [ "$(learns "$1" "$2")" = "$3" ]; }

echoes() { in_ns "$1" ping -n -c 2 -i 0.2 -W 5 "${@:3}" "$2"; }

datapath_up 1 2
ip -n client addr add $ALIAS6/64 dev eth0 nodad
check "an IPv6 host gets an IPv4 alias" steer mapping-add ipv4=$ALIAS4 ipv6=$ALIAS6
check "dev2 has IPv6 alone" steer device-set "mac=$(mac_of 2)" wan-ipv4=0.0.0.0
sniff wan isp swgw
sniff lan lan gateway

check "echo from an IPv4 client" echoes client "$(wan4 1)"
check "  from an IPv6 client" echoes client "$(wan6 1)"
check "  from behind the router" echoes far "$(wan4 1)"
check "  by IPv6" echoes far "$(wan6 1)"
check "  to a peer on the link" echoes dev1 $CLIENT4
check "  behind the router" echoes dev1 $FAR4
check "  to an alias" echoes dev2 $ALIAS4
check "  from the alias's host" echoes client "$(wan6 2)" -I $ALIAS6
check "  of 3000 bytes, in fragments" echoes client "$(wan4 1)" -s 3000
check "  by IPv6" echoes client "$(wan6 1)" -s 3000
check "  and out" echoes dev1 $FAR4 -s 3000

is "a closed port of the device is told to an IPv4 client" "$(learns client "$(wan4 1)")" ECONNREFUSED
is "  to an IPv6 client" "$(learns client "$(wan6 1)")" ECONNREFUSED
is "  behind the router" "$(learns far "$(wan6 1)")" ECONNREFUSED
is "a peer's closed port is told to the device" "$(learns dev1 $CLIENT4)" ECONNREFUSED
is "  behind the router" "$(learns dev1 $FAR4)" ECONNREFUSED
is "  an IPv6 host's with an alias" "$(learns dev2 $ALIAS4)" ECONNREFUSED

ip -n isp route add unreachable 203.0.113.0/25
ip -n isp route add prohibit 203.0.113.128/25
check "a router's host unreachable" within 3 router_says dev1 203.0.113.1 EHOSTUNREACH
check "  administratively prohibited, which Linux calls the same" within 3 router_says dev1 203.0.113.200 EHOSTUNREACH
check "  net unreachable" within 3 router_says dev1 203.0.114.1 ENETUNREACH
is "no way for an IPv4 destination is told by the gateway" "$(learns dev2 198.51.100.1)" ENETUNREACH

is "traceroute from the device to far shows gateway, router, far" "$(hops dev1 $FAR4)" "192.168.1.1 $ROUTER4 $FAR4 "
is "  by echo" "$(hops dev1 $FAR4 -I)" "192.168.1.1 $ROUTER4 $FAR4 "
is "from far to the device: router, gateway in the device's name, device" \
	"$(hops far "$(wan4 1)" -I)" "198.51.100.1 $(wan4 1) $(wan4 1) "
is "  by IPv6" "$(hops far "$(wan6 1)" -I)" "2001:db8:f::1 $(wan6 1) $(wan6 1) "
is "  from the link, by TCP to a forward" "$(hops client "$(wan4 1)" -T -p 7000)" "$(wan4 1) $(wan4 1) "
like "tracepath from the device finds far and the path's MTU" "$(in_ns dev1 tracepath -n -m 6 $FAR4)" 'pmtu 1500 hops 3 back 3'

for ns in client dev1 dev2; do
	stage $ns
done
forward 1 udp:60001
forward 2 udp:60001
raw icmp_errors.py

for capture in wan lan; do
	sniffed $capture
done
is "no checksum that the gateway sent to the WAN is wrong" "$(bad_checksums wan "eth.dst != ff:ff:ff:ff:ff:ff &&
	eth.src[0:5] == 02:00:00:00:00" | head -n 5)" ""
is "nor one to the LAN" "$(bad_checksums lan "eth.src == $MAC_GW_LAN" | head -n 5)" ""
datapath_done
