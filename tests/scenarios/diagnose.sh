#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Upstreams that break, and what diagnose says of each; what --fix repairs.

# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

# told CHECK: its sentence; nothing if it has none to say
told() { doppel diagnose --json | jq -r --arg name "$1" '.checks[] | select(.name == $name) | "\(.result): \(.text)"'; }
tells() { told "$1" | grep -E "$2"; }
stop_server() { pkill -P $$ -x "$1"; }

gateway_up dual 1
check "all is well: diagnose succeeds" doppel diagnose
is "and has nothing to say of silent servers" "$(told dhcp4-silent)$(told dhcp6-silent)" ""

# --- what is the box's own
in_ns gw ip addr del 192.168.1.1/24 dev lan0
like "--fix puts the LAN address back at once" "$(doppel diagnose --fix)" 'repaired *lan-address'
check "it is there" in_ns gw ip addr show to 192.168.1.1 dev lan0
in_ns gw ip link set lan0 down
like "a port that was set down is told" "$(told lan-port)" 'failed: lan0 is down'
is "--fix sets it up, and lists that in JSON, too" \
	"$(doppel diagnose --fix --json | jq -r '.repaired[] | select(.name == "lan-port").text')" 'lan0 is down'

check "the module is unloaded" module_unload
check "which is told" tells module 'failed: .*not loaded'
like "--fix says what to do where there is none to load" "$(doppel diagnose --fix 2>&1)" 'the module cannot be loaded: is it installed'
check_not "and fails" doppel diagnose --fix
check "the module is installed" module_install
echo /bin/false >/proc/sys/kernel/modprobe	# else the kernel loads it for the agent
like "--fix loads it" "$(doppel diagnose --fix)" 'repaired *module'
echo /sbin/modprobe >/proc/sys/kernel/modprobe
check "it is there" module_loaded || bail_out "without the module there is nothing to test"
check "with the devices" within 20 device_complete 1
check "which are reached" within 10 reaches dev1 client "$(lease4_of 1)" 8080

# --- a MAC that is not registered
testbed_device 4
check "a MAC that is not registered is told" within 30 tells dhcp4-silent "failed: a DHCPv4 server has answered others, but not $(mac_of 4)"
check "of IPv6, too" within 20 tells router6-unreached "failed: .*does not answer $(mac_of 4)"
check_not "diagnose fails" doppel diagnose
like "with what to do" "$(doppel diagnose)" '-> register the MAC upstream'
register 4
check "until it is registered" within 40 device_complete 4
is "then nothing is said" "$(told dhcp4-silent)$(told router6-unreached)" ""

# --- no server, then one that refuses
check "the DHCPv4 server stops" stop_server kea-dhcp4
register 2
testbed_device 2
check "a server that is gone is told" within 30 tells dhcp4-silent "failed: a DHCPv4 server has answered others, but not $(mac_of 2)"
check "the DHCPv6 server stops" stop_server kea-dhcp6
register 3
testbed_device 3
check "M without a server is told" within 30 tells dhcp6-silent 'failed: .*DHCPv6'

# --- a second server
spawn rogue.log client dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= --port=0 \
	--log-facility=- --interface=eth0 --dhcp-range=10.1.2.230,10.1.2.240,1h --dhcp-leasefile="$tb/rogue" \
	--dhcp-authoritative
check "who else answers is told" within 40 tells dhcp4-servers 'warning: [0-9] DHCPv4 servers answer'
doppel devices --json | jq -c '.devices[] | [.mac_address, .ipv4_wan_address, .ipv4.reason]' | diag

# --- no agent
agent_end KILL
check_not "without an agent diagnose fails" doppel diagnose
like "and says how to start it" "$(doppel diagnose --fix 2>&1)" 'doppel agent -c'
check "the module is unloaded, too" module_unload
like "--fix loads it without an agent" "$(doppel diagnose --fix)" 'repaired *module: the module was not loaded'
check "it is there" module_loaded
check "every frame had a registered source MAC, or that of dev4" capture_only_registered
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
