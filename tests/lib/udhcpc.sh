#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What a device does with its lease: one address, one default route. Its name servers are for $DNS_FILE.

# shellcheck disable=SC2154 # udhcpc sets them
case "$1" in
deconfig)
	ip -4 addr flush dev "$interface"
	;;
bound|renew)
	ip addr replace "$ip/${mask:-24}" dev "$interface"
	if [ -n "$router" ]; then
		ip route replace default via "${router%% *}" dev "$interface"
	fi
	[ -z "$DNS_FILE" ] || echo "$dns" >"$DNS_FILE"
	;;
esac
