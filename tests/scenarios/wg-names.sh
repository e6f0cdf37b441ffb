#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Three networks, one of each mode, by the files that peers are given, and their names by dnsmasq, asked
# through the tunnels.
#
#   laptop ── 192.0.2.0/24 ── hub ── 198.51.100.0/24 ── site, whose name server the hub asks

# shellcheck source=tests/lib/wireguard.sh
. "$(dirname "$0")/../lib/wireguard.sh"

parts=$tb_root/build/programs/wg-parts

# site_file WITHOUT: the networks, but for lines that have the word
site_file()
{
	grep -v -e "${1:-nothing}" >"$tb/site.yaml" <<-EOF
		networks:
		  - name: four
		    ipv4_cidr: 10.4.0.0/24
		    listen_port: 51804
		    endpoint: 192.0.2.1
		    dns: {}
		    peers:
		      - {name: hub, jump: true}
		      - {name: laptop}
		  - name: six
		    ip_stack_mode: ipv6
		    ipv6_cidr: "fd00:6::/64"
		    listen_port: 51806
		    endpoint: 192.0.2.1
		    dns: {}
		    peers:
		      - {name: hub, jump: true}
		      - {name: laptop, preshared_key: generate}
		  - name: dual
		    ip_stack_mode: dual
		    ipv4_cidr: 10.10.0.0/24
		    ipv6_cidr: "fd00:10::/64"
		    listen_port: 51810
		    endpoint: 192.0.2.1
		    domain: office.example
		    dns: {upstream: [198.51.100.53]}
		    peers:
		      - {name: hub, jump: true}
		      - {name: laptop, groups: [staff]}
		      - {name: phone}
		    groups:
		      - {name: staff}
		    routes:
		      - {name: lan, destination: 192.168.1.0/24, via: hub, groups: [staff], dns: [{name: printer, address: 192.168.1.50}]}
		      - {name: lab, destination: "fd00:1ab::/48", via: hub, groups: [staff], dns: [{name: scope, address: "fd00:1ab::5"}]}
	EOF
}

quick() { "$parts" "$tb/site.yaml" quick "$1" "$2"; }
server_of() { pgrep -f "[-]C $tb/run/names-$1.conf"; }
# back_after PID SERVER: milliseconds from the end of that process until the server answers anything
back_after()
{
	in_ns hub python3 - "$@" <<-'EOF'
		import os, signal, socket, sys, time

		query = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + b"\3hub\6office\7example\0" + b"\0\1\0\1"
		asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		asking.settimeout(0.02)
		asking.connect((sys.argv[2], 53))
		os.kill(int(sys.argv[1]), signal.SIGKILL)
		start = time.monotonic()
		while time.monotonic() < start + 10:
		    try:
		        asking.send(query)
		        asking.recv(512)
		        break
		    except OSError:
		        time.sleep(0.005)
		print(int((time.monotonic() - start) * 1000))
	EOF
}
no_server() { ! server_of four && ! server_of six && ! server_of dual; }

testbed_scratch
netns_add hub laptop site
cable hub eth0 laptop eth0
cable hub eth1 site eth0
ip -n hub addr add 192.0.2.1/24 dev eth0
ip -n laptop addr add 192.0.2.2/24 dev eth0
ip -n hub addr add 198.51.100.1/24 dev eth1
ip -n site addr add 198.51.100.53/24 dev eth0
for port in hub.eth0 laptop.eth0 hub.eth1 site.eth0; do
	ip -n "${port%.*}" link set "${port#*.}" up
done
resolver=(dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= --no-resolv --no-hosts
	--log-facility=- --bind-interfaces)
spawn site.log site "${resolver[@]}" --listen-address=198.51.100.53 --host-record=far.test,198.51.100.80
spawn other.log hub "${resolver[@]}" --listen-address=127.0.0.1 --host-record=other.test,127.0.0.9

site_file
spawn names.log hub "$parts" "$tb/site.yaml" names "$tb/run"
agent=$spawned
within 10 server_of dual >/dev/null
for network in four six dual; do
	check "$network: wg and wg-quick take the jump peer's file" quick_up "$network" hub < <(quick "$network" hub)
	check "$network: … and the laptop's" quick_up "$network" laptop < <(quick "$network" laptop)
done
is "R4.1 wg shows IPv4 alone" "$(in_ns laptop wg show wg-four allowed-ips | cut -f 2)" 10.4.0.0/24
is "R4.2 wg shows IPv6 alone" "$(in_ns laptop wg show wg-six allowed-ips | cut -f 2)" fd00:6::/64
is "R4.4 R4.5 wg shows both prefixes and both routes" "$(in_ns laptop wg show wg-dual allowed-ips | cut -f 2)" \
	"10.10.0.0/24 fd00:10::/64 192.168.1.0/24 fd00:1ab::/48"
like "R4.3 both addresses" "$(ip -n laptop -br addr show wg-dual)" '10.10.0.2/32 fd00:10::2/128'
check "R4.1 a tunnel of IPv4" ping_from laptop 10.4.0.1
check "R4.2 a tunnel of IPv6, with a preshared key" ping_from laptop fd00:6::1
check "R4.3 a tunnel of both: IPv4" ping_from laptop 10.10.0.1
check "R4.3 … and IPv6" ping_from laptop fd00:10::1

