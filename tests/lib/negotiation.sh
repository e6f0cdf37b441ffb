#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Scenarios of what the agent says to servers and routers: devices that only have to be there, what
# tshark calls the messages, and what waits for them.

# shellcheck source=tests/lib/main-job.sh
. "$(dirname "${BASH_SOURCE[0]}")/main-job.sh"
# shellcheck source=tests/lib/wire.sh
. "$(dirname "${BASH_SOURCE[0]}")/wire.sh"

# shellcheck disable=SC2034 # for scenarios
{
readonly DISCOVER='dhcp.option.dhcp == 1' OFFER='dhcp.option.dhcp == 2' REQUEST='dhcp.option.dhcp == 3'
readonly DECLINE='dhcp.option.dhcp == 4' ACK='dhcp.option.dhcp == 5' NAK='dhcp.option.dhcp == 6' RELEASE='dhcp.option.dhcp == 7'
readonly BROADCAST='eth.dst == ff:ff:ff:ff:ff:ff && ip.dst == 255.255.255.255'
readonly UNKNOWN="$BROADCAST && ip.src == 0.0.0.0 && dhcp.flags.bc == 1 && dhcp.ip.client == 0.0.0.0"
readonly PROBE='arp.isprobe == 1' ANNOUNCEMENT='arp.isannouncement == 1'
readonly SOLICIT6='dhcpv6.msgtype == 1' ADVERTISE6='dhcpv6.msgtype == 2' REQUEST6='dhcpv6.msgtype == 3'
readonly CONFIRM6='dhcpv6.msgtype == 4' RENEW6='dhcpv6.msgtype == 5' REBIND6='dhcpv6.msgtype == 6'
readonly REPLY6='dhcpv6.msgtype == 7' RELEASE6='dhcpv6.msgtype == 8' DECLINE6='dhcpv6.msgtype == 9'
readonly INFORM6='dhcpv6.msgtype == 11'
readonly RS='icmpv6.type == 133' RA='icmpv6.type == 134' DAD='icmpv6.type == 135 && ipv6.src == ::'
readonly MLD_JOIN='icmpv6.mldr.mar.record_type == 4' MLD_LEAVE='icmpv6.mldr.mar.record_type == 3'
}

# of N FILTER: frames from the device's MAC; to4, to6: a server's for it
of() { echo "eth.src == $(mac_of "$1") && ($2)"; }
to4() { echo "dhcp.hw.mac_addr == $(mac_of "$1") && udp.srcport == 67 && ($2)"; }
to6() { echo "eth.dst == $(mac_of "$1") && ($2)"; }

# Lines that wire_has knows: line_dhcp4 N DESTINATION-MAC TYPE, line_dhcp6 N TYPE, line_na N TARGET
line_dhcp4() { echo "^$(mac_of "$1");$2;[^;]*;$3;"; }
line_dhcp6() { echo "^$(mac_of "$1");[^;]*;[^;]*;;$2;"; }
line_announcement() { echo "^$(mac_of "$1");[^;]*;[^;]*;;;(1|True);"; }
line_na() { echo "^$(mac_of "$1");.*;136;;$2;"; }

# What the router says now
line_ra()
{
	local flag line='^[^;]*;[^;]*;[^;]*;;;;134;;'

	for flag in M O A; do
		case $(wan_says $flag) in
		on)	line+=';(1|True)' ;;
		*)	line+=';(0|False|)' ;;
		esac
	done
	echo "$line\$"
}

# quiet_device N: a host on the LAN that has an address, and says so once
quiet_device()
{
	netns_add "dev$1"
	in_ns "dev$1" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	cable "dev$1" eth0 lan "dev$1"
	ip -n lan link set "dev$1" master br0 up
	ip -n "dev$1" link set eth0 address "$(mac_of "$1")" up
	ip -n "dev$1" addr add "192.168.1.$((10 + $1))/24" dev eth0
	ip -n "dev$1" route add default via 192.168.1.1
	device_speaks "$1"
}

device_speaks() { in_ns "dev$1" ping -q -c 1 -W 1 192.168.1.1 >/dev/null; }

# leased4 N, leased6 N: doppel and the server's lease file tell the same address
leased4() { leased_as "$1" ipv4 lease4_of; }
leased6() { leased_as "$1" dhcp6 lease6_of; }

leased_as()
{
	local told lease

	told_read
	told=$(told "$1" "$2")
	lease=$("$3" "$1")
	echo "dev$1: doppel says '$told', the server '$lease'"
	[ -n "$told" ] && [ "$told" = "$lease" ]
}

# in_database N: the device's DHCPv4 lease is in the file
in_database()
{
	sqlite3 "file:${TB_STATE:-$tb/doppel.db}?mode=ro" "select mac from leases where protocol = 'dhcp4'" | grep -q "$(mac_of "$1")"
}

# diagnosed CHECK REGEX: what doppel diagnose says of it: "result text"
diagnosed()
{
	local said

	said=$(doppel diagnose --json | jq -r --arg name "$1" '.checks[] | select(.name == $name) | .result + " " + .text')
	[[ $said =~ $2 ]] || { echo "$1: $said"; return 1; }
}

# rival_begin N KIND…: somebody on the WAN has every address that the device asks about
rival_begin()
{
	spawn rival.log client "$tb_lib/rival" eth0 "$(mac_of "$1")" "${@:2}"
	rival_pid=$spawned
	within 10 grep -q ready "$tb/log/rival.log" || bail_out "rival does not start: $(cat "$tb/log/rival.log")"
}

rival_end() { end "$rival_pid"; }

# negotiation_up FLAVOUR: testbed, module and agent, with the wire watched
negotiation_up()
{
	testbed_up "$1"
	kernel_log_mark
	check "module loads" module_load || bail_out "without the module there is nothing to test"
	gateway_config
	wire_watch
	agent_start
}

# negotiation_done: what is true of every scenario at its end
negotiation_done()
{
	sleep 1
	wire_judge
	is "every frame on the WAN had a registered source MAC" "$(upstream_drops unregistered)" 0
	check "the kernel has nothing to complain about" kernel_log_clean
}
