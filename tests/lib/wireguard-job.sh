#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An agent with WireGuard networks alone, one of each mode, and four peers in each by the files that it gives
# them: who reaches whom, and what changes do to those that talk. Judged by other programs than ours.
#
#   laptop, desk, phone, camera ── wan (switch) ── eth0 hub
#
# laptop and desk are staff, and reach each other; phone is a guest, and reaches desk's web server alone;
# camera is in no group.

# shellcheck source=tests/lib/wireguard.sh
. "$(dirname "${BASH_SOURCE[0]}")/wireguard.sh"

readonly PEERS=(laptop desk phone camera)
readonly ALLOWED="camera→hub: ping; desk→hub: ping; desk→laptop: ping tcp udp; laptop→desk: ping tcp udp; \
laptop→hub: ping; phone→desk: tcp; phone→hub: ping"
declare -A number=([hub]=1 [laptop]=2 [desk]=3 [phone]=4 [camera]=5)
# shellcheck disable=SC2034 # by their names
declare -A prefix4=([four]=10.4.0. [dual]=10.10.0.) prefix6=([four]=fd00:4:: [six]=fd00:6:: [dual]=fd00:10::)
: "${TB_WAIT:=3}"			# seconds after which nothing has come

# address NETWORK 4|6 PEER
address()
{
	local -n prefix=prefix$2

	echo "${prefix[$1]}${number[$3]}"
}

# network NAME PORT PREFIXES PHONE-AND-CAMERA: as it stands in a file
network()
{
	cat <<-EOF
	    - name: $1
	      $3
	      listen_port: $2
	      endpoint: $([ "$1" = six ] && echo '"2001:db8::1"' || echo 192.0.2.1)
	      dns: {}
	      peers:
	        - {name: hub, jump: true}
	        - {name: laptop, agent: true, groups: [staff]}
	        - {name: desk, agent: true, groups: [staff], preshared_key: generate}
	        - {name: phone, groups: [guests], $4}
	        - {name: camera, $4}
	      groups:
	        - {name: staff, priority: 10, policies: [team]}
	        - {name: guests, policies: [web]}
	      policies:
	        - {name: team, rules: [{direction: output, action: allow, target: staff}]}
	        - {name: web, rules: [{direction: output, action: allow, target: desk, protocol: tcp, ports: [80]}]}
	EOF
}

