#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Only devices' MACs may show on the WAN, and the box speaks all the same: by an identity that a device
# lends it.

TB_DNS=1
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

lender() { doppel status --json | jq -r '.wan.lend.lender // empty'; }
lender_is_other()
{
	local now

	now=$(lender)
	if [ -z "$now" ] || [ "$now" = "$1" ]; then
		doppel status
		return 1
	fi
}
lends_nobody() { [ -z "$(lender)" ]; }
way_out() { ip -n gw route show default | grep 'dev wan0'; }
box_reaches() { http gw $CLIENT4 80 /name; }
lease_of_mac() { lease4_of $((16#${1##*:})); }

# The box's clock and resolver, in short: who is asked sees the lender's address.
box_speaks()
{
	local lease

	lease=$(lease_of_mac "$(lender)")
	is "curl on the box reaches a server on the WAN, which sees $1's address" \
		"$(http gw $CLIENT4 80 /cgi-bin/ip)" "$lease"
	is "  and one behind the router" "$(http gw $FAR4 80 /cgi-bin/ip)" "$lease"
	is "  UDP, like a clock's" "$(udp_ask gw $FAR4 5000)" "far hello"
	is "  DNS" "$(resolve gw far.test 10.1.2.1)" $FAR4
	check "  ICMP echo" ping_from gw $FAR4
	is "  and a download is whole" "$(http gw $CLIENT4 80 /big | sha256sum)" "$tb_big_sum"
}

gateway_up dual 1 2 3
first=$(lender)
like "a device lends the box its identity" "$first" '^02:00:00:00:00:0[123]$'
like "the box has a way out" "$(way_out)" 'via 192\.0\.0\.8 dev wan0 proto 208 src 192\.168\.1\.1 metric 2048 onlink'
is "and a name server to ask" "$(sed -n 's/^nameserver //p' /run/doppel/resolv.conf)" 10.1.2.1
box_speaks "the first lender"
like "its sessions are the box's own" "$(doppel sessions)" 'udp +4to4 +box:[0-9]+ .*5000'
like "doppel status says who lends" "$(doppel status)" "box +speaks as $first"
is "doppel diagnose has nothing against it" "$(diagnosis lending)" ok
is "and knows of nothing that could show the port's own MAC" "$(diagnosis wan-guard)" ok
tc -n gw qdisc add dev wan0 clsact
tc -n gw filter add dev wan0 egress protocol ip u32 match u32 0 0 classid 1:1
is "but of a filter that comes after the module" "$(diagnosis wan-guard)" warning
tc -n gw qdisc del dev wan0 clsact
is "the module has told what it lent" "$(api /api/v1/stats | jq '.totals.lent > 0')" true

# The device that lends is served as before, the box's ports are none of its own.
n=$((16#${first##*:}))
is "who lends reaches the WAN itself" "$(http "dev$n" $CLIENT4 80 /cgi-bin/ip)" "$(lease4_of $n)"
is "and is reached" "$(http client "$(lease4_of $n)" 8080 /name)" "dev$n"

# --- the port goes down and comes back
ip -n gw link set wan0 down
ip -n gw link set wan0 up
check "after the port was down the box has its way again" within 10 way_out
is "and reaches the WAN" "$(within 15 box_reaches)" client

# --- somebody else manages routes, addresses, the port's MAC
ip -n gw route del default proto 208
check "a way out that was taken away is back" within 15 way_out
ip -n gw address del 192.168.1.1/24 dev lan0
check "so it is, with the LAN address, when that is taken away" within 15 way_out
ip -n gw link set wan0 address 02:00:00:00:99:99
is "with another MAC of the port the box reaches the WAN" "$(within 15 box_reaches)" client
like "aliases lead to the WAN, too" "$(ip -n gw route show proto 208)" '192\.0\.0\.0/29 via 192\.0\.0\.8 dev wan0'

# --- the lender goes
ip -n "dev$n" link set eth0 down
check "the lender is forgotten" doppel devices "$first" --forget
check "another one lends" within 10 lender_is_other "$first"
box_speaks "the next lender"

# --- a new agent
second=$(lender)
box_sessions() { doppel sessions --json | jq '[.sessions[] | select(.lent) | .wan.port] | sort'; }
lender_is() { [ "$(lender)" = "$1" ] || { doppel status; return 1; }; }
sessions=$(box_sessions)
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
is "without an agent the box speaks on" "$(http gw $CLIENT4 80 /name)" client
agent_start
check "a new agent leaves the lender as it is" within 10 lender_is "$second"
check "and the box's sessions" test "$(jq -n --argjson a "$sessions" --argjson b "$(box_sessions)" '$a - $b | length')" = 0
isnt "of which there are some" "$sessions" "[]"
is "and the box speaks on" "$(http gw $CLIENT4 80 /name)" client

# --- the site's nftables refuse nothing of the box's own, and lend: off everything
sed -i 's/identity: devices-only/&, lend: off/' "$tb/doppel.yaml"
kill -HUP "$agent_pid"
check "lend: off: nobody lends" within 10 lends_nobody
is "the box has no way out" "$(way_out)" ""
is "no route to aliases either" "$(ip -n gw route show proto 208)" ""
is "nor a neighbour that is nobody" "$(ip -n gw neigh show nud permanent | grep 192.0.0.8)" ""
is "nor a name server" "$(grep -c nameserver /run/doppel/resolv.conf)" 0
ip -n gw route add $CLIENT4/32 dev wan0
before=$(drops egress-own)
check_not "what the box sends out of the port all the same" opens gw $CLIENT4 80
check "is dropped and counted" test "$(drops egress-own)" -gt "$before"
capture_stop
check "every frame on the WAN had a registered source MAC" capture_only_registered
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
