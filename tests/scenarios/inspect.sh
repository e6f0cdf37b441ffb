#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# An upstream that looks closer: a switch that snoops MLD sends neighbour solicitations to members of
# the group only, and ARP inspection passes a sender only with the address that it leased.

TB_SNOOPING=1
TB_BIG=1
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

members() { in_ns isp bridge mdb show dev br0 | grep 'port swgw'; }
is_member() { members | grep -q "$1"; }
snoops() { is_member ff02::1:ff00:200 || in_ns isp bridge mdb show | grep -q 'swclient.*ff02::1:ff00:200'; }

gateway_up dual 1 2
check "the switch snoops: it knows the client's groups" within 20 snoops
check "dev1's SLAAC address has its solicited-node group joined" within 20 is_member ff02::1:ff00:1
dhcp6=$(lease6_of 2)
check "dev2's DHCPv6 address, too" within 20 is_member "ff02::1:ff00:${dhcp6##*:}"
for n in 1 2; do
	in_ns client ip neigh flush all
	check "dev$n is reached over IPv6 by a client that must ask for it first" reaches "dev$n" client "$(slaac_of $n)" 8080
	check "by its DHCPv6 address, too" reaches "dev$n" client "$(lease6_of $n)" 8080
done

for n in 1 2; do
	snoop_bind $n "$(lease4_of $n)"
done
snoop_strict
in_ns client ip neigh flush all
for n in 1 2; do
	check "with ARP inspected dev$n is reached" reaches "dev$n" client "$(lease4_of $n)" 8080
	is "and reaches the client" "$(http "dev$n" $CLIENT4 80 /cgi-bin/ip)" "$(lease4_of $n)"
	is "and a server behind the router" "$(http "dev$n" $FAR4 80 /cgi-bin/ip)" "$(lease4_of $n)"
done
is "no ARP had a strange sender" "$(upstream_drops spoofed)" 0
check "every frame had a registered source MAC" capture_only_registered
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