within 10 answers 10.10.0.1 laptop.office.example a "NOERROR 10.10.0.2"
is "R5.1 a peer's IPv4 address" "$(ask 10.4.0.1 laptop.four.internal a)" "NOERROR 10.4.0.2"
is "R5.4 … and that it has no other" "$(ask 10.4.0.1 laptop.four.internal aaaa)" NOERROR
is "R5.2 a peer's IPv6 address" "$(ask fd00:6::1 laptop.six.internal aaaa)" "NOERROR fd00:6::2"
is "R5.4 … and that it has no other" "$(ask fd00:6::1 laptop.six.internal a)" NOERROR
for server in 10.10.0.1 fd00:10::1; do
	is "R5.3 R5.4 both, by the type that $server is asked for: A" "$(ask $server laptop.office.example a)" "NOERROR 10.10.0.2"
	is "R5.3 R5.4 … AAAA" "$(ask $server laptop.office.example aaaa)" "NOERROR fd00:10::2"
	is "… the same over TCP" "$(ask $server laptop.office.example a -t)" "NOERROR 10.10.0.2"
done
is "… in any case" "$(ask 10.10.0.1 LapTop.OFFICE.example a)" "NOERROR 10.10.0.2"
is "a name that is not there" "$(ask 10.10.0.1 nobody.office.example a)" NXDOMAIN
is "the domain itself is there" "$(ask 10.10.0.1 office.example a)" NOERROR
is "back from IPv4" "$(drill @10.10.0.1 -x 10.10.0.2)" "NOERROR laptop.office.example."
is "back from IPv6" "$(drill @10.10.0.1 -x fd00:10::2)" "NOERROR laptop.office.example."
is "back from nobody's" "$(drill @10.10.0.1 -x 10.10.0.77)" NXDOMAIN
is "R8.1 R8.2 a mapping's IPv4 address" "$(ask 10.10.0.1 printer.office.example a)" "NOERROR 192.168.1.50"
is "R8.2 … alone" "$(ask 10.10.0.1 printer.office.example aaaa)" NOERROR
is "R8.1 R8.3 a mapping's IPv6 address" "$(ask 10.10.0.1 scope.office.example aaaa)" "NOERROR fd00:1ab::5"
is "R8.3 … alone" "$(ask 10.10.0.1 scope.office.example a)" NOERROR
is "back from a mapping" "$(drill @10.10.0.1 -x 192.168.1.50)" "NOERROR printer.office.example."
is "upstream for the rest" "$(ask 10.10.0.1 far.test a)" "NOERROR 198.51.100.80"
is "no upstream, no rest" "$(ask 10.4.0.1 far.test a)" REFUSED

is "another resolver on the box is left alone" "$(asker=hub ask 127.0.0.1 other.test a)" "NOERROR 127.0.0.9"
is "nobody is answered outside the networks" "$(patience=2 ask 192.0.2.1 laptop.office.example a)" ""
ip -n laptop route replace 10.4.0.1/32 via 192.0.2.1
is "… nor by a network's address past its tunnel" "$(patience=2 ask 10.4.0.1 laptop.four.internal a)" ""
ip -n laptop route del 10.4.0.1/32 via 192.0.2.1

before=$(server_of dual)
site_file phone
kill -HUP "$agent"
check "R5.5 a peer that is gone has no name" within 5 answers 10.10.0.1 phone.office.example a NXDOMAIN
is "… the others have theirs" "$(ask 10.10.0.1 laptop.office.example a)" "NOERROR 10.10.0.2"
site_file 'phone\|lan,'
kill -HUP "$agent"
check "R8.5 a route that is gone has no mappings" within 5 answers 10.10.0.1 printer.office.example a NXDOMAIN
is "… another route has its own" "$(ask 10.10.0.1 scope.office.example aaaa)" "NOERROR fd00:1ab::5"
is "the server went on all the time" "$(server_of dual)" "$before"

ip -n hub link del wg-dual
within 5 server_of dual >/dev/null
check "the interface is made anew" quick_up dual hub < <(quick dual hub)
asker=hub check "… and the server is at its addresses again" within 10 answers 10.10.0.1 laptop.office.example a "NOERROR 10.10.0.2"
asker=hub check "… of both families" within 10 answers fd00:10::1 laptop.office.example a "NOERROR 10.10.0.2"
is "… the same server" "$(server_of dual)" "$before"

asker=hub
took=$(back_after "$before" 10.10.0.1)
note "dnsmasq answered $took ms after it was killed"
check "dnsmasq killed: back within a second" [ "$took" -lt $((1000 * ${TB_PATIENCE:-3})) ]
isnt "… as another process" "$(server_of dual)" "$before"
is "… and the networks beside it did not notice" "$(ask 10.4.0.1 laptop.four.internal a)" "NOERROR 10.4.0.2"

end "$agent" KILL
check "an agent that is killed leaves no server behind" within 10 no_server
tap_done
