#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The agent against one kind of server, in every mode of the router's: each device gets what the mode
# promises by the server's word, and each message of RFC 2131, 4861, 4862, 5227 and 8415 that its life
# calls for is on the wire. Scenarios choose the server and the modes.
#
# matrix MODE…     MODE: the flags that the router says of M, O and A, or none; the first without M and O

: "${TB_LEASE:=60}" "${TB_T1:=8}" "${TB_T2:=14}"
: "${TB_DNS:=1}"
: "${TB_IPV6_ONLY:=1800}"
readonly NAT64=2001:db8:64::/96
# shellcheck source=tests/lib/negotiation.sh
. "$(dirname "${BASH_SOURCE[0]}")/negotiation.sh"

# --- a first device, cold --------------------------------------------------------------------

matrix_cold()
{
	register 1
	quiet_device 1
	check "dev1 wins an IPv4 address" within 20 wire_has "$(line_announcement 1)" || bail_out "without addresses there is nothing to test"
	check "  the server's lease file has it" leased4 1
	check "  so has the IPv6 address" within 5 leased6 1
	is "  the other is formed of its MAC" "$(told 1 slaac)" "$(slaac_of 1)"
	check "dev1 renews at T1, by unicast" within 15 wire_has "$(line_dhcp4 1 $MAC_ROUTER 3)"
	check "  and by DHCPv6" within 15 wire_has "$(line_dhcp6 1 5)"
	matrix_cold4 "$(mac_of 1)" "$(told 1 ipv4)"
	matrix_cold6 "$(told 1 dhcp6)"
	if [ "$TB_RAPID" = true ]; then
		wire "rapid commit: the REPLY answers the SOLICIT" "-ge 1" "$(to6 1 "$REPLY6 && dhcpv6.option.type == 14")"
		wire_not "  no REQUEST is needed" "$(of 1 "$REQUEST6")"
	else
		wire "ADVERTISE" "-ge 1" "$(to6 1 "$ADVERTISE6 && dhcpv6.iaaddr.ip")"
		wire "REQUEST: of that address, at that server" "-ge 1" "$(of 1 "$REQUEST6 && dhcpv6.iaaddr.ip == $(told 1 dhcp6) && dhcpv6.option.type == 2")"
		wire_order "  after the ADVERTISE" "$(to6 1 "$ADVERTISE6")" "$(of 1 "$REQUEST6")"
	fi
}

# matrix_cold4 MAC ADDRESS
matrix_cold4()
{
	wire "DISCOVER: by broadcast with its flag, chaddr the source's MAC, client-id 01 and MAC" "-ge 1" \
		"$(of 1 "$DISCOVER && $UNKNOWN && dhcp.hw.mac_addr == $1 && dhcp.option.value == 01:$1")"
	wire_not "  none of another kind" "$(of 1 "$DISCOVER && !($UNKNOWN && dhcp.option.value == 01:$1)")"
	wire_not "  nor one that asks for option 108: there is no NAT64" "$(of 1 "dhcp.option.request_list_item == 108")"
	wire "OFFER" "-ge 1" "$(to4 1 "$OFFER && dhcp.ip.your == $2")"
	wire "REQUEST: by broadcast, of that address, at that server" "-ge 1" "$(of 1 "$REQUEST && $UNKNOWN &&
		dhcp.option.requested_ip_address == $2 && dhcp.option.dhcp_server_id == $tb_net4.1 && dhcp.option.value == 01:$1")"
	wire "ACK" "-ge 1" "$(to4 1 "$ACK && dhcp.ip.your == $2")"
	wire "ACD: three probes" "-eq 3" "$(of 1 "$PROBE && arp.dst.proto_ipv4 == $2")"
	wire "  two announcements" "-eq 2" "$(of 1 "$ANNOUNCEMENT && arp.src.proto_ipv4 == $2")"
	wire_order "  after the probes" "$(of 1 "$PROBE")" "$(of 1 "$ANNOUNCEMENT")"
	wire_order "  which are after the ACK" "$(to4 1 "$ACK")" "$(of 1 "$PROBE")"
	wire "renewal: a unicast REQUEST from its address to the server's, without options 50 and 54" "-ge 1" \
		"$(of 1 "$REQUEST && eth.dst == $MAC_ROUTER && ip.src == $2 && ip.dst == $tb_net4.1 &&
		dhcp.ip.client == $2 && dhcp.flags.bc == 0 && !dhcp.option.requested_ip_address && !dhcp.option.dhcp_server_id")"
}

