#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# What is not for the WAN: devices reach each other by their WAN addresses, each sees the other's;
# what the box routes elsewhere (a WireGuard tunnel) is its stack's; where the port's own MAC may show,
# the box keeps its own addresses.

# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

readonly ALIAS4=192.0.2.20		# of dev2's WAN IPv6 address
readonly TUNNEL4=10.99.0.2		# the other end of the tunnel

# hairpin VERB ARGUMENTS: from dev1 to dev2 by its WAN address
hairpin() { good "$1" dev1 dev2 "$(wan4 2)" 7001 7000 "${@:2}"; }

datapath_up 1 2
sniff wan isp swgw
before=$(total hairpinned)
check "a device reaches another one by its WAN address" hairpin tcp 200000
check "  in datagrams" hairpin udp 100
check "  of 8000 bytes" hairpin udp 8000
check "  of super-packets" hairpin gso 1200 100 10
check "  by echo" ping_from dev1 "$(wan4 2)"
is "  and is seen with its own WAN address" "$(room who dev1 dev2 "$(wan4 2)" 7000 7000)" "$(wan4 1)"
is "  in datagrams, too" "$(room udp_who dev1 dev2 "$(wan4 2)" 7000 7000)" "$(wan4 1)"
check "the other way round" good tcp dev2 dev1 "$(wan4 1)" 7000 7000 1000
check "it reaches itself" good tcp dev1 dev1 "$(wan4 1)" 7000 7000 1000
is "what no forward opens is closed" "$(room tcp dev1 dev2 "$(wan4 2)" 7999 7999 10)" timeout
is "a closed port is told of" "$(room udp_closed dev1 "$(wan4 2)" 7000)" ECONNREFUSED
like "traceroute shows the gateway, its face, and the device" \
	"$(in_ns dev1 traceroute -n -I -q 1 -w 2 -m 5 "$(wan4 2)" 2>&1 | awk 'NR > 1 { printf "%s ", $2 }')" "^192.168.1.1 .*$(wan4 2) \$"
check "an alias for a WAN IPv6 address" steer mapping-add ipv4=$ALIAS4 "ipv6=$(wan6 2)"
check "  leads to the device by IPv6" good tcp dev1 dev2 $ALIAS4 7001 7000 100000
check "  in datagrams" good udp dev1 dev2 $ALIAS4 7001 7000 3000
check "  by echo" ping_from dev1 $ALIAS4
check "all of it is counted" test "$(total hairpinned)" -gt $((before + 50))
sniffed wan
is "none of it showed on the WAN" \
	"$(seen wan "(ip.src == $(wan4 1) && ip.dst == $(wan4 2)) || (ip.src == $(wan4 2) && ip.dst == $(wan4 1)) ||
		(ipv6.dst == $(wan6 2) && ipv6.src == $(wan6 1)) || (ipv6.src == $(wan6 2) && ipv6.dst == $(wan6 1))" | head -n 4)" ""

# --- a tunnel of the box's: isp is its other end, by a cable beside the WAN
netns_add tunnel
cable gw side0 tunnel side0
ip -n gw addr add 172.31.0.1/24 dev side0
ip -n tunnel addr add 172.31.0.2/24 dev side0
ip -n gw link set side0 up
ip -n tunnel link set side0 up
for ns in gw tunnel; do
	ip -n $ns link add wg0 type wireguard
	(umask 077 && wg genkey >"$tb/$ns.key")
done
wireguard() { in_ns "$1" wg set wg0 listen-port 51820 private-key "$tb/$1.key" peer "$2" endpoint "$3:51820" allowed-ips "$4"; }
wireguard gw "$(wg pubkey <"$tb/tunnel.key")" 172.31.0.2 10.99.0.0/24
wireguard tunnel "$(wg pubkey <"$tb/gw.key")" 172.31.0.1 10.99.0.0/24,192.168.1.0/24
ip -n gw addr add 10.99.0.1/24 dev wg0
ip -n tunnel addr add $TUNNEL4/24 dev wg0
for ns in gw tunnel; do
	ip -n $ns link set wg0 up
done
ip -n tunnel route add 192.168.1.0/24 dev wg0
netns_sysctl gw net.ipv4.ip_forward=1
check "a device reaches the far end of the box's tunnel" good tcp dev1 tunnel $TUNNEL4 7000 7000 100000
is "  with its LAN address" "$(room who dev1 tunnel $TUNNEL4 7000 7000)" "$(lan4 1)"
check "  by echo" ping_from dev1 $TUNNEL4
check "  and is reached from it" good tcp tunnel dev1 "$(lan4 1)" 7000 7000 100000
is "  no session was needed" "$(sessions '."wan-peer-ipv4" == "10.99.0.2"')" 0
check "a device reaches the box itself" good tcp dev1 gw 192.168.1.1 7000 7000 100000

# --- the box's own addresses, where its MAC may show
register_mac $MAC_GW_WAN
check "the port's own MAC may show" gateway_set identity=own
ip -n gw addr add 10.1.2.2/24 dev wan0
ip -n gw addr add 2001:db8:1::2/64 dev wan0 nodad
ip -n gw route add default via $ROUTER4
check "the box reaches the WAN by its own address" good tcp gw client $CLIENT4 7000 7000 100000
is "  which is seen" "$(room who gw far $FAR4 7000 7000)" 10.1.2.2
check "  and is reached by it" good tcp client gw 10.1.2.2 7000 7000 100000
check "  by IPv6, too" good tcp gw client $CLIENT6 7000 7000 100000
check "  and back" good udp client gw 2001:db8:1::2 7000 7000 3000
is "  without sessions" "$(sessions '."wan-ipv4" == "10.1.2.2" or ."wan-ipv6" == "2001:db8:1::2" or .lent')" 0
check "the devices are reached as before" reached 1
check "  and reach out" outward tcp 2 1000
datapath_done
