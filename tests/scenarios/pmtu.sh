#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Links of every width on either side and behind the router: every byte arrives, with DF and without,
# with path MTU discovery and without, and nobody is left waiting for what is too long.

# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

readonly BULK=300000
readonly ALIAS4=192.0.2.10 ALIAS6=2001:db8:1::201

# mtu BYTES NAMESPACE:PORT…
mtu()
{
	local bytes=$1 end
	shift

	for end; do
		ip -n "${end%:*}" link set "${end#*:}" mtu "$bytes"
	done
}

wan_mtu() { mtu "$1" gw:wan0 isp:swgw isp:swclient client:eth0 isp:br0; }
lan_mtu() { mtu "$1" gw:lan0 lan:gateway lan:dev1 lan:dev2 dev1:eth0 dev2:eth0 lan:br0; }
far_mtu() { mtu "$1" isp:far far:eth0; }

# What was learnt on the links that were there before
forget() { room forget_paths client far dev1 dev2 isp >/dev/null; }

# every NAME VERB ARGUMENTS: each translation, with far behind the router and with a peer on the link
every()
{
	check "$1: 4to4 inbound" good "$2" far dev1 "$(wan4 1)" 7000 7000 "${@:3}"
	check "  6to4" good "$2" far dev1 "$(wan6 1)" 7000 7000 "${@:3}"
	check "  4to4 outbound" good "$2" dev1 far $FAR4 7000 7000 "${@:3}"
	check "  4to6 outbound" good "$2" dev2 client $ALIAS4 7000 7000 "${@:3}"
	check "  from a peer on the link" good "$2" client dev1 "$(wan6 1)" 7000 7000 "${@:3}"
}

# links NAME [dont]: all that has to get through these links
links()
{
	forget
	every "$1: TCP" tcp $BULK
	if [ $# -gt 1 ]; then
		forget
		every "$1: TCP without path MTU discovery" tcp $BULK dont
	fi
	forget
	every "$1: UDP of 8000 bytes" udp 8000 dont
	forget
	every "$1: UDP with DF, as long as the path says it may be" udp_fit
}

datapath_up 1 2
ip -n client addr add $ALIAS6/64 dev eth0 nodad
check "dev2 has IPv6 alone, and the client an alias" steer device-set "mac=$(mac_of 2)" wan-ipv4=0.0.0.0
steer mapping-add ipv4=$ALIAS4 ipv6=$ALIAS6 >/dev/null
for bytes in 1280 1400 1492; do
	wan_mtu $bytes
	links "a WAN of $bytes" dont
done
wan_mtu 1500
for bytes in 1280 1400 1492; do
	lan_mtu $bytes
	links "a LAN of $bytes"
done
lan_mtu 1500
for bytes in 1280 1400; do
	far_mtu $bytes
	links "a link of $bytes behind the router"
done
datapath_done
