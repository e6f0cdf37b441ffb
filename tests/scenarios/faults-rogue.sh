#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# A second DHCPv4 and DHCPv6 server and a second router come up on the WAN. Who has a lease of the first
# stays with it, and who is new waits for it, though the second is faster; only when the first is lost does
# anybody follow the second.

TB_LEASE=40 TB_T1=8 TB_T2=16
# shellcheck source=tests/lib/negotiation.sh
. "$(dirname "$0")/../lib/negotiation.sh"

# On the client host; its addresses are 10.1.2.21x and 2001:db8:bad::/64
rogue_begin()
{
	ip -n client addr add 2001:db8:bad::1/64 dev eth0 nodad
	spawn rogue.log client dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= --port=0 \
		--log-facility=- --log-dhcp --no-ping --interface=eth0 --dhcp-leasefile="$tb/leases.rogue" --enable-ra \
		--dhcp-range=10.1.2.210,10.1.2.219,120 --dhcp-range=2001:db8:bad::1000,2001:db8:bad::1fff,slaac,64,120 \
		--dhcp-option="option:router,$CLIENT4" --ra-param=eth0,high,4,600
	within 20 wire_has "^$MAC_CLIENT;.*;134;" || bail_out "the rogue router does not advertise"
}

negotiation_up dual
register 1
quiet_device 1
check "dev1 has an IPv4 lease of the first server" within 30 leased4 1
check "  and a DHCPv6 one" within 15 leased6 1
had4=$(told 1 ipv4) had6=$(told 1 dhcp6)
rogue_begin
wire_phase
check "beside a rogue server dev1 renews at the first" within 20 wire_has "$(line_dhcp4 1 $MAC_ROUTER 3)"
check "  and by DHCPv6" within 20 wire_has "$(line_dhcp6 1 5)"
leased4 1 >/dev/null
is "  and keeps its addresses" "$(told 1 ipv4) $(told 1 dhcp6)" "$had4 $had6"
wire_not "it asks the rogue for nothing" "$(of 1 "eth.dst == $MAC_CLIENT && dhcp")"
check "diagnose tells of a second router, with its MAC" diagnosed router6-several "warning 2 IPv6 routers advertise: .*$MAC_CLIENT"

# --- somebody new: the rogue's offers are the first
in_ns isp tc qdisc add dev br0 root netem delay 300ms || bail_out "no netem"
register 2
quiet_device 2
check "dev2, which is new, has an IPv4 lease of the first server" within 30 leased4 2
check "  and a DHCPv6 one" within 15 leased6 2
check "diagnose tells of a second DHCPv4 server, with its MAC" diagnosed dhcp4-servers "warning 2 DHCPv4 servers answer: .*$MAC_CLIENT.*; new devices wait for 10.1.2.1\$"
check "  and of a second DHCPv6 server" diagnosed dhcp6-servers "warning 2 DHCPv6 servers answer: .*$MAC_CLIENT.*; new devices wait for fe80::1\$"
check "  the log, too" grep -qE "DHCP server [^ ]* \(from $MAC_CLIENT\) answers, too" "$tb/log/agent.log"
wire_order "the rogue's offer was there before the first's" "$(to4 2 "$OFFER && dhcp.option.dhcp_server_id == $CLIENT4")" "$(to4 2 "$OFFER && dhcp.option.dhcp_server_id == 10.1.2.1")"
wire_order "  and its word by DHCPv6, too" "$(to6 2 "udp.srcport == 547 && eth.src == $MAC_CLIENT")" "$(to6 2 "udp.srcport == 547 && eth.src == $MAC_ROUTER")"
wire_not "dev2 asked the rogue for no address" "$(of 2 "$REQUEST && dhcp.option.dhcp_server_id == $CLIENT4")"
wire_phase
leased4 1 >/dev/null
is "dev1 keeps its addresses" "$(told 1 ipv4) $(told 1 dhcp6)" "$had4 $had6"

# --- the first is lost: who is new has waited for long enough; who has a lease keeps it, as REBINDING leads
# to nobody else's, until it has run out
isp_end dhcp4
register 3
quiet_device 3
check "without the first server dev3, which is new, follows the second" within 30 told_now 3 ipv4 '10\.1\.2\.21[0-9]'
check "dev1 goes over to it" within 90 told_now 1 ipv4 '10\.1\.2\.21[0-9]'
negotiation_done
tap_done
