#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# The WAN changes: the carrier goes and comes, the router has another MAC, the server forgets its
# leases, another network is behind the same cable, and the first one again.

readonly MAC_STANDBY=02:00:00:00:f0:0a MAC_ELSEWHERE=02:00:00:00:f0:0b
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

# requests N: REQUESTs of the device in the capture
requests() { capture_dhcp Request "$(mac_of "$1")"; }
requested() { [ "$(requests "$1")" -ge "$2" ]; }
has_lease() { [ -n "$(lease4_of "$1")" ] && [ "$(wan4_of "$1")" = "$(lease4_of "$1")" ]; }
# is_in N PREFIX
is_in() { [[ "$(wan4_of "$1")" = "$2"* ]]; }
has_prefix() { slaac_told "$1" | grep -q "^$2"; }

# The other network: a switch with a router of its own that serves DHCPv4 and advertises a prefix
elsewhere()
{
	netns_add elsewhere
	netns_sysctl elsewhere net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
	cable elsewhere eth0 isp swelse
	netns_sysctl isp net.ipv6.conf.swelse.disable_ipv6=1
	ip -n isp link add br1 type bridge
	netns_sysctl isp net.ipv6.conf.br1.disable_ipv6=1
	ip -n isp link set swelse master br1 up
	ip -n isp link set br1 up
	ip -n elsewhere link set eth0 address $MAC_ELSEWHERE up
	ip -n elsewhere addr add 10.9.9.1/24 dev eth0
	ip -n elsewhere addr add 2001:db8:9::1/64 dev eth0 nodad
	spawn elsewhere.log elsewhere dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= \
		--log-facility=- --port=0 --dhcp-authoritative --dhcp-leasefile="$tb/elsewhere.leases" \
		--dhcp-range=10.9.9.50,10.9.9.99,1h --dhcp-range=2001:db8:9::,ra-only --enable-ra --ra-param=eth0,5
}

gateway_up dual 1 2
had1=$(wan_addresses 1 | sort)
small_buffers client dev1

# --- the carrier
discovers=$(capture_dhcp Discover) requests1=$(requests 1) requests2=$(requests 2)
download_begin over4 client "$(lease4_of 1)"
sleep 0.5
ip -n isp link set swgw down
sleep 1
ip -n isp link set swgw up
check "the carrier is back: dev1 asks whether its lease holds" within 10 requested 1 $((requests1 + 1))
check "  so does dev2" within 10 requested 2 $((requests2 + 1))
is "  nobody asks for a new one" "$(capture_dhcp Discover)" "$discovers"
check "  a download went on through it" download_whole over4
is "  and the addresses are the same" "$(wan_addresses 1 | sort)" "$had1"

# --- another router MAC: a standby took over
sleep 10	# two such questions so soon after each other would be one
requests1=$(requests 1)
ip -n isp link set br0 address $MAC_STANDBY
check "the router has another MAC: dev1 asks whether its lease holds" within 15 requested 1 $((requests1 + 1))
is "  nobody asks for a new one" "$(capture_dhcp Discover)" "$discovers"
check "  dev1 is reached by IPv6" within 10 reaches dev1 client "$(slaac_of 1)" 8080
check "  and by IPv4" within 10 reaches dev1 client "$(lease4_of 1)" 8080
is "  and the addresses are the same" "$(wan_addresses 1 | sort)" "$had1"

# --- a server that has lost its leases
end "$(pgrep -nx kea-dhcp4)"
rm -f "$tb/leases4.csv" "$tb/log/kea4.log"
isp_kea4
within 30 grep -q DHCP4_STARTED "$tb/log/kea4.log" || bail_out "Kea does not start"
sleep 10
ip -n isp link set swgw down
sleep 1
ip -n isp link set swgw up
check "a server without leases: dev1 has one again, which the server knows" within 20 has_lease 1
check "  dev2, too" within 10 has_lease 2
check "  dev1 is reached" within 10 reaches dev1 client "$(lease4_of 1)" 8080

# --- another network, without the carrier's going
elsewhere
ip -n isp link set swgw nomaster
ip -n isp link set swgw master br1
check "another network behind the same cable: dev1 has an address of it" within 30 is_in 1 10.9.9.
check "  dev2, too" within 20 is_in 2 10.9.9.
check "  and one of its prefix" within 20 has_prefix 1 2001:db8:9:
check "  by which it is reached" within 10 reaches dev1 elsewhere "$(slaac_told 1 | grep 2001:db8:9:)" 8080
check "every frame had a registered source MAC" capture_only_registered

# --- and back
ip -n isp link set swgw nomaster
ip -n isp link set swgw master br0
check "the first network again: dev1 has its lease there" within 30 has_lease 1
check "  and is reached by IPv6" within 20 reaches dev1 client "$(slaac_of 1)" 8080
check "  and by IPv4" within 10 reaches dev1 client "$(lease4_of 1)" 8080
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
