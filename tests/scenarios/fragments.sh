#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Fragments in both directions and both families: any order comes through whole, overlaps do not,
# atomic ones are none; a flood of what never becomes whole is bounded, counted and forgotten.

# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

# Memory of the namespace's reassembly, both families
# shellcheck disable=SC2016 # awk's
frag_memory() { in_ns gw awk '$1 == "FRAG:" || $1 == "FRAG6:" { sum += $5 } END { print sum + 0 }' /proc/net/sockstat /proc/net/sockstat6; }

no_frag_memory() { [ "$(frag_memory)" -eq 0 ]; }

big_datagrams()
{
	inward udp 1 8000 && inward6 udp 1 8000 && outward udp 1 8000
}

datapath_up 1
# Seconds instead of the half minute and the minute that the kernel keeps what never becomes whole
netns_sysctl gw net.ipv4.ipfrag_time=10 net.netfilter.nf_conntrack_frag6_timeout=10
check "datagrams of 8000 bytes go there and back, 4to4 inbound" inward udp 1 8000
check "  6to4" inward6 udp 1 8000
check "  4to4 outbound" outward udp 1 8000
check "  of 60000 bytes" inward udp 1 60000
check "  by 6to4" inward6 udp 1 60000

stage client
stage dev1
forward 1 udp:60001
room flow in4 tcp client dev1 "$(wan4 1)" 7000 7000 >/dev/null
room flow in6 tcp client dev1 "$(wan6 1)" 7001 7000 >/dev/null
raw fragment_rules.py
check "flows that were there go on" good flows 5
note "$(frag_memory) bytes wait for their other halves"
check "memory for fragments is bounded" test "$(frag_memory)" -le $((10 << 20))
check "and given back" within 25 no_frag_memory
check "  fragments come through as before" within 10 big_datagrams
datapath_done