# matrix_cold6 ADDRESS: DHCPv6's
matrix_cold6()
{
	wire "DAD: a solicitation from :: for its link-local address" "-ge 1" "$(of 1 "$DAD && icmpv6.nd.ns.target_address == fe80::ff:fe00:1")"
	wire "  for its SLAAC address" "-ge 1" "$(of 1 "$DAD && icmpv6.nd.ns.target_address == $(slaac_of 1)")"
	wire "  for its DHCPv6 address" "-ge 1" "$(of 1 "$DAD && icmpv6.nd.ns.target_address == $1")"
	wire "MLD: reports of its solicited-node group, said twice" "-ge 2" "$(of 1 "$MLD_JOIN && icmpv6.mldr.mar.multicast_address == ff02::1:ff00:1")"
	wire_order "  before the solicitation that needs it" "$(of 1 "$MLD_JOIN")" "$(of 1 "$DAD")"
	wire "RA" "-ge 1" "$RA && ipv6.src == fe80::1"
	wire "SOLICIT: from its link-local address, DUID-LL of its MAC, with rapid commit" "-ge 1" \
		"$(of 1 "$SOLICIT6 && ipv6.src == fe80::ff:fe00:1 && dhcpv6.duid.bytes == 00:03:00:01:$(mac_of 1) && dhcpv6.option.type == 14")"
	wire "REPLY" "-ge 1" "$(to6 1 "$REPLY6 && dhcpv6.iaaddr.ip == $1")"
	wire "RENEW at T1" "-ge 1" "$(of 1 "$RENEW6 && dhcpv6.iaaddr.ip == $1")"
}

# --- somebody has the addresses --------------------------------------------------------------

matrix_conflict_begin()
{
	rival_begin 2 ipv4 pool6 eui64
	register 2
	quiet_device 2
	check "dev2, whose every address somebody has, declines IPv4" within 20 wire_has "$(line_dhcp4 2 ff:ff:ff:ff:ff:ff 4)"
	check "  and DHCPv6" within 20 wire_has "$(line_dhcp6 2 9)"
	like "  doppel devices says why" "$(doppel devices "$(mac_of 2)")" 'in use by 02:00:00:00:f0:02'
	check "  so does doppel diagnose" diagnosed dhcp4-conflict 'failed .*is in use by 02:00:00:00:f0:02'
	rival_end
	wire "DECLINE: of the address, at the server, with the client's id" "-ge 1" "$(of 2 "$DECLINE && $BROADCAST &&
		ip.src == 0.0.0.0 && dhcp.option.requested_ip_address && dhcp.option.dhcp_server_id == $tb_net4.1 && dhcp.option.value == 01:$(mac_of 2)")"
	wire_order "  after the other host's answer to a probe" "eth.dst == $(mac_of 2) && arp.opcode == 2" "$(of 2 "$DECLINE")"
	wire_order "  and before any announcement" "$(of 2 "$DECLINE")" "$(of 2 "$ANNOUNCEMENT")"
	wire "DHCPv6 DECLINE: of the address, at the server" "-ge 1" "$(of 2 "$DECLINE6 && dhcpv6.iaaddr.ip && dhcpv6.option.type == 2")"
	wire_order "  which the server answers" "$(of 2 "$DECLINE6")" "$(to6 2 "$REPLY6 && !dhcpv6.iaaddr.ip")"
}

# Once nobody is in the way any more
matrix_conflict_end()
{
	local formed

	check "dev2 gets another IPv4 address once they are free" within 25 leased4 2
	check "  and one of DHCPv6's" within 5 leased6 2
	formed=$(told 2 slaac)
	like "  its SLAAC address is another one (RFC 7217)" "$formed" "^$tb_net6:"
	isnt "  not formed of its MAC" "$formed" "$(slaac_of 2)"
	wire "DAD of the second SLAAC address" "-ge 1" "$(of 2 "$DAD && icmpv6.nd.ns.target_address == $formed")"
	wire_not "no declined address is announced" "$(of 2 "$ANNOUNCEMENT && arp.src.proto_ipv4 != $(told 2 ipv4)")"
	wire "  the new one is" "-ge 1" "$(of 2 "$ANNOUNCEMENT")"
}

# --- the modes -------------------------------------------------------------------------------

