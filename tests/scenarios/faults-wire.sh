#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# A bad WAN: a third of the frames lost, frames twice, out of order, late. Every device gets its
# addresses all the same, keeps them, and shares them with nobody.

TB_LEASE=120 TB_T1=12 TB_T2=40
# shellcheck source=tests/lib/negotiation.sh
. "$(dirname "$0")/../lib/negotiation.sh"

# wan_suffers [NETEM PARAMETERS]: both ways; nothing: all is well again
wan_suffers()
{
	local ns port

	while read -r ns port; do
		if [ $# -gt 0 ]; then
			in_ns "$ns" tc qdisc replace dev "$port" root netem "$@" || bail_out "no netem"
		else
			in_ns "$ns" tc qdisc del dev "$port" root
		fi
	done <<<"gw wan0
isp swgw"
}

# all_leased N...: by the server's word
all_leased()
{
	local n

	for n; do
		leased4 "$n" || return
		leased6 "$n" || return
		[ "$(told "$n" slaac)" = "$(slaac_of "$n")" ] || { echo "dev$n: no SLAAC address"; return 1; }
	done
}

# suffers NAME N N -- NETEM PARAMETERS
suffers()
{
	local name=$1 devices=()
	shift

	while [ "$1" != -- ]; do
		devices+=("$1")
		shift
	done
	wan_suffers "${@:2}"
	register "${devices[@]}"
	for n in "${devices[@]}"; do
		quiet_device "$n"
	done
	check "$name: ${#devices[@]} devices get every address" within 60 all_leased "${devices[@]}"
	check "  as those that were there have theirs" within 20 all_leased 1
}

negotiation_up dual
register 1
quiet_device 1
check "dev1 has every address" within 30 all_leased 1
told_read
had=$(told 1 ipv4)$(told 1 dhcp6)

suffers "30 % lost" 2 3 -- loss 30%
suffers "every third frame twice, or more" 4 5 -- duplicate 33%
suffers "a quarter out of order, half a second late" 6 7 -- delay 500ms 200ms reorder 25%
wan_suffers
wire_mark
check "dev1 renews once all is well" within 20 wire_has "$(line_dhcp4 1 $MAC_ROUTER 3)"
check "every device is bound" within 20 all_leased 1 2 3 4 5 6 7
is "dev1 still has its first addresses" "$(told 1 ipv4)$(told 1 dhcp6)" "$had"
is "no two devices share an address" "$(cut -d';' -f5-7 "$tb/told" | tr ' ;' '\n' | sort | uniq -d)" ""
wire "dev1 never began anew" "-eq 1" "$(of 1 "$DISCOVER")"
wire_not "nobody declined anything" "$DECLINE || $DECLINE6"
negotiation_done
tap_done
