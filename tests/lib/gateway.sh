#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# doppel in the testbed's gw namespace: the module, the agent, its configuration and its CLI.

# shellcheck source=tests/lib/testbed.sh
. "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"

: "${TB_IDENTITY:=devices-only}"
: "${TB_WAN:=}"				# more of the wan section: ", ipv6: off"
if [ -z "${TB_FORWARDS+set}" ]; then	# flow lists hold braces: no place for := here
	TB_FORWARDS='[{port: 8080, to: 80}, {port: 80}, {port: 2222, to: 22}'
	TB_FORWARDS+=', {port: 5001, to: 5000, protocol: udp}, {port: 5000, protocol: udp}]'
fi
if [ -z "${TB_LAN_DHCP+set}" ]; then	# empty: nobody serves the LAN
	TB_LAN_DHCP=', dhcp: {first: 192.168.1.100, last: 192.168.1.249, lease: 1h}'
fi
readonly API_SOCKET=/run/doppel/api.sock
doppel_bin=
agent_pid=

# --- the module ------------------------------------------------------------------------------

module_file()
{
	local file

	for file in "${DOPPEL_KO:-}" "$tb_root/build/${DOPPEL_KERNEL:-none}/doppel.ko" "$tb_root/build/doppel.ko"; do
		if [ -f "$file" ] && [ "$(modinfo -F vermagic "$file" | cut -d' ' -f1)" = "$(uname -r)" ]; then
			echo "$file"
			return
		fi
	done
	return 1
}

module_load()
{
	local file dep deps

	file=$(module_file) || bail_out "no doppel.ko for $(uname -r) in build/"
	deps=$(modinfo -F depends "$file")
	for dep in ${deps//,/ }; do
		modprobe "$dep" || return
	done
	insmod "$file"
}

# module_install: modprobe finds it, in a directory of the kernel's modules that is thrown away
module_install()
{
	local file directory layers=/run/doppel-modules

	directory=/lib/modules/$(uname -r)
	file=$(module_file) &&
		mkdir -p "$layers/upper/updates" "$layers/work" &&
		cp "$file" "$layers/upper/updates/" &&
		mount -t overlay -o "lowerdir=$directory,upperdir=$layers/upper,workdir=$layers/work" overlay "$directory" &&
		depmod
}

module_loaded() { grep -q '^doppel ' /proc/modules; }
module_unload() { rmmod doppel; }

# From here on the kernel's warnings count.
kernel_log_mark()
{
	tb_mark="doppel-testbed $$ $RANDOM"
	echo "$tb_mark" >/dev/kmsg
}

# kernel_log_clean: no warning, oops, lockdep or KASAN report since the mark
kernel_log_clean()
{
	dmesg | awk -v mark="$tb_mark" '
		index($0, mark) { seen = 1; next }
		seen && /WARNING|BUG|Oops|KASAN|UBSAN|possible (recursive|circular)|inconsistent lock|rcu: INFO|refcount|leaked|unregister_netdevice: waiting/ {
			print; bad = 1
		}
		END { exit bad || !seen }'
}

# gateway_binaries: copies, lest a make that runs at the same time pull them away
gateway_binaries()
{
	local arch=

	[ "$(uname -m)" != aarch64 ] || arch=arm64/
	doppel_bin=$tb/doppel
	cp "${DOPPEL:-$tb_root/build/${arch}doppel}" "$doppel_bin" || bail_out "no agent in build/"
}

# --- the agent -------------------------------------------------------------------------------

# The configuration with timers of seconds instead of minutes
gateway_config()
{
	gateway_binaries
	cat >"$tb/doppel.yaml" <<-EOF
		gateway:
		  lan: {interface: lan0, address: 192.168.1.1/24$TB_LAN_DHCP}
		  wan: {interface: wan0, identity: $TB_IDENTITY$TB_WAN}
		  devices: {inactive_after: ${TB_INACTIVE:-300s}, list: ${TB_LIST:-[]}}
		  forwards: $TB_FORWARDS
		  dhcp4: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}
		  dhcp6: {timeout: 4s, retries: 2, retry_delay: 2s, retry_cap: 8s}
		  slaac: {wait: 1s}
		api: {listen: "127.0.0.1:5050", token_file: $tb/token}
		state: ${TB_STATE:-$tb/doppel.db}
	EOF
	[ -e "$tb/token" ] || (umask 077 && echo testbed-token >"$tb/token")
}

agent_start()
{
	spawn agent.log gw "$doppel_bin" agent -c "$tb/doppel.yaml"
	agent_pid=$spawned
	within 20 agent_answers >/dev/null || bail_out "the agent does not answer"
}

# agent_end [SIGNAL]
agent_end()
{
	end "$agent_pid" "${1:-TERM}"
}

agent_answers()
{
	kill -0 "$agent_pid" && in_ns gw curl -fsS --max-time 10 --unix-socket $API_SOCKET http://doppel/health
}

# api PATH [CURL ARGUMENTS]: a request to the agent's unix socket
api()
{
	local path=$1
	shift
	in_ns gw curl -gsS --max-time 30 --unix-socket $API_SOCKET "$@" "http://doppel$path"
}

