#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# A WAN that changes its families under three devices: IPv4 only, dual, IPv4 only as its router is gone
# without a word, dual, IPv6 only with a NAT64, dual, and IPv4 only as its router takes IPv6 back. Addresses
# and what is said of them follow; what the other family has goes on.

TB_LEASE=20 TB_T1=6 TB_T2=12
TB_ROUTER_LIFE=15 TB_PREFIX_LIFE=20
TB_NAT64=2001:db8:64::/96
# shellcheck source=tests/lib/negotiation.sh
. "$(dirname "$0")/../lib/negotiation.sh"

# each COMMAND…: for each device, by its number
each() { "$@" 1 && "$@" 2 && "$@" 3; }

# all_told FIELD REGEX: of each device, at the price of one question
all_told()
{
	told_read
	each told_is "$1" "$2"
}

# told_is FIELD REGEX N, told_slaac N: as told_read has read
told_is() { [[ $(told "$3" "$1") =~ ^($2)$ ]] || { echo "$1 of dev$3: $(told "$3" "$1")"; return 1; }; }
told_slaac() { told_is slaac "$(slaac_of "$1")" "$1"; }
all_slaac() { told_read && each told_slaac; }
reached4() { reaches "dev$1" client "$(lease4_of "$1")" 8080; }
reached6() { reaches "dev$1" client "$(slaac_of "$1")" 8080; }

# Of the box's own nothing is said here: it is no installed one.
nothing_wrong()
{
	doppel diagnose --json | jq -r '.checks[] | select(.result != "ok" and .name != "service-installed") | .name + " " + .text' >"$tb/wrong"
	cat "$tb/wrong"
	[ ! -s "$tb/wrong" ]
}

# of_all FILTER: frames from any of the devices, by what their MACs have in common
of_all() { echo "eth.src[0:5] == 02:00:00:00:00 && ($1)"; }

ipv4_undisturbed()
{
	wire_not "$1: nobody asks for another IPv4 lease" "$(of_all "$DISCOVER")"
	wire "  they are renewed" "-ge 3" "$(of_all "$REQUEST && dhcp.ip.client != 0.0.0.0")"
}

ipv6_undisturbed()
{
	wire_not "$1: nobody asks for another IPv6 address" "$(of_all "$SOLICIT6 || $DAD")"
	wire "  the leases are renewed" "-ge 3" "$(of_all "$RENEW6")"
}

# --- the WAN ---------------------------------------------------------------------------------

ipv6_begins()
{
	tb_ra=MOA
	link_ipv6 add
	isp_kea6
	isp_radvd
}

ipv6_is_gone()
{
	end "${isp_pids[radvd]}" KILL
	end "${isp_pids[dhcp6]}" KILL
	link_ipv6 del
}

# dual WHAT: each device has all that it gives, and the servers know of it
dual()
{
	check "$1: each device has its SLAAC address" within 20 all_slaac
	check "  a DHCPv6 lease" within 20 each leased6
	check "  an IPv4 lease" within 25 each leased4
	check "  and is active" within 5 all_told status active
	check "  bound by IPv4" within 5 all_told status4 'bound|renewing'
	check "  and by IPv6" within 5 all_told status6 'bound|renewing'
	check "  doppel diagnose tells of the router" diagnosed wan-router6 'ok the router fe80::1 advertises on the WAN'
	check "  and of nothing that is wrong" within 10 nothing_wrong
}

# --- IPv4 only -------------------------------------------------------------------------------
negotiation_up ipv4
for n in 1 2 3; do
	register $n
	quiet_device $n
	host_services dev$n
done
small_buffers client dev1
check "IPv4 only: each device has a lease" within 25 each leased4 || bail_out "without addresses there is nothing to test"
check "  and is active" within 5 all_told status active
check "  by IPv6 it is off" within 10 all_told status6 off
like "  as no router advertises" "$(doppel devices "$(mac_of 1)")" 'IPv6 +off: no router advertises on the WAN'
check "  doppel diagnose says so" diagnosed wan-router6 'warning no IPv6 router advertises on the WAN'
wire "IPv4 only: each device solicits a router" "-ge 3" "$(of_all "$RS")"
wire_not "  there is none" "$RA"
wire_not "  nobody asks by DHCPv6" "dhcpv6.msgtype"
had4=$(lease4_of 1)
download_begin over4 client "$had4"

# --- dual ------------------------------------------------------------------------------------
wire_phase
ipv6_begins
dual "IPv6 begins"
check "  dev1 is reached by it" within 10 reached6 1
ipv4_undisturbed "IPv6 begins"
wire "  SOLICITs of each device" "-ge 3" "$(of_all "$SOLICIT6")"

