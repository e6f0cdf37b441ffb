#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: 6.12 uml
#
# The module goes, a port goes, the namespace goes: at any moment, under traffic, nothing is left.

TB_BIG=1
# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

served() { reached 1; }

# The family has another number every time.
load_again() { module_load && room forget; }

# Traffic of all kinds that never stops, whether anybody answers or not
traffic()
{
	# shellcheck disable=SC2016 # for the inner shell
	spawn traffic client bash -c 'while sleep 0.2; do
		curl -gs -m 1 --limit-rate 2M -o /dev/null -o /dev/null "http://$1/big" "http://[$2]/big"; done' traffic "$(wan4 1)" "$(wan6 1)"
	spawn traffic client ping -q -n -i 0.05 "$(wan4 1)"
	spawn traffic client ping -q -n -i 0.05 "$(wan6 1)"
	spawn traffic dev1 ping -q -n -i 0.05 $CLIENT4
}

clean_sysfs() { [ ! -e /sys/module/doppel ] && [ ! -e /sys/kernel/debug/doppel ]; }

# Ports' extra addresses and promiscuity must be gone with the gateway.
port_is_plain()
{
	local flags

	flags=$(in_ns gw cat /sys/class/net/wan0/flags)
	[ $((flags & 0x100)) -eq 0 ] || { echo "promiscuous"; return 1; }
	! in_ns gw bash -c 'ip maddr show dev wan0; bridge fdb show dev wan0' | grep -i '02:00:00:00:00:01'
}

mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
datapath_up 1
host_services dev1
traffic
check "traffic passes" within 10 served

for i in 1 2 3; do
	check "unload under traffic, $i" timeout 60 rmmod doppel
	check "  nothing is left" clean_sysfs
	check "  nor on the port" port_is_plain
	check_not "  and nothing passes" opens client "$(wan4 1)" 80
	check "  load" load_again
	check "  a gateway again" gateway_of 1
	check "  traffic passes" within 10 served
done

check "gateway-del under traffic" steer gateway-del
check "  leaves nothing on the port" port_is_plain
check "  a gateway again" gateway_of 1
check "  traffic passes" within 10 served

ip -n gw link del wan0
check_not "with the WAN port the gateway goes" steer gateway-get
cable gw wan0 isp swgw
netns_sysctl isp net.ipv6.conf.swgw.disable_ipv6=1
ip -n isp link set swgw master br0 up
ip -n gw link set wan0 address $MAC_GW_WAN up
check "  a gateway on a new port" gateway_of 1
check "  traffic passes" within 10 served

ip -n gw link del lan0
check_not "with the LAN port the gateway goes, too" steer gateway-get
check "  and leaves nothing on the other" port_is_plain
cable gw lan0 lan gateway
ip -n lan link set gateway master br0 up
ip -n gw link set lan0 address $MAC_GW_LAN up
ip -n gw addr add 192.168.1.1/24 dev lan0
check "  a gateway on a new port" gateway_of 1
check "  traffic passes" within 10 served

check "a port that moves to another namespace takes the gateway along" ip -n gw link set wan0 netns far
check_not "  which is gone" steer gateway-get
ip -n far link set wan0 netns gw
ip -n gw link set wan0 address $MAC_GW_WAN up
check "  and can be made again" gateway_of 1
check "  traffic passes" within 10 served

room forget >/dev/null		# its socket is in there
ip netns del gw
gone() { ! ls /sys/class/net/swgw 2>/dev/null && ! ip -n isp link show swgw 2>/dev/null; }
check "the namespace goes with a gateway in it" within 10 gone
ip netns add gw
check "the module unloads after it" timeout 60 rmmod doppel
check "  nothing is left" clean_sysfs

if [ -w /sys/kernel/debug/kmemleak ]; then
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	is "kmemleak found nothing" "$(grep -A12 doppel /sys/kernel/debug/kmemleak)" ""
fi
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