# IPv4 is the same in each of them, and takes longer: matrix_leave looks at it.
matrix_mode()
{
	local n=$1 mode=$2 name="M, O, A: ${2:-none}" own slaac_wanted=

	own=$(slaac_of "$n")
	wire_mark
	wan_mode "$mode"
	check "$name: the router says so" within 20 wire_has "$(line_ra)"
	register "$n"
	quiet_device "$n"
	case $mode in
	*A*)	slaac_wanted=$own
		check "  dev$n takes an address formed of its MAC" within 15 wire_has "$(line_na "$n" "$own")"
		wire "$name: DAD of dev$n's SLAAC address" "-ge 1" "$(of "$n" "$DAD && icmpv6.nd.ns.target_address == $own")" ;;
	esac
	case $mode in
	*M*)	check "  it takes an address of DHCPv6's" within 15 wire_has "$(line_na "$n" "$tb_net6::1[0-9a-f]{3}")"
		check "  which is a lease of the server's" within 5 leased6 "$n"
		wire "$name: a SOLICIT" "-ge 1" "$(of "$n" "$SOLICIT6")" ;;
	*O*)	check "  it asks for information, and is answered" within 15 wire_has "^[^;]*;$(mac_of "$n");[^;]*;;7;"
		wire "$name: an INFORMATION-REQUEST, for name servers, without an address" "-ge 1" \
			"$(of "$n" "$INFORM6 && dhcpv6.requested_option_code == 23 && !dhcpv6.iaid")"
		wire "  a REPLY that tells them" "-ge 1" "$(to6 "$n" "$REPLY6 && dhcpv6.dns_server == $NAMES6")" ;;
	*)	check "  it asks for its link-local address" within 15 wire_has "$(line_na "$n" "fe80::[^;]*")"
		sleep 2 ;;
	esac
	check "  doppel tells the SLAAC address: ${slaac_wanted:-none}" within 10 told_now "$n" slaac "$slaac_wanted"
	told_read
	matrix_mode_not "$n" "$mode" "$name"
}

# matrix_follow N MODE: what it means for a device that was there before there was M or O
matrix_follow()
{
	case $2 in
	*M*)	check "  dev$1, which was there before, has a lease of DHCPv6's, too" within 15 leased6 "$1"
		is "  and its SLAAC address still" "$(told "$1" slaac)" "$(slaac_of "$1")" ;;
	*O*)	if [ -z "$(told "$1" dhcp6)" ]; then
			check "  dev$1, which was there before, asks for information, too" within 15 wire_has "$(line_dhcp6 "$1" 11)"
		else
			check "  dev$1, which had M's word for it, keeps its lease" within $((TB_T1 + 5)) wire_has "$(line_dhcp6 "$1" 5)"
			check "  which the server has, too" leased6 "$1"
			wire_not "  it asks for nothing else" "frame.number > $wire_marked && $(of "$1" "$SOLICIT6 || $INFORM6")"
		fi ;;
	esac
}

# What the mode does not call for
matrix_mode_not()
{
	case $2 in
	*A*) ;;
	*)	wire_not "$3: nobody speaks of a SLAAC address" "icmpv6.nd.ns.target_address == $(slaac_of "$1")" ;;
	esac
	case $2 in
	*M*)	wire_not "$3: no INFORMATION-REQUEST" "$(of "$1" "$INFORM6")"
		return ;;
	*O*)	wire_not "$3: no SOLICIT" "$(of "$1" "$SOLICIT6")" ;;
	*)	wire_not "$3: no SOLICIT, no INFORMATION-REQUEST" "$(of "$1" "dhcpv6.msgtype")" ;;
	esac
	is "  and no lease of DHCPv6's, nor has the server one" "$(told "$1" dhcp6)$(lease6_of "$1")" ""
	[ -n "$2" ] || check "  diagnose says that this leads to no address" diagnosed router6-prefix 'failed .*no way to an address'
}

# The modes' devices by IPv4; then they are told to go.
matrix_leave()
{
	local n

	for n; do
		check "dev$n has an IPv4 lease, too" within 20 leased4 "$n"
		ip -n lan link set "dev$n" down
		doppel devices "$(mac_of "$n")" --forget >/dev/null
	done
}

# --- a NAT64, and a server that has clients do without IPv4 (RFC 8925) -----------------------

