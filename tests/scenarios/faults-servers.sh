#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Servers that fall silent in each state of a lease's life, and one that refuses everything: doppel says
# what is wrong and when it tries again, asks with restraint, and is back when they are.

TB_LEASE=30 TB_T1=6 TB_T2=12 TB_RAPID=false
# shellcheck source=tests/lib/negotiation.sh
. "$(dirname "$0")/../lib/negotiation.sh"

# deaf4 TYPE..., deaf6 TYPE...: servers do not hear these messages of devices any more. The type is the
# first option of DHCPv4, and the first octet of DHCPv6.
deaf4() { deafen 'udp dport 67 @th,2000,8' "$@"; }
deaf6() { deafen 'udp dport 547 @th,64,8' "$@"; }

deafen()
{
	local type types=

	for type in "${@:2}"; do
		types+=${types:+, }$type
	done
	in_ns isp nft "add rule bridge upstream servers $1 { $types } drop"
}

hearing() { in_ns isp nft flush chain bridge upstream servers; }

# says N REGEX: in `doppel devices N`
says() { doppel devices "$(mac_of "$1")" | tee "$tb/said" | grep -Eq "$2" || { cat "$tb/said"; return 1; }; }

negotiation_up dual
in_ns isp nft 'add chain bridge upstream servers { type filter hook input priority 0; }'

# --- SELECTING and SOLICITING: nobody hears
deaf4 1
deaf6 1
register 1
quiet_device 1
check "a server that hears no DISCOVER: doppel says that nobody answers" within 15 says 1 'IPv4 .*no answer from a DHCPv4 server'
check "  and when it tries again" within 15 says 1 'IPv4 .*next try in [0-9]+s'
check "  diagnose says what to look at" diagnosed dhcp4-silent 'failed no DHCPv4 server answers'
check "  by DHCPv6, too" within 10 diagnosed dhcp6-silent 'failed the router says that addresses come by DHCPv6 \(M\), and no server'
told_read
is "  by IPv6 the SLAAC address is there" "$(told 1 slaac)" "$(slaac_of 1)"
wire "DISCOVERs are repeated" "-ge 2" "$(of 1 "$DISCOVER")"
wire "SOLICITs are repeated" "-ge 2" "$(of 1 "$SOLICIT6")"
hearing

# --- REQUESTING: offers, and then nothing
deaf4 3
deaf6 3
check "a server that offers and does not hear the REQUEST: doppel says so" within 25 \
	says 1 'offered an address but did not acknowledge it'
check "  so does diagnose" diagnosed dhcp4-no-ack 'failed a DHCPv4 server offers an address and then'
check "  DHCPv6 advertises, and the REQUEST is repeated" within 25 wire_has "$(line_dhcp6 1 3)"
wire "REQUESTs are repeated" "-ge 2" "$(of 1 "$REQUEST && $UNKNOWN")"
wire "and DHCPv6's" "-ge 2" "$(of 1 "$REQUEST6")"
hearing
check "once they hear again dev1 is bound by itself" within 40 leased4 1
check "  and by DHCPv6" within 40 leased6 1
wire_phase

# --- BOUND, RENEWING, REBINDING, and the end of the lease
had4=$(told 1 ipv4) had6=$(told 1 dhcp6)
deaf4 1 3
deaf6 1 5 6
check "from T1 on nobody hears: renewals" within 15 wire_has "$(line_dhcp4 1 $MAC_ROUTER 3)"
check "  are followed by a REBIND" within 15 wire_has "$(line_dhcp6 1 6)"
check "  and a broadcast REQUEST" within 15 wire_has "$(line_dhcp4 1 ff:ff:ff:ff:ff:ff 3)"
check "doppel says that its server does not answer" says 1 'does not answer renewals'
check "  diagnose says what will be lost" diagnosed dhcp4-renewal 'failed no DHCPv4 server renews'
check "  by DHCPv6, too" diagnosed dhcp6-renewal 'failed no DHCPv6 server renews'
check "at the end of the lease the IPv4 address is given up" within 30 told_now 1 ipv4 ''
check "  and DHCPv6's" within 15 told_now 1 dhcp6 ''
check "  and dev1 begins anew" within 10 wire_has "$(line_dhcp4 1 ff:ff:ff:ff:ff:ff 1)"
check "  by DHCPv6, too" within 10 wire_has "$(line_dhcp6 1 1)"
check_not "  nobody reaches the old address" ping_from client "$had4"
wire "REBIND" "-ge 1" "$(of 1 "$REBIND6 && dhcpv6.iaaddr.ip == $had6")"
wire_not "no RELEASE of what ran out" "$(of 1 "$RELEASE || $RELEASE6")"
hearing
check "when they hear again dev1 is bound" within 40 leased4 1
check "  and by DHCPv6" within 40 leased6 1
wire_phase

# --- INIT-REBOOT and CONFIRM, unanswered: the lease that is held goes on (RFC 2131 section 3.2, RFC 8415 section 18.2.3)
had4=$(told 1 ipv4) had6=$(told 1 dhcp6)
isp_pause dhcp4 dhcp6
ip -n isp link set swgw down
sleep 1
ip -n isp link set swgw up
check "after a carrier loss dev1 asks for its address" within 10 wire_has "$(line_dhcp4 1 ff:ff:ff:ff:ff:ff 3)"
check "  and CONFIRMs the other" within 10 wire_has "$(line_dhcp6 1 4)"
told_read
is "  of which it keeps both" "$(told 1 ipv4) $(told 1 dhcp6)" "$had4 $had6"
isp_go dhcp4 dhcp6
check "  still when the servers are back" within 20 leased4 1
is "  the same ones" "$(told 1 ipv4) $(told 1 dhcp6)" "$had4 $had6"
wire_phase

# --- a storm of NAKs
spawn naks.log client "$tb_lib/naks" eth0 10.1.2.1
storm=$spawned
within 10 grep -q ready "$tb/log/naks.log" || bail_out "naks does not start: $(cat "$tb/log/naks.log")"
deaf4 3
check "a storm of NAKs takes dev1's address" within 20 told_now 1 ipv4 ''
check "  and doppel says who refuses" within 10 says 1 'refused by the DHCPv4 server 10.1.2.1'
check "  so does diagnose" within 10 diagnosed dhcp4-refused 'failed .*refused by the DHCPv4 server 10.1.2.1'
wire_phase
sleep 20
wire "the storm is answered with restraint: in 20 seconds no more than 15 DISCOVERs" "-le 15" "$(of 1 "$DISCOVER")"
wire "  and it goes on" "-ge 20" "$NAK"
wire_phase
end "$storm"
hearing
check "when it is over dev1 is bound" within 30 leased4 1
negotiation_done
tap_done
