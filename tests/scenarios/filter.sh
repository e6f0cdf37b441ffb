#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# filter forward: the site's own nftables rules judge the first packet of every session, as they would
# that of any flow through the box, and nothing else.

# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

# rules <RULES: all of the site's, in its forward hook
rules()
{
	local chain

	chain=$(cat)
	check "rules: $(head -n 1 <<<"$chain")" in_ns gw nft -f - <<-EOF
		table inet site
		delete table inet site
		table inet site {
			counter seen { }
			counter untracked { }
			chain forward {
				type filter hook forward priority 0
				counter name seen
				ct state untracked counter name untracked
				$chain
			}
		}
	EOF
}

# counter NAME: packets of it
counter() { in_ns gw nft list counter inet site "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }

# refused NAME FROM ADDRESS PORT [udp]: it does not get there, and is counted
refused()
{
	local before after said

	before=$(dropped filter)
	said=$(room knock "$2" "$3" "$4" "${5:-tcp}")
	after=$(dropped filter)
	is "$1" "$said" timeout
	check "  and it is counted" test "$after" -gt "$before"
}

datapath_up 1 2
rules <<<drop
check "without the filter the rules have no say" inward tcp 1 1000
is "  and see nothing" "$(counter seen)" 0
check "with it" gateway_set filter=forward
refused "  they refuse" client "$(wan4 1)" 7000
refused "  by IPv6, too" client "$(wan6 1)" 7000
refused "  and on the way out" dev1 $CLIENT4 7000 udp

rules <<<accept
check "rules that accept let pass" inward tcp 1 100000
is "  one packet of the session was judged" "$(counter seen)" 1
is "  which was not tracked" "$(counter untracked)" 1
check "  6to4" inward6 tcp 1 100000
check "  out" outward tcp 1 100000
check "  datagrams of 8000 bytes" inward6 udp 1 8000
check "  echo" ping_from client "$(wan6 1)"
is "  five sessions, five packets" "$(counter seen)" 5

# Rules see the session as the LAN side does: ports and both addresses.
rules <<-EOF
	iifname lan0 oifname wan0 ip saddr $(lan4 1) ip daddr $CLIENT4 tcp dport 7000 accept
	iifname wan0 oifname lan0 ip saddr $CLIENT4 ip daddr $(lan4 2) udp dport 7000 accept
	iifname wan0 oifname lan0 ip saddr 192.168.1.1 ip daddr $(lan4 2) tcp dport 7000 accept
	drop
EOF
check "by ports and addresses, out" outward tcp 1 1000
refused "  another device's is refused" dev2 $CLIENT4 7000
refused "  another port's" dev1 $CLIENT4 7001
check "  in, by the port that a forward leads to" good udp client dev2 "$(wan4 2)" 7001 7000 100
refused "  not the other device" client "$(wan4 1)" 7001 udp
check "  an IPv6 client is the gateway" inward6 tcp 2 1000
refused "  and refused where it may not" client "$(wan6 1)" 7000

# What is there goes on, whatever the rules become.
rules <<<accept
room flow in4 tcp client dev1 "$(wan4 1)" 7000 7000 >/dev/null
room flow in6 tcp client dev1 "$(wan6 1)" 7001 7000 >/dev/null
room flow out udp dev1 client $CLIENT4 7002 7002 >/dev/null
check "flows go" good flows 5
rules <<<drop
check "and go on when new rules would refuse them" good flows 5
refused "  which they do with new ones" client "$(wan4 1)" 7001
for flow in in4 in6 out; do
	room flow_end $flow >/dev/null
done

# What answers a refused packet has only that packet to look at.
for how in reject "reject with tcp reset" "reject with icmpx admin-prohibited" "reject with icmp host-unreachable"; do
	case $how in
	*tcp*)	rules <<<"meta l4proto tcp $how; drop" ;;
	*)	rules <<<"$how" ;;
	esac
	counted "$how: inbound" "dropped filter" 1 room knock client "$(wan4 1)" 7001 tcp
	counted "  6to4" "dropped filter" 1 room knock client "$(wan6 1)" 7001 tcp
	counted "  outbound" "dropped filter" 1 room knock dev1 $CLIENT4 7000 tcp
	counted "  datagrams" "dropped filter" 1 room knock dev1 $CLIENT4 7000 udp
done
check "without the filter again" gateway_set filter=off
rules <<<drop
check "  the rules have no say" inward tcp 1 1000
datapath_done