# --- IPv4 only: the router is gone without a word ----------------------------------------------
wire_phase
ipv6_is_gone
check "the router is gone: once its time is over doppel diagnose says so" within 20 \
	diagnosed wan-router6 'warning no IPv6 router advertises on the WAN'
check "  the SLAAC addresses are over with their prefix" within 25 all_told slaac ''
check "  those of DHCPv6 with their leases" within 25 all_told dhcp6 ''
check "  by IPv6 the devices are off" within 10 all_told status6 off
check "  they are active" all_told status active
wire "each device asks for a router" "-ge 3" "$(of_all "$RS")"
wire "  and every DHCPv6 server for its lease" "-ge 3" "$(of_all "$REBIND6")"
wire "  the groups of the addresses are left" "-ge 3" "$(of_all "$MLD_LEAVE")"
wire_mark
sleep 5
wire_not "without a router nobody asks by DHCPv6" "frame.number > $wire_marked && dhcpv6.msgtype"
ipv4_undisturbed "The router is gone"

# --- dual again ------------------------------------------------------------------------------
wire_phase
TB_ROUTER_LIFE=600 TB_PREFIX_LIFE=3600	# nothing of it needs to run out any more
ipv6_begins
dual "IPv6 is back"
check "a download by IPv4 went on through it all" download_whole over4
check "  and each device is reached by it" each reached4
ipv4_undisturbed "IPv6 is back"
download_begin over6 client "$(slaac_of 1)"

# --- IPv6 only, with a NAT64 -----------------------------------------------------------------
wire_phase
isp_end dhcp4
link_ipv4 del
check "no DHCPv4 server any more: doppel diagnose tells while the leases last" within 20 \
	diagnosed dhcp4-renewal 'failed no DHCPv4 server renews the lease of (3 devices|02:.*)'
check "  at their end the addresses are given up" within 25 all_told ipv4 ''
wire "every DHCPv4 server is asked for the leases" "-ge 3" "$(of_all "$REQUEST && $BROADCAST && dhcp.ip.client != 0.0.0.0")"
ipv6_undisturbed "IPv4 ends"
wire_phase
check "  doppel diagnose says that nobody answers" within 15 diagnosed dhcp4-silent 'failed no DHCPv4 server answers (3 devices|02:.*)'
like "  and what to do if that is meant" "$(doppel diagnose)" 'on an IPv6-only WAN set wan.ipv4: off'
check "  by IPv6 the devices are bound" all_told status6 'bound|renewing'
check "  and reached" each reached6
in_ns isp "$tb_lib/pref64" br0 $TB_NAT64 600
check "the router tells of a NAT64: doppel diagnose, too" within 10 diagnosed nat64-prefix "ok the NAT64 prefix is $TB_NAT64 \(RA\)"
is "  by which dev1 reaches IPv4 hosts" "$(http dev1 $FAR4 80 /name)" far
wire "DISCOVERs are repeated" "-ge 3" "$(of_all "$DISCOVER && $UNKNOWN")"
wire_not "  the addresses that are given up are not spoken of in ARP" "$(of_all "arp.src.proto_ipv4 == $tb_net4.0/24")"

# --- dual once more --------------------------------------------------------------------------
wire_phase
link_ipv4 add
isp_kea4
dual "IPv4 is back"
is "  dev1 has the address that it had" "$(lease4_of 1)" "$had4"
check "a download by IPv6 went on through it all" download_whole over6
check "  and each device is reached by IPv4" within 10 each reached4
ipv6_undisturbed "IPv4 is back"
wire "each address is probed again" "-ge 9" "$(of_all "$PROBE")"
wire "  and announced" "-ge 6" "$(of_all "$ANNOUNCEMENT")"
download_begin again4 client "$had4"

# --- IPv4 only: the router takes IPv6 back -----------------------------------------------------
wire_phase
isp_end dhcp6 radvd
check "the router takes IPv6 back: doppel diagnose says at once that there is none" within 10 \
	diagnosed wan-router6 'warning no IPv6 router advertises on the WAN'
check "  the devices are active" all_told status active
check "  and keep their addresses, for what goes on by them" all_slaac
check "  on the link they are reached" reached6 1
check "a download by IPv4 went on through it" download_whole again4
check "  and each device is reached by it" each reached4
wire "the router's last word: it is none, and the prefix is deprecated" "-ge 1" \
	"$RA && icmpv6.nd.ra.router_lifetime == 0 && icmpv6.opt.prefix.preferred_lifetime == 0"
wire "  is there another? each device asks" "-ge 3" "$(of_all "$RS")"
wire_not "  nobody forms an address" "$(of_all "$DAD")"
ipv4_undisturbed "The router takes IPv6 back"

negotiation_done
tap_done