matrix_ipv6_only()
{
	local had4

	told_read
	had4=$(told 1 ipv4)
	in_ns isp "$tb_lib/pref64" br0 $NAT64 600
	check "the router tells of a NAT64" within 10 diagnosed nat64-prefix "ok the NAT64 prefix is $NAT64 \(RA\)"
	wire_mark
	register 9
	quiet_device 9
	check "dev9, which is new, gets a lease of DHCPv6's" within 20 leased6 9
	check "  and does without IPv4" within 10 told_now 9 status4 off
	like "  doppel devices says why" "$(doppel devices "$(mac_of 9)")" 'the DHCPv4 server prefers IPv6 alone here \(option 108\)'
	is "  it is active" "$(told 9 status)" active
	check "dev1, which has an address, renews it" within $((TB_T1 + 5)) wire_has "$(line_dhcp4 1 $MAC_ROUTER 3)"
	is "  and keeps it" "$(told 1 ipv4)" "$had4"
	wire "behind a NAT64 DISCOVER asks for option 108" "-ge 1" "$(of 9 "$DISCOVER && dhcp.option.request_list_item == 108")"
	wire "  the answer has it" "-ge 1" "$(to4 9 "dhcp.option.type == 108")"
	wire_not "  no address is requested" "$(of 9 "$REQUEST")"
	wire_not "  nor probed" "$(of 9 "$PROBE")"
	wire_phase
	in_ns isp "$tb_lib/pref64" br0 $NAT64 0
	check "the NAT64 is gone: dev9 gets an IPv4 address" within 20 leased4 9
	wire "without a NAT64 DISCOVER does not ask for option 108" "-ge 1" "$(of 9 "$DISCOVER && !(dhcp.option.request_list_item == 108)")"
	if [ "$TB_RAPID4" = true ]; then
		wire "rapid commit: the ACK answers the DISCOVER (RFC 4039)" "-ge 1" "$(to4 9 "$ACK && dhcp.option.type == 80")"
		wire_not "  no REQUEST is needed" "$(of 9 "$REQUEST")"
	fi
	matrix_leave 9
	wire_phase
}

# --- servers that are away -------------------------------------------------------------------

matrix_away()
{
	local had4 had6

	check "dev1 renews by DHCPv6" within $((TB_T1 + 10)) wire_has "^[^;]*;$(mac_of 1);[^;]*;;7;"
	had4=$(lease4_of 1) had6=$(lease6_of 1)
	isp_pause dhcp4 dhcp6
	check "without servers dev1 asks every one at T2" within $((TB_T2 + 5)) wire_has "$(line_dhcp4 1 ff:ff:ff:ff:ff:ff 3)"
	check "  and by DHCPv6" within $((TB_T2 + 5)) wire_has "$(line_dhcp6 1 6)"
	told_read
	is "  meanwhile it is renewing" "$(told 1 status4) $(told 1 status6)" "renewing renewing"
	check "  doppel diagnose says that nobody answers" diagnosed dhcp4-renewal 'failed no DHCPv4 server renews'
	isp_go dhcp4 dhcp6
	check "  and bound when they are back" within 10 told_now 1 status4 bound
	check "  by DHCPv6, too" within 10 told_now 1 status6 bound
	is "  with its addresses" "$(told 1 ipv4) $(told 1 dhcp6)" "$had4 $had6"
	wire "rebinding: a broadcast REQUEST from its address, without options 50 and 54" "-ge 1" \
		"$(of 1 "$REQUEST && $BROADCAST && ip.src == $had4 && dhcp.ip.client == $had4 && !dhcp.option.requested_ip_address && !dhcp.option.dhcp_server_id")"
	wire "REBIND: of its address, at no server" "-ge 1" "$(of 1 "$REBIND6 && dhcpv6.iaaddr.ip == $had6 && !(dhcpv6.option.type == 2)")"
	wire_not "  nothing of dev1's begins anew" "$(of 1 "$DISCOVER || $SOLICIT6")"
	wire_phase
}

# --- a reboot --------------------------------------------------------------------------------

# The module's knowledge is lost, the file is there. The port is down while nobody guards it.
matrix_reboot()
{
	local had4 had6

	had4=$(told 1 ipv4) had6=$(told 1 dhcp6)
	agent_end TERM
	ip -n gw link set wan0 down
	module_unload
	check "the module is loaded again" module_load
	isp_pause radvd
	agent_start
	device_speaks 1
	check "dev1 solicits a router" within 10 wire_has "^$(mac_of 1);.*;133;"
	isp_go radvd
	check "dev1 announces its old address" within 20 wire_has "$(line_announcement 1)" ||
		bail_out "without addresses there is nothing to test"
	check "  and the IPv6 one" within 20 wire_has "$(line_na 1 "$had6")"
	told_read
	is "  doppel tells these" "$(told 1 ipv4) $(told 1 dhcp6)" "$had4 $had6"
	wire "INIT-REBOOT: a broadcast REQUEST of the old address, at no server" "-ge 1" "$(of 1 "$REQUEST && $UNKNOWN &&
		dhcp.option.requested_ip_address == $had4 && !dhcp.option.dhcp_server_id")"
	wire "CONFIRM: of the old address, at no server" "-ge 1" "$(of 1 "$CONFIRM6 && dhcpv6.iaaddr.ip == $had6 && !(dhcpv6.option.type == 2)")"
	wire "  which the server answers" "-ge 1" "$(to6 1 "$REPLY6")"
	wire "RS: from the link-local address, with the MAC" "-ge 1" "$(of 1 "$RS && ipv6.src == fe80::ff:fe00:1 && icmpv6.opt.linkaddr == $(mac_of 1)")"
	wire_not "nothing of dev1's begins anew" "$(of 1 "$DISCOVER || $SOLICIT6")"
	wire_phase
}

