#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The testbed for very many devices: they are MACs of one port of the LAN, not namespaces; the WAN is
# dual-stack with room for all of them, Kea 4 and 6 and radvd, and with `load`, from where perfdhcp asks.
#
# Devices come in groups: device n of group g has the MAC 02:00:00:g:hh:ll.

# shellcheck source=tests/lib/gateway.sh
. "$(dirname "${BASH_SOURCE[0]}")/gateway.sh"

# perfdhcp's clients, and ours, meet the same pools: without rapid commit both need four messages.
isp_kea4()
{
	rm -f "$tb/leases4.csv" "$tb/log/kea4.log"
	cat >"$tb/kea4.json" <<-EOF2
		{"Dhcp4": {
			"interfaces-config": {"interfaces": ["br0"], "dhcp-socket-type": "raw"},
			"lease-database": {"type": "memfile", "name": "$tb/leases4.csv", "lfc-interval": 0},
			"authoritative": true, "valid-lifetime": 7200,
			"subnet4": [{
				"subnet": "10.1.0.0/16", "pools": [{"pool": "10.1.64.0 - 10.1.254.255"}],
				"option-data": [{"name": "routers", "data": "10.1.2.1"}]
			}],
			"loggers": [{"name": "kea-dhcp4", "severity": "WARN", "output_options": [{"output": "stdout"}]},
				{"name": "kea-dhcp4.dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}]
		}}
	EOF2
	spawn kea4.log isp env KEA_PIDFILE_DIR="$tb" KEA_LOCKFILE_DIR="$tb" kea-dhcp4 -c "$tb/kea4.json"
	kea4_pid=$spawned
}

isp_kea6()
{
	rm -f "$tb/leases6.csv" "$tb/log/kea6.log"
	cat >"$tb/kea6.json" <<-EOF2
		{"Dhcp6": {
			"interfaces-config": {"interfaces": ["br0"]},
			"data-directory": "$tb", "server-id": {"type": "LL", "persist": false},
			"lease-database": {"type": "memfile", "name": "$tb/leases6.csv", "lfc-interval": 0},
			"preferred-lifetime": 5400, "valid-lifetime": 7200,
			"subnet6": [{
				"subnet": "2001:db8:1::/64", "interface": "br0",
				"pools": [{"pool": "2001:db8:1::1:0 - 2001:db8:1::2:ffff"}]
			}],
			"loggers": [{"name": "kea-dhcp6", "severity": "WARN", "output_options": [{"output": "stdout"}]},
				{"name": "kea-dhcp6.dhcp6", "severity": "INFO", "output_options": [{"output": "stdout"}]}]
		}}
	EOF2
	spawn kea6.log isp env KEA_PIDFILE_DIR="$tb" KEA_LOCKFILE_DIR="$tb" kea-dhcp6 -c "$tb/kea6.json"
	kea6_pid=$spawned
}

kea_ready() { grep -q DHCP4_STARTED "$tb/log/kea4.log" && grep -q DHCP6_STARTED "$tb/log/kea6.log"; }

# Both servers begin with nothing.
servers_anew()
{
	end "$kea4_pid"
	end "$kea6_pid"
	isp_kea4
	isp_kea6
	within 30 kea_ready || bail_out "Kea does not start"
}

scale_mac() { printf '02:00:00:%02x:%02x:%02x\n' "$1" $(($2 >> 8)) $(($2 & 255)); }

# scale_up: everything but agent and devices
scale_up()
{
	testbed_up dual
	ip -n isp addr del 10.1.2.1/24 dev br0
	ip -n isp addr add 10.1.2.1/16 dev br0
	servers_anew
	netns_add load
	cable load eth0 isp swload
	netns_sysctl isp net.ipv6.conf.swload.disable_ipv6=1
	netns_sysctl load net.ipv6.conf.eth0.accept_ra=0 net.ipv6.conf.eth0.accept_dad=0
	ip -n isp link set swload master br0 up
	ip -n load link set eth0 up
	ip -n load addr add 10.1.3.1/16 dev eth0
	# The crowd's port takes the switch's place.
	ip -n lan link set gateway nomaster
	gateway_binaries
	kernel_log_mark
	check "module loads" module_load || bail_out "without the module there is nothing to test"
}

# scale_config RATE
scale_config()
{
	cat >"$tb/doppel.yaml" <<-EOF
		gateway:
		  lan: {interface: lan0, address: 192.168.0.1/16}
		  wan: {interface: wan0, rate: $1}
		  devices: {max: 5000, inactive_after: 1h}
		api: {listen: "127.0.0.1:5050", token_file: $tb/token}
		state: $tb/doppel.db
	EOF
	[ -e "$tb/token" ] || (umask 077 && echo testbed-token >"$tb/token")
}

# gateway_anew RATE: an agent that knows nobody, a module that does not either, servers without a lease
gateway_anew()
{
	[ -z "$agent_pid" ] || agent_end TERM
	[ -z "${crowd_pid:-}" ] || end "$crowd_pid"
	rm -f "$tb"/doppel.db*
	# The next agent would take back what the module has.
	module_unload || bail_out "the module does not unload"
	module_load || bail_out "the module does not load again"
	servers_anew
	scale_config "$1"
	agent_start
}

# crowd_begin GROUP COUNT RATE: devices that are registered upstream speak on the LAN
crowd_begin()
{
	local n

	{
		printf 'add element bridge upstream registered {'
		for ((n = 0; n < $2; n++)); do
			printf ' %s,' "$(scale_mac "$1" "$n")"
		done
		echo ' }'
	} >"$tb/registered.nft"
	in_ns isp nft -f "$tb/registered.nft" || bail_out "the upstream firewall takes no $2 MACs"
	spawn crowd.log lan python3 "$tb_lib/crowd.py" gateway "$1" "$2" "$3"
	crowd_pid=$spawned
}

leases() { tail -qn +2 "$tb/leases$1.csv" | cut -d, -f1 | sort -u | wc -l; }
all_leased() { [ "$(leases 4)" -ge "$1" ] && [ "$(leases 6)" -ge "$1" ]; }

# complete GROUP: how many devices of the group have their three addresses
complete()
{
	doppel devices --json | jq --arg group "$(printf '02:00:00:%02x:' "$1")" '[.devices[] |
		select((.mac_address | startswith($group)) and .status == "active" and .ipv4_wan_address != null
			and ([.ipv6_addresses[].origin] | sort == ["dhcpv6", "slaac"]))] | length'
}

all_complete() { [ "$(complete "$1")" -eq "$2" ] || { doppel status; return 1; }; }

# crowd_wait GROUP COUNT SECONDS: cheap questions first, as one CPU does it all
crowd_wait()
{
	within "$3" all_leased "$2" && within 60 all_complete "$1" "$2"
}

addresses() { doppel devices --json | jq -S '[.devices[] | {mac_address, ipv4_wan_address, a6: [.ipv6_addresses[].address] | sort}]'; }

# perfdhcp_needs COUNT: seconds until so many clients of each family have been served, both at once. An
# avalanche: all ask at the same moment, and again what is lost.
perfdhcp_needs()
{
	local family pids=()

	for family in 4 6; do
		in_ns load timeout 120 perfdhcp -$family --scenario avalanche -R "$1" -l eth0 -W 100000 \
			>"$tb/perfdhcp$family" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	sed -n 's/^It took \([0-9]*\):\([0-9]*\):\([0-9.]*\) to provision.*/\1 \2 \3/p' "$tb"/perfdhcp[46] |
		awk '{ s = $1 * 3600 + $2 * 60 + $3; if (s > most) most = s } END { if (NR == 2) print most; exit NR != 2 }'
}

# cpu_of PID: nanoseconds of CPU time that the process has had
cpu_of()
{
	python3 -c 'import sys, time; print(time.clock_gettime_ns((~int(sys.argv[1]) << 3) | 2))' "$1"
}

# As in testbed.sh, but not written for each frame: the one CPU has other work. capture_flush is for looks
# at it meanwhile.
capture_start()
{
	capture_anew "$1"
	rm -f "$tb/log/tcpdump-$1.log"
	spawn "tcpdump-$1.log" isp tcpdump -i swgw -Q in -s 400 -B 16384 -Z root -w "$capture_file"
	capture_pid=$spawned
	within 10 grep -q listening "$tb/log/tcpdump-$1.log" || bail_out "tcpdump does not start"
}

capture_flush() { kill -USR2 "$capture_pid"; }

# asked_again COUNT: so many devices have asked a DHCPv4 server since the capture began
asked_again()
{
	capture_flush
	[ "$(capture_read 'udp dst port 67' -e | awk '{ print $2 }' | sort -u | wc -l)" -ge "$1" ]
}

# What left the gateway, as report.py and busiest_second() read it: not the module's answers to who asks for
# an address, which come as the questions do
capture_frames()
{
	tshark -r "$capture_file" -T fields -E occurrence=f \
		-Y '!(icmpv6.nd.na.flag.s == 1) && !(arp.opcode == 2 && arp.src.proto_ipv4 != arp.dst.proto_ipv4)' \
		-e frame.time_epoch -e eth.src -e arp.src.proto_ipv4 -e arp.dst.proto_ipv4 -e icmpv6.type \
		-e icmpv6.nd.na.target_address -e dhcp.option.dhcp -e dhcpv6.msgtype 2>/dev/null
}

# busiest_second < FRAMES: the most in any one second
busiest_second()
{
	sort -n | awk '
		{ at[NR] = $1; while (at[NR] - at[first + 1] >= 1) first++; if (NR - first > most) most = NR - first }
		END { print most + 0 }'
}
