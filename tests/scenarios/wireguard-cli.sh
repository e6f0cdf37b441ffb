#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# WireGuard networks as a person types them: a file applied, a phone by its QR code, one thing changed after
# the other, and what is refused, after which database, kernel and rules are what they were.
#
#   phone ── 192.0.2.0/24 ── gw

# shellcheck source=tests/lib/gateway.sh
. "$(dirname "$0")/../lib/gateway.sh"
# shellcheck source=tests/lib/commands.sh
. "$(dirname "$0")/../lib/commands.sh"

db=
before=

# setting_up: a box with networks only, of which one is its own file's
setting_up()
{
	tb=$(mktemp -d /tmp/doppel-testbed.XXXXXX) || bail_out "no scratch directory"
	mkdir "$tb/log"
	trap testbed_down EXIT
	trap 'exit 1' INT TERM
	testbed_watchdog
	kernel_log_mark
	netns_add gw phone
	cable gw eth0 phone eth0
	ip -n gw addr add 192.0.2.1/24 dev eth0
	ip -n phone addr add 192.0.2.9/24 dev eth0
	ip -n gw link set eth0 up
	ip -n phone link set eth0 up
	doppel_bin=$tb/doppel
	cp "$tb_root/build/doppel" "$doppel_bin"
	db=$tb/doppel.db
	cat >"$tb/doppel.yaml" <<-EOF
		state: $db
		wireguard:
		  networks:
		    - {name: home, ipv4_cidr: 10.99.0.0/24, listen_port: 51899, peers: [{name: hub, jump: true}]}
	EOF
	agent_start
}

# The issue's example, with an address that the phone can dial.
example()
{
	cat <<-EOF
		networks:
		  - name: office
		    ip_stack_mode: dual
		    ipv4_cidr: 10.10.0.0/24
		    ipv6_cidr: "fd00:10::/64"
		    interface: wg-office
		    listen_port: 51820
		    endpoint: 192.0.2.1
		    domain: office.internal
		    allocation: sequential
		    dns: {upstream: [192.0.2.53]}
		    peers:
		      - {name: hub, jump: true}
		      - {name: laptop, agent: true, groups: [staff]}
		      - {name: phone, groups: [guests], preshared_key: generate, expires: 2037-01-01T00:00:00Z, ipv4_address: 10.10.0.50}
		    groups:
		      - {name: staff, priority: 10, policies: [site]}
		      - {name: guests, policies: []}
		    policies:
		      - name: site
		        rules:
		          - {direction: output, action: allow, target: 192.168.1.0/24, protocol: tcp, ports: [80, 443]}
		          - {direction: output, action: deny, target: any}
		    routes:
		      - {name: lan, destination: 192.168.1.0/24, via: hub, groups: [staff], dns: [{name: printer, address: 192.168.1.50}]}
	EOF
}

# A /sys of its own, as in_ns gives it, takes longer and is not needed here.
gw() { nsenter --net=/run/netns/gw "$@"; }
doppel() { gw timeout 60 "$doppel_bin" "$@"; }

# matches NAME FILE REGEX (of any line): without a process, of which there are many here
matches()
{
	local line

	while IFS= read -r line; do
		[[ $line =~ $3 ]] || continue
		ok "$1"
		return
	done <"$2"
	not_ok "$1"
	{ cat "$2"; echo "does not match: $3"; } | tail -n 40 | diag
}

says() { matches "$1" "$tb/out" "$2"; }
complains() { matches "$1" "$tb/err" "$2"; }

# All that a refusal may not touch. Of peers not what goes on by itself: endpoint, handshake, counters.
everything()
{
	local interface key secret ips rest

	sqlite3 -readonly "$db" .dump
	gw nft -s list ruleset
	while IFS=$'\t' read -r interface key secret _ ips rest; do
		echo "$interface $key $secret ${rest:+$ips}"
	done < <(gw wg show all dump)
}

# What was there before the first refusal is in $before.
unchanged()
{
	local after

	after=$(everything)
	is "  database, kernel and rules are as they were" "$after" "$before"
}

# refuse CODE NAME MESSAGE <FILE
refuse()
{
	cat >"$tb/refused.yaml"
	status 1 "$2 refused" apply -f "$tb/refused.yaml"
	complains "  with what and where" "$3"
	complains "  and that nothing was changed" '^nothing was changed$'
	is "  by the API with status $1" "$(gw curl -sS --unix-socket "$API_SOCKET" -o /dev/null -w '%{http_code}' \
		--data-binary "@$tb/refused.yaml" http://doppel/api/v1/apply)" "$1"
	unchanged
}

# refuse_edit NAME MESSAGE COMMAND…
refuse_edit()
{
	local name=$1 message=$2
	shift 2

	status 1 "$name refused" "$@"
	complains "  with what to do" "$message"
	unchanged
}

setting_up
example >"$tb/office.yaml"

