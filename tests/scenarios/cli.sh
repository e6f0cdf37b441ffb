#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Every command for people and for programs, its exit status, and what works without an agent.

# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"
# shellcheck source=tests/lib/commands.sh
. "$(dirname "$0")/../lib/commands.sh"

gateway_up dual 1 2
mac=$(mac_of 1)
in_ns dev1 timeout 60 bash -c 'exec 3<>/dev/tcp/10.1.2.200/80; sleep 50' &
tb_pids+=($!)
sleep 0.5

status 0 "status" status
like "  tells about the agent" "$(cat "$tb/out")" 'agent.*running'
status 0 "status --json" status --json
json "  running" .running '^true$'
json "  active devices" .active_devices '^2$'
status 0 "devices" devices
like "  shows the MAC" "$(cat "$tb/out")" "$mac"
like "  and the WAN address" "$(cat "$tb/out")" "$(lease4_of 1)"
status 0 "devices --json" devices --json
json "  total" .total '^2$'
json "  times are RFC 3339 UTC" '.devices[0].discovered_at' '^20[0-9-]+T[0-9:]+Z$'
status 0 "devices MAC" devices "$mac"
unlike "  shows that one only" "$(cat "$tb/out")" "$(lease4_of 2)"
status 0 "devices MAC --json" devices "$mac" --json
json "  is that device" '.mac_address // .devices[0].mac_address' "^$mac\$"
status 0 "devices --status active" devices --status active
status 0 "devices --status failed --json" devices --status failed --json
json "  is empty" '.devices | length' '^0$'
status 1 "devices of an unknown MAC is refused" devices 02:00:00:00:00:77
check "  with a message on stderr" test -s "$tb/err"
status 0 "sessions" sessions
like "  shows the device's" "$(cat "$tb/out")" "10\.1\.2\.200"
status 0 "sessions --json" sessions --json
json "  with the device's MAC" '[.. | .mac_address? // empty] | unique | .[]' "^$mac\$"
status 0 "forward list" forward list
like "  shows the alias" "$(cat "$tb/out")" '8080.*80'
status 0 "forward list --json" forward list --json
status 0 "forward add" forward add 9022 "$mac" 22
check "  opens the port" within 5 reaches dev1 client "$(lease4_of 1)" 9022
check "  over IPv6, too" reaches dev1 client "$(slaac_of 1)" 9022
check_not "  of no other device" opens client "$(lease4_of 2)" 9022
status 0 "forward remove" forward remove 9022 "$mac"
check_not "  closes it" opens client "$(lease4_of 1)" 9022
status 1 "forward remove of what is not there is refused" forward remove 9022 "$mac"
status 1 "forward add to an unknown device is refused" forward add 9022 02:00:00:00:00:77 22
status 2 "forward add with port 0 is wrong usage" forward add 0 "$mac" 22
status 0 "forward quick-device" forward quick-device "$mac"
check "  opens the seed's ports" within 5 reaches dev1 client "$(lease4_of 1)" 8443
status 0 "diagnose" diagnose
like "  has results" "$(cat "$tb/out")" 'ok|pass'
status 0 "diagnose --json" diagnose --json
json "  is a list of checks" '.checks | length | . >= 8' true

spawn monitor gw "$doppel_bin" monitor
monitor=$spawned
spawn monitor.json gw "$doppel_bin" monitor --json
sleep 1
testbed_device 9
check "monitor tells of a new device" within 20 grep -q "$(mac_of 9)" "$tb/log/monitor"
check "monitor --json, too" within 5 grep -q "\"mac_address\": *\"$(mac_of 9)\"" "$tb/log/monitor.json"
end "$monitor"
within 30 stranger_waits 9 >/dev/null
doppel diagnose >"$tb/out" 2>&1
like "diagnose says of a device why it has no address" "$(cat "$tb/out")" "$(mac_of 9)"

status 2 "no such command is wrong usage" frobnicate
status 2 "no such option is wrong usage" devices --frobnicate
status 2 "no command is wrong usage"
status 0 "-h" -h
for command in status devices sessions forward monitor diagnose agent; do
	status 0 "$command -h" $command -h
	like "  names it" "$(cat "$tb/out")" "$command"
done

agent_end KILL
status 0 "without an agent: devices" devices
like "  from the kernel and the database" "$(cat "$tb/out")" "$(lease4_of 1)"
like "  and says so" "$(cat "$tb/out" "$tb/err")" 'agent'
status 0 "without an agent: devices --json" devices --json
json "  is JSON all the same" '[.devices[].mac_address] | sort | .[0]' "^$mac\$"
status 0 "without an agent: status" status
status 1 "without an agent: forward add is refused" forward add 9022 "$mac" 22
like "  and says what to do" "$(cat "$tb/err")" 'agent'
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