# --- another network -------------------------------------------------------------------------

matrix_move()
{
	local had4 had6

	had4=$(told 1 ipv4) had6=$(told 1 dhcp6)
	tb_net4=10.1.3 tb_net6=2001:db8:3
	ip -n isp link set swgw down
	ip -n isp addr add $tb_net4.1/24 dev br0
	ip -n isp addr del 10.1.2.1/24 dev br0
	ip -n isp addr add $tb_net6::1/64 dev br0 nodad
	isp_renew
	ip -n isp link set swgw up
	check "on another network dev1 gets an IPv4 address of its pool" within 30 told_now 1 ipv4 "$tb_net4\..*" ||
		bail_out "without addresses there is nothing to test"
	check "  which is the server's lease" leased4 1
	check "  and a DHCPv6 one" within 10 told_now 1 dhcp6 "$tb_net6::.*"
	check "  which is the server's lease" leased6 1
	check "  and there is one of the new prefix" within 10 told_now 1 slaac ".*$tb_net6::ff:fe00:1.*"
	wire "the old address is asked for" "-ge 1" "$(of 1 "$REQUEST && $UNKNOWN && dhcp.option.requested_ip_address == $had4")"
	wire_order "  NAK, and a new DISCOVER" "$(to4 1 "$NAK")" "$(of 1 "$DISCOVER")"
	wire_not "  which does not ask for the old address" "$(of 1 "$DISCOVER && dhcp.option.requested_ip_address == $had4")"
	wire "CONFIRM of the old address" "-ge 1" "$(of 1 "$CONFIRM6 && dhcpv6.iaaddr.ip == $had6")"
	wire_order "  the answer is: not on this link; then a new SOLICIT" "$(to6 1 "dhcpv6.status_code == 4")" "$(of 1 "$SOLICIT6")"
	wire "MLD: the old address's group is left" "-ge 1" "$(of 1 "$MLD_LEAVE")"
	wire_phase
}

# --- the end ---------------------------------------------------------------------------------

matrix_release()
{
	local had4 had6

	had4=$(told 1 ipv4) had6=$(told 1 dhcp6)
	ip -n lan link set dev1 down
	check "dev1 is forgotten" doppel devices "$(mac_of 1)" --forget
	check "the server has its IPv4 address back" within 5 matrix_free lease4_of 1
	check "  and the IPv6 one" within 5 matrix_free lease6_of 1
	wire "RELEASE: from its address to its server" "-eq 1" "$(of 1 "$RELEASE && eth.dst == $MAC_ROUTER && ip.src == $had4 &&
		ip.dst == $tb_net4.1 && dhcp.ip.client == $had4 && dhcp.option.dhcp_server_id == $tb_net4.1")"
	wire "DHCPv6 RELEASE: of its address, at its server" "-ge 1" "$(of 1 "$RELEASE6 && dhcpv6.iaaddr.ip == $had6 && dhcpv6.option.type == 2")"
}

matrix_free() { [ -z "$("$@")" ]; }

matrix()
{
	local n=11 mode

	negotiation_up dual
	matrix_cold
	matrix_conflict_begin
	for mode; do
		matrix_mode $n "$mode"
		[ $n -eq 11 ] || matrix_follow 11 "$mode"
		n=$((n + 1))
	done
	# dnsmasq starts anew.
	[ "$TB_SERVERS" != dnsmasq ] || TB_RAPID4=true
	wan_mode MOA
	matrix_conflict_end
	# shellcheck disable=SC2046 # numbers
	matrix_leave $(seq 11 $((n - 1)))
	wire_phase
	matrix_ipv6_only
	matrix_away
	matrix_reboot
	matrix_move
	matrix_release
	negotiation_done
}