# drops REASON: packets that the module has dropped for it, everything else for 0
drops()
{
	api /api/v1/stats | jq --arg reason "$1" '.drops | if type == "object" then .[$reason]
		else (.[] | select(.reason == $reason).packets) end // 0'
}

# diagnosis CHECK: ok, warning or failed
diagnosis()
{
	doppel diagnose --json | jq -r --arg name "$1" '.checks[] | select(.name == $name).result'
}

# doppel COMMAND…: the CLI, where the agent lives
doppel()
{
	in_ns gw timeout 60 "$doppel_bin" "$@"
}

# device_json N [JQ FILTER]
device_json()
{
	doppel devices --json | jq -er --arg mac "$(mac_of "$1")" \
		".devices[] | select(.mac_address == \$mac) | ${2:-.}"
}

# The addresses as doppel tells them; the lease files of Kea are the other witness.
wan4_of() { device_json "$1" '.ipv4_wan_address // empty'; }
wan6_of() { device_json "$1" '.ipv6_addresses[].address'; }
slaac_told() { device_json "$1" '.ipv6_addresses[] | select(.origin == "slaac").address'; }
dhcp6_told() { device_json "$1" '.ipv6_addresses[] | select(.origin == "dhcpv6").address'; }

# told_read: what doppel tells of all devices, at the price of one question; told N FIELD is of that:
# status, status4, status6, ipv4, slaac, dhcp6
told_read()
{
	curl -gsS --max-time 30 --unix-socket $API_SOCKET http://doppel/devices | jq -r '
		def of($origin): [.ipv6_addresses[] | select(.origin == $origin).address] | join(" ");
		.devices[] | [.mac_address, .status, .ipv4.status, .ipv6.status, .ipv4_wan_address // "",
			of("slaac"), of("dhcpv6")] | join(";")' >"$tb/told"
}

told()
{
	local mac status status4 status6 ipv4 slaac dhcp6

	# shellcheck disable=SC2034 # by their names
	while IFS=';' read -r mac status status4 status6 ipv4 slaac dhcp6; do
		[ "$mac" != "$(mac_of "$1")" ] || echo "${!2}"
	done <"$tb/told"
}

# told_now N FIELD REGEX: asks until then
told_now()
{
	told_read
	[[ $(told "$1" "$2") =~ ^($3)$ ]] || { echo "$2 of dev$1: $(told "$1" "$2")"; return 1; }
}

# device_complete N: every address that this WAN offers, and that on the LAN
device_complete()
{
	local device
	device=$(device_json "$1") || return
	jq -e --arg v4 "$tb_v4" --arg slaac "$tb_slaac" --arg dhcp6 "$tb_dhcp6" '
		.status == "active" and .ipv4_address != null
		and ($v4 == "0" or .ipv4_wan_address != null)
		and ($slaac == "0" or any(.ipv6_addresses[]; .origin == "slaac"))
		and ($dhcp6 == "0" or any(.ipv6_addresses[]; .origin == "dhcpv6"))' <<<"$device" >/dev/null ||
		{ echo "$device"; return 1; }
}

# addresses_told: what every device has, as doppel tells it, with or without an agent; same_addresses TOLD:
# they have it now
addresses_told()
{
	doppel devices --json | jq -S \
		'[.devices[] | {mac_address, ipv4_address, ipv4_wan_address, a6: [.ipv6_addresses[].address] | sort}]'
}

same_addresses() { diff <(echo "$1") <(addresses_told); }

# devices_complete SECONDS N...
devices_complete()
{
	local n limit=$1 began=$SECONDS
	shift

	for n; do
		within $((limit - SECONDS + began)) device_complete "$n" || return
	done
}

# gateway_up FLAVOUR N...: testbed, module, agent and registered devices, all of them complete
gateway_up()
{
	local flavour=$1 n
	shift

	testbed_up "$flavour"
	kernel_log_mark
	check "module loads" module_load || bail_out "without the module there is nothing to test"
	gateway_config
	capture_start wan
	if [ "$TB_IDENTITY" = own ]; then
		gateway_own_addresses
	fi
	agent_start
	for n; do
		register "$n"
		testbed_device "$n"
	done
	check "each device is active with every address that the WAN offers" devices_complete 60 "$@" ||
		bail_out "devices without addresses"
}

# With `own` the box is a registered host itself.
gateway_own_addresses()
{
	register_mac $MAC_GW_WAN
	# One IPv6 address, so that the test knows which
	netns_sysctl gw net.ipv6.conf.wan0.accept_ra=0
	ip -n gw link set wan0 up
	if wan_has4; then
		ip -n gw addr add 10.1.2.2/24 dev wan0
		ip -n gw route add default via 10.1.2.1
	fi
	if wan_has6; then
		ip -n gw addr add 2001:db8:1::2/64 dev wan0 nodad
	fi
}

gateway_diag()
{
	if [ -n "$agent_pid" ]; then
		echo "--- doppel devices"
		doppel devices
		echo "--- counters"
		api /api/v1/stats
		echo
	fi
	echo "--- kernel log"
	dmesg | tail -n 15
}