status 0 "apply --dry-run" apply -f "$tb/office.yaml" --dry-run
says "  says what would come" '^\+ peer office/phone$'
status 1 "  and nothing comes" network show office
check_not "  nor is there an interface" ip -n gw link show wg-office
status 0 "apply" apply -f "$tb/office.yaml"
check "  and WireGuard runs" gw wg show wg-office
is "  on its port" "$(gw wg show wg-office listen-port)" 51820
is "  R3.3 with both addresses of the jump peer" "$(ip -n gw -br addr show wg-office scope global | awk '{ print $3, $4 }')" \
	"10.10.0.1/24 fd00:10::1/64"
status 0 "apply again" apply -f "$tb/office.yaml"
says "  changes nothing" '^nothing changes$'
doppel export office >"$tb/export.yaml"
status 0 "what is exported is applied" apply -f "$tb/export.yaml"
says "  and changes nothing" '^nothing changes$'
doppel export office --json >"$tb/export.json"
status 0 "in JSON, from stdin, too" apply -f - <"$tb/export.json"
says "  and changes nothing" '^nothing changes$'

status 0 "network list" network list
says "  has both, with whose they are" '^home +ipv4 .* file$'
status 0 "network show --json" network show office --json
json "  mode" .ip_stack_mode '^dual$'
json "  prefixes" '.ipv4_cidr + " " + .ipv6_cidr' '^10.10.0.0/24 fd00:10::/64$'
json "  counts" .counts.peers '^3$'
json "  R11.4 available addresses" '.addresses.ipv4.available' '^251$'
status 0 "policy list" policy list office
says "  R13.5 says for which IP version a rule is" '^site +staff +output allow 192.168.1.0/24 tcp 80,443 +ipv4$'
says "  or for both" 'output deny any +ipv4, ipv6$'
status 0 "policy rules" policy rules office
says "  as nft has them" '192\.168\.1\.0/24'
status 0 "policy rules --format iptables" policy rules office --format iptables
says "  as iptables has them" '^-A DOPPEL'

# A phone.
status 0 "peer config" peer config office phone
cp "$tb/out" "$tb/wg-phone.conf"
check "  is what wg-quick reads" wg-quick strip "$tb/wg-phone.conf"
says "  R4.3 with both addresses" '^Address = 10\.10\.0\.50/32, fd00:10::3/128'
status 0 "peer config --png" peer config office phone --png "$tb/phone.png"
is "  a camera reads the same" "$(zbarimg -q --raw "$tb/phone.png" 2>/dev/null)" "$(cat "$tb/wg-phone.conf")"
status 0 "peer config --qr" peer config office phone --qr
ip -n phone link add wg-phone type wireguard
wg-quick strip "$tb/wg-phone.conf" >"$tb/stripped"
in_ns phone wg setconf wg-phone "$tb/stripped"
ip -n phone addr add 10.10.0.50/24 dev wg-phone
ip -n phone link set wg-phone up
check "the phone reaches the box" within 5 ping_from phone 10.10.0.1
status 0 "peer list --json" peer list office --json
is "  has its handshake as wg has it" "$(jq '.peers[] | select(.name == "phone").latest_handshake_seconds' "$tb/out")" \
	"$(gw wg show wg-office latest-handshakes | awk '$2 { print $2 }')"
json "  where it is" '.peers[] | select(.name == "phone").endpoint' '^192\.0\.2\.9:'
json "  what it sent" '.peers[] | select(.name == "phone").rx_bytes > 0' true
unlike "  and no private key" "$(cat "$tb/out")" 'private_key'
status 0 "peer list" peer list office
says "  says when it was heard of" '^phone +static .* ago '

# One thing after the other.
status 0 "peer add" peer add office tablet --groups staff,guests
is "  R3.3 it has the next addresses" "$(gw wg show wg-office allowed-ips | grep -o '10.10.0.3/32 fd00:10::4/128')" \
	"10.10.0.3/32 fd00:10::4/128"
status 0 "peer set" peer set office tablet --groups staff
status 0 "policy add" policy add office web "output allow any tcp 80,443"
status 0 "group set" group set office staff --policies site,web
status 0 "group list" group list office
says "  has it" '^staff +10 +site, web +laptop, tablet$'
status 0 "route add" route add office lab --destination 192.168.7.0/24 --via hub --groups staff
status 0 "dns add" dns add office lab scope 192.168.7.5
status 0 "dns list" dns list office
says "  R8.2 has an A record" '^scope.office.internal +A +192.168.7.5 +lab$'
status 0 "route remove --dry-run" route remove office lab --dry-run
says "  R8.5 says that its names go" '^- dns office/lab/scope$'
status 0 "route remove" route remove office lab
status 0 "network set" network set office --endpoint 192.0.2.2
status 0 "peer list" peer list office
says "  R10.5 the phone's file is outdated" '^phone .* its file is outdated$'
status 0 "network set back" network set office --endpoint 192.0.2.1
status 0 "peer remove" peer remove office tablet
unlike "  R3.5 takes its addresses away" "$(gw wg show wg-office allowed-ips)" '10\.10\.0\.3/32'

