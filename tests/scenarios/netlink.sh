#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: 6.1 uml
#
# Every command of the netlink family by the kernel tree's YNL client, and every way to get one wrong.

# shellcheck source=tests/lib/gateway.sh
. "$(dirname "$0")/../lib/gateway.sh"

ifindex() { in_ns gw cat "/sys/class/net/$1/ifindex"; }

cd "$tb_root" || exit 1
source_dir=$("$tb_root/tools/kernel" src) || bail_out "no kernel source for YNL"
testbed_up ipv4
kernel_log_mark
check "module loads" module_load
testbed_device 1
within 10 grep -q discover "$tb/log/dev1.dhcp"	# its client has cleared the port
ip -n gw addr add 192.168.1.1/24 dev lan0
in_ns dev1 ip addr add 192.168.1.50/24 dev eth0
spawn talk dev1 ping -n -i 0.5 192.168.1.1

adopt < <(in_ns gw /usr/bin/python3 "$tb_lib/netlink.py" "$source_dir" "$(ifindex lan0)" "$(ifindex wan0)" 2>&1
	echo "netlink.py ended with $?" >"$tb/ended")
within 5 test -s "$tb/ended"
like "netlink.py came to its end" "$(cat "$tb/ended")" 'with [01]$'

# Without CAP_NET_ADMIN nothing is told or done: that is EPERM, not "no gateway".
cli=(/usr/bin/python3 "$source_dir/tools/net/ynl/cli.py" --spec uapi/doppel.yaml --no-schema)
like "a process without capabilities may not ask" "$(in_ns gw setpriv --inh-caps=-all --bounding-set=-all \
	"${cli[@]}" --do gateway-get 2>&1)" 'not permitted'
like "nor listen" "$(in_ns gw setpriv --inh-caps=-all --bounding-set=-all \
	"${cli[@]}" --subscribe events --sleep 1 2>&1)" 'not permitted'
like "root may" "$(in_ns gw "${cli[@]}" --do gateway-get 2>&1)" 'No such device'
check "the module unloads" timeout 60 rmmod doppel
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