# The agent's own file has one of the networks, the other two are applied.
files()
{
	cat >"$tb/doppel.yaml" <<-EOF
		state: $tb/doppel.db
		wireguard:
		  firewall: $1
		  networks:
		$(network six 51806 'ip_stack_mode: ipv6
	      ipv6_cidr: "fd00:6::/64"' 'agent: true')
	EOF
	cat >"$tb/applied.yaml" <<-EOF
		networks:
		$(network four 51804 'ipv4_cidr: 10.4.0.0/24' 'agent: true')
		$(network dual 51810 'ip_stack_mode: dual
	      ipv4_cidr: 10.10.0.0/24
	      ipv6_cidr: "fd00:10::/64"' 'agent: false')
	EOF
}

doppel() { in_ns hub "$tb_root/build/doppel" "$1" -s "$tb/api.sock" "${@:2}"; }
answering() { doppel network list; }

# host NAME NUMBER: with a port at the switch
host()
{
	netns_add "$1"
	cable "$1" eth0 wan "$1"
	ip -n wan link set "$1" master br0 up
	ip -n "$1" addr add "192.0.2.$2/24" dev eth0
	ip -n "$1" addr add "2001:db8::$2/64" dev eth0 nodad
	ip -n "$1" link set eth0 up
}

# file_of NETWORK PEER: taken, and put to use
file_of() { doppel peer config "$1" "$2" | quick_up "$1" "$2"; }

# --- who reaches whom ------------------------------------------------------------------------

reach_start()
{
	mkfifo "$tb/probed" "$tb/reached"
	/usr/bin/python3 "$tb_lib/reach.py" "$TB_WAIT" <"$tb/probed" >"$tb/reached" 2>>"$tb/log/reach" &
	tb_pids+=("$!")
	exec {probed}>"$tb/probed" {arrived}<"$tb/reached"
	read -r -t 60 <&"$arrived" || bail_out "reach.py does not start"
}

# arriving {BY AT ADDRESS}…: what of it gets there (reach.py)
arriving()
{
	local answer

	echo "$*" >&"$probed"
	IFS= read -r -t 60 answer <&"$arrived" || answer="nobody looks"
	echo "$answer"
}

# reached NETWORK 4|6: all that gets from one peer to another, or to the hub
reached()
{
	local by at probes=()

	for by in "${PEERS[@]}"; do
		for at in hub "${PEERS[@]}"; do
			[ "$by" = "$at" ] || probes+=("$by" "$at" "$(address "$1" "$2" "$at")")
		done
	done
	arriving "${probes[@]}"
}

# --- what the kernel has ---------------------------------------------------------------------

# allowed NETWORK: the addresses of the hub's peers, in order
allowed() { in_ns hub wg show "wg-$1" allowed-ips | cut -f 2 | tr ' ' '\n' | sort -V | xargs; }
forwarding() { in_ns hub sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding | xargs; }
shook() { in_ns hub wg show wg-four latest-handshakes | grep -F "$(in_ns laptop wg show wg-four public-key)" | cut -f 2; }

# same_session BEFORE: laptop's latest handshake is the one it was; WireGuard makes one anew after 120 s.
same_session()
{
	local now

	now=$(shook)
	[ "$now" = "$1" ] || [ $((now - $1)) -gt 115 ]
}

# rules 4|6: of the family, in the firewall's own words
rules()
{
	local v6=${1#4}

	if [ "$backend" = nftables ]; then
		in_ns hub nft list table "ip$v6" doppel_wg
	else
		in_ns hub "ip${v6}tables-save"
	fi
}

# judged NETWORK: the families that there are rules for
judged()
{
	local family

	for family in 4 6; do
		rules $family 2>/dev/null | grep -q "wg-$1\b" && echo $family
	done | xargs
}

# in_rules ADDRESS
in_rules() { { rules 4; rules 6; } 2>/dev/null | grep -qE "(^|[^0-9a-f:.])$1(\$|[^0-9a-f:.])"; }

# --- the parts -------------------------------------------------------------------------------

networks_up()
{
	local name

	testbed_scratch
	netns_add wan
	ip -n wan link add br0 type bridge
	ip -n wan link set br0 up
	host hub 1
	files "$backend"
	spawn agent.log hub "$tb_root/build/doppel" agent -c "$tb/doppel.yaml" -s "$tb/api.sock"
	check "the agent answers" within 20 answering || bail_out "no agent"
	is "R9.2 an IPv6 network: IPv6 is forwarded, IPv4 is not" "$(forwarding)" "0 1"
	check "two networks more" doppel apply -f "$tb/applied.yaml"
	is "R9.3 a dual-stack one: both are" "$(forwarding)" "1 1"
	for name in "${PEERS[@]}"; do
		host "$name" "1${number[$name]}"
	done
	reach_start
}

peers_up()
{
	local network name

	for network in four six dual; do
		for name in "${PEERS[@]}"; do
			check "$network: $name by its file" file_of $network "$name"
		done
	done
	is "R3.1 R4.1 an IPv4 network gives IPv4 addresses" "$(addresses laptop four)" 10.4.0.2/32
	is "R3.2 R4.2 an IPv6 network IPv6 addresses" "$(addresses laptop six)" fd00:6::2/128
	is "R3.3 R4.3 a dual-stack one both" "$(addresses laptop dual)" "10.10.0.2/32 fd00:10::2/128"
	is "R3.1 the hub has them" "$(allowed four)" "10.4.0.2/32 10.4.0.3/32 10.4.0.4/32 10.4.0.5/32"
	is "R3.2" "$(allowed six)" "fd00:6::2/128 fd00:6::3/128 fd00:6::4/128 fd00:6::5/128"
	is "R3.3" "$(allowed dual)" "10.10.0.2/32 10.10.0.3/32 10.10.0.4/32 10.10.0.5/32 fd00:10::2/128 fd00:10::3/128 fd00:10::4/128 fd00:10::5/128"
	is "R6.1 R9.5 an IPv4 network has rules for IPv4" "$(judged four)" 4
	is "R6.2 an IPv6 network for IPv6" "$(judged six)" 6
	is "R6.3 R9.4 R13.4 a dual-stack one for both" "$(judged dual)" "4 6"
}

names_answer()
{
	local asker

	for asker in "${PEERS[@]}"; do
		is "R5.3 R5.4 $asker asks by IPv4 and UDP: A" "$(ask 10.10.0.1 desk.dual.internal a)" "NOERROR 10.10.0.3"
		is "R5.3 R5.4 … by IPv6 and TCP: AAAA" "$(ask fd00:10::1 desk.dual.internal aaaa -t)" "NOERROR fd00:10::3"
	done
	asker=laptop
	is "R5.1 R5.4 in the IPv4 network: A" "$(ask 10.4.0.1 desk.four.internal a)" "NOERROR 10.4.0.3"
	is "R5.4 … no AAAA" "$(ask 10.4.0.1 desk.four.internal aaaa)" NOERROR
	is "R5.2 R5.4 in the IPv6 network: AAAA" "$(ask fd00:6::1 desk.six.internal aaaa)" "NOERROR fd00:6::3"
	is "R5.4 … no A" "$(ask fd00:6::1 desk.six.internal a)" NOERROR
}

# policies: a flow that a new rule denies ends
policies_change()
{
	flow_start four laptop desk 10.10.0.3 7000
	flow_start six laptop desk fd00:10::3 7001
	check "laptop talks to desk by IPv4" flow_says four
	check "… and by IPv6" flow_says six
	check "staff may reach ::/0 alone" doppel policy set dual team "output allow ::/0"
	check_not "R6.7 R13.3 the IPv4 flow is cut" flow_goes_on four 2
	check "R6.7 R13.3 the IPv6 flow goes on" flow_goes_on six
	is "… and nothing new gets there by IPv4" "$(arriving laptop desk 10.10.0.3)" ""
	check "staff may reach 0.0.0.0/0 alone" doppel policy set dual team "output allow 0.0.0.0/0"
	check_not "R6.6 R13.2 the IPv6 flow is cut" flow_goes_on six 2
	is "R6.6 R13.2 IPv4 gets there again" "$(arriving laptop desk 10.10.0.3)" "laptop→desk: ping tcp udp"
	is "… and IPv6 not" "$(arriving laptop desk fd00:10::3)" ""
	check "as it was" doppel policy set dual team "output allow staff"
	is "… for IPv6, too" "$(arriving laptop desk fd00:10::3)" "laptop→desk: ping tcp udp"
}

# mode MODE [OPTION…]: of network four, which the peers' owners then take the files of
mode()
{
	check "over to $1" doppel network set four --ip-stack-mode "$@"
}

files_again()
{
	check "R10.5 laptop's new file" file_of four laptop
	check "R10.5 desk's" file_of four desk
}

readonly FOUR4="10.4.0.2/32 10.4.0.3/32 10.4.0.4/32 10.4.0.5/32" FOUR6="fd00:4::2/128 fd00:4::3/128 fd00:4::4/128 fd00:4::5/128"

modes_change()
{
	local shaken

	flow_start kept4 laptop desk 10.4.0.3 7002
	check "laptop talks to desk by IPv4" flow_says kept4
	shaken=$(shook)
	mode dual --ipv6-cidr fd00:4::/64
	is "R10.1 ipv4 to dual: every peer has an IPv6 address" "$(allowed four)" "$FOUR4 $FOUR6"
	check "R10.1 … the IPv4 flow goes on" flow_goes_on kept4
	check "R10.1 … in its session" same_session "$shaken"
	files_again
	is "R10.5 … which has both" "$(addresses laptop four)" "10.4.0.2/32 fd00:4::2/128"
	check "R10.5 … the IPv4 flow goes on" flow_goes_on kept4
	check "R10.1 … and there is an AAAA record" within 5 answers 10.4.0.1 desk.four.internal aaaa "NOERROR fd00:4::3"
	is "R10.1 … and rules" "$(judged four)" "4 6"
	flow_start kept6 laptop desk fd00:4::3 7003
	check "R10.1 laptop talks to desk by IPv6" flow_says kept6

	shaken=$(shook)
	mode ipv6
	is "R10.4 dual to ipv6: no peer has an IPv4 address" "$(allowed four)" "$FOUR6"
	is "R10.4 … nor the hub" "$(addresses hub four)" fd00:4::1/64
	check "R10.4 … the IPv6 flow goes on" flow_goes_on kept6
	check_not "R10.4 … the IPv4 flow does not" flow_goes_on kept4 2
	check "R10.4 … in its session" same_session "$shaken"
	is "R10.4 … no rules for IPv4" "$(judged four)" 6
	check "R10.4 … no A record" within 5 answers fd00:4::1 desk.four.internal a NOERROR
	is "R10.4 … the AAAA record stays" "$(ask fd00:4::1 desk.four.internal aaaa)" "NOERROR fd00:4::3"
	files_again
	is "R10.5 … which has IPv6 alone" "$(addresses laptop four)" fd00:4::2/128
	check "R10.5 … the IPv6 flow goes on" flow_goes_on kept6

	mode dual --ipv4-cidr 10.4.0.0/24
	is "R10.3 ipv6 to dual: every peer has an IPv4 address" "$(allowed four)" "$FOUR4 $FOUR6"
	check "R10.3 … the IPv6 flow goes on" flow_goes_on kept6
	files_again
	is "R10.5 … which has both" "$(addresses laptop four)" "10.4.0.2/32 fd00:4::2/128"
	check "R10.3 … and there is an A record" within 5 answers fd00:4::1 desk.four.internal a "NOERROR 10.4.0.3"
	is "R10.3 laptop reaches desk by IPv4" "$(arriving laptop desk 10.4.0.3)" "laptop→desk: ping tcp udp"
	check "R10.3 … the IPv6 flow goes on" flow_goes_on kept6
	flow_start again4 laptop desk 10.4.0.3 7004
	check "laptop talks to desk by IPv4" flow_says again4

	mode ipv4
	is "R10.2 dual to ipv4: no peer has an IPv6 address" "$(allowed four)" "$FOUR4"
	check "R10.2 … the IPv4 flow goes on" flow_goes_on again4
	check "R10.2 … no AAAA record" within 5 answers 10.4.0.1 desk.four.internal aaaa NOERROR
	is "R10.2 … the A record stays" "$(ask 10.4.0.1 desk.four.internal a)" "NOERROR 10.4.0.3"
	is "R10.2 … no rules for IPv6" "$(judged four)" 4
}

mode_is_refused()
{
	check_not "R10.6 a mode that takes a family from static peers" doppel network set dual --ip-stack-mode ipv4
	like "R10.6 … is refused, with their names" "$(doppel network set dual --ip-stack-mode ipv4 2>&1)" \
		'static peers have IPv6 addresses: "phone", "camera"'
	is "R10.6 … and changes nothing" "$(addresses hub dual)" "10.10.0.1/24 fd00:10::1/64"
	is "R10.6 … for any peer" "$(allowed dual | wc -w)" 8
}

peers_go()
{
	local key

	key=$(in_ns phone wg show wg-dual public-key)
	check "phone's address is in the rules" in_rules 10.10.0.4
	check "… the one of IPv6, too" in_rules fd00:10::4
	check_not "a peer of the agent's own file cannot be removed" doppel peer remove six phone
	is "… and stays" "$(allowed six | wc -w)" 4
	check "phone is removed" doppel peer remove dual phone
	unlike "R3.5 wg has it no more" "$(in_ns hub wg show wg-dual)" "$key"
	check_not "R3.5 the rules have its address no more" in_rules 10.10.0.4
	check_not "R3.5 … nor that of IPv6" in_rules fd00:10::4
	check "R5.5 its name is gone" within 5 answers 10.10.0.1 phone.dual.internal a NXDOMAIN
	is "R5.5 … for both families" "$(ask 10.10.0.1 phone.dual.internal aaaa)" NXDOMAIN
	is "it gets nowhere" "$(arriving phone desk 10.10.0.3)" ""
	check "another peer comes" doppel peer add dual tablet
	like "R3.5 it has the addresses that are free" "$(in_ns hub wg show wg-dual allowed-ips)" "[[:space:]]10.10.0.4/32 fd00:10::4/128"

	is "phone reaches desk in the IPv4 network" "$(arriving phone desk 10.4.0.3)" "phone→desk: tcp"
	check "it expires soon" doppel peer set four phone --expires "$(date -u -d '+4 seconds' +%Y-%m-%dT%H:%M:%SZ)"
	check "then it is no peer any more" within 10 expired
	is "… and gets nowhere" "$(arriving phone desk 10.4.0.3)" ""
	is "… the others do" "$(arriving laptop desk 10.4.0.3)" "laptop→desk: ping tcp udp"
}

expired() { [ "$(allowed four)" = "10.4.0.2/32 10.4.0.3/32 10.4.0.5/32" ]; }

# wireguard_job nftables|iptables
wireguard_job()
{
	local network family

	backend=$1
	networks_up
	peers_up
	for network in 'four 4' 'six 6' 'dual 4' 'dual 6'; do
		read -r network family <<<"$network"
		is "$network: what the policies say reaches its peer by IPv$family, and nothing else" \
			"$(reached "$network" "$family")" "$ALLOWED"
	done
	names_answer
	policies_change
	modes_change
	mode_is_refused
	peers_go
	check "no key is in the log" no_key_logged
	tap_done
}

# What a person wants to see after a failure
gateway_diag()
{
	local name

	for name in hub laptop desk; do
		echo "--- $name"
		in_ns "$name" wg show wg-four
		ip -n "$name" addr show dev wg-four
		ip -n "$name" -6 route show dev wg-four
	done
}

no_key_logged() { ! grep -E '[A-Za-z0-9+/]{43}=' "$tb/log/agent.log"; }
