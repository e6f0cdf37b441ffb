#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Short leases: at T1 each device's lease is renewed by unicast, from its own MAC and address.

TB_LEASE=30
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

# renewals N: REQUESTs that came from the device's MAC and WAN address to the server itself
renewals()
{
	capture_read -v "ether src $(mac_of "$1") and src host $(lease4_of "$1") and dst host 10.1.2.1 and udp port 67" |
		grep -c 'DHCP-Message (53), length 1: Request'
}

renewed() { [ "$(renewals "$1")" -ge "$2" ]; }
renewed6() { [ "$(capture_read -v "ether src $(mac_of "$1") and udp dst port 547" | grep -c 'dhcp6 renew')" -ge "$2" ]; }

gateway_up dual 1 2
had4=$(lease4_of 1) had6=$(lease6_of 1)
check "dev1's IPv4 lease is renewed by unicast from its MAC and address" within 25 renewed 1 1
check "so is dev2's" within 10 renewed 2 1
check "dev1's DHCPv6 lease is renewed" within 15 renewed6 1 1
sleep $((TB_LEASE / 2))
check "and again" within 20 renewed 1 2
is "dev1 keeps its IPv4 address" "$(wan4_of 1)" "$had4"
is "and its IPv6 address" "$(dhcp6_told 1)" "$had6"
is "which Kea has, too" "$(lease4_of 1)" "$had4"
check "dev1 is reached by IPv4 beyond its first lease" reaches dev1 client "$had4" 8080
check "and by IPv6" reaches dev1 client "$had6" 8080
is "no device began anew" "$(capture_dhcp Discover "$(mac_of 1)")" 1
check "every frame had a registered source MAC" capture_only_registered
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
