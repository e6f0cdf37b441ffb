#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# The testbed itself, without doppel: a filter that passes everything, or a server that serves
# nobody, would make other scenarios lie.

# shellcheck source=tests/lib/testbed.sh
. "$(dirname "$0")/../lib/testbed.sh"

testbed_up dual
capture_start all
register 1

# The gateway's own port plays a device.
as_device()
{
	ip -n gw link set wan0 down
	ip -n gw addr flush dev wan0
	ip -n gw link set wan0 address "$(mac_of "$1")" up
}

ask_dhcp()
{
	in_ns gw busybox udhcpc -f -n -q -i wan0 -s "$tb_lib/udhcpc.sh" -t 2 -T 2
}

has_slaac()
{
	in_ns gw ip -6 addr show dev wan0 -tentative | grep -q "$(slaac_of 1)/64.*dynamic"
}

as_device 1
check "a registered MAC gets an IPv4 lease" ask_dhcp
isnt "Kea's lease file names the MAC" "$(lease4_of 1)" ""
check "and reaches the client over IPv4" ping_from gw "$CLIENT4"
is "who sees its address" "$(http gw "$CLIENT4" 80 /cgi-bin/ip)" "$(lease4_of 1)"
is "as a server behind the router does" "$(http gw "$FAR4" 80 /cgi-bin/ip)" "$(lease4_of 1)"
is "UDP works, too" "$(udp_ask gw "$CLIENT4" 5000)" "client hello"
check "an RA gives it its SLAAC address" within 15 has_slaac
is "and IPv6 works" "$(http gw "$CLIENT6" 80 /cgi-bin/ip)" "$(slaac_of 1)"
is "also behind the router" "$(http gw "$FAR6" 80 /name)" far
is "and UDP over IPv6" "$(udp_ask gw "$CLIENT6" 5000)" "client hello"

as_device 9
before=$(upstream_drops unregistered)
check_not "an unregistered MAC gets no lease" ask_dhcp
is "and has none in the lease file" "$(lease4_of 9)" ""
ip -n gw addr add 10.1.2.77/24 dev wan0
check_not "nor does it reach anybody with a stolen address" ping_from gw "$CLIENT4"
check "the upstream firewall counted it" test "$(upstream_drops unregistered)" -gt "$before"
check_not "the capture's check sees the strange frames" capture_only_registered
check "the DHCPDISCOVERs of it are in the capture" test "$(capture_dhcp Discover "$(mac_of 9)")" -ge 1

as_device 1
ip -n gw addr add 10.1.2.77/24 dev wan0
check "an unbound address passes while ARP is not inspected" ping_from gw "$CLIENT4"
in_ns gw ip neigh flush all
in_ns client ip neigh flush all
snoop_bind 1 10.1.2.78
snoop_strict
check_not "and does not when it is" ping_from gw "$CLIENT4"

testbed_device 1
within 10 grep -q discover "$tb/log/dev1.dhcp"	# its client has cleared the port
ip -n gw addr add 192.168.1.1/24 dev lan0
in_ns dev1 ip addr add 192.168.1.50/24 dev eth0
is "a device serves its name on the LAN" "$(http gw 192.168.1.50 80 /name)" dev1
is "on each of its ports" "$(http gw 192.168.1.50 22 /name)" dev1
is "by UDP" "$(within 5 udp_ask gw 192.168.1.50 5000)" "dev1 hello"
is "and the large file whole" "$(http gw 192.168.1.50 80 /big | sha256sum)" "$tb_big_sum"

tap_done
