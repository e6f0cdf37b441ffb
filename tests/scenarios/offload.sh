#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Whatever NICs do for the stack, the bytes that arrive are those that were sent: super-packets go
# through whole, fragment-list ones cut first, checksums left to hardware or not, scatter-gather or
# not, a VLAN as WAN, a bridge as LAN.

# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

readonly BULK=2000000

# whole NAME: TCP both ways at once, each translation
whole()
{
	check "$1: TCP 4to4 inbound" inward tcp 1 $BULK
	check "  6to4" inward6 tcp 1 $BULK
	check "  4to4 outbound" outward tcp 1 $BULK
}

# datagrams NAME: 400 of them in super-packets of 10
datagrams()
{
	check "$1: UDP 4to4 inbound" inward gso 1 1200 400 10
	check "  6to4" inward6 gso 1 1200 400 10
	check "  4to4 outbound" outward gso 1 1200 400 10
}

# super NAME PORT COMMAND…: what the gateway's port sends meanwhile leaves uncut
super()
{
	local dir=/sys/class/net/$2/statistics before after

	before=$(in_ns gw cat "$dir/tx_packets" "$dir/tx_bytes")
	"${@:3}"
	after=$(in_ns gw cat "$dir/tx_packets" "$dir/tx_bytes")
	# shellcheck disable=SC2086 # two numbers each
	set -- "$1" $before $after
	check "$1" test $((($5 - $3) / ($4 - $2))) -gt "${MEAN:-5000}"
}

datapath_up 1 2

whole "TSO"
super "super-packets leave whole, 4to4 in" lan0 inward tcp 1 $BULK
super "super-packets leave whole, 4to4 out" wan0 inward tcp 1 $BULK
super "super-packets leave whole, 6to4 in" lan0 inward6 tcp 1 $BULK
super "super-packets leave whole, 6to4 out" wan0 inward6 tcp 1 $BULK
datagrams "UDP segmentation by the NIC"

# The switches' ports cut, the gateway's put together again.
ports isp swgw tso off tx-udp-segmentation off
ports lan gateway tso off tx-udp-segmentation off
ports gw wan0 gro on
ports gw lan0 gro on
whole "GRO"
super "what GRO put together leaves whole, 6to4 in" lan0 inward6 tcp 1 $BULK
super "what GRO put together leaves whole, 6to4 out" wan0 inward6 tcp 1 $BULK
datagrams "GRO"

# Fragment lists: members keep their own headers, so they must not be translated as one. No NIC that
# is not made of software could send them whole.
for port in wan0 lan0; do
	ports gw $port rx-gro-list on rx-udp-gro-forwarding off tx-gso-list off
done
whole "fragment-list GRO"
datagrams "fragment-list GRO"
counted "fragment lists are cut first" "total segmented" 10 inward6 gso 1 1200 400 10
for port in wan0 lan0; do
	ports gw $port rx-gro-list off rx-udp-gro-forwarding on tx-gso-list on
done
datagrams "forwarded UDP GRO"
MEAN=2000 super "super-packets of UDP leave whole, 4to4 in" lan0 inward gso 1 1200 400 10
MEAN=2000 super "super-packets of UDP leave whole, 6to4 in" lan0 inward6 gso 1 1200 400 10
for port in wan0 lan0; do
	ports gw $port rx-udp-gro-forwarding off gro off
done

ports isp swgw tso on tx-udp-segmentation on
ports lan gateway tso on tx-udp-segmentation on

for ns in client dev1; do
	ports $ns eth0 tx off
done
whole "checksums by the hosts"
for port in wan0 lan0; do
	ports gw $port sg off tx off
done
whole "ports without scatter-gather and checksums"
for ns in client dev1; do
	ports $ns eth0 tx on sg on tso on tx-udp-segmentation on
done
whole "super-packets into ports that can nothing"
datagrams "super-packets into ports that can nothing"
for port in wan0 lan0; do
	ports gw $port sg on tx on tso on gso on
done

# A VLAN as WAN: the tag is the port's business.
gateway_away
netns_sysctl gw net.ipv6.conf.wan0.disable_ipv6=1
ip -n gw link add link wan0 name wan0.7 type vlan id 7
ip -n isp link add link swgw name swgw.7 type vlan id 7
netns_sysctl isp net.ipv6.conf.swgw/7.disable_ipv6=1
netns_sysctl gw net.ipv6.conf.wan0/7.accept_dad=0
ip -n isp link set swgw nomaster
ip -n isp link set swgw.7 master br0 up
wan_port=wan0.7
check "a gateway on a VLAN" gateway_of 1 2
ip -n gw link set wan0 up
ip -n gw link set wan0.7 up
check "  the devices are reached by both families" within 10 reached 1
whole "VLAN"
super "super-packets leave whole by the VLAN" wan0.7 inward6 tcp 1 $BULK

# A bridge as LAN: two ports in it, devices behind each.
gateway_away
netns_add dev3
cable gw lan1 dev3 eth0
device_host 3
register 3
ip -n gw link add br-lan address $MAC_GW_LAN type bridge
ip -n gw link set lan0 master br-lan
ip -n gw link set lan1 master br-lan up
ip -n gw addr del 192.168.1.1/24 dev lan0
ip -n gw link set br-lan up
ip -n gw addr add 192.168.1.1/24 dev br-lan
lan_port=br-lan
check "a gateway on a bridge" gateway_of 1 3
ip -n gw link set wan0 up
check "  the devices are reached by both families" within 10 reached 1
check "  on the other port, too" within 10 reached 3
whole "bridge"
super "super-packets leave whole by the bridge" br-lan inward6 tcp 1 $BULK

datapath_done
