#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# A faulty YAML file is told with its place, and nothing of it is applied; SIGHUP reloads.

# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

# wrong NAME SED-SCRIPT REGEX: what the agent says about the file so changed
wrong()
{
	local out

	sed "$2" "$tb/good.yaml" >"$tb/doppel.yaml"
	if cmp -s "$tb/good.yaml" "$tb/doppel.yaml"; then
		not_ok "$1: the test's own change did not match"
		return
	fi
	if out=$(in_ns gw timeout 30 "$doppel_bin" agent -c "$tb/doppel.yaml" 2>&1); then
		not_ok "$1 is refused"
		return
	fi
	like "$1" "$out" "$tb/doppel\\.yaml:[0-9]+:[0-9]+: $3"
}

untouched()
{
	! ip -n gw -4 -o addr show dev lan0 | grep . && [ ! -e "$tb/doppel.db" ]
}

testbed_up ipv4
kernel_log_mark
check "module loads" module_load
gateway_config
mv "$tb/doppel.yaml" "$tb/good.yaml"
quiet=$(upstream_drops unregistered)	# the kernel's own, before doppel

wrong "an unknown key" 's/^  devices:/  gadgets: {}\n&/' 'gateway.*gadgets'
wrong "an unknown key in a flow map" 's/identity:/identify:/' '.*identify'
wrong "a bad CIDR" 's#192.168.1.1/24#192.168.1.1/33#' 'gateway\.lan\.address: '
wrong "no CIDR at all" 's#192.168.1.1/24#here#' 'gateway\.lan\.address: '
wrong "a range outside the LAN" 's/first: 192.168.1.100/first: 192.168.2.100/' 'gateway\.lan\.dhcp\.first: '
wrong "a missing port" 's/{port: 8080, to: 80}/{to: 80}/' 'gateway\.forwards.*port'
wrong "a port out of range" 's/port: 8080/port: 80800/' 'gateway\.forwards.*port'
wrong "the same port twice" 's/port: 2222, to: 22/port: 8080, to: 22/' 'gateway\.forwards'
wrong "an unknown protocol" 's/protocol: udp/protocol: sctp/' 'gateway\.forwards.*protocol'
wrong "an impossible identity" 's/devices-only/anybody/' 'gateway\.wan\.identity: '
wrong "an identity lent by nobody" 's/devices-only/&, lend: often/' 'gateway\.wan\.lend: '
wrong "a NAT64 prefix of no length of RFC 6052" 's#^  slaac:#  nat64_prefix: 2001:db8::/72\n&#' 'gateway\.nat64_prefix: '
wrong "an alias inside the LAN" 's#^  slaac:#  mappings: [{ipv4: 192.168.1.9, ipv6: "2001:db8::9"}]\n&#' \
	'gateway\.mappings\[0\]\.ipv4: '
wrong "an unknown filter" 's#^  slaac:#  filter: on\n&#' 'gateway\.filter: '
wrong "one interface for both" 's/interface: wan0/interface: lan0/' 'gateway\..*interface'
wrong "a time without sense" 's/timeout: 4s/timeout: soon/' 'gateway\.dhcp4\.timeout: '
wrong "a list instead of a map" 's/^api: .*/api: [1, 2]/' 'api: '
wrong "a broken file" 's/^state:/ state:/' ''
check "nothing of these was applied" untouched
is "and no frame left" "$(upstream_drops unregistered)" "$quiet"

cp "$tb/good.yaml" "$tb/doppel.yaml"
capture_start wan
agent_start
register 1
testbed_device 1
check "the good file works" devices_complete 40 1
check_not "a port that the file does not open is closed" opens client "$(lease4_of 1)" 9443

sed 's/{port: 80},/& {port: 9443, to: 443},/' "$tb/good.yaml" >"$tb/doppel.yaml"
kill -HUP "$agent_pid"
check "SIGHUP: it is open once the file opens it" within 10 reaches dev1 client "$(lease4_of 1)" 9443
sed 's/port: 9443/prot: 9443/' "$tb/doppel.yaml" >"$tb/bad.yaml" && cp "$tb/bad.yaml" "$tb/doppel.yaml"
kill -HUP "$agent_pid"
check "a faulty file is told in the log at SIGHUP" within 5 grep -Eq 'doppel\.yaml:[0-9]+:[0-9]+: ' "$tb/log/agent.log"
check "the agent goes on" agent_answers
check "with what it had" reaches dev1 client "$(lease4_of 1)" 9443
cp "$tb/good.yaml" "$tb/doppel.yaml"
kill -HUP "$agent_pid"
closed() { ! opens client "$(lease4_of 1)" 9443; }
check "and a file without the port closes it" within 10 closed
check "the others stay" reaches dev1 client "$(lease4_of 1)" 8080 80
is "nothing was negotiated anew" "$(capture_dhcp Discover)" 1
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