# What is refused.
before=$(everything)
like "the database shows what is kept" "$before" '^INSERT INTO .*phone'
like "  the kernel its peers" "$before" '^wg-office .* 10\.10\.0\.50/32'
like "  and the rules their table" "$before" '^table ip doppel_wg'
refuse 400 "overlapping networks are" 'refused.yaml:1:.*ipv4_cidr overlaps that of network "office"' <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.10.0.0/25, listen_port: 1}]
EOF
refuse 400 "overlapping allowed IPs are" 'refused.yaml:2:.*overlaps an extra_allowed_ips of peer "a"' <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.0/24, listen_port: 1, peers: [{name: hub, jump: true}, {name: a, extra_allowed_ips: [172.16.0.0/16]},
	  {name: b, extra_allowed_ips: [172.16.5.0/24]}]}]
EOF
refuse 400 "host bits are" '10.20.0.1/24 has host bits set; is 10.20.0.0/24 meant' <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.1/24, listen_port: 1}]
EOF
refuse 400 "R2.3 an address of the wrong family is" 'refused.yaml:1:' <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.0/24, listen_port: 1, peers: [{name: hub, jump: true}, {name: a, ipv6_address: "fd00::1"}]}]
EOF
refuse 400 "an unknown group is" 'there is no group "nobody" in this network' <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.0/24, listen_port: 1, peers: [{name: hub, jump: true, groups: [nobody]}]}]
EOF
refuse 400 "a circular route is" 'hub' <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.0/24, listen_port: 1, peers: [{name: hub, jump: true, groups: [g]}], groups: [{name: g}],
	  routes: [{name: r, destination: 192.168.9.0/24, via: hub, groups: [g]}]}]
EOF
key=$(wg genkey | wg pubkey)
refuse 400 "a key of two peers is" "peer \"a\"'s, too" <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.0/24, listen_port: 1, peers: [{name: hub, jump: true}, {name: a, public_key: "$key"},
	  {name: b, public_key: "$key"}]}]
EOF
refuse 400 "R8.4 a mapping outside its route is" "lies outside the route's destination, 192.168.9.0/24" <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.0/24, listen_port: 1, peers: [{name: hub, jump: true}],
	  routes: [{name: r, destination: 192.168.9.0/24, via: hub, dns: [{name: x, address: 192.168.8.1}]}]}]
EOF
refuse 507 "R11.5 one peer too many is" 'no address is left in 10.20.0.0/30' <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.0/30, listen_port: 1, peers: [{name: hub, jump: true}, {name: a}, {name: b}]}]
EOF
refuse 400 "a port in use is" 'listen_port 51820 is network "office".s, too' <<-EOF
	networks: [{name: lab, ipv4_cidr: 10.20.0.0/24}]
EOF
refuse 409 "R10.6 a mode that a static peer is in the way of is" 'static peers have IPv6 addresses: "phone"' <<-EOF
	networks: [{name: office, ip_stack_mode: ipv4, ipv4_cidr: 10.10.0.0/24}]
EOF
refuse 409 "a change of the agent's own file's network is" "is the agent's own file's" <<-EOF
	networks: [{name: home, ipv4_cidr: 10.98.0.0/24}]
EOF
refuse_edit "R10.6 the same, typed, is" 'static peers have IPv6 addresses: "phone"' network set office --ip-stack-mode ipv4
refuse_edit "a peer of the file's network is" "is the agent's own file's; change it there" peer add home tv
refuse_edit "a group in use is" 'in use by peer "laptop"' group remove office staff
refuse_edit "an unknown peer is" 'there is no peer "tv" in network "office"' peer remove office tv
refuse_edit "an unknown target is" 'must be any, a prefix, or the name' policy set office web "output allow nobody"

# A file of wg-quick's.
old=$(wg genkey)
cat >"$tb/wg7.conf" <<-EOF
	[Interface]
	Address = 10.77.0.1/24
	ListenPort = 51877
	PrivateKey = $old
	[Peer]
	# printer
	PublicKey = $key
	AllowedIPs = 10.77.0.9/32
EOF
status 0 "import" import "$tb/wg7.conf"
is "  the box goes on with its key" "$(gw wg show wg7 public-key)" "$(wg pubkey <<<"$old")"
is "  and its peers have theirs" "$(gw wg show wg7 allowed-ips)" "$key	10.77.0.9/32"
status 1 "import of the same once more is refused" import "$tb/wg7.conf"
status 0 "network remove" network remove wg7
check_not "  takes the interface away" ip -n gw link show wg7

echo 'networks: []' >"$tb/none.yaml"
status 0 "apply --prune" apply -f "$tb/none.yaml" --prune
check_not "  takes away what the file lacks" ip -n gw link show wg-office
check "  but not what is the agent's own file's" ip -n gw link show wg-home
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
