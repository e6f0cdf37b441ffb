#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# A device's life on the LAN: found at its first frame, followed where it goes, silent and back, two
# that want one address, one that has two, who is let in, and what is left of it on the WAN at its end.

TB_INACTIVE=8s
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

# From a port of the LAN with a MAC and an address, no DHCP: host NAME N ADDRESS
host()
{
	netns_add "$1"
	netns_sysctl "$1" net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	cable "$1" eth0 lan "$1"
	ip -n lan link set "$1" master br0 up
	ip -n "$1" link set eth0 address "$(mac_of "$2")" up
	ip -n "$1" addr add "$3/24" dev eth0
}

speak() { in_ns "$1" arping -q -c 2 -w 2 -I eth0 ${2:+-s "$2"} 192.168.1.1; }
lan_of() { device_json "$1" '.ipv4_address // empty'; }
has_lan() { [ "$(lan_of "$1")" = "$2" ]; }
has_status() { [ "$(device_json "$1" .status)" = "$2" ]; }
is_known() { device_json "$1" .status; }
# first_frame FILE N: of the device, seconds of the clock
first_frame() { tcpdump -r "$1" -nn -tt "ether src $(mac_of "$2")" 2>/dev/null | head -n 1 | cut -d' ' -f1; }
said() { in_ns gw timeout 1 cat "$tb/log/monitor.log" | grep -q "$1"; }
reload() { kill -HUP "$agent_pid" && sleep 1; }

gateway_up dual 1 2
spawn monitor.log gw "$doppel_bin" monitor

# --- found at its first frame
register 7
host seven 7 192.168.1.7
spawn tcpdump-lan.log lan tcpdump -i gateway -s 100 -U --immediate-mode -Z root -w "$tb/lan.pcap"
within 10 test -s "$tb/lan.pcap" >/dev/null
speak seven
check "a device that speaks is found" within 5 is_known 7
check "  and has its addresses soon" within 30 device_complete 7
delay=$(awk -v at="$(first_frame "$capture_file" 7)" -v began="$(first_frame "$tb/lan.pcap" 7)" \
	'BEGIN { print at && began ? int((at - began) * 1000) : "no frame" }')
check "  its first frame on the WAN came within a second of its own: $delay ms" test "$delay" -lt 1000

# --- it moves
ip -n seven addr flush dev eth0
ip -n seven addr add 192.168.1.8/24 dev eth0
had=$(wan4_of 7)
speak seven
check "another LAN address is followed" within 10 has_lan 7 192.168.1.8
is "  the WAN address stays" "$(wan4_of 7)" "$had"

# --- one MAC, two addresses
ip -n seven addr add 192.168.1.9/24 dev eth0
speak seven 192.168.1.9
sleep 3
is "one with two addresses keeps the first, where it answers" "$(lan_of 7)" 192.168.1.8
ip -n seven addr del 192.168.1.9/24 dev eth0

# --- two devices, one address
register 6
host six 6 192.168.1.8
speak six
sleep 3
is "an address that its holder answers for is not given away" "$(lan_of 7)" 192.168.1.8
is "  who claims it has none" "$(lan_of 6)" ""
check "  and doppel monitor says so" within 5 said 'also uses 192.168.1.8'
ip -n seven link set eth0 down
within 10 eval 'speak six; has_lan 6 192.168.1.8' >/dev/null
is "its holder is gone: now it is the other's" "$(lan_of 6)" 192.168.1.8
ip -n six addr flush dev eth0
ip -n six addr add 192.168.1.6/24 dev eth0
ip -n seven link set eth0 up
speak six
check "  who moves on" within 10 has_lan 6 192.168.1.6
within 10 eval 'speak seven; has_lan 7 192.168.1.8' >/dev/null
is "  and it is the first one's again" "$(lan_of 7)" 192.168.1.8

# --- it sleeps
ip -n seven link set eth0 down
check "a device that is silent and does not answer is inactive" within 30 has_status 7 inactive
is "  it keeps its address" "$(wan4_of 7)" "$had"
check "  those that answer are not" has_status 1 active
ip -n seven link set eth0 up
speak seven
check "it is back" within 5 has_status 7 active
is "  nobody had to ask for an address again" "$(capture_dhcp Discover "$(mac_of 7)")" 1

# --- it is removed
check "doppel devices --forget" doppel devices "$(mac_of 7)" --forget
released4() { [ "$(capture_dhcp Release "$(mac_of 7)")" = 1 ]; }
released6() { capture_read -v "ether src $(mac_of 7) and udp dst port 547" | grep -q 'dhcp6 release'; }
check "  its IPv4 lease is released on the wire" within 5 released4
check "  so is the IPv6 one" within 5 released6
check_not "  it is not known any more" is_known 7
speak seven
check "  seen again it is a new device" within 20 device_complete 7

# --- who is let in
sed -i 's/devices: {/devices: {max: 4, /' "$tb/doppel.yaml"
reload
host five 5 192.168.1.5
speak five
sleep 1
check_not "more than devices.max are not let in" is_known 5
like "  doppel status says which, and why" "$(doppel status)" "not let in +$(mac_of 5): .*devices.max"
sed -i 's/max: 4, /admit: listed, /; s/list: \[\]/list: [{mac: "02:00:00:00:00:01"}]/' "$tb/doppel.yaml"
reload
speak five
sleep 1
check_not "admit: listed lets no other in" is_known 5
like "  doppel status says so" "$(doppel status)" "not let in +$(mac_of 5): .*not listed"
check "  one that is listed is served" reaches dev1 client "$(lease4_of 1)" 8080
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
