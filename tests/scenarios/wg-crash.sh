#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# An agent with nothing but WireGuard networks is killed while its file changes, at any moment between
# plan, database, kernel and firewall: the next one brings all of them to what the file says.

# shellcheck source=tests/lib/testbed.sh
. "$(dirname "$0")/../lib/testbed.sh"

rounds=6

# file_of dual|ipv4: a network in that mode; in the second another peer, and a network more
file_of()
{
	local peers="{name: hub, jump: true}, {name: laptop, agent: true, groups: [staff], preshared_key: generate}"
	local rest="groups: [{name: staff, policies: [all]}]
      policies: [{name: all, rules: [{direction: output, action: allow, target: any}]}]"

	echo "state: $tb/doppel.db"
	echo "wireguard:"
	echo "  networks:"
	if [ "$1" = dual ]; then
		cat <<-EOF
		    - name: office
		      ip_stack_mode: dual
		      ipv4_cidr: 10.10.0.0/24
		      ipv6_cidr: "fd00:10::/64"
		      peers: [$peers, {name: phone, agent: true, groups: [staff]}]
		      $rest
		EOF
	else
		cat <<-EOF
		    - name: office
		      cidr: 10.10.0.0/24
		      peers: [$peers, {name: tablet, agent: true, groups: [staff]}]
		      $rest
		    - {name: lab, cidr: 10.20.0.0/24, listen_port: 51821, peers: [{name: hub, jump: true}, {name: probe}]}
		EOF
	fi
}

# The lines that the kernel, the firewall and the database have to have, each in its own words.
wanted_of()
{
	if [ "$1" = dual ]; then
		printf '%s\n' "wg-office 10.10.0.2/32 fd00:10::2/128" "wg-office 10.10.0.3/32 fd00:10::3/128" \
			"ip 10.10.0.2 10.10.0.3" "ip6 fd00:10::2 fd00:10::3" "kept office/hub office/laptop office/phone"
	else
		printf '%s\n' "wg-lab 10.20.0.2/32" "wg-office 10.10.0.2/32" "wg-office 10.10.0.3/32" \
			"ip 10.10.0.2 10.10.0.3" "ip6" "kept lab/hub lab/probe office/hub office/laptop office/tablet"
	fi
}

firewalled() { in_ns hub nft list set "$1" doppel_wg group.office.staff 2>&1 | grep -oE "$2" | sort -u | paste -sd' '; }

# kept SQL: what the database answers, in one line
kept()
{
	python3 - "$tb/doppel.db" "$1" <<-'EOF'
		import base64, sqlite3, sys

		rows = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute(sys.argv[2])
		print(" ".join(base64.b64encode(v).decode() if isinstance(v, bytes) else v for v, in rows))
	EOF
}

found()
{
	in_ns hub wg show all allowed-ips | cut -f 1,3 --output-delimiter=' ' | sort
	echo "ip $(firewalled ip '10\.10\.0\.[0-9]+')" | sed 's/ *$//'
	echo "ip6 $(firewalled ip6 'fd00:10::[0-9]+')" | sed 's/ *$//'
	echo "kept $(kept "SELECT network || '/' || name FROM wg_peers ORDER BY 1")"
}

# The kernel has the keys that the database gave out.
same_keys()
{
	[ "$(in_ns hub wg show all peers | cut -f 2 | sort)" = \
	  "$(kept "SELECT public_key FROM wg_peers WHERE name != 'hub'" | tr ' ' '\n' | sort)" ]
}

agree() { [ "$(found)" = "$(wanted_of "$1")" ] && same_keys; }

# start [VARIABLE=VALUE…]
start()
{
	spawn "agent.log" hub env "$@" "$doppel" agent -c "$tb/doppel.yaml" --socket "$tb/api.sock"
	agent=$spawned
}

testbed_scratch
doppel=$tb_root/build/doppel
netns_add hub

file_of dual >"$tb/doppel.yaml"
check "the file is good" "$doppel" agent --check -c "$tb/doppel.yaml"
start
check "the networks are real" within 10 agree dual
laptop=$(kept "SELECT public_key FROM wg_peers WHERE name = 'laptop'")

for ((i = 1; i <= rounds; i++)); do
	mode=$([ $((i % 2)) = 0 ] && echo dual || echo ipv4)
	file_of "$mode" >"$tb/doppel.yaml"
	kill -HUP "$agent"
	sleep "0.$(printf '%03d' $((RANDOM % 80)))"
	kill -KILL "$agent"
	wait "$agent" 2>/dev/null
	start
	check "R14.5 killed on the way to $mode: the next agent has all agree ($i)" within 10 agree "$mode" ||
		found | diff - <(wanted_of "$mode") | diag
done
is "who was there all the time has the key that it had" \
	"$(kept "SELECT public_key FROM wg_peers WHERE name = 'laptop'")" "$laptop"
is "no key is in the log" "$(grep -cE '[A-Za-z0-9+/]{43}=' "$tb/log/agent.log")" 0
is "the database is for root alone" "$(stat -c %a "$tb/doppel.db")" 600

printf 'state: %s\nwireguard: {networks: [{name: office, cidr: 10.10.0.1/24}]}\n' "$tb/doppel.db" >"$tb/doppel.yaml"
kill -HUP "$agent"
check "a faulty file is refused, by its place" within 5 grep -q \
	"doppel.yaml:2:45: wireguard.networks\[0\].cidr: 10.10.0.1/24 has host bits set; is 10.10.0.0/24 meant" "$tb/log/agent.log"
check "… and the networks stay" agree "$mode"

# api PATH: the status of the answer
api() { in_ns hub curl -so /dev/null -w '%{http_code}' --unix-socket "$tb/api.sock" "http://doppel$1"; }
is "an agent without a gateway answers" \
	"$(api /health) $(api /status) $(api /api/v1/networks/office/peers) $(api /devices)" "200 200 200 404"
ip -n hub link del wg-office
check "an interface that somebody removed is back" within 5 agree "$mode"
ip -n hub link set wg-office down
check "one that somebody set down is up" within 5 in_ns hub sh -c "ip link show wg-office | grep -q '[<,]UP[,>]'"

end "$agent"
file_of "$mode" | sed 's/^wireguard:/&\n  firewall: iptables/; s/name: office/name: yard/; s/fd00:10/fd00:11/; s/10\.10/10.11/' >"$tb/doppel.yaml"
start PATH=/nowhere
check "rules that cannot be had are told" within 10 grep -q "wireguard: firewall: .*iptables" "$tb/log/agent.log"
is "… whose network goes is gone all the same, and whose comes waits" "$(in_ns hub wg show interfaces)" ""

tap_done
